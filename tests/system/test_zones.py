"""Named time zones against Python's zoneinfo, and as part of the plan."""

import csv
import datetime
import random
import re
import struct
import zoneinfo

import pytest

UTC = datetime.timezone.utc
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=UTC)
ZONES = ["Asia/Jakarta", "America/New_York", "Australia/Lord_Howe", "Europe/Dublin", "Africa/Casablanca",
         "America/Sao_Paulo", "America/St_Johns", "Pacific/Apia", "Asia/Kathmandu", "Antarctica/Troll"]


def instants(rng, zone):
    """Random ones of all years, more of those with changes, and each second beside some changes."""
    some = [rng.randrange(-62135500000, 253402200000) for _ in range(60)]
    some += [rng.randrange(-3 * 10**9, 4 * 10**9) for _ in range(200)]
    at = rng.randrange(-2 * 10**9, 3 * 10**9)
    while len(some) < 500:
        here, there = offset(zone, at), offset(zone, at + 86400 * 20)
        if here != there:
            low, high = at, at + 86400 * 20
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if offset(zone, middle) == here else (low, middle)
            some += [low, high, high + 1799, high + 3600, low - 3600]
        at += 86400 * 20
        if at > 4 * 10**9:
            at = rng.randrange(-2 * 10**9, 3 * 10**9)
            some.append(at)
    return some


def moment(zone, at):
    return (EPOCH + datetime.timedelta(seconds=at)).astimezone(zone)


def offset(zone, at):
    return moment(zone, at).utcoffset()


def day_start(zone, local):
    """Midnight, the first of two, or the first second after a gap over it."""
    midnight = local.replace(hour=0, minute=0, second=0, fold=0)
    there = midnight.astimezone(UTC)
    if there.astimezone(zone).replace(tzinfo=None) == midnight.replace(tzinfo=None):
        return there
    low, high = there - datetime.timedelta(days=1), local.astimezone(UTC)
    while high - low > datetime.timedelta(seconds=1):
        middle = low + (high - low) // 2
        middle = middle.replace(microsecond=0)
        low, high = (low, middle) if middle.astimezone(zone).date() >= local.date() else (middle, high)
    return high


def settings(features, more=""):
    lines = "".join(f"  {name}: {text}\n" for name, text in features.items())
    return ("sources: {transactions: {file: t.csv, fields: {at: time}}}\nevent: {id: id, time: at, max_ahead: 1d}\n"
            f"{more}features:\n{lines}model: none\n")


def write_times(write, times):
    rows = [f"t{i},{(EPOCH + datetime.timedelta(seconds=t)).strftime('%Y-%m-%dT%H:%M:%SZ').zfill(20)}"
            for i, t in enumerate(times)]
    write("t.csv", "id,at\n" + "\n".join(rows) + "\n")


def features_of(run):
    done = run("features", "-o", "out.csv")
    assert done.exit == 0, done
    return done


@pytest.mark.parametrize("name", ZONES)
def test_calendar_functions_are_those_of_zoneinfo(run, write, tmp_path, name):
    zone = zoneinfo.ZoneInfo(name)
    times = instants(random.Random(name), zone)
    write_times(write, times)
    parts = ["year", "month", "day", "hour", "minute", "weekday", "is_weekend", "date", "day_start"]
    write("assay.yaml", settings({f"p_{p}": f"{p}(at, '{name}')" for p in parts}))
    features_of(run)
    rows = {r["id"]: r for r in csv.DictReader(open(tmp_path / "out.csv"))}
    assert len(rows) == len(times)
    for i, t in enumerate(times):
        local, row = moment(zone, t), rows[f"t{i}"]
        expected = [local.year, local.month, local.day, local.hour, local.minute, local.isoweekday()]
        found = [int(row[f"p_{p}"]) for p in parts[:6]]
        assert found == expected, f"{t}: {local}"
        assert row["p_is_weekend"] == str(int(local.isoweekday() > 5))
        assert row["p_date"] == f"{local.year:04}-{local.month:02}-{local.day:02}"
        start = datetime.datetime.fromisoformat(row["p_day_start"].replace("Z", "+00:00"))
        assert start == day_start(zone, local), f"{t}: {local}"


