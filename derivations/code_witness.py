"""The last line of a derivation, executed on arrays, and NumPy code held against it."""

import copy
import re
from fractions import Fraction
from inspect import signature
from itertools import chain, count

import numpy as np
import sympy as sp

from derivations.errors import WitnessDisagrees
from derivations.printing import plain, to_mpf
from derivations.sampling import DIGITS, Point, opened, ranges_in
from derivations.symbols import Activation, Partial, base_of, indexed, names_in
from derivations.values import NoValue, is_rational

CODE = 1e-13         # how near the entries of a NumPy array must be, relative to the largest
FLOATS = 16          # digits with which the line itself is computed to see how much rounding costs it
COSTLY = 1e-10       # other arrays are drawn where rounding costs more than this
HELD = 1e-250        # what float64 cannot hold to all its digits on the way is not asked of it
SIZES = (4, 5, 3, 2, 6, 7), (1, 2, 4, 3, 5, 6), (8, 1, 2, 5, 3, 4)   # of the three sets of arrays


class Executable:
    """A line as a function of arrays: for symbols, for names in place of what they stand for, dL_dz for an unknown ∂L/∂z_k,
    and of functions g and g_prime for an unknown activation and its slope."""

    def __init__(self, derivation, line=None):
        self.title, known = derivation.title(), derivation.known
        lines = derivation.left, derivation.last if line is None else line
        self.left, self.last = (_with_slopes(known.scalar(line), known.table) for line in lines)
        self.table = {base: _with_known_slopes(d, known.table) for base, d in known.table.items()}
        parts = opened([self.last], self.table)
        sizes = {s for base in _bases(*parts) for size in _shape(base) for s in size.free_symbols}
        self.free = {index: ends[0] for index, ends in ranges_in(self.left, self.last).items()}
        named = sorted(_bases(*parts) - sizes - self.free.keys(), key=str)
        self.functions = {type(a).__name__: type(a) for e in parts for a in e.atoms(Activation)}
        self.known = {_name(base): base for base in named}
        self.spelled = ({spelling: name for name in reversed(self.known) for spelling in spellings(name)}
                        | {name: name for name in (*self.known, *self.functions)})
        self.known |= self.functions
        self.rational = all(map(is_rational, parts))

    def values(self, arrays, seed=0, digits=DIGITS, letters=None):
        """The value of the line at every place of its free indices, in the order in which they appear; or one number."""
        point, sizes = self.point(arrays, seed, digits)
        free = {index: size for index, size in self.free.items() if index not in (letters or {})}
        result = np.empty([self.length(size, sizes) for size in free.values()], dtype=object)
        for place in np.ndindex(*result.shape):
            result[place] = point.value(self.last, {**(letters or {}), **dict(zip(free, (p + 1 for p in place)))})
        return result if free else result[()]

    def point(self, arrays, seed=0, digits=DIGITS):
        """The point that these arrays make, and the sizes that they tell."""
        given, sizes = self.given(arrays)
        table = {base: d for base, d in self.table.items() if base not in given}
        needed = opened([self.last], table)
        self.must_be_given(needed, given, sizes, arrays)
        return Given(digits, needed, table, given, sizes, seed), sizes

    def length(self, size, sizes):
        if not (size.is_Integer or size in sizes):
            raise ValueError(f"the value of {size} is not known from the shapes of the arrays given")
        return int(sizes.get(size, size))

    def given(self, arrays):
        """{base: array of numbers} for those that the line knows, and the sizes that their shapes tell."""
        given, sizes = {}, {}
        for spelling, value in arrays.items():
            if spelling in self.spelled:
                base = self.known[self.spelled[spelling]]
                given[base] = value if callable(value) else _fitting(base, np.asarray(value, dtype=object), sizes)
        return given, sizes

    def must_be_given(self, needed, given, sizes, arrays):
        unknown = set().union(*(e.atoms(Activation) for e in needed))
        if unknown and not given.keys() & set(self.functions.values()):
            raise ValueError(f"{plain(min(unknown, key=sp.default_sort_key))} in {self.title} has no value: "
                             "the function is not known")
        bases = _bases(*needed)
        lengths = {s for base in bases for size in _shape(base) for s in size.free_symbols}
        indices = self.free.keys() | {i for d in self.table.values() for i in d.indices}
        missing = bases - given.keys() - self.table.keys() - sizes.keys() - lengths - indices
        if missing:
            raise ValueError(f"a value for {_name(min(missing, key=str))} is needed; the values given are for "
                             f"{', '.join(sorted(arrays)) or 'nothing'}")


