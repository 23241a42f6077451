"""Build the whole site: reading pages, and the same notebooks live in the browser.

    python tools/site_build.py [--out public] [--pyodide DIR]

The result is a folder of static files that any web server can hand out, and that asks no other host
for anything.
"""

import argparse
import ast
import html
import io
import json
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

import nbformat
import site_reference
import site_runtime
from site_compile import BUNDLES

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(1, str(ROOT / "site"))
from kernel import page_kernel  # noqa: E402

SITE = ROOT / "site"
WORK = ROOT / ".cache" / "site" / "build"
TRIED = "0.5"  # the derivation of the first notebook that the visitor of the start page can break
PYODIDE = "lite/static/pyodide/"  # from the root of the site; JupyterLite and the pages share it
# What a page imports before its first cell; what only once something of it is used; and what a
# notebook, which draws, imports meanwhile.
IMPORTS = {
    "imports": ["derivations", "exercises"],
    "lazy": ["helpers.figures"],
    "early": ["matplotlib.figure", "matplotlib.backends.backend_agg", "PIL.Image"],
}
UTILITIES = ["decorators", "py3compat", "__init__", "encoding", "docs"]
PRETTY = ["IPython/lib/pretty.py", *(f"IPython/utils/{name}.py" for name in UTILITIES)]
# An icon in the theme's script: its name, size, other names, code and strokes.
ICON = re.compile(
    r'"?([\w-]+)"?:\[\d+,\d+,\[([^\]]*)\],"[0-9a-f]+",(?:"[^"]*"|\[[^\]]*\])\],?'
)
LOCAL_PYODIDE = "./static/pyodide/pyodide.mjs"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "public")
    parser.add_argument("--pyodide", **site_runtime.DISTRIBUTION)
    parser.add_argument("--pages-only", action="store_true", help="without JupyterLite and Python")
    options = parser.parse_args()
    notebooks = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
    options.out.mkdir(exist_ok=True)
    with ThreadPoolExecutor() as both:  # they run programs beside each other
        parts = [both.submit(timed, "reading pages", build_pages, notebooks, options.out)]
        if not options.pages_only:
            lite = (notebooks, options.out / "lite", options.pyodide)
            parts.append(both.submit(timed, "JupyterLite", build_lite, *lite))
    for part in parts:
        part.result()
    add_runner(options.out)
    files = [path for path in options.out.rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in files) / 1e6
    print(f"{options.out}: {len(files)} files, {size:.0f} MB")


def timed(name, build, *given):
    started = time.perf_counter()
    build(*given)
    print(f"{name}: {time.perf_counter() - started:.0f} s", flush=True)


# ---------------------------------------------------------------- reading pages


def build_pages(notebooks, out):
    """Stage index and notebooks in one folder and let Sphinx, which treats a warning as an error,
    make pages of them.
    """
    staged = fresh(WORK / "pages")
    shutil.copytree(SITE / "_static", staged / "_static")
    mathjax = staged / "_static" / "mathjax"
    for name in ("tex-svg.js", "input/tex/extensions/html.js"):  # the second knows links
        (mathjax / name).parent.mkdir(parents=True, exist_ok=True)
        (mathjax / name).write_bytes(site_runtime.npm_file("mathjax", f"es5/{name}"))
    numbered = equations(notebooks)
    (staged / "_static" / "equations.json").write_text(json.dumps(numbered), encoding="utf-8")
    reference = site_reference.stage(staged, notebooks, numbered, repository())
    (staged / "index.md").write_text(start_page(notebooks, reference), encoding="utf-8")
    for notebook in notebooks:
        shutil.copy(notebook, staged)
    shutil.rmtree(WORK / "doctrees", ignore_errors=True)
    for old in out.glob("*"):
        if old.name not in ("lite", "slides"):
            shutil.rmtree(old) if old.is_dir() else old.unlink()
    options = ["-b", "html", "-W", "--keep-going", "-q", "-c", SITE, "-d", WORK / "doctrees"]
    # html_static_path is relative to the settings; MathJax is no file of the repository.
    options += ["-D", f"html_static_path={staged / '_static'}"]
    options += ["-D", f"html_favicon={staged / '_static' / 'favicon.svg'}"]
    sphinx = [sys.executable, "-m", "sphinx", *map(str, options), str(staged), str(out)]
    subprocess.run(sphinx, check=True)
    keep_icons(out)
    # Pictures that Sphinx has copied by now.
    shutil.rmtree(out.parent / "jupyter_execute", ignore_errors=True)
    worker = (SITE / "sw.js").read_text(encoding="utf-8").replace("@EDITION@", edition(notebooks))
    (out / "sw.js").write_text(worker, encoding="utf-8")
    (out / ".nojekyll").touch()  # else GitHub Pages leaves out every folder with an underscore


