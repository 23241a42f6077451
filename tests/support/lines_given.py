"""Lines under hypotheses, of which the truth is known beforehand: kinks of a name between bounds,
labels that sum to something, labels of which one is 1, sums that begin before their array."""

from random import Random
from typing import NamedTuple

import sympy as sp
from sympy import (
    Abs,
    Heaviside,
    KroneckerDelta,
    Max,
    Min,
    Piecewise,
    Rational,
    S,
    Sum,
    exp,
    log,
    sign,
    sqrt,
    symbols,
)
from vocabulary import K, a, i, j, k, l, n, u

from derivations.definitions import Assume, Definition
from derivations.symbols import Partial, indexed

J, L, x, r = symbols("J L x r", real=True)
z, y, f = indexed("z", K), indexed("y", K), indexed("f", K)
c, classes = symbols("c", integer=True), indexed("c", n, integer=True)
rows, row_scores = indexed("y", n, K), indexed("z", n, K)


class Line(NamedTuple):
    """A left side, what is claimed of it, whether that is true, and what is given.

    `true` is None where the claim fails at kinks alone, which a proof may leave out.
    """

    left: sp.Basic
    claim: sp.Basic
    true: bool | None
    given: tuple = ()


# ---------------------------------------------------------------- between bounds

BENT = [  # a function of t with its kink at 0, what it is above and what below
    (Abs, lambda t: t, lambda t: -t),
    (lambda t: Max(t, 0), lambda t: t, lambda t: S.Zero),
    (lambda t: Min(t, 0), lambda t: S.Zero, lambda t: t),
    (lambda t: Max(t, -2 * t), lambda t: t, lambda t: -2 * t),
    (sign, lambda t: S.One, lambda t: -S.One),
    (Heaviside, lambda t: S.One, lambda t: S.Zero),
    (lambda t: sqrt(t**2), lambda t: t, lambda t: -t),
    (lambda t: t * Abs(t), lambda t: t**2, lambda t: -(t**2)),
    (lambda t: Piecewise((t**2, t > 0), (1 - t, True)), lambda t: t**2, lambda t: 1 - t),
    (lambda t: Piecewise((1, t >= 0), (3, True)), lambda t: S.One, lambda t: S(3)),
    (lambda t: exp(-Abs(t)), lambda t: exp(-t), exp),
    (lambda t: log(1 + Abs(t)), lambda t: log(1 + t), lambda t: log(1 - t)),
    (lambda t: Abs(t) ** 3, lambda t: t**3, lambda t: -(t**3)),
    (lambda t: 1 / (1 + Abs(t)), lambda t: 1 / (1 + t), lambda t: 1 / (1 - t)),
]
ENDS = [Rational(end, 2) for end in range(-4, 5)]
NEAR, STEP = Rational(1, 97), Rational(1, 10**12)


def interval(rng):
    """(relations, points inside, ends that belong to it)."""
    low, high = sorted(rng.sample(ENDS, 2))
    holds_low, holds_high = rng.random() < 0.5, rng.random() < 0.5
    relations = [x >= low if holds_low else x > low, x <= high if holds_high else x < high]
    only = rng.choice([None, None, 0, 1])
    if only == 0:
        high, holds_high = S(9), False
    if only == 1:
        low, holds_low = -S(9), False
    relations = relations if only is None else [relations[only]]
    rng.shuffle(relations)
    points = {end + side for end in (*ENDS, low, high) for side in (NEAR, -NEAR)}
    return (
        relations,
        sorted(t for t in points if low < t < high),
        [low] * holds_low + [high] * holds_high,
    )


def differ(left, claim, point, slope):
    """Do two formulas of x and a have different values, or a value and the slope of the other?"""
    at = lambda e, t: e.subs({x: t, a: Rational(7, 3)}).evalf(40)
    value = (
        (at(left, point + STEP) - at(left, point - STEP)) / (2 * STEP) if slope else at(left, point)
    )
    return abs(value - at(claim, point)) > Rational(1, 10**7)


def between(seed):
    """Each kink is said to be on one side of the interval."""
    rng = Random(seed)
    relations, inside, ends = interval(rng)
    left = claim = S.Zero
    kinks = []
    for _ in range(rng.choice([1, 1, 2])):
        kink, (made, above, below) = rng.choice(ENDS), rng.choice(BENT)
        t, factor = rng.choice([1, 2, -1]) * (x - kink), rng.choice([1, 2, -1, a, x])
        middle = rng.choice(inside)
        branch = above if (t.subs(x, middle) > 0) == (rng.random() < 0.9) else below
        left, claim, kinks = left + factor * made(t), claim + factor * branch(t), [*kinks, kink]
    slope = rng.random() < 0.3
    claim = claim.diff(x) if slope else claim
    given, name = [Assume(*relations)], left
    if rng.random() < 0.3:
        given, name = [*given, Definition(J, left)], J
    if rng.random() < 0.2:
        name, claim_in = Sum(u[i] * name, (i, 1, n)), Sum(u[i], (i, 1, n)) * claim
    else:
        claim_in = claim
    true = not any(differ(left, claim, point, slope) for point in inside)
    met = any(min(inside) < kink < max(inside) for kink in kinks)
    if true and (met or any(slope or differ(left, claim, end, slope) for end in ends)):
        true = None
    return Line(Partial(name, x) if slope else name, claim_in, true, tuple(given))


