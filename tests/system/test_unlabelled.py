"""No label at all: an isolation forest is trained, reported by what can be measured, and decides. What needs labels is refused."""

import csv
import json
import random

import pytest

SETTINGS = """\
name: meters
sources: {transactions: {file: t.csv, fields: {said: bool}}}
event: {id: id, time: time%s}
entities: {meter: meter}
features: {load: load, heat: heat, n_1d: count() by meter over 1d}
"""
MODEL = "model: {kind: isolation, isolation: {trees: 60, contamination: 0.02}%s}\n"


@pytest.fixture
def train(run, write, tmp_path):
    """One reading in fifty is far out; `is_odd` is what the settings are not told."""
    rng = random.Random(8)
    with open(tmp_path / "t.csv", "w") as f:
        f.write("id,time,meter,load,heat,said\n")
        for i in range(6000):
            odd = i % 50 == 7
            load, heat = rng.gauss(0, 1) + 6 * odd, rng.gauss(0, 1) - 6 * odd
            day, minute = divmod(i, 200)
            f.write(f"{i}{'x' * odd},2024-05-{day + 1:02}T{minute // 10:02}:{minute % 10 * 6:02}:00Z,{i % 37},{load:.3f},{heat:.3f},\n")

    def call(model, *arguments, label="", exit=0):
        write("assay.yaml", SETTINGS % label + model)
        r = run("train", *arguments)
        assert r.exit == exit, r
        return r

    return call


@pytest.mark.parametrize("label", ["", ", label: {field: said, absent: unknown}"])
def test_it_is_reported_by_what_can_be_measured(run, train, tmp_path, label):
    found = train(MODEL % "", "--json", label=label).json()
    told = found["models"][0]["anomalies"]
    assert found["metrics"] == {"test": None}
    assert len(found["models"]) == 1 and "auc_roc" not in found["models"][0]
    assert told["rows"] == {"learned": found["split"]["train_rows"], "held_out": found["split"]["test_rows"]}
    for side in ("learned", "held_out"):
        values = [q[side] for q in told["quantiles"]]
        assert values == sorted(values) and 0 < values[0] and values[-1] < 1
    first = told["thresholds"][0]
    assert first["share"] == 0.02 and 0.005 < first["held_out_share"]["value"] < 0.04
    assert 0.7 < told["stability"]["seeds"]["rank_correlation"] < 1
    assert 0.7 < told["stability"]["halves"]["top_shared"] <= 1
    assert all(t["id"].endswith("x") and t["label"] is None for t in found["top"]["isolation"])
    assert any("no event has a label" in c["words"] and c["warning"] for c in found["checks"])
    report = (tmp_path / found["model"]["report"]).read_text()
    assert "No event has a label" in report and "Anomaly scores" in report
    for word in ("AUC ROC</", "false alarms</", "p of chance</th", "Frauds</dt>"):
        assert word not in report.split("What the words mean")[0], word
    assert found["model"]["champion"] is True
    metrics = json.loads(next(tmp_path.glob("assay-data/models/model/*/metrics.json")).read_text())
    assert metrics["test"] is None and metrics["anomalies"] == told
    card = run("model", "card", "model")
    assert card.exit == 0 and "no event had a label" in card.stdout
    assert "not tested" in run("model", "list").stdout
    assert run("score", "t.csv", "-o", "o.csv").exit == 0
    rows = list(csv.DictReader(open(tmp_path / "o.csv")))
    top = sorted(rows, key=lambda r: -float(r["probability"]))[:60]
    assert sum(r["id"].endswith("x") for r in top) > 20  # one by chance


def test_the_console_says_so_too(train):
    out = train(MODEL % "").stdout
    assert out.startswith("Cannot be judged on this data.")
    assert "AUC" not in out and "Thresholds" not in out and "with another seed" in out


def test_scores_are_no_probabilities(train):
    found = train(MODEL % "", "--set", "model.isolation.contamination=0", "--json").json()
    assert any("no probabilities" in c["words"] and c["warning"] for c in found["checks"]), found["checks"]


@pytest.mark.parametrize("validate", ["{by: folds, folds: 3}", "{by: stratified, share: 0.4, group: meter}",
                                      "{by: prequential, train: 8d, gap: 0d, test: 4d, folds: 2}"])
def test_every_split_works(run, train, tmp_path, validate):
    first = train(MODEL % f", validate: {validate}", "--json", "--threads", "1").json()
    assert first["models"][0]["anomalies"]["rows"]["held_out"] > 500
    content = (tmp_path / first["model"]["path"]).read_bytes()
    (tmp_path / first["model"]["path"]).unlink()
    again = run("train", "--json", "--threads", "3").json()
    assert again["models"] == first["models"]
    assert (tmp_path / again["model"]["path"]).read_bytes() == content


@pytest.mark.parametrize(
    "model, words",
    [
        ("model: {kind: logistic}\n", "without any, model.kind: isolation"),
        (MODEL % ", search: 3", "nothing says which options are better"),
        (MODEL % "" + "decision: {review: {f_beta: 2}}\n", "no threshold reaches a goal"),
    ],
)
def test_what_needs_labels_is_refused(train, model, words):
    assert words in train(model, exit=1).stderr


def test_other_kinds_beside_it_are_refused(train):
    models = MODEL % "" + "models: {lr: {kind: logistic}}\n"
    assert '"lr" learns from them' in train(models, "--models", "all", exit=1).stderr


def test_conformal_sets_are_not_promised(train):
    found = train(MODEL % ", conformal: 0.9", "--json").json()
    assert any("nothing is promised" in c["words"] for c in found["checks"])
    assert found["models"][0]["uncertainty"]["promised"] is False
