"""Each row of notebooks/data/errata.csv, the table of notebook 07, is settled here: by the function
that it names."""

import csv
from decimal import Decimal
from fractions import Fraction

import mpmath
import numpy as np
import pytest
import sympy
from concordance import ROOT, load_items, places_of
from mpmath import mpf
from sympy import Sum, exp, log, symbols
from test_mazur import forward, moved, numbers, run, sequential, slopes

from derivations import (
    Definition,
    Depends,
    Derivation,
    FalseLine,
    Partial,
    activation,
    as_written,
    indexed,
    sigmoid,
)
from helpers import linear, network

with (ROOT / "notebooks" / "data" / "errata.csv").open(encoding="utf-8", newline="") as file:
    ROWS = list(csv.DictReader(file))
KINDS = {"error", "condition", "convention", "history"}
LABELS = {
    "printed",
    "rebuilt",
    "in our words",
    "damaged in our copy",
    "his notebook, first version",
    "his notebook, last version",
}
ARTICLES = {
    "S0": {"Spacagna and others"},
    "S1": {"Kostadinov"},
    "S2": {"Mazur", "introduction"},
    "S3": {"Yehoshua"},
}
READ = "by reading"  # no program decides whether a page is there
CHECKS = {}


def settles(function):
    """One check; a row of the table names it, without test_ in front."""
    CHECKS[function.__name__.removeprefix("test_")] = function
    return function


def test_every_row_has_a_check_and_every_check_a_row():
    assert {row["check"] for row in ROWS} == {*CHECKS, READ}


def test_every_row_is_labelled():
    for row in ROWS:
        assert row["kind"] in KINDS and row["label"] in LABELS, row
        assert ("“" in row["says"]) <= (row["label"] == "printed"), row
        assert all(row["article"] in ARTICLES[item[:2]] for item in row["items"].split()), row


def test_only_history_and_names_are_settled_by_reading():
    assert {row["kind"] for row in ROWS if row["check"] == READ} <= {"history", "convention"}


def test_every_wrong_item_of_the_inventory_has_a_row():
    listed = {item for row in ROWS for item in row["items"].split()}
    wrong = {item.id for item in load_items() if item.verdict == "wrong"}
    assert wrong - listed <= {"S3-77"}  # the rate slip: told with the output that it leads to


def test_every_row_is_treated_where_it_says():
    places = places_of(load_items())
    for row in ROWS:
        treated = {place.notebook[:2] for item in row["items"].split() for place in places[item]}
        assert set(row["treated"].split()) <= treated, (row["items"], row["treated"], treated)


# ---------------------------------------------------------------- tools


def rounded(value, like):
    """As many decimals as `like` has, without passing through a float."""
    places = len(like.split(".")[1])
    exact = Fraction(str(value)) if isinstance(value, (Decimal, mpf)) else Fraction(value)
    scaled = abs(exact) * 10**places
    whole = int(scaled + Fraction(1, 2))
    return f"{'-' if exact < 0 else ''}{whole // 10**places}.{whole % 10**places:0{places}}"


def proves(left, right, given=()):
    with Derivation(left, given=given) as derivation:
        derivation.step(right, "as claimed")
    return True


def refuses(left, wrong, given=()):
    with pytest.raises(FalseLine):
        proves(left, wrong, given)
    return True


n, m, d = symbols("n m d", integer=True, positive=True)
i, j, k, l = symbols("i j k l", integer=True)
J, L, a, b, w, x, y, z, t, s, delta = symbols("J L a b w x y z t s delta", real=True)
X, w_j, t_i, y_i = indexed("x", n, d), indexed("w", d), indexed("t", n), indexed("y", n)
z_k, y_k, t_k = indexed("z", m), indexed("y", m), indexed("t", m)
with as_written():
    SOFTMAX = [
        Definition(L, -Sum(t_k[j] * log(y_k[j]), (j, 1, m))),
        Definition(y_k[k], exp(z_k[k]) / Sum(exp(z_k[l]), (l, 1, m))),
    ]
    ONE_SUM = [Depends(L, z), Definition(z, w * a + b), Definition(delta, Partial(L, z))]

# ---------------------------------------------------------------- Yehoshua: twelve weights, x = (1,

W_2321 = [mpf(value) for value in "0.5 -0.2 0.3 0.7 -0.1 -0.5 0.4 0.3 0.6 0.4 0.5 0.7".split()]


def logistic(net):
    return 1 / (1 + mpmath.exp(-net))


