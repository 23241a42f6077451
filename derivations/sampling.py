"""Sample points: numbers for every symbol, and whether two lines have one value there.

A name has the value of its definition, an unknown function is a smooth one drawn for the point.
What is said here is a witness of its own: it shares nothing with the normal form and nothing with
SymPy's derivatives.
"""

import copy
from fractions import Fraction
from functools import lru_cache
from itertools import product
from math import factorial
from random import Random

import mpmath
import numpy as np
import sympy as sp

from derivations.definitions import Assume, Depends, Index, Table
from derivations.places import least_sizes, limits_in, ranges_in, sizes_in, sizes_of_arrays
from derivations.printing import plain, show_number, to_mpf
from derivations.recursion import first_levels
from derivations.symbols import label_of, names_in, parts_in, shape_of
from derivations.values import (
    NoValue,
    compiled,
    filled,
    is_rational,
    one,
    real,
    value_of,
    whole_value,
)

DIGITS = 40  # of every value; a difference quotient has a step of 1e-20, and 20 digits more
SAME = 1e-25  # how near two values of one point must be, relative to the larger one
BLUR = 10**20  # so many roundings of a difference quotient are no difference
POINTS = 3  # sample points at which lines are compared
TRIES = 16  # points tried for that: a logarithm, for one, has no real value at most of them
CLEARER = 8  # points with small values tried for a counterexample that can be read
ORDINARY = Fraction(1, 1000), 1000  # how large a number is that a reader compares at a glance
ERRORS = ZeroDivisionError, OverflowError, ValueError, TypeError, RecursionError


def _met_in_deltas(parts):
    """{letter: [sizes]} for letters on no array: they run as far as an index they are equal to."""
    ends = {index: sizes[0] for index, sizes in ranges_in(*parts).items()}
    ends.update({index: high for index, _, high in limits_in(*parts)})
    deltas = [delta for part in parts for delta in parts_in(part, sp.KroneckerDelta)]
    pairs = [pair for delta in deltas for pair in (delta.args[:2], delta.args[1::-1])]
    sizes = frozenset().union(*map(sizes_of_arrays, parts))
    return {one: [ends[other]] for one, other in pairs
            if one.is_Symbol and one not in ends and one not in sizes and other in ends
            and not ends[other].has(one)}  # as n in the sum of [i = n] for i = 1 ... n


def opened(exprs, table):
    """All that the expressions are made of: they, definitions of the names in them, and so on."""
    parts, todo, seen = list(exprs), list(exprs), set()
    while todo:
        for base in names_in(todo.pop()) & table.keys() - seen:
            seen.add(base)
            definition = table[base]
            is_on = isinstance(definition, Depends)
            bodies = [definition.on] if is_on else [body for _, body in definition.rules()]
            parts += [*bodies, definition.name]
            todo += bodies
    return parts


def points(exprs, table=None, entries=None):
    """Sample points for these expressions; the caller takes the first that have values."""
    first = Point(exprs, table, entries)
    return (first.again(seed) for seed in range(TRIES))


