"""validate: and missing: on every path: files, HTTP one by one and in batches, tests of a user's own, the model."""

import csv
import json
import pathlib
import sys
import urllib.error
import urllib.request

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))
from playing import Home, Server  # noqa: E402

SETTINGS = """
sources: {{transactions: {{file: t.csv, rejects: {share}}}}}
event: {{id: id, time: time}}
entities: {{who: who}}
missing: {{amount: 0, place: unknown}}
validate:
  POSITIVE: {{check: amount >= 0, then: refuse}}
  HAS_WHO: {{check: who is not null, then: refuse}}
  SMALL: {{check: amount < 100, then: mark}}
  KNOWN: {{check: "place in ('home', 'shop')", then: review}}
features:
  amount: amount
  place: place
  lacks: amount is null
  sum_9d: sum(amount) by who over 9d
  places: distinct(place) by who over 9d
rules:
  MANY: {{when: sum_9d > 500, then: decline}}
model: none
"""
ROWS = [  # id, who, amount, place; what becomes of it: rules and outcome, or the refusal
    ("a", "x", "5", "home", [], "approve"),
    ("b", "x", "", "home", [], "approve"),
    ("c", "x", "-1", "home", "POSITIVE", "amount"),
    ("d", "", "7", "home", "HAS_WHO", "who"),
    ("e", "x", "150", "shop", ["SMALL"], "approve"),
    ("f", "x", "1", "pub", ["KNOWN"], "review"),
    ("g", "x", "1", "", [], "approve"),
    ("h", "x", "400", "pub", ["MANY", "SMALL", "KNOWN"], "decline"),
    ("i", "y", "-0.5", "pub", "POSITIVE", "amount"),
    ("j", "y", "2.5", "shop", [], "approve"),
]
TAKEN = [r for r in ROWS if isinstance(r[4], list)]
REFUSED = [r for r in ROWS if not isinstance(r[4], list)]


def times():
    return [f"2024-01-01T00:{i:02}:00Z" for i in range(len(ROWS))]


@pytest.fixture
def home(binary, tmp_path):
    text = "id,time,who,amount,place\n"
    text += "".join(f"{r[0]},{t},{r[1]},{r[2]},{r[3]}\n" for r, t in zip(ROWS, times()))
    (tmp_path / "t.csv").write_text(text)
    (tmp_path / "assay.yaml").write_text(SETTINGS.format(share=0.5))
    return Home(binary, tmp_path / "assay.yaml", tmp_path / "data", "log.sync=false")


def as_json(row, time):
    event = {"id": row[0], "time": time, "who": row[1], "amount": json.loads(row[2]) if row[2] else None, "place": row[3]}
    return {k: v for k, v in event.items() if v not in (None, "")}


def post(server, body, path, kind):
    request = urllib.request.Request(f"http://127.0.0.1:{server.port}{path}", body, {"Content-Type": kind})
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as e:
        return e.code, e.read()


def test_a_file_keeps_what_is_refused(home, tmp_path):
    told = json.loads(home.run("score", "-o", tmp_path / "s.csv", "--json"))
    assert told["rows"] == len(TAKEN) and told["rejected"] == len(REFUSED)
    scores = {r["id"]: r for r in csv.DictReader(open(tmp_path / "s.csv"))}
    assert {i: r["outcome"] for i, r in scores.items()} == {r[0]: r[5] for r in TAKEN}
    rejects = list(csv.DictReader(open(home.data / "rejects.csv")))
    where = {r[0]: i + 2 for i, r in enumerate(ROWS)}
    assert [(int(r["line"]), r["column"]) for r in rejects] == [(where[r[0]], r[5]) for r in REFUSED]
    assert [r["value"] for r in rejects] == ["-1", "", "-0.5"]
    assert rejects[0]["reason"] == "refused by the rule POSITIVE: amount >= 0 does not hold"


