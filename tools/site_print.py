"""All lessons on one page and in one PDF: python tools/site_print.py [--out public]

book.html is made of the built pages, book.pdf by Chromium, if there is one; the start page then
has a link to it.
"""

import argparse
import html
import re
from pathlib import Path

from browser import chromium, installed
from site_build import repository, title
from site_serve import PUBLIC, serving

ROOT = Path(__file__).resolve().parent.parent
PLACE = '<span class="book-pdf"></span>'  # of the link, on the start page
WIDTH = 658  # pixels between the margins of A4
ARTICLE = re.compile(r'<article class="bd-article">(.*?)</article>', re.DOTALL)
STYLES = re.compile(r'<link [^>]*rel="stylesheet"[^>]*>')
SECTION = re.compile(
    r'<section [^>]*id="([^"]+)">\s*(?:<span[^>]*></span>)?<h2>(.*?)<a class="headerlink'
)
FILL_IN = """pages => document.querySelectorAll('.book-contents li').forEach(line => {
    line.lastChild.textContent = pages[line.firstChild.hash.slice(1)] ?? '';
})"""
TYPESET = "() => document.documentElement.dataset.typeset === 'done'"


def lesson(notebook, page):
    """(what stands on the page of a notebook, [(anchor, title) of its sections]); its anchors and
    links stay apart from those of other lessons.
    """
    name = notebook.stem[:2]
    inside = ARTICLE.search(page)[1]
    inside = re.sub(r'\bid="(?!eq-)', f'id="{name}-', inside)
    inside = re.sub(r'href="#(?!eq-)', f'href="#{name}-', inside)
    inside = re.sub(r'href="(\d\d)_\w+\.html"', r'href="#lesson-\1"', inside)
    inside = re.sub(r'href="\d\d_\w+\.html#(eq-[\d.]+)"', r'href="#\1"', inside)
    inside = re.sub(r'href="(\d\d)_\w+\.html#', r'href="#\1-', inside)
    inside = inside.replace("<h1>", f'<h1><span class="number">Lesson {name}</span>', 1)
    sections = [(f"{name}-{anchor}", words) for anchor, words in SECTION.findall(page)]
    return f'<section class="lesson" id="lesson-{name}">{inside}</section>', sections


def entry(anchor, words, pages, kind=""):
    link = f'<a href="#{anchor}">{words}</a>'
    number = f'<span class="page">{pages.get(anchor, "")}</span>'
    return f'<li class="{kind}">{link}<span class="dots"></span>{number}</li>'


def book(out, notebooks, pages):
    """The HTML of the whole; `pages` {anchor: page number} are known once it has been printed."""
    lessons, contents = [], []
    for notebook in notebooks:
        page = (out / f"{notebook.stem}.html").read_text(encoding="utf-8")
        content, sections = lesson(notebook, page)
        lessons.append(content)
        name = notebook.stem[:2]
        words = f"{name} &ensp; {html.escape(title(notebook))}"
        contents.append(entry(f"lesson-{name}", words, pages, "lesson-title"))
        contents.append(f"<ol>{''.join(entry(*each, pages) for each in sections)}</ol>")
    values = {
        "STYLES": "\n".join(STYLES.findall(page)),
        "CONTENTS": f"<ol>{''.join(contents)}</ol>",
        "LESSONS": "\n".join(lessons),
        "REPOSITORY": repository(),
    }
    template = (ROOT / "site" / "book.html").read_text(encoding="utf-8")
    return re.sub(r"@([A-Z]+)@", lambda match: values[match[1]], template)


def numbers(pdf):
    """{anchor: page number} of the places to which links of a PDF by Chromium lead."""
    kids = [int(kid) for kid in re.findall(rb"(\d+) 0 obj\s*<</Type /Page\b", pdf)]
    places = re.findall(rb"/([^\s/\[\]()<>]+) \[(\d+) 0 R /XYZ", pdf)
    return {name.decode(): kids.index(int(page)) + 1 for name, page in places}


def print_book(out, notebooks):
    """book.pdf, printed twice: the contents need the page numbers of the first."""
    look = {"prefer_css_page_size": True, "print_background": True}
    with serving(out) as address, chromium() as browser:
        (out / "book.html").write_text(book(out, notebooks, {}), encoding="utf-8")
        page = browser.new_page(viewport={"width": WIDTH, "height": 1000})
        page.goto(f"{address}/book.html")
        page.wait_for_function(TYPESET, timeout=300_000)
        pages = numbers(page.pdf(**look))
        page.evaluate(FILL_IN, pages)
        pdf = page.pdf(**look, outline=True, tagged=True)
    (out / "book.html").write_text(book(out, notebooks, pages), encoding="utf-8")
    (out / "book.pdf").write_bytes(pdf)
    return len(re.findall(rb"/Type /Page\b", pdf))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=PUBLIC)
    out = parser.parse_args().out
    notebooks = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
    if not installed():
        (out / "book.html").write_text(book(out, notebooks, {}), encoding="utf-8")
        return print("no Chromium here: book.html only, print it from any browser")
    count = print_book(out, notebooks)
    size = (out / "book.pdf").stat().st_size / 1e6
    link = f'<a href="book.pdf">one PDF of all lessons</a> ({count} pages, {size:.0f} MB)'
    start = out / "index.html"
    start.write_text(start.read_text(encoding="utf-8").replace(PLACE, f", or take {link}"), "utf-8")
    print(f"{out / 'book.pdf'}: {count} pages, {size:.1f} MB")


if __name__ == "__main__":
    main()
