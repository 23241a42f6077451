"""What a name between bounds stands for: free numbers are chosen, and it fulfils them all."""

from typing import NamedTuple

import sympy as sp

from derivations.printing import plain
from derivations.symbols import Array, letter

KNOWN = "positive", "negative", "nonnegative", "nonpositive", "nonzero", "integer"


class Between(NamedTuple):
    """A name, and what it stands for."""

    name: sp.Expr
    body: sp.Expr
    ends: tuple = ()  # the values at the ends that it may have too
    gap: sp.Expr = sp.S.One  # what must be positive for there to be such a value
    ordered: tuple = ()  # (another name, what it stands for), so that the gap is


class Bound(NamedTuple):
    value: sp.Expr
    closed: bool


def free_twin(name, **known):
    """A new symbol, or an entry of a new array, for a name whose values are bound."""
    entry = isinstance(name, sp.Indexed)
    stem = sp.Dummy(name.base.label.name if entry else name.name, real=True, **known)
    return Array(stem, shape=name.base.shape)[name.indices] if entry else stem


def between(relations):
    """x between its ends by a free u > 0: low + u, high - u, or low + (high - low) u/(1 + u).

    What holds there holds at an end that belongs to it, unless a condition fails there alone. A
    whole number is low + u or high - u with u ≥ 0, or a letter that runs from low to high.
    """
    name = _spoken_of(relations)
    other = lambda r: r.args[r.args[0] == name]
    bounds = [r for r in relations if not isinstance(r, sp.Ne)]
    if any(isinstance(r, sp.Eq) for r in bounds):
        raise ValueError("an equation is a hypothesis of its own: give it in an Assume alone, "
                         f"not as one of {_listed(relations)}")
    if not bounds:
        return Between(name, other(relations[0]) + free_twin(name, nonzero=True))
    closed = lambda r: isinstance(r, (sp.Ge, sp.Le))
    low, high = _declared(name)
    low = _tightest(name, 1, [Bound(other(r), closed(r)) for r in bounds if r.gts == name] + low)
    high = _tightest(name, -1, [Bound(other(r), closed(r)) for r in bounds if r.lts == name] + high)
    if low and high:
        return _inside(name, low, high, relations)
    (end, is_in), sign = (low, 1) if low else (high, -1)
    whole = {"integer": True, "nonnegative": True}
    free = free_twin(name, **(whole if name.is_integer else {"positive": True}))
    return Between(name, end + sign * free, ends=(end,) * is_in)


def _spoken_of(relations):
    sides = [side for r in relations for side in r.args]
    name = next((x for x in sides if isinstance(x, (sp.Symbol, sp.Indexed))
                 and all(x in r.args for r in relations)), None)
    if name is None:
        raise ValueError(f"a hypothesis is about one name, as in x > 0, got {_listed(relations)}")
    return name


def _listed(relations):
    return ", ".join(map(str, relations))


def _declared(name):
    """Lower and upper bounds of what a name is declared to be: p in symbols("p", positive=True)."""
    low = name.is_nonnegative and [Bound(sp.S.Zero, not name.is_positive)]
    high = name.is_nonpositive and [Bound(sp.S.Zero, not name.is_negative)]
    return low or [], high or []


def _tightest(name, sign, bounds):
    """The one bound that holds all of these on one side, or None: the largest below, say."""
    best = None
    for bound in bounds:
        bound = _whole(name, sign, bound) if name.is_integer else bound
        gap = sign * (bound.value - best.value) if best else sp.S.One
        if gap == 0:
            best = Bound(best.value, best.closed and bound.closed)
        elif gap.is_nonnegative:
            best = bound
        elif not gap.is_nonpositive:
            largest = (sp.Max if sign == 1 else sp.Min)(best.value, bound.value)
            best = Bound(largest, best.closed or bound.closed)
    return best


def _whole(name, sign, bound):
    """n > 1 as n ≥ 2."""
    end = (sp.ceiling if sign == 1 else sp.floor)(bound.value)
    if not end.is_number and end != bound.value:
        raise ValueError(f"{plain(name)} is a whole number, and {plain(bound.value)} is not known "
                         "to be one: give bounds that are")
    return Bound(end if bound.closed or end != bound.value else end + sign, True)


def _inside(name, low, high, relations):
    gap = sp.expand(high.value - low.value)
    both = low.closed and high.closed
    if gap.is_negative or gap.is_nonpositive and not both:
        raise ValueError(f"nothing fulfils {_listed(relations)}: "
                         f"{plain(name)} would lie above {plain(low.value)} "
                         f"and below {plain(high.value)}")
    if gap == 0:
        return Between(name, low.value)
    if name.is_integer:
        return Between(name, letter(name, low.value, high.value))
    free = free_twin(name, positive=True)
    body = low.value + gap * free / (1 + free)
    ordered = () if gap.is_positive else _ordered(name, gap, high.value)
    ends = tuple(end for end, is_in in (low, high) if is_in)
    return Between(name, body, ends, gap, ordered)


def _ordered(name, gap, high):
    """A name in the gap, an upper end first, and what it stands for so that the gap is positive."""
    names = sorted(gap.atoms(sp.Indexed) or gap.free_symbols,
                   key=lambda name: (not high.has(name), str(name)))
    for found in names:
        slope = gap.coeff(found)
        if slope.is_number and slope != 0 and not found.is_integer and not gap.has(sp.Max, sp.Min):
            wide = free_twin(found, positive=True)
            body = sp.expand(found - (gap - wide) / slope)
            if all(getattr(body, f"is_{known}") for known in KNOWN
                   if getattr(found, f"is_{known}")):
                return found, body
    raise ValueError(f"{plain(name)} lies between two bounds, and {plain(gap)} is not known to be "
                     "positive: give bounds of which one is known to be the larger")
