"""What makes a notebook a page that is read and that runs: cells with names, equations with
numbers, folded code, pictures in two forms.
"""

import base64
import html
import json
import re
from hashlib import sha256
from pathlib import Path

from docutils import nodes
from myst_nb.core.render import NbElementRenderer

FIGURE = re.compile(r"^\s*(?:figures\.)?(?:show|explore)\(", re.MULTILINE)
TAG = re.compile(r"\\tag\{([^{}]*)\}")
LISTED = re.compile(r"&& \\quad \(([\d.]+)\)\s*(?:\\\\|\\end)")  # a line of a Summary
EXERCISE = re.compile(
    r"^[^#\n]*= \.\.\.|(?<![.\w])(?:check|predict|find_bug|progress)\(", re.MULTILINE
)
NARROW_WIDTH = 600  # of a window; below it a figure shows its narrow form


def anchor(title):
    """The anchor that JupyterLab gives a heading: "2. How wrong is it?" has
    #2.-How-wrong-is-it?.
    """
    return title.strip().replace(" ", "-")


def run_address(name):
    """Where a notebook runs in JupyterLab, from the root of the site."""
    return f"lite/notebooks/index.html?path={name}"


def arrange(app, docname, source):
    """A page needs no list of contents and no code that finds its packages; what sets up, draws or
    states an equation is folded.
    """
    if not str(app.env.doc2path(docname)).endswith(".ipynb"):
        return
    notebook = json.loads(source[0])
    notebook["cells"] = [cell for cell in notebook["cells"] if not is_for_jupyter_alone(cell)]
    for cell in notebook["cells"]:
        about = folded(cell)
        if about:
            cell["metadata"].setdefault("tags", []).append("hide-input")
            cell["metadata"]["mystnb"] = {
                "code_prompt_show": f"Show {about}",
                "code_prompt_hide": f"Hide {about}",
            }
    app.env.page_cells = {
        **getattr(app.env, "page_cells", {}),
        docname: [cell["id"] for cell in notebook["cells"]],
    }
    source[0] = json.dumps(notebook)


def is_for_jupyter_alone(cell):
    return cell["id"] == "first-cell" or text(cell["source"]).startswith("**Contents**")


def folded(cell):
    """What the folded code of a cell is, or None if the page shows it."""
    code = text(cell["source"])
    if cell["cell_type"] != "code" or EXERCISE.search(code):
        return None
    if FIGURE.search(code):
        return "the code of this figure"
    if any(
        "$$" in text(output.get("data", {}).get("text/markdown", "")) for output in cell["outputs"]
    ):
        return "the code that states this"
    return "the code" if cell["metadata"].get("jupyter", {}).get("source_hidden") else None


def text(value):
    return "".join(value)


def name_cells(app, doctree):
    """Each code cell of the page carries the id that it has in the notebook."""
    names = getattr(app.env, "page_cells", {}).get(app.env.docname, [])
    for cell in doctree.findall(nodes.container):
        if "cell_index" in cell and cell["cell_index"] < len(names):
            cell["ids"].append(f"cell-{names[cell['cell_index']]}")


def with_words_and_narrow_form(render_image):
    """myst-nb takes width and height from the output, and leaves behind the alternative text and
    the form for a phone.
    """

    def render(self, data):
        images, about = render_image(self, data), data.output_metadata.get(data.mime_type, {})
        for image in images:
            image["alt"] = about.get("alt", "")
            image["classes"].append("no-scaled-link")
        if "narrow" in about:
            return [
                nodes.raw("", narrow_source(about["narrow"]), format="html"),
                *images,
                nodes.raw("", "</picture>", format="html"),
            ]
        return images

    return render


def narrow_source(form):
    """The beginning of a <picture>, whose narrow form is a file of its own, so that a wide screen
    does not load it.
    """
    content = base64.b64decode(form["image/png"])
    name = f"narrow-{sha256(content).hexdigest()[:16]}.png"
    narrow_pictures[name] = content
    size = f'width="{form["width"]}" height="{form["height"]}"'
    return f'<picture><source media="(max-width: {NARROW_WIDTH}px)" srcset="_images/{name}" {size}>'


