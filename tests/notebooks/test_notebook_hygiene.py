"""What every saved notebook must be, and proof that each rule refuses a notebook that breaks it.

A rule is a function from a notebook, as the JSON of its file, to a list of complaints. `RULES`
holds them all;
`BROKEN` holds at least one planted fault for each.
"""

import ast
import copy
import json
import re
import statistics
from functools import cache
from itertools import pairwise
from pathlib import Path

import nbformat
import pytest
from execute_notebooks import WIDGET_VIEW

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))

KNOWN_TAGS = {"exercise", "solution", "hide-input", "nbval-ignore-output"}
MAX_KILOBYTES = 400
MAX_CODE_LINES, MAX_MEDIAN_CODE_LINES, MAX_CODE_CELLS_IN_A_ROW = 20, 6, 2
MAX_WORDS = 120
LETTERS = 9  # pixels

RULES = []  # that a notebook takes at most 20 s is said by the run itself, see conftest.py


def rule(function):
    RULES.append(function)
    return function


# ---------------------------------------------------------------- reading a notebook


def text(value):
    """A string of the file, which may be stored as a list of lines."""
    return "".join(value) if isinstance(value, list) else value


def cells(notebook, kind):
    return [(number, cell) for number,
            cell in enumerate(notebook["cells"], 1) if cell["cell_type"] == kind]


def sources(notebook, kind):
    return [(number, text(cell["source"])) for number, cell in cells(notebook, kind)]


def outputs(notebook):
    return [(number, output) for number,
            cell in cells(notebook, "code") for output in cell["outputs"]]


def readable_texts(notebook):
    """All that a reader may see, apart from the pixels of pictures."""
    for number, cell in enumerate(notebook["cells"], 1):
        yield number, text(cell["source"])
    for number, output in outputs(notebook):
        yield number, text(output.get("text", ""))
        yield number, "\n".join(output.get("traceback", []))
        for mime, data in output.get("data", {}).items():
            if not mime.startswith("image/"):
                yield number, text(data) if isinstance(data, str | list) else json.dumps(data)


def without_code(markdown):
    """Markdown without fenced blocks and code spans: what is in them is shown as it is."""
    markdown = re.sub(r"^(```|~~~).*?^\1", "", markdown, flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"`[^`\n]+`", "code", markdown)


def found(notebook, pattern, complaint):
    compiled = re.compile(pattern)
    hits = ((number, compiled.search(seen)) for number, seen in readable_texts(notebook))
    return [f"cell {number}: {complaint}: {hit.group()!r}" for number, hit in hits if hit]


# ---------------------------------------------------------------- the file


@rule
def is_valid(notebook):
    try:
        nbformat.validate(nbformat.from_dict(copy.deepcopy(notebook)))
    except nbformat.ValidationError as error:
        return [f"not a valid notebook: {error.message}"]
    return []


@rule
def has_unique_ids(notebook):
    ids = [cell.get("id") for cell in notebook["cells"]]
    missing = [f"cell {number} has no id" for number, name in enumerate(ids, 1) if not name]
    return missing + [f"id {name!r} twice"
                      for name in sorted({name for name in ids if name and ids.count(name) > 1})]


@rule
def has_ids_that_somebody_chose(notebook):
    # A tool that writes a cell anew draws eight random characters; a name stays when the cell is
    # edited.
    ids = [cell.get("id", "") for cell in notebook["cells"]]
    return [f"id {name!r} is no name in small letters" for name in ids
            if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name)
            or re.fullmatch(r"[0-9a-f]{8}", name)]


@rule
def is_executed_from_top_to_bottom(notebook):
    # Also refuses a notebook without outputs, in which nbval would compare nothing.
    counts = [cell["execution_count"] for _, cell in cells(notebook, "code")]
    return ([] if counts == [*range(1, len(counts) + 1)]
            else [f"execution counts {counts}: run make notebooks"])


@rule
def has_portable_metadata(notebook):
    metadata = notebook["metadata"]
    language, kernel = metadata.get("language_info", {}), metadata.get("kernelspec", {})
    complaints = [] if language.get("name") == "python" else ["language_info.name is not python"]
    if kernel.get("name") != "python3":
        complaints.append(f"kernel {kernel.get('name')!r} instead of 'python3'")
    if "version" in language:
        complaints.append("language_info.version depends on the machine: run make notebooks")
    timed = [number for number,
             cell in enumerate(notebook["cells"], 1) if "execution" in cell["metadata"]]
    return complaints + [f"cell {number} holds timings: run make notebooks" for number in timed]


