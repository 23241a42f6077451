"""The training step of `helpers.network` without waste: the equations of its forward, backward and update, in less time.

What makes it fast: every result lands in an array that was made when a batch of that size first came; the equations are
written down once, as a list of NumPy calls, and then only run; below each layer's activations lies a row of ones, so that
W[l] and b[l] are one matrix and a layer is one product; samples are columns, so that a layer is one block of memory;
eta / n_samples goes into the last delta, where numbers are few; all parameters lie in one vector, which one call updates.

A sigmoid layer holds -W[l] and -b[l]. Its pre-activation is then -z, a = 1 / (1 + exp(-z)) needs no minus, and its slope
in that pre-activation is a (a - 1). A sign is exact, so nothing else changes.
"""

from functools import partial
from math import prod

import numpy as np

from helpers import network, validation

LONG = 32          # products of this many rows, columns and terms take longer with a transpose than with a copy of it
MANY = 512         # samples of which the outputs are computed at a time
PLANS_KEPT = 8


class Stepper:
    """A network that trains in place: each `step` is one forward, backward and update of `helpers.network`, but lean.

    W, b      the parameters to start from (copied): W[l] of shape (n_out, n_in), b[l] of shape (n_out,), layers 1 to K
    hidden    the activation of layers 1 to K - 1; `output` that of layer K, with its loss: as in `network.forward`
    eta       the learning rate, above 0; it may be set again later
    momentum  how much of a move goes on into the next, from 0 to below 1: v <- momentum v - eta dJ, then W <- W + v
    dtype     np.float64 or np.float32, of the parameters and of all that is computed

    Raises, before anything is made: ValueError for shapes that do not fit, unknown names, numbers that are not finite or out
    of range; TypeError for what is no number or no dictionary of layers. Source: S3-53 to S3-61, S3-65.
    """

    def __init__(self, W, b, hidden="sigmoid", output="softmax", *, eta, momentum=0.0, dtype=np.float64):
        W, b = network.parameters(W, b)
        validation.choice("hidden", hidden, network.ACTIVATIONS), validation.choice("output", output, network.OUTPUTS)
        self.hidden, self.output = hidden, output
        self._eta, self.momentum = float(validation.positive("eta", eta)), validation.fraction("momentum", momentum)
        self.dtype = validation.precision("dtype", dtype)
        self._signs = {l: -1 if (output if l == len(W) else hidden) == "sigmoid" else 1 for l in W}
        self._theta, self._layers = _matrices(W, self.dtype)
        self._gradient, self._gradients = _matrices(W, self.dtype)
        self._velocity = np.zeros_like(self._theta) if self.momentum else None
        for l, layer in self._layers.items():
            layer[:, :-1] = self._signs[l] * self._in_precision(f"W[{l}]", W[l])
            layer[:, -1] = self._signs[l] * self._in_precision(f"b[{l}]", b[l])
        self._plans, self._seen = {}, {}

    @property
    def W(self):
        """A copy of the weights as they are now: W[l] of shape (n_out, n_in)."""
        return {l: self._signs[l] * layer[:, :-1] for l, layer in self._layers.items()}

    @property
    def b(self):
        """A copy of the biases as they are now: b[l] of shape (n_out,)."""
        return {l: self._signs[l] * layer[:, -1] for l, layer in self._layers.items()}

    @property
    def eta(self):
        """The learning rate of the steps to come. Setting it raises as the constructor does."""
        return self._eta

    @eta.setter
    def eta(self, value):
        self._eta = float(validation.positive("eta", value))
        for plan in self._plans.values():
            plan.rate[...] = self._eta / plan.n_samples

    def step(self, X, y):
        """Move W and b by one update, with the mean gradient of this batch: X (n_samples, n_in), y (n_samples, n_out).

        Shapes and types are checked when they first come, values then only: a step has no time to look at every number.
        Raises as `network.forward` and `network.cost`; W and b are then as they were before.
        """
        try:
            plan = self._seen[X.shape, X.dtype, y.shape, y.dtype]
        except (KeyError, AttributeError):
            plan = self._first_of_its_kind(X, y)
        plan.X[...] = X
        plan.y[...] = y
        with np.errstate(over="ignore"):
            for call, arguments in plan.step:
                call(*arguments)

    def logits(self, X):
        """The pre-activations z[K] of the last layer, a new array (n_samples, n_out). Raises as `network.forward`."""
        return self.unchecked_logits(self._with_ones(X))

    def outputs(self, X):
        """The predictions y_hat, a new array (n_samples, n_out). Raises as `network.forward`."""
        return network.OUTPUTS[self.output](self.logits(X))

    def prepared(self, X, y):
        """The samples, checked, as `step_on` and `unchecked_logits` want them: X with a last column of ones, and y."""
        X = self._with_ones(X)
        y = network.targets(y, np.empty((len(X), len(self._layers[len(self._layers)]))), "y_hat", self.output)
        return X, self._in_precision("y", y)

    def step_on(self, X, y, batch):
        """`step` on the rows of the numbers in `batch`, of prepared samples. Nothing is checked; overflow may warn."""
        plan = self._plan(len(batch))
        X.take(batch, 0, plan.x, "clip")
        y.take(batch, 0, plan.y, "clip")
        for call, arguments in plan.step:
            call(*arguments)

    def unchecked_logits(self, X):
        """`logits` of prepared samples. Nothing is checked."""
        K = len(self._layers)
        z = np.empty((len(X), len(self._layers[K])), self.dtype)
        with np.errstate(over="ignore"):
            for start in range(0, len(X), MANY):
                plan = self._plan(len(X[start:start + MANY]))
                plan.x[...] = X[start:start + MANY]
                for call, arguments in plan.forward:
                    call(*arguments)
                np.multiply(plan.z.T, self._signs[K], out=z[start:start + MANY])
        return z

    def _with_ones(self, X):
        X, n_in = validation.matrix("X", X), self._layers[1].shape[1] - 1
        if X.shape[1] != n_in:
            raise ValueError(f"X has shape {X.shape}, expected (n_samples, {n_in}): the network has {n_in} inputs")
        return np.column_stack([self._in_precision("X", X), np.ones(len(X), self.dtype)])

    def _in_precision(self, name, numbers):
        with np.errstate(over="ignore"):
            return validation.finite(f"{name} in {self.dtype}", numbers.astype(self.dtype, copy=False))

    def _first_of_its_kind(self, X, y):
        plan = self._plan(len(self.prepared(X, y)[0]))
        if isinstance(X, np.ndarray) and isinstance(y, np.ndarray):
            self._seen[X.shape, X.dtype, y.shape, y.dtype] = plan
        return plan

    def _plan(self, n_samples):
        if n_samples not in self._plans:
            if len(self._plans) >= PLANS_KEPT:
                self._plans.clear(), self._seen.clear()
            self._plans[n_samples] = _Plan(self, n_samples)
        return self._plans[n_samples]


