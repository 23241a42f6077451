"""Laws of the lean training step: helpers.fast_step does what forward, backward and update of
helpers.network do."""

from itertools import product

import numpy as np
import pytest

from helpers import network as net
from helpers.fast_step import ROOMS_KEPT, Stepper

PAIRS = list(product(net.ACTIVATIONS, net.OUTPUTS))
EPS = np.finfo(np.float64).eps


def targets(rng, n, n_outputs, output):
    if output == "identity":
        return rng.normal(size=(n, n_outputs))
    return (rng.integers(0, 2, (n, n_outputs)) * 1.0 if output == "sigmoid"
            else np.eye(n_outputs)[rng.integers(0, n_outputs, n)])


def network_of(sizes, rng):
    W, b = net.initialise(sizes, rng)
    return W, {l: rng.normal(size=b[l].shape) for l in b}


class Clear:
    """The taught functions, called one after the other; momentum as its equation says it."""

    def __init__(self, W, b, hidden, output, eta, momentum=0.0):
        self.W, self.b, self.hidden, self.output, self.eta, self.momentum = (
            W, b, hidden, output, eta, momentum)
        self.v = {l: np.zeros_like(W[l]) for l in W}, {l: np.zeros_like(b[l]) for l in b}

    def step(self, X, y):
        _, a = net.forward(X, self.W, self.b, self.hidden, self.output)
        _, dJ_dW, dJ_db = net.backward(y, self.W, a, self.hidden, self.output)
        if not self.momentum:
            self.W, self.b = net.update(self.W, self.b, dJ_dW, dJ_db, self.eta)
            return
        self.v = tuple({l: self.momentum * v[l] - self.eta * g[l] for l in g} for v,
                       g in zip(self.v, (dJ_dW, dJ_db)))
        self.W, self.b = ({l: p[l] + v[l] for l in p} for p, v in zip((self.W, self.b), self.v))


def same_bits(one, other):
    return all((one.W[l] == other.W[l]).all() and (one.b[l] == other.b[l]).all() for l in other.W)


def distance(one, other):
    """The largest difference of a parameter, in units of the last place of the largest parameter
    (or of 1)."""
    size = max(1.0, *(np.abs(other.W[l]).max() for l in other.W))
    return max(max(np.abs(one.W[l] - other.W[l]).max(), np.abs(one.b[l] - other.b[l]).max())
               for l in other.W) / size / EPS


@pytest.mark.parametrize("momentum", [0.0, 0.5])
@pytest.mark.parametrize("hidden", ["relu", "identity"])
@pytest.mark.parametrize("sizes", [(3, 2), (3, 4, 2), (2, 5, 3, 4), (40, 50, 60)])
def test_on_small_integers_a_step_is_exactly_the_clear_one(sizes, hidden, momentum):
    # Sums and products of small integers make no error in float64, in whatever order: nothing but
    # == is right.
    rng = np.random.default_rng(3)
    W = {l: rng.integers(-2, 3, (sizes[l], sizes[l-1])) for l in range(1, len(sizes))}
    b = {l: rng.integers(-2, 3, sizes[l]) for l in W}
    lean = Stepper(W, b, hidden, "identity", eta=0.25, momentum=momentum)
    clear = Clear(W, b, hidden, "identity", 0.25, momentum)
    for n in (8, 4):
        X, y = rng.integers(-2, 3, (n, sizes[0])), rng.integers(-2, 3, (n, sizes[-1]))
        lean.step(X, y)
        clear.step(X, y)
        assert same_bits(lean, clear)


