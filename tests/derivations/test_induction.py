"""An induction holds its step to its own hypothesis; and what it says is so in a network of ten
layers, in whole numbers."""

import numpy as np
import pytest
import sympy as sp
from sympy import Sum, symbols
from vocabulary import L, a, derive, g, i, j, k, m

from derivations.definitions import Assume, Definition, Depends
from derivations.derivation import Derivation
from derivations.errors import Undecided
from derivations.induction import Induction
from derivations.symbols import Partial, as_written, indexed

q = symbols("q", integer=True, positive=True)
y, y_hat, z = indexed("y", m), indexed("y_hat", m), indexed("z^(K)", m)


def base(by=z, loss=L):
    with as_written():
        squared = Definition(loss, Sum((y_hat[i] - y[i])**2, (i, 1, m))/2)
    return derive(Partial(loss, by[j]), lambda: y_hat[j] - y[j],
                  given=[squared, Definition(y_hat[i], by[i])], number="4.11")


def step(behind="z^(l+1)", mine="z^(l)"):
    here, act, then, w = (indexed(mine, m), indexed("a^(l)", m), indexed(behind, q),
                          indexed("w^(l+1)", q, m))
    with as_written():
        given = [Depends(L, then[k], (k, 1, q)),
                 Definition(then[k], Sum(w[k, j]*act[j], (j, 1, m))),
                 Definition(act[j], g(here[j]))]
    recursion = lambda: g.prime(here[j])*Sum(w[k, j]*Partial(L, then[k]), (k, 1, q))  # noqa: E731
    return derive(Partial(L, here[j]), recursion, given=given, number="4.6")


def test_the_delta_recursion_is_proved_for_every_layer():
    every = Induction(base=base(), step=step(), number="4.9")
    assert (every.verdict
            == "✓ proved for l = K, …, 1, for every m, q and g, assuming L differentiable")
    assert repr(every).splitlines()[0].startswith("(4.9) ∂L/∂z^(l)_j = g'(z^(l)_j) Σ")
    assert "base (4.11), step (4.6)" in repr(every) and r"\tag{4.9}" in every._repr_markdown_()


def test_a_name_of_the_derivative_stands_for_it_and_the_step_begins_before_the_last_layer():
    delta, here, then = indexed("delta^(l)", m), indexed("z^(l)", m), indexed("z^(l+1)", q)
    given = [Depends(L, then[k], (k, 1, q)), Definition(then[k], g(here[1])),
             Definition(delta[j], Partial(L, here[j]))]
    named = derive(delta[1], lambda: g.prime(here[1])*Sum(Partial(L, then[k]), (k, 1, q)),
                   given=given, number="4.7")
    every = Induction(base(), named)
    assert (every.verdict.startswith("✓ proved for l = K, …, 1")
            and "for l = K - 1, …, 1" in repr(every).splitlines()[0])
    with pytest.raises(ValueError, match=r"begins with a_j, expected a derivative"):
        Induction(base(), derive(indexed("a", m)[j], lambda: here[j],
                                 given=[Definition(indexed("a", m)[j], here[j])]))


@pytest.mark.parametrize("make, message", [
    (lambda: Induction(base(), step(behind="z^(K)")),
     r"assumes ∂L/∂z\^\(K\) to be known; its conclusion with l \+ 1 for l is ∂L/∂z\^\(l\+1\)"),
    (lambda: Induction(base(), step(behind="z^(l+2)")), r"assumes ∂L/∂z\^\(l\+2\)"),
    (lambda: Induction(base(), step(mine="z^(l+1)", behind="z^(l+2)")),
     r"must derive by a name of layer \(l\)"),
    (lambda: Induction(base(by=indexed("u^(K)", m)), step()),
     r"the base derives L by u\^\(K\), the step L by z\^\(l\)"),
    (lambda: Induction(base(loss=sp.Symbol("C", real=True)), step()), "the base derives C by"),
    (lambda: Induction(step(), base()), r"of layer \(l\)|must assume"),
    (lambda: Induction(derive(a + a, 2*a, given=[]), step()), "expected a derivative"),
])
def test_a_step_that_does_not_follow_from_itself_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_both_parts_must_be_proved():
    with pytest.raises(Undecided, match="not proved yet"):
        Induction(base(), Derivation(Partial(L, z[j])))


# over whole numbers

t = symbols("t", integer=True, positive=True)
v_before = symbols("v_before", real=True)


def counted(before, after):
    """The value before, and the step to the value after it by adding one."""
    hypothesis = Definition(v_before, before)
    return derive(v_before + 1, lambda: after + 0, given=[hypothesis], number="2.2"), hypothesis


def start(value):
    return derive(value + 0*a, lambda: value, given=[], number="2.1")


def test_a_statement_about_whole_numbers_is_proved_from_its_base_on():
    made, before = counted(a + t - 1, a + t)
    every = Induction(start(a + 1), made, index=t, hypothesis=before)
    assert every.verdict == "✓ proved for t = 1, 2, …" and "base (2.1), step (2.2)" in repr(every)
    assert Induction(start(a + 3), made, index=t, hypothesis=before,
                     first=3).verdict.endswith("t = 3, 4, …")


