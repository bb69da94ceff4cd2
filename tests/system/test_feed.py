"""Files larger than the memory they may take: same events, same order, same bits, bounded, clean afterwards.

With `--memory 1MiB` no file is held: not even one frame of its rows fits.
"""

import datetime
import os
import random
import resource
import signal
import subprocess
import time

import pytest

SETTINGS = """\
sources:
  transactions: {file: t.csv}
  customers: {file: customers.csv, key: customer}
event: {id: id, time: at, amount: amount, label: {field: fraud, delay: 1d, absent: legit}}
entities: {customer: customer, shop: shop}
features:
  amount: amount
  town: customers.town
  n_1d: count() by customer over 1d
  mean_7d: mean(amount) by shop over 7d
  risk: mean(label) by shop over 7d delay 1d
  gap: hours(at - prev(at) by customer)
  word: note
model: {kind: logistic, validate: {by: time, share: 0.3, gap: 1h}}
outcomes: [approve, review]
decision: {review: 500}
"""
HEAD = "id,at,customer,shop,amount,note,fraud"
START = datetime.datetime(2024, 1, 1)


def event(rng, i, second):
    at = (START + datetime.timedelta(seconds=second)).isoformat()
    note = rng.choice(["", "plain", '"a, b"', "x" * rng.randrange(40)])
    fraud = "" if rng.random() < 0.02 else int(rng.random() < 0.1)
    return f"{i},{at},c{rng.randrange(300)},s{rng.randrange(40)},{rng.randrange(10**6) / 100:.2f},{note},{fraud}"


def make(write, rows, kind):
    """In order of time, or out of it from one row on, with repeated and conflicting ids; ties in either."""
    rng = random.Random(kind)
    events = [event(rng, i, i * 20 // 3 * 3) for i in range(rows)]
    if kind != "ordered":
        broken = rows // 3
        tail = events[broken:]
        rng.shuffle(tail)
        events = events[:broken] + tail
    for _ in range(rows // 200):  # again, and again with another shop
        at = rng.randrange(len(events))
        twin = events[at].split(",")
        twin[3] = "s0"
        to = at + 1 if kind == "ordered" else rng.randrange(len(events))
        events[to:to] = [events[at], ",".join(twin)]
    write("customers.csv", "customer,town\n" + "".join(f"c{i},town {i % 7}\n" for i in range(300)))
    write("assay.yaml", SETTINGS)
    return write("t.csv", HEAD + "\n" + "\n".join(events) + "\n")


@pytest.mark.parametrize("kind", ["ordered", "broken"])
def test_more_than_memory_gives_the_same(run, write, tmp_path, kind):
    make(write, 70000, kind)
    spilled = tmp_path / "spilled"
    spilled.mkdir()
    told = []
    for name, options in (("held", []), ("bounded", ["--memory", "1MiB"])):
        r = run("features", "-o", f"{name}.csv", "--json", *options, env={"TMPDIR": str(spilled)})
        assert r.exit == 0, r
        told.append(r.json())
    assert (tmp_path / "held.csv").read_bytes() == (tmp_path / "bounded.csv").read_bytes()
    assert list(spilled.iterdir()) == []
    held, bounded = told
    assert held["repeated"] > 300 and held["conflicting"] > 300
    assert held.pop("spilled_bytes") == 0
    of_ids = 72 * 71000  # of an ordered file only ids are spilled, in 68 bytes or less each
    assert 0 < bounded["spilled_bytes"] and (bounded.pop("spilled_bytes") > of_ids) == (kind == "broken")
    assert held == bounded


def test_the_model_is_the_same(run, write, tmp_path):
    make(write, 6000, "broken")
    models = []
    for name, options in (("held", []), ("bounded", ["--memory", "1MiB"])):
        r = run("train", "--json", "--set", f"data_directory={name}", *options)
        assert r.exit == 0, r
        models.append((tmp_path / r.json()["model"]["path"]).read_bytes())
    assert models[0] == models[1]


def test_a_full_disk_is_told(binary, write, tmp_path):
    make(write, 80000, "broken")

    def small_files():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4 << 20, 4 << 20))

    r = subprocess.run(
        [binary, "features", "-o", "f.csv", "--memory", "1MiB"],
        cwd=tmp_path,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        preexec_fn=small_files,
        capture_output=True,
        text=True,
    )
    assert r.returncode != 0
    assert "temporary file in " + str(tmp_path) in r.stderr and "TMPDIR" in r.stderr, r.stderr
    assert not (tmp_path / "f.csv").exists() and not (tmp_path / "f.csv.part").exists()


def test_interrupt_leaves_nothing(binary, write, tmp_path):
    make(write, 80000, "broken")
    spilled = tmp_path / "spilled"
    spilled.mkdir()
    p = subprocess.Popen(
        [binary, "features", "-o", "f.csv", "--memory", "1MiB"],
        cwd=tmp_path,
        env={**os.environ, "TMPDIR": str(spilled)},
        stderr=subprocess.PIPE,
        text=True,
    )
    time.sleep(0.1)
    p.send_signal(signal.SIGINT)
    words = p.communicate()[1]
    assert p.returncode != 0 and "stopped" in words, words
    assert list(spilled.iterdir()) == []
    assert not (tmp_path / "f.csv").exists() and not (tmp_path / "f.csv.part").exists()


def test_history_is_the_same(binary, run, write, tmp_path):
    """The import of a served shard goes through the same feed."""
    make(write, 70000, "broken")
    told = []
    for name, options in (("held", []), ("bounded", ["--memory", "1MiB"])):
        folder = f"data_directory={name}"
        p = subprocess.Popen(
            [binary, "serve", "--port", "0", "--json", "--set", folder, "--set", "model.kind=none", *options],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert p.stdout.readline()
        p.send_signal(signal.SIGTERM)
        assert p.wait() == 0
        r = run("log", "verify", "--json", "--set", folder)
        assert r.exit == 0, r
        told.append(r.json()["records"])
    assert told[0] == told[1] > 70000
