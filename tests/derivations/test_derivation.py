"""Every line of a derivation is proved or refused, and what is said of the proof is true."""

import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path
from time import process_time

import numpy as np
import pytest
import sympy as sp
from sympy import KroneckerDelta, MatrixSymbol, Sum, exp, log, symbols
from sympy.core.parameters import global_parameters
from vocabulary import (
    J,
    K,
    L,
    W,
    X,
    Y,
    Y_hat,
    a,
    b,
    cost,
    d,
    derive,
    entries,
    eta,
    g,
    given,
    gradient,
    i,
    j,
    k,
    l,
    linear_regression,
    m,
    n,
    prediction,
    q,
    u,
    w,
    x,
    y,
    y_hat,
)

import derivations.derivation as module
from derivations.definitions import Definition, Depends, Entries
from derivations.derivation import Derivation, Ledger, Summary, refused
from derivations.errors import FalseLine, Undecided
from derivations.printing import as_fraction, tex
from derivations.reasons import reason_tex, wrapped
from derivations.sampling import Point
from derivations.symbols import Gradient, Partial, as_written, indexed

p = symbols("p", integer=True, positive=True)
z, v, act, pre = indexed("z^(2)", m), indexed("w^(2)", m, p), indexed("a", p), indexed("z", p)
with as_written():
    layers = [Depends(L, z[k], (k, 1, m)), Definition(z[k], Sum(v[k, j]*act[j], (j, 1, p))),
              Definition(act[j], g(pre[j]))]
    recursion = g.prime(pre[i])*Sum(v[k, i]*Partial(L, z[k]), (k, 1, m))
matrix_given = [*given, *entries]
PROVED = linear_regression()


def right(X, y, w, b):
    return X.T @ (X @ w + b - y)/len(y)


@pytest.fixture(autouse=True)
def fresh_ledger(monkeypatch):
    monkeypatch.setattr(module, "ledger", Ledger())


# proofs


def test_linear_regression_is_proved_for_every_n_and_d():
    verdict = linear_regression().verdict
    assert verdict == "✓ proved for every n and d · ✓ numbers"


def test_the_delta_recursion_is_proved_for_all_widths_and_every_activation():
    delta = derive(Partial(L, pre[i]), lambda: Sum(
        Partial(L, z[k])*Partial(z[k], pre[i]), (k, 1, m)), recursion, given=layers)
    assert delta.verdict == "✓ proved for every m, p and g, assuming L differentiable · ✓ numbers"


def test_the_matrix_form_is_proved_entry_by_entry():
    form = derive(Gradient(J, W), lambda: X.T*(Y_hat - Y)/n,
                  lambda: X.T*(X*W + b*sp.OneMatrix(n, 1) - Y)/n, given=matrix_given)
    assert form.proved == 2 and form.witnessed == 1


def test_the_update_is_proved_and_not_only_the_gradient():
    update = lambda sign: lambda: w[k] + sign*eta*gradient  # noqa: E731
    assert derive(w[k] - eta*Partial(J, w[k]), update(-1)).proved == 1
    with pytest.raises(FalseLine, match="hint     the sign of the term .* is wrong"):
        derive(w[k] - eta*Partial(J, w[k]), update(1))


def test_the_chain_of_linear_regression_takes_less_than_a_third_of_a_second():
    times = []
    for _ in range(3):
        start = process_time()
        linear_regression()
        times.append(process_time() - start)
    assert min(times) < 0.3


# planted faults

