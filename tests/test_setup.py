"""The set-up: one list of packages, nothing of one machine in the repository, and notebooks saved reproducibly."""

import re
import subprocess
import tomllib
from pathlib import Path

import execute_notebooks
import nbformat
import pytest
import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = [line for line in (ROOT / "requirements.txt").read_text().splitlines() if line and not line.startswith("#")]
ENVIRONMENT = yaml.safe_load((ROOT / "environment.yml").read_text())
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

# ---------------------------------------------------------------- packages


def pins():
    """{package: its pinned version}, from requirements.txt."""
    return dict(line.split("==") for line in REQUIREMENTS if line != "-e .")


def test_every_requirement_is_pinned_exactly_and_the_project_comes_last():
    assert REQUIREMENTS[-1] == "-e ."
    for line in REQUIREMENTS[:-1]:
        assert re.fullmatch(r"[a-z0-9-]+==[0-9.]+", line), line


def test_conda_and_pip_install_the_same():
    (pip,) = [entry["pip"] for entry in ENVIRONMENT["dependencies"] if isinstance(entry, dict)]
    assert pip == REQUIREMENTS


def test_the_python_of_conda_is_one_that_the_project_admits():
    (python,) = [entry for entry in ENVIRONMENT["dependencies"] if str(entry).startswith("python=")]
    assert Requirement("python" + PROJECT["requires-python"]).specifier.contains(python.removeprefix("python="))


def test_the_pins_lie_in_the_ranges_of_the_project():
    for needed in map(Requirement, PROJECT["dependencies"]):
        if needed.name in pins():
            assert needed.specifier.contains(pins()[needed.name]), needed


@pytest.mark.parametrize("name", ["numpy", "sympy", "matplotlib", "ipywidgets"])
def test_what_decides_an_output_is_both_pinned_and_a_dependency(name):
    assert name in pins()
    assert name in {Requirement(line).name for line in PROJECT["dependencies"]}


# ---------------------------------------------------------------- nothing of one machine

# Base64 and addresses of the web hold slashes too, but with a letter, a digit or one of +/:.- before them.
MACHINE_PATH = re.compile(r"(?<![\w+/:.~-])/(?:work|root|home|tmp|Users|mnt|opt|venv)/\w")
REGISTRY_HOST = re.compile(r"\bpypi\.org|pythonhosted\.org|npmjs\.(?:org|com)|\banaconda\.(?:org|com)|\bdevpi\b", re.IGNORECASE)


def repository_files():
    """What is or would be in git."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


@pytest.mark.parametrize("pattern", [MACHINE_PATH, REGISTRY_HOST], ids=["machine path", "registry host"])
def test_no_file_names(pattern):
    texts = ((path, path.read_text(encoding="utf-8", errors="ignore")) for path in repository_files())
    hits = [f"{path.relative_to(ROOT)}: {pattern.search(text).group()}" for path, text in texts if pattern.search(text)]
    assert hits == []


@pytest.mark.parametrize("place", [("work", "main"), ("home", "me", "x.py"), ("tmp", "x"), ("Users", "me")])
def test_a_machine_path_would_be_found(place):
    assert MACHINE_PATH.search("read '/" + "/".join(place) + "'")


@pytest.mark.parametrize("host", ["pypi" + ".org", "files.python" + "hosted.org", "registry.npm" + "js.org"])
def test_a_registry_host_would_be_found(host):
    assert REGISTRY_HOST.search(f"see https://{host}/simple")


def test_the_two_commands_of_the_readme_are_there():
    readme, makefile = (ROOT / "README.md").read_text(), (ROOT / "Makefile").read_text()
    for command in ["lab", "test"]:
        assert f"make {command}" in readme and f"\n{command}:" in makefile


# ---------------------------------------------------------------- saving notebooks


def write_notebook(path, *sources):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    nbformat.write(notebook, path)
    return path


def test_executing_a_second_time_changes_nothing(tmp_path):
    pieces = "for i in range(3):\n    print(i, flush=True)"
    path = write_notebook(tmp_path / "a.ipynb", pieces, "import ipywidgets", "ipywidgets.IntSlider()")
    ids = [cell.id for cell in nbformat.read(path, as_version=4).cells]
    assert execute_notebooks.execute_and_save(path)
    first = path.read_bytes()
    assert execute_notebooks.execute_and_save(path)
    assert path.read_bytes() == first

    notebook = nbformat.read(path, as_version=4)
    assert [cell.id for cell in notebook.cells] == ids
    assert [cell.execution_count for cell in notebook.cells] == [1, 2, 3]
    assert [output.text for output in notebook.cells[0].outputs] == ["0\n1\n2\n"]
    assert "widgets" not in notebook.metadata and "version" not in notebook.metadata.language_info
    assert list(notebook.cells[2].outputs[0].data) == ["text/plain"]


def test_a_notebook_that_raises_is_not_saved(tmp_path, capsys):
    path = write_notebook(tmp_path / "a.ipynb", "1 / 0")
    before = path.read_bytes()
    assert execute_notebooks.main([path]) == 1
    assert path.read_bytes() == before
    assert "a.ipynb: NOT SAVED" in capsys.readouterr().err


def test_a_saved_error_names_no_file():
    output = nbformat.v4.new_output("error", ename="ValueError", evalue="no", traceback=["File somewhere.py:1"])
    execute_notebooks.normalise_output(output)
    assert output.traceback == ["ValueError: no"]
