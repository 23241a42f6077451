"""Laws of the verdict on a gradient: no wrong one is called right, mistakes get their names, the
words hold what is known."""

import math
import warnings

import numpy as np
import pytest

from gradcheck import derivative, gradient_check

THE = "the parameter"


def block(cost, claim, parameters, **options):
    """The report on a structure of one block."""
    report = gradient_check(cost, claim, parameters, **options)
    (only,) = report.blocks.values()
    assert bool(report) == (only.verdict == "agrees")
    return only


def relu(z):
    return np.maximum(z, 0)


def dotted(weights):
    """A linear cost, and so any gradient we like."""
    return lambda w: w @ np.asarray(weights)


# ------------------------------------------------------------------------- costs that are rounded b


def staircase(function, height):
    """A cost that has lost the digits of its function behind a large number."""
    return lambda w: float(height + float(function(w))) - height


@pytest.mark.every(3)
@pytest.mark.parametrize("slope", [1e-9, 3e-7, 1e-4])
@pytest.mark.parametrize("height", [1e8, 1e10, 1e12])
def test_what_is_not_decided_tells_how_large_an_error_would_be_seen(height, slope):
    cost, truth = lambda w: height + slope * float(np.sin(w)), slope * math.cos(0.7)
    right = block(cost, truth, 0.7)
    assert right.verdict in ("agrees", "not decided")
    if right.verdict == "not decided":
        assert right.seen > 1e-4 * slope
        assert block(cost, truth + 1.1 * right.seen, 0.7).verdict == "differs"
        assert "would be seen; pass" in str(gradient_check(cost, truth, 0.7))


@pytest.mark.parametrize("height", [1e5, 1e7, 1e9, 3e11])
@pytest.mark.parametrize("x", [0.0, 0.3, -2.7, 1000.0])
def test_the_error_bar_holds_the_truth_where_the_cost_has_lost_most_digits(height, x):
    truth = 0.0137
    value, bar = derivative(staircase(lambda w: truth * w, height), x)
    assert abs(value - truth) <= bar


@pytest.mark.every(3)
@pytest.mark.parametrize("slope", [1.37e-2, 1.98e-3, 1.46e-6])
@pytest.mark.parametrize("factor", [0, 1.01, -1, 2])
def test_small_steps_that_drown_in_the_rounding_do_not_prove_a_gradient_zero(slope, factor):
    cost = staircase(lambda w: slope * w, 431_000.0)
    assert not gradient_check(cost, factor * slope, 5.13)
    assert not gradient_check(cost, lambda w: factor * slope, 5.13)


@pytest.mark.every(3)
@pytest.mark.parametrize("slope", [0.0137, 0.0331, 0.05])
@pytest.mark.parametrize("k", range(6))
def test_the_rounding_is_seen_whichever_entry_it_hides(k, slope):
    cost = staircase(lambda w: slope * w[k], 1e9)
    for w in np.zeros(6), np.full(6, 0.3), np.full(6, 1.3e3):
        assert not gradient_check(cost, np.zeros(6), w)


@pytest.mark.every(3)
@pytest.mark.parametrize("slope", [0.0137, 0.0331, 0.05])
@pytest.mark.parametrize("w", [0.0, 0.3])
def test_the_rounding_is_seen_where_all_entries_together_change_nothing(slope, w):
    signs = np.array([1, -1, 1, -1, 1, -1.0])
    assert not gradient_check(
        staircase(lambda w: slope * (w @ signs), 1e9), np.zeros(6), np.full(6, w)
    )


def test_the_rounding_is_seen_on_the_scale_of_the_parameter():
    x = 1.3e20
    assert not gradient_check(staircase(lambda w: 0.0137 * (w / 1e20), 1e9), 0.0, x)


def test_on_one_side_of_a_kink_nothing_is_rounded():
    for x, truth in (-1e-3, 0), (1e-3, 1):
        value, bar = derivative(lambda w: max(w, 0.0), x)
        assert abs(value - truth) <= bar < 1e-9
        value, bar = derivative(lambda w: max(-w, 0.0), -x)
        assert abs(value + truth) <= bar < 1e-9
    assert derivative(lambda w: 0.0, 1.0) == (0, pytest.approx(0, abs=1e-200))
    assert derivative(lambda w: 0.0, 1.0).error_bar >= 0


