"""One look for every figure, and `show`, which never shows a picture without words.

Colour has four roles, and each role also has a marker or a line style, so that no figure depends on
colour: data ink, forward (predictions), loss, backward (gradients); grey is for reference. Axes
come from `single`, `pair` and `grid`; they carry the style with them, so Matplotlib's global
settings stay as they are.
"""

import base64
import functools
import html
import io
import os
import re
import sys
import textwrap
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import matplotlib
import numpy as np
from IPython.display import display
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch
from matplotlib.patheffects import withStroke
from matplotlib.text import Text
from PIL import Image

from helpers.validation import array, checked, count, fitting, number, positive, rule

DATA, FORWARD, LOSS, BACKWARD, REFERENCE = "#222222", "#0072B2", "#D55E00", "#AA3377", "#6E6E6E"
PALE = "#B4B4B4"  # only for lines that something else repeats: contour lines, edges of a network

POINTS = dict(linestyle="none", markersize=4.5, markeredgecolor="white", markeredgewidth=0.5)
SAMPLES = dict(color=DATA, marker="o", **POINTS)
PREDICTION = dict(color=FORWARD, linestyle="-", linewidth=2.2)
COST = dict(color=LOSS, linestyle=(0, (8, 1.5)), linewidth=2.2)
GRADIENT = dict(color=BACKWARD, linestyle=(0, (1.3, 1.1)), linewidth=2.4)
GUIDE = dict(color=REFERENCE, linestyle=(0, (5, 4)), linewidth=1.2)
CLASSES = (SAMPLES, dict(color="#009E73", marker="^", **{**POINTS, "markersize": 5.5}),
           dict(color=REFERENCE, marker="s", markerfacecolor="white",
                linestyle="none", markersize=4.5, markeredgewidth=1.1))

STYLE = matplotlib.rc_params_from_file(
    Path(__file__).with_name("notebook.mplstyle"), use_default_template=False)
SMALL = sys.platform != "emscripten"  # a browser draws for the moment: there quick beats small
NARROW = SMALL or "NARROW_SCREEN" in os.environ  # and draws what its screen shows
DPI = 144  # one and a half pixels for each of a page at 96 an inch: crisp, and half the bytes
WIDEST, PHONE = 6.2, 5  # inches: a wider figure gets a narrow form, in which 9.5 pt are 9 px
TITLE = 46  # characters of a title in one line of the narrow form


# ---------------------------------------------------------------- axes that carry the style


@contextmanager
def style():
    """Draw under STYLE. Matplotlib's own `rc_context` copies and checks all its 300 settings."""
    before = {name: matplotlib.rcParams[name] for name in STYLE}
    dict.update(matplotlib.rcParams, STYLE)
    try:
        yield
    finally:
        dict.update(matplotlib.rcParams, before)


def _styled(method):
    @functools.wraps(method)
    def call(*args, **kwargs):
        with style():
            return method(*args, **kwargs)

    return call


class StyledAxes(Axes):
    """Ordinary Matplotlib axes whose drawing methods run under STYLE, wherever they are called."""


for _name in (
    "annotate axhline axline axvline axvspan bar barh clabel contour contourf errorbar "
    "fill_between hist hlines imshow legend loglog plot scatter semilogx semilogy set_title "
    "set_xlabel set_ylabel step stem text vlines"
).split():
    setattr(StyledAxes, _name, _styled(getattr(Axes, _name)))


def single(width=6, height=3.7):
    """fig, ax: one picture, 6 × 3.7 in unless told."""
    fig, axes = grid(1, 1, width, height)
    return fig, axes[0, 0]


def pair(width=9, height=3.4):
    """fig, (left, right): two pictures side by side, 9 × 3.4 in unless told."""
    fig, axes = grid(1, 2, width, height)
    return fig, axes[0]


