"""The shapes of matrices that somebody types without saying them, as in ||X w - y||^2.

By convention a capital letter is a matrix, a small one a column or a number, a Greek one a number.
What the rest is follows from the operations, as in a proof by hand: what is added has one shape,
what is multiplied meets in a size, what is asked of is one number.
"""

from itertools import chain

import sympy as sp

from derivations.symbols import indexed

SIZES = "n d m p q k r s t".split()
ONE = 1, 1


class Misfit(ValueError):
    """Shapes that do not fit together."""


class Shapes:
    """What is known of the sizes: `shape` reads a tree of `reading`, names get their sizes by it.

    Parameters
    ----------
    said : dict
        {name: its sizes}, as in {"X": ("n", "d"), "w": ("d",), "b": ()}.
    numbers : iterable of str
        Names that stand for numbers.
    """

    def __init__(self, said=(), numbers=()):
        self.said = {name: (*sizes, 1, 1)[:2] for name, sizes in dict(said).items()}
        self.of, self.same = {**dict.fromkeys(numbers, ONE), **self.said}, {}
        self.numbers, self.identities = set(numbers), []

    def size(self, one):
        while one in self.same:
            one = self.same[one]
        return one

    def now(self, shape):
        return tuple(map(self.size, shape))

    def is_known(self, size):
        return not isinstance(self.size(size), tuple)

    def meet(self, one, other):
        """Both are one size, which is what is said or 1, if it is that of either."""
        one, other = self.size(one), self.size(other)
        if one == other:
            return
        if isinstance(one, tuple):  # a size of which nothing is known is (name, which)
            self.same[one] = other
        elif isinstance(other, tuple):
            self.same[other] = one
        else:
            raise Misfit(f"{one} and {other} would be one size")

    def fit(self, one, other):
        for pair in zip(one, other):
            self.meet(*pair)
        return one

    def __str__(self):
        told = {name: self.now(shape) for name, shape in self.of.items()}
        return ", ".join(f"{name} is {rows} × {columns}" for name, (rows, columns) in told.items()
                         if (rows, columns) != ONE and not isinstance(rows, tuple))

    # the shape of each kind of node

    def shape(self, tree):
        kind, *parts = tree
        return getattr(self, kind)(*parts)

    def name(self, name):
        if name in ("pi", "e") and name not in self.of:
            return ONE
        if name not in self.of:
            columns = (name, "columns") if name[0].isupper() else 1
            self.of[name] = (name, "rows"), columns
        return self.of[name]

    def number(self, text):
        return ONE

    def identity(self, key):
        self.identities.append(("identity", key))
        return (self.identities[-1],) * 2

    def minus(self, tree):
        return self.shape(tree)

    def add(self, one, other):
        return self.fit(self.shape(one), self.shape(other))

    entrywise = add

    def times(self, one, other, beside=None):
        one, other = self.shape(one), self.shape(other)
        if self.now(one) == ONE:
            return other
        if self.now(other) == ONE:
            return one
        if self.size(one[1]) == 1 != self.size(other[0]):  # a column before what is no row
            self.fit(one, ONE)
            return other
        self.meet(one[1], other[0])
        return one[0], other[1]

    matmul = times

    def transposed(self, tree):
        return self.shape(tree)[::-1]

    def norm(self, tree, which):
        self.shape(tree)
        return ONE

    def over(self, one, other):
        self.fit(self.shape(other), ONE)
        return self.shape(one)

    def power(self, base, exponent):
        base = self.shape(base)
        self.fit(self.shape(exponent), ONE)
        if self.size(base[1]) == 1:
            return self.fit(base, ONE)
        self.meet(*base)
        return base

    def call(self, name, arguments):
        first, *others = map(self.shape, arguments)
        for other in others:
            self.fit(first, other)
        if name in ("tr", "Tr", "trace"):
            self.meet(*first)
            return ONE
        return first[::-1] if name == "transpose" else first

    # what is made of it

    def settle(self):
        """What is not known so far is a size of its own, with a letter that is not taken."""
        taken = self.of.keys() | set(chain(*self.said.values()))
        letters = (letter for letter in SIZES if letter not in taken)
        pairs = sorted(self.of.items(), key=lambda pair: not pair[0][0].isupper())
        for name, shape in pairs:
            told = name in self.said or name in self.numbers
            if name[0].isupper() and not told and 1 in self.now(shape):
                raise Misfit(f"{name} would have one row or column only")
        for size in chain(*(shape for _, shape in pairs), self.identities):
            if not self.is_known(size):
                self.same[self.size(size)] = next(letters)

    def made(self):
        """The symbol or the matrix of each name; the n in 1/n is the size of that name."""
        counts = set(chain(*self.said.values()))
        for name, shape in self.of.items():
            sizes = [sp.Symbol(size, integer=True, positive=True) if isinstance(size, str)
                     else sp.Integer(size) for size in self.now(shape)]
            kind = {"integer": True, "positive": True} if name in counts else {"real": True}
            yield (sp.Symbol(name, **kind) if self.now(shape) == ONE
                   else sp.MatrixSymbol(name, *sizes))


def entries_of(matrix):
    """The array of the entries of a matrix symbol, of the same name; a column has one index."""
    rows, columns = matrix.shape
    return indexed(matrix.name, *((rows,) if columns == 1 else (rows, columns)))
