"""Is this expression exactly zero, for all sizes and all values?

The decision is a normal form. An expression is expanded into monomials; a monomial is a product of powers of atoms under a
set of bound indices, as in sum_i sum_j w_j x_ij x_ik. Atoms are symbols, entries, function values and the inverse of
whatever is not a monomial; they count as independent generators. Kronecker deltas are summed away, exponentials of sums are
split, like terms are collected and composite denominators are multiplied out. Every step is an identity, so "nothing is
left" is a proof, for arbitrary n and d and for an undefined activation. If something is left, equality is only *not shown*:
the caller looks for a counterexample, and what is neither proved nor refuted is a failure.
"""

import re
from itertools import permutations
from math import comb

import sympy as sp
from sympy import evaluate
from sympy.core.function import Application

from derivations.errors import Undecided, WrongIndex
from derivations.symbols import Partial, formula, sigmoid

EXPLICIT = 24     # a sum between two integers is written out up to this many terms
LONGEST = 2_000   # a power of a sum is written out up to this many terms


def is_zero(expr, ranges=None):
    """True if the resolved expression is shown to be zero, False if the normal form leaves something over.

    `ranges` maps a free index to its last value (the first is 1); `index_ranges` reads them off the shapes of arrays.
    Raises Undecided for floats, infinities and for what is no scalar.
    """
    with evaluate(True):
        expr = formula(expr)
        must_be_exact(expr)
        ranges = {**index_ranges(expr), **(ranges or {})}
        if not expr.has(sp.exp, sp.tanh) and NormalForm(ranges).vanishes(expr):
            return True
        return expr.has(sp.exp, sp.tanh, sigmoid) and NormalForm(ranges).vanishes(_in_exponentials(expr))


def must_be_exact(*exprs):
    """Raises Undecided for floats and for infinities: they cancel where the numbers meant do not."""
    for expr in exprs:
        if expr.has(sp.Float):
            raise Undecided(f"{min(map(str, expr.atoms(sp.Float)))} is a float, which is not exact: write Rational(1, 2) or x/2")
        if expr.has(sp.oo, -sp.oo, sp.zoo, sp.nan):
            raise Undecided("it is infinite or divides by zero")
        if not expr.is_Matrix and expr.is_commutative is False:
            loose = min(str(s) for s in expr.free_symbols if s.is_commutative is False)
            raise Undecided(f"{loose} does not commute: write MatrixSymbol for a matrix, and its entries by Entries")


def index_ranges(*exprs):
    """{index: last value} for every free symbol that stands as an index on an array with a shape.

    Raises WrongIndex if one index, free or bound by a sum, would have to run to two different sizes of arrays, or
    leaves an array whose size is a number.
    """
    uses, ranges = [use for expr in exprs for use in _uses(expr, {})], {}
    sizes = {size for _, size, _, _ in uses}
    for index, size, entry, end in uses:
        if index.is_Integer:
            if size.is_Integer and not 1 <= index <= size:
                raise WrongIndex(f"{_entry_name(entry)} is outside of its array, whose index runs from 1 to {size}")
            continue
        low, end = end or (sp.S.One, ranges.setdefault(index, size))
        if size.is_Integer and (low < 1) == sp.true or (size < end) == sp.true:
            raise WrongIndex(f"on {_entry_name(entry)} the index {index} would run from {low} to {end}, "
                             f"but the array has the entries 1 to {size}")
        if end != size and end.is_Symbol and size.is_Symbol and end in sizes:
            raise WrongIndex(f"on {_entry_name(entry)} the index {index} would run to {size}, "
                                 f"but elsewhere it runs to {end}")
    return ranges


def _uses(expr, bound):
    """(index, size of the array there, entry, ends of the sum that binds the index or None)."""
    if isinstance(expr, sp.Indexed):
        for index, size in zip(expr.indices, expr.base.shape or ()):
            if index.is_Integer or index.is_Symbol and index != size:
                yield index, size, expr, bound.get(index)
        return
    if isinstance(expr, (sp.Sum, sp.Product)):
        bound = {**bound, **{index: (low, high) for index, low, high in expr.limits}}
    for part in expr.args:
        yield from _uses(part, bound)


