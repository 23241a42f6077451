"""`check` accepts every equal form, names the mistake in a wrong one, and never raises at a
reader."""

import json
import re
import subprocess
import sys
from functools import wraps

import numpy as np
import pytest
from drawn import first_of_each
from sympy import (
    Derivative,
    Eq,
    Function,
    MatrixSymbol,
    Rational,
    Sum,
    cos,
    exp,
    log,
    sin,
    sqrt,
    symbols,
    tanh,
)

from derivations.definitions import Definition, Depends, Entries
from derivations.mistakes import Kind
from derivations.symbols import Gradient, Partial, as_written, indexed, sigmoid
from derivations.verify import prove
from exercises import check, credit, find_bug, predict, progress, solved
from exercises.check import Question
from exercises.find_bug import listed
from exercises.progress import FOLDED, OPEN, RIGHT, WRONG, book
from gradcheck import MISTAKES

n, d = symbols("n d", integer=True, positive=True)
i, j, k, m = symbols("i j k m", integer=True)
x, y, y_hat, w = indexed("x", n, d), indexed("y", n), indexed("y_hat", n), indexed("w", d)
u, J = indexed("u", n), symbols("J", real=True)
with as_written():
    given = [Definition(J, Sum((y_hat[i] - y[i])**2, (i, 1, n))/(2*n)),
             Definition(y_hat[i], Sum(w[j]*x[i, j], (j, 1, d)))]
question = Partial(J, w[k])


def feedback(answer, capsys):
    check(answer, question, given)
    return capsys.readouterr().out


@pytest.mark.parametrize("answer", [
    Sum((y_hat[i] - y[i])*x[i, k], (i, 1, n))/n,
    -Sum((y[m] - y_hat[m])*x[m, k], (m, 1, n))/n,
    Sum(x[i, k]*y_hat[i], (i, 1, n))/n - Sum(x[i, k]*y[i], (i, 1, n))/n,
    Sum(Sum(w[j]*x[i, j]*x[i, k], (i, 1, n)), (j, 1, d))/n - Sum(x[i, k]*y[i]/n, (i, 1, n)),
    Rational(1, 2)*Sum(2*(y_hat[i] - y[i])*x[i, k], (i, 1, n))/n,
])
def test_every_equal_form_is_accepted(answer, capsys):
    assert feedback(answer, capsys).startswith("Right")


@pytest.mark.parametrize("answer, mistake", [
    (-Sum((y_hat[i] - y[i])*x[i, k], (i, 1, n))/n, "sign"),
    (2*Sum((y_hat[i] - y[i])*x[i, k], (i, 1, n))/n, "factor 2"),
    (Sum((y_hat[i] - y[i])*x[i, k], (i, 1, n)), "factor n is too many"),
    (Sum((y_hat[i] - y[i])*x[k, i], (i, 1, n))/n, "transpose"),
])
def test_a_wrong_formula_gets_the_name_of_its_mistake(answer, mistake, capsys):
    shown = feedback(answer, capsys)
    assert shown.startswith("Not yet") and mistake in shown


NAMED = [*given, Definition(u[i], Partial(J, y_hat[i]))]


@pytest.mark.parametrize("low", [0, -1, -5])
@pytest.mark.parametrize("term", [(y_hat[i] - y[i])*x[i, k]/n, u[i]*x[i, k],
                                  Partial(J, y_hat[i])*Partial(y_hat[i], w[k])])
def test_a_sum_that_begins_before_the_array_is_not_right(term, low, capsys):
    for text in (False, True):
        answer = Sum(term, (i, low, n))
        check(str(answer) if text and not term.has(Partial) else answer, question, NAMED)
        told = capsys.readouterr().out.splitlines()[0]
        assert told == f"Not yet: the sum over i runs from {low} instead of 1."
    check(Sum(term, (i, 1, n)) + term.xreplace({i: low}), question, NAMED)
    assert "stands before the first entry" in capsys.readouterr().out


@pytest.mark.every(2)
@pytest.mark.parametrize("bend", [sigmoid, tanh])
def test_the_values_beside_a_wrong_answer_are_no_tiny_ones(bend, capsys):
    layer = [Definition(J, Sum((y_hat[i] - y[i])**2, (i, 1, n))),
             Definition(y_hat[i], bend(Sum(w[j]*x[i, j], (j, 1, d))))]
    slope = Sum(2*(y_hat[i] - y[i])*Partial(y_hat[i], w[k]), (i, 1, n))
    check(3*slope, question, layer)
    values = re.search(r"yours (\S+), right (\S+), ratio 3\n", capsys.readouterr().out)
    assert all(1e-3 <= abs(float(value)) <= 1e3 for value in values.groups())