def keep_icons(out):
    """Of the theme's two thousand icons those that a page shows: a page loads 1.5 MB less."""
    pages = "".join(page.read_text(encoding="utf-8") for page in out.glob("*.html"))
    used = set(re.findall(r"\bfa-([\w-]+)", pages))
    script = out / "_static" / "scripts" / "fontawesome.js"

    def kept(icon):
        names = {icon[1], *re.findall(r'"([^"]+)"', icon[2])}
        return icon[0] if names & used else ""

    script.write_text(ICON.sub(kept, script.read_text(encoding="utf-8")), encoding="utf-8")


def add_runner(out):
    """What runs in a page: the kernel's Python as one archive, named by its content, a reader of
    Markdown, and the list of what Python loads, if that is there.
    """
    folder, content, bundles = out / "_static" / "run", kernel_archive(), out / PYODIDE / BUNDLES
    name = f"kernel-{site_runtime.sha256(content)[:12]}.zip"
    (folder / name).write_bytes(content)
    reader = site_runtime.npm_file("markdown-it", "dist/markdown-it.min.js")
    (folder / "markdown-it.js").write_bytes(reader)
    settings = {"kernel": name, "pyodide": PYODIDE, **IMPORTS}
    if bundles.exists():
        settings |= read_json(bundles)
    (folder / "settings.json").write_text(json.dumps(settings), encoding="utf-8")


def kernel_archive():
    """site/kernel, with the one file of IPython that it uses as it is."""
    files = {
        path.relative_to(SITE / "kernel").as_posix(): path.read_bytes()
        for path in sorted((SITE / "kernel").rglob("*.py"))
    }
    ipython, _ = site_runtime.pure_wheels()["ipython"]
    with zipfile.ZipFile(ipython) as wheel:
        files |= {name: wheel.read(name) for name in PRETTY}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return buffer.getvalue()


def equations(notebooks):
    """{number: where it stands, and its LaTeX} of every numbered equation that a notebook shows."""
    found = {}
    for notebook in notebooks:
        about = {
            "page": notebook.stem,
            "title": f"{notebook.stem[:2]} {title(notebook).partition(': ')[0]}",
        }
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
        texts = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
        texts += [
            "".join(output.get("data", {}).get("text/markdown", ""))
            for _, output in outputs([notebook])
        ]
        shown = re.findall(r"\$\$(.+?)\$\$", "\n".join(texts), re.DOTALL)
        for kind in (tagged, summed_up):  # where it is proved, rather than where it is listed
            for number, latex in (pair for each in shown for pair in kind(each)):
                found.setdefault(number, about | {"latex": latex})
    return found


def tagged(latex):
    r"""[(number, LaTeX)] of an equation with a \tag, else []."""
    tag = re.search(r"\\tag\{([\d.]+)\}", latex)
    return [(tag[1], latex.strip())] if tag else []


def summed_up(latex):
    """[(number, LaTeX)] of each line of a Summary, which has its number as a last column."""
    lines = latex.replace(r"\begin{aligned}", "").replace(r"\end{aligned}", "").split(r"\\[5pt]")
    numbers = [re.search(r"&& \\quad \(([\d.]+)\)\s*$", line) for line in lines]
    return [
        (at[1], rf"\begin{{aligned}}{line[:at.start()].strip()}\end{{aligned}}\tag{{{at[1]}}}")
        for line, at in zip(lines, numbers)
        if at
    ]


