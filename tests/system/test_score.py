"""assay score and assay top: the same decisions in every form."""

import csv
import json

import pytest

SETTINGS = """\
sources: {transactions: t.csv}
event: {id: id, time: at, amount: amount, label: {field: fraud, delay: 1d}}
entities: {customer: customer}
features:
  amount: amount
  n_1d: count() by customer over 1d
rules:
  BIG: {when: amount > 950, then: decline}
model: {kind: logistic}
decision: {review: 300, decline: 800, levels: {HIGH: 800, MEDIUM: 300}}
"""

NAMES = ["id", "probability", "score", "level", "outcome", "reasons"]


def events(count=2000):
    lines = ["id,at,customer,amount,fraud"]
    for i in range(count):
        amount = i * 7919 % 1000
        lines.append(
            f"t{i:05},2024-{1 + i // 672:02}-{1 + i // 24 % 28:02} {i % 24:02}:00:00,c{i % 5},"
            f"{amount},{int(amount > 800 and i % 4 > 0)}"
        )
    return "\n".join(lines) + "\n"


@pytest.fixture
def trained(run, write):
    write("t.csv", events())
    write("assay.yaml", SETTINGS)
    r = run("train", "-q")
    assert r.exit == 0, r


def test_csv_and_ndjson_say_the_same(run, tmp_path, trained):
    one, two = run("score", "-o", "s.csv", "--json").json(), run("score", "-o", "s.ndjson", "--json").json()
    assert one == two and one["rows"] == 2000 == sum(one["outcomes"].values())
    with open(tmp_path / "s.csv") as f:
        rows = list(csv.DictReader(f))
    objects = [json.loads(line) for line in open(tmp_path / "s.ndjson")]
    assert list(rows[0]) == NAMES == list(objects[0])
    for row, o in zip(rows, objects, strict=True):
        assert float(row["probability"]) == o["probability"] and int(row["score"]) == o["score"]
        assert all(row[k] == o[k] for k in ("id", "level", "outcome", "reasons"))
        assert o["score"] == int(1000 * o["probability"] + 0.5) or abs(o["score"] - 1000 * o["probability"]) <= 1
        assert o["level"] == ("HIGH" if o["score"] >= 800 else "MEDIUM" if o["score"] >= 300 else "LOW")
    assert run("score").stdout == (tmp_path / "s.csv").read_text()
    assert run("score", "-o", "-", "--json").stdout == (tmp_path / "s.csv").read_text()


def test_scores_do_not_depend_on_the_processor_or_the_label(run, write, tmp_path, trained):
    wanted = run("score", "-o", "s.csv", "--json").json()["decisions_sha256"]
    for level in "scalar", "avx2":
        r = run("score", "-o", "s.csv", "--json", env={"ASSAY_SIMD": level})
        assert r.exit == 2 and "at best" in r.stderr or r.json()["decisions_sha256"] == wanted
    write("new.csv", "\n".join(line.rsplit(",", 1)[0] for line in events().splitlines()) + "\n")
    r = run("score", "new.csv", "-o", "n.csv", "--json")
    assert r.exit == 0, r
    assert r.json()["decisions_sha256"] == wanted
    columns = [line.split(",") for line in events().splitlines()]
    write("turned.csv", "\n".join(",".join([c[3], c[0], c[4], c[2], c[1]]) for c in columns) + "\n")
    assert run("score", "turned.csv", "-o", "n.csv", "--json").json()["decisions_sha256"] == wanted


def test_a_field_that_is_missing_is_told(run, write, trained):
    write("new.csv", "id,at,amount\nx,2024-05-01,1\n")
    r = run("score", "new.csv")
    assert r.exit in (0, 1), r
    if r.exit == 0:
        assert r.stdout.splitlines()[1].startswith("x,")
    write("new.csv", "id,when,customer,amount\nx,2024-05-01,c1,1\n")
    r = run("score", "new.csv")
    assert r.exit == 1 and "at" in r.stderr, r


def test_top_is_the_head_of_the_scores(run, tmp_path, trained):
    assert run("score", "-o", "s.ndjson").exit == 0
    objects = [json.loads(line) for line in open(tmp_path / "s.ndjson")]
    top = run("top", "-n", "7", "--json").json()
    assert len(top) == 7
    best = sorted((o["probability"] for o in objects), reverse=True)[:7]
    assert [o["probability"] for o in top] == best
    by_id = {o["id"]: o for o in objects}
    assert all(by_id[o["id"]]["outcome"] == o["outcome"] for o in top)
    table = run("top", "-n", "3").stdout.splitlines()
    assert len(table) == 4 and table[1].split()[0] == top[0]["id"]


def test_without_a_model(run, write):
    write("t.csv", events(100))
    write("assay.yaml", SETTINGS)
    for command in "score", "top", "serve":
        r = run(command)
        assert r.exit == 1 and "assay train" in r.stderr, r
    write("assay.yaml", SETTINGS.replace("kind: logistic", "kind: none"))
    r = run("score", "-o", "s.csv", "--json")
    assert r.exit == 0, r
    assert r.json()["outcomes"]["decline"] > 0


def test_a_column_that_a_feature_reads_must_be_there(run, write, trained):
    lines = [line.split(",") for line in events().splitlines()]
    write("less.csv", "".join(",".join(cells[:3] + cells[4:]) + "\n" for cells in lines))
    r = run("score", "less.csv", "-o", "s.csv")
    assert r.exit == 1 and 'no column "amount", which amount reads' in r.stderr, r
