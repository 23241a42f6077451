"""Laws of the logistic function, softmax and their losses: helpers.network against 60 digits, SymPy
objects and each other."""

import mpmath
import numpy as np
import pytest
from sympy import KroneckerDelta, Product, Sum, exp, log, symbols

from derivations.definitions import Definition
from derivations.derivation import Derivation
from derivations.errors import FalseLine
from derivations.normal_form import is_zero
from derivations.symbols import Partial, as_written, indexed, sigmoid
from gradcheck import gradient_check
from helpers import network as net

Z = np.array([[0.5, -2.0, 3.0, 1.25], [700.0, 710.0, -5.0, 0.0], [-30.0, -31.5, -29.0, -60.0],
              [0.0, 1e-12, -1e-12, 0.0]])
Y = np.eye(4)[[2, 0, 1, 3]]
LOGITS = np.array([-1e308, -800.0, -745.5, -37.0, -1.5, -1e-300, 0.0, 1e-9, 0.25, 36.0, 37.5, 710.0,
                   1e308])
HUGE = np.array([[1e308, -1e308, 0.0], [-1e308, -1e308, -1e308], [1e308, 1e308, 1e308],
                 [-1.7e308, 1.7e308, 1.0]])


def strictly():
    """Every warning of NumPy is an error, but that a number too small for a float is 0."""
    return np.errstate(all="raise", under="ignore")


def digits(values):
    """The nearest floats to numbers known to 60 digits."""
    return np.array([float(v) for v in values])


def high(function, *arrays):
    with mpmath.workdps(60):
        return digits(function(*(mpmath.mpf(float(a)) for a in numbers))
                      for numbers in zip(*arrays))


def high_rows(function, *arrays):
    with mpmath.workdps(60):
        return np.array([np.array(function(*([mpmath.mpf(float(a)) for a in row] for row in rows)),
                                  dtype=float)
                         for rows in zip(*arrays)])


def true_softmax(row):
    powers = [mpmath.exp(z) for z in row]
    return [p / mpmath.fsum(powers) for p in powers]


def true_cross_entropy(row, labels):
    return -mpmath.fsum(y * mpmath.log(p) for y, p in zip(labels, true_softmax(row)) if y)


# ---------------------------------------------------------------- values


def test_sigmoid_is_right_to_the_last_digits():
    finite = LOGITS[np.abs(LOGITS) < 1e6]
    assert (net.sigmoid(finite)
            == pytest.approx(high(lambda z: 1 / (1 + mpmath.exp(-z)), finite), rel=4e-16, abs=0))


def test_sigmoid_of_minus_z_is_the_other_probability():
    small = LOGITS[np.abs(LOGITS) < 30]
    assert net.sigmoid(small) + net.sigmoid(-small) == pytest.approx(1, rel=2e-16)


def test_binary_cross_entropy_is_right_to_the_last_digits_also_where_it_is_tiny():
    for label in (0.0, 1.0):
        finite = LOGITS[np.abs(LOGITS) < 700]
        truth = high(lambda z, y: mpmath.log1p(mpmath.exp(z)) - y * z, finite,
                     np.full(len(finite), label))
        assert (net.binary_cross_entropy(finite, np.full(len(finite), label))
                == pytest.approx(truth, rel=1e-15, abs=0))
    assert 0 < net.binary_cross_entropy(-40.0, 0.0) < 1e-17


def test_softmax_is_right_to_the_last_digits_and_its_rows_add_up_to_1():
    assert net.softmax(Z) == pytest.approx(high_rows(true_softmax, Z), rel=1e-14, abs=1e-320)
    assert net.softmax(Z).sum(axis=1) == pytest.approx(1, rel=3e-16)


def test_softmax_and_the_loss_do_not_change_when_a_row_is_shifted():
    whole = np.array([[1.0, -3.0, 2.0], [0.0, 5.0, 5.0]])
    y = [[1, 0, 0], [0, 0, 1]]
    for shift in (512.0, -4096.0, 2.0**40):
        assert (net.softmax(whole + shift) == net.softmax(whole)).all()
        assert (net.cross_entropy(whole + shift, y) == net.cross_entropy(whole, y)).all()


