"""The network in the notation of the notebooks: each function reads like its equation.

Layers are numbered 1 to K, the input is layer 0; layer l has n_l units. What belongs to a layer
stands in a dictionary, under the layer's number.

| name | shape | |
|---|---|---|
| X | (n_samples, n_0) | the inputs, a row for each sample; the same as a[0] |
| W[l] | (n_l, n_(l-1)) | weights, to the row's unit from the column's |
| b[l] | (n_l,) | biases |
| z[l] | (n_samples, n_l) | pre-activations; z[K] are the logits |
| a[l] | (n_samples, n_l) | activations; a[K] is y_hat, the prediction |
| y | (n_samples, n_K) | targets; one-hot rows for "softmax", 0 and 1 for "sigmoid" |
| delta[l] | (n_samples, n_l) | dL/dz[l] of each sample, without 1/n |
| dJ_dW[l], dJ_db[l] | those of W[l], b[l] | gradients of J |

L is the loss of one sample, J the mean of L: the factor 1/n lives in J and its gradients only.
`hidden` names the activation of layers 1 to K - 1, `output` that of layer K with its loss. z, W and
b may be complex, for the complex step. What does not fit is refused before anything is done
(ValueError for shapes and values, TypeError for types), and no argument is changed.
"""

from collections import namedtuple

import numpy as np

from helpers.validation import checked, choice, count, generator, layers, positive, refuse

# ---------------------------------------------------------------- activations and losses
#
# All of them hold for |z| up to 1e308 without a warning: no exponent is ever above 0. For complex z
# the branches look at the real part, so that they stay smooth along the imaginary axis.


def relu(z):
    """The positive part: z where z > 0, else 0. Its slope at the kink is taken to be 0.

    >>> relu(np.array([-1.0, 0.0, 2.0])).tolist()
    [0.0, 0.0, 2.0]
    """
    return np.where(z.real > 0, z, 0)


@checked(z="complex ...")
def sigmoid(z):
    """The logistic function: 1 / (1 + exp(-z)), or exp(z) / (1 + exp(z)). Source: S0-29, S3-48.

    >>> sigmoid([0.0, -1000.0]).tolist()
    [0.5, 0.0]
    """
    e = np.exp(-_magnitude(z))
    return np.where(z.real >= 0, 1, e) / (1 + e)


@checked(z="complex ...")
def softplus(z):
    """A smooth ReLU, whose slope is the sigmoid: log(1 + exp(z)).

    >>> softplus([-1000.0, 0.0, 1000.0]).round(3).tolist()
    [0.0, 0.693, 1000.0]
    """
    return np.where(z.real >= 0, z, 0) + np.log1p(np.exp(-_magnitude(z)))


@checked(z="complex n_samples n_classes")
def softmax(z):
    """Shares of each row: exp(z_k) / sum_j exp(z_j). Source: S0-39.

    >>> softmax([[1000.0, 1000.0]]).tolist()
    [[0.5, 0.5]]
    """
    e, _ = _exponentials(z)
    return e / e.sum(axis=1, keepdims=True)


def half_squared_error(z, y):
    """Half the squared distance: L = sum_k (z_k - y_k)**2 / 2, (n_samples,)."""
    return ((z - y)**2 / 2).sum(axis=1)


@checked(z="complex ...", y="...")
def binary_cross_entropy(z, y):
    """-y log(y_hat) - (1 - y) log(1 - y_hat) of y_hat = sigmoid(z), label 0 or 1, entry by entry.

    From z, as -log(sigmoid(z)) is softplus(-z). Source: S0-34, S0-35, S3-22.

    >>> binary_cross_entropy([0.0, 1000.0], [1, 1]).round(3).tolist()
    [0.693, 0.0]
    """
    refuse_targets("sigmoid", y)
    return y * softplus(-z) + (1 - y) * softplus(z)


@checked(z="complex n_samples n_classes", y="n_samples n_classes")
def cross_entropy(z, y):
    """-sum_k y_k log(y_hat_k) of y_hat = softmax(z) and a class, 1 in y, for each row.

    It is log sum_k exp(z_k) - sum_k y_k z_k. Source: S0-37 to S0-39, S3-23.

    >>> cross_entropy([[0.0, 0.0]], [[1, 0]]).round(3).tolist()
    [0.693]
    """
    refuse_targets("softmax", y)
    e, top = _exponentials(z)
    np.put_along_axis(e, top, 0, axis=1)  # exp(0) is the 1 of log1p, which loses no small terms
    with np.errstate(over="ignore"):
        behind = np.take_along_axis(z, top, axis=1)[:, 0] - (y * z).sum(axis=1)
    return behind + np.log1p(e.sum(axis=1))


def _magnitude(z):
    return np.where(z.real >= 0, z, -z)


def _exponentials(z):
    """exp(z - z_max) of each row, at most 1, and the columns of the largest, (n_samples, 1)."""
    top = z.real.argmax(axis=1)[:, None]
    with np.errstate(over="ignore"):  # a difference beyond the floats is -inf, and its exp 0
        return np.exp(z - np.take_along_axis(z, top, axis=1)), top


def refuse_targets(output, y):
    """Raise ValueError if y holds no labels for "sigmoid", no one-hot rows for "softmax"."""
    if output != "identity":
        refuse((y != 0) & (y != 1), "y", y, "the label 0 or 1")
    if output == "softmax":
        ones = y.sum(axis=1)
        refuse(ones != 1, "y.sum(axis=1)", ones, "a single 1 in each row: the sample's class")


