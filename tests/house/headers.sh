#!/usr/bin/env bash
# Each public header compiles alone, without a warning: as C11 and C17, C++11 and C++20, with gcc and
# with clang. Each header of src/ compiles alone too, so that none leans on what its includer
# included before.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
need_tool gcc g++ clang clang++

# $1: header as a program writes it; the rest: compiler and options
compiles() {
    local header=$1
    shift
    printf '#include %s\n' "$header" |
        "$@" -fsyntax-only -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror -I "$root/include" - ||
        fault "$header: $*"
}

cd "$root/include"
for header in shmpool.h shmpool/*.h; do
    for compiler in gcc clang; do
        compiles "<$header>" "$compiler" -std=c11 -x c
        compiles "<$header>" "$compiler" -std=c17 -x c
    done
    for compiler in g++ clang++; do
        compiles "<$header>" "$compiler" -std=c++11 -x c++
        compiles "<$header>" "$compiler" -std=c++20 -x c++
    done
done

cd "$root/src"
for header in */*.h; do
    compiles "\"$header\"" gcc -std=c11 -D_GNU_SOURCE -I . -x c
done
verdict