@checked(rows=count, cols=count, width=positive, height=positive)
@_styled
def grid(rows, cols, width=9, height=None, **subplots):
    """fig, axes of shape (rows, cols); more keywords go to Figure.subplots, as sharex."""
    fig = Figure(figsize=(width, height or width * 0.75 * rows / cols), layout="constrained")
    fig.get_layout_engine().set(w_pad=0.06, h_pad=0.06, wspace=0.06, hspace=0.08)
    look = {"axes_class": StyledAxes}
    return fig, fig.subplots(rows, cols, squeeze=False, subplot_kw=look, **subplots)


# ---------------------------------------------------------------- showing


WORDS = rule(lambda v: isinstance(v, str) and v.strip(),
             "a sentence that says what the picture shows, for a reader who cannot see it")
SENTENCE = rule(lambda v: isinstance(v, str), "a sentence, or nothing: \"\"")


@checked(alt=WORDS, takeaway=SENTENCE)
def show(fig, *, alt, takeaway="", narrow=None):
    """Display a figure and close it: `alt` says what it shows, `takeaway` stands below it.

    The picture's plain-text form is `alt`. Below, the reader sees the takeaway and can unfold the
    words, because JupyterLab gives a screen reader no alternative text for an output.

    A figure wider than 6.2 in gets a narrow form for phones as well, in the metadata of the output:
    axes that stand in one row then stand one below the other, or `narrow`, drawn for the purpose.
    """
    _display(fig, picture(fig), alt, takeaway, {"text/plain": alt}, narrow)


def letters(fig):
    """How high, in pixels, the smallest letters of a figure are in a column of 358 pixels, which a
    phone has. Numbers in a fraction are smaller than their text; indices do not count."""
    sizes = [text.get_fontsize() * (0.7 if r"\frac" in text.get_text() else 1)
             for text in fig.findobj(Text) if text.get_visible() and text.get_text()]
    return round(float(min(sizes, default=99) / 72 * 358 / fig.get_figwidth()), 1)


def _display(fig, shown, alt, takeaway, more, narrow=None):
    """The picture with what else its bundle holds, then the words below it."""
    (png, size), small = shown, _narrow_picture(fig, narrow)
    about = {"width": size[0], "height": size[1], "alt": alt,
             "letters": letters(fig if narrow is None else narrow)}
    if small:
        png_small, (width, height) = small
        about["narrow"] = {"image/png": _base64(png_small), "width": width, "height": height}
    display({"image/png": _base64(png), **more}, metadata={"image/png": about}, raw=True)
    alt, takeaway = html.escape(" ".join(alt.split()), quote=False), " ".join(takeaway.split())
    words = f"<details><summary><small>The figure in words</small></summary><p>{alt}</p></details>"
    display({"text/markdown": f"*{takeaway}*\n\n{words}" if takeaway else words,
             "text/plain": takeaway or "The figure in words is above."}, raw=True)


def _base64(png):
    return base64.b64encode(png).decode()


