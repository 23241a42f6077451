"""Gradient checks side by side on hard cases: ours, scipy's, autograd's, torch's and jax's, with
their defaults.

    python tests/bench/gradient_checks.py

Every case is a NumPy cost with a right and a wrong gradient, given as functions; all checkers are
asked about the same two. A library that is missing is left out of the table.
"""

import sys
import time
import warnings
from collections import Counter
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from gradcheck import gradient_check  # noqa: E402


def cases():
    """(name, cost, right gradient, wrong gradient, point), each of a vector."""
    rng = np.random.default_rng(0)
    yield from plain(rng)
    yield from small_faults(rng)
    yield from scales_and_offsets()
    yield from perfect_fits()
    yield from kinks(rng)
    yield from networks(rng)
    yield from single_precision(rng)


def factor(gradient, by):
    return lambda x: by * gradient(x)


def plain(rng):
    x = rng.normal(size=4)
    for name, f, g in [
        ("sum of squares", lambda x: (x**2).sum(), lambda x: 2 * x),
        ("product", lambda x: x.prod(), lambda x: x.prod() / x),
        ("exp of the sum", lambda x: np.exp(x.sum()), lambda x: np.exp(x.sum()) * np.ones_like(x)),
        ("tanh", lambda x: np.tanh(x).sum(), lambda x: 1 - np.tanh(x) ** 2),
        ("log of the sum of exp", lambda x: np.log(np.exp(x).sum()),
         lambda x: np.exp(x) / np.exp(x).sum()),
    ]:
        yield f"{name}, twice", f, g, factor(g, 2), x
        yield f"{name}, sign", f, g, factor(g, -1), x
        yield f"{name}, 1 %", f, g, factor(g, 1.01), x


def small_faults(rng):
    x = rng.normal(size=50)
    for error in (1e-2, 1e-4, 1e-5, 1e-6, 1e-8, 1e-10, 1e-12):

        def wrong(x, error=error):
            g = np.cos(x)
            g[7] *= 1 + error
            return g

        yield f"one entry of 50 off by {error:.0e}", lambda x: np.sin(x).sum(), np.cos, wrong, x


def scales_and_offsets():
    for scale in (1e-30, 1e-10, 1e-6, 1e6, 1e10):
        yield (
            f"scale {scale:.0e}",
            lambda x, s=scale: s * np.tanh(x).sum(),
            lambda x, s=scale: s * (1 - np.tanh(x) ** 2),
            lambda x, s=scale: 2 * s * (1 - np.tanh(x) ** 2),
            np.array([0.3, -0.4]),
        )
    for effect in (1e-9, 1e-15):
        g = lambda x, e=effect: np.array([3 * x[0] ** 2, e * np.cos(x[1])])
        yield (
            f"a slope of {effect:.0e} beside one of 3",
            lambda x, e=effect: x[0] ** 3 + e * np.sin(x[1]),
            g,
            lambda x, g=g: g(x) * [1, 2],
            np.array([1.0, 0.3]),
        )
    for offset in (1e4, 1e6, 1e8, 1e10):
        yield (
            f"offset {offset:.0e}",
            lambda x, o=offset: o + (x**3).sum(),
            lambda x: 3 * x**2,
            lambda x: 6 * x**2,
            np.array([0.7, 1.1]),
        )
    for height in (1e6, 1e9):
        yield (
            f"({height:.0e} + f) - {height:.0e}",
            lambda x, o=height: (o + (x**3).sum()) - o,
            lambda x: 3 * x**2,
            lambda x: 3.3 * x**2,
            np.array([0.7, 1.1]),
        )
    for x in (1e-3, 1e-7, 1e-12):
        yield f"log at {x:.0e}", lambda x: np.log(
            x).sum(), lambda x: 1 / x, lambda x: -1 / x, np.array([x])
    yield "1/x at 1e-7", lambda x: (1
                                    / x).sum(), lambda x: -1 / x**2, lambda x: -2 / x**2, np.array(
                                        [1e-7])
    yield (
        "sin(1e6 x)",
        lambda x: np.sin(1e6 * x).sum(),
        lambda x: 1e6 * np.cos(1e6 * x),
        lambda x: 1.1e6 * np.cos(1e6 * x),
        np.array([0.1]),
    )
    yield (
        "1e5 x + sin(1e7 x)",
        lambda x: (1e5 * x + np.sin(1e7 * x)).sum(),
        lambda x: 1e5 + 1e7 * np.cos(1e7 * x),
        lambda x: 1e5 * np.ones_like(x),
        np.array([0.3]),
    )
    for k, o in ((10, 1e6), (1e3, 1e10), (1e5, 1e8)):
        yield (
            f"{o:.0e} + tanh({k:g} x)",
            lambda x, k=k, o=o: o + np.tanh(k * x).sum(),
            lambda x, k=k: k * (1 - np.tanh(k * x) ** 2),
            lambda x, k=k: 1.5 * k * (1 - np.tanh(k * x) ** 2),
            np.array([0.0]),
        )
    yield (
        "x = 1e20",
        lambda x: ((x / 1e20) ** 3).sum(),
        lambda x: 3e-60 * x**2,
        lambda x: 3.3e-60 * x**2,
        np.array([1e20]),
    )


