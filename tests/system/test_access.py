"""Who may: keys, users, roles, sessions, tokens, rates, TLS, OpenID Connect, and what is kept of it."""

import base64
import hashlib
import hmac
import http.client
import http.server
import json
import os
import re
import signal
import ssl
import subprocess
import threading
import time
import urllib.parse

import pytest

SETTINGS = """
name: test
sources:
  transactions: {file: tx.csv}
event: {id: id, time: at, amount: amount}
entities: {customer: customer}
features:
  amount: amount
lists:
  blocked: {type: text}
rules:
  BIG: {when: amount > 500, then: review}
model: {kind: none}
outcomes: [approve, review, decline]
decision: {review: 300, decline: 800}
"""
HISTORY = "id,at,customer,amount\na1,2018-04-01T00:00:00Z,c1,10.5\n"
PASSWORD = "correct horse battery"


def clean():
    return {k: v for k, v in os.environ.items() if not k.startswith("ASSAY_")}


class Server:
    """assay serve over a folder, and a client with or without a key."""

    def __init__(self, binary, folder, *options, settings=""):
        (folder / "assay.yaml").write_text(SETTINGS + settings)
        (folder / "tx.csv").write_text(HISTORY)
        self.folder, self.binary = folder, binary
        self.context = None
        self.errors = open(folder / "serve.err", "w+")
        self.process = subprocess.Popen(
            [binary, "serve", "--port", "0", "--json", "--no-history", *options],
            cwd=folder, stdout=subprocess.PIPE, stderr=self.errors, text=True, env=clean(),
        )
        line = self.process.stdout.readline()
        assert line, f"assay serve ended: {self.words()}"
        self.started = json.loads(line)
        self.port = self.started["port"]
        self.url = self.started["url"].replace("0.0.0.0", "127.0.0.1")

    def words(self):
        self.errors.seek(0)
        return self.errors.read()

    def ask(self, method, path, body=None, key=None, headers=None):
        sent = dict(headers or {})
        if key:
            sent["Authorization"] = "Bearer " + key
        if body is not None:
            sent.setdefault("Content-Type", "application/json")
            body = body if isinstance(body, str) else json.dumps(body)
        if self.context:
            c = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=30, context=self.context)
        else:
            c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            c.request(method, path, body, sent)
            answer = c.getresponse()
            text = answer.read().decode()
        finally:
            c.close()
        is_json = "json" in (answer.headers.get("Content-Type") or "")
        return answer.status, json.loads(text) if is_json and text else text, answer.headers

    def stop(self, how=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(how)
        code = self.process.wait(timeout=30)
        self.process.stdout.close()
        self.errors.close()
        return code


@pytest.fixture
def start(binary, tmp_path):
    servers = []

    def call(*options, settings="", folder=None):
        servers.append(Server(binary, folder or tmp_path, *options, settings=settings))
        return servers[-1]

    yield call
    for s in servers:
        if s.process.poll() is None:
            s.stop(signal.SIGKILL)


def command(binary, folder, *arguments, stdin="", env=None):
    if not (folder / "assay.yaml").exists():
        (folder / "assay.yaml").write_text(SETTINGS)
        (folder / "tx.csv").write_text(HISTORY)
    done = subprocess.run([binary, *arguments], cwd=folder, capture_output=True, text=True,
                          input=stdin, env={**clean(), **(env or {})}, timeout=60)
    return done.returncode, done.stdout, done.stderr


def make_key(binary, folder, role, *more):
    code, out, err = command(binary, folder, "key", "create", "k-" + role, "--role", role, "--json", "--force", *more)
    assert code == 0, err
    return json.loads(out)["secret"]


def control(folder):
    """The bodies of the control log's records, in order."""
    found = []
    for path in sorted((folder / "assay-data/control/log").glob("*.log")):
        data, at = path.read_bytes(), 4096
        while at + 8 <= len(data) and (n := int.from_bytes(data[at : at + 4], "little")):
            body = int.from_bytes(data[at + 36 : at + 40], "little")
            found.append(json.loads(data[at + 40 : at + 40 + body]))
            at += 8 + n
    return found


# ---- the role matrix ----

ROLES = ["viewer", "scorer", "analyst", "engineer", "auditor", "admin"]


@pytest.fixture(scope="module")
def matrix(binary, tmp_path_factory):
    folder = tmp_path_factory.mktemp("matrix")
    keys = {role: make_key(binary, folder, role) for role in ROLES}
    server = Server(binary, folder)
    routes = json.loads(command(binary, folder, "help", "routes", "--json")[1])
    yield server, keys, routes
    server.stop()


def test_every_route_has_roles_and_every_role_a_route(matrix):
    _, _, routes = matrix
    assert len(routes) > 25
    for r in routes:
        assert "admin" in r["roles"], r
        assert r["anyone"] or r["method"] == "GET" or set(r["roles"]) != set(ROLES) or r["path"].startswith("/v1/session"), r
    assert set(x for r in routes for x in r["roles"]) == set(ROLES)
    # What only an admin may: all that gives rights.
    for r in routes:
        if r["path"].startswith(("/v1/keys", "/v1/users")):
            assert set(r["roles"]) <= ({"admin", "auditor"} if r["method"] == "GET" else {"admin"}), r


def test_role_matrix(matrix):
    """Every route by every role, by nobody and by a wrong key: only the roles of the table pass."""
    server, keys, routes = matrix
    wrong = keys["admin"][:-1] + ("0" if keys["admin"][-1] != "0" else "1")
    for r in routes:
        path = r["path"].replace("{id}", "none").replace("{name}", "none").replace("{value}", "none")
        path = path.replace("{kind}", "none")
        body = "[" if r["body"] != "none" else None  # past the check of roles this is refused, and does nothing
        kind = {"Content-Type": "application/x-ndjson" if r["body"] == "ndjson" else "application/json"}
        if r["path"] == "/v1/sign-in":
            kind = {}

        def status(key):
            method = "HEAD" if r["path"] == "/v1/live" else r["method"]  # else it goes on for ever
            return server.ask(method, path, body, key, kind if body else None)[0]

        for role in ROLES:
            got = status(keys[role])
            may = r["anyone"] or role in r["roles"]
            assert (got != 403) == may and got != 401 or (r["anyone"] and got < 500), (r, role, got)
        if not r["anyone"]:
            assert status(None) == 401, r
            assert status(wrong) == 401, r
            assert status("nonsense") == 401, r


def test_refused_before_the_body_is_read(matrix):
    """A body of half a megabyte that is announced and never sent: the answer comes all the same."""
    server, _, _ = matrix
    c = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    c.putrequest("POST", "/v1/decisions")
    c.putheader("Content-Type", "application/json")
    c.putheader("Content-Length", str(500_000))
    c.endheaders()
    answer = c.getresponse()
    assert answer.status == 401 and answer.headers["WWW-Authenticate"].startswith("Bearer")
    c.close()


def test_a_handler_knows_who(matrix):
    server, keys, _ = matrix
    status, who, _ = server.ask("GET", "/v1/session", key=keys["analyst"])
    assert status == 200 and who["kind"] == "key" and who["name"] == "k-analyst" and who["roles"] == ["analyst"]
    status, _, _ = server.ask("POST", "/v1/lists/blocked/entries?by=ana", {"value": "m-1"}, keys["analyst"])
    assert status == 200
    _, answer, _ = server.ask("GET", "/v1/lists/blocked", key=keys["viewer"])
    assert answer["items"][0]["by"] == "ana via key:k-analyst"
    assert server.ask("GET", "/v1/session", headers={"X-API-Key": keys["viewer"]})[0] == 200


def test_docs_have_the_table(matrix):
    server, _, _ = matrix
    import pathlib
    table = command(server.binary, server.folder, "help", "routes")[1]
    docs = (pathlib.Path(__file__).resolve().parents[2] / "docs/access.md").read_text()
    assert table.strip() in docs, "docs/access.md: put the output of `assay help routes` there"


# ---- keys ----

def test_a_fresh_service_asks_nothing_until_there_is_a_key(start, binary, tmp_path):
    server = start()
    assert not server.started["access_required"]
    assert server.ask("GET", "/v1/decisions")[0] == 200
    status, made, _ = server.ask("POST", "/v1/keys", {"name": "first", "roles": ["admin"]})
    assert status == 201 and made["secret"].startswith("ask_" + made["key"]["id"])
    assert server.ask("GET", "/v1/decisions")[0] == 401
    assert server.ask("GET", "/v1/decisions", key=made["secret"])[0] == 200
    server.stop()
    assert start().ask("GET", "/v1/decisions")[0] == 401
    assert made["secret"].split("_")[2] not in (tmp_path / "assay-data/control/log").joinpath(
        "00000000000000000001.log").read_bytes().decode("latin-1")


def test_the_first_key_is_an_admins_and_opens_the_rest(start, binary, tmp_path):
    """The README's block, beside a running service."""
    server = start()
    code, secret, words = command(binary, tmp_path, "key", "create", "operator", "--role", "admin", "--url", server.url)
    assert code == 0 and secret.startswith("ask_") and secret.count("\n") == 1 and "shown this once" in words
    assert not words.rstrip().endswith("by")
    key = {"ASSAY_KEY": secret.strip()}
    assert command(binary, tmp_path, "key", "create", "payments", "--role", "scorer", "--url", server.url, env=key)[0] == 0
    assert command(binary, tmp_path, "user", "create", "ann", "--role", "admin", "--url", server.url, stdin=PASSWORD + "\n", env=key)[0] == 0
    for words in (("status",), ("reload",), ("drift",), ("explain", "a1"), ("list", "show", "blocked"), ("alert", "list"), ("key", "list")):
        code, _, err = command(binary, tmp_path, *words, "--url", server.url)
        assert code == 1 and "key in ASSAY_KEY or --key" in err, words
    code, _, err = command(binary, tmp_path, "key", "list", "--url", server.url, env={"ASSAY_KEY": secret})
    assert code == 2 and "blanks or line ends" in err


def test_nobody_is_locked_out(start, binary, tmp_path):
    """The first key or user is an admin that lasts, and the last one stays: by command, beside a service and over HTTP."""
    on = lambda *words, **more: command(binary, tmp_path, *words, **more)
    for words in (("key", "create", "pay", "--role", "scorer"), ("user", "create", "ben", "--role", "analyst"),
                  ("key", "create", "ops", "--role", "admin", "--expires", "1d")):
        code, out, err = on(*words, stdin=PASSWORD + "\n")
        assert code == 1 and out == "" and "assay key create NAME --role admin" in err and "--force" in err, words
    server = start()
    assert not server.started["access_required"]
    assert on("key", "create", "pay", "--role", "scorer", "--url", server.url)[0] == 1
    for path, body in (("/v1/keys", {"name": "pay", "roles": ["scorer"]}), ("/v1/users", {"name": "ben", "password": PASSWORD, "roles": ["viewer"]})):
        status, answer, _ = server.ask("POST", path, body)
        assert status == 409 and "admin" in answer["detail"], path
        assert server.ask("POST", path + "?force=perhaps", body)[0] == 400
    assert server.ask("GET", "/v1/keys")[1]["items"] == [] and server.ask("GET", "/v1/decisions")[0] == 200
    admin = {"ASSAY_KEY": on("key", "create", "ops", "--role", "admin", "--url", server.url)[1].strip()}
    ours = admin["ASSAY_KEY"].split("_")[1]
    run = lambda *words, **more: on(*words, "--url", server.url, env=admin, **more)
    assert run("key", "create", "pay", "--role", "scorer")[0] == 0
    code, _, err = run("key", "revoke", ours)
    assert code == 1 and "last admin" in err and "--force" in err
    code, made, _ = run("key", "create", "soon", "--role", "admin", "--expires", "1d", "--json")
    assert code == 0
    code, _, err = run("key", "revoke", ours)
    assert code == 1 and "last admin that does not expire" in err
    assert run("key", "revoke", json.loads(made)["key"]["id"])[0] == 0  # one that expires may go
    assert run("user", "create", "ann", "--role", "admin", stdin=PASSWORD + "\n")[0] == 0
    assert run("user", "disable", "ann")[0] == 0 and run("user", "enable", "ann")[0] == 0  # the key is admin
    assert run("key", "revoke", ours, "--note", "ann does it")[0] == 0  # ann is
    server.stop()
    assert on("user", "role", "ann", "--role", "viewer")[0] == 1 and on("user", "disable", "ann")[0] == 1
    assert on("user", "disable", "ann", "--force", "--note", "for ever")[0] == 0
    records = control(tmp_path)
    assert records[-1]["kind"] == "user.disabled" and records[-1]["forced"] is True
    assert [r.get("note") for r in records if r["kind"] == "key.revoked"][-1] == "ann does it"
    assert not any("forced" in r for r in records[:-1])


def test_a_first_key_without_an_admin_is_forced(start, binary, tmp_path):
    code, key, _ = command(binary, tmp_path, "key", "create", "pay", "--role", "scorer", "--force")
    assert code == 0 and key.startswith("ask_")


@pytest.mark.parametrize("access", ["required: false", "jwt: {issuer: i, audience: a, secret: " + "s" * 32 + "}"])
def test_where_others_may_any_key_is_first(start, access):
    server = start(settings=f"access: {{{access}}}\n")
    if "jwt" in access:  # asked already: whoever comes by a token
        assert server.ask("POST", "/v1/keys", {"name": "pay", "roles": ["scorer"]})[0] == 401
    else:
        assert server.ask("POST", "/v1/keys", {"name": "pay", "roles": ["scorer"]})[0] == 201


def test_a_starter_makes_an_admin(start):
    server = start(settings="access: {required: true}\n")
    token = re.search(r"asb_[0-9a-f]{64}", server.words())[0]
    assert server.ask("POST", "/v1/keys", {"name": "pay", "roles": ["scorer"]}, token)[0] == 409
    assert server.ask("POST", "/v1/keys", {"name": "ops", "roles": ["admin"]}, token)[0] == 201  # it was not used up


def test_life_of_a_key(start, binary, tmp_path):
    admin = make_key(binary, tmp_path, "admin")
    server = start()
    env = {"ASSAY_KEY": admin}

    def run(*arguments):
        code, out, err = command(binary, tmp_path, *arguments, "--json", "--url", server.url, env=env)
        assert code == 0, err
        return json.loads(out)

    made = run("key", "create", "pay", "--role", "scorer,viewer", "--expires", "1d")
    key, name = made["secret"], made["key"]["id"]
    assert made["key"]["roles"] == ["viewer", "scorer"]

    def status(k):
        return server.ask("GET", "/v1/decisions", key=k)[0]

    assert status(key) == 200
    rotated = run("key", "rotate", name)["secret"]
    assert rotated != key and status(rotated) == 200 and status(key) == 200  # within the grace
    again = run("key", "rotate", name, "--grace", "0s")["secret"]
    assert status(again) == 200 and status(rotated) == 401
    assert run("key", "revoke", name)["state"] == "revoked"
    assert status(again) == 401 and "revoked" in server.ask("GET", "/v1/lists", key=again)[1]["detail"]
    assert server.ask("DELETE", f"/v1/keys/{name}", key=admin)[0] == 409
    assert server.ask("DELETE", "/v1/keys/000000000000", key=admin)[0] == 404
    server.stop()
    server = start()  # the same from the log
    assert status(again) == 401 and status(admin) == 200
    states = {k["id"]: k["state"] for k in server.ask("GET", "/v1/keys", key=admin)[1]["items"]}
    assert states[name] == "revoked"
    text = json.dumps(server.ask("GET", "/v1/keys", key=admin)[1])
    assert "hash" not in text and admin.split("_")[2] not in text


def test_an_expired_key(start, binary, tmp_path):
    key = make_key(binary, tmp_path, "viewer", "--expires", "2s")
    server = start()
    assert server.ask("GET", "/v1/decisions", key=key)[0] in (200, 401)
    time.sleep(2.1)
    status, answer, _ = server.ask("GET", "/v1/decisions", key=key)
    assert status == 401 and "expired" in answer["detail"]


@pytest.mark.parametrize("body, word", [
    ({"name": "x"}, "roles"), ({"name": "x", "roles": []}, "roles"), ({"name": "x", "roles": ["root"]}, "root"),
    ({"name": "", "roles": ["viewer"]}, "name"), ({"name": "x" * 65, "roles": ["viewer"]}, "name"),
    ({"name": "x", "roles": ["viewer"], "expires": "2018-01-01"}, "expires"),
    ({"name": "x", "roles": ["viewer"], "scope": 1}, "scope"), ([], "object"),
])
def test_bad_keys_are_refused(matrix, body, word):
    server, keys, _ = matrix
    status, answer, _ = server.ask("POST", "/v1/keys", body, keys["admin"])
    assert status == 422 and word in answer["detail"]


# ---- users and sessions ----

@pytest.fixture
def people(binary, tmp_path, start):
    assert command(binary, tmp_path, "user", "create", "ann", "--role", "admin", stdin=PASSWORD + "\n")[0] == 0
    return start()


def sign_in(server, name="ann", password=PASSWORD):
    status, answer, headers = server.ask("POST", "/v1/sessions", {"name": name, "password": password})
    cookie = (headers.get("Set-Cookie") or "").split(";")[0]
    return status, answer, cookie, headers


def test_sessions(people):
    status, who, cookie, headers = sign_in(people)
    assert status == 200 and who["roles"] == ["admin"]
    assert "HttpOnly" in headers["Set-Cookie"] and "SameSite=Strict" in headers["Set-Cookie"]
    me = {"Cookie": "a=b; " + cookie}
    assert people.ask("GET", "/v1/users", headers=me)[0] == 200
    body = {"name": "ben", "password": "another long one", "roles": ["viewer"]}
    status, answer, _ = people.ask("POST", "/v1/users", body, headers=me)  # as another site's page would
    assert status == 403 and "X-CSRF-Token" in answer["detail"]
    assert people.ask("POST", "/v1/users", body, headers={**me, "X-CSRF-Token": "0" * 64})[0] == 403
    mine = {**me, "X-CSRF-Token": who["csrf"]}
    assert people.ask("POST", "/v1/users", body, headers=mine)[0] == 201
    assert people.ask("GET", "/v1/session", headers=me)[1]["csrf"] == who["csrf"]

    _, _, bens, _ = sign_in(people, "ben", "another long one")
    assert people.ask("GET", "/v1/decisions", headers={"Cookie": bens})[0] == 200
    assert people.ask("GET", "/v1/users", headers={"Cookie": bens})[0] == 403
    assert people.ask("POST", "/v1/users/ben", {"roles": ["auditor"]}, headers=mine)[0] == 200
    assert people.ask("GET", "/v1/users", headers={"Cookie": bens})[0] == 200  # at once
    assert people.ask("POST", "/v1/users/ben", {"disabled": True}, headers=mine)[0] == 200
    assert people.ask("GET", "/v1/decisions", headers={"Cookie": bens})[0] == 401
    assert sign_in(people, "ben", "another long one")[0] == 401
    assert people.ask("POST", "/v1/users/ann", {"disabled": True}, headers=mine)[0] == 409  # the last admin
    assert people.ask("DELETE", "/v1/session", headers=mine)[0] == 200
    assert people.ask("GET", "/v1/users", headers=me)[0] == 401


def test_guessing_is_slowed(people):
    tried = [sign_in(people, "ann", f"wrong password {i}") for i in range(8)]
    statuses = [t[0] for t in tried]
    assert statuses[:3] == [401, 401, 401] and statuses[-1] == 429
    slowed = next(t for t in tried if t[0] == 429)
    assert int(slowed[3]["Retry-After"]) >= 1
    assert sign_in(people)[0] == 429  # the right one too, until then
    time.sleep(int(slowed[3]["Retry-After"]) + 0.1)
    assert sign_in(people)[0] == 200
    answers = {json.dumps(sign_in(people, n, "wrong password x")[1]["detail"]) for n in ("nobody-1", "nobody-2")}
    assert len(answers) == 1 and "name or the password" in answers.pop()  # no word on which names exist


def test_passwords_have_a_least_length_and_are_no_argument(binary, tmp_path):
    code, _, err = command(binary, tmp_path, "user", "create", "ann", "--role", "admin", stdin="short\n")
    assert code == 1 and "12 to 256" in err
    code, _, err = command(binary, tmp_path, "user", "create", "a/b", "--role", "admin", stdin=PASSWORD)
    assert code == 1 and "letters" in err
    assert json.loads(command(binary, tmp_path, "user", "list", "--json")[1])["items"] == []


# ---- the first admin, and other machines ----

def test_one_time_token(start, binary, tmp_path):
    server = start(settings="access: {required: true}\n")
    words = server.words()
    token = words[words.index("asb_"):].split()[0]
    assert server.ask("GET", "/v1/decisions")[0] == 401
    assert server.ask("GET", "/v1/users", key=token)[0] == 401  # good for nothing else
    assert server.ask("POST", "/v1/users", {"name": "a", "password": "short", "roles": ["admin"]}, token)[0] == 422
    code, _, err = command(binary, tmp_path, "user", "create", "ann", "--role", "admin", "--url", server.url,
                           "--key", token, stdin=PASSWORD)
    assert code == 0, err
    again = {"name": "eve", "password": PASSWORD, "roles": ["admin"]}
    assert server.ask("POST", "/v1/users", again, token)[0] == 401  # once
    assert sign_in(server)[0] == 200
    server.stop()
    assert "asb_" not in start(settings="access: {required: true}\n").words()


def test_beyond_loopback(binary, start, tmp_path):
    (tmp_path / "assay.yaml").write_text(SETTINGS + "server: {host: 0.0.0.0}\n")
    (tmp_path / "tx.csv").write_text(HISTORY)
    code, _, err = command(binary, tmp_path, "serve", "--port", "0")
    assert code == 1 and "no key" in err and "assay user create" in err
    server = start(settings="server: {host: 0.0.0.0}\naccess: {required: false}\n")
    assert server.ask("GET", "/v1/decisions")[0] == 200 and "may do everything" in server.words()
    server.stop()
    key = make_key(binary, tmp_path, "viewer")
    server = start(settings="server: {host: 0.0.0.0}\n")
    assert server.ask("GET", "/v1/decisions")[0] == 401
    assert server.ask("GET", "/v1/decisions", key=key)[0] == 200
    assert "without TLS" in server.words()


# ---- rates ----

def test_rates(start, binary, tmp_path):
    keys = [make_key(binary, tmp_path, "viewer") for _ in range(2)]
    server = start(settings="access: {rate: {per_key: 5/min, per_address: 40/min}}\n")
    answers = [server.ask("GET", "/v1/lists", key=keys[0]) for _ in range(7)]
    assert [a[0] for a in answers] == [200] * 5 + [429] * 2
    assert [a[2]["RateLimit-Remaining"] for a in answers[:5]] == ["4", "3", "2", "1", "0"]
    assert answers[0][2]["RateLimit-Limit"] == "5" and 0 < int(answers[5][2]["Retry-After"]) <= 12
    assert server.ask("GET", "/v1/lists", key=keys[1])[0] == 200  # a bucket of its own
    others = [server.ask("GET", "/healthz")[0] for _ in range(40)]
    assert others[-1] == 429 and 30 <= others.count(200) <= 33  # of the address, the key or none
    assert server.ask("GET", "/v1/lists", key=keys[1])[0] == 429


@pytest.mark.parametrize("given", ["120", "0/min", "x/s", "5/week", "-1/s", "2000000/s"])
def test_bad_rates(run, write, given):
    write("assay.yaml", SETTINGS + f"access: {{rate: {{per_key: {given}}}}}\n")
    write("tx.csv", HISTORY)
    done = run("check")
    assert done.exit == 1 and "access.rate.per_key" in done.stderr + done.stdout


# ---- tokens ----

def b64(data):
    data = data if isinstance(data, bytes) else json.dumps(data).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


SECRET = "0123456789abcdef0123456789abcdef"


def claims(**more):
    now = int(time.time())
    return {"iss": "https://id.example", "aud": "assay", "sub": "svc-1", "name": "Service 1", "exp": now + 60,
            "roles": ["viewer"], **more}


def hs256(payload, secret=SECRET, header=None):
    signed = b64(header or {"alg": "HS256", "typ": "JWT"}) + "." + b64(payload)
    return signed + "." + b64(hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest())


def openssl(*arguments, data=None):
    return subprocess.run(["openssl", *map(str, arguments)], input=data, capture_output=True, check=True).stdout


class Signer:
    """A key pair made by openssl: its JWK, and tokens signed with it."""

    def __init__(self, folder, kid, kind="RSA"):
        self.kid, self.kind, self.file = kid, kind, folder / f"{kid}.pem"
        if kind == "RSA":
            openssl("genrsa", "-out", self.file, "2048")
            n = openssl("rsa", "-in", self.file, "-noout", "-modulus").decode().strip().split("=")[1]
            self.jwk = {"kty": "RSA", "kid": kid, "use": "sig", "n": b64(bytes.fromhex(n)), "e": "AQAB"}
        else:
            openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", self.file)
            der = openssl("ec", "-in", self.file, "-pubout", "-outform", "DER")
            self.jwk = {"kty": "EC", "kid": kid, "crv": "P-256", "x": b64(der[-64:-32]), "y": b64(der[-32:])}
        self.public = openssl("pkey", "-in", self.file, "-pubout").decode()

    def token(self, payload, **header):
        head = {"alg": "RS256" if self.kind == "RSA" else "ES256", "kid": self.kid, **header}
        signed = b64(head) + "." + b64(payload)
        signature = openssl("dgst", "-sha256", "-sign", self.file, data=signed.encode())
        if self.kind == "EC":  # DER: two integers
            n = signature[3]
            r, s = signature[4 : 4 + n], signature[6 + n :]
            signature = r[-32:].rjust(32, b"\0") + s[-32:].rjust(32, b"\0")
        return signed + "." + b64(signature)


def test_tokens_of_a_shared_secret(start):
    server = start(settings=f"access: {{jwt: {{issuer: https://id.example, audience: assay, secret: {SECRET}}}}}\n")

    def status(token):
        return server.ask("GET", "/v1/decisions", key=token)[0]

    good = hs256(claims())
    assert server.started["access_required"] and status(None) == 401
    assert server.ask("GET", "/v1/session", key=good)[1]["id"] == "svc-1"
    assert status(good) == 200
    assert status(hs256(claims(aud=["other", "assay"]))) == 200
    assert status(hs256(claims(roles="viewer"))) == 200
    assert status(hs256(claims(roles=["scorer"]))) == 403 and status(hs256(claims(roles=[]))) == 403
    now = time.time()
    head, body, sign = good.split(".")
    flipped = b64({**claims(), "roles": ["admin"]})
    for bad in [
        hs256(claims(exp=now - 31)), hs256({k: v for k, v in claims().items() if k != "exp"}),
        hs256(claims(exp="soon")), hs256(claims(nbf=now + 60)), hs256(claims(iss="https://evil.example")),
        hs256(claims(aud="other")), hs256(claims(aud=[])), hs256(claims(), secret="x" * 32), hs256(claims(sub="")),
        b64({"alg": "none"}) + "." + body + ".", b64({"alg": "None"}) + "." + body + "." + sign,
        b64({"alg": "none"}) + "." + body, f"{head}.{flipped}.{sign}", f"{head}.{body}.", f"{head}.{body}",
        f"{head}.{body}.{sign}.{sign}", f"{head}.{body}.{sign[:-2]}", "a.b.c", "..", good + "=", " ",
        hs256(claims(), header={"alg": "HS256", "crit": ["exp"]}), hs256(claims(), header={"alg": "HS512"}),
        b64(b"[]") + "." + body + "." + sign, "x" * 20000,
    ]:
        assert status(bad) in (401, 400, 431), bad
    assert "token is refused" in server.ask("GET", "/v1/decisions", key=hs256(claims(aud="other")))[1]["detail"]


def test_tokens_of_key_pairs(start, tmp_path):
    rsa, ec, other = Signer(tmp_path, "r1"), Signer(tmp_path, "e1", "EC"), Signer(tmp_path, "r2")
    jwks = tmp_path / "jwks.json"
    secret = {"kty": "oct", "kid": "o1", "k": b64(SECRET.encode())}
    jwks.write_text(json.dumps({"keys": [rsa.jwk, ec.jwk, secret, {"kty": "EC", "crv": "P-521"}]}))
    server = start(settings="access:\n  jwt: {issuer: https://id.example, audience: assay, keys: jwks.json, "
                            "role_claim: realm.groups}\n  roles: {fraud-team: 'analyst, viewer', ops: engineer}\n")

    def status(token, path="/v1/decisions"):
        return server.ask("GET", path, key=token)[0]

    c = claims(realm={"groups": ["fraud-team", "cooks"]}, roles=["admin"])
    assert status(rsa.token(c)) == 200 and status(ec.token(c)) == 200
    assert server.ask("GET", "/v1/session", key=ec.token(c))[1]["roles"] == ["viewer", "analyst"]
    assert status(rsa.token(c), "/v1/users") == 403  # `roles` is not the role claim
    assert status(other.token(c)) == 401  # a kid that is not there
    assert status(other.token(c, kid="r1")) == 401  # a wrong signature under a right name
    assert status(rsa.token(c, kid="e1")) == 401 and status(rsa.token(c, alg="ES256")) == 401
    for public in (rsa.public, rsa.public.strip(), json.dumps(rsa.jwk)):  # key confusion
        assert status(hs256(c, public, {"alg": "HS256", "kid": "r1"})) == 401
    assert status(hs256(c, SECRET, {"alg": "HS256", "kid": "o1"})) == 401
    assert status(hs256(c, "", {"alg": "HS256", "kid": ""})) == 401
    zero = b64({"alg": "ES256", "kid": "e1"}) + "." + b64(c) + "." + b64(bytes(64))
    assert status(zero) == 401


@pytest.mark.parametrize("section, word", [
    ("{secret: short, issuer: a, audience: b}", "32 bytes"), ("{secret: " + SECRET + "}", "issuer"),
    ("{keys: none.json, secret: " + SECRET + ", issuer: a, audience: b}", "not both"),
    ("{keys: none.json, issuer: a, audience: b}", "none.json"), ("{issuer: a, audience: b}", "keys"),
])
def test_bad_token_settings(binary, tmp_path, section, word):
    (tmp_path / "assay.yaml").write_text(SETTINGS + f"access: {{jwt: {section}}}\n")
    (tmp_path / "tx.csv").write_text(HISTORY)
    code, _, err = command(binary, tmp_path, "serve", "--port", "0")
    assert code == 1 and word in err and SECRET not in err


@pytest.mark.parametrize("issuer", ["http://id.example", "http://localhost.evil.example", "http://127.0.0.1.evil.example", "http://localhost@evil"])
def test_sign_in_wants_https_or_this_machine(binary, tmp_path, issuer):
    section = f"access: {{sign_in: {{issuer: '{issuer}', client: console, callback: https://assay.example/v1/sign-in/callback}}}}\n"
    (tmp_path / "assay.yaml").write_text(SETTINGS + section)
    (tmp_path / "tx.csv").write_text(HISTORY)
    code, _, err = command(binary, tmp_path, "serve", "--port", "0")
    assert code == 1 and "issuer: expected an https URL" in err


# ---- TLS ----

def certificate(folder, name):
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout",
            folder / "key.pem", "-out", folder / "cert.pem", "-days", "2", "-subj", f"/CN={name}",
            "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost")
    return (folder / "cert.pem").read_text()


