"""The value of a resolved expression at a point: sums are added up, entries are looked up, nothing is simplified.

The same few lines serve three witnesses: exact rational points that refute a false line, 30-digit values that a numerical
derivative is compared with, and NumPy arrays on which the displayed equation itself is executed.
"""

from fractions import Fraction
from functools import cache
from random import Random

import mpmath
import sympy as sp

from derivations.normal_form import index_ranges
from derivations.printing import plain, show_number, to_mpf
from derivations.symbols import Activation, Partial, base_of, sigmoid

DIGITS = 40
POINTS = 4           # sample points for a refutation and for the numerical witness
TRIES = 40           # points tried for that: a logarithm, for one, has no real value at most of them
SAME = 1e-25         # how near two values of one point must be, relative to the larger one, where they are no fractions


class NoValue(Exception):
    """The expression has no finite real value at this point."""


def _rational(q):
    return Fraction(int(q.p), int(q.q))


def _high_precision(q):
    return mpmath.mpf(int(q.p)) / int(q.q)


ARGUMENT = sp.Dummy("z")


@cache
def _stand_in(stem, order):
    """At a point, an undefined activation is some bounded fraction of two squares, and its slopes are that one's slopes."""
    draw = Random(f"activation {stem}")
    a, b, c = (sp.Rational(draw.choice([-3, -2, -1, 1, 2, 3]), draw.choice([5, 7, 9])) for _ in range(3))
    return sp.cancel(sp.diff((a + b*ARGUMENT + c*ARGUMENT**2)/(1 + ARGUMENT**2), ARGUMENT, order))


def _mp_sigmoid(z):
    return 1 / (1 + mpmath.exp(-z))


FUNCTIONS = {sp.exp: mpmath.exp, sp.log: mpmath.log, sp.tanh: mpmath.tanh, sp.sin: mpmath.sin, sp.cos: mpmath.cos,
             sp.Abs: abs, sp.sign: mpmath.sign, sigmoid: _mp_sigmoid, sp.Max: max, sp.Min: min}


def is_rational(*exprs):
    """Do only the four operations and whole powers occur, so that a rational point has a rational value?"""
    parts = (part for expr in exprs for part in sp.preorder_traversal(expr))
    return not any(isinstance(p, tuple(FUNCTIONS)) or p.is_NumberSymbol or (p.is_Pow and not p.exp.is_integer) for p in parts)


class Evaluation:
    """`Evaluation(lookup)(expr)`: `lookup(symbol_or_entry_name, indices)` gives the value of a symbol or an entry."""

    def __init__(self, lookup, exact=False):
        self.lookup = lookup
        self.number = _rational if exact else _high_precision

    def __call__(self, expr, bound=None):
        try:
            return _real(self.value(sp.sympify(expr, strict=True), bound or {}))
        except (ZeroDivisionError, OverflowError, ValueError, TypeError) as error:
            raise NoValue(f"{expr}: {error}") from error

    def value(self, e, bound):
        if e in bound:
            return bound[e]
        if e.is_Rational:
            return self.number(e)
        if e.is_Symbol:
            return self.lookup(e, ())
        if isinstance(e, sp.Indexed):
            return self.lookup(e.base, tuple(int(self.value(i, bound)) for i in e.indices))
        if isinstance(e, sp.Sum):
            return self.sum(e, bound)
        if isinstance(e, sp.Product):
            return self.product(e, bound)
        if isinstance(e, Partial):
            return self.lookup(Partial, self.named(e, bound))
        return self.operation(e, [self.value(a, bound) for a in e.args])

    def named(self, partial, bound):
        """An unknown derivative such as dL/dz_2 is a number of its own."""
        indices = tuple(int(self.value(i, bound)) for i in getattr(partial.variable, "indices", ()))
        return (str(base_of(partial.expr)), str(base_of(partial.variable)), *indices)

    def operation(self, e, values):
        if e.is_Add:
            return sum(values[1:], values[0])
        if e.is_Mul:
            return mpmath.fprod(values) if not isinstance(values[0], Fraction) else _product(values)
        if e.is_Pow:
            return values[0] ** (int(values[1]) if values[1] == int(values[1]) else values[1])
        if isinstance(e, sp.KroneckerDelta):
            return self.number(sp.Integer(int(values[0] == values[1])))
        if isinstance(e, Activation):
            return self.value(_stand_in(e.stem, e.order), {ARGUMENT: values[0]})
        if e.func in FUNCTIONS:
            return FUNCTIONS[e.func](*values)
        if e.is_NumberSymbol:
            return +getattr(mpmath.mp, {"exp1": "e"}.get(str(e).lower(), str(e).lower()))
        raise NoValue(f"no rule for {e.func.__name__}")

    def sum(self, e, bound):
        index, low, high = e.limits[-1]
        body = sp.Sum(e.function, *e.limits[:-1]) if len(e.limits) > 1 else e.function
        values = range(int(self.value(low, bound)), int(self.value(high, bound)) + 1)
        return sum((self.value(body, {**bound, index: self.as_index(v)}) for v in values), self.number(sp.S.Zero))

    def product(self, e, bound):
        (index, low, high), = e.limits
        values = range(int(self.value(low, bound)), int(self.value(high, bound)) + 1)
        return _product([self.number(sp.S.One), *(self.value(e.function, {**bound, index: self.as_index(v)}) for v in values)])

    def as_index(self, v):
        return self.number(sp.Integer(v))


