"""No entry before the first one of its array is met by a line, unless arrays are counted so."""

import pytest
from sympy import Product, Sum, symbols
from vocabulary import J, L, b, d, g, i, j, k, n

from derivations.definitions import Definition, Depends, Index
from derivations.derivation import Derivation
from derivations.errors import BeforeFirst, FalseLine
from derivations.symbols import Partial, as_written, indexed
from derivations.verify import Known

w, X, u, v, y = (indexed("w", d), indexed("X", n, d), indexed("u", n), indexed("v", n),
                 indexed("y", n))
t, c = symbols("t c", integer=True)
with as_written():
    LOSS = Definition(J, Sum(v[i]**2, (i, 1, n)))
    BODY = Definition(v[i], g(Sum(w[j]*X[i, j], (j, 1, d))))
    SLOPE = Definition(u[i], Partial(J, v[i]))
    SLOPE_OF_UNKNOWN = Definition(u[i], Partial(L, y[i]))
UNKNOWN = Depends(L, y[i], (i, 1, n))
NETWORK = [LOSS, BODY, SLOPE]
KINDS = {  # what is given, a true left side, the term that is added up to it from i = 1 to n
    "an array": ([], Sum(u[i], (i, 1, n)), u[i]),
    "an array in a function": ([], Sum(g(u[i]*b), (i, 1, n)), g(u[i]*b)),
    "a row": ([], Sum(X[i, k], (i, 1, n)), X[i, k]),
    "a name with a body": ([BODY], Sum(v[i], (i, 1, n)), v[i]),
    "a name that is a derivative": (NETWORK, Partial(J, w[k]), u[i]*Partial(v[i], w[k])),
    "what a derivative is by": (NETWORK, Partial(J, w[k]), Partial(J, v[i])*Partial(v[i], w[k])),
    "a derivative of an unknown": ([UNKNOWN], Sum(Partial(L, y[i]), (i, 1, n)), Partial(L, y[i])),
    "a name for one": ([UNKNOWN, SLOPE_OF_UNKNOWN], Sum(u[i], (i, 1, n)), u[i]),
    "a whole cost": (NETWORK, J, v[i]**2),
}
LOWS = [0, -1, -5]


def derived(left, right, given):
    with as_written():
        derivation = Derivation(left, given)
        derivation.step(right, "by its entries")
    derivation.prove(keep=False)
    return derivation


def refusal(left, right, given):
    with pytest.raises(FalseLine) as caught:
        derived(left, right, given)
    assert caught.value.point is None and caught.value.mistake.name
    return caught.value


@pytest.mark.parametrize("kind", KINDS)
def test_a_sum_from_one_is_proved(kind):
    given, left, term = KINDS[kind]
    derived(left, Sum(term, (i, 1, n)), given)


