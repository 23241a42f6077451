"""Whole kinds of costs, drawn at random: a right gradient is never called wrong, a wrong one never
right."""

import numpy as np
import pytest
from drawn import one_in

from gradcheck import gradient_check

FACTORS = (2, -1, 1 + 1e-3, 0)


def perfect_fit(rng):
    n, d = rng.integers(1, 30), rng.integers(1, 5)
    X = rng.normal(size=(n, d)) * 10.0 ** rng.uniform(-2, 2)
    w, b = (np.round(rng.normal(size=d) * 10.0 ** rng.uniform(-3, 3), rng.integers(0, 4)),
            np.round(rng.normal(), 2))
    y = X @ w + b if rng.random() < 0.5 else sum(X[:, j] * w[j] for j in range(d)) + b
    whole = rng.random() < 0.5

    def cost(p):
        error = X @ p["w"] + p["b"] - y
        return (error**2).mean() / 2 if whole else sum(e**2 for e in error.tolist()) / (2 * n)

    def gradient(p):
        error = X @ p["w"] + p["b"] - y
        return {"w": X.T @ error / n, "b": error.mean()}

    return cost, gradient, {"w": w, "b": b}


def kinks(rng):
    """Sums of relu or |.|, half of the entries exactly at their kink, the others near it."""
    d = rng.integers(1, 6)
    a, c, q = rng.normal(size=d), rng.normal(size=d), rng.normal()
    x = rng.normal(size=d) * 10.0 ** rng.uniform(-2, 2)
    at = np.where(rng.random(d) < 0.5, x,
                  x + rng.normal(size=d) * 10.0 ** rng.uniform(-6, 0, size=d))
    halves = rng.random() < 0.5

    def cost(x):
        bent = np.maximum(x - at, 0) if halves else (np.abs(x - at) + x - at) / 2
        return float((a * bent).sum() + (c * x).sum() + q * (x**2).sum())

    return cost, lambda x: a * (x > at) + c + 2 * q * x, x


def scaled(rng):
    d, s, width = rng.integers(1, 6), 10.0 ** rng.uniform(-12, 12), 10.0 ** rng.uniform(-6, 6)
    a, x = rng.normal(size=d), rng.normal(size=d) * width
    offset = 10.0 ** rng.uniform(-3, 7) * rng.choice([-1, 0, 1])
    f, slope = [
        (np.tanh, lambda z: 1 - np.tanh(z) ** 2),
        (np.sin, np.cos),
        (np.exp, np.exp),
        (np.square, lambda z: 2 * z),
    ][rng.integers(4)]
    cast = float if rng.random() < 0.5 else np.asarray
    if cast is float:
        offset *= 1e-4
    return lambda x: cast(s * (f(a * x / width).sum()
                               + offset)), lambda x: s * slope(a * x / width) * a / width, x


def network_in_float32(rng):
    n, d, h = rng.integers(2, 40), rng.integers(1, 6), rng.integers(1, 6)
    X, y = rng.normal(size=(n, d)), rng.normal(size=n)
    p = {"W": rng.normal(size=(d, h)), "v": rng.normal(size=h), "b": rng.normal(size=h)}
    tanh = rng.random() < 0.5

    def parts(p, dtype):
        W, v, b = (np.asarray(p[name]).astype(dtype) for name in "Wvb")
        a = np.tanh(X.astype(dtype) @ W + b) if tanh else np.maximum(X.astype(dtype) @ W + b, 0)
        return v, a, a @ v - y.astype(dtype)

    def gradient(p):
        v, a, error = parts(p, np.float32)
        delta = error[:, None] * v * (1 - a**2 if tanh else a > 0) / np.float32(n)
        return {"W": X.astype(np.float32).T @ delta, "v": a.T @ error / np.float32(n),
                "b": delta.sum(axis=0)}

    return lambda p: (parts(p, np.float64)[2] ** 2).mean() / 2, gradient, p


