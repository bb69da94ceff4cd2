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


def test_every_route_is_documented():
    table = (ROOT / "src/shell/serve/routes.c").read_text()
    routes = re.findall(r"HTTP_(GET|POST),\s*\.pattern = \"([^\"]+)\"", table)
    page = (ROOT / "docs/http-api.md").read_text()
    assert len(routes) > 5
    told = set(re.findall(r"^\| `(GET|POST) ([^`]+)` \|", page, flags=re.M))
    assert told == set(routes)


def test_links_lead_somewhere():
    for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]:
        for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / link).exists(), f"{page.name}: {link}"
