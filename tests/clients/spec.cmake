# The JSON Schema of tranche.yaml, judged by ajv.
add_executable(spec_writer ${CMAKE_SOURCE_DIR}/tests/clients/spec_writer.cpp ${CMAKE_SOURCE_DIR}/lib/spec/examples_test.cpp)
target_link_libraries(spec_writer PRIVATE room_spec room_os)
add_test(NAME clients.schema COMMAND ${CMAKE_SOURCE_DIR}/tests/clients/schema_story $<TARGET_FILE:spec_writer>)
set_tests_properties(clients.schema PROPERTIES TIMEOUT 120 LABELS clients SKIP_RETURN_CODE 77)
