"""Rules over the API: written, tested, approved by a second person, live or shadow, retired; after a restart, beside a
reload, under traffic, and with a process that dies between the record and the plan."""

import csv
import json
import pathlib
import signal
import subprocess
import sys
import threading
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import test_access  # noqa: E402
from test_access import clean, make_key  # noqa: E402

SETTINGS = """
log: {segment: 1MiB}
"""
# Port 1: a command without --url must not find a stranger's service on the usual port.
ALONE = "\nlog: {segment: 1MiB}\nserver: {port: 1}\n"
HISTORY = "id,at,customer,amount\n" + "".join(
    f"h{i},2018-04-01T{i // 60:02}:{i % 60:02}:00Z,c{i % 7},{i % 50}\n" for i in range(1200)
)


class Server(test_access.Server):
    """With the history imported, and a key that is used where none is named."""

    def __init__(self, binary, folder, key=None, approval=None, more=""):
        text = test_access.SETTINGS + ALONE + more
        if approval:
            text = text.replace("rules:\n", f"rules:\n  approval: {approval}\n")
        (folder / "assay.yaml").write_text(text)
        (folder / "tx.csv").write_text(HISTORY)
        self.folder, self.binary, self.key, self.context = folder, binary, key, None
        self.errors = open(folder / "serve.err", "w+")
        self.process = subprocess.Popen(
            [binary, "serve", "--port", "0", "--json"], cwd=folder, stdout=subprocess.PIPE, stderr=self.errors,
            text=True, env=clean(),
        )
        line = self.process.stdout.readline()
        assert line, f"assay serve ended: {self.words()}"
        self.started = json.loads(line)
        self.port, self.url = self.started["port"], self.started["url"]

    def ask(self, method, path, body=None, key=None, headers=None):
        return super().ask(method, path, body, key or self.key, headers)

    def rule(self, name):
        status, answer, _ = self.ask("GET", f"/v1/rules/{name}")
        assert status == 200, answer
        return answer

    def draft(self, name, when, then="review", key=None, **more):
        status, answer, _ = self.ask("POST", "/v1/rules", {"name": name, "when": when, "then": then, **more}, key)
        assert status == 201, answer
        return answer

    def step(self, name, what, key=None, status=200, **body):
        got, answer, _ = self.ask("POST", f"/v1/rules/{name}:{what}", body, key)
        if got == 202 and status == 200:
            assert self.job(answer["id"])["state"] == "done"
            return self.rule(name)
        assert got == status, (got, answer)
        return answer

    def put_live(self, name, when, then="review", what="live"):
        version = self.draft(name, when, then)["version"]
        self.step(name, "approve", version=version)
        return self.step(name, what)

    def job(self, id, most_s=30):
        until = time.monotonic() + most_s
        while time.monotonic() < until:
            job = self.ask("GET", f"/v1/jobs/{id}")[1]
            if job["state"] != "running":
                return job
            time.sleep(0.02)
        pytest.fail("the job does not end")

    def decide(self, id, amount, customer="c1", minute=0, query=""):
        event = {"id": id, "at": f"2018-04-02T00:{minute:02}:00Z", "customer": customer, "amount": amount}
        status, answer, _ = self.ask("POST", "/v1/decisions" + query, event)
        assert status == 200, answer
        return answer


@pytest.fixture
def start(binary, tmp_path):
    servers = []

    def call(**more):
        servers.append(Server(binary, tmp_path, **more))
        return servers[-1]

    yield call
    for s in servers:
        if s.process.poll() is None:
            s.stop(signal.SIGKILL)


def run(binary, folder, *arguments, exit=0):
    done = subprocess.run([binary, *map(str, arguments)], cwd=folder, capture_output=True, text=True, env=clean())
    assert done.returncode == exit, (arguments, done.returncode, done.stdout, done.stderr)
    return done


def replayed(binary, folder):
    told = json.loads(run(binary, folder, "replay", "--json").stdout)
    assert told["different"] == 0, told
    return told


def names(rules):
    return {r["name"]: r["state"] for r in rules}


