"""What a line needs is said beside its proof, and nothing that is known to hold anyway."""

import pytest
import sympy as sp
from sympy import KroneckerDelta, Sum, exp, log, sqrt, symbols
from vocabulary import (
    J,
    L,
    a,
    b,
    d,
    derive,
    g,
    given,
    gradient,
    i,
    j,
    k,
    linear_regression,
    m,
    n,
    u,
    w,
)

from derivations.definitions import Assume, Definition, Depends
from derivations.derivation import Summary
from derivations.errors import FalseLine
from derivations.symbols import Partial, as_written, indexed, sigmoid
from derivations.verify import prove

N, P = symbols("N", integer=True, positive=True), indexed("p", n)
rate, nonzero = symbols("eta", positive=True), symbols("r", real=True, nonzero=True)


@pytest.mark.parametrize(
    "left, line, where",
    [
        (lambda: a / b * b, a, "b ≠ 0"),
        (Partial(1 / a, a), -1 / a**2, "a ≠ 0"),
        (lambda: 1 / (1 / a), a, "a ≠ 0"),
        (lambda: a**3 / sp.Abs(a), lambda: a * sp.Abs(a), "a ≠ 0"),
        (Partial(1 / sqrt(a), a), -1 / (2 * a * sqrt(a)), "a > 0"),
        (1 / (a - 1), -1 / (1 - a), "a ≠ 1"),
        (2 / (a * b), 1 / (a * b / 2), "a ≠ 0 and b ≠ 0"),
        (Partial(log(a), a), 1 / a, "a > 0"),
        (sqrt(a) * b, b * sqrt(a), "a ≥ 0"),
        (Partial(sqrt(a), a), 1 / (2 * sqrt(a)), "a > 0"),
        (Sum(log(P[i]), (i, 1, n)), lambda: Sum(1 * log(P[i]), (i, 1, n)), "p_i > 0"),
        (a / (N - 1), lambda: 1 / (N - 1) * a, "N ≠ 1"),
        (u[5] * a, lambda: a * u[5], "n ≥ 5"),
        (u[2] * u[4], lambda: u[4] * u[2], "n ≥ 4"),
        (Partial(sp.Abs(a), a), sp.sign(a), "a ≠ 0"),
        (b / (a + b), lambda: 1 / (a + b) * b, "a + b ≠ 0"),
        (Partial(a**b, a), lambda: b * a ** (b - 1), "a > 0"),
        (lambda: sqrt(a) / a, lambda: 1 / a * sqrt(a), "a > 0"),
        (sp.Piecewise((a, a > b), (b, True)), lambda: sp.Max(a, b), "a - b ≠ 0"),
        (lambda: a**b * a**rate, lambda: a ** (rate + b), "a > 0"),
    ],
)
def test_what_a_line_needs_is_said(left, line, where):
    with as_written():
        left = left() if callable(left) else left
    assert f", where {where} · " in derive(left, line, given=[]).verdict


@pytest.mark.parametrize(
    "left, line",
    [
        (a / n, lambda: 1 / n * a),
        (Partial(exp(a) / (1 + exp(a)), a), lambda: exp(a) / (1 + exp(a)) ** 2),
        (log(1 + exp(a)), lambda: log(exp(a) + 1)),
        (Partial(log(sigmoid(a)), a), 1 - sigmoid(a)),
        (Partial(log(1 - sigmoid(a)), a), -sigmoid(a)),
        (a / rate, lambda: 1 / rate * a),
        (sqrt(1 + a**2), lambda: sqrt(a**2 + 1)),
        (exp(-log(rate)), 1 / rate),
        (a**2 * b, lambda: b * a * a),
        (lambda: a**n * a, lambda: a * a**n),
        (lambda: a ** sp.S.Zero * b, b),
        (b / (sigmoid(a) - 2), lambda: -b / (2 - sigmoid(a))),
        (b / nonzero, lambda: 1 / nonzero * b),
        (lambda: rate**a * rate**b, lambda: rate ** (a + b)),
        (exp(u[k]) / Sum(exp(u[i]), (i, 1, n)), lambda: 1 / Sum(exp(u[i]), (i, 1, n)) * exp(u[k])),
    ],
)
def test_what_holds_anyway_is_not_asked_for(left, line):
    with as_written():
        left = left() if callable(left) else left
    assert (
        "where" not in derive(left, line, given=[]).verdict
        and "where" not in linear_regression().verdict
    )


def test_a_name_is_judged_by_what_it_stands_for():
    share = indexed("s", n)
    for body, where in ((sigmoid(u[i]), False), (u[i] ** 3, True)):
        line = derive(1 / share[i], lambda: 1 * share[i] ** -1, given=[Definition(share[i], body)])
        assert ("where s_i ≠ 0" in line.verdict) == where


def test_an_unknown_function_is_assumed_differentiable_where_the_chain_rule_is_used():
    z = indexed("z", m)
    both = [Depends(L, J), Depends(J, z[k], (k, 1, m)), Definition(z[k], a * k)]
    through = derive(
        Partial(L, a), lambda: Partial(L, J) * Sum(k * Partial(J, z[k]), (k, 1, m)), given=both
    )
    assert ", assuming J and L differentiable · " in through.verdict
    assert "assuming" not in derive(Partial(J, w[k]), gradient, given=given).verdict
    assert "assuming" not in derive(Partial(g(a), a), g.prime(a), given=[Depends(L, b)]).verdict