@rule
def has_no_widget_state(notebook):
    complaints = ["widget state in the metadata"] if "widgets" in notebook["metadata"] else []
    views = [number for number,
             output in outputs(notebook) if WIDGET_VIEW in output.get("data", {})]
    return complaints + [f"cell {number}: saved view of a widget that is gone: run make notebooks"
                         for number in views]


@rule
def has_known_tags_only(notebook):
    tags = ((number, tag) for number,
            cell in enumerate(notebook["cells"], 1) for tag in cell["metadata"].get("tags", []))
    return [f"cell {number}: unknown tag {tag!r}" for number, tag in tags if tag not in KNOWN_TAGS]


@rule
def has_no_comment_that_stops_checking(notebook):
    hits = [(number, hit) for number,
            source in sources(notebook, "code") for hit in re.findall(r"# *NBVAL_\w+", source)]
    return [f"cell {number}: {hit}" for number, hit in hits]


@rule
def is_small(notebook):
    size = len(json.dumps(notebook, ensure_ascii=False, indent=1).encode()) / 1024
    return [f"{size:.0f} KB, more than {MAX_KILOBYTES}"] if size > MAX_KILOBYTES else []


# ---------------------------------------------------------------- outputs


@rule
def has_no_error_output(notebook):
    bad = [(number, output) for number,
           output in outputs(notebook) if output["output_type"] == "error"]
    return [f"cell {number}: {output['ename']}: {output['evalue']}" for number, output in bad]


@rule
def has_no_stderr(notebook):
    bad = [(number, output) for number,
           output in outputs(notebook) if output.get("name") == "stderr"]
    return [f"cell {number}: stderr: {text(output['text'])[:80]}" for number, output in bad]


@rule
def has_no_memory_address(notebook):
    return found(notebook, r"\b0x[0-9a-fA-F]{4,}", "memory address")


@rule
def has_no_absolute_path(notebook):
    return found(notebook,
                 r"(?<![\w.~:/+-])/(?:\w[\w.-]*/)+\w[\w.-]*(?=[\s'\"`:,)]|$)|\b[A-Z]:\\\w+",
                 "absolute path")


@rule
def has_no_bare_numpy_scalar(notebook):
    return found(notebook, r"\bnp\.(?:float|int|uint)\d+\(|\bnp\.(?:True|False)_",
                 "NumPy scalar shown raw")


@rule
def has_no_unevaluated_substitution(notebook):
    # SymPy prints these in hash order.
    return found(notebook, r"\bSubs\(", "unevaluated substitution")


@rule
def describes_every_picture(notebook):
    complaints = []
    for number, output in outputs(notebook):
        data = output.get("data", {})
        if "image/png" not in data:
            continue
        alt = output["metadata"].get("image/png", {}).get("alt", "")
        if not alt.strip():
            complaints.append(f"cell {number}: a picture without alt text")
        elif alt not in text(data.get("text/plain", "")):
            complaints.append(
                f"cell {number}: the alt text of a picture is not in its plain-text form")
    return complaints


@rule
def has_letters_that_a_phone_can_show(notebook):
    # helpers.figures measures them in a column of 358 pixels, where it shows the figure.
    measured = ((number, output.get("metadata", {}).get("image/png", {}).get("letters", LETTERS))
                for number, output in outputs(notebook))
    return [f"cell {number}: letters of {height} pixels on a phone, less than {LETTERS}"
            for number, height in measured if height < LETTERS]


@rule
def says_below_every_picture_what_to_see(notebook):
    complaints = []
    for number, cell in cells(notebook, "code"):
        for output, below in zip(cell["outputs"], [*cell["outputs"][1:], {}]):
            words = text(below.get("data", {}).get("text/markdown", ""))
            if "image/png" in output.get("data", {}) and not re.match(
                r"\*[^*\s].*[.!?…]\*", words, flags=re.DOTALL):
                complaints.append(
                    f"cell {number}: a picture without a sentence below it that says what to see")
    return complaints


# ---------------------------------------------------------------- code cells


