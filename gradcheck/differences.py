"""Derivatives by numbers, each with an error bar that holds the truth.

Three formulas to learn from (`forward_difference`, `central_difference`, `complex_step`), and a
derivative that knows its own error (`derivative`, `numerical_gradient`). It rests on three ideas:

1. One ladder of steps, 64 to 2**-45 times the size of the parameter. Its slopes are extrapolated
   to h = 0 from the finest step upwards, as long as no coarser estimate contradicts the finer ones:
   so a ripple, a kink some way off or the edge of a domain ends the climb and does no harm.
2. The rounding is measured, at the point and at each step, by asking again with parameters that
   differ in their last digits.
3. The complex step subtracts nothing and keeps all digits however small a derivative is, but some
   costs deceive it (abs, for one): it stands only where central differences confirm it.

Where the slopes to the left and to the right differ there is a kink, and these two are the answer.
"""

import copy
import warnings
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from gradcheck import validation
from gradcheck.parameters import Tree

EPS = np.finfo(np.float64).eps
RATIO = 8  # of each step to the next
STEPS = 2.0 ** -np.arange(-6, 46, 3)  # powers of two: x + h is then exact more often
FINER = 2.0**-45  # a second ladder below the first, for tiny numbers
TINY_STEP = 2.0**-100  # of the complex step: its truncation error is nothing
ORDERS = 4  # of the extrapolation


class Estimate(NamedTuple):
    """A number and how far it may be from the truth."""

    value: Any
    error_bar: Any


# -------------------------------------------------------------------------------- three formulas


def forward_difference(f, x, h):
    """The slope of the chord from x to x + h; wrong by about h f''(x) / 2, and by rounding / h.

    >>> float(forward_difference(lambda x: x**2, 3.0, 0.5))
    6.5
    """
    x, h = validation.array("x", x), validation.positive("h", h)
    return (f(x[()] + h) - f(x[()])) / h


def central_difference(f, x, h):
    """The slope of the chord from x - h to x + h; wrong by about h² f'''(x) / 6 and rounding / h.

    >>> float(central_difference(lambda x: x**2, 3.0, 0.5))
    6.0
    """
    x, h = validation.array("x", x), validation.positive("h", h)
    return (f(x[()] + h) - f(x[()] - h)) / (2 * h)


def complex_step(f, x, h=1e-20):
    """The imaginary part of f(x + ih), divided by h; wrong by about h² f'''(x) / 6, no more.

    f must accept complex numbers and be analytic: TypeError where it returns a real number.

    >>> float(complex_step(lambda x: x**2, 3.0))
    6.0
    """
    x, h = validation.array("x", x), validation.positive("h", h)
    value = f(x[()] + 1j * h)
    if not np.iscomplexobj(value):
        raise TypeError(
            "f returned a real number for a complex one: it is not analytic (abs? real? a cast?)"
        )
    return value.imag / h


# ------------------------------------------------------- a derivative that knows its error


def derivative(f, x):
    """f'(x) for a function of one float, as `Estimate(value, error_bar)`.

    The error bar is inf where f has a kink at x or no step gives a slope. Raises ValueError where
    f(x) is not one finite number, TypeError where it is no real number.

    >>> value, error_bar = derivative(lambda x: x**3, 2.0)
    >>> abs(value - 12) <= error_bar < 1e-9
    True
    """
    x = validation.scalar("x", x)
    cost = Cost(validation.function("f", f), Tree(x, "x"), "f")
    cost.require_a_number()
    found = measure_real(cost, [Probe(0)])
    return Estimate(found.value.item(), found.bar.item())


