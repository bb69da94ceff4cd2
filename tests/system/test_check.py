"""assay check, help and version."""

import pathlib
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]

CSV = "id,at,card,amount,fraud\n" + "".join(
    f"t{i},2024-01-0{1 + i % 9} 10:00:00,c{i % 3},{i}.50,{int(i % 7 == 0)}\n" for i in range(40)
)

SETTINGS = """\
sources: {transactions: t.csv}
event: {id: id, time: at, amount: amount, label: {field: fraud, delay: 1d}}
entities: {card: card}
features:
  amount: amount
  n_1d: count() by card over 1d
rules:
  BIG: {when: amount > 30, then: review}
"""


def test_good_settings_are_in_order(run, write):
    write("t.csv", CSV)
    write("assay.yaml", SETTINGS)
    r = run("check")
    assert r.exit == 0, r
    assert r.stdout.startswith("assay.yaml: in order\n")
    assert r.stderr == ""
    found = run("check", "--json").json()
    assert found["fields_checked"] is True
    assert found["fields"] == 5
    assert found["features"] == 2


def test_a_source_that_is_not_there_is_told_but_no_mistake(run, write):
    write("assay.yaml", SETTINGS)
    r = run("check")
    assert r.exit == 0, r
    assert "the fields are not checked" in r.stdout
    assert run("check", "--json").json()["fields_checked"] is False


@pytest.mark.parametrize(
    "old, new, words",
    [
        ("amount > 30", "30 < amuont", "assay.yaml:8:20: rules.BIG.when: expected"),
        ("amount > 30", "amuont > 30", "did you mean amount?"),
        ("  amount: amount", "  amount: 'amuont'", "assay.yaml:5:12: features.amount: expected"),
        ("by card over", "by crad over", "crad"),
        ("id: id", "id: ident", 'no field "ident"'),
        ("then: review", "then: reveiw", 'did you mean "review"?'),
        ("rules:", "rulse:", 'did you mean "rules"?'),
        ("time: at", "time: card", "event.time: expected a time"),
    ],
)
def test_mistakes_have_a_place_and_a_hint(run, write, old, new, words):
    write("t.csv", CSV)
    write("assay.yaml", SETTINGS.replace(old, new))
    r = run("check")
    assert r.exit == 1, r
    assert r.stderr.startswith("assay: assay.yaml:")
    assert words in r.stderr
    j = run("check", "--json")
    assert j.exit == 1
    assert j.json()["error"]["kind"] == "invalid"
    assert words in j.json()["error"]["text"]


def test_a_half_life_fits_the_lateness(run, write):
    write("t.csv", CSV)
    settings = SETTINGS.replace("amount: amount, label", "amount: amount, lateness: 30d, label").replace(
        "n_1d: count() by card over 1d", "n: decayed_count(HALF_LIFE) by card")
    write("assay.yaml", settings.replace("HALF_LIFE", "1m"))
    r = run("check")
    assert r.exit != 0
    assert "expected a half-life of at least 654s where events may be late by 30d" in r.stderr + r.stdout, r
    write("assay.yaml", settings.replace("HALF_LIFE", "654s"))
    assert run("check").exit == 0


def test_resolved_settings_are_settings(run, write):
    write("t.csv", CSV)
    write("assay.yaml", SETTINGS)
    r = run("check", "--resolved", "--set", "server.port=9999", env={"ASSAY_MEMORY": "64MiB"})
    assert r.exit == 0, r
    assert "  port: 9999  # --set server.port=9999\n" in r.stdout
    assert "memory: 64MiB  # environment ASSAY_MEMORY\n" in r.stdout
    assert "    delay: 1d  # assay.yaml:2\n" in r.stdout
    write("again.yaml", r.stdout)
    again = run("-c", "again.yaml", "check", "--resolved")
    assert again.exit == 0, again
    assert [line.split("  # ")[0] for line in again.stdout.splitlines()] == [
        line.split("  # ")[0] for line in r.stdout.splitlines()
    ]


def test_no_settings_file(run):
    r = run("check")
    assert r.exit == 1
    assert "assay init" in r.stderr


def test_wrong_use_is_exit_2(run):
    for arguments in (["chekc"], ["check", "--bogus"], ["init"], [], ["check", "x"]):
        r = run(*arguments)
        assert r.exit == 2, (arguments, r)
        assert r.stderr.startswith("assay: ")
        assert r.stdout == ""
    assert run("--json", "chekc").json()["error"]["exit"] == 2


def test_help_and_version(run):
    r = run("--help")
    assert r.exit == 0
    for command in ("init", "check", "help", "version"):
        assert f"\n  {command} " in r.stdout
        own = run("help", command)
        assert own.exit == 0
        assert own.stdout == run(command, "--help").stdout
    assert run("--version").stdout.startswith("assay ")
    assert run("version", "--json", env={"ASSAY_SIMD": "scalar"}).json()["simd"] == "scalar"
    assert run("version", env={"ASSAY_SIMD": "sse9"}).exit == 2


def test_the_settings_page_is_what_the_binary_says(run):
    assert run("help", "settings").stdout == (ROOT / "docs" / "settings.md").read_text()


def test_every_example_in_help_uses_options_that_exist(run):
    for command in run("help").stdout.split("\n  "):
        name = command.split(" ")[0]
        if not name.isalpha() or run("help", name).exit != 0:
            continue
        text = run("help", name).stdout
        examples = text[text.index("\nExamples\n") :]
        for word in examples.split():
            if word.startswith("--"):
                assert f" {word.split('=')[0]} " in text.replace("\n", " ") or f"{word} " in text


def test_a_long_chain_of_features_is_quick_to_compile(write, run):
    """Each builds on the one before; time that grows with the cube of their number was 30 s here."""
    chain = "".join(f"  f{i}: f{i - 1} + amount * {i}\n" for i in range(1, 1000))
    write("tx.csv", "id,at,customer,amount\na1,2018-04-01T00:00:00Z,c1,10.5\n")
    write("assay.yaml", "name: chain\nsources:\n  transactions: {file: tx.csv}\nevent: {id: id, time: at, amount: amount}\n"
          "entities: {customer: customer}\nfeatures:\n  f0: count() by customer over 1d\n" + chain
          + "model: {kind: none}\noutcomes: [approve, review]\ndecision: {review: 300}\n")
    begun = time.monotonic()
    assert run("check").exit == 0
    assert time.monotonic() - begun < 10
