"""What functions, conditions, deltas and powers are made of: rewritings before the normal form."""

from functools import cache

import sympy as sp
from sympy.functions.elementary.trigonometric import TrigonometricFunction

from derivations.errors import Undecided
from derivations.symbols import kinds_in, letters_of

EXPLICIT = 24  # a sum between two integers is written out up to this many terms


BY_LOGARITHMS = sp.atanh, sp.acoth, sp.asinh, sp.acosh


def in_exponentials(expr):
    """One generator instead of many: tanh, cosh and all that know how they are made of exp, and
    what is made of a logarithm, as atanh. A cosine within stays: its exponentials are complex."""
    by_exp = lambda kind: (hasattr(kind, "_eval_rewrite_as_exp")
                           and not issubclass(kind, TrigonometricFunction))
    by_log = lambda kind: issubclass(kind, BY_LOGARITHMS)
    for known, target in ((by_log, sp.log), (by_exp, sp.exp)):
        if any(map(known, kinds_in(expr))):
            expr = expr.replace(lambda e, known=known: known(e.func),
                                lambda e, target=target: e.rewrite(target, deep=False))
    return expr


class Step(sp.Function):
    """1 where its argument is positive, 0 where it is negative: all kinks are made of it."""

    nargs = 1
    is_real = True


class Side(sp.Function):
    """1 where its argument is positive, -1 where it is negative, beside what vanishes at 0."""

    nargs = 1


class Meets(sp.Function):
    """1 where its argument is 0. Of what is no whole number that is left out, as a kink is."""

    nargs = 1


def _by_cases(*cases):
    """The sum of the values, each times 1 where its condition holds and none before it, else 0."""
    total, otherwise = sp.S.Zero, sp.S.One
    for value, condition in cases:
        holds = _holds(condition)
        total, otherwise = total + otherwise * holds * value, otherwise * (1 - holds)
    return total


def _holds(condition):
    if condition.func not in HOLDS:
        raise Undecided(f"no rule for the condition {condition}")
    return HOLDS[condition.func](*condition.args)


def _middle(a, b, sign):
    return (a + b + sign * (a - b) * Side(a - b)) / 2


REWRITTEN = {  # each is what is on its right, wherever nothing depends on its value at a kink
    sp.Abs: lambda u: u * Side(u),
    sp.Max: lambda a, *rest: _middle(a, sp.Max(*rest), 1) if rest else a,
    sp.Min: lambda a, *rest: _middle(a, sp.Min(*rest), -1) if rest else a,
    sp.sign: lambda u: 2 * sp.Heaviside(u, sp.S.Half) - 1,
    sp.Piecewise: _by_cases,
    sp.tan: lambda z: sp.sin(z) / sp.cos(z),
    sp.cot: lambda z: sp.cos(z) / sp.sin(z),
    sp.sec: lambda z: 1 / sp.cos(z),
    sp.csc: lambda z: 1 / sp.sin(z),
}


HOLDS = {  # 1 where a condition holds and 0 where it does not
    type(sp.true): lambda: sp.S.One,
    type(sp.false): lambda: sp.S.Zero,
    sp.And: lambda *parts: sp.Mul(*map(_holds, parts)),
    sp.Or: lambda *parts: 1 - sp.Mul(*(1 - _holds(part) for part in parts)),
    sp.Not: lambda part: 1 - _holds(part),
    sp.Eq: lambda a, b: Meets(a - b),
    sp.Ne: lambda a, b: 1 - Meets(a - b),
    sp.Gt: lambda a, b: sp.Heaviside(a - b, 0),
    sp.Ge: lambda a, b: sp.Heaviside(a - b, 1),
    sp.Lt: lambda a, b: sp.Heaviside(b - a, 0),
    sp.Le: lambda a, b: sp.Heaviside(b - a, 1),
}


