"""Is this code the gradient of this cost? `gradient_check` says, entry by entry.

How a claim is judged stands in `judging`. Large blocks are first checked in groups of entries of
like size, each along one random direction, in which errors cannot cancel; a group that does not
agree is opened.
"""

import sys
import time

import numpy as np

from gradcheck import validation
from gradcheck.causes import NO_RATIO, explain
from gradcheck.differences import Cost, Probe, table
from gradcheck.judging import (
    AGREES,
    DIFFERS,
    GROUP,
    JUDGED,
    OPEN,
    RESOLUTION,
    claims_of,
    judge,
)
from gradcheck.network import delta_mistake
from gradcheck.parameters import Tree
from gradcheck.report import BlockReport, GradientReport, certain_digits, entry_name

BIG = 128  # a block with more entries is checked in groups
MOST_OPENED = 8  # groups that differ whose entries are looked at one by one
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
    n_samples = validation.count("n_samples", n_samples)
    sample = validation.count("sample", sample, least=0)
    at = Cost(validation.function("cost", cost), tree)
    with at.left_as_it_was():
        at.require_a_number()
        claims = claims_of(gradient, at)
        found = _judge_all(at, claims, gradient, exact, sample)
        block = at.block_of(found.probe)
        reports = {name: _report(k, at, claims, found[block == k], gradient, n_samples)
                   for k, name in enumerate(tree.names)}  # fmt: skip
    complex_too = "the complex step, confirmed by " if found.exact.any() else ""
    return GradientReport(reports, f"{complex_too}central differences")


# -------------------------------------------------------------------------------- groups of entries


def _judge_all(at, claims, gradient, exact, sample):
    probes, groups = [], []
    for k, block in enumerate(at.arrays):
        entries = np.arange(at.size)[at.part(k)]
        if sample is not None and sample < block.size:
            probes += _sampled(entries, sample)
        elif block.size > BIG:
            groups += _grouped(entries, claims.value)
        else:
            probes += map(Probe, entries)
    found = [judge(at, part, claims, gradient, exact) for part in _portions(groups)]
    groups = np.concatenate([table([], JUDGED), *found]).view(np.recarray)
    fine, differ = (groups.status == AGREES) & ~groups.kink, groups.status == DIFFERS
    enough = differ & (np.cumsum(differ) > MOST_OPENED)
    probes += [Probe(k) for p in groups.probe[~fine & ~enough] for k in p.where]
    found = [_spread(groups[fine], claims), groups[enough]]
    for part in _portions(probes):
        found.append(judge(at, part, claims, gradient, exact))
        if callable(gradient):
            _judge_beside(found[-1], at, gradient, exact)
    return np.concatenate(found).view(np.recarray)


def _portions(probes, size=512):
    """On a terminal a line tells how far a long check has come."""
    start = time.monotonic()
    for k in range(0, len(probes), size):
        if time.monotonic() - start > 2 and sys.stderr.isatty():
            print(f"\rgradient_check: {k} of {len(probes)}", end="", file=sys.stderr)
        yield probes[k : k + size]


def _sampled(entries, sample):
    picked = entries[np.linspace(0, len(entries) - 1, sample).round().astype(int)]
    signs = np.random.default_rng(len(entries)).choice([-1.0, 1.0], len(entries))
    return [Probe(entries, signs / np.sqrt(len(entries))), *map(Probe, picked)]


def _grouped(entries, claims):
    """Directions through entries of one power of two, signed so that nothing cancels in them."""
    order = entries[np.argsort(np.abs(claims[entries]), kind="stable")]
    along = np.random.default_rng(len(entries)).uniform(0.5, 1, len(entries))
    _, power = np.frexp(claims[order])
    power[claims[order] == 0] = np.iinfo(power.dtype).min
    starts = [0, *np.flatnonzero(np.diff(power)) + 1, len(order)]
    ends = [k for pair in zip(starts, starts[1:]) for k in range(*pair, GROUP)] + [len(order)]
    return [
        Probe(part := order[a:b], np.where(claims[part] < 0, -1, 1) * along[a:b] / np.sqrt(b - a))
        for a, b in zip(ends, ends[1:])
    ]


def _spread(groups, claims):
    """What groups that agree say of each of their entries."""
    sizes = [len(p.where) for p in groups.probe]
    where = np.concatenate([[], *(p.where for p in groups.probe)]).astype(int)
    each, group = table(list(map(Probe, where)), JUDGED), np.repeat(groups, sizes)
    each.value = each.claimed = np.where(group["lost"], 0, claims.value[where])
    each.bar = group["bar"] * 2 * np.sqrt(np.repeat(sizes, sizes))
    each.exact, each.still, each.lost = group["exact"], group["still"], group["lost"]
    return each


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
            second = judge(there, judged.probe[weak], claims_of(gradient, there), gradient, exact)
        except Exception:  # outside the domain: nothing to be learnt there
            continue
        for k, other in zip(weak, second):
            _take_over(judged[k], other)


