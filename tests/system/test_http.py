"""The HTTP surface against careless and hostile peers: names of requests, conditional and packed answers, pages of
other origins, keys that make a request safe to repeat; broken heads, slow and idle connections."""

import concurrent.futures
import gzip
import http.client
import json
import re
import resource
import socket
import subprocess
import time

import pytest
from test_serve import HISTORY, SETTINGS, Server, event

MORE = """
lists: {blocked: {description: told}}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("http")
    (path / "tx.csv").write_text(HISTORY)
    (path / "assay.yaml").write_text(
        SETTINGS.replace("body: 64KiB", "body: 64KiB, connections: 64, cors: ['https://console.example']") + MORE
    )
    return path


@pytest.fixture(scope="module")
def server(binary, folder):
    server = Server(binary, folder)
    yield server
    assert server.stop() == 0, server.words()
    server.errors.close()


def raw(server, data, timeout=20):
    """All that comes back until the server closes, or has answered once and waits."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=timeout) as s:
        try:
            s.sendall(data)
            s.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        got = b""
        try:
            while piece := s.recv(65536):
                got += piece
        except OSError:
            pass
        return got


def statuses(answer):
    return [int(s) for s in re.findall(rb"HTTP/1\.1 (\d{3}) ", answer)]


# ---- names of requests


def test_a_request_keeps_its_name(server):
    for given in ("abc-123", "0af7651916cd43dd8448eb211c80319c", "x" * 128):
        _, _, headers = server.ask("GET", "/healthz", headers={"X-Request-Id": given})
        assert headers["X-Request-Id"] == given
        _, problem, headers = server.ask("GET", "/nothing", headers={"X-Request-Id": given})
        assert problem["request_id"] == headers["X-Request-Id"] == given


@pytest.mark.parametrize("given", ["", "x" * 129, "two words", "<script>", "a\tb", "é", '"', "a,b", "%0d%0aSet-Cookie:x"])
def test_a_name_that_is_none_is_replaced(server, given):
    _, _, headers = server.ask("GET", "/healthz", headers={"X-Request-Id": given.encode()})
    assert headers["X-Request-Id"] not in ("", given)


def test_names_made_here_are_all_different(server):
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        names = list(pool.map(lambda _: server.ask("GET", "/healthz")[2]["X-Request-Id"], range(200)))
    assert len(set(names)) == 200
    assert server.decide(event("named"))[2]["X-Request-Id"]


def test_a_trace_is_passed_on(server):
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    assert server.decide(event("traced"), "?dry_run=true")[2]["X-Request-Id"]
    assert server.ask("GET", "/healthz", headers={"traceparent": trace})[2]["traceparent"] == trace
    for bad in (trace[:-1], trace.upper(), trace.replace("b7ad6b7169203331", "0" * 16), "00-" + "0" * 32 + trace[35:], "x" * 55):
        assert "traceparent" not in server.ask("GET", "/healthz", headers={"traceparent": bad})[2]


# ---- conditional, packed and sparse answers


def test_what_is_known_is_not_sent_again(server):
    for path in ("/openapi.json", "/v1/lists", "/v1/features", "/v1/settings", "/v1/models", "/docs"):
        status, _, headers = server.ask("GET", path)
        assert status == 200 and headers["ETag"].startswith('W/"')
        for given in (headers["ETag"], headers["ETag"][2:], f'"x", {headers["ETag"]}', "*"):
            status, body, again = server.ask("GET", path, headers={"If-None-Match": given})
            assert status == 304 and body == "" and again["ETag"] == headers["ETag"]
        assert server.ask("GET", path, headers={"If-None-Match": 'W/"other"'})[0] == 200
    was = server.ask("GET", "/v1/lists")[2]["ETag"]
    assert server.ask("POST", "/v1/lists/blocked/entries", {"value": "etag"})[0] == 200
    assert server.ask("GET", "/v1/lists")[2]["ETag"] != was
    assert "ETag" not in server.ask("GET", "/v1/decisions")[2]