def test_a_hypothesis_is_said_beside_the_proof_and_numbers_keep_to_it():
    share, z = indexed("p", n), indexed("z", n)
    softmax = [
        Definition(L, -Sum(u[i] * log(share[i]), (i, 1, n))),
        Definition(share[k], exp(z[k]) / Sum(exp(z[i]), (i, 1, n))),
    ]
    delta = derive(
        Partial(L, z[k]), lambda: share[k] - u[k], given=[*softmax, Assume(Sum(u[i], (i, 1, n)), 1)]
    )
    assert delta.verdict == "✓ proved for every n, where Σ_{i=1..n} u_i = 1 · ✓ numbers"
    shown = Summary(delta)._repr_markdown_()  # in lines, so that a phone can show it
    assert r"where } \sum_{i=1}^{n} \text{ } u_{i}" in shown and r"\text{= 1}" in shown
    assert (
        derive(sqrt(a**2), a, given=[Assume(a > 0)]).verdict == "✓ proved, where a > 0 · ✓ numbers"
    )
    assert derive(b / a * a, b, given=[Assume(sp.Ne(a, 0))]).verdict.count("a ≠ 0") <= 1
    with pytest.raises(FalseLine):
        derive(Partial(L, z[k]), lambda: share[k] - u[k], given=softmax)


square, table, column = indexed("A", n, n), indexed("B", n, d), indexed("w", d)
row_sum = Sum(table[i, j]*column[j], (j, 1, d))
BY_FIXED_ENTRIES = {
    "of a square": (Sum(square[i, j]**2, (i, 1, n), (j, 1, n)), square[1, 2], 2*square[1, 2],
                    ["n ≥ 2"]),
    "the first one": (Sum(column[j]**2, (j, 1, d)), column[1], 2*column[1], []),
    "of a mean": (Sum(column[j]**2, (j, 1, d))/d, column[3], 2*column[3]/d, ["d ≥ 3"]),
    "of a row sum": (row_sum, column[2], table[i, 2], ["d ≥ 2"]),
    "two sizes": (Sum(row_sum**2, (i, 1, n))/2, table[2, 3],
                  Sum(table[2, j]*column[j], (j, 1, d))*column[3], ["n ≥ 2", "d ≥ 3"]),
    "above a triangle": (Sum(square[i, j]**2, (j, 1, i), (i, 1, n)), square[1, 2], 0, ["n ≥ 2"]),
    "in a triangle": (Sum(square[i, j]**2, (j, 1, i), (i, 1, n)), square[3, 2], 2*square[3, 2],
                      ["n ≥ 3"]),
    "on its edge": (Sum(square[i, j]**2, (j, 1, i), (i, 1, n)), square[2, 2], 2*square[2, 2],
                    ["n ≥ 2"]),
    "before a sum": (Sum(column[j]**2, (j, 3, d)), column[2], 0, ["d ≥ 2"]),
    "of a diagonal": (Sum(square[i, i]**3, (i, 1, n)), square[2, 2], 3*square[2, 2]**2, ["n ≥ 2"]),
    "beside a diagonal": (Sum(square[i, i]**3, (i, 1, n)), square[2, 1], 0, ["n ≥ 2"]),
    "three sums": (Sum(column[i]*column[j]*column[k], (i, 1, d), (j, 1, d), (k, 1, d)), column[2],
                   3*Sum(column[i], (i, 1, d))**2, ["d ≥ 2"]),
    "of neighbours": (Sum(column[j]*column[j + 1], (j, 1, d - 1)), column[2],
                      column[1] + column[3], ["d ≥ 3"]),
    "of a softmax": (log(Sum(exp(column[j]), (j, 1, d))), column[2],
                     exp(column[2])/Sum(exp(column[j]), (j, 1, d)), ["d ≥ 2"]),
}  # fmt: skip


@pytest.mark.parametrize("name", BY_FIXED_ENTRIES)
def test_a_derivative_by_an_entry_at_whole_numbers_says_how_large_the_array_must_be(name):
    formula, entry, slope, where = BY_FIXED_ENTRIES[name]
    proof = prove(Partial(formula, entry), sp.sympify(slope))
    assert proof.where == where and proof.points
    with pytest.raises(FalseLine):
        prove(Partial(formula, entry), sp.sympify(slope) + entry)


def test_what_is_true_for_large_arrays_alone_is_not_proved_where_none_is_asked_for():
    count = Sum(1, (j, 3, d))
    assert prove(column[2]*count, column[2]*(d - 2)).where == ["d ≥ 2"]
    with pytest.raises(FalseLine):
        prove(column[1]*count, column[1]*(d - 2))  # for d = 1 there is no term, not -1 of them


