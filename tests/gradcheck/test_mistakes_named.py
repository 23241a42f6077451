"""Usual mistakes of hand-written networks, planted in programs of different kinds: all refused,
most named."""

import numpy as np
import pytest
from drawn import first_of_each

from gradcheck import gradient_check, stated

N = 7
ACT = {
    "sigmoid": (lambda z: 1 / (1 + np.exp(-z)), lambda z, a: a * (1 - a)),
    "tanh": (np.tanh, lambda z, a: 1 - a**2),
    "relu": (lambda z: np.where(z > 0, z, 0), lambda z, a: (z > 0) * 1.0),
}


class Network:
    """d - h - h - k, half the squared error or softmax with cross-entropy, a penalty; `planted`
    spoils the gradient."""

    def __init__(self, act="sigmoid", loss="squared", penalty=0.0, seed=0):
        rng = np.random.default_rng(seed)
        self.act, self.loss, self.penalty = act, loss, penalty
        self.X, self.Y = rng.normal(size=(N, 3)), np.eye(4)[rng.integers(0, 4, N)]
        sizes = (3, 4, 4, 4)
        self.p = {
            "W": {l: rng.normal(size=(sizes[l], sizes[l - 1])) for l in (1, 2, 3)},
            "b": {l: rng.normal(size=sizes[l]) * 0.5 for l in (1, 2, 3)},
        }

    def forward(self, p):
        g, a, z = ACT[self.act][0], {0: self.X}, {}
        for l in (1, 2, 3):
            z[l] = a[l - 1] @ p["W"][l].T + p["b"][l]
            a[l] = g(z[l])
        if self.loss == "softmax":
            e = np.exp(z[3] - z[3].real.max(axis=1, keepdims=True))
            a[3] = e / e.sum(axis=1, keepdims=True)
        return z, a

    def cost(self, p):
        out = self.forward(p)[1][3]
        fit = (((out - self.Y) ** 2).sum() / 2 if self.loss == "squared"
               else -np.log((out * self.Y).sum(axis=1)).sum())
        return fit / N + self.penalty / 2 * sum((W**2).sum() for W in p["W"].values())

    def gradient(self, p, planted=None):
        z, a = self.forward(p)
        delta = {3: a[3] - self.Y}
        if self.loss == "squared" and planted != "output slope left out":
            delta[3] = delta[3] * ACT[self.act][1](z[3], a[3])
        if planted == "slope with cross-entropy":
            delta[3] = delta[3] * a[3] * (1 - a[3])
        if planted == "sign":
            delta[3] = -delta[3]
        for l in (2, 1):
            back = delta[3 if planted == "output delta for all" and l == 1 else l + 1] @ (
                p["W"][l + 1].T if planted == "transpose" and l == 1 else p["W"][l + 1]
            )
            slope = ACT[self.act][1](z[l], a[l])
            if l == 1:
                slope = {
                    "slope left out": 1.0,
                    "slope at a": ACT[self.act][1](a[1], ACT[self.act][0](a[1])),
                    "z for a": ACT[self.act][1](z[1], z[1]),
                    "mask >= 0": (a[1] >= 0) * 1.0,
                    "another slope": 1 - a[1] ** 2 if self.act == "sigmoid" else a[1] * (1 - a[1]),
                    "slope twice": slope**2,
                    "value for slope": a[1],
                }.get(planted, slope)
            delta[l] = back * slope
        n = 1 if planted == "sum for mean" else N * N if planted == "mean twice" else N
        dW = {l: delta[l].T @ a[l - 1] / n for l in (1, 2, 3)}
        db = {l: delta[l].sum(axis=0) / n for l in (1, 2, 3)}
        for l in dW:
            dW[l] += (
                {"penalty left out": 0, "penalty twice": 2, "penalty sign": -1}.get(planted, 1)
                * self.penalty
                * p["W"][l]
            )
            db[l] += self.penalty * p["b"][l] if planted == "bias regularised" else 0
        if planted == "bias left out":
            db = {l: 0 * v for l, v in db.items()}
        if planted == "half forgotten":
            dW[2], db[2] = 2 * dW[2], 2 * db[2]
        if planted == "bias as a mean":
            db = {l: v / N for l, v in db.items()}
        if planted == "square transposed":
            dW[2] = dW[2].T
        return {"W": dW, "b": db}


CASES = [  # (planted, network, words that name it; None: refused, without a name)
    ("slope left out", dict(act="sigmoid"), "slope of layer 1 is left out"),
    ("slope left out", dict(act="tanh"), "slope of layer 1 is left out"),
    ("slope left out", dict(act="relu", loss="softmax"), "slope of layer 1 is left out"),
    ("mask >= 0", dict(act="relu", loss="softmax"), "mask is true everywhere"),
    ("mask >= 0", dict(act="relu"), "mask is true everywhere"),
    ("slope at a", dict(act="sigmoid"), "taken at a = sigmoid(z)"),
    ("slope at a", dict(act="tanh"), "taken at a = tanh(z)"),
    ("z for a", dict(act="sigmoid"), "is given z"),
    ("z for a", dict(act="tanh", loss="softmax"), "is given z"),
    ("another slope", dict(act="sigmoid"), "slope that of tanh"),
    ("another slope", dict(act="tanh"), "slope that of sigmoid"),
    ("slope twice", dict(act="sigmoid"), "is there twice"),
    ("value for slope", dict(act="sigmoid"), "value of layer 1 stands for its slope"),
    ("output slope left out", dict(act="sigmoid"), "slope of layer 3 is left out"),
    ("output slope left out", dict(act="tanh"), "slope of layer 3 is left out"),
    ("slope with cross-entropy", dict(loss="softmax"), "should not be there"),
    ("transpose", dict(act="sigmoid"), "stands for its transpose"),
    ("transpose", dict(act="tanh", loss="softmax"), "stands for its transpose"),
    ("square transposed", dict(act="tanh"), "transposed"),
    ("sign", dict(), "the sign"),
    ("sum for mean", dict(loss="softmax"), "a sum for a mean (n = 7)"),
    ("mean twice", dict(), "1/n once too often"),
    ("bias as a mean", dict(), "1/n once too often"),
    ("half forgotten", dict(), "a factor 2"),
    ("bias left out", dict(), "left out: the claim is zero"),
    ("penalty left out", dict(penalty=0.3), "penalty (weight decay) is left out"),
    ("penalty twice", dict(penalty=0.3), "times W"),
    ("penalty sign", dict(penalty=0.3), "times W"),
    ("bias regularised", dict(penalty=0.3), "times b"),
    ("output delta for all", dict(loss="softmax"), None),
]


