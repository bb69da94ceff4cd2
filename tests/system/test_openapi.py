"""The API's description: it is valid, each answer that it names is given, real answers have the outlines that it
names, and requests made from it by chance find no failure of the server."""

import http.client
import json
import pathlib
import re
import sys
import time

import jsonschema
import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))
from described import Described, Maker  # noqa: E402
from test_serve import Server  # noqa: E402

SETTINGS = """
name: described
sources:
  transactions: {file: tx.csv}
event: {id: id, time: at, amount: amount, label: {field: fraud, delay: 1d}}
entities: {customer: customer, night: hour(at)}
features:
  n_1d: count() by customer over 1d
  by_night: count() by night over 1d
  amount: amount
lists: {blocked: {description: told, expires: 30d}, numbers: {type: int}}
rules:
  approval: none
  BIG: {when: amount > 500, then: review}
  MANY: {when: n_1d > 3, then: decline}
  LISTED: {when: customer in list(blocked), then: decline}
model: {kind: logistic}
outcomes: [approve, review, decline]
decision: {review: 300, decline: 800}
reload: {rate: 100}
server: {body: 64KiB}
rollups:
  by_day: {source: decisions, measures: {n: count(), worst: max(score)}, columns: {half: n / 2}}
"""
KINDS = """
name: kinds
sources: {pay: pay.csv, log: log.csv}
events:
  payment: {source: pay, id: id, time: at}
  login: {source: log, id: login_id, time: when, decide: false}
event: {amount: amount}
entities: {user: user}
features: {n: count(login) by user over 1d}
model: {kind: none}
"""


def rows():
    yield "id,at,customer,amount,fraud"
    for i in range(900):
        at = f"2018-04-{1 + i // 36:02}T{i % 24:02}:{i % 60:02}:00Z"
        yield f"h{i},{at},c{i % 37},{(i * 7919) % 900 if i % 9 else 950},{int(i % 9 == 0)}"


