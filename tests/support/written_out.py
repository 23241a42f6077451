"""The truth about a formula, found without the engine: every size is a number, every sum is written
out, every unknown function is some polynomial, SymPy differentiates, and numbers are put in.

Nothing here calls `resolve`, `is_zero`, `entry` or `Evaluation`: of the engine it knows only the
words of formulas.
"""

from itertools import product
from random import Random

import sympy as sp
from sympy import evaluate

from derivations.definitions import Depends
from derivations.symbols import Activation, Gradient, Partial, base_of, sigmoid

T = sp.Dummy("t")
# no fixed difference: with N = B + 1, B (N - B) would be N - 1
SIZES = [(2, 5, 3, 4), (5, 3, 4, 2), (3, 2, 5, 4)]
PLACES = 3  # places of the free indices that are tried for each choice of sizes and numbers


class Senseless(Exception):
    """The formula has no value for explicit sizes: an index runs out of its array, shapes do not
    fit."""


class WrittenOut:
    """The formulas of one derivation at one choice of sizes and numbers, which depend on `seed` and
    the names only."""

    def __init__(self, table, entries, seed):
        self.table, self.entries, self.seed = table, entries, seed
        self.sizes, self.free, self.opened = {}, {}, {}

    def agree(self, first, second):
        """Have the two the same shape, and the same values in all entries, at up to PLACES places
        of their free indices?"""
        if len({e.shape if isinstance(e, sp.MatrixExpr) else () for e in (first, second)}) > 1:
            return False
        with evaluate(True):
            free = free_indices(first, second)
            places = list(product(*(range(1, self.size(end) + 1) for end in free.values())))
            chosen = Random(self.seed).sample(places, min(PLACES, len(places)))
            return all(self.same(first, second, dict(zip(free, map(sp.Integer, place))))
                       for place in chosen)

    def same(self, first, second, at):
        self.free, self.opened = at, {}
        a, b = (self.numbers(self.explicit(e, at, frozenset())) for e in (first, second))
        return len(a) == len(b) and all(_near(p, q) for p, q in zip(a, b))

    def size(self, end):
        """A number for a size. The first four that are asked for are all different, and none is
        1."""
        if end.is_Integer:
            return int(end)
        if end.is_Symbol:
            order = SIZES[self.seed % len(SIZES)]
            return self.sizes.setdefault(end, order[len(self.sizes) % len(order)])
        return int(end.xreplace({s: sp.Integer(self.size(s)) for s in end.free_symbols}))

    def draw(self, *name):
        # in (0, 1): all logarithms are real
        return sp.Rational(Random(f"{self.seed} {name}").randint(5, 90), 97)

    def numbers(self, explicit):
        entries = list(explicit) if isinstance(explicit, sp.MatrixBase) else [explicit]
        values = [e if e.is_Rational else sp.N(e, 30) for e in entries]
        if not all(v.is_number and v.is_finite for v in values):
            raise Senseless("it is infinite or undefined")
        return values

    # writing out; `at` holds the values of indices, `closed` what is being differentiated by: it
    # stays a symbol

    def explicit(self, e, at, closed):
        """The formula as a number, or as a function of the symbols that are closed."""
        if e in at:
            return at[e]
        rule = next((r for kind, r in RULES.items() if isinstance(e, kind)), None)
        if rule:
            return rule(self, e, at, closed)
        if isinstance(e, sp.MatrixExpr):
            return self.matrix(e, at, closed)
        return e.func(*(self.explicit(a, at, closed) for a in e.args)) if e.args else e

    def symbol(self, e, at, closed):
        if e in self.sizes or (e.is_integer and e.is_positive and e not in self.table):
            return sp.Integer(self.size(e))
        return self.value(e, (), closed)

    def entry(self, e, at, closed):
        return self.value(e.base, self.indices(e, at, closed), closed)

    def indices(self, e, at, closed):
        indices = tuple(int(self.explicit(i, at, closed)) for i in getattr(e, "indices", ()))
        for index, end in zip(indices, getattr(base_of(e), "shape", None) or indices):
            if not 1 <= index <= self.size(sp.sympify(end)):
                raise Senseless(f"{e} at {indices}")
        return indices

    def value(self, base, indices, closed):
        """A closed symbol itself, what a defined name stands for, or a number."""
        if (base, indices) in closed:
            return _named(base, indices)
        if base not in self.table:
            return self.draw(str(base), indices)
        key = (base, indices, closed)
        if key not in self.opened:
            self.opened[key] = self.open(self.table[base], indices, closed)
        return self.opened[key]

    def open(self, definition, indices, closed):
        """What a name stands for; an unknown function is a polynomial of what it depends on."""
        at = {**self.free, **dict(zip(definition.indices, map(sp.Integer, indices)))}
        if not isinstance(definition, Depends):
            return self.explicit(definition.body, at, closed)
        counts = [range(1, self.size(high) + 1) for _, _, high in definition.limits]
        letters = [letter for letter, _, _ in definition.limits]
        values = [self.explicit(definition.pattern,
                                {**at, **dict(zip(letters, map(sp.Integer, place)))}, closed)
                  for place in product(*counts)]
        c = [self.draw(str(definition.name), indices, position) for position in range(len(values))]
        return sum(ck*v + (1 - ck)*v**2/3 for ck, v in zip(c, values)) + sum(values)**2/7

    def sum(self, e, at, closed):
        (index, low, high), *rest = e.limits[::-1]
        body = e.func(e.function, *rest[::-1]) if rest else e.function
        ends = [int(self.explicit(limit, at, closed)) for limit in (low, high)]
        terms = [self.explicit(body, {**at, index: sp.Integer(v)}, closed)
                 for v in range(ends[0], ends[1] + 1)]
        return sp.Add(*terms) if isinstance(e, sp.Sum) else sp.Mul(*terms)

    def partial(self, e, at, closed):
        base, indices = base_of(e.variable), self.indices(e.variable, at, closed)
        variable = _named(base, indices)
        slope = self.explicit(e.expr, at, closed | {(base, indices)}).diff(variable)
        return slope.xreplace({variable: self.value(base, indices, closed)})

    def activation(self, e, at, closed):
        function = sum(self.draw(e.stem, power)*T**power for power in range(5))
        return sp.diff(function, T, e.order).xreplace({T: self.explicit(e.args[0], at, closed)})

    def sigmoid(self, e, at, closed):
        return 1/(1 + sp.exp(-self.explicit(e.args[0], at, closed)))

    def delta(self, e, at, closed):
        first, second = (self.explicit(i, at, closed) for i in e.args[:2])
        return sp.Integer(int(first == second))

    # matrices

    def matrix(self, e, at, closed):
        if isinstance(e, sp.MatrixSymbol):
            array = self.entries[e]
            return sp.Matrix(*map(self.size, e.shape), lambda r, c: self.explicit(
                array[(r + 1, c + 1)[:len(array.shape)]], at, closed))
        if isinstance(e, Gradient):
            array = self.entries[e.vector]
            return sp.Matrix(*map(self.size, e.shape), lambda r, c: self.explicit(
                Partial(e.expr, array[(r + 1, c + 1)[:len(array.shape)]]), at, closed))
        parts = [self.explicit(a, at, closed) for a in e.args]
        try:
            return self.combined(e, parts)
        except sp.ShapeError as error:
            raise Senseless(str(error)) from error

    def combined(self, e, parts):
        result = parts[0]
        if isinstance(e, sp.Transpose):
            return result.T
        for part in parts[1:]:
            if isinstance(e, sp.HadamardProduct):
                result = result.multiply_elementwise(part)
            else:
                result = result + part if isinstance(e, sp.MatAdd) else result * part
        return result