Activation = namedtuple("Activation", "g slope")  # the slope in a = g(z), which is kept
Output = namedtuple("Output", "g loss")  # the loss in z for which delta is y_hat - y
ACTIVATIONS = {
    "sigmoid": Activation(sigmoid, lambda a: a * (1 - a)),
    "tanh": Activation(np.tanh, lambda a: 1 - a**2),
    "relu": Activation(relu, lambda a: a > 0),
    "softplus": Activation(softplus, lambda a: -np.expm1(-a)),
    "identity": Activation(np.positive, lambda a: 1),
}
OUTPUTS = {
    "identity": Output(np.positive, half_squared_error),
    "sigmoid": Output(sigmoid, lambda z, y: binary_cross_entropy(z, y).sum(axis=1)),
    "softmax": Output(softmax, cross_entropy),
}
VARIANCES = {"1/n_in": 1, "he": 2}  # times 1/n_in; z then keeps the variance of its inputs
KINDS = dict(hidden=choice(ACTIVATIONS), output=choice(OUTPUTS))
WEIGHTS, BIASES = layers(lambda l: f"complex n_{l} n_{l-1}"), layers(lambda l: f"complex n_{l}")

# ---------------------------------------------------------------- the network


@checked(rng=generator, variance=choice(VARIANCES))
def initialise(sizes, rng, variance="1/n_in"):
    """Weights from a normal distribution of variance 1/n_in, or "he", 2/n_in; biases 0: (W, b).

    `sizes` counts the units of layers 0 to K, as (2, 3, 1). Equal weights would stay equal for
    ever, hence the draw; ReLU halves the mean square of z, hence the 2. Source: S3-65, S2-04.

    >>> W, b = initialise((2, 3, 1), np.random.default_rng(0))
    >>> W[1].shape, b[2].tolist()
    ((3, 2), [0.0])
    """
    sizes = [count(f"sizes[{l}]", size) for l, size in enumerate(sizes)]
    count("len(sizes)", len(sizes), least=2)
    W = {l: rng.normal(size=(n_out, n_in)) / np.sqrt(n_in / VARIANCES[variance])
         for l, (n_in, n_out) in enumerate(zip(sizes, sizes[1:]), start=1)}
    return W, {l: np.zeros(sizes[l]) for l in W}


@checked(X="n_samples n_0", W=WEIGHTS, b=BIASES, **KINDS)
def forward(X, W, b, hidden="sigmoid", output="softmax"):
    """Layer by layer z[l] = a[l-1] W[l].T + b[l] and a[l] = g(z[l]): (z, a).

    Source: S0-08, S0-61, S3-14.

    >>> z, a = forward([[1.0, 2.0]], {1: [[3.0, 4.0]]}, {1: [5.0]}, output="identity")
    >>> a[1].tolist()
    [[16.0]]
    """
    K, z, a = len(W), {}, {0: X}
    for l in range(1, K + 1):
        g = ACTIVATIONS[hidden].g if l < K else OUTPUTS[output].g
        z[l] = a[l-1] @ W[l].T + b[l]
        a[l] = g(z[l])
    return z, a


@checked(z="complex n_samples n_K", y="n_samples n_K", output=KINDS["output"])
def cost(y, z, output="softmax"):
    """The mean over the samples of the loss that belongs to `output`, from z[K]: J, one number.

    The pairs are identity with half the squared error, sigmoid with log loss, softmax with
    cross-entropy; a loss is summed over the outputs. Source: S3-19 to S3-23.

    >>> float(cost([[1.0]], [[3.0]], "identity"))
    2.0
    """
    return OUTPUTS[output].loss(z, y).mean()


@checked(W=WEIGHTS, a=layers(lambda l: f"complex n_samples n_{l}", first=0), y="n_samples n_K",
         **KINDS)
def backward(y, W, a, hidden="sigmoid", output="softmax"):
    """The last delta is y_hat - y; each before it delta[l] = delta[l+1] W[l+1] * g'(z[l]).

    Returns (delta, dJ_dW, dJ_db): dJ_dW[l] is the mean over the samples of delta[l] times a[l-1],
    dJ_db[l] the mean of delta[l]. Nothing is updated here, so all deltas come from the same
    weights. Source: S0-65 to S0-69, S0-73, S3-34, S3-44, S3-53 to S3-55.

    >>> W = {1: [[2.0]]}
    >>> z, a = forward([[3.0]], W, {1: [0.0]}, output="identity")
    >>> delta, dJ_dW, dJ_db = backward([[5.0]], W, a, output="identity")
    >>> delta[1].tolist(), dJ_dW[1].tolist()
    ([[1.0]], [[3.0]])
    """
    refuse_targets(output, y)
    K, n_samples, slope = len(W), len(y), ACTIVATIONS[hidden].slope
    delta = {K: a[K] - y}
    for l in range(K - 1, 0, -1):
        delta[l] = delta[l+1] @ W[l+1] * slope(a[l])
    dJ_dW = {l: delta[l].T @ a[l-1] / n_samples for l in W}
    dJ_db = {l: delta[l].mean(axis=0) for l in W}
    return delta, dJ_dW, dJ_db


@checked(W=WEIGHTS, b=BIASES, dJ_dW=WEIGHTS, dJ_db=BIASES, eta=positive)
def update(W, b, dJ_dW, dJ_db, eta):
    """All step against their derivatives: W[l] - eta dJ_dW[l], b[l] - eta dJ_db[l], new ones.

    Source: S0-70, S3-57 to S3-61.

    >>> update({1: [[1.0]]}, {1: [0.0]}, {1: [[2.0]]}, {1: [4.0]}, 0.5)
    ({1: array([[0.]])}, {1: array([-2.])})
    """
    return {l: W[l] - eta * dJ_dW[l] for l in W}, {l: b[l] - eta * dJ_db[l] for l in b}