@pytest.mark.parametrize(
    "header,packed",
    [("gzip", True), ("GZIP;q=0.5", True), ("br, gzip;q=0.1, *;q=0", True), ("*", True), ("gzip;q=0", False), ("identity", False),
     ("gzip;q=0.2, identity;q=0.9", False), ("*;q=0", False), ("gzip;q=2", False), ("gzipped", False), (";;,,q=", False), (None, False)],
)  # fmt: skip
def test_answers_are_packed_where_that_is_wanted(server, header, packed):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.putrequest("GET", "/openapi.json", skip_accept_encoding=True)
    if header is not None:
        connection.putheader("Accept-Encoding", header)
    connection.endheaders()
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    assert (answer.headers["Content-Encoding"] == "gzip") is packed
    assert "Accept-Encoding" in answer.headers.get_all("Vary")
    assert json.loads(gzip.decompress(body) if packed else body)["openapi"]
    assert not packed or 5 * len(body) < len(gzip.decompress(body))
    small = server.ask("GET", "/healthz", headers={"Accept-Encoding": "gzip"})
    assert small[2]["Content-Encoding"] is None and small[1] == {"status": "alive"}


def test_lists_with_only_some_members(server):
    server.decide(event("sparse", 700))
    server.wait_projected()
    status, page, _ = server.ask("GET", "/v1/decisions?fields=id,rules")
    assert status == 200 and all(list(d) == ["id", "rules"] for d in page["decisions"])
    assert {"next", "store_lag"} < page.keys()
    assert server.ask("GET", "/v1/features?fields=name")[1]["features"] == [{"name": "n_1d"}, {"name": "amount"}]
    for bad in ("", "id,", "nothing", "id,id,,", ",".join(["id"] * 40), "Id"):
        status, problem, _ = server.ask("GET", "/v1/decisions?fields=" + bad)
        assert status == 400 and "fields" in problem["detail"]


def test_a_query_given_twice_is_refused(server):
    for path in ("/v1/decisions?limit=1&limit=2", "/v1/decisions?limit=1&limit=1", "/v1/lists/blocked?cursor=&limit=1&cursor="):
        status, problem, _ = server.ask("GET", path)
        assert status == 400 and "twice" in problem["detail"]
    assert server.ask("POST", "/v1/decisions?dry_run=true&dry_run=false", event("x"))[0] == 400


def test_decisions_are_filtered(server):
    lines = "\n".join(json.dumps(event(f"f{i}", 100 * i, customer=f"filter{i % 2}")) for i in range(10))
    assert server.ask("POST", "/v1/decisions:batch", lines, "application/x-ndjson")[0] == 200
    assert server.ask("POST", "/v1/labels", [{"id": "f8", "label": True}, {"id": "f6", "label": False}])[0] == 200
    server.wait_projected()

    def ids(query):
        status, page, _ = server.ask("GET", "/v1/decisions?fields=id&limit=1000&" + query)
        assert status == 200, page
        return {d["id"] for d in page["decisions"] if d["id"].startswith("f")}

    every = {f"f{i}" for i in range(10)}
    assert ids("entity=customer:filter1") == {"f1", "f3", "f5", "f7", "f9"}
    assert ids("entity=customer:filter1&sort=-score") == {"f1", "f3", "f5", "f7", "f9"}
    assert ids("entity=customer:nobody") == set()
    status, problem, _ = server.ask("GET", "/v1/decisions?entity=planet:filter1")
    assert status == 400 and "planet" in problem["detail"]
    assert ids("rule=BIG") == {"f6", "f7", "f8", "f9"} and ids("rule=BI") == ids('rule=%22BIG%22') == set()
    assert ids("rule=MANY&entity=customer:filter0") == {"f6", "f8"}
    assert ids("label=true") == {"f8"} and ids("label=false") == {"f6"} and ids("label=null") == every - {"f6", "f8"}
    assert ids("level=LOW") == every and ids("level=HIGH") == set()
    assert ids("max_score=0") == every and ids("min_score=1") == set()
    assert ids("received_from=2020-01-01T00:00:00Z") == every and ids("received_to=2020-01-01T00:00:00Z") == set()
    assert ids("outcome=decline&rule=BIG&entity=customer:filter0") == {"f6", "f8"}
    for bad in ("entity=customer", "entity=:x", "entity=x:", "label=maybe", "max_score=1001", "received_to=x", "level=", "rule="):
        assert server.ask("GET", "/v1/decisions?" + bad)[0] == 400, bad
    # A page goes on only where the query is the same.
    for sort in ("-time", "score"):
        path = f"/v1/decisions?entity=customer:filter0&sort={sort}&limit=2"
        seen, cursor = [], None
        while cursor is not None or not seen:
            page = server.ask("GET", path + (f"&cursor={cursor}" if cursor else ""))[1]
            seen += [d["id"] for d in page["decisions"]]
            cursor = page["next"] if page["next"] else None
            if cursor:
                assert server.ask("GET", path.replace("filter0", "filter1") + f"&cursor={cursor}")[0] == 400
        assert len(seen) == len(set(seen)) == 5