def test_cross_entropy_is_right_to_the_last_digits():
    assert (net.cross_entropy(Z, Y)
            == pytest.approx(high_rows(lambda z, y: [true_cross_entropy(z, y)], Z, Y)[:, 0],
                             rel=4e-15))
    tiny = float(mpmath.exp(-50) + mpmath.exp(-60))
    assert (net.cross_entropy([[0.0, -50.0, -60.0]], [[1, 0, 0]])
            == pytest.approx(tiny, rel=1e-15, abs=0))


def test_two_class_softmax_is_the_logistic_function_of_the_difference():
    two = np.array([[0.5, -2.0], [3.0, 30.0], [-4.0, -4.0], [100.0, -200.0]])
    y, apart = np.array([1.0, 0.0, 1.0, 0.0]), two[:, 0] - two[:, 1]
    assert net.softmax(two)[:, 0] == pytest.approx(net.sigmoid(apart), rel=1e-14)
    assert (net.cross_entropy(two, np.column_stack([y, 1 - y]))
            == pytest.approx(net.binary_cross_entropy(apart, y), rel=1e-14))


def test_the_right_class_costs_minus_the_logarithm_of_its_probability():
    mild = Z[[0, 2, 3]]
    for k in range(4):
        assert (net.cross_entropy(mild, np.eye(4)[[k] * 3])
                == pytest.approx(-np.log(net.softmax(mild)[:, k]), rel=1e-12))


# ---------------------------------------------------------------- extremes


def test_no_warning_and_no_wrong_value_up_to_the_end_of_the_floats():
    with strictly():
        assert net.sigmoid(LOGITS)[[0, -1]].tolist() == [0, 1]
        assert net.binary_cross_entropy(LOGITS, np.ones(13))[[0, -1]].tolist() == [1e308, 0]
        assert net.binary_cross_entropy(LOGITS, np.zeros(13))[[0, -1]].tolist() == [0, 1e308]
        assert (net.softmax(HUGE)
                == pytest.approx(np.array([[1, 0, 0], [1 / 3] * 3, [1 / 3] * 3, [0, 1, 0]])))
        assert (net.cross_entropy(HUGE, np.eye(3)[[0, 1, 2, 1]])
                == pytest.approx([0, np.log(3), np.log(3), 0]))


def test_a_loss_beyond_the_floats_is_infinite_without_a_warning():
    with strictly():
        assert net.cross_entropy(HUGE, np.eye(3)[[1, 0, 0, 0]])[[0, 3]].tolist() == [np.inf, np.inf]
        assert net.cross_entropy([[1e308, 0.0]], [[0, 1]]).tolist() == [1e308]


def test_the_forms_as_written_fail_where_these_do_not():
    with np.errstate(all="ignore"):
        y_hat = 1 / (1 + np.exp(-np.array([-1000.0, 40.0])))
        assert not np.isfinite(-np.log(1 - y_hat)[1]) and not np.isfinite(0 * np.log(y_hat[0]))
        assert not np.isfinite(np.exp(HUGE[0]) / np.exp(HUGE[0]).sum()).all()


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_the_precision_of_the_input_is_kept_and_the_input_left_alone(kind):
    z, y = Z.astype(kind), Y.astype(kind)
    for function, arguments in ((net.sigmoid, (z,)), (net.softmax, (z,)),
                                (net.binary_cross_entropy, (z, y)), (net.cross_entropy, (z, y))):
        assert function(*arguments).dtype == kind
    assert (z == Z.astype(kind)).all() and (y == Y).all()


# ---------------------------------------------------------------- derivatives


def slopes_of_binary(delta):
    z, y = np.array([0.5, -2.0, 3.0]), np.array([1.0, 0.0, 1.0])
    return gradient_check(lambda p: net.binary_cross_entropy(p, y).mean(), lambda p: delta(p, y), z,
                          n_samples=3)


def slopes_of_softmax(delta):
    z, y = np.array([[0.5, -2.0, 3.0], [1.0, 0.25, -0.5]]), np.array([[0, 0, 1], [1, 0, 0]])
    return gradient_check(lambda p: net.cross_entropy(p, y).mean(), lambda p: delta(p, y), z,
                          n_samples=2)


def test_delta_is_prediction_minus_target():
    binary = slopes_of_binary(lambda z, y: (net.sigmoid(z) - y) / 3)
    for report in (binary, slopes_of_softmax(lambda z, y: (net.softmax(z) - y) / 2)):
        assert report.require() and "complex step" in report.method


