#!/usr/bin/env bash
# What leaves the shared library, given as the argument, is what the public headers declare; and it
# is linked as it must be: bound at once, on libc and libbsd alone.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
library=$1
need_tool nm readelf

printf '#include <%s>\n' shmpool.h shmpool/backend.h |
    "$CC" -std=c11 -I "$root/include" -E -P -x c - |
    grep -oE 'shmpool_[a-z0-9_]+ *[([]' | tr -d ' ([' | sort -u >"$scratch/declared"
nm -D --defined-only "$library" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' |
    sort >"$scratch/exported"
grep -qx shmpool_inherit_none "$scratch/declared" || fault "the declarations were not found"
diff --label declared --label exported -u "$scratch/declared" "$scratch/exported" >&2 ||
    fault "declared and exported symbols differ"

readelf -dW "$library" >"$scratch/dynamic"
grep -q BIND_NOW "$scratch/dynamic" || fault "symbols are not bound at once (-z now)"
grep -q TEXTREL "$scratch/dynamic" && fault "the code is relocated when it is loaded"
grep -q 'SONAME.*\[libshmpool\.so\.0\]' "$scratch/dynamic" || fault "SONAME is not libshmpool.so.0"
while read -r needed; do
    case $needed in
    libc.so.6 | libbsd.so.0 | ld-linux-*) ;;
    *) fault "needs $needed" ;;
    esac
done < <(sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' "$scratch/dynamic")
verdict
