# The bench of the journal, built by `ninja bench_journal journal_writer` only.
add_executable(bench_journal EXCLUDE_FROM_ALL ${CMAKE_SOURCE_DIR}/tests/bench/journal/main.cpp)
target_link_libraries(bench_journal PRIVATE room_journal room_os)
