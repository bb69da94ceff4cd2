#!/bin/sh
# sanitize.sh [NAME...]: all tests in two builds: build-san (address and undefined) and build-tsan (thread).
# Names choose unit tests (meson test NAME...); without them the system tests run too, with ASSAY_BIN at the
# sanitized binary. Exit 1 when a test fails or a sanitizer has words.
set -eu
cd "$(dirname "$0")/.."
# Not detect_stack_use_after_return: gcc 12 misaligns 64-byte vectors on its fake stack (GCC bug 110027).
# The link order: tests/tools/faults.c is loaded before the runtime, by LD_PRELOAD.
export ASAN_OPTIONS=abort_on_error=0:strict_string_checks=1:verify_asan_link_order=0
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
export TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1
failed=0

build_and_test() {
    build=$1 sanitize=$2
    shift 2
    if [ ! -f "$build/build.ninja" ]; then
        meson setup "$build" -Dtests=true -Db_sanitize="$sanitize" -Db_lundef=false -Dbuildtype=debugoptimized \
            >"$build.log" 2>&1 || { cat "$build.log"; exit 1; }
        rm -f "$build.log"
    fi
    ninja -C "$build" all test-tools >"$build/ninja.log" 2>&1 || { tail -n 40 "$build/ninja.log"; exit 1; }
    echo "sanitize: $sanitize: unit tests"
    meson test -C "$build" --suite unit --print-errorlogs --num-processes 2 --timeout-multiplier 10 "$@" \
        >"$build/test.log" 2>&1 || { failed=1; tail -n 60 "$build/test.log"; }
    sed -n '/^Ok:/p;/^Fail:/p;/^Timeout:/p' "$build/test.log"
    [ $# -eq 0 ] || return 0
    echo "sanitize: $sanitize: system tests"
    ASSAY_BIN=$build/assay ASSAY_PLAYER=$PWD/$build/tests/tools/player "${PYTHON:-python3}" -m pytest -q -p no:cacheprovider tests/system || failed=1
}

build_and_test build-san address,undefined "$@"
build_and_test build-tsan thread "$@"
exit $failed
