"""The value of a formula at a point, as it was typed: one rule for each kind of expression.

Nothing is differentiated and nothing is simplified by SymPy here. A partial derivative is a difference quotient, a sum is
added up, a matrix is an array of its entries; `point` says what symbols, entries and unknown functions are, `bound` maps the
indices of the sums around a formula to whole numbers. Numbers are Fractions and ints where that is possible, else mpf.
"""

from fractions import Fraction
from functools import lru_cache, reduce, singledispatch
from math import prod
from operator import add, mul

import mpmath
import numpy as np
import sympy as sp
from sympy.matrices.expressions.applyfunc import ElementwiseApplyFunction
from sympy.matrices.expressions.matexpr import MatrixElement

from derivations.printing import plain, to_mpf
from derivations.symbols import Activation, Gradient, Partial, base_of, function_value

LARGEST = 10**7      # of the argument of a function: beyond it exp has too many digits to be waited for
KINK = 1e-12         # how near to a kink a difference quotient says nothing


class NoValue(Exception):
    """The expression has no finite real value at this point; the message says why."""


@singledispatch
def value_of(e, point, bound):
    """The value of an expression. Raises NoValue, or the error of the arithmetic."""
    raise NoValue(f"{type(e).__name__} has no rule for a value")


def rule(*kinds):
    """Make a function the rule for these kinds of expressions."""
    return lambda function: [value_of.register(kind, function) for kind in kinds][-1]


def values_of(exprs, point, bound):
    return [value_of(e, point, bound) for e in exprs]


def whole_value(e, point, bound):
    """The value of an index or of the end of a sum, which must be a whole number."""
    if type(e) is int or e in bound:
        return bound.get(e, e)
    value = value_of(sp.sympify(e), point, bound)
    if value != int(value):
        raise NoValue(f"{plain(e)} is no whole number")
    return int(value)


def remembered(e, point, bound, compute):
    """The value of a sum or a derivative is computed once for all values of the letters in it."""
    letters = letters_in(e)
    key = (e, *((letter, v) for letter, v in bound.items() if letter in letters))
    if key not in point.memo:
        point.memo[key] = compute()
    return point.memo[key]


@lru_cache(maxsize=20_000)
def letters_in(e):
    return frozenset(e.free_symbols)


# numbers, symbols and entries


@rule(sp.Rational)
def _(e, point, bound):
    return int(e.p) if e.q == 1 else point.number(Fraction(int(e.p), int(e.q)))


@rule(sp.NumberSymbol)
def _(e, point, bound):
    return +getattr(mpmath.mp, {sp.E: "e", sp.GoldenRatio: "phi", sp.EulerGamma: "euler"}.get(e, str(e).lower()))


@rule(sp.Symbol)
def _(e, point, bound):
    return bound[e] if e in bound else point.lookup(e, ())


@rule(sp.Indexed)
def _(e, point, bound):
    return point.lookup(e.base, tuple(whole_value(i, point, bound) for i in e.indices))


# the four operations, powers, sums


@rule(sp.Add, sp.MatAdd)
def _(e, point, bound):
    return reduce(add, values_of(e.args, point, bound))


@rule(sp.Mul, sp.MatMul)
def _(e, point, bound):
    both = lambda a, b: isinstance(a, np.ndarray) and isinstance(b, np.ndarray)  # noqa: E731
    return reduce(lambda a, b: a @ b if both(a, b) else a * b, values_of(e.args, point, bound))


@rule(sp.Pow)
def _(e, point, bound):
    return power(point, *values_of(e.args, point, bound))


def power(point, base, exponent):
    """base ** exponent, exact for whole exponents of exact numbers."""
    _must_be_moderate(exponent)
    if exponent != int(exponent):
        return to_mpf(base)**to_mpf(exponent)
    result = base**abs(int(exponent))
    if exponent >= 0:
        return result
    return point.number(1/Fraction(result)) if type(result) is int else 1/result


