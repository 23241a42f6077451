"""The training step of `helpers.network` without waste: forward, backward and update in less time.

Every result lands in an array made when a batch of that size first came. Below each layer's
activations lies a row of ones, so that [W[l] b[l]] is one matrix; samples are columns; the last
delta takes eta / n_samples, as its numbers are few; all parameters lie in one vector.
"""

from functools import lru_cache, partial
from math import prod

import numpy as np

from helpers import network
from helpers.validation import checked, layers, number, positive, rule, shaped

ROOMS_KEPT = 8
IN_PLACE = {       # a = g(z) in the place of z; others go by the network's table
    "sigmoid": lambda z: np.reciprocal(np.add(np.exp(np.negative(z, z), z), 1, z), z),
    "tanh": lambda z: np.tanh(z, z),
    "relu": lambda z: np.maximum(z, 0, out=z),
    "softmax": lambda z: np.divide(
        z, np.add.reduce(np.exp(np.subtract(z, np.maximum.reduce(z), z), z)), z),
}
SLOPES = {         # g' in a, into s
    "sigmoid": lambda a, s: np.multiply(np.subtract(1, a, s), a, s),
    "tanh": lambda a, s: np.subtract(1, np.multiply(a, a, s), s),
}


class Stepper:
    """A network that trains in place: a `step` is one forward, backward and update, but lean.

    W, b, hidden, output  the network, as in `helpers.network`; W and b are copied
    eta                   the learning rate, above 0; it may be set again later
    momentum              from 0 to below 1: v <- momentum v + eta dJ, W <- W - v
    dtype                 np.float64 or np.float32, of all. Source: S3-53 to S3-61, S3-65.

    >>> net = Stepper({1: [[0.0]]}, {1: [0.0]}, output="identity", eta=0.5)
    >>> net.step([[1.0]], [[2.0]])
    >>> net.W[1].tolist(), net.b[1].tolist()
    ([[1.0]], [1.0])
    """

    @checked(W=layers(lambda l: f"n_{l} n_{l-1}"), b=layers(lambda l: f"n_{l}"), **network.KINDS,
             eta=positive,
             momentum=rule(lambda v: 0 <= v < 1, "a number from 0 to below 1", read=number),
             dtype=rule(lambda v: v in (np.float64, np.float32), "np.float64 or np.float32",
                        TypeError))
    def __init__(self, W, b, hidden="sigmoid", output="softmax", *, eta, momentum=0.0,
                 dtype=np.float64):
        self.output, self.eta, self.momentum, self.dtype, K = output, eta, momentum, dtype, len(W)
        self.sizes = {"n_0": (W[1].shape[1], ("W[1]", W[1].shape)),
                      "n_K": (len(W[K]), (f"W[{K}]", W[K].shape))}
        (g, slope), last = network.ACTIVATIONS[hidden], network.OUTPUTS[output].g
        self.activate = IN_PLACE.get(hidden, lambda z: np.copyto(z, g(z)))
        self.slope = SLOPES.get(hidden, lambda a, s: np.copyto(s, slope(a)))
        self.activate_last = IN_PLACE.get(output, lambda z: np.copyto(z, last(z)))
        shapes = {l: (len(W[l]), W[l].shape[1] + 1) for l in W}
        (self.theta, self.layers), (self.gradient, self.gradients) = (
            _parts(shapes, dtype) for _ in range(2))
        self.velocity = np.zeros_like(self.theta)
        for l, layer in self.layers.items():
            layer[:] = self.exact(np.column_stack([W[l], b[l]]))
        self.room = lru_cache(ROOMS_KEPT)(partial(Room, self))

    W = property(lambda self: {l: layer[:, :-1].copy() for l, layer in self.layers.items()})
    b = property(lambda self: {l: layer[:, -1].copy() for l, layer in self.layers.items()})

    def step(self, X, y):
        """Move W and b by one update, with the mean gradient of X (n, n_0) and y (n, n_K)."""
        X, y = self.prepared(X, y)
        with np.errstate(over="ignore"):
            self.step_on(X, y, np.arange(len(X)))

    def prepared(self, X, y, of=""):
        """(X with ones, y), checked, as `step_on` wants them; `of` begins their names in errors."""
        sizes = self.sizes.copy()
        X = self.with_ones(f"{of}X", X, sizes)
        y = self.exact(shaped("n_samples n_K")(f"{of}y", y, sizes))
        network.refuse_targets(self.output, y)
        return X, y

    def step_on(self, X, y, batch):
        """`step` on the rows numbered in `batch`, of prepared samples. Nothing is checked."""
        room = self.room(len(batch))
        X.take(batch, 0, room.x, "clip")
        y.take(batch, 0, room.y, "clip")
        delta = self.forward(room)
        self.activate_last(delta)
        np.subtract(delta, room.y.T, delta)
        np.multiply(delta, self.eta / len(batch), delta)
        if room.back:
            self.slope(room.hidden, room.slopes)
        for a, gradient, W, with_ones, slope in room.back:
            delta.dot(a, gradient)
            np.multiply(W.dot(delta, with_ones), slope, with_ones)
            delta = with_ones[:-1]               # the delta of the ones is of no use, but is cheap
        delta.dot(room.x, self.gradients[1])
        if self.momentum:
            self.gradient += np.multiply(self.velocity, self.momentum, self.velocity)
            self.velocity[:] = self.gradient
        np.subtract(self.theta, self.gradient, self.theta)

    def logits(self, X):
        """The pre-activations z[K] of the last layer, (n, n_K)."""
        with np.errstate(over="ignore"):
            return self.logits_of(self.with_ones("X", X, self.sizes.copy()))

    def logits_of(self, X):
        """`logits` of prepared samples. Nothing is checked."""
        room = self.room(len(X))
        room.x[:] = X
        return self.forward(room).T.copy()

    def forward(self, room):
        """The pre-activations z[K] of what is in room.x, (n_K, n)."""
        for W, a, z in room.ahead:
            self.activate(W.dot(a, z))
        return self.layers[len(self.layers)].dot(room.last_a, room.z)

    def with_ones(self, name, X, sizes):
        X = self.exact(shaped("n_samples n_0")(name, X, sizes))
        return np.column_stack([X, np.ones(len(X), self.dtype)])

    def exact(self, numbers):
        with np.errstate(over="raise"):
            return numbers.astype(self.dtype, copy=False)


