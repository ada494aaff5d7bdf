module m
go 1.16
require (
	a.example/b v1.0.0 // indirect
)
replace a.example/b v1.0.0 => ./b
---
a.example/b v1.0.0 h1:x=
c.example/c v1.2.0 h1:y=
c.example/c v1.3.0/go.mod h1:y=
