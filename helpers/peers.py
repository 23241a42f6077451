"""The same training in PyTorch, which derives its gradients by itself: a judge from outside. PyTorch is not needed elsewhere."""

from importlib.util import find_spec

import numpy as np

from helpers import validation
from helpers.fast_step import Stepper
from helpers.training import batches

ADVICE = "{0} is not installed, so the comparison with it is left out; pip install {0} brings it"


def missing(name):
    """"" if the library is installed, else a sentence that says so."""
    return "" if find_spec(name) else ADVICE.format(name)


def torch_costs(X, y, W, b, hidden="sigmoid", output="softmax", *, eta, n_epochs, batch_size=None, rng=None, momentum=0.0,
                dtype=np.float64):
    """The cost after each epoch when PyTorch trains the network: J of shape (n_epochs + 1,), to compare with `train`'s.

    Start, data and, for an rng with the same seed, the order of the samples are those of `training.train`; the layers,
    the losses, the gradients and the update are PyTorch's own. Raises ImportError with a sentence where PyTorch is missing,
    and otherwise as `training.train`.
    """
    if missing("torch"):
        raise ImportError(missing("torch"))
    start = Stepper(W, b, hidden, output, eta=eta, momentum=momentum, dtype=dtype)
    X, y = start.prepared(X, y)
    n_epochs, batch_size = validation.count("n_epochs", n_epochs, least=0), len(X) if batch_size is None else batch_size
    return _in_torch(X[:, :-1], y, start, n_epochs, batch_size, validation.generator("rng", rng))


def _in_torch(X, y, start, n_epochs, batch_size, rng):
    import torch
    network = _layers(start, torch)
    loss = {"softmax": torch.nn.functional.cross_entropy, "identity": lambda z, y: ((z - y)**2 / 2).sum() / len(y),
            "sigmoid": lambda z, y: torch.nn.functional.binary_cross_entropy_with_logits(z, y, reduction="sum") / len(y)}
    loss = loss[start.output]
    descent = torch.optim.SGD(network.parameters(), lr=start.eta, momentum=start.momentum)
    X, y = torch.tensor(X), torch.tensor(y)
    J = [loss(network(X), y).item()]
    for _ in range(n_epochs):
        for batch in map(torch.tensor, batches(len(X), batch_size, rng)):
            descent.zero_grad()
            loss(network(X[batch]), y[batch]).backward()
            descent.step()
        J.append(loss(network(X), y).item())
    return np.array(J)


def _layers(start, torch):
    """nn.Sequential of linear layers with these weights, and the activation between them; the losses take the logits."""
    activations = {"sigmoid": torch.nn.Sigmoid, "tanh": torch.nn.Tanh, "relu": torch.nn.ReLU, "identity": torch.nn.Identity}
    modules = []
    for W, b in zip(start.W.values(), start.b.values()):
        linear = torch.nn.Linear(*W.shape[::-1])
        linear.weight, linear.bias = torch.nn.Parameter(torch.tensor(W)), torch.nn.Parameter(torch.tensor(b))
        modules += [linear, activations[start.hidden]()]
    return torch.nn.Sequential(*modules[:-1])
