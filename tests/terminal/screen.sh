#!/usr/bin/env bash
# The screen of top in a terminal: what it shows, what keys do, and that all fits. A pool whose name
# begins with + is among the first by name, whatever else there is on the machine.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
need_tool tmux
run_id=+t$$
readonly pool=$run_id.busy top="'$SHMPOOL' top --delay 0.2; echo status \$?; read -r _"
heading='^NAME +BACKEND FILL +USED SIZE BLOCKS MEMB +CHG/S STATE$'
row="^\\+t$$\\.busy +posix +\\[#+\\.+\\] +[0-9.]+[KM] 1.0M +[0-9]+ +1"

# Nothing is lost in $1 lines: the heading is the second, a pool such as ours the third, the keys the
# last. What is shown may be half drawn for a moment.
fits() {
    local end=$((SECONDS + patience)) screen
    while ((SECONDS <= end)); do
        mapfile -t screen < <(shown)
        [[ ${screen[1]-} != NAME* || ${screen[2]-} != +* || ${screen[$1 - 1]-} != Sort:* ]] ||
            return 0
        sleep 0.2
    done
    fault "does not fit in $1 lines: $(shown)"
}

start_busy "$pool"
TERM=xterm-256color open_terminal 80 24 "$top"
await "$heading"
press n
await '; by name, every 0.2 s$'
await "$row +(0\.|[1-9])[0-9.]*k? live\$"
fits 24
shown_in_colours | grep -q $'\033\\[.*3[0-7]m' || fault "no colours"

press s
await '; by size, every'
press r
await '; by size reversed, every'
press n
await '; by name, every'
await "$row"
fits 24

# The pool from inside: its map, and who is there.
place=$(shown | grep -Fn "$pool" | cut -d : -f 1)
for ((; place > 3; place--)); do press Down; done
press Enter
await "^posix:\\+t$$\\.busy\$"
await '^ +0B '
await ' cell 4.0K '
await '^KIND +PID LIFE'
await "^process +$busy alive +1 "
press Escape
await "$heading"
await "$row"

# A window that changes; one that is too small for anything is no reason to end.
on_terminal resize-window -x 60 -y 10
fits 10
on_terminal resize-window -x 20 -y 3
await '^Sort: n f'
on_terminal resize-window -x 600 -y 10
await "$heading"
await "$row"
on_terminal resize-window -x 120 -y 30
await 'Enter: look into'
await "$row"

# The pool goes, top stays; then it ends, and the terminal is as it was.
end_busy
await_none "^\\+t$$"
await "$heading"
press q
await '^status 0$'
shown | grep -q '^NAME' && fault "the screen is left behind: $(shown)"
close_terminal

# Without colours, on a terminal that has none and where they are not wanted.
plain() {
    open_terminal 80 24 "$1 $top"
    await "$heading"
    shown_in_colours | grep -q $'\033\\[[0-9;]*3[0-7]m' && fault "$1: colours"
    press q
    await '^status 0$'
    close_terminal
}
plain "TERM=vt100"
plain "NO_COLOR=1 TERM=xterm-256color"

# A terminal of which nothing is known, and one whose cursor stays where it is.
for kind in none-such dumb; do
    open_terminal 120 24 "env TERM=$kind $top"
    await "^shmpool: top does not know terminals of kind '$kind' "
    await '^status 1$'
    close_terminal
done

# A signal ends it, and the terminal is as it was.
open_terminal 80 24 "$top"
await "$heading"
press C-c
await '^status '
shown | grep -q '^NAME' && fault "the screen is left behind by a signal: $(shown)"
verdict
