"""Every case of the public JSON parsing test-suite through POST /v1/decisions: what is no JSON is refused as such, what
is JSON is never called anything else, and nothing brings the server down."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))
from json_cases import ACCEPTED, EITHER, REFUSED  # noqa: E402
from test_serve import HISTORY, SETTINGS, Server  # noqa: E402


@pytest.fixture(scope="module")
def server(binary, tmp_path_factory):
    folder = tmp_path_factory.mktemp("json")
    (folder / "tx.csv").write_text(HISTORY)
    (folder / "assay.yaml").write_text(SETTINGS.replace("body: 64KiB", "body: 1MiB"))
    server = Server(binary, folder)
    yield server
    assert server.stop() == 0, server.words()
    server.errors.close()


def inside(case):
    """As a member of an event: fields of text take any JSON."""
    return b'{"at":"2018-04-01T03:00:00Z","amount":1,"customer":' + case + b"}"


def ask(server, body):
    status, answer, headers = server.ask("POST", "/v1/decisions?dry_run=true", body)
    assert status in (200, 400, 422), (body[:80], status, answer)
    if status != 200:
        assert headers["Content-Type"] == "application/problem+json" and answer["errors"][0]["detail"]
    return status, answer


def test_what_is_no_json_is_refused(server):
    for case in REFUSED:
        for body in (case, inside(case)):
            status, problem = ask(server, body)
            assert status == 400 and problem["errors"][0]["pointer"] == "", (body[:80], problem)


def test_what_is_json_is_taken_as_json(server):
    seen = {200: 0, 422: 0}
    for case in ACCEPTED:
        status, answer = ask(server, case)
        assert status != 200  # none of them is an event
        status, answer = ask(server, inside(case))
        if case in TWICE:
            assert status == 400 and "twice" in answer["errors"][0]["detail"], answer
            continue
        assert status in (200, 422), (case, answer)
        if status == 422:
            assert answer["errors"][0]["pointer"].startswith("/customer"), (case, answer)
        seen[status] += 1
    assert seen[200] > 80, seen


def test_what_may_be_either_does_no_harm(server):
    for case in EITHER:
        ask(server, case)
        ask(server, inside(case))


# Names twice in one object: RFC 8259 says what comes of them cannot be foretold, and here they are refused.
TWICE = [case for case in ACCEPTED if case.count(b'"a":') == 2]
