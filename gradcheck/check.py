"""Derivatives by numbers: the witness for code that was derived by hand.

Three formulas to learn from (`forward_difference`, `central_difference`, `complex_step`), a derivative that knows its own
error (`derivative`, `mp_derivative`, `numerical_gradient`), and `gradient_check`, which compares a gradient with the cost it
claims to belong to, and says what is wrong with it.

How a partial derivative is measured here:
1. central differences for five steps h, 1/16 to 1/65536, extrapolated to h = 0; their disagreement, plus the measured
   rounding of the cost divided by h, is the error bar;
2. where the cost accepts complex numbers, the complex step, which subtracts nothing and so keeps all digits however small
   the derivative is. It is believed only where it agrees with the central differences (abs, for one, would deceive it); its
   error bar is its own wobble when the parameters move in their last digits;
3. where it does not, the central differences once more in extended precision, if the machine has one.
"""

import warnings
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import Any, NamedTuple

import mpmath
import numpy as np

from gradcheck import validation

EPS = np.finfo(np.float64).eps
RESOLUTION = 1e-4                                # an entry is decided if its error bar is this much smaller than itself
STEPS = 2.0 ** -np.array([4, 7, 10, 13, 16])     # powers of two: x + h is then exact more often
SMALLER_STEPS = 2.0 ** -np.array([16, 19, 22, 25, 28])
SMALLEST_STEPS = 2.0 ** -np.array([28, 31, 34, 37, 40])
LARGER_STEPS = 2.0 ** np.array([6, 3, 0, -3, -6])
RATIO = 8                                        # of each step to the next
TINY_STEP = 2.0 ** -100                          # of the complex step: its truncation error, h**2, is nothing


class Estimate(NamedTuple):
    """A number and how far it may be from the truth."""

    value: Any
    error_bar: Any


# ---------------------------------------------------------------------------------------------- three formulas

def forward_difference(f, x, h):
    """The slope of the chord from x to x + h; wrong by about h f''(x) / 2, and by rounding divided by h."""
    validation.array("x", x), validation.positive("h", h)  # notebook 00 asks at 400 points at once
    return (f(x + h) - f(x)) / h


def central_difference(f, x, h):
    """The slope of the chord from x - h to x + h; wrong by about h**2 f'''(x) / 6, and by rounding divided by h."""
    validation.array("x", x), validation.positive("h", h)  # notebook 00 asks at 400 points at once
    return (f(x + h) - f(x - h)) / (2 * h)


def complex_step(f, x, h=1e-20):
    """The imaginary part of f(x + ih), divided by h; wrong by about h**2 f'''(x) / 6, and nothing is subtracted.

    f must accept complex numbers and be analytic: TypeError where it returns a real number, as with abs.
    """
    validation.array("x", x), validation.positive("h", h)  # notebook 00 asks at 400 points at once
    value = f(x + 1j * h)
    if not np.iscomplexobj(value):
        raise TypeError("f returned a real number for a complex one: it is not analytic (abs? real? a cast?)")
    return value.imag / h


# ----------------------------------------------------------------------------- a derivative that knows its error

def derivative(f, x):
    """f'(x) for a function of one float, as `Estimate(value, error_bar)`, by extrapolated central differences.

    The error bar is the disagreement of several steps plus rounding; it is inf where f has a kink at x or no step gives a
    slope. Raises ValueError where f(x) is not one finite number, TypeError where it is no real number.
    """
    x = float(validation.scalar("x", x))
    evaluate = _Evaluate(validation.function("f", f), _Tree(x, "x"), [np.array(x)], "f")
    real = _measure_real(evaluate, [_Probe(0, ())])
    return Estimate(real.value.item(), np.where(real.at_kink, np.inf, real.bar).item())


def mp_derivative(f, x, digits=30):
    """f'(x) to about `digits` digits, for a function of one mpmath number, by a central difference at 100 digits or more.

    x may be an integer, a float (taken exactly), a string such as "0.1", or an mpmath number. f must use mpmath throughout:
    TypeError where it returns a float. Raises ValueError at a kink, where the slopes to the right and left differ.
    """
    validation.function("f", f)
    digits = validation.count("digits", digits)
    work = max(digits, 30)                      # with fewer, a kink looks like a bend
    with mpmath.workdps(3 * work + 10):
        x = _mp_point(x)
        h = mpmath.mpf(10) ** -work
        right, left = _mp_slope(f, x, h), _mp_slope(f, x, -h / 2)
        slope = _mp_number("f", (f(x + h) - f(x - h)) / (2 * h))
        if abs(right - left) > mpmath.mpf(10) ** (5 - work / 2) * max(1, abs(slope)):
            raise ValueError(f"f has a kink at {mpmath.nstr(x, 8)}: its slopes to the left and right are "
                             f"{mpmath.nstr(left, 8)} and {mpmath.nstr(right, 8)}")
    with mpmath.workdps(digits):
        return +slope


def numerical_gradient(cost, parameters, exact=True):
    """The partial derivatives of cost(parameters), measured: the structure of `parameters`, an `Estimate` for each block.

    An estimate holds two arrays of the block's shape: values and error bars (inf at a kink). `exact=False` leaves out the
    complex step. Raises as `gradient_check`.
    """
    tree, arrays = _parameters(parameters)
    evaluate = _Evaluate(cost, tree, arrays)
    measured = _measure(evaluate, _probes_of(arrays), exact)
    bars = np.where(measured.at_kink, np.inf, measured.bar)
    ends = np.cumsum([a.size for a in arrays])[:-1]
    return tree.build([Estimate(value.reshape(a.shape)[()], bar.reshape(a.shape)[()]) for value, bar, a in
                       zip(np.split(measured.value, ends), np.split(bars, ends), arrays)])


