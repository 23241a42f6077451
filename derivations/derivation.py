"""Derivations whose every line is proved: typeset as a textbook prints them, checked as no textbook is.

    with Derivation(Partial(J, w[k]), given=[cost, prediction], number="1.2") as dJ_dw:
        dJ_dw.step(Sum(2 * (y_hat[i] - y[i]) * Partial(y_hat[i], w[k]), (i, 1, n)) / (2 * n), "chain rule")
        dJ_dw.step(Sum((y_hat[i] - y[i]) * x[i, k], (i, 1, n)) / n, "the 2 meets the ½")
    dJ_dw

At the end of the `with` block each line is proved equal to the one before, the last one to SymPy's own derivative of what
stands at the beginning, and a numerical derivative is taken at sample points. A false line raises `FalseLine` with a
counterexample and the name of the likely mistake; a line that is neither proved nor refuted raises `Undecided`.
"""

import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from inspect import signature
from itertools import chain, count, islice

import mpmath
import numpy as np
import sympy as sp

from derivations.definitions import Definition, Depends, Entries, entry, resolve, table_of
from derivations.errors import Undecided, WrongIndex
from derivations.mistakes import mutants, reversed_name, without_deltas
from derivations.normal_form import index_ranges, is_zero, must_be_exact
from derivations.printing import plain, tex
from derivations.sampling import (
    DIGITS,
    Evaluation,
    NoValue,
    Point,
    is_rational,
    show_number,
    to_mpf,
)
from derivations.symbols import Activation, Gradient, Partial, as_written, formula, names_in

POINTS = 4           # sample points for a refutation and for the numerical witness
TRIES = 40           # points tried for that: a logarithm, for one, has no real value at most of them
CANDIDATES = 300     # mistakes tried for a hint
SAME = 1e-25         # how near two values of one point must be, relative to the larger one, where they are no fractions
WITNESS = 1e-12      # how near the numerical derivative must be
CODE = 1e-13         # how near the entries of a NumPy array must be, relative to the largest
REASON_WIDTH = 34    # characters of a reason before it wraps
LOWERED = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


class FalseLine(Exception):
    """A line of a derivation does not equal the line before it."""


class WitnessDisagrees(Exception):
    """A numerical derivative, or the NumPy code, does not give what the derivation says."""


@dataclass
class Ledger:
    """What has been shown and proved in this session; each notebook ends with its line."""

    derivations: list = field(default_factory=list)
    code: list = field(default_factory=list)

    def record(self, derivation):
        """Count a derivation once, however often its cell is run: a later one replaces one of the same number."""
        same = [d for d in self.derivations if d.number and d.number == derivation.number]
        self.derivations = [d for d in self.derivations if d not in same] + [derivation]

    def record_code(self, name, derivation):
        self.code = [c for c in self.code if c != (name, derivation.number)] + [(name, derivation.number)]

    def __repr__(self):
        lines = sum(len(d.lines) for d in self.derivations)
        proved = sum(d.proved for d in self.derivations)
        witnessed = sum(d.witnessed for d in self.derivations)
        return (f"Ledger: {len(self.derivations)} derivations, {lines} lines shown, {proved} lines proved, "
                f"{witnessed} derivatives witnessed numerically, {len(self.code)} witnessed by NumPy code")


ledger = Ledger()


@contextmanager
def refused():
    """Print why the checker refuses what stands in the block; raise AssertionError if it is not refused."""
    try:
        yield
    except (FalseLine, WitnessDisagrees, Undecided) as refusal:
        print(refusal)
    else:
        raise AssertionError("this was meant to be refused, and was not")


class Summary:
    """Definitions and what derivations have come to, one under the other: left side = last line, and the number."""

    def __init__(self, *results):
        for result in results:
            if isinstance(result, Derivation):
                result.require_proof()
            elif not isinstance(result, Definition):
                raise TypeError(f"Summary takes Definition and Derivation, got {result!r}")
        self.rows = [(r.left, r.last, r.short_verdict(), r.number) if isinstance(r, Derivation)
                     else (r.name, r.body, "definition", r.number) for r in results]

    def _repr_markdown_(self):
        rows = [rf"{tex(left)} &= {tex(right)} && \quad\small \text{{{verdict}}} && \quad ({number})"
                for left, right, verdict, number in self.rows]
        return "$$\n\\begin{aligned}\n" + " \\\\[5pt]\n".join(rows) + "\n\\end{aligned}\n$$"

    def __repr__(self):
        return "\n".join(f"({number}) {plain(left)} = {plain(right)}    {verdict}" for left, right, verdict, number in self.rows)


