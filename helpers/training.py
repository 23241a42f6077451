"""Training of the network of the notebooks: data apart, epochs of shuffled batches, what came of it, and how to keep it.

`train` runs the equations of `helpers.network` in their lean form, `helpers.fast_step`. Every function checks what it is given
(ValueError for shapes and values, TypeError for types) before anything changes, and changes none of it. Nothing is printed
unless `progress` asks for it.
"""

import os
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from helpers import network
from helpers import validation as checks
from helpers.fast_step import Stepper
from helpers.linear import Standardised, batches, standardise

__all__ = ["Epoch", "History", "Saved", "Split", "Standardised", "Stepper", "accuracy", "batches", "classes", "confusion_matrix",
           "load", "one_hot", "predict", "save", "split", "standardise", "train"]

# ------------------------------------------------------------------------------------------------ samples and classes


class Split(NamedTuple):
    """Sample numbers, each in one of three parts: to learn from, to decide by, and to judge with at the very end."""

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray


def split(n_samples, rng, validation=0.2, test=0.2, labels=None):
    """Deal the sample numbers out at random: a `Split`, sorted, in which every sample lies in exactly one part.

    `validation` and `test` are the shares of these parts, rounded to whole samples; the rest is for training. With `labels`,
    one for each sample, each class is shared out alike, to within two samples. Raises ValueError where a part that is
    asked for would be empty, or the shares leave nothing to train on.
    """
    n_samples = checks.count("n_samples", n_samples)
    order = _required(rng).permutation(n_samples)
    sizes = _part_sizes(n_samples, validation, test)
    if labels is not None:
        order = order[np.argsort(_labels("labels", labels, n_samples)[order], kind="stable")]
    chosen, rest = _every_so_often(order, sizes["test"])
    validation, train = _every_so_often(rest, sizes["validation"])
    return Split(np.sort(train), np.sort(validation), np.sort(chosen))


def one_hot(labels, n_classes=None):
    """A row for each label, with a 1 in the column of its class, else 0: (n_samples, n_classes).

    Labels count from 0; n_classes is one more than the largest unless given. Raises ValueError for a label beyond it.
    """
    labels = _labels("labels", labels)
    n_classes = labels.max() + 1 if n_classes is None else checks.count("n_classes", n_classes)
    if labels.max() >= n_classes:
        raise ValueError(f"labels[{labels.argmax()}] is {labels.max()}, expected a class from 0 to {n_classes - 1}")
    return np.eye(n_classes)[labels]


def classes(y_hat):
    """The class of each sample, the column with the largest output: (n_samples,). One column alone: 1 where it is ½ or more.

    Of one-hot targets it gives back the labels. Raises ValueError unless y_hat is (n_samples, n_outputs).
    """
    y_hat = checks.matrix("y_hat", y_hat)
    return y_hat.argmax(axis=1) if y_hat.shape[1] > 1 else (y_hat[:, 0] >= 0.5).astype(int)


def accuracy(y_hat, y):
    """The share of samples whose predicted class is the true one, from 0 to 1.

    y_hat is (n_samples, n_outputs); y is one-hot of that shape, or a label for each sample. Raises ValueError else.
    """
    predicted, true = _both_classes(y_hat, y)
    return float((predicted == true).mean())


def confusion_matrix(y_hat, y):
    """How many samples of each true class (row) were given each class (column): (n_classes, n_classes), counts.

    Raises as `accuracy`.
    """
    predicted, true = _both_classes(y_hat, y)
    n_classes = max(np.shape(y_hat)[1], 2)
    counts = np.zeros((n_classes, n_classes), dtype=int)
    np.add.at(counts, (true, predicted), 1)
    return counts


def predict(X, W, b, hidden="sigmoid", output="softmax"):
    """The prediction is the activation of the last layer: y_hat = a[K], (n_samples, n_outputs). Raises as `network.forward`."""
    _, a = network.forward(X, W, b, hidden, output)
    return a[len(a) - 1]


def _required(rng):
    if checks.generator("rng", rng) is None:
        raise TypeError("rng is None, expected a generator, as np.random.default_rng(0) makes it")
    return rng


