"""Every notebook, executed in the browser from top to bottom: no error, and the same words and digits as natively."""

import json
import re
import time

import pytest
from conftest import MEASURED, NOTEBOOKS, PATIENCE, PICTURES, PUBLIC

PANEL = "window.jupyterapp?.shell?.currentWidget"
OPEN = f"() => {PANEL}?.context?.isReady && {PANEL}.content?.model?.cells?.length > 1"
READY = f"""async () => {{
    const panel = {PANEL};
    await panel.sessionContext.ready;
    const kernel = panel.sessionContext.session.kernel;
    const answer = await kernel.requestExecute({{code: '1', store_history: false}}).done;
    return answer.content.status;
}}"""
RUN = """async () => {
    const commands = window.jupyterapp.commands;
    await window.jupyterapp.restored;
    await commands.execute('notebook:clear-all-cell-outputs');
    await commands.execute('notebook:run-all-cells');
}"""
CELLS = f"() => {PANEL}.content.model.toJSON().cells.filter(cell => cell.cell_type === 'code')"
SHOW = f"""async part => {{
    const notebook = {PANEL}.content;
    notebook.activeCellIndex = notebook.widgets.findIndex(cell =>
        cell.model.type === 'code' && cell.model.sharedModel.getSource().includes(part));
    await notebook.scrollToItem(notebook.activeCellIndex, 'start');
    await new Promise(done => setTimeout(done, 1500));
}}"""
# The element may be a new one after each change, so it is looked up anew.
SLIDER_PICTURE = "() => document.querySelector('.noUi-handle').closest('.jp-OutputArea').querySelector('img').src"
SAID = f"""() => {PANEL}.content.activeCell.model.outputs.toJSON()
    .map(output => [output.text ?? output.evalue].flat().join('')).join('')"""


def text(value):
    return "".join(value) if isinstance(value, list) else value


# Whether a claim about speed holds depends on what else the machine does; that it is printed does not.
SPEED = re.compile(r"(less than [\d.]+ s|processor time|times as long): +(True|False)")


def words(cell):
    """What a cell says: its printed text and every output but pictures and widgets, in order."""
    printed, shown = "", []
    for output in cell["outputs"]:
        if output["output_type"] == "stream":
            printed += text(output["text"])
        else:
            data = output.get("data", {})
            shown.append({kind: text(data[kind]) for kind in ("text/plain", "text/markdown", "text/latex") if kind in data})
    return SPEED.sub(r"\1", printed), shown


def pictures(cell):
    return sum("image/png" in output.get("data", {}) for output in cell["outputs"])


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs_in_the_browser(visit, notebook, axe, record_property):
    start = time.perf_counter()
    page = visit(f"lite/notebooks/index.html?path={notebook.name}")
    page.wait_for_function(OPEN)
    readable = time.perf_counter() - start
    assert page.evaluate(READY) == "ok"
    ready = time.perf_counter() - start
    page.evaluate(RUN)
    run = time.perf_counter() - start
    seconds = f"readable {readable:5.1f} s, kernel ready {ready:5.1f} s, all cells run {run:5.1f} s"
    record_property(MEASURED, f"{notebook.stem:30} {seconds}")
    page.screenshot(path=PICTURES / f"live-{notebook.stem}.png")

    cells = page.evaluate(CELLS)
    errors = [f"[{cell['execution_count']}] {output['ename']}: {output['evalue']}"
              for cell in cells for output in cell["outputs"] if output["output_type"] == "error"]
    assert errors == []
    assert all(cell["execution_count"] for cell in cells)
    content = (PUBLIC / "lite" / "files" / notebook.name).read_text(encoding="utf-8")
    saved = [cell for cell in json.loads(content)["cells"] if cell["cell_type"] == "code"]
    assert [pictures(cell) for cell in cells] == [pictures(cell) for cell in saved]
    differences = [(number, words(now), words(then)) for number, (now, then) in enumerate(zip(cells, saved, strict=True), 1)
                   if words(now) != words(then) and "nbval-ignore-output" not in then["metadata"].get("tags", [])]
    assert differences == []
    if any("explore(" in text(cell["source"]) for cell in saved):
        a_slider_moves_the_figure(page, axe, PICTURES / f"live-slider-{notebook.stem}.png")
    if notebook.stem.startswith("01"):
        an_exercise_answers_back(page)
    assert page.complaints == []


def a_slider_moves_the_figure(page, axe, picture):
    """Press an arrow key on the first slider: the picture below it is another one. Both can be told by a screen reader."""
    page.evaluate(SHOW, "explore(")
    handle = page.locator(".noUi-handle").first
    handle.wait_for()
    before = page.evaluate(SLIDER_PICTURE)
    value = handle.get_attribute("aria-valuetext")  # aria-valuenow has one decimal place
    handle.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function(f"before => ({SLIDER_PICTURE})() !== before", arg=before)
    assert page.locator(".noUi-handle").first.get_attribute("aria-valuetext") != value
    page.wait_for_timeout(1000)
    page.screenshot(path=picture)
    assert axe(page, ".jp-OutputArea:has(.noUi-handle)") == []


def an_exercise_answers_back(page):
    """A wrong formula, typed in place of the dots, is told what is wrong with it; the right one is accepted."""
    page.evaluate(SHOW, "answer = ...")
    wrong = answered(page, "answer = Sum((y_hat[i] - y[i])*x[i, k], (i, 1, n))")
    page.screenshot(path=PICTURES / "live-exercise-wrong.png")
    assert wrong.startswith("Not yet") and "a factor 2 is missing" in wrong, wrong
    right = answered(page, "answer = 2*Sum(x[i, k]*(y_hat[i] - y[i]), (i, 1, n))")
    page.screenshot(path=PICTURES / "live-exercise-right.png")
    assert right.startswith("Right"), right


def answered(page, line):
    """Type this line in place of the one that holds the answer, run the cell as a reader does, and return what it says."""
    page.locator(".jp-mod-active .cm-line", has_text="answer = ").first.click()
    page.keyboard.press("End")
    page.keyboard.press("Shift+Home")
    page.keyboard.type(line)
    page.keyboard.press("Escape")  # out of the list of completions, if there is one, or of the cell
    before = page.evaluate(f"() => {PANEL}.content.activeCell.model.executionCount")
    page.keyboard.press("Control+Enter")
    page.wait_for_function(f"before => (({PANEL}.content.activeCell.model.executionCount ?? before) !== before)", arg=before,
                           timeout=PATIENCE)
    page.wait_for_timeout(500)
    return page.evaluate(SAID)
