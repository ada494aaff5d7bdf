# bench_journal_filler: makes a journal old, for tests/bench/stop/stop.py. Built by name.
add_executable(bench_journal_filler EXCLUDE_FROM_ALL ${CMAKE_SOURCE_DIR}/tests/bench/stop/journal_filler.cpp)
target_link_libraries(bench_journal_filler PRIVATE room_journal room_os tranche_flags)
