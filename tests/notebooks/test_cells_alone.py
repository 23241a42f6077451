"""▶ on any cell of a page, pressed first: with the cells that it needs, and no other, it prints
what is stored."""

import builtins
import contextlib
import importlib.util
import io
import json
import linecache
from pathlib import Path

import pytest

from helpers import figures

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
OF_ALL = {"progress", "ledger"}  # they count what has run


def page_kernel():
    file = ROOT / "site" / "kernel" / "page_kernel.py"
    spec = importlib.util.spec_from_file_location("page_kernel", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def text_of(cell):
    printed = [output for output in cell["outputs"] if output["output_type"] == "stream"]
    return "".join("".join(output["text"]) for output in printed)


def printed(sources):
    """What the last of some cells prints, run in a namespace of their own."""
    space = {"__name__": "__main__"}
    for number, source in enumerate(sources):
        name = f"<cell {number}>"
        linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
        with contextlib.redirect_stdout(io.StringIO()) as said:
            exec(compile(source, name, "exec"), space)
    return said.getvalue()


@pytest.mark.long
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_each_cell_runs_with_what_it_needs_alone(path, monkeypatch):
    monkeypatch.chdir(path.parent)
    monkeypatch.setattr(figures, "display", lambda *shown, **options: None)
    monkeypatch.setattr(figures, "picture", lambda figure: (b"", (1, 1)))
    monkeypatch.setattr(builtins, "display", lambda *shown: None, raising=False)
    needed = page_kernel().needed
    cells = [cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]
             if cell["cell_type"] == "code" and cell["id"] != "first-cell"]
    sources = ["".join(cell["source"]) for cell in cells]
    for place, cell in enumerate(cells):
        tags = cell["metadata"].get("tags", [])
        if cell["id"] not in OF_ALL and "nbval-ignore-output" not in tags:
            above = [sources[each] for each in needed(sources, place)]
            assert (cell["id"], printed([*above, sources[place]])) == (cell["id"], text_of(cell))
