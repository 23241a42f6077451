"""The mistakes that people really make in derivations, made on purpose, each with its kind and its
name.

`diagnose` makes every usual mistake from what is right and finds the one whose numbers are those of
what is wrong; the engine's refusals, the exercises and "bring your own" all ask it. Three tables
say what the mistakes in one formula are (`mutants`); `tree` adds those on the way down a chain of
definitions.
"""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import chain, combinations, islice, permutations
from numbers import Rational

import sympy as sp
from sympy import evaluate

from derivations.chain_rule import (
    SATURATING, Chain, Kind, lettered, right_formula, value_of, with_args)
from derivations.definitions import Depends, resolve, table_of
from derivations.errors import Undecided, WrongIndex
from derivations.normal_form import index_ranges
from derivations.printing import plain, show_number, to_mpf
from derivations.sampling import points, same_value
from derivations.symbols import Activation, Partial, base_of, names_in
from derivations.values import NoValue

ENOUGH = 6        # points at which a mistake must give what is claimed before it is named
CANDIDATES = 600  # mistakes that are tried
ROUGH = 1e-9      # values further apart than this are not looked at more closely
MAKES_NO_FORMULA = (NoValue, Undecided, ValueError, TypeError, AttributeError, IndexError, KeyError)


@dataclass
class Mistake:
    """A mistake: its kind, its name (or how that is worded), and the formula that it leads to.

    `reverse` words the same made the other way round ("" where that has a name of its own); a
    `rare` mistake is named only where no other one is it.
    """

    kind: Kind
    words: str | Callable
    formula: sp.Expr = None
    reverse: str | Callable = ""
    rare: bool = False

    @cached_property
    def name(self):
        return self.words() if callable(self.words) else self.words

    @cached_property
    def undone(self):
        return self.reverse() if callable(self.reverse) else self.reverse

    def __str__(self):
        return self.name

    @property
    def hint(self):
        """What helps against mistakes of this kind, as one sentence."""
        return self.kind.value


# Which mistake is it? ----------------------------------------------------------------------------


def diagnose(right, wrong, given=()):
    """The usual mistake that makes `wrong` of `right`; None if there is none, or they are equal.

    Parameters
    ----------
    right : sympy.Expr
        What is true, a number: a line as it is typed, or a question such as ``Partial(J, w[k])``.
    wrong : sympy.Expr or callable
        What is claimed; a callable takes a sample point and returns the value claimed there.
    given : iterable of Definition, or dict
        What the names stand for; a table as `table_of` makes it serves as well.

    Examples
    --------
    >>> from derivations.symbols import Partial
    >>> w, x = sp.symbols("w x", real=True)
    >>> diagnose(Partial((w*x)**2, w), 2*w*x).name
    'the factor x is missing'
    """
    table = given if isinstance(given, dict) else table_of(given)
    if wrong == 0:
        return Mistake(Kind.ZERO, "the claim is zero, the line before is not", sp.S.Zero)
    return _Diagnosis(right, wrong, table).mistake()


