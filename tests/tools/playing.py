"""What the parity tests share: events as lines, the real server, the player, the one hash.

The player is build/tests/tools/player, or ASSAY_PLAYER."""

import csv
import json
import mmap
import os
import pathlib
import re
import signal
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?$")
PLAYER_DIED, PLAYER_REFUSED = 3, 4


def player():
    path = pathlib.Path(os.environ.get("ASSAY_PLAYER", ROOT / "build" / "tests" / "tools" / "player"))
    assert path.exists(), f"no player at {path}: ninja -C build test-tools"
    return path


def ndjson_of(csv_path, path):
    """Cells go over as they stand: digits as numbers, everything else as text."""
    with open(csv_path, newline="", encoding="utf-8") as source, open(path, "w", encoding="utf-8") as out:
        rows = csv.reader(source)
        names = [json.dumps(name) + ":" for name in next(rows)]
        for row in rows:
            cells = (n + (v if NUMBER.match(v) else json.dumps(v)) for n, v in zip(names, row) if v)
            out.write("{" + ",".join(cells) + "}\n")
    return path


def split(csv_path, folder, **parts):
    """split(all, folder, history=1000, rest=None): files with a header each, in order; the last one has
    what is left."""
    made = {}
    with open(csv_path, encoding="utf-8") as source:
        header = next(source)
        for name, rows in parts.items():
            made[name] = folder / f"{name}.csv"
            with open(made[name], "w", encoding="utf-8") as out:
                out.write(header)
                for i, line in enumerate(source, 1):
                    out.write(line)
                    if i == rows:
                        break
    return made


def joined(path, *parts):
    with open(path, "w", encoding="utf-8") as out:
        for i, part in enumerate(parts):
            with open(part, encoding="utf-8") as source:
                header = next(source)
                out.write(header if i == 0 else "")
                out.writelines(source)
    return path


def lines_of(path):
    with open(path, "rb") as f:
        return sum(1 for _ in f)


