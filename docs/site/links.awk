# Reads the files of the site, one name a line, and prints "PAGE: dead link LINK" for each link that
# leads to no file or to no place in it. Links to other sites are not followed; images and style
# sheets of other sites are faults.
function resolve(page, link,    part, n, i, kept, path) {
    if (link == "") return page
    if (link ~ /^\//) return link # of the machine, not of the site
    if (match(page, /.*\//)) link = substr(page, 1, RLENGTH) link
    n = split(link, part, "/")
    for (i = 1; i <= n; i++) {
        if (part[i] == "." || part[i] == "") continue
        if (part[i] == "..") { if (kept > 0) kept--; continue }
        stack[++kept] = part[i]
    }
    path = stack[1]
    for (i = 2; i <= kept; i++) path = path "/" stack[i]
    return path
}
function note(page, kind, value) {
    if (kind == "id") { place[page, value] = 1; return }
    n_links++
    from[n_links] = page; to[n_links] = value; how[n_links] = kind
}

{ is_file[$0] = 1 }
/\.html$/ {
    page = $0
    while ((getline line < page) > 0)
        while (match(line, /(^|[ \t])(href|src|id)="[^"]*"/)) {
            word = substr(line, RSTART, RLENGTH)
            line = substr(line, RSTART + RLENGTH)
            sub(/^[ \t]/, "", word)
            kind = substr(word, 1, index(word, "=") - 1)
            note(page, kind, substr(word, length(kind) + 3, length(word) - length(kind) - 3))
        }
    close(page)
}
END {
    for (i = 1; i <= n_links; i++) {
        if (to[i] ~ /^https?:/ && how[i] == "href") continue
        hash = index(to[i], "#")
        target = resolve(from[i], hash ? substr(to[i], 1, hash - 1) : to[i])
        if (!(target in is_file) || (hash && !((target, substr(to[i], hash + 1)) in place)))
            print from[i] ": dead link " to[i]
    }
    if (n_links == 0) print "no links at all"
}
