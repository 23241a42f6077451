"""The last line of a derivation, executed on arrays, and NumPy code held against it."""

import re
from fractions import Fraction
from inspect import signature
from itertools import chain, count

import mpmath
import numpy as np
import sympy as sp

from derivations.errors import WitnessDisagrees
from derivations.normal_form import index_ranges
from derivations.printing import plain, to_mpf
from derivations.evaluation import Evaluation, near
from derivations.sampling import DIGITS, is_rational
from derivations.symbols import Activation, Partial

CODE = 1e-13         # how near the entries of a NumPy array must be, relative to the largest


def values_of(derivation, arrays):
    left, final = derivation.scalar(derivation.left), derivation.final
    unknown = sorted(final.atoms(Activation, Partial), key=sp.default_sort_key)
    if unknown:
        raise ValueError(f"{plain(unknown[0])} in {derivation.title()} has no value: the function is not known")
    given, sizes = _given(_needed(final), arrays)
    free = in_order(left, final)
    result = np.empty([_length(size, sizes) for size in free.values()], dtype=object)
    exact = is_rational(final)
    for place in np.ndindex(*result.shape):
        at = {**sizes, **{i: p + 1 for i, p in zip(free, place)}}
        with mpmath.workdps(DIGITS):
            result[place] = Evaluation(_lookup(given, at, exact), exact)(final)
    return result if free else result[()]


def in_order(left, final):
    """{free index: its last value} as they appear: k before l in dp_k/dz_l, r before c in the entry (r, c) of a matrix."""
    ranges = index_ranges(left, final)
    entries = [e for expr in (left, final) for e in sp.preorder_traversal(expr) if isinstance(e, sp.Indexed)]
    return {i: ranges[i] for e in entries for i in e.indices if i in ranges}


def _length(size, sizes):
    if not (size.is_Integer or size in sizes):
        raise ValueError(f"the value of {size} is not known from the shapes of the arrays given")
    return int(sizes.get(size, size))


def _lookup(given, at, exact):
    def lookup(name, indices):
        value = at[name] if name in at else _entry(_name(name), given[_name(name)], indices)
        value = Fraction(value) if isinstance(value, (int, float, Fraction, np.integer, np.floating)) else value
        return value if exact else to_mpf(value)
    return lookup


def _entry(name, array, indices):
    """The entry of an array, counted from 1. Raises IndexError outside of it, where NumPy would begin again at its end."""
    if not all(1 <= index <= length for index, length in zip(indices, array.shape)):
        raise IndexError(f"{name} of shape {array.shape} has no entry {', '.join(map(str, indices))}")
    return array[tuple(index - 1 for index in indices)]


def _name(base):
    return str(getattr(base, "label", base))


def _needed(expr):
    """{name: IndexedBase or Symbol} for everything whose value must be given; sizes are known from the shapes."""
    entries = expr.atoms(sp.Indexed)
    arrays = {_name(e.base): e.base for e in entries}
    known = {s for e in entries for part in (*e.indices, *(e.base.shape or ())) for s in part.free_symbols}
    scalars = {s.name: s for s in sorted(expr.free_symbols, key=str) if s.is_Symbol and s not in known and s.name not in arrays}
    return {**arrays, **scalars}


def _given(needed, arrays):
    """The values for what is needed, as arrays, and the sizes that their shapes tell."""
    given, sizes, named = {}, {}, _named(needed)
    for name, base in needed.items():
        given[name] = value = np.asarray(_find(name, named, arrays), dtype=object)
        if any(isinstance(v, (str, bytes, bool, dict, list, type(None))) for v in value.flat):
            raise TypeError(f"{name} holds what is no number: {value.tolist()!r}")
        expected = tuple(getattr(base, "shape", None) or ())
        fixed = all(size == length for size, length in zip(expected, value.shape) if size.is_Integer)
        if value.ndim != len(expected) or not fixed:
            raise ValueError(f"{name} has shape {value.shape}, expected {tuple(map(str, expected))}")
        for size, length in zip(expected, value.shape):
            if sizes.setdefault(size, length) != length:
                raise ValueError(f"{name} has shape {value.shape}, but {size} = {sizes[size]} elsewhere")
    return given, sizes


