"""The network in the notation of the notebooks: each function reads like its equation.

A batch has one row per sample. z is a pre-activation (of the last layer: the logits), y_hat the
prediction, y the target, L the loss of one sample; the factor 1/n lives in the cost J, the mean of
L, and in its gradients only. Every function checks what it is given (ValueError for shapes and
values, TypeError for types) and changes none of it.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from helpers import validation

# ---------------------------------------------------------------- activations and losses
#
# All of them hold for |z| up to 1e308 without a warning: no exponent is ever above 0. z may be
# complex, which is what the complex step of gradcheck needs; the branches then look at the real
# part.


def identity(z):
    """The identity: z."""
    return z


def relu(z):
    """The positive part: z where z > 0, else 0. Its slope at the kink is taken to be 0.

    >>> relu(np.array([-1.0, 0.0, 2.0])).tolist()
    [0.0, 0.0, 2.0]
    """
    return np.where(z.real > 0, z, 0)


def sigmoid(z):
    """The logistic function: 1 / (1 + exp(-z)), of the shape of z.

    Where z is negative it is computed as exp(z) / (1 + exp(z)), the same number. Raises ValueError
    for NaN and infinity. Source: S0-29, S3-48.

    >>> sigmoid([0.0, -1000.0]).tolist()
    [0.5, 0.0]
    """
    z = validation.array("z", z, complex_too=True)
    e = np.exp(-_magnitude(z))
    return np.where(z.real >= 0, np.ones_like(e), e) / (1 + e)


def softplus(z):
    """A smooth ReLU, whose slope is the sigmoid: log(1 + exp(z)), of the shape of z.

    Raises ValueError for NaN and infinity.

    >>> softplus([-1000.0, 0.0, 1000.0]).round(3).tolist()
    [0.0, 0.693, 1000.0]
    """
    z = validation.array("z", z, complex_too=True)
    return np.where(z.real >= 0, z, 0) + np.log1p(np.exp(-_magnitude(z)))


def softmax(z):
    """Shares of each row: exp(z_k) / sum_j exp(z_j), of shape (n_samples, n_classes).

    The largest entry is taken off its row first, which changes nothing but the size of the numbers.
    Raises ValueError unless z has two dimensions. Source: S0-39.

    >>> softmax([[1000.0, 1000.0]]).tolist()
    [[0.5, 0.5]]
    """
    z = _logits(z)
    e = _exp_below(z, _largest(z))
    return e / e.sum(axis=1, keepdims=True)


def log_sum_exp(z):
    """Of each row the logarithm of a sum: log sum_k exp(z_k), of shape (n_samples,).

    The largest entry stands outside, and so does its exponential, 1, in log1p: small terms are not
    lost beside it. Raises as `softmax`. Source: S0-38, S0-39.

    >>> log_sum_exp([[1000.0, -1000.0]]).tolist()
    [1000.0]
    """
    z = _logits(z)
    return _largest(z)[:, 0] + _log_of_rest(z)


def half_squared_error(z, y):
    """Half the squared distance: L = sum_k (z_k - y_k)**2 / 2, of shape (n_samples,)."""
    return ((z - y)**2 / 2).sum(axis=1)


def binary_cross_entropy(z, y):
    """Minus the log-likelihood of a label 0 or 1: L = log(1 + exp(z)) - y z, the shape of z.

    It is -y log(y_hat) - (1 - y) log(1 - y_hat) with y_hat = sigmoid(z); from z it cannot round to
    log(0). Raises ValueError unless y has the shape of z and holds nothing but 0 and 1. Source:
    S0-34, S0-35, S3-22.

    >>> binary_cross_entropy([0.0, 1000.0], [1, 1]).round(3).tolist()
    [0.693, 0.0]
    """
    z = validation.array("z", z, complex_too=True)
    y = _labels(validation.same_shape("y", y, z, "z", complex_too=False))
    return np.where(z.real >= 0, (1 - y) * z, -y * z) + np.log1p(np.exp(-_magnitude(z)))


def cross_entropy(z, y):
    """Minus the log-likelihood of a class: L = log sum_k exp(z_k) - sum_k y_k z_k.

    It is -sum_k y_k log(y_hat_k) with y_hat = softmax(z), of shape (n_samples,). y is one-hot,
    (n_samples, n_classes). A loss above 1.8e308 is inf. Raises ValueError unless y has the shape of
    z and one 1 in each row, else 0. Source: S0-37, S0-38, S3-23.

    >>> cross_entropy([[0.0, 0.0]], [[1, 0]]).round(3).tolist()
    [0.693]
    """
    z = _logits(z)
    y = _one_hot(validation.same_shape("y", y, z, "z", complex_too=False))
    with np.errstate(over="ignore"):
        behind = _largest(z)[:, 0] - (y * z).sum(axis=1)
    return behind + _log_of_rest(z)


def _magnitude(z):
    """|z|; for complex z by the sign of the real part: smooth along the imaginary axis."""
    return np.where(z.real >= 0, z, -z)


def _largest(z):
    return np.take_along_axis(z, z.real.argmax(axis=1)[:, None], axis=1)


def _exp_below(z, top):
    """exp(z - top), at most 1; a difference beyond the range of floats is -inf, and exp 0."""
    with np.errstate(over="ignore"):
        return np.exp(z - top)


def _log_of_rest(z):
    """log sum_k exp(z_k - z_max), (n_samples,): the largest entry is the 1 of log1p."""
    e = _exp_below(z, _largest(z))
    np.put_along_axis(e, z.real.argmax(axis=1)[:, None], 0, axis=1)
    return np.log1p(e.sum(axis=1))


def _logits(z):
    z = validation.array("z", z, complex_too=True)
    if z.ndim != 2:
        hint = "; for one sample write z[None, :]" if z.ndim == 1 else ""
        raise ValueError(f"z has shape {z.shape}, expected (n_samples, n_classes){hint}")
    return z


def _labels(y):
    wrong = (y != 0) & (y != 1)
    if wrong.any():
        place = [int(k) for k in np.argwhere(wrong)[0]]
        where = f"y{place if place else ''}"
        raise ValueError(f"{where} is {y[tuple(place)]}, expected the label 0 or 1")
    return y


def _one_hot(y):
    counts = _labels(y).sum(axis=1)
    if (counts != 1).any():
        row = int(np.flatnonzero(counts != 1)[0])
        found = f"row {row} of y has {int(counts[row])} ones"
        raise ValueError(f"{found}, expected exactly one: the sample's class")
    return y


# ---------------------------------------------------------------- the network
#
# Layers are numbered 1 to K and the input is layer 0. Dictionaries keyed by layer number hold them:
# W[l] is (n_out, n_in), to the row's unit from the column's; b[l] is (n_out,); z[l], a[l] and
# delta[l] are (n_samples, n_out); a[0] is X. `hidden` names the activation of layers 1 to K - 1,
# `output` that of layer K, together with its loss.


class Activation(NamedTuple):
    """A row of the table of hidden layers: g, and its slope in a = g(z), which is kept."""

    g: Callable
    slope: Callable


class Output(NamedTuple):
    """A row of the table of last layers: g, each sample's loss in z, the targets it takes."""

    g: Callable
    loss: Callable
    targets: Callable


