"""The fraud lab: six and more files joined by key, eleven features as of each event, and the truth about four recipes."""

import csv
import datetime
import math
import os
import pathlib
import re
import shutil
import statistics
import subprocess

import pytest

EXAMPLE = pathlib.Path(__file__).resolve().parents[2] / "examples" / "fraud-lab" / "assay.yaml"
RECIPES = ["vote_hybrid", "boost_over", "forest_over", "vote_smote", "outliers"]
FEATURES = ["amount", "age", "balance", "hour", "weekday", "days_since_login", "count_1h", "amount_to_mean",
            "amount_rank", "amount_to_balance", "behaviour"]


@pytest.fixture
def lab(run, data, tmp_path):
    """lab("train", "--json"): the example's settings, with what it writes in the test's folder."""
    if not (data / "fraud-lab").is_dir():
        pytest.skip(f"no fraud-lab in {data}")

    def call(*arguments):
        r = run("-c", EXAMPLE, "--set", f"data_directory={tmp_path / 'lab'}", *arguments, env={"ASSAY_DATA": str(data)})
        assert r.exit == 0, r
        return r

    return call


def expected(folder):
    """The features by their definitions, quadratic and in plain Python: each row from the rows before it."""
    def table(name, key):
        return {r[key]: r for r in csv.DictReader(open(folder / name))}

    customers, accounts = table("customer_data.csv", "CustomerID"), table("account_activity.csv", "CustomerID")
    merchants = table("merchant_data.csv", "MerchantID")
    meta, categories = table("transaction_metadata.csv", "TransactionID"), table("transaction_category_labels.csv", "TransactionID")
    rows = [(datetime.datetime.fromisoformat(meta[i]["Timestamp"]), i, r["CustomerID"], float(r["Amount"]))
            for i, r in table("transaction_records.csv", "TransactionID").items()]
    rows.sort()
    out = {}
    for time, i, customer, amount in rows:
        before = [a for t, _, c, a in rows if c == customer and t < time]
        recent = [a for t, _, c, a in rows if c == customer and time - datetime.timedelta(hours=1) < t <= time]
        account = accounts[customer]
        balance = float(account["AccountBalance"])
        login = datetime.datetime.fromisoformat(account["LastLogin"])
        exact = [round(a, 6) for a in before]  # windows add up millionths
        spread = statistics.stdev(exact) if len(before) > 1 else 0
        out[i] = {
            "amount": amount,
            "age": float(customers[customer]["Age"]),
            "balance": balance,
            "hour": time.hour,
            "weekday": time.weekday(),
            "days_since_login": (time - login) / datetime.timedelta(days=1),
            "count_1h": len(recent),
            "amount_to_mean": amount / statistics.fmean(exact) if before else 0,
            "amount_rank": sum(1 if a < amount else 0.5 if a == amount else 0 for a in before) / len(before) if before else 0,
            "amount_to_balance": amount / balance,
            "behaviour": abs(amount - statistics.fmean(exact)) / spread if spread > 0 else 0,
            "spread": spread,
            "category": categories[i]["Category"],
            "location": merchants[meta[i]["MerchantID"]]["Location"],
        }
    return out


def test_features_are_those_of_plain_python(lab, data):
    want = expected(data / "fraud-lab")
    found = list(csv.DictReader(lab("features", "-o", "-").stdout.splitlines()))
    assert len(found) == 1000 and set(found[0]) == {"TransactionID", *FEATURES, "category", "location"}
    for row in found:
        w = want[row["TransactionID"]]
        assert (row["category"], row["location"]) == (w["category"], w["location"])
        for name in FEATURES:
            close = 1e-6 / w["spread"] if name == "behaviour" and w["spread"] > 0 else 1e-9  # a deviation is in millionths
            assert math.isclose(float(row[name]), w[name], rel_tol=close, abs_tol=1e-9), (row["TransactionID"], name)
    for name in ("amount_to_mean", "amount_rank", "behaviour"):  # not all of them zeros
        assert sum(float(row[name]) > 0 for row in found) > 100


def test_what_is_missing_is_as_declared(lab, run, data, tmp_path):
    """One customer, account, category and merchant taken away."""
    copy = tmp_path / "fraud-lab"
    copy.mkdir()
    for file in (data / "fraud-lab").glob("*.csv"):
        lines = file.read_text().splitlines(keepends=True)
        gone = {"customer_data.csv": "1952,", "account_activity.csv": "1952,", "merchant_data.csv": "2701,",
                "transaction_category_labels.csv": "1,"}.get(file.name)
        (copy / file.name).write_text("".join(x for x in lines if gone is None or not x.startswith(gone)))
    r = run("-c", EXAMPLE, "--set", f"data_directory={tmp_path / 'lab'}", "features", "-o", "-", env={"ASSAY_DATA": str(tmp_path)})
    assert r.exit == 0, r
    first = next(csv.DictReader(r.stdout.splitlines()))
    assert first["TransactionID"] == "1"
    assert [first[k] for k in ("age", "balance", "amount_to_balance", "days_since_login")] == ["0", "0", "0", "0"]
    assert first["category"] == first["location"] == "unknown"


