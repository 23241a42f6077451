"""The last line of a derivation, executed on arrays, and NumPy code held against it."""

import re
from fractions import Fraction
from functools import partial
from inspect import signature
from itertools import chain, count

import numpy as np
import sympy as sp

from derivations.definitions import Depends
from derivations.errors import WitnessDisagrees
from derivations.places import least_sizes, limits_in, ranges_in, sizes_of_arrays
from derivations.printing import plain, to_mpf
from derivations.sampling import DIGITS, Point, opened
from derivations.symbols import Activation, Partial, base_of, indexed, label_of, names_in, shape_of
from derivations.values import NoValue, is_rational

CODE = 1e-13  # how near the entries of a NumPy array must be, relative to the largest
FLOATS = 16  # digits with which the line itself is computed to see how much rounding costs it
COSTLY = 1e-10  # other arrays are drawn where rounding costs more than this
HELD = 1e-250  # what float64 cannot hold to all its digits on the way is not asked of it
SIZES = (4, 5, 3, 2, 6, 7), (1, 2, 4, 3, 5, 6), (8, 1, 2, 5, 3, 4)  # of the three sets of arrays
NO_NUMBER = str, bytes, bool, dict, list, type(None)
LAYERS = {"^(l-1)": "_before", "^(l)": "", "^(l+1)": "_next"}


class Executable:
    """A line as a function of arrays: for symbols, and for names in place of what they stand for.

    dL_dz is the array of an unknown ∂L/∂z_k; g and g_prime are functions for an unknown activation
    and its slope.
    """

    def __init__(self, derivation, line=None):
        self.title, known = derivation.title(), derivation.known
        given = partial(_with_slopes, table=known.table)
        self.table = {base: d.with_parts(given) for base, d in known.table.items()}
        lines = derivation.left, derivation.last if line is None else line
        left, self.last = (given(known.scalar(line)) for line in lines)
        self.free = {index: ends[0] for index, ends in ranges_in(left, self.last).items()}
        parts = opened([self.last], self.table)
        # d ≥ 2, since w_2 stands there
        self.least = least_sizes(left, *parts, levels=known.table.levels)
        self.rational = all(map(is_rational, parts))
        self.functions = {type(a).__name__: type(a) for e in parts for a in e.atoms(Activation)}
        named = _quantities(parts) - self.free.keys()
        arrays = {str(label_of(base)): base for base in sorted(named, key=str)}
        self.known = arrays | self.functions
        words = [(word, base) for name, base in arrays.items() for word in spellings(name)]
        self.spelled = dict(reversed(words)) | self.known

    def values(self, arrays, seed=0, digits=DIGITS, letters=None):
        """The value of the line at every place of its free indices, in their order; or a number."""
        letters = letters or {}
        point = self.point(arrays, seed, digits)
        free = {index: size for index, size in self.free.items() if index not in letters}
        for size in free.values():
            if not (size.is_Integer or size in point.size):
                raise ValueError(f"the value of {size} is not known from the shapes of the arrays "
                                 "given")
        lengths = [int(point.size.get(size, size)) for size in free.values()]
        result = np.empty(lengths, dtype=object)
        for place in np.ndindex(*result.shape):
            at = {**letters, **{index: p + 1 for index, p in zip(free, place)}}
            result[place] = point.value(self.last, at)
        return result if free else result[()]

    def point(self, arrays, seed=0, digits=DIGITS):
        """The point that these arrays make."""
        given, sizes = {}, {}
        for spelling, value in arrays.items():
            if spelling in self.spelled:
                base = self.spelled[spelling]
                is_array = not callable(value)
                given[base] = _fitting(base, value, sizes) if is_array else value
        table = {base: d for base, d in self.table.items() if base not in given}
        parts = opened([self.last], table)
        self.must_be_given(parts, given, sizes, arrays)
        return Given(digits, parts, table, given, sizes, seed)

    def must_be_given(self, parts, given, sizes, arrays):
        unknown = set().union(*(e.atoms(Activation) for e in parts))
        if unknown and not given.keys() & set(self.functions.values()):
            raise ValueError(f"{plain(min(unknown, key=sp.default_sort_key))} in {self.title} has "
                             "no value: the function is not known")
        indices = {i for d in self.table.values() for i in d.indices}
        known = given.keys() | self.table.keys() | sizes.keys() | self.free.keys() | indices
        missing = _quantities(parts) - known
        if missing:
            raise ValueError(f"a value for {label_of(min(missing, key=str))} is needed; the values "
                             f"given are for {', '.join(sorted(arrays)) or 'nothing'}")


