"""Formulas are shown as a textbook prints them: nothing reordered, and nothing that can be read in
two ways."""

import pytest
import sympy as sp
from sympy import (
    E,
    HadamardProduct,
    Integer,
    KroneckerDelta,
    MatrixSymbol,
    Product,
    Rational,
    Sum,
    Symbol,
    exp,
    log,
    sqrt,
    symbols,
)

from derivations.printing import alike, plain, tex
from derivations.symbols import Gradient, Partial, activation, as_written, indexed, sigmoid

n, d = symbols("n d", integer=True, positive=True)
i, j, k, l = symbols("i j k l", integer=True)
a, b, J, t, eta, y_hat, w_new = symbols("a b J t eta y_hat w_new", real=True)
x, y, u, w = indexed("x", n, d), indexed("y", n), indexed("u", n), indexed("w", d)
z, W = indexed("z^(2)", n), indexed("w^(2)", n, d)
X, v, r = MatrixSymbol("X", n, d), MatrixSymbol("w", d, 1), MatrixSymbol("y", n, 1)
g = activation("g")

with as_written():
    FORMS = [
        # order and signs
        (y[i] - t, "y_i - t", "y_{i} - t"),
        (-(a - b), "-(a - b)", "-(a - b)"),
        (a - (b - a), "a - (b - a)", "a - (b - a)"),
        (1 - a, "1 - a", "1 - a"),
        (a*(-b), "-a b", r"-a \, b"),
        (b*a, "b a", r"b \, a"),
        (2*3*a, "6 a", "6 a"),
        (a*2, "a 2", r"a \cdot 2"),
        # fractions
        (Sum(u[i], (i, 1, n))/n, "1/n Σ_{i=1..n} u_i", r"\frac{1}{n} \sum_{i=1}^{n} u_{i}"),
        (-Sum(u[i], (i, 1, n))/n, "-1/n Σ_{i=1..n} u_i", r"-\frac{1}{n} \sum_{i=1}^{n} u_{i}"),
        (Sum(u[i], (i, 1, n))/(2*n), "1/(2 n) Σ_{i=1..n} u_i",
         r"\frac{1}{2 n} \sum_{i=1}^{n} u_{i}"),
        (exp(-a)/(1 + exp(-a))**2, "e^-a/((1 + e^-a)²)", r"\frac{e^{-a}}{(1 + e^{-a})^{2}}"),
        (1/(1 + exp(-a)), "1/(1 + e^-a)", r"\frac{1}{1 + e^{-a}}"),
        (a/2, "a/2", r"\frac{a}{2}"),
        ((a/b)**2, "(a/b)²", r"\left(\frac{a}{b}\right)^{2}"),
        (a/(b/2), "a/(b/2)", r"\frac{a}{\frac{b}{2}}"),
        (a/(Sum(u[i], (i, 1, n))*2), "a/(2 Σ_{i=1..n} u_i)", r"\frac{a}{2 \sum_{i=1}^{n} u_{i}}"),
        # sums
        (Sum(u[i], (i, 1, n)) + b, "Σ_{i=1..n} u_i + b", r"\sum_{i=1}^{n} u_{i} + b"),
        (Sum(u[i] + b, (i, 1, n)), "Σ_{i=1..n} (u_i + b)", r"\sum_{i=1}^{n} (u_{i} + b)"),
        (Sum(-u[i], (i, 1, n)), "Σ_{i=1..n} (-u_i)", r"\sum_{i=1}^{n} (-u_{i})"),
        (Sum(u[i], (i, 1, n))**2, "(Σ_{i=1..n} u_i)²", r"\Bigl(\sum_{i=1}^{n} u_{i}\Bigr)^{2}"),
        (Sum(u[i], (i, 1, n))*b, "b Σ_{i=1..n} u_i", r"b \, \sum_{i=1}^{n} u_{i}"),
        (Sum(x[i, j], (j, 1, d), (i, 1, n)), "Σ_{i=1..n} Σ_{j=1..d} x_ij",
         r"\sum_{i=1}^{n} \sum_{j=1}^{d} x_{ij}"),
        (Sum(Sum(x[i, j], (j, 1, d)), (i, 1, n)), "Σ_{i=1..n} Σ_{j=1..d} x_ij",
         r"\sum_{i=1}^{n} \sum_{j=1}^{d} x_{ij}"),
        (log(Product(u[i], (i, 1, n))), "log(Π_{i=1..n} u_i)",
         r"\log\Bigl(\prod_{i=1}^{n} u_{i}\Bigr)"),
        # entries, layers, hats
        (x[i, j], "x_ij", "x_{ij}"),
        (x[1, 12], "x_1,12", "x_{1,12}"),
        (x[i + 1, j], "x_{i+1,j}", "x_{i+1,j}"),
        (y_hat, "ŷ", r"\hat{y}"),
        (W[k, j]*z[k]**2, "w^(2)_kj z^(2)_k²", r"w^{(2)}_{kj} \, {z^{(2)}_{k}}^{2}"),
        (eta*a, "η a", r"\eta \, a"),
        (sp.pi*a, "π a", r"\pi \, a"),
        # powers and functions
        ((-a)**2, "(-a)²", "(-a)^{2}"),
        (E**2, "e²", "e^{2}"),
        (exp(a)**2, "(e^a)²", "(e^{a})^{2}"),
        (a**b**2, "a^b²", "a^{b^{2}}"),
        (sqrt(a), "√(a)", r"\sqrt{a}"),
        (1/sqrt(a), "1/√(a)", r"\frac{1}{\sqrt{a}}"),
        (u[i]**Rational(3, 2), "u_i^(3/2)", r"u_{i}^{\frac{3}{2}}"),
        (g.prime(z[k]), "g'(z^(2)_k)", "g'(z^{(2)}_{k})"),
        (g.prime.prime(a)**2, "g''(a)²", "g''(a)^{2}"),
        (sigmoid(a)*(1 - sigmoid(a)), "σ(a) (1 - σ(a))", r"\sigma(a) (1 - \sigma(a))"),
        (KroneckerDelta(k, l)*a, "1[k=l] a", r"\mathbf{1}_{k=l} \, a"),
        (Integer(0), "0", "0"),
        # derivatives
        (Partial(J, w[k]), "∂J/∂w_k", r"\frac{\partial J}{\partial w_{k}}"),
        (Partial(J, w[k])**2, "(∂J/∂w_k)²", r"\left(\frac{\partial J}{\partial w_{k}}\right)^{2}"),
        (Partial(Partial(J, w[j]), w[k]), "∂²J/(∂w_k∂w_j)",
         r"\frac{\partial^{2} J}{\partial w_{k} \, \partial w_{j}}"),
        (Partial(Partial(J, a), a), "∂²J/∂a²", r"\frac{\partial^{2} J}{\partial a^{2}}"),
        (Partial(Partial(Partial(J, a), b), b), "∂³J/(∂b²∂a)",
         r"\frac{\partial^{3} J}{\partial b^{2} \, \partial a}"),
        (Partial(Partial(J, w[j]), w[j]), "∂²J/∂w_j²",
         r"\frac{\partial^{2} J}{\partial w_{j}^{2}}"),
        (2*Partial(a*b, a), "2 ∂/∂a (a b)", r"2 \frac{\partial}{\partial a} (a \, b)"),
        # matrices
        (X.T*(X*v - r)/n, "1/n Xᵀ (X w - y)", r"\frac{1}{n} \, X^{\top} (X \, w - y)"),
        (-X.T*(r - X*v)/n, "-1/n Xᵀ (y - X w)", r"-\frac{1}{n} \, X^{\top} (y - X \, w)"),
        (v - eta*Gradient(J, v), "w - η ∇_w J", r"w - \eta \, \nabla_{\!w} J"),
        (X.T*HadamardProduct(X*v, r), "Xᵀ ((X w) ⊙ y)", r"X^{\top} ((X \, w) \odot y)"),
    ]


