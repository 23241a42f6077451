"""Every figure has words, one look, and the same bytes each time."""

import base64
import io
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import matplotlib
import numpy as np
import pytest
from matplotlib.patches import FancyArrowPatch
from PIL import Image

from helpers import figures

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def shown(monkeypatch):
    """What a notebook would get: a list of (bundle, keywords)."""
    outputs = []
    monkeypatch.setattr(figures, "display",
                        lambda bundle, **options: outputs.append((bundle, options)))
    return outputs


def line_figure(slope=1):
    fig, ax = figures.single()
    figures.label_line(ax, ax.plot([0, 1], [0, slope], **figures.PREDICTION), r"$\hat{y}$")
    ax.set_title("The line rises")
    return fig


def texts(ax):
    return [text.get_text() for text in ax.texts if text.get_text()]


# ---------------------------------------------------------------- show


def test_show_gives_picture_and_words_in_one_bundle(shown):
    figures.show(line_figure(), alt="A line from 0 to 1.", takeaway="It rises.")
    (picture, options), (caption, _) = shown
    assert list(picture) == ["image/png", "text/plain"]
    assert picture["text/plain"] == "A line from 0 to 1."
    assert base64.b64decode(picture["image/png"]).startswith(PNG)
    about = {"width": 576, "height": 355, "alt": "A line from 0 to 1.", "letters": 9.5}
    assert options == {"metadata": {"image/png": about}, "raw": True}
    assert caption["text/plain"] == "It rises."
    assert caption["text/markdown"].startswith("*It rises.*\n\n<details>")
    assert "<p>A line from 0 to 1.</p>" in caption["text/markdown"]


def test_the_words_are_text_and_no_markup(shown):
    figures.show(line_figure(), alt="w < 0 &\n\n J > 1")
    assert "<p>w &lt; 0 &amp; J &gt; 1</p>" in shown[1][0]["text/markdown"]
    assert not shown[1][0]["text/markdown"].startswith("*")


@pytest.mark.parametrize("alt", ["", "  \n", None, 3])
def test_show_refuses_a_figure_without_words(shown, alt):
    with pytest.raises(ValueError, match="^alt is .*expected a sentence that says what the pic"):
        figures.show(line_figure(), alt=alt)
    assert shown == []


@pytest.mark.parametrize("wrong", [None, "figure", figures.single(), 3])
def test_show_refuses_what_is_no_figure(shown, wrong):
    with pytest.raises(TypeError, match="expected a Matplotlib figure"):
        figures.show(wrong, alt="words")
    with pytest.raises(ValueError, match="takeaway is None, expected a sentence"):
        figures.show(line_figure(), alt="words", takeaway=None)
    assert shown == []


def test_the_same_figure_gives_the_same_bytes_without_a_trace_of_its_maker():
    first, second = (figures.picture(line_figure()) for _ in range(2))
    assert first == second
    assert b"Matplotlib" not in first and b"tEXt" not in first
    assert first != figures.picture(line_figure(2))


def test_a_picture_is_crisp_small_and_true_in_colour():
    png = figures.picture(line_figure())
    image = Image.open(io.BytesIO(png))
    assert image.size == pytest.approx([6 * figures.DPI, 3.7 * figures.DPI], abs=1)
    assert figures.DPI >= 1.5 * 96
    assert len(png) < 60_000
    rgb = np.array(image.convert("RGB"), dtype=int).reshape(-1, 3)
    blue = [int(figures.FORWARD[i : i + 2], 16) for i in (1, 3, 5)]
    assert np.abs(rgb - blue).sum(axis=1).min() <= 6


def test_in_a_browser_a_picture_is_drawn_quickly_and_shows_the_same(monkeypatch):
    """Without the search for a palette; no colour differs by more than a palette may."""
    stored = figures.picture(line_figure())
    monkeypatch.setattr(figures, "SMALL", False)
    quick = figures.picture(line_figure())
    first, second = (
        np.array(Image.open(io.BytesIO(png)).convert("RGB"), dtype=int) for png in (stored, quick)
    )
    assert first.shape == second.shape and np.abs(first - second).max() <= 24
    assert len(stored) < len(quick) < 300_000


