"""Laws that hold for whatever is drawn: of the prover, for random formulas; of the network, for
random layers and batches.

The quick run draws the same few examples every time. Fifty times as many, and new ones at every
run:
HYPOTHESIS_PROFILE=long python -m pytest -o addopts= tests/derivations/test_properties.py
"""

import warnings
from itertools import product
from random import Random

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
import sympy as sp
from drawn import TIMES
from functions import FUNCTIONS
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st
from sympy import KroneckerDelta, Rational, Sum, exp, log, sqrt
from vocabulary import a, b, g, i, j, k, l, n, q, u
from written_out import Senseless, WrittenOut

from derivations import normal_form as equality
from derivations.definitions import Definition, resolve, table_of
from derivations.errors import Undecided, WrongIndex
from derivations.normal_form import NormalForm, is_zero
from derivations.symbols import Partial, activation, indexed, sigmoid
from helpers import network

# ---------------------------------------------------------------- formulas

LETTERS = [i, j, k]
RANGES = {i: n, j: n, k: n}
s, c = indexed("s", n), sp.Symbol("c", positive=True)
h = activation("h")
letters = st.sampled_from(LETTERS)
letter_pairs = st.lists(letters, min_size=2, max_size=2, unique=True)
entries = st.one_of(letters.map(lambda p: u[p]), st.tuples(letters, letters).map(lambda p: q[p]),
                    st.just(u[1]))
constants = st.sampled_from([a, b, n, sp.Integer(2), sp.Integer(-1), Rational(1, 2)])
deltas = st.tuples(letters,
                   st.one_of(letters,
                             st.sampled_from([sp.S(1), sp.S(2)]))).map(lambda p: KroneckerDelta(*p))


def summed(body):
    """Sums of a body, also from 2, to 3, over one letter twice, and to another letter."""
    limits = st.tuples(letters, st.sampled_from([(1, n), (1, n), (1, n), (2, n), (1, 3), (1, i)]))
    return st.tuples(body,
                     limits).filter(lambda p: p[1][0] != p[1][1][1]).map(lambda p: Sum(
                         p[0], (p[1][0], *p[1][1])))


def polynomial(inner):
    pairs = st.tuples(inner, inner)
    return st.one_of(pairs.map(lambda p: p[0] + p[1]), pairs.map(lambda p: p[0]*p[1]),
                     pairs.map(lambda p: p[0] - p[1]),
                     summed(inner), summed(inner), inner.map(lambda e: e**2),
                     inner.map(lambda e: e/n))


def functional(inner):
    """Functions, fractions and roots too: all that the engine decides about, and more."""
    made = [lambda e: g(e), lambda e: g.prime(e), sigmoid, exp, lambda e: exp(e/2),
            lambda e: 1/(e**2 + 1),
            lambda e: e/(e**2 + c), lambda e: log(1 + exp(e)), lambda e: log(exp(e)*(e**2 + 1)),
            log, lambda e: sqrt(e**2), sqrt,
            lambda e: e**Rational(1, 3), lambda e: e**-2, lambda e: c**e,
            lambda e: 1/Sum(exp(e), (i, 1, n)),
            lambda e: log(Sum(exp(e), (j, 1, n)))]
    return st.one_of(polynomial(inner), polynomial(inner),
                     st.tuples(st.sampled_from(made), inner).map(lambda p: p[0](p[1])))


leaves = st.one_of(entries, entries, constants, deltas)
polynomials = st.recursive(st.one_of(entries, constants), polynomial, max_leaves=6)
formulas = st.recursive(leaves, functional, max_leaves=6)


def parts(expr):
    return [e for e in sp.preorder_traversal(expr)
            if isinstance(e, sp.Expr) and not isinstance(e, sp.IndexedBase)]


def exchanged(expr, old, new):
    """The formula with another part in the place of one."""
    if expr == old:
        return new
    if isinstance(expr, (sp.Indexed, sp.Symbol)) or not expr.args:
        return expr
    if isinstance(expr, sp.Sum):
        return Sum(exchanged(expr.function, old, new), *expr.limits)
    return expr.func(*(exchanged(e, old, new) for e in expr.args))