def _take_over(entry, other):
    """Let a decision beside the point stand for an entry; a difference found once stays."""
    if entry.status == DIFFERS or other.kink or other.status == OPEN:
        return
    undecided = entry.status == OPEN and not entry.jump
    says_more = undecided or entry.kink or other.claimed != 0 and entry.status == AGREES
    entry.beside |= other.status == DIFFERS or says_more
    if other.status == DIFFERS or undecided:
        for name in "status", "claimed", "value", "bar":
            entry[name] = other[name]


# ------------------------------------------------------------------------------------------ reports


def _report(k, at, claims, f, gradient, n_samples):
    name, parameter, part = at.tree.names[k], at.arrays[k], at.part(k)
    verdict = next(v for v in (DIFFERS, OPEN, AGREES) if (f.status == v).any())
    size, nothing = np.fmax(np.abs(f.claimed), np.abs(f.value)), (f.claimed == 0) & (f.value == 0)
    kinds = {
        "differing": f.status == DIFFERS, "undecided": f.status == OPEN,
        "dead": f.still & nothing & ~f.lost, "at_kink": f.kink, "bracketed": f.kink & f.inside,
        "beside": f.beside, "lost": f.lost,
    }  # fmt: skip
    counts = {kind: int(those.sum()) for kind, those in kinds.items()}
    known = f[(f.value != 0) & (f.status != OPEN) & ~f.kink]
    digits = certain_digits((known.bar / np.abs(known.value)).max()) if len(known) else None
    worst = _worst(f, size, verdict, name, part.start, parameter.shape)
    report = BlockReport(name, parameter.shape, len(f), VERDICTS[verdict], **counts, **worst,
                         digits=digits, slopes=_slopes(f), vectors=_vectors(f, claims))  # fmt: skip
    if verdict == AGREES and not ((size == 0) | f.kink).all():
        report.ratio = 1.0
    if verdict == DIFFERS:
        explain(report, f, claims.value[part], parameter, part.start, n_samples)
        if report.suggestion in ("", NO_RATIO) or " left out" in report.suggestion:
            words = delta_mistake(k, at, gradient, lambda there: claims_of(gradient, there).value)
            report.suggestion = words or report.suggestion
    return report


def _worst(f, size, verdict, name, start, shape):
    """What a report tells of the entry with the largest error among those of its verdict."""
    with np.errstate(all="ignore"):
        error, bars = np.where(size > 0, [np.abs(f.claimed - f.value) / size, f.bar / size], 0)
    error = np.where(np.isfinite(error), error, 0)
    among = np.flatnonzero(f.status == verdict)
    # The first of those that tie but for rounding, so that noise does not choose.
    k = among[np.argmax(error[among] >= error[among].max() * (1 - 1e-6))]
    where, entry = f.probe[k].where, f"{name} along a random direction"
    # Zero for a number that cannot be told from zero: its digits are noise.
    noise = 0 if f.kink[k] else f.bar[k]
    told = lambda number: 0.0 if abs(number) <= noise else float(number)
    return {
        "error": float(error[k]), "error_bar": float(bars[k]),
        "worst": entry if np.ndim(where) else entry_name(name, where - start, shape),
        "claimed": told(f.claimed[k]), "numerical": told(f.value[k]),
        "steep": int(f.jump[k]), "seen": float(f.seen[k]),
    }  # fmt: skip


def _vectors(f, claims):
    """Claims and slopes of the entries that were looked at, NaN for a slope that is not sure."""
    each = f[[np.ndim(probe.where) == 0 for probe in f.probe]]
    sure = (each.status != OPEN) & ~each.kink & (each.bar <= RESOLUTION * np.abs(each.value))
    where = np.array([probe.where for probe in each.probe], int)
    return claims.value[where], np.where(sure, each.value, np.nan)


def _slopes(f):
    """At the first kink, to three digits; zero for what is nothing beside the jump between them."""
    if not f.kink.any():
        return ()
    k = np.argmax(f.kink)
    gap = abs(f.right[k] - f.left[k])
    return tuple(float(f"{s:.3g}") if abs(s) > 1e-6 * gap else 0.0 for s in (f.left[k], f.right[k]))