def test_the_settings_have_a_zone_for_all(run, write, tmp_path):
    write_times(write, [1522621800])  # 2018-04-01T22:30:00Z
    write("assay.yaml", settings({"here": "hour(at)", "there": "hour(at, 'UTC')"}, "time_zone: Asia/Jakarta\n"))
    features_of(run)
    row = next(csv.DictReader(open(tmp_path / "out.csv")))
    assert (row["here"], row["there"]) == ("5", "22")
    write("assay.yaml", settings({"here": "hour(at)"}, "time_zone: '-03:30'\n"))
    features_of(run)
    assert next(csv.DictReader(open(tmp_path / "out.csv")))["here"] == "19"


@pytest.mark.parametrize(
    "text, words",
    [
        ("hour(at, 'Asia/Jakrta')", "no time zone 'Asia/Jakrta' in /usr/share/zoneinfo; did you mean 'Asia/Jakarta'?"),
        ("hour(at, 'right/UTC')", "right/"),
        ("hour(at, '../../../etc/passwd')", "expected a zone such as"),
        ("hour(at, 'tzdata.zi')", "expected a zone such as"),
        ("hour(at, 'Asia')", "Asia is a directory"),
    ],
)
def test_what_is_no_zone_is_told(run, write, text, words):
    write_times(write, [0])
    write("assay.yaml", settings({"f": '"' + text + '"'}))
    checked = run("check", env={"TZDIR": "/usr/share/zoneinfo"})
    assert checked.exit == 1, checked
    assert "assay.yaml:4:16: features.f: " in checked.stderr and words in checked.stderr, checked


def test_a_wrong_zone_of_the_settings_has_its_place(run, write):
    write_times(write, [0])
    write("assay.yaml", settings({"f": "hour(at)"}, "time_zone: Mars\n"))
    checked = run("check")
    assert checked.exit == 1
    assert re.search(r"assay.yaml:3:12: time_zone: no time zone 'Mars'", checked.stderr), checked


def tzif(offset_s):
    """A zone with one offset for ever."""
    counts = struct.pack(">6l", 0, 0, 0, 0, 1, 4)
    block = b"TZif2" + bytes(15) + counts + struct.pack(">lBB", offset_s, 0, 0) + b"ABC\0"
    hours = -offset_s // 3600
    return block + block + f"\nABC{hours}\n".encode()


def test_the_rules_of_the_machine_or_of_the_settings(run, write, tmp_path):
    (tmp_path / "zones" / "Test").mkdir(parents=True)
    (tmp_path / "zones" / "Test" / "Place").write_bytes(tzif(7200))
    (tmp_path / "zones" / "Test" / "Bad").write_bytes(tzif(7200)[:50])
    write_times(write, [0])
    write("assay.yaml", settings({"f": "hour(at, 'Test/Place')"}))
    env = {"TZDIR": str(tmp_path / "zones")}
    done = run("features", "-o", "out.csv", env=env)
    assert done.exit == 0, done
    assert next(csv.DictReader(open(tmp_path / "out.csv")))["f"] == "2"
    assert "no time zone 'Test/Place' in /usr/share/zoneinfo" in run("check").stderr
    write("assay.yaml", settings({"f": "hour(at, 'Test/Place')"}, "zones: {Test/Place: 10800 100/3600}\n"))
    done = run("features", "-o", "out.csv")
    assert done.exit == 0, done
    assert next(csv.DictReader(open(tmp_path / "out.csv")))["f"] == "3"
    write("assay.yaml", settings({"f": "hour(at, 'Test/Bad')"}))
    assert "time zone Test/Bad: its file is cut off" in run("check", env=env).stderr


def test_sql_refuses_named_zones_and_patterns(run, write):
    write_times(write, [0])
    for text, words in [("hour(at, 'Asia/Jakarta')", "a named time zone there has the rules of that database"),
                        ("matches(id, 'a')", "regular expressions are others"),
                        ("jaro_winkler(id, 'a')", "in no form that is the same")]:
        write("assay.yaml", settings({"f": '"' + text + '"'}))
        done = run("sql")
        assert done.exit == 1 and words in done.stderr, done
