"""Names defined in terms of each other one level further down: h_t by h_{t-1}, z^(l) by a^(l-1),
a^(l) by z^(l).

Such a name cannot be opened to the bottom for an arbitrary t. It is opened down to the lowest level
that the lines of a derivation speak of, and stays a name there; below the first level its entries
are values that may be anything.
"""

import sympy as sp
from sympy import evaluate

from derivations.symbols import base_of, shape_of

BELOW_FIRST = (0, 99)  # entries at a whole number are opened down to the first level


def levels(table):
    """{array: (position of the index that counts levels, rank within a level, the arrays of its
    group)}.

    Raises ValueError for a circle in which nothing gets smaller.
    """
    found = {}
    for base in sorted(table, key=str):
        below = reached(base, table)
        if base in below and base not in found:
            group = frozenset(other for other in below if base in reached(other, table))
            place = next((p for p in range(_indices(group)) if _ranks(group, p, table)), None)
            if place is None:
                others = ", ".join(sorted(map(str, group - {base})))
                raise ValueError(
                    f"{base} is defined in terms of itself" + f", by way of {others}" * bool(others)
                )
            found |= {
                other: (place, rank, group) for other, rank in _ranks(group, place, table).items()
            }
    return found


def reached(base, table):
    """All names that a name is made of, step by step."""
    found, todo = set(), [base]
    while todo:
        used = table[todo.pop()].uses() & table.keys() - found
        found |= used
        todo += used
    return found


def _indices(group):
    return min(len(shape_of(base)) for base in group)


def _ranks(group, place, table):
    """{array: its place in the order within one level}, or None if some entry is not at this level
    or below."""
    same = {base: set() for base in group}
    for base in group:
        for name, body in table[base].rules():
            for entry in body.atoms(sp.Indexed):
                if entry.base in group:
                    step = entry.indices[place].doit() - name.indices[place]
                    if not step.is_Integer or step > 0:
                        return None
                    if step == 0:
                        same[base].add(entry.base)
    ranks = {}
    while len(ranks) < len(group):
        ready = [base for base in group - ranks.keys() if same[base] <= ranks.keys()]
        if not ready:
            return None
        ranks |= dict.fromkeys(ready, len(ranks))
    return ranks


def carried(base, table, places):
    """Is the array used one level on, as h_{t-1} and a^(l-1) are, so that it has a value before the
    first level?"""
    place, _, group = places[base]
    uses = (
        (entry, name)
        for other in group
        for name, body in table[other].rules()
        for entry in body.atoms(sp.Indexed)
        if entry.base == base
    )
    with evaluate(True):
        return any(
            (entry.indices[place].doit() - name.indices[place]).is_negative for entry, name in uses
        )


def height(entry, places):
    """((group, symbol), (number, rank)) of the entry h_{t-1}, which is (h, t), (-1, 0); None for
    other names."""
    if base_of(entry) not in places:
        return None
    place, rank, group = places[base_of(entry)]
    with evaluate(True):
        number, symbol = entry.indices[place].doit().as_coeff_Add()
    return (group, symbol), (number, rank)


def floors(exprs, places):
    """{(group, symbol): the lowest level of which the expressions speak}"""
    lowest = {}
    for expr in exprs:
        for entry in expr.atoms(sp.Indexed):
            found = height(entry, places)
            if found and found[0][1] != 0:
                lowest[found[0]] = min(found[1], lowest.get(*found))
    return lowest


def first_levels(exprs, table):
    """{letter: the least level at which no name in the expressions lies before the start}, as
    t = 3 where they speak of h_t and h_{t-3}."""
    places, found = getattr(table, "places", {}), {}
    for (group, symbol), (number, rank) in floors(exprs, places).items():
        lowest = next(base for base in group if places[base][1] == rank)
        first = 0 if table[lowest].before_first else 1
        if symbol.is_Symbol:
            found[symbol] = max(int(first - number), found.get(symbol, 1))
    return found
