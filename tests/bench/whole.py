"""The speed of the collection itself: every proof beside an earlier state, and its budgets.

    python tests/bench/whole.py           writes the tables into docs/benchmarks.md

Times are CPU seconds of this process, so other work on the machine does not count, but its caches
and clock do: the least of several runs is taken where that is cheap. The proofs are timed while
the notebooks' own cells run, without imports and without figures.
"""

import os
import sys
import time
import warnings
from pathlib import Path

os.environ["OPENBLAS_NUM_THREADS"] = "1"
ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]

import matplotlib  # noqa: E402

matplotlib.use("Agg")

import nbformat  # noqa: E402
import numpy as np  # noqa: E402
from digits import share_right, shared_out  # noqa: E402
from IPython.core.interactiveshell import InteractiveShell  # noqa: E402
from IPython.utils.capture import capture_output  # noqa: E402
from sympy import Mul, Sum, symbols  # noqa: E402

from derivations import (  # noqa: E402
    Definition,
    Derivation,
    Partial,
    activation,
    as_written,
    indexed,
    prove,
)
from helpers import data, fast_step, network, training  # noqa: E402

PAGE, BEGIN, END = ROOT / "docs" / "benchmarks.md", "<!-- whole.py -->", "<!-- /whole.py -->"
ALL, ROUNDS, DIGITS = (
    "every proof of all notebooks, without imports",
    "10,000 rounds of the 2-2-2 network",
    "the digits: load, split, train 64-32-10 until patience ends it, read 97 % of the test right",
)
BUDGETS = {ALL: 2.5, ROUNDS: 0.1, DIGITS: 1.0}
POWER, DEEP = "seven equal sums: (Σx)^7 = Σ…Σ x…x", "five layers of general width, by names"
CHAIN = "04_single_weight_chain_rule"
EARLIER = {ALL: 8.5, CHAIN: 4.3, POWER: 18, DEEP: 100}  # on a quiet machine


class Stopwatch:
    """Adds up the CPU time within a method, counting calls inside calls once; those that raise are
    counted apart."""

    def __init__(self, owner, name):
        self.returned, self.raised, self.depth, method = [], [], 0, getattr(owner, name)

        def timed(*arguments, **options):
            self.depth += 1
            start, ended = time.process_time(), self.raised
            try:
                result = method(*arguments, **options)
                ended = self.returned
                return result
            finally:
                self.depth -= 1
                if self.depth == 0:
                    ended.append(time.process_time() - start)
        setattr(owner, name, timed)


def run(path):
    """The names that a notebook's cells leave behind. Cells that are meant to raise do so in
    peace."""
    shell = InteractiveShell.instance()
    shell.reset(new_session=True)
    os.chdir(path.parent)
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "code":
            with capture_output():
                result = shell.run_cell(cell.source)
            if not result.success and "raises-exception" not in cell.metadata.get("tags", []):
                raise RuntimeError(
                    f"{path.name}, cell {cell.id}: "
                    f"{result.error_in_exec or result.error_before_exec}")
    return dict(shell.user_ns)


def proofs():
    """A stopwatch of all proofs, and {notebook: seconds}."""
    stopwatch, seconds = Stopwatch(Derivation, "prove"), {}
    for path in sorted((ROOT / "notebooks").glob("0*.ipynb")):
        before = sum(stopwatch.returned)
        run(path)
        seconds[path.stem] = sum(stopwatch.returned) - before
        print(f"{path.stem:40s}{seconds[path.stem]:6.2f} s in its proofs", flush=True)
    return stopwatch, seconds


def equal_sums(count=7):
    """A power of a sum, and the sums written out: once they took `count`! orders of the letters."""
    n, letters = symbols("n", integer=True, positive=True), symbols(f"i1:{count + 1}", integer=True)
    x = indexed("x", n)
    with as_written():
        power = Sum(x[letters[0]], (letters[0], 1, n))**count
        nested = Sum(Mul(*(x[i] for i in letters)), *((i, 1, n) for i in letters))
    prove(power, nested)


