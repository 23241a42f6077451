"""Lines of which the truth is known beforehand, drawn at random: no false one is proved, and no
true one is called false.

The slopes stand here as a textbook gives them, and the chain rule is applied by hand; lines under
hypotheses and claims as text come from tests/support/lines_given.py and lines_typed.py. The quick
run draws the same few lines every time; `make test-long` some hundreds, and

    PYTHONPATH=.:tests/support python tests/derivations/test_known_truth.py 5000 5200

those of other seeds, each with what is said of it.
"""

import sys
from collections import Counter
from random import Random

import pytest
import sympy as sp
from lines_given import Line, before_first, between, one_hot, summed
from lines_typed import Claim, typed
from sympy import (
    Abs,
    HadamardProduct,
    Heaviside,
    Max,
    Min,
    Piecewise,
    Product,
    S,
    Sum,
    Trace,
    atan,
    cos,
    cosh,
    erf,
    exp,
    log,
    sign,
    sin,
    sinh,
    sqrt,
    symbols,
    tanh,
)
from vocabulary import J, a, b, d, i, j, k, lam, n, u, w

from derivations.claim import bring_your_own
from derivations.definitions import Definition, Entries
from derivations.derivation import Derivation
from derivations.errors import FalseLine, Undecided, WrongIndex
from derivations.symbols import Gradient, Partial, as_written, indexed, sigmoid, softplus

x, X, y, v, s = (indexed("x", d), indexed("X", n, d), indexed("y", n), indexed("v", n),
                 indexed("s", n))
c, beta = symbols("c", positive=True), symbols("beta", real=True)


def verdict(line):
    """(what the engine says, in one word; the scope of a proof, or the hint of a refusal)."""
    if isinstance(line, Claim):
        return of_text(line)
    derivation = Derivation(line.left, list(line.given))
    derivation.step(line.claim, "by some rule")
    try:
        derivation.prove(keep=False)
    except FalseLine as refusal:
        assert str(refusal)
        return "false", refusal.hint()
    except Undecided as refusal:
        return "undecided", str(refusal)
    except WrongIndex as refusal:  # a shape that does not fit: that is a refusal too
        return "false", str(refusal)
    return "proved", derivation.proof.scope()


def of_text(claim):
    """The same of a claim that is typed; what is not read counts as undecided."""
    words = {"right": "proved", "wrong": "false", "not decided": "undecided"}
    try:
        told = bring_your_own(*claim[:3])
    except (ValueError, TypeError) as refusal:  # a blank between two numbers, say
        return "undecided", str(refusal)
    return words[told.verdict], repr(told)


def misjudged(line, said):
    return line.true is not None and said == ("false" if line.true else "proved")


# ---------------------------------------------------------------- costs

FUNCTIONS = [  # a function and its slope
    (lambda t: t**2 / 2, lambda t: t),
    (lambda t: t**3, lambda t: 3 * t**2),
    (lambda t: beta * t - t**2, lambda t: beta - 2 * t),
    (lambda t: (beta + t) ** 2, lambda t: 2 * (beta + t)),
    (lambda t: 1 / (1 + t**2), lambda t: -2 * t / (1 + t**2) ** 2),
    (lambda t: sqrt(1 + t**2), lambda t: t / sqrt(1 + t**2)),
    (exp, exp),
    (lambda t: c**t, lambda t: c**t * log(c)),
    (lambda t: exp(-(t**2) / 2), lambda t: -t * exp(-(t**2) / 2)),
    (lambda t: log(1 + exp(t)), sigmoid),
    (lambda t: log(c + t**2), lambda t: 2 * t / (c + t**2)),
    (softplus, lambda t: exp(t) / (1 + exp(t))),
    (sigmoid, lambda t: sigmoid(t) * (1 - sigmoid(t))),
    (lambda t: -log(sigmoid(t)), lambda t: sigmoid(t) - 1),
    (lambda t: t * sigmoid(t), lambda t: sigmoid(t) + t * sigmoid(t) * (1 - sigmoid(t))),
    (tanh, lambda t: 1 - tanh(t) ** 2),
    (sinh, cosh),
    (cosh, sinh),
    (lambda t: log(cosh(t)), tanh),
    (sin, cos),
    (cos, lambda t: -sin(t)),
    (atan, lambda t: 1 / (1 + t**2)),
    (erf, lambda t: 2 * exp(-(t**2)) / sqrt(sp.pi)),
    (Abs, sign),
    (lambda t: t / (1 + Abs(t)), lambda t: 1 / (1 + Abs(t)) ** 2),
    (lambda t: Max(0, t), Heaviside),
    (lambda t: Max(0, 1 - t), lambda t: -Heaviside(1 - t)),
    (lambda t: Min(t, c), lambda t: Heaviside(c - t)),
    (lambda t: Piecewise((t, t > 0), (t / 10, True)),
     lambda t: Piecewise((1, t > 0), (S(1) / 10, True))),
]


