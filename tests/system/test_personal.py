"""Personal fields: sealed everywhere on disk, replayed to the bit, erased for good."""

import http.client
import json
import pathlib
import re
import shutil
import sys
import threading
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))
from playing import Home, Server  # noqa: E402

NAME, CARD = "Quixotina", "4111777700001234"
SETTINGS = """
name: personal
sources: {transactions: {file: history.csv}}
event: {id: id, time: time}
entities: {customer: customer, card: card}
personal: {fields: [name, card, age], subject: customer}
features:
  n: count() by customer over 30d
  card_n: count() by card over 30d
  names: distinct(name) by customer over 30d
  is_old: age > 70
  age_now: age
rules:
  CARD: {when: card_n > 3, then: review}
  NAMED: {when: name = 'nobody', then: decline}
  OLD: {when: is_old and amount > 50, then: review}
model: {kind: none}
snapshot: {every: 1s}
"""
HISTORY = 60


def customer(i):
    return f"c{i % 4}"


def fields(i, **more):
    k = i % 4
    return {
        "amount": i,
        "customer": customer(i),
        "name": f"{NAME}{k}",
        "card": f"{CARD}{k}",
        "age": 69 + k,
        **more,
    }


def event(i, **more):
    return {"id": f"e{i}", "time": f"2026-02-01T00:{i // 60 % 60:02d}:{i % 60:02d}Z", **fields(i, **more)}


def make(folder, settings=SETTINGS):
    (folder / "assay.yaml").write_text(settings)
    with open(folder / "history.csv", "w") as f:
        f.write("id,time,amount,customer,name,card,age\n")
        for i in range(HISTORY):
            e = fields(i)
            f.write(f"h{i},2026-01-0{1 + i // 10}T00:00:{i % 10:02d}Z,{e['amount']},{e['customer']},")
            f.write(f"{e['name']},{e['card']},{e['age']}\n")


def on_disk(folder, *needles):
    """Files below the data directory that hold one of the texts."""
    found = []
    for path in (folder / "assay-data").rglob("*"):
        if path.is_file():
            body = path.read_bytes()
            found += [f"{path.name}: {n}" for n in needles if n.encode() in body]
    return found


class Place:
    """A folder with settings, its server and what stands on its disk."""

    def __init__(self, binary, folder, settings=SETTINGS):
        self.folder, self.servers = folder, []
        make(folder, settings)
        self.home = Home(binary, folder / "assay.yaml", folder / "assay-data")

    def start(self):
        self.servers.append(Server(self.home))
        return self.servers[-1]

    def run(self, *arguments, code=0):
        return self.home.run(*arguments, code=code)

    def json(self, *arguments):
        return json.loads(self.run(*arguments, "--json"))

    def replay(self):
        return self.json("replay")

    def exported(self, who):
        return [json.loads(line) for line in self.run("export", "--subject", f"customer={who}").splitlines()]

    def erase(self, who):
        return self.json("erase", "--subject", f"customer={who}", "--note", "asked for")


def ask(server, method, path, body=None):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    try:
        sent = {"Content-Type": "application/json"} if body is not None else {}
        connection.request(method, path, json.dumps(body).encode() if body is not None else None, sent)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def decide(server, i, **more):
    status, answer = ask(server, "POST", "/v1/decisions", event(i, **more))
    assert status == 200, answer
    return answer


@pytest.fixture
def place(binary, tmp_path):
    made = Place(binary, tmp_path)
    yield made
    for server in made.servers:
        if server.process.poll() is None:
            server.kill()


RAW = (NAME, CARD)


