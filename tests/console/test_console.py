"""The console in a real Chromium: each test of run.mjs, on a real `assay serve` with a history, a model, decisions and
people of each role. A script error, a breach of the content security policy or a failed request fails the test."""

import os
import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "system")]
from conftest import binary  # noqa: E402,F401
from service import ROOT, names, node, run_tests, serving, wanting  # noqa: E402

ROWS, DECIDED = 16000, 2500


@pytest.fixture(scope="module")
def results(binary, tmp_path_factory):  # noqa: F811
    with serving(binary, tmp_path_factory.mktemp("console"), ROWS, DECIDED) as service:
        yield run_tests("run.mjs", service)


@pytest.mark.skipif(wanting() is not None, reason=str(wanting()))
@pytest.mark.parametrize("name", names("run.mjs"))
def test_console(results, name):
    assert results[name] == [], "\n".join(results[name])


@pytest.mark.skipif(wanting() is not None, reason=str(wanting()))
def test_the_client_is_that_of_the_binary(binary):  # noqa: F811
    done = node(ROOT / "ui/scripts/schema.mjs", "--check", env={**os.environ, "ASSAY_BIN": str(binary)})
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(wanting() is not None, reason=str(wanting()))
def test_no_word_is_missing_or_left_in_english():
    done = node(ROOT / "ui/scripts/words.mjs")
    assert done.returncode == 0, done.stderr
