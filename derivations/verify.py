"""Is each line equal to the one before it? A proof with its witnesses, or an error with its data.

Numbers come first: at sample points the lines are evaluated as they were typed, and where two of
them differ, the line is false. What numbers cannot tell apart is proved by the normal form, or it
is undecided.
"""

import gc
import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import islice

import sympy as sp

from derivations.beginnings import Beginnings
from derivations.conditions import KINKED, conditions, differentiable, hypotheses
from derivations.definitions import Assume, Entries, Independent, reaching, resolve, table_of
from derivations.errors import FalseLine, Undecided, WrongIndex
from derivations.matrices import entry
from derivations.mistakes import Kind, Mistake, diagnose
from derivations.normal_form import is_zero, must_be_exact
from derivations.places import (
    index_ranges,
    least_sizes,
    must_not_pass,
    ranges_in,
    sizes_in,
)
from derivations.printing import alike, lettered, plain
from derivations.sampling import POINTS, TRIES, can_be_read, opened, points
from derivations.symbols import Activation, Gradient, Partial, base_of, formula, holds
from derivations.values import NoValue

ANY_PLACE = [sp.Dummy(letter, integer=True, positive=True) for letter in "rc"]
BY_CASES = 10  # points for functions with a kink: on either side of it there must be some
LOWERED = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


class Known:
    """What names stand for: definitions by their base in `table`, entries of matrices by these."""

    def __init__(self, given=()):
        self.given = given = tuple(given)
        self.hypotheses = [g for g in given if isinstance(g, (Assume, Independent))]
        self.entries = {}
        for g in given:
            known = isinstance(g, Entries) and self.entries.setdefault(g.matrix, g.entries)
            if known and known != g.entries:
                raise ValueError(f"the entries of {g.matrix} are given twice")
        self.table = table_of(self.opened(g) for g in given if not isinstance(g, Entries))
        self.beginnings = Beginnings(self.table)
        for definition in self.table.values():
            for _, body in definition.rules():
                must_not_pass(body, self.table)

    def scalar(self, expr):
        """The expression itself, or entry (r, c) of a matrix expression for arbitrary r and c."""
        shape = expr.shape if isinstance(expr, sp.MatrixExpr) else (1, 1)
        row, column = (sp.S.One if size == 1 else i for size, i in zip(shape, ANY_PLACE))
        return entry(expr, row, column, self.entries)

    def opened(self, definition):
        """The definition by the entries of its matrices, where these are known."""
        bodies = [body for _, body in definition.rules()] if hasattr(definition, "rules") else []
        matrices = set().union(*(body.atoms(sp.MatrixSymbol) for body in bodies))
        if not matrices or not matrices <= self.entries.keys():
            return definition
        return definition.with_parts(lambda part: entry(part, 1, 1, self.entries))

    def parts(self):
        """All that the definitions and the entries are made of."""
        bodies = [part for d in self.table.values() for part in (d.name, d.body)]
        return bodies + [e[e.shape] for e in self.entries.values()]


@dataclass
class Proof:
    """That all lines are equal, and what was done to know it."""

    resolved: list = field(repr=False)  # the lines, left side first, as what they stand for
    made_of: list = field(default_factory=list, repr=False)  # they, and the definitions used
    derivative: bool = False  # does the left side hold a derivative?
    points: list = field(default_factory=list, repr=False)
    why: str = ""  # why there are no numbers
    assumed: list = field(default_factory=list)  # functions that are taken to be differentiable
    where: list = field(default_factory=list)  # hypotheses, and conditions such as "x ≠ 0"

    def scope(self):
        """For what it is proved: "for every n and d, assuming L differentiable, where x ≠ 0"."""
        names = [*map(_in_text, self.sizes()), *self.functions()]
        every = f" for every {_listed(names)}" if names else ""
        assumed = f", assuming {_listed(self.assumed)} differentiable" if self.assumed else ""
        where = f", where {_listed(self.where)}" if self.where else ""
        return f"proved{every}{assumed}{where}"

    def sizes(self):
        """The symbols that count something and stand for any whole number, n first."""
        found = set().union(*map(sizes_in, self.made_of)) - ranges_in(*self.made_of).keys()
        return sorted(map(str, found), key=lambda name: (name != "n", name))

    def functions(self):
        """The names of the unknown activations."""
        return sorted({a.stem for e in self.resolved for a in e.atoms(Activation)})

    def by_numbers(self):
        """Whether numbers confirm it, in words."""
        return "✓ numbers" if self.points else f"no numbers: {self.why}"


