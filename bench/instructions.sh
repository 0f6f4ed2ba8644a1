#!/usr/bin/env bash
# Instructions that an operation takes inside of the library, in fixed runs of three workloads.
#
# instructions.sh PROGRAM          compares with instructions.txt: fails by more than 5 % of growth
# instructions.sh PROGRAM update   writes instructions.txt
#
# Counts belong to the compiler and options in BENCH_COMPILER; those of others are not compared.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
program=$1
kept=$here/instructions.txt
operations=51200
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
command -v valgrind >/dev/null || {
    echo "skipped: valgrind is not installed"
    exit 77
}

# Prints the instructions of one operation of WORKLOAD@PERCENT.
count() {
    local log=$scratch/$1.log
    valgrind --tool=callgrind --callgrind-out-file="$scratch/$1.out" \
        --zero-before=operate --toggle-collect=shmpool_alloc --toggle-collect=shmpool_free \
        "$program" "${1%@*}" "${1#*@}" "$operations" >"$log" 2>&1 || {
        cat "$log" >&2
        return 1
    }
    awk -v n="$operations" '/^(totals|summary):/ { sum = $2 } END { printf "%.1f\n", sum / n }' \
        "$scratch/$1.out"
}

if [[ ${2-} == update ]]; then
    {
        echo "# Instructions an operation, by bench/instructions.sh; compiled by:"
        echo "compiler $BENCH_COMPILER"
        for workload in W1@0 W3@95 W4@75; do echo "$workload $(count "$workload")"; done
    } >"$scratch/new"
    mv "$scratch/new" "$kept"
    exit
fi

compiler=$(sed -n 's/^compiler //p' "$kept")
if [[ $compiler != "$BENCH_COMPILER" ]]; then
    echo "not compared: compiled by $BENCH_COMPILER, and the counts are of $compiler"
    exit 0
fi

grown=0
while read -r workload before; do
    now=$(count "$workload")
    echo "$workload: $now instructions an operation, $before in $(basename "$kept")"
    awk -v now="$now" -v before="$before" 'BEGIN { exit !(now > 0 && now <= before * 1.05) }' ||
        grown=1
done < <(grep '^W' "$kept")
((grown == 0)) || {
    echo "fault: more than 5 % above the file; if that is meant, write it anew:" >&2
    echo "BENCH_COMPILER='$BENCH_COMPILER' bench/instructions.sh $program update" >&2
    exit 1
}
