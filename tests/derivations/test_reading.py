"""Text and LaTeX become the formula that was meant, or a sentence that says where they do not;
nothing is evaluated."""

import string
from random import Random

import pytest
import sympy as sp
from sympy import Rational, Sum, exp, log, sqrt, tanh

from derivations.printing import plain, tex
from derivations.reading import INSTEAD, OF_A_MATRIX, Unreadable, read
from derivations.symbols import Partial, activation, indexed, names_in, sigmoid, softplus

n, d = sp.symbols("n d", integer=True, positive=True)
i, j, k = sp.symbols("i j k", integer=True, positive=True)
a, b, eta, w_1, L = sp.symbols("a b eta w_1 L", real=True)
x, y, y_hat, w, z_2 = (indexed("x", n, d), indexed("y", n), indexed("y_hat", n), indexed("w", d),
                       indexed("z^(2)", d))
g = activation("g")
KNOWN = [n, d, a, b, eta, w_1, L, x, y, y_hat, w, z_2]


def one(text):
    return read(text, known=KNOWN, functions=[g])[0]


@pytest.mark.every(2)
@pytest.mark.parametrize("texts, meant", [
    (["a*b", "a b", r"a \cdot b", "a·b", r"a\,b", "(a)(b)", "a(b)"], a*b),
    (["a**2/b", "a^2/b", "a²/b", r"\frac{a^2}{b}", r"\frac{a^{2}}b"], a**2/b),
    (["-a**2", "-a²", "−a^2", r"-a^{2}"], -a**2), (["2a", "2 a", r"2a"], 2*a),
    (["a/2b", "a/2*b"], a/2*b),
    (["a - b + a", "a−b+a"], 2*a - b), (["a**b**2", "a^b^2"], a**(b**2)),
    (["2^-a", "2**-a", "2^{-a}"], 2**(-a)),
    (["0.5 a", ".5a", r"\frac12 a", r"\tfrac{1}{2} a", "5e-1 a"], Rational(1, 2)*a),
    (["1e-3 a"], a/1000),
    (["σ(a)(1 − σ(a))", r"\sigma(a)\left(1-\sigma(a)\right)", "sigmoid(a) (1 - sigmoid(a))"],
     sigmoid(a)*(1 - sigmoid(a))),
    (["exp(-a)", "e^(-a)", "e^{-a}", r"e^{-a}", r"\exp(-a)"], exp(-a)),
    (["log(a)", "ln a", r"\log a", r"\ln(a)"], log(a)),
    (["log1p(a b)", "np.log1p(a*b)", r"\operatorname{log1p}(ab)", "log(1 + a b)"], log(1 + a*b)),
    (["expm1(a)", r"\mathrm{expm1}(a)"], exp(a) - 1), (["exp2(a)", "np.exp2(a)", "2^a"], 2**a),
    (["log2(a)", "np.log2(a)", "log_2(a)", "log_{2}(a)", "log₂(a)", r"\log_2(a)", r"\log_2 a",
      r"\log_{2}\left(a\right)"], log(a)/log(2)),
    (["log10(a)", "log_10(a)", "log_{10}(a)", r"\log_{10} a"], log(a)/log(10)),
    ([r"\log_b a", "log_b(a)"], log(a)/log(b)),
    (["log_2(a)^2", r"\log_2^2(a)"], (log(a)/log(2))**2),
    (["np.maximum(a, 0)", "maximum(a, 0)"], sp.Max(a, 0)), (["np.minimum(a, b)"], sp.Min(a, b)),
    (["np.square(a)", "np.power(a, 2)"], a**2),
    (["σ'(a)", r"\sigma'(a)", "sigmoid'(a)", "sigmoid(a)*(1 - sigmoid(a))"],
     sigmoid(a)*(1 - sigmoid(a))),
    (["tanh'(a b)"], 1 - tanh(a*b)**2), (["exp'(a)"], exp(a)),
    (["relu'(a)", "(a > 0)", "(a>=0)", "(0 < a)", "where(a > 0, 1, 0)", "1 - where(a > 0, 0, 1)"],
     sp.Heaviside(a)),
    (["(0 > a)", "np.where(a < 0, 1, 0)"], sp.Heaviside(-a)),
    (["np.where(a > b, a, 2*b)"], sp.Heaviside(a - b)*a + (1 - sp.Heaviside(a - b))*2*b),
    (["x_{k1}", "x_k1", "x[k, 1]"], x[k, 1]),
    (["√(a)", "sqrt(a)", r"\sqrt{a}"], sqrt(a)), (["tanh(a b)", r"\tanh(ab)"], tanh(a*b)),
    (["|a|", "abs(a)"], abs(a)),
    (["(ŷ_i - y_i) x_ik", "(y_hat[i] - y[i])*x[i, k]", r"(\hat{y}_i - y_i)\,x_{ik}",
      r"(\hat y_i-y_i) x_{i,k}"],
     (y_hat[i] - y[i])*x[i, k]),
    (["Sum(y[i]**2, (i, 1, n))/n", "1/n Σ_{i=1..n} y_i²", r"\frac{1}{n}\sum_{i=1}^n y_i^2",
      r"\frac1n\sum_i y_i^2"],
     Sum(y[i]**2, (i, 1, n))/n),
    (["∂L/∂w_k a", r"\frac{\partial L}{\partial w_k} a", "Partial(L, w[k])*a",
      r"a\tfrac{\partial{L}}{∂w_{k}}"], Partial(L, w[k])*a),
    (["x_{i+1,k}", "x_{i + 1, k}", "x[i + 1, k]"], x[i + 1, k]),
    ([r"\hat{\mathbf{y}}_i", r"\mathbf{\hat y}_i", r"\hat{y}_{i}", "ŷ_{i}"], y_hat[i]),
    (["x_ik^2", "x^2_ik", r"x^2_{ik}", "x²ᵢₖ", "x[i][k]^2"], x[i, k]**2),
    (["Σᵢ₌₁ⁿ yᵢ²", r"\sum^n_{i=1} y^2_i", r"\textstyle\sum\nolimits_i y_i^2"],
     Sum(y[i]**2, (i, 1, n))),
    (["I(a > 0) b", r"\mathbb{I}[a > 0]\,b", r"\mathbb{1}\{a > 0\} b", "b I(a > 0)", "b 1[a > 0]",
      r"b \mathbb{1}[a > 0]", r"b\,\mathbf{1}_{a > 0}", r"b \mathbb{1}_{\{a > 0\}}", "b*(a > 0)",
      r"b \mathbb{1}[a \ge 0]", "b 1[a ≥ 0]", "b 1[0 ≤ a]", r"b\mathbb{1}_{0 \leq a}"],
     sp.Heaviside(a)*b),
    (["y_i 1[k = j]", r"y_i \mathbb{1}[k = j]", r"y_i\mathbf{1}_{\{k = j\}}"],
     y[i]*sp.KroneckerDelta(k, j)),
    ([r"\widehat{y}_i", r"\mathcal{L}*0 + ŷ_i"], y_hat[i]), ([r"\max\{a, b\}"], sp.Max(a, b)),
    ([r"z^{[2]}_j", r"z^{[2]}_{j}", "z_j^[2]", r"z_j^{(2)}"], z_2[j]),
    ([r"e^{(a)}", "e^(a)"], exp(a)), ([r"\mathbf{\eta} a", "ηa"], eta*a),
    (["1/nΣ_{i=1..n} y_i", "1/n Σ_{i=1..n} y_i"], Sum(y[i], (i, 1, n))/n),
    (["g'(a) b", "b*g'(a)"], g.prime(a)*b), (["g(a)", r"g(a)"], g(a)),
    (["η a", "eta*a", r"\eta a"], eta*a), (["w_1 a"], w_1*a),
    (["z^(2)_j", r"z^{(2)}_j"], z_2[j]),
    (["1[k=j]", "KroneckerDelta(k, j)", r"\mathbf{1}_{k=j}"], sp.KroneckerDelta(k, j)),
    (["L = a b"], a*b), (["max(a, 0)", r"\max(a, 0)"], sp.Max(a, 0)),
    (["sum_i (y_i - a)", "Sum_{i=1}^n (y_i - a)", "sum(y[i] - a, (i, 1, n))", "Σ_i (yᵢ − a)",
      "sum_(i=1)^n (y_i - a)", r"\sum\limits_{i=1}^{n} (y_i - a)"], Sum(y[i] - a, (i, 1, n))),
    (["log(sum(exp(w[k]), (k, 1, d)))", "np.log(sum_k exp(w_k))"], log(Sum(exp(w[k]), (k, 1, d)))),
    (["||w||^2", "‖w‖²", r"\|w\|^2", r"\lVert w\rVert_2^2", "||w||_2**2"], Sum(w[i]**2, (i, 1, d))),
    (["||y_hat - a y||²"], Sum((y_hat[i] - a*y[i])**2, (i, 1, n))),
    (["|a||b|", "|a| |b|"], abs(a)*abs(b)),
    (["½ (ŷᵢ − yᵢ)²"], (y_hat[i] - y[i])**2/2),
    (["σ(a)·xᵢₖ", r"σ(a)\cdot x_{ik}"], sigmoid(a)*x[i, k]),
    (["tanh^2(a)", r"\tanh^2(a)", "tanh(a)^2", "tanh² a"], tanh(a)**2),
    (["relu(a)", "ReLU(a)"], sp.Max(a, 0)),
    (["(a > 0)", "1[a > 0]", "H(a)", "step(a)"], sp.Heaviside(a)),
    (["logistic(a)"], sigmoid(a)), (["softplus(a)"], softplus(a)),
    (["∂L/∂w_k ⊙ a"], Partial(L, w[k])*a), (["a ÷ b"], a/b), (["g′(a)"], g.prime(a)),
], ids=lambda value: value[0] if isinstance(value, list) else "")
def test_what_is_typed_is_what_is_meant(texts, meant):
    for text in texts:
        found = one(text)
        assert found.doit() == meant.doit() or sp.expand(found.doit() - meant.doit()) == 0, text


