"""Is a claim the slope? Decided by numbers: each reason for a verdict or a doubt is one function.

The tables at the end are the order in which reasons are tried, and all there are. A claim is judged
by the error bar of the numerical derivative, of each entry by itself, so that a wrong one is
refused however small it is beside the others; at a kink it must lie between the slopes to the two
sides.
"""

from typing import NamedTuple

import numpy as np

from gradcheck import validation
from gradcheck.differences import EPS, MEASURED, measure, table

RESOLUTION = 1e-4  # an entry is decided if its error bar is this much smaller than itself
NOTHING = 1e-9  # what is so much smaller than the rest may be rounding alone
GROUP = 64  # entries that are checked together; a direction through more is a sample
AGREES, DIFFERS, OPEN = range(3)

JUDGED = [
    *MEASURED,  # of these the bar is now what the claim may differ by, its own rounding included
    ("claimed", float),
    ("status", int),  # AGREES, DIFFERS or OPEN
    ("inside", bool),  # at a kink, claimed between the slopes
    ("lost", bool),  # both numbers are 0 but for rounding
    ("weak", bool),  # worth another look beside the point
    ("beside", bool),  # decided there
    ("seen", float),  # an error as large as this would be seen
]


class Claims(NamedTuple):
    """A claimed gradient, laid out as one vector."""

    value: np.ndarray
    room: np.ndarray  # half a unit of the last printed digit, 0 for numbers
    eps: np.ndarray  # of the precision in which it was given


def claims_of(gradient, at):
    """The claimed gradient at a point, checked to be finite and of the shapes of the parameters."""
    claimed = gradient
    if callable(gradient):
        copies = at.split(at.vector.copy())
        claimed = gradient(at.tree.build(copies))
        at.tree.require_unchanged("gradient", copies, at.arrays)
    leaves = at.tree.flatten(claimed)
    parts = [_claim(*triple) for triple in zip(at.tree.names, leaves, at.arrays)]
    return Claims(*map(np.concatenate, zip(*parts)))


def _claim(name, leaf, parameter):
    texts, room = np.asarray(validation.plain(leaf)), 0.0
    if texts.dtype.kind == "U":
        digits = [validation.decimal(f"the gradient of {name}", text) for text in texts.flat]
        room = np.array([validation.half_a_unit(d) for d in digits])
        leaf = np.reshape([float(d) for d in digits], texts.shape)
    found = validation.same_shape(f"the gradient of {name}", leaf, parameter, name)
    eps = np.full(found.size, np.finfo(found.dtype).eps)
    return found.ravel().astype(np.float64), np.zeros(found.size) + room, eps


def coarseness(eps, largest):
    """The rounding of a claim of less precision, as in float32, beside the largest of its block."""
    return np.where(eps > EPS, 32 * eps * largest, 0)


def nearest_slope(m, claimed):
    """The slope to judge a claim by, and its error bar: at a kink the nearest between the sides."""
    low, high = np.minimum(m.left, m.right), np.maximum(m.left, m.right)
    value = np.where(m.kink, np.clip(claimed, low, high), m.value)
    return value, np.where(m.kink, 1e-5 * (high - low), m.bar)


def judge(at, probes, claims, gradient, exact):
    """Compare claims with measurements along the probes: a row of `JUDGED` for each."""
    e, f = Evidence(at, probes, claims, gradient, exact), table(probes, JUDGED)
    for name in e.m.dtype.names[1:]:
        f[name] = e.m[name]
    with np.errstate(invalid="ignore"):
        e.nothing = _any_of(NOTHING_BUT_ROUNDING, e)
        e.decided = _any_of(DECIDED, e)
        e.seen = np.maximum(8 * e.bar + e.coarse, np.fmax.reduce([doubt(e) for doubt in DOUBTS]))
        reasons, verdicts = zip(*VERDICTS)
        f.status = np.select([reason(e) for reason in reasons], verdicts, OPEN)
    f.seen, f.bar, f.inside = e.seen, e.bar, e.m.kink & (e.error <= e.bar)
    f.kink = e.m.kink & ~e.is_group
    f.lost = e.nothing & (f.status == AGREES) & ~e.both_zero
    f.claimed, f.value = np.where(f.lost, 0, e.claimed), np.where(f.lost, 0, e.slope)
    f.weak = (f.status == OPEN) | e.m.kink | e.nothing | (e.both_zero & ~e.m.still)
    return f


