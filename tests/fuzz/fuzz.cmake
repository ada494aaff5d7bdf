# Fuzz targets: each tests/fuzz/NAME_fuzz.cpp becomes fuzz_NAME. Clang only:
#   cmake -S . -B build-fuzz -DCMAKE_C_COMPILER=clang-19 -DCMAKE_CXX_COMPILER=clang++-19
#         -DTRANCHE_FUZZ=ON -DTRANCHE_SANITIZE=address,undefined -DTRANCHE_TESTS=OFF -DCMAKE_BUILD_TYPE=RelWithDebInfo
#   build-fuzz/fuzz_yaml -max_total_time=60 -dict=tests/fuzz/yaml.dict
# A target links the rooms whose headers its source includes ("doc/value.hpp": room_doc); rooms below come along.
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
    target_link_libraries(fuzz_${name} PRIVATE tranche_flags)
    file(STRINGS ${source} includes REGEX "^#include \"[a-z]+/")
    foreach(line ${includes})
      string(REGEX REPLACE "^#include \"([a-z]+)/.*" "\\1" room "${line}")
      if(TARGET room_${room})
        target_link_libraries(fuzz_${name} PRIVATE room_${room})
      endif()
    endforeach()
    add_dependencies(fuzz fuzz_${name})
  endforeach()
endif()
