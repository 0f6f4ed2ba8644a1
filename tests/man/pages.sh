#!/usr/bin/env bash
# The manual pages are sound mdoc, have the sections that readers look for, name each public function
# once, declare it as the header does, and refer to pages that are there; that of the tool has each
# of its verbs and options. Before the pages are judged, the check is: each of the faults planted
# below must be found.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/../house/common.sh"
need_tool mandoc

all_headers() {
    (cd "$root/include" && printf '#include <%s>\n' *.h */*.h)
}

functions() {
    all_headers | "$CC" -std=c11 -I "$root/include" -E -P -x c - |
        grep -oE 'shmpool_[a-z_]+\(' | tr -d '(' | sort
}

# Other manuals may be missing on this machine; those of the library are looked for below.
lint() {
    mandoc -T lint "$1"/* 2>/dev/null | grep -v 'STYLE: referenced manual not found'
}

sections() {
    local page section
    for page in "$1"/*.3; do
        for section in NAME SYNOPSIS DESCRIPTION 'RETURN VALUES' COST EXAMPLES ERRORS 'SEE ALSO' \
            STANDARDS; do
            grep -qx "\.Sh $section" "$page" || echo "${page##*/} has no section $section"
        done
    done
}

# The functions that the pages name, in NAME and in SYNOPSIS, are those of the headers.
names() {
    sed -n 's/^\.Nm \(shmpool_[a-z_]*\).*/\1/p' "$1"/*.3 | sort | diff "$scratch/functions" -
    sed -n '/^\.Sh SYNOPSIS/,/^\.Sh DESC/ s/^\.F[no] \(shmpool_[a-z_]*\).*/\1/p' "$1"/*.3 | sort |
        diff "$scratch/functions" -
}

prototypes() {
    { all_headers
        awk -f "$here/../man/prototypes.awk" "$1"/*.3; } |
        "$CC" -std=c11 -Wall -Wextra -Werror -fsyntax-only -I "$root/include" -x c - 2>&1
}

# C without comments and blanks, so that only the declarations count.
plain() {
    tr '\n' ' ' | sed -E 's!/\*([^*]|\*+[^*/])*\*+/!!g' | tr -d ' '
}

# The structures in SYNOPSIS are as the headers have them.
structures() {
    local page structure headers
    headers=$(cat "$root"/include/shmpool/*.h | plain)
    for page in "$1"/*.3; do
        while read -r structure; do
            [[ $headers == *"$structure"* ]] || echo "${page##*/}: not as in the header: $structure"
        done < <(sed -n '/^\.Sh SYNOPSIS/,/^\.Sh DESC/ { /^struct .* {$/,/^};/p; }' "$page" |
            plain | sed 's/};/&\n/g')
    done
}

references() {
    local page name section
    while read -r page name section; do
        [[ -e $1/$name.$section ]] ||
            grep -qE "^\.Nm $name( ,)?$" "$1"/*."$section" || echo "$page refers to $name($section)"
    done < <(awk '/^\.Xr shmpool/ { n = split(FILENAME, part, "/"); print part[n], $2, $3 }' "$1"/*)
}

# The tool's verbs and options, as the tables of its command line have them.
tool() {
    local word
    while read -r word; do
        grep -qxE "\.It $word" "$1/shmpool.1" || echo "shmpool.1 lacks $word"
    done < <(sed -n -e 's/^    {"\([a-z]*\)", .*/\1( .*)?/p' \
        -e "s/^    {OPTION_[A-Z_]*, '\(.\)', \"\([a-z-]*\)\", .*/Fl \1 , -\2( .*)?/p" \
        -e 's/^    {OPTION_[A-Z_]*, 0, "\([a-z-]*\)", .*/Fl -\1( .*)?/p' "$root/tools/shmpool/options.c")
}

checks=(lint sections names prototypes structures references tool)

# The check $1 finds what the sed script $3 makes of page $2.
finds() {
    local check=$1 page=$2 script=$3
    rm -rf "$scratch/copy"
    cp -r "$root/docs/man" "$scratch/copy"
    sed -i "$script" "$scratch/copy/$page"
    cmp -s "$root/docs/man/$page" "$scratch/copy/$page" && fault "not planted in $page: $script"
    [[ -n $("$check" "$scratch/copy") ]] || fault "planted in $page, $check does not find: $script"
}

functions >"$scratch/functions"
grep -qx shmpool_create "$scratch/functions" || fault "the headers declare nothing"
finds lint shmpool.7 's/^\.El$//'
finds sections shmpool_grow.3 's/^\.Sh COST$/.Sh PRICE/'
finds names shmpool_alloc.3 '/^\.Nm shmpool_of$/d'
finds names shmpool_alloc.3 '/^\.Fn shmpool_of "/d'
finds prototypes shmpool_alloc.3 's/^\.Fn shmpool_of "const void/.Fn shmpool_of "void/'
finds structures shmpool_stats.3 's/size_t blocks;/int blocks;/'
finds references shmpool.5 's/^\.Xr shmpool_create 3/.Xr shmpool_make 3/'
finds tool shmpool.1 '/^\.It check/d'
finds tool shmpool.1 's/^\.It Fl b , -bytes/.It Fl b/'
finds tool shmpool.1 '/^\.It Fl -svg/d'

for check in "${checks[@]}"; do
    found=$("$check" "$root/docs/man" || true)
    [[ -z $found ]] || fault "docs/man, $check:"$'\n'"$found"
done
verdict
