#!/usr/bin/env bash
# The counts are exactly those of the pipeline: with 1, 2 and 8 workers, on texts of every shape.
# $1: the backend
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
backend=$1
cd "$scratch"
mkdir texts
readonly chunk=$((256 * 1024)) # CHUNK_SIZE in input.h

# Bytes that come up at the border of a chunk: $1 up to it, then $2 beyond it; in all a chunk and
# the length of $2.
at_border() {
    repeat $((chunk - ${#1})) ' '
    printf '%s%s' "$1" "$2"
}

random_words 200000 20000 9 1 >texts/words
random_words 60000 60000 40 2 >'texts/long words, and spaces in the name'
{
    at_border 'cut' 'here '
    repeat $((chunk - 5 - 4)) .
    printf 'ends starts ' # "ends" is the last of its chunk
    repeat $((chunk - 8 - 4)) .
    printf 'ends'
    printf ',starts'
    repeat $((chunk - 7 - 1)) -
    printf 'a'
    printf 'b'
    repeat $((chunk - 2)) -
    printf 'c'
} >texts/borders
{
    printf 'before '
    repeat $((3 * chunk + 17)) a
    printf ' between '
    repeat $((2 * chunk)) B
} >texts/longer-than-chunks
repeat $((2 * chunk)) z >texts/nothing-but-one-word
cp "$BASH" texts/binary
for byte in 000 100 132 133 140 172 173 200 301 332 333 341 372 373 377; do
    printf 'x%by ' "\\0$byte"
done >texts/neighbours-of-letters
printf 'no newline at the End' >texts/no-newline
printf '0123 \n\377\n' >texts/no-words
: >texts/empty
cp texts/empty texts/zz-empty-too

# All words of the files $2…, which the pipeline says in file $1, with every number of workers.
check() {
    local expected=$1 workers
    shift
    for workers in 1 2 8; do
        run -j "$workers" -b "$backend" -n all -- "$@"
        compare "$expected" "$backend, $workers workers, $1"
    done
}

for text in texts/*; do
    pipeline "$text" >expected
    check expected "$text"
done

pipeline texts/* >expected
check expected texts/*

pipeline texts/borders texts/no-newline texts/borders >expected
check expected texts/borders texts/no-newline texts/borders

mapfile -t licences < <(find /usr/share/common-licenses -type f | sort)
pipeline "${licences[@]}" >expected
check expected "${licences[@]}"
[[ -s expected ]] || fault "no licence texts in /usr/share/common-licenses"

verdict
