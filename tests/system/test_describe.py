"""assay features --describe: the data dictionary."""

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
