#!/usr/bin/env bash
# What cannot be done is refused: one clear line on stderr, nothing on stdout, nothing left behind,
# status 1, or 2 for a wrong command line.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$scratch"

# Status $1 and a line like $2 on stderr come from the arguments $3….
refuses() {
    local expected=$1 line=$2
    shift 2
    start "$@"
    finish
    ((status == expected)) || fault "$*: status $status, not $expected"
    grep -Exq "$line" err || fault "$*: says '$(<err)', not '$line'"
    [[ ! -s out ]] || fault "$*: wrote to stdout: $(head -n 1 out)"
}

printf 'some words\n' >some
random_words 300000 60000 9 4 >words
mkdir folder
mkfifo pipe
printf 'secret\n' >secret
chmod 000 secret

refuses 1 'wordcount: missing: No such file or directory' some missing
refuses 1 'wordcount: : No such file or directory' ''
refuses 1 'wordcount: -: No such file or directory' -
refuses 1 'wordcount: folder: Is a directory' some folder
refuses 1 'wordcount: pipe: Not a regular file' pipe
refuses 1 'wordcount: /dev/null: Not a regular file' /dev/null
refuses 1 'wordcount: some/thing: Not a directory' some/thing

# Root reads everything, unless it gives up the right to: $1 is the program.
refuses_unreadable() {
    local WORDCOUNT=$1
    refuses 1 'wordcount: secret: Permission denied' some secret
}
readonly drop=--bounding-set=-dac_override,-dac_read_search
if ((EUID != 0)); then
    refuses_unreadable "$WORDCOUNT"
elif setpriv "$drop" true 2>/dev/null; then
    printf '#!/bin/sh\nexec setpriv %s "%s" "$@"\n' "$drop" "$WORDCOUNT" >ordinary
    chmod +x ordinary
    refuses_unreadable ./ordinary
else
    echo "not tested here: an unreadable file"
fi

small='wordcount: the pool of [0-9]+ bytes is too small for this text: choose a larger one with -s, or leave -s out'
for size in 1 4096 64K 1M 2m; do
    for workers in 1 4; do
        refuses 1 "$small" -s "$size" -j "$workers" words
        refuses 1 "$small" -b sysv -s "$size" -j "$workers" words
        refuses 1 "$small" -b memfd -s "$size" -j "$workers" words
    done
done
refuses 1 'wordcount: .*[^.]' -s 8000P some # what the library says

known='.*nowhere.*posix, sysv, memfd.*'
refuses 1 "wordcount: $known" -b nowhere some
SHMPOOL_BACKEND=nowhere refuses 1 "wordcount: $known" some

refuses 2 'wordcount: which files\? Try: wordcount --help'
refuses 2 'wordcount: which files\? Try: wordcount --help' -j 2 --
refuses 2 'wordcount: -j 0: the number is too small \(1 to 1024\)' -j 0 some
refuses 2 'wordcount: -j 1025: the number is too large \(1 to 1024\)' -j 1025 some
refuses 2 'wordcount: -j two: the number is invalid \(1 to 1024\)' -j two some
refuses 2 'wordcount: -n -1: the number is too small .*' -n -1 some
refuses 2 'wordcount: -n every: the number is invalid .*' -n every some
refuses 2 'wordcount: -s 0: the pool needs a size above 0' -s 0 some
refuses 2 'wordcount: -s -4K: not a size; say 64M, for example' -s -4K some
refuses 2 'wordcount: -s big: not a size; say 64M, for example' -s big some
refuses 2 'wordcount: -s 12Q: not a size; say 64M, for example' -s 12Q some
refuses 2 'wordcount: -s 99999999999999999999: the size is too large' -s 99999999999999999999 some
refuses 2 ".*: invalid option -- 'x'" -x some
refuses 2 ".*: option requires an argument -- 'j'" some -j
refuses 2 ".*: unrecognized option '--jason'" --jason some

# A file that gets shorter while the files before it are counted.
for _ in {1..200}; do cat words; done >many
cp words victim
start -j 1 many many victim
while [[ -d /proc/$program && -z $(workers_of "$program") ]]; do :; done
: >victim
finish
((status == 1)) || fault "a file got shorter: status $status"
[[ $(<err) == 'wordcount: victim: The file became shorter while it was counted' ]] ||
    fault "a file got shorter: says '$(<err)'"

# No memory behind the pool, for the master or for the workers.
small_shm() {
    local size=$1
    shift
    unshare --mount bash -c "mount -t tmpfs -o size=$size tmpfs /dev/shm && exec \"\$@\"" - "$@"
}
no_memory='no memory is left for the pool: see df /dev/shm, or try -b memfd'
if small_shm 4K true 2>/dev/null; then
    for size in 64K 1M 2M; do
        status=0
        small_shm "$size" timeout 60 "$WORDCOUNT" -b posix -j 2 words words >out 2>err || status=$?
        ((status == 1)) || fault "/dev/shm of $size: status $status"
        tail -n 1 err | grep -Fq "$no_memory" || fault "/dev/shm of $size: says $(tail -n 1 err)"
        [[ ! -s out ]] || fault "/dev/shm of $size: wrote to stdout"
    done
else
    echo "not tested here: a full /dev/shm"
fi

verdict
