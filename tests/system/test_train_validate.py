"""assay train: splits, searches, thresholds and honesty checks, on small made-up data."""

import datetime
import json
import random
import re
import subprocess

import pytest

SETTINGS = """\
name: cards
sources: {transactions: t.csv}
event: {id: transaction_id, time: timestamp, amount: amount, label: {field: is_fraud, delay: 3d}}
entities: {customer: customer_id, terminal: terminal_id}
features:
  amount: amount
  ratio: amount / mean(amount) by customer over 30d prior
  risk_7d: coalesce(mean(label) by terminal over 7d delay 3d, 0)
"""
SMALL = "boost: {trees: 20}"


@pytest.fixture(scope="module")
def cards(binary, tmp_path_factory):
    path = tmp_path_factory.mktemp("cards") / "t.csv"
    subprocess.run([binary, "generate", "--rows", "20000", "--days", "60", "-o", path], check=True)
    return path


@pytest.fixture
def train(run, write, tmp_path, cards):
    def call(model, *arguments, exit=0, settings=SETTINGS):
        if not (tmp_path / "t.csv").exists():
            (tmp_path / "t.csv").symlink_to(cards)
        write("assay.yaml", settings + model + "\n")
        r = run("train", "--json", *arguments)
        assert r.exit == exit, r
        return r.json()

    return call


def model_bytes(found, folder):
    return (folder / found["model"]["path"]).read_bytes()


def words(found, warnings_only=False):
    return " | ".join(c["words"] for c in found["checks"] if c["warning"] or not warnings_only)


def test_prequential_folds_have_mean_and_deviation(train):
    windows = "{by: prequential, folds: 3, train: 20d, test: 8d, step: 8d, drop_known: customer}"
    found = train(f"model: {{kind: boost, {SMALL}, validate: {windows}}}")
    assert [set(w) for w in found["split"]["windows"]] == 3 * [
        {"train_from", "train_until", "test_from", "test_until", "train_rows", "train_frauds", "test_rows", "test_frauds"}
    ]
    assert [m["name"] for m in found["models"]] == ["boost", "logistic"]
    for m in found["models"]:
        folds = m["folds"]
        assert folds["count"] == 3
        assert [f["rows"] for f in folds["each"]] == [w["test_rows"] for w in found["split"]["windows"]]
        values = [f["average_precision"] for f in folds["each"]]
        mean = sum(values) / 3
        assert folds["mean"]["average_precision"] == pytest.approx(mean, abs=1e-12)
        deviation = (sum((v - mean) ** 2 for v in values) / 2) ** 0.5
        assert folds["deviation"]["average_precision"] == pytest.approx(deviation, abs=1e-12)
    test = found["metrics"]["test"]
    assert found["models"][0]["folds"]["each"][0]["auc_roc"] == test["auc_roc"]["value"]  # the latest is kept


def test_a_fold_is_the_split_by_time_of_its_dates(train):
    lengths = train(f"model: {{kind: logistic, validate: {{by: prequential, folds: 2, train: 20d, test: 8d}}}}")
    w = lengths["split"]["windows"][1]
    dates = train(
        "model: {kind: logistic, validate: {by: time, train: ['%(train_from)s', '%(train_until)s'], "
        "test: ['%(test_from)s', '%(test_until)s']}}" % w
    )
    assert dates["split"]["test_rows"] == w["test_rows"]
    each = lengths["models"][0]["folds"]["each"][1]
    assert each["average_precision"] == dates["metrics"]["test"]["average_precision"]["value"]
    assert each["log_loss"] == dates["metrics"]["test"]["log_loss"]["value"]


def test_stratified_folds_are_told_one_by_one(train):
    found = train("model: {kind: logistic, validate: {by: folds, folds: 4, group: customer}}")
    folds = found["models"][0]["folds"]
    assert folds["count"] == 4 and sum(f["rows"] for f in folds["each"]) == 20000
    assert "one side" in found["split"]["by"]
    assert "learned from too" not in words(found)


