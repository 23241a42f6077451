"""What the engine raises. An error carries its data; only `str` puts it into words."""

from fractions import Fraction
from functools import cached_property

import mpmath
from sympy import evaluate

from derivations.printing import as_fraction, plain, show_number, to_mpf


class Undecided(Exception):
    """Neither proved nor refuted: it holds what the engine does not cover, such as a float."""


class WrongIndex(ValueError):
    """An index runs further, or less far, than the array it stands on; or matrices do not fit.

    `slip` says what has been mistaken, where that is known.
    """

    def __init__(self, message, slip=None):
        super().__init__(message)
        self.slip = slip


class BeforeFirst(WrongIndex):
    """An index begins before the first entry of the array."""


class WitnessDisagrees(Exception):
    """The NumPy code does not give what the derivation says.

    Attributes
    ----------
    name, title : str
        What the code and the derivation are called.
    place : tuple
        The entry in which they differ, counted from 0; empty for a single number.
    values : tuple or None
        The number of the code and that of the derivation; None where something else is the matter.
    """

    def __init__(self, name, title, got="", expected="", place=(), values=None):
        super().__init__(name, title)
        self.name, self.title, self.got, self.expected = name, title, got, expected
        self.place, self.values = place, values

    def __str__(self):
        if self.values is None:
            return f"{self.name} {self.got}, {self.title} {self.expected}"
        entry = f" in entry {', '.join(str(p + 1) for p in self.place)}" if self.place else ""
        got, truth = self.values
        ratio = f"; the ratio is {float(got / float(truth)):.6g}" if truth else ""
        exact = to_mpf(Fraction(got) if abs(got) < float("inf") else got)
        first, second = told_apart(exact, to_mpf(truth))
        return f"{self.name} gives {first}{entry}, {self.title} gives {second}{ratio}"


class FalseLine(Exception):
    """A line of a derivation does not equal the line before it.

    Attributes
    ----------
    position : int
        Which line it is; the first one below the left side is 1, the left side itself is 0.
    before, claimed : sympy expression
        The line before and the line, as they were typed.
    point : Point or None
        A sample point at which the two differ; None where an index or a shape does not fit.
    values : tuple or None
        The values of `before` and of `claimed` at that point.
    mistake : Mistake or None
        The usual mistake that turns the one into the other, or a function that looks for it.
    title : str
        What the derivation is called.
    reason : str
        Why the line has no meaning at all, where there is no point.
    """

    def __init__(self, position, before, claimed, point=None, values=None, mistake=None,
                 title="the derivation", reason=""):
        super().__init__(position, before, claimed)
        self.position, self.before, self.claimed = position, before, claimed
        self.point, self.values, self.title, self.reason = point, values, title, reason
        self.sought = mistake

    @cached_property
    def mistake(self):
        """The usual mistake that turns the one line into the other, or None; it is sought late."""
        with evaluate(True):
            return self.sought() if callable(self.sought) else self.sought

    def __str__(self):
        line = f"Line {self.position}" if self.position else "The left side"
        line += f" of {self.title}"
        hint = f"  hint     {self.hint()}"
        if self.values is None:
            claimed = f"  claimed  {plain(self.claimed)}"
            return f"{line} makes no sense: {self.reason}.\n{claimed}\n{hint}"
        return "\n".join([f"{line} is false.", f"  before   {plain(self.before)}",
                          f"  claimed  {plain(self.claimed)}",
                          f"  at       {self.point.describe()}",
                          f"  values   {self.compared()}", hint])

    def compared(self, words="before = {}, claimed = {}", ratio="ratio claimed/before ="):
        """Both values and their ratio, in words."""
        was, now = map(as_fraction, self.values)
        text = words.format(*told_apart(was, now))
        if not was:
            return text
        return f"{text}, {ratio} {told_apart(ratio_of(now, was), Fraction(1))[0]}"

    def hint(self, otherwise="no usual mistake fits; compare the two values above"):
        """The likely mistake, in words."""
        if self.values is None:
            otherwise = "an index is wrong or two are swapped, as in a forgotten transpose"
        return str(self.mistake or otherwise)


def ratio_of(a, b):
    with mpmath.workdps(40):
        return as_fraction(a / b if {type(a), type(b)} == {Fraction} else to_mpf(a) / to_mpf(b))


def told_apart(a, b):
    """Both numbers as text, with as many digits as it takes to see that they are two."""
    if {type(a), type(b)} != {Fraction}:
        a, b = to_mpf(a), to_mpf(b)
    texts = ((show_number(a, digits), show_number(b, digits)) for digits in range(7, 40))
    return next((pair for pair in texts if pair[0] != pair[1]), (show_number(a), show_number(b)))
