"""`routes:`: callers of an older service find its paths, requests and answers here."""

import re
import urllib.parse

import pytest

from test_serve import Server

SETTINGS = """
name: old-contracts
sources:
  transactions: {file: tx.csv}
event: {id: id, time: at}
entities: {customer: customer}
features:
  n_1d: count() by customer over 1d
  amount: amount
rules:
  BIG: {when: amount > 500, then: review}
  MANY: {when: n_1d > 3, then: decline}
model: {kind: none}
outcomes: [approve, review, decline]
decision: {review: 300, decline: 800}
server: {body: 64KiB}
routes:
  check:
    path: /check
    to: POST /v1/decisions?dry_run={query.dry}
    require: [customer, amount]
    body: {id: request.ref, at: received, customer: request.customer, amount: request.amount}
    answers:
      - when: status = 200
        body:
          verdict: "if(outcome = 'decline', 'NO', 'YES')"
          doubled: 2 * request.amount
          fired: {each: rules, as: {rule: item, of: id}}
          echo: [request, "", request.nothing]
          loud: "concat(upper(request.customer), '!')"
          stored: seq
      - when: missing != ''
        body: {error: "concat('missing ', missing)"}
      - when: status >= 400
        status: 418
        body: {error: detail, fields: {each: errors, as: pointer}}
  amazon:
    path: /
    header: "X-Amz-Target: AWSHawksNestServiceFacade.GetEventPrediction"
    to: POST /v1/decisions
    require: [eventId, eventTimestamp, eventVariables]
    body:
      id: request.eventId
      at: request.eventTimestamp
      customer: request.entities.0.entityId
      amount: request.eventVariables.amount
    answers:
      - when: status = 200
        body:
          modelScores: [{modelVersion: {modelId: "'assay'", modelType: "'ONLINE_FRAUD_INSIGHTS'"}, scores: {assay_insightscore: score}}]
          ruleResults: {each: rules, as: {ruleId: item, outcomes: [outcome]}}
          externalModelOutputs: []
      - when: "true"
        status: 400
        body: {__type: "'ValidationException'", message: detail}
  look:
    path: /look
    method: POST
    to: GET /v1/decisions/{request.ref}
    answers:
      - when: status = 200
        body: {ref: id, verdict: outcome}
  top:
    path: /top
    method: GET
    to: GET /v1/decisions?sort=-score&limit={query.limit}
    answers:
      - when: status = 200
        body: {items: {each: decisions, as: {ref: id, twice: 2 * score}}}
  readyz: {path: /health, method: GET, to: GET /readyz, answers: [{when: status = 200, body: {status: "'ok'"}}]}
"""


@pytest.fixture
def server(binary, tmp_path):
    (tmp_path / "assay.yaml").write_text(SETTINGS)
    (tmp_path / "tx.csv").write_text("id,at,customer,amount\na1,2018-04-01T00:00:00Z,c1,10.5\n")
    s = Server(binary, tmp_path)
    yield s
    s.stop()


def post(server, path, body, **headers):
    return server.ask("POST", path, body, headers=headers)[:2]


def get(server, path):
    return server.ask("GET", path)[:2]


def test_request_and_answer_are_theirs(server):
    status, body = post(server, "/check", {"ref": "x1", "customer": "c9", "amount": 600, "note": [1, {"a": None}]})
    assert status == 200
    assert body == {"verdict": "YES", "doubled": 1200, "fired": [{"rule": "BIG", "of": "x1"}],
                    "echo": [{"ref": "x1", "customer": "c9", "amount": 600, "note": [1, {"a": None}]}, None, None],
                    "stored": body["stored"], "loud": "C9!"}
    status, own = get(server, "/v1/decisions/x1")
    assert status == 200 and own["outcome"] == "review" and own["seq"] == body["stored"]


def test_text_that_the_language_does_not_take_is_null_in_it(server):
    for long in ("x" * 5000, "x" * 60000):
        status, body = post(server, "/check", {"customer": long, "amount": 1})
        assert status == 418 and body["fields"] == ["/customer"]
    status, body = post(server, "/check", {"ref": "x2", "customer": "c" * 4000, "amount": 1})
    assert status == 200 and body["loud"] == "C" * 4000 + "!"