def test_a_derivative_still_to_be_taken_is_no_answer(capsys):
    assert "Still to be taken: ∂J/∂w_k" in feedback(question, capsys)


def test_a_forgotten_input_is_named(capsys):
    assert "the factor x_ik is missing" in feedback(Sum(y_hat[i] - y[i], (i, 1, n))/n, capsys)


def test_a_sum_in_two_parts_is_not_called_senseless(capsys):
    parts = Sum((y_hat[i] - y[i])*x[i, k], (i, 1, n - 1))/n + (y_hat[n] - y[n])*x[n, k]/n
    assert "makes no sense" not in feedback(parts, capsys)


def test_a_line_on_the_way_is_right_so_far_and_says_which(capsys):
    on_the_way = Sum((y_hat[i] - y[i])*Partial(y_hat[i], w[k]), (i, 1, n))/n
    assert feedback(on_the_way,
                    capsys).startswith(
                        "Right so far: you stand in line 1 of 3. Still to be taken: ∂ŷ_i/∂w_k.")


def test_asked_again_it_gives_the_next_hint(capsys, monkeypatch):
    book.clear()
    wrong = -Sum((y_hat[i] - y[i])*x[i, k], (i, 1, n))/n
    said = [feedback(wrong, capsys) for _ in range(5)]
    assert [text.count("  hint ") for text in said] == [0, 1, 2, 3, 3] and FOLDED in said[-1]
    assert "hint" in said[0] and feedback(2*wrong, capsys).count("  hint ") == 0


@pytest.mark.parametrize("answer, told", [
    (lambda X, y, y_hat: X.T @ (y_hat - y)/len(y), "Right"),
    (lambda X, y, y_hat: X.T @ (y_hat - y), "a factor n is too many"),
    (lambda X, y: y, "returns shape (3,), expected (4,)"), (lambda X, t: X, "a parameter t"),
    (lambda X, y: X @ y, "stops with ValueError"),
])
def test_a_numpy_function_is_an_answer_too(answer, told, capsys):
    assert told in feedback(answer, capsys)


@pytest.mark.parametrize("answer, told", [
    (symbols("t")*w[k], "the name t is not known; it knows"),
    (symbols("J")*w[k], "another symbol of the same name"),
    (indexed("y_hat", n, d)[i, k], "has shape (n, d), that of the exercise (n,)"),
    (0.3333333333*w[k], "is a rounded number"),
    (0, "is not 0 everywhere"), (y[i] - y[m], "the index i is left over"),
    (Sum(y[i] - y[m], (i, 1, n), (m, 1, n)), "is not 0 everywhere"),
    (lambda X, w: 0*w, "is not 0 everywhere"),
    (Sum((y_hat[i] - y[i])*x[i, k], (i, 1, n))*5/n, "the factor 5 is one too many"),
    ((y_hat[m] - y[m])*x[m, k], "the loss of one sample"),
    (Eq(J, w[k]), "  yours   w_k"),
    (MatrixSymbol("w", d, 1), "it asks for one number, your formula is a matrix of shape (d, 1)"),
    (Function("f")(w[k]), "f is a Function of SymPy's own: use a function of the notebook"),
    (lambda X: None, "your function returns nothing: end it with `return` and the result"),
    (lambda X: X*np.nan, "your function returns values that are not finite"),
])
def test_every_other_answer_gets_a_precise_message(answer, told, capsys):
    assert told in feedback(answer, capsys)


@pytest.mark.parametrize("right, wrong", [
    ("a1[1]*Sum(W2[k, 1]*delta2[k], (k, 1, 2))", "a1[1]*Sum(W2[1, k]*delta2[k], (k, 1, 2))"),
    ("a1_1 (W2_11 delta2_1 + W2_21 delta2_2)", "W2_11 a1_1 (delta2_1 + delta2_2)"),
    ("a^(1)_1 Σ_k w^(2)_k1 delta2_k", "Σ_k w^(2)_k1 delta2_k"),
])
def test_a_text_may_name_what_python_names(right, wrong, capsys):
    a1, z2, delta2 = indexed("a^(1)", 2), indexed("z^(2)", 2), indexed("delta^(2)", 2)
    W2, C = indexed("w^(2)", 2, 2), symbols("C", real=True)
    scale = symbols("s", real=True)
    layer = [Depends(C, z2[k], (k, 1, 2)), Definition(delta2[k], Partial(C, z2[k])),
             Definition(z2[k], Sum(W2[k, j]*a1[j]*scale, (j, 1, 2)))]
    for answer, state in ((right, "Right"), (wrong, "Not yet")):
        check(answer, a1[1]*Partial(C, a1[1])/scale, layer, number="spelled")
        assert capsys.readouterr().out.startswith(state), answer
    check("delat2[1]", Partial(C, a1[1]), layer, number="spelled")
    assert "did you mean delta2?" in capsys.readouterr().out


