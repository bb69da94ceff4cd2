"""The Handbook's twelve windowed features: ours and the peers' on the same rows in the same run.

Whole process: from a CSV file to a CSV file. In memory: from columns to columns, neither reading nor
writing. Each by the wall and by the processor time of all threads, which other work on the machine
disturbs less. The files are in the page cache; what takes less than five seconds is the best of three. A peer's features are
compared with ours, so that none of them is wrong or does less. See docs/benchmarks.md.
"""

import array
import concurrent.futures
import contextlib
import csv
import datetime
import itertools
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import threading
import time

from measure import ASSAY, BUILD, ROOT, SETTINGS, THREADS, Skip, handbook, program

PEERS = ROOT / "bench/windows"
VENV = BUILD / "bench-venv"
sys.path += [str(ROOT / "tests/integration"), str(PEERS)]
import postgres_server  # noqa: E402
from peer import window_sql  # noqa: E402

SUBSET_ROWS = 200_000
REPEATS, REPEATED_S, SECONDS_MAX = 3, 5, 300
COLUMNS = (
    ("TRANSACTION_ID", "bigint"), ("TX_DATETIME", "timestamp"), ("CUSTOMER_ID", "bigint"),
    ("TERMINAL_ID", "bigint"), ("TX_AMOUNT", "numeric"), ("TX_TIME_SECONDS", "bigint"),
    ("TX_TIME_DAYS", "bigint"), ("TX_FRAUD", "int"), ("TX_FRAUD_SCENARIO", "int"),
)


class Run:
    """One process: its seconds by the wall and of the processor, its largest memory, what it printed."""

    def __init__(self, *command):
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            start = time.monotonic()
            process = subprocess.Popen(list(map(str, command)), stdout=out, stderr=err)
            watch = threading.Timer(SECONDS_MAX, process.kill)
            watch.start()
            _, status, used = os.wait4(process.pid, 0)
            watch.cancel()
            self.wall_s = time.monotonic() - start
            process.returncode = os.waitstatus_to_exitcode(status)
            out.seek(0), err.seek(0)
            self.out = out.read()
            if process.returncode != 0:
                words = err.read().strip()[-300:] or f"status {process.returncode} after {self.wall_s:.0f} s"
                raise Skip(f"{pathlib.Path(command[0]).name}: {words}")
        self.processor_s = used.ru_utime + used.ru_stime
        # A process begins with what its parent had at most, so that a smaller one is not seen.
        parent = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        self.memory = f"{used.ru_maxrss / 1024:.0f} MB" if used.ru_maxrss > parent else "little memory"


def apart(function, *arguments):
    """In a process of its own, which takes its memory with it."""
    with concurrent.futures.ProcessPoolExecutor(1) as pool:
        return pool.submit(function, *arguments).result()


def best(once, seconds):
    """The quickest of some runs: of one, where it takes long."""
    runs = [once()]
    while len(runs) < REPEATS and seconds(runs[0]) < REPEATED_S:
        runs.append(once())
    return min(runs, key=seconds)


class Data:
    """The Handbook's first rows, or all: packed, plain, as columns for the program in C."""

    def __init__(self, name, work, rows=None):
        self.name, self.rows = name, 0
        self.plain, self.packed, self.columns = (work / f"{name}{end}" for end in (".csv", ".csv.zst", ".bin"))
        self.ours = work / f"{name}-ours.csv"
        unpack = subprocess.Popen(["zstd", "-dcq", handbook()], stdout=subprocess.PIPE)
        with self.plain.open("wb") as out:
            out.write(unpack.stdout.readline())
            for line in unpack.stdout:
                if self.rows == rows:
                    break
                out.write(line)
                self.rows += 1
        unpack.stdout.close()
        unpack.wait()
        subprocess.run(["zstd", "-q", self.plain, "-o", self.packed], check=True)

    def write_columns(self):
        """int64 rows, then time, customer, terminal and amount in int64, the labels in bytes."""
        base = int(datetime.datetime(2018, 4, 1, tzinfo=datetime.timezone.utc).timestamp())
        columns = [array.array(kind) for kind in "qqqqB"]
        with self.plain.open(newline="") as f:
            for r in itertools.islice(csv.reader(f), 1, None):
                row = ((base + int(r[5])) * 1_000_000, int(r[2]), int(r[3]), round(float(r[4]) * 1e6), int(r[7]))
                for column, value in zip(columns, row):
                    column.append(value)
        if any(a > b for a, b in itertools.pairwise(columns[0])):
            raise Skip(f"{self.plain}: its rows are not in order of time")
        with self.columns.open("wb") as f:
            array.array("q", [self.rows]).tofile(f)
            for column in columns:
                column.tofile(f)


