"""assay backtest, POST /v1/rules:backtest, and events of the log decided again."""

import datetime
import json
import random

import pytest

from test_serve import Server

SETTINGS = """
name: backtest
sources:
  transactions: {file: tx.csv}
event: {id: id, time: at, amount: amount, label: {field: fraud, delay: 1d, absent: legit}}
entities: {customer: customer}
features:
  n_1d: count() by customer over 1d
  amount: amount
rules:
  BIG: {when: amount > 500, then: review}
  MANY: {when: n_1d > 3, then: decline}
model: {kind: none}
outcomes: [approve, review, decline]
decision: {review: 300, decline: 800}
"""

START = datetime.datetime(2026, 1, 1)


def rows(count, seed, start=START, step=2000):
    rng = random.Random(seed)
    at = start
    out = []
    for i in range(count):
        at += datetime.timedelta(seconds=rng.randrange(step))
        out.append({"id": f"{seed}-{i}", "at": at.strftime("%Y-%m-%dT%H:%M:%SZ"), "customer": f"c{rng.randrange(12)}",
                    "amount": round(rng.lognormvariate(4, 1.6), 2), "fraud": rng.choice(["", "0", "0", "1"])})
    return out


def csv(events):
    names = list(events[0])
    return "\n".join([",".join(names)] + [",".join(str(e[n]) for n in names) for e in events]) + "\n"


def seconds(event):
    return datetime.datetime.strptime(event["at"], "%Y-%m-%dT%H:%M:%SZ").timestamp()


def naive(events, when):
    """Hits of a condition over (event, events of the customer within a day before and now, mean of 7 days before)."""
    hits = []
    for i, e in enumerate(events):
        same = [x for x in events[:i + 1] if x["customer"] == e["customer"]]
        n_1d = sum(seconds(x) > seconds(e) - 86400 for x in same)
        before = [x["amount"] for x in same[:-1] if seconds(x) > seconds(e) - 7 * 86400]
        mean = sum(before) / len(before) if before else None
        if when(e, n_1d, mean):
            hits.append(e)
    return hits


@pytest.fixture
def served(binary, tmp_path):
    """A log with a history, live events, and labels that came by the API; and what is true of each event."""
    history, live = rows(400, 1), rows(150, 2, START + datetime.timedelta(days=20))
    (tmp_path / "assay.yaml").write_text(SETTINGS)
    (tmp_path / "tx.csv").write_text(csv(history))
    server = Server(binary, tmp_path)
    for e in live:
        sent = {k: v for k, v in e.items() if k != "fraud"}
        assert server.decide(sent)[0] == 200
        e["fraud"] = ""
    for e in live[:60:3]:
        e["fraud"] = "1"
        assert server.ask("POST", "/v1/labels", {"id": e["id"], "label": True, "source": "chargeback"})[0] == 200
    yield server, history + live
    server.stop()


def test_a_new_rule_over_http_is_what_a_naive_pass_counts(served):
    server, events = served
    hits = naive(events, lambda e, n, mean: mean is not None and e["amount"] > 2 * mean)
    status, job, _ = server.ask("POST", "/v1/rules:backtest", {"rules": {
        "JUMP": {"when": "amount > 2 * mean(amount) by customer over 7d prior", "then": "review"}}})
    assert status == 200 and job["state"] == "done", job
    result = job["result"]
    rule = result["rules"][0]
    assert result["events"] == len(events)
    assert rule["hits"]["events"] == len(hits) > 20
    assert rule["hits"]["fraud"] == sum(e["fraud"] == "1" for e in hits)
    assert rule["hits"]["fraud"] + rule["hits"]["legit"] + rule["hits"]["unknown"] == len(hits)
    assert rule["hits"]["amount"] == pytest.approx(sum(e["amount"] for e in hits))
    big = naive(events, lambda e, n, mean: e["amount"] > 500)
    many = naive(events, lambda e, n, mean: n > 3)
    both = [e["id"] for e in hits]
    assert rule["overlap"] == {k: v for k, v in {"BIG": sum(e["id"] in both for e in big),
                                                 "MANY": sum(e["id"] in both for e in many)}.items() if v}
    stricter = [e for e in hits if e not in big and e not in many]
    assert rule["changed"]["events"] == len(stricter)
    assert result["outcomes_before"] == {"approve": len(events) - len([e for e in events if e in big or e in many]),
                                         "review": len([e for e in big if e not in many]), "decline": len(many)}
    assert result["outcomes_after"]["approve"] == result["outcomes_before"]["approve"] - len(stricter)
    assert sum(d["hits"] for d in rule["days"]) == len(hits)
    assert [h["id"] for h in rule["newest"]] == both[::-1][:20]
    precision = rule["precision"]
    assert precision["low"] < precision["value"] < precision["high"]


