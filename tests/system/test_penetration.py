"""What docs/penetration-test.md tried and no other test does, by the rows of the OWASP API Security Top 10 (2023)."""

import http.client
import json
import time
import urllib.parse

import pytest
from test_access import PASSWORD, SECRET, Server, Signer, b64, claims, command, hs256, make_key

SETTINGS = f"""
access:
  jwt: {{issuer: https://id.example, audience: assay, secret: {SECRET}}}
  rate: {{per_address: 3000/min}}
"""


@pytest.fixture(scope="module")
def place(binary, tmp_path_factory):
    folder = tmp_path_factory.mktemp("penetration")
    keys = {role: make_key(binary, folder, role) for role in ("viewer", "scorer", "analyst", "engineer", "auditor", "admin")}
    server = Server(binary, folder, settings=SETTINGS)
    yield server, keys
    assert server.stop() == 0


def test_one_persons_session_ends_nobody_elses(place):
    """API1: a session, a job and a key are their owner's or by role, whatever id is asked for."""
    server, keys = place
    for name in ("ann", "ben"):
        assert server.ask("POST", "/v1/users", {"name": name, "password": PASSWORD, "roles": ["viewer"]}, keys["admin"])[0] == 201
    cookie, csrf = {}, {}
    for name in ("ann", "ben"):
        _, answer, headers = server.ask("POST", "/v1/sessions", {"name": name, "password": PASSWORD})
        cookie[name], csrf[name] = headers["Set-Cookie"].split(";")[0], answer["csrf"]
    # ann's cookie with ben's word against forgery, and the other way round
    assert server.ask("DELETE", "/v1/session", headers={"Cookie": cookie["ann"], "X-CSRF-Token": csrf["ben"]})[0] == 403
    assert server.ask("DELETE", "/v1/session", headers={"Cookie": cookie["ann"]})[0] == 403
    assert server.ask("DELETE", "/v1/session", headers={"Cookie": cookie["ann"], "X-CSRF-Token": csrf["ann"]})[0] in (200, 204)
    assert server.ask("GET", "/v1/lists", headers={"Cookie": cookie["ann"]})[0] == 401
    assert server.ask("GET", "/v1/lists", headers={"Cookie": cookie["ben"]})[0] == 200
    key = server.ask("GET", "/v1/keys", key=keys["auditor"])[1]["items"][0]["id"]
    for role in ("viewer", "scorer", "analyst", "engineer", "auditor"):
        assert server.ask("DELETE", f"/v1/keys/{key}", key=keys[role])[0] == 403
        assert server.ask("POST", f"/v1/keys/{key}:rotate", {}, keys[role])[0] == 403


@pytest.mark.parametrize("header", [
    {"kid": "../../../../dev/null"}, {"kid": "' OR '1'='1"}, {"kid": "x" * 9000}, {"kid": None}, {"kid": ["a"]}, {"kid": {"a": 1}},
    {"jku": "https://evil.example/jwks.json"}, {"x5u": "https://evil.example/cert.pem"}, {"typ": "JWE"}, {"enc": "A128GCM"},
    {"alg": "hs256"}, {"alg": "HS256 "}, {"alg": ["HS256"]}, {"alg": ""}, {"alg": None}, {"alg": "nOnE"},
])  # fmt: skip
def test_what_a_token_says_of_its_key_changes_no_key(place, header):
    """API2: signed with another secret, whatever its head asks for."""
    server, _ = place
    for secret in ("", "\0", "x" * 32, "null"):
        token = hs256(claims(roles=["admin"]), secret, {"alg": "HS256", **header})
        assert server.ask("GET", "/v1/users", key=token)[0] in (401, 431), header


def test_a_token_that_brings_its_own_key(place, tmp_path):
    server, _ = place
    signer = Signer(tmp_path, "own")
    for head in ({"jwk": signer.jwk}, {"x5c": ["MIIB"]}, {"jwk": {"kty": "oct", "k": b64(b"x" * 32)}}):
        assert server.ask("GET", "/v1/users", key=signer.token(claims(roles=["admin"]), **head))[0] == 401