def test_an_array_of_entries_says_what_to_write_instead_of_a_transpose():
    W1, x1 = indexed("w^(1)", 2, 2), indexed("x", 2)
    with pytest.raises(AttributeError, match=r"w\^\(1\) stands for its entries.* lambda W, delta"):
        W1.T  # noqa: B018
    for product in (lambda: W1 @ x1, lambda: np.eye(2) @ W1, lambda: W1 @ np.eye(2)):
        with pytest.raises(TypeError, match="stands for its entries.*lambda W, x: W @ x"):
            product()


def test_what_is_neither_proved_nor_refuted_is_judged_by_numbers(capsys):
    a, b = symbols("a b", real=True)
    for answer, told in ((2*sin(a/2)*cos(a/2)/2, "Right, as far as 16 sample points can tell"),
                         (2*sin(a/2)*cos(a/2), "a factor 2 is too many")):
        check(answer, Partial(-cos(a)/2 + b, a))
        assert told in capsys.readouterr().out


CELL = """
first, second = ..., ...
check(first, Partial(a**2, a), number="1 a")
print("NEXT")
check(second, Partial(a**3, a), number="1 b")
"""


# what stands in the two blanks, and how many hints they then show
RUNS = [
    [(("...", "..."), (0, 0)), (("...", "..."), (1, 0)), (("...", "..."), (1, 0))],
    [(("...", "..."), (0, 0)), (("a", "..."), (0, 0)), (("3*a", "..."), (0, 0)),
     (("3*a", "..."), (1, 0))],
    [(("3*a", "..."), (0, 0)), (("2*a", "..."), (0, 0)), (("2*a", "..."), (0, 1))],
    [(("a", "a"), (0, 0)), (("3*a", "a"), (0, 0)), (("3*a", "a"), (1, 1))],
]


@pytest.mark.again
@pytest.mark.parametrize("history", [True, False])
def test_an_untouched_blank_uses_up_no_hint(history):
    """In a shell as a notebook has it, the cell is edited and run, or run again as it stands; also
    in a kernel that does not keep what was typed."""
    code = ["from IPython.core.interactiveshell import InteractiveShell",
            "shell = InteractiveShell.instance()",
            "shell.run_cell('from sympy import Symbol; from exercises import check')",
            "shell.run_cell('from exercises.progress import book')",
            "shell.run_cell('from derivations import Partial; a = Symbol(\"a\", real=True)')"]
    for runs in RUNS:
        cells = [CELL.replace("..., ...", ", ".join(blanks)) for blanks, _ in runs]
        code += ["shell.run_cell('book.clear()')",
                 *(f"print('RUN'); shell.run_cell({cell!r}, store_history={history})"
                   for cell in cells)]
    shown = subprocess.run([sys.executable, "-c", "\n".join(code)], capture_output=True, text=True,
                           check=True, timeout=60).stdout
    found = [tuple(part.count("  hint ") for part in run.split("NEXT"))
             for run in shown.split("RUN")[1:]]
    assert found == [told for runs in RUNS for _, told in runs], shown


def test_a_hint_to_a_second_derivative_is_the_slope_of_the_first():
    u, c, lam, alpha = symbols("u c lambda alpha", real=True)
    with as_written():
        bowl = Definition(J, lam*u**2/2 + alpha*(u + c)**2/2)
    asked = Question(2/Partial(Partial(J, u), u), (bowl,))
    assert asked.lines() == [
        "the derivation, line 1: 2/(∂²J/∂u²) = 2/(∂/∂u (α (c + u) + λ u))"]
    assert asked.reply_to(2/(alpha + lam)).state == RIGHT
    half = asked.reply_to(2/Partial(lam*u + alpha*(u + c), u))
    assert half.half and half.text.startswith("Right so far: you stand in line 1 of 2")


def test_a_short_decimal_is_exact(capsys):
    assert "Right" in feedback(0.5*Sum(2*(y_hat[i] - y[i])*x[i, k], (i, 1, n))/n, capsys)