PLANTED = {
    "the sign": (lambda: -gradient, "the sign is wrong"),
    "minus in the bracket": (lambda: Sum((y[i] - y_hat[i])*x[i, k], (i, 1, n))/n,
                             "the sign is wrong"),
    "plus for minus": (lambda: Sum((y_hat[i] + y[i])*x[i, k], (i, 1, n))/n, "sign of the term"),
    "a factor 2": (lambda: 2*gradient, "a factor 2 is too many"),
    "a half": (lambda: gradient/2, "½ too many"),
    "1/n": (lambda: n*gradient, "a factor n is too many: a sum stands where a mean is meant"),
    "1/n twice": (lambda: gradient/n, "a factor 1/n is too many"),
    "the inner factor": (lambda: Sum(y_hat[i] - y[i], (i, 1, n))/n, "the factor x_ik is missing"),
    "the bracket": (lambda: Sum(x[i, k], (i, 1, n))/n, "is missing"),
    "an index": (lambda: Sum((y_hat[i] - y[k])*x[i, k], (i, 1, n))/n, "index"),
    "a transpose": (lambda: Sum((y_hat[i] - y[i])*x[k, i], (i, 1, n))/n, "transpose"),
    "the exponent": (lambda: Sum((y_hat[i] - y[i])**2*x[i, k], (i, 1, n))/n,
                     "the exponent 1 became 2"),
    "a lost sum": (lambda: (y_hat[i] - y[i])*x[i, k]/n, "sum"),
    "zero": (lambda: sp.S.Zero, "the claim is zero"),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_fault_is_refused_and_named(name):
    wrong, hint = PLANTED[name]
    with pytest.raises(FalseLine) as refusal:
        derive(Partial(J, w[k]), gradient, wrong)
    text = str(refusal.value)
    assert text.startswith("Line 2 of the derivation") and hint in text.replace("ŷ", "y_hat")
    assert "makes no sense" in text or "values   before = " in text


@pytest.mark.every(2)
@pytest.mark.parametrize("wrong, hint", [
    (lambda: g.prime(g(pre[i]))*Sum(v[k, i]*Partial(L, z[k]), (k, 1, m)),
     "g'(z_i) is taken at g(z_i) instead of z_i"),
    (lambda: g(pre[i])*Sum(v[k, i]*Partial(L, z[k]), (k, 1, m)),
     "stands where its slope g'(z_i) is meant"),
    (lambda: Sum(v[k, i]*Partial(L, z[k]), (k, 1, m)), "the factor g'(z_i) is missing"),
    (lambda: g.prime(pre[i])*Sum(Partial(L, z[k]), (k, 1, m)), "the factor w^(2)_ki is missing"),
    (lambda: g.prime(pre[i])*Sum(v[i, k]*Partial(L, z[k]), (k, 1, m)), "transpose"),
    (lambda: -recursion, "the sign is wrong"),
])
def test_a_planted_fault_in_the_delta_recursion_is_refused_and_named(wrong, hint):
    with pytest.raises(FalseLine) as refusal:
        derive(Partial(L, pre[i]), recursion, wrong, given=layers)
    assert hint in str(refusal.value)


def test_the_gradient_of_another_loss_is_refused():
    sum_of_squares = Definition(J, Sum((y_hat[i] - y[i])**2, (i, 1, n)))
    with pytest.raises(FalseLine, match="claimed/before"):
        derive(Partial(J, w[k]), gradient, given=[prediction, sum_of_squares])
    entropy = Definition(J, -Sum(y[i]*log(y_hat[i]) + (1 - y[i])*log(1 - y_hat[i]), (i, 1, n))/n)
    with pytest.raises(FalseLine):
        derive(Partial(J, w[k]), gradient, given=[prediction, entropy])


def test_the_softmax_jacobian_without_its_other_half_is_refused():
    s, share = indexed("z", K), indexed("p", K)
    softmax = [Definition(share[k], exp(s[k])/Sum(exp(s[j]), (j, 1, K)))]
    derive(Partial(share[k], s[l]), lambda: share[k]*(KroneckerDelta(k, l) - share[l]),
           given=softmax)
    for wrong in (share[k]*(1 - share[k]), KroneckerDelta(k, l)*share[k]*(1 - share[l]),
                  -share[k]*share[l]):
        with pytest.raises(FalseLine):
            derive(Partial(share[k], s[l]), wrong, given=softmax)


def test_a_column_is_not_zero_where_one_of_its_entries_is_not():
    column, v = MatrixSymbol("M", d, 1), indexed("v", d, 1)
    with pytest.raises((FalseLine, Undecided)):
        derive(column, lambda: 2*column,
               given=[Definition(v[k, l], KroneckerDelta(k, l)*a), Entries(column, v)])


@pytest.mark.parametrize("wrong", [
    lambda: X.T*(Y - Y_hat)/n, lambda: X.T*(Y_hat - Y), lambda: X.T*Y_hat/n, lambda: X.T*W/n,
    lambda: 2*X.T*(Y_hat - Y)/n])
def test_a_wrong_matrix_form_is_refused(wrong):
    with pytest.raises(FalseLine):
        derive(Gradient(J, W), wrong, given=matrix_given)


def test_the_order_of_square_matrices_counts():
    square = MatrixSymbol("Q", n, n)
    with pytest.raises(FalseLine):
        derive(square*square.T, lambda: square.T*square, given=[Entries(square, q)])


def test_the_false_line_is_named_and_the_true_ones_before_it_pass():
    with pytest.raises(FalseLine, match=r"Line 3 of \(1.2\) is false"):
        derive(Partial(J, w[k]), gradient, gradient, 3*gradient, number="1.2")


def test_a_counterexample_shows_a_point_both_values_and_their_ratio():
    with pytest.raises(FalseLine) as refusal:
        derive(Partial(a**2*b, a), a*b, given=[])
    before, claimed = map(as_fraction, refusal.value.values)
    at = {name: as_fraction(refusal.value.point.value(name)) for name in (a, b)}
    assert before == 2*at[a]*at[b] and claimed == before/2
    assert f"at       a = {at[a]}, b = {at[b]}\n" in str(refusal.value)
    assert (f"values   before = {before}, claimed = {claimed}, ratio claimed/before = 1/2\n"
            in str(refusal.value))


@pytest.mark.parametrize("before, claimed, values", [
    (sp.S.One, 2, "before = 1, claimed = 2, ratio claimed/before = 2"),
    (-sp.S.One, 2, "before = -1, claimed = 2, ratio claimed/before = -2"),
    (sp.S.Zero, 3, "before = 0, claimed = 3"),
    (sp.S(2), 1, "before = 2, claimed = 1, ratio claimed/before = 1/2"),
    (sp.S(2), -1, "before = 2, claimed = -1, ratio claimed/before = -1/2")])
def test_both_values_of_a_false_line_are_shown_and_their_ratio_if_it_has_one(
    before, claimed, values):
    with pytest.raises(FalseLine) as refusal:
        derive(before, claimed, given=[])
    assert f"  values   {values}\n" in str(refusal.value) and "is zero" not in str(refusal.value)


@pytest.mark.parametrize("position", [1, 2, 3])
def test_a_false_line_is_shown_below_the_line_before_it(position):
    shown = ["a²", "a a", "3 a² - 2 a²", "2 a² - a²", "2 a a - a²"]
    true = [a**2, lambda: a*a, lambda: 3*a**2 - 2*a**2, lambda: 2*a**2 - a**2, lambda: 2*a*a - a**2]
    with pytest.raises(FalseLine) as refusal:
        derive(*true[:position], 7*a**2, *true[position + 1:], given=[])
    assert str(refusal.value).startswith(
        f"Line {position} of the derivation is false.\n  before   {shown[position - 1]}\n  "
        f"claimed  7 a²\n")


def test_a_product_of_matrices_that_do_not_fit_is_named_with_its_line():
    square = sp.MatMul(X, X, evaluate=False)
    with pytest.raises(FalseLine) as refusal:
        derive(X, lambda: X*1, square, lambda: 1*X, lambda: X*1, given=entries)
    assert str(refusal.value).startswith(
        "Line 2 of the derivation makes no sense: a matrix of shape (n, d) cannot multiply "
                                         "one of shape (n, d).\n  claimed  X X\n")


def test_matrices_of_known_size_must_agree_in_every_entry():
    square = MatrixSymbol("Q", 2, 2)
    for wrong in (lambda: square.T, lambda: square*sp.OneMatrix(2, 2)):
        with pytest.raises(FalseLine):
            derive(square, wrong, given=[Entries(square, indexed("q", 2, 2))])


def test_a_difference_in_the_thirtieth_digit_is_seen():
    with pytest.raises(FalseLine):
        derive(a, a + sp.Rational(1, 10**30), given=[])
    with pytest.raises(FalseLine):
        derive(exp(a)/10**30, 2*exp(a)/10**30, given=[])


def test_a_rounding_error_beside_zero_refutes_nothing():
    zero = exp(b)*sp.sin(a) - 2*exp(b)*sp.sin(a/2)*sp.cos(a/2)
    assert any(Point([zero], seed=seed).value(zero) for seed in range(4))
    with pytest.raises(Undecided):
        derive(zero, sp.S.Zero, given=[])


def test_points_without_a_value_are_passed_over():
    with pytest.raises(FalseLine, match="a factor 2 is too many"):
        derive(log(a)*log(b), 2*log(a)*log(b), given=[])


def test_a_mistake_is_named_only_if_it_has_the_right_values_at_two_points():
    with pytest.raises(FalseLine) as refusal:
        derive(Sum(u[i], (i, 1, n)), 3*Sum(u[i], (i, 1, n)), given=[])
    assert ("n = 3" in str(refusal.value)
            and "hint     the factor 3 is one too many" in str(refusal.value))


def test_a_derivative_is_named_as_it_was_typed():
    with pytest.raises(FalseLine, match=r"hint     the factor ∂/∂b \(b³\) is missing"):
        derive(Partial(a**2, a)*Partial(b**3, b), Partial(a**2, a), given=[])


def test_a_mistake_that_has_no_value_is_no_hint():
    with pytest.raises(FalseLine, match="hint     no usual mistake fits"):
        derive(log(exp(a) + exp(b)), 5*log(exp(a) + exp(b)) + 7, given=[])


def test_a_factor_too_many_is_named():
    with pytest.raises(FalseLine, match="hint     the factor η is one too many"):
        derive(Sum(u[i], (i, 1, n)), lambda: Sum(u[i]*eta, (i, 1, n)), given=[])


def test_a_whole_point_holds_what_both_sides_need():
    with pytest.raises(FalseLine, match="d = 4, k = .*, n = 3"):
        derive(Partial(J, w[k]), 2*gradient)


# neither proved nor refuted


def test_undecided_is_a_failure():
    with pytest.raises(Undecided, match="neither proved nor refuted.*evidence and no proof"):
        derive(sp.gamma(a + 1), a*sp.gamma(a), given=[])


def test_where_nothing_can_be_tried_there_is_no_evidence_either():
    with pytest.raises(Undecided, match="no value that can be tried"):
        derive(sp.gamma(a + 1)*log(-exp(a) - 1), a*sp.gamma(a)*log(-exp(a) - 1), given=[])


@pytest.mark.parametrize("line",
                         [lambda: a*sp.sqrt(.25) + a*(1/3), lambda: (1/3)*a + a*sp.Rational(2, 5)])
def test_a_float_is_neither_true_nor_false(line):
    with pytest.raises(Undecided, match="is a float, which is not exact"):
        derive(a/2, line, given=[])


def test_a_float_in_a_definition_is_found():
    with pytest.raises(Undecided, match=r"A definition given to \(3\): 0.3\d* is a float"):
        derive(Partial(J, a), a, given=[Definition(J, (1/3)*a**2)], number="3")


def test_what_the_engine_does_not_cover_is_named_with_the_derivation():
    with pytest.raises(Undecided, match=r"In \(3\), .*: Integral has no rule here"):
        derive(a, sp.Integral(1, (b, 0, a)), given=[], number="3")
    with pytest.raises(Undecided, match=r"Line 1 of \(3\) cannot be proved: .* is a float"):
        derive(a, (1/3)*a, given=[], number="3")


def test_division_by_zero_proves_nothing():
    for zero in (lambda: a - a, lambda: (a + b)**2 - a**2 - 2*a*b - b**2):
        with as_written():
            left = a/zero()
        with pytest.raises(Undecided):
            derive(left, lambda zero=zero: b/zero(), given=[])


def test_two_symbols_of_one_name_are_an_error():
    other = symbols("J")
    with pytest.raises(ValueError, match="two different symbols are called J"):
        derive(Partial(other*w[k], w[k]), other)
    with pytest.raises(ValueError, match="two different symbols are called x"):
        derive(Partial(J, w[k]), lambda: Sum(indexed("x", n)[i], (i, 1, n)))


# bad input


@pytest.mark.parametrize("expr, reason, error", [
    ("2*a", "text is not evaluated", TypeError), (None, "why", TypeError),
    (sp.Eq(a, b), "why", TypeError),
    (True, "why", TypeError),
    (2*a, "", ValueError), (2*a, "   ", ValueError), (2*a, None, ValueError),
    (X, "a matrix", ValueError)])
def test_a_bad_step_raises_before_anything_changes(expr, reason, error):
    derivation = Derivation(Partial(a**2, a))
    with pytest.raises(error):
        derivation.step(expr, reason)
    assert derivation.lines == []


def test_a_bad_step_is_named_by_its_place():
    derivation = Derivation(a, number="3")
    derivation.step(a, "true")
    refusals = (a, "", " needs a reason, a short text; got ''"), (
        X, "why", ": a matrix cannot equal a number")
    for expr, reason, message in refusals:
        with pytest.raises(ValueError) as error:
            derivation.step(expr, reason)
        assert str(error.value) == f"line 2 of (3){message}"


@pytest.mark.parametrize("make", [
    lambda: Derivation("J"), lambda: Derivation(J, given=[J]),
    lambda: Derivation(J, given=[cost, cost]),
    lambda: Derivation(J, given=[Entries(W, w), Entries(W, indexed("v", d))])])
def test_a_bad_beginning_raises(make):
    with pytest.raises((TypeError, ValueError)):
        make()


def test_a_matrix_of_another_shape_raises():
    with pytest.raises(ValueError, match=r"shape \(n, 1\), the left side has shape \(d, 1\)"):
        derive(Gradient(J, W), lambda: Y_hat - Y, given=matrix_given)


def test_a_derivation_without_lines_raises():
    with pytest.raises(ValueError, match="has no line"):
        derive(J)


def test_an_error_in_the_block_restores_sympy_and_proves_nothing():
    with pytest.raises(ZeroDivisionError):
        with Derivation(Partial(a**2, a), number="7") as derivation:
            derivation.step(2*a, "true")
            raise ZeroDivisionError
    assert (global_parameters.evaluate and derivation.verdict is None
            and module.ledger.derivations == [])
    with pytest.raises(FalseLine):
        derive(a, b, given=[])
    assert global_parameters.evaluate


def test_nothing_is_shown_before_it_is_proved():
    unproved = Derivation(Partial(a**2, a), number="7")
    for use in (unproved._repr_markdown_, unproved.values, lambda: Summary(unproved),
                lambda: unproved.code(lambda a: 2*a)):
        with pytest.raises(Undecided, match="not proved yet"):
            use()
    assert (repr(unproved) == "<Derivation 7: not proved yet>"
            and unproved.proved == unproved.witnessed == 0)


def test_a_line_added_after_the_proof_takes_the_verdict_away():
    derivation = derive(Partial(a**2, a), 2*a, given=[])
    derivation.step(3*a, "false")
    with pytest.raises(Undecided):
        derivation._repr_markdown_()
    with pytest.raises(FalseLine):
        derivation.prove()
    assert derivation.verdict is None


def test_entering_again_begins_anew():
    derivation = derive(Partial(a**2, a), 2*a, given=[])
    with derivation:
        derivation.step(a + a, "again")
    assert len(derivation.lines) == 1 and derivation.proved == 1


# witnesses


def test_the_numerical_witness_can_fail(monkeypatch):
    slope = Point.slope
    monkeypatch.setattr(Point, "slope", lambda *args: slope(*args)*(1 + 1e-9))
    with pytest.raises(FalseLine):
        linear_regression()


def test_why_there_are_no_numbers_is_said():
    without_a_value = derive(Partial(b*log(-exp(a) - 1), b), log(-exp(a) - 1), given=[])
    assert (without_a_value.verdict == "✓ proved, where -1 - e^a > 0 · no numbers: it is complex"
            and not without_a_value.witnessed)


def test_a_derivative_by_a_name_and_one_of_an_unknown_function_meet_numbers():
    assert derive(Partial(L, pre[i]), recursion, given=layers).witnessed
    by_a_name = derive(Partial(J, y_hat[i]), (y_hat[i] - y[i])/n)
    assert by_a_name.verdict == "✓ proved for every n and d · ✓ numbers" and by_a_name.witnessed
    assert not derive(J, cost.body, given=[cost]).witnessed  # no derivative, and not counted as one


# the ledger


def test_the_ledger_counts_derivations_lines_proofs_and_witnesses():
    linear_regression("1.2").code(right)
    derive(J, cost.body, given=[cost], number="1.3")
    assert repr(module.ledger) == (
        "Ledger: 2 derivations, 4 lines shown, 4 lines proved, 1 derivatives, "
                                   "1 of them witnessed numerically, 1 witnessed by NumPy code")


def test_running_a_cell_again_replaces_what_it_counted():
    for _ in range(2):
        linear_regression("1.2").code(right)
    assert "Ledger: 1 derivations, 3 lines" in repr(module.ledger) and len(module.ledger.code) == 1


def test_what_is_refused_is_not_counted(capsys):
    with refused():
        derive(Partial(J, w[k]), -gradient, number="1.2")
    assert module.ledger.derivations == [] and "the sign is wrong" in capsys.readouterr().out


def test_refused_prints_whatever_the_checker_refuses(capsys):
    with refused():
        derive(sp.gamma(a + 1), a*sp.gamma(a), given=[])
    with refused():
        PROVED.code(lambda X, y, w, b: 2*right(X, y, w, b))
    undecided, disagrees = capsys.readouterr().out.splitlines()
    assert "neither proved nor refuted" in undecided and "the ratio is 2" in disagrees


def test_refused_raises_if_nothing_is_refused():
    with pytest.raises(AssertionError, match="meant to be refused"):
        with refused():
            linear_regression()


# appearance


def test_a_derivation_reads_as_text():
    assert repr(linear_regression()).splitlines() == [
        "(1.2) ∂J/∂w_k",
        "    = 1/(2 n) Σ_{i=1..n} 2 (ŷ_i - y_i) ∂/∂w_k (ŷ_i - y_i)"
        "    [power rule, then chain rule]",
        "    = 1/n Σ_{i=1..n} (ŷ_i - y_i) ∂ŷ_i/∂w_k    [the 2 meets the 1/2]",
        "    = 1/n Σ_{i=1..n} (ŷ_i - y_i) x_ik    [only the term j=k of the sum contains w_k]",
        "    ✓ proved for every n and d · ✓ numbers"]


def test_a_derivation_is_typeset_with_its_number_reasons_and_verdict():
    page = PROVED._repr_markdown_()
    assert page.startswith("$$\n\\begin{aligned}\n\\frac{\\partial J}{\\partial w_{k}} &= ")
    assert (page.count("&=") == 3 and r"\tag{1.2}" in page
            and "<small>✓ proved for every n and d" in page)
    assert page.count("{") == page.count("}") and page.count(r"\begin") == page.count(r"\end")
    rows = page.removeprefix("$$\n\\begin{aligned}\n").partition("\n\\end{aligned}")[0].split(
        " \\\\[3pt]\n")
    assert rows == [(tex(PROVED.left) + " " if first else "")
                    + f"&= {tex(line.shown)} && {reason_tex(line.reason)}"
                    for first, line in zip([True, False, False], PROVED.lines)]
    assert r"\tag" not in derive(Partial(a**2, a), 2*a, given=[])._repr_markdown_()


def test_the_verdict_says_for_which_sizes_and_functions_it_holds():
    r = symbols("r", integer=True, positive=True)
    v = indexed("v", n, m, d, r)
    for left, generality in (
            (a*2, "✓ proved"), (2*u[i], "✓ proved for every n"),
            (2*x[i, j], "✓ proved for every n and d"),
            (2*g(x[i, j]), "✓ proved for every n, d and g"),
            (2*v[i, j, k, l], "✓ proved for every n, d, m and r")):
        assert derive(left, left, given=[]).verdict == f"{generality} · ✓ numbers"


def test_long_reasons_wrap_outside_of_mathematics():
    reason = (
        "only the term $j = k$ of the sum over all the many features contains the weight $w_k = "
        "w_j$")
    lines = wrapped(reason)
    assert len(lines) > 2 and " ".join(lines) == reason
    assert all(line.count("$") % 2 == 0 and len(line) <= 45 for line in lines)
    assert wrapped("short") == ["short"]
    plain = (
        "the quick brown fox jumps over a lazy dog while it wonders at each of the words in this "
        "sentence")
    for start in range(len(plain)):
        reason = plain[start:].strip()
        assert re.findall(r"\\text\{(.*?)\}", reason_tex(reason)) == textwrap.wrap(reason, 33)
    assert r"\text{the } w_k \text{ of } k" in reason_tex("the $w_k$ of $k$")


def test_a_summary_is_one_line_for_each_result():
    summary = Summary(cost, PROVED)
    assert len(repr(summary).splitlines()) == 2
    assert repr(summary).splitlines()[1].startswith(
        "(1.2) ∂J/∂w_k = 1/n Σ_{i=1..n} (ŷ_i - y_i) x_ik    proved for every n and d")
    assert summary._repr_markdown_().count(r"\\") == 1
    last, verdict = tex(PROVED.last), "proved for every n and d"
    assert summary._repr_markdown_().splitlines()[3:] == [
        rf"{tex(PROVED.left)} &= {last} && \quad\small \text{{{verdict}}} && \quad (1.2)",
        r"\end{aligned}", "$$"]
    with pytest.raises(TypeError, match="Summary takes Definition and Derivation"):
        Summary(PROVED, J)


SCRIPT = """
from vocabulary import *
from derivations.derivation import ledger
from derivations.errors import FalseLine
from derivations.definitions import Depends
z = indexed("z", m)
print(linear_regression(), linear_regression()._repr_markdown_())
names = [Depends(J, z[k], (k, 1, m)), Definition(L, J**2)]
print(derive(Partial(L, z[j]), lambda: 2*J*Partial(J, z[j]), given=names))
for wrong in (n*gradient, Sum((y_hat[i] - y[i])*x[k, i], (i, 1, n))):
    try:
        derive(Partial(J, w[k]), wrong)
    except FalseLine as refusal:
        print(refusal)
print(ledger)
"""


@pytest.mark.long
def test_the_output_is_the_same_for_every_hash_seed():
    tests = Path(__file__).resolve().parents[1]
    places = map(str, (tests / "support", tests.parent))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(places),
                   "PYTHONIOENCODING": "utf-8"}
    runs = [subprocess.Popen([sys.executable, "-c", SCRIPT],
                             env={**environment, "PYTHONHASHSEED": seed}, stdout=subprocess.PIPE)
            for seed in ("0", "4")]
    outputs = [run.communicate()[0].decode() for run in runs]
    assert len(outputs[0].splitlines()) > 25 and outputs[0] == outputs[1]


