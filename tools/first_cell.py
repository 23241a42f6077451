"""Write the first code cell, the same in all notebooks: `python tools/first_cell.py [NOTEBOOK ...]`

It finds the packages of the collection around the notebook, or fetches them from the address in
pyproject.toml. Only that cell is written, and only where it differs; nothing is executed, and what
the cell shows is nothing.
"""

import sys
from pathlib import Path

import nbformat
from address import address

ROOT = Path(__file__).resolve().parent.parent
ID = "first-cell"
SOURCE = """\
# Find the packages of the collection in a folder around this notebook, or fetch them.
import subprocess
import sys
from pathlib import Path

sys.path[:0] = [str(folder) for folder in Path.cwd().parents
                if (folder / "backpropagation_notebooks.py").exists()]
try:
    import backpropagation_notebooks
except ModuleNotFoundError:
    whole = "ADDRESS/archive/main.zip"
    if subprocess.call([sys.executable, "-m", "pip", "install", "-q", whole]):
        raise ImportError(f"this notebook needs its collection: get {whole}") from None
    import backpropagation_notebooks

backpropagation_notebooks.ready()"""


def source():
    """The text of the first code cell."""
    return SOURCE.replace("ADDRESS", address())


def insert(notebook):
    """Give the notebook its first code cell, or renew it; the numbers of the cells after it
    follow.
    """
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    if not code or code[0].id != ID:
        place = notebook.cells.index(code[0]) if code else len(notebook.cells)
        notebook.cells.insert(place, nbformat.v4.new_code_cell(id=ID))
    cell = next(cell for cell in notebook.cells if cell.id == ID)
    cell.source, cell.outputs = source(), []
    cell.metadata["jupyter"] = {"source_hidden": True}
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    if all(cell.execution_count for cell in code[1:]):
        for number, cell in enumerate(code, 1):
            cell.execution_count = number
            for output in cell.outputs:
                if "execution_count" in output:
                    output.execution_count = number


def main(arguments):
    for path in [Path(a) for a in arguments] or sorted((ROOT / "notebooks").glob("*.ipynb")):
        before = path.read_text(encoding="utf-8")
        notebook = nbformat.reads(before, as_version=4)
        insert(notebook)
        text = nbformat.writes(notebook) + "\n"
        if text != before:
            path.write_text(text, encoding="utf-8", newline="\n")
            print(f"{path.name}: first cell written")


if __name__ == "__main__":
    main(sys.argv[1:])