@pytest.mark.parametrize("said, truth, told", [
    (0.5, lambda: 0.5, "Right"), (0.25, lambda: 0.5, "Not as predicted. Half."),
    ("a half", lambda: 0.5, "a number is asked for"), ("4", lambda: 4, "You said 4, and so it is."),
    (" 0.0414", lambda: 0.0414, "Right"), ("4", lambda: 5, "You said 4; it is 5."),
    (("1", 2), lambda: (1, 2), "Right"), ("4e-1", lambda: 0.4, "Right"),
    ("nan", lambda: 0.5, "a number is asked for"), ("", lambda: 0.5, "a number is asked for"),
    ((1, 2), lambda: (1, 2), "Right"), ((1,), lambda: (1, 2), "2 values are asked for"),
    ("W[1],b[2]", lambda: {"b[2]", "W[1]"}, "Right"),
    ("W[1]", lambda: {"b[2]", "W[1]"}, "Not as predicted"),
    ("W[1],b[1],b[2]", lambda: {"b[2]", "W[1]"}, "Not as predicted"),
    (True, lambda: True, "Right"), ("yes", lambda: True, "True or False"),
])
def test_a_prediction_is_compared_with_the_truth(said, truth, told, capsys):
    predict(said, truth, number="p", slips={0.25: "half"})
    assert told in capsys.readouterr().out


@pytest.mark.parametrize("first", [3, 5])
def test_the_first_prediction_is_kept(first, capsys):
    book.clear()
    for said in (first, 4):
        predict(said, lambda: 4, number="p")
    assert f"(Your first prediction was {first}.)" in capsys.readouterr().out


def test_a_word_that_is_no_choice_gets_the_one_that_is_like_it(capsys):
    predict("hihger", lambda: "higher", number="q", choices=("higher", "lower"))
    assert "did you mean 'higher'?" in capsys.readouterr().out


def test_progress_lists_what_is_solved_and_keeps_it_only_if_asked(capsys, monkeypatch, tmp_path):
    book.clear()
    predict(4, lambda: 4, number="1.2")
    predict(..., lambda: 4, number="1.3")
    progress()
    assert capsys.readouterr().out.endswith(
        "1.2   predict        solved\n1.3   predict        not answered yet\n1 of 2 solved.\n")
    assert solved("1.2") and not solved("1.3") and not list(tmp_path.iterdir())
    progress(keep=tmp_path / "solved.json")
    book.clear()
    progress(keep=tmp_path / "solved.json")
    assert "1.2   predict        solved" in capsys.readouterr().out


# Two layers of two, as in the article of notebook 03: every index is a number, so no size protects
# a slip ------------------

L, target, out = symbols("L y y_hat", real=True)
x_in = indexed("x", 2)
(b_1, z_1, a_1), (b_2, z_2,
                  a_2) = [[indexed(f"{name}^({layer})", 2) for name in "bza"] for layer in (1, 2)]
w_1, w_2, w_3 = [indexed(f"w^({layer})", *shape) for layer,
                 shape in ((1, (2, 2)), (2, (2, 2)), (3, (1, 2)))]
with as_written():
    network = [Definition(z_1[j], Sum(w_1[j, k]*x_in[k], (k, 1, 2)) + b_1[j]),
               Definition(a_1[j], sigmoid(z_1[j])),
               Definition(z_2[j], Sum(w_2[j, k]*a_1[k], (k, 1, 2)) + b_2[j]),
               Definition(a_2[j], sigmoid(z_2[j])),
               Definition(out, Sum(w_3[1, j]*a_2[j], (j, 1, 2))),
               Definition(L, (out - target)**2/2)]
second = Question(Partial(L, w_2[1, 2]), network)
first = Question(Partial(L, w_1[1, 2]), network)
slope_2 = a_2[1]*(1 - a_2[1])


@pytest.mark.parametrize("slip, told, kind", first_of_each(lambda case: case[2], [
    ((out - target)*w_3[1, 2]*a_2[2]*(1 - a_2[2])*a_1[1], "as if to and from were swapped",
     Kind.INDEX),
    ((out - target)*w_3[1, 1]*slope_2*a_2[2], "the wrong layer: a^(2) stands where a^(1) is meant",
     Kind.INDEX),
    ((out - target)*w_3[1, 2]*slope_2*a_1[2], "an index is wrong: w^(3)_12 for w^(3)_11",
     Kind.INDEX),
    ((out - target)*w_2[1, 1]*slope_2*a_1[2], "w^(2) stands where w^(3) is meant", Kind.NAME),
    ((out - target)*w_3[1, 1]*sigmoid(a_2[1])*(1 - sigmoid(a_2[1]))*a_1[2],
     "is taken at a^(2)_j instead of z^(2)_j", Kind.ARGUMENT),
    ((out - target)*w_3[1, 1]*slope_2*a_1[j], "the index j is left over, no sum runs over it",
     Kind.SUM),
    ((out - target)*w_3[1, 1]*slope_2*a_1[2]**2, "a^(1)_2 is squared: an upper index counts layers",
     Kind.POWER),
]))
def test_each_slip_with_an_index_in_the_network_of_an_article_is_named(slip, told, kind):
    reply = second.reply_to(second.formula(slip))
    assert reply.state == WRONG and told in reply.text.splitlines()[0]
    assert reply.hints()[0] == kind.value


