"""Several kinds of event in one shard: payments that are decided, logins and refunds that are seen.

A random stream by seed, with ties within and across kinds, is given as three files, as HTTP requests one by one and
in batches, and as the log that is replayed; and its features are computed anew here, naively.
"""

import csv
import datetime
import json
import pathlib
import random
import shutil
import sys
import urllib.error
import urllib.request

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))
from playing import Home, Server  # noqa: E402

DAY = 86400
START = datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone.utc)
KINDS = ("payment", "login", "refund")
SOURCES = {"payment": "payments.csv", "login": "logins.csv", "refund": "refunds.csv"}
HEADERS = {
    "payment": ["payment_id", "paid_at", "customer_id", "amount", "terminal_id", "is_fraud"],
    "login": ["login_id", "at", "customer_id", "success", "channel"],
    "refund": ["refund_id", "when", "customer_id", "amount"],
}
SETTINGS = """
sources:
  payments: {folder}/history/payments.csv
  logins: {folder}/history/logins.csv
  refunds: {folder}/history/refunds.csv
events:
  payment: {{source: payments, id: payment_id, time: paid_at}}
  login: {{source: logins, id: login_id, time: at, layout: unix_s}}
  refund: {{source: refunds, id: refund_id, time: when}}
event:
  amount: amount
  label: {{field: is_fraud, delay: 2d}}
entities: {{customer: customer_id, terminal: terminal_id}}
features:
  amount: amount
  failed_1d: count(login) by customer over 1d where (not success)
  logins_7d: count(login) by customer over 7d
  refunded_10d: sum(amount) by customer over 10d where (kind = "refund")
  mean_paid_5d: mean(amount) by customer over 5d prior where (kind = "payment")
  last_channel: last(channel) by customer
  risk_9d: mean(label) by customer over 9d delay 2d
  n_3d: count() by customer over 3d
  terminal_2d: count() by terminal over 2d
  since_login_h: hours(time - prev(time) by customer where (kind = "login"))
rules:
  FAILS: {{when: failed_1d >= 2, then: review}}
  REFUNDS: {{when: refunded_10d > 150, then: challenge}}
model: {{kind: boost, boost: {{trees: 20}}}}
decision: {{challenge: 100, review: 300, decline: 700}}
"""
NO_SYNC = ("log.sync=false",)


