"""Reasons: codes, sentences, the population and the entity's own normal; the same from server, command and log."""

import json
import math
import subprocess
import time

import pytest

from test_serve import Server

SETTINGS = """
name: test
sources:
  transactions: {file: tx.csv}
event: {id: id, time: at, amount: amount, label: {field: fraud, delay: 1h}}
entities: {customer: customer, shop: shop}
features:
  amount: amount
  n_1d: count() by customer over 1d
  shop_mean: mean(amount) by shop over 7d
  shop: shop
rules:
  BIG: {when: amount > 5000, then: decline, text: Far more than anyone pays}
reasons:
  amount: {code: R001, text: "paid {value}, usually {normal} (all {usual}), {rank} have less"}
model: {kind: boost, validate: {by: stratified, share: 0.3}, boost: {trees: 20}}
decision: {review: 300, decline: 800}
"""


@pytest.fixture(scope="module")
def trained(binary, tmp_path_factory):
    folder = tmp_path_factory.mktemp("reasons")
    rows = ["id,at,customer,shop,amount,fraud"]
    for i in range(3000):
        fraud = i % 20 == 0
        amount = 900 + i % 100 if fraud else 10 + i % 50
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(1750000000 + i * 600))
        rows.append(f"h{i},{at},c{i % 40},s{i % 7},{amount},{int(fraud)}")
    (folder / "tx.csv").write_text("\n".join(rows) + "\n")
    (folder / "assay.yaml").write_text(SETTINGS)
    subprocess.run([binary, "train", "-q"], cwd=folder, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def server(binary, trained):
    s = Server(binary, trained)
    for i in range(9):
        event = {"id": f"d{i}", "customer": "c1", "shop": "s2", "amount": 20 + i, "at": f"2025-07-08T0{i}:00:00Z"}
        assert s.decide(event)[0] == 200
    yield s
    s.process.terminate()
    s.process.wait()


def decide(server, id, **event):
    event = {"id": id, "customer": "c1", "shop": "s2", "amount": 950, "at": "2025-07-08T09:00:00Z", **event}
    status, answer, _ = server.decide(event, "?explain=true")
    assert status == 200, answer
    return answer


def explanation(server, id, before):
    """Once the store has what came before."""
    for _ in range(200):
        status, e, _ = server.ask("GET", f"/v1/decisions/{id}/explanation")
        assert status == 200, e
        own = {f["feature"]: f.get("own") for f in e["features"]}
        if own["amount"] is None or own["amount"]["n"] >= before:
            return e
        time.sleep(0.02)
    return e


def test_a_decision_is_explained(server):
    answer = decide(server, "big", amount=950)
    reason = next(r for r in answer["reasons"] if r["feature"] == "amount")
    assert reason["code"] == "R001" and reason["value"] == 950 and reason["rank"] > 0.94
    again = server.decide({"id": "big", "customer": "c1", "shop": "s2", "amount": 950, "at": "2025-07-08T09:00:00Z"})[1]
    assert again["repeated"] and again["reasons"] in (answer["reasons"], [])

    e = explanation(server, "big", 9)
    by_name = {f["feature"]: f for f in e["features"]}
    assert e["complete"] and set(by_name) == {"amount", "n_1d", "shop_mean", "shop"}
    assert math.isclose(e["model"]["base"] + sum(f["contribution"] for f in e["features"]), e["model"]["margin"], rel_tol=1e-9)
    assert by_name["amount"]["contribution"] == reason["contribution"]
    assert by_name["amount"]["own"] == {"entity": "customer", "n": 9, "median": 24, "least": 20, "most": 28, "below": 1}
    assert by_name["amount"]["text"].startswith("paid 950, usually 24 (all ")
    assert by_name["n_1d"]["own"]["median"] == 5 and by_name["n_1d"]["code"] == "N_1D"
    assert "events of this customer in 1d" in by_name["n_1d"]["text"]
    assert by_name["shop_mean"]["own"]["entity"] == "shop"
    assert by_name["shop"]["own"]["usual"] == "s2" and by_name["shop"]["own"]["same_n"] == 9
    weights = [abs(f["contribution"]) for f in e["features"]]
    assert weights == sorted(weights, reverse=True)


def test_only_the_past_of_the_same_entity_counts(server):
    decide(server, "other", customer="nobody before", amount=30)
    e = explanation(server, "other", 0)
    own = next(f for f in e["features"] if f["feature"] == "amount")
    assert own["own"]["n"] == 0 and own["text"].startswith("paid 30, usually ")
    e = explanation(server, "d4", 4)
    own = next(f["own"] for f in e["features"] if f["feature"] == "amount")
    assert own["n"] == 4 and own["most"] == 23


def test_rules_and_null_are_told(server):
    decide(server, "huge", amount=6000, shop=None)
    e = explanation(server, "huge", 9)
    assert e["rules"] == [{"rule": "BIG", "when": "amount > 5000", "then": "decline", "text": "Far more than anyone pays"}]
    shop = next(f for f in e["features"] if f["feature"] == "shop")
    assert shop["value"] is None and "missing" in shop["text"]


def test_unknown_ids_and_observed_events(server):
    assert server.ask("GET", "/v1/decisions/nothing/explanation")[0] == 404
    assert server.ask("GET", "/v1/decisions/h5/explanation")[0] == 404


def test_the_command_says_the_same(binary, server, trained):
    url = f"http://127.0.0.1:{server.port}"
    decide(server, "a/b c", amount=940)
    asked = subprocess.run([binary, "explain", "d8", "--url", url, "--json"], cwd=trained, capture_output=True, text=True)
    assert asked.returncode == 0, asked.stderr
    assert json.loads(asked.stdout)["id"] == "d8"
    words = subprocess.run([binary, "explain", "d8", "--url", url, "--all"], cwd=trained, capture_output=True, text=True)
    assert "R001" in words.stdout and "boost model: margin" in words.stdout
    gone = subprocess.run([binary, "explain", "zzz", "--url", url], cwd=trained, capture_output=True, text=True)
    assert gone.returncode != 0 and "no decision" in gone.stderr


@pytest.mark.parametrize(
    "reasons,words",
    [
        ("{nope: {code: X}}", "there is no such feature"),
        ("{amount: {text: '{what}'}}", "may stand"),
        ("{amount: {code: 'A B'}}", "letters, digits"),
        ("{amount: {code: N_1D}}", "is the code of"),
    ],
)
def test_mistakes_are_named(binary, trained, tmp_path, reasons, words):
    text = (trained / "assay.yaml").read_text()
    start, end = text.index("reasons:"), text.index("model:")
    (tmp_path / "assay.yaml").write_text(text[:start] + f"reasons: {reasons}\n" + text[end:])
    (tmp_path / "tx.csv").write_text((trained / "tx.csv").read_text())
    checked = subprocess.run([binary, "check"], cwd=tmp_path, capture_output=True, text=True)
    assert checked.returncode != 0 and words in checked.stderr + checked.stdout
