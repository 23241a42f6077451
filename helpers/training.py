"""Training of the network: epochs of shuffled batches, and what came of it.

`train` runs the equations of `helpers.network` in their lean form, `helpers.fast_step`. Shapes are
those of the table in `helpers.network`; what does not fit is refused before anything is done.
"""

from functools import partial
from typing import NamedTuple

import numpy as np

from helpers import network
from helpers import validation as checks  # train has an argument of the name validation
from helpers.data import batches
from helpers.fast_step import Stepper


class History(NamedTuple):
    """What `train` saw and found. Entry 0 of an array is the start, entry e the end of epoch e."""

    J: np.ndarray                               # of all training samples, weights of that moment
    accuracy: np.ndarray                        # nan where the outputs are no labels
    J_validation: np.ndarray | None             # None without validation samples
    accuracy_validation: np.ndarray | None
    W: dict                                     # of the best epoch
    b: dict
    W_last: dict                                # of the last epoch
    b_last: dict
    best_epoch: int                             # the first of lowest cost, on validation if there

    @property
    def n_epochs(self):
        """The epochs that were made."""
        return len(self.J) - 1


@checks.checked(n_epochs=partial(checks.count, least=0), rng=checks.generator,
                patience=checks.count, validation=checks.rule(
                    lambda v: isinstance(v, tuple) and len(v) == 2,
                    "(X, y) of the samples to validate with", TypeError))
def train(X, y, W, b, hidden="sigmoid", output="softmax", *, eta, n_epochs, batch_size=None,
          rng=None, momentum=0.0, validation=None, patience=None):
    """Every epoch visits each sample once, batch by batch, with one update a batch: a `History`.

    eta         the learning rate
    batch_size  None takes all samples at once (batch descent), 1 one at a time (stochastic), else
                mini-batches; the gradient is the mean over the batch's own samples
    rng         shuffles the samples anew for each epoch; None takes them in order
    momentum    each move is momentum times the last one minus eta times the gradient
    validation  (X, y) of samples that are not trained on, to choose the best epoch by
    patience    stop after so many epochs in a row without a new lowest validation cost

    Too large a learning rate is no error: when the cost is no longer finite it is entered as inf,
    and training stops. Source: S0-27, S1-56, S1-60, S2-07, S2-09, S3-27, S3-57 to S3-65.

    >>> train([[1.0]], [[2.0]], {1: [[0.0]]}, {1: [0.0]}, output="identity", eta=0.5, n_epochs=3).J
    array([2., 0., 0., 0.])
    """
    if patience and not validation:
        raise ValueError(f"patience is {patience}, but there are no validation samples")
    net = Stepper(W, b, hidden, output, eta=eta, momentum=momentum)
    samples = net.prepared(X, y)
    held_out = validation and net.prepared(*validation, of="validation ")
    n_samples = len(samples[0])
    size = n_samples if batch_size is None else batch_size
    checks.count("batch_size", size, most=n_samples)
    rows, lowest = [], np.inf
    with np.errstate(over="ignore", invalid="ignore"):
        for epoch in range(n_epochs + 1):
            for batch in batches(n_samples, size, rng) if epoch else ():
                net.step_on(*samples, batch)
            held = _measured(net, *held_out) if held_out else (None, None)
            rows.append((*_measured(net, *samples), *held))
            J, judged = rows[-1][0], rows[-1][2 if held_out else 0]
            if epoch == 0 or judged < lowest:
                lowest, best_epoch, best = judged, epoch, (net.W, net.b)
            if not np.isfinite(J) or patience and epoch - best_epoch >= patience:
                break
    columns = [None if column[0] is None else np.array(column) for column in zip(*rows)]
    return History(*columns, *best, net.W, net.b, best_epoch)


def _measured(net, X, y):
    """Cost and accuracy of prepared samples; the cost is inf where outputs are not finite."""
    z = net.logits_of(X)
    if not np.isfinite(z).all():
        return np.inf, np.nan
    right = {"identity": lambda: np.nan, "sigmoid": lambda: ((z > 0) == y).all(axis=1),
             "softmax": lambda: z.argmax(axis=1) == y.argmax(axis=1)}[net.output]()
    return network.cost(y, z, net.output), np.mean(right)