def test_a_straight_line_is_not_taken_for_rounding_because_it_ends_in_a_kink():
    assert derivative(abs, 0.375).error_bar < 1e-9


@pytest.mark.parametrize("x", [1e-13, 1e-15, 5e-324])
def test_a_point_that_touches_the_edge_of_the_domain_is_judged_beside_it(x):
    def entropy(w):
        return w * math.log(w)  # raises outside

    assert gradient_check(entropy, lambda w: math.log(w) + 1, x)
    assert block(entropy, lambda w: 2 * math.log(w) + 2, x).verdict == "differs"


# ------------------------------------------------------------------------------------------------ w


@pytest.mark.every(2)
@pytest.mark.parametrize(
    "factor", [lambda w: np.where(w > 0, 1, 1.5), lambda w: np.where(w < 0, 1, 1.5)]
)
@pytest.mark.parametrize(
    "cost, slope",
    [
        (lambda w: w**2, lambda w: 2 * w),
        (lambda w: np.abs(w), lambda w: np.sign(w)),
        (lambda w: np.abs(w) + w**2, lambda w: np.sign(w) + 2 * w),
    ],
)
def test_a_gradient_that_is_wrong_on_one_side_alone_is_refused(cost, slope, factor):
    assert gradient_check(cost, slope, 0.0)
    assert block(cost, lambda w: factor(w) * slope(w), 0.0).verdict == "differs"


@pytest.mark.parametrize("error", [ValueError, ZeroDivisionError, OverflowError])
@pytest.mark.parametrize("side", [1, -1])
def test_at_the_edge_of_the_domain_the_side_that_is_left_decides(side, error):
    def cost(w):
        if side * w < 0:
            raise error("outside")
        return (side * w) ** 1.5

    right = block(cost, lambda w: 1.5 * side * np.sqrt(side * w), 0.0)
    assert (right.verdict, right.beside) == ("agrees", 1)
    assert block(cost, lambda w: 3 * side * np.sqrt(side * w), 0.0).suggestion == "a factor 2"


def test_the_place_beside_is_near_enough_to_lie_in_the_domain():
    def cost(w):
        return math.log(1 - w * w)

    assert block(cost, lambda w: -2 * w / (1 - w * w), 0.0).beside == 1
    assert block(cost, lambda w: -4 * w / (1 - w * w), 0.0).suggestion == "a factor 2"


@pytest.mark.parametrize("scale", [1, -1, 1e20, 1e-3])
def test_the_place_beside_is_another_one_whatever_the_size_of_the_parameter(scale):
    report = block(
        lambda w: (w / scale - 1) ** 2, lambda w: 4 * (w / scale - 1) / scale, float(scale)
    )
    assert report.suggestion == "a factor 2"


def test_zero_on_both_sides_says_no_more_than_zero_at_the_point():
    report = block(lambda w: relu(w - 0.05), lambda w: (w > 0.05) * 1.0, 0.0)
    assert (report.verdict, report.beside, report.dead) == ("agrees", 0, 0)
    assert block(lambda w: w**2, lambda w: 2 * w, 0.0).beside == 1


def test_what_cannot_be_decided_beside_the_point_leaves_the_verdict_as_it_was():
    cost = staircase(lambda w: 1e-4 * w * w, 1e9)
    report = block(cost, lambda w: 2e-4 * w, 0.0)
    assert (report.verdict, report.beside) == ("agrees", 0)


# --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("effect", [1e-9, 1e-15, 1e-60])
def test_a_small_wrong_block_given_as_values_differs_too(effect):
    claim = {"a": 3.0, "c": 2 * effect * (1 - math.tanh(0.3) ** 2)}
    report = gradient_check(
        lambda p: p["a"] ** 3 + effect * np.tanh(p["c"]), claim, {"a": 1.0, "c": 0.3}
    )
    assert (report.blocks["a"].verdict, report.blocks["c"].verdict) == ("agrees", "differs")
    assert report.blocks["c"].suggestion == "a factor 2"


def test_values_may_have_lost_as_much_as_the_size_of_the_cost_lets_them_lose():
    def verdict(height, error):
        return block(lambda w: height + w**2 / 2, 1e-3 + error, 1e-3).verdict

    assert verdict(0, 1e-9) == verdict(1e6, 1e-7) == "differs"
    assert verdict(1e6, 1e-9) == "not decided"


