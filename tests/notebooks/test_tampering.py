"""A stored output that is not true turns the run red: every kind of output, under this project's
own options of nbval.

One notebook is executed once. Its cells are stored several times over, each time with another
output changed by a stroke; nbval runs them all in one kernel and must find the changed ones, and
those only.
"""

import copy
import json
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from execute_notebooks import execute
from tally import report
from test_notebook_hygiene import describes_every_picture, is_executed_from_top_to_bottom, saved

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))

CELLS = {
    "imports": """\
import ipywidgets
from IPython.display import HTML, Latex, display
from sympy import symbols
from helpers import figures
from derivations import Derivation, Partial, ledger""",
    "printed": 'print("six", 2*3)\nprint(f"{1/3:.6f}")',
    "latex": 'display(Latex("$a + b$"))',
    "html": 'display(HTML("<b>δ = 1</b>"))',
    "number": "355/113",
    "slider": 'ipywidgets.IntSlider(description="k")',
    "derivation": """\
w, y = symbols("w y", real=True)
with Derivation(Partial((w - y)**2/2, w), number="1") as dL_dw:
    dL_dw.step(w - y, "power rule")
dL_dw""",
    "figure": """\
fig, ax = figures.single()
ax.plot([0, 1], [1, 3])
figures.show(fig, alt="A line that rises from 1 to 3.", takeaway="It rises.")""",
    "ledger": "ledger",
}

TAMPERED = [  # cell, what is stored, what is stored instead
    ("printed", "six 6", "six 7"), ("printed", "0.333333", "0.333334"),
    ("printed", "six 6\n", "six  6\n"),
    ("latex", "$a + b$", "$a - b$"), ("html", "δ = 1", "δ = 2"),
    ("number", "3.1415929", "3.1415926"),
    ("slider", "IntSlider(value=0", "IntSlider(value=1"),
    ("derivation", "w - y &&", "y - w &&"), ("derivation", "= w - y ", "= y - w "),
    ("derivation", "✓ proved", "✓ plausible"),
    ("derivation", "power rule", "chain rule"), ("derivation", "\\\\tag{1}", "\\\\tag{2}"),
    ("figure", "rises from 1 to 3.", "falls from 3 to 1."),
    ("figure", "*It rises.*", "*It falls.*"),
    ("ledger", "1 lines proved", "2 lines proved"),
]


def write(cells, path):
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)


def executed(sources, folder):
    """The cells with their outputs, each as the notebook would store it."""
    notebook = nbformat.v4.new_notebook(cells=[
        nbformat.v4.new_code_cell(source) for source in sources])
    execute(notebook, folder)
    return notebook.cells


def tampered(cell, true, false):
    """A copy of a cell with one change in what is stored of its output, wherever it occurs."""
    cell = copy.deepcopy(cell)
    stored = json.dumps(cell.outputs, ensure_ascii=False)
    written = json.dumps(true, ensure_ascii=False)[1:-1] if "tag" not in true else true
    assert written in stored, f"{written} is not in {stored}"
    changed = stored.replace(written, json.dumps(false, ensure_ascii=False)[1:-1]
                             if "tag" not in false else false)
    cell.outputs, cell.id = (nbformat.from_dict(json.loads(changed)),
                             nbformat.v4.new_code_cell("").id)
    return cell


