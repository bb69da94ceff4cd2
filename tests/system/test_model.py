"""assay model import and export: columns become features by name, and what does not fit is refused in words."""

import csv
import math
import pathlib
import struct
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))
from onnx_graph import Graph  # noqa: E402

GOLDEN = pathlib.Path(__file__).resolve().parents[1] / "golden" / "import"

SETTINGS = """\
name: imported
sources: {transactions: t.csv}
schema:
  - {name: id, type: text}
  - {name: time, type: time}
  - {name: sum, type: real}
  - {name: cnt, type: real}
  - {name: share, type: real}
  - {name: years, type: real}
  - {name: merchant, type: text}
  - {name: fraud, type: bool}
event: {id: id, time: time, amount: sum, label: {field: fraud, delay: 1d}}
features:
  amount: sum
  count: cnt
  ratio: share
  age: years
  shop: merchant
"""


def golden(name):
    with open(GOLDEN / f"{name}.tsv", newline="") as f:
        return list(csv.DictReader(f, delimiter="\t"))


@pytest.fixture
def events(write):
    """events("xgboost17_json"): the golden rows that an event can hold, as a file; gives them back."""

    def call(name):
        rows = []
        lines = ["id,time,sum,cnt,share,years,merchant,fraud"]
        for row in golden(name):
            if any(abs(float(row.get(c) or 0)) > 1e20 for c in ("amount", "count", "ratio", "age")):
                continue  # infinities are no values of an event
            cells = [row.get(c) or "" for c in ("amount", "count", "ratio", "age", "shop")]
            lines.append(f"{len(rows)},2026-01-01T00:{len(rows) // 60:02}:{len(rows) % 60:02}Z,{','.join(cells)},0")
            rows.append(row)
        write("t.csv", "\n".join(lines) + "\n")
        write("assay.yaml", SETTINGS)
        return rows

    return call


@pytest.mark.parametrize("name", ["xgboost17_json", "xgboost32_ubj", "lightgbm_nan", "lightgbm_category", "onnx_onehot"])
def test_imported_scores_are_the_library_s(run, events, tmp_path, name):
    rows = events(name)
    found = run("model", "import", GOLDEN / f"{name}.model", "--json")
    assert found.exit == 0, found
    assert {i["column"] for i in found.json()["data"]["imported"]["inputs"]} <= set(rows[0])
    done = run("score", "-o", "out.csv", "t.csv")
    assert done.exit == 0, done
    with open(tmp_path / "out.csv", newline="") as f:
        scored = {int(r["id"]): r for r in csv.DictReader(f)}
    assert len(scored) == len(rows) > 50
    for i, row in enumerate(rows):
        p = float(scored[i]["probability"])
        assert math.isclose(p, float(row["probability"]), abs_tol=2e-7), (i, row)


def test_columns_without_names_need_inputs(run, events):
    events("xgboost17_json")
    file = GOLDEN / "onnx_forest.model"
    bare = run("model", "import", file)
    assert bare.exit == 1 and "no names for its 4 columns" in bare.stderr and "--inputs" in bare.stderr
    few = run("model", "import", file, "--inputs", "amount,count")
    assert few.exit == 2 and "2 features for the model's 4 columns" in few.stderr
    given = run("model", "import", file, "--inputs", "age, ratio,count,amount", "--name", "forest", "--json")
    assert given.exit == 0, given
    imported = given.json()["data"]["imported"]
    assert imported["name"] == "forest"
    assert [(i["feature"], i["column"]) for i in imported["inputs"]] == [("age", "f0"), ("ratio", "f1"), ("count", "f2"), ("amount", "f3")]


@pytest.mark.parametrize(
    "arguments,words",
    [
        (["--inputs", "amonut=amount"], 'did you mean "amount"?'),
        (["--inputs", "shop=amount"], 'takes numbers, the feature "shop" is a text'),
        (["--inputs", "amount=price"], 'no column "price"'),
        (["--inputs", "amount=count"], 'the feature "amount" is given to two columns'),
        (["--inputs", "amount=count,ratio"], "either feature=column"),
        (["--iterations", "99"], "99 iterations are asked for, the model has 9"),
        (["--name", ""], "--name"),
    ],
)
def test_what_does_not_fit_is_refused(run, events, arguments, words):
    events("xgboost17_json")
    done = run("model", "import", GOLDEN / "xgboost17_json.model", *arguments)
    assert done.exit in (1, 2) and words in done.stderr, done


