#!/usr/bin/env bash
# Pools that this user may not look into, and objects that are none: listed, with the reason, and
# refused with it.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
need_tool jq setpriv
name=$run_id

# Root reads everything, and looks into every process, unless it gives up the right to.
ordinary=$TOOL
humbly=()
if ((EUID == 0)); then
    humbly=(setpriv --bounding-set=-all env) # the rights go when setpriv executes something
    printf '#!/bin/sh\nexec %s "%s" "$@"\n' "${humbly[*]}" "$TOOL" >ordinary
    chmod +x ordinary
    ordinary=./ordinary
fi

fine create -s 1M --keep "$name.closed"
fine create -s 1M --keep "sysv:$name.closed"
chmod 000 "/dev/shm/shmpool.$name.closed"
TOOL=$ordinary tool ls --json -o +why,handle
gives ".pools[] | select(.handle == \"posix:$name.closed\") | [.state, .used] | @csv" '"unreadable",'
gives ".pools[] | select(.handle == \"posix:$name.closed\") | .why" \
    "/dev/shm/shmpool.$name.closed cannot be opened: Permission denied"
for verb in stat who map check dump recover trim; do
    TOOL=$ordinary tool "$verb" "posix:$name.closed"
    ((status == 1)) || fault "$verb of a closed pool: status $status"
    grep -q 'Permission denied' err || fault "$verb of a closed pool says: $(<err)"
done
chmod 600 "/dev/shm/shmpool.$name.closed"
fine rm "posix:$name.closed" "sysv:$name.closed"

# In use by a process that this user may not look into, for its program cannot be read: somebody who
# has an orphan mapped, and a creator.
cp "$TOOL" unreadable
cp "$MAKER" unreadable-maker
chmod 111 unreadable unreadable-maker
in_use='is in use.*'
fine create -s 1M "$name.used"
begin_maker "${humbly[@]}" ./unreadable exec -i "$name.used" sh -c 'echo; cat'
begin_maker "${humbly[@]}" ./unreadable-maker posix "$name.own"
lists_unseen=$("$ordinary" ls -n -o name,state | awk -v name="$name" '$1 ~ name { print $2 }')
[[ $lists_unseen == orphan$'\n'idle || $lists_unseen == idle$'\n'orphan ]] ||
    fault "not unseen: $lists_unseen"
for pool in "$name.used" "$name.own"; do
    TOOL=$ordinary refuses 1 "$pool $in_use" rm "$pool"
    TOOL=$ordinary refuses 1 "$pool $in_use" recover --reclaim "$pool"
    TOOL=$ordinary fine rm --force "$pool"
done
end_makers
fine create -s 1M "$name.used"
TOOL=$ordinary fine rm "$name.used" # that there are such processes is no hindrance

# What is no pool, under a pool's name: a file of zeroes, of text, an empty one; and no file at all.
file=/dev/shm/shmpool.$name
head -c 100000 /dev/zero >"$file.zeroes"
head -c 100000 /dev/zero | tr '\0' x >"$file.text"
: >"$file.empty"
mkfifo "$file.fifo"
mkdir "$file.folder"
ln -s /etc/passwd "$file.link"
fine ls --json -o +why
gives "[.pools[] | select(.name | startswith(\"$name\")) | .state] | sort | @csv" \
    '"damaged","damaged","unfinished"'
gives "[.pools[] | select(.name | startswith(\"$name\")) | .why | select(. == null)] | length" 0
for what in zeroes text empty fifo folder link; do
    refuses 1 ".*$name.$what.*" check "$name.$what"
    refuses 1 ".*$name.$what.*" rm --force "$name.$what"
    [[ -e $file.$what ]] || fault "rm removed a $what"
done
rm -r "$file".*

# Names that hold what terminals obey and JSON cannot hold: of files, and of what a process has open.
# The hidden file is open too: a temporary one that nobody has is anybody's to collect.
odd=$'\e]0;t\a\n\xff\xc2\x9b'
plain='\x1b]0;t\x07\x0a\xff\xc2\x9b'
hidden=/dev/shm/.shmpool.$name.$odd
head -c 100000 /dev/zero | tee "$file.$odd" "$hidden" >"$file.gone$odd"
exec {gone}<"$file.gone$odd" {begun}<"$hidden"
rm "$file.gone$odd"
fine ls --json -o +why,where
iconv -f UTF-8 -t UTF-8 out >/dev/null || fault "ls --json is no UTF-8"
plain=${plain//\\/\\\\}
gives ".pools[] | select(.where == \"$file.$plain\") | .state" unfinished
gives "[.pools[] | select(.where | contains(\"$name.$plain\"))] | length" 2
for verb in 'check' 'check --json' 'top --batch 1' 'ls -o +why,where' 'gc --dry-run'; do
    # shellcheck disable=SC2086 # a verb and its options
    tool $verb
    LC_ALL=C grep -q $'[\x01-\x09\x0b-\x1f\x7f-\xff]' out err && fault "$verb passes on raw bytes"
done
exec {gone}<&- {begun}<&-
rm "$file.$odd" "$hidden"

# A program of such a name.
cp "$MAKER" $'m\e\xff'
begin_maker $'./m\e\xff' posix "$name.odd"
fine who --json "$name.odd"
gives ".who[] | select(.pid == $maker) | .command" 'm??'
end_makers
fine rm "$name.odd"

# On a full file system: a page of a pool's tables that nobody wrote yet cannot even be read. Who
# looks reads none of those but where the header is damaged and says that all was in use.
full_shm() {
    # shellcheck disable=SC2016 # the inner shell has these
    "$@" bash -c '
        mount -t tmpfs -o size=400K tmpfs /dev/shm
        for pool in full too new; do "$1" create -s 64M "$2.$pool"; done
        for pool in full too; do
            printf "\0\x40" | dd of="/dev/shm/shmpool.$2.$pool" bs=1 seek=1024 conv=notrunc
        done 2>/dev/null
        cat /dev/zero >/dev/shm/fill 2>/dev/null
        "$1" ls -n -o name,why
        "$1" stat "$2.full" && exit 9
        "$1" stat "$2.new" || exit 6
        "$1" top --batch 1 || exit 8
        "$1" check --json "posix:$2.full" "posix:$2.too" >checked && exit 7
        "$1" exec -i "$2.full" true; (($? == 125)) || exit 5
        "$1" rm "$2.full" "$2.too" "$2.new"' - "$TOOL" "$name" >out 2>err
}
namespaces=(unshare --mount)
((EUID == 0)) || namespaces=(unshare --user --map-root-user --mount)
if "${namespaces[@]}" true 2>/dev/null; then
    full_shm "${namespaces[@]}" || fault "on a full file system: status $?: $(<err)"
    grep -q "^$name.full .*its file system is full" out || fault "full: ls does not go on: $(<out)"
    grep -q '^LARGEST *64M' out || fault "full: stat of a new pool: $(<out)"
    (($(grep -c "^$name.[a-z]* *posix *orphan" out) == 2)) ||
        fault "full: top does not go on: $(<out)"
    [[ $(jq -c '[.check[].faults]' checked) == '[null,null]' ]] ||
        fault "full: check does not go on: $(<checked)"
    grep -q '^shmpool: the memory of the pool is not there.* doctor$' err ||
        fault "full: stat says $(<err)"
else
    echo "not tested here: a full /dev/shm"
fi
verdict
