"""Reference tables: the same values in files and over HTTP, as of the event, and in the log."""

import json
import re

import pytest

from test_serve import Server

SETTINGS = """\
sources:
  transactions: {file: tx.csv}
  customers: {file: customers.csv, key: customer_id, valid_from: since}
event: {id: id, time: at, amount: amount}
entities: {customer: customer_id}
features:
  amount: amount
  balance: coalesce(customers.balance, -1)
  tier: coalesce(customers.tier, "-")
  n_1d: count() by customer over 1d
  spent_of_balance: sum(amount) by customer over 1d / customers.balance
rules:
  AMOUNT_NEAR_BALANCE: {when: amount > 0.95 * customers.balance, then: review}
  UNKNOWN_TIER: {when: customers.tier is null, then: challenge}
model: {kind: none}
outcomes: [approve, challenge, review, decline]
decision: {review: 300, decline: 800}
"""

CUSTOMERS = """customer_id,since,balance,tier
c1,2024-01-01,1000.5,gold
c1,2024-01-03T12:00:00,50,basic
c2,2024-01-01,200,basic
c2,2024-01-02,,gold
"""

EVENTS = [
    {"id": "e1", "at": "2023-12-31T10:00:00Z", "customer_id": "c1", "amount": 60},  # no row yet
    {"id": "e2", "at": "2024-01-03T11:59:59Z", "customer_id": "c1", "amount": 60},
    {"id": "e3", "at": "2024-01-03T12:00:00Z", "customer_id": "c1", "amount": 60},
    {"id": "e4", "at": "2024-01-03T13:00:00Z", "customer_id": "c9", "amount": 5},  # no row at all
    {"id": "e5", "at": "2024-01-03T14:00:00Z", "customer_id": "c2", "amount": 190},  # a row, no balance
    {"id": "e6", "at": "2024-01-03T15:00:00Z", "customer_id": "c1", "amount": 40},
]

RULES = {"e1": ["UNKNOWN_TIER"], "e3": ["AMOUNT_NEAR_BALANCE"], "e4": ["UNKNOWN_TIER"]}


def as_csv(events):
    names = list(EVENTS[0])
    rows = [",".join(str(e.get(n, "")) for n in names) for e in events]
    return "\n".join([",".join(names), *rows]) + "\n"


@pytest.fixture
def folder(write, tmp_path):
    write("assay.yaml", SETTINGS)
    write("customers.csv", CUSTOMERS)
    write("tx.csv", as_csv(EVENTS))
    return tmp_path


@pytest.fixture
def serve(binary, folder):
    """A server that has seen no history."""
    servers = []

    def call():
        servers.append(Server(binary, folder))
        return servers[-1]

    (folder / "tx.csv").write_text(as_csv([{"id": "h", "at": "2023-01-01T00:00:00Z", "customer_id": "h", "amount": 1}]))
    yield call
    for server in servers:
        server.stop()
        server.errors.close()


def features(run, *arguments):
    r = run("features", "-o", "-", *arguments)
    assert r.exit == 0, r
    names, *rows = [line.split(",") for line in r.stdout.splitlines()]
    return {row[0]: dict(zip(names[1:], row[1:])) for row in rows}


def test_an_event_sees_the_row_of_its_time(run, folder):
    found = features(run)
    assert {k: (v["balance"], v["tier"]) for k, v in found.items()} == {
        "e1": ("-1", "-"),
        "e2": ("1000.5", "gold"),
        "e3": ("50", "basic"),
        "e4": ("-1", "-"),
        "e5": ("-1", "gold"),
        "e6": ("50", "basic"),
    }
    assert found["e6"]["spent_of_balance"] == "3.2"


def test_without_valid_from_the_one_row_holds_for_ever(run, folder):
    (folder / "customers.csv").write_text("customer_id,balance,tier\nc1,50,basic\nc2,200,gold\n")
    (folder / "assay.yaml").write_text(SETTINGS.replace(", valid_from: since", ""))
    assert {k: v["balance"] for k, v in features(run).items()} == {
        "e1": "50", "e2": "50", "e3": "50", "e4": "-1", "e5": "200", "e6": "50"}


