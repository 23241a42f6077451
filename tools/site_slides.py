"""A deck of slides from each notebook, for a lecture room without network: python tools/site_slides.py [--out public/slides]

A section begins a column of slides; each text with the code and the figure that follow it is one of them, a step down.
Cells may say otherwise in their `slideshow` metadata (slide, subslide, fragment, skip, notes), as in Jupyter.
"""

import argparse
import html
import json
import re
import shutil
from pathlib import Path

import site_runtime
from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin
from site_build import title

ROOT = Path(__file__).resolve().parent.parent
LONGEST_CODE = 8  # lines; longer code stays in the notebook
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


def text(value):
    return "".join(value) if isinstance(value, list) else value


def markdown():
    reader = MarkdownIt("commonmark", {"html": True}).enable("table")
    return reader.use(dollarmath_plugin, double_inline=True, renderer=equation).render


def equation(latex, options):
    form = r"\[%s\]" if options["display_mode"] else r"\(%s\)"
    return html.escape(form % latex)


def slides_of(notebook):
    """[[html of a slide, of the slide below it, …], …] of a notebook."""
    render, columns, before = markdown(), [], ""
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        kind = cell["metadata"].get("slideshow", {}).get("slide_type", "")
        for position, (step, shown) in enumerate(parts(cell, render)):
            step = kind if kind and not position else step
            if step == "skip" or not shown.strip():
                continue
            if step == "slide" or not columns:
                columns.append([shown])
            elif step == "-" or (step == "with the text" and before == "markdown"):
                columns[-1][-1] += shown
            elif step in ("subslide", "with the text"):
                columns[-1].append(shown)
            elif step == "notes":
                columns[-1][-1] += f'<aside class="notes">{shown}</aside>'
            else:
                columns[-1][-1] += f'<div class="fragment">{shown}</div>'
        before = cell["cell_type"]
    return columns


def parts(cell, render):
    """(step, html) of what a cell shows: its text, or its short code and each of its outputs."""
    source = text(cell["source"])
    if cell["cell_type"] == "markdown":
        if source.lstrip().startswith("**Contents**"):
            return
        pieces = re.split(r"^(?=#{1,2} )", source, flags=re.MULTILINE)
        for piece in pieces:
            yield "slide" if piece.startswith("#") else "subslide", render(piece)
        return
    if cell["cell_type"] != "code":
        return
    outputs = [shown for output in cell["outputs"] for shown in [output_html(output, render)] if shown]
    drawn = any("image/png" in output.get("data", {}) for output in cell["outputs"])
    if len(source.splitlines()) <= LONGEST_CODE and not drawn:
        yield "with the text", f"<pre><code>{html.escape(source)}</code></pre>"
        yield from (("fragment", shown) for shown in outputs)
    elif outputs:
        yield "with the text", "".join(outputs)


def output_html(output, render):
    data = {kind: text(content) for kind, content in output.get("data", {}).items()}
    if "image/png" in data:
        alt = output.get("metadata", {}).get("image/png", {}).get("alt", "")
        return f'<img src="data:image/png;base64,{data["image/png"].strip()}" alt="{html.escape(alt)}">'
    if "text/markdown" in data:
        return render(data["text/markdown"])
    printed = data.get("text/plain") or text(output.get("text", ""))
    return f"<pre><samp>{html.escape(printed)}</samp></pre>" if printed.strip() else ""


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
