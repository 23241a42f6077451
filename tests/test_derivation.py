"""Every line of a derivation is proved or refused, and what is said of the proof is true."""

import os
import subprocess
import sys
from fractions import Fraction
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

import helpers.derivation as module
from helpers.derivation import Derivation, FalseLine, Ledger, Summary, Undecided, WitnessDisagrees, refused
from helpers.evaluation import Point
from helpers.expressions import Definition, Depends, Entries, Gradient, Partial, as_written, indexed, sigmoid

p = symbols("p", integer=True, positive=True)
z, v, act, pre = indexed("z^(2)", m), indexed("w^(2)", m, p), indexed("a", p), indexed("z", p)
with as_written():
    layers = [Depends(L, z[k], (k, 1, m)), Definition(z[k], Sum(v[k, j]*act[j], (j, 1, p))), Definition(act[j], g(pre[j]))]
    recursion = g.prime(pre[i])*Sum(v[k, i]*Partial(L, z[k]), (k, 1, m))
matrix_given = [*given, *entries]
PROVED = linear_regression()


@pytest.fixture(autouse=True)
def fresh_ledger(monkeypatch):
    monkeypatch.setattr(module, "ledger", Ledger())


# proofs


def test_linear_regression_is_proved_for_every_n_and_d():
    verdict = linear_regression().verdict
    assert verdict == "✓ proved for every n and d · ✓ SymPy’s derivative · ✓ numerical derivative"


def test_the_delta_recursion_is_proved_for_all_widths_and_every_activation():
    delta = derive(Partial(L, pre[i]), lambda: Sum(Partial(L, z[k])*Partial(z[k], pre[i]), (k, 1, m)), recursion, given=layers)
    assert delta.verdict == "✓ proved for every m, p and g · ✓ SymPy’s derivative"


def test_the_matrix_form_is_proved_entry_by_entry():
    form = derive(Gradient(J, W), lambda: X.T*(Y_hat - Y)/n, lambda: X.T*(X*W + b*sp.OneMatrix(n, 1) - Y)/n, given=matrix_given)
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
    "minus in the bracket": (lambda: Sum((y[i] - y_hat[i])*x[i, k], (i, 1, n))/n, "the sign is wrong"),
    "plus for minus": (lambda: Sum((y_hat[i] + y[i])*x[i, k], (i, 1, n))/n, "sign of the term"),
    "a factor 2": (lambda: 2*gradient, "a factor 2 is too many"),
    "a half": (lambda: gradient/2, "½ too many"),
    "1/n": (lambda: n*gradient, "a factor n is too many: a sum stands where a mean is meant"),
    "1/n twice": (lambda: gradient/n, "a factor 1/n is too many"),
    "the inner factor": (lambda: Sum(y_hat[i] - y[i], (i, 1, n))/n, "the factor x_ik is missing"),
    "the bracket": (lambda: Sum(x[i, k], (i, 1, n))/n, "is missing"),
    "an index": (lambda: Sum((y_hat[i] - y[k])*x[i, k], (i, 1, n))/n, "index"),
    "a transpose": (lambda: Sum((y_hat[i] - y[i])*x[k, i], (i, 1, n))/n, "transpose"),
    "the exponent": (lambda: Sum((y_hat[i] - y[i])**2*x[i, k], (i, 1, n))/n, "the exponent 1 became 2"),
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


