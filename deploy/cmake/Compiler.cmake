# How our own code is compiled. Generated and third-party code never sees these flags.
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_EXTENSIONS ON) # cleanup attribute, typeof, GNU strerror_r
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

option(WEIR_WERROR "Warnings in our own code are errors" ON)
option(WEIR_TEST_HOOKS "Build fault points and other hooks that only tests may use" OFF)
option(WEIR_FUZZ "Link fuzz targets with libFuzzer (clang only)" OFF)
set(WEIR_SANITIZE "" CACHE STRING "Sanitizers, as in -fsanitize=")

set(sanitized 0)
if(WEIR_SANITIZE)
    set(sanitized 1)
    add_compile_options(
        -fsanitize=${WEIR_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
    add_link_options(-fsanitize=${WEIR_SANITIZE})
    if(WEIR_SANITIZE MATCHES "undefined" AND CMAKE_C_COMPILER_ID STREQUAL "Clang")
        # The C core is C++ inside; the archives bring no sanitizer runtime of their own.
        add_compile_options(-fno-sanitize=vptr,function)
    endif()
endif()
if(WEIR_FUZZ)
    add_compile_options(-fsanitize=fuzzer-no-link)
endif()

add_library(weir_strict INTERFACE)
target_compile_definitions(weir_strict INTERFACE _GNU_SOURCE
    WEIR_VERSION="${PROJECT_VERSION}" $<$<BOOL:${WEIR_TEST_HOOKS}>:WEIR_TEST_HOOKS=1>)
target_include_directories(weir_strict INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_options(weir_strict INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes
    -Wold-style-definition -Wundef -Wvla -Wpointer-arith -Wwrite-strings -Wcast-qual -Wcast-align
    -Wformat=2 -Wconversion -Wsign-conversion -Wdouble-promotion -Wimplicit-fallthrough
    -Wnull-dereference
    $<$<BOOL:${WEIR_WERROR}>:-Werror>
    $<$<C_COMPILER_ID:GNU>:-Wlogical-op -Wduplicated-cond -Wduplicated-branches
      -Wformat-overflow=2 -Walloca>
    # MOVE() is a statement expression, on purpose.
    # protobuf-c's INIT macros cast constants: gcc sees that a system header does, clang does not.
    $<$<C_COMPILER_ID:Clang>:-Wno-gnu-statement-expression -Wno-cast-qual>
    -fstack-protector-strong
    # Sanitizers check the same and more.
    $<$<NOT:${sanitized}>:-fstack-clash-protection>
    $<$<AND:$<CONFIG:Release>,$<NOT:${sanitized}>>:-U_FORTIFY_SOURCE>
    $<$<AND:$<CONFIG:Release>,$<NOT:${sanitized}>>:-D_FORTIFY_SOURCE=2>)
set(CMAKE_C_FLAGS_RELEASE "-O2 -g")
set(CMAKE_C_FLAGS_DEBUG "-O0 -g3")
