#!/usr/bin/env bash
# Projects in C and C++ find both installed libraries through find_package, with gcc and with clang.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
need_tool cmake ninja gcc g++ clang clang++
stage

CC=gcc CXX=g++ builds gcc -D CMAKE_PREFIX_PATH="$prefix"
CC=clang CXX=clang++ builds clang -D CMAKE_PREFIX_PATH="$prefix"
verdict