@pytest.mark.parametrize("error", [ValueError, ZeroDivisionError])
def test_a_gradient_function_that_cannot_be_shaken_has_no_rounding_to_excuse_it(error):
    def claim(w):
        if w < 0:
            raise error("outside")
        return 2 * (w + 1) * (1 + 1e-9)

    assert block(lambda w: (w + 1) ** 2, claim, 1e-8).verdict == "differs"


# --------------------------------------------------------------------------------------------------


@pytest.mark.every(2)
@pytest.mark.parametrize(
    "slope, jump, claim",
    [
        (1, 1e-2, 1.06),
        (1, 1e-2, 0.95),
        (100, 1, 101.05),
        (100, 1, 99.95),
        (-100, 1, -99 + 0.05),
        (0, 2, 2.1),
    ],
)
def test_a_claim_just_outside_the_slopes_of_a_kink_does_not_pass(slope, jump, claim):
    def cost(w):
        return slope * w[0] + jump * relu(w[0]) + w[1]

    for inside in slope, slope + jump, slope + jump / 3:
        assert block(cost, [inside, 1.0], np.array([0.0, 1.0])).bracketed == 1
    outside = block(cost, [claim, 1.0], np.array([0.0, 1.0]))
    assert (outside.verdict, outside.bracketed) == ("differs", 0)


def test_both_slopes_of_an_absolute_value_may_be_claimed():
    for claim in 1.0, -1.0, 0.0:
        assert gradient_check(lambda w: np.abs(w[0]) + w[1], [claim, 1.0], np.array([0.0, 1.0]))


def test_the_slopes_that_are_told_are_those_of_the_first_kink():
    report = block(
        lambda w: 3 * w[0] + relu(w[1]) - 2 * relu(w[2]),
        [3.0, 5.0, -1.0],
        np.array([1.0, 0.0, 0.0]),
    )
    assert (report.at_kink, report.bracketed, report.slopes) == (2, 1, (0, 1))
    assert report.remarks() == "1 of 3 differ; 2 at a kink, claim 1 between the slopes 0 and 1"


def test_a_slope_of_zero_has_no_sign():
    report = block(lambda w: -0.0 if w > 0 else w, 0.5, 0.0)
    assert report.remarks() == "1 at a kink, claim between the slopes 1 and 0"


def test_a_block_of_nothing_but_kinks_has_no_error_and_its_first_entry_stands_for_it():
    report = block(lambda w: relu(w).sum(), [0.2, 0.7], np.zeros(2))
    assert (report.verdict, report.error, report.worst, report.claimed) == (
        "agrees",
        0,
        f"{THE}[0]",
        0.2,
    )
    assert (report.ratio, report.detail()) == (None, "")


@pytest.mark.parametrize("x", [0.0, 0.01, -0.003, 1e-4])
def test_a_slope_that_is_steep_but_continuous_has_no_kink(x):
    report = block(
        lambda w: np.abs(w) ** 1.5 + w, lambda w: 1.5 * np.sign(w) * np.abs(w) ** 0.5 + 1, x
    )
    assert (report.verdict, report.at_kink) == ("agrees", 0)


@pytest.mark.every(2)
@pytest.mark.parametrize("x", [1000.0, -1000.0, 3e6])
@pytest.mark.parametrize("side", [1, -1])
def test_beside_a_kink_a_large_parameter_is_measured_with_steps_that_do_not_reach_it(x, side):
    distance = abs(x) * 2.0**-23
    kink = x - side * distance

    def cost(w):
        return relu(side * (w - kink))

    for exact in True, False:
        assert block(cost, float(side), x, exact=exact).verdict == "agrees"
        assert block(cost, side * 0.5, x, exact=exact).verdict == "differs"
        assert block(cost, 0.0, x, exact=exact).verdict == "differs"


@pytest.mark.parametrize("place", [3e-8, 4.5e-8, 6e-8, 9e-8, -3e-8, -4.5e-8, -6e-8, -9e-8])
def test_a_kink_so_weak_that_rounding_hides_its_place_refuses_no_right_claim(place):
    strength = 3e-15 / abs(place)
    truth = 1 - strength * np.sign(place)
    report = block(lambda w: float(1 + float(w) + strength * abs(float(w) - place)), truth, 0.0)
    assert report.verdict != "differs"