def lower_power(atom, k):
    """(base, power, rest) where atom^k is base^power atom^rest, or None where it is no simpler:
    √S·√S is S, cos² is 1 - sin², cosh² is 1 + sinh²."""
    if atom.is_Pow and not isinstance(atom, sp.exp) and atom.exp.is_Rational and atom.exp.p == 1:
        lower, order = atom.base, atom.exp.q
    elif isinstance(atom, sp.cos):
        lower, order = 1 - sp.sin(atom.args[0]) ** 2, 2
    elif isinstance(atom, sp.cosh):
        lower, order = 1 + sp.sinh(atom.args[0]) ** 2, 2
    else:
        return None
    return None if 0 <= k < order else (lower, *divmod(k, order))


def solved_for(delta, index):
    """What the index must be where the two arguments of a delta are the same, or None."""
    if index not in letters_of(delta):
        return None
    gap = sp.expand(delta.args[0] - delta.args[1])
    slope = gap.coeff(index)
    other = sp.expand(index - gap / slope) if slope in (1, -1) else None
    return None if other is None or index in other.free_symbols else other


def solved(delta):
    """(a letter in it, what it must be), as (l, k) of delta_kl; letters that only stand in others,
    as i in c_i, are none."""
    letters = sorted(letters_of(delta), key=sp.default_sort_key, reverse=True)
    found = ((i, solved_for(delta, i)) for i in letters)
    return next((pair for pair in found if pair[1] is not None), (None, None))


def kronecker(gap, value):
    """1 where a whole number has a value; one letter on each side where it is their difference."""
    gap = sp.expand(gap - value)
    back = sp.Add(*(t for t in sp.Add.make_args(gap) if t.could_extract_minus_sign()))
    return sp.KroneckerDelta(gap - back, -back)


def is_turned(w):
    """Is the coefficient of its first letter negative, which in the canonical form is positive?"""
    letters = sorted(w.free_symbols, key=sp.default_sort_key)
    return bool(letters) and sp.expand(w).coeff(letters[0]).is_negative


def rate_of(atom, k, index):
    """(q, r), where the k-th power of an atom is q**(r index)."""
    if not (atom.is_Pow or isinstance(atom, sp.exp)):
        return None
    rate = k * atom.exp / index
    return None if {index} & (atom.base.free_symbols | rate.free_symbols) else (atom.base, rate)


@cache
def power_sum(power):
    """Faulhaber's polynomial: 1 + 2^p + ... + n^p."""
    s, n = sp.Dummy("t", integer=True), sp.Dummy("t", integer=True, positive=True)
    total = sp.expand(sp.summation(s**power, (s, 1, n)))
    return lambda end: total.xreplace({n: end})


def rounded_ends(low, high, at_least, known=()):
    """(1, n, [(index, 1 for a term too few or -1 for one too many)]) for a sum from 0 to n - 1.

    Where a known end, as that of a free index, is a whole number off, it is n.
    """
    end = next((e for e in known if (high - e).is_Integer), high.as_coeff_Add()[1])
    shift = high - end
    if (high - low).is_integer and at_least(-1, high - low):
        if low.is_Integer and low != 1 and (low > 1 or at_least(0, high)):
            low, far = int(low), abs(low - 1) <= EXPLICIT
            edge = [(t, 1) for t in range(low, 1)] + [(t, -1) for t in range(1, low)]
            return sp.S.One, high, [(sp.Integer(t), sign) for t, sign in edge if far]
        if low == 1 and shift and abs(shift) <= EXPLICIT and at_least(0, end):
            edge = [(t, 1) for t in range(1, int(shift) + 1)]
            edge += [(t, -1) for t in range(int(shift) + 1, 1)]
            return low, end, [(end + t, sign) for t, sign in edge]
    return low, high, []


def is_indicator(atom):
    return isinstance(atom, Step) or is_delta(atom)


def is_delta(atom):
    return isinstance(atom, sp.KroneckerDelta) and len(atom.args) == 2


def is_composite(atom):
    return atom.is_Add or atom.is_Mul or isinstance(atom, sp.Sum)