@dataclass
class Line:
    shown: sp.Basic
    reason: str
    resolved: sp.Expr = None


class Derivation:
    """A chain of equal lines, beginning with `left`.

    `given` lists the `Definition`, `Depends` and `Entries` that say what the names stand for; `number` is printed at the
    right. With `evidence=True` a line that agrees at sample points, but that no route proves, is let through and labelled
    "evidence only"; without it such a line raises Undecided.
    """

    def __init__(self, left, given=(), number="", evidence=False):
        self.left, self.number, self.evidence = formula(left), str(number), evidence
        self.table = table_of(g for g in given if not isinstance(g, Entries))
        self.entries = {}
        for g in given:
            if isinstance(g, Entries) and self.entries.setdefault(g.matrix, g.entries) != g.entries:
                raise ValueError(f"the entries of {g.matrix} are given twice")
        self.row, self.column = (sp.Dummy(letter, integer=True, positive=True) for letter in "rc")
        self.lines, self.proved, self.witnessed, self.verdict = [], 0, 0, None
        self._mode = None

    def __enter__(self):
        self.lines, self.verdict = [], None
        self._mode = as_written()
        self._mode.__enter__()
        return self

    def __exit__(self, kind, error, trace):
        self._mode.__exit__(kind, error, trace)
        if kind is None:
            self.prove()

    def step(self, expr, reason):
        """Add the line "= expr" with the reason why it equals the line before. `$...$` in a reason is mathematics."""
        expr, where = formula(expr), f"line {len(self.lines) + 1} of {self.title()}"
        if not isinstance(reason, str) or not reason.strip():
            raise ValueError(f"{where} needs a reason, a short text; got {reason!r}")
        if isinstance(self.left, sp.MatrixExpr) != isinstance(expr, sp.MatrixExpr):
            raise ValueError(f"{where}: a matrix cannot equal a number")
        if isinstance(expr, sp.MatrixExpr) and expr.shape != self.left.shape:
            raise ValueError(f"{where} has shape {expr.shape}, the left side has shape {self.left.shape}")
        self.lines.append(Line(expr, reason.strip()))
        self.verdict = None

    def title(self):
        return f"({self.number})" if self.number else "the derivation"

    @property
    def last(self):
        """The last line, as it was written."""
        return self.lines[-1].shown

    @property
    def final(self):
        """What the last line stands for."""
        return self.lines[-1].resolved

    # proof

    def prove(self, keep=True):
        """Prove every line and set the verdict; `keep` enters it in the ledger. Raises FalseLine, Undecided, WitnessDisagrees."""
        if not self.lines:
            raise ValueError(f"{self.title()} has no line; add one with step(expression, reason)")
        self.check_names()
        shown = [self.scalar(self.left)]
        for position, line in enumerate(self.lines, 1):
            with self.sense(position):
                shown.append(self.scalar(line.shown))
        resolved = [self.resolved(expr) for expr in shown]
        pairs = list(zip(shown, resolved))
        routes = [self.compare(p, *pairs[p - 1], *pairs[p]) for p in range(1, len(pairs))]
        self.proved = len(routes) - routes.count("evidence")
        routes.append(self.compare(len(self.lines), *pairs[0], *pairs[-1]))
        self.start, *ends = resolved
        for line, end in zip(self.lines, ends):
            line.resolved = end
        self.witnessed = self.witness(shown[0])
        self.verdict = self.words(routes)
        if keep:
            ledger.record(self)

    def check_names(self):
        """Two symbols of one name, as after a change of assumptions, are two things for SymPy and one for the reader."""
        bodies = [part for d in self.table.values() for part in (d.name, d.body)]
        arrays = [e[e.shape] for e in self.entries.values()]
        known = {}
        for expr in [self.left, *(line.shown for line in self.lines), *bodies, *arrays]:
            for name in sorted(names_in(expr), key=sp.default_sort_key):
                if known.setdefault((name.is_Symbol, str(name)), name) != name:
                    raise ValueError(f"two different symbols are called {name} in {self.title()}: make each of them only once")
        try:
            must_be_exact(*bodies)
        except Undecided as undecided:
            raise Undecided(f"A definition given to {self.title()}: {undecided}") from None

    def resolved(self, expr):
        try:
            return resolve(expr, self.table)
        except Undecided as undecided:
            raise Undecided(f"In {self.title()}, {plain(expr)}: {undecided}") from None

    def scalar(self, expr):
        """The expression itself, or entry (r, c) of a matrix expression for arbitrary r and c."""
        if not isinstance(expr, sp.MatrixExpr):
            return expr
        row, column = (sp.S.One if size == 1 else i for size, i in zip(expr.shape, (self.row, self.column)))
        return entry(expr, row, column, self.entries)

    def compare(self, position, before_shown, before, shown, now):
        """The route by which two lines are equal. Raises FalseLine or Undecided if there is none."""
        line = f"Line {position} of {self.title()}"
        try:
            must_be_exact(before_shown, shown, before, now)
        except Undecided as undecided:
            raise Undecided(f"{line} cannot be proved: {undecided}") from None
        try:
            with self.sense(position):
                if is_zero(before - now, index_ranges(before_shown, shown, before, now)):
                    return "normal form"
            reason = "the difference does not reduce to zero"
        except Undecided as undecided:
            reason = str(undecided)
        points = self.refute(position, before_shown, before, shown, now)
        if self.evidence and points == POINTS:
            return "evidence"
        agrees = (f"It agrees at {points} sample points, which is evidence and no proof." if points
                  else "It has no value that can be tried.")
        raise Undecided(f"{line} is neither proved nor refuted: {reason}. {agrees}")

    @contextmanager
    def sense(self, position):
        """Raises FalseLine if an index or a shape does not fit."""
        try:
            yield
        except WrongIndex as error:
            raise FalseLine(f"Line {position} of {self.title()} makes no sense: {error}.\n"
                            f"  claimed  {plain(self.lines[position - 1].shown)}\n"
                            "  hint     an index is wrong or two are swapped, as in a forgotten transpose") from error

    def refute(self, position, before_shown, before, shown, now):
        """Raise FalseLine if the two differ at a sample point; otherwise the number of points at which they agree."""
        points = 0
        pairs = _pairs([before, now, before_shown, shown], lambda point: (point.value(now), point.value(before)))
        for point, claimed, was in pairs:
            points += 1
            if not _near(was, claimed):
                raise FalseLine(self.false_line(position, before_shown, shown, point, was, claimed))
        return points

    def false_line(self, position, before_shown, shown, point, was, claimed):
        previous = self.lines[position - 2].shown if position > 1 else self.left
        hint = self.hint(before_shown, shown)
        ratio = "" if was == 0 else f", ratio claimed/before = {show_number(claimed / was)}"
        return (f"Line {position} of {self.title()} is false.\n"
                f"  before   {plain(previous)}\n  claimed  {plain(self.lines[position - 1].shown)}\n"
                f"  at       {point.describe()}\n"
                f"  values   before = {show_number(was)}, claimed = {show_number(claimed)}{ratio}\n"
                f"  hint     {hint}")

    def hint(self, right, wrong):
        """The name of the mistake that turns the right line into the wrong one, if it is one of the usual ones."""
        resolved = [resolve(right, self.table), resolve(wrong, self.table)]
        if resolved[1] == 0:
            return "the claim is zero, the line before is not"
        points = list(islice(_pairs([*resolved, right, wrong], lambda point: map(point.value, resolved)), 2))
        for origin, goal, name_of in ((right, 2, str), (wrong, 1, reversed_name)):
            for name, mutant in islice(self.candidates(origin), CANDIDATES):
                if name_of(name) and self.matches(mutant, [(found[0], found[goal]) for found in points]):
                    return name_of(name)
        return "no usual mistake fits; compare the two values above"

    def candidates(self, expr):
        """Mutants of a line and of what it stands for: its derivatives taken, its names opened."""
        resolved = without_deltas(resolve(expr, self.table))
        if not isinstance(expr, Partial):  # a factor of a derivative is a factor of what it comes to
            yield from mutants(expr)
        if resolved != expr:
            yield from mutants(resolved)

    def matches(self, mutant, goal):
        """Has the mutant the values of the goal, a list of (point, value)?"""
        try:
            if mutant.has(Partial) or names_in(mutant) & self.table.keys():
                mutant = resolve(mutant, self.table)
            return all(_near(point.value(mutant), value) for point, value in goal)
        except Exception:  # a mistake that makes no formula is no hint, and never stands in the way of the refusal
            return False

    # witnesses

    def witness(self, start):
        """Compare the last line with the numerical derivative of what is differentiated. Returns 1, or 0 if there is none."""
        if not isinstance(start, Partial) or any(isinstance(d, Depends) for d in self.table.values()):
            return 0
        if resolve(start.variable, self.table) != start.variable:
            return 0
        function, final, witnessed = resolve(start.expr, self.table), self.final, 0
        pairs = _pairs([function, final, start.variable], lambda p: (p.slope(function, start.variable), p.value(final)))
        for point, slope, claimed in pairs:
            if not _agree(claimed, slope, WITNESS):
                raise WitnessDisagrees(f"{self.title()}: at {point.describe()} the numerical derivative is "
                                       f"{show_number(slope)}, the last line gives {show_number(claimed)}")
            witnessed = 1
        return witnessed

    def values(self, **arrays):
        """The last line, executed: an array over its free indices, for the given NumPy arrays and numbers.

        Names are those of the symbols; `X` may stand for x. Raises ValueError for a missing name or a shape that does
        not fit the others, IndexError where an index leaves an array.
        """
        return _values(self, arrays)

    def code(self, function, name=None):
        """The fourth witness: `function` must return what the last line says, for arrays drawn here.

        The parameters of `function` are named like the symbols (X for x). Where only the four operations occur, the
        arrays hold small integers, for which floating point is exact or one division away from it, and the result must
        agree to the last digits. Raises WitnessDisagrees with the first entry that differs.
        """
        return CodeWitness(self, function, name)

    # appearance

    def words(self, routes):
        if "evidence" in routes:
            proof = f"evidence only: equal at {POINTS} sample points, not proved"
        else:
            proof = "✓ proved" + self.generality()
        return " · ".join([proof] + (["✓ SymPy’s derivative"] if isinstance(self.left, (Partial, Gradient)) else [])
                          + (["✓ numerical derivative"] if self.witnessed else []))

    def short_verdict(self):
        return self.verdict.split(" · ")[0].removeprefix("✓ ")

    def generality(self):
        everything = [self.start] + [line.resolved for line in self.lines]
        sizes = sorted({str(s) for e in everything for s in Point([e]).size}, key=lambda s: (s != "n", s))
        functions = sorted({a.stem for e in everything for a in e.atoms(Activation)})
        names = [re.sub(r"_(\d+)", lambda number: number[1].translate(LOWERED), plain(sp.Symbol(s))) for s in sizes + functions]
        words = " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))
        return f" for every {words}" if words else ""

    def _repr_markdown_(self):
        self.require_proof()
        tag = rf"\tag{{{self.number}}}" if self.number else ""
        body = " \\\\[3pt]\n".join(f"&= {tex(line.shown)} && {reason_tex(line.reason)}" for line in self.lines)
        return f"$$\n\\begin{{aligned}}\n{tex(self.left)} {body}\n\\end{{aligned}}{tag}\n$$\n\n<small>{self.verdict}</small>"

    def __repr__(self):
        if self.verdict is None:
            return f"<Derivation {self.number}: not proved yet>"
        shown = [f"{self.title()} {plain(self.left)}"] if self.number else [plain(self.left)]
        shown += [f"    = {plain(line.shown)}    [{line.reason.replace('$', '')}]" for line in self.lines]
        return "\n".join([*shown, f"    {self.verdict}"])

    def require_proof(self):
        if self.verdict is None:
            raise Undecided(f"{self.title()} is not proved yet: leave its `with` block first")


