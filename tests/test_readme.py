"""What the README shows is what the engine says today."""

import re
from pathlib import Path

import pytest
from sympy import Sum, Symbol
from vocabulary import b, d, i, j, k, n, w, x, y, y_hat

import derivations.__main__ as terminal
from derivations.definitions import Definition
from derivations.derivation import Derivation
from derivations.errors import FalseLine
from derivations.symbols import Partial, as_written
from exercises import check

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(python)?\n(.*?)```", README, re.DOTALL)


def shown(words):
    """The one block of the README that has these words."""
    (block,) = [text for _, text in BLOCKS if words in text]
    return block


def test_the_refusal_in_the_readme_is_the_one_of_the_engine():
    J = Symbol("J", real=True)
    with as_written():
        given = [Definition(y_hat[i], Sum(w[j]*x[i, j], (j, 1, d)) + b),
                 Definition(J, Sum((y_hat[i] - y[i])**2, (i, 1, n))/(2*n))]
    dJ_dw = Derivation(Partial(J, w[k]), given=given, number="1.4")
    with pytest.raises(FalseLine) as refusal, dJ_dw:
        inner = Partial(y_hat[i] - y[i], w[k])
        dJ_dw.step(Sum(2*(y_hat[i] - y[i])*inner, (i, 1, n))/(2*n), "power rule, chain rule")
        dJ_dw.step(Sum((y_hat[i] - y[i])*Partial(y_hat[i], w[k]), (i, 1, n))/n, "the 2 meets the ½")
        dJ_dw.step(Sum((y[i] - y_hat[i])*x[i, k], (i, 1, n))/n, "a lost sign")
    said = str(refusal.value).splitlines()
    assert [line for line in shown("is false").strip().splitlines() if line not in said] == []


def test_the_ten_lines_of_the_readme_prove_what_it_says(capsys):
    lines = shown("from derivations import Definition, Derivation")
    assert len([line for line in lines.splitlines() if line.strip()]) <= 10
    exec(lines, {})  # the README's own words, as a reader would paste them
    assert capsys.readouterr().out == shown("(1) ∂J/∂w")


def test_the_exercise_in_the_readme_answers_what_the_readme_says(capsys):
    J = Symbol("J", real=True)
    with as_written():
        given = [Definition(y_hat[i], Sum(w[j]*x[i, j], (j, 1, d))),
                 Definition(J, Sum((y_hat[i] - y[i])**2, (i, 1, n)))]
    names = {"Sum": Sum, "y_hat": y_hat, "y": y, "x": x, "i": i, "k": k, "n": n}
    typed = re.findall(r"answer = ([^\n`]+)", README)
    for answer, first_words in zip(typed, ["Not yet", "Right"], strict=True):
        check(eval(answer, names), Partial(J, w[k]), given=given, number="README")
        assert capsys.readouterr().out == shown(f"{first_words}: ")


def test_the_terminal_shows_the_same_derivation(capsys):
    terminal.main()
    assert shown("(1) ∂J/∂w") in capsys.readouterr().out


def test_a_slip_in_the_ten_lines_would_be_refused():
    with pytest.raises(FalseLine):
        lines = shown("from derivations import Definition, Derivation")
        exec(lines.replace("+ lam*w,", "+ 2*lam*w,"), {})


def test_the_table_lists_every_notebook_in_order():
    listed = re.findall(r"^\| \[[^\]]+\]\(notebooks/([^)]+)\)", README, re.MULTILINE)
    assert listed == sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb"))


def test_each_verb_that_the_documents_name_is_in_the_makefile():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    verbs = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    documents = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]
    text = "\n".join(path.read_text(encoding="utf-8") for path in documents)
    named = set(re.findall(r"(?:`|^ {4})make ([a-z-]+)", text, re.MULTILINE))
    assert named >= {"lab", "test"} and named - verbs == set()
