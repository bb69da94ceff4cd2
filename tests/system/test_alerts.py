"""Alerts and cases: raised, grouped, worked on by several people, disposed of, labelled; every change a record, and the
store made anew from both logs has equal rows, in SQLite and in PostgreSQL."""

import json
import pathlib
import random
import sqlite3
import sys
import threading
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import test_access  # noqa: E402
from test_access import command, control, make_key  # noqa: E402
from test_postgres import database, postgres  # noqa: E402, F401

ALERTS = """
alerts:
  declined: {when: outcome = "decline", queue: urgent, within: 6h, priority: score + amount}
  watched: {when: rules.BIG and amount < 700 and n > 0, queue: second, amount: amount * 2}
"""
PLAN = test_access.SETTINGS.replace("amount: amount\n", "amount: amount\n  n: count() by customer over 1d\n", 1).replace(
    "  BIG:", "  HUGE: {when: amount > 800, then: decline}\n  BIG:"
)


class Server(test_access.Server):
    key = None

    def __init__(self, binary, folder, settings="", key=None):
        self.key = key
        kept, test_access.SETTINGS = test_access.SETTINGS, PLAN
        try:
            super().__init__(binary, folder, settings=settings)
        finally:
            test_access.SETTINGS = kept

    def ask(self, method, path, body=None, key=None, headers=None):
        return super().ask(method, path, body, key or self.key, headers)

    def decide(self, id, customer="c1", amount=600, at="2018-04-02T10:00:00Z"):
        status, answer, _ = self.ask("POST", "/v1/decisions", {"id": id, "at": at, "customer": customer, "amount": amount})
        assert status == 200, answer
        return answer

    def get(self, path):
        status, answer, _ = self.ask("GET", path)
        assert status == 200, (path, answer)
        return answer

    def post(self, path, body=None, wanted=200, key=None, headers=None):
        status, answer, _ = self.ask("POST", path, body or {}, key, headers)
        assert status == wanted, (path, status, answer)
        return answer

    def alerts(self, query="", count=None):
        """Those asked for; where a count is given, when there are so many."""
        end = time.monotonic() + 10
        while True:
            found = self.get("/v1/alerts" + query)["alerts"]
            if count is None or len(found) == count:
                return found
            assert time.monotonic() < end, (query, count, found)
            time.sleep(0.02)

    def labels(self, wanted):
        """Until the labels of the newest decisions are these."""
        end = time.monotonic() + 10
        while True:
            found = {d["id"]: d["label"] for d in self.get("/v1/decisions?limit=1000")["decisions"]}
            if all(found[k] == v for k, v in wanted.items()):
                return
            assert time.monotonic() < end, (wanted, found)
            time.sleep(0.02)


@pytest.fixture
def start(binary, tmp_path):
    servers = []

    def call(settings="", folder=None, key=None):
        servers.append(Server(binary, folder or tmp_path, settings, key))
        return servers[-1]

    yield call
    for s in servers:
        if s.process.poll() is None:
            s.stop()


