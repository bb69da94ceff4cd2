"""One hash for file = HTTP one by one = HTTP batched = replay = restored after 100 random kill -9, over all
1,754,155 events of the Handbook data, with a change of plan in the middle.

Without history: the state starts empty, and everything is played. Each step prints what it took; the
figures are also in build/soak.json."""

import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "tools"))
from playing import Home, Server, ndjson_of, play_through_kills, split  # noqa: E402

SEED = int(os.environ.get("ASSAY_SOAK_SEED", "1754155"))
KILLS = 100
BATCH = 1000
OTHER_PLAN = (
    ("\nmodel:\n", "\n  spree: count() by customer over 3h\nrules:\n  SPREE: {when: spree >= 4, then: review}\nmodel:\n"),
    ("decision: {challenge: 200, review: 500, decline: 900,", "decision: {challenge: 100, review: 300, decline: 700,"),
)


class Soak:
    def __init__(self, binary, folder, data):
        self.binary, self.folder, self.figures = binary, folder, {}
        self.plan_a, self.plan_b = folder / "a.yaml", folder / "b.yaml"
        text = (ROOT / "examples" / "handbook" / "assay.yaml").read_text()
        self.plan_a.write_text(text)
        for old, new in OTHER_PLAN:
            assert old in text
            text = text.replace(old, new)
        self.plan_b.write_text(text)
        self.env = {"ASSAY_DATA": str(data)}
        everything = folder / "all.csv"
        with open(everything, "wb") as out:
            subprocess.run(["zstd", "-dc", data / "handbook" / "transactions.csv.zst"], stdout=out, check=True)
        with open(everything, "rb") as f:
            self.events = sum(1 for _ in f) - 1
        self.half = self.events // 2
        parts = split(everything, folder, first=self.half, second=None)
        self.first, self.second = parts["first"], parts["second"]
        self.lines = ndjson_of(everything, folder / "all.ndjson")
        everything.unlink()
        self.trained = Home(binary, self.plan_a, folder / "trained", env=self.env)
        with self.took("train"):
            self.trained.run("train", "-q")
        with self.took("score both halves"):
            self.wanted = self.score(self.trained)

    def score(self, home):
        """The hash of each half: the first under plan A, the second under plan B."""
        return [
            (self.half, home.score(self.first)),
            (self.events - self.half, home.with_(settings=self.plan_b).score(self.second, self.first)),
        ]

    def took(self, what):
        return Took(self, what)

    def home(self, name, *sets, **options):
        data = self.folder / name
        shutil.copytree(self.trained.data / "models", data / "models")
        return Home(self.binary, self.plan_a, data, *sets, **{"env": self.env, **options})

    def holds(self, home):
        r = home.with_(settings=self.plan_b).replay()
        assert [(s["decisions"], s["sha256"]) for s in r["segments"]] == self.wanted
        assert home.verify()["whole"]
        return r["decisions_sha256"]


class Took:
    def __init__(self, soak, what):
        self.soak, self.what = soak, what

    def __enter__(self):
        self.begun = time.monotonic()

    def __exit__(self, kind, *_):
        if kind is None:
            self.soak.figures[self.what] = round(time.monotonic() - self.begun, 1)
            print(f"\n{self.what}: {self.soak.figures[self.what]} s", end="", flush=True)
            (ROOT / "build" / "soak.json").write_text(json.dumps(self.soak.figures, indent=1) + "\n")


@pytest.fixture(scope="module")
def soak(binary, tmp_path_factory, data):
    if not (data / "handbook" / "transactions.csv.zst").exists():
        pytest.skip(f"no Handbook data in {data}")
    folder = tmp_path_factory.mktemp("soak")
    made = Soak(binary, folder, data)
    made.figures.update(events=made.events, seed=SEED, halves=[sha for _, sha in made.wanted])
    yield made
    shutil.rmtree(folder, ignore_errors=True)


def simd_levels():
    words = pathlib.Path("/proc/cpuinfo").read_text()
    return ["scalar"] + [s for s, flag in (("avx2", " avx2 "), ("avx512", " avx512bw ")) if flag in words]


@pytest.mark.parametrize("simd, cpus", [(s, c) for s in simd_levels() for c in (1, 2)])
def test_file(soak, simd, cpus):
    some = set(sorted(os.sched_getaffinity(0))[:cpus])
    with soak.took(f"score, {simd}, {cpus} processors"):
        assert soak.score(soak.trained.with_(env={"ASSAY_SIMD": simd}, cpus=some)) == soak.wanted


def test_batched_and_replayed(soak):
    h = soak.home("batched")
    with soak.took("batched, synced"):
        with Server(h, "--no-history") as server:
            server.play(soak.lines, 0, soak.half, batch=BATCH)
        with Server(h.with_(settings=soak.plan_b)) as server:
            server.play(soak.lines, soak.half, batch=BATCH)
    for simd in simd_levels():
        with soak.took(f"replay and verify, {simd}"):
            soak.figures["decisions_sha256"] = soak.holds(h.with_(env={"ASSAY_SIMD": simd}))
    for snapshot in h.snapshots:
        snapshot.unlink()
    with soak.took("restart from the log alone"):
        Server(h.with_(settings=soak.plan_b)).stop()
    with soak.took("restart from a snapshot"):
        Server(h.with_(settings=soak.plan_b)).stop()
    shutil.rmtree(h.data)


def test_killed_a_hundred_times(soak):
    """Synced. Most lives play batches, for speed; one in five plays one by one."""
    h = soak.home("killed", "snapshot.every=3s")
    rng = random.Random(SEED)
    done = []
    with soak.took("killed"):
        for home, start, end in (
            (h, 0, soak.half),
            (h.with_(settings=soak.plan_b), soak.half, soak.events),
        ):
            done.append(
                play_through_kills(
                    home,
                    rng,
                    soak.lines,
                    start,
                    end,
                    kills=KILLS // 2,
                    batch=lambda: rng.choice([0, 16, 256, 256, 1000]),
                    first=["--no-history"] if start == 0 else [],
                    life_s=2,
                )
            )
    soak.figures["kills"] = done
    print(f"\n{done}", end="", flush=True)
    assert sum(d["kills"] for d in done) == KILLS
    assert soak.holds(h)
    shutil.rmtree(h.data)


def test_one_by_one(soak):
    """Each event is answered before the next one is sent; not synced, for speed (the test above is)."""
    h = soak.home("one", "log.sync=false")
    with soak.took("one by one, not synced"):
        with Server(h, "--no-history") as server:
            server.play(soak.lines, 0, soak.half)
        with Server(h.with_(settings=soak.plan_b)) as server:
            server.play(soak.lines, soak.half)
    soak.holds(h)
    shutil.rmtree(h.data)
