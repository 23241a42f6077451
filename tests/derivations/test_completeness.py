"""What people want to prove, row by row: each true line is proved and seen in numbers, and a false
one beside it is refuted.

What is typed as text stands in test_what_people_type, recursions in test_recursion, mistakes that
are named in test_claim.
"""

import pytest
import sympy as sp
from drawn import one_in
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
from vocabulary import J, a, b, d, eta, g, i, j, k, l, n, u, w

from derivations.definitions import (
    Assume,
    Definition,
    Depends,
    Entries,
    Independent,
    Index,
    table_of,
)
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
# the bias as weight 0: sums from 0
y_hat, lam, L = indexed("y_hat", n), symbols("lambda", real=True), symbols("L", real=True)
from_zero = Sum(w[j] * X[i, j], (j, 0, d))
mean_square = [
    Definition(y_hat[i], from_zero),
    Definition(J, Sum((y_hat[i] - y[i]) ** 2, (i, 1, n)) / (2 * n)),
]
penalised = from_zero + lam * Sum(w[j] ** 2, (j, 1, d))
its_slope = Sum((y_hat[i] - y[i]) * X[i, k], (i, 1, n)) / n
of_the_bias = Sum(y_hat[i] - y[i], (i, 1, n)) / n
# the moving average v_t of T values
T, r_ = symbols("T", integer=True, positive=True), symbols("r", integer=True)
values = indexed("g", T)
average = (1 - beta) * Sum(beta ** (t - s) * values[s], (s, 1, t))
in_average = (1 - beta) * beta ** (t - r_)
square = indexed("A", d, d)
by_diagonal = [Depends(L, square[j, j], (j, 1, d))]
# softmax regression, and two softmaxes
K = symbols("K", integer=True, positive=True)
V, onehot, p_hat, cls_of = (
    indexed("w", K, d),
    indexed("y", n, K),
    indexed("p", n, K),
    indexed("c", n, integer=True),
)
scores = Sum(V[k, j] * X[i, j], (j, 1, d))
softmax_regression = [
    Definition(p_hat[i, k], exp(scores) / Sum(exp(scores), (k, 1, K))),
    Definition(J, -Sum(onehot[i, k] * log(p_hat[i, k]), (i, 1, n), (k, 1, K)) / n),
]
regression_slope = Sum((p_hat[i, r_] - onehot[i, r_]) * X[i, l], (i, 1, n)) / n
classes = Definition(onehot[i, k], KroneckerDelta(k, cls_of[i]))
P, Q, scores_p, scores_q = (indexed(name, K) for name in ("P", "Q", "a", "b"))
divergence = [
    Definition(J, Sum(P[k] * log(P[k] / Q[k]), (k, 1, K))),
    Definition(P[k], exp(scores_p[k]) / Sum(exp(scores_p[j]), (j, 1, K))),
    Definition(Q[k], exp(scores_q[k]) / Sum(exp(scores_q[j]), (j, 1, K))),
]
bernoulli = b * log(b / sigmoid(a)) + (1 - b) * log((1 - b) / (1 - sigmoid(a)))
share = [Assume(b > 0, b < 1)]

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
    "logarithm with 1 and a square": (log(c * (1 + a**2)), log(c) + log(1 + a**2)),
    "logarithms that telescope": (log(1 + 1 / n), log(n + 1) - log(n), [Assume(n >= 7)]),
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
    "first factor split off": (Product(u[i], (i, 1, n)), u[1] * Product(u[i], (i, 2, n))),
    "last factor split off": (Product(u[i], (i, 1, n)), u[n] * Product(u[i], (i, 1, n - 1))),
    "a product from 0": (Product(a + i, (i, 0, n)), a * Product(a + i, (i, 1, n))),
    "a factorial": (Product(i, (i, 1, n)), n * Product(i, (i, 1, n - 1))),
    "a shifted product": (Product(u[i + 1], (i, 1, n - 1)), Product(u[i], (i, 2, n))),
    "a product by its first factor": (
        Partial(Product(u[i], (i, 1, n)), u[1]),
        Product(u[i], (i, 2, n)),
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
    "tanh beside exp": (Partial(log(1 + exp(a)) - a * b, a), Rational(1, 2) + tanh(a / 2) / 2 - b),
    "tanh of the half": (tanh(a / 2), sinh(a) / (1 + cosh(a))),
    "cosh of the double": (cosh(2 * a), 2 * cosh(a) ** 2 - 1),
    "exp by its parts": (exp(a), cosh(a) + sinh(a)),
    "hyperbolic cotangent": (Partial(sp.coth(a), a), 1 - sp.coth(a) ** 2),
    "slope of sigma by cosh": (Partial(sigmoid(a), a), 1 / (4 * cosh(a / 2) ** 2)),
    "softplus up and down": (softplus(a) - softplus(-a), a),
    "sigma of the opposite": (sigmoid(-a), 1 - sigmoid(a)),
    "logarithm of sigma": (log(sigmoid(a)), -softplus(-a)),
    "slope of log sigma": (Partial(log(sigmoid(a)), a), 1 - sigmoid(a)),
    "logit of sigma": (log(sigmoid(a) / (1 - sigmoid(a))), a),
    "slope of the logit": (Partial(log(b / (1 - b)), b), 1 / (b * (1 - b)), share),
    "logit by atanh": (log(b / (1 - b)), 2 * sp.atanh(2 * b - 1), share),
    "atanh undoes tanh": (sp.atanh(tanh(a)), a),
    "thirds and halves": (exp(a / 2) * exp(a / 3), exp(5 * a / 6)),
    "a number in a logarithm": (log(2 * exp(a) + 2), log(2) + softplus(a)),
    "stable log cosh": (log(cosh(a)), Abs(a) + softplus(-2 * Abs(a)) - log(2)),
    "a weight that may be the bias": (Partial(J, w[k]), its_slope, mean_square),
    "the bias itself": (Partial(J, w[0]), of_the_bias, [*mean_square, Definition(X[i, 0], 1)]),
    "all weights where x_i0 is 1": (
        Partial(J, w[k]),
        its_slope,
        [*mean_square, Definition(X[i, 0], 1)],
    ),
    "a polynomial": (Partial(Sum(w[j] * a**j, (j, 0, d)), w[k]), a**k),
    "the bias is not penalised": (
        Partial(penalised, w[k]),
        X[i, k] + Piecewise((2 * lam * w[k], k >= 1), (0, True)),
    ),
    "a moving average by its values": (Partial(average, values[r_]), in_average, [Index(r_, 1, t)]),
    "by all values, later ones too": (
        Partial(average, values[r_]),
        Piecewise((in_average, r_ <= t), (0, True)),
    ),
    "a prefix sum": (Partial(Sum(w[j], (j, 1, l)), w[k]), Piecewise((1, k <= l), (0, True))),
    "squares of prefix sums": (
        Partial(Sum(Sum(w[j], (j, 1, l)) ** 2, (l, 1, d)), w[k]),
        2 * Sum(Sum(w[j], (j, 1, l)), (l, k, d)),
    ),
    "squares of prefix sums by the second": (
        Partial(Sum(Sum(w[j], (j, 1, l)) ** 2, (l, 1, d)), w[2]),
        2 * Sum(Sum(w[j], (j, 1, l)), (l, 2, d)),
    ),
    "squares of prefix sums by the last": (
        Partial(Sum(Sum(w[j], (j, 1, l)) ** 2, (l, 1, d)), w[d]),
        2 * Sum(w[j], (j, 1, d)),
    ),
    "a triangular matrix": (
        Partial(Sum(Sum(square[l, j] * w[j], (j, 1, l)), (l, 1, d)), w[k]),
        Sum(square[l, k], (l, k, d)),
    ),
    "what is off the diagonal": (Partial(L, square[1, 2]), sp.Integer(0), by_diagonal),
    "on the diagonal or off it": (
        Partial(Sum(square[j, j] ** 2, (j, 1, d)), square[k, l]),
        2 * square[k, l] * KroneckerDelta(k, l),
    ),
    "softmax regression, labels by class": (
        Partial(J, V[r_, l]),
        regression_slope,
        [*softmax_regression, classes],
    ),
    "the loss by class": (
        J,
        -Sum(log(p_hat[i, cls_of[i]]), (i, 1, n)) / n,
        [*softmax_regression, classes],
    ),
    "divergence split": (
        J,
        Sum(P[k] * log(P[k]), (k, 1, K)) - Sum(P[k] * log(Q[k]), (k, 1, K)),
        divergence,
    ),
    "divergence by the second scores": (Partial(J, scores_q[l]), Q[l] - P[l], divergence),
    "divergence by the first scores": (
        Partial(J, scores_p[l]),
        P[l] * (log(P[l] / Q[l]) - J),
        divergence,
    ),
    "divergence of two shares": (Partial(bernoulli, a), sigmoid(a) - b, share),
    "strictly below the diagonal": (
        Partial(Sum(Sum(square[i, j] * w[j], (j, 1, i - 1)), (i, 1, d)), w[k]),
        Sum(square[i, k], (i, k + 1, d)),
    ),
    "a weighted mean by a weight": (
        Partial(Sum(u[i] * y[i], (i, 1, n)) / Sum(u[i], (i, 1, n)), u[k]),
        (y[k] - Sum(u[i] * y[i], (i, 1, n)) / Sum(u[i], (i, 1, n))) / Sum(u[i], (i, 1, n)),
    ),
    "a distilled softmax": (
        Partial(J, scores_q[l]),
        (Q[l] - P[l]) / p,
        [
            *divergence[:2],
            Definition(Q[k], exp(scores_q[k] / p) / Sum(exp(scores_q[j] / p), (j, 1, K))),
        ],
    ),
    "slope of acosh": (Partial(sp.acosh(b), b), 1 / sqrt(b**2 - 1), [Assume(b > 1)]),
    "mish": (
        Partial(a * tanh(softplus(a)), a),
        tanh(softplus(a)) + a * sigmoid(a) * (1 - tanh(softplus(a)) ** 2),
    ),
    "an unknown function of something else": (
        Partial(J, a),
        sp.Integer(0),
        [Depends(J, b), Independent(a, b)],
    ),
    "nothing to do with each other": (Partial(b, a), sp.Integer(0), [Independent(a, b)]),
    "labels and weights": (Partial(y[i], w[k]), sp.Integer(0), [Independent(y, w)]),
    "the magnitude and one, squared": ((Abs(a) + 1) ** 2, a**2 + 2 * Abs(a) + 1),
    "the larger by cases": (Max(a, b), Piecewise((a, a > b), (b, True))),
    "slope of a magnitude": (Partial(Abs(a), a), sign(a)),
    "slope of a sign": (Partial(sign(a), a), sp.Integer(0)),
    "slope of sinh": (Partial(sinh(a), a), cosh(a)),
    "slope of erf": (Partial(erf(a), a), 2 * exp(-(a**2)) / sqrt(sp.pi)),
    "the second entry, if there is one": (
        Sum(KroneckerDelta(i, 2) * u[i], (i, 1, n)),
        Piecewise((u[2], n >= 2), (0, True)),
    ),
    "an entry that may be the last": (
        Sum(KroneckerDelta(i, k) * u[i], (i, 1, n - 1)),
        Piecewise((u[k], k < n), (0, True)),
    ),
    "a power of a sum from 0": (
        Sum(KroneckerDelta(i, k) * beta**i, (i, 0, n)),
        beta**k,
        [Index(k, 0, n)],
    ),
    "by the entry after the last": (Partial(Sum(u[i] ** 2, (i, 1, n - 1)), u[n]), sp.Integer(0)),
    "an entry that is not 0": (a * w[k] / w[k], a, [Assume(sp.Ne(w[k], 0))]),
}