def test_tokens_out_of_their_time_and_size(place):
    server, _ = place
    now = int(time.time())
    status = lambda **c: server.ask("GET", "/v1/lists", key=hs256(claims(**c)))[0]
    assert status() == 200 and status(nbf=now - 5) == 200
    for bad in ({"exp": now - 3600}, {"exp": 0}, {"exp": -1}, {"exp": None}, {"exp": "9999999999"}, {"exp": []}, {"exp": -1e30},
                {"nbf": now + 3600}, {"nbf": "x"}, {"aud": "other"}, {"aud": None}, {"aud": {}}, {"iss": "https://id.example/"},
                {"iss": ["https://id.example"]}, {"sub": None}, {"sub": ["a"]}):
        assert status(**bad) == 401, bad
    for size in (5_000, 20_000, 100_000):
        assert server.ask("GET", "/v1/users", key="a" * size)[0] in (400, 401, 413, 431)
        assert server.ask("GET", "/v1/users", key=hs256(claims(x="a" * size, roles=["viewer"])))[0] in (400, 401, 403, 413, 431)


def test_guessed_keys_let_nobody_in(place):
    """API2: a right id with a wrong secret is an unknown key, takes the same words, and each is counted."""
    server, keys = place
    _, known, secret = keys["admin"].split("_")
    words = set()
    for guess in (f"ask_{known}_{'0' * len(secret)}", f"ask_{'0' * len(known)}_{secret}", f"ask_{known}_{secret[:-1]}",
                  f"ask_{known}_{secret}0", f"ASK_{known}_{secret}", f"ask_{known}_", f"ask__{secret}",
                  f"ask_{known}_{secret[:32]}", f"ask_{secret}_{known}"):
        status, problem, _ = server.ask("GET", "/v1/users", key=guess)
        assert status == 401, guess
        words.add(problem["detail"])
    assert len(words) <= 2 and not any(secret in w for w in words)


@pytest.mark.parametrize("path, body", [
    ("/v1/keys", {"name": "n", "roles": ["viewer"], "id": "000000000000"}), ("/v1/keys", {"name": "n", "roles": ["viewer"], "secret": "x"}),
    ("/v1/keys", {"name": "n", "roles": ["viewer"], "state": "active"}), ("/v1/users", {"name": "u", "password": PASSWORD, "roles": ["viewer"], "hash": "x"}),
    ("/v1/users/ben", {"name": "root", "roles": ["admin"]}), ("/v1/labels", {"id": "x", "label": True, "received": 1}),
    ("/v1/lists/blocked/entries", {"value": "x", "by": "admin"}), ("/v1/decisions", {"id": "x", "at": "2018-04-01", "score": 0, "outcome": "approve"}),
])  # fmt: skip
def test_members_that_nobody_may_set_are_refused(place, path, body):
    """API3: what is not in the description of a body is no part of it."""
    server, keys = place
    status, problem, _ = server.ask("POST", path, body, keys["admin"])
    assert status in (404, 422), (path, problem)


def test_secrets_are_shown_nowhere(place):
    """API3: what answers of all routes hold."""
    server, keys = place
    secrets = [k.split("_")[2] for k in keys.values()] + [PASSWORD, SECRET]
    for path in ("/v1/keys", "/v1/users", "/v1/settings", "/v1/session", "/metrics", "/openapi.json", "/readyz", "/v1/decisions"):
        status, answer, _ = server.ask("GET", path, key=keys["admin"])
        text = answer if isinstance(answer, str) else json.dumps(answer)
        assert status == 200 and not any(s in text for s in secrets), path
        assert "argon2" not in text and '"hash"' not in text


@pytest.mark.parametrize("query", ["limit=1001", "limit=-1", "limit=1e3", "limit=", "cursor=" + "A" * 5000, "fields=" + "id," * 3000])
def test_no_answer_is_larger_than_it_may_be(place, query):
    """API4."""
    server, keys = place
    assert server.ask("GET", "/v1/decisions?" + query, key=keys["viewer"])[0] in (400, 414)


def test_addresses_that_a_caller_names_are_not_asked(place):
    """API7: the service asks only the addresses of its settings."""
    server, keys = place
    url = "http://169.254.169.254/latest/meta-data/"
    for method, path, body in [
        ("POST", "/v1/models:train", {"source": url}), ("POST", "/v1/settings:reload", {"url": url}),
        ("GET", "/v1/events?source=" + url, None), ("GET", "/v1/events?source=/etc/passwd", None), ("GET", "/v1/models/" + url, None),
        ("POST", "/v1/rules:backtest", {"source": url}), ("POST", "/v1/rules:backtest", {"source": "/etc/passwd"}),
    ]:
        status, answer, _ = server.ask(method, path, body, keys["admin"])
        assert 400 <= status < 500 and "root:" not in json.dumps(answer), (path, answer)