def test_the_functions_stay_smooth_for_a_complex_step():
    z, step = np.array([-3.0, -0.5, 0.0, 2.0, 40.0]), 1e-30j
    slope = net.sigmoid(z) * (1 - net.sigmoid(z))
    assert net.sigmoid(z + step).imag / 1e-30 == pytest.approx(slope, rel=1e-15)
    assert (net.binary_cross_entropy(z + step, np.ones(5)).imag / 1e-30
            == pytest.approx(net.sigmoid(z) - 1, rel=1e-15))


@pytest.mark.parametrize("delta", [
    lambda z, y: (y - net.sigmoid(z)) / 3,
    lambda z, y: net.sigmoid(z) - y,
    lambda z, y: (net.sigmoid(net.sigmoid(z)) - y) / 3,
    lambda z, y: (net.sigmoid(z) - y) * net.sigmoid(z) * (1 - net.sigmoid(z)) / 3,
])
def test_a_wrong_delta_of_the_log_loss_is_refused(delta):
    assert not slopes_of_binary(delta)


@pytest.mark.parametrize("delta", [
    lambda z, y: (net.sigmoid(z) - y) / 2,                            # a sigmoid for each class
    # the Jacobian without its off-diagonal
    lambda z, y: -y * (1 - net.softmax(z)) / 2,
    lambda z, y: net.softmax(z) - y,
    lambda z, y: (y - net.softmax(z)) / 2,                            # the lost minus
    lambda z, y: (net.softmax(z.T).T - y) / 2,                        # columns for rows
])
def test_a_wrong_delta_of_the_cross_entropy_is_refused(delta):
    assert not slopes_of_softmax(delta)


# ---------------------------------------------------------------- the float code is the SymPy objec

n, d, K = symbols("n d K", integer=True, positive=True)
i, j, k, r, c = symbols("i j k r c", integer=True)
s, t, u, v = symbols("s t u v", real=True)
J, P = symbols("J P", real=True)
x, w, y, z, y_hat, L = (indexed("x", n, d), indexed("w", d), indexed("y", n), indexed("z", n),
                        indexed("y_hat", n), indexed("L", n))
z_k, y_k, p_k = indexed("z", n, K), indexed("y", n, K), indexed("y_hat", n, K)
with as_written():
    SUMS = Definition(z[i], Sum(w[j]*x[i, j], (j, 1, d)))
    OUTPUT = Definition(y_hat[i], sigmoid(z[i]))
    LOG_LOSS = Definition(L[i], -y[i]*log(y_hat[i]) - (1 - y[i])*log(1 - y_hat[i]))
    COST = Definition(J, Sum(L[i], (i, 1, n))/n)
    LIKELIHOOD = Definition(P, Product(y_hat[i]**y[i]*(1 - y_hat[i])**(1 - y[i]), (i, 1, n)))
    SOFTMAX = Definition(p_k[i, k], exp(z_k[i, k])/Sum(exp(z_k[i, j]), (j, 1, K)))
    CROSS_ENTROPY = Definition(L[i], -Sum(y_k[i, k]*log(p_k[i, k]), (k, 1, K)))


def proved(left, given, *lines):
    with Derivation(left, given) as derivation:
        for line in lines:
            derivation.step(line, "so it is")
    return derivation


def numbers(values):
    return np.vectorize(float)(values)


def test_binary_cross_entropy_is_the_displayed_loss_and_its_delta():
    z_now, y_now = np.array([0.5, -2.0, 3.0, 0.0]), np.array([1, 0, 0, 1])
    loss = proved(L[i], [LOG_LOSS, OUTPUT], LOG_LOSS.body, log(1 + exp(z[i])) - y[i]*z[i],
                  (1 - y[i])*z[i] + log(1 + exp(-z[i])))
    assert (net.binary_cross_entropy(z_now, y_now)
            == pytest.approx(numbers(loss.values(z=z_now, y=y_now)), rel=1e-15))
    delta = proved(Partial(L[i], z[i]), [LOG_LOSS, OUTPUT], y_hat[i] - y[i])
    assert (net.sigmoid(z_now) - y_now
            == pytest.approx(numbers(delta.values(z=z_now, y=y_now)), rel=1e-15))