def test_arrows_of_a_graph_begin_and_end_at_their_circles():
    fig, ax = figures.single()
    nodes = {"a": figures.Node((0, 0)), "b": figures.Node((3, 4))}
    figures.graph(ax, nodes, [figures.Edge("a", "b", role="forward")])
    figures.picture(fig)
    (arrow,) = [patch for patch in ax.patches if isinstance(patch, FancyArrowPatch)]
    path = arrow.get_path().vertices
    assert np.hypot(*path[0]) == pytest.approx(0.36)
    assert 0.36 < min(np.hypot(*(path - [3, 4]).T)) < 0.55  # the tip stands two points before it


# ---------------------------------------------------------------- narrow


def narrow(shown):
    return shown[0][1]["metadata"]["image/png"]["narrow"]


@pytest.mark.every(3)
@pytest.mark.parametrize("shape, size", [
    ((1, 2), (480, 725)), ((1, 3), (480, 1080)), ((2, 2), (480, 360))])
def test_a_wide_figure_has_a_form_for_phones_in_which_one_row_becomes_one_column(
    shown, shape, size):
    fig = figures.grid(*shape, 9, {(1, 2): 3.4, (1, 3): 2.25, (2, 2): 6.75}[shape], sharey=True)[0]
    wide = [round(side * 96) for side in fig.get_size_inches()]
    figures.show(fig, alt="axes")
    assert (narrow(shown)["width"], narrow(shown)["height"]) == size
    assert shown[0][1]["metadata"]["image/png"]["width"] == wide[0]
    assert base64.b64decode(narrow(shown)["image/png"]).startswith(PNG)
    axes = fig.axes
    assert all(ax.yaxis.get_tick_params()["labelleft"] for ax in axes) or shape[0] > 1


def test_the_narrow_form_can_be_another_figure(shown):
    figures.show(figures.pair()[0], alt="axes", narrow=line_figure())
    assert base64.b64decode(narrow(shown)["image/png"]) == figures.picture(line_figure())


@pytest.mark.every(2)
@pytest.mark.parametrize("width, text, size, height", [
    (6, "a", 12, 9.5), (12, "a", 12, 4.8), (6, "a", 6, 5.0), (6, r"$\frac{1}{2}$", 12, 7.0),
    (6, "$a_i$", 12, 9.5),
])
def test_the_smallest_letters_on_a_phone_are_measured(width, text, size, height):
    fig, ax = figures.single(width)
    ax.text(0, 0, text, fontsize=size)
    figures.picture(fig)  # the numbers at the axes are there when it is drawn
    assert figures.letters(fig) == height


@pytest.mark.again
def test_what_is_measured_is_the_form_that_a_phone_shows(shown):
    figures.show(figures.pair()[0], alt="axes")
    figures.show(figures.pair()[0], alt="axes", narrow=figures.single(3)[0])
    letters = [options["metadata"]["image/png"]["letters"] for _, options in shown[::2]]
    assert letters == [11.4, 19.1]


def test_a_long_title_is_broken_outside_its_formulas():
    words = figures.wrap_title(
        r"Two percent beyond the largest safe step $2 / \lambda_{\max}$ it grows").split("\n")
    assert len(words) == 2 and r"$2 / \lambda_{\max}$" in "\n".join(words)


# ---------------------------------------------------------------- style


@pytest.mark.again
def test_import_sets_the_look_and_needs_no_pyplot():
    code = (
        "import matplotlib, sys, helpers.figures; "
        "assert matplotlib.rcParams['mathtext.fontset'] == 'cm'; "
        "print(sorted({'matplotlib.pyplot', 'ipywidgets'} & set(sys.modules)))"
    )
    assert (subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                           check=True).stdout == "[]\n")


def test_the_look_holds_wherever_the_axes_are_used():
    fig, ax = figures.single()
    ax.set_title("finding")
    (line,) = ax.plot([0, 1], [0, 1])
    text = ax.text(0, 0, "$x$")
    assert ax.get_title(loc="left") == "finding"
    assert line.get_linewidth() == 2.2 and line.get_color() == figures.FORWARD
    assert text.get_math_fontfamily() == "cm"
    assert not ax.spines["top"].get_visible() and not ax.spines["right"].get_visible()


def test_sizes():
    assert figures.single()[0].get_size_inches().tolist() == [6, 3.7]
    fig, (left, right) = figures.pair()
    assert fig.get_size_inches().tolist() == [9, 3.4]
    fig, axes = figures.grid(1, 3, 9, 2.25, sharey=True)
    assert axes.shape == (1, 3) and fig.get_size_inches().tolist() == [9, 2.25]


def luminance(color):
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
              for part in parts]
    return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))


