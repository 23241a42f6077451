"""Lines that teachers and readers bring: each true one is proved, and each false one is refuted or at least not proved."""

import pytest
import sympy as sp
from sympy import (
    Abs,
    Heaviside,
    KroneckerDelta,
    Max,
    Min,
    Piecewise,
    Product,
    Rational,
    Sum,
    Trace,
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
from vocabulary import J, a, b, d, g, i, j, k, l, n, u, w

from derivations.definitions import Assume, Definition, Entries, Index
from derivations.derivation import Derivation
from derivations.errors import FalseLine, Undecided
from derivations.symbols import Gradient, Partial, as_written, indexed, sigmoid, softplus

s, t = symbols("s", integer=True), symbols("t", integer=True, positive=True)
c, p = symbols("c p", positive=True)
beta = symbols("beta", real=True)
x, y, X, U = indexed("x", d), indexed("y", n), indexed("X", n, d), indexed("U", n, n)
two = indexed("w", 2)
score = Sum(X[i, j] * w[j], (j, 1, d))
r = symbols("r", real=True)
huber = Piecewise((a**2 / 2, Abs(a) <= c), (c * (Abs(a) - c / 2), True))
elu = Piecewise((a, a > 0), (exp(a) - 1, True))
gelu = a * (1 + erf(a / sqrt(2))) / 2
n_w, n_x = symbols("N_w N_x", real=True)
cosine = [
    Definition(n_w, sqrt(Sum(w[j] ** 2, (j, 1, d)))),
    Definition(n_x, sqrt(Sum(x[j] ** 2, (j, 1, d)))),
    Definition(J, Sum(w[j] * x[j], (j, 1, d)) / (n_w * n_x)),
]
length = [Definition(r, sqrt(a**2 + b**2))]
A, B, v, M = (sp.MatrixSymbol(*of) for of in (("A", n, n), ("B", n, n), ("v", n, 1), ("M", 2, 2)))
matrices = [
    Entries(A, indexed("a", n, n)),
    Entries(B, indexed("b", n, n)),
    Entries(v, indexed("v", n)),
    Entries(M, indexed("m", 2, 2)),
]
turn = sp.Matrix([[0, 1], [1, 0]])

TRUE = {
    "stable softplus": (log(1 + exp(a)), Max(a, 0) + log(1 + exp(-Abs(a)))),
    "slope of softplus": (Partial(softplus(a), a), sigmoid(a)),
    "relu by a step": (Max(a, 0), a * Heaviside(a)),
    "slope of relu": (Partial(Max(a, 0), a), Piecewise((1, a > 0), (0, True))),
    "slope of leaky relu": (
        Partial(Max(a / 100, a), a),
        Piecewise((1, a > 0), (Rational(1, 100), True)),
    ),
    "slope of elu": (Partial(elu, a), Piecewise((1, a > 0), (exp(a), True))),
    "slope of huber as a clip": (Partial(huber, a), Max(-c, Min(a, c))),
    "slope of huber by cases": (
        Partial(huber, a),
        Piecewise((a, Abs(a) <= c), (c * sign(a), True)),
    ),
    "the larger and the smaller": (Max(a, b) + Min(a, b), a + b),
    "a number by its sign": (sign(a) * Abs(a), a),
    "absolute value of a product": (Abs(a * b), Abs(a) * Abs(b)),
    "steps to both sides": (Heaviside(a) + Heaviside(-a), sp.Integer(1)),
    "relu squared": (Partial(Max(a, 0) ** 2, a), 2 * Max(a, 0)),
    "hinge": (
        Partial(Sum(Max(0, 1 - y[i] * score), (i, 1, n)), w[k]),
        -Sum(Piecewise((y[i] * X[i, k], y[i] * score < 1), (0, True)), (i, 1, n)),
    ),
    "least absolute deviations": (
        Partial(Sum(Abs(score - y[i]), (i, 1, n)), w[k]),
        Sum(sign(score - y[i]) * X[i, k], (i, 1, n)),
    ),
    "softsign": (Partial(a / (1 + Abs(a)), a), 1 / (1 + Abs(a)) ** 2),
    "arctangent": (Partial(sp.atan(a * b), a), b / (1 + a**2 * b**2)),
    "gelu": (Partial(gelu, a), (1 + erf(a / sqrt(2))) / 2 + a * exp(-(a**2) / 2) / sqrt(2 * sp.pi)),
    "cosine similarity": (Partial(J, w[k]), x[k] / (n_w * n_x) - J * w[k] / n_w**2, cosine),
    "its gradient is orthogonal": (Sum(w[k] * Partial(J, w[k]), (k, 1, d)), sp.Integer(0), cosine),
    "slope of a direction": (Partial(a / r, a), b**2 / r**3, length),
    "root times itself": (
        sqrt(Sum(u[i] ** 2, (i, 1, n))) * sqrt(Sum(u[i] ** 2, (i, 1, n))),
        Sum(u[i] ** 2, (i, 1, n)),
    ),
    "one and the root of two": ((1 + sqrt(2)) ** 2, 3 + 2 * sqrt(2)),
    "a root squared with its mixed term": ((sqrt(p) + 1) ** 2, p + 2 * sqrt(p) + 1),
    "sine and cosine": (sin(a) ** 2 + cos(a) ** 2, sp.Integer(1)),
    "addition theorem": (sin(a + b), sin(a) * cos(b) + cos(a) * sin(b)),
    "slope of the tangent": (Partial(sp.tan(a), a), 1 / cos(a) ** 2),
    "hyperbolic": (cosh(a) ** 2 - sinh(a) ** 2, sp.Integer(1)),
    "tanh of its parts": (tanh(a), sinh(a) / cosh(a)),
    "log cosh": (Partial(log(cosh(a)), a), tanh(a)),
    "logarithm of a square": (log(a**2), 2 * log(Abs(a))),
    "first step of Adam": (a / sqrt(a**2), sign(a)),
    "a triangle either way": (
        Sum(Sum(U[i, j], (j, 1, i)), (i, 1, n)),
        Sum(Sum(U[i, j], (i, j, n)), (j, 1, n)),
    ),
    "Gauss": (Sum(i, (i, 1, n)), n * (n + 1) / 2),
    "sum of squares": (Sum(i**2, (i, 1, n)), n * (n + 1) * (2 * n + 1) / 6),
    "geometric": (Sum(beta**i, (i, 0, n)), (1 - beta ** (n + 1)) / (1 - beta)),
    "bias correction of Adam": (
        (1 - beta) * Sum(beta ** (t - s) * a, (s, 1, t)),
        (1 - beta**t) * a,
    ),
    "moving average, one step on": (
        beta * Sum(beta ** (t - 1 - s) * u[s], (s, 1, t - 1)) + u[t],
        Sum(beta ** (t - s) * u[s], (s, 1, t)),
    ),
    "first term split off": (Sum(u[i], (i, 1, n)), u[1] + Sum(u[i], (i, 2, n))),
    "last term split off": (Sum(u[i], (i, 1, n)), u[n] + Sum(u[i], (i, 1, n - 1))),
    "shifted": (Sum(u[i + 1], (i, 1, n - 1)), Sum(u[i], (i, 2, n))),
    "telescope": (Sum(u[i + 1] - u[i], (i, 1, n - 1)), u[n] - u[1]),
    "the first m of n": (2 * Sum(u[i], (i, 1, t)), Sum(2 * u[i], (i, 1, t))),
    "written out beside a free index": (Partial(Sum(two[j] ** 2, (j, 1, 2)), two[k]), 2 * two[k]),
    "the last entry": (Sum(KroneckerDelta(i, n) * u[i], (i, 1, n)), u[n]),
    "a prefix": (
        Partial(w[l] * Sum(w[j] ** 2, (j, 1, l)), w[k]),
        Piecewise((2 * w[k] * w[l], k <= l), (0, True))
        + KroneckerDelta(k, l) * Sum(w[j] ** 2, (j, 1, l)),
    ),
    "a product by one factor": (
        Partial(Product(u[i], (i, 1, n)), u[k]),
        Product(u[i], (i, 1, n)) / u[k],
    ),
    "a product of exponentials": (Product(exp(u[i]), (i, 1, n)), exp(Sum(u[i], (i, 1, n)))),
    "a constant in a product": (Product(a * u[i], (i, 1, n)), a**n * Product(u[i], (i, 1, n))),
    "SymPy's own function": (Partial(sp.Function("g")(a * b), a), b * g.prime(a * b)),
    "an index that has a name": (k * u[k], 2 * u[2], [Definition(k, 2)]),
    "seven sums": (
        Sum(u[i], (i, 1, n)) ** 7,
        Sum(u[i], (i, 1, n)) ** 3 * Sum(u[j], (j, 1, n)) ** 4,
    ),
    "trace of a product": (Trace(A * B), Trace(B * A), matrices),
    "gradient of a trace": (Gradient(Trace(A * B), A), B.T, matrices),
    "a quadratic form": ((v.T * A * v)[0, 0], Trace(A * v * v.T), matrices),
    "identity": (sp.Identity(n) * A, A, matrices),
    "zero": (A - A, sp.ZeroMatrix(n, n), matrices),
    "a power": (A**3, A * A**2, matrices),
    "an entrywise power": (sp.HadamardPower(A, 2), sp.HadamardProduct(A, A), matrices),
    "a function of each entry": (A.applyfunc(sin), A.applyfunc(sp.Lambda(r, -sin(-r))), matrices),
    "a diagonal matrix": (sp.DiagMatrix(v) * v, sp.HadamardProduct(v, v), matrices),
    "numbers in a matrix": (turn * M * turn * turn, turn * M, matrices),
}


def derived(left, right, given=()):
    with as_written():
        derivation = Derivation(left, given)
        derivation.step(right, "by some rule")
    derivation.prove(keep=False)


@pytest.mark.parametrize("name", TRUE)
def test_a_true_line_is_proved(name):
    derived(*TRUE[name])


@pytest.mark.parametrize(
    "name", [name for name in TRUE if not isinstance(TRUE[name][0], sp.MatrixExpr)]
)
def test_the_same_line_with_a_factor_or_a_term_too_many_is_refuted(name):
    left, right, *given = TRUE[name]
    for wrong in (right + Rational(1, 3), 2 * right if right != 0 else sp.Integer(2)):
        with pytest.raises((FalseLine, Undecided)):
            derived(left, wrong, *given)


FALSE = {
    "relu, its value below": (Partial(Max(a, 0), a), Piecewise((1, a > 0), (Rational(1, 2), True))),
    "elu, its value for its slope": (Partial(elu, a), Piecewise((1, a > 0), (exp(a) - 1, True))),
    "huber, clipped elsewhere": (Partial(huber, a), Max(-2 * c, Min(a, c))),
    "gelu, x forgotten": (
        Partial(gelu, a),
        (1 + erf(a / sqrt(2))) / 2 + exp(-(a**2) / 2) / sqrt(2 * sp.pi),
    ),
    "triangle turned over": (
        Sum(Sum(U[i, j], (j, 1, i)), (i, 1, n)),
        Sum(Sum(U[j, i], (j, 1, i)), (i, 1, n)),
    ),
    "geometric, one short": (Sum(beta**i, (i, 0, n)), (1 - beta**n) / (1 - beta)),
    "telescope to the second": (Sum(u[i + 1] - u[i], (i, 1, n - 1)), u[n] - u[2]),
    "absolute values": ((Abs(a) + 1) ** 2, a**2 + 2 * a + 1),
    "the diagonal forgotten": (
        Sum(Heaviside(u[i] - u[j]) + Heaviside(u[j] - u[i]), (i, 1, n), (j, 1, n)),
        n**2 - n,
    ),
    "a step at a whole number": (Sum(Heaviside(i), (i, 0, n)), n),
    "two steps out of one": (Heaviside(a) * Heaviside(b), Heaviside(a * b)),
    "a prefix for the whole": (Sum(w[j], (j, 1, k)), Sum(w[j], (j, 1, d))),
}


@pytest.mark.parametrize("name", FALSE)
def test_a_false_line_is_never_proved(name):
    with pytest.raises((FalseLine, Undecided)):
        derived(*FALSE[name])


@pytest.mark.parametrize(
    "matrix",
    [lambda: A**k, lambda: A.I, lambda: sp.Determinant(A) * B, lambda: sp.MatrixExpr.inv(A * B)],
)
def test_what_has_no_rule_gets_one_sentence(matrix):
    with pytest.raises(Undecided) as refusal:
        derived(matrix(), A, matrices)
    assert len(str(refusal.value)) < 250


# ---------------------------------------------------------------- hypotheses

K, L, cls = (
    symbols("K", integer=True, positive=True),
    symbols("L", real=True),
    symbols("c", integer=True),
)
z, q, label, rows = indexed("z", K), indexed("p", K), indexed("y", K), indexed("y", n, K)
cross_entropy = [
    Definition(L, -Sum(label[k] * log(q[k]), (k, 1, K))),
    Definition(q[k], exp(z[k]) / Sum(exp(z[j]), (j, 1, K))),
]
one_hot = Definition(label[k], KroneckerDelta(k, cls))
HYPOTHESES = {  # left, right, given, the hypothesis without which it is not so
    "labels that sum to one": (
        Partial(L, z[l]),
        q[l] - label[l],
        cross_entropy,
        Assume(Sum(label[k], (k, 1, K)), 1),
    ),
    "a label smoothed": (
        Sum(KroneckerDelta(k, cls), (k, 1, K)),
        sp.Integer(1),
        [],
        Index(cls, 1, K),
    ),
    "labels of each sample": (
        Sum(rows[i, k] * a, (k, 1, K), (i, 1, n)),
        n * a,
        [],
        Assume(Sum(rows[i, k], (k, 1, K)), 1),
    ),
    "a positive number": (sqrt(a**2), a, [], Assume(a > 0)),
    "positive entries": (
        log(Product(q[k], (k, 1, K))),
        Sum(log(q[k]), (k, 1, K)),
        [],
        Assume(q[k] > 0),
    ),
    "a share": (log(a) + log(1 - a) - log(a * (1 - a)), sp.Integer(0), [], Assume(a > 0, a < 1)),
    "entries about zero": (
        Sum((q[k] + a) ** 2, (k, 1, K)),
        Sum(q[k] ** 2, (k, 1, K)) + K * a**2,
        [],
        Assume(Sum(q[k], (k, 1, K)), 0),
    ),
    "two numbers": (a**2 + 2 * a * b + b**2, sp.Integer(1), [], Assume(a + b, 1)),
    "a negative number": (Abs(a), -a, [], Assume(a < 0)),
}


@pytest.mark.parametrize("name", HYPOTHESES)
def test_a_line_is_proved_with_its_hypothesis_and_not_without(name):
    left, right, given, hypothesis = HYPOTHESES[name]
    derived(left, right, [*given, hypothesis])
    with pytest.raises((FalseLine, Undecided)):
        derived(left, right, given)


def test_the_class_of_one_hot_labels_is_one_of_the_classes():
    derived(Partial(L, z[l]), q[l] - label[l], [*cross_entropy, one_hot])
    with pytest.raises(FalseLine):
        derived(Partial(L, z[l]), q[l] - 1, [*cross_entropy, one_hot])


@pytest.mark.parametrize(
    "make, error",
    [
        (lambda: Assume(), TypeError),
        (lambda: Assume(a), TypeError),
        (lambda: Assume(a * b > 0), ValueError),
        (lambda: Assume(a > 0, b > 0), ValueError),
        (lambda: Assume(n * u[i], exp(u[i])), ValueError),
        (lambda: Index(a, 1, K), TypeError),
    ],
)
def test_a_hypothesis_that_cannot_be_used_says_so(make, error):
    with pytest.raises(error) as refusal:
        make()
    assert len(str(refusal.value)) > 30


def test_a_hypothesis_reads_as_it_was_meant():
    assert repr(Assume(Sum(label[k], (k, 1, K)), 1)) == "Σ_{k=1..K} y_k = 1"
    assert (
        repr(Assume(a > 0, a < 1)) == "a > 0, a < 1" and repr(Index(cls, 1, K)) == "c from 1 to K"
    )
