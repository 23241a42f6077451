"""The words of a gradient check: what was found in each block, as data and as a table."""

from dataclasses import KW_ONLY, dataclass, field

import numpy as np

MOST_DIGITS = 9  # more are not told, so that every machine prints the same
REMEDY = "pass the gradient as a function, or choose another point"
HEAD = ["block", "shape", "verdict", "largest error", "digits", "ratio", "remarks"]


@dataclass(repr=False)
class Report:
    """What a check found, block by block; true if all of them are right."""

    blocks: dict = field(default_factory=dict)  # name -> what was found, with a verdict and a row
    error, right, head = AssertionError, "agrees", ()

    def __bool__(self):
        return all(block.verdict == self.right for block in self.blocks.values())

    def require(self):
        """Return the report if it is true, else raise its error with it."""
        if not self:
            raise self.error(f"\n{self}")
        return self

    def sentences(self):
        """What is said below the table."""
        return []

    def _rows(self):
        return [self.head, *(block.row() for block in self.blocks.values())]

    def __str__(self):
        return "\n".join([*as_table(self._rows()), *self.sentences()])

    def _repr_markdown_(self):
        head, *rows = [[cell.replace("|", "\\|") for cell in row] for row in self._rows()]
        table = [" | ".join(row) for row in [head, ["---"] * len(head), *rows]]
        below = "  \n".join(self.sentences())
        return "\n".join(f"| {row} |" for row in table) + (f"\n\n{below}" if below else "")

    def __repr__(self):
        return str(self)


class GradientError(AssertionError):
    """A gradient is not that of its cost, or is not decided. The message is the report."""


@dataclass
class BlockReport:
    """What the check found for one block of parameters."""

    name: str
    shape: tuple
    entries: int  # looked at: all of them, unless the check was told to sample
    verdict: str  # "agrees", "differs" or "not decided"
    _: KW_ONLY
    error: float  # the largest |claimed - numerical|, relative to the larger of the two
    error_bar: float  # of that entry's numerical value, likewise relative
    digits: int | None  # certain in every numerical derivative of the block, at most 9
    worst: str  # the entry with the largest error
    claimed: float  # there
    numerical: float
    differing: int  # entries
    undecided: int
    steep: int  # those of the undecided at which the cost jumps or is infinitely steep
    dead: int  # entries on which the cost does not depend, claimed as 0
    at_kink: int  # entries at a kink of the cost: only one-sided derivatives there
    bracketed: int  # those of them whose claim lies between the one-sided derivatives
    slopes: tuple  # the one-sided derivatives of the first of them, to three digits
    beside: int  # entries decided at a neighbouring point
    seen: float = 0.0  # at the worst entry, an error as large as this would be seen
    lost: int = 0  # entries that are 0 but for rounding, in the claim and in truth
    ratio: float | None = None  # claimed / numerical, where it is the same for all that differ
    suggestion: str = ""  # the mistake that explains the difference
    transposed: bool = False
    vectors: tuple = field(default=(), repr=False, compare=False)  # all claims, all slopes

    def row(self):
        return [self.name, str(self.shape), self.verdict, *self.sizes(), self.remarks()]

    def sizes(self):
        """Largest error, certain digits and ratio, as they are printed."""
        if self.verdict == "not decided":
            return "", "", ""
        ratio = "" if self.ratio is None else shown(self.ratio)
        digits = "" if self.digits is None else str(self.digits)
        return _size(self.error, self.verdict == "differs"), digits, ratio

    def detail(self):
        """One sentence on the worst entry; "" where all is well."""
        if self.verdict == "differs":
            pair = "claimed {}, numerical {}".format(*_told_apart(self.claimed, self.numerical))
            certain = f", {self.digits} digits certain" if self.digits and self.numerical else ""
            return f"{self.worst}: {pair}{certain}"
        if self.steep:
            return f"{self.worst}: the cost jumps here or is infinitely steep; {REMEDY}"
        if self.undecided:
            lost = f"the derivative is lost in rounding here, an error {_seen(self.seen)}"
            return f"{self.worst}: {lost}; {REMEDY}"
        return ""

    def remarks(self):
        """What there is to say besides the verdict, in words."""
        some = lambda number, words: f"{number} of {self.entries} {words}" if number else ""
        all_dead = self.dead == self.entries
        return "; ".join(filter(None, [
            self.suggestion,
            some(self.differing % self.entries, "differ"),
            some(self.undecided, "not decided"),
            "dead: the cost does not change with it" if all_dead else some(self.dead, "dead"),
            self._kink(),
            some(self.lost, "zero but for rounding"),
            f"{self.beside} decided at a neighbouring point" if self.beside else "",
        ]))  # fmt: skip

    def _kink(self):
        if not self.at_kink:
            return ""
        where = f"{self.bracketed} between" if self.bracketed else "outside"
        where = "between" if self.bracketed == self.at_kink else where
        low, high = map(shown, self.slopes)
        return f"{self.at_kink} at a kink, claim {where} the slopes {low} and {high}"


