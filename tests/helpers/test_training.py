"""Laws of helpers.training: what is learnt from is kept apart from what judges, every sample counts
alike, nothing is lost."""

import numpy as np
import pytest
from digits import share_right, shared_out

from helpers import data, linear
from helpers import network as net
from helpers import training as tr


def problem(n=23, sizes=(4, 6, 3), seed=0):
    """X, one-hot y, W, b: classes that can be told apart, with some noise."""
    rng = np.random.default_rng(seed)
    centres, labels = rng.normal(size=(sizes[-1], sizes[0])), rng.integers(0, sizes[-1], n)
    X = centres[labels] + rng.normal(size=(n, sizes[0]))
    return X, np.eye(sizes[-1])[labels], *net.initialise(sizes, rng)


def train(problem, *activations, seed=1, **options):
    defaults = dict(eta=0.1, n_epochs=4, batch_size=5,
                    rng=None if seed is None else np.random.default_rng(seed))
    return tr.train(*problem, *activations, **{**defaults, **options})


def same(one, other):
    return (one.keys() == other.keys()
            and all(one[l].dtype == other[l].dtype and (one[l] == other[l]).all() for l in one))


def cost(X, y, W, b, hidden="sigmoid", output="softmax"):
    return net.cost(y, net.forward(X, W, b, hidden, output)[0][len(W)], output)


# ---------------------------------------------------------------- training


@pytest.mark.parametrize("batch_size, rng_seed", [(None, None), (1, 3), (5, 3), (5, None), (23, 3)])
@pytest.mark.parametrize("momentum", [0.0, 0.8])
def test_training_is_the_loop_of_forward_backward_and_update(batch_size, rng_seed, momentum):
    X, y, W, b = given = problem()
    history = train(given, "tanh", seed=rng_seed, batch_size=batch_size, momentum=momentum)
    rng, J = (None if rng_seed is None else np.random.default_rng(rng_seed),
              [cost(X, y, W, b, "tanh")])
    v = [{l: 0 * p[l] for l in p} for p in (W, b)]
    for _ in range(4):
        for batch in data.batches(23, batch_size or 23, rng):
            _, a = net.forward(X[batch], W, b, "tanh")
            _, *gradient = net.backward(y[batch], W, a, "tanh")
            v = [{l: momentum * old[l] - 0.1 * g[l] for l in g} for old, g in zip(v, gradient)]
            W, b = ({l: p[l] + move[l] for l in p} for p, move in zip((W, b), v))
        J.append(cost(X, y, W, b, "tanh"))
    assert (history.J == pytest.approx(J, rel=1e-12) and history.n_epochs == 4)
    assert all(np.abs(history.W_last[l] - W[l]).max() < 1e-12
               and np.abs(history.b_last[l] - b[l]).max() < 1e-12 for l in W)


def test_one_neuron_trains_as_linear_regression_does():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(11, 3)), rng.normal(size=11)
    theirs = linear.train(X, y, np.zeros(3), 0.0, 0.1, 6, 4, np.random.default_rng(5))
    ours = tr.train(X, y[:, None], {1: np.zeros((1, 3))}, {1: np.zeros(1)}, output="identity",
                    eta=0.1, n_epochs=6, batch_size=4,
                    rng=np.random.default_rng(5))
    assert ours.J == pytest.approx(theirs.J, rel=1e-12) and np.isnan(ours.accuracy).all()
    assert ours.W_last[1][0] == pytest.approx(theirs.w[-1], rel=1e-12)
    assert ours.b_last[1][0] == pytest.approx(theirs.b[-1], rel=1e-12)


def test_batch_means_weighted_by_their_sizes_are_the_full_gradient():
    # S0-27: the short last batch has fewer samples, and each counts as much as any other.
    X, y, W, b = problem()
    gradient = lambda rows: net.backward(y[rows], W, net.forward(X[rows], W, b)[1])[1]
    parts = list(data.batches(23, 5, np.random.default_rng(0)))
    assert [len(rows) for rows in parts] == [5, 5, 5, 5, 3]
    whole = gradient(np.arange(23))
    weighted = {l: sum(len(rows) / 23 * gradient(rows)[l] for rows in parts) for l in W}
    unweighted = {l: sum(gradient(rows)[l] for rows in parts) / len(parts) for l in W}
    assert all(np.abs(weighted[l] - whole[l]).max() < 1e-15 for l in W)
    assert np.abs(unweighted[1] - whole[1]).max() > 1e-4


