# The bench of gates: its simulator has unit tests; the program itself is built by `ninja bench_gates` only.
set(gates_dir ${CMAKE_SOURCE_DIR}/tests/bench/gates)
file(CREATE_LINK ${CMAKE_SOURCE_DIR}/tests/bench ${CMAKE_BINARY_DIR}/rooms/tests/bench SYMBOLIC)
add_library(bench_gates_parts STATIC EXCLUDE_FROM_ALL ${gates_dir}/workloads.cpp ${gates_dir}/simulate.cpp
  ${gates_dir}/show.cpp ${gates_dir}/plot.cpp)
target_include_directories(bench_gates_parts PUBLIC ${CMAKE_BINARY_DIR}/rooms/tests)
target_link_libraries(bench_gates_parts PUBLIC room_gate Threads::Threads)
add_executable(bench_gates EXCLUDE_FROM_ALL ${gates_dir}/main.cpp)
target_link_libraries(bench_gates PRIVATE bench_gates_parts)
add_executable(test_bench_gates ${gates_dir}/gates_test.cpp)
target_link_libraries(test_bench_gates PRIVATE bench_gates_parts test_support)
add_test(NAME unit.bench_gates COMMAND test_bench_gates --no-version)
set_tests_properties(unit.bench_gates PROPERTIES TIMEOUT 300 LABELS unit)
add_dependencies(unit_tests test_bench_gates)