@rule
def has_no_trailing_semicolon(notebook):
    # nbval runs cells in a way in which the semicolon does not hide the result.
    return [f"cell {number} ends in ';'" for number,
            source in sources(notebook, "code") if source.rstrip().endswith(";")]


@rule
def has_short_code_cells(notebook):
    lengths = [(number, len(source.splitlines())) for number, source in seen_code(notebook)]
    long = [f"cell {number}: {length} lines of code" for number,
            length in lengths if length > MAX_CODE_LINES]
    median = statistics.median(length for _, length in lengths) if lengths else 0
    return long + ([f"the median code cell has {median} lines"] if median > MAX_MEDIAN_CODE_LINES
                   else [])


def seen_code(notebook):
    """The code that a reader sees: figures, set-up and long derivations are folded."""
    return [(number, text(cell["source"])) for number, cell in cells(notebook, "code")
            if not cell["metadata"].get("jupyter", {}).get("source_hidden")]


@rule
def has_no_empty_cell(notebook):
    return [f"cell {number} is empty" for number,
            cell in enumerate(notebook["cells"], 1) if not text(cell["source"]).strip()]


@rule
def has_words_between_code(notebook):
    kinds = [cell["cell_type"] for cell in notebook["cells"]]
    run = MAX_CODE_CELLS_IN_A_ROW + 1
    starts = [start for start in range(len(kinds)) if kinds[start : start + run] == ["code"] * run]
    return [f"cells {start + 1} to {start + run} are all code" for start in starts]


# ---------------------------------------------------------------- prose


def headings(notebook):
    for number, source in sources(notebook, "markdown"):
        for marks in re.findall(r"^ {0,3}(#{1,6})\s", without_code(source), flags=re.MULTILINE):
            yield number, len(marks)


@rule
def has_one_title_in_its_first_cell(notebook):
    titles = [number for number, level in headings(notebook) if level == 1]
    return ([] if titles == [1]
            else [f"level-1 headings in cells {titles}, instead of one in cell 1"])


@rule
def skips_no_heading_level(notebook):
    levels = [(0, 0), *headings(notebook)]
    jumps = [(*now, before) for (_, before), now in pairwise(levels) if now[1] > before + 1]
    return [f"cell {number}: heading level {level} after {before}" for number, level,
            before in jumps]


@rule
def has_short_text_cells(notebook):
    lengths = [(number, count_words(source)) for number, source in sources(notebook, "markdown")]
    return [f"cell {number}: {length} words" for number, length in lengths if length > MAX_WORDS]


def count_words(markdown):
    """Words outside folded parts and tables; an inline formula is one word."""
    prose = re.sub(r"<details.*?</details>", "", markdown, flags=re.DOTALL)
    prose = re.sub(r"^\s*\|.*$", "", prose, flags=re.MULTILINE)
    prose = re.sub(r"\$\$.*?\$\$|\$[^$\n]+\$", " formula ", prose, flags=re.DOTALL)
    prose = re.sub(r"\]\([^)]*\)|<[^>\n]+>", " ", prose)
    return len(re.findall(r"\w[\w'’.,-]*", prose))


# ---------------------------------------------------------------- what you read is what was checked

ENVIRONMENTS = (
    "align|aligned|alignat|flalign|gather|gathered|multline|eqnarray|equation|split|displaymath|array|cases|[bpvBV]?matrix"
)
DISPLAYED = re.compile(
    r"\$\$(?P<dollars>.+?)\$\$"
    r"|\\\[(?P<brackets>.+?)\\\]"
    rf"|\\begin\{{(?P<name>(?:{ENVIRONMENTS})\*?)\}}(?P<body>.+?)\\end\{{(?P=name)\}}"
    r"|\$(?P<inline>[^$]*\\displaystyle[^$]*)\$"
    r"|^(?:```|~~~) *\{?math\}?(?P<fence>.+?)^(?:```|~~~)",
    re.DOTALL | re.MULTILINE,
)
UPRIGHT = r"(?:\\(?:mathrm|mathsf|operatorname|text|rm|mathit)\s*\{?\s*)?"
DERIVATIVE = re.compile(
    r"\\partial|\\nabla|\\d?dot(?![a-z])|\\grad\b|\\operatorname\{grad\}|\\mathrm\{grad\}|\\[dp]v\b"
    rf"|\\[cdt]?frac\s*\{{?\s*{UPRIGHT}d(?![a-z]{{2}})"  # \frac{{d … with any fraction command
    rf"|\}}\s*\{{\s*{UPRIGHT}d(?![a-z]{{3}})\}}?\s*[A-Za-z\\]"  # … }}{{dw}}, the lower half of one
    r"|(?<![A-Za-z])d\s*[A-Za-z]?\s*/\s*d\s*[A-Za-z\\]"  # dJ/dw
    r"|(?:[A-Za-z}]|\\[A-Za-z]+)\s*(?:'|’|′|\^\s*\{?\s*\\prime)"  # f'(z)
    r"|∂|∇"
)