def test_missing_members_are_named_in_order(server):
    assert post(server, "/check", {"amount": 1}) == (400, {"error": "missing customer"})
    assert post(server, "/check", {"amount": None}) == (400, {"error": "missing customer, amount"})
    assert post(server, "/check", "") == (400, {"error": "missing customer, amount"})
    assert post(server, "/check", "[]") == (400, {"error": "missing customer, amount"})


def test_problems_become_theirs(server):
    status, body = post(server, "/check", {"customer": "c", "amount": "lots"})
    assert status == 418 and body["fields"] == ["/amount"]
    status, body = post(server, "/check", "{")
    assert status == 418 and "error" in body
    status, body = post(server, "/check", '{"a": "' + "x" * 70000 + '"}')
    assert status == 418 and "bytes" in body["error"]


def test_queries_are_filled_in(server):
    body = {"ref": "dry", "customer": "c", "amount": 1}
    assert post(server, "/check?dry=true", body)[1]["stored"] is None
    assert get(server, "/v1/decisions/dry")[0] == 404
    assert post(server, "/check?dry=maybe", body)[0] == 418


def test_amazons_contract(server):
    target = {"X-Amz-Target": "AWSHawksNestServiceFacade.GetEventPrediction"}
    event = {"detectorId": "d", "eventId": "e1", "eventTypeName": "t", "eventTimestamp": "2018-04-02T00:00:00Z",
             "entities": [{"entityType": "customer", "entityId": "c1"}], "eventVariables": {"amount": "700.5"}}
    status, body = post(server, "/", event, **target)
    assert status == 200
    assert body["ruleResults"] == [{"ruleId": "BIG", "outcomes": ["review"]}]
    assert body["modelScores"][0]["scores"] == {"assay_insightscore": 0} and body["externalModelOutputs"] == []
    assert get(server, "/v1/decisions/e1")[1]["inputs"]["customer"] == "c1"
    assert post(server, "/", event)[0] == 404  # without the header it is nobody's path
    status, body = post(server, "/", {"eventId": "e2"}, **target)
    assert status == 400 and body["__type"] == "ValidationException"


def test_path_list_and_health(server):
    for i in range(3):
        post(server, "/check", {"ref": f"t{i}", "customer": "c", "amount": 1})
    assert post(server, "/look", {"ref": "t1"}) == (200, {"ref": "t1", "verdict": "approve"})
    assert post(server, "/look", {"ref": "nobody"})[0] == 404
    assert post(server, "/look", {})[0] == 400
    server.wait_projected()
    status, body = get(server, "/top?limit=2")
    assert status == 200 and [set(i) for i in body["items"]] == [{"ref", "twice"}] * 2
    assert get(server, "/top?limit=wrong")[0] == 400
    assert get(server, "/health") == (200, {"status": "ok"})


@pytest.mark.parametrize("change, words", [
    (("path: /check", "path: /v1/check"), "not under /v1/"),
    (("to: POST /v1/decisions?dry", "to: POST /v1/decision?dry"), "no operation POST /v1/decision"),
    (("?dry_run={query.dry}", "?dry={query.dry}"), "has no query \"dry\""),
    (("doubled: 2 * request.amount", "doubled: 2 * request.amont"), "request.amount"),
    (("verdict: \"if(outcome", "verdict: \"count() by customer + if(outcome"), "customer"),
    (("when: status = 200\n        body:\n          verdict", "when: status\n        body:\n          verdict"), "bool"),
])
def test_mistakes_are_told_at_the_start(run, write, tmp_path, change, words):
    assert change[0] in SETTINGS
    write("assay.yaml", SETTINGS.replace(*change, 1))
    (tmp_path / "tx.csv").write_text("id,at,customer,amount\na1,2018-04-01T00:00:00Z,c1,10.5\n")
    assert run("check").exit == 1
    done = run("serve", "--port", "0")
    assert done.exit == 1 and words in done.stderr and re.search(r"assay.yaml:\d+:\d+: routes\.", done.stderr), done


ROUTE = "  more: {path: %s, method: %s, to: GET /readyz%s}\n"


