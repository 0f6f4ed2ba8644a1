#!/usr/bin/env bash
# Workers are killed while they count: the counts stay exact, every death is reported, and nothing
# is left behind, also when the master is killed.
# $1: the backend
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
backend=$1
cd "$scratch"
# The leak checker runs as a child of the program, and would be killed for a worker.
export ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0

# Long enough to be killed in: one text, several times.
readonly n_times=100
random_words 400000 30000 9 3 >text
mapfile -t files < <(yes text | head -n "$n_times")
pipeline text | awk -v times="$n_times" '{ printf "%7d %s\n", $1 * times, $2 }' >expected
deaths=0

# Sends signal $4 to workers of $program until it ends: at most $3 times, each time to $1 of them,
# with a sleep of $2 seconds.
kill_workers() {
    local at_a_time=$1 pause=$2 times=$3 signal=$4 workers
    for ((; times > 0; times--)); do
        running || break
        mapfile -t workers < <(workers_of "$program" | tr ' ' '\n' | grep . | shuf -n "$at_a_time")
        ((${#workers[@]} == 0)) || kill -s "$signal" "${workers[@]}" 2>/dev/null || true
        sleep "$pause"
    done
}

# One run with $1 workers; the rest says how they are killed. All the deaths together are fewer than
# the program takes in vain, so that a slow machine makes no difference.
storm() {
    local n_workers=$1 reported
    shift
    start -j "$n_workers" -b "$backend" -n all "${files[@]}"
    kill_workers "$@" KILL
    finish
    compare expected "$n_workers workers, killed $1 at a time every $2 s"
    reported=$(grep -c '^wordcount: worker [0-9]* (pid [0-9]*) was killed by signal 9; ' err || true)
    ((reported == $(wc -l <err))) || fault "other lines on stderr: $(head -n 3 err)"
    ((deaths += reported)) || true
}

storm 1 1 0.1 40
storm 2 1 0.02 80
storm 2 2 0.05 40
storm 8 3 0.02 40
storm 8 8 0.1 20
echo "deaths: $deaths"
((deaths >= 5)) || fault "only $deaths workers died"
grep -q 'its chunk is counted again' err || fault "no chunk was counted again: $(head -n 3 err)"

# One word that takes longer to count than a worker lives: there is an end to it.
repeat 150000000 a >one-word
start -j 2 -b "$backend" one-word
kill_workers 1 0 1000 BUS
finish
((status == 1)) || fault "killed all the time: status $status"
tail -n 1 err | grep -Exq "wordcount: 3 workers died .*: giving up; no memory is left .*" ||
    fault "killed all the time: says $(tail -n 1 err)"

# The master: its workers go with it.
start -j 2 -b "$backend" "${files[@]}" "${files[@]}"
while running && [[ -z $(workers_of "$program") ]]; do sleep 0.01; done
kill -KILL "$program" 2>/dev/null || fault "the master ended too early"
{ wait "$program"; } 2>/dev/null || true
for _ in {1..1000}; do
    left=$(objects_of "$program")$(processes_left)
    [[ -n $left ]] || break
    sleep 0.05
done
[[ -z $left ]] || fault "the master was killed; left behind: $left"

verdict