def test_every_answer_has_the_headers_that_keep_browsers_safe(place):
    """API8."""
    server, keys = place
    for method, path in [("GET", "/v1/decisions"), ("GET", "/nothing"), ("PUT", "/v1/decisions"), ("POST", "/v1/decisions"), ("GET", "/docs"),
                         ("GET", "/healthz"), ("GET", "/openapi.json"), ("GET", "/metrics"), ("OPTIONS", "/v1/decisions")]:
        for key in (keys["admin"], None):
            status, _, headers = server.ask(method, path, key=key)
            assert headers["X-Content-Type-Options"] == "nosniff" and headers["Content-Security-Policy"], (path, status)
            assert headers["Server"] == "assay" and "Access-Control-Allow-Origin" not in headers
            assert headers["Cache-Control"] in ("no-store", "private, no-cache")


def test_all_that_answers_is_described(place, binary):
    """API9: no route beside those of the table, and none of a debugger, an older version or a frame."""
    server, keys = place
    for path in ("/admin", "/debug", "/debug/pprof", "/v0/decisions", "/v2/decisions", "/api", "/graphql", "/.git/config", "/.env", "/actuator",
                 "/swagger.json", "/server-status", "/v1", "/v1/", "/console", "/assay.yaml", "/assay-data/store.sqlite"):
        assert server.ask("GET", path, key=keys["admin"])[0] == 404, path


# ---- alerts, cases, the console, live, one-time tokens ----


@pytest.fixture(scope="module")
def desk(binary, tmp_path_factory):
    """A server whose decisions raise alerts, with people and keys."""
    folder = tmp_path_factory.mktemp("desk")
    keys = {role: make_key(binary, folder, role) for role in ("viewer", "scorer", "analyst", "admin")}
    server = Server(binary, folder, settings="""
access: {rate: {per_address: 6000/min}}
alerts:
  big: {when: amount > 500, queue: urgent}
""")
    for i in range(30):
        event = {"id": f"e{i:02}" + "x" * 90, "at": "2018-04-02T10:00:00Z", "customer": f"c{i}", "amount": 600}
        assert server.ask("POST", "/v1/decisions", event, keys["scorer"])[0] == 200
    end = time.monotonic() + 10
    while len(server.ask("GET", "/v1/alerts?limit=100", key=keys["viewer"])[1]["alerts"]) < 30:
        assert time.monotonic() < end
        time.sleep(0.02)
    yield server, keys
    assert server.stop() == 0


def sign_in(server, **how):
    status, answer, headers = server.ask("POST", "/v1/sessions", how)
    assert status == 200, answer
    return headers["Set-Cookie"].split(";")[0], answer["csrf"]


def test_a_one_time_token_is_made_and_used_by_who_may(desk):
    """API2: by a session with its word against forgery, or by the key itself; once. (That it makes no session longer: tests/unit/access.c.)"""
    server, keys = desk
    cookie, csrf = sign_in(server, key=keys["viewer"])
    assert server.ask("POST", "/v1/session:link", {}, headers={"Cookie": cookie})[0] == 403
    assert server.ask("POST", "/v1/session:link", {})[0] == 401
    assert server.ask("POST", "/v1/session:link", {"roles": ["admin"]}, keys["viewer"])[0] == 422
    for how in ({"headers": {"Cookie": cookie, "X-CSRF-Token": csrf}}, {"key": keys["viewer"]}):
        token = server.ask("POST", "/v1/session:link", {}, **how)[1]["token"]
        mine, _ = sign_in(server, token=token)
        assert server.ask("GET", "/v1/session", headers={"Cookie": mine})[1]["roles"] == ["viewer"]
        assert server.ask("POST", "/v1/sessions", {"token": token})[0] == 401


