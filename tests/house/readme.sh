#!/usr/bin/env bash
# What README.md and docs/backends.md show works as it stands there.
#
# A ```c block with a main() becomes a file, is compiled against the installed library and run. Its
# name follows the language ("```c first.c"), or is readme-N.c. A ```sh block is run by bash, in the
# root of a copy of the tree in which those programs lie, with the installed library in reach of
# pkg-config. In the copy ./run only checks that the verb exists (the tests would start themselves
# without end) and ctest does nothing; after ./run demo the example is where that verb leaves it.
# Nothing can be installed: cmake --install goes to a folder that is thrown away. What is shown without being run is ```text.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
need_tool cmake pkg-config

pages=("$root/README.md" "$root/docs/backends.md")
copy=$scratch/tree
mkdir "$copy" "$scratch/bin" "$scratch/blocks"
tar -C "$root" --exclude=./build --exclude=./.git -cf - . | tar -C "$copy" -xf -

# Each block as NNN-file, in the order of the pages.
awk -v blocks="$scratch/blocks" '
    /^```/ && !inside { inside = 1; n++; file = ""
        if ($1 == "```c") file = $2 ? $2 : "readme-" n ".c"
        if ($1 == "```sh") file = "readme-" n ".sh"
        if (file) { file = sprintf("%s/%03d-%s", blocks, n, file); printf "" >file }
        next }
    /^```/ { inside = 0; if (file) close(file); next }
    inside && file { print >file }' "${pages[@]}"

cmake --install "$build" --prefix "$scratch/prefix" >"$scratch/log"
PKG_CONFIG_PATH=$(dirname "$(find "$scratch/prefix" -name shmpool.pc)")
export PKG_CONFIG_PATH
LD_LIBRARY_PATH=$(pkg-config --variable=libdir shmpool)
export LD_LIBRARY_PATH
read -ra flags < <(pkg-config --cflags --libs shmpool)

cat >"$copy/run" <<STUB
#!/usr/bin/env bash
"$root/run" 2>&1 | grep -q "^  ./run \${1-} " || { echo "./run has no verb '\${1-}'" >&2; exit 1; }
[[ \${1-} != demo ]] || install -D "$build/examples/wordcount" build/release/examples/wordcount
STUB
printf '#!/bin/sh\nexec "$@"\n' >"$scratch/bin/sudo"
printf '#!/bin/sh\n' >"$scratch/bin/ctest"
chmod +x "$scratch/bin/"*
export PATH=$scratch/bin:$PATH DESTDIR=$scratch/stage

cd "$copy"
programs=0
for block in "$scratch"/blocks/*.c; do
    grep -q 'main(' "$block" || continue
    file=${block##*/???-}
    cp "$block" "$file"
    if ! "$CC" -std=c11 -Wall -Wextra -Werror "$file" -o "${file%.c}" "${flags[@]}" ||
        ! "./${file%.c}"; then
        fault "the program $file"
    fi
    programs=$((programs + 1))
done
((programs >= ${#pages[@]})) || fault "a page shows no program"
for block in "$scratch"/blocks/*.sh; do
    [[ -e $block ]] || continue
    bash -eu -o pipefail "$block" </dev/null || fault "the commands:"$'\n'"$(<"$block")"
done
verdict
