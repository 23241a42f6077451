"""NumPy code is confirmed if it computes the last line, at several sizes and with values of both
signs, else refused."""

import re
from fractions import Fraction
from functools import wraps

import numpy as np
import pytest
import sympy as sp
from sympy import MatrixSymbol, Sum, exp, log, symbols
from vocabulary import (
    J,
    L,
    X,
    a,
    b,
    d,
    derive,
    entries,
    g,
    i,
    j,
    k,
    linear_regression,
    m,
    n,
    q,
    u,
    w,
    x,
    y,
)

import derivations.derivation as module
from derivations.definitions import Definition, Depends, Entries
from derivations.derivation import Ledger
from derivations.errors import WitnessDisagrees
from derivations.symbols import Partial, as_written, indexed, sigmoid

PROVED = linear_regression()


@pytest.fixture(autouse=True)
def fresh_ledger(monkeypatch):
    monkeypatch.setattr(module, "ledger", Ledger())


def right(X, y, w, b):
    return X.T @ (X @ w + b - y)/len(y)


def test_numpy_code_that_computes_the_last_line_is_confirmed():
    assert (repr(PROVED.code(right))
            == "✓ right computes equation (1.2) exactly, on three sets of arrays")


def test_the_arrays_are_computed_with_as_fractions():
    arrays = {"X": [[1, 2], [3, 4], [5, 6]], "y": [1, 0, 1], "w": [1, -1], "b": 2}
    got = PROVED.values(**arrays)
    assert list(got) == [1, Fraction(4, 3)] and list(got) == list(map(Fraction, got))
    assert PROVED.values(**{**arrays, "b": 0.5})[0] == Fraction(-7, 2)
    third = derive(a*3, a + 2*a, given=[]).values(a=0.1)
    assert isinstance(third, Fraction) and third == 3*Fraction(0.1)


def test_what_cancels_on_the_way_needs_no_value():
    square = derive((a + b)**2 - b**2 - 2*a*b, lambda: (b + a)*(a + b) - b**2 - 2*a*b, lambda: a**2,
                    given=[], number="3")
    assert square.values(a=3) == 9 and "exactly" in repr(square.code(lambda a: a*a))
    with pytest.raises(ValueError,
                       match=r"has a parameter b, which \(3\) does not know; it knows a$"):
        square.code(lambda a, b: a*a)


def test_an_array_has_an_entry_for_every_free_index_even_one_that_the_line_has_lost():
    v = indexed("v", n)
    by_v = derive(Partial(Sum(v[j]*Sum(u[i], (i, 1, n)), (j, 1, n)), v[k]), Sum(u[i], (i, 1, n)),
                  given=[])
    assert by_v.values(u=[1, 2]).tolist() == [3, 3]
    by_w = derive(Partial(Sum(w[j]*Sum(u[i], (i, 1, n)), (j, 1, d)), w[k]), Sum(u[i], (i, 1, n)),
                  given=[])
    with pytest.raises(ValueError, match="the value of d is not known from the shapes"):
        by_w.values(u=[1, 2])


def test_a_column_is_executed_as_a_vector():
    column = MatrixSymbol("M", d, 1)
    assert (derive(2*column, column*2,
                   given=[Entries(column, indexed("v", d, 1))]).values(v=[[1], [2]]).tolist()
                   == [2, 4])


def test_two_names_that_differ_by_a_capital_each_need_their_own_array():
    lower, upper, layer = symbols("x X w^(1)", real=True)
    total = derive(upper + 2*lower + 3*layer, lambda: 2*lower + upper + 3*layer, given=[])
    assert total.values(x=1, X=5, W1=2) == total.values(X=5, x=1, w1=2) == 13
    assert "exactly" in repr(total.code(lambda x, X, w1: X + 2*x + 3*w1))
    for one in ("x", "X"):
        with pytest.raises(ValueError, match=f"a value for {'xX'.replace(one, '')} is needed"):
            total.values(**{one: 1, "w1": 2})
    with pytest.raises(ValueError, match="a value for X is needed"):
        total.code(lambda x, w1: 3*x + 3*w1)