def function(rng, nested=True):
    """A function and its slope; every fourth is a function of a function."""
    f, slope = rng.choice(FUNCTIONS)
    if not nested or rng.random() > 0.25:
        return f, slope
    inner, its_slope = function(rng, nested=False)
    return lambda t: f(inner(t)), lambda t: slope(inner(t)) * its_slope(t)


def of_numbers(rng):
    (f, slope), (inner, factor) = function(rng), rng.choice(
        [(a * b, b), (a + b, 1), (a * b - c, b), (2 * a, 2), (a**2 * b, 2 * a * b)])
    return Partial(f(inner), a), slope(inner) * factor, (), []


def of_a_sum(rng):
    (f, slope), score = function(rng), Sum(x[j] * w[j], (j, 1, d))
    return Partial(f(score), w[k]), slope(score) * x[k], (), [slope(score)]


def of_a_mean(rng):
    f, slope = function(rng)
    given = Definition(s[i], Sum(X[i, j] * w[j], (j, 1, d)) + b), Definition(
        J, Sum(f(s[i]), (i, 1, n)) / n)
    true = Sum(slope(s[i]) * X[i, k], (i, 1, n)) / n
    return Partial(J, w[k]), true, given, [n * true, Sum(slope(s[i]), (i, 1, n)) / n]


def of_a_penalised_mean(rng):
    f, slope = function(rng)
    given = Definition(s[i], Sum(X[i, j] * w[j], (j, 1, d)) + b), Definition(
        J, Sum(f(s[i] - y[i]), (i, 1, n)) / n + lam * Sum(w[j] ** 2, (j, 1, d)) / 2)
    mean = Sum(slope(s[i] - y[i]) * X[i, k], (i, 1, n)) / n
    return Partial(J, w[k]), mean + lam * w[k], given, [mean, mean + 2 * lam * w[k]]


def of_two_layers(rng):
    (f, slope), (g, inner_slope) = function(rng), function(rng)
    given = Definition(s[i], g(u[i]) * v[i]),
    true = slope(s[k]) * inner_slope(u[k]) * v[k]
    return Partial(Sum(f(s[i]), (i, 1, n)), u[k]), true, given, [
        slope(s[k]) * inner_slope(u[k]), n * true]


def of_one_entry(rng):
    f, slope = function(rng)
    at = u[i] * v[i]
    return Partial(f(at), v[i]), slope(at) * u[i], (), [slope(at), slope(at) * v[i]]


def of_a_cost(seed):
    """A derivative with its slope, as it stands or multiplied out, or with something wrong."""
    rng = Random(seed)
    left, true, given, wrong = rng.choice(
        [of_numbers, of_a_sum, of_a_mean, of_a_penalised_mean, of_two_layers, of_one_entry])(rng)
    if rng.random() < 0.4:
        return Line(left, rng.choice([true, sp.expand(true)]), True, given)
    return Line(left, rng.choice([-true, 2 * true, true + 1, *wrong]), False, given)


# ---------------------------------------------------------------- matrices

A, B, W = (sp.MatrixSymbol(name, n, n) for name in "ABW")
U, V, P = (sp.MatrixSymbol(name, n, 1) for name in "uvp")
HELD = tuple(Entries(of, indexed(str(of), *of.shape[:1 + (of.shape[1] != 1)]))
             for of in (A, B, W, U, V, P))
SIZE = 3


def factor(rng):
    """A, B or the product of both, transposed or not."""
    parts = [rng.choice([of, of.T]) for of in rng.choice([[A], [B], [A, B], [B, A]])]
    return sp.MatMul(*parts) if len(parts) > 1 else parts[0]


def by_a_matrix(rng):
    """(a number, its gradient with respect to W): what dW is multiplied by, turned over."""
    P, Q = factor(rng), factor(rng)
    return rng.choice([
        (Trace(P * W * Q), P.T * Q.T),
        (Trace(P * W.T * Q), Q * P),
        (Trace(W.T * P * W), (P + P.T) * W),
        (Trace(W * P * W), (P * W + W * P).T),
        (Trace(W.T * W), 2 * W),
        (Trace(W), sp.Identity(n)),
        ((U.T * P * W * V)[0, 0], P.T * U * V.T),
        ((U.T * W.T * P * V)[0, 0], P * V * U.T),
        (((W * U - V).T * (W * U - V))[0, 0], 2 * (W * U - V) * U.T),
        (Trace(HadamardProduct(P, W) * Q.T), HadamardProduct(P, Q)),
    ])


