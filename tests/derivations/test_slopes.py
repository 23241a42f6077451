"""The derivative on the tree is SymPy's own of the formula written out: sizes are numbers, sums and
products have their terms, entries are symbols, and `diff` is asked about the whole."""

from random import Random

import pytest
import sympy as sp
from sympy import Abs, Heaviside, Max, Min, Piecewise, Product, Rational, Sum, symbols
from written_out import WrittenOut

from derivations.slopes import slope_of
from derivations.symbols import Partial, activation, indexed, sigmoid

n, d = symbols("n d", integer=True, positive=True)
i, j, k, l, q, t = symbols("i j k l q t", integer=True)  # all but k and q are bound by sums
a, b = symbols("a b", real=True)
g = activation("g")
x, y, w, X = indexed("x", n), indexed("y", n), indexed("w", d), indexed("X", n, d)

OF_ONE = [
    sp.exp, sp.tanh, sp.sin, sp.cos, sp.atan, sp.erf, sp.sinh, sp.cosh, sp.asinh, sigmoid,
    g, g.prime, Abs, sp.sign, sp.Heaviside, lambda u: sp.log(2 + u**2),
    lambda u: sp.sqrt(1 + u**2), lambda u: 1/(3 + u**2), lambda u: Rational(5, 4)**u,
    lambda u: u**3, lambda u: Max(0, u), lambda u: Min(u, Rational(1, 3), u**2),
    lambda u: Max(u, a, b*u), lambda u: Piecewise((u**2, u > a), (u/7, True)),
    lambda u: Heaviside(u - a, Rational(1, 2))*u, lambda u: (2 + sp.cos(u))**(a*u),
    lambda u: sp.atan2(u, 2 + a*u), lambda u: sp.log(3 + sp.sin(u), 2),
]  # fmt: skip
INNER = [lambda r, p: a - x[p]*b, lambda r, p: Sum(X[p, j]*w[j], (j, 1, d)) + b,
         lambda r, p: x[p]*y[p] - Rational(r.randint(1, 5), 3),
         lambda r, p: (a - 2*x[p])/(2 + b**2),
         lambda r, p: Sum(w[j]*Product(X[p, t]*w[t], (t, 1, d)), (j, 1, d)) - y[p]]  # fmt: skip
OUTER = [lambda e: e(k), lambda e: Sum(e(i), (i, 1, n))/n, lambda e: Product(1 + e(i)/9, (i, 1, n)),
         lambda e: Sum(e(i)*e(l), (i, 1, n), (l, 1, n)), lambda e: sp.tanh(Sum(e(i)**2, (i, 1, n)))]
VARIABLES = [a, b, x[k], w[q], X[k, q], X[k, 2], x[1], X[1, q], X[2, 1]]


def drawn(seed):
    """A formula of two functions, one inside the other, and something to differentiate by."""
    random = Random(seed)
    outer, inner, f, h = map(random.choice, (OUTER, INNER, OF_ONE, OF_ONE))
    u = lambda p: inner(random, p)
    term = random.choice([lambda p: f(h(u(p))), lambda p: f(u(p))*h(a + u(p))])
    return outer(term), random.choice(VARIABLES)


@pytest.mark.parametrize("seed", range(12))
def test_it_is_what_sympy_finds_when_everything_is_written_out(seed):
    formula, variable = drawn(seed)
    slope = slope_of(formula, variable)
    assert WrittenOut({}, {}, seed).agree(Partial(formula, variable), slope), (formula, variable)


@pytest.mark.long
@pytest.mark.parametrize("start", range(12, 412, 40))
def test_many_more_of_them_are_so(start):
    for seed in range(start, start + 40):
        test_it_is_what_sympy_finds_when_everything_is_written_out(seed)


def test_what_does_not_occur_is_held():
    assert slope_of(Sum(x[i]**2, (i, 1, n)), a) == 0 and slope_of(n*a, a) == n


def test_a_function_that_sympy_cannot_differentiate_is_left_to_the_caller():
    assert slope_of(sp.floor(a), a).has(sp.Derivative)