def test_numbered_sizes_stand_in_the_verdict_as_on_paper():
    inner, outer = sp.symbols("n_0 n_1", integer=True, positive=True)
    W, v = indexed("W", outer, inner), indexed("v", inner)
    with Derivation(Sum(W[j, k]*v[k], (k, 1, inner), (j, 1, outer))) as line:
        line.step(Sum(v[k]*W[j, k], (k, 1, inner), (j, 1, outer)), "the factors change places")
    assert line.verdict == "✓ proved for every n₀ and n₁ · ✓ numbers"


# equations that are cited


def test_a_reason_may_cite_only_what_is_proved_or_given():
    def cited(number, reason, given=()):
        with Derivation(Partial(a**2, a), given, number=number) as derivation:
            derivation.step(2*a, reason)
        return derivation

    with pytest.raises(ValueError,
                       match=r"line 1 of \(9.2\) cites \(9.1\), which is not proved yet; known "
                             r"are none"):
        cited("9.2", "by (9.1)")
    assert module.ledger.derivations == []
    cited("9.1", "power rule")
    cited("9.2", "by (9.1)")
    square = Definition(J, a**2, number="9.3")
    cited("9.4", "(9.3), and (9.2)", [square])
    cited("9.5", "(9.3) again, and (8.7) of the notebook before")
    known = r"known are \(9.1\), \(9.2\), \(9.3\), \(9.4\), \(9.5\)"
    with pytest.raises(ValueError, match=rf"cites \(9.7\).*{known}"):
        cited("9.6", "(9.1) and (9.7)")


