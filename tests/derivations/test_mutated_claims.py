"""Every line of every derivation of every notebook, changed in every small way, is refused; or it
is proved to be no change.

A mutant takes the place of its line and is checked against the line before, as `Derivation.prove`
does it. What the engine accepts must be equal by a second judge that knows nothing of the engine
(`written_out.py`). The quick run draws a sample of the mutants; `pytest -m long` takes them all,
and asks the second judge about the refused ones as well.
"""

import ast
import copy
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from random import Random

import pytest
import sympy as sp
from claims import NOTEBOOKS, collect, run, shows_a_refusal, stored_counts
from drawn import one_in
from mutations import Names, mutations
from sympy import Symbol
from tally import report
from written_out import equal

from derivations import derivation as engine
from derivations import mistakes, verify
from derivations.definitions import Definition
from derivations.derivation import Derivation
from derivations.errors import FalseLine, Undecided, WitnessDisagrees
from derivations.normal_form import NormalForm
from derivations.printing import plain
from derivations.symbols import Partial, activation, as_written, indexed

QUICK = NOTEBOOKS[0]         # the quick run takes this one, make test-again the others
DERIVATIONS, SAMPLE = 4, 40  # of each it draws so many derivations, and so many of their mutants
# products of two monomials; the longest true lines, (6.2) to (6.7), take some thousands
PATIENCE = 20_000

COUNTEREXAMPLE, MISFIT, WITNESS, ERROR, UNDECIDED = (
    "by a counterexample", "for an index or a shape that does not fit", "by another witness",
    "by an error", "as undecided")
WAYS, ACCEPTED = (COUNTEREXAMPLE, MISFIT, WITNESS, ERROR, UNDECIDED), "accepted"


@pytest.fixture(autouse=True)
def hasty(monkeypatch):
    """The normal form is given up as undecided where no true line is nearly as long, since a mutant
    may be absurd; and no hints are looked for: they have their own tests, and take most time."""
    join, is_zero, joined = NormalForm.join, verify.is_zero, []

    def counted(form, *monomials):
        joined.append(1)
        if len(joined) > PATIENCE:
            raise Undecided("it takes too long")
        return join(form, *monomials)

    def anew(*line):
        joined.clear()
        return is_zero(*line)

    monkeypatch.setattr(NormalForm, "join", counted)
    monkeypatch.setattr(verify, "is_zero", anew)
    monkeypatch.setattr(verify, "diagnose", lambda right, wrong, table: None)


def verdict(derivation, before, mutant):
    """By what a mutant is refused, or ACCEPTED."""
    try:
        verify.prove_lines([before, mutant], derivation.known)
    except FalseLine as refusal:
        return MISFIT if refusal.values is None else COUNTEREXAMPLE
    except WitnessDisagrees:
        return WITNESS
    except Undecided:
        return UNDECIDED
    except (ValueError, TypeError) as error:
        assert str(error), "an error without a message"
        return ERROR
    return ACCEPTED


# ---------------------------------------------------------------- the claims and their mutants


def lines_of(derivation):
    """(position, the line before, the line)"""
    shown = [derivation.left, *(line.shown for line in derivation.lines)]
    return [(position, *pair) for position, pair in enumerate(zip(shown, shown[1:]), 1)]


def names_of(derivation):
    bodies = [part for d in derivation.table.values() for part in (d.name, d.body)]
    return Names(derivation.left, *(line.shown for line in derivation.lines), *bodies)


def mutants_of(derivations):
    """(derivation, position, line before, kind, mutant): each line changed, and each left side
    above an unchanged first line."""
    made = []
    for derivation in derivations:
        names = names_of(derivation)
        for position, before, line in lines_of(derivation):
            usual = ([] if isinstance(line, sp.MatrixExpr)
                     else [(m.name, m.formula) for m in mistakes.mutants(line)])
            made += [(derivation, position, before, kind, mutant) for kind,
                     mutant in [*mutations(line, names), *usual]]
        first = derivation.lines[0].shown
        made += [(derivation, 0, mutant, kind, first) for kind,
                 mutant in mutations(derivation.left, names)]
    return made


@cache
def sample(path):
    draw = Random(0)
    derivations = collect(path).derivations
    mutants = mutants_of(draw.sample(derivations, min(DERIVATIONS, len(derivations))))
    return draw.sample(mutants, min(SAMPLE, len(mutants)))


