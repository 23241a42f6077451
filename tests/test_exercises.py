"""`check` accepts every equal form, names the mistake in a wrong one, and never raises at a reader."""

import pytest
from sympy import Rational, Sum, symbols

from helpers.exercises import check
from helpers.expressions import Definition, Partial, as_written, indexed

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
    (Sum((y_hat[i] - y[i])*x[k, i], (i, 1, n))/n, "index"),
])
def test_a_wrong_formula_gets_the_name_of_its_mistake(answer, mistake, capsys):
    shown = feedback(answer, capsys)
    assert shown.startswith("Not yet") and mistake in shown


def test_a_derivative_still_to_be_taken_is_no_answer(capsys):
    assert "still to be taken" in feedback(question, capsys)


def test_a_forgotten_input_is_named(capsys):
    assert "the factor x_ik is missing" in feedback(Sum(y_hat[i] - y[i], (i, 1, n))/n, capsys)


def test_a_sum_in_two_parts_is_not_called_senseless(capsys):
    parts = Sum((y_hat[i] - y[i])*x[i, k], (i, 1, n - 1))/n + (y_hat[n] - y[n])*x[n, k]/n
    assert "makes no sense" not in feedback(parts, capsys)


def test_no_answer_is_no_error(capsys):
    assert "No answer yet" in feedback(..., capsys)


@pytest.mark.parametrize("nonsense", ["w +", object(), [1, 2]])
def test_what_is_no_formula_gets_a_message_and_no_traceback(nonsense, capsys):
    assert "cannot be compared" in feedback(nonsense, capsys)


def test_text_is_not_evaluated(capsys):
    assert "cannot be compared" in feedback("__import__('os').getcwd()", capsys)
