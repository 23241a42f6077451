"""One linear neuron in the notation of the notebooks: each function reads like its equation.

| name | shape | |
|---|---|---|
| X | (n_samples, n_features) | the inputs, a row for each sample |
| y, y_hat | (n_samples,) | target and prediction |
| w, b | (n_features,) and a number | weights and bias; complex ones pass, for the complex step |

L, J and what is refused are as in `helpers.network`.
"""

from collections import namedtuple
from functools import partial

import numpy as np

from helpers.data import batches
from helpers.validation import checked, count, number, positive

SAMPLES = dict(X="n_samples n_features", y="n_samples")
WEIGHTS = dict(w="complex n_features", b="complex ")


@checked(X="n_samples n_features", **WEIGHTS)
def predict(X, w, b):
    """The prediction, a weighted sum plus the bias: y_hat = X w + b. Source: S0-08, S0-14.

    >>> predict([[1, 2], [3, 4]], [10, 1], 0.5).tolist()
    [12.5, 34.5]
    """
    return X @ w + b


@checked(**SAMPLES, **WEIGHTS)
def cost(X, y, w, b):
    """The cost, the mean of L = (y_hat - y)**2 / 2: J, a number. Source: S0-10, S0-12, S0-13.

    >>> float(cost([[1], [2]], [0, 0], [1], 0))
    1.25
    """
    return ((X @ w + b - y)**2 / 2).mean()


@checked(**SAMPLES, **WEIGHTS)
def gradient(X, y, w, b):
    """The mean over the samples of delta = y_hat - y times input: (dJ_dw, dJ_db), like w and b.

    Source: S0-15, S0-17 to S0-19, S0-25, S0-26.

    >>> dJ_dw, dJ_db = gradient([[1], [2]], [0, 0], [1], 0)
    >>> dJ_dw.tolist(), float(dJ_db)
    ([2.5], 1.5)
    """
    delta = X @ w + b - y
    return X.T @ delta / len(X), delta.sum() / len(X)


History = namedtuple("History", "w b J")  # of `train`; row 0 is the start, row e the end of epoch e


@checked(**SAMPLES, w="n_features", b=number, eta=positive, epochs=partial(count, least=0))
def train(X, y, w, b, eta, epochs, batch_size=None, rng=None):
    """A step against the gradient, w - eta dJ/dw and b - eta dJ/db, for each of the `data.batches`
    of each epoch: a `History`.

    The gradient is the mean over the batch, which is all samples if batch_size is None. Too large a
    learning rate is no error: the numbers grow until they overflow, and from then on J is inf.
    Source: S0-07, S0-16, S0-21 to S0-24, S0-27.

    >>> train([[1.0], [-1.0]], [2.0, -2.0], [0.0], 0.0, eta=1.0, epochs=1).J.tolist()
    [2.0, 0.0]
    """
    slopes, J_of = gradient.__wrapped__, cost.__wrapped__
    size = len(X) if batch_size is None else batch_size
    with np.errstate(over="ignore", invalid="ignore"):
        rows = [(w, b, J_of(X, y, w, b))]
        for _ in range(epochs):
            for batch in batches(len(X), size, rng):
                dJ_dw, dJ_db = slopes(X[batch], y[batch], w, b)
                w, b = w - eta * dJ_dw, b - eta * dJ_db
            rows.append((w, b, J_of(X, y, w, b)))
    w, b, J = map(np.array, zip(*rows))
    return History(w, b, np.where(np.isfinite(J), J, np.inf))


@checked(**SAMPLES)
def least_squares(X, y):
    """The w and b of the lowest cost of all, in closed form; the shortest w of equally good ones.

    On centred data b drops out; it then puts the line through the mean. Source: S0-07.

    >>> w, b = least_squares([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0])
    >>> w.round(9).tolist(), round(float(b), 9)
    ([2.0], 1.0)
    """
    X_mean, y_mean = X.mean(axis=0), y.mean()
    w = np.linalg.lstsq(X - X_mean, y - y_mean)[0]
    return w, y_mean - X_mean @ w


@checked(X="n_samples n_features")
def step_limit(X, bias=True):
    """Batch descent converges for every eta below 2 / lambda_max and diverges above: that limit.

    lambda_max is the largest eigenvalue of the Hessian of J, [X 1]^T [X 1] / n, or X^T X / n
    without a bias. Where the Hessian is zero there is no limit: inf. Source: S0-22, S0-23.

    >>> float(step_limit([[2.0]], bias=False))
    0.5
    """
    inputs = np.column_stack([X, np.ones(len(X))]) if bias else X
    lambda_max = np.linalg.eigvalsh(inputs.T @ inputs / len(X))[-1]
    return 2 / lambda_max if lambda_max > 0 else np.inf
