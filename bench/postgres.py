"""PostgreSQL: how fast the log is projected into it, beside SQLite; how fast files are loaded, beside psql's own copy."""

import re
import signal
import subprocess
import sys
import time
import urllib.request

from measure import ASSAY, ROOT, Skip, assay

sys.path.insert(0, str(ROOT / "tests" / "integration"))
import postgres_server  # noqa: E402

DECISIONS, BATCH = 200_000, 5_000
ROWS = 1_000_000

SETTINGS = """name: projected
data_directory: {data}
sources: {{transactions: {file}}}
event: {{id: transaction_id, time: timestamp, amount: amount}}
entities: {{customer: customer_id, terminal: terminal_id}}
features: {{amount: amount, n_1d: count() by customer over 1d}}
rules: {{LARGE: {{when: amount > 200, then: review}}}}
model: {{kind: none}}
outcomes: [approve, review]
"""


def logged(work):
    """A log of decisions, made over HTTP in batches; the settings file."""
    events = work / "events.csv"  # what the fields are found in
    assay("generate", "--rows", 1000, "--days", 1, "-o", events)
    settings = work / "projected.yaml"
    settings.write_text(SETTINGS.format(data=work / "projected", file=events))
    lines = work / "events.ndjson"
    assay("generate", "--rows", DECISIONS, "--days", 60, "--start", "2026-02-01", "-o", lines)
    said = work / "serve.log"
    with open(said, "w") as log:
        server = subprocess.Popen([ASSAY, "-c", settings, "serve", "--port", "0"], stdout=log, stderr=log)
    try:
        url = None
        while url is None:
            if server.poll() is not None:
                raise Skip(f"assay serve ended: {said.read_text()[:300]}")
            time.sleep(0.05)
            url = next((w.rstrip("/.,") for w in said.read_text().split() if w.startswith("http://")), None)
        with open(lines) as f:
            every = [re.sub(r',"is_fraud":\w+', "", re.sub(r'"transaction_id":', '"transaction_id":-', line)) for line in f]
        for at in range(0, len(every), BATCH):
            body = "".join(every[at:at + BATCH]).encode()
            request = urllib.request.Request(f"{url}/v1/decisions:batch", body, {"Content-Type": "application/x-ndjson"})
            urllib.request.urlopen(request).read()
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(timeout=120)
    return settings


def bench_postgres(report, work):
    programs = postgres_server.programs()
    if programs is None:
        raise Skip("no PostgreSQL: scripts/packages.sh test")
    server = postgres_server.Postgres(programs).start(shared_buffers="256MB")
    try:
        version = server.psql("SHOW server_version").stdout.split()[0]
        report.head(f"PostgreSQL {version} on this machine, fsync off, over a Unix socket")
        settings = logged(work)
        rows = None
        for kind, url in (("postgres", server.url()), ("sqlite", None)):
            where = ["--set", "store.kind=postgres", "--set", f"store.url={url}"] if url else []
            taken, _ = assay("-c", settings, *where, "rebuild", "--json")
            if url:
                rows = int(server.psql("SELECT (SELECT count(*) FROM score.decision) + (SELECT count(*) FROM score.entity)").stdout)
                found = int(server.psql("SELECT count(*) FROM score.decision").stdout)
                if found != DECISIONS:
                    raise Skip(f"{found} decisions of {DECISIONS} are in the tables")
            report.put(f"{kind}_project_rows_per_s", rows / taken, f"assay rebuild of {DECISIONS:,} decisions: {rows:,} rows")
            report.put(f"{kind}_project_decisions_per_s", DECISIONS / taken)
        report.beside("postgres_project_rows_per_s", "sqlite_project_rows_per_s")

        file = work / "load.csv"
        assay("generate", "--rows", ROWS, "--days", 60, "-o", file)
        size = file.stat().st_size / 1e6
        taken, out = assay("load", file, "--table", "raw.loaded", "--create", "--replace", "--url", server.url(), "--json")
        loaded = int(server.psql("SELECT count(*) FROM raw.loaded").stdout)
        if loaded != ROWS:
            raise Skip(f"{loaded} of {ROWS} rows were loaded: {out[:200]}")
        report.put("postgres_load_rows_per_s", ROWS / taken, f"assay load: {size:.0f} MB of CSV, types found by looking, rows checked")
        server.psql("CREATE TABLE raw.copied AS SELECT * FROM raw.loaded LIMIT 0")
        names = file.open().readline().strip()
        start = time.monotonic()
        server.psql(f"\\copy raw.copied ({names}) FROM '{file}' WITH (FORMAT csv, HEADER)\n")
        report.put("postgres_load_psql_copy_rows_per_s", ROWS / (time.monotonic() - start), "psql's \\copy into a table that is there")
        report.beside("postgres_load_rows_per_s", "postgres_load_psql_copy_rows_per_s")
        taken, _ = assay("export", "raw.loaded", "-o", work / "exported.csv", "--url", server.url())
        report.put("postgres_export_rows_per_s", ROWS / taken, "assay export into CSV")
    finally:
        server.stop()
