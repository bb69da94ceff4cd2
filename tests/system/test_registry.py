"""The registry: versions, champion, rollback, comparison and card by the real binary; and that a training that is
killed or finds the disk full leaves the old champion in force."""

import csv
import json
import os
import pathlib
import resource
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))
from playing import Home, Server  # noqa: E402

SETTINGS = """\
name: cards
sources: {{transactions: t.csv}}
event: {{id: transaction_id, time: timestamp, amount: amount, label: {{field: is_fraud, delay: 3d}}}}
entities: {{customer: customer_id, terminal: terminal_id}}
features:
  sum: {amount}
  n_1d: count() by customer over 1d
  risk_7d: coalesce(mean(label) by terminal over 7d delay 3d, 0)
model: {{kind: {kind}, seed: {seed}, boost: {{trees: {trees}}}, forest: {{trees: 60}}, purpose: "Who *looks* <first>"}}
models:
  steep: {{kind: logistic, resample: {{kind: under, ratio: 0.5}}}}
"""
USUAL = {"amount": "amount", "kind": "boost", "seed": 1, "trees": 20}
NOISE = """\
name: noise
sources: {transactions: noise.csv}
event: {id: id, time: time, label: {field: fraud, delay: 1d}}
features: {x: x}
model: {kind: logistic, validate: {by: stratified}}
models: {other: {kind: logistic, balance: weights}}
"""


@pytest.fixture(scope="module")
def cards(binary, tmp_path_factory):
    path = tmp_path_factory.mktemp("cards") / "t.csv"
    subprocess.run([binary, "generate", "--rows", "14000", "--days", "60", "-o", path], check=True, capture_output=True)
    return path


@pytest.fixture
def train(run, write, tmp_path, cards):
    """train(seed=2): the answer of `assay train --json` with such settings."""

    def call(*options, **changes):
        if not (tmp_path / "t.csv").exists():
            (tmp_path / "t.csv").symlink_to(cards)
        write("assay.yaml", SETTINGS.format(**{**USUAL, **changes}))
        r = run("train", "--json", *options)
        assert r.exit == 0, r
        return r.json()

    return call


@pytest.fixture
def noise(run, write):
    """Labels that nothing can tell, of which no model is champion."""
    lines = ["id,time,x,fraud"]
    for i in range(1200):
        x = (i * 7919) % 1201  # nothing to do with i % 30
        lines.append(f"{i},2026-01-{1 + i // 50:02}T{i % 24:02}:00:00Z,{x},{int(i % 30 == 0)}")
    write("noise.csv", "\n".join(lines) + "\n")
    write("assay.yaml", NOISE)
    r = run("train", "--models", "all", "--json")
    assert r.exit == 0, r
    return r.json()


def champion(run):
    found = [m["id"] for m in run("model", "list", "--json").json()["models"] if "champion" in m["aliases"]]
    assert len(found) <= 1
    return found[0] if found else None


def test_the_version_says_what_changed(run, train):
    assert train()["model"]["id"] == "model@1.0.0"
    assert train()["model"]["id"] == "model@1.0.0"  # the same again is no other
    assert train(seed=2, kind="forest")["model"]["id"] == "model@1.1.0"
    assert train(seed=3, kind="forest")["model"]["id"] == "model@1.1.1"
    assert train(amount="amount * 2", kind="forest")["model"]["id"] == "model@2.0.0"
    assert champion(run) == "model@2.0.0"
    assert train()["model"]["id"] == "model@1.0.0" and champion(run) == "model@1.0.0"


def test_all_that_were_asked_for_are_there_with_their_papers(run, train, tmp_path):
    told = train("--models", "all")
    assert told["model"]["registered"] == ["model@1.0.0", "steep@1.0.0"] and told["model"]["champion"]
    for name, kind in (("model", "boost"), ("steep", "logistic")):
        folder = tmp_path / "assay-data" / "models" / name / "1.0.0"
        assert {f.name for f in folder.iterdir()} == {
            "model", "lineage.json", "metrics.json", "report.html", "card.html", "card.md"}
        shown = run("model", "show", name, "--json").json()
        lineage, metrics = shown["lineage"], shown["metrics"]
        assert lineage["kind"] == metrics["kind"] == kind
        assert lineage["sources"][0]["sha256"] == lineage["data"]["sha256"] == told["data"]["sha256"]
        assert [i["name"] for i in lineage["inputs"]] == ["sum", "n_1d", "risk_7d"]
        assert lineage["frauds"] == told["split"]["train_frauds"] + told["split"]["test_frauds"]
        assert ("boost" in lineage["recipe"]) == (kind == "boost") and "features:" in lineage["settings"]
        before, after = (metrics["training_rows"][k] for k in ("before", "after"))
        assert before["legitimate"] + before["fraud"] == told["split"]["train_rows"]
        if name == "steep":  # one fraud to two legitimate rows
            assert after["legitimate"] == 2 * after["fraud"] and after["fraud"] == before["fraud"]
        assert metrics["test"] == told["metrics"]["test" if name == "model" else name]
    assert [h["action"] for h in run("model", "show", "model", "--json").json()["history"]] == ["promote"]
    assert run("model", "show", "steep", "--json").json()["history"] == []


