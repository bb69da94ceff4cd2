"""One hash for file = HTTP one by one = HTTP batched = replay = restored state.

Eighteen thousand card payments, of which the first ones are history and training data. Streams that are harder are in
test_adversarial.py."""

import pathlib
import random
import shutil
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))
from playing import Home, Server, joined, ndjson_of, play_through_kills, same_as_answered, split  # noqa: E402

SETTINGS = """
name: parity
sources:
  transactions: {{file: {history}}}
event:
  id: transaction_id
  time: timestamp
  amount: amount
  label: {{field: is_fraud, delay: 2d, absent: legit}}
  lateness: 6h
entities: {{customer: customer_id, terminal: terminal_id}}
features:
  amount: amount
  night: hour(timestamp) <= 6
  night_there: "count() by customer over 7d where (hour(timestamp, 'America/New_York') < 6)"
  known_kind: "matches(merchant_category, '^(gro|fuel)') and jaro_winkler(merchant_category, 'electronic') < 0.9"
  category: merchant_category
  customer_n_1d: count() by customer over 1d
  customer_mean_7d: mean(amount) by customer over 7d
  customer_std_7d: std(amount) by customer over 7d
  customer_usual: quantile(amount, 0.9) by customer over 7d
  customer_rank: rank(amount) by customer over 7d
  customer_z: zscore(amount) by customer over 28d step 1d
  customer_mode: share(merchant_category, 'grocery') by customer over 7d
  customer_spread: entropy(merchant_category) by customer over 7d
  customer_faded: decayed_sum(amount, 2d) by customer
  terminal_most: max(amount) by terminal over 14d step 6h
  usual_category: mode(merchant_category) by customer over 7d = merchant_category
  customer_ratio: amount / mean(amount) by customer over 7d prior
  hours_since: hours(timestamp - prev(timestamp) by customer)
  new_terminal: is_new(terminal_id) by customer
  terminal_n_1d: count() by terminal over 1d delay 2d
  terminal_risk_7d: coalesce(mean(label) by terminal over 7d delay 2d, 0)
  spree: count() by customer over {window}
rules:
  SPREE: {{when: spree >= 6, then: challenge}}
model:
  kind: boost
  features: [amount, night, night_there, known_kind, category, customer_n_1d, customer_mean_7d, customer_std_7d, customer_ratio,
             customer_usual, customer_rank, customer_z, customer_mode, customer_spread, customer_faded, terminal_most,
             usual_category,
             hours_since, new_terminal, terminal_n_1d, terminal_risk_7d]
  boost: {{trees: 60}}
  conformal: 0.9
decision: {decision}
"""
PLAN_A = {"window": "3h", "decision": "{challenge: 20, review: 200, decline: 700}"}
PLAN_B = {"window": "11h", "decision": "{challenge: 50, review: 100, decline: 500}"}
HISTORY, FIRST, REST = 12000, 3000, 3000
NO_SYNC = ("log.sync=false",)


def simd_levels():
    words = pathlib.Path("/proc/cpuinfo").read_text()
    return ["scalar"] + [s for s, flag in (("avx2", " avx2 "), ("avx512", " avx512bw ")) if flag in words]


class World:
    """Data, two plans and the model, and what the file side says of them."""

    def __init__(self, binary, folder):
        self.binary, self.folder = binary, folder
        everything = folder / "all.csv"
        Home(binary, "none.yaml", folder).run
        self.generate(everything)
        parts = split(everything, folder, history=HISTORY, first=FIRST, second=None)
        self.history, self.first, self.second = parts["history"], parts["first"], parts["second"]
        self.rest = joined(folder / "rest.csv", self.first, self.second)
        self.lines = ndjson_of(self.rest, folder / "rest.ndjson")
        self.plan_a, self.plan_b = folder / "a.yaml", folder / "b.yaml"
        self.plan_a.write_text(SETTINGS.format(history=self.history, **PLAN_A))
        self.plan_b.write_text(SETTINGS.format(history=self.history, **PLAN_B))
        self.trained = Home(binary, self.plan_a, folder / "trained")
        self.trained.run("train", "-q", "--json")
        self.hash = self.trained.score(self.rest, self.history)

    def generate(self, path):
        import subprocess

        subprocess.run(
            [self.binary, "generate", "--rows", str(HISTORY + FIRST + REST), "--days", "60", "--start", "2018-04-01"]
            + ["--seed", "11", "-o", path],
            check=True,
            capture_output=True,
        )

    def home(self, name, *sets, **options):
        """A fresh data directory with the trained model."""
        data = self.folder / name
        shutil.copytree(self.trained.data / "models", data / "models")
        return Home(self.binary, self.plan_a, data, *sets, **options)


