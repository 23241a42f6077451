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
import re
import sys
import textwrap
from pathlib import Path
from typing import NamedTuple

import matplotlib
import numpy as np
from IPython.display import display
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch
from matplotlib.patheffects import withStroke
from matplotlib.text import Text
from PIL import Image

from helpers import validation

DATA, FORWARD, LOSS, BACKWARD, REFERENCE = "#222222", "#0072B2", "#D55E00", "#AA3377", "#6E6E6E"
PALE = "#B4B4B4"  # only for lines that something else repeats: contour lines, edges of a network

POINTS = dict(linestyle="none", markersize=4.5, markeredgecolor="white", markeredgewidth=0.5)
SAMPLES = dict(color=DATA, marker="o", **POINTS)
PREDICTION = dict(color=FORWARD, linestyle="-", linewidth=2.2)
COST = dict(color=LOSS, linestyle=(0, (8, 1.5)), linewidth=2.2)
GRADIENT = dict(color=BACKWARD, linestyle=(0, (1.3, 1.1)), linewidth=2.4)
GUIDE = dict(color=REFERENCE, linestyle=(0, (5, 4)), linewidth=1.2)
CLASSES = (
    dict(color=DATA, marker="o", **POINTS),
    dict(color="#009E73", marker="^", **{**POINTS, "markersize": 5.5}),
    dict(color=REFERENCE, marker="s", markerfacecolor="white",
         linestyle="none", markersize=4.5, markeredgewidth=1.1),
)
SPECIES = dict(zip(("Adelie", "Chinstrap", "Gentoo"), CLASSES))  # the same in every notebook

STYLE = matplotlib.rc_params_from_file(
    Path(__file__).with_name("notebook.mplstyle"), use_default_template=False
)
DPI = 144  # one and a half pixels for each of a page at 96 an inch: crisp, and half the bytes
WIDEST, PHONE = 6.2, 5  # inches: a wider figure gets a narrow form, in which 9.5 pt are 9 px
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
    "annotate axhline axline axvline axvspan bar barh clabel contour contourf errorbar "
    "fill_between hist hlines imshow legend loglog plot scatter semilogx semilogy set_title "
    "set_xlabel set_ylabel step stem text vlines"
).split():
    setattr(StyledAxes, _name, _styled(getattr(Axes, _name)))


def single(width=6, height=3.7):
    """fig, ax: one picture, 6 × 3.7 in unless told."""
    return _axes(1, 1, width, height)


def pair(width=9, height=3.4):
    """fig, (left, right): two pictures side by side, 9 × 3.4 in unless told."""
    return _axes(1, 2, width, height)


def grid(rows, cols, width=9, height=None, **subplots):
    """fig, axes of shape (rows, cols); more keywords go to Figure.subplots, as sharex."""
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
    """Display a figure and close it: `alt` says what it shows, `takeaway` stands below it.

    The picture's plain-text form is `alt`. Below, the reader sees the takeaway and can unfold the
    words, because JupyterLab gives a screen reader no alternative text for an output.

    A figure wider than 6.2 in gets a narrow form for phones as well, in the metadata of the output:
    axes that stand in one row then stand one below the other. `narrow` is another arrangement,
    (rows, columns), or a figure drawn for the purpose.
    """
    _check_words(alt, takeaway)
    wide, on_a_phone = picture(fig), _narrow_picture(fig, narrow)
    seen = narrow if isinstance(narrow, Figure) else fig
    _display_picture(*wide, alt, letters(seen), narrow=on_a_phone)
    _display_caption(alt, takeaway)


def letters(fig):
    """How high, in pixels, the smallest letters of a figure are in a column of 358 pixels, which a
    phone has. Numbers in a fraction are smaller than their text; indices do not count."""
    sizes = [text.get_fontsize() * (0.7 if r"\frac" in text.get_text() else 1)
             for text in fig.findobj(Text) if text.get_visible() and text.get_text()]
    return round(float(min(sizes, default=99) / 72 * 358 / fig.get_figwidth()), 1)


