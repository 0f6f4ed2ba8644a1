#!/usr/bin/env bash
# What bash offers for a command line of the tool.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
: "${COMPLETION:?what completes the command line}"
cd "$scratch"
# shellcheck disable=SC1090 # it is made by the build
source "$COMPLETION"
PATH=$(dirname "$SHMPOOL"):$PATH

# Completes the line $1 as bash does: the words are broken at = and : too.
complete_line() {
    COMP_LINE=$1
    COMP_POINT=${#COMP_LINE}
    mapfile -t COMP_WORDS < <(grep -oE '[=:]|[^=: ]+' <<<"$1")
    [[ $1 != *' ' ]] || COMP_WORDS+=('')
    # shellcheck disable=SC2034 # bash's own variables
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
    _shmpool
}

# The line $1 is completed by exactly the words $2….
completes() {
    local expected
    expected=$(printf '%s\n' "${@:2}" | sort)
    complete_line "$1"
    [[ $(printf '%s\n' "${COMPREPLY[@]}" | sort) == "$expected" ]] ||
        fault "'$1' is completed by '${COMPREPLY[*]}', not '${*:2}'"
}

# Among others.
offers() {
    complete_line "$1"
    [[ " ${COMPREPLY[*]} " == *" $2 "* ]] ||
        fault "'$1' is completed by '${COMPREPLY[*]}', not '$2'"
}

[[ $(complete -p shmpool) == "complete -F _shmpool shmpool" ]] || fault "nothing completes shmpool"

# Every verb that the tool has, and each option of each.
mapfile -t verbs < <("$SHMPOOL" --help | sed -n 's/^  \([a-z]*\) .*/\1/p')
((${#verbs[@]} >= 5)) || fault "few verbs: ${verbs[*]}"
completes "shmpool " "${verbs[@]}" --help --version
for verb in "${verbs[@]}"; do
    mapfile -t options < <("$SHMPOOL" "$verb" --help |
        sed -nE 's/^  (-.,|   ) (--[a-z-]+=?).*/\2/p')
    completes "shmpool $verb -" "${options[@]}"
done
completes "shmpool sta" stat
completes "shmpool nothing " ''
completes "shmpool doctor " ''
completes "shmpool doctor --j" --json

# Pools, by name and by handle, in words that bash breaks.
make_pool one 64K
make_pool two 64K --backend sysv
completes "shmpool stat $run_id." "$run_id.one" "$run_id.two"
completes "shmpool stat posix:$run_id." "$run_id.one"
completes "shmpool stat $run_id.one $run_id." ''
completes "shmpool check $run_id.one $run_id.t" "$run_id.two"
completes "shmpool check --json -- $run_id.o" "$run_id.one"
completes "shmpool grow $run_id.one 1" ''
completes "shmpool exec --inherit=$run_id.o" "$run_id.one"
completes "shmpool exec -i $run_id.one -i $run_id.t" "$run_id.two"

# Anybody may call a file as a pool is called. Nothing of its name is run, and it is not offered.
# shellcheck disable=SC2016 # that is the name
stranger='/dev/shm/shmpool.'$run_id'.o$(touch${IFS}run)'
printf 'no pool' >"$stranger"
completes "shmpool stat $run_id.o" "$run_id.one"
completes "shmpool stat /dev/shm/shmpool.$run_id" ''
rm "$stranger"
[[ ! -e run ]] || fault "completion has run what a file is called"

# Arguments of options.
completes "shmpool map --by " state owner
completes "shmpool map --by=o" owner
completes "shmpool create --backend s" sysv
completes "shmpool create --size " ''
completes "shmpool who --output li" life
completes "shmpool who --output=kind,li" kind,life
completes "shmpool ls -o +wh" +where +why
offers "shmpool ls --output name,b" name,backend
complete_line "shmpool ls --output name,"
[[ " ${COMPREPLY[*]} " != *,name\ * ]] || fault "a column is offered twice"

# Files and programs.
touch picture.svg 'another file'
completes "shmpool map --svg pic" picture.svg
completes "shmpool map --svg=an" "another file"
offers "shmpool exec -- sh" sh
completes "shmpool exec -- cat --num pic" picture.svg
verdict
