"""Few labels: self-training from confident scores, and kinds that need no label. Both are measured on labelled events that no
model learned from, and beside the same without."""

import csv
import random
import subprocess

import pytest

SETTINGS = """\
name: cards
sources: {transactions: t.csv}
event: {id: transaction_id, time: timestamp, amount: amount, label: {field: is_fraud, delay: 3d, absent: %s}}
entities: {customer: customer_id, terminal: terminal_id}
features: {sum: amount, n_1d: count() by customer over 1d, ratio: amount / mean(amount) by customer over 30d prior}
model: {%s}
"""
SELF = "self_train: {rounds: 2, legit_below: 0.003, fraud_above: 0.3, max_share: 4}"


@pytest.fixture(scope="module")
def few(binary, tmp_path_factory):
    """Nine of ten labels of the first three quarters are not known."""
    folder = tmp_path_factory.mktemp("few")
    subprocess.run([binary, "generate", "--rows", "24000", "--days", "60", "-o", folder / "all.csv"], check=True)
    rng, rows = random.Random(4), list(csv.DictReader(open(folder / "all.csv")))
    for i, row in enumerate(rows[:18000]):
        if rng.random() < 0.8 and i % 2 == 0 or row["is_fraud"] in ("0", "false") and rng.random() < 0.6:
            row["is_fraud"] = ""
    with open(folder / "t.csv", "w", newline="") as f:
        out = csv.DictWriter(f, rows[0])
        out.writeheader()
        out.writerows(rows)
    return folder / "t.csv"


@pytest.fixture
def train(run, write, tmp_path, few):
    (tmp_path / "t.csv").symlink_to(few)

    def call(model, *arguments, absent="unknown", exit=0):
        write("assay.yaml", SETTINGS % (absent, model))
        r = run("train", "--force", "--json", *arguments)
        assert r.exit == exit, r
        return r.json() if exit == 0 else r.stderr

    return call


def test_self_training_counts_its_rows_and_is_held_against_the_same_without(train, tmp_path):
    found = train("kind: logistic, " + SELF)
    own, plain = found["models"][0], found["models"][-1]
    told = own["self_training"]
    assert plain["name"] == "without_self_training" and "self_training" not in plain
    assert 0 < told["rounds"] <= 2 and told["unlabelled_rows"] > 5000
    for name in ("legitimate", "fraud"):
        rows = told[name]
        assert rows["before"] == plain["rows"][name] and rows["after"] == own["rows"][name]
        assert 0 < rows["taken"] <= 4 * rows["before"]
    assert sum(plain["rows"].values()) == found["split"]["train_rows"]
    gain = told["average_precision_gain"]
    test = found["metrics"]
    assert gain["low"] <= gain["value"] <= gain["high"]
    assert gain["value"] == pytest.approx(
        test["test"]["average_precision"]["value"] - test["without_self_training"]["average_precision"]["value"]
    )
    assert told["helped"] == ("yes" if gain["low"] > 0 else "no" if gain["high"] < 0 else "unknown")
    words = [c["words"] for c in found["checks"] if "self-training took" in c["words"]]
    assert len(words) == 1 and f"of {told['unlabelled_rows']} events" in words[0]
    assert len(list((tmp_path / "assay-data" / "models").glob("*/*/model"))) == 1, "the plain one is kept too"
    # the test rows are the labelled ones, the same for both
    assert found["split"]["test_rows"] == test["without_self_training"]["rows"]


@pytest.mark.parametrize("validate", ["{by: time}", "{by: folds, folds: 3}", "{by: stratified, group: customer, share: 0.3}"])
def test_the_same_bytes_at_any_number_of_threads(run, train, tmp_path, validate):
    first = train(f"kind: boost, boost: {{trees: 15}}, conformal: 0.8, validate: {validate}, {SELF}", "--threads", "1")
    path = tmp_path / first["model"]["path"]
    content = path.read_bytes()
    path.unlink()
    r = run("train", "--force", "--json", "--threads", "3", env={"ASSAY_SIMD": "scalar"})
    assert r.json()["metrics"] == first["metrics"] and path.read_bytes() == content
    took = first["models"][0]["self_training"]
    assert (took["unlabelled_rows"] > 0) == ("folds" not in validate or "group" not in validate)


def test_thresholds_that_take_nothing_change_nothing(train):
    found = train("kind: boost, boost: {trees: 10}, self_train: {rounds: 3, legit_below: 0, fraud_above: 1}")
    told = found["models"][0]["self_training"]
    assert told["rounds"] == 0 and told["legitimate"]["taken"] == told["fraud"]["taken"] == 0
    assert told["average_precision_gain"]["value"] == 0 and told["helped"] == "unknown"
    assert found["metrics"]["test"] == found["metrics"]["without_self_training"]


def test_where_absent_means_legitimate_there_is_nothing_to_take(train):
    found = train("kind: logistic, " + SELF, absent="legit")
    assert any("no training event without a label" in c["words"] and c["warning"] for c in found["checks"])
    assert found["models"][0]["self_training"]["unlabelled_rows"] == 0


def test_isolation_learns_from_all_and_is_tested_on_labels(train):
    found = train("kind: isolation, isolation: {trees: 50}")
    own = found["models"][0]
    assert own["unlabelled_rows"] > 5000
    assert sum(own["rows"].values()) == found["split"]["train_rows"] + own["unlabelled_rows"]
    assert any("looks at none" in c["words"] for c in found["checks"])
    assert found["metrics"]["test"]["rows"] == found["split"]["test_rows"]
    other = found["models"][1]  # the logistic one beside it
    assert sum(other["rows"].values()) == found["split"]["train_rows"]


@pytest.mark.parametrize(
    "model, words",
    [
        ("kind: isolation, " + SELF, "learns from events without a label anyway"),
        ("kind: logistic, self_train: {rounds: 1, legit_below: 0.9, fraud_above: 0.2}", "less than fraud_above"),
        ("kind: logistic, self_train: {rounds: 1, max_share: 0}", "max_share"),
    ],
)
def test_wrong_settings_are_told(train, model, words):
    assert words in train(model, exit=1)
