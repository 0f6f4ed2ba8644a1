# Judges the #include lines of C files by floors.txt, which is given as the variable table. Run in
# the root of the tree, files named from there; prints "file:line: what is wrong".
function wrong(text) { printf "%s:%d: %s\n", FILENAME, FNR, text }

BEGIN {
    split("errno limits stdalign stdatomic stdbool stddef stdint string", names)
    for (i in names) free_header[names[i] ".h"] = 1
    while ((getline row < table) > 0) {
        if (row ~ /^#/ || split(row, word) == 0) continue
        system_of[word[1]] = word[2]
        for (i = 3; i in word; i++) {
            if (!("src/" word[i] in system_of))
                print table ": " word[1] " may not use " word[i] ", which is not below it"
            may_use[word[1], word[i]] = 1
        }
    }
}

FNR == 1 {
    split(FILENAME, part, "/")
    folder = part[1] "/" part[2]
    if (part[1] != "src" && !(folder in system_of)) folder = part[1]
    kind = system_of[folder]
    is_public = kind == "public" || kind == "backend"
    if (!kind) wrong("in no folder of floors.txt")
}

!/^[ \t]*#[ \t]*include/ || !kind { next }
{ target = $0; sub(/^[ \t]*#[ \t]*include(_next)?[ \t]*/, "", target) }

target ~ /^</ {
    header = substr(target, 2, index(target, ">") - 2)
    if (kind == "free" && !(header in free_header))
        wrong("<" header "> is not for code that works on bytes alone")
    if (kind != "doors" && kind != "backend" && header ~ /(^|\/)(mman|shm)\.h$/)
        wrong("<" header "> is for the backends only")
    next
}

target ~ /^"/ {
    header = substr(target, 2, index(substr(target, 2), "\"") - 1)
    n = split(header, part, "/")
    if (is_public && n > 1)
        wrong("\"" header "\": only public headers, <shmpool.h>, may be used here")
    else if (!is_public && n != 2)
        wrong("\"" header "\" is not written as \"room/header.h\"")
    else if (!is_public && "src/" part[1] != folder && !((folder, part[1]) in may_use))
        wrong("\"" header "\": " folder " may not use " part[1])
    if (header !~ /\.h$/)
        wrong("\"" header "\" is not a header")
    next
}

{ wrong("an include that is computed cannot be checked") }
