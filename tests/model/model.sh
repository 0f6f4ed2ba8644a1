#!/usr/bin/env bash
# Has spin search docs/model/protocol.pml: model.sh SET..., of the sets of searches.txt. The model
# as it is must hold, each planted fault must be found, and no search may be cut short.
# ctest runs the small ones, `./run soak` the large ones.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
model=$(cd "$here/../../docs/model" && pwd)/protocol.pml

# What a search may use, in steps of depth (by set) and megabytes. Where one is used up the search
# is not complete.
declare -A depth=([small]=50000 [large]=5000000)
memory=${MODEL_MEGABYTES:-4000}

need_tool() {
    local tool
    for tool; do
        command -v "$tool" >/dev/null || {
            echo "skipped: $tool is not installed"
            exit 77
        }
    done
}

# The checker for one search, made in the current folder. A small search is shorter than its
# optimization.
make_checker() {
    local set=$1 name=$2 verdict=$3 level=-O0 kind=(-DSAFETY) settings
    settings=("${@:4}")
    [[ $set == small ]] || level=-O2
    [[ $verdict != progress ]] || kind=(-DNP -DNOFAIR)
    [[ $name != [A-Z]* ]] || settings+=("$name")
    cp "$model" model.pml
    spin -a "${settings[@]/#/-D}" model.pml &&
        clang "$level" -w "${kind[@]}" -DCOLLAPSE -DMEMLIM="$memory" -o pan pan.c
}

# One line of searches.txt, in a folder of its own below the current one.
search() {
    local set=$1 name=$2 verdict=$3 flags=(-n -m"${depth[$1]}")
    mkdir "$set-$name"
    cd "$set-$name"
    make_checker "$@" >make.log 2>&1 || {
        cat make.log
        return 1
    }
    [[ $verdict != progress ]] || flags+=(-l)
    ./pan "${flags[@]}" >pan.log 2>&1 || true
    rm -f pan
    report "$name" "$verdict"
}

# Says what the search in the current folder found; fails when that is not the verdict.
report() {
    local name=$1 verdict=$2 result=incomplete states seconds
    if grep -q 'assertion violated' pan.log; then
        result=fails
    elif grep -Eq 'too small|reached -DMEMLIM|out of memory|not completed' pan.log; then
        result=incomplete
    elif grep -q 'errors: 0$' pan.log; then
        result=holds
    fi
    states=$(awk '/states, stored/ { print $1; exit }' pan.log)
    seconds=$(awk '/elapsed time/ { print $4; exit }' pan.log)
    printf '%-16s %-10s %10s states %8s s\n' "$name" "$result" "${states:-?}" "${seconds:-?}"
    [[ $result == "${verdict/progress/holds}" ]] || {
        echo "fault: $name: expected that it ${verdict/progress/holds}"
        grep -E '^pan:|error' pan.log
        return 1
    }
}

[[ ${1-} != search ]] || {
    shift
    search "$@"
    exit
}

(($#)) || set -- small
need_tool spin clang
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
for set; do
    # Words of a line are words of the command.
    grep "^$set " "$here/searches.txt"
done | xargs -L 1 -P "${MODEL_JOBS:-2}" bash "$here/model.sh" search
