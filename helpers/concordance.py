"""Where is each item of the four sources treated? The list of the items, and the places that the notebooks themselves name.

`notebooks/data/sources.csv` lists the items: id, line of the source, kind, verdict, a few words. A cell of a notebook names the
ids that it treats in its metadata, under "sources"; its place is the last heading above it. Nothing else is kept by hand.
"""

import csv
import html
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

NAMES = {"S0": "From linear regression to general backpropagation", "S1": "One weight of a 4-2-2-1 network",
         "S2": "The 2-2-2 worked example", "S3": "Delta terms and the delta recursion"}
HEADING = re.compile(r"^(#{1,6})\s+(.+?)\s*$", re.MULTILINE)
FENCED = re.compile(r"^(```|~~~).*?^\1", re.DOTALL | re.MULTILINE)


class Item(NamedTuple):
    """One thing that a source says."""

    id: str        # S0-01 ... S3-80: source and number, in reading order
    line: str      # of the source
    kind: str      # equation, number, algorithm, figure, claim, convention, concept, omission, furniture
    verdict: str   # correct, correct-with-condition, ambiguous, wrong, no claim
    words: str     # what it is, in ours


class Place(NamedTuple):
    """A section of a notebook."""

    notebook: str  # the stem of its file
    section: str   # its heading, as written
    name: str      # of the section: its number, or that of the section around it, or the words of a heading without

    @property
    def label(self):
        """Short enough for a table: "03 §7", or "04 New notation"."""
        words = self.name.split()
        name = self.name if len(words) < 4 else " ".join([*words[:2], "…"])
        return f"{self.notebook[:2]} {'§' if name[0].isdigit() else ''}{name}"

    @property
    def link(self):
        """As Jupyter addresses a heading: its text, with hyphens for blanks."""
        return f"{self.notebook}.ipynb#{self.section.replace(' ', '-')}"


@dataclass
class Concordance:
    """For every item, the places where it is treated; shows itself as one folded table for each source."""

    items: list    # of Item
    places: dict   # id -> list of Place, in the order of the notebooks

    def missing(self):
        """The ids that no notebook treats."""
        return [item.id for item in self.items if not self.places[item.id]]

    def __repr__(self):
        rows = [f"{i.id}  {i.words}: {', '.join(p.label for p in self.places[i.id]) or 'left out'}" for i in self.items]
        return "\n".join([*rows, self.summary()])

    def _repr_html_(self):
        return "".join(self._table(source) for source in NAMES) + f"<p>{self.summary()}</p>"

    def summary(self):
        """How many items there are, and how many of them have a place."""
        treated = len(self.items) - len(self.missing())
        return f"{len(self.items)} items; {treated} treated in {len({p for ps in self.places.values() for p in ps})} sections"

    def _table(self, source):
        own = [item for item in self.items if item.id.startswith(source)]
        rows = "".join(self._row(item) for item in own)
        head = "<tr>" + "".join(f'<th style="text-align:left">{name}</th>' for name in ("id", "what", "where")) + "</tr>"
        summary = f"<summary><b>{source}</b> {NAMES[source]}: {len(own)} items</summary>"
        return f"<details>{summary}<table>{head}{rows}</table></details>"

    def _row(self, item):
        links = [f'<a href="{html.escape(p.link)}">{html.escape(p.label)}</a>' for p in self.places[item.id]] or ["left out"]
        cells = [item.id, html.escape(item.words, quote=False), ", ".join(links)]
        return "<tr>" + "".join(f'<td style="text-align:left">{cell}</td>' for cell in cells) + "</tr>"


def load_items(folder=None):
    """The list of all items of the four sources, in reading order.

    `folder` holds the notebooks and data/sources.csv; by default it is found. Raises FileNotFoundError where it is not,
    ValueError for a list with an id that comes twice.
    """
    path = _folder(folder) / "data" / "sources.csv"
    if not path.is_file():
        raise FileNotFoundError(f"there is no {path}: pass the folder of the notebooks, which holds data/sources.csv")
    with path.open(encoding="utf-8", newline="") as file:
        items = [Item(**row) for row in csv.DictReader(file)]
    twice = sorted({item.id for item in items if [other.id for other in items].count(item.id) > 1})
    if twice:
        raise ValueError(f"{path} has {', '.join(twice)} twice")
    return items


def concordance(folder=None):
    """Read all notebooks of `folder`, and return for every item of the sources the sections that treat it: a `Concordance`.

    Raises FileNotFoundError without notebooks, ValueError where a cell names an id that the list does not know.
    """
    folder = _folder(folder)
    items = load_items(folder)
    places = {item.id: [] for item in items}
    for path in sorted(folder.glob("[0-9][0-9]_*.ipynb")):
        for id, section, name in cited(json.loads(path.read_text(encoding="utf-8"))):
            if id not in places:
                raise ValueError(f"{path.name} names {id} under {section!r}, which is not in the list of the sources")
            place = Place(path.stem, section, name)
            if place.label not in [other.label for other in places[id]]:
                places[id].append(place)
    return Concordance(items, places)


def cited(notebook):
    """(id, heading above it, name of that section) for every id that a cell of the notebook, as the JSON of its file, treats."""
    section, names = "", {}
    for cell in notebook["cells"]:
        headings = HEADING.findall(FENCED.sub("", "".join(cell["source"]))) if cell["cell_type"] == "markdown" else []
        for marks, heading in headings:
            level, section = len(marks), heading
            names = {above: name for above, name in names.items() if above < level} | {level: _name(heading, level)}
        numbers = [name for level, name in sorted(names.items()) if name[0].isdigit()]
        yield from ((id, section, (numbers or [names.get(min(2, max(names, default=0)), "?")])[-1])
                    for id in cell["metadata"].get("sources", ()))


def _name(heading, level):
    number = re.match(r"(\d+)\.", heading)
    return "introduction" if level == 1 else number[1] if number else heading


def _folder(folder):
    if folder is not None:
        return Path(folder)
    places = [Path(__file__).resolve().parents[1] / "notebooks", Path("."), Path("notebooks")]
    for place in places:
        if any(place.glob("[0-9][0-9]_*.ipynb")):
            return place
    raise FileNotFoundError(f"no notebooks in {', '.join(str(place.absolute()) for place in places)}: pass folder=...")
