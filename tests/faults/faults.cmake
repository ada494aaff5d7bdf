# The built binary, broken from outside: tests/faults/run says how. TRANCHE_FAULTS_FULL=1 runs the large size.
add_library(faults_shim MODULE tests/faults/shim.c)
set_target_properties(faults_shim PROPERTIES PREFIX "" C_VISIBILITY_PRESET default)
target_compile_options(faults_shim PRIVATE -fno-sanitize=all)
target_link_libraries(faults_shim PRIVATE ${CMAKE_DL_LIBS})
if(TARGET tranche)
  foreach(part kills-dir kills-git kills-http kills-s3 kills-hands power-dir power-git disk-dir disk-git flips-dir flips-git flips-http remote-http remote-s3
               races-dir races-git clocks)
    add_test(NAME faults.${part} COMMAND ${CMAKE_SOURCE_DIR}/tests/faults/run $<TARGET_FILE:tranche>
             $<TARGET_FILE:faults_shim> ${part})
    set_tests_properties(faults.${part} PROPERTIES TIMEOUT 900 LABELS faults SKIP_RETURN_CODE 77)
  endforeach()
endif()
