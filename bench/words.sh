#!/usr/bin/env bash
# words.sh WORDCOUNT MEGABYTES: how long the example counts the words of a text with one worker and
# with two, and what a pipeline of tr and awk takes for the same, as lines of bench.sh's calls.
set -euo pipefail
wordcount=$1
megabytes=$2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# Words of one to eleven letters of some thousand kinds, the frequent ones much more frequent.
awk -v bytes="$((megabytes * 1000000))" 'BEGIN {
    srand(1)
    for (i = 0; i < 20000; i++) {
        word = ""
        for (n = 1 + int(rand() * 11); n > 0; n--) word = word sprintf("%c", 97 + int(rand() * 26))
        words[i] = word
    }
    for (line = 0; line < 5000; line++) {
        text = ""
        for (i = 0; i < 12; i++) text = text " " words[int(20000 * rand() ^ 4)]
        lines[line] = text
    }
    while (length_so_far < bytes) {
        line = lines[int(rand() * 5000)]
        print line
        length_so_far += length(line) + 1
    }
}' >"$scratch/text"

# Prints a line with the microseconds of a command.
timed() {
    local what=$1 begin
    shift
    begin=$(date +%s%N)
    "$@" >/dev/null
    echo "$what|$megabytes MB|$((($(date +%s%N) - begin) / 1000))"
}

pipeline() {
    tr -cs 'A-Za-z' '\n' <"$scratch/text" | LC_ALL=C awk '{ n[tolower($0)]++ } END { for (w in n) print n[w], w }'
}

timed "count words, 1 worker" "$wordcount" -j 1 "$scratch/text"
timed "count words, 2 workers" "$wordcount" -j 2 "$scratch/text"
timed "count words, tr and awk" pipeline
