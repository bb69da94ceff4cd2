"""Random events and random features over them, by a seed."""

import csv
import datetime
import random

# name, type of Assay, type in PostgreSQL
FIELDS = [
    ("id", "text", "text"), ("at", "time", "timestamp"), ("customer", "text", "text"),
    ("terminal", "int", "bigint"), ("amount", "decimal", "numeric"),
    ("r", "real", "double precision"), ("n", "int", "bigint"), ("name", "text", "text"),
    ("flag", "bool", "boolean"), ("wait", "duration", "bigint"), ("seen", "time", "timestamp"),
    ("is_fraud", "bool", "boolean"),
]
START = datetime.datetime(2018, 4, 1)
NAMES = ["", "cash", "Cash Out", "caf\u00e9", " pad\t", "it's", "back\\slash", "z" * 300, "Z", "a,b",
         "A.B@Mail.Example", "@x", "a@b@C\n", "4929-1234 5678", "aaa", "a--b"]


def some(rng, value, nulls=0.08):
    return None if rng.random() < nulls else value


def event(rng, i):
    # Few distinct times: ties within and between entities, and gaps of days.
    at = START + datetime.timedelta(
        days=rng.choice([0, 1, 1, 2, 5, 9, 10, 40]), seconds=rng.choice([0, 0, 1, 3599, 3600, 80000]),
        microseconds=rng.choice([0, 0, 0, 1, 999999]))
    seen = at + datetime.timedelta(seconds=rng.randrange(-10**7, 10**7))
    return {
        "id": f"t{i}", "at": at, "customer": some(rng, f"c{rng.randrange(8)}"),
        "terminal": some(rng, rng.randrange(5)),
        "amount": some(rng, rng.choice([
            rng.randrange(-10**6, 10**7) / 100, rng.randrange(8) / 8, rng.randrange(-9, 9) * 5e-7,
            0.000001, rng.choice([-9e12, 9e12]) if rng.random() < 0.05 else 7])),
        "r": some(rng, rng.choice([
            rng.uniform(-1e3, 1e3), rng.randrange(-256, 256) / 128, rng.choice([0.0, 1e-9, -2.5e-7]),
            rng.randrange(-50, 50) * 5e-7, 1e15 if rng.random() < 0.05 else 0.1, rng.gauss(0, 1e6)])),
        "n": some(rng, rng.choice([rng.randrange(-9, 9), rng.randrange(10**6),
                                   2**63 - 1 if rng.random() < 0.03 else 3])),
        "name": some(rng, rng.choice(NAMES[1:])), "flag": some(rng, rng.random() < 0.5),
        "wait": some(rng, rng.choice([0, 1, 90, 3600, 86400 * rng.randrange(-3, 9)])),
        "seen": some(rng, seen), "is_fraud": some(rng, rng.random() < 0.3, 0.4),
    }


def cell(kind, value, for_postgres):
    if value is None:
        return ""
    if kind == "time":
        return value.isoformat(sep=" ", timespec="microseconds")
    if kind == "bool":
        return "true" if value else "false"
    if kind == "decimal":
        return f"{value:.6f}"
    if kind == "duration":
        return str(value * 1000000) if for_postgres else f"{value}s"
    return repr(value) if kind == "real" else str(value)


def write_events(rng, rows, folder):
    """Files of the same events for both: Assay takes them in the order of the file and sorts."""
    events = [event(rng, i) for i in range(rows)]
    for name, for_postgres in ("events.csv", False), ("postgres.csv", True):
        with open(folder / name, "w", newline="") as out:
            writer = csv.writer(out)
            writer.writerow([f[0] for f in FIELDS] + (["arrival"] if for_postgres else []))
            for i, e in enumerate(events):
                cells = [cell(kind, e[name], for_postgres) for name, kind, _ in FIELDS]
                writer.writerow(cells + ([i] if for_postgres else []))


