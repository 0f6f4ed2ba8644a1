# Writes the page, the JSON file and the data of the plots, of the lines that bench.sh collects:
#
#   measurements   row|processes|contender|repetition|ns|failures per million|longest run left
#   calls          call|size|microseconds

function sort(values, n, i, j, value) {
    for (i = 2; i <= n; i++) {
        value = values[i]
        for (j = i - 1; j >= 1 && values[j] > value; j--) values[j + 1] = values[j]
        values[j + 1] = value
    }
}

# The median of what the repetitions gave, or "": least and most are set beside it.
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

NF == 3 {
    call = $1 SUBSEP $2
    if (!(call in turns)) calls[++n_calls] = call
    took[call, ++turns[call]] = $3
    if (turns[call] > repetitions) repetitions = turns[call]
    next
}

{
    cell = $1 SUBSEP $2
    key = cell SUBSEP $3
    if (!(cell in seen)) { seen[cell]; cells[++n_cells] = cell }
    if (!($3 in known)) { known[$3]; names[++n_names] = $3 }
    ns[key, $4] = $5
    failures[key, $4] = $6
    longest[key, $4] = $7
    if ((cell, "floor2cas", $4) in ns) ratio[key, $4] = $5 / ns[cell, "floor2cas", $4]
    if ($4 > repetitions) repetitions = $4
}

# --- the page ---

function text(line) { print line >page }

function times_text(key, value, times) {
    value = median(ns, key)
    times = median(ratio, key)
    return figure(value) (times == "" ? "" : sprintf(" (%.1f)", times))
}

function spread_text(key) {
    return median(ns, key) == "" ? "-" : figure(least) "-" figure(most)
}

function left_text(key, value) {
    value = median(failures, key)
    return value == "" ? "-" : sprintf("%.0f, %d", value, median(longest, key))
}

# One line a cell whose row matches, one column a contender.
function cell_table(title, kind, rows, i, j, line, rule, part, key) {
    line = "| " title " | processes |"
    rule = "| --- | --- |"
    for (j = 1; j <= n_names; j++) { line = line " " names[j] " |"; rule = rule " --- |" }
    text("\n" line "\n" rule)
    for (i = 1; i <= n_cells; i++) {
        split(cells[i], part, SUBSEP)
        if (part[1] !~ rows) continue
        line = "| " part[1] " | " part[2] " |"
        for (j = 1; j <= n_names; j++) {
            key = cells[i] SUBSEP names[j]
            line = line " " (kind == "times" ? times_text(key) : \
                             kind == "spread" ? spread_text(key) : left_text(key)) " |"
        }
        text(line)
    }
}

function call_table(i, part, value) {
    text("\n| call | on | microseconds | least to most |\n| --- | --- | --- | --- |")
    for (i = 1; i <= n_calls; i++) {
        split(calls[i], part, SUBSEP)
        value = median(took, calls[i])
        text(sprintf("| %s | %s | %s | %s-%s |", part[1], part[2], figure(value), figure(least),
            figure(most)))
    }
}

# Where another contender takes less time than this library.
function ahead_list(i, j, part, own, value, line) {
    for (i = 1; i <= n_cells; i++) {
        own = median(ns, cells[i] SUBSEP "shmpool")
        split(cells[i], part, SUBSEP)
        line = ""
        for (j = 1; j <= n_names; j++) {
            value = median(ns, cells[i] SUBSEP names[j])
            if (own != "" && value != "" && value < own && names[j] != "floor2cas")
                line = line ", " names[j] " " figure(value)
        }
        if (line != "")
            text(sprintf("- %s, %d process%s: shmpool %s ns%s", part[1], part[2],
                part[2] > 1 ? "es" : "", figure(own), line))
    }
}