@pytest.mark.parametrize("wrong, message", [
    (lambda X, y, w, b: X.T @ (X @ w + b - y), "the ratio is"),
    (lambda X, y, w, b: -X.T @ (X @ w + b - y)/len(y), "the ratio is -1"),
    (lambda X, y, w, b: 2*X.T @ (X @ w + b - y)/len(y), "the ratio is 2"),
    (lambda X, y, w, b: X.T @ (X @ w - y)/len(y), "gives"),
    (lambda X, y, w, b: (X @ w + b - y)/len(y), r"shape \(4,\).*shape \(3,\)|shape"),
    (lambda X, y, w, b: right(X, y, w, b)[:, None], "shape"),
    (lambda X, y, w, b: X.T @ (X @ w + b - y[:, None]).mean(axis=1), "gives"),
    (lambda X, y, w, b: right(X, y, w, b)*np.nan, "nan"),
    (lambda X, y, w, b: right(X, y, w, b) + 1j, "complex"),
    (lambda X, y, w, b: right(X, y, w, b) + 1e-9, "gives"),
    (lambda X, y, w, b: right(X, y, w, b) + (abs(X[0, 0]) == 3), "gives"),
])
def test_numpy_code_with_a_fault_is_refused(wrong, message):
    with pytest.raises(WitnessDisagrees, match=message):
        PROVED.code(wrong)
    assert module.ledger.code == []


def test_the_first_wrong_entry_is_named_with_both_values():
    double = derive(x[i, j]*2, lambda: 2*x[i, j], given=[], number="3")

    def wrong(X):
        twice = 2*X
        twice[1, 2] = 4*X[1, 2] + (X[1, 2] == 0)
        return twice

    with pytest.raises(WitnessDisagrees,
                       match=r"^wrong gives \S+ in entry 2, 3, \(3\) gives \S+") as refusal:
        double.code(wrong)
    got, truth = (float(part)
                  for part in re.findall(r"gives (\S+?)[ ,;]", str(refusal.value) + " "))
    assert got == 2*truth != 0 and str(refusal.value).endswith("; the ratio is 2")


def test_a_wrong_number_is_refused_whether_it_is_large_small_or_should_be_zero():
    zero = derive((a + b)**2 - a**2, lambda: b**2 + 2*a*b, given=[], number="3")
    with pytest.raises(WitnessDisagrees,
                       match=r"^the NumPy code gives \S+, \(3\) gives \S+; the ratio is"):
        zero.code(lambda a, b: b**2)
    tiny = derive(a/10**20, lambda: 2*a/(2*10**20), given=[], number="4")
    assert "to 13 digits" in repr(tiny.code(lambda a: a/1e20))
    with pytest.raises(WitnessDisagrees, match="the ratio is 2$"):
        tiny.code(lambda a: 2*a/1e20)
    nothing = derive((a + b)**2 - a**2 - 2*a*b - b**2, sp.S.Zero, given=[], number="5")
    assert "exactly" in repr(nothing.code(lambda: 0))
    with pytest.raises(WitnessDisagrees, match=r"^the NumPy code gives 1, \(5\) gives 0$"):
        nothing.code(lambda: 1)


def test_a_result_that_is_one_rounding_away_is_not_called_exact():
    mean = derive(Sum(x[i, j], (j, 1, d))/d, lambda: Sum(x[i, j]/d, (j, 1, d)), given=[],
                  number="3")
    assert repr(mean.code(lambda X: X.mean(axis=1))).startswith(
        "✓ the NumPy code computes equation (3) to 13 digits")
    assert repr(mean.code(lambda X: X.mean(axis=1),
                          "means")).startswith("✓ means computes equation (3)")
    total = derive(Sum(x[i, j], (j, 1, d)), lambda: Sum(1*x[i, j], (j, 1, d)), given=[], number="4")
    assert repr(total.code(lambda X: X.sum(axis=1))).startswith(
        "✓ the NumPy code computes equation (4) exactly")
    bare = derive(Sum(x[i, j], (j, 1, d)), lambda: Sum(1*x[i, j], (j, 1, d)), given=[])
    assert repr(bare.code(lambda X: X.sum(axis=1))).startswith(
        "✓ the NumPy code computes the derivation exactly")


def drawn_for(derivation, code):
    """The arrays and numbers on which a function is tried, three sets of them."""
    calls = []

    @wraps(code)
    def noted(**arrays):
        calls.append(arrays)
        return code(**arrays)

    derivation.code(noted)
    return calls


