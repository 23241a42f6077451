"""Is a claim the slope? Decided by numbers: each reason for a verdict or a doubt is one row.

The tables at the end are all the reasons, in the order in which they are tried. A claim is judged
by the error bar of the numerical derivative, of each entry by itself, so that a wrong one is
refused however small it is beside the others; at a kink it must lie between the slopes to the two
sides.
"""

from typing import NamedTuple

import numpy as np

from gradcheck import validation
from gradcheck.differences import EPS, MEASURED, is_analytic, measure, table

RESOLUTION = 1e-4  # an entry is decided if its error bar is this much smaller than itself
WELL = 1e-6  # a few points are enough if they tell so many digits
FIRST = 8  # of many that are far off
NOTHING = 1e-9  # what is so much smaller than the rest may be rounding alone
LITTLE = 1e-4  # a difference by less of the slope may be the complex step's fault
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
    """Compare claims with measurements along the probes: a row of `JUDGED` for each.

    A few points are enough for most claims that are right. What does not agree with so few is
    measured with all care. The complex step may be deceived in digits that central differences do
    not see at once, as by z**2 abs(z) in a sum: where a claim differs in these alone, they are
    asked once more; and what they cannot see stands if the cost is analytic.
    """
    f = _judge(at, probes, claims, gradient, exact, brief=True)
    by_differences = lambda rows: _judge(at, [probes[k] for k in rows], claims, gradient, False)
    for block in np.unique(at.block_of(probes)) if f.brief.any() else ():
        _look_again(f, at.block_of(probes) == block, by_differences)
    with np.errstate(invalid="ignore"):
        little = np.abs(f.claimed - f.value) <= np.fmax(4 * f.within, LITTLE * np.abs(f.value))
    again = np.flatnonzero(f.exact & (f.status == DIFFERS) & little)
    if len(again):
        real = by_differences(again)
        deceived = np.abs(real.value - f.value[again]) > 4 * real.bar + f.bar[again]
        f[again[deceived]] = real[deceived]
        for k, unseen in zip(again, ~deceived & (real.status != DIFFERS)):
            if unseen and not is_analytic(at, probes[k]):
                f.status[k] = OPEN
    return f


def _look_again(f, mine, judged):
    """Judge with all care the claims of a block of which a few points are not enough. Where many
    are far off, and the first of them still are, the others are taken for what they are too."""
    with np.errstate(invalid="ignore"):
        enough = (f.status == AGREES) & (f.still | (f.bar <= WELL * np.abs(f.value)))
        far = (f.status == DIFFERS) & (np.abs(f.claimed - f.value) > 1e3 * f.bar)
    first, others = np.split(np.flatnonzero(mine & far), [FIRST])
    rows = np.append(np.flatnonzero(mine & ~enough & ~far), first)
    if len(rows):
        f[rows] = judged(rows)
    if len(others) and not (f.status[first] == DIFFERS).all():
        f[others] = judged(others)


def _judge(at, probes, claims, gradient, exact, brief=False):
    e, f = Evidence(at, probes, claims, gradient, (exact, brief)), table(probes, JUDGED)
    for name in e.m.dtype.names[1:]:
        f[name] = e.m[name]
    with np.errstate(invalid="ignore"):
        any_of = lambda reasons: np.logical_or.reduce([reason(e) for reason in reasons])
        e.nothing, e.decided = any_of(NOTHING_BUT_ROUNDING), any_of(DECIDED)
        e.seen = np.maximum(8 * e.bar + e.coarse, np.fmax.reduce([doubt(e) for doubt in DOUBTS]))
        f.status = np.select([reason(e) for reason, _ in VERDICTS],
                             [verdict for _, verdict in VERDICTS], OPEN)
    f.seen, f.bar, f.inside = e.seen, e.bar, e.m.kink & (e.error <= e.bar)
    f.kink = e.m.kink & ~e.is_group
    f.lost = e.nothing & (f.status == AGREES) & ~e.both_zero
    f.claimed, f.value = np.where(f.lost, 0, e.claimed), np.where(f.lost, 0, e.slope)
    f.weak = (f.status == OPEN) | e.m.kink | e.nothing | (e.both_zero & ~e.m.still)
    return f


