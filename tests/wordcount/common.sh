# Sourced by the tests of wordcount: the program, texts, what the pipeline makes of them, and the
# check that a run left nothing behind.
# shellcheck shell=bash
set -euo pipefail
export LC_ALL=C

: "${WORDCOUNT:?the program to test}"
faults=0
scratch=$(mktemp -d)
run_id=$$-$RANDOM$RANDOM
trap 'rm -rf "$scratch"' EXIT

# One thing that is wrong; the test goes on and fails at its end.
fault() {
    printf 'fault: %s\n' "$*" >&2
    faults=$((faults + 1))
}

verdict() {
    ((faults == 0)) || exit 1
}

# The pipeline that says what is right, for the files named; its output ordered as wordcount's. No
# word goes across the border between two files.
pipeline() {
    local file
    for file; do
        # shellcheck disable=SC2018,SC2019 # ASCII letters are meant
        tr 'A-Z' 'a-z' <"$file" | tr -cs 'a-z' '\n' && echo
    done | { grep . || true; } | sort | uniq -c | sort -k1,1nr -k2,2
}

# Processes of this test's runs of the program, by what their environment says.
processes_left() {
    grep -lsz "^WORDCOUNT_RUN=$run_id\$" /proc/[0-9]*/environ || true
}

# Pools that process $1 left behind: not those of another process that had this ID before. Of System
# V segments those that it made: one that was removed and is still attached has the key 0.
objects_of() {
    find /dev/shm -maxdepth 1 -name "shmpool.$1-*" -newer "$scratch/started"
    awk -v pid="$1" -v since="$(stat -c %Y "$scratch/started")" '
        NR > 1 && $1 != 0 && $5 == pid && $14 >= since { print "segment " $2 }' /proc/sysvipc/shm
}

# Starts the program with these arguments in the background as process $program; its output goes to
# $scratch/out and $scratch/err. What the shell starts in the background ignores SIGINT otherwise, and
# what nohup starts SIGHUP.
start() {
    touch "$scratch/started"
    env --default-signal=INT,HUP WORDCOUNT_RUN="$run_id" "$WORDCOUNT" "$@" >"$scratch/out" 2>"$scratch/err" </dev/null &
    program=$!
}

# Waits for it: its exit status in $status. Nothing may be left of it.
finish() {
    local left
    status=0
    wait "$program" || status=$?
    left=$(objects_of "$program")$(processes_left)
    [[ -z $left ]] || fault "left behind: $left"
}

# Whether the program in the background still runs.
running() {
    [[ -d /proc/$program ]] && ! grep -q '^State:.*Z' "/proc/$program/status" 2>/dev/null
}

run() {
    start "$@"
    finish
}

workers_of() {
    cat "/proc/$1/task/$1/children" 2>/dev/null || pgrep -P "$1" || true
}

# The program's list, without the line of totals, is that in file $1.
compare() {
    local expected=$1 what=$2
    ((status == 0)) || fault "$what: status $status: $(tail -n 1 "$scratch/err")"
    sed '$d' "$scratch/out" | cmp -s - "$expected" || {
        fault "$what: not what the pipeline says:"
        sed '$d' "$scratch/out" | diff - "$expected" | head -n 5 | cut -c 1-100 >&2 || true
    }
}

# A text of $1 words, out of $2 different ones of up to $3 letters, some of them much more frequent
# than others; $4 is the seed.
random_words() {
    awk -v n="$1" -v n_words="$2" -v longest="$3" -v seed="$4" 'BEGIN {
        srand(seed)
        letters = "etaoinshrdlucmfwypvbgkjqxzETAOINSH"
        for (i = 0; i < n_words; i++)
            for (k = int(rand() * longest); k >= 0; k--)
                word[i] = word[i] substr(letters, 1 + int(rand() * 34), 1)
        for (i = 0; i < n; i++)
            printf "%s%s", word[int(n_words * rand() ^ 3)], rand() < 0.08 ? ".\n" : " "
    }'
}

# $1 times the character $2.
repeat() {
    head -c "$1" /dev/zero | tr '\0' "$2"
}
