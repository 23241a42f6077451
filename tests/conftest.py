"""What holds for every test: one BLAS thread, figures without a window, and totals at the end of
the run."""

import os
from collections import Counter
from pathlib import Path

# Before NumPy is imported, here and in the kernels of the notebooks.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# The packages are not installed, and what a test starts in another folder is to find them too.
ROOT = str(Path(__file__).resolve().parent.parent)
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [ROOT, os.environ.get("PYTHONPATH")]))

import matplotlib  # noqa: E402
import pytest  # noqa: E402
import tally  # noqa: E402
from ledger import in_words, totals  # noqa: E402

# Not MPLBACKEND: the kernels would inherit it, and show no figures.
matplotlib.use("Agg")

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
MOST_SECONDS = 20  # for a notebook

# Begun first, so that no process is left alone with one of them at the end.
LONGEST = ["test_exercises_in_notebooks", "test_repair", "06_mini_batch_training", "test_network",
           "test_generated", "test_claim", "test_figures", "test_completeness",
           "04_single_weight_chain_rule", "test_tampering", "test_claims_meet_numbers"]

spent, clock = Counter(), {}


def pytest_configure(config):
    """Only a run in one process can tell whose its processor time is."""
    clock["shared"] = hasattr(config, "workerinput") or getattr(config.option, "numprocesses", None)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """The files that take longest, then the rest as they come (make test keeps this order)."""
    rank = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: rank.get(item.path.stem, len(rank)))


def processor_time():
    """Seconds of this process and of the kernels that have ended: unlike the clock, it is not
    longer on a busy machine."""
    return sum(os.times()[:4])


def pytest_runtest_logstart(nodeid, location):
    """The time since the last start belongs to the file of before: its kernel has ended when the
    next file begins."""
    path, now = nodeid.split("::")[0], processor_time()
    if clock["shared"]:
        return
    if path != clock.get("path"):
        spent[clock.get("path")] += now - clock.get("start", now)
        clock.update(path=path, start=now)


def pytest_terminal_summary(terminalreporter):
    """Print what tests have left for the end, and add up the ledgers: nbval has just compared them
    with fresh ones."""
    for line in tally.LINES:
        terminalreporter.write_line(line)
    seconds = {Path(path).stem: took for path,
               took in spent.items() if path and path.endswith(".ipynb")}
    if seconds:
        shown = ", ".join(f"{name} {took:.1f}" for name, took in seconds.items())
        terminalreporter.write_line(f"Seconds of processor time: {shown}")
    terminalreporter.write_line(f"Ledger of all notebooks: {in_words(totals(NOTEBOOKS))}")


def pytest_sessionfinish(session):
    """A notebook that takes too long makes the run red; a worker of a parallel run sends its lines
    home."""
    pytest_runtest_logstart("", None)
    slow = [path for path,
            took in spent.items() if path and path.endswith(".ipynb") and took > MOST_SECONDS]
    if slow and session.exitstatus == 0:
        session.exitstatus = 1
        tally.report(f"FAILED: more than {MOST_SECONDS} s of processor time: {', '.join(slow)}")
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["tally"] = list(tally.LINES)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node, error):
    tally.report(*getattr(node, "workeroutput", {}).get("tally", []))