def derived(left, right, given=()):
    with as_written():
        derivation = Derivation(left, given)
        derivation.step(right, "by some rule")
    derivation.prove(keep=False)
    return derivation.proof


@pytest.mark.every(3)
@pytest.mark.parametrize("name", TRUE)
def test_a_true_line_is_proved(name):
    assert derived(*TRUE[name]).points


@pytest.mark.every(2)
@pytest.mark.parametrize(
    "name", one_in(2, [name for name in TRUE if not isinstance(TRUE[name][0], sp.MatrixExpr)])
)
def test_the_same_line_with_a_factor_or_a_term_too_many_is_refuted(name):
    left, right, *given = TRUE[name]
    for wrong in (right + Rational(1, 3), 2 * right if right != 0 else sp.Integer(2)):
        with pytest.raises(FalseLine):
            derived(left, wrong, *given)


# ---------------------------------------------------------------- layers, losses and optimisers

o, sums, states = indexed("o", n), indexed("s", n), indexed("f", n)
M = symbols("M", integer=True, positive=True)
kernel, signal = indexed("k", M), indexed("x", n + M - 1)
of_outputs = [Depends(L, o[i], (i, 1, n))]
convolution = [Definition(o[i], Sum(kernel[j] * signal[i + j - 1], (j, 1, M))), *of_outputs]
matched = [
    Definition(o[i], Sum(kernel[j] * u[k] * KroneckerDelta(k, i + j - 1), (j, 1, M), (k, 1, n))),
    *of_outputs,
]
mean, spread = symbols("m r", real=True)
root_mean_square = [
    Definition(spread, sqrt(Sum(u[i] ** 2, (i, 1, n)) / n + c)),
    Definition(o[i], u[i] / spread),
    *of_outputs,
]
layer_norm = [
    Definition(mean, Sum(u[i], (i, 1, n)) / n),
    Definition(spread, sqrt(Sum((u[i] - mean) ** 2, (i, 1, n)) / n + c)),
    Definition(o[i], (u[i] - mean) / spread),
    *of_outputs,
]
along = Sum(Partial(L, o[i]) * o[i], (i, 1, n)) / n
means, spreads, batch = indexed("m", d), indexed("r", d), indexed("o", n, d)
batch_norm = [
    Definition(means[j], Sum(X[i, j], (i, 1, n)) / n),
    Definition(spreads[j], sqrt(Sum((X[i, j] - means[j]) ** 2, (i, 1, n)) / n + c)),
    Definition(batch[i, j], (X[i, j] - means[j]) / spreads[j]),
    Depends(L, batch[i, j], (i, 1, n), (j, 1, d)),
]
of_batch = lambda at: Partial(L, batch[at, l])
queries, keys, worth, fit, share_of, out = (
    indexed(*of)
    for of in (("Q", n, d), ("K", n, d), ("V", n, d), ("S", n, n), ("A", n, n), ("O", n, d))
)
attention = [
    Definition(out[i, k], Sum(share_of[i, j] * worth[j, k], (j, 1, n))),
    Definition(share_of[i, j], exp(fit[i, j]) / Sum(exp(fit[i, l]), (l, 1, n))),
    Definition(fit[i, j], Sum(queries[i, k] * keys[j, k], (k, 1, d)) / sqrt(d)),
    Depends(L, out[i, k], (i, 1, n), (k, 1, d)),
]
by_fit = share_of[i, j] * (
    Partial(L, share_of[i, j]) - Sum(share_of[i, l] * Partial(L, share_of[i, l]), (l, 1, n))
)
z = indexed("z", K)
q = indexed("p", K)
softmax = Definition(q[k], exp(z[k]) / Sum(exp(z[j]), (j, 1, K)))
by_class = [Definition(L, -log(q[t])), softmax, Index(t, 1, K)]
warm = [Definition(q[k], exp(z[k] / p) / Sum(exp(z[j] / p), (j, 1, K)))]
pseudo_huber = c**2 * (sqrt(1 + (a / c) ** 2) - 1)
gelu_by_tanh = a * (1 + tanh(p * (a + c * a**3))) / 2
bend = p * (a + c * a**3)
gauss = Product(exp(-((y[i] - a) ** 2) / (2 * c**2)) / (sqrt(2 * sp.pi) * c), (i, 1, n))
chance = symbols("p", real=True)
coins = Product(chance ** y[i] * (1 - chance) ** (1 - y[i]), (i, 1, n))
counts = Sum(y[i] * log(p) - p, (i, 1, n))
three = indexed("h", 3)
unrolled = [
    Definition(three[1], tanh(a * x[1])),
    Definition(three[2], tanh(b * three[1] + a * x[2])),
    Definition(three[3], tanh(b * three[2] + a * x[3])),
]
one_step = [Definition(sums[i], g(b * states[i] + a * u[i])), Depends(L, sums[i], (i, 1, n))]
C, D = (sp.MatrixSymbol(name, n, n) for name in "CD")
four = [*matrices, Entries(C, indexed("c", n, n)), Entries(D, indexed("d", n, n))]
theta, vel, grad = (indexed(name, d) for name in ("t", "v", "g"))