def verdicts(folder):
    """{(notebook, number of its cell): did nbval accept it?}, in one run with the options of this
    project."""
    settings = ["-c", str(ROOT / "pyproject.toml"), "--rootdir", str(folder), "-p",
                "no:cacheprovider", "-p", "no:hypothesispytest"]
    command = [sys.executable, "-m", "pytest", *settings, "-rA", "--color=no", str(folder)]
    said = subprocess.run(command, capture_output=True, text=True, cwd=folder).stdout
    found = re.findall(r"^(PASSED|FAILED|XFAIL) (\w+)\.ipynb::Cell (\d+)", said, flags=re.MULTILINE)
    return {(name, int(number)): result == "PASSED" for result, name, number in found}, said


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """What nbval says of the untouched cells, and of each tampered copy."""
    folder = tmp_path_factory.mktemp("tampered")
    true = dict(zip(CELLS, executed(CELLS.values(), folder)))
    copies = [tampered(true[name], before, after) for name, before, after in TAMPERED]
    write([*true.values(), *copies], folder / "tiny.ipynb")
    found, said = verdicts(folder)
    assert len(found) == len(CELLS) + len(TAMPERED), said
    accepted = [found["tiny", number] for number in range(len(found))]
    return accepted[:len(CELLS)], accepted[len(CELLS):]


@pytest.mark.again
def test_untouched_outputs_are_accepted(run):
    assert dict(zip(CELLS, run[0])) == dict.fromkeys(CELLS, True)


@pytest.mark.again
@pytest.mark.parametrize("number", range(len(TAMPERED)),
                         ids=[f"{name}: {after.strip()}" for name, _, after in TAMPERED])
def test_a_tampered_output_turns_the_run_red(run, number):
    assert not run[1][number]


@pytest.mark.again
def test_the_totals_are_told(run):
    report(
        f"Tampering: {len(TAMPERED)} changed outputs, {len(TAMPERED) - sum(run[1])} turn the run "
        f"red; "
           f"{len(CELLS)} untouched, {sum(run[0])} accepted")


# ---------------------------------------------------------------- what nbval does not see, the hygi


def stripped(notebook):
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell.update(outputs=[], execution_count=None)


def one_cell_stripped(notebook):
    cell = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"][-1]
    cell.update(outputs=[], execution_count=None)


def another_alt(notebook):
    """nbval looks at no metadata: only there the description of a picture is changed."""
    shown = [o for cell in notebook["cells"] for o in cell.get("outputs", [])
             if "image/png" in o.get("data", {})]
    shown[0]["metadata"]["image/png"]["alt"] = "Something else."


def no_alt(notebook):
    shown = [o for cell in notebook["cells"] for o in cell.get("outputs", [])
             if "image/png" in o.get("data", {})]
    shown[0]["metadata"].pop("image/png")


@pytest.mark.parametrize("change, rule", [
    (stripped, is_executed_from_top_to_bottom), (one_cell_stripped, is_executed_from_top_to_bottom),
    (another_alt, describes_every_picture), (no_alt, describes_every_picture)])
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_what_nbval_would_let_pass_is_refused(path, change, rule):
    notebook = copy.deepcopy(saved(path))
    assert rule(notebook) == []
    change(notebook)
    assert rule(notebook) != []


# ---------------------------------------------------------------- a notebook whose source is change


@pytest.mark.long
def test_a_flipped_sign_in_the_source_of_a_claim_turns_the_run_red(tmp_path):
    """The beginning of notebook 01, through its first derivation: as it is, and with one sign of
    the claim flipped."""
    notebook = nbformat.read(ROOT / "notebooks" / "01_linear_regression.ipynb", as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    claim = next(number for number, cell in enumerate(code)
                 if ".step(" in cell.source and "refused" not in cell.source)
    beginning = code[:claim + 1]
    write(beginning, tmp_path / "asitis.ipynb")
    wrong = copy.deepcopy(beginning)
    place = wrong[-1].source.rindex(".step(") + len(".step(")
    wrong[-1].source = wrong[-1].source[:place] + "-" + wrong[-1].source[place:]
    write(wrong, tmp_path / "flipped.ipynb")
    (tmp_path / "data").symlink_to(ROOT / "notebooks" / "data")
    found, said = verdicts(tmp_path)
    assert [found["asitis", number] for number in range(claim + 1)] == [True]*(claim + 1), said
    assert [found["flipped", number] for number in range(claim + 1)] == [True]*claim + [False], said
    assert "FalseLine" in said and "the sign is wrong" in said