def test_softmax_and_cross_entropy_are_the_displayed_functions():
    z_now, y_now = Z[[0, 2, 3]], np.eye(4)[[1, 3, 0]]
    value = proved(p_k[i, k], [SOFTMAX], SOFTMAX.body)
    assert net.softmax(z_now) == pytest.approx(numbers(value.values(z=z_now)), rel=1e-14)
    loss = proved(L[i], [CROSS_ENTROPY, SOFTMAX], CROSS_ENTROPY.body)
    assert (net.cross_entropy(z_now, y_now)
            == pytest.approx(numbers(loss.values(z=z_now, y=y_now)), rel=1e-14))
    delta = proved(Partial(L[i], z_k[i, r]), [CROSS_ENTROPY, SOFTMAX],
                   p_k[i, r]*Sum(y_k[i, k], (k, 1, K)) - y_k[i, r])
    assert (net.softmax(z_now) - y_now
            == pytest.approx(numbers(delta.values(z=z_now, y=y_now)), rel=1e-14))


def test_the_cost_is_minus_the_mean_logarithm_of_the_likelihood():
    with as_written():
        left = -log(P)/n
    derivation = proved(left, [LIKELIHOOD, OUTPUT],
                        -Sum(y[i]*log(y_hat[i]) + (1 - y[i])*log(1 - y_hat[i]), (i, 1, n))/n)
    z_now, y_now = np.array([0.5, -2.0, 3.0]), np.array([1, 0, 1])
    assert (float(derivation.values(z=z_now, y=y_now))
            == pytest.approx(net.binary_cross_entropy(z_now, y_now).mean(), rel=1e-15))
    assert derivation.verdict == "✓ proved for every n · ✓ numbers"  # P > 0 follows: ŷ is σ(z)


# ---------------------------------------------------------------- planted faults, each by name

GRADIENT = (Partial(J, w[k]), [COST, LOG_LOSS, OUTPUT, SUMS])
JACOBIAN = (Partial(p_k[i, k], z_k[i, r]), [SOFTMAX])
WRONG = {
    "the sign is wrong": (
        (-log(P) / n, [LIKELIHOOD, OUTPUT]),
        lambda: Sum(y[i] * log(y_hat[i]) + (1 - y[i]) * log(1 - y_hat[i]), (i, 1, n)) / n,
    ),
    "the slope of σ(t) is taken at σ(t) instead of t": (
        (Partial(sigmoid(t), t), []),
        lambda: sigmoid(sigmoid(t)) * (1 - sigmoid(sigmoid(t))),
    ),
    "t stands where σ(t) is meant": ((Partial(sigmoid(t), t), []), lambda: t * (1 - t)),
    "a factor n is too many: a sum stands where a mean is meant": (
        GRADIENT,
        lambda: Sum((y_hat[i] - y[i]) * x[i, k], (i, 1, n)),
    ),
    "only the diagonal is left, but every output depends on every input": (
        JACOBIAN,
        lambda: KroneckerDelta(k, r) * p_k[i, k] * (1 - p_k[i, k]),
    ),
    "separate sigmoids stand where softmax is meant: they do not share a denominator": (
        (p_k[i, k], [SOFTMAX]),
        lambda: sigmoid(z_k[i, k]),
    ),
}


@pytest.mark.parametrize("hint", WRONG)
def test_a_planted_fault_is_refused_by_name(hint):
    (left, given), wrong = WRONG[hint]
    with pytest.raises(FalseLine) as refusal:
        proved(left, given, wrong())
    assert f"hint     {hint}" in str(refusal.value)


# ---------------------------------------------------------------- logarithms in the normal form

g, total = sigmoid, Sum(exp(z[i]), (i, 1, n))
TRUE = [
    log(exp(u)*exp(v)) - u - v,
    log(exp(u)*v) - u - log(v),
    log(g(u)*g(v)) - log(g(u)) - log(g(v)),
    log(1 - g(u)) + log(1 + exp(u)),
    log(g(u)/(1 - g(u))) - u,
    log(g(u)**v*(1 - g(u))**(1 - v)) - v*log(g(u)) - (1 - v)*log(1 - g(u)),
    log(exp(u)/(exp(u) + exp(v))) + log(1 + exp(v - u)),
    log(Sum(exp(z[i] + u), (i, 1, n))) - u - log(total),
    log(exp(z[k])/total) - z[k] + log(total),
    log(Product(g(z[i])**y[i], (i, 1, n))) - Sum(y[i]*log(g(z[i])), (i, 1, n)),
]
FALSE = [
    log(1/u**2) + 2*log(u),
    log(1 + u) - log(u),
    log(2*u) - log(u),
    log(u/(u + v)) - log(u) + log(u + v),
    log((u*v)**u) - u*log(u) - u*log(v),
    log((1 - 2*g(u))**2) - 2*log(1 - 2*g(u)),
    log(exp(u) - exp(v)) - u + v,
    log(1 - exp(u)) - log(exp(-u) - 1),
    log(Sum(z[i], (i, 1, n))**-2) + 2*log(Sum(z[i], (i, 1, n))),
]


