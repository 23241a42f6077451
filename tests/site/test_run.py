"""The page runs: every notebook, cell by cell where it is read, shows the words and digits that are
stored; sliders move, exercises answer, edits are kept, and all of it goes on without a network.
"""

import ast
import json
import re

import pytest
from conftest import MEASURED, NOTEBOOKS, PICTURES, PUBLIC, TYPESET, grouped, load_kernel, text
from live_outputs import pictures, words

RUNS = "() => document.documentElement.dataset.runs === 'yes'"
READY = "() => window.pageNotebook?.python.state === 'ready'"
RUN_ALL = "() => pageNotebook.runAll()"
CELLS = """() => Object.fromEntries(pageNotebook.cells.map(cell =>
    [cell.name, {state: cell.state, outputs: cell.outputs}]))"""
MOST_OF_PYTHON, MOST_LOADED = 15e6, 20e6  # bytes; the second with the page itself
IS_IN = """name => document.activeElement.matches(`[id='cell-${name}'] textarea`)"""
SLIDE_OF = """name => {
    const {h, v} = Reveal.getIndices(document.querySelector(`a.live[href$="#cell-${name}"]`)
        .closest('section'));
    Reveal.slide(h, v);
    return Reveal.getSlidePastCount();
}"""
KEPT_PYTHON = """async () => (await (await caches.open('python')).keys()).map(kept => kept.url)
    .filter(url => /first-|figures-|kernel-/.test(url)).length === 3"""
STAGES = "() => pageNotebook.python.stages"
WATCH = """name => { window.hasRun = new Promise(done =>
    document.getElementById(`cell-${name}`).addEventListener('ran', done, {once: true})); }"""
UNFOLD = """name => document.getElementById(`cell-${name}`).querySelector('details.hide')
    ?.setAttribute('open', '')"""
# What a reader sees of a cell's outputs once they are drawn.
SEEN = """name => {
    const output = document.getElementById(`cell-${name}`).querySelector('.cell_output.live');
    return {text: output.textContent, raw: /\\$\\$|\\\\\\(|\\\\\\[/.test(output.innerText),
        images: output.querySelectorAll('img').length,
            faults: output.querySelectorAll('mjx-merror, [data-mjx-error]').length};
}"""


@pytest.fixture
def running(visit):
    """running(path, …): a page of its own whose cells can be run, and which need not be ready."""

    def open_page(path, **options):
        page = visit(path, python=True, **options)
        page.wait_for_function(RUNS)
        return page

    return open_page


def ready(page):
    page.wait_for_function(RUNS)
    page.wait_for_function(READY)
    return page