def test_json_lines_and_a_spilled_file_refuse_the_same(home, tmp_path):
    home.run("features", "-o", tmp_path / "csv.csv")
    lines = [json.dumps(as_json(r, t)) + "\n" for r, t in zip(ROWS, times())]
    (tmp_path / "t.ndjson").write_text("".join(lines))
    home.run("features", tmp_path / "t.ndjson", "-o", tmp_path / "json.csv")
    assert (tmp_path / "csv.csv").read_text() == (tmp_path / "json.csv").read_text()
    assert [int(r["line"]) for r in csv.DictReader(open(home.data / "rejects.csv"))] == [3, 4, 9]


def test_too_many_refused_is_an_error(home, tmp_path):
    (tmp_path / "assay.yaml").write_text(SETTINGS.format(share=0.2))
    told = json.loads(home.run("score", "-o", tmp_path / "s.csv", "--json", code=1))
    assert "3 of 10 rows could not be read (30.00 %" in told["error"]["text"] and "POSITIVE" in told["error"]["text"]


@pytest.mark.parametrize("batch", [False, True])
def test_http_is_the_file(home, tmp_path, batch):
    wanted = home.score(tmp_path / "t.csv")
    lines = [json.dumps(as_json(r, t)).encode() for r, t in zip(ROWS, times())]
    with Server(home, "--no-history") as server:
        if batch:
            status, body = post(server, b"\n".join(lines), "/v1/decisions:batch", "application/x-ndjson")
            answers = [json.loads(line) for line in body.splitlines()]
        else:
            answers = [json.loads(post(server, line, "/v1/decisions", "application/json")[1]) for line in lines]
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/v1/decisions/e") as found:
            assert json.load(found)["rules"] == ["SMALL"]
    for row, answer in zip(ROWS, answers):
        if isinstance(row[4], list):
            assert answer["rules"] == row[4] and answer["outcome"] == row[5], (row, answer)
        else:
            assert answer["status"] == 422
            problem = answer["errors"][0]
            assert problem["pointer"] == "/" + row[5] and f"the rule {row[4]}:" in problem["detail"]
    replayed = home.replay()
    assert replayed["decisions_sha256"] == wanted and replayed["decisions"] == len(TAKEN)


def test_missing_values_are_stood_in_for(home, tmp_path):
    home.run("features", "-o", tmp_path / "f.csv")
    rows = {r["id"]: r for r in csv.DictReader(open(tmp_path / "f.csv"))}
    assert rows["b"]["amount"] == "0" and rows["b"]["lacks"] == "1" and rows["a"]["lacks"] == "0"
    assert rows["g"]["place"] == "unknown" and rows["g"]["places"] == "4", "home, shop, pub, unknown"
    words = home.run("features", "--describe")
    assert "coalesce(amount, 0.0)" in words and "coalesce(place, 'unknown')" in words


def test_tests_of_a_user_see_both(home, tmp_path):
    text = SETTINGS.format(share=0.5) + """
tests:
  - name: a mark
    event: {id: t, time: "2024-01-01T00:00:00Z", who: x, amount: 150}
    expect: {rules: [SMALL], outcome: approve, features: {place: unknown}}
"""
    (tmp_path / "assay.yaml").write_text(text)
    home.run("test")
    (tmp_path / "assay.yaml").write_text(text.replace("amount: 150", "amount: -150"))
    assert "refused by the rule POSITIVE" in home.run("test", "--json", code=1)


@pytest.mark.parametrize(
    "change, words",
    [
        (("amount >= 0, then", "amount >= sum(amount) by who over 1d, then"), "event's own fields only"),
        (("amount >= 0, then", "sum_9d >= 0, then"), "event's own fields only"),
        (("amount >= 0, then", "amount + 1, then"), "expected a bool"),
        (("then: review}", "then: revue}"), 'found "revue"; did you mean "review"'),
        (("KNOWN:", "MANY:"), "a rule has this name"),
        (("amount: 0,", "amount: none,"), "missing.amount: expected decimal, found"),
        (("amount: 0,", "amont: 0,"), 'did you mean "amount"'),
        (("place: unknown", "place: unknown, time: 0"), "nothing can stand in for the id, the time"),
        (("place: unknown", "place: unknown, who: median"), None),
        (("amount: 0,", "amount: median,"), None),
        (("amount: 0,", "amount: median,", "  amount: amount\n", ""), "and no feature is"),
    ],
)
def test_mistakes(home, tmp_path, change, words):
    text = SETTINGS.format(share=0.5)
    for old, new in zip(change[::2], change[1::2]):
        assert old in text
        text = text.replace(old, new)
    (tmp_path / "assay.yaml").write_text(text)
    if words is None:
        home.run("check")
        return
    told = json.loads(home.run("check", "--json", code=1))["error"]["text"]
    assert words in told and "assay.yaml:" in told, told


