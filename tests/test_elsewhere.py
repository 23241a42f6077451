"""The collection where nothing of it is installed: its wheels in empty environments, a notebook
taken alone, a classroom's graders.

All of it is long: environments are made anew, from the package index.
"""

import csv
import json
import re
import sys
import time
import zipfile

import elsewhere
import first_cell
import nbformat
import pytest
import tally

ROOT = elsewhere.ROOT
pytestmark = pytest.mark.long

# ---------------------------------------------------------------- wheels


@pytest.fixture(scope="module")
def wheels(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheels")
    pins = (ROOT / "tools" / "requirements-dev.txt").read_text().splitlines()
    needed = [line for line in pins if re.match("build|setuptools|twine", line)]
    tools = elsewhere.environment(folder / "tools", *needed)
    elsewhere.run(
        tools, f"python {ROOT}/tools/build_wheels.py dist && twine check --strict dist/*", folder
    )
    return {path.name.split("-")[0]: path for path in (folder / "dist").glob("*.whl")}


def test_three_distributions_are_built_and_the_collection_has_its_data(wheels):
    assert wheels.keys() == {"backpropagation_notebooks", "derivations", "gradcheck"}
    names = zipfile.ZipFile(wheels["backpropagation_notebooks"]).namelist()
    data = {f"helpers/datasets/{name}" for name in ["penguins.csv", "digits.csv.gz", "SHA256SUMS"]}
    assert data | {"backpropagation_notebooks.py", "helpers/notebook.mplstyle"} <= set(names)
    assert not [name for name in names if name.startswith(("tests", "tools", "site"))]


def test_the_wheel_in_an_empty_environment_reads_its_data_and_proves_a_derivation(wheels, tmp_path):
    start = time.monotonic()
    alone = elsewhere.environment(tmp_path / "venv", wheels["backpropagation_notebooks"])
    installed = time.monotonic()
    assert "✓ proved for every n" in elsewhere.run(
        alone, "python -m derivations", tmp_path, PYTHONUTF8="1"
    )
    proved = time.monotonic()
    took = f"{installed - start:.0f} s, first derivation {proved - installed:.1f} s later"
    tally.report(f"Wheel: installed in {took}")
    code = "from helpers import data; print(len(data.load_penguins()), len(data.load_digits()))"
    assert elsewhere.run(alone, f"python -c '{code}'", tmp_path) == "342 1797\n"


def test_the_engine_alone_proves_and_has_no_lessons(wheels, tmp_path):
    alone = elsewhere.environment(tmp_path / "venv", wheels["derivations"])
    assert "✓ proved for every n" in elsewhere.run(
        alone, "python -m derivations", tmp_path, PYTHONUTF8="1"
    )
    assert "ModuleNotFoundError" in elsewhere.run(
        alone, "python -c 'import helpers' 2>&1 || true", tmp_path
    )


def test_the_gradient_check_alone_needs_numpy_and_no_more(wheels, tmp_path):
    alone = elsewhere.environment(tmp_path / "venv", wheels["gradcheck"])
    check = "gradient_check(lambda w: w @ w, lambda w: 2*w, [1.0, 2.0])"
    code = f"from gradcheck import gradient_check; print(bool({check}))"
    assert elsewhere.run(alone, f"python -c '{code}'", tmp_path) == "True\n"
    assert "ModuleNotFoundError" in elsewhere.run(
        alone, "python -c 'import sympy' 2>&1 || true", tmp_path
    )


# ---------------------------------------------------------------- a notebook alone

# What Colab has had; its own packages must stay as they are.
COLAB = [
    "numpy==2.0.2",
    "sympy==1.13.3",
    "matplotlib==3.10.0",
    "ipython==7.34.0",
    "ipykernel==6.17.1",
    "ipywidgets==7.7.1",
]
TEXTS = ("text/plain", "text/latex", "text/markdown")


def shown(notebook):
    """What the cells show, in words and numbers.

    Pictures and sliders are other bytes on other versions, and what a cell prints may come in
    pieces, before and after its pictures.
    """
    seen = []
    for cell in notebook.cells:
        if "nbval-ignore-output" in cell.metadata.get("tags", []):
            continue
        outputs = cell.get("outputs", [])
        printed = [output for output in outputs if output.output_type == "stream"]
        for name in dict.fromkeys(output.name for output in printed):
            seen.append((name, "".join(out.text for out in printed if out.name == name)))
        for output in (output for output in outputs if output not in printed):
            kinds = sorted(output.get("data", {}))
            if not {"application/vnd.jupyter.widget-view+json", "image/png"} & set(kinds):
                seen.append((kinds, [output.data.get(kind) for kind in TEXTS]))
    return seen


def test_every_notebook_alone_in_a_folder_fetches_its_packages_and_shows_what_is_stored(tmp_path):
    source = elsewhere.copy_of_the_repository(tmp_path / "source")
    elsewhere.archive(source, tmp_path / "archive" / "main.zip")
    host = elsewhere.environment(tmp_path / "colab", *COLAB, "nbconvert", "setuptools")
    before, different = elsewhere.run(host, "pip freeze", tmp_path), []
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        alone = tmp_path / "alone" / path.stem / path.name
        alone.parent.mkdir(parents=True)
        text = path.read_text(encoding="utf-8").replace(first_cell.address(), tmp_path.as_uri())
        alone.write_text(text, encoding="utf-8")
        elsewhere.run(
            host,
            f"jupyter nbconvert --to notebook --execute --inplace --coalesce-streams {path.name}",
            alone.parent,
        )
        if shown(nbformat.read(alone, 4)) != shown(nbformat.read(path, 4)):
            different.append(path.name)
        assert [file.name for file in alone.parent.iterdir()] == [path.name]
    assert different == []
    after = elsewhere.run(host, "pip freeze", tmp_path)
    assert set(before.splitlines()) <= set(after.splitlines())  # nothing was upgraded


# ---------------------------------------------------------------- graders

TEACHING = (ROOT / "docs" / "teaching.md").read_text(encoding="utf-8")
NOTEBOOK = "01_linear_regression.ipynb"
SOLVED = {"anna": 5, "ben": 2, "cem": 0}  # of 5; ben also finds the line of the bug in the third
POINTS = {"anna": 5.0, "ben": 2.5, "cem": 0.0}


def typed(grader):
    """The lines that the teachers' page gives for this grader, up to and from where students fill
    in their answers.
    """
    (block,) = [
        block
        for block in re.findall(r"```console\n(.*?)```", TEACHING, re.DOTALL)
        if f"{grader} " in block
    ]
    before, after = re.split(r"\n(?=[^\n]*\banna\b)", block, maxsplit=1)
    return before, after


def answers():
    """The folded answers of the notebook's exercises, in their order."""
    cells = nbformat.read(ROOT / "notebooks" / NOTEBOOK, 4).cells
    return [
        re.search(r"```python\n(.*?)\n```", after.source, re.DOTALL)[1]
        for cell, after in zip(cells, cells[1:])
        if "exercise" in cell.metadata.get("tags", [])
    ]


def hand_in(released, who, path):
    """A student's notebook: the first answers right, the rest as they were given out."""
    notebook = nbformat.read(released, 4)
    exercises = [cell for cell in notebook.cells if "exercise" in cell.metadata.get("tags", [])]
    given = answers()[: SOLVED[who]]
    if who == "ben":
        given.append(re.sub(r'"\w+"$', '"sign"', answers()[len(given)]))
        assert given[-1].startswith("line, cause")
    for cell, answer in zip(exercises, given):
        for line in answer.split("\n"):
            target = re.escape(line.partition("=")[0].strip())
            blank = re.compile(rf"^{target} = \.\.\..*$", re.MULTILINE)
            cell.source = blank.sub(lambda _, line=line: line, cell.source)
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)


