"""Laws of find_fault: a planted mistake is found in its line, by its name, and a second one beside it too."""

import re

import numpy as np
import pytest

from gradcheck import FaultError, find_fault, gradient_check

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(5, 3)), np.eye(3)[[0, 1, 2, 1, 0]]
HERE = {"W": {l: RNG.normal(size=(3, 3)) for l in (1, 2, 3)}, "b": {l: RNG.normal(size=3) for l in (1, 2, 3)}}


def forward(W, b):
    a = {0: X}
    for l in (1, 2):
        a[l] = 1 / (1 + np.exp(-(a[l - 1] @ W[l].T + b[l])))
    e = np.exp(a[2] @ W[3].T + b[3])
    return a | {3: e / e.sum(axis=1, keepdims=True)}


def passes(program):
    return gradient_check(
        lambda p: -np.log((forward(**p)[3] * Y).sum(axis=1)).mean(), program(Y, HERE["W"], forward(**HERE)), HERE
    )


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


def program_of(source, tmp_path, name="backward"):
    """A function with readable source."""
    path = tmp_path / "program.py"
    path.write_text("import numpy as np\n\n\n" + source)
    scope = {}
    exec(compile(path.read_text(), str(path), "exec"), scope)
    return scope[name]


def planted(words, tmp_path):
    lines = RIGHT.splitlines()
    for word in words:
        line, old, new = FAULTS[word]
        assert old in lines[line - 1]
        lines[line - 1] = lines[line - 1].replace(old, new)
    return program_of("\n".join(lines) + "\n", tmp_path)


@pytest.mark.parametrize("word", FAULTS)
def test_the_line_and_the_mistake_are_found(word, tmp_path):
    fault = find_fault(planted([word], tmp_path), passes)
    assert fault and (FAULTS[word][0], word) in [r[:2] for r in fault.remedies]
    assert {r.line for r in fault.remedies} == {FAULTS[word][0]} and not fault.several
    assert f"backward, line {fault.line}: " in str(fault) and f"    now  {fault.now}" in str(fault)


@pytest.mark.parametrize("pair", [("sign", "slope"), ("transpose", "sum"), ("index", "factor"), ("mean", "sum")])
def test_where_two_lines_are_wrong_both_are_told(pair, tmp_path):
    fault = find_fault(planted(pair, tmp_path), passes)
    assert not fault and [r.line for r in fault.several] == sorted(FAULTS[word][0] for word in pair)
    assert str(fault).startswith("backward: more than one line is wrong\nline ")


def test_what_no_usual_mistake_explains_is_not_explained(tmp_path):
    fault = find_fault(
        program_of("def backward(y, W, a):\n    return {'W': W, 'b': {l: y[0] for l in W}}\n", tmp_path), passes
    )
    assert not fault and not fault.several and "no usual one" in str(fault)


def test_the_program_that_is_passed_in_is_not_changed_and_a_right_one_is_refused(tmp_path):
    right = program_of(RIGHT, tmp_path)
    with pytest.raises(FaultError, match="passes its check as it is"):
        find_fault(right, passes)
    wrong = planted(["sign"], tmp_path)
    before = wrong.__code__
    find_fault(wrong, passes)
    assert wrong.__code__ is before and not passes(wrong)


@pytest.mark.parametrize(
    "program, words", [(3, "expected a program"), (np.exp, "cannot be read"), (eval("lambda y: y"), "cannot be read")]
)
def test_what_has_no_source_is_refused(program, words):
    with pytest.raises(FaultError, match=re.escape(words)):
        find_fault(program, passes)
