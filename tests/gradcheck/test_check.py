"""Laws of numerical derivatives and of the gradient check: right gradients pass, and every planted
fault is refused by name."""

import math
from functools import partial

import numpy as np
import pytest
from drawn import one_in

from gradcheck import (
    GradientError,
    central_difference,
    complex_step,
    derivative,
    forward_difference,
    gradient_check,
    numerical_gradient,
)

RNG = np.random.default_rng(0)
N = 7
X, Y = RNG.normal(size=(N, 3)), RNG.normal(size=N)
POINT = {
    "W": {1: RNG.normal(size=(3, 3)), 2: RNG.normal(size=3)},
    "b": {1: RNG.normal(size=3), 2: 0.3},
}


def forward(p):
    a = np.tanh(X @ p["W"][1].T + p["b"][1])
    return a, a @ p["W"][2] + p["b"][2]


def cost(p):
    return ((forward(p)[1] - Y) ** 2).mean() / 2


def gradient(p, n=N, inner=True):
    """Backpropagation by hand; inner=False drops tanh', n=1 forgets the mean."""
    a, y_hat = forward(p)
    delta = y_hat - Y
    hidden = delta[:, None] * p["W"][2] * (1 - a**2 if inner else 1)
    return {
        "W": {1: hidden.T @ X / n, 2: delta @ a / n},
        "b": {1: hidden.sum(0) / n, 2: delta.sum() / n},
    }


def changed(layer, change, kind="W"):
    """The gradient function with one block changed."""

    def faulty(p):
        g = gradient(p)
        g[kind][layer] = change(g[kind][layer])
        return g

    return faulty


def relu(z):
    return np.maximum(z, 0)


# ------------------------------------------------------------------------------------------------ d


def test_differences_have_the_order_that_taylor_gives_them():
    def error(formula, h):
        return abs(formula(math.exp, 1.0, h) - math.e)

    assert error(forward_difference, 1e-3) / error(forward_difference, 1e-4) == pytest.approx(
        10, rel=0.01
    )
    assert error(central_difference, 1e-2) / error(central_difference, 1e-3) == pytest.approx(
        100, rel=0.01
    )


def test_a_smaller_step_is_not_always_better():
    assert abs(central_difference(math.exp, 1.0, 1e-13) - math.e) > abs(
        central_difference(math.exp, 1.0, 1e-5) - math.e
    )


@pytest.mark.parametrize("h", [1e-8, 1e-20, 1e-200])
def test_the_complex_step_keeps_all_digits_for_any_small_step(h):
    assert complex_step(np.exp, 1.0, h) == pytest.approx(math.e, rel=4e-16)


def test_the_complex_step_refuses_a_function_that_is_not_analytic():
    with pytest.raises(TypeError, match="not analytic"):
        complex_step(abs, 1.0)


def test_the_complex_step_needs_no_choice_of_a_step():
    assert complex_step(np.sin, 1.0) == pytest.approx(math.cos(1), rel=4e-16)


FUNCTIONS = [
    (math.exp, 1.0, math.e),
    (math.sin, 0.7, math.cos(0.7)),
    (math.sin, 1e6, math.cos(1e6)),
    (math.atan, 100.0, 1 / 10001),
    (math.tanh, 8.0, 4 / (math.exp(8) + math.exp(-8)) ** 2),
    (math.log, 1e-3, 1e3),
    (math.sqrt, 1e-8, 5e3),
    (lambda x: math.sin(1e6 * x), 0.1, 1e6 * math.cos(1e5)),
    (lambda x: 1e-9 * x**3, 2.0, 12e-9),
    (lambda x: 1e12 + x, 1.0, 1),
    (lambda x: x * x, 0, 0),
    (lambda x: 5.0, 1.0, 0),
    (abs, 1e-6, 1),
    (abs, -0.01, -1),
    (lambda x: max(x, 0.0) ** 2, 0.0, 0),
]


@pytest.mark.parametrize("f, x, truth", FUNCTIONS)
def test_the_error_bar_of_a_derivative_holds_the_truth(f, x, truth):
    value, error_bar = derivative(f, x)
    assert abs(value - truth) <= error_bar


@pytest.mark.parametrize("f, x, truth", FUNCTIONS[:2])
def test_the_error_bar_is_not_idle(f, x, truth):
    assert derivative(f, x).error_bar < 1e-10


def test_at_a_kink_the_error_bar_is_infinite():
    assert derivative(abs, 0.0).error_bar == math.inf


@pytest.mark.parametrize("f, x, truth", [row for row in FUNCTIONS if row[2]])
def test_fast_slow_and_nearly_hidden_functions_are_all_decided(f, x, truth):
    assert derivative(f, x).error_bar < 1e-4 * abs(truth)


def test_steps_grow_with_the_number_that_they_are_added_to():
    value, error_bar = derivative(lambda x: (x / 1e20) ** 3, 1e20)
    assert abs(value - 3e-20) <= error_bar < 1e-30


@pytest.mark.parametrize(
    "f",
    [
        lambda x: abs(x) + 1e5 * x**2,
        lambda x: abs(x) + math.cos(100 * x),
        lambda x: 1 + 3e-10 * abs(x),
    ],
)
def test_a_kink_is_seen_beneath_strong_bends_and_where_it_is_weak(f):
    assert derivative(f, 0.0).error_bar == math.inf


def test_a_kink_some_way_off_does_not_widen_the_error_bar():
    value, error_bar = derivative(lambda x: max(x - 0.004, 0) + math.exp(3 * x), 0.0)
    assert abs(value - 3) <= error_bar < 1e-9


