"""What the benchmarks share: figures, their data, our programs."""

import os
import pathlib
import subprocess
import time

THREADS = 2
LONG = False  # --long
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = str(THREADS)  # before numpy and the peers are imported

ROOT = pathlib.Path(__file__).resolve().parents[1]
BUILD = ROOT / "build"
ASSAY = BUILD / "assay"
SETTINGS = ROOT / "examples/handbook/assay.yaml"


class Skip(Exception):
    pass


class Report:
    """Figures, printed as they come."""

    def __init__(self):
        self.figures, self.skipped = {}, {}

    def head(self, words):
        print(f"\n{words}", flush=True)

    def put(self, name, value, note=""):
        self.figures[name] = float(f"{value:.6g}")
        print(f"  {name:<56} {value:>12,.4g}  {note}", flush=True)

    def beside(self, ours, theirs):
        """How many of theirs go into ours, or ours into theirs: of seconds, fewer are better."""
        if ours in self.figures and theirs in self.figures:
            a, b = self.figures[ours], self.figures[theirs]
            times = b / a if ours.endswith(("_s", "_us", "_ns")) and "_per_" not in ours else a / b
            print(f"  {'':<56} {times:>11.1f}x  {ours} against {theirs}", flush=True)

    def skip(self, name, why):
        self.skipped[name] = why
        print(f"  {name}: skipped: {why}", flush=True)


def handbook():
    folder = pathlib.Path(os.environ.get("ASSAY_DATA", ROOT.parent / "shared/data")).resolve()
    file = folder / "handbook/transactions.csv.zst"
    if not file.exists():
        raise Skip(f"no {file}: name the folder of the public data in ASSAY_DATA")
    return file


def peer(name):
    try:
        return __import__(name, fromlist=["x"])
    except ImportError as e:
        raise Skip(f"{e.name} is not installed") from e


def assay(*arguments, **environment):
    """Seconds of the whole process, and what it printed."""
    start = time.monotonic()
    done = subprocess.run(
        [ASSAY, *map(str, arguments)], env={**os.environ, **environment}, capture_output=True, text=True
    )
    taken = time.monotonic() - start
    if done.returncode != 0:
        raise Skip(f"assay {' '.join(map(str, arguments))}: {done.stderr.strip()[:300]}")
    return taken, done.stdout


def program(report, name, *arguments):
    """Run build/bench/bench_NAME; its "= name value" lines are figures."""
    binary = BUILD / "bench" / f"bench_{name}"
    if not binary.exists():
        raise Skip(f"no {binary}: ninja -C build bench-programs")
    done = subprocess.run([binary, *map(str, arguments)], capture_output=True, text=True)
    if done.returncode != 0:
        raise Skip(f"{binary.name} failed: {done.stderr.strip()[:300]}")
    for line in done.stdout.splitlines():
        if line.startswith("= "):
            report.put(line.split()[1], float(line.split()[2]))
        else:
            print(f"  {line.strip()}", flush=True)