def test_code_is_tried_on_arrays_of_other_sizes_each_time_1_among_them():
    lengths = symbols("m n p q r", integer=True, positive=True)
    arrays = [indexed(f"v{number}", length) for number, length in enumerate(lengths)]
    sums = [Sum(v[i], (i, 1, length)) for v, length in zip(arrays, lengths)]
    calls = drawn_for(derive(sum(sums), lambda: sum(sums[::-1]), given=[]),
                      lambda v0, v1, v2, v3, v4: v0.sum() + v1.sum() + v2.sum() + v3.sum()
                      + v4.sum())
    shapes = [[v.shape for v in call.values()] for call in calls]
    assert (all(len(set(own)) == 5 for own in shapes)
            and all(len(set(other)) == 3 for other in zip(*shapes)))
    assert sum((1,) in own for own in shapes) == 2 and max(max(own) for own in shapes) > (6,)


def test_numbers_have_both_signs_and_are_not_only_small_or_whole():
    factors = symbols("c1:9", real=True)
    calls = drawn_for(derive(sp.Mul(*factors), lambda: sp.Mul(*factors[::-1]), given=[]),
                      lambda c1, c2, c3, c4, c5, c6, c7, c8: c1*c2*c3*c4*c5*c6*c7*c8)
    for values in zip(*(call.values() for call in calls)):
        assert min(values) < 0 < max(values)
    everything = {v for call in calls for v in call.values()}
    assert (0 not in everything and any(v != round(v) for v in everything)
            and max(map(abs, everything)) > 8)


def test_code_with_functions_is_tried_on_small_numbers():
    slope = derive(Partial(Sum(exp(b*u[i]), (i, 1, n)), u[k]), b*exp(b*u[k]), given=[])
    values = np.hstack([v for call in drawn_for(slope, lambda b, u: b*np.exp(b*u))
                        for v in call.values()])
    assert all(abs(v) <= 1 for v in values) and any(v != round(2*v)/2 for v in values)


def test_numbers_keep_to_what_is_assumed_of_their_symbols():
    rate, count = symbols("eta", positive=True), symbols("c", integer=True)
    calls = drawn_for(derive(rate*count, lambda: count*rate, given=[]), lambda eta, c: eta*c)
    assert all(call["eta"] > 0 and call["c"] == round(call["c"]) for call in calls)


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
    assert ("exactly" in repr(outer.code(lambda X: X.T @ X))
            and "exactly" in repr(skew.code(lambda q: 2*q)))
    with pytest.raises(WitnessDisagrees):
        skew.code(lambda q: 2*q.T)
    s = indexed("s", n)
    jacobian = derive(Partial(s[i], u[j]), lambda: q[i, j], number="6",
                      given=[Definition(s[i], Sum(q[i, j]*u[j], (j, 1, n)))])
    assert "exactly" in repr(jacobian.code(lambda q: q))
    with pytest.raises(WitnessDisagrees):
        jacobian.code(lambda q: q.T)


@pytest.mark.parametrize("arrays, message", [
    ({"X": [[1, 2]], "y": [1], "w": [1, 2]}, "a value for b is needed"),
    ({"X": [[1, 2]], "y": [[1]], "w": [1, 2], "b": 0}, r"y has shape \(1, 1\), expected"),
    ({"X": [[1, 2]], "y": [1], "w": [1, 2, 3], "b": 0}, "shape.*elsewhere"),
    ({"X": 3, "y": [1], "w": [1, 2], "b": 0},
     r"x has shape \(\), expected|X has shape \(\), expected"),
    ({}, "is needed; the values given are for nothing"),
    ({"eta": 1, "X": [[1, 2]], "y": [1], "w": [1, 2]},
     "a value for b is needed; the values given are for X, eta, w, y$"),
    ({"X": [[1, 2]], "y": [1, 2], "w": [1, 2], "b": 0}, "n = .* elsewhere"),
])
def test_values_refuse_arrays_that_do_not_fit(arrays, message):
    with pytest.raises(ValueError, match=message):
        PROVED.values(**arrays)


def test_an_array_of_known_size_has_that_size():
    v = indexed("v", 3)
    squares = derive(Sum(v[j]**2, (j, 1, 3)), lambda: Sum(v[j]*v[j], (j, 1, 3)), given=[])
    assert squares.values(v=[1, 2, 3]) == 14
    with pytest.raises(ValueError, match=r"v has shape \(2,\), expected \('3',\)"):
        squares.values(v=[1, 2])


@pytest.mark.parametrize("step, message", [(-1, r"u of shape \(4,\) has no entry 0"),
                                           (1, r"u of shape \(4,\) has no entry 5")])
