#!/usr/bin/env bash
# The floors of the tree: every #include keeps to the table in floors.txt. Before the tree is
# judged, the check is: in a copy, each of the planted violations below must be found.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# Prints each violation in the tree at $1 as "file:line: what is wrong".
violations() {
    cd "$1" || return
    find src tools examples bench -name '*.[ch]' -print0 | sort -z |
        xargs -0 -r awk -v table="$here/floors.txt" -f "$here/floors.awk"
}

# The check finds this line when it stands in this file.
finds() {
    local file=$1 line=$2 found
    mkdir -p "$(dirname "$scratch/copy/$file")"
    printf '%s\n' "$line" >"$scratch/copy/$file"
    found=$(violations "$scratch/copy")
    [[ $found == "$file:1: "* ]] || fault "planted in $file and not found: $line"
    rm "$scratch/copy/$file"
}

mkdir "$scratch/copy"
cp -r "$root/src" "$root/tools" "$root/examples" "$root/bench" "$scratch/copy"
find "$scratch/copy" -type f -delete
finds src/base/planted.c '#include "core/pages.h"'
finds src/base/planted.c '#include <sys/mman.h>'
finds src/base/planted.h '#include "error.h"'
finds src/base/planted.h '#include "../core/pages.h"'
finds src/core/planted.c '#include <stdlib.h>'
finds src/core/planted.c '#include <sys/types.h>'
finds src/core/planted.c '#include "backend/backend.h"'
finds src/core/planted.h '  #  include "family/registry.h"'
finds src/backend/planted.c '#include "core/layout.h"'
finds src/backend/planted.c '#include "backend_posix/posix.h"'
finds src/backend_memfd/planted.c '#include "backend_posix/posix.h"'
finds src/backend_posix/planted.c '#include "family/registry.h"'
finds src/family/planted.c '#include <sys/shm.h>'
finds src/family/planted.c '#include <linux/mman.h>'
finds src/family/planted.c '#include "family/registry.c"'
finds src/family/planted.c '#include HEADER'
finds src/cellar/planted.c '#include <stddef.h>'
finds examples/planted/planted.c '#include "base/error.h"'
finds examples/planted/planted.c '#include <sys/mman.h>'
finds tools/planted/planted.c '#include "core/census.h"'
finds tools/planted/planted.c '#include <sys/shm.h>'
finds examples/backend_file/planted.c '#include "backend/fdobject.h"'
finds bench/planted.c '#include "core/layout.h"'

found=$(violations "$root")
[[ -z $found ]] || fault "the tree breaks the floors:"$'\n'"$found"
verdict
