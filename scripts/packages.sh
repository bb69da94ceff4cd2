#!/bin/sh
# packages.sh USE...: see that the Debian packages for these uses (scripts/packages.txt) are there, or
# commands that do as well, and install what is missing: as root, or with sudo; otherwise print the one
# line to run, and fail.
set -eu
list=$(dirname "$0")/packages.txt
missing=
for use in "$@"; do
    for name in $(awk -v use="$use" '$1 == use && (NF < 3 || system("command -v " $3 " >/dev/null")) { print $2 }' "$list"); do
        case " $missing " in *" $name "*) continue ;; esac
        dpkg-query -W -f '${Status}' "$name" 2>/dev/null | grep -q 'ok installed' ||
            missing="$missing $name"
    done
done
[ -n "$missing" ] || exit 0
command -v apt-get >/dev/null || {
    echo "assay: this system has no apt-get; install by its own means:$missing" >&2
    exit 3
}
install="apt-get install -y --no-install-recommends$missing"
if [ "$(id -u)" = 0 ]; then
    run=
elif command -v sudo >/dev/null && { [ -t 0 ] || sudo -n true 2>/dev/null; }; then
    run=sudo
else
    echo "assay: Debian packages are missing; as root, run:" >&2
    echo "  apt-get update && $install" >&2
    exit 3
fi
echo "assay: installing Debian packages:$missing" >&2
log=$(mktemp)
if ! { $run apt-get update -q && $run env DEBIAN_FRONTEND=noninteractive $install; } >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    rm -f "$log"
    echo "assay: could not install; as root, run: apt-get update && $install" >&2
    exit 3
fi
rm -f "$log"
