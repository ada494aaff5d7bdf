# What platforms have inside their packages, by their own tools; and Apple's notary service.
if(TARGET tranche)
  foreach(name packages authenticode notary)
    add_test(NAME story.${name} COMMAND ${CMAKE_SOURCE_DIR}/tests/clients/${name}_story $<TARGET_FILE:tranche>)
    set_tests_properties(story.${name} PROPERTIES TIMEOUT 300 LABELS story SKIP_RETURN_CODE 77)
  endforeach()
endif()