@pytest.mark.parametrize("expr, text, latex", FORMS, ids=[text for _, text, _ in FORMS])
def test_a_formula_is_shown_as_in_a_textbook(expr, text, latex):
    assert plain(expr) == text
    assert tex(expr) == latex


def test_a_derivative_does_not_seem_to_reach_the_factor_after_it():
    with as_written():
        outside, inside = Partial(g(a), a)*b, Partial(g(a)*b, a)
    assert plain(outside) == "(∂/∂a (g(a))) b" and plain(inside) == "∂/∂a (g(a) b)"
    assert tex(outside) == r"\left(\frac{\partial}{\partial a} g(a)\right) \, b"


def test_a_sum_times_itself_is_no_sum_of_sums():
    with as_written():
        product = Sum(u[i], (i, 1, n))*Sum(u[i], (i, 1, n))
    assert plain(product) == "(Σ_{i=1..n} u_i) Σ_{i=1..n} u_i"


@pytest.mark.parametrize("name", ["root", "case", "cases", "Sum", "Abs", "And", "exp", "Identity"])
def test_a_function_of_the_reader_keeps_its_name(name):
    unknown, ours = sp.Function(name)(a), activation(name)(a)
    latex = rf"\{name}(a)" if name == "exp" else rf"\operatorname{{{name}}}(a)"
    assert plain(unknown) == plain(ours) == f"{name}(a)" and tex(unknown) == latex


