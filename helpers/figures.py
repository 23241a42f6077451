"""One look for every figure, and `show`, which never shows a picture without words.

Colour has four roles, and each role also has a marker or a line style, so that no figure depends on colour: data ink, forward
(predictions), loss, backward (gradients); grey is for reference. Axes come from `single`, `pair` and `grid`; they carry
the style with them, so Matplotlib's global settings stay as they are.
"""

import base64
import functools
import html
import io
import sys

import matplotlib
import numpy as np
from IPython.display import display
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch
from matplotlib.patheffects import withStroke
from PIL import Image

DATA, FORWARD, LOSS, BACKWARD, REFERENCE = "#222222", "#0072B2", "#D55E00", "#AA3377", "#6E6E6E"
PALE = "#B4B4B4"  # only for lines that something else repeats: contour lines, edges of a network

SAMPLES = dict(color=DATA, linestyle="none", marker="o", markersize=4.5, markeredgecolor="white", markeredgewidth=0.5)
PREDICTION = dict(color=FORWARD, linestyle="-", linewidth=2.2)
COST = dict(color=LOSS, linestyle=(0, (8, 1.5)), linewidth=2.2)
GRADIENT = dict(color=BACKWARD, linestyle=(0, (1.3, 1.1)), linewidth=2.4)
GUIDE = dict(color=REFERENCE, linestyle=(0, (5, 4)), linewidth=1.2)
CLASSES = (
    dict(color="#222222", linestyle="none", marker="o", markersize=4.5, markeredgecolor="white", markeredgewidth=0.5),
    dict(color="#009E73", linestyle="none", marker="^", markersize=5.5, markeredgecolor="white", markeredgewidth=0.5),
    dict(color="#6E6E6E", linestyle="none", marker="s", markersize=4.5, markerfacecolor="white", markeredgewidth=1.1),
)

STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 11,
    "mathtext.fontset": "cm",  # the letters of the equations on the page
    "text.color": DATA,
    "axes.edgecolor": "#555555",
    "axes.labelcolor": DATA,
    "axes.labelsize": 12,
    "axes.linewidth": 0.9,
    "axes.prop_cycle": matplotlib.cycler(color=[FORWARD, LOSS, BACKWARD, DATA], linestyle=["-", "--", ":", "-."]),
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlepad": 10,
    "axes.titlesize": 12,
    "axes.titleweight": "bold",
    "axes.unicode_minus": True,
    "figure.facecolor": "white",
    "legend.frameon": False,
    "lines.linewidth": 2.2,
    "lines.solid_capstyle": "round",
    "xtick.color": "#555555",
    "xtick.labelcolor": DATA,
    "xtick.labelsize": 10,
    "ytick.color": "#555555",
    "ytick.labelcolor": DATA,
    "ytick.labelsize": 10,
}
DPI = 192  # two pixels for each pixel of a page at 96 an inch, so that print and good screens stay crisp


# ---------------------------------------------------------------- axes that carry the style


def _styled(method):
    @functools.wraps(method)
    def call(*args, **kwargs):
        with matplotlib.rc_context(STYLE):
            return method(*args, **kwargs)

    return call


class StyledAxes(Axes):
    """Ordinary Matplotlib axes whose drawing methods run under STYLE, wherever they are called."""


for _name in (
    "annotate axhline axline axvline axvspan bar barh clabel contour contourf errorbar fill_between hist imshow legend plot "
    "scatter semilogx semilogy loglog set_title set_xlabel set_ylabel step stem text vlines hlines"
).split():
    setattr(StyledAxes, _name, _styled(getattr(Axes, _name)))


def single(width=6, height=3.7):
    """fig, ax: one picture, 6 × 3.7 in unless told."""
    return _axes(1, 1, width, height)


def pair(width=9, height=3.4):
    """fig, (left, right): two pictures side by side, 9 × 3.4 in unless told."""
    return _axes(1, 2, width, height)


def grid(rows, cols, width=9, height=None, **subplots):
    """fig, axes of shape (rows, cols); more keywords go to Figure.subplots (sharex, gridspec_kw, …)."""
    height = height or width * 0.75 * rows / cols
    return _axes(rows, cols, width, height, squeeze=False, **subplots)


@_styled
def _axes(rows, cols, width, height, **subplots):
    fig = Figure(figsize=(width, height), layout="constrained")
    fig.get_layout_engine().set(w_pad=0.06, h_pad=0.06, wspace=0.06, hspace=0.08)
    return fig, fig.subplots(rows, cols, subplot_kw={"axes_class": StyledAxes}, **subplots)


# ---------------------------------------------------------------- showing


def show(fig, *, alt, takeaway=""):
    """Display a figure and close it. `alt` says in words what it shows; `takeaway` is the sentence printed below it.

    The picture's plain-text form is `alt`. Below, the reader sees the takeaway and can unfold the words, because JupyterLab
    gives a screen reader no alternative text for an output.
    """
    _check_words(alt, takeaway)
    _display_picture(*_picture(fig), alt)
    _display_caption(alt, takeaway)


def _check_words(alt, takeaway):
    if not isinstance(alt, str) or not alt.strip():
        raise ValueError("show needs alt='…': say in a sentence what the picture shows, for a reader who cannot see it")
    if not isinstance(takeaway, str):
        raise ValueError(f"takeaway must be a sentence, not {takeaway!r}")


def _picture(fig, colors=256):
    """PNG bytes of a figure, and its (width, height) on the page in pixels. The same figure gives the same bytes."""
    if not isinstance(fig, Figure):
        raise TypeError(f"expected a Matplotlib figure, got {type(fig).__name__}; in single() it is the first of the two")
    raw = io.BytesIO()
    with matplotlib.rc_context(STYLE):
        fig.savefig(raw, format="png", dpi=DPI)
    if "matplotlib.pyplot" in sys.modules:  # else the inline backend would show it once more
        sys.modules["matplotlib.pyplot"].close(fig)
    return _palette(raw, colors), tuple((fig.get_size_inches() * 96).round().astype(int).tolist())


def _palette(raw, colors):
    """The same picture with at most `colors` colours: a third of the bytes, and the eye sees no difference."""
    image = Image.open(raw).convert("RGB").quantize(colors, dither=Image.Dither.NONE)
    small = io.BytesIO()
    image.save(small, format="png", optimize=True)
    return small.getvalue()


def _display_picture(png, size, alt, more=None):
    bundle = {"image/png": base64.b64encode(png).decode(), "text/plain": alt, **(more or {})}
    metadata = {"image/png": {"width": size[0], "height": size[1], "alt": alt}}
    display(bundle, metadata=metadata, raw=True)


def _display_caption(alt, takeaway):
    words = f"<details><summary><small>The figure in words</small></summary>\n\n{html.escape(alt, quote=False)}\n\n</details>"
    markdown = f"*{takeaway.strip()}*\n\n{words}" if takeaway.strip() else words
    display({"text/markdown": markdown, "text/plain": takeaway.strip()}, raw=True)