def test_how_large_an_array_must_be_is_said_of_a_definition_too():
    cost = Definition(a, Sum(column[j]**2, (j, 1, d)) + column[2])
    proof = prove(Partial(a, column[k]), 2*column[k] + KroneckerDelta(k, 2), [cost])
    assert proof.where == ["d ≥ 2"]


x, y, z = symbols("x y z", real=True)
hinges = Sum(sp.Max(0, 1 - column[j]), (j, 1, d))
KINKS = {  # slopes that need not show the kink; where there is a slope at a kink, none is asked for
    "second of |x|": (Partial(Partial(sp.Abs(x), x), x), 0, ["x ≠ 0"]),
    "second of a ramp": (Partial(Partial(sp.Max(0, x), x), x), 0, ["x ≠ 0"]),
    "mixed": (Partial(Partial(sp.Max(x, y), x), y), 0, ["x - y ≠ 0"]),
    "third of |x| x": (Partial(Partial(Partial(sp.Abs(x)*x, x), x), x), 0, ["x ≠ 0"]),
    "second of hinges": (Partial(Partial(hinges, column[k]), column[1]), 0, ["w_j ≠ 1"]),
    "first of |x| x": (Partial(sp.Abs(x)*x, x), 2*sp.Abs(x), []),
    "first of a ramp squared": (Partial(sp.Max(0, x)**2, x), 2*sp.Max(0, x), []),
    "first of |x|³": (Partial(sp.Abs(x)**3, x), 3*x*sp.Abs(x), []),
    "of what is no side of it": (Partial(Partial(x*sp.Heaviside(y), x), x), 0, ["y ≠ 0"]),
}  # fmt: skip


@pytest.mark.parametrize("name", KINKS)
def test_a_slope_is_asked_for_beside_the_kink_alone(name):
    slope, value, where = KINKS[name]
    proof = prove(slope, sp.sympify(value))
    assert proof.where == where and proof.points


def test_a_kink_in_a_definition_is_asked_for():
    ramp = Definition(z, sp.Max(0, b*x))
    assert prove(Partial(Partial(z, b), b), sp.S.Zero, [ramp]).where == ["b x ≠ 0"]
    bounded = [Assume(x >= 0, x <= 2)]
    assert prove(Partial(sp.Max(x, 2), x), sp.S.Zero, bounded).where == ["x ≥ 0, x ≤ 2", "x ≠ 2"]


third = sp.Rational(1, 3)
POWERS_AND_POLES = {
    "x^-n": (x**-n, 1/x**n, ["x ≠ 0"]),
    "slope of x^-n": (Partial(x**-n, x), -n*x**(-n - 1), ["x ≠ 0"]),
    "slope of x^(n-3)": (Partial(x**(n - 3), x), (n - 3)*x**(n - 4), ["x ≠ 0"]),
    "slope of x^(n-1)": (Partial(x**(n - 1), x), (n - 1)*x**(n - 2), ["x ≠ 0"]),
    "slope of x^n": (Partial(x**n, x), n*x**(n - 1), []),
    "x^3 x^(n-3)": (x**3*x**(n - 3), x**n, ["x ≠ 0"]),
    "cube root": (Partial(x**third, x), x**(-2*third)/3, ["x > 0"]),
    "its square": (Partial(x**(2*third), x), 2*x**-third/3, ["x > 0"]),
    "cube roots": (x**third*y**third, y**third*x**third, ["x ≥ 0", "y ≥ 0"]),
    "sum of cube roots": (Partial(Sum(column[j]**third, (j, 1, d)), column[k]),
                          column[k]**(-2*third)/3, ["w_j ≥ 0", "w_k > 0"]),
    "fifth root of a square": ((x**2)**sp.Rational(1, 5), (x**2)**sp.Rational(1, 5), []),
    "coth": (Partial(sp.coth(x), x), 1 - sp.coth(x)**2, ["x ≠ 0"]),
    "coth tanh": (sp.coth(x)*sp.tanh(x), 1, ["x ≠ 0"]),
    "coth sinh": (sp.coth(x)*sp.sinh(x), sp.cosh(x), ["x ≠ 0"]),
    "tan": (Partial(sp.tan(x), x), 1 + sp.tan(x)**2, ["cos(x) ≠ 0"]),
    "sec": (Partial(sp.sec(x), x), sp.sec(x)*sp.tan(x), ["cos(x) ≠ 0"]),
    "cot": (Partial(sp.cot(x), x), -1 - sp.cot(x)**2, ["sin(x) ≠ 0"]),
    "gamma": (Partial(sp.gamma(x), x), sp.gamma(x)*sp.polygamma(0, x), ["x > 0"]),
    "asin": (sp.asin(x) + x, x + sp.asin(x), ["1 - x² ≥ 0"]),
    "log x²": (Partial(log(x**2), x), 2/x, ["x ≠ 0"]),
    "log |x|": (Partial(log(sp.Abs(x)), x), 1/x, ["x ≠ 0"]),
}  # fmt: skip


@pytest.mark.parametrize("name", POWERS_AND_POLES)
def test_what_a_power_and_a_pole_ask_for_is_said(name):
    before, now, where = POWERS_AND_POLES[name]
    proof = prove(before, sp.sympify(now))
    assert proof.where == where and proof.points
