#!/usr/bin/env bash
# A project has the library's tree as a part of its own and uses both libraries from there. What it
# installs, here below lib/ARCHITECTURE, is found by pkg-config too.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
need_tool cmake ninja pkg-config g++

builds project -D SHMPOOL_TREE="$root" -D SHMPOOL_INSTALL=ON \
    -D CMAKE_INSTALL_LIBDIR="lib/$("$CC" -dumpmachine)"
DESTDIR=$scratch/stage cmake --install "$scratch/project" --prefix /usr >"$scratch/log"
use_packages_of "$scratch/stage"
[[ $PKG_CONFIG_PATH == */usr/lib/*/pkgconfig ]] || fault "installed in $PKG_CONFIG_PATH"
consumes "" consumer.c "$CC" -std=c11
verdict