def normalised(rng):
    n, d, h = rng.integers(3, 20), rng.integers(1, 5), rng.integers(1, 5)
    X, Y = rng.normal(size=(n, d)), rng.normal(size=(n, h))

    def parts(p):
        z = X @ p["W"] + p["b"]
        s = np.sqrt(((z - z.mean(axis=0)) ** 2).mean(axis=0) + 1e-5)
        return s, (z - z.mean(axis=0)) / s

    def gradient(p):
        s, u = parts(p)
        error = (p["g"] * u - Y) / Y.size
        du = error * p["g"]
        dz = (du - du.mean(axis=0) - u * (du * u).mean(axis=0)) / s
        return {"W": X.T @ dz, "b": dz.sum(axis=0), "g": (error * u).sum(axis=0)}

    return (
        lambda p: ((p["g"] * parts(p)[1] - Y) ** 2).mean() / 2,
        gradient,
        {"W": rng.normal(size=(d, h)), "b": rng.normal(size=h), "g": rng.normal(size=h) + 2},
    )


def behind_an_offset(rng):
    """A cost that a large number has made a staircase."""
    d, offset = rng.integers(1, 6), 10.0 ** rng.uniform(3, 8) * rng.choice([-1, 1])
    a, x = rng.normal(size=d), rng.normal(size=d)
    f, slope = [(np.sin, np.cos), (np.square, lambda z: 2 * z)][rng.integers(2)]
    back = offset * rng.integers(2)
    return lambda x: offset + float(f(a * x).sum()) - back, lambda x: a * slope(a * x), x


def near_a_pole(rng):
    d = rng.integers(1, 5)
    x, p = 10.0 ** rng.uniform(-8, 0, size=d), rng.normal(size=d)
    if rng.random() < 0.5:
        return lambda x: float((p / x).sum()), lambda x: -p / x**2, x
    return lambda x: (p * np.log(np.abs(x))).sum(), lambda x: p / x, x


def with_dead_units(rng):
    """At least one unit lives."""
    n, d, h = rng.integers(2, 20), rng.integers(1, 5), rng.integers(2, 6)
    X, y, b = rng.normal(size=(n, d)), rng.normal(size=n), rng.normal(size=h)
    b[rng.random(h) < 0.5], b[0] = -50.0, 5.0

    def parts(p):
        z = X @ p["W"] + p["b"]
        return z, np.where(z > 0, z, 0)

    def gradient(p):
        z, a = parts(p)
        error = (a @ p["v"] - y) / n
        delta = error[:, None] * p["v"] * (z > 0)
        return {"W": X.T @ delta, "v": a.T @ error, "b": delta.sum(axis=0)}

    p = {"W": rng.normal(size=(d, h)), "v": rng.normal(size=h), "b": b}
    return lambda p: ((parts(p)[1] @ p["v"] - y) ** 2).mean() / 2, gradient, p


KINDS = [perfect_fit, kinks, scaled, network_in_float32, normalised,
         behind_an_offset, near_a_pole, with_dead_units]  # fmt: skip


def times(factor, claim):
    return (
        {name: times(factor, part) for name, part in claim.items()}
        if isinstance(claim, dict)
        else ((factor * claim).astype(np.asarray(claim).dtype))
    )


def verdicts(cost, gradient, p):
    return {block.verdict for block in gradient_check(cost, gradient, p).blocks.values()}


@pytest.mark.every(3)
@pytest.mark.parametrize("seed", one_in(4, range(12)))
@pytest.mark.parametrize("kind", KINDS)
def test_a_right_gradient_is_never_refused(kind, seed):
    cost, gradient, p = kind(np.random.default_rng(seed))
    assert verdicts(cost, gradient, p) == {"agrees"}
    assert "differs" not in verdicts(cost, gradient(p), p)


def test_the_rounding_of_a_perfect_fit_is_measured_at_each_step():
    """There the cost is all but 0 at the point, and its rounding too, but not a step away."""
    cost, gradient, p = perfect_fit(np.random.default_rng(108))
    assert "differs" not in verdicts(cost, gradient(p), p)