def outputs(v):
    h = [logistic(v[0] + v[2]), logistic(v[1] + v[3]), logistic(v[4])]
    h += [logistic(v[5] * h[0] + v[6] * h[1]), logistic(v[7] * h[0] + v[8] * h[1] + v[9] * h[2])]
    return [*h, logistic(v[10] * h[3] + v[11] * h[4])]


def deltas(v, slip=False):
    a1, a2, a3, a4, a5, o = outputs(v)
    d_o = o - 1
    d4, d5 = d_o * v[10] * a4 * (1 - a4), d_o * v[11] * a5 * (1 - (a4 if slip else a5))
    return [
        (d4 * v[5] + d5 * v[7]) * a1 * (1 - a1),
        (d4 * v[6] + d5 * v[8]) * a2 * (1 - a2),
        d5 * v[9] * a3 * (1 - a3),
        d4,
        d5,
        d_o,
    ]


def stepped(own_value=False, slip=False):
    h, (d1, d2, d3, d4, d5, d_o) = outputs(W_2321), deltas(W_2321, slip)
    slope = [
        d1,
        d2,
        d1,
        d2,
        d3,
        d4 * h[0],
        d4 * h[1],
        d5 * h[0],
        d5 * h[1],
        d5 * h[2],
        d_o * h[3],
        d_o * h[4],
    ]
    return [v - (v if own_value else mpf("0.5")) * g for v, g in zip(W_2321, slope)]


@settles
def test_output_after_one_step():
    assert rounded(outputs(W_2321)[-1], "0.6718") == "0.6718"
    found = {
        (rate, slip): rounded(outputs(stepped(rate, slip))[-1], "0.7043")
        for rate in (False, True)
        for slip in (False, True)
    }
    assert found == {
        (False, False): "0.6981",
        (True, True): "0.7043",
        (True, False): "0.7037",
        (False, True): "0.6988",
    }


@settles
def test_first_hidden_delta():
    assert (
        rounded(deltas(W_2321)[0], "0.0012") == "0.0012"
        and rounded(deltas(W_2321, slip=True)[0], "0.0009") == "-0.0009"
    )


@settles
def test_third_slip():
    right = stepped()
    wrong = [mpf("0.2296") if place == 2 else v for place, v in enumerate(right)]
    assert rounded(right[2], "0.2994") == "0.2994"
    assert [rounded(outputs(v)[-1], "0.69810") for v in (right, wrong)] == ["0.69808", "0.69812"]


@settles
def test_shrinking_deltas():
    by_unit = [abs(v) for v in deltas(W_2321)]
    largest = by_unit[5], max(by_unit[3:5]), max(by_unit[:3])
    assert [rounded(v, "0.000") for v in largest] == ["0.328", "0.050", "0.011"]
    weights, biases, one = (
        {1: np.zeros((1, 1)), 2: np.array([[20.0]])},
        {1: np.zeros(1), 2: np.zeros(1)},
        np.ones((1, 1)),
    )
    _, activations = network.forward(one, weights, biases, "sigmoid", "identity")
    grown = network.backward(0 * one, weights, activations, "sigmoid", "identity")[0]
    assert grown[1].item() == 5 * grown[2].item() != 0


# ---------------------------------------------------------------- Mazur: in thirty digits, by test_


@settles
def test_error_after_one_round():
    assert rounded(sum(forward(moved(numbers(*START)))[4]), "0.291027774") == "0.291027774"
    assert rounded(sum(forward(sequential(numbers(*START)))[4]), "0.291027924") == "0.291027924"


START = ("0.15", "0.20", "0.25", "0.30", "0.40", "0.45", "0.50", "0.55")


@pytest.fixture(scope="module")
def late():
    return forward(run(moved, 10_000)), forward(run(sequential, 10_000))


@pytest.mark.again
@settles
def test_error_after_ten_thousand(late):
    assert [rounded(sum(end[4]), "0.0000351085") for end in late] == [
        "0.0000351019",
        "0.0000350848",
    ]
    assert rounded(sum(late[1][4]), "0.000000000") == "0.000035085"


@pytest.mark.again
@settles
def test_outputs_after_ten_thousand(late):
    found = [[rounded(v, "0.015912196") for v in end[3]] for end in late]
    assert found == [["0.015913620", "0.984064274"], ["0.015912196", "0.984065734"]]
    errors = Fraction("0.015912196") - Fraction("0.01"), Fraction("0.984065734") - Fraction("0.99")
    assert rounded(sum(error**2 for error in errors) / 2, "0.0000351085") == "0.0000350848"