def test_life_of_a_rule(start, binary, tmp_path):
    (tmp_path / "assay.yaml").write_text(test_access.SETTINGS + ALONE)
    ann, bob = make_key(binary, tmp_path, "analyst"), make_key(binary, tmp_path, "engineer")
    viewer = make_key(binary, tmp_path, "viewer")
    s = start(key=bob)
    assert names(s.ask("GET", "/v1/rules")[1]["rules"]) == {"BIG": "live"}
    first = s.draft("ROUND", "amount % 10 = 0 and amount > 90", text="a round sum", note="seen on Monday", key=ann)
    assert (first["state"], first["version"], first["origin"], first["in_force"]) == ("draft", 1, "api", None)
    assert first["note"] == "seen on Monday" and first["text"] == "a round sum" and first["approver"] is None
    assert s.decide("d1", 100)["rules"] == []

    # tests on given events, then approval by somebody else who has read this version
    tests = [
        {"event": {"id": "t", "at": "2018-04-02T00:00:00Z", "customer": "c1", "amount": 100}, "expect": {"fires": True}},
        {"event": {"id": "t", "at": "2018-04-02T00:00:00Z", "customer": "c1", "amount": 600},
         "expect": {"fires": True, "rules": ["BIG"], "outcome": "review"}},
        {"name": "wrong", "event": {"id": "t", "at": "2018-04-02T00:00:00Z", "customer": "c1", "amount": 7},
         "expect": {"fires": True, "outcome": "decline"}},
    ]
    told = s.step("ROUND", "test", key=ann, tests=tests)
    assert (told["run"], told["failed"]) == (3, 2) and [t["fires"] for t in told["tests"]] == [True, True, False]
    assert told["tests"][2]["differences"] == [{"item": "outcome", "expected": "decline", "found": "approve"}]
    assert s.rule("ROUND")["tested"]["failed"] == 2
    s.step("ROUND", "test", status=422, tests=[{"event": {"id": "t"}, "expect": {"rules": ["NONE"]}}])
    assert s.ask("POST", "/v1/rules/ROUND:approve", {"version": 1}, ann)[0] == 403
    assert s.ask("POST", "/v1/rules", {"name": "X", "when": "true", "then": "review"}, viewer)[0] == 403
    assert "version" in s.step("ROUND", "approve", status=422)["detail"]
    s.step("ROUND", "live", status=409)
    seen = s.ask("GET", "/v1/rules/ROUND")[2]["ETag"]
    s.draft("ROUND", "amount % 100 = 0", key=bob, note="stricter")
    status, problem, _ = s.ask("POST", "/v1/rules/ROUND:approve", {"version": 2}, headers={"If-Match": seen})
    assert status == 412, problem
    assert "another person" in s.step("ROUND", "approve", status=409, version=2)["detail"]
    s.step("ROUND", "approve", status=409, version=1)  # replaced
    s.draft("ROUND", "amount % 100 = 0", key=ann)
    approved = s.step("ROUND", "approve", version=3, note="fine")
    assert approved["state"] == "approved" and approved["approver"]["id"] != approved["author"]["id"]
    assert s.decide("d2", 100)["outcome"] == "approve"

    # shadow: recorded, changes nothing; live: decides; retired: gone
    s.step("ROUND", "shadow")
    shadowed = s.decide("d3", 200)
    assert (shadowed["outcome"], shadowed["rules"]) == ("approve", []) and "shadow_rules" not in shadowed
    shown = s.ask("GET", "/v1/decisions/d3")[1]
    assert shown["shadow_rules"] == ["ROUND"] and shown["rules"] == []
    assert 'assay_rule_hits_total{rule="ROUND",shadow="true"} 1' in s.ask("GET", "/metrics")[1]
    live = s.step("ROUND", "live", note="it is right")
    assert live["in_force"] == {"version": 3, "state": "live"} and live["note"] == "it is right"
    assert s.decide("d4", 200)["rules"] == ["ROUND"] and s.decide("d5", 300)["outcome"] == "review"
    rules = {r["name"]: r for r in s.ask("GET", "/v1/rules")[1]["rules"]}
    assert rules["ROUND"]["hits"] == 3 and rules["BIG"]["hits"] == 0 and rules["BIG"]["origin"] == "settings"
    assert [v["state"] for v in s.rule("ROUND")["versions"]] == ["live", "replaced", "replaced"]
    assert s.ask("GET", "/v1/decisions?rule=ROUND")[0] == 200

    # a newer version in the place of the one in force; restart; retire
    s.draft("ROUND", "amount % 100 = 0 and amount > 250", "decline", key=ann)
    assert s.rule("ROUND")["in_force"]["version"] == 3 and s.decide("d6", 200)["rules"] == ["ROUND"]
    s.step("ROUND", "approve", version=4)
    s.step("ROUND", "shadow", status=409)
    s.step("ROUND", "live")
    assert s.decide("d7", 200)["rules"] == [] and s.decide("d8", 300)["outcome"] == "decline"
    assert s.stop() == 0
    s = start(key=bob)
    assert s.decide("d9", 300)["outcome"] == "decline" and s.rule("ROUND")["in_force"]["version"] == 4
    gone = s.step("ROUND", "retire", key=ann, note="over")
    assert gone["state"] == "retired" and gone["in_force"] is None
    assert s.decide("d10", 300)["outcome"] == "approve"
    s.step("ROUND", "retire", status=409)
    s.step("BIG", "retire", status=409)
    s.step("NONE", "retire", status=404)
    assert s.stop() == 0
    assert replayed(binary, tmp_path)["decisions"] == 10