def test_the_card_has_its_sections_and_escapes_what_is_in_it(run, train):
    train()
    sections = ["Model details", "Intended use", "Factors", "Metrics", "Evaluation data", "Training data",
                "Quantitative analyses", "Ethical considerations", "Caveats and recommendations"]
    text = run("model", "card", "model").stdout
    assert [line[3:] for line in text.splitlines() if line.startswith("## ")] == sections
    assert "Who \\*looks\\* \\<first\\>" in text and "SHA-256" in text and "\\[" in text
    page = run("model", "card", "champion", "--format", "html").stdout
    assert all(f">{s}</h2>" in page for s in sections)
    assert "Who *looks* &lt;first&gt;" in page and "<first>" not in page and "<script" not in page
    assert "expected markdown or html" in run("model", "card", "model", "--format", "pdf").stderr


def test_compare_says_what_differences_are_worth(run, train):
    train("--models", "all")
    shown = [run("model", "show", m, "--json").json()["metrics"]["test"] for m in ("model", "steep")]
    told = run("model", "compare", "model", "steep", "--at", "0.15,0.2", "--json").json()
    assert told["same_test"] and [m["id"] for m in told["models"]] == ["model@1.0.0", "steep@1.0.0"]
    for m, test in zip(told["models"], shown):
        assert m["average_precision"] == test["average_precision"]
        assert [t["threshold"] for t in m["thresholds"]] == [0.15, 0.2]
        for t in m["thresholds"]:
            assert t["tp"] + t["fn"] == test["frauds"] and t["tp"] + t["fp"] + t["fn"] + t["tn"] == test["rows"]
            assert t["f1"] == pytest.approx(2 * t["tp"] / (2 * t["tp"] + t["fp"] + t["fn"]))
    for d in told["differences"]:
        a, b = (m[d["figure"]] for m in told["models"])
        assert d["inside_intervals"] == (a["low"] <= b["high"] and b["low"] <= a["high"]), d
    words = run("model", "compare", "model", "steep").stdout
    assert "TP FP FN TN" in words and "average precision: best " in words and "after resampling" in words
    train(seed=9, kind="forest", amount="amount + 0")
    for arguments, text in (
        (("model", "model@1.0.0", "model@2.0.0"), "stands there twice"),
        (("model",), "two to 16"),
        (("model", "stepe"), 'did you mean "steep"'),
        (("model", "steep@7.0.0"), "its newest is steep@1.0.0"),
        (("model", "steep", "--at", "0.123"), "0.123"),
        (("model", "steep", "--at", "2"), "probabilities"),
    ):
        r = run("model", "compare", *arguments)
        assert r.exit in (1, 2) and text in r.stderr, r


def test_what_is_no_better_than_chance_is_marked_and_not_put_in_force(run, noise):
    assert not noise["metrics"]["test"]["better_than_chance"] and not noise["model"]["champion"]
    assert champion(run) is None
    r = run("score", "-o", "out.csv")
    assert r.exit == 1 and "no model is champion" in r.stderr and "--force" in r.stderr, r
    r = run("model", "promote", "model")
    assert r.exit == 1 and "chance" in r.stderr and "--force" in r.stderr, r
    assert "none of them can be told from chance" in run("model", "compare", "model", "other").stdout
    assert "no better than chance" in run("model", "list").stdout
    assert "cannot be told from chance" in run("model", "card", "model").stdout
    assert run("model", "promote", "model", "--force").exit == 0
    assert run("score", "-o", "out.csv").exit == 0
    assert run("model", "show", "model", "--json").json()["history"][0]["forced"] is True


def scores(run, tmp_path):
    r = run("score", "-o", "out.csv")
    assert r.exit == 0, r
    with open(tmp_path / "out.csv", newline="") as f:
        return [row["probability"] for row in csv.DictReader(f)][:500]


def test_promote_and_rollback_change_what_scores(run, train, tmp_path):
    train()
    first = scores(run, tmp_path)
    told = train("--no-promote", trees=60)
    assert told["model"]["id"] == "model@1.1.0" and not told["model"]["champion"]
    assert scores(run, tmp_path) == first
    assert "model@1.1.0 is champion" in run("model", "promote", "model").stdout
    second = scores(run, tmp_path)
    assert second != first
    assert run("model", "rollback", "--json").json() == {"model": "model@1.0.0", "as": "champion"}
    assert scores(run, tmp_path) == first
    r = run("model", "rollback")
    assert r.exit == 1 and "no champion before" in r.stderr
    assert run("model", "promote", "model@1.1.0", "--as", "challenger").exit == 0
    assert champion(run) == "model@1.0.0"
    assert run("model", "show", "challenger", "--json").json()["id"] == "model@1.1.0"
    assert "expected champion" in run("model", "promote", "model", "--as", "boss").stderr
    history = [json.loads(h) for h in (tmp_path / "assay-data/models/history.ndjson").read_text().splitlines()]
    assert [(h["action"], h["as"], h["model"], h["before"]) for h in history] == [
        ("promote", "champion", "model@1.0.0", None),
        ("promote", "champion", "model@1.1.0", "model@1.0.0"),
        ("rollback", "champion", "model@1.0.0", "model@1.1.0"),
        ("promote", "challenger", "model@1.1.0", None),
    ]
    assert all(h["by"] and h["at"].endswith("Z") for h in history)