def numerical_gradient(cost, parameters, exact=True):
    """The partial derivatives of cost(parameters), measured.

    Parameters
    ----------
    cost : function of the parameters, returns one number
    parameters : an array, a number, or a mapping, tuple or list of such, nested as you like
    exact : False leaves out the complex step

    Returns
    -------
    The structure of `parameters`, with an `Estimate` for each array: two arrays of its shape,
    values and error bars (inf at a kink, where the value is the mean of the two slopes).

    >>> float(numerical_gradient(lambda p: p["w"] ** 2, {"w": 3.0})["w"].value)
    6.0
    """
    tree = Tree(parameters)
    at = Cost(validation.function("cost", cost), tree)
    with at.left_as_it_was():
        at.require_a_number()
        found = measure(at, [Probe(k) for k in range(at.size)], exact)
    pairs = zip(at.split(found.value), at.split(found.bar))
    return tree.build_with([Estimate(value[()], bar[()]) for value, bar in pairs])


# ---------------------------------------------------------------------------- the cost along a line


class Probe(NamedTuple):
    """A line through the parameters, laid out as one vector: one entry of it, or some together."""

    where: Any
    along: Any = 1.0


class Cost:
    """A cost along lines through a point: `cost(probe, t)`, on copies of the parameters."""

    def __init__(self, function, tree, name="cost", arrays=None, dtype=np.float64):
        self.function, self.tree, self.name, self.dtype = function, tree, name, dtype
        self.arrays = tree.arrays if arrays is None else arrays
        self.vector = np.concatenate([a.ravel() for a in self.arrays]).astype(dtype)
        self.size, self.ends = self.vector.size, np.cumsum([a.size for a in self.arrays])
        self.work = self.split(self.vector)
        self.eps = EPS
        self.reach = np.concatenate([np.full(a.size, _power_of_two(a)) for a in self.arrays])

    def split(self, vector):
        """A vector of all parameters, as arrays of their shapes: views, not copies."""
        return [
            part.reshape(a.shape) for part, a in zip(np.split(vector, self.ends[:-1]), self.arrays)
        ]

    def moved_to(self, vector, dtype=np.float64):
        there = Cost(self.function, self.tree, self.name, self.split(vector), dtype)
        there.eps = self.eps
        return there

    def here(self):
        """The cost at the point itself."""
        value = self.function(self.tree.build(self.work))
        self.kind = getattr(value, "dtype", None)
        return one_number(self.name, value)

    def here_or_nan(self):
        """The same, NaN where the cost cannot be had: outside its domain it may raise anything."""
        try:
            return self.here()
        except Exception:
            if self.dtype is np.complex128:
                raise
            return np.nan

    def __call__(self, probe, t):
        before = self.vector[probe.where]
        self.vector[probe.where] = before + t * probe.along
        try:
            return self.here_or_nan()
        finally:
            self.vector[probe.where] = before

    def step(self, probe, t):
        """The step really taken: x + t is rounded, and t with it."""
        if np.ndim(probe.where):
            return t
        x = self.vector[probe.where]
        return (x + t) - x

    def require_a_number(self):
        try:
            first = self.here()
        except (TypeError, ValueError):
            raise
        except Exception as error:
            raise ValueError(
                f"{self.name} cannot be had at these parameters: {type(error).__name__}: {error}"
            ) from error
        if np.iscomplexobj(first):
            raise TypeError(f"{self.name} returned a complex number, expected a real one")
        validation.finite(f"{self.name} at these parameters", np.asarray(first))
        self.tree.require_unchanged(self.name, self.work, self.arrays)
        self.eps = max(EPS, precision_of(self.kind))
        if not is_remembering() and self.here() != first:
            raise ValueError(
                f"{self.name} gave {first} and then {self.here()} for the same "
                "parameters: fix its random choices"
            )

    def left_as_it_was(self):
        """Afterwards a model that keeps its parameters holds those that it was given."""
        return _LeftAsItWas(self)


class _LeftAsItWas:
    def __init__(self, cost):
        self.cost = cost

    def __enter__(self):
        return self.cost

    def __exit__(self, *_):
        if is_remembering():
            return
        self.cost.moved_to(np.concatenate([a.ravel() for a in self.cost.arrays])).here_or_nan()


def precision_of(kind):
    """The rounding of a type of numbers, also of another library's; 0 for what is no float."""
    name = str(kind).rpartition(".")[2]
    return float(np.finfo(name).eps) if name in ("float16", "float32", "float64") else 0.0


