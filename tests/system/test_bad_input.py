"""Hostile and careless input: every command says what, where and what to do, loses nothing, never crashes.

`rows + rejected + repeated + conflicting` are the rows of the file, whatever stands in it.
"""

import gzip
import json
import subprocess

import pytest

HEADER = "id,at,customer,amount,fraud\n"

SETTINGS = """\
sources: {transactions: {file: "FILE", rejects: 1, fields: {at: time, amount: decimal}}}
event: {id: id, time: at, amount: amount, label: {field: fraud, delay: 1d}}
entities: {customer: customer}
features:
  amount: amount
  n_1d: count() by customer over 1d
"""


def rows(count=40, first=0):
    return [
        f"t{i:05},2024-01-{1 + i // 24 % 28:02} {i % 24:02}:00:00,c{i % 3},{i}.50,{int(i % 7 == 0)}\n"
        for i in range(first, first + count)
    ]


def text(lines):
    return HEADER + "".join(lines)


def short(value):
    """A test's name from its parameters: some are megabytes long, and the name goes into the environment."""
    return repr(value)[:40]


@pytest.fixture
def read(run, tmp_path):
    """The features of a file's rows: counts, rows by id, and what was rejected."""

    def call(content, name="t.csv", settings=SETTINGS, exit=0):
        (tmp_path / "out.csv").unlink(missing_ok=True)
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        (tmp_path / "assay.yaml").write_text(settings.replace("FILE", name))
        r = run("features", "-o", "out.csv", "--json")
        assert r.exit == exit, r
        if exit != 0:
            assert not (tmp_path / "out.csv").exists()
            return r
        found = r.json()
        found["lines"] = (tmp_path / "out.csv").read_text().splitlines()[1:]
        rejects = tmp_path / "assay-data" / "rejects.csv"
        found["rejects"] = rejects.read_text().splitlines()[1:] if found["rejected"] else []
        assert len(found["lines"]) == found["rows"]
        assert len(found["rejects"]) == found["rejected"]
        return found

    return call


def total(found):
    return found["rows"] + found["rejected"] + found["repeated"] + found["conflicting"]


# ---- files that are none


@pytest.mark.parametrize(
    "content, words",
    [
        (b"", "is empty"),
        (b"\n\n \n", "is empty"),
        (HEADER.encode(), "a header and no rows"),
        (b"id,at,customer,amount,id\n1,2,3,4,5\n", 'field "id" appears twice'),
        (b"PK\x03\x04" + bytes(100), "save it as CSV"),
        (b"\xff\xfei\0d\0,\0", "UTF-16"),
        (b"\x1f\x8b\x08\0\0\0\0\0\0\x03abc", "t.csv"),
        (b"\x28\xb5\x2f\xfd" + b"x" * 50, "t.csv"),
        (b'[{"id":1},', "t.csv"),
        (b"[1,2,3]", "JSON object"),
        (b"\0" * 1000, "NUL"),
    ],
    ids=short,
)
def test_files_that_are_none(read, content, words):
    r = read(content, exit=1)
    assert words in r.stderr, r
    assert r.json()["error"]["exit"] == 1


def test_a_file_that_is_not_there(run, write):
    write("assay.yaml", SETTINGS.replace("FILE", "nowhere/*.csv"))
    for command in ("features", "score", "train", "top"):
        r = run(command)
        assert r.exit == 1, r
        assert "nowhere/*.csv" in r.stderr or "no model yet" in r.stderr, r


def test_a_directory_for_a_file(run, write, tmp_path):
    (tmp_path / "folder").mkdir()
    write("assay.yaml", SETTINGS.replace("FILE", "folder"))
    r = run("features")
    assert r.exit == 1
    assert "folder" in r.stderr, r


# ---- bad rows


