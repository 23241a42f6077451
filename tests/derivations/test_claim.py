"""Bring your own: four witnesses agree on what is right in any form, and say of a wrong claim which mistake it is."""

import pytest
from sympy import Derivative, MatrixSymbol, Rational, Sum, Symbol, cosh, exp, log, symbols, tanh

from derivations.claim import bring_your_own
from derivations.definitions import Definition, Depends
from derivations.symbols import Partial, activation, as_written, indexed, sigmoid

w, x, y, z, b, t, L, a, k_real = symbols("w x y z b t L a k_real", real=True)
n, d = symbols("n d", integer=True, positive=True)
i, j, k = symbols("i j k", integer=True)
X, Y, W = indexed("x", n, d), indexed("y", n), indexed("w", d)
g = activation("g")
with as_written():
    ERROR = Sum(W[j]*X[i, j], (j, 1, d)) - Y[i]
    J = Sum(ERROR**2, (i, 1, n))/(2*n)
    GRADIENT = Sum(ERROR*X[i, k], (i, 1, n))/n

RIGHT = [
    ((w*x - y)**2/2, (w*x - y)*x, w),
    ((w*x - y)**2/2, w*x**2 - x*y, w),
    (1/(1 + exp(-w*x)), x/(2 + 2*cosh(w*x)), w),
    (sigmoid(w*x), x*sigmoid(w*x)*sigmoid(-w*x), w),
    (log(1 + exp(z)) - t*z, sigmoid(z) - t, z),
    (tanh(w*x), x*(1 - tanh(w*x)**2), w),
    (log(w), 1/w, w),
    (J, GRADIENT, W[k]),
    (g(w*x + b)**2/2, g(w*x + b)*g.prime(w*x + b)*x, w),
    (g(g(w*x)), g.prime(g(w*x))*g.prime(w*x)*x, w),
    (g.prime(w), g.prime.prime(w), w),
]


@pytest.mark.parametrize("function, claimed, variable", RIGHT, ids=[str(claimed)[:40] for _, claimed, _ in RIGHT])
def test_what_is_right_is_right_for_all_four(function, claimed, variable):
    said = bring_your_own(function, claimed, variable)
    assert said and said.verdict == "right" and not said.hint
    assert [witness.verdict for witness in said.witnesses] == ["agrees"]*4


WRONG = [
    ((w*x - y)**2/2, w*x - y, w, "the factor x is missing"),
    ((w*x - y)**2/2, (y - w*x)*x, w, "the sign is wrong"),
    ((w*x - y)**2, (w*x - y)*x, w, "a factor 2 is missing, or a ½ too many"),
    (w**3, 3*w, w, "the exponent 2 became 1"),
    (sigmoid(z), z*(1 - z), z, "z stands where σ(z) is meant"),
    (sigmoid(z), sigmoid(sigmoid(z))*(1 - sigmoid(sigmoid(z))), z, "the slope of σ(z) is taken at σ(z) instead of z"),
    (g(w*x)**2/2, g(w*x)*g.prime(g(w*x))*x, w, "g'(w x) is taken at g(w x) instead of w x"),
    (J, n*GRADIENT, W[k], "a sum stands where a mean is meant"),
    (J, Sum(ERROR*X[k, i], (i, 1, n))/n, W[k], "an index is wrong or two are swapped"),
]


@pytest.mark.parametrize("function, claimed, variable, mistake", WRONG, ids=[mistake for *_, mistake in WRONG])
def test_a_wrong_claim_gets_the_name_of_its_mistake(function, claimed, variable, mistake):
    said = bring_your_own(function, claimed, variable)
    assert not said and said.verdict == "wrong" and mistake in said.hint
    assert mistake in repr(said) and mistake in said._repr_markdown_()


@pytest.mark.parametrize("function, claimed, variable, mistake", WRONG[:-1], ids=[mistake for *_, mistake in WRONG[:-1]])
def test_each_of_the_four_says_so_and_an_example_is_given(function, claimed, variable, mistake):
    said = bring_your_own(function, claimed, variable)
    assert [witness.verdict for witness in said.witnesses] == ["differs"]*4
    assert "true: " in said.example and "yours: " in said.example


def test_a_claim_that_is_right_but_not_proved_is_called_neither_right_nor_wrong():
    said = bring_your_own(1/(1 + exp(-w*x)), x/(4*cosh(w*x/2)**2), w)
    assert not said and said.verdict == "not decided"
    assert [witness.verdict for witness in said.witnesses] == ["cannot say", "cannot say", "agrees", "agrees"]


def test_a_short_decimal_is_exact():
    assert bring_your_own(0.5*w*x, 0.5*x, w)
    assert bring_your_own(0.5*w*x, 0.25*x, w).verdict == "wrong"


def test_definitions_and_unknown_functions_are_welcome():
    with as_written():
        names = [Definition(L, (a - y)**2/2), Definition(a, sigmoid(z)), Definition(z, w*x)]
    assert bring_your_own(L, (a - y)*a*(1 - a)*x, w, given=names)
    assert "∂L/∂z" in repr(bring_your_own(L, (a - y)*a*(1 - a), z, given=names))
    unknown = [Depends(L, z), Definition(z, w*x)]
    said = bring_your_own(L, Partial(L, z)*x, w, given=unknown)
    assert said and [witness.verdict for witness in said.witnesses] == ["agrees", "cannot say", "cannot say", "cannot say"]
    assert not bring_your_own(L, -Partial(L, z)*x, w, given=unknown)


@pytest.mark.parametrize("function, claimed, variable, error, words", [
    ("w*x", x, w, TypeError, r"the function is 'w\*x', expected a formula of SymPy symbols; text is not evaluated"),
    (w*x, "x", w, TypeError, "the claim is 'x'"),
    (w*x, ..., w, TypeError, "the claim is Ellipsis"),
    (MatrixSymbol("A", 2, 2), x, w, TypeError, r"the function is a matrix of shape \(2, 2\)"),
    (w*x, x, 2*w, TypeError, "the variable is 2\\*w, expected a symbol"),
    (w*x, x, "w", TypeError, "the variable is 'w'"),
    (w*x, Derivative(w*x, w), w, ValueError, "still holds a derivative that is to be taken"),
    (w*x, Partial(w*x, w), w, ValueError, "still holds a derivative that is to be taken"),
    (w*x, x, y, ValueError, "does not contain y: it contains w, x"),
    (w*x, x, Symbol("w"), ValueError, "another symbol of that name"),
])
def test_bad_input_is_an_error_that_says_what_was_expected(function, claimed, variable, error, words):
    with pytest.raises(error, match=words):
        bring_your_own(function, claimed, variable)


def test_the_numpy_witness_runs_code_that_counts_from_one():
    said = bring_your_own(J, GRADIENT, W[k])
    assert said.witnesses[3].name == "NumPy code" and said.witnesses[3].verdict == "agrees"
    assert not bring_your_own(J, GRADIENT + Rational(1, 10**5), W[k])


def test_the_page_shows_an_equation_only_for_what_is_right():
    assert r"\overset{?}{=}" in bring_your_own(w**2, w, w)._repr_markdown_()
    assert "?" not in bring_your_own(w**2, 2*w, w)._repr_markdown_()