def _check_words(alt, takeaway):
    if not isinstance(alt, str) or not alt.strip():
        wanted = "say in a sentence what the picture shows, for a reader who cannot see it"
        raise ValueError(f"show needs alt='…': {wanted}")
    if not isinstance(takeaway, str):
        raise ValueError(f"takeaway must be a sentence, not {takeaway!r}")


def picture(fig, colors=128):
    """PNG bytes of a figure, always the same, and its (width, height) on the page in pixels."""
    if not isinstance(fig, Figure):
        hint = "in single() it is the first of the two"
        raise TypeError(f"expected a Matplotlib figure, got {type(fig).__name__}; {hint}")
    raw = io.BytesIO()
    with matplotlib.rc_context(STYLE):
        fig.savefig(raw, format="png", dpi=DPI)
    if "matplotlib.pyplot" in sys.modules:  # else the inline backend would show it once more
        sys.modules["matplotlib.pyplot"].close(fig)
    return _palette(raw, colors), tuple((fig.get_size_inches() * 96).round().astype(int).tolist())


def _palette(raw, colors):
    """At most `colors` colours: a third of the bytes, and the eye sees no difference."""
    image = Image.open(raw).convert("RGB")
    keeps_rare_colours = Image.Quantize.MAXCOVERAGE
    image = image.quantize(colors, keeps_rare_colours, dither=Image.Dither.NONE)
    small = io.BytesIO()
    image.save(small, format="png", optimize=True)
    return small.getvalue()


def _narrow_picture(fig, narrow=None):
    """The narrow form of a figure, which it uses up; None where the wide one will do."""
    if isinstance(narrow, Figure):
        return picture(narrow)
    if narrow is None and fig.get_figwidth() <= WIDEST:
        return None
    _arrange(fig, narrow)
    for ax in fig.axes:
        ax.set_title(wrap_title(ax.get_title(loc="left")), loc="left")
    return picture(fig)


@_styled
def _arrange(fig, shape):
    """Move the axes, in order, to a grid of another shape; each keeps its proportions."""
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
            ax.tick_params(labelleft=True, labelbottom=True)  # shared: at the edge only


def wrap_title(title):
    """A title broken at spaces outside its formulas."""
    whole = re.sub(r"\$[^$]*\$", lambda formula: formula[0].replace(" ", "\0"), title)
    return textwrap.fill(whole, TITLE, break_long_words=False).replace("\0", " ")


def _display_picture(png, size, alt, letters, more=None, narrow=None):
    bundle = {"image/png": _base64(png), "text/plain": alt, **(more or {})}
    about = {"width": size[0], "height": size[1], "alt": alt, "letters": letters}
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
    plain = takeaway or "The figure in words is above."
    display({"text/markdown": markdown, "text/plain": plain}, raw=True)


# ---------------------------------------------------------------- words and arrows on axes


def label_line(ax, line, text, *, x=None, offset=(6, 0), **style):
    """Write `text` beside a curve, in its colour: at its right end, or at the place `x`.

    `line` is what ax.plot returned (the list or the line), or a point (x, y). `offset` is in
    points, to the right and up.
    """
    line = line[0] if isinstance(line, list) else line
    if hasattr(line, "get_xydata"):
        style.setdefault("color", line.get_color())
        line = _point_on(line, x)
    at = dict(xytext=offset, textcoords="offset points", va="center",
              ha="left" if offset[0] >= 0 else "right")
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
    """An arrow, as of a gradient, in data coordinates from start to end, with `text` at its tip."""
    start, end = _two_numbers(start, "start"), _two_numbers(end, "end")
    line = dict(arrowstyle="-|>,head_length=0.55,head_width=0.22", color=color, linewidth=2.2,
                shrinkA=0, shrinkB=0)
    ax.annotate("", end, start, arrowprops={**line, **style})
    ax.update_datalim([start, end])
    return label_line(ax, end, text, offset=offset, color=color)


