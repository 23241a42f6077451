"""What holds for every test: one BLAS thread, figures without a window, and totals at the end of
the run."""

import os
from collections import Counter
from itertools import groupby
from pathlib import Path
from zlib import crc32

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
LONGEST = ["test_mutated_claims", "06_mini_batch_training", "test_exercises_in_notebooks",
           "test_check", "04_single_weight_chain_rule", "test_repair", "test_generated",
           "test_network", "05_full_delta_rule", "02_logistic_regression", "test_what_people_type",
           "test_claim", "01_linear_regression", "test_completeness", "test_report",
           "test_figures", "test_known_truth", "03_softmax_regression", "07_bring_your_own",
           "test_properties"]

spent, clock = Counter(), {}
ROWS = pytest.StashKey()


def pytest_configure(config):
    """Only a run in one process can tell whose its processor time is."""
    clock["worker"] = hasattr(config, "workerinput")
    clock["shared"] = clock["worker"] or getattr(config.option, "numprocesses", None)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(config, items):
    """The files that take longest, then the rest as they come (make test keeps this order).

    In a parallel run the rows of a test are sent as one, but not those of a long test.
    """
    for _, rows in groupby(items, key=test_of):
        thin(list(rows))
    yield
    rank = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: rank.get(item.path.stem, len(rank)))
    if hasattr(config, "workerinput") and config.option.markexpr != "long":
        items[:] = [together(list(rows)) for _, rows in groupby(items, key=test_of)]


def thin(rows):
    """Of a test marked `every(step)` the quick run tries one of so many neighbouring rows, drawn by
    its name, so that of a table with several sides no side is left out."""
    every = rows[0].get_closest_marker("every")
    short = [row for row in rows if every and not row.get_closest_marker("long")]
    for start in range(0, len(short), every.args[0] if every else 1):
        block = short[start:start + every.args[0]]
        drawn = crc32(block[0].name.encode()) % len(block)
        for row in block[:drawn] + block[drawn + 1:]:
            row.add_marker("again")


def test_of(item):
    """What the rows of a parametrised test have in common; a cell of a notebook is alone."""
    return item.nodeid.split("[")[0]


def together(rows):
    """The first row of a test, which runs the others too."""
    rows[0].stash[ROWS] = rows
    return rows[0]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item, nextitem):
    """Half the time of a small test goes into the messages between the processes: of the rows that
    pass one sends its reports, each that does not sends its own."""
    rows = item.stash.get(ROWS, [item])
    if len(rows) == 1:
        return None
    run = item.config.pluginmanager.get_plugin("runner").runtestprotocol
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    runs = [run(row, log=False, nextitem=following)
            for row, following in zip(rows, [*rows[1:], nextitem])]
    other = [reports for reports in runs if not all(report.passed for report in reports)]
    for report in sum(other or runs[:1], []):
        # a process may send reports only of what it was asked for
        report.row, report.nodeid = report.nodeid, item.nodeid
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_logreport(report):
    """Where all reports come together each row has its name again."""
    if not clock["worker"]:
        report.nodeid = getattr(report, "row", report.nodeid)


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
