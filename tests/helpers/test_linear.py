"""Laws of linear regression: the functions of helpers.linear against exact fractions, closed forms
and numerical derivatives."""

from fractions import Fraction

import numpy as np
import pytest

from gradcheck import gradient_check
from helpers import data
from helpers import linear as net

X = np.array([[1, 2], [3, -1], [0, 4], [-2, 5], [6, 1]])
Y = np.array([3, 1, -2, 4, 7])
W, B = np.array([2, -3]), 1


def exactly(X, y, w, b):
    """J, dJ/dw_j and dJ/db as fractions, sample by sample."""
    n = len(X)
    delta = [sum(Fraction(int(x)) * int(v) for x, v in zip(row, w)) + int(b) - int(t) for row,
             t in zip(X, y)]
    dJ_dw = [sum(d * int(row[j]) for d, row in zip(delta, X)) / n for j in range(X.shape[1])]
    return sum(d * d for d in delta) / (2 * n), dJ_dw, sum(delta) / n


def random_problem(seed, n=7, d=3):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), rng.normal(size=n), rng.normal(size=d), rng.normal()


def test_a_prediction_is_the_weighted_sum_plus_the_bias():
    assert net.predict(X, W, B).tolist() == [-3, 10, -11, -18, 10]


def test_the_loss_is_half_the_square_of_each_error():
    losses = [net.cost(X[i:i + 1], Y[i:i + 1], W, B) for i in range(len(X))]
    assert losses == [18, 40.5, 40.5, 242, 4.5]


def test_cost_and_gradient_are_exact_on_integers():
    J, dJ_dw, dJ_db = exactly(X, Y, W, B)
    assert net.cost(X, Y, W, B) == float(J)
    assert net.gradient(X, Y, W, B)[0].tolist() == [float(v) for v in dJ_dw]
    assert net.gradient(X, Y, W, B)[1] == float(dJ_db)


def test_the_numbers_worked_out_by_hand():
    # delta = (-6, 9, -9, -22, 3); X^T delta = (-6+27+44+18, -12-9-36-110+3) = (83, -164)
    assert net.cost(X, Y, W, B) == 69.1
    assert net.gradient(X, Y, W, B)[0].tolist() == [83 / 5, -164 / 5]
    assert net.gradient(X, Y, W, B)[1] == -5


@pytest.mark.parametrize("seed", range(5))
def test_the_gradient_is_the_derivative_of_the_cost(seed):
    X, y, w, b = random_problem(seed)
    report = gradient_check(lambda p: net.cost(X, y, *p), lambda p: net.gradient(X, y, *p), (w, b),
                            n_samples=len(X))
    assert report.require()
    assert "complex step" in report.method   # the checks of linear let complex weights through


def test_the_mean_of_the_gradients_of_single_samples_is_the_gradient():
    single = [net.gradient(X[i:i + 1], Y[i:i + 1], W, B) for i in range(len(X))]
    assert (sum(g for g, _ in single) / len(X)).tolist() == net.gradient(X, Y, W, B)[0].tolist()
    assert sum(g for _, g in single) / len(X) == net.gradient(X, Y, W, B)[1]


def test_batch_gradients_average_to_the_gradient_only_if_a_short_batch_counts_by_its_size():
    parts = [(len(k), net.gradient(X[k], Y[k], W, B)[1]) for k in data.batches(5, 2)]
    assert [size for size, _ in parts] == [2, 2, 1]
    whole = net.gradient(X, Y, W, B)[1]
    assert sum(size * g for size, g in parts) / 5 == whole
    assert sum(g for _, g in parts) / 3 != whole


def test_the_order_of_the_samples_does_not_matter():
    order = [3, 0, 4, 2, 1]
    assert net.cost(X[order], Y[order], W, B) == net.cost(X, Y, W, B)
    assert (net.gradient(X[order], Y[order], W, B)[0].tolist()
            == net.gradient(X, Y, W, B)[0].tolist())


def test_a_small_step_along_minus_the_gradient_lowers_the_cost_and_along_plus_raises_it():
    X, y, w, b = random_problem(0)
    dJ_dw, dJ_db = net.gradient(X, y, w, b)
    here = net.cost(X, y, w, b)
    assert (net.cost(X, y, w - 0.01*dJ_dw, b - 0.01*dJ_db) < here
            < net.cost(X, y, w + 0.01*dJ_dw, b + 0.01*dJ_db))


@pytest.mark.parametrize("seed", range(3))
def test_below_the_step_limit_every_step_lowers_the_cost_and_above_it_diverges(seed):
    X, y, w, b = random_problem(seed)
    limit = net.step_limit(X)
    below, above = net.train(X, y, w, b, 0.99 * limit, 50), net.train(X, y, w, b, 1.05 * limit, 400)
    assert (np.diff(below.J) < 0).all()
    assert above.J[-1] > 1e6 * above.J[0]


