"""At a sample point an expression has the value that arithmetic gives it, exactly where that is possible."""

from fractions import Fraction

import mpmath
import pytest
import sympy as sp
from sympy import KroneckerDelta, Product, Sum, exp, log, sqrt, symbols
from vocabulary import J, L, a, b, d, g, i, j, k, m, n, q, u, w, x, y

from derivations.sampling import Evaluation, NoValue, Point, is_rational, show_number
from derivations.symbols import Partial, indexed, sigmoid

VALUES = {("a", ()): 3, ("b", ()): -2, ("n", ()): 3, **{("u", (p,)): p*p for p in (1, 2, 3)},
          **{("q", (r, c)): 10*r + c for r in (1, 2, 3) for c in (1, 2, 3)}, ("i", ()): 2}


def value(expr, exact=True):
    found = lambda name, indices: VALUES[str(getattr(name, "label", name)), indices]
    number = Fraction if exact else mpmath.mpf
    return Evaluation(lambda name, indices: number(found(name, indices)), exact)(expr)


@pytest.mark.parametrize("expr, expected", [
    (a + b, 1), (a*b/4, Fraction(-3, 2)), (a**-2, Fraction(1, 9)), (a**n, 27),
    (Sum(u[i], (i, 1, n)), 14), (Sum(u[i], (i, 1, n))/n, Fraction(14, 3)),
    (Sum(q[i, j], (j, 1, i), (i, 1, n)), 11 + 21 + 22 + 31 + 32 + 33), (Sum(Sum(q[i, j], (j, 1, n)), (i, 1, n)), 198),
    (Sum(q[i, 2], (i, 2, 3)), 54), (Sum(u[i], (i, 3, 1)), 0), (Product(u[i], (i, 1, n)), 36), (u[i], 4), (q[i, i + 1], 23),
    (Sum(KroneckerDelta(j, i)*u[j], (j, 1, n)), 4), (Sum(u[i], (i, 1, n))*u[i], 56)])
def test_the_four_operations_and_sums_are_exact(expr, expected):
    assert is_rational(expr) and value(expr) == expected and isinstance(value(expr), (Fraction, int))


@pytest.mark.parametrize("expr, expected", [
    (exp(b), "0.1353352832366127"), (log(a), "1.098612288668110"), (sqrt(a), "1.732050807568877"),
    (sigmoid(b), "0.1192029220221175"), (sp.tanh(a), "0.9950547536867305"), (sp.pi*a, "9.424777960769379"),
    (sp.E, "2.718281828459045"),
    (sp.Max(a, b), "3.0"), (sqrt(b**2), "2.0")])
def test_functions_have_many_digits(expr, expected):
    assert not is_rational(expr)
    with mpmath.workdps(40):
        assert mpmath.nstr(value(expr, exact=False), 16).startswith(expected[:15])


@pytest.mark.parametrize("expr", [1/(a - 3), log(a - 3), log(b), sqrt(b), sp.zoo, sp.Function("f")(a)])
def test_what_is_infinite_complex_or_unknown_has_no_value(expr):
    with pytest.raises(NoValue):
        value(expr, exact=False)


def test_the_slopes_of_an_undefined_activation_are_those_of_one_function():
    point = Point([g(a), g.prime(a), g.prime.prime(a)])
    assert abs(point.slope(g(a), a)/point.value(g.prime(a)) - 1) < 1e-15
    assert abs(point.slope(g.prime(a), a)/point.value(g.prime.prime(a)) - 1) < 1e-15
    assert point.value(g(a)) != point.value(g.prime(a))


def test_the_numerical_slope_is_that_of_calculus():
    expr = Sum(w[j]**2*x[i, j], (j, 1, d)) + exp(w[k])
    point = Point([expr, w[k]])
    exact = 2*point.value(w[k])*point.value(x[i, k]) + point.value(exp(w[k]))
    assert abs(point.slope(expr, w[k])/exact - 1) < 1e-15
    assert not point.override


def test_a_point_is_the_same_in_every_run_and_another_for_every_seed():
    expr = Sum(x[i, j]*w[j], (j, 1, d)) + y[i]
    first, again, other = Point([expr], 0), Point([expr], 0), Point([expr], 1)
    assert first.value(expr) == again.value(expr) != other.value(expr)
    assert first.describe() == again.describe()


def test_sizes_differ_and_indices_stay_in_their_ranges():
    expr = Sum(x[i, j]*w[j], (j, 1, d)) + Sum(indexed("v", m, d)[k, j], (j, 1, d))
    for seed in range(6):
        point = Point([expr], seed)
        sizes = [point.value(size) for size in (n, d, m)]
        assert len(set(sizes)) == 3 and min(sizes) >= 2
        assert 1 <= point.value(i) <= sizes[0] and 1 <= point.value(k) <= sizes[2]


def test_a_derivative_of_an_unknown_function_is_a_number_of_its_own():
    z = indexed("z", m)
    point = Point([Partial(L, z[1])])
    assert point.value(Partial(L, z[1])) == point.value(Partial(L, z[1]))
    assert len({point.value(Partial(f, z[index])) for f in (L, J) for index in (1, 2, 3)}) > 3
    assert "∂L/∂z_1" in point.describe()


def test_positive_symbols_have_positive_values():
    rate = symbols("eta", positive=True)
    assert all(Point([rate*b], seed).value(rate) > 0 for seed in range(8))


@pytest.mark.parametrize("number, shown", [
    (Fraction(-1, 2), "-1/2"), (Fraction(3), "3"), (Fraction(1, 3**30), "4.856936e-15"), (mpmath.mpf("0.25"), "0.25")])
def test_numbers_are_short(number, shown):
    assert show_number(number) == shown
