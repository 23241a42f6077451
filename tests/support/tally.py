"""Lines that tests leave for the end of the run; `conftest.py` prints them, also those of workers
in parallel runs."""

LINES = []


def report(*lines):
    LINES.extend(lines)
