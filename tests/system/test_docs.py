"""What the documents say is so: commands, routes, settings and exit codes in them exist."""

import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()


def test_commands_and_options_in_the_documents_exist(run):
    commands = set(re.findall(r"^  (\w+) ", run("help").stdout, flags=re.M))
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/*.md")]:
        for line in page.read_text().splitlines():
            for command, rest in re.findall(r"\bassay (?:-c \S+ )?([a-z]+)\b([^`#|;(]*)", line):
                if "`" not in line and not line.startswith(("assay ", "ASSAY_DATA")):
                    continue
                assert command in commands, f"{page.name}: {line}"
                usage = run("help", command).stdout
                for option in re.findall(r"(?<!\S)--[a-z-]+", rest):
                    assert f"{option} " in usage, f"{page.name}: {line}"


def test_the_settings_of_the_readme_are_in_order(run, write):
    assert run("generate", "--rows", "200", "-o", "transactions.csv").exit == 0
    write("assay.yaml", re.search(r"```yaml\n(.*?)```", README, flags=re.S).group(1))
    checked = run("check")
    assert checked.exit == 0, checked


def test_the_settings_of_the_events_page_are_in_order(run, write):
    write("payments.csv", "payment_id,paid_at,customer_id,amount,category,age,country,is_fraud\n"
          "p1,2024-01-01T00:00:00Z,c1,5.50,food,31,PT,0\np2,2024-01-02T00:00:00Z,c1,7.00,,,ES,1\n")
    write("logins.ndjson", '{"login_id":"l1","at":"2024-01-01T00:00:00Z","customer_id":"c1","success":false}\n')
    write("refunds.csv", "refund_id,when,customer_id,amount\nr1,01/02/2024 00:00:00,c1,2\n")
    joined, kinds, validate, missing = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs/events.md").read_text(), flags=re.S)
    write("assay.yaml", kinds.replace("features:\n", "features:\n  age: age\n") + validate + missing)
    checked = run("check")
    assert checked.exit == 0, checked
    rows = run("features", "-o", "-").stdout.splitlines()
    assert rows[0].startswith("id,age,amount,failed_logins") and len(rows) == 3
    write("metadata.csv", "TransactionID,Timestamp\n7,2024-01-01\n8,2024-01-02\n")
    write("records.csv", "TransactionID,Amount\n8,5\n7,6\n")
    write("labels.csv", "TransactionID,FraudIndicator\n7,1\n8,0\n")
    write("assay.yaml", joined + "features: {amount: Amount}\nmodel: {kind: none}\n")
    assert run("features", "-o", "-").stdout == "TransactionID,amount\n7,6\n8,5\n"


def test_every_route_is_documented():
    table = "".join((ROOT / "src/shell/serve" / name).read_text() for name in ("routes.c", "watch_routes.inc"))
    routes = re.findall(r"HTTP_(GET|POST),\s*\.pattern = \"([^\"]+)\"", table)
    page = (ROOT / "docs/http-api.md").read_text()
    assert len(routes) > 5
    told = set(re.findall(r"^\| `(GET|POST) ([^`]+)` \|", page, flags=re.M))
    assert told == set(routes)


def test_links_lead_somewhere():
    for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]:
        for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / link).exists(), f"{page.name}: {link}"


def test_every_page_is_in_the_index():
    index = (ROOT / "docs" / "README.md").read_text()
    assert [p.name for p in sorted((ROOT / "docs").glob("*.md")) if p.name != "README.md" and f"({p.name})" not in index] == []