def test_the_same_entity_on_both_sides_is_told(train):
    found = train("model: {kind: logistic, validate: stratified}")
    assert "are of a customer that was learned from too" in words(found)


SEARCH = "search: {trials: 4, folds: 2, over: {boost.leaves: [2, 16], boost.learning_rate: [0.02, 0.3, log]}}"


def test_a_search_is_repeatable_at_any_number_of_threads(train, tmp_path):
    model = f"model: {{kind: boost, seed: 3, {SMALL}, {SEARCH}}}"
    first = train(model, "--threads", "1")
    content = model_bytes(first, tmp_path)
    again = train(model, "--threads", "3")
    assert model_bytes(again, tmp_path) == content
    assert again["models"] == first["models"]
    search = first["models"][0]["search"]
    assert search["count"] == 4 and len(search["trials"]) == 4
    assert search["trials"][0]["values"] == {}  # the options as they are come first
    assert search["trials"][search["best"]]["mean"] == max(t["mean"] for t in search["trials"])
    assert len({json.dumps(t["values"]) for t in search["trials"]}) == 4


def test_the_values_of_the_best_trial_give_its_model(train, tmp_path):
    found = train(f"model: {{kind: boost, seed: 3, {SMALL}, {SEARCH}}}")
    search = found["models"][0]["search"]
    best = search["trials"][search["best"]]["values"]
    extra = [a for k, v in best.items() for a in ("--set", f"model.{k}={v}")]
    plain = train(f"model: {{kind: boost, seed: 3, {SMALL}}}", *extra)
    assert plain["metrics"]["test"] == found["metrics"]["test"]


def test_halving_tests_the_better_half_on_more_folds(train):
    model = "model: {kind: logistic, seed: 3, search: {method: halving, %s, folds: 3, over: {logistic.l2: [1e-6, 100, log]}}}"
    search = train(model % "trials: 6")["models"][0]["search"]
    trials = search["trials"]
    assert search["method"] == "halving"
    assert sorted(t["folds"] for t in trials) == [1, 1, 1, 2, 3, 3]
    through = [t for t in trials if t["folds"] == 3]
    assert trials[search["best"]]["mean"] == max(t["mean"] for t in through)
    assert train(model % "trials: 6", "-t", "2")["models"][0]["search"] == search
    alone = train(model % "trials: 1")["models"][0]["search"]
    assert alone["count"] == 1 and alone["trials"][0]["folds"] == 3
    timed = train(model % "time: 1s")["models"][0]["search"]
    again = train(model % f"trials: {timed['count']}")["models"][0]["search"]
    assert again["trials"] == timed["trials"] and again["best"] == timed["best"]


def test_a_search_with_a_time_says_how_many_trials_repeat_it(train):
    model = "model: {kind: logistic, seed: 3, search: {time: 1s, folds: 1, over: {logistic.l2: [1e-6, 1, log]}}}"
    timed = train(model)["models"][0]["search"]
    again = train(model.replace("time: 1s", f"trials: {timed['count']}"))["models"][0]["search"]
    assert timed["count"] > 1 and again == timed


def test_a_search_from_the_command_line(train):
    found = train(f"model: {{kind: boost, {SMALL}}}", "--search", "2")
    assert found["models"][0]["search"]["count"] == 2
    assert "search" not in found["models"][1]
    found = train(f"model: {{kind: boost, {SMALL}, validate: folds}}", "--search", "2", exit=1)
    assert "none is left to search on" in found["error"]["text"]


THRESHOLDS = """\
decision: calm
thresholds:
  calm: {review: {alerts_per_day: 5}, decline: {f_beta: 0.5}}
  strict: {review: {recall: 0.9}, decline: 999}
"""


