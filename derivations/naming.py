"""Standard names for the bound indices of a monomial, so that equal monomials have equal keys."""

import re
from functools import lru_cache
from itertools import chain, permutations, product

import sympy as sp

from derivations.rewriting import Step, is_turned
from derivations.symbols import bound_letter, letters_of, rank_of


def rename_apart(monomial, above=0):
    """The monomial with bound indices that are neither in it nor of a rank up to this one."""
    bounds, powers = monomial
    if not bounds:
        return (), powers
    return _ranked_above(monomial, max(above, *(rank_of(a) for a, _ in powers)))


@lru_cache(maxsize=20_000)
def _ranked_above(monomial, rank):
    bounds, powers = monomial
    names = {b[0]: bound_letter("t", None, place) for place, b in enumerate(bounds, rank + 1)}
    return (tuple((names[i], low, high) for i, low, high in bounds),
            tuple((a.xreplace(names), k) for a, k in powers))


def standard_names(atoms, count):
    """Names that stand in none of the atoms: those of sums inside are not taken again outside."""
    height = 1 + max(map(_height, atoms), default=0)
    return [sp.Symbol(f"_{height}_{position}", integer=True) for position in range(count)]


@lru_cache(maxsize=20_000)
def _height(atom):
    names = (re.fullmatch(r"_(\d+)_\d+", s.name) for s in atom.atoms(sp.Symbol))
    return max((int(name[1]) for name in names if name), default=0)


def with_standard_names(bounds, powers):
    """The monomial with standard names: of the orders that may count, the first one as text."""
    return _with_standard_names(tuple(bounds), tuple(powers.items()))


@lru_cache(maxsize=20_000)
def _with_standard_names(bounds, powers):
    if not bounds:
        return (), tuple(sorted(powers, key=lambda p: _sort_key(p[0])))
    powers = dict(powers)
    standard = standard_names(powers, len(bounds))
    groups = _look_alike(bounds, powers) if len(bounds) > 1 else [bounds]
    orders = [[group] if _interchangeable(group, powers) else permutations(group)
              for group in groups]
    named = [_rename(list(chain(*order)), standard, powers) for order in product(*orders)]
    return min(named, key=_as_text) if len(named) > 1 else named[0]


def _look_alike(bounds, powers):
    """The bounds in groups: by their ends, then by what they stand beside, as long as it helps."""
    letters = [b[0] for b in bounds]
    colour = {b[0]: str(b[1:]) for b in bounds}
    for _ in bounds:
        ranks = {c: sp.Symbol(f"_c{rank}", integer=True)
                 for rank, c in enumerate(sorted(set(colour.values())))}
        finer = {}
        for i in letters:
            names = {k: ranks[colour[k]] if k != i else ME for k in letters}
            beside = sorted(f"{_text(a.xreplace(names))}^{p}" for a, p in powers.items()
                            if i in letters_of(a) and not isinstance(a, Step))
            finer[i] = " ".join([str(ranks[colour[i]]), *beside])
        if len(set(finer.values())) == len(ranks):
            break
        colour = finer
    return [[b for b in bounds if colour[b[0]] == c] for c in sorted(set(colour.values()))]


ME = sp.Symbol("_me", integer=True)


def _interchangeable(group, powers):
    """Does nothing change where any two of them change places, as in x_i x_j?"""
    first, *others = (b[0] for b in group)
    items = set(powers.items())
    return all({(a.xreplace({first: i, i: first}), k) for a, k in items} == items for i in others)


def _rename(order, standard, powers):
    names = {old[0]: new for old, new in zip(order, standard)}
    renamed = sorted(((a.xreplace(names), k) for a, k in powers.items()),
                     key=lambda p: (isinstance(p[0], Step), _sort_key(p[0])))
    return tuple((names[i], low, high) for i, low, high in order), tuple(renamed)


_sort_key = lru_cache(maxsize=20_000)(sp.default_sort_key)


@lru_cache(maxsize=20_000)
def _text(atom):
    return str(atom)


def _as_text(monomial):
    """What names are chosen by: steps last, and none the wrong way round if it can be helped."""
    bounds, powers = monomial
    steps = [a for a, _ in powers if isinstance(a, Step)]
    others = tuple(p for p in powers if not isinstance(p[0], Step))
    return ([(_text(a), k) for a, k in others], str(bounds),
            sum(bool(is_turned(step.args[0])) for step in steps), str(steps))