def _must_be_moderate(*values):
    if any(abs(v) > LARGEST for v in values):
        raise NoValue("a number is too large")


@rule(sp.Sum, sp.Product)
def _(e, point, bound):
    return remembered(e, point, bound, lambda: _series(e, list(e.limits), point, bound))


def _series(e, limits, point, bound):
    """The last limit is the outermost; its ends hold no index of the others."""
    if not limits:
        return value_of(e.function, point, bound)
    (index, low, high), inner = limits[-1], limits[:-1]
    ends = range(whole_value(low, point, bound), whole_value(high, point, bound) + 1)
    terms = (_series(e, inner, point, {**bound, index: v}) for v in ends)
    return sum(terms) if isinstance(e, sp.Sum) else prod(terms)


# functions, and those with a kink


@rule(sp.Function)
def _(e, point, bound):
    values = values_of(e.args, point, bound)
    _must_be_moderate(*values)
    return real(function_value(e, [to_mpf(v) for v in values]))


@rule(Activation)
def _(e, point, bound):
    return point.stand_in(e.stem, e.order, value_of(e.args[0], point, bound))


@rule(sp.KroneckerDelta)
def _(e, point, bound):
    first, second = values_of(e.args[:2], point, bound)
    return int(first == second)


def away(distance):
    """What decides between two cases must not be a rounding error, or a step of a difference quotient, away from zero."""
    if distance != 0 and abs(distance) < KINK:
        raise NoValue("it lies on a kink")
    return distance


@rule(sp.Max, sp.Min)
def _(e, point, bound):
    values = values_of(e.args, point, bound)
    chosen = (max if isinstance(e, sp.Max) else min)(values)
    return [chosen for v in values if away(v - chosen) is not None][0]


@rule(sp.Abs)
def _(e, point, bound):
    return abs(away(value_of(e.args[0], point, bound)))


@rule(sp.sign, sp.Heaviside)
def _(e, point, bound):
    value = away(value_of(e.args[0], point, bound))
    if value == 0 and not (isinstance(e, sp.sign) and e.args[0].is_integer):  # sign(i - j) is 0 for i = j
        raise NoValue("it lies on a kink")
    return int(value > 0) - int(value < 0 and isinstance(e, sp.sign))


@rule(sp.Piecewise)
def _(e, point, bound):
    for case in e.args:
        if value_of(case.cond, point, bound):
            return value_of(case.expr, point, bound)
    raise NoValue("no case of the Piecewise holds")


@rule(sp.core.relational.Relational)
def _(e, point, bound):
    left, right = values_of(e.args, point, bound)
    distance = left - right
    counts = all(side.is_integer for side in e.args) or isinstance(e, (sp.Eq, sp.Ne))
    if not counts and away(distance) == 0:
        raise NoValue("it lies on a kink")
    return bool(e.func(sp.Integer((distance > 0) - (distance < 0)), 0))


@rule(sp.And, sp.Or, sp.Not, sp.logic.boolalg.BooleanAtom)
def _(e, point, bound):
    return bool(e.func(*map(sp.sympify, values_of(e.args, point, bound)))) if e.args else bool(e)


# derivatives


@rule(Partial)
def _(e, point, bound):
    at = base_of(e.variable), tuple(whole_value(i, point, bound) for i in getattr(e.variable, "indices", ()))
    return remembered(e, point, bound, lambda: point.slope(lambda: value_of(e.expr, point, bound), *at))


@rule(Gradient)
def _(e, point, bound):
    return point.array(e.vector, lambda *at: point.slope(lambda: value_of(e.expr, point, bound), *at))


# matrices


def filled(shape, entry):
    """The array with these entries, counted from 1."""
    found = np.empty(shape, dtype=object)
    for place in np.ndindex(*shape):
        found[place] = entry(*(p + 1 for p in place))
    return found


def each(function, array):
    return filled(array.shape, lambda *at: function(array[tuple(i - 1 for i in at)]))


