"""Laws of the general network: helpers.network against SymPy, integers, numerical derivatives and
an independent library."""

from itertools import cycle, product

import autograd
import autograd.numpy as anp
import mpmath
import numpy as np
import pytest
import sympy as sp
from functions import FUNCTIONS

from gradcheck import complex_step, gradient_check
from helpers import network as net

PAIRS = list(product(net.ACTIVATIONS, net.OUTPUTS))
EACH = set(zip(net.ACTIVATIONS, cycle(net.OUTPUTS)))
# The quick run takes every activation and every output, but not each with each.
FEW_PAIRS = [pytest.param(*pair, marks=[] if pair in EACH else [pytest.mark.long])
             for pair in PAIRS]


def problem(sizes, output="softmax", seed=0, n=5):
    """X, y, W, b with weights and biases of ordinary size: (n, sizes[0]) inputs and labels that
    belong to the output."""
    rng = np.random.default_rng(seed)
    W, b = net.initialise(sizes, rng)
    labels = {
        "identity": rng.normal(size=(n, sizes[-1])),
        "sigmoid": rng.integers(0, 2, (n, sizes[-1])).astype(float),
        "softmax": np.eye(sizes[-1])[rng.integers(0, sizes[-1], n)],
    }
    return rng.normal(size=(n, sizes[0])), labels[output], W, {
        l: rng.normal(size=b[l].shape) for l in b}


def gradients(X, y, W, b, hidden, output):
    _, a = net.forward(X, W, b, hidden, output)
    _, dJ_dW, dJ_db = net.backward(y, W, a, hidden, output)
    return dJ_dW, dJ_db


def check(X, y, W, b, hidden, output, gradient=gradients, **more):
    """gradient_check of a gradient function with the parameters W and b."""
    K = len(W)
    return gradient_check(lambda p: net.cost(y, net.forward(X, *p, hidden, output)[0][K], output),
                          lambda p: gradient(X, y, *p, hidden, output), (W, b), n_samples=len(X),
                          **more)


# ---------------------------------------------------------------- forward and cost


def test_forward_is_the_equation_layer_by_layer():
    X, _, W, b = problem((3, 4, 2))
    z, a = net.forward(X, W, b, "tanh", "identity")
    assert list(z) == [1, 2] and list(a) == [0, 1, 2] and (a[0] == X).all()
    for l in z:
        for i, j in np.ndindex(z[l].shape):
            assert (z[l][i, j] == pytest.approx(sum(
                W[l][j, k] * a[l-1][i, k] for k in range(W[l].shape[1])) + b[l][j], rel=1e-14))
    assert (a[1] == np.tanh(z[1])).all() and (a[2] == z[2]).all()


def test_one_linear_layer_is_linear_regression():
    from helpers import linear
    X, y, W, b = problem((3, 1), "identity")
    assert (net.forward(X, W, b, output="identity")[1][1][:, 0]
            == pytest.approx(linear.predict(X, W[1][0], b[1][0]), rel=1e-14))
    dJ_dW, dJ_db = gradients(X, y, W, b, "sigmoid", "identity")
    dJ_dw, dJ_db0 = linear.gradient(X, y[:, 0], W[1][0], b[1][0])
    assert (dJ_dW[1][0] == pytest.approx(dJ_dw, rel=1e-13)
            and dJ_db[1][0] == pytest.approx(dJ_db0, rel=1e-13))


def test_the_cost_is_the_mean_over_samples_of_the_loss_summed_over_outputs():
    z, y = np.array([[1.0, 2.0], [3.0, -1.0]]), np.array([[0.0, 0.0], [1.0, 1.0]])
    assert net.cost(y, z, "identity") == ((1 + 4) / 2 + (4 + 4) / 2) / 2
    p = 1 / (1 + np.exp(-z))
    assert (net.cost(y, z, "sigmoid")
            == pytest.approx(-(y * np.log(p) + (1 - y) * np.log(1 - p)).sum() / 2, rel=1e-14))
    one_hot = np.array([[0.0, 1.0], [1.0, 0.0]])
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    assert (net.cost(one_hot, z, "softmax")
            == pytest.approx(-(one_hot * np.log(p)).sum() / 2, rel=1e-14))


def test_relu_and_its_slope_are_zero_at_the_kink():
    assert net.relu(np.array([-2.0, 0.0, 3.0])).tolist() == [0, 0, 3]
    assert net.ACTIVATIONS["relu"].slope(np.array([0.0, 3.0])).tolist() == [0, 1]


