"""One look for every figure, and `show`, which never shows a picture without words.

Colour has four roles, and each role also has a marker or a line style, so that no figure depends on colour: data ink, forward
(predictions), loss, backward (gradients); grey is for reference. Axes come from `single`, `pair` and `grid`; they carry
the style with them, so Matplotlib's global settings stay as they are.
"""

import base64
import functools
import html
import io
import re
import sys
import textwrap
from pathlib import Path

import matplotlib
import numpy as np
from IPython.display import display
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch
from matplotlib.patheffects import withStroke
from PIL import Image

from helpers import validation

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

STYLE = matplotlib.rc_params_from_file(
    Path(__file__).with_name("notebook.mplstyle"), use_default_template=False
)
DPI = 144  # one and a half pixels for each pixel of a page at 96 an inch: crisp enough, and half the bytes
WIDEST, PHONE = 6.2, 5  # inches: a wider figure gets a second, narrow form, in which 9.5 pt are 9 px on a phone
TITLE = 46  # characters of a title in one line of the narrow form


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
    validation.count("rows", rows), validation.count("cols", cols)
    height = height or validation.positive("width", width) * 0.75 * rows / cols
    return _axes(rows, cols, width, height, squeeze=False, **subplots)


@_styled
def _axes(rows, cols, width, height, **subplots):
    validation.positive("width", width), validation.positive("height", height)
    fig = Figure(figsize=(width, height), layout="constrained")
    fig.get_layout_engine().set(w_pad=0.06, h_pad=0.06, wspace=0.06, hspace=0.08)
    return fig, fig.subplots(rows, cols, subplot_kw={"axes_class": StyledAxes}, **subplots)


# ---------------------------------------------------------------- showing


def show(fig, *, alt, takeaway="", narrow=None):
    """Display a figure and close it. `alt` says in words what it shows; `takeaway` is the sentence printed below it.

    The picture's plain-text form is `alt`. Below, the reader sees the takeaway and can unfold the words, because JupyterLab
    gives a screen reader no alternative text for an output.

    A figure wider than 6.2 in gets a narrow form for phones as well, in the metadata of the output: axes that stand in one
    row then stand one below the other. `narrow` is another arrangement, (rows, columns), or a figure drawn for the purpose.
    """
    _check_words(alt, takeaway)
    _display_picture(*_picture(fig), alt, narrow=_narrow_picture(fig, narrow))
    _display_caption(alt, takeaway)


def _check_words(alt, takeaway):
    if not isinstance(alt, str) or not alt.strip():
        raise ValueError("show needs alt='…': say in a sentence what the picture shows, for a reader who cannot see it")
    if not isinstance(takeaway, str):
        raise ValueError(f"takeaway must be a sentence, not {takeaway!r}")


def _picture(fig, colors=128):
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
    image = Image.open(raw).convert("RGB")
    image = image.quantize(colors, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)  # keeps colours of few pixels too
    small = io.BytesIO()
    image.save(small, format="png", optimize=True)
    return small.getvalue()


def _narrow_picture(fig, narrow=None):
    """The narrow form of a figure, which is used up by it, as `_picture` gives it; None where the wide one will do."""
    if isinstance(narrow, Figure):
        return _picture(narrow)
    if narrow is None and fig.get_figwidth() <= WIDEST:
        return None
    _arrange(fig, narrow)
    for ax in fig.axes:
        ax.set_title(_in_lines(ax.get_title(loc="left")), loc="left")
    return _picture(fig)


@_styled
def _arrange(fig, shape):
    """Give the axes, in their order, places in a grid of another shape; each keeps its proportions."""
    axes = [ax for ax in fig.axes if ax.get_subplotspec() is not None]
    rows, cols = axes[0].get_subplotspec().get_gridspec().get_geometry() if axes else (1, 1)
    height = fig.get_figheight() / rows / fig.get_figwidth() * cols
    new_rows, new_cols = shape or ((cols, 1) if rows == 1 else (rows, cols))
    if new_rows * new_cols < len(axes):
        raise ValueError(f"narrow={shape!r} has no room for {len(axes)} axes")
    fig.set_size_inches(PHONE, PHONE / new_cols * height * new_rows)
    if (new_rows, new_cols) != (rows, cols):
        for ax, place in zip(axes, fig.add_gridspec(new_rows, new_cols)):
            ax.set_subplotspec(place)
            ax.tick_params(labelleft=True, labelbottom=True)  # shared axes had them at the edge only