def code_cells(notebook):
    """{id: cell} of the cells that its page shows and runs."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return {
        cell["id"]: cell
        for cell in cells
        if cell["cell_type"] == "code" and cell["id"] != "first-cell"
    }


def named(name):
    return next(notebook for notebook in NOTEBOOKS if notebook.stem == name)


def first_derivation(name):
    """The cell of a notebook that shows the first proof."""
    cells = code_cells(named(name)).items()
    return next(cell for cell, about in cells if "✓ proved" in text_of_outputs(about))


def text_of_outputs(cell):
    shown = [output.get("data", {}).get("text/markdown", "") for output in cell["outputs"]]
    return "".join(map(text, shown))


def timeline(page, name, *more):
    """Seconds from the opening of the page to each stage of Python, the first output, and more."""
    stages = page.evaluate(STAGES)
    steps = [(stage, stages[stage] / 1000) for stage in ("load", "install", "import", "ready")]
    return f"{name:30} " + ", ".join(f"{stage} {at:.1f}" for stage, at in [*steps, *more])


def seconds(page):
    return page.evaluate("() => performance.now()") / 1000


@pytest.mark.parametrize("name", grouped([notebook.stem for notebook in NOTEBOOKS]))
def test_every_cell_shows_in_the_page_what_is_stored(running, name, record_property):
    """Its first derivation at once, when Python has yet to start, and then all cells."""
    saved = code_cells(named(name))
    page = running(f"{name}.html")
    pressed(page, first_derivation(name))
    first, loaded = seconds(page), sum(page.loaded)
    page.evaluate(RUN_ALL)
    steps = timeline(page, name, ("first derivation", first), ("all cells", seconds(page)))
    record_property(MEASURED, f"{steps}; {loaded / 1e6:.1f} MB before the first derivation")
    page.screenshot(path=PICTURES / f"run-{name}.png")

    cells = page.evaluate(CELLS)
    errors = [
        (cell, output["traceback"])
        for cell, about in cells.items()
        for output in about["outputs"]
        if output["output_type"] == "error"
    ]
    assert errors == []
    assert list(cells) == list(saved)
    assert {about["state"] for about in cells.values()} == {"done"}
    assert {cell: pictures(about) for cell, about in cells.items()} == {
        cell: pictures(about) for cell, about in saved.items()
    }
    compared = [
        cell
        for cell, about in saved.items()
        if "nbval-ignore-output" not in about["metadata"].get("tags", [])
    ]
    differences = [
        (cell, words(cells[cell]), words(saved[cell]))
        for cell in compared
        if words(cells[cell]) != words(saved[cell])
    ]
    assert differences == []
    for cell in saved:
        seen = page.evaluate(SEEN, cell)
        assert not seen["raw"] and not seen["faults"], (cell, seen["text"][:200])
    assert page.complaints == []


# ---------------------------------------------------------------- one cell at a time


def first_with(condition):
    """(page, cell) of the first cell of the collection for which the condition holds."""
    for notebook in NOTEBOOKS:
        for name, cell in code_cells(notebook).items():
            if condition(text(cell["source"])):
                return f"{notebook.stem}.html", name
    raise AssertionError("no notebook has such a cell")


def cell(page, name):
    return page.locator(f"[id='cell-{name}']")


def pressed(page, name):
    """Press ▶ on a cell as a reader does, and wait until it has run."""
    page.evaluate(WATCH, name)
    cell(page, name).locator(".cell-tools button").last.click()
    page.evaluate("() => window.hasRun.then(() => true)")
    page.wait_for_function(
        "name => document.getElementById(`cell-${name}`).dataset.state !== 'running'", arg=name
    )


@pytest.fixture(
    params=[
        ("desktop", {}),
        ("phone", {"width": 390, "height": 844, "is_mobile": True, "has_touch": True}),
    ],
    ids=lambda p: p[0],
)
def screen(request):
    return request.param


def test_a_slider_moves_its_figure_in_place(running, axe, screen):
    """The button on the still picture runs what it needs, and no more; then an arrow key on the
    slider draws another picture.
    """
    kind, options = screen
    path, name = first_with(lambda source: "explore(" in source)
    page = ready(running(path, **options))
    place = cell(page, name)
    place.locator(".movable button").click()
    slider = place.locator("input[type=range]").first
    slider.wait_for()
    assert page.evaluate("() => pageNotebook.done.length < pageNotebook.cells.length")
    picture = "name => document.getElementById(`cell-${name}`).querySelector('.widget img').src"
    before, value = page.evaluate(picture, name), slider.get_attribute("aria-valuetext")
    slider.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function(f"([name, before]) => ({picture})(name) !== before", arg=[name, before])
    assert slider.get_attribute("aria-valuetext") != value
    slider.scroll_into_view_if_needed()
    page.screenshot(path=PICTURES / f"run-slider-{kind}.png")
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    assert axe(page, f"[id='cell-{name}']") == []
    assert page.complaints == []


def an_exercise():
    """(page, cell, name, right answer) of the first exercise that asks for one formula and has it
    folded below.
    """
    for notebook in NOTEBOOKS:
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
        for this, below in zip(cells, cells[1:], strict=False):
            blanks = re.findall(r"^(\w+) = \.\.\.", text(this["source"]), re.MULTILINE)
            answer = re.search(r"<details>.*?```python\n(.*?)```", text(below["source"]), re.DOTALL)
            if (
                this["cell_type"] == "code"
                and len(blanks) == 1
                and answer
                and "\ncheck(" in text(this["source"])
            ):
                (statement,) = ast.parse(answer[1]).body
                return (
                    f"{notebook.stem}.html",
                    this["id"],
                    blanks[0],
                    ast.get_source_segment(answer[1], statement.value),
                )
    raise AssertionError("no exercise asks for one formula")


def test_an_exercise_answers_in_place_wrong_then_right(running):
    path, name, blank, right = an_exercise()
    page = ready(running(path))
    said = answered(page, name, blank, f"-({right})")
    page.screenshot(path=PICTURES / "run-exercise-wrong.png")
    assert said.startswith("Not yet"), said
    said = answered(page, name, blank, right)
    page.screenshot(path=PICTURES / "run-exercise-right.png")
    assert said.startswith("Right"), said
    assert page.complaints == []


def an_answer(source, blank, answer):
    """The code of an exercise with its blank filled in."""
    return re.sub(rf"^{blank} = .*$", lambda _: f"{blank} = {answer}", source, flags=re.MULTILINE)


def answered(page, name, blank, answer):
    """Type an answer into the cell as a reader does, run it by the keyboard, and return what it
    says.
    """
    field = cell(page, name).locator("textarea")
    field.fill(an_answer(field.input_value(), blank, answer))
    page.evaluate(WATCH, name)
    field.press("Control+Enter")
    page.evaluate("() => window.hasRun.then(() => true)")
    return cell(page, name).locator(".cell_output.live").inner_text().strip()


def test_python_loads_little_before_the_first_derivation():
    """From a server that compresses nothing, too."""
    settings = json.loads((PUBLIC / "_static" / "run" / "settings.json").read_text("utf-8"))
    folder = PUBLIC / settings["pyodide"]
    code = sum((folder / name).stat().st_size for name in ("pyodide.mjs", "pyodide.asm.mjs"))
    assert settings["bytes"] + code < MOST_OF_PYTHON


def ran_by_keyboard(page, name, source):
    """From the top of the page to the cell by Tab, other code into it, and run it: no mouse."""
    page.evaluate("() => { document.activeElement.blur(); scrollTo(0, 0); }")
    page.evaluate(WATCH, name)
    presses = 0
    while not page.evaluate(IS_IN, name):
        page.keyboard.press("Tab")
        presses += 1
        assert presses < 200, "Tab does not reach the cell"
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(source)
    page.keyboard.press("Control+Enter")
    page.evaluate("() => window.hasRun.then(() => true)")


def test_the_start_page_refuses_a_wrong_line(running, record_property):
    """The visitor presses ▶ at once, then turns a sign around in the last line of the derivation:
    it is refused, and the mistake is named.
    """
    page = running("index.html")
    field = cell(page, "trial").locator("textarea")
    pressed(page, "trial")
    first, loaded = seconds(page), sum(page.loaded)
    assert loaded < MOST_LOADED
    before = seconds(page)
    pressed(page, "trial")
    again = seconds(page) - before
    steps = timeline(page, "start page", ("first derivation", first))
    record_property(MEASURED, f"{steps}; ▶ again {again:.1f} s; {loaded / 1e6:.1f} MB")
    assert cell(page, "trial").get_attribute("data-state") == "done"
    right = field.input_value()
    steps = list(re.finditer(r"\.step\((?=\S)", right))
    wrong = right[: steps[-1].end()] + "-" + right[steps[-1].end() :]
    ran_by_keyboard(page, "trial", wrong)
    output = cell(page, "trial").locator(".cell_output.live").inner_text()
    assert output.startswith("FalseLine") and "sign" in output, output
    page.screenshot(path=PICTURES / "run-refused.png")
    assert page.complaints == []


def test_a_cell_of_a_slide_runs_on_the_slide(visit):
    """▶ brings the cell of the page, large, and its output; Escape leads back to the slide."""
    name = NOTEBOOKS[0].stem
    proof = first_derivation(name)
    page = visit(f"slides/{name}.html", python=True)
    page.wait_for_function(TYPESET)
    place = page.evaluate(SLIDE_OF, proof)
    link = page.locator(f"section.present a.live[href$='#cell-{proof}']")
    link.click()
    live = page.frame_locator(".live-cell").locator(f"[id='cell-{proof}']")
    live.locator(".cell_output.live mjx-container").first.wait_for()
    assert live.get_attribute("data-state") == "done"
    page.screenshot(path=PICTURES / "slide-live.png")
    live.locator("textarea").press("Escape")
    live.locator("button").last.press("Escape")
    assert not page.locator(".live-cell").is_visible()
    assert page.evaluate("() => Reveal.getSlidePastCount()") == place
    assert page.complaints == []


def test_an_error_is_told_and_undone_and_all_of_it_saved(running):
    path, name = f"{NOTEBOOKS[0].stem}.html", list(code_cells(NOTEBOOKS[0]))[0]
    page = ready(running(path))
    page.evaluate(UNFOLD, name)
    field = cell(page, name).locator("textarea")
    original = field.input_value()
    field.fill("import time\nprint('before')\n1 / 0")
    pressed(page, name)
    output = cell(page, name).locator(".cell_output.live")
    assert "before" in output.inner_text() and "ZeroDivisionError" in output.inner_text()
    output.locator("summary").click()
    assert 'File "<cell' in output.inner_text() and "page_kernel" not in output.inner_text()
    cell(page, name).get_by_label("Undo what I have typed here").click()
    assert field.input_value() == original
    field.fill("plain = 41\nplain + 1")
    pressed(page, name)
    with page.expect_download() as saved:
        page.evaluate("() => pageNotebook.download()")
    notebook = json.loads(saved.value.path().read_text(encoding="utf-8"))
    (kept,) = [each for each in notebook["cells"] if each["id"] == name]
    assert (
        kept["source"] == "plain = 41\nplain + 1"
        and kept["outputs"][0]["data"]["text/plain"] == "42"
    )
    page.evaluate("() => pageNotebook.restart()")
    page.wait_for_function(READY)
    assert page.evaluate("() => pageNotebook.done.length") == 0
    assert page.complaints == []


def test_a_page_once_visited_runs_without_a_network(running):
    """What was typed is there again, too."""
    path, name = f"{NOTEBOOKS[0].stem}.html", list(code_cells(NOTEBOOKS[0]))[0]
    page = ready(running(path))
    page.wait_for_function("() => document.documentElement.dataset.kept === 'yes'")
    page.wait_for_function(KEPT_PYTHON, polling=500)
    page.evaluate(UNFOLD, name)
    cell(page, name).locator("textarea").press("Control+End")
    cell(page, name).locator("textarea").press("Enter")
    page.keyboard.type("figures.WIDEST")
    page.context.set_offline(True)
    page.complaints.clear()
    page.reload()
    ready(page)
    pressed(page, name)
    assert cell(page, name).locator(".cell_output.live").inner_text().strip() == "6.2"
    page.screenshot(path=PICTURES / "run-offline.png")


# ---------------------------------------------------------------- which cells a cell needs


def test_a_cell_needs_what_binds_or_changes_its_names():
    needed = load_kernel().needed
    assert needed(["import numpy as np", "x = np.ones(3)", "y = 2", "x[0] = 5", "print(x)"], 4) == [
        0,
        1,
        3,
    ]
    assert needed(["def f(a): return g(a)", "g = abs", "h = 1", "f(2)"], 3) == [0, 1]
    both = "def f(): return x\ndef g(): return f()"
    assert needed([both, "x = 1", "k = 2", "k"], 3) == [2]
    assert needed([both, "x = 1", "k = 2", "g()"], 3) == [0, 1]
    assert needed([f"{both}\nk = 3", "x = 1", "k"], 2) == [0]
    assert needed(["x = 1", f"{both}\nk = g()", "k"], 2) == [0, 1]
    assert needed([f"{both}\nk = [g() for i in '']", "x = 1", "k"], 2) == [0, 1]
    assert needed(["def f(a):\n    b = a\n    return b\nk = f(1)", "a = b = 1", "k"], 2) == [0]
    assert needed(["x = 1", "f = lambda x=x: x", "f()"], 2) == [0, 1]
    assert needed(["x = 1", "def f():\n    global x\n    x += 1", "f()"], 2) == [0, 1]
    assert needed(["rng = default_rng(0)", "a = rng.normal()", "b = 1", "c = rng.normal()"], 3) == [
        0,
        1,
    ]
    assert needed(['first = Claim("1.4")', "z = 3", 'second = Claim("1.5", "by (1.4)")'], 2) == [0]
    assert needed(["import figures", "figures.show(1)", "figures.show(2)"], 2) == [0]
    assert needed(["import numpy as np", "np.random.seed(0)", "np.random.rand()"], 2) == [0, 1]
    assert needed(["x = []", "print(x)", "x.append(1)", "x"], 3) == [0, 2]
    assert needed(["total = 0", "total += 1", "total"], 2) == [0, 1]
    assert needed(["a = 1", "a = 2", "a"], 2) == [1]
    assert needed(["a = 1", "a = 2\nb = a", "b, a"], 2) == [1]
    assert needed(["a = 1", "a = a + 1", "a"], 2) == [0, 1]
    named = ['a = "1.4 kg"', 'Claim("1.4")', 'b = Claim("1.4")', 'print("by (1.4)")']
    assert needed(named, 3) == [2]
    assert needed(["a = 1", "b = (", "a"], 2) == [0]
    assert needed(["[i for i in range(3)]", "i = 7", "i"], 2) == [1]
