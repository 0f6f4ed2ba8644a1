#!/usr/bin/env bash
# What is installed is complete and the same under DESTDIR; a package that cannot serve is refused:
# of another version, or without the library that is asked for.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
need_tool cmake ninja pkg-config readelf
stage

diff -r "$root/include" "$prefix/include" >&2 || fault "not the headers of the tree"
for file in lib*/libshmpool.{a,so} \
    "lib*/libshmpool.so.$VERSION" lib*/pkgconfig/shmpool.pc \
    lib*/cmake/shmpool/shmpool-config{,-version}.cmake share/doc/shmpool/{LICENSE,README.md} \
    share/bash-completion/completions/shmpool; do
    # Below lib there may be a folder for the architecture.
    compgen -G "$prefix/$file" >/dev/null || compgen -G "$prefix/${file/lib\*/lib/*}" >/dev/null ||
        fault "not installed: $file"
done

# What the documents point to is installed with them.
while IFS=: read -r document link; do
    [[ $link == http* || -e $(dirname "$document")/${link%%#*} ]] ||
        fault "${document#"$prefix"/} points to $link, which is not installed"
done < <(find "$prefix/share/doc/shmpool" -name '*.md' -exec grep -oP '^(?!```).*?\]\(\K[^)]+' -H {} +)

# Each function has a manual page: its own, or a line that leads to one.
man=$prefix/share/man
diff <(cd "$root/docs/man" && LC_ALL=C ls) <(cd "$man" && find . -type f ! -exec grep -q '^\.so ' {} \; \
    -printf '%f\n' | LC_ALL=C sort) >&2 || fault "not the manual pages of the tree"
while read -r function; do
    page=$man/man3/$function.3
    source=$(sed -n 's/^\.so //p' "$page")
    grep -q "^\.Nm $function\( ,\)\?$" "$man/${source:-man3/$function.3}" ||
        fault "no manual page of $function"
done < <(grep -ohE 'shmpool_[a-z_]+\(' "$root"/include/shmpool/{pool,worker,inspect}.h | tr -d '(' | sort -u)

# Programs ask for the SONAME, compilers for the name without a number: both lead to one file.
soname=$(readelf -dW "$libdir/libshmpool.so" | sed -n 's/.*(SONAME).*\[\(.*\)\]/\1/p')
[[ $(readlink "$libdir/libshmpool.so") == "$soname" ]] || fault "libshmpool.so is not $soname"
[[ $(readlink "$libdir/$soname") == "libshmpool.so.$VERSION" ]] || fault "$soname is not $VERSION"

# The tool finds the library that it was installed with, wherever both are.
[[ $(env -u LD_LIBRARY_PATH "$prefix/bin/shmpool" --version) == "shmpool $VERSION" ]] ||
    fault "the installed tool does not run"

# Nothing that is installed knows where it was built or first installed.
grep -rlF -e "$scratch" -e "$build" --include='*.pc' --include='*.cmake' "$prefix" >&2 &&
    fault "paths of this machine are installed"

DESTDIR=$scratch/stage cmake --install "$build" --prefix /opt/shmpool >"$scratch/log"
diff -r "$prefix" "$scratch/stage/opt/shmpool" >&2 || fault "DESTDIR: not the same files"
cmake --install "$build" --prefix "$prefix" >"$scratch/log" || fault "installed a second time"

# Whether find_package finds the library, asked in these words.
mkdir "$scratch/asks"
cat >"$scratch/asks/CMakeLists.txt" <<'TEXT'
cmake_minimum_required(VERSION 3.25)
project(asks LANGUAGES NONE)
find_package(shmpool ${WORDS} REQUIRED)
TEXT
finds() {
    cmake -G Ninja -S "$scratch/asks" -B "$scratch/asks/build" -D CMAKE_PREFIX_PATH="$prefix" \
        -D WORDS="$1" >"$scratch/log" 2>&1
}
IFS=. read -r major minor patch <<<"$VERSION"
for words in "$VERSION" "$major.$minor" "$VERSION;EXACT" "COMPONENTS;shared;static"; do
    finds "$words" || fault "find_package does not find it: $words"
done
for words in "$major.$((minor + 1))" "$((major + 1))" "$major.$minor.$((patch + 1))" \
    "COMPONENTS;nothing"; do
    finds "$words" && fault "find_package finds it: $words"
done
pkg-config --exact-version="$VERSION" shmpool || fault "pkg-config knows another version"

# A package may leave out the static library.
rm "$libdir/libshmpool.a" "$libdir"/cmake/shmpool/shmpool-static*
finds "COMPONENTS;shared" || fault "without a static library the shared one is not found"
finds "COMPONENTS;static" && fault "a static library that is not there is found"
verdict
