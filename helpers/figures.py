"""One look for every figure, and `show`, which never shows a picture without words.

Colour has four roles, and each role also has a marker or a line style, so that no figure depends on
colour: data ink, forward (predictions), loss, backward (gradients); grey is for reference. The look
is in notebook.mplstyle; importing this module sets it, as `plt.style.use` would.
"""

import base64
import html
import io
import os
import re
import sys
import textwrap
from collections import namedtuple
from pathlib import Path

import matplotlib
import numpy as np
from IPython.display import display
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch
from matplotlib.patheffects import withStroke
from matplotlib.text import Text
from PIL import Image

from helpers.validation import checked, rule

matplotlib.rc_file(Path(__file__).with_name("notebook.mplstyle"), use_default_template=False)

DATA, FORWARD, LOSS, BACKWARD, REFERENCE = "#222222", "#0072B2", "#D55E00", "#AA3377", "#6E6E6E"
PALE = "#B4B4B4"  # only for lines that something else repeats: contour lines, edges of a network

POINTS = dict(linestyle="none", markersize=4.5, markeredgecolor="white", markeredgewidth=0.5)
SAMPLES = dict(color=DATA, marker="o", **POINTS)
PREDICTION = dict(color=FORWARD, linestyle="-", linewidth=2.2)
COST = dict(color=LOSS, linestyle=(0, (8, 1.5)), linewidth=2.2)
GRADIENT = dict(color=BACKWARD, linestyle=(0, (1.3, 1.1)), linewidth=2.4)
GUIDE = dict(color=REFERENCE, linestyle=(0, (5, 4)), linewidth=1.2)
HEIGHTS = dict(colors=[PALE, PALE, "#8C8C8C"], linewidths=[0.8, 0.8, 1.3])  # of a map, for contour
ARROW = dict(arrowstyle="-|>,head_length=0.55,head_width=0.22", color=BACKWARD, linewidth=2.2,
             shrinkA=0, shrinkB=0)  # for annotate
CLASSES = (SAMPLES, dict(color="#009E73", marker="^", **{**POINTS, "markersize": 5.5}),
           dict(color=REFERENCE, marker="s", markerfacecolor="white",
                linestyle="none", markersize=4.5, markeredgewidth=1.1))

SMALL = sys.platform != "emscripten"  # a browser draws for the moment: there quick beats small
NARROW = SMALL or "NARROW_SCREEN" in os.environ  # and draws what its screen shows
DPI = 144  # one and a half pixels for each of a page at 96 an inch: crisp, and half the bytes
WIDEST, PHONE = 6.2, 5  # inches: a wider figure gets a narrow form, in which 9.5 pt are 9 px
TITLE = 46  # characters of a title in one line of the narrow form


def single(width=6, height=3.7):
    """fig, ax: one picture, 6 × 3.7 in unless told."""
    fig, axes = grid(1, 1, width, height)
    return fig, axes[0, 0]


def pair(width=9, height=3.4):
    """fig, (left, right): two pictures side by side, 9 × 3.4 in unless told."""
    fig, axes = grid(1, 2, width, height)
    return fig, axes[0]


def grid(rows, cols, width, height, **subplots):
    """fig, axes of shape (rows, cols); more keywords go to Figure.subplots, as sharex."""
    fig = Figure(figsize=(width, height), layout="constrained")
    fig.get_layout_engine().set(w_pad=0.06, h_pad=0.06, wspace=0.06, hspace=0.08)
    return fig, fig.subplots(rows, cols, squeeze=False, **subplots)


# ---------------------------------------------------------------- showing


WORDS = rule(lambda v: isinstance(v, str) and v.strip(),
             "a sentence that says what the picture shows, for a reader who cannot see it")
SENTENCE = rule(lambda v: isinstance(v, str), "a sentence, or nothing: \"\"")


@checked(alt=WORDS, takeaway=SENTENCE)
def show(fig, *, alt, takeaway="", narrow=None):
    """Display a figure: `alt` says what it shows, `takeaway` stands below it.

    The picture's plain-text form is `alt`. Below, the reader sees the takeaway and can unfold the
    words, because JupyterLab gives a screen reader no alternative text for an output.

    A figure wider than 6.2 in gets a narrow form for phones as well, in the metadata of the output:
    axes that stand in one row then stand one below the other, or `narrow`, drawn for the purpose.
    """
    _display(fig, picture(fig), alt, takeaway, {"text/plain": alt}, narrow)


def _display(fig, png, alt, takeaway, more, narrow=None):
    """The picture with what else its bundle holds, then the words below it."""
    about = {**_size(fig), "alt": alt}
    if NARROW and (narrow or fig.get_figwidth() > WIDEST):
        fig = narrow or _stack(fig)
        about["narrow"] = {"image/png": _base64(picture(fig)), **_size(fig)}
    about["letters"] = letters(fig)
    display({"image/png": _base64(png), **more}, metadata={"image/png": about}, raw=True)
    alt, takeaway = html.escape(" ".join(alt.split()), quote=False), " ".join(takeaway.split())
    words = f"<details><summary><small>The figure in words</small></summary><p>{alt}</p></details>"
    display({"text/markdown": f"*{takeaway}*\n\n{words}" if takeaway else words,
             "text/plain": takeaway or "The figure in words is above."}, raw=True)


