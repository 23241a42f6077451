"""The value of a formula at a point, as it was typed: one rule for each kind of expression.

Nothing is differentiated and nothing is simplified by SymPy here. A partial derivative is a
difference quotient, a sum is added up, a matrix is an array of its entries; `point` says what
symbols, entries and unknown functions are, `bound` maps the indices of the sums around a formula
to whole numbers. Numbers are Fractions and ints where that is possible, else mpf.
"""

import operator
from fractions import Fraction
from functools import lru_cache, partial, reduce
from math import prod

import mpmath
import numpy as np
import sympy as sp
from sympy.core.function import AppliedUndef
from sympy.logic.boolalg import BooleanAtom
from sympy.matrices.expressions.applyfunc import ElementwiseApplyFunction
from sympy.matrices.expressions.matexpr import MatrixElement

from derivations.printing import plain, to_mpf
from derivations.symbols import (
    Activation,
    Gradient,
    Partial,
    base_of,
    function_value,
    letters_of,
)

LARGEST = 10**7  # of the argument of a function: beyond it exp has too many digits to be waited for
KINK = 1e-12  # how near to a kink a difference quotient says nothing


class NoValue(Exception):
    """The expression has no finite real value at this point; the message says why."""


def value_of(e, point, bound):
    """The value of an expression. Raises NoValue, or the error of the arithmetic."""
    return compiled(e)(point, bound)


@lru_cache(maxsize=20_000)
def compiled(e):
    """The expression as a function of `point` and `bound`."""
    for kind in type(e).__mro__:
        if kind in COMPILED:
            return COMPILED[kind](e)
        if kind in RULES:
            return partial(RULES[kind], e)
        if kind in OPERATIONS:
            operation, parts = OPERATIONS[kind], [compiled(a) for a in e.args]
            return lambda point, bound: operation(*[part(point, bound) for part in parts])
        if kind in AT_A_POINT:
            rule, parts = AT_A_POINT[kind], [compiled(a) for a in e.args]
            return lambda point, bound: rule(e, point, *[part(point, bound) for part in parts])
    return partial(no_rule, e)


def no_rule(e, point, bound):
    raise NoValue(f"{type(e).__name__} has no rule for a value")


def whole_value(e, point, bound):
    """The value of an index or of the end of a sum, which must be a whole number."""
    return e if type(e) is int else whole(sp.sympify(e))(point, bound)


@lru_cache(maxsize=20_000)
def whole(e):
    """An index or the end of a sum as a function of `point` and `bound`."""
    value_at = compiled(e)

    def at(point, bound):
        value = value_at(point, bound)
        if type(value) is int:
            return value
        if value != int(value):
            raise NoValue(f"{plain(e)} is no whole number")
        return int(value)

    return at


@lru_cache(maxsize=20_000)
def one(name):
    """Of equal names always the same object, which a dictionary finds without a comparison."""
    return name


def remembered(e, value_at):
    """The value of a sum or a derivative is computed once for all values of the letters in it.

    `value_at` is a function of `point` and `bound`, and so is what comes back.
    """
    letters = [one(s) for s in letters_of(e) if s.is_Symbol]
    mark = object()  # for the expression, which would be hashed each time

    def at(point, bound):
        here = (mark, *[bound.get(letter) for letter in letters])
        return point.remembered(here, e, lambda: value_at(point, bound))

    return at


# what stands in a formula for something else: an expression as a function of a point and letters


def number(e):
    if e.q == 1:
        value = int(e.p)
        return lambda point, bound: value
    fraction = Fraction(int(e.p), int(e.q))
    return lambda point, bound: point.number(fraction)


def symbol(e):
    e = one(e)

    def at(point, bound):
        value = bound.get(e)
        return point.lookup(e, ()) if value is None else value

    return at


def entry(e):
    base, indices = one(e.base), list(map(whole, e.indices))
    return lambda point, bound: point.lookup(base, tuple([i(point, bound) for i in indices]))


