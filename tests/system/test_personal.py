"""Personal fields: sealed everywhere on disk, replayed to the bit, erased for good."""

import json
import os
import pathlib
import shutil
import signal
import sys
import threading

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
    return {"id": f"e{i}", "time": f"2026-02-01T00:{i // 60:02d}:{i % 60:02d}Z", **fields(i, **more)}


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


@pytest.fixture
def home(binary, tmp_path):
    make(tmp_path)
    servers = []

    class Place(Home):
        def start(self):
            servers.append(Server(binary, tmp_path))
            return servers[-1]

    yield Place(tmp_path) if False else type("H", (), {"folder": tmp_path, "start": lambda self: start_in(binary, tmp_path, servers)})()
    for s in servers:
        s.stop(signal.SIGKILL)


def start_in(binary, folder, servers):
    servers.append(Server(binary, folder))
    return servers[-1]
