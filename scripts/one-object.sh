#!/bin/sh
# one-object.sh OUT.a 'NAMES' LIBRARY.a...: one static library of one object, in which only the names that
# fit the pattern can be seen from outside.
set -eu
out=$1 names=$2
shift 2
object=${out%.a}.o
rm -f "$out" "$object"
${LD:-ld} -r --force-group-allocation -o "$object" --whole-archive "$@" --no-whole-archive
${OBJCOPY:-objcopy} --wildcard --keep-global-symbol="$names" "$object"
${AR:-ar} rcs "$out" "$object"
rm -f "$object"
