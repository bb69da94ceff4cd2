"""A running service under load: settings, requests, the server on one core and the generator on the other."""

import csv
import json
import os
import pathlib
import random
import signal
import subprocess
import time
import urllib.request

from measure import ASSAY, BUILD, Skip, assay

SERVER_CORE, LOAD_CORE = 0, 1
ALL_CORES = sorted(os.sched_getaffinity(0))
ROWS, SEED = 200_000, 7
CUSTOMERS, TERMINALS = 200_000, 20_000
REQUESTS = 50_000
CATEGORIES = ("restaurant", "travel", "grocery", "health", "clothing", "fuel", "entertainment", "electronics")

# Twenty velocity features of two kinds of entity; amount and category are the model's too.
VELOCITIES = {
    **{f"customer_n_{w}": f"count() by customer over {w}" for w in ("10m", "1h", "1d", "7d")},
    **{f"customer_sum_{w}": f"sum(amount) by customer over {w}" for w in ("1h", "1d", "7d")},
    **{f"customer_mean_{w}": f"mean(amount) by customer over {w} prior" for w in ("1d", "7d", "30d")},
    "customer_max_7d": "max(amount) by customer over 7d prior",
    "customer_std_7d": "std(amount) by customer over 7d prior",
    "seconds_since": "seconds(timestamp - prev(timestamp) by customer)",
    "previous_amount": "prev(amount) by customer",
    **{f"terminal_n_{w}": f"count() by terminal over {w}" for w in ("10m", "1h", "1d")},
    **{f"terminal_mean_{w}": f"mean(amount) by terminal over {w} prior" for w in ("1h", "1d")},
    "terminal_sum_1d": "sum(amount) by terminal over 1d",
}
assert len(VELOCITIES) == 20

SETTINGS = """name: load
data_directory: {data}
sources:
  transactions: {{file: {file}, fields: {{customer_id: text, terminal_id: text, transaction_id: text}}}}
event:
  id: transaction_id
  time: timestamp
  amount: amount
  label: {{field: is_fraud, delay: 7d, absent: legit}}
entities: {{customer: customer_id, terminal: terminal_id}}
features:
  amount: amount
  night: hour(timestamp) <= 6
{features}
rules:
  LARGE: {{when: "amount > {large}", then: review}}
model:
  kind: boost
  boost: {{trees: 300, depth: 6, leaves: 64, patience: 0}}
  validate: {{by: time, share: 0.2, gap: 7d}}
outcomes: [approve, review, decline]
decision: {{review: 999, decline: 1000}}
server: {{threads: 1, connections: 1024, queue: 4096}}
memory: 2GiB
log: {{sync: true}}
snapshot: {{every: {snapshots}}}
{more}
"""


def generated(work):
    """Transactions of the last month by `assay generate`, until a day ago."""
    file = work / "transactions.csv"
    if not file.exists():
        start = time.strftime("%Y-%m-%d", time.gmtime(time.time() - 31 * 86400))
        assay("generate", "--rows", ROWS, "--days", 30, "--seed", SEED, "--start", start, "-o", file)
    return file


def events_of(file):
    """The generated events, spread over as many customers and terminals as a service would meet."""
    draw = random.Random(SEED)
    with open(file, newline="") as f:
        for at, row in enumerate(csv.DictReader(f)):
            if at == REQUESTS:
                return
            yield {"customer_id": f"c{draw.randrange(CUSTOMERS):06}", "terminal_id": f"t{draw.randrange(TERMINALS):05}",
                   "amount": float(row["amount"]), "merchant_category": row["merchant_category"]}


def write_settings(work, name="assay.yaml", large=None, snapshots="1h", more="", features=VELOCITIES):
    file = generated(work)
    if large is None:
        amounts = sorted(e["amount"] for e in events_of(file))
        large = amounts[int(0.98 * len(amounts))]
    settings = work / name
    settings.write_text(SETTINGS.format(data=work / "data", file=file, large=large, snapshots=snapshots, more=more,
                                        features="\n".join(f"  {k}: {v}" for k, v in features.items())))
    return settings


