"""Mutate the helpers, and see whether their tests notice: `make mutate`, or `python tools/mutate.py equality derivation`.

Cosmic Ray's operators make the mutants: another operator, comparison or number, a condition turned round, a loop that never
runs, an exception that is never caught. Each mutant replaces its module in a copy of the tree and the tests of that module
run on it until one fails: first those that execute the changed line, then all. What no test notices must stand in
docs/survivors.md with the reason why no test can; otherwise the run is red.
"""

import argparse
import difflib
import importlib
import json
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import coverage
from cosmic_ray import plugins
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from tree import ROOT, copy_of_the_tree

SURVIVORS = ROOT / "docs" / "survivors.md"
TESTS = {  # the tests that speak of a module, the fastest that kill most first
    "equality": ["equality", "expressions", "derivation"],
    "derivation": ["derivation", "logistic", "textbook", "bad_input"],
    "numeric": ["numeric", "linear", "updates", "bad_input"],
    "network": ["network", "logistic", "stepper", "bad_input"],
    "exercises": ["exercises", "exercises_in_notebooks", "bad_input"],
    "expressions": ["expressions", "equality"],
    "evaluation": ["evaluation", "derivation"],
    "updates": ["updates"],
    "mistakes": ["mistakes", "derivation"],
    "textbook": ["textbook"],
}
LIBRARIES = ["numpy", "sympy", "mpmath", "autograd.numpy", "hypothesis", "matplotlib.pyplot", "pytest", "nbformat", "yaml"]
# Of an operator's replacements these are run: its opposite, and the next comparison. --all runs the other nine or so too.
USUAL = {"Add_Sub", "Sub_Add", "Mul_Div", "Div_Mul", "Pow_Mul", "FloorDiv_Div", "Mod_Div", "MatMul_Mul", "BitOr_BitAnd",
         "BitAnd_BitOr", "Eq_NotEq", "NotEq_Eq", "Lt_LtE", "Lt_GtE", "LtE_Lt", "LtE_Gt", "Gt_GtE", "Gt_LtE", "GtE_Gt",
         "GtE_Lt", "Is_IsNot", "IsNot_Is", "Delete_Not", "Delete_USub", "USub_UAdd"}
SECONDS, MEMORY = 240, 6 * 2**30


def mutants(source, everything):
    """(source of the mutant, number of the line it changes, that line, what it becomes); each source once.

    Statement by statement of the module, since an operator parses again for each of its mutants.
    """
    seen, before = {source}, ""
    for statement in ast_nodes(get_ast(source)):
        if statement.parent is None or statement.parent.type != "file_input":
            continue
        part = statement.get_code()
        behind = source[len(before) + len(part):]
        for changed_part in changed_parts(part, everything):
            mutant = before + changed_part + behind
            if mutant not in seen:
                seen.add(mutant)
                line, *change = changed(part, changed_part)
                yield mutant, before.count("\n") + line, *change
        before += part


def changed_parts(part, everything):
    tree = get_ast(part)
    for name in sorted(plugins.operator_names()):
        operator = plugins.get_operator(name)
        if operator.arguments() or not everything and re.search("(Binary|Comparison|Unary)Operator_", name) and not usual(name):
            continue
        for occurrence in range(sum(len(list(operator().mutation_positions(node))) for node in ast_nodes(tree))):
            mutant = mutate_code(part, operator(), occurrence)
            if mutant:
                yield mutant


def usual(name):
    return name.partition("Operator_")[2] in USUAL


def changed(source, mutant):
    """The first line that differs, before and after; a removed line becomes nothing."""
    before, after = source.splitlines(), mutant.splitlines()
    for tag, a, b, c, d in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag != "equal":
            return a + 1, " ".join(map(str.strip, before[a:b])), " ".join(map(str.strip, after[c:d]))


def covering(folder, module, tests):
    """{line of the module: the tests that execute it}; a line that runs while the module is imported is not in it."""
    settings = folder / "coveragerc"
    settings.write_text("[run]\ndynamic_context = test_function\n")
    here = [sys.executable, "-m", "coverage"]
    subprocess.run([*here, "run", f"--rcfile={settings}", f"--include=helpers/{module}.py", "-m", "pytest", "-q",
                    "-o", "addopts=", "-p", "no:cacheprovider", *tests], cwd=folder, capture_output=True)
    # Not asked how it went: a test that looks at the clock may fail while every line is noted.
    data = coverage.CoverageData(folder / ".coverage")
    data.read()
    found = {}
    for line, contexts in data.contexts_by_lineno(str((folder / "helpers" / f"{module}.py").resolve())).items():
        if "" not in contexts:
            found[line] = sorted({"tests/" + ".py::".join(context.split(".")[:2]) for context in contexts})
    return found