class _Plan:
    """For batches of one size: the arrays x (X and a column of ones), y and z, and the calls of a forward pass and of a step."""

    def __init__(self, net, n_samples):
        W, K, dtype = net._layers, len(net._layers), net.dtype
        self.n_samples, self.rate = n_samples, np.array(net._eta / n_samples, dtype)
        self.x = x = np.ones((n_samples, len(W[1].T)), dtype)
        self.X, self.y = x[:, :-1], np.empty((n_samples, len(W[K])), dtype)
        hidden, a = _stack({l: (len(W[l]) + 1, n_samples) for l in range(1, K)}, dtype)
        hidden[...], a[0] = 1, x.T                                   # the last row of each stays 1
        z = {l: a[l][:-1] for l in range(1, K)} | {K: np.empty((len(W[K]), n_samples), dtype)}
        self.z = z[K]
        self.forward = [(W[1].dot, (a[0], z[1]))]
        for l in range(2, K + 1):
            self.forward += [*_activation(net.hidden, z[l-1]), (W[l].dot, (a[l-1], z[l]))]
        self.step = [*self.forward, *_output(net.output, z[K]), *self._backward(net, a, hidden), *_update(net)]

    def _backward(self, net, a, hidden):
        """The deltas, times eta / n_samples, and the gradients. The slopes of all hidden layers are taken at once."""
        W, K, dtype = net._layers, len(net._layers), net.dtype
        slopes, slope = _stack({l: a[l].shape for l in range(1, K)}, dtype)
        delta = {K: np.empty_like(self.z)}
        error = (self.y.T, self.z) if net.output == "sigmoid" else (self.z, self.y.T)
        yield from [(np.subtract, (*error, delta[K])), (np.multiply, (delta[K], self.rate, delta[K]))]
        yield from _slope(net.hidden, hidden, slopes) if K > 1 else []
        for l in range(K, 0, -1):
            yield from _product(delta[l], a[l-1], net._gradients[l])
            if l > 1:                                                # the delta of the ones is of no use, but is cheap
                with_ones = np.empty_like(a[l-1])
                delta[l-1] = with_ones[:-1]
                yield W[l].T.dot, (delta[l], with_ones)
                if net.hidden != "identity":
                    yield np.multiply, (with_ones, slope[l-1], with_ones)


