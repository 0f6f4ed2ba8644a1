#!/usr/bin/env bash
# The installed library is complete: a program finds it through pkg-config, through find_package and
# as a part of its own tree, and each of the three runs.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
need_tool cmake ninja pkg-config

prefix=$scratch/prefix
cmake --install "$build" --prefix "$prefix" >"$scratch/log"

for file in include/shmpool.h include/shmpool/{pool,worker,backend}.h lib*/libshmpool.so \
    lib*/libshmpool.so.0 lib*/libshmpool.so.0.1.0 lib*/pkgconfig/shmpool.pc \
    lib*/cmake/shmpool/shmpool-config{,-version}.cmake share/doc/shmpool/LICENSE; do
    # Below lib there may be a folder for the architecture.
    compgen -G "$prefix/$file" >/dev/null || compgen -G "$prefix/${file/lib\*/lib/*}" >/dev/null ||
        fault "not installed: $file"
done

DESTDIR=$scratch/stage cmake --install "$build" --prefix /opt/shmpool >"$scratch/log"
(cd "$prefix" && find . | sort) >"$scratch/direct"
(cd "$scratch/stage/opt/shmpool" && find . | sort) >"$scratch/staged"
diff -u "$scratch/direct" "$scratch/staged" >&2 || fault "DESTDIR: not the same files"

PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name shmpool.pc)")
export PKG_CONFIG_PATH
libdir=$(pkg-config --variable=libdir shmpool)
read -ra flags < <(pkg-config --cflags --libs shmpool)
if ! "$CC" -std=c11 "$here/consumer/consumer.c" -o "$scratch/by-pkg-config" "${flags[@]}" ||
    ! LD_LIBRARY_PATH=$libdir "$scratch/by-pkg-config"; then
    fault "through pkg-config"
fi

# $1: name; the rest: options of the configuration
consumer() {
    local tree=$scratch/$1
    shift
    if ! cmake -G Ninja -S "$here/consumer" -B "$tree" "$@" >"$scratch/log" ||
        ! cmake --build "$tree" >>"$scratch/log" || ! "$tree/consumer"; then
        cat "$scratch/log" >&2
        fault "consumer: $*"
    fi
}
consumer by-find-package -D CMAKE_PREFIX_PATH="$prefix"
consumer by-subdirectory -D SHMPOOL_TREE="$root"
verdict
