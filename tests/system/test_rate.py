"""assay check --rate: what it says is needed against what is taken."""

import datetime
import http.client
import json
import random
import signal
import subprocess

import pytest

SETTINGS = """\
sources: {transactions: {file: t.csv}}
event: {id: id, time: at, amount: amount}
entities: {customer: customer, shop: shop}
features:
  amount: amount
  n_1d: count() by customer over 1d
  mean_5d: mean(amount) by customer over 5d
  n_2d: count() by shop over 2d
  top_5d: max(amount) by shop over 5d
model: {kind: none}
rules: {BIG: {when: amount > 900, then: review}}
outcomes: [approve, review]
decision: {review: 500}
"""
ROWS, SECONDS = 40000, 30  # an event every 30 s: about two weeks


def event(i, rng):
    at = datetime.datetime(2024, 1, 1) + datetime.timedelta(seconds=i * SECONDS)
    return {
        "id": f"event-{i:08}",
        "at": at.isoformat() + "Z",
        "customer": f"c{rng.randrange(2000)}",
        "shop": f"s{rng.randrange(100)}",
        "amount": f"{rng.randrange(100000) / 100:.2f}",
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rate")
    rng = random.Random(5)
    lines = ["id,at,customer,shop,amount"] + [",".join(event(i, rng).values()) for i in range(ROWS)]
    (folder / "t.csv").write_text("\n".join(lines) + "\n")
    (folder / "assay.yaml").write_text(SETTINGS)
    return folder


def test_memory_is_what_the_engine_takes(run, folder):
    told = run("check", "--rate", 1 / SECONDS, "--json", cwd=folder).json()
    took = run("features", "-o", "f.csv", "--json", cwd=folder).json()
    assert told["fits"] and [k["kind"] for k in told["kinds"]] == ["customer", "shop"]
    for need, state in zip(told["kinds"], took["state"], strict=True):
        assert need["kind"] == state["kind"] and state["evicted"] == 0
        assert need["entities_at_a_time"] == pytest.approx(state["entities"], rel=0.02)
        assert need["events"] == pytest.approx(state["events"], rel=0.05)
        assert need["bytes"] == pytest.approx(state["bytes"], rel=0.2)
    assert [w["reach"] for w in told["kinds"][0]["windows"]] == ["1d", "5d"]


def test_log_and_store_are_what_a_server_writes(binary, run, folder):
    told = run("check", "--rate", "1", "--json", cwd=folder).json()
    process = subprocess.Popen(
        [binary, "serve", "--port", "0", "--json", "--no-history"], cwd=folder, stdout=subprocess.PIPE, text=True
    )
    try:
        port = json.loads(process.stdout.readline())["port"]
        rng = random.Random(6)
        count = 20000
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        for first in range(0, count, 2000):
            lines = "\n".join(json.dumps(event(i, rng)) for i in range(first, first + 2000))
            connection.request("POST", "/v1/decisions:batch", lines, {"Content-Type": "application/x-ndjson"})
            answer = connection.getresponse()
            assert answer.status == 200 and answer.read().count(b"\n") == 2000
        connection.request("GET", "/metrics")
        metrics = connection.getresponse().read().decode()
        log = int(next(line for line in metrics.splitlines() if line.startswith("assay_log_bytes ")).split()[1])
        for kind in ("customer", "shop"):
            assert f'assay_entity_bytes{{kind="{kind}",level="0"}} ' in metrics
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 0
    assert log / count == pytest.approx(told["log_bytes_a_day"] / 86400, rel=0.2)
    store = sum(f.stat().st_size for f in (folder / "assay-data").rglob("*.sqlite*"))
    assert store / count == pytest.approx(told["store_bytes_a_day"] / 86400, rel=0.3)


def test_too_little_memory_is_refused(run, folder):
    r = run("check", "--rate", "5000", "--entities", "customer=5000000", "--set", "memory=64MiB", cwd=folder)
    assert r.exit == 3 and "5000 events/s need more memory" in r.stderr and "`memory` to" in r.stderr, r
    assert "customer: 5000000 entities" in r.stdout
    told = run(
        "check", "--json", "--rate", "5000", "--entities", "customer=5000000", "--set", "memory=64MiB", cwd=folder
    )
    assert told.exit == 3
    needed = json.loads(told.stdout.splitlines()[0])["memory_needed_bytes"]
    enough = f"memory={needed // 2**30 + 1}GiB"
    if needed < 60 * 2**30:
        assert run("check", "--rate", "5000", "--entities", "customer=5000000", "--set", enough, cwd=folder).exit == 0


@pytest.mark.parametrize(
    "options, words",
    [
        (["--rate", "fast"], "expected events per second"),
        (["--rate", "0"], "expected events per second"),
        (["--rate", "1", "--entities", "customers=5"], "such as customer=1000000"),
        (["--rate", "1", "--entities", "customer=many"], "expected KIND=COUNT"),
    ],
)
def test_mistakes_are_named(run, folder, options, words):
    r = run("check", *options, cwd=folder)
    assert r.exit == 2 and words in r.stderr, r