def subject(server, pem):
    context = ssl.create_default_context(cadata=pem)
    with context.wrap_socket(__import__("socket").create_connection(("127.0.0.1", server.port)),
                             server_hostname="127.0.0.1") as s:
        return dict(x[0] for x in s.getpeercert()["subject"])["commonName"]


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_tls_and_its_reload(start, binary, tmp_path):
    first = certificate(tmp_path, "one")
    key = make_key(binary, tmp_path, "viewer")
    server = start(settings="server: {tls: {certificate: cert.pem, key: key.pem}}\n")
    assert server.url.startswith("https://") and subject(server, first) == "one"
    server.context = ssl.create_default_context(cadata=first)
    assert server.ask("GET", "/v1/decisions", key=key)[0] == 200
    held = http.client.HTTPSConnection("127.0.0.1", server.port, timeout=10, context=server.context)
    held.request("GET", "/healthz")
    assert held.getresponse().read()

    second = certificate(tmp_path, "two")
    server.process.send_signal(signal.SIGHUP)
    until = time.monotonic() + 10
    while "reloaded" not in server.words() and time.monotonic() < until:
        time.sleep(0.02)
    assert subject(server, second) == "two"
    held.request("GET", "/healthz")  # the open connection goes on
    assert held.getresponse().status == 200
    held.close()
    (tmp_path / "cert.pem").write_text(first)  # not of this key
    server.process.send_signal(signal.SIGHUP)
    until = time.monotonic() + 10
    while "not reloaded" not in server.words() and time.monotonic() < until:
        time.sleep(0.02)
    assert "server.tls" in server.words() and subject(server, second) == "two"

    old = ssl.create_default_context(cadata=second)
    old.minimum_version = ssl.TLSVersion.TLSv1
    old.maximum_version = ssl.TLSVersion.TLSv1_1
    server.context = old
    with pytest.raises((ssl.SSLError, OSError)):
        server.ask("GET", "/healthz")
    (tmp_path / "ca.pem").write_text(second)
    env = {"ASSAY_KEY": key}
    assert command(binary, tmp_path, "list", "show", "--url", server.url, "--ca", "ca.pem", env=env)[0] == 0
    assert command(binary, tmp_path, "list", "show", "--url", server.url, env=env)[0] == 3