def test_a_file_of_nothing_known_is_refused(run, events, write):
    events("xgboost17_json")
    assert "neither XGBoost" in run("model", "import", "t.csv").stderr
    assert run("model", "import", "nowhere.json").exit != 0
    assert "model: expected card, compare" in run("model", "imprt", "t.csv").stderr
    assert run("model").exit == 2


def test_export_writes_what_import_reads(run, write, binary, tmp_path):
    assert run("generate", "--rows", "20000", "--days", "60", "-o", "t.csv").exit == 0
    settings = """\
name: cards
sources: {transactions: t.csv}
event: {id: transaction_id, time: timestamp, amount: amount, label: {field: is_fraud, delay: 3d}}
entities: {customer: customer_id, terminal: terminal_id}
features: {amount: amount, category: merchant_category, ratio: amount / mean(amount) by customer over 30d prior}
model: {kind: boost, calibrate: none}
"""
    write("assay.yaml", settings)
    assert "no model yet" in run("model", "export", "out.onnx").stderr
    assert run("train").exit == 0
    assert run("score", "-o", "own.csv", "t.csv").exit == 0
    assert run("model", "export", "--format", "onnx", "out.onnx").exit == 0
    assert "expected onnx" in run("model", "export", "--format", "pmml", "out.pmml").stderr
    again = run("model", "import", "out.onnx", "--output", "probability", "--json")
    assert again.exit == 0, again
    assert again.json()["data"]["imported"]["trees"] > 0
    assert again.json()["model"]["id"] == "out@1.0.0"
    models = {m["id"]: m for m in run("model", "list", "--json").json()["models"]}
    assert models["out@1.0.0"]["aliases"] == ["champion"] and not models["out@1.0.0"]["tested"]
    assert models["model@1.0.0"]["aliases"] == []
    card = run("model", "card", "out").stdout
    assert "taken over from another program" in card and "Unknown: the model was made by" in card
    assert run("score", "-o", "again.csv", "t.csv").exit == 0
    own, back = ([r["probability"] for r in csv.DictReader(open(tmp_path / f))] for f in ("own.csv", "again.csv"))
    assert own == back
    refused = run("model", "export", "twice.onnx")
    assert refused.exit == 1 and "the file that was imported" in refused.stderr


def test_a_linear_model_that_bends_is_exported_as_it_scores(run, write, tmp_path):
    assert run("generate", "--rows", "20000", "--days", "60", "-o", "t.csv").exit == 0
    write("assay.yaml", """\
name: cards
sources: {transactions: t.csv}
event: {id: transaction_id, time: timestamp, amount: amount, label: {field: is_fraud, delay: 3d}}
entities: {customer: customer_id, terminal: terminal_id}
features:
  amount: amount
  category: merchant_category
  ratio: amount / mean(amount) by customer over 30d prior
  usual: mean(amount) by customer over 2d prior
model: {kind: logistic, logistic: {knots: 5}, calibrate: platt}
""")
    assert run("train").exit == 0
    assert run("score", "-o", "own.csv", "t.csv").exit == 0
    assert run("features", "-o", "features.csv", "t.csv").exit == 0
    assert run("model", "export", "bent.onnx").exit == 0
    graph = Graph((tmp_path / "bent.onnx").read_bytes())
    assert sorted(graph.inputs) == ["amount", "category", "ratio", "usual"] and len(graph.constants["assay_knot"]) >= 5
    with open(tmp_path / "features.csv") as f, open(tmp_path / "own.csv") as g:
        pairs = list(zip(csv.DictReader(f), csv.DictReader(g), strict=True))
    missing = behind = 0
    for features, own in pairs[::7]:
        row = {n: features[n] if n == "category" else float(features[n] or "nan") for n in graph.inputs}
        found = graph.run(row)
        assert found["probability"][0] == pytest.approx(float(own["probability"]), abs=2e-6), row
        missing += any(v == "" for v in features.values())
        behind += max(found["assay_hinge"]) > 0
    assert missing > 50 and behind > 1000
