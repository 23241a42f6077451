"""Errata that are decided by running: what is printed, what is true, and a cell that fails if either were otherwise.

A notebook keeps one `Errata()` and calls it by kind: `number` for a printed value, `formula` for a printed equation, `claim` for
words that a few facts settle, `record` for what no computer can decide. Each checks before it notes anything.
"""

from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby

import mpmath
import numpy as np
import sympy as sp
from sympy import evaluate

from derivations.derivation import Derivation
from derivations.errors import FalseLine, Undecided
from derivations.printing import plain, tex

KINDS = {"number": "numbers recomputed", "formula": "formulas proved, another form of each refused",
         "claim": "claims settled by running", "record": "by the record alone"}


class NotSettled(AssertionError):
    """What was said about an erratum does not hold. The message says what came instead."""


@dataclass
class Row:
    """One settled erratum. Printed and true are Markdown for the page and plain text for a terminal."""

    group: int
    kind: str
    about: str
    printed: tuple      # (Markdown, plain)
    true: tuple
    verdict: str
    label: str = "printed"

    def in_a_line(self):
        """A row of a table, for short entries without mathematics, which would be squeezed."""
        return f"| {self.about} | {self.printed[0]} | {self.true[0]} | {self.settled()} |"

    def as_a_card(self):
        """A table of its own, one line for each entry."""
        lines = [(self.label, self.printed[0]), ("true", self.true[0]), ("settled by", self.settled())]
        return "\n".join([f"| | {self.about} |", "|:---|:---|", *(f"| {name} | {text} |" for name, text in lines)])

    def settled(self):
        return self.verdict.replace("; ", "<br>")

    @property
    def has_mathematics(self):
        return "$" in self.printed[0] + self.true[0]

    def __str__(self):
        return f"  {self.about}\n    {self.label}: {self.printed[1]}\n    true:    {self.true[1]}\n    {self.verdict}"


class Table:
    """The rows of one group."""

    def __init__(self, group, rows):
        self.group, self.rows = group, rows

    def _repr_markdown_(self):
        parts = []
        head = ["| | printed | true | settled by |", "|:---|:---|:---|:---|"]
        for card, run in groupby(self.rows, lambda row: row.has_mathematics):
            rows = list(run)
            parts += [row.as_a_card() for row in rows] if card else ["\n".join([*head, *(row.in_a_line() for row in rows)])]
        return "\n\n".join(parts)

    def __repr__(self):
        return "\n".join([f"Erratum {self.group}", *map(str, self.rows)])


