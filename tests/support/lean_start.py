"""The first plugin of a run, by pyproject.toml: it makes the start of each process shorter."""

import gc
import sys

# nbformat would build 38 grammars, for addresses of the web that no schema of a notebook holds:
# more than a second. jsonschema does without the package where it is not installed.
sys.modules.setdefault("rfc3987_syntax", None)

# Tests make little garbage and keep much: a tenth of a run went into the search for it.
gc.set_threshold(20_000, 50, 50)


def pytest_collection_finish():
    """What is imported and collected stays to the end."""
    gc.freeze()
