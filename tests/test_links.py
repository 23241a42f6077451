"""Every link of the documents and notebooks leads somewhere: to a file that is there, and to a
heading that is in it.
"""

import re
from functools import cache
from pathlib import Path
from urllib.parse import unquote

import nbformat
import pytest

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = sorted(
    path
    for pattern in ["*.md", "docs/**/*.md", "notebooks/**/*.md"]
    for path in ROOT.glob(pattern)
    if ".ipynb_checkpoints" not in path.parts
)
NOTEBOOKS = sorted(ROOT.glob("notebooks/*.ipynb"))
PAGES = [*DOCUMENTS, *NOTEBOOKS]
LINK = re.compile(
    r"!?\[[^\]\[]*(?:\[[^\]]*\][^\]\[]*)*\]\(([^()\s]*(?:\([^()\s]*\)[^()\s]*)*)\)"
    r"|\bhref=\"([^\"]+)\""
)
CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)


@cache
def text_of(path):
    """The Markdown of a document or of a notebook, its Markdown outputs included."""
    if path.suffix != ".ipynb":
        return path.read_text(encoding="utf-8")
    cells = nbformat.read(path, as_version=4).cells
    outputs = (
        output.get("data", {}).get("text/markdown", "")
        for cell in cells
        for output in cell.get("outputs", [])
    )
    return "\n\n".join([*(cell.source for cell in cells if cell.cell_type == "markdown"), *outputs])


def links(text):
    return [first or second for first, second in LINK.findall(CODE.sub("", text))]


@cache
def anchors(path):
    """What may stand behind # in a link to this page: Jupyter writes hyphens for blanks, the web
    lowers case as well.
    """
    headings = re.findall(
        r"^#{1,6}\s+(.+?)\s*#*$",
        re.sub(r"```.*?```", "", text_of(path), flags=re.DOTALL),
        re.MULTILINE,
    )
    named = re.findall(r"\b(?:id|name)=\"([^\"]+)\"", text_of(path))
    if path.suffix == ".ipynb":
        return {heading.replace(" ", "-") for heading in headings} | set(named)
    return {
        re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in headings
    } | set(named)


def broken(path):
    """The links of this page that lead nowhere; addresses of the web are not called."""
    for link in links(text_of(path)):
        if re.match(
            r"[a-z]+:|\.\./\.\./actions/workflows/(?:test|pages)\.yml", link
        ):  # badges, on GitHub only
            continue
        file, _, anchor = unquote(link).partition("#")
        target = (path.parent / file).resolve() if file else path
        if not target.exists() or (anchor and anchor not in anchors(target)):
            yield link


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_resolves(path):
    assert list(broken(path)) == []


def test_the_pages_do_have_links():
    assert sum(len(links(text_of(path))) for path in PAGES) > 50


BROKEN = [
    "[a](gone.md)",
    "[a](here.md#not-a-heading)",
    "![a](gone.png)",
    "[a](#no)",
    '<a href="gone.md">a</a>',
]
GOOD = [
    "[a](here.md)",
    "[a](#here-we-are)",
    "`[a](gone.md)`",
    "[w](https://example.org)",
    "[a [b]](here.md#here-we-are)",
]


@pytest.mark.parametrize("line", BROKEN)
def test_a_broken_link_would_be_found(tmp_path, line):
    page = tmp_path / "here.md"
    page.write_text(f"# Here\n\n{line}\n")
    assert len(list(broken(page))) == 1


@pytest.mark.parametrize("line", GOOD)
def test_a_good_link_passes(tmp_path, line):
    page = tmp_path / "here.md"
    page.write_text(f"# Here: we *are*\n\n{line}\n".replace("*", ""))
    assert list(broken(page)) == []


def test_web_addresses_are_written_with_https():
    known = ("http://neuralnetworksanddeeplearning.com/",)  # has no certificate of its own
    found = [link for path in PAGES for link in links(text_of(path)) if link.startswith("http:")]
    assert [link for link in found if not link.startswith(known)] == []
