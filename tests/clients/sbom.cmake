# Our SBOMs read by CycloneDX's library, and held against npm's own.
add_executable(sbom_writer ${CMAKE_SOURCE_DIR}/tests/clients/sbom_writer.cpp)
target_link_libraries(sbom_writer PRIVATE room_sbom room_os)
add_test(NAME clients.sbom COMMAND ${CMAKE_SOURCE_DIR}/tests/clients/npm_sbom_story $<TARGET_FILE:sbom_writer>)
set_tests_properties(clients.sbom PROPERTIES TIMEOUT 300 LABELS clients SKIP_RETURN_CODE 77)
add_test(NAME clients.bom_judges COMMAND ${CMAKE_SOURCE_DIR}/tests/clients/bom_judges $<TARGET_FILE:sbom_writer>)
set_tests_properties(clients.bom_judges PROPERTIES TIMEOUT 300 LABELS clients SKIP_RETURN_CODE 77)
