"""Is an update the step that gradient descent means? A right gradient can still be applied wrongly.

`update_check` looks at the new weights themselves. It tells a simultaneous update, in which every derivative is taken at the
old weights, from a sequential one, in which some were computed from weights that the same step had already changed.
"""

from dataclasses import dataclass, field
from itertools import chain, combinations

import numpy as np

from gradcheck import validation
from gradcheck.differences import numerical_gradient

EPS = np.finfo(np.float64).eps
HALVINGS = 7                                     # learning rates eta, eta/2, ... for the limit of small steps
RESOLUTION = 1e-4                                # a step is decided if rounding is this much smaller than itself
FACTORS = {-1.0: "uphill: plus where minus is meant", 2.0: "a factor 2 is too many", 0.5: "a factor ½ is too many"}


class UpdateError(AssertionError):
    """An update is not the simultaneous one. The message is the report."""


@dataclass
class BlockUpdate:
    """What the check found for one block of weights."""

    name: str
    entries: int
    verdict: str                    # "simultaneous", "sequential", "wrong" or "not decided"
    remark: str = ""
    differing: int = 0              # entries that are not the simultaneous step
    worst: tuple = ()               # (entry, new value, simultaneous value) where it is furthest off

    def row(self):
        some = f"{self.differing} of {self.entries} entries: " if 0 < self.differing < self.entries else ""
        return [self.name, self.verdict, some + self.remark]


@dataclass
class UpdateReport:
    """The verdict on an update, block by block; true if and only if every block is the simultaneous step."""

    blocks: dict = field(default_factory=dict)   # name -> BlockUpdate
    eta: float = 0.0

    @property
    def order(self):
        """"simultaneous", "sequential", "wrong" or "not decided": the worst verdict of any block."""
        found = {block.verdict for block in self.blocks.values()}
        return next(v for v in ("wrong", "not decided", "sequential", "simultaneous") if v in found)

    def __bool__(self):
        return self.order == "simultaneous"

    def require(self):
        """Return the report if the update is simultaneous, else raise UpdateError with it."""
        if not self:
            raise UpdateError("\n" + str(self))
        return self

    def __str__(self):
        rows = [["block", "update", "remark"], *(block.row() for block in self.blocks.values())]
        widths = [max(map(len, column)) for column in zip(*rows)]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
        details = [f"{place}: new {got:.10g}, simultaneous {right:.10g}"
                   for place, got, right in (b.worst for b in self.blocks.values() if b.worst)]
        return "\n".join([*lines, *details, f"The update is {self.order}." if self.order != "wrong" else "The update is wrong."])

    __repr__ = __str__


def update_check(w_new, cost, w, eta):
    """Is w_new(w, eta) the simultaneous step "new = old - eta times the slope of the cost at the old weights"?

    w       a mapping of names to arrays or numbers: every parameter that is meant to be trained
    cost    cost(w) -> one number, of such a mapping
    w_new   w_new(w, eta) -> a mapping with the same names and shapes; it is called with smaller eta as well
    eta     the learning rate, above 0

    The slopes are measured from the cost; w_new need not show its gradient. As eta shrinks, the move divided by eta must be
    the slope and must not change: a sequential update has the right limit, but its move divided by eta drifts with eta.
    Returns an `UpdateReport`, true if and only if all blocks are simultaneous. Nothing passed in is changed.

    Raises, before anything is judged: TypeError for what is no function, mapping or number; ValueError for an eta that is
    not above 0, for NaN, empty or infinite arrays, and for new weights with other names or shapes. (S1-56, S2-53, S2-72)
    """
    validation.function("w_new", w_new)
    validation.function("cost", cost)
    eta = float(validation.positive("eta", eta))
    old = _blocks("w", w)
    etas = eta * 2.0 ** -np.arange(HALVINGS)
    news = [_new_blocks(w_new, old, step) for step in etas]
    slopes = numerical_gradient(lambda p: cost(p), {name: block.copy() for name, block in old.items()})
    return UpdateReport({name: _judge(name, old, news, etas, slopes, cost) for name in old}, eta)


