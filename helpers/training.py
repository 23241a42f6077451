"""Training of the network: epochs of shuffled batches, what came of it, how to keep it.

`train` runs the equations of `helpers.network` in their lean form, `helpers.fast_step`. Every
function checks what it is given (ValueError for shapes and values, TypeError for types) before
anything changes, and changes none of it. Nothing is printed unless `progress` asks for it.
"""

import os
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from helpers import network
from helpers import validation as checks  # train has an argument of the name validation
from helpers.data import Standardised, batches, class_labels
from helpers.fast_step import Stepper

# ---------------------------------------------------------------- what was predicted


def predict(X, W, b, hidden="sigmoid", output="softmax"):
    """The prediction is the activation of the last layer: y_hat = a[K], (n_samples, n_outputs).

    Raises as `network.forward`.

    >>> predict([[1.0]], {1: [[0.0]]}, {1: [0.0]}, output="sigmoid").tolist()
    [[0.5]]
    """
    _, a = network.forward(X, W, b, hidden, output)
    return a[len(a) - 1]


def classes(y_hat):
    """The class of each sample, the column with the largest output: (n_samples,).

    One column alone: 1 where it is ½ or more.

    >>> classes([[0.2, 0.8], [0.9, 0.1]]).tolist()
    [1, 0]
    """
    y_hat = checks.matrix("y_hat", y_hat)
    return y_hat.argmax(axis=1) if y_hat.shape[1] > 1 else (y_hat[:, 0] >= 0.5).astype(int)


def accuracy(y_hat, y):
    """The share of samples whose predicted class is the true one, from 0 to 1.

    y_hat is (n_samples, n_outputs); y is one-hot of that shape, or a label for each sample. Raises
    ValueError else.

    >>> accuracy([[0.2, 0.8], [0.9, 0.1]], [1, 1])
    0.5
    """
    predicted, true = _both_classes(y_hat, y)
    return float((predicted == true).mean())


def confusion_matrix(y_hat, y):
    """How many samples of each true class (row) were given each class (column): counts.

    Of shape (n_classes, n_classes). Raises as `accuracy`.

    >>> confusion_matrix([[0.2, 0.8], [0.9, 0.1]], [1, 1]).tolist()
    [[0, 0], [1, 1]]
    """
    predicted, true = _both_classes(y_hat, y)
    n_classes = max(np.shape(y_hat)[1], 2)
    counts = np.zeros((n_classes, n_classes), dtype=int)
    np.add.at(counts, (true, predicted), 1)
    return counts


def _both_classes(y_hat, y):
    y_hat = checks.matrix("y_hat", y_hat)
    n_outputs = y_hat.shape[1]
    if np.ndim(y) == 1:
        return classes(y_hat), class_labels("y", y, len(y_hat), max(n_outputs, 2))
    output = "softmax" if n_outputs > 1 else "sigmoid"
    return classes(y_hat), classes(network.targets(y, y_hat, "y_hat", output))


# ---------------------------------------------------------------- training


class Epoch(NamedTuple):
    """The end of an epoch: costs are means over all samples, with the weights as they then are."""

    epoch: int                             # 0 is the start
    J: float
    accuracy: float | None                 # None where the output is no class
    J_validation: float | None
    accuracy_validation: float | None

    def __str__(self):
        words = {"J": "cost {:.4f}", "accuracy": "accuracy {:.1%}",
                 "J_validation": "validation cost {:.4f}",
                 "accuracy_validation": "validation accuracy {:.1%}"}
        known = [word.format(getattr(self, name)) for name, word in words.items()
                 if getattr(self, name) is not None]
        return ", ".join([f"epoch {self.epoch:4d}", *known])


@dataclass(frozen=True, eq=False, repr=False)
class History:
    """What `train` saw and found. Entry 0 of an array is the start, entry e the end of epoch e."""

    J: np.ndarray                               # of all training samples, weights of that moment
    accuracy: np.ndarray | None                 # None where the output is no class
    J_validation: np.ndarray | None             # None without validation samples
    accuracy_validation: np.ndarray | None
    W: dict                                     # of the best epoch
    b: dict
    W_last: dict                                # of the last epoch
    b_last: dict
    best_epoch: int                             # the first of lowest cost, on validation if there
    n_steps: int                                # updates made
    stopped: str                                # "n_epochs", "patience" or "diverged"

    @property
    def n_epochs(self):
        """The epochs that were made."""
        return len(self.J) - 1

    def __repr__(self):
        kind, J = ("", self.J) if self.J_validation is None else ("validation ", self.J_validation)
        return (f"{self.n_epochs} epochs, {self.n_steps} updates, stopped by {self.stopped}; "
                f"best epoch {self.best_epoch}, {kind}cost {J[self.best_epoch]:.4f}")


