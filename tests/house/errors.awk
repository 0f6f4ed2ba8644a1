# Prints "FUNCTION ERRNO" for each error of each function, and "FUNCTION -" once for the function
# itself, out of public headers (*.h: "Errors" in the comment before a prototype), of docs/errors.md
# (tables below a heading with the function's name) or of manual pages (lists in ERRORS below the
# functions' names). What holds for every function goes by the name "every", the table of meanings by
# "meaning".
function emit(functions, text,    n, i, name) {
    n = split(functions, name, " ")
    while (match(text, /(^|[^A-Za-z_])E[A-Z0-9]+/)) {
        word = substr(text, RSTART, RLENGTH)
        sub(/^[^E]/, "", word)
        for (i = 1; i <= n; i++) {
            print name[i], word
            list[name[i]] = list[name[i]] " " word
        }
        text = substr(text, RSTART + RLENGTH)
    }
}

FILENAME ~ /\.h$/ && /^\/\*/ { comment = ""; errors = 0; first = FNR == 1 }
FILENAME ~ /\.h$/ && /^(\/\*| \*)/ {
    if (sub(/^.*Errors( of every function[^:]*)?:/, "")) errors = 1
    if (/Source: /) { sub(/Source: .*/, ""); comment = comment (errors ? $0 : ""); errors = 0 }
    if (errors) comment = comment $0
    if (/\*\// && first) { emit("every", comment); comment = ""; first = 0 }
    next
}
FILENAME ~ /\.h$/ && match($0, /^[a-z].*shmpool_[a-z_]+\(/) {
    function_name = substr($0, RSTART, RLENGTH - 1)
    sub(/.*[ *]/, "", function_name)
    print function_name, "-"
    emit(function_name, comment)
    if (match(comment, /those of shmpool_[a-z_]+/))
        others[function_name] = substr(comment, RSTART + 9, RLENGTH - 9)
    comment = ""
}

FILENAME ~ /\.md$/ && /^#/ {
    functions = ""
    if (/^## What each errno/) functions = "meaning"
    if (/^## Of every function/) functions = "every"
    if (/^### /) {
        functions = substr($0, 5)
        gsub(/[`,]/, "", functions)
        n = split(functions, headed, " ")
        for (i = 1; i <= n; i++) print headed[i], "-"
    }
}
FILENAME ~ /\.md$/ && /^\| E/ { split($0, cell, "|"); emit(functions, cell[2]) }

FILENAME ~ /\.[37]$/ && /^\.S[hs] / {
    inside = /ERRORS$/
    functions = ""
    if (/Errors of every function$/) functions = "every"
    if (/What each errno means$/) functions = "meaning"
}
FILENAME ~ /\.[37]$/ && /^\.Bl / { depth++ }
FILENAME ~ /\.[37]$/ && /^\.El/ { depth-- }
FILENAME ~ /\.[37]$/ && !depth && /^\.(El|Pp)/ { functions = "" }
FILENAME ~ /\.[37]$/ && inside && !depth && /^\.Fn / { functions = functions " " $2; print $2, "-" }
FILENAME ~ /\.[37]$/ && /^\.It Bq Er / { emit(functions, $4) }

END { for (function_name in others) emit(function_name, list[others[function_name]]) }