def test_nothing_on_disk_has_the_values(place):
    server = place.start()
    for i in range(40):
        decide(server, i)
    for i in range(5):
        status, answer = ask(server, "POST", "/v1/labels", {"id": f"e{i}", "label": "fraud"})
        assert status == 200, answer
    assert decide(server, 3)["repeated"]  # the first answer again, from the log
    status, answer = ask(server, "POST", "/v1/decisions", event(3, amount=4))
    assert status == 409, answer
    time.sleep(1.2)  # a snapshot is due
    decide(server, 40)
    # while it runs: the log, the store and its WAL, snapshots
    assert (place.folder / "assay-data" / "store.sqlite-wal").exists()
    assert on_disk(place.folder, *RAW) == []
    status, shown = ask(server, "GET", "/v1/decisions/e2")
    assert (shown["inputs"]["name"], shown["inputs"]["age"]) == (f"{NAME}2", 71)
    server.stop()
    assert len(list((place.folder / "assay-data" / "shard-0" / "snapshots").iterdir())) > 0
    assert on_disk(place.folder, *RAW) == []
    replayed = place.replay()
    assert (replayed["equal"], replayed["different"], replayed["erased"]) == (41, 0, 0)
    assert place.home.verify()["whole"]
    assert oct((place.folder / "assay-data" / "control" / "master.key").stat().st_mode)[-3:] == "600"
    # the state from the log alone is the one that decided
    shutil.rmtree(place.folder / "assay-data" / "shard-0" / "snapshots")
    server = place.start()
    assert decide(server, 41)["rules"] == decide(server, 41)["rules"]
    server.stop()
    assert place.replay()["different"] == 0


def test_erasing_in_a_running_service(place):
    server = place.start()
    for i in range(40):
        decide(server, i)
    ask(server, "POST", "/v1/labels", {"id": "e1", "label": "fraud"})
    status, before = ask(server, "GET", "/v1/decisions/e1")
    assert before["inputs"]["name"] == f"{NAME}1" and "erased" not in before
    status, answer = ask(server, "DELETE", "/v1/subjects/customer/c1?note=asked")
    assert status == 200 and answer["erased"] and "backups" in answer["limits"], answer
    kind, token = answer["subject"].split("/")  # the token's hex digits may have "c1" in them
    assert kind == "customer" and re.fullmatch("[0-9a-f]{32}", token), answer
    status, again = ask(server, "DELETE", "/v1/subjects/customer/c1")
    assert status == 200 and not again["erased"] and again["subject"] == answer["subject"]
    status, wrong = ask(server, "DELETE", "/v1/subjects/card/1")
    assert status == 422 and "personal.subject" in wrong["detail"]
    while ask(server, "GET", "/readyz")[1]["store_lag"] > 0:
        time.sleep(0.01)
    status, after = ask(server, "GET", "/v1/decisions/e1")
    assert status == 200 and after["erased"] and after["label"] is True
    assert [after["inputs"][k] for k in ("name", "card", "age")] == [None] * 3
    assert after["inputs"]["customer"] == "c1" and after["score"] == before["score"]
    status, whole = ask(server, "GET", "/v1/decisions/e1/explanation")
    assert status == 200 and not whole["complete"]
    assert "erased" not in ask(server, "GET", "/v1/decisions/e2")[1]
    # a label of an erased event, the same person again under a new key
    assert ask(server, "POST", "/v1/labels", {"id": "e5", "label": "legit"})[0] == 200
    decide(server, 41)
    assert ask(server, "GET", "/v1/decisions/e41")[1]["inputs"]["name"] == f"{NAME}1"
    # the event that was erased is the same event when it is sent again
    assert decide(server, 1)["repeated"]
    server.stop()
    assert place.home.verify()["whole"]
    replayed = place.replay()
    assert replayed["different"] == 0 and replayed["erased_events"] == 15 + 10
    assert replayed["equal"] + replayed["erased"] + replayed["erased_before"] == replayed["decisions"] == 41
    assert replayed["erased"] > 0
    words = place.run("replay")
    assert "cannot be replayed exactly" in words
    # what a restart builds anew lacks it, and says so
    shutil.rmtree(place.folder / "assay-data" / "shard-0" / "snapshots")
    server = place.start()
    assert ask(server, "GET", "/v1/decisions/e41")[1]["inputs"]["name"] == f"{NAME}1"
    server.stop()
    said = (place.folder / "assay-data.err").read_text()
    assert "25 have erased personal fields" in said and "card_n, names, is_old, age_now" in said
    place.run("rebuild")
    audit = (place.folder / "assay-data" / "control" / "log").glob("*.log")
    body = b"".join(p.read_bytes() for p in audit)
    assert b"subject.erased" in body and answer["subject"].encode() in body and b"customer/c1" not in body