# ---- OpenID Connect ----

class Provider(http.server.ThreadingHTTPServer):
    """A small OpenID provider: discovery, authorization, tokens by code with PKCE, keys."""

    def __init__(self, folder):
        self.signer, self.codes, self.change = Signer(folder, "p1"), {}, {}
        super().__init__(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def authorize(self, url):
        """As the person's browser: the provider asks who, and leads back to this URL."""
        q = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query))
        assert q["response_type"] == "code" and q["client_id"] == "console" and "openid" in q["scope"]
        assert q["code_challenge_method"] == "S256" and len(q["nonce"]) >= 32 and len(q["state"]) >= 32
        code = f"code-{len(self.codes)}"
        self.codes[code] = q
        return q["redirect_uri"] + "?" + urllib.parse.urlencode({"code": code, "state": q["state"]})


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def answer(self, what, status=200):
        body = json.dumps(what).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        p = self.server
        if self.path == "/.well-known/openid-configuration":
            self.answer({"issuer": p.issuer, "authorization_endpoint": p.issuer + "/authorize?x=1",
                         "token_endpoint": p.issuer + "/token", "jwks_uri": p.issuer + "/keys"})
        else:
            self.answer({"keys": [p.signer.jwk]})

    def do_POST(self):
        p = self.server
        q = dict(urllib.parse.parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
        asked = p.codes.pop(q.get("code"), None)
        basic = "Basic " + base64.b64encode(b"console:s%26cret").decode()
        challenge = b64(hashlib.sha256(q.get("code_verifier", "").encode()).digest())
        if (asked is None or self.headers["Authorization"] != basic or challenge != asked["code_challenge"]
                or q["redirect_uri"] != asked["redirect_uri"] or q["grant_type"] != "authorization_code"):
            self.answer({"error": "invalid_grant"}, 400)
            return
        payload = {"iss": p.issuer, "aud": "console", "sub": "u-7", "name": "Ann Lee", "groups": ["fraud"],
                   "nonce": asked["nonce"], "exp": int(time.time()) + 60, **p.change}
        self.answer({"access_token": "x", "token_type": "Bearer", "id_token": p.signer.token(payload)})


def test_openid_sign_in(start, tmp_path):
    provider = Provider(tmp_path)
    server = start(settings=f"""access:
  sign_in:
    issuer: {provider.issuer}
    client: console
    secret: s&cret
    callback: http://127.0.0.1:1/v1/sign-in/callback
  roles: {{fraud: analyst}}
""")

    def begin():
        status, _, headers = server.ask("GET", "/v1/sign-in")
        assert status == 302 and "HttpOnly" in headers["Set-Cookie"] and "SameSite=Lax" in headers["Set-Cookie"]
        back = urllib.parse.urlsplit(provider.authorize(headers["Location"]))
        return back.path + "?" + back.query, headers["Set-Cookie"].split(";")[0]

    def finish(path, cookie):
        status, answer, headers = server.ask("GET", path, headers={"Cookie": cookie} if cookie else None)
        session = [h.split(";")[0] for h in headers.get_all("Set-Cookie") or [] if h.startswith("assay_session")]
        return status, session[0] if session else None

    path, cookie = begin()
    status, session = finish(path, cookie)
    assert status == 200 and session
    who = server.ask("GET", "/v1/session", headers={"Cookie": session})[1]
    assert who["name"] == "Ann Lee" and who["roles"] == ["analyst"] and who["id"] == "oidc:u-7"
    assert server.ask("GET", "/v1/decisions", headers={"Cookie": session})[0] == 200
    assert finish(path, cookie)[0] == 503  # the code was used: the provider refuses it

    path, cookie = begin()
    other = begin()[1]
    assert finish(path, None) == (401, None)
    assert finish(path, other) == (401, None)  # another browser's
    assert finish(path.replace("state=", "state=0"), cookie) == (401, None)
    assert finish(path + "&iss=https://evil.example", cookie) == (401, None)
    assert finish("/v1/sign-in/callback?error=access_denied&state=x", cookie) == (401, None)
    for change in [{"nonce": "x"}, {"aud": "other"}, {"iss": "https://evil.example"}, {"exp": 1},
                   {"azp": "other"}, {"groups": []}]:
        provider.change = change
        assert finish(*begin()) == (401, None), change
    provider.change = {}
    provider.signer = Signer(tmp_path, "p2")  # not the key that was read
    assert finish(*begin()) == (401, None)
    provider.shutdown()


# ---- what is kept ----

def test_an_edited_control_log_asks_no_stranger(binary, tmp_path):
    """Where the log is damaged, whoever listens at the settings' address is not taken for its service."""
    asked = []

    class Stranger(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append((self.path, self.headers.get("Authorization")))
            body = b'{"items":[],"status":"alive"}'
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    stranger = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Stranger)
    threading.Thread(target=stranger.serve_forever, daemon=True).start()
    try:
        (tmp_path / "tx.csv").write_text(HISTORY)
        (tmp_path / "assay.yaml").write_text(SETTINGS + f"server: {{port: {stranger.server_address[1]}}}\n")
        for name in ("one", "two"):
            assert command(binary, tmp_path, "key", "create", name, "--role", "admin")[0] == 0
        log = tmp_path / "assay-data/control/log/00000000000000000001.log"
        data = bytearray(log.read_bytes())
        data[data.index(b"admin")] ^= 1
        log.write_bytes(bytes(data))
        for words in (("key", "list"), ("user", "list"), ("key", "create", "three", "--role", "admin")):
            code, out, err = command(binary, tmp_path, *words, env={"ASSAY_KEY": "ask_secret"})
            assert code == 1 and "damaged" in err, (words, out, err)
        assert asked == []
    finally:
        stranger.shutdown()
        stranger.server_close()


def test_the_control_log_has_it_all(start, binary, tmp_path):
    admin = make_key(binary, tmp_path, "admin")
    server = start()
    for _ in range(50):
        assert server.ask("GET", "/v1/decisions", key="ask_" + "0" * 12 + "_" + "0" * 64)[0] == 401
    server.ask("POST", "/v1/users", {"name": "ann", "password": PASSWORD, "roles": ["viewer"]}, admin)
    sign_in(server, "ann")
    assert server.ask("POST", "/v1/settings:reload", {}, admin)[0] == 200
    server.stop()
    records = control(tmp_path)
    kinds = [r["kind"] for r in records]
    assert kinds[0] == "key.created" and records[0]["actor"]["kind"] == "console"
    user = records[kinds.index("user.created")]
    assert user["actor"]["kind"] == "key" and user["actor"]["name"] == "k-admin" and user["address"] == "127.0.0.1"
    denied = [r for r in records if r["kind"] == "access.denied" and r["subject"] == "/v1/decisions"]
    assert sum(r["data"]["count"] for r in denied) == 50 and len(denied) <= 3
    reload = records[kinds.index("settings.reload_asked")]
    assert reload["actor"]["name"] == "k-admin" and reload["subject"] == "settings"
    assert "access.key_used" in kinds and "access.signed_in" in kinds
    text = json.dumps(records)
    assert PASSWORD not in text and admin.split("_")[2] not in text
    code, out, err = command(binary, tmp_path, "log", "verify", "--control", "--json")
    assert code == 0 and json.loads(out)["records"] == len(records), err
    code, out, err = command(binary, tmp_path, "log", "export", "--control")
    assert code == 0 and [json.loads(x)["change"] for x in out.splitlines()] == kinds, err
    assert "argon2" not in out and "hash" not in out  # what is secret is not shown
    log = tmp_path / "assay-data/control/log"
    data = bytearray((log / "00000000000000000001.log").read_bytes())
    at = data.index(b"admin")
    data[at] ^= 1
    (log / "00000000000000000001.log").write_bytes(bytes(data))
    assert command(binary, tmp_path, "log", "verify", "--control")[0] == 1
    assert command(binary, tmp_path, "key", "list")[0] != 0  # an edited log is not opened
    assert (tmp_path / "assay-data/control").stat().st_mode & 0o077 == 0
    assert log.is_dir()
