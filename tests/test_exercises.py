"""`check` accepts every equal form, names the mistake in a wrong one, and never raises at a reader."""

import pytest
from sympy import Rational, Sum, symbols

from helpers import exercises
from helpers.exercises import check
from helpers.expressions import Definition, Depends, Partial, as_written, indexed, sigmoid
from helpers.judge import HINTS, question_of

n, d = symbols("n d", integer=True, positive=True)
i, j, k, m = symbols("i j k m", integer=True)
x, y, y_hat, w = indexed("x", n, d), indexed("y", n), indexed("y_hat", n), indexed("w", d)
J = symbols("J", real=True)
with as_written():
    given = [Definition(J, Sum((y_hat[i] - y[i])**2, (i, 1, n))/(2*n)), Definition(y_hat[i], Sum(w[j]*x[i, j], (j, 1, d)))]
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


def test_a_derivative_still_to_be_taken_is_no_answer(capsys):
    assert "Still to be taken: ∂J/∂w_k" in feedback(question, capsys)


def test_a_forgotten_input_is_named(capsys):
    assert "the factor x_ik is missing" in feedback(Sum(y_hat[i] - y[i], (i, 1, n))/n, capsys)


def test_a_sum_in_two_parts_is_not_called_senseless(capsys):
    parts = Sum((y_hat[i] - y[i])*x[i, k], (i, 1, n - 1))/n + (y_hat[n] - y[n])*x[n, k]/n
    assert "makes no sense" not in feedback(parts, capsys)


def test_a_line_on_the_way_is_right_so_far_and_says_which(capsys):
    on_the_way = Sum((y_hat[i] - y[i])*Partial(y_hat[i], w[k]), (i, 1, n))/n
    assert feedback(on_the_way, capsys).startswith("Right so far: you stand in line 1 of 3. Still to be taken: ∂ŷ_i/∂w_k.")


def test_asked_again_it_gives_the_next_hint(capsys, monkeypatch):
    monkeypatch.setattr(exercises, "book", exercises.Book())
    wrong = -Sum((y_hat[i] - y[i])*x[i, k], (i, 1, n))/n
    said = [feedback(wrong, capsys) for _ in range(5)]
    assert [text.count("  hint ") for text in said] == [0, 1, 2, 3, 3] and exercises.FOLDED in said[-1]
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
    (symbols("t")*w[k], "does not know the name t"), (symbols("J")*w[k], "another symbol of the same name"),
    (indexed("y_hat", n, d)[i, k], "has shape (n, d), that of the exercise (n,)"), (0.3333333333*w[k], "is a rounded number"),
    (0, "is not 0 everywhere"), (Sum((y_hat[i] - y[i])*x[i, k], (i, 1, n))*5/n, "the factor 5 is one too many"),
    ((y_hat[m] - y[m])*x[m, k], "the loss of one sample"),
])
def test_every_other_answer_gets_a_precise_message(answer, told, capsys):
    assert told in feedback(answer, capsys)


def test_a_short_decimal_is_exact(capsys):
    assert "Right" in feedback(0.5*Sum(2*(y_hat[i] - y[i])*x[i, k], (i, 1, n))/n, capsys)


@pytest.mark.parametrize("said, truth, told", [
    (0.5, lambda: 0.5, "Right"), (0.25, lambda: 0.5, "Not as predicted. half"), ("a half", lambda: 0.5, "a number is asked for"),
    ((1, 2), lambda: (1, 2), "Right"), ((1,), lambda: (1, 2), "2 values are asked for"),
    ("W[1],b[2]", lambda: {"b[2]", "W[1]"}, "Right"),
    (True, lambda: True, "Right"), ("yes", lambda: True, "True or False"),
])
def test_a_prediction_is_compared_with_the_truth(said, truth, told, capsys):
    exercises.predict(said, truth, number="p", slips={0.25: "half"})
    assert told in capsys.readouterr().out


def test_the_first_prediction_is_kept(capsys, monkeypatch):
    monkeypatch.setattr(exercises, "book", exercises.Book())
    for said in (3, 4):
        exercises.predict(said, lambda: 4, number="p")
    assert "(Your first prediction was 3.)" in capsys.readouterr().out
    exercises.predict("hihger", lambda: "higher", number="q", choices=("higher", "lower"))
    assert "did you mean 'higher'?" in capsys.readouterr().out