def test_the_history_holds_costs_and_accuracies_of_all_samples():
    X, y, W, b = given = problem(40)
    history = train(given, validation=(X[:10], y[:10]))
    assert history.J[0] == pytest.approx(cost(X, y, W, b), rel=1e-13)
    assert history.J[-1] == pytest.approx(cost(X, y, history.W_last, history.b_last), rel=1e-13)
    assert (history.J_validation[-1]
            == pytest.approx(cost(X[:10], y[:10], history.W_last, history.b_last), rel=1e-13))
    assert history.accuracy[-1] == share_right(X, y, history.W_last, history.b_last)
    assert history.accuracy_validation[0] == share_right(X[:10], y[:10], W, b)
    assert all(len(column) == 5 for column
               in (history.J, history.accuracy, history.J_validation, history.accuracy_validation))


def test_accuracy_is_the_share_of_samples_whose_labels_are_all_right():
    X, y, W, b = problem()
    for labels in (y, np.ones_like(y)):                       # a class, and three labels a sample
        history = train((X, labels, W, b), output="sigmoid")
        z, _ = net.forward(X, history.W_last, history.b_last, output="sigmoid")
        assert history.accuracy[-1] == ((z[2] > 0) == labels).all(axis=1).mean()
    assert np.isnan(train((X, y, W, b), output="identity").accuracy).all()


def test_the_same_seed_gives_the_same_bits_and_another_seed_does_not():
    given = problem()
    one, again, other = train(given), train(given), train(given, seed=2)
    assert ((one.J == again.J).all() and same(one.W_last, again.W_last)
            and same(one.b_last, again.b_last))
    assert not same(one.W_last, other.W_last)


def test_validation_samples_teach_nothing():
    given = problem()
    X, y, _, _ = problem(9, seed=5)
    alone, watched = train(given), train(given, validation=(X, y), patience=4)
    assert ((alone.J == watched.J).all() and same(alone.W_last, watched.W_last)
            and alone.J_validation is None)


def overfitting(**options):
    """A network with too many units for 23 samples, whose labels are partly wrong: validation turns
    up again."""
    X, y, W, b = problem(sizes=(4, 40, 3))
    held_out = problem(60, sizes=(4, 40, 3), seed=0)[:2]
    y[:6] = np.roll(y[:6], 1, axis=1)
    return train((X, y, W, b), "tanh", eta=0.02, validation=held_out, **options)


def test_the_best_epoch_has_the_lowest_validation_cost_and_its_weights_are_kept():
    history = overfitting(n_epochs=40)
    assert history.best_epoch == history.J_validation.argmin() and 0 < history.best_epoch < 40
    until_then = overfitting(n_epochs=history.best_epoch)
    assert (same(history.W, until_then.W_last) and same(history.b, until_then.b_last)
            and not same(history.W, history.W_last))


def test_without_validation_the_best_epoch_has_the_lowest_training_cost():
    history = train(problem(), eta=4.0, n_epochs=12)
    assert history.best_epoch == history.J.argmin()


@pytest.mark.parametrize("patience", [1, 3, 10])
def test_patience_stops_after_so_many_epochs_without_a_new_best_and_changes_nothing_before(
    patience):
    whole, stopped = overfitting(n_epochs=60), overfitting(n_epochs=60, patience=patience)
    assert stopped.n_epochs == stopped.best_epoch + patience < 60
    assert (stopped.J == whole.J[:stopped.n_epochs + 1]).all()
    assert (np.diff(np.minimum.accumulate(stopped.J_validation[:stopped.best_epoch + 1])) < 0).any()
    longest = np.diff([0, *np.flatnonzero(np.diff(np.minimum.accumulate(stopped.J_validation)) < 0)
                       + 1]).max()
    assert longest <= patience                                   # it did not stop late


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("hidden", ["relu", "identity"])
def test_divergence_is_no_error_but_is_said(hidden):
    X, y, W, b = problem()
    history = tr.train(X, y * 1e3, W, b, hidden, "identity", eta=50.0, n_epochs=200, batch_size=5,
                       rng=np.random.default_rng(0))
    assert history.n_epochs < 200
    assert history.J[-1] == np.inf and np.isfinite(history.J[:-1]).all()
    assert all(np.isfinite(history.W[l]).all() for l in history.W)


