"""The speed of the collection itself, beside its budgets: every proof, the 10,000 rounds of notebook 03, the digits.

    python tests/bench/whole.py

Times are CPU seconds of this process, so other work on the machine does not count, but its caches and clock do: take the
least of several runs. The proofs are timed while the notebooks' own cells run, without imports and without figures.
"""

import os
import sys
import time
import warnings
from pathlib import Path

os.environ["OPENBLAS_NUM_THREADS"] = "1"
ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import matplotlib  # noqa: E402

matplotlib.use("Agg")

import nbformat  # noqa: E402
import numpy as np  # noqa: E402
from IPython.core.interactiveshell import InteractiveShell  # noqa: E402
from IPython.utils.capture import capture_output  # noqa: E402

from derivations.derivation import Derivation  # noqa: E402
from helpers import data, network, training  # noqa: E402

BUDGETS = {"every proof of the collection": 5.0, "10,000 rounds of the 2-2-2 network": 0.1, "digits, 64-32-10, to 97 %": 1.0}


class Stopwatch:
    """Adds up the CPU time within a method, counting calls inside calls once; those that raise are counted apart."""

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
    """The names that a notebook's cells leave behind. Cells that are meant to raise do so in peace."""
    shell = InteractiveShell.instance()
    shell.reset(new_session=True)
    os.chdir(path.parent)
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "code":
            with capture_output():
                result = shell.run_cell(cell.source)
            if not result.success and "raises-exception" not in cell.metadata.get("tags", []):
                raise RuntimeError(f"{path.name}, cell {cell.id}: {result.error_in_exec or result.error_before_exec}")
    return dict(shell.user_ns)


def proofs_and_rounds():
    """A stopwatch of all proofs, and seconds of notebook 03's 10,000 rounds, the least of five."""
    stopwatch, rounds = Stopwatch(Derivation, "prove"), None
    for path in sorted((ROOT / "notebooks").glob("0*.ipynb")):
        before, names = sum(stopwatch.returned), run(path)
        print(f"{path.stem:40s}{sum(stopwatch.returned) - before:6.2f} s in its proofs", flush=True)
        if "rounds" in names and "w_new" in names:
            rounds = least(lambda names=names: names["rounds"](names["w_new"], 10_000))
    return stopwatch, rounds


def digits():
    """Load, split and train until patience ends it; 97 % of the test digits must then be read right."""
    all_digits, rng = data.load_digits(), np.random.default_rng(0)
    parts = data.split(len(all_digits), rng, 0.15, 0.2, all_digits.labels)
    (X, y), validation, (X_test, y_test) = ((all_digits.X[rows], data.one_hot(all_digits.labels[rows])) for rows in parts)
    W, b = network.initialise((64, 32, 10), rng, "glorot")
    history = training.train(X, y, W, b, "tanh", eta=0.1, momentum=0.9, batch_size=32, n_epochs=60, rng=rng,
                             validation=validation, patience=10)
    accuracy = training.accuracy(training.predict(X_test, history.W, history.b, "tanh"), y_test)
    if not accuracy >= 0.97:
        raise AssertionError(f"the digits were read with {accuracy:.1%} only")


def least(function):
    times = []
    for _ in range(5):
        start = time.process_time()
        function()
        times.append(time.process_time() - start)
    return min(times)


def main():
    warnings.filterwarnings("ignore")
    proofs, rounds = proofs_and_rounds()
    print(f"{len(proofs.returned)} derivations proved in {sum(proofs.returned):.2f} s; "
          f"{len(proofs.raised)} wrong ones refused, with a counterexample and a hint, in {sum(proofs.raised):.2f} s")
    for (name, budget), seconds in zip(BUDGETS.items(), [sum(proofs.returned), rounds, least(digits)]):
        share = "not found" if seconds is None else f"{seconds / budget:6.2f} of the budget of {budget:g} s"
        print(f"{name:40s}{share}" + ("" if seconds is None or seconds <= budget else "   ABOVE"))


if __name__ == "__main__":
    main()