def contours(ax, f, xlim, ylim, *, levels=12, labels=True, points=101):
    """The surface f(x, y) as grey contour lines, every third one stronger and labelled.

    `f` takes two numbers and returns one. `levels` is how many lines, closer together near the
    minimum, or the heights.
    """
    xs, ys = np.linspace(*xlim, points), np.linspace(*ylim, points)
    heights = np.array([[f(x, y) for x in xs] for y in ys], dtype=float)
    if heights.shape != (points, points):
        came = f"it returned shape {heights.shape[2:]}"
        raise ValueError(f"f must return one number for two numbers; {came}")
    if np.ndim(levels) == 0:
        levels = contour_heights(heights, levels)
    levels = np.unique(np.asarray(levels, dtype=float))
    third = np.arange(len(levels)) % 3 == min(2, len(levels) - 1)
    if not third.all():
        ax.contour(xs, ys, heights, levels=levels[~third], colors=PALE, linewidths=0.8)
    strong = ax.contour(xs, ys, heights, levels=levels[third], colors="#8C8C8C", linewidths=1.3)
    ax.set(xlim=xlim, ylim=ylim)
    if labels:
        ax.clabel(strong, fmt="%.3g", fontsize=11.5, colors=REFERENCE, inline_spacing=4)


def contour_heights(heights, count):
    """`count` heights that rise with the square (even rings in a bowl), to two digits."""
    low, high = np.nanmin(heights), np.nanmax(heights)
    steps = low + (high - low) * (np.arange(1, count + 1) / (count + 1)) ** 2
    return np.unique([float(f"{step:.2g}") for step in steps])


def path(ax, points, *, color=BACKWARD, labels=("start", ""), **style):
    """A descent path, `points` (n, 2): a marker a step, a ring at its start, a dot at its end."""
    points = np.asarray(points, dtype=float)
    if points.ndim != 2 or points.shape[1] != 2 or len(points) < 2:
        expected = "shape (n, 2) with at least two points"
        raise ValueError(f"points must have {expected}, not {points.shape}")
    look = dict(color=color, linewidth=1.6, marker="o", markersize=3.4)
    (line,) = ax.plot(*points.T, **{**look, **style})
    end = dict(marker="o", markersize=8, color=color)
    ax.plot(*points[0], **end, markerfacecolor="white", markeredgewidth=1.8)
    ax.plot(*points[-1], **end)
    ways = points[0] - points[1], points[-1] - points[-2]
    for point, text, away in zip(points[[0, -1]], labels, ways, strict=True):
        label_line(ax, point, text, offset=tuple(np.where(away < 0, -8, 8)), color=color)
    return line


# ---------------------------------------------------------------- diagrams


