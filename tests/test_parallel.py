"""In a parallel run the rows of a test travel as one, and nothing that went wrong is lost on the
way."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROWS = """
import pytest

@pytest.fixture
def kept(tmp_path):
    yield tmp_path
    assert not list(tmp_path.iterdir())

@pytest.mark.parametrize("row", range(20))
def test_some_fail(row, kept):
    if row == 4:
        (kept / "left").touch()
    if row == 5:
        pytest.skip("five")
    assert row not in (3, 17)

@pytest.mark.parametrize("row", range(20))
def test_all_pass(row):
    pass

def test_alone():
    assert False
"""


@pytest.mark.again
def test_each_row_that_does_not_pass_is_told_by_its_name(tmp_path):
    (tmp_path / "test_rows.py").write_text(ROWS, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-c", ROOT / "pyproject.toml", "--rootdir", tmp_path,
               "-p", "tests.conftest", "-n", "2", "--dist", "loadfile", "-rA", "--color=no"]
    said = subprocess.run([*command, tmp_path / "test_rows.py"], cwd=ROOT, capture_output=True,
                          text=True).stdout
    told = re.findall(r"^(PASSED|FAILED|ERROR) \S+::(\S+)", said, re.MULTILINE)
    assert set(told) == {("FAILED", "test_some_fail[3]"), ("FAILED", "test_some_fail[17]"),
                         ("FAILED", "test_alone"), ("PASSED", "test_some_fail[4]"),
                         ("ERROR", "test_some_fail[4]"), ("PASSED", "test_all_pass[0]")}, said
    assert "1 skipped" in said and len(told) == 6, said