def perfect_fits():
    X = np.linspace(0, 1, 11)
    for w, b in ((0.9, 0.1), (2.1, -0.7), (0.5, 0.4), (1.3, 0.1)):
        y = w * X + b
        cost = lambda p, y=y: ((p[0] * X + p[1] - y) ** 2).mean() / 2
        g = lambda p, y=y: np.array([((p[0] * X + p[1] - y) * X).mean(),
                                     (p[0] * X + p[1] - y).mean()])
        yield f"perfect fit w = {w}, b = {b}", cost, g, lambda p, g=g: g(p) + [
            1e-7, 0], np.array([w, b])


def kinks(rng):
    relu = lambda x: np.maximum(x, 0)
    on = lambda x: (x > 0) * 1.0
    at = lambda x, value: np.where(x == 0, value, on(x))
    yield "relu, one entry at 0", lambda x: relu(x).sum(), on, lambda x: at(
        x, 1e6), np.array([0.0, 1.0, -1.0])
    yield (
        "|x| at 0, claim 77",
        lambda x: np.abs(x).sum(),
        np.sign,
        lambda x: np.where(x == 0, 77.0, np.sign(x)),
        np.array([0.0, 0.4]),
    )
    yield "relu, all at 0", lambda x: relu(x).sum() + x.sum(), lambda x: on(x) + 1, lambda x: at(
        x, 5) + 1, np.zeros(3)
    for d in (1e-2, 1e-6, 1e-7, 1e-9):
        yield (
            f"relu, {d:.0e} from its kink",
            lambda x: (relu(x) + x**2).sum(),
            lambda x: on(x) + 2 * x,
            lambda x: 2 * x,
            np.array([d, 0.5]),
        )
    yield (
        "max pooling, a tie",
        lambda x: x.max() + (x**2).sum(),
        lambda x: (np.arange(2) == x.argmax()) + 2 * x,
        lambda x: 5 + 2 * x,
        np.array([1.0, 1.0]),
    )


def networks(rng):
    X, y = rng.normal(size=(12, 3)), rng.normal(size=12)
    for name, g, slope in [
        ("tanh", np.tanh, lambda a: 1 - a**2),
        ("sigmoid", lambda z: 1 / (1 + np.exp(-z)), lambda a: a * (1 - a)),
        ("relu", lambda z: np.where(z > 0, z, 0), lambda a: (a > 0) * 1.0),
    ]:

        def parts(p, g=g):
            W, v, b = p[:12].reshape(4, 3), p[12:16], p[16:20]
            a = g(X @ W.T + b)
            return v, a, a @ v - y

        cost = lambda p, parts=parts: (parts(p)[2] ** 2).mean() / 2

        def gradient(p, parts=parts, slope=slope, mistake=None):
            v, a, error = parts(p)
            d = error[:, None] * v * (1 if mistake == "slope" else slope(a)) / 12
            return np.concatenate([(d.T @ X).ravel(), error @ a / (1 if mistake == "sum" else 12),
                                   d.sum(axis=0)])

        for mistake in ("slope", "sum"):
            yield (
                f"{name} network, {mistake}",
                cost,
                gradient,
                lambda p, f=gradient, m=mistake: f(p, mistake=m),
                rng.normal(size=20),
            )

    def normal(p):
        z = X @ p[:3] + p[3]
        u = (z - z.mean()) / np.sqrt(z.var() + 1e-5)
        return z, u

    cost = lambda p: ((normal(p)[1] - y) ** 2).mean() / 2

    def right(p):
        z, u = normal(p)
        du = (u - y) / 12
        dz = (du - du.mean() - u * (du * u).mean()) / np.sqrt(z.var() + 1e-5)
        return np.append(X.T @ dz, dz.sum())

    yield "bias before a normalisation", cost, right, lambda p: right(p) + [
        0, 0, 0, 1e-3], rng.normal(size=4)


