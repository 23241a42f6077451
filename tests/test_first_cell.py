"""The first cell of every notebook is the same, and finds our packages: alone, beside a stranger's,
in any folder.
"""

import os
import subprocess
import sys
from pathlib import Path

import first_cell
import nbformat
import pytest

import backpropagation_notebooks as ours

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
LONGEST = 88


def run(code, folder, **environ):
    """What a program says that runs in this folder, without a word on where our packages are."""
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, "-c", code]
    return subprocess.run(
        command, cwd=folder, env={**clean, **environ}, capture_output=True, text=True, timeout=60
    )


@pytest.fixture
def copy(tmp_path):
    """A folder that looks like the repository: the module of the first cell, and four small
    packages.
    """
    (tmp_path / "backpropagation_notebooks.py").write_bytes(
        (ROOT / "backpropagation_notebooks.py").read_bytes()
    )
    for name in ours.PACKAGES:
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(f"whose = 'ours, {name}'\n")
    (tmp_path / "notebooks" / "deeper").mkdir(parents=True)
    return tmp_path


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_notebook_begins_with_the_same_cell_folded_and_silent(path):
    cell = next(
        cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"
    )
    assert (cell.id, cell.source, cell.outputs) == (first_cell.ID, first_cell.source(), [])
    assert cell.metadata["jupyter"]["source_hidden"] is True


def test_the_cell_is_short_and_is_plain_python():
    compile(first_cell.source(), "cell", "exec")  # no magic: the page's own runner has none
    assert max(map(len, first_cell.source().splitlines())) <= LONGEST


def test_inserting_twice_changes_nothing_and_renews_an_old_cell():
    made = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_markdown_cell("# T"), nbformat.v4.new_code_cell("1 + 1")]
    )
    first_cell.insert(made)
    once = nbformat.writes(made)
    made.cells[1].source = "an old edition"
    first_cell.insert(made)
    assert nbformat.writes(made) == once and [cell.cell_type for cell in made.cells] == [
        "markdown",
        "code",
        "code",
    ]


@pytest.mark.parametrize("folder", [".", "notebooks", "notebooks/deeper"])
def test_ours_are_found_from_any_folder_of_the_repository(copy, folder):
    asked = "".join(f"\nimport {name}; print({name}.whose)" for name in ours.PACKAGES)
    said = run(first_cell.source() + asked, copy / folder)
    assert said.stdout.splitlines() == [f"ours, {name}" for name in ours.PACKAGES], said.stderr


def test_the_folder_around_the_notebook_comes_before_an_edition_that_is_installed(copy):
    installed = copy / "notebooks" / "deeper"  # stands for site-packages
    (installed / "backpropagation_notebooks.py").write_text("ready = lambda: print('old edition')")
    code = f"import sys; sys.path.append({str(installed)!r})\n{first_cell.source()}\n"
    said = run(f"{code}import helpers; print(helpers.whose)", copy / "notebooks")
    assert said.stdout == "ours, helpers\n"


@pytest.mark.every(4)
@pytest.mark.parametrize("name", ours.PACKAGES)
@pytest.mark.parametrize("kind", ["file", "package"])
def test_ours_come_before_a_file_or_package_of_the_reader_and_one_sentence_says_so(
    copy, name, kind
):
    theirs = copy / "notebooks" / (f"{name}.py" if kind == "file" else f"{name}/__init__.py")
    theirs.parent.mkdir(exist_ok=True)
    theirs.write_text("whose = 'theirs'\n")
    said = run(f"{first_cell.source()}\nimport {name}; print({name}.whose)", copy / "notebooks")
    sentence, result = said.stdout.splitlines()
    assert str(theirs.resolve()) in sentence and result == f"ours, {name}"


def test_ours_come_first_though_the_readers_was_imported_before(copy):
    (copy / "notebooks" / "helpers.py").write_text("whose = 'theirs'\n")
    said = run(
        f"import helpers\n{first_cell.source()}\nimport helpers; print(helpers.whose)",
        copy / "notebooks",
    )
    assert said.stdout.splitlines()[1:] == ["ours, helpers"]


def test_a_second_run_of_the_cell_is_silent(copy):
    (copy / "notebooks" / "helpers.py").write_text("")
    said = run(f"{first_cell.source()}\nprint('again')\n{first_cell.source()}", copy / "notebooks")
    assert said.stdout.splitlines()[-1] == "again"


@pytest.mark.every(4)
@pytest.mark.parametrize("name", ours.PACKAGES)
def test_a_missing_package_is_named(copy, name):
    (copy / name / "__init__.py").unlink()
    said = run(first_cell.source(), copy / "notebooks")
    assert said.returncode == 1 and f"ImportError: {name} in " in said.stderr


@pytest.mark.every(4)
@pytest.mark.parametrize("name", ours.PACKAGES)
def test_a_package_that_was_installed_over_ours_is_named(copy, name):
    record = "".join(
        f"{each}/__init__.py,sha256={ours.hash_of(copy / each / '__init__.py')},9\n"
        for each in ours.PACKAGES
    )
    information = copy / "backpropagation_notebooks-1.dist-info"
    information.mkdir()
    (information / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: backpropagation-notebooks\nVersion: 1\n"
    )
    (information / "RECORD").write_text(record)
    assert run(first_cell.source(), copy / "notebooks").returncode == 0
    (copy / name / "__init__.py").write_text("whose = 'theirs'\n")
    said = run(first_cell.source(), copy / "notebooks")
    assert said.returncode == 1 and f"ImportError: {name} in " in said.stderr


@pytest.mark.again
def test_a_notebook_alone_without_a_network_says_in_one_sentence_what_to_do(tmp_path):
    said = run(
        first_cell.source(),
        tmp_path,
        PIP_NO_INDEX="1",
        PIP_RETRIES="0",
        PIP_TIMEOUT="1",
        HTTPS_PROXY="http://127.0.0.1:9",
    )
    assert said.returncode == 1
    what = f"get {first_cell.address()}/archive/main.zip"
    last = said.stderr.splitlines()[-1]
    assert last == f"ImportError: this notebook needs its collection: {what}"


CELLS = {
    "a name of an earlier cell": ("penguins.shape", True),
    "in a function of the cell": ("def f(): return W1\nf()", True),
    "inside a library": (
        "import json; json.JSONDecoder(object_hook=lambda d: d).decode('{}'); exec('nowhere', {})",
        False,
    ),
}


@pytest.fixture(scope="module")
def outputs_too_early():
    """What each of the cells gives in one kernel, which nothing but the first cell has seen."""
    from nbclient import NotebookClient

    sources = first_cell.source(), *(source for source, _ in CELLS.values())
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in sources])
    NotebookClient(made, timeout=60, kernel_name="python3", allow_errors=True,
                   resources={"metadata": {"path": str(ROOT)}}).execute()
    return dict(zip(CELLS, (cell.outputs for cell in made.cells[1:])))


@pytest.mark.again
@pytest.mark.parametrize("name", CELLS)
def test_a_cell_run_too_early_asks_for_the_earlier_one(name, outputs_too_early):
    (output,) = outputs_too_early[name]
    assert output.ename == "NameError" and (len(output.traceback) == 1) == CELLS[name][1]


def test_a_shell_without_ipythons_means_as_on_the_reading_page_is_enough(copy):
    (copy / "IPython.py").write_text("get_ipython = object")
    said = run(
        f"import sys; sys.path.insert(0, '..'); import IPython\n{first_cell.source()}",
        copy / "notebooks",
    )
    assert (said.returncode, said.stdout) == (0, ""), said.stderr
