"""What the examples' pages say to type works."""

import csv
import os
import pathlib
import re
import shutil
import subprocess

import pytest

EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "examples"


def commands(page):
    return re.search(r"```sh\n(.*?)```", page.read_text(), re.S).group(1)


def test_every_example_is_listed():
    listed = set(re.findall(r"\((\w+)/", (EXAMPLES / "README.md").read_text()))
    assert listed == {p.name for p in EXAMPLES.iterdir() if p.is_dir()}


@pytest.fixture
def in_path(binary, tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "assay").symlink_to(binary)
    return {**os.environ, "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}


def test_the_wallet_is_learned_and_scored(in_path, tmp_path):
    folder = tmp_path / "wallet"
    shutil.copytree(EXAMPLES / "wallet", folder, ignore=lambda d, names: set(names) - {"assay.yaml", "README.md"})
    done = subprocess.run(["sh", "-ec", commands(folder / "README.md")], cwd=folder, env=in_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "Clearly better than chance" in done.stdout
    assert (folder / "assay-data" / "report.html").exists()
    label = {r["transaction_id"]: r["is_fraud"] for r in csv.DictReader(open(folder / "transactions.csv"))}
    alerts = [r for r in csv.DictReader(open(folder / "scores.csv")) if r["outcome"] != "approve"]
    frauds = sum(label[r["id"]] == "1" for r in alerts)
    assert 0.5 * len(alerts) < frauds and 0.5 * sum(v == "1" for v in label.values()) < frauds
    assert any("NEW_PHONE_EMPTIES_ACCOUNT" in a["reasons"] for a in alerts)
