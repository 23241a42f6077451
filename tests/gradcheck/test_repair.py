"""Laws of find_fault: a planted mistake is found in its line, by its name, and a second one beside
it too; what is told is true, for the program that is written as told passes its check."""

import re
import textwrap

import numpy as np
import pytest
from drawn import one_in

from gradcheck import FaultError, find_fault, gradient_check, update_check

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(5, 3)), np.eye(3)[[0, 1, 2, 1, 0]]
HERE = {
    "W": {l: RNG.normal(size=(3, 3)) for l in (1, 2, 3)},
    "b": {l: RNG.normal(size=3) for l in (1, 2, 3)},
}


def forward(W, b):
    a = {0: X}
    for l in (1, 2):
        a[l] = 1 / (1 + np.exp(-(a[l - 1] @ W[l].T + b[l])))
    e = np.exp(a[2] @ W[3].T + b[3])
    return a | {3: e / e.sum(axis=1, keepdims=True)}


def passes(program):
    cost = lambda p: -np.log((forward(**p)[3] * Y).sum(axis=1)).mean()
    return gradient_check(cost, program(Y, HERE["W"], forward(**HERE)), HERE)


RIGHT = """\
def backward(y, W, a):
    n, K = len(y), len(W)
    delta = {K: a[K] - y}
    for l in range(K - 1, 0, -1):
        delta[l] = delta[l+1] @ W[l+1] * a[l] * (1 - a[l])
    dW = {l: delta[l].T @ a[l-1] / n for l in W}
    db = {l: delta[l].sum(axis=0) / n for l in W}
    return {"W": dW, "b": db}
"""
FAULTS = {
    "sign": (3, "a[K] - y", "y - a[K]"),
    "slope": (5, " * a[l] * (1 - a[l])", ""),
    "transpose": (5, "W[l+1] *", "W[l+1].T *"),
    "index": (5, "delta[l+1]", "delta[K]"),
    "mean": (6, "/ n", "/ n / n"),
    "sum": (7, ".sum(axis=0) / n", ".sum(axis=0)"),
    "factor": (6, "delta[l].T @", "2 * delta[l].T @"),
    "argument": (5, "(1 - a[l])", "(1 - a[l+1])"),
}


@pytest.fixture
def program_of(tmp_path):
    """program_of(source, *faults): a function with readable source, faults planted in it."""

    def written(source, *faults, **names):
        lines = source.splitlines()
        for line, old, new in faults:
            assert old in lines[line - 1]
            lines[line - 1] = lines[line - 1].replace(old, new)
        path = tmp_path / "program.py"
        path.write_text("\n".join(["import numpy as np", "", *lines]) + "\n")
        scope = {"np": np, **names}
        exec(compile(path.read_text(), str(path), "exec"), scope)
        return scope[re.search(r"^def (\w+)", source, re.MULTILINE)[1]]

    return written


@pytest.mark.parametrize("word", one_in(2, FAULTS))
def test_the_line_and_the_mistake_are_found(word, program_of):
    fault = find_fault(program_of(RIGHT, FAULTS[word]), passes)
    assert fault and (FAULTS[word][0], word) in [r[:2] for r in fault.remedies]
    assert {r.line for r in fault.remedies} == {FAULTS[word][0]} and not fault.several
    assert f"backward, line {fault.line}: " in str(fault) and f"    now  {fault.now}" in str(fault)


@pytest.mark.parametrize("one, other", one_in(3, [
    ("transpose", "sum"), ("index", "factor"), ("mean", "sum")]))
def test_where_two_lines_are_wrong_both_are_told(one, other, program_of):
    fault = find_fault(program_of(RIGHT, FAULTS[one], FAULTS[other]), passes)
    assert not fault and ([r[:2] for r in fault.several]
                          == sorted((FAULTS[w][0], w) for w in (one, other)))
    assert str(fault).startswith("backward: more than one line is wrong\nline ")


# ------------------------------------------------------- two faults that no block tells apart

RNG = np.random.default_rng(1)
FEATURES, LABELS, THETA = (RNG.normal(size=(6, 3)), np.array([0.0, 1, 1, 0, 1, 0]),
                           RNG.normal(size=3))
