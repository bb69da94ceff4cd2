"""Decisions past their deadline, explanations past their budget: answered, recorded, replayed to the bit."""

import http.client
import json
import subprocess
import threading
import time

import pytest
from test_reasons import SETTINGS as MODEL_SETTINGS, trained  # noqa: F401
from test_serve import HISTORY, SETTINGS, Server, event

DEADLINE_S = 0.4


@pytest.fixture
def server(binary, tmp_path):
    (tmp_path / "tx.csv").write_text(HISTORY)
    (tmp_path / "assay.yaml").write_text(
        SETTINGS.replace(
            "decision: {review: 300, decline: 800}",
            f"decision: {{review: 300, decline: 800, deadline_ms: {int(DEADLINE_S * 1000)},\n"
            "           fallback: {outcome: review, reason: STOOD_IN}}",
        )
    )
    server = Server(binary, tmp_path)
    yield server
    server.stop()
    server.errors.close()


def replay(binary, folder):
    done = subprocess.run([binary, "replay", "--json", "-q"], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def decide_late(server, body, query=""):
    """The head comes, and the body only past the deadline."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    bytes_ = json.dumps(body).encode()
    connection.putrequest("POST", "/v1/decisions" + query)
    connection.putheader("Content-Type", "application/json")
    connection.putheader("Content-Length", str(len(bytes_)))
    connection.endheaders()
    time.sleep(DEADLINE_S * 1.5)
    connection.send(bytes_)
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    return answer.status, json.loads(text)


def test_past_the_deadline_the_fallback_is_the_decision(binary, server):
    in_time = server.decide(event("t1", customer="late"))[1]
    assert in_time["outcome"] == "approve" and "fallback" not in in_time and "fallback" not in in_time["flags"]
    status, late = decide_late(server, event("t2", customer="late"))
    assert status == 200
    assert late["outcome"] == "review" and late["fallback"] == "STOOD_IN" and "fallback" in late["flags"]

    # What it would have been stands beside: the caller went on by the fallback, stricter rule or not.
    declined = [server.decide(event(f"u{i}", customer="many"))[1] for i in range(3)]
    assert [d["outcome"] for d in declined] == ["approve"] * 3
    _, stricter = decide_late(server, event("u3", customer="many"))
    assert stricter["rules"] == ["MANY"] and stricter["outcome"] == "review"

    # The event counts like any other: t1, t2 and these are four within the day.
    server.decide(event("t3", customer="late"))
    assert server.decide(event("t4", customer="late"))[1]["rules"] == ["MANY"]

    # Asked again in time, it is the first answer; a dry run decides nothing and has no deadline.
    again = server.decide(event("t2", customer="late"))[1]
    assert again.pop("repeated") and again == late
    assert "fallback" not in decide_late(server, event("t9"), "?dry_run=true")[1]

    shown = server.ask("GET", "/v1/decisions/t2")[1]
    assert shown["fallback"] == "STOOD_IN" and shown["flags"] == late["flags"]
    server.wait_projected()
    rows = {r["id"]: r for r in server.ask("GET", "/v1/decisions?limit=100")[1]["decisions"]}
    assert "fallback" in rows["t2"]["flags"] and "fallback" not in rows["t1"]["flags"]
    metrics = server.ask("GET", "/metrics")[1]
    assert "\nassay_fallbacks_total 2\n" in metrics

    assert server.stop() == 0
    result = replay(binary, server.folder)
    assert result["equal"] == result["decisions"] == 8


def test_a_fallback_is_in_the_log_whatever_the_settings_are_later(binary, server):
    _, late = decide_late(server, event("t1"))
    server.stop()
    settings = server.folder / "assay.yaml"
    settings.write_text(settings.read_text().replace("reason: STOOD_IN", "reason: OTHER"))
    later = Server(binary, server.folder)
    assert later.ask("GET", "/v1/decisions/t1")[1]["fallback"] == "STOOD_IN"
    assert decide_late(later, event("t2"))[1]["fallback"] == "OTHER"
    later.stop()
    later.errors.close()
    assert replay(binary, server.folder)["equal"] == 2


def check(binary, folder, decision):
    (folder / "assay.yaml").write_text(SETTINGS.replace("decision: {review: 300, decline: 800}", decision))
    (folder / "tx.csv").write_text(HISTORY)
    return subprocess.run([binary, "check"], cwd=folder, capture_output=True, text=True)


@pytest.mark.parametrize(
    "decision, words",
    [
        ("decision: {review: 300, deadline_ms: 50}", "decision.fallback"),
        ("decision: {review: 300, deadline_ms: 50, fallback: reviev}", "review"),
        ("decision: {review: 300, fallback: {reason: X}}", "fallback"),
        ("decision: {review: 300, deadline_ms: -1, fallback: review}", "deadline_ms"),
        ("decision: {fallback: 300}", "fallback"),
    ],
)
def test_what_a_deadline_needs(binary, tmp_path, decision, words):
    done = check(binary, tmp_path, decision)
    assert done.returncode == 1 and words in done.stderr and "assay.yaml:" in done.stderr


def test_reasons_past_the_budget_are_read_later(binary, trained, tmp_path):
    (tmp_path / "tx.csv").write_text((trained / "tx.csv").read_text())
    (tmp_path / "assay.yaml").write_text(
        MODEL_SETTINGS.replace("decision: {review: 300, decline: 800}", "decision: {review: 0, explain_budget: 1}")
    )
    subprocess.run([binary, "train", "-q"], cwd=tmp_path, check=True, capture_output=True)
    server = Server(binary, tmp_path)
    lines = [
        json.dumps({"id": f"r{i}", "customer": f"c{i % 40}", "shop": f"s{i % 7}", "amount": 950 if i % 5 == 0 else 30,
                    "at": f"2025-07-09T{i // 60:02}:{i % 60:02}:00Z"})
        for i in range(300)
    ]
    status, text, _ = server.ask("POST", "/v1/decisions:batch", "\n".join(lines), "application/x-ndjson")
    assert status == 200
    answers = [json.loads(line) for line in text.splitlines()]
    assert all(a["outcome"] == "review" for a in answers)
    deferred = [a for a in answers if "deferred" in a["flags"]]
    at_once = [a for a in answers if "deferred" not in a["flags"]]
    assert deferred and at_once
    assert all(a["reasons"] == [] for a in deferred) and any(a["reasons"] for a in at_once)
    filled = 0
    for a in deferred[:40]:
        shown = server.ask("GET", f"/v1/decisions/{a['id']}")[1]
        why = server.ask("GET", f"/v1/decisions/{a['id']}/explanation")[1]
        raising = [f for f in why["features"] if f["contribution"] is not None and f["contribution"] > 0][:5]
        assert [(r["feature"], r["contribution"]) for r in shown["reasons"]] == [
            (f["feature"], f["contribution"]) for f in raising
        ]
        assert "deferred" in shown["flags"]
        filled += len(shown["reasons"])
    assert filled > 0
    for a in at_once[:5]:
        assert [r["feature"] for r in server.ask("GET", f"/v1/decisions/{a['id']}")[1]["reasons"]] == [
            r["feature"] for r in a["reasons"]
        ]
    metrics = server.ask("GET", "/metrics")[1]
    assert f"\nassay_explanations_deferred_total {len(deferred)}\n" in metrics
    server.stop()
    server.errors.close()
    result = replay(binary, tmp_path)
    assert result["equal"] == result["decisions"] == 300


def test_under_load_each_answer_is_in_time_or_the_fallback(binary, trained, tmp_path):
    """All explained, lists changed and pages read beside, a deadline that bites: each answer is by the model within the deadline or
    the fallback, marked; what is stored and what is replayed is what was answered."""
    (tmp_path / "tx.csv").write_text((trained / "tx.csv").read_text())
    (tmp_path / "assay.yaml").write_text(
        MODEL_SETTINGS.replace("decision: {review: 300, decline: 800}",
                               "decision: {review: 0, decline: 800, deadline_ms: 4, fallback: {outcome: decline, reason: STOOD_IN}}")
        + "lists: {blocked: {type: text}}\n"
    )
    subprocess.run([binary, "train", "-q"], cwd=tmp_path, check=True, capture_output=True)
    server = Server(binary, tmp_path)
    answers, failures, stop = {}, [], threading.Event()

    def one(i, k):
        return {"id": f"{i}-{k}", "customer": f"c{(i + k) % 40}", "shop": f"s{k % 7}", "amount": 950 if k % 5 == 0 else 30,
                "at": f"2025-07-09T{k // 60 % 24:02}:{k % 60:02}:00Z"}

    def single(i):
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        for k in range(150):
            connection.request("POST", "/v1/decisions?explain=true&stages=true", json.dumps(one(i, k)), {"Content-Type": "application/json"})
            answer = connection.getresponse()
            body = json.loads(answer.read())
            if answer.status == 200:
                answers[body["id"]] = body
            elif answer.status not in (429, 503):
                failures.append((answer.status, body))
        connection.close()

    def stream():
        n = 0
        while not stop.is_set():
            lines = "\n".join(json.dumps(one(100 + n, k)) for k in range(200))
            status, text, _ = server.ask("POST", "/v1/decisions:batch?explain=true", lines, "application/x-ndjson")
            found = [json.loads(line) for line in text.splitlines()]
            if status != 200 or any(a.get("status", 200) not in (200, 429, 503) for a in found):
                failures.append((status, text[:200]))
                return
            answers.update({a["id"]: a for a in found if "outcome" in a})
            n += 1

    def noise():
        n = 0
        while not stop.is_set():
            server.ask("POST", "/v1/lists/blocked/entries", {"items": [{"value": f"v{n}-{i}"} for i in range(200)]})
            server.ask("GET", "/v1/decisions?limit=1000&sort=-score")
            server.ask("GET", "/v1/entities/customer/c1?limit=1000")
            n += 1

    beside = [threading.Thread(target=t) for t in (stream, stream, noise, noise)]
    singles = [threading.Thread(target=single, args=(i,)) for i in range(6)]
    for t in beside + singles:
        t.start()
    for t in singles:
        t.join()
    stop.set()
    for t in beside:
        t.join()
    assert not failures, failures[:3]
    late = {id: a for id, a in answers.items() if "fallback" in a}
    assert len(answers) > 500 and 0 < len(late) < len(answers), (len(answers), len(late))
    for a in answers.values():
        assert ("fallback" in a["flags"]) is ("fallback" in a)
        if "fallback" in a:
            assert a["outcome"] == "decline" and a["fallback"] == "STOOD_IN", a
        else:
            assert a["outcome"] == ("decline" if a["score"] >= 800 else "review"), a
    for a in list(late.values())[:60] + [a for a in answers.values() if a["id"] not in late][:60]:
        shown = server.ask("GET", f"/v1/decisions/{a['id']}")[1]
        for key in ("outcome", "score", "probability", "flags"):
            assert shown[key] == a[key], (key, a, shown)
        plain = lambda reasons: [{k: v for k, v in r.items() if k != "text"} for r in reasons]
        assert "deferred" in a["flags"] or plain(shown["reasons"]) == plain(a["reasons"])
        proof = server.ask("POST", f"/v1/decisions/{a['id']}:replay", {})[1]
        assert proof["replayed"] is not False, proof
    metrics = server.ask("GET", "/metrics")[1]
    assert f"\nassay_fallbacks_total {len(late)}\n" in metrics
    assert server.stop() == 0
    server.errors.close()
    result = replay(binary, tmp_path)
    assert result["equal"] == result["decisions"] == len(answers), result