def second_delta():
    o = forward(numbers(*START))[3][1]
    return (o - Decimal("0.99")) * o * (1 - o)


@settles
def test_ninth_place():
    assert (
        rounded(second_delta() * Decimal("0.50"), "-0.019049119".removeprefix("-"))
        == "-0.019049118"
    )


@settles
def test_one_index():
    nets = [
        Fraction("0.0075") + Fraction(weight) * Fraction("0.10") + Fraction("0.35")
        for weight in ("0.20", "0.25")
    ]
    assert nets == [Fraction("0.3775"), Fraction("0.3825")]


@settles
def test_becomes_zero():
    out_1, out_2 = symbols("out_1 out_2", real=True)
    error_2 = (sympy.Rational(99, 100) - out_2) ** 2 / 2
    assert (
        error_2.diff(out_1) == 0
        and rounded(forward(numbers(*START))[4][1], "0.023560026") == "0.023560026"
    )


@settles
def test_two_signs():
    negative = [*ONE_SUM[:2], Definition(delta, -Partial(L, z))]
    assert proves(Partial(L, w), delta * a, ONE_SUM) and refuses(Partial(L, w), -delta * a, ONE_SUM)
    assert proves(Partial(L, w), -delta * a, negative) and refuses(
        Partial(L, w), delta * a, negative
    )


@settles
def test_half_in_mazur():
    start, slope = numbers(*START), slopes(numbers(*START))
    after = {
        eta: [rounded(v - Decimal(eta) * 2 * g, "0.35891648") for v, g in zip(start, slope)]
        for eta in ("0.5", "0.25")
    }
    with_half = [rounded(v, "0.35891648") for v in moved(start)]
    assert (
        with_half[4] == "0.35891648"
        and after["0.5"][4] == "0.31783296"
        and after["0.25"] == with_half
    )


def with_trained_biases(shared):
    w_now = numbers(*START)
    _, h, _, o, _ = forward(w_now)
    d_o = [
        (o[q] - Decimal(target)) * o[q] * (1 - o[q]) for q, target in enumerate(("0.01", "0.99"))
    ]
    d_h = [(d_o[0] * w_now[4 + q] + d_o[1] * w_now[6 + q]) * h[q] * (1 - h[q]) for q in (0, 1)]
    each = [sum(d_h)] * 2 + [sum(d_o)] * 2 if shared else d_h + d_o
    b_now = [
        Decimal(v) - Decimal("0.5") * g for v, g in zip(("0.35", "0.35", "0.60", "0.60"), each)
    ]
    v = moved(w_now)
    inputs = numbers("0.05", "0.10")
    hidden = [
        1 / (1 + (-(v[2 * q] * inputs[0] + v[2 * q + 1] * inputs[1] + b_now[q])).exp())
        for q in (0, 1)
    ]
    out = [
        1 / (1 + (-(v[4 + 2 * q] * hidden[0] + v[5 + 2 * q] * hidden[1] + b_now[2 + q])).exp())
        for q in (0, 1)
    ]
    return sum((o_q - Decimal(target)) ** 2 for o_q, target in zip(out, ("0.01", "0.99"))) / 2


@settles
def test_two_biases():
    assert rounded(with_trained_biases(shared=True), "0.285750887") == "0.285750887"
    assert rounded(with_trained_biases(shared=False), "0.280471447") == "0.280471447"


@settles
def test_frozen_biases():
    assert proves(Partial(L, b), delta, ONE_SUM) and refuses(
        Partial(L, b), sympy.Integer(0), ONE_SUM
    )
    w_new = moved(numbers(*START))
    assert (
        rounded(w_new[0], "0.149780716") == "0.149780716"
        and rounded(w_new[4], "0.35891648") == "0.35891648"
    )
    assert not any(str(with_trained_biases(shared)).startswith("0.29") for shared in (True, False))


# ---------------------------------------------------------------- formulas


@settles
def test_coefficients_of_a_delta():
    p, g = symbols("p", integer=True, positive=True), activation("g")
    z_next, d_next = indexed("z^(l+1)", m), indexed("delta^(l+1)", m)
    z_l, w_next = indexed("z^(l)", p), indexed("w^(l+1)", m, p)
    given = [
        Depends(L, z_next[j], (j, 1, m)),
        Definition(d_next[j], Partial(L, z_next[j])),
        Definition(z_next[j], Sum(w_next[j, k] * g(z_l[k]), (k, 1, p))),
    ]
    weighted = Sum(w_next[j, i] * d_next[j], (j, 1, m))
    assert proves(Partial(L, z_l[i]), g.prime(z_l[i]) * weighted, given) and refuses(
        Partial(L, z_l[i]), weighted, given
    )


