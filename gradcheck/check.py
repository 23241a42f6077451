"""Is this code the gradient of this cost? `gradient_check` says, entry by entry.

How a claim is judged: by the error bar of the numerical derivative, of each entry by itself, so
that a wrong one is refused however small it is beside the others. At a kink the claim must lie
between the slopes to the two sides. Large blocks are first checked in groups of entries of like
size, each along one random direction, in which errors cannot cancel; a group that does not agree is
opened.
"""

import sys
import time
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from gradcheck import validation
from gradcheck.causes import NO_RATIO, explain
from gradcheck.differences import EPS, Cost, Probe, in_line, is_remembering, measure
from gradcheck.network import delta_mistake
from gradcheck.parameters import Tree
from gradcheck.report import BlockReport, GradientReport, certain_digits

RESOLUTION = 1e-4  # an entry is decided if its error bar is this much smaller than itself
BIG = 128  # a block with more entries is checked in groups
GROUP = 64
MOST_OPENED = 4096  # entries of groups that do not agree that are looked at one by one
AGREES, DIFFERS, OPEN = range(3)
VERDICTS = {AGREES: "agrees", DIFFERS: "differs", OPEN: "not decided"}


def gradient_check(cost, gradient, parameters, *, n_samples=None, exact=True, sample=None):
    """Compare a gradient with numerical derivatives of its cost, entry by entry.

    Parameters
    ----------
    cost : cost(parameters) -> one number
    gradient : gradient(parameters) -> the structure of the parameters, or that structure itself.
        Pass the function if you can: entries that cannot be judged at the point (0 = 0, a kink, a
        derivative lost in rounding) are then judged beside it as well. Numbers printed to k digits
        are given as text, "0.0312", and checked to those digits.
    parameters : an array, a number, or a mapping, tuple or list of such, nested as you like
    n_samples : names the factor n or 1/n of a sum taken for a mean
    exact : False leaves out the complex step
    sample : for large blocks: look at this many entries of each, evenly spread, and one direction
        through all of them; 0 for the direction alone

    Returns
    -------
    GradientReport
        True if and only if every block agrees. The arrays are copied and never changed, and the
        last call of the cost is with the parameters as they were given.

    Raises
    ------
    TypeError, ValueError
        Before anything is measured: for what is no number or function; NaN, infinite or empty
        arrays; names that are missing or unknown, and shapes that do not match; also where the cost
        is not one finite number, changes its parameters, or gives another value the second time.

    >>> bool(gradient_check(lambda w: w**2, lambda w: 2*w, 3.0))
    True
    >>> gradient_check(lambda w: w**2, lambda w: 4*w, 3.0).blocks["the parameter"].suggestion
    'a factor 2'
    """
    tree = Tree(parameters)
    n_samples = None if n_samples is None else validation.count("n_samples", n_samples)
    sample = None if sample is None else validation.count("sample", sample, least=0)
    at = Cost(validation.function("cost", cost), tree)
    with at.left_as_it_was():
        at.require_a_number()
        claims = claims_of(gradient, at)
        if (
            is_remembering() and at.size <= 4096
        ):  # one of many claims: whether it is right is all that is asked
            wrong = _plainly_wrong(at, claims, exact)
            if wrong.any():
                blocks = zip(tree.names, at.split(wrong))
                return GradientReport(
                    {
                        name: Verdict("differs" if block.any() else "agrees")
                        for name, block in blocks
                    }
                )
        found = _judge_all(at, claims, gradient, exact, sample)
        return GradientReport(
            {
                tree.names[k]: _block_report(k, at, claims, found, gradient, n_samples)
                for k in range(len(at.arrays))
            },
            found.method,
        )


# ------------------------------------------------------------------------------------------ claims


class Claims(NamedTuple):
    """A claimed gradient, laid out as one vector."""

    value: np.ndarray
    room: np.ndarray  # half a unit of the last printed digit, 0 for numbers
    eps: np.ndarray  # of the precision in which it was given


def claims_of(gradient, at):
    """The claimed gradient at a point, checked to be finite and of the shapes of the parameters."""
    claimed = gradient
    if callable(gradient):
        copies = [np.array(a) for a in at.arrays]
        claimed = gradient(at.tree.build(copies))
        at.tree.require_unchanged("gradient", copies, at.arrays)
    leaves = at.tree.flatten(claimed)
    parts = [_claim(*triple) for triple in zip(at.tree.names, leaves, at.arrays)]
    return Claims(*map(np.concatenate, zip(*parts)))