narrow_pictures = {}


def write_narrow_pictures(app, exception):
    folder = Path(app.outdir) / "_images"
    folder.mkdir(exist_ok=True)
    for name, content in narrow_pictures.items():
        (folder / name).write_bytes(content)


def rewrite_equations(app, doctree):
    r"""Each equation as it is, with its number for an anchor; the page's script gives it another
    form where it does not fit.

    Sphinx itself would wrap an equation of several lines in `split`, in which MathJax refuses a
    \tag.
    """
    blocks = list(doctree.findall(nodes.math_block))
    tagged, seen = {tag for block in blocks for tag in TAG.findall(block.astext())}, set()
    for block in blocks:
        latex = block.astext()
        tag = TAG.search(latex)
        name = f' id="eq-{tag[1]}"' if tag and tag[1] not in seen else ""
        seen |= {tag[1]} if tag else set()
        listed = [number for number in LISTED.findall(latex) if number not in tagged | seen]
        seen |= set(listed)
        shown = html.escape(latex)
        drawn = "".join(f'<span id="eq-{number}"></span>' for number in listed)
        drawn += rf'<div class="math notranslate nohighlight">\[{shown}\]</div>'
        body = f'<div class="equation"{name} data-latex="{shown}">{drawn}</div>'
        block.replace_self(nodes.raw("", body, format="html"))


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


def link_pages(app, doctree):
    """An address typed as HTML in an output names a notebook; on the site it is the page. Links in
    Markdown know it already.
    """
    for raw in list(doctree.findall(nodes.raw)):
        text = raw.astext()
        pages = re.sub(r'href="(\d\d_\w+)\.ipynb(?=[#"])', r'href="\1.html', text)
        if pages != text:
            raw.replace_self(nodes.raw("", pages, **raw.attributes))


def add_buttons(app, pagename, templatename, context, doctree):
    """A notebook's page opens in JupyterLab too, here or elsewhere."""
    if doctree is None or not str(app.env.doc2path(pagename)).endswith(".ipynb"):
        return
    name = pagename.rpartition("/")[2] + ".ipynb"
    meta = f'<meta name="notebook" content="{html.escape(name)}">'
    context["metatags"] = context.get("metatags", "") + meta
    here = context["pathto"](run_address(name), resource=True)
    about = "Open this notebook in JupyterLab, in the browser; nothing to install"
    context.setdefault("header_buttons", [])[:0] = [
        link_button("JupyterLab", here, "fas fa-flask", about),
        {
            "type": "group",
            "label": "elsewhere",
            "icon": "fas fa-rocket",
            "tooltip": "Run this notebook elsewhere",
            "buttons": [
                link_button(*each)
                for each in elsewhere(app.config.html_context["repository"], name)
            ],
        },
    ]


def link_button(text, url, icon, tooltip):
    return {
        "type": "link",
        "url": url,
        "icon": icon,
        "text": text,
        "label": f"run-{text.lower()}",
        "tooltip": tooltip,
    }


def elsewhere(repository, name):
    """Hosts that run a notebook of a public repository on GitHub."""
    project = repository.removeprefix("https://github.com/")
    colab = f"https://colab.research.google.com/github/{project}/blob/main/notebooks/{name}"
    binder = f"https://mybinder.org/v2/gh/{project}/main?urlpath=lab/tree/notebooks/{name}"
    yield "Colab", colab, "fas fa-cloud", "Run on Google Colab (needs an account there)"
    yield "Binder", binder, "fas fa-cube", "Run on Binder (takes a minute or more to start)"


def setup(app):
    app.set_html_assets_policy(
        "always"
    )  # Sphinx does not see the equations that rewrite_equations has made
    NbElementRenderer.render_image = with_words_and_narrow_form(NbElementRenderer.render_image)
    app.connect("source-read", arrange)
    app.connect("doctree-read", name_cells)
    app.connect("doctree-read", rewrite_equations)
    app.connect("doctree-read", keep_together)
    app.connect("doctree-read", link_pages)
    app.connect("html-page-context", add_buttons, priority=900)
    app.connect("build-finished", write_narrow_pictures)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