# ----------------------------------------------------------------------------------------------- gradient check

_REMEDY = "pass the gradient as a function, or choose another point"


class GradientError(AssertionError):
    """A gradient is not that of its cost, or this could not be decided. The message is the report."""


@dataclass
class BlockReport:
    """What the check found for one block of parameters."""

    name: str
    shape: tuple
    entries: int                    # checked: all of them, unless the check was told to sample
    verdict: str                    # "agrees", "differs" or "not decided"
    error: float                    # the largest |claimed - numerical|, relative to the larger of the two
    error_bar: float                # of that entry, likewise relative
    _: KW_ONLY
    differing: int                  # entries
    undecided: int
    dead: int                       # entries on which the cost does not depend, claimed as 0
    at_kink: int                    # entries at a kink of the cost: they have no derivative
    bracketed: int                  # those of them whose claim lies between the one-sided derivatives
    slopes: tuple                   # the one-sided derivatives of the first of them, to three digits
    beside: int                     # entries decided at a neighbouring point
    ratio: float | None = None      # claimed / numerical, where it is the same for all entries
    suggestion: str = ""
    transposed: bool = False
    kink_distance: float | None
    worst: str                      # the entry with the largest error
    claimed: float                  # there
    numerical: float

    def sizes(self):
        """Largest error, error bar and ratio, as they are printed."""
        if self.verdict == "not decided":
            return "", "too large" if self.undecided else "", ""
        ratio = "" if self.ratio is None else _digits(self.ratio) if abs(self.ratio - 1) > 1e-5 else f"{self.ratio:.10g}"
        return _size(self.error, self.verdict == "differs"), _size(self.error_bar), ratio

    def detail(self):
        """One sentence on the worst entry; "" where all is well."""
        if self.verdict == "differs":
            return f"{self.worst}: claimed {{}}, numerical {{}}".format(*_told_apart(self.claimed, self.numerical))
        if self.undecided:
            return f"{self.worst}: the derivative is lost in rounding here; {_REMEDY}"
        if self.verdict == "not decided":
            return f"{self.name}: no derivative to compare with here; {_REMEDY}"
        return ""

    def remarks(self):
        """What there is to say besides the verdict, in words."""
        some = "" if self.differing == self.entries else f"{self.differing} of {self.entries} differ"
        return "; ".join(filter(None, [
            self.suggestion, some if self.differing else "",
            f"{self.undecided} of {self.entries} not decided" if self.undecided else "",
            _dead_remark(self), _kink_remark(self),
            f"{self.beside} decided at a neighbouring point" if self.beside else ""]))