def test_a_base_or_a_hypothesis_that_is_another_statement_is_refused():
    made, before = counted(a + t - 1, a + t)
    with pytest.raises(ValueError, match="the base ends with"):
        Induction(start(a + 2), made, index=t, hypothesis=before)
    faster, hypothesis = counted(2*a + t - 1, 2*a + t)
    assert Induction(start(2*a + 1), faster, index=t, hypothesis=hypothesis)
    late, hypothesis = counted(a + t, a + t + 1)
    assert Induction(start(a + 2), late, index=t, hypothesis=hypothesis)
    doubled, hypothesis = counted(2*a + t - 1, 2*a + t)
    with pytest.raises(ValueError, match="must be a Definition that is given to the step"):
        Induction(start(a + 1), doubled, index=t, hypothesis=before)
    before = Definition(v_before, a + t - 1)
    leap = derive(v_before + 2, lambda: a + t + 1, given=[before])
    with pytest.raises(ValueError, match="its conclusion with t - 1 for t is a \\+ t"):
        Induction(start(a + 2), leap, index=t, hypothesis=before)


# ten layers, composed: each pre-activation moved forwards, and compared with its delta, in whole
# numbers


def forward(W, x):
    """The pre-activations of every layer; g(z) = z² in between, L = Σ ŷ²/2 with ŷ = z of the last
    one."""
    zs = [W[0] @ x]
    for weights in W[1:]:
        zs.append(weights @ zs[-1]**2)
    return zs


def deltas(W, zs):
    delta = {len(W) - 1: zs[-1]}
    for layer in range(len(W) - 2, -1, -1):
        delta[layer] = W[layer + 1].T @ delta[layer + 1] * 2*zs[layer]
    return delta


def moved(W, zs, layer, unit):
    """How L moves when one pre-activation does: forwards through the layers behind it, dz to dz."""
    dz = np.eye(len(zs[layer]), dtype=int)[unit].astype(object)
    for behind in range(layer + 1, len(W)):
        dz = W[behind] @ (2*zs[behind - 1]*dz)
    return zs[-1] @ dz


@pytest.mark.parametrize("fault", [False, True])
def test_every_pre_activation_of_ten_layers_moved_forwards_gives_its_delta(fault):
    random, widths = np.random.default_rng(0), [3, 4, 2, 5, 3, 4, 2, 3, 4, 3, 2]
    W = [random.integers(-2, 3, (to, here)).astype(object) for here, to in zip(widths, widths[1:])]
    W = [weights + (weights == 0) for weights in W]
    zs = forward(W, np.array([1, -1, 2], dtype=object))
    delta = deltas(W, zs)
    if fault:  # the delta of another layer in one place of the recursion
        delta[4] = 2*zs[4]*(W[5].T @ delta[5][::-1])
    agree = [moved(W, zs, layer, unit) == delta[layer][unit] for layer in delta
             for unit in range(len(delta[layer]))]
    assert len(agree) == sum(widths[1:]) == 32 and all(agree) != fault and any(agree)
    assert all(isinstance(value, int) for value in delta[0])


LEAVES_OUT = {  # a value, and what the step assumes: it does not lead from 1 to all others
    "a hypothesis": (lambda at: sp.Abs(at - 5), [Assume(t > 5)]),
    "a range": (lambda at: sp.Abs(at - 5), [Assume(t >= 6)]),
    "a denominator": (lambda at: at + sp.Mul(at - 3, 1/(at - 3), evaluate=False), []),
}  # fmt: skip


@pytest.mark.parametrize("name", LEAVES_OUT)
def test_a_step_that_leaves_out_a_number_is_refused(name):
    value, assumed = LEAVES_OUT[name]
    hypothesis = Definition(v_before, value(t - 1))
    step = derive(v_before + 1, lambda: value(t), given=[hypothesis, *assumed])
    base = start(value(sp.Integer(1)))
    with pytest.raises(ValueError, match="to every later t"):
        Induction(base, step, index=t, hypothesis=hypothesis)


def test_a_step_may_assume_what_holds_of_every_later_number():
    hypothesis = Definition(v_before, 1/t + t - 1)
    step = derive(v_before + 1 + 1/(t + 1) - 1/t, lambda: 1/(t + 1) + t,
                  given=[hypothesis, Assume(t > 1), Assume(a > 0)])
    made = Induction(start(1 + sp.Rational(1, 2)), step, index=t, hypothesis=hypothesis)
    assert made.verdict.startswith("✓ proved for t = 1, 2, …")


def test_what_the_base_assumes_stands_in_the_verdict():
    made, before = counted(a + t - 1, a + t)
    base = derive(sp.Abs(a) + 1, lambda: a + 1, given=[Assume(a > 0)])
    assert Induction(base, made, index=t, hypothesis=before).verdict.endswith("where a > 0")