@pytest.mark.parametrize("seed", range(36))
def test_elsewhere_a_step_is_the_clear_one_to_a_few_units_of_the_last_place(seed):
    rng = np.random.default_rng(seed)
    hidden, output = PAIRS[seed % len(PAIRS)]
    sizes = (rng.integers(1, 9, rng.integers(2, 6)).tolist() if seed % 3
             else rng.integers(32, 64, 4).tolist())
    momentum, n = [0.0, 0.9][seed // 12 % 2], int(rng.integers(1, 50))
    W, b = network_of(sizes, rng)
    lean, clear = (Stepper(W, b, hidden, output, eta=0.01, momentum=momentum),
                   Clear(W, b, hidden, output, 0.01, momentum))
    for size in (n, n, max(1, n // 3), n):                   # a short batch among the others
        X, y = rng.normal(size=(size, sizes[0])), targets(rng, size, sizes[-1], output)
        lean.step(X, y)
        clear.step(X, y)
        assert distance(lean, clear) < 8


def test_the_comparison_notices_an_error_of_a_millionth():
    rng = np.random.default_rng(0)
    W, b = network_of((3, 4, 2), rng)
    X, y = rng.normal(size=(5, 3)), targets(rng, 5, 2, "softmax")
    lean, clear = Stepper(W, b, eta=0.1 * (1 + 1e-6)), Clear(W, b, "sigmoid", "softmax", 0.1)
    lean.step(X, y)
    clear.step(X, y)
    assert distance(lean, clear) > 1e6


@pytest.mark.parametrize("hidden, output", PAIRS)
def test_in_float32_everything_is_float32_and_near_the_clear_step(hidden, output):
    rng = np.random.default_rng(1)
    W, b = network_of((5, 40, 35, 3), rng)
    lean, clear = (Stepper(W, b, hidden, output, eta=0.01, dtype=np.float32),
                   Clear(W, b, hidden, output, 0.01))
    for n in (40, 7):
        X, y = rng.normal(size=(n, 5)), targets(rng, n, 3, output)
        lean.step(X.astype(np.float32), y.astype(np.float32))
        clear.step(X, y)
    assert all(v.dtype == np.float32 for v in (*lean.W.values(), *lean.b.values(), lean.logits(X)))
    assert distance(lean, clear) * EPS < 20 * np.finfo(np.float32).eps


@pytest.mark.parametrize("hidden, output", PAIRS)
@pytest.mark.parametrize("n", [1, 7, 1027])
def test_logits_are_those_of_forward(hidden, output, n):
    rng = np.random.default_rng(2)
    W, b = network_of((3, 5, 4), rng)
    X, lean = rng.normal(size=(n, 3)), Stepper(W, b, hidden, output, eta=1)
    z, _ = net.forward(X, W, b, hidden, output)
    assert np.abs(lean.logits(X) - z[2]).max() < 1e-13


def test_what_was_seen_before_changes_no_step():
    rng = np.random.default_rng(4)
    W, b = network_of((4, 6, 3), rng)
    X, y = rng.normal(size=(30, 4)), targets(rng, 30, 3, "softmax")
    well_travelled, fresh = Stepper(W, b, eta=0.1), Stepper(W, b, eta=0.1)
    for n in range(1, 3 * ROOMS_KEPT):                       # more batch sizes than are kept
        well_travelled.logits(X[:n])
    for n in (30, 5, 30, 1):
        well_travelled.step(X[:n], y[:n])
        fresh.step(X[:n].copy(), y[:n].copy())
    assert same_bits(well_travelled, fresh)


def test_a_step_on_numbered_rows_is_a_step_on_these_rows():
    rng = np.random.default_rng(5)
    W, b = network_of((4, 6, 3), rng)
    X, y = rng.normal(size=(30, 4)), targets(rng, 30, 3, "softmax")
    whole, rows = Stepper(W, b, eta=0.1, momentum=0.5), Stepper(W, b, eta=0.1, momentum=0.5)
    for batch in (rng.permutation(30)[:8], np.array([3]), np.array([7, 7, 2])):
        whole.step(X[batch], y[batch])
        rows.step_on(*rows.prepared(X, y), batch)
    assert same_bits(whole, rows)


def test_layout_and_type_of_the_batch_do_not_matter():
    rng = np.random.default_rng(6)
    W, b = network_of((4, 6, 3), rng)
    X, y = rng.integers(-3, 4, (10, 4)) * 1.0, targets(rng, 10, 3, "softmax")
    forms = [(X, y), (np.asfortranarray(X), y), (X.astype(int), y.astype(int)),
             (X.astype(np.float32), y),
             (X.tolist(), y.tolist()), (np.repeat(X, 2, axis=0)[::2], y[::-1][::-1])]
    nets = [Stepper(W, b, eta=0.1) for _ in forms]
    for stepper, form in zip(nets, forms):
        stepper.step(*form)
    assert all(same_bits(stepper, nets[0]) for stepper in nets)


def test_momentum_adds_up_like_a_geometric_series():
    # With y_hat = w x, x = 1 and y far away, the gradient hardly changes: the k-th move is (1 + m +
    # ... + m^k) times the first.
    stepper = Stepper({1: [[0.0]]}, {1: [0.0]}, output="identity", eta=2.0**-40, momentum=0.5)
    seen = [0.0]
    for _ in range(5):
        stepper.step(np.array([[1.0]]), np.array([[1.0]]))
        seen.append(stepper.W[1][0, 0])
    moves = np.diff(seen) / 2.0**-40
    assert moves == pytest.approx([1, 1.5, 1.75, 1.875, 1.9375], rel=1e-9)


def test_a_new_learning_rate_holds_from_the_next_step_on():
    rng = np.random.default_rng(7)
    W, b = network_of((3, 2), rng)
    X, y = rng.normal(size=(4, 3)), targets(rng, 4, 2, "softmax")
    lean, clear = Stepper(W, b, eta=0.5), Clear(W, b, "sigmoid", "softmax", 0.5)
    for eta in (0.5, 0.125, 1.0):
        lean.eta = clear.eta = eta
        lean.step(X, y)
        clear.step(X, y)
    assert lean.eta == 1.0 and distance(lean, clear) < 8


def test_nothing_that_is_passed_in_or_handed_out_is_tied_to_the_network():
    rng = np.random.default_rng(8)
    W, b = network_of((3, 4, 2), rng)
    X, y = rng.normal(size=(5, 3)), targets(rng, 5, 2, "softmax")
    before = [v.copy() for v in (X, y, *W.values(), *b.values())]
    stepper = Stepper(W, b, "relu", eta=0.1)
    stepper.step(X, y)
    assert all((old == now).all() for old, now in zip(before, (X, y, *W.values(), *b.values())))
    handed_out, kept = stepper.W, stepper.W[1].copy()
    handed_out[1][...] = 7
    stepper.b[1][...] = 7
    stepper.logits(X)[...] = 7
    assert (stepper.W[1] == kept).all() and not (stepper.b[1] == 7).any()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("hidden", ["sigmoid", "tanh"])
@pytest.mark.parametrize("output", ["sigmoid", "softmax"])
def test_enormous_pre_activations_train_without_a_warning(hidden, output):
    W, b = ({1: np.array([[1e308], [-1e308]]), 2: np.array([[1e307, -1e307], [-1e307, 1e307]])},
            {1: np.zeros(2), 2: np.zeros(2)})
    stepper = Stepper(W, b, hidden, output, eta=1e-3)
    stepper.step(np.array([[1.0]]), np.array([[0.0, 1.0]]))
    assert np.isfinite(stepper.W[2]).all() and np.isfinite(stepper.logits(np.array([[1.0]]))).all()


# ---------------------------------------------------------------- bad input

W0, B0 = {1: np.ones((4, 3)), 2: np.ones((2, 4))}, {1: np.ones(4), 2: np.ones(2)}
X0, Y0 = np.ones((5, 3)), np.eye(2)[[0, 1, 0, 1, 1]]
MADE = [
    (dict(W=[np.ones((4, 3))]), TypeError, "W is of type list"),
    (dict(W={1: np.ones((4, 3)), 2: np.ones((2, 5))}), ValueError,
     r"W\[2\] has shape \(2, 5\), expected \(n_2, n_1\) = \(n_2, 4\) to match W\[1\]"),
    (dict(W={1: np.ones(3), 2: np.ones((2, 5))}), ValueError,
     r"^W\[1\] has shape \(3,\), expected \(n_1, n_0\)$"),
    (dict(W={1: np.ones((4, 3, 2)), 2: np.ones((2, 4))}), ValueError,
     r"^W\[1\] has shape \(4, 3, 2\), expected \(n_1, n_0\)$"),
    (dict(W={1: np.ones((4, 3)), 2: np.ones(4)}), ValueError,
     r"W\[2\] has shape \(4,\), expected \(n_2, n_1\) = \(n_2, 4\)"),
    (dict(W={1: np.full((4, 3), np.nan), 2: np.ones((2, 4))}), ValueError,
     r"W\[1\]\[0, 0\] is nan"),
    (dict(W={1: np.ones((4, 3)) * 1j, 2: np.ones((2, 4))}), TypeError,
     r"W\[1\] holds values of type complex"),
    (dict(b={1: np.ones(4)}), ValueError, "b has the layers"),
    (dict(b={1: np.ones(4) * 1j, 2: np.ones(2)}), TypeError,
     r"b\[1\] holds values of type complex"),
    (dict(hidden="swish"), ValueError, "hidden is 'swish'"),
    (dict(output="relu"), ValueError, "output is 'relu'"),
    (dict(eta=0), ValueError, "eta is 0"),
    (dict(eta="fast"), TypeError, "eta holds values of type str"),
    (dict(momentum=1), ValueError, "momentum is 1.0, expected a number from 0 to below 1"),
    (dict(momentum=-0.1), ValueError, "momentum is -0.1"),
    (dict(dtype=int), TypeError, "dtype is <class 'int'>, expected np.float64 or np.float32"),
    (dict(dtype=None), TypeError, "dtype is None"),
    (dict(dtype="float65"), TypeError, "dtype is 'float65'"),
]


@pytest.mark.parametrize("wrong, error, message", MADE)
def test_a_stepper_is_not_made_of_bad_input(wrong, error, message):
    arguments = {"W": W0, "b": B0, "eta": 0.1, **wrong}
    with pytest.raises(error, match=message):
        Stepper(**arguments)


STEPPED = [
    (np.ones(3), Y0, ValueError, r"X has shape \(3,\)"),
    (np.ones((5, 4)), Y0, ValueError,
     r"X has shape \(5, 4\), expected \(n_samples, n_0\) = \(n_samples, 3\) to match W\[1\]"),
    (np.ones((0, 3)), np.ones((0, 2)), ValueError, "X is empty"),
    (np.full((5, 3), np.nan), Y0, ValueError, r"X\[0, 0\] is nan"),
    (X0.astype(str), Y0, TypeError, "X holds values of type str"),
    (X0 > 0, Y0, TypeError, "X holds values of type bool"),
    (None, Y0, TypeError, "X holds"),
    (X0, Y0[:4], ValueError, r"y has shape \(4, 2\), expected \(n_samples, n_K\) = \(5, 2\)"),
    (X0, Y0[:, 0], ValueError, r"y has shape \(5,\), expected \(n_samples, n_K\) = \(5, 2\)"),
    (X0, np.ones((5, 2)), ValueError, "y.sum.axis=1..0. is 2.0"),
    (X0, Y0 + 0.5, ValueError, "expected the label 0 or 1"),
    (X0, Y0.astype(str), TypeError, "y holds values of type str"),
    (X0, None, TypeError, "y holds"),
]


@pytest.mark.parametrize("X, y, error, message", STEPPED)
@pytest.mark.parametrize("experienced", [False, True])
def test_a_refused_step_changes_nothing(X, y, error, message, experienced):
    stepper, twin = Stepper(W0, B0, eta=0.1, momentum=0.5), Stepper(W0, B0, eta=0.1, momentum=0.5)
    if experienced and np.shape(X) != (5, 3) or np.shape(y) != (5, 2):
        stepper.step(X0, Y0)
        twin.step(X0, Y0)
    with pytest.raises(error, match=message):
        stepper.step(X, y)
    assert same_bits(stepper, twin)
    stepper.step(X0, Y0)
    twin.step(X0, Y0)
    assert same_bits(stepper, twin)


def test_numbers_that_float32_cannot_hold_are_refused():
    with pytest.raises(FloatingPointError, match="overflow"):
        Stepper(W0, B0, eta=0.1, dtype=np.float32).logits(np.full((1, 3), 1e300))
    with pytest.raises(FloatingPointError, match="overflow"):
        Stepper({**W0, 1: np.full((4, 3), 1e300)}, B0, eta=0.1, dtype=np.float32)
