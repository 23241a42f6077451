"""Is this expression exactly zero, for all sizes and all values?

The decision is a normal form. An expression is expanded into monomials; a monomial is a product of powers of atoms under a
set of bound indices, as in sum_i sum_j w_j x_ij x_ik. Atoms are symbols, entries, function values and the inverse of
whatever is not a monomial; they count as independent generators. Kronecker deltas are summed away, exponentials of sums are
split, like terms are collected and composite denominators are multiplied out. Every step is an identity, so "nothing is
left" is a proof, for arbitrary n and d and for an undefined activation. If something is left, equality is only *not shown*:
the caller looks for a counterexample, and what is neither proved nor refuted is a failure.
"""

import re
from functools import cache, lru_cache
from itertools import chain, permutations, product
from math import comb

import sympy as sp
from sympy import evaluate
from sympy.core.function import Application
from sympy.functions.elementary.trigonometric import TrigonometricFunction

from derivations.errors import Undecided, WrongIndex
from derivations.printing import plain
from derivations.symbols import Letter, Partial, formula

EXPLICIT = 24  # a sum between two integers is written out up to this many terms
LONGEST = 2_000  # a power of a sum is written out up to this many terms
SWITCHES = 6  # kinks whose two sides are looked at one by one
ROWS = 400  # inequalities kept while looking for a contradiction among them


def is_zero(expr, ranges=None):
    """True if the resolved expression is shown to be zero, False if the normal form leaves something over.

    `ranges` maps a free index to its last value (the first is 1); `index_ranges` reads them off the shapes of arrays.
    Raises Undecided for floats, infinities and for what is no scalar.
    """
    with evaluate(True):
        expr = formula(expr)
        must_be_exact(expr)
        form = _form(frozenset({**index_ranges(expr), **(ranges or {})}.items()))
        if not expr.has(sp.exp, sp.tanh) and form.vanishes(expr):
            return True
        written = in_exponentials(expr)
        return (written != expr or expr.has(sp.exp)) and form.vanishes(written)


@lru_cache(maxsize=8)
def _form(ranges):
    """One normal form for all lines whose indices run alike: they share most of what they are made of."""
    return NormalForm(dict(ranges))


def must_be_exact(*exprs):
    """Raises Undecided for floats and for infinities: they cancel where the numbers meant do not."""
    for expr in exprs:
        if expr.has(sp.Float):
            raise Undecided(
                f"{min(map(str, expr.atoms(sp.Float)))} is a float, which is not exact: write Rational(1, 2) or x/2"
            )
        if expr.has(sp.oo, -sp.oo, sp.zoo, sp.nan):
            raise Undecided("it is infinite or divides by zero")
        if not expr.is_Matrix and expr.is_commutative is False:
            loose = min(str(s) for s in expr.free_symbols if s.is_commutative is False)
            raise Undecided(
                f"{loose} does not commute: write MatrixSymbol for a matrix, and its entries by Entries"
            )


def index_ranges(*exprs):
    """{index: last value} for every free symbol that stands as an index on an array with a shape.

    Raises WrongIndex if one index, free or bound by a sum, would have to run to two different sizes of arrays, or
    leaves an array whose size is a number.
    """
    uses, ranges = [use for expr in exprs for use in _uses_in(expr)], {}
    sizes = {size for _, size, _, _ in uses}
    for index, size, entry, end in uses:
        if index.is_Integer:
            if size.is_Integer and not 1 <= index <= size:
                raise WrongIndex(
                    f"{_entry_name(entry)} is outside of its array, whose index runs from 1 to {size}"
                )
            continue
        low, end = end or (sp.S.One, ranges.setdefault(index, size))
        if size.is_Integer and (low < 1) == sp.true or (size < end) == sp.true:
            raise WrongIndex(
                f"on {_entry_name(entry)} the index {index} would run from {low} to {end}, "
                f"but the array has the entries 1 to {size}"
            )
        if end != size and end.is_Symbol and size.is_Symbol and end in sizes:
            raise WrongIndex(
                f"on {_entry_name(entry)} the index {index} would run to {size}, "
                f"but elsewhere it runs to {end}"
            )
    return ranges


@lru_cache(maxsize=10_000)
def _uses_in(expr):
    return tuple(dict.fromkeys(_uses(expr, {})))


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


def in_exponentials(expr):
    """One generator instead of many: sigmoid, tanh, cosh and all that know how they are made of exp."""
    known = lambda e: (
        hasattr(e.func, "_eval_rewrite_as_exp") and not isinstance(e, TrigonometricFunction)
    )  # noqa: E731
    return (
        expr.replace(known, lambda e: e.rewrite(sp.exp))
        if any(map(known, expr.atoms(sp.Function)))
        else expr
    )


