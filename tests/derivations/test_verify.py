"""The two judges of a line know nothing of each other: numbers alone refuse what is wrong, the
proof never passes it."""

import gc
from fractions import Fraction
from itertools import product
from random import Random

import pytest
import sympy as sp
from drawn import one_in
from sympy import KroneckerDelta, MatrixSymbol, Sum, exp, log, symbols
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
    q,
    u,
    w,
    x,
    y,
    y_hat,
)

from derivations import verify
from derivations.definitions import Definition, Depends, Entries, resolve, table_of
from derivations.errors import FalseLine, Undecided, WrongIndex
from derivations.mistakes import mutants
from derivations.normal_form import index_ranges, is_zero
from derivations.sampling import can_be_read, points
from derivations.symbols import Gradient, Partial, as_written, indexed, sigmoid
from derivations.verify import prove

p = symbols("p", integer=True, positive=True)
z, v, act, pre = indexed("z^(2)", m), indexed("w^(2)", m, p), indexed("a", p), indexed("z", p)
s, share = indexed("s", K), indexed("p", K)
with as_written():
    LAYERS = [Depends(L, z[k], (k, 1, m)), Definition(z[k], Sum(v[k, j]*act[j], (j, 1, p))),
              Definition(act[j], g(pre[j]))]
    SOFTMAX = [Definition(share[k], exp(s[k])/Sum(exp(s[j]), (j, 1, K)))]
    CLAIMS = {
        "linear regression": (Partial(J, w[k]), gradient, given),
        "its bias": (Partial(J, b), Sum(y_hat[i] - y[i], (i, 1, n))/n, given),
        "by a name": (Partial(J, y_hat[i]), (y_hat[i] - y[i])/n, given),
        "delta recursion": (Partial(L, pre[i]),
                            g.prime(pre[i])*Sum(v[k, i]*Partial(L, z[k]), (k, 1, m)), LAYERS),
        "outer product": (Partial(L, v[k, j]), Partial(L, z[k])*act[j], LAYERS),
        "softmax": (Partial(share[k], s[l]), share[k]*(KroneckerDelta(k, l) - share[l]), SOFTMAX),
        "second derivative": (Partial(Partial(J, w[k]), b), Sum(x[i, k], (i, 1, n))/n, given),
        "sigmoid": (Partial(log(sigmoid(a*b)), a), b*(1 - sigmoid(a*b)), []),
        "update": (w[k] - eta*Partial(J, w[k]), w[k] - eta*gradient, given),
        "unknown activation": (Partial(g(a*b)**2, a), 2*b*g(a*b)*g.prime(a*b), [])}


@pytest.fixture
def no_proof(monkeypatch):
    """The normal form proves everything: what is refused is refused by numbers."""
    monkeypatch.setattr(verify, "is_zero", lambda *args: True)
    monkeypatch.setattr(verify, "diagnose", lambda *args: None)


@pytest.mark.parametrize("name", CLAIMS)
def test_a_right_line_has_numbers_and_a_proof(name):
    left, right, definitions = CLAIMS[name]
    assert len(prove(left, right, definitions).points) == verify.POINTS


@pytest.mark.every(2)
@pytest.mark.parametrize("most", [5, pytest.param(40, marks=pytest.mark.long)])
@pytest.mark.parametrize("name", CLAIMS)
def test_every_usual_mistake_is_refused_by_numbers_alone(no_proof, name, most):
    left, right, definitions = CLAIMS[name]
    table, refused = table_of(definitions), 0
    start = resolve(left, table)
    mistakes = list(mutants(right))
    for mistake in Random(name).sample(mistakes, len(mistakes)):
        if refused == most:
            break
        try:
            now = resolve(mistake.formula, table)
            if is_zero(start - now, index_ranges(left, mistake.formula, start, now)):
                continue
        except (WrongIndex, Undecided, ValueError, TypeError):
            continue
        with pytest.raises(FalseLine):
            prove(left, mistake.formula, definitions)
        refused += 1
    assert refused >= 5


@pytest.mark.every(2)
@pytest.mark.parametrize("name", CLAIMS)
def test_no_usual_mistake_is_passed_by_the_proof_alone(monkeypatch, name):
    left, right, definitions = CLAIMS[name]
    monkeypatch.setattr(verify.Chain, "numbers", lambda self: ([], "switched off"))
    draw, passed = Random(name), 0
    mistakes = list(mutants(right))
    for mistake in draw.sample(mistakes, min(len(mistakes), 12)):
        try:
            prove(left, mistake.formula, definitions)
            passed += 1
        except (FalseLine, Undecided, ValueError, TypeError):
            continue
    assert passed <= 2  # an index of a symmetric term exchanged is no mistake


