"""The helpers are in layers: a module imports only from modules below it, and the taught models import NumPy alone."""

import ast
import sys
from pathlib import Path

import pytest

HELPERS = Path(__file__).resolve().parent.parent / "helpers"
BELOW = {
    "checks": set(), "expressions": set(), "data": set(), "figures": {"checks"}, "numeric": {"checks"}, "linear": {"checks"},
    "network": {"checks"}, "textbook": {"expressions"}, "equality": {"expressions"},
    "evaluation": {"expressions", "equality", "textbook"}, "mistakes": {"chain", "expressions", "textbook"},
    "concordance": set(), "errata": {"derivation", "textbook"},
    "witnesses": {"derivation", "equality", "evaluation", "expressions", "numeric", "textbook"},
    "derivation": {"expressions", "textbook", "equality", "evaluation", "mistakes"},
    "chain": {"expressions", "textbook"}, "cures": set(),
    "judge": {"chain", "derivation", "equality", "evaluation", "expressions", "mistakes", "textbook"},
    "exercises": {"expressions", "textbook", "cures", "judge"}, "updates": {"checks", "numeric"},
    "stepper": {"checks", "network"}, "training": {"checks", "linear", "network", "stepper"},
    "peers": {"checks", "stepper", "training"},
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


@pytest.mark.parametrize("name", ["linear", "network", "stepper", "training"])
def test_the_taught_models_and_their_training_need_numpy_alone(name):
    outside = {module.split(".")[0] for module in imported(HELPERS / f"{name}.py")}
    assert outside <= {"numpy", "helpers"} | sys.stdlib_module_names
