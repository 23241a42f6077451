"""The two data sets of the notebooks, read from small files that travel with them.

Nothing is downloaded. Each file is checked against ``SHA256SUMS`` before it is read; ``notebooks/data/README.md`` says where
the files come from and under which licence.
"""

import csv
import gzip
import hashlib
import io
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

MEASUREMENTS = ("bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g")


@dataclass(frozen=True, eq=False, repr=False)
class Penguins:
    """Columns of equal length, one entry a penguin; ``sex`` may be 'unknown'. ``dropped`` rows had no measurements."""

    species: np.ndarray
    island: np.ndarray
    bill_length_mm: np.ndarray
    bill_depth_mm: np.ndarray
    flipper_length_mm: np.ndarray
    body_mass_g: np.ndarray
    sex: np.ndarray
    year: np.ndarray
    dropped: int = field(default=0, kw_only=True)

    def matrix(self, *names):
        """X of shape (n_samples, n_features), one column per name; without names, the four measurements."""
        known = MEASUREMENTS + ("year",)
        for name in names:
            if name not in known:
                raise ValueError(f"no numeric column {name!r}; the numeric columns are {', '.join(known)}")
        return np.column_stack([getattr(self, name) for name in names or MEASUREMENTS]).astype(float)

    def __len__(self):
        return len(self.species)

    def __repr__(self):
        return f"{len(self)} penguins ({self.dropped} rows without measurements dropped)"


@dataclass(frozen=True, eq=False, repr=False)
class Digits:
    """Handwritten digits, ink from 0 to 1: ``images`` (n, 8, 8), the same pixels as rows ``X`` (n, 64), ``labels`` 0 to 9."""

    images: np.ndarray
    X: np.ndarray
    labels: np.ndarray

    def __len__(self):
        return len(self.labels)

    def __repr__(self):
        return f"{len(self)} handwritten digits of 8×8 pixels"


def load_penguins(folder=None):
    """The Palmer penguins that have all four measurements: 342 of the 344 rows.

    ``folder`` is where penguins.csv and SHA256SUMS lie; by default ``notebooks/data`` of this repository is found.
    """
    rows = list(csv.DictReader(io.StringIO(_read("penguins.csv", folder).decode())))
    complete = [row for row in rows if "NA" not in [row[name] for name in MEASUREMENTS]]

    def column(name, dtype):
        return np.array([row[name] for row in complete]).astype(dtype)

    numbers = {name: column(name, float) for name in MEASUREMENTS}
    texts = {name: column(name, str) for name in ("species", "island")}
    sex = np.array([{"NA": "unknown"}.get(row["sex"], row["sex"]) for row in complete])
    return Penguins(**texts, **numbers, sex=sex, year=column("year", int), dropped=len(rows) - len(complete))


def load_digits(folder=None):
    """The 1,797 digits of 8×8 pixels. ``folder`` is where digits.csv.gz and SHA256SUMS lie, by default found as above."""
    table = np.loadtxt(io.BytesIO(gzip.decompress(_read("digits.csv.gz", folder))), delimiter=",")
    X = table[:, :64] / 16  # the file counts ink pixels in blocks of 4×4, so 16 is full
    return Digits(images=X.reshape(-1, 8, 8), X=X, labels=table[:, 64].astype(int))


def _read(name, folder):
    """The bytes of one data file, after its checksum was found right."""
    folder = _folder(name) if folder is None else Path(folder)
    for needed in (name, "SHA256SUMS"):
        if not (folder / needed).is_file():
            raise FileNotFoundError(f"there is no {needed} in {folder}; copy notebooks/data of the repository there")
    content = (folder / name).read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    if f"{digest}  {name}" not in (folder / "SHA256SUMS").read_text().splitlines():
        raise ValueError(
            f"{folder / name} is not the file its SHA256SUMS describes (SHA-256 {digest}); "
            "restore it with: git checkout -- notebooks/data"
        )
    return content


def _folder(name):
    """The first place that holds the file: this repository, the installed package, or beside the notebook."""
    here = Path(__file__).resolve().parent
    places = [here.parent / "notebooks" / "data", here / "datasets", Path("data"), Path("notebooks") / "data"]
    for place in places:
        if (place / name).is_file():
            return place
    raise FileNotFoundError(
        f"cannot find {name}: looked in {', '.join(str(place.absolute()) for place in places)}. The data travel with "
        "the repository: clone it and run from there, or copy its notebooks/data and pass folder=..."
    )
