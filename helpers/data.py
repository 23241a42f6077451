"""The data sets of the notebooks, read from files that travel with them; samples made ready.

Nothing is downloaded. Each file is checked against ``SHA256SUMS`` before it is read;
``notebooks/data/README.md`` says where the files come from and under which licence.
"""

import csv
import gzip
import hashlib
import io
from collections import namedtuple
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from helpers import validation as checks

HERE = Path(__file__).resolve().parent
PLACES = [HERE.parent / "notebooks" / "data", HERE / "datasets",   # the repository, the package,
          Path("data"), Path("notebooks") / "data"]                # or beside the notebook
MEASUREMENTS = ("bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g")


class Table(SimpleNamespace):
    """Columns, arrays of one length, by name."""

    def matrix(self, *names):
        """X, (n_samples, n_features), a column for each name."""
        numeric = [name for name, column in vars(self).items()
                   if column.dtype.kind in "if" and column.ndim == 1]
        for name in names:
            if name not in numeric:
                expected = f"the numeric columns are {', '.join(numeric)}"
                raise ValueError(f"no numeric column {name!r}; {expected}")
        return np.column_stack([getattr(self, name) for name in names]) * 1.0

    def __len__(self):
        return len(next(iter(vars(self).values())))


def load_penguins():
    """The 342 of 344 Palmer penguins that have all four measurements, with species, island, sex
    ("NA" where it is not known) and year: a `Table`."""
    rows = [row for row in _rows("penguins.csv") if "NA" not in map(row.get, MEASUREMENTS)]
    kinds = dict.fromkeys(MEASUREMENTS, float) | {"year": int}
    return Table(**{name: np.array([row[name] for row in rows]).astype(kinds.get(name, str))
                    for name in rows[0]})


def load_digits():
    """The 1,797 digits of 8×8 pixels, a `Table`: their ink from 0 to 1 as `images` (n, 8, 8) and as
    rows `X` (n, 64), their `labels` 0 to 9."""
    table = np.loadtxt(io.BytesIO(gzip.decompress(_read("digits.csv.gz"))), delimiter=",")
    X = table[:, :64] / 16  # the file counts ink pixels in blocks of 4×4, so 16 is full
    return Table(images=X.reshape(-1, 8, 8), X=X, labels=table[:, 64].astype(int))


def load_errata():
    """What a careful reader of the four articles stumbles over: a dictionary a row."""
    return _rows("errata.csv")


def _rows(name):
    return list(csv.DictReader(io.StringIO(_read(name).decode())))


def _read(name):
    """The bytes of one data file, after its checksum was found right."""
    folder = next((place for place in PLACES if (place / "SHA256SUMS").is_file()), None)
    if folder is None or not (folder / name).is_file():
        looked = " or ".join(str(place.absolute()) for place in PLACES)
        raise FileNotFoundError(f"there is no {name} beside a SHA256SUMS in {looked}; clone the "
                                "repository, with which the data travel, and run from there")
    content = (folder / name).read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    if f"{digest}  {name}" not in (folder / "SHA256SUMS").read_text().splitlines():
        found = f"{folder / name} is not the file its SHA256SUMS describes (SHA-256 {digest})"
        raise ValueError(f"{found}; restore it with: git checkout -- notebooks/data")
    return content


# ---------------------------------------------------------------- samples made ready


Standardised = namedtuple("Standardised", "X mean scale")


@checks.checked(X="n_samples n_features", like=checks.rule(
    lambda v: isinstance(v, Standardised), "the result of an earlier standardise(X)", TypeError))
def standardise(X, like=None):
    """Take out of each feature its mean and divide by its scale, the standard deviation:
    (X, mean, scale).

    Pass `like`, an earlier result, to treat new samples with the mean and scale of the old. A
    constant column has no scale: ValueError. Source: S0-22.

    >>> standardise([[1.0], [3.0]]).X.tolist()
    [[-1.0], [1.0]]
    """
    if like is None and (constant := np.ptp(X, axis=0) == 0).any():
        raise ValueError(f"column {constant.argmax()} of X is constant, so it has no scale")
    mean, scale = like[1:] if like else (X.mean(axis=0), X.std(axis=0))
    checks.fitting("like.mean", mean, "n_features", {"n_features": (X.shape[1], ("X", X.shape))})
    return Standardised((X - mean) / scale, mean, scale)


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