def train(X, y, W, b, hidden="sigmoid", output="softmax", *, eta, n_epochs, batch_size=None,
          rng=None, momentum=0.0, validation=None, patience=None, progress=None, dtype=np.float64):
    """Every epoch visits each sample once, batch by batch, with one update a batch: a `History`.

    batch_size  None takes all samples at once (batch descent), 1 one at a time (stochastic), else
                mini-batches. The gradient is the mean over the batch's own samples, also in a last
                batch that is shorter
    rng         shuffles the samples anew for each epoch; None takes them in order
    eta         the learning rate, a number or a function of the epoch, 1, 2, ...
    momentum    each move is momentum times the last one minus eta times the gradient
    validation  (X, y) of samples that are not trained on, to choose the best epoch by
    patience    stop after so many epochs in a row without a new lowest validation cost
    progress    k prints a line every k epochs; a function gets each `Epoch`; None is silent
    dtype       np.float64 or np.float32

    A learning rate that is too large is no error: when the cost is no longer finite it is entered
    as inf, training stops, and `stopped` is "diverged". Raises as `network.forward`, `network.cost`
    and `batches`, and ValueError for patience without validation samples. Source: S0-27, S1-56,
    S1-60, S2-07, S2-09, S3-27, S3-57 to S3-65.

    >>> train([[1.0]], [[2.0]], {1: [[0.0]]}, {1: [0.0]}, output="identity", eta=0.5, n_epochs=3).J
    array([2., 0., 0., 0.])
    """
    rate = eta if callable(eta) else lambda epoch: eta
    net = Stepper(W, b, hidden, output, eta=rate(1), momentum=momentum, dtype=dtype)
    samples, held_out = net.prepared(X, y), _held_out(net, validation, patience)
    n_samples, n_epochs = len(samples[0]), checks.count("n_epochs", n_epochs, least=0)
    if batch_size is None:
        batch_size = n_samples
    checks.count("batch_size", batch_size, most=n_samples), checks.generator("rng", rng)
    report, rows, best, n_steps, stopped = _reporter(progress), [], None, 0, "n_epochs"
    with np.errstate(over="ignore", invalid="ignore"):
        for epoch in range(n_epochs + 1):
            if epoch > 0:
                net.eta = rate(epoch)
                for batch in batches(n_samples, batch_size, rng):
                    net.step_on(*samples, batch)
                    n_steps += 1
            unseen = _measured(net, *held_out) if held_out else (None, None)
            rows.append(Epoch(epoch, *_measured(net, *samples), *unseen))
            report(rows[-1])
            judged = rows[-1].J_validation if held_out else rows[-1].J
            if best is None or judged < best[0]:
                best = judged, epoch, net.W, net.b
            if not np.isfinite(rows[-1].J):
                stopped = "diverged"
            elif patience is not None and epoch - best[1] >= patience:
                stopped = "patience"
            if stopped != "n_epochs":
                break
    columns = {name: _column(rows, name) for name in Epoch._fields[1:]}
    return History(**columns, W=best[2], b=best[3], W_last=net.W, b_last=net.b, best_epoch=best[1],
                   n_steps=n_steps, stopped=stopped)


def _measured(net, X, y):
    """Cost and accuracy of these samples; inf and nan where the outputs are no longer finite."""
    z = net.unchecked_logits(X)
    alone = y.shape[1] == 1
    names_a_class = net.output == "softmax" or (
        net.output == "sigmoid" and (alone or (y.sum(axis=1) == 1).all()))
    if not np.isfinite(z).all():
        return np.inf, np.nan if names_a_class else None
    right = (z >= 0) == y if alone else z.argmax(axis=1) == y.argmax(axis=1)
    return float(network.cost(y, z, net.output)), float(right.mean()) if names_a_class else None


def _column(rows, name):
    values = [getattr(row, name) for row in rows]
    return None if values[0] is None else np.array(values)


