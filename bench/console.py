"""`console`: what the console's pages ask, over a store of a million decisions (ten million with --long), and what people
who browse cost those who wait for a decision."""

import datetime
import http.client
import json
import os
import random
import shutil
import statistics
import subprocess
import threading
import time

import measure
from http_load import started, trained
from measure import ROOT, Skip
from service import ALL_CORES, SEED, Assay, load, write_requests

DECISIONS, LONG_DECISIONS = 1_000_000, 10_000_000
BATCH = 20_000
MOST_MS = 300
ASKED, MOST_ASKED_MS, ONCE = 9, 10_000, 60  # times each
RATE, PEOPLE, PAUSE_S = 10_000, 5, 1.0
PAIRS, SECONDS, LONG_PAIRS, LONG_SECONDS, WARM_S = 4, 10, 10, 30, 10  # seconds of each half of a pair
# What no page asks by itself, and people do: much that nothing has, and what is far back.
HARD = {
    "search_contradictory": "/v1/decisions?level=HIGH&outcome=approve&limit=50",
    "search_contradictory_by_score": "/v1/decisions?level=LOW&min_score=900&sort=-score&limit=50",
    "search_rare_outcome": "/v1/decisions?outcome=decline&limit=50",
    "search_rule": "/v1/decisions?rule=LARGE&limit=50",
    "search_rule_by_score": "/v1/decisions?rule=LARGE&sort=-score&limit=50",
    "search_id_prefix_of_nothing": "/v1/decisions?id_prefix=nothing&limit=50",
    "search_id_prefix_far_back": "/v1/decisions?id_prefix=c-00000&sort=-seq&limit=50",
    "search_unlabelled": "/v1/decisions?label=null&limit=50",
    "search_labelled": "/v1/decisions?label=true&limit=50",
    "search_old": "/v1/decisions?to={old}&limit=50",
    "search_risky_of_a_day": "/v1/decisions?from={old}&to={older}&sort=-score&limit=50",
    "search_by_entity": "/v1/decisions?entity=customer:c000777&limit=50",
    "alerts_any": "/v1/alerts?state=any&limit=50",
    "alerts_closed": "/v1/alerts?state=closed&limit=50",
    "alerts_nobody_has_this_text": "/v1/alerts?text=nowhere&limit=50",
}


class Client:
    def __init__(self, port):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)

    def ask(self, path, body=None):
        """(milliseconds, text)"""
        begun = time.monotonic()
        kind = "application/x-ndjson" if path.endswith(":batch") else "application/json"
        self.connection.request("GET" if body is None else "POST", path, body, {} if body is None else {"Content-Type": kind})
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status >= 400:
            raise Skip(f"{path}: {answer.status} {text[:200]}")
        return 1000 * (time.monotonic() - begun), text


def fill(client, count, requests):
    """Decisions of the last eight days, evenly."""
    bodies = [line.strip() for line in requests.open()]
    first = time.time() - 8 * 86400
    for start in range(0, count, BATCH):
        lines = []
        for i in range(start, min(start + BATCH, count)):
            at = datetime.datetime.fromtimestamp(first + 8 * 86400 * i / count, datetime.timezone.utc)
            lines.append(bodies[i % len(bodies)].replace("{id}", f"c-{i:09}").replace("{time}", at.strftime("%Y-%m-%dT%H:%M:%SZ")))
        client.ask("/v1/decisions:batch", "\n".join(lines))


def pages_of(url):
    """What each page asks: by the pages themselves, in a browser."""
    if shutil.which("node") is None or not (ROOT / "ui/node_modules/playwright-core").is_dir():
        raise Skip("no node or ui/node_modules: npm ci in ui/")
    done = subprocess.run(["node", ROOT / "bench/console_pages.mjs"], env={**os.environ, "CONSOLE_URL": url}, capture_output=True,
                          text=True, timeout=300)
    if done.returncode != 0:
        raise Skip(f"the pages could not be opened: {done.stderr.strip()[:300]}")
    return json.loads(done.stdout)


def some_work(client):
    """A case, and labels by dispositions."""
    alerts = json.loads(client.ask("/v1/alerts?limit=300")[1])["alerts"]
    ids = [one["id"] for one in alerts]
    client.ask("/v1/alerts:bulk", json.dumps({"alerts": ids[:100], "action": "close", "disposition": "confirmed_fraud"}))
    client.ask("/v1/cases", json.dumps({"title": "bench", "alerts": ids[100:150]}))


def asked(client, path):
    """The median of milliseconds; what takes long is asked fewer times."""
    times = []
    while len(times) < ASKED and (not times or sum(times) < MOST_ASKED_MS):
        times.append(client.ask(path)[0])
    return statistics.median(times)


def measured(report, client, pages):
    slow = []
    for page, paths in pages.items():
        worst = 0.0, ""
        for path in paths:
            try:
                worst = max(worst, (asked(client, path), path))
            except Skip as why:
                report.skip(f"console {page}", why)
        report.put(f"console_{page}_ms", worst[0], f"the slowest of {len(paths)}: {worst[1]}" if len(paths) > 1 else worst[1])
        if worst[0] > MOST_MS:
            slow.append(page)
    report.put("console_slower_than_300_ms", len(slow), ", ".join(slow))


