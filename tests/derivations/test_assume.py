"""A hypothesis about a name covers every value that fulfils it, and no other."""

import pytest
import sympy as sp
from sympy import Abs, Eq, Heaviside, Integer, Max, Piecewise, Rational, Sum, exp, log, sign, sqrt
from vocabulary import a, b, d, n, w

from derivations.definitions import Assume, Definition, Index, resolve, table_of
from derivations.errors import FalseLine
from derivations.symbols import Partial, indexed
from derivations.verify import prove

x, y = sp.symbols("x y", real=True)
share = sp.Symbol("p", positive=True)
j, k = sp.symbols("j k", integer=True)
column = indexed("v", n)
ENDS = {"open": (x > -1, x < 2), "closed": (x >= -1, x <= 2),
        "closed above": (x > -1, x <= 2), "closed below": (x >= -1, x < 2)}
STANDS_AT_AN_END = {  # what is wrong, or has no value, at x = 2 alone and at x = -1 alone
    "a sign": lambda gap: (sign(gap), Integer(1)),
    "a step": lambda gap: (Heaviside(gap), Integer(1)),
    "cases": lambda gap: (Piecewise((1, gap > 0), (0, True)), Integer(1)),
    "one value": lambda gap: (Piecewise((1, Eq(gap, 0)), (0, True)), Integer(0)),
    "a fraction": lambda gap: (sp.Mul(gap, 1 / gap, evaluate=False), Integer(1)),
    "slope of a logarithm": lambda gap: (Partial(log(gap), x), gap.diff(x) / gap),
    "slope of a root": lambda gap: (Partial(sqrt(gap), x), gap.diff(x) / (2 * sqrt(gap))),
    "slope of a kink": lambda gap: (Partial(Max(gap, 0), x), gap.diff(x) * Heaviside(gap)),
}  # fmt: skip


@pytest.mark.every(2)
@pytest.mark.parametrize("ends", ENDS)
@pytest.mark.parametrize("what", STANDS_AT_AN_END)
@pytest.mark.parametrize("gap", [2 - x, x + 1])
def test_what_fails_at_an_end_is_not_proved_for_an_interval_that_holds_it(ends, what, gap):
    given = Assume(*ENDS[ends])
    holds = ends in ("closed", "closed above" if gap == 2 - x else "closed below")
    try:
        proof = prove(*STANDS_AT_AN_END[what](gap), [given])
    except FalseLine as error:
        assert holds and error.values[0] != error.values[1]
    else:
        assert proof.points and (len(proof.where) > 1) == holds


@pytest.mark.parametrize("relations", ENDS.values(), ids=ENDS)
def test_numbers_try_the_ends_that_belong_to_an_interval_and_no_other(relations):
    for gap, end in ((2 - x, 2), (x + 1, -1)):
        line = Piecewise((1, Eq(gap, 0)), (0, True)), Integer(0)
        if relations[end == 2].subs(x, end) == sp.true:
            with pytest.raises(FalseLine):
                prove(*line, [Assume(*relations)])
        else:
            assert prove(*line, [Assume(*relations)]).points


ALL_BOUNDS_COUNT = {
    "the second from below": (Abs(x - 1), x - 1, [x > 0, x > 1]),
    "the first from below": (Abs(x - 1), x - 1, [x > 1, x > 0]),
    "the second from above": (Abs(x - 3), 3 - x, [x < 5, x < 3]),
    "irrational": (Abs(x - sp.pi), x - sp.pi, [x > 3, x > sp.pi]),
    "two names below": (Abs(x - a) * Abs(x - b), (x - a) * (x - b), [x > a, x > b]),
    "symbols, below": (Abs(x - a), x - a, [x > a, x < b]),
    "symbols, above": (Abs(b - x), b - x, [x > a, x < b]),
    "symbols, themselves": (Abs(b - a), b - a, [x > a, x < b]),
    "symbols, closed": (Abs(x - a), x - a, [x >= a, x <= b]),
    "a declared sign": (Abs(share - 1), 1 - share, [share < 1]),
    "in an exponential": (exp(-Abs(2*x + 1)), exp(2*x + 1), [x >= -2, x < Rational(-1, 2)]),
    "three": (Abs(x - 1) + Abs(x - 4), Integer(3), [x > 0, x > 1, x < 4]),
}  # fmt: skip


@pytest.mark.parametrize("name", ALL_BOUNDS_COUNT)
def test_every_bound_counts(name):
    before, now, relations = ALL_BOUNDS_COUNT[name]
    assert prove(before, now, [Assume(*relations)]).points
    with pytest.raises(FalseLine):
        prove(before, now + 1, [Assume(*relations)])


@pytest.mark.parametrize(
    "relations",
    [(x > 1, x < 0), (x >= 1, x < 1), (x > 1, x > 2, x < 2), (x > a, x < a), (x < a, x > a + 1),
     (k > 1, k < 2), (x > 0, Eq(x, 1)), (k > y, k < y + 2), (share < 0,),
     (share > 1, share < 0)],
)  # fmt: skip
def test_what_nothing_fulfils_is_refused(relations):
    with pytest.raises(ValueError):
        Assume(*relations)