def tables(folder):
    db = sqlite3.connect(folder / "assay-data" / "store.sqlite")
    names = [n for (n,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
    found = {n: sorted(map(repr, db.execute(f'SELECT * FROM "{n}"').fetchall())) for n in names}
    db.close()
    return found


def test_grouped_by_entity_within_the_window(start):
    s = start(ALERTS)
    s.decide("a", amount=600)
    s.decide("b", amount=650, at="2018-04-02T11:00:00Z")
    s.decide("c", customer="c2", amount=650)
    s.decide("ok", customer="c3", amount=10)
    s.decide("d", amount=900, at="2018-04-02T12:00:00Z")
    s.decide("e", amount=901, at="2018-04-02T19:00:00Z")  # seven hours later: another
    alerts = s.alerts(count=4)
    one = next(a for a in alerts if a["name"] == "watched" and a["entity"] == {"kind": "customer", "id": "c1"})
    assert one["hits"] == 2 and one["amount"] == 2500 and one["queue"] == "second" and one["rules"] == ["BIG"]
    assert one["first"] == "2018-04-02T10:00:00Z" and one["last"] == "2018-04-02T11:00:00Z"
    declined = [a for a in alerts if a["name"] == "declined"]
    assert [a["hits"] for a in declined] == [1, 1] and {a["priority"] for a in declined} == {900, 901}
    assert {q["queue"]: q["open"] for q in s.get("/v1/alerts")["queues"]} == {"second": 2, "urgent": 2}
    shown = s.get(f"/v1/alerts/{one['id']}")
    assert [d["id"] for d in shown["decisions"]] == ["b", "a"] and shown["timeline"] == []
    s.post(f"/v1/alerts/{one['id']}:close", {"disposition": "false_positive"})
    s.decide("f", amount=620, at="2018-04-02T11:30:00Z")  # after closing: a new one
    again = s.alerts("?name=watched&entity=customer:c1", 1)
    assert again[0]["id"] != one["id"] and again[0]["hits"] == 1


def test_without_a_section_what_is_not_mild(start):
    s = start()
    s.decide("a", amount=600)
    s.decide("b", customer="c2", amount=900)
    s.decide("c", customer="c3", amount=5)
    assert {(a["name"], a["queue"], a["outcome"]) for a in s.alerts(count=2)} == {("risky", "main", "review"), ("risky", "main", "decline")}


@pytest.mark.parametrize("alerts, words", [
    ("{A: {when: amonut > 5}}", "did you mean amount"),
    ("{A: {when: sum(amount) by customer over 1d > 5}}", "make it a feature"),
    ("{A: {when: score}}", "bool"),
    ("{A: {when: score > 5, entity: planet}}", "no such kind of entity"),
    ("{A: {when: score > 5, priority: outcome}}", "expected a number"),
    ("{A: {when: rules.NONE}}", "rules.NONE"),
])
def test_a_bad_condition_is_told_with_its_place(binary, tmp_path, alerts, words):
    command(binary, tmp_path, "check")
    (tmp_path / "assay.yaml").write_text(PLAN + f"alerts: {alerts}\n")
    code, out, err = command(binary, tmp_path, "check")
    assert code != 0 and words in err + out and "assay.yaml:" in err + out, err + out


def test_two_people_and_one_alert(binary, start, tmp_path):
    ann, bob, eve, root = (make_key(binary, tmp_path, r) for r in ("analyst,scorer,viewer", "analyst", "viewer", "admin"))
    s = start(key=ann)
    s.decide("a")
    (alert,) = s.alerts(count=1)
    path = f"/v1/alerts/{alert['id']}"
    got = s.post(path + ":claim", {"note": "mine"}, key=ann)
    assert got["state"] == "claimed" and got["version"] == 1 and got["assignee"].startswith("key:")
    said = s.post(path + ":claim", {}, 409, bob)["detail"]
    assert got["assignee"] in said
    assert s.post(path + ":claim", {}, key=ann)["version"] == 1  # it is so already: nothing is recorded
    for what, body in (("release", {}), ("snooze", {"until": "2027-01-01T00:00:00Z"}), ("close", {"disposition": "inconclusive"})):
        assert got["assignee"] in s.post(f"{path}:{what}", body, 409, bob)["detail"]
        s.post(f"{path}:{what}", body, 403, eve)
    s.ask("GET", path, key=eve)
    s.post(path + ":release", {"version": 0}, 409, ann)
    s.post(path + ":release", {}, 409, ann, {"If-Match": '"0"'})
    assert s.post(path + ":release", {}, 200, ann, {"If-Match": '"1"'})["assignee"] is None
    taken = [None, None]  # at once: one of them gets it

    def claim(i, key):
        taken[i] = s.ask("POST", path + ":claim", {}, key)[0]

    threads = [threading.Thread(target=claim, args=pair) for pair in enumerate((ann, bob))]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert sorted(taken) == [200, 409]
    assert s.post(path + ":assign", {"to": "user:zoe", "note": "shift"}, key=bob)["assignee"] == "user:zoe"
    later = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
    assert s.post(path + ":snooze", {"until": later}, key=root)["state"] == "snoozed"
    assert s.alerts() == [] and len(s.alerts("?state=snoozed")) == 1
    s.post(path + ":snooze", {"until": "2018-01-01T00:00:00Z"}, 422, root)
    kinds = [r["kind"] for r in control(tmp_path) if r["kind"].startswith("alert.")]
    assert kinds == ["alert.claimed", "alert.released", "alert.claimed", "alert.assigned", "alert.snoozed"]
    who = {e["change"]: e["by"] for e in s.get(path)["timeline"]}
    assert who["assigned"] != who["snoozed"]
    audit = s.ask("GET", "/v1/audit?subject=alert/" + alert["id"], key=root)[1]["entries"]
    assert len(audit) == len(kinds) and audit[0]["kind"] == "alert.snoozed"


def test_a_disposition_becomes_labels(start, tmp_path):
    s = start()
    for i, c in enumerate("1122"):
        s.decide(f"e{i}", customer="c" + c)
    one, two = sorted(s.alerts(count=2), key=lambda a: a["entity"]["id"])
    s.post(f"/v1/alerts/{one['id']}:close", {"disposition": "confirmed_fraud"})
    s.labels({"e0": True, "e1": True, "e2": None})
    s.post(f"/v1/alerts/{one['id']}:close", {"disposition": "inconclusive"})  # taken back
    s.labels({"e0": None, "e1": None})
    case = s.post("/v1/cases", {"title": "Ring of two", "alerts": [one["id"], two["id"]], "decisions": ["e0"],
                                "entities": [{"kind": "customer", "id": "c2"}], "note": "same device"}, 201)
    assert s.post(f"/v1/alerts/{two['id']}:close", {"disposition": "false_positive"}, 409)["detail"].endswith("dispose of the case")
    s.post("/v1/cases", {"title": "again", "alerts": [two["id"]]}, 409)
    s.post("/v1/cases", {"title": "none", "decisions": ["none"]}, 404)
    s.post("/v1/cases", {"title": ""}, 422)
    path = f"/v1/cases/{case['id']}"
    s.post(path + "/notes", {"note": "The CARD was lent"})
    assert s.get("/v1/cases?text=card%20was")["cases"][0]["id"] == case["id"] and s.get("/v1/cases?text=xyz")["cases"] == []
    assert s.get("/v1/cases?entity=customer:c2")["cases"][0]["title"] == "Ring of two"
    s.post(path + ":add", {"decisions": ["e3"]})
    s.post(path + ":dispose", {"disposition": "confirmed_fraud"})
    s.labels({f"e{i}": True for i in range(4)})
    s.post(path + ":add", {"decisions": ["e3"]}, 409)  # it is closed
    s.post(path + ":reopen", {"note": "the bank called"})
    s.labels({"e0": True})
    shown = s.post(path + ":dispose", {"disposition": "false_positive"})
    s.labels({f"e{i}": False for i in range(4)})
    assert [e["change"] for e in shown["timeline"]] == ["opened", "noted", "added", "disposed", "reopened", "disposed"]
    evidence = s.get(path + "/evidence")
    assert [d["id"] for d in evidence["decisions"]] == [f"e{i}" for i in range(4)]
    assert evidence["decisions"][0]["inputs"]["customer"] == "c1" and len(evidence["decisions"][0]["log"]["chain"]) == 64
    proofs = {d["log"]["seq"]: d["log"]["chain"] for d in evidence["decisions"]}
    trail = {e["seq"]: e["chain"] for e in s.get("/v1/audit?kind=decision")["entries"] if e["log"] == "decisions"}
    assert proofs.items() <= trail.items()
    before = s.get("/v1/audit?kind=label&limit=1000")["entries"]
    s.stop()
    again = start()  # nothing is said twice
    again.labels({f"e{i}": False for i in range(4)})
    time.sleep(0.3)
    assert len(again.get("/v1/audit?kind=label&limit=1000")["entries"]) == len(before) == 2 + 2 + 4 + 4


def test_many_at_once_pages_and_views(start):
    s = start()
    for i in range(30):
        s.decide(f"e{i}", customer=f"c{i}", amount=501 + i)
    s.alerts("?limit=100", 30)
    seen, cursor = [], ""
    while cursor is not None:
        page = s.get(f"/v1/alerts?sort=-amount&limit=7&cursor={cursor}" if cursor else "/v1/alerts?sort=-amount&limit=7")
        seen += [a["amount"] for a in page["alerts"]]
        cursor = page["next"]
    assert seen == sorted(seen, reverse=True) and len(seen) == 30
    assert s.ask("GET", "/v1/alerts?sort=amount&cursor=" + s.get("/v1/alerts?limit=2")["next"])[0] == 400
    ids = [a["id"] for a in s.alerts("?sort=raised&limit=100")]
    got = s.post("/v1/alerts:bulk", {"alerts": [*ids[:10], "999999"], "action": "close", "disposition": "false_positive"})
    assert got["changed"] == 10 and [r["status"] for r in got["results"]] == [200] * 10 + [404]
    assert len(s.alerts("?state=closed&limit=100")) == 10 and len(s.alerts("?limit=100")) == 20
    assert s.post("/v1/alerts:bulk", {"alerts": ids[:12], "action": "claim"})["changed"] == 2
    assert len(s.alerts("?assignee=me&limit=100")) == 2
    s.post("/v1/alerts:bulk", {"alerts": ids * 20, "action": "claim"}, 422)
    assert [a["event"] for a in s.alerts("?text=e15")] == ["e15"] and len(s.alerts("?text=REVIEW&limit=100")) == 20
    assert len(s.alerts("?rule=BIG&limit=100")) == 20 and s.alerts("?rule=BI") == []
    s.post("/v1/views", {"name": "Mine & big", "query": "assignee=me"})
    assert s.post("/v1/views", {"name": "Mine & big", "query": "sort=-amount"})["views"][0]["query"] == "sort=-amount"
    assert s.ask("DELETE", "/v1/views/Mine%20%26%20big")[1]["views"] == []
    for i in range(50):
        s.post("/v1/views", {"name": f"v{i}", "query": ""})
    assert "remove one" in s.post("/v1/views", {"name": "one more"}, 409)["detail"]
    for query in ("state=asleep", "sort=up", "entity=c1", "min_score=1001", "disposition=maybe", "limit=501", "case=x"):
        assert s.ask("GET", "/v1/alerts?" + query)[0] == 400, query


def work(s, seed, rounds=60):
    """People and payments at the same time, by chance."""
    r = random.Random(seed)
    stop = threading.Event()

    def pay():
        n = 0
        while not stop.is_set():
            n += 1
            s.decide(f"p{seed}-{n}", customer=f"c{r.randrange(9)}", amount=r.choice((10, 600, 640, 850)),
                     at=f"2018-04-02T{r.randrange(24):02}:{r.randrange(60):02}:00Z")
            time.sleep(0.002)

    payer = threading.Thread(target=pay)
    payer.start()
    q = random.Random(seed + 1)
    cases = []
    try:
        for _ in range(rounds):
            while not (ids := [a["id"] for a in s.alerts("?state=any&limit=50")]):
                time.sleep(0.01)
            some = q.sample(ids, min(len(ids), q.randrange(1, 4)))
            what = q.randrange(8)
            if what < 3:
                s.post("/v1/alerts:bulk", {"alerts": some, "action": ("claim", "release", "claim")[what]})
            elif what == 3:
                s.post("/v1/alerts:bulk", {"alerts": some, "action": "close", "disposition": q.choice(("confirmed_fraud", "inconclusive", "false_positive"))})
            elif what == 4:
                status, case, _ = s.ask("POST", "/v1/cases", {"title": f"by chance {seed}", "alerts": some})
                cases += [case["id"]] if status == 201 else []
            elif what == 5 and cases:
                s.ask("POST", f"/v1/cases/{q.choice(cases)}:add", {"alerts": some})
                s.post(f"/v1/cases/{q.choice(cases)}/notes", {"note": "x" * q.randrange(1, 50)})
            elif what == 6 and cases:
                s.post(f"/v1/cases/{q.choice(cases)}:dispose", {"disposition": q.choice(("confirmed_fraud", "false_positive"))})
            elif cases:
                s.ask("POST", f"/v1/cases/{q.choice(cases)}:reopen", {})
    finally:
        stop.set()
        payer.join()


def settled(s):
    end = time.monotonic() + 15
    while s.get("/readyz")["store_lag"] > 0:
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.parametrize("seed", [1])
def test_the_store_made_anew_has_equal_rows(binary, start, tmp_path, seed):
    s = start(ALERTS)
    work(s, seed)
    s.stop()
    s = start(ALERTS)  # a restart in between
    work(s, seed + 10, 20)
    s.stop()
    before = tables(tmp_path)
    assert len(before["alert"]) > 10 and len(before["entry"]) > 30 and len(before["verdict"]) > 5
    for path in (tmp_path / "assay-data").glob("store.sqlite*"):
        path.unlink()
    code, out, err = command(binary, tmp_path, "rebuild")
    assert code == 0, err
    after = tables(tmp_path)
    for name, rows in before.items():
        if name != "name":  # words in the order of their coming
            assert after[name] == rows, name


def test_a_file_that_is_lost_while_people_work(binary, start, tmp_path):
    s = start(ALERTS)
    work(s, 5, 12)
    for path in (tmp_path / "assay-data").glob("store.sqlite*"):
        path.unlink()
    end = time.monotonic() + 20
    while s.ask("GET", "/v1/alerts")[0] != 200 or s.get("/readyz").get("store_rebuilding") or not list((tmp_path / "assay-data").glob("store.sqlite")):
        assert time.monotonic() < end
        time.sleep(0.05)
    work(s, 6, 12)
    s.stop()
    before = tables(tmp_path)
    assert command(binary, tmp_path, "rebuild")[0] == 0
    after = tables(tmp_path)
    assert all(after[n] == rows for n, rows in before.items() if n != "name")


def test_postgres_has_the_same(binary, start, tmp_path, postgres, database):  # noqa: F811
    url = postgres.url(database)
    s = start(ALERTS + f'store: {{kind: postgres, url: "{url}"}}\n')
    work(s, 3, 15)
    settled(s)
    query = ["/v1/alerts?state=any&limit=500&sort=raised", "/v1/alerts?text=declined", "/v1/cases?state=any&limit=500",
             "/v1/alerts?state=closed&min_score=0&rule=BIG", "/v1/alerts?assignee=me&entity=customer:c1"]
    time.sleep(0.3)
    settled(s)
    drop = lambda a: {k: v for k, v in a.items() if k != "queues"}  # noqa: E731
    ours = [drop(s.get(q)) for q in query]
    cases = [s.get(f"/v1/cases/{c['id']}") for c in ours[2]["cases"]]
    assert len(ours[0]["alerts"]) > 5
    s.stop()
    names = ["alert", "alert_decision", "casefile", "case_decision", "entry", "verdict", "watch"]
    whole = lambda: [postgres.psql(f"SELECT t::text FROM alert.{n} t ORDER BY 1", database=database).stdout for n in names]  # noqa: E731
    before = whole()
    assert command(binary, tmp_path, "rebuild")[0] == 0
    assert whole() == before
    s = start(ALERTS)  # and the same log into a file
    settled(s)
    assert [drop(s.get(q)) for q in query] == ours
    assert [s.get(f"/v1/cases/{c['id']}") for c in ours[2]["cases"]] == cases


def test_the_commands(binary, start, tmp_path):
    s = start(ALERTS)
    s.decide("a", amount=900)
    s.decide("b", customer="c2", amount=600)
    one, two = sorted((a["id"] for a in s.alerts(count=2)), key=int)
    at = ("--url", s.url)

    def run(*words, code=0):
        got, out, err = command(binary, tmp_path, *words, *at)
        assert got == code, (words, out, err)
        return out + err

    assert one in run("alert", "list", "--queue", "urgent") and two not in run("alert", "list", "--queue", "urgent")
    assert "done" in run("alert", "claim", one, two)
    assert "there is no alert 99" in run("alert", "release", one, "99", code=1)
    assert "decision  a decline" in run("alert", "show", one) and "claimed" in run("alert", "show", one)
    assert json.loads(run("alert", "list", "--state", "any", "--json"))["alerts"][0]["id"] in (one, two)
    run("alert", "close", one, "--disposition", "confirmed_fraud", "--note", "stolen")
    s.labels({"a": True})
    out = run("case", "open", two, "--title", "Lent card")
    number = out.split()[0]
    run("case", "note", number, "--note", "called\x1b[2J")  # what would clear a terminal
    assert "called?[2J" in run("case", "show", number) and "\x1b" not in run("case", "list")
    assert "control characters" in run("case", "open", "--title", "a\nb", code=1)
    assert "noted" in run("case", "show", number) and "Lent card" in run("case", "list")
    run("case", "dispose", number, "--disposition", "false_positive")
    s.labels({"b": False})
    assert json.loads(run("case", "evidence", number))["decisions"][0]["id"] == "b"
    assert "reopen it first" in run("case", "assign", number, "--to", "ann", code=1)
    assert "expected list, show" in run("case", "lst", code=2)
    end = time.monotonic() + 12
    while 'assay_alert_precision{alert="declined"} 1' not in (text := s.ask("GET", "/metrics")[1]):
        assert time.monotonic() < end, text
        time.sleep(0.1)
    assert 'assay_alerts_closed{alert="watched",disposition="false_positive"} 1' in text
    assert 'assay_alert_labels_total 2' in text