class Room:
    """For batches of n samples: x (X and ones), y, and the arrays of each step ahead and back."""

    def __init__(self, net, n):
        W, K, dtype = net.layers, len(net.layers), net.dtype
        self.x, self.y = np.ones((n, W[1].shape[1]), dtype), np.empty((n, len(W[K])), dtype)
        shapes = {l: (len(W[l]) + 1, n) for l in range(1, K)}
        (self.hidden, a), (self.slopes, slope), (_, delta) = (
            _parts(shapes, dtype) for _ in range(3))
        self.hidden[:], a[0] = 1, self.x.T       # the last row of each stays 1
        self.ahead = [(W[l], a[l-1], a[l][:-1]) for l in range(1, K)]
        self.back = [(a[l-1].T, net.gradients[l], W[l].T, delta[l-1], slope[l-1])
                     for l in range(K, 1, -1)]
        self.last_a, self.z = a[K-1], np.empty((len(W[K]), n), dtype)


def _parts(shapes, dtype):
    """One vector of zeros, and its parts in the given shapes, with the same keys."""
    ends = np.cumsum([0, *map(prod, shapes.values())])
    vector = np.zeros(ends[-1], dtype)
    return vector, {k: vector[start:end].reshape(shapes[k])
                    for k, start, end in zip(shapes, ends, ends[1:])}