MEDIAN = """
sources: {{transactions: t.csv}}
event: {{id: id, time: time, label: {{field: fraud, delay: 0s}}}}
entities: {{who: who}}
{missing}
features: {{amount: amount, age: age, n: count() by who over 1d}}
model: {{kind: {kind}, boost: {{trees: 10}}}}
"""


def median_world(binary, folder, kind="boost", missing="missing: {age: median}"):
    import random

    rng = random.Random(5)
    ages = []
    with open(folder / "t.csv", "w") as f:
        f.write("id,time,who,amount,age,fraud\n")
        for i in range(1500):
            age = rng.choice(["", *range(18, 90)])
            ages.append(age)
            fraud = int(rng.random() < (0.3 if age == "" else 0.02))
            day, minute = divmod(i * 20, 1440)
            at = f"2024-{1 + day // 28:02}-{1 + day % 28:02}T{minute // 60:02}:{minute % 60:02}:00Z"
            f.write(f"{i},{at},c{rng.randrange(50)},{rng.randrange(100)},{age},{fraud}\n")
    (folder / "assay.yaml").write_text(MEDIAN.format(kind=kind, missing=missing))
    return Home(binary, folder / "assay.yaml", folder / "data", "log.sync=false"), ages


@pytest.mark.parametrize("kind", ["boost", "logistic"])
def test_the_median_is_kept_in_the_model(binary, tmp_path, kind):
    home, ages = median_world(binary, tmp_path, kind)
    told = json.loads(home.run("train", "--json", "-q", "--force"))
    learned = sorted(a for a in ages[: told["split"]["train_rows"]] if a != "")
    middle = learned[(len(learned) - 1) // 2]
    rows = list(csv.DictReader(open(tmp_path / "t.csv")))
    for name, age in (("gap", ""), ("median", middle), ("other", 89)):
        with open(tmp_path / f"{name}.csv", "w", newline="") as f:
            out = csv.DictWriter(f, rows[0])
            out.writeheader()
            out.writerows({**r, "age": age} for r in rows[:200])
        home.run("score", tmp_path / f"{name}.csv", "-o", tmp_path / f"{name}.out.csv")
    probability = {
        name: [r["probability"] for r in csv.DictReader(open(tmp_path / f"{name}.out.csv"))]
        for name in ("gap", "median", "other")
    }
    assert probability["gap"] == probability["median"]
    assert kind == "boost" or probability["gap"] != probability["other"]
    # another meaning of missing is another model
    (tmp_path / "assay.yaml").write_text(MEDIAN.format(kind=kind, missing="missing: {age: 40}"))
    told = json.loads(home.run("score", "-o", tmp_path / "x.csv", "--json", code=1))
    assert "another definition" in told["error"]["text"]
    (tmp_path / "assay.yaml").write_text(MEDIAN.format(kind=kind, missing=""))
    told = json.loads(home.run("score", "-o", tmp_path / "x.csv", "--json", code=1))
    assert "median" in told["error"]["text"] and "train again" in told["error"]["text"]


def test_median_over_http_is_the_file(binary, tmp_path):
    home, _ = median_world(binary, tmp_path)
    home.run("train", "-q", "--force")
    wanted = home.score(tmp_path / "t.csv")
    lines = tmp_path / "t.ndjson"
    rows = csv.DictReader(open(tmp_path / "t.csv"))
    lines.write_text("".join(json.dumps({k: v for k, v in r.items() if v}) + "\n" for r in rows))
    with Server(home, "--no-history") as server:
        server.play(lines, batch=100)
    assert home.replay()["decisions_sha256"] == wanted
