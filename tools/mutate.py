"""Mutate the helpers, and see whether their tests notice: `make mutate`, or `python tools/mutate.py equality derivation`.

Cosmic Ray's operators make the mutants: another operator, comparison or number, a condition turned round, a loop that never
runs, an exception that is never caught. The tests of a module are collected once; for each mutant a process is forked, the
mutated code takes the place of the module in it, and the tests run until one fails: first those that execute the changed
line, the quick ones before the slow, then all others. What no test notices must stand in docs/survivors.md with the reason
why no test can; otherwise the run is red.
"""

import argparse
import difflib
import importlib
import json
import os
import pickle
import random
import re
import resource
import signal
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from types import FunctionType, GetSetDescriptorType, MemberDescriptorType

import coverage
from cosmic_ray import plugins
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from tree import ROOT, copy_of_the_tree

SURVIVORS = ROOT / "docs" / "survivors.md"
TESTS = {  # the tests that speak of a module, the fastest that kill most first
    "equality": ["equality", "expressions", "derivation"],
    "derivation": ["derivation", "logistic", "textbook", "bad_input"],
    "numeric": ["numeric", "gradient_report", "linear", "updates", "bad_input"],
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
MEMORY = 6 * 2**30


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


def graft(module, source):
    """Put the mutated source in the place of the module, under the hands of all who have imported from it."""
    before = dict(vars(module))
    exec(compile(source, module.__file__, "exec"), vars(module))
    for name, old in before.items():
        new = vars(module)[name]
        if new is not old and getattr(old, "__module__", module.__name__) == module.__name__:
            vars(module)[name] = grafted(old, new)
            if vars(module)[name] is not old:           # it could not be changed in place
                for other in list(sys.modules.values()):
                    for key in [key for key, value in list(vars(other).items()) if value is old]:
                        setattr(other, key, vars(module)[name])


def grafted(old, new):
    """The old object with the content of the new one."""
    if old is new:      # a class of another module, as an attribute
        return old
    if isinstance(old, type) and isinstance(new, type):
        for name in vars(old).keys() - vars(new).keys():        # what a decorator of the class has added
            delattr(old, name)
        for name, value in list(vars(new).items()):
            if not isinstance(value, (MemberDescriptorType, GetSetDescriptorType)):     # __dict__, __weakref__ and slots
                setattr(old, name, grafted(vars(old)[name], value) if name in vars(old) else value)
        return old
    if isinstance(old, FunctionType) and isinstance(new, FunctionType) and old.__code__.co_freevars == new.__code__.co_freevars:
        old.__code__, old.__defaults__, old.__kwdefaults__ = new.__code__, new.__defaults__, new.__kwdefaults__
        for mine, other in zip(old.__closure__ or (), new.__closure__ or ()):   # the function under a decorator
            if isinstance(mine.cell_contents, FunctionType):
                mine.cell_contents = grafted(mine.cell_contents, other.cell_contents)
        return old
    if isinstance(old, dict) and isinstance(new, dict):
        old.clear()
        old.update(new)
        return old
    if hasattr(old, "cache_clear") and hasattr(new, "__wrapped__"):
        old.cache_clear()
        grafted(old.__wrapped__, new.__wrapped__)
        return old
    return new


class Trial:
    """A plugin of pytest: once the tests are collected, try mutant after mutant, each in a process of its own."""

    def __init__(self, module, mutants, note, only_covering):
        self.module, self.mutants, self.note, self.only_covering, self.failed = module, mutants, note, only_covering, False

    def pytest_runtest_logreport(self, report):
        self.failed |= report.failed

    def pytest_runtestloop(self, session):
        sys.stdout.flush()
        self.module = importlib.import_module(f"helpers.{self.module}")
        covering, seconds = self.in_child(lambda: self.measure(session.items))
        everything = sum(seconds.values())
        items = {item.nodeid: item for item in sorted(session.items, key=lambda item: seconds[item.nodeid])}
        for mutant, *change in self.mutants:
            first = [item for name, item in items.items() if name in covering.get(change[0], ())]
            rest = [item for item in items.values() if item not in first] if not (first and self.only_covering) else []
            self.note(change, self.in_child(partial(self.notices, mutant, [*first, *rest]), 10 + 2 * everything))
        return True

    def measure(self, items):
        """({line: names of the tests that execute it}, {name of a test: seconds}); a line that runs at import is not in it."""
        coverage_ = coverage.Coverage(data_file=None, include=[self.module.__file__])
        seconds = {}
        coverage_.start()
        for item, following in zip(items, [*items[1:], None]):
            coverage_.switch_context(item.nodeid)
            start = time.process_time()
            item.ihook.pytest_runtest_protocol(item=item, nextitem=following)
            seconds[item.nodeid] = time.process_time() - start
        coverage_.stop()
        lines = coverage_.get_data().contexts_by_lineno(self.module.__file__)
        return {line: set(names) for line, names in lines.items() if "" not in names}, seconds

    def notices(self, mutant, items):
        """Does a test fail? What fails while the mutant is imported is noticed too."""
        graft(self.module, mutant)
        for item, following in zip(items, [*items[1:], None]):
            item.ihook.pytest_runtest_protocol(item=item, nextitem=following)
            if self.failed:
                return True
        return False

    def in_child(self, work, seconds=10_000):
        """What the work returns, done in a process of its own. None if it comes to no end or breaks down."""
        with tempfile.NamedTemporaryFile() as answer:
            child = os.fork()
            if child == 0:
                os.setsid()
                resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
                resource.setrlimit(resource.RLIMIT_CPU, (int(seconds), int(seconds)))
                try:
                    Path(answer.name).write_bytes(pickle.dumps(work()))
                finally:
                    os._exit(0)
            deadline = time.monotonic() + 10 * seconds
            while not os.waitpid(child, os.WNOHANG)[0]:
                if time.monotonic() > deadline:
                    os.killpg(child, signal.SIGKILL)
                time.sleep(0.005)
            content = answer.read()
        return pickle.loads(content) if content else None


def try_out(module, folder, mutated, log, only_covering):
    """The survivors among the mutants, as (line number, line, what it became). Runs pytest in a process of its own."""
    results = folder / "results"
    child = os.fork()
    if child == 0:
        count = 0

        def note(change, killed):
            nonlocal count
            count += 1
            killed = killed is not False
            row = json.dumps([module, *change, killed]) + "\n"
            for file in filter(None, [log, open(results, "a", encoding="utf-8")]):
                file.write(row)
                file.flush()
            if not killed:
                print(f"  {module}:{change[0]} survived: {change[1]}\n{'':14}became {change[2]}", file=console, flush=True)
            if count % 100 == 0:
                print(f"  {module}: {count} of {len(mutated)} run", file=console, flush=True)

        console = os.fdopen(os.dup(1), "w")
        with open(folder / "log", "w") as quiet:
            os.dup2(quiet.fileno(), 1)
            os.dup2(quiet.fileno(), 2)
        os.chdir(folder)
        sys.path[:0] = [str(folder), str(folder / "tests"), str(folder / "tools")]
        tests = [f"tests/test_{name}.py" for name in TESTS[module] if (folder / f"tests/test_{name}.py").exists()]
        options = ["-q", "--tb=line", "-o", "addopts=", "-m", "not long", "-p", "no:cacheprovider", "--capture=no"]
        importlib.import_module("pytest").main([*options, *tests], plugins=[Trial(module, mutated, note, only_covering)])
        os._exit(0)
    os.waitpid(child, 0)
    rows = logged(results) if results.exists() else []
    results.unlink(missing_ok=True)
    if len(rows) != len(mutated):
        sys.exit(f"{module}: {len(rows)} of {len(mutated)} mutants run; the end of the log:\n"
                 + (folder / "log").read_text(encoding="utf-8")[-3000:])
    return [row[1:4] for row in rows if not row[4]]


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
            # The module as it is must survive, else a test fails on anything.
            as_it_is = (source, 0, "the module", "itself")
            survivors = try_out(module, folder, [as_it_is, *chosen], options.log, options.only_covering)
            if not survivors or list(survivors[0]) != list(as_it_is[1:]):
                sys.exit(f"the tests of {module} fail without any mutation")
            survivors = survivors[1:]
            known = explained()
            argued = [s for s in survivors if is_argued(*s[1:], known)]
            unexplained += len(survivors) - len(argued)
            print(f"{module}: {len(chosen)} of {len(every)} mutants run, {len(chosen) - len(survivors)} killed, {len(argued)} "
                  f"survivors argued in docs/survivors.md, {len(survivors) - len(argued)} not explained", flush=True)
    return int(unexplained > 0)


if __name__ == "__main__":
    sys.exit(main())