def layers(depth=5):
    """The delta of the first layer of a deep network, where every name stands for the next."""
    m, (j, k) = symbols("m", integer=True, positive=True), symbols("j k", integer=True)
    g, J = activation("g"), symbols("J", real=True)
    z, a = ([indexed(f"{name}^({layer})", m) for layer in range(depth + 1)] for name in "za")
    w = [indexed(f"w^({layer})", m, m) for layer in range(depth + 1)]
    with as_written():
        given = [Definition(J, Sum(a[depth][j]**2, (j, 1, m))/2)]
        given += [Definition(a[layer][j], g(z[layer][j])) for layer in range(1, depth + 1)]
        given += [Definition(z[layer][j], Sum(w[layer][j, k]*a[layer - 1][k], (k, 1, m)))
                  for layer in range(2, depth + 1)]
        delta = Sum(Partial(J, z[2][k])*w[2][k, j], (k, 1, m))*g.prime(z[1][j])
    prove(Partial(J, z[1][j]), delta, given)


def rounds():
    """One sample, forward and back 10,000 times, by the lean step that training takes."""
    W, b = network.initialise((2, 2, 2), np.random.default_rng(0))
    net = fast_step.Stepper(W, b, "sigmoid", "identity", eta=0.5)
    X, y = net.prepared(np.array([[0.05, 0.1]]), np.array([[0.01, 0.99]]))
    for _ in range(10_000):
        net.step_on(X, y, [0])


def digits():
    """Load, split and train until patience ends it; 97 % of the test digits must then be read
    right."""
    all_digits, rng = data.load_digits(), np.random.default_rng(0)
    (X, y), validation, unseen = ((all_digits.X[rows], np.eye(10)[all_digits.labels[rows]])
                                  for rows in shared_out(all_digits.labels, rng))
    W, b = network.initialise((64, 32, 10), rng)
    history = training.train(X, y, W, b, "tanh", eta=0.1, momentum=0.9, batch_size=32, n_epochs=60,
                             rng=rng,
                             validation=validation, patience=10)
    accuracy = share_right(*unseen, history.W, history.b, "tanh")
    if not accuracy >= 0.97:
        raise AssertionError(f"the digits were read with {accuracy:.1%} only")


def least(function, times_run=5):
    times = []
    for _ in range(times_run):
        start = time.process_time()
        function()
        times.append(time.process_time() - start)
    return min(times)


def tables(stopwatch, seconds, others):
    """What stands on the page: the times beside the earlier ones, and the budgets."""
    measured = {ALL: sum(stopwatch.returned), **seconds, **others}
    rows = ["| what | now, CPU s | before | ratio |", "|---|---|---|---|"]
    for what in (ALL, *seconds, POWER, DEEP):
        now, before = measured[what], EARLIER.get(what)
        ratio = f"{before:g} | {now / before:.3g}" if before else "- | -"
        rows.append(f"| {what} | {now:.2f} | {ratio} |")
    rows += ["", f"{len(stopwatch.returned)} proofs; {len(stopwatch.raised)} wrong lines are "
             f"refused, with a counterexample, in {sum(stopwatch.raised):.2f} s.",
             "", "| what | budget, CPU | share of it |", "|---|---|---|"]
    for what, budget in BUDGETS.items():
        share = f"{measured[what] / budget:.2g}"
        mark = "**" if measured[what] > budget else ""
        rows.append(f"| {what} | {budget:g} s | {mark}{share}{mark} |")
    return "\n".join(rows)


def main():
    warnings.filterwarnings("ignore")
    others = {POWER: least(equal_sums, 1), DEEP: least(layers, 1)}
    others |= {ROUNDS: least(rounds), DIGITS: least(digits)}
    text = tables(*proofs(), others)
    print(text)
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    page = f"{before}{BEGIN}\n{text}\n{END}{rest.partition(END)[2]}"
    PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
