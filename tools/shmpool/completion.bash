# bash completion for shmpool(1). The tables of verbs and options stand at the end of the installed
# file: the tool prints them when it is built (completion.c).
# shellcheck shell=bash disable=SC2154

# The completions of $1 out of the words $2. These are not expanded, as compgen would. Of a word
# with a colon or an equals sign in it bash takes the end for the word: what stands before that is
# cut off. A reply that ends with = or , goes on without a blank.
_shmpool_reply() {
    local word=$1 last=${COMP_WORDS[COMP_CWORD]} candidates=() candidate
    [[ $last != [=:] ]] || last=''
    COMPREPLY=()
    read -rd '' -a candidates <<<"$2" || true
    for candidate in "${candidates[@]}"; do
        [[ $candidate != "$word"* ]] || COMPREPLY+=("${candidate#"${word%"$last"}"}")
    done
    if ((${#COMPREPLY[@]} == 1)) && [[ ${COMPREPLY[0]} == *= ]]; then
        compopt -o nospace 2>/dev/null || true
    fi
}

_shmpool_files() {
    compopt -o filenames 2>/dev/null || true
    mapfile -t COMPREPLY < <(compgen -f -- "$1")
}

# The pools by name, or with their backend once a colon was typed. What has no handle cannot be
# named on the command line, and may be called anything.
_shmpool_pools() {
    local handle
    while read -r handle; do
        [[ $2 == *:* ]] || handle=${handle#*:}
        echo "$handle"
    done < <("$1" ls --noheadings --output handle 2>/dev/null)
}

# A list with commas: those that are not in it yet.
_shmpool_columns() {
    local word=$1 chosen='' column rest=''
    [[ $word != *[,+]* ]] || chosen=${word%"${word##*[,+]}"}
    for column in $2; do
        [[ ,${chosen#+} == *",$column,"* ]] || rest+="$chosen$column "
    done
    _shmpool_reply "$word" "$rest"
    compopt -o nospace 2>/dev/null || true
}

# The completions of $3, which is of that kind: $1 the program, $2 the verb, $4 the kind.
_shmpool_argument() {
    case $4 in
    pool*) _shmpool_reply "$3" "$(_shmpool_pools "$1" "$3")" ;;
    columns) _shmpool_columns "$3" "${_shmpool_columns[$2]}" ;;
    backend) _shmpool_reply "$3" "posix sysv" ;;
    measure) _shmpool_reply "$3" "state owner" ;;
    program*) mapfile -t COMPREPLY < <(compgen -c -- "$3") ;;
    file) _shmpool_files "$3" ;;
    esac
}

# Prints the kind of the argument of option $2 of verb $1; nothing: it has none.
_shmpool_kind() {
    local entry
    for entry in ${_shmpool_arguments[$1]}; do
        [[ $entry != "$2:"* ]] || echo "${entry#*:}"
    done
}

_shmpool() {
    local line=${COMP_LINE:0:COMP_POINT} words=() program verb word kind
    local expected='' operands=0 plain=''
    COMPREPLY=()
    read -ra words <<<"$line"
    [[ $line != *[[:space:]] ]] || words+=('')
    program=${words[0]} verb=${words[1]}
    if ((${#words[@]} == 2)); then
        _shmpool_reply "$verb" "${!_shmpool_operand[*]} --help --version"
        return
    fi
    kind=${_shmpool_operand[$verb]-}
    [[ -n $kind ]] || return 0

    # What stands between the verb and the word says what the word is.
    for word in "${words[@]:2:${#words[@]}-3}"; do
        if [[ -n $expected ]]; then
            expected=''
        elif [[ -z $plain && $word == -- ]]; then
            plain=yes
        elif [[ -z $plain && $word == -* ]]; then
            expected=$(_shmpool_kind "$verb" "$word")
        else
            operands=$((operands + 1))
            [[ $kind != program* ]] || plain=yes
        fi
    done

    word=${words[-1]}
    if [[ -n $expected ]]; then
        _shmpool_argument "$program" "$verb" "$word" "$expected"
    elif [[ -z $plain && $word == --*=* ]]; then
        _shmpool_argument "$program" "$verb" "${word#*=}" "$(_shmpool_kind "$verb" "${word%%=*}")"
    elif [[ -z $plain && $word == -* ]]; then
        _shmpool_reply "$word" "${_shmpool_options[$verb]}"
    elif ((operands == 0)); then
        _shmpool_argument "$program" "$verb" "$word" "$kind"
    elif [[ $kind == program* ]]; then
        _shmpool_files "$word"
    elif [[ $kind == *... ]]; then
        _shmpool_argument "$program" "$verb" "$word" "$kind"
    fi
}

complete -F _shmpool shmpool
