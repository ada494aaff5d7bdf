module m
go 1.16
require (
	a.example/b v1.0.0 / v1.0.0 => ./b
---/ indirect
)
repl