def test_file_http_batch_and_replay_decide_alike(run, serve, folder):
    (folder / "events.csv").write_text(as_csv(EVENTS))
    scored = run("score", "--after", "tx.csv", "events.csv", "-o", "scores.ndjson", "--json")
    assert scored.exit == 0, scored
    digest = scored.json()["decisions_sha256"]
    server = serve()
    first = [server.decide(e) for e in EVENTS[:3]]
    text = "\n".join(map(json.dumps, EVENTS[3:]))
    status, rest, _ = server.ask("POST", "/v1/decisions:batch", text, "application/x-ndjson")
    assert status == 200 and all(status == 200 for status, _, _ in first)
    answers = [a for _, a, _ in first] + [json.loads(line) for line in rest.splitlines()]
    assert {a["id"]: a["rules"] for a in answers if a["rules"]} == RULES
    shown = server.ask("GET", "/v1/decisions/e2")[1]["inputs"]
    assert shown == {**EVENTS[1], "customers.balance": 1000.5, "customers.tier": "gold"}
    server.stop()
    (folder / "customers.csv").write_text("customer_id,since,balance,tier\nc1,2020-01-01,7,other\n")
    replayed = run("replay", "--json").json()
    assert replayed["different"] == 0 and replayed["decisions_sha256"] == digest
    (folder / "customers.csv").unlink()
    assert run("replay", "--json").json()["decisions_sha256"] == digest


def test_a_changed_table_holds_from_the_next_start_and_not_for_what_was_decided(serve, folder):
    server = serve()
    first = server.decide(EVENTS[2])[1]
    assert first["outcome"] == "review"
    server.stop()
    (folder / "customers.csv").write_text("customer_id,since,balance,tier\nc1,2024-01-01,5000,plain\n")
    server = serve()
    status, again, _ = server.decide(EVENTS[2])
    assert status == 200 and again.pop("repeated") and again == first
    assert server.decide({**EVENTS[2], "amount": 61})[0] == 409
    assert server.decide(EVENTS[5])[1]["outcome"] == "approve"
    shown = server.ask("GET", "/v1/decisions/e6")[1]["inputs"]
    assert (shown["customers.balance"], shown["customers.tier"]) == (5000, "plain")
    server.stop()


@pytest.mark.parametrize(
    "more",
    [
        {"customers.balance": 9999},
        {"customers.balance": None},
        {"customers": {"balance": 9999}},
        {"customers": {"tier": "gold"}},
    ],
)
def test_a_caller_cannot_say_what_is_looked_up(serve, more):
    server = serve()
    status, problem, _ = server.decide({**EVENTS[2], **more})
    assert status == 422
    assert [e["pointer"][:11] for e in problem["errors"]] == ["/customers."]
    assert "looked up" in problem["errors"][0]["detail"]
    line = json.dumps({**EVENTS[2], **more})
    _, text, _ = server.ask("POST", "/v1/decisions:batch", line, "application/x-ndjson")
    assert json.loads(text)["status"] == 422
    assert server.decide(EVENTS[2], "?dry_run=true")[1]["rules"] == ["AMOUNT_NEAR_BALANCE"]


def test_a_file_cannot_say_it_either(run, folder):
    (folder / "tx.csv").write_text("id,at,customer_id,amount,customers.balance\ne1,2024-01-01T00:00:00Z,c1,60,9\n")
    r = run("features")
    assert r.exit == 1 and "customers.balance" in r.stderr and "assay.yaml:3:21: sources.customers.file: " in r.stderr