@dataclass
class GradientReport:
    """The verdict on a gradient, block by block; true if and only if every block agrees."""

    blocks: dict = field(default_factory=dict)    # name -> BlockReport
    method: str = ""

    def __bool__(self):
        return all(block.verdict == "agrees" for block in self.blocks.values())

    def require(self):
        """Return the report if every block agrees, else raise GradientError with it."""
        if not self:
            raise GradientError("\n" + str(self))
        return self

    def __str__(self):
        rows = self._rows()
        widths = [max(map(len, column)) for column in zip(*rows)]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
        return "\n".join([lines[0], "-" * max(map(len, lines)), *lines[1:], "", *self._sentences()])

    __repr__ = __str__

    def _repr_markdown_(self):
        head, *rows = [[cell.replace("|", "\\|") for cell in row] for row in self._rows()]
        lines = ["| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *rows]]
        return "\n".join(lines) + "\n\n" + "  \n".join(self._sentences())

    def _rows(self):
        head = ["block", "shape", "verdict", "largest error", "error bar", "ratio", "remarks"]
        return [head] + [[b.name, str(b.shape), b.verdict, *b.sizes(), b.remarks()] for b in self.blocks.values()]

    def _sentences(self):
        details = [b.detail() for b in self.blocks.values() if b.detail()]
        bad = sum(b.verdict == "differs" for b in self.blocks.values())
        open_ = sum(b.verdict == "not decided" for b in self.blocks.values())
        n = len(self.blocks)
        verdict = (f"The gradient is right: {n} of {n} blocks agree." if self else
                   f"The gradient is not confirmed: {bad} of {n} blocks differ, {open_} not decided.")
        return [*details, verdict, f"Numerical derivatives by {self.method}."]


def gradient_check(cost, gradient, parameters, *, n_samples=None, exact=True, sample=None):
    """Compare a gradient with numerical derivatives of its cost, entry by entry: a `GradientReport`, true if all agree.

    parameters  an array, a number, or a mapping or tuple of such, nested as you like: {"W": {1: W1, 2: W2}, "b": b}
    cost        cost(parameters) -> one number
    gradient    gradient(parameters) -> the same structure, or that structure itself. Pass the function if you can: entries
                that cannot be judged at the point (0 = 0, a kink, a derivative lost in rounding) are then judged beside it.
    n_samples   names the factor n or 1/n of a sum taken for a mean
    exact       False leaves out the complex step
    sample      for large blocks: check this many entries of each, evenly spread, and one direction through all of them

    Each entry is judged by its own error bar, so a wrong gradient is refused however small it is beside the others; one
    that cannot be told from a wrong one is "not decided", which fails. The arrays are copied and never changed.

    Raises, before anything is measured: TypeError for what is no number or function; ValueError for NaN, infinite or
    empty arrays, names that are missing or unknown, and shapes that do not match; also where the cost is not one finite
    number, changes its parameters, or gives another value the second time.
    """
    tree, arrays = _parameters(parameters)
    n_samples = None if n_samples is None else validation.count("n_samples", n_samples)
    sample = None if sample is None else validation.count("sample", sample)
    evaluate = _Evaluate(cost, tree, arrays)
    claims = _claims(gradient, tree, arrays)
    probes = _probes_of(arrays, sample)
    judged = _judge(evaluate, probes, claims, exact, gradient)
    if callable(gradient):
        _judge_beside(judged, evaluate, probes, gradient, exact)
    blocks = [_block_report(k, tree.names[k], arrays[k], claims[k], judged, probes, n_samples) for k in range(len(arrays))]
    return GradientReport({block.name: block for block in blocks}, judged.measured.method)


# ------------------------------------------------------------------------------------- structures of parameters

class _Tree:
    """The structure of the parameters: their names in order, and how to put arrays back into it."""

    def __init__(self, structure, name="the parameter"):
        self.names, self.leaves = [], []
        self.skeleton = self._enter(structure, name, top=True)

    def _enter(self, node, name, top=False):
        if _is_container(node):
            if not len(node):
                raise ValueError(f"{'parameters' if top else name} is empty, expected at least one array")
            children = [(k, self._enter(child, _child_name(name, k, node, top))) for k, child in _items(node)]
            return node, children
        self.names.append(name)
        self.leaves.append(node)
        return len(self.leaves) - 1

    def build(self, leaves, node=None):
        """The structure with these leaves."""
        node = self.skeleton if node is None else node
        if isinstance(node, int):
            return leaves[node]
        original, children = node
        built = [(k, self.build(leaves, child)) for k, child in children]
        return dict(built) if isinstance(original, Mapping) else _same_tuple(original, [child for _, child in built])

    def flatten(self, claim, node=None, name="the gradient"):
        """The leaves of another structure, which must have the same keys."""
        node = self.skeleton if node is None else node
        if isinstance(node, int):
            return [claim]
        original, children = node
        _require_same_keys(name, claim, original)
        found = dict(_items(claim))
        return [leaf for k, child in children for leaf in self.flatten(found[k], child, f"{name}[{k!r}]")]


def _is_container(node):
    return isinstance(node, (Mapping, tuple))


def _items(node):
    return list(node.items()) if isinstance(node, Mapping) else list(enumerate(node))


def _child_name(name, key, node, top):
    if hasattr(node, "_fields"):
        key = node._fields[key]
    if top:
        return key if isinstance(key, str) else f"parameters[{key!r}]"
    return f"{name}[{key!r}]"


def _same_tuple(original, children):
    return type(original)(*children) if hasattr(original, "_fields") else tuple(children)


def _require_same_keys(name, claim, original):
    if not _is_container(claim) or isinstance(claim, Mapping) != isinstance(original, Mapping):
        expected = "a mapping" if isinstance(original, Mapping) else "a tuple"
        raise TypeError(f"{name} is of type {type(claim).__name__}, expected {expected} with {_names(original)}")
    missing = [k for k, _ in _items(original) if k not in dict(_items(claim))]
    unknown = [k for k, _ in _items(claim) if k not in dict(_items(original))]
    if missing or unknown:
        lacks = f" has nothing for {', '.join(map(repr, missing))}" if missing else ""
        extra = f" has the unknown {', '.join(map(repr, unknown))}" if unknown else ""
        raise ValueError(f"{name}{lacks}{' and' if lacks and extra else ''}{extra}; expected {_names(original)}")


def _names(node):
    return ", ".join(repr(k) for k, _ in _items(node))


def _parameters(parameters):
    tree = _Tree(parameters)
    return tree, [np.array(validation.array(name, leaf), dtype=np.float64) for name, leaf in zip(tree.names, tree.leaves)]


def _claims(gradient, tree, arrays):
    """The claimed gradient as a list of arrays, each checked to be finite and of the shape of its parameter."""
    if callable(gradient):
        copies = [np.array(a) for a in arrays]
        claimed = gradient(tree.build([a[()] for a in copies]))    # () makes a number of an array of shape ()
        _require_unchanged("gradient", tree, copies, arrays)
    else:
        claimed = gradient
    return [_claim(name, leaf, a) for name, leaf, a in zip(tree.names, tree.flatten(claimed), arrays)]


def _claim(name, leaf, parameter):
    return np.array(validation.same_shape(f"the gradient of {name}", leaf, parameter, name, complex_too=False))


def _require_unchanged(what, tree, work, arrays):
    for name, used, before in zip(tree.names, work, arrays):
        if not np.array_equal(used, before):
            raise ValueError(f"{what} changed {name}: it must leave the parameters it is given as they are")


# -------------------------------------------------------------------------------------------- evaluating a cost

class _Probe(NamedTuple):
    """A line through parameter space: one entry of a block, or one direction through the whole block."""

    block: int
    index: Any
    direction: Any = 1.0


def _probes_of(arrays, sample=None):
    probes = []
    for block, a in enumerate(arrays):
        indices = list(np.ndindex(a.shape))
        if sample is not None and sample < a.size:
            indices = [indices[k] for k in np.linspace(0, a.size - 1, sample).round().astype(int)]
            probes.append(_Probe(block, ..., _signs(a.shape, block) / np.sqrt(a.size)))
        probes += [_Probe(block, index) for index in indices]
    return sorted(probes, key=lambda probe: probe.block)


def _signs(shape, seed):
    return np.random.default_rng(seed).choice([-1.0, 1.0], shape)


class _Evaluate:
    """The cost along a line: evaluate(probe, t), on copies of the parameters in a precision of choice."""

    def __init__(self, cost, tree, arrays, name="cost", dtype=np.float64, checked=False):
        self.cost, self.tree, self.arrays, self.name, self.dtype = validation.function(name, cost), tree, arrays, name, dtype
        self.work = [np.array(a, dtype=dtype) for a in arrays]
        if not checked:
            self.require_a_cost()

    def in_precision(self, dtype, arrays=None):
        return _Evaluate(self.cost, self.tree, self.arrays if arrays is None else arrays, self.name, dtype, checked=True)

    def here(self):
        """The cost at the point itself."""
        return _one_number(self.name, self.cost(self.tree.build([a[()] for a in self.work])))

    def __call__(self, probe, t):
        work, index = self.work[probe.block], probe.index
        before = np.array(work[index])
        work[index] = before + t * probe.direction
        try:
            return self.here()
        except (ArithmeticError, ValueError):   # outside the domain of the cost: no value there
            if self.dtype is np.complex128:
                raise
            return self.dtype(np.nan)
        finally:
            work[index] = before

    def width(self, probe, t):
        """The step really taken: x + t is rounded, and t with it."""
        if probe.index is ...:
            return self.dtype(t)
        x = self.dtype(self.arrays[probe.block][probe.index])
        return ((x + self.dtype(t)) - (x - self.dtype(t))) / 2

    def reach(self, probe):
        """The size of the parameters, as a power of two, to which steps are proportional."""
        return 2.0 ** np.ceil(np.log2(max(1.0, np.abs(self.arrays[probe.block][probe.index]).max())))

    def require_a_cost(self):
        first = validation.finite(f"{self.name} at these parameters", np.asarray(self.here()))
        if np.iscomplexobj(first):
            raise TypeError(f"{self.name} returned a complex number, expected a real one")
        _require_unchanged(self.name, self.tree, self.work, self.arrays)
        if self.here() != first:
            raise ValueError(f"{self.name} gave {first} and then {self.here()} for the same parameters: fix its random choices")


def _one_number(name, value):
    number = np.asarray(value)
    if number.shape != ():
        raise ValueError(f"{name} returned an array of shape {number.shape}, expected a single number")
    if number.dtype.kind not in "iufc":
        raise TypeError(f"{name} returned {value!r}, expected a single number")
    return number[()] if number.dtype.kind in "fc" else np.float64(value)


# ------------------------------------------------------------------------------------- measuring the derivatives

@dataclass
class _Measured:
    """For each probe: the derivative, its error bar, and what is known of kinks."""

    value: np.ndarray
    bar: np.ndarray
    at_kink: np.ndarray     # the one-sided derivatives differ at the point itself
    left: np.ndarray        # one-sided derivatives, to the accuracy of the smallest step
    right: np.ndarray
    flat: np.ndarray        # the cost does not change along the line
    kink_distance: dict     # block -> distance, where one was found
    doubt: np.ndarray       # a smaller error than this may be the rounding of the claim
    method: str = "central differences"


def _measure(evaluate, probes, exact):
    """Each derivative by the most exact of the ways that the cost permits; see the top of this file."""
    real = _measure_real(evaluate, probes)
    analytic = _measure_complex(evaluate, probes) if exact else None
    if analytic is not None and _confirmed(analytic, real):
        usable = ~(real.at_kink | ((analytic.value == 0) & (np.abs(real.value) > real.bar)))
        real.value = np.where(usable, analytic.value, real.value)
        real.bar = np.where(usable, analytic.error_bar, real.bar)
        real.doubt = np.where(usable, 0.0, real.doubt)   # the wobble has seen that rounding
        real.method = "the complex step, confirmed by central differences"
        return real
    return _measure_extended(evaluate, probes) or real


def _confirmed(analytic, real):
    """Do the complex step and the central differences agree wherever these are smooth and decided?"""
    smooth = ~real.at_kink & np.isfinite(real.bar) & np.isfinite(analytic.value)
    gap = np.abs(analytic.value - real.value)
    return smooth.any() and (gap <= 4 * real.bar + analytic.error_bar)[smooth].all()


def _measure_complex(evaluate, probes):
    """The complex step at four points that differ in the last digits of the parameters; None if the cost cannot do it."""
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("error", np.exceptions.ComplexWarning)   # a cast that drops the imaginary part
            slopes = np.array([_complex_slopes(evaluate, probes, k) for k in range(4)])
    except Exception:   # whatever way the cost refuses complex numbers, the next method takes over
        return None
    if np.isnan(slopes).any():
        return None
    wobble = np.abs(slopes - slopes[0]).max(axis=0)
    return Estimate(slopes[0], 16 * wobble + 256 * EPS * np.abs(slopes[0]))


def _complex_slopes(evaluate, probes, k):
    rng = np.random.default_rng(k)
    shaken = [a * (1 + EPS * rng.integers(-2, 3, a.shape) * (k > 0)) for a in evaluate.arrays]
    at = evaluate.in_precision(np.complex128, shaken)
    h = TINY_STEP * (1 + 0.3 * k)   # a power of two for k = 0, so that integers stay exact; other roundings for the others
    values = [at(probe, 1j * h) for probe in probes]
    if not all(np.iscomplexobj(value) for value in values):
        raise TypeError("a real result")
    return np.array([value.imag for value in values]) / h


def _measure_extended(evaluate, probes):
    """As `_measure_real` in extended precision; None where the machine or the cost has none."""
    if np.finfo(np.longdouble).eps >= EPS:
        return None
    extended = evaluate.in_precision(np.longdouble)
    try:
        if np.asarray(extended.here()).dtype != np.longdouble:
            return None
        measured = _measure_real(extended, probes)
    except Exception:   # a cost that cannot take extended precision: float64 was good enough for it
        return None
    measured.method = "central differences in extended precision"
    return measured


def _measure_real(evaluate, probes):
    noise = _noise(evaluate)
    ladder = _Ladder(evaluate, probes, STEPS, noise)
    value, bar = ladder.extrapolated()
    at_kink = ladder.has_jump()
    for steps in SMALLER_STEPS, LARGER_STEPS, SMALLEST_STEPS:
        weak = np.flatnonzero(~at_kink & ~(bar <= 1e-6 * np.abs(value)) & ~ladder.flat())
        if len(weak):
            value[weak], bar[weak] = _better(value[weak], bar[weak], _Ladder(evaluate, [probes[k] for k in weak], steps, noise))
    distances = _nearest_kinks(evaluate, probes, ladder, value, bar, noise)
    for k in np.flatnonzero(at_kink):
        at_kink[k], value[k], bar[k] = _look_closer(evaluate, probes[k], value[k], bar[k], noise, distances)
    left, right = ladder.one_sided()
    # The claim is computed in float64, whatever the measurement: leave it room for its own rounding.
    bar = bar + 64 * EPS * _largest_of_block(np.abs(value), probes)
    doubt = np.full(len(probes), 64 * EPS * float(np.abs(evaluate.here())))
    return _Measured(*(a.astype(np.float64) for a in (value, bar)), at_kink, left, right, ladder.flat(), distances, doubt)


def _largest_of_block(sizes, probes):
    blocks = np.array([probe.block for probe in probes])
    largest = np.zeros(blocks.max() + 1, dtype=sizes.dtype)
    np.maximum.at(largest, blocks, np.where(np.isfinite(sizes), sizes, 0))
    return largest[blocks]


def _better(value, bar, ladder):
    """Of two estimates the one with the smaller error bar; one from steps with a jump does not count."""
    other, other_bar = ladder.extrapolated()
    take = (other_bar < bar) & ~ladder.has_jump()
    return np.where(take, other, value), np.where(take, other_bar, bar)


class _Ladder:
    """The cost at x + h and x - h for a ladder of steps h, each a RATIO smaller than the one before: rows are probes."""

    def __init__(self, evaluate, probes, steps, noise):
        reaches = np.array([evaluate.reach(probe) for probe in probes])[:, None] * steps
        with np.errstate(all="ignore"):
            values = np.array([[(evaluate(p, h), evaluate(p, -h)) for h in hs] for p, hs in zip(probes, reaches)])
        self.here, self.noise = evaluate.here(), noise
        self.up, self.down = values[..., 0], values[..., 1]
        self.h = np.array([[evaluate.width(p, h) for h in hs] for p, hs in zip(probes, reaches)])

    def slopes(self):
        with np.errstate(all="ignore"):
            return (self.up - self.down) / (2 * self.h)

    def bends(self):
        with np.errstate(all="ignore"):
            return self.up - self.here + (self.down - self.here)

    def flat(self):
        return ((self.up == self.here) & (self.down == self.here)).all(axis=1)

    def one_sided(self):
        """The derivatives to the left and to the right, from the smallest step."""
        left, right = self.here - self.down[:, -1], self.up[:, -1] - self.here
        return (left / self.h[:, -1]).astype(np.float64), (right / self.h[:, -1]).astype(np.float64)

    def extrapolated(self):
        """Ridders' method: polynomials in h**2 through neighbouring slopes, at h = 0; the most self-consistent one wins.

        A value's error is the larger of its distances to the two values it was made from, plus rounding over its
        smallest step.
        """
        last, h, rounding = self.slopes(), self.h, 3 * self.noise / np.abs(self.h)
        best, bar = last[:, -1], np.full(len(h), np.inf, dtype=h.dtype)
        for order in range(1, h.shape[1]):
            with np.errstate(all="ignore"):
                new = last[:, 1:] + (last[:, 1:] - last[:, :-1]) / ((h[:, :-order] / h[:, order:])**2 - 1)
                error = np.maximum(np.abs(new - last[:, 1:]), np.abs(new - last[:, :-1])) + rounding[:, order:]
            for column in range(new.shape[1]):
                better = error[:, column] < bar      # False for NaN
                best, bar = np.where(better, new[:, column], best), np.where(better, error[:, column], bar)
            last = new
        return best, bar

    def has_jump(self):
        """Does the slope jump at the point: is the bend proportional to h, not h**2, down to the smallest steps?

        From bend = jump h + curvature h**2 at two steps the jump follows; a kink gives the same jump at every pair.
        """
        bends = self.bends()
        with np.errstate(all="ignore"):
            jumps = (RATIO**2 * bends[:, 1:] - bends[:, :-1]) / (self.h[:, :-1] * (RATIO - 1))
            rounding = 100 * self.noise / self.h[:, -2]
            *_, before, last = jumps.T
            return (np.abs(last) > rounding) & (np.abs(last - before) < 0.25 * np.abs(last))

    def unsmooth_from(self, value, bar):
        """For each probe the number of the smallest step whose slope or bend does not follow from the steps below; or -1."""
        with np.errstate(all="ignore"):
            excess, bends = self.slopes() - value[:, None], self.bends()
            rounding = self.noise / self.h[:, 1:]
            slope_off = np.abs(excess[:, :-1] - RATIO**2 * excess[:, 1:])
            slope_room = RATIO**2 / 2 * np.abs(excess[:, 1:]) + 4 * RATIO**2 * (rounding + bar[:, None])
            bend_off = np.abs(bends[:, :-1] - RATIO**2 * bends[:, 1:])
            bend_room = RATIO**2 / 2 * np.abs(bends[:, 1:]) + 16 * RATIO**2 * self.noise
        off = (slope_off > slope_room) | (bend_off > bend_room)
        return np.where(off.any(axis=1), off.shape[1] - 1 - np.argmax(off[:, ::-1], axis=1), -1)


def _in_line(arrays, step):
    """The arrays at eight points in a row, in a random direction, this far apart."""
    rng = np.random.default_rng(0)
    directions = [rng.choice([-1.0, 1.0], a.shape) * np.maximum(1.0, np.abs(a)) for a in arrays]
    return [[a + (k - 4) * step * d for a, d in zip(arrays, directions)] for k in range(8)]


def _noise(evaluate):
    """The rounding of the cost, from third differences over steps so small that only rounding is left of them.

    (1e9 + w) - 1e9 is a staircase, flat under the smallest steps: they grow until the cost changes to both sides, once more
    where the stairs then look even. Where it changes to one side alone, there is a kink; where to none, nothing is rounded.
    """
    seen, even = 0.0, False
    for step in 2.0**-44 * 13.0 ** np.arange(13):
        try:
            with np.errstate(all="ignore"):
                values = np.array([evaluate.in_precision(evaluate.dtype, a).here() for a in _in_line(evaluate.arrays, step)])
        except (ArithmeticError, ValueError):   # outside the domain of the cost
            break
        moved = values != evaluate.here()
        if moved[:4].any() and moved[4:].any():
            seen = np.abs(np.diff(values, n=3)).max() / 2
            if seen > 0 or even:
                break
            even = True
    floor = np.finfo(evaluate.dtype).eps * np.abs(evaluate.here())
    return np.maximum(seen, floor) if np.isfinite(seen) else floor


# ------------------------------------------------------------------------------------------------------- kinks

def _nearest_kinks(evaluate, probes, ladder, value, bar, noise):
    """For each block the distance to a kink, if one is found within the largest step: {block: distance}."""
    distances, step = {}, ladder.unsmooth_from(value, bar)
    order = sorted(np.flatnonzero(step >= 0), key=lambda k: -step[k])
    for block in sorted({probe.block for probe in probes}):
        for k in [k for k in order if probes[k].block == block][:4]:
            h = float(ladder.h[k, step[k]])
            near = h / RATIO**2 if step[k] < len(STEPS) - 3 else 0.0
            found = [_find_kink(evaluate, probes[k], low, high, noise) for low, high in [(near, h), (-h, -near)]]
            for distance in [abs(t) for t in found if t is not None]:
                distances[block] = min(distance, distances.get(block, np.inf))
    return distances


def _find_kink(evaluate, probe, low, high, noise):
    """Where the slope jumps between low and high, by halving; None if it does not.

    Second differences over three overlapping halves: the largest holds the kink. At a kink they shrink like the width, in
    a smooth stretch like its square; this is what tells them apart.
    """
    at = lambda t: evaluate(probe, t)
    points, bends = np.linspace(low, high, 5), []
    values = [at(t) for t in points]
    while len(bends) < 40:
        seconds = np.abs([values[k] - 2 * values[k + 1] + values[k + 2] for k in range(3)])
        if not seconds.max() > 20 * noise:     # also for NaN
            break
        bends.append(seconds.max())
        k = int(np.argmax(seconds))
        halves = (points[k] + points[k + 1]) / 2, (points[k + 1] + points[k + 2]) / 2
        points = np.array([points[k], halves[0], points[k + 1], halves[1], points[k + 2]])
        values = [values[k], at(halves[0]), values[k + 1], at(halves[1]), values[k + 2]]
    if len(bends) < 7 or bends[-1] < 0.2 / 2**6 * bends[-7]:
        return None
    return 0.0 if points[0] <= 0 <= points[-1] else float(points[2])


def _look_closer(evaluate, probe, value, bar, noise, distances):
    """A kink nearer than the smallest step: at the point itself? Else the derivative from steps that do not reach it."""
    h = float(evaluate.reach(probe) * STEPS[-1])
    distance = abs(_find_kink(evaluate, probe, -h, h, noise) or 0.0)
    distances[probe.block] = min(distance, distances.get(probe.block, np.inf))
    if distance < 1e-3 * h:
        return True, value, bar
    ladder = _Ladder(evaluate, [probe], distance / 2 / evaluate.reach(probe) * RATIO**-np.arange(3.0), noise)
    closer, closer_bar = ladder.extrapolated()
    return False, closer[0], closer_bar[0]


# --------------------------------------------------------------------------------------------- judging a claim

@dataclass
class _Judged:
    measured: _Measured
    claimed: np.ndarray       # for each probe, where it was decided
    claimed_here: np.ndarray  # for each probe, at the point itself
    status: np.ndarray        # "agrees", "differs", "open" (not decided) or "kink"
    dead: np.ndarray
    weak: np.ndarray          # worth another look beside the point
    beside: np.ndarray        # decided there


def _judge(evaluate, probes, claims, exact, gradient):
    measured, claimed = _measure(evaluate, probes, exact), _along(probes, claims)
    error, size = np.abs(claimed - measured.value), np.maximum(np.abs(claimed), np.abs(measured.value))
    # Nearly right: where y_hat - y has nearly vanished, for one, the claim has lost digits that the measurement has kept.
    near = (error > measured.bar) & (error <= RESOLUTION * size)
    if near.any() and callable(gradient):
        measured.bar = np.where(near, measured.bar + _claim_rounding(evaluate, probes, gradient), measured.bar)
    elif near.any():
        of_order_one = 64 * EPS * max(1.0, float(np.abs(evaluate.here())))
        measured.doubt = np.where(near, np.maximum(measured.doubt, of_order_one), measured.doubt)
    both_zero = (claimed == 0) & (measured.value == 0)
    decided = both_zero | (measured.bar <= RESOLUTION * size)
    status = np.where((error <= measured.bar) & decided, "agrees", "open").astype("U7")
    # Beyond the error bar, but not far: rounding of the claim itself is as likely as a mistake.
    status[error > np.maximum(8 * measured.bar, measured.doubt)] = "differs"
    status[measured.at_kink] = "kink"
    dead = both_zero & measured.flat
    weak = (status == "open") | (status == "kink") | (both_zero & ~dead)
    return _Judged(measured, claimed, claimed.copy(), status, dead, weak, np.zeros(len(probes), dtype=bool))


def _along(probes, claims):
    return np.array([np.sum(claims[p.block][p.index] * p.direction) for p in probes], dtype=np.float64)


def _claim_rounding(evaluate, probes, gradient):
    """The rounding of the claims, as `_noise` finds that of the cost; 0 outside the domain of the gradient.

    The steps are larger: sigmoid(z) - 1, for one, stays the same number while z moves in its last digits.
    """
    try:
        claims = [_along(probes, _claims(gradient, evaluate.tree, moved)) for moved in _in_line(evaluate.arrays, 2.0**-24)]
    except (ArithmeticError, ValueError):
        return np.zeros(len(probes))
    return 4 * np.abs(np.diff(claims, n=3, axis=0)).max(axis=0)


def _judge_beside(judged, evaluate, probes, gradient, exact):
    """Judge the weak entries again a little way off, to both sides, where the same gradient function must hold as well."""
    weak = np.flatnonzero(judged.weak)
    if not len(weak):
        return
    rng = np.random.default_rng(1)
    moves = [2.0**-6 * (1 + np.abs(a)) * rng.uniform(0.5, 1, a.shape) * rng.choice([-1.0, 1.0], a.shape) for a in evaluate.arrays]
    for side in 1, -1:
        there = evaluate.in_precision(np.float64, [np.array(a + side * move) for a, move in zip(evaluate.arrays, moves)])
        try:
            validation.finite("cost", np.asarray(there.here()))
            second = _judge(there, [probes[k] for k in weak], _claims(gradient, evaluate.tree, there.arrays), exact, gradient)
        except (ArithmeticError, ValueError):   # outside the domain: nothing to be learnt there
            continue
        for j, k in enumerate(weak):
            _take_over(judged, k, second, j)


def _take_over(judged, k, second, j):
    """Let a decision made beside the point stand for entry k; a difference found once stays, and 0 = 0 decides little."""
    says_more = second.claimed[j] != 0 or judged.status[k] in ("open", "kink")
    if judged.status[k] != "differs" and (second.status[j] == "differs" or (second.status[j] == "agrees" and says_more)):
        judged.beside[k], judged.status[k], judged.claimed[k] = True, second.status[j], second.claimed[j]
        judged.measured.value[k], judged.measured.bar[k] = second.measured.value[j], second.measured.bar[j]


def _block_report(block, name, parameter, claim, judged, probes, n_samples):
    rows = np.array([k for k, probe in enumerate(probes) if probe.block == block])
    m, status, claimed = judged.measured, judged.status[rows], judged.claimed[rows]
    value, bar, kink = m.value[rows], m.bar[rows], m.at_kink[rows]
    # Along a direction several kinks may meet, and a right claim need not lie between the slopes then.
    one_entry, here = np.array([probes[k].index is not ... for k in rows]), judged.claimed_here[rows]
    size = np.maximum(np.abs(claimed), np.abs(value))
    with np.errstate(all="ignore"):
        error = np.where((size > 0) & (status != "kink"), np.abs(claimed - value) / size, 0.0)
    low, high = np.minimum(m.left, m.right)[rows], np.maximum(m.left, m.right)[rows]
    room = 1e-3 * (high - low)      # one-sided slopes are first order in the step
    bracketed = kink & one_entry & (here >= low - room) & (here <= high + room)
    verdict = _verdict(status, bracketed, judged.dead[rows])
    among = np.flatnonzero(status == {"differs": "differs", "agrees": "agrees"}.get(verdict, "open"))
    # The first of those that tie but for rounding, so that noise does not choose.
    worst = among[np.argmax(error[among] >= error[among].max() * (1 - 1e-6))] if len(among) else 0
    report = BlockReport(
        name, parameter.shape, len(rows), verdict, float(error[worst]), float(bar[worst] / size[worst]) if size[worst] else 0.0,
        differing=int((status == "differs").sum()), undecided=int((status == "open").sum()), dead=int(judged.dead[rows].sum()),
        at_kink=int((kink & one_entry).sum()), bracketed=int(bracketed.sum()),
        slopes=tuple(float(f"{side[rows][kink & one_entry][0]:.3g}") + 0.0 for side in (m.left, m.right))
        if (kink & one_entry).any() else (),
        beside=int(judged.beside[rows].sum()),
        kink_distance=m.kink_distance.get(block), worst=_entry_name(name, probes[rows[worst]]),
        claimed=_clean(claimed[worst], bar[worst]), numerical=_clean(value[worst], bar[worst]))
    if verdict == "differs":
        _explain(report, claim, claimed, value, bar, status, [probes[k].index for k in rows], n_samples)
    elif verdict == "agrees" and not (judged.dead[rows] | (size == 0)).all():
        report.ratio = 1.0
    return report


def _verdict(status, bracketed, dead):
    if (status == "differs").any():
        return "differs"
    fine = (status == "agrees") | ((status == "kink") & bracketed)
    return "agrees" if fine.all() and (status == "agrees").any() else "not decided"


def _explain(report, claim, claimed, value, bar, status, indices, n_samples):
    """Fill in what a differing block looks like: its transpose, or a constant multiple of the true gradient."""
    usable = (status != "kink") & (status != "open")
    report.ratio = _constant_ratio(claimed[usable], value[usable], bar[usable])
    square = claim.ndim == 2 and claim.shape[0] == claim.shape[1]
    if report.ratio is None and square and ... not in indices:
        swapped = np.array([claim.T[index] for index in indices], dtype=np.float64)
        report.ratio = _constant_ratio(swapped[usable], value[usable], bar[usable])
        report.transposed = report.ratio is not None
    reason = "" if report.ratio is None else _suggest(report.ratio, n_samples)
    by_entry = np.array([index is not ... for index in indices])
    if reason.endswith("a constant factor") and not value[usable & by_entry].any():     # one number is always in one ratio
        report.ratio, reason = None, "seen along the random direction alone: check more entries" if not by_entry.all() else reason
    report.suggestion = "; ".join(filter(None, ["transposed" if report.transposed else "", reason]))
    if report.ratio is None and report.differing == report.entries > 1:
        report.suggestion = "no constant ratio: another formula, or another point"


def _constant_ratio(claimed, value, bar):
    """claimed / value where it is one number for all entries, else None."""
    if not value.any():
        return None
    top = np.argmax(np.abs(value))
    ratio = claimed[top] / value[top]
    room = (1 + abs(ratio)) * (bar + bar[top] / np.abs(value[top]) * np.abs(value)) * 8
    return float(ratio) if (np.abs(claimed - ratio * value) <= room).all() else None


def _suggest(ratio, n_samples):
    """What a constant ratio of claimed to true usually means."""
    n = n_samples if n_samples is not None and n_samples > 1 else None
    meanings = {0.0: "left out: the claim is zero", 1.0: "", 2.0: "a factor 2", 0.5: "a factor 1/2"}
    for power, words in [(1, "a sum for a mean"), (-1, "1/n once too often")] if n else []:
        for factor, more in [(1.0, ""), (2.0, ", and a factor 2"), (0.5, ", and a factor 1/2")]:
            meaning = f"{words} (n = {n}){more}"
            key = factor * float(n)**power
            meanings[key] = f"{meanings[key]}, or {meaning}" if meanings.get(key) else meanings.get(key, meaning)
    size = abs(ratio)
    for factor, words in meanings.items():
        if abs(size - factor) <= 1e-6 * factor:
            return " and ".join(filter(None, ["the sign" if ratio < 0 else "", words]))
    return " and ".join(filter(None, ["the sign" if ratio < 0 else "", _whole_factor(size)]))


def _whole_factor(size):
    for factor, form, words in [(size, "{}", "a sum for a mean"), (1 / size, "1/{}", "a mean taken twice")]:
        if 2.5 < factor < 1e6 and abs(factor - round(factor)) <= 1e-6 * factor:
            return f"a factor {form.format(round(factor))}: {words}?"
    return "a constant factor"


# -------------------------------------------------------------------------------------------------------- text

def _entry_name(name, probe):
    if probe.index == ():
        return name
    return f"{name} along a random direction" if probe.index is ... else f"{name}[{', '.join(map(str, probe.index))}]"


def _clean(value, bar):
    """Zero for a number that cannot be told from zero: its digits are noise."""
    return 0.0 if abs(value) <= bar else float(value)


def _digits(number):
    """Six digits; rounded to ten before, so that noise cannot decide a tie."""
    return f"{float(f'{number:.10g}'):.6g}"


def _told_apart(a, b):
    """Two numbers with six digits, or as many as it takes to see that they differ."""
    return next((pair for n in range(6, 15) if len(set(pair := (f"{a:.{n}g}", f"{b:.{n}g}"))) == 2), (f"{a:.6g}", f"{b:.6g}"))


def _size(error, exactly=False):
    """An error as an order of magnitude, which is the same on every machine; or to three digits where it is a real one."""
    if exactly:
        return f"{float(f'{error:.10g}'):.3g}" if error > 1e-6 else f"{error:.0e}"
    return next((f"< {bound:.0e}" for bound in (1e-9, 1e-6, 1e-3) if error < bound), "large")


def _dead_remark(block):
    if not block.dead:
        return ""
    return "dead: the cost does not change with it" if block.dead == block.entries else f"{block.dead} of {block.entries} dead"


def _kink_remark(block):
    if block.at_kink:
        outside = block.at_kink - block.bracketed
        where = "between" if not outside else "outside" if not block.bracketed else f"{block.bracketed} between"
        return f"{block.at_kink} at a kink, claim {where} the slopes {_digits(block.slopes[0])} and {_digits(block.slopes[1])}"
    return "" if block.kink_distance is None else f"a kink {block.kink_distance:.2g} away"


def _mp_point(x):
    if isinstance(x, (int, float, str, np.integer, np.float16, np.float32)) and not isinstance(x, bool):
        try:
            x = mpmath.mpf(x.item() if isinstance(x, np.generic) else x)
        except ValueError:
            raise ValueError(f"x is {x!r}, expected a number") from None
    return _mp_number("x", x)


def _mp_number(name, value):
    if not isinstance(value, mpmath.mpf):
        raise TypeError(f"{name} is {value!r}, a {type(value).__name__}; expected a real mpmath number")
    if not mpmath.isfinite(value):
        raise ValueError(f"{name} is {value}, expected a finite number")
    return value


def _mp_slope(f, x, h):
    return (_mp_number("f(x)", f(x + h)) - _mp_number("f(x)", f(x))) / h