ONE_HOT = np.eye(3)[[0, 1, 2, 1, 0, 2]]
NET = {
    "W1": RNG.normal(size=(4, 3)),
    "b1": RNG.normal(size=4),
    "W2": RNG.normal(size=(3, 4)),
    "b2": RNG.normal(size=3),
}
SERIES, CELL = RNG.normal(size=4), {"u": 0.7, "w": 0.4, "v": 1.3}
DATA = {"X": FEATURES, "y": LABELS, "Y": ONE_HOT, "x": SERIES}
LOGISTIC = """\
def logistic(theta):
    p = 1 / (1 + np.exp(-(X @ theta)))
    error = p - y
    return X.T @ error / len(X)
"""
PERCEPTRON = """\
def perceptron(p):
    h = np.tanh(X @ p["W1"].T + p["b1"])
    e = np.exp(h @ p["W2"].T + p["b2"])
    d2 = (e / e.sum(axis=1, keepdims=True) - Y) / len(X)
    d1 = d2 @ p["W2"] * (1 - h**2)
    return {"W1": d1.T @ X, "b1": d1.sum(axis=0), "W2": d2.T @ h, "b2": d2.sum(axis=0)}
"""
RECURRENT = """\
def recurrent(p):
    h = [0.0]
    for t in range(4):
        h.append(np.tanh(p["u"] * x[t] + p["w"] * h[t]))
    error = p["v"] * h[4] - 1
    du = dw = 0.0
    dh = error * p["v"]
    for t in range(4, 0, -1):
        dz = dh * (1 - h[t]**2)
        du += dz * x[t-1]
        dw += dz * h[t-1]
        dh = dz * p["w"]
    return {"u": du, "w": dw, "v": error * h[4]}
"""
MOMENTUM = """\
def momentum(p, eta, state):
    v, error = state["velocity"], X @ p["w"] + p["b"] - y
    dw = X.T @ error / len(y)
    db = error.mean()
    vw = 0.9 * v["w"] - eta * dw
    vb = 0.9 * v["b"] - eta * db
    return {"w": p["w"] + vw, "b": p["b"] + vb}
"""


def logistic_passes(program):
    cost = lambda theta: (np.log1p(np.exp(FEATURES @ theta)) - LABELS * (FEATURES @ theta)).mean()
    return gradient_check(cost, program, THETA)


def perceptron_passes(program):
    def cost(p):
        z = np.tanh(FEATURES @ p["W1"].T + p["b1"]) @ p["W2"].T + p["b2"]
        return (np.log(np.exp(z).sum(axis=1)) - (z * ONE_HOT).sum(axis=1)).mean()

    return gradient_check(cost, program, NET)


def recurrent_passes(program):
    def cost(p):
        h = 0.0
        for value in SERIES:
            h = np.tanh(p["u"] * value + p["w"] * h)
        return (p["v"] * h - 1) ** 2 / 2

    return gradient_check(cost, program, CELL)


def momentum_passes(program):
    cost = lambda p: ((FEATURES @ p["w"] + p["b"] - LABELS) ** 2).mean() / 2
    state = {"velocity": {"w": np.array([0.1, -0.2, 0.3]), "b": 0.05}}
    return update_check(program, cost, {"w": THETA, "b": 0.3}, 0.1, state=state)


PAIRS = {
    "sign and mean in a logistic regression": (
        LOGISTIC,
        logistic_passes,
        [(2, "-(X", "(X"), (4, "/ len(X)", "/ len(X) / len(X)")],
    ),
    "two in one line of a logistic regression": (
        LOGISTIC,
        logistic_passes,
        [(3, "p - y", "(y - p) * p * (1 - p)")],
    ),
    "the axis of a softmax and (1 - h)**2": (
        PERCEPTRON,
        perceptron_passes,
        [(4, "axis=1", "axis=0"), (5, "(1 - h**2)", "(1 - h)**2")],
    ),
    "no slope, and a mean for a sum": (
        PERCEPTRON,
        perceptron_passes,
        [(5, " * (1 - h**2)", ""), (6, "d1.sum", "d1.mean")],
    ),
    "two steps of a recurrent network": (
        RECURRENT,
        recurrent_passes,
        [(10, "x[t-1]", "x[t]"), (11, "h[t-1]", "h[t]")],
    ),
    "a sum, and uphill, in a step with momentum": (
        MOMENTUM,
        momentum_passes,
        [(4, "mean", "sum"), (5, "- eta", "+ eta")],
    ),
}


