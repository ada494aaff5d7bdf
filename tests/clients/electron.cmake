# The electron feed before its own client.
add_executable(electron_writer ${CMAKE_SOURCE_DIR}/tests/clients/electron_writer.cpp)
target_link_libraries(electron_writer PRIVATE room_channel room_os)
add_test(NAME clients.electron COMMAND ${CMAKE_SOURCE_DIR}/tests/clients/with_node electron-updater
         ${CMAKE_SOURCE_DIR}/tests/clients/electron_client.mjs $<TARGET_FILE:electron_writer>)
set_tests_properties(clients.electron PROPERTIES TIMEOUT 900 LABELS clients SKIP_RETURN_CODE 77)
if(TARGET tranche)
  add_test(NAME story.electron COMMAND ${CMAKE_SOURCE_DIR}/tests/clients/with_node electron-updater
           ${CMAKE_SOURCE_DIR}/tests/clients/electron_story.mjs $<TARGET_FILE:tranche>)
  set_tests_properties(story.electron PROPERTIES TIMEOUT 900 LABELS story SKIP_RETURN_CODE 77)
endif()