def _find(name, named, arrays):
    for candidate in spellings(name):
        if candidate in arrays and named[candidate] == name:
            return arrays[candidate]
    raise ValueError(f"a value for {name} is needed; the values given are for {', '.join(sorted(arrays)) or 'nothing'}")


def _named(needed):
    """{spelling: the one name that it stands for}: x is x where both x and X are needed, and never serves for X as well."""
    return {spelling: name for name in reversed(needed) for spelling in spellings(name)} | {name: name for name in needed}


def spellings(name):
    """How the code may write a name: w^(1) as w1 or W1, x as X."""
    short = re.sub(r"\^\((\w+)\)", r"\1", name)
    return [name, name.upper(), name.lower(), short, short.upper(), short.lower()]


class CodeWitness:
    """That a NumPy function gives what the last line of a derivation says. Made by `Derivation.code`."""

    def __init__(self, derivation, function, name=None):
        self.name = name or getattr(function, "__name__", "code")
        self.name = "the NumPy code" if self.name == "<lambda>" else self.name
        self.derivation = derivation
        self.exact = all([self.agrees(function, seed) for seed in range(3)])

    def agrees(self, function, seed):
        """Does the function give the very numbers? Raises WitnessDisagrees if not even their first 13 digits."""
        arrays = self.draw(list(signature(function).parameters), seed)
        claimed = np.asarray(self.derivation.values(**arrays), dtype=object)
        got = np.asarray(function(**arrays))
        if np.iscomplexobj(got):
            raise WitnessDisagrees(f"{self.name} returns complex numbers, {self.derivation.title()} has real ones")
        got = got.astype(float)
        if got.shape != claimed.shape:
            raise WitnessDisagrees(f"{self.name} returns shape {got.shape}, {self.derivation.title()} has shape {claimed.shape}")
        largest = max(abs(to_mpf(v)) for v in claimed.flat)
        for place in np.ndindex(*got.shape):
            if not (np.isfinite(got[place]) and near(Fraction(got[place]), claimed[place], CODE, largest)):
                self.complain(place, got[place], float(claimed[place]))
        return all(isinstance(truth, Fraction) and value == truth for value, truth in zip(got.flat, claimed.flat))

    def complain(self, place, got, truth):
        entry = f" in entry {', '.join(str(p + 1) for p in place)}" if place else ""
        ratio = f"; the ratio is {got / truth:.6g}" if truth else ""
        raise WitnessDisagrees(f"{self.name} gives {got:.10g}{entry}, {self.derivation.title()} gives {truth:.10g}{ratio}")

    def draw(self, parameters, seed):
        """Small integers, sizes all different: on them float64 makes no error but in a division.

        Where exp or the like occurs, quarters instead: at large pre-activations 1 - sigmoid(z) would lose its digits.
        """
        random = np.random.default_rng(seed)
        needed = _needed(self.derivation.final)
        scale = 1 if is_rational(self.derivation.final) else 4
        symbols = {s for base in needed.values() for s in getattr(base, "shape", None) or () if s.is_Symbol}
        sizes = dict(zip(sorted(symbols, key=str, reverse=True), chain((4, 3, 2), count(5))))
        arrays, named = {}, _named(needed)
        for parameter in parameters:
            base = needed.get(named.get(parameter))
            if base is None:
                raise ValueError(f"{self.name} has a parameter {parameter}, which {self.derivation.title()} does not know; "
                                 f"it knows {', '.join(sorted(needed))}")
            shape = [int(sizes.get(s, s)) for s in getattr(base, "shape", None) or ()]
            drawn = random.integers(-4, 5, shape) if shape else random.integers(1, 5)
            arrays[parameter] = (drawn / scale).astype(float) if shape else float(drawn / scale)
        return arrays

    def __repr__(self):
        how = "exactly" if self.exact else "to 13 digits"
        return f"✓ {self.name} computes equation {self.derivation.title()} {how}, on three sets of arrays"
