# How the folders declare what they hold.

# weir_library(NAME SOURCES file... USES library...)
function(weir_library name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;USES")
    add_library(${name} STATIC ${arg_SOURCES})
    target_link_libraries(${name} PRIVATE weir_strict PUBLIC ${arg_USES})
    target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR})
endfunction()

# weir_unit_test(PATH USES library...): tests/unit/PATH.c as the test unit/PATH.
function(weir_unit_test path)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;USES")
    string(REPLACE "/" "_" target "unit_${path}")
    add_executable(${target} ${PROJECT_SOURCE_DIR}/tests/unit/${path}.c ${arg_SOURCES})
    target_link_libraries(${target} PRIVATE weir_strict ${arg_USES} cmocka)
    add_test(NAME unit/${path} COMMAND ${target})
    set(timeout 120)
    if(WEIR_SANITIZE)
        set(timeout 480)
    endif()
    set_tests_properties(unit/${path} PROPERTIES LABELS unit TIMEOUT ${timeout})
endfunction()

# weir_fuzz_target(NAME [SOURCE file] [DEFINES name=value...] USES library...):
# tests/fuzz/fuzz_NAME.c, unless said otherwise. Without WEIR_FUZZ it replays the corpus in
# tests/fuzz/corpus/NAME, in every test run; with it, it fuzzes for $FUZZ_SECONDS.
add_custom_target(fuzzers)
function(weir_fuzz_target name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "SOURCE" "DEFINES;USES")
    if(NOT arg_SOURCE)
        set(arg_SOURCE fuzz_${name}.c)
    endif()
    set(target fuzz_${name})
    add_executable(${target} ${PROJECT_SOURCE_DIR}/tests/fuzz/${arg_SOURCE})
    target_compile_definitions(${target} PRIVATE ${arg_DEFINES})
    target_link_libraries(${target} PRIVATE weir_strict ${arg_USES})
    if(WEIR_FUZZ)
        target_link_options(${target} PRIVATE -fsanitize=fuzzer)
        add_dependencies(fuzzers ${target})
        add_test(NAME fuzz/${name} COMMAND ${PROJECT_SOURCE_DIR}/tests/support/fuzz.sh
            $<TARGET_FILE:${target}> ${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${name})
        set_tests_properties(fuzz/${name} PROPERTIES LABELS fuzz)
    else()
        target_sources(${target} PRIVATE ${PROJECT_SOURCE_DIR}/tests/fuzz/replay_main.c)
        add_test(NAME fuzz/${name}
            COMMAND ${target} ${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${name})
        set_tests_properties(fuzz/${name} PROPERTIES LABELS fuzz TIMEOUT 120)
    endif()
endfunction()
