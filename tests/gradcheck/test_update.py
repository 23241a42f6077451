"""Laws of update_check: the simultaneous step passes, everything else is refused, and by its
name."""

import re

import numpy as np
import pytest

from gradcheck import UpdateError, update_check

X, Y = np.array([0.3, -0.7, 0.4]), np.array([0.2, 0.9])
RANDOM = np.random.default_rng(3)
P = {
    "W1": RANDOM.normal(size=(2, 3)),
    "b1": RANDOM.normal(size=2),
    "W2": RANDOM.normal(size=(2, 2)),
    "b2": RANDOM.normal(size=2),
}


def sigma(z):
    return 1 / (1 + np.exp(-z))


def forward(p):
    a1 = sigma(p["W1"] @ X + p["b1"])
    return a1, sigma(p["W2"] @ a1 + p["b2"])


def cost(p):
    return np.sum((forward(p)[1] - Y) ** 2) / 2


def backward(p, back=None):
    """The gradient; the deltas may travel back through other weights than the signal went
    forward."""
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
    assert ([report.blocks[n].verdict for n in P]
            == ["sequential", "sequential", "simultaneous", "simultaneous"])
    assert "deltas came through weights that had already moved" in report.blocks["W1"].remark


@pytest.mark.parametrize("first, second", [("W1", "W2"), ("W2", "W1")])
def test_a_fresh_forward_pass_between_two_blocks_is_named_with_the_block_that_moved_first(
    first, second):
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
    "transposed": (lambda p, eta: right(p, eta) | {"W2": p["W2"] - eta * backward(p)["W2"].T},
                   "W2"),
    "not along the gradient": (lambda p, eta: right(p, eta)
                               | {"W1": p["W1"] - eta * np.outer(X[:2], X)}, "W1"),
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
    assert update_check(lambda w, eta: {n: right(P | w, eta)[n] for n in w}, lambda w: cost(P | w),
                        some, 0.5)


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
    (dict(w_new=lambda p, eta: {"W1": P["W1"]}), ValueError, "has nothing for 'b1', 'W2', 'b2'"),
    (dict(w_new=lambda p, eta: right(p, eta) | {"W1": P["W1"].T}), ValueError, "shape"),
    (dict(w_new=lambda p, eta: P["W1"]), TypeError, "mapping"),
]


@pytest.mark.parametrize("wrong, error, words", BAD)
def test_bad_input_gets_a_clear_error(wrong, error, words):
    with pytest.raises(error, match=words):
        update_check(**{**dict(w_new=right, cost=cost, w=P, eta=0.5), **wrong})


# ------------------------------------------------------------------------------------------- multip


@pytest.mark.parametrize(
    "factor, words",
    [
        (7, "along the gradient, but 7 times the step: a sum for a mean (n = 7)"),
        (-1, "uphill"),
        (2, "a factor 2 is too many"),
        (0.5, "a factor ½ is too many"),
        (0.1, "0.1 times the step: a factor 1/10: a mean taken twice?"),
        (-3, "-3 times the step: the sign and a factor 3"),
        (0.37, "but 0.37 times the step"),
        (40, "40 times the step"),
    ],
)
def test_a_step_along_the_gradient_is_named_by_its_ratio(factor, words):
    report = update_check(lambda p, eta: right(p, factor * eta), cost, P, 0.3, n_samples=7)
    assert not report and {b.verdict for b in report.blocks.values()} == {"wrong"}
    assert all(words in b.remark and b.ratio == pytest.approx(factor)
               for b in report.blocks.values())


@pytest.mark.parametrize("seed", range(8))
def test_any_factor_is_told_as_what_it_is(seed):
    rng = np.random.default_rng(seed)
    factor = float(np.round(rng.choice([-1, 1]) * 10.0 ** rng.uniform(-2, 2), 4))
    block = update_check(lambda p, eta: right(p, factor * eta), cost, P, 0.01).blocks["W1"]
    assert block.ratio == pytest.approx(factor) and "not along" not in block.remark


@pytest.mark.parametrize("decay", [1e-2, 0.3, 1e-6])
def test_weight_decay_is_called_weight_decay(decay):
    report = update_check(lambda p, eta: {n: v - eta * decay * p[n] for n,
                                          v in right(p, eta).items()}, cost, P, 0.1)
    assert {b.remark for b in report.blocks.values()} == {
        f"weight decay: eta times {decay:g} times {n} more than the slope" for n in P
    }


def test_a_step_in_float32_has_the_rounding_of_float32():
    single = lambda p, eta: {n: np.float32(v) for n, v in right(p, eta).items()}
    assert update_check(single, cost, P, 0.5)
    assert not update_check(lambda p, eta: single(p, 1.01 * eta), cost, P, 0.5)


def test_a_bias_before_a_normalisation_stays_where_it_is():
    def normal(p):
        z = X * p["w"] + p["b"]
        return float((z - z.mean()) / z.std() @ np.array([1.0, 2, -1]))

    for push in 0, 1e-17, -3e-17:
        assert update_check(
            lambda p, eta, push=push: {"b": p["b"] - eta * push}, lambda q: normal({"w": 1.7} | q),
            {"b": 0.4}, 0.1
        )


