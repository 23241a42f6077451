"""Where arrays begin: at 1, unless something counts them from elsewhere.

That may be what is given: a sum from 0, as over w_0 … w_d, an entry that is defined or added by
itself, as x_i0 = 1 or a bias w_0, an index further back, as x_{t-1} in the definition of y_t, or an
`Index` from 0. Of arrays of which nothing given says where they begin, the left side of a
derivation may say it. A recursion is carried on from before its first level. Everywhere else an
entry below the first one does not exist, be it written by number or met by a sum.
"""

from copy import copy

import sympy as sp
from sympy import evaluate

from derivations.definitions import Depends, Index
from derivations.errors import BeforeFirst
from derivations.places import outside, stands
from derivations.printing import plain
from derivations.symbols import Partial


class Beginnings:
    """The first index at each place (array, position), by a table of definitions.

    Raises BeforeFirst for a definition in which an index begins too early.
    """

    def __init__(self, table):
        self.lows = {name: d.ends[0] for name, d in table.items() if isinstance(d, Index)}
        self.endless = {(base, level.place) for base, level in table.levels.items()
                        if level.before_first}
        self.first, self.groups, self.counted, self.known = {}, {}, set(), set()
        given = [part for d in table.values() for part in _parts(d)]
        for name, body, bound in given:
            self.read(name, body, bound)
        for place, group in self.groups.items():
            self.first[place] = min(self.first.get(other, 1) for other in group)
        for name, body, bound in given:
            try:
                self.must_reach(body, bound)
            except BeforeFirst as error:
                said = f"in the definition of {plain(name)}: {error}"
                raise BeforeFirst(said, error.slip) from None

    def read(self, name, body, bound):
        """Note where a definition counts from, and which places it counts together."""
        letters = {i: sp.S.One for i in getattr(name, "indices", ())} | self.lows
        together = {}
        for entry, position, index, ends in stands(name) + stands(body, bound):
            place = entry.base, position
            self.known.add(entry.base)
            if place in self.endless:
                continue
            self.groups.setdefault(place, {place})
            together.setdefault((index, ends.get(index)), []).append(place)
            if index in ends:
                self.counted.add(place)
            least = _least(index, {**letters, **_lows(ends)})
            is_said = entry == name or not index.is_Atom
            if least is not None and least.is_Integer and (is_said or least >= 0):
                self.first[place] = min(least, self.first.get(place, sp.S.One))
        for (index, _), places in together.items():
            if index.is_Symbol:
                self.join(places)

    def join(self, places):
        group = set().union(*(self.groups[place] for place in places))
        self.groups.update(dict.fromkeys(group, group))

    def seen_from(self, left):
        """The same, where the left side of a derivation says how what is not given is counted."""
        other, own = copy(self), left
        other.first = dict(self.first)
        while isinstance(own, Partial):
            own = own.expr
        for entry, position, index, ends in stands(own):
            group = self.groups.get((entry.base, position), {(entry.base, position)})
            is_said = bool(group & self.counted) or index not in ends and entry.base in self.known
            if _least(index, _lows(ends)) == 0 and entry != own and not is_said:
                other.first.update({place: min(0, other.first.get(place, 1)) for place in group})
        return other

    def must_reach(self, expr, bound=()):
        """Raises BeforeFirst for an entry that stands before the first one of its array."""
        for entry, position, index, ends in stands(expr, bound):
            place, shape = (entry.base, position), entry.base.shape
            least, first = _least(index, _lows(ends)), self.first.get((entry.base, position), 1)
            if shape and place not in self.endless and least is not None and _is_less(least, first):
                high = index.xreplace({i: end for i, (_, end) in ends.items()})
                span = None if index.is_Integer else (index, least, high)
                slip = (f"the sum over {plain(index)} runs from {plain(least)} instead of {first}"
                        if index in ends else
                        f"{plain(entry)} stands before the first entry, whose index is {first}")
                raise BeforeFirst(outside(entry, span, shape[position], first), slip)


def _parts(definition):
    """(name, body, limits of a sum around it) of each case of a definition."""
    if isinstance(definition, Depends):
        return [(definition.name, definition.pattern, tuple(definition.limits))]
    if isinstance(definition, Index):
        return []
    return [(*rule, ()) for rule in definition.rules()]


def _lows(ends):
    return {i: low for i, (low, _) in ends.items()}


def _least(index, lows):
    """The least value of i + 2 j - 1 where i and j begin at known numbers; None if they do not."""
    with evaluate(True):
        constant, terms = index.doit().as_coeff_add()
        for term in terms:
            times, letter = term.as_coeff_Mul()
            if letter not in lows or not times.is_Integer or times < 0:
                return None
            constant += times * lows[letter]
        return constant.doit()


def _is_less(least, first):
    """Is it known for every size, as of 2 - n - d, to be less? Sizes are 1 and a rest."""
    with evaluate(True):
        sizes = {size: 1 + sp.Dummy(integer=True, nonnegative=True)
                 for size in least.free_symbols if size.is_integer and size.is_positive}
        return sp.expand(first - least.xreplace(sizes)).is_positive
