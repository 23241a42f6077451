"""Derivatives by numbers, each with an error bar that holds the truth.

Three formulas to learn from (`forward_difference`, `central_difference`, `complex_step`), and a
derivative that knows its own error (`derivative`, `numerical_gradient`). It rests on three ideas:

1. One ladder of steps, 64 to 2**-45 times the size of the parameter. Its slopes are extrapolated
   to h = 0 from the finest step upwards, as long as no coarser estimate contradicts the finer ones:
   so a ripple, a kink some way off or the edge of a domain ends the climb and does no harm. A few
   rungs of it are enough to confirm a claim.
2. The rounding is measured, at the point and at each step, by asking again with parameters that
   differ in their last digits.
3. The complex step subtracts nothing and keeps all digits however small a derivative is, but some
   costs deceive it (abs, for one): it stands only where central differences confirm it, or where
   its values on a circle tell that the cost is analytic.

Where the slopes to the left and to the right differ there is a kink, and these two are the answer.
"""

import warnings
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from gradcheck import validation
from gradcheck.parameters import Tree

EPS = np.finfo(np.float64).eps
STEPS = 2.0 ** -np.array([-6.0, -3, *range(9), *range(9, 46, 3)])  # x + h is exact more often
FINER = 2.0**-45  # a second ladder below the first, for tiny numbers
GLANCE = 2.0 ** -np.array([-3.0, *range(7), 8, 12, 18, 22])  # enough for most claims
CONFIRMING = 2.0 ** -np.array([18.0, 22])  # for a slope by the complex step,
FARTHER = 2.0 ** -np.array([3.0, 12])  # and where it is 0
TINY_STEP = 2.0**-100  # of the complex step: its truncation error is nothing
ORDERS = 5  # of the extrapolation
SHORT = 2.0**-12  # a way on which what is added to a parameter may lose its digits


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
    _, found = _measured("f", f, Tree(validation.scalar("x", x), "x"), exact=False)
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
    at, found = _measured("cost", cost, Tree(parameters), exact)
    pairs = zip(at.split(found.value), at.split(found.bar))
    return at.tree.build_with([Estimate(value[()], bar[()]) for value, bar in pairs])


def _measured(name, function, tree, exact):
    at = Cost(validation.function(name, function), tree, name)
    with at.left_as_it_was():
        at.require_a_number()
        return at, measure(at, at.along_each(), exact)


# ---------------------------------------------------------------------------- the cost along a line


class Probe(NamedTuple):
    """A line through the parameters, laid out as one vector: one entry of it, or some together."""

    where: Any
    along: Any = 1.0

    def of(self, vector):
        """The component of a gradient along this line."""
        return np.sum(vector[self.where] * self.along)


