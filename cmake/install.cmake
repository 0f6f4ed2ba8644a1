# Where everything goes. Both package files find the rest relative to themselves, so a tree may be
# staged with DESTDIR, installed with another --prefix, or moved.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

install(TARGETS shmpool EXPORT shmpool FILE_SET HEADERS)

# The library needs no other package at build time: the list of targets is the whole package.
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/shmpool)
install(EXPORT shmpool NAMESPACE shmpool:: FILE shmpool-config.cmake DESTINATION ${package_dir})
write_basic_package_version_file(shmpool-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/shmpool-config-version.cmake DESTINATION ${package_dir})

set(PC_PREFIX ${CMAKE_INSTALL_PREFIX})
cmake_path(RELATIVE_PATH PC_PREFIX BASE_DIRECTORY ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig)
cmake_path(APPEND PC_LIBDIR "\${prefix}" ${CMAKE_INSTALL_LIBDIR})
cmake_path(APPEND PC_INCLUDEDIR "\${prefix}" ${CMAKE_INSTALL_INCLUDEDIR})
configure_file(cmake/shmpool.pc.in shmpool.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/shmpool.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

file(GLOB documents CONFIGURE_DEPENDS LICENSE *.md docs/*.md)
list(FILTER documents EXCLUDE REGEX CONTRIBUTING)
install(FILES ${documents} DESTINATION ${CMAKE_INSTALL_DOCDIR})