@pytest.fixture(scope="module")
def folder(binary, tmp_path_factory):
    import subprocess

    path = tmp_path_factory.mktemp("described")
    (path / "assay.yaml").write_text(SETTINGS)
    (path / "tx.csv").write_text("\n".join(rows()) + "\n")
    done = subprocess.run([binary, "train"], cwd=path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return path


@pytest.fixture(scope="module")
def server(binary, folder):
    server = Server(binary, folder)
    yield server
    assert server.stop() == 0, server.words()
    server.errors.close()


@pytest.fixture(scope="module")
def described(server):
    return Described(server.ask("GET", "/openapi.json")[1])


def ask(server, method, path, body=None, headers=None):
    """(status, headers, text)"""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    try:
        if isinstance(body, int):  # said to come; the answer does not wait for it
            headers, body = {**headers, "Content-Length": str(body)}, None
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        bytes_ = answer.read()
    finally:
        connection.close()
    if answer.headers.get("Content-Encoding") == "gzip":
        import gzip

        bytes_ = gzip.decompress(bytes_)
    return answer.status, answer.headers, bytes_.decode()


def test_the_document_is_valid(described):
    document = described.document
    assert re.fullmatch(r"3\.1\.\d+", document["openapi"])
    assert {"title", "version"} <= document["info"].keys()
    for name, outline in document["components"]["schemas"].items():
        assert re.fullmatch(r"[a-zA-Z0-9._-]+", name)
        jsonschema.Draft202012Validator.check_schema(outline)
    names = []
    for method, path, operation in described.operations():
        names.append(operation["operationId"])
        parameters = [described.resolve(p) for p in operation["parameters"]]
        assert len({(p["in"], p["name"]) for p in parameters}) == len(parameters)
        in_path = {p["name"] for p in parameters if p["in"] == "path"}
        assert in_path == set(re.findall(r"{(\w+)}", path)) and path.startswith("/")
        assert all(p["required"] for p in parameters if p["in"] == "path")
        for p in parameters:
            jsonschema.Draft202012Validator.check_schema(p["schema"])
        for status, answer in operation["responses"].items():
            assert status == "default" or re.fullmatch(r"[2345]\d\d", status)
            assert described.resolve(answer)["description"], (path, status)
        if method in ("GET", "DELETE"):
            assert "requestBody" not in operation
    assert len(set(names)) == len(names)

    def walk(thing):  # each reference leads somewhere
        if isinstance(thing, dict):
            if "$ref" in thing:
                described.resolve(thing)
            for below in thing.values():
                walk(below)
        elif isinstance(thing, list):
            for below in thing:
                walk(below)

    walk(document)


def test_it_tells_of_the_settings(described, run, folder):
    outlines = described.document["components"]["schemas"]
    event = outlines["Event"]
    assert {"id", "at", "customer", "amount"} <= event["properties"].keys() and event["required"] == ["at"]
    assert event["properties"]["at"]["format"] == "date-time"
    known = outlines["Decision"]["properties"]
    assert known["outcome"]["anyOf"][0]["enum"] == ["approve", "review", "decline"]
    assert known["rules"]["items"]["anyOf"][0]["enum"] == ["BIG", "MANY", "LISTED"]
    assert outlines["Reason"]["properties"]["feature"]["anyOf"][0]["enum"] == ["n_1d", "by_night", "amount"]
    printed = run("openapi", cwd=folder)
    assert printed.exit == 0 and printed.json() == described.document
    page = run("openapi", "--html", cwd=folder).stdout
    assert page.startswith("<!doctype html>") and page.count("<h3>") >= len(list(described.operations()))
    assert "<script" not in page and "style=" not in page


def test_the_page_needs_nothing_from_elsewhere(server):
    status, headers, page = ask(server, "GET", "/docs")
    assert status == 200 and headers["Content-Type"].startswith("text/html")
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy
    links = re.findall(r'(?:href|src)="([^"#][^"]*)"', page)
    assert set(links) == {"/docs/style.css", "/openapi.json"}
    ids = set(re.findall(r'id="(\w+)"', page))
    assert set(re.findall(r'href="#(\w+)"', page)) <= ids
    for link in links:
        assert ask(server, "GET", link)[0] == 200


EVENT = {"id": "w1", "at": "2018-04-27T00:00:00Z", "customer": "c1", "amount": 10}
JSON = {"Content-Type": "application/json"}
LINES = {"Content-Type": "application/x-ndjson"}
TEXT = {"Content-Type": "text/plain"}
BIG = b" " * 70_000
HUGE = (8 << 20) + 100
DELETED = "/v1/lists/blocked/entries/"



def step(what, good, bad):
    """A change of the rule NEAR: as it is, and refused for each reason."""
    path = f"/v1/rules/NEAR:{what}"
    return {
        200: (path, good, JSON),
        400: (path, b"{", JSON),
        404: (f"/v1/rules/NONE:{what}", good, JSON),
        409: (f"/v1/rules/BIG:{what}", good, JSON),
        412: (path, good, {**JSON, "If-Match": '"other"'}),
        415: (path, b"{}", TEXT),
        422: (path, bad if what != "approve" else {}, JSON),
    }


# Route -> status -> (path, body, headers). 202 of decisions and of reloads, and 409 of jobs, are below: they need
# other settings or a long work.
SOON = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 86400))


def watched(path, good, bad):
    """A change of an alert or a case; ALERT and CASE stand for the ids that there are."""
    one = "1" if path.startswith("alerts") else "9999"
    gone = re.sub("ALERT|CASE", one, path)
    return {
        200: (f"/v1/{path}", good, JSON),
        400: (f"/v1/{path}", b"{", JSON),
        404: (f"/v1/{gone}", good, JSON),
        409: (f"/v1/{path}", {**good, "version": 99}, JSON),
        415: (f"/v1/{path}", b"{}", TEXT),
        422: (f"/v1/{path}", bad, JSON),
    }


