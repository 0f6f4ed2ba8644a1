#!/usr/bin/env bash
# The map of a pool in a terminal: as wide as that, in colours and without, in UTF-8 and in ASCII.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
need_tool tmux
start_busy "$run_id.busy"

# The command runs in a terminal of $1 columns; environment: $2. What it prints: shown.
map() {
    open_terminal "$1" 24 "$2 '$SHMPOOL' map 'posix:$run_id.busy'; echo status \$?; read -r _"
    await '^status 0$'
    await '^ +cell 4\.0K '
}

# Of 256 pages a line of halves holds two rows: $1 lines in all, but for legend and status.
lines() {
    local lines
    lines=$(shown | grep -Ec '^ *[0-9.]+[BKM] ')
    ((lines == $1)) || fault "$lines lines of the map, not $1: $(shown)"
}

map 80 TERM=xterm-256color
lines 2
shown_in_colours | grep -q $'\033\\[.*48;5;' || fault "no colours: $(shown_in_colours)"
shown | grep -q '▀▀▀' || fault "no half blocks: $(shown)"
close_terminal

map 40 TERM=xterm-256color
lines 4
close_terminal

map 136 "NO_COLOR=1 TERM=xterm-256color"
lines 1
shown_in_colours | grep -q $'\033\\[[0-9;]*[34]8;' &&
    fault "colours that are not wanted: $(shown_in_colours)"
shown | grep -q '█' || fault "no blocks: $(shown)"
close_terminal

map 72 "LC_ALL=C TERM=vt100"
lines 4
shown | grep -q '[^ -~]' && fault "more than ASCII: $(shown)"
shown | grep -Eq '^ *0B [#.+-]{64}$' || fault "no map in ASCII: $(shown)"
verdict