@pytest.mark.every(4)
@pytest.mark.parametrize("seed", one_in(4, range(4)))
@pytest.mark.parametrize("factor", FACTORS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_wrong_gradient_is_never_accepted(kind, factor, seed):
    cost, gradient, p = kind(np.random.default_rng(seed))
    assert not gradient_check(cost, lambda p: times(factor, gradient(p)), p)
    if kind is not perfect_fit:  # where the gradient is 0, so is every multiple of it
        assert not gradient_check(cost, times(factor, gradient(p)), p)


@pytest.mark.every(4)
@pytest.mark.parametrize("seed", range(8))
def test_a_random_claim_at_a_kink_passes_only_between_the_slopes(seed):
    rng = np.random.default_rng(seed)
    left, right = np.sort(rng.normal(size=2) * 10.0 ** rng.uniform(-6, 6))
    x = rng.normal() * 10.0 ** rng.uniform(-3, 3)
    cost = lambda w: float(np.where(w > x, right, left) * (w - x))
    for share in (0.0, 0.3, 1.0):
        assert gradient_check(cost, left + share * (right - left), x)
    for share in (-0.01, 1.01, 50.0, -1e6):
        assert (gradient_check(cost, left + share * (right - left),
                               x).blocks["the parameter"].verdict == "differs")


BENT = {  # each with its slope, and whether the complex step is told what it is
    "abs": (np.abs, np.sign, True),
    "relu": (lambda z: np.where(z.real > 0, z, 0), lambda z: (z > 0) * 1.0, True),
    "leaky": (lambda z: np.maximum(z, z / 10), lambda z: np.where(z > 0, 1, 0.1), True),
    "hinge": (lambda z: np.maximum(0, -z), lambda z: (z < 0) * -1.0, True),
    "z |z|": (lambda z: z * np.abs(z), lambda z: 2 * np.abs(z), False),
    "|z| cubed": (lambda z: z**2 * np.abs(z), lambda z: 3 * z * np.abs(z), False),
    "relu squared": (lambda z: np.maximum(z, 0) ** 2, lambda z: 2 * np.maximum(z, 0), True),
}


@pytest.mark.parametrize("seed", one_in(200, range(200), again=20))
@pytest.mark.parametrize("name", BENT)
def test_beside_a_bend_however_near_a_right_claim_is_never_refused_nor_a_wrong_one_accepted(
        name, seed):
    rng, (f, slope, exact) = np.random.default_rng(seed), BENT[name]
    at = rng.choice([0, 0, rng.normal()])
    a, b = rng.normal(size=2) * 10.0 ** rng.uniform(-2, 2, size=2)
    offset = rng.choice([0, 10.0 ** rng.uniform(0, 9)])
    p = np.array([at + rng.choice([-1, 1]) * 10.0 ** rng.uniform(-16, -1), rng.normal()])
    cost = lambda p: a * f(p[0] - at) + b * p[0] + np.sin(p[1]) + offset
    gradient = lambda p: np.array([a * slope(p[0] - at) + b, np.cos(p[1])])
    for claim in (gradient, gradient(p)):
        (block,) = gradient_check(cost, claim, p, exact=exact).blocks.values()
        assert block.verdict != "differs" and not block.steep
    for beyond in np.array([[3 * abs(a) + abs(b), 0]]) * [[1], [-1]]:
        assert not gradient_check(cost, lambda p, off=beyond: gradient(p) + off, p, exact=exact)
        assert not gradient_check(cost, gradient(p) + beyond, p, exact=exact)


def test_what_deceives_the_complex_step_in_a_few_digits_is_measured_without_it():
    cost = lambda z: 0.216 * z**2 * np.abs(z) + 6 * z
    gradient = lambda z: 0.216 * 3 * z * np.abs(z) + 6
    for z in (-0.00137, 0.004, 0.02):
        assert gradient_check(cost, gradient, z) and gradient_check(cost, gradient(z), z)
        assert not gradient_check(cost, gradient(z) * (1 + 1e-8), z)


@pytest.mark.parametrize("seed", one_in(10, range(40)))
def test_units_that_are_saturated_are_not_called_wrong(seed):
    """1 - tanh(z)**2 is 0 in floats, where the complex step of the cost has all its digits."""
    rng = np.random.default_rng(seed)
    z, c = rng.normal(size=4) * [1, 10, 20, 40], rng.normal(size=4)
    cost = lambda z: (c * np.tanh(z)).sum() + 1e3 * c[0]
    gradient = lambda z: c * (1 - np.tanh(z) ** 2)
    for claim in (gradient, np.where(abs(z) > 19, 0, c / np.cosh(z) ** 2)):
        (block,) = gradient_check(cost, claim, z).blocks.values()
        assert block.verdict != "differs"
    assert not gradient_check(cost, lambda z: -gradient(z), z)


@pytest.mark.parametrize("seed", range(8))
def test_a_cost_that_jumps_is_never_right(seed):
    rng = np.random.default_rng(seed)
    x, height, slope = (rng.normal() * 10.0 ** rng.uniform(-2, 2), 10.0 ** rng.uniform(-4, 4),
                        rng.normal())
    at = 0.0 if seed % 2 else x
    cost = lambda w: float(slope * w + height * (w >= at))
    assert not gradient_check(cost, slope, at) and not gradient_check(cost, lambda w: slope, at)
    steep = lambda w: float(np.sqrt(abs(w - at)))
    assert not gradient_check(steep, 1.0, at)


def drawn(seed):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(6, 2)) * 10.0 ** rng.integers(-1, 3)
    return X, {"w": rng.normal(size=2), "b": rng.normal()}, rng


