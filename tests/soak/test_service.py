"""A service for minutes at half of the load that it could bear, with everything on: a key, reasons, the store, snapshots
every 20 s, readers beside the callers, one reload. Memory stays flat, no request fails, the store has everything at the
end, the log verifies and decides again to the bit.

ASSAY_SOAK_MINUTES says for how long (2); the figures are in build/soak-service.json."""

import json
import os
import pathlib
import statistics
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench"))
from service import Assay, load, write_requests, write_settings  # noqa: E402

MINUTES = float(os.environ.get("ASSAY_SOAK_MINUTES", "2"))
MOST = 30_000  # decisions a second
# A state and an index of ids that are full long before the end: what grows after that is a leak.
LIMITS = "ids: {count: 100000}"


def anonymous_mib(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) / 1024
    raise AssertionError("no RssAnon")


def command(binary, settings, *arguments):
    done = subprocess.run([binary, "-c", settings, "--json", *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-500:]
    return json.loads(done.stdout)


class Beside:
    """What goes on beside the callers: memory is looked at, pages are read, the settings change once."""

    def __init__(self, server, settings, seconds):
        self.server, self.settings, self.seconds = server, settings, seconds
        self.memory, self.lag, self.reload, self.failed, self.pages = [], [], None, [], 0
        self.is_over = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        begun = time.monotonic()
        while not self.is_over.wait(1):
            passed = time.monotonic() - begun
            self.memory.append((passed, anonymous_mib(self.server.process.pid)))
            try:
                self.lag.append(self.server.ask("/readyz")["store_lag"])
                page = self.server.ask("/v1/decisions?sort=-score&limit=50")
                self.pages += len(page["decisions"]) == 50
                if self.reload is None and passed > self.seconds / 2:
                    text = self.settings.read_text()
                    self.settings.write_text(text.replace("amount > ", "amount > 0.5 + "))
                    self.reload = self.server.ask("/v1/settings:reload", "POST", {})
            except (OSError, KeyError) as e:
                self.failed.append(repr(e))

    def usual(self, since, until):
        """The median of memory between two shares of the run; a snapshot or a reload takes some for a moment."""
        return statistics.median(mib for at, mib in self.memory if since * self.seconds <= at < until * self.seconds)


def test_half_load(binary, tmp_path):
    seconds = max(60 * MINUTES, 30)
    settings = write_settings(tmp_path, snapshots="20s", more=LIMITS)
    settings.write_text(settings.read_text().replace("memory: 2GiB", "memory: 64MiB"))
    requests = write_requests(tmp_path)
    command(binary, settings, "train", "-q")
    key = command(binary, settings, "key", "create", "soak", "--role", "scorer,engineer,viewer")["secret"]
    header = f"Authorization: Bearer {key}"
    server = Assay(settings, binary, {"Authorization": f"Bearer {key}"})
    try:
        most = load(server.port, requests, 5, header=header, warm=0)
        rate = min(MOST, most["rate_per_s"] / 2)
        beside = Beside(server, settings, seconds)
        beside.thread.start()
        run = load(server.port, requests, seconds, rate=rate, header=header, warm=0)
        beside.is_over.set()
        beside.thread.join()
        caught_up_s = server.wait_projected()
        metrics = server.metrics()
    finally:
        assert server.stop() == 0
    log, again = command(binary, settings, "log", "verify"), command(binary, settings, "replay")
    figures = {"seconds": seconds, "rate_per_s": rate, **run, "caught_up_s": caught_up_s, "lag_max": max(beside.lag),
               "memory_mib": {f"{a}-{b}": beside.usual(a, b) for a, b in ((0, 0.25), (0.25, 0.5), (0.5, 0.75), (0.75, 1))},
               "snapshots": metrics["assay_snapshots_total"], "reload": beside.reload, "pages": beside.pages,
               "log": log, "replay": again}
    (ROOT / "build" / "soak-service.json").write_text(json.dumps(figures, indent=1) + "\n")
    print(f"\n{figures}", flush=True)

    answers = most["statuses"]["200"] + run["statuses"]["200"]
    assert set(most["statuses"]) == set(run["statuses"]) == {"200"}, figures
    assert run["broken"] == run["unanswered"] == 0 and not beside.failed, (figures, beside.failed)
    assert run["answers"] > 0.95 * rate * seconds
    assert beside.reload["state"] == "done" and metrics["assay_plan_changes_total"] == 1
    assert metrics["assay_snapshots_total"] >= seconds // 20 - 1 and metrics["assay_snapshots_failed_total"] == 0
    assert beside.pages > seconds / 10
    assert again["decisions"] == answers and again["different"] == 0, again
    # The state is full by the second quarter; what the store's cache (64 MiB) and the allocator still take is bounded.
    assert beside.usual(0.75, 1) < beside.usual(0.25, 0.5) + 48, beside.memory