def by_a_vector(rng):
    """(a number, its gradient with respect to p)."""
    Q = factor(rng)
    return rng.choice([
        ((U.T * P)[0, 0], U),
        ((P.T * P)[0, 0], 2 * P),
        ((U.T * Q * P)[0, 0], Q.T * U),
        ((P.T * Q * P)[0, 0], (Q + Q.T) * P),
        (((Q * P - U).T * (Q * P - U))[0, 0], 2 * Q.T * (Q * P - U)),
        ((U.T * HadamardProduct(P, V))[0, 0], HadamardProduct(U, V)),
    ])


def number_at(expr, seed=1):
    """The entries of a formula for arrays of some integers."""
    rng = Random(seed)
    drawn = {of: sp.ImmutableMatrix(SIZE, 1 if of in (U, V, P) else SIZE,
                                    lambda *place: rng.randint(-9, 9))
             for of in (A, B, W, U, V, P)}
    with sp.evaluate(True):
        return sp.Matrix(expr.subs(n, SIZE).xreplace(
            {of.subs(n, SIZE): value for of, value in drawn.items()}).doit())


def of_matrices(seed):
    """A gradient with respect to a matrix or a vector, of one or two terms; what a changed claim is
    is found in numbers."""
    rng = Random(seed)
    variable, draw = rng.choice([(W, by_a_matrix), (P, by_a_vector)])
    terms = [draw(rng) for _ in range(rng.choice([1, 1, 2]))]
    with as_written():
        cost, true = (sp.Add(*(term[0] for term in terms)),
                      sp.MatAdd(*(term[1] for term in terms)) if len(terms) > 1 else terms[0][1])
        square = [true.T] if variable is W else []
        swapped = true.xreplace({A: B, B: A})
        claim = rng.choice([true, true, 2 * true, -true, true + variable, swapped,
                            true.xreplace({A: A.T}), true.xreplace({U: V}), *square])
    return Line(Gradient(cost, variable), claim, number_at(claim) == number_at(true), HELD)


# ---------------------------------------------------------------- the draws

SOURCES = {"cost": of_a_cost, "matrices": of_matrices, "bounds": between, "sums": summed,
           "one-hot": one_hot, "beginnings": before_first, "text": typed}  # fmt: skip
QUICK = {"cost": (0, 6), "matrices": (3, 5), "bounds": (0, 6), "sums": (0, 5), "one-hot": (0, 5),
         "beginnings": (0, 8), "text": (0, 6)}  # fmt: skip
AGAIN = 12
LONG, A_RANGE = 600, 100
MOST_UNDECIDED = {"text": 0.06}  # of the lines of a range, and one more


def ranges(source):
    return [pytest.param(source, *QUICK[source], id=f"{source}-quick"),
            pytest.param(source, 0, AGAIN, id=f"{source}-again", marks=pytest.mark.again),
            *(pytest.param(source, low, min(low + A_RANGE, LONG), marks=pytest.mark.long,
                           id=f"{source}-{low}") for low in range(AGAIN, LONG, A_RANGE))]


@pytest.mark.parametrize("source, low, high", sum(map(ranges, SOURCES), []))
def test_a_line_of_known_truth_is_judged_right(source, low, high):
    lines = {seed: SOURCES[source](seed) for seed in range(low, high)}
    said = {seed: verdict(line)[0] for seed, line in lines.items()}
    assert [seed for seed in lines if misjudged(lines[seed], said[seed])] == []
    most = 1 + MOST_UNDECIDED.get(source, 0.02) * len(lines)
    assert list(said.values()).count("undecided") <= most
    assert {line.true for line in lines.values()} >= {True, False}


@pytest.mark.again
def test_a_judge_that_says_one_thing_of_everything_is_wrong_half_the_time():
    lines = [draw(seed) for draw in SOURCES.values() for seed in range(10)]
    for said in ("proved", "false"):
        assert sum(misjudged(line, said) for line in lines) > len(lines) / 4


# ---------------------------------------------------------------- identities with conditions