@pytest.mark.parametrize("name", one_in(6, PAIRS, again=3))
def test_two_faults_are_found_and_what_is_told_is_true(name, program_of):
    source, passes, faults = PAIRS[name]
    assert passes(program_of(source, **DATA))
    fault = find_fault(program_of(source, *faults, **DATA), passes)
    assert not fault and {r.line for r in fault.several} >= {line for line, *_ in faults}
    lines = list(fault.lines)
    for remedy in fault.several:
        indent = re.match(" *", lines[remedy.line - 1])[0]
        lines[remedy.line - 1] = indent + remedy.now
    assert passes(program_of("\n".join(lines), **DATA))


IN_A_LINE = """\
def linear(p):
    error = X @ p["w"] + p["b"] - y
    return {"w": -X.T @ error / len(y), "b": error.sum()}
---
def linear(p):
    return {"w": X.T @ (y - X @ p["w"] - p["b"]) / len(y) / len(y),
            "b": np.mean(X @ p["w"] + p["b"] - y)}
---
def linear(p):
    e = X @ p["w"] + p["b"] - y; return {"w": e @ X.T / len(y), "b": 2 * e.mean()}
"""


@pytest.mark.parametrize("source", IN_A_LINE.split("---\n"))
def test_two_faults_in_one_line_are_told_in_that_line(source, program_of):
    """Beside each other or one within the other; each remedy shows the line that is right."""
    cost = lambda p: ((FEATURES @ p["w"] + p["b"] - LABELS) ** 2).mean() / 2
    passes = lambda program: gradient_check(cost, program, {"w": THETA, "b": 0.3})
    fault = find_fault(program_of(source, **DATA), passes)
    (line,) = {r.line for r in fault.several}
    assert not fault and len(fault.several) == 2 and f"line {line} is twice wrong" in str(fault)
    (now,) = {r.now for r in fault.several}
    first = next(k for k, text in enumerate(fault.lines) if k and "w" in text and "return" in text)
    lines = [*fault.lines[:first], re.match(" *", fault.lines[first])[0] + now]
    assert passes(program_of("\n".join(lines), **DATA))


def test_what_is_half_found_is_told_as_half(program_of):
    cost = lambda p: ((FEATURES @ p["w"] + p["b"] - LABELS) ** 2).mean() / 2
    passes = lambda program: gradient_check(cost, program, {"w": THETA, "b": 0.3})
    source = """\
def linear(p):
    error = X @ p["w"] + p["b"] - y
    return {"w": X.T @ error, "b": np.sin(p["b"])}
"""
    fault = find_fault(program_of(source, **DATA), passes)
    remedy, right = fault.partly
    assert not fault and not fault.several and set(right) == {"w"} and remedy[:2] == (3, "sum")
    assert "This change makes w right, the rest not:\nline 3: a sum stands" in str(fault)


# ---------------------------------------------------------------------- a factor that is left out

BACK = """\
def back(p):
    h = np.tanh(X @ p["W1"] + p["b1"])
    out = 1 / (1 + np.exp(-(h @ p["W2"] + p["b2"])))
    d2 = (out - Y) * out * (1 - out) / Y.size
    d1 = d2 @ p["W2"].T * (1 - h**2)
    return {"W1": X.T @ d1, "b1": d1.sum(axis=0), "W2": h.T @ d2, "b2": d2.sum(axis=0)}
"""
SCALAR = """\
def scalar(w1, b1, w2, b2):
    h = np.tanh(w1*u + b1)
    o = 1/(1 + np.exp(-(w2*h + b2)))
    dz2 = (o - v) * o * (1 - o)
    dw2 = dz2 * h
    dh = dz2 * w2
    dz1 = dh * (1 - h*h)
    return np.array([dz1 * u, dz1, dw2, dz2])
"""
SQUARE = {"W1": RNG.normal(size=(3, 3)), "b1": RNG.normal(size=3),
          "W2": RNG.normal(size=(3, 3)), "b2": RNG.normal(size=3)}  # fmt: skip