BAD = [
    ({"name": "R", "when": "amount >", "then": "review"}, "/when", "1:"),
    ({"name": "R", "when": "amonut > 5", "then": "review"}, "/when", "amount"),
    ({"name": "R", "when": "amount + 5", "then": "review"}, "/when", "1:"),
    ({"name": "R", "when": "amount > 5", "then": "refuse"}, "/then", "refuse"),
    ({"name": "R", "when": "", "then": "review"}, "/when", "1 to 4096"),
    ({"name": "R", "when": "true " + " " * 4096, "then": "review"}, "/when", "4096"),
    ({"name": "R", "when": "amount > 5", "then": "review", "text": "x" * 513}, "/text", "512"),
    ({"name": "", "when": "amount > 5", "then": "review"}, "/name", "letters"),
    ({"name": "a/b", "when": "amount > 5", "then": "review"}, "/name", "letters"),
    ({"name": "approval", "when": "amount > 5", "then": "review"}, "/name", "approval"),
    ({"name": "x" * 101, "when": "amount > 5", "then": "review"}, "/name", "100"),
    ({"when": "amount > 5", "then": "review"}, "/name", "letters"),
]


def test_bad_drafts_are_refused(start):
    s = start(approval="none")
    for body, pointer, word in BAD:
        status, problem, _ = s.ask("POST", "/v1/rules", body)
        assert status == 422, (body, problem)
        assert problem["errors"][0]["pointer"] == pointer, problem
        assert word in problem["errors"][0]["detail"], problem
    status, problem, _ = s.ask("POST", "/v1/rules", {"name": "BIG", "when": "amount > 5", "then": "review"})
    assert status == 409 and "settings have a rule of this name" in problem["detail"], problem
    status, problem, _ = s.ask("POST", "/v1/rules", {"name": "R", "when": 5, "then": "review"})
    assert status == 422
    draft = {"name": "R", "when": "amount > 5", "then": "review"}
    assert s.ask("POST", "/v1/rules?dry_run=true", draft)[:2] == (200, {})
    status, problem, _ = s.ask("POST", "/v1/rules?dry_run=true", {**draft, "when": "amuont > 5"})
    assert status == 422 and problem["errors"][0]["detail"].startswith("1:1: "), problem
    assert len(s.ask("GET", "/v1/rules")[1]["rules"]) == 1
    s.draft("R", "amount > 5")
    assert s.ask("POST", "/v1/rules", {"name": "R", "when": "amount > 6", "then": "review"},
                 headers={"If-None-Match": "*"})[0] == 412
    assert s.ask("POST", "/v1/rules/R:approve", {"version": 7})[0] == 404
    assert s.ask("POST", "/v1/rules/R:approve", {"version": 1, "more": 1})[0] == 422
    assert len(s.ask("GET", "/v1/rules")[1]["rules"]) == 2


def test_nobody_is_no_second_person(start):
    s = start()
    s.draft("R", "amount > 5")
    assert "approval: none" in s.step("R", "approve", status=409, version=1)["detail"]


