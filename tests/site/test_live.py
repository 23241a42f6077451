"""The notebooks in JupyterLite: opened one after the other in one profile, each with one Python,
and nothing frozen for ever.
"""

import json
import time

from conftest import MEASURED, NOTEBOOKS, PATIENCE, PICTURES, PUBLIC, text
from live_outputs import words

PANEL = "window.jupyterapp?.shell?.currentWidget"
OPEN = f"() => {PANEL}?.context?.isReady && {PANEL}.content?.model?.cells?.length > 1"
READY = f"""async () => {{
    const panel = {PANEL};
    await panel.sessionContext.ready;
    const kernel = panel.sessionContext.session.kernel;
    const answer = kernel.requestExecute({{code: '1', store_history: false}}).done;
    const never = new Promise(done => setTimeout(done, {PATIENCE}, 'no answer from the kernel'));
    return Promise.race([answer.then(given => given.content.status), never]);
}}"""
RUN = f"""async count => {{
    const {{content, sessionContext}} = {PANEL}, commands = window.jupyterapp.commands;
    await commands.execute('notebook:clear-all-cell-outputs');
    const code = content.widgets.flatMap((cell, place) => cell.model.type === 'code' ? [place] :
        []).slice(0, count);
    for (const place of code) {{
        content.activeCellIndex = place;
        await commands.execute('notebook:run-cell');
    }}
    return content.model.toJSON().cells.filter(cell => cell.cell_type === 'code').slice(0, count);
}}"""
FIRST = (
    6  # cells of each notebook that are run here; the pages run all of them with the same Python
)


def test_four_notebooks_in_one_profile_do_not_pile_up(visit, record_property):
    """Nothing is restored: the fourth starts as quickly as the first, with one worker, and its
    first cells show what is stored.
    """
    first, waits = visit("search.html"), []
    for notebook in NOTEBOOKS[:4]:
        page = first.context.new_page()
        start = time.perf_counter()
        page.goto(
            first.url.replace("search.html", f"lite/notebooks/index.html?path={notebook.name}")
        )
        page.wait_for_function(OPEN)
        readable = time.perf_counter() - start
        assert page.evaluate(READY) == "ok"
        waits.append(time.perf_counter() - start)
        record_property(
            MEASURED,
            f"JupyterLite {notebook.stem:30} readable {readable:.1f}, kernel ready {waits[-1]:.1f}",
        )
        assert page.evaluate("() => document.querySelectorAll('.jp-NotebookPanel').length") == 1
        assert len(page.workers) == 1
        ran = page.evaluate(RUN, FIRST)
        saved = [
            cell
            for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]
            if cell["cell_type"] == "code"
        ]
        assert [
            output for cell in ran for output in cell["outputs"] if output["output_type"] == "error"
        ] == []
        assert [words(cell) for cell in ran] == [words(cell) for cell in saved[:FIRST]]
        page.screenshot(path=PICTURES / f"live-{notebook.stem}.png")
        page.close()
    assert waits[-1] < 2 * waits[0] + 5


def test_what_a_browser_stores_belongs_to_one_edition():
    settings = json.loads((PUBLIC / "lite" / "jupyter-lite.json").read_text(encoding="utf-8"))[
        "jupyter-config-data"
    ]
    assert len(settings["contentsStorageName"].split()[-1]) == 12
    published = (PUBLIC / "lite" / "files" / NOTEBOOKS[0].name).read_text(encoding="utf-8")
    assert [text(cell["source"]) for cell in json.loads(published)["cells"]] == [
        text(cell["source"])
        for cell in json.loads(NOTEBOOKS[0].read_text(encoding="utf-8"))["cells"]
    ]
