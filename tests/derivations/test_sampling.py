"""At a sample point a line has the value that arithmetic gives it, a derivative that of a
difference quotient."""

from fractions import Fraction

import mpmath
import pytest
import sympy as sp
from sympy import KroneckerDelta, MatrixSymbol, Product, Sum, exp, log, sqrt, symbols
from vocabulary import (
    J,
    L,
    W,
    X,
    Y,
    Y_hat,
    a,
    b,
    d,
    entries,
    g,
    given,
    gradient,
    i,
    j,
    k,
    m,
    n,
    q,
    u,
    w,
    x,
    y,
    y_hat,
)

from derivations.definitions import Definition, Depends, table_of
from derivations.printing import as_fraction, show_number
from derivations.sampling import NoValue, Point, ranges_in, same_value, sizes_in
from derivations.symbols import Gradient, Partial, as_written, indexed, sigmoid
from derivations.values import is_rational

VALUES = {("a", ()): 3, ("b", ()): -2, ("n", ()): 3, **{("u", (p,)): p*p for p in (1, 2, 3)},
          **{("q", (r, c)): 10*r + c for r in (1, 2, 3) for c in (1, 2, 3)}, ("i", ()): 2}
TABLE, ARRAYS = table_of(given), {e.matrix: e.entries for e in entries}
z = indexed("z", m)
UNKNOWN = table_of([Depends(L, z[k], (k, 1, m))])


class Fixed(Point):
    """A point whose values are those above."""

    def draw(self, base, indices):
        return VALUES[str(getattr(base, "label", base)), indices]


def value(expr):
    return Fixed([expr]).value(expr)


@pytest.mark.parametrize("expr, expected", [
    (a + b, 1), (a*b/4, Fraction(-3, 2)), (a**-2, Fraction(1, 9)), (a**n, 27),
    (Sum(u[i], (i, 1, n)), 14), (Sum(u[i], (i, 1, n))/n, Fraction(14, 3)),
    (Sum(q[i, j], (j, 1, i), (i, 1, n)), 11 + 21 + 22 + 31 + 32 + 33),
    (Sum(Sum(q[i, j], (j, 1, n)), (i, 1, n)), 198),
    (Sum(q[i, 2], (i, 2, 3)), 54), (Sum(u[i], (i, 3, 1)), 0), (Product(u[i], (i, 1, n)), 36),
    (u[i], 4), (q[i, i + 1], 23),
    (Sum(KroneckerDelta(j, i)*u[j], (j, 1, n)), 4), (Sum(u[i], (i, 1, n))*u[i], 56),
    (sp.Abs(b)/a, Fraction(2, 3)),
    (sp.Max(a, b), 3), (sp.sign(b)*a, -3), (sp.Piecewise((a, b > 0), (b/4, True)), Fraction(-1, 2)),
    (sp.Heaviside(b), 0)])
def test_what_needs_no_function_is_exact(expr, expected):
    assert (is_rational(expr) and value(expr) == expected
            and isinstance(value(expr), (Fraction, int)))


@pytest.mark.parametrize("expr, expected", [
    (exp(b), "0.1353352832366127"), (log(a), "1.098612288668110"), (sqrt(a), "1.732050807568877"),
    (sigmoid(b), "0.1192029220221175"), (sp.tanh(a), "0.9950547536867305"),
    (sp.pi*a, "9.424777960769379"),
    (sp.E, "2.718281828459045"), (sp.erf(a), "0.9999779095030014"),
    (sp.atan(b), "-1.107148717794090"),
    (sp.cosh(b), "3.762195691083631"), (sp.gamma(a) + exp(b), "2.135335283236612")])
def test_functions_have_many_digits(expr, expected):
    assert not is_rational(expr)
    with mpmath.workdps(40):
        assert mpmath.nstr(value(expr), 16).startswith(expected[:15])


@pytest.mark.parametrize("expr, why", [
    (1/(a - 3), "it divides by zero"), (log(a - 3), "infinite|zero|log"), (log(b), "complex"),
    (sqrt(b), "complex"),
    (sp.Function("f")(a, b), "no value is known for f"), (u[4], "u_4 lies outside of u"),
    (u[0], "outside"),
    (sp.Integral(a, (a, 0, b)), "Integral has no rule"), (a**sp.Rational(1, 3)/(b + 2), "zero"),
    (sp.oo, "no rule|infinite"),
    (exp(exp(exp(a**2))), "too large"), (Sum(u[i], (i, 1, a/2)), "no whole number")])
def test_what_has_no_finite_real_value_says_why(expr, why):
    with pytest.raises(NoValue, match=why):
        value(expr)


@pytest.mark.parametrize("expr",
                         [sp.sign(a - 3), sp.Heaviside(a - 3), sp.Piecewise((a, a > 3), (b, True))])
