"""Laws of update_check: the simultaneous step passes, everything else is refused, and by its name."""

import numpy as np
import pytest

from gradcheck.update import UpdateError, update_check

X, Y = np.array([0.3, -0.7, 0.4]), np.array([0.2, 0.9])
RANDOM = np.random.default_rng(3)
P = {"W1": RANDOM.normal(size=(2, 3)), "b1": RANDOM.normal(size=2), "W2": RANDOM.normal(size=(2, 2)), "b2": RANDOM.normal(size=2)}


def sigma(z):
    return 1 / (1 + np.exp(-z))


def forward(p):
    a1 = sigma(p["W1"] @ X + p["b1"])
    return a1, sigma(p["W2"] @ a1 + p["b2"])


def cost(p):
    return np.sum((forward(p)[1] - Y) ** 2) / 2


def backward(p, back=None):
    """The gradient; the deltas may travel back through other weights than the signal went forward."""
    a1, y_hat = forward(p)
    delta2 = (y_hat - Y) * y_hat * (1 - y_hat)
    delta1 = (p["W2"] if back is None else back).T @ delta2 * a1 * (1 - a1)
    return {"W1": np.outer(delta1, X), "b1": delta1, "W2": np.outer(delta2, a1), "b2": delta2}


def right(p, eta):
    return {name: p[name] - eta * slope for name, slope in backward(p).items()}


def stale(p, eta):
    new = right(p, eta)
    return new | {name: p[name] - eta * backward(p, new["W2"])[name] for name in ("W1", "b1")}


def one_after_the_other(*order):
    def step(p, eta):
        new = dict(p)
        for name in order:
            new[name] = p[name] - eta * backward(new)[name]
        return new
    return step


@pytest.mark.parametrize("eta", [1e-6, 1e-3, 0.1, 0.5, 5.0])
def test_the_simultaneous_step_passes_at_any_learning_rate(eta):
    report = update_check(right, cost, P, eta)
    assert report and report.order == "simultaneous" and report.require() is report


@pytest.mark.parametrize("eta", [1e-3, 0.1, 0.5])
def test_deltas_through_updated_weights_are_sequential(eta):
    report = update_check(stale, cost, P, eta)
    assert not report and report.order == "sequential"
    assert [report.blocks[n].verdict for n in P] == ["sequential", "sequential", "simultaneous", "simultaneous"]
    assert "deltas came through weights that had already moved" in report.blocks["W1"].remark


@pytest.mark.parametrize("first, second", [("W1", "W2"), ("W2", "W1")])
def test_a_fresh_forward_pass_between_two_blocks_is_named_with_the_block_that_moved_first(first, second):
    report = update_check(one_after_the_other(first, second, "b1", "b2"), cost, P, 0.5)
    assert report.order == "sequential" and report.blocks[first].verdict == "simultaneous"
    assert report.blocks[second].remark == f"its slope was taken after {first} had moved"


def frozen(p, eta):
    return right(p, eta) | {"b1": p["b1"]}


FAULTS = {
    "uphill": (lambda p, eta: {n: p[n] + eta * s for n, s in backward(p).items()}, "W1"),
    "a factor 2 is too many": (lambda p, eta: right(p, 2 * eta), "W1"),
    "a factor ½ is too many": (lambda p, eta: right(p, eta / 2), "W1"),
    "not updated": (frozen, "b1"),
    "does not depend on eta": (lambda p, eta: right(p, 0.1), "W2"),
    "transposed": (lambda p, eta: right(p, eta) | {"W2": p["W2"] - eta * backward(p)["W2"].T}, "W2"),
    "not along the gradient": (lambda p, eta: right(p, eta) | {"W1": p["W1"] - eta * np.outer(X[:2], X)}, "W1"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_wrong_step_is_refused_by_name(name):
    step, block = FAULTS[name]
    report = update_check(step, cost, P, 0.3)
    assert report.order == "wrong" and name in report.blocks[block].remark
    with pytest.raises(UpdateError, match=name):
        report.require()


def test_one_wrong_entry_is_found_and_shown():
    def step(p, eta):
        new = right(p, eta)
        new["W1"][1, 2] += 1e-6
        return new
    block = update_check(step, cost, P, 0.5).blocks["W1"]
    assert block.differing == 1 and block.worst[0] == "W1[1, 2]"


def test_parameters_that_are_not_named_may_stay_as_they_are():
    some = {name: P[name] for name in ("W1", "W2")}
    assert update_check(lambda w, eta: {n: right(P | w, eta)[n] for n in w}, lambda w: cost(P | w), some, 0.5)


def test_nothing_that_is_passed_in_changes():
    def in_place(p, eta):
        for name, slope in backward(p).items():
            p[name] -= eta * slope
        return p
    before = {name: block.copy() for name, block in P.items()}
    assert update_check(in_place, cost, P, 0.5)
    assert all(np.array_equal(P[name], before[name]) for name in P)


def test_a_step_lost_in_rounding_is_not_decided():
    assert update_check(right, cost, P, 1e-13).order in ("not decided", "wrong")
    assert not update_check(right, cost, P, 1e-13)


BAD = [
    (dict(w_new=3), TypeError, "w_new"),
    (dict(cost=None), TypeError, "cost"),
    (dict(eta=0), ValueError, "eta"),
    (dict(eta=-0.1), ValueError, "eta"),
    (dict(w={}), ValueError, "empty"),
    (dict(w=[1.0]), TypeError, "mapping"),
    (dict(w={"W1": [float("nan")]}), ValueError, "nan"),
    (dict(w_new=lambda p, eta: {"W1": P["W1"]}), ValueError, "blocks"),
    (dict(w_new=lambda p, eta: right(p, eta) | {"W1": P["W1"].T}), ValueError, "shape"),
    (dict(w_new=lambda p, eta: P["W1"]), TypeError, "mapping"),
]


@pytest.mark.parametrize("wrong, error, words", BAD)
def test_bad_input_gets_a_clear_error(wrong, error, words):
    with pytest.raises(error, match=words):
        update_check(**{**dict(w_new=right, cost=cost, w=P, eta=0.5), **wrong})