# lines in numbers

AT = {"X": [[1, 2], [3, 4], [5, 6]], "y": [1, 0, 1], "w": [1, -1], "b": 2}


def test_each_line_is_shown_in_numbers_too():
    text = repr(PROVED.show(at={**AT, "k": 2})).splitlines()
    assert text[0] == "(1.2) ∂J/∂w_k = 4/3"
    assert (text[2]
            == "      = 1/(2 · 3) (2 · (1 - 1) · 2 + 2 · (1 - 0) · 4 + 2 · (1 - 1) · 6) = 4/3")
    assert text[6] == "      = 1/3 · ((1 - 1) · 2 + (1 - 0) · 4 + (1 - 1) · 6) = 4/3"
    assert text[7] == f"    {PROVED.verdict}" and len(text) == 8
    page = PROVED.show(at={**AT, "k": 2})._repr_markdown_()
    assert (rf"\tag{{{PROVED.number}}}" in page) == bool(PROVED.number)
    assert (page.count("{") == page.count("}") and page.count("&=") == 7
            and r"(1 - 0) \cdot 4" in page and r"\tfrac{4}{3}" in page)


def test_without_a_value_for_its_free_index_a_line_has_a_number_for_each():
    assert repr(PROVED.show(at=AT)).splitlines()[2] == "      = [1, 4/3]"
    assert (r"\begin{pmatrix} 1 \\ \tfrac{4}{3} \end{pmatrix}"
            in PROVED.show(at=AT)._repr_markdown_())


