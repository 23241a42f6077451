"""One linear neuron in the notation of the notebooks: each function reads like its equation.

X is (n_samples, n_features), one row per sample; w is (n_features,); b a number; y and y_hat are
(n_samples,). L is the loss of one sample, J the mean of L: the factor 1/n lives in J and its
gradient only. Every function checks what it is given (ValueError for shapes and values, TypeError
for types) and changes none of it. w and b may be complex, which is what the complex step of
gradcheck needs.
"""

from functools import partial
from typing import NamedTuple

import numpy as np

from helpers.data import batches
from helpers.validation import (
    checked,
    count,
    generator,
    like,
    matrix,
    number,
    positive,
    real,
    targets,
    vector,
    weights,
)


class History(NamedTuple):
    """What `train` saw. Row 0 is the start, row e the end of epoch e."""

    w: np.ndarray   # (epochs + 1, n_features)
    b: np.ndarray   # (epochs + 1,)
    J: np.ndarray   # (epochs + 1,)


@checked(X=matrix, w=weights, b=number)
def predict(X, w, b):
    """The prediction, a weighted sum plus the bias: y_hat = X w + b, (n_samples,).

    Raises ValueError unless w has one weight per column of X and b is a single number.
    Source: S0-08, S0-14.

    >>> predict([[1, 2], [3, 4]], [10, 1], 0.5).tolist()
    [12.5, 34.5]
    """
    return X @ w + b


@checked(y_hat=partial(vector, complex_too=True), y=like("y_hat"))
def squared_error(y_hat, y):
    """The loss of a sample is half the square of its error: L = (y_hat - y)**2 / 2, (n_samples,).

    Raises ValueError unless y_hat and y are vectors of one length. Source: S0-10, S0-12.

    >>> squared_error([3, 5], [1, 5]).tolist()
    [2.0, 0.0]
    """
    return (y_hat - y)**2 / 2


@checked(X=matrix, y=targets, w=weights, b=number)
def cost(X, y, w, b):
    """The cost is the mean of the losses: J = mean of (y_hat - y)**2 / 2, a single number.

    Raises ValueError unless y has one target per row of X, and as `predict`. Source: S0-12, S0-13.

    >>> float(cost([[1], [2]], [0, 0], [1], 0))
    1.25
    """
    return ((X @ w + b - y)**2 / 2).mean()


@checked(X=matrix, y=targets, w=weights, b=number)
def gradient(X, y, w, b):
    """The gradient of J is the mean over the samples of delta times input: (dJ_dw, dJ_db).

    delta = y_hat - y is dL/dz of each sample, without 1/n. Raises as `cost`.
    Source: S0-15, S0-17 to S0-19, S0-25, S0-26.

    >>> dJ_dw, dJ_db = gradient([[1], [2]], [0, 0], [1], 0)
    >>> dJ_dw.tolist(), float(dJ_db)
    ([2.5], 1.5)
    """
    delta = X @ w + b - y
    n_samples = len(X)
    return X.T @ delta / n_samples, delta.sum() / n_samples


@checked(w=vector, b=real, dJ_dw=like("w"), dJ_db=real, eta=positive)
def update(w, b, dJ_dw, dJ_db, eta):
    """A step against the gradient: w - eta dJ/dw and b - eta dJ/db, both of the old w and b.

    Raises ValueError unless each gradient has the shape of its parameter and eta is above 0.
    Source: S0-16, S0-21 to S0-24.

    >>> w, b = update([1.0], 0.0, [2.0], 4.0, 0.5)
    >>> w.tolist(), float(b)
    ([0.0], -2.0)
    """
    return w - eta * dJ_dw, b - eta * dJ_db


@checked(X=matrix, y=targets, w=partial(weights, complex_too=False), b=real, eta=positive)
def train(X, y, w, b, eta, epochs, batch_size=None, rng=None):
    """Repeat the update for each batch of each epoch: a `History` of w, b and J of all data.

    batch_size None takes all samples at once, 1 one sample at a time. A batch's gradient is the
    mean over that batch. A learning rate that is too large is no error: the numbers grow until they
    overflow, without a warning, and from then on J is inf. Raises as `cost`, `update` and
    `batches`. Source: S0-07, S0-24, S0-27.

    >>> train([[1.0], [-1.0]], [2.0, -2.0], [0.0], 0.0, eta=1.0, epochs=1).J.tolist()
    [2.0, 0.0]
    """
    epochs = count("epochs", epochs, least=0)
    batch_size = len(X) if batch_size is None else count("batch_size", batch_size, most=len(X))
    generator("rng", rng)
    (J_of, slopes), rows = (f.__wrapped__ for f in (cost, gradient)), []
    with np.errstate(over="ignore", invalid="ignore"):
        for epoch in range(epochs + 1):
            for batch in batches(len(X), batch_size, rng) if epoch else ():
                dJ_dw, dJ_db = slopes(X[batch], y[batch], w, b)
                w, b = w - eta * dJ_dw, b - eta * dJ_db
            rows.append((w, b, J_of(X, y, w, b)))
    w, b, J = map(np.array, zip(*rows))
    return History(w, b, np.where(np.isfinite(J), J, np.inf))


@checked(X=matrix, y=targets)
def least_squares(X, y):
    """The weights and bias of the lowest cost of all, in closed form: (w, b). The judge of descent.

    On centred data b drops out of the problem; it then puts the line through the mean. Where
    several w do equally well (a feature that others determine) it is the shortest. Raises as
    `cost`. Source: S0-07.

    >>> w, b = least_squares([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0])
    >>> w.round(9).tolist(), round(float(b), 9)
    ([2.0], 1.0)
    """
    X_mean, y_mean = X.mean(axis=0), y.mean()
    w = np.linalg.lstsq(X - X_mean, y - y_mean)[0]
    return w, y_mean - X_mean @ w


@checked(X=matrix)
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