def once_each(report, client, count, requests):
    """Pages of what nobody has asked for before: what is warm of the others is not of these."""
    draw, events = random.Random(SEED), requests.read_text().splitlines()
    kinds = {
        "explanation": lambda: f"/v1/decisions/c-{draw.randrange(count):09}/explanation",
        **{kind: lambda kind=kind: f"/v1/entities/{kind}/{json.loads(draw.choice(events))[f'{kind}_id']}?limit=25" for kind in ("customer", "terminal")},
    }
    for kind, path in kinds.items():
        try:
            times = sorted(client.ask(path())[0] for _ in range(ONCE))
        except Skip as why:
            report.skip(f"console first {kind}", why)
            continue
        report.put(f"console_first_{kind}_ms", statistics.median(times), f"median of {ONCE}, each asked for the first time; the slowest {times[-1]:.0f}")


class Person(threading.Thread):
    """Opens one page after another, and has the live page's stream open."""

    def __init__(self, port, pages, seed, ending):
        super().__init__(daemon=True)
        self.port, self.pages, self.draw, self.ending = port, list(pages.values()), random.Random(seed), ending
        self.opened = 0

    def run(self):
        os.sched_setscheduler(threading.get_native_id(), os.SCHED_IDLE, os.sched_param(0))  # the person's own machine is another one
        client, stream = Client(self.port), http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        stream.request("GET", "/v1/live")
        live = stream.getresponse()
        reading = threading.Thread(target=self.read, args=(live,), daemon=True)
        reading.start()
        while not self.ending.wait(self.draw.expovariate(1 / PAUSE_S)):
            for path in self.draw.choice(self.pages):
                try:
                    client.ask(path)
                except Skip:
                    pass  # 429: as a person, come again
                except (OSError, http.client.HTTPException):
                    client = Client(self.port)
            self.opened += 1
        stream.sock.close() if stream.sock else None

    @staticmethod
    def read(live):
        try:
            while live.read1(65536):
                pass
        except (OSError, ValueError, AttributeError):
            pass


def browsing(report, server, pages, requests):
    pairs, seconds = (LONG_PAIRS, LONG_SECONDS) if measure.LONG else (PAIRS, SECONDS)
    report.head(f"decisions at {RATE:,}/s, alone and with {PEOPLE} people who open a page a second each: {pairs} alternating pairs of twice {seconds} s, "
                f"all on {len(ALL_CORES)} cores")
    ratios, alone, beside, opened = [], [], [], 0

    def quiet():
        return load(server.port, requests, seconds, rate=RATE)["p99_us"]

    def busy():
        nonlocal opened
        ending = threading.Event()
        people = [Person(server.port, pages, seed, ending) for seed in range(PEOPLE)]
        for one in people:
            one.start()
        try:
            return load(server.port, requests, seconds, rate=RATE)["p99_us"]
        finally:
            ending.set()
            for one in people:
                one.join(30)
            opened += sum(one.opened for one in people)

    load(server.port, requests, WARM_S, rate=RATE)
    for pair in range(pairs):
        if pair % 2 == 0:
            a, b = quiet(), busy()
        else:
            b, a = busy(), quiet()
        alone.append(a)
        beside.append(b)
        ratios.append(b / a)
        print(f"  pair {pair + 1}: p99 {a:,.0f} us alone, {b:,.0f} us beside: {b / a:.3f}", flush=True)
    report.put("console_p99_alone_us", statistics.median(alone))
    report.put("console_p99_browsing_us", statistics.median(beside), f"{opened} pages were opened")
    report.put("console_p99_ratio", statistics.median(ratios), "median over the pairs; goal: 1.10 at most")


def filled(report, work, name):
    """A service on both cores whose store has its decisions; its settings; how many; the requests; what each page asks."""
    count = LONG_DECISIONS if measure.LONG else DECISIONS
    count = int(os.environ.get("CONSOLE_DECISIONS", count))
    requests = write_requests(work)
    server, settings = started(work, name, trained(work), cores=ALL_CORES)
    begun = time.monotonic()
    try:
        fill(Client(server.port), count, requests)
        decided = time.monotonic() - begun
        server.wait_projected(1200)
        taken = time.monotonic() - begun
        some_work(Client(server.port))
        server.wait_projected()
        pages = pages_of(f"http://127.0.0.1:{server.port}")
    except BaseException:
        server.stop()
        raise
    report.put("console_filled_M_decisions_per_s", count / taken / 1e6,
               f"{count:,} decisions in {taken:.0f} s, {decided:.0f} s until the last was decided; durable, with their alerts, in the store")
    return server, settings, count, requests, pages


def the_pages(report, server, count, requests, pages):
    report.head(f"the console's pages over {count:,} decisions: milliseconds, median of {ASKED}, service and client on {len(ALL_CORES)} cores")
    old = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=6)
    times = {"old": old.strftime("%Y-%m-%dT%H:%M:%SZ"), "older": (old + datetime.timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")}
    measured(report, Client(server.port), pages | {name: [path.format(**times)] for name, path in HARD.items()})
    once_each(report, Client(server.port), count, requests)


def the_pairs(report, server, settings, requests, pages):
    """The same store and cores, and a service that has just started."""
    server.stop()
    server = Assay(settings, cores=ALL_CORES)
    try:
        server.wait_projected()
        browsing(report, server, pages, requests)
    finally:
        server.stop()


def bench_console(report, work):
    """Both, over one store."""
    server, settings, count, requests, pages = filled(report, work, "console")
    try:
        the_pages(report, server, count, requests, pages)
    except BaseException:
        server.stop()
        raise
    the_pairs(report, server, settings, requests, pages)


def bench_console_pages(report, work):
    server, _, count, requests, pages = filled(report, work, "console-pages")
    try:
        the_pages(report, server, count, requests, pages)
    finally:
        server.stop()


def bench_console_pairs(report, work):
    server, settings, _, requests, pages = filled(report, work, "console-pairs")
    the_pairs(report, server, settings, requests, pages)
