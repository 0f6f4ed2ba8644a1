# Makes table.md and results.json in `folder` of the lines that bench.sh collects:
# row|processes|contender|repetition|ns|failures per million|longest run left

function sort(values, n, i, j, value) {
    for (i = 2; i <= n; i++) {
        value = values[i]
        for (j = i - 1; j >= 1 && values[j] > value; j--) values[j + 1] = values[j]
        values[j + 1] = value
    }
}

# The median of what the repetitions of a cell gave; least and most are set beside it.
function median(of, key, values, n, i) {
    n = 0
    for (i = 1; i <= repetitions; i++)
        if ((key, i) in of) values[++n] = of[key, i]
    if (n == 0) return ""
    sort(values, n)
    least = values[1]
    most = values[n]
    return n % 2 ? values[(n + 1) / 2] : (values[n / 2] + values[n / 2 + 1]) / 2
}

function figure(value) {
    return value == "" ? "-" : value < 100 ? sprintf("%.1f", value) : sprintf("%.0f", value)
}

{
    cell = $1 SUBSEP $2
    key = cell SUBSEP $3
    if (!(cell in seen)) { seen[cell]; cells[++n_cells] = cell }
    if (!($3 in known)) { known[$3]; names[++n_names] = $3 }
    ns[key, $4] = $5
    failures[key, $4] = $6
    longest[key, $4] = $7
    if (cell SUBSEP "floor2cas" SUBSEP $4 in ns) ratio[key, $4] = $5 / ns[cell, "floor2cas", $4]
    if ($4 > repetitions) repetitions = $4
}

function cell_text(key) {
    value = median(ns, key)
    if (value == "") return "-"
    times = median(ratio, key)
    return figure(value) (times == "" ? "" : sprintf(" (%.1f)", times))
}

function head(first, i) {
    printf "| %s | processes |", first >table
    for (i = 1; i <= n_names; i++) printf " %s |", names[i] >table
    printf "\n| --- | --- |" >table
    for (i = 1; i <= n_names; i++) printf " --- |" >table
    print "" >table
}

function line(cell, i, part) {
    split(cell, part, SUBSEP)
    printf "| %s | %s |", part[1], part[2] >table
}

function times_table(i, j) {
    head("ns (times floor2cas)")
    for (i = 1; i <= n_cells; i++) {
        line(cells[i])
        for (j = 1; j <= n_names; j++)
            printf " %s |", cell_text(cells[i] SUBSEP names[j]) >table
        print "" >table
    }
}

function spread_table(i, j) {
    head("least to most ns")
    for (i = 1; i <= n_cells; i++) {
        line(cells[i])
        for (j = 1; j <= n_names; j++) {
            value = median(ns, cells[i] SUBSEP names[j])
            printf " %s |", value == "" ? "-" : figure(least) "-" figure(most) >table
        }
        print "" >table
    }
}

function left_table(i, j, key) {
    head("failures per million, longest run left in pages")
    for (i = 1; i <= n_cells; i++) {
        if (cells[i] !~ /^W4/) continue
        line(cells[i])
        for (j = 1; j <= n_names; j++) {
            key = cells[i] SUBSEP names[j]
            value = median(failures, key)
            printf " %s |", value == "" ? "-" : sprintf("%.0f, %.0f", value, median(longest, key)) >table
        }
        print "" >table
    }
}

# Where another contender takes less time than this library.
function ahead_list(i, j, part, own, value, n) {
    for (i = 1; i <= n_cells; i++) {
        own = median(ns, cells[i] SUBSEP "shmpool")
        split(cells[i], part, SUBSEP)
        for (j = 1; j <= n_names; j++) {
            value = median(ns, cells[i] SUBSEP names[j])
            if (own == "" || value == "" || value + 0 >= own + 0 || names[j] == "floor2cas") continue
            printf "- %s, %d processes: %s takes %s ns, shmpool %s\n", part[1], part[2], names[j],
                figure(value), figure(own) >table
            n++
        }
    }
    if (!n) print "Nowhere." >table
}

function json(i, j, key, part, comma, file) {
    file = folder "/results.json"
    printf "{\"machine\": \"%s\", \"repetitions\": %d, \"cells\": [", machine, repetitions >file
    for (i = 1; i <= n_cells; i++)
        for (j = 1; j <= n_names; j++) {
            key = cells[i] SUBSEP names[j]
            value = median(ns, key)
            if (value == "") continue
            split(cells[i], part, SUBSEP)
            printf "%s\n  {\"row\": \"%s\", \"processes\": %d, \"contender\": \"%s\", ", comma, part[1],
                part[2], names[j] >file
            printf "\"ns\": %s, \"least\": %s, \"most\": %s, ", value, least, most >file
            times = median(ratio, key)
            printf "\"times_floor\": %s, ", times == "" ? "null" : sprintf("%.3f", times) >file
            printf "\"failures_per_million\": %s, ", median(failures, key) >file
            printf "\"longest_run_pages\": %s}", median(longest, key) >file
            comma = ","
        }
    print "\n]}" >file
}

END {
    table = folder "/table.md"
    print "Machine: " machine ". Medians of " repetitions " repetitions.\n" >table
    times_table()
    print "" >table
    spread_table()
    print "" >table
    left_table()
    print "\nWhere somebody else is ahead:\n" >table
    ahead_list()
    json()
}
