#!/usr/bin/env bash
# Every verb on damaged pools of backend $1: none crashes, hangs, or ends with a status that --help
# does not know. What only looks changes nothing; that the others may do as they can.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
: "${DAMAGER:?the program that makes damaged pools}"
need_tool jq
seed=${TEST_SEED:-$RANDOM$RANDOM}
echo "seed: TEST_SEED=$seed"

# Runs the verb with a limit of time, above that of who waits for a lock that damage closed; JSON is
# JSON, whatever it is of.
meets() {
    local status=0
    timeout 150 "$TOOL" "$@" >out 2>err || status=$?
    ((status <= 1)) || fault "$*: status $status: $(tail -n 1 err)"
    ((status == 0)) || [[ -s err || $1 == check ]] || fault "$*: fails without a word"
    [[ "$*" != *--json* || ! -s out ]] || jq . out >/dev/null || fault "$*: no JSON"
    grep -qi 'sanitizer' err && fault "$*: $(grep -i sanitizer err | head -n 1)"
    return 0
}

SHMPOOL_BACKEND=$1 begin_maker "$DAMAGER" "$run_id" 4 "$seed" 2>damages
[[ $line == ready ]] || fault "the damager says '$line'"
meets ls
meets ls --json --output +free,max,page,object,tables,life,holder,holders,user,mode,flags,address,handle,where,why
mapfile -t handles < <(jq -r --arg name "$run_id" \
    '.pools[] | select(.name | startswith($name)) | .handle // .name' out)
((${#handles[@]} == 4)) || fault "${#handles[@]} of 4 pools are listed"
for handle in "${handles[@]}"; do
    meets stat "$handle"
    meets stat --json "$handle"
    meets who --json "$handle"
    meets map "$handle"
    meets map --json "$handle"
    meets map --svg picture.svg --by owner "$handle"
    meets check --json "$handle"
    meets dump "$handle"
    meets gc --dry-run --json "$handle"
done
meets top --batch 2 --delay 0.1
for handle in "${handles[@]}"; do
    meets recover "$handle"
    meets recover --reclaim --force "$handle"
    meets trim "$handle"
    meets grow "$handle" 4700K
    timeout 150 "$TOOL" exec --inherit "$handle" --inherit "$handle:ro" true >out 2>err ||
        (($? == 125)) || fault "exec on $handle: $(tail -n 1 err)"
    meets gc "$handle"
    meets rm "$handle"
    meets rm --force "$handle"
done
((faults == 0)) || cat damages >&2
verdict