@pytest.mark.every(4)
@pytest.mark.parametrize("start", range(0, 60, 15))
def test_a_unit_that_is_dead_at_every_sample_has_no_slope_though_kinks_are_near(start):
    """Where no step is small enough to see nothing but the flat place, nothing is decided."""
    agreed = 0
    for seed in range(start, start + 15):
        X, p, _ = drawn(seed)
        p["b"] -= (X @ p["w"] + p["b"]).max() + 0.1
        report = gradient_check(lambda p, X=X: np.maximum(0, X @ p["w"] + p["b"]).mean(),
                                {"w": np.zeros(2), "b": 0.0}, p)
        assert "differs" not in [block.verdict for block in report.blocks.values()]
        agreed += bool(report)
    assert agreed >= 13


@pytest.mark.parametrize("seed", one_in(6, range(30)))
def test_a_bias_that_a_normalisation_takes_out_may_have_a_slope_of_rounding_errors(seed):
    X, p, rng = drawn(seed)
    y = rng.normal(size=6)

    def cost(p):
        z = X @ p["w"] + p["b"]
        return (((z - z.mean()) / np.sqrt(z.var() + 1e-5) - y) ** 2).mean()  # var() of reals only

    def gradient(p):
        z = X @ p["w"] + p["b"]
        spread = np.sqrt(z.var() + 1e-5)
        normal = (z - z.mean()) / spread
        back = 2 * (normal - y) / 6
        dz = (back - back.mean() - normal * (back * (z - z.mean())).mean() / spread) / spread
        return {"w": X.T @ dz, "b": dz.sum()}

    claim = gradient(p)
    assert gradient_check(cost, claim, p)
    assert not gradient_check(cost, claim | {"b": 1e-6 * np.abs(claim["w"]).max()}, p)
    assert not gradient_check(cost, claim | {"w": claim["w"] * 1.001}, p)


NOT_ANALYTIC = {  # f and its slope; of some the complex step has the half, or another
    "z² |z|": (lambda z: z * z * np.abs(z), lambda z: 3 * z * np.abs(z)),
    "|z|²": (lambda z: np.abs(z) ** 2, lambda z: 2 * z),
    "z re(z)²": (lambda z: z * np.real(z) ** 2, lambda z: 3 * z * z),
    "z² conj(z)": (lambda z: z * np.conj(z) * z, lambda z: 3 * z * z),
    "z² im(z) + z³": (lambda z: z**2 * np.imag(z) + z**3, lambda z: 3 * z * z),
}


@pytest.mark.every(4)
@pytest.mark.parametrize("name", NOT_ANALYTIC)
@pytest.mark.parametrize("slope, factor", [(0, 1), (5, 1), (5, 1e-3), (5, 100), (1e-9, 1)])
def test_where_the_complex_step_may_be_deceived_no_right_claim_differs(name, slope, factor):
    f, its = NOT_ANALYTIC[name]
    cost = lambda p: p[0] ** 2 + np.cos(p[1]) + factor * f(p[1]) + slope * p[1]
    gradient = lambda p: np.array([2 * p[0], factor * its(p[1]) - np.sin(p[1]) + slope])
    for z in (1e-11, 1e-7, 1e-5, 1e-2):
        p = np.array([1.3, z])
        for claim in gradient, gradient(p):
            (block,) = gradient_check(cost, claim, p).blocks.values()
            assert block.verdict != "differs", z
        (block,) = gradient_check(cost, gradient(p) * [1, 1.01], p).blocks.values()
        assert block.verdict != "agrees", z
        analytic = lambda p: p[0] ** 2 + np.cos(p[1]) + factor * p[1] ** 3 + slope * p[1]
        right = [2 * p[0], 3 * factor * p[1] ** 2 - np.sin(p[1]) + slope]
        (block,) = gradient_check(analytic, np.array(right) * [1, 1.01], p).blocks.values()
        assert block.verdict == "differs" or z < 1e-9, z