def _in_lines(title):
    """A title broken at spaces outside its formulas."""
    whole = re.sub(r"\$[^$]*\$", lambda formula: formula[0].replace(" ", "\0"), title)
    return textwrap.fill(whole, TITLE, break_long_words=False).replace("\0", " ")


def _display_picture(png, size, alt, more=None, narrow=None):
    bundle = {"image/png": _base64(png), "text/plain": alt, **(more or {})}
    about = {"width": size[0], "height": size[1], "alt": alt}
    if narrow:
        png, (width, height) = narrow
        about["narrow"] = {"image/png": _base64(png), "width": width, "height": height}
    display(bundle, metadata={"image/png": about}, raw=True)


def _base64(png):
    return base64.b64encode(png).decode()


def _display_caption(alt, takeaway):
    alt, takeaway = html.escape(" ".join(alt.split()), quote=False), " ".join(takeaway.split())
    words = f"<details><summary><small>The figure in words</small></summary><p>{alt}</p></details>"
    markdown = f"*{takeaway}*\n\n{words}" if takeaway else words
    display({"text/markdown": markdown, "text/plain": takeaway or "The figure in words is above."}, raw=True)


# ---------------------------------------------------------------- words and arrows on axes


def label_line(ax, line, text, *, x=None, offset=(6, 0), **style):
    """Write `text` beside a curve, in its colour, instead of a legend: at its right end, or at the place `x`.

    `line` is what ax.plot returned (the list or the line), or a point (x, y). `offset` is in points, to the right and up.
    """
    line = line[0] if isinstance(line, list) else line
    if hasattr(line, "get_xydata"):
        style.setdefault("color", line.get_color())
        line = _point_on(line, x)
    at = dict(xytext=offset, textcoords="offset points", va="center", ha="left" if offset[0] >= 0 else "right")
    return ax.annotate(text, _two_numbers(line, "line"), **{**at, "path_effects": HALO, **style})


HALO = [withStroke(linewidth=3, foreground="white")]  # keeps words legible where they cross a line


def _point_on(line, x):
    xs, ys = np.asarray(line.get_xydata(), dtype=float).T
    order = np.argsort(xs, kind="stable")
    return (xs[-1], ys[-1]) if x is None else (x, np.interp(x, xs[order], ys[order]))


def _two_numbers(point, name):
    if np.shape(point) != (2,):
        raise ValueError(f"{name} must be a point (x, y), not {point!r}")
    return float(point[0]), float(point[1])


def arrow(ax, start, end, text="", *, color=BACKWARD, offset=(6, 6), **style):
    """An arrow from start to end, in data coordinates: the direction of a gradient. `text` stands at its tip."""
    start, end = _two_numbers(start, "start"), _two_numbers(end, "end")
    line = dict(arrowstyle="-|>,head_length=0.55,head_width=0.22", color=color, linewidth=2.2, shrinkA=0, shrinkB=0)
    ax.annotate("", end, start, arrowprops={**line, **style})
    ax.update_datalim([start, end])
    return label_line(ax, end, text, offset=offset, color=color)