class Step(sp.Function):
    """1 where its argument is positive, 0 where it is negative: the one generator that all kinks are made of."""

    nargs = 1
    is_real = True


ONE = ((), ())  # the monomial without bounds and without factors


class NormalForm:
    """Polynomials {monomial: coefficient}; a monomial is (bounds, powers), bounds a tuple of (index, low, high), powers a
    tuple of (atom, exponent). The bound indices carry standard names, so equal monomials are equal keys."""

    def __init__(self, ranges):
        self.ranges, self.letters, self.spans = ranges, {}, {}
        self.known = {}  # expression -> polynomial: the same activations come again and again in a written-out network

    def vanishes(self, expr):
        """Is nothing left of a scalar, once denominators are cleared, also those under a sum, on each side of a kink?"""
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
            (ends, terms), constant = (
                next(item for item in inside.items() if item[0]),
                inside.pop(()),
            )
            counts = [self.integer_power(self.count(*e), -1) for e in ends]
            inside[ends] = self.add([terms, self.product([constant, *counts])])
        return all(
            self.vanishes_in_all_cases(self.clear_denominators(terms)) for terms in inside.values()
        )

    def vanishes_in_all_cases(self, poly, known=()):
        """On both sides of every kink, and for every value of a free index that runs to a number."""
        if not poly:
            return True
        expr = self.expression(poly)
        steps = sorted((step for step in expr.atoms(Step) if not step.args[0].has(Step)), key=str)
        if steps and len(known) < SWITCHES:
            return all(self.vanishes_beyond(expr, steps[0], sign, known) for sign in (1, -1))
        few = [
            i
            for i, end in self.ranges.items()
            if end.is_Integer and end <= EXPLICIT and i in expr.free_symbols
        ]
        return bool(few) and all(
            self.vanishes(expr.xreplace({few[0]: sp.Integer(v)}))
            for v in range(1, self.ranges[few[0]] + 1)
        )

    def vanishes_beyond(self, expr, step, sign, known):
        """Is it zero where a switch has this sign, and those before it have theirs?

        A switch that is a symbol becomes a positive one.
        """
        switch = step.args[0]
        known = (*known, sign * switch)
        swap = {step: sp.Integer(max(sign, 0))}
        expr = expr.xreplace(swap)
        if isinstance(switch, (sp.Symbol, sp.Indexed)) and not switch.is_integer:
            swap = {switch: sign * sp.Dummy(positive=True)}
            expr, known = expr.xreplace(swap), tuple(e.xreplace(swap) for e in known)
        if self.contradict([self.poly(e) for e in known if not e.is_integer]):
            return True
        return self.vanishes_in_all_cases(self.clear_denominators(self.poly(expr)), known)

    def contradict(self, rows):
        """Can they not all be positive? Shown by adding them up until a number below 0 would be."""
        monomials = sorted({m for row in rows for m in row if m != ONE}, key=str)
        rows = rows + [{m: sp.S.One} for m in monomials if self.is_positive({m: sp.S.One})]
        for m in monomials:
            above, below = ([row for row in rows if sign * row.get(m, 0) > 0] for sign in (1, -1))
            met = [
                self.add(
                    [
                        {k: c / up[m] for k, c in up.items()},
                        {k: -c / down[m] for k, c in down.items()},
                    ]
                )
                for up in above
                for down in below
            ]
            rows = [row for row in rows if not row.get(m, 0)] + met
            if len(rows) > ROWS:
                return False
        return any(row.get(ONE, 0) <= 0 for row in rows)

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
        if isinstance(e, sp.Product):
            return self.product_over(e)
        if e.func in KINKS:
            return KINKS[e.func](self, e)
        if isinstance(e, Step):
            return self.step(e.args[0])
        if e.func in BY_SINE:
            return self.poly(BY_SINE[e.func](e.args[0]))
        if isinstance(e, (sp.sin, sp.cos)) and (apart := sp.expand_trig(e)) != e:
            return self.poly(apart)  # the addition theorems
        if e.is_Symbol or isinstance(e, (sp.Indexed, sp.NumberSymbol, Partial)) or _is_delta(e):
            return _single(e)
        if not isinstance(e, Application):
            raise Undecided(f"{e} is not an exact number, a symbol or a function of them")
        atom = e.func(*(self.expression(self.poly(a)) for a in e.args))
        return _single(atom) if atom.func == e.func else self.poly(atom)

    def expression(self, poly):
        """The polynomial as a SymPy expression again: the canonical argument of a function or a denominator."""
        terms = [
            c * sp.Sum(_times(powers), *bounds) if bounds else c * _times(powers)
            for (bounds, powers), c in poly.items()
        ]
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
            result = self.add(
                self.join(m1, m2, c1 * c2) for m1, c1 in result.items() for m2, c2 in poly.items()
            )
        return result

    def join(self, first, second, coefficient):
        """The product of two monomials. Bound indices are renamed, lest the two sums become one."""
        if first == ONE or second == ONE:
            return {second if first == ONE else first: coefficient}
        (bounds1, powers1), (bounds2, powers2) = _rename_apart(first), _rename_apart(second)
        return self.tidy(bounds1 + bounds2, powers1 + powers2, coefficient)

    def tidy(self, bounds, powers, coefficient):
        """Sum away what can be summed: a delta picks one term, and a constant is counted high - low + 1 times."""
        powers = _collected(powers)
        for atom, k in powers.items():
            if _reduced(atom, k):
                lower, whole, rest = _reduced(atom, k)
                kept = (
                    {**powers, atom: rest}
                    if rest
                    else {a: p for a, p in powers.items() if a != atom}
                )
                return self.in_place_of(
                    self.integer_power(self.poly(lower), whole), bounds, kept, coefficient
                )
        for atom in filter(_is_delta, list(powers)):
            for bound in bounds:
                other = _solved(atom, bound[0])
                if other is not None and self.within(other, bound, bounds):
                    del powers[atom]
                    return self.rebuild(
                        [b for b in bounds if b != bound], powers, coefficient, {bound[0]: other}
                    )
            if not any(b[0] in atom.free_symbols for b in bounds) and _has_twin(atom, powers):
                return self.one_name(atom, bounds, powers, coefficient)
        for bound in bounds:
            inside = {a: k for a, k in powers.items() if bound[0] in a.free_symbols}
            if (total := self.added_up(inside, *bound)) is not None:
                rest = [(a, k) for a, k in powers.items() if a not in inside]
                return self.product(
                    [total, self.tidy([b for b in bounds if b != bound], rest, coefficient)]
                )
        return self.turned(_named(bounds, powers), coefficient)

    def turned(self, monomial, coefficient):
        """[j - i > 0] of bound indices i, j, in this order, is 1 - [i - j > 0] - [i = j]."""
        wrong = next(
            (
                a
                for a, _ in monomial[1]
                if isinstance(a, Step) and a.args[0].is_integer and _turned(a.args[0])
            ),
            None,
        )
        if wrong is None or not monomial[0]:
            return {monomial: coefficient}
        bounds, powers = _rename_apart(
            (monomial[0], ((wrong, 1), *((a, k) for a, k in monomial[1] if a != wrong)))
        )
        (step, _), *powers = powers
        other = self.add(
            [
                {ONE: sp.S.One},
                self.times(-1, _single(Step(-step.args[0]))),
                self.times(-1, self.poly(_delta(step.args[0], 0))),
            ]
        )
        return self.in_place_of(other, bounds, dict(powers), coefficient)

    def in_place_of(self, poly, bounds, powers, coefficient):
        """The monomial times a polynomial that has taken the place of one of its powers."""
        result = {}
        for monomial, c in self.product([{((), tuple(powers.items())): sp.S.One}, poly]).items():
            own, factors = _rename_apart(monomial)
            result = self.add([result, self.tidy(own + list(bounds), factors, c * coefficient)])
        return result

    def added_up(self, inside, index, low, high):
        """The sum over an index of what it occurs in: a constant, powers of the index, or one geometric sequence."""
        if not inside:
            return self.count(low, high)
        if low != 1 or not (high.is_integer and high.is_nonnegative):
            return None
        if list(inside) == [index] and 0 < inside[index] <= EXPLICIT:
            return self.poly(_power_sum(int(inside[index]))(high))
        ratios = [(_ratio(a, index), k) for a, k in inside.items()]
        if any(ratio is None for ratio, _ in ratios):
            return None
        first = self.product(self.integer_power(self.poly(r), k) for r, k in ratios)
        last = self.product(self.integer_power(self.power(r, high), k) for r, k in ratios)
        less_one = lambda poly: self.add([poly, {ONE: sp.S.NegativeOne}])  # noqa: E731
        return self.product([first, less_one(last), self.integer_power(less_one(first), -1)])

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
            own, factors = _rename_apart(monomial)
            result = self.add([result, self.tidy(own + list(bounds), factors, c * coefficient)])
        return result

    def within(self, other, bound, bounds):
        """Does the other index of a delta run within the limits of this sum?"""
        _, low, high = bound
        span = self.span(other, bounds)
        return span is not None and bool(
            (span[0] - low).is_nonnegative and (high - span[1]).is_nonnegative
        )

    def span(self, e, bounds=()):
        """(least, greatest) value of an index, or None if they are not known."""
        shift, letter = e.as_coeff_Add()
        if (
            letter == 0
            or letter.is_integer
            and letter.is_positive
            and letter not in self.ranges
            and letter not in self.spans
        ):
            known = (letter, letter) if letter == 0 or not isinstance(letter, sp.Dummy) else None
        else:
            known = self.spans.get(letter) or (
                (sp.S.One, self.ranges[letter]) if letter in self.ranges else None
            )
        known = (
            letter.ends
            if isinstance(letter, Letter)
            else next((b[1:] for b in bounds if b[0] == letter), known)
        )
        return known and (known[0] + shift, known[1] + shift)

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
            self.integer_power(base, int(c))
            if m == ONE and c.is_Integer
            else self.generator(root, m, c)
            for m, c in self.poly(exponent).items()
        )

    def integer_power(self, base, k):
        if len(base) == 1:
            (bounds, powers), c = next(iter(base.items()))
            if not bounds and not any(_is_indicator(a) for a, _ in powers):
                return self.tidy([], [(a, k * own) for a, own in powers if k], c**k)
        if k >= 0:
            if comb(len(base) + k - 1, k) > LONGEST:
                raise Undecided(f"the power {k} of {len(base)} terms is too long to be written out")
            return self.product([base] * k)
        hidden = any(
            k < 0 and _is_composite(a) for _, powers in base for a, k in powers
        ) and not self.clear_denominators(base)
        if (
            not base
            or hidden
            or any(
                _is_delta(a) or len(base) == 1 and _is_indicator(a)
                for _, powers in base
                for a, _ in powers
            )
        ):
            raise Undecided("it divides by zero, or by what is 0 or 1 by cases")
        return _single(self.expression(base), k)

    # logarithms

    def logarithm(self, a):
        """log(p r) = log p + log r wherever p is positive, whatever r is: each factor shown positive stands apart."""
        if isinstance(a, sp.Product):
            positive = self.is_positive(self.poly(a.function))
            return (
                self.poly(sp.Sum(sp.log(a.function), *a.limits)) if positive else _single(sp.log(a))
            )
        return self.log_of(self.poly(a))

    def log_of(self, poly):
        """Positive denominators, and the positive generators that all terms share, stand apart; the rest is an atom."""
        factors, poly = self.without_positive(poly)
        logs = [
            self.times(
                k, self.log_of(self.poly(atom)) if _is_composite(atom) else self.log_of_atom(atom)
            )
            for atom, k in factors
        ]
        rest = sp.log(self.expression(poly))
        return self.add([*logs, _single(rest) if isinstance(rest, sp.log) else self.poly(rest)])

    def without_positive(self, poly):
        """([(factor shown positive, its power)], what is left of the polynomial without them)."""
        factors = []
        for atom in filter(self.positive_atom, self.denominators(poly)):
            k = max(-dict(powers).get(atom, 0) for _, powers in poly)
            poly = self.add(self.times_denominator(m, c, atom, k) for m, c in poly.items())
            factors.append((atom, -k))
        for atom in filter(self.positive_atom, self.shared(poly)):
            k = min(dict(powers).get(atom, 0) for _, powers in poly)
            poly = self.product([poly, _single(atom, -k)])
            factors.append((atom, k))
        return factors, poly

    def log_of_atom(self, atom):
        if isinstance(atom, sp.exp):
            return self.poly(atom.args[0])
        return (
            self.product([self.poly(atom.exp), self.log_of(self.poly(atom.base))])
            if atom.is_Pow
            else _single(sp.log(atom))
        )

    def times(self, k, poly):
        return self.product([{ONE: sp.Integer(k)}, poly]) if k else {}

    def denominators(self, poly):
        """The composite denominators that no sum binds."""
        bound = {b[0] for bounds, _ in poly for b in bounds}
        below = {
            a
            for _, powers in poly
            for a, k in powers
            if k < 0 and _is_composite(a) and not bound & a.free_symbols
        }
        return sorted(below, key=sp.default_sort_key)

    def shared(self, poly):
        """The generators that no sum binds, and that are left in some power when taken out of all terms."""
        bound = {b[0] for bounds, _ in poly for b in bounds}
        atoms = {
            a
            for _, powers in poly
            for a, _ in powers
            if not _is_composite(a) and not bound & a.free_symbols
        }
        return [
            a
            for a in sorted(atoms, key=sp.default_sort_key)
            if min(dict(p).get(a, 0) for _, p in poly)
        ]

    def is_positive(self, poly):
        """Is it positive for all real values of its symbols, once denominators are cleared? False means "not shown"."""
        if any(
            _is_composite(a) and k < 0 and not self.positive_atom(a)
            for _, powers in poly
            for a, k in powers
        ):
            return False
        poly = self.clear_denominators(poly)
        terms = [
            (bound, power)
            for bounds, powers in poly
            for bound in bounds or [None]
            for power in powers
        ]
        runs = all(bound is None or (bound[1] == 1 and bound[2].is_positive) for bound, _ in terms)
        return (
            bool(poly)
            and runs
            and min(poly.values()) > 0
            and all(self.positive_atom(atom) for _, (atom, _) in terms)
        )

    def positive_atom(self, atom):
        if atom.is_Pow and not isinstance(atom, sp.exp):
            return bool(atom.exp.is_real) and self.is_positive(self.poly(atom.base))
        return self.is_positive(self.poly(atom)) if _is_composite(atom) else bool(atom.is_positive)

    # kinks

    def sign(self, poly):
        """The sign of what is not zero: that of its factors; 2 Step(u) - 1 for a factor u that has several terms."""
        _, poly = self.without_positive(poly)
        signs = []
        for atom in self.shared(poly):
            k = min(dict(powers).get(atom, 0) for _, powers in poly)
            poly = self.product([poly, _single(atom, -k)])
            signs += [self.side(_single(atom))] if k % 2 else []
        return self.product([*signs, self.side(poly)])

    def side(self, poly):
        if self.is_positive(poly) or self.is_positive(self.times(-1, poly)):
            return {ONE: sp.sign(next(iter(poly.values())))}
        lead = poly[min(poly, key=str)]
        step = _single(Step(self.expression({m: c / lead for m, c in poly.items()})))
        return self.times(
            1 if lead > 0 else -1, self.add([self.times(2, step), {ONE: sp.S.NegativeOne}])
        )

    def step(self, e):
        if e.is_integer:
            return self.whole_above(e)
        poly = self.poly(e)
        return (
            self.product([{ONE: sp.S.Half}, self.add([{ONE: sp.S.One}, self.sign(poly)])])
            if poly
            else _single(Step(e))
        )

    def above_zero(self, e, at_zero):
        """1 where e > 0, 0 where e < 0. Whole numbers are exact, with `at_zero` where e = 0; of others the kink is left out."""
        poly = self.poly(e)
        if not poly:
            return self.poly(at_zero)
        e = self.expression(poly)
        if e.is_integer:
            at = self.product([self.poly(at_zero), self.whole_above(e + 1)])
            return self.add([self.product([self.poly(1 - at_zero), self.whole_above(e)]), at])
        if self.hits_zero(e):
            raise Undecided(f"{plain(e)} is 0 where two of its indices are one")
        return self.step(e)

    def whole_above(self, e):
        """[e > 0] of a whole number: [w > 0] with deltas for the steps between, where e is w and a number."""
        if e.is_positive or e.is_nonpositive:
            return {ONE: sp.S.One} if e.is_positive else {}
        shift, w = e.as_coeff_Add()
        if _turned(w):  # [-v > 0] is 1 - [v + 1 > 0]
            return self.add([{ONE: sp.S.One}, self.times(-1, self.whole_above(1 - e))])
        between = (
            [self.poly(_delta(w, -t)) for t in range(int(shift))]
            if shift > 0
            else [self.times(-1, self.poly(_delta(w, t + 1))) for t in range(int(-shift))]
        )
        return self.add([_single(Step(w)), *between])

    def hits_zero(self, e):
        """Does it vanish where one index takes the place of another, as x_i - x_j does?"""
        indices = {i for entry in e.atoms(sp.Indexed) for i in entry.indices}
        return any(
            not self.poly(e.xreplace({i: j}))
            for i in indices
            for j in indices
            if i.is_Symbol and i != j
        )

    def absolute(self, e):
        poly = self.poly(e.args[0])
        return self.product([poly, self.sign(poly)]) if poly else {}

    def greatest(self, e):
        """max(a, b) is b + (a - b) [a > b], whatever happens where they meet."""
        first, *rest = e.args
        if not rest:
            return self.poly(first)
        other = e.func(*rest)
        gap = self.poly(first - other)
        half = {ONE: sp.S.Half if e.func == sp.Max else -sp.S.Half}
        middle = self.product([{ONE: sp.S.Half}, self.poly(first + other)])
        return (
            self.add([middle, self.product([half, gap, self.sign(gap)])])
            if gap
            else self.poly(first)
        )

    def sign_function(self, e):
        return self.add(
            [self.times(2, self.above_zero(e.args[0], sp.S.Half)), {ONE: sp.S.NegativeOne}]
        )

    def heaviside(self, e):
        return self.above_zero(e.args[0], e.args[1])

    def by_cases(self, e):
        total, otherwise = {}, {ONE: sp.S.One}
        for value, condition in e.args:
            holds = self.holds(condition)
            total = self.add([total, self.product([otherwise, holds, self.poly(value)])])
            otherwise = self.product(
                [otherwise, self.add([{ONE: sp.S.One}, self.times(-1, holds)])]
            )
        return total

    def holds(self, condition):
        """1 where a condition holds and 0 where it does not, as a polynomial."""
        no = lambda poly: self.add([{ONE: sp.S.One}, self.times(-1, poly)])  # noqa: E731
        if condition in (sp.true, sp.false):
            return {ONE: sp.S.One} if condition == sp.true else {}
        if isinstance(condition, sp.And):
            return self.product(map(self.holds, condition.args))
        if isinstance(condition, sp.Or):
            return no(self.product(no(self.holds(a)) for a in condition.args))
        if isinstance(condition, (sp.Not, sp.Ne)):
            return no(
                self.holds(
                    condition.args[0] if isinstance(condition, sp.Not) else sp.Eq(*condition.args)
                )
            )
        gap = getattr(condition, "gts", sp.S.Zero) - getattr(condition, "lts", sp.S.Zero)
        if isinstance(condition, (sp.Gt, sp.Lt, sp.Ge, sp.Le)):
            return self.above_zero(gap, sp.Integer(isinstance(condition, (sp.Ge, sp.Le))))
        if isinstance(condition, sp.Eq):
            gap = condition.lhs - condition.rhs
            return (
                self.poly(_delta(gap, 0))
                if gap.is_integer
                else {}
                if self.poly(gap)
                else {ONE: sp.S.One}
            )
        raise Undecided(f"no rule for the condition {condition}")

    # sums and products over an index

    def sum(self, e):
        """Every sum is brought to the ends 1 and, say, n: its first or last terms are split off or added."""
        index, low, high = e.limits[-1]
        body = sp.Sum(e.function, *e.limits[:-1]) if len(e.limits) > 1 else e.function
        if (high - low).is_Integer and high - low < EXPLICIT:
            return self.add(
                self.poly(body.xreplace({index: low + t})) for t in range(int(high - low) + 1)
            )
        shift, end = high.as_coeff_Add()
        whole = (high - low).is_integer
        if (
            whole
            and low.is_Integer
            and low != 1
            and (high - low + 1).is_nonnegative
            and (low > 1 or high.is_nonnegative)
        ):
            edge = [
                (body, index, t, 1 if low < 1 else -1)
                for t in map(sp.Integer, range(int(low), 1) if low < 1 else range(1, int(low)))
            ]
            return self.extended(e, edge, body, (index, sp.S.One, high))
        if (
            whole
            and shift
            and low == 1
            and (end - low + 1).is_nonnegative
            and (high - low + 1).is_nonnegative
        ):
            edge = [
                (body, index, end + t, 1 if shift > 0 else -1)
                for t in (range(1, int(shift) + 1) if shift > 0 else range(int(shift) + 1, 1))
            ]
            return self.extended(e, edge, body, (index, low, end))
        return self.summed(body, index, low, high)

    def extended(self, e, edge, body, limits):
        """The sum to rounder ends, and the terms that are then too many or too few, if all of these have a value."""
        try:
            terms = [
                self.times(sign, self.poly(b.xreplace({index: at}))) for b, index, at, sign in edge
            ]
        except Undecided:
            index, low, high = e.limits[-1]
            return self.summed(body, index, low, high)
        return self.add([self.sum(sp.Sum(body, limits)), *terms])

    def summed(self, body, index, low, high):
        inner = sp.Dummy(
            integer=True, positive=low.is_positive or None
        )  # not False: that is "never positive"
        self.spans[inner] = (low, high)
        poly = self.poly(body.xreplace({index: inner}))
        return self.add(self.under(m, c, inner, low, high) for m, c in poly.items())

    def under(self, monomial, coefficient, inner, low, high):
        bounds, powers = monomial
        if any(inner in end.free_symbols for _, *ends in bounds for end in ends):
            raise Undecided("a sum whose limits depend on another index")
        if any(inner in a.free_symbols for a, _ in powers):
            offset = min(_offsets(powers, inner), default=0)
            if offset:  # sum_i x_{i+1} from 1 to n is sum_i x_i from 2 to n + 1
                term = self.expression({monomial: coefficient}).xreplace({inner: inner - offset})
                return self.sum(sp.Sum(term, (inner, low + offset, high + offset)))
            low, high, reach = self.square(inner, low, high)
            if reach is not None:
                term = self.product([{monomial: coefficient}, reach])
                return self.add(self.under(m, c, inner, low, high) for m, c in term.items())
        bounds, powers = _rename_apart(monomial)
        return self.tidy([*bounds, (inner, low, high)], powers, coefficient)

    def square(self, inner, low, high):
        """A triangle j = 1 .. i as the whole square j = 1 .. n, with [j <= i] as a factor."""
        below, above = (self.letter_span(end) for end in (low, high))
        if above:
            return low, above[1], self.whole_above(high - inner + 1)
        if below:
            return below[0], high, self.whole_above(inner - low + 1)
        return low, high, None

    def letter_span(self, end):
        """The span of an end that is an index itself, up to a number."""
        letter = end.as_coeff_Add()[1]
        span = self.span(end) if letter in self.spans or letter in self.ranges else None
        return (
            span
            if span and not any(s in self.spans for e in span for s in e.free_symbols)
            else None
        )

    def product_over(self, e):
        """A product over i of a product is the product of the products; constants are powers, exp(a) is exp(sum a)."""
        index, low, high = e.limits[-1]
        body = sp.Product(e.function, *e.limits[:-1]) if len(e.limits) > 1 else e.function
        if (high - low).is_Integer and high - low < EXPLICIT:
            return self.product(
                self.poly(body.xreplace({index: low + t})) for t in range(int(high - low) + 1)
            )
        inner = sp.Dummy(integer=True, positive=low.is_positive or None)
        self.spans[inner] = (low, high)
        poly = self.poly(body.xreplace({index: inner}))
        (bounds, powers), c = next(iter(poly.items()), (ONE, sp.S.Zero))
        if len(poly) != 1 or bounds:
            return _single(_product_atom(self.expression(poly), inner, low, high))
        count = self.expression(self.count(low, high))
        return self.product(
            [
                self.power(c, count),
                *(self.factor_over(a, k, inner, low, high, count) for a, k in powers),
            ]
        )

    def factor_over(self, atom, k, inner, low, high, count):
        if inner not in atom.free_symbols:
            return self.power(atom, k * count)
        if isinstance(atom, sp.exp):
            return self.poly(sp.exp(sp.Sum(k * atom.args[0], (inner, low, high))))
        return _single(_product_atom(atom, inner, low, high), k)

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
        bounds, powers = _rename_apart(monomial)
        have = dict(powers).get(atom, 0)
        rest = self.tidy(bounds, [p for p in powers if p[0] != atom], coefficient)
        return self.product([rest, self.integer_power(self.poly(atom), highest + have)])