def test_no_recipe_is_told_from_chance(lab, data):
    result = lab("train", "--models", "all", "--json").json()
    assert result["model"]["champion"] is False
    models = {m["name"]: m for m in result["models"]}
    figures = {**result["metrics"], result["models"][0]["name"]: result["metrics"]["test"]}
    assert set(RECIPES) <= set(models) and not any(figures[name]["better_than_chance"] for name in models)
    words = [c["words"] for c in result["checks"]]
    assert f"none of the {len(models)} models can be told from chance on held-out events" in words
    assert (result["split"]["train_rows"], result["split"]["test_rows"], result["split"]["test_frauds"]) == (800, 200, 9)
    rows = {name: (m["rows"]["legitimate"], m["rows"]["fraud"], m["resampled"]["legitimate"], m["resampled"]["fraud"], m["threshold"])
            for name, m in models.items() if name in RECIPES}
    assert rows == {
        "vote_hybrid": (764, 36, 108, 108, 0.3),  # 800 rows to 216
        "boost_over": (764, 36, 764, 509, 0.3),  # 40 % of 1,273
        "forest_over": (764, 36, 764, 764, 0.2),
        "vote_smote": (764, 36, 764, 764, 0.15),
        "outliers": (764, 36, 764, 36, 0.5),
    }
    at = {t["threshold"]: t for t in figures["outliers"]["thresholds"]}[0.5]
    assert 0 < at["tp"] + at["fp"] <= 6  # contamination 0.01 of the training rows, about so many of these
    ahead = [c["words"] for c in result["checks"] if c["words"].startswith("accounts.LastLogin ")]
    assert len(ahead) == 1 and "982 of 1000 rows" in ahead[0] and "look-ahead" in ahead[0] and "days_since_login" in ahead[0]
    for table in ("customers", "accounts", "merchants"):
        assert any(table in c["words"] and "valid_from" in c["words"] for c in result["checks"])

    compared = lab("model", "compare", *RECIPES, "--at", "0.15,0.2,0.25,0.3,0.35", "--json").json()
    assert compared["same_test"] and "on held-out rows none of them can be told from chance" in compared["findings"]
    labels = {r["TransactionID"]: r["FraudIndicator"] for r in csv.DictReader(open(data / "fraud-lab" / "fraud_indicators.csv"))}
    for m in compared["models"]:
        name = m["id"].split("@")[0]
        assert (m["after_resampling"]["legitimate"], m["after_resampling"]["fraud"]) == rows[name][2:4]
        assert [t["threshold"] for t in m["thresholds"]] == [0.15, 0.2, 0.25, 0.3, 0.35]
        for t in [m["own"], *m["thresholds"]]:
            assert t["tp"] + t["fn"] == 9 and t["fp"] + t["tn"] == 191
        assert m["own"]["threshold"] == rows[name][4]
        tp, fp, fn = (m["own"][k] for k in ("tp", "fp", "fn"))
        assert math.isclose(m["own"]["f1"], 2 * tp / (2 * tp + fp + fn), abs_tol=1e-12)
        shown = [r["probability"] for r in m["riskiest"]]
        assert len(shown) == 10 == len({r["id"] for r in m["riskiest"]}) and shown == sorted(shown, reverse=True)
        assert shown[0] == max(m["probability"][k]["max"] for k in ("legitimate", "fraud"))
        assert all(r["fraud"] == (labels[r["id"]] == "1") for r in m["riskiest"])
    words = lab("model", "compare", *RECIPES).stdout
    assert "108 + 108" in words and "none of them can be told from chance" in words


def test_the_pages_commands_run_and_five_folds_say_the_same(binary, run, data, tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "assay").symlink_to(binary)
    shutil.copy(EXAMPLE, tmp_path / "assay.yaml")
    page = re.search(r"```sh\n(.*?)```", (EXAMPLE.parent / "README.md").read_text(), re.S).group(1)
    env = {**os.environ, "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", "ASSAY_DATA": str(data)}
    done = subprocess.run(["sh", "-ec", page], cwd=tmp_path, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("No better than chance.") == 2
    assert "- on held-out rows none of them can be told from chance\n" in done.stdout
    folds = run("model", "compare", *RECIPES, "--json", env={"ASSAY_DATA": str(data)}).json()
    assert all((m["test_rows"], m["test_frauds"], m["better_than_chance"]) == (1000, 45, False) for m in folds["models"])