@rule(sp.MatrixSymbol)
def _(e, point, bound):
    return point.array(e, point.lookup)


@rule(sp.OneMatrix, sp.ZeroMatrix, sp.Identity)
def _(e, point, bound):
    entry = {sp.OneMatrix: lambda r, c: 1, sp.ZeroMatrix: lambda r, c: 0}.get(type(e), lambda r, c: int(r == c))
    return filled([whole_value(size, point, bound) for size in e.shape], entry)


@rule(sp.MatrixBase)
def _(e, point, bound):
    return filled(e.shape, lambda r, c: value_of(e[r - 1, c - 1], point, bound))


@rule(sp.Transpose, sp.Trace, sp.Determinant, sp.Inverse, sp.DiagMatrix)
def _(e, point, bound):
    return ON_A_MATRIX[type(e)](value_of(e.args[0], point, bound))


def _mpmath(matrix):
    return mpmath.matrix([[to_mpf(v) for v in row] for row in matrix])


ON_A_MATRIX = {
    sp.Transpose: lambda m: m.T, sp.Trace: lambda m: m.trace(), sp.DiagMatrix: lambda m: np.diag(m.ravel()),
    sp.Determinant: lambda m: mpmath.det(_mpmath(m)),
    sp.Inverse: lambda m: np.array((_mpmath(m)**-1).tolist(), dtype=object).reshape(m.shape)}


@rule(sp.HadamardProduct)
def _(e, point, bound):
    return reduce(mul, values_of(e.args, point, bound))


@rule(sp.HadamardPower)
def _(e, point, bound):
    base, exponent = values_of(e.args, point, bound)
    return each(lambda v: power(point, v, exponent), base)


@rule(sp.MatPow)
def _(e, point, bound):
    base, exponent = values_of(e.args, point, bound)
    base = base if exponent >= 0 else ON_A_MATRIX[sp.Inverse](base)
    return reduce(lambda a, b: a @ b, [base] * abs(int(exponent)), filled(base.shape, lambda r, c: int(r == c)))


@rule(ElementwiseApplyFunction)
def _(e, point, bound):
    (z,), body = e.function.variables, e.function.expr
    return each(lambda v: value_of(body, point, {**bound, z: v}), value_of(e.expr, point, bound))


@rule(MatrixElement)
def _(e, point, bound):
    matrix, (row, column) = value_of(e.args[0], point, bound), (whole_value(i, point, bound) for i in e.args[1:])
    if not (0 <= row < matrix.shape[0] and 0 <= column < matrix.shape[1]):
        raise NoValue(f"there is no entry {row, column}")
    return matrix[row, column]


# what a value is


def real(value):
    """The value itself. Raises NoValue for what is infinite, undefined or complex."""
    if isinstance(value, np.ndarray):
        return each(real, value)
    if isinstance(value, mpmath.mpc):
        if value.imag != 0:
            raise NoValue("it is complex")
        value = value.real
    if isinstance(value, mpmath.mpf) and not mpmath.isfinite(value):
        raise NoValue("it is infinite or undefined")
    return value


EXACT = (sp.KroneckerDelta, Activation, sp.Max, sp.Min, sp.Abs, sp.sign, sp.Heaviside, sp.Piecewise)
INEXACT = (Partial, Gradient, sp.NumberSymbol, sp.Inverse, sp.Determinant)


@lru_cache(maxsize=20_000)
def is_rational(e):
    """Has the expression a rational value at a rational point, because only the four operations and whole powers occur?"""
    if isinstance(e, (sp.Indexed, sp.IndexedBase, sp.Symbol)):
        return True
    if isinstance(e, INEXACT) or isinstance(e, sp.Function) and not isinstance(e, EXACT):
        return False
    if isinstance(e, sp.Pow) and not e.exp.is_integer:
        return False
    return all(is_rational(a) for a in e.args if isinstance(a, sp.Basic))
