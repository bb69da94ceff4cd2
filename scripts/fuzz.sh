#!/bin/sh
# fuzz.sh [SECONDS [NAME...]]: build the fuzz targets (tests/fuzz) with libFuzzer and the address and
# undefined sanitizers, run each for SECONDS (default 600), as many at once as there are processors. What is
# learned stays in build-fuzz/corpus; inputs that failed go to build-fuzz/findings. Exit 1 if there are any.
set -eu
cd "$(dirname "$0")/.."
seconds=${1:-600}
[ $# -eq 0 ] || shift
build=build-fuzz
if [ ! -f $build/build.ninja ]; then
    CC=clang CXX=clang++ meson setup $build -Dfuzz=true -Db_sanitize=address,undefined -Db_lundef=false \
        -Dbuildtype=debugoptimized >$build.log 2>&1 || { cat $build.log; exit 1; }
    rm -f $build.log
fi
ninja -C $build >$build/ninja.log 2>&1 || { tail -n 40 $build/ninja.log; exit 1; }
[ $# -gt 0 ] || set -- $(cd tests/fuzz && ls ./*.c | sed 's|^./||; s|\.c$||')
rm -rf $build/findings
mkdir -p $build/findings

run_one() {
    name=$1
    mkdir -p "$build/corpus/$name"
    dict=
    [ ! -f "tests/fuzz/$name.dict" ] || dict=-dict=tests/fuzz/$name.dict
    seeds=tests/fuzz/corpus/$name
    case $name in import_*) seeds=tests/golden/import ;; esac
    status=0
    # shellcheck disable=SC2086
    "$build/tests/fuzz/fuzz_$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 \
        -max_len=32768 -print_final_stats=1 -artifact_prefix="$build/findings/$name-" $dict \
        "$build/corpus/$name" "$seeds" >"$build/$name.log" 2>&1 || status=$?
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$build/$name.log")
    edges=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$build/$name.log" | tail -n 1)
    if [ $status = 0 ]; then
        echo "fuzz: $name: no finding in ${runs:-?} runs, ${seconds} s, ${edges:-?} edges"
    else
        why=$(grep -m 1 -E 'runtime error: |^==[0-9]+== *ERROR: |our mistake at|^SUMMARY' "$build/$name.log" || true)
        echo "fuzz: $name: FINDING: ${why:-see the log} ($build/$name.log, $build/findings/)"
        touch "$build/findings/$name-failed"
    fi
}

running=0
for name in "$@"; do
    run_one "$name" &
    running=$((running + 1))
    if [ $running -ge "$(nproc)" ]; then
        wait
        running=0
    fi
done
wait
[ -z "$(ls $build/findings)" ]