class Point:
    """Whole numbers for sizes and indices, fractions of both signs elsewhere.

    Parameters
    ----------
    exprs : list of sympy expressions
        What is going to be evaluated: sizes and the ranges of indices are read off it.
    table : dict
        Definitions filed by the base of their name: a name has the value of what it stands for.
    entries : dict
        The array of each matrix symbol.
    seed : int
        All is drawn from it and from the names.
    """

    digits = DIGITS

    def __init__(self, exprs, table=None, entries=None, seed=0):
        self.table = table if isinstance(table, Table) else Table(table or {})
        self.entries = entries or {}
        exprs = [*exprs, *(e[e.shape] for e in self.entries.values())]
        parts = opened(exprs, self.table)
        self.exact = all(map(is_rational, parts))
        self.ranges = {**_met_in_deltas(parts), **ranges_in(*exprs)}
        self.lowest = 0 if any(low == 0 for _, low, _ in limits_in(*parts)) else 1
        # the first level at which all names on display are opened, and none is a start of its own
        self.start = first_levels(exprs, self.table)
        # entries such as w_2
        numbered = map(int, least_sizes(*parts, levels=self.table.levels).values())
        self.furthest = max([1, *numbered, *self.start.values()])
        counts = set().union(*map(sizes_in, parts)) - self.ranges.keys()
        self.counts = sorted(counts, key=str, reverse=True)
        self.reach, self.cases = {}, {}  # the same for all points
        self.small = False  # are all values small, so that no sigmoid is flat?
        self.begin(seed)

    def again(self, seed=None):
        """Another point, or the same one, at which nothing has been looked up yet."""
        point = copy.copy(self)
        point.begin(self.seed if seed is None else seed)
        return point

    def small_ones(self):
        """A few points with small values."""
        for seed in range(CLEARER):
            point = self.again(seed)
            point.small = True
            yield point

    def begin(self, seed):
        """Sizes all differ, and are others for every seed: 3, 4, …, then 1, 2, 3, … in turn."""
        self.seed, self.seen, self.memo = seed, {}, {}
        self.held, self.tokens = {}, {}  # what is moved: (its value, a short name for that)
        self.rounding = 0  # the largest of a difference quotient so far
        first, wrap = (1, max(3, len(self.counts))) if seed else (3, max(1, len(self.counts)))
        first += self.furthest - 1 if seed > POINTS else 0
        shift = max(0, seed - 1)
        self.size = {s: first + (p + shift) % wrap + self.start.get(s, 1) - 1
                     for p, s in enumerate(self.counts)}

    def value(self, expr, letters=None):
        """The value of an expression: a number, or an array of the entries of a matrix.

        `letters` are given whole numbers for letters that stand free in it. Raises NoValue.
        """
        key = expr, *(letters or {}).items()
        if key not in self.memo:
            with mpmath.workdps(self.digits):
                try:
                    self.memo[key] = real(value_of(expr, self, letters or {}))
                except ERRORS as error:
                    raise NoValue(_why(error)) from error
        return self.memo[key]

    def remembered(self, what, made_of, compute):
        """What `compute()` comes to, once as long as nothing moves that it is made of."""
        key = what, mpmath.mp.prec
        if self.held:
            reach = self.reached(made_of)
            key += *(token for (base, _), (_, token) in self.held.items() if base in reach),
        value = self.memo.get(key)
        if value is None:
            value = self.memo[key] = compute()
        return value

    def reached(self, expr):
        """The bases of all names that the value of an expression is made of."""
        if expr not in self.reach:
            parts = opened([self.table[expr].name if expr in self.table else expr], self.table)
            arrays = [e[e.shape] for m, e in self.entries.items() if any(p.has(m) for p in parts)]
            parts += opened(arrays, self.table)
            self.reach[expr] = set().union(*map(names_in, parts))
        return self.reach[expr]

    # symbols, entries, names

    def lookup(self, base, indices):
        """The value of a symbol or of an entry: as it is held, as it is defined, or as drawn."""
        key = base, indices
        if self.held and key in self.held:
            return self.held[key][0]
        here = key, mpmath.mp.prec
        value = self.memo.get(here)  # if it is drawn
        if value is not None:
            return value
        if key not in self.cases:
            self.cases[key] = self.table.get(base) and self.table[base].case(indices)
        definition = self.cases[key]
        if definition is not None:
            return self.remembered((key, "defined"), base, lambda: self.defined(definition, *key))
        value = self.memo[here] = self.drawn(*key)
        return value

    def defined(self, definition, base, indices):
        bound = dict(zip(map(one, definition.indices), indices))
        if isinstance(definition, Depends):
            return self.unknown(definition, bound, indices)
        if isinstance(definition, (Assume, Index)):
            self.seen.setdefault((base, indices))  # its value is looked up when it is shown
        if isinstance(definition, Assume):
            ends = dict(enumerate(definition.found.ends, POINTS))  # {seed: value}
            kept, self.held = self.held, {}  # x > a does not move with a
            try:
                return value_of(ends.get(self.seed, definition.body), self, bound)
            finally:
                self.held = kept
        return value_of(definition.body, self, bound)

    def drawn(self, base, indices):
        key = base, indices
        if key not in self.seen:
            self.must_have(base, indices)
            self.seen[key] = self.draw(base, indices)
        value = self.seen[key]
        return value if type(value) is int else self.number(value)

    def must_have(self, base, indices):
        level = getattr(self.table, "levels", {}).get(base)
        for place, (index, size) in enumerate(zip(indices, shape_of(base))):
            is_before = level and level.before_first and place == level.place and index < 1
            if not (is_before or self.lowest <= index <= whole_value(size, self, {})):
                raise NoValue(f"{_entry_text(base, indices)} lies outside of {base.label}")

    def draw(self, base, indices):
        if base in self.size:
            return self.size[base]
        if base in self.ranges:
            return self.index(base)
        what, known = f"{self.seed} {_text(base)} {indices}", label_of(base)
        if hasattr(base, "ends"):
            return Random(what).randint(*(whole_value(end, self, {}) for end in base.ends))
        if known.is_integer:
            return Random(what).randint(1, 4) * (-1 if known.is_positive is False else 1)
        value, sign = _fraction(what, self.small)
        if self.seed > POINTS and self.seed % 2:  # where log x and log(1 - x) are to have values
            value, sign = value if self.small else value / 32, 1
        elif self.seed > POINTS and isinstance(known, sp.Dummy):
            value *= 16  # near the other end of the interval that a hypothesis is about
        return value if known.is_nonnegative else -value if known.is_nonpositive else sign * value

    def index(self, letter):
        """Indices of one range differ where there is room; at the third point they are equal."""
        last = min(whole_value(size, self, {}) for size in self.ranges[letter])
        before, place = self.start.get(letter, 1) - 1, sorted(self.ranges, key=str).index(letter)
        last -= before
        if last < 1:
            raise NoValue(f"{letter} must be at least {before + 1}")
        drawn = Random(f"{self.seed} {letter}").randrange(last)
        chosen = {0: -1 - place, 1: place + 1, 2: -1, 3: 2 * place}.get(self.seed, drawn)
        return 1 + before + chosen % last

    def number(self, fraction):
        return fraction if self.exact else to_mpf(fraction)

    def array(self, matrix, entry):
        """The matrix with the entries `entry(array, indices)`; a column may have one index."""
        base = self.entries.get(matrix)
        if base is None:
            raise NoValue(f"the entries of {matrix} are not known")
        shape = [whole_value(size, self, {}) for size in matrix.shape]
        return filled(shape, lambda *place: entry(base, place[: len(base.shape)]))

    # unknown functions

    def coefficients(self, count, *what):
        """Small fractions, drawn for that."""
        key = what, mpmath.mp.prec
        if key not in self.memo:
            random = Random(" ".join(map(_text, (*what, self.seed))))
            pairs = [(random.choice([-3, -2, -1, 1, 2, 3]), random.choice([5, 7, 9]))
                     for _ in range(count)]
            self.memo[key] = [self.number(Fraction(*pair)) for pair in pairs]
        return self.memo[key]

    def stand_in(self, stem, order, z):
        """A smooth g(z) = a + b z + Re c/(z - i) for an undefined g, or a derivative of it."""
        a, b, re, im = self.coefficients(4, "activation", stem)
        y = 1 / (1 + z * z) if not isinstance(z, int) else self.number(Fraction(1, 1 + z * z))
        inverse, x = y, z * y  # 1/(z - i) = x + iy
        for _ in range(order):
            x, y = (x * z - y) * inverse, (x + y * z) * inverse  # times 1/(z - i)
        line = (a + b * z, b, 0)[min(order, 2)]
        return line + (-1) ** order * factorial(order) * (re * x - im * y)

    def unknown(self, definition, bound, indices):
        """An unknown function of z_1 … z_m: a cubic polynomial in which every two of them meet."""
        total = mixed = 0
        ends = [[whole_value(end, self, bound) for end in ends] for _, *ends in definition.limits]
        letters, inner = [one(i) for i, *_ in definition.limits], compiled(definition.pattern)
        for place in product(*(range(low, high + 1) for low, high in ends)):
            z = inner(self, {**bound, **dict(zip(letters, place))})
            a, b, c = self.coefficients(3, "function", definition.name, indices, place)
            total, mixed = total + a * z + b * z * z, mixed + c * z
        return total + mixed * mixed + mixed * mixed * mixed * self.number(Fraction(1, 3))

    # derivatives

    def slope(self, evaluate, base, indices):
        """The difference quotient of `evaluate()` by a symbol or an entry."""
        if base in self.size or base in self.ranges:
            raise NoValue(f"{base} counts something, so nothing is differentiated by it")
        known = self.table.defined() if self.held else ()
        if any(held != base and held in known and base in self.reached(held)
               for held, _ in self.held):
            raise NoValue(f"a derivative by {base} inside one by a name that is made of it")
        finer, kept = self.digits // 2, self.held
        with mpmath.workdps(mpmath.mp.dps + finer):
            start, step = to_mpf(self.lookup(base, indices)), mpmath.mpf(10) ** -finer
            values = []
            try:
                for moved in (start + step, start - step):
                    what = base, indices, moved
                    token = self.tokens.setdefault(what, len(self.tokens))
                    self.held = {**kept, (base, indices): (moved, token)}
                    values.append(evaluate())
            finally:
                self.held = kept
            above, below = values
            size = max(abs(to_mpf(above)), int(above == below))  # where it is flat, 1 + f may be
            self.rounding = max(self.rounding, size * mpmath.eps / step)
            return (above - below) / (2 * step)

    # comparison

    def same(self, first, second):
        """Have both one value here? True, False, or None where this point cannot tell."""
        return self.compare(first, second)[0]

    def compare(self, first, second):
        """(True, False or None, first value, second value); of matrices, of entries that differ.

        A point cannot tell where both vanish, or differ by less than the digits that are certain.
        Raises NoValue.
        """
        rough, zero = self.pairs(first, second), any(map(is_zero, (first, second)))
        verdicts = [_verdict(*pair, zero) for pair in rough]
        if False in verdicts and not self.exact:
            fine, lost = self.sharper(lambda: (self.pairs(first, second), BLUR * self.rounding))
            verdicts = [_told_apart(*both, zero, lost) for both in zip(rough, fine)]
        order = {False: 0, True: 1, None: 2}
        return min(zip(verdicts, *zip(*rough)), key=lambda found: order[found[0]])

    def sharper(self, compute):
        """What `compute()` comes to with more digits."""
        kept = self.digits, self.memo, self.rounding
        self.digits, self.memo, self.rounding = 3 * DIGITS, {}, 0
        try:
            return compute()
        finally:
            self.digits, self.memo, self.rounding = kept

    def pairs(self, first, second):
        a, b = self.value(first), self.value(second)
        if np.shape(a) != np.shape(b):
            raise NoValue(f"the shapes {np.shape(a)} and {np.shape(b)} differ")
        return list(zip(a.flat, b.flat)) if isinstance(a, np.ndarray) else [(a, b)]

    def describe(self, width=88):
        """The values that were used, sizes and indices first, then the rest in the order of use."""
        counted = {n for n, i in self.seen if not i and (n in self.size or n in self.ranges)}
        value = lambda n, i: self.lookup(n, i) if self.seen[n, i] is None else self.seen[n, i]
        whole = {n.name: value(n, ()) for n in counted}
        rest = {_entry_text(n, i): value(n, i) for n, i in list(self.seen)
                if n not in counted and not isinstance(getattr(n, "label", n), sp.Dummy)}
        shown = [f"{n} = {show_number(v)}" for n, v in [*sorted(whole.items()), *rest.items()]]
        texts = [", ".join(shown[:count]) for count in range(1, len(shown) + 1)] or [""]
        text = max((t for t in texts if len(t) <= width), key=len, default=texts[0])
        return text + (", …" if text != texts[-1] else "")


