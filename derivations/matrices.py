"""Matrix expressions by the entries of their matrices: scalars with indexed sums, for any sizes.

What an entry of a product, a power, a transpose and the like is, SymPy says, which counts from 0.
"""

from functools import lru_cache
from itertools import pairwise

import sympy as sp
from sympy import evaluate
from sympy.matrices.expressions.matexpr import MatrixElement

from derivations.definitions import fresh
from derivations.errors import Undecided, WrongIndex
from derivations.printing import counted_from_one, plain
from derivations.rewriting import kronecker
from derivations.symbols import Gradient, Partial, bound_letter, rank_of

LARGEST_POWER, LARGEST_MATRIX = 12, 4  # the latter is written out


def entry(matrix, row, column, entries):
    """Entry (row, column) of a matrix expression; a number is its own.

    `entries` maps each matrix symbol to its array of entries. Raises Undecided for an operation
    without a rule, WrongIndex for shapes that do not fit.
    """
    is_matrix = isinstance(matrix, sp.MatrixExpr)
    if not is_matrix and not matrix.has(sp.MatrixExpr):
        return matrix
    with evaluate(True):
        for part in sp.preorder_traversal(matrix):
            _must_fit(part)
        matrix = matrix.replace(sp.MatPow, _as_product)
        number = _at(matrix, row - 1, column - 1) if is_matrix else matrix
        number = _by_entries(number, entries)
        return fresh(number, rank_of(number))


@lru_cache(maxsize=1_000)
def _at(m, i, j):
    """m[i, j], whose sums are not written out, and counted from 1."""
    return m._entry(i, j, expand=False).replace(sp.Sum, _counted_from_one)  # noqa: SLF001


def _counted_from_one(body, *limits):
    counted, rank = [i for i, low, high in limits if low != high], 1 + rank_of(body)
    letters = {i: bound_letter("m", None, place) for place, i in enumerate(counted, rank)}
    body = body.xreplace({i: letters[i] - 1 if i in letters else low for i, low, _ in limits})
    limits = [(letters[i], low + 1, high + 1) for i, low, high in limits if i in letters]
    return sp.Sum(body, *limits) if limits else body


def _must_fit(m):
    if isinstance(m, (sp.MatAdd, sp.HadamardProduct)) and len({a.shape for a in m.args}) > 1:
        raise WrongIndex(f"the shapes {' and '.join(str(a.shape) for a in m.args)} "
                         "are not the same")
    factors = [f for f in m.args if isinstance(f, sp.MatrixExpr)] if m.is_MatMul else []
    for one, other in pairwise(factors):
        if one.shape[1] != other.shape[0]:
            raise WrongIndex(f"a matrix of shape {one.shape} cannot multiply "
                             f"one of shape {other.shape}")


def _as_product(base, exponent):
    if exponent.is_Integer and exponent < 0 and _is_small(base):  # by its cofactors
        return _as_product(base.as_explicit().adjugate() / _determinant(base), -exponent)
    if not (exponent.is_Integer and 0 <= exponent <= LARGEST_POWER):
        power = sp.MatPow(base, exponent)
        raise Undecided(f"{plain(power)} has no entries that can be written as sums: state what it "
                        "is multiplied with, as in A B = I, or its entries as symbols of their own")
    return sp.MatMul(*[base] * int(exponent)) if exponent else sp.Identity(base.shape[0])


def _is_small(m):
    return m.shape[0].is_Integer and m.shape[0] <= LARGEST_MATRIX


def _determinant(m):
    if not _is_small(m):
        raise Undecided(f"{plain(sp.Determinant(m))} is no sum over entries for every size: write "
                        "it out for one, as in A_11 A_22 - A_12 A_21")
    return m.as_explicit().det(method="berkowitz")


def _by_entries(e, entries):
    """A number with matrices in it, as a trace or the one entry of uᵀ A u."""
    if isinstance(e, MatrixElement):
        return _entry(e.parent, e.i, e.j, entries)
    if isinstance(e, sp.Trace):
        index, last = sp.Dummy(integer=True), e.arg.shape[0] - 1
        diagonal = _counted_from_one(_at(e.arg, index, index), (index, sp.S.Zero, last))
        return _by_entries(diagonal, entries)
    if isinstance(e, sp.KroneckerDelta):
        return kronecker(e.args[0] - e.args[1], 0)
    if isinstance(e, (sp.Indexed, sp.IndexedBase)) or not e.has(sp.MatrixExpr, sp.KroneckerDelta):
        return e
    if isinstance(e, sp.Determinant):
        return _by_entries(_determinant(e.arg), entries)
    if isinstance(e, sp.MatrixExpr):
        raise Undecided(f"there is no rule for {type(e).__name__} in a number: "
                        "write Sum and entries instead")
    e = counted_from_one(e) if isinstance(e, (sp.Sum, sp.Product)) else e
    return e.func(*(_by_entries(a, entries) for a in e.args))


def _entry(m, i, j, entries):
    """Entry (i, j), counted from 0, of what SymPy leaves as it stands."""
    if m in entries:
        return entries[m][(i + 1, j + 1)[:len(entries[m].shape)]]
    if isinstance(m, sp.MatrixSymbol):
        raise ValueError(f"the entries of {m} are not known: "
                         f"give Entries({m}, ...) to the derivation")
    if isinstance(m, sp.MatrixBase):
        return sp.Add(*(kronecker(i - p, 0) * kronecker(j - q, 0) * _by_entries(m[p, q], entries)
                        for p in range(m.rows) for q in range(m.cols)))
    if isinstance(m, Gradient):
        return Partial(_by_entries(m.expr, entries), _by_entries(_at(m.vector, i, j), entries))
    known = _at(m, i, j)
    if isinstance(known, MatrixElement) and known.parent == m:
        raise Undecided(f"there is no rule for the entries of {type(m).__name__}: "
                        "define the numbers in it by sums over entries")
    return _by_entries(known, entries)
