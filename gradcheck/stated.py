"""Printed numbers, each recomputed from those above it: `stated`."""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from gradcheck import validation
from gradcheck.report import Report

RIGHT, ROUNDED, WRONG = "right", "right only from rounded numbers", "wrong"


@dataclass
class Stated:
    """One printed number and what it should be."""

    name: str
    printed: str
    truth: float  # from the numbers above it as they truly are
    rounded: float  # from the numbers above it as they are printed
    verdict: str  # "right", "wrong", or "right only from rounded numbers"

    def row(self):
        digits = max(0, -Decimal(self.printed).as_tuple().exponent) + 3
        numbers = (f"{number:.{digits}f}" for number in (self.truth, self.rounded))
        return [self.name, self.printed, *numbers, self.verdict]


@dataclass(repr=False)
class StatedReport(Report):
    """The verdicts on a chain of printed numbers; true if and only if all are right."""

    right, head = RIGHT, ["number", "printed", "from the truth", "from the printed", "verdict"]

    @property
    def numbers(self):
        """The printed numbers by name."""
        return self.blocks


def stated(chain):
    """Check a chain of printed numbers, each recomputed from those above it.

    Parameters
    ----------
    chain : a mapping of names, in the order of the text, to what is given (0.5 or "0.5") or to a
        pair (printed, formula): the number as it is printed, as text, and a function whose
        arguments are names above it

    Returns
    -------
    StatedReport
        For each printed number whether it is right to its last digit: computed from the true values
        above it; or only if the printed, rounded values above it are taken; or wrong.

    Raises TypeError and ValueError for what is no such chain: a formula that asks for a name that
    does not stand above it, or a printed number that is none.

    >>> third, twice = ("0.33", lambda x: x / 6), ("0.66", lambda third: 2 * third)
    >>> print(stated({"x": "2", "third": third, "twice": twice}))
    number  printed  from the truth  from the printed  verdict
    third   0.33     0.33333         0.33333           right
    twice   0.66     0.66667         0.66000           right only from rounded numbers
    """
    if not isinstance(chain, Mapping) or not chain:
        got = type(chain).__name__
        raise TypeError(f"expected a mapping of names to given or printed numbers, got {got}")
    truths, printed, found = {}, {}, {}
    for name, entry in chain.items():
        text, formula = entry if isinstance(entry, tuple) and len(entry) == 2 else (entry, None)
        number = validation.decimal(name, text)
        if formula is None:
            truths[name] = printed[name] = float(number)
            continue
        if not isinstance(text, str):
            raise TypeError(f"{name} is printed as {text!r}, expected its digits as text")
        true, rounded = (_computed(name, formula, values) for values in (truths, printed))
        truths[name], printed[name] = true, float(number)
        half = validation.half_a_unit(number) * (1 + 1e-9)  # a tie is right either way
        fits = [abs(float(number) - value) <= half for value in (true, rounded)]
        verdict = RIGHT if fits[0] else ROUNDED if fits[1] else WRONG
        found[name] = Stated(name, str(number), true, rounded, verdict)
    return StatedReport(found)


def _computed(name, formula, values):
    validation.function(f"the formula of {name}", formula)
    wanted = list(inspect.signature(formula).parameters)
    missing = [key for key in wanted if key not in values]
    if missing:
        names = ", ".join(missing)
        raise ValueError(f"{name} is computed from {names}, which does not stand above it")
    return float(validation.scalar(name, formula(**{key: values[key] for key in wanted})))