def contours(ax, f, xlim, ylim, *, levels=12, labels=True, points=101):
    """The surface f(x, y) as a map: grey contour lines, every third one stronger and labelled with its height.

    `f` takes two numbers and returns one. `levels` is how many lines, closer together near the minimum, or the heights.
    """
    xs, ys = np.linspace(*xlim, points), np.linspace(*ylim, points)
    heights = np.array([[f(x, y) for x in xs] for y in ys], dtype=float)
    if heights.shape != (points, points):
        raise ValueError(f"f must return one number for two numbers; it returned shape {heights.shape[2:]}")
    if np.ndim(levels) == 0:
        levels = _heights(heights, levels)
    levels = np.unique(np.asarray(levels, dtype=float))
    third = np.arange(len(levels)) % 3 == min(2, len(levels) - 1)
    if not third.all():
        ax.contour(xs, ys, heights, levels=levels[~third], colors=PALE, linewidths=0.8)
    strong = ax.contour(xs, ys, heights, levels=levels[third], colors="#8C8C8C", linewidths=1.3)
    ax.set(xlim=xlim, ylim=ylim)
    if labels:
        ax.clabel(strong, fmt="%.3g", fontsize=11.5, colors=REFERENCE, inline_spacing=4)


def _heights(heights, count):
    """`count` heights that rise with the square, so that a bowl gets evenly spaced rings; two significant digits."""
    low, high = np.nanmin(heights), np.nanmax(heights)
    steps = low + (high - low) * (np.arange(1, count + 1) / (count + 1)) ** 2
    return np.unique([float(f"{step:.2g}") for step in steps])


def path(ax, points, *, color=BACKWARD, labels=("start", ""), **style):
    """A descent path: one marker per step, a ring where it starts, a full dot where it stops. `points` has shape (n, 2)."""
    points = np.asarray(points, dtype=float)
    if points.ndim != 2 or points.shape[1] != 2 or len(points) < 2:
        raise ValueError(f"points must have shape (n, 2) with at least two points, not {points.shape}")
    look = dict(color=color, linewidth=1.6, marker="o", markersize=3.4)
    (line,) = ax.plot(*points.T, **{**look, **style})
    ax.plot(*points[0], marker="o", markersize=8, markerfacecolor="white", markeredgecolor=color, markeredgewidth=1.8)
    ax.plot(*points[-1], marker="o", markersize=8, color=color)
    for point, text, away in zip(points[[0, -1]], labels, (points[0] - points[1], points[-1] - points[-2]), strict=True):
        label_line(ax, point, text, offset=tuple(np.where(away < 0, -8, 8)), color=color)
    return line


# ---------------------------------------------------------------- diagrams


def neuron(ax, inputs=("x_1", "x_2", "...", "x_d"), weights=None, bias="b", output=r"\hat{y}", g="g", z="z"):
    """One neuron: the inputs times their weights and the bias are summed to z, and g makes the output of it.

    All texts are mathematics without dollars; "..." draws three dots and no line. Without `weights` they are w with the
    indices of the inputs; bias="" or g="" leaves that part out.
    """
    weights = [text.replace("x", "w", 1) for text in inputs] if weights is None else list(weights)
    if len(weights) != len(inputs):
        raise ValueError(f"{len(inputs)} inputs need as many weights, not {len(weights)}")
    _blank(ax)
    total = _node(ax, (2.6, 0), r"\Sigma", radius=0.42)
    for y, x, w in zip(_column(len(inputs), 0.95), inputs, weights, strict=True):
        if x == "...":
            ax.text(0, y, r"$\vdots$", ha="center", va="center", fontsize=17)
            continue
        _edge(ax, _node(ax, (0, y), x), total, w, at=0.42)
    if bias:
        _edge(ax, _node(ax, (2.6, 1.45), "1", radius=0.26), total, bias, at=0.45, beside=True)
    last = total
    if g:
        last = _node(ax, (4.2, 0), g, box=True)
        _edge(ax, total, last, z, beside=True)
    _edge(ax, last, _node(ax, (5.8 if g else 4.2, 0), output, color=FORWARD), "", color=FORWARD)
    ax.autoscale_view()