def _entry_name(entry):
    return f"{entry.base.label}_{''.join(map(str, entry.indices))}"


def _in_exponentials(expr):
    """One generator instead of three: where exp occurs, sigmoid and tanh are written in it as well."""
    expr = expr.replace(sigmoid, lambda z: 1 / (1 + sp.exp(-z)))
    return expr.replace(sp.tanh, lambda z: 1 - 2 / (sp.exp(2 * z) + 1))


ONE = ((), ())  # the monomial without bounds and without factors


class NormalForm:
    """Polynomials {monomial: coefficient}; a monomial is (bounds, powers), bounds a tuple of (index, low, high), powers a
    tuple of (atom, exponent). The bound indices carry standard names, so equal monomials are equal keys."""

    def __init__(self, ranges):
        self.ranges, self.letters = ranges, {}
        self.known = {}     # expression -> polynomial: the same activations come again and again in a written-out network

    def vanishes(self, expr):
        """Is nothing left of a scalar, once denominators are cleared, also those under a sum?"""
        try:
            left = self.clear_denominators(self.poly(expr))
        except RecursionError:
            raise Undecided("it does not come to rest in a normal form") from None
        inside = {}
        for (bounds, powers), c in left.items():
            letters = {b[0]: self.letter(position) for position, b in enumerate(bounds)}
            term = self.tidy([], [(a.xreplace(letters), k) for a, k in powers], c)
            ends = tuple(b[1:] for b in bounds)
            inside[ends] = self.add([inside.get(ends, {}), term])
        if len(inside) == 2 and () in inside:
            (ends, terms), constant = next(item for item in inside.items() if item[0]), inside.pop(())
            counts = [self.integer_power(self.count(*e), -1) for e in ends]
            inside[ends] = self.add([terms, self.product([constant, *counts])])
        return all(not self.clear_denominators(terms) for terms in inside.values())

    def letter(self, position):
        """The free letter in which the terms under sums with the same ends are compared: one that nobody else has."""
        return self.letters.setdefault(position, sp.Dummy(integer=True))

    def poly(self, e):
        if e not in self.known:
            self.known[e] = self.expanded(e)
        return self.known[e]

    def expanded(self, e):
        if e.is_Rational:
            return {ONE: e} if e != 0 else {}
        if e.is_Add:
            return self.add(map(self.poly, e.args))
        if e.is_Mul:
            return self.product(map(self.poly, e.args))
        if isinstance(e, sp.exp):
            return self.exponential(e.args[0])
        if isinstance(e, sp.log):
            return self.logarithm(e.args[0])
        if e.is_Pow:
            return self.power(e.base, e.exp)
        if isinstance(e, sp.Sum):
            return self.sum(e)
        if e.is_Symbol or isinstance(e, (sp.Indexed, sp.NumberSymbol, Partial)) or _is_delta(e):
            return _single(e)
        if not isinstance(e, Application):
            raise Undecided(f"{e} is not an exact number, a symbol or a function of them")
        atom = e.func(*(self.expression(self.poly(a)) for a in e.args))
        return _single(atom) if atom.func == e.func else self.poly(atom)

    def expression(self, poly):
        """The polynomial as a SymPy expression again: the canonical argument of a function or a denominator."""
        terms = [c * sp.Sum(_times(powers), *bounds) if bounds else c * _times(powers)
                 for (bounds, powers), c in poly.items()]
        return sp.Add(*terms)

    # sums and products of polynomials

    def add(self, polys):
        total = {}
        for poly in polys:
            for monomial, c in poly.items():
                total[monomial] = total.get(monomial, 0) + c
        return {monomial: c for monomial, c in total.items() if c != 0}

    def product(self, polys):
        result = {ONE: sp.S.One}
        for poly in polys:
            result = self.add(self.join(m1, m2, c1 * c2) for m1, c1 in result.items() for m2, c2 in poly.items())
        return result

    def join(self, first, second, coefficient):
        """The product of two monomials. Bound indices are renamed, lest the two sums become one."""
        if first == ONE or second == ONE:
            return {second if first == ONE else first: coefficient}
        (bounds1, powers1), (bounds2, powers2) = _apart(first), _apart(second)
        return self.tidy(bounds1 + bounds2, powers1 + powers2, coefficient)

    def tidy(self, bounds, powers, coefficient):
        """Sum away what can be summed: a delta picks one term, and a constant is counted high - low + 1 times."""
        powers = _collected(powers)
        for atom in filter(_is_delta, list(powers)):
            for index, other in (atom.args, atom.args[::-1]):
                bound = next((b for b in bounds if b[0] == index), None)
                if bound and self.within(other, bound, bounds):
                    del powers[atom]
                    return self.rebuild([b for b in bounds if b != bound], powers, coefficient, {index: other})
            if not any(b[0] in atom.free_symbols for b in bounds) and _has_twin(atom, powers):
                return self.one_name(atom, bounds, powers, coefficient)
        for bound in bounds:
            if not any(bound[0] in a.free_symbols for a in powers):
                count = self.count(*bound[1:])
                rest = self.tidy([b for b in bounds if b != bound], powers.items(), coefficient)
                return self.product([count, rest])
        return {_named(bounds, powers): coefficient}

    def one_name(self, delta, bounds, powers, coefficient):
        """delta_kl p_l is delta_kl p_k: beside a delta of two free indices only the first one stays."""
        rest = {a: k for a, k in powers.items() if a != delta}
        keep, drop = delta.args
        return self.product([_single(delta), self.rebuild(bounds, rest, coefficient, {drop: keep})])

    def count(self, low, high):
        """How many terms a sum has. A sum to n - 5 has no -4 terms when n = 1, so it is left alone."""
        if (high - low).is_integer and (high - low + 1).is_nonnegative:
            return self.poly(high - low + 1)
        raise Undecided(f"it is not known how many terms a sum from {low} to {high} has")

    def rebuild(self, bounds, powers, coefficient, swap):
        """After one index has taken another's place, every factor is brought to normal form anew."""
        inner = self.product(self.poly((a**k).xreplace(swap)) for a, k in powers.items())
        result = {}
        for monomial, c in inner.items():
            own, factors = _apart(monomial)
            result = self.add([result, self.tidy(own + list(bounds), factors, c * coefficient)])
        return result

    def within(self, other, bound, bounds):
        """Does the other index of a delta run within the limits of this sum?"""
        index, low, high = bound
        if other.is_Integer and low.is_Integer:
            return bool(low <= other and (high - other).is_nonnegative)
        return any(b[0] == other and b[1:] == (low, high) for b in bounds) or (low == 1 and self.ranges.get(other) == high)

    # powers

    def exponential(self, exponent):
        """exp(c m + ...) is the product of the generators exp(m/q) to the powers p, with c = p/q."""
        return self.product(self.generator(sp.E, m, c) for m, c in self.poly(exponent).items())

    def generator(self, base, monomial, c):
        """base**(c m), as the p-th power of base**(m/q). SymPy may know more of it, as that sqrt(4) is 2."""
        exponent = self.expression({monomial: sp.Rational(1, c.q)})
        atom = sp.exp(exponent) if base is sp.E else sp.Pow(base, exponent)
        if atom.args == (base, exponent) or isinstance(atom, sp.exp):
            return _single(atom, int(c.p))
        return self.integer_power(self.poly(atom), int(c.p))

    def power(self, base, exponent):
        base = self.poly(base)
        if exponent.is_Integer:
            return self.integer_power(base, int(exponent))
        root = self.expression(base)
        return self.product(
            self.integer_power(base, int(c)) if m == ONE and c.is_Integer
            else self.generator(root, m, c) for m, c in self.poly(exponent).items())

    def integer_power(self, base, k):
        if len(base) == 1:
            (bounds, powers), c = next(iter(base.items()))
            if not bounds and not any(_is_delta(a) for a, _ in powers):
                return {((), tuple((a, k * own) for a, own in powers if k)): c**k}
        if k >= 0:
            if comb(len(base) + k - 1, k) > LONGEST:
                raise Undecided(f"the power {k} of {len(base)} terms is too long to be written out")
            return self.product([base] * k)
        hidden = any(k < 0 and _is_composite(a) for _, powers in base for a, k in powers) and not self.clear_denominators(base)
        if not base or hidden or any(_is_delta(a) for _, powers in base for a, _ in powers):
            raise Undecided("it divides by zero, or by a Kronecker delta")
        return _single(self.expression(base), k)

    # logarithms

    def logarithm(self, a):
        """log(p r) = log p + log r wherever p is positive, whatever r is: each factor shown positive stands apart."""
        if isinstance(a, sp.Product):
            positive = self.is_positive(self.poly(a.function))
            return self.poly(sp.Sum(sp.log(a.function), *a.limits)) if positive else _single(sp.log(a))
        return self.log_of(self.poly(a))

    def log_of(self, poly):
        """Positive denominators, and the positive generators that all terms share, stand apart; the rest is an atom."""
        logs = []
        for atom in filter(self.positive_atom, self.denominators(poly)):
            k = max(-dict(powers).get(atom, 0) for _, powers in poly)
            poly = self.add(self.times_denominator(m, c, atom, k) for m, c in poly.items())
            logs.append(self.times(-k, self.log_of(self.poly(atom))))
        for atom in filter(self.positive_atom, self.shared(poly)):
            k = min(dict(powers).get(atom, 0) for _, powers in poly)
            poly = self.product([poly, _single(atom, -k)])
            logs.append(self.times(k, self.log_of_atom(atom)))
        rest = sp.log(self.expression(poly))
        return self.add([*logs, _single(rest) if isinstance(rest, sp.log) else self.poly(rest)])

    def log_of_atom(self, atom):
        if isinstance(atom, sp.exp):
            return self.poly(atom.args[0])
        return self.product([self.poly(atom.exp), self.log_of(self.poly(atom.base))]) if atom.is_Pow else _single(sp.log(atom))

    def times(self, k, poly):
        return self.product([{ONE: sp.Integer(k)}, poly]) if k else {}

    def denominators(self, poly):
        """The composite denominators that no sum binds."""
        bound = {b[0] for bounds, _ in poly for b in bounds}
        below = {a for _, powers in poly for a, k in powers if k < 0 and _is_composite(a) and not bound & a.free_symbols}
        return sorted(below, key=sp.default_sort_key)

    def shared(self, poly):
        """The generators that no sum binds, and that are left in some power when taken out of all terms."""
        bound = {b[0] for bounds, _ in poly for b in bounds}
        atoms = {a for _, powers in poly for a, _ in powers if not _is_composite(a) and not bound & a.free_symbols}
        return [a for a in sorted(atoms, key=sp.default_sort_key) if min(dict(p).get(a, 0) for _, p in poly)]

    def is_positive(self, poly):
        """Is it positive for all real values of its symbols, once denominators are cleared? False means "not shown"."""
        if any(_is_composite(a) and k < 0 and not self.positive_atom(a) for _, powers in poly for a, k in powers):
            return False
        poly = self.clear_denominators(poly)
        terms = [(bound, power) for bounds, powers in poly for bound in bounds or [None] for power in powers]
        runs = all(bound is None or (bound[1] == 1 and bound[2].is_positive) for bound, _ in terms)
        return bool(poly) and runs and min(poly.values()) > 0 and all(self.positive_atom(atom) for _, (atom, _) in terms)

    def positive_atom(self, atom):
        if atom.is_Pow and not isinstance(atom, sp.exp):
            return bool(atom.exp.is_real) and self.is_positive(self.poly(atom.base))
        return self.is_positive(self.poly(atom)) if _is_composite(atom) else bool(atom.is_positive)

    # sums

    def sum(self, e):
        index, low, high = e.limits[-1]
        body = sp.Sum(e.function, *e.limits[:-1]) if len(e.limits) > 1 else e.function
        if (high - low).is_Integer and high - low < EXPLICIT:
            return self.add(self.poly(body.xreplace({index: low + t})) for t in range(int(high - low) + 1))
        inner = sp.Dummy(integer=True, positive=low.is_positive or None)  # not False: that is "never positive"
        poly = self.poly(body.xreplace({index: inner}))
        if any(inner in limit.free_symbols for bounds, _ in poly for _, *limits in bounds for limit in limits):
            raise Undecided("a sum whose limits depend on another index")
        return self.add(self.under(m, c, (inner, low, high)) for m, c in poly.items())

    def under(self, monomial, coefficient, bound):
        bounds, powers = _apart(monomial)
        return self.tidy([*bounds, bound], powers, coefficient)

    # denominators

    def clear_denominators(self, poly):
        """Multiply by every composite denominator, one after the other: a fraction is zero if its numerator is."""
        while poly:
            bound = {b[0] for bounds, _ in poly for b in bounds}
            below = {a for _, powers in poly for a, k in powers if k < 0 and _is_composite(a)}
            below = [a for a in below if not bound & a.free_symbols]
            if not below:
                break
            atom = min(below, key=sp.default_sort_key)
            highest = max(-dict(powers).get(atom, 0) for _, powers in poly)
            poly = self.add(self.times_denominator(m, c, atom, highest) for m, c in poly.items())
        return poly

    def times_denominator(self, monomial, coefficient, atom, highest):
        bounds, powers = _apart(monomial)
        have = dict(powers).get(atom, 0)
        rest = self.tidy(bounds, [p for p in powers if p[0] != atom], coefficient)
        return self.product([rest, self.integer_power(self.poly(atom), highest + have)])