class Given(Point):
    """A point whose values are given as arrays."""

    def __init__(self, digits, exprs, table, given, sizes, seed):
        super().__init__(exprs, table, seed=seed)
        self.digits = digits
        self.given, self.size = given, {size: int(length) for size, length in sizes.items()}

    def draw(self, base, indices):
        if base in self.size:
            return self.size[base]
        value = self.given[base][tuple(i - 1 for i in indices)]
        return Fraction(value) if isinstance(value, (int, float, Fraction, np.integer, np.floating)) else value

    def number(self, value):
        return super().number(value) if isinstance(value, Fraction) else value if not self.exact else Fraction(value)

    def must_have(self, base, indices):
        """Outside of an array NumPy would begin again at its end."""
        shape = np.shape(self.given.get(base))
        if not all(1 <= i <= length for i, length in zip(indices, shape)):
            raise IndexError(f"{_name(base)} of shape {shape} has no entry {', '.join(map(str, indices))}")


def _with_slopes(expr, table):
    """∂L/∂z_k of an unknown L is an array of its own, dL_dz."""
    return expr.replace(lambda e: isinstance(e, Partial) and _is_unknown(e, table), _slope_array)


def _is_unknown(partial, table):
    definition = table.get(base_of(partial.expr)) if isinstance(partial.expr, (sp.Symbol, sp.Indexed)) else None
    return hasattr(definition, "on") and base_of(definition.on) == base_of(partial.variable)


def _slope_array(partial):
    base = base_of(partial.variable)
    name = f"d{_name(base_of(partial.expr))}_d{_name(base)}"
    shape = _shape(base)
    return indexed(name, *shape)[partial.variable.indices] if shape else sp.Symbol(name, real=True)


def _with_known_slopes(definition, table):
    changed = copy.copy(definition)
    changed.body = _with_slopes(definition.body, table)
    return changed


def _fitting(base, value, sizes):
    """The array, if it fits what is known of its shape; notes in `sizes` what it tells."""
    name = _name(base)
    if any(isinstance(v, (str, bytes, bool, dict, list, type(None))) for v in value.flat):
        raise TypeError(f"{name} holds what is no number: {value.tolist()!r}")
    expected = _shape(base)
    fixed = all(size == length for size, length in zip(expected, value.shape) if size.is_Integer)
    if value.ndim != len(expected) or not fixed:
        raise ValueError(f"{name} has shape {value.shape}, expected {tuple(map(str, expected))}")
    for size, length in zip(expected, value.shape):
        if sizes.setdefault(size, length) != length:
            raise ValueError(f"{name} has shape {value.shape}, but {size} = {sizes[size]} elsewhere")
    return value


def _shape(base):
    return tuple(getattr(base, "shape", None) or ())


def _name(base):
    return str(getattr(base, "label", base))


def _bases(*exprs):
    """The arrays and the symbols that stand in formulas; a letter that a sum runs over is none."""
    bound = {limit[0] for e in exprs for s in e.atoms(sp.Sum, sp.Product) for limit in s.limits}
    return set().union(*map(names_in, exprs)) - bound


LAYERS = {"^(l-1)": "_before", "^(l)": "", "^(l+1)": "_next"}


def spellings(name):
    """How the code may write a name: w^(1) as w1 or W1, x as X, and by layers a_before, z, W_next.

    >>> spellings("w^(l+1)")[-1]
    'W_next'
    """
    short = name
    for layer, word in LAYERS.items():
        short = short.replace(layer, word)
    short = re.sub(r"\^\((\w+)\)", r"\1", short)
    return [name, name.upper(), name.lower(), short, short.upper(), short.lower(), short[:1].upper() + short[1:]]


