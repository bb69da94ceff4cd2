"""Models to MLflow and back, on MLflow's own tracking server. Where it cannot be fetched the tests are skipped, by
name."""

import hashlib
import json
import os
import subprocess
import urllib.error
import urllib.parse
import urllib.request

import pytest
import servers

SETTINGS = """\
name: cards
sources: {{transactions: t.csv}}
event: {{id: transaction_id, time: timestamp, amount: amount, label: {{field: is_fraud, delay: 3d}}}}
entities: {{terminal: terminal_id}}
features: {{sum: amount, risk_7d: "coalesce(mean(label) by terminal over 7d delay 3d, 0)"}}
model: {{kind: logistic, purpose: "Which card payments a person looks at"}}
models: {{wood: {{kind: forest, forest: {{trees: 20}}}}}}
mlflow: {{url: "{url}", experiment: "{experiment}"}}
"""


@pytest.fixture(scope="module")
def mlflow(tmp_path_factory):
    server = servers.mlflow(tmp_path_factory.mktemp("mlflow"))
    yield server
    server.stop()


@pytest.fixture
def api(mlflow):
    def call(what, body=None, method=None, **query):
        url = f"{mlflow.url}/api/2.0/mlflow/{what}" + ("?" + urllib.parse.urlencode(query) if query else "")
        request = urllib.request.Request(url, json.dumps(body).encode() if body is not None else None,
                                         {"Content-Type": "application/json"}, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read())

    return call


@pytest.fixture
def assay(binary, tmp_path, mlflow, request):
    def call(machine, *arguments, code=0, env=None):
        folder = tmp_path / machine
        if not folder.exists():
            folder.mkdir()
            (folder / "assay.yaml").write_text(SETTINGS.format(url=mlflow.url, experiment=request.node.name))
            subprocess.run([binary, "generate", "--rows", "14000", "--days", "60", "-o", "t.csv"], cwd=folder,
                           check=True, capture_output=True)
        done = subprocess.run([binary, *map(str, arguments)], cwd=folder, capture_output=True, text=True,
                              env={**os.environ, **(env or {})})
        assert done.returncode == code, done.stdout + done.stderr
        return done

    call.experiment = request.node.name
    return call


def runs_of(api, experiment):
    found = api("experiments/get-by-name", experiment_name=experiment)["experiment"]
    return api("runs/search", {"experiment_ids": [found["experiment_id"]]})["runs"]


def test_several_models_are_compared_there(assay, api, tmp_path):
    assay("a", "train", "--models", "all", "--force", "--mlflow")
    runs = {r["info"]["run_name"]: r for r in runs_of(api, assay.experiment)}
    assert set(runs) == {"model@1.0.0", "wood@1.0.0"}
    for name, run in runs.items():
        folder = tmp_path / "a" / "assay-data" / "models" / name.replace("@", "/")
        test = json.loads((folder / "metrics.json").read_text())["test"]
        lineage = json.loads((folder / "lineage.json").read_text())
        metrics = {m["key"]: m["value"] for m in run["data"]["metrics"]}
        params = {p["key"]: p["value"] for p in run["data"]["params"]}
        tags = {t["key"]: t["value"] for t in run["data"]["tags"]}
        assert run["info"]["status"] == "FINISHED"
        assert metrics["test.average_precision"] == test["average_precision"]["value"]
        assert metrics["test.average_precision.low"] == test["average_precision"]["low"]
        assert params["kind"] == lineage["kind"] and params["seed"] == "1" and params["inputs"] == "sum,risk_7d"
        assert tags["assay.model_sha256"] == hashlib.sha256((folder / "model").read_bytes()).hexdigest()
        files = api("artifacts/list", run_id=run["info"]["run_id"], path="model")["files"]
        assert {"model/model", "model/report.html", "model/card.md", "model/MLmodel"} <= {f["path"] for f in files}
        own = "forest.trees" if name == "wood@1.0.0" else "logistic.l2"
        assert own in params and ("20" == params[own]) == (name == "wood@1.0.0")
    champion = api("registered-models/alias", name="model", alias="champion")["model_version"]
    assert champion["run_id"] == runs["model@1.0.0"]["info"]["run_id"]


