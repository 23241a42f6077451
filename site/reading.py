"""What makes a notebook a page to read: its alternative texts, its equation numbers, folded figure code, and a Run button."""

import html
import json
import re

from docutils import nodes
from myst_nb.core.render import NbElementRenderer

FIGURE = re.compile(r"^\s*(?:figures\.)?(?:show|explore)\(", re.MULTILINE)
TAG = re.compile(r"\\tag\{([^{}]*)\}")
DISPLAY = r"\[%s\]"
BEGIN, END = r"\begin{aligned}", r"\end{aligned}"


def anchor(title):
    """The anchor that JupyterLab gives a heading: "2. How wrong is it?" has #2.-How-wrong-is-it?."""
    return title.strip().replace(" ", "-")


def run_address(name):
    """Where a notebook runs, from the root of the site."""
    return f"lite/notebooks/index.html?path={name}"


def fold_figure_code(app, docname, source):
    """Fold the code of cells that draw: the page shows the picture, one click shows how it is made."""
    if not str(app.env.doc2path(docname)).endswith(".ipynb"):
        return
    notebook = json.loads(source[0])
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code" and FIGURE.search("".join(cell["source"])):
            tags = cell["metadata"].setdefault("tags", [])
            if "hide-input" not in tags:
                tags.append("hide-input")
    source[0] = json.dumps(notebook)


def with_alternative_text(render_image):
    """myst-nb takes width and height from the output, and leaves the alternative text behind."""

    def render(self, data):
        images = render_image(self, data)
        text = data.output_metadata.get(data.mime_type, {}).get("alt")
        for image in images if text else []:
            image["alt"] = text
        return images

    return render


def rewrite_equations(app, doctree):
    r"""Each equation in the form for a wide page, as it is, and in one for a phone; the page's script shows the one that fits.

    Sphinx itself would wrap an equation of several lines in `split`, in which MathJax refuses a \tag.
    """
    for block in list(doctree.findall(nodes.math_block)):
        wide = block.astext()
        forms = {"wide": wide}
        if TAG.search(wide) or "&&" in wide:
            forms["narrow"] = narrow(wide)
        body = "".join(f'<div class="math notranslate nohighlight {name}">{html.escape(DISPLAY % latex)}</div>'
                       for name, latex in forms.items())
        block.replace_self(nodes.raw("", f'<div class="equation">{body}</div>', format="html"))


def keep_together(app, doctree):
    """A comma or full stop stays in the line of the formula before it."""
    for formula in list(doctree.findall(nodes.math)):
        place = formula.parent.index(formula)
        after = formula.parent[place + 1] if place + 1 < len(formula.parent) else None
        mark = re.match(r"[,.;:!?)’”]+", after.astext()) if isinstance(after, nodes.Text) else None
        if mark:
            parent = formula.parent
            parent[place + 1] = nodes.Text(after.astext()[mark.end() :])
            parent[place] = nodes.inline("", "", formula, nodes.Text(mark[0]), classes=["together"])


def narrow(latex):
    """The same equation with its reasons below the lines, and its number below the whole."""
    tag = TAG.search(latex)
    latex = TAG.sub("", latex).strip()
    if not latex.startswith(BEGIN):
        latex = BEGIN + "&" + latex + END
    rows = []
    for row in split(latex.removeprefix(BEGIN).removesuffix(END), "\\\\"):
        cells = [cell.strip() for cell in split(re.sub(r"^\s*\[\d+pt\]", "", row), "&")]
        rows.append(" &".join(cells[:2]))
        below = [re.sub(r"^(\\quad\s*)?(\\small\s*)?", "", cell) for cell in cells[2:] if cell]
        if below:
            rows[-1] += r" \\ &\quad\small " + r"\quad ".join(below)
    if tag:
        rows.append(rf"&\quad\small\text{{({tag[1]})}}")
    return BEGIN + r" \\[4pt] ".join(rows) + END


def split(latex, separator):
    """Split at a separator that stands in no braces and in no inner environment."""
    parts, depth, start = [], 0, 0
    for token in re.finditer(r"\\begin|\\end|\\[{}&]|[{}]|" + re.escape(separator), latex):
        if token[0] in ("\\begin", "{"):
            depth += 1
        elif token[0] in ("\\end", "}"):
            depth -= 1
        elif token[0] == separator and depth == 0:
            parts.append(latex[start : token.start()])
            start = token.end()
    return [*parts, latex[start:]]


def link_pages(app, doctree):
    """An address typed as HTML in an output names a notebook; on the site it is the page. Links in Markdown know it already."""
    for raw in list(doctree.findall(nodes.raw)):
        text = raw.astext()
        pages = re.sub(r'href="(\d\d_\w+)\.ipynb(?=[#"])', r'href="\1.html', text)
        if pages != text:
            raw.replace_self(nodes.raw("", pages, **raw.attributes))


def add_run_button(app, pagename, templatename, context, doctree):
    """The first button of a notebook's page opens it in JupyterLite."""
    if doctree is None or not str(app.env.doc2path(pagename)).endswith(".ipynb"):
        return
    name = pagename.rpartition("/")[2] + ".ipynb"
    address = context["pathto"](run_address(name), resource=True)
    button = {"type": "link", "url": address, "icon": "fas fa-play", "text": "Run", "label": "run-button",
              "tooltip": "Run this notebook in the browser; nothing to install"}
    context.setdefault("header_buttons", []).insert(0, button)


def setup(app):
    app.set_html_assets_policy("always")  # Sphinx does not see the equations that rewrite_equations has made
    NbElementRenderer.render_image = with_alternative_text(NbElementRenderer.render_image)
    app.connect("source-read", fold_figure_code)
    app.connect("doctree-read", rewrite_equations)
    app.connect("doctree-read", keep_together)
    app.connect("doctree-read", link_pages)
    app.connect("html-page-context", add_run_button, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