def network(ax, sizes, *, nodes=None, weights=None, values=None, deltas=None, slopes=None, forward=(), backward=(), spread=None):
    """A layered network drawn from left to right; layer 0 is the input.

    A node is (layer, index) and an edge (layer, to, from), as in w_jk^(l): to j from k, indices from 1.

    nodes     texts inside the circles, by node; default x_k, a_j^(l), ŷ
    weights   texts on the edges, by edge; True writes w_jk^(l) on every edge
    values    what goes forward, in blue above a node, by node
    deltas    what comes back, in wine below a node, by node
    slopes    what comes back, in wine below the text of an edge, by edge; that text is then blue
    forward   nodes of one path, or a list of such paths, drawn blue and solid with an arrow to the right
    backward  nodes of one path, or a list of such paths, drawn wine and dotted with an arrow to the left
    spread    how far the layers are apart, and the nodes of one layer

    All texts are mathematics without dollars.
    """
    places = _places(sizes, *(spread or (2.1, 1.7 if deltas else 1.35)))
    edges = [(l, j, k) for l in range(1, len(sizes)) for j in range(1, sizes[l] + 1) for k in range(1, sizes[l - 1] + 1)]
    weights = {edge: _weight(*edge) for edge in edges} if weights is True else dict(weights or {})
    nodes, values, deltas, slopes = dict(nodes or {}), dict(values or {}), dict(deltas or {}), dict(slopes or {})
    forward, backward = _list_of_paths(forward), _list_of_paths(backward)
    for given in (weights, slopes):
        _check_keys("edge", given, edges)
    for given in (nodes, values, deltas, *forward, *backward):
        _check_keys("node", given, places)
    _blank(ax)
    paths = {FORWARD: [step for path in forward for step in _steps(path, edges)],
             BACKWARD: [step for path in backward for step in _steps(path[::-1], edges)]}
    circles = {
        node: _node(ax, place, nodes.get(node, _activation(node, sizes)), color=_role(node, sum(forward, []), sum(backward, [])))
        for node, place in places.items()
    }
    for edge in edges:
        _network_edge(ax, circles, edge, weights.get(edge, ""), paths, slopes.get(edge, ""))
    for node, text in values.items():
        _beside(ax, places[node], text, +1, FORWARD)
    for node, text in deltas.items():
        _beside(ax, places[node], text, -1, BACKWARD)
    ax.autoscale_view()


def _list_of_paths(paths):
    """One path, as [(0, 1), (1, 2)], becomes a list of one path."""
    return [list(path) for path in ([paths] if paths and np.ndim(paths[0]) == 1 and np.ndim(paths[0][0]) == 0 else paths)]


def _places(sizes, step, gap):
    if len(sizes) < 2 or any(size != int(size) or size < 1 for size in sizes):
        raise ValueError(f"sizes must be two or more positive whole numbers, as (4, 2, 2, 1), not {sizes!r}")
    return {(l, j + 1): (step * l, y) for l, size in enumerate(sizes) for j, y in enumerate(_column(size, gap))}


def _check_keys(kind, given, known):
    for key in given:
        if key not in known:
            example = {"node": "(layer, index)", "edge": "(layer, to, from)"}[kind]
            raise ValueError(f"the network has no {kind} {key!r}; a {kind} is {example}, one of {list(known)}")


def _steps(nodes, edges):
    """The edges along a path of nodes."""
    steps = [(b[0], b[1], a[1]) for a, b in zip(nodes, nodes[1:])]
    for (a, b), step in zip(zip(nodes, nodes[1:]), steps):
        if step not in edges or b[0] != a[0] + 1:
            raise ValueError(f"a path goes from layer to the next; {a} and {b} are not neighbours")
    return steps


def _role(node, forward, backward):
    return BACKWARD if node in backward else FORWARD if node in forward else DATA


def _network_edge(ax, circles, edge, text, paths, slope=""):
    layer, to, source = edge
    a, b = circles[layer - 1, source], circles[layer, to]
    level = a.middle[1] == b.middle[1]
    at = 0.5 if level else 0.3  # lines cross near their middle: there a label would cover the other line
    if slope:
        _edge_texts(ax, a.middle, b.middle, at, text, slope)
        text = ""
    if edge in paths[BACKWARD]:
        _edge(ax, b, a, text, color=BACKWARD, linestyle=GRADIENT["linestyle"], at=1 - at)
    elif edge in paths[FORWARD]:
        _edge(ax, a, b, text, color=FORWARD, at=at)
    else:
        _edge(ax, a, b, text, color=PALE, linewidth=1.1, at=at)


