"""The models of the notebooks, in the notation of the notebooks: NumPy alone, and each function reads like its equation.

X is (n_samples, n_features), one row per sample; w is (n_features,); b a number; y and y_hat are (n_samples,).
L is the loss of one sample, J the mean of L: the factor 1/n lives in J and its gradient only. Every function checks what
it is given (ValueError for shapes and values, TypeError for types) and changes none of it. w and b may be complex, which
is what the complex step of `gradcheck.check` needs.
"""

from typing import NamedTuple

import numpy as np

from helpers import validation


class History(NamedTuple):
    """What `train` saw. Row 0 is the start, row e the end of epoch e."""

    w: np.ndarray   # (epochs + 1, n_features)
    b: np.ndarray   # (epochs + 1,)
    J: np.ndarray   # (epochs + 1,)


class Standardised(NamedTuple):
    """Features of mean 0 and standard deviation 1, with the mean and scale that were taken out of them."""

    X: np.ndarray      # (n_samples, n_features)
    mean: np.ndarray   # (n_features,)
    scale: np.ndarray  # (n_features,)


def predict(X, w, b):
    """The prediction is the weighted sum of the features plus the bias: y_hat = X w + b, of shape (n_samples,).

    Raises ValueError unless w has one weight per column of X and b is a single number. Source: S0-08, S0-14.
    """
    X = validation.matrix("X", X)
    w = validation.weights("w", w, X)
    b = validation.scalar("b", b, complex_too=True)
    return X @ w + b


def squared_error(y_hat, y):
    """The loss of a sample is half the square of its error: L = (y_hat - y)**2 / 2, of shape (n_samples,).

    Raises ValueError unless y_hat and y are vectors of one length. Source: S0-10, S0-12.
    """
    y_hat = validation.vector("y_hat", y_hat, complex_too=True)
    y = validation.same_shape("y", y, y_hat, "y_hat", complex_too=False)
    return (y_hat - y)**2 / 2


def cost(X, y, w, b):
    """The cost is the mean of the losses: J = mean of L, a single number.

    Raises ValueError unless y has one target per row of X, and as `predict`. Source: S0-12, S0-13.
    """
    X = validation.matrix("X", X)
    y = validation.targets("y", y, X)
    return squared_error(predict(X, w, b), y).mean()


def gradient(X, y, w, b):
    """The gradient of J is the mean over the samples of delta times input: (dJ_dw, dJ_db), of the shapes of w and b.

    delta = y_hat - y is dL/dz of each sample, without 1/n. Raises as `cost`. Source: S0-15, S0-17 to S0-19, S0-25, S0-26.
    """
    X = validation.matrix("X", X)
    y = validation.targets("y", y, X)
    delta = predict(X, w, b) - y
    n_samples = len(X)
    return X.T @ delta / n_samples, delta.sum() / n_samples


def update(w, b, dJ_dw, dJ_db, eta):
    """Descent steps against the gradient: w - eta dJ/dw and b - eta dJ/db, as new arrays; both use the old w and b.

    Raises ValueError unless each gradient has the shape of its parameter and eta is above 0. Source: S0-16, S0-21 to S0-24.
    """
    w = validation.vector("w", w)
    b = validation.scalar("b", b)
    dJ_dw = validation.same_shape("dJ_dw", dJ_dw, w, "w", complex_too=False)
    dJ_db = validation.scalar("dJ_db", dJ_db)
    eta = validation.positive("eta", eta)
    return w - eta * dJ_dw, b - eta * dJ_db


def batches(n_samples, batch_size, rng=None):
    """One epoch's batches, as arrays of sample numbers that hold every sample once: in order, or shuffled by `rng`.

    The last batch is shorter where batch_size does not divide n_samples. Raises ValueError unless 1 <= batch_size <=
    n_samples, TypeError unless rng is None or a NumPy generator. Source: S0-27.
    """
    n_samples = validation.count("n_samples", n_samples)
    batch_size = validation.count("batch_size", batch_size, most=n_samples)
    order = np.arange(n_samples) if validation.generator("rng", rng) is None else rng.permutation(n_samples)
    return (order[start:start + batch_size] for start in range(0, n_samples, batch_size))


