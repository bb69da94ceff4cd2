"""Lists with expiry: in files, over HTTP, in replay and after a kill the same; commands, routes and bad input."""

import csv
import datetime
import http.client
import json
import pathlib
import random
import sys
import urllib.parse

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))
from playing import Home, Server, ndjson_of  # noqa: E402

SETTINGS = """
name: lists
sources:
  transactions: {{file: {events}, fields: {{merchant: text, code: int}}}}
event: {{id: id, time: at, lateness: 2h}}
entities: {{customer: customer}}
lists:
  blocked: {{description: merchants that are refused{blocked}}}
  codes: {{type: int{codes}}}
  short: {{expires: 30d}}
features:
  amount: amount
  is_blocked: merchant in list(blocked)
  blocked_3d: count() by customer over 3d where (merchant in list(blocked))
  was_blocked: prev(merchant) by customer in list(blocked)
  has_code: if(code in list(codes), 1, 0)
rules:
  BLOCKED: {{when: merchant in list(blocked), then: decline}}
  CODE: {{when: code in list(codes) and merchant not in list(short), then: review}}
model: none
"""
NO_SYNC = ("log.sync=false",)
EVENTS, HISTORY, CHANGES = 1500, 400, 120
START = datetime.datetime(2024, 3, 1)


def iso(seconds):
    return (START + datetime.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def random_events(rng):
    """(seconds, customer, merchant, code), some of them at one time."""
    now, out = 0, []
    for _ in range(EVENTS):
        now += rng.choice([0, 60, 600, 3600])
        out.append((now, f"c{rng.randrange(12)}", rng.choice(["", *(f"m{k}" for k in range(9))]), rng.randrange(20)))
    return out


def random_changes(rng, events):
    """(place, list, value, remove, expires): just before the event at `place`, which is later than the one before it."""
    places = [i for i in range(1, EVENTS) if events[i][0] > events[i - 1][0]]
    out = []
    for place in sorted(rng.choice(places) for _ in range(CHANGES)):
        name = rng.choice(["blocked", "blocked", "codes"])
        value = f"m{rng.randrange(9)}" if name == "blocked" else str(rng.randrange(20))
        expires = events[place][0] + rng.randrange(1, 40000) if rng.random() < 0.6 else None
        out.append((place, name, value, rng.random() < 0.3, expires))
    return out


def oracle(events, changes):
    """Rules that hold for each event, from the events' own times."""
    lists, out, at = {"blocked": {}, "codes": {}}, [], 0
    for i, (now, _, merchant, code) in enumerate(events):
        while at < len(changes) and changes[at][0] <= i:
            _, name, value, remove, expires = changes[at]
            lists[name].pop(value, None)
            if not remove:
                lists[name][value] = expires
            at += 1

        def holds(name, value):
            return value in lists[name] and (lists[name][value] is None or now < lists[name][value])

        out.append("decline" if holds("blocked", merchant) else "review" if merchant and holds("codes", str(code)) else "approve")
    return out


class World:
    def __init__(self, binary, folder, seed):
        rng = random.Random(seed)
        self.binary, self.folder = binary, folder
        self.events = random_events(rng)
        self.changes = random_changes(rng, self.events)
        self.outcomes = oracle(self.events, self.changes)
        self.write(folder / "history.csv", 0, HISTORY)
        self.rest = self.write(folder / "rest.csv", HISTORY, EVENTS)
        self.lines = ndjson_of(self.rest, folder / "rest.ndjson")
        for name in ("blocked", "codes"):
            self.write_changes(folder / f"{name}.csv", name, self.changes)
            self.write_changes(folder / f"{name}-old.csv", name, [c for c in self.changes if c[0] < HISTORY])
        self.whole = self.settings("whole", ", file: {}.csv")
        self.old = self.settings("old", ", file: {}-old.csv")
        self.hash = self.home("file", self.whole).score(self.rest, folder / "history.csv")

    def write(self, path, first, last):
        with open(path, "w", newline="") as f:
            out = csv.writer(f)
            out.writerow(["id", "at", "customer", "merchant", "code", "amount"])
            for i in range(first, last):
                at, customer, merchant, code = self.events[i]
                out.writerow([f"e{i}", iso(at), customer, merchant, code, f"{i}.25"])
        return path

    def write_changes(self, path, name, changes):
        with open(path, "w", newline="") as f:
            out = csv.writer(f)
            out.writerow(["value", "at", "expires", "op"])
            for place, of, value, remove, expires in changes:
                if of == name:
                    end = "" if remove else "never" if expires is None else iso(expires)
                    out.writerow([value, iso(self.events[place][0]), end, "remove" if remove else ""])

    def settings(self, name, file):
        path = self.folder / f"{name}.yaml"
        words = {n: file.format(n) if file else "" for n in ("blocked", "codes")}
        path.write_text(SETTINGS.format(events="history.csv", **words))
        return path

    def home(self, name, settings=None, *sets):
        return Home(self.binary, settings or self.old, self.folder / name, *NO_SYNC, *sets)

    def play(self, server, first, last, batch):
        """Events [first, last) with the changes between them where they belong."""
        at = first
        for place, name, value, remove, expires in self.changes:
            if not first <= place < last:
                continue
            if place > at:
                server.play(self.lines, at - HISTORY, place - at, batch)
                at = place
            entry = {"value": value, "remove": True} if remove else {"value": value}
            if expires is not None and not remove:
                entry["expires"] = iso(expires)
            status, answer = ask(server, "POST", f"/v1/lists/{name}/entries", entry)
            assert status == 200, answer
        server.play(self.lines, at - HISTORY, last - at, batch)


def ask(server, method, path, body=None, content_type="application/json"):
    c = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    sent = body if body is None or isinstance(body, (str, bytes)) else json.dumps(body)
    c.request(method, path, sent, {"Content-Type": content_type} if body is not None else {})
    answer = c.getresponse()
    words = answer.read()
    c.close()
    return answer.status, json.loads(words)


@pytest.fixture(scope="module")
def world(binary, tmp_path_factory):
    return World(binary, tmp_path_factory.mktemp("lists"), 5)


def outcomes_of(home):
    return [r["outcome"] for r in home.decisions()]


def test_the_file_agrees_with_the_oracle(world):
    with open(world.folder / "file.scores.csv") as f:
        found = [row["outcome"] for row in csv.DictReader(f)]
    assert found == world.outcomes[HISTORY:]
    assert {"approve", "review", "decline"} == set(found)


@pytest.mark.parametrize("threads,batch", [(1, 0), (2, 16)])
def test_http_and_replay_are_the_file(world, threads, batch):
    h = world.home(f"http-{threads}", None, f"server.threads={threads}")
    with Server(h) as server:
        assert server.started["history_events"] == HISTORY
        world.play(server, HISTORY, EVENTS, batch)
    assert outcomes_of(h) == world.outcomes[HISTORY:]
    assert h.replay()["decisions_sha256"] == world.hash
    assert h.verify()["whole"]


def test_killed_and_restored(world):
    """Killed three times; once from snapshots, once without them, once in the middle of changes."""
    h = world.home("killed", None, "snapshot.every=1s")
    at = HISTORY
    for i, upto in enumerate((700, 1000, 1300)):
        server = Server(h)
        world.play(server, at, upto, 8)
        entries = ask(server, "GET", "/v1/lists/blocked?limit=1000")[1]["items"]
        server.kill()
        for snapshot in h.snapshots if i == 1 else []:
            snapshot.unlink()
        with Server(h) as server:
            assert ask(server, "GET", "/v1/lists/blocked?limit=1000")[1]["items"] == entries
        at = upto
    with Server(h) as server:
        world.play(server, at, EVENTS, 0)
    assert h.replay()["decisions_sha256"] == world.hash


def test_late_events_are_judged_as_of_their_own_time(world, tmp_path):
    h = world.home("late", world.settings("none", ""))
    now = datetime.datetime(2024, 5, 1)

    def event(i, hours):
        at = now + datetime.timedelta(hours=hours)
        return {"id": f"l{i}", "at": at.strftime("%Y-%m-%dT%H:%M:%SZ"), "customer": "c", "merchant": "x"}

    expires = (now + datetime.timedelta(hours=10)).strftime("%Y-%m-%dT%H:%M:%SZ")
    wanted = [(9.9, "decline"), (10, "approve"), (9.5, "decline"), (12, "approve"), (10.5, "approve"), (9.99, "approve")]
    with Server(h, "--no-history") as server:
        ask(server, "POST", "/v1/lists/blocked/entries", {"value": "x", "expires": expires})
        found = [ask(server, "POST", "/v1/decisions", event(i, hours))[1] for i, (hours, _) in enumerate(wanted)]
        dry = ask(server, "POST", "/v1/decisions?dry_run=true", event(99, 9.9))[1]
        ahead = ask(server, "POST", "/v1/decisions", {**event(100, 0), "at": "2199-01-01T00:00:00Z", "merchant": "y"})[1]
        ask(server, "POST", "/v1/lists/blocked/entries", {"value": "z", "expires": "2024-05-02T00:00:00Z"})
        future = ask(server, "POST", "/v1/decisions", {**event(101, 0), "at": "2199-01-01T00:00:00Z", "merchant": "z"})[1]
    assert [d["outcome"] for d in found] == [outcome for _, outcome in wanted]
    assert dry["outcome"] == "approve"  # too late: as of the oldest time that may be late, 10:00
    assert (ahead["outcome"], future["outcome"]) == ("approve", "decline")
    h.replay()


def test_a_changed_file_is_taken_in_again(world):
    folder = world.folder / "changing"
    folder.mkdir()
    (folder / "history.csv").write_bytes((world.folder / "history.csv").read_bytes())
    settings = folder / "assay.yaml"
    settings.write_text(SETTINGS.format(events="history.csv", blocked=", file: blocked.csv", codes=""))
    file = folder / "blocked.csv"
    file.write_text("value,note\nm1,one\nm2,\nm3,\n")
    h = Home(world.binary, settings, folder / "data", *NO_SYNC)

    def values(server):
        items = ask(server, "GET", "/v1/lists/blocked?limit=100")[1]["items"]
        return {i["value"]: (i["by"], i["note"]) for i in items}

    with Server(h) as server:
        assert values(server) == {"m1": ("file", "one"), "m2": ("file", ""), "m3": ("file", "")}
        ask(server, "POST", "/v1/lists/blocked/entries?by=ana", [{"value": "m3", "remove": True}, {"value": "h1"}])
    with Server(h) as server:
        assert set(values(server)) == {"m1", "m2", "h1"}, "the file did not change, so neither does the list"
    file.write_text("value,note\nm1,uno\nm3,\nm4,\n")
    with Server(h) as server:
        assert values(server) == {"m1": ("file", "uno"), "m3": ("file", ""), "m4": ("file", ""), "h1": ("ana", "")}
        seqs = [i["seq"] for i in ask(server, "GET", "/v1/lists/blocked?limit=100")[1]["items"]]
    assert seqs == sorted(seqs)
    file.write_text("value,at\nm9,2199-01-01\n")
    process = h.popen("serve", "--port", "0", stderr=-1, text=True)
    _, words = process.communicate()
    assert process.returncode == 1
    assert "lists.blocked.file" in words and "blocked.csv:2: at: " in words and "in the future" in words


# ---- routes


@pytest.fixture(scope="module")
def served(world):
    h = world.home("routes", world.settings("routes", ""))
    server = Server(h, "--no-history")
    yield server
    server.stop()
    h.replay()


def test_entries_come_and_go(served):
    path = "/v1/lists/blocked/entries"
    assert ask(served, "GET", "/v1/lists")[1]["lists"][0] == {
        "name": "blocked", "type": "text", "description": "merchants that are refused", "expires": None, "entries": 0,
    }
    first = ask(served, "POST", path + "?by=ana", [{"value": "a", "note": "n"}, {"value": "b", "expires": "2031-01-01"}])
    assert first[0] == 200 and [r["result"] for r in first[1]["results"]] == ["added", "added"]
    again = ask(served, "POST", path, [{"value": "a", "note": "n"}, {"value": "b", "expires": "2031-01-01"}])[1]
    assert [r["result"] for r in again["results"]] == ["unchanged", "unchanged"] and again["seq"] is None
    assert ask(served, "POST", path, {"value": "a"})[1]["results"][0]["result"] == "replaced"
    items = ask(served, "GET", "/v1/lists/blocked")[1]["items"]
    assert [(i["value"], i["by"], i["note"], i["expires"]) for i in items] == [
        ("b", "ana", "", "2031-01-01T00:00:00Z"), ("a", "api", "", None),
    ]
    assert ask(served, "DELETE", path + "/a?by=bo&note=why")[1]["results"] == [{"value": "a", "result": "removed"}]
    gone = ask(served, "DELETE", path + "/a")
    assert gone[0] == 200 and gone[1]["results"][0]["result"] == "absent" and gone[1]["seq"] is None
    assert ask(served, "DELETE", path + "/b")[1]["entries"] == 0


def test_pages_have_every_entry_once(served):
    values = [f"p{i}" for i in range(2500)]
    for first in range(0, 2500, 1000):
        ask(served, "POST", "/v1/lists/short/entries", [{"value": v} for v in values[first : first + 1000]])
    seen, cursor = [], ""
    while cursor is not None:
        page = ask(served, "GET", f"/v1/lists/short?limit=321{cursor and '&cursor='}{cursor}")[1]
        seen += [i["value"] for i in page["items"]]
        cursor = page["next"]
        if len(seen) == 642:  # what goes or comes meanwhile does not move the others
            ask(served, "DELETE", "/v1/lists/short/entries/p3")
            ask(served, "DELETE", "/v1/lists/short/entries/p700")
    assert seen == [v for v in values if v != "p700"]
    assert page["entries"] == 2498 and page["items"][0]["expires"] is not None, "the list's own expiry"


@pytest.mark.parametrize(
    "value",
    ["a/b", "../../etc", "a?b=c&d", "%2F", "é\u202e", "\u0001\n\r\t", '"\\', "' or 1=1", " ", "x" * 1024, "\U0001f4a9", "null", "none"],
)
def test_values_may_be_any_text(served, value):
    path = "/v1/lists/blocked/entries"
    status, answer = ask(served, "POST", path, {"value": value, "note": value[:500]})
    assert status == 200 and answer["results"][0] == {"value": value, "result": "added", "expires": None}
    assert ask(served, "GET", "/v1/lists/blocked")[1]["items"][-1]["value"] == value
    event = {"id": f"v{hash(value)}", "at": iso(9e7), "customer": "c", "merchant": value}
    assert ask(served, "POST", "/v1/decisions", event)[1]["outcome"] == "decline"
    status, answer = ask(served, "DELETE", f"{path}/{urllib.parse.quote(value, safe='')}")
    assert status == 200 and answer["results"] == [{"value": value, "result": "removed"}]


@pytest.mark.parametrize(
    "method,path,body,status,words",
    [
        ("GET", "/v1/lists/nope", None, 404, "there are: blocked, codes, short"),
        ("POST", "/v1/lists/nope/entries", {"value": "a"}, 404, "no list"),
        ("GET", "/v1/lists/bloc%0aked", None, 404, "no list"),
        ("GET", "/v1/lists/blocked?limit=0", None, 400, "limit"),
        ("GET", "/v1/lists/blocked?cursor=1.2.3", None, 400, "cursor"),
        ("GET", "/v1/lists/blocked?cursor=x", None, 400, "cursor"),
        ("POST", "/v1/lists/blocked", {}, 405, "GET, HEAD"),
        ("GET", "/v1/lists/blocked/entries/a", None, 404, "no list"),
        ("DELETE", "/v1/lists/codes/entries/x", None, 422, "type int"),
        ("POST", "/v1/lists/blocked/entries", "[]", 422, "1 to 1000"),
        ("POST", "/v1/lists/blocked/entries", [{"value": "a"}] * 1001, 413, "1 to 1000"),
        ("POST", "/v1/lists/blocked/entries", "{", 400, ""),
        ("POST", "/v1/lists/blocked/entries", "[3]", 422, '"/0"'),
        ("POST", "/v1/lists/blocked/entries", {"value": ""}, 422, '"/value"'),
        ("POST", "/v1/lists/blocked/entries", {"value": None}, 422, '"/value"'),
        ("POST", "/v1/lists/blocked/entries", {"value": "x" * 1025}, 422, "1024"),
        ("POST", "/v1/lists/codes/entries", [{"value": 1}, {"value": "seven"}], 422, '"/1/value"'),
        ("POST", "/v1/lists/codes/entries", [{"value": 1.5}], 422, '"/0/value"'),
        ("POST", "/v1/lists/blocked/entries", {"value": "a", "expires": "soon"}, 422, '"/expires"'),
        ("POST", "/v1/lists/blocked/entries", {"value": "a", "expires": 7}, 422, '"/expires"'),
        ("POST", "/v1/lists/blocked/entries", {"value": "a", "expires": "-7d"}, 422, '"/expires"'),
        ("POST", "/v1/lists/blocked/entries", {"value": "a", "remove": True, "expires": "7d"}, 422, '"/expires"'),
        ("POST", "/v1/lists/blocked/entries", {"value": "a", "note": "n" * 513}, 422, '"/note"'),
        ("POST", "/v1/lists/blocked/entries", {"value": "a", "ttl": 3}, 422, '"/ttl"'),
        ("POST", "/v1/lists/blocked/entries?by=", {"value": "a"}, 400, "by"),
        ("POST", "/v1/lists/blocked/entries?who=x", {"value": "a"}, 400, "who"),
    ],
)
def test_bad_requests_say_what_is_wrong(served, method, path, body, status, words):
    before = ask(served, "GET", "/v1/lists")[1]
    found, answer = ask(served, method, path, body)
    assert (found, answer["status"]) == (status, status)
    assert words in json.dumps(answer)
    assert ask(served, "GET", "/v1/lists")[1] == before, "all or nothing"


# ---- commands


def test_commands(world, tmp_path):
    h = world.home("commands", world.settings("commands", ""))
    with Server(h, "--no-history") as server:
        url = ("--url", f"http://127.0.0.1:{server.port}")

        def run(*words, code=0):
            return h.run("list", *words, *url, code=code)

        assert run("add", "codes", "007", "8", "--expires", "2031-01-01", "--note", "n", "--by", "ana") == "codes: 2 added\n"
        assert json.loads(run("add", "codes", "7", "9", "--json"))["added"] == 1
        assert run("remove", "codes", "8", "55") == "codes: 1 removed, 1 absent\n"
        shown = [json.loads(x) for x in run("show", "codes", "--json").splitlines()]
        assert {x["value"] for x in shown} == {"7", "9"}
        assert "merchants that are refused" in run("show")
        file = tmp_path / "in.csv"
        file.write_text('value,expires,note,op\nok,2031-01-01,"a ""b"", c",\ngone,,,add\ngone,,,remove\n" q, r ",never,,\n')
        assert run("import", "blocked", file, "--by", "desk") == "blocked: 3 added, 1 removed\n"
        out = tmp_path / "out.csv"
        run("export", "blocked", "-o", out)
        rows = list(csv.DictReader(open(out, newline="")))
        assert [(r["value"], r["expires"], r["note"], r["by"]) for r in rows] == [
            ("ok", "2031-01-01T00:00:00Z", 'a "b", c', "desk"), (" q, r ", "never", "", "desk"),
        ]
        assert run("import", "blocked", out) == "blocked: 2 unchanged\n"
        changes = list(csv.DictReader(run("export", "codes", "--changes").splitlines()))
        assert [(c["op"], c["value"]) for c in changes] == [
            ("add", "7"), ("add", "8"), ("add", "7"), ("add", "9"), ("remove", "8"), ("remove", "55"),
        ]
        records = [json.loads(x) for x in h.run("log", "show", "-n", "100").splitlines()]
        lists = [r for r in records if r["kind"] == "list"]
        assert lists[0]["by"] == "ana" and lists[0]["changes"][0]["add"] == "7" and lists[0]["list"] == "codes"
        assert "list       4" in h.run("log", "verify")
    h.run("list", "add", "codes", "1", "--url", "http://127.0.0.1:9", code=3)
    h.run("list", "show", "nope", code=1)
    h.run("list", "add", "codes", code=2)
    h.run("list", "fold", "codes", code=2)


def test_changes_of_the_log_feed_a_file(world, tmp_path):
    """What a service was told, exported, is what a file run is told: the same decisions."""
    h = world.home("exported", world.settings("exported", ""))
    events, lines = tmp_path / "now.csv", []

    def stamp():
        return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    with Server(h, "--no-history") as server:
        for i in range(40):
            merchant = f"m{i % 4}"
            if i % 5 == 0:
                ask(server, "POST", "/v1/lists/blocked/entries", {"value": merchant, "remove": i % 10 == 0})
            lines.append({"id": f"n{i}", "at": stamp(), "customer": "c", "merchant": merchant, "code": 1, "amount": 1.5})
            assert ask(server, "POST", "/v1/decisions", lines[-1])[0] == 200
        changes = h.run("list", "export", "blocked", "--changes")
    assert "approve" in outcomes_of(h) and "decline" in outcomes_of(h)
    with open(events, "w", newline="") as f:
        out = csv.DictWriter(f, lines[0].keys())
        out.writeheader()
        out.writerows(lines)
    (world.folder / "from-log.csv").write_text(changes)
    settings = world.folder / "from-log.yaml"
    settings.write_text(SETTINGS.format(events="history.csv", blocked=", file: from-log.csv", codes=""))
    assert world.home("from-log", settings).score(events) == h.replay()["decisions_sha256"]


def test_nobody_answers(world):
    h = world.home("nobody")
    process = h.popen("list", "show", "--url", "http://127.0.0.1:9", stderr=-1, text=True)
    _, words = process.communicate()
    assert process.returncode != 0 and "no service answers" in words and "assay serve" in words


# ---- settings and files


@pytest.mark.parametrize(
    "file,words",
    [
        ("m1\nm2\n", 'no column "value" or "blocked" (its first is "m1")'),
        ("value\n\n", "blocked.csv"),
        ("value,at\nm1,yesterday\n", "blocked.csv:2: at: expected a time"),
        ("value,expires\nm1,7d\n", "blocked.csv:2: expires: the entry expires some time after"),
        ("value,at,expires\nm1,2024-01-01,soon\n", "blocked.csv:2: expires: expected a duration"),
        ("value,op\nm1,\nm1,drop\n", "blocked.csv:3: op: expected add or remove"),
        ("value\n" + "x" * 1025 + "\n", "blocked.csv:2: value: expected a value of type text, 1 to 1024 bytes"),
        ("value,note\nm1," + "n" * 513 + "\n", "blocked.csv:2: note: over 512 bytes"),
        (None, "blocked.csv"),
    ],
)
def test_bad_files_are_refused_whole(run, write, file, words):
    if file is not None:
        write("blocked.csv", file)
    write("e.csv", "id,at,customer,merchant,code,amount\n1,2024-01-01,c,m,1,2\n2,2024-01-02,c,m,1,2\n")
    write("assay.yaml", SETTINGS.format(events="e.csv", blocked=", file: blocked.csv", codes=""))
    for command in (["check"], ["features", "-o", "out.csv"]):
        r = run(*command)
        assert r.exit != 0
        assert words in r.stderr and "lists.blocked.file" in r.stderr, r


@pytest.mark.parametrize(
    "settings,words",
    [
        ("lists: {'a b': text}\n", "lists.a b: expected a name of letters, digits and _"),
        ("lists: {a: real}\n", "lists.a.type"),
        ("lists: {a: {expires: 0s}}\n", "lists.a.expires"),
        ("lists: {a: {flie: x}}\n", 'did you mean "file"?'),
        ("lists: {ab: text}\nfeatures: {f: merchant in list(ac)}\n", "expected the name of a list: ab"),
        ("lists: {ab: int}\nfeatures: {f: merchant in list(ab)}\n", "expected int, as list(ab) holds, found text"),
    ],
)
def test_settings_are_checked(run, write, settings, words):
    write("e.csv", "id,at,merchant\n1,2024-01-01,m\n2,2024-01-02,m\n")
    write("assay.yaml", "sources: {transactions: e.csv}\nevent: {id: id, time: at}\nmodel: none\n" + settings)
    r = run("check")
    assert r.exit == 1 and words in r.stderr, r


def test_undated_entries_are_told(run, write):
    write("e.csv", "id,at,customer,merchant,code,amount\n1,2024-01-01,c,m,1,2\n2,2024-01-02,c,m,1,2\n")
    write("blocked.csv", "value,at\nm,\nn,2024-01-02\n")
    write("assay.yaml", SETTINGS.format(events="e.csv", blocked=", file: blocked.csv", codes=""))
    assert "2 rows in blocked.csv, 1 without `at`: from before the first event on" in run("check").stdout
    r = run("sql")
    assert r.exit == 1 and "list(blocked)" in r.stderr and "has no exact form" in r.stderr


def test_tests_have_their_own_lists(run, write):
    write("e.csv", "id,at,customer,merchant,code,amount\n1,2024-01-01,c,m,1,2\n2,2024-01-02,c,m,1,2\n")
    write("blocked.csv", "value,at\nfrom_file,2024-01-02\n")
    tests = """
tests:
  - name: of its own
    lists: {blocked: [m, x], codes: [7]}
    event: {at: 2024-01-05, merchant: m}
    expect: {outcome: decline, features: {is_blocked: true}}
  - name: instead of the file
    lists: {blocked: []}
    event: {at: 2024-01-05, merchant: from_file}
    expect: {outcome: approve}
  - name: as the file says
    history: [{at: 2024-01-01, customer: c, merchant: from_file}, {at: 2024-01-02, customer: c, merchant: from_file}]
    event: {at: 2024-01-03, customer: c, merchant: from_file}
    expect: {outcome: decline, features: {blocked_3d: 2}}
"""
    settings = SETTINGS.format(events="e.csv", blocked=", file: blocked.csv", codes="")
    path = write("assay.yaml", settings + tests)
    r = run("test")
    assert r.exit == 0 and r.stdout.count("ok  ") == 3, r
    path.write_text(settings + tests.replace("codes: [7]", "codes: [seven]"))
    r = run("test")
    assert r.exit == 1 and "tests.1.lists.codes" in r.stderr and "type int" in r.stderr, r
    path.write_text(settings + tests.replace("codes: [7]", "cods: [7]"))
    r = run("test")
    assert r.exit == 1 and "tests.1.lists.cods" in r.stderr and "is no list" in r.stderr, r
