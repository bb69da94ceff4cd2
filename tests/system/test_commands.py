"""Every command as a newcomer or a script meets it: wrong use, places that cannot be written, Ctrl-C."""

import os
import signal
import subprocess
import time

import pytest

COMMANDS = (
    "init check train demo generate serve score features top log replay rebuild help version"
).split()

SETTINGS = """\
sources: {transactions: t.csv}
event: {id: transaction_id, time: timestamp, amount: amount, label: {field: is_fraud, delay: 3d}}
entities: {customer: customer_id}
features:
  amount: amount
  n_1d: count() by customer over 1d
model: {kind: none}
"""


@pytest.mark.parametrize("command", COMMANDS)
def test_wrong_use_is_exit_2_and_says_where_help_is(run, command):
    for arguments in (["--bogus"], ["a", "b", "c", "d"], ["-c"], ["--set"], ["--help=1"]):
        r = run(command, *arguments)
        assert r.exit == 2, (arguments, r)
        assert r.stderr.startswith("assay: ") and r.stdout == "", (arguments, r)
    r = run(command, "--json", "--bogus")
    assert r.exit == 2 and r.json()["error"]["kind"] == "usage"
    r = run(command, "--help")
    assert r.exit == 0 and r.stdout.startswith(f"assay {command}: ") and "Examples" in r.stdout


@pytest.mark.parametrize("command", ["check", "train", "serve", "score", "features", "top", "log verify", "replay", "rebuild"])
def test_without_settings_the_way_to_them_is_told(run, command):
    r = run(*command.split(), "--json")
    assert r.exit == 1 and "assay init" in r.stderr, r
    assert r.json()["error"] == {"kind": "not_found", "exit": 1, "text": r.stderr[len("assay: ") :].strip()}


@pytest.mark.parametrize(
    "arguments, code, words",
    [
        (["generate", "--rows", "0"], 2, "from 1 to"),
        (["generate", "--rows", "-5"], 2, "-5"),
        (["generate", "--rows", "1e99"], 2, "1e99"),
        (["generate", "--start", "2026-02-30"], 2, "2026-02-30"),
        (["generate", "--scenario", "fraud"], 2, "cards, wallet or predict-api"),
        (["generate", "-o", "folder"], 1, "folder is a directory"),
        (["generate", "-o", ""], 2, "expected the name of a file"),
        (["generate", "-o", "nowhere/t.csv"], 3, "nowhere/t.csv"),
        (["top", "-n", "many"], 2, "many"),
        (["features", ""], 1, 'no file matches ""'),
        (["features", "nothing.csv"], 1, "nothing.csv"),
        (["features", "--after", "nothing.csv"], 1, "nothing.csv"),
        (["features", "-o", "folder"], 1, "folder is a directory"),
        (["check", "--set", "model.kind=bost"], 1, 'did you mean "boost"'),
        (["check", "--set", "modle.kind=boost"], 1, 'did you mean "model"'),
        (["check", "--set", "model.kind"], 2, "KEY=VALUE"),
        (["train"], 1, "model.kind"),
        (["help", "trian"], 2, "train"),
        (["log"], 2, "verify|show|export"),
        (["log", "verify"], 1, "no log"),
    ],
)
def test_mistakes_are_told_in_words(run, write, tmp_path, arguments, code, words):
    (tmp_path / "folder").mkdir()
    assert run("generate", "--rows", "50", "-o", "t.csv").exit == 0
    write("assay.yaml", SETTINGS)
    before = sorted(p.name for p in tmp_path.iterdir())
    r = run(*arguments)
    assert r.exit == code, r
    assert words in r.stderr, r
    assert sorted(p.name for p in tmp_path.iterdir() if p.name != "assay-data") == before


def test_the_environment_is_read_and_blamed(run, write):
    write("assay.yaml", SETTINGS)
    r = run("check", env={"ASSAY_SERVER_PORT": "abc"})
    assert r.exit == 1 and "ASSAY_SERVER_PORT" in r.stderr and "abc" in r.stderr


@pytest.mark.parametrize("arguments", [["help"], ["version"], ["check"], ["features"], ["score"], ["top"], ["generate"]])
def test_a_full_disk_is_exit_3(binary, run, write, tmp_path, arguments):
    assert run("generate", "--rows", "50", "-o", "t.csv").exit == 0
    write("assay.yaml", SETTINGS)
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [binary, *arguments], cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 3, done
    assert "cannot write" in done.stderr


@pytest.mark.parametrize("arguments", [["generate", "--rows", "3000000", "-o", "out.csv"], ["features", "-o", "out.csv"], ["score", "-o", "out.csv"], ["top"]])
def test_ctrl_c_is_exit_130_and_leaves_nothing(binary, write, tmp_path, arguments):
    """No timing decides: a command that was done already, or had not begun to listen, may say so."""
    made = subprocess.run([binary, "generate", "--rows", "300000"], capture_output=True, check=True).stdout
    write("settings.yaml", SETTINGS)
    (tmp_path / "t.csv").write_bytes(made)
    command = [binary, "-c", "settings.yaml", *arguments]
    process = subprocess.Popen(
        command,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        env={k: v for k, v in os.environ.items() if not k.startswith("ASSAY_")},
    )
    time.sleep(0.15)
    process.send_signal(signal.SIGINT)
    try:
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode in (0, 130, -signal.SIGINT), (process.returncode, err)
    left = {p.name for p in tmp_path.iterdir()}
    assert not {n for n in left if n.endswith(".part")}, left
    if process.returncode == 130:
        assert out == "" and err.startswith("assay: stopped"), (out, err)
        assert "out.csv" not in left
