"""Sample points: numbers for every symbol, and whether two lines have one value there.

A name has the value of its definition, an unknown function is a smooth one drawn for the point. What is said here is a
witness of its own: it shares nothing with the normal form and nothing with SymPy's derivatives.
"""

from contextlib import contextmanager
from fractions import Fraction
from functools import lru_cache
from itertools import product
from math import factorial
from random import Random

import mpmath
import numpy as np
import sympy as sp

from derivations.definitions import Depends
from derivations.printing import plain, show_number, to_mpf
from derivations.symbols import Letter, names_in
from derivations.values import NoValue, filled, is_rational, real, value_of, whole_value

DIGITS = 40          # of every value; a difference quotient has a step of 1e-20, and is taken with 20 digits more
SAME = 1e-25         # how near two values of one point must be, relative to the larger one
BLUR = 10**20        # so many roundings of a difference quotient are no difference
POINTS = 3           # sample points at which lines are compared
TRIES = 16           # points tried for that: a logarithm, for one, has no real value at most of them
ERRORS = ZeroDivisionError, OverflowError, ValueError, TypeError, RecursionError


# what occurs in a formula


@lru_cache(maxsize=20_000)
def sizes_in(expr):
    """The symbols that count something: in the limits of sums and in the shapes of arrays and matrices."""
    limits = [limit for e in expr.atoms(sp.Sum, sp.Product) for limit in e.limits]
    ends = {s for _, *ends in limits for end in ends for s in end.free_symbols} - {index for index, *_ in limits}
    shapes = [e.shape if isinstance(e, sp.MatrixSymbol) else e.base.shape or ()
              for e in expr.atoms(sp.Indexed, sp.MatrixSymbol)]
    counts = ends | {s for shape in shapes for size in shape for s in size.free_symbols}
    return frozenset(s for s in counts if s.is_Symbol and not isinstance(s, sp.Dummy))


def ranges_in(*exprs):
    """{index: [sizes]} for the letters that no sum binds and that stand as an index on arrays of these sizes."""
    found = {}
    for index, size in (pair for e in exprs for pair in _ranges_of(e)):
        found.setdefault(index, []).append(size)
    return found


@lru_cache(maxsize=20_000)
def _ranges_of(expr):
    if isinstance(expr, sp.IndexedBase):
        return ()
    own = ()
    if isinstance(expr, sp.Indexed):
        own = tuple((i, size) for i, size in zip(expr.indices, expr.base.shape or ()) if i.is_Symbol and i != size)
    bound = {limit[0] for limit in expr.limits} if isinstance(expr, (sp.Sum, sp.Product)) else ()
    parts = (_ranges_of(part) for part in expr.args if isinstance(part, sp.Basic))
    return own + tuple(pair for pairs in parts for pair in pairs if pair[0] not in bound)


def _met_in_deltas(parts):
    """{letter: [sizes]} for letters that stand on no array, and meet an index in a Kronecker delta: they run as far as it."""
    limits = {limit[0]: limit[2] for part in parts for s in part.atoms(sp.Sum, sp.Product) for limit in s.limits}
    ends = {**{index: sizes[0] for index, sizes in ranges_in(*parts).items()}, **limits}
    pairs = [pair for part in parts for delta in part.atoms(sp.KroneckerDelta)
             for pair in (delta.args[:2], delta.args[1::-1])]
    return {one: [ends[other]] for one, other in pairs if one.is_Symbol and one not in ends and other in ends}


def opened(exprs, table):
    """All that the expressions are made of: they themselves, the definitions of the names in them, and so on."""
    parts, todo, seen = list(exprs), list(exprs), set()
    while todo:
        for base in names_in(todo.pop()) & table.keys() - seen:
            seen.add(base)
            body = table[base].on if isinstance(table[base], Depends) else table[base].body
            parts += [body, table[base].name]
            todo.append(body)
    return parts


def points(exprs, table=None, entries=None):
    """Sample points for these expressions; the caller takes the first that have the values it needs."""
    setting = Setting(exprs, table, entries)
    return (Point(exprs, seed=seed, setting=setting) for seed in range(TRIES))