def between_stairs(k, random):
    """A cost of which a large number makes one term a staircase: (cost, slope, slope without it)"""
    w, factor = random.uniform(1e-5, 3e-2), random.uniform(0.5, 2)
    far, near = [
        (lambda w: np.sin(w + k), lambda w: np.cos(w + k)),
        (lambda w: np.tanh(w + k - k), lambda w: 1 - np.tanh(w + k - k) ** 2),
        (lambda w: (w + k - (k + 2)) ** 2 / 2, lambda w: w + k - (k + 2)),
    ][random.integers(3)], (lambda w: np.sin(factor * w), lambda w: factor * np.cos(factor * w))
    return (lambda w: float(far[0](w) + near[0](w)),
            lambda w: far[1](w) + near[1](w), near[1], w)  # fmt: skip


@pytest.mark.parametrize("k", 10.0 ** np.arange(3, 9))
def test_a_term_that_rounding_makes_a_staircase_is_not_overlooked(k):
    random = np.random.default_rng(int(k))
    for _ in range(6):
        cost, right, without, w = between_stairs(k, random)
        verdicts = [gradient_check(cost, claim, w).blocks["the parameter"].verdict
                    for claim in (right, right(w), without, without(w))]  # fmt: skip
        apart = abs(right(w) - without(w)) > 0.01
        assert "differs" not in verdicts[:2] and not (apart and "agrees" in verdicts[2:]), (k, w)


@pytest.mark.parametrize("distance", 10.0 ** -np.arange(4, 11))
def test_between_the_slopes_of_a_kink_beside_the_point_no_claim_is_right(distance):
    random = np.random.default_rng(round(1 / distance))
    for _ in range(8):
        at, steep = random.uniform(0.1, 2, 2)
        cost = lambda w: float(max(0.0, steep * (at - w)))  # noqa: B023
        w = at * (1 + distance * random.choice([-1, 1]))
        found = [gradient_check(cost, claim, w).blocks["the parameter"].verdict
                 for claim in (-steep / 2, -steep if w < at else 0.0)]  # fmt: skip
        assert found[0] != "agrees" and found[1] != "differs", (at, steep, w)


@pytest.mark.parametrize("z", [20.0, 30.0, 160.0])
def test_a_saturated_unit_whose_slope_rounds_to_nothing_is_not_called_wrong(z):
    sigmoid = lambda w: 1 / (1 + np.exp(-w))
    for cost, claim in [(np.tanh, lambda w: 1 - np.tanh(w) ** 2),
                        (sigmoid, lambda w: sigmoid(w) * (1 - sigmoid(w)))]:  # fmt: skip
        assert gradient_check(cost, claim, z).blocks["the parameter"].verdict != "differs"


def test_a_slope_that_bends_sharply_but_does_not_jump_is_no_kink():
    value, error_bar = derivative(lambda x: abs(x) ** 1.25, 0.0)
    assert abs(value) <= error_bar < 1e-9


@pytest.mark.parametrize("distance", [1e-6, 1e-7, 3e-8])
def test_a_kink_nearer_than_every_step_does_not_hide_the_slope(distance):
    def check(claim):
        return gradient_check(lambda b: relu(b) + b**2, claim, distance, exact=False).blocks[
            "the parameter"
        ]

    right, wrong = check(1 + 2 * distance), check(2 * distance)
    assert (right.verdict, wrong.verdict, right.at_kink) == ("agrees", "differs", 0)


@pytest.mark.parametrize("exact", [True, False])
def test_the_numerical_gradient_has_the_structure_of_the_parameters_and_holds_the_truth(exact):
    measured, truth = numerical_gradient(cost, POINT, exact=exact), gradient(POINT)
    for kind in "Wb":
        for layer in 1, 2:
            value, bar = measured[kind][layer]
            assert np.shape(value) == np.shape(bar) == np.shape(POINT[kind][layer])
            assert (np.abs(value - truth[kind][layer]) <= bar).all()
            assert np.max(bar) < (1e-11 if exact else 1e-9)


def test_derivatives_at_whole_numbers_are_whole():
    assert [numerical_gradient(lambda x: x**3, x).value for x in range(1, 20)] == [
        3 * x**2 for x in range(1, 20)
    ]


def test_the_numerical_gradient_takes_the_complex_step_unless_told_otherwise():
    value, bar = numerical_gradient(lambda p: p[0] ** 2 + 1e-60 * np.exp(p[1]), (1.0, 0.0))[1]
    assert abs(value - 1e-60) <= bar < 1e-70


def test_at_a_kink_the_value_is_the_mean_of_the_two_slopes_and_the_error_bar_infinite():
    value, bar = numerical_gradient(lambda w: relu(w).sum() + w.sum(), np.array([0.0, 1.0, -1.0]))
    assert value == pytest.approx([1.5, 2, 1]) and (bar == math.inf).tolist() == [
        True,
        False,
        False,
    ]


def test_the_error_bar_holds_what_the_last_digits_of_the_parameters_do_to_the_derivative():
    w = np.array([1.0, 1 + 1e-9])
    bars = numerical_gradient(lambda w: (w[0] - w[1]) ** 2, w).error_bar
    assert (bars > 2 * (np.nextafter(w[0], 2) - w[0])).all()


def test_where_an_entry_has_no_value_the_others_are_measured_on_their_own_scale():
    def f(w):
        with np.errstate(invalid="ignore"):
            return 1e-20 * (np.sqrt(w[0]) + w[1] ** 2)

    value, bar = numerical_gradient(f, np.array([0.0, 3.0]), exact=False)
    assert bar[0] == math.inf and abs(value[1] - 6e-20) <= bar[1] < 1e-30