def test_what_is_shown_in_numbers_needs_a_proof_and_all_values():
    with pytest.raises(Undecided, match="not proved yet"):
        Derivation(Partial(a**2, a)).show(at={"a": 1})
    with pytest.raises(ValueError, match="a value for b is needed"):
        PROVED.show(at={key: value for key, value in AT.items() if key != "b"})


def test_negative_numbers_and_long_sums_can_be_read():
    line = derive(Partial((a*b - eta)**2/2, a), lambda: (a*b - eta)*b, given=[])
    assert (repr(line.show(at={"a": 0.5, "b": -2, "eta": -1})).splitlines()[2]
            == "      = (1/2 · (-2) - (-1)) · (-2) = 0")
    assert (repr(line.show(at={"a": 0.5, "b": 0.3, "eta": 20001})).splitlines()[2]
            == "      = (0.5 · 0.3 - 20001) · 0.3 = -6000")  # one form for all numbers of a line
    total = derive(Sum(u[i], (i, 1, n))/n, lambda: 1/n*Sum(u[i], (i, 1, n)), given=[])
    assert "      = 28/7 = 4\n" in repr(total.show(at={"u": list(range(1, 8))}))


def test_sums_over_two_letters_tables_and_empty_sums_are_shown_in_numbers():
    table = {"x": np.array([[1, 2, 3], [3, 4, 5]])}
    both = derive(Sum(x[i, j], (j, 1, d), (i, 1, n)), lambda: Sum(x[i, j], (i, 1, n), (j, 1, d)),
                  given=[])
    assert "      = 1 + 3 + 2 + 4 + 3 + 5 = 18\n" in repr(both.show(at=table))
    entry = derive(x[i, j] + x[i, j], lambda: 2*x[i, j], given=[]).show(at=table)
    assert "      = [[2, 4, 6], [6, 8, 10]]\n" in repr(entry)
    assert r"\begin{pmatrix} 2 & 4 & 6 \\ 6 & 8 & 10 \end{pmatrix}" in entry._repr_markdown_()
    empty = derive(Sum(u[i], (i, 1, n - 1)), lambda: Sum(1*u[i], (i, 1, n - 1)), given=[])
    assert "      = 0\n" in repr(empty.show(at={"u": [5]}))


def test_values_are_given_by_a_name_or_by_what_has_it():
    one = derive(x[i, j] + x[i, j], lambda: 2*x[i, j], given=[])
    table = [[1, 2, 3], [3, 4, 5]]
    by_names = repr(one.show(at={"x": table, "i": 1, "j": 2}))
    assert repr(one.show(at={x: table, i: 1, "j": 2})) == by_names
    for bad in ({n: 2, x[1, 1]: 3}, {3: table}, [1], "x", None):
        with pytest.raises(TypeError) as refusal:
            one.show(at=bad)
        assert "at= takes" in str(refusal.value)