def ask(server, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(server.started["url"] + path, data, {"content-type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as e:
        return e.code, json.load(e)


def test_serve_decides_by_the_champion(binary, train, tmp_path):
    train()
    train("--no-promote", trees=60)
    home = Home(binary, tmp_path / "assay.yaml", tmp_path / "assay-data", "log.sync=false")
    row = next(csv.DictReader(open(tmp_path / "t.csv")))
    with Server(home, "--no-history") as server:
        def decide():
            return ask(server, "/v1/decisions?dry_run=true", {k: v for k, v in row.items() if k != "is_fraud"})[1]

        before = decide()
        status, found = ask(server, "/v1/models")
        assert status == 200 and [m["id"] for m in found["models"]] == ["model@1.0.0", "model@1.1.0"]
        status, found = ask(server, "/v1/models/champion")
        assert status == 200 and found["id"] == "model@1.0.0" and found["metrics"]["test"]["rows"] > 0
        assert ask(server, "/v1/models/nobody")[0] == 404
        assert ask(server, "/v1/models/nobody:promote", {})[0] == 404
        assert ask(server, "/v1/models/model:promote?as=boss", {})[0] == 422
        assert ask(server, "/v1/models/model:promote", {"as": "champion"})[0] == 422
        status, found = ask(server, "/v1/models/model@1.1.0:promote?by=ann", {})
        assert status == 200 and found == {"model": "model@1.1.0", "as": "champion"}
        assert decide()["plan"] == before["plan"]  # until it reloads
        assert ask(server, "/v1/settings:reload", {})[0] in (200, 202)
        after = decide()
        assert after["plan"] != before["plan"] and after["probability"] != before["probability"]
        status, found = ask(server, "/v1/models/champion")
        assert found["history"][-1]["by"] == "ann"


def test_killed_while_it_registers_leaves_the_old_champion(binary, run, train, tmp_path):
    train()
    models = tmp_path / "assay-data" / "models"
    caught = 0
    for attempt in range(9):
        process = subprocess.Popen(
            [binary, "train", "-q", "--models", "all", "--set", f"model.seed={attempt + 10}", "--set", "model.forest.trees=5",
             "--set", "model.kind=forest"],
            cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None:
            if any(models.glob("*/.new-*")):
                if attempt % 3 > 0:
                    time.sleep(0.002 * attempt)
                process.kill()
                break
        caught += process.wait() == -signal.SIGKILL
        listed = run("model", "list", "--json")
        assert listed.exit == 0, listed
        for m in listed.json()["models"]:
            assert run("model", "show", m["id"], "--json").exit == 0
            assert {"model", "card.md", "report.html"} <= {f.name for f in (models / m["name"] / m["version"]).iterdir()}
        assert champion(run) is not None
    assert caught > 0
    told = train(seed=99, kind="forest")
    assert champion(run) == told["model"]["id"]
    assert not list((models / "model").glob(".new-*"))
    assert run("score", "-o", "out.csv").exit == 0


def test_a_full_disk_leaves_the_old_champion(binary, run, train, tmp_path):
    train()

    def small_files():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (8 << 10, 8 << 10))

    done = subprocess.run([binary, "train", "--set", "model.boost.trees=100"], cwd=tmp_path, preexec_fn=small_files,
                          capture_output=True, text=True)
    assert done.returncode in (1, 3) and "cannot write" in done.stderr, done
    assert [m["id"] for m in run("model", "list", "--json").json()["models"]] == ["model@1.0.0"]
    assert champion(run) == "model@1.0.0"


def test_a_lost_model_file_comes_back_by_training_again(run, train, tmp_path):
    path = tmp_path / train()["model"]["path"]
    whole = path.read_bytes()
    path.unlink()
    r = run("score", "-o", "out.csv")
    assert r.exit == 1 and "model@" not in r.stdout and str(path.name) in r.stderr, r
    train()
    assert path.read_bytes() == whole


def test_names_that_are_no_directories_are_refused_before_learning(run, write, cards, tmp_path):
    (tmp_path / "t.csv").symlink_to(cards)
    write("assay.yaml", SETTINGS.format(**USUAL).replace("steep:", '"a/b":'))
    r = run("train", "--models", "all")
    assert r.exit == 1 and "a/b" in r.stderr and not (tmp_path / "assay-data" / "models").exists(), r


def test_a_directory_of_an_earlier_release_still_scores(run, train, tmp_path):
    path = tmp_path / train()["model"]["path"]
    first = scores(run, tmp_path)
    models = tmp_path / "assay-data" / "models"
    (models / "0123456789abcdef.model").write_bytes(path.read_bytes())
    (models / "current").write_text("0123456789abcdef")
    (models / "aliases.json").unlink()
    os.rename(models / "model", tmp_path / "away")
    assert scores(run, tmp_path) == first