def test_export_and_erase_of_a_stopped_directory(place):
    server = place.start()
    for i in range(20):
        decide(server, i)
    ask(server, "POST", "/v1/labels", {"id": "e2", "label": "fraud"})
    beside = place.exported("c2")  # beside the service
    server.stop()
    held = place.exported("c2")
    assert held == beside and len(held) == 15 + 5 + 1
    assert {r["kind"] for r in held} == {"observe", "decision", "label"}
    assert all(r["event"]["name"] == f"{NAME}2" for r in held if "event" in r)
    place.run("export", "--subject", "customer=zz", code=1)
    assert place.erase("c2")["erased"]
    assert not place.erase("c2")["erased"]
    left = place.exported("c2")
    assert len(left) == len(held) and all(r["event"]["card"] is None for r in left if "event" in r)
    assert place.exported("c3")[0]["event"]["name"] == f"{NAME}3"
    place.run("erase", "--subject", "card=c2", code=1)
    place.run("erase", "--subject", "c2", code=2)
    place.run("erase", code=2)
    assert place.home.verify()["whole"]
    assert place.replay()["different"] == 0


def test_a_service_is_asked_where_one_runs(place):
    server = place.start()
    decide(server, 1)
    got = place.json("erase", "--subject", "customer=c1", "--url", f"http://127.0.0.1:{server.port}")
    assert got["erased"]
    assert ask(server, "GET", "/v1/decisions/e1")[1]["inputs"]["name"] is None


def test_a_crash_leaves_no_record_without_its_key(place):
    """kill -9 while new persons come: what is in the log opens, and goes on under the same keys."""
    for attempt in range(4):
        server = place.start()
        sent, stop = [], threading.Event()

        def send():
            i = 1000 * (attempt + 1)
            while not stop.is_set():
                try:
                    decide(server, i, customer=f"n{i}")
                except (OSError, http.client.HTTPException, ValueError):
                    return
                sent.append(i)
                i += 1

        thread = threading.Thread(target=send)
        thread.start()
        time.sleep(0.1 + 0.05 * attempt)
        server.kill()
        stop.set()
        thread.join()
        server = place.start()
        assert sent
        for i in (sent[0], sent[-1]):
            shown = ask(server, "GET", f"/v1/decisions/e{i}")[1]
            assert shown["inputs"]["name"] == f"{NAME}{i % 4}"
        server.kill()
    for record in place.home.decisions():
        assert record["event"]["name"].startswith(NAME)
    assert place.home.verify()["whole"]
    assert place.replay()["different"] == 0
    assert on_disk(place.folder, *RAW) == []


def test_without_the_keys_the_log_is_refused_by_name(place):
    server = place.start()
    decide(server, 1)
    server.stop()
    control = place.folder / "assay-data" / "control"
    (control / "subject.keys").rename(control / "elsewhere")
    process = place.home.popen("replay", "--json", stdout=-1, stderr=-1, text=True)
    assert "subject.keys" in process.communicate()[1] and process.returncode == 1
    (control / "elsewhere").rename(control / "subject.keys")
    assert place.replay()["equal"] == 1