class Evidence:
    """What is known of claims along some lines: arrays, with an entry for each line."""

    def __init__(self, at, probes, claims, gradient, how):
        self.m = m = measure(at, probes, *how)
        self.claimed = np.array([p.of(claims.value) for p in probes])
        self.printed = np.array([np.sum(claims.room[p.where]) for p in probes])  # 0 for numbers
        self.eps = np.array([max(at.eps, np.max(claims.eps[p.where])) for p in probes])
        self.cost_eps, self.here, self.reach = at.eps, abs(at.here()), at.reach(probes)
        self.slope, self.measured = nearest_slope(m, self.claimed)
        self.error = np.abs(self.claimed - self.slope) - self.printed
        self.error = np.maximum(self.error, 0 * self.slope)  # NaN stays NaN
        self.size = np.fmax(np.abs(self.claimed), np.abs(self.slope))
        # Where two slopes are seen, what lies far from both is none.
        low, high = np.fmin(m.farther, self.slope), np.fmax(m.farther, self.slope)
        room = 0.1 * (high - low)
        sides = np.abs([self.claimed - m.left, self.claimed - m.right]).min(axis=0)
        self.between = m.close & (sides > 0.05 * np.abs(m.right - m.left))  # of a kink beside it
        self.beyond = (self.claimed < low - room) | (self.claimed > high + room)
        entries = np.array([np.size(p.where) for p in probes])
        least = np.array([np.min(np.abs(claims.value[p.where] * p.along)) for p in probes])
        # Of a group it is the size of its smallest entry, of a sample and of one entry its own.
        self.smallest = np.where(entries <= GROUP, np.fmin(self.size, least), self.size)
        self.largest = _largest_of_block(at, probes, np.where(m.kink, 0, np.abs(self.slope)))
        self.largest_claim = np.abs(claims.value).max()
        claimed_in = [np.abs(claims.value[at.part(k)]).max() for k in range(len(at.ends))]
        self.block_claim = np.array(claimed_in)[at.block_of(probes)]
        self.is_group = np.array([np.ndim(p.where) > 0 for p in probes])
        self.is_function, self.is_array = callable(gradient), not callable(gradient)
        self.by_differences = not m.exact.any()  # else the bar holds the claims' rounding
        self.bar = self.measured + 64 * EPS * self.largest * self.by_differences
        self.coarse = coarseness(self.eps, self.largest)
        with np.errstate(invalid="ignore"):
            self._look_for_what_is_small(np.abs(at.vector).max())
        self.own = self.most = self.stairs = np.zeros(len(probes))
        unsure = self.near | self.faint | self.tiny & (self.error > self.bar)
        if self.is_function and unsure.any():
            self.own, self.most, self.stairs = _rounding_of_claims(at, probes, gradient)
            self.bar = np.where(self.near, self.bar + self.own, self.bar)

    def _look_for_what_is_small(self, largest_parameter):
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
        self.least = 2.0**16 * EPS * self.largest_claim
        self.hidden = np.clip(2.0**10 * EPS * largest_parameter, NOTHING, RESOLUTION)


def _largest_of_block(at, probes, sizes):
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


# ---------------------------------------------------------------------------------------- reasons

NOTHING_BUT_ROUNDING = [  # of claims that are as good as 0, as the truth is
    lambda e: e.faint & e.is_function
    & (np.abs(e.claimed) <= 64 * np.maximum(e.own, EPS * e.largest_claim)),
    # Of an array only the size is known, as of a bias that a batch normalisation takes out.
    lambda e: e.faint & e.is_array & (np.abs(e.claimed) <= np.maximum(
        e.least * ((not e.by_differences) | (e.m.bar <= e.least)), NOTHING * e.m.scale)),
    # From end to end of the ladder, on which nothing but rounding was seen, the cost stays.
    lambda e: e.zero & e.is_array & (e.m.bar > 0)
    & (np.fmax(np.abs(e.claimed), e.m.bar / 16) <= EPS * e.here / e.reach),
]  # fmt: skip

DOUBTS = [  # how large an error must be to say "it differs"
    lambda e: 64 * e.eps * e.here * e.by_differences,  # the rounding of the cost
    lambda e: np.where(e.near, e.most, 0),  # that of a claim,
    lambda e: np.where(e.tiny, np.fmax(e.most, e.stairs), 0),  # as of 1 - tanh(z)**2,
    lambda e: np.where(e.near & e.is_array, 64 * e.eps * max(1.0, e.here), 0),  # unknown,
    # or hidden beside the largest
    lambda e: 2 * e.hidden * e.largest_claim * (e.zero & e.is_array & e.by_differences),
    # as of log(1 - 1e-17): what is it to differ?
    lambda e: 128 * EPS * np.fmax(e.m.scale, e.here / e.reach) * e.zero,
    # of a saturated unit, whose own formula rounds to 0
    lambda e: 64 * EPS * (e.claimed == 0) * np.where(
        e.largest_claim == 0, e.here / e.reach, e.block_claim),
    # The steps of float16 are so large that chords are all that is seen.
    lambda e: 2 * np.fmax(e.m.scale, e.size) * (e.cost_eps > 1e-4),
]  # fmt: skip

DECIDED = [  # what is known well enough to be right
    lambda e: e.both_zero,
    lambda e: e.m.kink,  # its two slopes are the answer
    lambda e: e.bar <= RESOLUTION * e.smallest,
    lambda e: (e.error <= e.measured) & (e.measured <= RESOLUTION * e.smallest),
    lambda e: (e.printed > 0) & (e.m.bar <= e.printed),  # to the digits that are printed
    lambda e: (e.coarse > 0) & (e.bar <= 1e-2 * e.largest),  # small entries have no digits
]

VERDICTS = [  # the first stands
    (lambda e: e.m.jump | np.isnan(e.error), OPEN),  # there is no slope
    (lambda e: e.m.torn & ~e.beyond, OPEN),  # there are two
    (lambda e: e.m.kink & (e.is_group | e.between), OPEN),  # several may meet there, or none be
    (lambda e: e.nothing, AGREES),
    (lambda e: e.error > e.seen, DIFFERS),
    (lambda e: (e.error <= e.bar + e.coarse) & e.decided, AGREES),
]
