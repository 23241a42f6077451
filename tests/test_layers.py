"""The helpers are in layers: a module imports only from modules below it, and the taught models import NumPy alone."""

import ast
from pathlib import Path

import pytest

HELPERS = Path(__file__).resolve().parent.parent / "helpers"
BELOW = {
    "checks": set(), "expressions": set(), "data": set(), "figures": set(), "numeric": {"checks"}, "linear": {"checks"},
    "network": {"checks"}, "textbook": {"expressions"}, "equality": {"expressions"},
    "evaluation": {"expressions", "equality", "textbook"}, "mistakes": {"expressions", "textbook"},
    "derivation": {"expressions", "textbook", "equality", "evaluation", "mistakes"},
    "exercises": {"expressions", "textbook", "derivation"}, "updates": {"checks", "numeric"},
}


def imported(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and not node.level:
            yield from (f"helpers.{a.name}" for a in node.names) if node.module == "helpers" else [node.module]
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


@pytest.mark.parametrize("path", sorted(HELPERS.glob("[a-z]*.py")), ids=lambda path: path.stem)
def test_no_import_points_up(path):
    inside = {name.split(".")[1] for name in imported(path) if name.startswith("helpers.")}
    if path.stem == "expressions":
        inside -= {"textbook"}  # a definition shows itself; it asks the printer only when it is shown
    assert inside <= BELOW[path.stem]


@pytest.mark.parametrize("name", ["linear", "network"])
def test_the_taught_models_import_numpy_and_the_checks_alone(name):
    outside = {module.split(".")[0] for module in imported(HELPERS / f"{name}.py")}
    assert outside <= {"numpy", "typing", "helpers", "dataclasses"}
