"""Build the whole site: reading pages, and the same notebooks live in the browser.

    python tools/site_build.py [--out public] [--pyodide DIR]

The result is a folder of static files that any web server can hand out, and that asks no other host for anything.
"""

import argparse
import base64
import html
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import quote

import nbformat
import site_runtime

ROOT = Path(__file__).resolve().parent.parent
SITE = ROOT / "site"
WORK = ROOT / ".cache" / "site" / "build"
LOCAL_PYODIDE = "./static/pyodide/pyodide.mjs"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "public")
    parser.add_argument("--pyodide", type=Path, metavar="DIR", help="an official Pyodide distribution to take the wheels from")
    parser.add_argument("--pages-only", action="store_true", help="leave out the part that runs (for work on the pages)")
    options = parser.parse_args()
    notebooks = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
    started = time.perf_counter()
    build_pages(notebooks, options.out)
    print(f"{len(notebooks)} reading pages: {time.perf_counter() - started:.0f} s", flush=True)
    if not options.pages_only:
        started = time.perf_counter()
        build_lite(notebooks, options.out / "lite", options.pyodide)
        print(f"JupyterLite: {time.perf_counter() - started:.0f} s", flush=True)
    files = [path for path in options.out.rglob("*") if path.is_file()]
    print(f"{options.out}: {len(files)} files, {sum(path.stat().st_size for path in files) / 1e6:.0f} MB")


# ---------------------------------------------------------------- reading pages


def build_pages(notebooks, out):
    """Stage index and notebooks in one folder and let Sphinx, which treats a warning as an error, make pages of them."""
    staged = fresh(WORK / "pages")
    shutil.copytree(SITE / "_static", staged / "_static")
    (staged / "index.md").write_text(start_page(notebooks, staged), encoding="utf-8")
    mathjax = staged / "_static" / "mathjax"
    mathjax.mkdir()
    (mathjax / "tex-svg.js").write_bytes(site_runtime.npm_file("mathjax", "es5/tex-svg.js"))
    for notebook in notebooks:
        shutil.copy(notebook, staged)
    shutil.rmtree(WORK / "doctrees", ignore_errors=True)
    for old in out.glob("*"):
        if old.name not in ("lite", "slides"):
            shutil.rmtree(old) if old.is_dir() else old.unlink()
    options = ["-b", "html", "-W", "--keep-going", "-q", "-c", SITE, "-d", WORK / "doctrees"]
    # html_static_path is relative to the settings; MathJax is no file of the repository.
    options += ["-D", f"html_static_path={staged / '_static'}", "-D", f"html_favicon={staged / '_static' / 'favicon.svg'}"]
    subprocess.run([sys.executable, "-m", "sphinx", *map(str, options), str(staged), str(out)], check=True)
    shutil.rmtree(out.parent / "jupyter_execute", ignore_errors=True)  # pictures that Sphinx has copied by now
    (out / ".nojekyll").touch()  # else GitHub Pages leaves out every folder with an underscore


def start_page(notebooks, staged):
    template = (SITE / "index.md").read_text(encoding="utf-8")
    first = notebooks[0]
    rows = [table_row(notebook) for notebook in notebooks]
    table = "| | notebook | the question | | |\n|---|---|---|---|---|\n" + "\n".join(rows)
    values = {"DERIVATION": derivation(notebooks, "1.4"), "FIGURE": figure(notebooks, "01_", staged), "TABLE": table,
              "FIRST_PAGE": f"{first.stem}.html", "FIRST_RUN": run_address(first.name),
              "TOCTREE": "\n".join(notebook.stem for notebook in notebooks)}
    return re.sub(r"@([A-Z_]+)@", lambda match: values[match[1]], template)


def derivation(notebooks, number):
    """The stored output that shows the derivation of this number."""
    for _, output in outputs(notebooks):
        shown = "".join(output.get("data", {}).get("text/markdown", ""))
        if rf"\tag{{{number}}}" in shown:
            return shown
    sys.exit(f"no notebook shows the derivation ({number}) that the start page quotes: run make notebooks")


def figure(notebooks, beginning, staged):
    """The first figure of one notebook, as the start page shows it: what the derivation beside it does."""
    for notebook, output in outputs(notebooks):
        if notebook.name.startswith(beginning) and "image/png" in output.get("data", {}):
            (staged / "_static" / "start.png").write_bytes(base64.b64decode("".join(output["data"]["image/png"])))
            about = {name: html.escape(str(value)) for name, value in output["metadata"]["image/png"].items()}
            image = '<img src="_static/start.png" width="{width}" height="{height}" alt="{alt}">'.format_map(about)
            return f"<figure>{image}<figcaption>The same equation, as one line of NumPy, at work.</figcaption></figure>"
    sys.exit(f"notebook {beginning} shows no figure")