def back_passes(program):
    def cost(p):
        z = np.tanh(FEATURES @ p["W1"] + p["b1"]) @ p["W2"] + p["b2"]
        return ((1 / (1 + np.exp(-z)) - ONE_HOT) ** 2).mean() / 2

    return gradient_check(cost, program, SQUARE)


def scalar_passes(program):
    def cost(q):
        return (1 / (1 + np.exp(-(q[2] * np.tanh(q[0] * 0.7 + q[1]) + q[3]))) - 0.2) ** 2 / 2

    return gradient_check(cost, lambda q: program(*q), np.array([0.5, -0.2, 1.3, 0.1]))


@pytest.mark.parametrize("source, passes, line, factor, without", one_in(8, [
    (BACK, back_passes, 4, " * (1 - out)", ""),
    (BACK, back_passes, 4, " / Y.size", ""),
    (BACK, back_passes, 4, "* out * ", "* "),
    (BACK, back_passes, 5, 'd2 @ p["W2"].T', "d2"),
    (BACK, back_passes, 6, "X.T @ d1", "d1[:3]"),
    (BACK, back_passes, 6, "h.T @ d2", "d2[:3]"),
    (SCALAR, scalar_passes, 8, "dz1 * u", "dz1"),
    (SCALAR, scalar_passes, 6, " * w2", ""),
    (SCALAR, scalar_passes, 5, " * h", ""),
    (SCALAR, scalar_passes, 4, " * (1 - o)", ""),
], again=4))  # fmt: skip
def test_a_factor_that_is_left_out_is_found_and_every_way_to_put_it_back_is_true(
    source, passes, line, factor, without, program_of
):
    names = DATA | {"Y": ONE_HOT, "u": 0.7, "v": 0.2}
    assert passes(program_of(source, **names))
    fault = find_fault(program_of(source, (line, factor, without), **names), passes)
    assert line in {remedy.line for remedy in fault.remedies}
    for remedy in fault.remedies:
        lines = list(fault.lines)
        lines[remedy.line - 1] = re.match(" *", lines[remedy.line - 1])[0] + remedy.now
        assert passes(program_of("\n".join(lines), **names))
    assert {r.mistake for r in fault.remedies} <= {"missing", "slope", "sum", "factor"}


# ------------------------------------------------------------------------- other kinds of programs


def test_what_no_usual_mistake_explains_is_not_explained(program_of):
    source = "def backward(y, W, a):\n    return {'W': W, 'b': {l: y[0] for l in W}}\n"
    fault = find_fault(program_of(source), passes)
    assert not fault and not fault.several and not fault.partly and "no usual one" in str(fault)


@pytest.mark.parametrize("body", [
    "pass", "'a text'", "return", "return w", "return {}", "return 3", "return 'text'",
    "return w / 0", "return w[7]", "raise ValueError"])
def test_a_program_that_has_little_to_write_in_another_way(body, program_of):
    fault = find_fault(program_of(f"def little(w):\n    {body}\n"), lambda f: f(THETA) is NET)
    assert not fault and not fault.several and "no usual one" in str(fault)


def test_a_right_program_is_refused_and_a_wrong_one_is_not_changed(program_of):
    with pytest.raises(FaultError, match="passes its check as it is"):
        find_fault(program_of(RIGHT), passes)
    wrong = program_of(RIGHT, FAULTS["sign"])
    before = wrong.__code__
    find_fault(wrong, passes)
    assert wrong.__code__ is before and not passes(wrong)


MASKED = """\
def masked(w):
    out = X * w
    total = out.copy()
    total[rows] -= kept["y"][rows]
    total /= scale
    return (total * X).sum()
"""


