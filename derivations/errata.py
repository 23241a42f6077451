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
HEAD = "| | printed | true | settled by |\n|:---|:---|:---|:---|"


class NotSettled(AssertionError):
    """What was said about an erratum does not hold. The message says what came instead."""


@dataclass
class Row:
    """One settled erratum; `printed` and `true` are pairs, Markdown for the page and plain text for a terminal."""

    group: int
    kind: str
    about: str
    printed: tuple
    true: tuple
    verdict: str
    label: str = "printed"

    def is_wide(self):
        return "$" in self.printed[0] + self.true[0]

    def markdown(self):
        """A line of a table; for mathematics, which would be squeezed in it, a table of its own."""
        settled = self.verdict.replace("; ", "<br>")
        if not self.is_wide():
            return f"| {self.about} | {self.printed[0]} | {self.true[0]} | {settled} |"
        lines = [(self.label, self.printed[0]), ("true", self.true[0]), ("settled by", settled)]
        return "\n".join([f"| | {self.about} |\n|:---|:---|", *(f"| {name} | {text} |" for name, text in lines)])

    def __str__(self):
        return f"  {self.about}\n    {self.label}: {self.printed[1]}\n    true:    {self.true[1]}\n    {self.verdict}"


class Table(list):
    """The rows of one group, to be shown."""

    def _repr_markdown_(self):
        parts = [(wide, [row.markdown() for row in run]) for wide, run in groupby(self, Row.is_wide)]
        return "\n\n".join("\n\n".join(rows) if wide else "\n".join([HEAD, *rows]) for wide, rows in parts)

    def __repr__(self):
        return "\n".join([f"Erratum {self[0].group}", *map(str, self)])


class Errata:
    """What has been settled in a notebook, group by group; a row is replaced when its cell runs again."""

    def __init__(self):
        self._rows = {}

    @property
    def rows(self):
        return list(self._rows.values())

    def number(self, group, about, *, printed, true, ours, origin=None):
        """A printed number: `ours`, computed, must round to the digits of `true` and must not round to those of `printed`.

        `origin` is (words, value): where the printed number comes from; its value must round to `printed`. Raises NotSettled.
        """
        if rounded(ours, true) != true:
            raise NotSettled(f"{about}: {true} is claimed to be true, but {rounded(ours, true)} was computed")
        if rounded(ours, printed) == printed:
            raise NotSettled(f"{about}: the printed {printed} is right to its last digit, so it is no erratum")
        words, value = origin or ("", None)
        if origin and rounded(value, printed) != printed:
            raise NotSettled(f"{about}: {words} gives {rounded(value, printed)}, not the printed {printed}")
        verdict = "✓ recomputed" + (f"; ✓ the printed one is {words}" if origin else "")
        self._note(group, "number", about, (printed, printed), (f"**{true}**", true), verdict)

    def formula(self, group, about, left, *, true, printed=None, refused=None, given=()):
        """A formula for `left`: `true` must be proved, and `printed` must be refuted by a counterexample.

        `left` is a derivative or a name that `given` defines. Where a source prints no formula, only leaves one open, say
        `refused` in place of `printed`. Raises NotSettled, and TypeError unless exactly one of the two is given.
        """
        if (printed is None) == (refused is None):
            raise TypeError(f"{about}: give either printed, what a source prints, or refused, what it might have meant")
        label, other = ("printed", printed) if refused is None else ("refused", refused)
        try:
            proof = self._proof(left, true, given, f"{group}, {about}")
        except (FalseLine, Undecided) as refusal:
            raise NotSettled(f"{about}: what is claimed to be true is not proved. {refusal}") from None
        try:
            self._proof(left, other, given)
        except Undecided as refusal:
            raise NotSettled(f"{about}: the other formula is not refuted. {refusal}") from None
        except FalseLine as refusal:
            hint = refusal.mistake and f": {refusal.mistake}" or ""
        else:
            raise NotSettled(f"{about}: the other formula is proved as well, so it is no erratum")
        verdict = f"{proof.verdict.replace(' · ', '; ')}; ✓ the {'printed one' if refused is None else 'other'} refused{hint}"
        both = ((rf"$\displaystyle {tex(left)} = {tex(f)}$", f"{plain(left)} = {plain(f)}") for f in (other, true))
        self._note(group, "formula", about, *both, verdict, label)

    @staticmethod
    def _proof(left, line, given, number=""):
        derivation = Derivation(left, given, number=number)
        derivation.step(line, "what is claimed")
        with evaluate(True):
            derivation.prove(keep=bool(number))
        return derivation

    def claim(self, group, about, *, printed, true, facts):
        """A claim in words, settled by `facts`: {what was found: whether it holds}; every one must hold. Raises NotSettled."""
        if not facts:
            raise NotSettled(f"{about}: no fact is given, so nothing is settled")
        for words, holds in facts.items():
            if not isinstance(holds, (bool, np.bool_, sp.logic.boolalg.BooleanAtom)):
                raise TypeError(f"{about}: the fact {words!r} is {holds!r}, expected True or False")
            if not holds:
                raise NotSettled(f"{about}: it does not hold that {words}")
        self._note(group, "claim", about, (printed,)*2, (true,)*2, "; ".join(f"✓ {words}" for words in facts))

    def record(self, group, about, *, printed, true, source):
        """What no program can decide, such as a date or a missing page: `source` says where to look it up."""
        if not source.strip():
            raise NotSettled(f"{about}: say where it can be looked up")
        self._note(group, "record", about, (printed,)*2, (true,)*2, f"by the record, not by running: {source}")

    def table(self, group):
        """The rows of one group, to be shown. Raises NotSettled where nothing has been settled."""
        rows = Table(row for row in self.rows if row.group == group)
        if not rows:
            raise NotSettled(f"nothing is settled in group {group}")
        return rows

    def _note(self, group, kind, about, printed, true, verdict, label="printed"):
        self._rows[group, about] = Row(group, kind, about, printed, true, verdict, label)

    def __repr__(self):
        kinds = [row.kind for row in self.rows]
        groups = len({row.group for row in self.rows})
        counts = (f"{kinds.count(kind):4d} {words}" for kind, words in KINDS.items() if kind in kinds)
        return "\n".join([f"{groups} groups, {len(kinds)} errata:", *counts])


def rounded(value, like):
    """`value` with as many decimal places as the text `like` shows, correctly rounded from all its digits.

    Raises TypeError unless `like` is a decimal number as text, ValueError for NaN and infinity.

    >>> rounded(0.67185, "0.6718"), rounded(-2, "0.0")
    ('0.6718', '-2.0')
    """
    if not isinstance(like, str) or not like.lstrip("-").replace(".", "", 1).isdigit():
        raise TypeError(f"expected a printed number as text, such as '0.6718', got {like!r}")
    places = len(like.partition(".")[2])
    units = round(_exactly(value) * 10**places)
    digits = f"{abs(units):0{places + 1}d}"
    return "-"*(units < 0) + (f"{digits[:-places]}.{digits[-places:]}" if places else digits)


def _exactly(value):
    """The very number as a fraction."""
    if isinstance(value, (np.generic, np.ndarray)):
        value = value.item()
    if isinstance(value, sp.Rational):
        return Fraction(int(value.p), int(value.q))
    if isinstance(value, mpmath.mpf) and mpmath.isfinite(value):
        sign, mantissa, exponent, _ = value._mpf_
        return (-1)**sign * int(mantissa) * Fraction(2)**exponent
    try:
        return Fraction(value)
    except (OverflowError, ValueError, TypeError):
        raise ValueError(f"{value} is no finite number") from None