@pytest.mark.parametrize("text, told", [
    ("", "a formula as text is needed"), ("a +", "at the end"), ("(a", "expected ')' at the end"),
    ("a $$ )", "before ')'"),
    ("y_ht[i]", "the name y_ht is not known; did you mean y_hat?"), ("Eta", "did you mean eta?"),
    ("W[k]", "did you mean w?"),
    ("ab", r"did you mean a*b?"),
    ("q", "the name q is not known; it knows L, a, b"),
    ("y", r"y is an array: write one of its entries, as in y[i]"),
    ("x_i", "x has 2 indices, and stands with 1"), ("a[i]", "a has no index, and stands with 1"),
    ("f(a)", "the name f is not known"),
    ("9**9**9", "too large"), ("a**1000", "the exponent 1000 is too large"),
    ("1/0", "divides by zero"),
    ("1e999 a", "out of all proportion"),
    ("__import__('os').system('ls')", "cannot read"), ("a.b", "cannot read"),
    ("lambda: a", "cannot read"), ("a if b else a", "cannot"),
    ("(" * 900 + "a" + ")" * 900, "nested too deeply"), ("a" * 3000, "at most 2000 characters"),
    ("H'(a)", "write the slope of H out"),
    ("max'(a)", "write the slope of max out"),
    (r"\sum_q a", "how far does the sum over q run?"), ("tanh(a, b)", "does not take 2 values"),
    ("sum(y[i] for i in y)", "Sum(x[i]**2, (i, 1, n)), no Python"),
    ("np.sum(y)", "an index and how far it runs"),
    ("np.sum(y[i])", "an index and how far it runs"), ("a'", "a is a number here: write entries"),
    ("a @ b", "@ stands with a matrix"), (r"\begin{cases} a", r"\begin is not read here"),
    (r"\exp_2 a", "exp without an index"),
    (r"\log_1 a", "a base such as 2 or 10"), ("||w y||^2", "no product of arrays"),
    ("||w + y||", "arrays of d and n entries"), ("||a||_1", "the norm with squares"),
    ("tr(a)", "taken of a matrix"),
    ("sum_i", "at the end"), ("tanh^-1(a)", "the name of the inverse function"),
    ("lg a", "lg is no function that is known here"), ("sum over i of y_i", "expected '('"),
    ("softmax(a)", "softmax is no function that is known here"), ("y_i $ ? a", "before '? a'"),
    ("x_ik² ) \\hat{y}", "before ') \\\\hat{y}'"), ("η + ²b", "before '²'"),
    ("import os", "before 'import os'"), ("a ** import os.path", "before 'import os.'"),
    ("2 ( a²+  b", "at the end"), ("η a  =  )  b", "before ')  b'"),
    (r"\frac{a}{b} \begin {x}", r"before '\\begin {x'"), ("log 2(a)", "log(2)*(z)"),
    (r"\log2(a)", "log_2(z)"), ("mean(a)", "Sum(x[i]**2, (i, 1, n))/n"),
    ("np.where(a, b, 0)", "a comparison such as z > 0"),
])
def test_what_cannot_be_read_gets_a_sentence(text, told):
    with pytest.raises(Unreadable) as error:
        one(text)
    assert told in str(error.value) or told == "cannot" and "known" in str(error.value)


