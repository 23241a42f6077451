"""Make an assignment of a notebook: `python make_assignment.py NOTEBOOK TARGET [--for otter]`

Every exercise cell stays as it is, for the students to edit, and the folded answers are taken out.
After each exercise comes a test that asks what it is worth: a point if it is solved, half a point
for half of the way. For nbgrader this is a locked cell with a hidden test; for otter-grader
a question with two hidden tests, whose official answer
`otter assign` runs and takes out.
"""

import argparse
import ast
import re
from pathlib import Path

import nbformat

FOLDED = re.compile(r"<details>.*?</details>", re.DOTALL)
ANSWER = re.compile(r"<details>.*?```python\n(.*?)\n```.*?</details>", re.DOTALL)
NUMBER = re.compile(r'number="(\d+\.\d+[^"]*)"')
HIDDEN_TEST = """\
# What this exercise is worth: 1, 0.5 or 0 points.
### BEGIN HIDDEN TESTS
from exercises import credit

{worth}
### END HIDDEN TESTS"""
QUESTION = "# BEGIN QUESTION\nname: {name}\npoints: 1\nmanual: false"
HALF_A_POINT = '''\
""" # BEGIN TEST CONFIG
hidden: true
points: 0.5
""" # END TEST CONFIG
from exercises import credit
assert {worth} >= {least}'''


def assignment(notebook, cells_of):
    """The notebook without answers and outputs.

    Each exercise is replaced by what `cells_of(cell, what it is worth, answer)` returns.
    """
    cells = []
    for place, cell in enumerate(notebook.cells):
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        if "exercise" in cell.metadata.get("tags", []):
            following = "".join(after.source for after in notebook.cells[place + 1 : place + 2])
            answer = ANSWER.search(following)
            cells += cells_of(cell, worth(NUMBER.findall(cell.source)), answer and answer[1])
        elif text := FOLDED.sub("", cell.source).strip():
            cell.source = text
            cells.append(cell)
    notebook.cells = cells
    return notebook


def worth(numbers):
    """An expression for the points of an exercise: the mean over its blanks."""
    return f"sum(map(credit, {numbers})) / {len(numbers)}"


def for_nbgrader(cell, worth, answer):
    """The exercise, and a locked test cell; the value of its last line is the score."""
    name = f"{cell.id}-test"
    about = {"grade": True, "solution": False, "locked": True, "task": False}
    test = nbformat.v4.new_code_cell(HIDDEN_TEST.format(worth=worth), id=name)
    test.metadata["nbgrader"] = {**about, "points": 1, "grade_id": name, "schema_version": 3}
    return [cell, test]


def for_otter(cell, worth, answer):
    """A question: the exercise with its official answer for otter to take out, and two tests."""
    name = cell.id.replace("-", "_")
    tests = [HALF_A_POINT.format(worth=worth, least=least) for least in (0.5, 1)]
    for statement in ast.parse(answer).body:
        cell.source = with_answer(cell.source, ast.get_source_segment(answer, statement))
    return [
        raw(QUESTION.format(name=name)),
        raw("# BEGIN SOLUTION"), cell, raw("# END SOLUTION"),
        raw("# BEGIN TESTS"), *map(nbformat.v4.new_code_cell, tests), raw("# END TESTS"),
        raw("# END QUESTION"),
    ]  # fmt: skip


def with_answer(source, answer):
    """The exercise with this answer, and the line with its dots as what a student is given."""
    target = re.escape(answer.partition("=")[0].strip())
    if not (blank := re.search(rf"^{target} = \.\.\..*$", source, re.MULTILINE)):
        raise ValueError(f"no line {target} = ... in the exercise\n{source}")
    dots = blank[0]
    marked = ["# BEGIN SOLUTION NO PROMPT", answer, "# END SOLUTION"]
    prompt = ['""" # BEGIN PROMPT', dots, '""" # END PROMPT']
    return source.replace(dots, "\n".join(marked + prompt))


def raw(text):
    return nbformat.v4.new_raw_cell(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("notebook", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--for", dest="grader", choices=["nbgrader", "otter"], default="nbgrader")
    options = parser.parse_args()
    made = nbformat.read(options.notebook, as_version=4)
    count = sum("exercise" in cell.metadata.get("tags", []) for cell in made.cells)
    made = assignment(made, for_nbgrader if options.grader == "nbgrader" else for_otter)
    if options.grader == "otter":
        made.cells.insert(0, raw(f"# ASSIGNMENT CONFIG\nname: {options.notebook.stem}"))
    options.target.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(made, options.target)
    print(f"{options.target}: {count} exercises")


if __name__ == "__main__":
    main()
