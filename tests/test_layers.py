"""Who imports whom, where import-linter does not look: the tools, and what the small module and
gradcheck need."""

import ast
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TOOLS = {path.stem: path for path in (ROOT / "tools").glob("*.py")}


def imported(path):
    """The top-level names of the modules that a file imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module.split(".")[0]
        elif isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)


def test_no_tool_imports_itself_by_way_of_others():
    TopologicalSorter({name: set(imported(path)) & TOOLS.keys() for name,
                       path in TOOLS.items()}).prepare()


@pytest.mark.parametrize("name, needs", [
    ("helpers/network.py", {"numpy"}), ("helpers/linear.py", {"numpy"}),
    ("helpers/training.py", {"numpy"}),
    ("helpers/fast_step.py", {"numpy"}), *((f"gradcheck/{path.name}", {"numpy", "mpmath"})
                                           for path in (ROOT / "gradcheck").glob("*.py"))])
def test_what_a_reader_carries_off_needs_little(name, needs):
    outside = set(imported(ROOT / name)) - sys.stdlib_module_names
    assert outside <= needs | {Path(name).parts[0]}
