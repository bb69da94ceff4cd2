"""assay init: settings that hold for whatever data there are."""

import csv
import random

import pytest

DATASETS = [
    "handbook/transactions.csv.zst",
    "sparkov/transactions_2019.csv.zst",
    "sparkov/fraudTrain_head.csv",
    "sparkov/fraudTest_head.csv",
    "paysim/paysim_sample.csv.zst",
    "activity-log/logFraud.json",
    "daily-risk/finance.csv",
    "daily-risk/marketing.csv",
    "daily-risk/bank-additional-full.csv.zst",
    "fraud-lab/transaction_records.csv",
    "fraud-lab/transaction_metadata.csv",
    "fraud-lab/fraud_indicators.csv",
]


def transactions(path, header=None, rows=3000, label=True):
    """A small file of card payments over 60 days, with a twin of the label in it."""
    rng = random.Random(7)
    names = ["tx_id", "tx_time", "customer_id", "terminal_id", "amount", "channel", "is_fraud", "fraud_kind"]
    names = header or names
    with open(path, "w", newline="", encoding="utf-8") as f:
        out = csv.writer(f)
        out.writerow(names if label else names[:6])
        for i in range(rows):
            fraud = rng.random() < 0.03
            at = i * 60 * 86400 // rows
            day, second = divmod(at, 86400)
            row = [
                f"t{i:06}",
                f"2024-{3 + day // 30:02}-{1 + day % 30:02} "
                f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}",
                f"c{rng.randrange(100)}",
                f"m{rng.randrange(50)}",
                f"{rng.uniform(1, 500 if fraud else 90):.2f}",
                rng.choice(["web", "app", "pos"]),
                int(fraud),
                rng.randrange(1, 4) if fraud else 0,
            ]
            out.writerow(row if label else row[:6])


def test_the_parts_are_found_and_the_settings_hold(run, tmp_path):
    transactions(tmp_path / "t.csv")
    r = run("init", "t.csv")
    assert r.exit == 0, r
    assert "next: assay train" in r.stdout
    text = (tmp_path / "assay.yaml").read_text()
    for line in (
        "  id: tx_id ",
        "  time: tx_time ",
        "  amount: amount ",
        "    field: is_fraud ",
        "  customer: customer_id ",
        "  terminal: terminal_id ",
        "  customer_n_1d: count() by customer over 1d",
        "  customer_ratio: amount / mean(amount) by customer over 30d prior",
        "  customer_new_terminal: is_new(terminal_id) by customer",
        "  channel: channel ",
    ):
        assert line in text, line
    assert "mean(label) by terminal over 30d delay 1w" in text
    assert "\n  fraud_kind:" not in text
    assert "#   fraud_kind:" in text
    assert run("check").exit == 0


def test_what_was_found_as_json(run, tmp_path):
    transactions(tmp_path / "t.csv")
    found = run("init", "t.csv", "--json").json()
    assert found["rows"] == 3000
    assert found["label"]["field"] == "is_fraud"
    assert [e["field"] for e in found["entities"]] == ["customer_id", "terminal_id"]
    assert {"fraud_kind"} <= {f["field"] for f in found["left_out"]}
    assert all(f["why"] for f in found["inputs"] + found["left_out"] + found["entities"])


def test_a_file_that_is_there_is_kept(run, tmp_path, write):
    transactions(tmp_path / "t.csv", rows=100)
    write("assay.yaml", "mine\n")
    r = run("init", "t.csv")
    assert r.exit == 1
    assert "--force" in r.stderr
    assert (tmp_path / "assay.yaml").read_text() == "mine\n"
    assert run("init", "t.csv", "--force").exit == 0
    assert (tmp_path / "assay.yaml").read_text() != "mine\n"


def test_settings_elsewhere_find_the_data(run, tmp_path):
    (tmp_path / "sub").mkdir()
    transactions(tmp_path / "t.csv", rows=200)
    assert run("init", "t.csv", "-o", "sub/cards.yaml").exit == 0
    r = run("-c", "sub/cards.yaml", "check", "--json")
    assert r.json()["fields_checked"] is True, r


def test_without_a_label_there_is_nothing_to_train(run, tmp_path):
    transactions(tmp_path / "t.csv", label=False)
    r = run("init", "t.csv")
    assert r.exit == 0, r
    assert "next: assay check" in r.stdout
    assert "model: none" in (tmp_path / "assay.yaml").read_text()
    assert run("check").exit == 0


def test_odd_names_of_fields(run, tmp_path):
    header = [
        'Tx "Id": #1',
        "Transaction Time",
        "customer`id",
        "Terminal-ID",
        "Amount, {total}",
        "\u0e0a\u0e48\u0e2d\u0e07\u0e17\u0e32\u0e07",
        "Is Fraud",
        "- over\nby",
    ]
    transactions(tmp_path / "t.csv", header=header)
    r = run("init", "t.csv")
    assert r.exit == 0, r
    assert run("check").exit == 0, run("check")
    found = run("init", "t.csv", "--force", "--json").json()
    assert found["label"]["field"] == "Is Fraud"
    assert found["amount"]["field"] == "Amount, {total}"


@pytest.mark.parametrize(
    "content, words",
    [("", "empty"), ("a,b\n", "no rows"), ("PK\x03\x04zip", "zip")],
)
def test_files_that_are_none(run, write, content, words):
    write("t.csv", content)
    r = run("init", "t.csv")
    assert r.exit == 1, r
    assert words in r.stderr.lower(), r


def test_a_file_that_is_not_there(run):
    r = run("init", "nothing.csv")
    assert r.exit == 1
    assert "nothing.csv" in r.stderr


@pytest.mark.parametrize("name", DATASETS)
def test_public_data(run, data, name):
    path = data / name
    if not path.exists():
        pytest.skip(f"no {path}")
    r = run("init", path)
    assert r.exit == 0, r
    checked = run("check", "--json")
    assert checked.exit == 0, checked
    assert checked.json()["fields_checked"] is True
