# Sourced by the tests of the tool: pools to look at, and the check that nothing is left of them.
# shellcheck shell=bash
set -euo pipefail
export LC_ALL=C

: "${TOOL:?the tool to test}" "${MAKER:?the program that makes pools}"
faults=0
scratch=$(mktemp -d)
run_id=tool$$-$RANDOM$RANDOM
makers=()
holds=()
trap 'end_makers; remove_pools; rm -rf "$scratch"' EXIT
cd "$scratch"

# One thing that is wrong; the test goes on and fails at its end.
fault() {
    printf 'fault: %s\n' "$*" >&2
    faults=$((faults + 1))
}

# Waits until no pool is listed whose handle has $1 in it; those that stay in $left. What was removed
# is there for a moment without its name if another test looks at it.
await_gone() {
    local i
    for ((i = 0; i < 100; i++)); do
        left=$("$TOOL" ls --noheadings --output handle | grep -F "$1" || true)
        [[ -n $left ]] || return 0
        sleep 0.05
    done
}

# Ends the makers, removes the pools; fails if a test left other ones of its name.
verdict() {
    end_makers
    await_gone "$run_id"
    [[ -z $left ]] || fault "left behind: $left"
    ((faults == 0)) || exit 1
}

need_tool() {
    local tool
    for tool; do
        command -v "$tool" >/dev/null || {
            echo "skipped: $tool is not installed"
            exit 77
        }
    done
}

# Starts a program that holds pools until its standard input ends, and waits for its first line,
# which goes to $line; its process ID is $maker.
begin_maker() {
    local number=${#makers[@]}
    mkfifo "in$number" "out$number"
    "$@" <"in$number" >"out$number" &
    maker=$!
    exec {hold}>"in$number"
    exec {from}<"out$number"
    rm "in$number" "out$number"
    makers+=("$maker")
    holds+=("$hold")
    # shellcheck disable=SC2034 # for those who source this
    read -r line <&"$from" || fault "no line from $*"
    exec {from}<&-
}

# Later ones hold the input of earlier ones too, so all inputs end before the first is waited for.
end_makers() {
    local hold
    for hold in "${holds[@]}"; do exec {hold}>&-; done
    for maker in "${makers[@]}"; do wait "$maker" || fault "process $maker failed: $?"; done
    makers=() holds=()
}

# Those of this run that tests left with a name.
remove_pools() {
    local handle
    "$TOOL" ls --noheadings --output handle 2>/dev/null | grep -F "$run_id" |
        while read -r handle; do "$TOOL" rm --force "$handle" 2>/dev/null || true; done || true
}

# Runs the tool; its exit status in $status, what it says in the files out and err.
tool() {
    status=0
    "$TOOL" "$@" >out 2>err || status=$?
}

# The tool succeeds and says nothing to people.
fine() {
    tool "$@"
    ((status == 0)) || fault "$*: status $status: $(<err)"
    [[ ! -s err ]] || fault "$*: says '$(<err)'"
}

# Status $1 and a line like $2 on stderr, nothing on stdout, from the arguments $3...
refuses() {
    local expected=$1 expression=$2
    shift 2
    tool "$@"
    ((status == expected)) || fault "$*: status $status, not $expected: $(<err)"
    grep -Exq "shmpool: $expression" err || fault "$*: says '$(<err)', not '$expression'"
    [[ ! -s out ]] || fault "$*: wrote to stdout: $(head -n 1 out)"
}

# The JSON in the file out gives this with jq's expression.
gives() {
    local expression=$1 expected=$2 found
    found=$(jq -r "$expression" out) || fault "jq $expression fails on $(head -c 200 out)"
    [[ $found == "$expected" ]] || fault "$expression gives '$found', not '$expected'"
}

# The pool $1 is listed as $3 in the columns $2. Another test's look at it, which makes it live for a
# moment, is waited for.
lists_as() {
    local i
    for ((i = 0; i < 200; i++)); do
        [[ $(listed "$1" "$2") != "$3" ]] || return 0
        sleep 0.05
    done
    fault "$1 has $2 '$(listed "$1" "$2")', not '$3'"
}

# The pool's line in the list, with these columns.
listed() {
    "$TOOL" ls --noheadings --bytes --output "handle,$2" |
        awk -v handle="$1" '$1 == handle { $1 = ""; print substr($0, 2) }'
}
