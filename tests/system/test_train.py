"""assay train: the contract of --json, honest splits, one result at any number of threads, and the
Fraud Detection Handbook's figures where its data is there."""

import os
import pathlib
import re
import signal
import subprocess
import time
import warnings

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "handbook" / "assay.yaml"
FIGURES = ("auc_roc", "average_precision", "card_precision_at_100", "recall_at_1pct_fpr")
NAMES = "TRANSACTION_ID,TX_DATETIME,CUSTOMER_ID,TERMINAL_ID,TX_AMOUNT,CATEGORY,TX_FRAUD"

SETTINGS = """\
name: cards
sources: {transactions: t.csv}
event: {id: transaction_id, time: timestamp, amount: amount, label: {field: is_fraud, delay: 3d}}
entities: {customer: customer_id, terminal: terminal_id}
features:
  amount: amount
  category: merchant_category
  n_1d: count() by customer over 1d
  ratio: amount / mean(amount) by customer over 30d prior
  risk_7d: coalesce(mean(label) by terminal over 7d delay 3d, 0)
"""


@pytest.fixture(scope="module")
def cards(binary, tmp_path_factory):
    path = tmp_path_factory.mktemp("cards") / "t.csv"
    subprocess.run([binary, "generate", "--rows", "30000", "--days", "60", "-o", path], check=True)
    return path


@pytest.fixture
def train(run, write, tmp_path, cards):
    """train("model: ...", "--threads", "1"): the answer of `assay train --json`."""

    def call(model, *arguments, exit=0):
        if not (tmp_path / "t.csv").exists():
            (tmp_path / "t.csv").symlink_to(cards)
        write("assay.yaml", SETTINGS + model + "\n")
        r = run("train", "--json", *arguments)
        assert r.exit == exit, r
        assert r.stderr == "" or exit != 0, r
        return r.json()

    return call


def check_contract(found, folder):
    for figure in FIGURES:
        f = found["metrics"]["test"][figure]
        assert 0 <= f["low"] <= f["value"] <= f["high"] <= 1, (figure, f)
    model = folder / found["model"]["path"]
    report = (folder / found["model"]["report"]).read_text()
    assert model.stat().st_size > 100
    assert report.startswith("<!doctype html>") or report.startswith("<!DOCTYPE html>")
    loads = re.findall(r"""(?:src|href)\s*=\s*["']?(?!#|data:)([^"'\s>]+)|url\((?!['"]?data:)|@import""", report)
    assert not loads, f"the report is not self-contained: {loads}"
    assert "<script src" not in report
    return model


def test_the_contract_of_json(train, tmp_path):
    found = train("model: {kind: boost}")
    check_contract(found, tmp_path)
    assert found["data"]["rows"] == 30000
    assert found["data"]["rejected"] == found["data"]["repeated"] == found["data"]["conflicting"] == 0
    assert re.fullmatch("[0-9a-f]{64}", found["data"]["sha256"])
    split = found["split"]
    assert split["train_rows"] > split["test_rows"] > 0
    assert split["train_frauds"] > 0 and split["test_frauds"] > 0
    assert set(found["seconds"]) == {"read", "features", "fit", "folds", "evaluate", "all"}
    assert found["metrics"]["test"]["auc_roc"]["value"] > 0.8
    assert "logistic" in found["metrics"]


@pytest.mark.parametrize("kind", ["boost", "logistic", "net, net: {epochs: 8, patience: 2}"])
def test_one_model_at_any_number_of_threads_and_any_level(run, train, tmp_path, kind):
    model = f"model: {{kind: {kind}, seed: 5}}"
    first = train(model, "--threads", "1")
    path = tmp_path / first["model"]["path"]
    content = path.read_bytes()
    path.unlink()
    for arguments, env in ((("--threads", "2"), {}), (("--threads", "3"), {"ASSAY_SIMD": "scalar"})):
        r = run("train", "--json", *arguments, env=env)
        assert r.exit == 0, r
        again = r.json()
        assert (tmp_path / again["model"]["path"]).read_bytes() == content
        assert again["metrics"] == first["metrics"]


@pytest.mark.parametrize("share", [0.2, 0.25])
def test_a_stratified_split_has_its_shares(train, tmp_path, share):
    found = train(f"model: {{kind: logistic, validate: {{by: stratified, share: {share}}}}}")
    check_contract(found, tmp_path)
    split = found["split"]
    rows, frauds = (split["train_" + k] + split["test_" + k] for k in ("rows", "frauds"))
    assert rows == 30000
    assert abs(split["test_rows"] - share * rows) <= 1
    assert abs(split["test_frauds"] - share * frauds) <= 1
    assert any("drawn at random" in c["words"] and c["warning"] for c in found["checks"])


def test_folds_test_every_row_once(train, tmp_path):
    found = train("model: {kind: logistic, validate: {by: folds, folds: 4}}")
    check_contract(found, tmp_path)
    assert found["split"]["train_rows"] == found["split"]["test_rows"] == 30000


