#!/usr/bin/env bash
# Makes the HTML site of the documents in the folder $1, which it replaces: README, CHANGELOG,
# CONTRIBUTING and docs/**.md by cmark-gfm, the manual pages by mandoc, pictures, and what the pages
# link to of the rest of the tree. Fails on a dead link. Called by ./run docs and by tests/man.
#
# The site has the tree's folders: docs/errors.md becomes docs/errors.html, a manual page
# man/NAME.SECTION.html, a source that somebody links to FILE.html, a folder FOLDER/index.html.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
out=$(realpath -m "$1")
cd "$root"

# In the order of the index.
mapfile -t documents < <(echo README.md; find docs -name '*.md' | LC_ALL=C sort; ls C*.md)
mapfile -t pictures < <(find docs \( -name '*.svg' -o -name '*.png' \) | LC_ALL=C sort)
mapfile -t manual < <(for section in 1 7 5 3; do
    find docs/man -name "*.$section" | LC_ALL=C sort
done)

escape() { sed 's/&/\&amp;/g; s/</\&lt;/g; s/>/\&gt;/g'; }

# Writes stdin as a page of the site: $1 its place, $2 its title.
write_page() {
    local up
    up=$(realpath -m --relative-to="$(dirname "$out/$1")" "$out")
    mkdir -p "$(dirname "$out/$1")"
    {
        cat <<HTML
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$2</title>
<link rel="stylesheet" href="$up/style.css">
</head>
<body>
<nav><a href="$up/index.html">shmpool</a> <a href="$up/README.html">README</a>
<a href="$up/man/shmpool.7.html">manual</a> <a href="$up/docs/architecture.html">architecture</a></nav>
<main>
HTML
        cat
        printf '</main>\n</body>\n</html>\n'
    } >"$out/$1"
}

# ---- manual pages ----

# "shmpool_free shmpool_alloc.3" for each function that is on another one's page.
aliases() {
    local page
    for page in "${manual[@]}"; do
        sed -n "/^\.Sh NAME/,/^\.Nd/ s|^\.Nm \([^ ]*\).*|\1 ${page##*/}|p" "$page"
    done
}

# mandoc links to files that are there, and to the system's manual on the web else.
write_manual() {
    local page name target links=$scratch/links.sed
    mkdir -p "$scratch/man"
    while read -r name target; do
        : >"$scratch/man/$name.${target##*.}.html"
        [[ $target == "$name".* ]] ||
            echo "s|href=\"$name\.${target##*.}\.html\"|href=\"$target.html#$name\"|g" >>"$links"
    done < <(aliases)
    for page in "${manual[@]}"; do
        name=${page##*/}
        (cd "$scratch/man" && mandoc -T html -O \
            'fragment,man=%N.%S.html;https://man7.org/linux/man-pages/man%S/%N.%S.html' \
            "$root/$page") | sed -f "$links" |
            write_page "man/$name.html" "${name%.*}(${name##*.})"
    done
}

# ---- documents ----

title_of() { sed -n '/^# /{ s/^# //p; q; }' "$1"; }

# A link of document $1 as the site has it; what is in the tree and no page yet is noted.
site_link() {
    local path=${2%%#*} fragment='' target
    [[ $2 != *'#'* ]] || fragment="#${2#*#}"
    target=$(realpath -m --relative-to="$root" "$(dirname "$1")/$path")
    case $path in
    *.md) path=${path%.md}.html ;;
    *.svg | *.png) ;;
    *)
        [[ ! -e $target ]] || echo "$target" >>"$scratch/wanted"
        if [[ -d $target ]]; then path=$path/index.html; else path=$path.html; fi
        ;;
    esac
    printf '%s' "$path$fragment"
}

write_document() {
    local html=$scratch/document.html links=$scratch/document.sed link up
    cmark-gfm -e table "$1" | awk -f "$here/headings.awk" >"$html"
    : >"$links"
    while read -r link; do
        echo "s|\"$link\"|\"$(site_link "$1" "$link")\"|g" >>"$links"
    done < <(grep -oE 'href="[^"#][^"]*"' "$html" | cut -d '"' -f 2 | grep -v '^https\?:' | sort -u)
    up=$(realpath -m --relative-to="$(dirname "$1")" .)
    cat >>"$links" <<SED
s|<td>\(shmpool[a-z_-]*\)(\([1-9]\))</td>|<td><a href="$up/man/\1.\2.html">\1(\2)</a></td>|
SED
    sed -f "$links" "$html" | write_page "${1%.md}.html" "$(title_of "$1" | escape)"
}

# A file of the tree as it is, or the list of a folder's files.
write_source() {
    local file
    if [[ -d $1 ]]; then
        {
            printf '<h1>%s</h1>\n<ul>\n' "$1"
            for file in "$1"/*; do
                printf '<li><a href="%s.html">%s</a></li>\n' "${file##*/}" "${file##*/}"
                write_source "$file" >&2
            done
            printf '</ul>\n'
        } | write_page "$1/index.html" "$1"
    else
        { printf '<h1>%s</h1>\n<pre>' "$1"; escape <"$1"; printf '</pre>\n'; } |
            write_page "$1.html" "$1"
    fi
}

# ---- the index ----

write_index() {
    local page document picture name
    {
        printf '<h1>shmpool</h1>\n<p>%s</p>\n<h2>Manual pages</h2>\n<table>\n' \
            'Pools of shared memory that worker processes inherit at the same address.'
        for page in "${manual[@]}"; do
            name=${page##*/}
            printf '<tr><td><a href="man/%s.html">%s</a></td><td>%s</td></tr>\n' "$name" \
                "${name%.*}(${name##*.})" "$(sed -n 's/^\.Nd //p' "$page" | escape)"
        done
        printf '</table>\n<h2>Documents</h2>\n<table>\n'
        for document in "${documents[@]}"; do
            printf '<tr><td><a href="%s.html">%s</a></td><td>%s</td></tr>\n' "${document%.md}" \
                "${document%.md}" "$(title_of "$document" | escape)"
        done
        printf '</table>\n<h2>Pictures</h2>\n'
        for picture in "${pictures[@]}"; do
            printf '<figure><img src="%s" alt="%s"><figcaption>%s</figcaption></figure>\n' \
                "$picture" "$picture" "$picture"
        done
    } | write_page index.html shmpool
}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
rm -rf "$out"
mkdir -p "$out"
cp "$here/style.css" "$out"
: >"$scratch/wanted"
write_manual
for document in "${documents[@]}"; do write_document "$document"; done
while read -r source; do write_source "$source"; done < <(sort -u "$scratch/wanted")
for picture in "${pictures[@]}"; do install -D -m 644 "$picture" "$out/$picture"; done
write_index

cd "$out"
dead=$(find . -type f -printf '%P\n' | LC_ALL=C sort |
    awk -f "$here/links.awk")
[[ -z $dead ]] || { printf '%s\n' "$dead" >&2; exit 1; }