def series(e):
    """A sum or a product; the last limit is the outermost, its ends hold no index of the others."""
    together, body = sum if isinstance(e, sp.Sum) else prod, compiled(e.function)
    for index, low, high in e.limits:
        body = one_series(together, body, one(index), whole(low), whole(high))
    return remembered(e, body)


def one_series(together, body, index, low, high):
    def at(point, bound):
        here = dict(bound)
        terms = []
        for here[index] in range(low(point, bound), high(point, bound) + 1):
            terms.append(body(point, here))
        return together(terms)

    return at


def slope(e):
    """A difference quotient by a symbol or an entry."""
    inner, base = compiled(e.expr), one(base_of(e.variable))
    indices = list(map(whole, getattr(e.variable, "indices", ())))

    def at(point, bound):
        place = tuple([i(point, bound) for i in indices])
        return point.slope(partial(inner, point, bound), base, place)

    return remembered(e, at)


def gradient(e):
    inner = compiled(e.expr)
    return remembered(e, lambda point, bound: point.array(
        e.vector, lambda *at: point.slope(partial(inner, point, bound), *at)))


COMPILED = {
    sp.Rational: number, sp.Symbol: symbol, sp.Indexed: entry, sp.Sum: series, sp.Product: series,
    Partial: slope, Gradient: gradient,
}  # fmt: skip


# rules of an expression, a point and the values of the parts


def power(e, point, base, k):
    """Exact for whole exponents of exact numbers; of a matrix entry by entry, or times itself."""
    if isinstance(e, sp.MatPow):
        return np.linalg.matrix_power(base if k >= 0 else inverse(base), abs(int(k)))
    return each(lambda v: raised(v, k, point), base) if e.is_Matrix else raised(base, k, point)


def raised(base, exponent, point):
    must_be_moderate(exponent)
    if exponent != int(exponent):
        return real(to_mpf(base) ** to_mpf(exponent))
    result = base ** abs(int(exponent))
    if exponent >= 0:
        return result
    return point.number(1 / Fraction(result)) if type(result) is int else 1 / result


def must_be_moderate(*values):
    if any(abs(v) > LARGEST for v in values):
        raise NoValue("a number is too large")


def function(e, point, *values):
    must_be_moderate(*values)
    return real(function_value(e, list(map(to_mpf, values))))


def unknown(e, point, value, *others):
    """An activation, also SymPy's own Function("g")."""
    if others:
        raise NoValue(f"no value is known for {e.func}")
    return point.stand_in(getattr(e, "stem", str(e.func)), getattr(e, "order", 0), value)


def step(e, point, value, *_):
    """sign and Heaviside; sign(i - j) is 0 for i = j."""
    is_sign = isinstance(e, sp.sign)
    side = side_of(value, counts=is_sign and e.args[0].is_integer)
    return side if is_sign else int(side > 0)


def relation(e, point, left, right):
    counts = all(side.is_integer for side in e.args) or isinstance(e, (sp.Eq, sp.Ne))
    return RELATIONS[e.rel_op](side_of(left - right, counts), 0)


AT_A_POINT = {
    sp.Pow: power, sp.HadamardPower: power, sp.MatPow: power, sp.Function: function,
    Activation: unknown, AppliedUndef: unknown, sp.sign: step, sp.Heaviside: step,
    sp.core.relational.Relational: relation,
}  # fmt: skip


# rules of an expression, a point and bound letters


def cases(e, point, bound):
    for case in e.args:
        if value_of(case.cond, point, bound):
            return value_of(case.expr, point, bound)
    raise NoValue("no case of the Piecewise holds")


def constant(entry_at):
    """The rule of a matrix with the same entries at every point."""
    return lambda e, point, bound: filled([whole_value(n, point, bound) for n in e.shape], entry_at)


def applied(e, point, bound):
    (z,), body = e.function.variables, compiled(e.function.expr)
    return each(lambda v: body(point, {**bound, z: v}), value_of(e.expr, point, bound))


