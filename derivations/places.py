"""Where entries stand in a formula: on which array, at which of its places, within which sums."""

from functools import lru_cache

import sympy as sp
from sympy import evaluate

from derivations.errors import WrongIndex
from derivations.printing import plain
from derivations.symbols import holds, parts_in, shape_of


def limits_of(total):
    """The limits of a sum or a product. Raises ValueError where they have no ends."""
    for limit in total.limits:
        if len(limit) != 3:
            raise ValueError(f"both ends of an index are needed, as in ({limit[0]}, 1, n)")
    return total.limits


@lru_cache(maxsize=20_000)
def limits_in(*exprs):
    """The limits of all sums and products in them."""
    return tuple(limit for expr in exprs for total in parts_in(expr, sp.Sum, sp.Product)
                 for limit in limits_of(total))


@lru_cache(maxsize=20_000)
def stands(expr, limits=()):
    """(entry, position, index, {letter: ends of the sum that binds it}) for all that is indexed."""
    if not holds(expr, sp.Indexed):
        return ()
    ends = {letter: (low, high) for letter, low, high in limits}
    indices = expr.indices if isinstance(expr, sp.Indexed) else ()
    found = [(expr, position, index, ends) for position, index in enumerate(indices)]
    if isinstance(expr, (sp.Sum, sp.Product)):
        limits = (*limits, *limits_of(expr))
    return tuple(found) + tuple(place for part in expr.args for place in stands(part, limits))


def indices_of(name):
    return getattr(name, "indices", ())


def uses_in(*exprs):
    """(index, size of the array there, entry, ends of the sum that binds the index or None), where
    the index is a number, or a letter which is not that size."""
    return [use for expr in exprs for use in _uses_in(expr)]


@lru_cache(maxsize=20_000)
def _uses_in(expr):
    found = ((index, shape_of(entry.base)[position], entry, ends.get(index))
             for entry, position, index, ends in stands(expr) if entry.base.shape)
    return tuple(dict.fromkeys(use for use in found if use[0].is_Integer
                               or use[0].is_Symbol and use[0] != use[1]))


def ranges_in(*exprs):
    """{index: [sizes]} for letters that no sum binds: the sizes of the arrays they stand on.

    A size is none of them, as n in x_n.
    """
    found, sizes = {}, frozenset().union(*map(sizes_of_arrays, exprs))
    for index, size, _, ends in uses_in(*exprs):
        if ends is None and index.is_Symbol and index not in sizes:
            found.setdefault(index, []).append(size)
    return found


@lru_cache(maxsize=20_000)
def sizes_in(expr):
    """The symbols that count something: in limits of sums and in shapes of arrays and matrices."""
    ends = {s for _, *ends in limits_in(expr) for end in ends for s in end.free_symbols}
    counts = ends - {index for index, *_ in limits_in(expr)} | sizes_of_arrays(expr)
    return frozenset(s for s in counts if s.is_Symbol and not isinstance(s, sp.Dummy))


@lru_cache(maxsize=20_000)
def sizes_of_arrays(expr):
    """The symbols in the shapes of arrays and matrices."""
    arrays = {getattr(e, "base", e) for e in parts_in(expr, sp.Indexed, sp.MatrixSymbol)}
    return frozenset(s for array in arrays for size in shape_of(array) for s in size.free_symbols)


def least_sizes(*exprs, levels=()):
    """{size: what it must at least be}, since entries at whole numbers stand on such arrays, as w_2
    on one of size d, or are counted from their ends, as w_{d-1}; not so in recursions, which have
    their own first level."""
    found = {}
    for entry, position, index, _ in (place for expr in exprs for place in stands(expr)):
        size = entry.base.shape[position] if entry.base.shape else sp.S.One
        if index.is_Add and size in index.free_symbols and entry.base not in levels:
            with evaluate(True):
                index = size - index.doit() + 1
        if size.is_Symbol and index.is_Integer:
            found[size] = max(index, found.get(size, sp.S.One))
    return found


def index_ranges(*exprs):
    """{index: last value} for every free symbol that stands as an index on an array with a shape.

    Raises WrongIndex if one index, free or bound by a sum, would have to run to two different sizes
    of arrays, or leaves an array whose size is a number.
    """
    uses, ranges = uses_in(*exprs), {}
    sizes = {size for _, size, *_ in uses}
    for index, size, entry, ends in uses:
        if index.is_Integer:
            if size.is_Integer and not 1 <= index <= size:
                raise WrongIndex(outside(entry, None, size))
            continue
        low, end = ends or (sp.S.One, ranges.setdefault(index, size))
        if size.is_Integer and (low < 1) == sp.true or end != size and (size < end) == sp.true:
            raise WrongIndex(outside(entry, (index, low, end), size))
        if end != size and end.is_Symbol and size.is_Symbol and end in sizes:
            raise WrongIndex(f"on {_in_words(entry)} the index {index} would run to {size}, "
                             f"but elsewhere it runs to {end}")
    return ranges


def must_not_pass(expr, table=()):
    """Raises WrongIndex for an entry such as w_{d+1}, of which nothing says what it stands for."""
    for entry, position, index, ends in stands(expr):
        if (entry.base.shape and not index.is_Atom and entry.base not in table
                and not index.free_symbols & ends.keys()):
            with evaluate(True):
                size = entry.base.shape[position]
                if (index.doit() - size).is_positive:
                    raise WrongIndex(outside(entry, None, size))


def outside(entry, span, size, first=1):
    """In words: an entry does not exist; `span` is an index, its first and its last value."""
    if span is None:
        return (f"{_in_words(entry)} is outside of its array, "
                f"whose index runs from {first} to {size}")
    index, low, end = span
    return (f"on {_in_words(entry)} the index {index} would run from {low} to {end}, "
            f"but the array has the entries {first} to {size}")


def _in_words(entry):
    is_short = all(i.is_Atom for i in entry.indices)
    return f"{entry.base.label}_{''.join(map(str, entry.indices))}" if is_short else plain(entry)