ACTIVATIONS = {
    "sigmoid": Activation(sigmoid, lambda a: a * (1 - a)),
    "tanh": Activation(np.tanh, lambda a: 1 - a**2),
    "relu": Activation(relu, lambda a: a > 0),
    "softplus": Activation(softplus, lambda a: -np.expm1(-a)),
    "identity": Activation(identity, lambda a: 1),
}
OUTPUTS = {  # each with the loss for which delta is y_hat - y
    "identity": Output(identity, half_squared_error, identity),
    "sigmoid": Output(sigmoid, lambda z, y: binary_cross_entropy(z, y).sum(axis=1), _labels),
    "softmax": Output(softmax, cross_entropy, _one_hot),
}
FANS = {  # one over the variance of an initial weight, of a layer of n_in inputs and n_out units
    "1/n_in": lambda n_in, n_out: n_in,                # z keeps the variance of its inputs
    "glorot": lambda n_in, n_out: (n_in + n_out) / 2,  # between z and delta
    "he": lambda n_in, n_out: n_in / 2,                # ReLU halves the mean square of z
}


def initialise(sizes, rng, variance="1/n_in"):
    """Weights from a normal distribution of variance 1/n_in, biases 0: (W, b).

    `sizes` counts the units of layers 0 to K, as (2, 3, 1). Equal weights would stay equal for
    ever, hence the draw. Other variances: "glorot", 2/(n_in + n_out), and "he", 2/n_in. Raises
    ValueError for a size below 1 or an unknown variance, TypeError unless rng is a NumPy generator.
    Source: S3-65, S2-04.

    >>> W, b = initialise((2, 3, 1), np.random.default_rng(0))
    >>> W[1].shape, b[2].tolist()
    ((3, 2), [0.0])
    """
    fan = validation.choice("variance", variance, FANS)
    sizes = [validation.count(f"sizes[{l}]", size) for l, size in enumerate(sizes)]
    if len(sizes) < 2:
        expected = "two or more: inputs, then the units of each layer"
        raise ValueError(f"sizes is {sizes}, expected {expected}")
    rng = validation.generator("rng", rng, needed=True)
    W = {}
    for l, (n_in, n_out) in enumerate(zip(sizes, sizes[1:]), start=1):
        W[l] = rng.normal(size=(n_out, n_in)) / np.sqrt(fan(n_in, n_out))
    return W, {l: np.zeros(sizes[l]) for l in W}


