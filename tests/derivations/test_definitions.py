"""Names stand for what they are defined as, and no index is caught by a sum."""

from random import Random

import pytest
import sympy as sp
from drawn import TIMES
from sympy import KroneckerDelta, MatrixSymbol, Rational, Sum, symbols
from vocabulary import (
    J,
    L,
    W,
    X,
    Y,
    a,
    b,
    cost,
    d,
    entries,
    eta,
    g,
    given,
    gradient,
    i,
    j,
    k,
    l,
    m,
    n,
    prediction,
    q,
    same,
    w,
    x,
    y,
    y_hat,
)

from derivations.definitions import Definition, Depends, Entries, resolve, table_of
from derivations.errors import Undecided, WrongIndex
from derivations.matrices import entry
from derivations.sampling import points
from derivations.symbols import (
    Gradient,
    Partial,
    activation,
    as_written,
    indexed,
    letters_of,
    rebuilt,
    sigmoid,
)

p = symbols("p", integer=True, positive=True)
z, v, s = indexed("z", m), indexed("v", m, p), indexed("a", p)
layer = [Depends(L, z[k], (k, 1, m)), Definition(z[k], Sum(v[k, j]*s[j], (j, 1, p)))]
losses, scores = indexed("L", n), indexed("z", n, m)
per_sample = Depends(losses[i], scores[i, k], (k, 1, m))


def test_the_index_of_a_definition_is_not_caught_by_its_sum():
    assert same(Partial(y_hat[j], w[k]), x[j, k], [prediction])
    assert not same(Partial(y_hat[j], w[k]), KroneckerDelta(j, k), [prediction])


def test_a_letter_bound_in_a_definition_may_be_the_letter_of_its_own_index():
    total = Definition(y_hat[i], Sum(w[i], (i, 1, d)))
    assert same(Partial(y_hat[j], w[k]), sp.S.One, [total])


def test_a_definition_inside_a_sum_of_the_same_letter():
    assert same(Sum(y_hat[j], (j, 1, n)), Sum(w[k]*x[l, k], (k, 1, d), (l, 1, n)) + n*b,
                [prediction])


def test_what_two_lines_share_is_the_same_in_both_with_all_its_letters():
    """Nothing that is alike must be worked out twice."""
    total, table = Sum((y_hat[i] - y[i])**2, (i, 1, n)), table_of([prediction])
    assert resolve(3*total + b, table) - resolve(2*total, table) == resolve(total, table) + b
    assert resolve(Sum(x[i, k]*y_hat[i], (i, 1, n)), table).has(*resolve(total, table).atoms(Sum))


def nested(random, depth):
    """A formula of sums over i and j within each other, of names that are such sums themselves."""
    letter, other = random.sample([i, j], 2)
    leaves = [e[letter], f[letter], h[letter], t, c[letter, other], c[other, letter]]
    if not depth:
        return random.choice(leaves)
    parts = [nested(random, depth - 1) for _ in range(2)]
    kind = random.choice([sp.Mul, sp.Add, lambda *f: Sum(sp.Mul(*f), (letter, 1, n)),
                          lambda one, two: one*Sum(two, (letter, 1, n)),
                          lambda *f: Sum(sp.Add(*f), (other, 1, n), (letter, 1, n))])
    return kind(*parts)


e, f, h, c = indexed("e", n), indexed("f", n), indexed("h", n), indexed("c", n, n)
t = symbols("t", real=True)
chained = [
    Definition(f[i], Sum(c[i, j]*e[j], (j, 1, n))), Definition(t, Sum(f[i]*e[i], (i, 1, n))),
    Definition(h[j], Sum(c[j, i]*f[i]*t, (i, 1, n)) + f[j])]


@pytest.mark.every(2)
@pytest.mark.parametrize("seed", range(12*TIMES))
def test_no_letter_is_caught_however_sums_and_names_are_nested(seed):
    random, table = Random(seed), table_of(chained)
    formula = nested(random, 2)
    for typed in (formula, Partial(Sum(e[i]*formula, (i, 1, n), (j, 1, n)), e[k])*f[k]):
        opened = resolve(typed, table)
        point = next(points([typed, opened], table))
        assert point.same(typed, opened) is not False
        for inside in opened.atoms(Sum):  # also beside letters that are bound further out
            first = {letter: sp.S.One for letter in inside.free_symbols if letter.is_Dummy}
            again = resolve(inside, table).xreplace(first)
            assert point.same(inside.xreplace(first), again) is not False


@pytest.mark.parametrize("kind", [Sum, sp.Product])
@pytest.mark.parametrize("terms", [
    e[i], sp.S.Zero, sp.nan, Sum(c[i, j], (j, 1, n)), sp.Product(c[i, j], (j, 1, i)),
    2*sp.Piecewise((e[i], e[i] > 0), (0, True)), sp.Eq(e[i], 1)], ids=str)
