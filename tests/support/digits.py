"""The digits shared out to train, validate and test, and how many of them a network reads."""

import numpy as np

from helpers import network


def shared_out(labels, rng, validation=0.15, test=0.2):
    """Sample numbers in three parts, every class in each part by its share."""
    rows = rng.permutation(len(labels))
    rows = rows[np.argsort(labels[rows], kind="stable")]
    chosen, rest = every_so_often(rows, round(test * len(rows)))
    held_out, train = every_so_often(rest, round(validation * len(rows)))
    return np.sort(train), np.sort(held_out), np.sort(chosen)


def every_so_often(rows, n):
    """n of the numbers, evenly spaced over their order, and the others."""
    taken = np.diff(np.arange(len(rows) + 1) * n // len(rows)) > 0
    return rows[taken], rows[~taken]


def share_right(X, y, W, b, *activations):
    """The share of samples whose largest output stands where the one of y stands."""
    _, a = network.forward(X, W, b, *activations)
    return float((a[len(W)].argmax(axis=1) == y.argmax(axis=1)).mean())