@rule
def types_no_derivative_as_a_displayed_equation(notebook):
    """A derivation is the output of code that proved it; typed LaTeX is proved by nobody."""
    complaints = []
    for number, source in sources(notebook, "markdown"):
        for shown in DISPLAYED.finditer(source):
            hit = DERIVATIVE.search(shown.group())
            if hit:
                complaints.append(
                    f"cell {number}: a typed equation with the derivative {hit.group()!r}: let "
                    f"code derive it")
    return complaints


@rule
def closes_its_displayed_equations(notebook):
    # One $$ too few would hide an equation from the rule above.
    odd = [number for number,
           source in sources(notebook, "markdown") if without_code(source).count("$$") % 2]
    return [f"cell {number}: an odd number of $$" for number in odd]


# ---------------------------------------------------------------- the rules hold


def test_the_notebooks_are_numbered_from_00_without_a_gap():
    numbers = [path.name[:3] for path in NOTEBOOKS]
    assert numbers and numbers == [f"{number:02}_" for number in range(len(numbers))]


@cache
def saved(path):
    """A notebook as the JSON of its file; no rule changes it."""
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("check", RULES, ids=lambda check: check.__name__)
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_saved_notebook(path, check):
    complaints = check(saved(path))
    assert not complaints, "\n".join([path.name, *complaints])


# ---------------------------------------------------------------- and each rule can refuse

ALT = "A line that rises from 1 to 3."


def markdown_cell(source, name):
    return {"cell_type": "markdown", "id": name, "metadata": {}, "source": source}


def code_cell(source, count, *shown):
    return {
        "cell_type": "code",
        "id": f"code-{count}",
        "metadata": {},
        "execution_count": count,
        "source": source,
        "outputs": list(shown),
    }


def stream(words, name="stdout"):
    return {"output_type": "stream", "name": name, "text": words}


def display(metadata=None, **data):
    return {"output_type": "display_data", "data": data, "metadata": metadata or {}}


def picture():
    return display({"image/png": {"alt": ALT}},
                   **{"image/png": "iVBORw0KGgo=", "text/plain": [ALT]})


def caption(words="*It rises.*\n\n<details>A line.</details>"):
    return display(**{"text/markdown": words, "text/plain": "It rises."})


GOOD_PROSE = r"""## Derive the gradient

The cost is $J$, and $\partial J / \partial w$ comes next. With $\delta = \hat y - y$:

$$J = \frac{1}{2n} \sum_{i=1}^{n} (w x_i - y_i)^2, \qquad \dots$$

| a | b |
|---|---|
| 1 | 2 |

```python
# not a heading
```
"""


