#!/usr/bin/env bash
# README.md tells what happens when a worker is killed, /dev/shm is full and the like. Each row of
# that table is made to happen by the program given as the argument; what it returns and says must be
# what stands in the row, word by word. Every row that the program knows must be in the table.
#
# A /dev/shm of 64 MiB is had in a mount namespace, for which an ordinary user needs a user
# namespace as well. Where the system forbids them one that is as small, as containers have, serves;
# where there is none the rows that need it are told and left out.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/../house/common.sh"
happens=$1
small=64M
has_small_shm=true

# Goes on in a namespace of its own; without one, only where /dev/shm is small.
enter_small_shm() {
    local ways=(--mount "--map-root-user --mount") way
    ((EUID == 0)) || ways=("--map-root-user --mount")
    for way in "${ways[@]}"; do
        # shellcheck disable=SC2086 # the options of one way
        if unshare $way mount -t tmpfs -o size=$small tmpfs /dev/shm 2>"$scratch/why"; then
            rm -rf "$scratch"
            HAPPENS_INSIDE=1 exec unshare $way bash -c \
                "mount -t tmpfs -o size=$small,mode=1777 tmpfs /dev/shm && exec bash \"\$@\"" - "$0" "$happens"
        fi
    done
    (($(df --output=size -B 1M /dev/shm | tail -n 1) <= 64)) || {
        echo "not run: the rows of a small /dev/shm; this one is larger than $small, and a mount" \
            "namespace is not to be had ($(<"$scratch/why"))"
        has_small_shm=false
    }
}
[[ ${HAPPENS_INSIDE-} ]] || enter_small_shm

# The table's rows as "WHEN|CALL|GIVES|SAYS", without the marks of markdown.
awk -F ' *[|] *' '
    /^## / { inside = /What happens when/ }
    inside && /^\|/ && !/^\| (---|when )/ { print $2 "|" $3 "|" $4 "|" $5 }' "$root/README.md" |
    tr -d '`' >"$scratch/rows"

# A message as an extended regular expression: its words in capitals stand for what varies.
pattern() {
    sed -E 's/[][(){}.*+?^$\\|]/\\&/g
        s/\bNAME\b/[A-Za-z0-9._+-]+/g; s/\b(ID|PID)\b/[0-9]+/g
        s/\bSIZE\b/[0-9.]+ [KMGT]?i?B \\([0-9]+ bytes\\)/g' <<<"$1"
}

while IFS='|' read -r when call gives says; do
    [[ $has_small_shm == true || $when != */dev/shm* ]] || continue
    result=$("$happens" "$when" "$call") || fault "$when, $call: cannot be made to happen"
    [[ ${result%%|*} == "$gives" ]] || fault "$when, $call: gives '${result%%|*}', not '$gives'"
    grep -Exq -e "$(pattern "$says")" <<<"${result#*|}" ||
        fault "$when, $call: says '${result#*|}', not '$says'"
done <"$scratch/rows"

cut -d '|' -f 1-2 "$scratch/rows" | sort >"$scratch/told"
"$happens" LIST | sort | diff --label told --label known -u "$scratch/told" - >&2 ||
    fault "not the rows that can be made to happen"
[[ -z $(find /dev/shm -name 'shmpool.happens-*') ]] || fault "pools were left in /dev/shm"
verdict
