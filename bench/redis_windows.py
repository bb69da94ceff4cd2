"""What windows shared in Redis cost: the same events decided by one node with windows of its own and with shared ones,
in batches over HTTP (fetched some hundred at a time) and one by one, and the memory that Redis takes for them."""

import http.client
import json
import random
import subprocess
import sys
import time

from measure import ASSAY, ROOT, Skip

SETTINGS = """
name: bench
sources: {{transactions: {{file: {work}/history.csv}}}}
event: {{id: id, time: at}}
entities: {{terminal: {{key: terminal, state: {state}}}}}
features:
{features}
rules: {{MANY: {{when: n_1h > 1000000, then: review}}}}
outcomes: [approve, review]
model: {{kind: none}}
data_directory: {work}/{state}
server: {{queue: 65536}}
redis: {{server: "{server}", timeout_ms: 2000}}
"""
FEATURES = {
    **{f"n_{w}": f"count() by terminal over {w}" for w in ("10m", "1h", "1d")},
    **{f"sum_{w}": f"sum(amount) by terminal over {w}" for w in ("1h", "1d")},
    "mean_1d": "mean(amount) by terminal over 1d prior",
}
EVENTS, TERMINALS, BATCH, SINGLE = 40_000, 2_000, 5_000, 3_000


def made(count, first):
    chance = random.Random(7 + first)
    for i in range(first, first + count):
        seconds = i // 2
        at = f"2026-01-{1 + seconds // 86400:02}T{seconds // 3600 % 24:02}:{seconds // 60 % 60:02}:{seconds % 60:02}Z"
        yield json.dumps({"id": f"e{i}", "at": at, "terminal": f"t{chance.randrange(TERMINALS)}",
                          "amount": round(chance.lognormvariate(4, 1), 2)})


def decided(port, path, bodies, kind="application/json"):
    """Seconds for all of them on one connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    began = time.perf_counter()
    for body in bodies:
        connection.request("POST", path, body=body, headers={"Content-Type": kind})
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200, answer.status
    return time.perf_counter() - began


def measured(report, work, server, state):
    features = "".join(f"  {k}: {v}\n" for k, v in FEATURES.items())
    path = work / f"redis-{state}.yaml"
    path.write_text(SETTINGS.format(work=work, state=state, features=features, server=server.server))
    words = [ASSAY, "-c", path, "--json", "serve", "--no-history", "--port", "0"]
    with open(work / f"redis-{state}.log", "w") as log:
        node = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=log, text=True)
        try:
            port = int(json.loads(node.stdout.readline())["port"])
            lines = list(made(EVENTS, 0))
            batches = ["\n".join(lines[i:i + BATCH]) for i in range(0, EVENTS, BATCH)]
            report.put(f"redis_{state}_batch_us", decided(port, "/v1/decisions:batch", batches, "application/x-ndjson") / EVENTS * 1e6,
                       "an event, in batches of 5,000")
            report.put(f"redis_{state}_single_us", decided(port, "/v1/decisions", made(SINGLE, EVENTS)) / SINGLE * 1e6,
                       "an event, one by one on one connection")
        finally:
            node.terminate()
            node.wait()


def bench_redis(report, work):
    sys.path.insert(0, str(ROOT / "tests" / "tools"))
    try:
        from redis import Redis
    except ImportError as e:
        raise Skip(f"{e.name} is not installed") from e
    report.head(f"shared windows in Redis: 6 aggregates of one kind of entity ({EVENTS:,} events, {TERMINALS:,} terminals, "
                "generated, seed 7; server, Redis and client on the same cores)")
    (work / "history.csv").write_text("id,at,terminal,amount\n" + "".join(
        f"h{i},2025-12-31T00:00:{i:02}Z,t{i},{i}.25\n" for i in range(20)))
    server = Redis().start()
    try:
        for state in ("shard", "shared"):
            measured(report, work, server, state)
        used = dict(line.strip().split(":", 1) for line in server.cli("INFO", "cpu").split("\n") if ":" in line)
        report.put("redis_cpu_us", (float(used["used_cpu_user"]) + float(used["used_cpu_sys"])) / (EVENTS + SINGLE) * 1e6,
                   "processor time of Redis, an event")
        memory = dict(line.strip().split(":", 1) for line in server.cli("INFO", "memory").split("\n") if ":" in line)
        report.put("redis_event_bytes", int(memory["used_memory"]) / (EVENTS + SINGLE), "memory of Redis for each event kept")
    finally:
        server.stop()