class Setting:
    """What the points of some expressions have in common.

    Parameters
    ----------
    exprs : list of sympy expressions
        What is going to be evaluated: sizes and the ranges of indices are read off it.
    table : dict
        Definitions filed by the base of their name: a name has the value of what it stands for.
    entries : dict
        The array of each matrix symbol.
    """

    def __init__(self, exprs, table=None, entries=None):
        self.table, self.entries = table or {}, entries or {}
        exprs = [*exprs, *(e[e.shape] for e in self.entries.values())]
        parts = opened(exprs, self.table)
        self.exact, self.ranges = all(map(is_rational, parts)), {**_met_in_deltas(parts), **ranges_in(*exprs)}
        entries = [i for part in parts for e in part.atoms(sp.Indexed) for i in e.indices if i.is_Integer]
        self.furthest = int(max([sp.S.One, *entries]))     # entry that is named by its number
        self.lowest = min([1] + [0 for part in parts for s in part.atoms(sp.Sum) for limit in s.limits if limit[1] == 0])
        self.counts = sorted(set().union(*map(sizes_in, parts)) - self.ranges.keys(), key=str, reverse=True)

    def sizes(self, seed):
        """All different, and other ones for every seed: 3, 4, ..., then 1, 2, 3, ..., and so on in turn."""
        first, wrap = (3, len(self.counts)) if seed == 0 else (1, max(3, len(self.counts)))
        first += self.furthest - 1 if seed > POINTS else 0
        return {s: first + (position + max(0, seed - 1)) % max(1, wrap) for position, s in enumerate(self.counts)}