@pytest.mark.parametrize("path, method, rest, words", [
    ("/healthz", "GET", "", "the service answers GET /healthz itself"), ("/metrics", "GET", "", "itself"), ("/openapi.json", "GET", "", "itself"),
    ("/", "GET", "", "itself"), ("/assets/x.js", "GET", "", "itself"), ("/other", "GET", ", replaces: true", "to replace"),
    ("/healthz", "POST", ", replaces: true", "to replace"), ("/health", "GET", "", "is routes.readyz already"), ("/check", "POST", "", "is routes.check already"),
    ("/health", "GET", ', header: "X-A: 1"', "is routes.readyz already"), ("/a?b=c", "GET", "", "expected a path"), ("/a%20b", "GET", "", "expected a path"),
    ("/v1/x", "GET", "", "not under /v1/"),
])  # fmt: skip
def test_a_route_hides_no_other(run, write, tmp_path, path, method, rest, words):
    write("tx.csv", "id,at,customer,amount\na1,2018-04-01T00:00:00Z,c1,10.5\n")
    write("assay.yaml", SETTINGS + ROUTE % (path, method, rest))
    done = run("check")
    line = len(SETTINGS.splitlines()) + 1
    assert done.exit == 1 and words in done.stderr and f"assay.yaml:{line}:" in done.stderr, done.stderr


@pytest.mark.parametrize("path, method, rest", [
    ("/healthz", "GET", ", replaces: true"), ("/healthz", "POST", ""), ("/health", "POST", ""), ("/", "POST", ""), ("/assets", "GET", ""),
])  # fmt: skip
def test_a_route_beside_others(run, write, tmp_path, path, method, rest):
    write("tx.csv", "id,at,customer,amount\na1,2018-04-01T00:00:00Z,c1,10.5\n")
    write("assay.yaml", SETTINGS + ROUTE % (path, method, rest))
    done = run("check")
    assert done.exit == 0, done.stderr


IDS = ["a/b", "a:decide", "a/explanation", "a:replay", "x/../y", "/", ":", "a%2Fb", "a%b", "a b", "a+b", "a?b#c", "é/ü", "\u00ff:\u00fe", ".", "a;b=c"]


@pytest.mark.parametrize("id", IDS)
def test_ids_whatever_they_have_in_them(server, id):
    """Percent-encoded, an id is one part of a path; so it is where a route fills it in."""
    event = {"id": id, "at": "2018-04-02T00:00:00Z", "customer": "c/1:x", "amount": 600}
    assert post(server, "/v1/decisions", event)[0] == 200
    path = "/v1/decisions/" + urllib.parse.quote(id, safe="")
    for part in (path, path + "/explanation"):
        status, body = get(server, part)
        assert status == 200 and body["id"] == id, (part, body)
    assert post(server, path + ":replay", {})[1]["id"] == id
    assert post(server, "/v1/events/" + urllib.parse.quote(id, safe="") + ":decide", "")[1]["id"] == id
    assert post(server, "/look", {"ref": id}) == (200, {"ref": id, "verdict": "review"})
    server.wait_projected()
    status, body = get(server, "/v1/entities/customer/c%2f1%3ax")
    assert status == 200 and [d["id"] for d in body["decisions"]] == [id]
    status, problem = get(server, path + "%2Fexplanation")
    assert status == 404 and problem["instance"].endswith("/explanation")


def test_what_is_encoded_without_need(server):
    post(server, "/v1/decisions", {"id": "n1", "at": "2018-04-02T00:00:00Z", "customer": "c", "amount": 600})
    for path in ("/v1/%64ecisions/n%31", "/v1%2Fdecisions%2fn1", "/%76%31/decisions/n1/%65xplanation"):
        assert get(server, path)[0] == 200, path
    assert post(server, "/v1/decisions/n1%3Areplay", {})[0] in (404, 405)  # the id "n1:replay"
    assert get(server, "/%68ealth") == (200, {"status": "ok"})
    for path in ("/v1/decisions/n1%FE", "/v1/decisions/n1%FD", "/v1/decisions/%FF", "/v1/decisions/n1%00", "/v1%FEdecisions%FEn1"):
        assert get(server, path)[0] in (400, 404), path


@pytest.mark.parametrize("id, found", [("[]", "an array"), ("{}", "an object"), ("true", "true or false"), ("false", "true or false"), ("1.5", "a number"),
                                       ("[1]", "an array"), ('{"a":1}', "an object"), ("1e300", "a number")])  # fmt: skip
def test_ids_that_are_no_scalars(server, id, found):
    body = f'{{"id": {id}, "at": "2018-04-02T00:00:00Z", "customer": "c", "amount": 1}}'
    status, problem = post(server, "/v1/decisions", body)
    assert status == 422 and problem["errors"] == [{"pointer": "/id", "detail": f"an id is text or a whole number, found {found}"}], problem
    status, problem = post(server, "/v1/labels", f'{{"id": {id}, "label": true}}')
    assert status == 422 or problem["items"][0]["status"] == 422, problem