@st.composite
def changed(draw, expr):
    """The formula after a change that may be right or wrong: letters, factors, the order and the
    reach of sums, functions."""
    part, (old, new), other = draw(st.sampled_from(parts(expr))), draw(letter_pairs), draw(leaves)
    sums = [e for e in parts(expr) if isinstance(e, Sum)]
    if sums and draw(st.booleans()):
        part = draw(st.sampled_from(sums))
        choices = sum_changed(part, old, other)
    else:
        choices = [part.xreplace({old: new, new: old}), part.xreplace({old: new}), part*other,
                   part + other, other,
                   2*part, -part, part/n, part**2, *function_changed(part)]
    return exchanged(expr, part, draw(st.sampled_from(choices)))


def sum_changed(part, letter, other):
    body, ((index, low, high), *rest) = part.function, part.limits
    terms = ([body.func(*(Sum(e, *part.limits) for e in body.args))] if body.is_Add or body.is_Mul
             else [])
    outside = [e*Sum(body/e, *part.limits) for e in body.args] if body.is_Mul else []
    return [*terms, *outside, Sum(body.xreplace({index: letter}), (letter, low, high), *rest),
            Sum(body, (index, 2, high), *rest),
            Sum(body, *reversed(part.limits)), Sum(body**2, *part.limits),
            Sum(body*other, *part.limits), other*part,
            body, n*body]


def function_changed(part):
    if part.is_Pow and (part.base.is_Add or part.base.is_Mul):
        return [part.base.func(*(e**part.exp for e in part.base.args))]
    if isinstance(part, log) and part.args[0].is_Mul:
        return [sp.Add(*map(log, part.args[0].args))]
    if isinstance(part, exp) and part.args[0].is_Add:
        return [sp.Mul(*map(exp, part.args[0].args))]
    if isinstance(part, sigmoid):
        return [1/(1 + exp(-part.args[0])), part*(1 - part), 1 - part]
    return [g.prime(part.args[0]), h(part.args[0])] if isinstance(part, g) else []


# ---------------------------------------------------------------- two readings of a formula


class Signed(WrittenOut):
    """Written out for one size, with numbers of both signs, also at places beyond an array."""

    def __init__(self, table, size):
        super().__init__(table_of(table), {}, size)
        self.sizes[n] = size

    def draw(self, *name):
        draw = Random(f"{self.seed} {name}")
        return Rational(draw.choice([-7, -5, -3, -2, 2, 3, 5, 7]), draw.choice([1, 2, 3]))

    def indices(self, e, at, closed):
        return tuple(int(self.explicit(i, at, closed)) for i in getattr(e, "indices", ()))


