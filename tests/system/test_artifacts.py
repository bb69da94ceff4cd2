"""Models that several machines share: in a directory, and in an S3 of the tests' own that checks each signature
(tests/tools/s3.py). Real servers are asked in tests/integration."""

import hashlib
import json
import pathlib
import shutil
import subprocess
import sys
import threading

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "tools"))
import s3 as s3_server  # noqa: E402
from playing import Home, Server  # noqa: E402

SUITE = ROOT / "build" / "tests" / "tools" / "artifacts"
KEYS = {"AWS_ACCESS_KEY_ID": s3_server.ACCESS, "AWS_SECRET_ACCESS_KEY": s3_server.SECRET, "AWS_REGION": "eu-west-1"}
SETTINGS = """\
name: cards
sources: {{transactions: {events}}}
event: {{id: transaction_id, time: timestamp, amount: amount, label: {{field: is_fraud, delay: 3d}}}}
entities: {{terminal: terminal_id}}
features: {{sum: amount, risk_7d: "coalesce(mean(label) by terminal over 7d delay 3d, 0)"}}
model: {{kind: logistic, seed: {seed}}}
registry: {registry}
"""


@pytest.fixture
def s3():
    with s3_server.S3() as server:
        yield server
        # What is signed wrongly is refused by name: no test but those that want it may see that.
        assert not {"SignatureDoesNotMatch", "XAmzContentSHA256Mismatch"} & set(server.problems), server.problems


@pytest.fixture(scope="module")
def events(binary, tmp_path_factory):
    path = tmp_path_factory.mktemp("cards") / "t.csv"
    subprocess.run([binary, "generate", "--rows", "8000", "--days", "60", "-o", path], check=True, capture_output=True)
    return path


@pytest.fixture
def machine(binary, tmp_path, events, s3):
    """machine("a"): a machine with a data directory of its own."""

    def call(name, registry=None, seed=1, env=None):
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        shared = registry or f"{{artifacts: 's3://models/team/a', endpoint: '{s3.endpoint}'}}"
        (folder / "assay.yaml").write_text(SETTINGS.format(events=events, seed=seed, registry=shared))
        return Machine(binary, folder, env=env)

    return call


