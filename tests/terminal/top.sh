#!/usr/bin/env bash
# The tables of top, without a terminal.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$scratch"

start_busy "$run_id.busy"
make_pool full 64K --backend sysv
make_pool damaged 64K
printf 'damage' | dd of="/dev/shm/shmpool.$run_id.damaged" bs=1 seek=16 count=64 conv=notrunc 2>log

"$SHMPOOL" top --batch 3 --delay 0.3 >out 2>err || fault "status $?"
[[ ! -s err ]] || fault "says $(<err)"
(($(grep -Ec '^[0-9]+ pools?, [0-9]+ live, .* used$' out) == 3)) || fault "not three tables: $(<out)"
(($(grep -c '^NAME  *BACKEND FILL  *USED SIZE BLOCKS MEMB  CHG/S STATE$' out) == 3)) ||
    fault "not three headings: $(<out)"
figure='[0-9.]+[BKMG]?'
busy_row="^$run_id\\.busy +posix +\\[#+\\.+\\] +$figure +1\\.0M +[0-9]+ +1"
(($(grep -Ec "$busy_row +(-|[0-9.]+k?) live\$" out) == 3)) || fault "the busy pool: $(<out)"
(($(grep -Ec "$busy_row +- live\$" out) == 1)) || fault "a rate before there are two looks"
(($(grep -Ec "$busy_row +(0\\.|[1-9])[0-9.]*k? live\$" out) >= 1)) ||
    fault "nothing changes: $(<out)"
grep -Eq "^$run_id\\.full +sysv +\\[\\.{10}\\] +0B +64K +0 +0 +0 (idle|live)\$" out ||
    fault "idle: $(<out)" # live, while another test looks at it
(($(grep -Ec "^$run_id\\.damaged +posix +damaged\$" out) == 3)) || fault "damaged: $(<out)"

# It leaves no trace in the pools: nobody has taken a place, and the object is the same.
"$SHMPOOL" check "posix:$run_id.busy" "sysv:$run_id.full" >log || fault "not sound: $(<log)"
[[ $("$SHMPOOL" stat --output members "sysv:$run_id.full") == "MEMBERS   0" ]] || fault "a member"

# A pool that goes is gone in the tables that begin afterwards: in the second from then on.
tables() {
    grep -c '^NAME ' out || true
}
"$SHMPOOL" top --batch 1000000 --delay 0.2 >out 2>err &
top=$!
until grep -q "^$run_id.busy " out || [[ ! -d /proc/$top ]]; do sleep 0.05; done
end_busy
enough=$(($(tables) + 3))
until (($(tables) >= enough)) || [[ ! -d /proc/$top ]]; do sleep 0.05; done
kill "$top" || fault "while a pool goes: $(<err)"
wait "$top" || true
((enough > 3)) || fault "no table with the pool: $(<out)"
awk -v table=$((enough - 1)) -v pool="$run_id.busy" '
    /^NAME / { n++ }
    n == table && $1 == pool { exit 1 }' out || fault "a pool that went: $(<out)"

refuses() {
    local expected=$1 line=$2 status=0
    shift 2
    "$SHMPOOL" top "$@" >out 2>err </dev/null || status=$?
    ((status == expected)) || fault "$*: status $status"
    grep -Exq "$line" err || fault "$*: says $(<err)"
    [[ ! -s out ]] || fault "$*: writes to stdout"
}

refuses 1 'shmpool: top needs a terminal; --batch N prints N tables without one'
refuses 2 'shmpool: --delay 0: not from 0.1 to 3600 seconds' --delay 0
refuses 2 'shmpool: --delay 1s: not from 0.1 to 3600 seconds' --delay 1s
refuses 2 'shmpool: --delay nan: not from .*' --delay nan
refuses 2 'shmpool: --batch 0: not from 1 to 1000000 tables' --batch 0
refuses 2 'shmpool: --batch -1: not from 1 to 1000000 tables' --batch -1
verdict