def test_the_complex_step_through_relu_has_the_slope_that_backward_takes():
    z = np.array([-2.0, 0.0, 3.0])
    assert (complex_step(net.relu, z) == net.ACTIVATIONS["relu"].slope(net.relu(z))).all()


# ---------------------------------------------------------------- backward: four witnesses


def sympy_network(sizes, hidden, output):
    """The loss of one sample as ONE SymPy expression, written from the definitions, and its
    symbols."""
    x, y = sp.symbols(f"x:{sizes[0]}"), sp.symbols(f"y:{sizes[-1]}")
    W = {l: sp.Matrix(sizes[l], sizes[l-1], lambda j, k, l=l: sp.Symbol(f"w{l}_{j}_{k}"))
         for l in range(1, len(sizes))}
    b = {l: sp.Matrix(sizes[l], 1, lambda j, _, l=l: sp.Symbol(f"b{l}_{j}")) for l in W}
    a = sp.Matrix(x)
    for l in W:
        z = W[l] * a + b[l]
        a = z.applyfunc(FUNCTIONS[hidden].sympy)
    if output == "identity":
        return sum((zj - t)**2 for zj, t in zip(z, y)) / 2, x, y, W, b
    if output == "sigmoid":
        p = [1 / (1 + sp.exp(-zj)) for zj in z]
        return -sum(t * sp.log(pj) + (1 - t) * sp.log(1 - pj) for pj, t in zip(p, y)), x, y, W, b
    return -sum(t * sp.log(sp.exp(zj) / sum(map(sp.exp, z))) for zj, t in zip(z, y)), x, y, W, b


@pytest.mark.every(2)
@pytest.mark.parametrize("hidden, output", FEW_PAIRS)
def test_backward_is_sympys_derivative_of_the_written_out_loss(hidden, output):
    sizes = (2, 3, 2)
    L, x, y, W, b = sympy_network(sizes, hidden, output)
    X_now, y_now, W_now, b_now = problem(sizes, output, seed=3, n=1)
    dJ_dW, dJ_db = gradients(X_now, y_now, W_now, b_now, hidden, output)
    names, values = [*x, *y], [*X_now[0], *y_now[0]]
    for l in W:
        names, values = [*names, *W[l], *b[l]], [*values, *W_now[l].ravel(), *b_now[l]]
    ours = np.concatenate([part.ravel() for l in W for part in (dJ_dW[l], dJ_db[l])])
    exact = sp.lambdify(names, [L.diff(v) for l in W for v in (*W[l], *b[l])], "mpmath", cse=True)
    with mpmath.workdps(30):
        exact = np.array([float(v) for v in exact(*map(mpmath.mpf, map(float, values)))])
    assert np.abs(ours - exact).max() < 1e-14


def integer_derivative(y, W, a, slopes, layer, unit, source):
    """n dJ/dw by forward differentiation on integers: how each later z moves with one weight. No
    delta, no transpose.

    `source` None is the bias. The last layer contributes (y_hat - y) dz.
    """
    total = 0
    for i in range(len(y)):
        dz = [0] * len(W[layer])
        dz[unit] = 1 if source is None else int(a[layer-1][i][source])
        for l in range(layer + 1, len(W) + 1):
            da = [int(slopes(int(a[l-1][i][k]))) * dz[k] for k in range(len(dz))]
            dz = [sum(int(W[l][j][k]) * da[k] for k in range(len(da))) for j in range(len(W[l]))]
        total += sum((int(a[len(W)][i][j]) - int(y[i][j])) * dz[j] for j in range(len(dz)))
    return total


@pytest.mark.parametrize("hidden", [name for name, row in FUNCTIONS.items() if row.integer_slope])
@pytest.mark.parametrize("sizes", [(2, 2, 2), (4, 2, 3, 1), (3, 5, 2, 4, 3)])
def test_backward_is_exact_on_integer_activations(sizes, hidden):
    # backward is polynomial in the activations: on small integers float64 makes no error, so
    # nothing but == is right.
    rng, n = np.random.default_rng(1), 4     # n is a power of two, so that 1/n is exact too
    W = {l: rng.integers(-2, 3, (sizes[l], sizes[l-1])) for l in range(1, len(sizes))}
    a = {l: rng.choice([-2, -1, 2, 3], (n, size)) for l, size in enumerate(sizes)}
    y = rng.integers(-3, 4, (n, sizes[-1]))
    slope = FUNCTIONS[hidden].integer_slope
    _, dJ_dW, dJ_db = net.backward(y, W, a, hidden, "identity")
    for l in W:
        for j in range(sizes[l]):
            assert n * dJ_db[l][j] == integer_derivative(y, W, a, slope, l, j, None)
            for k in range(sizes[l-1]):
                assert n * dJ_dW[l][j, k] == integer_derivative(y, W, a, slope, l, j, k)