def test_on_a_kink_there_is_no_value(expr):
    with pytest.raises(NoValue, match="kink"):
        value(expr)


@pytest.mark.parametrize("expr", [sp.Abs(a - 3), sp.Max(a, 3), sp.Min(a - 3, 0)])
def test_on_a_kink_there_is_a_value_but_no_slope(expr):
    assert value(expr) in (0, 3)
    with pytest.raises(NoValue, match="kink"):
        value(Partial(expr, a))


def test_a_name_has_the_value_of_what_it_stands_for():
    point = Point([J, w[k]], TABLE)
    residuals = [point.value(y_hat[p] - y[p]) for p in (1, 2, 3)]
    assert point.value(J) == sum(r*r for r in residuals)/6


def test_a_derivative_is_a_difference_quotient():
    expr = Sum(w[j]**2*x[i, j], (j, 1, d)) + exp(w[k])
    point = Point([expr, w[k]])
    with mpmath.workdps(40):
        exact = 2*point.value(w[k])*point.value(x[i, k]) + point.value(exp(w[k]))
        assert abs(point.value(Partial(expr, w[k]))/exact - 1) < 1e-30
    assert not point.held


def test_a_derivative_by_a_name_holds_the_name_and_nothing_that_it_is_made_of():
    point = Point([J, y_hat[i], gradient], TABLE)
    assert (point.same(Partial(J, y_hat[i]), (y_hat[i] - y[i])/n)
            and point.same(Partial(J, w[k]), gradient) is not False)


def test_what_is_held_moves_all_that_is_made_of_it_and_nothing_else():
    """Values are looked up once: also the first step of a recursion must move with its letter."""
    h, v = indexed("h", n), symbols("v", real=True)
    table = table_of([Definition(h[1], v**2), Definition(h[k], a*h[k - 1])])
    for seed in range(4):
        point = Point([h[4], v, a], table, seed=seed)
        before = point.value(h[4])
        assert point.same(Partial(h[4], v), 2*v*a**3) and point.same(Partial(h[4], a), 3*a**2*v**2)
        assert point.same(Partial(Partial(h[4], v), a), 6*v*a**2) and point.value(h[4]) == before


def test_a_derivative_inside_one_by_a_name_made_of_its_variable_is_not_said():
    c, v = symbols("c v", real=True)
    table = table_of([Definition(c, v*a), Definition(J, c**2 + v)])
    with pytest.raises(NoValue, match="inside one by a name"):
        Point([J], table).value(Partial(Partial(J, v), c))


def test_second_derivatives_of_an_unknown_function_do_not_depend_on_their_order():
    for seed in range(4):
        point = Point([z[i], z[j]], UNKNOWN, seed=seed)
        assert point.same(Partial(Partial(L, z[i]), z[j]), Partial(Partial(L, z[j]), z[i]))


def test_an_unknown_function_mixes_its_arguments_and_is_another_one_at_every_point():
    mixed = Partial(Partial(L, z[1]), z[2])
    found = {as_fraction(Point([z[i], z[j]], UNKNOWN, seed=seed).value(mixed))
             for seed in (0, 2, 3)}
    assert len(found) == 3 and 0 not in found


def test_the_slopes_of_an_undefined_activation_are_those_of_one_function():
    point = Point([g(a), g.prime(a), g.prime.prime(a)])
    assert (point.same(Partial(g(a), a), g.prime(a))
            and point.same(Partial(g.prime(a), a), g.prime.prime(a)))
    assert point.same(Partial(g.prime.prime(a), a), g.prime.prime.prime(a))
    assert not point.same(g(a), g.prime(a)) and is_rational(g(a))


def test_matrices_are_arrays_and_a_gradient_is_one_of_slopes():
    Q = MatrixSymbol("Q", n, n)
    with as_written():
        form, outer = X.T*(Y_hat - Y)/n, X*X.T + sp.Identity(n)
    point = Point([form], TABLE, ARRAYS)
    assert point.same(Gradient(J, W), form) and point.same(Gradient(J, W), -form) is False
    assert (point.value(outer).shape == (3, 3)
            and point.value(sp.Trace(outer)) == sum(point.value(outer)[p, p] for p in range(3)))
    assert ([v for v in point.value(sp.HadamardProduct(Y, Y)).flat]
            == [v*v for v in point.value(Y).flat])
    with pytest.raises(NoValue, match="entries of Q are not known"):
        point.value(Q)


def test_a_point_is_the_same_in_every_run_and_another_for_every_seed():
    expr = Sum(x[i, j]*w[j], (j, 1, d)) + y[i]
    first, again, other = (Point([expr], seed=seed) for seed in (0, 0, 1))
    assert first.value(expr) == again.value(expr) != other.value(expr)
    assert first.describe() == again.describe()