def _real(value):
    """Raises ValueError for what is infinite, undefined or complex."""
    if isinstance(value, mpmath.mpc):
        if value.imag != 0:
            raise ValueError("it is complex")
        value = value.real
    if isinstance(value, mpmath.mpf) and not mpmath.isfinite(value):
        raise ValueError("it is infinite or undefined")
    return value


def _product(values):
    result = values[0]
    for v in values[1:]:
        result *= v
    return result


class Point:
    """A sample point: sizes that are all different, indices within their ranges, small rational values elsewhere.

    The values are drawn from `seed` and the name, so they are the same in every run and on every machine.
    """

    def __init__(self, exprs, seed=0):
        self.seed, self.seen, self.override = seed, {}, {}
        self.ranges = index_ranges(*exprs)
        self.exact = is_rational(*exprs)
        names = sorted({s for e in exprs for s in sizes_in(e)} - self.ranges.keys(), key=str, reverse=True)
        self.size = {s: 3 + (position + seed) % max(3, len(names)) for position, s in enumerate(names)}

    def lookup(self, name, indices):
        key = (name, indices)
        if key not in self.override and key not in self.seen:
            self.seen[key] = self.draw(name, indices)
        return self.override.get(key, self.seen.get(key))

    def draw(self, name, indices):
        random = Random(f"{self.seed} {getattr(name, '__name__', name)} {indices}")
        if name in self.size:
            return self.number(self.size[name])
        if name in self.ranges:
            last = Evaluation(self.lookup, self.exact)(self.ranges[name])
            return self.number(random.randint(1, int(last)))
        symbol = isinstance(name, sp.Basic)  # and not an unknown derivative
        if symbol and name.is_integer:
            return self.number(random.randint(1, 4))
        value = Fraction(random.choice([3, 5, 7, 9, 11]), random.choice([2, 4]))  # never ±1: a lost factor must show
        sign = 1 if symbol and name.is_positive else random.choice([1, -1])
        return self.number(sign * value)

    def number(self, q):
        q = Fraction(q)
        return q if self.exact else mpmath.mpf(q.numerator) / q.denominator

    def value(self, expr):
        with mpmath.workdps(DIGITS):
            return Evaluation(self.lookup, self.exact)(expr)

    def key(self, variable):
        """Under what the value of a symbol or an entry is filed."""
        evaluation = Evaluation(self.lookup, self.exact)
        return base_of(variable), tuple(int(evaluation(i)) for i in getattr(variable, "indices", ()))

    def slope(self, expr, variable):
        """The numerical derivative of an expression at this point by central differences with a step of 1e-10."""
        key, exact, kept = self.key(variable), self.exact, self.seen
        with mpmath.workdps(DIGITS):
            start = to_mpf(self.lookup(*key))
            self.exact, self.seen = False, {k: to_mpf(v) for k, v in self.seen.items()}
            try:
                return self.central(expr, key, start, mpmath.mpf(10) ** -10)
            finally:
                self.exact, self.seen, self.override = exact, kept, {}

    def central(self, expr, key, start, h):
        values = []
        for shifted in (start + h, start - h):
            self.override = {key: shifted}
            values.append(self.value(expr))
        return (values[0] - values[1]) / (2 * h)

    def describe(self, width=88):
        """The values that were used, as text: sizes and indices first, then the rest in the order of its use."""
        counted = {n for n, i in self.seen if not i and (n in self.size or n in self.ranges)}
        whole = {n.name: self.seen[n, ()] for n in counted}
        rest = {_entry_text(n, i): v for (n, i), v in self.seen.items() if n not in counted}
        shown = [f"{n} = {show_number(v)}" for n, v in [*sorted(whole.items()), *rest.items()]]
        fitting = [", ".join(shown[:count]) for count in range(1, len(shown) + 1)]
        text = max((t for t in fitting if len(t) <= width), key=len, default=fitting[0] if fitting else "")
        return text + (", …" if text != ", ".join(shown) else "")


def _entry_text(name, indices):
    if name is Partial:
        return f"∂{indices[0]}/∂{indices[1]}" + (f"_{''.join(map(str, indices[2:]))}" if indices[2:] else "")
    name = plain.name(str(getattr(name, "label", name)))
    return f"{name}_{''.join(map(str, indices))}" if indices else name


def sizes_in(expr):
    """The symbols that count something: in the limits of sums and in the shapes of arrays."""
    limits = [s for e in expr.atoms(sp.Sum, sp.Product) for _, *ends in e.limits for end in ends for s in end.free_symbols]
    shapes = [s for e in expr.atoms(sp.Indexed) for size in e.base.shape or () for s in size.free_symbols]
    return {s for s in limits + shapes if s.is_Symbol and not isinstance(s, sp.Dummy)}


def pairs(exprs, values):
    """(point, its two values) for the first sample points at which both are real numbers."""
    found = 0
    for seed in range(TRIES):
        point = Point(exprs, seed)
        try:
            pair = tuple(values(point))
        except NoValue:
            continue
        yield point, *pair
        found += 1
        if found == POINTS:
            return


def same_value(a, b):
    """Are two values at one point the same? Fractions exactly, others as far as they are computed."""
    return a == b if {type(a), type(b)} == {Fraction} else near(a, b, SAME)


def near(a, b, tolerance, floor=1e-6):
    """Is the difference small beside the larger one? Beside `floor`, where a rounding error is all there is."""
    with mpmath.workdps(DIGITS):
        a, b, floor = map(to_mpf, (a, b, floor))
        return abs(a - b) <= tolerance * max(abs(a), abs(b), floor)
