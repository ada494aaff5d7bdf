# CPU a case of the public conformance suite: bench_sigstore CORPUS. Built by name; the numbers are for tests/bench/run.
add_executable(bench_sigstore EXCLUDE_FROM_ALL ${CMAKE_SOURCE_DIR}/tests/bench/sigstore/bench.cpp)
target_link_libraries(bench_sigstore PRIVATE room_sigstore)
