"""Run all tests and all notebooks on other versions and under other conditions: `make matrix`.

Versions: on each Python that is found, the oldest packages that pyproject.toml admits and those
that requirements.txt pins; the newest released too, where they are others than the pinned.
Conditions, on the pinned packages: hash seeds, BLAS threads and BLAS kernels. Everywhere the stored
outputs of the notebooks are compared with fresh ones, to the last character. The result is a table,
docs/versions.md holds the last one; the run is red if one of its rows is.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path

from tree import ROOT, copy_of_the_tree

PYTHONS = ["3.11", "3.12", "3.13"]
# What no other package asks for in so old a version, and the first release with a wheel for a newer
# Python.
ALSO_OLDEST = {"jupyterlab": "4.0.0", "jupyter": "1.0.0"}
FIRST_WHEEL = {"3.12": {"ipython": "8.18.0"},
               "3.13": {"numpy": "2.1.0", "matplotlib": "3.9.2", "ipython": "8.18.0"}}
SHOWN = ["numpy", "sympy", "matplotlib", "ipython", "ipywidgets", "jupyterlab"]
CONDITIONS = {
    "hash seed 0": {"PYTHONHASHSEED": "0"}, "hash seed 1": {"PYTHONHASHSEED": "1"},
    "hash seed 2": {"PYTHONHASHSEED": "2"},
    "hash seed 4294967295": {"PYTHONHASHSEED": "4294967295"},
    "two BLAS threads": {"OPENBLAS_NUM_THREADS": "2"},
    "BLAS kernel Haswell": {"OPENBLAS_CORETYPE": "Haswell"},
    "BLAS kernel Sandybridge": {"OPENBLAS_CORETYPE": "Sandybridge"},
    "BLAS kernel Nehalem": {"OPENBLAS_CORETYPE": "Nehalem"},
}


def pinned():
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split("==") for line in lines if "==" in line)


def oldest(python):
    """{package: version} at the lower bounds of pyproject.toml; what runs the tests is as
    pinned."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    bounds = dict(re.fullmatch(r"([a-z]+)>=([\d.]+)", line).groups()
                  for line in project["dependencies"])
    runners = {name: version for name,
               version in pinned().items() if name in ("pytest", "nbval", "autograd", "hypothesis")}
    return {**bounds, **ALSO_OLDEST, **runners, **FIRST_WHEEL.get(python, {})}


def requirements(packages, python):
    """What pip is asked for: a bound such as 2.0 means the very first 2.0."""
    if packages == "newest":
        return [name if name not in ("pytest", "nbval") else f"{name}=={version}" for name,
                version in pinned().items()]
    wanted = pinned() if packages == "pinned" else oldest(python)
    return [f"{name}=={version}" for name, version in wanted.items()]


def interpreter(python):
    found = sorted((Path.home() / ".pyenv" / "versions").glob(f"{python}.*/bin/python"))
    return shutil.which(f"python{python}") if not found else str(found[-1])


def environment(folder, packages, python):
    """The Python of a virtual environment with these packages, made if it is not there yet."""
    home = folder / f"{packages}-{python}"
    if not (home / "ready").exists():
        shutil.rmtree(home, ignore_errors=True)
        subprocess.run([interpreter(python), "-m", "venv", home], check=True)
        install = [home / "bin" / "python", "-m", "pip", "install", "--quiet",
                   "--disable-pip-version-check"]
        subprocess.run([*install, "pyyaml", *requirements(packages, python)], check=True,
                       stderr=subprocess.DEVNULL)
        (home / "ready").touch()
    return home / "bin" / "python"


def versions(python):
    """The versions that are installed, asked of the environment itself."""
    code = (
        f"import importlib.metadata as m, sys; print(sys.version.split()[0], *map(m.version, "
        f"{SHOWN}))")
    return subprocess.run([python, "-c", code], capture_output=True, text=True,
                          check=True).stdout.split()


def run(python, tree, settings, arguments):
    """(in one word how it went, how long it took, the end of what pytest said)."""
    environ = {**os.environ, "PYTHONPATH": str(tree), "OPENBLAS_NUM_THREADS": "1",
               "PYTHONHASHSEED": "1",
               "PYTHONDONTWRITEBYTECODE": "1", **settings}
    start = time.monotonic()
    command = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    done = subprocess.run(command, cwd=tree, env=environ, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    counts = re.findall(r"\d+ (?:passed|failed|skipped|error)", done.stdout.splitlines()[-1])
    return ", ".join(counts) or f"exit {done.returncode}", time.monotonic() - start, done


def table(rows, head):
    """Markdown that a terminal can read too."""
    widths = [max(len(str(row[column])) for row in [head, *rows]) for column in range(len(head))]
    ruled = [head, ["-"*width for width in widths], *rows]
    return "\n".join("| " + " | ".join(str(cell).ljust(width) for cell, width in zip(row, widths))
                     + " |" for row in ruled)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pythons", nargs="+", default=PYTHONS)
    parser.add_argument("--packages", nargs="*", default=["oldest", "pinned", "newest"],
                        choices=["oldest", "pinned", "newest"])
    parser.add_argument("--conditions", nargs="*", default=list(CONDITIONS),
                        help="their names; none: versions only")
    parser.add_argument("--environments", type=Path,
                        help="keep the virtual environments here; otherwise they are temporary")
    parser.add_argument("--skip-tests", action="store_true", help="the notebooks only")
    options = parser.parse_args(arguments)
    suites = [["notebooks"]] if options.skip_tests else [["tests"], ["notebooks"]]
    rows, conditions, failed = [], [], []

    def measure(python, settings, suites):
        results = [run(python, tree, settings, suite) for suite in suites]
        failed.extend(done.stdout[-4000:] for *_, done in results if done.returncode)
        return [f"{counts} in {seconds:.0f} s" for counts, seconds, _ in results]

    with tempfile.TemporaryDirectory() as name:
        tree, home = Path(name) / "tree", options.environments or Path(name) / "environments"
        copy_of_the_tree(tree)
        for python in options.pythons:
            if not interpreter(python):
                print(f"Python {python} is not on this machine", flush=True)
                continue
            seen = []
            for packages in options.packages:
                executable = environment(home, packages, python)
                found = versions(executable)
                if found not in seen:
                    rows.append([packages, *found, *measure(executable, {}, suites)])
                    print(*rows[-1], sep=" | ", flush=True)
                    seen.append(found)
        executable = environment(home, "pinned", options.pythons[0]) if options.conditions else None
        for condition in options.conditions:
            conditions.append([condition,
                               *measure(executable, CONDITIONS[condition], [["notebooks"]])])
            print(*conditions[-1], sep=" | ", flush=True)
    suite_names = [suite for suite, in suites]
    print("", table(rows, ["packages", "Python", *SHOWN, *suite_names]), "", sep="\n")
    print(table(conditions, ["condition", "notebooks"]), *failed, sep="\n")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