@dataclass(repr=False)
class GradientReport(Report):
    """The verdict on a gradient, block by block; true if and only if every block agrees."""

    method: str = ""
    error, head = GradientError, HEAD

    def __str__(self):
        head, *lines = as_table(self._rows())
        rule = "-" * max(map(len, [head, *lines]))
        return "\n".join([head, rule, *lines, "", *self.sentences()])

    def sentences(self):
        """The worst entries, the verdict, and how the numbers were had."""
        verdicts, n = [block.verdict for block in self.blocks.values()], len(self.blocks)
        differ, open_ = verdicts.count("differs"), verdicts.count("not decided")
        verdict = f"not confirmed: {differ} of {n} blocks differ, {open_} not decided."
        if self:
            verdict = f"right: {n} of {n} blocks agree."
        details = filter(None, (block.detail() for block in self.blocks.values()))
        method = f"Numerical derivatives by {self.method}."
        return [*details, f"The gradient is {verdict}", method]


def entry_name(name, place, shape):
    """W[1, 2] for the sixth entry of a W of shape (2, 3); of a single number its name alone."""
    index = ", ".join(map(str, np.unravel_index(place, shape)))
    return f"{name}[{index}]" if index else name


def as_table(rows):
    """The lines of a table in plain text, columns flush left."""
    widths = [max(map(len, column)) for column in zip(*rows)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def shown(number):
    """Six digits, ten of what is nearly 1; noise behind them cannot decide a tie."""
    close = 0 < abs(number - 1) <= 1e-5
    return f"{float(f'{number:.10g}') + 0.0:.{10 if close else 6}g}"


def fraction(number):
    """1/4 for 0.25; six digits for what is no small fraction."""
    for below in range(1, 13):
        above = round(number * below)
        if above and abs(number * below - above) <= 1e-6 * abs(above):
            return f"{above}/{below}" if below > 1 else f"{above}"
    return shown(number)


def _seen(error):
    """Which error would be seen, to the next power of ten: the same on every machine."""
    if not 0 < error < np.inf:
        return "is not seen"
    return f"of 1e{np.ceil(np.log10(error)):+03.0f} would be seen"


def certain_digits(relative_bar):
    """How many leading digits an error bar leaves certain."""
    return int(np.clip(np.floor(-np.log10(max(relative_bar, 1e-300))), 0, MOST_DIGITS))


def _told_apart(a, b):
    """Two numbers with six digits, or as many as it takes to see that they differ."""
    pairs = [(f"{a:.{n}g}", f"{b:.{n}g}") for n in range(6, 15)]
    return next((pair for pair in pairs if len(set(pair)) == 2), pairs[0])


def _size(error, exactly):
    """An error to three digits where it is real, else as an order of magnitude."""
    if exactly:
        return f"{float(f'{error:.10g}'):.3g}" if error > 1e-6 else f"{error:.0e}"
    return next((f"< {bound:.0e}" for bound in (1e-9, 1e-6, 1e-3) if error < bound), "large")
