"""The DAGs of deploy/airflow under Airflow itself, from the Python package index as it was on a day on which all of its parts fitted
together; the real binary, generated days. Without the index the test says so and is skipped."""

import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "tools"), str(ROOT / "tests" / "system")]
from day import DAYS, environment, folder_of  # noqa: E402
from test_deploy import ORDER, results  # noqa: E402
from test_notify import receive  # noqa: E402, F401

AIRFLOW, AS_OF = "2.10.5", "2025-02-20"
VENV = pathlib.Path(os.environ.get("ASSAY_AIRFLOW", ROOT / "build" / "airflow"))


@pytest.fixture(scope="session")
def airflow():
    """The program `airflow`; its virtual environment is made once and kept in build/."""
    program = VENV / "bin" / "airflow"
    if (VENV / "complete").exists():
        return program
    try:
        subprocess.run([sys.executable, "-m", "venv", VENV], check=True, capture_output=True, text=True)
        subprocess.run([VENV / "bin" / "pip", "install", "-q", "uv"], check=True, capture_output=True, text=True, timeout=300)
        subprocess.run([VENV / "bin" / "uv", "pip", "install", "-q", "--python", VENV / "bin" / "python", "--exclude-newer", AS_OF,
                        f"apache-airflow=={AIRFLOW}"], check=True, capture_output=True, text=True, timeout=1200)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as e:
        pytest.skip(f"Airflow {AIRFLOW} could not be installed from the Python package index: {(e.stderr or '')[-200:]}")
    (VENV / "complete").touch()
    return program


@pytest.fixture
def home(binary, airflow, receive, tmp_path):  # noqa: F811
    analysts, managers = receive(), receive()
    folder = folder_of(binary, tmp_path / "home")
    env = {**environment(binary, folder, analysts.url, managers.url),
           "AIRFLOW_HOME": str(tmp_path / "airflow"), "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "deploy" / "airflow" / "dags"),
           "AIRFLOW__CORE__LOAD_EXAMPLES": "False", "AIRFLOW__CORE__EXECUTOR": "SequentialExecutor",
           "PYTHONDONTWRITEBYTECODE": "1"}
    env["PATH"] = f"{airflow.parent}:{env['PATH']}"

    def call(*words, wanted=0):
        done = subprocess.run([airflow, *words], env=env, capture_output=True, text=True, timeout=300)
        assert wanted is None or done.returncode == wanted, (words, done.stdout[-4000:], done.stderr[-4000:])
        return done

    call("db", "migrate")
    call.folder, call.env, call.analysts, call.managers = folder, env, analysts, managers
    return call


def test_airflow_takes_the_dags(home):
    assert "No data found" in home("dags", "list-import-errors").stdout
    listed = home("dags", "list", "-o", "plain").stdout
    assert all(name in listed for name in ORDER)


def test_each_dag_runs_a_day_and_twice_is_once(home):
    day = DAYS[1]
    kept = []
    for _ in range(2):
        for name in ORDER:
            done = home("dags", "test", name, day)
            assert "state=success" in done.stdout + done.stderr, (name, done.stdout[-4000:], done.stderr[-2000:])
        kept.append((results(home.folder, day), home.analysts.subjects(), len(home.managers.requests)))
    assert kept[0] == kept[1]
    (rows, files), told, _ = kept[0]
    assert len(rows["score_daily_20260102"]) > 100 and len(told) > 0 and rows["feature_daily"]


def test_wrong_settings_fail_at_once_and_what_is_away_is_to_be_tried_again(home):
    (home.folder / "assay.yaml").write_text("sources: 3\n")
    done = home("dags", "test", "assay_prediction", DAYS[0], wanted=None)
    said = done.stdout + done.stderr
    assert "a retry would not help" in said and "state=failed" in said
    home.env["DATABASE_URL"] = "postgresql://127.0.0.1:1/x"
    (home.folder / "assay.yaml").write_text((ROOT / "deploy" / "airflow" / "assay.yaml").read_text())
    (home.folder / "out" / f"scores-{DAYS[0]}.csv").write_text("id,outcome\na,approve\n")
    done = home("tasks", "test", "assay_load", "scores", DAYS[0], wanted=None)
    said = done.stdout + done.stderr
    assert done.returncode != 0 and "exit code 3" in said and "a retry would not help" not in said


def test_a_day_without_a_file_is_skipped(home):
    done = home("dags", "test", "assay_prediction", "2026-01-09")
    assert "skipped" in done.stdout + done.stderr and list((home.folder / "out").iterdir()) == []