def one_number(name, value):
    """The one number that a cost returned, whatever it is wrapped in; float64 or complex."""
    found = np.asarray(validation.plain(value))
    if found.size != 1:
        raise ValueError(
            f"{name} returned an array of shape {found.shape}, expected a single number"
        )
    found = found.reshape(())[()]
    if isinstance(found, (bool, np.bool_, str)) or not hasattr(found, "__float__"):
        raise TypeError(f"{name} returned {value!r}, expected a single number")
    return found if np.iscomplexobj(found) else np.float64(found)


def _power_of_two(a):
    return 2.0 ** np.ceil(np.log2(max(1.0, np.abs(a).max())))


# ------------------------------------------------------------------------------------- measuring


@dataclass
class Measured:
    """For each probe: the derivative with its error bar, and what is known of its surroundings."""

    value: np.ndarray
    bar: np.ndarray  # inf where there is no derivative
    kink: np.ndarray  # the slopes to the two sides differ
    jump: np.ndarray  # the cost jumps, or is infinitely steep
    left: np.ndarray  # one-sided slopes where there is a kink, and their error bars
    right: np.ndarray
    flat: np.ndarray  # the cost does not change along the line
    scale: np.ndarray  # slopes of chords a little farther off; 0 where nobody looked
    method: str = "central differences"

    def put(self, rows, other):
        for name in "value", "bar", "kink", "jump", "left", "right", "flat", "scale":
            getattr(self, name)[rows] = getattr(other, name)


_memory = ContextVar("what was measured", default=None)


@contextmanager
def remembering():
    """Inside, nothing is measured twice: for one who checks many claims against one cost."""
    token = _memory.set({})
    try:
        yield
    finally:
        _memory.reset(token)


def is_remembering():
    return _memory.get() is not None


def measure(cost, probes, exact=True):
    """Each derivative by the complex step where that is confirmed, else by central differences."""
    memory = _memory.get()
    if memory is None:
        return _measure(cost, probes, exact)
    places = tuple(np.ravel(p.where)[0] for p in probes), tuple(np.size(p.where) for p in probes)
    key = cost.vector.tobytes(), float(cost.here()), places, exact
    if key not in memory:
        memory[key] = _measure(cost, probes, exact)
    return copy.deepcopy(memory[key])


def _measure(cost, probes, exact):
    n, zero = len(probes), np.zeros(len(probes))
    found = Measured(
        zero, zero + np.inf, zero > 0, zero > 0, zero.copy(), zero.copy(), zero > 0, zero.copy()
    )
    analytic = _complex_steps(cost, probes) if exact else None
    sure = np.zeros(n, bool) if analytic is None else _seen_at_once(cost, probes, analytic.value)
    rest = np.flatnonzero(~sure)
    if len(rest):
        others = [probes[k] for k in rest]
        found.put(rest, measure_real(cost, others))
    if analytic is None:
        return found
    if len(rest):  # the less sure, the more often it is shaken
        wider = _complex_steps(cost, others, 8)
        analytic.error_bar[rest] = np.inf if wider is None else wider.error_bar
    gap = np.abs(analytic.value - found.value)
    smooth = ~sure & np.isfinite(found.bar)
    confirmed = sure | smooth & (gap <= 4 * found.bar + analytic.error_bar)
    if confirmed.any() and not (smooth & ~confirmed).any():
        found.method = "the complex step, confirmed by central differences"
        overlooked = (analytic.value == 0) & (found.value != 0)
        usable = sure | ~(found.kink | found.jump | overlooked)
        found.value = np.where(usable, analytic.value, found.value)
        found.bar = np.where(usable, analytic.error_bar, found.bar)
        found.flat |= sure & (analytic.value == 0)
    elif sure.any():
        again = np.flatnonzero(sure)
        found.put(again, measure_real(cost, [probes[k] for k in again]))
    return found