def test_a_seed_moves_the_split_and_nothing_else(train):
    model = "model: {kind: logistic, seed: %d, validate: {by: stratified, share: 0.2}}"
    one, two = train(model % 1), train(model % 2)
    assert one["split"]["test_frauds"] == two["split"]["test_frauds"]
    assert one["metrics"]["test"] != two["metrics"]["test"]


def test_early_stopping_and_monotone_inputs_come_from_the_settings(binary, train, tmp_path):
    """The report tells how many trees there were at the best of the last rows, which here have 81 frauds."""
    subprocess.run([binary, "generate", "--rows", "60000", "--days", "60", "-o", tmp_path / "t.csv"], check=True)
    options = "trees: 150, learning_rate: 0.3, patience: 15"
    metrics = []
    for bound in ("", ", monotone: {n_1d: -1}"):
        recipe = "kind: boost, calibrate: none, validate: {by: folds, folds: 2}"
        found = train("model: {%s, boost: {%s%s}}" % (recipe, options, bound))
        report = (tmp_path / found["model"]["report"]).read_text()
        assert 0 < int(re.search(r"(\d+) trees of at most", report)[1]) < 150
        assert ("1 monotone input" in report) == (bound != "")
        metrics.append(found["metrics"]["test"])
    assert metrics[0] != metrics[1]


@pytest.mark.parametrize(
    "bound, words",
    [
        ("n_2d: 1", ("n_2d", 'did you mean "n_1d"')),
        ("category: 1", ("category", "neither rises nor falls")),
        ("n_1d: 2", ("n_1d", "1")),
    ],
)
def test_bounds_that_make_no_sense_are_refused(train, bound, words):
    found = train("model: {kind: boost, boost: {monotone: {%s}}}" % bound, exit=1)
    for word in words:
        assert word in found["error"]["text"], found


def test_nothing_to_train(train):
    found = train("model: none", exit=1)
    assert "model.kind" in found["error"]["text"]


def test_a_feature_that_is_the_label_is_found_out(train, write, tmp_path, cards):
    rows = cards.read_text().splitlines()
    path = tmp_path / "t.csv"
    path.write_text("\n".join([rows[0] + ",twin"] + [f"{r},{r[-1]}" for r in rows[1:]]) + "\n")
    found = train("  twin: twin\nmodel: {kind: logistic}")
    assert any("feature twin alone" in c["words"] and c["warning"] for c in found["checks"]), found["checks"]


def test_ctrl_c_leaves_nothing_half_written(binary, train, tmp_path):
    before = train("model: {kind: logistic}")
    files = {p: p.read_bytes() for p in (tmp_path / "assay-data").rglob("*") if p.is_file()}
    process = subprocess.Popen(
        [binary, "train", "--set", "model.kind=boost", "--set", "model.boost.trees=5000"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    try:
        out, err = process.communicate(timeout=120)
    finally:
        process.kill()
    assert process.returncode == 130, (process.returncode, out, err)
    assert out == "" and err.startswith("assay: "), (out, err)
    assert {p: p.read_bytes() for p in (tmp_path / "assay-data").rglob("*") if p.is_file()} == files
    assert before["model"]["path"]


# ---- the Handbook


@pytest.fixture(scope="module")
def handbook(binary, tmp_path_factory):
    """The folder for ASSAY_DATA, and whether the data is the Handbook's own."""
    real = pathlib.Path(os.environ.get("ASSAY_DATA", ROOT.parent / "shared" / "data"))
    if (real / "handbook" / "transactions.csv.zst").exists():
        return real, True
    warnings.warn(f"no Handbook data at {real}: its settings are tried on generated data", stacklevel=1)
    folder = tmp_path_factory.mktemp("data")
    (folder / "handbook").mkdir()
    made = folder / "made.csv"
    options = ["--rows", "200000", "--days", "150", "--start", "2018-04-01"]
    subprocess.run([binary, "generate", *options, "-o", made], check=True)
    header, rest = made.read_text().split("\n", 1)
    assert header.count(",") == NAMES.count(",")
    (folder / "handbook" / "transactions.csv.zst").write_text(NAMES + "\n" + rest)
    return folder, False


def test_the_handbook(run, handbook, tmp_path):
    folder, is_real = handbook
    env = {"ASSAY_DATA": str(folder), "ASSAY_DATA_DIRECTORY": str(tmp_path / "data")}
    r = run("-c", EXAMPLE, "train", "--json", env=env)
    assert r.exit == 0, r
    found = r.json()
    check_contract(found, tmp_path)
    if not is_real:
        assert found["metrics"]["test"]["auc_roc"]["value"] > 0.8
        return
    boost, logistic = found["metrics"]["test"], found["metrics"]["logistic"]
    split = found["split"]
    assert found["data"]["rows"] == 1754155
    assert (split["train_rows"], split["train_frauds"]) == (67240, 598)
    assert (split["test_rows"], split["test_frauds"]) == (58264, 385)
    assert logistic["auc_roc"]["value"] >= 0.868
    assert logistic["average_precision"]["value"] >= 0.60
    assert boost["auc_roc"]["value"] >= 0.87
    assert boost["average_precision"]["value"] >= 0.64
