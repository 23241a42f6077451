"""Matrix expressions by the entries of their matrices: scalars with indexed sums, for any sizes."""

import sympy as sp
from sympy import evaluate
from sympy.matrices.expressions import DiagMatrix, DiagonalMatrix, DiagonalOf, OneMatrix
from sympy.matrices.expressions.applyfunc import ElementwiseApplyFunction
from sympy.matrices.expressions.matexpr import MatrixElement

from derivations.definitions import fresh
from derivations.errors import Undecided, WrongIndex
from derivations.printing import counted_from_one, plain
from derivations.symbols import Gradient, Partial

LARGEST_POWER = 12


def entry(matrix, row, column, entries):
    """Entry (row, column) of a matrix expression; a number is its own.

    `entries` maps each matrix symbol to its array of entries. Raises Undecided for an operation
    without a rule, WrongIndex for shapes that do not fit.
    """
    with evaluate(True):
        opened = Opened(entries)
        is_matrix = isinstance(matrix, sp.MatrixExpr)
        return opened.entry(matrix, row, column) if is_matrix else opened.number(matrix)


class Opened:
    """Matrices, opened down to arrays of entries."""

    def __init__(self, entries):
        self.entries = entries

    def entry(self, m, r, c):
        for kind, rule in RULES:
            if isinstance(m, kind):
                return rule(self, m, r, c)
        raise Undecided(f"there is no rule for the entries of {type(m).__name__}: "
                        "define the numbers in it by sums over entries")

    def number(self, e):
        """A number with matrices in it, as a trace or the one entry of uᵀ A u."""
        if isinstance(e, sp.Trace):
            index = sp.Dummy("m", integer=True)
            return _summed(self.entry(e.arg, index, index), index, e.arg.shape[0])
        if isinstance(e, MatrixElement):
            return self.entry(e.parent, e.i + 1, e.j + 1)  # SymPy counts from 0
        if isinstance(e, (sp.Indexed, sp.IndexedBase)) or not e.has(sp.MatrixExpr):
            return e
        if isinstance(e, sp.MatrixExpr):
            raise Undecided(f"there is no rule for {type(e).__name__} in a number: "
                            "write Sum and entries instead")
        e = counted_from_one(e) if isinstance(e, (sp.Sum, sp.Product)) else e
        return e.func(*map(self.number, e.args))

    def known(self, m, r, c):
        if m not in self.entries:
            raise ValueError(f"the entries of {m} are not known: "
                             f"give Entries({m}, ...) to the derivation")
        array = self.entries[m]
        return array[r] if len(array.shape) == 1 else array[r, c]

    def explicit(self, m, r, c):
        """By cases of its row and its column."""
        return sp.Add(*(_same(r, p + 1) * _same(c, q + 1) * self.number(m[p, q])
                        for p in range(m.rows) for q in range(m.cols)))

    def entrywise(self, m, r, c):
        shapes = {a.shape for a in m.args}
        if len(shapes) > 1:
            raise WrongIndex(f"the shapes {' and '.join(str(a.shape) for a in m.args)} "
                             "are not the same")
        kind = sp.Add if isinstance(m, sp.MatAdd) else sp.Mul
        return kind(*(self.entry(a, r, c) for a in m.args))

    def product(self, factors, r, c):
        numbers = [self.number(f) for f in factors if not isinstance(f, sp.MatrixExpr)]
        first, *rest = [f for f in factors if isinstance(f, sp.MatrixExpr)]
        if not rest:
            return sp.Mul(*numbers, self.entry(first, r, c))
        if first.shape[1] != rest[0].shape[0]:
            raise WrongIndex(f"a matrix of shape {first.shape} cannot multiply "
                             f"one of shape {rest[0].shape}")
        inner = sp.Dummy("m", integer=True)
        terms = self.entry(first, r, inner) * self.product(rest, inner, c)
        return sp.Mul(*numbers, _summed(terms, inner, first.shape[1]))

    def power(self, m, r, c):
        if not (m.exp.is_Integer and 0 <= m.exp <= LARGEST_POWER):
            return self.inverse(m, r, c)
        return self.product([m.base] * int(m.exp), r, c) if m.exp else _same(r, c)

    def inverse(self, m, r, c):
        raise Undecided(f"{plain(m)} has no entries that can be written as sums: state what it is "
                        "multiplied with, as in A B = I, or its entries as symbols of their own")

    def diagonal(self, m, r, c):
        """The diagonal matrix of a vector, which stands upright or lies."""
        vector = m.args[0]
        at = (r, sp.S.One) if vector.shape[1] == 1 else (sp.S.One, r)
        return _same(r, c) * self.entry(vector, *at)


def _same(r, c):
    return sp.KroneckerDelta(r, c)


def _summed(term, index, size):
    return term.xreplace({index: sp.S.One}) if size == 1 else sp.Sum(term, (index, 1, size))


RULES = [
    (sp.MatrixSymbol, Opened.known),
    (sp.MatrixBase, Opened.explicit),
    (Gradient, lambda of, m, r, c: Partial(of.number(m.expr), of.entry(m.vector, r, c))),
    (sp.Transpose, lambda of, m, r, c: of.entry(m.arg, c, r)),
    ((sp.MatAdd, sp.HadamardProduct), Opened.entrywise),
    ((sp.MatMul, sp.Mul), lambda of, m, r, c: of.product(m.args, r, c)),
    (sp.Inverse, Opened.inverse),
    (sp.MatPow, Opened.power),
    (sp.HadamardPower, lambda of, m, r, c: of.entry(m.base, r, c) ** m.exp),
    (sp.Identity, lambda of, m, r, c: _same(r, c)),
    (sp.ZeroMatrix, lambda of, m, r, c: sp.S.Zero),
    (OneMatrix, lambda of, m, r, c: sp.S.One),
    (ElementwiseApplyFunction, lambda of, m, r, c: fresh(m.function(of.entry(m.expr, r, c)))),
    (DiagMatrix, Opened.diagonal),
    (DiagonalMatrix, lambda of, m, r, c: _same(r, c) * of.entry(m.arg, r, c)),
    (DiagonalOf, lambda of, m, r, c: of.entry(m.arg, r, r)),
]
