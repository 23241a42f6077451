"""An equation number that a derivation cites belongs to an equation that is shown, in this notebook
or in an earlier one."""

import json
import re
from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("*.ipynb"))
CITED = re.compile(r"\((\d+\.\d+[a-z]?)\)")


def texts_of(path):
    """The plain text of every output of a notebook."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    return ["".join(output.get("data", {}).get("text/plain", "")) for output in outputs]


def shown_in(texts):
    """The numbers with which equations begin."""
    return {number for text in texts
            for number in re.findall(r"^\((\d+\.\d+[a-z]?)\) ", text, re.MULTILINE)}


def cited_in(texts):
    """The numbers in the reasons of derivations, which stand in brackets behind their lines."""
    reasons = [reason for text in texts
               for reason in re.findall(r"^    = .* {4}\[(.*)\]$", text, re.MULTILINE)]
    return {number for reason in reasons for number in CITED.findall(reason)}


@pytest.mark.parametrize("position", range(len(NOTEBOOKS)), ids=[path.stem for path in NOTEBOOKS])
def test_every_cited_number_is_that_of_an_equation_shown_so_far(position):
    shown = set().union(*(shown_in(texts_of(path)) for path in NOTEBOOKS[:position + 1]))
    assert cited_in(texts_of(NOTEBOOKS[position])) <= shown


def test_a_number_that_nothing_has_would_be_found():
    text = "(1.2) J\n    = a    [by (1.1), and (1.3)]\n    ✓ proved"
    assert cited_in([text]) == {"1.1", "1.3"} and shown_in([text]) == {"1.2"}


def test_there_are_numbers_to_look_at():
    assert sum(len(cited_in(texts_of(path))) for path in NOTEBOOKS) > 20
