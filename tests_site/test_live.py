"""Every notebook, executed in the browser from top to bottom: no error, and the same words and digits as natively."""

import json
import time

import pytest
from conftest import NOTEBOOKS, PICTURES, PUBLIC

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
    notebook.activeCellIndex = notebook.widgets.findIndex(cell => cell.model.sharedModel.getSource().includes(part));
    await notebook.scrollToItem(notebook.activeCellIndex, 'start');
    await new Promise(done => setTimeout(done, 1500));
}}"""
# The element may be a new one after each change, so it is looked up anew.
SLIDER_PICTURE = "() => document.querySelector('.noUi-handle').closest('.jp-OutputArea').querySelector('img').src"
# The first exercise of notebook 01 with this answer in place of the dots, and what its cell then says.
ANSWER = f"""async answer => {{
    const notebook = {PANEL}.content;
    const index = notebook.widgets.findIndex(cell => /answer = (\\.\\.\\.|.*#@)/.test(cell.model.sharedModel.getSource()));
    const source = notebook.widgets[index].model.sharedModel;
    source.setSource(source.getSource().replace(/answer = .*/, 'answer = ' + answer + '  #@'));
    notebook.activeCellIndex = index;
    await notebook.scrollToItem(index, 'start');
    await window.jupyterapp.commands.execute('notebook:run-cell');
    await new Promise(done => setTimeout(done, 500));
    return notebook.widgets[index].model.outputs.toJSON().map(output => [output.text ?? output.evalue].flat().join('')).join('');
}}"""


def open_live(visit, notebook, **options):
    page = visit(f"lite/lab/index.html?path={notebook.name}", **options)
    page.wait_for_function(OPEN, timeout=60_000)
    return page


def text(value):
    return "".join(value) if isinstance(value, list) else value


def words(cell):
    """What a cell says: its printed text and every output but pictures and widgets, in order."""
    printed, shown = "", []
    for output in cell["outputs"]:
        if output["output_type"] == "stream":
            printed += text(output["text"])
        else:
            data = output.get("data", {})
            shown.append({kind: text(data[kind]) for kind in ("text/plain", "text/markdown", "text/latex") if kind in data})
    return printed, shown


def pictures(cell):
    return sum("image/png" in output.get("data", {}) for output in cell["outputs"])


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs_in_the_browser(visit, notebook, capsys):
    start = time.perf_counter()
    page = open_live(visit, notebook)
    readable = time.perf_counter() - start
    assert page.evaluate(READY) == "ok"
    ready = time.perf_counter() - start
    page.evaluate(RUN)
    run = time.perf_counter() - start
    page.screenshot(path=PICTURES / f"live-{notebook.stem}.png")
    with capsys.disabled():
        print(f"\n  {notebook.stem}: readable {readable:.1f} s, kernel ready {ready:.1f} s, all cells run {run:.1f} s", end=" ")

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
    if notebook.stem.startswith("01"):
        a_slider_moves_the_figure(page)
        an_exercise_answers_back(page)
    assert page.complaints == []


def a_slider_moves_the_figure(page):
    """Press an arrow key on the first slider: the picture below it is another one."""
    page.evaluate(SHOW, "explore(")
    handle = page.locator(".noUi-handle").first
    handle.wait_for(timeout=20_000)
    before = page.evaluate(SLIDER_PICTURE)
    handle.focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    page.wait_for_function(f"before => ({SLIDER_PICTURE})() !== before", arg=before, timeout=30_000)
    page.wait_for_timeout(1000)
    page.screenshot(path=PICTURES / "live-slider.png")


def an_exercise_answers_back(page):
    """A wrong formula is told what is wrong with it; the right one is accepted."""
    wrong = page.evaluate(ANSWER, "Sum((y_hat[i] - y[i])*x[i, k], (i, 1, n))")
    page.screenshot(path=PICTURES / "live-exercise-wrong.png")
    assert wrong.startswith("Not yet."), wrong
    right = page.evaluate(ANSWER, "2*Sum(x[i, k]*(y_hat[i] - y[i]), (i, 1, n))")
    page.screenshot(path=PICTURES / "live-exercise-right.png")
    assert right.startswith("Right:"), right