@settles
def test_output_delta():
    y_out, loss, g = symbols("y_hat", real=True), symbols("loss", real=True), activation("g")
    alone = [Depends(loss, y_out), Definition(y_out, g(z))]
    assert proves(Partial(loss, z), Partial(loss, y_out) * g.prime(z), alone)
    element_wise = -(t_k[k] / y_k[k]) * (y_k[k] * (1 - y_k[k]))
    assert refuses(Partial(L, z_k[k]), element_wise, SOFTMAX)


@settles
def test_softmax_delta():
    every = Sum(t_k[j], (j, 1, m))
    assert proves(Partial(L, z_k[k]), y_k[k] * every - t_k[k], SOFTMAX) and refuses(
        Partial(L, z_k[k]), y_k[k] - t_k[k], SOFTMAX
    )


@settles
def test_mean_or_sum():
    with as_written():
        model = Definition(y_i[i], Sum(X[i, j] * w_j[j], (j, 1, d)))
        squares, slope = (
            Sum((y_i[i] - t_i[i]) ** 2, (i, 1, n)),
            2 * Sum(X[i, k] * (y_i[i] - t_i[i]), (i, 1, n)),
        )
        mean, total = [Definition(J, squares / n), model], [Definition(J, squares), model]
    assert proves(Partial(J, w_j[k]), slope / n, mean) and refuses(Partial(J, w_j[k]), slope, mean)
    assert proves(Partial(J, w_j[k]), slope, total) and refuses(
        Partial(J, w_j[k]), slope / n, total
    )


@settles
def test_half_or_not():
    assert proves(Partial((y - a) ** 2, a), 2 * (a - y)) and refuses(
        Partial((y - a) ** 2, a), a - y
    )
    assert proves(Partial((y - a) ** 2 / 2, a), a - y) and refuses(
        Partial((y - a) ** 2 / 2, a), 2 * (a - y)
    )


@settles
def test_lost_minus():
    y_ij, t_ij, z_ij = indexed("y", n, m), indexed("t", n, m), indexed("z", n, m)
    with as_written():
        log_P = Sum(t_ij[i, j] * log(y_ij[i, j]), (j, 1, m), (i, 1, n))
        given = [
            Definition(J, -s),
            Definition(s, log_P),
            Definition(y_ij[i, j], exp(z_ij[i, j]) / Sum(exp(z_ij[i, l]), (l, 1, m))),
        ]
    assert proves(J, -log_P, given) and refuses(J, log_P, given)


@settles
def test_separate_sigmoids():
    given = [SOFTMAX[0], Definition(y_k[j], sigmoid(z_k[j]))]
    assert proves(Partial(L, z_k[k]), -t_k[k] * (1 - y_k[k]), given) and refuses(
        Partial(L, z_k[k]), y_k[k] - t_k[k], given
    )


@settles
def test_same_result():
    unit = [Definition(y, sigmoid(a)), Definition(a, w * x)]
    squared, bernoulli = (
        Definition(L, (y - t) ** 2 / 2),
        Definition(L, -t * log(y) - (1 - t) * log(1 - y)),
    )
    assert proves(Partial(L, w), (y - t) * x, [bernoulli, *unit]) and refuses(
        Partial(L, w), (y - t) * x, [squared, *unit]
    )
    assert proves(Partial(L, w), (y - t) * y * (1 - y) * x, [squared, *unit])


@settles
def test_power_form():
    power, half = y**t * (1 - y) ** (1 - t), sympy.Rational(1, 2)
    assert power.subs(t, 1) == y and power.subs(t, 0) == 1 - y
    assert sum(power.subs({t: label, y: half}) for label in (0, half, 1)) == 3 * half


@settles
def test_first_sums():
    W_1, x_k, b_k, one_index = (
        indexed("w^(1)", 2, 4),
        indexed("x", 4),
        indexed("b^(1)", 2),
        indexed("w", 4),
    )
    with as_written():
        right = Sum(W_1[j, k] * x_k[k], (k, 1, 4)) + b_k[j]
        given = [Definition(z_k[j], right)]
    assert proves(z_k[j], right, given) and refuses(
        z_k[j], Sum(one_index[k] * x_k[k], (k, 1, 4)), given
    )