def _seen_at_once(cost, probes, slopes):
    """Where one central difference has the slope to seven digits: the usual case, and quick."""
    seen = np.zeros(len(probes), bool)
    here = cost.here()
    with np.errstate(all="ignore"):
        for k, probe in enumerate(probes):
            h = cost.reach[np.ravel(probe.where)[0]] * 2.0**-18
            up, down = cost(probe, h), cost(probe, -h)
            chord = (up - down) / (cost.step(probe, h) - cost.step(probe, -h))
            seen[k] = abs(chord - slopes[k]) <= 1e-7 * abs(slopes[k]) and slopes[k] != 0
            if slopes[k] == 0 and up == here == down:
                seen[k] = all(cost(probe, t * h) == here for t in (2**15, -(2**15), 64, -64))
    return seen


def _complex_steps(cost, probes, points=3):
    """The complex step at some points that differ in the last digits; None where it fails."""
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("error", np.exceptions.ComplexWarning)  # a cast to real numbers
            slopes = np.array([_complex_slopes(cost, probes, k) for k in range(points)])
    except Exception:  # whatever way the cost refuses complex numbers: differences take over
        return None
    if not np.isfinite(slopes).all():
        return None
    wobble = np.abs(slopes - slopes[0]).max(axis=0)
    return Estimate(slopes[0], 16 * wobble + 256 * cost.eps * np.abs(slopes[0]))


def _complex_slopes(cost, probes, k):
    at = shaken(cost, k, np.complex128)
    h = TINY_STEP * (1 + 0.3 * k)  # a power of two for k = 0, so that integers stay exact
    values = [at(probe, 1j * h) for probe in probes]
    if not all(np.iscomplexobj(value) for value in values):
        raise TypeError("a real result")
    return np.array([value.imag for value in values]) / h


def measure_real(cost, probes):
    """The derivatives by the ladder of central differences, and the kinks that it sees."""
    with np.errstate(all="ignore"):
        noise = rounding_of(cost)
        found = _Ladder(cost, probes, STEPS, noise).measured()
        open_ = ~(found.bar <= 1e-6 * np.abs(found.value)) & ~found.flat
        size = np.array([np.abs(cost.vector[p.where]).max() for p in probes])
        tiny = (size > 0) & (size < 2.0**-20)
        rows = np.flatnonzero(open_ & tiny)
        if len(rows):  # a kink or an edge may be nearer than the finest step
            finer = _Ladder(cost, [probes[k] for k in rows], STEPS * FINER, noise).measured()
            better = finer.bar <= 1e-4 * np.abs(finer.value)
            _keep(finer, better)
            found.put(rows[better], finer)
    return found


def _keep(found, rows):
    for name in "value", "bar", "kink", "jump", "left", "right", "flat", "scale":
        setattr(found, name, getattr(found, name)[rows])