class Cost:
    """A cost at a point, and along lines through it: `cost(probe, t)`. All on copies."""

    def __init__(self, function, tree, name="cost", vector=None, eps=EPS):
        self.function, self.tree, self.name, self.eps = function, tree, name, eps
        self.vector = tree.vector.copy() if vector is None else vector
        self.size, self.ends = self.vector.size, np.cumsum([a.size for a in tree.arrays])
        self.arrays = self.split(self.vector)

    def split(self, vector):
        """A vector of all parameters, as arrays of their shapes: views, not copies."""
        parts = np.split(vector, self.ends[:-1])
        return [part.reshape(a.shape) for part, a in zip(parts, self.tree.arrays)]

    def part(self, block):
        """Where the entries of a block lie in the vector."""
        return slice(self.ends[block] - self.arrays[block].size, self.ends[block])

    def along_each(self, block=None):
        """A line along each entry, of one block or of all."""
        part = slice(None) if block is None else self.part(block)
        return list(map(Probe, np.arange(self.size)[part]))

    def block_of(self, probes):
        firsts = [np.ravel(p.where)[0] for p in probes]
        return np.searchsorted(self.ends, firsts, side="right")

    def moved_to(self, vector):
        return Cost(self.function, self.tree, self.name, vector, self.eps)

    def shaken(self, k):
        """At parameters that differ in their last digits, in another way for each k."""
        turns = np.random.default_rng(k).choice([-2, -1, 1, 2], self.size) * self.eps * (k > 0)
        return self.moved_to(self.vector + turns * np.where(self.vector == 0, 1, abs(self.vector)))

    def in_line(self, step, n):
        """At points in a row, this far apart, in a random direction; the middle one is this one."""
        signs = np.random.default_rng(0).choice([-1.0, 1.0], self.size)
        away = step * signs * np.where(self.vector == 0, 1, np.abs(self.vector))
        return [self.moved_to(self.vector + k * away) for k in range(-n, n + 1)]

    def reach(self, probes):
        """The size of the parameters on each line, as a power of two that is 1 or more."""
        sizes = [np.abs(self.vector[p.where]).max() for p in probes]
        return 2.0 ** np.ceil(np.log2(np.fmax(sizes, 1)))

    def here(self):
        """The cost at the point itself."""
        return one_number(self.name, self.function(self.tree.build(self.arrays)))

    def here_or_nan(self):
        """The same, NaN where the cost cannot be had: outside its domain it may raise anything."""
        try:
            return self.here()
        except Exception:
            return np.nan

    def __call__(self, probe, t):
        before = self.vector[probe.where]
        self.vector[probe.where] = before + t * probe.along
        try:
            return self.here() if np.iscomplexobj(self.vector) else self.here_or_nan()
        finally:
            self.vector[probe.where] = before

    def step(self, probe, t):
        """The step really taken: x + t is rounded, and t with it."""
        x = self.vector[probe.where]
        return t if np.ndim(x) else (x + t) - x

    def require_a_number(self):
        before = self.split(self.vector.copy())
        try:
            value = self.function(self.tree.build(self.arrays))
        except (TypeError, ValueError):
            raise
        except Exception as error:
            raise ValueError(
                f"{self.name} cannot be had at these parameters: {type(error).__name__}: {error}"
            ) from error
        first = one_number(self.name, value)
        if np.iscomplexobj(first):
            raise TypeError(f"{self.name} returned a complex number, expected a real one")
        validation.finite(f"{self.name} at these parameters", np.asarray(first))
        self.tree.require_unchanged(self.name, self.arrays, before)
        self.eps = max(EPS, precision_of(getattr(value, "dtype", None)))
        if not is_remembering() and self.here() != first:
            raise ValueError(f"{self.name} gave {first} and then {self.here()} for the same "
                             "parameters: fix its random choices")

    @contextmanager
    def left_as_it_was(self):
        """Afterwards a model that keeps its parameters holds those that it was given."""
        try:
            yield
        finally:
            if not is_remembering():
                self.here_or_nan()


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


# ------------------------------------------------------------------------------------- measuring

MEASURED = [
    ("probe", object),
    ("value", float),  # the derivative along the probe
    ("bar", float),  # its error bar, inf where there is no derivative
    ("exact", bool),  # by the complex step
    ("kink", bool),  # the slopes to the two sides differ
    ("close", bool),  # a kink so close that no step shows on which side of it the point lies
    ("left", float), ("right", float),  # and are these, but for their error bars
    ("jump", bool),  # the cost jumps, or is infinitely steep
    ("still", bool),  # the cost does not change along the line
    ("brief", bool),  # looked at from a few points: enough for a claim that agrees
    ("torn", bool),  # the shortest ways tell another slope than all longer ones: between two stairs
    ("farther", float),  # what these tell
    ("within", float),  # the error bar without the complex step
    ("scale", float),  # slopes of chords a little farther off; 0 where nobody looked
]  # fmt: skip


def table(probes, fields=MEASURED):
    """A row for each probe, its columns by name."""
    rows = np.zeros(len(probes), fields).view(np.recarray)
    for row, probe in zip(rows, probes):
        row.probe = probe
    return rows


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