# ------------------------------------------------------------------------------------------ right g


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("claim", [gradient, gradient(POINT)])
def test_a_right_gradient_passes(exact, claim):
    report = gradient_check(cost, claim, POINT, n_samples=N, exact=exact).require()
    assert list(report.blocks) == ["W[1]", "W[2]", "b[1]", "b[2]"]
    assert [b.entries for b in report.blocks.values()] == [9, 3, 3, 1]
    assert {(b.verdict, b.ratio) for b in report.blocks.values()} == {("agrees", 1.0)}
    assert max(b.error for b in report.blocks.values()) < (1e-12 if exact else 1e-9)


@pytest.mark.every(2)
@pytest.mark.parametrize("seed", one_in(3, range(30)))
def test_right_gradients_of_random_networks_pass_given_as_values(seed):
    rng = np.random.default_rng(seed)
    scale = 10.0 ** rng.uniform(-4, 4, size=3)
    inputs, targets = rng.normal(size=(9, 3)) * scale, rng.normal(size=9)
    p = {"v": rng.normal(size=(4, 3)) / scale, "w": rng.normal(size=4), "b": rng.normal()}

    def J(p):
        return ((np.tanh(inputs @ p["v"].T) @ p["w"] + p["b"] - targets) ** 2).mean() / 2

    a = np.tanh(inputs @ p["v"].T)
    delta = a @ p["w"] + p["b"] - targets
    g = {
        "v": (delta[:, None] * p["w"] * (1 - a**2)).T @ inputs / 9,
        "w": delta @ a / 9,
        "b": delta.mean(),
    }
    gradient_check(J, g, p).require()
    g["v"][2, 1] *= 1 + 1e-6
    assert gradient_check(J, g, p).blocks["v"].differing == 1


def test_parameters_may_be_a_number_an_array_a_tuple_or_nested():
    assert gradient_check(lambda x: x**3, lambda x: 3 * x**2, 2.0)
    assert gradient_check(lambda x: (x**3).sum(), lambda x: 3 * x**2, np.array([[1.0, 2.0]]))
    assert gradient_check(lambda p: p[0] * p[1], lambda p: (p[1], p[0]), (2.0, 5.0))
    assert gradient_check(lambda x: (np.asarray(x) ** 2).sum(), [2.0, 4.0], [1, 2])
    assert gradient_check(
        lambda p: p["a"][0]["c"] ** 2, {"a": ({"c": 6.0},)}, {"a": ({"c": 3},)}
    ).blocks["a[0]['c']"]


def test_integer_parameters_are_treated_as_real_numbers():
    assert gradient_check(lambda p: (p**2).sum(), lambda p: 2 * p, np.array([1, 2]))


def test_the_callers_arrays_are_never_changed():
    w = np.array([1.0, 2.0])
    g = 2 * w
    gradient_check(lambda p: (p["w"] ** 2).sum(), {"w": g}, {"w": w})
    assert w.tolist() == [1, 2] and g.tolist() == [2, 4]


def test_a_number_among_the_parameters_arrives_as_a_number():
    def J(p):
        assert not isinstance(p["b"], np.ndarray)
        return (p["w"] ** 2).sum() + p["b"] ** 2

    def g(p):
        assert not isinstance(p["b"], np.ndarray)
        return {"w": 2 * p["w"], "b": 2 * p["b"]}

    assert gradient_check(J, g, {"w": np.ones(2), "b": 3})


def test_a_large_block_can_be_sampled_and_a_wrong_entry_between_the_samples_is_still_found():
    w = np.random.default_rng(1).normal(size=1000)

    def sampled(g):
        return gradient_check(lambda w: np.sin(w).sum(), g, w, sample=10)

    right, wrong = np.cos(w), np.cos(w)
    wrong[501] *= 1.001
    assert sampled(right).blocks["the parameter"].entries == 11 and sampled(right)
    assert not sampled(wrong)
    assert "along a random direction" in str(sampled(wrong))


FACTORS_OF_A_SUM = np.sqrt(np.arange(1, 101))


def sampled(claim, entries=2):
    """What the check says of a weighted sum of 100 numbers, at the first and the last and along one
    direction."""
    return gradient_check(
        lambda w: w @ FACTORS_OF_A_SUM, claim, np.linspace(1, 2, 100), sample=entries
    ).blocks["the parameter"]


def test_the_direction_of_a_sample_has_length_one_and_passes_through_every_entry():
    for k in 3, 17, 30, 44, 58, 71, 85, 98:
        wrong = sampled(FACTORS_OF_A_SUM + (np.arange(100) == k))
        assert wrong.verdict == "differs" and abs(wrong.claimed - wrong.numerical) == pytest.approx(
            1 / math.sqrt(100)
        )


def test_entries_in_another_order_do_not_cancel_along_the_direction():
    first, *others, last = FACTORS_OF_A_SUM
    assert sampled([first, *others[::-1], last]).verdict == "differs"


def test_a_sample_takes_the_first_and_the_last_entry_and_at_most_all():
    assert [sampled(FACTORS_OF_A_SUM, n).entries for n in (1, 2, 99, 100, 101)] == [
        2,
        3,
        100,
        100,
        100,
    ]
    assert [sampled(FACTORS_OF_A_SUM + (np.arange(100) == k)).differing for k in (0, 50, 99)] == [
        2,
        1,
        2,
    ]


