"""Settings, features, tables and models changed under a running server: each decision is by one plan, replays to
the bit, and none is lost."""

import contextlib
import itertools
import json
import pathlib
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))
from playing import PLAYER_DIED, Home, Server, ndjson_of, same_as_answered  # noqa: E402

SETTINGS = """
name: reload
event: {{id: transaction_id, time: timestamp, label: {{field: is_fraud, delay: 1d}}}}
sources: {{transactions: {{file: all.csv}}{sources}}}
entities: {{customer: customer_id, terminal: terminal_id}}
features:
  n_1d: count() by customer over 1d
  risk: coalesce(mean(label) by terminal over 7d delay 1d, 0)
{features}
rules:
  MANY: {{when: n_1d > {many}, then: review}}
  RISK: {{when: risk > 0.5, then: decline}}
{rules}
model: {{kind: none}}
log: {{segment: 1MiB}}
snapshot: {{every: 1s}}
{more}
server: {{threads: 2}}
"""
BASE = {"sources": "", "features": "", "many": 4, "rules": "", "more": ""}
RULES = {**BASE, "many": 2}
FEATURES = {
    **BASE,
    "features": "  mean_7d: mean(amount) by customer over 7d\n  seen: count() by terminal over 30d",
    "rules": "  HIGH: {when: amount > 2 * mean_7d, then: challenge}\n  OFTEN: {when: seen > 20, then: review}",
}
TABLES = {
    **FEATURES,
    "sources": ", customers: {file: customers.csv, key: customer_id}",
    "features": FEATURES["features"] + "\n  limit: customers.limit",
    "rules": "  NO_LIMIT: {when: customers.limit is null, then: decline}\n"
    "  ABOVE: {when: amount > customers.limit, then: review}",
}
EVENTS = 12000


def settings(folder, parts):
    """At once, so that a server that reads it finds one or the other."""
    (folder / "assay.yaml.new").write_text(SETTINGS.format(**parts))
    (folder / "assay.yaml.new").rename(folder / "assay.yaml")


@pytest.fixture(scope="module")
def events(binary, tmp_path_factory):
    folder = tmp_path_factory.mktemp("reload")
    subprocess.run(
        [binary, "generate", "--rows", str(EVENTS), "--days", "20", "--start", "2018-04-01", "-o", folder / "all.csv"],
        check=True, capture_output=True,
    )
    return ndjson_of(folder / "all.csv", folder / "all.ndjson")


@pytest.fixture
def home(binary, events, tmp_path):
    (tmp_path / "all.csv").symlink_to(events.with_suffix(".csv"))
    ids = {json.loads(x)["customer_id"] for x in events.read_text().splitlines()}
    (tmp_path / "customers.csv").write_text("customer_id,limit\n" + "".join(f"{i},50\n" for i in sorted(ids)))
    settings(tmp_path, BASE)
    return Home(binary, tmp_path / "assay.yaml", tmp_path / "data")


def post(server, path, body="{}"):
    request = urllib.request.Request(
        f"http://127.0.0.1:{server.port}{path}", body.encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as e:
        return e.code, json.load(e)


def get(server, path):
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port}{path}", timeout=60) as answer:
        return answer.read().decode()


def metrics(server):
    return dict(x.rsplit(" ", 1) for x in get(server, "/metrics").splitlines() if x[0] != "#")


def reload(server, wait=True):
    """The job's result."""
    status, job = post(server, "/v1/settings:reload")
    assert status in (200, 202), job
    while wait and job["state"] == "running":
        time.sleep(0.02)
        job = json.loads(get(server, f"/v1/jobs/{job['id']}"))
    assert not wait or job["state"] == "done", job
    return job.get("result", job)


def plans_of(home):
    """(plan of each decision, in order; the PLAN records), held to the log: each decision names the PLAN
    record before it."""
    process = home.popen("log", "export", stdout=subprocess.PIPE, text=True)
    named, plans = [], []
    for line in process.stdout:
        r = json.loads(line)
        if r["kind"] == "plan":
            plans.append(r["seq"])
        elif r["kind"] == "decision":
            assert r["plan"] == plans[-1], r
            named.append(r["plan"])
    assert process.wait() == 0
    return named, plans