@pytest.mark.parametrize(
    "old, new, words",
    [
        ("key: customer_id", "key: custmer_id", r'assay.yaml:3:\d+: sources.customers.key: .*did you mean "customer_id"\?'),
        ("valid_from: since", "valid_from: sinse", r'assay.yaml:3:\d+: sources.customers.valid_from: .*did you mean "since"\?'),
        ("valid_from: since", "valid_from: tier", r"assay.yaml:3:\d+: sources.customers.valid_from: .*not a time"),
        (", valid_from: since", "", r"assay.yaml:3:\d+: sources.customers.key: .*c1.*customers.csv:2 and .*customers.csv:3"),
        ("key: customer_id, ", "", r"assay.yaml:3:\d+: sources.customers: expected its key"),
        (", key: customer_id, valid_from: since", "", r"assay.yaml:3:\d+: sources.customers: expected its key"),
        ("{file: tx.csv}", "{file: tx.csv, key: id}", r"assay.yaml:2:\d+: sources.transactions.key: .*events"),
        ("amount > 0.95 * customers.balance", "amount > customers.balanse", r"assay.yaml:13:\d+: rules.AMOUNT_NEAR_BALANCE.when"),
        ("valid_from: since}", "valid_from: since, fields: {tier: int}}", r"assay.yaml:3:\d+: sources.customers.file: .*tier"),
        ("id: id", "id: idd", r'assay.yaml:4:\d+: event.id: .*did you mean "id"\?'),
        ("time: at", "time: att", r'assay.yaml:4:\d+: event.time: .*did you mean "at"\?'),
        ("amount: amount}", "amount: amount, label: {field: amuont}}", r"assay.yaml:4:\d+: event.label.field: .*did you mean"),
    ],
)
def test_mistakes_about_tables_have_a_place(run, folder, old, new, words):
    assert SETTINGS.count(old) == 1 or old in ("id: id", "amount: amount}")
    (folder / "assay.yaml").write_text(SETTINGS.replace(old, new, 1))
    r = run("check")
    assert r.exit == 1, r
    assert re.search(words, r.stderr), r.stderr


def test_a_table_that_is_not_there_is_told(run, folder):
    (folder / "customers.csv").unlink()
    r = run("check")
    assert r.exit == 0 and "customers.csv" in r.stdout, r
    r = run("score")
    assert r.exit == 1 and "sources.customers.file" in r.stderr


LEARNED = SETTINGS.replace("model: {kind: none}", "model: {kind: logistic}").replace(
    "amount: amount}", "amount: amount, label: {field: fraud}}")


def learning_files(folder, settings):
    rows = [
        f"t{i},2024-01-{1 + i // 24:02d}T{i % 24:02d}:00:00Z,c{1 + i % 3},{10 + i % 17},{int(i % 9 == 0)}"
        for i in range(24 * 28)
    ]
    (folder / "tx.csv").write_text("id,at,customer_id,amount,fraud\n" + "\n".join(rows) + "\n")
    (folder / "assay.yaml").write_text(settings)


def test_training_warns_of_tables_without_valid_from(run, folder):
    learning_files(folder, LEARNED)
    words = lambda r: [c["words"] for c in r.json()["checks"]]
    r = run("train", "--json")
    assert r.exit == 0, r
    assert not any("look-ahead" in w for w in words(r))
    (folder / "customers.csv").write_text("customer_id,balance,tier\nc1,50,basic\nc2,200,gold\n")
    (folder / "assay.yaml").write_text(LEARNED.replace(", valid_from: since", ""))
    r = run("train", "--json")
    assert r.exit == 0, r
    assert [w for w in words(r) if "look-ahead" in w and w.startswith("customers:")], words(r)


def test_a_model_is_not_served_without_its_tables(run, folder):
    learning_files(folder, LEARNED)
    assert run("train").exit == 0
    assert run("score", "-o", "scores.csv").exit == 0
    # balances without fractions and tiers that are numbers are read as the types of the training
    (folder / "customers.csv").write_text("customer_id,since,balance,tier\nc1,2024-01-01,5000,1\n")
    assert run("score", "-o", "scores.csv").exit == 0
    (folder / "customers.csv").write_text(CUSTOMERS.replace(",tier", ",grade"))
    r = run("score", "-o", "scores.csv")
    assert r.exit == 1 and "tier" in r.stderr and "sources.customers" in r.stderr
    (folder / "assay.yaml").write_text(re.sub(r"  customers: .*\n", "", LEARNED, count=1))
    for command in (["score", "-o", "scores.csv"], ["serve", "--port", "0"]):
        r = run(*command, timeout=60)
        assert r.exit == 1 and "customers.balance" in r.stderr, r