@pytest.mark.parametrize("role", ["DATA", "FORWARD", "LOSS", "BACKWARD", "REFERENCE"])
def test_role_colours_stand_out_from_white(role):
    assert 1.05 / (luminance(getattr(figures, role)) + 0.05) >= 3


def test_no_two_roles_differ_by_colour_alone():
    roles = [figures.SAMPLES, figures.PREDICTION, figures.COST, figures.GRADIENT, figures.GUIDE]
    assert len({(role.get("marker"), role["linestyle"]) for role in roles}) == len(roles)
    assert len({role["marker"] for role in figures.CLASSES}) == len(figures.CLASSES)
    assert all(1.05 / (luminance(role["color"]) + 0.05) >= 3 for role in (*roles, *figures.CLASSES))


# ---------------------------------------------------------------- words, arrows, maps


def test_label_line_stands_on_the_line_in_its_colour():
    _, ax = figures.single()
    line = ax.plot([0, 2, 4], [0, 4, 0], **figures.COST)
    assert figures.label_line(ax, line, "end").xy == (4, 0)
    label = figures.label_line(ax, line, "middle", x=1)
    assert label.xy == (1, 2) and label.get_color() == figures.LOSS
    assert figures.label_line(ax, (3, 3), "point").xy == (3, 3)


def test_path_marks_start_and_end():
    _, ax = figures.single()
    figures.path(ax, np.array([(0, 0), (1, 1), (2, 1)]), label="here")
    steps, start, end = ax.lines
    assert steps.get_color() == figures.BACKWARD and len(steps.get_xdata()) == 3
    assert start.get_markerfacecolor() == "white" and end.get_xydata().tolist() == [[2, 1]]
    assert texts(ax) == ["here"]


# ---------------------------------------------------------------- diagrams


def test_a_graph_draws_every_node_and_edge_and_a_role_has_colour_and_line_style():
    _, ax = figures.single()
    nodes = {(l, k): figures.Node((l, k), f"a_{k}") for l in range(3) for k in range(2)}
    role = {((0, 0), (1, 1)): "forward", ((1, 1), (2, 1)): "forward", ((1, 0), (2, 0)): "backward",
            ((0, 1), (1, 0)): "backward"}
    figures.graph(ax, nodes, [figures.Edge(a, b, role=role.get((a, b), ""))
                              for a in nodes for b in nodes if b[0] == a[0] + 1])
    circles = [patch for patch in ax.patches if isinstance(patch, figures.Circle)]
    assert len(circles) == 6 and texts(ax) == ["$a_0$", "$a_1$"] * 3
    edges = [patch for patch in ax.patches if isinstance(patch, figures.FancyArrowPatch)]
    looks = [(matplotlib.colors.to_hex(edge.get_edgecolor()).upper(), edge.get_linestyle())
             for edge in edges]
    assert looks.count((figures.FORWARD, "-")) == 2
    assert looks.count((figures.BACKWARD, figures.GRADIENT["linestyle"])) == 2
    assert len(looks) == 8


def test_graph_draws_what_goes_forward_above_and_what_comes_back_below():
    _, ax = figures.single()
    nodes = {"w": figures.Node((0, 0), "w", above="0.4", below="0.08"),
             "wx": figures.Node((2, 0), r"\times")}
    figures.graph(ax, nodes, [figures.Edge("w", "wx", "wx", slope="x", role="forward")])
    assert {"$w$", r"$\times$", "$0.4$", "$0.08$", "$wx$", "$x$"} == set(texts(ax))
    heights = {text.get_text(): text.xy[1] for text in ax.texts if hasattr(text, "xy")}
    assert heights["$0.4$"] > 0 > heights["$0.08$"]
    _, untouched = figures.single()
    with pytest.raises(ValueError, match=r"the graph has no node 'z', only \['w', 'wx'\]"):
        figures.graph(untouched, nodes, [figures.Edge("w", "z")])
    assert not untouched.patches


# ---------------------------------------------------------------- explore


def test_explore_holds_the_still_picture_and_words_that_read_well_alone(shown):
    figures.explore(line_figure, alt="A line", takeaway="The slope decides.", slope=(-1, 2, 0.5, 1))
    (picture, options), (caption, _) = shown
    invitation = "Run this cell and move slope from −1 to 2."
    assert picture["text/plain"] == f"Interactive figure: A line. {invitation}"
    assert base64.b64decode(picture["image/png"]) == figures.picture(line_figure(1))
    assert options["metadata"]["image/png"]["alt"] == "A line"
    assert caption["text/plain"] == f"The slope decides. {invitation}"
    kinds = {"image/png", "text/plain", "application/vnd.jupyter.widget-view+json"}
    assert set(picture) == kinds


