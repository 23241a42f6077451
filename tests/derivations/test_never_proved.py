"""False lines that a proving engine falls for at its edges: what sums begin with, what names are
declared to be, hidden zeros, sizes and indices in the wrong place. None is ever proved."""

import pytest
import sympy as sp
from sympy import Abs, Heaviside, KroneckerDelta, Max, Rational, Sum, exp, sqrt, symbols
from vocabulary import J, L, a, b, d, eta, i, j, k, m, n, w, y

from derivations.definitions import Definition, Depends, Entries
from derivations.errors import FalseLine, Undecided, WrongIndex
from derivations.symbols import Gradient, Partial, as_written, indexed
from derivations.verify import prove

REFUSED = FalseLine, Undecided, WrongIndex, ValueError, TypeError, IndexError
x, s, z = indexed("x", n), symbols("s", positive=True), symbols("z", real=True)
first, second = symbols("u v", commutative=False)
pair, parts, total = indexed("v", 2), indexed("c", n), indexed("y_hat", n)
A, B, X, W, Y = (
    sp.MatrixSymbol(*of) for of in (("A", n, n), ("B", n, n), ("X", n, d), ("W", d, m), ("Y", n, m))
)
share = exp(x[k]) / Sum(exp(x[j]), (j, 1, n))
hidden = 1 - Sum(share, (k, 1, n))
polynomial = [
    Definition(total[i], Sum(w[j] * x[i] ** j, (j, 0, d))),
    Definition(J, Sum((total[i] - y[i]) ** 2, (i, 1, n)) / n),
]
chain = [Definition(J, z**2 + w[1]), Definition(z, w[1] * a)]
product = lambda P, Q: sp.Trace(P.T * Q)
known = [Entries(of, indexed(f"{of.name}'", *of.shape)) for of in (A, B, X, W, Y)]

LINES = {  # each as a function, so that it is typed as a reader types it
    "A equals A + A": lambda: (A, A + A, known),
    "a difference of matrices, its sign lost": lambda: (2 * (A - B) * A, 2 * A * A - B * A, known),
    "a gradient with a wrong sign": lambda: (
        Gradient(-product(X * W + Y, X * W + Y) / 2, X),
        -(Y - X * W) * W.T,
        known,
    ),
    "a power of a sum lost": lambda: (A + B * B, A + B, known),
    "magnitudes from 0": lambda: (Sum(Abs(i) * a, (i, 0, n)), -Sum(i * a, (i, 0, n))),
    "a delta from -n": lambda: (Sum(KroneckerDelta(i, n) * a, (i, -n, n)), 0),
    "a weight of a polynomial that does not move": lambda: (
        w[2] - eta * Partial(J, w[2]),
        w[2],
        polynomial,
    ),
    "a slope by a later weight": lambda: (
        Partial(L, w[2]),
        0,
        [Depends(L, total[i], (i, 1, n)), *polynomial[:1]],
    ),
    "a positive name for any": lambda: (Partial(sqrt(s**2), a), 1, [Definition(s, a)]),
    "a positive name for -1": lambda: (sqrt(s**2), -1, [Definition(s, -1)]),
    "a step of a positive name": lambda: (Heaviside(s), 1, [Definition(s, b)]),
    "a whole number for a half": lambda: ((-1) ** (2 * n), 1, [Definition(n, Rational(1, 2))]),
    "a size for what may be negative": lambda: (Abs(n), n, [Definition(n, m - 5)]),
    "an index left out of a definition": lambda: (
        Partial(J, a),
        (a * x[i] - y[i]) * x[i],
        [Definition(L, (a * x[i] - y[i]) ** 2 / 2), Definition(J, Sum(L, (i, 1, n)) / n)],
    ),
    "a mixed slope through a name": lambda: (Partial(Partial(J, w[1]), z), 0, chain),
    "what does not commute": lambda: (first * second, second * first),
    "a square of what does not commute": lambda: (
        (first + second) ** 2,
        first**2 + 2 * first * second + second**2,
    ),
    "half as many terms": lambda: (Sum(1, (i, 1, n / 2)), n / 2),
    "terms to a real number": lambda: (Sum(a, (i, 1, s)), s * a),
    "terms to five halves": lambda: (Sum(a, (i, 1, Rational(5, 2))), 5 * a / 2),
    "a hidden zero over itself": lambda: (hidden / hidden, 17),
    "a hidden zero under its multiple": lambda: (hidden * a / hidden, 2 * a),
    "an index beyond a number": lambda: (
        Partial(Sum(pair[j] ** 2, (j, 1, 3)), pair[3]),
        2 * pair[3],
    ),
    "an entry 0": lambda: (x[1] + a, x[1] + x[0] + a - x[0]),
    "a mean that needs two": lambda: (Sum(a / (n - 1), (i, 1, n - 1)), a + 0 * n + (n - n) + 1),
    "a size that is an index too": lambda: (
        Partial(parts[k] + x[1], x[1]),
        1,
        [Definition(parts[n], Sum(x[i], (i, 1, n)))],
    ),
    "a letter as long as its name": lambda: (
        Sum(x[i], (i, 1, n)),
        n * x[symbols("_0_0", integer=True)],
    ),
    "a slope by a whole number": lambda: (Partial((-1) ** k, k), sp.I * sp.pi * (-1) ** k),
    "a slope by a size": lambda: (Partial(n * a, n), a),
    "an entry and a symbol that look alike": lambda: (
        Partial(symbols("w_1", real=True) * a + b * w[1], w[1]),
        b + a,
    ),
    "a kink where there is none": lambda: (Max(a, 0) * b, a * b),
}


@pytest.mark.parametrize("name", LINES)
def test_it_is_refused(name):
    with pytest.raises(REFUSED) as refusal:
        with as_written():
            before, now, *given = LINES[name]()
        prove(before, sp.sympify(now), *given)
    assert str(refusal.value)