KINKS = {
    sp.Abs: NormalForm.absolute,
    sp.Max: NormalForm.greatest,
    sp.Min: NormalForm.greatest,
    sp.sign: NormalForm.sign_function,
    sp.Heaviside: NormalForm.heaviside,
    sp.Piecewise: NormalForm.by_cases,
}
BY_SINE = {
    sp.tan: lambda z: sp.sin(z) / sp.cos(z),
    sp.cot: lambda z: sp.cos(z) / sp.sin(z),
    sp.sec: lambda z: 1 / sp.cos(z),
    sp.csc: lambda z: 1 / sp.sin(z),
}


def _reduced(atom, k):
    """(base, power, rest) where atom^k is base^power atom^rest: √S·√S is S, cos² is 1 - sin², cosh² is 1 + sinh²."""
    if (
        atom.is_Pow
        and not isinstance(atom, sp.exp)
        and atom.exp.is_Rational
        and atom.exp.p == 1
        and atom.exp.q > 1
    ):
        return (atom.base, k // atom.exp.q, k % atom.exp.q) if not 0 <= k < atom.exp.q else None
    if isinstance(atom, (sp.cos, sp.cosh)) and not 0 <= k < 2:
        lower = (
            1 - sp.sin(atom.args[0]) ** 2
            if isinstance(atom, sp.cos)
            else 1 + sp.sinh(atom.args[0]) ** 2
        )
        return lower, k // 2, k % 2
    return None


def _solved(delta, index):
    """What the index must be where the two arguments of a delta are the same, or None."""
    if index not in delta.free_symbols:
        return None
    first, second = delta.args
    if index in (first, second):
        other = second if first == index else first
        return None if index in other.free_symbols else other
    gap = sp.expand(first - second)
    slope = gap.coeff(index)
    rest = gap - slope * index
    return sp.expand(-rest / slope) if slope in (1, -1) and index not in rest.free_symbols else None


def _delta(gap, value):
    """1 where a whole number has a value; with one letter on each side where it is the difference of two."""
    gap = sp.expand(gap - value)
    back = [t for t in sp.Add.make_args(gap) if t.could_extract_minus_sign()]
    return sp.KroneckerDelta(gap - sp.Add(*back), -sp.Add(*back))


def _turned(w):
    """Is the coefficient of its first letter negative, which in the canonical form is positive?"""
    letters = sorted(w.free_symbols, key=sp.default_sort_key)
    return bool(letters) and sp.expand(w).coeff(letters[0]).is_negative


def _ratio(atom, index):
    """q, where an atom is q to the power of the index."""
    if isinstance(atom, sp.exp):
        rest = atom.args[0] / index
        return None if index in rest.free_symbols else sp.exp(rest)
    return (
        atom.base
        if atom.is_Pow and atom.exp == index and index not in atom.base.free_symbols
        else None
    )


@cache
def _power_sum(power):
    """Faulhaber's polynomial: 1 + 2^p + ... + n^p."""
    s, n = sp.Dummy(integer=True), sp.Dummy(integer=True, positive=True)
    total = sp.expand(sp.summation(s**power, (s, 1, n)))
    return lambda end: total.xreplace({n: end})


def _offsets(powers, index):
    """By how much the index is moved on the arrays that it stands on."""
    places = {
        i
        for a, _ in powers
        for entry in a.atoms(sp.Indexed)
        for i in entry.indices
        if index in i.free_symbols
    }
    moved = {i - index for i in places}
    return [int(m) for m in moved] if all(m.is_Integer for m in moved) else []


def _product_atom(body, inner, low, high):
    height = 1 + max((_height(s) for s in body.atoms(sp.Symbol)), default=0)
    standard = sp.Symbol(f"_{height}_0", integer=True)
    return sp.Product(body.xreplace({inner: standard}), (standard, low, high))


def _is_indicator(atom):
    return isinstance(atom, Step) or _is_delta(atom)


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
    """Equal atoms joined into one power; numbers cannot occur; a delta and a step are their own squares."""
    total = {}
    for atom, k in powers:
        total[atom] = 1 if _is_indicator(atom) else total.get(atom, 0) + k
    return {atom: k for atom, k in total.items() if k != 0}


def _rename_apart(monomial):
    """The monomial with bound indices that occur nowhere else."""
    bounds, powers = monomial
    names = {b[0]: sp.Dummy(integer=True) for b in bounds}
    return (
        [(names[i], low, high) for i, low, high in bounds],
        tuple((a.xreplace(names), k) for a, k in powers),
    )


def _named(bounds, powers):
    """The monomial with standard names for its bound indices: of the orders that may count, the first one as text."""
    if not bounds:
        return (), tuple(sorted(powers.items(), key=lambda p: sp.default_sort_key(p[0])))
    height = 1 + max((_height(s) for a in powers for s in a.atoms(sp.Symbol)), default=0)
    standard = [sp.Symbol(f"_{height}_{position}", integer=True) for position in range(len(bounds))]
    groups = _look_alike(bounds, powers) if len(bounds) > 1 else [bounds]
    orders = [
        [group] if _interchangeable(group, powers) else permutations(group) for group in groups
    ]
    named = [_rename(list(chain(*order)), standard, powers) for order in product(*orders)]
    return min(named, key=_as_text) if len(named) > 1 else named[0]


def _look_alike(bounds, powers):
    """The bounds in groups: by their ends, then by what they stand beside, until nothing changes."""
    letters = [b[0] for b in bounds]
    colour = {b[0]: str(b[1:]) for b in bounds}
    for _ in bounds:
        ranks = {
            c: sp.Symbol(f"_c{rank}", integer=True)
            for rank, c in enumerate(sorted(set(colour.values())))
        }
        finer = {
            i: f"{ranks[colour[i]]} "
            + " ".join(
                sorted(
                    f"{_text(a.xreplace({k: ranks[colour[k]] if k != i else ME for k in letters}))}^{p}"
                    for a, p in powers.items()
                    if i in a.free_symbols and not isinstance(a, Step)
                )
            )
            for i in letters
        }
        if len(set(finer.values())) == len(ranks):
            break
        colour = finer
    return [[b for b in bounds if colour[b[0]] == c] for c in sorted(set(colour.values()))]


ME = sp.Symbol("_me", integer=True)


def _interchangeable(group, powers):
    """Does nothing change where any two of them change places, as in x_i x_j?"""
    first, *others = (b[0] for b in group)
    items = set(powers.items())
    return all(
        {(a.xreplace({first: i, i: first}), k) for a, k in powers.items()} == items for i in others
    )


def _rename(order, standard, powers):
    names = {old[0]: new for old, new in zip(order, standard)}
    renamed = sorted(
        ((a.xreplace(names), k) for a, k in powers.items()),
        key=lambda p: (isinstance(p[0], Step), sp.default_sort_key(p[0])),
    )
    return tuple((names[i], low, high) for i, low, high in order), tuple(renamed)


@lru_cache(maxsize=20_000)
def _text(atom):
    return str(atom)


def _as_text(monomial):
    """What names are chosen by: steps last, and none the wrong way round if it can be helped."""
    steps = [a for a, _ in monomial[1] if isinstance(a, Step)]
    others = (monomial[0], tuple(p for p in monomial[1] if not isinstance(p[0], Step)))
    return (
        [(_text(a), k) for a, k in others[1]],
        str(others[0]),
        sum(_turned(step.args[0]) for step in steps),
        str(steps),
    )


def _height(symbol):
    """Standard names of sums inside an atom must not be taken again by the sum around it."""
    standard = re.fullmatch(r"_(\d+)_\d+", symbol.name)
    return int(standard[1]) if standard else 0