@pytest.mark.every(3)
@pytest.mark.parametrize("hidden, output", FEW_PAIRS)
@pytest.mark.parametrize("sizes", [(3, 2), (3, 4, 2), (2, 5, 4, 3)])
def test_backward_passes_the_gradient_check(sizes, hidden, output):
    assert check(*problem(sizes, output, seed=11), hidden, output).require()


def test_at_a_kink_of_relu_the_gradient_is_one_of_the_one_sided_slopes():
    X, y = np.array([[1.0, 2.0]]), np.array([[3.0]])
    W, b = ({1: np.array([[2.0, -1.0], [1.0, 1.0]]), 2: np.array([[1.0, 1.0]])},
            {1: np.zeros(2), 2: np.zeros(1)})
    z, _ = net.forward(X, W, b, "relu", "identity")
    assert z[1].tolist() == [[0.0, 3.0]]           # the first unit stands exactly on its kink
    dJ_dW, dJ_db = gradients(X, y, W, {1: b[1], 2: np.array([1.0])}, "relu", "identity")
    assert dJ_db[1].tolist() == [0.0, 1.0] and dJ_dW[1][0].tolist() == [0.0, 0.0]
    report = check(X, y, W, {1: b[1], 2: np.array([1.0])}, "relu", "identity")
    assert "kink" in str(report)


def autograd_cost(W, b, X, y, hidden, output):
    """The same cost, written for autograd and from the textbook forms, without a line of
    helpers.network."""
    a = X
    for W_l, b_l in zip(W, b):
        z = anp.dot(a, W_l.T) + b_l
        a = FUNCTIONS[hidden].autograd(z)
    if output == "identity":
        return anp.sum((z - y)**2) / (2 * len(X))
    if output == "sigmoid":
        p = 1 / (1 + anp.exp(-z))
        return -anp.sum(y * anp.log(p) + (1 - y) * anp.log(1 - p)) / len(X)
    return -anp.sum(y * (z - anp.log(anp.sum(anp.exp(z), axis=1, keepdims=True)))) / len(X)


@pytest.mark.parametrize("seed", range(20))
def test_gradients_equal_those_of_an_independent_library_on_random_architectures(seed):
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 9, rng.integers(2, 7)).tolist()
    hidden, output = PAIRS[seed % len(PAIRS)]
    X, y, W, b = problem(sizes, output, seed, n=int(rng.integers(1, 12)))
    dJ_dW, dJ_db = gradients(X, y, W, b, hidden, output)
    theirs = autograd.grad(autograd_cost, (0, 1))(
        list(W.values()), list(b.values()), X, y, hidden, output)
    assert net.cost(y, net.forward(X, W, b, hidden, output)[0][len(W)], output) == pytest.approx(
        autograd_cost(list(W.values()), list(b.values()), X, y, hidden, output), rel=1e-12)
    for l in W:
        assert np.abs(dJ_dW[l] - theirs[0][l-1]).max() < 1e-12
        assert np.abs(dJ_db[l] - theirs[1][l-1]).max() < 1e-12


# ---------------------------------------------------------------- deltas


def test_delta_has_no_1_over_n_and_the_gradients_are_means():
    X, y, W, b = problem((3, 4, 2))
    a = net.forward(X, W, b)[1]
    delta, dJ_dW, dJ_db = net.backward(y, W, a)
    assert delta.keys() == {1, 2} and (delta[2] == a[2] - y).all()      # the input has none
    for i in range(len(X)):
        one = net.backward(y[i:i+1], W, {l: a[l][i:i+1] for l in a})[0]
        assert all(delta[l][i] == pytest.approx(one[l][0], rel=1e-13) for l in delta)
    singles = [net.backward(y[i:i+1], W, {l: a[l][i:i+1] for l in a})[1][1] for i in range(len(X))]
    assert np.abs(sum(singles) / len(X) - dJ_dW[1]).max() < 1e-15