class Bench:
    """Figures of the same work by several: `features_<rows>_<whole or memory>_<who>_<unit>`."""

    HEAD = ("", "M events/s", "s", "processors", "ours is", "by processors")

    def __init__(self, report, data):
        self.report, self.data = report, data

    def head(self):
        print("  {:<20}{:>12}{:>9}{:>12}{:>10}{:>15}".format(*self.HEAD), flush=True)

    def put(self, what, who, wall_s, processor_s, note):
        """One line: speed, seconds by the wall and of all threads; how many times as fast ours is."""
        figures, begin, line = self.report.figures, f"features_{self.data.name}_{what}", []
        for unit, seconds in (("M_events_per_s", wall_s), ("M_events_per_processor_s", processor_s)):
            name = f"{begin}_{who}_{unit}" if who else f"{begin}_{unit}"
            figures[name] = float(f"{self.data.rows / seconds / 1e6:.6g}")
            ours = figures.get(f"{begin}_{unit}")
            line.append(f"{ours / figures[name]:.1f}x" if who and ours else "")
        speed = self.data.rows / wall_s / 1e6
        print(f"  {who or 'assay':<20}{speed:>12.3f}{wall_s:>9.2f}{processor_s:>12.2f}{line[0]:>10}{line[1]:>15}"
              f"  {what}: {note}", flush=True)

    def compare(self, who, path):
        equal, cells = apart(equal_cells, path, self.data.ours)
        self.report.figures[f"features_{self.data.name}_equal_share_{who}"] = equal / cells
        print(f"  {'':<20}{equal:,} of {cells:,} cells are within 1e-6 of ours", flush=True)


def equal_cells(theirs, ours):
    """Of the windowed features: how many are equal, and how many there are."""
    theirs, ours = read_features(theirs), read_features(ours)
    if theirs.keys() != ours.keys():
        raise Skip(f"it gave {len(theirs)} rows, not the {len(ours)} of ours")
    return sum(abs(a - b) <= 1e-6 for key in ours for a, b in zip(theirs[key], ours[key])), 12 * len(ours)


def read_features(path):
    """Rows of the windowed features by id, in the order of the features' names."""
    with pathlib.Path(path).open(newline="") as f:
        rows = csv.reader(f)
        head = next(rows)
        names = sorted(n for n in head if n.startswith(("customer_", "terminal_")))
        if len(names) != 12:
            raise Skip(f"{path}: {len(names)} windowed features, not 12")
        places = [head.index(n) for n in names]
        key = head.index("TRANSACTION_ID")
        return {r[key]: [float(r[i]) for i in places] for r in rows}


def run_ours(bench):
    data = bench.data
    where = ["-q", "-c", SETTINGS, "--set", f"sources.transactions.file={data.packed}"]
    run = best(lambda: Run(ASSAY, *where, "features", "-o", data.ours), lambda r: r.wall_s)
    bench.put("whole", "", run.wall_s, run.processor_s, f"{run.memory}; assay features, .csv.zst to .csv, 15 features, {THREADS} threads")


def run_memory(bench):
    """By a program in C; its figures are named as the peers' are."""
    apart(bench.data.write_columns)
    program(bench.report, "velocity", "handbook", bench.data.columns, f"features_{bench.data.name}_memory")
    figures, rows = bench.report.figures, bench.data.rows / 1e6
    wall_s, processor_s = (rows / figures[f"features_{bench.data.name}_memory_M_events_per_{unit}"]
                           for unit in ("s", "processor_s"))
    bench.head()
    bench.put("memory", "", wall_s, processor_s, "12 features, 1 thread, tokens and the queue of labels included")


def run_program(bench, who, python, script, threads):
    """A peer that is a program of its own."""
    out = bench.data.plain.with_suffix(f".{who}.csv")
    runs = []

    def once():
        runs.append(Run(python, "-B", PEERS / script, bench.data.plain, out))
        return runs[-1]

    run = best(once, lambda r: r.wall_s)
    version = run.out.split()[0]
    memory_s, processor_s = (min(float(r.out.split()[i]) for r in runs) for i in (1, 2))
    bench.put("memory", who, memory_s, processor_s, f"{version}, 12 features, {threads}")
    bench.put("whole", who, run.wall_s, run.processor_s, f"{run.memory}; .csv to .csv, 12 features, {threads}")
    if bench.data.rows <= SUBSET_ROWS:
        bench.compare(who, out)


