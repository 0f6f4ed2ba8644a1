# Where everything goes. Both package files find the rest relative to themselves, so a tree may be
# staged with DESTDIR, installed with another --prefix, or moved.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

install(TARGETS shmpool EXPORT shmpool-shared FILE_SET HEADERS)
install(TARGETS shmpool_static EXPORT shmpool-static FILE_SET HEADERS)

# The libraries are two lists of targets, so that a package may leave out either.
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/shmpool)
install(EXPORT shmpool-shared NAMESPACE shmpool:: DESTINATION ${package_dir})
install(EXPORT shmpool-static NAMESPACE shmpool:: DESTINATION ${package_dir})
write_basic_package_version_file(shmpool-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES cmake/shmpool-config.cmake ${CMAKE_CURRENT_BINARY_DIR}/shmpool-config-version.cmake
        DESTINATION ${package_dir})

set(PC_PREFIX ${CMAKE_INSTALL_PREFIX})
cmake_path(RELATIVE_PATH PC_PREFIX BASE_DIRECTORY ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig)
cmake_path(APPEND PC_LIBDIR "\${prefix}" ${CMAKE_INSTALL_LIBDIR})
cmake_path(APPEND PC_INCLUDEDIR "\${prefix}" ${CMAKE_INSTALL_INCLUDEDIR})
list(TRANSFORM LIBBSD_STATIC_LIBRARY_DIRS PREPEND -L OUTPUT_VARIABLE folders)
list(TRANSFORM LIBBSD_STATIC_LIBRARIES PREPEND -l OUTPUT_VARIABLE libraries)
list(JOIN folders " " folders)
list(JOIN libraries " " libraries)
string(STRIP "${folders} ${libraries}" PC_LIBS_PRIVATE)
configure_file(cmake/shmpool.pc.in shmpool.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/shmpool.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

# In the tree's own shape, so that what the documents point to is where they say.
file(GLOB documents CONFIGURE_DEPENDS LICENSE *.md)
install(FILES ${documents} DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs examples DESTINATION ${CMAKE_INSTALL_DOCDIR}
        PATTERN docs/man EXCLUDE PATTERN docs/site EXCLUDE)

include(cmake/man.cmake)
