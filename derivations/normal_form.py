"""Is this expression exactly zero, for all sizes and all values?

The decision is a normal form. An expression is expanded into monomials; a monomial is a product of
powers of atoms under a set of bound indices, as in sum_i sum_j w_j x_ij x_ik. Atoms are symbols,
entries, function values and the inverse of whatever is not a monomial; they count as independent
generators. Kronecker deltas are summed away, exponentials of sums are split, like terms are
collected and composite denominators are multiplied out. Every step is an identity, so "nothing is
left" is a proof, for arbitrary n and d and for an undefined activation. If something is left,
equality is only *not shown*: the caller looks for a counterexample, and what is neither proved nor
refuted is a failure.
"""

from functools import lru_cache
from itertools import chain, permutations
from math import comb, lcm

import sympy as sp
from sympy import evaluate
from sympy.core.function import Application
from sympy.solvers.simplex import lpmax

from derivations.errors import Undecided
from derivations.naming import rename_apart, standard_names, with_standard_names
from derivations.places import index_ranges, limits_in, stands
from derivations.printing import plain
from derivations.rewriting import (
    EXPLICIT,
    REWRITTEN,
    Meets,
    Side,
    Step,
    in_exponentials,
    is_composite,
    is_delta,
    is_indicator,
    is_turned,
    kronecker,
    lower_power,
    power_sum,
    rate_of,
    rounded_ends,
    solved,
    solved_for,
)
from derivations.symbols import (
    Partial,
    base_of,
    bound_letter,
    formula,
    holds,
    letters_of,
    parts_in,
    rank_of,
)

LONGEST = 2_000  # a power of a sum is written out up to this many terms
SWITCHES = 6  # kinks whose two sides are looked at one by one


def is_zero(expr, ranges=None, least=None):
    """True if the resolved expression is shown to be zero, False if its normal form has terms.

    `ranges` maps a free index to its last value (the first is 1); `index_ranges` reads them off the
    shapes of arrays. `least` maps a size to what it is known to be at least; see `least_sizes`.
    Raises Undecided for floats, infinities and for what is no scalar.
    """
    with evaluate(True):
        expr = formula(expr)
        must_be_exact(expr)
        last, from_zero = {**index_ranges(expr), **(ranges or {})}, _from_zero(expr)
        spans = {i: (sp.Integer(i not in from_zero), last[i]) for i in last}
        form = _form(frozenset(spans.items()), frozenset((least or {}).items()))
        form.root = 1
        if form.vanishes(expr):
            return True
        written = in_exponentials(expr)
        return written != expr and form.vanishes(written)


@lru_cache(maxsize=8)
def _form(ranges, least):
    """One normal form for all lines whose indices run alike: they share most of their parts."""
    return NormalForm(dict(ranges), dict(least))


def _from_zero(expr):
    """The indices that may be 0, since a sum from 0 runs where they stand, as over w_0 ... w_d."""
    if not holds(expr, type(sp.S.Zero)):
        return set()
    zero = {i for i, low, _ in limits_in(expr) if low == 0} | {sp.S.Zero}
    found = [((entry.base, position), index) for entry, position, index, _ in stands(expr)]
    places = {place for place, index in found if index in zero}
    beside = [e.args for e in parts_in(expr, sp.KroneckerDelta) if zero & set(e.args)]
    return {index for place, index in found if place in places}.union(*beside)


def must_be_exact(*exprs):
    """Raises Undecided for floats and for infinities: they cancel where the numbers do not."""
    for expr in exprs:
        if holds(expr, sp.Float):
            number = min(map(str, expr.atoms(sp.Float)))
            raise Undecided(f"{number} is a float, which is not exact: write Rational(1, 2) or x/2")
        if holds(expr, *map(type, (sp.oo, -sp.oo, sp.zoo, sp.nan))):
            raise Undecided("it is infinite or divides by zero")
        if not expr.is_Matrix and expr.is_commutative is False:
            loose = min(str(s) for s in expr.free_symbols if s.is_commutative is False)
            raise Undecided(f"{loose} does not commute: write MatrixSymbol for a matrix, "
                            "and its entries by Entries")


ONE = ((), ())  # the monomial without bounds and without factors
UNIT = {ONE: sp.S.One}


def add(polys):
    total = {}
    for monomial, c in chain.from_iterable(poly.items() for poly in polys):
        total[monomial] = total.get(monomial, 0) + c
    return {monomial: c for monomial, c in total.items() if c != 0}


def times(k, poly):
    return {monomial: k * c for monomial, c in poly.items()} if k else {}


