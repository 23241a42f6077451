"""The totals in the README are those of the notebooks as they are stored."""

import json

import ledger
import pytest

NOTEBOOKS = ledger.ROOT / "notebooks"
LINE = (
    "Ledger: 2 derivations, 3 lines shown, 3 lines proved, 1 derivatives witnessed numerically, 1 "
    "witnessed by NumPy code")


def notebook(*texts, markdown=()):
    words = [{"cell_type": "markdown", "source": text} for text in markdown]
    shown = [{"data": {"text/plain": text}} for text in texts]
    return {"cells": [*words, {"cell_type": "code", "source": "ledger", "outputs": shown}]}


def test_the_totals_of_the_readme_are_those_of_the_notebooks():
    readme = (ledger.ROOT / "README.md").read_text(encoding="utf-8")
    assert ledger.updated(readme, ledger.totals(NOTEBOOKS)) == readme, "run make numbers"


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_every_notebook_ends_with_its_ledger_and_has_four_to_seven_exercises(path):
    stored = json.loads(path.read_text(encoding="utf-8"))
    assert len(ledger.ledger_lines(stored)) == 1
    assert 4 <= ledger.number_of_exercises(stored) <= 7


def test_totals_are_added_up(tmp_path):
    for name in "ab":
        (tmp_path
         / f"{name}.ipynb").write_text(json.dumps(notebook(
             LINE, markdown=["**1.1 Derive.** What is it?"])))
    assert ledger.in_words(ledger.totals(tmp_path)) == (
        "2 notebooks, 4 derivations, 6 lines shown, 6 lines proved, 2 derivatives witnessed "
        "numerically, "
        "2 witnessed by NumPy code, 2 exercises")


def test_only_the_space_between_the_markers_is_written():
    assert (ledger.updated("a<!-- ledger -->old<!-- /ledger -->b", {"lines": 7})
            == "a<!-- ledger -->7 lines<!-- /ledger -->b")


@pytest.mark.parametrize("readme", ["no marker", "<!-- ledger --> open",
                                    "<!-- ledger --><!-- /ledger -->" * 2])
def test_a_readme_without_one_pair_of_markers_is_refused(readme):
    with pytest.raises(ValueError, match="needs one line with <!-- ledger -->"):
        ledger.updated(readme, {"lines": 7})