def reason_tex(reason):
    """A reason as LaTeX: text, with `$...$` as mathematics, wrapped so that a line stays on a narrow page."""
    lines = [_reason_line(line) for line in _wrapped(reason)]
    return r"\quad\small \begin{array}{l}" + r" \\ ".join(lines) + r"\end{array}"


def _wrapped(reason):
    """Wrap at blanks outside of mathematics; a formula counts as its letters, without commands."""
    words = re.findall(r"(?:\$[^$]*\$|[^\s$])+", reason)
    lines, width = [[]], 0
    for word in words:
        length = len(re.sub(r"\\[a-zA-Z]+|[${}_^]", "", word)) + 1
        if width and width + length > REASON_WIDTH:
            lines.append([])
            width = 0
        lines[-1].append(word)
        width += length
    return [" ".join(words) for words in lines]


def _reason_line(text):
    parts = re.split(r"(\$[^$]*\$)", text)
    return " ".join(p.strip("$") if p.startswith("$") else rf"\text{{{p}}}" for p in parts if p)


def _pairs(exprs, values):
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


def _near(a, b):
    """Are two values at one point the same? Fractions exactly, others as far as they are computed."""
    return a == b if {type(a), type(b)} == {Fraction} else _agree(a, b, SAME)


def _agree(a, b, tolerance, floor=1e-6):
    """Is the difference small beside the larger one? Beside `floor`, where a rounding error is all there is."""
    with mpmath.workdps(DIGITS):
        a, b, floor = map(to_mpf, (a, b, floor))
        return abs(a - b) <= tolerance * max(abs(a), abs(b), floor)


