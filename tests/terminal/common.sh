# Sourced by the tests of the terminal: the tool, pools of this run, and the check that none is left.
# shellcheck shell=bash source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/../house/common.sh"

: "${SHMPOOL:?the tool to test}"
run_id=terminal.$$-$RANDOM
export LC_ALL=C.UTF-8

# Makes a pool of $2 bytes that is called after this run and $1; the rest goes to the tool.
make_pool() {
    "$SHMPOOL" create --size "$2" --keep "${@:3}" "$run_id.$1" || fault "no pool $1"
}

remove_pools() {
    "$SHMPOOL" ls --noheadings --output handle | grep -F "$run_id" |
        xargs -r "$SHMPOOL" rm --force || true
}
trap 'remove_pools; rm -rf "$scratch"' EXIT