def test_a_plan_with_personal_fields_comes_into_force_while_serving(binary, tmp_path):
    open_settings = SETTINGS.replace("personal: {fields: [name, card, age], subject: customer}", "")
    place = Place(binary, tmp_path, open_settings)
    server = place.start()
    for i in range(8):
        decide(server, i)
    assert not (tmp_path / "assay-data" / "control" / "subject.keys").exists()
    (tmp_path / "assay.yaml").write_text(SETTINGS)
    assert ask(server, "POST", "/v1/settings:reload", {})[0] in (200, 202)
    place.run("reload", "--url", f"http://127.0.0.1:{server.port}")
    decide(server, 9, name="Zanzibarra")
    assert ask(server, "GET", "/v1/decisions/e9")[1]["inputs"]["name"] == "Zanzibarra"
    assert ask(server, "GET", "/v1/decisions/e3")[1]["inputs"]["name"] == f"{NAME}3"
    server.stop()
    assert on_disk(tmp_path, "Zanzibarra") == [] and on_disk(tmp_path, NAME) != []
    replayed = place.replay()
    assert replayed["equal"] == replayed["decisions"] == 9


@pytest.mark.parametrize(
    "change, words",
    [
        (("fields: [name, card, age]", "fields: [name, crad]"), 'no field "crad"; did you mean "card"'),
        (("fields: [name, card, age]", "fields: [name, id]"), "is the event's id"),
        (("fields: [name, card, age]", "fields: [time]"), "is the event's time"),
        (("subject: customer}", "subject: nobody}"), "personal.subject: expected one of the entities"),
        ((", subject: customer}", "}"), "personal.subject: expected one of the entities"),
        (("  n: count()", "  m: mode(name) by customer over 30d\n  n: count()"), "would keep values of the personal field"),
        (("  n: count()", "  m: max(age) by customer over 30d\n  n: count()"), "would keep values of the personal field"),
        (("  n: count()", "  m: distinct(age) by customer over 30d\n  n: count()"), "would keep values of the personal field"),
        (("  n: count()", "  who: name\n  n: count()"), "a text of the personal field"),
        (("customer: customer,", "customer: lower(customer),"), "must be one field"),
    ],
)
def test_what_would_keep_values_elsewhere_is_refused(run, write, tmp_path, change, words):
    make(tmp_path, SETTINGS.replace(*change))
    told = run("check")
    assert told.exit == 1 and words in told.stderr, told


def test_the_subjects_own_id_may_be_personal(binary, tmp_path):
    place = Place(binary, tmp_path, SETTINGS.replace("[name, card, age]", "[name, card, age, customer]"))
    server = place.start()
    decide(server, 1, customer="Quentin-7")
    decide(server, 2, customer=None)
    server.stop()
    assert on_disk(tmp_path, "Quentin-7", *RAW) == []
    assert [r["id"] for r in place.exported("Quentin-7")] == ["e1"]
    assert place.erase("Quentin-7")["erased"]
    assert place.erase("")["erased"]  # of events that name nobody
    place.run("export", "--subject", "customer=Quentin-7", code=1)
    assert place.home.verify()["whole"]


def test_a_master_key_of_ones_own(binary, tmp_path):
    key = tmp_path / "master"
    key.write_text("ab" * 32 + "\n")
    key.chmod(0o644)
    place = Place(binary, tmp_path, SETTINGS.replace("subject: customer}", "subject: customer, key_file: master}"))
    process = place.home.popen("serve", "--port", "0", stdout=-1, stderr=-1, text=True)
    assert "chmod 600" in process.communicate(timeout=60)[1]
    key.chmod(0o600)
    server = place.start()
    decide(server, 1)
    server.stop()
    assert not (tmp_path / "assay-data" / "control" / "master.key").exists()
    assert place.replay()["equal"] == 1  # the key file knows where it is
    assert "ab" * 32 not in place.run("check", "--json")
    key.write_text("cd" * 32)
    process = place.home.popen("replay", stdout=-1, stderr=-1, text=True)
    assert "not sealed under the master key" in process.communicate()[1]