ASKED = {
    "POST /v1/decisions": {
        200: ("", EVENT, JSON),
        400: ("", b"{", JSON),
        409: ("", {**EVENT, "amount": 11}, JSON),
        413: ("", BIG, JSON),
        415: ("", b"{}", TEXT),
        422: ("", {**EVENT, "amount": "much"}, JSON),
    },
    "POST /v1/decisions:batch": {
        200: ("", "\n".join(map(json.dumps, [EVENT, {**EVENT, "id": "w2", "amount": 900}, {"id": 1}])).encode(), LINES),
        400: ("", b"", LINES),
        413: ("", b"1\n" * 100_001, LINES),
        415: ("", b"{}", TEXT),
    },
    "GET /v1/decisions": {200: ("?limit=2", None, {}), 400: ("?limit=0", None, {})},
    "GET /v1/decisions/{id}": {200: ("/v1/decisions/w1", None, {}), 404: ("/v1/decisions/none", None, {})},
    "GET /v1/decisions/{id}/explanation": {
        200: ("/v1/decisions/w1/explanation", None, {}),
        404: ("/v1/decisions/none/explanation", None, {}),
    },
    "POST /v1/decisions/{id}:replay": {
        200: ("/v1/decisions/w1:replay", {}, JSON),
        400: ("/v1/decisions/w1:replay", b"{", JSON),
        404: ("/v1/decisions/none:replay", {}, JSON),
        415: ("/v1/decisions/w1:replay", b"{}", TEXT),
        422: ("/v1/decisions/w1:replay", {"more": 1}, JSON),
    },
    "GET /v1/live": {},
    "GET /v1/drift": {200: ("?decisions=200", None, {}), 400: ("?decisions=1", None, {})},
    "GET /v1/traffic": {200: ("?window=2d", None, {}), 400: ("?window=1y", None, {})},
    "GET /v1/rollups": {200: ("", None, {})},
    "GET /v1/rollups/{name}": {
        200: ("/v1/rollups/by_day?limit=2", None, {}),
        400: ("/v1/rollups/by_day?limit=0", None, {}),
        404: ("/v1/rollups/none", None, {}),
    },
    "GET /v1/events": {200: ("?limit=3", None, {}), 400: ("?limit=0", None, {})},
    "POST /v1/events/{id}:decide": {
        200: ("/v1/events/h5:decide", None, {}),
        404: ("/v1/events/none:decide", None, {}),
    },
    "POST /v1/rules:backtest": {
        200: ("", {"rules": {"TRY": {"when": "amount > 700", "then": "review"}}, "from": "2018-04-02T00:00:00Z"}, JSON),
        413: ("", HUGE, JSON),
        415: ("", b"{}", TEXT),
        422: ("", {"rules": {"TRY": {"when": "amonut > 700", "then": "review"}}}, JSON),
    },
    "GET /v1/rules": {200: ("", None, {}), 400: ("?fields=none", None, {})},
    "POST /v1/rules": {
        200: ("/v1/rules?dry_run=true", {"name": "NEAR", "when": "amount > 480", "then": "review"}, JSON),
        201: ("", {"name": "NEAR", "when": "amount > 480", "then": "review", "note": "why"}, JSON),
        400: ("", b"{", JSON),
        409: ("", {"name": "BIG", "when": "true", "then": "review"}, JSON),
        412: ("", {"name": "NEAR", "when": "amount > 481", "then": "review"}, {**JSON, "If-Match": '"other"'}),
        415: ("", b"{}", TEXT),
        422: ("", {"name": "NEAR", "when": "amonut > 480", "then": "review"}, JSON),
    },
    "GET /v1/rules/{name}": {
        200: ("/v1/rules/NEAR", None, {}),
        304: ("/v1/rules/BIG", None, {}),
        404: ("/v1/rules/NONE", None, {}),
    },
    "POST /v1/rules/{name}:test": {
        200: ("/v1/rules/NEAR:test", {"tests": [{"event": EVENT, "expect": {"fires": True, "outcome": "decline"}}]}, JSON),
        400: ("/v1/rules/NEAR:test", b"{", JSON),
        404: ("/v1/rules/NONE:test", {"tests": [{"event": EVENT}]}, JSON),
        415: ("/v1/rules/NEAR:test", b"{}", TEXT),
        422: ("/v1/rules/NEAR:test", {"tests": []}, JSON),
    },
    "POST /v1/rules/{name}:approve": step("approve", {"version": 1}, {"version": 1}),
    "POST /v1/rules/{name}:shadow": step("shadow", {}, {"version": "one"}),
    "POST /v1/rules/{name}:live": step("live", {}, {"version": "one"}),
    "POST /v1/rules/{name}:backtest": step("backtest", {"version": 1}, {"from": "never"}),
    "POST /v1/rules/{name}:retire": step("retire", {}, {"version": "one"}),
    "GET /v1/alerts": {200: ("?state=any&limit=2", None, {}), 400: ("?state=asleep", None, {})},
    "GET /v1/alerts/{id}": {200: ("/v1/alerts/ALERT", None, {}), 404: ("/v1/alerts/1", None, {})},
    "POST /v1/alerts/{id}:claim": watched("alerts/ALERT:claim", {"note": "mine"}, {"note": 5}),
    "POST /v1/alerts/{id}:release": watched("alerts/ALERT:release", {}, {"version": "one"}),
    "POST /v1/alerts/{id}:snooze": watched("alerts/ALERT:snooze", {"until": SOON}, {"until": "soon"}),
    "POST /v1/alerts/{id}:assign": watched("alerts/ALERT:assign", {"to": "me"}, {"to": 5}),
    "POST /v1/alerts/{id}:close": watched("alerts/ALERT:close", {"disposition": "inconclusive"}, {"disposition": "odd"}),
    "POST /v1/alerts:bulk": {
        200: ("", {"alerts": ["ALERT", "1"], "action": "claim"}, JSON),
        400: ("", b"{", JSON),
        415: ("", b"{}", TEXT),
        422: ("", {"alerts": [], "action": "claim"}, JSON),
    },
    "GET /v1/cases": {200: ("?state=any", None, {}), 400: ("?cursor=x", None, {})},
    "POST /v1/cases": {
        201: ("", {"title": "told", "alerts": ["ALERT"], "decisions": ["w1"], "entities": [{"kind": "customer", "id": "c1"}]}, JSON),
        400: ("", b"{", JSON),
        404: ("", {"title": "told", "decisions": ["none"]}, JSON),
        409: ("", {"title": "told", "alerts": ["ALERT"]}, JSON),
        415: ("", b"{}", TEXT),
        422: ("", {"title": ""}, JSON),
    },
    "GET /v1/cases/{id}": {200: ("/v1/cases/CASE", None, {}), 404: ("/v1/cases/9999", None, {})},
    "GET /v1/cases/{id}/evidence": {200: ("/v1/cases/CASE/evidence", None, {}), 404: ("/v1/cases/9999/evidence", None, {})},
    "POST /v1/cases/{id}/notes": {k: v for k, v in watched("cases/CASE/notes", {"note": "seen"}, {"note": ""}).items() if k != 409},
    "POST /v1/cases/{id}:assign": watched("cases/CASE:assign", {"to": "user:ann"}, {"to": 5}),
    "POST /v1/cases/{id}:add": watched("cases/CASE:add", {"decisions": ["w1"]}, {"entities": [5]}),
    "POST /v1/cases/{id}:dispose": watched("cases/CASE:dispose", {"disposition": "inconclusive"}, {"disposition": "odd"}),
    "POST /v1/cases/{id}:reopen": watched("cases/CASE:reopen", {}, {"version": -1}),
    "GET /v1/views": {200: ("", None, {})},
    "POST /v1/views": {
        200: ("", {"name": "mine", "query": "assignee=me"}, JSON),
        400: ("", b"{", JSON),
        415: ("", b"{}", TEXT),
        422: ("", {"name": ""}, JSON),
    },
    "DELETE /v1/views/{name}": {200: ("/v1/views/mine", None, {}), 404: ("/v1/views/none", None, {})},
    "GET /v1/entities/{kind}/{id}": {
        200: ("/v1/entities/customer/c1?limit=1", None, {}),
        400: ("/v1/entities/customer/c1?cursor=x", None, {}),
        404: ("/v1/entities/planet/c1", None, {}),
        422: ("/v1/entities/customer/" + "c" * 5000, None, {}),
    },
    "POST /v1/labels": {
        200: ("", [{"id": "w1", "label": True}, {"id": "none", "label": True}], JSON),
        400: ("", b"[", JSON),
        404: ("", {"id": "none", "label": True}, JSON),
        413: ("", HUGE, JSON),
        415: ("", b"{}", TEXT),
        422: ("", {"id": "w1", "label": "perhaps"}, JSON),
    },
    "GET /v1/lists": {200: ("", None, {}), 304: ("", None, {}), 400: ("?fields=nothing", None, {})},
    "GET /v1/lists/{name}": {
        200: ("/v1/lists/blocked", None, {}),
        304: ("/v1/lists/blocked", None, {}),
        400: ("/v1/lists/blocked?cursor=1.0", None, {}),
        404: ("/v1/lists/none", None, {}),
    },
    "POST /v1/lists/{name}/entries": {
        200: ("/v1/lists/blocked/entries", [{"value": "c1", "expires": "7d"}, {"value": "c2", "remove": True}], JSON),
        400: ("/v1/lists/blocked/entries", b"", JSON),
        404: ("/v1/lists/none/entries", {"value": "x"}, JSON),
        413: ("/v1/lists/blocked/entries", HUGE, JSON),
        415: ("/v1/lists/blocked/entries", b"{}", TEXT),
        422: ("/v1/lists/numbers/entries", {"value": "seven"}, JSON),
    },
    "DELETE /v1/lists/{name}/entries/{value}": {
        200: (DELETED + "c1", None, {}),
        400: (DELETED + "c1?by=", None, {}),
        404: ("/v1/lists/none/entries/c1", None, {}),
        422: ("/v1/lists/numbers/entries/seven", None, {}),
    },
    "DELETE /v1/subjects/{kind}/{id}": {
        400: ("/v1/subjects/customer/c1?unknown=1", None, {}),
        422: ("/v1/subjects/customer/c1", None, {}),  # nothing is personal in these settings
    },
    "POST /v1/models:train": {
        400: ("", b"{", JSON),
        415: ("", b"{}", TEXT),
        422: ("", {"more": 1}, JSON),
    },
    "GET /v1/models": {200: ("", None, {}), 304: ("", None, {}), 400: ("?fields=none", None, {})},
    "GET /v1/models/{id}": {
        200: ("/v1/models/champion", None, {}),
        304: ("/v1/models/champion", None, {}),
        404: ("/v1/models/none", None, {}),
    },
    "POST /v1/models/{id}:promote": {
        200: ("/v1/models/champion:promote?as=challenger&force=true", {}, JSON),
        400: ("/v1/models/champion:promote?force=perhaps", {}, JSON),
        404: ("/v1/models/none:promote", {}, JSON),
        415: ("/v1/models/champion:promote", b"{}", TEXT),
        422: ("/v1/models/champion:promote?as=king", {}, JSON),
    },
    "POST /v1/settings:reload": {
        200: ("", {}, JSON),
        400: ("", b"{", JSON),
        415: ("", b"{}", TEXT),
        422: ("", {"more": 1}, JSON),
    },
    "GET /v1/jobs/{id}": {404: ("/v1/jobs/none", None, {})},
    "GET /v1/features": {200: ("", None, {}), 304: ("", None, {}), 400: ("?fields=none", None, {})},
    "GET /v1/settings": {200: ("", None, {}), 304: ("", None, {})},
    "GET /openapi.json": {200: ("", None, {}), 304: ("", None, {})},
    "GET /docs": {200: ("", None, {}), 304: ("", None, {})},
    "GET /docs/style.css": {200: ("", None, {}), 304: ("", None, {})},
    "GET /v1/audit": {200: ("?limit=3", None, {}), 400: ("?sort=up", None, {})},
    "POST /v1/audit:checkpoint": {
        200: ("", {}, JSON),
        400: ("", b"{", JSON),
        413: ("", HUGE, JSON),
        415: ("", b"{}", TEXT),
        422: ("", {"more": 1}, JSON),
    },
    "POST /v1/audit:verify": {
        200: ("", {}, JSON),
        400: ("", b"{", JSON),
        413: ("", HUGE, JSON),
        415: ("", b"{}", TEXT),
        422: ("", {"more": 1}, JSON),
    },
    "GET /healthz": {200: ("", None, {})},
    "GET /readyz": {200: ("", None, {})},
    "GET /v1/status": {200: ("", None, {})},
    "GET /metrics": {200: ("", None, {})},
}
ELSEWHERE = {
    ("DELETE /v1/subjects/{kind}/{id}", 200),  # test_personal.py
    ("POST /v1/views", 409),  # test_alerts.py
    ("POST /v1/decisions", 202),
    ("POST /v1/models:train", 200),
    ("POST /v1/models:train", 202),
    ("POST /v1/models:train", 409),
    ("POST /v1/settings:reload", 202),
    ("POST /v1/settings:reload", 409),
    ("GET /v1/jobs/{id}", 200),
    ("GET /v1/live", 200),  # test_console.py: it has no end
}
# Of a backtest that takes over five seconds, which is too long for a test here.
TOO_LONG = {
    ("POST /v1/rules:backtest", 202),
    ("POST /v1/rules:backtest", 409),
    ("POST /v1/rules/{name}:backtest", 202),
    ("POST /v1/audit:verify", 202),  # over two seconds
    ("POST /v1/audit:verify", 409),
    ("POST /v1/rules/{name}:live", 202),  # test_rules.py has one
    ("POST /v1/rules/{name}:shadow", 202),
    ("POST /v1/rules/{name}:retire", 202),
}


