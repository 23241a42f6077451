"""Is an update the step that gradient descent means? A right gradient can still be applied wrongly.

`update_check` looks at the new weights themselves. It tells a simultaneous update, in which every
derivative is taken at the old weights, from a sequential one, in which some were computed from
weights that the same step had already changed; and it names a step that is another multiple of the
gradient, holds weight decay, or is one of momentum, Nesterov or Adam.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import chain, combinations

import numpy as np

from gradcheck import validation
from gradcheck.causes import factor_words
from gradcheck.differences import EPS, Cost, Probe, measure
from gradcheck.parameters import Tree
from gradcheck.report import as_table, shown

HALVINGS = 7  # learning rates eta, eta/2, ... for the limit of small steps
RESOLUTION = 1e-4  # a step is decided if rounding is this much smaller than itself
FACTORS = {
    -1.0: "uphill: plus where minus is meant",
    2.0: "a factor 2 is too many",
    0.5: "a factor ½ is too many",
}
ORDERS = ("wrong", "not decided", "sequential", "simultaneous")
ADAM = {"beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "t": 0}


class UpdateError(AssertionError):
    """An update is not the simultaneous one. The message is the report."""


@dataclass
class BlockUpdate:
    """What the check found for one block of weights."""

    name: str
    entries: int
    verdict: str = "simultaneous"  # or "sequential", "wrong", "not decided"
    remark: str = ""
    differing: int = 0  # entries that are not the simultaneous step
    worst: tuple = ()  # (entry, new value, simultaneous value) where it is furthest off
    ratio: float | None = None  # of the step to the right one, where it is one for all entries

    def row(self):
        some = 0 < self.differing < self.entries and self.verdict != "simultaneous"
        of = f"{self.differing} of {self.entries} entries: " if some else ""
        return [self.name, self.verdict, of + self.remark]


@dataclass
class UpdateReport:
    """The verdict on an update, block by block; true if every block is the right step."""

    blocks: dict = field(default_factory=dict)  # name -> BlockUpdate
    eta: float = 0.0

    @property
    def order(self):
        """The worst verdict of any block: "wrong", "not decided", "sequential", "simultaneous"."""
        found = {block.verdict for block in self.blocks.values()}
        return next(verdict for verdict in ORDERS if verdict in found)

    def __bool__(self):
        return self.order == "simultaneous"

    def require(self):
        """Return the report if the update is simultaneous, else raise UpdateError with it."""
        if not self:
            raise UpdateError("\n" + str(self))
        return self

    def __str__(self):
        rows = [["block", "update", "remark"], *(block.row() for block in self.blocks.values())]
        details = [
            f"{place}: new {got:.10g}, simultaneous {right:.10g}"
            for place, got, right in (b.worst for b in self.blocks.values() if b.worst)
        ]
        return "\n".join([*as_table(rows), *details, f"The update is {self.order}."])

    __repr__ = __str__


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
        momentum, Nesterov or Adam. The slopes are measured from the cost; nothing passed in is
        changed.

    Raises
    ------
    TypeError, ValueError
        Before anything is judged: for what is no function, mapping or number; an eta that is not
        above 0; NaN, empty or infinite arrays; new weights with other names or shapes. (S1-56,
        S2-53, S2-72)

    >>> cost = lambda p: p["w"] ** 2
    >>> bool(update_check(lambda p, eta: {"w": p["w"] - eta * 2 * p["w"]}, cost, {"w": 3.0}, 0.1))
    True
    >>> uphill = lambda p, eta: {"w": p["w"] + eta * 2 * p["w"]}
    >>> update_check(uphill, cost, {"w": 3.0}, 0.1).blocks["w"].remark
    'uphill: plus where minus is meant'
    """
    validation.function("w_new", w_new)
    eta = float(validation.positive("eta", eta))
    n_samples = None if n_samples is None else validation.count("n_samples", n_samples)
    if not isinstance(w, Mapping):
        raise TypeError(f"w is of type {type(w).__name__}, expected a mapping of names to arrays")
    tree = Tree(w, "w")
    at = Cost(validation.function("cost", cost), tree)
    step = _Step(w_new, tree, eta, state)
    with at.left_as_it_was():
        at.require_a_number()
        found = measure(at, [Probe(k) for k in range(at.size)])
        blocks = [_Block(k, at, step, found).judged(n_samples) for k in range(len(tree.names))]
    return UpdateReport({block.name: block for block in blocks}, eta)


