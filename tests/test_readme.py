"""What the README shows of a refusal is what the engine says today."""

from pathlib import Path

import pytest
from sympy import Sum, Symbol
from vocabulary import b, d, i, j, k, n, w, x, y, y_hat

from helpers.derivation import Derivation, FalseLine
from helpers.expressions import Definition, Partial, as_written

README = Path(__file__).resolve().parent.parent / "README.md"


def test_the_refusal_in_the_readme_is_the_one_of_the_engine():
    J = Symbol("J", real=True)
    with as_written():
        given = [Definition(y_hat[i], Sum(w[j]*x[i, j], (j, 1, d)) + b),
                 Definition(J, Sum((y_hat[i] - y[i])**2, (i, 1, n))/(2*n))]
    with pytest.raises(FalseLine) as refusal, Derivation(Partial(J, w[k]), given=given, number="1.4") as dJ_dw:
        dJ_dw.step(Sum(2*(y_hat[i] - y[i])*Partial(y_hat[i] - y[i], w[k]), (i, 1, n))/(2*n), "power rule, then the chain rule")
        dJ_dw.step(Sum((y_hat[i] - y[i])*Partial(y_hat[i], w[k]), (i, 1, n))/n, "the 2 meets the ½")
        dJ_dw.step(Sum((y[i] - y_hat[i])*x[i, k], (i, 1, n))/n, "a lost sign")
    shown = next(block for block in README.read_text(encoding="utf-8").split("```") if "is false" in block)
    said = str(refusal.value).splitlines()
    assert [line for line in shown.strip().splitlines() if line not in said] == []
