"""The mistakes that people really make, each planted once in the NumPy program of each lesson.

    python tests/gradcheck/test_mistakes_named_in_lessons.py

prints the table of docs/trust.md. S sign; F factor, power, mean or sum; D derivative of the
activation; I wrong variable or index; T transpose, shape, order; U order of the update; B bias;
N a published number.
"""

import linecache
from pathlib import Path

import numpy as np
import pytest

from gradcheck import find_fault, gradient_check, update_check

CLASSES = {  # words that name it: of find_fault, and in the report of a check
    "S": (["sign"], ["the sign", "uphill"]),
    "F": (["sum", "mean", "factor"], ["a sum for a mean", "1/n", "factor"]),
    "D": (["slope", "argument", "mask", "factor"], ["slope", "mask"]),
    "I": (["index"], []),
    "T": (["transpose"], ["transpose"]),
    "U": (["updated"], ["sequential"]),
    "B": (["bias"], ["left out", "not updated"]),
    "N": ([], ["digits certain"]),
}
RNG = np.random.default_rng(3)
X = RNG.normal(size=(3, 3))
K = np.eye(3)[[1, 0, 2]]
NO_SLOPE = "no activation: the slope of the identity is 1"


def logistic(z):
    return 1 / (1 + np.exp(-z))


def softmax(z):
    e = np.exp(z)
    return e / e.sum(axis=1, keepdims=True)


def relu(z):
    return np.where(z > 0, z, 0)


def forward(p, X, g):
    a = {0: X}
    for l in (1, 2):
        a[l] = g(a[l - 1] @ p["W"][l].T + p["b"][l])
    return a | {3: softmax(a[2] @ p["W"][3].T + p["b"][3])}


def layers(rng, spread=1.0):
    W = {l: rng.normal(size=(3, 3)) for l in (1, 2, 3)}
    return {"W": W, "b": {l: spread * rng.normal(size=3) for l in (1, 2, 3)}}