@settles
def test_slope_of_a_bias():
    one = symbols("x_0", real=True)
    given = [
        Depends(L, z),
        Definition(z, w * a + b * one),
        Definition(delta, Partial(L, z)),
        Definition(one, sympy.Integer(1)),
    ]
    assert proves(Partial(L, b), delta, given)


# ---------------------------------------------------------------- claims

X_5, y_5 = np.array([[0.5], [1.0], [1.5], [2.0], [3.0]]), np.array([1.0, 2.5, 2.0, 4.0, 5.5])
X_XOR, Y_XOR = np.array([[0, 0], [0, 1], [1, 0], [1, 1.0]]), np.array([[0], [1], [1], [0.0]])


@settles
def test_uphill():
    def after(move):
        dJ_dw, dJ_db = linear.gradient(X_5, y_5, np.zeros(1), 0.0)
        return linear.cost(X_5, y_5, move * dJ_dw, move * dJ_db)

    assert after(-0.05) < after(0) < after(0.05)


def settles_down(curvature, alpha, steps=3000):
    v = 1.0
    for _ in range(steps):
        v = v - alpha * curvature * v if abs(v) < 1e6 else v
    return abs(v) < 1e-6


@settles
def test_learning_rate():
    assert settles_down(0.25, 1.5) and not settles_down(4, 0.6) and not settles_down(400, 0.1)
    for c in (0.25, 4, 400):
        assert settles_down(c, 0.99 * 2 / c) and not settles_down(c, 1.01 * 2 / c)


@settles
def test_saddle_without_activations():
    v_1, v_2 = symbols("v_1 v_2", real=True)
    assert sympy.hessian((v_1 * v_2 - 1) ** 2, (v_1, v_2)).subs({v_1: 0, v_2: 0}).eigenvals() == {
        2: 1,
        -2: 1,
    }


@settles
def test_perceptron():
    rows = np.array([[1, 0, 0], [1, 0, 1], [1, 1, 0], [1, 1, 1]])

    def ends(labels):
        v, seen = np.zeros(3, dtype=int), set()
        while (
            tuple(v) not in seen
        ):  # whole numbers: an epoch that begins where another began goes round for ever
            seen.add(tuple(v))
            for row, label in zip(rows, labels):
                v = v + (label - (row @ v > 0)) * row
            if ((rows @ v > 0) == labels).all():
                return "stops"
        return "cycles"

    assert ends([0, 0, 0, 1]) == "stops" and ends([0, 1, 1, 0]) == "cycles"


@settles
def test_twins():
    def trained(weights, rounds=500):
        biases = {1: np.zeros(2), 2: np.zeros(1)}
        for _ in range(rounds):
            activations = network.forward(X_XOR, weights, biases, "tanh", "sigmoid")[1]
            step = network.backward(Y_XOR, weights, activations, "tanh", "sigmoid")[1:]
            weights, biases = network.update(weights, biases, *step, 0.5)
        logits = network.forward(X_XOR, weights, biases, "tanh", "sigmoid")[0]
        return abs(weights[1][0] - weights[1][1]).max(), network.cost(Y_XOR, logits[2], "sigmoid")

    apart, stuck = trained({1: np.full((2, 2), 0.3), 2: np.full((1, 2), 0.7)})
    _, learnt = trained({1: np.array([[0.3, -0.4], [0.5, 0.2]]), 2: np.array([[0.7, -0.6]])})
    assert apart == 0 and stuck > 0.4 and learnt < 0.05


@settles
def test_two_valleys():
    def ends_at(v):
        for _ in range(2000):
            v -= 0.02 * (4 * v * (v**2 - 1) + 0.3)
        return v, (v**2 - 1) ** 2 + 0.3 * v

    (left, low), (right, high) = ends_at(-1.5), ends_at(1.5)
    assert left < 0 < right and high - low > 0.5


@settles
def test_first_rise():
    v, totals = np.zeros(2), []
    for number in range(60):
        row = np.append(X_5[number % 5], 1)
        v = v - 0.05 * (row @ v - y_5[number % 5]) * row
        totals.append(linear.cost(X_5, y_5, v[:1], v[1]))
    rise = next(q for q in range(1, 60) if totals[q] > totals[q - 1])
    assert rise < 12 and min(totals[rise:]) < totals[rise - 1] / 2