@pytest.mark.parametrize(
    "bad, column, words",
    [
        ("x,2024-01-02,c1,5\n", "", "4 cells, the header has 5"),
        ("x,2024-01-02,c1,5,0,9\n", "", "6 cells, the header has 5"),
        ("x,2024-01-02,c1,five,0\n", "amount", "five"),
        ("x,2024-01-02,c1,1e999,0\n", "amount", "out of range"),
        ("x,2024-01-02,c1,99999999999999999999,0\n", "amount", "out of range"),
        ("x,2024-13-02,c1,5,0\n", "at", "2024-13-02"),
        ("x,2024-02-30,c1,5,0\n", "at", "2024-02-30"),
        ("x,yesterday,c1,5,0\n", "at", "yesterday"),
        ("x,,c1,5,0\n", "at", "missing"),
        (",2024-01-02,c1,5,0\n", "id", "missing"),
        ("x,2024-01-02,c\0,5,0\n", "customer", "NUL"),
        (b"x,2024-01-02,c\xff\xfe,5,0\n", "customer", "invalid UTF-8"),
        ("x,2024-01-02," + "c" * 5000 + ",5,0\n", "customer", "4096"),
        ('x,2024-01-02,"c"d,5,0\n', "", "quote"),
        # Named, for pytest puts the name into the environment, which has a limit of its own.
        pytest.param("x,2024-01-02," + "c" * (3 << 20) + ",5,0\n", "", "1 MiB", id="over 1 MiB"),
    ],
    ids=short,
)
def test_a_bad_row_is_told_and_the_others_go_on(read, bad, column, words):
    bad = bad if isinstance(bad, bytes) else bad.encode()
    content = text(rows(20)).encode() + bad + "".join(rows(20, 20)).encode()
    found = read(content)
    assert (found["rows"], found["rejected"]) == (40, 1), found
    file, line, where, rest = found["rejects"][0].split(",", 3)
    assert file.endswith("t.csv") and line == "22" and where == column, found
    assert words in rest, found


def test_a_quote_that_never_closes_costs_one_row(read):
    found = read(text(rows(10)) + 'x,2024-01-02,"c1,5,0\n' + "".join(rows(10, 10)))
    assert found["rows"] == 20 and found["rejected"] == 1, found


def test_a_line_of_100_mb(read, tmp_path):
    path = tmp_path / "t.csv"
    with open(path, "wb") as f:
        f.write(text(rows(5)).encode())
        for _ in range(100):
            f.write(b"x" * (1 << 20))
        f.write(b"\n" + "".join(rows(5, 5)).encode())
    found = read(path.read_bytes())
    assert (found["rows"], found["rejected"]) == (10, 1), found["rejects"][0][:300]
    assert "1 MiB" in found["rejects"][0]


def test_a_column_that_a_bad_row_makes_text_is_told_with_the_remedy(read):
    settings = SETTINGS.replace(", fields: {at: time, amount: decimal}", "")
    for bad, role in ("x,2024-01-02,c1,five,0\n", "amount"), ("x,yesterday,c1,5,0\n", "time"):
        r = read(text(rows(20) + [bad]), settings=settings, exit=1)
        assert f"event.{role}" in r.stderr and "sources.transactions.fields" in r.stderr, r


def test_too_many_bad_rows_end_the_reading(read):
    lines = rows(20) + ["x,2024-01-02,c1,five,0\n"]
    r = read(text(lines), settings=SETTINGS.replace(", rejects: 1", ""), exit=1)
    assert "1 of 21 rows could not be read" in r.stderr
    assert 't.csv:22: column "amount" is "five"' in r.stderr
    assert "rejects.csv" in r.stderr


def test_repeated_and_conflicting_ids(read):
    lines = rows(20)
    found = read(text(lines + lines[3:6] + [lines[7].replace("7.50", "8.50")]))
    assert (found["rows"], found["repeated"], found["conflicting"]) == (20, 3, 1), found


def test_rows_out_of_order_are_sorted_and_counted(read):
    lines = rows(40)
    found = read(text(lines[20:] + lines[:20]))
    assert found["rows"] == 40 and found["moved_by_sorting"] == 20
    assert [line.split(",")[0] for line in found["lines"]] == [f"t{i:05}" for i in range(40)]


def test_times_and_amounts_at_their_ends(read):
    extra = [
        "old,1900-01-01 00:00:00,c1,-5,0\n",
        "far,9999-12-31 23:59:59,c1,0,0\n",
        "neg,2024-01-05 00:00:00,c1,-0.01,1\n",
        "zone,2024-01-05T00:00:00+07:00,c1,1,0\n",
    ]
    found = read(text(rows(10) + extra))
    assert total(found) == 14 and found["rejected"] == 0, found["rejects"]
    assert found["lines"][0].startswith("old,-5,")
    assert found["lines"][-1].startswith("far,0,")


def test_everything_at_once_loses_nothing(read):
    lines = rows(300)
    for at, bad in enumerate(["x\n", "y,,,,\n", "z,2024-01-01,c,1e999,0\n", 'q"uote,2024-01-01,c,1,0\n', "\n"]):
        lines.insert(17 * (at + 1), bad)
    lines += lines[:1] * 4 + [lines[1].replace("c1", "c9")]
    found = read(text(lines))
    assert total(found) == 300 + 4 + 4 + 1, found  # the empty line is none
    assert found["rejected"] == 3


# ---- forms of a file


