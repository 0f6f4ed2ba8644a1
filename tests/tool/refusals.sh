#!/usr/bin/env bash
# A wrong command line is status 2, a line on stderr and nothing else; --help and --version are none.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
name=$run_id

refuses 2 'what is to be done\? Try: shmpool --help'
refuses 2 "there is no verb 'look'\. Try: shmpool --help" look
refuses 2 "there is no verb '--json'\. Try: shmpool --help" --json ls
refuses 2 'Try: shmpool ls --help' ls --colour
refuses 2 'Try: shmpool ls --help' ls --force
refuses 2 'Try: shmpool ls --help' ls -o
refuses 2 "there is no column 'colour'; --help lists them" ls --output name,colour
refuses 2 "there is no column ''; --help lists them" ls --output name,
refuses 2 "there is no column ''; --help lists them" ls --output +
for verb in stat who map dump recover create trim rm exec; do
    refuses 2 "$verb: too few arguments\. Try: shmpool $verb --help" "$verb"
done
for verb in stat who map dump create; do
    refuses 2 "$verb: too many arguments\. Try: shmpool $verb --help" "$verb" a b
done
refuses 2 'grow: too few arguments\. Try: shmpool grow --help' grow "$name"
refuses 2 'ls: too many arguments\. Try: shmpool ls --help' ls a
refuses 2 'grow -4K: not a size; say 64M, for example' grow -- "$name" -4K
refuses 2 '--size 0: a pool needs a size above 0' create --size 0 "$name"
refuses 2 '--size much: not a size; say 64M, for example' create --size much "$name"
for size in 0x10 1e30 1.5G 5kilobytes '1M 2' -1 ' 5' '' M; do
    refuses 2 "--size $size: not a size; say 64M, for example" create --size "$size" "$name"
done
refuses 2 '--size 00M: a pool needs a size above 0' create --size 00M "$name"
for size in 0100M 104857600 100mB 100MiB; do
    fine create --size "$size" "posix:$name"
    [[ $(listed "posix:$name" size) == 104857600 ]] || fault "$size makes $(listed "posix:$name" size)"
    fine rm "posix:$name"
done
refuses 2 '--max-size 99999999999999999999: the size is too large' create -s 1M -m 99999999999999999999 "$name"
refuses 2 'create: how large\? Say --size 64M, for example' create "$name"
refuses 2 '--mode rw: not a mode; say 0660, for example' create -s 1M --mode rw "$name"
refuses 2 '--mode 1777: not a mode; say 0660, for example' create -s 1M --mode 1777 "$name"
refuses 2 'create: the name says backend sysv, and --backend posix' create -s 1M --backend posix "sysv:$name"
refuses 2 '--by time: a map is by state or by owner' map --by time "$name"

refuses 2 'map: --json writes runs and --svg a picture: say one of them' map -J --svg=- "$name"
refuses 2 "'a/b' is no name for a pool.*" create -s 1M a/b
refuses 2 "'' is no name for a pool.*" create -s 1M ''
refuses 2 "create: there is no backend 'nowhere' here: choose posix or sysv" create -s 1M --backend nowhere "$name"
refuses 2 'create: a pool of backend memfd has no name .*: choose posix or sysv' create -s 1M "memfd:$name"
refuses 2 'max_size .* is smaller than the size .*' create -s 2M -m 1M "$name"
refuses 2 'SHMPOOL_COMMIT keeps all memory, .*' create -s 1M --commit --autotrim "$name"

refuses 1 "there is no pool '' that this user may see: shmpool ls shows all" stat ''
refuses 1 'there is no pool .nowhere.* that this user may see: shmpool ls shows all' stat "nowhere:$name"
refuses 1 "there is no pool '$name@1' .*" check "$name@1"
refuses 1 '.*does not fit into 32 TiB: ask for less.*' create -s 1P "$name"

# Help is for stdout, names every verb, and every option that the verb takes.
fine --help
for verb in ls stat who map check dump recover create grow trim rm exec; do
    grep -Eq "^  $verb " out || fault "--help does not name $verb"
done
for verb in ls stat who map check dump recover create grow trim rm exec; do
    fine "$verb" --help
    grep -q "^usage: shmpool $verb " out || fault "$verb --help: $(head -n 1 out)"
    grep -qi 'exit status' out || fault "$verb --help tells no exit status"
    awk 'length($0) > 100 { exit 1 }' out || fault "$verb --help is wider than 100"
    cp out help
    while read -r option; do
        tool "$verb" "$option" x </dev/null
        grep -Eq "unrecognized option" err && fault "$verb takes no $option"
    done < <(grep -oE -- '--[a-z-]+' help | grep -v -e --help | sort -u)
done
fine --version
grep -Eqx 'shmpool [0-9]+\.[0-9]+\.[0-9]+' out || fault "--version: $(<out)"

# What cannot be written is an error; a pool makes sure that there is something to write.
if [[ -w /dev/full ]]; then
    fine create -s 4K "posix:$name"
    for arguments in ls 'ls --json' check 'check --json' "check posix:$name" \
        "trim posix:$name" --help 'ls --help' --version; do
        status=0
        # shellcheck disable=SC2086 # words are meant
        "$TOOL" $arguments >/dev/full 2>err || status=$?
        ((status == 1)) || fault "$arguments into a full device: status $status"
        [[ $(grep -c 'standard output' err) = 1 ]] || fault "$arguments: $(<err)"
    done
    fine rm "posix:$name"
fi
verdict
