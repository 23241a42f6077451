"""The data sets of the notebooks, read from files that travel with them; samples made ready.

Nothing is downloaded. Each file is checked against ``SHA256SUMS`` before it is read;
``notebooks/data/README.md`` says where the files come from and under which licence.
"""

import csv
import gzip
import hashlib
import io
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from helpers import validation as checks

MEASUREMENTS = ("bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g")


@dataclass(frozen=True, eq=False, repr=False)
class Penguins:
    """Columns of one length; ``sex`` may be 'unknown'; ``dropped`` rows had no measurements."""

    species: np.ndarray
    island: np.ndarray
    sex: np.ndarray
    year: np.ndarray
    bill_length_mm: np.ndarray
    bill_depth_mm: np.ndarray
    flipper_length_mm: np.ndarray
    body_mass_g: np.ndarray
    dropped: int

    def matrix(self, *names):
        """X, (n_samples, n_features), a column per name; without names, the four measurements."""
        for name in names:
            if name not in (known := MEASUREMENTS + ("year",)):
                expected = f"the numeric columns are {', '.join(known)}"
                raise ValueError(f"no numeric column {name!r}; {expected}")
        return np.column_stack([getattr(self, name) for name in names or MEASUREMENTS]) * 1.0

    def __len__(self):
        return len(self.species)

    def __repr__(self):
        return f"{len(self)} penguins ({self.dropped} rows without measurements dropped)"


@dataclass(frozen=True, eq=False, repr=False)
class Digits:
    """Ink from 0 to 1: ``images`` (n, 8, 8), the same as rows ``X`` (n, 64); ``labels`` 0 to 9."""

    images: np.ndarray
    X: np.ndarray
    labels: np.ndarray

    def __len__(self):
        return len(self.labels)

    def __repr__(self):
        return f"{len(self)} handwritten digits of 8×8 pixels"


def load_penguins(folder=None):
    """The Palmer penguins that have all four measurements: 342 of the 344 rows.

    ``folder`` holds penguins.csv and SHA256SUMS; by default ``notebooks/data`` is found.
    """
    rows = list(csv.DictReader(io.StringIO(_read("penguins.csv", folder).decode())))
    complete = [row for row in rows if "NA" not in [row[name] for name in MEASUREMENTS]]
    columns = {name: np.array([row[name] for row in complete]) for name in rows[0]}
    columns |= {name: columns[name].astype(float) for name in MEASUREMENTS}
    columns["sex"] = np.where(columns["sex"] == "NA", "unknown", columns["sex"])
    columns["year"] = columns["year"].astype(int)
    return Penguins(**columns, dropped=len(rows) - len(complete))


def load_digits(folder=None):
    """The 1,797 digits of 8×8 pixels; ``folder`` as above, of digits.csv.gz and SHA256SUMS."""
    table = np.loadtxt(io.BytesIO(gzip.decompress(_read("digits.csv.gz", folder))), delimiter=",")
    X = table[:, :64] / 16  # the file counts ink pixels in blocks of 4×4, so 16 is full
    return Digits(images=X.reshape(-1, 8, 8), X=X, labels=table[:, 64].astype(int))


def load_errata(folder=None):
    """What a careful reader of the four articles stumbles over: a dictionary a row."""
    return list(csv.DictReader(io.StringIO(_read("errata.csv", folder).decode())))


def _read(name, folder):
    """The bytes of one data file, after its checksum was found right."""
    here = Path(__file__).resolve().parent
    places = [Path(folder)] if folder is not None else [
        here.parent / "notebooks" / "data", here / "datasets",  # the repository, the package,
        Path("data"), Path("notebooks") / "data"]               # or beside the notebook
    for needed in ("SHA256SUMS", name):
        looked = " or ".join(str(place.absolute()) for place in places)
        places = [place for place in places if (place / needed).is_file()]
        if not places:
            remedy = ("the data travel with the repository: clone it and run from there, or copy "
                      "its notebooks/data and pass folder=...")
            raise FileNotFoundError(f"there is no {needed} in {looked}; {remedy}")
    content = (places[0] / name).read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    if f"{digest}  {name}" not in (places[0] / "SHA256SUMS").read_text().splitlines():
        found = f"{places[0] / name} is not the file its SHA256SUMS describes (SHA-256 {digest})"
        raise ValueError(f"{found}; restore it with: git checkout -- notebooks/data")
    return content


# ---------------------------------------------------------------- samples made ready


class Standardised(NamedTuple):
    """Features of mean 0 and standard deviation 1, and the mean and scale they had."""

    X: np.ndarray      # (n_samples, n_features)
    mean: np.ndarray   # (n_features,)
    scale: np.ndarray  # (n_features,)


@checks.checked(X="n_samples n_features", like=checks.rule(
    lambda v: isinstance(v, Standardised), "the result of an earlier standardise(X)", TypeError))
def standardise(X, like=None):
    """Take out of each feature its mean and divide by its standard deviation: `Standardised`.

    Pass `like`, an earlier result, to treat new samples with the mean and scale of the old. A
    constant column has no scale: ValueError. Source: S0-22.

    >>> standardise([[1.0], [3.0]]).X.tolist()
    [[-1.0], [1.0]]
    """
    mean, scale = like[1:] if like else _mean_and_scale(X)
    sizes = {"n_features": (X.shape[1], ("X", X.shape))}
    checks.shaped("n_features")("like.mean", mean, sizes)
    checks.shaped("n_features")("like.scale", scale, sizes)
    return Standardised((X - mean) / scale, mean, scale)


def _mean_and_scale(X):
    constant = X.max(axis=0) == X.min(axis=0)
    if constant.any():
        k = constant.argmax()
        found = f"column {k} of X is constant ({X[0, k]:g} in every row)"
        raise ValueError(f"{found}, so it has no scale")
    with np.errstate(over="ignore", invalid="ignore"):
        mean, scale = X.mean(axis=0), X.std(axis=0)
    return checks.finite("the mean of X", mean), checks.finite("the standard deviation of X", scale)


@checks.checked(n_samples=checks.count, rng=checks.generator)
def batches(n_samples, batch_size, rng=None):
    """One epoch's batches: arrays of sample numbers, every sample once, in order or shuffled.

    The last batch is shorter where batch_size does not divide n_samples. Source: S0-27.

    >>> [batch.tolist() for batch in batches(5, 2)]
    [[0, 1], [2, 3], [4]]
    """
    batch_size = checks.count("batch_size", batch_size, most=n_samples)
    order = np.arange(n_samples) if rng is None else rng.permutation(n_samples)
    return (order[start:start + batch_size] for start in range(0, n_samples, batch_size))