STEP_OF_TWO = '''
def step(p, eta):
    slopes = gradient(p)
    w = p["{w}"] - eta * slopes["{w}"]
    b = p["b"] - eta * slopes["b"]
    return {{"{w}": w, "b": b}}
'''
STEP_OF_LAYERS = '''
def step(p, eta):
    slopes = gradient(p)
    W = {l: p["W"][l] - eta * slopes["W"][l] for l in p["W"]}
    b = {l: p["b"][l] - eta * slopes["b"][l] for l in p["b"]}
    return {"W": W, "b": b}
'''
LATE = ('b = p["b"] - eta * slopes', 'b = p["b"] - eta * gradient(p | {{"{w}": w}})')
LATE_LAYERS = ('- eta * slopes["b"]', '- eta * gradient(p | {"W": W})["b"]')
CROSS = lambda a, y: -np.log((a * y).sum(axis=1)).mean()
LESSONS = {
    "01 linear": dict(
        source="""
def gradient(p):
    delta = X @ p["w"] + p["b"] - y
    return {"w": X.T @ delta / len(y), "b": delta.mean()}
"""
        + STEP_OF_TWO.format(w="w"),
        names={"X": X, "y": RNG.normal(size=3)},
        cost=lambda p, X, y: ((X @ p["w"] + p["b"] - y) ** 2).mean() / 2,
        here={"w": RNG.normal(size=3), "b": 0.3},
        S=('p["b"] - y', 'p["b"] + y'),
        F=("X.T @ delta / len(y)", "X.T @ delta"),
        D=NO_SLOPE,
        I=("X.T @ delta", "X.T @ y"),
        T=("X.T @ delta", "X @ delta"),
        U=(LATE[0], LATE[1].format(w="w")),
        B=('X @ p["w"] + p["b"] - y', 'X @ p["w"] - y'),
    ),
    "02 logistic": dict(
        source="""
def gradient(p):
    a = logistic(X @ p["w"] + p["b"])
    delta = a - y
    return {"w": X.T @ delta / len(y), "b": delta.mean()}
"""
        + STEP_OF_TWO.format(w="w"),
        names={"X": X, "y": np.array([0.0, 1, 1])},
        cost=lambda p, X, y: (
            np.log1p(np.exp(X @ p["w"] + p["b"])) - y * (X @ p["w"] + p["b"])
        ).mean(),
        here={"w": RNG.normal(size=3), "b": 0.3},
        S=("a - y", "y - a"),
        F=("delta.mean()", "delta.sum()"),
        D=("delta = a - y", "delta = (a - y) * a * (1 - a)"),
        I=("X.T @ delta", "X.T @ a"),
        T=("X.T @ delta", "X @ delta"),
        U=(LATE[0], LATE[1].format(w="w")),
        B=('b = p["b"] - eta * slopes["b"]', 'b = p["b"]'),
    ),
    "03 softmax": dict(
        source="""
def gradient(p):
    a = softmax(X @ p["W"].T + p["b"])
    delta = a - y
    return {"W": delta.T @ X / len(y), "b": delta.mean(axis=0)}
"""
        + STEP_OF_TWO.format(w="W"),
        names={"X": X, "y": K},
        cost=lambda p, X, y: CROSS(softmax(X @ p["W"].T + p["b"]), y),
        here={"W": RNG.normal(size=(3, 3)), "b": RNG.normal(size=3)},
        S=('w = p["W"] - eta', 'w = p["W"] + eta'),
        F=("delta.T @ X / len(y)", "delta.T @ X / len(y) / len(y)"),
        D=("delta = a - y", "delta = (a - y) * a * (1 - a)"),
        I=("delta.T @ X", "delta.T @ a"),
        T=("delta.T @ X", "X.T @ delta"),
        U=(LATE[0], LATE[1].format(w="W")),
        B=('X @ p["W"].T + p["b"]', 'X @ p["W"].T'),
    ),
    "04 the 2-2-2 network": dict(
        source="""
def gradient(p):
    a1 = logistic(p["W1"] @ x + p["b1"])
    a2 = logistic(p["W2"] @ a1 + p["b2"])
    delta2 = (a2 - y) * a2 * (1 - a2)
    delta1 = p["W2"].T @ delta2 * a1 * (1 - a1)
    return {"W1": np.outer(delta1, x), "b1": delta1, "W2": np.outer(delta2, a1), "b2": delta2}

def step(p, eta):
    slopes = gradient(p)
    W2 = p["W2"] - eta * slopes["W2"]
    W1 = p["W1"] - eta * slopes["W1"]
    b1 = p["b1"] - eta * slopes["b1"]
    b2 = p["b2"] - eta * slopes["b2"]
    return {"W1": W1, "b1": b1, "W2": W2, "b2": b2}
""",
        names={"x": np.array([0.05, 0.10]), "y": np.array([0.01, 0.99])},
        cost=lambda p, x, y: (
            (logistic(p["W2"] @ logistic(p["W1"] @ x + p["b1"]) + p["b2"]) - y) ** 2
        ).sum()
        / 2,
        here={
            "W1": np.array([[0.15, 0.20], [0.25, 0.30]]),
            "b1": np.array([0.35, 0.35]),
            "W2": np.array([[0.40, 0.45], [0.50, 0.55]]),
            "b2": np.array([0.60, 0.60]),
        },
        S=("a2 - y", "y - a2"),
        F=("(a2 - y) * a2", "2 * (a2 - y) * a2"),
        D=("* a1 * (1 - a1)", "* a1 * (1 - a2)"),
        I=("np.outer(delta2, a1)", "np.outer(delta2, x)"),
        T=('p["W2"].T @ delta2', 'p["W2"] @ delta2'),
        U=('eta * slopes["W1"]', 'eta * gradient(p | {"W2": W2})["W1"]'),
        B=('b1 = p["b1"] - eta * slopes["b1"]', 'b1 = p["b1"]'),
    ),
    "05 the delta rule": dict(
        source="""
def gradient(p):
    W, a = p["W"], forward(p, X, logistic)
    delta = {3: a[3] - y}
    for l in (2, 1):
        delta[l] = delta[l+1] @ W[l+1] * a[l] * (1 - a[l])
    dW = {l: delta[l].T @ a[l-1] / len(y) for l in W}
    return {"W": dW, "b": {l: delta[l].mean(axis=0) for l in W}}
"""
        + STEP_OF_LAYERS,
        names={"X": X, "y": K},
        cost=lambda p, X, y: CROSS(forward(p, X, logistic)[3], y),
        here=layers(RNG),
        S=("a[3] - y", "y - a[3]"),
        F=("a[l-1] / len(y)", "a[l-1]"),
        D=(" * a[l] * (1 - a[l])", ""),
        I=("delta[l+1] @ W[l+1]", "delta[3] @ W[l+1]"),
        T=("@ W[l+1] *", "@ W[l+1].T *"),
        U=LATE_LAYERS,
        B=('p["b"][l] - eta * slopes["b"][l]', 'p["b"][l]'),
    ),
    "06 mini-batches": dict(
        source="""
def gradient(p):
    W, a, n = p["W"], forward(p, X[rows], relu), len(rows)
    delta = {3: a[3] - y[rows]}
    for l in (2, 1):
        delta[l] = delta[l+1] @ W[l+1] * (a[l] > 0)
    dW = {l: delta[l].T @ a[l-1] / n for l in W}
    return {"W": dW, "b": {l: delta[l].sum(axis=0) / n for l in W}}
"""
        + STEP_OF_LAYERS,
        names={"X": RNG.normal(size=(6, 3)), "y": np.eye(3)[[1, 0, 2, 2, 1, 0]], "rows": [4, 0, 3]},
        cost=lambda p, X, y, rows: CROSS(forward(p, X[rows], relu)[3], y[rows]),
        here=layers(RNG),
        S=('p["W"][l] - eta', 'p["W"][l] + eta'),
        F=("a[l-1] / n", "a[l-1] / len(X)"),
        D=("a[l] > 0", "a[l] >= 0"),
        I=("delta[l].T @ a[l-1]", "delta[l].T @ a[l]"),
        T=("@ W[l+1] *", "@ W[l+1].T *"),
        U=LATE_LAYERS,
        B=('p["b"][l] - eta * slopes["b"][l]', 'p["b"][l]'),
    ),
}


