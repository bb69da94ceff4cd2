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

    server.process.terminate()
    assert server.process.wait() == 0
    replayed = json.loads(run(binary, folder, "replay", "--json", "-q"))
    assert replayed["decisions"] == 180 and replayed["different"] == 0

    # Without them the plan is as it was.
    (folder / "assay.yaml").write_text(settings.replace("model: {kind: boost,", "model: {rivals: false, kind: boost,"))
    server = Server(binary, folder)
    last = decided(server, range(180, 185))
    assert last[0]["plan"] == first[0]["plan"] and "others" not in last[0]
    server.process.terminate()
    assert server.process.wait() == 0
