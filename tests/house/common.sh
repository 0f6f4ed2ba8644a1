# Sourced by the house tests: where the tree and the build are, a place for temporary files that is
# removed at the end, and the words for the result. Lists are sorted alike in every locale.
# shellcheck shell=bash
set -euo pipefail
export LC_ALL=C

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=${HOUSE_SOURCE:-$(cd "$here/../.." && pwd)}
# shellcheck disable=SC2034 # for those who source this
build=${HOUSE_BUILD:-$root/build/dev}
faults=0

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# One thing that is wrong; the test goes on and fails at its end.
fault() {
    printf 'fault: %s\n' "$*" >&2
    faults=$((faults + 1))
}

verdict() {
    ((faults == 0)) || exit 1
}

# Ends the test as skipped when a tool is missing.
need_tool() {
    local tool
    for tool; do
        command -v "$tool" >/dev/null || {
            echo "skipped: $tool is not installed"
            exit 77
        }
    done
}
