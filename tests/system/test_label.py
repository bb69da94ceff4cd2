"""assay label import: chargebacks and reviews, into the log and over HTTP."""

from test_serve import event, start, server  # noqa: F401: fixtures

LABELS = """event_id,fraud,source,date,reversed
a1,1,chargeback,2018-04-05,no
a2,0,review,2018-04-06,no
nobody,1,chargeback,2018-04-05,no
a1,1,chargeback,2018-04-05,no
a1,0,chargeback,2018-04-05,no
a1,,chargeback,2018-04-09,yes
a3,maybe,review,2018-04-05,no
a3,1,review,not a date,no
"""


def files(tmp_path):
    from test_serve import HISTORY, SETTINGS

    (tmp_path / "assay.yaml").write_text(SETTINGS)
    (tmp_path / "tx.csv").write_text(HISTORY)
    (tmp_path / "labels.csv").write_text(LABELS)


def test_into_the_log_once(run, tmp_path):
    files(tmp_path)
    first = run("label", "import", "labels.csv", "--json")
    assert first.exit == 0, first
    found = first.json()
    assert {k: found[k] for k in ("rows", "taken", "repeated", "unmatched", "contradicting", "unusable")} == {
        "rows": 8,
        "taken": 3,
        "repeated": 1,
        "unmatched": 1,
        "contradicting": 1,
        "unusable": 2,
    }
    rejects = (tmp_path / "assay-data" / "label-rejects.csv").read_text()
    for words in ("not a date", "maybe", "nobody", "the opposite", ",4,", ",8,"):
        assert words in rejects, rejects
    again = run("label", "import", "labels.csv", "--json").json()
    assert (again["taken"], again["repeated"], again["unmatched"], again["contradicting"]) == (0, 4, 1, 1)
    (tmp_path / "more.csv").write_text("id;label\na3;fraud\na3;fraud\n")
    undated = run("label", "import", "more.csv", "--json").json()
    assert (undated["taken"], undated["repeated"]) == (1, 1)
    assert run("label", "import", "more.csv", "--json").json()["repeated"] == 2
    assert run("log", "verify").exit == 0
    assert run("replay").exit == 0


def test_all_rows_are_chargebacks(run, tmp_path):
    files(tmp_path)
    (tmp_path / "cb.csv").write_text("transaction;amount\na1;1\na2;2\n")
    r = run("label", "import", "cb.csv")
    assert r.exit == 1 and "--id" in r.stderr
    r = run("label", "import", "cb.csv", "--id", "transaction")
    assert r.exit == 1 and "--all fraud" in r.stderr
    r = run("label", "import", "cb.csv", "--id", "transaction", "--all", "fraud", "--said-by", "bank")
    assert r.exit == 0, r
    assert "2 labels taken" in r.stdout, r


def test_wrong_use(run, tmp_path):
    files(tmp_path)
    assert run("label", "export", "labels.csv").exit == 2
    assert run("label", "import").exit == 2
    assert run("label", "import", "labels.csv", "--all", "perhaps").exit == 2
    r = run("label", "import", "labels.csv", "--date", "dat")
    assert r.exit == 1 and 'did you mean "date"?' in r.stderr
    assert run("label", "import", "none.csv").exit == 1
    assert run("label", "import", "labels.csv", "--url", "http://127.0.0.1:1").exit == 3


def test_to_a_service(run, tmp_path, server):  # noqa: F811
    files(tmp_path)
    (tmp_path / "more.csv").write_text('id,label\n"x/ 1?",fraud\n')
    r = run("label", "import", "labels.csv")
    assert r.exit != 0 and "--url" in r.stderr, r
    url = f"http://127.0.0.1:{server.port}"
    found = run("label", "import", "labels.csv", "--url", url, "--json").json()
    assert (found["taken"], found["repeated"], found["unmatched"]) == (1, 3, 1), found
    again = run("label", "import", "labels.csv", "--url", url, "--json").json()
    assert (again["taken"], again["repeated"], again["unmatched"]) == (0, 4, 1), again
    assert server.decide(event("x/ 1?"))[0] == 200
    assert run("label", "import", "more.csv", "--url", url, "--json").json()["taken"] == 1
    server.wait_projected()
    assert server.ask("GET", "/v1/decisions/x%2F%201%3F")[1]["label"] is True


def test_events_older_than_the_ids_remembered(run, tmp_path, start):  # noqa: F811
    server = start()
    assert server.decide(event("b1"))[0] == 200  # received today: ids of 2018 are forgotten
    server.stop()
    files(tmp_path)
    assert run("label", "import", "labels.csv", "--json").json()["taken"] == 3
    assert run("replay").exit == 0


def test_a_late_label_over_http(run, tmp_path, start):  # noqa: F811
    """The ids are forgotten, the store still knows where the decision is."""
    files(tmp_path)
    settings = (tmp_path / "assay.yaml").read_text()
    (tmp_path / "assay.yaml").write_text(settings + "ids: {count: 2}\n")
    server = start()
    for i in range(20):
        assert server.decide(event(f"b{i}"))[0] == 200
    server.wait_projected()
    status, answer, _ = server.ask("POST", "/v1/labels", {"id": "b0", "label": True})
    assert status == 200 and answer["event_seq"] > 0, answer
    status, answer, _ = server.ask("POST", "/v1/labels", [{"id": "b1", "label": True}, {"id": "never", "label": True}])
    assert (answer["taken"], answer["refused"]) == (1, 1) and answer["results"][1]["status"] == 404, answer
    server.wait_projected()
    assert server.ask("GET", "/v1/decisions/b0")[1]["label"] is True
    server.stop()
    assert run("replay").exit == 0