def test_a_sum_that_is_made_without_a_search_is_the_one_of_sympy(kind, terms):
    made = rebuilt(kind(e[j], (j, 1, n)), terms, sp.Tuple(i, 1, n))
    assert made == kind(terms, (i, 1, n)) and sp.srepr(made) == sp.srepr(kind(terms, (i, 1, n)))
    if made.is_Atom is False and not made.is_Relational:
        assert letters_of(made) >= {s for s in made.free_symbols if s.is_Symbol} - {
            a.base.label for a in made.atoms(sp.Indexed)}


def test_a_sum_of_derivatives_by_its_own_index():
    assert same(Sum(Partial(Sum(w[k]**2, (k, 1, d)), w[k]), (k, 1, d)), 2*Sum(w[j], (j, 1, d)))


def test_a_derivative_by_an_intermediate_name_stops_there_and_the_path_around_it_is_not_lost():
    table = [Definition(J, b**2 + a), Definition(b, a**3)]
    assert same(Partial(J, b), 2*b, table)
    assert same(Partial(J, a), Partial(J, b)*Partial(b, a) + 1, table)
    assert not same(Partial(J, a), Partial(J, b)*Partial(b, a), table)


def test_the_derivative_of_an_unknown_function_follows_the_chain_rule():
    assert same(Partial(L, s[i]), Sum(Partial(L, z[k])*v[k, i], (k, 1, m)), layer)
    assert same(Partial(L, v[i, j]), Partial(L, z[i])*s[j], layer)
    assert not same(Partial(L, s[i]), Sum(Partial(L, z[k]), (k, 1, m))*Sum(v[k, i], (k, 1, m)),
                    layer)


def test_an_unknown_function_is_not_taken_for_a_constant():
    assert same(Partial(2*L, s[i]), 2*Partial(L, s[i]), layer)
    assert same(Partial(L**2, s[i]), 2*L*Partial(L, s[i]), layer)
    assert same(Partial(J, s[i]), Partial(L, s[i]) + 2*s[i],
                [*layer, Definition(J, L + Sum(s[k]**2, (k, 1, p)))])
    assert same(Partial(J, s[i]), Partial(J, L)*Partial(L, s[i]), [Depends(J, L), *layer])
    assert not same(Partial(J, s[i]), sp.S.Zero, [Depends(J, L), *layer])


@pytest.mark.parametrize("expr", [
    Partial(Partial(L, s[i]), s[j]), Partial(Partial(L, z[i]), z[j]),
    Partial(Partial(L, z[i]), s[j]),
    Partial(s[i]*Partial(L, z[j]), s[i])])
def test_the_second_derivative_of_an_unknown_function_is_refused(expr):
    with pytest.raises(Undecided, match="unknown function"):
        resolve(expr, table_of(layer))


def test_one_unknown_loss_for_each_sample():
    mean = Definition(J, Sum(losses[i], (i, 1, n))/n)
    assert same(Partial(losses[j], scores[i, k]),
                Partial(losses[j], scores[i, k])*KroneckerDelta(i, j), [per_sample])
    assert same(Partial(J, scores[i, k]), Partial(losses[i], scores[i, k])/n, [per_sample, mean])
    assert not same(Partial(J, scores[i, k]), Partial(losses[i], scores[i, k]), [per_sample, mean])


def test_a_derivative_that_is_zero_only_because_a_definition_is_missing_is_an_error():
    with pytest.raises(ValueError, match="nothing in J is known to depend on w_k"):
        resolve(Partial(J, w[k]), table_of([cost]))
    with pytest.raises(ValueError, match="nothing in J"):
        resolve(Partial(Partial(J, w[k]), w[l]), {})
    assert same(Partial(Partial(a*b, a), a), sp.S.Zero)
    with as_written():  # what cancels is not forgotten
        gone = Partial(a + b - a, a)
    assert same(gone, sp.S.Zero)


@pytest.mark.parametrize("expr", [
    sp.Derivative(g(a), a, evaluate=False), sp.Integral(a, (a, 0, 1)), sp.Subs(a**2, a, 1),
    X[0, 0]*a, sp.Trace(X.T*X)*a,
    sp.Limit(a*b, a, 0)])
def test_what_the_engine_does_not_know_is_refused(expr):
    with pytest.raises(Undecided, match="no rule"):
        resolve(expr)


