"""The data sets are the published ones, complete, and refuse to load when they are not."""

import hashlib
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from helpers import data

FOLDER = Path(__file__).resolve().parents[2] / "notebooks" / "data"


def counts(column):
    return dict(zip(*(part.tolist() for part in np.unique(column, return_counts=True)),
                    strict=True))


@pytest.fixture(scope="module")
def penguins():
    return data.load_penguins()


@pytest.fixture(scope="module")
def digits():
    return data.load_digits()


@pytest.fixture
def copy(tmp_path):
    return Path(shutil.copytree(FOLDER, tmp_path / "data"))


@pytest.mark.parametrize("line", (FOLDER / "SHA256SUMS").read_text().splitlines())
def test_files_have_their_published_checksum(line):
    digest, name = line.split("  ")
    assert hashlib.sha256((FOLDER / name).read_bytes()).hexdigest() == digest


def test_every_data_file_is_listed_and_described():
    names = {path.name for path in FOLDER.iterdir() if path.suffix in {".csv", ".gz"}}
    assert ({line.split("  ")[1] for line in (FOLDER / "SHA256SUMS").read_text().splitlines()}
            == names)
    readme = (FOLDER / "README.md").read_text()
    assert all(f"`{name}`" in readme for name in names)
    assert all(word in readme
               for word in ("CC0", "CC BY 4.0", "10.24432/C50P49", "Alpaydin", "Gorman"))


def test_penguins_are_the_342_complete_of_344(penguins):
    assert len(penguins) == 342
    assert counts(penguins.species) == {"Adelie": 151, "Chinstrap": 68, "Gentoo": 123}
    assert counts(penguins.island) == {"Biscoe": 167, "Dream": 124, "Torgersen": 51}
    assert counts(penguins.sex) == {"female": 165, "male": 168, "NA": 9}
    assert counts(penguins.year) == {2007: 109, 2008: 114, 2009: 119}


def test_penguins_have_the_published_means(penguins):
    assert (penguins.matrix(*data.MEASUREMENTS).mean(axis=0)
            == pytest.approx([43.92193, 17.15117, 200.91520, 4201.754], rel=1e-6))


def test_matrix_has_one_row_per_penguin_and_keeps_the_order_of_names(penguins):
    X = penguins.matrix("body_mass_g", "flipper_length_mm")
    assert X.shape == (342, 2) and X.dtype == float
    assert X[0].tolist() == [3750, 181]
    assert penguins.matrix("year").shape == (342, 1)
    X[:] = 0
    assert penguins.body_mass_g[0] == 3750, "the matrix is a copy"


@pytest.mark.parametrize("name", ["flipper", "species", "matrix", "dropped", 3, None])
def test_unknown_column_is_refused_with_the_known_ones(penguins, name):
    with pytest.raises(ValueError,
                       match=re.escape(repr(name)) + r".*flipper_length_mm.*body_mass_g"):
        penguins.matrix("body_mass_g", name)


def test_digits_are_the_published_ones(digits):
    assert ((digits.images.shape, digits.X.shape, digits.labels.shape)
            == ((1797, 8, 8), (1797, 64), (1797,)))
    assert (list(counts(digits.labels).values())
            == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180])
    assert digits.labels[:10].tolist() == list(range(10))
    assert (digits.X.min(), digits.X.max(), digits.X.sum() * 16) == (0, 1, 561718)
    assert (digits.images[0, 0] * 16).tolist() == [0, 0, 5, 13, 9, 1, 0, 0]


@pytest.mark.parametrize("load, name", [(data.load_penguins, "penguins.csv"),
                                        (data.load_digits, "digits.csv.gz")])
def test_a_changed_or_missing_file_is_refused(copy, load, name, monkeypatch):
    monkeypatch.setattr(data, "PLACES", [copy])
    content = bytearray((copy / name).read_bytes())
    content[-1] ^= 1
    (copy / name).write_bytes(content)
    with pytest.raises(ValueError, match=rf"{name} is not the file.*git checkout"):
        load()
    (copy / name).unlink()
    with pytest.raises(FileNotFoundError, match=f"no {name} beside"):
        load()


def test_a_folder_without_checksums_is_refused(copy, monkeypatch):
    monkeypatch.setattr(data, "PLACES", [copy])
    (copy / "SHA256SUMS").unlink()
    with pytest.raises(FileNotFoundError, match="no penguins.csv beside a SHA256SUMS.*clone the"):
        data.load_penguins()


def test_installed_alone_the_files_are_found_beside_the_notebook(copy, monkeypatch):
    monkeypatch.setattr(data, "PLACES", data.PLACES[2:])
    monkeypatch.chdir(copy.parent)
    assert len(data.load_penguins()) == 342
    monkeypatch.chdir(copy)
    with pytest.raises(FileNotFoundError, match="no penguins.csv beside"):
        data.load_penguins()
