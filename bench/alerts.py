"""Lists of alerts and cases over a store of many: how long each answer takes. Not part of `make bench`: it decides a
million events first.

    bench/alerts.py [DECISIONS] [ALERTS]       # default 1000000 and 100000; prints milliseconds, median and worst of 20
"""

import http.client
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

ASSAY = pathlib.Path(__file__).resolve().parents[1] / "build" / "assay"
SETTINGS = """
name: alerts
sources: {transactions: {file: tx.csv}}
event: {id: id, time: at, amount: amount}
entities: {customer: customer}
features: {amount: amount}
rules:
  LARGE: {when: amount > 900, then: review}
  HUGE: {when: amount > 980, then: decline}
alerts:
  large: {when: outcome = "review", queue: large}
  huge: {when: outcome = "decline", queue: urgent, priority: amount}
model: {kind: none}
outcomes: [approve, review, decline]
"""
QUERIES = {
    "first page": "/v1/alerts",
    "page of 500": "/v1/alerts?limit=500",
    "oldest first": "/v1/alerts?sort=raised",
    "by amount": "/v1/alerts?sort=-amount",
    "one queue": "/v1/alerts?queue=urgent",
    "any state": "/v1/alerts?state=any",
    "closed": "/v1/alerts?state=closed",
    "mine": "/v1/alerts?assignee=me",
    "one entity": "/v1/alerts?entity=customer:c777",
    "rule": "/v1/alerts?rule=HUGE",
    "a text that is nowhere": "/v1/alerts?text=nowhere",
    "an event id": "/v1/alerts?text=e7770",
    "raised in a minute": "/v1/alerts?from=2020-01-01T00:00:00Z&to=2020-01-01T00:01:00Z",
    "one alert": None,
    "cases": "/v1/cases",
}
BATCH = 50_000


def event(i, every):
    """Each `every`-th is risky, and of a customer of its own."""
    risky = i % every == 0
    customer = i // every if risky else i % 5000
    amount = 901 + i // every % 99 if risky else i % 900
    day, second = divmod(i // 12, 86400)
    at = f"2018-04-{1 + day:02}T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}Z"
    return f'{{"id":"e{i}","at":"{at}","customer":"c{customer}","amount":{amount}}}'


class Client:
    def __init__(self, port):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)

    def ask(self, method, path, body=None, kind="application/json"):
        self.connection.request(method, path, body, {"Content-Type": kind} if body else {})
        answer = self.connection.getresponse()
        text = answer.read()
        assert answer.status < 300, (path, answer.status, text[:300])
        return text


def main():
    decisions, alerts = (int(a) for a in (sys.argv[1:] + ["1000000", "100000"][len(sys.argv) - 1 :]))
    every = decisions // alerts
    with tempfile.TemporaryDirectory(prefix="assay-alerts-") as folder:
        folder = pathlib.Path(folder)
        (folder / "assay.yaml").write_text(SETTINGS)
        (folder / "tx.csv").write_text("id,at,customer,amount\nh,2018-03-01T00:00:00Z,c1,1.5\n")
        server = subprocess.Popen([ASSAY, "serve", "--port", "0", "--json"], cwd=folder, stdout=subprocess.PIPE, text=True)
        try:
            client = Client(json.loads(server.stdout.readline())["port"])
            started = time.monotonic()
            for first in range(0, decisions, BATCH):
                lines = "\n".join(event(i, every) for i in range(first, min(first + BATCH, decisions)))
                client.ask("POST", "/v1/decisions:batch", lines, "application/x-ndjson")
            decided = time.monotonic() - started
            while json.loads(client.ask("GET", "/readyz"))["store_lag"] > 0:
                time.sleep(0.2)
            print(f"{decisions} decisions in {decided:.1f} s, in the store after {time.monotonic() - started:.1f} s")
            page = json.loads(client.ask("GET", "/v1/alerts?limit=500&sort=raised"))
            ids = [a["id"] for a in page["alerts"]]
            print("open:", page["queues"])
            begun = time.monotonic()
            client.ask("POST", "/v1/alerts:bulk", json.dumps({"alerts": ids[:200], "action": "close", "disposition": "false_positive"}))
            print(f"closing 200 at once: {1e3 * (time.monotonic() - begun):.1f} ms")
            begun = time.monotonic()
            for i in range(20):
                client.ask("POST", f"/v1/alerts/{ids[300 + i]}:claim", "{}")
            print(f"claiming one: {1e3 * (time.monotonic() - begun) / 20:.1f} ms")
            client.ask("POST", "/v1/cases", json.dumps({"title": "bench", "alerts": ids[400:450]}))
            worst = 0
            for name, path in QUERIES.items():
                times = []
                for _ in range(20):
                    begun = time.monotonic()
                    client.ask("GET", path or f"/v1/alerts/{ids[3]}")
                    times.append(1e3 * (time.monotonic() - begun))
                worst = max(worst, statistics.median(times))
                print(f"{name:24} {statistics.median(times):8.1f} {max(times):8.1f} ms")
            print(f"the slowest in the median: {worst:.1f} ms")
        finally:
            server.terminate()
            server.wait(60)


if __name__ == "__main__":
    main()