def test_one_wrong_entry_seen_by_the_direction_alone_is_no_constant_factor():
    w, alive = (
        np.linspace(0.5, 2, 300),
        np.arange(300) > 0,
    )  # the cost does not depend on the one entry looked at by itself
    report = lambda g: gradient_check(lambda w: (alive * w**2).sum(), g, w, sample=1).blocks[
        "the parameter"
    ]
    wrong = report(lambda w: 2 * alive * w + 1e-3 * (np.arange(300) == 7))
    assert wrong.verdict == "differs" and wrong.ratio is None
    assert wrong.suggestion == "seen along the random direction alone: check more entries"
    assert report(lambda w: 4 * alive * w).suggestion == "a factor 2"


def kinked(size):
    """A smooth function with `size` kinks, all of them at w = 0, and its gradient."""
    factors = np.resize([1.0, -2.0, 3.0, -4.0], size)
    return (
        lambda w: (factors * np.where(w > 0, w, 0)).sum() + (w + 1).sum() ** 2,
        lambda w: factors * (w > 0) + 2 * (w + 1).sum(),
    )


def test_at_a_kink_the_claim_is_compared_with_the_slopes_of_this_point_not_of_the_neighbour():
    block = gradient_check(*kinked(4), np.zeros(4)).require().blocks["the parameter"]
    assert (block.at_kink, block.bracketed, block.beside) == (4, 4, 4)
    assert "4 at a kink, claim between the slopes 8 and 9" in block.remarks()


@pytest.mark.parametrize("size", [4, 40])
def test_several_kinks_along_one_direction_do_not_make_a_right_claim_look_wrong(size):
    cost, gradient = kinked(size)
    report = gradient_check(cost, gradient, np.zeros(size), sample=1)
    assert report and "outside" not in str(report)
    assert not gradient_check(cost, lambda w: 1.001 * gradient(w), np.zeros(size), sample=1)


# -------------------------------------------------------------------------------------- planted fau

FACTORS = [
    (-1, "the sign"),
    (2, "a factor 2"),
    (0.5, "a factor 1/2"),
    (-2, "the sign and a factor 2"),
    (0, "left out: the claim is zero"),
    (N, "a sum for a mean (n = 7)"),
    (1 / N, "1/n once too often (n = 7)"),
    (2 * N, "a sum for a mean (n = 7), and a factor 2"),
    (5, "a factor 5: a sum for a mean?"),
    (1 / 3, "a factor 1/3: a mean taken twice?"),
    (1.7, "a constant factor"),
]


@pytest.mark.every(4)
@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("kind, layer", one_in(3, [("W", 1), ("W", 2), ("b", 1), ("b", 2)]))
@pytest.mark.parametrize("factor, meaning", FACTORS)
def test_a_constant_factor_is_named(factor, meaning, kind, layer, exact):
    report = gradient_check(
        cost, changed(layer, lambda g: factor * g, kind), POINT, n_samples=N, exact=exact
    )
    block = report.blocks[f"{kind}[{layer}]"]
    # One number is always in some ratio to another: no name for it then.
    meaning = "" if block.entries == 1 and meaning == "a constant factor" else meaning
    assert (not report, block.verdict, block.suggestion) == (True, "differs", meaning)
    assert block.ratio == pytest.approx(factor, abs=1e-9)
    assert sum(b.verdict == "agrees" for b in report.blocks.values()) == 3


def test_a_missing_mean_is_seen_in_every_block_also_without_n():
    report = gradient_check(cost, lambda p: gradient(p, n=1), POINT)
    assert {b.suggestion for b in report.blocks.values()} == {"a factor 7: a sum for a mean?"}


def test_two_samples_leave_two_readings_of_a_factor_2():
    report = gradient_check(lambda w: w**2, lambda w: 4 * w, 3.0, n_samples=2)
    assert report.blocks["the parameter"].suggestion == "a factor 2, or a sum for a mean (n = 2)"


def test_a_dropped_inner_factor_has_no_constant_ratio_and_is_named():
    report = gradient_check(cost, lambda p: gradient(p, inner=False), POINT)
    assert report.blocks["W[1]"].suggestion == "the slope of layer 1 is left out (tanh)"
    assert report.blocks["W[1]"].ratio is None
    assert report.blocks["W[2]"].verdict == "agrees"


@pytest.mark.parametrize("factor, more", [(1, ""), (-1, "; the sign"), (2, "; a factor 2")])
def test_a_transposed_gradient_is_named(factor, more):
    block = gradient_check(cost, changed(1, lambda g: factor * g.T), POINT).blocks["W[1]"]
    assert block.transposed and block.suggestion == "transposed" + more


def test_one_wrong_entry_among_many_is_found_and_named():
    def one(g):
        g = g.copy()
        g[1, 2] += 1e-9
        return g

    report = gradient_check(cost, changed(1, one), POINT)
    assert (report.blocks["W[1]"].differing, report.blocks["W[1]"].worst) == (1, "W[1][1, 2]")
    assert "1 of 9 differ" in str(report)
    assert "W[1][1, 2]: claimed " in str(report)


def test_a_forgotten_bias_is_an_error_or_a_claim_of_zero():
    with pytest.raises(ValueError, match=r"the gradient has nothing for 'b'; expected 'W', 'b'"):
        gradient_check(cost, {"W": gradient(POINT)["W"]}, POINT)
    assert "left out" in str(gradient_check(cost, changed(2, lambda g: 0.0, "b"), POINT))


@pytest.mark.parametrize(
    "claim, parameters, message",
    [
        ({0: 4.0, 1: 6.0}, (2.0, 3.0), "the gradient is of type dict, expected a tuple with 0, 1"),
        (
            (4.0, 6.0),
            {0: 2.0, 1: 3.0},
            "the gradient is of type tuple, expected a mapping with 0, 1",
        ),
        (
            np.array([4.0, 6.0]),
            {0: 2.0, 1: 3.0},
            "the gradient is of type ndarray, expected a mapping with 0, 1",
        ),
    ],
)
def test_a_gradient_of_another_structure_is_refused(claim, parameters, message):
    with pytest.raises(TypeError) as error:
        gradient_check(lambda p: p[0] ** 2 + p[1] ** 2, claim, parameters)
    assert str(error.value) == message