def test_the_order_of_the_samples_does_not_matter():
    X, y, W, b = problem((3, 4, 2))
    order = [3, 0, 4, 2, 1]
    for ours, theirs in zip(gradients(X, y, W, b, "tanh", "softmax"),
                            gradients(X[order], y[order], W, b, "tanh", "softmax")):
        assert all(np.abs(ours[l] - theirs[l]).max() < 1e-15 for l in ours)


# ---------------------------------------------------------------- planted faults


def faulty(name):
    """`gradients` for sigmoid hidden units with one of the usual mistakes."""
    def gradient(X, y, W, b, hidden, output):
        _, a = net.forward(X, W, b, hidden, output)
        n, K = len(X), len(W)
        slopes = {"slope missing": lambda a: 1,
                  "slope at a": lambda a: net.sigmoid(a) * (1 - net.sigmoid(a))}
        slope = slopes.get(name, lambda a: a * (1 - a))
        delta = {K: a[K] - y}
        if name == "softmax elementwise":
            delta[K] = -y * (1 - a[K])
        used = {l: W[l] - 0.5 * delta[K].T @ a[l-1] / n if name == "updated weights" and l == K
                else W[l] for l in W}
        for l in range(K - 1, 0, -1):
            back = used[l+1].T if name == "W for its transpose" else used[l+1]
            of_bias = (delta[l+1] @ b[l+1])[:, None] if name == "delta of the bias unit" else 0
            delta[l] = (delta[l+1] @ back + of_bias) * slope(a[l])
        twice = n if name == "1/n twice" else 1
        return {l: delta[l].T @ a[l-1] / n / twice for l in W}, {
            l: delta[l].mean(axis=0) / twice for l in W}
    return gradient


FAULTS = ["W for its transpose", "slope missing", "slope at a", "updated weights", "1/n twice",
          "delta of the bias unit",
          "softmax elementwise"]


@pytest.mark.parametrize("name", ["none", *FAULTS])
def test_every_usual_fault_is_refused_by_the_gradient_check(name):
    given = problem((3, 3, 3, 3), seed=2)          # square, so that a lost transpose fits
    assert bool(check(*given, "sigmoid", "softmax", faulty(name))) == (name == "none")


# ---------------------------------------------------------------- update and initialise


def test_an_update_goes_against_the_gradient_and_leaves_its_arguments_alone():
    W, b = {1: np.array([[1.0, 2.0]])}, {1: np.array([3.0])}
    new_W, new_b = net.update(W, b, {1: np.array([[4.0, -8.0]])}, {1: np.array([2.0])}, 0.25)
    assert new_W[1].tolist() == [[0, 4]] and new_b[1].tolist() == [2.5]
    assert W[1].tolist() == [[1, 2]] and b[1].tolist() == [3]


@pytest.mark.parametrize("hidden, output", PAIRS)
def test_a_small_update_lowers_the_cost(hidden, output):
    X, y, W, b = problem((3, 6, 2), output, seed=4)
    here = net.cost(y, net.forward(X, W, b, hidden, output)[0][2], output)
    W, b = net.update(W, b, *gradients(X, y, W, b, hidden, output), 0.01)
    assert net.cost(y, net.forward(X, W, b, hidden, output)[0][2], output) < here


def test_units_that_start_equal_stay_equal():
    X, y, W, b = problem((3, 4, 2))
    W, b = {l: np.full_like(W[l], 0.3) for l in W}, {l: np.full_like(b[l], 0.1) for l in b}
    for _ in range(20):
        W, b = net.update(W, b, *gradients(X, y, W, b, "tanh", "softmax"), 0.5)
    assert np.ptp(W[1], axis=0).max() == 0 and np.ptp(W[2], axis=1).max() == 0


def test_initial_weights_have_variance_1_over_n_in_and_biases_are_zero():
    W, b = net.initialise((400, 300, 2), np.random.default_rng(0))
    assert (W[1].shape == (300, 400) and W[2].shape == (2, 300) and not b[1].any()
            and b[2].shape == (2,))
    assert 400 * W[1].var() == pytest.approx(1, rel=0.02)


