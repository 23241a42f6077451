"""Each erratum of notebook 06 is decided by its cell: negate what it claims, or change the world it runs in, and it fails."""

import ast
import copy
import json
import re
from fractions import Fraction
from pathlib import Path

import mpmath
import numpy as np
import pytest
import sympy as sp
from concordance import cited, load_items

from derivations.definitions import Definition
from derivations.errata import Errata, NotSettled, rounded
from derivations.symbols import Partial, as_written

NOTEBOOK = Path(__file__).resolve().parents[2] / "notebooks" / "07_bring_your_own.ipynb"
CELLS = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
KINDS = ("number", "formula", "claim", "record")


def source(cell):
    return "".join(cell["source"])


def group_of():
    """{cell id: number of the erratum under whose heading it stands}"""
    groups, number = {}, None
    for cell in CELLS:
        if cell["cell_type"] == "markdown":
            for marks, heading in re.findall(r"^(#+) (.*)$", source(cell), re.MULTILINE):
                number = int(heading.split(".")[0]) if re.match(r"\d+\.", heading) else None if len(marks) == 2 else number
        groups[cell["id"]] = number
    return groups


GROUPS = group_of()
CODE = {cell["id"]: source(cell) for cell in CELLS if cell["cell_type"] == "code"}
NEEDED = [name for name in CODE if GROUPS[name] or name in ("imports", "how-refuses", "letters")]
NEEDED = [name for name in NEEDED if not name.endswith("figure")]


def run(code, namespace):
    exec(compile(code, "<cell>", "exec"), namespace)


@pytest.fixture(scope="module")
def before():
    """{cell id: the names as they are before that cell runs}, and the names after the last."""
    namespace, states = {"display": lambda *shown: None}, {}
    for name in NEEDED:
        states[name] = dict(namespace)
        run(CODE[name], namespace)
    return states | {"the end": namespace}


# ---------------------------------------------------------------- negated claims