@dataclass
class Judgement:
    """How many mutants were refused in which way; which are no change; on which the two judges do
    not agree."""

    tally: Counter = field(default_factory=Counter)
    same: list = field(default_factory=list)
    wrong: list = field(default_factory=list)

    def summary(self):
        killed = self.tally.total() - self.tally[ACCEPTED]
        ways = ", ".join(f"{self.tally[way]} {way}" for way in WAYS if self.tally[way])
        rest = (
            f"; {self.tally[ACCEPTED]} are no change: proved equal by the normal form for all "
            f"sizes, and equal written out"
                if self.tally[ACCEPTED] else "")
        return f"{self.tally.total()} mutants, {killed} killed ({ways}){rest}"


def judge(mutants, second_judge_for_all=False):
    """Try mutants. What is accepted must be equal by the second judge as well, and what has a
    counterexample must not be."""
    result = Judgement()
    for derivation, position, before, kind, mutant in mutants:
        said = verdict(derivation, before, mutant)
        result.tally[said] += 1
        name = (
            f"({derivation.number}) line {position}, {kind}: "
            f"{_text(mutant if position else before)}")
        if said == ACCEPTED:
            result.same.append(name)
        if said == ACCEPTED and not equal(derivation, before, mutant):
            result.wrong.append(f"accepted, but not equal written out: {name}")
        elif second_judge_for_all and said == COUNTEREXAMPLE and equal(derivation, before, mutant):
            result.wrong.append(f"refuted, but equal written out: {name}")
    return result


def _text(expr):
    return str(expr) if isinstance(expr, sp.MatrixExpr) else plain(expr)


# ---------------------------------------------------------------- the tests

each_notebook = pytest.mark.parametrize("path", one_in(len(NOTEBOOKS), NOTEBOOKS, again=1),
                                        ids=lambda path: path.stem)


@each_notebook
def test_no_claim_is_left_out(path):
    """What has been collected without figures and training is what the notebook's own ledger
    counts."""
    derivations = collect(path).derivations
    assert (len(derivations), sum(len(d.lines) for d in derivations)) == stored_counts(path)


@each_notebook
def test_a_sample_of_all_mutants_is_refused_or_no_change(path):
    result = judge(sample(path))
    report(f"Mutated claims, a sample of {path.stem}: {result.summary()}")
    assert result.wrong == []


ALL = Counter()


@pytest.mark.long
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_mutant_is_refused_or_no_change(path):
    derivations = collect(path).derivations
    result = judge(mutants_of(derivations), second_judge_for_all=True)
    claims = sum(len(d.lines) for d in derivations)
    same, wrong = result.tally[ACCEPTED], len(result.wrong)
    ALL.update({"claims": claims, "mutants": result.tally.total(),
                "killed": result.tally.total() - same,
                "proved to be no change": same, "on which the two judges differ": wrong})
    report(f"Mutated claims, {path.stem}: {claims} claims, {result.summary()}",
           *(f"    {name}" for name in result.same))
    if path == NOTEBOOKS[-1]:
        report("Mutated claims, in all: "
               + ", ".join(f"{number} {what}" for what, number in ALL.items()))
    assert result.wrong == []


@pytest.mark.long
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_claim_is_true_written_out(path):
    """The second judge, which knows nothing of the engine, finds every line equal to the one
    before."""
    false = [f"({d.number}) line {position}" for d in collect(path).derivations for position,
             before, line in lines_of(d)
             if not equal(d, before, line)]
    assert false == []


def test_all_usual_kinds_of_mistake_are_made():
    with as_written():
        delta = activation("g").prime(y[k])*sp.Sum(q[i, k]*x[i], (i, 1, n)) + x[k]**2
    X, Y = sp.MatrixSymbol("X", n, 3), sp.MatrixSymbol("Y", n, 1)
    exprs = [delta, Partial(J, w), w*J/2, X.T*Y]
    kinds = {kind for expr in exprs for kind, _ in mutations(expr, Names(*exprs))}
    assert {"sign", "times 2", "times ½", "times n", "divided by n", "exponent ± 1",
            "factor dropped", "index", "term dropped",
            "indices swapped, W for Wᵀ", "W for Wᵀ", "variable for its neighbour",
            "derivative at the wrong argument",
            "sum left out", "derivative by a neighbour", "sign of a term",
            "slope for value or value for slope"} - kinds == set()


# ---------------------------------------------------------------- the two judges themselves


n, i, k = (Symbol("n", integer=True, positive=True), Symbol("i", integer=True),
           Symbol("k", integer=True))
J, w = Symbol("J", real=True), Symbol("w", real=True)
x, y, q = indexed("x", n), indexed("y", n), indexed("q", n, n)


def least_squares():
    with as_written():
        cost = Definition(J, sp.Sum((w*x[i] - y[i])**2, (i, 1, n))/(2*n))
    with Derivation(Partial(J, w), given=[cost]) as dJ_dw:
        dJ_dw.step(sp.Sum((w*x[i] - y[i])*x[i], (i, 1, n))/n, "power rule and chain rule")
    return dJ_dw