def picture(fig):
    """PNG bytes of a figure, always the same, and its (width, height) on the page in pixels."""
    if not isinstance(fig, Figure):
        hint = "in single() it is the first of the two"
        raise TypeError(f"expected a Matplotlib figure, got {type(fig).__name__}; {hint}")
    fig.dpi, canvas, png = DPI, FigureCanvasAgg(fig), io.BytesIO()
    with style():  # once; savefig would go through all artists a second time, for the layout alone
        canvas.draw()
    if "matplotlib.pyplot" in sys.modules:  # else the inline backend would show it once more
        sys.modules["matplotlib.pyplot"].close(fig)
    image = Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3])
    if SMALL:  # a palette takes a third of the bytes, and the eye sees no difference
        image = image.quantize(128, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    image.save(png, format="png", optimize=SMALL, compress_level=1)
    return png.getvalue(), tuple((fig.get_size_inches() * 96).round().astype(int).tolist())


def _narrow_picture(fig, narrow):
    """The narrow form of a figure, which it uses up; None where the wide one will do."""
    if not NARROW or narrow is None and fig.get_figwidth() <= WIDEST:
        return None
    if narrow is None:
        _stack(fig)
        for ax in fig.axes:
            ax.set_title(wrap_title(ax.get_title(loc="left")), loc="left")
    return picture(fig if narrow is None else narrow)


@_styled
def _stack(fig):
    """Make a figure as wide as a phone, its one row of axes a column; they keep their shape."""
    axes = [ax for ax in fig.axes if ax.get_subplotspec() is not None]
    rows, cols = axes[0].get_subplotspec().get_gridspec().get_geometry() if axes else (1, 1)
    height = fig.get_figheight() / rows / fig.get_figwidth() * cols
    new_rows, new_cols = (cols, 1) if rows == 1 else (rows, cols)
    fig.set_size_inches(PHONE, PHONE / new_cols * height * new_rows)
    if new_cols < cols:
        for ax, place in zip(axes, fig.add_gridspec(new_rows, new_cols)):
            ax.set_subplotspec(place)
            ax.tick_params(labelleft=True, labelbottom=True)  # shared: at the edge only


def wrap_title(title):
    """A title broken at spaces outside its formulas."""
    whole = re.sub(r"\$[^$]*\$", lambda formula: formula[0].replace(" ", "\0"), title)
    return textwrap.fill(whole, TITLE, break_long_words=False).replace("\0", " ")


# ---------------------------------------------------------------- words and arrows on axes


HALO = [withStroke(linewidth=3, foreground="white")]  # keeps words legible where they cross a line


def label_line(ax, line, text, *, x=None, offset=(6, 0), **style):
    """Write `text` beside a curve, in its colour: at its right end, or at the place `x`.

    `line` is what ax.plot returned (the list or the line), or a point (x, y). `offset` is in
    points, to the right and up.
    """
    line = line[0] if isinstance(line, list) else line
    if hasattr(line, "get_xydata"):
        style.setdefault("color", line.get_color())
        xs, ys = np.asarray(line.get_xydata(), dtype=float).T
        order = np.argsort(xs, kind="stable")
        line = (xs[-1], ys[-1]) if x is None else (x, np.interp(x, xs[order], ys[order]))
    at = dict(xytext=offset, textcoords="offset points", va="center", path_effects=HALO,
              ha="left" if offset[0] >= 0 else "right")
    return ax.annotate(text, fitting("line", array("line", line), "2", {}), **{**at, **style})


@checked(start="2", end="2")
def arrow(ax, start, end, color=BACKWARD):
    """An arrow, as of a gradient, in data coordinates from start to end."""
    head = "-|>,head_length=0.55,head_width=0.22"
    line = dict(arrowstyle=head, color=color, linewidth=2.2, shrinkA=0, shrinkB=0)
    ax.annotate("", end, start, arrowprops=line)
    ax.update_datalim([start, end])


@checked(xlim="2", ylim="2", levels="n_levels")
def contours(ax, f, xlim, ylim, *, levels, points=101):
    """The surface f(x, y) as grey lines at the heights `levels`, every third one stronger.

    `f` takes two numbers and returns one.
    """
    xs, ys = np.linspace(*xlim, points), np.linspace(*ylim, points)
    number("f(x, y)", f(xs[0], ys[0]))
    heights = [[f(x, y) for x in xs] for y in ys]
    strong = np.arange(len(levels)) % 3 == 2
    ax.contour(xs, ys, heights, levels=levels, linewidths=np.where(strong, 1.3, 0.8),
               colors=np.where(strong, "#8C8C8C", PALE).tolist())
    ax.set(xlim=xlim, ylim=ylim)


@checked(points="n_points 2")
def path(ax, points, label="start", **style):
    """A descent path, `points` (n, 2): a marker a step, a ring at its start, a dot at its end."""
    look = dict(color=BACKWARD, linewidth=1.6, marker="o", markersize=3.4)
    end = dict(marker="o", markersize=8, color=BACKWARD)
    ax.plot(*points.T, **{**look, **style})
    ax.plot(*points[0], **end, markerfacecolor="white", markeredgewidth=1.8)
    ax.plot(*points[-1], **end)
    away = np.where(points[0] < points[-1], -8, 8)
    label_line(ax, points[0], label, offset=tuple(away), color=BACKWARD)


# ---------------------------------------------------------------- diagrams


class Node(NamedTuple):
    """A circle of a `graph`: the texts in it, above it (forward) and below it (backward)."""

    at: tuple
    text: str = ""
    above: str = ""
    below: str = ""
    role: str = ""         # "forward", "backward" or neither


class Edge(NamedTuple):
    """An arrow of a `graph` between two nodes; a backward one runs from the end to the start."""

    start: object
    end: object
    text: str = ""
    slope: str = ""        # what comes back, in wine below the text, which is then blue
    role: str = ""
    at: float = 0.5        # where on the line the text stands, from 0 to 1
    beside: bool = False   # the text stands beside the line, not on it


COLORS = {"forward": FORWARD, "backward": BACKWARD}
PAPER = dict(boxstyle="round,pad=0.14", facecolor="white", edgecolor="none")


def graph(ax, nodes, edges=()):
    """Circles and arrows: a dictionary of `Node`, and a list of `Edge` between its keys.

    What goes forward is blue and solid, what comes back wine and dotted, an edge of neither pale
    and without a head. All texts are mathematics without dollars.
    """
    for key in (key for edge in edges for key in edge[:2]):
        if key not in nodes:
            raise ValueError(f"the graph has no node {key!r}, only {list(nodes)}")
    ax.set_aspect("equal")
    ax.margins(0.06, 0.12)
    ax.axis("off")
    circles = {key: _draw_node(ax, node) for key, node in nodes.items()}
    for edge in edges:
        _draw_edge(ax, edge, circles[edge.start], circles[edge.end])
    ax.autoscale_view()


def _draw_node(ax, node):
    (x, y), r, color = node.at, 0.36, COLORS.get(node.role, DATA)
    _write(ax, node.text, node.at, color=color, fontsize=14, va="center", zorder=4)
    above = dict(va="bottom", color=FORWARD, xytext=(0, 4))
    below = dict(va="top", color=BACKWARD, xytext=(0, -4))
    for text, side, look in ((node.above, 1, above), (node.below, -1, below)):
        _write(ax, text, (x, y + side * r), fontsize=12, path_effects=HALO, zorder=5, **look)
    look = dict(facecolor="white", edgecolor=color, linewidth=1.8, zorder=3)
    return ax.add_patch(Circle(node.at, r, **look))


def _draw_edge(ax, edge, a, b):
    color, line, head = COLORS.get(edge.role, PALE), "-", "-|>,head_length=5,head_width=2.4"
    if edge.role == "backward":
        a, b, edge, line = b, a, edge._replace(at=1 - edge.at), GRADIENT["linestyle"]
    dx, dy = np.subtract(b.center, a.center)
    step = np.array([dx, dy]) / np.hypot(dx, dy)  # by arithmetic: patchA and patchB are bisected
    ends = a.center + a.radius * step, b.center - b.radius * step
    ax.add_patch(FancyArrowPatch(
        *ends, arrowstyle=head if edge.role else "-", color=color, linestyle=line, shrinkA=0,
        linewidth=2.0 if edge.role else 1.1, shrinkB=2, mutation_scale=1, zorder=2))
    look = dict(xy=np.add(a.center, edge.at * np.array([dx, dy])), va="center", bbox=PAPER)
    if edge.slope:
        up = 11 if dy == 0 else 7.5  # a level line stays visible between the two
        for text, shift, color in ((edge.text, up, FORWARD), (edge.slope, -up, BACKWARD)):
            _write(ax, text, xytext=(0, shift), color=color, fontsize=12, zorder=5, **look)
    else:
        away = (7, 0) if edge.beside and dx == 0 else (0, 9) if edge.beside else (0, 0)
        _write(ax, edge.text, xytext=away, color=color if edge.role else REFERENCE, fontsize=13,
               ha="left" if away[0] else "center", zorder=2.5, **look)


def _write(ax, text, xy, *, xytext=(0, 0), ha="center", **look):
    """The mathematics `text` beside a point, `xytext` points away from it; nothing if empty."""
    if text:
        ax.annotate(f"${text}$", xy, xytext, textcoords="offset points", ha=ha, **look)


# ---------------------------------------------------------------- figures that move


SLIDER = rule(lambda v: np.shape(v) == (4,) and v[0] <= v[3] <= v[1] != v[0] and v[2] > 0,
              "(smallest, largest, step, start)")


@checked(alt=WORDS, takeaway=SENTENCE)
def explore(draw, *, alt, takeaway="", **sliders):
    """An interactive figure: a slider for each argument of `draw(**values)`, which returns one.

    A slider is (min, max, step, start); whole numbers give a slider of whole numbers. The output
    also holds the picture at the starting values: a page on paper, or without a kernel, shows that.
    Write `draw` so that it changes nothing outside.
    """
    if not sliders:
        raise ValueError("explore needs a slider, as eta=(0, 2, 0.05, 0.5)")
    for name, slider in sliders.items():
        SLIDER(f"the slider {name}", slider)
    ranges = " and ".join(f"{slider_label(name)} from {low:g} to {high:g}".replace("-", "−")
                          for name, (low, high, *_) in sliders.items())
    still = draw(**{name: start for name, (*_, start) in sliders.items()})
    shown = picture(still)
    try:
        widget, invitation = _widget(draw, sliders, shown, alt), f"Run this cell and move {ranges}."
    except ImportError:
        widget = {}
        invitation = "To move it, install ipywidgets; until then the figure stands still."
    words = {"text/plain": f"Interactive figure: {_sentence(alt)} {invitation}"}
    _display(still, shown, alt, f"{_sentence(takeaway)} {invitation}", {**widget, **words})


def _sentence(text):
    text = text.strip()
    return text if not text or text[-1] in ".!?" else text + "."


GREEK = dict(zip("alpha beta delta epsilon eta lambda mu sigma theta".split(), "αβδεηλμσθ"))


def slider_label(name):
    """The name as the page writes it: eta is η, w1 or w_1 is w₁."""
    letter, digits = re.fullmatch(r"(.*?)_?(\d*)", name).groups()
    return GREEK.get(letter, letter) + digits.translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))


