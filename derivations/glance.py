"""The value of a formula in floating point, at a point: what is far off needs no forty digits.

Each value comes with a bound of its rounding error. A sum is added up along an axis of an array,
and each part of a formula is computed once for all formulas that hold it, so that hundreds of
variants of one formula cost little more than one.
"""

from functools import reduce

import mpmath
import numpy as np
import sympy as sp

from derivations.printing import to_mpf
from derivations.sampling import ERRORS
from derivations.symbols import Activation, function_value, letters_of, sigmoid
from derivations.values import NoValue, whole_value

ROUNDING = 1e-15  # of one operation, relative to its result


class Glance:
    """Formulas as floats at one `Point`: (value, error), or None where floats say nothing.

    Examples
    --------
    >>> from derivations.sampling import Point
    >>> x, y = sp.symbols("x y", real=True)
    >>> at = Point([sp.exp(x)*y])
    >>> value, error = Glance(at)(sp.exp(x)*y)
    >>> bool(abs(value - at.value(sp.exp(x)*y)) < error < 1e-12)
    True
    """

    def __init__(self, point):
        self.point, self.seen = point, {}

    def __call__(self, expr):
        with mpmath.workdps(self.point.digits), np.errstate(all="ignore"):
            try:
                value, error = (float(np.sum(part)) for part in self.part(expr, ()))
            except (NoValue, *ERRORS):
                return None
        return (value, error) if np.isfinite(value + error) else None

    def part(self, e, bounds):
        """A part within sums over `bounds`: (letter, first, last), the outermost first.

        The letter of the outermost runs along the last axis, that of the next along the one
        before, and so on: parts fit together whichever letters they hold.
        """
        if (e, bounds) not in self.seen:
            rule = next((RULES[kind] for kind in type(e).__mro__ if kind in RULES), exactly)
            self.seen[e, bounds] = rule(self, e, bounds)
        return self.seen[e, bounds]

    def parts(self, e, bounds):
        return [self.part(a, bounds) for a in e.args]


def letters_along(e, bounds):
    """The letters of a part that sums bind, each with its numbers along its axis."""
    return {letter: np.arange(first, last + 1).reshape(-1, *[1] * place)
            for place, (letter, first, last) in enumerate(bounds) if letter in letters_of(e)}


def each(compute, *arrays):
    """`compute` of numbers, entry by entry."""
    return np.vectorize(compute, otypes=[float])(*arrays) if arrays else compute()


def rounded(value, error=0.0):
    return value, error + ROUNDING * abs(value)


# one rule for each kind: of a glance, a part and the sums around it


def exactly(glance, e, bounds):
    """As the point computes it, for each set of letters."""
    letters = letters_along(e, bounds)
    return rounded(each(lambda *at: float(glance.point.value(e, dict(zip(letters, map(int, at))))),
                        *letters.values()))


def symbol(glance, e, bounds):
    is_bound = any(e == letter for letter, *_ in bounds)
    return (letters_along(e, bounds)[e], 0.0) if is_bound else exactly(glance, e, ())


def entry(glance, e, bounds):
    lookup = lambda *at: float(to_mpf(glance.point.lookup(e.base, tuple(map(round, at)))))
    return rounded(each(lookup, *(glance.part(i, bounds)[0] for i in e.indices)))


def added(one, other):
    return rounded(one[0] + other[0], one[1] + other[1])


def multiplied(one, other):
    return rounded(one[0] * other[0], abs(one[0]) * other[1] + abs(other[0]) * one[1])


def power(glance, e, bounds):
    (base, error), (exponent, _) = glance.parts(e, bounds)
    found = np.power(np.float64(base), np.float64(exponent))
    return rounded(found, abs(exponent * found / base) * error)


def same(glance, e, bounds):
    (one, _), (other, _) = glance.parts(e, bounds)[:2]
    return np.equal(one, other) * 1.0, 0.0


def series(glance, e, bounds):
    own = {letter for letter, *_ in (*bounds, *e.limits)}
    if any(letters_of(end) & own for _, *ends in e.limits for end in ends):
        return exactly(glance, e, bounds)
    inside = bounds + tuple((index, *(whole_value(end, glance.point, {}) for end in ends))
                            for index, *ends in reversed(e.limits))
    value, error = glance.part(e.function, inside)
    for place, (_, first, last) in list(enumerate(inside))[len(bounds):]:
        count = max(0, last + 1 - first)
        value, error = total(value, place, count), total(error, place, count)
    return rounded(value, error)


def total(values, place, count):
    """The sum along an axis; what holds no letter of it is the same `count` times."""
    values = np.asarray(values)
    if values.ndim <= place or values.shape[-1 - place] == 1:
        return values * count
    return values.sum(axis=-1 - place, keepdims=True)


def function(glance, e, bounds):
    if len(e.args) != 1:
        return exactly(glance, e, bounds)
    return moved(NUMPY.get(type(e)) or (
        lambda z: each(lambda v: float(function_value(e, [to_mpf(float(v))])), z)),
        *glance.part(e.args[0], bounds))


def unknown(glance, e, bounds):
    stand_in = lambda z: float(glance.point.stand_in(e.stem, e.order, float(z)))
    return moved(lambda z: each(stand_in, z), *glance.part(e.args[0], bounds))


def moved(compute, z, error):
    """A function of one argument; its error is how far it moves when that moves by its own."""
    value = compute(z)
    return rounded(value, abs(compute(z + error) - value))


NUMPY = {sp.exp: np.exp, sp.log: np.log, sp.tanh: np.tanh, sigmoid: lambda z: 1 / (1 + np.exp(-z))}
RULES = {
    sp.Rational: lambda glance, e, bounds: rounded(e.p / e.q),
    sp.Add: lambda glance, e, bounds: reduce(added, glance.parts(e, bounds)),
    sp.Mul: lambda glance, e, bounds: reduce(multiplied, glance.parts(e, bounds)),
    sp.Pow: power, sp.KroneckerDelta: same, sp.Symbol: symbol, sp.Indexed: entry, sp.Sum: series,
    sp.Function: function, Activation: unknown,
}  # fmt: skip
