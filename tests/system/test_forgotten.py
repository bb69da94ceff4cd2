"""What was evicted for want of memory: counted by kind, told by the next decisions of the entity, replayed alike."""

import datetime
import http.client
import json
import signal
import subprocess
import time

SETTINGS = """\
sources: {transactions: {file: t.csv}}
event: {id: id, time: at}
entities: {customer: customer, shop: shop}
features:
  n_1d: count() by customer over 1d
  often: count() by customer over 1d where (n_1d > 1)
  shop_1d: count() by shop over 10m
model: {kind: none}
outcomes: [approve, review]
decision: {review: 500}
memory: 1MiB
"""


def event(i, customer):
    at = (datetime.datetime(2024, 1, 1) + datetime.timedelta(seconds=i)).isoformat() + "Z"
    return {"id": f"e{i}", "at": at, "customer": customer, "shop": "s1"}


def batch(connection, events):
    lines = "\n".join(json.dumps(e) for e in events)
    connection.request("POST", "/v1/decisions:batch", lines, {"Content-Type": "application/x-ndjson"})
    answer = connection.getresponse()
    body = answer.read().decode()
    assert answer.status == 200, body
    return [json.loads(line) for line in body.splitlines()]


def get(connection, path):
    connection.request("GET", path)
    answer = connection.getresponse()
    return answer.read().decode()


def test_a_decision_says_what_it_lacks(binary, run, write, tmp_path):
    write("assay.yaml", SETTINGS)
    write("t.csv", "id,at,customer,shop\na,2023-12-31T00:00:00Z,nobody,s0\n")
    process = subprocess.Popen(
        [binary, "serve", "--port", "0", "--json"], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    )
    try:
        port = json.loads(process.stdout.readline())["port"]
        c = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        count = 8000
        seen = []
        for first in range(0, count, 1000):
            seen += batch(c, [event(i, f"c{i}") for i in range(first, first + 1000)])
        again = batch(c, [event(count + i, f"c{i}") for i in range(1000)])
        newest = batch(c, [event(count + 1000 + i, f"c{count - 1 - i}") for i in range(40)])
        metrics = get(c, "/metrics")
        one = json.loads(get(c, f"/v1/decisions/e{count}"))
        while json.loads(get(c, "/readyz"))["store_lag"] > 0:
            time.sleep(0.01)
        listed = json.loads(get(c, "/v1/decisions?limit=1000"))
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 0
    # The first thousand came back after their eviction; each of them says so, and so does the log's copy.
    assert all(d["forgotten"] == ["customer"] and "forgotten" in d["flags"] for d in again)
    assert one["forgotten"] == ["customer"]
    # What was never evicted seldom says so; what is held never does, nor does the one shop.
    assert sum("forgotten" in d for d in seen) < 800 and "forgotten" not in seen[0]
    # Which one goes depends on the shard's own key, so a few of the newest may have gone too.
    assert sum("forgotten" in d for d in newest) < 20
    assert any("forgotten" in d["flags"] for d in listed["decisions"]), listed["decisions"][0]
    evicted = next(s for s in metrics.splitlines() if s.startswith('assay_evicted_total{kind="customer",level="0"}'))
    assert int(evicted.split()[1]) > 1000
    assert 'assay_evicted_total{kind="shop",level="0"} 0' in metrics
    r = run("replay", "--json")
    assert r.exit == 0 and r.json()["different"] == 0, r