@lru_cache(maxsize=20_000)
def _fraction(what, small):
    """A number drawn from a text, and a sign. It is never ±1: a lost factor must show."""
    random, (odd, part) = Random(what), ([1, 3, 5, 7], [8]) if small else ([3, 5, 7, 9, 11], [2, 4])
    return Fraction(random.choice(odd), random.choice(part)), random.choice([1, -1])


def is_zero(expr):
    return expr == 0 or isinstance(expr, sp.ZeroMatrix)


def same_value(a, b, tolerance=SAME):
    """Are two values one number: fractions exactly, others but for their last digits?"""
    if isinstance(a, (int, Fraction)) and isinstance(b, (int, Fraction)):
        return a == b
    with mpmath.workdps(DIGITS):
        a, b = to_mpf(a), to_mpf(b)
        return abs(a - b) <= tolerance * max(abs(a), abs(b))


def can_be_read(a, b):
    """Are both of ordinary size, or one of them 0, and apart by more than a thousandth?"""
    least, most = ORDINARY
    with mpmath.workdps(DIGITS):
        least, a, b = map(to_mpf, (least, a, b))
        return (all(least <= abs(v) <= most for v in (a, b) if v != 0)
                and not same_value(a, b, least))


def _verdict(a, b, zero):
    return False if not same_value(a, b) else True if zero or a != 0 else None


def _told_apart(rough, fine, zero, lost):
    """Two values differ if, computed with more digits, their difference is still the same.

    And larger than what a difference quotient has `lost`, as that of erf where it is flat.
    """
    if same_value(*fine):
        return _verdict(*fine, zero)
    with mpmath.workdps(3 * DIGITS):
        before, now = (to_mpf(a) - to_mpf(b) for a, b in (rough, fine))
        if abs(before - now) <= abs(before) / 1000 and abs(now) > lost:
            return False
    return True if zero else None


_text = lru_cache(maxsize=20_000)(str)


def _why(error):
    if isinstance(error, ZeroDivisionError):
        return "it divides by zero"
    return "a name is defined by itself" if isinstance(error, RecursionError) else str(error)


def _entry_text(name, indices):
    name = plain.name(str(label_of(name)))
    return f"{name}_{''.join(map(str, indices))}" if indices else name
