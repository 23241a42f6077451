"""Every derivation of every notebook meets numbers: its definitions evaluated, and differentiated
numerically, give each line."""

import pytest
from claims import NOTEBOOKS, collect

from derivations.printing import plain


def without_numbers(path):
    """What a notebook claims and no number confirms, and why."""
    return [f"({d.number}) {plain(d.left)}: {d.proof.why}" for d in collect(path).derivations
            if not d.proof.points]


@pytest.mark.parametrize("path", [pytest.param(
    path, id=path.stem, marks=[] if position < 4 else pytest.mark.long)
                                  for position, path in enumerate(NOTEBOOKS)])
def test_every_derivation_meets_numbers_at_different_sizes(path):
    assert without_numbers(path) == []
    derivatives = [d for d in collect(path).derivations if d.proof.derivative]
    assert derivatives and all(d.witnessed for d in derivatives)
    tried = [[tuple(point.size.values()) for point in d.proof.points] for d in derivatives
             if d.proof.points[0].size]
    assert all(len(sizes) >= 3 and len(set(sizes)) >= 2 for sizes in tried)
    with_1 = sum(any(1 in point for point in sizes) for sizes in tried)
    assert with_1 >= 0.8*len(tried)  # softmax over one class has no slope, and tells nothing