def _activation(node, sizes):
    layer, index = node
    if layer == 0:
        return f"x_{{{index}}}"
    if layer == len(sizes) - 1:
        return r"\hat{y}" if sizes[-1] == 1 else rf"\hat{{y}}_{{{index}}}"
    return f"a_{{{index}}}^{{({layer})}}"


def _weight(layer, to, source):
    return f"w_{{{to}{source}}}^{{({layer})}}"


def _blank(ax):
    ax.set_aspect("equal")
    ax.margins(0.06, 0.12)
    ax.axis("off")


def _column(count, gap):
    return [gap * ((count - 1) / 2 - k) for k in range(count)]


def _node(ax, place, text, *, radius=0.36, color=DATA, box=False):
    x, y = place
    look = dict(facecolor="white", edgecolor=color, linewidth=1.8, zorder=3)
    if box:
        corner = (x - radius, y - radius)
        shape = FancyBboxPatch(corner, 2 * radius, 2 * radius, boxstyle="round,pad=0,rounding_size=0.1", **look)
    else:
        shape = Circle(place, radius, **look)
    ax.text(x, y, f"${text}$", ha="center", va="center", color=color, fontsize=14, zorder=4)
    shape.middle = place
    return ax.add_patch(shape)


def _edge(ax, a, b, text="", *, color=FORWARD, linewidth=2.0, linestyle="-", at=0.5, beside=False):
    """An arrow from shape a to shape b, with its text on the line, or beside it."""
    head = "-|>,head_length=5,head_width=2.4" if color != PALE else "-"
    look = dict(arrowstyle=head, color=color, linewidth=linewidth, linestyle=linestyle, zorder=2)
    ends = dict(patchA=a, patchB=b, shrinkA=0, shrinkB=2, mutation_scale=1)
    ax.add_patch(FancyArrowPatch(a.middle, b.middle, **look, **ends))
    if text:
        _on_edge(ax, a, b, text, REFERENCE if color == PALE else color, at, beside)


def _on_edge(ax, a, b, text, color, at, beside):
    (x, y), (dx, dy) = a.middle, np.subtract(b.middle, a.middle)
    away = (7, 0) if beside and dx == 0 else (0, 9) if beside else (0, 0)
    align = dict(ha="left" if away[0] else "center", va="center", textcoords="offset points", xytext=away)
    paper = dict(boxstyle="round,pad=0.12", facecolor="white", edgecolor="none")
    ax.annotate(f"${text}$", (x + at * dx, y + at * dy), color=color, bbox=paper, fontsize=13, zorder=2.5, **align)


def _edge_texts(ax, start, end, at, value, slope):
    """What goes forward over an edge in blue, and below it in wine what comes back."""
    place = np.add(start, at * np.subtract(end, start))
    up = 11 if start[1] == end[1] else 7.5       # a level line stays visible between the two
    look = dict(textcoords="offset points", ha="center", va="center", fontsize=12, zorder=5)
    paper = dict(boxstyle="round,pad=0.25", facecolor="white", edgecolor="none")
    ax.annotate(f"${value}$", place, xytext=(0, up), color=FORWARD, bbox=paper, **look)
    ax.annotate(f"${slope}$", place, xytext=(0, -up), color=BACKWARD, bbox=paper, **look)


def _beside(ax, place, text, side, color):
    """A value above a node (side +1) or below it (side −1)."""
    at = dict(xytext=(0, side * 4), textcoords="offset points", ha="center", va="bottom" if side > 0 else "top")
    ax.annotate(f"${text}$", (place[0], place[1] + side * 0.36), color=color, path_effects=HALO, zorder=5, fontsize=12, **at)


# ---------------------------------------------------------------- figures that move