def test_the_step_limit_by_hand():
    # Hessian diag(4, 1)
    assert net.step_limit([[2.0], [-2.0]]) == pytest.approx(2 / 4, rel=1e-14)
    # the bias is the steepest
    assert net.step_limit([[0.5], [-0.5]]) == pytest.approx(2 / 1, rel=1e-14)
    assert net.step_limit([[0.5], [-0.5]], bias=False) == pytest.approx(2 / 0.25, rel=1e-14)
    assert net.step_limit([[0.0], [0.0]], bias=False) == np.inf


@pytest.mark.parametrize("seed", range(3))
def test_the_closed_form_is_a_stationary_point_and_the_lowest(seed):
    X, y, w, b = random_problem(seed, 20)
    best_w, best_b = net.least_squares(X, y)
    dJ_dw, dJ_db = net.gradient(X, y, best_w, best_b)
    assert np.abs(dJ_dw).max() < 1e-14 and abs(dJ_db) < 1e-14
    assert net.cost(X, y, best_w, best_b) < net.cost(X, y, best_w + 1e-3, best_b)


def test_descent_reaches_the_closed_form():
    X, y, w, b = random_problem(1, 20)
    history = net.train(X, y, w, b, net.step_limit(X) / 2, 500)
    best_w, best_b = net.least_squares(X, y)
    assert np.abs(history.w[-1] - best_w).max() < 1e-12 and abs(history.b[-1] - best_b) < 1e-12


def test_the_closed_form_recovers_a_linear_law_exactly():
    w, b = net.least_squares(X, X @ [2, -3] + 4)
    assert np.abs(w - [2, -3]).max() < 1e-14 and abs(b - 4) < 1e-14


@pytest.mark.parametrize("batch_size", [None, 1, 2, 3, 7])
@pytest.mark.parametrize("shuffled", [False, True])
def test_training_is_the_update_repeated_for_every_batch(batch_size, shuffled):
    X, y, w, b = random_problem(2)
    history = net.train(X, y, w, b, 0.05, 4, batch_size,
                        np.random.default_rng(5) if shuffled else None)
    rng = np.random.default_rng(5) if shuffled else None
    for epoch in range(1, 5):
        for k in data.batches(7, batch_size or 7, rng):
            dJ_dw, dJ_db = net.gradient(X[k], y[k], w, b)
            w, b = w - 0.05*dJ_dw, b - 0.05*dJ_db
        assert np.abs(history.w[epoch] - w).max() < 1e-14 and abs(history.b[epoch] - b) < 1e-14
        assert abs(history.J[epoch] - net.cost(X, y, w, b)) < 1e-14


def test_training_starts_at_row_0_and_leaves_its_arguments_alone():
    data, targets, w = X.astype(float), Y.astype(float), np.zeros(2)
    history = net.train(data, targets, w, 0, 0.01, 3, 2, np.random.default_rng(0))
    assert history.w.shape == (4, 2) and history.b.shape == history.J.shape == (4,)
    assert history.J[0] == net.cost(X, Y, [0, 0], 0) and not history.w[0].any()
    assert (data == X).all() and (targets == Y).all() and not w.any()
    assert len(net.train(X, Y, w, 0, 0.01, 0).J) == 1


@pytest.mark.filterwarnings("error")
def test_a_diverging_run_ends_in_infinite_costs_without_a_warning():
    history = net.train(X, Y, W, B, 10.0, 400)
    assert history.J[-1] == np.inf and not np.isnan(history.J).any()
    assert history.J[1] > history.J[0]


@pytest.mark.parametrize("n, size", [(5, 2), (6, 3), (1, 1), (7, 7), (10, 4)])
def test_batches_hold_every_sample_once_and_only_the_last_is_short(n, size):
    for rng in None, np.random.default_rng(0):
        parts = list(data.batches(n, size, rng))
        assert sorted(np.concatenate(parts).tolist()) == list(range(n))
        assert ([len(p) for p in parts[:-1]] == [size] * (len(parts) - 1)
                and 1 <= len(parts[-1]) <= size)
    assert np.concatenate(list(data.batches(n, size))).tolist() == list(range(n))


def test_batches_are_shuffled_anew_for_each_epoch():
    rng = np.random.default_rng(0)
    assert (np.concatenate(list(data.batches(
        50, 7, rng))).tolist() != np.concatenate(list(data.batches(50, 7, rng))).tolist())


def test_standardised_features_have_mean_0_and_deviation_1_and_can_be_put_back():
    s = data.standardise(X)
    assert np.abs(s.X.mean(axis=0)).max() < 1e-15 and np.abs(s.X.std(axis=0) - 1).max() < 1e-15
    assert np.abs(s.X * s.scale + s.mean - X).max() < 1e-14


def test_new_samples_are_standardised_like_the_old():
    s = data.standardise(X)
    assert data.standardise(X[:2], like=s).X.tolist() == s.X[:2].tolist()
    assert (data.standardise([[4, 4]], like=s).X.tolist()
            == ((np.array([[4, 4]]) - s.mean) / s.scale).tolist())


def test_standardising_lifts_the_step_limit():
    wide = X * np.array([1, 100])
    assert net.step_limit(data.standardise(wide).X) > 1000 * net.step_limit(wide)


def test_lists_serve_as_well_as_arrays():
    assert net.cost(X.tolist(), Y.tolist(), W.tolist(), B) == net.cost(X, Y, W, B)
