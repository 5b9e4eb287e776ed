# What is installed where, and the Debian package made of it (`make package`).
include(GNUInstallDirs)

find_program(WEIR_GZIP gzip)
set(weir_documents ${PROJECT_BINARY_DIR}/documents)

# Debian wants manual pages and changelogs compressed, without a time inside.
function(weir_install_compressed source name destination)
    set(output ${weir_documents}/${name}.gz)
    file(MAKE_DIRECTORY ${weir_documents})
    execute_process(COMMAND ${WEIR_GZIP} -9 -n -c ${source} OUTPUT_FILE ${output}
        COMMAND_ERROR_IS_FATAL ANY)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${source})
    install(FILES ${output} DESTINATION ${destination})
endfunction()

if(WEIR_GZIP)
    weir_install_compressed(${PROJECT_SOURCE_DIR}/deploy/weir.1 weir.1 ${CMAKE_INSTALL_MANDIR}/man1)
    weir_install_compressed(${PROJECT_SOURCE_DIR}/deploy/debian/changelog changelog
        ${CMAKE_INSTALL_DOCDIR})
endif()
install(TARGETS weir RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES deploy/weir.service deploy/weir@.service deploy/weir.socket
    DESTINATION lib/systemd/system)
install(FILES deploy/weir.sysusers DESTINATION lib/sysusers.d RENAME weir.conf)
install(FILES deploy/weir.env DESTINATION /etc/weir)
install(FILES deploy/debian/copyright DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES deploy/debian/lintian-overrides DESTINATION ${CMAKE_INSTALL_DATADIR}/lintian/overrides
    RENAME weir)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_CONTACT "the weir developers <weir@weir.invalid>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "Fivetran destination with an embedded store")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
    "weir takes the tables of a Fivetran sync over gRPC and keeps them in LMDB on a
local disk. Batch files are processed in crash-isolated workers; every batch is
applied all or nothing. It is one self-contained server, run by systemd.")
set(CPACK_DEBIAN_PACKAGE_SECTION database)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "systemd | systemd-standalone-sysusers | systemd-sysusers")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${PROJECT_SOURCE_DIR}/deploy/debian/conffiles
    ${PROJECT_SOURCE_DIR}/deploy/debian/postinst ${PROJECT_SOURCE_DIR}/deploy/debian/prerm
    ${PROJECT_SOURCE_DIR}/deploy/debian/postrm)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_OUTPUT_FILE_PREFIX ${PROJECT_BINARY_DIR}/../../package)
include(CPack)
