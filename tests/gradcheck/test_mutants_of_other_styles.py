"""The classes of mistakes that people really make, planted in programs of three other styles: one
scalar after the other, lists of matrices with columns, a batch of one-hot rows."""

import linecache

import numpy as np
import pytest

from gradcheck import find_fault, gradient_check

RNG = np.random.default_rng(11)
SCALARS = """\
def scalars(w1, w2, b1, v1, v2, c):
    h1 = np.tanh(w1*x1 + b1)
    h2 = np.tanh(w2*x2 + b1)
    o = 1/(1 + np.exp(-(v1*h1 + v2*h2 + c)))
    do = o - t
    dz = do * o * (1 - o)
    dv1 = dz * h1
    dv2 = dz * h2
    da1 = dz * v1 * (1 - h1**2)
    da2 = dz * v2 * (1 - h2**2)
    return np.array([da1 * x1, da2 * x2, da1 + da2, dv1, dv2, dz])
"""
COLUMNS = """\
def columns(p):
    weights, biases = p
    activation, activations = x, [x]
    for b, w in zip(biases, weights):
        activation = 1/(1 + np.exp(-(w @ activation + b)))
        activations.append(activation)
    delta = (activations[-1] - t) * activations[-1] * (1 - activations[-1])
    slopes_w, slopes_b = [0, 0, 0], [0, 0, 0]
    slopes_b[2] = delta
    slopes_w[2] = delta @ activations[2].T
    for l in (1, 0):
        a = activations[l+1]
        delta = weights[l+1].T @ delta * a * (1 - a)
        slopes_b[l] = delta
        slopes_w[l] = delta @ activations[l].T
    return [slopes_w, slopes_b]
"""
ONE_HOT = """\
def one_hot(p):
    n = len(X)
    hidden = np.maximum(0, X @ p["W1"] + p["b1"])
    scores = hidden @ p["W2"] + p["b2"]
    e = np.exp(scores)
    probs = e / e.sum(axis=1, keepdims=True)
    dscores = probs.copy()
    dscores[np.arange(n), labels] -= 1
    dscores = dscores / n
    dhidden = dscores @ p["W2"].T
    dhidden = dhidden * (hidden > 0)
    dW2 = hidden.T @ dscores + 0.1 * p["W2"]
    dW1 = X.T @ dhidden + 0.1 * p["W1"]
    return {"W1": dW1, "b1": dhidden.sum(axis=0), "W2": dW2, "b2": dscores.sum(axis=0)}
"""
COLUMN = RNG.normal(size=(3, 1))
DATA = {
    "np": np, "x1": 0.7, "x2": -0.4, "t": 0.3, "x": COLUMN,
    "X": RNG.normal(size=(6, 3)), "labels": np.array([0, 2, 1, 1, 0, 2]),
}  # fmt: skip


def cost_of_scalars(q):
    w1, w2, b1, v1, v2, c = q
    z = v1 * np.tanh(w1 * 0.7 + b1) + v2 * np.tanh(-w2 * 0.4 + b1) + c
    return (1 / (1 + np.exp(-z)) - 0.3) ** 2 / 2


def cost_of_columns(p):
    a = COLUMN
    for w, b in zip(*p):
        a = 1 / (1 + np.exp(-(w @ a + b)))
    return ((a - 0.3) ** 2).sum() / 2


def cost_of_one_hot(p):
    z = np.where((h := DATA["X"] @ p["W1"] + p["b1"]) > 0, h, 0) @ p["W2"] + p["b2"]
    fit = (np.log(np.exp(z).sum(axis=1)) - z[np.arange(6), DATA["labels"]]).mean()
    return fit + 0.05 * ((p["W1"] ** 2).sum() + (p["W2"] ** 2).sum())


def matrices(*shape, number=3):
    return [RNG.normal(size=shape) for _ in range(number)]