@pytest.mark.parametrize("wrong", [
    lambda: sp.Sum((w*x[i] - y[i])*x[i], (i, 1, n)),
    lambda: sp.Sum((w*x[i] + y[i])*x[i], (i, 1, n))/n,
    lambda: sp.Sum((w*x[i] - y[i])*x[i]**2, (i, 1, n))/n,
    lambda: sp.Sum((w*x[i] - y[i])*x[i], (i, 2, n))/n,
    lambda: (w*x[k] - y[k])*x[k], lambda: -Partial(J, w), lambda: sp.S.Zero])
def test_the_second_judge_refuses_what_is_false(wrong):
    derivation = least_squares()
    assert equal(derivation, derivation.left, derivation.last)
    assert not equal(derivation, derivation.left, wrong())


def test_a_checker_that_accepts_everything_would_be_found_out(monkeypatch):
    monkeypatch.setattr(verify, "prove_lines", lambda lines, known: None)
    assert len(judge(sample(QUICK)).wrong) > SAMPLE / 2


def test_a_checker_that_refuses_everything_would_be_found_out(monkeypatch):
    def refuse(lines, known):
        raise FalseLine(1, *lines, values=(1, 2))
    monkeypatch.setattr(verify, "prove_lines", refuse)
    derivation = least_squares()
    mutant = sp.Sum(x[i]*(w*x[i] - y[i]), (i, 1, n))/n
    assert judge([(derivation, 1, derivation.left, "none", mutant)]).tally[COUNTEREXAMPLE] == 1
    assert (judge([(derivation, 1, derivation.left, "none", mutant)],
                  second_judge_for_all=True).wrong != [])


# ---------------------------------------------------------------- a flipped sign in the source


def claims_in(node):
    """The formulas that a piece of source claims, in a step or as the truth of an erratum: their
    positions among all nodes."""
    wrong = {id(part) for with_ in ast.walk(node) if shows_a_refusal(with_)
             for part in ast.walk(with_)}
    calls = [part for part in ast.walk(node)
             if isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute)
             and id(part) not in wrong]
    claims = [call.args[0] for call in calls if call.func.attr == "step" and len(call.args) == 2]
    claims += [word.value for call in calls if call.func.attr == "formula"
               for word in call.keywords if word.arg == "true"]
    return [position for position,
            part in enumerate(ast.walk(node)) if any(part is claim for claim in claims)]


class Change(ast.NodeTransformer):
    """Puts another formula in the place of one node: `change` of it."""

    def __init__(self, target, change):
        self.target, self.change = target, change

    def visit(self, node):
        return self.change(node) if node is self.target else self.generic_visit(node)


def changed(node, position, change):
    """The same source with one of its claims changed."""
    node = copy.deepcopy(node)
    target = next(part for number, part in enumerate(ast.walk(node)) if number == position)
    return ast.fix_missing_locations(Change(target, change).visit(node))


def minus(claim):
    return ast.UnaryOp(ast.USub(), claim)


def doubled(claim):
    return ast.BinOp(ast.Constant(2), ast.Mult(), claim)


def one_more(claim):
    return ast.BinOp(claim, ast.Add(), ast.Constant(1))


def outcome_of_a_flipped_sign(node, position, namespace):
    """A claim that something is 0 has no sign to flip: it must withstand a factor 2 as well, and is
    made 1 instead."""
    flipped, twice, raised = (changed(node, position, change)
                              for change in (minus, doubled, one_more))
    said = outcome(flipped, namespace)
    is_zero = said == ACCEPTED and outcome(twice, namespace) == ACCEPTED
    return outcome(raised, namespace) if is_zero else said


def outcome(node, namespace):
    try:
        run(node, dict(namespace))
    except FalseLine as refusal:
        return "refused" if " is false." in str(refusal) else str(refusal)
    except Undecided:
        return "undecided"
    return ACCEPTED


@each_notebook
def test_a_flipped_sign_in_the_source_of_any_claim_stops_the_notebook(path, monkeypatch):
    # a claim may cite what was proved before it
    monkeypatch.setattr(engine, "ledger", collect(path).ledger)
    seen = [(statement, position, outcome_of_a_flipped_sign(statement.node, position, namespace))
            for statement,
            namespace in collect(path).runs for position in claims_in(statement.node)]
    report(f"Flipped signs in the source, {path.stem}: {len(seen)} claims, "
           f"{sum(said == 'refused' for *_, said in seen)} stop the notebook with a counterexample")
    assert ([f"cell {statement.cell}: {said}" for statement, _, said in seen if said != "refused"]
            == [])
    assert len(seen) > 0
