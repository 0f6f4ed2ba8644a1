#!/usr/bin/env bash
# exec: the program has exactly the pools that it inherits, gets the signals, and its end is the
# tool's.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
: "${HEIR:?the program that inherits pools}"
name=$run_id
export PATH=/usr/bin:/bin # a folder that may not be searched would say so in place of "not found"

ends() {
    local expected=$1
    shift
    tool exec "$@"
    ((status == expected)) || fault "exec $*: status $status, not $expected: $(<err)"
}

fine create -s 1M --keep "$name.one"
fine create -s 1M --keep "sysv:$name.two"

# ---- what it ends with ----
ends 0 true
ends 7 -- sh -c 'exit 7'
ends 143 sh -c 'kill -TERM $$'
status=0
env --ignore-signal=CHLD "$TOOL" exec sh -c 'exit 7' || status=$?
((status == 7)) || fault "with SIGCHLD ignored: status $status, not 7"
ends 125 --inherit "$name.none" true
grep -q "there is no pool '$name.none'" err || fault "no pool: $(<err)"
ends 127 "$name-no-program"
ends 127 ./no/such/program
ends 127 ''
printf 'text\n' >file
ends 126 ./file
ends 2 --inherit
ends 2
# shellcheck disable=SC2016 # the program's variables
ends 0 -i "$name.one" sh -c '[ "$1" = --json ]' sh --json # what follows is the program's

# With few descriptors the program is started or not; one that was started is waited for.
for ((limit = 5; limit < 20; limit++)); do
    rm -f started
    status=0
    (
        ulimit -n "$limit"
        exec "$TOOL" exec -i "$name.one" -- sh -c '>started; exit 7'
    ) 2>err || status=$?
    [[ ! -e started ]] || ((status == 7)) ||
        fault "$limit descriptors: status $status of a program that was started: $(<err)"
done
((status == 7)) || fault "$limit descriptors: status $status"

# ---- what it has ----
ends 0 -i "$name.two" -i "$name.one:ro" "$HEIR"
[[ $(<out) == "1 $name.two"$'\n'"2 $name.one ro" ]] || fault "inherited: $(<out)"
ends 0 "$HEIR"
[[ ! -s out ]] || fault "inherited without a list: $(<out)"
ends 0 -i "$name.one:ro" "$TOOL" stat "$name.one"
ends 1 -i "$name.one:ro" "$TOOL" grow "$name.one" 2M
grep -q 'read-only in this process' err || fault "inherited for reading only: $(<err)"
ends 0 -i "$name.one" "$TOOL" grow "$name.one" 1M

# A pool without a name can be handed on for reading.
begin_maker "$MAKER" memfd "$name.held"
read -r pid _ <<<"$line"
ends 0 -i "$name.held@$pid:ro" "$TOOL" check "$name.held@$pid"
ends 125 -i "$name.held@$pid" true

# ---- signals ----
for signal in TERM HUP INT USR1; do
    mkfifo "ready.$signal"
    env --default-signal=INT,HUP "$TOOL" exec -i "$name.one" -- \
        bash -c "trap 'exit 42' $signal; echo >ready.$signal; while :; do sleep 0.05; done" &
    program=$!
    read -r <"ready.$signal"
    kill -"$signal" "$program"
    status=0
    wait "$program" || status=$?
    ((status == 42)) || fault "SIG$signal: status $status"
done

# What kills the tool does not happen to the program by itself; stdin, stdout and folder are its own.
[[ $(echo text | "$TOOL" exec cat) == text ]] || fault "stdin and stdout do not get through"
[[ $("$TOOL" exec pwd) == "$PWD" ]] || fault "in another folder"

fine rm "$name.one" "$name.two"
verdict