def test_tokens_of_one_take_nobody_elses_place(desk):
    """API4: there is room for few one-time tokens."""
    server, keys = desk
    mine = server.ask("POST", "/v1/session:link", {}, keys["admin"])[1]["token"]
    for _ in range(80):
        last = server.ask("POST", "/v1/session:link", {}, keys["scorer"])[1]["token"]
    sign_in(server, token=mine)
    sign_in(server, token=last)
    for bad in ("", "asl_", "asl_" + "0" * 64, last, mine, "x" * 10000, None, 1, ["a"]):
        assert server.ask("POST", "/v1/sessions", {"token": bad})[0] in (401, 422), bad


def test_listeners_of_one_leave_room_for_others(desk):
    """API4: each listener holds a connection for hours."""
    server, keys = desk
    held = []

    def listen(key):
        c = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
        c.request("GET", "/v1/live", headers={"Authorization": "Bearer " + key})
        held.append((c, c.getresponse()))
        return held[-1][1].status

    try:
        while (status := listen(keys["viewer"])) == 503:
            time.sleep(0.2)
        assert status == 200
        assert [listen(keys["viewer"]) for _ in range(20)] == [200] * 15 + [429] * 5
        assert listen(keys["analyst"]) == 200 and listen(keys["scorer"]) == 403
    finally:
        for c, _ in held:
            c.close()


def test_every_change_by_a_cookie_needs_the_word_against_forgery(desk, binary):
    """API2: all routes that change something, the new ones too, whatever a page of another site sends along."""
    server, keys = desk
    routes = json.loads(command(binary, server.folder, "help", "routes", "--json")[1])
    changes = [r for r in routes if r["method"] not in ("GET", "HEAD") and r["path"] != "/v1/sessions"]
    assert len(changes) > 25 and any("alerts" in r["path"] for r in changes)
    for r in changes:
        cookie, csrf = sign_in(server, key=keys["admin"])
        path = r["path"].replace("{id}", "1").replace("{name}", "n").replace("{kind}", "customer")
        for word in (None, "", csrf[:-1], csrf[::-1], "0" * 64):
            headers = {"Cookie": cookie, "Content-Type": "text/plain"}
            if word is not None:
                headers["X-CSRF-Token"] = word
            assert server.ask(r["method"], path, "{}", headers=headers)[0] == 403, (r, word)


def test_what_is_kept_for_one_person_is_no_other_persons(desk):
    """API1: views go by who asks; a held alert is taken by assigning it, which is recorded."""
    server, keys = desk
    assert server.ask("POST", "/v1/views", {"name": "mine", "query": "assignee=me"}, keys["analyst"])[0] == 200
    assert server.ask("GET", "/v1/views", key=keys["viewer"])[1]["views"] == []
    assert server.ask("DELETE", "/v1/views/mine", key=keys["viewer"])[0] == 404
    assert server.ask("GET", "/v1/views", key=keys["scorer"])[0] == 403
    assert len(server.ask("GET", "/v1/views", key=keys["analyst"])[1]["views"]) == 1
    for body in ({"name": "x\r\ny", "query": ""}, {"name": "", "query": ""}, {"name": "n" * 65, "query": ""}, {"name": "n", "query": "q" * 2049},
                 {"name": "n", "query": "", "owner": "key:root"}, {"name": ["n"], "query": ""}):
        assert server.ask("POST", "/v1/views", body, keys["analyst"])[0] == 422, body
    alert = server.ask("GET", "/v1/alerts", key=keys["viewer"])[1]["alerts"][0]["id"]
    assert server.ask("POST", f"/v1/alerts/{alert}:claim", {}, keys["admin"])[0] == 200
    for step, body in (("claim", {}), ("release", {}), ("close", {"disposition": "false_positive"}), ("snooze", {"until": "2999-01-01T00:00:00Z"})):
        assert server.ask("POST", f"/v1/alerts/{alert}:{step}", body, keys["analyst"])[0] in (409, 422), step
        for role in ("viewer", "scorer"):
            assert server.ask("POST", f"/v1/alerts/{alert}:{step}", body, keys[role])[0] == 403
    twice = {"alerts": [alert, alert], "action": "release"}
    assert server.ask("POST", "/v1/alerts:bulk", twice, keys["admin"])[0] == 422


