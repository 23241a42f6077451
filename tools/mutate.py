"""Change the code of a module in one small place after another, and count what no test notices.

    python tools/mutate.py                                  # a sample of every module of TESTS
    python tools/mutate.py derivations/conditions.py        # of one of them
    python tools/mutate.py helpers/linear.py --sample 0     # every mutant that there is

Cosmic Ray says what can be changed; nothing on the disk is. Each mutant lives in a process of its
own, forked from one in which the large packages are imported already, so that it costs little more
than its tests. Survivors are printed as the lines that differ.
"""

import argparse
import difflib
import importlib.abc
import importlib.util
import os
import random
import resource
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TESTS = {  # a module, and the tests that alone must notice its mutants
    "derivations/conditions.py": ["derivations/test_conditions.py"],
    "derivations/induction.py": ["derivations/test_induction.py"],
    "derivations/numbered.py": ["derivations/test_derivation.py"],
    "gradcheck/causes.py": ["gradcheck/test_check.py", "gradcheck/test_report.py",
                            "gradcheck/test_update.py", "-k", "named or told or factor or cause"],
    "gradcheck/stated.py": ["gradcheck/test_mistakes_named.py"],
    "exercises/guess.py": ["exercises/test_check.py", "-k", "predict or agree or names"],
    "helpers/linear.py": ["helpers/test_linear.py", "test_bad_input.py"],
}
MOST_SECONDS = 60  # of processor time; a mutant that needs more goes round in circles
QUICKLY = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:nbval",
           "-o", "addopts=--import-mode=importlib --strict-markers -m 'not long'"]


def mutants(code):
    """Every changed text of a module that Cosmic Ray can make, as ((operator, place), text)."""
    from cosmic_ray.ast import ast_nodes, get_ast
    from cosmic_ray.mutating import mutate_code
    from cosmic_ray.plugins import get_operator, operator_names

    nodes = list(ast_nodes(get_ast(code)))
    for name in operator_names():
        if get_operator(name).arguments():
            continue
        operator = get_operator(name)()
        places = sum(len(list(operator.mutation_positions(node))) for node in nodes)
        for place in range(places):
            yield (name, place), mutate_code(code, operator, place)


class Instead(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Imports one module from a text in the place of its file."""

    def __init__(self, module, text):
        self.module, self.text = module, text

    def find_spec(self, name, path=None, target=None):
        if name != self.module:
            return None
        origin = ROOT / f"{name.replace('.', '/')}.py"
        return importlib.util.spec_from_file_location(name, origin, loader=self)

    def get_source(self, name):
        return self.text

    def get_filename(self, name):
        return str(ROOT / f"{name.replace('.', '/')}.py")

    def exec_module(self, module):
        exec(compile(self.text, self.get_filename(module.__name__), "exec"), module.__dict__)


def status(module, text, tests):
    """What pytest says of a text of the module, in a process of its own: 0 if all is well."""
    child = os.fork()
    if not child:
        silence = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silence, 1), os.dup2(silence, 2)
        spent = int(sum(os.times()[:2]))
        resource.setrlimit(resource.RLIMIT_CPU, (spent + MOST_SECONDS,)*2)
        sys.meta_path.insert(0, Instead(module, text))
        try:
            import pytest
            os._exit(int(pytest.main([*QUICKLY, *tests])))
        finally:
            os._exit(1)
    return os.waitpid(child, 0)[1]


def warm_up():
    """The packages that every child needs, none of them ours."""
    os.chdir(ROOT)
    os.environ["PYTHONPATH"] = str(ROOT)
    sys.path[:0] = [str(ROOT)]
    import autograd  # noqa: F401
    import hypothesis  # noqa: F401
    import IPython  # noqa: F401
    import matplotlib.pyplot  # noqa: F401
    import pytest  # noqa: F401
    import sympy  # noqa: F401


def survivors(path, sample, seed):
    """Print each mutant of the sample that its tests let pass; return (tried, killed)."""
    code, module = (ROOT / path).read_text(), path.removesuffix(".py").replace("/", ".")
    tests = [f"tests/{name}" if name.endswith(".py") else name for name in TESTS[path]]
    if status(module, code, tests):
        sys.exit(f"{path}: its tests fail on the code as it is: pytest -x {' '.join(tests)}")
    # One change can have several names.
    drawn = sorted({text: name for name, text in mutants(code) if text != code}.items(),
                   key=lambda mutant: mutant[1])
    if sample and sample < len(drawn):
        drawn = random.Random(seed).sample(drawn, sample)
    killed = 0
    for text, (operator, place) in drawn:
        if status(module, text, tests):
            killed += 1
            continue
        changes = difflib.unified_diff(code.splitlines(), text.splitlines(), "", "", "", "", 0, "")
        print(f"{path}: {operator.split('/')[1]} {place}", *list(changes)[2:], sep="\n", flush=True)
    return len(drawn), killed


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("modules", nargs="*", choices=[[], *TESTS], default=[])
    parser.add_argument("--sample", type=int, default=60, help="mutants a module, 0: all")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    warm_up()
    for path in options.modules or TESTS:
        tried, killed = survivors(path, options.sample, options.seed)
        print(f"| {path} | {tried} | {killed} |", flush=True)


if __name__ == "__main__":
    main()