@pytest.mark.parametrize("name", ["gelu", "gelu2", "relu6", "my_fun", "act_fn", "d_relu", "log3p",
                                  "c_3", "c_{3}", "g2_of", "w2", "err_i", "d_sig"])
@pytest.mark.parametrize("bracket", ["{}(z)", "{} (z)", "{}(z, 1)", "2 {}(z + 1)", "z^{}(z)"])
def test_a_name_before_a_bracket_is_a_function_unless_it_stands_alone(name, bracket):
    with pytest.raises(Unreadable, match="is no function that is known here: .*log1p"):
        read(bracket.format(name), "z")


@pytest.mark.parametrize("word", [r"\mathrm{relu6}(z)", r"\operatorname{softmax}_k(z)"])
def test_a_word_in_latex_before_a_bracket_is_a_function(word):
    with pytest.raises(Unreadable, match="is no function that is known here"):
        read(word, "z")


@pytest.mark.parametrize("factor", ["x", "w_1", "a2", "W1", "c_{3}", "x_i", "w_ik", "y_hat", "beta",
                                    "theta_1", "x[i]", "rate"])
def test_a_name_that_stands_alone_is_a_factor_before_a_bracket(factor):
    product, alone, spelled = read(f"{factor}(z + 1)", factor, f"{factor}*(z + 1)")
    assert product == spelled and product.has(alone) and product.is_Mul


