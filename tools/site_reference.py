"""The pages to look things up in: documents of the repository, all equations, the notation, and the
public names with their docstrings.
"""

import ast
import html
import json
import re
from pathlib import Path
from urllib.parse import unquote

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = {
    "teaching": "Teaching",
    "trust": "Trust",
    "engine": "The engine",
    "architecture": "Architecture",
    "concordance": "The articles",
    "benchmarks": "Speed",
}
MADE = {"equations": "All equations", "notation": "Notation", "api": "The packages"}
PACKAGES = ["derivations", "gradcheck", "helpers", "exercises"]
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)(#[^)\s]*)?\)")


def stage(folder, notebooks, equations, repository):
    """Write the pages into `folder`; {name: how the sidebar calls it}."""
    pages = {
        "equations": equations_page(equations),
        "notation": notation_page(notebooks),
        "api": api_page(),
    }
    for name in DOCUMENTS:
        document = ROOT / "docs" / f"{name}.md"
        if document.exists():
            pages[name] = with_links(document.read_text(encoding="utf-8"), notebooks, repository)
    for name, content in pages.items():
        (folder / f"{name}.md").write_text(content, encoding="utf-8")
    return {name: (DOCUMENTS | MADE)[name] for name in pages}


# ---------------------------------------------------------------- documents


def with_links(document, notebooks, repository):
    """The document with links that lead to pages of the site, and to the repository for what the
    site does not have.
    """
    anchors = {notebook.name: headings(notebook) for notebook in notebooks}

    def link(match):
        target, fragment = match[1], unquote(match[2] or "")
        name = target.rpartition("/")[2]
        if name in anchors:
            known = fragment if fragment[1:] in anchors[name] else ""
            return f"](<{name}{known}>)"
        if target.removeprefix("./").removesuffix(".md") in DOCUMENTS:
            return f"]({name})"
        inside = (ROOT / "docs" / target).resolve()
        place = inside.relative_to(ROOT) if inside.is_relative_to(ROOT) else Path(target)
        return f"]({repository}/blob/main/{place.as_posix()})"

    return LINK.sub(link, document)


def headings(notebook):
    """The anchors of a notebook's headings, as JupyterLab makes them."""
    lines = re.findall(r"^#{1,3} (.+)$", "\n".join(texts_of(notebook)), re.MULTILINE)
    return {line.strip().replace(" ", "-") for line in lines}


def texts_of(notebook):
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]


def page_of(title, about, parts):
    """A page of Markdown from its parts, each a paragraph."""
    return "\n\n".join([f"# {title}", about, *parts]) + "\n"


# ---------------------------------------------------------------- equations and notation


def equations_page(equations):
    """Every numbered equation; its number leads to where it is proved."""
    parts, title = [], None
    for number in sorted(equations, key=lambda number: [int(part) for part in number.split(".")]):
        about = equations[number]
        if about["title"] != title:
            title = about["title"]
            parts.append(f"## {title}")
        latex = re.sub(r"\\tag\{[^{}]*\}", "", about["latex"])
        parts += [f"({number})", f"$$\n{latex}\n$$"]
    about = "Each number leads to the place where the equation is stated or proved."
    return page_of("All equations", about, parts)


def notation_page(notebooks):
    """The tables of notation of all notebooks, each under the name of its notebook."""
    parts = []
    for notebook in notebooks:
        for text in texts_of(notebook):
            table = re.search(r"(^\|.*\n?)+", text, re.MULTILINE)
            if table and {"code", "meaning"} <= set(re.findall(r"\w+", table[0].split("\n")[0])):
                title = f"## [Notebook {notebook.stem[:2]}]({notebook.name})"
                parts += [title, table[0].rstrip()]
    about = "One name in mathematics and in code. Here those of all notebooks stand together."
    return page_of("Notation", about, parts)


# ---------------------------------------------------------------- public names


def api_page():
    """Every public name of the packages, with the first lines of its definition and its
    docstring.
    """
    parts = []
    for package in PACKAGES:
        tree = parsed(ROOT / package / "__init__.py")
        parts += [f"## {package}", documentation(tree)]
        for name, node in public(package, tree):
            parts += entry(name, node)
    about = "Public names, from the docstrings. An example with `>>>` is run by the tests."
    return page_of("The packages", about, parts)