def write_requests(work):
    """JSON bodies with the marks of bench/load/requests.h."""
    out = work / "requests.ndjson"
    with out.open("w") as f:
        for event in events_of(generated(work)):
            f.write(json.dumps({"transaction_id": "{id}", "timestamp": "{time}", **event}) + "\n")
    return out


def write_rows(work):
    """Bodies for the peers, which have no windows: 22 ready-made numbers."""
    draw, out = random.Random(SEED), work / "rows.ndjson"
    with out.open("w") as f:
        for event in events_of(generated(work)):
            row = {name: round(draw.expovariate(0.05), 2) for name in VELOCITIES}
            f.write(json.dumps({"transaction_id": "{id}", "amount": event["amount"], "night": 0, **row}) + "\n")
    return out


class Process:
    """A server of one's own, on SERVER_CORE unless told, and what it takes of the processor."""

    def __init__(self, command, cores=(SERVER_CORE,), **more):
        self.process = subprocess.Popen(["taskset", "-c", ",".join(map(str, cores)), *map(str, command)], text=True, **more)

    def threads(self):
        """Processor seconds of each thread, by its name."""
        taken = {}
        for task in pathlib.Path(f"/proc/{self.process.pid}/task").iterdir():
            try:
                name = (task / "comm").read_text().strip()
                taken[name] = taken.get(name, 0) + int((task / "schedstat").read_text().split()[0]) / 1e9
            except OSError:  # it has ended meanwhile
                continue
        return taken

    def resident_mib(self):
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        return 0.0

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=120)


class Assay(Process):
    def __init__(self, settings, binary=ASSAY, headers=None, cores=(SERVER_CORE,)):
        self.errors = open(settings.with_suffix(".err"), "w+")
        environment = {k: v for k, v in os.environ.items() if not k.startswith("ASSAY_")}
        super().__init__([binary, "-c", settings, "--json", "serve", "--port", "0"], cores, stdout=subprocess.PIPE,
                         stderr=self.errors, env=environment)
        line = self.process.stdout.readline()
        if not line:
            self.errors.seek(0)
            raise Skip(f"assay serve ended: {self.errors.read().strip()[:500]}")
        self.port = json.loads(line)["port"]
        self.headers = headers or {}

    def ask(self, path, method="GET", body=None):
        headers = dict(self.headers)
        if body is not None:
            headers["Content-Type"] = "application/json"
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", method=method, headers=headers,
                                         data=None if body is None else json.dumps(body).encode())
        with urllib.request.urlopen(request, timeout=60) as answer:
            text = answer.read().decode()
        return json.loads(text) if "json" in answer.headers.get("Content-Type", "") else text

    def metrics(self):
        found = {}
        for line in self.ask("/metrics").splitlines():
            if line and not line.startswith("#"):
                name, value = line.rsplit(" ", 1)
                found[name] = float(value)
        return found

    def wait_projected(self, most_s=120):
        """Seconds until the store has everything."""
        start = time.monotonic()
        while (lag := self.ask("/readyz")["store_lag"]) > 0:
            if time.monotonic() - start > most_s:
                raise Skip(f"the store still lags by {lag} records after {most_s} s")
            time.sleep(0.02)
        return time.monotonic() - start


def load(port, requests, seconds, rate=None, connections=256, path="/v1/decisions", header=None, warm=1, core=LOAD_CORE):
    """One run of bench/load; what it prints."""
    binary = BUILD / "bench" / "bench_load"
    if not binary.exists():
        raise Skip(f"no {binary}: ninja -C build bench-programs")
    options = {"--port": port, "--requests": requests, "--seconds": seconds, "--connections": connections,
               "--path": path, "--warm": warm, "--run": f"{time.time_ns() // 1000 % 10**8:08}"}
    if rate is not None:
        options["--rate"] = rate
    if header is not None:
        options["--header"] = header
    done = subprocess.run(["taskset", "-c", str(core), binary, *(str(x) for o in options.items() for x in o)],
                          capture_output=True, text=True)
    if done.returncode != 0:
        raise Skip(f"bench_load: {done.stderr.strip()[:300]}")
    return json.loads(done.stdout)
