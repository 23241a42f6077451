"""Definitions by recursion: networks of any depth, recurrent networks, momentum."""

import pytest
from sympy import Sum, symbols
from vocabulary import L, g, i, j, k, l, m

from derivations.definitions import Definition, Depends, table_of
from derivations.derivation import Derivation
from derivations.errors import FalseLine, Undecided
from derivations.symbols import Partial, as_written, indexed
from derivations.verify import prove

T, t = symbols("T t", integer=True, positive=True)
depth = symbols("K", integer=True, positive=True)
w, c, beta = symbols("w c beta", real=True)
h, x, v, s = (indexed(name, T) for name in "hxvs")
z, a, W = indexed("z", depth, m), indexed("a", depth, m), indexed("W", depth, m, m)
with as_written():
    inside = w * h[t - 1] + c * x[t]
    recurrent = [Definition(h[t], g(inside))]
    momentum = [Definition(v[t], beta * v[t - 1] + s[t])]
    layers = [
        Definition(z[l, j], Sum(W[l, j, k] * a[l - 1, k], (k, 1, m))),
        Definition(a[l, k], g(z[l, k])),
    ]
loss = Depends(L, z[l, j], (j, 1, m))

TRUE = {
    "a recurrent state": (h[t], g(w * h[t - 1] + c * x[t]), recurrent),
    "from state to state": (Partial(h[t], h[t - 1]), w * g.prime(inside), recurrent),
    "over two states": (
        Partial(h[t], h[t - 2]),
        Partial(h[t], h[t - 1]) * Partial(h[t - 1], h[t - 2]),
        recurrent,
    ),
    "a weight that all states share": (
        Partial(h[t], w),
        g.prime(inside) * (h[t - 1] + w * Partial(h[t - 1], w)),
        recurrent,
    ),
    "momentum, two steps": (v[t], beta**2 * v[t - 2] + beta * s[t - 1] + s[t], momentum),
    "momentum from nothing": (
        v[3],
        beta**2 * s[1] + beta * s[2] + s[3],
        [*momentum, Definition(v[0], 0)],
    ),
    "at numbers alone": (
        v[2],
        beta * c + s[2],
        [Definition(v[1], c), Definition(v[2], beta * v[1] + s[2])],
    ),
    "from layer to layer": (
        Partial(z[l, j], z[l - 1, i]),
        W[l, j, i] * g.prime(z[l - 1, i]),
        layers,
    ),
    "the delta of a layer": (
        Partial(L, z[l - 1, i]),
        Sum(Partial(L, z[l, j]) * W[l, j, i], (j, 1, m)) * g.prime(z[l - 1, i]),
        [*layers, loss],
    ),
}
FALSE = {
    "the past forgotten": (Partial(h[t], w), g.prime(inside) * h[t - 1], recurrent),
    "a power forgotten": (v[t], beta**2 * v[t - 2] + s[t - 1] + s[t], momentum),
    "weights transposed": (
        Partial(z[l, j], z[l - 1, i]),
        W[l, i, j] * g.prime(z[l - 1, i]),
        layers,
    ),
    "slope of the wrong layer": (
        Partial(z[l, j], z[l - 1, i]),
        W[l, j, i] * g.prime(z[l, i]),
        layers,
    ),
}


def derived(left, right, given):
    with as_written():
        derivation = Derivation(left, given)
        derivation.step(right, "by recursion")
    derivation.prove(keep=False)


@pytest.mark.parametrize("name", TRUE)
def test_a_line_about_a_recursion_is_proved_for_every_level(name):
    derived(*TRUE[name])


@pytest.mark.parametrize("name", FALSE)
def test_a_false_line_about_a_recursion_is_refused(name):
    with pytest.raises((FalseLine, Undecided)):
        derived(*FALSE[name])


@pytest.mark.parametrize(
    "make",
    [
        lambda: Definition(h[t], h[t] + 1),
        lambda: Definition(h[t], h[t + 1]),
        lambda: table_of([loss]),
        lambda: table_of([Definition(h[t], v[t - 1]), Definition(v[t], h[t + 1])]),
        lambda: table_of([Definition(h[t], v[t]), Definition(v[t], h[t])]),
        lambda: table_of([Definition(v[0], 1), Definition(v[0], 2)]),
    ],
)
def test_what_never_comes_to_an_end_is_refused(make):
    with pytest.raises(ValueError):
        make()


steps = Definition(h[t], w * h[t - 1] + x[t])
sums = Definition(h[t], h[t - 1] + h[t - 2])
FURTHER_BACK = {  # a line, its value, and the first level at which all of its names are opened
    "a slope over two": (Partial(h[t], h[t - 2]), w**2, [steps], ["t ≥ 2"]),
    "a slope over four": (Partial(h[t], h[t - 4]), w**4, [steps], ["t ≥ 4"]),
    "a state by one before": (h[t], w * h[t - 1] + x[t], [steps], []),
    "a state by three before": (
        h[t],
        w**3 * h[t - 3] + w**2 * x[t - 2] + w * x[t - 1] + x[t],
        [steps],
        ["t ≥ 3"],
    ),
    "the last state": (h[T], w**2 * h[T - 2] + w * x[T - 1] + x[T], [steps], ["T ≥ 2"]),
    "two steps at once": (h[t], 2 * h[t - 2] + h[t - 3], [sums], ["t ≥ 3"]),
    "its slope": (Partial(h[t], h[t - 3]), 3, [sums], ["t ≥ 3"]),
    "a step of two": (h[t], h[t - 4], [Definition(h[t], h[t - 2])], ["t ≥ 4"]),
    "what has no value before": (
        Partial(x[t], s[t - 1]),
        2 * w * s[t - 1] * 2 * s[t],
        [Definition(s[t], w * x[t - 1]), Definition(x[t], s[t] ** 2)],
        ["t ≥ 2"],
    ),
}


@pytest.mark.parametrize("name", FURTHER_BACK)
def test_lines_that_reach_back_are_tried_and_said_where_every_name_is_opened(name):
    before, now, given, where = FURTHER_BACK[name]
    proof = prove(before, now, given)
    assert proof.where == where and proof.points
    with pytest.raises(FalseLine):
        prove(before, now + w, given)