def test_rules_change_at_once_and_features_come_warm(home, events, tmp_path):
    lines = events
    with Server(home, "--no-history") as server:
        server.play(lines, 0, 3000, batch=500)
        for i in range(0, 40):  # labels that wait when the state is built anew
            id = json.loads(lines.read_text().splitlines()[2900 + i])["transaction_id"]
            assert post(server, "/v1/labels", json.dumps({"id": id, "label": True}))[0] == 200
        assert not reload(server)["changed"]
        settings(tmp_path, RULES)
        r = reload(server)
        assert r["changed"] and not r["rebuilt"] and r["next_start"] == []
        server.play(lines, 3000, 1000, answers=tmp_path / "rules")
        settings(tmp_path, FEATURES)
        before = int(metrics(server)["assay_durable_seq"])
        r = reload(server)
        assert r["rebuilt"] and r["records"] >= before - 2 and r["plan"] > before
        server.play(lines, 4000, 1000, answers=tmp_path / "features")
        settings(tmp_path, {**TABLES, "more": "reload: {rate: 100000}"})
        r = json.loads(home.run("reload", "--url", f"http://127.0.0.1:{server.port}", "--json"))["result"]
        assert r["changed"] and not r["rebuilt"] and r["next_start"] == ["reload.rate"]  # other fields, same state
        server.play(lines, 5000, 1000, batch=100, answers=tmp_path / "tables")
        settings(tmp_path, BASE)
        assert "is in force" in home.run("reload", "--url", f"http://127.0.0.1:{server.port}")
        server.play(lines, 6000, 500)
        figures = metrics(server)
        assert figures["assay_plan_changes_total"] == "4" and figures["assay_building_records"] == "0"
        assert sum(int(v) for k, v in figures.items() if k.startswith("assay_decisions_total")) >= 6000
    named, plans = plans_of(home)
    assert [len(list(g)) for _, g in itertools.groupby(named)] == [3000, 1000, 1000, 1000, 500] and len(plans) == 5
    assert home.replay()["decisions"] == 6500 and home.verify()["whole"]
    fired = {
        name: {rule for line in (tmp_path / name).read_text().splitlines() for rule in json.loads(line)["rules"]}
        for name in ("rules", "features", "tables")
    }
    assert "MANY" in fired["rules"] and "OFTEN" not in fired["rules"]
    assert "OFTEN" in fired["features"]  # more than 20 of one terminal in 1,000 events: from the history
    assert "ABOVE" in fired["tables"] and "NO_LIMIT" not in fired["tables"]


def test_what_is_wrong_changes_nothing(home, events, tmp_path):
    with Server(home, "--no-history") as server:
        server.play(events, 0, 200)
        plan = metrics(server)["assay_plan_seq"]
        settings(tmp_path, {**BASE, "features": "  odd: count() by nobody over 1d"})
        status, problem = post(server, "/v1/settings:reload")
        assert status == 422 and "assay.yaml:9" in problem["detail"] and "nobody" in problem["detail"], problem
        assert "the plan that was in force is" in problem["detail"]
        home.run("reload", "--url", f"http://127.0.0.1:{server.port}", code=1)
        (tmp_path / "assay.yaml").write_text("features: [")
        server.process.send_signal(signal.SIGHUP)
        until = time.monotonic() + 20
        while "not reloaded" not in server.words() and time.monotonic() < until:
            time.sleep(0.02)
        assert "not reloaded, the plan that was in force is" in server.words()
        assert post(server, "/v1/settings:reload", "[1]")[0] == 422
        settings(tmp_path, {**BASE, "more": "data_directory: elsewhere"})
        server.play(events, 200, 200)
        assert metrics(server)["assay_plan_seq"] == plan
        settings(tmp_path, RULES)
        server.process.send_signal(signal.SIGHUP)
        while metrics(server)["assay_plan_seq"] == plan and time.monotonic() < until:
            time.sleep(0.02)
        server.play(events, 400, 200)
        assert "reloaded: {" in server.words()
    assert len(plans_of(home)[1]) == 2 and home.replay()["decisions"] == 600


def test_reloads_under_load(home, events, tmp_path):
    """Traffic that never pauses, one by one and in batches, while plans with other rules, features, fields and
    tables come and go."""
    share = EVENTS // 5
    with Server(home, "--no-history") as server:
        players = [
            server.player(events, i * share, share, [0, 0, 0, 64, 700][i], answers=tmp_path / f"answers-{i}")
            for i in range(5)
        ]
        reloads = 0
        for parts in itertools.cycle([RULES, FEATURES, TABLES, BASE]):
            settings(tmp_path, parts)
            assert reload(server)["changed"]
            reloads += 1
            if all(p.poll() is not None for p in players):
                break
        for p in players:
            out, err = p.communicate()
            assert p.returncode == 0 and json.loads(out)["answered"] == share, err
    named, plans = plans_of(home)
    assert len(named) == EVENTS and len(plans) == reloads + 1
    assert reloads >= 4 and len(set(named)) >= 3
    assert home.replay()["decisions"] == EVENTS and home.verify()["whole"]
    assert sum(same_as_answered(home, tmp_path / f"answers-{i}") for i in range(5)) == EVENTS


def asked_and_forgotten(server):
    with contextlib.suppress(OSError, ValueError):
        post(server, "/v1/settings:reload")


def wait_until_building(server):
    """The job says how far it is and how long it will take."""
    status, job = post(server, "/v1/settings:reload")
    assert status == 202 and job["state"] == "running", job
    assert post(server, "/v1/settings:reload")[0] == 409
    until = time.monotonic() + 20
    while "seconds_left" not in job and time.monotonic() < until:
        time.sleep(0.02)
        job = json.loads(get(server, f"/v1/jobs/{job['id']}"))
    assert job["state"] == "running" and 0 < job["progress"] < 1 and job["seconds_left"] > 0, job
    figures = metrics(server)
    assert 0 < int(figures["assay_building_records"]) < int(figures["assay_building_records_wanted"])