def letters(fig):
    """How high, in pixels, the smallest letters of a figure are in a column of 358 pixels, which a
    phone has. Numbers in a fraction are smaller than their text; indices do not count."""
    sizes = [text.get_fontsize() * (0.7 if r"\frac" in text.get_text() else 1)
             for text in fig.findobj(Text) if text.get_visible() and text.get_text()]
    return round(float(min(sizes, default=99) / 72 * 358 / fig.get_figwidth()), 1)


def picture(fig):
    """PNG bytes of a figure, always the same."""
    if not isinstance(fig, Figure):
        hint = "in single() it is the first of the two"
        raise TypeError(f"expected a Matplotlib figure, got {type(fig).__name__}; {hint}")
    fig.dpi, canvas, png = DPI, FigureCanvasAgg(fig), io.BytesIO()
    canvas.draw()  # once; savefig would go through all artists a second time, for the layout alone
    image = Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3])
    if SMALL:  # a palette takes a third of the bytes, and the eye sees no difference
        image = image.quantize(128, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    image.save(png, format="png", optimize=SMALL, compress_level=1)
    return png.getvalue()


def _size(fig):
    """How large a figure is on the page, in pixels."""
    return dict(zip(("width", "height"), (fig.get_size_inches() * 96).round().astype(int).tolist()))


def _base64(png):
    return base64.b64encode(png).decode()


def _stack(fig):
    """The figure, now as wide as a phone, its one row of axes a column; they keep their shape."""
    rows, cols = fig.axes[0].get_gridspec().get_geometry()
    high = cols if rows == 1 else 1
    fig.set_size_inches(PHONE, PHONE * fig.get_figheight() / fig.get_figwidth() * high**2)
    for ax, place in zip(fig.axes, fig.add_gridspec(high, 1) if high > 1 else ()):
        ax.set_subplotspec(place)
        ax.tick_params(labelleft=True, labelbottom=True)  # shared: at the edge only
    for ax in fig.axes:
        ax.set_title(wrap_title(ax.get_title(loc="left")), loc="left")
    return fig


def wrap_title(title):
    """A title broken at spaces outside its formulas."""
    whole = re.sub(r"\$[^$]*\$", lambda formula: formula[0].replace(" ", "\0"), title)
    return textwrap.fill(whole, TITLE, break_long_words=False).replace("\0", " ")


# ---------------------------------------------------------------- words and arrows on axes


HALO = [withStroke(linewidth=3, foreground="white")]  # keeps words legible where they cross a line


def label_line(ax, line, text, *, x=None, offset=(6, 0), **style):
    """Write `text` beside a curve, in its colour: at its right end, or at the place `x`.

    `line` is what ax.plot returned, or a point (x, y). `offset` is in points, to the right and up.
    """
    if isinstance(line, list):
        style.setdefault("color", line[0].get_color())
        xs, ys = np.asarray(line[0].get_xydata(), dtype=float).T
        order = np.argsort(xs, kind="stable")
        line = (xs[-1], ys[-1]) if x is None else (x, np.interp(x, xs[order], ys[order]))
    at = dict(xytext=offset, textcoords="offset points", va="center", path_effects=HALO,
              ha="left" if offset[0] >= 0 else "right")
    return ax.annotate(text, line, **{**at, **style})


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


Node = namedtuple("Node", "at text above below role", defaults=("",) * 4)
Edge = namedtuple("Edge", "start end text slope role at beside", defaults=("", "", "", 0.5, False))
RADIUS, COLORS = 0.36, {"forward": FORWARD, "backward": BACKWARD}
PAPER = dict(boxstyle="round,pad=0.14", facecolor="white", edgecolor="none")


def graph(ax, nodes, edges=()):
    """Circles and arrows: a dictionary of `Node`, and a list of `Edge` between its keys.

    A node has its place, a text in it, above it (what goes forward) and below it (what comes back).
    An edge has its text on the line, `at` 0 to 1 of the way, or `beside` it; with a slope that
    comes back, in wine, the text is blue and above. A `role` is "forward", blue and solid, or
    "backward", wine and dotted from the end to the start; an edge of neither is pale and without a
    head. All texts are mathematics without dollars.
    """
    for key in (key for edge in edges for key in edge[:2]):
        if key not in nodes:
            raise ValueError(f"the graph has no node {key!r}, only {list(nodes)}")
    ax.set_aspect("equal")
    ax.margins(0.06, 0.12)
    ax.axis("off")
    for node in nodes.values():
        _draw_node(ax, node)
    for edge in edges:
        _draw_edge(ax, edge, nodes[edge.start].at, nodes[edge.end].at)
    ax.autoscale_view()


def _draw_node(ax, node):
    (x, y), color = node.at, COLORS.get(node.role, DATA)
    _write(ax, node.text, node.at, color=color, fontsize=14, va="center", zorder=4)
    look = dict(fontsize=12, path_effects=HALO, zorder=5)
    _write(ax, node.above, (x, y + RADIUS), xytext=(0, 4), va="bottom", color=FORWARD, **look)
    _write(ax, node.below, (x, y - RADIUS), xytext=(0, -4), va="top", color=BACKWARD, **look)
    ax.add_patch(Circle(node.at, RADIUS, facecolor="white", edgecolor=color, linewidth=1.8,
                        zorder=3))


def _draw_edge(ax, edge, a, b):
    color, line = COLORS.get(edge.role, PALE), "-"
    if edge.role == "backward":
        a, b, edge, line = b, a, edge._replace(at=1 - edge.at), GRADIENT["linestyle"]
    a, way = np.array(a), np.subtract(b, a)
    rim = RADIUS * (way / np.hypot(*way))  # by arithmetic: patchA and patchB are bisected
    ax.add_patch(FancyArrowPatch(
        a + rim, b - rim, arrowstyle="-|>,head_length=5,head_width=2.4" if edge.role else "-",
        color=color, linestyle=line, linewidth=2.0 if edge.role else 1.1, shrinkA=0, shrinkB=2,
        mutation_scale=1, zorder=2))
    look = dict(xy=a + edge.at * way, va="center", bbox=PAPER)
    if edge.slope:
        up = 11 if way[1] == 0 else 7.5  # a level line stays visible between the two
        for text, shift, color in ((edge.text, up, FORWARD), (edge.slope, -up, BACKWARD)):
            _write(ax, text, xytext=(0, shift), color=color, fontsize=12, zorder=5, **look)
    else:
        away = (7, 0) if edge.beside and way[0] == 0 else (0, 9) if edge.beside else (0, 0)
        _write(ax, edge.text, xytext=away, color=color if edge.role else REFERENCE, fontsize=13,
               ha="left" if away[0] else "center", zorder=2.5, **look)


def _write(ax, text, xy, *, xytext=(0, 0), ha="center", **look):
    """The mathematics `text` beside a point, `xytext` points away from it; nothing if empty."""
    if text:
        ax.annotate(f"${text}$", xy, xytext, textcoords="offset points", ha=ha, **look)


# ---------------------------------------------------------------- figures that move


SLIDER = rule(lambda v: np.shape(v) == (4,) and v[0] <= v[3] <= v[1] != v[0] and v[2] > 0,
              "(smallest, largest, step, start)")
GREEK = dict(zip("alpha beta delta epsilon eta lambda mu sigma theta".split(), "αβδεηλμσθ"))


@checked(alt=WORDS, takeaway=SENTENCE)
def explore(draw, *, alt, takeaway, **sliders):
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
    invitation = f"Run this cell and move {ranges}."
    still = draw(**{name: start for name, (*_, start) in sliders.items()})
    png = picture(still)
    more = {"text/plain": f"Interactive figure: {alt.rstrip('.')}. {invitation}",
            "application/vnd.jupyter.widget-view+json": _widget(draw, sliders, still, png, alt)}
    _display(still, png, alt, f"{takeaway} {invitation}", more)


def slider_label(name):
    """The name as the page writes it: eta is η, w1 or w_1 is w₁."""
    letter, digits = re.fullmatch(r"(.*?)_?(\d*)", name).groups()
    return GREEK.get(letter, letter) + digits.translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))