def explore(draw, *, alt, takeaway="", **sliders):
    """An interactive figure: `draw(**values)` returns a figure, and a slider stands for each of its arguments.

    A slider is (min, max, step, start); whole numbers give a slider of whole numbers. The output also holds the picture at
    the starting values: a page on paper, or without a kernel, shows that. Write `draw` so that it changes nothing outside.
    """
    _check_words(alt, takeaway)
    _check_sliders(sliders)
    still = draw(**{name: slider[3] for name, slider in sliders.items()})
    (png, size), narrow = _picture(still), _narrow_picture(still)
    ranges = " and ".join(f"{_symbol(name)} from {_plain(low)} to {_plain(high)}" for name, (low, high, *_) in sliders.items())
    invitation = f"Run this cell and move {ranges}."
    widget = _widget(draw, sliders, png, size, alt)
    if widget is None:
        invitation = "To move it, install ipywidgets; until then the figure stands still."
    words = {"text/plain": f"Interactive figure: {_sentence(alt)} {invitation}"}
    _display_picture(png, size, alt, {**(widget or {}), **words}, narrow)
    _display_caption(alt, f"{_sentence(takeaway)} {invitation}")


def _sentence(text):
    text = text.strip()
    return text if not text or text[-1] in ".!?" else text + "."


def _plain(number):
    return f"{number:g}".replace("-", "−")


def _check_sliders(sliders):
    if not sliders:
        raise ValueError("explore needs a slider, as eta=(0, 2, 0.05, 0.5): smallest, largest, step, start")
    for name, slider in sliders.items():
        if np.shape(slider) != (4,) or not slider[0] <= slider[3] <= slider[1] or slider[0] == slider[1] or slider[2] <= 0:
            raise ValueError(f"the slider {name} must be (smallest, largest, step, start), not {slider!r}")


def _symbol(name):
    """The name as the page writes it: eta is η, w1 or w_1 is w₁."""
    greek = dict(alpha="α", beta="β", delta="δ", epsilon="ε", eta="η", lambda_="λ", mu="μ", sigma="σ", theta="θ")
    letter, digits = name.rstrip("0123456789"), name[len(name.rstrip("0123456789")) :]
    letter = letter.rstrip("_") if digits else letter
    return greek.get(letter, letter) + digits.translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))


def _widget(draw, sliders, png, size, alt):
    """The live form: sliders above an image that is drawn anew at each change; None where ipywidgets is missing."""
    try:
        import ipywidgets
    except ImportError:
        return None
    image = ipywidgets.HTML(_img(png, size, alt))  # not ipywidgets.Image: that cannot hold words, and its tooltip breaks it
    controls = {name: _slider(ipywidgets, name, *slider) for name, slider in sliders.items()}

    def redraw(change):
        values = {name: control.value for name, control in controls.items()}
        image.value = _img(*_picture(draw(**values)), alt)

    for control in controls.values():
        control.observe(redraw, "value")
    box = ipywidgets.VBox([*controls.values(), image])  # its own bundle differs between ipywidgets 7 and 8, this does not
    view = {"version_major": 2, "version_minor": 0, "model_id": box.model_id}
    return {"application/vnd.jupyter.widget-view+json": view}


def _img(png, size, alt):
    look = 'style="display: block; max-width: 100%; height: auto" decoding="sync"'  # sync: no blank frame while it changes
    source = f"data:image/png;base64,{_base64(png)}"
    return f'<img alt="{html.escape(alt)}" width="{size[0]}" height="{size[1]}" {look} src="{source}">'


def _slider(ipywidgets, name, low, high, step, start):
    whole = all(isinstance(number, int) for number in (low, high, step, start))
    kind = ipywidgets.IntSlider if whole else ipywidgets.FloatSlider
    look = {} if whole else {"readout_format": f".{max(0, -int(np.floor(np.log10(step) + 1e-9)))}f"}
    wide = ipywidgets.Layout(width="min(100%, 480px)")
    return kind(value=start, min=low, max=high, step=step, description=_symbol(name), layout=wide, **look)
