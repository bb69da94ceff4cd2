"""assay test: the tests that settings carry."""

import pytest

SETTINGS = """
event: {id: id, time: at, label: {field: bad, delay: 1d}}
schema:
  - {name: id, type: text}
  - {name: at, type: time}
  - {name: customer, type: text}
  - {name: amount, type: decimal}
  - {name: bad, type: bool}
entities: {customer: customer}
features:
  n_1d: count() by customer over 1d
  mean: mean(amount) by customer over 7d
  risk: mean(label) by customer over 7d delay 1d
  before: prev(amount) by customer
rules:
  BIG: {when: amount > 500, then: review}
  MANY: {when: n_1d > 2, then: decline}
model: none
outcomes: [approve, review, decline]
tests:
  - name: nothing before
    event: {id: a, at: 2018-04-01, customer: c1, amount: 5}
    expect: {features: {n_1d: 1, before: null, risk: null}, rules: [], outcome: approve}
  - name: the third of a day
    history:
      - {id: a, at: 2018-04-01 10:00, customer: c1, amount: 1}
      - {id: b, at: 2018-04-01 11:00, customer: "c1", amount: 1}
      - {id: x, at: 2018-04-01 11:00, customer: c2, amount: 1}
    event: {id: c, at: 2018-04-01 12:00, customer: c1, amount: 899.99}
    expect:
      features: {n_1d: 3, mean: 300.66, before: 1}
      rules: [MANY, BIG]
      outcome: decline
  - name: a label is known after its delay
    history:
      - {id: a, at: 2018-04-01 10:00, customer: c1, amount: 1, bad: true}
      - {id: b, at: 2018-04-01 11:00, customer: c1, amount: 1, bad: false}
    event: {id: c, at: 2018-04-03 12:00, customer: c1, amount: 2}
    expect: {features: {risk: 0.5}}
"""


def test_all_pass(run, write):
    write("assay.yaml", SETTINGS)
    r = run("test")
    assert r.exit == 0, r
    assert "3 of 3 tests passed, by rules alone" in r.stdout
    # what is printed reads back, and passes again
    write("again.yaml", run("check", "--resolved").stdout)
    assert run("-c", "again.yaml", "test").exit == 0, run("-c", "again.yaml", "test")


def test_what_differs_is_told(run, write):
    write(
        "assay.yaml",
        SETTINGS.replace("mean: 300.66", "mean: 300.67")
        .replace("rules: [MANY, BIG]", "rules: [BIG]")
        .replace("outcome: decline\n  - name", "outcome: review\n      score_at_least: 10\n  - name"),
    )
    r = run("test")
    assert r.exit == 1
    assert "FAIL  the third of a day" in r.stdout
    assert "expected 300.67, found 300.66" in r.stdout
    assert "expected BIG, found BIG, MANY" in r.stdout
    assert "expected review, found decline" in r.stdout
    assert "expected at least 10, found none: there is no model" in r.stdout
    assert "1 of 3 tests failed" in r.stderr


def test_as_json(run, write):
    write("assay.yaml", SETTINGS)
    found = run("test", "--json").json()
    assert (found["run"], found["failed"], found["has_model"]) == (3, 0, False)


@pytest.mark.parametrize(
    "old, new, words",
    [
        ("n_1d: 1,", "n_2d: 1,", 'no feature "n_2d"'),
        ("[MANY, BIG]", "[HUGE]", 'no rule "HUGE"'),
        ("outcome: approve", "outcome: aprove", 'did you mean "approve"?'),
        ("amount: 5}", "amuont: 5}", "amuont"),
        ("amount: 5}", "amount: five}", "amount"),
        ("n_1d: 1,", "n_1d: one,", "expected a value of type int"),
        ("{id: a, at: 2018-04-01, customer: c1, amount: 5}", "{id: a}", "needs a time"),
        ("{id: a, at: 2018-04-01, customer: c1, amount: 5}", "[1]", "a map of the event's fields"),
    ],
)
def test_mistakes_have_their_place(run, write, old, new, words):
    write("assay.yaml", SETTINGS.replace(old, new, 1))
    r = run("test")
    assert r.exit == 1 and words in r.stderr and "assay.yaml:" in r.stderr and "tests." in r.stderr, r


def test_without_tests(run, write):
    write("assay.yaml", SETTINGS[: SETTINGS.index("tests:")])
    r = run("test")
    assert r.exit == 1 and "no tests" in r.stderr


def test_tables_are_looked_up_unless_given(run, write):
    write("tx.csv", "id,at,customer,amount\na,2018-04-01,c1,5\n")
    write("customers.csv", "customer,since,balance\nc1,2018-01-01,100\nc1,2018-06-01,900\n")
    write(
        "assay.yaml",
        """
sources:
  transactions: tx.csv
  customers: {file: customers.csv, key: customer, valid_from: since}
event: {id: id, time: at}
features: {left: customers.balance - amount}
model: none
tests:
  - name: as of the event
    event: {id: a, at: 2018-05-01, customer: c1, amount: 30}
    expect: {features: {left: 70}}
  - name: given here
    event: {id: a, at: 2018-05-01, customer: c1, amount: 30, customers.balance: 31}
    expect: {features: {left: 1}}
""",
    )
    r = run("test")
    assert r.exit == 0, r
