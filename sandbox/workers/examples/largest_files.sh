#!/bin/sh
# Names the largest files below a directory, largest first: `size<TAB>path` in each line of stdout, which is the result.
# A command tool knows nothing of Glovebox. What it sees is what its call was granted.
set -eu
[ "$1" = -- ] && shift
directory=$1
count=$2
find "$directory" -type f -printf '%s\t%p\n' | sort -rn | head -n "$count"
