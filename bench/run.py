#!/usr/bin/env python3
"""Measure, beside the peers that are installed, in one run on one machine.

    bench/run.py [NAME...]       # without names: all; make bench ARGS='boost csv'

A table goes to the terminal and flat figures to build/bench.json: `<what>_<unit>`, and
`<what>_<peer>_<unit>` for a peer's figure on the same data. Each line says its dataset, rows and
threads. Public data is looked for in ASSAY_DATA, or ../shared/data beside the tree; what needs it, or a peer
that is not installed, is skipped and said.
"""

import argparse
import contextlib
import datetime
import json
import os
import pathlib
import platform
import shutil
import struct
import subprocess
import sys
import tempfile
import time

from handbook_windows import bench_features  # noqa: F401 - found by its name
from measure import ASSAY, BUILD, ROOT, SETTINGS, THREADS, Report, Skip, assay, handbook, peer, program


def bench_train(report, work):
    file = handbook()
    report.head(
        "assay train: reading, 15 features, boost and logistic, calibration, evaluation, report "
        f"(Handbook, 1,754,155 rows, {THREADS} threads)"
    )
    taken, out = assay("-c", SETTINGS, "--set", f"data_directory={work}/train", "--json", "train", "-t",
                       THREADS, ASSAY_DATA=str(file.parents[1]))
    result = json.loads(out)
    report.put("handbook_train_s", taken, "whole process, from the packed CSV to the report")
    for part, seconds in result["seconds"].items():
        if part != "all":
            report.put(f"handbook_train_{part}_s", seconds)
    for metric in ("auc_roc", "average_precision", "card_precision_at_100"):
        found = result["metrics"]["test"][metric]
        report.put(f"handbook_{metric}", found["value"], f"[{found['low']:.3f}, {found['high']:.3f}]")


def boost_data(work, numpy, rows=200_000, inputs=15, learned=160_000):
    """A few per cent of frauds, by some of the inputs, products of them and a threshold; seeded."""
    draw = numpy.random.default_rng(7)
    x = numpy.asfortranarray(draw.standard_normal((rows, inputs)))
    x[:, 0] = numpy.exp(x[:, 0])
    margin = -6.2 + 0.9 * x[:, 0] + 1.1 * x[:, 1] * x[:, 2] + 2.0 * (x[:, 3] > 1) + 0.7 * x[:, 4]
    y = (draw.random(rows) < 1 / (1 + numpy.exp(-margin))).astype(numpy.uint8)
    path = work / "boost.bin"
    with path.open("wb") as f:
        f.write(struct.pack("<III", rows, learned, inputs))
        f.write(x.tobytes(order="F"))
        f.write(y.tobytes())
    return x, y, learned, path


def bench_boost(report, work):
    numpy = peer("numpy")
    x, y, learned, path = boost_data(work, numpy)
    report.head(
        f"boosted trees, 100 of 31 leaves (generated, seed 7: {learned:,} rows to learn from, "
        f"{len(y) - learned:,} to test, {x.shape[1]} inputs, {y.mean():.1%} frauds, {THREADS} threads)"
    )
    program(report, "boost", path, THREADS)
    rows = numpy.ascontiguousarray(x[learned:])

    def take(name, fit, predict):
        try:
            fitted, predicted = fit(), predict()
        except Skip as why:
            report.skip(f"boost {name}", why)
            return
        start = time.monotonic()
        model = fitted()
        report.put(f"boost_fit_{name}_s", time.monotonic() - start)
        start = time.monotonic()
        p = predicted(model, rows)
        report.put(f"boost_score_{name}_M_rows_per_s", len(p) / (time.monotonic() - start) / 1e6,
                   f"{THREADS} threads")
        start = time.monotonic()
        for i in range(100):
            predicted(model, rows[i : i + 1])
        report.put(f"boost_score_one_row_{name}_us", (time.monotonic() - start) / 100 * 1e6)
        report.put(f"boost_average_precision_{name}", average_precision(numpy, y[learned:], p))
        for what, unit in (("fit", "s"), ("score", "M_rows_per_s"), ("score_one_row", "us")):
            report.beside(f"boost_{what}_{unit}", f"boost_{what}_{name}_{unit}")

    def xgboost_fit():
        xgboost = peer("xgboost")
        options = {"objective": "binary:logistic", "tree_method": "hist", "grow_policy": "lossguide",
                   "max_leaves": 31, "max_depth": 0, "max_bin": 256, "eta": 0.1, "nthread": THREADS}
        return lambda: xgboost.train(options, xgboost.DMatrix(x[:learned], label=y[:learned]), 100)

    def sklearn_fit():
        ensemble = peer("sklearn.ensemble")
        model = ensemble.HistGradientBoostingClassifier(
            max_iter=100, max_leaf_nodes=31, learning_rate=0.1, l2_regularization=1.0, early_stopping=False
        )
        return lambda: model.fit(x[:learned], y[:learned])

    take("xgboost", xgboost_fit, lambda: lambda m, rows: m.inplace_predict(rows))
    take("sklearn", sklearn_fit, lambda: lambda m, rows: m.predict_proba(rows)[:, 1])