def test_what_is_said_of_a_bound_elsewhere_must_fit():
    assert prove(Abs(x - a), x - a, [Assume(x > a, x < b), Assume(b > a)]).points
    with pytest.raises(ValueError):
        prove(Abs(x - a), x - a, [Assume(x > a, x < b), Assume(b < a)])


def test_numbers_come_near_both_ends_of_an_interval():
    for kink in (Rational(-15, 8), Rational(11, 8)):
        with pytest.raises(FalseLine):
            prove(Abs(x - kink), sign(-kink)*(x - kink), [Assume(x > -2, x < Rational(3, 2))])


def test_one_value_is_left_between_equal_closed_ends():
    assert prove(x, Integer(1), [Assume(x >= 1, x <= 1)]).points


WHOLE = {
    "a gap": (Abs(n - 2), n - 2, [n > 1]),
    "half a number": (Abs(n - 2), n - 2, [n > Rational(3, 2)]),
    "how many terms": (Sum(1, (j, 1, n - 2)), n - 2, [n > 2]),
    "one less": (Sum(column[j], (j, 1, n)), Sum(column[j], (j, 1, n - 1)) + column[n], [n > 1]),
    "of any entry": (Partial(Sum(column[j]**2, (j, 1, n)), column[k]), 2*column[k], [n > 1]),
    "of the second": (Partial(Sum(column[j]**2, (j, 1, n)), column[2]), 2*column[2], [n > 1]),
    "one of three": (Abs(n - 2), n - 2, [n > 1, n < 5]),
    "one of two": (n*(n - 1)*(n - 2), Integer(0), [n >= 1, n <= 2]),
    "variance": (Partial(Sum(column[j]**2, (j, 1, n))/(n - 1), column[k]), 2*column[k]/(n - 1),
                 [n > 1]),
}  # fmt: skip


@pytest.mark.parametrize("name", WHOLE)
def test_a_hypothesis_about_a_whole_number_is_tried_with_whole_numbers(name):
    before, now, relations = WHOLE[name]
    proof = prove(before, now, [Assume(*relations)])
    assert len(proof.where) == 1 and proof.points
    with pytest.raises(FalseLine):
        prove(before, now + n, [Assume(*relations)])


@pytest.mark.parametrize("relations", [(x < 0,), (x > 1, x < 3), (x >= 1,), (sp.Ne(x, 0),)])
def test_a_counterexample_shows_the_names_on_the_page_by_their_values(relations):
    with pytest.raises(FalseLine) as caught:
        prove(x, 3 * x, [Assume(*relations)])
    shown = caught.value.point.describe()
    name, value = shown.split(" = ")
    assert name == "x" and all(r.subs(x, sp.Rational(value)) == sp.true for r in relations)


def test_a_counterexample_shows_the_entries_on_the_page_by_their_values():
    with pytest.raises(FalseLine) as caught:
        prove(column[1], Integer(2), [Assume(Sum(column[j], (j, 1, n)), 1)])
    assert "v_1 = " in caught.value.point.describe() and "_v" not in caught.value.point.describe()
    with pytest.raises(FalseLine) as caught:
        prove(Sum(w[j], (j, 1, d)), d, [Assume(d > 2)])
    assert caught.value.point.describe().startswith("d = ")


def test_a_name_between_bounds_stands_for_what_is_positive():
    table = table_of([Assume(x > a, x < b)])
    assert all(resolve(gap, table).is_positive for gap in (x - a, b - a))


def test_a_counterexample_shows_the_class_that_it_is_about():
    kinds = [Index(k, 1, 3)]
    with pytest.raises(FalseLine) as caught:
        prove(sp.KroneckerDelta(k, 1) + sp.KroneckerDelta(k, 2), Integer(1), kinds)
    assert caught.value.point.describe() == "k = 3"


r, c = sp.symbols("r c", real=True)
total = Sum(column[j], (j, 1, n))
IS_AS_IT_WAS = {  # a slope, what it is, what it would be if the hypothesis were a definition
    "above a name": (Partial(x*a, a), x, x + a, [Assume(x > a)]),
    "between names": (Partial(x*a, a), x, x + a, [Assume(x > a, x < b)]),
    "below a name": (Partial(a*b, b), a, a + b, [Assume(a < b)]),
    "one equation": (Partial(a*b, b), a, 1 - 2*b, [Assume(a + b, 1)]),
    "a name for a name": (Partial(x*y, x), y, 2*x, [Assume(y, x)]),
    "a sum": (Partial(total*r, r), r, 2*r, [Assume(total, r)]),
    "entries": (Partial(total*a, a), total, total + n*a, [Assume(column[j] > a)]),
    "in a definition": (Partial(c, a), y, y + a, [Definition(c, a*y), Assume(y > a)]),
    "of a slope": (Partial(Partial(x**2*a**2, a), x), 4*a*x, 4*a*x + 2*a**2, [Assume(x > a)]),
    "at a kink": (Partial(Max(a, b)*b, b), 2*b, b, [Assume(a < b)]),
}  # fmt: skip


@pytest.mark.parametrize("name", IS_AS_IT_WAS)
def test_what_is_assumed_of_a_name_does_not_make_it_move(name):
    slope, right, wrong, given = IS_AS_IT_WAS[name]
    assert prove(slope, right, given).points
    with pytest.raises(FalseLine):
        prove(slope, wrong, given)