def test_a_hint_gives_no_bound_letter_twice():
    """A sum inside a sum, or beside a free letter, runs over a letter of its own."""
    asked = [first, second, Question(question, tuple(given))]
    assert any(len(line.atoms(Sum)) > 1 for one in asked for line in one.by_hand)
    assert not any(clashes(line, one.asked.free_symbols) for one in asked for line in one.by_hand)
    inner = Sum(w[j], (j, 1, d))
    assert clashes(Sum(inner*w[j], (j, 1, d)), set())  # the judge of this test does find a clash


def clashes(expr, taken):
    if isinstance(expr, Sum):
        own = {index for index, *_ in expr.limits}
        return bool(own & taken) or clashes(expr.function, taken | own)
    return any(clashes(part, taken) for part in expr.args)


def test_the_lines_of_a_hint_keep_the_numbers_of_the_question():
    """Of w_12 the one index says which neuron, the other which input: they stand in the last hint
    as numbers."""
    *_, last = first.lines()
    assert last.startswith(f"the derivation, line {len(first.by_hand) - 1}: ∂L/∂w^(1)_12 = ")
    assert "x_2" in last and "w^(2)_j1" in last
    assert all(prove(first.question, line, network) for line in first.by_hand)


@pytest.mark.parametrize("variable, left", [(b_1[1], 1), (w_1[1, 2], x_in[2])])
def test_a_slope_of_the_logistic_function_left_out_is_named_as_a_whole(variable, left):
    """Both of its factors at once, not one of them."""
    asked = Question(Partial(out, variable), (Definition(out, a_1[1]), *network[:2]))
    first_line = asked.reply_to(asked.formula(left + 0*a_1[1])).text.splitlines()[0]
    assert first_line == "Not yet: the slope of σ(z^(1)_1) is left out."


def test_a_factor_that_counts_the_samples_is_told_with_the_size(capsys):
    given_sum = [Definition(J, Sum((y_hat[i] - y[i])**2, (i, 1, n))), given[1]]
    check(Sum((y_hat[i] - y[i])*x[i, k], (i, 1, n))/n, question, given_sum)
    assert "it is 1/(2 n) times the right one, everywhere" in capsys.readouterr().out


def test_a_formula_in_one_line_is_not_called_the_last_of_one(capsys):
    h, c = symbols("h c", positive=True)
    check(lambda c, h: 2*c*h, Partial(c*h**2, h))
    assert "of 1 line" not in capsys.readouterr().out


def test_one_number_is_asked_for_in_words(capsys):
    check(lambda x: x, Partial(L, x_in[1]), [Depends(L, x_in[j], (j, 1, 2))])
    assert "returns shape (2,), expected one number" in capsys.readouterr().out


def test_the_number_of_a_line_may_stand_in_quotes(capsys):
    find_bug(doubled, "2", "factor", lambda f: f(3) == 3, number="q")
    assert capsys.readouterr().out.startswith("Right")


def doubled(value):
    return 2*value


def test_no_answer_is_no_error(capsys):
    assert "No answer yet" in feedback(..., capsys)


@pytest.mark.parametrize("nonsense", ["w +", object(), [1, 2]])
def test_what_is_no_formula_gets_a_message_and_no_traceback(nonsense, capsys):
    assert "cannot be compared" in feedback(nonsense, capsys)


@pytest.mark.parametrize("text, told", [
    ("X.T*(X*w - y)/n", "Right"), (r"\frac1n\mathbf X^\top(\mathbf X\mathbf w-\mathbf y)", "Right"),
    ("X^T (X w - y)", "a factor n is too many"),
    ("X (X w - y)/n", "X (n × d) times X*w - y (n × 1) does not fit"),
])
def test_matrices_may_be_typed(text, told, capsys):
    X, W, Y = (MatrixSymbol(name, *shape) for name,
               *shape in (("X", n, d), ("w", d, 1), ("y", n, 1)))
    entries = indexed("X", n, d)
    with as_written():
        cost = Definition(J, Sum((Sum(w[j]*entries[i, j], (j, 1, d)) - y[i])**2, (i, 1, n))/(2*n))
    check(text, Gradient(J, W), [cost, Entries(X, entries), Entries(W, w), Entries(Y, y)])
    assert told in capsys.readouterr().out