class Given(Point):
    """A point whose values are given as arrays."""

    def __init__(self, digits, exprs, table, given, sizes, seed):
        super().__init__(exprs, table, seed=seed)
        self.digits, self.given = digits, given
        self.size = {size: int(length) for size, length in sizes.items()}

    def draw(self, base, indices):
        if base in self.size:
            return self.size[base]
        value = self.given[base][tuple(i - 1 for i in indices)]
        is_exact = isinstance(value, (int, float, Fraction, np.integer, np.floating))
        return Fraction(value) if is_exact else value

    def number(self, value):
        if isinstance(value, Fraction):
            return super().number(value)
        return Fraction(value) if self.exact else value

    def must_have(self, base, indices):
        """Outside of an array NumPy would begin again at its end."""
        shape = np.shape(self.given.get(base))
        if not all(1 <= i <= length for i, length in zip(indices, shape)):
            place = ", ".join(map(str, indices))
            raise IndexError(f"{label_of(base)} of shape {shape} has no entry {place}")


def _with_slopes(expr, table):
    """∂L/∂z_k of an unknown L is an array of its own, dL_dz."""
    def given(slope):
        of, base = base_of(slope.expr), base_of(slope.variable)
        if not isinstance(table.get(of), Depends) or base_of(table[of].on) != base:
            return slope
        name, shape = f"d{label_of(of)}_d{label_of(base)}", shape_of(base)
        array = indexed(name, *shape) if shape else sp.Symbol(name, real=True)
        return array[slope.variable.indices] if shape else array

    return expr.replace(lambda e: isinstance(e, Partial), given)


def _fitting(base, value, sizes):
    """The array, if it fits what is known of its shape; notes in `sizes` what it tells."""
    name, value, expected = str(label_of(base)), np.asarray(value, dtype=object), shape_of(base)
    if any(isinstance(v, NO_NUMBER) for v in value.flat):
        raise TypeError(f"{name} holds what is no number: {value.tolist()!r}")
    pairs = list(zip(expected, value.shape))
    if value.ndim != len(expected) or any(s != length for s, length in pairs if s.is_Integer):
        raise ValueError(f"{name} has shape {value.shape}, expected {tuple(map(str, expected))}")
    for size, length in pairs:
        if sizes.setdefault(size, length) != length:
            raise ValueError(f"{name} has shape {value.shape}, "
                             f"but {size} = {sizes[size]} elsewhere")
    return value


def _quantities(exprs):
    """The arrays and the symbols in formulas, but for sizes and for what a sum runs over."""
    sizes = set().union(*map(sizes_of_arrays, exprs))
    return set().union(*map(names_in, exprs)) - sizes - {index for index, *_ in limits_in(*exprs)}


def spellings(name):
    """How the code may write a name: w^(1) as w1 or W1, x as X, by layers a_before, z, W_next.

    >>> spellings("w^(l+1)")[-1]
    'W_next'
    """
    short = name
    for layer, word in LAYERS.items():
        short = short.replace(layer, word)
    short = re.sub(r"\^\((\w+)\)", r"\1", short)
    forms = [form for word in (name, short) for form in (word, word.upper(), word.lower())]
    return [*forms, short[:1].upper() + short[1:]]