LESSONS = {  # what is right, and what is nearly so
    "SiLU": (
        Partial(a * sigmoid(a), a),
        sigmoid(a) + a * sigmoid(a) * (1 - sigmoid(a)),
        [],
        sigmoid(a) * (1 + a),
    ),
    "pseudo-Huber": (
        Partial(pseudo_huber, a),
        a / sqrt(1 + (a / c) ** 2),
        [],
        a / (1 + (a / c) ** 2),
    ),
    "GELU by tanh": (
        Partial(gelu_by_tanh, a),
        (1 + tanh(bend)) / 2 + a * (1 - tanh(bend) ** 2) * p * (1 + 3 * c * a**2) / 2,
        [],
        (1 + tanh(bend)) / 2 + a * (1 - tanh(bend) ** 2) * p / 2,
    ),
    "softmax by its temperature": (
        Partial(q[k], p),
        q[k] * (Sum(q[j] * z[j], (j, 1, K)) - z[k]) / p**2,
        warm,
        q[k] * (Sum(q[j] * z[j], (j, 1, K)) - z[k]) / p,
    ),
    "softmax at a temperature": (
        Partial(q[k], z[l]),
        q[k] * (KroneckerDelta(k, l) - q[l]) / p,
        warm,
        q[k] * (KroneckerDelta(k, l) - q[l]),
    ),
    "log-softmax": (Partial(log(q[k]), z[l]), KroneckerDelta(k, l) - q[l], [softmax], 1 - q[l]),
    "cross-entropy by class": (Partial(L, z[l]), q[l] - KroneckerDelta(l, t), by_class, q[l] - 1),
    "its Hessian": (
        Partial(Partial(L, z[k]), z[l]),
        q[k] * (KroneckerDelta(k, l) - q[l]),
        by_class,
        q[k] * (1 - q[l]),
    ),
    "likelihood of a Gaussian": (
        Partial(log(gauss), a),
        Sum(y[i] - a, (i, 1, n)) / c**2,
        [],
        Sum(a - y[i], (i, 1, n)) / c**2,
    ),
    "its width": (
        Partial(log(gauss), c),
        Sum((y[i] - a) ** 2, (i, 1, n)) / c**3 - n / c,
        [],
        Sum((y[i] - a) ** 2, (i, 1, n)) / c**3 - 1 / c,
    ),
    "likelihood of coins": (
        Partial(log(coins), chance),
        Sum(y[i], (i, 1, n)) / chance - (n - Sum(y[i], (i, 1, n))) / (1 - chance),
        [Assume(chance > 0, chance < 1)],
        Sum(y[i], (i, 1, n)) / chance,
    ),
    "likelihood of counts": (
        Partial(counts, p),
        Sum(y[i], (i, 1, n)) / p - n,
        [],
        Sum(y[i], (i, 1, n)) / p - 1,
    ),
    "focal loss": (
        Partial(-((1 - sigmoid(a)) ** 2) * log(sigmoid(a)), a),
        (1 - sigmoid(a)) ** 2 * (2 * sigmoid(a) * log(sigmoid(a)) - (1 - sigmoid(a))),
        [],
        (1 - sigmoid(a)) ** 2 * (log(sigmoid(a)) - (1 - sigmoid(a))),
    ),
    "weight decay": (
        w[k] - p * (Partial(J, w[k]) + lam * w[k]),
        (1 - p * lam) * w[k] - p * Partial(J, w[k]),
        [Depends(J, w[k], (k, 1, d))],
        (1 - lam) * w[k] - p * Partial(J, w[k]),
    ),
    "Nesterov": (
        theta[k] + beta * (beta * vel[k] - p * grad[k]) - p * grad[k],
        theta[k] + beta**2 * vel[k] - (1 + beta) * p * grad[k],
        [],
        theta[k] + beta * vel[k] - (1 + beta) * p * grad[k],
    ),
    "RMSNorm": (
        Partial(L, u[k]),
        (Partial(L, o[k]) - o[k] * along) / spread,
        root_mean_square,
        Partial(L, o[k]) / spread,
    ),
    "LayerNorm": (
        Partial(L, u[k]),
        (Partial(L, o[k]) - Sum(Partial(L, o[i]), (i, 1, n)) / n - o[k] * along) / spread,
        layer_norm,
        (Partial(L, o[k]) - o[k] * along) / spread,
    ),
    "BatchNorm": (
        Partial(L, X[k, l]),
        (
            of_batch(k)
            - Sum(of_batch(i), (i, 1, n)) / n
            - batch[k, l] * Sum(of_batch(i) * batch[i, l], (i, 1, n)) / n
        )
        / spreads[l],
        batch_norm,
        (of_batch(k) - Sum(of_batch(i), (i, 1, n)) / n) / spreads[l],
    ),
    "convolution by its kernel": (
        Partial(L, kernel[k]),
        Sum(Partial(L, o[i]) * signal[i + k - 1], (i, 1, n)),
        convolution,
        Sum(Partial(L, o[i]) * signal[i], (i, 1, n)),
    ),
    "convolution by its input": (
        Partial(L, u[l]),
        Sum(Partial(L, o[i]) * kernel[j] * KroneckerDelta(l, i + j - 1), (i, 1, n), (j, 1, M)),
        matched,
        Sum(Partial(L, o[i]) * kernel[j] * KroneckerDelta(l, i + j), (i, 1, n), (j, 1, M)),
    ),
    "attention by V": (
        Partial(L, worth[j, k]),
        Sum(share_of[i, j] * Partial(L, out[i, k]), (i, 1, n)),
        attention,
        Sum(share_of[j, i] * Partial(L, out[i, k]), (i, 1, n)),
    ),
    "attention by A": (
        Partial(L, share_of[i, j]),
        Sum(Partial(L, out[i, k]) * worth[j, k], (k, 1, d)),
        attention,
        Sum(Partial(L, out[j, k]) * worth[i, k], (k, 1, d)),
    ),
    "attention by S": (
        Partial(L, fit[i, j]),
        by_fit,
        attention,
        share_of[i, j] * Partial(L, share_of[i, j]),
    ),
    "attention by Q": (
        Partial(L, queries[i, k]),
        Sum(Partial(L, fit[i, j]) * keys[j, k], (j, 1, n)) / sqrt(d),
        attention,
        Sum(Partial(L, fit[i, j]) * keys[j, k], (j, 1, n)),
    ),
    "attention by K": (
        Partial(L, keys[j, k]),
        Sum(Partial(L, fit[i, j]) * queries[i, k], (i, 1, n)) / sqrt(d),
        attention,
        Sum(Partial(L, fit[j, i]) * queries[i, k], (i, 1, n)) / sqrt(d),
    ),
    "a trace by the middle matrix": (Gradient(Trace(A * B * C), B), A.T * C.T, four, C.T * A.T),
    "least squares by a matrix": (
        Gradient(Trace((A * B - C).T * (A * B - C)), A),
        2 * (A * B - C) * B.T,
        four,
        2 * B.T * (A * B - C),
    ),
    "a chain of four matrices": (
        Gradient(Trace(A * B * C * D), B),
        A.T * D.T * C.T,
        four,
        A.T * C.T * D.T,
    ),
    "one step back in time": (
        Partial(L, states[i]),
        Partial(L, sums[i]) * g.prime(b * states[i] + a * u[i]) * b,
        one_step,
        Partial(L, sums[i]) * g.prime(b * states[i] + a * u[i]) * a,
    ),
    "a recurrent network of three steps": (
        Partial(three[3], b),
        (1 - three[3] ** 2) * (three[2] + b * (1 - three[2] ** 2) * three[1]),
        unrolled,
        (1 - three[3] ** 2) * three[2],
    ),
    "Lagrange's identity": (
        Sum(u[i] ** 2, (i, 1, n)) * Sum(y[j] ** 2, (j, 1, n)) - Sum(u[i] * y[i], (i, 1, n)) ** 2,
        Sum((u[i] * y[j] - u[j] * y[i]) ** 2, (i, 1, n), (j, 1, n)) / 2,
        [],
        Sum((u[i] * y[j] - u[j] * y[i]) ** 2, (i, 1, n), (j, 1, n)),
    ),
    "bias and variance": (
        Sum((u[i] - a) ** 2, (i, 1, n)) / n,
        (mean - a) ** 2 + Sum((u[i] - mean) ** 2, (i, 1, n)) / n,
        [Definition(mean, Sum(u[i], (i, 1, n)) / n)],
        Sum((u[i] - mean) ** 2, (i, 1, n)) / n,
    ),
}