def _claim(name, leaf, parameter):
    name_of_claim, texts, room = f"the gradient of {name}", np.asarray(validation.plain(leaf)), 0.0
    if texts.dtype.kind == "U":
        digits = [validation.decimal(name_of_claim, text) for text in texts.flat]
        room = np.array([0.5 * 10.0 ** d.as_tuple().exponent for d in digits])
        leaf = np.reshape([float(d) for d in digits], texts.shape)
    array = validation.same_shape(name_of_claim, leaf, parameter, name)
    return (
        array.ravel().astype(np.float64),
        np.zeros(array.size) + room,
        np.full(array.size, np.finfo(array.dtype).eps),
    )


# ----------------------------------------------------------------------------------------- judging


@dataclass
class Judged:
    """For each probe what was measured, what was claimed, and what follows."""

    probes: list
    value: np.ndarray
    bar: np.ndarray  # what the claim may differ by, its own rounding included
    claimed: np.ndarray
    status: np.ndarray
    kink: np.ndarray
    inside: np.ndarray  # at a kink, claimed between the slopes
    jump: np.ndarray
    left: np.ndarray
    right: np.ndarray
    flat: np.ndarray
    lost: np.ndarray  # both numbers are 0 but for rounding
    weak: np.ndarray  # worth another look beside the point
    beside: np.ndarray  # decided there
    method: str = ""

    def rows(self, wanted):
        picked = {
            name: value[wanted]
            for name, value in vars(self).items()
            if isinstance(value, np.ndarray)
        }
        return Judged([self.probes[k] for k in wanted], method=self.method, **picked)

    def and_also(self, other):
        joined = {
            name: np.concatenate([value, getattr(other, name)])
            for name, value in vars(self).items()
            if isinstance(value, np.ndarray)
        }
        return Judged(self.probes + other.probes, method=self.method, **joined)


def _judge_all(at, claims, gradient, exact, sample):
    progress = _Progress(at.size)
    probes, groups = [], []
    for block, end in zip(at.arrays, at.ends):
        indices = np.arange(end - block.size, end)
        if sample is not None and sample < block.size:
            probes += _sampled(indices, sample)
        elif block.size > BIG:
            groups += _grouped(indices, claims.value)
        else:
            probes += [Probe(int(k)) for k in indices]
    found = None
    if groups:
        found, unsettled = _judge_groups(at, groups, claims, gradient, exact, progress)
        probes += unsettled
    for part in progress.shown(probes):
        judged = judge(at, part, claims, gradient, exact)
        if callable(gradient):
            _judge_beside(judged, at, gradient, exact)
        found = judged if found is None else found.and_also(judged)
    return found


class _Progress:
    """The probes in portions; on a terminal a line tells how far a long check has come."""

    def __init__(self, total):
        self.total, self.done, self.start = total, 0, time.monotonic()

    def shown(self, probes, portion=512):
        for k in range(0, len(probes), portion):
            yield probes[k : k + portion]
            self.done += sum(np.size(p.where) for p in probes[k : k + portion])
            if time.monotonic() - self.start > 2 and sys.stderr.isatty():
                print(f"\rgradient_check: {self.done} of {self.total}", end="", file=sys.stderr)


def _sampled(indices, sample):
    picked = indices[np.linspace(0, len(indices) - 1, sample).round().astype(int)]
    signs = np.random.default_rng(len(indices)).choice([-1.0, 1.0], len(indices))
    return [Probe(indices, signs / np.sqrt(len(indices))), *(Probe(int(k)) for k in picked)]


def _grouped(indices, claims):
    """Directions through entries of like size, signed so that nothing cancels in them."""
    order = indices[np.argsort(np.abs(claims[indices]), kind="stable")]
    rng = np.random.default_rng(len(indices))
    zeros = int((claims[indices] == 0).sum())
    parts = [
        part[k : k + GROUP]
        for part in (order[:zeros], order[zeros:])
        for k in range(0, len(part), GROUP)
    ]
    return [
        Probe(
            part,
            np.where(claims[part] < 0, -1, 1) * rng.uniform(0.5, 1, len(part)) / np.sqrt(len(part)),
        )
        for part in parts
    ]