class CodeWitness:
    """That a NumPy function gives what the last line of a derivation says. Made by `Derivation.code`."""

    def __init__(self, derivation, function, name=None):
        self.name = name or getattr(function, "__name__", "code")
        self.name = "the NumPy code" if self.name == "<lambda>" else self.name
        self.line, self.title = Executable(derivation), derivation.title()
        parameters = list(signature(function).parameters)
        self.must_know(parameters)
        sets = list(filter(None, (self.drawn(parameters, seed) for seed in range(len(SIZES)))))
        if not sets:
            raise WitnessDisagrees(self.name, self.title, "cannot be tried",
                                   "has no values that floats can hold at the arrays drawn")
        self.exact, self.sets = all([self.agrees(function, *one) for one in sets]), len(sets)

    def must_know(self, parameters):
        for parameter in parameters:
            if parameter not in self.line.spelled:
                raise ValueError(f"{self.name} has a parameter {parameter}, which {self.title} does not know; "
                                 f"it knows {', '.join(sorted(self.line.known))}")

    def agrees(self, function, arrays, claimed, error):
        """Does the function give the very numbers? Raises WitnessDisagrees if not even their first 13 digits."""
        got = np.asarray(function(**arrays))
        if np.iscomplexobj(got):
            raise WitnessDisagrees(self.name, self.title, "returns complex numbers", "has real ones")
        got = got.astype(float)
        if got.shape != claimed.shape:
            raise WitnessDisagrees(self.name, self.title, f"returns shape {got.shape}", f"has shape {claimed.shape}")
        for place in np.ndindex(*got.shape):
            if not np.isfinite(got[place]) or abs(to_mpf(Fraction(got[place])) - to_mpf(claimed[place])) > error:
                raise WitnessDisagrees(self.name, self.title, place=place, values=(got[place], claimed[place]))
        return all(isinstance(truth, (int, Fraction)) and value == truth for value, truth in zip(got.flat, claimed.flat))

    def drawn(self, parameters, seed):
        """Arrays, the values of the line for them, and the error that code may have; None where floats cannot hold them."""
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
        """Numbers of both signs: small whole ones, for which float64 makes no error but in a division, quarters, larger
        ones; small ones where exp or the like occurs."""
        random = np.random.default_rng([seed, family])
        bases = [self.line.known[self.line.spelled[parameter]] for parameter in parameters]
        symbols = {s for base in bases for s in _shape(base) if s.is_Symbol}
        sizes = dict(zip(sorted(symbols, key=str, reverse=True), chain(SIZES[seed], count(9))))
        largest, scale = [(4, 1), (64, 4), (9, 1)][seed] if self.line.rational else [(4, 4), (4, 4), (4, 8)][seed]
        if family:
            largest, scale = 7, (1, 32, 32, 256)[family]
        arrays = {}
        for parameter, base in zip(parameters, bases):
            if parameter in self.line.functions:
                arrays[parameter] = _stand_in(base, seed)
                continue
            drawn = random.integers(-largest, largest + 1, [int(sizes.get(s, s)) for s in _shape(base)])
            if family or not _shape(base):
                drawn = np.where(drawn == 0, 3, drawn)
            if not _shape(base):
                drawn = abs(drawn) * (1, -1, random.choice([1, -1]))[seed]
            arrays[parameter] = _as_assumed(drawn, base, family, scale)
        return arrays

    def __repr__(self):
        how = "exactly" if self.exact else "to 13 digits"
        sets = "one set", "two sets", "three sets"
        return f"✓ {self.name} computes equation {self.title} {how}, on {sets[self.sets - 1]} of arrays"


def _stand_in(function, seed):
    """A smooth function of numbers and arrays, the same that the line meets at this point."""
    point = Point([], seed=seed)
    return np.vectorize(lambda z: float(point.stand_in(function.stem, function.order, Fraction(z))), otypes=[float])


def _as_assumed(drawn, base, family, scale):
    """The numbers as floats, whole or of one sign if that is assumed of their symbol, or if logarithms want it."""
    known = getattr(base, "label", base)
    if known.is_integer:
        scale = 1
    if known.is_positive or known.is_nonnegative or family >= 2 and not known.is_negative:
        drawn = np.where(drawn == 0, 1, abs(drawn))
    if known.is_negative:
        drawn = -np.where(drawn == 0, 1, abs(drawn))
    values = drawn / scale
    return values.astype(float) if np.ndim(values) else float(values)