def test_sizes_differ_from_each_other_and_from_point_to_point_and_1_and_2_are_among_them():
    expr = Sum(x[i, j]*w[j], (j, 1, d)) + Sum(indexed("v", m, d)[k, j], (j, 1, d))
    tried = []
    for seed in range(6):
        point = Point([expr], seed=seed)
        sizes = [point.value(size) for size in (n, d, m)]
        assert len(set(sizes)) == 3
        assert 1 <= point.value(i) <= sizes[0] and 1 <= point.value(k) <= sizes[2]
        tried.append(sizes)
    assert all({1, 2} <= set(column) for column in zip(*tried[:4]))
    alone = [Point([Sum(u[i], (i, 1, n))], seed=seed).value(n) for seed in range(3)]
    assert sorted(alone) == [1, 2, 3]


def test_values_have_both_signs_are_no_whole_numbers_and_keep_to_assumptions():
    rate, negative = symbols("eta", positive=True), symbols("c", negative=True)
    found = [Point([a], seed=seed).value(a) for seed in range(8)]
    assert min(found) < 0 < max(found) and all(v.denominator > 1 for v in found)
    assert all(Point([rate], seed=seed).value(rate) > 0
               > Point([negative], seed=seed).value(negative) for seed in range(8))


def test_sizes_and_ranges_are_read_off_a_formula():
    prefix = Sum(u[j], (j, 1, k)) + x[i, j]
    assert sizes_in(prefix) == {n, d, k} and ranges_in(prefix) == {i: [n], j: [d]}


def test_two_values_are_the_same_only_if_they_are_however_small():
    tiny = mpmath.mpf("1e-300")
    assert (not same_value(tiny, -tiny) and not same_value(tiny, 2*tiny)
            and same_value(Fraction(1, 3), mpmath.mpf(1)/3, 1e-15))
    with mpmath.workdps(40):
        assert same_value(tiny, tiny*(1 + mpmath.mpf("1e-30")))


def test_a_point_that_cannot_tell_says_neither_yes_nor_no():
    point = Point([a, b])
    assert point.same(a - a, b - b) is None or point.same(a - a, b - b) is True
    with as_written():
        nothing = (a + b)**2 - a**2 - 2*a*b - b**2
    assert point.same(nothing, 2*nothing) is None and point.same(nothing, sp.S.Zero) is True
    assert point.same(exp(-800*a**2), 2*exp(-800*a**2)) is False
    assert point.same(exp(a) + exp(b) - exp(b), exp(a)) is True


def test_a_rounding_error_is_no_difference():
    noise = sp.Abs(exp(a)*b*log(3) + exp(a)*log(2)) - exp(a)*sp.Abs(b*log(3) + log(2))
    assert all(Point([noise], seed=seed).same(noise, 2*noise) is None for seed in range(4))


@pytest.mark.parametrize("f", [sp.erf, sp.tanh, sigmoid, sp.atan, lambda z: log(1 + exp(z))])
@pytest.mark.parametrize("scale", [1, 40, 900])
def test_where_a_function_is_flat_its_slope_is_lost_and_no_claim_is_called_false(f, scale):
    slope, true = Partial(f(scale*a*b), a), sp.diff(f(scale*a*b), a)
    verdicts = {form: [verdict(slope, form, seed) for seed in range(8)]
                for form in (true, sp.expand(true), true.rewrite(exp), 2*true)}
    assert True in verdicts[true] and False in verdicts.pop(2*true)
    assert not any(False in seen for seen in verdicts.values())


def verdict(first, second, seed):
    try:
        return Point([first, second], seed=seed).same(first, second)
    except NoValue:
        return None


@pytest.mark.parametrize("number, shown", [
    (Fraction(-1, 2), "-1/2"), (Fraction(3), "3"), (Fraction(1, 3**30), "4.856936e-15"),
    (mpmath.mpf("0.25"), "0.25")])
def test_numbers_are_short(number, shown):
    assert show_number(number) == shown


def test_a_sum_from_0_has_an_entry_0_as_the_bias_counted_as_a_weight():
    with as_written():
        whole, parts = Sum(w[j]*x[i, j], (j, 0, d)), w[0]*x[i, 0] + Sum(w[j]*x[i, j], (j, 1, d))
    for seed in range(8):
        assert Point([whole, parts], seed=seed).same(whole, parts)
    with pytest.raises(NoValue, match="lies outside"):
        Point([w[0]]).value(w[0])


def test_a_size_that_stands_as_an_index_is_a_size():
    v, A = indexed("v", n), indexed("A", n, d)
    point = Point([Partial(v[n], v[k]), KroneckerDelta(n, k)])
    assert point.same(Partial(v[n], v[k]), KroneckerDelta(n, k)) is not False
    assert ranges_in(v[n], v[k]) == {k: [n]} and ranges_in(A[d, n]) == {}
    with pytest.raises(NoValue, match="A_.* lies outside of A"):
        Point([A[d, n]]).value(A[d, n])
