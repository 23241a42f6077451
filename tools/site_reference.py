"""The pages to look things up in: documents of the repository, all equations, the notation, and the
public names with their docstrings.
"""

import ast
import html
import inspect
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
        if (
            name.removesuffix(".md") in DOCUMENTS
            and (ROOT / "docs" / name).exists()
            and "/" not in target.removeprefix("./")
        ):
            return f"]({name})"
        inside = (ROOT / "docs" / target).resolve()
        place = inside.relative_to(ROOT) if inside.is_relative_to(ROOT) else Path(target)
        return f"]({repository}/blob/main/{place.as_posix()})"

    return LINK.sub(link, document)


def headings(notebook):
    """The anchors of a notebook's headings, as JupyterLab makes them."""
    texts = [
        "".join(cell["source"]) for cell in cells_of(notebook) if cell["cell_type"] == "markdown"
    ]
    return {
        line.strip().replace(" ", "-")
        for line in re.findall(r"^#{1,3} (.+)$", "\n".join(texts), re.MULTILINE)
    }


def cells_of(notebook):
    return json.loads(notebook.read_text(encoding="utf-8"))["cells"]


# ---------------------------------------------------------------- equations and notation


def equations_page(equations):
    """Every numbered equation; its number leads to where it is proved."""
    lines = [
        "# All equations",
        "",
        "Each number leads to the place where the equation is stated or proved.",
        "",
    ]
    title = None
    for number, about in sorted(
        equations.items(), key=lambda item: [int(part) for part in item[0].split(".")]
    ):
        if about["title"] != title:
            title = about["title"]
            lines += [f"## {title}", ""]
        lines += [f"({number})", "", "$$", re.sub(r"\\tag\{[^{}]*\}", "", about["latex"]), "$$", ""]
    return "\n".join(lines)


def notation_page(notebooks):
    """The tables of notation of all notebooks, each under the name of its notebook."""
    lines = [
        "# Notation",
        "",
        "One name in mathematics and in code. Here those of all notebooks stand together.",
        "",
    ]
    for notebook in notebooks:
        for cell in cells_of(notebook):
            source = "".join(cell["source"])
            table = re.search(r"(^\|.*\n?)+", source, re.MULTILINE)
            if (
                cell["cell_type"] == "markdown"
                and table
                and re.search(r"^#+ .*notation", source, re.IGNORECASE | re.MULTILINE)
            ):
                title = f"## [Notebook {notebook.stem[:2]}]({notebook.name})"
                lines += [title, "", table[0].rstrip(), ""]
    return "\n".join(lines)


# ---------------------------------------------------------------- public names


def api_page():
    """Every public name of the packages, with the first lines of its definition and its
    docstring.
    """
    lines = [
        "# The packages",
        "",
        "Public names, from the docstrings. An example with `>>>` is run by the tests.",
        "",
    ]
    for package in PACKAGES:
        tree = parsed(ROOT / package / "__init__.py")
        lines += [f"## {package}", "", documentation(ast.get_docstring(tree) or ""), ""]
        for name, node in public(package, tree):
            lines += entry(name, node)
    return "\n".join(lines)


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
    lines = [
        f"### {name}",
        "",
        f"```python\n{signature(name, node)}\n```",
        "",
        documentation(ast.get_docstring(node) or ""),
        "",
    ]
    if isinstance(node, ast.ClassDef):
        for method in node.body:
            about = ast.get_docstring(method) if isinstance(method, ast.FunctionDef) else None
            if about and method.name[0] != "_":
                lines += [
                    f"```python\n{signature(method.name, method)}\n```",
                    "",
                    documentation(about),
                    "",
                ]
    return lines


def signature(name, node):
    if isinstance(node, ast.ClassDef):
        made = next(
            (
                each
                for each in node.body
                if isinstance(each, ast.FunctionDef) and each.name == "__init__"
            ),
            None,
        )
        return f"class {name}({arguments(made) if made else ''})"
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    return f"{name}({arguments(node)}){returns}"


def arguments(function):
    return ast.unparse(function.args).removeprefix("self").lstrip(", ")


SECTION = re.compile(r"^(\w[\w ]*)\n-{3,}\n", re.MULTILINE)


def documentation(text):
    """A docstring as HTML: paragraphs, `names`, tables, numpydoc's sections, examples as they are.

    >>> documentation("The slope of `f`.")
    '<div class="doc">\\n<p>The slope of <code>f</code>.</p>\\n</div>'
    """
    blocks = re.split(r"\n\s*\n", SECTION.sub(r"\n\n\1:\n\n", inspect.cleandoc(text)))
    return (
        '<div class="doc">\n'
        + "\n".join(block_html(block) for block in blocks if block.strip())
        + "\n</div>"
    )


def block_html(block):
    block = block.strip("\n")
    if block.lstrip().startswith("|"):
        return table_html(block)
    if block.lstrip().startswith(">>>"):
        # A blank line would end HTML in Markdown.
        return f"<pre>{escaped(block).replace(chr(10), '&#10;')}</pre>"
    if re.fullmatch(r"\w[\w ]*:", block):
        return f"<p><strong>{block.rstrip(':')}</strong></p>"
    if re.match(r"\S.*\n {2,}\S", block):
        return definitions_html(block)
    if re.search(r"^ {2,}\S", block, re.MULTILINE):
        return f"<pre>{escaped(block).replace(chr(10), '&#10;')}</pre>"
    return f"<p>{with_names(block)}</p>"


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
    parts = re.split(r"\n(?=\S)", block)
    items = [part.partition("\n") for part in parts]
    return (
        "<dl>"
        + "".join(
            f"<dt><code>{escaped(name)}</code></dt><dd>{with_names(about)}</dd>"
            for name, _, about in items
        )
        + "</dl>"
    )