def test_a_complex_gradient_is_refused_by_name():
    with pytest.raises(
        TypeError, match="^the gradient of w holds complex numbers, expected real numbers$"
    ):
        gradient_check(lambda p: p["w"] ** 2, {"w": 6 + 0j}, {"w": 3.0})


def test_names_that_are_missing_and_names_that_are_unknown_are_told_together():
    with pytest.raises(ValueError) as error:
        gradient_check(lambda p: p["w"] ** 2 + p["b"], {"w": 2.0, "c": 1.0}, {"w": 1.0, "b": 1.0})
    assert (
        str(error.value)
        == "the gradient has nothing for 'b' and has the unknown 'c'; expected 'w', 'b'"
    )
    with pytest.raises(ValueError) as error:
        gradient_check(
            lambda p: p["w"] ** 2 + p["b"], {"w": 2.0, "b": 1.0, "c": 1.0}, {"w": 1.0, "b": 1.0}
        )
    assert str(error.value) == "the gradient has the unknown 'c'; expected 'w', 'b'"


def test_a_gradient_of_another_point_is_refused():
    other = {"W": {1: POINT["W"][1] + 1e-6, 2: POINT["W"][2]}, "b": POINT["b"]}
    assert {b.verdict for b in gradient_check(cost, gradient(other), POINT).blocks.values()} == {
        "differs"
    }


@pytest.mark.parametrize("strength", [1e-3, 1e-7, 1e-10])
def test_a_regularisation_that_the_gradient_forgot_is_refused_however_weak(strength):
    report = gradient_check(
        lambda p: cost(p) + strength * (p["W"][1] ** 2).sum() / 2, gradient, POINT
    )
    assert report.blocks["W[1]"].verdict == "differs"


@pytest.mark.every(2)
@pytest.mark.parametrize("effect", [1e-3, 1e-9, 1e-15, 1e-60])
@pytest.mark.parametrize("factor", [1, 2, -1, 0, 1 + 1e-9])
def test_a_block_is_judged_on_its_own_scale_however_small(effect, factor):
    report = gradient_check(
        lambda p: (p["a"] ** 3).sum() + effect * np.tanh(p["c"]).sum(),
        lambda p: {"a": 3 * p["a"] ** 2, "c": factor * effect * (1 - np.tanh(p["c"]) ** 2)},
        {"a": np.ones(2), "c": np.array([0.3, 0.2])},
    )
    assert report.blocks["a"].verdict == "agrees"
    assert report.blocks["c"].verdict == ("agrees" if factor == 1 else "differs")


@pytest.mark.every(4)
@pytest.mark.parametrize("seed", range(8))
def test_a_claim_that_lost_digits_where_the_network_is_nearly_sure_is_not_called_wrong(seed):
    """sigmoid(z) - 1 keeps seven or eight digits here, and the complex step of the cost all of
    them."""
    rng = np.random.default_rng(seed)
    A, w = (
        np.column_stack([rng.uniform(1, 2, 8), rng.normal(size=(8, 2))]),
        np.array([14, 0.3, -0.2]),
    )

    def slopes(w, factor=1):
        return factor * A.T @ (1 / (1 + np.exp(-A @ w)) - 1) / 8

    def loss(w):
        return np.log(1 + np.exp(-A @ w)).mean()

    exact = -A.T @ (1 / (1 + np.exp(A @ w))) / 8
    lost = np.abs(slopes(w) / exact - 1).max()
    assert 1e-11 < lost < 1e-6
    assert gradient_check(loss, slopes, w)
    assert gradient_check(loss, slopes(w), w).blocks["the parameter"].verdict != "differs"
    assert (
        gradient_check(loss, lambda w: slopes(w, 1 + 1e-5), w).blocks["the parameter"].verdict
        == "differs"
    )


@pytest.mark.every(3)
@pytest.mark.parametrize("effect", one_in(2, [1e-3, 1e-6, 1e-9, 1e-12, 1e-15, 1e-18, 1e-60]))
@pytest.mark.parametrize("factor", [2, -1, 0, 1.01])
def test_without_the_complex_step_a_small_wrong_gradient_is_still_never_accepted(effect, factor):
    report = gradient_check(
        lambda p: np.abs(p["a"]).sum() + effect * np.tanh(p["c"]).sum(),
        lambda p: {"a": np.sign(p["a"]), "c": factor * effect * (1 - np.tanh(p["c"]) ** 2)},
        {"a": np.ones(2), "c": np.array([0.3, 0.2])},
    )
    if effect >= 1e-9:
        assert report.blocks["c"].verdict == "differs"
    elif factor != 0 or effect >= 1e-12:
        assert not report


def test_a_cost_that_would_deceive_the_complex_step_is_measured_otherwise():
    report = gradient_check(
        lambda w: (np.abs(w) ** 2).sum(), lambda w: 2 * w, np.array([1.0, -2.0])
    )
    assert report and "complex" not in report.method
    assert not gradient_check(lambda w: (np.abs(w) ** 2).sum(), np.zeros(2), np.array([1.0, -2.0]))


def test_a_complex_step_that_is_deceived_but_finds_a_slope_is_not_believed():
    w = np.array([1.0, -2.0])

    def J(w):
        return (np.abs(w) ** 2 + w**2).sum()  # the complex step sees only the second half

    assert gradient_check(J, 4 * w, w) and gradient_check(J, lambda w: 4 * w, w)
    assert gradient_check(J, 2 * w, w).blocks["the parameter"].suggestion == "a factor 1/2"


