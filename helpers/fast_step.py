"""The training step of `helpers.network` without waste: forward, backward and update in less time.

Every result lands in an array made when a batch of that size first came; the equations are written
down once, as a list of NumPy calls, and then only run. Below each layer's activations lies a row of
ones, so that [W[l] b[l]] is one matrix and a layer one product; samples are columns; the last delta
takes eta / n_samples, as its numbers are few; all parameters lie in one vector.
"""

from functools import partial
from math import prod

import numpy as np

from helpers import network
from helpers.validation import array, checked, finite, fitting, fraction, positive, precision

PLANS_KEPT = 8
IN_PLACE = {       # a = g(z) in the place of z, and g' in a; others go by the network's table
    "sigmoid": (lambda z: [(np.negative, (z, z)), (np.exp, (z, z)), (np.add, (z, 1, z)),
                           (np.reciprocal, (z, z))],
                lambda a, s: [(np.subtract, (1, a, s)), (np.multiply, (s, a, s))]),
    "tanh": (lambda z: [(np.tanh, (z, z))],
             lambda a, s: [(np.multiply, (a, a, s)), (np.subtract, (1, s, s))]),
    "relu": (lambda z: [(partial(np.maximum, z, 0, out=z), ())],
             lambda a, s: [(np.greater, (a, 0, s))]),
    "identity": (lambda z: [], lambda a, s: []),
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
    >>> net.step(np.array([[1.0]]), np.array([[2.0]]))
    >>> net.W[1].tolist(), net.b[1].tolist()
    ([[1.0]], [1.0])
    """

    @checked(W=network.REAL_WEIGHTS, b=network.REAL_BIASES, **network.KINDS, momentum=fraction,
             dtype=precision)
    def __init__(self, W, b, hidden="sigmoid", output="softmax", *, eta, momentum=0.0,
                 dtype=np.float64):
        self.hidden, self.output, self.momentum = hidden, output, momentum
        self.dtype = dtype = np.dtype(dtype)
        K = len(W)
        self.sizes = {"n_0": (W[1].shape[1], ("W[1]", W[1].shape)),
                      "n_K": (len(W[K]), (f"W[{K}]", W[K].shape))}
        self.plans, self.eta = {}, eta
        self.theta, self.layers = _matrices(W, dtype)
        self.gradient, self.gradients = _matrices(W, dtype)
        self.velocity = np.zeros_like(self.theta)
        for l, layer in self.layers.items():
            layer[:, :-1] = self.exact(f"W[{l}]", W[l])
            layer[:, -1] = self.exact(f"b[{l}]", b[l])

    W = property(lambda self: {l: layer[:, :-1].copy() for l, layer in self.layers.items()})
    b = property(lambda self: {l: layer[:, -1].copy() for l, layer in self.layers.items()})
    eta = property(lambda self: self._eta)

    @eta.setter
    def eta(self, value):
        self._eta = float(positive("eta", value))
        for n_samples, plan in self.plans.items():
            plan.rate[...] = self._eta / n_samples

    def step(self, X, y):
        """Move W and b by one update, with the mean gradient of X (n, n_0) and y (n, n_K).

        Shapes and types are checked when they first come, values then only.
        """
        arrays = isinstance(X, np.ndarray) and isinstance(y, np.ndarray)
        plan = self.plans.get(len(X)) if arrays else None
        if plan is None or plan.seen != (X.shape, X.dtype, y.shape, y.dtype):
            X, y = self.prepared(X, y)
            plan, X = self.plan(len(X)), X[:, :-1]
            plan.seen = X.shape, X.dtype, y.shape, y.dtype
        plan.X[...] = X
        plan.y[...] = y
        with np.errstate(over="ignore"):
            run(plan.step)

    def prepared(self, X, y):
        """(X with ones, y), checked, as `step_on` and `unchecked_logits` want them."""
        sizes = dict(self.sizes)
        X = self.taken("X", X, "n_samples n_0", sizes)
        y = self.taken("y", y, "n_samples n_K", sizes)
        network.OUTPUTS[self.output].refuse(y)
        return _with_ones(X), y

    def step_on(self, X, y, batch):
        """`step` on the rows numbered in `batch`, of prepared samples. Nothing is checked."""
        plan = self.plan(len(batch))
        X.take(batch, 0, plan.x, "clip")
        y.take(batch, 0, plan.y, "clip")
        run(plan.step)

    def logits(self, X):
        """The pre-activations z[K] of the last layer, (n, n_K)."""
        return self.unchecked_logits(
            _with_ones(self.taken("X", X, "n_samples n_0", dict(self.sizes))))

    def unchecked_logits(self, X):
        """`logits` of prepared samples. Nothing is checked."""
        plan = self.plan(len(X))
        plan.x[...] = X
        with np.errstate(over="ignore"):
            run(plan.forward)
        return plan.z.T.copy()

    def taken(self, name, value, words, sizes):
        return self.exact(name, fitting(name, array(name, value), words, sizes))

    def exact(self, name, numbers):
        with np.errstate(over="ignore"):
            return finite(f"{name} in {self.dtype}", numbers.astype(self.dtype, copy=False))

    def plan(self, n_samples):
        if n_samples not in self.plans:
            if len(self.plans) >= PLANS_KEPT:
                self.plans.clear()
            self.plans[n_samples] = Plan(self, n_samples)
        return self.plans[n_samples]


def run(calls):
    for call, arguments in calls:
        call(*arguments)


class Plan:
    """For batches of one size: the arrays x (X and ones), y and z, and the calls to be run."""

    def __init__(self, net, n):
        W, K, dtype = net.layers, len(net.layers), net.dtype
        (activate, slope_of), (last, _) = _calls_of(net.hidden), _calls_of(net.output)
        self.rate, self.seen = np.array(net.eta / n, dtype), None
        self.x = x = np.ones((n, W[1].shape[1]), dtype)
        self.X, self.y = x[:, :-1], np.empty((n, len(W[K])), dtype)
        hidden, a = _stack({l: (len(W[l]) + 1, n) for l in range(1, K)}, dtype)
        hidden[...], a[0] = 1, x.T                                   # the last row of each stays 1
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
        W, K = net.layers, len(net.layers)
        slopes, slope = _stack({l: a[l].shape for l in range(1, K)}, net.dtype)
        delta = np.empty_like(self.z)
        yield np.subtract, (self.z, self.y.T, delta)
        yield np.multiply, (delta, self.rate, delta)
        yield from slope_of(hidden, slopes) if K > 1 else []
        for l in range(K, 0, -1):
            yield delta.dot, (a[l-1].T, net.gradients[l])
            if l > 1:                            # the delta of the ones is of no use, but is cheap
                with_ones = np.empty_like(a[l-1])
                yield W[l].T.dot, (delta, with_ones)
                if net.hidden != "identity":
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


def _with_ones(X):
    return np.column_stack([X, np.ones(len(X), X.dtype)])


def _calls_of(name):
    """How to take the function, and the slope of a hidden one: in place, or by its row."""
    row = (network.OUTPUTS | network.ACTIVATIONS)[name]
    return IN_PLACE.get(name) or (lambda z: [(lambda: np.copyto(z, row.g(z)), ())],
                                  lambda a, s: [(lambda: np.copyto(s, row.slope(a)), ())])


def _softmax(z, row):
    return [(np.maximum.reduce, (z, 0, None, row, True)), (np.subtract, (z, row, z)),
            (np.exp, (z, z)), (np.add.reduce, (z, 0, None, row, True)), (np.divide, (z, row, z))]
