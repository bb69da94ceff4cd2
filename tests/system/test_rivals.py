"""Challenger and shadow: scored beside the champion, recorded, counted, replayed to the bit."""

import json
import subprocess

import pytest

from test_reasons import SETTINGS, trained  # noqa: F401
from test_serve import Server


def run(binary, folder, *arguments):
    done = subprocess.run([binary, *arguments], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def folder(binary, trained, tmp_path_factory):
    """A champion, and a linear model registered beside it."""
    to = tmp_path_factory.mktemp("rivals")
    (to / "tx.csv").write_text((trained / "tx.csv").read_text())
    (to / "assay.yaml").write_text(SETTINGS + "models: {line: {kind: logistic}}\n")
    run(binary, to, "train", "-q", "--models", "line")
    return to


def event(i):
    return {"id": f"r{i}", "customer": f"c{i % 40}", "shop": f"s{i % 7}", "amount": 950 if i % 5 == 0 else 30,
            "at": f"2025-07-09T{i // 60:02}:{i % 60:02}:00Z"}


def decided(server, numbers):
    answers = [server.decide(event(i)) for i in numbers]
    assert all(status == 200 for status, _, _ in answers)
    return [answer for _, answer, _ in answers]


def metric(server, name, model):
    text = server.ask("GET", "/metrics")[1]
    return int(next(line for line in text.splitlines() if line.startswith(f'{name}{{model="{model}"}}')).split()[1])


def live_figures(binary, folder, server, answers):
    """`model compare --live` beside the server, held against what it answered."""
    said = {who: [] for who in ("champion", "challenger", "shadow")}
    for a in answers:
        for who, told in {a["decided_by"]: a, **a["others"]}.items():
            said[who].append(told["probability"])
    label = {}  # a label's absence means legitimate here; what is taken back is not known
    for k, a in enumerate(answers):
        if k % 4 != 3:
            label[k] = int(k % 5 == 0 and k % 3 != 0)
        elif k % 8 == 3:
            label[k] = 0
            continue
        told = {"label": "fraud" if label[k] else "legit"} if k in label else {"reversal": True}
        assert server.ask("POST", "/v1/labels", {"id": a["id"], "source": "review", **told})[0] in (200, 201, 202)
    found = json.loads(run(binary, folder, "model", "compare", "--live", "--json"))["live"]
    assert (found["decisions"], found["labelled"], found["frauds"]) == (120, 105, sum(label.values()))
    assert found["other_models"] == 60 and found["incomplete"] == 0 and found["threshold"] == 0.3
    amount = [event(i)["amount"] for i in range(60, 180)]
    assert found["fraud_amount"] == sum(amount[k] for k, y in label.items() if y)
    by = {m["alias"]: m for m in found["models"]}
    assert set(by) == set(said) and sum(m["decided"] for m in by.values()) == 120
    for who, p in said.items():
        assert by[who]["alerts"] == sum(v >= 0.3 for v in p)
        tp = [k for k, y in label.items() if y and p[k] >= 0.3]
        fp = [k for k, y in label.items() if not y and p[k] >= 0.3]
        assert (by[who]["tp"], by[who]["fp"]) == (len(tp), len(fp)) and tp
        assert abs(by[who]["alert_precision"]["value"] - len(tp) / (len(tp) + len(fp))) < 1e-12
        assert abs(by[who]["value_detected"]["value"] - sum(amount[k] for k in tp) / found["fraud_amount"]) < 1e-12
        same = sum((a >= 0.3) == (b >= 0.3) for a, b in zip(p, said["champion"])) / 120
        assert abs(by[who]["same_side_as_champion"] - same) < 1e-12
        cuts = sorted({p[k] for k in label}, reverse=True)
        hits = [sum(label[k] for k in label if p[k] >= c) for c in cuts]
        seen = [sum(p[k] >= c for k in label) for c in cuts]
        ap = sum((h - g) / hits[-1] * h / n for h, g, n in zip(hits, [0, *hits], seen))
        assert abs(by[who]["average_precision"]["value"] - ap) < 1e-12
    assert by["shadow"]["average_precision"] == by["challenger"]["average_precision"]  # the same model
    words = run(binary, folder, "model", "compare", "--live")
    assert "value detected" in words and "champion" in words and "60 of other models" in words
    later = json.loads(run(binary, folder, "model", "compare", "--live", "--json", "--from", "2025-07-09T02:00:00Z"))
    assert later["live"]["decisions"] == 60
    done = subprocess.run([binary, "model", "compare", "--live", "line"], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 2 and "takes no names" in done.stderr


def test_rivals(binary, folder):
    alone = run(binary, folder, "score", "tx.csv", "-q", "-o", "-")
    server = Server(binary, folder)
    first = decided(server, range(20))
    assert all("others" not in a for a in first)
    assert "assay_shadow" not in server.ask("GET", "/metrics")[1]

    # A shadow says its own and changes nothing; it comes into force by a reload.
    run(binary, folder, "model", "promote", "line", "--as", "shadow")
    assert run(binary, folder, "score", "tx.csv", "-q", "-o", "-") == alone
    assert server.ask("POST", "/v1/settings:reload", {})[0] in (200, 202)
    run(binary, folder, "reload", "--url", f"http://127.0.0.1:{server.port}", "-q")
    shadowed = decided(server, range(20, 60))
    assert shadowed[0]["plan"] != first[0]["plan"]
    assert all(a["decided_by"] == "champion" and set(a["others"]) == {"shadow"} for a in shadowed)
    assert any(a["others"]["shadow"]["probability"] != a["probability"] for a in shadowed)
    assert metric(server, "assay_shadow_scored_total", "shadow") == 40
    assert metric(server, "assay_shadow_alerts_total", "shadow") == sum(a["others"]["shadow"]["score"] >= 300 for a in shadowed)
    agreed = sum(a["others"]["shadow"]["outcome"] == ("decline" if a["score"] >= 800 else "review" if a["score"] >= 300 else "approve")
                 for a in shadowed)
    assert metric(server, "assay_shadow_agreed_total", "shadow") == agreed
    shown = server.ask("GET", f"/v1/decisions/{shadowed[0]['id']}")[1]
    assert shown["others"] == shadowed[0]["others"]

    # A challenger decides its share of the customers, each always the same way.
    run(binary, folder, "model", "promote", "line", "--as", "challenger")
    settings = (folder / "assay.yaml").read_text()
    (folder / "assay.yaml").write_text(settings.replace("model: {kind: boost,", "model: {kind: boost, challenger: 0.5,"))
    run(binary, folder, "reload", "--url", f"http://127.0.0.1:{server.port}", "-q")
    challenged = decided(server, range(60, 180))
    by = {}
    for i, a in zip(range(60, 180), challenged):
        by.setdefault(i % 40, set()).add(a["decided_by"])
        assert set(a["others"]) == {"shadow", "challenger" if a["decided_by"] == "champion" else "champion"}
        if a["decided_by"] == "challenger":
            assert a["probability"] == a["others"]["shadow"]["probability"]  # the same model
    assert all(len(words) == 1 for words in by.values())
    share = sum("challenger" in words for words in by.values())
    assert 8 <= share <= 32
    strange = next(a for a in challenged if a["decided_by"] == "challenger" and a["score"] > 0)
    e = server.ask("GET", f"/v1/decisions/{strange['id']}/explanation")[1]
    assert e["model"]["kind"] == "logistic" and e["model"]["decided_by"] == "challenger"
    total = e["model"]["base"] + sum(f["contribution"] or 0 for f in e["features"])
    assert abs(total - e["model"]["margin"]) < 1e-9
    assert metric(server, "assay_shadow_decided_total", "challenger") == sum(a["decided_by"] == "challenger" for a in challenged)

    live_figures(binary, folder, server, challenged)
    server.process.terminate()
    assert server.process.wait() == 0
    replayed = json.loads(run(binary, folder, "replay", "--json", "-q"))
    assert replayed["decisions"] == 180 and replayed["different"] == 0

    # Without them the plan is as it was.
    (folder / "assay.yaml").write_text(settings.replace("model: {kind: boost,", "model: {rivals: false, kind: boost,"))
    server = Server(binary, folder)
    last = decided(server, range(180, 185))
    assert last[0]["plan"] == first[0]["plan"] and "others" not in last[0]
    done = subprocess.run([binary, "model", "compare", "--live"], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 1 and "champion's alone" in done.stderr
    server.process.terminate()
    assert server.process.wait() == 0