ACCESS = ("/v1/keys", "/v1/users", "/v1/session", "/v1/sign-in")


def with_ids(server, text):
    """ALERT and CASE become the ids of what is there."""
    for word, path in (("ALERT", "/v1/alerts?state=any&sort=raised"), ("CASE", "/v1/cases?state=any")):
        until = time.monotonic() + 10
        while word in text:
            assert time.monotonic() < until
            found = json.loads(ask(server, "GET", path)[2])[word.lower() + "s"]
            text = text.replace(word, found[0]["id"]) if found else text
    return text


def test_every_answer_that_is_described_is_given_as_described(server, described):
    # Who may: once a key or a user is made every request needs one; test_access.py asks those routes.
    operations = [o for o in described.operations() if not o[1].startswith(ACCESS)]
    asked = {(f"{m} {p}", int(s)) for m, p, o in operations for s in o["responses"] if s != "default"}
    assert asked == {(route, status) for route, by in ASKED.items() for status in by} | ELSEWHERE | TOO_LONG
    for method, path, operation in operations:
        for status, (real, body, headers) in ASKED[f"{method} {path}"].items():
            real = with_ids(server, real if real.startswith("/") else path + real)
            if isinstance(body, dict) and "alerts" in body:
                body = json.loads(with_ids(server, json.dumps(body)))
            body = json.dumps(body).encode() if isinstance(body, (dict, list)) else body
            if status == 304:
                kept = ask(server, method, real)[1]
                assert kept["Cache-Control"] == "private, no-cache"
                headers = {"If-None-Match": f'"other", {kept["ETag"]}'}
            got, sent, text = ask(server, method, real, body, headers)
            assert got == status, (method, real, got, text[:500])
            described.hold(operation, got, sent, text)
            if got >= 400:
                problem = json.loads(text)
                assert problem["status"] == got and problem["request_id"] == sent["X-Request-Id"]


