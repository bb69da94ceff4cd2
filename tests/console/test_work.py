"""What analysts do all day, in a real Chromium on a real `assay serve`: each test of work.mjs."""

import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "system")]
from conftest import binary  # noqa: E402,F401
from service import names, run_tests, serving, wanting  # noqa: E402

ROWS, DECIDED = 12000, 1500


@pytest.fixture(scope="module")
def results(binary, tmp_path_factory):  # noqa: F811
    with serving(binary, tmp_path_factory.mktemp("work"), ROWS, DECIDED) as service:
        yield run_tests("work.mjs", service)


@pytest.mark.skipif(wanting() is not None, reason=str(wanting()))
@pytest.mark.parametrize("name", names("work.mjs"))
def test_work(results, name):
    assert results[name] == [], "\n".join(results[name])