def _part_sizes(n_samples, validation, test):
    shares = {"validation": checks.fraction("validation", validation), "test": checks.fraction("test", test)}
    sizes = {name: round(share * n_samples) for name, share in shares.items()}
    for name, share in shares.items():
        if share > 0 and sizes[name] == 0:
            raise ValueError(f"{name} is {share:g} of {n_samples} samples, which is none; expected 0, or a larger share")
    if sum(sizes.values()) >= n_samples:
        raise ValueError(f"validation and test take {sum(sizes.values())} of {n_samples} samples and leave none to train on")
    return sizes


def _every_so_often(order, n):
    """n of the numbers, evenly spaced over their order, and the others: neighbours (of one class) are shared out alike."""
    k = np.arange(len(order))
    taken = (k + 1) * n // len(order) > k * n // len(order)
    return order[taken], order[~taken]


def _labels(name, value, n_samples=None):
    labels = np.asarray(value)
    if labels.dtype.kind not in "iu":
        raise TypeError(f"{name} holds {labels.dtype}, expected whole numbers: the class of each sample, from 0")
    if labels.ndim != 1 or len(labels) == 0 or len(labels) != (n_samples or len(labels)):
        raise ValueError(f"{name} has shape {labels.shape}, expected ({n_samples or 'n_samples'},): one class for each sample")
    if labels.min() < 0:
        raise ValueError(f"{name}[{labels.argmin()}] is {labels.min()}, expected a class from 0")
    return labels


def _both_classes(y_hat, y):
    y_hat = checks.matrix("y_hat", y_hat)
    n_classes = max(y_hat.shape[1], 2)
    if np.ndim(y) == 1:
        true = _labels("y", y, len(y_hat))
        if true.max() >= n_classes:
            raise ValueError(f"y[{true.argmax()}] is {true.max()}, expected a class from 0 to {n_classes - 1}")
        return classes(y_hat), true
    return classes(y_hat), classes(network.targets(y, y_hat, "y_hat", "softmax" if y_hat.shape[1] > 1 else "sigmoid"))


# ------------------------------------------------------------------------------------------------ training


class Epoch(NamedTuple):
    """What is known at the end of an epoch. Costs are means over all samples, with the weights as they then are."""

    epoch: int                             # 0 is the start
    J: float
    accuracy: float | None                 # None where the output is no class
    J_validation: float | None
    accuracy_validation: float | None

    def __str__(self):
        parts = [f"epoch {self.epoch:4d}", f"cost {self.J:.4f}"]
        parts += [] if self.accuracy is None else [f"accuracy {self.accuracy:.1%}"]
        parts += [] if self.J_validation is None else [f"validation cost {self.J_validation:.4f}"]
        parts += [] if self.accuracy_validation is None else [f"validation accuracy {self.accuracy_validation:.1%}"]
        return ", ".join(parts)


@dataclass(frozen=True, eq=False, repr=False)
class History:
    """What `train` saw and found. Entry 0 of an array is the start, entry e the end of epoch e."""

    J: np.ndarray                               # cost of all training samples with the weights of that moment
    accuracy: np.ndarray | None                 # None where the output is no class
    J_validation: np.ndarray | None             # None without validation samples
    accuracy_validation: np.ndarray | None
    W: dict                                     # of the best epoch
    b: dict
    W_last: dict                                # of the last epoch
    b_last: dict
    best_epoch: int                             # the first with the lowest validation cost, or training cost without
    n_steps: int                                # updates made
    stopped: str                                # "n_epochs", "patience" or "diverged"

    @property
    def n_epochs(self):
        """The epochs that were made."""
        return len(self.J) - 1

    def __repr__(self):
        J = self.J if self.J_validation is None else self.J_validation
        return (f"{self.n_epochs} epochs, {self.n_steps} updates, stopped by {self.stopped}; best epoch {self.best_epoch}, "
                f"{'' if self.J_validation is None else 'validation '}cost {J[self.best_epoch]:.4f}")


