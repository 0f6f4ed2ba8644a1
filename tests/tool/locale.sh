#!/usr/bin/env bash
# Names of columns and numbers are the same in every locale: where the small letter of I is another
# one, and where a comma stands for the point.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
need_tool jq localedef
name=$run_id

for locale in tr_TR de_DE; do
    localedef -i "$locale" -f UTF-8 "$scratch/$locale.UTF-8" || {
        echo "skipped: the locale $locale cannot be made: the package locales is not installed"
        exit 77
    }
done
export LOCPATH=$scratch

fine create --size 1M --keep "posix:$name"
for LC_ALL in tr_TR.UTF-8 de_DE.UTF-8; do
    fine ls --output size,LIFE
    grep -q '^SIZE LIFE' out || fault "in $LC_ALL the columns are '$(head -n 1 out)'"
    fine stat --json "$name"
    gives .size 1048576
    gives '.life | type' string
    fine top --batch 1 --delay 0.5
    fine --completion
    grep -q 'backend size used' out || fault "in $LC_ALL columns complete as others"
done
LC_ALL=C
fine rm "posix:$name"
verdict