class _Ladder:
    """The cost at x + h and x - h for a ladder of steps, the finest last: rows are probes."""

    def __init__(self, cost, probes, steps, noise):
        self.here = cost.here()
        reach = np.array([cost.reach[np.ravel(p.where)[0]] for p in probes])[:, None]
        h = reach * steps
        self.up, self.down, self.up_step, self.down_step = _both_sides(
            [cost] * len(steps), probes, h
        )
        self.h = (self.up_step + self.down_step) / 2
        self.slopes = (self.up - self.down) / (2 * self.h)
        up, down, *_ = _both_sides([shaken(cost, k) for k in range(1, len(steps) + 1)], probes, h)
        off = np.abs((up - self.up) - (down - self.down)) / 2
        least = cost.eps / 2 * np.fmax(np.abs(self.up), np.abs(self.down))
        self.noise = _slope_noise(np.fmax(np.fmax(off, least), noise), self.h)

    def measured(self):
        sides = self._one_sided()
        left, right = (climb(slopes, h, 1.5 * self.noise, 1) for slopes, h in sides)
        bends = self._bends(*(slopes for slopes, _ in sides))
        value, bar = climb(self.slopes, self.h, 1.5 * self.noise, 2, _doubt(bends, self.noise))
        mean, width = (left.value + right.value) / 2, (left.error_bar + right.error_bar) / 2
        better = width <= bar  # where the second derivative jumps
        value, bar = np.where(better, mean, value), np.where(better, width, bar)
        kink, jump = self._kinks(bends, sides)
        gap = right.value - left.value
        kink &= right.error_bar + left.error_bar < 0.5 * np.abs(gap)
        ends = [
            side.value + np.where(kink, way * np.sign(gap) * side.error_bar, 0)  # with their bars
            for side, way in ((left, -1), (right, 1))
        ]
        bar = np.where(kink | jump | np.isnan(value), np.inf, bar)
        near = np.arange(self.h.shape[1]) >= np.argmax(STEPS < 0.2)
        flat = ((self.up == self.here) & (self.down == self.here) | ~near).all(axis=1)
        value = np.where(flat, 0.0, value)
        wide = (STEPS < 2) & (STEPS > 0.1)
        rise = np.fmax(np.abs(self.up - self.here), np.abs(self.down - self.here)) / self.h
        scale = np.max(np.where(np.isfinite(rise) & wide, rise, 0), axis=1)
        return Measured(value, bar, kink, jump, *ends, flat, scale)

    def _one_sided(self):
        """The slopes of the chords to the left and to the right, with their steps."""
        return (
            ((self.here - self.down) / self.down_step, self.down_step),
            ((self.up - self.here) / self.up_step, self.up_step),
        )

    def _bends(self, left, right):
        """How much the slope jumps within each step: of R - L = J + c h, two steps give J."""
        bend = right - left
        return (RATIO * bend[:, 1:] - bend[:, :-1]) / (RATIO - 1)

    def _kinks(self, J, sides):
        """Where the slope jumps at the point (kink), and where it grows beyond bounds (jump).

        A kink has the same J at the finest steps that are above the rounding.
        """
        rows = np.arange(len(J))
        seen = np.abs(J) > 64 * self.noise[:, 1:]
        both = seen[:, 1:] & seen[:, :-1] & (STEPS[1:-1] < 0.1)  # what is farther off is not here
        last = both.shape[1] - 1 - np.argmax(both[:, ::-1], axis=1)
        fine, coarse = J[rows, last + 1], J[rows, last]
        # Below them must be rounding alone: else the bend has gone, and was farther off.
        below = np.minimum(last + 2, J.shape[1] - 1)
        ends = (last + 2 == J.shape[1]) | (np.abs(fine) <= 128 * self.noise[rows, below + 1])
        real = both.any(axis=1) & ends
        kink = real & (np.abs(fine - coarse) < 0.25 * np.abs(fine))
        jump = real & ~kink & (np.abs(coarse) < np.abs(fine))
        for side, _ in sides:
            size = np.abs(side[:, -4:])
            jump |= (
                (size[:, 1:] > 1.5 * size[:, :-1]) & (size > 64 * self.noise[:, -4:])[:, 1:]
            ).all(axis=1)
        return kink, jump & ~kink


def _doubt(J, noise):
    """What a kink some way off may hide: from afar the slope is the mean of those at its sides."""
    same = np.abs(J[:, 1:] - J[:, :-1]) < 0.5 * np.abs(J[:, 1:])
    same &= np.abs(J[:, 1:]) > 6 * noise[:, 2:]
    doubt = np.pad(np.where(same, np.abs(J[:, 1:]) / 2, 0), ((0, 0), (1, 1)))
    return np.maximum.accumulate(doubt[:, ::-1], axis=1)[:, ::-1]


def _both_sides(costs, probes, h):
    """The costs at both ends of each step, and the steps really taken: rows are probes."""
    rows = [
        [
            (cost(p, t), cost(p, -t), cost.step(p, t), -cost.step(p, -t))
            for cost, t in zip(costs, ts)
        ]
        for p, ts in zip(probes, h)
    ]
    return np.moveaxis(np.array(rows, dtype=np.float64), -1, 0)