def _widget(draw, sliders, shown, alt):
    """Sliders above an image that each change draws anew."""
    import ipywidgets
    image = ipywidgets.HTML(image_tag(*shown, alt))  # its Image cannot hold words
    controls = {name: _slider(ipywidgets, name, *slider) for name, slider in sliders.items()}

    def redraw(change):
        values = {name: control.value for name, control in controls.items()}
        image.value = image_tag(*picture(draw(**values)), alt)

    for control in controls.values():
        control.observe(redraw, "value")
    box = ipywidgets.VBox([*controls.values(), image])  # its own bundle differs between 7 and 8
    view = {"version_major": 2, "version_minor": 0, "model_id": box.model_id}
    return {"application/vnd.jupyter.widget-view+json": view}


def _slider(ipywidgets, name, low, high, step, start):
    look = dict(min=low, max=high, step=step, value=start, description=slider_label(name),
                layout=ipywidgets.Layout(width="min(100%, 480px)"))
    if all(isinstance(number, int) for number in (low, high, step, start)):
        return ipywidgets.IntSlider(**look)
    digits = max(0, -int(np.floor(np.log10(step) + 1e-9)))
    return ipywidgets.FloatSlider(**look, readout_format=f".{digits}f")


def image_tag(png, size, alt):
    # sync: no blank frame while it changes
    look = 'style="display: block; max-width: 100%; height: auto" decoding="sync"'
    about = f'alt="{html.escape(alt)}" width="{size[0]}" height="{size[1]}"'
    return f'<img {about} {look} src="data:image/png;base64,{_base64(png)}">'
