"""`assay demo` and the address that it prints, opened in a real Chromium: demo.mjs."""

import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import threading

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "system")]
from conftest import binary  # noqa: E402,F401
from service import names, node, wanting  # noqa: E402


@pytest.fixture(scope="module")
def results(binary, tmp_path_factory):  # noqa: F811
    folder = tmp_path_factory.mktemp("demo")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("ASSAY_")}
    process = subprocess.Popen([binary, "demo", "--directory", folder / "demo"], env=environment, stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, text=True, start_new_session=True)
    guard = threading.Timer(240, process.kill)
    guard.start()
    said = []
    try:
        for line in process.stdout:
            said.append(line)
            if link := re.match(r"\s+console\s+(\S+/#token=\S+)", line):
                break
        else:
            pytest.fail("".join(said))
        # What it goes on to say is taken, so that it never waits for us.
        threading.Thread(target=process.stdout.read, daemon=True).start()
        out = folder / "results.json"
        done = node(HERE / "demo.mjs", out, env={"DEMO_URL": link[1]})
        assert out.exists(), done.stdout + done.stderr
        yield json.loads(out.read_text())
    finally:
        guard.cancel()
        process.send_signal(signal.SIGINT)
        process.wait(60)


@pytest.mark.skipif(wanting() is not None, reason=str(wanting()))
@pytest.mark.parametrize("name", names("demo.mjs"))
def test_demo(results, name):
    assert results[name] == [], "\n".join(results[name])