@pytest.mark.parametrize("distance", [1e-4, 1e-6, 1e-7])
def test_a_kink_at_a_distance_never_lets_a_claim_between_its_slopes_agree(distance):
    for claim in 0.1, 0.5, 0.9:
        assert (
            block(lambda w: relu(w[0]) + w[1], [claim, 1.0], np.array([distance, 1.0])).verdict
            == "differs"
        )


# --------------------------------------------------------------------------------------------------


def test_the_worst_entry_is_the_one_with_the_largest_relative_error():
    right = np.array([5.0, 1e-3, 1e-3, 4.0])
    report = block(dotted(right), right * [1.1, 1.2, 2, 1], np.ones(4))
    assert (report.worst, report.differing, report.entries) == (f"{THE}[2]", 3, 4)
    assert report.error == pytest.approx(0.5) and (
        report.claimed,
        report.numerical,
    ) == pytest.approx((2e-3, 1e-3))
    assert report.detail() == f"{THE}[2]: claimed 0.002, numerical 0.001, 9 digits certain"
    assert report.remarks() == "3 of 4 differ"


def test_of_entries_that_tie_but_for_rounding_the_first_is_named():
    right = np.array([1.0, 3, 7, 9])
    report = block(dotted(right), 3 * right * (1 + 1e-12 * np.arange(4)), np.ones(4))
    assert report.worst == f"{THE}[0]"


def test_dead_entries_do_not_spoil_what_is_said_of_the_others():
    report = block(lambda w: np.exp(w[1]), [0.0, math.exp(0.3) * (1 + 1e-14)], np.array([1.0, 0.3]))
    assert (report.verdict, report.dead, report.ratio) == ("agrees", 1, 1)
    assert 0 < report.error < 1e-12 and 0 < report.error_bar < 1e-12
    assert report.remarks() == "1 of 2 dead" and report.sizes() == ("< 1e-09", "9", "1")


def test_a_dead_block_has_neither_error_nor_ratio():
    report = block(lambda w: 7.0, np.zeros(2), np.ones(2))
    assert (report.verdict, report.error, report.error_bar, report.ratio) == ("agrees", 0, 0, None)


def test_zero_equals_zero_is_no_ratio_either():
    report = block(lambda w: (w**2).sum(), np.zeros(2), np.zeros(2))
    assert (report.verdict, report.dead, report.ratio) == ("agrees", 0, None)


def test_errors_are_relative():
    small, large = (block(dotted([scale]), [3 * scale], np.ones(1)) for scale in (1e-6, 1e6))
    for report in small, large:
        assert report.error == pytest.approx(2 / 3) and 0 < report.error_bar < 1e-12


# --------------------------------------------------------------------------------------------------

N = 7


@pytest.mark.parametrize("sign, prefix", [(1, ""), (-1, "the sign and ")])
@pytest.mark.parametrize(
    "factor, meaning",
    [
        (N / 2, "a sum for a mean (n = 7), and a factor 1/2"),
        (2 / N, "1/n once too often (n = 7), and a factor 2"),
        (0.5 / N, "1/n once too often (n = 7), and a factor 1/2"),
        (3, "a factor 3: a sum for a mean?"),
        (1 / 3, "a factor 1/3: a mean taken twice?"),
        (0.37, "a constant factor"),
        (2.7, "a constant factor"),
        (999_999, "a factor 999999: a sum for a mean?"),
        (3 * (1 + 1e-5), "a constant factor"),
        (3 * (1 + 5e-7), "a factor 3: a sum for a mean?"),
        (1e6, "a constant factor"),
        (2 * (1 + 1e-5), "a constant factor"),
    ],
)
def test_factors_are_told_by_name_and_by_sign(factor, meaning, sign, prefix):
    right = np.array([1.0, -0.5])
    report = block(dotted(right), sign * factor * right, np.ones(2), n_samples=N)
    assert (report.suggestion, report.ratio) == (prefix + meaning, pytest.approx(sign * factor))