@pytest.mark.parametrize("delimiter", [";", "|", "\t"])
@pytest.mark.parametrize("comma", [False, True])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_delimiters_marks_and_line_ends(read, delimiter, comma, end):
    plain = read(text(rows()))["lines"]
    lines = [HEADER, *rows()]
    if comma:
        lines = [line.replace(".50,", "~50,") for line in lines]
    content = "".join(lines).replace(",", delimiter).replace("~", ",").replace("\n", end)
    assert read("\ufeff" + content)["lines"] == plain


def test_packed_files(read):
    plain = read(text(rows()))["lines"]
    content = text(rows()).encode()
    assert read(gzip.compress(content), "t.csv.gz")["lines"] == plain
    packed = subprocess.run(["zstd", "-c"], input=content, capture_output=True, check=False).stdout
    if packed:
        assert read(packed, "t.csv.zst")["lines"] == plain
        assert "cut short" in read(packed[:-9], "t.csv.zst", exit=1).stderr


def objects(count=40):
    names = HEADER.strip().split(",")
    for line in rows(count):
        cells = line.strip().split(",")
        yield dict(zip(names, cells[:3] + [float(cells[3]), int(cells[4])], strict=True))


def test_json_reads_as_csv_does(read):
    plain = read(text(rows()))["lines"]
    assert read("".join(json.dumps(o) + "\n" for o in objects()), "t.ndjson")["lines"] == plain
    assert read(json.dumps(list(objects())), "t.json")["lines"] == plain
    assert read(json.dumps(list(objects()), indent=1), "t.json")["lines"] == plain


@pytest.mark.parametrize(
    "bad, words",
    [
        ('{"id":"x","at":"2024-01-01","amount":1,"amount":2}', "amount"),
        ('{"id":"x","at":"2024-01-01","amount":1e999}', ""),
        ('{"id":"x","at":"2024-01-01","amount":"five"}', "amount"),
        ('{"id":"x","at":"2024-01-01"', ""),
        ('{"id":"x"}', "at"),
        ('{"at":"2024-01-01"}', "id"),
        ("[1,2]", ""),
        ("null", ""),
        ('{"id":"x","at":"2024-01-01","more":' + "[" * 10000 + "]" * 10000 + "}", ""),
        ('{"id":"\\ud800","at":"2024-01-01"}', ""),
        ('{"id":"a\\u0000","at":"2024-01-01"}', "id"),
    ],
    ids=short,
)
def test_a_bad_line_of_ndjson(read, bad, words):
    lines = [json.dumps(o) for o in objects()]
    lines.insert(5, bad)
    found = read("\n".join(lines), "t.ndjson")
    assert (found["rows"], found["rejected"]) == (40, 1), found
    assert ",6," + words in found["rejects"][0], found


def test_unknown_keys_later_in_a_file_are_passed_over(read):
    lines = [json.dumps(o) for o in objects(20000)]
    lines.append(json.dumps({**list(objects(1))[0], "id": "z", "news": 1}))
    assert read("\n".join(lines), "t.ndjson")["rows"] == 20001


def test_files_of_a_pattern(read, tmp_path):
    plain = read(text(rows()))["lines"]
    (tmp_path / "p1.csv").write_text(text(rows(20)))
    (tmp_path / "p2.csv").write_text(text(rows(20, 20)))
    found = read("", "unused.csv", SETTINGS.replace("FILE", "p?.csv"))
    assert found["lines"] == plain
    (tmp_path / "p3.csv").write_text("id,at\n1,2\n")
    r = read("", "unused.csv", SETTINGS.replace("FILE", "p?.csv"), exit=1)
    assert "p3.csv" in r.stderr and "same columns" in r.stderr


def test_thousands_of_columns(read):
    more = ",".join(f"column{i}" for i in range(4000))
    cells = ",".join("1" for _ in range(4000))
    lines = [HEADER.strip() + "," + more] + [line.strip() + "," + cells for line in rows()]
    assert read("\n".join(lines))["rows"] == 40
    wide = ",".join(f"c{i}" for i in range(5000)) + "\n" + ",".join("1" for _ in range(5000)) + "\n"
    assert "at most 4096" in read(wide, exit=1).stderr


# ---- training on what cannot be learned from


@pytest.mark.parametrize(
    "change, words",
    [
        (lambda line: line.rsplit(",", 1)[0] + ",0\n", "legitimate"),
        (lambda line: line.rsplit(",", 1)[0] + ",1\n", "frauds"),
        (lambda line: line.rsplit(",", 1)[0] + ",\n", "label"),
        (lambda line: line.rsplit(",", 1)[0] + ",maybe\n", "fraud"),
    ],
    ids=short,
)
def test_labels_that_cannot_be_learned_from(run, write, change, words):
    write("t.csv", text([change(line) for line in rows(200)]))
    write("assay.yaml", SETTINGS.replace("FILE", "t.csv"))
    r = run("train")
    assert r.exit == 1, r
    assert words in r.stderr, r