def test_at_a_kink_any_slope_between_the_two_may_be_stepped_along():
    for slope, fine in ((0.0, True), (1.0, True), (-1.0, True), (1.5, False)):
        assert (
            bool(
                update_check(
                    lambda p, eta, slope=slope: {"a": p["a"] - eta * slope}, lambda p: abs(p["a"]),
                    {"a": 0.0}, 0.1
                )
            )
            is fine
        )


V = {name: RANDOM.normal(size=block.shape) for name, block in P.items()}
BETA = 0.9


def momentum(p, eta, state, factor=1):
    v = {n: BETA * state["velocity"][n] + factor * g for n, g in backward(p).items()}
    return {n: p[n] - eta * v[n] for n in p}, {"velocity": v}


def momentum_with_rate_inside(p, eta, state):
    v = {n: BETA * state["velocity"][n] - eta * g for n, g in backward(p).items()}
    return {n: p[n] + v[n] for n in p}


def averaged(p, eta, state):
    return {n: p[n] - eta * (BETA * state["velocity"][n] + (1 - BETA) * g) for n,
            g in backward(p).items()}


def nesterov(p, eta, state):
    return {n: p[n] - eta * (g + BETA * (BETA * state["velocity"][n] + g)) for n,
            g in backward(p).items()}


def nesterov_from_ahead(p, eta, state):
    ahead = {n: p[n] + BETA * state["velocity"][n] for n in p}
    return {n: p[n] + BETA * state["velocity"][n] - eta * g for n, g in backward(ahead).items()}


@pytest.mark.parametrize(
    "step, words",
    [
        (momentum, "momentum, beta = 0.9"),
        (momentum_with_rate_inside, "momentum, beta = 0.9"),
        (averaged, "momentum of averaged slopes, beta = 0.9"),
        (nesterov, "Nesterov's momentum, beta = 0.9"),
        (nesterov_from_ahead, "Nesterov's momentum, beta = 0.9"),
    ],
)
def test_momentum_and_nesterov_are_recognised_with_their_state(step, words):
    report = update_check(step, cost, P, 0.1, state={"velocity": V})
    assert report and {b.remark for b in report.blocks.values()} == {words}


def nesterov_and_its_velocity(p, eta, state):
    v = {n: BETA * state["velocity"][n] + g for n, g in backward(p).items()}
    return {n: p[n] - eta * (g + BETA * v[n]) for n, g in backward(p).items()}, {"velocity": v}


@pytest.mark.parametrize("step", [momentum, nesterov_and_its_velocity])
@pytest.mark.parametrize("spoilt", [lambda old, v: old, lambda old, v: -v, lambda old, v: 0 * v])
def test_a_step_that_returns_another_velocity_than_its_own_is_wrong(step, spoilt):
    def stale(p, eta, state):
        new, after = step(p, eta, state)
        return new, {"velocity": {n: spoilt(V[n], v) for n, v in after["velocity"].items()}}

    assert update_check(step, cost, P, 0.1, state={"velocity": V})
    report = update_check(stale, cost, P, 0.1, state={"velocity": V})
    assert {b.verdict for b in report.blocks.values()} == {"wrong"}
    assert report.blocks["W1"].remark.endswith("that it returns is not that of this step")


@pytest.mark.parametrize("part", ["m", "v", "t", None])
def test_a_step_of_adam_that_returns_an_old_state_is_wrong(part):
    state = {"m": V, "v": SECOND, "t": 4}

    def step(p, eta, s):
        after = {"m": {n: 0.9 * s["m"][n] + 0.1 * g for n, g in backward(p).items()},
                 "v": {n: 0.999 * s["v"][n] + 0.001 * g**2 for n, g in backward(p).items()},
                 "t": s["t"] + 1}  # fmt: skip
        return adam(p, eta, s), after | ({part: state[part]} if part else {})

    report = update_check(step, cost, P, 0.01, state=state)
    assert bool(report) is (part is None)
    assert not part or f"the {part} that it returns" in report.blocks["W1"].remark


@pytest.mark.parametrize("form", [momentum, nesterov, nesterov_from_ahead, averaged])
def test_momentum_of_blocks_of_one_entry(form):
    flat = lambda p: {"W1": np.reshape([p[f"w{k}"] for k in range(P["W1"].size)], P["W1"].shape),
                      **{n: P[n] for n in P if n != "W1"}}  # fmt: skip
    single = {f"w{k}": np.array([w]) for k, w in enumerate(P["W1"].ravel())}
    speed = {f"w{k}": np.array([v]) for k, v in enumerate(V["W1"].ravel())}

    def step(p, eta, state):
        velocity = {"velocity": {**V, "W1": flat(state["velocity"])["W1"]}}
        new = form(flat(p), eta, velocity)
        new = new[0] if isinstance(new, tuple) else new
        return {f"w{k}": np.array([w]) for k, w in enumerate(new["W1"].ravel())}

    found = update_check(step, lambda p: cost(flat(p)), single, 0.1, state={"velocity": speed})
    assert {b.verdict for b in found.blocks.values()} <= {"simultaneous", "wrong"}
    assert found or form is not momentum  # one number alone cannot tell the forms apart


