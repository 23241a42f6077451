"""What a line says at a point: numbers for every symbol, and the value of every formula as it was typed.

A name has the value of its definition, a partial derivative is the difference quotient of what stands under it, a matrix is
an array of its entries, an unknown function is a smooth one drawn for the point. Nothing here asks SymPy to differentiate or
to simplify, and nothing is known of the normal form: what is said here is a witness of its own.
"""

from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import product
from math import factorial, prod
from random import Random

import mpmath
import numpy as np
import sympy as sp
from sympy.matrices.expressions.applyfunc import ElementwiseApplyFunction
from sympy.matrices.expressions.matexpr import MatrixElement

from derivations.definitions import Depends
from derivations.printing import plain, show_number, to_mpf
from derivations.symbols import Activation, Gradient, Partial, base_of, function_value, names_in

DIGITS = 40          # digits of every value; a difference quotient has a step of 1e-20, and is taken with 20 digits more
SAME = 1e-25         # how near two values of one point must be, relative to the larger one
POINTS = 3           # sample points at which lines are compared
TRIES = 16           # points tried for that: a logarithm, for one, has no real value at most of them
LARGEST = 10**7      # of the argument of a function: beyond it exp has too many digits to be waited for
KINK = 1e-12         # how near to a kink a difference quotient says nothing


ERRORS = ZeroDivisionError, OverflowError, ValueError, TypeError, RecursionError


class NoValue(Exception):
    """The expression has no finite real value at this point; the message says why."""


@dataclass
class Formula:
    """An expression made ready to be evaluated: `run(point, bound)`, and the letters whose values it depends on."""

    run: object
    letters: frozenset = frozenset()


@lru_cache(maxsize=50_000)
def compiled(expr):
    """The Formula of an expression; `bound` in its `run` maps the indices of the sums around it to whole numbers."""
    for kinds, make in RULES:
        if isinstance(expr, kinds):
            return make(expr)
    raise NoValue(f"{type(expr).__name__} has no rule for a value")


def _all(exprs):
    parts = [compiled(e) for e in exprs]
    return [p.run for p in parts], frozenset().union(*(p.letters for p in parts))


# numbers, symbols, entries


def _rational(e):
    if e.is_Integer:
        number = int(e)
        return Formula(lambda point, bound: number)
    fraction = Fraction(int(e.p), int(e.q))
    return Formula(lambda point, bound: point.number(fraction))


def _constant(e):
    name = {sp.E: "e", sp.GoldenRatio: "phi", sp.EulerGamma: "euler", sp.Catalan: "catalan"}.get(e, str(e))
    if not hasattr(mpmath.mp, name):
        raise NoValue(f"{e} is no real number")
    return Formula(lambda point, bound: +getattr(mpmath.mp, name))


def _symbol(e):
    return Formula(lambda point, bound: bound[e] if e in bound else point.lookup(e, ()), frozenset([e]))


def _whole(expr):
    """An index or the end of a sum: its value must be a whole number."""
    expr = sp.sympify(expr)
    inner = compiled(expr)

    def run(point, bound):
        value = inner.run(point, bound)
        if value != int(value):
            raise NoValue(f"{plain(expr)} is no whole number")
        return int(value)
    return Formula(run, inner.letters)


def _indexed(e):
    indices = [_whole(i) for i in e.indices]
    runs = [i.run for i in indices]
    return Formula(lambda point, bound: point.lookup(e.base, tuple(run(point, bound) for run in runs)),
                   frozenset().union(*(i.letters for i in indices)))


# the four operations, powers, sums


def _add(e):
    runs, letters = _all(e.args)

    def run(point, bound):
        total = runs[0](point, bound)
        for r in runs[1:]:
            total = total + r(point, bound)
        return total
    return Formula(run, letters)


def _mul(e):
    runs, letters = _all(e.args)

    def run(point, bound):
        total = runs[0](point, bound)
        for r in runs[1:]:
            total = _times(total, r(point, bound))
        return total
    return Formula(run, letters)


def _times(a, b):
    return a @ b if isinstance(a, np.ndarray) and isinstance(b, np.ndarray) else a * b


def _pow(e):
    (base, exponent), letters = _all(e.args)
    return Formula(lambda point, bound: _power(point, base(point, bound), exponent(point, bound)), letters)


