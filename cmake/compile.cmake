# How everything in this tree is compiled, and how the shared library is linked.
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

add_compile_definitions(_GNU_SOURCE)
add_compile_options(-Wall -Wextra -Wpedantic -Wconversion -Wshadow)
if(SHMPOOL_WERROR)
    add_compile_options(-Werror)
endif()

if(SHMPOOL_SANITIZE)
    add_compile_options(-fsanitize=${SHMPOOL_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    add_link_options(-fsanitize=${SHMPOOL_SANITIZE})
endif()
if(SHMPOOL_COVERAGE)
    # Counters are atomic: threads and processes count at once.
    add_compile_options(--coverage -fprofile-update=atomic)
    add_link_options(--coverage)
endif()

# All symbols are bound when the library is loaded: a lazy binding inside an operation would be
# hundreds of instructions more to die in. It stays when it is dlclosed, for threads that used it
# call it when they end. Sanitizers leave symbols undefined, and the coverage
# build exports an _exit of its own (cmake/coverage_exit.c).
function(shmpool_link_options target)
    target_link_options(${target} PRIVATE LINKER:-z,now LINKER:-z,nodelete)
    if(NOT SHMPOOL_SANITIZE)
        target_link_options(${target} PRIVATE LINKER:-z,defs)
    endif()
    if(NOT SHMPOOL_COVERAGE)
        set(map ${PROJECT_SOURCE_DIR}/cmake/shmpool.map)
        target_link_options(${target} PRIVATE LINKER:--version-script=${map})
        set_property(TARGET ${target} APPEND PROPERTY LINK_DEPENDS ${map})
    endif()
endfunction()
