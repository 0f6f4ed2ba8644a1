#!/usr/bin/env bash
# pictures.sh BUILD: the pictures of README.md, in docs/pictures: one run of bench-kills and what the
# tool makes of its pool meanwhile. BUILD has both programs.
set -euo pipefail
here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
build=$(cd "$1" && pwd)
pictures=$here/../docs/pictures
name=pool-at-work-$$
data=$(mktemp -d)
trap 'rm -r "$data"; "$build/tools/shmpool/shmpool" rm --force "posix:$name" 2>/dev/null' EXIT
export SHMPOOL_BACKEND=posix

cores=$(nproc)
machine="$cores core$([[ $cores == 1 ]] || echo s), $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1)"
mkdir -p "$pictures"
"$build/bench/bench-kills" "$name" "${PICTURES_SECONDS:-12}" \
    "'$build/tools/shmpool/shmpool' map --by owner --svg '$data/map.svg' posix:$name" >"$data/run"
for kind in rate kill; do
    sed -n "s/^$kind //p" "$data/run" >"$data/$kind"
done
sed "s/$name/A pool at work/" "$data/map.svg" >"$pictures/map.svg"
gnuplot -e "machine = '$machine'; data = '$data'; output = '$pictures/kills.svg'" "$here/kills.gnuplot"
echo "docs/pictures/map.svg, docs/pictures/kills.svg"