def test_progress_lists_what_is_solved_and_keeps_it_only_if_asked(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(exercises, "book", exercises.Book())
    exercises.predict(4, lambda: 4, number="1.2")
    exercises.predict(..., lambda: 4, number="1.3")
    exercises.progress()
    assert capsys.readouterr().out.endswith(
        "1.2   predict        solved\n1.3   predict        not answered yet\n1 of 2 solved.\n")
    assert exercises.solved("1.2") and not exercises.solved("1.3") and not list(tmp_path.iterdir())
    exercises.progress(keep=tmp_path / "solved.json")
    exercises.book.clear()
    exercises.progress(keep=tmp_path / "solved.json")
    assert "1.2   predict        solved" in capsys.readouterr().out


# Two layers of two, as in the article of notebook 03: every index is a number, so no size protects a slip ------------------

L, target, out = symbols("L y y_hat", real=True)
x_in = indexed("x", 2)
(b_1, z_1, a_1), (b_2, z_2, a_2) = [[indexed(f"{name}^({layer})", 2) for name in "bza"] for layer in (1, 2)]
w_1, w_2, w_3 = [indexed(f"w^({layer})", *shape) for layer, shape in ((1, (2, 2)), (2, (2, 2)), (3, (1, 2)))]
with as_written():
    network = [Definition(z_1[j], Sum(w_1[j, k]*x_in[k], (k, 1, 2)) + b_1[j]), Definition(a_1[j], sigmoid(z_1[j])),
               Definition(z_2[j], Sum(w_2[j, k]*a_1[k], (k, 1, 2)) + b_2[j]), Definition(a_2[j], sigmoid(z_2[j])),
               Definition(out, Sum(w_3[1, j]*a_2[j], (j, 1, 2))), Definition(L, (out - target)**2/2)]
second = question_of(Partial(L, w_2[1, 2]), tuple(network))
first = question_of(Partial(L, w_1[1, 2]), tuple(network))
slope_2 = a_2[1]*(1 - a_2[1])


@pytest.mark.parametrize("slip, told, kind", [
    ((out - target)*w_3[1, 2]*a_2[2]*(1 - a_2[2])*a_1[1], "as if to and from were swapped", "index"),
    ((out - target)*w_3[1, 1]*slope_2*a_2[2], "the wrong layer: a^(2) stands where a^(1) is meant", "index"),
    ((out - target)*w_3[1, 2]*slope_2*a_1[2], "an index is wrong: w^(3)_12 for w^(3)_11", "index"),
    ((out - target)*w_2[1, 1]*slope_2*a_1[2], "w^(2) stands where w^(3) is meant", "name"),
    ((out - target)*w_3[1, 1]*sigmoid(a_2[1])*(1 - sigmoid(a_2[1]))*a_1[2], "is taken at a^(2)_j instead of z^(2)_j", "argument"),
    ((out - target)*w_3[1, 1]*slope_2*a_1[2]**2, "a^(1)_2 is squared: an upper index counts layers", "power"),
])
def test_each_slip_with_an_index_in_the_network_of_an_article_is_named(slip, told, kind):
    finding = second.judge(second.formula(slip))
    assert not finding.right and told in finding.text.splitlines()[0]
    assert finding.kind == kind and second.hints(kind)[0] == HINTS[kind]


def test_a_hint_gives_no_bound_letter_twice():
    """A sum inside a sum, or beside a free letter, runs over a letter of its own."""
    asked = [first, second, question_of(question, tuple(given))]
    assert any(len(line.atoms(Sum)) > 1 for one in asked for line in one.lines())
    assert not any(clashes(line, one.asked.free_symbols) for one in asked for line in one.lines())
    inner = Sum(w[j], (j, 1, d))
    assert clashes(Sum(inner*w[j], (j, 1, d)), set())  # the judge of this test does find a clash


def clashes(expr, taken):
    if isinstance(expr, Sum):
        own = {index for index, *_ in expr.limits}
        return bool(own & taken) or clashes(expr.function, taken | own)
    return any(clashes(part, taken) for part in expr.args)


def test_the_lines_of_a_hint_keep_the_numbers_of_the_question():
    """Of w_12 the one index says which neuron, the other which input: they stand in the last hint as numbers."""
    *_, last = first.hints("index")
    assert last.startswith(f"the derivation, line {len(first.lines()) - 1}: ∂L/∂w^(1)_12 = ")
    assert "x_2" in last and "w^(2)_j1" in last and all(first.proved(line) for line in first.lines())


@pytest.mark.parametrize("variable, left", [(b_1[1], 1), (w_1[1, 2], x_in[2])])
def test_a_slope_of_the_logistic_function_left_out_is_named_as_a_whole(variable, left):
    """Both of its factors at once, not one of them."""
    asked = question_of(Partial(out, variable), (Definition(out, a_1[1]), *network[:2]))
    first_line = asked.judge(asked.formula(left + 0*a_1[1])).text.splitlines()[0]
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
    exercises.find_bug(doubled, "2", "factor", lambda f: f(3) == 3, number="q")
    assert capsys.readouterr().out.startswith("Right")


def doubled(value):
    return 2*value


def test_no_answer_is_no_error(capsys):
    assert "No answer yet" in feedback(..., capsys)


@pytest.mark.parametrize("nonsense", ["w +", object(), [1, 2]])
def test_what_is_no_formula_gets_a_message_and_no_traceback(nonsense, capsys):
    assert "cannot be compared" in feedback(nonsense, capsys)


def test_text_is_not_evaluated(capsys):
    assert "cannot be compared" in feedback("__import__('os').getcwd()", capsys)
