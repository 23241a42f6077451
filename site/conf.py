"""Sphinx settings of the reading pages. `make site` stages the notebooks beside index.md and calls
Sphinx with this file.
"""

import sys
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
REPOSITORY = tomllib.loads((HERE.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"][
    "urls"
]["Repository"]

project = "Backpropagation, proved line by line"
author = "the authors of the notebooks"
copyright = "text, equations and figures: CC BY 4.0, code: MIT"  # noqa: A001
language = "en"

extensions = ["myst_nb", "reading"]
exclude_patterns = ["README.md"]
myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 3
myst_heading_slug_func = (
    "reading.anchor"  # the anchors of JupyterLab, so that a notebook's own links work here too
)

# The stored outputs are shown; `make test` has compared each of them with a fresh one.
nb_execution_mode = "off"
nb_render_markdown_format = "myst"
nb_ipywidgets_js = {}

mathjax_path = "mathjax/tex-svg.js"
# The page's script says when to typeset; the menu would make a Tab stop of each formula.
mathjax3_config = {"options": {"enableMenu": False}, "startup": {"typeset": False}}
html_theme = "sphinx_book_theme"
html_title = project
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_js_files = [("site.js", {"type": "module"}), ("run/run.js", {"type": "module"})]
html_favicon = "_static/favicon.svg"
html_context = {"default_mode": "auto", "repository": REPOSITORY}
html_show_sphinx = False
html_copy_source = True
html_theme_options = {
    "use_download_button": True,
    "use_fullscreen_button": True,
    "use_repository_button": False,
    "show_navbar_depth": 1,
    "show_toc_level": 1,
    "home_page_in_toc": True,
    "extra_footer": '<a class="report" href="'
    + REPOSITORY
    + '/issues/new">Report an error on this page</a>',
    "article_header_start": ["toggle-primary-sidebar.html"],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