@pytest.mark.parametrize("name", sorted(INSTEAD))
@pytest.mark.parametrize("use", ["{}(x)", "{}(x_k)", "{} x", r"\operatorname{{{}}}(x)",
                                 "a {}(x)^2"])
def test_what_is_said_to_be_written_for_a_function_is_read(name, use):
    with pytest.raises(Unreadable) as error:
        read(use.format(name))
    assert f"write {INSTEAD[name]} for it" in str(error.value)
    assert read(INSTEAD[name])


def test_functions_are_offered_once():
    with pytest.raises(Unreadable) as error:
        one("softmax(a)")
    names = str(error.value).split(": ")[1].split(";")[0].split(", ")
    assert len({one(f"{name}(a, b)" if name in ("max", "min", "power", "KroneckerDelta")
                    else f"{name}(a)") for name in names if name not in OF_A_MATRIX}) == len(
                        [name for name in names if name not in OF_A_MATRIX])


rows, columns = (sp.MatrixSymbol(name, n, d) for name in "AX")
weights, labels = sp.MatrixSymbol("w", d, 1), sp.MatrixSymbol("y", n, 1)
# of w and y the entries are known as well
MATRICES = [n, d, a, rows, columns, weights, labels, w, y]


def of_matrices(text):
    return read(text, known=MATRICES, functions=[g])[0]


@pytest.mark.parametrize("texts, meant", [
    (["X.T*(X*w - y)/n", "X^T (X w - y)/n", "1/n X' (X w - y)", "Xᵀ(X w − y)/n",
      "X.T @ (X @ w - y)/n",
      r"\frac{1}{n}\mathbf{X}^\top(\mathbf{X}\mathbf{w}-\mathbf{y})", "transpose(X) (X w - y)/n",
      r"\frac1n X^{\mathsf T}(Xw-y)", "X.transpose()*(X*w - y)/n"],
      columns.T*(columns*weights - labels)/n),
    (["A ⊙ X", r"A \odot X", "A ∘ X"], sp.HadamardProduct(rows, columns)), (["-2 a A"], -2*a*rows),
    (["||X w - y||^2"], sp.Trace((columns*weights - labels).T*(columns*weights - labels))),
    (["||A - X||_F^2", r"\|A - X\|_F^2", r"\lVert A - X\rVert_{\mathrm{F}}^{2}", "‖A − X‖_F²"],
     sp.Trace((rows - columns).T*(rows - columns))),
    (["tr(A X^T)"], sp.Trace(rows*columns.T)), (["g(X w)"], (columns*weights).applyfunc(g)),
    (["w_k y_i", "w[k]*y[i]"], w[k]*y[i]), (["A'.T", "A.T'", "A.transpose().T"], rows),
])
def test_matrices_are_read_where_they_are_known(texts, meant):
    for text in texts:
        assert str(of_matrices(text).doit()) == str(meant.doit()), text