def calls(code):
    """(call of errata.number … in this code, does it stand in a with block) for each."""
    tree = ast.parse(code)
    inside = {id(node) for block in ast.walk(tree) if isinstance(block, ast.With) for node in ast.walk(block)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in KINDS:
            if getattr(node.func.value, "id", "") == "errata":
                yield node, id(node) in inside


def negations(call):
    """(what is negated, the call with it) for a call: true and printed exchanged, one fact turned, a source left out."""
    values = {keyword.arg: keyword for keyword in call.keywords}
    if call.func.attr in ("number", "formula"):
        wrong = copy.deepcopy(call)
        turned = {keyword.arg: keyword for keyword in wrong.keywords}
        other = "printed" if "printed" in values else "refused"
        turned["true"].value, turned[other].value = values[other].value, values["true"].value
        yield f"the {other} for the true", wrong
    elif call.func.attr == "claim":
        for position in range(len(values["facts"].value.values)):
            wrong = copy.deepcopy(call)
            facts = next(keyword.value for keyword in wrong.keywords if keyword.arg == "facts")
            facts.values[position] = ast.UnaryOp(ast.Not(), facts.values[position])
            yield f"fact {position + 1} is not so", wrong
    else:
        wrong = copy.deepcopy(call)
        next(keyword for keyword in wrong.keywords if keyword.arg == "source").value = ast.Constant(" ")
        yield "nothing to look up", wrong


NEGATED = [
    pytest.param(name, ast.unparse(wrong), written, id=f"{name}: {ast.literal_eval(call.args[1])}: {what}")
    for name in NEEDED if GROUPS[name] for call, written in calls(CODE[name]) for what, wrong in negations(call)
]


@pytest.mark.parametrize("name, call, written", NEGATED)
def test_a_negated_claim_is_refused(before, name, call, written):
    after = dict(before[NEEDED[NEEDED.index(name) + 1]] if name != NEEDED[-1] else before["the end"])
    after["errata"] = Errata()
    with pytest.raises(NotSettled):
        run(f"with as_written():\n    {call}" if written else call, after)


def test_every_erratum_has_a_claim_that_was_negated():
    assert {GROUPS[name] for name in NEEDED for _ in calls(CODE[name]) if GROUPS[name]} == set(range(1, 28))


# ---------------------------------------------------------------- other worlds

SEPARATE = "sigmoid(z_k[k])"
ONE_VALLEY, WHOLE_BATCH = "2*v", "0.05*np.append(*linear.gradient(X_5, y_5, w_one[:1], w_one[1]))"
ANY_LABELS = "given=[Definition(L, log(Sum(exp(z_k[l]), (l, 1, m))) - Sum(t_k[j]*z_k[j], (j, 1, m))), softmax[1]]"

WORLDS = [  # cell, what stands there, what stands there in a world in which our word about (that or another) erratum is false
    ("s3-slopes", "(a4 if wrong_delta else a5)", "a4"),
    ("s3-after", 'v if own_value else mpf("0.5")', "v"),
    ("s2-step", "back = out if sequential else w[4:]", "back = out"),
    ("s2-run", "range(rounds)", "range(rounds - 1)"),
    ("erratum-3", "s2_run(10_000), s2", "s2_run(9_999), s2"),
    ("erratum-4", "*w_s2[6]", "*w_s2[7]"),
    ("erratum-5", "Definition(J, -s)", "Definition(J, s)"),
    ("erratum-5", "Definition(y_k[j], sigmoid(z_k[j]))", "Definition(y_k[j], exp(z_k[j])/Sum(exp(z_k[l]), (l, 1, m)))"),
    ("minus-run", "(sign):\n", "(sign):\n    sign = -sign\n"),
    ("uphill-run", "move*dJ_dw, move*dJ_db", "-move*dJ_dw, -move*dJ_db"),
    ("erratum-7", "w_22[j, k]*i_k[k]", "w_22[k, j]*i_k[k]"),
    ("erratum-7", 'Fraction("0.0075")', 'Fraction("0.0025")'),
    ("layers-shapes", "{1: (2, 4), 2: (2, 2), 3: (1, 2)}", "{1: (4, 4), 2: (2, 4), 3: (2, 2), 4: (1, 2)}"),
    ("erratum-9-network", "2: W_n[2] + np.array([[0, 0], [0, 1.0]])", "1: W_n[1] + 1"),
    ("erratum-10", "- out_2)**2/2", "- out_2 - out_1)**2/2"),
    ("erratum-10", "Definition(delta, Partial(L, z))", "Definition(delta, -Partial(L, z))"),
    ("erratum-11", "w_next[j, k]*g(z_l[k])", "w_next[j, k]*z_l[k]"),
    ("erratum-11", "exp(z_k[k])/Sum(exp(z_k[l]), (l, 1, m))", SEPARATE),
    ("erratum-12", "Definition(J, squares/n)", "Definition(J, squares)"),
    ("half-run", "2*s2_forward(w)[2]", "s2_forward(w)[2]"),
    ("erratum-13", "(y - a)**2, a)", "(y - a)**2/2, a)"),
    ("erratum-14", "Definition(L, (y - t)**2/2)", "Definition(L, -t*log(y) - (1 - t)*log(1 - y))"),
    ("erratum-15", "given=softmax", ANY_LABELS),
    ("erratum-16", "-np.abs(W_n[3])", "np.abs(W_n[3])"),
    ("rate-run", "alpha*c*v", "alpha*v"),
    ("erratum-18", "np.full((2, 2), 0.3)", "np.array([[0.3, -0.4], [0.5, 0.2]])"),
    ("erratum-19-perceptron", "[0, 1, 1, 0]", "[0, 1, 1, 1]"),
    ("promises-run", "(4*v*(v**2 - 1) + 0.3)", ONE_VALLEY),
    ("promises-run", "0.05*(inputs_1 @ w_one - y_5[round_ % 5])*inputs_1", WHOLE_BATCH),
    ("zeroset-run", "(2, 5)]", "(2, 6)]"),
    ("erratum-20", "[*rows, (3, 8)]", "[*rows, (3, 7)]"),
    ("erratum-20", "rows[1:2]", "rows[1:]"),
    ("erratum-21", "C = 100*v**2", "C = v**2/2"),
    ("erratum-22", "network.sigmoid(np.linspace(-4, 4, 1001))", "np.round(network.sigmoid(np.linspace(-4, 4, 1001)))"),
    ("two-run", "(v_1*v_2 - 1)**2", "(v_1 + v_2 - 1)**2"),
    ("two-run", "20.0", "2.0"),
    ("erratum-24", "1970, 1986", "1970, 1989"),
    ("counting-run", "initialise(sizes,", "initialise((sizes[0], sum(sizes[1:-1]), sizes[-1]),"),
    ("counting-run", "if shared else e + d", "if True else e + d"),
    ("announced-run", "network.backward(y_xor,", "network.backward(1 - y_xor,"),
    ("erratum-10", "Definition(z, w*a + b)", "Definition(z, w*a + 2*b)", 27),
    ("erratum-27", "s2_step(w_s2)[place]", "s2_step(w_s2, sequential=True)[place]"),
]


def as_parameters(name, old, new, target=None):
    return pytest.param(name, old, new, target or GROUPS[name], id=f"{name}: {new.strip()[:40]}")


@pytest.mark.parametrize("name, old, new, target", [as_parameters(*world) for world in WORLDS])
def test_in_another_world_the_cell_fails(before, name, old, new, target):
    assert CODE[name].count(old) == 1, f"{name} does not read {old!r} any more: bring WORLDS up to date"
    namespace = dict(before[name])
    namespace["errata"] = Errata()
    following = [later for later in NEEDED[NEEDED.index(name) + 1:] if GROUPS[later] in (GROUPS[name], target)]
    with pytest.raises(NotSettled):
        run(CODE[name].replace(old, new), namespace)
        for later in following:
            run(CODE[later], namespace)


def test_every_erratum_has_another_world():
    assert {parameters.values[3] for parameters in (as_parameters(*world) for world in WORLDS)} == set(range(1, 28))


# ---------------------------------------------------------------- the table at the top, and the headings


def glance():
    (cell,) = [cell for cell in CELLS if cell["id"] == "glance"]
    return re.findall(r"^\| \[(\d+)\]\(#([^ ]*)\) \| ([S0-9, ]+) \| (.*?) \| (.*?) \|$", source(cell), re.MULTILINE)


def test_the_table_at_the_top_has_all_27_in_order_and_links_to_each():
    headings = re.findall(r"^### (\d+\. .*)$", "\n".join(source(c) for c in CELLS if c["cell_type"] == "markdown"), re.MULTILINE)
    assert [int(number) for number, *_ in glance()] == list(range(1, 28))
    assert [anchor for _, anchor, *_ in glance()] == [heading.replace(" ", "-") for heading in headings]


def test_its_sources_are_those_of_the_cells():
    notebook = {"cells": CELLS}
    for number, _, sources, _, _ in glance():
        own = {id[:2] for id, section, _ in cited(notebook) if section.startswith(f"{number}. ")}
        assert set(sources.split(", ")) <= own, number


def test_its_numbers_are_those_that_were_computed(before):
    settled = before["the end"]["errata"].rows
    for number, _, _, printed, true in glance()[:4]:
        first = next(row for row in settled if row.group == int(number))
        assert first.printed[1] in printed.replace("−", "-") and first.true[1] == true.replace("−", "-")


def test_every_wrong_item_of_the_sources_stands_under_an_erratum():
    under = {id for id, section, _ in cited({"cells": CELLS}) if re.match(r"\d+\.", section)}
    assert {item.id for item in load_items() if item.verdict == "wrong"} <= under


# ---------------------------------------------------------------- the helper itself


@pytest.fixture
def errata():
    return Errata()


def number(errata, **changes):
    usual = {"printed": "3.1415", "true": "3.1416", "ours": np.pi, "origin": ("cut", Fraction("3.14150"))}
    errata.number(1, "pi", **usual | changes)


def test_a_number_is_settled_and_shown(errata):
    number(errata)
    assert "3.1415" in repr(errata.table(1)) and "**3.1416**" in errata.table(1)._repr_markdown_()
    assert repr(errata).startswith("1 groups, 1 errata:\n   1 numbers recomputed")


@pytest.mark.parametrize("changes", [
    {"true": "3.1417"}, {"printed": "3.1416"}, {"printed": "3.142"}, {"origin": ("cut", 3.2)}, {"ours": 3.2}])
def test_a_number_that_is_otherwise_is_not_noted(errata, changes):
    with pytest.raises(NotSettled):
        number(errata, **changes)
    assert errata.rows == []


w, x, y, L = sp.symbols("w x y L", real=True)
with as_written():
    LOSS = [Definition(L, (w*x - y)**2/2)]
SLOPE = (w*x - y)*x


def test_a_formula_is_proved_and_the_printed_one_refused_with_its_mistake(errata):
    errata.formula(2, "slope", Partial(L, w), given=LOSS, printed=-SLOPE, true=SLOPE)
    assert "the sign is wrong" in repr(errata.table(2)) and "✓ numbers" in repr(errata.table(2))


def test_a_form_that_no_source_prints_is_called_so(errata):
    errata.formula(2, "slope", Partial(L, w), given=LOSS, refused=-SLOPE, true=SLOPE)
    assert "refused: ∂L/∂w" in repr(errata.table(2)) and "printed" not in repr(errata.table(2))
    with pytest.raises(TypeError, match="either printed"):
        errata.formula(2, "slope", Partial(L, w), given=LOSS, true=SLOPE)


@pytest.mark.parametrize("printed, true", [
    (SLOPE, SLOPE), (-SLOPE, 2*SLOPE), (SLOPE, -SLOPE), (-SLOPE, 1.1234567891*SLOPE), (1.0*SLOPE, SLOPE)],
    ids=["both right", "both wrong", "exchanged", "a rounded number is no proof", "an exact decimal refutes nothing"])
def test_a_formula_that_is_otherwise_is_not_noted(errata, printed, true):
    with pytest.raises(NotSettled):
        errata.formula(2, "slope", Partial(L, w), given=LOSS, printed=printed, true=true)
    assert errata.rows == []


def test_a_claim_needs_facts_and_all_of_them(errata):
    errata.claim(3, "c", printed="p", true="t", facts={"1 < 2": np.True_, "2 < 3": sp.true})
    assert "✓ 1 < 2; ✓ 2 < 3" in repr(errata.table(3))
    with pytest.raises(NotSettled, match="does not hold that 2 < 1"):
        errata.claim(3, "c", printed="p", true="t", facts={"1 < 2": True, "2 < 1": 2 < 1})
    with pytest.raises(NotSettled, match="no fact"):
        errata.claim(3, "c", printed="p", true="t", facts={})
    with pytest.raises(TypeError, match="expected True or False"):
        errata.claim(3, "c", printed="p", true="t", facts={"a string is always true": "no"})


def test_a_record_says_that_nothing_ran(errata):
    errata.record(4, "year", printed="1989", true="1986", source="Nature 323")
    assert "by the record, not by running: Nature 323" in repr(errata.table(4))


def test_running_a_cell_again_counts_once_and_an_empty_group_is_refused(errata):
    number(errata)
    number(errata)
    assert len(errata.rows) == 1
    with pytest.raises(NotSettled, match="group 9"):
        errata.table(9)


@pytest.mark.parametrize("value, like, text", [
    (0.125, "0.00", "0.12"), (0.375, "0.00", "0.38"), (Fraction(1, 3), "0.000", "0.333"), (-0.0004, "0.000", "0.000"),
    (-2.5, "0", "-2"), (mpmath.mpf("0.5"), "0.0", "0.5"),
    (sp.Rational(-7, 4), "0.00", "-1.75"), (np.float64(1e-9), "0.00", "0.00"),
    (mpmath.mpf("-1.25"), "0.00", "-1.25"), (12, "0.0", "12.0"), (0.1 + 0.2, "0.0", "0.3"), (2.675, "0.00", "2.67")])
def test_rounding_is_that_of_the_exact_number(value, like, text):
    assert rounded(value, like) == text


@pytest.mark.parametrize("value, like, error", [
    (1.0, 1.0, TypeError), (1.0, "1e-3", TypeError), (1.0, "", TypeError), (float("nan"), "0.0", ValueError),
    (mpmath.inf, "0.0", ValueError), (float("inf"), "0.0", ValueError)])
def test_what_cannot_be_rounded_is_refused(value, like, error):
    with pytest.raises(error):
        rounded(value, like)