def _any_of(reasons, e):
    return np.logical_or.reduce([reason(e) for reason in reasons])


class Evidence:
    """What is known of claims along some lines: arrays, with an entry for each line."""

    def __init__(self, at, probes, claims, gradient, exact):
        self.m = m = measure(at, probes, exact)
        self.claimed = np.array([p.of(claims.value) for p in probes])
        self.printed = np.array([np.sum(claims.room[p.where]) for p in probes])  # 0 for numbers
        self.eps = np.array([max(at.eps, np.max(claims.eps[p.where])) for p in probes])
        self.cost_eps, self.here, self.reach = at.eps, abs(at.here()), at.reach(probes)
        self.slope, self.measured = nearest_slope(m, self.claimed)
        self.error = np.abs(self.claimed - self.slope) - self.printed
        self.error = np.maximum(self.error, 0 * self.slope)  # NaN stays NaN
        self.size = np.fmax(np.abs(self.claimed), np.abs(self.slope))
        self.smallest = self._smallest(probes, claims)
        self.largest = _largest_of_block(at, probes, np.where(m.kink, 0, np.abs(self.slope)))
        self.largest_claim = np.abs(claims.value).max()
        self.is_group = np.array([np.ndim(p.where) > 0 for p in probes])
        self.is_function = callable(gradient)
        self.by_differences = not m.exact.any()  # else the bar holds the claims' rounding
        self.bar = self.measured + 64 * EPS * self.largest * self.by_differences
        self.coarse = coarseness(self.eps, self.largest)
        with np.errstate(invalid="ignore"):
            self._look_for_what_is_small()
        self.own = self.most = self.stairs = np.zeros(len(probes))
        unsure = self.near | self.faint | self.tiny & (self.error > self.bar)
        if self.is_function and unsure.any():
            self.own, self.most, self.stairs = _rounding_of_claims(at, probes, gradient)
            self.bar = np.where(self.near, self.bar + self.own, self.bar)

    def _smallest(self, probes, claims):
        """Of a group the size of its smallest entry, of a sample and of one entry its own size."""
        least = np.array([np.min(np.abs(claims.value[p.where] * p.along)) for p in probes])
        few = [np.size(p.where) <= GROUP for p in probes]
        return np.where(few, np.fmin(self.size, least), self.size)

    def _look_for_what_is_small(self):
        m, value, claimed = self.m, np.abs(self.slope), np.abs(self.claimed)
        hazy = (m.bar > 0.01 * value) & (value <= 64 * EPS * m.scale)
        self.both_zero = (self.claimed == 0) & (self.slope == 0)
        self.zero = (value <= m.bar) | hazy
        less = NOTHING * np.fmax(m.scale, self.largest_claim)
        self.faint = self.zero & (np.fmax(m.bar, claimed) <= less)
        # Nearly right, or nearly nothing: the claim may have lost the digits in which it is wrong.
        near_nothing = self.zero & (self.size <= NOTHING * max(self.largest_claim, self.here))
        self.near = near_nothing | (self.error <= RESOLUTION * self.size)
        self.near &= self.error > self.bar
        self.tiny = self.size <= 2.0**20 * EPS * np.fmax(m.scale, self.here)  # left of 1 - a**2?


def _largest_of_block(at, probes, sizes):
    """For each probe the largest size among those of its block."""
    block, largest = at.block_of(probes), np.zeros(len(at.ends))
    np.maximum.at(largest, block, np.where(np.isfinite(sizes), sizes, 0))
    return largest[block]


def _rounding_of_claims(at, probes, gradient):
    """The rounding of the claims along the probes, the most that it may be, and that of a claim
    which is all but nothing.

    It is what third differences leave on a short way, as `rounding_of` finds that of the cost, and
    a polynomial of degree 5 on a longer one: 1 - tanh(z)**2 is a staircase with long stairs. But
    what is left on the longer way may also be a kink that lies on it.
    """
    try:
        short, way, far = (
            np.array([[p.of(v) for p in probes] for v in (claims_of(gradient, there).value
                      for there in at.in_line(2.0**power, 4)[:8])])
            for power in (-24, -14, -8)
        )
    except Exception:  # outside the domain of the gradient nothing is known of it
        return np.zeros((3, len(probes)))
    own = 4 * np.abs(np.diff(short, n=3, axis=0)).max(axis=0)
    powers = np.vander(np.linspace(-1, 1, 8), 6)
    most, stairs = (
        np.maximum(own, 32 * np.abs(w - powers @ (np.linalg.pinv(powers) @ w)).max(axis=0))
        for w in (way, far)
    )
    return np.where(most <= 1e-8 * np.abs(way).max(axis=0), most, own), most, stairs


