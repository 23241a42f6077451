"""Write docs/concordance.md: for every item of the four articles, the sections of the notebooks
that treat it.

    python tools/concordance.py

notebooks/data/sources.csv lists the items: id, line of the article, kind, verdict, a few words. A
cell of a notebook names the ids that it treats in its metadata, under "sources"; its place is the
last heading above it. Nothing else is kept by hand.
"""

import csv
import json
import re
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "concordance.md"
TOWARDS = "https://towardsdatascience.com"
ARTICLES = {
    "S0": "Gianmario Spacagna, Daniel Slater, Phuong Vo.T.H and Valentino Zocca, article from "
          "*Python Deep Learning* (Packt)",
    "S1": f"Simeon Kostadinov, [Understanding Backpropagation "
          f"Algorithm]({TOWARDS}/understanding-backpropagation-algorithm-"
          "7bb3aa2f95fd), Towards Data Science",
    "S2": "an introduction that circulates by itself, and Matt Mazur, [A Step by Step "
          "Backpropagation Example](https://"
          "mattmazur.com/2015/03/17/a-step-by-step-backpropagation-example/), 2015-03-17",
    "S3": f"Roi Yehoshua, [Backpropagation: Step-By-Step "
          f"Derivation]({TOWARDS}/backpropagation-step-by-step-derivation-"
          "99ac8fbdcc28), Towards Data Science, 2023-04-10, which we know from a reworded copy",
}
HEADING = re.compile(r"^(#{1,6})\s+(.+?)\s*$", re.MULTILINE)
FENCED = re.compile(r"^(```|~~~).*?^\1", re.DOTALL | re.MULTILINE)


class Item(NamedTuple):
    """One thing that an article says."""

    id: str        # S0-01 ... S3-80: article and number, in reading order
    line: str      # of our copy of the article
    # equation, number, algorithm, figure, claim, convention, concept, omission, furniture
    kind: str
    verdict: str   # correct, correct-with-condition, ambiguous, wrong, no claim
    words: str     # what it is, in ours


class Place(NamedTuple):
    """A section of a notebook."""

    notebook: str  # the stem of its file
    section: str   # its heading, as written
    # of the section: its number, or that of the section around it, or the words of a heading
    # without
    name: str

    @property
    def label(self):
        """Short enough for a table: "04 §7", or "05 New notation"."""
        words = self.name.split()
        name = self.name if len(words) < 4 else " ".join([*words[:2], "…"])
        return f"{self.notebook[:2]} {'§' if name[0].isdigit() else ''}{name}"

    @property
    def link(self):
        """As Jupyter addresses a heading: its text, with hyphens for blanks."""
        return f"../notebooks/{self.notebook}.ipynb#{quote(self.section.replace(' ', '-'))}"


def load_items(folder=ROOT / "notebooks"):
    """All items of the four articles, in reading order. Raises ValueError for an id that comes
    twice."""
    path = Path(folder) / "data" / "sources.csv"
    with path.open(encoding="utf-8", newline="") as file:
        items = [Item(**row) for row in csv.DictReader(file)]
    twice = sorted({item.id for item in items if [other.id for other in items].count(item.id) > 1})
    if twice:
        raise ValueError(f"{path} has {', '.join(twice)} twice")
    return items


def places_of(items, folder=ROOT / "notebooks"):
    """For the id of every item, the places that treat it. Raises ValueError where a cell names an
    id that nobody knows."""
    places = {item.id: [] for item in items}
    for path in sorted(Path(folder).glob("[0-9][0-9]_*.ipynb")):
        for id, section, name in cited(json.loads(path.read_text(encoding="utf-8"))):
            if id not in places:
                raise ValueError(
                    f"{path.name} names {id} under {section!r}, which is not in the list of the "
                    f"sources")
            place = Place(path.stem, section, name)
            if place.label not in [other.label for other in places[id]]:
                places[id].append(place)
    return places


def cited(notebook):
    """(id, heading above it, name of that section) for every id that a cell of a notebook's JSON
    treats."""
    section, names = "", {}
    for cell in notebook["cells"]:
        text = "".join(cell["source"]) if cell["cell_type"] == "markdown" else ""
        for marks, heading in HEADING.findall(FENCED.sub("", text)):
            level, section = len(marks), heading
            names = {above: name for above, name in names.items() if above < level}
            names[level] = _name(heading, level)
        numbers = [name for level, name in sorted(names.items()) if name[0].isdigit()]
        name = (numbers or [names.get(min(2, max(names, default=0)), "?")])[-1]
        yield from ((id, section, name) for id in cell["metadata"].get("sources", ()))


def _name(heading, level):
    number = re.match(r"(\d+)\.", heading)
    return "introduction" if level == 1 else number[1] if number else heading


def page(items, places):
    """The page in Markdown: a table for each article."""
    treated = sum(bool(found) for found in places.values())
    sections = len({place for found in places.values() for place in found})
    lines = ["# Where everything is treated", "",
             "What the four articles say, item by item in reading order, and the sections in "
             "which these notebooks",
             "derive, compute, draw or discuss it. *Line* is the line of our copy of the article. "
             "Made by",
             "`tools/concordance.py` from the notebooks.",
             "", f"{len(items)} items; {treated} treated in {sections} sections."]
    for article, name in ARTICLES.items():
        lines += ["", f"## {article}", "", f"{name}.", "", "| id | line | what | where |",
                  "|---|---|---|---|"]
        for item in items:
            if item.id.startswith(article):
                where = (", ".join(f"[{place.label}]({place.link})" for place in places[item.id])
                         or "left out")
                lines.append(f"| {item.id} | {item.line} | {item.words} | {where} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    found = load_items()
    PAGE.write_text(page(found, places_of(found)), encoding="utf-8")