@pytest.mark.parametrize(
    "n, factor, meaning",
    [
        (1, 2, "a factor 2"),
        (1, 0.5, "a factor 1/2"),
        (1, 5, "a factor 5: a sum for a mean?"),
        (2, 0.5, "a factor 1/2, or 1/n once too often (n = 2)"),
        (4, 2, "a factor 2, or a sum for a mean (n = 4), and a factor 1/2"),
        (4, 0.5, "a factor 1/2, or 1/n once too often (n = 4), and a factor 2"),
        (2, 4, "a sum for a mean (n = 2), and a factor 2"),
        (None, 4, "a factor 4: a sum for a mean?"),
    ],
)
def test_all_readings_of_a_factor_are_told(n, factor, meaning):
    assert block(lambda w: w**2, 6.0 * factor, 3.0, n_samples=n).suggestion == meaning


@pytest.mark.parametrize(
    "right, factors",
    [
        ([1e4, 1e3], [2, 2 * (1 + 1e-6)]),
        ([1.0, 1e-6], [2, 2 * (1 + 1e-4)]),
        ([1.0, 1.0], [2, 2 * (1 + 1e-9)]),
        ([1e-6, 1.0], [3, 2]),
        ([1.0, 2.0], [-2, 2]),
    ],
)
def test_two_entries_that_are_wrong_by_different_factors_have_no_constant_ratio(right, factors):
    report = block(dotted(right), np.multiply(right, factors), np.ones(2))
    assert (report.verdict, report.ratio) == ("differs", None)
    assert report.suggestion == "no constant ratio: another formula, or another point"


def test_a_ratio_is_seen_through_the_rounding_of_the_claim():
    right = np.array([1.0, -3.0, 0.2, 5.0])
    assert (
        block(
            dotted(right), 2 * right * (1 + 1e-13 * np.array([1, -1, -1, 1])), np.ones(4)
        ).suggestion
        == "a factor 2"
    )


def test_an_entry_at_a_kink_does_not_hide_the_ratio_of_the_others():
    report = block(
        lambda w: relu(w[0]) + (w**2).sum() / 2, [0.3, 4.0, 6.0], np.array([0.0, 2.0, 3.0])
    )
    assert (report.verdict, report.suggestion, report.differing, report.at_kink) == (
        "differs",
        "a factor 2",
        2,
        1,
    )


def test_an_entry_that_is_not_decided_does_not_hide_the_ratio_of_the_others():
    report = block(
        lambda w: (
            ((w - np.array([0.1, 1, 1])) ** 2).sum()
            + ((w[0] - np.array([0.2, 0.3, 0.2, 0.1])) ** 2).sum()
        ),
        [1e-17, 4.0, 8.0],
        np.array([0.18, 2.0, 3.0]),
    )
    assert (report.verdict, report.suggestion, report.differing) == ("differs", "a factor 2", 2)
    assert "2 of 3 differ" in report.remarks()


def test_a_claim_where_there_is_nothing_has_no_ratio_and_no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        one, two = (block(lambda w: 7.0, np.ones(n), np.ones(n)) for n in (1, 2))
    assert (one.verdict, one.ratio, one.suggestion) == ("differs", None, "")
    assert two.suggestion == "2 of 2 are non-zero where the cost does not change"


MATRIX = np.array([[1.0, 2.0], [5.0, 3.0]])


def weighted(W):
    return (W * MATRIX).sum()


@pytest.mark.parametrize(
    "claim, transposed, suggestion",
    [
        (MATRIX.T, True, "transposed"),
        (-3 * MATRIX.T, True, "transposed; the sign and a factor 3: a sum for a mean?"),
        (-MATRIX, False, "the sign"),
        (MATRIX[::-1], False, "no constant ratio: another formula, or another point"),
        (MATRIX.T + [[0, 1e-6], [0, 0]], False, ""),
    ],
)
def test_a_transpose_is_named_and_nothing_else_is_called_one(claim, transposed, suggestion):
    report = block(weighted, claim, np.ones((2, 2)))
    assert (report.verdict, report.transposed, report.suggestion) == (
        "differs",
        transposed,
        suggestion,
    )
    assert (report.ratio is None) == (
        suggestion in ("", "no constant ratio: another formula, or another point")
    )