def _power(point, base, exponent):
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


def _series(e):
    """Sum and Product: the last limit is the outermost; its ends may hold no index of the others."""
    index, low, high = e.limits[-1]
    body = compiled(e.func(e.function, *e.limits[:-1]) if len(e.limits) > 1 else e.function)
    ends, (start, stop) = [_whole(low), _whole(high)], (_whole(low).run, _whole(high).run)
    letters = (body.letters - {index}).union(*(end.letters for end in ends))
    combine = _product_of if isinstance(e, sp.Product) else sum

    def run(point, bound):
        key = (e, *(bound.get(letter) for letter in letters))
        if key not in point.memo:
            values = range(start(point, bound), stop(point, bound) + 1)
            point.memo[key] = combine(body.run(point, {**bound, index: v}) for v in values)
        return point.memo[key]
    return Formula(run, letters)


def _product_of(values):
    return prod(values)


# functions


def _function(e):
    runs, letters = _all(e.args)

    def run(point, bound):
        values = [r(point, bound) for r in runs]
        _must_be_moderate(*values)
        return _real(function_value(e, [to_mpf(v) for v in values]))
    return Formula(run, letters)


def _activation(e):
    inner = compiled(e.args[0])
    return Formula(lambda point, bound: point.stand_in(e.stem, e.order, inner.run(point, bound)), inner.letters)


def _delta(e):
    (first, second), letters = _all(e.args[:2])
    return Formula(lambda point, bound: int(first(point, bound) == second(point, bound)), letters)


# functions with a kink


def _away(distance):
    """A number that decides between two cases must not be a rounding error or a step of a difference quotient away."""
    if distance != 0 and abs(distance) < KINK:
        raise NoValue("it lies on a kink")
    return distance


def _choice(best):
    def make(e):
        runs, letters = _all(e.args)

        def run(point, bound):
            values = [r(point, bound) for r in runs]
            chosen = best(values)
            for v in values:
                _away(v - chosen)
            return chosen
        return Formula(run, letters)
    return make


def _abs(e):
    inner = compiled(e.args[0])
    return Formula(lambda point, bound: abs(_away(inner.run(point, bound))), inner.letters)


def _sign(e):
    inner = compiled(e.args[0])
    counts = e.func is sp.sign and e.args[0].is_integer   # sign(i - j) is 0 for i = j, and no kink

    def run(point, bound):
        value = _away(inner.run(point, bound))
        if value == 0 and not counts:
            raise NoValue("it lies on a kink")
        return int(value > 0) - (int(value < 0) if e.func is sp.sign else 0)
    return Formula(run, inner.letters)


def _piecewise(e):
    cases = [(compiled(case.expr), compiled(case.cond)) for case in e.args]

    def run(point, bound):
        for value, holds in cases:
            if holds.run(point, bound):
                return value.run(point, bound)
        raise NoValue("no case of the Piecewise holds")
    return Formula(run, frozenset().union(*(part.letters for case in cases for part in case)))


def _relation(e):
    (left, right), letters = _all(e.args)
    whole = all(side.is_integer for side in e.args)

    def run(point, bound):
        distance = left(point, bound) - right(point, bound)
        if not whole and _away(distance) == 0 and not isinstance(e, (sp.Eq, sp.Ne)):
            raise NoValue("it lies on a kink")
        return bool(e.func(sp.Integer(0 if distance == 0 else 1 if distance > 0 else -1), 0))
    return Formula(run, letters)


def _logic(e):
    runs, letters = _all(e.args)
    combine = {sp.And: all, sp.Or: any, sp.Not: lambda v: not next(iter(v))}[e.func]
    return Formula(lambda point, bound: combine(r(point, bound) for r in runs), letters)


def _truth(e):
    return Formula(lambda point, bound: bool(e))


# derivatives


def _partial(e):
    inner, indices = compiled(e.expr), [_whole(i) for i in getattr(e.variable, "indices", ())]
    base, runs = base_of(e.variable), [i.run for i in indices]
    letters = inner.letters.union([base] if isinstance(base, sp.Symbol) else [], *(i.letters for i in indices))

    def run(point, bound):
        key = (e, *(bound.get(letter) for letter in letters))
        if key not in point.memo:
            at = (base, tuple(r(point, bound) for r in runs))
            point.memo[key] = point.slope(lambda: inner.run(point, bound), *at)
        return point.memo[key]
    return Formula(run, letters)