def test_a_slope_that_is_typed_wrongly_is_refused_by_numbers():
    class bump(sp.Function):
        nargs = 1

        def fdiff(self, argindex=1):
            return 2*sp.cos(self.args[0])

        def _eval_evalf(self, prec):
            return sp.sin(self.args[0]).evalf(int(prec*0.302) + 5)

    with pytest.raises(FalseLine) as refusal:
        prove(Partial(bump(a), a), 2*sp.cos(a))
    slope, claimed = refusal.value.values
    assert abs(claimed/slope - 2) < 1e-20
    with pytest.raises(Undecided, match="It agrees at 16 sample points"):
        prove(Partial(bump(a), a), sp.cos(a))


def test_the_slope_of_the_sigmoid_is_not_taken_from_the_engine(monkeypatch):
    monkeypatch.setattr(sigmoid, "fdiff", lambda self, argindex=1: 2*self*(1 - self))
    with pytest.raises(FalseLine):
        prove(Partial(sigmoid(a*b), b), 2*a*sigmoid(a*b)*(1 - sigmoid(a*b)))


# sizes of one


@pytest.mark.parametrize("before, now", [
    (Sum(a/(n - 1), (i, 1, n - 1)), a),
    (Sum(u[i], (i, 1, n)), u[1] + Sum(u[i], (i, 2, n)) + KroneckerDelta(n, 1)),
    (Sum(KroneckerDelta(i, j), (i, 1, n), (j, 1, n)),
     n*n/n**KroneckerDelta(n, 1) + KroneckerDelta(n, 1))])
def test_a_line_that_fails_for_n_equal_to_1_is_not_proved_for_every_n(before, now):
    with pytest.raises((FalseLine, Undecided)):
        prove(before, now)


# true lines are not called false


@pytest.mark.parametrize("before, now", [
    (Sum(q[i, j], (j, 1, i), (i, 1, n)), Sum(Sum(q[i, j], (j, 1, i)), (i, 1, n))),
    (Sum(w[j], (j, 1, k)), Sum(1*w[j], (j, 1, k))),
    (sp.gamma(a + 1), a*sp.gamma(a)), (Sum(u[i], (i, 1, m)), Sum(u[j], (j, 1, m))),
    (exp(-4000*a**2)*a*2, a*exp(-4000*a**2) + a*exp(-4000*a**2)),
    (sp.Abs(a*b), sp.Abs(a)*sp.Abs(b))])
def test_a_true_line_is_proved_or_undecided(before, now):
    try:
        assert prove(before, now).points
    except Undecided:
        pass


def test_matrices_need_no_entries_by_hand():
    with as_written():
        form = X.T*(Y_hat - Y)/n
    proof = prove(Gradient(J, W), form, [*given, *entries])
    assert proof.derivative and len(proof.points) == 3
    square = MatrixSymbol("Q", n, n)
    with pytest.raises(FalseLine) as refusal:
        prove(square*square.T, square.T*square, [Entries(square, q)])
    assert "q_" in refusal.value.point.describe()


def test_values_far_below_1_are_told_apart():
    bell = exp(-800*(a - b)**2)
    slope, turned = Partial(bell, a), 1600*(a - b)*bell
    seen = [point.compare(slope, turned) for point in points([slope, turned])]
    assert not any(same for same, *_ in seen)
    assert all(abs(before/claimed + 1) < 1e-20 for _, before, claimed in seen if claimed)
    assert min(abs(before) for same, before, _ in seen if same is False) < 1e-300
    with pytest.raises(FalseLine) as refusal:
        prove(slope, turned)
    before, claimed = refusal.value.values
    assert abs(before/claimed + 1) < 1e-20


# what comes in


@pytest.mark.parametrize("before, now", [("a", a), (a, None), (a, [a]), (a, sp.Eq(a, b))])
def test_text_and_other_things_are_refused(before, now):
    with pytest.raises(TypeError):
        prove(before, now)


def test_a_refusal_carries_its_data():
    with pytest.raises(FalseLine) as refusal:
        prove(Partial(a**2, a), a)
    error = refusal.value
    assert error.position == 1 and error.before == Partial(a**2, a) and error.claimed == a
    assert (abs(error.values[0]/error.values[1] - 2) < 1e-20
            and error.point.value(a) == error.values[1])
    assert "2" in str(error.mistake)
    with pytest.raises(FalseLine) as misfit:
        prove(Partial(J, w[k]), Sum((y_hat[i] - y[i])*x[k, i], (i, 1, n))/n, given)
    assert misfit.value.values is None and "would run to" in misfit.value.reason


def network(bend, depth):
    """A squared error over layers of `depth` bends, and the names of the layers' weights."""
    sizes = symbols(f"n_0:{depth + 1}", integer=True, positive=True)
    weights = [indexed(f"w^({level})", sizes[level + 1], sizes[level]) for level in range(depth)]
    sums, values = ([indexed(f"{name}^({level})", size) for level, size in enumerate(sizes)]
                    for name in "za")
    target = indexed("y", sizes[-1])
    layers = [Definition(J, Sum((values[-1][j] - target[j])**2/2, (j, 1, sizes[-1])))]
    for weight, below, inputs, above, size in zip(weights, values, sums[1:], values[1:], sizes):
        layers += [Definition(inputs[j], Sum(weight[j, k]*below[k], (k, 1, size))),
                   Definition(above[j], bend(inputs[j]))]
    return layers, weights, sums, values