def test_text_is_not_evaluated(capsys):
    assert "cannot be compared" in feedback("__import__('os').getcwd()", capsys)


# What is kept between two answers
# -----------------------------------------------------------------------------------------


@pytest.fixture
def said(capsys, monkeypatch):
    """What is printed since it was last asked, by exercises that have not been run before."""
    book.clear()
    return lambda: capsys.readouterr().out


t = symbols("t", real=True)
square = Partial(t**2, t)


def test_hints_are_numbered_from_1_and_the_last_one_says_that_it_is_the_last(said):
    for asked in range(4):
        check(-Sum((y_hat[i] - y[i])*x[i, k], (i, 1, n))/n, question, given)
        lines = said().splitlines()
        assert ([line[:15] for line in lines if "  hint" in line]
                == [f"  hint {p} of 3: " for p in range(1, asked + 1)])
        assert f"  hint 1 of 3: {Kind.SIGN.value}" in lines or not asked
        assert lines[-1] == ("Run the cell again for a hint." if not asked else FOLDED if asked == 3
                             else "Run the cell again for the next hint.")


def test_what_is_right_so_far_is_not_solved_and_what_is_finished_is(said):
    check(Sum((y_hat[i] - y[i])*Partial(y_hat[i], w[k]), (i, 1, n))/n, question, given,
          number="1.1")
    assert not solved("1.1") and credit("1.1") == 0.5
    check(Sum((y_hat[i] - y[i])*x[i, k], (i, 1, n))/n, question, given, number="1.1")
    assert solved("1.1") and credit("1.1") == 1 and credit("1.2") == 0
    check(-2*t, square, number="1.1")
    assert solved("1.1") and not solved("1.2")    # solved once is solved


def test_an_exercise_without_a_number_goes_by_the_name_of_what_it_asks_for(said):
    check(2*t, square)
    check(t, square, number="1.1")
    predict(3, lambda: 3)
    find_bug(doubled, ..., ..., lambda f: f(3) == 3)
    find_bug(doubled, 2, "factor", lambda f: f(3) == 3, number="1.2")
    said()
    progress()
    assert said().splitlines() == ["∂/∂t (t²) derive         solved",
                                   "1.1   derive         not yet",
                                   "a prediction predict        solved",
                                   "doubled find the bug   not answered yet",
                                   "1.2   find the bug   solved", "3 of 5 solved."]


def test_progress_lists_what_another_session_solved_by_number(said, tmp_path):
    file = tmp_path / "solved.json"
    names = ["1.10", "1.2", "0.1", "w_12", "0.2", "2.1"]
    file.write_text(json.dumps([["derive", name] for name in names]), encoding="utf-8")
    predict(4, lambda: 4, number="1.3")
    predict(..., lambda: 4, number="2.1")
    said()
    progress(keep=file)
    in_order = [f"{name:<5} derive         solved" for name in names]
    assert said().splitlines() == [*in_order, "1.3   predict        solved",
                                   "2.1   predict        not answered yet",
                                   "7 of 8 solved."]
    assert {name for _, name in json.loads(file.read_text(encoding="utf-8"))} == {*names, "1.3"}


@pytest.mark.parametrize("content", ["", "my notes", "3", "{}", '{"ab": 1}', "[3]", '["ab"]',
                                     '[["a"]]', '[["a", 1.2]]'])
def test_a_file_that_does_not_hold_progress_is_refused_and_left_as_it_is(content, said, tmp_path):
    file = tmp_path / "mine.json"
    file.write_text(content, encoding="utf-8")
    predict(4, lambda: 4, number="1.3")
    with pytest.raises(ValueError, match="mine.json does not hold what progress has written"):
        progress(keep=file)
    assert file.read_text(encoding="utf-8") == content


def test_without_any_exercise_there_is_no_progress(said):
    progress()
    assert said() == "No exercise has been run yet.\n"