def test_a_slope_that_the_complex_step_overlooks_is_not_accepted_as_zero():
    def J(p):
        return 1000 + np.sin(p["a"]) - 1000 + 1e-13 * np.real(p["b"])

    report = gradient_check(J, {"a": math.cos(1), "b": 0.0}, {"a": 1.0, "b": 1.0})
    assert (report.blocks["a"].verdict, report.blocks["b"].verdict) == ("agrees", "not decided")


def kink_and_edge(p):
    with np.errstate(invalid="ignore"):
        return relu(p["kink"]) + np.sqrt(p["edge"]) + 1e-60 * np.exp(p["tiny"])


def test_a_kink_and_the_edge_of_the_domain_do_not_spoil_the_complex_step_of_the_others():
    start = {"kink": 0.0, "edge": 0.0, "tiny": 0.0}
    report = gradient_check(kink_and_edge, {"kink": 1.0, "edge": 1.0, "tiny": 1e-60}, start)
    assert [b.verdict for b in report.blocks.values()] == ["agrees", "not decided", "agrees"]
    wrong = gradient_check(kink_and_edge, {"kink": 1.0, "edge": 1.0, "tiny": 2e-60}, start)
    assert wrong.blocks["tiny"].suggestion == "a factor 2"


def test_a_cost_that_takes_neither_complex_numbers_nor_extended_precision_is_measured_in_float64():
    W = np.array([[2.0, 1.0], [0.5, 3.0]])

    def J(W):
        return math.log(np.linalg.det(W))  # refuses long doubles

    report = gradient_check(J, lambda W: np.linalg.inv(W).T, W)
    assert report and report.method == "central differences"
    assert not gradient_check(J, lambda W: np.linalg.inv(W), W)


@pytest.mark.parametrize(
    "cast",
    [
        lambda p: {k: np.asarray(v, dtype=float) for k, v in p.items()},
        lambda p: {k: v.real for k, v in p.items()},
    ],
)
def test_a_cost_that_drops_imaginary_parts_is_measured_otherwise(cast):
    def J(p):
        return np.sin(cast(p)["w"]).sum()

    assert gradient_check(J, lambda p: {"w": np.cos(p["w"])}, {"w": np.array([0.3, 0.4])})
    assert not gradient_check(J, lambda p: {"w": 2 * np.cos(p["w"])}, {"w": np.array([0.3, 0.4])})


# ---------------------------------------------------------------------------------- zeros, dead uni


def relu_cost(p):
    return ((relu(X @ p["w"] + p["b"]) - Y) ** 2).mean() / 2


def relu_gradient(p):
    z = X @ p["w"] + p["b"]
    delta = (relu(z) - Y) * (z > 0)
    return {"w": delta @ X / N, "b": delta.mean()}


def test_a_dead_unit_agrees_and_is_said_to_be_dead():
    report = gradient_check(relu_cost, relu_gradient, {"w": np.ones(3), "b": -50.0}).require()
    assert [(b.dead, b.ratio) for b in report.blocks.values()] == [(3, None), (1, None)]
    assert "dead: the cost does not change with it" in str(report)


def test_a_unit_that_wakes_on_one_side_is_not_called_dead():
    report = gradient_check(lambda w: relu(w) ** 2, 0.0, 0.0).require()
    assert report.blocks["the parameter"].dead == 0


def test_a_dead_unit_whose_gradient_is_claimed_alive_differs():
    report = gradient_check(relu_cost, {"w": np.ones(3), "b": 0.0}, {"w": np.ones(3), "b": -50.0})
    assert report.blocks["w"].verdict == "differs"


def test_a_relu_slope_that_is_true_everywhere_is_refused():
    def always(p):
        delta = relu(X @ p["w"] + p["b"]) - Y
        return {"w": delta @ X / N, "b": delta.mean()}

    assert not gradient_check(relu_cost, always, {"w": np.ones(3), "b": 0.1})


def size(x):
    """|x|, in a form that the complex step can take."""
    return np.maximum(x, -x)


@pytest.mark.parametrize(
    "f",
    [
        lambda b, d: relu(b - d) + np.exp(3 * b),
        lambda b, d: relu(b - d) + b + b**3,
        lambda b, d: size(b - d) + size(b + d) + b,
        lambda b, d: size(b - d) - size(b + d) + b,
        lambda b, d: 0.01 * (size(b - d) + size(b + d)) + b,
        lambda b, d: 0.01 * (size(b - d) - size(b + d)) + b,
    ],
)
def test_kinks_some_way_off_are_no_obstacle(f):
    for d in 0.05, 0.03, 0.004, 0.001, 2e-4, 1e-5:
        kinked = partial(f, d=d)
        report = gradient_check(kinked, numerical_gradient(kinked, 0.0).value, 0.0).require()
        assert report.blocks["the parameter"].at_kink == 0


@pytest.mark.parametrize(
    "f",
    [
        np.exp,
        lambda b: np.tanh(5 * b) + b,
        lambda b: 1 / (1 + b**2),
        lambda b: np.cos(30 * b),
        lambda b: np.log(b + 0.07),
    ],
)
def test_a_sharp_bend_is_no_kink(f):
    assert (
        gradient_check(f, numerical_gradient(f, 0.0).value, 0.0).blocks["the parameter"].at_kink
        == 0
    )


def test_a_smooth_cost_has_no_kink():
    assert {b.at_kink for b in gradient_check(cost, gradient, POINT).blocks.values()} == {0}