r, t, m = symbols("r t m", real=True)
positive = symbols("q", positive=True)
everywhere, somewhere, false = "proved", "proved, where ", "false"
IDENTITIES = [  # whether it holds everywhere, where something is defined, or not
    (sqrt(r**2), Abs(r), everywhere),
    (sqrt(r**2), r, false),
    (lambda: r / r, S(1), somewhere + "r ≠ 0"),
    (lambda: r**2 / r, r, somewhere + "r ≠ 0"),
    (lambda: (r**2 - 1) / (r - 1), r + 1, somewhere + "r ≠ 1"),
    (lambda: r * t / t, r, somewhere + "t ≠ 0"),
    (lambda: exp(log(r)), r, somewhere + "r > 0"),
    (lambda: log(exp(r)), r, everywhere),
    (lambda: sqrt(r) * sqrt(r), r, somewhere + "r ≥ 0"),
    (sqrt(r) * sqrt(t), sqrt(r * t), somewhere + "r ≥ 0"),
    (lambda: log(r**2), 2 * log(r), somewhere),
    (lambda: log(r * t), log(r) + log(t), somewhere),
    (lambda: (r**t) ** m, r ** (t * m), somewhere),
    (lambda: r**t * r**m, r ** (t + m), somewhere + "r > 0"),
    (Partial(r**t, r), t * r ** (t - 1), somewhere + "r > 0"),
    (Partial(t**r, r), t**r * log(t), somewhere + "t > 0"),
    (lambda: positive**r * positive**t, positive ** (r + t), everywhere),
    (lambda: (positive**r) ** t, positive ** (r * t), everywhere),
    (exp(r) ** t, exp(r * t), everywhere),
    (lambda: 2**r * 2**t, 2 ** (r + t), everywhere),
    (sp.tan(r), sin(r) / cos(r), somewhere + "cos(r) ≠ 0"),
    (lambda: sp.tan(atan(r)), r, everywhere),
    (lambda: atan(sp.tan(r)), r, false),
    (Partial(log(cosh(cos(r))), r), -tanh(cos(r)) * sin(r), everywhere),
    (tanh(t * sin(r)), sinh(t * sin(r)) / cosh(t * sin(r)), everywhere),
    (Max(r, t), (r + t + Abs(r - t)) / 2, everywhere),
    (Abs(r + t), Abs(r) + Abs(t), false),
    (lambda: Abs(r) ** 2, r**2, everywhere),
    (sign(r) * Abs(r), r, somewhere + "r ≠ 0"),
    (Partial(Max(r, t), r), Heaviside(r - t), somewhere + "r - t ≠ 0"),
    (r, r + Max(0, r - 50), false),
    (Max(r, -50), r, false),
    (sp.floor(r), r, false),
    (lambda: erf(r) + erf(-r), S(0), everywhere),
    (sigmoid(r), (1 + tanh(r / 2)) / 2, everywhere),
    (log(sigmoid(r)), r - log(1 + exp(r)), everywhere),
    (Sum(r**i, (i, 0, n - 1)), (1 - r**n) / (1 - r), "proved for every n, where r ≠ 1"),
    (Sum(r**i, (i, 0, n)), (1 - r**n) / (1 - r), false),
    (Sum(w[i] * w[i + 1], (i, 1, d - 1)), Sum(w[i - 1] * w[i], (i, 2, d)), "proved for every d"),
    (Sum(w[i], (i, 1, d)) - Sum(w[i], (i, 2, d)), w[1], "proved for every d"),
    (Product(r, (i, 1, n)), r**n, "proved for every n"),
    (Product(u[i], (i, 1, n)), exp(Sum(log(u[i]), (i, 1, n))), somewhere),
    (Partial(Sum(w[i] ** 2, (i, 2, d)), w[1]), S(0), "proved for every d"),
    (Partial(Sum(w[i] ** 2, (i, 1, d)), w[1]), 2 * w[1], "proved for every d"),
    (Partial(Sum(w[i] * w[i + 1], (i, 1, d - 1)), w[k]), w[k - 1] + w[k + 1], false),
    (Partial(w[i], w[j]), sp.KroneckerDelta(i, j), everywhere),
    (Partial(w[i], w[j]), S(1), false),
    (exp(r / (1 + r)), sp.E * exp(-1 / (1 + r)), somewhere + "r ≠ -1"),
    (sin(r / (1 + r)), sin(1 - 1 / (1 + r)), somewhere + "r ≠ -1"),
    (tanh((r**2 - 1) / (r - 1)), tanh(r + 1), somewhere + "r ≠ 1"),
    (exp(r**3 / (1 + r**2)), exp(r - r / (1 + r**2)), everywhere),
    (exp(r / (1 + r)), exp(-1 / (1 + r)), false),
    (exp(1 / (2 * r + 2)) ** 2, exp(1 / (r + 1)), somewhere),
]


@pytest.mark.parametrize("left, right, expected", IDENTITIES)
def test_an_identity_holds_where_it_is_said_to(left, right, expected):
    with as_written():
        left = left() if callable(left) else left
    said, scope = verdict(Line(left, right, expected != false))
    if said == "undecided":
        assert expected in (somewhere, false)
    elif expected == false:
        assert said == "false"
    else:
        assert said == "proved" and scope.startswith(expected)


# ---------------------------------------------------------------- other seeds


def main(low, high):
    counts = Counter()
    for seed in range(low, high):
        for source, draw in SOURCES.items():
            line = draw(seed)
            said, words = verdict(line)
            counts[source, line.true, said] += 1
            if misjudged(line, said) or said == "undecided":
                print(source, seed, said, line, words.replace("\n", " "), sep=" | ", flush=True)
    for (source, true, said), count in sorted(counts.items(), key=str):
        print(f"{source}: of lines that are {true}, {said}: {count}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
