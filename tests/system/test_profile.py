"""assay profile: what the data hold."""

import html.parser
import re


def table(path, rows=900):
    with open(path, "w", encoding="utf-8") as f:
        f.write("tx_id,tx_time,customer_id,amount,channel,is_fraud\n")
        for i in range(rows):
            amount = -1 if i % 9 == 0 else i % 90 + 0.5
            channel = "" if i % 3 == 0 else "<b>web</b>"
            f.write(f"t{i},2024-01-{i // 30 + 1:02},c{i % 50},{amount},{channel},{int(i % 45 == 1)}\n")


def test_figures_as_json(run, tmp_path):
    table(tmp_path / "t.csv")
    p = run("profile", "t.csv", "--json").json()
    assert (p["rows"], p["rejects"], p["label"]["field"]) == (900, 0, "is_fraud")
    fields = {f["name"]: f for f in p["fields"]}
    assert fields["channel"]["missing"] == 300
    amount = fields["amount"]
    assert amount["is_exact"] and amount["quantiles"]["0.5"] == 39.5
    assert sum(amount["histogram"]["rows"]) + amount["histogram"]["below"] + amount["histogram"]["above"] == 900
    assert amount["suspicious"][0]["value"] == "-1"
    assert p["period"] == "day"
    assert [d["rows"] for d in p["periods"]] == [30] * 30
    assert sum(d["positive"] for d in p["periods"]) == 20


def test_a_page_of_its_own(run, tmp_path):
    table(tmp_path / "t.csv")
    r = run("profile", "t.csv", "--html", "p.html")
    assert r.exit == 0, r
    assert "is_fraud" in r.stdout and "Rows and frauds by day" in r.stdout
    page = (tmp_path / "p.html").read_text()
    assert "<b>web</b>" not in page and "&lt;b&gt;web&lt;/b&gt;" in page
    assert not re.search(r"(src|href)=", page)
    open_tags = []

    class Parser(html.parser.HTMLParser):
        def handle_starttag(self, tag, attributes):
            if tag not in ("meta", "br"):
                open_tags.append(tag)

        def handle_startendtag(self, tag, attributes):
            pass

        def handle_endtag(self, tag):
            assert open_tags.pop() == tag

    Parser().feed(page)
    assert open_tags == []


def test_the_settings_source_and_roles(run, tmp_path):
    table(tmp_path / "t.csv")
    assert run("init", "t.csv").exit == 0
    p = run("profile", "--json").json()
    assert (p["rows"], p["time"]["field"]) == (900, "tx_time")
    r = run("profile", "t.csv", "--label", "is_froud")
    assert r.exit == 1 and 'did you mean "is_fraud"?' in r.stderr