def train(X, y, W, b, hidden="sigmoid", output="softmax", *, eta, n_epochs, batch_size=None, rng=None, momentum=0.0,
          validation=None, patience=None, progress=None, dtype=np.float64):
    """Every epoch visits each sample once, batch by batch, with one update a batch: a `History`.

    batch_size  None takes all samples at once (batch descent), 1 one at a time (stochastic), else mini-batches. The gradient
                is the mean over the batch's own samples, also in a last batch that is shorter
    rng         shuffles the samples anew for each epoch; None takes them in order
    eta         the learning rate, a number or a function of the epoch, 1, 2, ...
    momentum    each move is momentum times the last one minus eta times the gradient
    validation  (X, y) of samples that are not trained on, to choose the best epoch by
    patience    stop after so many epochs in a row without a new lowest validation cost
    progress    k prints a line every k epochs; a function is called with the `Epoch` after each; None is silent
    dtype       np.float64 or np.float32

    A learning rate that is too large is no error: when the cost is no longer finite it is entered as inf, training stops, and
    `stopped` is "diverged". Raises as `network.forward`, `network.cost` and `batches`, and ValueError for patience without
    validation samples. Source: S0-27, S1-56, S1-60, S2-07, S2-09, S3-27, S3-57 to S3-65.
    """
    rate = eta if callable(eta) else lambda epoch: eta
    net = Stepper(W, b, hidden, output, eta=rate(1), momentum=momentum, dtype=dtype)
    samples, held_out = net.prepared(X, y), None if validation is None else _prepared_pair(net, validation)
    n_samples, n_epochs = len(samples[0]), checks.count("n_epochs", n_epochs, least=0)
    batch_size = n_samples if batch_size is None else checks.count("batch_size", batch_size, most=n_samples)
    checks.generator("rng", rng)
    log = _Log(net, samples, held_out, _patience(patience, held_out), _reporter(progress))
    with np.errstate(over="ignore", invalid="ignore"):
        log.look()
        while log.stopped is None and log.epoch < n_epochs:
            net.eta = rate(log.epoch + 1)
            for batch in batches(n_samples, batch_size, rng):
                net.step_on(*samples, batch)
                log.n_steps += 1
            log.look()
    return log.history()


class _Log:
    """Measures the network after each epoch, keeps the best weights, and says when to stop."""

    def __init__(self, net, samples, held_out, patience, report):
        self.net, self.samples, self.held_out, self.patience, self.report = net, samples, held_out, patience, report
        self.rows, self.stopped, self.n_steps, self.best = [], None, 0, None

    @property
    def epoch(self):
        return len(self.rows) - 1

    def look(self):
        unseen = (None, None) if self.held_out is None else self.measure(*self.held_out)
        self.rows.append(Epoch(self.epoch + 1, *self.measure(*self.samples), *unseen))
        judged = self.column("J" if self.held_out is None else "J_validation")
        if self.best is None or judged[-1] < judged[self.best[0]]:
            self.best = self.epoch, self.net.W, self.net.b
        if not np.isfinite(self.rows[-1].J):
            self.stopped = "diverged"
        elif self.patience is not None and self.epoch - self.best[0] >= self.patience:
            self.stopped = "patience"
        if self.report:
            self.report(self.rows[-1])

    def measure(self, X, y):
        """Cost and accuracy of all these samples; inf and nan where the outputs are no longer finite."""
        z = self.net.unchecked_logits(X)
        classed = _classed(y, self.net.output)
        if not np.isfinite(z).all():
            return np.inf, np.nan if classed else None
        right = (z >= 0) == y if z.shape[1] == 1 else z.argmax(axis=1) == y.argmax(axis=1)
        return float(network.cost(y, z, self.net.output)), float(right.mean()) if classed else None

    def column(self, name):
        values = [getattr(row, name) for row in self.rows]
        return None if values[0] is None else np.array(values)

    def history(self):
        epoch, W, b = self.best
        return History(**{name: self.column(name) for name in Epoch._fields[1:]}, W=W, b=b, W_last=self.net.W, b_last=self.net.b,
                       best_epoch=epoch, n_steps=self.n_steps, stopped=self.stopped or "n_epochs")


def _classed(y, output):
    """Do the targets name one class for each sample?"""
    return output == "softmax" or (output == "sigmoid" and (y.shape[1] == 1 or (y.sum(axis=1) == 1).all()))