@pytest.mark.parametrize(
    "claim, verdict, where",
    [
        (0.0, "agrees", "between"),
        (0.5, "agrees", "between"),
        (1.0, "agrees", "between"),
        (5.0, "differs", "outside"),
        (-1e-3, "differs", "outside"),
        (1e6, "differs", "outside"),
    ],
)
def test_at_a_kink_the_slopes_to_the_two_sides_decide(claim, verdict, where):
    report = gradient_check(relu, claim, 0.0)
    assert report.blocks["the parameter"].verdict == verdict
    assert f"1 at a kink, claim {where} the slopes 0 and 1" in str(report)


def test_among_others_an_entry_at_a_kink_passes_if_its_claim_lies_between_the_slopes():
    def check(claim):
        return gradient_check(
            lambda w: relu(w).sum(), np.array([claim, 1.0, 0.0]), np.array([0.0, 1.0, -1.0])
        )

    assert check(0.0) and check(1.0) and check(0.0).blocks["the parameter"].at_kink == 1
    assert not check(1.5) and not check(-1.0)


def test_a_gradient_function_is_judged_beside_a_kink():
    report = gradient_check(relu, lambda z: (z > 0) * 1.0, 0.0).require()
    assert report.blocks["the parameter"].beside == 1
    assert not gradient_check(relu, lambda z: (z > 0) * 0.5 + (z <= 0) * 0.1, 0.0)


def test_zero_equals_zero_proves_little_so_a_gradient_function_is_judged_beside():
    assert gradient_check(lambda w: w**2, 0.0, 0.0)
    assert gradient_check(lambda w: w**2, lambda w: 2 * w, 0.0)
    report = gradient_check(lambda w: w**2, lambda w: 4 * w, 0.0)
    assert report.blocks["the parameter"].suggestion == "a factor 2"


@pytest.mark.parametrize("exact", [True, False])
def test_a_derivative_lost_in_rounding_is_not_decided_by_values_and_decided_by_a_function(exact):
    centred, targets = X - X.mean(axis=0), Y - Y.mean()

    def J(p):
        return ((centred @ p["w"] + p["b"] - targets) ** 2).mean() / 2

    def g(p, factor=1):
        delta = centred @ p["w"] + p["b"] - targets
        return {"w": delta @ centred / N, "b": factor * delta.mean()}

    start = {"w": np.ones(3), "b": 0.0}  # where dJ/db is 0 but for rounding
    assert gradient_check(J, g, start, exact=exact)
    assert (
        gradient_check(J, lambda p: g(p, 2), start, exact=exact).blocks["b"].suggestion
        == "a factor 2"
    )
    by_values = gradient_check(J, g(start), start, exact=exact).blocks["b"]
    assert by_values.verdict == "not decided" or by_values.claimed == by_values.numerical == 0


def test_a_point_next_to_the_edge_of_the_domain_is_no_obstacle():
    assert gradient_check(lambda x: math.log(x), lambda x: 1 / x, 1e-3)
    assert gradient_check(lambda x: np.log(x).sum(), lambda x: 1 / x, np.array([1e-3, 2.0]))


def test_options_are_given_by_name_so_that_none_is_taken_for_another():
    with pytest.raises(TypeError, match="positional"):
        gradient_check(lambda w: w**2, 6.0, 3.0, 7)
    assert gradient_check(cost=lambda w: w**2, gradient=6.0, parameters=3.0)


# --------------------------------------------------------------------------------------------------


def test_a_report_is_true_if_and_only_if_every_block_agrees_and_require_raises_with_its_text():
    right, wrong = (
        gradient_check(cost, gradient, POINT),
        gradient_check(cost, changed(1, np.negative), POINT),
    )
    assert right and right.require() is right
    with pytest.raises(GradientError) as error:
        wrong.require()
    assert str(wrong) in str(error.value)


def test_the_report_reads_as_a_table():
    faulty = changed(1, lambda g: -g)
    assert (
        str(
            gradient_check(
                lambda p: (p["w"] ** 2).sum() / 4 + 3 * p["b"],
                lambda p: {"w": p["w"] / 2, "b": -3.0},
                {"w": np.array([1.0, 2.0]), "b": 1.0},
            )
        )
        == """\
block  shape  verdict  largest error  digits  ratio  remarks
-------------------------------------------------------------
w      (2,)   agrees   < 1e-09        9       1
b      ()     differs  2              9       -1     the sign

b: claimed -3, numerical 3, 9 digits certain
The gradient is not confirmed: 1 of 2 blocks differ, 0 not decided.
Numerical derivatives by the complex step, confirmed by central differences."""
    )
    assert gradient_check(cost, faulty, POINT)._repr_markdown_().startswith("| block | shape |")


def one_of_each(p):
    """A cost with a block for each verdict, and for each way to come to none."""
    return (
        (p["w"] ** 2).sum() / 2
        + p["near"] ** 2
        + relu(p["kink"])
        + (p["jump"] >= 0)
        + ((p["lost"] - np.array([0.1, 0.2, 0.3])) ** 2).sum()
    )


ONE_OF_EACH = {
    "w": np.array([1.0, 2.0]),
    "near": 3.0,
    "kink": 0.0,
    "jump": 0.0,
    "lost": 0.2,
    "dead|still": np.zeros(2),
}
CLAIM = {
    "w": ONE_OF_EACH["w"] / 7,
    "near": 6.00000001,
    "kink": 0.5,
    "jump": 0.0,
    "lost": 1e-17,
    "dead|still": np.zeros(2),
}


