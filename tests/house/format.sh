#!/usr/bin/env bash
# Every C and C++ file has the layout of .clang-format. `clang-format -i FILE` mends one.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
need_tool clang-format

cd "$root"
find include src tools tests examples bench cmake -name '*.[ch]' -print0 -o -name '*.cpp' -print0 |
    xargs -0 clang-format --dry-run -Werror
