# Sourced by the tests of the terminal: the tool, pools of this run, and a terminal, which is tmux
# with a server of its own. What a run has made is gone at its end.
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

# A pool of that name in which blocks come and go; its process in $busy.
start_busy() {
    local word
    : "${BUSY:?the program that keeps a pool busy}"
    coproc busy_pool { exec "$BUSY" "$1"; }
    # shellcheck disable=SC2154 # set by coproc
    busy=$busy_pool_PID busy_input=${busy_pool[1]} # bash forgets them when the program ends
    read -r word <&"${busy_pool[0]}" || fault "no busy pool: '$word'"
}

end_busy() {
    local process=$busy
    [[ -n $process ]] || return 0
    busy=''
    exec {busy_input}>&-
    wait "$process" || fault "the busy program failed"
}

# ---- a terminal ----

# Lines may come late on a busy machine.
readonly patience=120

terminals=0
on_terminal() {
    tmux -u -S "$scratch/terminal.$terminals" -f /dev/null "$@"
}

# A terminal of $1 columns and $2 lines, in which the command $3 runs.
open_terminal() {
    terminals=$((terminals + 1))
    on_terminal new-session -d -x "$1" -y "$2" "$3"
}

press() {
    on_terminal send-keys "$@"
}

shown() {
    on_terminal capture-pane -p
}

shown_in_colours() {
    on_terminal capture-pane -pe
}

# Waits until a line of the terminal matches the extended expression $1.
await() {
    local end=$((SECONDS + patience))
    until shown | grep -Eq -- "$1"; do
        if ((SECONDS > end)); then
            fault "not on the terminal: $1"$'\n'"$(shown)"
            return
        fi
        sleep 0.2
    done
}

# Waits until none does.
await_none() {
    local end=$((SECONDS + patience))
    while shown | grep -Eq -- "$1"; do
        if ((SECONDS > end)); then
            fault "still on the terminal: $1"$'\n'"$(shown)"
            return
        fi
        sleep 0.2
    done
}

close_terminal() {
    [[ ! -S $scratch/terminal.$terminals ]] || on_terminal kill-server 2>/dev/null || true
}

busy=''
trap 'close_terminal; end_busy; remove_pools; rm -rf "$scratch"' EXIT