# matrices


def _shaped(e):
    return [_whole(size).run for size in e.shape]


def _matrix(e):
    def run(point, bound):
        base = point.entries.get(e)
        if base is None:
            raise NoValue(f"the entries of {e} are not known")
        return point.array(base, e.shape)
    return Formula(run)


def _gradient(e):
    inner, vector = compiled(e.expr), e.vector

    def run(point, bound):
        base = point.entries.get(vector)
        if base is None:
            raise NoValue(f"the entries of {vector} are not known")
        return point.array(base, vector.shape, lambda key: point.slope(lambda: inner.run(point, bound), *key))
    return Formula(run, inner.letters)


def _filled(fill):
    def make(e):
        shape = _shaped(e)

        def run(point, bound):
            sizes = [r(point, bound) for r in shape]
            found = np.empty(sizes, dtype=object)
            for place in np.ndindex(*sizes):
                found[place] = fill(*place)
            return found
        return Formula(run)
    return make


def _of_matrix(make):
    def rule(e):
        inner = compiled(e.args[0])
        return Formula(lambda point, bound: make(inner.run(point, bound)), inner.letters)
    return rule


def _hadamard(e):
    runs, letters = _all(e.args)

    def run(point, bound):
        values = [r(point, bound) for r in runs]
        return prod(values[1:], start=values[0])
    return Formula(run, letters)


def _hadamard_power(e):
    (base, exponent), letters = _all(e.args)
    return Formula(lambda point, bound: _hadamard_powers(point, base(point, bound), exponent(point, bound)), letters)


def _hadamard_powers(point, base, exponent):
    return np.vectorize(lambda b: _power(point, b, exponent), otypes=[object])(base)


def _matrix_power(e):
    (base, exponent), letters = _all(e.args)

    def run(point, bound):
        matrix, k = base(point, bound), int(exponent(point, bound))
        matrix = _inverse(matrix) if k < 0 else matrix
        result = np.array([[int(r == c) for c in range(len(matrix))] for r in range(len(matrix))], dtype=object)
        for _ in range(abs(k)):
            result = result @ matrix
        return result
    return Formula(run, letters)


def _inverse(matrix):
    rows = mpmath.matrix([[to_mpf(v) for v in row] for row in matrix])**-1
    return np.array(rows.tolist(), dtype=object)


def _determinant(matrix):
    return mpmath.det(mpmath.matrix([[to_mpf(v) for v in row] for row in matrix]))


def _explicit(e):
    runs, letters = _all(list(e))
    return Formula(lambda point, bound: np.array([r(point, bound) for r in runs], dtype=object).reshape(e.shape), letters)


def _element(e):
    matrix, (row, column) = compiled(e.args[0]), (_whole(i) for i in e.args[1:])
    return Formula(lambda point, bound: _entry(matrix.run(point, bound), (row.run(point, bound), column.run(point, bound))),
                   matrix.letters | row.letters | column.letters)


def _entry(array, indices):
    if not all(0 <= i < length for i, length in zip(indices, array.shape)):
        raise NoValue(f"there is no entry {indices}")
    return array[indices]


def _elementwise(e):
    matrix, function = compiled(e.expr), e.function
    body, z = compiled(function.expr), function.variables[0]

    def run(point, bound):
        one = lambda v: body.run(point, {**bound, z: v})  # noqa: E731
        return np.vectorize(one, otypes=[object])(matrix.run(point, bound))
    return Formula(run, matrix.letters | body.letters - {z})