@pytest.mark.every(3)
@pytest.mark.parametrize("low", LOWS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_sum_that_begins_before_the_array_is_refused(kind, low):
    given, left, term = KINDS[kind]
    error = refusal(left, Sum(term, (i, low, n)), given)
    assert error.position == 1
    assert error.mistake.name == f"the sum over i runs from {low} instead of 1"
    # also moved, and with the surplus taken away, and as the inner one of two
    refusal(left, Sum(term.xreplace({i: i - 2}), (i, low + 2, n + 2)), given)
    surplus = [term.xreplace({i: at}) for at in range(low, 1)]
    refusal(left, Sum(term, (i, low, n)) - sum(surplus), given)
    refusal(left, Sum(term, (i, low, n), (j, low, d))/(d + 1 - low), given)


@pytest.mark.parametrize("low", LOWS)
@pytest.mark.parametrize("kind", KINDS)
def test_an_entry_before_the_first_one_is_refused(kind, low):
    given, left, term = KINDS[kind]
    refusal(left, left + term.xreplace({i: low}), given)


@pytest.mark.parametrize("low", LOWS)
@pytest.mark.parametrize(("left", "given"), [
    (lambda low: v[low], NETWORK), (lambda low: u[low], NETWORK),
    (lambda low: Partial(J, v[low]), NETWORK), (lambda low: Partial(J, w[low]), NETWORK),
    (lambda low: Partial(L, y[low]), [UNKNOWN]), (lambda low: u[low], [UNKNOWN, SLOPE_OF_UNKNOWN]),
    (lambda low: Sum(u[i], (i, low, n)), NETWORK), (lambda low: u[low], []),
    (lambda low: Product(v[i], (i, low, n)), NETWORK)])
def test_a_left_side_before_an_array_that_is_given_is_refused(left, given, low):
    error = refusal(left(low), 0, given)
    assert error.position == 0 and "The left side" in str(error)


@pytest.mark.every(3)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("low", [-n, 1 - n, 2 - n - d, -d], ids=str)
def test_a_sum_from_a_size_below_zero_is_refused(kind, low):
    given, left, term = KINDS[kind]
    error = refusal(left, Sum(term, (i, low, n)), given)
    assert error.mistake.name.startswith("the sum over i runs from ")
    refusal(left, Sum(term.xreplace({i: i - 2}), (i, low + 2, n + 2)), given)


def test_a_product_from_zero_is_refused():
    refusal(Product(u[i], (i, 1, n)), Product(u[i], (i, 0, n))/u[0], [])


def test_it_is_said_in_the_words_for_the_other_end():
    below, beyond = (refusal(Partial(J, w[k]), Sum(u[i]*Partial(v[i], w[k]), (i, *ends)), NETWORK)
                     for ends in ((0, n), (1, n + 1)))
    words = "on {}_i the index i would run from {} to {}, but the array has the entries 1 to n"
    assert {below.reason, beyond.reason} <= {
        words.format(name, *ends) for name in "uv" for ends in ((0, "n"), (1, "n + 1"))}


with as_written():
    FROM_ZERO = Definition(v[i], Sum(w[j]*X[i, j], (j, 0, d)))
    WITH_BIAS = Definition(v[i], w[0] + Sum(w[j]*X[i, j], (j, 1, d)))
    LINEAR = Definition(v[i], Sum(w[j]*X[i, j], (j, 1, d)))
    COST = Definition(J, Sum(v[i], (i, 0, n)))
    CHANGE = Definition(v[i], u[i] - u[i - 1])
    STATE = Definition(v[t], b*v[t - 1])
COUNTED_FROM_ELSEWHERE = {
    "a sum in a definition": (Partial(v[i], w[0]), X[i, 0], [FROM_ZERO]),
    "a bias by itself": (Partial(v[i], w[0]), 1, [WITH_BIAS]),
    "an entry that is defined": (w[0] + w[1], b + w[1], [Definition(w[0], b)]),
    "one even before": (w[-1] + w[1], b + w[1], [Definition(w[-1], b)]),
    "a name in a sum, and what it is made of": (Partial(J, w[k]), Sum(X[i, k], (i, 0, n)),
                                                [COST, LINEAR]),
    "the entry before": (v[1], u[1] - u[0], [CHANGE]),
    "a recursion": (v[1], b*v[0], [STATE]),
    "a recursion, further on": (v[2], b**2*v[0], [STATE]),
    "a function of entries": (2*Partial(L, y[0]), Partial(L, y[0]) + Partial(L, y[0]),
                              [Depends(L, y[i], (i, 0, n))]),
    "a letter": (Partial(Sum(w[j], (j, 0, d)), w[c]), 1, [Index(c, 0, d)]),
    "the left side": (Partial(Sum(w[j]**2, (j, 0, d)), w[0]), 2*w[0], []),
    "a left side with a bias": (Partial(w[0] + Sum(w[j], (j, 1, d)), w[0]), 1, []),
    "a sum from a letter": (Sum(u[i], (i, t, n)) - u[t], Sum(u[i], (i, t + 1, n)), []),
    "no array": (Sum(i, (i, -3, n)), Sum(i, (i, 0, n)) - 6, []),
    "an array that begins where it should": (Sum(u[i + 4], (i, -3, n - 4)), Sum(u[i], (i, 1, n)),
                                             []),
}


@pytest.mark.parametrize("name", COUNTED_FROM_ELSEWHERE)
def test_an_array_that_is_counted_from_elsewhere_goes_on_as_it_is(name):
    derived(*COUNTED_FROM_ELSEWHERE[name])


@pytest.mark.parametrize("given", [[FROM_ZERO], [WITH_BIAS]])
def test_what_begins_at_zero_has_nothing_before(given):
    refusal(Partial(v[i], w[k]), X[i, k] + 0*b + w[-1], given)


@pytest.mark.parametrize("body", [lambda: Sum(u[i], (i, -5, n)), lambda: u[-1]**2,
                                  lambda: Product(u[i], (i, -1, n))])
def test_a_definition_with_negative_indices_is_refused(body):
    with pytest.raises(BeforeFirst, match="in the definition of J"):
        Known([Definition(J, body())])