def measure(cost, probes, exact=True, brief=False):
    """Each derivative by the complex step where that is confirmed, else by central differences.

    `brief` ones are of few points, NaN where the cost is not seen to be smooth.
    """
    memory, key = _memory.get(), None
    if memory is not None:
        lines = tuple(np.asarray(part).tobytes() for probe in probes for part in probe)
        key = cost.vector.tobytes(), float(cost.here()), lines, exact, brief
        if key in memory:
            return memory[key].copy()
    with np.errstate(all="ignore"):
        found = _measure(cost, probes, exact, brief)
    if memory is not None:
        memory[key] = found.copy()
    return found


def _measure(cost, probes, exact, brief):
    analytic = _complex_steps(cost, probes) if exact else None
    if analytic is None:
        return measure_real(cost, probes, brief)
    slopes, bars = analytic
    few = partial(_Ladder, cost, noise=cost.eps * abs(cost.here()), is_shaken=False)
    sure, found = few(probes, CONFIRMING).confirms(slopes), table(probes)
    if len(zero := np.flatnonzero(sure & (slopes == 0))):
        sure[zero] = few([probes[k] for k in zero], FARTHER).is_still()
    rest = np.flatnonzero(~sure)
    if len(rest):  # the less sure, the more often it is shaken
        others = [probes[k] for k in rest]
        found[rest], wider = measure_real(cost, others), _complex_steps(cost, others, 8)
        bars[rest] = np.inf if wider is None else wider.error_bar
    smooth = ~sure & np.isfinite(found.bar)
    apart = np.abs(slopes - found.value) - bars
    if (smooth & ~(apart <= 4 * found.bar)).any():  # it is deceived, and perhaps elsewhere too
        return measure_real(cost, probes)
    if (sure | smooth).any():
        overlooked = (slopes == 0) & (found.value != 0) | smooth & (apart > found.bar)
        found.exact = sure | ~(found.kink | found.jump | overlooked)
        found.kink &= ~found.close  # a curve so sharp, or abs? The complex step sees no difference
        found.within = np.where(sure, 1e-7 * np.abs(slopes), found.bar)
        found.value = np.where(found.exact, slopes, found.value)
        found.bar = np.where(found.exact, bars, found.bar)
        found.still |= sure & (slopes == 0)
        found.torn &= ~found.exact
    return found