@pytest.fixture(scope="module")
def world(binary, tmp_path_factory):
    return World(binary, tmp_path_factory.mktemp("parity"))


@pytest.fixture
def home(world, request):
    """home("log.sync=false"): a fresh data directory of this test's."""
    made = []

    def call(*sets, **options):
        made.append(world.home(f"{request.node.name.replace('[', '-').rstrip(']')}-{len(made)}", *sets, **options))
        return made[-1]

    yield call
    for h in made:
        shutil.rmtree(h.data, ignore_errors=True)


def test_the_hash_says_something(world):
    scores = (world.folder / "trained.scores.csv").read_text().splitlines()
    outcomes = {line.split(",")[4] for line in scores[1:]}
    assert len(scores) == 1 + FIRST + REST
    assert {"approve", "challenge"} < outcomes
    assert {line.split(",")[-1] for line in scores[1:]} > {"legit", "fraud"}, "no conformal sets"
    assert world.trained.score(world.rest) != world.hash, "the history changes nothing"


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("batch", [0, 7, 1000])
def test_http_is_the_file(world, home, batch, threads):
    h = home(*NO_SYNC, f"server.threads={threads}")
    with Server(h) as server:
        assert server.started["history_events"] == HISTORY
        server.play(world.lines, batch=batch)
    assert h.replay()["decisions_sha256"] == world.hash


@pytest.mark.parametrize("simd", simd_levels())
@pytest.mark.parametrize("cpus", [1, 2])
def test_at_each_simd_level_and_on_one_processor(world, home, simd, cpus):
    import os

    some = set(sorted(os.sched_getaffinity(0))[:cpus])
    options = {"env": {"ASSAY_SIMD": simd}, "cpus": some}
    assert world.trained.with_(**options).score(world.rest, world.history) == world.hash
    h = home(*NO_SYNC, **options)
    with Server(h) as server:
        server.play(world.lines, batch=500)
    assert h.replay()["decisions_sha256"] == world.hash


def test_killed_and_restored(world, home, tmp_path):
    h = home("snapshot.every=1s", "log.segment=1MiB")
    rng = random.Random(20180401)
    answers = tmp_path / "answers"
    done = play_through_kills(
        h, rng, world.lines, 0, FIRST + REST, kills=8, answers=answers, batch=lambda: rng.choice([0, 0, 1, 50])
    )
    assert done["kills_in_play"] > 0
    assert h.verify()["whole"]
    assert h.replay()["decisions_sha256"] == world.hash
    assert same_as_answered(h, answers) >= FIRST + REST
    assert [r["id"] for r in h.decisions()] == [str(HISTORY + 1 + i) for i in range(FIRST + REST)]
    assert not [p for p in h.snapshots if p.suffix == ".part"]


def test_plan_changed_in_the_middle(world, home):
    h = home(*NO_SYNC)
    with Server(h) as server:
        server.play(world.lines, 0, FIRST, batch=100)
    b = h.with_(settings=world.plan_b)
    with Server(b) as server:
        server.play(world.lines, FIRST, 1000, batch=100)
    server = Server(b)
    server.kill()
    for snapshot in h.snapshots:
        snapshot.unlink()
    with Server(b) as server:
        server.play(world.lines, FIRST + 1000)
    before = joined(world.folder / "before.csv", world.history, world.first)
    wanted = [
        (FIRST, world.trained.score(world.first, world.history)),
        (REST, world.trained.with_(settings=world.plan_b).score(world.second, before)),
    ]
    r = b.replay()
    assert [(s["decisions"], s["sha256"]) for s in r["segments"]] == wanted
    assert r["plans"] == 2
    assert len({s["sha256"] for s in r["segments"]}) == 2


