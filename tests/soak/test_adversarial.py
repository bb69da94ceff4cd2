"""tests/system/test_adversarial.py over many seeds, longer streams and more kills, and with files and replays by a
build without optimisation (build-O0, made here and kept) beside.

ASSAY_SOAK_SEEDS says how many seeds; the figures are in build/soak-adversarial.json."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "tools"))
from adversarial import World, processors  # noqa: E402

SEEDS = int(os.environ.get("ASSAY_SOAK_SEEDS", "25"))
EVENTS = 1200


@pytest.fixture(scope="module")
def unoptimised():
    tree = ROOT / "build-O0"
    if not (tree / "build.ninja").exists():
        subprocess.run(["meson", "setup", tree, "-Doptimization=0"], cwd=ROOT, check=True, capture_output=True)
    subprocess.run(["ninja", "-C", tree, "assay"], check=True, capture_output=True)
    options = json.loads(subprocess.run(["meson", "introspect", tree, "--buildoptions"], check=True, capture_output=True).stdout)
    assert next(o["value"] for o in options if o["name"] == "optimization") == "0"
    return tree / "assay"


@pytest.fixture(scope="module")
def figures():
    made = {"seeds": 0, "files": 0, "replays": 0, "services": 0, "kills": 0, "decisions": 0}
    begun = time.monotonic()
    yield made
    made["seconds"] = round(time.monotonic() - begun, 1)
    (ROOT / "build" / "soak-adversarial.json").write_text(json.dumps(made, indent=1) + "\n")
    print(f"\n{made}", flush=True)


@pytest.mark.parametrize("seed", range(100, 100 + SEEDS))
def test_one_hash(binary, tmp_path, unoptimised, figures, seed):
    world = World(binary, tmp_path / "world", seed, EVENTS)
    everywhere = processors() + processors(unoptimised)
    wanted = world.file_hashes()
    for p in everywhere:
        assert world.file_hashes(p) == wanted, p
        figures["files"] += 1
    for name, operations in (("ordered", world.ordered), ("live", world.live)):
        one = world.path(f"{name}-one", threads=1, restarts=True).play(operations)
        batched = world.path(f"{name}-batched", threads=2, most=400).play(operations)
        killed = world.path(f"{name}-killed", threads=2, most=50, kills=0.12).play(operations)
        slow = world.path(f"{name}-O0", threads=2, most=50, binary=unoptimised).play(operations)
        for path in (one, batched, killed, slow):
            assert name == "live" or path.hashes == wanted
            assert path.hashes == one.hashes and path.answers == one.answers
            figures["services"] += 1
            figures["decisions"] += path.replayed["decisions"]
        assert killed.killed > 0
        figures["kills"] += killed.killed
        for p in everywhere:
            assert p.of(killed.home).replay()["segments"] == killed.replayed["segments"], p
            figures["replays"] += 1
    figures["seeds"] += 1
    shutil.rmtree(tmp_path)
