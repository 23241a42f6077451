"""The training step of `helpers.network` without waste: forward, backward and update in less time.

Every result lands in an array made when a batch of that size first came; the equations are written
down once, as a list of NumPy calls, and then only run. Below each layer's activations lies a row of
ones, so that [W[l] b[l]] is one matrix and a layer one product; samples are columns; the last delta
takes eta / n_samples, as its numbers are few; all parameters lie in one vector.
"""

from functools import lru_cache, partial
from math import prod

import numpy as np

from helpers import network
from helpers.validation import checked, number, positive, rule, shaped

PLANS_KEPT = 8
IN_PLACE = {       # a = g(z) in the place of z, and g' in a; others go by the network's table
    "sigmoid": (lambda z: [(np.negative, (z, z)), (np.exp, (z, z)), (np.add, (z, 1, z)),
                           (np.reciprocal, (z, z))],
                lambda a, s: [(np.subtract, (1, a, s)), (np.multiply, (s, a, s))]),
    "tanh": (lambda z: [(np.tanh, (z, z))],
             lambda a, s: [(np.multiply, (a, a, s)), (np.subtract, (1, s, s))]),
    "relu": (lambda z: [(partial(np.maximum, z, 0, out=z), ())],
             lambda a, s: [(np.greater, (a, 0, s))]),
    "softmax": (lambda z: _softmax(z, np.empty((1, z.shape[1]), z.dtype)), None),
}


class Stepper:
    """A network that trains in place: a `step` is one forward, backward and update, but lean.

    W, b, hidden, output  the network, as in `helpers.network`; W and b are copied
    eta                   the learning rate, above 0; it may be set again later
    momentum              from 0 to below 1: v <- momentum v + eta dJ, W <- W - v
    dtype                 np.float64 or np.float32, of all that is computed

    Source: S3-53 to S3-61, S3-65.

    >>> net = Stepper({1: [[0.0]]}, {1: [0.0]}, output="identity", eta=0.5)
    >>> net.step([[1.0]], [[2.0]])
    >>> net.W[1].tolist(), net.b[1].tolist()
    ([[1.0]], [1.0])
    """

    @checked(W=network.REAL_WEIGHTS, b=network.REAL_BIASES, **network.KINDS, eta=positive,
             momentum=rule(lambda v: 0 <= v < 1, "a number from 0 to below 1", read=number),
             dtype=rule(lambda v: v in (np.float64, np.float32), "np.float64 or np.float32",
                        TypeError))
    def __init__(self, W, b, hidden="sigmoid", output="softmax", *, eta, momentum=0.0,
                 dtype=np.float64):
        self.hidden, self.output, self.eta, self.momentum = hidden, output, eta, momentum
        self.dtype, K = dtype, len(W)
        self.sizes = {"n_0": (W[1].shape[1], "W[1]"), "n_K": (len(W[K]), f"W[{K}]")}
        self.theta, self.layers = _matrices(W, dtype)
        self.gradient, self.gradients = _matrices(W, dtype)
        self.velocity = np.zeros_like(self.theta)
        for l, layer in self.layers.items():
            layer[:] = self.exact(np.column_stack([W[l], b[l]]))
        self.plan = lru_cache(PLANS_KEPT)(partial(Plan, self))   # by the size of the batch

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
        X = self.exact(shaped("n_samples n_0")(f"{of}X", X, sizes))
        y = self.exact(shaped("n_samples n_K")(f"{of}y", y, sizes))
        network.OUTPUTS[self.output].refuse(y)
        return np.column_stack([X, np.ones(len(X), self.dtype)]), y

    def step_on(self, X, y, batch):
        """`step` on the rows numbered in `batch`, of prepared samples. Nothing is checked."""
        plan = self.plan(len(batch))
        plan.rate[...] = self.eta / len(batch)
        X.take(batch, 0, plan.x, "clip")
        y.take(batch, 0, plan.y, "clip")
        run(plan.step)

    def logits(self, X):
        """The pre-activations z[K] of the last layer, (n, n_K)."""
        X = self.exact(shaped("n_samples n_0")("X", X, self.sizes.copy()))
        plan = self.plan(len(X))
        plan.x[:, :-1] = X
        with np.errstate(over="ignore"):
            run(plan.forward)
        return plan.z.T.copy()

    def exact(self, numbers):
        with np.errstate(over="raise"):
            return numbers.astype(self.dtype, copy=False)