@pytest.mark.parametrize("name, variance", [("1/n_in", 1/400), ("he", 2/400)])
def test_initial_weights_have_the_variance_that_was_asked_for(name, variance):
    W, _ = net.initialise((400, 300, 2), np.random.default_rng(0), name)
    assert W[1].var() == pytest.approx(variance, rel=0.02)
    usual, _ = net.initialise((400, 300, 2), np.random.default_rng(0))
    # the same draw, at another scale
    assert np.abs(W[1] / usual[1] - np.sqrt(400 * variance)).max() < 1e-12


def test_through_wide_layers_each_variance_keeps_what_it_is_meant_to_keep():
    # "1/n_in" keeps the variance of z through linear layers, "he" the mean square through ReLU
    # layers.
    rng, sizes = np.random.default_rng(1), (500,) * 9
    X = rng.normal(size=(200, 500))
    for hidden, variance, kept in [("identity", "1/n_in", True), ("relu", "he", True),
                                   ("relu", "1/n_in", False)]:
        W, b = net.initialise(sizes, rng, variance)
        z, _ = net.forward(X, W, b, hidden, "identity")
        growth = (z[8]**2).mean() / (z[1]**2).mean()
        # halved seven times: 1/128
        assert (0.5 < growth < 2) == kept and (kept or growth < 0.02)


def test_an_unknown_variance_is_refused_before_anything_is_drawn():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError,
                       match="variance is 'xavier', expected one of 1/n_in, he"):
        net.initialise((3, 2), rng, "xavier")
    assert rng.random() == np.random.default_rng(0).random()


def test_nothing_is_changed_by_forward_and_backward():
    X, y, W, b = problem((3, 4, 2))
    before = [v.copy() for v in (X, y, *W.values(), *b.values())]
    gradients(X, y, W, b, "relu", "softmax")
    assert all((old == now).all() for old, now in zip(before, (X, y, *W.values(), *b.values())))


# ---------------------------------------------------------------- bad input


def given():
    X, y, W, b = problem((3, 4, 2))
    return {"X": X, "y": y, "W": W, "b": b, "a": net.forward(X, W, b)[1], "hidden": "sigmoid",
            "output": "softmax"}


FORWARD = ("X", "W", "b", "hidden", "output")
BACKWARD = ("y", "W", "a", "hidden", "output")
BAD = [
    (net.forward, FORWARD, dict(X=np.ones(3)), ValueError, r"X has shape \(3,\)"),
    (net.forward, FORWARD, dict(X=np.full((2, 3), np.nan)), ValueError, r"X\[0, 0\] is nan"),
    (net.forward, FORWARD, dict(X=np.ones((5, 4))), ValueError,
     r"W\[1\] has shape \(4, 3\), expected \(n_1, n_0\) = \(n_1, 4\) to match X of shape \(5, 4\)"),
    (net.forward, FORWARD, dict(W={1: np.ones((3, 4)), 2: np.ones((2, 4))}), ValueError,
     "its transpose would fit"),
    (net.forward, FORWARD, dict(W={1: np.ones((4, 3)), 3: np.ones((2, 4))}), ValueError,
     r"W has the layers \[1, 3\], expected 1 to 2"),
    (net.forward, FORWARD, dict(W={0: np.ones((4, 3)), 1: np.ones((2, 4))}), ValueError,
     r"expected 1 to 2"),
    (net.forward, FORWARD, dict(W=[np.ones((4, 3)), np.ones((2, 4))]), TypeError,
     "W is of type list"),
    (net.forward, FORWARD, dict(W={}), ValueError, "W has the layers"),
    (net.forward, FORWARD, dict(W={1: np.ones((4, 3)), 2: np.ones((2, 5))}), ValueError,
     r"expected \(n_2, n_1\) = \(n_2, 4\) to match W\[1\] of shape \(4, 3\)"),
    (net.forward, FORWARD, dict(W={1: np.ones((4, 3)), 2: np.array([["a"]])}), TypeError,
     r"W\[2\] holds values of type str"),
    (net.forward, FORWARD, dict(b={1: np.ones(4)}), ValueError, "b has the layers"),
    (net.forward, FORWARD, dict(b={1: np.ones(4), 2: np.ones((2, 1))}), ValueError,
     r"b\[2\] has shape .*, expected \(n_2,\) = \(2,\) to match W\[2\] of shape \(2, 4\)"),
    (net.forward, FORWARD, dict(b={1: np.ones(4), 2: np.array([1, np.inf])}), ValueError,
     r"b\[2\]\[1\] is inf"),
    (net.forward, FORWARD, dict(hidden="swish"), ValueError,
     "hidden is 'swish', expected one of " + ", ".join(net.ACTIVATIONS)),
    (net.forward, FORWARD, dict(output="relu"), ValueError,
     "output is 'relu', expected one of identity, sigmoid, softmax"),
    (net.forward, FORWARD, dict(hidden=np.tanh), ValueError, "expected one of"),
    (net.backward, BACKWARD, dict(y=np.ones(5)), ValueError, r"y has shape \(5,\)"),
    (net.backward, BACKWARD, dict(y=np.ones((5, 2))), ValueError, "y.sum.axis=1..0. is 2.0"),
    (net.backward, BACKWARD, dict(y=np.full((5, 2), 0.5)), ValueError, "expected the label 0 or 1"),
    (net.backward, BACKWARD, dict(y=np.full((5, 2), 3), output="sigmoid"), ValueError,
     "expected the label 0 or 1"),
    (net.backward, BACKWARD, dict(a={0: np.ones((5, 3)), 1: np.ones((5, 4))}), ValueError,
     "a has the layers"),
    (net.backward, BACKWARD, dict(a={1: np.ones((5, 4)), 2: np.ones((5, 2))}), ValueError,
     "a has the layers"),
    (net.backward, BACKWARD, dict(a={0: np.ones((5, 3)), 1: np.ones((4, 4)), 2: np.ones((5, 2))}),
     ValueError, r"a\[1\] has"),
    (net.backward, BACKWARD, dict(hidden="step"), ValueError, "hidden is 'step'"),
]