@pytest.mark.parametrize("wrong, hint", [
    (lambda: g.prime(g(pre[i]))*Sum(v[k, i]*Partial(L, z[k]), (k, 1, m)), "g'(z_i) is taken at g(z_i) instead of z_i"),
    (lambda: g(pre[i])*Sum(v[k, i]*Partial(L, z[k]), (k, 1, m)), "stands where its slope g'(z_i) is meant"),
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
    derive(Partial(share[k], s[l]), lambda: share[k]*(KroneckerDelta(k, l) - share[l]), given=softmax)
    for wrong in (share[k]*(1 - share[k]), KroneckerDelta(k, l)*share[k]*(1 - share[l]), -share[k]*share[l]):
        with pytest.raises(FalseLine):
            derive(Partial(share[k], s[l]), wrong, given=softmax)


@pytest.mark.parametrize("wrong", [
    lambda: X.T*(Y - Y_hat)/n, lambda: X.T*(Y_hat - Y), lambda: X.T*Y_hat/n, lambda: X.T*W/n, lambda: 2*X.T*(Y_hat - Y)/n])
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


def test_the_last_line_is_compared_with_the_first_whatever_was_said_of_those_between(monkeypatch):
    answers = iter([True, True])
    monkeypatch.setattr(module, "is_zero", lambda *args: next(answers, False))
    with pytest.raises(FalseLine, match="Line 2 of the derivation is false"):
        derive(Partial(a**2, a), 2*a, 3*a, given=[])


def test_a_counterexample_shows_a_point_both_values_and_their_ratio():
    with pytest.raises(FalseLine) as refusal:
        derive(Partial(a**2*b, a), a*b, given=[])
    lines = dict(line.split(maxsplit=1) for line in str(refusal.value).splitlines()[1:])
    point = dict(part.split(" = ") for part in lines["at"].split(", "))
    before, claimed, ratio = (Fraction(part.split(" = ")[1]) for part in lines["values"].split(", "))
    assert before == 2*Fraction(point["a"])*Fraction(point["b"]) and claimed == before*ratio and ratio == Fraction(1, 2)


def test_a_whole_point_holds_what_both_sides_need():
    with pytest.raises(FalseLine, match="d = 4, k = .*, n = 3"):
        derive(Partial(J, w[k]), 2*gradient)


# neither proved nor refuted


def test_undecided_is_a_failure():
    with pytest.raises(Undecided, match="neither proved nor refuted.*evidence and no proof"):
        derive(sp.Abs(a*b + a), sp.Abs(a)*sp.Abs(b + 1), given=[])


def test_evidence_is_called_evidence_and_not_counted_as_proof():
    weak = derive(sp.Abs(a*b + a), sp.Abs(a)*sp.Abs(b + 1), given=[], evidence=True, number="1")
    assert weak.verdict == "evidence only: equal at 4 sample points, not proved"
    assert "1 lines shown, 0 lines proved" in repr(module.ledger)
    with pytest.raises(FalseLine):
        derive(sp.Abs(a*b), a*b, given=[], evidence=True)


def test_where_nothing_can_be_tried_there_is_no_evidence_either():
    with pytest.raises(Undecided, match="no value that can be tried"):
        derive(log(-exp(a) - 1), log(-1 - exp(a)*exp(b - b + 0)) + sp.Abs(log(-exp(a) - 1)) - sp.Abs(log(-2 - 2*exp(a)) - log(2)),
               given=[], evidence=True)


@pytest.mark.parametrize("line", [lambda: a*0.5, lambda: 0.1*a + a*sp.Rational(2, 5), lambda: a*(1/2)])
def test_a_float_is_neither_true_nor_false(line):
    for evidence in (False, True):
        with pytest.raises(Undecided, match="is a float, which is not exact"):
            derive(a/2, line, given=[], evidence=evidence)


def test_a_float_in_a_definition_is_found():
    with pytest.raises(Undecided, match="float"):
        derive(Partial(J, a), a, given=[Definition(J, 0.5*a**2)])


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
    ("2*a", "text is not evaluated", TypeError), (None, "why", TypeError), (sp.Eq(a, b), "why", TypeError),
    (True, "why", TypeError),
    (2*a, "", ValueError), (2*a, "   ", ValueError), (2*a, None, ValueError), (X, "a matrix", ValueError)])
def test_a_bad_step_raises_before_anything_changes(expr, reason, error):
    derivation = Derivation(Partial(a**2, a))
    with pytest.raises(error):
        derivation.step(expr, reason)
    assert derivation.lines == []