RULES = {
    sp.Symbol: WrittenOut.symbol, sp.Indexed: WrittenOut.entry, sp.Sum: WrittenOut.sum,
    sp.Product: WrittenOut.sum,
    Partial: WrittenOut.partial, Activation: WrittenOut.activation, sigmoid: WrittenOut.sigmoid,
    sp.KroneckerDelta: WrittenOut.delta,
}


def _named(base, indices):
    return sp.Symbol(f"{base} {indices}", real=True)


def free_indices(*exprs):
    """{index: its last value} for the letters that no sum binds: on arrays, or beside such a letter
    in a Kronecker delta."""
    ends, deltas = {}, []
    for expr in exprs:
        _collect(expr, frozenset(), ends, deltas)
    for first, second in deltas:
        ends.setdefault(first, ends.get(second, sp.Integer(2)))
    return dict(sorted(ends.items(), key=str))


def _collect(expr, bound, ends, deltas):
    if isinstance(expr, sp.Indexed):
        for index, end in zip(expr.indices, expr.base.shape or ()):
            if index.is_Symbol and index not in bound and not ends.get(
                index, sp.Symbol("n")).is_Integer:
                ends[index] = end if end.is_Integer else ends.get(index, end)
    if isinstance(expr, sp.KroneckerDelta):
        deltas += [pair for pair in (expr.args[:2], expr.args[1::-1])
                   if pair[0].is_Symbol and pair[0] not in bound]
    if isinstance(expr, (sp.Sum, sp.Product)):
        bound = bound | {index for index, *_ in expr.limits}
    for part in expr.args:
        _collect(part, bound, ends, deltas)


def _near(a, b):
    if a.is_Rational and b.is_Rational:
        return a == b
    return abs(sp.N(a - b, 30)) <= sp.Float(10)**-20 * max(1, abs(sp.N(a, 30)))


def equal(derivation, first, second, seeds=range(3)):
    """Are two formulas equal, written out for three choices of sizes and numbers? False also for
    what makes no sense."""
    try:
        return all(WrittenOut(derivation.table, derivation.entries, seed).agree(first, second)
                   for seed in seeds)
    except Senseless:
        return False