class Machine(Home):
    def __init__(self, binary, folder, env=None):
        super().__init__(binary, folder / "assay.yaml", folder / "data", env={**KEYS, **(env or {})})
        self.events = None

    def fails(self, *arguments, code):
        p = self.popen(*arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        out, err = p.communicate()
        assert p.returncode == code, (out, err)
        assert s3_server.SECRET not in out + err
        return err

    def train(self, *more):
        return json.loads(self.run("train", "--json", "--force", *more))

    def models(self):
        return {m["id"]: m["aliases"] for m in json.loads(self.run("model", "list", "--json"))["models"]}


# ---- the suite of all kinds ----

def suite(*arguments, env=None):
    done = subprocess.run([SUITE, *arguments], capture_output=True, text=True, env={**KEYS, **(env or {})})
    assert done.returncode == 0, done.stderr


def test_the_verifier_agrees_with_the_published_example():
    """GET Object of "Authenticating Requests: Using the Authorization Header" in the S3 reference."""
    empty = hashlib.sha256(b"").hexdigest()
    headers = {"host": "examplebucket.s3.amazonaws.com", "range": "bytes=0-9", "x-amz-content-sha256": empty,
               "x-amz-date": "20130524T000000Z"}
    assert s3_server.signature(
        "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "GET", "/test.txt", "", headers, sorted(headers), empty,
        "20130524/us-east-1/s3/aws4_request",
    ) == "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"


def test_a_directory_holds_the_suite(tmp_path):
    suite(tmp_path / "shared")


@pytest.mark.parametrize("style", ["path", "host"])
def test_s3_holds_the_suite(s3, style):
    suite("s3://models/some/prefix", s3.endpoint, "eu-west-1", style)
    assert s3.objects == {} and set(s3.problems) <= {"NoSuchKey", "PreconditionFailed"}


def test_s3_without_a_prefix_and_with_odd_characters_in_it(s3):
    suite("s3://models", s3.endpoint, "eu-west-1")
    suite("s3://models/it's a+b/ä&~=%20", s3.endpoint, "eu-west-1")


def test_a_session_token_is_signed():
    with s3_server.S3(token="FwoGZXIvYXdz//+tok==") as s3:
        suite("s3://models/p", s3.endpoint, "eu-west-1", env={"AWS_SESSION_TOKEN": s3.token})


def test_a_service_that_knows_no_conditions_is_looked_at_before():
    with s3_server.S3(conditions=False) as s3:
        suite("s3://models/p", s3.endpoint, "eu-west-1")


def test_the_suite_passes_while_requests_fail_now_and_then(s3):
    for how in (500, "drop"):
        for method in ("GET", "HEAD", "PUT", "DELETE"):
            s3.fail(how, 1, method)
    s3.fail(503, 2)
    suite("s3://models/p", s3.endpoint, "eu-west-1")
    assert s3.faults == []


def test_a_put_whose_answer_is_lost_is_recognised(s3):
    s3.fail("late", 2, "PUT", "c/x")
    suite("s3://models/p", s3.endpoint, "eu-west-1")
    assert s3.faults == []


# ---- machines that share ----

@pytest.mark.parametrize("kind", ["directory", "s3"])
def test_what_one_machine_trains_another_serves(machine, tmp_path, s3, events, kind):
    shared = "{artifacts: ../shared}" if kind == "directory" else None
    a, b = machine("a", shared), machine("b", shared)
    a.train()
    want = a.score(events)
    assert b.score(events) == want  # it has no model of its own
    path = b.data / "models" / "model" / "1.0.0"
    manifest = json.loads((path / "manifest.json").read_text())
    for file in manifest["files"]:
        assert hashlib.sha256((path / file["name"]).read_bytes()).hexdigest() == file["sha256"]

    b.run("train", "--force", "--set", "model.features=[sum]")
    assert set(a.models()) == {"model@1.0.0", "model@2.0.0"}
    assert a.models()["model@2.0.0"] == ["champion"]
    assert a.score(events) != want
    a.run("model", "rollback")
    assert b.models()["model@1.0.0"] == ["champion"]
    assert b.score(events) == want
    history = json.loads(b.run("model", "show", "model@1.0.0", "--json"))["history"]
    assert [h["action"] for h in history] == ["promote", "rollback"]


def test_many_machines_promote_at_once_and_nothing_is_lost(machine, s3):
    a = machine("a")
    a.train()
    others = [machine(f"m{i}") for i in range(4)]
    for m in others:
        m.run("model", "pull")
    roles = ["challenger", "shadow", "challenger", "shadow"]
    threads = [threading.Thread(target=m.run, args=("model", "promote", "model", "--as", role))
               for m, role in zip(others, roles)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    line, *history = s3.objects["team/a/aliases.ndjson"].decode().splitlines()
    state = json.loads(line)
    assert state["champion"] == state["challenger"] == state["shadow"] == "model@1.0.0"
    assert state["history_bytes"] == sum(len(h) + 1 for h in history)
    assert {json.loads(h)["as"] for h in history} == {"champion", "challenger", "shadow"}


def test_two_that_train_at_once_get_different_numbers(machine, s3):
    machines = [machine(f"m{i}", seed=i + 1) for i in range(3)]
    for i, m in enumerate(machines):  # other data, so other bytes
        m.sets = (f"model.logistic.l2={i + 1}",)
    threads = [threading.Thread(target=m.train) for m in machines]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    models = machines[0].models()
    assert len(models) == 3 and sum("champion" in a for a in models.values()) == 1
    for key, body in s3.objects.items():
        if key.endswith("manifest.json"):
            for file in json.loads(body)["files"]:
                there = s3.objects[key.replace("manifest.json", file["name"])]
                assert hashlib.sha256(there).hexdigest() == file["sha256"]


def test_what_was_here_before_sharing_is_pushed(machine, s3, events):
    a = machine("a", registry="{}")
    a.train()
    want = a.score(events)
    a = machine("a")
    assert json.loads(a.run("model", "push", "--json")) == {"pushed": ["model@1.0.0"]}
    assert json.loads(a.run("model", "push", "--json")) == {"pushed": []}
    assert machine("b").score(events) == want
    c = machine("c", registry="{}", seed=9)
    c.run("train", "--force", "--set", "model.features=[sum]")
    c = machine("c")
    assert "another model" in c.fails("model", "pull", code=1)


# ---- faults ----

def test_away_the_cached_models_go_on_with_a_warning(machine, s3, events):
    a = machine("a")
    a.train()
    want = a.score(events)
    s3.fail("drop", 1000)
    p = a.popen("score", events, "-o", a.data.parent / "o.csv", "--json", stdout=subprocess.PIPE,
                stderr=subprocess.PIPE, text=True)
    out, err = p.communicate()
    assert p.returncode == 0 and json.loads(out)["decisions_sha256"] == want
    assert "registry.endpoint" in err and "has of before" in err
    assert "nothing was trained" in a.fails("train", code=3)
    assert "no champion" in machine("b").fails("score", events, "-o", "-", code=3)
    with Server(a) as server:
        assert "registry: " in server.words()


def test_away_a_worker_of_a_topic_says_so(machine, s3, kafka, topic):
    a, name = machine("a"), topic()
    a.train()
    s3.fail("drop", 1000)
    p = a.popen("stream", "--once", "--json", "--set", f"kafka.brokers={kafka.brokers}", "--set", f"stream.topic={name}",
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    out, err = p.communicate(timeout=60)
    assert p.returncode == 0 and json.loads(out)["decisions"] == 0, err
    assert "registry.endpoint" in err and "has of before" in err


def test_lost_at_the_end_of_a_training_the_model_is_kept_and_pushed_later(machine, s3):
    a = machine("a")
    s3.denied = {"PUT"}
    words = a.fails("train", "--force", code=3)
    assert "AccessDenied" in words and "assay model push" in words
    s3.denied = set()
    assert json.loads(a.run("model", "push", "--json")) == {"pushed": ["model@1.0.0"]}
    a.run("model", "promote", "model", "--force")
    assert machine("b").models() == {"model@1.0.0": ["champion"]}


def test_damage_is_found_named_and_mended(machine, s3, events):
    a = machine("a")
    a.train()
    good = s3.objects["team/a/model/1.0.0/model"]
    s3.objects["team/a/model/1.0.0/model"] = good[:-1] + bytes([good[-1] ^ 1])
    words = machine("b").fails("score", events, "-o", "-", code=1)
    assert "model/1.0.0/model is damaged" in words and "assay model push" in words
    assert not (machine("b").data / "models" / "model").exists() or not list(
        (machine("b").data / "models" / "model").iterdir())
    a.run("model", "push", "model")
    assert s3.objects["team/a/model/1.0.0/model"] == good
    machine("b").score(events)
    del s3.objects["team/a/model/1.0.0/lineage.json"]
    assert "not there" in machine("c").fails("score", events, "-o", "-", code=1)
    # A damaged cache is fetched again.
    cached = machine("b").data / "models" / "model" / "1.0.0" / "model"
    cached.write_bytes(b"x" + good[1:])
    machine("b").score(events)
    assert cached.read_bytes() == good
    s3.objects["team/a/aliases.ndjson"] = b"{}\n"
    assert "aliases.ndjson is damaged" in machine("b").fails("score", events, "-o", "-", code=1)


@pytest.mark.parametrize("what, words", [
    ({"AWS_SECRET_ACCESS_KEY": "wrong"}, "SignatureDoesNotMatch"),
    ({"AWS_ACCESS_KEY_ID": "wrong"}, "does not know this access key"),
    ({"AWS_SESSION_TOKEN": "wrong"}, "InvalidToken"),
    ({"AWS_REGION": "us-west-2"}, "registry.region: eu-west-1"),
    ({"AWS_REGION": "a:b"}, "cannot be a region"),
    ({"AWS_ACCESS_KEY_ID": ""}, "set AWS_ACCESS_KEY_ID"),
    ({"AWS_SECRET_ACCESS_KEY": "a\nb"}, "control character"),
])
def test_a_refusal_says_what_to_do(machine, s3, what, words):
    m = machine("a", env=what)
    assert words in m.fails("model", "pull", code=1 if "cannot" in words or "set AWS" in words or "control" in words else 3)
    s3.problems.clear()


def test_clock_bucket_and_rights_are_told_apart(machine, s3):
    import datetime
    a = machine("a")
    s3.clock = datetime.timedelta(hours=1)
    assert "the clocks differ" in a.fails("model", "pull", code=3)
    s3.clock = datetime.timedelta(0)
    s3.denied = {"GET"}
    assert "s3:ListBucket" in a.fails("model", "pull", code=3)
    other = machine("b", registry=f"{{artifacts: 's3://nothing', endpoint: '{s3.endpoint}'}}")
    assert "no such bucket" in other.fails("model", "pull", code=3)
    for bad, words in (("s3://No_Bucket/x", "cannot be a bucket's name"), ("gs://x/y", "expected s3://BUCKET")):
        assert words in machine("c", registry=f"{{artifacts: '{bad}'}}").fails("model", "pull", code=1)


def test_throttling_is_waited_for_and_named_where_it_stays(machine, s3):
    a = machine("a")
    a.train()
    s3.fail(503, 4)
    a.run("model", "pull")
    s3.fail(503, 1000)
    assert "503 SlowDown" in a.fails("model", "pull", code=3)


def test_secrets_come_from_files_and_stand_nowhere(machine, s3, tmp_path, events):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "secret").write_text(s3_server.SECRET + "\n")
    registry = (f"{{artifacts: 's3://models/x', endpoint: '{s3.endpoint}', region: eu-west-1, "
                f"access_key: '{s3_server.ACCESS}', secret_key: 'file:secret'}}")
    bad = {k: "bad" for k in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION")}
    a = machine("a", registry, env=bad)  # all of the keys are the settings', or none
    a.train()
    assert s3_server.SECRET not in a.run("check", "--resolved")
    found = subprocess.run(["grep", "-rlF", s3_server.SECRET, a.data], capture_output=True, text=True)
    assert found.stdout == ""


def test_doctor_looks_and_fetches_nothing(machine, s3):
    a = machine("a")
    a.train()
    b = machine("b")
    p = b.popen("doctor", "--json", stdout=subprocess.PIPE, text=True)
    checks, _ = json.JSONDecoder().raw_decode(p.communicate()[0])  # the port may be taken: an error follows
    row = {c["check"]: c for c in checks["checks"]}["registry"]
    assert row["health"] == "ok" and "1 versions" in row["found"]
    assert not (b.data / "models").exists()
    s3.denied = {"GET"}
    p = b.popen("doctor", "--json", stdout=subprocess.PIPE, text=True)
    checks, _ = json.JSONDecoder().raw_decode(p.communicate()[0])
    row = {c["check"]: c for c in checks["checks"]}["registry"]
    assert row["health"] == "fail" and "AccessDenied" in row["found"]


def test_a_running_service_takes_the_champion_at_a_reload(machine, s3, events):
    a, b = machine("a"), machine("b")
    a.train()
    with Server(b) as server:
        a.run("train", "--force", "--set", "model.features=[sum]")
        b.run("reload", "--url", f"http://127.0.0.1:{server.port}")
        assert (b.data / "models" / "model" / "2.0.0" / "model").exists()
    shutil.rmtree(b.data)
