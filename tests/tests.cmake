# Tests that are not one room's units. Stories and transcripts run the built binary.
add_test(NAME layering COMMAND python3 ${CMAKE_SOURCE_DIR}/tests/layering.py ${CMAKE_SOURCE_DIR})
# Probes of the Merkle tree are JSON files.
target_link_libraries(test_crypto PRIVATE room_doc)
include(${CMAKE_SOURCE_DIR}/tests/transcripts/transcripts.cmake)
include(${CMAKE_SOURCE_DIR}/tests/clients/journal.cmake)
include(${CMAKE_SOURCE_DIR}/tests/clients/sbom.cmake)
include(${CMAKE_SOURCE_DIR}/tests/clients/electron.cmake)
include(${CMAKE_SOURCE_DIR}/tests/clients/stories.cmake)
include(${CMAKE_SOURCE_DIR}/tests/clients/spec.cmake)
include(${CMAKE_SOURCE_DIR}/tests/bench/gates/gates.cmake)
include(${CMAKE_SOURCE_DIR}/tests/bench/sources/sources.cmake)
include(${CMAKE_SOURCE_DIR}/tests/bench/sigstore/sigstore.cmake)
add_test(NAME readme COMMAND python3 ${CMAKE_SOURCE_DIR}/tests/readme.py ${CMAKE_SOURCE_DIR})