# sums and products that are cut at an index, halves of squares, what stands at the ends
at_k, inside = Index(k, 1, n), Index(k, 2, n - 1)
cut = lambda f, of=Sum, gap=1: (of(f, (i, 1, k - gap)), of(f, (i, k + 1, n)))
both = lambda f: Sum(Sum(f, (j, 1, n)), (i, 1, n))
below = lambda f: Sum(Sum(f, (j, 1, i - 1)), (i, 1, n))
whole, squares = Sum(u[i], (i, 1, n)), Sum(u[i] ** 2, (i, 1, n))
differences = Sum((u[i + 1] - u[i]) ** 2, (i, 1, n - 1))
middle = 2 * (2 * u[k] - u[k - 1] - u[k + 1])
factors = Product(u[i], (i, 1, n))
of_class = Sum(KroneckerDelta(l, k) * u[l], (l, 2, n - 1))
CUT = {
    "a term split off": (whole, u[k] + sum(cut(u[i])), [at_k], sum(cut(u[i]))),
    "without the index's range": (whole, u[k] + sum(cut(u[i])), [], u[k] + sum(cut(u[i], gap=0))),
    "cut in two": (whole, sum(cut(u[i], gap=0)), [at_k], sum(cut(u[i]))),
    "all but one": (
        whole - u[k],
        Sum(Piecewise((u[i], sp.Ne(i, k)), (0, True)), (i, 1, n)),
        [at_k],
        Sum(Piecewise((u[i], i > k), (0, True)), (i, 1, n)),
    ),
    "a factor split off": (
        factors,
        u[k] * sp.Mul(*cut(u[i], Product)),
        [at_k],
        sp.Mul(*cut(u[i], Product)),
    ),
    "a factor split off within a sum": (
        Sum(Product(u[j], (j, 1, i)) * Product(u[j], (j, i + 1, n)) * y[i], (i, 1, n)),
        factors * Sum(y[i], (i, 1, n)),
        [],
        factors * whole,
    ),
    "its factors behind an index": (
        Partial(factors, u[k]),
        sp.Mul(*cut(u[i], Product)),
        [],
        sp.Mul(*cut(u[i], Product, gap=0)),
    ),
    "a row split off": (
        both(U[i, j]),
        Sum(U[k, j], (j, 1, n)) + sum(cut(Sum(U[i, j], (j, 1, n)))),
        [at_k],
        Sum(U[j, k], (j, 1, n)) + sum(cut(Sum(U[i, j], (j, 1, n)))),
    ),
    "softmax with its own term apart": (
        Partial(log(exp(u[k]) + sum(cut(exp(u[i])))), u[k]),
        exp(u[k]) / Sum(exp(u[i]), (i, 1, n)),
        [at_k],
        exp(u[k]) / sum(cut(exp(u[i]))),
    ),
    "numbers up to an index": (Sum(i, (i, k, n)), (n + k) * (n - k + 1) / 2, [at_k], n - k + 1),
    "half of a square": (
        Sum(Sum(u[i] * u[j], (j, 1, i)), (i, 1, n)),
        (whole**2 + squares) / 2,
        [],
        (whole**2 - squares) / 2,
    ),
    "pairs": (
        Sum(Sum(u[i] * u[j], (j, i + 1, n)), (i, 1, n - 1)),
        (whole**2 - squares) / 2,
        [],
        whole**2 - squares,
    ),
    "pairs of differences": (
        below((u[i] - u[j]) ** 2),
        n * squares - whole**2,
        [],
        n * squares + whole**2,
    ),
    "pairs of a symmetric summand": (
        below(u[i] * u[j] * (y[i] + y[j])),
        both(u[i] * u[j] * (y[i] + y[j])) / 2 - Sum(u[i] ** 2 * y[i], (i, 1, n)),
        [],
        both(u[i] * u[j] * (y[i] + y[j])) / 2,
    ),
    "pairs of rows": (
        below(u[i] * u[j] * Sum(X[i, l] * X[j, l], (l, 1, d))),
        (Sum(Sum(u[i] * X[i, l], (i, 1, n)) ** 2, (l, 1, d))
         - Sum(u[i] ** 2 * Sum(X[i, l] ** 2, (l, 1, d)), (i, 1, n))) / 2,
        [],
        Sum(Sum(u[i] * X[i, l], (i, 1, n)) ** 2, (l, 1, d)) / 2,
    ),
    "a summand that is not symmetric": (
        below(U[i, j] + U[j, i]),
        both(U[i, j]) - Sum(U[i, i], (i, 1, n)),
        [],
        2 * below(U[i, j]),
    ),
    "weighted by what comes after": (
        Sum(Sum(j * u[i], (j, i + 1, n)), (i, 1, n)),
        Sum((n - i) * (n + i + 1) * u[i], (i, 1, n)) / 2,
        [],
        Sum((n - i) * (n + i) * u[i], (i, 1, n)) / 2,
    ),
    "pairs in two parts": (
        both(u[i] * u[j]),
        squares + 2 * sum(cut(Sum(u[i] * u[j], (j, 1, i - 1)), gap=0)),
        [at_k],
        squares + sum(cut(Sum(u[i] * u[j], (j, 1, i - 1)), gap=0)),
    ),
    "a triangle in a triangle": (
        Sum(Sum(Sum(u[j], (l, 1, j - 1)), (j, 1, i - 1)), (i, 1, n)),
        Sum((i - 1) * (n - i) * u[i], (i, 1, n)),
        [],
        Sum((i - 1) * (n - i + 1) * u[i], (i, 1, n)),
    ),
    "neighbours, by cases": (
        Partial(differences, u[k]),
        Piecewise((2 * (u[1] - u[2]), sp.Eq(k, 1)), (2 * (u[n] - u[n - 1]), sp.Eq(k, n)),
                  (middle, True)),
        [],
        Piecewise((2 * (u[2] - u[1]), sp.Eq(k, 1)), (2 * (u[n] - u[n - 1]), sp.Eq(k, n)),
                  (middle, True)),
    ),
    "neighbours, by cases of the index itself": (
        Partial(differences, u[k]),
        Piecewise((2 * (u[k] - u[k + 1]), sp.Eq(k, 1)), (2 * (u[k] - u[k - 1]), sp.Eq(k, n)),
                  (middle, True)),
        [Assume(n >= 2)],
        Piecewise((u[k] - u[k + 1], sp.Eq(k, 1)), (2 * (u[k] - u[k - 1]), sp.Eq(k, n)),
                  (middle, True)),
    ),
    "neighbours inside": (Partial(differences, u[k]), middle, [inside], middle / 2),
    "neighbours at the end": (
        Partial(differences, u[n]),
        2 * (u[n] - u[n - 1]),
        [],
        2 * (2 * u[n] - u[n - 1]),
    ),
    "the last but one": (Partial(squares, u[n - 1]), 2 * u[n - 1], [], 2 * u[n]),
    "the last of a known number": (Partial(squares, u[n]), 2 * u[n], [Assume(n >= 2)], u[n]),
    "the last of all but the first": (
        Partial(Sum(u[i] ** 2, (i, 2, n)), u[n]),
        2 * u[n],
        [Assume(n >= 2)],
        u[n],
    ),
    "a class inside": (of_class, u[k], [inside], u[k - 1]),
    "a class that may stand at an end": (
        of_class,
        Piecewise((0, sp.Eq(k, 1) | sp.Eq(k, n)), (u[k], True)),
        [at_k],
        u[k],
    ),
}


