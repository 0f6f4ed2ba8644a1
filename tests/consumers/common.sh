# Sourced by the tests of consumers: the library installed and moved, and the words for what a
# program of somebody else is built with.
# shellcheck shell=bash source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/../house/common.sh"

# shellcheck disable=SC2034 # for those who source this
project=$root/tests/consumers/project
: "${VERSION:?the version of the library}"

# Leads pkg-config to the library installed below $1; its folder in $libdir.
use_packages_of() {
    PKG_CONFIG_PATH=$(dirname "$(find "$1" -name shmpool.pc)")
    export PKG_CONFIG_PATH
    libdir=$(dirname "$PKG_CONFIG_PATH")
}

# Installs the build and moves it afterwards; where it is, with a blank in its name: $prefix.
stage() {
    prefix="$scratch/moved here"
    cmake --install "$build" --prefix "$scratch/first" >"$scratch/log"
    mv "$scratch/first" "$prefix"
    use_packages_of "$prefix"
}

# Compiles a consumer with pkg-config's flags and runs it. $1: options for pkg-config; $2: its
# source; the rest: compiler and options.
consumes() {
    local options=$1 source=$2 flags
    shift 2
    eval "flags=($(pkg-config --cflags --libs ${options:+"$options"} shmpool))" # blanks are escaped
    if ! "$@" -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror "-DVERSION=\"$VERSION\"" \
        "$project/$source" -o "$scratch/consumer" "${flags[@]}" ||
        ! LD_LIBRARY_PATH=$libdir "$scratch/consumer"; then
        fault "through pkg-config $options: $source, $*"
    fi
}

# Configures and builds the project of consumers in $scratch/$1 and runs each of its programs; the
# rest: options of the configuration.
builds() {
    local tree=$scratch/$1 program programs=0
    shift
    if ! cmake -G Ninja -S "$project" -B "$tree" -D VERSION="$VERSION" "$@" >"$scratch/log" ||
        ! cmake --build "$tree" >>"$scratch/log"; then
        cat "$scratch/log" >&2
        fault "cmake $*"
        return
    fi
    for program in "$tree"/shmpool{,_static}-C{,XX}[0-9]*; do
        "$program" || fault "$program"
        programs=$((programs + 1))
    done
    ((programs == 10)) || fault "cmake $*: $programs programs"
}