def test_labels_that_came_later_count_and_days_can_be_chosen(served):
    server, events = served
    body = {"rules": {"ALL": {"when": "amount > 0", "then": "review"}}, "from": "2026-01-21T00:00:00Z"}
    _, job, _ = server.ask("POST", "/v1/rules:backtest", body)
    live = [e for e in events if e["at"] >= "2026-01-21"]
    assert job["result"]["events"] == len(live) == 150
    assert job["result"]["all"]["fraud"] == 20


def test_another_text_for_a_rule_that_is_there(served, run):
    server, events = served
    server.stop()
    was = naive(events, lambda e, n, mean: e["amount"] > 500)
    now = naive(events, lambda e, n, mean: e["amount"] > 300)
    many = naive(events, lambda e, n, mean: n > 3)
    done = run("backtest", "BIG", "--when", "amount > 300", "--then", "review", "--json")
    assert done.exit == 0, done
    result = done.json()
    rule = result["rules"][0]
    assert rule["replaces"] and rule["hits"]["events"] == len(now) and rule["before"]["events"] == len(was)
    assert rule["changed"]["events"] == len([e for e in now if e not in many])
    assert result["outcomes_before"]["review"] == len([e for e in was if e not in many])
    assert result["outcomes_after"]["review"] == len([e for e in now if e not in many])
    words = run("backtest")
    assert words.exit == 0 and "BIG" in words.stdout and "MANY" in words.stdout and "precision" in words.stdout
    assert run("replay").exit == 0  # nothing was recorded


@pytest.mark.parametrize("body, words", [
    ({}, "rules"),
    ({"rules": {}}, "rules"),
    ({"rules": {"X": {"when": "amount > 1"}}}, "rules.X.then"),
    ({"rules": {"X": {"when": "amount >", "then": "review"}}}, "rules.X.when: 1:"),
    ({"rules": {"X": {"when": "amont > 1", "then": "review"}}}, "did you mean amount?"),
    ({"rules": {"X": {"when": "amount > 1", "then": "reviw"}}}, "no outcome"),
    ({"rules": {"X": {"when": "amount + 1", "then": "review"}}}, "bool"),
    ({"rules": {"X": {"when": "amount > 1", "then": "review"}}, "from": "soon"}, "from: expected a time"),
    ({"rules": {"X": {"when": "amount > 1", "then": "review"}}, "until": "2026"}, "expected rules, from or to"),
    ({"rules": {f"R{i}": {"when": "amount > 1", "then": "review"} for i in range(40)}}, "over 32"),
])
def test_bad_requests_are_told(served, body, words):
    status, problem, _ = served[0].ask("POST", "/v1/rules:backtest", body)
    assert status == 422 and words in problem["detail"], problem


def test_events_of_the_log_are_decided_again_as_of_then(served):
    server, events = served
    for e in [events[0], events[200], events[399], events[-1]]:
        status, again, _ = server.ask("POST", f"/v1/events/{e['id']}:decide")
        assert status == 200, again
        same = [x for x in events if x["customer"] == e["customer"] and seconds(e) - 86400 < seconds(x) <= seconds(e)]
        assert again["features"] == {"n_1d": len(same), "amount": e["amount"]}
        assert again["observed"] == (e in events[:400])
        if e["id"].startswith("2-"):
            _, decided, _ = server.ask("GET", f"/v1/decisions/{e['id']}")
            assert [again[k] for k in ("outcome", "score", "rules")] == [decided[k] for k in ("outcome", "score", "rules")]
    assert server.ask("POST", "/v1/events/nobody:decide")[0] == 404
    assert server.ask("GET", f"/v1/events/{events[0]['id']}:decide")[0] == 405


def test_the_riskiest_events_come_first(served):
    server, events = served
    status, page, _ = server.ask("GET", "/v1/events?limit=7")
    assert status == 200 and len(page["events"]) == 7
    assert [e["score"] for e in page["events"]] == sorted((e["score"] for e in page["events"]), reverse=True)
    assert server.ask("GET", "/v1/events?limit=0")[0] == 400
    assert server.ask("GET", "/v1/events?from=never")[0] == 400
    _, all_of_them, _ = server.ask("GET", "/v1/events?limit=1000")
    assert {e["id"] for e in all_of_them["events"]} == {e["id"] for e in events}
    assert json.dumps(page["events"]) == json.dumps(all_of_them["events"][:7])
