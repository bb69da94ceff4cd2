"""Adversarial streams by seed, and each path that they can take through the program.

A world of a seed has two streams after one history. Both have three kinds of event, ties within and across
kinds, ids that come twice and ids that contradict themselves, events without a key, a value or a label, events
that checks refuse or mark, lists that change and expire, more keys than `memory` has room for, and a change of
features, rules and thresholds in the middle.

    ordered   what a file can say too: events in order of time, labels in a column, list changes with their times
    live      what only a service meets: late, too late and far ahead events, repeats of any earlier event, and
              labels posted late, early, twice, contradicting and taken back; and two more changes of the plan

What a decision is, for the hash: all features to the bit, score, outcome, rules, flags, what was forgotten and
reasons (core/decide/decision.h)."""

import csv
import datetime
import http.client
import json
import os
import pathlib
import random
import shutil
import threading
import time

from playing import Home, Server

HOUR, DAY = 3600, 86400
START = datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone.utc)
KINDS = ("payment", "login", "refund")
FILES = {"payment": "payments.csv", "login": "logins.csv", "refund": "refunds.csv"}
FIELDS = {
    "payment": ["payment_id", "paid_at", "customer_id", "terminal_id", "amount", "category", "country", "code", "lat"]
    + ["lon", "is_fraud"],
    "login": ["login_id", "at", "customer_id", "success", "channel"],
    "refund": ["refund_id", "when", "customer_id", "amount"],
}
FAR_AHEAD = 175 * 366 * DAY
TOKEN_KEY = "000102030405060708090a0b0c0d0e0f"