@pytest.mark.parametrize("make, error", [
    (lambda: indexed("w"), ValueError), (lambda: Partial(J, 3), TypeError),
    (lambda: Partial(J, a**2), TypeError),
    (lambda: Partial("J", a), TypeError), (lambda: Partial(X*W, a), TypeError),
    (lambda: Gradient(J, w), TypeError),
    (lambda: Gradient(X, W), TypeError), (lambda: Definition(z[i + 1], a), TypeError),
    (lambda: Definition(v[i, i], a), TypeError),
    (lambda: Definition(a + b, a), TypeError), (lambda: Definition(z[i], z[i] + 1), ValueError),
    (lambda: Definition(J, X*W), TypeError), (lambda: Definition(J, "a + b"), TypeError),
    (lambda: Definition(J, [a]), TypeError),
    (lambda: Depends(L, z[k]), ValueError), (lambda: Depends(L, z[k], (k,)), ValueError),
    (lambda: table_of([Depends(L, v[i, k], (k, 1, p))]), ValueError),
    (lambda: Entries(X, w), ValueError),
    (lambda: table_of([cost, cost]), ValueError), (lambda: table_of([J]), TypeError),
    (lambda: table_of([Definition(J, b**2), Definition(b, J)]), ValueError),
])
def test_bad_input_gets_a_clear_error(make, error):
    with pytest.raises(error) as caught:
        make()
    assert len(str(caught.value)) > 15


def test_a_circle_of_definitions_names_those_in_it():
    with pytest.raises(ValueError, match="(J|b) is defined in terms of itself, by way of (b|J)"):
        table_of([Definition(J, b**2), Definition(b, J + 1)])


def test_an_activation_is_one_function_however_it_is_asked_for():
    assert activation("g") is activation("g", 0) is activation("g", order=0) is g
    assert g.prime is activation("g", 1) and g.prime.below is g
    assert activation("h")(a) != g(a)
    assert g(a).diff(a) == g.prime(a) and g.prime(a).diff(a) == g.prime.prime(a)


def test_the_sigmoid_has_the_derivative_of_its_formula():
    formula = 1/(1 + sp.exp(-a))
    assert same(sigmoid(a).diff(a).subs(sigmoid(a), formula), formula.diff(a))


def test_as_written_ends_with_its_block_even_after_an_error():
    with pytest.raises(ZeroDivisionError):
        with as_written():
            assert (b + a - a) != b
            raise ZeroDivisionError
    assert b + a - a == b


def matrix(expr, row=i, column=sp.S.One):
    return entry(expr, row, column, {e.matrix: e.entries for e in entries})


def test_a_matrix_product_is_a_sum_over_the_inner_index():
    assert same(matrix(X.T*(X*W - Y)/n),
                Sum((Sum(w[j]*x[l, j], (j, 1, d)) - y[l])*x[l, i], (l, 1, n))/n)
    assert same(matrix(X*X.T, i, j), Sum(x[i, k]*x[j, k], (k, 1, d)))
    assert same(matrix(X.T*X, i, j), Sum(x[k, i]*x[k, j], (k, 1, n)))
    assert same(matrix(W.T*W, sp.S.One), Sum(w[k]**2, (k, 1, d)))
    assert same(matrix((W.T*W)*(Y.T*Y), sp.S.One), Sum(w[k]**2, (k, 1, d))*Sum(y[k]**2, (k, 1, n)))
    assert same(matrix(sp.HadamardProduct(Y, Y)), y[i]**2)
    assert same(matrix(W - eta*Gradient(J, W)), w[i] - eta*Partial(J, w[i]), given)


def test_the_order_of_matrices_counts():
    square = Entries(MatrixSymbol("Q", n, n), q)
    found = {square.matrix: square.entries}
    left, right = (entry(m, i, j, found)
                   for m in (square.matrix*square.matrix.T, square.matrix.T*square.matrix))
    assert not same(left, right)


def test_matrices_that_do_not_fit_make_no_sense():
    with as_written():
        wrong = [X.T*W, W*(Y.T*Y)*W, sp.MatAdd(X, X.T)]
    for expr in wrong:
        with pytest.raises(WrongIndex):
            matrix(expr)
    with pytest.raises(ValueError, match="entries of Q are not known"):
        matrix(MatrixSymbol("Q", n, d)*W)
    with pytest.raises(Undecided, match="no entries"):
        matrix(sp.Inverse(MatrixSymbol("Q", d, d))*W)


def test_the_gradient_in_matrix_form_has_the_partial_derivatives_as_its_entries():
    assert same(matrix(Gradient(J, W), k), gradient, given)
    assert not same(matrix(Gradient(J, W), k), Rational(1, 2)*gradient, given)


def test_a_definition_shows_its_number_and_reads_as_text():
    numbered = Definition(y_hat[i], prediction.body, number="1.1")
    assert repr(numbered) == "(1.1) ŷ_i = Σ_{j=1..d} w_j x_ij + b"
    assert numbered._repr_markdown_().endswith(r"\tag{1.1}$$")