@pytest.mark.parametrize("identity", TRUE, ids=str)
def test_logarithms_of_positive_factors_stand_apart(identity):
    assert is_zero(identity)


@pytest.mark.parametrize("claim", FALSE, ids=str)
def test_what_holds_for_positive_numbers_only_is_not_proved(claim):
    assert not is_zero(claim)


def test_of_an_arbitrary_prediction_it_is_said_where_its_logarithms_have_a_value():
    with as_written():
        left = -log(P)/n
    line = proved(left, [LIKELIHOOD],
                  -Sum(y[i]*log(y_hat[i]) + (1 - y[i])*log(1 - y_hat[i]), (i, 1, n))/n)
    assert line.proof.where == ["ŷ_i > 0, ŷ_i < 1"]


# ---------------------------------------------------------------- bad input

BAD = [
    (lambda: net.sigmoid([0.0, np.nan]), ValueError, "z[1] is nan, expected finite numbers"),
    (lambda: net.sigmoid(np.inf), ValueError, "z is inf"),
    (lambda: net.sigmoid("1"), TypeError, "z holds values of type str"),
    (lambda: net.sigmoid([]), ValueError, "z is empty"),
    (lambda: net.softmax([1.0, 2.0]), ValueError,
     "z has shape (2,), expected (n_samples, n_classes)"),
    (lambda: net.softmax(np.zeros((2, 3, 4))), ValueError,
     "z has shape (2, 3, 4), expected (n_samples, n_classes)"),
    (lambda: net.softmax([[True, False]]), TypeError, "z holds values of type bool"),
    (lambda: net.softmax([[0.0, -np.inf]]), ValueError, "z[0, 1] is -inf"),
    (lambda: net.softmax(3.0), ValueError, "z has shape (), expected (n_samples, n_classes)"),
    (lambda: net.binary_cross_entropy([0.0, 1.0], [[0.0], [1.0]]), ValueError,
     "y has shape (2, 1), expected (d_1,) = (2,) to match z of shape (2,); its ravel() would fit"),
    (lambda: net.binary_cross_entropy([0.0, 1.0], [1, -1]), ValueError,
     "y[1] is -1.0, expected the label 0 or 1"),
    (lambda: net.binary_cross_entropy(0.0, 0.5), ValueError, "y is 0.5, expected the label 0 or 1"),
    (lambda: net.binary_cross_entropy([0.0], [np.nan]), ValueError, "y[0] is nan"),
    (lambda: net.cross_entropy(Z, [2, 0, 1, 3]), ValueError,
     "y has shape (4,), expected (n_samples, n_classes) = (4, 4) to match z of shape (4, 4)"),
    (lambda: net.cross_entropy(Z[:3], Y[:, :3]), ValueError,
     "y has shape (4, 3), expected (n_samples, n_classes) = (3, 4) to match z of shape (3, "
     "4); its"),
    (lambda: net.cross_entropy(Z, 0 * Y), ValueError,
     "y.sum(axis=1)[0] is 0.0, and 3 more, expected a single 1 in each row: the sample's class"),
    (lambda: net.cross_entropy([[0.0, 1.0, 2.0]], [[1, 1, 0]]), ValueError,
     "y.sum(axis=1)[0] is 2.0"),
    (lambda: net.cross_entropy([[0.0, 1.0]], [[0.5, 0.5]]), ValueError,
     "y[0, 0] is 0.5, and 1 more, expected the label 0 or 1"),
]


@pytest.mark.parametrize("call, kind, message", BAD, ids=[message for *_, message in BAD])
def test_bad_input_is_refused_with_what_came_and_what_was_expected(call, kind, message):
    with pytest.raises(kind) as refusal:
        call()
    assert message in str(refusal.value)