def test_what_is_not_square_is_never_called_a_transpose():
    right = np.array([[1.0, 2.0, 4.0]])
    report = block(lambda W: (W * right).sum(), right[:, ::-1] + 0.3, np.ones((1, 3)))
    assert (report.transposed, report.suggestion) == (
        False,
        "no constant ratio: another formula, or another point",
    )
    cube = np.arange(1.0, 9).reshape(2, 2, 2)
    assert not block(lambda W: (W * cube).sum(), cube.T, np.ones((2, 2, 2))).transposed
    assert not block(dotted([1.0, 2.0]), [2.0, 1.0], np.ones(2)).transposed


# --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "claim, shown",
    [
        (6.00000001, "claimed 6.00000001, numerical 6"),
        (6.0000001, "claimed 6.0000001, numerical 6"),
        (6.001, "claimed 6.001, numerical 6"),
        (6.000001234, "claimed 6.000001, numerical 6"),
        (-12.3456789, "claimed -12.3457, numerical 6"),
        (6 + 1e-11, "claimed 6.00000000001, numerical 6"),
    ],
)
def test_two_numbers_get_six_digits_or_as_many_as_tell_them_apart(claim, shown):
    assert block(lambda w: w**2, claim, 3.0).detail() == f"{THE}: {shown}, 9 digits certain"


def test_fourteen_digits_tell_the_smallest_difference_that_is_called_one():
    assert (
        block(dotted([1.0]), [1 + 4.8e-13], np.ones(1)).detail()
        == f"{THE}[0]: claimed 1.0000000000005, numerical 1, 9 digits certain"
    )


@pytest.mark.parametrize(
    "claim, error, ratio",
    [
        (9.0, "0.333", "1.5"),
        (6.000_03, "5e-06", "1.000005"),
        (6.000_003_1, "5e-07", "1.000000517"),
        (6.000_12, "2e-05", "1.00002"),
        (2.0, "0.667", "0.333333"),
        (6e6, "1", "1e+06"),
        (1.0, "0.833", "0.166667"),
    ],
)
def test_errors_and_ratios_have_the_digits_that_mean_something(claim, error, ratio):
    report = block(lambda w: w**2, claim, 3.0)
    assert report.sizes() == (error, "9", ratio)


def noisy(strength):
    """A cost of slope 1 whose rounding is this strong."""
    return lambda w: float(w) + strength * (hash((float(w), 7)) % 1_000_003 / 500_000 - 1)


@pytest.mark.parametrize(
    "strength", [1e-13, 1e-11, 1e-10, 1e-9, 3e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-2]
)
def test_the_digits_that_are_called_certain_are(strength):
    report = block(noisy(strength), 1000.0, 0.3)
    assert report.verdict == "differs"
    assert abs(report.numerical - 1) < 10.0**-report.digits
    assert report.digits >= min(9, -math.log10(strength) - 4)
    assert (
        report.detail()
        == f"{THE}: claimed 1000, numerical {report.numerical:.6g}, {report.digits} digits certain"
    )


def test_zero_is_said_of_a_number_that_cannot_be_told_from_zero():
    report = block(noisy(1e-3), 1000.0, 0.3)
    assert report.claimed == 1000 and report.numerical != 0
    lost = block(lambda w: ((w - np.array([0.1, 0.2, 0.3])) ** 2).sum(), 1e-17, 0.2)
    assert (lost.verdict, lost.claimed, lost.numerical) == ("agrees", 0, 0)


def test_entries_are_called_by_their_indices():
    wrong = np.array(MATRIX)
    wrong[1, 0] += 1
    assert block(weighted, wrong, np.ones((2, 2))).worst == f"{THE}[1, 0]"
    assert block(lambda w: w**2, 1.0, 3.0).worst == THE
    assert block(lambda w: 5 * w[0], [1.0], np.ones(1)).worst == f"{THE}[0]"


def test_each_remark_stands_alone_or_is_parted_by_a_semicolon():
    report = block(
        lambda w: relu(w[0]) + 3 * w[1] + w[2] ** 2,
        [0.5, 6.0, 5.0, 0.0],
        np.array([0.0, 1.0, 1.0, 1.0]),
    )
    assert (
        report.remarks()
        == "2 of 4 differ; 1 of 4 dead; 1 at a kink, claim between the slopes 0 and 1"
    )
