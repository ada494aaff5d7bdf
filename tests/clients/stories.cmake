# Stories: the built binary with real servers, from the outside.
if(TARGET tranche)
  add_test(NAME story.quickstart COMMAND ${CMAKE_SOURCE_DIR}/tests/clients/quickstart_story $<TARGET_FILE:tranche>)
  add_test(NAME story.quickstart-prometheus COMMAND ${CMAKE_SOURCE_DIR}/tests/clients/quickstart_story $<TARGET_FILE:tranche> --prometheus)
  # They measure seconds of a fleet's life: alone on the machine.
  set_tests_properties(story.quickstart story.quickstart-prometheus PROPERTIES TIMEOUT 900 LABELS story RUN_SERIAL TRUE)
  add_test(NAME story.telemetry COMMAND ${CMAKE_SOURCE_DIR}/tests/clients/telemetry_story $<TARGET_FILE:tranche>)
  set_tests_properties(story.telemetry PROPERTIES TIMEOUT 120 LABELS story)
  add_test(NAME story.gate COMMAND ${CMAKE_SOURCE_DIR}/tests/clients/gate_story $<TARGET_FILE:tranche>)
  set_tests_properties(story.gate PROPERTIES TIMEOUT 300 LABELS story SKIP_RETURN_CODE 77)
  add_test(NAME story.served COMMAND ${CMAKE_SOURCE_DIR}/tests/clients/served_story $<TARGET_FILE:tranche>)
  set_tests_properties(story.served PROPERTIES TIMEOUT 300 LABELS story SKIP_RETURN_CODE 77)
  add_test(NAME story.adopt COMMAND ${CMAKE_SOURCE_DIR}/tests/clients/with_node electron-updater
           ${CMAKE_SOURCE_DIR}/tests/clients/adopt_story.mjs $<TARGET_FILE:tranche>)
  set_tests_properties(story.adopt PROPERTIES TIMEOUT 300 LABELS story SKIP_RETURN_CODE 77)
  add_test(NAME story.s3 COMMAND ${CMAKE_SOURCE_DIR}/tests/clients/s3_story $<TARGET_FILE:tranche>)
  set_tests_properties(story.s3 PROPERTIES TIMEOUT 300 LABELS story SKIP_RETURN_CODE 77)
endif()