class _Step:
    """An update, taken at eta, eta/2, ...: the moves old - new, as vectors of all parameters."""

    def __init__(self, w_new, tree, eta, state):
        self.tree, self.state, self.w_new = tree, state, w_new
        self.etas = eta * 2.0 ** -np.arange(HALVINGS)
        self.old = np.concatenate([a.ravel() for a in tree.arrays])
        self.eps = EPS
        self.news = np.array([self._new(rate) for rate in self.etas])
        self.moves = (self.old - self.news) / self.etas[:, None]

    def _new(self, rate):
        copies = self.tree.build([a.copy() for a in self.tree.arrays])
        more = () if self.state is None else (_copy(self.state),)
        new = self.w_new(copies, rate, *more)
        new = new[0] if self.state is not None and isinstance(new, tuple) else new
        if not isinstance(new, Mapping):
            raise TypeError(
                f"w_new(w, eta) is of type {type(new).__name__}, "
                "expected a mapping of names to arrays"
            )
        leaves = self.tree.flatten(new, name="w_new(w, eta)")
        arrays = [
            validation.same_shape(f"w_new(w, eta)[{name!r}]", leaf, a, f"w[{name!r}]")
            for name, leaf, a in zip(self.tree.names, leaves, self.tree.arrays)
        ]
        self.eps = max(self.eps, *(float(np.finfo(a.dtype).eps) for a in arrays))
        return np.concatenate([a.ravel() for a in arrays]).astype(np.float64)

    def memory(self, key):
        """A part of the state that is laid out like w, as one vector; None where there is none."""
        if not isinstance(self.state, Mapping) or key not in self.state:
            return None
        leaves = self.tree.flatten(self.state[key], name=f"state[{key!r}]")
        return np.concatenate([np.asarray(leaf, dtype=np.float64).ravel() for leaf in leaves])


def _copy(state):
    if isinstance(state, Mapping):
        return {key: _copy(value) for key, value in state.items()}
    return np.array(state) if isinstance(state, np.ndarray) else state


