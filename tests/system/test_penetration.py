"""What docs/penetration-test.md tried and no other test does, by the rows of the OWASP API Security Top 10 (2023)."""

import json
import time

import pytest
from test_access import PASSWORD, SECRET, Server, Signer, b64, claims, hs256, make_key

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