class _Diagnosis:
    """What is right and what is claimed at sample points, and the mistakes that are held against
    them."""

    def __init__(self, right, wrong, table):
        self.question, self.table, self.code = right, table, callable(wrong)
        self.right = opened(right, table)
        self.wrong = None if self.code else opened(wrong, table)
        self.letters = [] if self.code else self.loose(self.wrong)
        self.endless = not self.code and self.leaves_its_array()
        self.claimed = wrong if self.code else self.seen(self.wrong)

    def leaves_its_array(self):
        """Does an index of the claim run where its array has no entry? Then arrays are made
        endless."""
        try:
            index_ranges(self.right, self.wrong)
        except WrongIndex:
            return True
        return False

    # numbers

    @cached_property
    def places(self):
        """(point, right value, claimed value) where the two can be told apart, or are the same."""
        table = {}
        for definition in self.table.values() if self.endless else ():
            seen = definition.with_parts(lambda part: self.seen(opened(part, self.table)))
            table[base_of(seen.name)] = seen
        shown, found = self.seen(self.right), []
        for point in points([shown], table or self.table):
            try:
                pair = (point.value(shown),
                        self.claimed(point) if self.code else point.value(self.claimed))
                found += [(point, *pair)] if pair != (0, 0) and self.same(
                    point, shown, pair[1]) is not None else []
            except MAKES_NO_FORMULA:
                continue
            if len(found) == ENOUGH:
                break
        return found

    def same(self, point, formula, claimed):
        """Has a formula the value of the claim? None where this point cannot tell."""
        value = point.value(formula)
        if self.code:  # it computes with 16 digits
            return None if value == claimed == 0 else same_value(value, claimed, ROUGH)
        if value and claimed and not same_value(value, claimed, ROUGH):
            return False
        return point.same(formula, self.claimed)

    def fits(self, formula):
        """Has a formula the values of the claim wherever a point can tell, and at enough points?"""
        def agrees(point, right, claimed):
            same = self.same(point, formula, claimed)
            # where it is no accident that both are 0
            nought = same is None and claimed == 0 != right
            return True if nought and point.value(formula) == 0 else same

        return self.holds(agrees)

    def equals_right(self, formula, right=None):
        right = self.seen(self.right if right is None else right)
        return self.holds(lambda point, *values: point.same(right, self.seen(formula)))

    def holds(self, agrees):
        told = 0
        for place in self.places:
            try:
                said = agrees(*place)
            except MAKES_NO_FORMULA:
                return False
            if said is False:
                return False
            told += said is True
        return told >= min(len(self.places), ENOUGH // 2)

    # indices that no sum binds, under letters of their own: Sum's i and somebody's m are the same

    def loose(self, expr):
        return sorted(_indices(expr) & expr.free_symbols - self.right.free_symbols, key=str)

    def seen(self, expr):
        if self.letters:
            letters = enumerate(self.loose(expr))
            expr = expr.xreplace({i: sp.Symbol(f"_loose_{p}", integer=True) for p, i in letters})
        if self.endless:
            arrays = expr.atoms(sp.IndexedBase)
            expr = expr.xreplace({base: sp.IndexedBase(base.label, real=True) for base in arrays})
        return expr

    # what it is

    def mistake(self):
        """The first that fits: made in the right formula, undone in the claim, or told by the
        values."""
        if not any(self.same(point, self.seen(self.right), claimed) is False for point, _,
                   claimed in self.places):
            return None
        ways = ((self.made, self.by_ratio) if self.code
                else (self.made, self.undone, self.by_form, self.by_ratio))
        return next(chain.from_iterable(way() for way in ways), None)

    def made(self):
        """The usual mistakes in what is right that give the claim."""
        asked = isinstance(self.question, (Partial, sp.Symbol, sp.Indexed))
        lines = chain(() if asked else mutants(self.question),
                      tree(self.question, self.table, self.letters))
        for mistake in islice(lines, CANDIDATES):
            if self.fits(self.seen(mistake.formula)) and len(self.loose(mistake.formula)) == len(
                self.letters):
                yield mistake

    def undone(self):
        """The mistakes in the claim that have a name of their own when they are taken back."""
        back = () if self.letters else islice(mutants(self.wrong, reversible=True), CANDIDATES)
        for mistake in chain(_wrong_ranges(self.wrong), back):
            if not self.loose(mistake.formula) and self.equals_right(mistake.formula):
                yield Mistake(mistake.kind, mistake.undone, self.wrong)

    def by_form(self):
        yield from self.undefined()
        yield from self.normalised()
        for index in self.letters:
            yield Mistake(Kind.SUM, f"the index {plain(index)} is left over, no sum runs over it",
                          self.wrong)
        if self.endless:
            yield Mistake(Kind.INDEX,
                          "an index is wrong or two are swapped, as in a forgotten transpose",
                          self.wrong)

    def undefined(self):
        """A name that nothing defines, where a value is meant: y (1 - y) for the slope of
        sigmoid(z)."""
        known = names_in(self.question).union(*(
            names_in(d.name) | d.uses() for d in self.table.values()))
        names = {s for s in names_in(self.wrong) - known if s.is_Symbol and not s.is_integer}
        values = right_formula(self.question, self.table).atoms(sp.Function) if names else ()
        for name in sorted(names, key=str):
            for value in sorted(values, key=sp.default_sort_key):
                if self.equals_right(self.wrong.xreplace({name: value})):
                    yield Mistake(Kind.NAME,
                                  f"{plain(name)} stands for {plain(value)}, but nothing says so: "
                                             f"give Definition({name}, ...), or write "
                                             f"{plain(value)}", self.wrong)

    def normalised(self):
        """Right only where the entries of an array sum to 1, as labels and probabilities do."""
        both = [resolve(expr, self.table) for expr in (self.right, self.wrong)]
        held = {e.base for expr in both for p in expr.atoms(Partial) for e in p.atoms(sp.Indexed)}
        entries = {e for expr in both for e in expr.atoms(sp.Indexed)
                   if e.base.shape and e.base not in held}
        for entry in {e.base: e for e in sorted(
            both[0].atoms(sp.Indexed) & entries, key=sp.default_sort_key)}.values():
            swap = {e: e / _total_over(e) for e in entries if e.base == entry.base}
            if self.equals_right(*(expr.xreplace(swap) for expr in both[::-1])):
                total = plain(lettered(_total_over(entry)))
                yield Mistake(Kind.CONDITION,
                              f"it is right only where {total} = 1, and nothing says that it is; "
                                              f"without it the factor {total} is missing",
                                              self.wrong)

    def by_ratio(self):
        """A number, perhaps with a size as in 1/(2 n), by which the claim is wrong everywhere."""
        pairs = [[Fraction(v) if isinstance(v, int) else v for v in values] for _,
                 *values in self.places]
        if any((right == 0) != (yours == 0) for right, yours in pairs):
            return  # no factor makes a zero of what is none
        ratios = [(place[0], _ratio(yours, right)) for place,
                  (right, yours) in zip(self.places, pairs) if right]
        tolerance = (ROUGH,) if self.code else ()
        if len(ratios) > 1 and all(same_value(ratio, ratios[0][1], *tolerance) for _,
                                   ratio in ratios):
            yield Mistake(Kind.FACTOR,
                          f"it is {show_number(ratios[0][1])} times the right one, everywhere")
        exact = [(point.size, Fraction(ratio)) for point,
                 ratio in ratios if isinstance(ratio, Rational)]
        for size in sorted(exact[0][0], key=str) if len(exact) > 1 else ():
            for power in (-1, 1):
                found = {ratio / Fraction(sizes[size])**power for sizes, ratio in exact}
                if len(found) == 1 and len({sizes[size] for sizes, _ in exact}) > 1:
                    factor = plain(sp.Rational(found.pop()) * size**power)
                    yield Mistake(Kind.MEAN, f"it is {factor} times the right one, everywhere")


def opened(expr, table):
    """The expression with its derivatives taken; the names in it stay."""
    if not expr.has(Partial):
        return expr
    try:
        with evaluate(True):
            return lettered(Chain(table).line(expr))
    except Undecided:
        return resolve(expr, table)


def _ratio(first, second):
    exact = isinstance(first, Fraction) and isinstance(second, Fraction)
    return first / second if exact else to_mpf(first) / to_mpf(second)


def _total_over(entry):
    """The sum of an array over its last index, at the others as they are."""
    index = sp.Dummy("k", integer=True)
    return sp.Sum(entry.base[(*entry.indices[:-1], index)], (index, 1, entry.base.shape[-1]))


# In one formula, as it is typed ------------------------------------------------------------------


@dataclass
class Slip:
    """A row of a table: `make` yields what stands there by mistake, and what fills the gaps in
    `words`.

    `back` words the reverse; `on` says in which parts of a formula it is made.
    """

    kind: Kind
    words: str
    make: Callable
    back: str = ""
    rare: bool = False
    on: type | tuple = sp.Expr

    def made(self, part, formula):
        for wrong, *told in self.make(part, formula):
            reverse = _worded(self.back, told) if self.back else ""
            yield Mistake(self.kind, _worded(self.words, told), wrong, reverse, self.rare)


def _worded(words, told):
    return lambda: words.format(*(plain(t) if isinstance(t, sp.Basic) else t for t in told))


class _Formula:
    """What the slips in one part may take from the whole formula."""

    def __init__(self, expr, letters=()):
        self.expr, own = expr, sorted(_indices(expr), key=str)
        self.indices = [*letters, *own] if own else []
        self.entries = sorted(expr.atoms(sp.Indexed), key=str)
        self.sizes = sorted(_sizes(expr), key=str)
        leaves = (e for e in expr.atoms(sp.Indexed, sp.Symbol) if e.is_real and not e.is_integer)
        self.leaves = sorted(leaves, key=sp.default_sort_key)
        self.layers = sorted({e.base for e in self.entries if "^" in str(e.base.label)}, key=str)

    def parts(self, kind):
        return sorted(self.expr.atoms(kind) if isinstance(kind, type) else self.expr.atoms(*kind),
                      key=str)


def mutants(expr, letters=(), reversible=False):
    """Every usual mistake in a formula, as `Mistake`s; the formula is taken in the form in which it
    was typed.

    Where an index runs, `letters` are tried first in its place: those that somebody wrote. Of the
    `reversible` mistakes the reverse has a name of its own.

    >>> a, b = sp.symbols("a b")
    >>> print(*(f"{m.name}: {m.formula}" for m in mutants(a*b)[:2]), sep="; ")
    the sign is wrong: -a*b; a factor 2 is too many: 2*a*b
    """
    return [*_whole(expr), *_within(expr, letters, reversible)]


def _whole(expr):
    with evaluate(False):
        expr = lettered(expr)
        formula = _Formula(expr)
        return [mistake for slip in OF_THE_WHOLE for mistake in slip.made(expr, formula)]


def _within(expr, letters=(), reversible=False):
    with evaluate(False):
        expr = lettered(expr)
        formula = _Formula(expr, letters)
        found = [m for slip in THROUGHOUT if not reversible for m in slip.made(expr, formula)]
        places = [(path, mistake) for path, part in _parts(expr, ()) for slip in IN_A_PART
                  if isinstance(part, slip.on) and (slip.back or not reversible)
                  for mistake in slip.made(part, formula)]
        repeated = [] if reversible else list(_repeated(expr, places))
        for path, mistake in places:
            mistake.formula = _replaced(expr, {path: mistake.formula})
    return sorted([*found, *(mistake for _, mistake in places), *repeated],
                  key=lambda mistake: mistake.rare)


def _parts(expr, path):
    """Every part of an expression with the path to it. What a derivative is taken of is left
    alone."""
    if isinstance(expr, sp.Tuple) or not isinstance(expr, sp.Expr):
        return
    yield path, expr
    if not isinstance(expr, (sp.Indexed, Partial)):
        for position, arg in enumerate(expr.args):
            yield from _parts(arg, (*path, position))


def _replaced(expr, new):
    """The expression with other parts at some paths: {path: part}."""
    if () in new:
        return new[()]
    within = {}
    for path, part in new.items():
        within.setdefault(path[0], {})[path[1:]] = part
    return with_args(expr, [_replaced(a, within[p]) if p in within else a for p,
                            a in enumerate(expr.args)])


def _repeated(expr, places):
    """The same slip made in every like part at once, as with x_ik and x_jk both turned round."""
    alike = {}
    for path, mistake in places:
        if mistake.kind in (Kind.TRANSPOSE, Kind.ARGUMENT, Kind.VALUE, Kind.EXPONENT):
            alike.setdefault(mistake.kind, {}).setdefault(path, mistake)
    for kind, found in alike.items():
        apart = {path: m for path,
                 m in found.items() if not any(path != p == path[:len(p)] for p in found)}
        if len(apart) > 1:
            words = lambda all=apart.values(): f"the same slip {len(all)} times: " + "; ".join(
                dict.fromkeys(m.name for m in all))
            yield Mistake(kind, words,
                          _replaced(expr, {path: m.formula for path, m in apart.items()}))


# in the whole of a formula


def _renamed(expr, mine, other):
    if isinstance(mine, sp.Symbol):
        return expr.xreplace({mine: other})
    return expr.xreplace({e: other[e.indices] for e in expr.atoms(sp.Indexed) if e.base == mine})


def _exchanged(expr, formula):
    """Two numbers exchanged wherever they occur as indices, unless the array is too small."""
    for one, two in combinations(sorted({i for e in formula.entries for i in e.indices
                                         if i.is_Integer}), 2):
        swap, new = {one: two, two: one}, {}
        for e in formula.entries:
            sizes = e.base.shape or e.indices
            fits = [not (size.is_Integer and i.is_Integer) or swap.get(i, i) <= size for size,
                    i in zip(sizes, e.indices)]
            new[e] = e.base[tuple(swap.get(i, i) if fit else i for i, fit in zip(e.indices, fits))]
        yield expr.xreplace(new), one, two


def _squared(expr, formula):
    by = {e for p in expr.atoms(Partial) for e in p.variable.atoms(sp.Indexed)}
    for entry in formula.entries:
        if entry.base in formula.layers and entry not in by:
            yield expr.xreplace({entry: entry**2}), entry


def _other_layer(expr, formula):
    for mine, other in permutations(formula.layers, 2):
        if _stem(mine) == _stem(other) and len(mine.shape) == len(other.shape):
            yield _renamed(expr, mine, other), other.label, mine.label


def _over_all(make):
    """A slip in the whole, made for every number that counts something."""
    return lambda expr, formula: ((make(expr, size), size) for size in formula.sizes)


AT_THE_ACTIVATION = "{} is taken at the activation instead of the pre-activation"
STANDS_FOR = "{} stands where {} is meant"

OF_THE_WHOLE = [
    Slip(Kind.SIGN, "the sign is wrong", lambda e, formula: [(-e,)]),
    Slip(Kind.FACTOR, "a factor 2 is too many", lambda e, formula: [(2*e,)]),
    Slip(Kind.FACTOR, "a factor 2 is missing, or a ½ too many", lambda e, formula: [(e/2,)]),
    Slip(Kind.MEAN, "a factor {} is too many: a sum stands where a mean is meant",
         _over_all(lambda e, n: n*e)),
    Slip(Kind.MEAN, "a factor 1/{} is too many", _over_all(lambda e, n: e/n)),
    Slip(Kind.SUM, "only the diagonal is left, but every output depends on every input",
         lambda e, formula: [(delta*e,) for delta in formula.parts(sp.KroneckerDelta)]),
]
THROUGHOUT = [
    Slip(Kind.ARGUMENT, AT_THE_ACTIVATION,
         lambda e, formula: [(e.xreplace({a: a.func(a)}), a) for a in formula.parts(SATURATING)]),
    Slip(Kind.NAME, STANDS_FOR,
         lambda e, formula: [(e.xreplace({a: a.args[0]}), a.args[0], a)
                             for a in formula.parts(SATURATING)]),
    Slip(Kind.INDEX,
         "the indices {} and {} are exchanged throughout, as if to and from were swapped",
         _exchanged),
    Slip(Kind.POWER, "{} is squared: an upper index counts layers, it is no power", _squared),
    Slip(Kind.INDEX, "the wrong layer: {} stands where {} is meant", _other_layer),
    Slip(Kind.FACTOR, "a factor 2 is too many, twice over", lambda e, formula: [(4*e,)], rare=True),
    Slip(Kind.FACTOR, "a factor 2 is missing, twice over", lambda e, formula: [(e/4,)], rare=True),
    Slip(Kind.MEAN, "1/{} stands where 1/{} is meant", lambda e, formula: [
        (e*one/other, other, one) for one, other in permutations(formula.sizes, 2)], rare=True),
]


# in one part of it


def _product(factors):
    return sp.S.One if not factors else factors[0] if len(factors) == 1 else sp.Mul(*factors)


def _slopes_in(product):
    """(f, g, the other factors) for the factors of a slope a (1 - a), or of e^-z / (1 + e^-z)^2."""
    factors = sp.Mul.make_args(product)
    for f in factors:
        for g in factors if len(factors) > 1 else ():
            if g.is_Add and _complement(g) in (
                f, -f) or g.is_Pow and g.exp == -2 and _complement(g.base) in (f, -f):
                yield f, g, [h for h in factors if h is not f and h is not g]


def _complement(e):
    """a of 1 - a, or -a of 1 + a; None of all else."""
    with evaluate(True):
        return 1 - e if e.is_Add and len(e.args) == 2 and 1 in e.args else None


def _value_in_slope(product, formula):
    for f, g, rest in _slopes_in(product):
        for leaf in formula.leaves if g.is_Add else ():
            if leaf != f and not f.has(leaf):
                yield _product([*rest, leaf, 1 - leaf]), leaf, f


def _without_one(part, formula):
    for position, arg in enumerate(part.args):
        rest = [a for p, a in enumerate(part.args) if p != position]
        if (arg != 1 or part.is_Add) and rest:
            yield rest[0] if len(rest) == 1 else part.func(*rest), arg


def _with_other_term(change):
    """One term of a sum changed."""
    def make(total, formula):
        for position, term in enumerate(total.args):
            for new, *told in change(term):
                yield total.func(*(new if p == position else a for p,
                                   a in enumerate(total.args))), term, *told
    return make


def _summed(term):
    for index, size in _free_ranges(term):
        letter = sp.Dummy(index.name, integer=True)
        yield lettered(sp.Sum(term.xreplace({index: letter}), (letter, 1, size))), index


def _free_ranges(term):
    """(index, last value) for the free indices of a term, read off the arrays they stand on."""
    free = term.free_symbols
    uses = {i: size for e in term.atoms(sp.Indexed) for i,
            size in zip(e.indices, e.base.shape or ())}
    return sorted(((i, size) for i, size in uses.items() if i.is_Symbol and i in free), key=str)


def _exponents(power, formula):
    for wrong in (1, -1) if power.exp.is_Integer and power.exp > 1 else ():
        yield power.base**(int(power.exp) + wrong), power.exp, sp.Integer(int(power.exp) + wrong)


def _at_its_value(part, formula):
    if part.order:
        value = type(part).below(part.args[0])
        yield type(part)(value), part, value, part.args[0]


def _swapped(entry, formula):
    if len(entry.indices) == 2 and entry.indices[0] != entry.indices[1]:
        yield entry.base[entry.indices[::-1]], entry


def _other_index(entry, formula):
    """Another letter, or another number: all of a small array, the first two of one of unknown
    size."""
    for position, index in enumerate(entry.indices):
        size = entry.base.shape[position] if entry.base.shape else sp.S.One
        numbers = range(1, min(int(size) if size.is_Integer else 2, 4) + 1)
        for other in [*formula.indices, *map(sp.Integer, numbers)]:
            if other != index:
                wrong = entry.base[tuple(other if p == position else i for p,
                                         i in enumerate(entry.indices))]
                number = index.is_Symbol and other.is_Integer
                yield wrong, wrong, entry, f": a number where {plain(index)} runs" if number else ""


def _one_term(total, formula):
    (bound, _, high), *_ = total.limits
    for index in [*(i for i, size in _free_ranges(total) if size == high), sp.S.One, sp.Integer(2)]:
        why = ": an output treated elementwise" if index.is_Symbol else ""
        yield total.function.xreplace({bound: index}), bound, index, why


def _range(total, formula):
    (bound, low, high), *rest = total.limits
    with evaluate(True):
        later, sooner = low + 1, high - 1
    for words, new, old, limits in [("begins with", later, low, (later, high)),
                                    ("ends at", sooner, high, (low, sooner))]:
        yield sp.Sum(total.function, (bound, *limits), *rest), bound, words, new, old


def _separate(total, formula):
    if isinstance(total.function, sp.exp):
        for index in formula.indices:
            yield (1 + total.function.xreplace({total.limits[0][0]: index}),)


def _activation_value(part, formula):
    return ([(type(part).below(part.args[0]), type(part).below(part.args[0]), part)] if part.order
            else [])


IN_A_PART = [
    Slip(Kind.SLOPE, "the slope {} is left out", lambda e, formula: [
        (_product(rest), f*g) for f, g, rest in _slopes_in(e)],
        "the slope {} is one factor too many", on=sp.Mul),
    Slip(Kind.NAME, STANDS_FOR + " in the slope", _value_in_slope, rare=True, on=sp.Mul),
    Slip(Kind.FACTOR, "the factor {} is missing", _without_one, "the factor {} is one too many",
         on=sp.Mul),
    Slip(Kind.TERM, "the term {} is missing", _without_one, "the term {} is one too many",
         on=sp.Add),
    Slip(Kind.SIGN, "the sign of the term {} is wrong", _with_other_term(lambda t: [(-t,)]),
         on=sp.Add),
    Slip(Kind.FACTOR, "the term {} is twice too large", _with_other_term(
        lambda t: [] if t.is_number else [(2*t,)]), rare=True, on=sp.Add),
    Slip(Kind.FACTOR, "the term {} is half of what it should be", _with_other_term(
        lambda t: [] if t.is_number else [(t/2,)]), rare=True, on=sp.Add),
    Slip(Kind.SUM, "the term {0} is summed over all {1}, where only its own {1} is meant",
         _with_other_term(_summed), rare=True, on=sp.Add),
    Slip(Kind.EXPONENT, "the exponent {} became {}", _exponents, "the exponent {1} became {0}",
         on=sp.Pow),
    Slip(Kind.ARGUMENT, "{} is taken at {} instead of {}", _at_its_value, on=Activation),
    Slip(Kind.VALUE, "{} stands where its slope {} is meant", _activation_value, on=Activation),
    Slip(Kind.ARGUMENT, AT_THE_ACTIVATION, lambda e, formula: [(e.func(e), e)], on=SATURATING),
    Slip(Kind.TRANSPOSE, "the indices of {} are swapped: a transpose", _swapped, on=sp.Indexed),
    Slip(Kind.INDEX, "an index is wrong: {} for {}{}", _other_index, on=sp.Indexed),
    Slip(Kind.SUM, "the sum is lost", lambda total, formula: [(total.function,)], on=sp.Sum),
    Slip(Kind.SUM, "only the term {} = {} of the sum is left{}", _one_term, on=sp.Sum),
    Slip(Kind.RANGE, "the sum over {} {} {} instead of {}", _range, on=sp.Sum),
    Slip(Kind.SUM,
         "separate sigmoids stand where softmax is meant: they do not share a denominator",
         _separate, on=sp.Sum),
]


def _wrong_ranges(wrong):
    """Sums whose index leaves the array it stands on, or stops before its end, with the range put
    right."""
    for total in sorted(wrong.atoms(sp.Sum), key=sp.default_sort_key):
        for position, (index, low, high) in enumerate(total.limits):
            ends = {size for e in total.function.atoms(sp.Indexed)
                    for i, size in zip(e.indices, e.base.shape or ()) if i == index}
            for size in sorted(ends - {high}, key=str):
                limits = [(index, low, size) if p == position else limit for p,
                          limit in enumerate(total.limits)]
                name = f"the sum over {plain(index)} runs to {plain(high)} instead of {plain(size)}"
                yield Mistake(Kind.RANGE, name,
                              wrong.xreplace({total: sp.Sum(total.function, *limits)}), name)


def _indices(expr):
    return {i for entry in expr.atoms(sp.Indexed) for i in entry.indices if i.is_Symbol}


def _sizes(expr):
    limits = [high for s in expr.atoms(sp.Sum) for _, _, high in s.limits]
    shapes = [size for e in expr.atoms(sp.Indexed) for size in e.base.shape or ()]
    return {s for s in limits + shapes if s.is_Symbol}


# The tree of mistakes of a question --------------------------------------------------------------


def tree(question, table, letters=()):
    """Every usual mistake for a question such as Partial(J, w[k]), from its right answer; the
    likeliest first.

    Faults of the chain rule are made on the way down the definitions in `table`, the rest in the
    right formula. Two names may lead to one formula: the first is the one to tell.
    """
    right = right_formula(question, table)
    found = chain(_whole(right), _per_sample(right), _on_the_way(question, table),
                  _within(right, letters),
                  _forgotten(right, table), _slope_too_many(right, table),
                  _other_names(right, table),
                  _other_variables(question, table))
    return (m for m in found if not (isinstance(m.formula, sp.Sum) and m.formula.function == 0))


ORDER = (Kind.SLOPE, Kind.ARGUMENT, Kind.NAME, Kind.VALUE, Kind.INTEGRAL, Kind.EXPONENT, Kind.INNER)


def _on_the_way(question, table):
    if isinstance(question, (sp.Symbol, sp.Indexed)) and base_of(question) in table:
        question = table[base_of(question)].at(getattr(question, "indices", ()))
    way = Chain(table, faulty=True)
    try:
        lines = way.lines(question)
    except Undecided:  # no rule by hand
        return
    for fault in sorted(lines.wrong, key=lambda fault: ORDER.index(fault[1])):
        yield Mistake(fault[1], way.told[fault], lines.wrong[fault])


def _per_sample(right):
    """The loss of one sample in the place of the mean over all of them."""
    for total in sorted(right.atoms(sp.Sum), key=sp.default_sort_key):
        (index, _, high), *_ = total.limits
        if len(total.limits) == 1 and sp.Mul.make_args(right).count(1/high):
            name = (
                f"the loss of one sample is differentiated instead of the cost, the mean over "
                f"{plain(index)}")
            yield Mistake(Kind.SHARE, name, (right*high).xreplace({total: total.function}))


def _forgotten(right, table):
    """The bias left out of all sums: a formula in which it is 0."""
    biases = {b for d in table.values() for b in _uses_of(d) if _stem(b) == "b" and b not in table}
    opened = resolve(right, table) if biases else right
    for leaf in sorted(biases, key=str):
        zero = {e: sp.S.Zero for e in opened.atoms(sp.Indexed, sp.Symbol) if base_of(e) == leaf}
        if zero and opened.xreplace(zero) != opened:
            yield Mistake(Kind.TERM, f"the bias {plain(_word(leaf))} is forgotten",
                          opened.xreplace(zero))


def _slope_too_many(right, table):
    """The slope of a function once more, as with squared error where the cross-entropy has
    cancelled it."""
    for value in sorted(right.atoms(sp.Indexed, sp.Symbol, sp.Function), key=sp.default_sort_key):
        body = value_of(value, table)
        if isinstance(body, (Activation, *SATURATING)):
            with evaluate(True):
                slope = body.fdiff().xreplace({body: value})
            sums = [s for s in right.atoms(sp.Sum)
                    if s.has(value) and {i for i, *_ in s.limits} & value.free_symbols]
            inner = min(sums, key=sp.count_ops, default=right)
            times = sp.Sum(inner.function*slope, *inner.limits) if sums else right*slope
            yield Mistake(Kind.SLOPE, f"the slope {plain(slope)} is one factor too many",
                          right.xreplace({inner: times}))


def _other_names(right, table):
    """One name for another of the same shape: z for a, y for y_hat, the layer before for the layer
    behind."""
    bases = {base_of(part) for d in table.values()
             for part in (d.name, *_uses_of(d))} | _bases(right)
    # the name of a derivative is one name
    hold = {p: sp.Dummy(real=True) for p in right.atoms(Partial)}
    back, right = {dummy: p for p, dummy in hold.items()}, right.xreplace(hold)
    for mine in sorted(_bases(right) - back.keys(), key=str):
        for other in sorted(bases - {mine}, key=str):
            if _rank(mine) == _rank(other) and _akin(mine, other, table):
                yield Mistake(Kind.NAME, _worded(STANDS_FOR, (_word(other), _word(mine))),
                              _renamed(right, mine, other).xreplace(back))


def _akin(mine, other, table):
    """Two names that are taken for each other: one is made of the other, or they differ by a layer
    or a hat."""
    made = [other in _uses_of(table[one]) for one,
            other in ((mine, other), (other, mine)) if one in table]
    return any(made) or _stem(mine).partition("_")[0] == _stem(other).partition("_")[0]


def _other_variables(question, table):
    """The right derivative by another variable of the same function."""
    if not isinstance(question, Partial) or not isinstance(question.expr, (sp.Symbol, sp.Indexed)):
        return
    v, way = question.variable, Chain(table)
    leaves = set().union(*(_uses_of(d) for d in table.values()
                           if not isinstance(d, Depends))) - {base_of(v)}
    for leaf in sorted(leaves, key=str):
        indices = getattr(v, "indices", ()) if isinstance(leaf, sp.IndexedBase) else ()
        if _rank(leaf) != len(indices):
            continue
        other = leaf[indices] if indices else leaf
        if other != question.expr and way.reaches(question.expr, other):
            name = f"this is the derivative by {plain(other)} instead of {plain(v)}"
            yield Mistake(Kind.VARIABLE, name, way.line(Partial(question.expr, other)))


def _word(base):
    return base.label if isinstance(base, sp.IndexedBase) else base


def _stem(base):
    return str(_word(base)).partition("^")[0]


def _rank(base):
    return len(base.shape or ()) if isinstance(base, sp.IndexedBase) else 0


def _uses_of(definition):
    return sorted(_bases(definition.name) | {u for u in definition.uses() if not u.is_integer},
                  key=str)


def _bases(expr):
    arrays = {e.base for e in expr.atoms(sp.Indexed)}
    labels = {base.label for base in arrays}
    return arrays | {s for s in expr.free_symbols
                     if s.is_Symbol and not s.is_integer and s not in labels}