def _held_out(net, validation, patience):
    if patience is not None and validation is None:
        remedy = "pass validation=(X, y)"
        raise ValueError(f"patience is {patience}, but there are no validation samples: {remedy}")
    if patience is not None:
        checks.count("patience", patience)
    if validation is None:
        return None
    if not isinstance(validation, tuple) or len(validation) != 2:
        raise TypeError("validation is no pair, expected (X, y) of the samples to validate with")
    try:
        return net.prepared(*validation)
    except (TypeError, ValueError) as error:
        raise type(error)(f"validation: {error}") from None


def _reporter(progress):
    if progress is None or callable(progress):
        return progress or (lambda row: None)
    every = checks.count("progress", progress)
    return lambda row: print(row) if row.epoch % every == 0 else None


# ---------------------------------------------------------------- save and load


FORMAT = "backpropagation-notebooks network, version 1"


class Saved(NamedTuple):
    """A network as it came out of a file; `standardised` as `save` was given it, for new inputs."""

    W: dict
    b: dict
    hidden: str
    output: str
    standardised: Standardised | None


def save(path, W, b, hidden="sigmoid", output="softmax", standardised=None):
    """Keep a network in one file, an npz archive of plain arrays: every number exactly.

    `standardised`, the result of `standardise`, adds the mean and scale of the inputs, not the
    inputs. The file appears whole or not at all, also in the place of an older one. Raises as
    `network.forward` before anything is written, and OSError where nothing can be. Source: S2-07.
    """
    arrays = _checked_arrays(W, b, hidden, output, standardised)
    path = Path(path)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(unfinished, "wb") as file:  # perhaps over what an earlier crash has left
            np.savez(file, **arrays)
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


def load(path):
    """The network in a file of `save`: a `Saved`, equal in every bit. Nothing is executed.

    Raises FileNotFoundError where there is none, ValueError where it is no such file, or damaged.
    """
    try:
        with open(Path(path), "rb") as file:  # a number would be taken for an open file, and closed
            if not zipfile.is_zipfile(file):
                raise ValueError("it is no npz archive, or is cut short")
            file.seek(0)
            with np.load(file, allow_pickle=False) as archive:
                return _network_in({name: archive[name] for name in archive.files})
    except (ValueError, TypeError, KeyError, EOFError, NotImplementedError, MemoryError,
            zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"{path} is not a saved network, or is damaged: {error}") from None


def _network_in(arrays):
    if str(arrays.get("format")) != FORMAT:
        raise ValueError(f"its format is {str(arrays.get('format'))!r}, expected {FORMAT!r}")
    numbers = range(1, 1 + sum(name.startswith("W") for name in arrays))
    names = ["format", "hidden", "output", *(f"{kind}{l}" for l in numbers for kind in "Wb")]
    if arrays.keys() not in (set(names), {*names, "mean", "scale"}):
        expected = f"{', '.join(names)}, and mean and scale or neither"
        raise ValueError(f"it holds {', '.join(arrays)}; expected {expected}")
    standardised = None
    if "mean" in arrays:
        mean, scale = arrays["mean"], arrays["scale"]
        standardised = Standardised(np.empty((0, mean.size)), mean, scale)
    saved = Saved({l: arrays[f"W{l}"] for l in numbers}, {l: arrays[f"b{l}"] for l in numbers},
                  str(arrays["hidden"]), str(arrays["output"]), standardised)
    _checked_arrays(*saved)
    return saved


def _checked_arrays(W, b, hidden, output, standardised):
    W, b = network.parameters(W, b)
    checks.choice("hidden", hidden, network.ACTIVATIONS)
    checks.choice("output", output, network.OUTPUTS)
    arrays = {"format": np.array(FORMAT), "hidden": np.array(hidden), "output": np.array(output)}
    arrays |= {f"W{l}": W[l] for l in W} | {f"b{l}": b[l] for l in b}
    if standardised is None:
        return arrays
    if not isinstance(standardised, Standardised):
        expected = "the result of standardise(X)"
        kind = type(standardised).__name__
        raise TypeError(f"standardised is of type {kind}, expected {expected}")
    return arrays | {name: checks.weights(name, getattr(standardised, name), {"X": W[1]}, False)
                     for name in ("mean", "scale")}