@pytest.mark.parametrize("make", [
    lambda: Derivation("J"), lambda: Derivation(J, given=[J]), lambda: Derivation(J, given=[cost, cost]),
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
    assert global_parameters.evaluate and derivation.verdict is None and module.ledger.derivations == []
    with pytest.raises(FalseLine):
        derive(a, b, given=[])
    assert global_parameters.evaluate


def test_nothing_is_shown_before_it_is_proved():
    unproved = Derivation(Partial(a**2, a), number="7")
    for use in (unproved._repr_markdown_, unproved.values, lambda: Summary(unproved), lambda: unproved.code(lambda a: 2*a)):
        with pytest.raises(Undecided, match="not proved yet"):
            use()
    assert repr(unproved) == "<Derivation 7: not proved yet>"


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
    with pytest.raises(WitnessDisagrees, match="the numerical derivative is"):
        linear_regression()


def test_the_numerical_witness_is_not_claimed_where_there_is_none():
    assert "numerical" not in derive(J, cost.body, given=[cost]).verdict
    assert "SymPy" not in derive(J, cost.body, given=[cost]).verdict
    assert "numerical" not in derive(Partial(L, pre[i]), recursion, given=layers).verdict


def right(X, y, w, b):
    return X.T @ (X @ w + b - y)/len(y)


def test_numpy_code_that_computes_the_last_line_is_confirmed():
    assert repr(PROVED.code(right)) == "✓ right computes equation (1.2) exactly, on three sets of arrays"


def test_the_arrays_are_computed_with_as_fractions():
    arrays = {"X": [[1, 2], [3, 4], [5, 6]], "y": [1, 0, 1], "w": [1, -1], "b": 2}
    got = PROVED.values(**arrays)
    assert list(got) == [1, Fraction(4, 3)] and list(got) == list(map(Fraction, got))


@pytest.mark.parametrize("wrong, message", [
    (lambda X, y, w, b: X.T @ (X @ w + b - y), "the ratio is"),
    (lambda X, y, w, b: -X.T @ (X @ w + b - y)/len(y), "the ratio is -1"),
    (lambda X, y, w, b: 2*X.T @ (X @ w + b - y)/len(y), "the ratio is 2"),
    (lambda X, y, w, b: X.T @ (X @ w - y)/len(y), "gives"),
    (lambda X, y, w, b: (X @ w + b - y)/len(y), r"shape \(4,\).*shape \(3,\)|shape"),
    (lambda X, y, w, b: right(X, y, w, b)[:, None], "shape"),
    (lambda X, y, w, b: X.T @ (X @ w + b - y[:, None]).mean(axis=1), "gives"),
    (lambda X, y, w, b: right(X, y, w, b)*np.nan, "nan"),
    (lambda X, y, w, b: right(X, y, w, b) + 1e-9, "gives"),
    (lambda X, y, w, b: right(X, y, w, b) + (abs(X[0, 0]) == 3), "gives"),
])
def test_numpy_code_with_a_fault_is_refused(wrong, message):
    with pytest.raises(WitnessDisagrees, match=message):
        PROVED.code(wrong)
    assert module.ledger.code == []


def test_all_three_sets_of_arrays_are_tried_even_where_floats_are_not_exact():
    derivation = derive(Partial(exp(a*b), a), lambda: b*exp(a*b), given=[], number="3")
    calls = []

    def code(a, b):
        calls.append((a, b))
        return b*np.exp(a*b)

    assert "to 13 digits" in repr(derivation.code(code)) and len(calls) == 3


def test_transposed_code_is_refused_for_a_matrix_and_a_jacobian():
    outer = derive(X.T*X, lambda: X.T*X*1, given=entries, number="4")
    square = MatrixSymbol("Q", n, n)
    skew = derive(square*2, lambda: 2*square, given=[Entries(square, q)], number="5")
    assert "exactly" in repr(outer.code(lambda X: X.T @ X)) and "exactly" in repr(skew.code(lambda q: 2*q))
    with pytest.raises(WitnessDisagrees):
        skew.code(lambda q: 2*q.T)
    s = indexed("s", n)
    jacobian = derive(Partial(s[i], u[j]), lambda: q[i, j], number="6", given=[Definition(s[i], Sum(q[i, j]*u[j], (j, 1, n)))])
    assert "exactly" in repr(jacobian.code(lambda q: q))
    with pytest.raises(WitnessDisagrees):
        jacobian.code(lambda q: q.T)


@pytest.mark.parametrize("arrays, message", [
    ({"X": [[1, 2]], "y": [1], "w": [1, 2]}, "a value for b is needed"),
    ({"X": [[1, 2]], "y": [[1]], "w": [1, 2], "b": 0}, r"y has shape \(1, 1\), expected"),
    ({"X": [[1, 2]], "y": [1], "w": [1, 2, 3], "b": 0}, "shape.*elsewhere"),
    ({"X": 3, "y": [1], "w": [1, 2], "b": 0}, r"x has shape \(\), expected|X has shape \(\), expected"),
])
def test_values_refuse_arrays_that_do_not_fit(arrays, message):
    with pytest.raises(ValueError, match=message):
        PROVED.values(**arrays)


def test_code_with_an_unknown_parameter_is_refused():
    with pytest.raises(ValueError, match="has a parameter rate.*it knows b, w, x, y"):
        PROVED.code(lambda X, y, w, b, rate: 0)


def test_an_undefined_activation_has_no_values():
    with pytest.raises(ValueError, match="has no value: the function is not known"):
        derive(Partial(g(a), a), g.prime(a), given=[]).values(a=1)


def test_functions_are_executed_to_many_digits():
    got = derive(Partial(sigmoid(a), a), sigmoid(a)*(1 - sigmoid(a)), given=[]).values(a=2)
    assert abs(float(got) - 0.10499358540350662) < 1e-16


# the ledger


def test_the_ledger_counts_derivations_lines_proofs_and_witnesses():
    linear_regression("1.2").code(right)
    derive(J, cost.body, given=[cost], number="1.3")
    assert repr(module.ledger) == ("Ledger: 2 derivations, 4 lines shown, 4 lines proved, 1 derivatives witnessed numerically, "
                                   "1 witnessed by NumPy code")


def test_running_a_cell_again_replaces_what_it_counted():
    for _ in range(2):
        linear_regression("1.2").code(right)
    assert "Ledger: 1 derivations, 3 lines" in repr(module.ledger) and len(module.ledger.code) == 1


def test_what_is_refused_is_not_counted(capsys):
    with refused():
        derive(Partial(J, w[k]), -gradient, number="1.2")
    assert module.ledger.derivations == [] and "the sign is wrong" in capsys.readouterr().out


def test_refused_raises_if_nothing_is_refused():
    with pytest.raises(AssertionError, match="meant to be refused"):
        with refused():
            linear_regression()


# appearance


def test_a_derivation_reads_as_text():
    assert repr(PROVED).splitlines() == [
        "(1.2) ∂J/∂w_k",
        "    = 1/(2 n) Σ_{i=1..n} 2 (ŷ_i - y_i) ∂/∂w_k (ŷ_i - y_i)    [power rule, then chain rule]",
        r"    = 1/n Σ_{i=1..n} (ŷ_i - y_i) ∂ŷ_i/∂w_k    [the 2 meets the \frac12]",
        "    = 1/n Σ_{i=1..n} (ŷ_i - y_i) x_ik    [only the term j=k of the sum contains w_k]",
        "    ✓ proved for every n and d · ✓ SymPy’s derivative · ✓ numerical derivative"]


def test_a_derivation_is_typeset_with_its_number_reasons_and_verdict():
    page = PROVED._repr_markdown_()
    assert page.startswith("$$\n\\begin{aligned}\n\\frac{\\partial J}{\\partial w_{k}} &= ")
    assert page.count("&=") == 3 and r"\tag{1.2}" in page and "<small>✓ proved for every n and d" in page
    assert page.count("{") == page.count("}") and page.count(r"\begin") == page.count(r"\end")


def test_long_reasons_wrap_outside_of_mathematics():
    reason = "only the term $j = k$ of the sum over all the many features contains the weight $w_k = w_j$"
    lines = module._wrapped(reason)
    assert len(lines) > 2 and " ".join(lines) == reason
    assert all(line.count("$") % 2 == 0 and len(line) <= 45 for line in lines)
    assert module._wrapped("short") == ["short"]


def test_a_summary_is_one_line_for_each_result():
    summary = Summary(cost, PROVED)
    assert len(repr(summary).splitlines()) == 2
    assert repr(summary).splitlines()[1].startswith("(1.2) ∂J/∂w_k = 1/n Σ_{i=1..n} (ŷ_i - y_i) x_ik    proved for every n and d")
    assert summary._repr_markdown_().count(r"\\") == 1


SCRIPT = """
from vocabulary import *
from helpers.derivation import FalseLine, ledger
from helpers.expressions import Depends
z = indexed("z", m)
print(linear_regression(), linear_regression()._repr_markdown_())
print(derive(Partial(L, z[j]), lambda: 2*J*Partial(J, z[j]), given=[Depends(J, z[k], (k, 1, m)), Definition(L, J**2)]))
for wrong in (n*gradient, Sum((y_hat[i] - y[i])*x[k, i], (i, 1, n))):
    try:
        derive(Partial(J, w[k]), wrong)
    except FalseLine as refusal:
        print(refusal)
print(ledger)
"""


@pytest.mark.long
def test_the_output_is_the_same_for_every_hash_seed():
    tests = Path(__file__).resolve().parent
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tests), str(tests.parent)]), "PYTHONIOENCODING": "utf-8"}
    runs = [subprocess.Popen([sys.executable, "-c", SCRIPT], env={**environment, "PYTHONHASHSEED": seed}, stdout=subprocess.PIPE)
            for seed in ("0", "4")]
    outputs = [run.communicate()[0].decode() for run in runs]
    assert len(outputs[0].splitlines()) > 25 and outputs[0] == outputs[1]