@pytest.mark.parametrize("text, told", [
    ("X y", "X (n × d) times y (n × 1) does not fit"),
    ("X + 1", "X (n × d) and the number 1 cannot be added"),
    ("A + X.T", "cannot be added"), ("X_ik", "X is a whole matrix here"),
    ("1/X", "nothing is divided by X (n × d)"),
    ("A ⊙ w", "does not fit"), ("sum_i X", "a sum adds numbers"),
    ("max(X, 0)", "max takes numbers, not matrices"),
    ("(w^T w)^X", "nothing is raised to X (n × d)"), ("w^X", "nothing is raised to X"),
    ("w^2", "w (d × 1) is not square and has no powers"), ("(X w - y)^2", "is not square"),
    ("Xw", "did you mean X*w?"), ("X'.a", "expected an operator"),
])
def test_matrices_that_do_not_fit_get_a_sentence(text, told):
    with pytest.raises(Unreadable) as error:
        of_matrices(text)
    assert told in str(error.value)


def test_without_known_names_they_are_made_and_shared():
    cost, slope, variable = read(
        r"\frac{1}{2n}\sum_i(\sum_j w_jx_{ij}-y_i)^2", r"\frac1n\sum_i(\sum_j w_jx_{ij}-y_i)x_{ik}",
        "w_k")
    assert variable.base.shape == (n,) or str(variable.base.shape) == "(d,)"
    assert (slope.free_symbols >= variable.indices[0].free_symbols
            and variable.base in cost.atoms(sp.IndexedBase))
    assert {str(e.base.shape) for e in cost.atoms(sp.Indexed)} == {"(d,)", "(n,)", "(n, d)"}
    with pytest.raises(Unreadable, match=r"wx would be one name: write w\*x for a product"):
        read("(wx - y)^2", "w", "x")
    latex, plainly, power = read(r"\frac{1}{2}(wx-y)^2", "(wx-y)^2/2", "wx^2", "w", "x", "y")[:3]
    assert sp.expand(latex - plainly) == 0 and power == sp.Symbol("w", real=True)*sp.Symbol(
        "x", real=True)**2
    with pytest.raises(Unreadable, match=r"\|\|…\|\| is of arrays"):
        read("||w x - y||^2 + v_i")


@pytest.mark.parametrize("texts, names", [
    (["z^{[2]} + x^{(i)}"], {"z^(2)", "x^(i)"}),
    ([r"W^{[1]}_{jk}", "W^[1]_jk"], {"W^(1)", "j", "k"}),
    ([r"\bar{x}_1", "x_bar_1"], {"x_bar"}), ([r"\Sigma\,\widetilde{w}"], {"Sigma", "w_tilde"}),
    (["x_{prev}", r"x_{prev}", r"\mathrm{x}_{prev}"], {"x_prev"})])
def test_marks_and_layers_belong_to_a_name(texts, names):
    for text in texts:
        found = {str(getattr(name, "label", name)) for name in names_in(read(text)[0])}
        assert names <= found and not [name for name in found - names if len(name) > 1], text


def test_a_number_before_a_column_is_told_by_the_product():
    cost, slope, variable = read("||w x - y||^2", "2 (w x - y)^T x", "w")
    assert {m.name: m.shape[1] for m in cost.atoms(sp.MatrixSymbol)} == {"x": 1, "y": 1}
    assert variable == sp.Symbol("w", real=True) and isinstance(slope, sp.Expr)