class NormalForm:
    """Polynomials {monomial: coefficient}; a monomial is (bounds, powers), bounds a tuple of
    (index, low, high), powers a tuple of (atom, exponent). The bound indices carry standard names,
    so equal monomials are equal keys."""

    def __init__(self, ranges, least=None):
        self.ranges, self.spans = ranges, {}  # the ends of free indices and of bound ones
        self.sizes = least or {}  # what they are known to be at least
        self.letters = {}  # free letters in which terms under sums with the same ends are compared
        self.root = 1  # a generator is exp(m/root), lest exp(m) and exp(m/2) count as two
        self.least_known = {}  # (whole number, expression, bounds) -> is it at least that?
        self.known = {}  # (root, expression) -> polynomial: lines share most of their parts

    def vanishes(self, expr):
        """Is nothing left of a scalar, once denominators are cleared, on each side of a kink?"""
        root = self.root
        if self.comes_to_nothing(expr):
            return True
        return root != self.root and self.comes_to_nothing(expr)  # a finer root was met on the way

    def comes_to_nothing(self, expr):
        try:
            left = self.clear_denominators(self.poly(expr))
        except RecursionError:
            raise Undecided("it does not come to rest in a normal form") from None
        below = {b[1:] for bounds, powers in left for b in bounds for a, k in powers
                 if k < 0 and is_composite(a) and b[0] in letters_of(a)}
        return not left or self.vanishes_inside(left) or (
            bool(below) and self.vanishes_inside(left, below))

    def vanishes_inside(self, poly, wanted=None):
        """Do the terms under sums with the same ends vanish, where denominators can be cleared?

        They are compared inside of all sums, or of one sum for each of the wanted ends.
        """
        inside = {}
        for (bounds, powers), c in poly.items():
            outer = bounds if wanted is None else _one_for_each(wanted, bounds, powers)
            letters = {b[0]: self.letters.setdefault(position, sp.Dummy("t", integer=True))
                       for position, b in enumerate(outer)}
            factors = _product((a.xreplace(letters), k) for a, k in powers)
            term = self.under([b for b in bounds if b not in outer], factors, c)
            ends = tuple(b[1:] for b in outer)
            inside[ends] = add([inside.get(ends, {}), term])
        if len(inside) == 2 and () in inside:
            constant, (ends,) = inside.pop(()), inside
            counts = [self.integer_power(self.count(*e), -1) for e in ends]
            inside[ends] = add([inside[ends], self.product([constant, *counts])])
        return all(self.vanishes_in_all_cases(self.clear_denominators(terms))
                   for terms in inside.values())

    def vanishes_in_all_cases(self, poly, known=()):
        """On both sides of every kink, and for each value of an index that runs to a number."""
        if not poly:
            return True
        expr = self.expression(poly)
        for letter in sorted(filter(self.is_free, expr.free_symbols), key=str):
            if letter.is_Symbol and (values := _between(*self.ends_of(letter))):
                return all(self.vanishes(expr.xreplace({letter: value})) for value in values)
        steps = sorted((step for step in expr.atoms(Step) if not step.args[0].has(Step)), key=str)
        return bool(steps) and len(known) < SWITCHES and all(
            self.vanishes_beyond(expr, steps[0], sign, known) for sign in (1, -1))

    def vanishes_beyond(self, expr, step, sign, known):
        """Is it zero where a switch has this sign, and those before it have theirs?

        A switch that is a symbol becomes a positive one.
        """
        switch = step.args[0]
        swap = {step: sp.Integer(max(sign, 0))}
        if isinstance(switch, (sp.Symbol, sp.Indexed)) and not switch.is_integer:
            swap[switch] = sign * sp.Dummy("u", positive=True)
        expr = expr.xreplace({step: swap.pop(step)}).xreplace(swap)
        known = [e.xreplace(swap) for e in (*known, sign * switch)]
        if self.contradict([self.poly(e) for e in known if not e.is_integer]):
            return True
        return self.vanishes_in_all_cases(self.clear_denominators(self.poly(expr)), known)

    def contradict(self, rows):
        """Can they not all be positive? Then nothing above 0 lies below all of them."""
        least, value = sp.Dummy(), {m: sp.Dummy() for row in rows for m in row}
        value[ONE] = sp.S.One
        sizes = [sp.Add(*(c * value[m] for m, c in row.items())) for row in rows]
        sizes += [v for m, v in value.items() if m != ONE and self.is_positive({m: sp.S.One})]
        return lpmax(least, [least <= 1, *(size >= least for size in sizes)])[0] <= 0

    def poly(self, e):
        root = self.root
        if (root, e) in self.known:
            return self.known[root, e]
        poly = self.expanded(e)
        if root == self.root:
            self.known[root, e] = poly
        return poly

    def expanded(self, e):
        if e.func in RULES:
            return RULES[e.func](self, e)
        if e.func in REWRITTEN:
            return self.poly(REWRITTEN[e.func](*e.args))
        if e.is_Rational:
            return {ONE: e} if e else {}
        if is_delta(e) and any(self.at_least(1, e.args[p] - e.args[1 - p]) for p in (0, 1)):
            return {}
        if e.is_Symbol or isinstance(e, (sp.Indexed, sp.NumberSymbol, Partial)) or is_delta(e):
            return _single(e)
        if not isinstance(e, Application):
            raise Undecided(f"{e} is not an exact number, a symbol or a function of them")
        atom = e.func(*(self.expression(self.divided(self.poly(a))) for a in e.args))
        if isinstance(atom, (sp.sin, sp.cos)):
            atom = sp.expand_trig(atom)  # the addition theorems
        return _single(atom) if atom.func == e.func else self.poly(atom)

    def expression(self, poly):
        """The polynomial as a SymPy expression again: the argument of a function, a denominator."""
        terms = ((c * sp.Mul(*(atom**k for atom, k in powers)), bounds)
                 for (bounds, powers), c in poly.items())
        return sp.Add(*(sp.Sum(term, *bounds) if bounds else term for term, bounds in terms))

    # products of polynomials

    def product(self, polys):
        result = UNIT
        for poly in polys:
            result = add(self.join(m1, m2, c1 * c2)
                         for m1, c1 in result.items() for m2, c2 in poly.items())
        return result

    def join(self, first, second, coefficient):
        """The product of two monomials. Bound indices are renamed, lest two sums become one."""
        if first == ONE or second == ONE:
            return {second if first == ONE else first: coefficient}
        free = max(rank_of(a) for a, _ in first[1] + second[1])
        bounds1, powers1 = rename_apart(first, free)
        bounds2, powers2 = rename_apart(second, free + len(bounds1))
        return self.tidy(bounds1 + bounds2, powers1 + powers2, coefficient)

    def under(self, bounds, poly, coefficient=1):
        """A polynomial summed over more indices, that may occur in it."""
        rank = max((rank_of(part) for bound in bounds for part in bound), default=0)
        terms = ((*rename_apart(monomial, rank), c * coefficient) for monomial, c in poly.items())
        return add(self.tidy([*own, *bounds], powers, c) for own, powers, c in terms)

    def tidy(self, bounds, powers, coefficient):
        """Sum away what can be: a delta picks one term, a constant is counted."""
        powers = _collected(powers)
        for atom, k in powers.items():
            if reduced := lower_power(atom, k):
                lower, whole, rest = reduced
                kept = _collected([p for p in powers.items() if p[0] != atom] + [(atom, rest)])
                factors = _product(kept.items()), self.power(lower, sp.Integer(whole))
                return self.under(bounds, self.product(factors), coefficient)
        for atom in [a for a in powers if isinstance(a, Step) and a.args[0].is_integer]:
            if self.at_least(0, -atom.args[0], bounds):
                return {}
            if self.at_least(1, atom.args[0], bounds):
                del powers[atom]
        for atom in filter(is_delta, powers):
            others = {a: k for a, k in powers.items() if a != atom}
            for bound in bounds:
                other = solved_for(atom, bound[0])
                reach = None if other is None else self.reach(other, bound, bounds)
                if reach is not None:
                    picked = self.product([self.swapped(others, bound[0], other), reach])
                    return self.under([b for b in bounds if b != bound], picked, coefficient)
            if not any(b[0] in letters_of(atom) for b in bounds):
                keep, drop = atom.args  # delta_kl p_l is delta_kl p_k: beside it only k stays
                if not letters_of(atom) & self.spans.keys():  # none that a sum further out binds
                    drop, keep = solved(atom)
                if any(drop in letters_of(a) for a in others):
                    rest = self.under(bounds, self.swapped(others, drop, keep), coefficient)
                    return self.product([_single(atom), rest])
        for bound in bounds:
            inside = {a: k for a, k in powers.items() if bound[0] in letters_of(a)}
            if (total := self.added_up(inside, *bound, bounds)) is not None:
                rest = [(a, k) for a, k in powers.items() if a not in inside]
                outside = [b for b in bounds if b != bound]
                return self.under(outside, self.product([_product(rest), total]), coefficient)
        return self.turned(with_standard_names(bounds, powers), coefficient)

    def swapped(self, powers, old, new):
        """The product of powers, after one index has taken another's place in them."""
        return self.product(self.poly((a**k).xreplace({old: new})) for a, k in powers.items())

    def turned(self, monomial, coefficient):
        """[j - i > 0] of bound indices i, j, in this order, is 1 - [i - j > 0] - [i = j]; where all
        else is the same with i and j exchanged, [i - j > 0] is half of 1 - [i = j]."""
        bounds, powers = monomial
        ends = {letter: span for letter, *span in bounds}
        for step in [a for a, _ in powers if isinstance(a, Step) and a.args[0].is_integer]:
            if not letters_of(step) <= ends.keys():
                continue
            others = [p for p in powers if p[0] != step]
            halved = self.is_half(step.args[0], others, ends)
            if halved or is_turned(step.args[0]):
                bounds, ((step, _), *others) = rename_apart((bounds, ((step, 1), *others)))
                ahead = step.args[0]
                other = 1 - kronecker(ahead, 0) - (0 if halved else Step(-ahead))
                rest = [_product(others), self.poly(other / (1 + halved))]
                return self.under(bounds, self.product(rest), coefficient)
        return {monomial: coefficient}

    @staticmethod
    def is_half(ahead, others, ends):
        """Is a step i - j, and is all else the same with i and j exchanged?"""
        letters = tuple(letters_of(ahead))
        swap = dict(zip(letters, letters[::-1]))
        return (len(letters) == 2 and ends[letters[0]] == ends[letters[1]]
                and ahead + ahead.xreplace(swap) == 0
                and {(a.xreplace(swap), k) for a, k in others} == set(others))

    def added_up(self, inside, index, low, high, bounds=()):
        """The sum over an index of what it occurs in: a constant, a power of it, a geometric
        sequence, or one of these up to another index. None if it is nothing of these."""
        if not inside:
            return self.count(low, high, bounds)
        if low != 1 or not (high.is_integer and self.at_least(0, high, bounds)):
            return None
        if steps := [a for a in inside if isinstance(a, Step) and a.args[0].is_integer]:
            rest = {a: k for a, k in inside.items() if a != steps[0]}
            return self.added_up_to(steps[0].args[0], rest, index, high, bounds)
        if list(inside) == [index] and 0 < inside[index] <= EXPLICIT:
            return self.poly(power_sum(int(inside[index]))(high))
        rates = [rate_of(a, k, index) for a, k in inside.items()]
        if None in rates:
            return None
        first = self.product(self.power(base, rate) for base, rate in rates)
        last = self.product(self.power(base, rate * high) for base, rate in rates)
        before_first, before_last = (add([poly, {ONE: -sp.S.One}]) for poly in (first, last))
        return self.product([first, before_last, self.integer_power(before_first, -1)])

    def added_up_to(self, ahead, rest, index, high, bounds):
        """The sum over i of [j - i > 0] f_i is f_1 + ... up to f_{j-1}; that over [i - j > 0] f_i
        is what is behind f_j."""
        slope = ahead.coeff(index)
        end = index - ahead / slope if slope in (1, -1) else index  # where the step is
        end = sp.expand(end - int(slope == -1))
        if (index in end.free_symbols or not self.at_least(0, end, bounds)
                or not self.at_least(0, high - end, bounds)):
            return None
        lower = self.added_up(rest, index, sp.S.One, end, bounds)
        if slope == -1 or lower is None:
            return lower
        return add([self.added_up(rest, index, sp.S.One, high, bounds), times(-1, lower)])

    def count(self, low, high, bounds=()):
        """How many terms a sum has; one to n - 5 has no -4 terms if n = 1, so it is left alone."""
        if (high - low).is_integer and self.at_least(-1, high - low, bounds):
            return self.poly(high - low + 1)
        raise Undecided(f"it is not known how many terms a sum from {low} to {high} has")

    def at_least(self, number, e, bounds=()):
        """Is a whole number known to be that large, whatever the sizes are, and the indices?"""
        known = number, e, *bounds
        if known not in self.least_known:
            self.least_known[known] = self.is_at_least(number, e, bounds)
        return self.least_known[known]

    def is_at_least(self, number, e, bounds):
        terms = self.least(e - number, bounds).as_coefficients_dict()
        if any(k < 0 or not size.is_nonnegative for size, k in terms.items() if size != 1):
            return False
        is_one = lambda size: int(bool(size.is_integer and size.is_positive))
        return bool(sum(k * self.sizes.get(size, is_one(size)) for size, k in terms.items()) >= 0)

    def least(self, w, bounds=()):
        """A whole number from below: each index in it stands at that end where it is least, those
        first that are the ends of no other."""
        terms = w.as_coefficients_dict()
        running = {i: ends for i in terms if (ends := self.ends_of(i, bounds))}
        for letter, ends in running.items():
            others = [*terms, *chain.from_iterable(running.values())]
            if sum(letter in letters_of(other) for other in others) == 1:
                slope = terms[letter]
                return self.least(w + slope * (ends[bool(slope < 0)] - letter), bounds)
        return w

    def ends_of(self, letter, bounds=()):
        """(first, last) of what an index runs through, or None if they are not known."""
        return (getattr(base_of(letter), "ends", None)
                or next((ends for i, *ends in bounds if i == letter), None)
                or self.spans.get(letter) or self.ranges.get(letter))

    def reach(self, other, bound, bounds):
        """1 where the other index of a delta is within the limits of this sum, 0 elsewhere."""
        _, low, high = bound
        if self.at_least(0, other - low, bounds) and self.at_least(0, high - other, bounds):
            return UNIT
        if any(isinstance(i, sp.Dummy) and not self.is_free(i) for i in other.free_symbols):
            return None  # it is bound by a sum further out
        return self.poly(Step(other - low + 1) * Step(high - other + 1))

    def is_free(self, letter):
        """Is it a letter of which it is known from where to where it runs, bound by no sum?"""
        return letter in self.ranges or hasattr(base_of(letter), "ends")

    # powers

    def exponential(self, e):
        """exp(c m + ...) is the product of the generators exp(m/root) to the power c root."""
        exponent = self.divided(self.poly(e.args[0]))
        return self.product(self.generator(sp.E, m, c) for m, c in exponent.items())

    def generator(self, base, monomial, c):
        """base**(c m) as a power of base**(m/root). SymPy may know more of it: sqrt(4) is 2."""
        self.root = lcm(self.root, c.q)
        exponent = self.expression({monomial: sp.Rational(1, self.root)})
        atom, k = sp.Pow(base, exponent), int(c * self.root)
        if isinstance(atom, sp.exp) or atom.args == (base, exponent):
            return self.tidy([], [(atom, k)], sp.S.One)
        return self.integer_power(self.poly(atom), k)

    def power(self, base, exponent):
        base = self.poly(base)
        if exponent.is_Integer:
            return self.integer_power(base, int(exponent))
        factors, rest = self.without_positive(base)  # sqrt(p r) is sqrt(p) sqrt(r) for p > 0
        return self.product(self.integer_power(self.poly(root), int(c * k))
                            if m == ONE and (c * k).is_Integer else self.generator(root, m, c * k)
                            for root, k in [*factors, (self.expression(rest), 1)]
                            for m, c in self.poly(exponent).items())

    def integer_power(self, base, k):
        if len(base) == 1:
            (bounds, powers), c = next(iter(base.items()))
            if not bounds and not any(is_indicator(a) for a, _ in powers):
                return self.tidy([], [(a, k * own) for a, own in powers], c**k)
        if k >= 0:
            if comb(len(base) + k - 1, k) > LONGEST:
                raise Undecided(f"the power {k} of {len(base)} terms is too long to be written out")
            return self.product([base] * k)
        atoms = [(a, own) for _, powers in base for a, own in powers]
        by_cases = is_indicator if len(base) == 1 else is_delta
        hidden = any(own < 0 and is_composite(a) for a, own in atoms)
        if (not base or any(by_cases(a) for a, _ in atoms)
                or hidden and not self.clear_denominators(base)):
            raise Undecided("it divides by zero, or by what is 0 or 1 by cases")
        lead = abs(_lead(base))  # 1/(2 a + 2) and 1/(a + 1) are one generator
        return times(lead**k, _single(self.expression(times(1 / lead, base)), k))

    # logarithms

    def logarithm(self, e):
        """log(p r) = log p + log r wherever p is positive, whatever r is."""
        inner = e.args[0]
        if not isinstance(inner, sp.Product):
            return self.log_of(self.poly(inner))
        if self.is_positive(self.poly(inner.function)):
            return self.poly(sp.Sum(sp.log(inner.function), *inner.limits))
        return _single(e)

    def log_of(self, poly):
        """Positive denominators, and the positive generators that all terms share, stand apart."""
        factors, poly = self.without_positive(poly)
        logs = [times(k, self.log_of_atom(atom)) for atom, k in factors]
        content = sp.gcd_list(list(poly.values())) if poly else sp.S.One
        primes = sp.factorrat(content)
        logs += [times(k, _single(sp.log(p))) for p, k in primes.items()]
        rest = sp.log(self.expression(self.divided(times(1 / content, poly))))
        return add([*logs, _single(rest) if isinstance(rest, sp.log) else self.poly(rest)])

    def log_of_atom(self, atom):
        if is_composite(atom):
            return self.log_of(self.poly(atom))
        if isinstance(atom, sp.exp):
            return self.poly(atom.args[0])
        if atom.is_Pow:
            return self.product([self.poly(atom.exp), self.log_of(self.poly(atom.base))])
        return _single(sp.log(atom))

    def without_positive(self, poly):
        """([(factor shown positive, its power)], what is left of the polynomial without them)."""
        factors = []
        for found, take in (self.denominators, self.multiplied_out), (_shared, self.without):
            for atom in filter(self.positive_atom, found(poly)):
                poly, k = take(poly, atom)
                factors.append((atom, k))
        return factors, poly

    def without(self, poly, atom):
        """A polynomial divided by the power of an atom that all its terms share; that power."""
        k = min(dict(powers).get(atom, 0) for _, powers in poly)
        return self.product([poly, _single(atom, -k)]), k

    def is_positive(self, poly):
        """Is it positive for all real values of its symbols? False means "not shown"."""
        atoms = {(a, k) for _, powers in poly for a, k in powers}
        if any(is_composite(a) and k < 0 and not self.positive_atom(a) for a, k in atoms):
            return False
        poly = self.clear_denominators(poly)
        if not poly or min(poly.values()) <= 0:
            return False
        atoms = {(a, k) for _, powers in poly for a, k in powers}
        if ONE in poly:  # and nothing that is below 0 is added to a number
            return all(a.is_nonnegative or k % 2 == 0 and a.is_real or self.positive_atom(a)
                       for a, k in atoms)
        return (all(low == 1 and high.is_positive
                    for bounds, powers in poly if powers for _, low, high in bounds)
                and all(self.positive_atom(a) for a, _ in atoms))

    def positive_atom(self, atom):
        if atom.is_Pow and not isinstance(atom, sp.exp):
            return bool(atom.exp.is_real) and self.is_positive(self.poly(atom.base))
        return self.is_positive(self.poly(atom)) if is_composite(atom) else bool(atom.is_positive)

    # kinks

    def side(self, e):
        """The sign of what is not zero: that of its factors, each 2 Step(u) - 1."""
        poly = self.poly(e.args[0])
        if not poly:
            return {}
        _, poly = self.without_positive(poly)
        signs = []
        for atom in _shared(poly):
            poly, k = self.without(poly, atom)
            signs += [self.side_of(_single(atom))] * (k % 2)
        return self.product([*signs, self.side_of(poly)])

    def side_of(self, poly):
        if self.is_positive(poly) or self.is_positive(times(-1, poly)):
            return {ONE: sp.sign(next(iter(poly.values())))}
        lead = _lead(poly)
        step = _single(Step(self.expression(times(1 / lead, poly))))
        return times(sp.sign(lead), add([times(2, step), {ONE: -sp.S.One}]))

    def step(self, e):
        u = e.args[0]
        if not u.is_integer:
            return self.poly((1 + Side(u)) / 2) if self.poly(u) else _single(e)
        if self.at_least(1, u):
            return UNIT
        if self.at_least(0, -u):
            return {}
        if self.at_least(0, u):
            return self.poly(1 - kronecker(u, 0))
        shift, w = u.as_coeff_Add()
        if is_turned(w):  # [-v > 0] is 1 - [v + 1 > 0]
            return self.poly(1 - Step(1 - u))
        if shift == 0:
            return _single(Step(w))
        ahead = (kronecker(w, -t) for t in range(int(shift)))  # between w and w + 1 there is none
        behind = (kronecker(w, t + 1) for t in range(int(-shift)))
        return self.poly(Step(w) + sp.Add(*ahead) - sp.Add(*behind))

    def heaviside(self, e):
        """1 where e > 0, 0 where e < 0. Whole numbers are exact; of others the kink is left out."""
        u, at_zero = e.args
        poly = self.poly(u)
        if not poly:
            return self.poly(at_zero)
        u = self.expression(poly)
        if u.is_integer:
            return self.poly((1 - at_zero) * Step(u) + at_zero * Step(u + 1))
        indices = {i for entry in u.atoms(sp.Indexed) for i in entry.indices if i.is_Symbol}
        if any(not self.poly(u.xreplace({i: j})) for i, j in permutations(indices, 2)):
            raise Undecided(f"{plain(u)} is 0 where two of its indices are one")
        return self.poly(Step(u))

    def meets(self, e):
        u = e.args[0]
        return self.poly(kronecker(u, 0)) if u.is_integer else {} if self.poly(u) else UNIT

    # sums and products over an index

    def series(self, e, together, over):
        """A sum or a product over its outermost index; between two numbers it is written out."""
        *inner, (index, low, high) = e.limits
        body = e.func(e.function, *inner) if inner else e.function
        values = _between(low, high)
        if values is None:
            return over(body, index, low, high)
        return together(self.poly(body.xreplace({index: value})) for value in values)

    def sum(self, body, index, low, high):
        """Every sum is brought to the ends 1 and, say, n: terms are split off or added."""
        first, last, edge = self.rounded(body, index, low, high, times)
        if edge:
            return add([self.poly(sp.Sum(body, (index, first, last))), *edge])
        inner, body = self.bound(body, index, low, high)
        return add(self.summed(m, c, inner, low, high) for m, c in self.poly(body).items())

    def rounded(self, body, index, low, high, of_term):
        """(first, last, what a sum or a product from first to last lacks, or has too much)"""
        known = *(end for _, end in self.ranges.values()), *self.sizes
        first, last, edge = rounded_ends(low, high, self.at_least, known)
        try:
            edge = [of_term(sign, self.poly(body.xreplace({index: end}))) for end, sign in edge]
        except Undecided:  # a term too many may have no value, or be a factor 0
            edge = []
        return first, last, edge

    def bound(self, body, index, low, high):
        """A letter that is bound nowhere else and runs between these ends, and the body with it."""
        is_ours = isinstance(index, sp.Dummy) and index.is_positive and low.is_positive
        if is_ours and self.spans.setdefault(index, (low, high)) == (low, high):
            return index, body
        letter = bound_letter("t", low)
        self.spans[letter] = low, high
        return letter, body.xreplace({index: letter})

    def summed(self, monomial, coefficient, inner, low, high):
        bounds, powers = monomial
        if any(inner in end.free_symbols for _, *ends in bounds for end in ends):
            raise Undecided("a sum whose limits depend on another index")
        if any(inner in letters_of(a) for a, _ in powers):
            offset = _offset(powers, inner)
            if offset:  # sum_i x_{i+1} from 1 to n is sum_i x_i from 2 to n + 1
                term = self.expression({monomial: coefficient}).xreplace({inner: inner - offset})
                return self.poly(sp.Sum(term, (inner, low + offset, high + offset)))
            low, high, reach = self.square(inner, low, high)
            if reach:
                term = self.expression({monomial: coefficient}) * reach
                return self.poly(sp.Sum(term, (inner, low, high)))
        return self.under([(inner, low, high)], {monomial: coefficient})

    def square(self, inner, low, high):
        """A triangle j = 1 .. i as the whole square j = 1 .. n, with [j <= i] as a factor."""
        is_index = lambda end: self.ends_of(end.as_coeff_Add()[1])
        if is_index(high):
            return low, -self.least(-high), Step(high - inner + 1)
        if is_index(low):
            return self.least(low), high, Step(inner - low + 1)
        return low, high, None

    def product_over(self, body, index, low, high):
        """A product of a product is the product of the products; of exp(a) it is exp(sum a)."""
        power = lambda sign, factor: self.integer_power(factor, sign)
        first, last, edge = self.rounded(body, index, low, high, power)
        if edge:
            return self.product([self.poly(sp.Product(body, (index, first, last))), *edge])
        inner, body = self.bound(body, index, low, high)
        poly = self.poly(body)
        if offset := _offset([p for _, powers in poly for p in powers], inner):
            body = self.expression(poly).xreplace({inner: inner - offset})
            return self.poly(sp.Product(body, (inner, low + offset, high + offset)))
        if low != 1 and self.at_least(1, low) and self.at_least(-1, high - low):
            up_to = lambda end: self.poly(sp.Product(body, (inner, 1, end)))
            return self.product([up_to(high), self.integer_power(up_to(low - 1), -1)])
        (bounds, powers), c = next(iter(poly.items()), (ONE, sp.S.Zero))
        if len(poly) != 1 or bounds:
            return _single(_product_atom(self.expression(poly), inner, low, high))
        count = self.expression(self.count(low, high))
        result = [self.power(c, count)]
        for atom, k in powers:
            if inner not in letters_of(atom):
                result.append(self.power(atom, k * count))
            elif isinstance(atom, sp.exp):
                result.append(self.poly(sp.exp(sp.Sum(k * atom.args[0], (inner, low, high)))))
            else:
                result.append(_single(_product_atom(atom, inner, low, high), k))
        return self.product(result)

    # denominators

    def denominators(self, poly):
        """The composite denominators that no sum binds."""
        return _free_atoms(poly, lambda atom, k: k < 0 and is_composite(atom))

    def clear_denominators(self, poly):
        """Multiply by every composite denominator: a fraction is zero if its numerator is."""
        while below := self.denominators(poly):
            poly, _ = self.multiplied_out(poly, below[0])
        return poly

    def divided(self, poly):
        """Each numerator divided by its denominator, lest the argument of a function has two forms:
        u/(1 + u) is 1 - 1/(1 + u)."""
        for atom in self.denominators(poly):
            lead, degree, c = self.leading(atom)
            for (bounds, powers), factor in poly.items() if lead else ():
                own = dict(powers)
                if own.get(atom, 0) < 0 and own.get(lead, 0) >= degree:
                    lower = _collected([*powers, (lead, -degree)]).items()
                    whole = add([self.poly(atom), times(-c, _single(lead, degree))])
                    quotient = self.join(((), tuple(lower)), ((), ((atom, 1),)), 1)
                    rest = self.product([_product(lower), times(-1, whole)])
                    terms = times(factor / c, add([quotient, rest]))
                    others = {m: k for m, k in poly.items() if m != (bounds, powers)}
                    return self.divided(add([others, self.under(bounds, terms)]))
        return poly

    def leading(self, atom):
        """(a generator that a sum has in its highest power without a factor, the power, its
        coefficient), or (None, 0, 0)."""
        poly = self.poly(atom)
        highest = {}
        for _, powers in poly:
            for a, k in powers:
                highest.setdefault(a, []).append(k)
        for lead in sorted(highest, key=sp.default_sort_key):
            degree = max(highest[lead])
            alone = (), ((lead, degree),)
            if degree > 0 and highest[lead].count(degree) == 1 and alone in poly:
                return lead, degree, poly[alone]
        return None, 0, 0

    def multiplied_out(self, poly, atom):
        """(the polynomial without that denominator, the power in which it stood there)"""
        lowest = min(dict(powers).get(atom, 0) for _, powers in poly)
        terms = []
        for (bounds, powers), c in poly.items():
            rest = {(bounds, tuple(p for p in powers if p[0] != atom)): c}
            power = self.integer_power(self.poly(atom), dict(powers).get(atom, 0) - lowest)
            terms.append(self.product([self.under([], rest), power]))
        return add(terms), lowest