def test_an_entity(server):
    for i in range(3):
        server.decide(event(f"e{i}", 10, customer="entity/1 é"))
    server.ask("POST", "/v1/lists/blocked/entries", [{"value": "entity/1 é"}, {"value": "past", "expires": "2010-01-01"}])
    server.wait_projected()
    path = "/v1/entities/customer/entity%2F1%20%C3%A9"
    status, entity, _ = server.ask("GET", path + "?limit=2")
    assert status == 200 and entity["id"] == "entity/1 é" and entity["kind"] == "customer"
    assert entity["features"] == {"n_1d": 4}, "what the next event would see, itself counted"
    assert entity["lists"] == ["blocked"] and [d["id"] for d in entity["decisions"]] == ["e2", "e1"]
    rest = server.ask("GET", path + f"?cursor={entity['next']}")[1]
    assert [d["id"] for d in rest["decisions"]] == ["e0"] and rest["next"] is None
    assert server.ask("GET", path)[1]["features"] == {"n_1d": 4}, "looking leaves nothing"
    assert server.ask("GET", "/v1/entities/customer/past")[1]["lists"] == []
    assert server.ask("GET", f"/v1/entities/customer/other?cursor={entity['next']}")[0] == 400


def test_cursors_of_lists_are_their_own(server):
    assert server.ask("POST", "/v1/lists/blocked/entries", [{"value": f"v{i}"} for i in range(7)])[0] == 200
    seen, cursor = [], ""
    while cursor is not None:
        page = server.ask("GET", "/v1/lists/blocked?limit=3" + (f"&cursor={cursor}" if cursor else ""))[1]
        seen += [i["value"] for i in page["items"]]
        cursor = page["next"]
    assert {f"v{i}" for i in range(7)} <= set(seen) and len(seen) == len(set(seen))
    for bad in ("", "0", "1.0", "f" * 48, "f" * 47, "G" * 48, "f" * 5000):
        assert server.ask("GET", "/v1/lists/blocked?cursor=" + bad)[0] == 400


# ---- safe to repeat


def test_a_key_makes_an_event_id(server):
    nameless = event("x")
    del nameless["id"]
    first = server.ask("POST", "/v1/decisions", nameless, headers={"Idempotency-Key": "one"})
    again = server.ask("POST", "/v1/decisions", nameless, headers={"Idempotency-Key": '"one"'})
    assert first[0] == again[0] == 200 and first[1]["id"] == again[1]["id"] == "key:one"
    assert again[1]["repeated"] is True and again[2]["Idempotent-Replay"] == "true"
    assert server.ask("POST", "/v1/decisions", {**nameless, "amount": 11}, headers={"Idempotency-Key": "one"})[0] == 409
    assert server.ask("POST", "/v1/decisions", event("own"), headers={"Idempotency-Key": "one"})[1]["id"] == "own"
    assert server.ask("POST", "/v1/decisions", nameless)[1]["id"] != server.ask("POST", "/v1/decisions", nameless)[1]["id"]
    lines = "\n".join([json.dumps(nameless)] * 2)
    batch = [server.ask("POST", "/v1/decisions:batch", lines, "application/x-ndjson", {"Idempotency-Key": "b"})[1] for _ in range(2)]
    ids = [[json.loads(line)["id"] for line in text.splitlines()] for text in batch]
    assert ids[0] == ids[1] == ["key:b:1", "key:b:2"]
    for bad in ("", '""', "x" * 201, "two words", "é"):
        assert server.ask("POST", "/v1/decisions", nameless, headers={"Idempotency-Key": bad.encode()})[0] == 400, bad


def test_a_key_brings_the_same_answer(server):
    change = lambda value, key, path="/v1/lists/blocked/entries": server.ask("POST", path, {"value": value}, headers={"Idempotency-Key": key})
    first = change("kept", "k1")
    again = change("kept", "k1")
    assert first[0] == 200 and first[1] == again[1] and first[1]["seq"] is not None
    assert again[2]["Idempotent-Replay"] == "true" and first[2]["Idempotent-Replay"] is None
    assert change("kept", "k2")[1]["results"][0]["result"] == "unchanged"
    status, problem, _ = change("another", "k1")
    assert status == 422 and "Idempotency-Key" in problem["detail"]
    assert change("kept", "k1", "/v1/lists/none/entries")[0] == 404  # another path, another request
    assert change("kept", "k1", "/v1/lists/none/entries")[2]["Idempotent-Replay"] == "true"
    label = lambda: server.ask("POST", "/v1/labels", {"id": "nobody", "label": True}, headers={"Idempotency-Key": "l"})
    assert label()[0] == 404 and label()[2]["Idempotent-Replay"] == "true"
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: change("at once", "k3"), range(40)))
    assert {a[0] for a in answers} <= {200, 409}
    assert len({a[1]["seq"] for a in answers if a[0] == 200}) == 1
    for i in range(1100):  # more than are kept: the oldest is forgotten, and nothing breaks
        change("many", f"m{i}")
    assert change("kept", "k1")[1]["results"][0]["result"] == "unchanged"