def _is_delta(atom):
    return isinstance(atom, sp.KroneckerDelta) and len(atom.args) == 2


def _has_twin(delta, powers):
    return any(a != delta and delta.args[1] in a.free_symbols for a in powers)


def _is_composite(atom):
    return atom.is_Add or atom.is_Mul or isinstance(atom, sp.Sum)


def _single(atom, k=1):
    return {((), ((atom, k),)): sp.S.One}


def _times(powers):
    return sp.Mul(*(atom**k for atom, k in powers))


def _collected(powers):
    """Equal atoms joined into one power; numbers cannot occur; a delta is its own square."""
    total = {}
    for atom, k in powers:
        total[atom] = 1 if _is_delta(atom) else total.get(atom, 0) + k
    return {atom: k for atom, k in total.items() if k != 0}


def _apart(monomial):
    """The monomial with bound indices that occur nowhere else."""
    bounds, powers = monomial
    names = {b[0]: sp.Dummy(integer=True) for b in bounds}
    return ([(names[i], low, high) for i, low, high in bounds], tuple((a.xreplace(names), k) for a, k in powers))


def _named(bounds, powers):
    """The monomial with standard names for its bound indices: of all orders, the one that comes first as text."""
    if not bounds:
        return (), tuple(sorted(powers.items(), key=lambda p: sp.default_sort_key(p[0])))
    height = 1 + max((_height(s) for a in powers for s in a.atoms(sp.Symbol)), default=0)
    standard = [sp.Symbol(f"_{height}_{position}", integer=True) for position in range(len(bounds))]
    return min((_rename(order, standard, powers) for order in permutations(bounds)), key=str)


def _rename(order, standard, powers):
    names = {old[0]: new for old, new in zip(order, standard)}
    renamed = sorted(((a.xreplace(names), k) for a, k in powers.items()), key=lambda p: sp.default_sort_key(p[0]))
    return tuple((names[i], low, high) for i, low, high in order), tuple(renamed)


def _height(symbol):
    """Standard names of sums inside an atom must not be taken again by the sum around it."""
    standard = re.fullmatch(r"_(\d+)_\d+", symbol.name)
    return int(standard[1]) if standard else 0
