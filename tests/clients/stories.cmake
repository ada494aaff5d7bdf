# Stories: the built binary with real servers, from the outside.
if(TARGET tranche)
  add_test(NAME story.quickstart COMMAND ${CMAKE_SOURCE_DIR}/tests/clients/quickstart_story $<TARGET_FILE:tranche>)
  add_test(NAME story.quickstart-prometheus COMMAND ${CMAKE_SOURCE_DIR}/tests/clients/quickstart_story $<TARGET_FILE:tranche> --prometheus)
  # They measure seconds of a fleet's life: alone on the machine.
  set_tests_properties(story.quickstart story.quickstart-prometheus PROPERTIES TIMEOUT 900 LABELS story RUN_SERIAL TRUE)
  add_test(NAME story.telemetry COMMAND ${CMAKE_SOURCE_DIR}/tests/clients/telemetry_story $<TARGET_FILE:tranche>)
  set_tests_properties(story.telemetry PROPERTIES TIMEOUT 120 LABELS story)
  add_test(NAME story.playbook COMMAND ${CMAKE_SOURCE_DIR}/tests/clients/playbook_story $<TARGET_FILE:tranche>)
  set_tests_properties(story.playbook PROPERTIES TIMEOUT 180 LABELS story)
  add_test(NAME story.gate COMMAND ${CMAKE_SOURCE_DIR}/tests/clients/gate_story $<TARGET_FILE:tranche>)
  set_tests_properties(story.gate PROPERTIES TIMEOUT 300 LABELS story SKIP_RETURN_CODE 77)
  add_test(NAME story.served COMMAND ${CMAKE_SOURCE_DIR}/tests/clients/served_story $<TARGET_FILE:tranche>)
  set_tests_properties(story.served PROPERTIES TIMEOUT 300 LABELS story SKIP_RETURN_CODE 77)
  add_test(NAME story.apt COMMAND ${CMAKE_SOURCE_DIR}/tests/clients/apt_story $<TARGET_FILE:tranche>)
  set_tests_properties(story.apt PROPERTIES TIMEOUT 300 LABELS story SKIP_RETURN_CODE 77)
  add_test(NAME story.adopt COMMAND ${CMAKE_SOURCE_DIR}/tests/clients/with_node electron-updater
           ${CMAKE_SOURCE_DIR}/tests/clients/adopt_story.mjs $<TARGET_FILE:tranche>)
  set_tests_properties(story.adopt PROPERTIES TIMEOUT 300 LABELS story SKIP_RETURN_CODE 77)
  add_test(NAME story.s3 COMMAND ${CMAKE_SOURCE_DIR}/tests/clients/s3_story $<TARGET_FILE:tranche>)
  set_tests_properties(story.s3 PROPERTIES TIMEOUT 300 LABELS story SKIP_RETURN_CODE 77)
  add_test(NAME story.tauri COMMAND ${CMAKE_SOURCE_DIR}/tests/clients/tauri_story $<TARGET_FILE:tranche>)
  set_tests_properties(story.tauri PROPERTIES TIMEOUT 180 LABELS story SKIP_RETURN_CODE 77)
  add_test(NAME clients.sigstore-corpus COMMAND ${CMAKE_SOURCE_DIR}/tests/clients/sigstore_corpus $<TARGET_FILE:tranche>)
  set_tests_properties(clients.sigstore-corpus PROPERTIES TIMEOUT 300 LABELS clients SKIP_RETURN_CODE 77)
  add_test(NAME clients.sigstore-agreement COMMAND ${CMAKE_SOURCE_DIR}/tests/clients/with_node @sigstore/verify
           ${CMAKE_SOURCE_DIR}/tests/clients/sigstore_agreement.mjs $<TARGET_FILE:tranche>)
  set_tests_properties(clients.sigstore-agreement PROPERTIES TIMEOUT 180 LABELS clients SKIP_RETURN_CODE 77)
  add_test(NAME story.desktop COMMAND ${CMAKE_SOURCE_DIR}/tests/clients/desktop_story $<TARGET_FILE:tranche>)
  set_tests_properties(story.desktop PROPERTIES TIMEOUT 300 LABELS story SKIP_RETURN_CODE 77)
  add_test(NAME story.keyless COMMAND ${CMAKE_SOURCE_DIR}/tests/clients/with_node @sigstore/verify
           ${CMAKE_SOURCE_DIR}/tests/clients/keyless_story.mjs $<TARGET_FILE:tranche>)
  set_tests_properties(story.keyless PROPERTIES TIMEOUT 180 LABELS story SKIP_RETURN_CODE 77)
  add_test(NAME story.sigstore-npm COMMAND ${CMAKE_SOURCE_DIR}/tests/clients/with_node @sigstore/sign
           ${CMAKE_SOURCE_DIR}/tests/clients/sigstore_npm_story.mjs $<TARGET_FILE:tranche>)
  set_tests_properties(story.sigstore-npm PROPERTIES TIMEOUT 180 LABELS story SKIP_RETURN_CODE 77)
  add_test(NAME story.model COMMAND ${CMAKE_SOURCE_DIR}/tests/clients/model_story $<TARGET_FILE:tranche>)
  set_tests_properties(story.model PROPERTIES TIMEOUT 120 LABELS story SKIP_RETURN_CODE 77)
  add_test(NAME story.image COMMAND ${CMAKE_SOURCE_DIR}/tests/clients/image_story $<TARGET_FILE:tranche>)
  set_tests_properties(story.image PROPERTIES TIMEOUT 180 LABELS story SKIP_RETURN_CODE 77)
  add_test(NAME story.attest COMMAND ${CMAKE_SOURCE_DIR}/tests/clients/with_node @sigstore/verify
           ${CMAKE_SOURCE_DIR}/tests/clients/attest_story.mjs $<TARGET_FILE:tranche>)
  add_test(NAME story.release COMMAND ${CMAKE_SOURCE_DIR}/tests/clients/with_node @sigstore/verify
           ${CMAKE_SOURCE_DIR}/tests/clients/release_story.mjs $<TARGET_FILE:tranche>)
  set_tests_properties(story.release PROPERTIES TIMEOUT 900 LABELS story SKIP_RETURN_CODE 77)
  set_tests_properties(story.attest PROPERTIES TIMEOUT 180 LABELS story SKIP_RETURN_CODE 77)
  add_test(NAME clients.sarif COMMAND ${CMAKE_SOURCE_DIR}/tests/clients/with_node @microsoft/jest-sarif
           ${CMAKE_SOURCE_DIR}/tests/clients/sarif_story.mjs $<TARGET_FILE:tranche>)
  set_tests_properties(clients.sarif PROPERTIES TIMEOUT 180 LABELS clients SKIP_RETURN_CODE 77)
  add_test(NAME story.notify COMMAND ${CMAKE_SOURCE_DIR}/tests/clients/with_node openapi-backend
           ${CMAKE_SOURCE_DIR}/tests/clients/notify_story.mjs $<TARGET_FILE:tranche>)
  set_tests_properties(story.notify PROPERTIES TIMEOUT 300 LABELS story SKIP_RETURN_CODE 77)
endif()
