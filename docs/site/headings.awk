# Gives each heading of an HTML page the id by which links of the document name it: the text in small
# letters, blanks as "-", without other signs.
match($0, /^<h[1-6]>/) {
    id = $0
    gsub(/<[^>]*>|&[a-z]+;/, "", id)
    id = tolower(id)
    gsub(/[^a-z0-9 _-]/, "", id)
    gsub(/ /, "-", id)
    if (seen[id]++) id = id "-" (seen[id] - 1)
    $0 = substr($0, 1, 3) " id=\"" id "\"" substr($0, 4)
}
{ print }