def outputs(notebooks):
    for notebook in notebooks:
        for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
            yield from ((notebook, output) for output in cell.get("outputs", []))


def table_row(notebook):
    """One line of the start page: number, title, the question that the title asks, and the ways to run and to show it."""
    topic, _, question = title(notebook).partition(": ")
    name = html.escape(topic)
    run = f'<a href="{run_address(notebook.name)}" aria-label="Run {name}">Run</a>'
    slides = f'<a href="slides/{notebook.stem}.html" aria-label="Slides of {name}">Slides</a>'
    return f"| {notebook.stem[:2]} | [{topic}]({notebook.name}) | {question[:1].upper() + question[1:]} | {run} | {slides} |"


def title(notebook):
    """The first heading of a notebook."""
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        heading = re.search(r"^# (.+)", "".join(cell["source"]), re.MULTILINE)
        if cell["cell_type"] == "markdown" and heading:
            return heading[1].strip()
    raise SystemExit(f"{notebook.name} has no heading of the first level")


def run_address(name):
    return f"lite/notebooks/index.html?path={quote(name)}"


def fresh(folder):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


# ---------------------------------------------------------------- JupyterLite


def build_lite(notebooks, out, pyodide=None):
    """JupyterLite with Pyodide beside it. Always from nothing: a second build into one folder would go back to a CDN."""
    folder = fresh(WORK / "lite")
    (folder / "jupyter-lite.json").write_text(lite_settings(notebooks), encoding="utf-8")
    (folder / "contents").mkdir()
    for notebook in notebooks:  # in memory texts are not split into lines, which JupyterLite would hand to its table of contents
        content = json.dumps(nbformat.read(notebook, as_version=4), ensure_ascii=False)
        (folder / "contents" / notebook.name).write_text(content, encoding="utf-8")
    ignored = shutil.ignore_patterns(".*")
    shutil.copytree(ROOT / "notebooks" / "data", folder / "contents" / "data", ignore=ignored)
    site_runtime.assemble(folder / "static" / "pyodide", pyodide)
    shutil.rmtree(out, ignore_errors=True)
    command = ["-m", "jupyter", "lite", "build", "--contents", "contents", "--output-dir", str(out.resolve())]
    command += ["--no-sourcemaps", "--apps", "notebooks", "--apps", "tree"]
    environment = os.environ | {"JUPYTER_NO_CONFIG": "1", "SOURCE_DATE_EPOCH": last_change()}
    built = subprocess.run([sys.executable, *command], cwd=folder, env=environment, capture_output=True, text=True)
    if built.returncode:
        sys.exit(built.stdout + built.stderr)
    kernel = json.loads((out / "jupyter-lite.json").read_text(encoding="utf-8"))["jupyter-config-data"]["litePluginSettings"]
    if kernel["@jupyterlite/pyodide-kernel-extension:kernel"].get("pyodideUrl") != LOCAL_PYODIDE:
        sys.exit("this JupyterLite would load Python from another host")
    for listing in (out / "api" / "contents").rglob("all.json"):
        listing.write_text(json.dumps(as_bytes(json.loads(listing.read_text(encoding="utf-8")))), encoding="utf-8")
    shutil.copy(SITE / "live.js", out)
    page = out / "notebooks" / "index.html"
    added = '<link rel="icon" href="favicon.ico"><script defer src="../live.js"></script></head>'
    page.write_text(page.read_text(encoding="utf-8").replace("</head>", added, 1), encoding="utf-8")


def lite_settings(notebooks):
    """JupyterLite's settings. What a browser stores belongs to one edition: a notebook looked at once is saved there, and would
    for ever be shown instead of a corrected one."""
    settings = json.loads((SITE / "jupyter-lite.json").read_text(encoding="utf-8"))
    edition = site_runtime.sha256(b"".join(notebook.read_bytes() for notebook in notebooks))[:12]
    settings["jupyter-config-data"]["contentsStorageName"] = f"Backpropagation {edition}"
    return json.dumps(settings)


def last_change():
    """The date of the files, in seconds: that of the last commit, so that one commit gives one site."""
    asked = subprocess.run(["git", "log", "-1", "--format=%ct"], cwd=ROOT, capture_output=True, text=True)
    return asked.stdout.strip() or str(int(time.time()))


def as_bytes(listing):
    """The list of a folder in which JupyterLite takes no compressed text for text, which would garble it on reading."""
    for entry in listing["content"]:
        if entry["name"].endswith(".gz"):
            entry["mimetype"] = "application/gzip"
    return listing


if __name__ == "__main__":
    try:
        main()
    except site_runtime.WrongContent as error:
        sys.exit(str(error))