def test_no_epochs_give_the_start():
    X, y, W, b = given = problem()
    history = train(given, n_epochs=0)
    assert (same(history.W, W) and same(history.b_last, b)
            and history.best_epoch == history.n_epochs == 0)


def test_nothing_passed_to_training_is_changed_and_a_refused_call_draws_nothing():
    given = problem()
    before = [v.copy() for v in (*given[:2], *given[2].values(), *given[3].values())]
    train(given, momentum=0.5, validation=given[:2])
    rng = np.random.default_rng(3)
    with pytest.raises(ValueError):
        tr.train(*given, eta=0.1, n_epochs=3, batch_size=0, rng=rng)
    assert rng.random() == np.random.default_rng(3).random()
    assert all((old == now).all() for old,
               now in zip(before, (*given[:2], *given[2].values(), *given[3].values())))


@pytest.mark.again
def test_64_32_10_reads_97_per_cent_of_new_digits_on_average_over_random_splits():
    digits, right = data.load_digits(), []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        (X, y), validation, unseen = ((digits.X[rows], np.eye(10)[digits.labels[rows]])
                                      for rows in shared_out(digits.labels, rng))
        history = tr.train(X, y, *net.initialise((64, 32, 10), rng), "tanh", eta=0.1,
                           momentum=0.9, batch_size=32,
                           n_epochs=60, rng=rng, validation=validation, patience=10)
        right.append(share_right(*unseen, history.W, history.b, "tanh"))
    assert np.mean(right) >= 0.97 and min(right) > 0.94


# ---------------------------------------------------------------- bad input

GIVEN = problem()
X0, Y0, W0, B0 = GIVEN
BAD = [
    (dict(X=X0[:, :3]), ValueError,
     r"X has shape \(23, 3\), expected \(n_samples, n_0\) = \(n_samples, 4\) to match W\[1\]"),
    (dict(X=np.where(X0 == X0[2, 1], np.nan, X0)), ValueError, r"X\[2, 1\] is nan"),
    (dict(X=X0[:0]), ValueError, "X is empty"),
    (dict(X="X"), TypeError, "X holds values of type str"),
    (dict(y=Y0[:5]), ValueError, r"y has shape \(5, 3\), expected \(n_samples, n_K\) = \(23, 3\)"),
    (dict(y=Y0.argmax(axis=1)), ValueError,
     r"y has shape \(23,\), expected \(n_samples, n_K\) = \(23, 3\)"),
    (dict(y=Y0 / 2), ValueError, "expected the label 0 or 1"),
    (dict(W={1: W0[1]}), ValueError, "b has the layers"),
    (dict(b=None), TypeError, "b is None, expected a dictionary"),
    (dict(hidden="swish"), ValueError, "hidden is 'swish'"),
    (dict(eta=-0.1), ValueError, "eta is -0.1, expected a number above 0"),
    (dict(eta=0), ValueError, "eta is 0.0"),
    (dict(n_epochs=-1), ValueError, "n_epochs is -1"),
    (dict(n_epochs=2.5), TypeError, "n_epochs is 2.5"),
    (dict(batch_size=24), ValueError, "batch_size is 24, expected a whole number from 1 to 23"),
    (dict(batch_size=True), TypeError, "batch_size is True"),
    (dict(rng=0), TypeError, "rng is 0, expected a generator"),
    (dict(momentum=1.0), ValueError, "momentum is 1.0, expected a number from 0 to below 1"),
    (dict(validation=X0), TypeError, r"validation is of type ndarray, expected \(X, y\)"),
    (dict(validation=(X0, Y0[:2])), ValueError, r"validation y has shape \(2, 3\)"),
    (dict(patience=3), ValueError, "patience is 3, but there are no validation samples"),
    (dict(patience=0, validation=(X0, Y0)), ValueError, "patience is 0"),
]


@pytest.mark.parametrize("wrong, error, message", BAD)
def test_bad_input_to_training_is_refused_in_words(wrong, error, message):
    arguments = {"X": X0, "y": Y0, "W": W0, "b": B0, "eta": 0.1, "n_epochs": 1, **wrong}
    with pytest.raises(error, match=message):
        tr.train(**arguments)