def good_notebook():
    return {
        "cells": [
            markdown_cell("# Learn to check", "title"),
            code_cell("print(1)", 1, stream("1\n")),
            code_cell("plot()", 2, picture(), caption()),
            markdown_cell(GOOD_PROSE.splitlines(keepends=True), "prose"),
            code_cell("slider", 3, display(**{"text/plain": "IntSlider(value=0)"})),
        ],
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3"},
                     "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


@pytest.mark.parametrize("check", RULES, ids=lambda check: check.__name__)
def test_a_good_notebook_has_no_complaint(check):
    assert check(good_notebook()) == []


def prose(source):
    return lambda notebook: notebook["cells"].append(markdown_cell(source, "planted"))


def code(source, *shown):
    def plant(notebook):
        count = len(cells(notebook, "code")) + 1
        notebook["cells"].append(code_cell(source, count, *shown))

    return plant


def metadata(*path, value):
    def plant(notebook):
        place = notebook
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value

    return plant


def equation(latex, opening="$$", closing="$$"):
    return types_no_derivative_as_a_displayed_equation, prose(
        f"So\n\n{opening}\n{latex}\n{closing}\n\nas said.")


BROKEN = [
    (is_valid, metadata("cells", 1, "outputs", value=[{"output_type": "nonsense"}])),
    (has_unique_ids, metadata("cells", 0, "id", value="prose")),
    (has_unique_ids, lambda notebook: notebook["cells"][0].pop("id")),
    (has_ids_that_somebody_chose, metadata("cells", 0, "id", value="3f2a9c1b")),
    (has_ids_that_somebody_chose, metadata("cells", 0, "id", value="The title")),
    (is_executed_from_top_to_bottom, metadata("cells", 1, "execution_count", value=7)),
    (is_executed_from_top_to_bottom, metadata("cells", 1, "execution_count", value=None)),
    (has_portable_metadata, metadata("metadata", "language_info", value={})),
    (has_portable_metadata, metadata("metadata", "language_info", "version", value="3.11.7")),
    (has_portable_metadata, metadata("metadata", "kernelspec", "name", value="my-env")),
    (has_portable_metadata,
     metadata("cells", 1, "metadata", "execution", value={"iopub.status.busy": "now"})),
    (has_no_widget_state, metadata("metadata", "widgets", value={})),
    (has_no_widget_state,
     code("slider", display(**{WIDGET_VIEW: {"model_id": "1"}, "text/plain": "IntSlider()"}))),
    (has_known_tags_only, metadata("cells", 1, "metadata", "tags", value=["nbval-skip"])),
    (has_no_comment_that_stops_checking, code("# NBVAL_SKIP\nprint(1)", stream("2\n"))),
    (is_small, code("print(text)", stream("x" * 410_000))),
    (has_no_error_output,
     code("1/0", {"output_type": "error", "ename": "E", "evalue": "e", "traceback": []})),
    (has_no_stderr, code("warn()", stream("careful", name="stderr"))),
    (has_no_memory_address, code("f", display(**{"text/plain": "<function f at 0x7f3c2a1b>"}))),
    (has_no_absolute_path, code("print(p)", stream("read /srv/data/penguins.csv\n"))),
    (has_no_absolute_path, code(r"open('C:\data.csv')")),
    (has_no_absolute_path, code("1", display(**{"text/html": ["<p>", "'/usr/lib/x.py'</p>"]}))),
    (has_no_bare_numpy_scalar, code("x", display(**{"text/plain": "np.float64(0.5)"}))),
    (has_no_bare_numpy_scalar, code("x", display(**{"text/plain": "[np.True_]"}))),
    (has_no_unevaluated_substitution,
     code("d", display(**{"text/plain": "Subs(Derivative(f(x), x), x, 1)"}))),
    (describes_every_picture, metadata("cells", 2, "outputs", 0, "metadata", value={})),
    (describes_every_picture,
     metadata("cells", 2, "outputs", 0, "metadata", "image/png", "alt", value=" ")),
    (describes_every_picture,
     metadata("cells", 2, "outputs", 0, "data", "text/plain", value="<Figure>")),
    (has_letters_that_a_phone_can_show,
     metadata("cells", 2, "outputs", 0, "metadata", "image/png", "letters", value=8.9)),
    (says_below_every_picture_what_to_see, code("plot()", picture())),
    (says_below_every_picture_what_to_see,
     code("plot()", picture(), caption("<details>A line.</details>"))),
    (says_below_every_picture_what_to_see, code("plot()", picture(), stream("*It rises.*"))),
    (says_below_every_picture_what_to_see,
     metadata("cells", 2, "outputs", 1, value=stream("It rises."))),
    (has_no_trailing_semicolon, code("ax.plot(x); \n")),
    (has_short_code_cells, code("\n".join(["x = 1"] * 21))),
    (has_short_code_cells,
     lambda notebook: [code("\n".join(["x = 1"] * 9))(notebook) for _ in range(4)]),
    (has_no_empty_cell, prose("  \n")),
    (has_words_between_code, lambda notebook: [code("x")(notebook) for _ in range(2)]),
    (has_one_title_in_its_first_cell, prose("# Another title")),
    (has_one_title_in_its_first_cell, metadata("cells", 0, "source", value="## No title")),
    (skips_no_heading_level, prose("#### Too deep")),
    (has_short_text_cells, prose("word " * 121)),
    (closes_its_displayed_equations, prose("$$ x = 1")),
    equation(r"\frac{\partial J}{\partial w} = 0"),
    equation(r"\frac{\partial J}{\partial w} = 0", r"\[", r"\]"),
    equation(r"\frac{\partial J}{\partial w} &= 0", r"\begin{align*}", r"\end{align*}"),
    equation(r"\frac{\partial J}{\partial w} = 0", r"\begin{equation}", r"\end{equation}"),
    equation(r"\frac{\partial J}{\partial w} = 0", "```math", "```"),
    equation(r"\frac{\partial J}{\partial w} = 0", r"$\displaystyle ", "$"),
    equation(r"w \leftarrow w - \eta \nabla J"),
    equation(r"\frac{dJ}{dw} = 0"),
    equation(r"\frac {d} {dw} J = 0"),
    equation(r"\frac{d^2 J}{dw^2} = 0"),
    equation(r"\dfrac{\mathrm{d}J}{\mathrm{d}w} = 0"),
    equation(r"\tfrac d{dw} J"),
    equation(r"\frac{J + dJ}{dw} = 0"),
    equation(r"dJ/dw = 0"),
    equation(r"\dot{w} = 0"),
    equation(r"\ddot w = 0"),
    equation(r"g'(z) = g(z)"),
    equation(r"\sigma'(z)"),
    equation(r"\sigma^{\prime}(z)"),
    equation(r"\hat{y}' = 1"),
    equation(r"∂J = 1"),
]


@pytest.mark.parametrize("check, plant", BROKEN, ids=[check.__name__ for check, _ in BROKEN])
def test_a_planted_fault_is_refused(check, plant):
    notebook = good_notebook()
    plant(notebook)
    assert check(notebook)


def test_every_rule_refuses_some_planted_fault():
    assert {check for check, _ in BROKEN} == set(RULES)


HARMLESS = [
    r"\delta^{(l)} = \hat y - y",
    r"\frac{\text{distance}}{\text{time}}",
    r"\frac{1}{n} \sum_{j=1}^{d} w_j x_{ij} \cdots \ldots \dots",
    r"a \cdot b",
    r"\mathrm{id}",
    r"\frac{1}{d}",
]


@pytest.mark.parametrize("latex", HARMLESS)
def test_an_equation_without_a_derivative_may_be_typed(latex):
    check, plant = equation(latex)
    notebook = good_notebook()
    plant(notebook)
    assert check(notebook) == []


# ---------------------------------------------------------------- a lesson of an hour

LESSON = {
    "main cells": 50,
    "words": 2000,
    "exercise cells": 15,
    "median code lines": 4,
    "code lines": 12,
    "letters in a line": 88,
}
FINISHED = {
    "00_start_here",
    "01_linear_regression",
    "02_logistic_regression",
    "03_softmax_regression",
    "04_single_weight_chain_rule",
    "05_full_delta_rule",
    "06_mini_batch_training",
    "07_bring_your_own",
}  # held to LESSON; a notebook joins when it has become one


def measures(notebook):
    """What LESSON limits. The main line ends at the heading Exercises."""
    found = (
        number
        for number, source in sources(notebook, "markdown")
        if source.startswith("## Exercises")
    )
    end = next(found, len(notebook["cells"]) + 1)
    number_of_exercises = sum(
        cell.get("id", "").startswith(("exercise", "progress"))
        for cell in notebook["cells"][end - 1 :]
    )
    lines = [source.splitlines() for _, source in seen_code(notebook)]
    return {
        "main cells": end - 1,
        "words": sum(
            count_words(source) for number, source in sources(notebook, "markdown") if number < end
        ),
        "exercise cells": number_of_exercises,
        "median code lines": statistics.median(map(len, lines)) if lines else 0,
        "code lines": max(map(len, lines), default=0),
        "letters in a line": max((len(line) for cell in lines for line in cell), default=0),
    }


@pytest.mark.parametrize(
    "path", [path for path in NOTEBOOKS if path.stem in FINISHED], ids=lambda path: path.stem
)
def test_a_lesson_is_one_of_an_hour(path):
    found = measures(saved(path))
    assert {name: value for name, value in found.items() if value > LESSON[name]} == {}


TOO_LONG = [
    ("main cells", lambda notebook: [prose("word")(notebook) for _ in range(46)]),
    ("words", lambda notebook: [prose("word " * 101)(notebook) for _ in range(20)]),
    ("median code lines", lambda notebook: [code("x\n" * 5)(notebook) for _ in range(5)]),
    ("code lines", lambda notebook: code("x\n" * 13)(notebook)),
    ("letters in a line", lambda notebook: code("x" * 89)(notebook)),
    (
        "exercise cells",
        lambda notebook: notebook["cells"].extend(
            [
                markdown_cell("## Exercises", "exercises"),
                *(markdown_cell("1.", f"exercise-{n}") for n in range(15)),
            ]
        ),
    ),
]


@pytest.mark.parametrize("name, plant", TOO_LONG, ids=[name for name, _ in TOO_LONG])
def test_a_lesson_that_is_too_long_is_measured(name, plant):
    notebook = good_notebook()
    assert all(value <= LESSON[limit] for limit, value in measures(notebook).items())
    plant(notebook)
    assert measures(notebook)[name] > LESSON[name]


def test_folded_code_and_exercises_do_not_count():
    notebook = good_notebook()
    notebook["cells"] += [
        markdown_cell("## Exercises", "exercises"),
        *(markdown_cell("word", f"more-{n}") for n in range(60)),
    ]
    code("x\n" * 40)(notebook)
    notebook["cells"][-1]["metadata"] = {"jupyter": {"source_hidden": True}}
    assert all(value <= LESSON[limit] for limit, value in measures(notebook).items())


# ---------------------------------------------------------------- cells can be run again

SCOPES = (
    ast.FunctionDef,
    ast.ClassDef,
    ast.Lambda,
    ast.ListComp,
    ast.SetComp,
    ast.DictComp,
    ast.GeneratorExp,
)


def rebound(notebook):
    """Functions and derivations that other cells use and whose name a later cell takes."""
    trees = [(number, ast.parse(source)) for number, source in sources(notebook, "code")]
    made, complaints = {}, []
    for number, tree in trees:
        for name in sorted(stored(tree) & made.keys()):
            if any(name in read(user) for other,
                   user in trees if other not in (number, made[name])):
                complaints.append(f"cell {number} takes the name {name!r} of cell {made[name]}")
        made |= dict.fromkeys(lasting(tree), number)
    return complaints


def read(tree):
    return {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}


def lasting(tree):
    """The names of functions, classes and derivations, but for those under refused()."""
    blocks = [
        node
        for node in tree.body
        if isinstance(node, ast.With) and not ast.unparse(node.items[0]).startswith("refused")
    ]
    names = {
        item.optional_vars.id
        for block in blocks
        for item in block.items
        if isinstance(item.optional_vars, ast.Name)
    }
    return names | {
        node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)
    }