def planted(lesson, old="", new=""):
    """{name: function} of a lesson's program with a fault in it, and the name of what has it."""
    parts = lesson["source"].strip().split("\n\n")
    assert sum(part.count(old) for part in parts) == 1 or not old
    scope = {"np": np, "logistic": logistic, "softmax": softmax, "relu": relu}
    scope |= {"forward": forward, **lesson["names"]}
    wrong = next((k for k, part in enumerate(parts) if old in part), 0)
    for k, part in enumerate(parts):
        text = part.replace(old, new) if old else part
        place = f"<lesson {id(lesson)} {k} {old} {new}>"
        linecache.cache[place] = len(text), None, text.splitlines(True), place
        exec(compile(text, place, "exec"), scope)
    line = parts[wrong][: parts[wrong].find(old)].count("\n") + 1
    return scope, ("gradient", "step")[wrong], line


def check_of(lesson, name):
    cost, here = lambda p: lesson["cost"](p, **lesson["names"]), lesson["here"]
    if name == "step":
        return lambda step: update_check(step, cost, here, 0.1, n_samples=3)
    return lambda gradient: gradient_check(cost, gradient, here, n_samples=3)


def printed_wrong(lesson):
    """The right gradient as it would be printed, one last digit but one off."""
    slopes = planted(lesson)[0]["gradient"](lesson["here"])
    name, text = next(iter(slopes)), lambda number: f"{number:.4f}"
    first = slopes[name]
    while isinstance(first, dict):
        first = first[next(iter(first))]
    as_text = lambda part: (
        {key: as_text(inner) for key, inner in part.items()}
        if isinstance(part, dict)
        else np.vectorize(text, otypes=[object])(part).tolist()
    )
    right = as_text(slopes)
    first += 0.001 * np.eye(np.size(first))[0].reshape(np.shape(first))
    return right, as_text(slopes)


def outcome(lesson, letter, search=True):
    """(killed, named by the report, line and mistake found by find_fault), or why it cannot be."""
    if letter == "N":
        right, wrong = printed_wrong(lesson)
        check = check_of(lesson, "gradient")
        assert check(right)
        report = check(wrong)
        return not report, "digits certain" in str(report) or "claimed" in str(report), None
    if isinstance(lesson[letter], str):
        return lesson[letter]
    words, said = CLASSES[letter]
    functions, name, line = planted(lesson, *lesson[letter])
    check = check_of(lesson, name)
    report = check(functions[name])
    remedies = find_fault(functions[name], check).remedies if search else []
    found = any(r.line == line and r.mistake in words for r in remedies)
    return not report, any(text in str(report) for text in said), found


@pytest.mark.parametrize("name", LESSONS)
def test_the_program_of_a_lesson_is_right(name):
    functions, *_ = planted(LESSONS[name])
    for part in ("gradient", "step"):
        assert check_of(LESSONS[name], part)(functions[part])


@pytest.mark.again
def test_all_planted_mistakes_are_killed():
    tried = {(name, c): outcome(LESSONS[name], c, False) for name in LESSONS for c in CLASSES}
    assert [place for place, said in tried.items() if isinstance(said, str)] == [("01 linear", "D")]
    tried.pop(("01 linear", "D"))
    assert [place for place, (killed, *_) in tried.items() if not killed] == []
    assert sum(named for _, named, _ in tried.values()) >= 30


def table(outcomes):
    marks = {(True, True): "report, line", (True, False): "report", (False, True): "line"}
    rows = [["", *CLASSES], ["---"] * (len(CLASSES) + 1)]
    for name in LESSONS:
        cells = [outcomes[name, letter] for letter in CLASSES]
        named = lambda c: marks.get((c[1], bool(c[2])), "refused")
        rows.append([name, *("—" if isinstance(c, str) else named(c) for c in cells)])
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def outcomes():
    return {(name, c): outcome(LESSONS[name], c) for name in LESSONS for c in CLASSES}


@pytest.mark.long
def test_each_planted_mistake_is_named_and_the_table_of_the_docs_says_how():
    found = outcomes()
    tried = [said for said in found.values() if not isinstance(said, str)]
    assert sum(report or bool(line) for _, report, line in tried) == len(tried) == 47
    trust = Path(__file__).resolve().parents[2] / "docs" / "trust.md"
    assert table(found) in trust.read_text(encoding="utf-8")


if __name__ == "__main__":
    print(table(outcomes()))
