"""Verdicts that hang on one reason of a table: without it they would be wrong."""

import numpy as np
import pytest
from drawn import one_in

from gradcheck import gradient_check, judging


def before_a_normalisation(b, seed=1):
    """cost, gradient and point of a bias of which the slope is nothing but rounding."""
    rng = np.random.default_rng(seed)
    X, y, p = rng.normal(size=(6, 2)), rng.normal(size=6), {"b": b, "w": rng.normal(size=2)}

    def parts(p):
        z = X @ p["w"] + p["b"]
        spread = np.sqrt(z.var() + 1e-5)  # var() of real numbers only
        return (z - z.mean()) / spread, spread

    def gradient(p):
        u, spread = parts(p)
        back = 2 * (u - y) / 6
        dz = (back - back.mean() - u * (back * u).mean()) / spread
        return {"b": dz.sum(), "w": X.T @ dz}

    return lambda p: ((parts(p)[0] - y) ** 2).mean(), gradient(p), p


CASES = {  # (table, place of the reason): (cost, gradient, point, verdict)
    ("VERDICTS", 0): (lambda w: np.sqrt(abs(w)), 0.0, 0.0, "not decided"),  # infinitely steep
    # A large number has made stairs of the first term: between two of them it has no slope.
    ("VERDICTS", 1): (lambda w: float(np.sin(w + 1e6) + np.sin(1.3*w)), lambda w: 1.3*np.cos(1.3*w),
                      0.000288, "not decided"),
    # A right formula that a large number has made a staircase.
    ("DOUBTS", 1): (lambda w: -np.cos(w), lambda w: ((1e8 + np.sin(w) / 1e3) - 1e8) * 1e3, 1.3,
                    "not decided"),
    # One whose last digits are a staircase.
    ("DOUBTS", 2): (np.tanh, lambda w: 1 - np.tanh(w) ** 2, 15.0, "not decided"),
    ("DOUBTS", 4): (*before_a_normalisation(1e5), "not decided"),
    # A unit that is saturated: 1 - tanh(30)**2 is 0 in floats.
    ("DOUBTS", 6): (lambda z: np.tanh(z).sum(), np.array([0.0, 1 - np.tanh(0.5) ** 2]),
                    np.array([30.0, 0.5]), "not decided"),
}  # fmt: skip


@pytest.mark.parametrize("table, place", CASES)
def test_a_verdict_hangs_on_one_reason(monkeypatch, table, place):
    *arguments, verdict = CASES[table, place]
    found = gradient_check(*arguments)
    assert next(iter(found.blocks.values())).verdict == verdict
    reasons = getattr(judging, table)
    monkeypatch.setattr(judging, table, reasons[:place] + reasons[place + 1 :])
    found = gradient_check(*arguments)
    assert next(iter(found.blocks.values())).verdict != verdict


@pytest.mark.every(3)
@pytest.mark.parametrize("seed", one_in(6, range(12)))
@pytest.mark.parametrize("b", 10.0 ** np.arange(3, 9))
def test_the_rounding_that_a_large_bias_leaves_is_never_called_a_difference(b, seed):
    cost, claim, p = before_a_normalisation(b, seed)
    assert gradient_check(cost, claim, p).blocks["b"].verdict != "differs"
    wrong = claim | {"b": np.abs(claim["w"]).max() / 10}
    assert gradient_check(cost, wrong, p).blocks["b"].verdict == "differs"