def test_no_label_at_all(run, write):
    write("t.csv", text(rows(200)))
    write("assay.yaml", SETTINGS.replace("FILE", "t.csv").replace(", label: {field: fraud, delay: 1d}", ""))
    r = run("train")
    assert r.exit == 1 and "event.label" in r.stderr, r
    write("assay.yaml", SETTINGS.replace("FILE", "t.csv").replace("field: fraud", "field: frau"))
    r = run("train")
    assert r.exit == 1 and 'did you mean "fraud"' in r.stderr, r


# ---- models


@pytest.fixture
def trained(run, write, tmp_path):
    write("t.csv", text(rows(600)))
    write("assay.yaml", SETTINGS.replace("FILE", "t.csv") + "model: {kind: logistic}\n")
    r = run("train", "--json", "--force")
    assert r.exit == 0, r
    return tmp_path / r.json()["model"]["path"]


def test_a_model_of_other_features_is_refused_by_name(run, tmp_path, trained):
    settings = (tmp_path / "assay.yaml").read_text()
    (tmp_path / "assay.yaml").write_text(settings.replace("over 1d", "over 2d"))
    for command in ("score", "top", "serve"):
        r = run(command)
        assert r.exit == 1, r
        assert "n_1d" in r.stderr and "train again" in r.stderr, r
    (tmp_path / "assay.yaml").write_text(settings.replace("  n_1d: count() by customer over 1d\n", ""))
    r = run("score")
    assert r.exit == 1 and "n_1d" in r.stderr, r


def test_a_damaged_model_is_refused(run, trained):
    whole = trained.read_bytes()
    assert run("score", "-o", "out.csv").exit == 0
    damaged = [whole[:n] for n in (0, 1, 7, 8, 20, len(whole) // 2, len(whole) - 1)]
    damaged += [whole + b"x", bytes(len(whole))]
    for at in range(0, len(whole), max(1, len(whole) // 60)):
        damaged.append(whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :])
    for content in damaged:
        trained.write_bytes(content)
        r = run("score", "-o", "out.csv")
        assert r.exit == 1, (len(content), r)
        assert ".model" in r.stderr or "model" in r.stderr, r
    trained.unlink()
    assert trained.name in run("score").stderr


# ---- settings


@pytest.mark.parametrize(
    "old, new, words",
    [
        ("features:", "featurs:", 'did you mean "features"'),
        ("event: {id: id,", "event: {id: id, id: at,", "assay.yaml:2:"),
        ("  amount: amount\n", "  amount: amount\n  amount: amount\n", "assay.yaml:6:"),
        ("rejects: 1", "rejects: much", "a number from 0 to 1"),
        ("delay: 1d", "delay: 1 fortnight", "1 fortnight"),
        ("delay: 1d", "delay: -1d", "-1d"),
        ("over 1d", "over 1x", "assay.yaml:6:"),
        ("count() by customer", "cuont() by customer", "an aggregate such as count()"),
        ("  amount: amount", "  amount: amount +", "assay.yaml:5:"),
        ("  amount: amount", "  amount: amuont", "did you mean amount"),
        ("  amount: amount", "  amount: amount + customer", "assay.yaml:5:"),
        ("by customer over", "by merchant over", "merchant"),
        ("field: fraud", "field: is_fraud", 'no field "is_fraud"'),
        ("time: at", "time: customer", "customer"),
        ("id: id", "id: [1, 2]", "assay.yaml:2:"),
        ("entities: {", "entities: {{", "assay.yaml:3:"),
        ("features:", "features: \x01", "assay.yaml"),
        ("FILE", "${NOT_SET}", "NOT_SET"),
    ],
)
def test_mistakes_in_settings_have_place_and_hint(run, write, old, new, words):
    write("t.csv", text(rows()))
    assert old in SETTINGS
    write("assay.yaml", SETTINGS.replace(old, new).replace("FILE", "t.csv"))
    for command in ("check", "features"):
        r = run(command)
        assert r.exit == 1, (command, r)
        assert words in r.stderr, (command, r)
        assert "assay.yaml" in r.stderr, (command, r)


def test_settings_that_are_no_settings(run, write, tmp_path):
    for content in (b"", b"\0\0", b"- a\n- b\n", b"\xff\xfe\xfd", b"a: " + b"[" * 100000, b"*x", b"{" * 5000):
        (tmp_path / "assay.yaml").write_bytes(content)
        r = run("check")
        assert r.exit in (0, 1), (content[:20], r)
        if r.exit == 1:
            assert "assay.yaml" in r.stderr, (content[:20], r)
    r = run("-c", "nothing.yaml", "train")
    assert r.exit == 1 and "nothing.yaml" in r.stderr, r
