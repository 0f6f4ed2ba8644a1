#!/usr/bin/env bash
# What leaves the shared library, the first argument, and the static one, the second, is what the
# public headers declare; in the shared one with the version that the map gives. That is linked as it
# must be: bound at once, on libc and libbsd alone.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
library=$1
archive=$2
map=$root/cmake/shmpool.map
need_tool nm readelf

(cd "$root/include" && printf '#include <%s>\n' *.h */*.h) |
    "$CC" -std=c11 -I "$root/include" -E -P -x c - |
    grep -oE 'shmpool_[a-z0-9_]+ *[([]' | tr -d ' ([' | sort -u >"$scratch/declared"
version=$(sed -n 's/^\([A-Z0-9_]*\) {$/\1/p' "$map")
sed "s/\$/@@$version/" "$scratch/declared" >"$scratch/versioned"
nm -D --defined-only "$library" | awk '$2 != "A" { print $3 }' | sort >"$scratch/exported"
nm -g --defined-only "$archive" | awk 'NF == 3 { print $3 }' | sort >"$scratch/archived"
grep -qx shmpool_inherit_none "$scratch/declared" || fault "the declarations were not found"
diff --label declared --label exported -u "$scratch/versioned" "$scratch/exported" >&2 ||
    fault "declared and exported symbols differ"
diff --label declared --label archived -u "$scratch/declared" "$scratch/archived" >&2 ||
    fault "declared symbols and those of the static library differ"

readelf -dW "$library" >"$scratch/dynamic"
grep -q BIND_NOW "$scratch/dynamic" || fault "symbols are not bound at once (-z now)"
grep -q NODELETE "$scratch/dynamic" || fault "dlclose takes it from threads (-z nodelete)"
grep -q TEXTREL "$scratch/dynamic" && fault "the code is relocated when it is loaded"
grep -q 'SONAME.*\[libshmpool\.so\.0\]' "$scratch/dynamic" || fault "SONAME is not libshmpool.so.0"
while read -r needed; do
    case $needed in
    libc.so.6 | libbsd.so.0 | ld-linux-*) ;;
    *) fault "needs $needed" ;;
    esac
done < <(sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' "$scratch/dynamic")
verdict