RULES = (
    (sp.Rational, _rational), ((sp.NumberSymbol, sp.core.numbers.ImaginaryUnit), _constant),
    (sp.Indexed, _indexed), (sp.Symbol, _symbol), (Partial, _partial), (Gradient, _gradient),
    (MatrixElement, _element), (sp.MatrixSymbol, _matrix),
    (sp.Transpose, _of_matrix(lambda m: m.T)), (sp.Trace, _of_matrix(lambda m: m.trace())),
    (sp.Determinant, _of_matrix(_determinant)), (sp.Inverse, _of_matrix(_inverse)),
    ((sp.DiagMatrix, sp.DiagonalMatrix), _of_matrix(lambda m: np.diag(m.ravel()) if 1 in m.shape else m*np.eye(len(m), dtype=object))),
    (sp.HadamardProduct, _hadamard), (sp.HadamardPower, _hadamard_power), (sp.MatPow, _matrix_power),
    (sp.OneMatrix, _filled(lambda *place: 1)), (sp.ZeroMatrix, _filled(lambda *place: 0)),
    (sp.Identity, _filled(lambda r, c: int(r == c))), (ElementwiseApplyFunction, _elementwise),
    (sp.MatrixBase, _explicit),
    ((sp.Add, sp.MatAdd), _add), ((sp.Mul, sp.MatMul), _mul), ((sp.Sum, sp.Product), _series),
    (sp.KroneckerDelta, _delta), (Activation, _activation), (sp.Max, _choice(max)), (sp.Min, _choice(min)), (sp.Abs, _abs),
    ((sp.sign, sp.Heaviside), _sign), (sp.Piecewise, _piecewise), (sp.core.relational.Relational, _relation),
    ((sp.And, sp.Or, sp.Not), _logic), (sp.logic.boolalg.BooleanAtom, _truth), (sp.exp, _function), (sp.Pow, _pow),
    (sp.Function, _function),
)


# what occurs in a formula


@lru_cache(maxsize=50_000)
def _is_exact(expr):
    """Do only the four operations, whole powers, sums and unknown functions occur, so that a rational point has a rational value?"""
    if isinstance(expr, (sp.Indexed, sp.IndexedBase)) or expr.is_Symbol:
        return True
    if isinstance(expr, (Partial, Gradient, sp.NumberSymbol, sp.Inverse, sp.Determinant)):
        return False
    if expr.is_Pow and not (expr.exp.is_integer and _is_exact(expr.base)):
        return False
    if isinstance(expr, sp.Function) and not isinstance(expr, EXACT):
        return False
    return all(_is_exact(a) for a in expr.args if isinstance(a, sp.Basic))


EXACT = (sp.KroneckerDelta, Activation, sp.Max, sp.Min, sp.Abs, sp.sign, sp.Heaviside, sp.Piecewise)


def is_rational(*exprs):
    """Has every expression a rational value at a rational point?"""
    return all(_is_exact(e) for e in exprs)


def sizes_in(expr):
    """The symbols that count something: in the limits of sums and in the shapes of arrays and matrices."""
    limits = [limit for e in expr.atoms(sp.Sum, sp.Product) for limit in e.limits]
    ends = {s for _, *ends in limits for end in ends for s in end.free_symbols} - {index for index, *_ in limits}
    shapes = {s for e in expr.atoms(sp.Indexed, sp.MatrixSymbol) for size in _shape_of(e) for s in size.free_symbols}
    return {s for s in ends | shapes if s.is_Symbol and not isinstance(s, sp.Dummy)}


def _shape_of(e):
    return (e.base.shape or ()) if isinstance(e, sp.Indexed) else e.shape


def ranges_in(*exprs):
    """{index: [sizes]} for the letters that no sum binds and that stand as an index on arrays of these sizes."""
    found = {}
    for index, size in (pair for e in exprs for pair in _ranges_of(e)):
        found.setdefault(index, []).append(size)
    return found


def _ranges_of(expr, bound=frozenset()):
    """(index, size) wherever a letter that no sum binds stands as an index on an array of that size."""
    if isinstance(expr, sp.Indexed):
        for index, size in zip(expr.indices, expr.base.shape or ()):
            if index.is_Symbol and index != size and index not in bound:
                yield index, size
    if isinstance(expr, (sp.Sum, sp.Product)):
        bound = bound | {limit[0] for limit in expr.limits}
    for part in expr.args if not isinstance(expr, sp.IndexedBase) else ():
        if isinstance(part, sp.Basic):
            yield from _ranges_of(part, bound)


def opened(exprs, table):
    """All that the expressions are made of: the expressions, and the definitions of the names in them, and so on."""
    parts, todo, seen = list(exprs), list(exprs), set()
    while todo:
        for base in names_in(todo.pop()) & table.keys() - seen:
            seen.add(base)
            body = table[base].on if isinstance(table[base], Depends) else table[base].body
            parts += [body, table[base].name]
            todo.append(body)
    return parts