@pytest.mark.parametrize("moment", ["building", "before", "after"])
def test_killed_around_a_switch(home, events, tmp_path, moment):
    rate = {**BASE, "more": "reload: {rate: 1000}" if moment == "building" else ""}
    settings(tmp_path, rate)
    server = Server(home, "--no-history")
    server.play(events, 0, 5000, batch=500)
    settings(tmp_path, {**FEATURES, "more": rate["more"]})
    player = server.player(events, 5000, 3000, answers=tmp_path / "answers")
    if moment == "building":
        wait_until_building(server)
    elif moment == "before":
        asking = threading.Thread(target=asked_and_forgotten, args=(server,))
        asking.start()
        time.sleep(0.03)
    else:
        assert reload(server)["rebuilt"]
    server.kill()
    out, err = player.communicate()
    if moment == "before":
        asking.join()
    assert player.returncode in (0, PLAYER_DIED), err
    answered = json.loads(out)["answered"]
    assert len(plans_of(home)[1]) - 1 in {"building": [0], "before": [0, 1], "after": [1]}[moment]
    with Server(home, "--no-history") as server:
        server.play(events, 5000 + answered, 1000, answers=tmp_path / "answers")
    named, plans = plans_of(home)
    assert len(plans) == 2 and named[-1] == plans[-1]
    assert home.replay()["decisions"] == len(named) >= 6000 + answered - 1000
    assert same_as_answered(home, tmp_path / "answers") == answered + 1000
    assert home.verify()["whole"]


def test_a_trained_model_comes_into_force(home, events, tmp_path):
    """Trained by the server's own job, then by reload: first from rules alone to a model, then to another one."""
    learned = {**BASE, "more": "reload: {rate: 1000000}"}
    settings(tmp_path, learned)
    with Server(home, "--no-history") as server:
        server.play(events, 0, 300)
        for kind in ("logistic", "boost"):
            text = SETTINGS.format(**learned).replace("model: {kind: none}", f"model: {{kind: {kind}}}")
            (tmp_path / "assay.yaml").write_text(text)
            if kind == "logistic":  # there is none yet: said, and nothing changes
                status, problem = post(server, "/v1/settings:reload")
                assert status == 422 and "assay train" in problem["detail"], problem
            status, job = post(server, "/v1/models:train")
            until = time.monotonic() + 60
            while job["state"] == "running" and time.monotonic() < until:
                time.sleep(0.05)
                job = json.loads(get(server, f"/v1/jobs/{job['id']}"))
            assert job["state"] == "done", job
            # 300 events teach little: what is no better than chance is promoted by hand only
            assert post(server, "/v1/models/model:promote?force=true")[0] == 200
            r = reload(server)
            assert r["changed"] and r["model"].endswith("/model"), r
            server.play(events, 300 if kind == "logistic" else 600, 300, answers=tmp_path / kind)
    models = [
        {json.loads(x)["plan"] for x in (tmp_path / kind).read_text().splitlines()} for kind in ("logistic", "boost")
    ]
    assert all(len(m) == 1 for m in models) and models[0] != models[1]
    assert len(plans_of(home)[1]) == 3 and home.replay()["decisions"] == 900


def test_a_training_that_reloads_waits_for_the_reload_that_is_running(home, events, tmp_path):
    """By the settings of before: one more comes behind it, and the training is not refused at its end."""
    slow = {**FEATURES, "more": "reload: {rate: 100}"}
    settings(tmp_path, {**BASE, "more": slow["more"]})
    with Server(home, "--no-history") as server:
        server.play(events, 0, 400)
        settings(tmp_path, slow)
        status, running = post(server, "/v1/settings:reload")
        assert status == 202 and running["state"] == "running", running  # it answers after 2 s, and takes 4
        (tmp_path / "assay.yaml").write_text(SETTINGS.format(**slow).replace("model: {kind: none}", "model: {kind: logistic}"))
        status, job = post(server, "/v1/models:train?force=true&reload=true&wait=true")
        assert status == 200 and job["state"] == "done", job
        assert json.loads(get(server, f"/v1/jobs/{running['id']}"))["state"] == "done"
        assert post(server, "/v1/settings:reload")[1]["result"]["changed"] is False  # the model is in force


def test_snapshots_of_another_log_and_of_another_layout_are_passed_over(home, events, tmp_path):
    """Beside those that are damaged, half written or missing (test_parity)."""
    other = Home(home.binary, home.settings, tmp_path / "other")
    for h in (home, other):
        with Server(h, "--no-history") as server:
            server.play(events, 0 if h is home else 1000, 1000)
    mine, theirs = home.snapshots, other.snapshots
    assert mine and theirs
    for snapshot in mine:
        snapshot.unlink()
    (mine[-1]).write_bytes(theirs[-1].read_bytes())
    with Server(home) as server:  # at the same position, whole, and of the same layout
        server.play(events, 1000, 300)
        server.kill()
    settings(tmp_path, FEATURES)
    with Server(home) as server:
        server.play(events, 1300, 300)
    assert home.replay()["decisions"] == 1600 and home.verify()["whole"]