def _complex_steps(cost, probes, points=3):
    """The complex step at some points that differ in the last digits; None where it fails."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", np.exceptions.ComplexWarning)  # a cast to real numbers
            slopes = np.array([_complex_slopes(cost, probes, k) for k in range(points)])
    except Exception:  # whatever way the cost refuses complex numbers: differences take over
        return None
    if not np.isfinite(slopes).all():
        return None
    wobble = np.abs(slopes - slopes[0]).max(axis=0)
    return Estimate(slopes[0], 16 * wobble + 256 * cost.eps * np.abs(slopes[0]))


def is_analytic(cost, probe):
    """Do its values on a circle around the point tell those within, as for analytic costs?"""
    at, r = cost.moved_to(cost.vector.astype(complex)), cost.reach([probe])[0] / 256
    circle, within = np.exp(2j * np.pi * np.arange(16) / 16), np.exp([1j, 3j]) / 2
    try:
        values = np.array([at(probe, r * place) for place in [*circle, *within]])
    except Exception:  # it does not take all complex numbers
        return False
    told = np.polyval(np.fft.fft(values[:16])[::-1] / 16, within)
    return bool((np.abs(told - values[16:]) <= 64 * cost.eps * np.abs(values).max()).all())


def _complex_slopes(cost, probes, k):
    # A 0 stays 0 when it is shaken: beside it another branch may begin.
    point = np.where(cost.vector == 0, 0, cost.shaken(k).vector)
    at = cost.moved_to(point.astype(complex))
    h = TINY_STEP * (1 + 0.3 * k)  # a power of two for k = 0, so that integers stay exact
    values = [at(probe, 1j * h) for probe in probes]
    if not all(map(np.iscomplexobj, values)):
        raise TypeError("a real result")
    return np.array(values).imag / h


def measure_real(cost, probes, brief=False):
    """The derivatives by central differences, and the kinks that are seen."""
    noise = rounding_of(cost)
    if brief:
        return _Ladder(cost, probes, GLANCE, noise, is_shaken=False).glanced_at()
    found = _Ladder(cost, probes, STEPS, noise).measured()
    size = np.array([np.abs(cost.vector[p.where]).max() for p in probes])
    unclear = ~(found.bar <= 1e-6 * np.abs(found.value)) & ~found.still
    rows = np.flatnonzero(unclear & (size > 0) & (size < 2.0**-20))
    if len(rows):  # a kink or an edge may be nearer than the finest step
        finer = _Ladder(cost, [probes[k] for k in rows], STEPS, noise, FINER).measured()
        needed = np.where(found.jump[rows], 0.25, 1e-4)  # a jump may be a kink that is near
        better = finer.bar <= needed * np.abs(finer.value)
        found[rows[better]] = finer[better]
    return found


class _Ladder:
    """The cost at x + h and x - h for a ladder of steps, the finest last: rows are probes."""

    def __init__(self, cost, probes, steps, noise, unit=1.0, is_shaken=True):
        self.cost, self.here, self.probes, self.steps = cost, cost.here(), probes, steps
        self.small = steps < 0.1  # of larger steps the slopes bend as well,
        self.caution = np.where(self.small, 2, 8)  # and may have left what is near behind
        h = cost.reach(probes)[:, None] * steps * unit
        self.up, self.down, self.to, self.fro = _both_sides([cost] * len(steps), probes, h)
        self.h = (self.to + self.fro) / 2
        noise = np.fmax(noise, cost.eps / 2 * np.fmax(np.abs(self.up), np.abs(self.down)))
        if is_shaken:
            others = [cost.shaken(k) for k in range(1, len(steps) + 1)]
            up, down, *_ = _both_sides(others, probes, h)
            noise = np.fmax(noise, np.abs((up - self.up) - (down - self.down)) / 2)
        self.noise = 1.5 * self._of_slopes(noise)
        self.chords = (self.up - self.down) / (2 * self.h)
        self.rise, self.fall = (self.up - self.here) / self.to, (self.here - self.down) / self.fro

    def _of_slopes(self, noise):
        """The rounding of slopes, from that of the cost seen at each step.

        That of the cost does not shrink as steps grow, that of slopes does not grow with them: so
        a step on which rounding happens to be small does not deceive.
        """
        noise = np.where(np.isfinite(noise), noise, 0)[:, ::-1]
        slopes, small = np.maximum.accumulate(noise, axis=1)[:, ::-1] / self.h, self.small
        near = np.pad(slopes[:, small], ((0, 0), (3, 0)), "edge")
        slopes[:, small] = np.lib.stride_tricks.sliding_window_view(near, 4, axis=1).max(axis=-1)
        return slopes

    def glanced_at(self):
        found = table(self.probes)
        found.brief = True
        found.value, found.bar = self._climbed(self.chords, self.h, 2)
        self._look_about(found)
        found.value[~self._is_smooth()] = np.nan
        return found

    def confirms(self, slopes):
        """Where a central difference has these slopes to seven digits."""
        seen = (np.abs(self.chords[:, -2] - slopes) <= 1e-7 * np.abs(slopes)) & (slopes != 0)
        return seen & self._is_smooth() | (slopes == 0) & self.is_still()

    def _is_smooth(self):
        """A curve bends less on a shorter way; a kink beside the point, as that of abs of what is
        all but 0, as much."""
        gap = np.abs(self.rise - self.fall)
        return gap[:, -1] <= gap[:, -2] / 4 + 8 * self.noise[:, -1]

    def is_still(self):
        same = (self.up == self.here) & (self.down == self.here)
        return same[:, self.steps < 0.2].all(axis=1)

    def _climbed(self, slopes, h, power, some=slice(None)):
        return climb(slopes[:, some], h[:, some], self.noise[:, some], power, self.caution[some])

    def measured(self):
        found = table(self.probes)
        rise, fall = self.rise, self.fall
        right, left = self._climbed(rise, self.to, 1), self._climbed(fall, self.fro, 1)
        centre = self._climbed(self.chords, self.h, 2)
        mean = Estimate(*((a + b) / 2 for a, b in zip(left, right)))
        better = mean.error_bar <= centre.error_bar  # where the second derivative jumps
        found.value, found.bar = np.where(better, mean, centre)
        gap = right.value - left.value
        grows, falls = self._grows(rise), self._grows(fall)
        meet = np.abs(rise - fall)[:, -1] <= 2 * self.noise[:, -1]  # beyond a kink that is near
        found.jump = np.where(meet, grows & falls, grows | falls)
        found.kink = (mean.error_bar < 0.25 * np.abs(gap)) & ~found.jump
        sides, steeper = self._close()
        apart = np.abs(sides[1].value - sides[0].value)
        wide = ~found.kink & ~found.jump & (np.abs(gap) + 2 * mean.error_bar > 0.5 * apart)
        found.close, found.jump = wide & ~steeper, found.jump | wide & steeper
        found.kink |= found.close
        left, right = (Estimate(*np.where(found.close, far, near))
                       for far, near in zip(sides, (left, right)))
        gap = right.value - left.value
        bars = np.where(found.kink, np.sign(gap), 0) * [left.error_bar, right.error_bar]
        found.left, found.right = left.value - bars[0], right.value + bars[1]
        found.bar[found.kink | found.jump | np.isnan(found.value)] = np.inf
        self._look_about(found)
        return found

    def _look_about(self, found):
        """Is the cost the same all along the line? How steep is it a little farther off?"""
        found.still = self.is_still()
        found.value[found.still] = 0
        found.farther, bar = self._climbed(self.chords, self.h, 2, self.steps >= SHORT)
        apart = np.abs(found.farther - found.value)
        for row in np.flatnonzero(apart > 4 * (bar + found.bar)):
            found.torn[row] = self._is_torn(row, found.value[row], apart[row])
        chords = np.abs([self.rise, self.fall])[:, :, (self.steps < 2) & (self.steps > 0.1)]
        found.scale = np.where(np.isfinite(chords), chords, 0).max(axis=(0, 2))

    def _is_torn(self, row, slope, apart):
        """Does the cost jump near the point, where a kink would only bend it?"""
        alike = np.abs(self.chords[row] - slope) <= apart / 4
        way = self.h[row, alike].max(initial=0)
        places = np.linspace(-8, 8, 65) * way
        rises = np.diff([self.cost(self.probes[row], place) for place in places])
        return np.abs(rises - slope * np.diff(places)).max() > 3 * apart * way / 4

    def _close(self):
        """The slopes to the left and the right on the shortest way on which they still differ by
        as much as on ways 512 times as long, as those of a curve do not, NaN where there is none;
        and where they differ by more."""
        eighth = np.log2(self.steps) % 3 == 0
        rise, fall, noise = (a[:, eighth] for a in (self.rise, self.fall, self.noise))
        gap, last = np.abs(rise - fall), np.full(len(rise), -1)
        solid = self.small[eighth] & (gap > 16 * noise)
        for k in range(3, gap.shape[1]):
            last[solid[:, k - 3 : k + 1].all(axis=1) & (gap[:, k] > gap[:, k - 3] / 2)] = k
        rows = np.arange(len(rise))
        sides = [Estimate(np.where(last < 0, np.nan, side[rows, last]),
                          np.abs(side[rows, last] - side[rows, last - 1]) + noise[rows, last])
                 for side in (fall, rise)]
        return sides, gap[rows, last] > 2 * gap[rows, last - 3]

    def _grows(self, side):
        """Where the slope to a side grows beyond bounds at the finest steps."""
        size, noise = np.abs(side[:, -4:]), self.noise[:, -3:]
        return ((size[:, 1:] > 1.5 * size[:, :-1]) & (size[:, 1:] > 16 * noise)).all(axis=1)


def _both_sides(costs, probes, h):
    """The costs at both ends of each step, and the steps really taken: rows are probes."""
    rows = [[(cost(p, t), cost(p, -t), cost.step(p, t), -cost.step(p, -t))
             for cost, t in zip(costs, steps)] for p, steps in zip(probes, h)]  # fmt: skip
    return np.moveaxis(np.array(rows, dtype=np.float64), -1, 0)


def climb(slopes, h, rounding, power, caution):
    """Slopes of a ladder at h = 0: an `Estimate` for each row.

    Neville's scheme in powers of h**power; an estimate may be wrong by its distance to the two that
    it was made from, plus rounding. From the finest steps upwards the most certain one is kept, and
    the first that contradicts it ends the climb.
    """
    column, noise, rungs = slopes, rounding, []
    for order in range(1, ORDERS + 1):
        ratio = (h[:, :-order] / h[:, order:]) ** power
        new = column[:, 1:] + (column[:, 1:] - column[:, :-1]) / (ratio - 1)
        apart = np.maximum(np.abs(new - column[:, 1:]), np.abs(new - column[:, :-1]))
        noise = noise[:, 1:] + (noise[:, 1:] + noise[:, :-1]) / (ratio - 1)
        error = caution[:-order] * apart + noise
        rungs += [(-k, order, new[:, k], error[:, k]) for k in range(new.shape[1])]
        column = new
    # A chord on a shorter way bends less than it: only more than this is a contradiction.
    bends = rounding + 2 * np.abs(np.diff(slopes, axis=1, append=slopes[:, -1:]))
    best, bar = np.full(len(h), np.nan), np.full(len(h), np.inf)
    climbing = np.ones(len(h), bool)
    for k, order, value, error in sorted(rungs, key=lambda rung: rung[:2]):
        finer = slice(order + 1 - k, None)
        off = np.abs(slopes[:, finer] - value[:, None]) - bends[:, finer] > error[:, None]
        climbing &= np.isinf(bar) | (np.abs(value - best) <= error + bar) & ~off.any(axis=1)
        take = climbing & (error < bar)
        best, bar = np.where(take, value, best), np.where(take, error, bar)
    return Estimate(best, bar)


def rounding_of(cost):
    """The rounding of the cost at the point, from third differences: a smooth cost leaves nothing
    else of them at so small steps, and a kink some way off is seen in less than half of them.

    (1e9 + w) - 1e9 is a staircase, flat under the smallest steps: they grow until rounding is seen.
    If the stairs are not of one height, it is the end of a flat place, as of a dead relu, and no
    rounding. The point itself is left out, so that a jump there is not taken for rounding.
    """
    rounding, flat = cost.eps * np.abs(cost.here()), True
    for step in 256 * cost.eps * 13.0 ** np.arange(13):
        values = np.array([there.here_or_nan() for there in cost.in_line(step, 12)])
        if not np.isfinite(values).all():
            break
        seen = np.abs(np.diff([values[:12], values[13:]], n=3))
        if np.median(seen, axis=1).any():
            stairs = np.abs(np.diff(values))
            stairs = stairs / stairs[stairs > 0].min()
            uneven = np.abs(stairs - stairs.round()).max() > 1e-3
            is_end = flat and uneven and step > 1e-6
            return rounding if is_end else max(rounding, seen.max() / 2)
        flat &= (values == values[0]).all()
    return rounding