def test_ids_that_are_whole_numbers(server):
    for id, text in (("7", "7"), ("-7", "-7"), ("1e3", "1000"), ("2.0", "2"), ("18446744073709551615", "18446744073709551615")):
        body = f'{{"id": {id}, "at": "2018-04-02T00:00:00Z", "customer": "c", "amount": 1}}'
        assert post(server, "/v1/decisions", body)[1]["id"] == text


def test_predict_api_example(binary, run, tmp_path):
    from conftest import ROOT

    (tmp_path / "assay.yaml").write_text((ROOT / "examples/predict-api/assay.yaml").read_text())
    assert run("generate", "--scenario", "predict-api", "--rows", "4000", "--days", "30", "--seed", "1", "-o",
               "transactions.csv").exit == 0
    assert run("train", "--force").exit == 0
    server = Server(binary, tmp_path)
    try:
        fields = ["amount", "transaction_type", "merchant_category", "location", "hour_of_day", "day_of_week"]
        night = dict(zip(fields, [950.0, "transfer", "utilities", "abroad", 2, 1]))
        calm = dict(zip(fields, [12.5, "purchase", "groceries", "home", 14, 1]))
        status, body = post(server, "/predict", night)
        assert status == 200 and list(body) == ["conclusion", "input_data", "prediction_probability"]
        assert body["conclusion"] == "ANOMALI (FRAUD)" and body["input_data"] == night
        assert 0.5 <= body["prediction_probability"] <= 1
        assert body["prediction_probability"] == round(body["prediction_probability"], 4)
        status, body = post(server, "/predict", calm)
        assert status == 200 and body["conclusion"] == "NORMAL" and body["prediction_probability"] < 0.5
        for left_out in fields:
            some = {k: v for k, v in night.items() if k != left_out}
            assert post(server, "/predict", some) == (400, {
                "error": "Input tidak lengkap. Fitur yang dibutuhkan: ['amount', 'transaction_type', "
                         "'merchant_category', 'location', 'hour_of_day', 'day_of_week']"})
        status, body = post(server, "/predict", dict(night, amount="much"))
        assert status == 400 and "error" in body
    finally:
        server.stop()


def test_fraud_lab_example(binary, run, data, tmp_path, monkeypatch):
    from conftest import ROOT

    (tmp_path / "assay.yaml").write_text((ROOT / "examples/fraud-lab/assay.yaml").read_text())
    assert run("train", "--force", env={"ASSAY_DATA": str(data)}).exit == 0
    trained = run("train", "--force", "--json", env={"ASSAY_DATA": str(data)}).json()
    (tmp_path / "assay.yaml").write_text((tmp_path / "assay.yaml").read_text().replace(
        "${ASSAY_DATA:-../../../shared/data}", str(data)))
    server = Server(binary, tmp_path)
    try:
        assert get(server, "/healthz")[1]["status"] == "ok"
        status, top = get(server, "/fraud/top?limit=50")
        assert status == 200 and len(top["items"]) == 50
        probabilities = [i["ShadowProba"] for i in top["items"]]
        assert probabilities == sorted(probabilities, reverse=True)
        status, score = post(server, "/fraud/score", {"transaction_id": 160})
        assert status == 200 and 0 <= score["shadow_model_proba"] <= 1 and len(score["features"]) == 13
        most = top["items"][0]
        assert post(server, "/fraud/score", {"transaction_id": int(most["TransactionID"])})[1][
            "shadow_model_proba"] == most["ShadowProba"]
        status, why = post(server, "/fraud/explain", {"transaction_id": 160})
        assert status == 200 and all(set(f) == {"feature", "contribution"} for f in why["top_factors"])
        assert post(server, "/fraud/score", {"transaction_id": 160000}) == (
            404, {"detail": "the log has no event of this id that is decided"})
        assert post(server, "/fraud/score", {})[0] == 400
        status, again = post(server, "/fraud/train", {})
        assert status == 200 and again["status"] == "trained" and again["n_rows"] == 1000
        assert again["better_than_chance"] is False and again["test_frauds"] == 9
        assert again["test_roc_auc"] == trained["metrics"]["test"]["auc_roc"]["value"]
        assert get(server, "/v1/models")[1]["models"]
        assert post(server, "/fraud/score", {"transaction_id": 160})[1] == score  # the same data, the same model
    finally:
        server.stop()
