"""A deck of slides from each notebook, for a lecture room without network: python tools/site_slides.py [--out public/slides]

Which cells stand on which slide, slide_plan.py works out from the cells.
"""

import argparse
import html
import json
import shutil
from pathlib import Path

import site_runtime
from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin
from site_build import title
from slide_plan import BELOW, SKIPPED, SLIDE, kinds, slides, text

ROOT = Path(__file__).resolve().parent.parent
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="favicon.svg">
<link rel="stylesheet" href="reveal/reset.css">
<link rel="stylesheet" href="reveal/reveal.css">
<link rel="stylesheet" href="reveal/theme/white.css">
<link rel="stylesheet" href="slides.css">
</head>
<body>
<div class="reveal"><div class="slides">
{slides}
</div></div>
<script src="reveal/reveal.js"></script>
<script>window.MathJax = {{startup: {{typeset: false}}, svg: {{fontCache: 'global'}}}};</script>
<script src="tex-svg.js"></script>
<script src="slides.js"></script>
</body>
</html>
"""


def markdown():
    reader = MarkdownIt("commonmark", {"html": True}).enable("table")
    return reader.use(dollarmath_plugin, double_inline=True, renderer=equation).render


def equation(latex, options):
    form = r"\[%s\]" if options["display_mode"] else r"\(%s\)"
    return html.escape(form % latex)


def slides_of(notebook):
    """[[html of a slide, of the slide below it, …], …] of a notebook, as slide_plan arranges its cells."""
    render, columns = markdown(), []
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    for cell, kind in zip(cells, kinds(cells), strict=True):
        if kind == SKIPPED:
            continue
        if kind == SLIDE or not columns:
            columns.append([""])
        elif kind == BELOW:
            columns[-1].append("")
        first, *further = [
            "".join(part_html(part, render) for part in slide) for slide in slides(cell)
        ]
        columns[-1][-1] += first
        columns[-1] += further
    return columns


def part_html(part, render):
    if part.kind == "markdown":
        return render(part.content)
    if part.kind == "picture":
        data, about = part.content["data"], part.content["metadata"]["image/png"]
        return f'<img src="data:image/png;base64,{text(data["image/png"]).strip()}" alt="{html.escape(about["alt"])}">'
    if part.kind == "code":
        return f"<pre><code>{html.escape(part.content)}</code></pre>"
    return f"<pre><samp>{html.escape(part.content)}</samp></pre>"


def deck(notebook):
    def section(*parts):
        return f"<section>{''.join(parts)}</section>"

    slides = [section(*map(section, column)) for column in slides_of(notebook)]
    return PAGE.format(title=html.escape(title(notebook)), slides="\n".join(slides))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "public" / "slides")
    out = parser.parse_args().out
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    site_runtime.npm_folder("reveal.js", "dist", out / "reveal")
    shutil.rmtree(out / "reveal" / "plugin", ignore_errors=True)
    (out / "tex-svg.js").write_bytes(site_runtime.npm_file("mathjax", "es5/tex-svg.js"))
    for name in ["slides.css", "slides.js", "favicon.svg"]:
        shutil.copy(ROOT / "site" / "_static" / name, out)
    for notebook in sorted((ROOT / "notebooks").glob("[0-9]*.ipynb")):
        (out / f"{notebook.stem}.html").write_text(deck(notebook), encoding="utf-8")
        print(f"{out / notebook.stem}.html: {sum(map(len, slides_of(notebook)))} slides")


if __name__ == "__main__":
    main()