@pytest.mark.parametrize("name", one_in(3, CUT))
def test_what_is_cut_at_an_index_comes_together_again(name):
    left, right, given, nearly = CUT[name]
    assert derived(left, right, given).points
    with pytest.raises(FalseLine):
        derived(left, nearly, given)


@pytest.mark.parametrize("left, right, where", [
    (Partial(differences, u[1]), 2 * (u[1] - u[2]), ["n ≥ 2"]),
    (Partial(differences, u[n]), 2 * (u[n] - u[n - 1]), ["n ≥ 2"]),
    (Partial(squares, u[n - 1]), 2 * u[n - 1], ["n ≥ 2"]),
    (Partial(squares, u[n]), 2 * u[n], []),
    (Partial(Sum(u[i] ** 2, (i, 1, n - 1)), u[n]), sp.Integer(0), []),
])  # fmt: skip
def test_an_end_is_where_there_are_enough_entries(left, right, where):
    assert derived(left, right).where == where


@pytest.mark.parametrize("right, at", [(2 * u[1], 1), (2 * u[2], 2)])
def test_an_entry_that_a_sum_need_not_reach_is_refuted_where_it_does_not(right, at):
    with pytest.raises(FalseLine) as refusal:
        derived(Partial(Sum(u[i] ** 2, (i, 1, n - 1)), u[at]), right)
    assert refusal.value.point.size[n] == at


