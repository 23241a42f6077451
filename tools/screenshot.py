"""Render notebooks to HTML and take pictures of them in slices that a person can read.

    python tools/screenshot.py notebooks/00_start_here.ipynb [more.ipynb] [--out FOLDER]

Uses the saved outputs; nothing is executed. MathJax comes from npm, once, so the network may be
closed.
"""

import argparse
import mimetypes
import subprocess
import sys
import tarfile
from pathlib import Path
from urllib.parse import urlsplit

from browser import TEX_ERRORS, chromium, slices
from nbconvert import HTMLExporter

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache"
MATHJAX = "mathjax@2.7.9"  # the series that nbconvert's pages load
PAGE = "http://notebook.test/"  # the one address of the page itself, answered below
WIDTH, HEIGHT = 1100, 1400

TYPESET = """() => new Promise(done => window.MathJax && MathJax.Hub
    ? MathJax.Hub.Queue(() => done(true)) : done(false))"""
TOPS = """() => [...document.querySelectorAll('.jp-Cell')]
    .map(cell => Math.floor(cell.getBoundingClientRect().top + window.scrollY))"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("notebooks", nargs="+", type=Path)
    parser.add_argument("--out", type=Path, default=CACHE / "screenshots")
    parser.add_argument("--width", type=int, default=WIDTH)
    parser.add_argument("--dark", action="store_true")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    fetch_mathjax()
    with chromium() as browser:
        results = [photograph(browser, notebook, options) for notebook in options.notebooks]
    return 0 if all(results) else 1


def photograph(browser, notebook, options):
    """Write NAME.html and NAME-01.png … ; return False if an equation was not typeset."""
    html = render(notebook, "dark" if options.dark else "light")
    (options.out / f"{notebook.stem}.html").write_text(html, encoding="utf-8")
    page = browser.new_page(viewport={"width": options.width, "height": HEIGHT})
    page.route("**/*", lambda route: answer(route, html))
    page.goto(PAGE)
    errors = typeset(page)
    pictures = take_slices(page, options.out / notebook.stem)
    page.close()
    print(f"{notebook.name}: {pictures} pictures in {options.out}", *errors, sep="\n  ", flush=True)
    return not errors


def render(notebook, theme):
    html, _ = HTMLExporter(theme=theme).from_filename(str(notebook))
    return html.replace("latest.js?", "MathJax.js?")  # latest.js only looks for a newer version


def typeset(page):
    """Wait until MathJax has nothing left to do; return the complaints."""
    page.wait_for_load_state("networkidle")
    if not page.evaluate(TYPESET):
        return ["MathJax did not load"]
    return page.evaluate(TEX_ERRORS)


def take_slices(page, stem):
    bottom = page.evaluate("() => document.documentElement.scrollHeight")
    width = page.viewport_size["width"]
    for old in stem.parent.glob(f"{stem.name}-[0-9][0-9].png"):
        old.unlink()
    number = 0
    for number, (start, end) in enumerate(slices(page.evaluate(TOPS), bottom, HEIGHT), 1):
        box = {"x": 0, "y": start, "width": width, "height": end - start}
        page.screenshot(path=f"{stem}-{number:02}.png", full_page=True, clip=box)
    return number


def answer(route, html):
    """Serve the page and MathJax; let nothing else out."""
    if route.request.url == PAGE:
        route.fulfill(body=html, content_type="text/html; charset=utf-8")
        return
    _, found, inside = urlsplit(route.request.url).path.partition("/mathjax/2.7.7/")
    file = CACHE / "mathjax" / "package" / inside
    if found and file.is_file():
        kind = mimetypes.guess_type(file.name)[0]
        # Fonts of another address are refused without this header.
        headers = {"Access-Control-Allow-Origin": "*"}
        route.fulfill(path=file, content_type=kind, headers=headers)
    else:
        route.abort()


def fetch_mathjax():
    """Unpack MathJax into the cache folder, once."""
    folder = CACHE / "mathjax"
    if (folder / "package" / "MathJax.js").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    command = ["npm", "pack", "--silent", MATHJAX]
    output = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout
    archive = folder / output.split()[-1]
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    archive.unlink()


if __name__ == "__main__":
    sys.exit(main())