def random_formula(random, depth):
    if depth == 0:
        return random.choice([a, b, eta, w[k], y[i], x[i, k], sp.Integer(2), Rational(1, 3)])
    one, other = (random_formula(random, depth - 1) for _ in range(2))
    return random.choice([lambda: one + other, lambda: one - other, lambda: one*other,
                          lambda: one/(other**2 + 1), lambda: one**2,
                          lambda: exp(one), lambda: sigmoid(one), lambda: Sum(y[j]*one, (j, 1, n)),
                          lambda: -one])()


@pytest.mark.parametrize("drawn", [10, pytest.param(300, marks=pytest.mark.long)])
@pytest.mark.parametrize("show", [plain, tex, str], ids=["plain", "tex", "python"])
def test_what_the_page_or_sympy_prints_is_read_again(show, drawn):
    """Random formulas, written as plain text, as LaTeX and as Python: the same formula comes
    back."""
    random, seen = Random(1), 0
    for _ in range(drawn):
        formula = random_formula(random, 3)
        if max([abs(p.exp) for p in formula.atoms(sp.Pow) if p.exp.is_Integer], default=0) < 100:
            difference = one(show(formula)).doit() - formula.doit()
            assert difference == 0 or sp.simplify(difference) == 0, show(formula)
            seen += 1
    assert seen > 0.9*drawn


SQUARE = A, B, u, v = (sp.MatrixSymbol("A", 2, 2), sp.MatrixSymbol("B", 2, 2),
                       sp.MatrixSymbol("u", 2, 1), sp.MatrixSymbol("v", 2, 1))
VALUES = dict(zip(SQUARE, (sp.Matrix([[1, -2], [3, 5]])/2, sp.Matrix([[2, 1], [-1, 1]])/3,
                           sp.Matrix([1, -3])/3, sp.Matrix([2, 1])/2)))


def numbers_and_matrices(random, depth):
    """A formula that is one number, and one that is a matrix, of A, B, u and v."""
    one, other = random.choice([u, v]), random.choice([u, v])
    if depth == 0:
        return sp.Trace(one.T*other), random.choice([A, B])
    (s, M), (t, N) = (numbers_and_matrices(random, depth - 1) for _ in range(2))
    number = random.choice([lambda: s + t, lambda: s - t, lambda: -s, lambda: s*t, lambda: s**2,
                            lambda: -s**2, lambda: s/(t**2 + 1), lambda: sp.Trace(M)**2,
                            lambda: sp.Trace(one.T*M*other), lambda: sp.Trace(M),
                            lambda: exp(-s**2)])()
    matrix = random.choice([lambda: M + N, lambda: M - N, lambda: -M, lambda: M*N, lambda: M.T,
                            lambda: s*M, lambda: M/(s**2 + 1), lambda: sp.HadamardProduct(M, N),
                            lambda: M**2, lambda: (M*N)**2, lambda: (M + N)**2, lambda: M.T**2,
                            lambda: one*other.T])()
    return number, matrix


def value_of(formula):
    written = formula.replace(sp.HadamardPower,  # of which SymPy has no values in a trace
                              lambda base, times: sp.HadamardProduct(*[base]*int(times)))
    found = written.xreplace(VALUES).doit()
    return sp.N(found[0, 1] if formula.is_Matrix else found)


@pytest.mark.parametrize("drawn", [20, pytest.param(600, marks=pytest.mark.long)])
@pytest.mark.parametrize("show", [plain, tex], ids=["plain", "tex"])
def test_matrices_that_the_page_prints_are_read_again(show, drawn):
    """Powers, products, negations and transposes of matrices keep their brackets."""
    random = Random(3)
    for _ in range(drawn):
        for formula in numbers_and_matrices(random, 2):
            again = read(show(formula), known=SQUARE)[0]
            assert abs(value_of(again) - value_of(formula)) < 1e-9, show(formula)


def test_noise_is_read_or_refused_and_never_anything_else():
    random = Random(2)
    pieces = [*string.punctuation, "a", "b",
              "x_ik", "y_i", "||", "sum_i", ".T", "@", "⊙", "ᵢ", r"\frac", r"\sum", "_{", "^{", "}",
              "(", ")", "1", "2.5", "Σ", "∂", " ", "σ", "√", "²"]
    for _ in range(2000):
        text = "".join(random.choice(pieces) for _ in range(random.randint(1, 12)))
        try:
            assert isinstance(one(text), sp.Expr)
        except Unreadable:
            pass
