#!/usr/bin/env bash
# bench.sh PROGRAMS [--quick]: all measurements, and the report of them: docs/bench.md, and its
# figures and plots in docs/bench. A quick run leaves docs alone and writes beside the programs.
#
# In each repetition all contenders take their turn at a cell before the next cell is begun, so that
# what the machine does meanwhile meets them alike. A contender that fails or takes too long at a
# row is not asked again there with as many processes or more.
set -euo pipefail
here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
programs=$1
raw=$programs/../raw
results=$here/../docs/bench
repetitions=5
milliseconds=60
patience=10
megabytes=300
processes=(1 2 4)
until=$((SECONDS + 36000))

contenders=(floor2cas shmpool boost apr mm glibc jemalloc mimalloc)

# Row, workload, percent filled, pages, who takes part.
all=${contenders[*]}
sparse="floor2cas shmpool" # what others write into free pages makes their pool resident
rows=(
    "W1|W1 0 65536|$all"
    "W2|W2 0 65536|$all"
    "W3, 75 % full|W3 75 65536|$all"
    "W3, 95 % full|W3 95 65536|$all"
    "W3, 95 % full, slowest of 1000|W3s 95 65536|$all"
    "W4|W4 75 65536|$all"
    "W5|W5 75 1048576|$all"
    "W7|W7 75 65536|$all"
    "W1 in 16 MiB|W1 0 4096|$sparse"
    "W1 in 4 GiB|W1 0 1048576|$sparse"
    "W1 in 64 GiB|W1 0 16777216|$sparse"
    "W3, 95 % of 16 MiB|W3 95 4096|$sparse"
    "W3, 95 % of 4 GiB|W3 95 1048576|$sparse"
    "W3, 95 % of 64 GiB|W3 95 16777216|$sparse"
)

case ${2-} in
--quick)
    results=$programs/../results
    milliseconds=20
    patience=2
    megabytes=30
    processes=(1 2)
    until=$((SECONDS + 90))
    ;;
'') ;;
*)
    echo "usage: ./run bench [--quick]" >&2
    exit 2
    ;;
esac

declare -A gave_up # with how many processes

preload_of() {
    case $1 in
    jemalloc) echo libjemalloc.so.2 ;;
    mimalloc) echo libmimalloc.so.2 ;;
    esac
}

# One measurement of contender $1; the rest is workload, percent, pages, processes, seed. What W4
# leaves is of a pool that has settled, which takes longer.
measure() {
    local name=$1 preload length=$milliseconds
    [[ $2 != W4 ]] || length=$((milliseconds * 4))
    preload=$(preload_of "$name")
    [[ $name == glibc || -n $preload ]] && name=malloc
    LD_PRELOAD=$preload timeout "$patience" "$programs/bench-measure" "$name" "$2" "$3" "$4" "$5" \
        "$length" "$6"
}

# All contenders at one cell, for repetition $1: row, workload..., processes.
cell() {
    local repetition=$1 row=$2 n=$4 name line
    local -a workload names
    read -ra workload <<<"$3"
    read -ra names <<<"$5"
    for name in "${names[@]}"; do
        ((n < ${gave_up[$row/$name]:-1000})) || continue
        if line=$(measure "$name" "${workload[@]}" "$n" "$repetition" 2>>"$raw/complaints"); then
            echo "$row|$n|$name|$repetition|${line// /|}" >>"$raw/measurements"
        else
            gave_up[$row/$name]=$n
        fi
    done
}

repeat() {
    local row n label workload names
    for row in "${rows[@]}"; do
        IFS='|' read -r label workload names <<<"$row"
        for n in "${processes[@]}"; do
            ((SECONDS < until)) || return 0
            cell "$1" "$label" "$workload" "$n" "$names"
        done
    done
}

machine() {
    local model
    model=$(sed -n 's/^model name[[:space:]]*: //p' /proc/cpuinfo | head -n 1)
    echo "${model:-$(uname -m)}, $(nproc) processors, Linux $(uname -r | cut -d- -f1)"
}

load=$(cut -d ' ' -f 1 /proc/loadavg)
mkdir -p "$raw" "$results"
rm -f "$raw"/*
for ((i = 1; i <= repetitions; i++)); do
    echo "repetition $i of $repetitions" >&2
    repeat "$i"
    "$programs/bench-calls" >>"$raw/calls"
    "$here/words.sh" "$programs/../examples/wordcount" "$megabytes" >>"$raw/calls"
done
awk -F '|' -v machine="$(machine)" -v page="$results/../bench.md" -v json="$results/results.json" \
    -v data="$raw" -v load="$load" -f "$here/report.awk" "$raw/calls" "$raw/measurements"
gnuplot -e "machine='$(machine)'; data='$raw'; folder='$results'" "$here/plots.gnuplot"
cat "$results/../bench.md"
