# The libraries, all from the distribution, linked as archives: the executable must start in a
# container that has none of them. Only the C library stays shared.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_program(PROTOC protoc REQUIRED)
find_program(PROTOC_C protoc-c REQUIRED)

# Sets `archive_out` to the path of lib`name`.a, from the system or from the compiler's own folder.
function(weir_find_archive name archive_out)
    find_library(WEIR_ARCHIVE_${name} NAMES lib${name}.a)
    set(archive "${WEIR_ARCHIVE_${name}}")
    if(NOT archive)
        execute_process(COMMAND ${CMAKE_C_COMPILER} -print-file-name=lib${name}.a
            OUTPUT_VARIABLE archive OUTPUT_STRIP_TRAILING_WHITESPACE)
        if(NOT IS_ABSOLUTE "${archive}")
            message(FATAL_ERROR "could not find lib${name}.a: install its development package "
                "(`make build_dependencies` installs all of them)")
        endif()
    endif()
    set(${archive_out} "${archive}" PARENT_SCOPE)
endfunction()

# Defines weir::`target` as the archives lib`name`.a for each further argument, searched as a group.
function(weir_archives target)
    set(archives "")
    foreach(name IN LISTS ARGN)
        weir_find_archive(${name} archive)
        list(APPEND archives "${archive}")
    endforeach()
    list(REMOVE_DUPLICATES archives)
    add_library(weir_${target} INTERFACE)
    target_link_libraries(weir_${target} INTERFACE
        -Wl,--start-group ${archives} -Wl,--end-group Threads::Threads ${CMAKE_DL_LIBS} m)
    add_library(weir::${target} ALIAS weir_${target})
endfunction()

pkg_check_modules(GRPC REQUIRED grpc)
set(grpc_archives ${GRPC_STATIC_LIBRARIES})
list(FILTER grpc_archives EXCLUDE REGEX "^(dl|m|rt|pthread)$")
list(REMOVE_DUPLICATES grpc_archives)

weir_archives(grpc ${grpc_archives} stdc++ gcc_eh)
weir_archives(protobuf_c protobuf-c)
weir_archives(nng nng mbedtls mbedx509 mbedcrypto)
weir_archives(lmdb lmdb)
weir_archives(zstd zstd)
weir_archives(zlib z)
weir_archives(crypto crypto)
weir_archives(seccomp seccomp)
