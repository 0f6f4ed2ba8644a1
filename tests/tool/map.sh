#!/usr/bin/env bash
# map: the picture fits the width, shows what is there, in characters, in half blocks and in colours
# where these belong, as SVG and as JSON.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
need_tool jq script
page=$(getconf PAGESIZE)
name=$run_id

begin_maker "$MAKER" posix "$name"
read -r pid child <<<"$line"
fine map --json "$name"
gives '[.runs[].pages] | add' 256
gives '[.runs[] | select(.kind == "block")] | length' 12
gives "[.runs[] | select(.pid == $child).pages] | add" 6
gives '[.runs[] | select(.owner == "shared").pages] | @csv' 12
# shellcheck disable=SC2016 # jq's variables
gives '[.runs[1:][].page] == [foreach .runs[:-1][] as $run (0; . + $run.pages)]' true
# One letter a page, in the order of the runs.
expected=$(jq -r --arg pid "$pid" '[.runs[] | .pages as $n |
    (if .kind == "free" then "." elif .owner == "shared" then "s"
     elif (.pid | tostring) == $pid then "A" else "B" end) * $n] | add' out)

# The rows without their margins.
rows() {
    sed '$d' out | cut -c 9- | tr -d '\n'
}

COLUMNS=40 fine map --by owner "$name"
[[ $(rows) == "$expected" ]] || fault "map --by owner: $(<out)"
awk 'length($0) > 40 && !/cell/ { exit 1 }' out || fault "wider than 40: $(<out)"
grep -Eq "cell .*  \. free  s shared  A $pid  B $child \(dead\)\$" out || fault "legend: $(tail -n 1 out)"
COLUMNS=72 fine map "$name"
[[ $(rows) == "$(tr 'ABs' '###' <<<"$expected")" ]] || fault "map: $(<out)"
for width in 1 9 20 100 300; do
    COLUMNS=$width fine map "$name"
    awk -v width="$width" 'length($0) > (width > 16 ? width : 16) && !/cell/ { exit 1 }' out ||
        fault "wider than $width: $(<out)"
done
# A pool of which a character shows many pages: the offsets in the margin reach its size.
fine create -s 4G --keep "$name.large"
COLUMNS=80 fine map "$name.large"
(($(wc -l <out) <= 17)) || fault "$(wc -l <out) lines"
[[ $(rows | tr -d .) == '' ]] || fault "an empty pool: $(<out)"
fine rm "$name.large"

# Half blocks where the locale has them: two rows a line.
LC_ALL=C.UTF-8 COLUMNS=72 fine map "$name"
grep -q '█' out || fault "no half blocks in UTF-8"
(($(wc -l <out) == 3)) || fault "256 pages, 64 a row: $(wc -l <out) lines"
grep -q $'\033' out && fault "colours into a file"

# Colours on a terminal, and not where NO_COLOR is set or the terminal is dumb.
on_terminal() {
    script -qec "env TERM=xterm $1 $TOOL map $name" /dev/null </dev/null >out
}
on_terminal LC_ALL=C.UTF-8
grep -q $'\033\[38;5;' out || fault "no colours on a terminal"
on_terminal LC_ALL=C
grep -q $'\033\[38;5;' out || fault "no colours on a terminal without UTF-8"
on_terminal "NO_COLOR=1"
grep -q $'\033' out && fault "colours with NO_COLOR"
on_terminal "TERM=dumb"
grep -q $'\033' out && fault "colours on a dumb terminal"

# SVG: every page has its place. A square is 6 wide.
fine map --svg picture.svg "$name"
[[ ! -s out ]] || fault "--svg writes to stdout"
fine map --svg - --by owner "$name"
grep -c '^</svg>$' out | grep -qx 1 || fault "no SVG on stdout"
squares=$(sed -n '/<g /,/<\/g>/p' picture.svg |
    grep -o 'width="[0-9]*"' | tr -dc '0-9\n' | awk '{ n += $1 } END { print n / 6 }')
[[ $squares == 256 ]] || fault "$squares squares of 256"
used=$(sed -n '/<g /,/<\/g>/p' picture.svg | grep -v eceff1 |
    grep -o 'width="[0-9]*"' | tr -dc '0-9\n' | awk '{ n += $1 } END { print n / 6 }')
[[ $used == 66 ]] || fault "$used squares in use of 66"
grep -q ">$name: $((256 * page / 1048576)).*M, .* a square</text>" picture.svg || fault "no title: $(head -n 4 picture.svg)"
refuses 1 "nowhere/picture.svg: No such file or directory" map --svg nowhere/picture.svg "$name"

end_makers
fine rm "$name"
verdict
