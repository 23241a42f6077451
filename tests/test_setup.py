"""The set-up: one list of packages, nothing of one machine in the repository, and notebooks saved
reproducibly.
"""

import re
import subprocess
import tomllib
from pathlib import Path

import address
import execute_notebooks
import first_cell
import nbformat
import pytest
import work
import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = [
    line
    for line in (ROOT / "requirements.txt").read_text().splitlines()
    if line and not line.startswith("#")
]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
ENVIRONMENT = yaml.safe_load((ROOT / "environment.yml").read_text())
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

# ---------------------------------------------------------------- packages


def pins():
    """{package: its pinned version}, from requirements.txt."""
    return dict(line.split("==") for line in REQUIREMENTS)


def test_every_requirement_is_pinned_exactly_and_needs_no_file_beside_it():
    for line in REQUIREMENTS:
        assert re.fullmatch(r"[a-z0-9-]+==[0-9.]+", line), line


def test_conda_and_pip_install_the_same():
    (pip,) = [entry["pip"] for entry in ENVIRONMENT["dependencies"] if isinstance(entry, dict)]
    assert pip == REQUIREMENTS


def test_the_python_of_conda_is_one_that_the_project_admits():
    (python,) = [entry for entry in ENVIRONMENT["dependencies"] if str(entry).startswith("python=")]
    assert Requirement("python" + PROJECT["requires-python"]).specifier.contains(
        python.removeprefix("python=")
    )


def test_the_pins_lie_in_the_ranges_of_the_project():
    for needed in map(Requirement, PROJECT["dependencies"]):
        if needed.name in pins():
            assert needed.specifier.contains(pins()[needed.name]), needed


def locked():
    """{package: its version in the lock}."""
    return dict(re.findall(r"^([a-z0-9._-]+)==([^\s;]+)", LOCK, re.MULTILINE))


def test_the_lock_holds_the_pins():
    assert pins().items() <= locked().items()


def test_the_lock_has_digests_for_every_package_and_no_address():
    for entry in re.split(r"\n(?=\S)", LOCK.strip()):
        assert entry.startswith("#") or "--hash=sha256:" in entry, entry
    assert "://" not in LOCK


@pytest.mark.parametrize("name", ["numpy", "sympy", "matplotlib", "ipywidgets"])
def test_what_decides_an_output_is_both_pinned_and_a_dependency(name):
    assert name in pins()
    assert name in {Requirement(line).name for line in PROJECT["dependencies"]}


# ---------------------------------------------------------------- nothing of one machine

# Base64 and addresses of the web hold slashes too, but with a letter, a digit or /:.- before them.
# The homes in an image and in a browser are names of these, not of a machine.
MACHINE_PATH = re.compile(
    r"(?<![\w+/:.~-])/(?!home/(?:jovyan|pyodide)\b)"
    r"(?:work|root|home|tmp|Users|mnt|opt|venv)/\w"
)
REGISTRY_HOST = re.compile(
    r"\bpypi\.org|pythonhosted\.org|npmjs\.(?:org|com)|\banaconda\.(?:org|com)|\bdevpi\b",
    re.IGNORECASE,
)


