"""Seeing it run: metrics, stages, status, the journal, doctor, size; reads while the store is away."""

import json
import os
import pty
import re
import select
import socket
import sqlite3
import subprocess
import time

import pytest
from conftest import ROOT
from test_serve import HISTORY, SETTINGS, Server, event

STAGES = ["read", "decode", "queue", "features", "score", "rules", "explain", "commit", "answer"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("observe")
    (path / "tx.csv").write_text(HISTORY)
    (path / "assay.yaml").write_text(
        SETTINGS.replace("server: {body: 64KiB}", "server: {journal: {sample: 1}}\nstore: {lag_limit: 5}\nsnapshot: 1s")
    )
    return path


@pytest.fixture(scope="module")
def server(binary, folder):
    server = Server(binary, folder)
    for i in range(20):
        assert server.decide(event(f"personal-{i}", 700 if i % 4 == 0 else 10, customer=f"secret-{i}"))[0] == 200
    yield server
    server.stop()
    server.errors.close()


def call(binary, folder, *arguments):
    clean = {k: v for k, v in os.environ.items() if not k.startswith("ASSAY_")}
    return subprocess.run([binary, *arguments], cwd=folder, capture_output=True, text=True, env=clean)


# ---- metrics


def families(text):
    """Name -> (type, samples); what promtool's check would refuse fails here."""
    found, name = {}, None
    for line in text.splitlines():
        if line.startswith("# HELP "):
            name, words = line[7:].split(" ", 1)
            assert name not in found and words.endswith("."), line
            found[name] = [None, []]
        elif line.startswith("# TYPE "):
            assert line.split()[2] == name
            found[name][0] = line.split()[3]
        else:
            sample = re.fullmatch(r'([a-z_]+)(\{[a-z]+="(?:[^"\\]|\\.)*"(?:,[a-z]+="(?:[^"\\]|\\.)*")*\})? (\S+)', line)
            assert sample, line
            base = re.sub(r"_(bucket|sum|count)$", "", sample[1]) if found[name][0] == "histogram" else sample[1]
            assert base == name, line
            found[name][1].append((sample[1], sample[2] or "", float(sample[3])))
    return found


def test_metrics_are_as_prometheus_wants_them(server):
    status, text, headers = server.ask("GET", "/metrics")
    assert status == 200 and headers["Content-Type"].startswith("text/plain; version=0.0.4")
    found = families(text)
    for name, (kind, samples) in found.items():
        assert samples, name
        assert (kind == "counter") == name.endswith("_total"), name
        assert kind in ("counter", "gauge", "histogram")
        assert not re.search(r"micro|milli|_ms|_us$|kilo|mega|percent", name), name
        assert not re.search(r"_(bucket|sum|count)$", name), name
        assert len({(n, labels) for n, labels, _ in samples}) == len(samples), name
        if kind == "histogram":
            assert name.endswith("_seconds")
            for labels in {re.sub(r',?le="[^"]*"', "", labels) for n, labels, _ in samples if n.endswith("_bucket")}:
                of = [(n, v) for n, l, v in samples if re.sub(r',?le="[^"]*"', "", l) == labels]
                buckets = [v for n, v in of if n.endswith("_bucket")]
                assert buckets == sorted(buckets) and buckets[-1] == dict(of)[name + "_count"]
    assert found["assay_decisions_total"][1][0][2] + found["assay_decisions_total"][1][1][2] >= 20
    stages = {l for n, l, v in found["assay_stage_seconds"][1] if n.endswith("_count") and v >= 20}
    assert stages == {f'{{stage="{s}"}}' for s in STAGES}
    pools = {l for _, l, v in found["assay_memory_bytes"][1] if v > 0}
    assert {'{pool="entities"}', '{pool="ids"}'} <= pools
    assert found["process_resident_memory_bytes"][1][0][2] > 1e6


def test_the_page_of_metrics_is_the_table(binary, folder, server):
    page = call(binary, folder, "help", "metrics").stdout
    assert (ROOT / "docs" / "service-metrics.md").read_text() == page, "put `assay help metrics` there"
    assert set(families(server.ask("GET", "/metrics")[1])) <= set(re.findall(r"^\| `([a-z_]+)`", page, re.M))


def test_stages_of_one_decision(server):
    began = time.monotonic()
    _, answer, _ = server.decide(event("staged"), "?stages=true")
    spent = (time.monotonic() - began) * 1e6
    assert list(answer["stages_us"]) == STAGES
    assert all(v >= 0 for v in answer["stages_us"].values())
    assert 0 < sum(answer["stages_us"].values()) < spent and answer["stages_us"]["commit"] > 0
    assert "stages_us" not in server.decide(event("unstaged"))[1]
    _, again, _ = server.decide(event("staged"), "?stages=true")
    assert again["repeated"] and again["stages_us"]["commit"] == 0  # it came from the log
    assert server.decide(event("x"), "?stages=maybe")[0] == 400


# ---- status


def test_status(binary, folder, server):
    url = f"http://127.0.0.1:{server.port}"
    told = json.loads(call(binary, folder, "status", "--json", "--url", url).stdout)
    assert told["ready"] and told["errors"] == [] and told["decisions"]["all"] >= 20
    assert len(told["latency"]["counts"]) == len(told["latency"]["bounds_us"]) + 1
    assert sum(told["latency"]["counts"]) >= 20
    assert told["decisions"]["by_outcome"]["review"] >= 5
    words = call(binary, folder, "status", "--url", url)
    assert words.returncode == 0 and "test: ready" in words.stdout and "p99.9" in words.stdout
    watched = call(binary, folder, "status", "--watch", "--times", "2", "--url", url).stdout
    assert watched.count("test: ready") == 2 and "\033" not in watched
    assert call(binary, folder, "status", "--url", "http://127.0.0.1:9").returncode == 3


def test_status_draws_in_place_on_a_terminal_only(binary, folder, server):
    master, slave = pty.openpty()
    url = f"http://127.0.0.1:{server.port}"
    watch = subprocess.Popen(
        [binary, "status", "--watch", "--times", "2", "--url", url],
        cwd=folder, stdout=slave, stderr=subprocess.DEVNULL, env={**os.environ, "TERM": "xterm"},
    )
    os.close(slave)
    seen = b""
    while select.select([master], [], [], 20)[0]:
        try:
            piece = os.read(master, 65536)
        except OSError:
            break
        if not piece:
            break
        seen += piece
    os.close(master)
    assert watch.wait(timeout=20) == 0
    assert seen.count(b"\033[H\033[J") == 2 and b"p99" in seen


# ---- the journal


def test_the_journal_is_json_without_anything_personal(binary, folder, server):
    server.ask("GET", "/v1/decisions/personal-1", headers={
        "X-Request-Id": "asked-1", "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"})
    until = time.monotonic() + 10
    while "asked-1" not in server.words() and time.monotonic() < until:
        time.sleep(0.02)
    lines = [json.loads(line) for line in server.words().splitlines()]
    assert lines[0]["event"] == "start"
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", line["time"]) for line in lines)
    asked = [line for line in lines if line.get("request_id") == "asked-1"]
    assert asked and asked[0]["route"] == "/v1/decisions/{id}" and asked[0]["status"] == 200
    assert asked[0]["traceparent"].startswith("00-0af7") and asked[0]["us"] > 0
    assert "personal-" not in server.words() and "secret-" not in server.words()


def test_words_for_people_and_objects_for_machines(binary, tmp_path):
    (tmp_path / "assay.yaml").write_text(SETTINGS)
    (tmp_path / "tx.csv").write_text(HISTORY)
    assert call(binary, tmp_path, "serve", "--log", "xml").returncode == 2
    server = Server(binary, tmp_path)
    server.process.send_signal(1)  # SIGHUP
    until = time.monotonic() + 20
    while '"reload"' not in server.words() and time.monotonic() < until:
        time.sleep(0.02)
    assert server.stop() == 0
    events = [json.loads(line)["event"] for line in server.words().splitlines()]
    assert events[0] == "start" and "reload" in events and events[-2:] == ["stop", "stopped"]
    server.errors.close()


# ---- the store away


def test_reads_by_id_go_on_without_the_store_and_lists_say_so(folder, server):
    server.wait_projected()
    with sqlite3.connect(folder / "assay-data" / "store.sqlite", isolation_level=None, timeout=30) as db:
        db.execute("BEGIN IMMEDIATE")
        for i in range(12):
            assert server.decide(event(f"away-{i}"))[0] == 200
        assert server.ask("GET", "/v1/decisions/away-11")[1]["id"] == "away-11"
        status, problem, headers = server.ask("GET", "/v1/decisions?limit=5")
        assert status == 503 and "store.lag_limit" in problem["detail"] and int(headers["Retry-After"]) > 0
        _, told, _ = server.ask("GET", "/v1/status")
        assert told["store"]["lag"] > told["store"]["limit"] == 5
        assert any("lag" in w for w in told["warnings"])
        assert "assay_store_lag_limit 5\n" in server.ask("GET", "/metrics")[1]
        db.execute("ROLLBACK")
    server.wait_projected()
    assert server.ask("GET", "/v1/decisions?limit=5")[0] == 200


def test_a_store_that_is_deleted_keeps_no_decision_from_being_read(binary, tmp_path):
    (tmp_path / "assay.yaml").write_text(SETTINGS)
    (tmp_path / "tx.csv").write_text(HISTORY)
    server = Server(binary, tmp_path)
    server.decide(event("kept", 700))
    server.wait_projected()
    for name in ("store.sqlite", "store.sqlite-wal", "store.sqlite-shm"):
        (tmp_path / "assay-data" / name).unlink(missing_ok=True)
    server.decide(event("later", 700))
    for name in ("kept", "later"):
        status, shown, _ = server.ask("GET", f"/v1/decisions/{name}")
        assert status == 200 and shown["rules"] == ["BIG"]
    server.stop()
    server.errors.close()


# ---- doctor


def doctor(binary, folder, *more):
    done = call(binary, folder, "doctor", "--json", *more)
    told, _ = json.JSONDecoder().raw_decode(done.stdout)  # behind it stands the error
    return done, {c["check"]: c for c in told["checks"]}


@pytest.fixture
def patient(tmp_path):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    (tmp_path / "assay.yaml").write_text(SETTINGS.replace("server: {body", f"server: {{port: {port}, body"))
    (tmp_path / "tx.csv").write_text(HISTORY)
    return tmp_path, port


def test_doctor_finds_nothing_wrong(binary, patient):
    done, checks = doctor(binary, patient[0])
    assert done.returncode == 0, done.stdout
    assert all(checks[c]["health"] == "ok" for c in ("build", "settings", "source", "model", "memory", "port", "log"))
    assert all((c["remedy"] is None) == (c["health"] == "ok") for c in checks.values())
    words = call(binary, patient[0], "doctor")
    assert words.returncode == 0 and "settings" in words.stdout


def test_doctor_finds_what_is_wrong(binary, patient):
    folder, port = patient
    ram = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        taken.settimeout(0)
        done, checks = doctor(binary, folder, "--set", "memory=64GiB", "--url", "http://127.0.0.1:9")
    assert done.returncode == 1
    assert checks["port"]["health"] == "fail" and checks["memory"]["health"] == ("fail" if ram < 64 << 30 else checks["memory"]["health"])
    data = folder / "assay-data"
    data.mkdir()
    data.chmod(0o777)
    assert doctor(binary, folder)[1]["directory"]["health"] == "warn"
    (folder / "tx.csv").rename(folder / "gone.csv")
    assert doctor(binary, folder)[1]["source"]["health"] in ("warn", "fail")
    (folder / "assay.yaml").write_text("zebra: 1\n")
    done, checks = doctor(binary, folder)
    assert done.returncode == 1 and checks["settings"]["health"] == "fail" and "zebra" in checks["settings"]["found"]


@pytest.mark.parametrize("days, health", [(400, "ok"), (5, "warn"), (-3, "fail")])
def test_doctor_knows_until_when_a_certificate_holds(binary, patient, days, health):
    folder, _ = patient
    end = time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + days * 86400 + 3600))
    made = subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
         "key.pem", "-out", "cert.pem", "-subj", "/CN=localhost", "-days", str(max(days, 1))],
        cwd=folder, capture_output=True,
    )
    assert made.returncode == 0, made.stderr
    if days < 1:
        (folder / "index.txt").write_text("")
        subprocess.run(["openssl", "req", "-new", "-key", "key.pem", "-subj", "/CN=localhost", "-out", "r.csr"],
                       cwd=folder, check=True, capture_output=True)
        (folder / "ca.cnf").write_text(
            "[ca]\ndefault_ca=x\n[x]\nnew_certs_dir=.\ndatabase=index.txt\nserial=serial\npolicy=p\ndefault_md=sha256\n"
            "[p]\ncommonName=supplied\n")
        (folder / "serial").write_text("01")
        subprocess.run(["openssl", "ca", "-batch", "-config", "ca.cnf", "-selfsign", "-keyfile", "key.pem", "-in", "r.csr",
                        "-out", "cert.pem", "-startdate", "20200101000000Z", "-enddate", end],
                       cwd=folder, check=True, capture_output=True)
    settings = (folder / "assay.yaml").read_text()
    (folder / "assay.yaml").write_text(
        settings.replace("server: {", "server: {tls: {certificate: cert.pem, key: key.pem}, "))
    assert doctor(binary, folder)[1]["certificate"]["health"] == health


# ---- room


def test_size_measures_the_log(binary, folder, server):
    done = call(binary, folder, "size", "--rate", "100", "--days", "10", "--entities", "customer=1000", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["measured_records"] >= 20
    assert told["log_bytes"] == pytest.approx(told["record_bytes"] * 100 * 86400 * 10, rel=0.001)
    assert told["disk_bytes"] == pytest.approx(told["log_bytes"] + told["store_bytes"] + told["snapshot_bytes"], rel=0.001)
    assert told["days_until_warning"] >= 0
    worked_out = json.loads(call(
        binary, folder, "size", "--rate", "100", "--entities", "customer=1000", "--json", "--set",
        "data_directory=./nothing-there").stdout)
    assert worked_out["measured_records"] == 0 and worked_out["days"] == 365
    assert worked_out["record_bytes"] == pytest.approx(told["record_bytes"], rel=0.25)
    assert call(binary, folder, "size").returncode == 2
    assert call(binary, folder, "size", "--rate", "100", "--days", "0").returncode == 2
