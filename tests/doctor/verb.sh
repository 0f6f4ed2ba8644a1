#!/usr/bin/env bash
# doctor on this system: its list, the same in JSON, and a status that says whether there is a
# warning. A limit that is set for it must show.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/../house/common.sh"
need_tool jq
: "${SHMPOOL:?the tool to test}"
cd "$scratch"

# Runs doctor with these arguments: its output in out, its status in $status.
run() {
    status=0
    "$SHMPOOL" doctor "$@" >out 2>err || status=$?
    [[ ! -s err ]] || fault "doctor $*: says $(<err)"
}

# JSON is sound, and the status follows from it.
judge() {
    jq -e '.doctor | length >= 8 and all(.[]; (.what, .value, .meaning | type) == "string" and
        (.state | IN("ok", "note", "warning")) and (.state == "ok") == (.remedy == null))' \
        out >result || fault "$1: not a list of findings: $(<out)"
    ((status == $(jq '.doctor | any(.[]; .state == "warning") | if . then 1 else 0 end' out))) ||
        fault "$1: status $status does not say whether there are warnings"
}

# What other tests do meanwhile may bring a warning or end it: then both are made again.
for _ in {1..10}; do
    run --json
    judge "as it is"
    jq -r '.doctor[] | "\(.state) \(.what) \(.value)"' out >in-json
    run
    ((status <= 1)) || fault "status $status"
    ! diff <(cut -d ' ' -f 1-2 in-json) <(sed '/^ /d; s/  */ /g' out | cut -d ' ' -f 1-2) >differ ||
        break
done
[[ ! -s differ ]] || fault "text and JSON differ: $(<differ)"
awk 'length > 79 { exit 1 }' out || fault "a line is longer than a terminal"

(
    ulimit -S -n 200
    run --json
    judge "with few descriptors"
    ((status == 1)) || fault "no warning: status $status"
    jq -e '.doctor[] | select(.what == "RLIMIT_NOFILE") | .state == "warning" and .value == "200"' \
        out >result || fault "descriptors: $(<out)"
    verdict
) || faults=$((faults + 1))

status=0
"$SHMPOOL" doctor unexpected >out 2>err || status=$?
((status == 2)) || fault "an operand: status $status"
verdict
