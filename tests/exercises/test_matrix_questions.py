"""Costs written with whole matrices: right is called right, and hints read as in a textbook."""

import pytest
import sympy as sp
from drawn import one_in
from readable import idle_deltas, unreadable
from sympy import MatrixSymbol, Trace

from derivations.definitions import Definition, Entries
from derivations.derivation import Derivation
from derivations.errors import FalseLine, Undecided
from derivations.mistakes import tree
from derivations.printing import plain, tex
from derivations.symbols import Gradient, Partial, as_written, indexed
from exercises.check import Question
from exercises.progress import RIGHT, WRONG

n, d, m = sp.symbols("n d m", integer=True, positive=True)
i, k = sp.symbols("i k", integer=True)
J = sp.Symbol("J", real=True)
X, w, y, A = (MatrixSymbol(*shape) for shape in (
    ("X", n, d), ("w", d, 1), ("y", n, 1), ("A", d, d)))
W, V = MatrixSymbol("W", d, m), MatrixSymbol("V", m, d)
x_, w_, y_, a_ = indexed("x", n, d), indexed("w", d), indexed("y", n), indexed("a", d, d)
W_, V_ = indexed("W", d, m), indexed("V", m, d)
ENTRIES = [Entries(X, x_), Entries(w, w_), Entries(y, y_), Entries(A, a_), Entries(W, W_),
           Entries(V, V_)]

with as_written():
    squared = [((X*w - y).T*(X*w - y))[0, 0]/(2*n), Trace((X*w - y).T*(X*w - y))/(2*n)]
    COSTS = [*((Gradient(J, w), cost, X.T*(X*w - y)/n, 2*X.T*(X*w - y)/n) for cost in squared),
             (Gradient(J, w), (w.T*A*w)[0, 0], (A + A.T)*w, 2*A*w),
             (Gradient(J, w), (y.T*X*w)[0, 0], X.T*y, X.T*X*w),
             (Gradient(J, A), (w.T*A*w)[0, 0], w*w.T, 2*w*w.T),
             (Gradient(J, W), Trace(V*W), V.T, V.T + V.T),
             (Gradient(J, W), Trace(W.T*W)/2, W, 2*W)]
    ELEMENTS = [Partial((X*w)[0, 0], w_[k]), Partial((X*w)[i, 0], w_[k]),
                Partial((X*w)[1, 0], w_[2]), Partial((w.T*A*w)[0, 0], w_[k]),
                Partial((X.T*X*w)[0, 0], w_[k]),
                Partial(Trace(X.T*X), x_[i, k]), Partial((A*A)[0, 0], a_[1, k])]


@pytest.mark.every(2)
@pytest.mark.parametrize("question, cost, right, wrong", one_in(2, COSTS), ids=lambda e: plain(e))
def test_a_cost_of_matrices_is_proved_refused_and_answered(question, cost, right, wrong):
    given = [Definition(J, cost), *ENTRIES]
    with Derivation(question, given=given) as derivation:
        derivation.step(right, "by matrix calculus")
    assert derivation.proof.points
    with pytest.raises(FalseLine), Derivation(question, given=given) as derivation:
        derivation.step(wrong, "in haste")
    asked = Question(question, given)
    assert asked.reply_to(right).state == RIGHT
    assert asked.reply_to(wrong).state == WRONG


def questions():
    costs = [(question, [Definition(J, cost), *ENTRIES]) for question, cost, *_ in COSTS]
    return costs + [(question, ENTRIES) for question in ELEMENTS]


@pytest.mark.every(2)
@pytest.mark.parametrize("question, given", one_in(2, questions()), ids=lambda e: str(e)[:40])
def test_hints_are_written_as_a_textbook_writes(question, given):
    asked = Question(question, given)
    planted = list(tree(asked.asked, asked.table))
    formulas = [asked.right, *asked.by_hand, *(mistake.formula for mistake in planted)]
    texts = [asked.name, plain(question), tex(question), *asked.lines(),
             *(mistake.name for mistake in planted),
             *(show(formula) for formula in formulas for show in (plain, tex))]
    assert [fault for text in texts for fault in unreadable(text)] == []
    assert idle_deltas(asked.right) == []
    assert len(planted) > 5


def test_without_its_entries_a_matrix_is_no_constant():
    """An exercise that forgets them says so, and calls no right answer wrong."""
    with pytest.raises(Undecided):
        Question(Gradient(J, w), [Definition(J, (w.T*A*w)[0, 0]), Entries(w, w_)])


def test_entries_that_sympy_counts_from_0_are_shown_counted_from_1():
    assert plain((w.T*A*w)[0, 0]) == "Σ_{j=1..d} Σ_{i=1..d} A_ij w_i1 w_j1"
    assert plain((X*w)[i, 0]) == "Σ_{j=1..d} X_{1+i,j} w_j1"
    assert tex(X[0, 1]) == "X_{12}"