# The last line, executed on arrays -----------------------------------------------------------------------------------


def _values(derivation, arrays):
    derivation.require_proof()
    left, final = derivation.scalar(derivation.left), derivation.final
    unknown = sorted(final.atoms(Activation, Partial), key=sp.default_sort_key)
    if unknown:
        raise ValueError(f"{plain(unknown[0])} in {derivation.title()} has no value: the function is not known")
    given, sizes = _given(_needed(final), arrays)
    free = _in_order(left, final)
    result = np.empty([_length(size, sizes) for size in free.values()], dtype=object)
    exact = is_rational(final)
    for place in np.ndindex(*result.shape):
        at = {**sizes, **{i: p + 1 for i, p in zip(free, place)}}
        with mpmath.workdps(DIGITS):
            result[place] = Evaluation(_lookup(given, at, exact), exact)(final)
    return result if free else result[()]


def _in_order(left, final):
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
    for candidate in _spellings(name):
        if candidate in arrays and named[candidate] == name:
            return arrays[candidate]
    raise ValueError(f"a value for {name} is needed; the values given are for {', '.join(sorted(arrays)) or 'nothing'}")


def _named(needed):
    """{spelling: the one name that it stands for}: x is x where both x and X are needed, and never serves for X as well."""
    return {spelling: name for name in reversed(needed) for spelling in _spellings(name)} | {name: name for name in needed}


def _spellings(name):
    """How the code may write a name: w^(1) as w1 or W1, x as X."""
    short = re.sub(r"\^\((\w+)\)", r"\1", name)
    return [name, name.upper(), name.lower(), short, short.upper(), short.lower()]


class CodeWitness:
    """That a NumPy function gives what the last line of a derivation says. Made by `Derivation.code`."""

    def __init__(self, derivation, function, name=None):
        self.name = name or getattr(function, "__name__", "code")
        self.name = "the NumPy code" if self.name == "<lambda>" else self.name
        self.derivation = derivation
        derivation.require_proof()
        self.exact = all([self.agrees(function, seed) for seed in range(3)])
        ledger.record_code(self.name, derivation)

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
            if not (np.isfinite(got[place]) and _agree(Fraction(got[place]), claimed[place], CODE, largest)):
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