class _Block:
    """The moves of one block beside its slopes."""

    def __init__(self, k, at, step, found):
        self.at, self.step, self.name, self.shape = at, step, at.tree.names[k], at.arrays[k].shape
        self.part = slice(at.ends[k] - at.arrays[k].size, at.ends[k])
        self.k, self.moves, self.etas = k, step.moves[:, self.part], step.etas
        low, high = np.minimum(found.left, found.right), np.maximum(found.left, found.right)
        kink = found.kink[self.part]
        inside = np.clip(self.moves[0], low[self.part], high[self.part])
        self.slope = np.where(kink, inside, found.value[self.part])
        self.bar = np.where(kink, 1e-5 * (high - low)[self.part], found.bar[self.part])
        self.start, news = step.old[self.part], step.news[:, self.part]
        coarse = 32 * step.eps * np.abs(found.value).max() * (step.eps > EPS)
        rounding = [
            4 * step.eps * (abs(self.start) + abs(new)) / rate + coarse
            for new, rate in zip(news, self.etas)
        ]
        self.blurs = [self.bar + r + 1e-12 * abs(self.slope) for r in rounding]
        self.blur = self.blurs[0]

    def judged(self, n_samples):
        off = [abs(self.moves[j] - self.slope) > self.blurs[j] for j in (0, 1)]
        off = off[0] | off[1]
        report = BlockUpdate(str(self.name), self.start.size, differing=int(off.sum()))
        lost = (self.blur > RESOLUTION * abs(self.slope)) & (abs(self.slope) > 4 * self.bar)
        if self.step.eps > EPS:  # in float32 a small entry has few digits beside a large one
            lost &= self.blur > 100 * RESOLUTION * abs(self.slope).max()
        if not off.any():
            if lost.any() or not np.isfinite(self.bar).all():
                why = (
                    "the step is lost in rounding; take a larger eta"
                    if lost.any()
                    else ("the cost has no slope here")
                )
                report.verdict, report.remark = "not decided", why
            return report
        self._name(report, off, n_samples)
        if report.verdict != "simultaneous":
            place = np.argmax(abs(self.moves[0] - self.slope))
            index = ", ".join(map(str, map(int, np.unravel_index(place, self.shape))))
            right = self.start[place] - self.etas[0] * self.slope[place]
            report.worst = (
                f"{self.name}[{index}]" if index else str(self.name),
                float(self.step.news[0, self.part][place]),
                float(right),
            )
        return report

    def _name(self, report, off, n_samples):
        known = self._with_memory()
        if known:
            report.verdict, report.remark = known
            return
        report.verdict = "wrong"
        report.ratio = self._ratio(self.moves[0], self.slope)
        if not self.moves[0].any():
            report.remark = "not updated"
        elif self._near(self.moves[1], 2 * self.moves[0]):
            report.remark = "does not depend on eta"
        elif report.ratio is not None and off.any():
            report.remark = _times(report.ratio, n_samples)
        elif self._transposed():
            report.remark = "transposed: entry (j, k) moved by the slope of entry (k, j)"
        elif (decay := self._ratio(self.moves[0] - self.slope, self.start)) is not None:
            report.remark = (
                f"weight decay: eta times {shown(decay)} times {self.name} more than the slope"
            )
        elif (np.abs(self.moves) - 1 < 1e-6).all() and self._near(
            self.moves[0], np.sign(self.slope), 1e-6
        ):
            report.remark = "the sign of the slope alone, as in Adam's first step: pass its state"
        else:
            self._in_the_limit(report, off)

    def _near(self, a, b, relative=0.0):
        return bool((abs(a - b) <= 4 * self.blur + relative * abs(b)).all())

    def _ratio(self, move, direction):
        """The one number by which a direction must be multiplied to be the move, else None."""
        if not direction.any():
            return None
        top = np.argmax(abs(direction))
        ratio = move[top] / direction[top]
        room = (
            4
            * (self.blur + self.blur[top] / abs(direction[top]) * abs(direction))
            * (1 + abs(ratio))
        )
        return float(ratio) if ratio and (abs(move - ratio * direction) <= room).all() else None

    def _transposed(self):
        if len(self.shape) != 2 or self.shape[0] != self.shape[1]:
            return False
        return self._near(self.moves[0], self.slope.reshape(self.shape).T.ravel())

    def _in_the_limit(self, report, off):
        limit, doubt = _limit(self.moves)
        room = 10 * (doubt + self.blur) + 1e-8 * abs(self.slope)
        if (abs(limit - self.slope) <= room).all():
            report.verdict, report.remark = "sequential", self._what_was_moved_before(off)
        else:
            report.remark = "not along the gradient, however small eta is"

    def _what_was_moved_before(self, off):
        """Which other blocks, once moved and followed by a fresh forward pass, explain the step."""
        others = [k for k in range(len(self.at.arrays)) if k != self.k]
        sizes = range(1, min(len(others), 4) + 1)
        for chosen in chain.from_iterable(combinations(others, size) for size in sizes):
            point = self.step.old.copy()
            for k in chosen:
                part = slice(self.at.ends[k] - self.at.arrays[k].size, self.at.ends[k])
                point[part] = self.step.news[0, part]
            if self._near_at(point, self.moves[0], off):
                names = ", ".join(self.at.tree.names[k] for k in chosen)
                return f"its slope was taken after {names} had moved"
        return ("its deltas came through weights that had already moved "
                "(or it holds a term in eta²)")

    def _near_at(self, point, move, off=slice(None)):
        """Is this move the slope at another point?"""
        probes = [Probe(k) for k in range(self.part.start, self.part.stop)]
        found = measure(self.at.moved_to(point), probes)
        room = found.bar + self.blur + 1e-9 * abs(found.value)
        return bool((abs(move - found.value) <= room)[off].all())

    # momentum, Nesterov, Adam

    def _with_memory(self):
        velocity, m, v = (self.step.memory(key) for key in ("velocity", "m", "v"))
        if m is not None and v is not None:
            return self._adam(m[self.part], v[self.part])
        if velocity is None or not velocity[self.part].any():
            return None
        return self._momentum(velocity) or None

    def _momentum(self, velocity):
        """Which usual form of momentum the step has, if any; its beta is found, not asked for."""
        V, (one, two) = velocity[self.part], self.moves[:2]
        beta = self._ratio((one - two) * self.etas[0], V)  # v = beta v - eta slope; w = w + v
        if beta is not None and 1e-4 < beta < 1:
            return self._from_ahead(one + beta * V / self.etas[0], beta, beta * velocity)
        for move in one, _limit(self.moves)[0]:  # v = beta v + slope; w = w - eta v
            a, b = self._parts(move, V)
            if not self._near(move, a * self.slope + b * V, 1e-7):
                continue
            if abs(b / (1 - a) - 1) < 1e-6 and 0 < b < 1:
                return "simultaneous", f"momentum of averaged slopes, beta = {shown(b)}"
            if abs(a - 1) < 1e-6 and 0 < b < 1:
                return self._from_ahead(one - b * V, b, -self.etas[0] * b * velocity)
            if 1 < a < 2 and abs(b - (a - 1) ** 2) < 1e-6:
                return "simultaneous", f"Nesterov's momentum, beta = {shown(a - 1)}"
            if abs(b) > 1e-6:
                return "wrong", f"{shown(a)} times the slope and {shown(b)} times the velocity"
        return None

    def _parts(self, move, V):
        """a, b with move = a slope + b V; of one entry alone, with a = 1."""
        if V.size == 1:
            return 1.0, float(((move - self.slope) / V)[0])
        with np.errstate(all="ignore"):
            (a, b), *_ = np.linalg.lstsq(np.stack([self.slope, V], axis=1), move, rcond=None)
        return float(a), float(b)

    def _from_ahead(self, slopes, beta, ahead):
        """With the slope of the old weights it is momentum; of those ahead, Nesterov's."""
        if self._near(slopes, self.slope, 1e-9):
            return "simultaneous", f"momentum, beta = {shown(beta)}"
        if self._near_at(self.step.old + ahead, slopes):
            return "simultaneous", f"Nesterov's momentum, beta = {shown(beta)}"
        ratio = self._ratio(slopes, self.slope)
        factor = f"{shown(ratio)} times the slope" if ratio else "another direction than the slope"
        return "wrong", f"momentum, beta = {shown(beta)}, of {factor}"

    def _adam(self, m, v):
        c = {key: float(self.step.state.get(key, value)) for key, value in ADAM.items()}
        t, g = c["t"] + 1, self.slope
        m1, v1 = (c["beta1"] * m + (1 - c["beta1"]) * g, c["beta2"] * v + (1 - c["beta2"]) * g**2)

        def step(bias1, bias2, eps):
            return m1 / bias1 / (np.sqrt(v1 / bias2) + eps)

        right = step(1 - c["beta1"] ** t, 1 - c["beta2"] ** t, c["eps"])
        if self._near(self.moves[0], right, 1e-7):
            return "simultaneous", f"Adam, step {int(t)}"
        for words, other in (
            ("without the bias correction", step(1, 1, c["eps"])),
            (
                "t is one behind: the correction is that of the step before",
                step(1 - c["beta1"] ** max(t - 1, 1), 1 - c["beta2"] ** max(t - 1, 1), c["eps"]),
            ),
            ("uphill: plus where minus is meant", -right),
        ):
            if self._near(self.moves[0], other, 1e-7):
                return "wrong", f"Adam, step {int(t)}: {words}"
        decay = self._ratio(self.moves[0] - right, self.start)
        return ("wrong", f"Adam with weight decay {shown(decay)}") if decay else None


def _times(ratio, n_samples):
    for factor, words in FACTORS.items():
        if abs(ratio - factor) <= 1e-6:
            plain = factor_words(ratio, n_samples)
            return words + (f", or {plain.partition(', or ')[2]}" if ", or " in plain else "")
    words = factor_words(ratio, n_samples).removesuffix("a constant factor").removesuffix(" and ")
    return f"along the gradient, but {shown(ratio)} times the step" + (
        f": {words}" if words else ""
    )


def _limit(moves):
    """The polynomial through the moves, at eta = 0, and how far its last two degrees are apart."""
    column, before = list(moves), moves[-1]  # each eta is half of the one before
    for degree in range(1, len(moves)):
        before = column[-1]
        column = [low + (low - high) / (2.0**degree - 1) for high, low in zip(column, column[1:])]
    return column[-1], abs(column[-1] - before)