def forward(X, W, b, hidden="sigmoid", output="softmax"):
    """Layer by layer z[l] = a[l-1] W[l].T + b[l] and a[l] = g(z[l]): (z, a), a[0] = X.

    Raises ValueError where the shapes of neighbouring layers do not fit, a layer is missing, a
    number is not finite, or an activation is unknown. Source: S0-08, S0-61, S3-14.

    >>> z, a = forward([[1.0, 2.0]], {1: [[3.0, 4.0]]}, {1: [5.0]}, output="identity")
    >>> a[1].tolist()
    [[16.0]]
    """
    X, W, b = _checked_layers(X, W, b)
    K, (g, g_out) = len(W), (row.g for row in _rows(hidden, output))
    z, a = {}, {0: X}
    for l in range(1, K + 1):
        z[l] = a[l-1] @ W[l].T + b[l]
        a[l] = g(z[l]) if l < K else g_out(z[l])
    return z, a


def cost(y, z, output="softmax"):
    """The cost is the mean over the samples of the loss that belongs to `output`: J, one number.

    z are the pre-activations of the last layer, z[K] of `forward`; y has their shape, (n_samples,
    n_outputs). The pairs are identity with half the squared error, sigmoid with log loss, softmax
    with cross-entropy; a loss is summed over the outputs. Raises ValueError for other shapes, and
    for labels that do not belong to the pair. Source: S3-19 to S3-23.

    >>> float(cost([[1.0]], [[3.0]], "identity"))
    2.0
    """
    row = validation.choice("output", output, OUTPUTS)
    z = validation.array("z", z, complex_too=True)
    return row.loss(z, targets(y, z, "z", output)).mean()


def backward(y, W, a, hidden="sigmoid", output="softmax"):
    """The last delta is y_hat - y; each before it delta[l] = delta[l+1] W[l+1] * g'(z[l]).

    Returns (delta, dJ_dW, dJ_db). delta[l] is dL/dz[l] of each sample, without 1/n; dJ_dW[l] is the
    mean over the samples of delta[l] times a[l-1], dJ_db[l] the mean of delta[l]. Nothing is
    updated here, so all deltas come from the same weights. Raises ValueError unless a is what
    `forward` returns for these W, y fits a[K], and the names are known. Source: S0-65 to S0-69,
    S0-73, S3-34, S3-44, S3-53 to S3-55.

    >>> W = {1: [[2.0]]}
    >>> z, a = forward([[3.0]], W, {1: [0.0]}, output="identity")
    >>> delta, dJ_dW, dJ_db = backward([[5.0]], W, a, output="identity")
    >>> delta[1].tolist(), dJ_dW[1].tolist()
    ([[1.0]], [[3.0]])
    """
    W, a = _checked_activations(W, a)
    slope = _rows(hidden, output)[0].slope
    K, n_samples = len(W), len(a[0])
    delta = {K: a[K] - targets(y, a[K], f"a[{K}]", output)}
    for l in range(K - 1, 0, -1):
        delta[l] = delta[l+1] @ W[l+1] * slope(a[l])
    dJ_dW = {l: delta[l].T @ a[l-1] / n_samples for l in W}
    dJ_db = {l: delta[l].mean(axis=0) for l in W}
    return delta, dJ_dW, dJ_db