RULES = {
    sp.Add: lambda form, e: add(map(form.poly, e.args)),
    sp.Mul: lambda form, e: form.product(map(form.poly, e.args)),
    sp.Pow: lambda form, e: form.power(e.base, e.exp),
    sp.exp: NormalForm.exponential,
    sp.log: NormalForm.logarithm,
    sp.Sum: lambda form, e: form.series(e, add, form.sum),
    sp.Product: lambda form, e: form.series(e, form.product, form.product_over),
    sp.Heaviside: NormalForm.heaviside,
    Step: NormalForm.step,
    Side: NormalForm.side,
    Meets: NormalForm.meets,
}


def _one_for_each(ends, bounds, powers):
    """For each of the ends the bound that has them and stands in most denominators, or none."""
    below = [a for a, k in powers if k < 0 and is_composite(a)]
    weight = lambda b: sum(b[0] in letters_of(a) for a in below)
    same = ([b for b in bounds if b[1:] == pair] for pair in sorted(ends, key=str))
    return [max(found, key=weight) for found in same if found]


def _free_atoms(poly, wanted):
    bound = {b[0] for bounds, _ in poly for b in bounds}
    atoms = {a for _, powers in poly for a, k in powers if wanted(a, k)}
    return sorted((a for a in atoms if not bound & letters_of(a)), key=sp.default_sort_key)


