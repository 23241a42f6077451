"""Bring your own: proof and numbers agree on what is right in any form, and say of a wrong claim
which mistake it is."""

from functools import cache

import pytest
from sympy import (
    Derivative,
    Function,
    Integer,
    MatrixSymbol,
    Max,
    Sum,
    Symbol,
    Trace,
    cosh,
    exp,
    eye,
    log,
    symbols,
    tanh,
)

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


@pytest.mark.parametrize("function, claimed, variable", RIGHT,
                         ids=[str(claimed)[:40] for _, claimed, _ in RIGHT])
def test_what_is_right_is_proved_and_confirmed_by_numbers(function, claimed, variable):
    said = bring_your_own(function, claimed, variable)
    assert said and said.verdict == "right" and not said.hint
    assert ([(witness.name, witness.verdict) for witness in said.witnesses]
            == [("proof", "agrees"), ("numbers", "agrees")])


WRONG = [
    ((w*x - y)**2/2, w*x - y, w, "the factor x is missing"),
    ((w*x - y)**2/2, (y - w*x)*x, w, "the sign is wrong"),
    ((w*x - y)**2, (w*x - y)*x, w, "a factor 2 is missing, or a ½ too many"),
    (w**3, 3*w, w, "the exponent 2 became 1"),
    (sigmoid(z), z*(1 - z), z, "z stands where σ(z) is meant"),
    (sigmoid(z), y*(1 - y), z, "y stands for σ(z), but nothing says so"),
    ((sigmoid(z) - y)**2/2, (sigmoid(z) - y)*y*(1 - y), z,
     "y stands where σ(z) is meant in the slope"),
    ((sigmoid(z) - y)**2/2, (sigmoid(z) - y)*sigmoid(sigmoid(z))*(1 - sigmoid(sigmoid(z))), z,
     "is taken at σ(z) instead of z"),
    ((tanh(z) - y)**2/2, (tanh(z) - y)*(1 - tanh(tanh(z))**2), z,
     "the slope of tanh(z) is taken at tanh(z) instead of z"),
    ((tanh(z) - y)**2/2, (tanh(z) - y)*(1 - z**2), z, "z stands where tanh(z) is meant"),
    ((tanh(z) - y)**2/2, (tanh(z) - y)*tanh(z), z, "tanh(z) stands where its slope is meant"),
    ((tanh(z) - y)**2/2, tanh(z) - y, z, "the slope of tanh(z) is left out"),
    ((w*x - y)**2, (w*x - y)*x/2, w, "a factor 2 is missing, twice over"),
    (J, Sum(ERROR*X[i, 1], (i, 1, n))/n, W[k], "x_i1 for x_ik: a number where k runs"),
    (J, Sum(ERROR*X[i, k], (i, 1, d))/n, W[k], "the sum over i runs to d instead of n"),
    (J, Sum(ERROR*X[i, k], (i, 2, n))/n, W[k], "the sum over i begins with 2 instead of 1"),
    (J + b*Sum(W[j]**2, (j, 1, d)), GRADIENT + 2*b*Sum(W[j], (j, 1, d)), W[k],
     "is summed over all k"),
    (J + b*Sum(W[j]**2, (j, 1, d)), GRADIENT + b*W[k], W[k], "the factor 2 is missing"),
    (J + b*Sum(W[j]**2, (j, 1, d)), GRADIENT, W[k], "b w_k is missing"),
    (sigmoid(z), sigmoid(sigmoid(z))*(1 - sigmoid(sigmoid(z))), z,
     "the slope of σ(z) is taken at σ(z) instead of z"),
    (g(w*x)**2/2, g(w*x)*g.prime(g(w*x))*x, w, "g'(w x) is taken at g(w x) instead of w x"),
    ((w*x - y)**2, 2*(w*x - y)*w, w, "w stands where x is meant"),
    (Max(0, z), Integer(1), z, "the slope H(z) is left out"),
    (J, n*GRADIENT, W[k], "a sum stands where a mean is meant"),
    (J, Sum(ERROR*X[k, i], (i, 1, n))/n, W[k], "the indices of x_ik are swapped: a transpose"),
]


said_of = cache(bring_your_own)  # each wrong claim is judged once, and looked at by all tests


@pytest.mark.parametrize("function, claimed, variable, mistake", WRONG,
                         ids=[mistake for *_, mistake in WRONG])
def test_a_wrong_claim_gets_the_name_of_its_mistake(function, claimed, variable, mistake):
    said = said_of(function, claimed, variable)
    assert not said and said.verdict == "wrong" and mistake in said.hint
    assert mistake in repr(said) and mistake in said._repr_markdown_()


@pytest.mark.every(5)
@pytest.mark.parametrize("function, claimed, variable, mistake", WRONG,
                         ids=[mistake for *_, mistake in WRONG])
def test_the_right_derivative_stands_beside_a_wrong_claim_and_is_right(
    function, claimed, variable, mistake):
    assert bring_your_own(function, said_of(function, claimed, variable).right, variable)


def test_numbers_say_so_and_an_example_is_given():
    said = bring_your_own((w*x - y)**2/2, w*x - y, w)
    assert [witness.verdict for witness in said.witnesses] == ["differs", "differs"]
    assert said.example == "w = 5/4, y = -7/4, x = -5/2: it is 3.4375, and -1.375 is claimed"