def _blocks(title, mapping):
    if not hasattr(mapping, "items"):
        raise TypeError(f"{title} is of type {type(mapping).__name__}, expected a mapping of names to arrays")
    if not mapping:
        raise ValueError(f"{title} is empty: name at least one block of weights")
    return {name: np.array(validation.array(f"{title}[{name!r}]", block), dtype=np.float64) for name, block in mapping.items()}


def _new_blocks(w_new, old, eta):
    new = _blocks("w_new(w, eta)", w_new({name: block.copy() for name, block in old.items()}, eta))
    if set(new) != set(old):
        raise ValueError(f"w_new(w, eta) has the blocks {sorted(map(str, new))}, expected {sorted(map(str, old))}")
    for name, block in new.items():
        if block.shape != old[name].shape:
            raise ValueError(f"w_new(w, eta)[{name!r}] has shape {block.shape}, expected {old[name].shape}")
    return new


def _judge(name, old, news, etas, slopes, cost):
    start, slope, bar = old[name], np.asarray(slopes[name].value), np.asarray(slopes[name].error_bar)
    moves = np.array([(start - new[name]) / eta for new, eta in zip(news, etas)])
    rounding = [4 * EPS * (abs(start) + abs(new[name])) / eta for new, eta in zip(news, etas)]
    blur = bar + rounding[0] + 1e-12 * abs(slope)
    off = (abs(moves[0] - slope) > blur) | (abs(moves[1] - slope) > bar + rounding[1] + 1e-12 * abs(slope))
    found = BlockUpdate(str(name), start.size, "simultaneous", differing=int(off.sum()))
    if not off.any():
        lost = (blur > RESOLUTION * abs(slope)) & (slope != 0)
        if lost.any():
            found.verdict, found.remark = "not decided", "the step is lost in rounding; take a larger eta"
        return found
    found.verdict, found.remark = _name_it(name, old, news[0], moves, slope, blur, off, cost)
    place = np.unravel_index(np.argmax(abs(moves[0] - slope)), start.shape)
    entry = f"{name}[{', '.join(map(str, map(int, place)))}]" if place else str(name)
    found.worst = (entry, float(news[0][name][place]), float((start - etas[0] * slope)[place]))
    return found


def _name_it(name, old, new, moves, slope, blur, off, cost):
    if not moves[0].any():
        return "wrong", "not updated"
    if _all_near(moves[1], 2 * moves[0], blur):
        return "wrong", "does not depend on eta"
    for factor, words in FACTORS.items():
        if _all_near(moves[0], factor * slope, blur):
            return "wrong", words
    if slope.ndim == 2 and slope.shape[0] == slope.shape[1] and _all_near(moves[0], slope.T, blur):
        return "wrong", "transposed: entry (j, k) moved by the slope of entry (k, j)"
    limit, doubt = _limit(moves)
    if (abs(limit - slope) <= 10 * (doubt + blur) + 1e-8 * abs(slope)).all():
        return "sequential", _what_was_moved_before(name, old, new, moves[0], off, cost)
    return "wrong", "not along the gradient, however small eta is"


def _all_near(a, b, blur):
    return bool((abs(a - b) <= 4 * blur).all())


def _limit(moves):
    """The polynomial through the moves, at eta = 0, and how far its last two degrees are apart (Neville's scheme)."""
    column, before = list(moves), moves[-1]      # each eta is half of the one before
    for degree in range(1, len(moves)):
        before = column[-1]
        column = [lower + (lower - upper) / (2.0**degree - 1) for upper, lower in zip(column, column[1:])]
    return column[-1], abs(column[-1] - before)


def _what_was_moved_before(name, old, new, move, off, cost):
    """Which other blocks, once moved and followed by a fresh forward pass, explain the step; else the deltas were stale."""
    others = [other for other in old if other != name]
    for chosen in chain.from_iterable(combinations(others, size) for size in range(1, min(len(others), 4) + 1)):
        point = {other: (new if other in chosen else old)[other].copy() for other in old}
        estimate = numerical_gradient(lambda p: cost(p), point)[name]
        if (abs(move - estimate.value) <= estimate.error_bar + 1e-9 * abs(estimate.value))[off].all():
            return f"its slope was taken after {', '.join(map(str, chosen))} had moved"
    return "its deltas came through weights that had already moved"
