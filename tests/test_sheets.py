"""The sheets for paper hold every exercise of the notebooks, and only the answer sheet holds an
answer.
"""

import json
from pathlib import Path

import pytest
import site_sheets

NOTEBOOKS = sorted((Path(__file__).resolve().parent.parent / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_exercise_has_its_question_and_its_answer(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    exercises = site_sheets.exercises_of(cells)
    assert len(exercises) == sum("exercise" in cell["metadata"].get("tags", []) for cell in cells)
    for exercise in exercises:
        assert exercise.question.startswith("**") and "</details>" not in exercise.question
        assert exercise.answer and "details>" not in exercise.answer
        assert "check(" not in exercise.program and "find_bug(" not in exercise.program


def test_a_program_is_shown_and_what_makes_the_check_is_not():
    functions = "def f(x):\n    return -x\n\ndef passes(p):\n    return True\n\n"
    code = f"{functions}line, cause = ..., ...\nfind_bug(f)"
    assert site_sheets.program(code) == "def f(x):\n    return -x"
    assert site_sheets.program("answer = ...  # a number\ncheck(answer)") == ""
    assert site_sheets.program("def f():\n    return 1\n\nguess = ...\npredict(guess, f)") == ""
    blanks = "my_dy = ...   # first\nmy_dz = ...   # then"
    assert site_sheets.program(f"{blanks}\ncheck(my_dy)") == blanks


def test_only_the_answer_sheet_holds_answers_and_markup_of_a_question_is_escaped():
    exercise = site_sheets.Exercise("**1.** a", "if a < b: pass", "the answer")
    given, answered = (site_sheets.sheet("T & U", [exercise], str, kind) for kind in (False, True))
    assert "the answer" not in given and 'class="room"' in given
    assert "the answer" in answered and 'class="room"' not in answered
    assert "T &amp; U" in given and "a &lt; b" in given