@pytest.mark.parametrize("id", ["0", "-1", "1e3", "9" * 18, "9" * 19, "9" * 400, "1%00", "1'--", "1;DROP TABLE alert", "%C3%A9", "..%2f..%2fetc", "+1", " 1"])
def test_ids_that_are_none(desk, id):
    server, keys = desk
    id = id.replace(" ", "%20").replace("'", "%27").replace(";", "%3B")
    for what in ("alerts", "cases"):
        assert server.ask("GET", f"/v1/{what}/{id}", key=keys["admin"])[0] in (400, 404), (what, id)
        assert server.ask("POST", f"/v1/{what}/{id}:assign", {"to": "me"}, keys["admin"])[0] in (400, 404), (what, id)
    assert server.ask("GET", f"/v1/cases/{id}/evidence", key=keys["admin"])[0] in (400, 404)
    assert server.ask("GET", f"/v1/rollups/{id}", key=keys["admin"])[0] in (400, 404, 503)


def test_filters_are_values_and_no_statements(desk):
    """API8: what a query says reaches the store as a value, all of them at once too."""
    server, keys = desk
    nasty = ["' OR '1'='1", "%", "_", "$1", "@alert", "\\", '"x"y', "x'; DELETE FROM alert; --", "a\tb", "\u202e", "é" * 100]
    for word in nasty:
        for name in ("queue", "name", "assignee", "rule", "text"):
            status, answer, _ = server.ask("GET", f"/v1/alerts?{name}={urllib.parse.quote(word)}", key=keys["viewer"])
            assert status == 200 and answer["alerts"] == [], (name, word, answer)
        status, answer, _ = server.ask("GET", "/v1/cases?state=any&text=" + urllib.parse.quote(word), key=keys["viewer"])
        assert status == 200 and answer["cases"] == [], (word, answer)
    every = ("state=open&queue=urgent&name=big&assignee=me&rule=R&text=t&entity=customer%3Ac1&case=7&disposition=inconclusive&min_score=1"
             "&from=2018-01-01&to=2999-01-01&sort=-amount&limit=5")
    for sort in ("-priority", "priority", "-raised", "raised", "-amount", "amount"):
        assert server.ask("GET", "/v1/alerts?" + every.replace("-amount", sort), key=keys["viewer"])[0] == 200
    page = server.ask("GET", "/v1/alerts?limit=5", key=keys["viewer"])[1]
    assert page["next"]
    for cursor in ("A" * 64, "A" * 4000, page["next"][:-1], page["next"][::-1], page["next"] + "A", "%00", "%FF"):
        assert server.ask("GET", "/v1/alerts?limit=5&cursor=" + cursor, key=keys["viewer"])[0] in (400, 422), cursor
    assert server.ask("GET", "/v1/alerts?limit=5&sort=amount&cursor=" + page["next"], key=keys["viewer"])[0] in (400, 422)
    for name in ("queue", "text"):
        assert server.ask("GET", f"/v1/alerts?{name}=" + "x" * 5000, key=keys["viewer"])[0] in (400, 414)
        assert server.ask("GET", f"/v1/alerts?{name}=%FF%FE", key=keys["viewer"])[0] == 400


def test_a_case_holds_no_more_than_it_may(desk):
    """API4: what is linked is bounded over all changes together, and so is what shows it."""
    server, keys = desk
    events = [f"e{i:02}" + "x" * 90 for i in range(30)]
    alerts = [a["id"] for a in server.ask("GET", "/v1/alerts?limit=100", key=keys["viewer"])[1]["alerts"]]
    body = {"title": "<script>alert(1)</script>", "alerts": alerts[:5] * 2, "decisions": events * 2,
            "entities": [{"kind": "customer", "id": f"c{i}"} for i in range(30)]}
    assert server.ask("POST", "/v1/cases", body | {"title": "one\r\nX-Evil: 1"}, keys["analyst"])[0] == 422
    status, case, headers = server.ask("POST", "/v1/cases", body, keys["analyst"])
    assert status == 201 and case["title"] == body["title"]
    assert case["alert_count"] == 5 and len(case["decisions"]) == 30
    path = f"/v1/cases/{case['id']}"
    for i in range(10, 20):
        entities = [{"kind": "customer", "id": f"c{k}"} for k in range(i, i + 10)] * 10
        assert server.ask("POST", path + ":add", {"entities": entities}, keys["analyst"])[0] == 422  # 30 are there
    assert server.ask("POST", path + ":add", {"entities": entities[:70]}, keys["analyst"])[0] == 200
    assert server.ask("POST", path + ":add", {"decisions": events * 33}, keys["analyst"])[0] == 422
    assert server.ask("POST", path + ":add", {"decisions": events, "owner": "x"}, keys["analyst"])[0] == 422
    assert server.ask("POST", "/v1/cases", {"title": "t" * 201}, keys["analyst"])[0] == 422
    assert server.ask("POST", path + "/notes", {"note": "n" * 100_000}, keys["analyst"])[0] in (413, 422)
    begun = time.monotonic()
    pack = server.ask("GET", path + "/evidence", key=keys["viewer"])[1]
    assert len(pack["decisions"]) == 30 and time.monotonic() - begun < 5
    proofs = {d["id"]: d["log"]["chain"] for d in pack["decisions"]}
    for id in events[:3]:  # the same place in the chain, found another way
        assert server.ask("POST", f"/v1/decisions/{id}:replay", {}, keys["viewer"])[1]["chain"] == proofs[id]
    assert len(set(proofs.values())) == 30
    assert server.ask("GET", path + "/evidence", key=keys["scorer"])[0] == 403