SETTINGS = """
name: adversarial
sources:
  payments: {{file: {folder}/history/payments.csv, rejects: 1, fields: {{amount: decimal, code: int, lat: real, lon: real, terminal_id: int}}}}
  logins: {{file: {folder}/history/logins.csv, fields: {{success: bool}}}}
  refunds: {{file: {folder}/history/refunds.csv, rejects: 1, fields: {{amount: decimal}}}}
  customers: {{file: {folder}/customers.csv, key: customer_id, valid_from: since}}
events:
  payment: {{source: payments, id: payment_id, time: paid_at}}
  login: {{source: logins, id: login_id, time: at, layout: unix_s}}
  refund: {{source: refunds, id: refund_id, time: when, decide: {refunds_decided}}}
event:
  amount: amount
  label: {{field: is_fraud, delay: {delay}, absent: {absent}}}
  lateness: {lateness}
  max_ahead: 1d
entities: {{customer: customer_id, terminal: terminal_id}}
validate:
  POSITIVE: {{check: amount > 0, then: refuse}}
  ROUND: {{check: amount % 5.0 != 0.0, then: mark}}
  NEAR: {{check: "country in ('PT', 'ES', 'FR')", then: challenge}}
missing: {{category: unknown, code: 3}}
lists:
  blocked: {{{blocked}}}
  codes: {{type: int{codes}}}
features:
  amount: amount
  night: hour(time, 'America/New_York') <= 6
  category: category
  known: "matches(category, '^(gro|fu)') or jaro_winkler(category, 'travels') > 0.9"
  is_blocked: "country in list(blocked)"
  blocked_9d: count() by customer over 9d where (country in list(blocked))
  limit_share: amount / customers.limit
  n_1d: count() by customer over 1d
  n_all: count() by customer
  failed_2d: count(login) by customer over 2d where (not success)
  sum_5d: sum(amount) by customer over 5d delay 3h
  mean_7d: mean(amount) by customer over 7d prior
  min_9d: min(amount) by customer over 9d
  max_step: max(amount) by terminal over 12d step 6h
  sum_step: sum(amount) by terminal over 20d step 1d where (kind = 'payment')
  std_7d: std(amount) by customer over 7d
  z_28d: zscore(amount) by customer over 28d step 1d
  ratio_7d: ratio(amount) by customer over 7d
  lat_mean: mean(lat) by customer over 11d
  lat_std: std(lat) by terminal over 6d
  codes_9d: distinct(code) by customer over 9d
  categories: distinct(category) by terminal
  usual: mode(category) by customer over 15d = category
  spread: entropy(category) by terminal over 8d
  high: quantile(amount, 0.9) by customer over 30d
  middle: quantile(lat, 0.5) by terminal over 9d delay 1d
  rank_9d: rank(amount) by customer over 9d
  new_terminal: is_new(terminal_id) by customer
  last_channel: last(channel) by customer
  before: prev(category) by customer where (kind = 'payment')
  since_h: hours(time - prev(time) by customer)
  grocery: share(category, 'grocery') by customer over 20d
  about: approx_distinct(amount) by kind
  about_late: approx_distinct(amount) by customer delay 1d where (kind = 'payment')
  faded_n: decayed_count(12h) by terminal
  faded: decayed_sum(amount, 2d) by customer
  risk_9d: mean(label) by customer over 9d delay {delay}
  frauds: sum(label) by terminal over 20d delay {delay}
  labels: count(label) by terminal over 20d delay {delay}
  km: geo_km(lat, lon, prev(lat) by customer, prev(lon) by customer)
  pair_n: count() by (customer, terminal) over 20d
  pair_mean: mean(amount) by (customer, ceil(amount)) over 30d
  above: if(amount > mean_7d, 1, 0)
  above_3d: sum(above) by customer over 3d
{features}
rules:
  FAILS: {{when: failed_2d >= {fails}, then: review}}
  BLOCKED: {{when: is_blocked, then: decline}}
  CODE: {{when: code in list(codes) and country not in list(blocked), then: challenge}}
  CHANNEL: {{when: last_channel = 'app' and above_3d > 1, then: challenge}}
  ABOUT: {{when: about > 192 and about % 5 = 0, then: challenge}} # a sketch that estimates, to the last digit
  RISK: {{when: frauds > 1 and labels > 2, then: review}}
{rules}
model:
  kind: boost
  features: [amount, night, category, known, is_blocked, blocked_9d, limit_share, n_1d, n_all, failed_2d, sum_5d, mean_7d,
             min_9d, max_step, sum_step, std_7d, z_28d, ratio_7d, lat_mean, lat_std, codes_9d, categories, usual, spread,
             high, middle, rank_9d, new_terminal, since_h, grocery, about, about_late, faded_n, faded, risk_9d, km, pair_n, pair_mean, above_3d]
  boost: {{trees: 20}}
decision: {decision}
memory: {memory}
ids: {{keep: 3650d}}
snapshot: {{every: 1s}}
log: {{sync: false, segment: 1MiB}}
server: {{threads: {threads}}}
"""
PLANS = {
    "a": {"features": "", "rules": "", "fails": 2, "decision": "{challenge: 150, review: 400, decline: 700}"},
    # Other windows: the state is built anew from the log.
    "b": {
        "features": "  spree: count() by terminal over 7h\n  usual_hour: mode(hour(time)) by customer over 25d",
        "rules": "  SPREE: {when: spree >= 4 or usual_hour = 3, then: review}",
        "fails": 1,
        "decision": "{challenge: 250, review: 350, decline: 500}",
    },
    # Other rules and thresholds only: the state goes on.
    "c": {
        "features": "  spree: count() by terminal over 7h\n  usual_hour: mode(hour(time)) by customer over 25d",
        "rules": "  SPREE: {when: spree >= 2, then: challenge}\n  LARGE: {when: amount > 150, then: review}",
        "fails": 3,
        "decision": "{challenge: 200, review: 600, decline: 900}",
    },
}


