"""Events whose fields are spread over files, joined by id: the same as one file that has them all."""

import re

import pytest

SETTINGS = """\
sources:
  transactions: {file: meta.csv, join: [records.csv, labels.csv]}
event: {id: id, time: at, label: fraud}
entities: {customer: customer}
features:
  amount: amount
  n: count() by customer over 1d
  channel: channel
model: {kind: none}
"""
META = "id,at\n1,2024-01-01\n3,2024-01-02\n2,2024-01-01T06:00:00\n"
RECORDS = "id,amount,customer\n3,7.5,a\n1,5.25,a\n2,6,a\n"
LABELS = "fraud,id,channel\n1,2,web\n0,1,shop\n"
WHOLE = "id,at,amount,customer,fraud,channel\n1,2024-01-01,5.25,a,0,shop\n3,2024-01-02,7.5,a,,\n2,2024-01-01T06:00:00,6,a,1,web\n"


@pytest.fixture
def folder(write, tmp_path):
    write("assay.yaml", SETTINGS)
    write("meta.csv", META)
    write("records.csv", RECORDS)
    write("labels.csv", LABELS)
    write("whole.csv", WHOLE)
    return tmp_path


def test_joined_files_are_one(run, folder):
    joined = run("features", "-o", "-")
    assert joined.exit == 0, joined
    assert joined.stdout == "id,amount,n,channel\n1,5.25,1,shop\n2,6,2,web\n3,7.5,2,\n"
    assert run("features", "whole.csv", "-o", "-").stdout == joined.stdout
    (folder / "assay.yaml").write_text(SETTINGS.replace("{file: meta.csv, join: [records.csv, labels.csv]}", "whole.csv"))
    assert run("features", "-o", "-").stdout == joined.stdout


def test_joined_files_are_read_twice_where_memory_is_small(run, folder):
    joined = run("features", "-o", "-")
    assert run("features", "-o", "-", "--memory", "1MiB").stdout == joined.stdout


def test_kinds_of_event_are_joined_too(run, folder):
    (folder / "logins.csv").write_text("id,at,customer\n9,2024-01-01T05:00:00,a\n")
    kinds = SETTINGS.replace("transactions:", "payments:").replace(
        "event: {id: id, time: at, label: fraud}",
        "  logins: logins.csv\nevents:\n  payment: {source: payments, id: id, time: at}\n"
        "  login: {source: logins, id: id, time: at}\nevent: {id: id, time: at, label: fraud}")
    (folder / "assay.yaml").write_text(kinds)
    r = run("features", "-o", "-")
    assert r.exit == 0, r
    assert [line.split(",")[1:] for line in r.stdout.splitlines()[1:]] == [["5.25", "1", "shop"], ["6", "3", "web"], ["7.5", "3", ""]]


def test_profile_sees_all_columns(run, folder):
    r = run("profile", "--json")
    assert r.exit == 0, r
    assert [f["name"] for f in r.json()["fields"]] == ["id", "at", "amount", "customer", "fraud", "channel"]


@pytest.mark.parametrize(
    "change, words",
    [
        (("[records.csv, labels.csv]", "[records.csv, lables.csv]"), r"lables.csv"),
        (("event: {id: id, time", "event: {time"), r"event.id"),
        (("meta.csv, join: [records.csv, labels.csv]", "records.csv, join: [meta.csv, labels.csv]"), r"\"at\" must be in the first file"),
        (("model:", "  x: customers.y\nmodel:"), r"customers"),
        (("sources:\n", "sources:\n  customers: {file: whole.csv, key: customer, join: [labels.csv]}\n"), r"assay.yaml:2:\d+: sources.customers.join: "),
    ],
)
def test_mistakes_are_told(run, folder, change, words):
    assert SETTINGS.count(change[0]) == 1
    (folder / "assay.yaml").write_text(SETTINGS.replace(*change))
    r = run("features", "-o", "-")
    assert r.exit == 1 and re.search(words, r.stderr), r


def test_an_id_twice_is_named_with_its_lines(run, folder):
    (folder / "labels.csv").write_text(LABELS + "1,1,web\n")
    r = run("features", "-o", "-")
    assert r.exit == 1 and "labels.csv:3 and " in r.stderr and "labels.csv:4" in r.stderr, r


def test_training_tells_of_events_that_a_file_lacks(run, folder):
    rows = range(1, 401)
    (folder / "meta.csv").write_text("id,at\n" + "".join(f"{i},2024-01-{1 + i // 20:02d}T{i % 20:02d}:00:00\n" for i in rows))
    (folder / "records.csv").write_text("id,amount,customer\n" + "".join(f"{i},{i % 7},c{i % 5}\n" for i in rows if i != 11))
    (folder / "labels.csv").write_text("id,fraud,channel\n" + "".join(f"{i},{int(i % 9 == 0)},web\n" for i in rows))
    (folder / "assay.yaml").write_text(SETTINGS.replace("model: {kind: none}", "model: {kind: logistic}"))
    r = run("train", "--json")
    assert r.exit == 0, r
    assert [c for c in r.json()["checks"] if "lack an event 1 times" in c["words"]], r.json()["checks"]