def stream(seed, events, days):
    """Events in the order in which the engine is to see them; a few times are shared by many."""
    rng = random.Random(seed)
    made = []
    for i in range(events):
        kind = rng.choices(KINDS, (5, 4, 1))[0]
        e = {"kind": kind, "id": f"{kind[0]}{i}", "time": rng.randrange(days * DAY // 600) * 600}
        e["customer_id"] = f"C{rng.randrange(25)}" if rng.random() < 0.98 else None
        if kind == "payment":
            e["amount"] = rng.randrange(100, 20000) / 100
            e["terminal_id"] = rng.randrange(12)
            e["is_fraud"] = rng.choices((0, 1, None), (80, 12, 8))[0]
        elif kind == "login":
            e["success"] = rng.choices(("true", "false", None), (6, 5, 1))[0]
            e["channel"] = rng.choice(("web", "app", None))
        else:
            e["amount"] = rng.randrange(1, 90)
        made.append(e)
    made.sort(key=lambda e: (e["time"], KINDS.index(e["kind"])))
    return made


def written_time(e):
    at = START + datetime.timedelta(seconds=e["time"])
    if e["kind"] == "login":
        return str(int(at.timestamp()))
    return at.strftime("%Y-%m-%d %H:%M:%S" if e["kind"] == "payment" else "%Y-%m-%dT%H:%M:%SZ")


def cells(e):
    own = {**e, HEADERS[e["kind"]][0]: e["id"], HEADERS[e["kind"]][1]: written_time(e)}
    return {name: own[name] for name in HEADERS[e["kind"]]}


def write_files(folder, events):
    folder.mkdir()
    for kind in KINDS:
        with open(folder / SOURCES[kind], "w", newline="") as f:
            out = csv.writer(f)
            out.writerow(HEADERS[kind])
            out.writerows(["" if v is None else v for v in cells(e).values()] for e in events if e["kind"] == kind)
    return folder


def as_json(e):
    own = {name: v for name, v in cells(e).items() if v is not None}
    for name in ("at", "success"):
        if name in own:
            own[name] = json.loads(own[name])
    return {"kind": e["kind"], **own}


class World:
    def __init__(self, binary, folder):
        self.folder = folder
        self.events = stream(20240101, 5000, 40)
        self.history, self.rest = self.events[:3500], self.events[3500:]
        write_files(folder / "all", self.events)
        self.before = write_files(folder / "history", self.history)
        self.after = write_files(folder / "rest", self.rest)
        self.lines = folder / "rest.ndjson"
        self.lines.write_text("".join(json.dumps(as_json(e)) + "\n" for e in self.rest))
        self.settings = folder / "assay.yaml"
        self.settings.write_text(SETTINGS.format(folder=folder))
        self.trained = Home(binary, self.settings, folder / "trained")
        self.told = json.loads(self.trained.run("train", "-q", "--json", "--force"))
        self.hash = self.trained.score(self.after, self.before)
        self.binary = binary

    def home(self, name, *sets):
        shutil.copytree(self.trained.data / "models", self.folder / name / "models")
        return Home(self.binary, self.settings, self.folder / name, *NO_SYNC, *sets)


@pytest.fixture(scope="module")
def world(binary, tmp_path_factory):
    return World(binary, tmp_path_factory.mktemp("kinds"))


@pytest.fixture(scope="module")
def server(world):
    with Server(world.home("mistakes"), "--no-history") as server:
        yield server


def ask(server, event, path="/v1/decisions"):
    body = json.dumps(event).encode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{server.port}{path}", body, {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as e:
        return e.code, json.load(e)


# ---- the oracle


def window(events, i, over, delay, prior):
    """Events before i in the stream, and i itself unless prior, in (t - delay - over, t - delay]."""
    t = events[i]["time"]
    for j, e in enumerate(events[: i + (0 if prior else 1)]):
        if t - delay - over < e["time"] <= t - delay:
            yield j, e


def same(events, i, key):
    """Those of the same customer: an event without one is of nobody."""
    mine = events[i].get(key)
    return lambda e: mine is not None and e.get(key) == mine


def mean(values):
    return sum(values) / len(values) if values else None


def oracle(events, i):
    of = same(events, i, "customer_id")
    at = same(events, i, "terminal_id")

    def seen(over, delay=0, prior=False, who=of):
        return [e for _, e in window(events, i, over, delay, prior) if who(e)]

    labels = [e.get("is_fraud") or 0 for e in seen(9 * DAY, 2 * DAY) if e["kind"] == "payment"]
    channels = [e["channel"] for e in seen(10**9) if e.get("channel")]
    logins = [e["time"] for e in seen(10**9, prior=True) if e["kind"] == "login"]
    return {
        "amount": events[i]["amount"],
        "failed_1d": sum(e["kind"] == "login" and e["success"] == "false" for e in seen(DAY)),
        "logins_7d": sum(e["kind"] == "login" for e in seen(7 * DAY)),
        "refunded_10d": sum(e["amount"] for e in seen(10 * DAY) if e["kind"] == "refund"),
        "mean_paid_5d": mean([e["amount"] for e in seen(5 * DAY, prior=True) if e["kind"] == "payment"]),
        "last_channel": channels[-1] if channels else None,
        "risk_9d": mean(labels),
        "n_3d": len(seen(3 * DAY)),
        "terminal_2d": len(seen(2 * DAY, who=at)),
        "since_login_h": (events[i]["time"] - logins[-1]) / 3600 if logins else None,
    }


def test_features_are_those_of_the_oracle(world):
    out = world.folder / "features.csv"
    world.trained.run("features", world.folder / "all", "-o", out)
    with open(out, newline="") as f:
        rows = list(csv.DictReader(f))
    decided = [i for i, e in enumerate(world.events) if e["kind"] == "payment"]
    assert [r["id"] for r in rows] == [world.events[i]["id"] for i in decided]
    for r, i in list(zip(rows, decided))[::3]:
        for name, wanted in oracle(world.events, i).items():
            found = r[name] if name == "last_channel" else float(r[name]) if r[name] else None
            if wanted is None:
                assert r[name] == "", (r, name)
            else:
                assert found == (wanted if name == "last_channel" else pytest.approx(wanted, rel=1e-9)), (r, name, wanted)


# ---- parity


def test_only_payments_are_decided(world):
    with open(world.folder / "trained.scores.csv", newline="") as f:
        rows = list(csv.DictReader(f))
    assert [r["id"] for r in rows] == [e["id"] for e in world.rest if e["kind"] == "payment"]
    assert len({r["outcome"] for r in rows}) > 2
    assert world.trained.score(world.after) != world.hash, "the history changes nothing"
    learned = world.told["split"]["train_rows"] + world.told["split"]["test_rows"]
    assert 0 < learned <= sum(e["kind"] == "payment" for e in world.history)


@pytest.mark.parametrize("batch", [0, 7, 400])
def test_http_is_the_file(world, batch):
    h = world.home(f"http-{batch}")
    with Server(h) as server:
        assert server.started["history_events"] == len(world.history)
        server.play(world.lines, batch=batch, answers=world.folder / f"answers-{batch}")
    r = h.replay()
    assert r["decisions_sha256"] == world.hash
    assert r["observed"] == len(world.history) + sum(e["kind"] != "payment" for e in world.rest)
    assert h.verify()["whole"]
    answers = [json.loads(line) for line in open(world.folder / f"answers-{batch}")]
    assert [a["id"] for a in answers] == [e["id"] for e in world.rest]
    assert [a.get("observed", False) for a in answers] == [e["kind"] != "payment" for e in world.rest]


def test_restored_in_the_middle(world):
    h = world.home("restored")
    with Server(h) as server:
        server.play(world.lines, 0, 700, batch=50)
    for snapshot in h.snapshots:
        snapshot.unlink()
    with Server(h) as server:
        server.play(world.lines, 700, batch=50)
    assert h.replay()["decisions_sha256"] == world.hash


# ---- answers


def test_an_observed_event_is_acknowledged(world):
    h = world.home("answers")
    login = {"kind": "login", "login_id": "new", "at": "2024-03-01T00:00:00Z", "customer_id": "C1", "success": False}
    with Server(h, "--no-history") as server:
        status, answer = ask(server, login)
        assert status == 202 and answer["observed"] and answer["id"] == "new" and "outcome" not in answer
        assert answer["time"].startswith("2024-03-01T00:00:00")
        status, again = ask(server, login)
        assert status == 202 and again["repeated"] and again["seq"] == answer["seq"]
        status, answer = ask(server, {**login, "success": True})
        assert status == 409
        payment = {"kind": "payment", "payment_id": "p", "paid_at": "2024-03-01T00:00:01Z", "customer_id": "C1"}
        status, answer = ask(server, payment, "/v1/decisions?dry_run=true")
        assert status == 200 and "seq" not in answer
        status, answer = ask(server, {**payment, "payment_id": "new"})
        assert status == 409, "ids differ across kinds"
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/metrics") as metrics:
            assert b"assay_observed_total 1\n" in metrics.read()


@pytest.mark.parametrize(
    "event, pointer, words",
    [
        ({"login_id": "x"}, "/kind", "payment, login, refund"),
        ({"kind": "logn", "login_id": "x"}, "/kind", "payment, login, refund"),
        ({"kind": 7}, "/kind", "payment, login, refund"),
        ({"kind": "login", "at": 1700000000, "amount": 5}, "/amount", 'the kind "login" has no such field, "payment"'),
        ({"kind": "login", "at": 1700000000, "time": 5}, "/time", 'the kind "login" has no such field'),
        ({"kind": "login", "at": 1700000000, "chanel": "x"}, "/chanel", "channel"),
        ({"kind": "login", "at": "noon"}, "/at", "expected a time"),
        ({"kind": "refund", "refund_id": "x"}, "/when", "missing"),
    ],
)
def test_mistakes_name_the_kind(server, event, pointer, words):
    status, answer = ask(server, event)
    assert status == 422, answer
    assert answer["errors"][0]["pointer"] == pointer and words in answer["errors"][0]["detail"], answer


# ---- settings


BASE = """
sources: {{a: a.csv, b: b.csv}}
events: {{pay: {{source: a, id: id}}, {events}}}
entities: {{who: who}}
features: {{n: "{feature}"}}
model: none
"""
A = "id,time,who,amount\n1,2024-01-01T00:00:00Z,x,5\n2,2024-01-02T00:00:00Z,y,7.5\n"
B = "id,time,who,ok,amount\n3,2024-01-01T00:00:00Z,x,true,5\n4,2024-01-03T00:00:00Z,y,false,6\n"


@pytest.mark.parametrize(
    "b, events, feature, words",
    [
        (B, "login: {source: b, id: ids}", "amount", 'no field "ids"; did you mean "id"'),
        (B, "login: {source: c}", "amount", 'no source "c"'),
        (B, "login: {source: a}", "amount", "one source has events of one kind"),
        (B, "login: {id: id}", "amount", "expected its source"),
        (B, "'log in': {source: b}", "amount", "letters, digits and _"),
        (B, "login: {source: b, time: ok}", "amount", "expected a time"),
        (B, "login: {source: b, id: who}", "amount", "name that all kinds share"),
        (B.replace("6\n", "six\n").replace("5\n", "five\n"), "login: {source: b, id: id}", "amount", "one type"),
        (B, "who: {source: b, id: id}", "count(who) by who over 1d", "is a kind of event and a field"),
        (B, "login: {source: b, id: id}", "count(logins) by who over 1d", "found \\\"logins\\\""),
    ],
)
def test_settings_mistakes(run, write, b, events, feature, words):
    write("a.csv", A)
    write("b.csv", b)
    write("assay.yaml", BASE.format(events=events, feature=feature))
    r = run("check")
    assert r.exit == 1 and words.replace("\\", "") in r.stderr, r


def test_types_widen_and_one_name_stays(run, write):
    write("a.csv", A)
    write("b.csv", B)
    write("assay.yaml", BASE.format(events="login: {source: b, id: id}", feature="sum(amount) by who over 9d"))
    r = run("features", "-o", "-")
    assert r.exit == 0 and r.stdout == "id,n\n1,5\n2,7.5\n", r
    write("assay.yaml", BASE.format(events="login: {source: b, id: id, decide: true}", feature="amount"))
    assert run("features", "-o", "-").stdout == "id,n\n1,5\n3,5\n2,7.5\n4,6\n"


def test_an_id_in_two_kinds_is_taken_once(run, write):
    write("a.csv", A)
    write("b.csv", B.replace("\n4,", "\n2,"))
    write("assay.yaml", BASE.format(events="login: {source: b, id: id}", feature="count() by who over 9d"))
    r = run("features", "-o", "f.csv", "--json")
    assert r.exit == 0 and r.json()["conflicting"] == 1 and r.json()["rows"] == 3, r