def test_pushing_again_changes_nothing_and_an_unfinished_run_is_taken_up(assay, api):
    assay("a", "train", "--force")
    first = json.loads(assay("a", "mlflow", "push", "--json").stdout)["pushed"][0]
    second = json.loads(assay("a", "mlflow", "push", "--json").stdout)["pushed"][0]
    assert first["new"] and not second["new"] and second == {**first, "new": False}
    api("runs/update", {"run_id": first["run"], "status": "RUNNING"})
    third = json.loads(assay("a", "mlflow", "push", "--json").stdout)["pushed"][0]
    assert third == first
    assert [r["info"]["status"] for r in runs_of(api, assay.experiment)] == ["FINISHED"]


def test_an_alias_there_promotes_here(assay, api):
    assay("a", "train", "--force")
    one = json.loads(assay("a", "mlflow", "push", "--json").stdout)["pushed"][0]
    assay("a", "train", "--force", "--set", "model.features=[sum]")
    two = json.loads(assay("a", "mlflow", "push", "--json").stdout)["pushed"][0]
    assert two["model"] == "model@2.0.0"
    pulled = json.loads(assay("b", "mlflow", "pull", "model@champion", "--force", "--json").stdout)
    assert pulled["model"] == "model@2.0.0" and pulled["new"] and pulled["promoted"]
    digest = [json.loads(assay(m, "score", "t.csv", "-o", "o.csv", "--json").stdout)["decisions_sha256"] for m in "ab"]
    assert digest[0] == digest[1]
    # A person sets the alias in MLflow.
    api("registered-models/alias", {"name": "model", "alias": "champion", "version": one["version"]})
    for machine in "ab":
        pulled = json.loads(assay(machine, "mlflow", "pull", "model@champion", "--force", "--json").stdout)
        assert pulled["model"] == "model@1.0.0" and pulled["promoted"] and pulled["new"] == (machine == "b")
    again = json.loads(assay("b", "mlflow", "pull", "model@champion", "--json").stdout)
    assert not again["new"] and not again["promoted"]
    # And the other way round.
    assay("b", "model", "promote", "model@2.0.0", "--force")
    assay("b", "mlflow", "push")
    now = api("registered-models/alias", name="model", alias="champion")["model_version"]
    assert now["version"] == two["version"]
    # By its number, and without putting it in force.
    assay("b", "mlflow", "pull", f"model@{one['version']}")
    assert json.loads(assay("b", "model", "show", "champion", "--json").stdout)["id"] == "model@2.0.0"


def test_what_is_no_model_of_ours_or_damaged_is_refused(assay, api, mlflow):
    assay("a", "train", "--force")
    pushed = json.loads(assay("a", "mlflow", "push", "--json").stdout)["pushed"][0]
    run = api("runs/get", run_id=pushed["run"])["run"]
    folder = run["info"]["artifact_uri"].removeprefix("mlflow-artifacts:/")

    def put(name, body):
        urllib.request.urlopen(urllib.request.Request(
            f"{mlflow.url}/api/2.0/mlflow-artifacts/artifacts/{folder}/{name}", body, method="PUT")).close()

    put("model/model", b"damaged")
    words = assay("b", "mlflow", "pull", f"model@{pushed['version']}", code=1).stderr
    assert "damaged" in words and "SHA-256" in words
    put("other/x", b"x")
    api("registered-models/create", {"name": "other"})
    api("model-versions/create", {"name": "other", "source": f"mlflow-artifacts:/{folder}/other",
                                  "run_id": pushed["run"]})
    assert "no model of Assay" in assay("b", "mlflow", "pull", "other@1", code=1).stderr
    assert "other" in assay("b", "mlflow", "pull", "other@champion", code=1).stderr
    assert "NAME@ALIAS" in assay("b", "mlflow", "pull", "other", code=2).stderr


def test_doctor_and_a_server_that_is_away(assay):
    assay("a", "model", "list")
    assert "answers" in assay("a", "doctor", "--set", "model.kind=none", code=0).stdout
    words = assay("a", "mlflow", "push", "--set", "mlflow.url=http://127.0.0.1:9", code=1).stderr
    assert "no model" in words
    words = assay("a", "train", "--force", "--mlflow", "--set", "mlflow.url=http://127.0.0.1:9", code=3).stderr
    assert "MLflow does not answer" in words and "assay mlflow push" in words
