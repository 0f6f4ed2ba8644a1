#!/usr/bin/env bash
# gc on backend $1: what is left over goes, with a line or JSON for each; what is kept, used or no
# pool stays. Only named pools are collected here, for others may have left some too.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
need_tool jq
backend=$1
name=$run_id
handle=$backend:$name

# gc with the arguments $2..., until it leaves no more than $1 pools alone: another test's look at one
# is waited for.
collect() {
    local most=$1 i
    shift
    for ((i = 0; i < 100; i++)); do
        tool gc "$@"
        (($(wc -l <err) > most)) || break
        sleep 0.05
    done
    ((status == 0)) || fault "gc $*: status $status: $(<err)"
    (($(wc -l <err) <= most)) || fault "gc $*: says '$(<err)'"
}

# Who created a pool by the tool has ended, so nobody holds it and nobody will.
fine create -s 64K "$handle"
collect 0 --dry-run "$handle"
[[ $(<out) == "would remove orphan $handle" ]] || fault "dry run: $(<out)"
lists_as "$handle" state orphan # a dry run removes nothing
fine stat --json "$handle"
object=$(jq .object out)
collect 0 --dry-run --json "$handle"
gives '.gc[] | [.name, .backend, .state, .done] | @csv' "\"$name\",\"$backend\",\"orphan\",\"found\""
gives '.gc[] | [.object, .size] | @csv' "$object," # what stat calls size is usable bytes
collect 0 "$handle"
[[ $(<out) == "removed orphan $handle" ]] || fault "gc: $(<out)"
[[ -z $(listed "$handle" name) ]] || fault "gc left it"
await_gone "$handle"
refuses 1 "there is no pool '$handle' .*" gc "$handle"

# Says of each of the pools $1... why it stays.
stay() {
    local pool
    ((status == 0)) || fault "gc: status $status: $(<err)"
    for pool; do
        grep -Eq "^shmpool: left alone: .*$pool( |$)" err || fault "gc of $pool says: $(<err)"
    done
    (($(wc -l <err) == $#)) || fault "gc says: $(<err)"
}

# One that is kept, and one that somebody has.
fine create -s 64K --keep "$handle.kept"
begin_maker "$MAKER" "$backend" "$name"
fine create -s 64K "$handle.dead"
collect 2 --json "$handle.kept" "$handle" "$handle.dead"
stay "$name.kept" "$name"
gives '[.gc[].name] | @csv' "\"$name.dead\""
gives '.gc[].done' removed
lists_as "$handle.kept" state idle
lists_as "$handle" state live
tool gc "$handle.kept" "$handle"
stay "$name.kept" "$name"
[[ ! -s out ]] || fault "nothing is left over, and gc says: $(<out)"
fine check "$handle"
end_makers
collect 0 "$handle"
[[ -z $(listed "$handle" name) || $(<out) == "removed orphan $handle" ]] || fault "afterwards: $(<out)"
fine rm "$handle.kept"

# What a living process is about to finish goes with that process, if not by its own deed.
begin_maker "$MAKER" unfinished "$name.begun"
lists_as "memfd:$name.begun@$maker" state unfinished
tool gc "memfd:$name.begun@$maker"
stay "memfd:$name.begun@$maker"
[[ ! -s out ]] || fault "of what is not finished yet gc says: $(<out)"
end_makers

# Nor is what has no name, when its creator is dead: it goes with who has it, this shell here.
begin_maker "$MAKER" memfd "$name.held"
for file in "/proc/$maker/fd"/*; do
    [[ $(readlink "$file") != *"shmpool.$name.held"* ]] || break
done
exec {held}<"$file"
end_makers
fine ls --noheadings --output name,state,life
grep -Eq "^$name.held@.* live +dead" out || fault "a held pool is not listed as live, of a dead creator"
tool gc "$name.held"
stay "$name.held"
[[ ! -s out ]] || fault "of a pool without a name gc says: $(<out)"
exec {held}<&-

# What is no pool is not touched.
if [[ $backend == posix ]]; then
    echo text >"/dev/shm/shmpool.$name.text"
    tool gc "$name.text"
    [[ $(<"/dev/shm/shmpool.$name.text") == text ]] || fault "gc touched a file that is no pool"
    rm "/dev/shm/shmpool.$name.text"
fi
verdict