def shaken(cost, k, dtype=np.float64):
    """The cost at parameters that differ in their last digits, in another way for each k."""
    turns = np.random.default_rng(k).choice([-2, -1, 1, 2], cost.size) * cost.eps * (k > 0)
    zero = dtype is np.float64  # a complex 0 stays: beside it another branch may begin
    size = np.where(cost.vector == 0, zero, np.abs(cost.vector))
    return cost.moved_to(cost.vector + turns * size, dtype)


def _slope_noise(noise, h):
    """The rounding of slopes, from that of the cost seen at each step.

    That of the cost does not shrink as steps grow, that of slopes does not grow with them: so a
    step on which rounding happens to be small does not deceive.
    """
    noise = np.where(np.isfinite(noise), noise, 0)
    slopes = np.maximum.accumulate(noise[:, ::-1], axis=1)[:, ::-1] / h
    small = np.argmax(STEPS < 0.1)  # of larger steps the slopes bend as well
    slopes[:, small:] = np.maximum.accumulate(slopes[:, small:], axis=1)
    return slopes


def climb(slopes, h, rounding, power, doubt=None):
    """Slopes of a ladder at h = 0: an `Estimate` for each row.

    Neville's scheme in powers of h**power; an estimate may be wrong by its distance to the two that
    it was made from, plus rounding. From the finest steps upwards the most certain one is kept, and
    the first that contradicts it ends the climb.
    """
    column, tableau = slopes, []
    caution = np.where(STEPS > 0.1, 8, 2)  # large steps may have left what is near behind
    for order in range(1, ORDERS + 1):
        ratio = (h[:, :-order] / h[:, order:]) ** power
        new = column[:, 1:] + (column[:, 1:] - column[:, :-1]) / (ratio - 1)
        apart = np.maximum(np.abs(new - column[:, 1:]), np.abs(new - column[:, :-1]))
        error = caution[:-order] * apart + rounding[:, order:]
        tableau.append((new, error if doubt is None else error + doubt[:, :-order]))
        column = new
    best, bar = np.full(len(h), np.nan), np.full(len(h), np.inf)
    climbing = np.ones(len(h), bool)
    for coarse in range(h.shape[1] - 2, -1, -1):
        for order, (value, error) in enumerate(tableau[: h.shape[1] - 1 - coarse], start=1):
            value, error = value[:, coarse], error[:, coarse]
            finer = slice(coarse + order + 1, None)
            off = np.abs(slopes[:, finer] - value[:, None]) - rounding[:, finer] > error[:, None]
            climbing &= np.isinf(bar) | (np.abs(value - best) <= error + bar) & ~off.any(axis=1)
            take = climbing & (error < bar)
            best, bar = np.where(take, value, best), np.where(take, error, bar)
    return Estimate(best, bar)


def in_line(cost, step):
    """Points in a row, in a random direction through all parameters, this far apart: the middle
    one is the point itself."""
    signs = np.random.default_rng(0).choice([-1.0, 1.0], cost.size)
    away = step * signs * np.where(cost.vector == 0, 1, np.abs(cost.vector))
    return [cost.vector + k * away for k in range(-8, 9)]


def rounding_of(cost):
    """The rounding of the cost at the point, from third differences over steps so small that only
    rounding is left of them.

    (1e9 + w) - 1e9 is a staircase, flat under the smallest steps: they grow until the cost changes
    to both sides, once more where the stairs then look even. Where it changes to one side alone,
    there is a kink; where to none, nothing is rounded. The point itself is left out, so that
    a jump there is not taken for rounding.
    """
    seen, even, here = 0.0, False, cost.here()
    for step in 256 * cost.eps * 13.0 ** np.arange(13):
        values = np.array([cost.moved_to(v).here_or_nan() for v in in_line(cost, step)])
        moved = values != here
        if not np.isfinite(values).all():
            break
        if moved[:8].any() and moved[9:].any():
            seen = max(np.abs(np.diff(side, n=3)).max() for side in (values[:8], values[9:])) / 2
            if seen > 0 or even:
                break
            even = True
    return np.maximum(seen, cost.eps * np.abs(here))