def test_data_that_a_rewriting_would_change_in_place_is_as_it_was(program_of):
    """`total = X` in line 3 would let the next two lines change X, for all rewritings after it."""
    x, y, rows = np.array([1.0, 2.0, -1.0, 0.5]), np.array([0.3, -0.2, 0.9, 0.1]), np.arange(4)
    data = {"X": x.copy(), "kept": {"y": y.copy()}, "rows": rows, "scale": np.array(3.0)}
    cost = lambda w: ((x * w - y) ** 2).sum() / 6
    program = program_of(MASKED, (4, "-=", "+="), (6, "* X", "* out"), **data)
    fault = find_fault(program, lambda f: gradient_check(cost, f, 0.7))
    assert np.array_equal(data["X"], x) and np.array_equal(data["kept"]["y"], y)
    assert data["X"].flags.writeable
    assert {line for line, *_ in fault.several} == {4, 6}


def test_a_program_that_leaves_its_result_in_an_array_of_its_own(program_of):
    out = np.zeros(3)

    def passes(program):
        program(np.array([1.0, 2.0, 3.0]))
        return out.tolist() == [2, 4, 6]

    fault = find_fault(program_of("def fill(x):\n    out[:] = 3 * x\n", out=out), passes)
    assert fault and fault.line == 2 and fault.mistake == "factor"


def tripled(source, program_of):
    return find_fault(program_of(textwrap.dedent(source)),
                      lambda f: f(np.ones(2)).tolist() == [3, 3])


class Elsewhere:
    """What a name of the program means around it; it notes that it is computed with."""

    uses = 0

    def __array_ufunc__(self, *args, **kwargs):
        Elsewhere.uses += 1
        return NotImplemented


def test_a_name_of_the_program_is_never_that_of_the_notebook_around_it(program_of):
    source = """\
def backward(w, x, y):
    y_hat = 1 / (1 + np.exp(-x @ w))
    delta = (y - y_hat) / len(y)
    return {"w": x.T @ delta}
"""
    here = {"w": np.array([0.5, -0.25, 1.0])}
    cost = lambda p: np.log(1 + np.exp((1 - 2*Y[:, 0]) * (X @ p["w"]))).mean()
    program = program_of(source, y_hat=Elsewhere(), delta=Elsewhere())
    fault = find_fault(program, lambda f: gradient_check(cost, f(**here, x=X, y=Y[:, 0]), here))
    assert (fault.line, fault.mistake, fault.now) == (3, "sign", "delta = (y_hat - y) / len(y)")
    assert Elsewhere.uses == 0


def test_a_loop_that_a_rewriting_makes_endless_is_left(program_of):
    fault = tripled(
        """\
        def grow(x):
            k = 0
            while k < 2:
                k += 1
                x = x - 1
            return x
        """,
        program_of,
    )
    assert (fault.line, fault.mistake, fault.now) == (5, "sign", "x = x + 1")


def test_a_program_that_changes_what_it_is_given_and_returns_nothing(program_of):
    def passes(step):
        p = {"w": np.array([3.0])}
        step(p, 0.5)
        return p["w"].tolist() == [1.0]

    fault = find_fault(program_of("def step(p, eta):\n    p['w'] += eta * 4\n"), passes)
    assert (fault.line, fault.mistake, fault.now) == (2, "sign", "p['w'] -= eta * 4")


def test_a_delta_that_is_computed_from_updated_weights(program_of):
    """No old name is left for the old weights: the statement must stand before the update."""
    source = """\
def step(V, W, eta):
    h = np.tanh(X @ V)
    out = h @ W - Y
    W = W - eta * h.T @ out
    d = out @ W.T * (1 - h**2)
    V = V - eta * X.T @ d
    return V, W
"""
    V, W = NET["W1"].T, NET["W2"].T
    h = np.tanh(FEATURES @ V)
    out = h @ W - ONE_HOT
    right = V - 0.1 * FEATURES.T @ (out @ W.T * (1 - h**2)), W - 0.1 * h.T @ out
    passes = lambda step: all(map(np.allclose, step(V, W, 0.1), right))
    fault = find_fault(program_of(source, **DATA), passes)
    assert (fault.line, fault.mistake) == (5, "updated")
    assert fault.now == fault.was + "    (as statement 3 of its block)"