def test_plan_changed_and_changed_back(world, home):
    """Other thresholds only: the state goes on; then the first plan again, from its older snapshot."""
    h = home(*NO_SYNC)
    other = h.with_("decision={challenge: 1, review: 2, decline: 3}")
    with Server(h) as server:
        server.play(world.lines, 0, 1000, batch=100)
    with Server(h.with_("event.lateness=1m")) as server:
        server.play(world.lines, 1000, 1000, batch=100)
    with Server(other) as server:
        server.play(world.lines, 2000, 1000, batch=100)
    with Server(h) as server:
        server.play(world.lines, 3000, batch=100)
    r = h.replay()
    assert [s["decisions"] for s in r["segments"]] == [1000, 1000, 1000, FIRST + REST - 3000]


def test_restart_with_another_port_is_no_plan(world, home):
    h = home(*NO_SYNC)
    with Server(h) as server:
        server.play(world.lines, 0, 10)
    with Server(h.with_("server.queue=64", "snapshot.every=1h")) as server:
        server.play(world.lines, 10, 10)
    assert h.replay()["plans"] == 1


def damage(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_recovery_without_snapshots_and_with_damaged_ones(world, home):
    h = home(*NO_SYNC)
    with Server(h) as server:
        server.play(world.lines, 0, 2000, batch=100)
    assert h.snapshots
    for snapshot in h.snapshots:
        snapshot.unlink()
    with Server(h) as server:
        server.play(world.lines, 2000, 1000, batch=100)
    damage(h.snapshots[-1])
    with Server(h) as server:
        server.play(world.lines, 3000, 1000, batch=100)
    for snapshot in h.snapshots:
        snapshot.write_bytes(snapshot.read_bytes()[:5000])
    (h.data / "shard-0" / "snapshots" / ("9" * 20 + ".snapshot")).write_bytes(b"no snapshot")
    (h.data / "shard-0" / "snapshots" / ("0" * 20 + ".snapshot.part")).write_bytes(b"half of one")
    with Server(h) as server:
        server.play(world.lines, 4000, batch=100)
    assert h.replay()["decisions_sha256"] == world.hash
    assert not [p for p in h.snapshots if p.suffix == ".part"]


def test_replay_beside_the_running_server(world, home):
    h = home(*NO_SYNC)
    with Server(h) as server:
        p = server.player(world.lines)
        seen = [h.replay()["decisions"] for _ in range(3)]
        assert p.wait() == 0, p.stderr.read()
        p.communicate()
        assert h.replay()["decisions_sha256"] == world.hash
        assert h.verify()["whole"]
    assert seen == sorted(seen)


def test_replay_asks_the_machine_for_no_time_zones(world, home, tmp_path):
    h = home(*NO_SYNC)
    with Server(h) as server:
        server.play(world.lines, batch=1000)
    elsewhere = h.with_(env={"TZDIR": str(tmp_path)})
    assert elsewhere.replay()["decisions_sha256"] == world.hash
    (tmp_path / "America").mkdir()
    shutil.copy("/usr/share/zoneinfo/Asia/Jakarta", tmp_path / "America" / "New_York")
    with pytest.raises(AssertionError, match="night_there.* has another definition than in training"):
        elsewhere.run("score", world.rest)


def test_when_memory_is_short(world, home):
    """What is forgotten for want of room is the same everywhere under one token key, which goes with the shard."""
    many = world.folder / "many.yaml"
    many.write_text(
        world.plan_a.read_text()
        .replace("terminal: terminal_id}", "terminal: terminal_id, amount_key: ceil(amount)}")
        .replace("\nrules:\n", "\n  amount_mean: mean(amount) by (customer, amount_key) over 50d\nrules:\n  CHEAP: {when: amount_mean > amount, then: review}\n")
    )
    h = home(*NO_SYNC, "memory=1MiB", "snapshot.every=1s").with_(settings=many)
    rng = random.Random(4)
    play_through_kills(h, rng, world.lines, 0, FIRST + REST, kills=3, batch=lambda: rng.choice([0, 100]))
    wanted = h.score(world.rest, world.history)
    assert wanted != h.with_("memory=1GiB").score(world.rest, world.history), "there was room for all"
    assert h.replay()["decisions_sha256"] == wanted