@pytest.mark.parametrize("bend, depth", one_in(9, product(  # with -m again each bend and depth
    [sigmoid, sp.tanh, lambda at: 1/(1 + exp(-2*at))], [1, 2, 3]), again=4))
def test_a_counterexample_in_a_network_has_values_that_can_be_read(bend, depth):
    with as_written():
        layers, weights, sums, values = network(bend, depth)
        delta = Partial(J, sums[1][i])
        slips = [delta*values[0][l]*2, -delta*values[0][l], delta,
                 delta*values[0][l]*(1 - values[1][i])]
    question = Partial(J, weights[0][i, l])
    for slip in slips:
        with pytest.raises(FalseLine) as refusal:
            prove(question, slip, layers)
        error = refusal.value
        assert can_be_read(*error.values)
        assert all(1e-3 <= abs(value) <= 1e3 for value in error.values)
        shown = error.point.again()
        assert shown.compare(question, slip) == (False, *error.values)
        assert error.point.describe() == shown.describe()


def test_where_no_point_can_be_read_the_first_one_is_kept():
    with pytest.raises(FalseLine) as refusal:
        prove(a/10**9, 2*a/10**9)
    error = refusal.value
    assert not error.point.small and error.values[1] == 2*error.values[0] != 0


@pytest.mark.parametrize("one, other, clear", [
    (1, 2, True), (0, 2, True), (-1, 1, True), (0.5, 0.5001, False), (1e-4, 1, False),
    (1, 2000, False), (0, 1e-9, False), (999, -0.002, True), (sp.Rational(1, 3), 3, True)])
def test_numbers_of_ordinary_size_can_be_read(one, other, clear):
    for pair in ((one, other), (other, one)):
        assert can_be_read(*map(Fraction, map(str, pair))) is clear


def test_the_indices_that_sympy_writes_into_the_entry_of_a_product_may_have_one_name():
    with as_written():
        size = (W.T*W)[0, 0]
        penalised, slope = ((X*W - Y).T*(X*W - Y))[0, 0]/2 + size/2, X.T*(X*W - Y) + W
    assert prove(Gradient(penalised, W), slope, entries).derivative
    with pytest.raises(FalseLine):
        prove(Gradient(penalised, W), slope + W, entries)


row, grid = indexed("w", m), indexed("A", n, m)
PAST_THE_END = {
    "by one past the end": (Partial(Sum(row[k]**2, (k, 1, m)), row[m + 1]), 0, []),
    "by a later one": (Partial(Sum(row[k]**2, (k, 1, m)), row[m + 5]), 0, []),
    "in a matrix": (Partial(Sum(grid[1, k]**2, (k, 1, m)), grid[n + 1, 1]), 0, []),
    "on both sides": (a + row[m + 1], row[m + 1] + a, []),
    "added by itself": (Sum(row[k], (k, 1, m)) + row[2*m], Sum(row[k], (k, 1, m)) + row[2*m], []),
    "by a name": (Partial(b, row[m + 1]), 0, [Definition(b, Sum(row[k]**2, (k, 1, m)))]),
    "in a definition": (Partial(b, a), 1, [Definition(b, a + row[m + 1])]),
}  # fmt: skip


@pytest.mark.parametrize("name", PAST_THE_END)
def test_an_entry_past_the_end_of_its_array_makes_no_sense(name):
    before, now, known = PAST_THE_END[name]
    with pytest.raises((FalseLine, WrongIndex)) as caught:
        prove(before, sp.sympify(now), known)
    assert getattr(caught.value, "values", None) is None


def test_neighbours_within_a_sum_stay():
    neighbours = Sum(row[k]*row[k + 1], (k, 1, m - 1))
    assert prove(2*neighbours, neighbours + neighbours).points
    assert prove(row[m] + row[m - 1], row[m - 1] + row[m]).points


def test_a_proof_may_stand_within_a_block_that_keeps_what_is_typed():
    state = indexed("h", n)
    with as_written():
        none = Sum(sp.Piecewise((1, sp.Eq(u[i], 0)), (0, True)), (i, 1, n))
        assert "u_i" in prove(none, sp.sympify(0)).scope()
        assert prove(Partial(state[3], a), 3*a**2, [
            Definition(state[i], a*state[i - 1]), Definition(state[0], 1)]).points
        with pytest.raises(FalseLine) as refusal:
            prove(Partial(state[3], a), 3*a**3, [
                Definition(state[i], a*state[i - 1]), Definition(state[0], 1)])
        assert "exponent" in str(refusal.value)


@pytest.mark.parametrize("searched", [True, False])
def test_garbage_is_searched_for_after_a_proof_and_after_a_refusal_as_before(searched):
    switch = gc.enable if searched else gc.disable
    try:
        switch()
        prove(a + a, 2*a)
        with pytest.raises(FalseLine):
            prove(a + a, 3*a)
        assert gc.isenabled() is searched
    finally:
        gc.enable()
