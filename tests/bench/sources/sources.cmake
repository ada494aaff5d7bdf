# bench_sources: what a gate's question costs beside a bare curl handle. Not a test: tests/bench/run prints it.
find_package(CURL QUIET)
if(CURL_FOUND)
  add_executable(bench_sources EXCLUDE_FROM_ALL ${CMAKE_CURRENT_LIST_DIR}/main.cpp)
  target_link_libraries(bench_sources PRIVATE room_metrics room_os tranche_flags CURL::libcurl)
endif()