def test_every_verdict_has_its_words_and_a_page_shows_the_same_as_a_table():
    report = gradient_check(one_of_each, CLAIM, ONE_OF_EACH)
    assert (
        str(report)
        == """\
block       shape  verdict      largest error  digits  ratio        remarks
-----------------------------------------------------------------------------------------------------------------
w           (2,)   differs      0.857          9       0.142857     a factor 1/7: a mean taken twice?
near        ()     differs      2e-09          9       1.000000002
kink        ()     agrees       < 1e-09                             1 at a kink, claim between the slopes 0 and 1
jump        ()     not decided                                      1 of 1 not decided
lost        ()     agrees       < 1e-09                             1 of 1 zero but for rounding
dead|still  (2,)   agrees       < 1e-09                             dead: the cost does not change with it

w[0]: claimed 0.142857, numerical 1, 9 digits certain
near: claimed 6.00000001, numerical 6, 9 digits certain
jump: the cost jumps here or is infinitely steep; pass the gradient as a function, or choose another point
The gradient is not confirmed: 2 of 6 blocks differ, 1 not decided.
Numerical derivatives by the complex step, confirmed by central differences."""  # noqa: E501
    )
    page = report._repr_markdown_()
    assert page.startswith("""\
| block | shape | verdict | largest error | digits | ratio | remarks |
| --- | --- | --- | --- | --- | --- | --- |
| w | (2,) | differs | 0.857 | 9 | 0.142857 | a factor 1/7: a mean taken twice? |
| near | () | differs | 2e-09 | 9 | 1.000000002 |  |
""")
    assert (
        "| dead\\|still | (2,) | agrees | < 1e-09 |  |  | dead: the cost does not change with it |"
        in page
    )
    assert page.endswith("  \n".join(str(report).split("\n")[-5:]))


def test_a_difference_in_late_digits_is_shown_with_enough_of_them():
    assert "claimed 6.00000001, numerical 6" in str(gradient_check(lambda x: x**2, 6.00000001, 3.0))


def test_the_text_holds_no_digits_of_noise():
    shaken = {"W": {1: POINT["W"][1] * (1 + 1e-14), 2: POINT["W"][2]}, "b": POINT["b"]}
    for claim in gradient, changed(1, lambda g: 2 * g), lambda p: gradient(p, inner=False):
        assert str(gradient_check(cost, claim, shaken)) == str(gradient_check(cost, claim, POINT))


@pytest.mark.every(4)
@pytest.mark.parametrize("place", [0, 500, 999, 1998, 1999])
def test_an_entry_of_a_large_block_is_checked_to_nine_digits_however_small_it_is(place):
    """Groups are of one power of two, so that a small entry does not vanish beside a large one."""
    a = np.logspace(-9, 3, 2000) * np.random.default_rng(0).choice([-1, 1], 2000)
    cost, w = lambda w: (a * w**2).sum() / 2, np.ones(2000)
    right = gradient_check(cost, a, w)
    assert right and next(iter(right.blocks.values())).digits == 9
    assert not gradient_check(cost, np.where(np.arange(2000) == place, a * (1 + 1e-9), a), w)


@pytest.mark.every(2)
@pytest.mark.parametrize("size", 10.0 ** np.array([-8, -12, -16, -20, -24]))
@pytest.mark.parametrize("f, slope", [
    (lambda x, size: np.log(x), lambda x, size: 1 / x),
    (lambda x, size: np.sqrt(x), lambda x, size: 0.5 / np.sqrt(x)),
    (lambda x, size: np.maximum(x, size / 2) + x, lambda x, size: 1.0 + (x > size / 2)),
])  # fmt: skip
def test_parameters_that_are_tiny_themselves(f, slope, size):
    """A pole or a kink as near as the parameters are to zero, of a cost of real numbers only."""
    cost, x = lambda x: float(f(x, size).sum()), np.array([size, 2 * size])
    assert gradient_check(cost, lambda x: slope(x, size), x)
    report = gradient_check(cost, lambda x: 1.01 * slope(x, size), x)
    assert [block.verdict for block in report.blocks.values()] == ["differs"]


@pytest.mark.again
@pytest.mark.parametrize("name, g, slope", [
    ("tanh", np.tanh, lambda z: 1 - np.tanh(z) ** 2), ("relu", relu, lambda z: (z > 0) * 1.0)
])  # fmt: skip
def test_a_cost_of_real_numbers_alone_is_asked_less_than_once_for_each_entry(name, g, slope):
    """A right claim costs a few points in each group of entries; and rounding sets its digits."""
    rng = np.random.default_rng(3)
    inputs, targets = rng.random(size=(6, 90)), rng.normal(size=(6, 4))
    p = {"W": rng.normal(size=(90, 100)) / 9, "V": rng.normal(size=(100, 4)) / 9}
    asked = []

    def J(p):
        asked.append(1)
        hidden = g(np.asarray(inputs @ p["W"], dtype=float))
        return ((hidden @ p["V"] - targets) ** 2).mean()

    def slopes(p, wrong=0.0):
        z = inputs @ p["W"]
        back = 2 * (g(z) @ p["V"] - targets) / targets.size
        dW = inputs.T @ (back @ p["V"].T * slope(z))
        dW[17, 5] += wrong
        return {"W": dW, "V": g(z).T @ back}

    report = gradient_check(J, slopes, p).require()
    assert "complex" not in report.method and len(asked) < p["W"].size + p["V"].size
    smallest = np.abs(slopes(p)["V"][slopes(p)["V"] != 0]).min()
    assert report.blocks["V"].digits >= min(9, np.log10(smallest / 2e-16) - 4)
    wrong = gradient_check(J, lambda p: slopes(p, 1e-9), p).blocks["W"]
    assert (wrong.verdict, wrong.differing) == ("differs", 1)