def _lead(poly):
    """The coefficient that is made 1 where a polynomial counts up to a factor."""
    return poly[min(poly, key=str)]


def _shared(poly):
    """The generators that no sum binds and that all terms have, each in some power."""
    return [a for a in _free_atoms(poly, lambda atom, _: not is_composite(atom))
            if min(dict(powers).get(a, 0) for _, powers in poly)]


def _between(low, high):
    """All whole numbers from one to the other, if these are few; else None."""
    count = high - low + 1
    return [low + t for t in range(int(count))] if count.is_Integer and count <= EXPLICIT else None


def _offset(powers, index):
    """By how much the index is moved on the arrays that it stands on; the least if it varies."""
    entries = {entry for a, _ in powers for entry in parts_in(a, sp.Indexed)}
    moved = {i - index for entry in entries for i in entry.indices if index in i.free_symbols}
    return int(min(moved)) if moved and all(m.is_Integer for m in moved) else 0


def _product_atom(body, inner, low, high):
    (standard,) = standard_names([body], 1)
    return sp.Product(body.xreplace({inner: standard}), (standard, low, high))


def _single(atom, k=1):
    return _product([(atom, k)])


def _product(powers):
    return {((), tuple(powers)): sp.S.One}


def _collected(powers):
    """Equal atoms joined into one power; a delta and a step are their own squares."""
    total = {}
    for atom, k in powers:
        total[atom] = 1 if is_indicator(atom) else total.get(atom, 0) + k
    return {atom: k for atom, k in total.items() if k != 0}