class Node(NamedTuple):
    """A circle of a `graph`: the texts in it, above it (forward) and below it (backward)."""

    at: tuple
    text: str = ""
    above: str = ""
    below: str = ""
    role: str = ""         # "forward", "backward" or neither
    radius: float = 0.36
    box: bool = False


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
    and without a head. All texts are mathematics without dollars. Raises ValueError for an edge to
    a node that is not there.
    """
    ax.set_aspect("equal")
    ax.margins(0.06, 0.12)
    ax.axis("off")
    shapes = {key: _draw_node(ax, node) for key, node in nodes.items()}
    for edge in edges:
        for key in edge[:2]:
            if key not in nodes:
                raise ValueError(f"the graph has no node {key!r}, only {list(nodes)}")
        _draw_edge(ax, edge, shapes[edge.start], shapes[edge.end])
    ax.autoscale_view()


def neuron(ax, inputs=("x_1", "x_2", "...", "x_d"), weights=None, bias="b", output=r"\hat{y}",
           g="g", z="z"):
    """One neuron: inputs times weights and the bias are summed to z, and g makes the output.

    All texts are mathematics without dollars; "..." draws three dots and no line. Without `weights`
    they are w with the indices of the inputs; bias="" or g="" leaves that part out.
    """
    weights = [text.replace("x", "w", 1) for text in inputs] if weights is None else list(weights)
    if len(weights) != len(inputs):
        raise ValueError(f"{len(inputs)} inputs need as many weights, not {len(weights)}")
    nodes, edges = {"sum": Node((2.6, 0), r"\Sigma", radius=0.42)}, []
    for k, (y, x, w) in enumerate(zip(_column(len(inputs), 0.95), inputs, weights)):
        if x == "...":
            ax.text(0, y, r"$\vdots$", ha="center", va="center", fontsize=17)
            continue
        nodes[k] = Node((0, y), x)
        edges.append(Edge(k, "sum", w, role="forward", at=0.42))
    if bias:
        nodes["bias"] = Node((2.6, 1.45), "1", radius=0.26)
        edges.append(Edge("bias", "sum", bias, role="forward", at=0.45, beside=True))
    if g:
        nodes["g"] = Node((4.2, 0), g, box=True)
        edges.append(Edge("sum", "g", z, role="forward", beside=True))
    nodes["output"] = Node((5.8 if g else 4.2, 0), output, role="forward")
    graph(ax, nodes, [*edges, Edge("g" if g else "sum", "output", role="forward")])


def network(ax, sizes, *, nodes=None, weights=None, values=None, deltas=None, slopes=None,
            forward=(), backward=(), spread=None):
    """A layered network drawn from left to right; layer 0 is the input.

    A node is (layer, index) and an edge (layer, to, from), as in w_jk^(l): to j from k, indices
    from 1.

    nodes     texts inside the circles, by node; default x_k, a_j^(l), ŷ
    weights   texts on the edges, by edge; True writes w_jk^(l) on every edge
    values    what goes forward, in blue above a node, by node
    deltas    what comes back, in wine below a node, by node
    slopes    what comes back, in wine below the text of an edge, by edge; that text is then blue
    forward   nodes of one path, or a list of such paths, blue and solid with an arrow to the right
    backward  nodes of one path, or a list of such paths, wine and dotted with an arrow to the left
    spread    how far the layers are apart, and the nodes of one layer

    All texts are mathematics without dollars.
    """
    if len(sizes) < 2 or any(size != int(size) or size < 1 for size in sizes):
        expected = "two or more positive whole numbers, as (4, 2, 2, 1)"
        raise ValueError(f"sizes must be {expected}, not {sizes!r}")
    step, gap = spread or (2.1, 1.7 if deltas else 1.35)
    places = {(l, j): (step * l, y) for l, size in enumerate(sizes)
              for j, y in enumerate(_column(size, gap), start=1)}
    keys = [(l, j, k) for l in range(1, len(sizes)) for j in range(1, sizes[l] + 1)
            for k in range(1, sizes[l - 1] + 1)]
    if weights is True:
        weights = {(l, j, k): f"w_{{{j}{k}}}^{{({l})}}" for l, j, k in keys}
    nodes, values, deltas = nodes or {}, values or {}, deltas or {}
    weights, slopes = weights or {}, slopes or {}
    for key in {**nodes, **values, **deltas}:
        _must_have("node", key, "(layer, index)", places)
    for key in {**weights, **slopes}:
        _must_have("edge", key, "(layer, to, from)", keys)
    ahead, back = _steps(forward, 1, places), _steps(backward, -1, places)
    roles = dict.fromkeys((node for step in ahead for node in step), "forward")
    roles |= dict.fromkeys((node for step in back for node in step), "backward")
    circles = {key: Node(at, nodes.get(key, _text_of(key, sizes)), values.get(key, ""),
                         deltas.get(key, ""), roles.get(key, "")) for key, at in places.items()}
    edges = []
    for l, j, k in keys:
        start, end, key = (l - 1, k), (l, j), (l, j, k)
        role = "backward" if (end, start) in back else "forward" if (start, end) in ahead else ""
        level = places[start][1] == places[end][1]
        at = 0.5 if level else 0.3  # lines cross near their middle: a label would cover another
        edges.append(Edge(start, end, weights.get(key, ""), slopes.get(key, ""), role, at))
    graph(ax, circles, edges)


def _must_have(kind, key, example, known):
    if key not in known:
        have = f"a {kind} is {example}, one of {list(known)}"
        raise ValueError(f"the network has no {kind} {key!r}; {have}")


def _steps(paths, direction, places):
    """The pairs of neighbours along one path of nodes, or along a list of such paths."""
    if paths and np.ndim(paths[0]) == 1 and np.ndim(paths[0][0]) == 0:
        paths = [paths]
    steps = [pair for nodes in paths for pair in zip(nodes, nodes[1:])]
    for a, b in steps:
        if a not in places or b not in places or b[0] - a[0] != direction:
            order = "layer to the next" if direction > 0 else "layer to the one before"
            raise ValueError(f"a path goes from {order}; {a} and {b} are not neighbours")
    return steps


def _text_of(node, sizes):
    layer, index = node
    if layer == 0:
        return f"x_{{{index}}}"
    if layer == len(sizes) - 1:
        return r"\hat{y}" if sizes[-1] == 1 else rf"\hat{{y}}_{{{index}}}"
    return f"a_{{{index}}}^{{({layer})}}"


def _column(count, gap):
    return [gap * ((count - 1) / 2 - k) for k in range(count)]


def _draw_node(ax, node):
    (x, y), r, color = node.at, node.radius, COLORS.get(node.role, DATA)
    look = dict(facecolor="white", edgecolor=color, linewidth=1.8, zorder=3)
    rounded = "round,pad=0,rounding_size=0.1"
    shape = (FancyBboxPatch((x - r, y - r), 2 * r, 2 * r, boxstyle=rounded, **look) if node.box
             else Circle(node.at, r, **look))
    shape.middle = node.at
    middle = dict(ha="center", va="center", zorder=4)
    ax.text(x, y, f"${node.text}$", color=color, fontsize=14, **middle)
    for text, side, color in ((node.above, 1, FORWARD), (node.below, -1, BACKWARD)):
        if text:
            at = dict(xytext=(0, side * 4), textcoords="offset points", ha="center", fontsize=12,
                      va="bottom" if side > 0 else "top", path_effects=HALO, zorder=5)
            ax.annotate(f"${text}$", (x, y + side * r), color=color, **at)
    return ax.add_patch(shape)


def _draw_edge(ax, edge, a, b):
    color = COLORS.get(edge.role, PALE)
    if edge.role == "backward":
        a, b, edge = b, a, edge._replace(at=1 - edge.at)
    head = "-|>,head_length=5,head_width=2.4" if edge.role else "-"
    line = GRADIENT["linestyle"] if edge.role == "backward" else "-"
    ax.add_patch(FancyArrowPatch(
        a.middle, b.middle, arrowstyle=head, color=color, linewidth=2.0 if edge.role else 1.1,
        linestyle=line, zorder=2, patchA=a, patchB=b, shrinkA=0, shrinkB=2, mutation_scale=1))
    place = np.add(a.middle, edge.at * np.subtract(b.middle, a.middle))
    (dx, dy), look = np.subtract(b.middle, a.middle), dict(va="center", textcoords="offset points")
    if edge.slope:
        up = 11 if dy == 0 else 7.5  # a level line stays visible between the two
        for text, shift, color in ((edge.text, up, FORWARD), (edge.slope, -up, BACKWARD)):
            ax.annotate(f"${text}$", place, xytext=(0, shift), color=color, bbox=PAPER, fontsize=12,
                        ha="center", zorder=5, **look)
    elif edge.text:
        away = (7, 0) if edge.beside and dx == 0 else (0, 9) if edge.beside else (0, 0)
        ax.annotate(f"${edge.text}$", place, xytext=away, color=color if edge.role else REFERENCE,
                    bbox=PAPER, fontsize=13, ha="left" if away[0] else "center", zorder=2.5, **look)


# ---------------------------------------------------------------- figures that move


def explore(draw, *, alt, takeaway="", **sliders):
    """An interactive figure: a slider for each argument of `draw(**values)`, which returns one.

    A slider is (min, max, step, start); whole numbers give a slider of whole numbers. The output
    also holds the picture at the starting values: a page on paper, or without a kernel, shows that.
    Write `draw` so that it changes nothing outside.
    """
    _check_words(alt, takeaway)
    _check_sliders(sliders)
    still = draw(**{name: slider[3] for name, slider in sliders.items()})
    (png, size), narrow = picture(still), _narrow_picture(still)
    ranges = " and ".join(f"{slider_label(name)} from {_plain(low)} to {_plain(high)}"
                          for name, (low, high, *_) in sliders.items())
    invitation = f"Run this cell and move {ranges}."
    widget = _widget(draw, sliders, png, size, alt)
    if widget is None:
        invitation = "To move it, install ipywidgets; until then the figure stands still."
    words = {"text/plain": f"Interactive figure: {_sentence(alt)} {invitation}"}
    more = {**(widget or {}), **words}
    _display_picture(png, size, alt, letters(still), more, narrow)
    _display_caption(alt, f"{_sentence(takeaway)} {invitation}")


def _sentence(text):
    text = text.strip()
    return text if not text or text[-1] in ".!?" else text + "."


def _plain(number):
    return f"{number:g}".replace("-", "−")


def _check_sliders(sliders):
    if not sliders:
        example = "eta=(0, 2, 0.05, 0.5): smallest, largest, step, start"
        raise ValueError(f"explore needs a slider, as {example}")
    for name, slider in sliders.items():
        low, high, step, start = slider if np.shape(slider) == (4,) else (0, 0, 0, 0)
        if not low <= start <= high or low == high or step <= 0:
            expected = "(smallest, largest, step, start)"
            raise ValueError(f"the slider {name} must be {expected}, not {slider!r}")


def slider_label(name):
    """The name as the page writes it: eta is η, w1 or w_1 is w₁."""
    greek = dict(alpha="α", beta="β", delta="δ", epsilon="ε", eta="η", lambda_="λ", mu="μ",
                 sigma="σ", theta="θ")
    letter = name.rstrip("0123456789")
    digits = name[len(letter):]
    letter = letter.rstrip("_") if digits else letter
    return greek.get(letter, letter) + digits.translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))


def _widget(draw, sliders, png, size, alt):
    """Sliders above an image that each change draws anew; None where ipywidgets is missing."""
    try:
        import ipywidgets
    except ImportError:
        return None
    image = ipywidgets.HTML(image_tag(png, size, alt))  # ipywidgets.Image cannot hold words
    controls = {name: _slider(ipywidgets, name, *slider) for name, slider in sliders.items()}

    def redraw(change):
        values = {name: control.value for name, control in controls.items()}
        image.value = image_tag(*picture(draw(**values)), alt)

    for control in controls.values():
        control.observe(redraw, "value")
    box = ipywidgets.VBox([*controls.values(), image])  # its own bundle differs between 7 and 8
    view = {"version_major": 2, "version_minor": 0, "model_id": box.model_id}
    return {"application/vnd.jupyter.widget-view+json": view}


def image_tag(png, size, alt):
    # sync: no blank frame while it changes
    look = 'style="display: block; max-width: 100%; height: auto" decoding="sync"'
    about = f'alt="{html.escape(alt)}" width="{size[0]}" height="{size[1]}"'
    return f'<img {about} {look} src="data:image/png;base64,{_base64(png)}">'


def _slider(ipywidgets, name, low, high, step, start):
    whole = all(isinstance(number, int) for number in (low, high, step, start))
    kind = ipywidgets.IntSlider if whole else ipywidgets.FloatSlider
    look = {} if whole else {"readout_format": f".{max(0, -int(np.floor(np.log10(step) + 1e-9)))}f"}
    wide = ipywidgets.Layout(width="min(100%, 480px)")
    return kind(value=start, min=low, max=high, step=step, description=slider_label(name),
                layout=wide, **look)