def iso(seconds):
    return (START + datetime.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


# ---- events


def one_event(rng, number, seconds):
    kind = rng.choices(KINDS, (6, 3, 1))[0]
    e = {"kind": kind, "id": f"{kind[0]}{number}", "time": seconds}
    regular = rng.random() < 0.5
    e["customer_id"] = f"c{rng.randrange(20) if regular else rng.randrange(20, 1500)}" if rng.random() < 0.98 else None
    if kind == "payment":
        e["terminal_id"] = rng.randrange(15) if rng.random() < 0.8 else rng.randrange(1000) if rng.random() < 0.9 else None
        e["amount"] = rng.choice(["", "-4", "0", "95", "12.3456789"]) if rng.random() < 0.06 else f"{rng.randrange(100, 20000) / 100}"
        e["category"] = rng.choice(["grocery", "fuel", "travel", "games", "café", None])
        e["country"] = rng.choice(["PT"] * 5 + ["ES"] * 3 + ["FR", "XX", "YY", None])
        e["code"] = rng.choice([*range(9), None])
        e["lat"] = f"{rng.uniform(37, 42):.9f}" if regular or rng.random() < 0.7 else None
        e["lon"] = f"{rng.uniform(-9, 3):.9f}" if e["lat"] else None
        e["is_fraud"] = rng.choices((0, 1, None), (60, 15, 25))[0]
    elif kind == "login":
        e["success"] = rng.choices(("true", "false", None), (6, 5, 1))[0]
        e["channel"] = rng.choice(("web", "app", None))
    else:
        e["amount"] = f"{rng.choice([0, 5, 7, 11.5, rng.randrange(1, 90)])}"
    return {name: v for name, v in e.items() if v not in (None, "")}


def other_content(e):
    """What a check refused may come again and be taken."""
    return {"customer_id": "c3"} if e["kind"] == "login" else {"customer_id": "c3", "amount": "33.5"}


def ordered_events(rng, first, count, begin, days):
    """By time, kind and place: many at one time. Some come twice, some ids once more with another content."""
    made = [one_event(rng, first + i, begin + rng.randrange(days * DAY // 900) * 900) for i in range(count)]
    for e in rng.sample(made, count // 40):
        made.append(dict(e))
    for e in rng.sample(made, count // 80):
        made.append({**e, "time": e["time"] + 900 * rng.randrange(1, 9), **other_content(e)})
    made.sort(key=lambda e: (e["time"], KINDS.index(e["kind"])))
    return made


def written(e):
    id_name, time_name = FIELDS[e["kind"]][:2]
    time_text = str(int(START.timestamp()) + e["time"]) if e["kind"] == "login" else iso(e["time"])
    own = {**e, id_name: e["id"], time_name: time_text}
    return {name: own[name] for name in FIELDS[e["kind"]] if name in own}


def as_json(e):
    own = written(e)
    for name in ("at", "success", "amount", "lat", "lon"):
        if name in own:
            own[name] = json.loads(own[name])
    return json.dumps({"kind": e["kind"], **own})


def write_files(folder, *parts):
    folder.mkdir()
    for kind, name in FILES.items():
        with open(folder / name, "w", newline="", encoding="utf-8") as f:
            out = csv.DictWriter(f, FIELDS[kind])
            out.writeheader()
            out.writerows(written(e) for part in parts for e in part if e["kind"] == kind)
    return folder


# ---- what else happens: (what, ...) each


def random_change(rng, at):
    name = rng.choice(["blocked", "codes"])
    value = rng.choice(["XX", "YY", "FR", "ES"]) if name == "blocked" else str(rng.randrange(9))
    return {"name": name, "at": at, "value": value, "remove": rng.random() < 0.25}


def list_changes(rng, events):
    """Place -> changes: just before the event there, which is later than the one before it."""
    places = [i for i in range(1, len(events)) if events[i]["time"] > events[i - 1]["time"]]
    made = {}
    for place in rng.sample(places, min(len(places), max(4, len(events) // 40))):
        change = random_change(rng, events[place]["time"])
        change["expires"] = change["at"] + rng.randrange(-3 * HOUR, 5 * DAY) if rng.random() < 0.7 else None
        made[place] = change
    return made


def with_changes(events, changes):
    for i, e in enumerate(events):
        if i in changes:
            yield ("list", changes[i])
        yield ("event", e)


def label_of(rng, seen, now):
    """For an event seen before, mostly; effective long ago, at its edge, now, or later on."""
    e = rng.choice(seen[-400:] if rng.random() < 0.7 else seen)
    item = {"id": e["id"] if rng.random() < 0.97 else "nobody", "source": rng.choice(["bank", "review"])}
    if rng.random() < 0.25:
        item["reversal"] = True
    else:
        item["label"] = rng.random() < 0.5
    if rng.random() < 0.9:
        item["time"] = iso(rng.choice([e["time"] - DAY, e["time"], e["time"] + DAY, now, now + 1, now + 2 * DAY]))
    return item


def live_operations(rng, history, events, lateness):
    """The events as a service may meet them; `now` is the newest time sent, but for those far ahead."""
    seen, out, now = list(history), [], history[-1]["time"]
    for i, e in enumerate(events):
        e = dict(e, id=f"{e['id']}x")
        dice = rng.random()
        if dice < 0.12:
            e["time"] = max(0, now - rng.choice([1, 900, lateness - 1, lateness, lateness + 1, rng.randrange(2 * lateness)]))
        elif dice < 0.13:
            e["time"] = FAR_AHEAD + rng.randrange(DAY)
        elif dice < 0.16:
            e["time"] = now
        elif dice < 0.19 and seen:
            out.append(("event", rng.choice(seen)))  # once more
        elif dice < 0.20 and seen:
            again = rng.choice(seen)
            out.append(("event", {**again, **other_content(again)}))
        now = max(now, e["time"]) if e["time"] < FAR_AHEAD else now
        seen.append(e)
        out.append(("event", e))
        if 0.9 < dice < 0.97:
            out.append(("labels", [label_of(rng, seen, now) for _ in range(rng.choice([1, 1, 5]))]))
        if dice > 0.96:
            change = random_change(rng, now)
            change["expires"] = now + rng.randrange(-2 * HOUR, 3 * DAY) if rng.random() < 0.7 else None
            out.append(("list", change))
        if i in (len(events) // 3, len(events) // 2, len(events) * 5 // 6):
            out.append(("plan", {len(events) // 3: "b", len(events) // 2: "c"}.get(i, "a")))
    return out


# ---- a service, asked


class Caller:
    def __init__(self, port):
        self.c = http.client.HTTPConnection("127.0.0.1", port, timeout=120)

    def ask(self, path, body, content_type="application/json"):
        self.c.request("POST", path, body.encode(), {"Content-Type": content_type})
        answer = self.c.getresponse()
        return answer.status, answer.read()

    def close(self):
        self.c.close()


def answer_of(status, answer):
    """What an answer says, but for where it stands in which log and that it was given before."""
    if status >= 400:
        return (status,)
    return (status, *(json.dumps(v) for k, v in sorted(answer.items()) if k not in ("seq", "plan", "repeated")))


class Path:
    """One way of a stream's operations through a service. `restarts`: a changed plan comes into force at the next
    start instead of by reload. `kills`: kill -9 at random moments, in the middle of batches too; the newest
    snapshot, or all, are then damaged, missing, or left."""

    def __init__(self, world, name, seed, threads=1, most=1, restarts=False, kills=0.0, **options):
        self.world, self.rng = world, random.Random(seed)
        self.threads, self.most, self.restarts, self.kills = threads, most, restarts, kills
        self.home = world.home(name, threads, **options)
        self.answers, self.killed, self.figures = [], 0, {}

    def start(self):
        self.server = Server(self.home)
        self.caller = Caller(self.server.port)

    def stop(self):
        self.caller.close()
        figures = {}
        c = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=60)
        c.request("GET", "/metrics")
        for line in c.getresponse().read().decode().splitlines():
            if line[0] != "#":
                name, value = line.rsplit(" ", 1)
                figures[name] = float(value)
        c.close()
        self.figures = figures
        self.server.stop()

    def kill(self):
        self.server.kill()
        self.caller.close()
        self.killed += 1
        snapshots = self.home.snapshots
        for snapshot in {0: [], 1: snapshots[-1:], 2: snapshots}[self.rng.randrange(3)]:
            if self.rng.random() < 0.5:
                snapshot.unlink()
            else:
                content = bytearray(snapshot.read_bytes() or b"none of it was written")
                content[self.rng.randrange(len(content))] ^= 1 << self.rng.randrange(8)
                snapshot.write_bytes(content)
        self.start()

    def send_batch(self, events):
        body = "".join(as_json(e) + "\n" for e in events)
        status, words = self.caller.ask("/v1/decisions:batch", body, "application/x-ndjson")
        assert status == 200, words
        lines = [json.loads(line) for line in words.splitlines()]
        assert len(lines) == len(events)
        return [answer_of(a.get("status", 202 if a.get("observed") else 200), a) for a in lines]

    def send(self, events):
        if self.most > 1:
            return self.send_batch(events)
        status, words = self.caller.ask("/v1/decisions", as_json(events[0]))
        return [answer_of(status, json.loads(words))]

    def flush(self, events):
        if not events:
            return
        if self.rng.random() < self.kills:
            dying = threading.Timer(self.rng.random() * 0.004 * len(events) / 20, self.server.process.kill)
            dying.start()
            try:
                self.answers += self.send(events)
                events = []
            except (OSError, http.client.HTTPException):
                pass
            dying.join()
            self.kill()
        if events:
            self.answers += self.send(events)

    def label(self, items):
        status, words = self.caller.ask("/v1/labels", json.dumps(items))
        assert status == 200, words
        self.answers.append(("labels", *(r["status"] for r in json.loads(words)["results"])))

    def change_list(self, change):
        entry = {"value": change["value"]}
        if change["remove"]:
            entry["remove"] = True
        elif change["expires"] is not None:
            entry["expires"] = iso(change["expires"])
        status, words = self.caller.ask(f"/v1/lists/{change['name']}/entries", json.dumps(entry))
        assert status == 200, words
        self.answers.append(("list", *(r["result"] for r in json.loads(words)["results"])))

    def change_plan(self, plan):
        self.world.write_settings(self.home.settings, plan, self.threads, service=True)
        if self.restarts:
            self.stop()
            self.start()
            return
        status, words = self.caller.ask("/v1/settings:reload", "{}")
        job = json.loads(words)
        while job.get("state") == "running":
            time.sleep(0.01)
            c = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=60)
            c.request("GET", f"/v1/jobs/{job['id']}")
            job = json.loads(c.getresponse().read())
            c.close()
        assert job.get("state") == "done" and job["result"]["changed"], job

    def play(self, operations):
        """All of them, in order; then replay, which must find each decision as it was logged."""
        self.start()
        waiting = []
        size = self.rng.randint(1, self.most)
        for what, value in operations:
            if what == "event":
                waiting.append(value)
                if len(waiting) < size:
                    continue
            self.flush(waiting)
            waiting, size = [], self.rng.randint(1, self.most)
            if what != "event":
                {"labels": self.label, "list": self.change_list, "plan": self.change_plan}[what](value)
        self.flush(waiting)
        self.stop()
        assert self.home.verify()["whole"]
        self.replayed = self.home.replay()
        return self

    @property
    def hashes(self):
        """(decisions, SHA-256) of each plan in force."""
        return [(s["decisions"], s["sha256"]) for s in self.replayed["segments"]]


class Processor:
    """A binary at a level of vector instructions on some processors: where a replay or a file runs."""

    def __init__(self, simd, cpus, binary=None):
        self.simd, self.cpus, self.binary = simd, cpus, binary

    def __repr__(self):
        return f"{self.simd}-{self.cpus}{'-O0' if self.binary else ''}"

    def of(self, home):
        some = set(sorted(os.sched_getaffinity(0))[: self.cpus])
        other = home.with_(env={"ASSAY_SIMD": self.simd}, cpus=some)
        other.binary = self.binary or home.binary
        return other


def simd_levels():
    words = pathlib.Path("/proc/cpuinfo").read_text()
    return ["scalar"] + [s for s, flag in (("avx2", " avx2 "), ("avx512", " avx512bw ")) if flag in words]


def processors(binary=None):
    return [Processor(simd, cpus, binary) for simd in simd_levels() for cpus in (1, 2)]


# ---- the world


class World:
    def __init__(self, binary, folder, seed, events=1000, memory=None):
        rng = random.Random(seed)
        folder.mkdir()
        self.binary, self.folder, self.seed = binary, folder, seed
        lateness = rng.choice([HOUR, 3 * HOUR, 12 * HOUR])
        self.words = {
            "folder": folder,
            "refunds_decided": rng.choice(["true", "false"]),
            "absent": rng.choice(["unknown", "legit"]),
            "delay": rng.choice(["6h", "2d"]),
            "lateness": f"{lateness}s",
            "memory": memory or rng.choice(["1MiB", "2MiB", "3MiB"]),
        }
        days = 14
        self.history = ordered_events(rng, 0, events, 0, days)
        self.first = ordered_events(rng, 10**6, events, days * DAY, days)
        self.second = ordered_events(rng, 2 * 10**6, events, 2 * days * DAY, days)
        self.changes = [list_changes(rng, part) for part in (self.history, self.first, self.second)]
        self.live = live_operations(rng, self.history, self.first, lateness)
        self.ordered = [
            *with_changes(self.first, self.changes[1]), ("plan", "b"), *with_changes(self.second, self.changes[2])
        ]
        self.write_tables(rng)
        for name, parts in {
            "history": [self.history], "first": [self.first], "second": [self.second],
            "before": [self.history, self.first],
        }.items():
            write_files(folder / name, *parts)
        self.trained = self.home("trained", service=False)
        self.other = self.trained.with_(settings=folder / "trained-b.yaml")
        self.write_settings(self.other.settings, "b")
        self.trained.run("train", "-q", "--force")  # its labels are chance

    def write_tables(self, rng):
        with open(self.folder / "customers.csv", "w", encoding="utf-8") as f:
            f.write("customer_id,since,limit\n")
            for i in range(20):
                for since in sorted(rng.sample(range(42), 3)):
                    f.write(f"c{i},{iso(since * DAY)},{rng.randrange(20, 300)}.5\n")
        for name in ("blocked", "codes"):
            for suffix, parts in (("", self.changes), ("-old", self.changes[:1])):
                with open(self.folder / f"{name}{suffix}.csv", "w", encoding="utf-8") as f:
                    f.write("value,at,expires,op\n")
                    for c in (c for part in parts for _, c in sorted(part.items()) if c["name"] == name):
                        end = "" if c["remove"] else "never" if c["expires"] is None else iso(c["expires"])
                        f.write(f"{c['value']},{iso(c['at'])},{end},{'remove' if c['remove'] else 'add'}\n")

    def write_settings(self, path, plan, threads=2, service=False):
        """A service is told of the lists' changes over HTTP; a file pass finds all of them in files."""
        old = "-old" if service else ""
        lists = {n: f"file: {self.folder}/{n}{old}.csv" for n in ("blocked", "codes")}
        text = SETTINGS.format(
            **self.words, **PLANS[plan], threads=threads, blocked=lists["blocked"], codes=", " + lists["codes"]
        )
        new = path.with_suffix(".new")
        new.write_text(text)
        new.rename(path)

    def home(self, name, threads=2, service=True, binary=None, **options):
        """A data directory with the trained model and the one token key, which says who is forgotten."""
        data = self.folder / name
        shard = data / "shard-0"
        shard.mkdir(parents=True)
        (shard / "token.key").write_text(TOKEN_KEY + "\n")
        (shard / "token.key").chmod(0o600)
        if service:
            shutil.copytree(self.trained.data / "models", data / "models")
        settings = self.folder / f"{name}.yaml"
        self.write_settings(settings, "a", threads, service)
        return Home(binary or self.binary, settings, data, **options)

    def file_hashes(self, processor=None):
        """Each half by its plan, what comes before it observed first."""
        made = []
        for home, part, before in ((self.trained, "first", "history"), (self.other, "second", "before")):
            home = processor.of(home) if processor else home
            out = self.folder / "scores.csv"
            told = json.loads(
                home.run("score", self.folder / part, "--after", self.folder / before, "-o", out, "--json")
            )
            made.append((sum(told["outcomes"].values()), told["decisions_sha256"]))
            self.told = told
        return made

    def path(self, name, **options):
        return Path(self, name, f"{self.seed} {name}", **options)

    def close(self):
        shutil.rmtree(self.folder)