# ---------------------------------------------------------------- sums that are known


def summed(seed):
    """A line that needs Σ y = r, with that, with another sum, or with nothing."""
    rng = Random(seed)
    total, right = Sum(y[k], (k, 1, K)), rng.choice([S.One, S.Zero, S(2), r, 1 + r])
    softmax = lambda at: exp(z[at]) / Sum(exp(z[j]), (j, 1, K))
    left, claim = rng.choice(
        [
            (Sum(y[k] * (a - z[k]), (k, 1, K)), right * a - Sum(y[k] * z[k], (k, 1, K))),
            (Partial(-Sum(y[k] * log(softmax(k)), (k, 1, K)), z[l]), right * softmax(l) - y[l]),
            (Sum(y[k] * y[j] * a, (k, 1, K), (j, 1, K)), right**2 * a),
            (Sum((y[k] - a) ** 2, (k, 1, K)), Sum(y[k] ** 2, (k, 1, K)) - 2 * a * right + K * a**2),
            (
                Sum(y[k] * (z[k] - Sum(y[j] * z[j], (j, 1, K))) ** 2, (k, 1, K)),
                Sum(y[k] * z[k] ** 2, (k, 1, K)) - (2 - right) * Sum(y[k] * z[k], (k, 1, K)) ** 2,
            ),
            (Abs(total), Abs(right)),
            (exp(total), exp(right)),
            (Sum(y[k], (k, 2, K)), right - y[1]),
            (Sum(y[k], (k, 1, K - 1)), right - y[K]),
            (
                Partial(Sum(y[k] * f[k] * a, (k, 1, K)) + a**2 * total, a),
                Sum(y[k] * f[k], (k, 1, K)) + 2 * a * right,
            ),
        ]
    )
    said = rng.choice([right, right, right, right + 1, None, 2 * right])
    given = () if said is None else (Assume(total, said),)
    true = said is not None and sp.expand(said - right) == 0
    if rng.random() < 0.2:
        claim, true = claim + rng.choice([a * y[1], right + 5, z[l]]), False
    return Line(left, claim, true, given)


def one_hot(seed):
    """Labels of which one is 1, for one sample or for each of several."""
    rng = Random(seed)
    if rng.random() < 0.6:
        label, score, chosen = y.__getitem__, z.__getitem__, c
    else:
        label, score, chosen = (lambda at: rows[i, at]), (lambda at: row_scores[i, at]), classes[i]
    given = Definition(label(k), KroneckerDelta(k, chosen))
    softmax = lambda at: exp(score(at)) / Sum(exp(score(j)), (j, 1, K))
    loss = -Sum(label(k) * log(softmax(k)), (k, 1, K))
    left, right, wrong = rng.choice(
        [
            (Sum(label(k), (k, 1, K)), S.One, [S.Zero, label(1)]),
            (Sum(label(k) * score(k), (k, 1, K)), score(chosen), [score(1), score(l)]),
            (label(l) ** 2, label(l), [S.One, 2 * label(l)]),
            (
                label(l) * label(k),
                KroneckerDelta(k, l) * label(k),
                [label(k), KroneckerDelta(k, l)],
            ),
            (loss, -log(softmax(chosen)), [-log(softmax(l)), log(softmax(chosen))]),
            (Sum((label(k) - a) ** 2, (k, 1, K)), 1 - 2 * a + K * a**2, [1 - 2 * a + a**2]),
            (
                Sum(label(k) * exp(score(k)), (k, 1, K)) ** 2,
                exp(2 * score(chosen)),
                [exp(score(chosen)), exp(score(chosen) ** 2)],
            ),
            (Sum(Abs(label(k)), (k, 1, K)), S.One, [K, S.Zero]),
            (Max(label(l), 0), label(l), [S.One]),
            (
                Sum(label(k) * label(j) * score(k), (k, 1, K), (j, 1, K)),
                score(chosen),
                [K * score(chosen)],
            ),
            (
                Partial(loss, score(l)),
                softmax(l) - label(l),
                [softmax(l) - 1, label(l) - softmax(l)],
            ),
        ]
    )
    true = rng.random() < 0.5
    claim = right if true else rng.choice(wrong)
    if chosen != c and rng.random() < 0.5 and not left.has(Partial):
        left, claim = Sum(left, (i, 1, n)), Sum(claim, (i, 1, n))
    return Line(left, claim, true, (given,))


# ---------------------------------------------------------------- before the first entry


def before_first(seed):
    """A sum that begins below 1, where nothing says what stands there, or u_0 is defined."""
    rng = Random(seed)
    low = rng.choice([0, 0, 0, -1, -n])
    body = rng.choice([u[i], u[i] ** 2, a * u[i] + i, exp(u[i]), u[i] * u[1], Max(u[i], 0)])
    given = rng.choice([(), (Definition(u[0], 2),)])
    total = Sum(body, (i, 1, n))
    claim = rng.choice([1, a]) * (Sum(body, (i, low, n)) - body.subs(i, 0))
    left = total if claim.func is sp.Add else a * total
    return Line(left, claim, low == 0 and given != (), given)