# Answers that are hard to read
# --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("faulty, told", [
    ([given[0], given[0]], "J is defined twice"),
    ([3], "given= takes Definition, Depends, Entries, Assume, Index and Independent, got 3"),
    ([Definition(J, Derivative(w[1]**2, w[1]))],
     "Derivative has no rule here: write Partial, Sum and entries such as w[k] instead"),
])
def test_a_fault_of_the_exercise_is_not_laid_on_the_reader(faulty, told, said):
    check(w[k], question, faulty, number="1.1")
    assert said() == f"This exercise has a fault of its own: {told}\n"
    assert book["derive", "1.1"].state == OPEN


def test_a_function_without_source_is_an_answer_too(said):
    for told in (0, 1):
        check(eval("lambda t: 3*t"), square)
        assert said().count("  hint ") == told
    check(eval("lambda t: 2*t"), square, number="1.1")
    assert said().startswith("Right")
    # its source would be that of a built-in function
    check(wraps(len)(lambda t: 2*t), square, number="1.2")
    assert said().startswith(
        "This cannot be compared with ∂/∂t (t²): your function has a parameter obj")


# Predictions
# --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value, shown", [
    (3, "3"), (1/3, "0.333333"), (Rational(1, 3), "1/3"), (np.float32(0.5), "0.5"), (True, "True"),
    (np.False_, "False"), ("up", "up"), (set(), "none"), ({"b[1]", "W[1]"}, "W[1], b[1]"),
    ((1, 2.5), "(1, 2.5)"),
    (np.array([1, 2]), "(1, 2)"), (np.array(3), "3"), ((np.array(1.5), True), "(1.5, True)"),
])
def test_a_right_prediction_is_repeated_as_it_was_meant(value, shown, said):
    predict(value, lambda: value, number="p")
    assert said() == f"You said {shown}, and so it is. Right.\n"


@pytest.mark.parametrize("value, truth, shown, true", [
    (Rational(1, 3), Rational(1, 2), "1/3", "1/2"), ({"a"}, set(), "a", "none"),
    (np.True_, False, "True", "False"),
    (2, 1/3, "2", "0.333333"), ("up", "down", "up", "down"), ((1, 2), (1, 3), "(1, 2)", "(1, 3)"),
])
def test_beside_a_wrong_prediction_stands_the_truth(value, truth, shown, true, said):
    predict(value, lambda: truth, number="p")
    assert said().startswith(
        f"You said {shown}; it is {true}. Not as predicted. What did you not expect?")


@pytest.mark.parametrize("value, truth, within, agree", [
    (0.5000002, 0.5, {}, True), (0.500001, 0.5, {}, False), (1000.0005, 1000, {}, True),
    (1000.005, 1000, {}, False),
    (-1000.0005, -1000, {}, True), (1e-9, 2e-9, {}, False), (0.001, 0, {}, False), (0, 0, {}, True),
    (-0.5, 0.5, {}, False),
    (2, 1, {"within": 0.5}, True), (2.001, 1, {"within": 0.5}, False),
])
def test_two_numbers_agree_up_to_a_relative_distance(value, truth, within, agree, said):
    predict(value, lambda: truth, number="p", **within)
    assert said().endswith("Right.\n") == agree and solved("p") == agree


@pytest.mark.parametrize("value, truth, told", [
    (10**400, 3, "a number is asked for"),
    (np.array(3), (1, 2), "2 values are asked for, as in (…, …), got 3"),
    (3, {"a"}, "several names are asked for"), ((1, "a"), (1, 2), "a number is asked for, got 'a'"),
    (float("inf"), 3, "a number is asked for, got inf"),
    (float("nan"), 3, "a number is asked for, got nan"),
    (-np.inf, np.inf, "a number is asked for, got -inf"),
    ((1, np.inf), (1, 2), "a number is asked for, got inf"),
    (1j, 3, "a number is asked for, got 1j"), (3, "up", "a word in quotes is asked for, got 3"),
])
def test_a_prediction_of_another_kind_gets_a_message_and_no_traceback(value, truth, told, said):
    predict(value, lambda: truth, number="p")
    assert (said().startswith("This is no prediction that can be compared: " + told)
            and not solved("p"))


def test_names_may_have_blanks_in_them(said):
    predict("batch size,  eta", lambda: {"eta", "batch size"}, number="p")
    assert solved("p")


def test_before_a_prediction_the_choices_are_named_and_nothing_else(said):
    predict(..., lambda: 1/0, number="p", choices=("up", "down"))
    predict(None, lambda: 1/0, number="q")
    then = "in place of the dots; then run the cell again to see what happens."
    assert (said()
            == f"No prediction yet. Put one of 'up', 'down' {then}\nNo prediction yet. Put what "
               f"you expect {then}\n")


