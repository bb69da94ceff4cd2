#!/usr/bin/env python3
"""Measure, beside the peers that are installed, in one run on one machine.

    bench/run.py [--long] [NAME...]       # without names: all; make bench ARGS='boost csv'

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

import measure
from console import bench_console, bench_console_pages, bench_console_pairs  # noqa: F401 - found by their names
from handbook_windows import bench_features  # noqa: F401 - found by its name
from http_load import bench_http  # noqa: F401 - likewise
from postgres import bench_postgres  # noqa: F401 - likewise
from stream import bench_stream  # noqa: F401 - likewise
from measure import ASSAY, BUILD, ROOT, SETTINGS, THREADS, Report, Skip, assay, handbook, peer, program
from redis_windows import bench_redis  # noqa: F401 - likewise


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


def bench_trees(report, work):
    numpy = peer("numpy")
    x, y, learned, path = boost_data(work, numpy, 250_000, 15, 200_000)
    report.head(
        f"forests of every kind (generated, seed 7: {learned:,} rows to learn from, {len(y) - learned:,} to "
        f"test, {x.shape[1]} inputs, {y.mean():.1%} frauds; fit {THREADS} threads, scoring 1)"
    )
    program(report, "trees", path, THREADS)
    rows, some = numpy.ascontiguousarray(x[learned:], dtype=numpy.float32), 2000

    def time_of(repeat, what):
        start = time.monotonic()
        for i in range(repeat):
            what(i)
        return (time.monotonic() - start) / repeat

    def take(kind, name, fit, score, explain=None):
        """`score` takes rows and gives what ranks frauds first."""
        try:
            start = time.monotonic()
            model = fit()
        except Skip as why:
            report.skip(f"{kind} {name}", why)
            return
        report.put(f"{kind}_fit_{name}_s", time.monotonic() - start)
        report.put(f"{kind}_average_precision_{name}",
                   average_precision(numpy, y[learned:], numpy.asarray(score(model, rows)).ravel()))
        taken = time_of(1, lambda _: score(model, rows))
        report.put(f"{kind}_score_{name}_M_rows_per_s", len(rows) / taken / 1e6)
        report.put(f"{kind}_score_one_row_{name}_us", time_of(50, lambda i: score(model, rows[i : i + 1])) * 1e6)
        if explain:
            report.put(f"{kind}_explain_{name}_us", time_of(1, lambda _: explain(model, rows[:some])) / some * 1e6)
        for what, unit in (("fit", "s"), ("score", "M_rows_per_s"), ("score_one_row", "us"), ("explain", "us")):
            report.beside(f"{kind}_{what}_{unit}", f"{kind}_{what}_{name}_{unit}")

    def xgboost(trees):
        boosted = peer("xgboost")
        options = {"objective": "binary:logistic", "tree_method": "hist", "max_depth": 6, "eta": 0.05, "nthread": THREADS}
        model = boosted.train(options, boosted.DMatrix(x[:learned], label=y[:learned]), trees)
        model.set_param({"nthread": 1})
        return model

    def xgboost_explain(model, some_rows):
        return model.predict(peer("xgboost").DMatrix(some_rows), pred_contribs=True)

    def lightgbm(trees):
        options = {"objective": "binary", "num_leaves": 64, "max_depth": 6, "learning_rate": 0.05,
                   "num_threads": THREADS, "verbose": -1}
        boosted = peer("lightgbm")
        return boosted.train(options, boosted.Dataset(x[:learned], y[:learned]), trees)

    def catboost(trees):
        model = peer("catboost").CatBoostClassifier(iterations=trees, depth=6, learning_rate=0.05, verbose=0,
                                                    thread_count=THREADS, allow_writing_files=False)
        return model.fit(x[:learned], y[:learned])

    def compiled(trees):
        lleaves, model = peer("lleaves"), lightgbm(trees)
        model.save_model(str(work / "model.txt"))
        fast = lleaves.Model(model_file=str(work / "model.txt"))
        fast.compile()
        return fast

    def sklearn(kind, **options):
        return getattr(peer("sklearn.ensemble"), kind)(n_jobs=THREADS, random_state=1, **options)

    def proba(model, some_rows):
        return model.predict_proba(some_rows)[:, 1]

    for trees in (300, 512):
        kind = f"boost_{trees}_of_depth_6"
        take(kind, "xgboost", lambda n=trees: xgboost(n), lambda m, r: m.inplace_predict(r), xgboost_explain)
        take(kind, "lightgbm", lambda n=trees: lightgbm(n), lambda m, r: m.predict(r, num_threads=1),
             lambda m, r: m.predict(r, pred_contrib=True, num_threads=1))
        take(kind, "lleaves", lambda n=trees: compiled(n), lambda m, r: m.predict(r, n_jobs=1))
        take(kind, "catboost", lambda n=trees: catboost(n), proba)
    take("forest_300_of_depth_10", "sklearn",
         lambda: sklearn("RandomForestClassifier", n_estimators=300, max_depth=10, min_samples_leaf=5)
         .fit(x[:learned], y[:learned]), proba)
    take("isolation_100_of_256", "sklearn",
         lambda: sklearn("IsolationForest", n_estimators=100, max_samples=256).fit(x[:learned]),
         lambda m, r: -m.score_samples(r))


WIDE = """name: wide
data_directory: {data}
sources:
  transactions: {{file: {file}}}