def test_an_index_that_leaves_its_array_does_not_begin_again_at_the_other_end(step, message):
    neighbours = derive(Sum(u[i]*u[i + step], (i, 1, n)), lambda: Sum(u[i + step]*u[i], (i, 1, n)),
                        given=[])
    with pytest.raises(IndexError, match=message):
        neighbours.code(lambda u: u @ np.roll(u, -step))


def test_code_with_an_unknown_parameter_is_refused():
    with pytest.raises(ValueError, match="has a parameter rate.*it knows b, w, x, y"):
        PROVED.code(lambda X, y, w, b, rate: 0)


def test_an_undefined_activation_has_no_values():
    with pytest.raises(ValueError, match="has no value: the function is not known"):
        derive(Partial(g(a), a), g.prime(a), given=[]).values(a=1)


def test_functions_are_executed_to_many_digits():
    got = derive(Partial(sigmoid(a), a), sigmoid(a)*(1 - sigmoid(a)), given=[]).values(a=2)
    assert abs(float(got) - 0.10499358540350662) < 1e-16


# wrong code that agrees with right code wherever sizes, signs or values are not varied


@pytest.mark.parametrize("wrong", [
    lambda X, y, w, b: X.T @ (X @ w + b - y)/4, lambda X, y, w, b: X.T @ (X @ w + b - y)/8,
    lambda X, y, w, b: X.T @ (X @ w + b - y)/max(len(y), 2),
    lambda X, y, w, b: X.T @ (X @ w + b - y)/min(len(y), 5),
    lambda X, y, w, b: X.T @ (X @ np.round(w) + b - y)/len(y),
    lambda X, y, w, b: X.T @ (X @ np.clip(w, -4, 4) + b - y)/len(y),
    lambda X, y, w, b: X[:5].T @ (X[:5] @ w + b - y[:5])/len(y),
    lambda X, y, w, b: X.T @ (X @ w + abs(b) - y)/len(y),
    lambda X, y, w, b: X.T @ (X @ w + b - y)/X.shape[1], lambda X, y, w, b: right(X, y, w, b)[:3],
    lambda X, y, w, b: np.squeeze(right(X, y, w, b))])
def test_code_that_is_right_only_for_some_sizes_signs_or_values_is_refused(wrong):
    with pytest.raises(WitnessDisagrees):
        PROVED.code(wrong)


@pytest.mark.parametrize("line, wrong", [
    (sp.Max(a, 0)*b, lambda a, b: a*b), (sp.Abs(a)*b, lambda a, b: a*b),
    (sp.sqrt(a**2), lambda a: a),
    (sp.Max(a, b), lambda a, b: a), (sp.sign(a)*b, lambda a, b: b),
    (sp.tanh(a)**2, lambda a: a**2)])
def test_code_that_is_right_only_for_one_sign_is_refused(line, wrong):
    with pytest.raises(WitnessDisagrees):
        derive(line + b, lambda: b + line,
               given=[]).code(lambda a, b: wrong(*[a, b][:wrong.__code__.co_argcount]) + b)


# what else is code


z = indexed("z^(2)", m)


def test_an_unknown_derivative_is_a_free_array():
    p = symbols("p", integer=True, positive=True)
    weight, below = indexed("w^(2)", m, p), indexed("a", p)
    given = [Depends(L, z[k], (k, 1, m)), Definition(z[k], Sum(weight[k, j]*below[j], (j, 1, p)))]
    outer = derive(Partial(L, weight[k, j]), lambda: Partial(L, z[k])*below[j], given=given,
                   number="3")
    assert "exactly" in repr(outer.code(lambda dL_dz2, a: np.outer(dL_dz2, a)))
    with pytest.raises(WitnessDisagrees):
        outer.code(lambda dL_dz2, a: np.outer(a, dL_dz2))
    with pytest.raises(ValueError, match=r"a value for dL_dz\^\(2\) is needed"):
        outer.values(a=[1, 2])
    assert outer.values(a=[1, 2], dL_dz2=[3]).tolist() == [[3, 6]]


def test_a_name_may_be_given_in_place_of_what_it_stands_for():
    assert "exactly" in repr(PROVED.code(lambda X, y_hat, y: X.T @ (y_hat - y)/len(y)))
    assert PROVED.verdict.endswith("· ✓ code")


