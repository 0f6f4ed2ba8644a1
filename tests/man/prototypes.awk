# Prints what the SYNOPSIS of manual pages declares as C: "TYPE NAME(ARGUMENT, ...);". The compiler
# then says whether the header declares the same.
function argument(text) { list = list (list == "" ? "" : ", ") text }
function arguments(text) {
    while (match(text, /"[^"]*"|[^ "]+/)) {
        word = substr(text, RSTART, RLENGTH)
        gsub(/"/, "", word)
        argument(word)
        text = substr(text, RSTART + RLENGTH)
    }
}
function declare() { printf "%s %s(%s);\n", type, name, list == "" ? "void" : list }

/^\.Sh / { inside = /SYNOPSIS/ }
!inside { next }
/^\.Ft / { type = substr($0, 5); gsub(/"/, "", type) }
/^\.F[no] / { name = $2; list = "" }
/^\.Fn / { sub(/^\.Fn [^ ]+ */, ""); arguments($0); declare() }
/^\.Fa / { arguments(substr($0, 5)) }
/^\.Fc/ { declare() }
