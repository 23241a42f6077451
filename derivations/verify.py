"""Is each line equal to the one before it? A proof with its witnesses, or an error that carries its counterexample.

Numbers come first: at sample points the lines are evaluated as they were typed, and where two of them differ, the line is
false. What numbers cannot tell apart is proved by the normal form, or it is undecided.
"""

from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice

import sympy as sp

from derivations.definitions import Depends, Entries, entry, resolve, table_of
from derivations.errors import FalseLine, Undecided, WitnessDisagrees, WrongIndex
from derivations.mistakes import mutants, reversed_name, without_deltas
from derivations.normal_form import index_ranges, is_zero, must_be_exact
from derivations.printing import plain, show_number
from derivations.sampling import near, pairs, same_value
from derivations.symbols import Activation, Gradient, Partial, formula, names_in

CANDIDATES = 300     # mistakes tried for a hint
WITNESS = 1e-12      # how near the numerical derivative must be


class Known:
    """What names stand for: the definitions filed by their base in `table`, the entries of matrices in `entries`."""

    def __init__(self, given=()):
        given = tuple(given)
        self.table = table_of(g for g in given if not isinstance(g, Entries))
        self.entries = {}
        for g in given:
            if isinstance(g, Entries) and self.entries.setdefault(g.matrix, g.entries) != g.entries:
                raise ValueError(f"the entries of {g.matrix} are given twice")
        self.row, self.column = (sp.Dummy(letter, integer=True, positive=True) for letter in "rc")

    def scalar(self, expr):
        """The expression itself, or entry (r, c) of a matrix expression for arbitrary r and c."""
        if not isinstance(expr, sp.MatrixExpr):
            return expr
        row, column = (sp.S.One if size == 1 else i for size, i in zip(expr.shape, (self.row, self.column)))
        return entry(expr, row, column, self.entries)

    def parts(self):
        """All that the definitions and the entries are made of."""
        bodies = [part for d in self.table.values() for part in (d.name, d.body)]
        return bodies + [e[e.shape] for e in self.entries.values()]


@dataclass
class Proof:
    """That all lines are equal, and what was done to know it."""

    resolved: list = field(repr=False)     # the left side and every line, opened down to what they stand for
    derivative: bool = False               # does the left side hold a derivative?
    points: list = field(default_factory=list, repr=False)
    why: str = ""                          # why there are no numbers

    @property
    def numbers(self):
        """Did numbers confirm the last line?"""
        return bool(self.points)


def prove(before, now, given=()):
    """Prove that two formulas are equal for every size and every value.

    Parameters
    ----------
    before, now : sympy expression
        Numbers or matrices of one shape.
    given : iterable of Definition, Depends and Entries
        What the names in them stand for.

    Returns
    -------
    Proof

    Raises
    ------
    FalseLine
        With a point at which the two differ.
    Undecided
        If they are neither shown equal nor different.
    """
    return prove_lines([formula(before), formula(now)], Known(given))


def prove_lines(lines, known, title="the derivation"):
    """Prove a whole chain of lines, the left side first. Returns a Proof; raises as `prove` does."""
    check_names(lines, known, title)
    shown = [known.scalar(lines[0])]
    for position in range(1, len(lines)):
        with _sense(position, lines, title):
            shown.append(known.scalar(lines[position]))
    resolved = [_resolved(expr, known, title) for expr in shown]
    chain = list(zip(shown, resolved))
    for position in [*range(1, len(chain))]:
        _compare(position, lines, chain[position - 1], chain[position], known, title)
    _compare(len(lines) - 1, lines, chain[0], chain[-1], known, title)
    proof = Proof(resolved, derivative=lines[0].has(Partial, Gradient))
    proof.points = _witness(shown[0], resolved[-1], known, title)
    return proof


def check_names(lines, known, title):
    """Two symbols of one name, as after a change of assumptions, are two things for SymPy and one for the reader."""
    seen, bodies = {}, [part for d in known.table.values() for part in (d.name, d.body)]
    for expr in [*lines, *known.parts()]:
        for name in sorted(names_in(expr), key=sp.default_sort_key):
            if seen.setdefault((name.is_Symbol, str(name)), name) != name:
                raise ValueError(f"two different symbols are called {name} in {title}: make each of them only once")
    try:
        must_be_exact(*bodies)
    except Undecided as undecided:
        raise Undecided(f"A definition given to {title}: {undecided}") from None


