#!/usr/bin/env bash
# docs/errors.md has each function of the public headers with exactly the errors that its comment
# there names, and every errno that the library sets; the manual pages have the same as that page.
# Before they are judged, the check is: each of the differences planted below must be found.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

errors_of() {
    awk -f "$here/errors.awk" "$@" | sort -u
}

# Prints how page, manual, headers and sources of the tree $1 differ.
differences() {
    errors_of "$1"/include/*.h "$1"/include/*/*.h >"$scratch/headers"
    errors_of "$1"/docs/errors.md >"$scratch/page"
    errors_of "$1"/docs/man/*.[37] | diff --label page --label manual -U 0 "$scratch/page" - |
        grep -v '^@@'
    grep -q '^shmpool_create E' "$scratch/headers" || echo "no errors in the headers"
    grep -v '^meaning' "$scratch/page" | diff --label headers --label page -U 0 "$scratch/headers" - |
        grep -v '^@@'
    # Each errno has a meaning, each that the sources name stands at some function.
    awk '$1 == "meaning" { meant[$2] = 1 } $1 != "meaning" && $2 != "-" { used[$2] = 1 }
        END { for (e in used) if (!(e in meant)) print e " has no meaning"
              for (e in meant) if (!(e in used)) print e " stands at no function" }' "$scratch/page"
    find "$1/src" -name '*.c' -exec cat {} + | tr '\n' ' ' | grep -oE 'error_set(_plain)?\([^"]*' |
        grep -oE '\bE[A-Z]{3,}\b' | sort -u |
        while read -r code; do
            grep -q "^shmpool_.* $code\$" "$scratch/page" || echo "$code is set and not on the page"
        done
}

# The difference that this sed script makes in a file of a copy is found.
finds() {
    local file=$1 script=$2
    rm -rf "$scratch/copy"
    mkdir "$scratch/copy"
    cp -r "$root/docs" "$root/include" "$root/src" "$scratch/copy"
    sed -i "$script" "$scratch/copy/$file"
    cmp -s "$root/$file" "$scratch/copy/$file" && fault "not planted in $file: $script"
    [[ -n $(differences "$scratch/copy") ]] ||
        fault "planted in $file and not found: $script"
}

finds docs/errors.md '/^### .shmpool_root/d'
finds docs/errors.md '0,/^| EPERM .*options/ { /^| EPERM .*options/d }'
finds docs/errors.md 's/^| EIO | the stream/| EPIPE | the stream/'
finds docs/errors.md '/^| EACCES | the pool is not granted/d'
finds docs/errors.md '/^| ESRCH | the worker has ended |$/d'
finds include/shmpool/pool.h 's/EPERM (it is below/(it is below/; s/EPERM (it is/(it is/'
finds include/shmpool/pool.h 's/^int shmpool_recover(.*/&\nint shmpool_later(shmpool_id pool);/'
finds include/shmpool/worker.h 's/EDEADLK (a worker/EBUSY (a worker/'
finds docs/man/shmpool_grow.3 '0,/^\.It Bq Er EAGAIN/ { /^\.It Bq Er EAGAIN/d }'
finds docs/man/shmpool_alloc.3 '/^\.Fn shmpool_alloc_aligned$/d'
finds docs/man/shmpool.7 's/^\.It Bq Er ESRCH/.It Bq Er EPIPE/'
finds src/family/inside.c 's/error_set(EBUSY,/error_set(EXDEV,/'

found=$(differences "$root")
[[ -z $found ]] || fault "docs/errors.md, docs/man:"$'\n'"$found"
verdict
