"""Every derivation of every notebook, collected by running those statements of a notebook on which
its derivations depend.

Figures, training and widgets are left out, so that all notebooks together take seconds. That
nothing is missed is tested: the ledger of such a run must have the derivations and the lines that
the stored ledger of the notebook has.
"""

import ast
import builtins
import contextlib
import io
import json
import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from derivations import derivation as engine

MAKERS = {"Derivation"}
NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("*.ipynb"))


@dataclass
class Statement:
    """A top-level statement of a notebook: its syntax tree, the id of its cell, and the names that
    it binds and reads."""

    node: ast.stmt
    cell: str
    binds: set = field(default_factory=set)
    reads: set = field(default_factory=set)
    touches: set = field(default_factory=set)
    calls: set = field(default_factory=set)


def statements_of(path):
    """The statements of a notebook from top to bottom."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    sources = [(cell["id"], "".join(cell["source"])) for cell in cells
               if cell["cell_type"] == "code"]
    return [_statement(node, cell) for cell, source in sources for node in ast.parse(source).body]


def _statement(node, cell):
    statement = Statement(node, cell)
    for part in ast.walk(node):
        if isinstance(part, ast.Name):
            (statement.reads if isinstance(part.ctx, ast.Load) else statement.binds).add(part.id)
        elif isinstance(part, ast.Call):
            statement.calls.add(getattr(part.func, "attr", getattr(part.func, "id", None)))
        elif isinstance(part, (ast.Import, ast.ImportFrom)):
            statement.binds |= {(alias.asname or alias.name).split(".")[0] for alias in part.names}
        elif isinstance(part, (ast.FunctionDef, ast.ClassDef)):
            statement.binds.add(part.name)
        elif isinstance(part, (ast.Subscript, ast.Attribute)) and not isinstance(
            part.ctx, ast.Load):
            statement.touches.add(_root(part))
        elif isinstance(part, ast.AugAssign):
            statement.touches.add(_root(part.target))
            statement.reads.add(_root(part.target))
        elif isinstance(part, ast.Expr) and isinstance(
            part.value, ast.Call) and isinstance(part.value.func, ast.Attribute):
            statement.touches.add(_root(part.value.func))  # table.append(...)
    statement.binds -= counters(node)
    return statement


def counters(node):
    """The names that only count through a loop or a comprehension."""
    targets = (part.target for part in ast.walk(node)
               if isinstance(part, (ast.For, ast.comprehension)))
    return {name.id for target in targets for name in ast.walk(target)
            if isinstance(name, ast.Name)}


def _root(node):
    while isinstance(node, (ast.Attribute, ast.Subscript, ast.Call)):
        node = node.func if isinstance(node, ast.Call) else node.value
    return getattr(node, "id", None)


def shows_a_refusal(node):
    """Is it a wrong version, shown as refused?"""
    return (isinstance(node, ast.Try) or isinstance(node, ast.With)
            and any("refused" in ast.unparse(i) for i in node.items))


def derives(statement, makers):
    """Does it prove something: make a Derivation, or call a function of the notebook that does?"""
    wrong_or_later = shows_a_refusal(statement.node) or isinstance(statement.node, ast.FunctionDef)
    return not wrong_or_later and bool(statement.calls & makers)


def needed_statements(statements):
    """The derivations, and all that they depend on, in their order; each with whether it is a
    derivation."""
    makers = set(MAKERS)
    # figures.show(...) changes nothing in the module that it is called of
    modules = {name for s in statements if isinstance(s.node, (ast.Import, ast.ImportFrom))
               for name in s.binds}
    functions = {s.node.name: s for s in statements if isinstance(s.node, ast.FunctionDef)}
    for _ in functions:
        makers |= {name for name, s in functions.items() if s.calls & makers}
    needed, kept = set(), []
    for statement in reversed(statements):
        proves = derives(statement, makers)
        if not proves and not (statement.binds | statement.touches - modules) & needed:
            continue
        if isinstance(statement.node,
                      (ast.Assign, ast.Import, ast.ImportFrom, ast.FunctionDef, ast.With)):
            needed -= statement.binds - statement.touches
        needed |= statement.reads
        for name in sorted(statement.reads & functions.keys()):
            needed |= functions[name].reads
        kept.append((statement, proves))
    return kept[::-1]


@dataclass
class Collected:
    """What the derivations of one notebook are, and the names as they stand before each of its
    statements."""

    path: Path
    derivations: list
    ledger: engine.Ledger
    runs: list  # (statement, the namespace before it), for each statement that proves something


@cache
def collect(path):
    """Run what is needed of one notebook, and keep each derivation that it proves and enters in the
    ledger."""
    namespace = {"__name__": "__main__", "__builtins__": builtins, "display": lambda *shown: None}
    mine, runs = engine.Ledger(), []
    kept, engine.ledger = engine.ledger, mine
    proved = []
    mine.record = lambda derivation: (proved.append(derivation),
                                      engine.Ledger.record(mine, derivation))
    try:
        for statement, proves in needed_statements(statements_of(path)):
            if proves:
                runs.append((statement, dict(namespace)))
            run(statement.node, namespace)
    finally:
        engine.ledger = kept
    return Collected(path, list(mine.derivations), mine, runs)


def run(node, namespace):
    """Execute one statement; what it prints is not looked at."""
    with contextlib.redirect_stdout(io.StringIO()):
        exec(compile(ast.Module([node], []), "<notebook>", "exec"), namespace)


def stored_counts(path):
    """(derivations, lines) of the ledger at the end of a notebook, as it is stored."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    (output,) = cells[-1]["outputs"]
    return tuple(map(int, re.match(r"Ledger: (\d+) derivations, (\d+) lines",
                                   "".join(output["data"]["text/plain"])).groups()))