def _resolved(expr, known, title):
    try:
        return resolve(expr, known.table)
    except Undecided as undecided:
        raise Undecided(f"In {title}, {plain(expr)}: {undecided}") from None


@contextmanager
def _sense(position, lines, title):
    """Raises FalseLine if an index or a shape does not fit."""
    try:
        yield
    except WrongIndex as error:
        raise FalseLine(position, lines[position - 1], lines[position], title=title, reason=str(error)) from error


def _compare(position, lines, before, now, known, title):
    """Raises FalseLine or Undecided unless the two are shown equal; both are pairs (as shown, as resolved)."""
    line = f"Line {position} of {title}"
    try:
        must_be_exact(*before, *now)
    except Undecided as undecided:
        raise Undecided(f"{line} cannot be proved: {undecided}") from None
    try:
        with _sense(position, lines, title):
            if is_zero(before[1] - now[1], index_ranges(*before, *now)):
                return
        reason = "the difference does not reduce to zero"
    except Undecided as undecided:
        reason = str(undecided)
    points = _refute(position, lines, before, now, known, title)
    agrees = (f"It agrees at {points} sample points, which is evidence and no proof." if points
              else "It has no value that can be tried.")
    raise Undecided(f"{line} is neither proved nor refuted: {reason}. {agrees}")


def _refute(position, lines, before, now, known, title):
    """Raise FalseLine if the two differ at a sample point; otherwise the number of points at which they agree."""
    points = 0
    for point, claimed, was in pairs([before[1], now[1], before[0], now[0]], lambda p: (p.value(now[1]), p.value(before[1]))):
        points += 1
        if not same_value(was, claimed):
            mistake = diagnose(before[0], now[0], known.table)
            raise FalseLine(position, lines[position - 1], lines[position], point, (was, claimed), mistake, title)
    return points


def diagnose(right, wrong, table):
    """The name of the mistake that turns the right line into the wrong one, if it is one of the usual ones."""
    resolved = [resolve(right, table), resolve(wrong, table)]
    if resolved[1] == 0:
        return "the claim is zero, the line before is not"
    points = list(islice(pairs([*resolved, right, wrong], lambda point: map(point.value, resolved)), 2))
    for origin, goal, name_of in ((right, 2, str), (wrong, 1, reversed_name)):
        for name, mutant in islice(_candidates(origin, table), CANDIDATES):
            if name_of(name) and _matches(mutant, [(found[0], found[goal]) for found in points], table):
                return name_of(name)
    return None


def _candidates(expr, table):
    """Mutants of a line and of what it stands for: its derivatives taken, its names opened."""
    resolved = without_deltas(resolve(expr, table))
    if not isinstance(expr, Partial):  # a factor of a derivative is a factor of what it comes to
        yield from mutants(expr)
    if resolved != expr:
        yield from mutants(resolved)


def _matches(mutant, goal, table):
    """Has the mutant the values of the goal, a list of (point, value)?"""
    try:
        if mutant.has(Partial) or names_in(mutant) & table.keys():
            mutant = resolve(mutant, table)
        return all(same_value(point.value(mutant), value) for point, value in goal)
    except Exception:  # a mistake that makes no formula is no hint, and never stands in the way of the refusal
        return False


def _witness(start, final, known, title):
    """The points at which the last line is the numerical derivative of what is differentiated."""
    if not isinstance(start, Partial) or any(isinstance(d, Depends) for d in known.table.values()):
        return []
    if resolve(start.variable, known.table) != start.variable:
        return []
    function, points = resolve(start.expr, known.table), []
    values = lambda p: (p.slope(function, start.variable), p.value(final))  # noqa: E731
    for point, slope, claimed in pairs([function, final, start.variable], values):
        if not near(claimed, slope, WITNESS):
            raise WitnessDisagrees(f"{title}: at {point.describe()} the numerical derivative is "
                                   f"{show_number(slope)}, the last line gives {show_number(claimed)}")
        points.append(point)
    return points


def functions_in(*exprs):
    """The names of the unknown activations."""
    return sorted({a.stem for e in exprs for a in e.atoms(Activation)})