SCOPES = """\
def slope(w):
    z = (e := w * x - 2) * 1
    return w * e
---
def slope(w):
    def error(k): return w[k] * x[k] - 2
    return np.array([error(k) * w[k] for k in range(3)])
---
def slope(w):
    e = [a * b - 2 for a, b in zip(w, x)]
    return np.array(list(map(lambda k: e[k] * w[k], range(3))))
---
def slope(w):
    parts = {k: (w[k] * x[k] - 2) * w[k] for k in range(3)}
    return np.array([sum(parts[j] * (j == k) for j in range(3)) for k in range(3)])
"""


@pytest.mark.parametrize("source", SCOPES.split("---\n"))
def test_expressions_in_scopes_of_their_own_are_written_anew(source, program_of):
    """Of comprehensions, lambdas, inner functions; what := binds is there for the other lines."""
    x, w = np.array([1.0, 2.0, 3.0]), np.array([0.5, 0.7, 0.9])
    cost = lambda w: np.sum((w * x - 2) ** 2) / 2
    fault = find_fault(program_of(source, x=x), lambda p: gradient_check(cost, p, w))
    assert fault and fault.mistake == "index"
    line = fault.lines[fault.line - 1].strip()
    assert fault.was == line and fault.now in (
        line.replace(" * w[k]", " * x[k]"), line.replace("w * e", "x * e"))


def test_a_method_and_old_default_values():
    local = 2.0

    class Model:
        scale = 3.0

        def slope(self, x=local):
            return -self.scale * x

    fault = find_fault(Model().slope, lambda slope: slope() == 6)
    assert (fault.line, fault.mistake, fault.now) == (2, "sign", "return self.scale * x")


def test_lines_are_counted_from_the_def_and_a_division_in_place_is_undone(program_of):
    source = """\
def halved(x):
    x = x * 2
    x /= 2
    x /= len(x)
    return x
"""
    decorated = "@(lambda f: f)\n" + source
    fault = find_fault(program_of(decorated), lambda f: f(np.ones(3)).tolist() == [1, 1, 1])
    assert [r[:2] + r[3:] for r in fault.remedies if r.line == 4] == [(4, "mean", "x /= 1")]
    assert fault.lines[0] == "def halved(x):"


@pytest.mark.parametrize(
    "program, words",
    [(3, "expected a program"), (np.exp, "cannot be read"),
     (eval("lambda y: y"), "cannot be read")],
)
def test_what_has_no_source_is_refused(program, words):
    with pytest.raises(FaultError, match=re.escape(words)):
        find_fault(program, passes)


ONE_LINE = """\
def slope(w): return (w*x - 2)*{}
---
def slope(w): e = w*x - 2; return e*{}
---
def slope(w):
    e = w*x - 2; s = e*{}; é = s  # the slope
    return s
---
def slope(w):
    if True: return (w*x - 2)*{}
---
def slope(w):
    for k in range(1): e = w*x - 2; s = e*{}
    return s
---
def slope(w):
    ä = 2; s = (w*x - ä)*{}
    return s
"""


@pytest.mark.parametrize("source", ONE_LINE.split("---\n"))
def test_a_line_with_more_in_it_is_told_whole(source, program_of):
    """A def, a head or a neighbour in the same line stands under "was" and under "now"."""
    x, w = np.array([1.0, 2.0, 3.0]), np.array([0.5, 0.7, 0.9])
    cost = lambda w: np.sum((w * x - 2) ** 2) / 2
    program = program_of(source.format("w"), x=x)
    fault = find_fault(program, lambda p: gradient_check(cost, p, w))
    line = next(line for line in source.splitlines() if "{}" in line).strip()
    plain = lambda text: "".join(text.partition("#")[0].split())
    assert plain(fault.was) == plain(line.format("w"))
    assert plain(fault.now) == plain(line.format("x"))
