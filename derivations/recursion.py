"""Names defined in terms of each other one level further down: h_t by h_{t-1}, z^(l) by a^(l-1),
a^(l) by z^(l).

Such a name cannot be opened to the bottom for an arbitrary t. It is opened down to the lowest level
that the lines of a derivation speak of, and stays a name there; below the first level its entries
are values that may be anything.
"""

from typing import NamedTuple

import sympy as sp
from sympy import evaluate

from derivations.symbols import base_of, parts_in, shape_of

BELOW_FIRST = (0, 99)  # entries at a whole number are opened down to the first level


class Level(NamedTuple):
    """Where an array stands in a recursion."""

    place: int  # of the index that counts levels
    rank: int  # within a level
    group: frozenset  # the arrays that are defined in terms of each other
    before_first: bool  # is it used one level on, as h_{t-1}, and so has a value at level 0?


def levels(table):
    """{array: its Level}. Raises ValueError for a circle in which nothing gets smaller."""
    found = {}
    for base in sorted(table, key=str):
        below = reached(base, table)
        if base in below and base not in found:
            group = frozenset(other for other in below if base in reached(other, table))
            places = range(min(len(shape_of(other)) for other in group))
            at = next(filter(None, (_levels_of(group, place, table) for place in places)), None)
            if at is None:
                others = ", ".join(sorted(map(str, group - {base})))
                by_way = f", by way of {others}" if others else ""
                raise ValueError(f"{base} is defined in terms of itself{by_way}")
            found |= at
    return found


def reached(base, table):
    """All names that a name is made of, step by step."""
    found, todo = set(), [base]
    while todo:
        used = table[todo.pop()].uses() & table.keys() - found
        found |= used
        todo += used
    return found


def _levels_of(group, place, table):
    """The levels where the index at this place counts them, or None if some entry would stand on a
    higher one than what it defines, or a circle were left within one."""
    steps = [(base, entry.base, entry.indices[place].doit() - name.indices[place])
             for base in group for name, body in table[base].rules()
             for entry in parts_in(body, sp.Indexed) if entry.base in group]
    if not all(step.is_Integer and step <= 0 for *_, step in steps):
        return None
    ranks = {}
    while len(ranks) < len(group):
        waiting = {base for base, used, step in steps if step == 0 and used not in ranks}
        ready = group - ranks.keys() - waiting
        if not ready:
            return None
        ranks |= dict.fromkeys(ready, len(ranks))
    carried = {used for _, used, step in steps if step < 0}
    return {base: Level(place, ranks[base], group, base in carried) for base in group}


def height(entry, places):
    """((group, symbol), (number, rank)) of the entry h_{t-1}, which is (h, t), (-1, 0); None for
    other names."""
    level = places.get(base_of(entry))
    if level is None:
        return None
    with evaluate(True):
        number, symbol = entry.indices[level.place].doit().as_coeff_Add()
    return (level.group, symbol), (number, level.rank)


def floors(exprs, places):
    """{(group, symbol): the lowest level of which the expressions speak}"""
    lowest = {}
    for expr in exprs if places else ():
        for entry in parts_in(expr, sp.Indexed):
            found = height(entry, places)
            if found and found[0][1] != 0:
                lowest[found[0]] = min(found[1], lowest.get(*found))
    return lowest


def first_levels(exprs, table):
    """{letter: the least level at which no name in the expressions lies before the start}, as
    t = 3 where they speak of h_t and h_{t-3}."""
    places, found = getattr(table, "levels", {}), {}
    for (group, symbol), (number, rank) in floors(exprs, places).items():
        first = next(0 if places[base].before_first else 1
                     for base in group if places[base].rank == rank)
        if symbol.is_Symbol:
            found[symbol] = max(int(first - number), found.get(symbol, 1))
    return found
