"""The many forms of tests/system/test_faults and test_crash: a hundred kills under load, every harm to the store, twenty
good and bad reloads."""

import json
import pathlib
import random
import sys
import time

import pytest

tests = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(tests / "tools"), str(tests / "system")]
import test_crash  # noqa: E402
import test_faults  # noqa: E402
from playing import Home, Server, same_as_answered  # noqa: E402
from test_faults import events, faults, home  # noqa: E402, F401

KILLS, LINES = 100, test_faults.EVENTS


def test_a_hundred_kills_under_load(binary, home, events, tmp_path):  # noqa: F811
    """Six connections at once, and a snapshot a second; each connection goes on where its own answers end."""
    h = home.with_("snapshot.every=1s")
    share, rng = LINES // 6, random.Random(17)
    at = [i * share for i in range(6)]
    for life in range(KILLS + 1):
        server = Server(h, "--no-history")
        left = KILLS - life
        counts = [
            (i + 1) * share - at[i] if left == 0 else min(max(1, 2 * ((i + 1) * share - at[i]) // (left + 1)), (i + 1) * share - at[i])
            for i in range(6)
        ]
        players = [
            server.player(events, at[i], counts[i], [0, 0, 0, 0, 1, 16][i], answers=tmp_path / f"answers-{i}") for i in range(6)
        ]
        if left == 0:
            played = [test_crash.unfinished(p) for p in players]
            server.stop()
        else:
            time.sleep(rng.random() * 0.15)
            server.kill()
            played = [test_crash.unfinished(p) for p in players]
        at = [a + n for a, n in zip(at, played)]
    assert at == [(i + 1) * share for i in range(6)]
    assert sum(same_as_answered(h, tmp_path / f"answers-{i}") for i in range(6)) >= 6 * share
    assert h.verify()["whole"] and h.replay()["decisions"] == 6 * share


@pytest.mark.parametrize("harm", test_faults.HARMS)
def test_every_harm_to_the_store(home, events, tmp_path, harm):  # noqa: F811
    test_faults.test_a_store_that_is_lost_is_made_anew_while_decisions_go_on(home, events, tmp_path, harm, half=4000)


def test_a_failed_sync_under_batches(home, events, faults, tmp_path):  # noqa: F811
    test_faults.test_a_failed_sync_stops_the_shard_and_only_recovery_starts_it(home, events, faults, tmp_path, batch=100)


def test_snapshots_that_cannot_be_synced(home, events, faults, tmp_path):  # noqa: F811
    test_faults.test_snapshots_that_fail_are_told_and_decisions_go_on(home, events, faults, tmp_path, test_faults.NO_SYNC)


@pytest.mark.parametrize("harm", ["cut"])
def test_a_log_without_its_zeros(home, events, tmp_path, harm):  # noqa: F811
    test_faults.test_a_torn_end_of_the_log_is_cut(home, events, tmp_path, harm)


def test_empty_snapshots(home, events):  # noqa: F811
    test_faults.test_half_written_snapshots_are_passed_over(home, events, "empty")


def test_twenty_good_and_bad_reloads(home, events, tmp_path):  # noqa: F811
    test_faults.test_good_and_bad_settings_under_load(home, events, tmp_path, turns=20, share=4000)


def test_a_sync_that_fails_at_every_place(home, events, faults, tmp_path):  # noqa: F811
    """The n-th sync of the shard's files, the log's, the directory's and the snapshots', one after the other."""
    answers, at = tmp_path / "answers", 0
    h = home.with_("snapshot.every=1s")
    for n in range(1, 25):
        server = Server(h, "--no-history")
        faults.set(path="shard-0", sync_nth=n, error=5)
        p = server.player(events, at, 100, answers=answers)
        out, err = p.communicate()
        assert p.returncode in (0, 4), err
        at += json.loads(out)["answered"]
        server.kill()
        faults.clear()
    assert same_as_answered(h, answers) == at > 100
    assert h.verify()["whole"] and h.replay()["different"] == 0