def test_a_new_window_is_warm_and_traffic_goes_on(start, binary, tmp_path):
    """Going live while events come: each decision is by one plan, and replays to the bit."""
    s = start(approval="none")
    stop, failures, decided = threading.Event(), [], []

    def play(thread):
        n = 0
        while not stop.is_set():
            try:
                decided.append(s.decide(f"p{thread}-{n}", n % 60, f"c{n % 7}", n % 60))
            except Exception as e:  # noqa: BLE001
                failures.append(e)
                return
            n += 1

    players = [threading.Thread(target=play, args=(i,)) for i in range(3)]
    for p in players:
        p.start()
    s.put_live("MANY", "count() by customer over 2d > 100")
    s.put_live("LOW", "amount < 5 and count() by customer over 30m > 0", "decline", "shadow")
    reloaded = s.ask("POST", "/v1/settings:reload", {})
    assert reloaded[0] == 200 and reloaded[1]["result"]["changed"] is False, reloaded
    s.step("LOW", "live")
    s.step("MANY", "retire")
    s.put_live("MANY", "count() by customer over 2d > 150")
    time.sleep(0.1)
    stop.set()
    for p in players:
        p.join()
    assert not failures and len(decided) > 50
    # 1200 events of history, 7 customers: over 170 each within two days
    assert s.decide("w1", 50, "c3", 59)["rules"] == ["MANY"]
    answers = {d["id"]: d for d in decided}
    assert s.stop() == 0
    told = replayed(binary, tmp_path)
    assert told["decisions"] == len(answers) + 1 and told["plans"] >= 5, told
    s = start(approval="none")
    assert s.decide("w2", 50, "c3", 59)["rules"] == ["MANY"]
    for id in list(answers)[:: max(1, len(answers) // 20)]:
        shown = s.ask("GET", f"/v1/decisions/{id}")[1]
        assert {k: shown[k] for k in ("outcome", "rules", "plan")} == {k: answers[id][k] for k in ("outcome", "rules", "plan")}
    assert s.stop() == 0
    run(binary, tmp_path, "rebuild")


def test_files_are_scored_by_what_is_in_force(start, binary, tmp_path):
    """`assay score` and `top` decide as the service does, rules of the API with it; the settings alone where asked."""
    s = start(approval="none")
    s.put_live("ODD", "amount >= 100 and amount <= 200 and count() by customer over 2d > 1", "decline")
    s.put_live("QUIET", "amount > 0", "decline", "shadow")
    amounts = [20, 150, 150, 600, 150, 90]
    answers = {f"f{i}": s.decide(f"f{i}", a, "cz", i)["outcome"] for i, a in enumerate(amounts)}
    assert s.stop() == 0
    (tmp_path / "new.csv").write_text("id,at,customer,amount\n" + "".join(
        f"f{i},2018-04-02T00:{i:02}:00Z,cz,{a}\n" for i, a in enumerate(amounts)))

    def outcomes(*more):
        told = json.loads(run(binary, tmp_path, "score", "--after", "tx.csv", "new.csv", "-o", "out.csv", "--json", *more).stdout)
        with open(tmp_path / "out.csv") as f:
            return {r["id"]: r["outcome"] for r in csv.DictReader(f)}, told["decisions_sha256"]

    found, digest = outcomes()
    assert found == answers and list(found.values()) == ["approve", "decline", "decline", "review", "decline", "approve"]
    assert digest == replayed(binary, tmp_path)["decisions_sha256"]
    alone, other = outcomes("--settings-only")
    assert list(alone.values()) == ["approve"] * 3 + ["review"] + ["approve"] * 2 and other != digest
    for more, wanted in (((), "decline"), (("--settings-only",), "review")):
        top = json.loads(run(binary, tmp_path, "top", "new.csv", "--after", "tx.csv", "--json", *more).stdout)
        assert wanted in json.dumps(top) and ("decline" in json.dumps(top)) is (wanted == "decline")


def test_the_control_log_wins(start, binary, tmp_path):
    """Killed between the record and the plan, which takes long as it needs a new window: in force at the next start."""
    s = start(approval="none", more="reload: {rate: 100}\n")
    s.draft("MANY", "count() by customer over 2d > 100")
    s.step("MANY", "approve", version=1)
    job = s.step("MANY", "live", status=202)
    assert job["state"] == "running" and s.rule("MANY")["state"] == "live"
    assert s.decide("k1", 1)["rules"] == []  # the new window is not there yet
    s.stop(signal.SIGKILL)
    s = start(approval="none")
    assert s.decide("k2", 1)["rules"] == ["MANY"]
    assert s.stop() == 0
    assert replayed(binary, tmp_path)["plans"] == 2


def test_a_rule_that_no_longer_compiles(start, binary, tmp_path):
    s = start(approval="none")
    s.put_live("LOW", "amount < 5")
    path = tmp_path / "assay.yaml"
    before = path.read_text()

    def refused(text, *words):
        path.write_text(text)
        status, problem, _ = s.ask("POST", "/v1/settings:reload", {})
        assert status == 422 and all(w in problem["detail"] for w in words), problem
        checked = run(binary, tmp_path, "check", exit=1).stderr
        assert all(w in checked for w in words), checked
        assert s.decide("x", 1)["rules"] == ["LOW"]  # as it was: the same answer again

    refused(before.replace("  BIG:", "  LOW:"), "rules.LOW", "the API")
    path.write_text(before.replace("features:\n", "features:\n  fresh: amount * 2\n"))
    assert s.ask("POST", "/v1/settings:reload", {})[0] == 200
    s.put_live("FRESH", "fresh > 5000")
    refused(before, "rules.FRESH.when", "came over the API")
    assert s.stop() == 0
    refusal = run(binary, tmp_path, "serve", "--port", "0", exit=1).stderr
    assert "rules.FRESH" in refusal
    run(binary, tmp_path, "rule", "retire", "FRESH", "--note", "so that it starts")
    assert "rules.FRESH" not in run(binary, tmp_path, "check").stderr
    s = start(approval="none")
    assert s.decide("y", 1)["rules"] == ["LOW"] and s.rule("FRESH")["changed_by"]["kind"] == "console"


def test_backtest_of_a_version(start):
    s = start(approval="none")
    s.draft("LOW", "amount < 5")
    s.draft("LOW", "amount < 10")
    for version, hits in ((1, 120), (2, 240)):
        status, job, _ = s.ask("POST", "/v1/rules/LOW:backtest", {"version": version})
        assert status == 200, job
        assert job["result"]["rules"][0]["hits"]["events"] == hits, job
    s.step("LOW", "approve", version=2)
    s.step("LOW", "live")
    job = s.ask("POST", "/v1/rules:backtest", {"rules": {"LOW": {"when": "amount < 1", "then": "review"}}})[1]
    assert job["result"]["rules"][0]["replaces"] is True, job


def test_commands(start, binary, tmp_path):
    s = start(approval="none")
    ask = ("--url", s.url)
    run(binary, tmp_path, "rule", "draft", "LOW", "--when", "amount < 5", "--then", "review", "--note", "try", *ask)
    assert "1:" in run(binary, tmp_path, "rule", "draft", "BAD", "--when", "amount <", "--then", "review", *ask, exit=1).stderr
    run(binary, tmp_path, "rule", "approve", "LOW@1", *ask)
    run(binary, tmp_path, "rule", "shadow", "LOW", *ask)
    run(binary, tmp_path, "rule", "live", "LOW", *ask)
    assert s.decide("c1", 1)["rules"] == ["LOW"]
    shown = run(binary, tmp_path, "rule", "show", "LOW", *ask).stdout
    assert "amount < 5" in shown and "live" in shown
    told = json.loads(run(binary, tmp_path, "rule", "backtest", "LOW", "--json", *ask).stdout)
    assert told["result"]["rules"][0]["hits"]["events"] == 121
    listed = json.loads(run(binary, tmp_path, "rule", "list", "--json", *ask).stdout)
    assert names(listed["rules"]) == {"BIG": "live", "LOW": "live"}
    assert s.stop() == 0
    listed = json.loads(run(binary, tmp_path, "rule", "list", "--json").stdout)
    assert names(listed["rules"]) == {"BIG": "live", "LOW": "live"}
    assert "amount < 5" in run(binary, tmp_path, "rule", "show", "LOW").stdout
    run(binary, tmp_path, "rule", "show", "NONE", exit=1)
    run(binary, tmp_path, "rule", "approve", "LOW", exit=2)