@pytest.mark.parametrize("function, names, wrong, error, message", BAD)
def test_bad_input_is_refused_in_words(function, names, wrong, error, message):
    arguments = {**given(), **wrong}
    with pytest.raises(error, match=message):
        function(*(arguments[name] for name in names))


def test_an_update_refuses_gradients_that_do_not_belong_to_the_parameters():
    W, b = {1: np.ones((1, 2))}, {1: np.ones(1)}
    with pytest.raises(ValueError, match=r"dJ_dW\[1\] has shape \(2, 1\).*its transpose would fit"):
        net.update(W, b, {1: np.ones((2, 1))}, b, 0.1)
    with pytest.raises(ValueError, match="dJ_db has the layers"):
        net.update(W, b, W, {1: np.ones(1), 2: np.ones(1)}, 0.1)


def test_a_cost_refuses_targets_of_another_pair():
    with pytest.raises(ValueError, match="label 0 or 1"):
        net.cost(np.array([[0.3]]), np.array([[1.0]]), "sigmoid")
    with pytest.raises(ValueError, match="y has shape"):
        net.cost(np.ones(3), np.ones((3, 1)), "identity")


@pytest.mark.parametrize("call", [
    lambda z, y: net.binary_cross_entropy(z, y), lambda z, y: net.cross_entropy(z, y),
    lambda z, y: net.cost(y, z, "identity"),
    lambda z, y: net.backward(y, {1: np.eye(2)}, {0: y.real, 1: z}),
])
def test_a_complex_logit_passes_for_the_complex_step_but_a_complex_target_does_not(call):
    z, y = np.array([[1.0, 2.0], [3.0, -1.0]]), np.eye(2)
    call(z + 0j, y)
    with pytest.raises(TypeError, match="y holds values of type complex128, expected real numbers"):
        call(z, y + 0j)


def test_a_transpose_is_proposed_only_where_it_would_fit():
    def refusal(W_1):
        with pytest.raises(ValueError) as raised:
            net.forward(np.ones((5, 3)), {1: np.ones(W_1)}, {1: np.ones(W_1[0])})
        return str(raised.value).partition(" to match ")[2]
    assert refusal((3, 4)) == "X of shape (5, 3); its transpose would fit"
    assert refusal((2, 4)) == refusal((3,)) == refusal((4, 3, 3)) == "X of shape (5, 3)"




@pytest.mark.filterwarnings("error")
def test_enormous_pre_activations_give_finite_activations_without_a_warning():
    X = np.array([[1e308]])
    for hidden, output in PAIRS:
        W, b = {1: np.ones((1, 1)), 2: np.array([[0.5], [-0.5]])}, {1: np.zeros(1), 2: np.zeros(2)}
        _, a = net.forward(X, W, b, hidden, output)
        assert np.isfinite(a[2]).all()