def single_precision(rng):
    X, y = rng.normal(size=(20, 3)), rng.normal(size=20)
    cost = lambda w: ((X @ w - y) ** 2).mean() / 2

    def gradient(w, by=1):
        e = X.astype(np.float32) @ w.astype(np.float32) - y.astype(np.float32)
        return np.float32(by) * (X.astype(np.float32).T @ e / np.float32(20))

    yield "gradient in float32, twice", cost, gradient, lambda w: gradient(w, 2), rng.normal(size=3)
    yield "gradient in float32, 1 %", cost, gradient, lambda w: gradient(
        w, 1.01), rng.normal(size=3)


# --------------------------------------------------------------------------------------------------


def ours(cost, gradient, x):
    return bool(gradient_check(cost, gradient, x))


def with_scipy(cost, gradient, x):
    from scipy.optimize import check_grad

    return bool(check_grad(cost, gradient, x) <= 1e-5 * max(1, np.linalg.norm(gradient(x))))


def with_autograd(cost, gradient, x):
    from autograd.extend import defvjp, primitive
    from autograd.test_util import check_grads

    f = primitive(lambda x: float(cost(x)))
    defvjp(f, lambda value, x: lambda g: g * np.asarray(gradient(x), dtype=np.float64))
    return _accepts(lambda: check_grads(f, modes=["rev"], order=1)(x))


def with_torch(cost, gradient, x):
    import torch

    class Function(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return torch.tensor(float(cost(x.detach().numpy())), dtype=torch.float64)

        @staticmethod
        def backward(ctx, g):
            return g * torch.tensor(np.asarray(
                gradient(ctx.saved_tensors[0].numpy()), dtype=np.float64))

    return _accepts(lambda: torch.autograd.gradcheck(
        Function.apply, torch.tensor(x, requires_grad=True)))


def with_jax(cost, gradient, x):
    import jax
    from jax.test_util import check_vjp

    jax.config.update("jax_enable_x64", True)
    f = lambda x: np.float64(cost(np.asarray(x)))
    f_vjp = lambda x: (f(x), lambda g: (np.asarray(gradient(np.asarray(x)), dtype=np.float64)
                                        * np.asarray(g),))
    return _accepts(lambda: check_vjp(f, f_vjp, (x,)))


def _accepts(check):
    try:
        return check() is not False
    except (AssertionError, RuntimeError, ValueError):
        return False


CHECKERS = {
    "gradient_check": ours,
    "scipy": with_scipy,
    "autograd": with_autograd,
    "torch": with_torch,
    "jax": with_jax,
}


def main():
    rows, totals, seconds = [], {name: Counter() for name in CHECKERS}, Counter()
    for name, cost, right, wrong, x in cases():
        row = []
        for checker, check in CHECKERS.items():
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                try:
                    start = time.process_time()
                    verdicts = check(cost, right, x.copy()), check(cost, wrong, x.copy())
                    seconds[checker] += time.process_time() - start
                except ImportError:
                    row.append("-")
                    continue
            totals[checker]["right refused"] += not verdicts[0]
            totals[checker]["wrong accepted"] += verdicts[1]
            row.append(
                " and ".join(
                    filter(None, ["" if verdicts[0] else "right refused",
                                  "wrong accepted" if verdicts[1] else ""])
                )
                or "✓"
            )
        rows.append((name, *row))
    print(f"{len(rows)} cases, each with a right and a wrong gradient\n")
    print("| | " + " | ".join(CHECKERS) + " |\n|---|" + "---|" * len(CHECKERS))
    for what in "wrong accepted", "right refused":
        print(f"| {what} | "
              + " | ".join(str(totals[c][what]) if seconds[c] else "-" for c in CHECKERS) + " |")
    print("| CPU s for all | "
          + " | ".join(f"{seconds[c]:.2g}" if seconds[c] else "-" for c in CHECKERS) + " |\n")
    print("| case | " + " | ".join(CHECKERS) + " |\n|---|" + "---|" * len(CHECKERS))
    for row in rows:
        print("| " + " | ".join(row).replace("|x|", "\\|x\\|") + " |")


if __name__ == "__main__":
    main()
