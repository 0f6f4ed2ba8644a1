#!/usr/bin/env bash
# What the program prints: lines, JSON, help, and the line that moves on a terminal.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$scratch"

printf "The cat, the Dog; the CAT's dog: an ant\n" >text
: >empty

# The arguments $2… print lines that match, one for one, the extended expressions in $1.
prints() {
    local expected=$1
    shift
    run "$@"
    ((status == 0)) || fault "$*: status $status: $(<err)"
    [[ ! -s err ]] || fault "$*: wrote to stderr: $(<err)"
    paste -d '\n' <(printf '%s\n' "$expected") out | {
        while IFS= read -r pattern && IFS= read -r line; do
            grep -Exq -- "$pattern" <<<"$line" || exit 1
        done
    } || fault "$*: prints"$'\n'"$(<out)"$'\n'"and not"$'\n'"$expected"
    [[ $(wc -l <out) == $(wc -l <<<"$expected") ]] || fault "$*: prints $(wc -l <out) lines"
}

totals() {
    printf '%s files, %s bytes, %s words, %s distinct, [0-9]+\\.[0-9]{3} seconds, [0-9]+\\.[0-9] MB/s' \
        "$@"
}

prints "      3 the
      2 cat
      2 dog
      1 an
      1 ant
      1 s
$(totals 1 40 10 6)" text
prints "      3 the
      2 cat
$(totals 1 40 10 6)" -n 2 text
prints "      6 the
$(totals 3 80 20 6)" -n1 text empty text
prints "$(totals 1 40 10 6)" --top 0 text
prints "$(totals 2 0 0 0)" -n all empty empty
SHMPOOL_BACKEND=sysv prints "$(totals 1 40 10 6)" -n 0 -j 1024 -s 1M text
SHMPOOL_BACKEND=memfd prints "$(totals 1 40 10 6)" -n 0 -j 1024 -s 1M text

seconds='"seconds":[0-9]+\.[0-9]+,"mb_per_s":[0-9]+\.[0-9]+'
prints '\{"files":1,"bytes":40,"words":10,"distinct":6,'"$seconds"',"top":\[\{"word":"the","count":3\},\{"word":"cat","count":2\}\]\}' \
    --json -n 2 text
prints '\{"files":2,"bytes":40,"words":10,"distinct":6,'"$seconds"',"top":\[\]\}' --json -n 0 text empty
prints '\{"files":1,"bytes":0,"words":0,"distinct":0,'"$seconds"',"top":\[\]\}' --json empty

cp text ./-n
prints "      3 the
$(totals 1 40 10 6)" -n 1 -- -n

run --help
((status == 0)) || fault "--help: status $status"
grep -q '^usage: wordcount ' out || fault "--help: says $(head -n 1 out)"
for option in -j -b -n -s --json --help; do
    grep -q -- "$option" out || fault "--help: nothing on $option"
done

if [[ -w /dev/full ]]; then
    status=0
    "$WORDCOUNT" text >/dev/full 2>err || status=$?
    ((status == 1)) || fault "stdout is full: status $status"
    grep -q '^wordcount: standard output: ' err || fault "stdout is full: says $(<err)"
fi

# The first worker at work of a program that runs on a terminal; empty once the program has ended.
worker_on_terminal() {
    local process worker=''
    while [[ -z $worker && -d /proc/$terminal ]]; do
        for process in $(processes_left | tr -cd '0-9\n'); do
            [[ $(cat "/proc/$process/comm" 2>/dev/null) == wordcount ]] || continue
            worker=$(workers_of "$process")
            [[ -z $worker ]] || break
        done
    done
    echo "$worker"
}

# What appears on a terminal, when the only worker is stopped for $1 seconds meanwhile. Fails when the
# worker was not met before its end.
on_terminal() {
    local pause=$1 worker is_stopped=false
    WORDCOUNT_RUN=$run_id script -qec "exec '$WORDCOUNT' -j 1 -n 1 $(yes words | head -n 100 | xargs)" \
        typescript >/dev/null </dev/null &
    terminal=$!
    worker=$(worker_on_terminal)
    if [[ -n $worker ]] && kill -STOP "$worker" 2>/dev/null; then
        is_stopped=true
        sleep "$pause"
        kill -CONT "$worker"
    fi
    wait "$terminal" || fault "on a terminal: status $?"
    tr '\r' '\n' <typescript
    $is_stopped
}

random_words 200000 20000 9 5 >words
for _ in {1..10}; do
    ! on_terminal 1.5 >shown || break
done
grep -Eq '^\[#* *\] [ 0-9]{3} %  [0-9]+ MB/s ' shown || fault "no progress on a terminal: $(<shown)"
grep -q $'^\033\\[K' shown || fault "progress is not erased: $(<shown)"
sed 's/.*\x1b\[K//' typescript | tail -n 3 | grep -Eq '^ *[0-9]+ [a-z]+' || fault "no result: $(<shown)"

verdict
