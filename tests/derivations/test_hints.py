"""The hint of a refusal: it comes soon, it is right or absent, and no error fails to be shown."""

import re
import time
from itertools import permutations

import pytest
import sympy as sp
from drawn import one_in
from sympy import Heaviside, KroneckerDelta, Max, Sum, exp, log, tanh
from vocabulary import d, j, k, n, w

from derivations.claim import bring_your_own
from derivations.definitions import Definition, Depends
from derivations.derivation import Derivation
from derivations.errors import FalseLine, Undecided
from derivations.mistakes import diagnose
from derivations.printing import plain
from derivations.symbols import Partial, indexed, sigmoid
from derivations.verify import prove

SOON = 10  # seconds of CPU time; each takes less than one
a, b = sp.symbols("a b", real=True)
s, t = sp.symbols("s t", integer=True)
h, x, z = indexed("h", n), indexed("x", n), indexed("z", n)
L, J = sp.symbols("L J", real=True)
cells = sp.symbols("c1:13", real=True)
LINEAR = [Definition(h[t], a*h[t-1] + x[t])]
TWO = [Definition(z[t], a*h[t-1] + x[t]), Definition(h[t], sigmoid(z[t]))]
SECOND = [Definition(h[t], a*h[t-1] + b*h[t-2] + x[t])]
COST = [*LINEAR, Definition(J, Sum(h[t]**2, (t, 1, n)))]
CELLS = [Definition(cells[0], tanh(a)),
         *(Definition(new, tanh(a*old) + old) for old, new in zip(cells, cells[1:]))]
products = [cells[p]*a + cells[p-1] for p in range(12)]

ENDLESS = {
    "the past forgotten": (Partial(h[t], a), h[t-1], LINEAR, "the term a ∂h_{t-1}/∂a is missing"),
    "its sign": (Partial(h[t], a), h[t-1] - a*Partial(h[t-1], a), LINEAR,
                 "the sign of the term a ∂h_{t-1}/∂a is wrong"),
    "an input": (Partial(h[t], x[s]), a**(t - s), LINEAR, None),
    "two names": (Partial(h[t], a), h[t]*(1 - h[t])*h[t-1], TWO,
                  "the term a ∂h_{t-1}/∂a is missing"),
    "two steps back": (Partial(h[t], a), h[t-1] + a*Partial(h[t-1], a), SECOND,
                       "the term b ∂h_{t-2}/∂a is missing"),
    "by an earlier state": (Partial(h[t], h[t-2]), b, SECOND, "the term a² is missing"),
    "a cost over time": (Partial(J, a), Sum(2*h[t]*h[t-1], (t, 1, n)), COST,
                         "the term a ∂h_{t-1}/∂a is missing"),
    "a state with a number": (Partial(h[12], a), h[11], LINEAR, None),
    "its tanh": (Partial(h[12], a), h[11], [Definition(h[t], tanh(a*h[t-1] + x[t]))], None),
    "many cells": (Partial(cells[11], a), cells[10], CELLS, None),
    "many powers": (Partial(sp.prod(f**3 for f in products), a), a, (), None),
    "many fractions": (Partial(sum(1/f for f in products), a), a, (), None),
    "a value with many digits": (Partial(exp(sp.prod(products)), a), a, (), None),
}


@pytest.mark.parametrize("name", one_in(5, ENDLESS))
def test_a_hint_comes_soon_however_long_the_formula_is(name):
    question, claim, given, expected = ENDLESS[name]
    with pytest.raises(FalseLine) as refusal:
        prove(question, claim, given)
    began = time.process_time()
    assert "hint" in str(refusal.value)
    assert time.process_time() - began < SOON
    if expected:
        assert str(refusal.value.mistake) == expected


parts = indexed("z", d)
M = indexed("M", d, d)
HESSIAN = [Definition(parts[j], Sum(M[j, k]*w[k], (k, 1, d))), Depends(L, parts[j], (j, 1, d))]
LINES = [Partial(L, w[k]), Partial(Partial(L, w[k]), w[k]), Sum(M[j, k]*w[k], (j, 1, d)), w[k],
         Sum(Partial(Partial(L, parts[j]), parts[j])*M[j, k]**2, (j, 1, d)), L, M[k, k],
         Partial(parts[k], w[k]), sp.Abs(w[k]), Max(0, parts[k]), sp.Integer(7)]


@pytest.mark.parametrize("before", one_in(10, LINES, again=5), ids=plain)
def test_every_refusal_can_be_shown(before):
    for claimed in LINES:
        derivation = Derivation(before, given=HESSIAN)
        derivation.step(claimed, "by some rule")
        try:
            derivation.prove()
        except FalseLine as refusal:
            assert "hint" in str(refusal)
        except (Undecided, ValueError) as refusal:
            assert str(refusal)