def venv_python():
    """The environment of the peers that pip installs."""
    python, wanted = VENV / "bin/python", (PEERS / "requirements.txt").read_text()
    mark = VENV / "installed.txt"
    if not mark.exists() or mark.read_text() != wanted:
        try:
            Run(sys.executable, "-m", "venv", VENV)
            Run(python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "-r",
                PEERS / "requirements.txt")
        except Skip as why:
            raise Skip(f"pip cannot install it: {why}") from why
        mark.write_text(wanted)
    return python


@contextlib.contextmanager
def postgres():
    programs = postgres_server.programs()
    if programs is None:
        raise Skip("PostgreSQL is not installed")
    server = postgres_server.Postgres(programs)
    try:
        yield server.start(work_mem="256MB", shared_buffers="512MB", max_wal_size="4GB")
    finally:
        server.stop()


def reaped_s(pid):
    """Processor time of the server's processes that have ended: of each session, with its workers."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")


def in_server(server, *command):
    """A client's run, and the processor time that the server had for it."""
    before = reaped_s(server.server.pid)
    run = Run(*command)
    time.sleep(0.2)  # until the server has reaped the session
    return run, reaped_s(server.server.pid) - before


def run_query(bench, server, who, query, words):
    """COPY of the file and the query to a CSV file; then the query alone, its rows not sent."""
    path, out = bench.data.plain, bench.data.plain.with_suffix(f".{who}.csv")
    kinds = ", ".join(f'"{name}" {kind}' for name, kind in COLUMNS)
    names = ", ".join(f'"{name}"' for name, _ in COLUMNS)
    client = ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", server.folder, "-U", "postgres"]
    load = (f"DROP TABLE IF EXISTS transactions; CREATE TABLE transactions ({kinds}, arrival bigserial);\n"
            f"\\copy transactions ({names}) FROM '{path}' WITH (FORMAT csv, HEADER)\n"
            "ANALYZE transactions;\n")
    script = path.with_suffix(".sql")
    script.write_text(load + f"\\o {out}\nCOPY ({query}) TO STDOUT WITH (FORMAT csv, HEADER);\n")
    run, processor_s = in_server(server, *client, "-f", script)
    whole = run.wall_s, run.processor_s + processor_s
    script.write_text(f"EXPLAIN (ANALYZE, TIMING OFF, SUMMARY ON) {query};\n")
    run, processor_s = in_server(server, *client, "-f", script)
    memory_s = float(run.out.rsplit("Execution Time:", 1)[1].split()[0]) / 1000
    bench.put("memory", who, memory_s, processor_s, f"{words}: the query alone, its rows not sent")
    bench.put("whole", who, *whole, "COPY from .csv, the query, COPY to .csv")
    bench.compare(who, out)


def run_postgres(bench):
    with postgres() as server:
        version = server.psql("SHOW server_version").stdout.split()[0]
        run_query(bench, server, "postgres_windows", window_sql(), f"PostgreSQL {version}, windows by hand, 12 features")
        query = Run(ASSAY, "-c", SETTINGS, "sql", "--dialect", "postgres").out.strip().rstrip(";")
        run_query(bench, server, "postgres_assay_sql", query, f"PostgreSQL {version}, assay sql, 15 features")


def columnar(bench, names):
    for name, script in (("duckdb", "duckdb_windows.py"), ("polars", "polars_rolling.py")):
        attempt(bench, name, lambda s=script, n=name: run_program(bench, n, venv_python(), s, f"{THREADS} threads"))


def attempt(bench, who, run):
    try:
        run()
    except (Skip, RuntimeError, OSError) as why:
        bench.report.skip(f"features {who} ({bench.data.name})", str(why))


def bench_features(report, work):
    for name, rows in (("200k", SUBSET_ROWS), ("all", None)):
        bench = Bench(report, Data(name, work, rows))
        report.head(
            f"the Handbook's windowed features: {bench.data.rows:,} rows of 9 columns, files in the page cache, "
            f"load {os.getloadavg()[0]:.1f}; ours in memory is on 1 thread")
        attempt(bench, "in memory", lambda b=bench: run_memory(b))
        run_ours(bench)
        columnar(bench, name)
        if rows is not None:
            attempt(bench, "pandas", lambda b=bench: run_program(b, "pandas", sys.executable, "pandas_rolling.py",
                                                                 "1 thread"))
            attempt(bench, "postgres", lambda b=bench: run_postgres(b))