# ---- pages of other origins


def test_only_named_origins_may_ask(server):
    good, bad = {"Origin": "https://console.example"}, {"Origin": "https://evil.example"}
    _, _, headers = server.ask("GET", "/v1/lists", headers=good)
    assert headers["Access-Control-Allow-Origin"] == "https://console.example" and "Origin" in headers.get_all("Vary")
    assert "access-control-allow-credentials" not in {k.lower() for k in headers}
    for origin in (bad, {}, {"Origin": "https://console.example.evil"}, {"Origin": "null"}):
        headers = server.ask("GET", "/v1/lists", headers=origin)[2]
        assert headers["Access-Control-Allow-Origin"] is None and "Origin" in headers.get_all("Vary")
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}
    status, body, headers = server.ask("OPTIONS", "/v1/decisions", headers={**good, **asked})
    assert status == 204 and body == "" and "POST" in headers["Access-Control-Allow-Methods"]
    assert "authorization" in headers["Access-Control-Allow-Headers"]
    status, _, headers = server.ask("OPTIONS", "/v1/decisions", headers={**bad, **asked})
    assert status == 204 and headers["Access-Control-Allow-Methods"] is None
    assert server.ask("OPTIONS", "/nothing", headers={**good, **asked})[0] == 404


# ---- hostile peers

HEAD = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
POST = b"POST /v1/decisions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # TLS
        b"\0" * 4096,
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"G" * 40_000,
        b"GET /" + b"a" * 40_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        HEAD + b"X: " + b"y" * 40_000 + b"\r\n\r\n",
        HEAD + b"X: y\r\n" * 20_000 + b"\r\n",
        HEAD + b"no colon\r\n\r\n",
        HEAD + b"Host: evil.example\r\n\r\n",
        POST + b"Content-Length: -1\r\n\r\n{}",
        POST + b"Content-Length: 99999999999999999999\r\n\r\n{}",
        POST + b"Content-Length: 2x\r\n\r\n{}",
        POST + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        POST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n{}\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: gzip\r\n\r\n{}",
        POST + b"Content-Length: 100\r\n\r\n{",
    ],
    ids=range(20),
)
def test_a_broken_request_ends_its_connection_only(server, data):
    answer = raw(server, data)
    assert all(400 <= s < 600 and s not in (500, 502, 503) for s in statuses(answer)), answer[:200]
    assert b"Segmentation" not in answer
    assert server.ask("GET", "/healthz")[0] == 200


