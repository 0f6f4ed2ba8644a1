#!/usr/bin/env bash
# create, grow, trim, recover and rm on backend $1: what they do, and what they refuse while somebody
# uses the pool.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
need_tool jq
backend=$1
name=$run_id
handle=$backend:$name
page=$(getconf PAGESIZE)

# ---- create and grow ----
fine create --size $((100 * page)) --max-size $((300 * page)) --backend "$backend" --mode 0640 --zero \
    --core-dump "$name"
lists_as "$handle" size,max,mode,flags,state,used \
    "$((100 * page)) $((300 * page)) 0640 zero,dump orphan 0"
refuses 1 ".*name \"$name\" is taken.*" create -s 1M "$handle"
fine grow "$handle" $((200 * page))
[[ $(listed "$handle" size) == $((200 * page)) ]] || fault "grow: $(listed "$handle" size)"
fine grow "$handle" $((50 * page)) # reached already
[[ $(listed "$handle" size) == $((200 * page)) ]] || fault "grow made it smaller"
refuses 1 ".*cannot grow to .*max_size.*" grow "$handle" $((301 * page))
fine rm "$handle"
[[ -z $(listed "$handle" name) ]] || fault "rm left $handle"
await_gone "$handle"
refuses 1 "there is no pool '$handle' .*" rm "$handle"
fine create -s 64K --commit --keep "$handle"
lists_as "$handle" size,flags,state "65536 commit,keep idle"
refuses 1 ".*COMMIT.*" trim "$handle"
fine rm "$handle"
SHMPOOL_BACKEND=$backend fine create -s 1 "$name"
[[ $(listed "$handle" size) == "$page" ]] || fault "by SHMPOOL_BACKEND: $(listed "$handle" size)"
fine rm "$handle"

# ---- looked at ----
looks_go_on() {
    while [[ -e looks ]]; do "$TOOL" ls >/dev/null 2>&1 || true; done
}
touch looks
looks_go_on &
looks_go_on &
for i in {1..10}; do
    fine create -s 64K "$handle.seen$i"
    fine recover --reclaim "$handle.seen$i"
    fine rm "$handle.seen$i"
done
rm looks
wait

# ---- in use ----
begin_maker "$MAKER" "$backend" "$name"
read -r pid child <<<"$line"
refuses 1 "$name is in use, by process $pid: --force removes it all the same" rm "$handle"
refuses 1 "$name is in use, .*--reclaim wants --force" recover --reclaim "$handle"
fine who --json "$handle"
gives ".who[] | select(.pid == $child) | .blocks" 3
fine recover "$handle"
fine trim "$handle"
grep -Eq "^$name: .* given back\$" out || fault "trim: $(<out)"
fine recover --reclaim --force "$handle"
[[ $(<out) == "$name: $((6 * page)) bytes of dead processes freed" ]] || fault "reclaim: $(<out)"
fine grow "$handle" $((512 * page))
fine check "$handle"
fine stat --json "$handle"
gives '[.size, .blocks, .state] | @csv' "$((512 * page)),9,\"live\""

# Several at once: what can be done is done, and the status says that not all could.
fine create -s 1M "$handle.b"
refuses 1 "there is no pool '$name.none' .*" rm "$handle.b" "$name.none"
[[ -z $(listed "$handle.b" name) ]] || fault "rm stops at the first that is not there"

fine rm --force "$handle"
[[ $(listed "$backend:$name@$pid" state) == live ]] ||
    fault "removed by force: its user has lost it"
refuses 1 "$name@$pid .* has no name that could be removed: .*" rm --force "$name@$pid"
refuses 1 "$name@$pid has no name by which it could be opened.*" recover "$name@$pid"
verdict