def _stack(shapes, dtype):
    """One vector of zeros, and its parts in the given shapes, with the same keys."""
    vector = np.zeros(sum(map(prod, shapes.values())), dtype)
    ends = np.cumsum([prod(shape) for shape in shapes.values()])
    return vector, {k: part.reshape(shapes[k]) for k, part in zip(shapes, np.split(vector, ends[:-1]))}


def _matrices(W, dtype):
    """One vector, and for each layer the part of it that is the matrix [W[l] b[l]].

    It lies there row by row for layer 1, whose inputs come row by row, and else column by column: products like it so.
    """
    shapes = {l: (len(W[l]), W[l].shape[1] + 1) for l in W}
    vector, parts = _stack({l: shapes[l][::1 if l == 1 else -1] for l in W}, dtype)
    return vector, {l: part if l == 1 else part.T for l, part in parts.items()}


def _activation(name, z):
    """a = g(z) in the place of z; for the sigmoid, z holds the negative pre-activation."""
    return {"sigmoid": [(np.exp, (z, z)), (np.add, (z, 1, z)), (np.reciprocal, (z, z))],
            "tanh": [(np.tanh, (z, z))], "relu": [(partial(np.maximum, z, 0, out=z), ())], "identity": []}[name]


def _slope(name, a, slope):
    """g' in a; for the sigmoid, in the negative pre-activation."""
    return {"sigmoid": [(np.subtract, (a, 1, slope)), (np.multiply, (slope, a, slope))],
            "tanh": [(np.multiply, (a, a, slope)), (np.subtract, (1, slope, slope))],
            "relu": [(np.greater, (a, 0, slope))], "identity": []}[name]


def _output(name, z):
    """y_hat in the place of the last z."""
    if name != "softmax":
        return _activation(name, z)
    row = np.empty((1, z.shape[1]), z.dtype)
    return [(np.maximum.reduce, (z, 0, None, row, True)), (np.subtract, (z, row, z)), (np.exp, (z, z)),
            (np.add.reduce, (z, 0, None, row, True)), (np.divide, (z, row, z))]


def _product(delta, a, out):
    """The sum over samples of delta times a: out = delta a^T, whichever way out lies in memory."""
    if out.flags.c_contiguous:
        return [(delta.dot, (a.T, out))]
    if out.size * delta.shape[1] < LONG**3:
        return [(a.dot, (delta.T, out.T))]
    delta_T = np.empty_like(delta.T, order="C")
    return [(np.copyto, (delta_T, delta.T)), (a.dot, (delta_T, out.T))]


def _update(net):
    theta, gradient, velocity = net._theta, net._gradient, net._velocity
    if velocity is None:
        return [(np.subtract, (theta, gradient, theta))]
    momentum = np.array(net.momentum, net.dtype)
    return [(np.multiply, (velocity, momentum, velocity)), (np.subtract, (velocity, gradient, velocity)),
            (np.add, (theta, velocity, theta))]