class Home:
    """A settings file and a data directory, and the commands over them."""

    def __init__(self, binary, settings, data, *sets, env=None, cpus=None):
        self.binary, self.settings, self.data = binary, settings, data
        self.sets = sets
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("ASSAY_")}
        self.env.update(env or {})
        self.cpus = cpus

    def with_(self, *sets, settings=None, env=None, cpus=None):
        other = Home(self.binary, settings or self.settings, self.data, *self.sets, *sets, cpus=cpus or self.cpus)
        other.env = {**self.env, **(env or {})}
        return other

    def command(self, *arguments):
        sets = [f"data_directory={self.data}", *self.sets]
        return [self.binary, "-c", self.settings, *(w for s in sets for w in ("--set", s)), *map(str, arguments)]

    def popen(self, *arguments, **options):
        return subprocess.Popen(
            self.command(*arguments),
            env=self.env,
            preexec_fn=(lambda: os.sched_setaffinity(0, self.cpus)) if self.cpus else None,
            **options,
        )

    def run(self, *arguments, code=0):
        process = self.popen(*arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        out, err = process.communicate()
        assert process.returncode == code, f"{arguments}: exit {process.returncode}\n{out[-2000:]}\n{err[-2000:]}"
        return out

    def score(self, events, after=None):
        out = self.data.parent / f"{self.data.name}.scores.csv"
        more = ["--after", after] if after else []
        return json.loads(self.run("score", events, *more, "-o", out, "--json"))["decisions_sha256"]

    def replay(self):
        """The logged decisions again: all equal to the bit."""
        r = json.loads(self.run("replay", "--json"))
        assert r["different"] == 0 and r["equal"] == r["decisions"]
        return r

    def verify(self):
        return json.loads(self.run("log", "verify", "--json"))

    def decisions(self):
        """The log's decisions, in order."""
        process = self.popen("log", "export", stdout=subprocess.PIPE, text=True)
        for line in process.stdout:
            record = json.loads(line)
            if record["kind"] == "decision":
                yield record
        assert process.wait() == 0

    @property
    def snapshots(self):
        return sorted((self.data / "shard-0" / "snapshots").iterdir())


class Server:
    def __init__(self, home, *arguments, wait=True):
        self.home = home
        self.errors = open(home.data.parent / f"{home.data.name}.err", "a+")
        self.process = home.popen(
            "serve", "--port", "0", "--json", "-q", *arguments, stdout=subprocess.PIPE, stderr=self.errors, text=True
        )
        if wait:
            self.wait()

    def wait(self):
        line = self.process.stdout.readline()
        assert line, f"assay serve ended: {self.words()}"
        self.started = json.loads(line)
        assert "port" in self.started, line
        self.port = self.started["port"]

    def words(self):
        self.errors.seek(0)
        return self.errors.read()[-2000:]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def _ended(self):
        self.process.wait()
        self.process.stdout.close()
        self.errors.close()

    def stop(self):
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
            code = self.process.wait()
            words = self.words()
            self._ended()
            assert code == 0, words

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self._ended()

    def player(self, lines, start=0, count=-1, batch=0, answers=None):
        more = ["--answers", answers] if answers else []
        return subprocess.Popen(
            [player(), "--port", str(self.port), "--from", str(start), "--count", str(count), "--batch", str(batch)]
            + [*more, lines],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def play(self, *arguments, **options):
        """All of them answered; how many, and in what time."""
        p = self.player(*arguments, **options)
        out, err = p.communicate()
        assert p.returncode == 0, f"player: exit {p.returncode} {err} {self.words()}"
        return json.loads(out)


def play_through_kills(
    home, rng, lines, start, end, kills, answers=None, batch=lambda: 0, first=(), life_s=60
):
    """Lines [start, end) with that many kill -9 at random moments, some of them during recovery; then the
    rest, and a proper end. `batch` says how each life plays; `life_s` is the longest. Returns what was
    done."""
    done = {"kills": 0, "kills_in_recovery": 0, "kills_in_play": 0, "restart_s": 0.0}
    speed = {}  # lines/s, by batch
    at = start
    while kills > 0:
        begun = time.monotonic()
        server = Server(home, *first, wait=False)
        kills -= 1
        done["kills"] += 1
        if at > start and rng.random() < 0.1:
            time.sleep(rng.random() * 0.05)
            server.kill()
            done["kills_in_recovery"] += 1
            continue
        server.wait()
        done["restart_s"] += time.monotonic() - begun
        share = (end - at) / (kills + 1)
        size = batch()
        p = server.player(lines, at, max(1, min(int(share * 2), end - at - 1)), size, answers)
        time.sleep(rng.random() * min(2 * share / speed.get(size, 2000.0), life_s))
        done["kills_in_play"] += p.poll() is None
        server.kill()
        out, err = p.communicate()
        assert p.returncode in (0, PLAYER_DIED), err
        played = json.loads(out)
        at += played["answered"]
        if played["answered"] > 100:
            speed[size] = played["answered"] / played["seconds"]
    with Server(home, *first) as server:
        server.play(lines, at, end - at, batch(), answers)
    return done


def same_as_answered(home, answers):
    """Every answer that was given is in the log, as it was given; and no id is decided twice."""
    logged = {}
    for r in home.decisions():
        assert r["id"] not in logged, r["id"]
        logged[r["id"]] = r
    with open(answers, encoding="utf-8") as f:
        count = 0
        for count, line in enumerate(f, 1):
            a = json.loads(line)
            r = logged[a["id"]]
            for key in ("seq", "score", "outcome", "level", "probability"):
                assert a[key] == r[key], (a, r)
    return count


class Faults:
    """A machine that misbehaves as told, while the server runs (tests/tools/faults.c): Home(env=faults.env)."""

    FIELDS = ["clock_us", "sync_delay_us", "sync_nth", "sync_lasts", "write_delay_us", "write_fails", "error", "struck"]
    PATH_AT, PATH_BYTES = 8 * len(FIELDS), 192

    def __init__(self, file):
        file.write_bytes(bytes(self.PATH_AT + self.PATH_BYTES))
        with open(file, "r+b") as f:
            self.map = mmap.mmap(f.fileno(), 0)
        library = player().parent / "libfaults.so"
        assert library.exists(), f"no {library}: ninja -C build test-tools"
        self.env = {"LD_PRELOAD": str(library), "FAULTS": str(file)}

    def set(self, path=None, **fields):
        for name, value in fields.items():
            at = 8 * self.FIELDS.index(name)
            self.map[at : at + 8] = int(value).to_bytes(8, "little", signed=True)
        if path is not None:
            self.map[self.PATH_AT : self.PATH_AT + self.PATH_BYTES] = path.encode().ljust(self.PATH_BYTES, b"\0")

    def clear(self):
        self.set(path="", **{name: 0 for name in self.FIELDS})

    @property
    def struck(self):
        at = 8 * self.FIELDS.index("struck")
        return int.from_bytes(self.map[at : at + 8], "little")
