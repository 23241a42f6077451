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

import mpmath
import numpy as np
import sympy as sp

from helpers.equality import Undecided, WrongIndex, index_ranges, is_zero
from helpers.evaluation import DIGITS, Evaluation, NoValue, Point, is_rational, show_number
from helpers.expressions import Activation, Depends, Entries, Gradient, Partial, as_written, entry, resolve, table_of
from helpers.mistakes import mutants, reversed_name
from helpers.textbook import plain, tex

POINTS = 4        # sample points for a refutation and for the numerical witness
WITNESS_DIGITS = 12  # digits to which the numerical derivative must agree
REASON_WIDTH = 34    # characters of a reason before it wraps


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
    """What derivations have come to, one under the other: left side = last line, for what it is proved, and the number."""

    def __init__(self, *derivations):
        for derivation in derivations:
            derivation.require_proof()
        self.derivations = derivations

    def _repr_markdown_(self):
        rows = [rf"{tex(d.left)} &= {tex(d.last)} && \quad\small \text{{{d.short_verdict()}}} && \quad ({d.number})"
                for d in self.derivations]
        return "$$\n\\begin{aligned}\n" + " \\\\[5pt]\n".join(rows) + "\n\\end{aligned}\n$$"

    def __repr__(self):
        return "\n".join(f"({d.number}) {plain(d.left)} = {plain(d.last)}    {d.short_verdict()}" for d in self.derivations)


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
        self.left, self.number, self.evidence = sp.sympify(left), str(number), evidence
        self.table = table_of(g for g in given if not isinstance(g, Entries))
        self.entries = {g.matrix: g.entries for g in given if isinstance(g, Entries)}
        self.lines, self.proved, self.witnessed, self.verdict = [], 0, 0, None
        self._mode = None

    def __enter__(self):
        self._mode = as_written()
        self._mode.__enter__()
        return self

    def __exit__(self, kind, error, trace):
        self._mode.__exit__(kind, error, trace)
        if kind is None:
            self.prove()

    def step(self, expr, reason):
        """Add the line "= expr" with the reason why it equals the line before. `$...$` in a reason is mathematics."""
        expr = sp.sympify(expr)
        if not isinstance(reason, str) or not reason.strip():
            raise ValueError(f"line {len(self.lines) + 1} of {self.title()} needs a reason, a short text; got {reason!r}")
        if isinstance(self.left, sp.MatrixExpr) != isinstance(expr, sp.MatrixExpr):
            raise ValueError(f"line {len(self.lines) + 1} of {self.title()}: a matrix cannot equal a number")
        if isinstance(expr, sp.MatrixExpr) and expr.shape != self.left.shape:
            raise ValueError(f"line {len(self.lines) + 1} of {self.title()} has shape {expr.shape}, "
                             f"the left side has shape {self.left.shape}")
        self.lines.append(Line(expr, reason.strip()))

    def title(self):
        return f"({self.number})" if self.number else "the derivation"

    @property
    def last(self):
        """The last line, as it was written."""
        return self.lines[-1].shown

    # proof

    def prove(self, keep=True):
        """Prove every line and set the verdict; `keep` enters it in the ledger. Raises FalseLine, Undecided, WitnessDisagrees."""
        if not self.lines:
            raise ValueError(f"{self.title()} has no line; add one with step(expression, reason)")
        start = self.scalar(self.left)
        self.start = resolve(start, self.table)
        before, before_shown, routes = self.start, start, []
        for position, line in enumerate(self.lines, 1):
            shown = self.scalar(line.shown)
            line.resolved = resolve(shown, self.table)
            routes.append(self.compare(position, before_shown, before, shown, line.resolved))
            before, before_shown = line.resolved, shown
        if len(self.lines) > 1:
            routes.append(self.compare(len(self.lines), start, self.start, shown, line.resolved))
        self.proved = sum(r != "evidence" for r in routes[: len(self.lines)])
        self.witnessed = self.witness(start)
        self.verdict = self.words(routes)
        if keep:
            ledger.record(self)

    def scalar(self, expr):
        """The expression itself, or entry (r, c) of a matrix expression for arbitrary r and c."""
        if not isinstance(expr, sp.MatrixExpr):
            return expr
        rows, columns = expr.shape
        row = sp.S.One if rows == 1 else sp.Symbol("r", integer=True, positive=True)
        column = sp.S.One if columns == 1 else sp.Symbol("c", integer=True, positive=True)
        return entry(expr, row, column, self.entries)

    def compare(self, position, before_shown, before, shown, now):
        try:
            ranges = index_ranges(before_shown, shown)
        except WrongIndex as error:
            raise FalseLine(f"Line {position} of {self.title()} makes no sense: {error}.\n"
                            f"  claimed  {plain(self.lines[position - 1].shown)}\n"
                            "  hint     an index is wrong or two are swapped, as in a forgotten transpose") from error
        if before == now:
            return "form"
        try:
            if is_zero(before - now, ranges):
                return "normal form"
        except Undecided as undecided:
            reason = str(undecided)
        else:
            reason = "the difference does not reduce to zero"
        self.refute(position, before_shown, before, shown, now)
        if self.evidence:
            return "evidence"
        raise Undecided(f"Line {position} of {self.title()} is neither proved nor refuted: {reason}. It agrees at {POINTS} "
                        "sample points, which is evidence and no proof.")

    def refute(self, position, before_shown, before, shown, now):
        """Raise FalseLine if the two differ at a sample point."""
        for seed in range(POINTS):
            point = Point([before, now, before_shown, shown], seed)
            try:
                was, claimed = point.value(before), point.value(now)
            except NoValue:
                continue
            if not _near(was, claimed):
                raise FalseLine(self.false_line(position, before_shown, shown, point, was, claimed))

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
        for origin, goal, name_of in ((right, wrong, str), (wrong, right, reversed_name)):
            values = [self.value_at(goal, seed, right, wrong) for seed in range(2)]
            for name, mutant in self.candidates(origin):
                if name_of(name) and self.matches(mutant, values, right, wrong):
                    return name_of(name)
        return "no usual mistake fits; compare the two values above"

    def candidates(self, expr):
        """Mutants of a line and, where the line is a derivative still to be taken, of the derivative."""
        yield from mutants(expr)
        if expr.has(Partial):
            yield from mutants(resolve(expr, self.table))

    def matches(self, mutant, goal, right, wrong):
        try:
            return all(_near(self.value_at(mutant, seed, right, wrong), g) for seed, g in enumerate(goal))
        except (NoValue, ValueError, TypeError, AttributeError, IndexError):
            return False

    def value_at(self, expr, seed, *others):
        return Point([resolve(e, self.table) for e in others] + list(others), seed).value(resolve(expr, self.table))

    # witnesses

    def witness(self, start):
        """Compare the last line with the numerical derivative of what is differentiated. Returns 1, or 0 if there is none."""
        if not isinstance(start, Partial):
            return 0
        above = {base: d for base, d in self.table.items() if base != getattr(start.variable, "base", start.variable)}
        if any(isinstance(d, Depends) for d in self.table.values()):
            return 0
        function = resolve(start.expr, above)
        final = resolve(self.lines[-1].resolved, self.table)
        if function.has(Partial) or final.has(Partial) or resolve(start.variable, self.table) != start.variable:
            return 0
        checked = 0
        for seed in range(POINTS):
            point = Point([function, final, start.variable], seed)
            try:
                slope, claimed = point.slope(function, start.variable), point.value(final)
            except NoValue:
                continue
            checked += 1
            if not _near(claimed, slope, WITNESS_DIGITS):
                raise WitnessDisagrees(f"{self.title()}: at {point.describe()} the numerical derivative is "
                                       f"{show_number(slope)}, the last line gives {show_number(claimed)}")
        return int(checked > 0)

    def values(self, **arrays):
        """The last line, executed: an array over its free indices, for the given NumPy arrays and numbers.

        Names are those of the symbols; `X` may stand for x. Raises ValueError for a missing name or a shape that does
        not fit the others.
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
        names = [plain(sp.Symbol(s)) for s in sizes + functions]
        return " for every " + (", ".join(names[:-1]) + " and " + names[-1] if len(names) > 1 else names[0]) if names else ""

    def _repr_markdown_(self):
        self.require_proof()
        tag = rf"\tag{{{self.number}}}" if self.number else ""
        first = f"{tex(self.left)} &= {tex(self.lines[0].shown)} && {reason_tex(self.lines[0].reason)}"
        rest = [f"&= {tex(line.shown)} && {reason_tex(line.reason)}" for line in self.lines[1:]]
        body = " \\\\[3pt]\n".join([first, *rest])
        return f"$$\n\\begin{{aligned}}\n{body}\n\\end{{aligned}}{tag}\n$$\n\n<small>{self.verdict}</small>"

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
        if lines[-1] and width + length > REASON_WIDTH:
            lines.append([])
            width = 0
        lines[-1].append(word)
        width += length
    return [" ".join(words) for words in lines]


def _reason_line(text):
    parts = re.split(r"(\$[^$]*\$)", text)
    return " ".join(p.strip("$") if p.startswith("$") else rf"\text{{{p}}}" for p in parts if p)


def _near(a, b, digits=25):
    if isinstance(a, Fraction) and isinstance(b, Fraction):
        return a == b
    with mpmath.workdps(DIGITS):
        a, b = (mpmath.mpf(v.numerator) / v.denominator if isinstance(v, Fraction) else mpmath.mpf(v) for v in (a, b))
        return abs(a - b) <= mpmath.mpf(10) ** -digits * max(abs(a), abs(b), mpmath.mpf(10) ** -digits)


# The last line, executed on arrays -----------------------------------------------------------------------------------


def _values(derivation, arrays):
    derivation.require_proof()
    final = derivation.lines[-1].resolved
    needed = _needed(final)
    given = {name: _find(name, arrays) for name in needed}
    sizes = _sizes_from(needed, given)
    variable = getattr(derivation.scalar(derivation.left), "variable", None)
    free = [i for i in getattr(variable, "indices", ()) if i.is_Symbol] if variable is not None else []
    ranges = index_ranges(derivation.scalar(derivation.left), final)
    free = free or sorted((i for i in ranges if i in final.free_symbols), key=str)
    lengths = [int(sizes.get(ranges[i], ranges[i])) for i in free]
    result = np.empty(lengths, dtype=object)
    for place in np.ndindex(*lengths):
        at = {i: p + 1 for i, p in zip(free, place)}
        result[place] = Evaluation(_lookup(given, sizes, at), exact=is_rational(final))(final)
    return result if lengths else result[()]


def _lookup(given, sizes, at):
    def lookup(name, indices):
        if name in at:
            return Fraction(at[name])
        if name in sizes:
            return Fraction(sizes[name])
        value = given[str(getattr(name, "label", name))]
        return _number(value[tuple(i - 1 for i in indices)] if indices else value)
    return lookup


def _number(v):
    return Fraction(v) if isinstance(v, (int, float, Fraction, np.integer, np.floating)) else v


def _needed(expr):
    """{name: IndexedBase or Symbol} for everything whose value must be given."""
    bases = {str(e.base.label): e.base for e in expr.atoms(sp.Indexed)}
    indices = {i for e in expr.atoms(sp.Indexed) for i in e.indices} | set(Point([expr]).size)
    scalars = {str(s): s for s in expr.free_symbols if s.is_Symbol and s not in indices and str(s) not in bases}
    return {**bases, **scalars}


def _find(name, arrays):
    for candidate in (name, name.upper(), name.lower()):
        if candidate in arrays:
            value = arrays[candidate]
            return np.asarray(value, dtype=object) if np.ndim(value) else np.asarray(value, dtype=object)[()]
    raise ValueError(f"a value for {name} is needed; the values given are for {', '.join(sorted(arrays)) or 'nothing'}")


def _sizes_from(needed, given):
    sizes = {}
    for name, base in needed.items():
        shape = getattr(base, "shape", None) or ()
        if np.shape(given[name]) != () and len(np.shape(given[name])) != len(shape) or (shape and np.shape(given[name]) == ()):
            raise ValueError(f"{name} has shape {np.shape(given[name])}, expected {tuple(map(str, shape))}")
        for symbol, length in zip(shape, np.shape(given[name])):
            if sizes.setdefault(symbol, length) != length and not symbol.is_Integer:
                raise ValueError(f"{name} has shape {np.shape(given[name])}, but {symbol} = {sizes[symbol]} elsewhere")
    return sizes


class CodeWitness:
    """That a NumPy function gives what the last line of a derivation says. Made by `Derivation.code`."""

    def __init__(self, derivation, function, name=None):
        self.name = name or getattr(function, "__name__", "code")
        self.name = "the NumPy code" if self.name == "<lambda>" else self.name
        self.derivation = derivation
        self.exact = all(self.agrees(function, seed) for seed in range(3))
        ledger.record_code(self.name, derivation)

    def agrees(self, function, seed):
        arrays = self.draw(list(signature(function).parameters), seed)
        claimed = self.derivation.values(**arrays)
        got = np.asarray(function(**{k: np.array(v) if np.ndim(v) else v for k, v in arrays.items()}), dtype=float)
        if got.shape != np.shape(claimed):
            raise WitnessDisagrees(f"{self.name} returns shape {got.shape}, {self.derivation.title()} has shape {np.shape(claimed)}")
        exact = True
        for place in np.ndindex(*got.shape):
            truth = claimed[place] if got.shape else claimed
            exact &= Fraction(float(got[place])) == truth if isinstance(truth, Fraction) else False
            if not _near(Fraction(float(got[place])), truth, 13):
                self.complain(place, float(got[place]), float(truth))
        return exact

    def complain(self, place, got, truth):
        entry = f" in entry {', '.join(str(p + 1) for p in place)}" if place else ""
        ratio = f"; the ratio is {got / truth:.6g}" if truth else ""
        raise WitnessDisagrees(f"{self.name} gives {got:.10g}{entry}, {self.derivation.title()} gives {truth:.10g}{ratio}")

    def draw(self, parameters, seed):
        """Small integers: on them float64 makes no error but in a division."""
        random = np.random.default_rng(seed)
        needed = _needed(self.derivation.lines[-1].resolved)
        sizes = {s: v for v, s in zip((4, 3, 2, 5, 6), sorted({str(s) for b in needed.values() for s in getattr(b, "shape", None) or () if s.is_Symbol}, reverse=True))}
        arrays = {}
        for parameter in parameters:
            base = needed.get(parameter, needed.get(parameter.lower()))
            if base is None:
                raise ValueError(f"{self.name} has a parameter {parameter}, which {self.derivation.title()} does not know; "
                                 f"it knows {', '.join(sorted(needed))}")
            shape = tuple(sizes.get(str(s), s) for s in getattr(base, "shape", None) or ())
            arrays[parameter] = random.integers(-4, 5, tuple(map(int, shape))).astype(float) if shape else float(random.integers(1, 5))
        return arrays

    def __repr__(self):
        how = "exactly" if self.exact else "to 13 digits"
        return f"✓ {self.name} computes equation {self.derivation.title()} {how}, on three sets of arrays"