def average_precision(numpy, label, score):
    order = numpy.argsort(-score, kind="stable")
    label, score = label[order].astype(float), score[order]
    last = numpy.append(numpy.diff(score) != 0, True)  # of each tie
    hits, seen = numpy.cumsum(label)[last], numpy.flatnonzero(last) + 1
    return float((numpy.diff(hits, prepend=0) * hits / seen).sum() / label.sum())


def bench_csv(report, work):
    try:
        file = work / "handbook.csv"
        with file.open("wb") as out:
            subprocess.run(["zstd", "-dcq", handbook()], stdout=out, check=True)
        words = "Handbook, plain CSV"
    except Skip:
        file = work / "generated.csv"
        assay("generate", "--rows", 1_000_000, "-o", file)
        words = "assay generate --rows 1000000"
    report.head(f"reading CSV into typed columns ({words}, {file.stat().st_size / 1e6:.0f} MB)")
    program(report, "csv", file)
    pandas = peer("pandas")
    start = time.monotonic()
    table = pandas.read_csv(file)
    report.put("csv_read_pandas_M_cells_per_s", table.size / (time.monotonic() - start) / 1e6,
               "read_csv, times left as text, 1 thread")
    report.beside("csv_read_M_cells_per_s", "csv_read_pandas_M_cells_per_s")
    file.unlink()


def bench_json(report, work):
    report.head("one event of an HTTP request")
    program(report, "json")


def bench_velocity(report, work):
    report.head("velocity in memory (generated events, 1 and 2 threads)")
    program(report, "velocity")


def bench_aggregates(report, work):
    report.head("aggregates of one entity with 100,000 events (1 thread)")
    program(report, "aggregates")


def bench_snapshot(report, work):
    free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    sizes = [n for n in (1, 4) if free > 3 * n + 1 and shutil.disk_usage(work).free / 2**30 > n + 1]
    if not sizes:
        raise Skip("a snapshot of 1 GiB needs 4 GiB of free memory and 2 GiB of disk")
    report.head("snapshots beside an engine that never rests, and restoring (5 kinds x 4 windows, uniform keys)")
    program(report, "snapshot", work, *sizes)


BENCHES = {n.removeprefix("bench_"): f for n, f in list(globals().items()) if n.startswith("bench_")}


def machine():
    cpu = next(
        (x.split(":")[1].strip() for x in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
         if x.startswith("model name")), platform.machine())
    best = ""
    with contextlib.suppress(Skip, KeyError, ValueError):
        best = json.loads(assay("--json", "version")[1])["simd"]
    return {"cpu": cpu, "processors": len(os.sched_getaffinity(0)), "simd": best,
            "load_at_start": os.getloadavg()[0]}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("name", nargs="*", help=", ".join(BENCHES))
    names = parser.parse_args().name or list(BENCHES)
    unknown = [n for n in names if n not in BENCHES]
    if unknown:
        parser.error(f"no benchmark {unknown[0]}; there are: {', '.join(BENCHES)}")
    report, about = Report(), machine()
    print(f"{about['cpu']}, {about['processors']} processors, {about['simd']}, "
          f"load {about['load_at_start']:.1f} at the start")
    if about["load_at_start"] > 0.5:
        print("other work is running on this machine: figures are worse than they could be")
    work = pathlib.Path(tempfile.mkdtemp(prefix="assay-bench-"))
    try:
        for name in names:
            try:
                BENCHES[name](report, work)
            except Skip as why:
                report.skip(name, str(why))
    finally:
        shutil.rmtree(work)
    out = BUILD / "bench.json"
    now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
    out.write_text(json.dumps({"at": now, "machine": about, **report.figures, "skipped": report.skipped},
                              indent=1) + "\n")
    print(f"\n{len(report.figures)} figures in {out.relative_to(ROOT)}")
    return 0 if report.figures else 1


if __name__ == "__main__":
    sys.exit(main())
