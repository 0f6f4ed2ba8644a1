#!/usr/bin/env bash
# Each program in the manual's EXAMPLES is compiled against the library as it is built, without a
# warning, and run on each backend: it ends with 0 and leaves no pool. Each (3) page has one.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/../house/common.sh"

# The literal blocks of EXAMPLES in $1 that are programs, as $scratch/PAGE-N.c.
extract() {
    awk -v stem="$scratch/${1##*/}" '
        /^\.Sh / { examples = /EXAMPLES/ }
        examples && /^\.Bd -literal/ { text = ""; inside = 1; next }
        inside && /^\.Ed/ {
            inside = 0
            if (text ~ /int main\(/) { file = stem "-" ++n ".c"; printf "%s", text >file; close(file) }
        }
        inside { gsub(/\\e/, "\\"); sub(/^\\&/, ""); text = text $0 "\n" }' "$1"
}

# Runs a program on a backend. What it could leave is named by the library, which begins with the
# process ID, or "example" and that; other tests have the same digits within their names.
run() {
    local pid status=0
    SHMPOOL_BACKEND=$2 "$1" </dev/null >"$scratch/log" 2>&1 &
    pid=$!
    wait "$pid" || status=$?
    if ((status != 0)); then
        cat "$scratch/log" >&2
        fault "${1##*/} on $2 ends with $status"
    fi
    if compgen -G "/dev/shm/shmpool.$pid-*" >&2 || compgen -G "/dev/shm/shmpool.example-$pid" >&2; then
        fault "${1##*/} on $2 leaves that"
    fi
}

ulimit -c 0
for page in "$root"/docs/man/*; do
    extract "$page"
    [[ $page != *.3 || -e $scratch/${page##*/}-1.c ]] || fault "${page##*/} has no example"
done
for source in "$scratch"/*.c; do
    program=${source%.c}
    if ! "$CC" -Wall -Wextra -Werror -I "$root/include" "$source" -o "$program" \
        -L "$build" -lshmpool -Wl,-rpath,"$build"; then
        fault "${source##*/} is not compiled"
        continue
    fi
    for backend in posix sysv memfd; do
        run "$program" "$backend"
    done
done
verdict