def _widget(draw, sliders, still, png, alt):
    """The view of sliders above an image that each change draws anew."""
    import ipywidgets
    image = ipywidgets.HTML(image_tag(still, png, alt))  # its Image cannot hold words
    controls = {name: _slider(ipywidgets, name, *slider) for name, slider in sliders.items()}

    def redraw(change):
        fig = draw(**{name: control.value for name, control in controls.items()})
        image.value = image_tag(fig, picture(fig), alt)

    for control in controls.values():
        control.observe(redraw, "value")
    box = ipywidgets.VBox([*controls.values(), image])  # its own bundle differs between 7 and 8
    return {"version_major": 2, "version_minor": 0, "model_id": box.model_id}


def _slider(ipywidgets, name, low, high, step, start):
    look = dict(min=low, max=high, step=step, value=start, description=slider_label(name),
                layout=ipywidgets.Layout(width="min(100%, 480px)"))
    if all(isinstance(number, int) for number in (low, high, step, start)):
        return ipywidgets.IntSlider(**look)
    digits = max(0, -int(np.floor(np.log10(step) + 1e-9)))
    return ipywidgets.FloatSlider(**look, readout_format=f".{digits}f")


def image_tag(fig, png, alt):
    """The picture as HTML; sync, so that no blank frame is seen while it changes."""
    size = " ".join(f'{name}="{pixels}"' for name, pixels in _size(fig).items())
    look = 'style="display: block; max-width: 100%; height: auto" decoding="sync"'
    source = f"data:image/png;base64,{_base64(png)}"
    return f'<img alt="{html.escape(alt)}" {size} {look} src="{source}">'
