# Our journals read by Go's transparency log code.
add_executable(journal_writer tests/clients/journal_writer.cpp)
target_link_libraries(journal_writer PRIVATE room_journal room_os)
add_test(NAME clients.journal COMMAND ${CMAKE_SOURCE_DIR}/tests/clients/journal_story $<TARGET_FILE:journal_writer>)
set_tests_properties(clients.journal PROPERTIES TIMEOUT 300 LABELS clients SKIP_RETURN_CODE 77)
if(TARGET tranche)
  add_test(NAME story.evidence COMMAND ${CMAKE_SOURCE_DIR}/tests/clients/evidence_story $<TARGET_FILE:tranche>)
  set_tests_properties(story.evidence PROPERTIES TIMEOUT 300 LABELS story SKIP_RETURN_CODE 77)
endif()