def differ(left, right, table=(), sizes=(1, 2, 3)):
    """(size, letters) where the two differ written out; None where they never do."""
    for size in sizes:
        for place in list(product(range(1, size + 1), repeat=3))[:: max(1, size**3//5)]:
            try:
                with sp.evaluate(True):
                    same = Signed(table, size).same(
                        left, right, dict(zip(LETTERS, map(sp.Integer, place))))
            except (Senseless, OverflowError):
                continue
            if not same:
                return size, place


def decided(left, right, table=()):
    """What the engine says of a pair: True for proved, False for not, None for what makes no sense
    or is not covered."""
    definitions = table_of(table)
    try:
        return is_zero(resolve(left, definitions) - resolve(right, definitions), RANGES)
    except (Undecided, WrongIndex):
        return None


# ---------------------------------------------------------------- the prover


small = st.recursive(leaves, polynomial, max_leaves=3)
# two formulas of p and q and the letters x and y that look alike; some are equal, most only now and
# then
FALSE_FRIENDS = [
    lambda p, q, x, y: (Sum(p, (x, 1, n))*Sum(q, (x, 1, n)), Sum(p*q, (x, 1, n))),
    lambda p, q, x, y: (Sum(p*Sum(q, (x, 1, n)), (x, 1, n)), Sum(p*q, (x, 1, n))),
    lambda p, q, x, y: (Sum(p, (x, 1, n))**2, Sum(p**2, (x, 1, n))),
    lambda p, q, x, y: (Sum(p, (x, 1, n))**2, Sum(p*p.xreplace({x: y}), (x, 1, n), (y, 1, n))),
    lambda p, q, x, y: (Sum(p, (x, 1, n)), n*p),
    lambda p, q, x, y: (Sum(p + a, (x, 1, n)), Sum(p, (x, 1, n)) + a),
    lambda p, q, x, y: (Sum(p, (x, 1, n), (y, 1, n)),
                        Sum(p.xreplace({x: y, y: x}), (x, 1, n), (y, 1, n))),
    lambda p, q, x, y: (Sum(KroneckerDelta(x, y)*p, (x, 1, n)), p.xreplace({x: y})),
    lambda p, q, x, y: (Sum(KroneckerDelta(x, y)*p, (x, 2, n)), p.xreplace({x: y})),
    lambda p, q, x, y: (Sum(KroneckerDelta(x, 3)*p, (x, 1, 2)), p.subs(x, 3)),
    lambda p, q, x, y: (KroneckerDelta(x, y)*p, KroneckerDelta(x, y)*p.xreplace({x: y})),
    lambda p, q, x, y: (KroneckerDelta(x, y)*p, p.xreplace({x: y})),
    lambda p, q, x, y: (Sum(exp(Sum(p, (y, 1, n))), (x, 1, n)),
                        Sum(exp(Sum(p.xreplace({x: y, y: x}), (y, 1, n))), (x, 1, n))),
    lambda p, q, x, y: (Sum(g(Sum(p, (y, 1, n))), (x, 1, n)),
                        Sum(g(Sum(p.xreplace({x: y, y: x}), (y, 1, n))), (x, 1, n))),
    lambda p, q, x, y: (Sum(p/(q**2 + 1), (x, 1, n)), Sum(p, (x, 1, n))/Sum(q**2 + 1, (x, 1, n))),
    lambda p, q, x, y: (1/(p + q), 1/p + 1/q),
    lambda p, q, x, y: ((p + q)**2, p**2 + q**2),
    lambda p, q, x, y: (log(p*q), log(p) + log(q)),
    lambda p, q, x, y: (log(p**2), 2*log(p)),
    lambda p, q, x, y: (log(exp(p)*q), p + log(q)),
    lambda p, q, x, y: (log(c*(p**2 + 1)), log(c) + log(p**2 + 1)),
    lambda p, q, x, y: (exp(p*q), exp(p)*exp(q)),
    lambda p, q, x, y: (exp(p + q), exp(p)*exp(q)),
    lambda p, q, x, y: (sqrt(p**2), p),
    lambda p, q, x, y: (sqrt(p*q), sqrt(p)*sqrt(q)),
    lambda p, q, x, y: ((p**3)**Rational(1, 3), p),
    lambda p, q, x, y: (c**(p + q), c**p*c**q),
    lambda p, q, x, y: (1 - sigmoid(p), sigmoid(-p)),
    lambda p, q, x, y: (sigmoid(p + q), sigmoid(p)*sigmoid(q)),
    lambda p, q, x, y: (g(p), g.prime(p)),
    lambda p, q, x, y: (g(p*q), p*g(q)),
]


@st.composite
def false_friends(draw):
    """One of them for random p and q, as it is or as a part of something larger."""
    (x, y), made = draw(letter_pairs), draw(st.sampled_from(FALSE_FRIENDS))
    p, other = (draw(st.one_of(small, st.sampled_from([q[x, y], u[x], u[x]*u[y]])))
                for _ in range(2))
    pair = made(p, other, x, y)
    around = draw(st.sampled_from([lambda e: e, lambda e: e, lambda e: Sum(e, (i, 1, n)),
                                   lambda e: e*u[j], lambda e: g(e),
                                   lambda e: Sum(e*u[k], (k, 1, n))/n]))
    return tuple(map(around, pair))


@st.composite
def changed_pairs(draw, of=formulas):
    left = draw(of)
    right = draw(changed(left))
    return left, draw(changed(right)) if draw(st.booleans()) else right


pairs = st.one_of(false_friends(), false_friends(), changed_pairs())


@settings(max_examples=48 if TIMES == 1 else 80*TIMES)
@given(pairs)
def test_what_is_proved_equal_is_equal_written_out(pair):
    left, right = pair
    if left != right and decided(left, right):
        assert differ(left, right) is None


@settings(max_examples=20*TIMES)
@given(changed_pairs(polynomials))
def test_a_changed_polynomial_is_proved_exactly_if_it_is_equal(pair):
    left, right = pair
    assume(not any(limit[1:] != (1, n) for e in (left, right) for sums in e.atoms(Sum)
                   for limit in sums.limits))
    assume(not any(power.base.has(KroneckerDelta) for e in (left, right)
                   for power in e.atoms(sp.Pow) if power.exp.is_negative))  # 1/0 where i is not j
    assert decided(left, right) == (differ(left, right) is None)


@st.composite
def rewritten(draw, expr):
    """The same formula in another form: expanded, distributed, renamed, nested, reordered."""
    part = draw(st.sampled_from(parts(expr)))
    ways = [part, sp.expand(part)]
    if isinstance(part, Sum):
        body, ((index, *ends), *rest) = part.function, part.limits
        ways += [Sum(body.xreplace({index: l}), (l, *ends), *rest),
                 Sum(Sum(body, (index, *ends)), *rest) if rest else part,
                 sp.Add(*(Sum(e, *part.limits) for e in body.expand().as_ordered_terms()))]
        ways += [e*Sum(body/e, *part.limits) for e in body.args
                 if body.is_Mul and index not in e.free_symbols]
    if part.is_Pow and isinstance(part.base, Sum) and part.exp == 2 and len(part.base.limits) == 1:
        (index, *ends), = part.base.limits
        ways += [Sum(part.base.function*part.base.function.xreplace({index: l}), (index, *ends),
                     (l, *ends))]
    return exchanged(expr, part, draw(st.sampled_from(ways)))


@given(polynomials.flatmap(lambda e: st.tuples(st.just(e), rewritten(e))))
def test_a_rewriting_is_proved(pair):
    left, right = pair
    assume(not any(i in end.free_symbols for e in left.atoms(Sum) for _,
                   *ends in e.limits for end in ends))
    assert differ(left, right, sizes=(3,)) is None
    assert decided(left, right)


@st.composite
def definitions(draw):
    """s_i and b stand for something; their bodies use the letters of the formulas around them."""
    free = draw(polynomials.filter(lambda e: b not in e.free_symbols
                                   and not {j, k} & e.free_symbols))
    closed = Sum(draw(polynomials.filter(lambda e: b not in e.free_symbols)), (i, 1, n), (j, 1, n),
                 (k, 1, n))
    return [Definition(s[i], free), Definition(b, closed)]


given_names = st.one_of(entries, st.just(a))
variables = st.one_of(given_names, letters.map(lambda p: s[p]))
smooth = st.recursive(st.one_of(entries, constants, letters.map(lambda p: s[p])),
                      lambda e: st.one_of(polynomial(e), e.map(g), e.map(lambda x: 1/(x**2 + 1)),
                                          e.map(sigmoid)), max_leaves=4)


@given(smooth, variables, definitions())
def test_a_derivative_is_that_of_what_is_written_out(expr, variable, table):
    derivative = Partial(expr, variable)
    try:
        resolved = resolve(derivative, table_of(table))
    except (ValueError, Undecided):  # nothing depends on the variable
        return
    assert differ(derivative, resolved, table) is None


@given(smooth, st.tuples(given_names, given_names), definitions())
def test_the_order_of_two_derivatives_does_not_matter(expr, pair, table):
    one, other = (Partial(Partial(expr, first), second) for first, second in (pair, pair[::-1]))
    try:
        proved = decided(one, other, table)
    except ValueError:  # nothing depends on the variables
        return
    assert proved is not False or differ(one, other, table, (2,)) is None


FAULTS = {  # what a prover may get wrong; each is found by the property above
    "a delta reaches past the end of its sum": ("at_least", lambda *args: True),
    "a constant is counted once": ("count", lambda self, low, high: {equality.ONE: sp.S.One}),
    "every logarithm is split": ("positive_atom", lambda self, atom: True),
    "a power of a sum is that of its terms": ("integer_power", lambda self, base, power: {
        (bounds, tuple((atom, power*own) for atom, own in powers)): c**power for (bounds, powers),
        c in base.items()}),
}


@pytest.mark.long
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_the_prover_is_found(fault, monkeypatch):
    *where, name, wrong = FAULTS[fault]
    monkeypatch.setattr(equality if where else NormalForm, name, wrong)
    check = settings(max_examples=2_000, derandomize=True, database=None,
                     phases=[Phase.generate])(given(false_friends())(holds))
    with pytest.raises(AssertionError):
        check()


def holds(pair):
    try:
        proved = decided(*pair)
    # a fault may make it stumble
    except (ValueError, TypeError, ArithmeticError, AttributeError, LookupError, RecursionError):
        return
    assert pair[0] == pair[1] or not proved or differ(*pair) is None


# ---------------------------------------------------------------- the network

hidden_names, output_names = sorted(network.ACTIVATIONS), sorted(network.OUTPUTS)
EXACT = ["identity", "relu"]


@st.composite
def networks(draw, hidden=hidden_names, output=output_names, whole=False):
    """(X, y, W, b, names) of a random network and batch; with `whole`, of small integers."""
    sizes = draw(st.lists(st.integers(1, 4), min_size=2, max_size=5))
    n_samples, rng = draw(st.integers(1, 6)), np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    number = ((lambda shape: rng.integers(-3, 4, shape).astype(float)) if whole
              else (lambda shape: rng.normal(size=shape)))
    W = {layer: number((sizes[layer], sizes[layer - 1])) for layer in range(1, len(sizes))}
    names = {"hidden": draw(st.sampled_from(hidden)), "output": draw(st.sampled_from(output))}
    y = {"identity": number((n_samples, sizes[-1])),
         "sigmoid": rng.integers(0, 2, (n_samples, sizes[-1])).astype(float),
         "softmax": np.eye(sizes[-1])[rng.integers(0, sizes[-1], n_samples)]}[names["output"]]
    return number((n_samples, sizes[0])), y, W, {
        layer: number(len(w)) for layer, w in W.items()}, names


def gradient(X, y, W, b, names):
    z, activations = network.forward(X, W, b, **names)
    return network.cost(y, z[len(W)], names["output"]), *network.backward(
        y, W, activations, **names)


def close(first, second):
    assert first.keys() == second.keys()
    for key in first:
        np.testing.assert_allclose(first[key], second[key], rtol=1e-9, atol=1e-11)


def written_cost(parameters, X, y, names):
    """The cost, written once more for autograd: from probabilities, as in a textbook."""
    W, b = parameters
    written = {name: row.autograd for name, row in FUNCTIONS.items()}
    written["softmax"] = lambda z: anp.exp(z)/anp.sum(anp.exp(z), axis=1, keepdims=True)
    activation = X
    for layer in sorted(W):
        z = anp.dot(activation, W[layer].T) + b[layer]
        activation = written[names["output" if layer == len(W) else "hidden"]](z)
    loss = {"identity": lambda p: (p - y)**2/2,
            "sigmoid": lambda p: -y*anp.log(p) - (1 - y)*anp.log(1 - p),
            "softmax": lambda p: -y*anp.log(p)}[names["output"]]
    return anp.sum(loss(activation))/len(X)


@given(networks())
def test_the_gradient_is_that_of_autograd(drawn):
    X, y, W, b, names = drawn
    z = network.forward(X, W, b, **names)[0][len(W)]
    assume(np.abs(z).max() < 12)  # beyond, 1 - y_hat rounds to 0 in the textbook form
    cost, _, dJ_dW, dJ_db = gradient(X, y, W, b, names)
    by_weights, by_biases = autograd.grad(written_cost)((W, b), X, y, names)
    assert np.isclose(cost, written_cost((W, b), X, y, names), rtol=1e-8, atol=1e-10)
    for ours, theirs in ((dJ_dW, by_weights), (dJ_db, by_biases)):
        for layer in ours:
            np.testing.assert_allclose(ours[layer], theirs[layer], rtol=1e-7, atol=1e-9)


@given(networks(), st.randoms(use_true_random=False))
def test_the_order_of_the_samples_does_not_matter(drawn, random):
    X, y, W, b, names = drawn
    order = random.sample(range(len(X)), len(X))
    cost, delta, dJ_dW, dJ_db = gradient(X, y, W, b, names)
    again, delta_again, dW_again, db_again = gradient(X[order], y[order], W, b, names)
    assert np.isclose(cost, again, rtol=1e-12)
    close(dJ_dW, dW_again)
    close(dJ_db, db_again)
    close({layer: d[order] for layer, d in delta.items()}, delta_again)


@given(networks(), st.randoms(use_true_random=False))
def test_the_order_of_the_hidden_units_does_not_matter(drawn, random):
    X, y, W, b, names = drawn
    orders = {layer: random.sample(range(len(w)), len(w)) for layer, w in W.items()}
    orders |= {0: list(range(X.shape[1])), len(W): list(range(y.shape[1]))}
    shuffled = lambda of: {layer: v[orders[layer]][:, orders[layer - 1]] for layer, v in of.items()}  # noqa: E731
    moved = lambda of: {layer: v[..., orders[layer]] for layer, v in of.items()}  # noqa: E731
    cost, delta, dJ_dW, dJ_db = gradient(X, y, W, b, names)
    again, delta_again, dW_again, db_again = gradient(X, y, shuffled(W), moved(b), names)
    assert np.isclose(cost, again, rtol=1e-12)
    close(shuffled(dJ_dW), dW_again)
    close(moved(dJ_db), db_again)
    close(moved(delta), delta_again)


@given(networks(), st.integers(0, 6))
def test_cost_and_gradient_of_a_batch_are_the_mean_over_its_parts(drawn, cut):
    X, y, W, b, names = drawn
    pieces = [piece for piece in (slice(0, cut), slice(cut, None)) if len(X[piece])]
    whole, found = (gradient(X, y, W, b, names),
                    [gradient(X[piece], y[piece], W, b, names) for piece in pieces])
    shares = [len(X[piece])/len(X) for piece in pieces]
    assert np.isclose(whole[0], sum(share*part[0] for share, part in zip(shares, found)),
                      rtol=1e-10)
    for place in (2, 3):
        close(whole[place], {layer: sum(share*part[place][layer] for share,
                                        part in zip(shares, found)) for layer in W})


@given(networks(), st.floats(1e-4, 0.5))
def test_a_small_enough_step_against_the_gradient_lowers_the_cost(drawn, eta):
    X, y, W, b, names = drawn
    assume(names["hidden"] != "relu")
    cost, _, dJ_dW, dJ_db = gradient(X, y, W, b, names)
    assume(sum((v**2).sum() for v in (*dJ_dW.values(), *dJ_db.values())) > 1e-6)
    lowered = [gradient(X, y, *network.update(W, b, dJ_dW, dJ_db, eta*0.1**power), names)[0] < cost
               for power in range(12)]
    assert any(lowered)


def converted(drawn, dtype):
    X, y, W, b, names = drawn
    layers = ({layer: v.astype(dtype) for layer, v in of.items()} for of in (W, b))
    return gradient(X.astype(dtype), y.astype(dtype), *layers, names)


@given(networks(whole=True), st.sampled_from(["int64", "int32", "int8"]))
def test_whole_numbers_give_what_floats_give(drawn, dtype):
    for ours, theirs in zip(gradient(*drawn)[1:], converted(drawn, dtype)[1:]):
        assert all((ours[layer] == theirs[layer]).all() and theirs[layer].dtype == float
                   for layer in ours)


@given(networks())
def test_single_precision_stays_single_and_gives_the_same_to_its_digits(drawn):
    largest = max(np.abs(v).max()
                  for v in network.forward(drawn[0], *drawn[2:4], **drawn[4])[0].values())
    assume(largest < 10)
    for ours, theirs in zip(gradient(*drawn)[1:], converted(drawn, "float32")[1:]):
        for layer in ours:
            assert theirs[layer].dtype == np.float32
            np.testing.assert_allclose(theirs[layer], ours[layer], rtol=1e-3, atol=1e-3)


def derivation_in_integers(X, y, W, b, names):
    """(deltas, n times the gradients) with Python's integers, entry by entry; relu and identity
    stay among them."""
    rows, W = ([[int(v) for v in row] for row in X],
               {layer: w.astype(int).tolist() for layer, w in W.items()})
    relu, K, kept, a = names["hidden"] == "relu", len(W), {}, {0: rows}
    for layer in W:
        kept[layer] = [[sum(w*v for w, v in zip(weights, row)) + int(shift) for weights,
                        shift in zip(W[layer], b[layer])]
                       for row in a[layer - 1]]
        a[layer] = [[max(v, 0) if relu and layer < K else v for v in row] for row in kept[layer]]
    delta = {K: [[v - int(t) for v, t in zip(row, target)] for row, target in zip(a[K], y)]}
    for layer in range(K - 1, 0, -1):
        delta[layer] = [[sum(W[layer + 1][to][unit]*row[to] for to in range(len(row)))
                         *(v > 0 or not relu)
                         for unit, v in enumerate(before)] for row,
                         before in zip(delta[layer + 1], kept[layer])]
    gradients = {layer: [[sum(d[to]*v[unit] for d, v in zip(delta[layer], a[layer - 1]))
                          for unit in range(len(W[layer][0]))]
                         for to in range(len(W[layer]))] for layer in W}
    return delta, gradients


@given(networks(hidden=EXACT, output=["identity"], whole=True))
def test_backward_equals_the_derivation_in_integers_to_the_last_bit(drawn):
    X, y, W, b, names = drawn
    _, delta, dJ_dW, dJ_db = gradient(X, y, W, b, names)
    expected, sums = derivation_in_integers(X, y, W, b, names)
    for layer in W:
        assert delta[layer].tolist() == expected[layer]
        assert dJ_dW[layer].tolist() == [[total/len(X) for total in row] for row in sums[layer]]
        assert dJ_db[layer].tolist() == [sum(column)/len(X) for column in zip(*expected[layer])]


extremes = st.floats(-1e308, 1e308) | st.sampled_from([
    0.0, -0.0, 1e308, -1e308, 5e-324, 709.8, -745.2, 37.0])


@given(st.lists(st.lists(extremes, min_size=3, max_size=3), min_size=1, max_size=4),
       st.integers(0, 2))
def test_activations_and_losses_hold_at_the_extremes_without_a_warning(rows, label):
    z, y = np.array(rows), np.eye(3)[[label]*len(rows)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        probabilities, shares = network.sigmoid(z), network.softmax(z)
        losses = network.binary_cross_entropy(z, y), network.cross_entropy(z, y)
    assert (((probabilities >= 0) & (probabilities <= 1)).all()
            and np.allclose(shares.sum(axis=1), 1, rtol=1e-12))
    assert not any(np.isnan(loss).any() for loss in losses)
    assert (losses[0] >= 0).all() and (losses[1] >= 0).all()
    assert np.allclose(network.sigmoid(-z), 1 - probabilities, atol=1e-15)