def test_a_name_with_a_subscript_takes_an_index():
    """Two subscripts in a row are an error in LaTeX."""
    assert (tex(indexed("w_new", n)[i]) == "{w_{new}}_{i}"
            and plain(indexed("w_new", n)[i]) == "w_new_i")


@pytest.mark.parametrize("one, other", [
    (lambda: Sum(u[i] + b, (i, 1, n)), lambda: Sum(u[i], (i, 1, n)) + b),
    (lambda: (a/b)**2, lambda: a/b**2),
    (lambda: (a**b)**2, lambda: a**b**2), (lambda: (a + b)*2, lambda: a + b*2),
    (lambda: -(a**2), lambda: (-a)**2),
    (lambda: a/(b*t), lambda: a/b*t), (lambda: a - (b + t), lambda: a - b + t),
    (lambda: x[1, 12], lambda: x[11, 2]),
    (lambda: g(a)**2, lambda: g(a**2)),
    (lambda: Sum(u[i]**2, (i, 1, n)), lambda: Sum(u[i], (i, 1, n))**2),
    (lambda: log(a)*b, lambda: log(a*b)), (lambda: exp(a)*b, lambda: exp(a*b)),
    (lambda: x[i + 1, j], lambda: x[i, j] + 1),
    (lambda: E**2, lambda: E**E), (lambda: (X*v - r).T, lambda: X*v - r),
    (lambda: Sum(u[i], (i, 1, n))*Sum(y[i], (i, 1, n)),
   lambda: Sum(u[i]*Sum(y[i], (i, 1, n)), (i, 1, n)))])
def test_two_different_formulas_never_look_the_same(one, other):
    with as_written():
        first, second = one(), other()
    assert plain(first) != plain(second) and tex(first) != tex(second)


@pytest.mark.parametrize("expr, text, latex", FORMS, ids=[text for _, text, _ in FORMS])
def test_latex_is_balanced_and_text_is_one_line_without_commands(expr, text, latex):
    assert latex.count("{") == latex.count("}") and latex.count(r"\left") == latex.count(r"\right")
    assert "\\" not in text and "\n" not in text and "**" not in text
    assert text.count("(") == text.count(")")


def test_sums_and_transposes_of_matrices_are_shown_as_they_are_typed():
    with as_written():
        assert plain(v - X.T*r) == "w - Xᵀ y" and plain(-v + X.T*r) == "-w + Xᵀ y"
        assert plain((X*v).T) == "(X w)ᵀ" and plain(v - (v - v)) == "w - (w - w)"


@pytest.mark.parametrize("expr, text, latex", [
    (lambda: sp.Abs(a - b), "|a - b|", r"\left|a - b\right|"),
    (lambda: sp.Max(a, 0), "max(0, a)", r"\max(0, a)"),
    (lambda: sp.Heaviside(a), "H(a)", "H(a)"), (lambda: sp.Ne(a, 0), "a ≠ 0", r"a \ne 0"),
    (lambda: sp.Piecewise((a, a > 0), (b, True)), "{a if a > 0, b otherwise}",
     r"\begin{cases} a & a > 0 \\ b & \text{otherwise} \end{cases}"),
    (lambda: sp.Trace(X.T*X), "tr(Xᵀ X)", r"\operatorname{tr}(X^{\top} \, X)"),
    (lambda: sp.Identity(n)*X, "I X", r"I \, X"),
    (lambda: (X.T*X)**2, "(Xᵀ X)²", r"(X^{\top} \, X)^{2}"),
    (lambda: sp.HadamardPower(X, 2), "X^⊙2", r"X^{\odot 2}"),
    (lambda: X.applyfunc(g), "g(X)", "g(X)"),
    (lambda: sp.Inverse(X.T*X), "(Xᵀ X)⁻¹", r"(X^{\top} \, X)^{-1}")])
def test_kinks_conditions_and_matrices_are_shown_as_in_a_textbook(expr, text, latex):
    with as_written():
        made = expr()
    assert (plain.show(made), tex.show(made)) == (text, latex)


def test_names_that_look_like_one_are_found():
    assert alike(Symbol("u_1") + a, u[1]) == (Symbol("u_1"), u[1])
    assert alike(u[1], a*u[1], u[i]) is None


def test_names_keep_their_marks_and_subscripts():
    assert tex(w_new) == "w_{new}" and plain(w_new) == "w_new"
    assert tex(Symbol("delta_bar^(1)")) == r"\bar{\delta}^{(1)}" and plain(Symbol("y_tilde")) == "ỹ"