def update(W, b, dJ_dW, dJ_db, eta):
    """All step against their derivatives: W[l] - eta dJ_dW[l], b[l] - eta dJ_db[l], new ones.

    Raises ValueError unless each gradient has the layers and shapes of its parameter and eta is
    above 0. Source: S0-70, S3-57 to S3-61.

    >>> update({1: [[1.0]]}, {1: [0.0]}, {1: [[2.0]]}, {1: [4.0]}, 0.5)
    ({1: array([[0.]])}, {1: array([-2.])})
    """
    eta = validation.positive("eta", eta)
    W, b = validation.layers("W", W), validation.layers("b", b)
    dJ_dW = validation.same_layers("dJ_dW", dJ_dW, "W", W)
    dJ_db = validation.same_layers("dJ_db", dJ_db, "b", b)
    return {l: W[l] - eta * dJ_dW[l] for l in W}, {l: b[l] - eta * dJ_db[l] for l in b}


def parameters(W, b):
    """W and b, dictionaries of real arrays that fit together. Raises as `forward`."""
    W = validation.layers("W", W, complex_too=False)
    b = validation.layers("b", b, complex_too=False)
    if W[1].ndim != 2:
        raise ValueError(f"W[1] has shape {W[1].shape}, expected (n_out, n_in)")
    return _checked_layers(np.zeros((1, W[1].shape[1])), W, b)[1:]


def targets(y, like, like_name, output):
    """y with the shape of `like` and labels that belong to the output. Raises as `cost`."""
    y = validation.same_shape("y", y, like, like_name, complex_too=False)
    return OUTPUTS[output].targets(y)


def _rows(hidden, output):
    g = validation.choice("hidden", hidden, ACTIVATIONS)
    return g, validation.choice("output", output, OUTPUTS)


def _checked_layers(X, W, b):
    X, W, b = validation.matrix("X", X), validation.layers("W", W), validation.layers("b", b)
    _check_chain(X.shape[1], W)
    if b.keys() != W.keys():
        raise ValueError(f"b has the layers {list(b)}, W has the layers {list(W)}")
    for l in W:
        expected = f"{W[l].shape[:1]} to match W[{l}] of shape {W[l].shape}"
        validation.fitting(b[l], f"b[{l}]", W[l].shape[:1], expected)
    return X, W, b


def _check_chain(width, W):
    for l in W:
        if W[l].ndim != 2 or W[l].shape[1] != width:
            expected = f"(n_out, {width}): layer {l-1} has {width} units"
            hint = "; its transpose would fit" if W[l].ndim == 2 and W[l].shape[0] == width else ""
            raise ValueError(f"W[{l}] has shape {W[l].shape}, expected {expected}{hint}")
        width = len(W[l])


def _checked_activations(W, a):
    W, a = validation.layers("W", W), validation.layers("a", a, first=0)
    if len(a) != len(W) + 1:
        expected = f"0 to {len(W)}: the input, then one for each layer of W"
        raise ValueError(f"a has the layers {list(a)}, expected {expected}")
    _check_chain(validation.matrix("a[0]", a[0]).shape[1], W)
    for l in W:
        expected = (len(a[0]), len(W[l]))
        if a[l].shape != expected:
            meaning = "a row per sample, a column per unit"
            raise ValueError(f"a[{l}] has shape {a[l].shape}, expected {expected}: {meaning}")
    return W, a