def decisions(run, tmp_path):
    r = run("score", "t.csv", "-o", tmp_path / "scored.csv")
    assert r.exit == 0, r
    lines = (tmp_path / "scored.csv").read_text().splitlines()
    names = lines[0].split(",")
    return [dict(zip(names, line.split(","))) for line in lines[1:]]


def test_thresholds_found_in_training_decide(run, write, train, tmp_path):
    found = train(f"model: {{kind: boost, {SMALL}}}\n" + THRESHOLDS)
    model = found["models"][0]
    score = {d["outcome"]: d["score"] for d in model["decision"]}
    assert 0 < score["review"] < score["decline"]
    assert len(model["goals"]) == 3
    assert "thresholds found on training events held out from learning" in words(found)
    for d in decisions(run, tmp_path):
        s = int(d["score"])
        expected = "decline" if s >= score["decline"] else "review" if s >= score["review"] else "approve"
        assert d["outcome"] == expected
    # Another set, with the model as it is.
    write("assay.yaml", (tmp_path / "assay.yaml").read_text().replace("decision: calm", "decision: strict"))
    recall = next(g["score"] for g in model["goals"] if "recall" in g)
    assert recall < score["review"]
    assert all((d["outcome"] != "approve") == (int(d["score"]) >= recall) for d in decisions(run, tmp_path))
    # A goal that the model was not trained for.
    write("assay.yaml", (tmp_path / "assay.yaml").read_text().replace("recall: 0.9", "recall: 0.8"))
    r = run("score", "t.csv", "-o", tmp_path / "scored.csv")
    assert r.exit == 1 and "thresholds.strict.review" in r.stderr and "assay train" in r.stderr, r


def test_thresholds_are_not_found_on_test_rows(train, tmp_path, cards):
    """Other answers in the test part change the figures and not the thresholds."""
    model = f"model: {{kind: boost, {SMALL}, validate: {{by: time, share: 0.3}}}}\n" + THRESHOLDS
    features = SETTINGS.replace("  risk_7d: coalesce(mean(label) by terminal over 7d delay 3d, 0)\n", "")
    first = train(model, settings=features)
    lines = cards.read_text().splitlines()
    at = lines[0].split(",").index("is_fraud")
    changed = int(len(lines) * 0.72)
    for i in range(changed, len(lines), 40):
        cells = lines[i].split(",")
        cells[at] = "1"
        lines[i] = ",".join(cells)
    (tmp_path / "t.csv").unlink()
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n")
    second = train(model, settings=features)
    assert second["models"][0]["goals"] == first["models"][0]["goals"]
    assert second["metrics"]["test"]["average_precision"] != first["metrics"]["test"]["average_precision"]


# ---- honesty


@pytest.fixture
def made(write):
    """2,000 payments whose answers nothing explains, and customers with a login that lies ahead."""
    r = random.Random(5)
    start = datetime.datetime(2024, 1, 1)
    rows, logins = ["id,at,customer,amount,is_fraud"], ["customer,last_login,visits"]
    for i in range(2000):
        at = start + datetime.timedelta(minutes=30 * i)
        rows.append(f"{i},{at:%Y-%m-%dT%H:%M:%SZ},c{r.randrange(200)},{r.randrange(1, 100)},{int(r.random() < 0.05)}")
    for c in range(200):
        logins.append(f"c{c},{start + datetime.timedelta(days=60 if c < 190 else -1):%Y-%m-%dT%H:%M:%SZ},{c}")
    write("made.csv", "\n".join(rows) + "\n")
    write("customers.csv", "\n".join(logins) + "\n")
    return rows


MADE = """\
sources: {transactions: made.csv, customers: {file: customers.csv, key: customer}}
event: {id: id, time: at, amount: amount, label: is_fraud}
entities: {customer: customer}
features:
  amount: amount
  idle: days(at - customers.last_login)
"""