# ----------------------------------------------------------------- both numbers are rounding alone


def _less_than_rounding_of_claims(e):
    rounding = np.maximum(e.own, EPS * e.largest_claim)
    return e.faint & (np.abs(e.claimed) <= 64 * rounding) & e.is_function


def _less_than_rounding_of_printed_array(e):
    """Of an array only the size is known, as of a bias that a batch normalisation takes out."""
    least = 2.0**16 * EPS * e.largest_claim
    least = np.where((not e.by_differences) | (e.m.bar <= least), least, 0)
    small = np.abs(e.claimed) <= np.maximum(least, NOTHING * e.m.scale)
    return e.faint & small & (not e.is_function)


def _moves_the_cost_by_less_than_its_rounding(e):
    """From end to end of the ladder, on which nothing but rounding was seen."""
    unseen = EPS * e.here / e.reach
    nothing = (np.abs(e.claimed) <= unseen) & (e.m.bar <= 16 * unseen)
    return e.zero & (e.m.bar > 0) & nothing & (not e.is_function)


NOTHING_BUT_ROUNDING = [
    _less_than_rounding_of_claims,
    _less_than_rounding_of_printed_array,
    _moves_the_cost_by_less_than_its_rounding,
]

# --------------------------------------------------- how large an error must be to say "it differs"


def _rounding_of_the_cost(e):
    return 64 * e.eps * e.here * e.by_differences


def _rounding_of_near_claims(e):
    return np.where(e.near, e.most, 0)


def _stairs_of_tiny_claims(e):
    return np.where(e.tiny, np.fmax(e.most, e.stairs), 0)


def _unknown_rounding_of_an_array(e):
    return np.where(e.near & (not e.is_function), 64 * e.eps * max(1.0, e.here), 0)


def _hidden_beside_the_largest(e):
    hidden = e.zero & (np.abs(e.claimed) <= NOTHING * e.largest_claim)
    return np.where(hidden & e.by_differences & (not e.is_function), np.inf, 0)


def _vanishing(e):
    """As in log(1 - 1e-17): what is it to differ?"""
    lost = np.fmax(e.m.scale, e.here / e.reach)
    return np.where(e.zero & (np.abs(e.claimed) <= 64 * EPS * lost), np.inf, 0)


def _stairs_of_the_cost(e):
    return np.where(e.near, e.m.within, 0)


def _chords_of_float16(e):
    """Its steps are so large that chords are all that is seen."""
    return 2 * np.fmax(e.m.scale, e.size) * (e.cost_eps > 1e-4)


DOUBTS = [
    _rounding_of_the_cost,
    _rounding_of_near_claims,
    _stairs_of_tiny_claims,
    _unknown_rounding_of_an_array,
    _hidden_beside_the_largest,
    _vanishing,
    _stairs_of_the_cost,
    _chords_of_float16,
]

# ------------------------------------------------------------ what is known well enough to be right

DECIDED = [
    lambda e: e.both_zero,
    lambda e: e.m.kink,  # its two slopes are the answer
    lambda e: e.bar <= RESOLUTION * e.smallest,
    lambda e: (e.error <= e.measured) & (e.measured <= RESOLUTION * e.smallest),
    lambda e: (e.printed > 0) & (e.m.bar <= e.printed),  # to the digits that are printed
    lambda e: (e.coarse > 0) & (e.bar <= 1e-2 * e.largest),  # small entries have no digits
]

# ----------------------------------------------------------------------- verdicts, the first stands


VERDICTS = [
    (lambda e: e.m.jump | np.isnan(e.error), OPEN),  # there is no slope
    (lambda e: e.m.kink & e.is_group, OPEN),  # several kinks may meet there
    (lambda e: e.nothing, AGREES),
    (lambda e: e.error > e.seen, DIFFERS),
    (lambda e: (e.error <= e.bar + e.coarse) & e.decided, AGREES),
]