def run(calls):
    for call, arguments in calls:
        call(*arguments)


class Plan:
    """For batches of one size: the arrays x (X and ones), y and z, and the calls to be run."""

    def __init__(self, net, n):
        W, K, dtype = net.layers, len(net.layers), net.dtype
        (activate, slope_of), (last, _) = _calls_of(net.hidden), _calls_of(net.output)
        self.rate = np.zeros((), dtype)
        self.x, self.y = np.ones((n, W[1].shape[1]), dtype), np.empty((n, len(W[K])), dtype)
        hidden, a = _stack({l: (len(W[l]) + 1, n) for l in range(1, K)}, dtype)
        hidden[...], a[0] = 1, self.x.T                              # the last row of each stays 1
        self.z, self.forward = np.empty((len(W[K]), n), dtype), []
        for l in range(1, K + 1):
            z = self.z if l == K else a[l][:-1]
            self.forward.append((W[l].dot, (a[l-1], z)))
            self.forward += activate(z) if l < K else []
        self.step = [*self.forward, *last(self.z), *self.backward(net, a, hidden, slope_of)]
        move = net.gradient
        if net.momentum:
            move, beta = net.velocity, np.array(net.momentum, dtype)
            self.step += [(np.multiply, (move, beta, move)), (np.add, (net.gradient, move, move))]
        self.step += [(np.subtract, (net.theta, move, net.theta))]

    def backward(self, net, a, hidden, slope_of):
        """The deltas, times eta / n_samples, and the gradients; hidden slopes are taken at once."""
        W, K, delta = net.layers, len(net.layers), np.empty_like(self.z)
        slopes, slope = _stack({l: a[l].shape for l in range(1, K)}, net.dtype)
        yield np.subtract, (self.z, self.y.T, delta)
        yield np.multiply, (delta, self.rate, delta)
        yield from slope_of(hidden, slopes) if K > 1 else []
        for l in range(K, 0, -1):
            yield delta.dot, (a[l-1].T, net.gradients[l])
            if l > 1:                            # the delta of the ones is of no use, but is cheap
                with_ones = np.empty_like(a[l-1])
                yield W[l].T.dot, (delta, with_ones)
                yield np.multiply, (with_ones, slope[l-1], with_ones)
                delta = with_ones[:-1]


def _stack(shapes, dtype):
    """One vector of zeros, and its parts in the given shapes, with the same keys."""
    vector = np.zeros(sum(map(prod, shapes.values())), dtype)
    parts = np.split(vector, np.cumsum([prod(shape) for shape in shapes.values()])[:-1])
    return vector, {k: part.reshape(shapes[k]) for k, part in zip(shapes, parts)}


def _matrices(W, dtype):
    """One vector, and for each layer the part of it that is the matrix [W[l] b[l]]."""
    return _stack({l: (len(W[l]), W[l].shape[1] + 1) for l in W}, dtype)


def _calls_of(name):
    """How to take the function, and the slope of a hidden one: in place, or by its row."""
    row = (network.OUTPUTS | network.ACTIVATIONS)[name]
    return IN_PLACE.get(name) or (lambda z: [(lambda: np.copyto(z, row.g(z)), ())],
                                  lambda a, s: [(lambda: np.copyto(s, row.slope(a)), ())])


def _softmax(z, row):
    return [(np.maximum.reduce, (z, 0, None, row, True)), (np.subtract, (z, row, z)),
            (np.exp, (z, z)), (np.add.reduce, (z, 0, None, row, True)), (np.divide, (z, row, z))]