def repository():
    """Where the collection is published, as pyproject.toml says."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project["urls"]["Repository"]


def start_page(notebooks, reference):
    template = (SITE / "index.md").read_text(encoding="utf-8")
    first = notebooks[0]
    rows = [table_row(notebook) for notebook in notebooks]
    table = "| | notebook | the question | | |\n|---|---|---|---|---|\n" + "\n".join(rows)
    values = {
        "TRIAL": trial(notebooks[0], TRIED),
        "TABLE": table,
        "FIRST_PAGE": f"{first.stem}.html",
        "FIRST_RUN": run_address(first.name),
        "TOCTREE": "\n".join(
            f"{notebook.stem[:2]} {title(notebook).partition(': ')[0]} <{notebook.stem}>"
            for notebook in notebooks
        ),
        "REFERENCE": "\n".join(f"{words} <{name}>" for name, words in reference.items()),
    }
    return re.sub(r"@([A-Z_]+)@", lambda match: values[match[1]], template)


def stated(notebook, number):
    """The cell that states the derivation of this number: (place among the code cells, cell, what
    it shows).
    """
    for place, cell in enumerate(code_cells(notebook)):
        for output in cell["outputs"]:
            shown = "".join(output.get("data", {}).get("text/markdown", ""))
            if rf"\tag{{{number}}}" in shown:
                return place, cell, shown
    sys.exit(
        f"{notebook.name} does not show the derivation ({number}) that the start page quotes: "
        "run make notebooks"
    )


def code_cells(notebook):
    return [cell for cell in read_json(notebook)["cells"] if cell["cell_type"] == "code"]


def trial(notebook, number):
    """A derivation that the visitor can break: its cell, and before it, folded, the statements of
    its notebook that it needs.
    """
    place, cell, shown = stated(notebook, number)
    sources = ["".join(each["source"]) for each in code_cells(notebook)]
    return runnable("set-up", needed_statements(sources, place), folded=True) + runnable(
        "trial", sources[place], shown
    )


def needed_statements(sources, place):
    """Of the cells above a place, the statements that it needs; an import brings the names that are
    used, and no other.
    """
    statements = [statement for source in sources[:place] for statement in ast.parse(source).body]
    texts = [*map(ast.unparse, statements), sources[place]]
    kept = [statements[each] for each in page_kernel.needed(texts, len(statements))]
    nodes = (node for tree in [*kept, ast.parse(sources[place])] for node in ast.walk(tree))
    used = {node.id for node in nodes if isinstance(node, ast.Name)}
    for statement in kept:
        if isinstance(statement, ast.Import | ast.ImportFrom):
            names = [name for name in statement.names if (name.asname or name.name) in used]
            statement.names = names
    return "\n".join(map(ast.unparse, kept))


def runnable(name, source, shown="", folded=False):
    """A cell for a page that is no notebook, as myst-nb would write it."""
    code = f"```python\n{source}\n```"
    if folded:
        begin = '<details class="hide above-input"><summary>Show what it needs</summary>'
        code = f"{begin}\n\n{code}\n\n</details>"
    output = f'<div class="cell_output docutils container">\n\n{shown}\n\n</div>' if shown else ""
    begin = f'<div class="cell" id="cell-{name}"><div class="cell_input">'
    return f"{begin}\n\n{code}\n\n</div>\n{output}</div>\n\n"


def outputs(notebooks):
    for notebook in notebooks:
        for cell in code_cells(notebook):
            yield from ((notebook, output) for output in cell["outputs"])


def table_row(notebook):
    """One line of the start page: number, title, the question that the title asks, and the ways to
    run and to show it.
    """
    topic, _, question = title(notebook).partition(": ")
    name = html.escape(topic)
    run = f'<a href="{run_address(notebook.name)}" aria-label="Run {name}">Run</a>'
    slides = f'<a href="slides/{notebook.stem}.html" aria-label="Slides of {name}">Slides</a>'
    question = question[:1].upper() + question[1:]
    return f"| {notebook.stem[:2]} | [{topic}]({notebook.name}) | {question} | {run} | {slides} |"


def title(notebook):
    """The first heading of a notebook."""
    for cell in read_json(notebook)["cells"]:
        heading = re.search(r"^# (.+)", "".join(cell["source"]), re.MULTILINE)
        if cell["cell_type"] == "markdown" and heading:
            return heading[1].strip()
    raise SystemExit(f"{notebook.name} has no heading of the first level")


def run_address(name):
    return f"lite/notebooks/index.html?path={quote(name)}"


def read_json(path):
    return json.loads(path.read_text(encoding="utf-8"))


def fresh(folder):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


# ---------------------------------------------------------------- JupyterLite


def build_lite(notebooks, out, pyodide=None):
    """JupyterLite with Pyodide beside it. Always from nothing: a second build into one folder would
    go back to a CDN.
    """
    folder = fresh(WORK / "lite")
    (folder / "jupyter-lite.json").write_text(lite_settings(notebooks), encoding="utf-8")
    (folder / "contents").mkdir()
    # In memory texts are whole: JupyterLite would hand lines to its table of contents.
    for notebook in notebooks:
        content = json.dumps(nbformat.read(notebook, as_version=4), ensure_ascii=False)
        (folder / "contents" / notebook.name).write_text(content, encoding="utf-8")
    ignored = shutil.ignore_patterns(".*")
    shutil.copytree(ROOT / "notebooks" / "data", folder / "contents" / "data", ignore=ignored)
    site_runtime.assemble(folder / "static" / "pyodide", pyodide)
    shutil.rmtree(out, ignore_errors=True)
    options = "--no-sourcemaps --apps notebooks --apps tree --contents contents --output-dir"
    command = [sys.executable, "-m", "jupyter", "lite", "build", *options.split(), out.resolve()]
    environment = os.environ | {"JUPYTER_NO_CONFIG": "1", "SOURCE_DATE_EPOCH": last_change()}
    built = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    if built.returncode:
        sys.exit(built.stdout + built.stderr)
    plugins = read_json(out / "jupyter-lite.json")["jupyter-config-data"]["litePluginSettings"]
    if plugins["@jupyterlite/pyodide-kernel-extension:kernel"].get("pyodideUrl") != LOCAL_PYODIDE:
        sys.exit("this JupyterLite would load Python from another host")
    for listing in (out / "api" / "contents").rglob("all.json"):
        listing.write_text(json.dumps(as_bytes(read_json(listing))), encoding="utf-8")
    shutil.copy(SITE / "live.js", out)
    page = out / "notebooks" / "index.html"
    added = '<link rel="icon" href="favicon.ico"><script defer src="../live.js"></script></head>'
    page.write_text(page.read_text(encoding="utf-8").replace("</head>", added, 1), encoding="utf-8")


def lite_settings(notebooks):
    """JupyterLite's settings. What a browser stores belongs to one edition: a notebook looked at
    once is saved there, and would for ever be shown instead of a corrected one.
    """
    settings = read_json(SITE / "jupyter-lite.json")
    settings["jupyter-config-data"]["contentsStorageName"] = f"Backpropagation {edition(notebooks)}"
    return json.dumps(settings)


def edition(notebooks):
    """A name for these notebooks as they are."""
    return site_runtime.sha256(b"".join(notebook.read_bytes() for notebook in notebooks))[:12]


def last_change():
    """The date of the files, in seconds: that of the last commit, so that one commit gives one
    site.
    """
    command = ["git", "log", "-1", "--format=%ct"]
    asked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    return asked.stdout.strip() or str(int(time.time()))


def as_bytes(listing):
    """The list of a folder in which JupyterLite takes no compressed text for text, which would
    garble it on reading.
    """
    for entry in listing["content"]:
        if entry["name"].endswith(".gz"):
            entry["mimetype"] = "application/gzip"
    return listing


if __name__ == "__main__":
    try:
        main()
    except site_runtime.WrongContent as error:
        sys.exit(str(error))