@pytest.mark.parametrize("name", one_in(4, LESSONS, again=2))
def test_a_line_of_a_lesson_is_proved_and_what_is_nearly_so_is_refuted(name):
    left, right, given, nearly = LESSONS[name]
    assert derived(left, right, given).points
    with pytest.raises(FalseLine):
        derived(left, nearly, given)


FALSE = {
    "a factor left out": (Product(u[i], (i, 1, n)), Product(u[i], (i, 2, n))),
    "another factor split off": (Product(u[i], (i, 1, n)), u[2] * Product(u[i], (i, 2, n))),
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
    "tanh of the whole": (Partial(log(1 + exp(a)), a), (1 + tanh(a)) / 2),
    "softplus is not even": (softplus(a), softplus(-a)),
    "the wrong double": (cosh(2 * a), 2 * cosh(a) ** 2 + 1),
    "the half of atanh": (log(b / (1 - b)), sp.atanh(2 * b - 1), share),
    "a number taken out of a logarithm": (log(2 * exp(a) + 2), 2 * softplus(a)),
    "the bias forgotten": (
        Partial(Sum(w[j] ** 2, (j, 0, d)), w[k]),
        Piecewise((2 * w[k], k >= 1), (0, True)),
    ),
    "the bias penalised": (Partial(penalised, w[k]), X[i, k] + 2 * lam * w[k]),
    "x_i0 is not always 1": (Partial(J, w[0]), of_the_bias, mean_square),
    "every weight for the bias": (
        Partial(J, w[k]),
        of_the_bias,
        [*mean_square, Definition(X[i, 0], 1)],
    ),
    "values of the future": (Partial(average, values[r_]), in_average),
    "a prefix one too long": (
        Partial(Sum(w[j], (j, 1, l)), w[k]),
        Piecewise((1, k <= l + 1), (0, True)),
    ),
    "the triangle turned": (
        Partial(Sum(Sum(square[l, j] * w[j], (j, 1, l)), (l, 1, d)), w[k]),
        Sum(square[l, k], (l, 1, k)),
    ),
    "the diagonal not left out": (
        Partial(Sum(Sum(square[i, j] * w[j], (j, 1, i - 1)), (i, 1, d)), w[k]),
        Sum(square[i, k], (i, k, d)),
    ),
    "an unknown function of just this": (
        Partial(J, b),
        sp.Integer(0),
        [Depends(J, b), Independent(a, b)],
    ),
    "the root of a product, with one factor turned": (sqrt(a * (a - 1)), sqrt(a) * sqrt(1 - a)),
    "on the diagonal": (Partial(L, square[1, 1]), sp.Integer(0), by_diagonal),
    "as if all were on the diagonal": (
        Partial(Sum(square[j, j] ** 2, (j, 1, d)), square[k, l]),
        2 * square[k, k],
    ),
    "labels of which nothing is known": (
        Partial(J, V[r_, l]),
        regression_slope,
        softmax_regression,
    ),
    "a class of which nothing is known": (
        Sum(KroneckerDelta(k, cls_of[i]), (k, 1, K)),
        sp.Integer(1),
    ),
    "divergence the other way": (Partial(J, scores_q[l]), P[l] - Q[l], divergence),
    "divergence, its own value forgotten": (
        Partial(J, scores_p[l]),
        P[l] * log(P[l] / Q[l]),
        divergence,
    ),
    "not 1 but 0": (Partial(b, a), sp.Integer(1), [Independent(a, b)]),
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


# ---------------------------------------------------------------- independence


@pytest.mark.parametrize(
    "given",
    [
        [],
        [Independent(a, L)],
        [Independent(a, b), Definition(b, a**2)],
        [Independent(a, b), Definition(b, L + 1), Definition(a, 2 * L)],
        [Independent(a, b), Depends(b, a)],
        [Independent(a, b), Depends(b, L), Definition(L, a)],
    ],
)
def test_a_derivative_is_not_0_because_nothing_is_known_or_against_a_definition(given):
    with pytest.raises(ValueError, match="known to depend on|not independent"):
        derived(Partial(b, a), sp.Integer(0), given)


def test_independence_is_said_beside_the_proof_and_must_cover_every_name():
    derivation = Derivation(Partial(b + L, a), [Independent(a, b, L)])
    derivation.step(sp.Integer(0), "they have nothing to do with each other")
    derivation.prove(keep=False)
    assert derivation.proof.scope() == "proved, where a, b and L are independent"
    with pytest.raises(ValueError, match="known to depend on"):
        derived(Partial(b + L, a), sp.Integer(0), [Independent(a, b)])


@pytest.mark.parametrize("names", [(), (a,), (a, a), (a, 2), (a, a * b), (a, "b")])
def test_independence_is_between_different_names(names):
    with pytest.raises(TypeError, match="names|formula"):
        table_of([Independent(*names)])


# ---------------------------------------------------------------- hypotheses

cls = symbols("c", integer=True)
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
    "positive entries": (sqrt(q[k] ** 2), q[k], [], Assume(q[k] > 0)),
    "a share": (Abs(a) + Abs(1 - a), sp.Integer(1), [], Assume(a > 0, a < 1)),
    "entries about zero": (
        Sum((q[k] + a) ** 2, (k, 1, K)),
        Sum(q[k] ** 2, (k, 1, K)) + K * a**2,
        [],
        Assume(Sum(q[k], (k, 1, K)), 0),
    ),
    "two numbers": (a**2 + 2 * a * b + b**2, sp.Integer(1), [], Assume(a + b, 1)),
    "a negative number": (Abs(a), -a, [], Assume(a < 0)),
    "softmax regression": (
        Partial(J, V[r_, l]),
        regression_slope,
        softmax_regression,
        Assume(Sum(onehot[i, k], (k, 1, K)), 1),
    ),
    "classes of the samples": (
        Sum(KroneckerDelta(k, cls_of[i]), (k, 1, K)),
        sp.Integer(1),
        [],
        Index(cls_of[i], 1, K),
    ),
}