def _listed(names):
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _in_text(name):
    return re.sub(r"_(\d+)", lambda digits: digits[1].translate(LOWERED), plain(sp.Symbol(name)))


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
    with sp.evaluate(True):
        known = Known(given)
    return prove_lines([formula(before), formula(now)], known)


@contextmanager
def no_search_for_garbage():
    """Each search visits all of SymPy and finds little: they took an eighth of a proof's time."""
    searched = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if searched:
            gc.enable()


@no_search_for_garbage()
def prove_lines(lines, known, title="the derivation"):
    """Prove a whole chain of lines, the left side first; returns and raises as `prove` does."""
    with sp.evaluate(True):  # also within a block of as_written
        chain = Chain(lines, known, title)
        chain.check_names()
        chain.show()
        chain.open()
        chain.must_fit()
        numbers = chain.numbers()
        known = chain.prove_where_it_has_a_value() if numbers[0] else chain.prove()
        where = conditions(chain.shown, known.table, chain.parts)
        return Proof(chain.resolved, chain.parts, lines[0].has(Partial, Gradient), *numbers,
                     differentiable(chain.shown, known.table),
                     [*map(repr, known.hypotheses), *where])


class Chain:
    """Equal lines on their way to a proof: as they are typed, as numbers, as they are resolved.

    A matrix line is shown as its entry (r, c).
    """

    def __init__(self, lines, known, title="the derivation"):
        self.lines, self.known, self.title = lines, known, title
        self.shown, self.resolved, self.unclear, self.ranges = [], [], {}, {}

    @property
    def points(self):
        return points(self.lines, self.known.table, self.known.entries)

    @cached_property
    def parts(self):
        """All that the lines are made of: they, and the definitions of the names in them."""
        return opened(self.shown, self.known.table)

    def name_of(self, position):
        return f"Line {position} of {self.title}" if position else f"The left side of {self.title}"

    # opening

    def check_names(self):
        """Two symbols of one name, as with other assumptions, are one thing for the reader."""
        one, other = alike(*self.lines, *self.known.parts()) or (None, None)
        if str(one) != str(other):
            raise ValueError(f"in {self.title} {one} and {other} are two things, "
                             f"and both would be shown as {plain(one)}")
        if one is not None:
            raise ValueError(f"two different symbols are called {base_of(one)} in {self.title}: "
                             "make each of them only once")
        bodies = [d.body for d in self.known.table.values()]
        self.must_be_exact(f"A definition given to {self.title}", *bodies)

    @staticmethod
    def must_be_exact(what, *exprs):
        try:
            must_be_exact(*exprs)
        except Undecided as undecided:
            raise Undecided(f"{what}: {undecided}") from None

    def show(self):
        """Write every line by entries, none of which may stand before the first of its array."""
        beginnings = self.known.beginnings
        for position, line in enumerate(self.lines):
            try:
                shown = self.known.scalar(line)
                beginnings = beginnings if position else beginnings.seen_from(shown)
                beginnings.must_reach(shown)
                must_not_pass(shown, self.known.table)
            except WrongIndex as error:
                raise self.misfit(position, error) from error
            self.shown.append(shown)

    def open(self):
        """Resolve every line. What is not covered is noted: numbers may refute it all the same."""
        table = reaching(self.known.table, self.lines)
        for position, shown in enumerate(self.shown):
            self.must_be_exact(f"{self.name_of(position)} cannot be proved", shown)
            try:
                resolved = resolve(shown, table)
                must_be_exact(resolved)
            except Undecided as undecided:
                resolved = None
                self.unclear[position] = f"In {self.title}, {plain(lettered(shown))}: {undecided}"
            self.resolved.append(resolved)

    def misfit(self, position, error):
        """The error that a line has no meaning, since an index or a shape does not fit."""
        mistake = Mistake(Kind.INDEX, error.slip) if error.slip else None
        return self.false_line(max(0, position - 1), position, mistake, reason=str(error))

    def false_line(self, before, position, mistake=None, **data):
        """The error that line `position` does not equal line `before`."""
        if mistake is None and before < position < len(self.shown):
            shown = self.shown[before], self.shown[position]
            mistake = partial(diagnose, *shown, self.known.table)
        pair = self.lines[before], self.lines[position]
        return FalseLine(position, *pair, mistake=mistake, title=self.title, **data)

    def must_fit(self):
        """Raises FalseLine for an index that leaves its array, unless numbers find no fault."""
        for position in range(1, len(self.lines)):
            try:
                self.ranges[position] = self.ranges_of(position)
            except WrongIndex as error:
                if self.holds_wherever_tried():
                    self.leave_undecided(position, str(error))
                raise self.misfit(position, error) from error

    def leave_undecided(self, position, why):
        raise Undecided(f"{self.name_of(position)} is neither proved nor refuted: {why}") from None

    def ranges_of(self, position):
        pair = slice(position - 1, position + 1)
        found = index_ranges(*self.shown[pair], *(e for e in self.resolved[pair] if e is not None))
        return {index: resolve(end, self.known.table) for index, end in found.items()}

    # numbers

    def numbers(self, least=POINTS):
        """(points at which the last line has the value of the first, why there are none).

        Raises FalseLine.
        """
        agreed, why = [], "both sides vanish at every point"
        wanted = BY_CASES if any(holds(part, *KINKED) for part in self.parts) else POINTS
        ends = (len(h.found.ends) for h in self.known.hypotheses if isinstance(h, Assume))
        wanted = max(wanted, POINTS + max(ends, default=0), least)
        for point in self.points:
            try:
                agreed += [point] * bool(self.agrees_at(point))
            except NoValue as no_value:
                why = str(no_value)
            if len(agreed) == wanted:
                break
        return agreed, "" if agreed else why

    def holds_wherever_tried(self):
        """Do the numbers agree at all of the first points, without an index off its array?"""
        try:
            return all(self.agrees_at(point) for point in islice(self.points, POINTS))
        except (FalseLine, NoValue):
            return False

    def agrees_at(self, point):
        """Has the last line the value of the first? Raises FalseLine for the first that differs."""
        standing, reason, last = 0, None, len(self.lines) - 1
        for position in range(1, last + 1):
            try:
                if point.same(self.lines[standing], self.lines[position]) is False:
                    raise self.refutation(standing, position, point.again())
                standing = position
            except NoValue as no_value:
                reason = no_value
        if standing != last:
            raise reason
        return point.same(self.lines[0], self.lines[-1])

    def refutation(self, before, position, point):
        """With a point that can be read, if one is among a few more: at this one σ may be flat."""
        pair = self.lines[before], self.lines[position]
        found = []
        for at in (point, *point.small_ones()):
            try:
                same, *values = at.compare(*pair)
            except NoValue:
                continue
            if same is False:
                found.append((at, tuple(values)))
                if can_be_read(*values):
                    break
        else:
            at, values = found[0]
        return self.false_line(before, position, point=at, values=tuple(values))

    # proof

    def prove_where_it_has_a_value(self):
        """What is known for the proof: if need be, what the logarithms ask for, as p > 0."""
        try:
            return self.prove()
        except Undecided as undecided:
            try:
                asked = hypotheses(self.shown, self.known.table, self.parts)
                other = Chain(self.lines, Known([*self.known.given, *asked]), self.title)
                if asked:
                    other.show()
                    other.open()
                    other.must_fit()
                    return other.prove()
            except (Undecided, FalseLine, ValueError):
                pass
            raise undecided from None

    def prove(self):
        """What is known for the proof. Raises Undecided unless every line is proved."""
        table = self.known.table
        sizes = least_sizes(*self.parts, levels=table.levels)
        least = {resolve(size, table): number for size, number in sizes.items()}
        for position in range(1, len(self.lines)):
            for unclear in self.unclear.keys() & {position - 1, position}:
                raise Undecided(self.unclear[unclear])
            why = "the difference does not reduce to zero"
            try:
                before, now = self.resolved[position - 1 : position + 1]
                is_shown = is_zero(before - now, self.ranges[position], least)
            except Undecided as undecided:
                is_shown, why = False, str(undecided)
            if not is_shown:
                self.leave_undecided(position, f"{why}. {self.evidence()}")
        return self.known

    def evidence(self):
        """What numbers say of a line that is not proved: all points are tried, not a few."""
        agreed, why = self.numbers(TRIES)
        count = len(agreed)
        return (f"It agrees at {count} sample points, which is evidence and no proof." if agreed
                else f"It has no value that can be tried: {why}.")