def _judge_groups(at, groups, claims, gradient, exact, progress):
    """What the groups say of their entries, and the entries that must be looked at one by one."""
    found = None
    for part in progress.shown(groups):
        judged = judge(at, part, claims, gradient, exact)
        found = judged if found is None else found.and_also(judged)
    settled = (found.status == AGREES) & ~found.kink
    factors = _factors_of_blocks(at, found)
    entries, opened = [], []
    for k, group in enumerate(groups):
        if settled[k] or k in factors:
            entries.append(_spread(found, k, claims, factors.get(k)))
        else:
            opened += [Probe(int(i)) for i in group.where]
    if len(opened) > MOST_OPENED:
        spread = np.linspace(0, len(opened) - 1, MOST_OPENED).round().astype(int)
        opened = [opened[k] for k in spread]
    progress.done = at.size - len(opened)
    together = None
    for part in entries:
        together = part if together is None else together.and_also(part)
    return together, opened


def _factors_of_blocks(at, found):
    """{group: factor} where all groups of a block, so all entries, are wrong by one factor."""
    first = np.array([p.where[0] for p in found.probes])
    block, factors = np.searchsorted(at.ends, first, side="right"), {}
    for b in set(block):
        rows = np.flatnonzero((block == b) & ~(found.flat & (found.claimed == 0)))
        with np.errstate(all="ignore"):
            ratios = found.claimed[rows] / found.value[rows]
            close = np.abs(ratios - ratios[:1]) <= 1e-9 * np.abs(ratios[:1])
        if len(rows) > 1 and (found.status[rows] == DIFFERS).all() and close.all() and ratios[0]:
            factors.update(dict.fromkeys(rows, ratios[0]))
    return factors


def _spread(found, k, claims, factor):
    """A judgement on a group, as one on each of its entries."""
    where, n = found.probes[k].where, len(found.probes[k].where)
    each = found.rows(np.full(n, k))
    each.probes, each.claimed = [Probe(int(i)) for i in where], claims.value[where]
    each.value = each.claimed / (factor or 1)
    each.bar = each.bar * 2 * np.sqrt(n)
    return each


def judge(at, probes, claims, gradient, exact):
    """Compare claims with measurements along the probes."""
    m = measure(at, probes, exact)
    along = lambda vector: np.array([np.sum(vector[p.where] * p.along) for p in probes])
    claimed, room = along(claims.value), np.array([np.sum(claims.room[p.where]) for p in probes])
    low, high = np.minimum(m.left, m.right), np.maximum(m.left, m.right)
    value = np.where(m.kink, np.clip(claimed, low, high), m.value)
    error = np.maximum(np.abs(claimed - value) - room, 0 * value)
    size = np.fmax(np.abs(claimed), np.abs(value))
    eps = np.array([max(at.eps, np.max(claims.eps[p.where])) for p in probes])
    largest = _largest_of_block(at, probes, np.abs(np.where(m.kink, 0, value)))
    differences = (
        m.method == "central differences"
    )  # the complex step has its claims' rounding in it
    bar = np.where(m.kink, 1e-5 * (high - low), m.bar) + 64 * EPS * largest * differences
    coarse = np.where(
        eps > EPS, 32 * eps * largest, 0
    )  # the claim is in float32: it has its rounding
    scale = max(np.abs(claims.value).max(), abs(at.here()))
    doubt = 64 * eps * abs(at.here()) * differences
    with np.errstate(invalid="ignore"):
        vanishing = (size <= 1e-9 * scale) & (np.abs(value) <= m.bar)
        near = (error > bar) & ((error <= RESOLUTION * size) | vanishing)
    # Nearly right, or nearly nothing: the claim itself may have lost these digits.
    if near.any() and callable(gradient):
        own = _rounding_of_claims(at, probes, gradient)
        bar = np.where(near, bar + own, bar)
    elif near.any():
        doubt = np.where(near, np.maximum(doubt, 64 * eps * max(1.0, abs(at.here()))), doubt)
    nothing = _nothing(at, probes, claims, gradient, m, claimed)
    both_zero = (claimed == 0) & (value == 0)
    smallest = np.array(
        [
            np.min(np.abs(claims.value[p.where] * p.along))
            if np.ndim(p.where) and np.size(p.where) <= GROUP
            else np.inf
            for p in probes
        ]
    )
    with np.errstate(invalid="ignore"):
        decided = (
            both_zero
            | m.kink
            | nothing
            | (bar <= RESOLUTION * np.minimum(size, smallest))
            | ((room > 0) & (m.bar <= room))
        )
        decided |= (coarse > 0) & (bar <= 1e-2 * largest)  # in float32 small entries have no digits
        status = np.where((error <= bar + coarse) & decided | nothing, AGREES, OPEN)
        status[(error > np.maximum(8 * bar + coarse, doubt)) & ~nothing] = DIFFERS
    status[m.jump | np.isnan(error)] = OPEN
    groups = np.array([np.ndim(p.where) > 0 for p in probes])
    status[groups & m.kink] = OPEN  # several kinks may meet there
    weak = (status == OPEN) | m.kink | nothing | (both_zero & ~m.flat)
    lost = nothing & (status == AGREES) & ((claimed != 0) | (value != 0))
    claimed, value = np.where(lost, 0.0, claimed), np.where(lost, 0.0, value)
    no = np.zeros(len(probes), bool)
    return Judged(
        probes,
        value,
        bar,
        claimed,
        status,
        m.kink & ~groups,
        m.kink & (error <= bar),
        m.jump,
        m.left,
        m.right,
        m.flat,
        lost,
        weak,
        no,
        m.method,
    )