class Point:
    """Whole numbers for sizes and indices, fractions of both signs elsewhere, all drawn from `seed` and the name."""

    def __init__(self, exprs, table=None, entries=None, seed=0, setting=None):
        setting = setting or Setting(exprs, table, entries)
        self.table, self.entries, self.ranges, self.exact = setting.table, setting.entries, setting.ranges, setting.exact
        self.setting, self.seed, self.size = setting, seed, setting.sizes(seed)
        self.seen, self.held, self.memo, self.memos, self.digits = {}, {}, {}, {}, DIGITS
        self.rounding = 0     # the largest of a difference quotient so far

    def afresh(self):
        """The same point, at which nothing has been looked up yet."""
        return Point([], seed=self.seed, setting=self.setting)

    def value(self, expr, letters=None):
        """The value of an expression: a number, or an array of the entries of a matrix. Raises NoValue.

        `letters` are given whole numbers for letters that stand free in it.
        """
        key = ("value", expr, *(letters or {}).items())
        if key not in self.memo:
            self.memo[key] = self.evaluated(lambda: real(value_of(expr, self, letters or {})))
        return self.memo[key]

    def evaluated(self, compute):
        """What `compute()` comes to, with the digits of this point. Raises NoValue."""
        with mpmath.workdps(self.digits):
            try:
                return compute()
            except ERRORS as error:
                raise NoValue(_why(error)) from error

    # symbols, entries, names

    def lookup(self, base, indices):
        """The value of a symbol or of an entry: as it is held, as it is defined, or as it was drawn."""
        key = (base, indices)
        if key in self.held:
            return self.held[key]
        if key not in self.memo:
            definition = self.table.get(base) and self.table[base].case(indices)
            self.memo[key] = self.drawn(*key) if definition is None else self.defined(definition, indices)
        return self.memo[key]

    def defined(self, definition, indices):
        bound = dict(zip(definition.indices, indices))
        if isinstance(definition, Depends):
            return self.unknown(definition, bound, indices)
        return value_of(definition.body, self, bound)

    def drawn(self, base, indices):
        key = (base, indices)
        if key not in self.seen:
            self.must_have(base, indices)
            self.seen[key] = self.draw(base, indices)
        value = self.seen[key]
        return value if type(value) is int else self.number(value)

    def must_have(self, base, indices):
        shape, recursion = getattr(base, "shape", None) or (), self.table.get(base)
        first = recursion.level if getattr(recursion, "before_first", False) else None
        if not all(self.setting.lowest <= index <= whole_value(size, self, {}) or p == first and index < 1
                   for p, (index, size) in enumerate(zip(indices, shape))):
            raise NoValue(f"{_entry_text(base, indices)} lies outside of {base.label}")

    def draw(self, base, indices):
        random, known = Random(f"{self.seed} {base} {indices}"), getattr(base, "label", base)
        if base in self.size:
            return self.size[base]
        if base in self.ranges:
            return self.index(base)
        if isinstance(base, Letter):
            return random.randint(*(whole_value(end, self, {}) for end in base.ends))
        if known.is_integer:
            return random.randint(1, 4) * (-1 if known.is_positive is False else 1)
        value = Fraction(random.choice([3, 5, 7, 9, 11]), random.choice([2, 4]))  # never ±1: a lost factor must show
        sign = random.choice([1, -1])
        if self.seed > POINTS and self.seed % 2:  # where log x and log(1 - x) are to have values
            value, sign = value / 32, 1
        return value if known.is_nonnegative else -value if known.is_nonpositive else sign * value

    def index(self, letter):
        """Indices of one range differ from each other where there is room, but for the third point, where they are equal."""
        last = min(whole_value(size, self, {}) for size in self.ranges[letter])
        place = sorted(self.ranges, key=str).index(letter)
        drawn = Random(f"{self.seed} {letter}").randrange(last)
        return 1 + {0: -1 - place, 1: place + 1, 2: -1, 3: 2*place}.get(self.seed, drawn) % last

    def number(self, fraction):
        return fraction if self.exact else mpmath.mpf(fraction.numerator) / fraction.denominator

    def array(self, matrix, entry):
        """The matrix with the entries `entry(array, indices)`; a column may have one index."""
        base = self.entries.get(matrix)
        if base is None:
            raise NoValue(f"the entries of {matrix} are not known")
        shape = [whole_value(size, self, {}) for size in matrix.shape]
        return filled(shape, lambda *place: entry(base, place[:len(base.shape)]))

    # unknown functions

    def stand_in(self, stem, order, z):
        """g(z) = a + b z + Re c/(z - i) for an undefined g, a smooth function of all real z, or its derivative."""
        a, b, re, im = map(self.number, _coefficients(f"activation {stem} {self.seed}", 4))
        inverse = 1/(1 + z*z) if not isinstance(z, int) else self.number(Fraction(1, 1 + z*z))
        x, y = z*inverse, inverse                                    # 1/(z - i) = x + iy
        for _ in range(order):
            x, y = (x*z - y)*inverse, (x + y*z)*inverse              # times 1/(z - i)
        line = (a + b*z, b, 0)[min(order, 2)]
        return line + (-1)**order * factorial(order) * (re*x - im*y)

    def unknown(self, definition, bound, indices):
        """The value of an unknown function of z_1 ... z_m: a polynomial of degree three in which every two of them meet."""
        total = mixed = 0
        ranges = [range(whole_value(low, self, bound), whole_value(high, self, bound) + 1)
                  for _, low, high in definition.limits]
        for place in product(*ranges):
            at = {**bound, **{limit[0]: v for limit, v in zip(definition.limits, place)}}
            z = value_of(definition.pattern, self, at)
            seed = f"function {definition.name} {indices} {place} {self.seed}"
            a, b, c = map(self.number, _coefficients(seed, 3))
            total, mixed = total + a*z + b*z*z, mixed + c*z
        return total + mixed*mixed + mixed*mixed*mixed*self.number(Fraction(1, 3))

    # derivatives

    def slope(self, evaluate, base, indices):
        """The difference quotient of `evaluate()` by a symbol or an entry, held while all that it is made of stands still."""
        if base in self.size or base in self.ranges:
            raise NoValue(f"{base} counts something, so nothing is differentiated by it")
        if any(held != base and held in self.table and base in self.parts_of(held) for held, _ in self.held):
            raise NoValue(f"a derivative by {base} inside one by a name that is made of it")
        finer = self.digits // 2
        with mpmath.workdps(mpmath.mp.dps + finer):
            start, step = to_mpf(self.lookup(base, indices)), mpmath.mpf(10)**-finer
            above, below = (self.holding((base, indices), start + way*step, evaluate) for way in (1, -1))
            size = max(abs(to_mpf(above)), int(above == below))     # where it is flat, 1 + f may be
            self.rounding = max(self.rounding, size * mpmath.eps / step)
            return (above - below) / (2*step)

    def parts_of(self, base):
        return set().union(*map(names_in, opened([self.table[base].name], self.table)))

    def holding(self, key, value, evaluate):
        """What `evaluate()` is while one symbol or entry has another value; each such state has a memory of its own."""
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
        kept = self.digits, self.memo, self.memos, self.rounding
        self.digits, self.memo, self.memos, self.rounding = digits, {}, {}, 0
        try:
            yield
        finally:
            self.digits, self.memo, self.memos, self.rounding = kept

    # comparison

    def same(self, first, second):
        """Have two expressions one value here? True, False, or None where this point cannot tell. Raises NoValue."""
        return self.compare(first, second)[0]

    def compare(self, first, second):
        """(True, False or None, first value, second value), of the first entries that differ if it are matrices.

        A point cannot tell where both vanish, or differ by less than the digits that are certain. Raises NoValue.
        """
        found = self.compared(first, second)
        return min(found, key=lambda verdict: {False: 0, True: 1, None: 2}[verdict[0]])

    def compared(self, first, second):
        rough, zero = self.pairs(first, second), 0 in (first, second)
        if self.exact or all(same_value(a, b) for a, b in rough):
            return [(_verdict(a, b, zero), a, b) for a, b in rough]
        with self.sharper(3*DIGITS):
            fine, lost = self.pairs(first, second), BLUR * self.rounding
        return [(_told_apart(old, new, zero, lost), *old) for old, new in zip(rough, fine)]

    def pairs(self, first, second):
        a, b = self.value(first), self.value(second)
        if np.shape(a) != np.shape(b):
            raise NoValue(f"the shapes {np.shape(a)} and {np.shape(b)} differ")
        return list(zip(a.flat, b.flat)) if isinstance(a, np.ndarray) else [(a, b)]

    def describe(self, width=88):
        """The values that were used, as text: sizes and indices first, then the rest in the order of its use."""
        counted = {n for n, i in self.seen if not i and (n in self.size or n in self.ranges)}
        whole = {n.name: self.seen[n, ()] for n in counted}
        rest = {_entry_text(n, i): v for (n, i), v in self.seen.items() if n not in counted}
        shown = [f"{n} = {show_number(v)}" for n, v in [*sorted(whole.items()), *rest.items()]]
        fitting = [", ".join(shown[:count]) for count in range(1, len(shown) + 1)]
        text = max((t for t in fitting if len(t) <= width), key=len, default=fitting[0] if fitting else "")
        return text + (", …" if text != ", ".join(shown) else "")


