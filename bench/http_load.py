"""`http`: decisions over HTTP, durable, all server threads on one core and the generator on the other."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time

import measure
from measure import ASSAY, ROOT, Skip, assay, peer
from service import (LOAD_CORE, SERVER_CORE, VELOCITIES, Assay, Process, load, write_requests, write_rows,
                     write_settings)

CONNECTIONS = 256
MAX_S, SHARE_S, FULL_S, LONG_S = 60, 20, 30, 600
FULL_RATE = 30_000
PEER_CONNECTIONS, PEER_S = 32, 15
PEERS = {  # name: modules, what it is
    "flask_forest": (("flask", "sklearn", "joblib", "waitress"), "Flask + scikit-learn, forest of 300, waitress"),
    "fastapi_xgboost": (("fastapi", "uvicorn", "xgboost"), "FastAPI + XGBoost, 300 trees of depth 6, uvicorn"),
}
NAMES = ("amount", "night", *VELOCITIES)


def put_run(report, name, run, cpu):
    """The figures of one run, and what the server took of the processor for each answer."""
    answers = sum(run["statuses"].values())
    bad = {s: n for s, n in run["statuses"].items() if s not in ("200", "202")}
    note = "; ".join(filter(None, (f"statuses {bad}" if bad else "", f"{run['broken']} broken" if run["broken"] else "",
                                   f"{run['unanswered']} unanswered" if run["unanswered"] else "",
                                   f"the generator itself was late by up to {run['late_max_us'] / 1000:.0f} ms"
                                   if run["late_max_us"] > 10_000 else "")))
    report.put(f"http_{name}_per_s", run["rate_per_s"], note)
    for quantile in ("p50", "p99", "p999"):
        report.put(f"http_{name}_{quantile}_us", run[f"{quantile}_us"])
    if answers:
        report.put(f"http_{name}_processor_us", cpu / answers * 1e6, "of the server, for each answer")


def measured(report, name, server, *arguments, **options):
    before = server.threads()
    run = load(server.port, *arguments, warm=0, **options)
    after = server.threads()
    taken = {k: v - before.get(k, 0) for k, v in after.items()}
    put_run(report, name, run, sum(taken.values()))
    return run, taken


def shares(report, name, server, most, requests, seconds, **options):
    for share in (25, 50, 75):
        measured(report, f"{name}_{share}", server, requests, seconds, rate=most * share / 100, **options)


# ---- ours ----


def trained(work):
    """A folder with settings and a model, and no log yet."""
    settings = write_settings(work)
    assay("-c", settings, "train", "-q")
    return settings


def started(work, name, settings, snapshots="1h", key=False, **options):
    """A service with the trained model and a log of its own; it imports the history first."""
    folder = work / name
    folder.mkdir()
    shutil.copytree(work / "data", folder / "data")
    own = folder / "assay.yaml"
    own.write_text(settings.read_text().replace(str(work / "data"), str(folder / "data"))
                   .replace("every: 1h", f"every: {snapshots}"))
    headers = {}
    if key:
        made = json.loads(assay("-c", own, "--json", "key", "create", "load", "--role", "scorer,engineer,viewer", "--force")[1])
        headers = {"Authorization": f"Bearer {made['secret']}"}
    return Assay(own, headers=headers, **options), own


def reviewed(server):
    found = server.metrics()
    counts = {k: v for k, v in found.items() if k.startswith("assay_decisions_total")}
    return counts.get('assay_decisions_total{outcome="review"}', 0) / max(sum(counts.values()), 1)


def bench_wrk(report, server, requests):
    """The greatest rate by somebody else's generator."""
    if shutil.which("wrk") is None:
        report.skip("http wrk", "wrk is not installed")
        return
    done = subprocess.run(["taskset", "-c", str(LOAD_CORE), "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SHARE_S}s", "-s",
                           ROOT / "bench/load/decisions.lua", f"http://127.0.0.1:{server.port}"],
                          env={**os.environ, "REQUESTS": str(requests), "RUN": f"{time.time_ns() // 1000 % 10**8:08}"},
                          capture_output=True, text=True)
    rate = re.search(r"Requests/sec:\s*([0-9.]+)", done.stdout)
    if rate is None:
        raise Skip(f"wrk: {(done.stderr or done.stdout).strip()[:300]}")
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", done.stdout)
    report.put("http_max_by_wrk_per_s", float(rate[1]), f"{refused[1]} refused" if refused else "")


