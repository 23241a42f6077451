"""What holds for every test: one BLAS thread, and figures without a window."""

import json
import os
import re
from collections import Counter
from pathlib import Path

# Before NumPy is imported, here and in the kernels of the notebooks.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import matplotlib  # noqa: E402

# Not MPLBACKEND: the kernels would inherit it, and show no figures.
matplotlib.use("Agg")


def pytest_terminal_summary(terminalreporter):
    """Add up the ledgers with which the notebooks end; nbval has just compared them with fresh ones."""
    totals = ledger_totals(Path(__file__).resolve().parent.parent / "notebooks")
    terminalreporter.write_line("Ledger of all notebooks: " + ", ".join(f"{n} {what}" for what, n in totals.items()))


def ledger_totals(folder):
    """{what is counted: how many}, over the ledger lines in the stored outputs of the notebooks."""
    totals = Counter()
    for path in sorted(folder.glob("*.ipynb")):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        texts = ["".join(output.get("data", {}).get("text/plain", "")) for cell in cells for output in cell.get("outputs", [])]
        for line in (text for text in texts if text.startswith("Ledger: ")):
            totals.update({what: int(number) for number, what in re.findall(r"(\d+) ([^,]+)", line)})
    return totals
