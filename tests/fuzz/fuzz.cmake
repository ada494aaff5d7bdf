# Fuzz targets: each tests/fuzz/NAME_fuzz.cpp becomes fuzz_NAME. Clang only:
#   cmake -S . -B build-fuzz -DCMAKE_C_COMPILER=clang-19 -DCMAKE_CXX_COMPILER=clang++-19
#         -DTRANCHE_FUZZ=ON -DTRANCHE_SANITIZE=address,undefined -DTRANCHE_TESTS=OFF -DCMAKE_BUILD_TYPE=RelWithDebInfo
#   build-fuzz/fuzz_yaml -max_total_time=60 -dict=tests/fuzz/yaml.dict
# A target links the rooms that its source names in a line "// rooms: doc spec"; rooms below come along.
# The rooms are compiled with coverage (TRANCHE_FUZZ) and with the sanitizers (TRANCHE_SANITIZE).
if(TRANCHE_FUZZ)
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    message(FATAL_ERROR "TRANCHE_FUZZ needs clang: -DCMAKE_CXX_COMPILER=clang++-19")
  endif()
  file(GLOB fuzz_sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/*_fuzz.cpp)
  add_custom_target(fuzz)  # all of them
  foreach(source ${fuzz_sources})
    get_filename_component(name ${source} NAME_WE)
    string(REGEX REPLACE "_fuzz$" "" name ${name})
    add_executable(fuzz_${name} ${source})
    target_compile_options(fuzz_${name} PRIVATE -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all)
    target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer,address,undefined)
    file(STRINGS ${source} rooms REGEX "^// rooms:")
    string(REGEX MATCHALL "[a-z]+" rooms "${rooms}")
    list(REMOVE_ITEM rooms rooms)
    if(NOT rooms)
      message(FATAL_ERROR "${source}: say which rooms it needs: // rooms: doc")
    endif()
    list(TRANSFORM rooms PREPEND room_)
    target_link_libraries(fuzz_${name} PRIVATE ${rooms} tranche_flags)
    add_dependencies(fuzz fuzz_${name})
  endforeach()
endif()