def repository_files():
    """What is or would be in git."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


@pytest.mark.parametrize(
    "pattern", [MACHINE_PATH, REGISTRY_HOST], ids=["machine path", "registry host"]
)
def test_no_file_names(pattern):
    texts = (
        (path, path.read_text(encoding="utf-8", errors="ignore")) for path in repository_files()
    )
    hits = [
        f"{path.relative_to(ROOT)}: {pattern.search(text).group()}"
        for path, text in texts
        if pattern.search(text)
    ]
    assert hits == []


@pytest.mark.parametrize(
    "place", [("work", "main"), ("home", "me", "x.py"), ("tmp", "x"), ("Users", "me")]
)
def test_a_machine_path_would_be_found(place):
    assert MACHINE_PATH.search("read '/" + "/".join(place) + "'")


@pytest.mark.parametrize(
    "host", ["pypi" + ".org", "files.python" + "hosted.org", "registry.npm" + "js.org"]
)
def test_a_registry_host_would_be_found(host):
    assert REGISTRY_HOST.search(f"see https://{host}/simple")


def test_the_two_commands_of_the_readme_are_there():
    readme, makefile = (ROOT / "README.md").read_text(), (ROOT / "Makefile").read_text()
    for command in ["lab", "test"]:
        assert f"make {command}" in readme and f"\n{command}:" in makefile


# ---------------------------------------------------------------- the folder to work in


@pytest.fixture
def editions(tmp_path):
    """A folder of notebooks with one in it, and a folder to work in that has a copy."""
    notebooks, copies = tmp_path / "notebooks", tmp_path / "work"
    notebooks.mkdir()
    write_notebook(notebooks / "01_a.ipynb", "1 + 1")
    assert list(work.lay_out(notebooks, copies)) == []
    return notebooks, copies


def change(path, source=None, **metadata):
    notebook = nbformat.read(path, as_version=4)
    notebook.metadata.update(metadata)
    if source is not None:
        notebook.cells[0].source = source
    nbformat.write(notebook, path)


def source_of(path):
    return nbformat.read(path, as_version=4).cells[0].source


def test_a_new_edition_replaces_what_was_only_looked_at(editions):
    notebooks, copies = editions
    change(
        copies / "01_a.ipynb",
        kernelspec={"name": "python3", "display_name": "as JupyterLab writes it"},
    )
    change(notebooks / "01_a.ipynb", "2 + 2")
    assert list(work.lay_out(notebooks, copies)) == []
    assert source_of(copies / "01_a.ipynb") == "2 + 2"


def test_without_a_new_edition_nothing_is_touched(editions):
    notebooks, copies = editions
    change(copies / "01_a.ipynb", ran="and its outputs are the reader's")
    before = (copies / "01_a.ipynb").read_bytes()
    assert list(work.lay_out(notebooks, copies)) == []
    assert (copies / "01_a.ipynb").read_bytes() == before


@pytest.mark.parametrize("destroy", [False, True])
def test_what_a_reader_wrote_is_kept_and_a_newer_edition_is_named(editions, destroy):
    notebooks, copies = editions
    change(copies / "01_a.ipynb", "mine")
    if destroy:
        (copies / "01_a.ipynb").write_text("{")
    before = (copies / "01_a.ipynb").read_bytes()
    change(notebooks / "01_a.ipynb", "2 + 2")
    (sentence,) = work.lay_out(notebooks, copies)
    assert "01_a.ipynb" in sentence and "make fresh NOTEBOOK=01" in sentence
    assert (copies / "01_a.ipynb").read_bytes() == before


def test_a_fresh_copy_keeps_every_earlier_one(editions):
    notebooks, copies = editions
    for text in ["first", "second", "third"]:
        change(copies / "01_a.ipynb", text)
        work.renew(notebooks / "01_a.ipynb", copies)
        assert source_of(copies / "01_a.ipynb") == "1 + 1"
    kept = sorted(copies.glob("*.mine*.ipynb"))
    assert sorted(map(source_of, kept)) == ["first", "second", "third"]
    assert list(work.lay_out(notebooks, copies)) == []


def test_what_is_worked_in_is_not_in_git():
    command = ["git", "check-ignore", "-q", "work/01.ipynb"]
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    assert subprocess.run(command, cwd=ROOT).returncode == 0


# ---------------------------------------------------------------- the address


def test_the_address_of_nobody_cannot_be_anybodys_and_a_right_one_passes():
    assert address.ADDRESS.fullmatch("https://github.com/a-b/backpropagation-notebooks")
    assert not address.ADDRESS.fullmatch("https://github.com/OWNER_NAME/backpropagation-notebooks")
    assert not address.ADDRESS.fullmatch("https://example.org/a/b")


def test_the_address_is_rewritten_in_all_its_spellings():
    old, new = "https://github.com/OWNER_NAME/b-n", "https://github.com/ada/notes"
    text = (
        f"{old}/archive/main.zip colab/github/OWNER_NAME/b-n/blob "
        f"https://OWNER_NAME.github.io/b-n/x")
    rewritten = address.rewrite(text, old, new)
    assert (
        rewritten
        == f"{new}/archive/main.zip colab/github/ada/notes/blob https://ada.github.io/notes/x"
    )
    assert address.rewrite(rewritten, new, old) == text


def test_every_spelling_in_the_repository_is_that_of_pyproject():
    owner, name = address.spellings(first_cell.address())[0].split("/")
    ours = re.escape(name)
    pattern = re.compile(rf"(?:github\.com|github|gh)/([\w-]+)/{ours}|"
                         rf"(?<![\w-])([\w-]+)\.github\.io/{ours}")
    for path in repository_files():
        if path.relative_to(ROOT).parts[0] == "tests":
            continue
        text = path.read_text(encoding="utf-8", errors="ignore")
        for whole, site in pattern.findall(text) if name in text else ():
            assert (whole or site) == owner, path


# ---------------------------------------------------------------- saving notebooks


def write_notebook(path, *sources):
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source) for source in sources]
    )
    nbformat.write(notebook, path)
    return path


@pytest.mark.again
def test_executing_a_second_time_changes_nothing(tmp_path):
    pieces = "for i in range(3):\n    print(i, flush=True)"
    path = write_notebook(
        tmp_path / "a.ipynb", pieces, "import ipywidgets", "ipywidgets.IntSlider()"
    )
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


@pytest.mark.again
def test_a_notebook_that_raises_is_not_saved(tmp_path, capsys):
    path = write_notebook(tmp_path / "a.ipynb", "1 / 0")
    before = path.read_bytes()
    assert execute_notebooks.main([path]) == 1
    assert path.read_bytes() == before
    assert "a.ipynb: NOT SAVED" in capsys.readouterr().err


def test_a_saved_error_names_no_file():
    output = nbformat.v4.new_output(
        "error", ename="ValueError", evalue="no", traceback=["File somewhere.py:1"]
    )
    execute_notebooks.normalise_output(output)
    assert output.traceback == ["ValueError: no"]


def test_one_version_everywhere():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == PROJECT["version"]
    assert f'tag: "{PROJECT["version"]}"' in (ROOT / "docs" / "hub" / "values.yaml").read_text()


def test_the_four_texts_are_named_alike_in_readme_and_citation():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert [re.search(r"S\d", text["title"])[0] for text in citation["references"]] == [
        "S0",
        "S1",
        "S2",
        "S3",
    ]
    for text in citation["references"]:
        assert text.get("url", "Python Deep Learning") in readme
        assert all(who.get("family-names", who.get("name")) in readme for who in text["authors"])
