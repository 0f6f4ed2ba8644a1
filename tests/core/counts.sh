#!/usr/bin/env bash
# The tables of docs/scaling.md are those that the program, the first argument, counts now. With
# "write" as the second they are put there: by whoever changes what is counted, in the same commit.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/../house/common.sh"
page=$root/docs/scaling.md

"$1" >"$scratch/counted"
[[ $(grep -c '^| [a-z]' "$scratch/counted") -ge 20 ]] || fault "nothing was counted"

# The page with the program's tables behind its marks, one each.
awk -v counted="$scratch/counted" '
    inside && /^\|/ { next }
    { inside = 0; print }
    /^<!-- counted -->$/ {
        inside = 1
        while ((getline line < counted) > 0 && line != "") print line
    }' "$page" >"$scratch/page"
if [[ ${2-} == write ]]; then
    cp "$scratch/page" "$page"
elif ! diff --label docs/scaling.md --label counted -u "$page" "$scratch/page" >&2; then
    fault "docs/scaling.md is not what is counted. Look whether the change is meant, then:" \
        "tests/core/counts.sh $1 write"
fi
verdict
