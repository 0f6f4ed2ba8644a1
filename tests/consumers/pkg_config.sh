#!/usr/bin/env bash
# Programs in C and C++ find the installed library through pkg-config, in each standard and with
# each compiler, and run; so do programs that are linked statically.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
need_tool cmake pkg-config gcc g++ clang clang++
stage

for compiler in gcc clang; do
    consumes "" consumer.c "$compiler" -std=c11
    consumes "" consumer.c "$compiler" -std=c17 -fno-pie -no-pie
    consumes --static consumer.c "$compiler" -std=c11 -static
done
for compiler in g++ clang++; do
    consumes "" consumer.cpp "$compiler" -std=c++11
    consumes "" consumer.cpp "$compiler" -std=c++17
    consumes "" consumer.cpp "$compiler" -std=c++20
    consumes --static consumer.cpp "$compiler" -std=c++11 -static
done
verdict