def bench_most(report, work, settings, requests):
    """The greatest rate, then open loop at shares of it."""
    server, _ = started(work, "most", settings)
    try:
        run, taken = measured(report, "max", server, requests, MAX_S, connections=CONNECTIONS)
        answers = max(sum(run["statuses"].values()), 1)
        print("  of it: " + ", ".join(f"{k.removeprefix('assay-')} {v / answers * 1e6:.2f} us" for k, v in taken.items()
                                      if v / answers > 1e-7))
        report.put("http_reviewed_share", reviewed(server))
        report.put("http_max_store_catches_up_s", server.wait_projected(600))
        bench_wrk(report, server, requests)
        shares(report, "open", server, run["rate_per_s"], requests, SHARE_S, connections=CONNECTIONS)
    finally:
        server.stop()
    return run["rate_per_s"]


def reload_later(server, settings, after_s, said):
    """One reload under load: another threshold of the rule, which is another plan."""
    time.sleep(after_s)
    text = settings.read_text()
    settings.write_text(text.replace("amount > ", "amount > 0.5 + "))
    try:
        said.append(server.ask("/v1/settings:reload", "POST", {}))
    except OSError as e:
        said.append(str(e))


def bench_full(report, work, settings, requests, most):
    """Keys, reasons, store, snapshots and one reload on."""
    seconds = LONG_S if measure.LONG else FULL_S
    rate = FULL_RATE if most > 1.1 * FULL_RATE else most / 2
    if rate != FULL_RATE:
        print(f"  {FULL_RATE:,}/s is over what this machine has now: at {rate:,.0f}/s, half of the greatest")
    server, own = started(work, "full", settings, snapshots=f"{seconds // 3}s", key=True)
    said = []
    reload = threading.Thread(target=reload_later, args=(server, own, seconds / 2, said))
    try:
        reload.start()
        run, _ = measured(report, "full", server, requests, seconds, rate=rate, connections=CONNECTIONS,
                          header=f"Authorization: {server.headers['Authorization']}")
        reload.join()
        metrics = server.metrics()
        report.put("http_full_lag_at_end", server.ask("/readyz")["store_lag"], "records, at the last answer")
        report.put("http_full_store_catches_up_s", server.wait_projected())
        report.put("http_full_snapshots", metrics["assay_snapshots_total"])
        report.put("http_full_plan_changes", metrics["assay_plan_changes_total"], f"reload: {said[0] if said else 'none'}")
        report.put("http_full_resident_MB", server.resident_mib() * 1.048576)
        bad = sum(n for s, n in run["statuses"].items() if s not in ("200", "202")) + run["broken"] + run["unanswered"]
        report.put("http_full_errors", bad)
    finally:
        server.stop()
    taken, out = assay("-c", own, "log", "verify")
    report.put("http_full_log_verify_s", taken, out.strip().splitlines()[0] if out.strip() else "")


# ---- the peers ----


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Peer(Process):
    def __init__(self, name):
        self.port = free_port()
        super().__init__([sys.executable, ROOT / f"bench/load/{name}.py", self.port, 300, *NAMES],
                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                         env={**os.environ, "OMP_NUM_THREADS": "1"})
        if self.process.stdout.readline().strip() != "ready":
            raise Skip(f"{name} did not start")
        self.wait_listening()

    def wait_listening(self):
        for _ in range(200):
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise Skip("it does not listen")


def bench_peer(report, name, rows):
    modules, words = PEERS[name]
    for module in modules:
        peer(module)
    print(f"  {words}; {len(NAMES)} ready-made numbers in the request, nothing kept of it", flush=True)
    server = Peer(name)
    options = {"connections": PEER_CONNECTIONS, "path": "/predict"}
    try:
        run, _ = measured(report, f"{name}_max", server, rows, PEER_S, **options)
        shares(report, name, server, run["rate_per_s"], rows, PEER_S, **options)
    finally:
        server.stop()
    report.beside("http_max_per_s", f"http_{name}_max_per_s")
    report.beside("http_max_processor_us", f"http_{name}_max_processor_us")
    report.beside("http_open_50_p50_us", f"http_{name}_50_p50_us")
    report.beside("http_open_50_p99_us", f"http_{name}_50_p99_us")


def bench_http(report, work):
    if len(os.sched_getaffinity(0)) < 2 or not {SERVER_CORE, LOAD_CORE} <= os.sched_getaffinity(0):
        raise Skip(f"needs processors {SERVER_CORE} and {LOAD_CORE}, for the server and for the generator")
    settings = trained(work)
    requests, rows = write_requests(work), write_rows(work)
    report.head(f"decisions over HTTP: boost of 300 trees of depth 6, {len(VELOCITIES)} velocity features of 2 kinds of "
                f"entity, 2 % reviewed, durable; server on one core, generator on the other; {CONNECTIONS} connections, "
                f"load {os.getloadavg()[0]:.1f}")
    most = bench_most(report, work, settings, requests)
    bench_full(report, work, settings, requests, most)
    for name in PEERS:
        try:
            bench_peer(report, name, rows)
        except Skip as why:
            report.skip(f"http {name}", str(why))