# points


class Point:
    """A sample point: whole numbers for sizes and indices, fractions of both signs elsewhere, all drawn from `seed` and the name.

    Parameters
    ----------
    exprs : list of sympy expressions
        What is going to be evaluated: sizes and the ranges of indices are read off it.
    table : dict
        Definitions filed by the base of their name: a name has the value of what it stands for.
    entries : dict
        The array of each matrix symbol.
    seed : int
        0, 1, 2, ... : the sizes are all different, and other ones for every seed, 1 and 2 among them.
    """

    def __init__(self, exprs, table=None, entries=None, seed=0):
        self.table, self.entries, self.seed = table or {}, entries or {}, seed
        exprs = [*exprs, *(e[e.shape] for e in self.entries.values())]
        parts = opened(exprs, self.table)
        self.exact = is_rational(*parts)
        self.ranges = ranges_in(*exprs)
        names = sorted({s for e in parts for s in sizes_in(e)} - self.ranges.keys(), key=str, reverse=True)
        first, wrap = (3, len(names)) if seed == 0 else (1, max(3, len(names)))
        self.size = {s: first + (position + max(0, seed - 1)) % max(1, wrap) for position, s in enumerate(names)}
        self.seen, self.held, self.memo, self.memos = {}, {}, {}, {}
        self.digits = DIGITS

    # values

    def value(self, expr):
        """The value of an expression: a number, or an array of the entries of a matrix. Raises NoValue."""
        key = ("value of", expr)
        with mpmath.workdps(self.digits):
            try:
                if key not in self.memo:
                    value = compiled(expr).run(self, {})
                    self.memo[key] = np.vectorize(_real, otypes=[object])(value) if isinstance(value, np.ndarray) else _real(value)
                return self.memo[key]
            except ERRORS as error:
                raise NoValue(_why(error)) from error

    def value_at(self, expr, letters):
        """The value of an expression for given values of letters that stand free in it."""
        with mpmath.workdps(self.digits):
            try:
                return _real(compiled(expr).run(self, letters))
            except ERRORS as error:
                raise NoValue(_why(error)) from error

    def lookup(self, base, indices):
        """The value of a symbol or of an entry: as it is held, as it is defined, or as it was drawn."""
        key = (base, indices)
        if key in self.held:
            return self.held[key]
        if key not in self.memo:
            definition = self.table.get(base)
            self.memo[key] = self.drawn(*key) if definition is None else self.defined(definition, indices)
        return self.memo[key]

    def defined(self, definition, indices):
        bound = dict(zip(definition.indices, indices))
        if isinstance(definition, Depends):
            return self.unknown(definition, bound, indices)
        return compiled(definition.body).run(self, bound)

    def drawn(self, base, indices):
        key = (base, indices)
        if key not in self.seen:
            self.must_have(base, indices)
            self.seen[key] = self.draw(base, indices)
        value = self.seen[key]
        return value if type(value) is int else self.number(value)

    def must_have(self, base, indices):
        shape = getattr(base, "shape", None) or ()
        for index, size in zip(indices, shape):
            if not 1 <= index <= _whole(size).run(self, {}):
                raise NoValue(f"{_entry_text(base, indices)} lies outside of {base.label}")

    def draw(self, base, indices):
        random = Random(f"{self.seed} {base} {indices}")
        if base in self.size:
            return self.size[base]
        if base in self.ranges:
            return self.index(base)
        known = getattr(base, "label", base)
        if known.is_integer:
            return random.randint(1, 4) if known.is_positive is not False else -random.randint(1, 4)
        value = Fraction(random.choice([3, 5, 7, 9, 11]), random.choice([2, 4]))  # never ±1: a lost factor must show
        sign = random.choice([1, -1])
        if self.seed > POINTS and self.seed % 2:  # where log x and log(1 - x) are to have values
            value, sign = value / 32, 1
        return value if known.is_nonnegative else -value if known.is_nonpositive else sign * value

    def index(self, letter):
        """Indices of one range differ from each other where there is room, but for one point at which they are equal."""
        last = min(_whole(size).run(self, {}) for size in self.ranges[letter])
        place = 0 if self.seed == POINTS - 1 else sorted(self.ranges, key=str).index(letter)
        return 1 + (self.seed + 2 + place) % last

    def number(self, fraction):
        return fraction if self.exact else mpmath.mpf(fraction.numerator) / fraction.denominator

    def array(self, base, shape, value=None):
        """The entries of an array in the shape of a matrix; a column may have one index."""
        sizes = [_whole(size).run(self, {}) for size in shape]
        value = value or (lambda key: self.lookup(*key))
        found = np.empty(sizes, dtype=object)
        for place in np.ndindex(*sizes):
            indices = tuple(p + 1 for p in place)[:len(base.shape)]
            found[place] = value((base, indices))
        return found

    # unknown functions

    def stand_in(self, stem, order, z):
        """g(z) = a + b z + Re c/(z - i) for an undefined g, a smooth function of all real z, or its derivative of some order."""
        random = Random(f"activation {stem} {self.seed}")
        a, b, re, im = (Fraction(random.choice([-3, -2, -1, 1, 2, 3]), random.choice([5, 7, 9])) for _ in range(4))
        a, b, re, im = map(self.number, (a, b, re, im))
        one = 1/(1 + z*z) if not isinstance(z, int) else self.number(Fraction(1, 1 + z*z))
        x, y = z*one, one                                # 1/(z - i) = x + iy
        for _ in range(order):
            x, y = x*z*one - y*one, x*one + y*z*one      # times 1/(z - i)
        pole = (-1)**order * factorial(order) * (re*x - im*y)
        return pole + (a + b*z if order == 0 else b if order == 1 else 0)

    def unknown(self, definition, bound, indices):
        """The value of an unknown function of z_1 ... z_m: a polynomial of degree three in which every two of them meet."""
        random = Random(f"function {definition.name} {indices} {self.seed}")
        total, mixed = 0, 0
        for z in self.arguments(definition, bound):
            a, b, c = (self.number(Fraction(random.choice([-3, -2, -1, 1, 2, 3]), random.choice([5, 7, 9]))) for _ in range(3))
            total, mixed = total + a*z + b*z*z, mixed + c*z
        return total + mixed*mixed + mixed*mixed*mixed*self.number(Fraction(1, 3))

    def arguments(self, definition, bound):
        """The values of z_1 ... z_m, on which an unknown function depends."""
        pattern = compiled(definition.pattern)
        ranges = [range(_whole(low).run(self, bound), _whole(high).run(self, bound) + 1) for _, low, high in definition.limits]
        for place in product(*ranges):
            yield pattern.run(self, {**bound, **{limit[0]: v for limit, v in zip(definition.limits, place)}})

    # derivatives

    def slope(self, value, base, indices):
        """The difference quotient of `value()` by a symbol or an entry, which is held while all that it is made of stands still."""
        if base in self.size or base in self.ranges:
            raise NoValue(f"{base} counts something, so nothing is differentiated by it")
        self.must_be_plain(base)
        finer = self.digits // 2
        with mpmath.workdps(mpmath.mp.dps + finer):
            start, step = to_mpf(self.lookup(base, indices)), mpmath.mpf(10)**-finer
            above, below = (self.holding((base, indices), start + way*step, value) for way in (1, -1))
            return (above - below) / (2*step)

    def must_be_plain(self, base):
        """What a derivative by w holds still beside a name z that is made of w is not said by the two alone."""
        if any(held != base and held in self.table and base in self.parts(held) for held, _ in self.held):
            raise NoValue(f"a derivative by {base} inside one by a name that is made of it")

    def parts(self, base):
        return set().union(*map(names_in, opened([self.table[base].name], self.table)))

    def holding(self, key, value, evaluate):
        """What `evaluate()` is while one symbol or entry has another value. Values are remembered for each such state."""
        kept = self.held, self.memo
        self.held = {**self.held, key: value}
        self.memo = self.memos.setdefault((mpmath.mp.dps, *self.held.items()), {})
        try:
            return evaluate()
        finally:
            self.held, self.memo = kept

    @contextmanager
    def sharper(self, digits):
        """More digits for a while."""
        kept = self.digits, self.memo, self.memos
        self.digits, self.memo, self.memos = digits, {}, {}
        try:
            yield
        finally:
            self.digits, self.memo, self.memos = kept

    # comparison

    def same(self, first, second):
        """Have two expressions one value here? True, False, or None where this point cannot tell. Raises NoValue."""
        return self.compare(first, second)[0]

    def compare(self, first, second):
        """(True, False or None, value of the first, value of the second): of the first entries that differ, if it are matrices.

        A point cannot tell where both vanish, or where they differ by less than the digits that are certain. Raises NoValue.
        """
        found = [(verdict, a, b) for verdict, a, b in self.compared(first, second)]
        for wanted in (False, True):
            if any(verdict is wanted for verdict, _, _ in found):
                return next(f for f in found if f[0] is wanted)
        return found[0] if found else (None, 0, 0)

    def compared(self, first, second):
        a, b = self.value(first), self.value(second)
        if np.shape(a) != np.shape(b):
            raise NoValue(f"the shapes {np.shape(a)} and {np.shape(b)} differ")
        zero = 0 in (first, second)
        rough = list(zip(_entries(a), _entries(b)))
        if all(same_value(x, y) for x, y in rough):
            return [(True if zero or x != 0 else None, x, y) for x, y in rough]
        if self.exact:
            return [((None if x == 0 else True) if x == y else False, x, y) for x, y in rough]
        with self.sharper(3*DIGITS):
            fine = list(zip(_entries(self.value(first)), _entries(self.value(second))))
        return [(_told_apart(*old, *new, zero), *old) for old, new in zip(rough, fine)]

    # words

    def describe(self, width=88):
        """The values that were used, as text: sizes and indices first, then the rest in the order of its use."""
        counted = {n for n, i in self.seen if not i and (n in self.size or n in self.ranges)}
        whole = {n.name: self.seen[n, ()] for n in counted}
        rest = {_entry_text(n, i): v for (n, i), v in self.seen.items() if n not in counted}
        shown = [f"{n} = {show_number(v)}" for n, v in [*sorted(whole.items()), *rest.items()]]
        fitting = [", ".join(shown[:count]) for count in range(1, len(shown) + 1)]
        text = max((t for t in fitting if len(t) <= width), key=len, default=fitting[0] if fitting else "")
        return text + (", …" if text != ", ".join(shown) else "")


