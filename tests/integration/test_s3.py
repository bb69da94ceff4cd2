"""Models shared in S3, on servers of others: S3Proxy, which checks each signature by code of its own, and moto, which
honours conditions. Where one cannot be fetched its tests are skipped, by name."""

import hashlib
import json
import os
import pathlib
import subprocess

import pytest
import servers

ROOT = pathlib.Path(__file__).resolve().parents[2]
SUITE = ROOT / "build" / "tests" / "tools" / "artifacts"
KEYS = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG+bPxRfiCY", "AWS_REGION": "us-east-1"}
SETTINGS = """\
name: cards
sources: {{transactions: t.csv}}
event: {{id: transaction_id, time: timestamp, amount: amount, label: {{field: is_fraud, delay: 3d}}}}
features: {{sum: amount}}
model: {{kind: logistic}}
registry: {{artifacts: "s3://models/team", endpoint: "{url}"}}
"""


@pytest.fixture(scope="module", params=["s3proxy", "moto"])
def s3(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "moto":
        server = servers.moto(folder)
    else:
        server = servers.s3proxy(folder, KEYS["AWS_ACCESS_KEY_ID"], KEYS["AWS_SECRET_ACCESS_KEY"])
    empty = hashlib.sha256(b"").hexdigest()
    subprocess.run(["curl", "-sSf", "-X", "PUT", "--aws-sigv4", "aws:amz:us-east-1:s3", "-u",
                    f"{KEYS['AWS_ACCESS_KEY_ID']}:{KEYS['AWS_SECRET_ACCESS_KEY']}", "-H",
                    f"x-amz-content-sha256: {empty}", server.url + "/models"], check=True)
    server.checks = request.param == "s3proxy"
    yield server
    server.stop()


@pytest.fixture
def assay(binary, tmp_path, s3):
    """assay("a", "train"): on a machine with a folder of its own."""

    def call(machine, *arguments, code=0, env=None):
        folder = tmp_path / machine
        if not folder.exists():
            folder.mkdir()
            (folder / "assay.yaml").write_text(SETTINGS.format(url=s3.url))
            subprocess.run([binary, "generate", "--rows", "8000", "--days", "60", "-o", "t.csv"], cwd=folder,
                           check=True, capture_output=True)
        done = subprocess.run([binary, *map(str, arguments)], cwd=folder, capture_output=True, text=True,
                              env={**os.environ, **KEYS, **(env or {})})
        assert done.returncode == code, done.stdout + done.stderr
        return done

    return call


@pytest.mark.parametrize("prefix", ["", "/a/b", "/it's a+b/&~="])
def test_the_suite_of_all_kinds(s3, prefix):
    bucket = "s3://models/suite" + prefix
    done = subprocess.run([SUITE, bucket, s3.url, "us-east-1"], env=KEYS, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_machines_share_their_models(assay, s3):
    assay("a", "train", "--force")
    digest = [json.loads(assay(m, "score", "t.csv", "-o", "o.csv", "--json").stdout)["decisions_sha256"] for m in "ab"]
    assert digest[0] == digest[1]
    assay("b", "model", "promote", "model", "--as", "shadow")
    models = json.loads(assay("a", "model", "list", "--json").stdout)["models"]
    assert {m["id"]: sorted(m["aliases"]) for m in models} == {"model@1.0.0": ["champion", "shadow"]}
    assert '"registry","health":"ok"' in assay("a", "doctor", "--json").stdout


def test_a_wrong_key_is_named(assay, s3):
    if not s3.checks:
        pytest.skip("moto checks no signatures")
    assert "SignatureDoesNotMatch" in assay("a", "model", "pull", env={"AWS_SECRET_ACCESS_KEY": "x"}, code=3).stderr
