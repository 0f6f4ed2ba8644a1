#!/usr/bin/env bash
# Every shell script is free of what shellcheck warns of.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
need_tool shellcheck

cd "$root"
find run .ci/run tests bench docs tools -type f \( -name '*.sh' -o -name '*.bash' -o -name run \) -print0 |
    xargs -0 shellcheck -x