@pytest.mark.every(3)
@pytest.mark.parametrize("width", [1, 8, 200, 800])
def test_a_wrong_sign_is_found_however_small_the_values_are(width):
    """exp(-800 |x - c|²) is nowhere near 1e-300: there is no floor below which everything
    agrees."""
    c, v = indexed("c", d), indexed("v", d)
    bell = exp(-width*Sum((v[i] - c[i])**2, (i, 1, d)))
    right = 2*width*bell*(v[k] - c[k])
    assert bring_your_own(bell, right, c[k])
    for wrong, hint in ((-right, "the sign is wrong"), (right/2, "a factor 2 is missing")):
        said = bring_your_own(bell, wrong, c[k])
        assert said.verdict == "wrong" and all(w.verdict == "differs" for w in said.witnesses)
        assert said.hint.startswith(hint)


def test_labels_that_need_not_sum_to_1_are_named_with_the_factor_they_cost():
    K = symbols("K", integer=True, positive=True)
    p, v, h = (indexed(name, K) for name in "pvh")
    with as_written():
        softmax = [Definition(L, -Sum(h[k]*log(p[k]), (k, 1, K))),
                   Definition(p[k], exp(v[k])/Sum(exp(v[j]), (j, 1, K)))]
    assert ("right only where Σ_{k=1..K} h_k = 1"
            in bring_your_own(L, p[i] - h[i], v[i], given=softmax).hint)
    assert bring_your_own(L, p[i]*Sum(h[k], (k, 1, K)) - h[i], v[i], given=softmax)


TEXTS = [
    ("(w*x-y)**2/2", "(w*x-y)*x", "w"), ("(w x - y)²/2", "(w x − y) x", "w"),
    ("σ(w x)", "σ(w x) (1 - σ(w x)) x", "w"),
    (r"\frac{1}{n}\sum_i (w x_i - y_i)^2", r"\frac{2}{n} \sum_{i=1}^{n} (w x_i - y_i) x_i", "w"),
    (r"\frac{1}{2n}\sum_i (\sum_j w_j x_{ij} - y_i)^2",
     r"\frac1n\sum_i\left(\sum_j w_j x_{ij} - y_i\right)x_{ik}", "w_k"),
    ("Sum((w[j]*x[i])**2, (i, 1, n))", "2*w[j]*Sum(x[i]**2, (i, 1, n))", "w[j]"),
    ("g(w x)", "g'(w x) x", "w"),
    ("sum_i (w x_i - y_i)^2", "2 sum_i (w x_i - y_i) x_i", "w"), ("||w||^2", "2 w_k", "w_k"),
    ("log(sum(exp(z[k]), (k, 1, m)))", "exp(z[j])/sum(exp(z[k]), (k, 1, m))", "z[j]"),
    ("½ (ŷ − y)²", "ŷ − y", "ŷ"),
]


@pytest.mark.every(2)
@pytest.mark.parametrize("function, claimed, variable", TEXTS,
                         ids=[claimed for _, claimed, _ in TEXTS])
def test_text_and_latex_are_read(function, claimed, variable):
    assert bring_your_own(function, claimed, variable)
    assert bring_your_own(function, f"-({claimed})", variable).hint == "the sign is wrong"


def test_the_text_of_a_claim_is_read_with_the_symbols_of_the_function():
    assert bring_your_own(J, "1/n Σ_{i=1..n} (Σ_{j=1..d} w_j x_ij - y_i) x_ik", W[k])
    with pytest.raises(ValueError, match="the name q is not known"):
        bring_your_own(J, "q_k", W[k])


def test_nothing_in_the_terminal_is_latex():
    for function, claimed, variable, _ in WRONG:
        assert "\\" not in repr(said_of(function, claimed, variable))


def test_code_may_be_held_against_the_claim():
    assert (bring_your_own(J, GRADIENT, W[k], code=lambda X, w, y: X.T @ (X @ w - y)
                           / len(y)).witnesses[2].verdict == "agrees")
    assert not bring_your_own(J, GRADIENT, W[k], code=lambda X, w, y: X.T @ (X @ w - y) / 4)


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
    assert said and [witness.verdict for witness in said.witnesses] == ["agrees", "agrees"]
    assert not bring_your_own(L, -Partial(L, z)*x, w, given=unknown)


@pytest.mark.parametrize("function, claimed, variable, error, words", [
    ("__import__('os')", x, w, ValueError, "cannot read"),
    (w*x, "x +", w, ValueError, "expected a number, a name or a bracket"),
    (Function("g")(w), w, w, TypeError, 'make it with activation\\("g"\\)'),
    (w*x, "q", w, ValueError, "the name q is not known; it knows w, x"),
    (w*x, ..., w, TypeError, "the claim is Ellipsis"),
    (MatrixSymbol("A", 2, 2), x, w, TypeError, r"the function is a matrix of shape \(2, 2\)"),
    (w*x, x, 2*w, TypeError, "the variable is 2\\*w, expected a symbol"),
    (w*x, Derivative(w*x, w), w, ValueError, "still holds a derivative that is to be taken"),
    (w*x, Partial(w*x, w), w, ValueError, "still holds a derivative that is to be taken"),
    (w*x, x, y, ValueError, "does not contain y: it contains w, x"),
    (w*x, x, Symbol("w"), ValueError, "another symbol of that name"),
])
def test_bad_input_is_an_error_that_says_what_was_expected(
    function, claimed, variable, error, words):
    with pytest.raises(error, match=words):
        bring_your_own(function, claimed, variable)


def test_the_page_shows_an_equation_only_for_what_is_right():
    assert r"\overset{?}{=}" in bring_your_own(w**2, w, w)._repr_markdown_()
    assert "?" not in bring_your_own(w**2, 2*w, w)._repr_markdown_()


def test_the_claim_of_a_gradient_may_be_a_number_or_a_table():
    square = MatrixSymbol("A", 2, 2)
    said = [bring_your_own(Trace(square), claimed, square) for claimed in (5, eye(2), 2*eye(2))]
    assert [one.verdict for one in said] == ["wrong", "right", "wrong"]
    assert said[0].hint == "its shape is not that of the variable"