class Errata:
    """What has been settled in a notebook, group by group; a row is replaced when its cell runs again."""

    def __init__(self):
        self.rows = []

    def number(self, group, about, *, printed, true, ours, origin=None):
        """A printed number: `ours`, computed, must round to the digits of `true` and must not round to those of `printed`.

        `origin` is (words, value): where the printed number comes from; its value must round to `printed`. Raises NotSettled.
        """
        if rounded(ours, true) != true:
            raise NotSettled(f"{about}: {true} is claimed to be true, but {rounded(ours, true)} was computed")
        if rounded(ours, printed) == printed:
            raise NotSettled(f"{about}: the printed {printed} is right to its last digit, so it is no erratum")
        verdict = "✓ recomputed"
        if origin is not None:
            words, value = origin
            if rounded(value, printed) != printed:
                raise NotSettled(f"{about}: {words} gives {rounded(value, printed)}, not the printed {printed}")
            verdict += f"; ✓ the printed one is {words}"
        self._note(group, "number", about, (printed, printed), (f"**{true}**", true), verdict)

    def formula(self, group, about, left, *, true, printed=None, refused=None, given=()):
        """A formula for `left`: `true` must be proved, and `printed` must be refuted by a counterexample.

        `left` is a derivative or a name that `given` defines. Where a source prints no formula, only leaves one open, say
        `refused` in place of `printed`. Raises NotSettled, and TypeError unless exactly one of the two is given.
        """
        if (printed is None) == (refused is None):
            raise TypeError(f"{about}: give either printed, what a source prints, or refused, what it might have meant")
        label, other = ("printed", printed) if refused is None else ("refused", refused)
        proof = Derivation(left, given, number=f"{group}, {about}")
        proof.step(true, "the true formula")
        with evaluate(True):
            try:
                proof.prove()
            except (FalseLine, Undecided) as refusal:
                raise NotSettled(f"{about}: what is claimed to be true is not proved. {refusal}") from None
            hint = self._refusal(about, left, other, given)
        words = "✓ the printed one refused" if label == "printed" else "✓ the other refused"
        verdict = f"{proof.verdict.replace(' · ', '; ')}; {words}" + (f": {hint}" if hint else "")
        both = ((rf"$\displaystyle {tex(left)} = {tex(f)}$", f"{plain(left)} = {plain(f)}") for f in (other, true))
        self._note(group, "formula", about, *both, verdict, label)

    def _refusal(self, about, left, other, given):
        derivation = Derivation(left, given)
        derivation.step(other, "the other formula")
        try:
            derivation.prove(keep=False)
        except FalseLine as refusal:
            return refusal.hint("")
        except Undecided as refusal:
            raise NotSettled(f"{about}: the other formula is not refuted. {refusal}") from None
        raise NotSettled(f"{about}: the other formula is proved as well, so it is no erratum")

    def claim(self, group, about, *, printed, true, facts):
        """A claim in words, settled by `facts`: {what was found: whether it holds}; every one must hold. Raises NotSettled."""
        if not facts:
            raise NotSettled(f"{about}: no fact is given, so nothing is settled")
        for words, holds in facts.items():
            if not isinstance(holds, (bool, np.bool_, sp.logic.boolalg.BooleanAtom)):
                raise TypeError(f"{about}: the fact {words!r} is {holds!r}, expected True or False")
            if not holds:
                raise NotSettled(f"{about}: it does not hold that {words}")
        self._note(group, "claim", about, (printed, printed), (true, true), "; ".join(f"✓ {words}" for words in facts))

    def record(self, group, about, *, printed, true, source):
        """What no program can decide, such as a date or a missing page: `source` says where to look it up."""
        if not source.strip():
            raise NotSettled(f"{about}: say where it can be looked up")
        self._note(group, "record", about, (printed, printed), (true, true), f"by the record, not by running: {source}")

    def table(self, group):
        """The rows of one group, to be shown. Raises NotSettled where nothing has been settled."""
        rows = [row for row in self.rows if row.group == group]
        if not rows:
            raise NotSettled(f"nothing is settled in group {group}")
        return Table(group, rows)

    def _note(self, group, kind, about, printed, true, verdict, label="printed"):
        row = Row(group, kind, about, printed, true, verdict, label)
        places = [p for p, old in enumerate(self.rows) if (old.group, old.about) == (group, about)]
        self.rows = [row if p in places else old for p, old in enumerate(self.rows)] if places else [*self.rows, row]

    def __repr__(self):
        counts = {words: sum(row.kind == kind for row in self.rows) for kind, words in KINDS.items()}
        groups = len({row.group for row in self.rows})
        return "\n".join([f"{groups} groups, {len(self.rows)} errata:", *(f"{n:4d} {words}" for words, n in counts.items() if n)])


def rounded(value, like):
    """`value` with as many decimal places as the text `like` shows, correctly rounded from all its digits.

    Raises TypeError unless `like` is a decimal number as text, ValueError for NaN and infinity.
    """
    if not isinstance(like, str) or not like.lstrip("-").replace(".", "", 1).isdigit():
        raise TypeError(f"expected a printed number as text, such as '0.6718', got {like!r}")
    places = len(like.partition(".")[2])
    units = round(_exactly(value) * 10**places)
    digits = f"{abs(units):0{places + 1}d}"
    return ("-" if units < 0 else "") + (f"{digits[:-places]}.{digits[-places:]}" if places else digits)


def _exactly(value):
    """The very number as a fraction."""
    if isinstance(value, mpmath.mpf):
        if not mpmath.isfinite(value):
            raise ValueError(f"{value} is no finite number")
        sign, mantissa, exponent, _ = value._mpf_
        return (-1)**sign * Fraction(int(mantissa)) * Fraction(2)**exponent
    if isinstance(value, sp.Rational):
        return Fraction(int(value.p), int(value.q))
    try:
        return Fraction(value.item() if isinstance(value, (np.generic, np.ndarray)) else value)
    except (OverflowError, ValueError):
        raise ValueError(f"{value} is no finite number") from None
