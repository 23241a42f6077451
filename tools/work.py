"""Lay out copies of the notebooks to work in, so that the repository itself is never changed.

    python tools/work.py          # work/ gets what it has not, and new editions of what nobody has
    written in python tools/work.py 01       # a fresh copy of notebook 01; the old one stays beside
    it, as 01_….mine.ipynb

`make lab` and `make fresh NOTEBOOK=01` call it. The edition that a copy was made from is kept in
work/.editions.
"""

import itertools
import json
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def lay_out(notebooks, work):
    """Copy each notebook that is new, or whose copy nobody has written in; yield a sentence on each
    that is kept.
    """
    editions = work / ".editions"
    editions.mkdir(parents=True, exist_ok=True)
    for source in sorted(notebooks.glob("*.ipynb")):
        copy, edition = work / source.name, editions / source.name
        same_edition = edition.exists() and edition.read_bytes() == source.read_bytes()
        if not copy.exists() or (
            edition.exists() and not same_edition and written_in(copy) == written_in(edition)
        ):
            put(source, copy, edition)
        elif not same_edition:
            fresh = f"make fresh NOTEBOOK={copy.name[:2]}"
            yield f"{copy.name}: yours is kept; there is a newer edition: {fresh}"


def renew(source, work):
    """A fresh copy of one notebook; what was there before gets a name of its own. Returns that
    name, or None.
    """
    copy, edition, kept = work / source.name, work / ".editions" / source.name, None
    if copy.exists():
        names = itertools.chain(
            [f"{source.stem}.mine.ipynb"],
            (f"{source.stem}.mine-{i}.ipynb" for i in itertools.count(2)),
        )
        kept = next(work / name for name in names if not (work / name).exists())
        copy.rename(kept)
    edition.parent.mkdir(parents=True, exist_ok=True)
    put(source, copy, edition)
    return kept


def written_in(path):
    """What a person writes in a notebook: its cells, not what JupyterLab stores of outputs, counts
    and versions.
    """
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        return [(cell["cell_type"], "".join(cell["source"])) for cell in cells]
    except (ValueError, KeyError, TypeError):
        return None  # no longer a notebook, so certainly changed


def put(source, copy, edition):
    shutil.copyfile(source, edition)
    shutil.copyfile(source, copy)


def main(arguments):
    notebooks, work = ROOT / "notebooks", ROOT / "work"
    for number in arguments:
        found = sorted(notebooks.glob(f"{number}*.ipynb"))
        if len(found) != 1:
            names = ", ".join(path.stem for path in sorted(notebooks.glob("*.ipynb")))
            sys.exit(f"which notebook is {number!r}? There are {names}")
        kept = renew(found[0], work)
        print(f"work/{found[0].name} is fresh{f'; yours is now work/{kept.name}' if kept else ''}")
    if not arguments:
        for sentence in lay_out(notebooks, work):
            print(sentence)


if __name__ == "__main__":
    main(sys.argv[1:])