def test_explore_redraws_when_a_slider_moves(monkeypatch, shown):
    import ipywidgets

    boxes, calls = [], []
    box = ipywidgets.VBox
    monkeypatch.setattr(ipywidgets, "VBox",
                        lambda children: boxes.append(children) or box(children))

    def draw(eta, n):
        calls.append((eta, n))
        return line_figure(eta * n)

    figures.explore(draw, alt="A line.", takeaway="It rises.", eta=(0, 2, 0.05, 1.0),
                    n=(1, 9, 1, 3))
    eta, n, image = boxes[0]
    assert (eta.description, n.description) == ("η", "n")
    assert isinstance(n, ipywidgets.IntSlider) and eta.readout_format == ".2f"
    still = image.value
    eta.value = 2.0
    moved = line_figure(6)
    assert image.value == figures.image_tag(moved, figures.picture(moved), "A line.") != still
    assert 'alt="A line."' in image.value
    n.value = 1
    assert calls == [(1.0, 3), (2.0, 3), (2.0, 1)]


def test_explore_needs_no_more_of_ipywidgets_than_a_reading_page_has(monkeypatch, shown):
    path = Path(__file__).parents[2] / "site" / "kernel" / "ipywidgets.py"
    page = ModuleType("ipywidgets")
    monkeypatch.setitem(sys.modules, "page_kernel", SimpleNamespace(kernel=None))
    exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), page.__dict__)
    monkeypatch.setitem(sys.modules, "ipywidgets", page)
    figures.explore(line_figure, alt="A line", takeaway="It rises.", slope=(-1, 2, 0.5, 1))
    view = shown[0][0]["application/vnd.jupyter.widget-view+json"]
    assert page.models[view["model_id"]].children[0].value == 1


@pytest.mark.parametrize("slider", [3, (0, 1), (0, 1, 0.1, 2), (1, 0, 0.1, 1), (0, 0, 1, 0),
                                    (0, 1, 0, 0), (0, 1, -1, 0), "abcd", None])
def test_explore_refuses_an_impossible_slider(shown, slider):
    with pytest.raises(ValueError,
                       match=r"slider slope is .*, expected \(smallest, largest, step, start\)"):
        figures.explore(line_figure, alt="A line.", takeaway="It rises.", slope=slider)
    assert shown == []


def test_explore_needs_a_slider_words_and_a_figure(shown):
    with pytest.raises(ValueError, match="explore needs a slider"):
        figures.explore(line_figure, alt="A line.", takeaway="It rises.")
    with pytest.raises(ValueError, match="alt is '', expected a sentence"):
        figures.explore(line_figure, alt="", takeaway="It rises.", slope=(0, 1, 1, 0))
    with pytest.raises(TypeError, match="expected a Matplotlib figure, got NoneType"):
        figures.explore(lambda slope: None, alt="A line.", takeaway="", slope=(0, 1, 1, 0))
    assert shown == []


@pytest.mark.parametrize("name, symbol", [("eta", "η"), ("w1", "w₁"), ("w_12", "w₁₂"),
                                          ("n_samples", "n_samples"), ("b", "b")])
def test_slider_names_are_written_as_on_the_page(name, symbol):
    assert figures.slider_label(name) == symbol


# ---------------------------------------------------------------- in a kernel


@pytest.mark.long
def test_outputs_in_a_notebook_are_the_same_at_each_run_but_for_the_widget_id():
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    code = (
        "from helpers import figures\ndef draw(w):\n    fig, ax = figures.single()\n    "
        "ax.plot([0, 1], [0, w])\n    return fig\n"
        "figures.show(draw(1), alt='A line.')\nfigures.explore(draw, alt='A line.', "
        "takeaway='', w=(0, 1, 0.1, 1.0))"
    )
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code) for _ in range(2)])
    nbclient.NotebookClient(book, kernel_name="python3").execute()
    first, second = ([dict(output.data) for output in cell.outputs] for cell in book.cells)
    for output in first + second:
        output.pop("application/vnd.jupyter.widget-view+json", None)
    assert first == second and len(first) == 4
    assert not re.search(r"0x[0-9a-f]+|object at|VBox",
                         str([output["text/plain"] for output in first]))