def _largest_of_block(at, probes, sizes):
    """For each probe the largest size among those of its block."""
    block = np.searchsorted(at.ends, [np.ravel(p.where)[0] for p in probes], side="right")
    largest = np.zeros(len(at.ends))
    np.maximum.at(largest, block, np.where(np.isfinite(sizes), sizes, 0))
    return largest[block]


def _nothing(at, probes, claims, gradient, m, claimed):
    """Where both numbers are 0 but for rounding, as of a bias before a batch normalisation."""
    largest = np.abs(claims.value).max()
    scale = np.maximum(m.scale, largest)
    with np.errstate(invalid="ignore"):
        small = (np.abs(m.value) <= m.bar) & (np.maximum(m.bar, np.abs(claimed)) <= 1e-9 * scale)
    if callable(gradient) and small.any():
        return small & (np.abs(claimed) <= 64 * _rounding_of_claims(at, probes, gradient))
    exact = m.method.startswith("the complex step")
    return small & (np.abs(claimed) <= np.maximum(4096 * EPS * largest * exact, 1e-9 * m.scale))


def _rounding_of_claims(at, probes, gradient):
    """The rounding of the claims along the probes, as `rounding_of` finds that of the cost.

    The steps are larger: sigmoid(z) - 1, for one, stays the same while z moves in its last digits.
    """
    try:
        values = [claims_of(gradient, at.moved_to(v)).value for v in in_line(at, 2.0**-24)[4:12]]
    except Exception:  # outside the domain of the gradient nothing is known of it
        return np.zeros(len(probes))
    along = [[np.sum(v[p.where] * p.along) for p in probes] for v in values]
    return 4 * np.abs(np.diff(along, n=3, axis=0)).max(axis=0)


def _judge_beside(judged, at, gradient, exact):
    """Judge weak entries again a little way off, where the gradient must hold as well."""
    weak = np.flatnonzero(judged.weak)
    if not len(weak):
        return
    rng = np.random.default_rng(1)
    move = 2.0**-6 * (1 + np.abs(at.vector)) * rng.uniform(0.5, 1, at.size)
    move *= rng.choice([-1.0, 1.0], at.size)
    for side in 1, -1:
        there = at.moved_to(at.vector + side * move)
        try:
            there.require_a_number()
            second = judge(
                there, [judged.probes[k] for k in weak], claims_of(gradient, there), gradient, exact
            )
        except Exception:  # outside the domain: nothing to be learnt there
            continue
        for j, k in enumerate(weak):
            _take_over(judged, k, second, j)


def _take_over(judged, k, second, j):
    """Let a decision beside the point stand for entry k; a difference found once stays."""
    if judged.status[k] == DIFFERS or second.kink[j] or second.status[j] == OPEN:
        return
    open_ = judged.status[k] == OPEN and not judged.jump[k]
    says_more = open_ or judged.kink[k] or second.claimed[j] != 0 and judged.status[k] == AGREES
    if second.status[j] == DIFFERS or says_more:
        judged.beside[k] = True
    if second.status[j] == DIFFERS or open_:
        judged.status[k], judged.claimed[k] = second.status[j], second.claimed[j]
        judged.value[k], judged.bar[k] = second.value[j], second.bar[j]


