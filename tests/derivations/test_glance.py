"""Floats at a glance are what the point computes with forty digits; else they say nothing."""

import pytest
import sympy as sp

from derivations.definitions import Definition, Depends, table_of
from derivations.glance import Glance
from derivations.mistakes import mutants, tree
from derivations.sampling import points
from derivations.symbols import Partial, activation, as_written, indexed, sigmoid, softplus
from derivations.values import NoValue

n, d, m = sp.symbols("n d m", integer=True, positive=True)
i, j, k, r = sp.symbols("i j k r", integer=True)
J, L, a, w = sp.symbols("J L a w", real=True)
x, y, z = indexed("x", n, d), indexed("y", n), indexed("z", m)
W, v, s = indexed("W", d, m), indexed("v", d), indexed("s", m)
g = activation("g")

with as_written():
    GIVEN = [Definition(z[k], sp.Sum(W[i, k]*v[i], (i, 1, d))),
             Definition(s[k], sp.exp(z[k])/sp.Sum(sp.exp(z[j]), (j, 1, m))),
             Depends(L, s[k], (k, 1, m))]
    FORMULAS = [
        sp.Sum((w*x[i, k] - y[i])**2, (i, 1, n))/n,
        sp.Sum(sp.Sum(x[i, j]*v[j], (j, 1, d))*y[i], (i, 1, n)),
        sp.Sum(x[i, j]*y[i]*v[j], (i, 1, n), (j, 1, d)),
        sp.Sum(sp.Sum(y[i], (i, 1, n))*v[i], (i, 1, d)),  # i within i
        sp.Sum(sp.Sum(v[j], (j, 1, i)), (i, 1, d)),  # an end that moves
        sp.Sum(w, (i, 1, n)) + sp.Sum(y[i], (i, 2, n)) + sp.Sum(y[i], (i, 1, n - 1)),
        sp.Sum(sp.KroneckerDelta(i, k)*v[i], (i, 1, d)),
        sp.Product(v[j], (j, 1, d)),
        sp.Sum(g(v[j])*g.prime(w*v[j]), (j, 1, d)),
        sp.Sum(sigmoid(v[j]) - sp.tanh(v[j])*softplus(v[j]), (j, 1, d)),
        sp.Sum(sp.Max(v[j], 0)*sp.Heaviside(v[j]), (j, 1, d)),
        sp.Sum(sp.Piecewise((v[j], v[j] > 0), (w*v[j], True)), (j, 1, d)),
        sp.Sum(s[k]*(sp.KroneckerDelta(k, r) - s[r]), (k, 1, m)),
        sp.Sum(Partial(L, s[k])*s[k], (k, 1, m)),
        sp.erf(w) + sp.sqrt(w**2 + 1)/sp.pi]


def agree(glance, exact):
    value, error = glance
    return abs(value - float(exact)) <= 10*error


@pytest.mark.parametrize("formula", FORMULAS, ids=str)
def test_a_glance_is_what_the_point_computes(formula):
    for point in points([formula], table_of(GIVEN)):
        glance = Glance(point)
        for expr in (formula, *(mistake.formula for mistake in mutants(formula))):
            try:
                exact = point.value(expr)
            except NoValue:
                continue
            seen = glance(expr)
            assert seen is None or agree(seen, exact), (point.seed, expr)


def test_nearly_all_mistakes_of_a_question_are_seen_at_a_glance():
    question = Partial(s[r], W[i, k])
    for point in list(points([question], table_of(GIVEN)))[:3]:
        glance, kept = Glance(point), []
        for mistake in tree(question, table_of(GIVEN)):
            try:
                exact = point.value(mistake.formula)
            except NoValue:
                continue
            kept.append(glance(mistake.formula))
            assert kept[-1] is None or agree(kept[-1], exact), mistake
        told = [seen for seen in kept if seen and seen[1] < 1e-9*max(1, abs(seen[0]))]
        assert len(kept) > 50 and len(told) > 0.8*len(kept)


@pytest.mark.parametrize("formula", [1/(w - w), sp.log(-w**2 - 1), v[9], y[r + 100], sp.zeta(w)])
def test_what_floats_cannot_tell_is_left_open(formula):
    point = next(iter(points([w*v[k]*y[r]])))
    try:
        assert agree(Glance(point)(formula), point.value(formula))
    except (NoValue, TypeError):
        assert Glance(point)(formula) is None
