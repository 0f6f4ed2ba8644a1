#!/usr/bin/env bash
# ls, stat, who, check and dump say the same of a pool on backend $1 as each other, in tables and in
# JSON, and change nothing in it; held, unlinked, and left behind.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
need_tool jq
backend=$1
name=$run_id

begin_maker "$MAKER" "$backend" "$name"
read -r pid child <<<"$line"
case $backend in memfd) handle=memfd:$name@$pid ;; *) handle=$backend:$name ;; esac
page=$(getconf PAGESIZE)

fine dump "$handle"
cp out before
# The blocks by the library's own words: 1 to 12 pages, each third freed, and three of the child's.
blocks=$(grep -c '^block' before)
used=$(awk '/^block/ { n += $6 } END { print n }' before)
((blocks == 12 && used == 66)) || fault "the maker's pool: $blocks blocks, $used pages"
largest=$(awk '/^free/ && $6 > n { n = $6 } END { print n }' before)

# ---- ls ----
[[ $(listed "$handle" backend,size,used,largest,blocks,members,creator,state) == \
"$backend $((256 * page)) $((used * page)) $((largest * page)) $blocks 2 $pid live" ]] ||
    fault "ls: $(listed "$handle" backend,size,used,largest,blocks,members,creator,state)"
fine ls --json --output +free,max,life,mode,flags,handle,why
gives ".pools[] | select(.handle == \"$handle\") |
    [.backend, .size, .used, .largest, .blocks, .members, .creator, .state, .free, .max, .life,
     .mode, .flags, .why] | @csv" \
    "\"$backend\",$((256 * page)),$((used * page)),$((largest * page)),$blocks,2,$pid,\"live\",$(((256 - used) * page)),$((512 * page)),\"alive\",\"0600\",,"
gives ".pools[0] | keys_unsorted[:3] | @csv" '"name","backend","size"'
fine ls
grep -Eq '^NAME +BACKEND +SIZE +USED +LARGEST +BLOCKS +MEMBERS +CREATOR +STATE' out || fault "ls: no headings"
human=$((256 * page / 1048576))
grep -E "^${handle#*:} +$backend +$human(\.0)?M " out >/dev/null || fault "ls: no sizes for people: $(<out)"
fine ls -n -o state,name
grep -Eq "^live +${handle#*:}\$" out || fault "ls -n -o state,name: $(<out)"

# ---- stat ----
for spelling in "$handle" "${handle#*:}" "$name" "$backend:$name"; do
    fine stat --json "$spelling"
    gives '[.handle, .used, .blocks] | @csv' "\"$handle\",$((used * page)),$blocks"
done
gives '[.free_runs[] | .bytes] | add' $(((256 - used) * page))
gives '[.free_runs[] | .runs] | add' "$(grep -c '^free' before)"
gives '[.free_runs[] | select(.from > .to)] | length' 0
gives ".free_runs[-1] | (.from <= $((largest * page)) and $((largest * page)) <= .to)" true
fine stat --bytes "$handle"
grep -Eq "^USED +$((used * page))\$" out || fault "stat: $(<out)"
grep -q '^free runs of' out || fault "stat shows no histogram"
fine stat -o used,state --json "$handle"
gives 'keys_unsorted | @csv' '"used","state","free_runs"'

# ---- who ----
fine who --json "$handle"
gives '[.who[] | .size] | add' $((used * page))
gives '[.who[] | .blocks] | add' "$blocks"
gives ".who[] | select(.pid == $pid) | [.kind, .life, .threads, .busy, .blocks, .size, .command] | @csv" \
    "\"process\",\"alive\",1,0,8,$((48 * page)),\"$(<"/proc/$pid/comm")\""
gives ".who[] | select(.pid == $child) | [.kind, .life, .blocks, .size] | @csv" \
    "\"process\",\"dead\",3,$((6 * page))"
gives '.who[] | select(.kind == "shared") | [.pid, .blocks, .size] | @csv' ",1,$((12 * page))"
fine who -n -b -o pid,size "$handle"
grep -Eq "^ *$pid +$((48 * page))\$" out || fault "who: $(<out)"

# ---- one name twice: each is shown as verbs take it ----
if [[ $backend == sysv ]]; then
    fine create -s 1M --keep "posix:$name"
    [[ $(listed "$handle" name) == "$handle" ]] || fault "of two, shown as $(listed "$handle" name)"
    [[ $(listed "posix:$name" name) == "$name" ]] || fault "the plain one: $(listed "posix:$name" name)"
    [[ $(SHMPOOL_BACKEND=sysv listed "$handle" name) == "$name" ]] ||
        fault "by SHMPOOL_BACKEND: $(SHMPOOL_BACKEND=sysv listed "$handle" name)"
    [[ $(SHMPOOL_BACKEND=sysv listed "posix:$name" name) == "posix:$name" ]] ||
        fault "the other by SHMPOOL_BACKEND: $(SHMPOOL_BACKEND=sysv listed "posix:$name" name)"
    fine rm "posix:$name"
    await_gone "posix:$name"
fi

# ---- check and dump ----
fine check "$handle"
[[ $(<out) == "${handle#*:}: sound" ]] || fault "check: $(<out)"
fine check --json "$handle"
gives '.check[0] | [.name, .backend, .state, .faults, (.report | length)] | @csv' \
    "\"${handle#*:}\",\"$backend\",\"live\",0,0"
fine dump "$handle"
cmp -s before out || fault "the pool has changed: $(diff before out)"

# ---- unlinked, and left behind ----
begin_maker "$MAKER" "$backend" "$name.u" unlink
read -r pid child <<<"$line"
fine stat --json "$backend:$name.u@$pid"
gives '[.state, .used, .creator] | @csv' "\"live\",$((used * page)),$pid"
fine check "$name.u@$pid"

end_makers
if [[ $backend == memfd ]]; then
    refuses 1 "there is no pool .* that this user may see: shmpool ls shows all" stat "$handle"
else
    lists_as "$handle" state,life,holders "orphan dead 0"
    fine rm "$handle"
fi
verdict
