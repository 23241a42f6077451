"""The network of the notebooks, in the notation of the notebooks: NumPy alone, and each function reads like its equation.

A batch has one row per sample. z is a pre-activation (of the last layer: the logits), y_hat the prediction, y the target,
L the loss of one sample; the factor 1/n lives in the cost J, the mean of L, and never here. Every function checks what it
is given (ValueError for shapes and values, TypeError for types) and changes none of it.
"""

import numpy as np

from helpers import checks

# ---------------------------------------------------------------- activations and losses
#
# All of them hold for |z| up to 1e308 without a warning: no exponent is ever above 0. z may be complex, which is what the
# complex step of `helpers.numeric` needs; the branches then look at the real part.


def sigmoid(z):
    """The logistic function, one over one plus e to the minus z: 1 / (1 + exp(-z)), of the shape of z.

    Where z is negative it is computed as exp(z) / (1 + exp(z)), the same number. Raises ValueError for NaN and infinity.
    Source: S0-29, S3-48.
    """
    z = checks.array("z", z, complex_too=True)
    e = np.exp(-_magnitude(z))
    return np.where(z.real >= 0, np.ones_like(e), e) / (1 + e)


def softmax(z):
    """Each row's exponentials divided by their sum: exp(z_k) / sum_j exp(z_j), of the shape of z, (n_samples, n_classes).

    The largest entry is taken off its row first, which changes nothing but the size of the numbers. Raises ValueError
    unless z has two dimensions. Source: S0-39.
    """
    z = _logits(z)
    e = _exp_below(z, _largest(z))
    return e / e.sum(axis=1, keepdims=True)


def log_sum_exp(z):
    """The logarithm of the sum of each row's exponentials: log sum_k exp(z_k), of shape (n_samples,).

    The largest entry stands outside, and so does its exponential, 1, in log1p: small terms are not lost beside it. Raises
    as `softmax`. Source: S0-38, S0-39.
    """
    z = _logits(z)
    return _largest(z)[:, 0] + _log_of_rest(z)


def binary_cross_entropy(z, y):
    """Minus the log-likelihood of a label 0 or 1, from the logit: L = log(1 + exp(z)) - y z, of the shape of z.

    It is -y log(y_hat) - (1 - y) log(1 - y_hat) with y_hat = sigmoid(z); from z it cannot round to log(0). Raises
    ValueError unless y has the shape of z and holds nothing but 0 and 1. Source: S0-34, S0-35, S3-22.
    """
    z = checks.array("z", z, complex_too=True)
    y = _labels(checks.same_shape("y", y, z, "z", complex_too=False))
    return np.where(z.real >= 0, (1 - y) * z, -y * z) + np.log1p(np.exp(-_magnitude(z)))


def cross_entropy(z, y):
    """Minus the log-likelihood of the right class, from the logits: L = log sum_k exp(z_k) - sum_k y_k z_k, (n_samples,).

    It is -sum_k y_k log(y_hat_k) with y_hat = softmax(z). y is one-hot, (n_samples, n_classes). A loss above 1.8e308 is
    inf. Raises ValueError unless y has the shape of z and one 1 in each row, else 0. Source: S0-37, S0-38, S3-23.
    """
    z = _logits(z)
    y = _one_hot(checks.same_shape("y", y, z, "z", complex_too=False))
    with np.errstate(over="ignore"):
        behind = _largest(z)[:, 0] - (y * z).sum(axis=1)
    return behind + _log_of_rest(z)


def _magnitude(z):
    """|z|; for complex z the sign is that of the real part, so that the function stays smooth along the imaginary axis."""
    return np.where(z.real >= 0, z, -z)


def _largest(z):
    return np.take_along_axis(z, z.real.argmax(axis=1)[:, None], axis=1)


def _exp_below(z, top):
    """exp(z - top), at most 1; a difference beyond the range of floats is -inf, and its exponential is 0, as it should be."""
    with np.errstate(over="ignore"):
        return np.exp(z - top)


def _log_of_rest(z):
    """log sum_k exp(z_k - z_max), of shape (n_samples,), in which the largest entry contributes the 1 of log1p."""
    e = _exp_below(z, _largest(z))
    np.put_along_axis(e, z.real.argmax(axis=1)[:, None], 0, axis=1)
    return np.log1p(e.sum(axis=1))


def _logits(z):
    z = checks.array("z", z, complex_too=True)
    if z.ndim != 2:
        hint = "; for one sample write z[None, :]" if z.ndim == 1 else ""
        raise ValueError(f"z has shape {z.shape}, expected (n_samples, n_classes){hint}")
    return z


def _labels(y):
    wrong = (y != 0) & (y != 1)
    if wrong.any():
        place = [int(k) for k in np.argwhere(wrong)[0]]
        raise ValueError(f"y{place if place else ''} is {y[tuple(place)]}, expected the label 0 or 1")
    return y


def _one_hot(y):
    counts = _labels(y).sum(axis=1)
    if (counts != 1).any():
        row = int(np.flatnonzero(counts != 1)[0])
        raise ValueError(f"row {row} of y has {int(counts[row])} ones, expected exactly one: the sample's class")
    return y
