"""Conformal sets and probability intervals: what the report says of them is what the decisions of the test rows give, they
reach every form of a decision, and without rows to rest on nothing is promised. Parity over all paths: test_parity.py."""

import csv
import json
import pathlib
import subprocess
import sys
import urllib.request

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))
from playing import Home, Server, ndjson_of  # noqa: E402

SETTINGS = """\
name: cards
sources: {transactions: t.csv}
event: {id: transaction_id, time: timestamp, amount: amount, label: {field: is_fraud, delay: 3d}}
entities: {customer: customer_id, terminal: terminal_id}
features: {sum: amount, n_1d: count() by customer over 1d, ratio: amount / mean(amount) by customer over 30d prior}
"""


@pytest.fixture(scope="module")
def cards(binary, tmp_path_factory):
    folder = tmp_path_factory.mktemp("cards")
    subprocess.run([binary, "generate", "--rows", "20000", "--days", "60", "-o", folder / "all.csv"], check=True)
    lines = (folder / "all.csv").read_text().splitlines(True)
    (folder / "t.csv").write_text("".join(lines[:-40]))
    (folder / "new.csv").write_text("".join(lines[:1] + lines[-40:]))
    return folder / "t.csv"


@pytest.fixture
def train(run, write, tmp_path, cards):
    (tmp_path / "t.csv").symlink_to(cards)

    def call(model):
        write("assay.yaml", SETTINGS + model + "\n")
        r = run("train", "--force", "--json")
        assert r.exit == 0, r
        return r.json()

    return call


def ask(server, path, body=None):
    request = urllib.request.Request(
        f"http://127.0.0.1:{server.port}{path}", data=body, headers={"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def scored(run, tmp_path):
    assert run("score", "t.csv", "-o", "o.csv").exit == 0
    return list(csv.DictReader(open(tmp_path / "o.csv")))


def test_what_is_told_of_the_test_rows_is_what_their_decisions_say(run, train, tmp_path):
    found = train("model: {kind: logistic, conformal: 0.8}")
    told = found["models"][0]["uncertainty"]
    label = {r["transaction_id"]: int(r["is_fraud"] in ("1", "true")) for r in csv.DictReader(open(tmp_path / "t.csv"))}
    rows = scored(run, tmp_path)
    test = rows[len(rows) - found["split"]["test_rows"]:]
    assert told["level"] == 0.8 and told["promised"]
    for name, word, c in (("legitimate", "legit", 0), ("fraud", "fraud", 1)):
        own = [r for r in test if label[r["id"]] == c]
        kept = told["by_class"][name]
        assert kept["rows"] == len(own) and kept["covered"] == sum(word in r["conformal"].split() for r in own)
        assert kept["coverage"]["low"] < kept["coverage"]["value"] < kept["coverage"]["high"] <= 1
        for r in rows:
            assert (word in r["conformal"].split()) == (float(r["p_" + word]) > 1 - 0.8 + 1e-12)
    assert all(0 <= float(r["low"]) < float(r["high"]) <= 1 for r in rows)
    assert told["mean_interval_width"] == pytest.approx(sum(float(r["high"]) - float(r["low"]) for r in test) / len(test))
    assert sum(told["sets"].values()) == len(test)
    metrics = json.loads(next(tmp_path.glob("assay-data/models/model/*/metrics.json")).read_text())
    assert metrics["uncertainty"] == told
    report = (tmp_path / found["model"]["report"]).read_text()
    assert "exchangeability" in report and "Uncertainty" in report


@pytest.mark.parametrize("validate", ["{by: folds, folds: 4}", "{by: stratified, share: 0.5}"])
def test_exchangeable_rows_get_what_was_promised(train, validate):
    """Drawn at random, test rows are like those that calibrate; equal margins make it more than promised. With folds no row
    is held to a promise of its own."""
    told = train("model: {kind: boost, boost: {trees: 20}, conformal: 0.9, validate: %s}" % validate)["models"][0]
    for c in told["uncertainty"]["by_class"].values():
        assert 0.9 < c["coverage"]["high"] + 0.03, c


def test_without_it_decisions_are_as_before(run, train, tmp_path):
    found = train("model: {kind: logistic}")
    assert found["models"][0]["uncertainty"] is None
    assert list(scored(run, tmp_path)[0]) == ["id", "probability", "score", "level", "outcome", "reasons"]


def test_too_few_rows_promise_nothing(run, train, tmp_path):
    found = train("model: {kind: logistic, conformal: 0.999}")
    told = found["models"][0]["uncertainty"]
    assert not told["promised"] and told["by_class"]["fraud"]["coverage"]["value"] is None
    words = [c["words"] for c in found["checks"] if c["warning"] and "nothing is promised" in c["words"]]
    assert words and "needs 1000 of each" in words[0], words
    assert "conformal" not in scored(run, tmp_path)[0]


@pytest.mark.parametrize("level", ["1", "-0.1", "often"])
def test_a_level_is_a_share(run, write, level):
    write("assay.yaml", SETTINGS + f"model: {{kind: logistic, conformal: {level}}}\n")
    r = run("check")
    assert r.exit != 0 and "conformal" in r.stderr and "assay.yaml:6" in r.stderr, r


def test_a_server_says_what_the_file_says(binary, run, train, tmp_path, cards):
    """In the answer, by the event's id, in the log; and replayed to the same bits."""
    train("model: {kind: logistic, conformal: 0.9}")
    assert run("score", cards.parent / "new.csv", "--after", "t.csv", "-o", "o.csv").exit == 0
    want = {r["id"]: r for r in csv.DictReader(open(tmp_path / "o.csv"))}
    home = Home(binary, tmp_path / "assay.yaml", tmp_path / "assay-data")
    with Server(home) as server:
        answers = [ask(server, "/v1/decisions", line) for line in ndjson_of(cards.parent / "new.csv", tmp_path / "new.ndjson").open("rb")]
        again = ask(server, f"/v1/decisions/{answers[0]['id']}")
    assert len(answers) == len(want) == 40
    for a in answers:
        r = want[a["id"]]
        assert a["interval"] == [float(r["low"]), float(r["high"])]
        assert a["conformal"] == r["conformal"].split()
        assert a["p_values"] == {"legit": float(r["p_legit"]), "fraud": float(r["p_fraud"])}
    for key in ("interval", "conformal", "p_values"):
        assert again[key] == answers[0][key]
    assert [d["p_values"] for d in home.decisions()] == [a["p_values"] for a in answers]
    assert home.replay()["decisions"] == 40