def hold(server, described, method, path, body, wanted, real=None):
    status, headers, text = ask(server, method, real or path, json.dumps(body).encode() if body is not None else None, JSON)
    assert status == wanted, (path, status, text)
    described.hold(described.document["paths"][path][method.lower()], status, headers, text)
    return json.loads(text)


def test_long_work_is_described(server, described, folder):
    jobs = "/v1/jobs/{id}"

    def ended(job):
        while True:
            seen = hold(server, described, "GET", jobs, None, 200, f"/v1/jobs/{job['id']}")
            if seen["state"] != "running":
                return seen
            time.sleep(0.02)

    job = hold(server, described, "POST", "/v1/models:train", {}, 202)
    hold(server, described, "POST", "/v1/models:train", {}, 409)
    assert ended(job)["state"] == "done"
    trained = hold(server, described, "POST", "/v1/models:train", {}, 200, "/v1/models:train?wait=true")
    assert trained["state"] == "done"
    # The new state is built at 100 records a second.
    (folder / "assay.yaml").write_text(SETTINGS.replace("  amount: amount", "  n_2d: count() by customer over 2d\n  amount: amount").replace("kind: logistic", "kind: none"))
    job = hold(server, described, "POST", "/v1/settings:reload", {}, 202)
    hold(server, described, "POST", "/v1/settings:reload", {}, 409)
    (folder / "assay.yaml").write_text(SETTINGS)
    assert job["state"] == "running"