PROGRAMS = {
    "scalars": (SCALARS, cost_of_scalars, np.array([0.5, -0.8, 0.2, 1.3, -0.6, 0.1])),
    "columns": (COLUMNS, cost_of_columns, [matrices(3, 3), matrices(3, 1)]),
    "one_hot": (ONE_HOT, cost_of_one_hot, {
        "W1": RNG.normal(size=(3, 3)), "b1": RNG.normal(size=3),
        "W2": RNG.normal(size=(3, 3)), "b2": RNG.normal(size=3)}),
}  # fmt: skip
MUTANTS = [  # program, line, what stood there, what stands there now
    ("scalars", 5, "o - t", "t - o"),
    ("scalars", 5, "o - t", "2 * (o - t)"),
    ("scalars", 6, " * o * (1 - o)", ""),
    ("scalars", 6, " * (1 - o)", ""),
    ("scalars", 8, "h2", "h1"),
    ("scalars", 9, "1 - h1**2", "1 - h1"),
    ("scalars", 9, "dz * v1", "dz"),
    ("scalars", 10, "(1 - h2**2)", "h2 * (1 - h2)"),
    ("scalars", 11, "da1 * x1", "da1"),
    ("scalars", 11, "da1 + da2", "da1"),
    ("columns", 7, "activations[-1] - t", "t - activations[-1]"),
    ("columns", 7, " * activations[-1] * (1 - activations[-1])", ""),
    ("columns", 10, "activations[2]", "activations[1]"),
    ("columns", 10, "delta @ activations[2].T", "activations[2] @ delta.T"),
    ("columns", 12, "activations[l+1]", "activations[l]"),
    ("columns", 13, "weights[l+1].T", "weights[l+1]"),
    ("columns", 13, "weights[l+1].T", "weights[l].T"),
    ("columns", 13, " * a * (1 - a)", ""),
    ("one_hot", 3, ' + p["b1"]', ""),
    ("one_hot", 6, "axis=1", "axis=0"),
    ("one_hot", 9, "dscores / n", "dscores"),
    ("one_hot", 10, 'p["W2"].T', 'p["W2"]'),
    ("one_hot", 11, "hidden > 0", "hidden >= 0"),
    ("one_hot", 12, ' + 0.1 * p["W2"]', ""),
    ("one_hot", 13, "0.1 * p", "0.05 * p"),
    ("one_hot", 14, "dhidden.sum(axis=0)", "dhidden.mean(axis=0)"),
]
NAMES = ("a factor", "the sign", "slope", "transpose", "a sum for a mean", "1/n", "left out",
         "mask", "penalty")  # fmt: skip


def written(name, *faults):
    """(the program, its check)"""
    source, cost, here = PROGRAMS[name]
    lines = source.splitlines(True)
    for line, old, new in faults:
        assert old in lines[line - 1]
        lines[line - 1] = lines[line - 1].replace(old, new, 1)
    place = f"<{name} {faults}>"
    linecache.cache[place] = len(source), None, lines, place
    scope = dict(DATA)
    exec(compile("".join(lines), place, "exec"), scope)
    wrap = (lambda f: lambda q: f(*q)) if name == "scalars" else (lambda f: f)
    return scope[name], lambda f: gradient_check(cost, wrap(f), here, n_samples=6)


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_programs_are_right(name):
    program, check = written(name)
    assert check(program)


@pytest.mark.every(2)
@pytest.mark.parametrize("mutant", MUTANTS)
def test_every_mutant_is_refused(mutant):
    program, check = written(mutant[0], mutant[1:])
    assert not check(program)


def is_named(mutant):
    """Is the mistake named in the report, or its line found with a mistake that has a name?"""
    program, check = written(mutant[0], mutant[1:])
    report = check(program)
    told = any(words in block.suggestion for block in report.blocks.values() for words in NAMES)
    return told, mutant[1] in {remedy.line for remedy in find_fault(program, check).remedies}


@pytest.mark.long
def test_most_mutants_are_named_or_their_line_is_found():
    found = {mutant: is_named(mutant) for mutant in MUTANTS}
    assert len(found) == 26
    assert sum(map(any, found.values())) >= 22, [m for m, said in found.items() if not any(said)]


TWO = [  # two faults in two lines each
    ("one_hot", 6, 11), ("one_hot", 9, 10), ("one_hot", 6, 9), ("one_hot", 6, 10),
    ("one_hot", 13, 14), ("columns", 12, 10),
    ("scalars", 5, 11),  # of which one is a factor that is left out
]  # fmt: skip


@pytest.mark.long
@pytest.mark.parametrize("name, one, other", TWO)
def test_two_faults_in_two_lines_are_told_as_such(name, one, other):
    faults = [next(fault for program, *fault in MUTANTS if (program, fault[0]) == (name, line))
              for line in (one, other)]  # fmt: skip
    program, check = written(name, *faults)
    fault = find_fault(program, check)
    assert {remedy.line for remedy in fault.several} >= {one, other}, fault


@pytest.mark.again
def test_a_list_that_a_rewriting_puts_into_itself_is_left():
    assert is_named(("columns", 7, "activations[-1] - t", "t - activations[-1]")) == (True, True)