def test_chance_is_marked(train, made):
    found = train("model: {kind: boost, boost: {trees: 50}}", settings=MADE)
    assert found["models"][0]["better_than_chance"] is False
    assert found["metrics"]["test"]["better_than_chance"] is False
    assert "cannot be told from chance" in words(found, warnings_only=True)
    assert "on the events that it learned from the model reaches AUC" in words(found, warnings_only=True)


def test_look_ahead_is_counted(train, made):
    found = train("model: {kind: logistic}", settings=MADE)
    ahead = sum(int(line.split(",")[2][1:]) < 190 for line in made[1:])
    said = words(found, warnings_only=True)
    assert f"customers.last_login lies after the event in {ahead} of 2000 rows" in said
    assert "feature idle reads it" in said
    assert "customers: looked up without valid_from" in said


def test_copies_across_the_split_are_counted(train, write, made):
    copies = [line.replace(line.split(",")[0], str(10000 + i), 1) for i, line in enumerate(made[1:501])]
    write("made.csv", "\n".join(made + copies) + "\n")
    found = train("model: {kind: logistic, validate: {by: stratified, share: 0.5}}", settings=MADE)
    said = words(found, warnings_only=True)
    assert "the same in every field but the id" in said
    count = int(re.search(r"(\d+) of \d+ test events \([\d.]+ %\) are copies", said)[1])
    assert 180 < count < 320  # of 500 pairs half are on two sides, one of each in the test


def test_a_text_that_is_the_label_is_found_out(train, write, made):
    rows = [made[0] + ",status"] + [line + (",blocked" if line[-1] == "1" else ",fine") for line in made[1:]]
    write("made.csv", "\n".join(rows) + "\n")
    found = train("  status: status\nmodel: {kind: logistic}", settings=MADE)
    assert "feature status alone" in words(found, warnings_only=True)
    assert "feature amount alone" not in words(found)


def test_a_table_that_moves_with_the_label_is_asked_about(train, write, made):
    rare = [line[:-1] + "0" if i % 2 and line[-1] == "1" else line for i, line in enumerate(made)]
    write("made.csv", "\n".join(rare) + "\n")
    settings = MADE.replace("  idle: days(at - customers.last_login)\n", "  visits: customers.visits\n")
    frauds = {line.split(",")[2] for line in rare[1:] if line[-1] == "1"}
    table = ["customer,last_login,visits"] + [f"c{c},2023-01-01T00:00:00Z,{9 if f'c{c}' in frauds else c % 4}" for c in range(200)]
    write("customers.csv", "\n".join(table) + "\n")
    found = train("model: {kind: logistic}", settings=settings)
    said = words(found, warnings_only=True)
    assert "feature visits reads customers.visits, of a table without valid_from" in said


def test_compared_models_stand_side_by_side(run, train, write, tmp_path):
    models = (
        "model: {kind: a, seed: 4}\n"
        f"models: {{a: {{kind: boost, {SMALL}, threshold: 0.2}}, b: {{kind: logistic, resample: {{kind: over, ratio: 0.5}}}}}}"
    )
    found = train(models, "--models", "all")
    a, b = found["models"]
    assert a["threshold"] == 0.2
    assert b["resampled"]["fraud"] > b["rows"]["fraud"] == a["rows"]["fraud"]
    for m in (a, b):
        assert m["tp"] + m["fn"] == found["split"]["test_frauds"]
        assert m["tp"] + m["fp"] + m["fn"] + m["tn"] == found["split"]["test_rows"]
        assert m["precision"] == (pytest.approx(m["tp"] / (m["tp"] + m["fp"])) if m["tp"] + m["fp"] else None)
        top = found["top"][m["name"]]
        assert len(top) == 10
        assert [t["probability"] for t in top] == sorted((t["probability"] for t in top), reverse=True)
    report = (tmp_path / found["model"]["report"]).read_text()
    assert "Models at their thresholds" in report and "Highest scores among the held-out events" in report
    said = run("train", "--models", "all").stdout
    assert "after resampling" in said and "TP" in said and "mean p, fraud" in said