def train(X, y, w, b, eta, epochs, batch_size=None, rng=None):
    """Repeat the update for every batch of every epoch, and keep w, b and J of the whole data after each epoch: a `History`.

    batch_size None takes all samples at once, 1 one sample at a time. A batch's gradient is the mean over that batch.
    A learning rate that is too large is no error: the numbers grow until they overflow, without a warning, and from then
    on J is inf (and w and b are not finite). Raises as `cost`, `update` and `batches`. Source: S0-07, S0-24, S0-27.
    """
    X = validation.matrix("X", X)
    y = validation.targets("y", y, X)
    w = validation.weights("w", w, X, complex_too=False)
    b = float(validation.scalar("b", b))
    eta = validation.positive("eta", eta)
    epochs = validation.count("epochs", epochs, least=0)
    batch_size = len(X) if batch_size is None else validation.count("batch_size", batch_size, most=len(X))
    validation.generator("rng", rng)
    with np.errstate(over="ignore", invalid="ignore"):
        return _descend(np.column_stack([X, np.ones(len(X))]), y, np.append(w, b), eta, epochs, batch_size, rng)


def standardise(X, like=None, constant_scale=None):
    """Take out of each feature its mean and divide by its standard deviation: (X - mean) / scale, a `Standardised`.

    Pass `like`, an earlier result, to treat new samples with the mean and scale of the old. A column that is constant has no
    scale: it raises ValueError, or has the scale `constant_scale`, a number above 0. Source: S0-22.
    """
    X = validation.matrix("X", X)
    constant_scale = None if constant_scale is None else validation.positive("constant_scale", constant_scale)
    mean, scale = _mean_and_scale(X, constant_scale) if like is None else _mean_and_scale_of(like, X)
    return Standardised((X - mean) / scale, mean, scale)


def least_squares(X, y):
    """The weights and bias of the lowest cost of all, in closed form: (w, b). The judge of descent.

    On centred data b drops out of the problem; it then puts the line through the mean. Where several w do equally well
    (a feature that others determine) it is the shortest. Raises as `cost`. Source: S0-07.
    """
    X = validation.matrix("X", X)
    y = validation.targets("y", y, X)
    X_mean, y_mean = X.mean(axis=0), y.mean()
    w = np.linalg.lstsq(X - X_mean, y - y_mean)[0]
    return w, y_mean - X_mean @ w


def step_limit(X, bias=True):
    """Batch descent converges for every eta below 2 / lambda_max, and diverges above: that limit, a number.

    lambda_max is the largest eigenvalue of the Hessian of J, [X 1]^T [X 1] / n, or X^T X / n without a bias. Where the
    Hessian is zero there is no limit: inf. Source: S0-22, S0-23.
    """
    X = validation.matrix("X", X)
    inputs = np.column_stack([X, np.ones(len(X))]) if bias else X
    hessian = inputs.T @ inputs / len(X)
    lambda_max = np.linalg.eigvalsh(hessian)[-1]
    return 2 / lambda_max if lambda_max > 0 else np.inf


def _descend(inputs, y, v, eta, epochs, batch_size, rng):
    """`train` in its lean form: with a last input that is always 1, the bias is one more weight, v = (w, b)."""
    vs, J = np.empty((epochs + 1, len(v))), np.empty(epochs + 1)
    for epoch in range(epochs + 1):
        if epoch > 0:
            v = _one_epoch(inputs, y, v.copy(), eta, batch_size, rng)
        error = inputs.dot(v) - y
        vs[epoch], J[epoch] = v, error.dot(error) / (2 * len(y))
    J[~np.isfinite(J)] = np.inf
    return History(vs[:, :-1], vs[:, -1], J)


def _one_epoch(inputs, y, v, eta, batch_size, rng):
    """`gradient` and `update` for each batch, unchecked; the samples are shuffled once, so that batches are slices."""
    if rng is not None:
        order = rng.permutation(len(y))
        inputs, y = inputs[order], y[order]
    for start in range(0, len(y), batch_size):
        batch = inputs[start:start + batch_size]
        delta = batch.dot(v) - y[start:start + batch_size]
        v -= delta.dot(batch) * (eta / len(batch))
    return v


def _mean_and_scale(X, constant_scale):
    constant = X.max(axis=0) == X.min(axis=0)
    if constant.any() and constant_scale is None:
        first = constant.argmax()
        raise ValueError(f"column {first} of X is constant ({X[0, first]:g} in every row), so it has no scale")
    with np.errstate(over="ignore", invalid="ignore"):
        mean, scale = np.where(constant, X[0], X.mean(axis=0)), np.where(constant, constant_scale or 1, X.std(axis=0))
    return validation.finite("the mean of X", mean), validation.finite("the standard deviation of X", scale)


def _mean_and_scale_of(like, X):
    if not isinstance(like, Standardised):
        raise TypeError(f"like is of type {type(like).__name__}, expected the result of an earlier standardise(X)")
    return validation.weights("like.mean", like.mean, X, False), validation.weights("like.scale", like.scale, X, False)
