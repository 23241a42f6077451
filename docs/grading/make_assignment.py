"""Turn a notebook of the collection into an nbgrader assignment: python make_assignment.py NOTEBOOK TARGET

Every exercise cell stays as it is, for the students to edit. After it comes a locked test cell that asks whether the exercise
is solved; one point each. The folded answers are taken out.
"""

import re
import sys
from pathlib import Path

import nbformat

DETAILS = re.compile(r"<details>.*?</details>", re.DOTALL)
TEST = """from exercises import solved
### BEGIN HIDDEN TESTS
assert solved("{number}"), "exercise {number} is not solved yet"
### END HIDDEN TESTS"""


def test_cell(cell):
    """A locked cell that passes if the exercise of the given cell is solved."""
    number = re.search(r'number="([\d.]+)"', cell.source)[1]
    test = nbformat.v4.new_code_cell(TEST.format(number=number), id=f"{cell.id}-test")
    test.metadata["nbgrader"] = {"grade": True, "solution": False, "locked": True, "task": False, "points": 1,
                                 "grade_id": f"{cell.id}-test", "schema_version": 3}
    return test


def assignment(notebook):
    """The notebook with a test after each exercise, and without answers and outputs."""
    cells = []
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        else:
            cell.source = DETAILS.sub("", cell.source).strip() or "---"
        cells += [cell, test_cell(cell)] if "exercise" in cell.metadata.get("tags", []) else [cell]
    notebook.cells = cells
    return notebook


if __name__ == "__main__":
    source, target = map(Path, sys.argv[1:])
    target.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(assignment(nbformat.read(source, as_version=4)), target)
    print(f"{target}: {sum('nbgrader' in cell.metadata for cell in nbformat.read(target, 4).cells)} exercises")