def test_the_consoles_files_are_a_table(desk):
    """API8: no path leads out of it; what is not in it is the page or nothing."""
    server, keys = desk
    for path in ("/assets/../../../../etc/passwd", "/assets/%2e%2e/%2e%2e/etc/passwd", "/..%2f..%2fetc%2fpasswd", "/assets/..%5c..%5cetc",
                 "//etc/passwd", "/assets//etc/passwd", "/assets/", "/assets/index.html%00.js", "/index.html%00", "/./assay.yaml", "/assets/" + "a" * 3000):
        for accept in ("text/html", "*/*"):
            status, answer, _ = server.ask("GET", path, headers={"Accept": accept})
            text = answer if isinstance(answer, str) else json.dumps(answer)
            assert status in (200, 400, 404, 414), (path, status)
            assert "root:" not in text and "entities: {customer" not in text, path
    status, answer, headers = server.ask("GET", "/", headers={"Accept": "text/html"})
    assert status == 200 and "'unsafe" not in headers["Content-Security-Policy"] and "frame-ancestors 'none'" in headers["Content-Security-Policy"]


@pytest.mark.parametrize("path, body", [
    ("/v1/alerts:bulk", {"alerts": ["1"], "action": "delete"}), ("/v1/alerts:bulk", {"alerts": [], "action": "claim"}),
    ("/v1/alerts:bulk", {"alerts": [1], "action": "claim"}), ("/v1/alerts:bulk", {"alerts": ["1"] * 501, "action": "claim"}),
    ("/v1/alerts:bulk", {"alerts": {"a": 1}, "action": "claim"}), ("/v1/alerts:bulk", {"alerts": ["1"], "action": "assign", "to": "a\r\nb"}),
    ("/v1/alerts:bulk", {"alerts": ["1"], "action": "assign", "to": "u" * 1000}), ("/v1/alerts:bulk", {"alerts": ["1"], "action": "claim", "actor": "user:root"}),
    ("/v1/cases", {"title": "t", "state": "closed"}), ("/v1/cases", {"title": "t", "decisions": ["nothing"]}), ("/v1/cases", {"title": "t", "decisions": [{"id": 1}]}),
    ("/v1/cases", {"title": "t", "entities": [{"kind": "nobody", "id": "1"}]}), ("/v1/cases", {"title": "t", "entities": [{"kind": "customer", "id": "c1", "seq": 1}]}),
    ("/v1/cases", {"title": "t\0u"}), ("/v1/cases", {"title": ["t"]}), ("/v1/cases", []),
])  # fmt: skip
def test_bodies_of_changes_that_say_too_much(desk, path, body):
    """API3, API8."""
    server, keys = desk
    status, problem, _ = server.ask("POST", path, body, keys["admin"])
    assert status in (400, 404, 422) and problem["status"] == status, problem
    assert server.ask("GET", "/healthz")[0] == 200


def test_what_a_caller_says_forges_no_line_of_the_journal(desk):
    """API8: an id of a request, a note and a title stay in their line, quoted."""
    server, keys = desk
    server.ask("POST", "/v1/cases", {"title": 'x","event":"forged"}\n{"event":"forged"}', "note": "\u2028\n{}"}, keys["admin"], headers={"X-Request-Id": "a b{}"})
    for line in server.words().splitlines():
        assert json.loads(line).get("event") != "forged"