def test_an_unknown_activation_is_some_smooth_function_and_so_is_its_slope():
    layer = derive(Partial(Sum(g(u[i]*b), (i, 1, n)), b),
                   lambda: Sum(g.prime(u[i]*b)*u[i], (i, 1, n)), given=[])
    assert "to 13 digits" in repr(layer.code(lambda u, b, g_prime: g_prime(u*b) @ u))
    with pytest.raises(WitnessDisagrees):
        layer.code(lambda u, b, g_prime: g_prime(u) @ u)


def test_a_loss_is_tried_where_its_logarithms_have_values():
    entropy = -Sum(y[i]*log(u[i]) + (1 - y[i])*log(1 - u[i]), (i, 1, n))/n
    line = derive(J, lambda: entropy, given=[Definition(J, entropy)], number="2")
    code = lambda y, u: -np.mean(y*np.log(u) + (1 - y)*np.log1p(-u))  # noqa: E731
    assert "to 13 digits" in repr(line.code(code))
    with pytest.raises(WitnessDisagrees):
        line.code(lambda y, u: -np.sum(y*np.log(u) + (1 - y)*np.log1p(-u)))


@pytest.mark.parametrize("width", [2, 200, 4000])
def test_right_code_is_not_refused_for_an_underflow(width):
    centre, phi = indexed("c", d), symbols("phi", real=True)
    with as_written():
        unit = [Definition(phi, exp(-width*Sum((w[i] - centre[i])**2, (i, 1, d))))]
    bell = derive(Partial(phi, centre[k]), lambda: 2*width*phi*(w[k] - centre[k]), given=unit,
                  number="1")
    code = lambda w, c: 2*width*np.exp(-width*np.sum((w - c)**2))*(w - c)  # noqa: E731
    assert "to 13 digits" in repr(bell.code(code))
    with pytest.raises(WitnessDisagrees):
        bell.code(lambda w, c: -code(w, c))


def test_a_line_without_a_value_anywhere_cannot_be_tried():
    nowhere = derive(b*log(-exp(a) - 1), lambda: log(-exp(a) - 1)*b, given=[], number="9")
    with pytest.raises(WitnessDisagrees, match="cannot be tried"):
        nowhere.code(lambda a, b: b)


def test_a_disagreement_carries_both_numbers_and_never_shows_one_twice():
    with pytest.raises(WitnessDisagrees) as refusal:
        PROVED.code(lambda X, y, w, b: right(X, y, w, b)*(1 + 1e-12))
    got, truth = refusal.value.values
    shown = re.findall(r"gives (\S+?)[ ,;]", str(refusal.value) + " ")
    assert (abs(got/float(truth) - 1 - 1e-12) < 1e-15 and len(set(shown)) == 2
            and refusal.value.place == (0,))


def test_right_code_is_not_refused_where_its_terms_cancel():
    s, t, share = indexed("s", n), indexed("t", n), indexed("p", n)
    softmax = [Definition(share[i], exp(s[i])/Sum(exp(s[j]), (j, 1, n)))]
    line = derive(share[k]*Sum(t[i], (i, 1, n)) - t[k],
                  lambda: -t[k] + share[k]*Sum(t[i], (i, 1, n)), given=softmax, number="3")
    p = lambda s: np.exp(s)/np.exp(s).sum()  # noqa: E731
    assert "to 13 digits" in repr(line.code(lambda s, t: p(s)*t.sum() - t))
    steep = derive(1 - sigmoid(40*a), lambda: -sigmoid(40*a) + 1, given=[], number="4")
    assert "to 13 digits" in repr(steep.code(lambda a: 1 - 1/(1 + np.exp(-40*a))))
    with pytest.raises(WitnessDisagrees):
        steep.code(lambda a: 1/(1 + np.exp(-40*a)))


@pytest.mark.parametrize("place", [1, 2, 5])
def test_arrays_are_as_large_as_entries_at_whole_numbers_want_them(place):
    column, grid = indexed("w", d), indexed("A", n, d)
    slope = derive(Partial(Sum(column[j]**2, (j, 1, d)), column[place]), lambda: 2*column[place],
                   given=[])
    assert slope.code(lambda w: 2*w[place - 1]).sets == 3
    with pytest.raises(WitnessDisagrees):
        slope.code(lambda w: 2*w[0] + w[place - 1])
    squares = Sum(grid[i, j]**2, (i, 1, n), (j, 1, d))
    of_one = derive(Partial(squares, grid[1, place]), lambda: 2*grid[1, place], given=[])
    assert of_one.code(lambda A: 2*A[0, place - 1]).sets == 3