event: {{id: id, time: at, label: {{field: label, delay: 0d, absent: legit}}}}
features:
{features}
model:
  kind: {kind}
  validate: {{by: time, train: [2025-01-01, 2025-07-01], test: [2025-07-01, 2025-09-01]}}
"""


MEMORY_GOAL_MB = 600


def bench_memory(report, work, rows=1_000_000, inputs=50):
    """Peak resident memory of `assay train` from a wide CSV."""
    numpy = peer("numpy")
    draw = numpy.random.default_rng(7)
    file = work / "wide.csv"
    names = [f"x{j}" for j in range(inputs)]
    with file.open("w") as out:
        out.write("id,at,label," + ",".join(names) + "\n")
        for at in range(0, rows, 50_000):
            x = draw.standard_normal((50_000, inputs))
            fraud = draw.random(50_000) < 1 / (1 + numpy.exp(5 - 1.5 * x[:, 0] - x[:, 1] * x[:, 2]))
            for i in range(50_000):
                day = datetime.datetime(2025, 1, 1) + datetime.timedelta(seconds=20 * (at + i))
                out.write(f"t{at + i},{day.isoformat()}Z,{int(fraud[i])}," + ",".join(f"{v:.4f}" for v in x[i]) + "\n")
    report.head(f"memory of training ({rows:,} rows x {inputs} inputs from CSV, {file.stat().st_size / 1e6:.0f} MB, "
                f"{THREADS} threads)")
    for kind in ("boost", "forest"):
        settings = work / f"wide-{kind}.yaml"
        settings.write_text(WIDE.format(file=file, kind=kind, data=work / f"wide-{kind}",
                                        features="\n".join(f"  {n}: {n}" for n in names)))
        run = subprocess.Popen([ASSAY, "-c", settings, "train", "-t", str(THREADS)], stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, text=True)
        words = run.stderr.read()
        _, status, used = os.wait4(run.pid, 0)
        if status != 0:
            report.skip(f"memory {kind}", words.strip()[:300])
            continue
        peak = used.ru_maxrss * 1024 / 1e6
        report.put(f"train_1M_x_50_{kind}_MB", peak,
                   f"peak resident memory; the goal of {MEMORY_GOAL_MB} MB is {'met' if peak <= MEMORY_GOAL_MB else 'MISSED'}")
        report.put(f"train_1M_x_50_{kind}_s", used.ru_utime + used.ru_stime, "processor time")


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


PARTS = ("console_pages", "console_pairs")  # of `console`, by their names only
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
    parser.add_argument("--long", action="store_true", help="http: ten minutes of full service instead of 30 s; console: ten million decisions, ten pairs of a minute")
    arguments = parser.parse_args()
    measure.LONG = arguments.long
    names = arguments.name or [n for n in BENCHES if n not in PARTS]
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