@pytest.mark.parametrize(
    "path",
    ["/../etc/passwd", "//v1/decisions", "/v1/../healthz", "/v1/decisions/../../etc", "/%2e%2e/%2e%2e/etc/passwd", "/v1//decisions",
     "/healthz/", "/healthz%00", "/HEALTHZ", "/v1/decisions;x=1", "/v1/models/../../../etc/passwd", "/v1/models/..%2f..%2fetc%2fpasswd",
     "/v1/models/%00", "/v1/lists/..%2f..", "/docs/../openapi.json", "/docs/style.css%00.png", "/v1/jobs/%ff", "http://evil.example/healthz", "*"],
)  # fmt: skip
def test_tricks_with_paths_lead_nowhere(server, path):
    answer = raw(server, b"GET " + path.encode() + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert b"root:" not in answer
    assert statuses(answer) in ([400], [404], [422]), answer[:300]


def test_no_header_can_be_put_into_an_answer(server):
    smuggled = b"%0d%0aSet-Cookie:%20x=1%0d%0a%0d%0a<script>"
    for head in (
        b"GET /v1/decisions/" + smuggled + b" HTTP/1.1\r\nHost: localhost\r\n",
        b"GET /v1/decisions?limit=" + smuggled + b" HTTP/1.1\r\nHost: localhost\r\n",
        HEAD + b"X-Request-Id: a\rSet-Cookie: x=1\r\n",
        HEAD + b"X-Request-Id: a\r\n Set-Cookie: x=1\r\n",
        HEAD + b"Origin: https://console.example\x0bSet-Cookie: x\r\n",
        HEAD + b"traceparent: 00-\r\n\tSet-Cookie: x=1\r\n",
    ):
        answer = raw(server, head + b"Connection: close\r\n\r\n")
        assert b"\nset-cookie" not in answer.split(b"\r\n\r\n")[0].lower(), answer


def test_one_request_hidden_in_another_is_not_answered(server):
    body = b"GET /v1/settings HTTP/1.1\r\nHost: localhost\r\n\r\n"
    answer = raw(server, POST + b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body)
    assert statuses(answer) == [400]
    both = POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + body
    assert len(statuses(raw(server, both))) <= 1


def test_bodies_over_the_limit(server):
    answer = raw(server, POST + b"Content-Length: 70000\r\n\r\n")
    assert statuses(answer) == [413]
    chunked = POST + b"Transfer-Encoding: chunked\r\n\r\n" + b"".join(b"8000\r\n" + b" " * 32768 + b"\r\n" for _ in range(4)) + b"0\r\n\r\n"
    assert statuses(raw(server, chunked)) == [413]
    endless = POST + b"Transfer-Encoding: chunked\r\n\r\n" + b"8000\r\n" + (b" " * 32768 + b"\r\n8000\r\n") * 200
    assert statuses(raw(server, endless)) in ([], [413])
    assert server.decide(event("after the bodies"))[0] == 200


def connections(server):
    _, text, _ = server.ask("GET", "/metrics")
    return int(next(line.split()[1] for line in text.splitlines() if line.startswith("assay_http_connections ")))


def test_half_closed_peers_do_not_pile_up(server):
    for wait in (False, True):
        until = time.monotonic() + 10
        while connections(server) > 10 and time.monotonic() < until:  # those of the tests before
            time.sleep(0.1)
        peers = []
        for i in range(40):
            s = socket.create_connection(("127.0.0.1", server.port), timeout=20)
            body = json.dumps(event(f"half{wait}{i}")).encode()
            s.sendall(POST + b"Content-Length: %d\r\n\r\n" % len(body) + body)
            if wait:
                assert s.recv(65536).startswith(b"HTTP/1.1 200")
            s.shutdown(socket.SHUT_WR)
            peers.append(s)
        for s in peers:  # all are closed by the server, long before an idle one would be
            s.settimeout(10)
            while s.recv(65536):
                pass
            s.close()
    assert connections(server) < 10


def test_idle_connections_give_way(server):
    """64 are allowed here. The one that is used goes on, whoever comes."""
    used = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    idle = []
    for i in range(300):
        idle.append(socket.create_connection(("127.0.0.1", server.port), timeout=20))
        if i % 3 == 0:
            idle[-1].sendall(b"POST /v1/decisions HTTP/1.1\r\nHost: local")  # a head that never ends
        if i % 10 == 0:
            used.request("GET", "/healthz")
            assert used.getresponse().read()
    assert used.sock is not None and server.decide(event("in spite of them"))[0] == 200
    assert connections(server) <= 66
    for s in idle:
        s.close()


def test_ten_thousand_idle_connections(binary, tmp_path):
    wanted = 10_000
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < wanted + 500:
        pytest.skip(f"a process may have {hard} files here: ten thousand connections need more")
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, wanted + 500), hard))
    (tmp_path / "tx.csv").write_text(HISTORY)
    (tmp_path / "assay.yaml").write_text(SETTINGS)  # 1,024 connections
    server = Server(binary, tmp_path)
    idle = []
    try:
        for i in range(wanted):
            s = socket.socket()
            s.connect(("127.0.0.1", server.port))
            idle.append(s)
            if i % 1000 == 999:
                assert server.decide(event(f"busy{i}"))[0] == 200
        assert connections(server) <= 1100
        assert server.decide(event("last"))[0] == 200
    finally:
        for s in idle:
            s.close()
        assert server.stop() == 0
        server.errors.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_too_few_files_for_the_connections_are_told(binary, write):
    write("tx.csv", HISTORY)
    folder = write("assay.yaml", SETTINGS).parent
    done = subprocess.run(["sh", "-c", f"ulimit -n 900; exec {binary} serve --port 0"], cwd=folder, capture_output=True, text=True, timeout=60)
    assert done.returncode not in (0, 3) and "server.connections" in done.stderr and "ulimit" in done.stderr