@pytest.mark.parametrize("name", HYPOTHESES)
def test_a_line_is_proved_with_its_hypothesis_and_not_without(name):
    left, right, given, hypothesis = HYPOTHESES[name]
    derived(left, right, [*given, hypothesis])
    with pytest.raises((FalseLine, Undecided)):
        derived(left, right, given)


power = Product(q[k] ** label[k] * (1 - q[k]) ** (1 - label[k]), (k, 1, K))
small, other = (sp.MatrixSymbol(name, 2, 2) for name in "SU")
small_entries, other_entries = (indexed(name, 2, 2) for name in "su")
det = sp.Determinant
two_by_two = [Entries(small, small_entries), Entries(other, other_entries)]
determinant = "s_11 s_22 - s_12 s_21 ≠ 0"
SMALL = {  # matrices of given size: left, right, where, what is nearly so
    "a determinant": (
        lambda: det(small.T), lambda: det(small), [], lambda: sp.Trace(small)),
    "a determinant of a product": (
        lambda: det(small * other), lambda: det(small) * det(other), [],
        lambda: det(small) + det(other)),
    "an inverse": (lambda: small * small.I, lambda: sp.Identity(2), [determinant], lambda: small.I),
    "an inverse of a transpose": (
        lambda: small.T.I, lambda: small.I.T, [determinant], lambda: small.I),
    "an inverse of a product": (
        lambda: (small * other).I, lambda: other.I * small.I,
        [determinant, determinant.replace("s", "u")],
        lambda: small.I * other.I),
    "a slope of a determinant": (
        lambda: Partial(log(det(small)), small_entries[1, 1]),
        lambda: small_entries[2, 2] / det(small),
        [determinant.replace("≠", ">")], lambda: 1 / det(small)),
}  # fmt: skip


