"""What the examples' pages say to type works."""

import csv
import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest

from test_serve import Server

EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "examples"


def commands(page):
    return re.search(r"```sh\n(.*?)```", page.read_text(), re.S).group(1)


def test_every_example_is_listed():
    listed = set(re.findall(r"\(([\w-]+)/", (EXAMPLES / "README.md").read_text()))
    assert listed == {p.name for p in EXAMPLES.iterdir() if p.is_dir()}


def in_folder(name, tmp_path):
    """A copy of an example's settings and page."""
    folder = tmp_path / name
    shutil.copytree(EXAMPLES / name, folder, ignore=lambda d, names: set(names) - {"assay.yaml", "README.md"})
    return folder


@pytest.fixture
def in_path(binary, tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "assay").symlink_to(binary)
    return {**os.environ, "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}


def test_the_wallet_is_learned_and_scored(in_path, tmp_path):
    folder = in_folder("wallet", tmp_path)
    done = subprocess.run(["sh", "-ec", commands(folder / "README.md")], cwd=folder, env=in_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "Clearly better than chance" in done.stdout
    assert (folder / "assay-data" / "report.html").exists()
    label = {r["transaction_id"]: r["is_fraud"] for r in csv.DictReader(open(folder / "transactions.csv"))}
    alerts = [r for r in csv.DictReader(open(folder / "scores.csv")) if r["outcome"] != "approve"]
    frauds = sum(label[r["id"]] == "1" for r in alerts)
    assert 0.5 * len(alerts) < frauds and 0.5 * sum(v == "1" for v in label.values()) < frauds
    assert any("NEW_PHONE_EMPTIES_ACCOUNT" in a["reasons"] for a in alerts)


def test_single_requests_are_judged_in_files_and_over_http(binary, in_path, tmp_path):
    folder = in_folder("predict-api", tmp_path)
    done = subprocess.run(["sh", "-ec", commands(folder / "README.md")], cwd=folder, env=in_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "Clearly better than chance" in done.stdout
    label = {r["transaction_id"]: r["is_fraud"] for r in csv.DictReader(open(folder / "transactions.csv"))}
    scores = list(csv.DictReader(open(folder / "scores.csv")))
    assert len(scores) == len(label) == 20000
    assert {(r["outcome"], r["level"]) for r in scores} == {("NORMAL", "NORMAL"), ("ANOMALI (FRAUD)", "ANOMALI")}
    alerts = [r for r in scores if r["outcome"] != "NORMAL"]
    frauds = sum(label[r["id"]] == "1" for r in alerts)
    assert 0.6 * len(alerts) < frauds and 0.6 * sum(v == "1" for v in label.values()) < frauds
    alert = alerts[0]
    request = next(r for r in csv.DictReader(open(folder / "transactions.csv")) if r["transaction_id"] == alert["id"])
    server = Server(binary, folder)
    answer = server.decide({k: v for k, v in request.items() if k != "is_fraud"} | {"transaction_id": "900001"})[1]
    server.stop()
    server.errors.close()
    assert [answer[k] for k in ("outcome", "level", "score", "probability")] == [
        alert["outcome"], alert["level"], int(alert["score"]), float(alert["probability"])]


def test_the_notebook_does_what_is_stored_in_it(binary, in_path, tmp_path, monkeypatch):
    folder = in_folder("notebook", tmp_path)
    notebook = json.loads((EXAMPLES / "notebook" / "assay.ipynb").read_text())
    assert notebook["nbformat"] == 4 and len({c["id"] for c in notebook["cells"]}) == len(notebook["cells"])
    for cell in notebook["cells"]:
        needed = {"cell_type", "id", "metadata", "source"} | ({"execution_count", "outputs"} if cell["cell_type"] == "code" else set())
        assert set(cell) == needed and re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", cell["id"])
    done = subprocess.run(["sh", "-ec", commands(folder / "README.md")], cwd=folder, env=in_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    server = Server(binary, folder)
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(EXAMPLES.parent / "scripts")
    monkeypatch.setenv("ASSAY_PY", str(EXAMPLES.parent / "clients" / "python"))
    monkeypatch.setenv("ASSAY_URL", f"http://127.0.0.1:{server.port}")
    import notebook as runner

    names = {}
    try:
        for cell, source, stored in runner.cells(notebook):
            assert runner.run(source, names) == stored, cell["id"]
    finally:
        server.stop()
        server.errors.close()