def _coefficients(seed, count):
    random = Random(seed)
    return [Fraction(random.choice([-3, -2, -1, 1, 2, 3]), random.choice([5, 7, 9])) for _ in range(count)]


def same_value(a, b, tolerance=SAME):
    """Are two values one number: fractions exactly, others but for their last digits, however large or small they are?"""
    if isinstance(a, (int, Fraction)) and isinstance(b, (int, Fraction)):
        return a == b
    with mpmath.workdps(DIGITS):
        a, b = to_mpf(a), to_mpf(b)
        return abs(a - b) <= tolerance * max(abs(a), abs(b))


def _verdict(a, b, zero):
    return False if not same_value(a, b) else True if zero or a != 0 else None


def _told_apart(rough, fine, zero, lost):
    """Two values that looked different are so if, computed with more digits, their difference is
    the same and larger than what a difference quotient has `lost`, as that of erf where it is flat."""
    if same_value(*fine):
        return _verdict(*fine, zero)
    with mpmath.workdps(3*DIGITS):
        before, now = (to_mpf(a) - to_mpf(b) for a, b in (rough, fine))
        if abs(before - now) <= abs(before) / 1000 and abs(now) > lost:
            return False
    return True if zero else None


def _why(error):
    if isinstance(error, ZeroDivisionError):
        return "it divides by zero"
    return "a name is defined by itself" if isinstance(error, RecursionError) else str(error)


def _entry_text(name, indices):
    name = plain.name(str(getattr(name, "label", name)))
    return f"{name}_{''.join(map(str, indices))}" if indices else name
