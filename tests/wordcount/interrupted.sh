#!/usr/bin/env bash
# A signal of the user ends the program by that signal, whenever it comes: the workers end, the pool
# has no name, nothing is printed and nothing is left behind.
# $1: the backend
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
backend=$1
cd "$scratch"

# Longer than any of the runs.
random_words 400000 30000 9 5 >text
mapfile -t files < <(yes text | head -n 400)

# Waits until the program has begun; its workers too, if $1 says so.
await() {
    while running && [[ ! /proc/$program/exe -ef $WORDCOUNT ]]; do sleep 0.001; done
    while running && [[ $1 == working && -z $(workers_of "$program") ]]; do sleep 0.001; done
}

# A program with 4 workers gets signal $2 after $3 seconds; $1: "begun" or "working", see await. Its
# workers get it as well if $4 is "group", as from a terminal.
interrupt() {
    local moment=$1 signal=$2 delay=$3 group=${4-} number workers=()
    number=$(kill -l "$signal")
    start -j 4 -b "$backend" "${files[@]}"
    await "$moment"
    sleep "$delay"
    [[ -z $group ]] || mapfile -t workers < <(workers_of "$program" | tr ' ' '\n' | grep .)
    kill -s "$signal" "$program" "${workers[@]}" 2>/dev/null || true
    { finish; } 2>/dev/null
    ((status == 128 + number)) || fault "$signal, $moment, $delay s: status $status"
    [[ ! -s out ]] || fault "$signal, $moment, $delay s: wrote to stdout: $(head -n 1 out)"
    [[ ! -s err ]] || fault "$signal, $moment, $delay s: says $(head -n 1 err)"
}

for signal in INT TERM HUP; do
    interrupt working "$signal" 0.1
    interrupt working "$signal" 0.02 group
    for delay in 0 0.001 0.002 0.004 0.008; do
        interrupt begun "$signal" "$delay"
    done
done

# One that is ignored stays so.
head -c 100000 text >short
trap '' TERM
start -j 1 -b "$backend" -n 0 short "${files[@]:0:20}"
await working
kill -s TERM "$program"
finish
trap - TERM
((status == 0)) || fault "an ignored signal: status $status"

verdict