def test_a_slip_that_cannot_be_compared_is_passed_over(said):
    predict(0.25, lambda: 0.5, number="p", slips={"a half": "a word.", 0.25: "A quarter."})
    assert said() == "You said 0.25; it is 0.5. Not as predicted. A quarter.\n"


# Bugs
# --------------------------------------------------------------------------------------------------


def beyond(values):
    count = len(values)
    place = count
    found = values[place]
    result = found
    return result


def turned(values):
    top = max(values)
    low = min(values)
    return -(top - low)


def twice(value):
    half = 2*value
    again = half
    return 2*again


def hopeless(value):
    return value


BUGS = {beyond: lambda f: f([3, 4, 5]) == 5, turned: lambda f: f([1, 4, 2]) == 3,
        twice: lambda f: f(3) == 6,
        hopeless: lambda f: False}


@pytest.mark.parametrize("program, hints", [
    (beyond, ["the check says\n    IndexError: list index out of range",
              "the fault is in one of the lines 3 to 5",
              "it is line 4: found = values[place]"]),
    (turned, ["the check says\n    False", "the fault is in one of the lines 3 to 4",
              "it is line 4: return -(top - low)"]),
    (twice, ["the check says\n    False", "the fault is in one of the lines 2 to 4",
             "it is line 2: half = 2*value"]),
    (hopeless, ["the check says\n    False"]),
])
def test_hints_go_from_the_check_by_way_of_the_neighbours_to_the_line(program, hints, said):
    """Where several lines can heal a program, the range holds them all, and the first is named."""
    for asked in range(len(hints) + 1):
        find_bug(program, 2, "mask", BUGS[program])
        numbered = [f"  hint {p} of {len(hints)}: {hint}" for p,
                    hint in enumerate(hints[:asked], 1)]
        told = said().rstrip("\n").split("\n", 1)[1]
        assert told.rpartition("\n")[0] == "\n".join(numbered)


@pytest.mark.parametrize("line, cause, told", [
    (4, "mask", 'Line 4 is the right line, but undoing "mask" in it does not heal the program.'),
    (2, "index",
     "The cause is right, but it sits in another line than line 2: count = len(values)"),
    (3, "mask", 'Undoing "mask" in line 3 (place = count) does not make the check pass.'),
])
def test_the_right_half_of_a_wrong_answer_is_acknowledged(line, cause, told, said):
    find_bug(beyond, line, cause, BUGS[beyond])
    assert said().splitlines()[0] == "Not yet. " + told


def test_a_found_bug_is_shown_as_it_was_and_as_it_is_healed(said):
    find_bug(doubled, 2, "factor", lambda f: f(3) == 3)
    assert said() == (
        "Right. There is a factor too many, or a wrong one; with that undone in line 2, the check "
        "passes:\n"
                      "    was  return 2*value\n    now  return value\n")


@pytest.mark.parametrize("line, cause", [(..., "factor"), (2, ...), (None, "factor"), (2, None)])
def test_half_an_answer_to_a_bug_is_no_answer_yet(line, cause, said):
    find_bug(doubled, line, cause, lambda f: f(3) == 3)
    first, last = said().splitlines()
    assert first.startswith("No answer yet.") and first.endswith(f"words: {', '.join(MISTAKES)}.")
    assert last == "Run the cell again for a hint."
    find_bug(doubled, line, cause, lambda f: f(3) == 3)
    assert f"  hint 1 of 2: the causes\n{listed()}\n" in said()


@pytest.mark.parametrize("line, cause, told", [
    (2, "facto", "'facto' is none of the causes"),
    (7, "factor", "doubled has the lines 1 to 2; 7 is the number or the text of none of them"),
    ("retrun", "factor", "doubled has the lines 1 to 2; 'retrun' is the number or the text of"),
])
def test_a_line_or_a_cause_that_is_none_gets_a_message_and_no_traceback(line, cause, told, said):
    find_bug(doubled, line, cause, lambda f: f(3) == 3)
    assert said().startswith(f"This cannot be tried: {told}")


@pytest.mark.parametrize("truth", [sigmoid(t), exp(2*t), 2**t, t**t, log(t), sqrt(t)], ids=str)
def test_a_wrong_answer_whose_values_are_no_fractions_is_compared_all_the_same(truth, capsys):
    check(7*t + 5, Partial(J, t), [Definition(J, truth)], number=str(truth))
    assert re.search(r"Not yet: .*\n  yours   5 \+ 7 t\n  at .*\n  values  yours .*, right .*",
                     capsys.readouterr().out)