function write_page() {
    text("# Measurements\n")
    text("Written by `./run bench`. Times hold for one machine and what else it did: " machine ",")
    text("with a load average of " load " before the run. Ratios travel better.\n")
    text("Contenders take turns in each of " repetitions " repetitions, each process on a processor of")
    text("its own where there are enough. A figure is the median of the repetitions. The number in")
    text("brackets is how many times as long as floor2cas of the same repetition it takes: the same")
    text("program with one uncontended compare-and-swap on a hot line in place of each call.\n")
    text("boost (Boost.Interprocess, rbtree_best_fit), apr (apr_rmm) and mm (OSSP mm, 64 MiB at most)")
    text("share memory as this library does. glibc, jemalloc and mimalloc have memory of each process's")
    text("own and are for reference. \"-\": it has no such call, failed, or took too long.\n")
    text("- W1: a page is allocated and freed; a pair of calls")
    text("- W2: 512 pages are allocated and freed in random order; a call")
    text("- W3: a random one of the single pages that fill the pool is replaced; a pair of calls")
    text("- slowest of 1000: each replacement is timed alone, the clock included; of a thousand, the")
    text("  slowest one")
    text("- W4: as W3, in a pool 75 % full of blocks of 1-64 pages, half of them of one, a quarter of 2-3,")
    text("  and so on; an allocation with the frees that make room for it")
    text("- W5: as W4, with blocks of 512-4096 pages in 4 GiB")
    text("- W7: the size of a random block by its address, in the pool of W4\n")
    text("Pools have 256 MiB unless the row says otherwise.\n")
    text("![Workloads](bench/workloads.svg)\n\n![Processes](bench/processes.svg)\n")
    text("![Sizes](bench/sizes.svg)")
    cell_table("ns (times floor2cas)", "times", ".")
    text("\nThe spread. A call that keeps a core busy takes longer while the core's other hardware thread")
    text("works, in a virtual machine perhaps for somebody else. floor2cas waits most of its time and does")
    text("not notice, so that the ratio grows too:")
    cell_table("least to most ns", "spread", ".")
    text("\nWhat W4 leaves:")
    cell_table("failures per million, longest run in pages", "left", "^W4")
    text("\n## The rarer calls")
    call_table()
    text("\n## Where somebody else is ahead\n")
    ahead_list()
}

# --- the JSON file ---

function cell_json(cell, name, part, key, value, times, line) {
    key = cell SUBSEP name
    value = median(ns, key)
    if (value == "") return ""
    split(cell, part, SUBSEP)
    line = sprintf("{\"row\": \"%s\", \"processes\": %d, \"contender\": \"%s\", ", part[1], part[2], name)
    line = line sprintf("\"ns\": %s, \"least\": %s, \"most\": %s, ", value, least, most)
    times = median(ratio, key)
    return line sprintf("\"times_floor\": %s, \"failures_per_million\": %s, \"longest_pages\": %s}",
        times == "" ? "null" : sprintf("%.3f", times), median(failures, key), median(longest, key))
}

function write_json(i, j, part, comma, line, value) {
    printf "{\"machine\": \"%s\", \"load\": %s, \"repetitions\": %d,\n\"cells\": [", machine, load,
        repetitions >json
    for (i = 1; i <= n_cells; i++)
        for (j = 1; j <= n_names; j++) {
            line = cell_json(cells[i], names[j])
            if (line == "") continue
            printf "%s\n%s", comma, line >json
            comma = ","
        }
    printf "],\n\"calls\": [" >json
    for (i = 1; i <= n_calls; i++) {
        split(calls[i], part, SUBSEP)
        value = median(took, calls[i])
        printf "%s\n{\"call\": \"%s\", \"on\": \"%s\", \"us\": %s, \"least\": %s, \"most\": %s}",
            (i == 1 ? "" : ","), part[1], part[2], value, least, most >json
    }
    print "]}" >json
}

# --- the data of the plots: gnuplot takes "-" for missing ---

function plotted(row, n, name, value) {
    value = median(ns, row SUBSEP n SUBSEP name)
    return value == "" ? "-" : value
}

function write_workloads(file, rows, n, i, j, line) {
    n = split("W1|W2|W3, 95 % full|W4|W5", rows, "|")
    line = "workload"
    for (j = 1; j <= n_names; j++) line = line " " names[j]
    print line >file
    for (i = 1; i <= n; i++) {
        line = "\"" rows[i] "\""
        for (j = 1; j <= n_names; j++) line = line " " plotted(rows[i], 1, names[j])
        print line >file
    }
}

function write_processes(file, n) {
    print "processes floor2cas shmpool boost shmpool-W3 boost-W3" >file
    for (n = 1; n <= 4; n *= 2)
        print n, plotted("W1", n, "floor2cas"), plotted("W1", n, "shmpool"), \
            plotted("W1", n, "boost"), plotted("W3, 95 % full", n, "shmpool"), \
            plotted("W3, 95 % full", n, "boost") >file
}

function write_sizes(file, size, w1, w3, i) {
    split("16 256 4096 65536", size, " ")
    split("W1 in 16 MiB|W1|W1 in 4 GiB|W1 in 64 GiB", w1, "|")
    split("W3, 95 % of 16 MiB|W3, 95 % full|W3, 95 % of 4 GiB|W3, 95 % of 64 GiB", w3, "|")
    for (i = 1; i <= 4; i++)
        print size[i], plotted(w1[i], 1, "floor2cas"), plotted(w1[i], 1, "shmpool"), \
            plotted(w3[i], 1, "floor2cas"), plotted(w3[i], 1, "shmpool") >file
}

END {
    write_page()
    write_json()
    write_workloads(data "/workloads.dat")
    write_processes(data "/processes.dat")
    write_sizes(data "/sizes.dat")
}
