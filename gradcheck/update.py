"""Is an update the step that gradient descent means? A right gradient can still be applied wrongly.

`update_check` looks at the new weights themselves. It tells a simultaneous update, in which every
derivative is taken at the old weights, from a sequential one, in which some were computed from
weights that the same step had already changed; and it names a step that is another multiple of the
gradient, holds weight decay, or is one of momentum, Nesterov or Adam.

A step is a claim on a slope: (old - new) / eta. It is judged like one, by the error bar of the
slope and the rounding of the step, at eta and at eta/2; smaller eta tell what it tends to.
"""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain, combinations

import numpy as np

from gradcheck import validation
from gradcheck.causes import constant_ratio, factor_words, without_any_factor
from gradcheck.differences import EPS, Cost, is_remembering, measure
from gradcheck.judging import RESOLUTION, coarseness, nearest_slope
from gradcheck.parameters import Tree
from gradcheck.report import Report, entry_name, shown

HALVINGS = 7  # learning rates eta, eta/2, ... for the limit of small steps
UPHILL = "uphill: plus where minus is meant"
FACTORS = {-1: UPHILL, 2: "a factor 2 is too many", 0.5: "a factor ½ is too many"}
ORDERS = RIGHT, SEQUENTIAL, OPEN, WRONG = "simultaneous", "sequential", "not decided", "wrong"
ADAM = {"beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "t": 0}


class UpdateError(AssertionError):
    """An update is not the simultaneous one. The message is the report."""


@dataclass
class BlockUpdate:
    """What the check found for one block of weights."""

    name: str
    entries: int
    verdict: str = RIGHT  # or "sequential", "wrong", "not decided"
    remark: str = ""
    differing: int = 0  # entries that are not the simultaneous step
    worst: tuple = ()  # (entry, new value, simultaneous value) where it is furthest off
    ratio: float | None = None  # of the step to the right one, where it is one for all entries

    def row(self):
        some = 0 < self.differing < self.entries and self.verdict != RIGHT
        of = f"{self.differing} of {self.entries} entries: " if some else ""
        return [self.name, self.verdict, of + self.remark]


@dataclass(repr=False)
class UpdateReport(Report):
    """The verdict on an update, block by block; true if every block is the right step."""

    error, right, head = UpdateError, RIGHT, ["block", "update", "remark"]
    _repr_markdown_ = None

    @property
    def order(self):
        """The worst verdict of any block: "wrong", "not decided", "sequential", "simultaneous"."""
        return max((block.verdict for block in self.blocks.values()), key=ORDERS.index)

    def sentences(self):
        """The worst entries, and the verdict."""
        worst = [block.worst for block in self.blocks.values() if block.worst]
        details = [f"{at}: new {new:.10g}, simultaneous {right:.10g}" for at, new, right in worst]
        return [*details, f"The update is {self.order}."]


def update_check(w_new, cost, w, eta, *, n_samples=None, state=None):
    """Is w_new(w, eta) the simultaneous step "new = old - eta times the slope at the old weights"?

    Parameters
    ----------
    w_new : w_new(w, eta) -> a mapping with the same names and shapes; called with smaller eta too
    cost : cost(w) -> one number, of such a mapping
    w : a mapping of names to arrays or numbers: every parameter that is meant to be trained
    eta : the learning rate, above 0
    n_samples : names the factor n or 1/n of a sum taken for a mean
    state : what a step with a memory has kept: {"velocity": like w} of momentum and Nesterov's;
        {"m": like w, "v": like w, "t": steps so far} of Adam, with "beta1", "beta2", "eps" where
        they are not 0.9, 0.999, 1e-8. Then w_new(w, eta, state) is called, and may return
        (new, state).

    Returns
    -------
    UpdateReport
        True if and only if all blocks are the simultaneous step, or with a state the step of
        momentum, Nesterov or Adam, and a state that it returns is that of this step. The slopes
        are measured from the cost; nothing passed in is changed.

    Raises
    ------
    TypeError, ValueError
        Before anything is judged: for what is no function, mapping or number; an eta that is not
        above 0; NaN, empty or infinite arrays; new weights with other names or shapes.

    >>> cost = lambda p: p["w"] ** 2
    >>> bool(update_check(lambda p, eta: {"w": p["w"] - eta * 2 * p["w"]}, cost, {"w": 3.0}, 0.1))
    True
    >>> uphill = lambda p, eta: {"w": p["w"] + eta * 2 * p["w"]}
    >>> update_check(uphill, cost, {"w": 3.0}, 0.1).blocks["w"].remark
    'uphill: plus where minus is meant'
    """
    validation.function("w_new", w_new)
    eta = float(validation.positive("eta", eta))
    n_samples = validation.count("n_samples", n_samples)
    tree = Tree(validation.mapping("w", w), "w")
    at = Cost(validation.function("cost", cost), tree)
    step = _Step(w_new, tree, eta, state)
    with at.left_as_it_was():
        at.require_a_number()
        found = measure(at, at.along_each())
        parts = [_Block(k, at, step, found, n_samples) for k in range(len(tree.names))]
        decays = [block.decay for block in parts]
        return UpdateReport({block.name: block.judged(decays) for block in parts})


class _Step:
    """An update, taken at eta, eta/2, ...: the moves (old - new) / eta, as vectors."""

    def __init__(self, w_new, tree, eta, state):
        self.tree, self.state, self.w_new, self.eps, self.after = tree, state, w_new, EPS, None
        self.etas = eta * 2.0 ** -np.arange(HALVINGS)
        self.news = np.array([self._new(rate) for rate in self.etas])
        self.moves = (tree.vector - self.news) / self.etas[:, None]

    def _new(self, rate):
        more = () if self.state is None else (copy.deepcopy(self.state),)
        new = self.w_new(self.tree.build([a.copy() for a in self.tree.arrays]), rate, *more)
        if more and isinstance(new, tuple) and len(new) == 2:
            new, after = new
            self.after = self.after or after  # of the first step, at eta itself
        arrays = self._like_w("w_new(w, eta)", validation.mapping("w_new(w, eta)", new))
        self.eps = max(self.eps, *(float(np.finfo(a.dtype).eps) for a in arrays))
        return np.concatenate(arrays).astype(np.float64)

    def _like_w(self, name, structure):
        """The arrays of a structure that is laid out like w, each as a vector."""
        leaves = zip(self.tree.names, self.tree.flatten(structure, name), self.tree.arrays)
        arrays = (validation.same_shape(f"{name}[{key!r}]", leaf, a, f"w[{key!r}]")
                  for key, leaf, a in leaves)  # fmt: skip
        return [a.ravel() for a in arrays]

    def memory(self, key, state):
        """A part of a state that is laid out like w, as one vector; None where there is none."""
        if not isinstance(state, Mapping) or key not in state:
            return None
        return np.concatenate(self._like_w(f"state[{key!r}]", state[key])).astype(np.float64)


class _Block:
    """The moves of one block beside its slopes."""

    def __init__(self, k, at, step, found, n_samples):
        self.k, self.at, self.step, self.part, self.n_samples = k, at, step, at.part(k), n_samples
        self.name, self.shape = str(at.tree.names[k]), at.arrays[k].shape
        self.start, self.moves = at.vector[self.part], step.moves[:, self.part]
        self.move, self.half, self.eta = *self.moves[:2], step.etas[0]
        self.slope, self.bar = nearest_slope(found[self.part], self.move)
        coarse = coarseness(step.eps, np.abs(found.value[self.part]).max())
        sizes = np.abs(self.start) + np.abs(step.news[:2, self.part])
        rounding = 4 * step.eps * sizes / step.etas[:2, None] + coarse
        self.blur, self.blur_of_half = self.bar + rounding + 1e-12 * np.abs(self.slope)
        # The number lambda of a step against slope + lambda w, else None.
        self.decay = self._multiple(self.move - self.slope, self.start)

    def judged(self, decays):
        off = np.abs(self.move - self.slope) > self.blur
        off |= np.abs(self.half - self.slope) > self.blur_of_half
        report = BlockUpdate(self.name, self.start.size, differing=int(off.sum()))
        if off.any() and self.step.state is None:
            report.ratio = self._multiple(self.move, self.slope)
        told = self._with_memory() or self._explained(off, decays) if off.any() else self._not_off()
        report.verdict, report.remark = told
        if off.any() and report.verdict != RIGHT:
            k = np.argmax(np.abs(self.move - self.slope))
            new, right = self.step.news[0, self.part], self.start - self.eta * self.slope
            report.worst = entry_name(self.name, k, self.shape), float(new[k]), float(right[k])
        return report

    def _not_off(self):
        # Where the slope is known, but not the step.
        lost = (self.blur > RESOLUTION * np.abs(self.slope)) & (np.abs(self.slope) > 4 * self.bar)
        if self.step.eps > EPS:  # in float32 a small entry has few digits beside a large one
            lost &= self.blur > 100 * RESOLUTION * np.abs(self.slope).max()
        if lost.any():
            return OPEN, "the step is lost in rounding; take a larger eta"
        return (RIGHT, "") if np.isfinite(self.bar).all() else (OPEN, "the cost has no slope here")

    def _near(self, move, other, relative=0.0):
        return bool((np.abs(move - other) <= 4 * self.blur + relative * np.abs(other)).all())

    def _multiple(self, move, direction):
        """The one number by which a direction must be multiplied to be the move, else None."""
        return constant_ratio(move, direction, self.blur) or None

    def _explained(self, off, decays):
        """(verdict, remark): the first usual reading of the step that fits.

        One number alone is always some multiple of the slope, and of itself: that says nothing
        unless the factor is a usual one, or another block has the same decay.
        """
        ratio, decay, alone = self._multiple(self.move, self.slope), self.decay, len(self.move) == 1
        times = "" if ratio is None else _times(ratio, self.n_samples)
        alike = [d for d in decays if decay and d and abs(d - decay) <= 1e-6 * abs(decay)]
        limit, doubt = _limit(self.moves)
        tends = np.abs(limit - self.slope) <= 10 * (doubt + self.blur) + 1e-8 * abs(self.slope)
        signs = (np.abs(self.moves) - 1 < 1e-6).all()
        if not self.move.any():
            return WRONG, "not updated"
        if self._near(self.half, 2 * self.move):
            return WRONG, "does not depend on eta"
        if signs and self._near(self.move, np.sign(self.slope), 1e-6):
            return WRONG, "the sign of the slope alone, as in Adam's first step: pass its state"
        if times and not (alone and times.endswith("times the step")):
            return WRONG, times
        if self.shape[::-1] == self.shape and self._near(
            self.move, self.slope.reshape(self.shape).T.ravel()
        ):
            return WRONG, "transposed: entry (j, k) moved by the slope of entry (k, j)"
        if decay is not None and (not alone or len(alike) > 1):
            times = f"eta times {shown(decay)} times {self.name}"
            return WRONG, f"weight decay: {times} more than the slope"
        if tends.all():
            # Among many that are tried nobody reads the words, and these are dear.
            return SEQUENTIAL, "" if is_remembering() else self._what_was_moved_before(off)
        if ratio is not None and decay is not None:
            own = f"of one number that may be weight decay, {shown(decay)} times {self.name}"
            return WRONG, f"{shown(ratio)} times the step; {own}"
        return WRONG, "not along the gradient, however small eta is"

    def _what_was_moved_before(self, off):
        """Which other blocks, once moved and followed by a fresh forward pass, explain the step."""
        others = [k for k in range(len(self.at.arrays)) if k != self.k]
        for chosen in chain.from_iterable(combinations(others, size) for size in range(1, 5)):
            point = self.at.vector.copy()
            for part in map(self.at.part, chosen):
                point[part] = self.step.news[0, part]
            if self._is_slope_at(point, self.move, off):
                names = ", ".join(self.at.tree.names[k] for k in chosen)
                return f"its slope was taken after {names} had moved"
        return ("its deltas came through weights that had already moved "
                "(or it holds a term in eta²)")

    def _is_slope_at(self, point, move, where=slice(None)):
        found = measure(self.at.moved_to(point), self.at.along_each(self.k))
        room = found.bar + self.blur + 1e-9 * np.abs(found.value)
        return bool((np.abs(move - found.value) <= room)[where].all())

    # momentum, Nesterov, Adam

    def _with_memory(self):
        velocity, m, v = (self.step.memory(key, self.step.state) for key in ("velocity", "m", "v"))
        told = None
        if m is not None and v is not None:
            told = self._adam(m[self.part], v[self.part])
        elif velocity is not None and velocity[self.part].any():
            self.kept = {"velocity": [self.move, -self.eta * self.move]}
            told = self._momentum(velocity)
        stale = self._stale() if told and told[0] == RIGHT else None
        return (WRONG, f"{told[1]}, but the {stale} that it returns is not that of this step"
                ) if stale else told

    def _stale(self):
        """Which part of the state that the step returns is not what the next one needs."""
        for key, usual in self.kept.items():
            after = self.step.memory(key, self.step.after)
            if after is not None:
                off = [np.abs(after[self.part] - right) - 4 * self.blur for right in usual]
                if not any((o <= 1e-6 * np.abs(right).max()).all() for o, right in zip(off, usual)):
                    return key
        after = self.step.after if isinstance(self.step.after, Mapping) else {}
        return "t" if "m" in self.kept and after.get("t", self.t) != self.t else None

    def _momentum(self, velocity):
        """Which usual form of momentum the step has, if any; its beta is found, not asked for."""
        V = velocity[self.part]
        beta = self._multiple((self.move - self.half) * self.eta, V)
        if beta is not None and 1e-4 < beta < 1:  # v = beta v - eta slope; w = w + v
            return self._from_ahead(self.move + beta * V / self.eta, beta, beta * velocity)
        for move in self.move, _limit(self.moves)[0]:  # v = beta v + slope; w = w - eta v
            a, b = self._parts(move, V)
            if not self._near(move, a * self.slope + b * V, 1e-7):
                continue
            if abs(a + b - 1) < 1e-6 * abs(1 - a) and 0 < b < 1:
                return RIGHT, f"momentum of averaged slopes, beta = {shown(b)}"
            if abs(a - 1) < 1e-6 and 0 < b < 1:
                return self._from_ahead(self.move - b * V, b, -self.eta * b * velocity)
            if 1 < a < 2 and abs(b - (a - 1) ** 2) < 1e-6:
                self.kept["velocity"].append((a - 1) * V + self.slope)
                return RIGHT, f"Nesterov's momentum, beta = {shown(a - 1)}"
            if abs(b) > 1e-6:
                return WRONG, f"{shown(a)} times the slope and {shown(b)} times the velocity"
        return None

    def _parts(self, move, V):
        """a, b with move = a slope + b V; of one entry alone, with a = 1."""
        if V.size == 1:
            return 1.0, ((move - self.slope) / V).item()
        with np.errstate(all="ignore"):
            return np.linalg.lstsq(np.stack([self.slope, V], axis=1), move, rcond=None)[0].tolist()

    def _from_ahead(self, slopes, beta, ahead):
        """With the slope of the old weights it is momentum; of those ahead, Nesterov's."""
        if self._near(slopes, self.slope, 1e-9):
            return RIGHT, f"momentum, beta = {shown(beta)}"
        if self._is_slope_at(self.at.vector + ahead, slopes):
            return RIGHT, f"Nesterov's momentum, beta = {shown(beta)}"
        ratio = self._multiple(slopes, self.slope)
        factor = f"{shown(ratio)} times the slope" if ratio else "another direction than the slope"
        return WRONG, f"momentum, beta = {shown(beta)}, of {factor}"

    def _adam(self, m, v):
        beta1, beta2, eps, t = (
            float(validation.scalar(f"state[{key!r}]", self.step.state.get(key, usual)))
            for key, usual in ADAM.items()
        )
        m = beta1 * m + (1 - beta1) * self.slope
        v = beta2 * v + (1 - beta2) * self.slope**2

        self.kept, self.t = {"m": [m], "v": [v]}, t + 1

        def step(t):
            return m / (1 - beta1**t) / (np.sqrt(v / (1 - beta2**t)) + eps)

        right, words = step(t + 1), f"Adam, step {int(t + 1)}"
        if self._near(self.move, right, 1e-7):
            return RIGHT, words
        for what, other in [
            ("without the bias correction", step(np.inf)),
            ("t is one behind: the correction is that of the step before", step(max(t, 1))),
            (UPHILL, -right),
        ]:
            if self._near(self.move, other, 1e-7):
                return WRONG, f"{words}: {what}"
        decay = self._multiple(self.move - right, self.start)
        return (WRONG, f"Adam with weight decay {shown(decay)}") if decay else None


def _times(ratio, n_samples):
    words = factor_words(ratio, n_samples)
    for factor, name in FACTORS.items():
        if abs(ratio - factor) <= 1e-6:
            return name + "".join(words.partition(", or ")[1:])
    words = without_any_factor(words)
    return f"along the gradient, but {shown(ratio)} times the step{': ' * bool(words)}{words}"


def _limit(moves):
    """The polynomial through the moves, at eta = 0, and how far its last two degrees are apart."""
    column, before = moves, moves[-1]  # each eta is half of the one before
    for degree in range(1, len(moves)):
        before = column[-1]
        column = column[1:] + (column[1:] - column[:-1]) / (2.0**degree - 1)
    return column[-1], np.abs(column[-1] - before)
