"""Execute notebooks from top to bottom and save them so that a second run changes nothing.

    python tools/execute_notebooks.py                          # all of notebooks/
    python tools/execute_notebooks.py notebooks/00_start_here.ipynb

A notebook that raises is not saved, and the exit code is 1.
"""

import os
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

ROOT = Path(__file__).resolve().parent.parent
CELL_TIMEOUT = 60
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
KERNELSPEC = {"display_name": "Python 3", "language": "python", "name": "python3"}
FAILURES = (CellExecutionError, CellTimeoutError, DeadKernelError)


def main(arguments):
    paths = [Path(a) for a in arguments] or sorted((ROOT / "notebooks").glob("*.ipynb"))
    if not paths:
        sys.exit("no notebooks found")
    saved = [execute_and_save(path) for path in paths]
    return 0 if all(saved) else 1


def execute_and_save(path):
    """Run one notebook; save it and return True, or leave the file alone and return False."""
    start = time.perf_counter()
    notebook = nbformat.read(path, as_version=4)
    try:
        execute(notebook, path.parent)
    except FAILURES as error:
        print(f"{path.name}: NOT SAVED\n{error}", file=sys.stderr)
        return False
    changed = save(notebook, path)
    verb = "saved" if changed else "unchanged"
    print(f"{path.name}: {verb}, {time.perf_counter() - start:.1f} s", flush=True)
    return True


def execute(notebook, folder):
    """Fill the notebook's outputs; its cells run with `folder` as working directory."""
    saved = {cell.id: cell.outputs for cell in code_cells(notebook)}
    for cell in code_cells(notebook):
        cell.outputs, cell.execution_count = [], None
    NotebookClient(
        notebook,
        timeout=CELL_TIMEOUT,
        kernel_name=KERNELSPEC["name"],
        resources={"metadata": {"path": str(folder)}},
        coalesce_streams=True,
        record_timing=False,
        store_widget_state=False,
        extra_arguments=["--Application.log_level=ERROR"],  # no word about local sockets
    ).execute()
    for cell in code_cells(notebook):
        if saved[cell.id] and lacks_a_library(cell):
            cell.outputs = saved[cell.id]
    normalise(notebook)


def lacks_a_library(cell):
    """Does the cell say that it could not run here? Then what it printed elsewhere stays."""
    words = "".join(output.get("text", "") for output in cell.outputs)
    return ("nbval-ignore-output" in cell.metadata.get("tags", [])
            and "is not installed here" in words)


def normalise(notebook):
    """Remove what differs from one machine or run to the next."""
    notebook.metadata.pop("widgets", None)
    notebook.metadata.kernelspec = nbformat.from_dict(KERNELSPEC)
    # JupyterLab needs language_info.name; the version is that of whoever ran last.
    notebook.metadata.language_info.pop("version", None)
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        cell.metadata.pop("slideshow", None)  # a deck is arranged when it is built
    for cell in code_cells(notebook):
        for output in cell.outputs:
            normalise_output(output)


def normalise_output(output):
    # A widget lives in its kernel. Without one, JupyterLab shows "model not found" for the view,
    # but shows the text form of an output that has nothing else.
    output.get("data", {}).pop(WIDGET_VIEW, None)
    if output.output_type == "error":  # the frames name files of this machine
        output.traceback = [f"{output.ename}: {output.evalue}"]


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def save(notebook, path):
    """Write the notebook if its text changed; never leave half a file behind."""
    nbformat.validate(notebook)
    text = nbformat.writes(notebook) + "\n"
    if text == path.read_text(encoding="utf-8"):
        return False
    draft = path.with_name(path.name + ".part")
    draft.write_text(text, encoding="utf-8", newline="\n")
    os.replace(draft, path)
    return True


if __name__ == "__main__":
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    sys.exit(main(sys.argv[1:]))