@pytest.mark.every(2)
@pytest.mark.parametrize("kind", {str(kind): kind for _, kind, _ in CASES}.values(), ids=str)
def test_nothing_else_is_wrong(kind):
    net = Network(**kind)
    assert gradient_check(net.cost, net.gradient, net.p, n_samples=N)


@pytest.mark.parametrize("planted, kind, words", first_of_each(lambda case: case[0], CASES))
def test_a_planted_mistake_is_refused_and_named(planted, kind, words):
    net = Network(**kind)
    report = gradient_check(net.cost, lambda p: net.gradient(p, planted), net.p, n_samples=N)
    assert not report
    assert words is None or words in str(report)


def test_most_of_the_planted_mistakes_have_a_name():
    assert sum(words is not None for *_, words in CASES) >= 28


def test_a_mixed_block_is_told_apart():
    alive = np.arange(12).reshape(3, 4) % 3 > 0
    report = gradient_check(
        lambda W: ((W * alive) ** 2).sum(), lambda W: np.where(alive, W / 2, 1.0),
        np.ones((3, 4)) * 2
    )
    assert report.blocks["the parameter"].suggestion == (
        "4 of 12 are non-zero where the cost does not change; the other 8 have ratio 1/4 (a mean "
        "taken twice?)"
    )


@pytest.mark.parametrize(
    "claim, verdict",
    [("6.0", "agrees"), ("6", "agrees"), ("6.00001", "differs"), ("5.9", "differs"),
     ("\u22126", "differs")],
)
def test_printed_claims_are_checked_to_their_last_digit(claim, verdict):
    assert gradient_check(lambda w: w**2, claim, 3.0).blocks["the parameter"].verdict == verdict


def test_an_array_of_printed_claims():
    w = np.array([1 / 3, 2 / 3, -1.0])
    assert gradient_check(lambda w: (w**2).sum() / 2, ["0.333", "0.67", "-1"], w)
    wrong = gradient_check(lambda w: (w**2).sum() / 2, ["0.333", "0.66", "-1"],
                           w).blocks["the parameter"]
    assert (wrong.verdict, wrong.differing) == ("differs", 1)


def test_a_chain_of_printed_numbers():
    report = stated(
        {
            "x": "0.5",
            "z": ("0.87", lambda x: 1.7345 * x),
            "a": ("0.705", lambda z: 1 / (1 + np.exp(-z))),
            "wrong": ("0.61", lambda a: 1 - a),
        }
    )
    assert not report and [n.verdict for n in report.numbers.values()] == [
        "right",
        "right only from rounded numbers",
        "wrong",
    ]
    assert stated({"x": 2, "y": ("4", lambda x: x**2)})
    head, x, *rows = [line.split("  ") for line in str(report).splitlines()]
    assert [text.strip() for text in rows[0] if text] == [
        "a", "0.705", "0.704173", "0.704746", "right only from rounded numbers"]


@pytest.mark.parametrize("printed, shown", [("4", "4.000"), ("4.0", "4.0000"), ("1E+1", "4.000")])
def test_three_digits_more_than_printed_are_shown(printed, shown):
    number = stated({"x": "2", "y": (printed, lambda x: x**2)}).numbers["y"]
    assert number.row()[2:4] == [shown, shown]


@pytest.mark.parametrize(
    "printed, truth, right",
    [
        ("1.2", 1.25, True),  # a tie, either way
        ("1.3", 1.25, True),
        ("1.3", 1.2499, False),
        ("1.2", 1.2501, False),
        ("-1.3", -1.25, True),
        ("-1.3", 1.3, False),
        ("2", 2.5, True),
        ("2e3", 2400, True),
        ("2e3", 2600, False),
        ("0.6", 0.3, False),
        ("0.3", 0.6, False),
        ("0", 0.4, True),
    ],
)
def test_a_printed_number_is_right_to_half_a_unit_of_its_last_digit(printed, truth, right):
    report = stated({"y": (printed, lambda: truth)})
    assert report.numbers["y"].verdict == ("right" if right else "wrong")
    assert bool(report) == right


@pytest.mark.parametrize(
    "chain, error, words",
    [
        ({}, TypeError, "a mapping"),
        ([1], TypeError, "a mapping"),
        ({"y": ("1", lambda x: x)}, ValueError, "y is computed from x"),
        ({"y": ("one", lambda: 1)}, TypeError, "the text 'one'"),
        ({"y": (1.0, lambda: 1)}, TypeError, "its digits as text"),
        ({"y": ("1", 3)}, TypeError, "expected a function"),
        ({"y": ("1", lambda: 1, 2)}, TypeError, "y holds"),
    ],
)
def test_what_is_no_chain_is_refused(chain, error, words):
    with pytest.raises(error, match=words):
        stated(chain)
