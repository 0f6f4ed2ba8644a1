#!/usr/bin/env bash
# The site that ./run docs makes has a page for each document and manual page, links that lead
# somewhere, no script, and nothing that is fetched from elsewhere. Before its links are believed,
# the check is: each of the dead links planted below must be found.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/../house/common.sh"
need_tool mandoc cmark-gfm
site=$scratch/site

dead() {
    (cd "$site" && find . -type f -printf '%P\n' | awk -f "$root/docs/site/links.awk")
}

finds() {
    local page=$1 link=$2
    cp "$site/$page" "$scratch/kept"
    printf '%s\n' "$link" >>"$site/$page"
    [[ -n $(dead) ]] || fault "planted in $page and not found: $link"
    mv "$scratch/kept" "$site/$page"
}

"$root/docs/site/site.sh" "$site" || fault "./run docs fails"
while read -r document; do
    [[ -s $site/${document%.md}.html ]] || fault "no page of $document"
    grep -q "href=\"${document%.md}.html\"" "$site/index.html" || fault "index without $document"
done < <(cd "$root" && find README.md docs -name '*.md')
for page in "$root"/docs/man/*; do
    grep -q "href=\"man/${page##*/}.html\"" "$site/index.html" || fault "index without $page"
done

[[ -z $(dead) ]] || fault "dead links"
finds README.html '<a href="docs/nothing.html">'
finds docs/errors.html '<a href="../docs/architecture.html#nowhere">'
finds man/shmpool.7.html '<img src="picture.svg">'
finds index.html '<link rel="stylesheet" href="/style.css">'
finds index.html '<img src="https://example.org/picture.svg">'

grep -rliE '<script|<iframe|@import|url\(|rel="[a-z]*" href="http' "$site" --include='*.html' \
    --include='*.css' >&2 && fault "scripts, or what is fetched from elsewhere"
grep -q 'prefers-color-scheme: dark' "$site/style.css" || fault "no dark colours"
grep -L 'name="viewport"' -r "$site" --include='*.html' | grep . >&2 && fault "not for phones"
verdict