def stored(tree):
    """The names that a cell gives, outside functions and comprehensions."""
    inner = {
        id(node)
        for scope in ast.walk(tree)
        if isinstance(scope, SCOPES)
        for node in ast.walk(scope)
    }
    names = {
        node.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and id(node) not in inner
    }
    return names | {
        node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)
    }


@pytest.mark.parametrize(
    "path", [path for path in NOTEBOOKS if path.stem in FINISHED], ids=lambda path: path.stem
)
def test_no_cell_takes_the_name_of_a_function_or_a_derivation(path):
    assert rebound(saved(path)) == []


@pytest.mark.parametrize(
    "later, allowed",
    [
        ("for step in range(3):\n    step", False),
        ("step, x = 1, 2", False),
        ("def step():\n    pass", False),
        ("dJ_dw, dJ_db = gradient()", False),
        ("with Derivation(L) as dJ_dw:\n    pass", False),
        ("(dJ_dw := 2)", False),
        ("[step for step in x]", True),
        ("def other():\n    step = 1", True),
        ("wrong = 1", True),
        ("passes = 1", True),
        ("x = 2", True),
    ],
)
def test_a_name_that_is_taken_is_noticed(later, allowed):
    notebook = good_notebook()
    code("def step():\n    x = 1")(notebook)
    code("def passes():\n    x = 1\npasses()")(notebook)
    code(
        "with Derivation(J) as dJ_dw:\n    pass\n"
        "with refused(), Derivation(J) as wrong:\n    pass\nx = 1"
    )(notebook)
    code("step(), dJ_dw")(notebook)
    code(later)(notebook)
    assert (rebound(notebook) == []) == allowed