def parsed(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def public(package, tree):
    """(dotted name, definition) of what the package exports; a module that it exports gives its
    public functions and classes.
    """
    for statement in tree.body:
        if (
            not isinstance(statement, ast.ImportFrom)
            or not (statement.module or package).startswith(package)
            and not statement.level
        ):
            continue
        for alias in statement.names:
            module = ROOT / package / f"{alias.name}.py"
            if module.exists() and (statement.module in (package, None)):
                yield from (
                    (f"{alias.name}.{node.name}", node)
                    for node in definitions(parsed(module))
                    if node.name[0] != "_"
                )
            elif statement.module and statement.module != package:
                source = ROOT / package / f"{statement.module.rpartition('.')[2]}.py"
                yield from (
                    (alias.asname or alias.name, node)
                    for node in definitions(parsed(source))
                    if node.name == alias.name
                )


def definitions(tree):
    return [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]


def entry(name, node):
    parts = [f"### {name}", f"```python\n{signature(name, node)}\n```", documentation(node)]
    for method in methods(node):
        if ast.get_docstring(method) and method.name[0] != "_":
            parts += [f"```python\n{signature(method.name, method)}\n```", documentation(method)]
    return parts


def methods(node):
    body = node.body if isinstance(node, ast.ClassDef) else []
    return [each for each in body if isinstance(each, ast.FunctionDef)]


def signature(name, node):
    if isinstance(node, ast.ClassDef):
        made = [arguments(each) for each in methods(node) if each.name == "__init__"]
        return f"class {name}({''.join(made)})"
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    return f"{name}({arguments(node)}){returns}"


def arguments(function):
    return ast.unparse(function.args).removeprefix("self").lstrip(", ")


SECTION = re.compile(r"^(\w[\w ]*)\n-{3,}\n", re.MULTILINE)


def documentation(node):
    """A docstring as HTML: paragraphs, `names`, tables, numpydoc's sections, examples as they are.

    >>> documentation(ast.parse("'The slope of `f`.'"))
    '<div class="doc">\\n<p>The slope of <code>f</code>.</p>\\n</div>'
    """
    text = SECTION.sub(r"\n\n\1:\n\n", ast.get_docstring(node) or "")
    blocks = [block_html(block) for block in re.split(r"\n\s*\n", text) if block.strip()]
    return "\n".join(['<div class="doc">', *blocks, "</div>"])


def block_html(block):
    block = block.strip("\n")
    if block.lstrip().startswith("|"):
        return table_html(block)
    if block.lstrip().startswith(">>>"):
        return as_it_is(block)
    if re.fullmatch(r"\w[\w ]*:", block):
        return f"<p><strong>{block.rstrip(':')}</strong></p>"
    if re.match(r"\S.*\n {2,}\S", block):
        return definitions_html(block)
    if re.search(r"^ {2,}\S", block, re.MULTILINE):
        return as_it_is(block)
    return f"<p>{with_names(block)}</p>"


def as_it_is(block):
    """A blank line would end HTML in Markdown."""
    return f"<pre>{escaped(block).replace(chr(10), '&#10;')}</pre>"


def escaped(text):
    return html.escape(text, quote=False).replace("$", "&#36;")


def with_names(text):
    return re.sub(r"`+([^`]+)`+", r"<code>\1</code>", escaped(" ".join(text.split())))


def table_html(block):
    rows = [line.strip().strip("|").split("|") for line in block.splitlines()]
    cells = [f"<tr>{''.join(f'<td>{with_names(cell)}</td>' for cell in row)}</tr>" for row in rows]
    return f'<table class="table"><tbody>{"".join(cells[:1] + cells[2:])}</tbody></table>'


def definitions_html(block):
    """numpydoc's lists: a name and its type, and indented below it what it is."""
    items = [part.partition("\n") for part in re.split(r"\n(?=\S)", block)]
    shown = [
        f"<dt><code>{escaped(name)}</code></dt><dd>{with_names(about)}</dd>"
        for name, _, about in items
    ]
    return f"<dl>{''.join(shown)}</dl>"