def _entries(value):
    return list(value.flat) if isinstance(value, np.ndarray) else [value]


def same_value(a, b, tolerance=SAME):
    """Are two values one number: fractions exactly, others but for their last digits, however large or small they are?"""
    if type(a) in EXACT_TYPES and type(b) in EXACT_TYPES:
        return a == b
    with mpmath.workdps(DIGITS):
        a, b = to_mpf(a), to_mpf(b)
        return abs(a - b) <= tolerance * max(abs(a), abs(b))


EXACT_TYPES = (int, Fraction)


def _told_apart(a, b, finer_a, finer_b, zero):
    """Two values that looked different are so if their difference is still there, and the same, when computed with more digits."""
    if same_value(finer_a, finer_b):
        return True if zero or finer_a != 0 else None
    with mpmath.workdps(3*DIGITS):
        rough, fine = to_mpf(a) - to_mpf(b), to_mpf(finer_a) - to_mpf(finer_b)
        if abs(rough - fine) <= mpmath.mpf("1e-3") * abs(rough):
            return False
    return True if zero else None


def points(exprs, table=None, entries=None):
    """Sample points for these expressions, one after the other; the caller takes the first that have the values it needs."""
    return (Point(exprs, table, entries, seed) for seed in range(TRIES))


def _real(value):
    """Raises NoValue for what is infinite, undefined or complex."""
    if isinstance(value, mpmath.mpc):
        if value.imag != 0:
            raise NoValue("it is complex")
        value = value.real
    if isinstance(value, mpmath.mpf) and not mpmath.isfinite(value):
        raise NoValue("it is infinite or undefined")
    return value


def _why(error):
    if isinstance(error, ZeroDivisionError):
        return "it divides by zero"
    return "a name is defined by itself" if isinstance(error, RecursionError) else str(error)


def _entry_text(name, indices):
    name = plain.name(str(getattr(name, "label", name)))
    return f"{name}_{''.join(map(str, indices))}" if indices else name
