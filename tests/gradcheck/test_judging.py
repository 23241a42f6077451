"""Verdicts that hang on one reason of a table: without it they would be wrong."""

import numpy as np
import pytest

from gradcheck import gradient_check, judging

CASES = {  # (table, place of the reason): (cost, gradient, point, verdict)
    ("VERDICTS", 0): (lambda w: np.sqrt(abs(w)), 0.0, 0.0, "not decided"),  # infinitely steep
    # A right formula whose last digits are a staircase.
    ("DOUBTS", 2): (np.tanh, lambda w: 1 - np.tanh(w) ** 2, 15.0, "not decided"),
}


@pytest.mark.parametrize("table, place", CASES)
def test_a_verdict_hangs_on_one_reason(monkeypatch, table, place):
    *arguments, verdict = CASES[table, place]
    found = gradient_check(*arguments)
    assert found.blocks["the parameter"].verdict == verdict
    reasons = getattr(judging, table)
    monkeypatch.setattr(judging, table, reasons[:place] + reasons[place + 1 :])
    found = gradient_check(*arguments)
    assert found.blocks["the parameter"].verdict != verdict
