# The static library. An archive hides nothing: names that the sources share among themselves, such
# as error_set, would meet those of the program. So it holds one object, all sources linked
# together, in which every name but the public ones is local.
set(merged ${CMAKE_CURRENT_BINARY_DIR}/shmpool.o)
set(merge ${CMAKE_C_COMPILER} -r -nostdlib)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
    list(APPEND merge -flinker-output=nolto-rel) # where sources are compiled with -flto
endif()
add_custom_command(
    OUTPUT ${merged}
    COMMAND ${merge} -o ${merged} $<TARGET_OBJECTS:shmpool_objects>
    COMMAND ${CMAKE_OBJCOPY} --localize-hidden ${merged}
    DEPENDS $<TARGET_OBJECTS:shmpool_objects>
    COMMENT "Linking the static library's object"
    COMMAND_EXPAND_LISTS VERBATIM)

add_library(shmpool_static STATIC ${merged})
add_library(shmpool::shmpool_static ALIAS shmpool_static)
target_sources(shmpool_static PUBLIC FILE_SET HEADERS BASE_DIRS include FILES ${public_headers})
list(REMOVE_ITEM LIBBSD_STATIC_LIBRARY_DIRS ${CMAKE_C_IMPLICIT_LINK_DIRECTORIES})
target_link_directories(shmpool_static INTERFACE ${LIBBSD_STATIC_LIBRARY_DIRS})
target_link_libraries(shmpool_static INTERFACE ${LIBBSD_STATIC_LIBRARIES})
set_target_properties(shmpool_static PROPERTIES OUTPUT_NAME shmpool LINKER_LANGUAGE C)