class CodeWitness:
    """That a NumPy function gives what the last line says. Made by `Derivation.code`."""

    def __init__(self, derivation, function, name=None):
        name = name or getattr(function, "__name__", "code")
        self.name = "the NumPy code" if name == "<lambda>" else name
        self.line, self.title = Executable(derivation), derivation.title()
        parameters = list(signature(function).parameters)
        for parameter in parameters:
            if parameter not in self.line.spelled:
                known = ", ".join(sorted(self.line.known))
                raise ValueError(f"{self.name} has a parameter {parameter}, which {self.title} "
                                 f"does not know; it knows {known}")
        sets = list(filter(None, (self.drawn(parameters, seed) for seed in range(len(SIZES)))))
        if not sets:
            self.refuse("cannot be tried", "has no values that floats can hold at the arrays drawn")
        self.exact = all([self.agrees(function, *one) for one in sets])
        self.sets = len(sets)

    def refuse(self, got="", expected="", **data):
        raise WitnessDisagrees(self.name, self.title, got, expected, **data)

    def agrees(self, function, arrays, claimed, error):
        """Does it give the very numbers? WitnessDisagrees if not even their first 13 digits."""
        got = np.asarray(function(**arrays))
        if np.iscomplexobj(got):
            self.refuse("returns complex numbers", "has real ones")
        got = got.astype(float)
        if got.shape != claimed.shape:
            self.refuse(f"returns shape {got.shape}", f"has shape {claimed.shape}")
        for place in np.ndindex(*got.shape):
            value, truth = got[place], claimed[place]
            if not np.isfinite(value) or abs(to_mpf(Fraction(value)) - to_mpf(truth)) > error:
                self.refuse(place=place, values=(value, truth))
        return all(isinstance(truth, (int, Fraction)) and value == truth
                   for value, truth in zip(got.flat, claimed.flat))

    def drawn(self, parameters, seed):
        """Arrays, the values of the line for them, and the error that code may have.

        None where floats cannot hold these values.
        """
        for family in range(4):
            arrays = self.draw(parameters, seed, family)
            try:
                claimed, rough = (np.asarray(self.line.values(arrays, seed, digits), dtype=object)
                                  for digits in (DIGITS, FLOATS))
            except NoValue:
                continue
            largest = max(abs(to_mpf(v)) for v in claimed.flat)
            lost = max(abs(to_mpf(a) - to_mpf(b)) for a, b in zip(claimed.flat, rough.flat))
            if largest >= HELD and lost <= COSTLY * largest or self.line.rational:
                return arrays, claimed, CODE * largest + 50 * lost
        return None

    def draw(self, parameters, seed, family):
        """Numbers of both signs: small whole ones, for which float64 makes no error but in a
        division, quarters, larger ones; small ones where exp or the like occurs."""
        random = np.random.default_rng([seed, family])
        bases = {parameter: self.line.spelled[parameter] for parameter in parameters}
        symbols = {s for base in bases.values() for s in shape_of(base) if s.is_Symbol}
        lengths = chain(SIZES[seed], count(9))
        sizes = {s: length + int(self.line.least.get(s, 1)) - 1
                 for s, length in zip(sorted(symbols, key=str, reverse=True), lengths)}
        small = [(4, 1), (64, 4), (9, 1)] if self.line.rational else [(4, 4), (4, 4), (4, 8)]
        largest, scale = (7, (1, 32, 32, 256)[family]) if family else small[seed]
        arrays = {}
        for parameter, base in bases.items():
            if parameter in self.line.functions:
                arrays[parameter] = _stand_in(base, seed)
                continue
            shape = [int(sizes.get(s, s)) for s in shape_of(base)]
            drawn = random.integers(-largest, largest + 1, shape)
            if family or not shape:
                drawn = np.where(drawn == 0, 3, drawn)
            if not shape:
                drawn = abs(drawn) * (1, -1, random.choice([1, -1]))[seed]
            arrays[parameter] = _as_assumed(drawn, base, family, scale)
        return arrays

    def __repr__(self):
        how = "exactly" if self.exact else "to 13 digits"
        sets = ("one set", "two sets", "three sets")[self.sets - 1]
        what = f"equation {self.title}" if self.title.startswith("(") else self.title
        return f"✓ {self.name} computes {what} {how}, on {sets} of arrays"


def _stand_in(function, seed):
    """A smooth function of numbers and arrays, the same that the line meets at this point."""
    point = Point([], seed=seed)
    stand_in = partial(point.stand_in, function.stem, function.order)
    return np.vectorize(lambda z: float(stand_in(Fraction(z))), otypes=[float])


def _as_assumed(drawn, base, family, scale):
    """The numbers as floats, whole or of one sign if their symbol is, or if logarithms want it."""
    known = label_of(base)
    if known.is_integer:
        scale = 1
    if known.is_positive or known.is_nonnegative or family >= 2 and not known.is_negative:
        drawn = np.where(drawn == 0, 1, abs(drawn))
    if known.is_negative:
        drawn = -np.where(drawn == 0, 1, abs(drawn))
    values = drawn / scale
    return values.astype(float) if np.ndim(values) else float(values)