def zeros_of_cost(rows):
    w_0, w_1 = symbols("w_0 w_1", real=True)
    cost = sum((w_0 + w_1 * u - target) ** 2 for u, target in rows) / (2 * len(rows))
    lowest = sympy.solve([cost.diff(w_0), cost.diff(w_1)], [w_0, w_1], dict=True)
    return [point for point in lowest if cost.subs(point) == 0], (w_0, w_1)


@settles
def test_exact_fit():
    found, (w_0, w_1) = zeros_of_cost([(0, 1), (1, 3), (2, 5)])
    assert found == [{w_0: 1, w_1: 2}]


@settles
def test_zero_set():
    assert (
        len(zeros_of_cost([(0, 1), (1, 3), (2, 5)])[0]) == 1
        and zeros_of_cost([(0, 1), (1, 3), (2, 5), (3, 8)])[0] == []
    )
    [line], (_, w_1) = zeros_of_cost([(1, 3)])
    assert w_1 in set().union(*(value.free_symbols for value in line.values()))
    weights = symbols(
        "w_1:9", real=True
    )  # two equations for Mazur's eight weights: six dimensions are left
    h = [
        sigmoid(weights[2 * q] / 20 + weights[2 * q + 1] / 10 + sympy.Rational(35, 100))
        for q in (0, 1)
    ]
    o = [
        sigmoid(weights[4 + 2 * q] * h[0] + weights[5 + 2 * q] * h[1] + sympy.Rational(6, 10))
        for q in (0, 1)
    ]
    at = dict(zip(weights, map(sympy.Rational, START)))
    jacobian = np.array([[float(sympy.N(o_q.diff(v).subs(at))) for v in weights] for o_q in o])
    assert np.linalg.matrix_rank(jacobian) == 2


@settles
def test_continuous_output():
    q = symbols("q", positive=True)
    assert sympy.simplify(1 / (1 + exp(-log(q / (1 - q)))) - q) == 0


@settles
def test_value_of_the_cost():
    C = 100 * x**2
    assert C.diff(x) == (C + 7).diff(x) and sympy.simplify(C + 7 - C) == 7
    squared = (s - y) ** 2
    assert (
        sympy.simplify(squared.diff(s) ** 2 - 4 * squared) == 0
    )  # the value fixes the size, not the sign


@settles
def test_gradient_is_no_distance():
    assert (100 * x**2).diff(x).subs(x, 1) == 200 and sympy.solve((100 * x**2).diff(x), x) == [0]


@settles
def test_cross_entropy_of_a_sum():
    assert not sympy.log(sympy.Rational(-1, 3)).is_real
    assert np.isfinite(network.binary_cross_entropy(np.array(-1 / 3), np.array(1.0)))


@settles
def test_spans_of_years():
    report, rosenblatt, kelley, linnainmaa, nature = 1957, 1958, 1960, 1970, 1986
    assert (nature - rosenblatt, nature - report, nature - kelley) == (
        28,
        29,
        26,
    ) and linnainmaa < nature


# ---------------------------------------------------------------- Kostadinov: 4-2-2-1

SHAPES = {1: (2, 4), 2: (2, 2), 3: (1, 2)}
UNITS = {1: 4, 2: 2, 3: 2, 4: 1}


@settles
def test_whose_layer():
    assert all(SHAPES[layer - 1] == (UNITS[layer], UNITS[layer - 1]) for layer in (2, 3, 4))
    assert SHAPES[2] != (UNITS[2], UNITS[1]) and 4 not in SHAPES


@settles
def test_what_a_weight_connects():
    rng = np.random.default_rng(1)
    weights, biases = network.initialise((4, 2, 2, 1), rng)
    sample = rng.normal(size=(1, 4))
    nudged = {**weights, 2: weights[2] + np.array([[0, 0], [0, 1.0]])}
    before, a_before = network.forward(sample, weights, biases, output="identity")
    after, _ = network.forward(sample, nudged, biases, output="identity")
    assert np.array_equal(before[1], after[1]) and before[2][0, 0] == after[2][0, 0]
    assert np.isclose(after[2][0, 1] - before[2][0, 1], a_before[1][0, 1], rtol=1e-12)


@settles
def test_four_hidden_neurons():
    weights, biases = network.initialise((4, 2, 2, 1), np.random.default_rng(0))
    assert sum(block.size for block in (*weights.values(), biases[1], biases[2])) == 18
    assert UNITS[2] + UNITS[3] == 4
