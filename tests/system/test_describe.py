"""assay features --describe: the data dictionary."""

import http.client
import json
import signal
import subprocess

SETTINGS = """
event: {id: id, time: at, label: {field: bad, delay: 7d}}
schema:
  - {name: id, type: text}
  - {name: at, type: time}
  - {name: amount, type: decimal}
  - {name: customer, type: text}
  - {name: shop, type: text}
  - {name: bad, type: bool}
entities: {customer: customer, shop: shop}
features:
  amount: amount
  night: hour(at) <= 6
  n_1h: count() by customer over 1h
  ratio: amount / mean(amount) by customer over 30d prior
  risk: coalesce(mean(label) by shop over 28d delay 7d, 0)
  since: hours(at - prev(at) by customer)
  big_n: count() by customer over 1d where (amount > 100)
  pair: n_1h + 1
  spread: entropy(shop) by customer over 7d
  fading: decayed_count(3d) by customer
  typical: quantile(amount, 0.5) by customer over 30d
  long: sum(amount) by customer over 90d step 1d
model: none
"""


def test_a_feature_is_taken_apart(run, write):
    write("assay.yaml", SETTINGS)
    r = run("features", "--describe", "--json")
    assert r.exit == 0, r
    found = {f["name"]: f for f in r.json()["features"]}
    assert found["amount"]["unit"] == "that of amount" and found["amount"]["windows"] == []
    assert found["night"]["type"] == "bool" and found["night"]["fields"] == ["at"]
    assert found["n_1h"]["unit"] == "events"
    assert found["n_1h"]["fields"] == ["at", "customer"]
    window = found["ratio"]["windows"][0]
    assert [window[k] for k in ("aggregate", "of", "entity", "over")] == ["mean", "amount", "customer", "30d"]
    assert window["prior"] is True and window["delay"] is None
    risk = found["risk"]
    assert risk["reads_label"] and "bad" in risk["fields"] and risk["windows"][0]["delay"] == "1w"
    assert found["since"]["unit"] == "hours"
    assert found["big_n"]["windows"][0]["where"].startswith("amount > 100")
    assert found["pair"]["windows"][0]["over"] == "1h"
    assert found["spread"]["unit"] == "bits" and found["fading"]["unit"] == "decayed events"
    assert found["typical"]["unit"] == "that of amount"
    assert found["long"]["windows"][0]["step"] == "1d" and window["step"] is None
    assert len({f["fingerprint"] for f in found.values()}) == len(found)


def test_a_fingerprint_follows_the_meaning_only(run, write):
    def prints(text):
        write("assay.yaml", text)
        return [f["fingerprint"] for f in run("features", "--describe", "--json").json()["features"]]

    before = prints(SETTINGS)
    assert prints(SETTINGS.replace("hour(at) <= 6", "  hour( at )<=6")) == before
    after = prints(SETTINGS.replace("over 1h", "over 2h"))
    assert [a != b for a, b in zip(before, after)] == [False, False, True, False, False, False, False, True] + 4 * [False]


def test_as_words(run, write):
    write("assay.yaml", SETTINGS)
    r = run("features", "--describe")
    assert "ratio  real" in r.stdout
    assert "window       mean by customer over 30d prior" in r.stdout
    assert "reads        at, customer" in r.stdout
    assert run("features", "x.csv", "--describe").exit == 2


def test_since_when_it_is_warm(binary, run, write, tmp_path):
    """Without a log a span; beside a server, and after it, the date: that of the log's first event and the reach."""
    write("t.csv", "id,at,amount,customer,shop,bad\na,2024-01-01T00:00:00Z,5,c,s,false\n")
    write("assay.yaml", "sources: {transactions: {file: t.csv}}" + SETTINGS)

    def told():
        found = run("features", "--describe", "--json").json()
        return found["log_begins"], {f["name"]: f["warm_since"] for f in found["features"]}

    begins, since = told()
    assert begins is None and set(since.values()) == {None}
    words = run("features", "--describe").stdout
    assert "warm         30d after the log's first event\n" in words
    server = subprocess.Popen([binary, "serve", "--port", "0", "--json", "--no-history"], cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    try:
        connection = http.client.HTTPConnection("127.0.0.1", json.loads(server.stdout.readline())["port"], timeout=60)
        for i, at in enumerate(("2024-03-01T12:00:00Z", "2024-02-29T23:30:00Z", "2024-05-01T00:00:00Z")):
            event = {"id": f"e{i}", "at": at, "amount": "5", "customer": "c", "shop": "s"}
            connection.request("POST", "/v1/decisions", json.dumps(event), {"Content-Type": "application/json"})
            answer = connection.getresponse()
            assert answer.status == 200, answer.read()
            answer.read()
        beside = told()
    finally:
        server.send_signal(signal.SIGTERM)
        assert server.wait() == 0
    begins, since = told()
    assert beside == (begins, since) and begins == "2024-03-01T12:00:00Z"
    assert since["n_1h"] == "2024-03-01T13:00:00Z" and since["ratio"] == "2024-03-31T12:00:00Z"
    assert since["risk"] == "2024-04-05T12:00:00Z" and since["long"] == "2024-05-31T12:00:00Z"  # delay, step
    assert since["amount"] is None and since["since"] is None
    words = run("features", "--describe").stdout
    assert "warm         since 2024-03-31T12:00:00Z, 30d after the log's first event of 2024-03-01T12:00:00Z\n" in words
    assert "warm         never wholly: it counts since the log's first event of 2024-03-01T12:00:00Z\n" in words
    assert "warm         at once: it needs no past\n" in words
