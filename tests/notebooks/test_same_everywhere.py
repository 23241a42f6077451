"""What is printed does not depend on the hash seed, the threads or the processor; and `make matrix`
tests what it says."""

import os
import re
import subprocess
import sys
import tomllib

import matrix
import pytest

SCRIPT = """
import numpy as np
from vocabulary import linear_regression
from helpers import network
print(linear_regression(), linear_regression()._repr_markdown_())
rng = np.random.default_rng(0)
X, y = rng.normal(size=(64, 20)), np.eye(10)[rng.integers(0, 10, 64)]
W, b = network.initialise((20, 32, 10), rng)
for step in range(60):
    z, a = network.forward(X, W, b)
    _, dJ_dW, dJ_db = network.backward(y, W, a)
    W, b = network.update(W, b, dJ_dW, dJ_db, 0.5)
right = (a[2].argmax(axis=1) == y.argmax(axis=1)).sum()
print(f"{network.cost(y, z[2]):.6f}", np.round(W[1][0], 6) + 0.0, right)
"""
ALL_AT_ONCE = {"PYTHONHASHSEED": "7", "OPENBLAS_NUM_THREADS": "2", "OPENBLAS_CORETYPE": "Nehalem"}


def printed(settings):
    environ = {**os.environ, "PYTHONHASHSEED": "1", "OPENBLAS_NUM_THREADS": "1", **settings,
               "PYTHONPATH": os.pathsep.join([
                   str(matrix.ROOT), str(matrix.ROOT / "tests" / "support")])}
    return subprocess.run([sys.executable, "-c", SCRIPT], env=environ, capture_output=True,
                          text=True, check=True).stdout


@pytest.fixture(scope="module")
def reference():
    return printed({})


@pytest.mark.again
def test_another_seed_another_kernel_and_two_threads_print_the_same(reference):
    assert len(reference) > 500 and "✓ proved for every n and d" in reference
    assert printed(ALL_AT_ONCE) == reference


@pytest.mark.long
@pytest.mark.parametrize("condition", matrix.CONDITIONS)
def test_every_condition_of_the_matrix_prints_the_same(condition, reference):
    assert printed(matrix.CONDITIONS[condition]) == reference


def test_the_oldest_row_of_the_matrix_is_the_lower_bound_of_every_dependency():
    project = tomllib.loads((matrix.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = dict(line.split("==") for line in matrix.requirements("oldest", "3.11"))
    assert {f"{name}>={wanted[name]}"
            for name in ["numpy", "sympy", "matplotlib", "ipython", "ipywidgets"]} <= set(
project["dependencies"])
    assert ">=" + matrix.PYTHONS[0] == project["requires-python"]


def test_the_page_of_versions_speaks_of_what_the_matrix_runs():
    text = (matrix.ROOT / "docs" / "versions.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (oldest|pinned|newest) +\| (3\.\d+)\.\d+ \| (\S+)", text, re.MULTILINE)
    assert rows and {python for _, python, _ in rows} <= set(matrix.PYTHONS)
    oldest = {numpy for packages, python,
              numpy in rows if packages == "oldest" and python == matrix.PYTHONS[0]}
    assert oldest == {matrix.oldest(matrix.PYTHONS[0])["numpy"] + ".0"}


@pytest.mark.long
def test_a_failed_row_makes_the_matrix_red(tmp_path):
    (tmp_path / "test_it.py").write_text("def test_it():\n    assert False\n", encoding="utf-8")
    counts, _, done = matrix.run(sys.executable, tmp_path, {}, ["-p", "no:hypothesispytest", "."])
    assert counts == "1 failed" and done.returncode
