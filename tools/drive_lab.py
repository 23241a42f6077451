"""Open notebooks in JupyterLab in a real Chromium, run all cells, and fail on any error.

    python tools/drive_lab.py [notebooks/00_start_here.ipynb ...] [--out FOLDER]

Works on a copy, so that JupyterLab's saving cannot touch the notebooks. Per notebook it checks
that every code cell ran, that no output is an error, that every equation was typeset, and that the
page asked no other machine for anything; and it writes pictures NAME-lab-01.png …
"""

import argparse
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

from browser import TEX_ERRORS, chromium
from playwright.sync_api import TimeoutError

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache"
WIDTH, HEIGHT = 1200, 1350
SECONDS = 1000  # playwright counts in milliseconds

PANEL = "window.jupyterapp && window.jupyterapp.shell.currentWidget"
READY = f"""() => {{
    const panel = {PANEL};
    return panel && panel.sessionContext?.session?.kernel?.status === 'idle'
        && window.jupyterapp.commands.hasCommand('notebook:clear-all-cell-outputs');
}}"""
RUN_ALL = f"""async () => {{
    const commands = window.jupyterapp.commands;
    await window.jupyterapp.restored;
    await ({PANEL}).context.ready;
    await commands.execute('notebook:clear-all-cell-outputs');
    await commands.execute('notebook:run-all-cells');
}}"""
FINISHED = f"""() => {{
    const panel = {PANEL};
    const code = panel.content.model.toJSON().cells.filter(c => c.cell_type === 'code');
    const failed = code.some(c => c.outputs.some(o => o.output_type === 'error'));
    const idle = panel.sessionContext.session.kernel.status === 'idle';
    return idle && (failed || code.every(c => c.execution_count));
}}"""
CELLS = f"() => {PANEL}.content.model.toJSON().cells.filter(c => c.cell_type === 'code')"
SCROLL_TO = f"""async top => {{
    const notebook = ({PANEL}).content;
    const view = notebook.node.querySelector('.jp-WindowedPanel-outer');
    view.scrollTop = top;
    await new Promise(done => setTimeout(done, 700));
    const end = notebook.widgets.at(-1).node;  // JupyterLab adds a screen of nothing after it
    const bottom = node => node.getBoundingClientRect().bottom;
    const reached = view.scrollTop + view.clientHeight;
    const last = reached >= view.scrollHeight - 2 || end.isConnected && bottom(end) <= bottom(view);
    return {{reached, last}};
}}"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("notebooks", nargs="*", type=Path)
    parser.add_argument("--out", type=Path, default=CACHE / "lab")
    options = parser.parse_args()
    notebooks = options.notebooks or sorted((ROOT / "notebooks").glob("*.ipynb"))
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        names = copy_notebooks(notebooks, Path(folder) / "notebooks")
        with jupyter_lab(Path(folder)) as address, chromium() as browser:
            results = [drive(browser, address, name, options.out) for name in names]
    return 0 if results and all(results) else 1


def copy_notebooks(notebooks, folder):
    """Copy the notebooks and the data beside them."""
    folder.mkdir()
    for notebook in notebooks:
        shutil.copy(notebook, folder)
        if (notebook.parent / "data").is_dir():
            shutil.copytree(notebook.parent / "data", folder / "data", dirs_exist_ok=True)
    return [notebook.name for notebook in notebooks]


@contextmanager
def jupyter_lab(folder):
    """A JupyterLab of its own on a free port, without the settings of whoever runs it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"]
    command += [f"--ServerApp.port={port}", "--ServerApp.port_retries=0"]
    command += [f"--ServerApp.root_dir={folder}", "--IdentityProvider.token="]
    command += ["--LabApp.expose_app_in_browser=True"]
    private = {name: str(folder / name.lower())
               for name in ["JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR"]}
    private |= {f"JUPYTERLAB_{name}_DIR": str(folder / name) for name in ["SETTINGS", "WORKSPACES"]}
    private |= {"OPENBLAS_NUM_THREADS": "1"}
    with open(folder / "lab.log", "w") as log:
        server = subprocess.Popen(command, env=os.environ | private, stdout=log, stderr=log)
    try:
        address = f"http://127.0.0.1:{port}"
        wait_for(address + "/api", server, folder / "lab.log")
        yield address
    finally:
        server.terminate()  # JupyterLab ends its kernels itself
        server.wait()


def wait_for(url, server, log, patience=60):
    for _ in range(patience * 5):
        try:
            urllib.request.urlopen(url, timeout=1).close()
            return
        except OSError:
            time.sleep(0.2)
        if server.poll() is not None:
            break
    sys.exit("JupyterLab did not start:\n" + log.read_text())


def drive(browser, address, name, out):
    """Run one notebook; print a line; return True if nothing was wrong."""
    context = browser.new_context(viewport={"width": WIDTH, "height": HEIGHT})
    page, foreign, start = context.new_page(), [], time.perf_counter()
    page.on("request", lambda request: note_foreign(request.url, address, foreign))
    stem = out / f"{Path(name).stem}-lab"
    try:
        page.goto(f"{address}/doc/tree/notebooks/{name}?reset")
        complaints = run_all_cells(page) + take_slices(page, stem) + foreign
    except TimeoutError:
        page.screenshot(path=f"{stem}-stuck.png")
        complaints = [f"  no answer in time: see {stem}-stuck.png"]
    context.close()
    print(f"{name}: {'FAILED' if complaints else 'ok'}, {time.perf_counter() - start:.1f} s")
    print("\n".join([*complaints, ""]), end="", flush=True)
    return not complaints


def run_all_cells(page):
    """Run them once the kernel is there; return what the cells complain of."""
    page.wait_for_function(READY, timeout=60 * SECONDS)
    page.evaluate(RUN_ALL)
    page.wait_for_function(FINISHED, timeout=180 * SECONDS)
    return cell_complaints(page.evaluate(CELLS))


def note_foreign(url, address, foreign):
    own = (address, address.replace("http", "ws", 1), "data:", "blob:")
    if not url.startswith(own):
        foreign.append(f"  asked another machine: {url}")


def cell_complaints(cells):
    counts = [cell["execution_count"] for cell in cells]
    complaints = ([] if counts == list(range(1, len(cells) + 1))
                  else [f"  execution counts {counts}"])
    for cell in cells:
        for output in cell["outputs"]:
            if output["output_type"] == "error":
                complaints.append(
                    f"  [{cell['execution_count']}] {output['ename']}: {output['evalue']}")
            if output.get("name") == "stderr":
                complaints.append(
                    f"  [{cell['execution_count']}] stderr: {''.join(output['text'])}")
    return complaints


def take_slices(page, stem):
    """Scroll through the notebook, one picture a screen; return what was not typeset."""
    for old in stem.parent.glob(f"{stem.name}-[0-9][0-9].png"):
        old.unlink()
    errors, top, last, number = [], 0, False, 0
    while not last:
        number += 1
        view = page.evaluate(SCROLL_TO, top)
        page.screenshot(path=f"{stem}-{number:02}.png")
        errors += [error for error in page.evaluate(TEX_ERRORS) if error not in errors]
        top, last = view["reached"] - 60, view["last"]  # a little overlap, so that no line is cut
    return ["  " + error for error in errors]


if __name__ == "__main__":
    sys.exit(main())
