"""Every derivation of every notebook meets numbers: its definitions evaluated, and differentiated
numerically, give each line."""

import re

import pytest
from claims import NOTEBOOKS, collect
from drawn import one_in

from derivations.printing import plain


def without_numbers(path):
    """What a notebook claims and no number confirms, and why."""
    return [f"({d.number}) {plain(d.left)}: {d.proof.why}" for d in collect(path).derivations
            if not d.proof.points]


each_notebook = pytest.mark.parametrize("path", one_in(len(NOTEBOOKS), NOTEBOOKS, again=1),
                                        ids=lambda path: path.stem)


@each_notebook
def test_every_derivation_meets_numbers_at_different_sizes(path):
    assert without_numbers(path) == []
    derivations = collect(path).derivations
    assert all(d.witnessed for d in derivations if d.proof.derivative)
    tried = [[tuple(point.size.values()) for point in d.proof.points] for d in derivations
             if d.proof.points[0].size]
    assert all(len(sizes) >= 3 and len(set(sizes)) >= 2 for sizes in tried)
    with_1 = sum(any(1 in point for point in sizes) for sizes in tried)
    assert with_1 >= 0.8*len(tried)  # softmax over one class has no slope, and tells nothing


@each_notebook
def test_no_derivation_shows_latex_as_text(path):
    for derivation in collect(path).ledger.derivations:
        assert not re.search(r"[\\$]", repr(derivation))
