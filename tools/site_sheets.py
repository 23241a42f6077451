"""An exercise sheet and an answer sheet of each notebook: python tools/site_sheets.py [--out DIR]

Both are made from the cells: the question, the program of a *find the bug*, room to write; on the
answer sheet the folded answer instead of the room. HTML that prints as it is, and PDF where
Chromium is found.
"""

import argparse
import html
import json
import re
import shutil
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
FOLDED = re.compile(r"<details><summary>.*?</summary>(.*?)</details>", re.DOTALL)
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{title}: {kind}</title>
<style>
@page {{ size: A4; margin: 18mm 20mm }}
body {{ font: 11pt/1.45 Georgia, serif; max-width: 44em; margin: 2em auto; padding: 0 1em }}
h1 {{ font-size: 1.35em; margin: 0 0 .2em }}
header p {{ margin: 0 0 1.4em; color: #444 }}
section {{ break-inside: avoid; margin-bottom: 1.4em }}
pre {{ font-size: .82em; line-height: 1.35; white-space: pre-wrap; border-left: 2px solid #999;
       margin: .6em 0; padding-left: .8em }}
.room {{ height: {room}; border-bottom: 1px solid #bbb }}
.answer {{ border-left: 3px solid #0072B2; padding-left: .9em }}
@media print {{ body {{ margin: 0; padding: 0; max-width: none }} }}
</style>
</head>
<body>
<header><h1>{title}</h1><p>{about}</p></header>
{sections}
<script>window.MathJax = {{svg: {{fontCache: "global"}}}};</script>
<script src="tex-svg.js"></script>
</body>
</html>
"""


class Exercise(NamedTuple):
    """What paper needs of an exercise, all in Markdown."""

    question: str
    program: str
    answer: str


def exercises_of(cells):
    """The exercises of a notebook's cells, in their order."""
    found = []
    for place, cell in enumerate(cells):
        if "exercise" in cell["metadata"].get("tags", []):
            before, after = (text(cells[near]) for near in (place - 1, place + 1))
            question = re.split(r"(?=\*\*\d+\.\d+ )", FOLDED.sub("", before).strip())[-1]
            answer = FOLDED.search(after)
            folded = answer[1].strip() if answer else ""
            found.append(Exercise(question, program(text(cell)), folded))
    return found


def program(code):
    """What paper shows of an exercise's code: the program with the bug, or several blanks."""
    blanks = re.findall(r"^[\w, ]+ = \.\.\..*$", code, re.MULTILINE)
    if len(blanks) > 1:
        return "\n".join(blanks)
    if "find_bug(" not in code:
        return ""
    functions = re.findall(r"^def (?!passes\b).*?(?=^\S|\Z)", code, re.MULTILINE | re.DOTALL)
    return "\n".join(function.strip() for function in functions)


def text(cell):
    source = cell["source"]
    return source if isinstance(source, str) else "".join(source)


def sheet(title, exercises, render, with_answers):
    """One page of HTML; `render` makes HTML of Markdown."""
    sections = []
    for exercise in exercises:
        listing = f"<pre>{html.escape(exercise.program)}</pre>" if exercise.program else ""
        room = '<div class="room"></div>'
        if with_answers:
            room = f'<div class="answer">{render(exercise.answer)}</div>'
        sections.append(f"<section>{render(exercise.question)}{listing}{room}</section>")
    kind, about = "exercises", "Name: ______________________________ &emsp; Date: ____________"
    if with_answers:
        kind, about = "answers", "Any equal form is right as well."
    parts = {"title": html.escape(title), "kind": kind, "about": about, "room": "4.2cm"}
    return PAGE.format(**parts, sections="\n".join(sections))


def print_to_pdf(pages):
    """A PDF beside each page, if there is a Chromium."""
    from browser import chromium, installed

    if not installed():
        return print("no Chromium here: HTML only, print it from any browser")
    with chromium() as browser:
        for path in pages:
            page = browser.new_page()
            page.goto(path.as_uri())
            page.evaluate("() => MathJax.startup.promise.then(() => true)")
            page.pdf(path=path.with_suffix(".pdf"), prefer_css_page_size=True)
            page.close()


def main():
    import site_runtime
    from site_build import title
    from site_slides import markdown

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "public" / "sheets")
    out = parser.parse_args().out.resolve()
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    (out / "tex-svg.js").write_bytes(site_runtime.npm_file("mathjax", "es5/tex-svg.js"))
    pages = []
    for notebook in sorted((ROOT / "notebooks").glob("[0-9]*.ipynb")):
        exercises = exercises_of(json.loads(notebook.read_text(encoding="utf-8"))["cells"])
        for kind in ["exercises", "answers"]:
            pages.append(out / f"{notebook.stem}_{kind}.html")
            page = sheet(title(notebook), exercises, markdown(), kind == "answers")
            pages[-1].write_text(page, encoding="utf-8")
        print(f"{notebook.stem}: {len(exercises)} exercises")
    print_to_pdf(pages)


if __name__ == "__main__":
    main()