def matrix_entry(e, point, bound):
    matrix, place = e.args[0], tuple(whole_value(i, point, bound) for i in e.args[1:])
    matrix = value_of(matrix, point, bound)
    if not all(0 <= i < length for i, length in zip(place, matrix.shape)):
        raise NoValue(f"there is no entry {place}")
    return matrix[place]


RULES = {
    sp.NumberSymbol: lambda e, point, bound: mpmath.mpf(e.evalf(mpmath.mp.dps)),
    sp.Piecewise: cases, BooleanAtom: lambda e, point, bound: bool(e),
    sp.MatrixSymbol: lambda e, point, bound: point.array(e, point.lookup),
    sp.MatrixBase: lambda e, point, bound: filled(
        e.shape, lambda row, column: value_of(e[row - 1, column - 1], point, bound)),
    ElementwiseApplyFunction: applied, MatrixElement: matrix_entry,
    sp.Identity: constant(lambda row, column: int(row == column)),
    sp.OneMatrix: constant(lambda row, column: 1), sp.ZeroMatrix: constant(lambda row, column: 0),
}  # fmt: skip


# what is made of the values of its parts


def times(a, b):
    both = isinstance(a, np.ndarray) and isinstance(b, np.ndarray)
    return a @ b if both else a * b


def side_of(distance, counts=False):
    """-1, 0 or 1. Unless it counts something, a value near 0 may be a step of a quotient off it."""
    if not counts and abs(distance) < KINK:
        raise NoValue("it lies on a kink")
    return (distance > 0) - (distance < 0)


def largest(*values, choose=max):
    """There may be two of them, but no second one that is larger by a rounding error or a step."""
    chosen = choose(values)
    return [chosen for v in values if v == chosen or side_of(v - chosen)][0]


def inverse(matrix):
    return np.array((mpmath_matrix(matrix) ** -1).tolist(), dtype=object).reshape(matrix.shape)


def mpmath_matrix(matrix):
    return mpmath.matrix([[to_mpf(v) for v in row] for row in matrix])


RELATIONS = {"==": operator.eq, "!=": operator.ne, ">": operator.gt, "<": operator.lt,
             ">=": operator.ge, "<=": operator.le}  # fmt: skip
OPERATIONS = {
    sp.Add: lambda *terms: reduce(operator.add, terms),
    sp.MatAdd: lambda *terms: reduce(operator.add, terms),
    sp.Mul: lambda *factors: reduce(operator.mul, factors),
    sp.MatMul: lambda *factors: reduce(times, factors),
    sp.HadamardProduct: lambda *factors: reduce(operator.mul, factors),
    sp.KroneckerDelta: lambda one, other, *_: int(one == other),
    sp.Max: largest,
    sp.Min: partial(largest, choose=min),
    sp.Abs: lambda z: abs(z) if z == 0 else side_of(z) * z,
    sp.And: lambda *conditions: all(conditions),
    sp.Or: lambda *conditions: any(conditions),
    sp.Not: operator.not_,
    sp.Transpose: lambda matrix: matrix.T,
    sp.Trace: lambda matrix: matrix.trace(),
    sp.DiagMatrix: lambda vector: np.diag(vector.ravel()),
    sp.Determinant: lambda matrix: mpmath.det(mpmath_matrix(matrix)),
}


# arrays, and what a value is


def filled(shape, entry_at):
    """The array with these entries, counted from 1."""
    found = np.empty(shape, dtype=object)
    for place in np.ndindex(*shape):
        found[place] = entry_at(*(p + 1 for p in place))
    return found


def each(change, array):
    return np.frompyfunc(change, 1, 1)(array)


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
    """Is it rational at a rational point, because only the four operations and powers occur?"""
    if isinstance(e, (sp.Indexed, sp.IndexedBase, sp.Symbol)):
        return True
    if isinstance(e, INEXACT) or isinstance(e, sp.Function) and not isinstance(e, EXACT):
        return False
    if isinstance(e, sp.Pow) and not e.exp.is_integer:
        return False
    return all(is_rational(a) for a in e.args if isinstance(a, sp.Basic))