@pytest.mark.every(2)
@pytest.mark.parametrize("name", SMALL)
def test_inverses_and_determinants_of_small_matrices_are_written_out(name):
    with as_written():
        left, right, where, nearly = SMALL[name]
        left, right, nearly = left(), right(), nearly()
    assert sorted(derived(left, right, two_by_two).where) == sorted(where)
    with pytest.raises(FalseLine):
        derived(left, nearly, two_by_two)


LOGARITHMS = {  # left, right, where it is said to hold, what is nearly so
    "log-odds": (
        lambda: log(a / (1 - a)), lambda: log(a) - log(1 - a), ["a > 0, a < 1"],
        lambda: log(a) + log(1 - a)),
    "a product": (lambda: log(a * b), lambda: log(a) + log(b), ["a > 0", "b > 0"],
                  lambda: log(a) - log(b)),
    "a square": (lambda: log(a**2), lambda: 2 * log(a), ["a > 0"], lambda: log(a) ** 2),
    "a product of entries": (
        lambda: log(Product(q[k], (k, 1, K))), lambda: Sum(log(q[k]), (k, 1, K)), ["p_k > 0"],
        lambda: Sum(log(q[k]), (k, 2, K))),
    "a likelihood": (
        lambda: log(power),
        lambda: Sum(label[k] * log(q[k]) + (1 - label[k]) * log(1 - q[k]), (k, 1, K)),
        ["p_k > 0, p_k < 1"],
        lambda: Sum(label[k] * log(q[k]) - (1 - label[k]) * log(1 - q[k]), (k, 1, K))),
    "between bounds": (
        lambda: log((2 * a - 1) / (3 - a)), lambda: log(2 * a - 1) - log(3 - a),
        ["a > 1/2, a < 3"], lambda: log(2 * a - 1) - log(3) - log(a)),
    "a difference": (lambda: log((a - b) * b), lambda: log(a - b) + log(b), ["a > b", "b > 0"],
                     lambda: log(a) - log(b)),
    "a root of a product": (lambda: sqrt(a * b), lambda: sqrt(a) * sqrt(b), ["a ≥ 0", "b ≥ 0"],
                            lambda: sqrt(a) + sqrt(b)),
    "a root of a variance": (lambda: sqrt(a * (1 - a)), lambda: sqrt(a) * sqrt(1 - a),
                             ["a ≥ 0, a ≤ 1"], lambda: sqrt(a) * sqrt(1 + a)),
    "a value beside its root": (lambda: sqrt(1 - a) + Abs(1 - a), lambda: sqrt(1 - a) + 1 - a,
                                ["a ≤ 1"], lambda: sqrt(1 - a) + a),
    "a geometric mean": (lambda: sqrt(a * b), lambda: exp((log(a) + log(b)) / 2),
                         ["a > 0", "b > 0"], lambda: exp(log(a) + log(b))),
    "a power": (lambda: (a * b) ** eta, lambda: a**eta * b**eta, ["a > 0", "b > 0"],
                lambda: a**eta + b**eta),
}  # fmt: skip


@pytest.mark.parametrize("name", LOGARITHMS)
def test_what_logarithms_and_roots_ask_for_is_assumed_and_said(name):
    with as_written():
        left, right, where, nearly = LOGARITHMS[name]
        left, right, nearly = left(), right(), nearly()
    assert derived(left, right).where == where
    with pytest.raises(FalseLine):
        derived(left, nearly)


@pytest.mark.parametrize("given_by, more, fewer", [
    (log(u[k]), Abs(u[l]), u[l]),
    (log(u[1]), Abs(u[2]), u[2]),
    (log(u[k]), Sum(Abs(u[k]), (k, 1, n)), Sum(u[k], (k, 1, n))),
    (Sum(log(u[i]), (i, 2, n)), Abs(u[k]), u[k]),
    (Sum(sqrt(u[i]), (i, 2, n)), Abs(u[k]), u[k]),
    (Sum(log(u[i]), (i, 1, t)), Abs(u[k]), u[k]),
])  # fmt: skip
def test_a_logarithm_of_some_entries_says_nothing_of_the_others(given_by, more, fewer):
    with pytest.raises((FalseLine, Undecided)):
        derived(given_by + more, given_by + fewer)


def test_a_logarithm_of_every_entry_says_it_of_each():
    every = Sum(log(u[i]), (i, 1, n))
    assert derived(every + Abs(u[k]), every + u[k]).where == ["u_i > 0"]


def test_nothing_is_assumed_that_no_number_fulfils():
    with as_written():
        left, right = log(-a * a), log(a) + log(-a)
    with pytest.raises(Undecided):
        derived(left, right)


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
        (lambda: Index(cls, 5, 3), ValueError),
        (lambda: Index(cls, K + 1, K), ValueError),
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
