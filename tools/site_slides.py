"""A deck of slides from each notebook: python tools/site_slides.py [--out public/slides]

For a lecture room without network: linear, a derivation line by line, what is folded in the
notebook as the speaker's notes. Which cells stand on which slide, slide_plan works out from the
cells.
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
from slide_plan import CONTINUED, SKIPPED, kinds, slides, text

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
<script src="reveal/plugin/notes.js"></script>
<script>window.MathJax = {{startup: {{typeset: false}}, svg: {{fontCache: 'global'}}}};</script>
<script src="tex-svg.js"></script>
<script src="slides.js"></script>
</body>
</html>
"""


ROW = re.compile(r"\\\\(?:\[\dpt\])?\s*")


def markdown():
    reader = MarkdownIt("commonmark", {"html": True}).enable("table")
    return reader.use(dollarmath_plugin, double_inline=True, renderer=equation).render


def equation(latex, options):
    if options["display_mode"]:
        return html.escape(rf"\[{line_by_line(latex)}\]")
    return html.escape(rf"\({latex}\)")


def line_by_line(latex):
    r"""A column of equations whose lines after the first appear one by one, each with its reason.

    >>> line_by_line(r"\begin{aligned} a &= b \\ &= c \end{aligned}")
    '\\begin{aligned} a &= b \\\\[3pt] &\\class{fragment line-1}{= c}\\end{aligned}'
    """
    column = re.fullmatch(r"\s*\\begin\{aligned\}(.*)\\end\{aligned\}(.*)", latex, re.DOTALL)
    rows = split(column[1], ROW) if column else [latex]
    if len(rows) < 2:
        return latex
    first, *rest = rows
    later = [
        "&".join(appearing(cell, number) for cell in split(row, AMPERSAND))
        for number, row in enumerate(rest, 1)
    ]
    return r"\begin{aligned}" + r"\\[3pt] ".join([first, *later]) + r"\end{aligned}" + column[2]


AMPERSAND = re.compile(r"(?<!\\)&")


def appearing(cell, number):
    return rf"\class{{fragment line-{number}}}{{{cell.strip()}}}" if cell.strip() else cell


def split(latex, separator):
    """The parts between separators that stand in no braces and in no inner environment."""
    parts, start, depth, place = [], 0, 0, 0
    while place < len(latex):
        found = separator.match(latex, place) if depth == 0 else None
        if found and found.end() > place:
            parts.append(latex[start:place])
            start = place = found.end()
            continue
        if latex.startswith((r"\begin", r"\left"), place) or latex[place] == "{":
            depth += 1
        elif latex.startswith((r"\end", r"\right"), place) or latex[place] == "}":
            depth -= 1
        place += 2 if latex[place] == "\\" and latex[place + 1 : place + 2] in "{}\\&" else 1
    return [*parts, latex[start:]]


class Slide:
    """What stands on a slide, what the speaker may say, and the cell of the notebook that it shows
    last.
    """

    def __init__(self):
        self.shown, self.notes, self.cell = "", "", None

    def section(self, page):
        live = (
            f'<a class="live" href="../{page}.html#cell-{self.cell}">run it</a>'
            if self.cell
            else ""
        )
        notes = f'<aside class="notes">{self.notes}</aside>' if self.notes else ""
        return f"<section>{self.shown}{live}{notes}</section>"


def slides_of(notebook):
    """[Slide, …] of a notebook, as slide_plan arranges its cells."""
    render, deck = markdown(), []
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    for cell, kind in zip(cells, kinds(cells), strict=True):
        if kind == SKIPPED:
            if deck and cell["cell_type"] == "code" and cell["id"] != "first-cell":
                deck[-1].notes += notes(cell, render)
            continue
        if kind != CONTINUED or not deck:
            deck.append(Slide())
        first, *further = [
            "".join(part_html(part, render) for part in slide) for slide in slides(cell)
        ]
        deck[-1].shown += first
        for shown in further:
            deck.append(Slide())
            deck[-1].shown = shown
        deck[-1].notes += notes(cell, render)
        deck[-1].cell = cell["id"] if cell["cell_type"] == "code" else deck[-1].cell
    return deck


def notes(cell, render):
    """For the speaker: the code behind what a slide shows, and what is folded in the notebook."""
    if cell["cell_type"] == "code":
        return f"<pre>{html.escape(text(cell['source']))}</pre>"
    folded = re.findall(
        r"<details>\s*<summary>(.*?)</summary>(.*?)</details>", text(cell["source"]), re.DOTALL
    )
    return "".join(
        f"<p><strong>{summary}</strong></p>{render(content)}" for summary, content in folded
    )


def part_html(part, render):
    if part.kind == "markdown":
        return render(part.content)
    if part.kind == "picture":
        data, about = part.content["data"], part.content["metadata"]["image/png"]
        png, alt = text(data["image/png"]).strip(), html.escape(about["alt"])
        return f'<img class="r-stretch" src="data:image/png;base64,{png}" alt="{alt}">'
    if part.kind == "code":
        return f"<pre><code>{html.escape(part.content)}</code></pre>"
    return f"<pre><samp>{html.escape(part.content)}</samp></pre>"


def deck(notebook):
    sections = [slide.section(notebook.stem) for slide in slides_of(notebook)]
    return PAGE.format(title=html.escape(title(notebook)), slides="\n".join(sections))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "public" / "slides")
    out = parser.parse_args().out
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    site_runtime.npm_folder("reveal.js", "dist", out / "reveal")
    (out / "tex-svg.js").write_bytes(site_runtime.npm_file("mathjax", "es5/tex-svg-full.js"))
    for name in ["slides.css", "slides.js", "favicon.svg"]:
        shutil.copy(ROOT / "site" / "_static" / name, out)
    for notebook in sorted((ROOT / "notebooks").glob("[0-9]*.ipynb")):
        (out / f"{notebook.stem}.html").write_text(deck(notebook), encoding="utf-8")
        print(f"{out / notebook.stem}.html: {len(slides_of(notebook))} slides")


if __name__ == "__main__":
    main()