@pytest.fixture
def repository(tmp_path):
    return elsewhere.copy_of_the_repository(tmp_path / "school" / "notebooks-of-ours")


def test_nbgrader_as_the_teachers_page_types_it(repository):
    before, after = typed("nbgrader")
    bin_folder = f"{repository.parent}/grading/bin"
    elsewhere.run(sys.prefix + "/bin", before, repository)
    course = repository.parent / "course"
    for who in SOLVED:
        released = course / "release" / "one" / "01.ipynb"
        hand_in(released, who, course / "submitted" / who / "one" / "01.ipynb")
    elsewhere.run(bin_folder, after.partition("\n")[2], course)
    rows = list(csv.DictReader((course / "grades.csv").open()))
    assert {row["student_id"]: float(row["score"]) for row in rows} == POINTS
    assert {float(row["max_score"]) for row in rows} == {POINTS["anna"]}


def test_otter_as_the_teachers_page_types_it(repository):
    before, after = typed("otter")
    bin_folder = f"{repository.parent}/grading/bin"
    elsewhere.run(sys.prefix + "/bin", before, repository)
    course = repository.parent / "course"
    for who in SOLVED:
        released = course / "dist" / "student" / "01.ipynb"
        hand_in(released, who, course / "submitted" / f"{who}.ipynb")
        elsewhere.run(bin_folder, after.partition("\n")[2].replace("anna", who), course)
        tests = json.loads((course / who / "results.json").read_text())["tests"]
        assert sum(test.get("score") or 0 for test in tests) == POINTS[who], who
