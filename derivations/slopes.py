"""The derivative of a formula by one of its names, on the formula's tree.

What a function's slope is, SymPy says: its `diff`, for one letter as the argument. Sums, products,
arrays and the chain rule are the few rules below. Beside a kink a step and a sign have the slope 0;
at a kink there is none.
"""

from functools import cache, lru_cache

import sympy as sp

from derivations.symbols import Partial, base_of, holds, names_in, rebuilt


class Held(sp.Expr):
    """A coefficient ∂L/∂z_k, constant while the linear stand-in of L is differentiated."""

    is_commutative = is_real = True


class Unknown(sp.Expr):
    """An unknown function L inside what is differentiated: its slope is that of its stand-in."""

    is_commutative = is_real = True
    name = property(lambda self: self.args[0])
    linear = property(lambda self: self.args[1])


def slope_of(function, variable):
    """∂function/∂variable, where every other name is held.

    >>> x, y = sp.symbols("x y", real=True)
    >>> slope_of(sp.Max(0, x*y), x)
    y*Heaviside(x*y)
    """
    slope = _slope(function, variable)
    if holds(slope, Unknown, Held):
        slope = slope.replace(Unknown, lambda name, linear: name).replace(Held, Partial)
    return slope


@lru_cache(maxsize=20_000)
def _slope(e, by):
    if base_of(by) not in names_in(e):
        return sp.S.Zero
    rule = next((RULES[kind] for kind in type(e).__mro__ if kind in RULES), _chained)
    return rule(e, by)


def _chained(e, by):
    """f(a, b)' is ∂f/∂a a' + ∂f/∂b b', where SymPy differentiates f by letters for a and b."""
    places = [(_letter(place), a, _slope(a, by)) for place, a in enumerate(e.args)]
    moved = [place for place in places if place[2]]
    function = e.func(*(letter if slope else a for letter, a, slope in places))
    back = {letter: a for letter, a, _ in moved}
    return sp.Add(*(_of_function(function, letter).xreplace(back) * slope
                    for letter, _, slope in moved))


@cache
def _letter(place):
    return sp.Dummy(f"u{place}", real=True)


@lru_cache(maxsize=1_000)
def _of_function(function, letter):
    return function.diff(letter)


def _of_product(e, by):
    return sp.Add(*(sp.Mul(*e.args[:place], slope, *e.args[place + 1 :])
                    for place, slope in enumerate(_slope(a, by) for a in e.args) if slope))


@lru_cache(maxsize=20_000)
def _delta(i, j):
    """[i = j]. Of two letters of which the same is known SymPy can but ask whether they differ."""
    told_apart = i == j or not (i.is_Symbol and j.is_Symbol and i.assumptions0 == j.assumptions0)
    if told_apart:
        return sp.KroneckerDelta(i, j)
    return sp.KroneckerDelta(*sorted((i, j), key=sp.default_sort_key), evaluate=False)


RULES = {
    sp.Symbol: lambda e, by: sp.S.One,
    sp.Indexed: lambda e, by: sp.Mul(*map(_delta, e.indices, by.indices)),
    sp.Add: lambda e, by: sp.Add(*(_slope(a, by) for a in e.args)),
    sp.Mul: _of_product,
    sp.Sum: lambda e, by: rebuilt(e, _slope(e.function, by), *e.limits),
    sp.Product: lambda e, by: e * sp.Sum(_slope(e.function, by) / e.function, *e.limits),
    sp.Piecewise: lambda e, by: sp.Piecewise(*((_slope(a, by), holds) for a, holds in e.args)),
    sp.sign: lambda e, by: sp.S.Zero,
    sp.Heaviside: lambda e, by: sp.S.Zero,
    Held: lambda e, by: sp.S.Zero,
    Unknown: lambda e, by: _slope(e.linear, by),
}