class Features:
    """Makes expressions of a wanted type; an aggregate holds no other aggregate by itself."""

    def __init__(self, rng):
        self.rng = rng
        self.made = []  # (name, type, expression)

    def pick(self, options):
        return self.rng.choice(options)

    def field(self, kind):
        found = [f"`{name}`" for name, k, _ in FIELDS if k == kind and name != "is_fraud"]
        return self.pick(found)

    def literal(self, kind):
        return {
            "bool": lambda: self.pick(["true", "false"]),
            "int": lambda: str(self.rng.randrange(-3, 12)),
            "decimal": lambda: self.pick(["0.5", "2.25", "-0.000001", "3.0", "1000.01"]),
            "real": lambda: self.pick(["1e-2", "2.5e0", "0.1234567", "-3e1"]),
            "text": lambda: self.pick(["'cash'", "'it''s'", "''", "'caf\u00e9'", "'a\\b'", "'C'"]),
            "separator": lambda: self.pick(["'a'", "'-'", "' '", "''", "'--'"]),
            "time": lambda: "parse_time('2018-04-03T01:02:03.5Z')",
            "duration": lambda: self.pick(["1d", "90m", "0s", "5s"]),
        }[kind]()

    def window(self):
        # One day and one hour meet events exactly at the edge.
        over = self.pick(["", " over 1d", " over 1h", " over 3d", " over 1s", " over 30d"])
        delay = self.pick(["", "", "", " delay 1d", " delay 1h", " delay 8d"])
        return over + delay + self.pick(["", "", " prior"])

    def steps(self):
        step = self.pick([1, 60, 3600, 5400, 86400])
        delay = self.pick(["", "", f" delay {step * self.rng.randrange(1, 9)}s"])
        return f" over {step * self.rng.randrange(1, 40)}s step {step}s{delay}"

    def aggregate(self, kind):
        x = lambda k: self.value(k, 1, False)
        numbers = ["int", "decimal", "real", "duration"]
        anything = numbers + ["text", "bool", "time"]
        exact = [k for k in anything if k != "real"]
        calls = [f"prev({x(kind)})", f"last({x(kind)})"]
        if kind != "real":
            calls += [f"mode({x(kind)})"]
        if kind in numbers + ["time"]:
            calls += [f"min({x(kind)})", f"max({x(kind)})"]
        if kind in numbers:
            calls += [f"sum({x(kind)})"] * 2
        if kind == "int":
            calls += ["count()", f"count({x(self.pick(anything))})", f"distinct({x(self.pick(exact))})",
                      "count(label)", "sum(label)"]
        if kind == "real":
            calls += [f"mean({x(self.pick(numbers))})", f"std({x(self.pick(numbers))})"] * 3
            calls += ["mean(label)"] * 2
            p = self.pick(["0", "0.5", "0.25", "0.95", "0.123457", "1"])
            calls += [f"quantile({x(self.pick(numbers))}, {p})",
                      f"rank({x(self.pick(numbers + ['time']))})", f"ratio({x(self.pick(numbers))})",
                      f"zscore({x(self.pick(numbers))})", f"share({x('text')}, 'cash')"] * 2
        if kind == "bool":
            calls += [f"is_new({x(self.pick(exact))})"] * 4
        key = self.pick(["customer", "customer", "terminal", "kind", "(customer, terminal)", "flag",
                         "(customer, day(time) > 2)"])
        call = self.pick(calls)
        window = self.window()
        name = call.split("(")[0]
        if name in ("prev", "is_new", "rank"):
            window = window.replace(" prior", "")
        if name in ("mode", "quantile", "rank") and "over" not in window:
            window = " over 10d" + window
        if name in ("count", "sum", "mean", "std", "min", "max", "ratio", "zscore", "share"):
            if "(label)" not in call and self.rng.random() < 0.3:
                window = self.steps() + self.pick(["", " prior"])
        where = f" where ({self.value('bool', 1, False)})" if self.rng.random() < 0.4 else ""
        return f"{call} by {key}{window}{where}"

    def value(self, kind, depth, may_aggregate=True):
        roll = self.rng.random()
        if may_aggregate and roll < 0.45:
            return self.aggregate(kind)
        ready = [name for name, k, _ in self.made if k == kind]
        if ready and roll > 0.85:
            return self.pick(ready)
        if depth == 0 or roll > 0.75:
            return self.field(kind) if self.rng.random() < 0.8 else self.literal(kind)
        return "(" + self.call(kind, lambda k: self.value(k, depth - 1, may_aggregate)) + ")"

    def call(self, kind, x):
        zone = self.pick(["", ", '+07:00'", ", '-03:30'"])
        number = self.pick(["int", "decimal", "real"])
        shared = [f"if({x('bool')}, {x(kind)}, {x(kind)})", f"coalesce({x(kind)}, {x(kind)})"]
        if kind in ("int", "decimal", "real", "duration"):
            shared += [f"{x(kind)} {self.pick('+-')} {x(kind)}", f"abs({x(kind)})", f"-({x(kind)})"]
        if kind in ("int", "decimal", "real"):
            shared += [f"{x(kind)} * {x(kind)}", f"floor({x(kind)})", f"ceil({x(kind)})",
                       f"round({x(kind)}, {self.rng.randrange(7)})"]
        if kind in ("int", "decimal", "real", "duration", "time"):
            shared += [f"least({x(kind)}, {x(kind)})", f"greatest({x(kind)}, {x(kind)}, {x(kind)})",
                       f"clamp({x(kind)}, {x(kind)}, {x(kind)})"]
        own = {
            "bool": lambda: [
                f"{x('bool')} {self.pick(['and', 'or'])} {x('bool')}", f"not {x('bool')}",
                f"{x(number)} {self.pick(['<', '<=', '>', '>='])} {x(number)}",
                f"{x('text')} {self.pick(['<', '<=', '>', '>=', '=', '!='])} {x('text')}",
                f"{x('time')} {self.pick(['<', '='])} {x('time')}", f"{x('int')} = {x('decimal')}",
                f"{x('decimal')} in (0.5, 7, -0.000001)", f"{x('text')} not in ('cash', 'it''s')",
                f"{x(number)} is null", f"{x('text')} is not null", f"is_weekend({x('time')}{zone})",
                f"near({x('real')}, {x('real')}, 0.5)", f"contains({x('text')}, {x('text')})",
                f"starts_with({x('text')}, {x('text')})", f"ends_with({x('text')}, {x('text')})"],
            "int": lambda: [
                f"{x('int')} % {x('int')}", f"length({x('text')})", f"sign({x(number)})",
                f"{self.pick(['hour', 'minute', 'weekday', 'day', 'month', 'year'])}({x('time')}{zone})",
                f"second({x('time')})", f"age({x('time')}, {x('time')})"],
            "decimal": lambda: [f"{x('decimal')} % {x('decimal')}", f"{x('int')} + {x('decimal')}"],
            "real": lambda: [
                f"{x(number)} / {x(number)}", f"{x('duration')} / {x('duration')}", f"sqrt({x('real')})",
                f"{x('int')} * {x('real')}", f"{x('decimal')} - {x('real')}",
                f"{self.pick(['seconds', 'minutes', 'hours', 'days'])}({x('duration')})"],
            "text": lambda: [
                f"lower({x('text')})", f"upper({x('text')})", f"trim({x('text')})",
                f"concat({x('text')}, '-', {x('text')})", f"text({x('int')})", f"text({x('decimal')})",
                f"text({x('bool')})", f"date({x('time')}{zone})",
                f"substring({x('text')}, {x('int')}, {x('int')})", f"left({x('text')}, {x('int')})",
                f"right({x('text')}, {x('int')})", f"replace({x('text')}, {x('text')}, {x('text')})",
                f"split_part({x('text')}, {self.literal('separator')}, {x('int')})",
                f"split_part({x('text')}, {x('text')}, {x('int')})",
                f"digits({x('text')})", f"email_domain({x('text')})"],
            "time": lambda: [f"{x('time')} {self.pick('+-')} {x('duration')}",
                             f"day_start({x('time')}{zone})"],
            "duration": lambda: [
                f"{x('time')} - {x('time')}", f"{x('duration')} * {x('int')}",
                f"{x('decimal')} * {x('duration')}", f"{x('duration')} * {x('real')}",
                f"{x('duration')} / {x('real')}"],
        }
        return self.pick(shared + own[kind]() * 2)

    def make(self, count):
        for i in range(count):
            kind = self.pick(["bool", "int", "decimal", "real", "real", "text", "time", "duration"])
            if self.rng.random() < 0.6:
                text = self.aggregate(kind)
            else:
                text = self.value(kind, 2)
            self.made.append((f"f{i}", kind, text))
        return self.made


def write_settings(rng, features, folder):
    label = (f"{{field: is_fraud, delay: {rng.choice(['0s', '1h', '1d', '3d'])}, "
             f"absent: {rng.choice(['legit', 'unknown'])}}}")
    lines = ["name: random", "sources:", "  transactions:", "    file: events.csv", "    fields:"]
    lines += [f"      {name}: {kind}" for name, kind, _ in FIELDS]
    lines += ["event: {id: id, time: at, label: " + label + "}", "entities:",
              "  customer: customer", "  terminal: terminal", "  kind: lower(name)", "features:"]
    for name, _, text in features:
        lines.append(f"  {name}: '" + text.replace("'", "''") + "'")
    (folder / "assay.yaml").write_text("\n".join(lines) + "\nmodel: none\n")