ONE, TWICE = KroneckerDelta(1, k), w[1] + w[2]
LOGARITHM = Partial(log(Sum(exp(w[j]), (j, 1, d))), w[k])
SHARE = exp(w[j])/Sum(exp(w[s]), (s, 1, d))
HINTS = {
    "a term before the first": (Sum(w[j], (j, 2, d)), Sum(w[j], (j, 1, d)),
                                "the sum over j begins with 1 instead of 2"),
    "a term after the last": (Sum(w[j], (j, 1, d - 1)), Sum(w[j], (j, 1, d)),
                              "the sum over j runs to d instead of d - 1"),
    "an inner sum that begins late": (Sum(M[j, k]*w[k], (j, 1, d), (k, 1, d)),
                                      Sum(M[j, k]*w[k], (j, 3, d), (k, 1, d)),
                                      "the sum over j begins with 3 instead of 1"),
    "all for one": (Partial(Sum(x[j]*z[j], (j, 1, n)), z[k]), Sum(x[j], (j, 1, n)),
                    "it is summed over all k, where only its own k is meant"),
    "a root for the other": (sp.Abs(a), a, None),
    "a slope of |x|": (Partial(sp.Abs(a), a), 1, "the slope of |a| is left out"),
    "an absolute value": (sp.Abs(Sum(w[j], (j, 1, d))), Sum(w[j], (j, 1, d)), None),
    "one of two terms": (Partial(w[1]**2 + w[2]**2, w[k]), 2*w[1]*ONE,
                         "the term 2 w_2 1[2=k] is missing"),
    "one for another delta": (Partial(exp(TWICE), w[k]), (1 + ONE)*exp(TWICE), None),
    "a number for k": (Partial(Sum(Max(0, w[j]), (j, 1, d)), w[k]), Heaviside(w[1]),
                       "an index is wrong: w_1 for w_k: a number where k runs"),
    "a sign and a size beside exponentials": (LOGARITHM, -SHARE.subs(j, k)/d,
                                              "it is -1/d times the right one, everywhere"),
    "a size, and a number for k": (LOGARITHM, SHARE.subs(j, 1)/d, None),
    "like terms, the last lost": (Partial(Sum(3*w[1]**2, (j, 2, d)), w[1]),
                                  Sum(6*w[1], (j, 2, d-1)),
                                  "the sum over j ends at d - 1 instead of d"),
    "like terms, the first lost": (Partial(Sum(3*w[1]**2, (j, 2, d)), w[1]),
                                   Sum(6*w[1], (j, 3, d)),
                                   "the sum over j begins with 3 instead of 2"),
}


@pytest.mark.parametrize("name", HINTS)
def test_a_hint_is_right_or_absent(name):
    question, claim, expected = HINTS[name]
    found = diagnose(question, sp.sympify(claim))
    assert (found and found.name) == expected


def test_a_slip_made_in_many_places_is_told_as_often_as_it_is_listed():
    verdict = bring_your_own("tr(A^3) + tr(A^2 B)", "3 A^2 + A B + B A", "A")
    assert verdict.mistake.name.count(";") == 3
    assert verdict.mistake.name.startswith("the same slip 4 times in 5 places: ")
    verdict = bring_your_own("tr(A^3)", "3 A^2", "A")
    assert verdict.mistake.name.count(";") == 1
    assert verdict.mistake.name.startswith("the same slip 2 times: ")


FUNCTIONS = "sigmoid", "tanh", "relu", "exp"


@pytest.mark.parametrize("outer, inner", one_in(20, [*permutations(FUNCTIONS, 2),
                                                     *zip(FUNCTIONS, FUNCTIONS)], again=5))
def test_functions_of_each_entry_may_stand_in_both_lines(outer, inner):
    question, right = f"v^T {outer}({inner}(W x))", f"{outer}({inner}(W x))"
    assert bring_your_own(question, right, "v")
    assert not bring_your_own(question, f"2 {right}", "v")


SAID = {"X": ("n", "d"), "w": ("d",), "y": ("n",)}


@pytest.mark.every(3)
@pytest.mark.parametrize("question, right, wrong", [
    ("||X w - y||^2/n", "2 X^T (X w - y)/n", "2 X^T (X w - y)"),
    ("||X w - y||^2/(2 n)", "1/n X^T (X w - y)", "2/n X^T (X w - y)"),
    ("||X w - y||^2/n + d ||w||^2", "2 X^T (X w - y)/n + 2 d w", "2 X^T (X w - y)/n + 2 w"),
])
def test_a_size_may_stand_as_a_number(question, right, wrong):
    assert bring_your_own(question, right, "w", shapes=SAID)
    assert bring_your_own(question, wrong, "w", shapes=SAID).verdict == "wrong"


def letters_of_sums(text):
    """The letters of the sums in a text, those side by side: "Σ_{m=1..d} Σ_{i=1..n}" has m, i."""
    return [re.findall(r"Σ_\{(\w+)=", run) for run in re.findall(r"(?:Σ_\{[^}]*\} ?)+", text)]


@pytest.mark.every(2)
@pytest.mark.parametrize("question, claim", [
    ("||X||", "X/||X||"), ("log(tr(X^T X))", "2 X/tr(X^T X)"), ("1/||X^T X||^2", "X"),
    ("||X X^T||", "2 X X^T X/||X X^T||")])
def test_each_sum_of_a_condition_or_an_error_has_a_letter_of_its_own(question, claim):
    shown = str(bring_your_own(question, claim, "X", shapes={"X": ("n", "d")}))
    runs = letters_of_sums(shown)
    assert runs
    assert all(len(set(run)) == len(run) for run in runs)