def notices(folder, tests):
    """Do the tests fail on what stands in the folder? Runs in a process of its own, with the libraries already imported."""
    child = os.fork()
    if child == 0:
        os.setsid()
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
        os.chdir(folder)
        sys.dont_write_bytecode = False     # else each run compiles all tests again
        sys.path[:0] = [str(folder), str(folder / "tests"), str(folder / "tools")]
        with open(folder / "log", "w") as log:
            os.dup2(log.fileno(), 1)
            os.dup2(log.fileno(), 2)
        pytest = importlib.import_module("pytest")
        code = pytest.main(["-x", "-q", "--tb=line", "-o", "addopts=", "-p", "no:cacheprovider", *tests])
        sys.stdout.flush()
        os._exit(int(code))
    deadline = time.monotonic() + 3 * SECONDS
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return status != 0
        time.sleep(0.02)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return True


def run(module, folder, mutated, log, only_covering):
    """The survivors among the mutants, as (line number, line, what it became)."""
    path, tests = folder / "helpers" / f"{module}.py", [f"tests/test_{name}.py" for name in TESTS[module]]
    tests = [name for name in tests if (folder / name).exists()]
    executing, survivors = covering(folder, module, tests), []
    for count, (mutant, *change) in enumerate(mutated, 1):
        for stale in (path.parent / "__pycache__").glob(f"{module}.*"):  # two mutants of one second and one length look alike
            stale.unlink()
        path.write_text(mutant, encoding="utf-8")
        first = executing.get(change[0], [])
        killed = bool(first) and notices(folder, first) or not (first and only_covering) and notices(folder, tests)
        if not killed:
            survivors.append(change)
            print(f"  {module}:{change[0]} survived: {change[1]}\n{'':14}became {change[2]}", flush=True)
        if log:
            log.write(json.dumps([module, *change, killed]) + "\n")
            log.flush()
        if count % 100 == 0:
            print(f"  {module}: {count} of {len(mutated)} run", flush=True)
    path.write_text((ROOT / "helpers" / path.name).read_text(encoding="utf-8"), encoding="utf-8")
    return survivors


def explained():
    """The mutants that docs/survivors.md argues, as pairs (line, what it became) in backquotes.

    Where the second is `other numbers`, the line is argued whichever of its numbers is another one: see `without_numbers`.
    """
    rows = [line.split(" | ") for line in SURVIVORS.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    return {(row[0].strip("| `"), row[1].strip("| `")) for row in rows}


def is_argued(before, after, known):
    before, after = as_row(before), as_row(after)
    numbers_only = without_numbers(before) == without_numbers(after)
    return (before, after) in known or numbers_only and (before, "other numbers") in known


def without_numbers(line):
    return re.sub(r"(?<![\w.])-?\d[\d._]*(e-?\d+)?", "#", line.replace(" ", ""))


def logged(path):
    return [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]


def as_row(text):
    return text.replace("|", "\\|").strip("` ")


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("modules", nargs="*", default=["equality", "derivation", "numeric", "network", "exercises"])
    parser.add_argument("--all", action="store_true", help="also the replacements that are left out as a rule")
    parser.add_argument("--sample", type=int, metavar="N", help="at most N mutants of a module, drawn with a fixed seed")
    parser.add_argument("--lines", metavar="FILE", help="only the mutants that this log of an earlier run calls survivors")
    parser.add_argument("--skip", metavar="FILE", help="not the mutants that stand in this log of an earlier run")
    parser.add_argument("--log", type=argparse.FileType("a"), help="write one JSON line for each mutant")
    parser.add_argument("--only-covering", action="store_true", help="for a first look: only the tests that execute the line")
    options = parser.parse_args(arguments)
    for library in LIBRARIES:
        importlib.import_module(library)
    again = {(row[0], *row[2:4]) for row in logged(options.lines) if not row[4]} if options.lines else None
    done = {(row[0], *row[2:4]) for row in logged(options.skip)} if options.skip else set()
    unexplained = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        copy_of_the_tree(folder)
        for module in options.modules:
            source = (ROOT / "helpers" / f"{module}.py").read_text(encoding="utf-8")
            every = list(mutants(source, options.all))
            chosen = [m for m in every if (again is None or (module, *m[2:]) in again) and (module, *m[2:]) not in done]
            if options.sample and options.sample < len(chosen):
                chosen = random.Random(module).sample(chosen, options.sample)
            if notices(folder, [f"tests/test_{t}.py" for t in TESTS[module] if (folder / f"tests/test_{t}.py").exists()]):
                sys.exit(f"the tests of {module} fail without any mutation:\n" + (folder / "log").read_text()[-3000:])
            survivors = run(module, folder, chosen, options.log, options.only_covering)
            known = explained()
            argued = [s for s in survivors if is_argued(*s[1:], known)]
            unexplained += len(survivors) - len(argued)
            print(f"{module}: {len(chosen)} of {len(every)} mutants run, {len(chosen) - len(survivors)} killed, {len(argued)} "
                  f"survivors argued in docs/survivors.md, {len(survivors) - len(argued)} not explained", flush=True)
    return int(unexplained > 0)


if __name__ == "__main__":
    sys.exit(main())