def test_momentum_of_a_wrong_slope_is_wrong():
    report = update_check(lambda p, eta, s: momentum(p, eta, s, 2), cost, P, 0.1,
                          state={"velocity": V})
    assert (not report
            and "2 times the slope and 0.9 times the velocity" in report.blocks["W1"].remark)


SECOND = {name: v**2 for name, v in V.items()}


def adam(p, eta, state, corrected=True, sign=1):
    t, new = state["t"] + 1, {}
    for n, g in backward(p).items():
        m, v = 0.9 * state["m"][n] + 0.1 * g, 0.999 * state["v"][n] + 0.001 * g**2
        bias = (1 - 0.9**t, 1 - 0.999**t) if corrected else (1, 1)
        new[n] = p[n] - sign * eta * (m / bias[0]) / (np.sqrt(v / bias[1]) + 1e-8)
    return new


def test_adam_is_recognised_with_its_state_and_its_usual_mistakes_are_named():
    state = {"m": V, "v": SECOND, "t": 4}
    right_, bare, uphill = (
        update_check(lambda p, eta, s, how=how: adam(p, eta, s, *how), cost, P, 0.01, state=state)
        for how in ((), (False,), (True, -1))
    )
    assert right_ and right_.blocks["W1"].remark == "Adam, step 5"
    assert not bare and bare.blocks["W1"].remark == "Adam, step 5: without the bias correction"
    assert not uphill and "uphill" in uphill.blocks["W1"].remark


def test_the_model_holds_its_weights_afterwards():
    kept = {}

    def keeping(p):
        kept.update(p)
        return cost(p)

    update_check(right, keeping, P, 0.5)
    assert all(np.array_equal(kept[n], P[n]) and kept[n].dtype == np.float64 for n in P)


ALONE_X, ALONE_Y = np.array([[0.5], [-1.0], [2.0]]), np.array([1.0, 0.0, -1.0])


def alone_slopes(p):
    error = (ALONE_X @ p["w"] + p["b"] - ALONE_Y) / 3
    return {"w": ALONE_X.T @ error, "b": error.sum()}


@pytest.mark.parametrize("extra, said", [
    (lambda p, g: {k: g[k] + 0.3 * p[k] for k in p}, "weight decay: eta times 0.3 times"),
    (lambda p, g: {k: np.sign(g[k]) for k in p}, "the sign of the slope alone"),
    (lambda p, g: {k: 3 * g[k] for k in p}, "a sum for a mean (n = 3)"),
    (lambda p, g: {"w": g["w"] + 0.3 * p["w"], "b": g["b"]}, "of one number that may be"),
])
def test_of_blocks_with_one_entry_no_factor_is_told_that_says_nothing(extra, said):
    """One number is some multiple of another, whatever it is."""
    def cost(p):
        return ((ALONE_X @ p["w"] + p["b"] - ALONE_Y) ** 2 / 2).mean()

    def step(p, eta):
        moves = extra(p, alone_slopes(p))
        return {k: p[k] - eta * moves[k] for k in p}

    report = update_check(step, cost, {"w": np.array([0.7]), "b": 0.4}, 0.1, n_samples=3)
    wrong = [block.remark for block in report.blocks.values() if block.verdict == "wrong"]
    assert wrong and all(said in remark for remark in wrong)


def test_a_sequential_step_of_single_numbers_is_sequential():
    def step(p, eta):
        b = p["b"] - eta * alone_slopes(p)["b"]
        return {"w": p["w"] - eta * alone_slopes(p | {"b": b})["w"], "b": b}

    report = update_check(step, lambda p: ((ALONE_X @ p["w"] + p["b"] - ALONE_Y) ** 2 / 2).mean(),
                          {"w": np.array([0.7]), "b": 0.4}, 0.1)
    assert report.blocks["w"].verdict == "sequential"


@pytest.mark.parametrize("state, error, said", [
    ({"velocity": V | {"b1": np.zeros(5)}}, ValueError,
     "state['velocity']['b1'] has shape (5,), expected (2,), the shape of w['b1']"),
    ({"velocity": {"W1": V["W1"]}}, ValueError, "state['velocity'] has nothing for 'b1'"),
    ({"velocity": np.zeros(14)}, TypeError,
     "state['velocity'] is of type ndarray, expected a mapping"),
    ({"velocity": V | {"b2": [0, np.nan]}}, ValueError, "state['velocity']['b2'][1] is nan"),
    ({"m": V, "v": V | {"W1": V["W1"].T}, "t": 1}, ValueError, "its transpose would fit"),
    ({"m": V, "v": V, "t": "one"}, TypeError, "state['t'] holds text"),
    ({"m": V, "v": V, "t": [1, 2]}, ValueError, "state['t'] has shape (2,)"),
])  # fmt: skip
def test_a_state_that_is_not_laid_out_like_the_weights_is_refused(state, error, said):
    with pytest.raises(error, match=re.escape(said)):
        update_check(lambda p, eta, state: {n: p[n] - eta for n in p}, cost, P, 0.1, state=state)
