"""The concordance is complete: every item of the sources has its section, and each place it names
is there."""

import json
import re
import shutil
from collections import Counter
from types import SimpleNamespace

import pytest
from concordance import PAGE, ROOT, Item, Place, cited, load_items, page, places_of

FOLDER = ROOT / "notebooks"
# a pointer, closing remarks, page furniture
LEFT_OUT = {"S1-68": "concept", "S1-69": "concept", "S1-70": "furniture"}
# correct, correct-with-condition, wrong, ambiguous, no claim: as the inventory of the sources adds
# them up
COUNTS = {
    "S0": (38, 19, 7, 8, 1), "S1": (36, 15, 8, 3, 8), "S2": (51, 13, 6, 1, 4),
    "S3": (43, 21, 5, 7, 4)}


def read(folder):
    items = load_items(folder)
    places = places_of(items, folder)
    missing = [item.id for item in items if not places[item.id]]
    return SimpleNamespace(items=items, places=places, missing=missing, page=page(items, places))


@pytest.fixture(scope="module")
def table():
    return read(FOLDER)


def test_the_list_has_every_item_once_and_in_order():
    ids = [item.id for item in load_items(FOLDER)]
    assert (ids == [f"S{source}-{number:02}" for source,
                    last in enumerate((73, 70, 75, 80)) for number in range(1, last + 1)])


def test_the_list_adds_up_to_the_inventory():
    verdicts = Counter((item.id[:2], item.verdict) for item in load_items(FOLDER))
    order = ("correct", "correct-with-condition", "wrong", "ambiguous", "no claim")
    assert ({source: tuple(verdicts[source, verdict] for verdict in order) for source in COUNTS}
            == COUNTS)


def test_every_item_says_in_few_words_what_it_is():
    for item in load_items(FOLDER):
        assert (item.words and len(item.words) <= 60 and "|" not in item.words and item.line
                and item.kind), item


def test_every_equation_number_algorithm_figure_and_claim_is_treated(table):
    kinds = {item.id: item.kind for item in table.items}
    assert {id: kinds[id] for id in table.missing} == LEFT_OUT


def test_every_place_is_a_heading_of_its_notebook(table):
    places = {place for found in table.places.values() for place in found}
    headings = {path.stem: headings_of(path) for path in FOLDER.glob("*.ipynb")}
    assert len(places) > 50
    assert [place for place in places if place.section not in headings[place.notebook]] == []


def headings_of(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    text = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    return set(re.findall(r"^#{1,6} (.+?)\s*$", text, re.MULTILINE))


def test_the_page_is_that_of_the_notebooks_as_they_are(table):
    changed = sorted(
        set(PAGE.read_text(encoding="utf-8").splitlines()) ^ set(table.page.splitlines()))
    assert not changed, "run python tools/concordance.py\n" + "\n".join(changed[:6])


# ---------------------------------------------------------------- and it would notice


def notebook(*cells):
    return {"cells": [{"cell_type": kind, "source": source.splitlines(keepends=True),
                       "metadata": {"sources": ids} if ids else {}}
                      for kind, source, *ids in cells]}


@pytest.mark.parametrize("headings, name, section", [
    ("# Title", "introduction", "Title"),
    ("# Title\n\n## New notation", "New notation", "New notation"),
    ("# Title\n\n## 3. A graph", "3", "3. A graph"),
    ("# Title\n\n## 3. A graph\n\n### Close up", "3", "Close up"),
    ("# Title\n\n## Numbers\n\n### 2. An error", "2", "2. An error"),
    ("# Title\n\n## Numbers\n\n### 2. An error\n\n## Exercises", "Exercises", "Exercises"),
    ("# Title\n\n## 3. A graph\n\n## Summary\n\n### Of all", "Summary", "Of all"),
    ("# Title\n\n## 3. A graph\n\n```python\n# a comment\n```", "3", "3. A graph"),
])
def test_a_place_is_the_last_heading_and_has_its_number_or_that_around_it(headings, name, section):
    assert (list(cited(notebook(("markdown", headings), ("code", "x = 1", "S0-01"))))
            == [("S0-01", section, name)])


def test_a_comment_in_code_is_no_heading():
    cells = notebook(("markdown", "## 1. One"), ("code", "# Two"), ("code", "y", "S0-01", "S0-02"))
    assert ([(id, section) for id, section, _ in cited(cells)]
            == [("S0-01", "1. One"), ("S0-02", "1. One")])


@pytest.fixture
def copy(tmp_path):
    (tmp_path / "data").mkdir()
    shutil.copy(FOLDER / "data" / "sources.csv", tmp_path / "data")
    return tmp_path


def test_an_item_that_no_notebook_names_is_missing(copy):
    cells = notebook(("markdown", "# Title", "S0-01"), ("markdown", "## 2. Two", "S0-02", "S0-01"))
    (copy / "00_a.ipynb").write_text(json.dumps(cells))
    found = read(copy)
    assert len(found.missing) == 296 and "S0-03" in found.missing
    assert [place.label for place in found.places["S0-01"]] == ["00 introduction", "00 §2"]
    assert "left out" in found.page and "298 items; 2 treated in 2 sections" in found.page


def test_an_unknown_id_is_refused(copy):
    (copy / "00_a.ipynb").write_text(json.dumps(notebook(("markdown", "## 1. One", "S9-99"))))
    with pytest.raises(ValueError, match="00_a.ipynb names S9-99 under '1. One'"):
        read(copy)


def test_an_item_twice_in_the_list_is_refused(copy):
    path = copy / "data" / "sources.csv"
    path.write_text(path.read_text() + "S0-01,1,claim,correct,again\n")
    with pytest.raises(ValueError, match="S0-01 twice"):
        load_items(copy)


def test_a_link_leads_to_the_heading_as_jupyter_writes_it():
    place = Place("01_a", "3. What's new?", "3")
    assert place.link == "../notebooks/01_a.ipynb#3.-What%27s-new%3F" and place.label == "01 §3"
    assert "[01 §3](" in page([Item("S0-01", "1", "claim", "correct", "words")], {"S0-01": [place]})
