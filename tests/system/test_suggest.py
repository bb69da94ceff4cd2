"""assay label suggest: unlabelled events nearest to a threshold, one of each entity, the same as by sorting all scores."""

import csv
import json
import math
import pathlib
import subprocess
import sys
import time
import urllib.request

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))
from playing import Home, Server, ndjson_of  # noqa: E402

SETTINGS = """\
name: cards
sources: {transactions: t.csv}
event: {id: transaction_id, time: timestamp, amount: amount, label: {field: is_fraud, delay: 3d, absent: unknown}}
entities: {customer: customer_id, terminal: terminal_id}
features: {sum: amount, n_1d: count() by customer over 1d, risk: "coalesce(mean(label) by terminal over 7d delay 3d, 0)"}
decision: {review: 20, decline: 900}
model: {kind: logistic}
"""


@pytest.fixture
def scored(binary, run, write, tmp_path):
    """The unlabelled rows of a file, with the probability that assay score gives each."""
    subprocess.run([binary, "generate", "--rows", "12000", "--days", "60", "-o", tmp_path / "all.csv"],
                   check=True, capture_output=True)
    rows = list(csv.DictReader(open(tmp_path / "all.csv")))
    for name, part in (("t.csv", rows[:9000]), ("new.csv", rows[9000:])):
        with open(tmp_path / name, "w", newline="") as f:
            out = csv.DictWriter(f, rows[0])
            out.writeheader()
            for i, row in enumerate(part):
                out.writerow({**row, "is_fraud": row["is_fraud"] if name == "t.csv" or i % 5 == 0 else ""})
    write("assay.yaml", SETTINGS)
    assert run("train", "--force", "-q").exit == 0
    assert run("score", "new.csv", "-o", "out.csv").exit == 0
    probability = {r["id"]: float(r["probability"]) for r in csv.DictReader(open(tmp_path / "out.csv"))}
    new = list(csv.DictReader(open(tmp_path / "new.csv")))
    return [{**r, "p": probability[r["transaction_id"]]} for r in new if r["is_fraud"] == ""]


def ask(url, path, body=None, kind="application/json"):
    request = urllib.request.Request(url + path, data=body, headers={"Content-Type": kind})
    with urllib.request.urlopen(request) as answer:
        return answer.read().decode()


def logit(p):
    p = min(max(p, 1e-9), 1 - 1e-9)
    return math.log(p / (1 - p))


def wanted(rows, entity, thresholds, count):
    """By sorting all of them: the best of each entity, then the best of these."""
    best = {}
    for r in rows:
        d = min(abs(logit(r["p"]) - logit(t)) for t in thresholds)
        key = r[entity]
        if key not in best or d < best[key][0] - 1e-12:
            best[key] = (d, r["transaction_id"])
    return sorted(best.values())[:count]


@pytest.mark.parametrize("options,entity,thresholds", [
    ((), "customer_id", (0.02, 0.9)),
    (("--entity", "terminal", "--at", "0.1"), "terminal_id", (0.1,)),
])
def test_the_most_uncertain_of_each_entity(run, scored, options, entity, thresholds):
    r = run("label", "suggest", "new.csv", "-n", "25", "--json", *options)
    assert r.exit == 0, r
    told = r.json()
    assert told["unlabelled"] == len(scored) and told["rows"] == 3000
    assert len({e["entity"] for e in told["events"]}) == len(told["events"]) == 25
    unlabelled = {s["transaction_id"] for s in scored}
    assert {str(e["id"]) for e in told["events"]} <= unlabelled
    distances = [e["distance"] for e in told["events"]]
    assert distances == sorted(distances)
    assert distances == pytest.approx([d for d, _ in wanted(scored, entity, thresholds, 25)], abs=1e-6)


def test_what_cannot_be_suggested_is_said(run, scored):
    assert "all 9000 events have a label" in run("label", "suggest", "t.csv").stdout
    for options, text in (
        (("--entity", "nobody"), "nobody"),
        (("--at", "1"), "above 0 and below 1"),
        (("-n", "1001"), "1001"),
        (("--set", "model.kind=none"), "only a model can be uncertain"),
    ):
        r = run("label", "suggest", "new.csv", *options)
        assert r.exit in (1, 2) and text in r.stderr, r
    assert "import or suggest" in run("label", "sugest").stderr


@pytest.mark.parametrize("options,entity,thresholds", [
    ((), "customer_id", (0.02, 0.9)),
    (("--entity", "terminal", "--at", "0.1"), "terminal_id", (0.1,)),
])
def test_from_the_store_of_a_running_service(binary, run, scored, tmp_path, options, entity, thresholds):
    """Decisions of a service, some labelled there since: the same as by sorting what it answered."""
    lines = ndjson_of(tmp_path / "new.csv", tmp_path / "new.ndjson").read_text().splitlines()
    new = list(csv.DictReader(open(tmp_path / "new.csv")))
    home = Home(binary, tmp_path / "assay.yaml", tmp_path / "assay-data")
    with Server(home) as server:
        url = f"http://127.0.0.1:{server.port}"
        answers = ask(url, "/v1/decisions:batch", "\n".join(lines[:1500]).encode(), "application/x-ndjson").splitlines()
        p = {a["id"]: a["probability"] for a in map(json.loads, answers)}
        ids = [r["transaction_id"] for r in new[:1500]]
        labelled = set(ids[::7])
        body = json.dumps([{"id": i, "label": False} for i in labelled]).encode()
        assert json.loads(ask(url, "/v1/labels", body))["taken"] == len(labelled)
        until = time.monotonic() + 30
        while json.loads(ask(url, "/readyz"))["store_lag"] > 0:
            assert time.monotonic() < until
            time.sleep(0.01)
        r = run("label", "suggest", "--url", url, "-n", "15", "--json", *options)
        assert r.exit == 0, r
        wrong = run("label", "suggest", "new.csv", "--url", url)
        assert wrong.exit == 2 and "the events are the service's" in wrong.stderr, wrong
    told = r.json()
    rows = [{**k, "p": p[k["transaction_id"]]} for k in new[:1500] if k["transaction_id"] not in labelled]
    assert told["rows"] == 1500 and told["unlabelled"] == len(rows)
    distances = [e["distance"] for e in told["events"]]
    assert distances == pytest.approx([d for d, _ in wanted(rows, entity, thresholds, 15)], abs=1e-9)
    assert len({e["entity"] for e in told["events"]}) == 15
    assert not {e["id"] for e in told["events"]} & labelled
    assert run("label", "suggest", "--url", "http://127.0.0.1:1").exit == 3
