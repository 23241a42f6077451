"""Add up the ledgers with which the notebooks end, and write the totals into the README.

    python tools/ledger.py            # writes between <!-- ledger --> and <!-- /ledger -->
    python tools/ledger.py --check    # only says whether the README is up to date; exit code 1 if
    it is not

The numbers are those of the stored outputs, which every test run compares with fresh ones.
"""

import json
import re
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MARKED = re.compile(r"(<!-- ledger -->)(.*?)(<!-- /ledger -->)", re.DOTALL)
EXERCISE = re.compile(r"\*\*\d+\.\d+ [A-Z]")


def totals(folder):
    """{what is counted: how many}, over the ledger lines in the stored outputs of the notebooks of
    a folder, and exercises."""
    counted, exercises = Counter(), 0
    for path in sorted(folder.glob("*.ipynb")):
        notebook = json.loads(path.read_text(encoding="utf-8"))
        exercises += number_of_exercises(notebook)
        for line in ledger_lines(notebook):
            counted["notebooks"] += 1
            counted.update({what: int(number) for number,
                            what in re.findall(r"(\d+) ([^,]+)", line)})
    return {**counted, "exercises": exercises}


def number_of_exercises(notebook):
    """Exercises begin with a bold number, as **1.1 Derive.**"""
    texts = ["".join(cell["source"]) for cell in notebook["cells"]
             if cell["cell_type"] == "markdown"]
    return sum(len(EXERCISE.findall(text)) for text in texts)


def ledger_lines(notebook):
    """The ledger of one notebook, as the JSON of its file: what its last cell shows."""
    texts = ["".join(output.get("data", {}).get("text/plain", ""))
             for output in notebook["cells"][-1].get("outputs", [])]
    return [text for text in texts if text.startswith("Ledger: ")]


def in_words(counted):
    return ", ".join(f"{number} {what}" for what, number in counted.items())


def updated(readme, counted):
    """The text of the README with these totals between its markers. Raises ValueError where it has
    not exactly one pair."""
    if len(MARKED.findall(readme)) != 1:
        raise ValueError(
            "the README needs one line with <!-- ledger --> and <!-- /ledger -->: the totals go "
            "between the two")
    return MARKED.sub(lambda found: f"{found[1]}{in_words(counted)}{found[3]}", readme)


def main(arguments):
    path = ROOT / "README.md"
    readme, counted = path.read_text(encoding="utf-8"), totals(ROOT / "notebooks")
    print(f"All notebooks: {in_words(counted)}")
    try:
        new = updated(readme, counted)
    except ValueError as error:
        print(f"README.md is left as it is: {error}", file=sys.stderr)
        return 1
    if new == readme:
        print("README.md is up to date")
        return 0
    if "--check" in arguments:
        print("README.md is out of date: run make numbers", file=sys.stderr)
        return 1
    path.write_text(new, encoding="utf-8", newline="\n")
    print("README.md is written anew")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