def test_requests_made_from_it_find_no_failure(server, described):
    maker = Maker(described, 1, ["w1", "c1", "customer", "blocked", "numbers", "champion", "h5"])
    operations = [o for o in described.operations() if ":train" not in o[1] and ":reload" not in o[1] and o[1] != "/v1/live" and not o[1].startswith(ACCESS)]
    seen = {}
    for i in range(1500):
        method, path, operation = maker.random.choice(operations)
        real, body, headers = maker.request(method, path, operation)
        status, sent, text = ask(server, method, real, body, headers)
        assert status < 500, (i, method, real, body, headers, text)
        described.hold(operation, status, sent, text)
        seen[status] = seen.get(status, 0) + 1
    assert seen[200] > 300 and seen[400] > 50 and seen[422] > 50, seen


def test_kinds_of_event_are_described(binary, tmp_path):
    (tmp_path / "assay.yaml").write_text(KINDS)
    (tmp_path / "pay.csv").write_text("id,at,user,amount\n1,2018-04-01T00:00:00Z,u1,10.5\n")
    (tmp_path / "log.csv").write_text("login_id,when,user\nl1,2018-04-01T00:00:00Z,u1\n")
    server = Server(binary, tmp_path)
    try:
        described = Described(server.ask("GET", "/openapi.json")[1])
        kinds = described.document["components"]["schemas"]["Event"]["oneOf"]
        assert [k["properties"]["kind"]["const"] for k in kinds] == ["payment", "login"]
        assert kinds[1]["required"] == ["kind", "when"] and "amount" not in kinds[1]["properties"]
        decisions = "/v1/decisions"
        login = {"kind": "login", "login_id": 2, "when": "2018-04-01T01:00:00Z", "user": "u1"}
        hold(server, described, "POST", decisions, login, 202)
        hold(server, described, "POST", decisions, {"kind": "payment", "at": "2018-04-01T02:00:00Z", "user": "u1", "amount": 1}, 200)
        server.wait_projected()
        hold(server, described, "GET", decisions, None, 200)
        shown = hold(server, described, "GET", "/v1/decisions/{id}", None, 200, "/v1/decisions/2")
        assert shown["observed"] is True
        entity = hold(server, described, "GET", "/v1/entities/{kind}/{id}", None, 200, "/v1/entities/user/u1")
        assert entity["features"] == {"n": 2} and len(entity["decisions"]) == 1
    finally:
        server.stop()
        server.errors.close()
