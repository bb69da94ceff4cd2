"""What is in deploy/airflow and deploy/systemd: run here without Airflow and systemd, by the real binary on generated days. The DAGs
under the real Airflow are tests/integration/test_airflow.py."""

import importlib.util
import os
import pathlib
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import types

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from day import DAYS, ROOT, environment, folder_of  # noqa: E402
from test_notify import Receiver, receive  # noqa: E402, F401

DAGS = ROOT / "deploy" / "airflow" / "dags"
UNITS = ROOT / "deploy" / "systemd"
ORDER = ("assay_prediction", "assay_load", "assay_daily_risk", "assay_notification")


class Task:
    """Stands in for a BashOperator: it only keeps what the DAG says."""

    made = []

    def __init__(self, *, task_id, bash_command, **more):
        self.task_id, self.command, self.more, self.after = task_id, bash_command, more, []
        Task.made.append(self)

    def _link(self, other):
        for t in other if isinstance(other, list) else [other]:
            t.after.append(self)
        return other

    __rshift__ = _link

    def __rrshift__(self, others):
        for t in others:
            self.after.append(t)
        return self


class Dag:
    def __init__(self, dag_id, **options):
        self.dag_id, self.options = dag_id, options

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


@pytest.fixture
def dags(monkeypatch):
    """Each DAG by its name, with its tasks."""
    names = {
        "airflow": {"DAG": Dag},
        "airflow.exceptions": {n: type(n, (Exception,), {}) for n in ("AirflowException", "AirflowFailException", "AirflowSkipException")},
        "airflow.operators": {}, "airflow.utils": {},
        "airflow.operators.bash": {"BashOperator": Task},
        "airflow.utils.trigger_rule": {"TriggerRule": types.SimpleNamespace(ALL_DONE="all_done")},
    }
    for name, members in names.items():
        module = types.ModuleType(name)
        vars(module).update(members)
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.syspath_prepend(str(DAGS))
    monkeypatch.delitem(sys.modules, "assay_operator", raising=False)
    found = {}
    for path in sorted(DAGS.glob("*.py")):
        if path.stem == "assay_operator":
            continue
        Task.made = []
        spec = importlib.util.spec_from_file_location(path.stem, path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        found[module.dag.dag_id] = (module.dag, Task.made)
    sys.modules.pop("assay_operator", None)
    return found


def rendered(command, ds):
    year, month, day = map(int, ds.split("-"))
    values = {"ds": ds, "ds_nodash": ds.replace("-", ""), "macros.ds_add(ds, 1)": f"{year}-{month:02d}-{day + 1:02d}"}
    text = re.sub(r"{{ (.*?) }}", lambda m: values[m.group(1)], command)
    assert "{" not in text
    return text


def run_dag(dags, name, ds, env):
    """The tasks in the order of their arrows; how each ended."""
    ended, left = {}, list(dags[name][1])
    while left:
        task = next(t for t in left if all(a.task_id in ended for a in t.after))
        left.remove(task)
        if any(ended[a.task_id] == 99 for a in task.after) and task.more.get("trigger_rule") != "all_done":
            ended[task.task_id] = 99
            continue
        done = subprocess.run(["bash", "-c", rendered(task.command, ds)], cwd=env["ASSAY_HOME"], env=env, capture_output=True, text=True)
        assert done.returncode in (0, 99), (name, task.task_id, done)
        ended[task.task_id] = done.returncode
    return ended


def results(folder, day):
    rows = {}
    database = sqlite3.connect(folder / "day.sqlite")
    for (table,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'"):
        if table.startswith(("raw_", "score_", "feature_")):
            rows[table] = database.execute(f'SELECT * FROM "{table}" ORDER BY 1').fetchall()
    database.close()
    files = {n: (folder / "out" / f"{n}-{day}.csv").read_text() for n in ("scores", "daily")}
    return rows, files


def test_the_dags_and_the_timers_do_the_same_and_twice_is_once(binary, dags, receive, tmp_path):  # noqa: F811
    day = DAYS[1]
    kept = []
    for how in ("dags", "timers"):
        analysts, managers = receive(), receive()
        folder = folder_of(binary, tmp_path / how)
        env = environment(binary, folder, analysts.url, managers.url)
        for _ in range(2):
            for name in ORDER:
                if how == "dags":
                    ended = run_dag(dags, name, day, env)
                    assert set(ended.values()) == {0}, (name, ended)
                else:
                    work = name.removeprefix("assay_").replace("_", "-")
                    subprocess.run([UNITS / "assay-day.sh", work, day], env=env, check=True)
        rows, files = results(folder, day)
        kept.append((rows, files, [e["data"] for e in analysts.taken], [r[2] for r in managers.requests]))
    assert kept[0] == kept[1]
    rows, files, told, _ = kept[0]
    assert len(rows["raw_transactions_20260102"]) == len(rows["score_daily_20260102"]) > 100
    assert [r[0] for r in rows["feature_daily"]] and files["scores"].count("\n") == len(rows["score_daily_20260102"]) + 1
    ids = [e["key"] for e in told]
    assert len(set(ids)) == len(ids) > 0 and all(e["row"]["outcome"] == "review" for e in told)


def test_a_day_without_a_file_is_skipped(binary, dags, receive, tmp_path):  # noqa: F811
    r = receive()
    folder = folder_of(binary, tmp_path / "home")
    env = environment(binary, folder, r.url, r.url)
    for name in ORDER:
        ended = run_dag(dags, name, "2026-01-09", env)
        assert set(ended.values()) <= {0, 99} and 99 in ended.values(), ended
        done = subprocess.run([UNITS / "assay-day.sh", name.removeprefix("assay_").replace("_", "-"), "2026-01-09"], env=env)
        assert done.returncode == 99
    assert r.requests == [] and list((folder / "out").iterdir()) == []
    assert subprocess.run([UNITS / "assay-day.sh", "nothing"], env=env, capture_output=True).returncode == 2


def test_exit_codes_are_those_that_the_operator_knows(binary, receive, tmp_path):  # noqa: F811
    """1 and 2 are not tried again, 3 is: a target that is away, a database that is away."""
    r = receive(answer=lambda n, event: 503)
    folder = folder_of(binary, tmp_path / "home")
    env = environment(binary, folder, r.url, r.url)
    script = [UNITS / "assay-day.sh"]
    assert subprocess.run([*script, "prediction", DAYS[0]], env=env).returncode == 0
    words = ["assay", "notify", "send", "analysts", f"out/scores-{DAYS[0]}.csv", "--wait", "0", "--key-column"]
    assert subprocess.run([*words, "id"], cwd=folder, env=env, capture_output=True).returncode == 3
    assert subprocess.run([*words, "nothing"], cwd=folder, env=env, capture_output=True).returncode == 2
    away = {**env, "DATABASE_URL": "postgresql://127.0.0.1:1/x"}
    assert subprocess.run([*script, "load", DAYS[0]], env=away, capture_output=True).returncode == 3
    (folder / "assay.yaml").write_text("sources: 3\n")
    assert subprocess.run([*script, "prediction", DAYS[0]], env=env, capture_output=True).returncode == 1


def test_nothing_secret_and_every_command_known(binary, dags):
    texts = [p.read_text() for p in [*DAGS.glob("*.py"), *UNITS.iterdir(), DAGS.parent / "assay.yaml"]]
    assert not any(re.search(r"(?i)(password|secret|token)\s*[=:]\s*[\"']?[A-Za-z0-9]{8}", t) for t in texts)
    known = subprocess.run([binary, "help"], capture_output=True, text=True).stdout
    used = {w for t in texts for w in re.findall(r"\bassay ([a-z]+) ", t)} & set(re.findall(r"^  (\w+) ", known, re.M))
    assert {"score", "check", "load", "rollup", "daily", "notify", "serve"} <= used
    assert set(ORDER) == set(dags)
    for dag, _ in dags.values():
        assert dag.options["default_args"]["retries"] > 0 and dag.options["catchup"] is False


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not here")
def test_systemd_takes_the_units(binary, tmp_path):
    for unit in [*UNITS.glob("*.service"), *UNITS.glob("*.timer")]:
        text = unit.read_text().replace("/usr/bin/assay", str(binary)).replace("/usr/lib/assay/", f"{UNITS}/").replace("User=assay", "User=root").replace("Group=assay", "Group=root")
        (tmp_path / unit.name).write_text(text)
    units = [str(tmp_path / n) for n in ("assay.service", "assay-day@load.service", "assay-day@load.timer", "assay-day@prediction.timer",
                                         "assay-day@daily-risk.timer", "assay-day@notification.timer")]
    (tmp_path / "assay-day@load.service").write_text((tmp_path / "assay-day@.service").read_text())
    env = {**os.environ, "SYSTEMD_UNIT_PATH": f"{tmp_path}:"}
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", *units], capture_output=True, text=True, env=env)
    ours = [line for line in done.stderr.splitlines() if "assay" in line]
    assert ours == [] and done.returncode == 0, done.stderr


def test_the_service_unit_starts_reloads_and_stops(binary, tmp_path):
    """What ExecStart, ExecReload and the stop of assay.service say, without systemd."""
    unit = (UNITS / "assay.service").read_text()
    words = re.search(r"^ExecStart=(.*)$", unit, re.M).group(1).split()
    (tmp_path / "assay.yaml").write_text((DAGS.parent / "assay.yaml").read_text().split("rollups:")[0])
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "transactions-1.csv").write_text("transaction_id,timestamp,account_id,amount\na,2026-01-01T00:00:00Z,c,1.5\n")
    words = [w.replace("/usr/bin/assay", str(binary)).replace("/etc/assay", str(tmp_path)).replace("/var/lib/assay", str(tmp_path / "data")) for w in words]
    p = subprocess.Popen([*words, "--port", "0"], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert '"' in p.stdout.readline() + p.stderr.readline()
    assert "ExecReload=/bin/kill -HUP" in unit
    p.send_signal(signal.SIGHUP)
    p.send_signal(signal.SIGTERM)
    p.communicate(timeout=20)
    assert p.returncode == 0