# ------------------------------------------------------------------------------------------ reports


def _rows_of(block, at, found):
    first = np.array([np.ravel(p.where)[0] for p in found.probes])
    end = at.ends[block]
    return found.rows(np.flatnonzero((first >= end - at.arrays[block].size) & (first < end)))


def _plainly_wrong(at, claims, exact):
    """The entries whose claim is off by more than a thousandth."""
    m = measure(at, [Probe(k) for k in range(at.size)], exact)
    with np.errstate(invalid="ignore"):
        off = np.abs(claims.value - m.value) > 1e-3 * np.abs(m.value) + 100 * m.bar + claims.room
    return off & ~m.kink & ~m.jump & np.isfinite(m.bar) & (claims.eps == EPS)


class Verdict(NamedTuple):
    """All that is told of a block where many claims are tried."""

    verdict: str


def _block_report(block, at, claims, found, gradient, n_samples):
    end, parameter, name = at.ends[block], at.arrays[block], at.tree.names[block]
    f = _rows_of(block, at, found)
    size = np.fmax(np.abs(f.claimed), np.abs(f.value))
    with np.errstate(all="ignore"):
        error = np.where(size > 0, np.abs(f.claimed - f.value) / size, 0.0)
        bars = np.where(size > 0, f.bar / size, 0.0)
    verdict = next(v for v in (DIFFERS, OPEN, AGREES) if (f.status == v).any())
    among = np.flatnonzero(f.status == verdict)
    error = np.where(np.isfinite(error), error, 0.0)
    # The first of those that tie but for rounding, so that noise does not choose.
    worst = among[np.argmax(error[among] >= error[among].max() * (1 - 1e-6))]
    known = (f.value != 0) & (f.status != OPEN) & ~f.kink
    dead, kinks = f.flat & (f.claimed == 0) & (f.value == 0) & ~f.lost, np.flatnonzero(f.kink)
    report = BlockReport(
        name,
        parameter.shape,
        len(f.probes),
        VERDICTS[verdict],
        error=float(error[worst]),
        error_bar=float(bars[worst]),
        digits=certain_digits((f.bar[known] / np.abs(f.value[known])).max())
        if known.any()
        else None,
        worst=_entry_name(name, f.probes[worst], end, parameter.shape),
        claimed=_clean(f, f.claimed, worst),
        numerical=_clean(f, f.value, worst),
        differing=int((f.status == DIFFERS).sum()),
        undecided=int((f.status == OPEN).sum()),
        steep=int(f.jump[worst]),
        dead=int(dead.sum()),
        at_kink=len(kinks),
        bracketed=int(f.inside[kinks].sum()),
        slopes=_slopes(f.left[kinks[0]], f.right[kinks[0]]) if len(kinks) else (),
        beside=int(f.beside.sum()),
        lost=int(f.lost.sum()),
    )
    if verdict == DIFFERS:
        indices = [
            p.where - (end - parameter.size) if np.ndim(p.where) == 0 else None for p in f.probes
        ]
        claim = claims.value[end - parameter.size : end].reshape(parameter.shape)
        explain(
            report, f, indices, claim, parameter, n_samples, f.status == DIFFERS, f.status == OPEN
        )
        if report.suggestion in ("", NO_RATIO) or " left out" in report.suggestion:
            claims_at = lambda there: claims_of(gradient, there).value
            words = delta_mistake(block, at, gradient, claims_at)
            report.suggestion = words or report.suggestion
    elif verdict == AGREES and not (dead | (size == 0) | f.kink).all():
        report.ratio = 1.0
    return report


def _slopes(left, right):
    """To three digits; zero for what is nothing beside the jump between them."""
    gap = abs(right - left)
    return tuple(float(f"{s:.3g}") if abs(s) > 1e-6 * gap else 0.0 for s in (left, right))


def _entry_name(name, probe, end, shape):
    if np.ndim(probe.where):
        return f"{name} along a random direction"
    index = np.unravel_index(probe.where - (end - int(np.prod(shape))), shape)
    return f"{name}[{', '.join(map(str, map(int, index)))}]" if index else name


def _clean(f, numbers, k):
    """Zero for a number that cannot be told from zero: its digits are noise."""
    return 0.0 if abs(numbers[k]) <= f.bar[k] and not f.kink[k] else float(numbers[k])