def _prepared_pair(net, validation):
    if not isinstance(validation, tuple) or len(validation) != 2:
        raise TypeError("validation is no pair, expected (X, y) of the samples to validate with")
    try:
        return net.prepared(*validation)
    except (TypeError, ValueError) as error:
        raise type(error)(f"validation: {error}") from None


def _patience(patience, held_out):
    if patience is not None and held_out is None:
        raise ValueError(f"patience is {patience}, but there are no validation samples: pass validation=(X, y)")
    return None if patience is None else checks.count("patience", patience)


def _reporter(progress):
    if progress is None or callable(progress):
        return progress
    every = checks.count("progress", progress)
    return lambda row: print(row) if row.epoch % every == 0 else None


# ------------------------------------------------------------------------------------------------ save and load

FORMAT = "backpropagation-notebooks network, version 1"


class Saved(NamedTuple):
    """A network as it came out of a file; `standardised` is None, or has the mean and scale for `standardise(X, like=...)`."""

    W: dict
    b: dict
    hidden: str
    output: str
    standardised: Standardised | None


def save(path, W, b, hidden="sigmoid", output="softmax", standardised=None):
    """Keep a network in one file, an npz archive of plain arrays: every number exactly, in its own precision.

    `standardised`, the result of `standardise`, adds the mean and scale of the inputs, not the inputs. The file appears whole
    or not at all, also in the place of an older one. Raises as `network.forward` before anything is written, and OSError
    where nothing can be. Source: S2-07.
    """
    W, b = network.parameters(W, b)
    checks.choice("hidden", hidden, network.ACTIVATIONS), checks.choice("output", output, network.OUTPUTS)
    arrays = {"format": np.array(FORMAT), "hidden": np.array(hidden), "output": np.array(output)}
    arrays |= {f"W{l}": W[l] for l in W} | {f"b{l}": b[l] for l in b}
    if standardised is not None:
        arrays |= _mean_and_scale(standardised, W[1])
    path = Path(path)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(unfinished, "xb") as file:
            np.savez(file, **arrays)
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


def load(path):
    """The network in a file that `save` wrote: a `Saved`, equal to what was saved in every bit. Nothing in a file is executed.

    Raises FileNotFoundError where there is none, ValueError where it is no such file, or damaged, and says why.
    """
    try:
        with open(Path(path), "rb") as file:  # a number would be taken for an open file, and closed
            return _network_in(_arrays_in(file))
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path} is not a saved network, or is damaged: {error}") from None


def _arrays_in(file):
    if not zipfile.is_zipfile(file):
        raise ValueError("it is no npz archive, or is cut short")
    file.seek(0)
    try:
        with np.load(file, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (EOFError, KeyError, NotImplementedError, MemoryError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(str(error) or type(error).__name__) from None


def _network_in(arrays):
    if "format" not in arrays or str(arrays["format"]) != FORMAT:
        raise ValueError(f"its format is {str(arrays.get('format'))!r}, expected {FORMAT!r}")
    numbers = range(1, 1 + sum(name.startswith("W") for name in arrays))
    expected = ["format", "hidden", "output", *(f"{kind}{l}" for l in numbers for kind in "Wb")]
    if arrays.keys() not in (set(expected), {*expected, "mean", "scale"}):
        raise ValueError(f"it holds {', '.join(arrays)}; expected {', '.join(expected)}, and mean and scale or neither")
    W, b = network.parameters({l: arrays[f"W{l}"] for l in numbers}, {l: arrays[f"b{l}"] for l in numbers})
    hidden, output = str(arrays["hidden"]), str(arrays["output"])
    checks.choice("hidden", hidden, network.ACTIVATIONS), checks.choice("output", output, network.OUTPUTS)
    if "mean" not in arrays:
        return Saved(W, b, hidden, output, None)
    standardised = Standardised(np.empty((0, W[1].shape[1])), arrays["mean"], arrays["scale"])
    _mean_and_scale(standardised, W[1])
    return Saved(W, b, hidden, output, standardised)


def _mean_and_scale(standardised, W):
    if not isinstance(standardised, Standardised):
        raise TypeError(f"standardised is of type {type(standardised).__name__}, expected the result of standardise(X)")
    return {name: checks.weights(name, getattr(standardised, name), W, complex_too=False) for name in ("mean", "scale")}
