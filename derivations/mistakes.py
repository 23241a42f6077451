"""The mistakes that people really make in derivations, made on purpose, each with its kind and
name.

`diagnose` makes every usual mistake from what is right and finds the one whose numbers are those of
what is wrong; the engine's refusals, the exercises and "bring your own" all ask it. Tables say what
the mistakes in one formula are (`mutants`); `tree` adds those on the way down the definitions.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache, partial
from itertools import chain, combinations, count, islice, permutations, product, tee
from typing import NamedTuple

import sympy as sp
from sympy import evaluate

from derivations import chain_rule
from derivations.chain_rule import SATURATING, Chain, Kind, right_formula
from derivations.definitions import Depends, put, resolve, table_of
from derivations.errors import Undecided, WrongIndex, ratio_of
from derivations.places import index_ranges, indices_of, ranges_in, stands
from derivations.printing import lettered, number_last, plain, show_number, to_mpf, with_args
from derivations.sampling import points, same_value
from derivations.symbols import (
    Activation,
    Partial,
    base_of,
    label_of,
    letters_of,
    names_in,
    shape_of,
)
from derivations.values import NoValue

ENOUGH = 4        # points at which a mistake must give what is claimed before it is named
CANDIDATES = 600  # mistakes that are tried
ROUGH = 1e-9      # values further apart than this are not looked at more closely
NO_FORMULA = NoValue, Undecided, ValueError, TypeError, AttributeError, IndexError, KeyError


@dataclass
class Mistake:
    """A mistake: its kind, its name or what words it, and the formula that it leads to.

    `reverse` words the same made the other way round; "" where that has a name of its own.
    """

    kind: Kind
    words: str | Callable
    formula: sp.Expr = None
    reverse: str | Callable = ""
    name = property(lambda self: self.words() if callable(self.words) else self.words)
    undone = property(lambda self: self.reverse() if callable(self.reverse) else self.reverse)
    hint = property(lambda self: self.kind.value, doc="What helps against it, as one sentence.")

    def __str__(self):
        return self.name


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
    'the exponent 2 became 1'
    """
    table = given if isinstance(given, dict) else table_of(given)
    with suppress(*NO_FORMULA):
        return _Diagnosis(right, wrong, table).mistake()
    return None


class _Diagnosis:
    """What is right and what is claimed at sample points, against which mistakes are held."""

    def __init__(self, right, wrong, table):
        self.question, self.table, self.code = right, table, callable(wrong)
        self.right = opened(right, table)
        self.wrong = None if self.code else opened(wrong, table)
        self.letters = [] if self.code else self.loose(self.wrong)
        self.endless = not self.code and self.leaves_its_array()
        self.goal, self.claim = self.seen(self.right), None if self.code else self.seen(self.wrong)
        self.claimed = lru_cache(wrong if self.code else lambda point: point.value(self.claim))
        self.others = points([self.goal], self.seen_table())
        self.places = list(islice(self.told_apart(), ENOUGH))
        self.others = list(self.others)

    # indices that no sum binds, under letters of their own: Sum's i and somebody's m are the same;
    # and arrays without an end, where an index of the claim runs beyond

    def loose(self, expr):
        free = {i for _, _, i, bound in stands(expr) if i.is_Symbol and i not in bound}
        return sorted(free - letters_of(self.right), key=str)

    def leaves_its_array(self):
        try:
            index_ranges(self.right, self.wrong)
        except WrongIndex:
            return True
        return False

    def seen(self, expr):
        if self.letters:
            own = (sp.Symbol(f"_loose_{p}", integer=True) for p in count())
            expr = put(expr, dict(zip(self.loose(expr), own)))
        if self.endless:
            arrays = expr.atoms(sp.IndexedBase)
            expr = expr.xreplace({a: sp.IndexedBase(a.label, real=True) for a in arrays})
        return expr

    def seen_table(self):
        if not self.endless:
            return self.table
        change = lambda part: self.seen(opened(part, self.table))
        seen = [definition.with_parts(change) for definition in self.table.values()]
        return {base_of(definition.name): definition for definition in seen}

    # numbers

    def told_apart(self):
        """(point, right value, claimed value), where it can be told whether they are the same."""
        for point in self.others:
            with suppress(*NO_FORMULA):
                if self.same(point, self.goal) is not None:
                    yield point, point.value(self.goal), self.claimed(point)

    def same(self, point, formula, other=None):
        """Has it the value of the claim, or of `other`? None where this point cannot tell."""
        value = point.value(formula)
        claimed = self.claimed(point) if other is None else point.value(other)
        if value == claimed == 0:  # no accident where what is right is not 0
            return other is None and point.value(self.goal) != 0 or None
        is_near = same_value(value, claimed, ROUGH)
        if not is_near and abs(to_mpf(value) - to_mpf(claimed)) > ROUGH:
            return False
        if self.code:  # it computes with 16 digits
            return is_near or None
        return point.same(formula, self.claim if other is None else other)

    def holds(self, formula, other=None):
        """Has it the value of the claim, or of `other`, wherever that can be told?"""
        formula, other, told = self.seen(formula), other and self.seen(other), 0
        for point in (*(point for point, *_ in self.places), *self.others):
            try:
                same = self.same(point, formula, other)
            except NO_FORMULA:
                same = None if point in self.others else False
            if same is False:
                return False
            told += same is True
        return told >= min(len(self.places), ENOUGH - 1)

    # what it is

    def mistake(self):
        """The first that fits: made in the right formula, undone in the claim, or by the values."""
        if not any(self.same(point, self.goal) is False for point, *_ in self.places):
            return None
        formula = self.undone(), self.undefined(), self.normalised(), self.indices()
        ways = self.made(), *(() if self.code else formula), self.by_ratio()
        return next(chain.from_iterable(map(_as_far_as_it_goes, ways)), None)

    def made(self):
        """The usual mistakes in what is right that give the claim."""
        if self.holds(sp.S.Zero):
            yield Mistake(Kind.ZERO, "the claim is zero, the line before is not", sp.S.Zero)
        asked = isinstance(self.question, (Partial, sp.Symbol, sp.Indexed))
        lines = chain(() if asked else mutants(self.question),
                      tree(self.question, self.table, self.letters))
        for mistake in islice(lines, CANDIDATES):
            as_many = len(self.loose(mistake.formula)) == len(self.letters)
            may_be = mistake.kind is not Kind.RANGE or self.may_begin(mistake.formula)
            if as_many and may_be and self.holds(mistake.formula):
                yield mistake

    def may_begin(self, formula):
        """Of like terms it does not matter which is lost, but where the claim says it."""
        if self.code:
            return True
        ends = lambda limit: tuple(end.doit() for end in limit[1:])
        typed = {ends(limit) for total in self.wrong.atoms(sp.Sum) for limit in total.limits}
        return all(total.function.has(limit[0]) or ends(limit) in typed
                   for total in formula.atoms(sp.Sum) for limit in total.limits)

    def undone(self):
        """The mistakes in the claim that have a name of their own when they are taken back."""
        back = [mistake for mistake in mutants(self.wrong) if mistake.reverse]
        ranges = [mistake for mistake in back if mistake.kind is Kind.RANGE]
        for mistake in (*ranges, *(() if self.letters else back[:CANDIDATES])):
            if not self.loose(mistake.formula) and self.holds(mistake.formula, self.right):
                yield Mistake(mistake.kind, mistake.undone, self.wrong)

    def undefined(self):
        """A name that nothing defines for a value or another name: y (1 - y) for σ'(z)."""
        parts = (names_in(d.name) | d.uses() for d in self.table.values())
        mine = names_in(self.question).union(*parts)
        foreign = [e for e in _quantities(self.wrong) if base_of(e) not in mine]
        here = [e for e in _quantities(self.right) if base_of(e) in mine]
        values = right_formula(self.question, self.table).atoms(sp.Function) if foreign else ()
        values = sorted(values, key=sp.default_sort_key)
        for name in foreign:
            likest = sorted(here, key=lambda e: str(e).lower() != str(name).lower())
            for meant in (*values, *likest):
                if self.holds(self.wrong.xreplace({name: meant}), self.right):
                    told = ("{0} stands for {1}, but nothing says so: give Definition({2}, ...), "
                            "or write {1}" if meant in values else "{0} stands where {1} is meant, "
                            "and nothing says what {0} is")
                    yield Mistake(Kind.NAME, _worded(told, (name, meant, str(name))), self.wrong)
        known = ", ".join(sorted({plain(label_of(base)) for base in mine if _is_quantity(base)}))
        for name in foreign:
            yield Mistake(Kind.NAME, _worded(
                "{} occurs neither in the line before nor in what is given: there are {}",
                (label_of(base_of(name)), known)), self.wrong)

    def normalised(self):
        """Right only where the entries of an array sum to 1, as labels and probabilities do."""
        both = [resolve(expr, self.table) for expr in (self.right, self.wrong)]
        if any(map(chain_rule.is_long, both)):
            return
        held = {e.base for expr in both for p in expr.atoms(Partial) for e in p.atoms(sp.Indexed)}
        arrays = {e.base: e for e in sorted(both[0].atoms(sp.Indexed), key=sp.default_sort_key)
                  if e.base.shape and e.base not in held}
        for base, entry in arrays.items():
            one, two = ([expr.xreplace({e: total*e / _total_over(e) for e in expr.atoms(sp.Indexed)
                                        if e.base == base}) for expr in both] for total in (1, 2))
            if self.holds(*one) and not self.holds(*two):
                total = plain(lettered(_total_over(entry)))
                yield Mistake(Kind.CONDITION, (
                    f"it is right only where {total} = 1, and nothing says that it is; "
                    f"without it the factor {total} is missing"), self.wrong)

    def indices(self):
        for index in self.letters:
            words = f"the index {plain(index)} is left over, no sum runs over it"
            yield Mistake(Kind.SUM, words, self.wrong)
        if self.endless:
            words = "an index is wrong or two are swapped, as in a forgotten transpose"
            yield Mistake(Kind.INDEX, words, self.wrong)

    def by_ratio(self):
        """A number, perhaps with a size as in 1/(2 n), by which the claim is wrong everywhere."""
        if any((right == 0) != (claimed == 0) for _, right, claimed in self.places):
            return  # no factor makes a zero of what is none
        ratios = [(p.size, ratio_of(claimed, right)) for p, right, claimed in self.places if right]
        near = (ROUGH,) if self.code else ()
        if len(ratios) > 1 and all(same_value(ratio, ratios[0][1], *near) for _, ratio in ratios):
            words = f"it is {show_number(ratios[0][1])} times the right one, everywhere"
            yield Mistake(Kind.FACTOR, words)
        exact = len(ratios) > 1 and all(isinstance(ratio, Fraction) for _, ratio in ratios)
        sizes = sorted(ratios[0][0], key=str) if exact else ()
        for size, power in product(sizes, (-1, 1)):
            found = {ratio / Fraction(at[size])**power for at, ratio in ratios}
            if len(found) == 1 < len({at[size] for at, _ in ratios}):
                factor = plain(sp.Rational(found.pop()) * size**power)
                yield Mistake(Kind.MEAN, f"it is {factor} times the right one, everywhere")


def opened(expr, table):
    """The expression with its derivatives taken; the names in it stay."""
    if not expr.has(Partial):
        return expr
    with evaluate(True), suppress(*NO_FORMULA):
        return lettered(chain_rule.differentiated(expr, table))
    return expr  # it has its numbers all the same


def _quantities(expr):
    """The symbols and entries in it, but for what counts."""
    labels = {e.base.label for e in expr.atoms(sp.Indexed)}
    return [e for e in sorted(expr.atoms(sp.Symbol, sp.Indexed) - labels, key=str)
            if _is_quantity(e)]


def _is_quantity(name):
    return bool(name.is_real) and not name.is_integer


def _total_over(entry):
    """The sum of an array over its last index, at the others as they are."""
    index = sp.Dummy("k", integer=True)
    return sp.Sum(entry.base[(*entry.indices[:-1], index)], (index, 1, entry.base.shape[-1]))


# In one formula, as it is typed ------------------------------------------------------------------


class Slip(NamedTuple):
    """A row of a table: `make(part, formula)` gives what stands there by mistake, and what is told.

    `on` says in which parts of a formula it is made, () that it is made in all of it at once;
    `back` words the reverse.
    """

    kind: Kind
    words: str
    make: Callable
    on: type | tuple = ()
    back: str = ""

    def made(self, part, formula):
        for wrong, *told in self.make(part, formula):
            reverse = _worded(self.back, told) if self.back else ""
            yield Mistake(self.kind, _worded(self.words, told), wrong, reverse)


def _worded(words, told):
    return lambda: words.format(*(plain(t) if isinstance(t, sp.Basic) else t for t in told))


class _Formula:
    """What the slips in one part may take from the whole formula.

    Where an index runs, `letters` are tried first in its place: those that somebody wrote.
    """

    def __init__(self, expr, letters):
        self.expr, self.entries = expr, sorted(expr.atoms(sp.Indexed), key=str)
        own = {index for _, _, index, _ in stands(expr) if index.is_Symbol}
        self.indices = [*letters, *sorted(own, key=str)] if own else []
        ends = {high for s in expr.atoms(sp.Sum) for _, _, high in s.limits}
        ends |= {size for e in self.entries for size in e.base.shape or ()}
        self.sizes = sorted((size for size in ends if size.is_Symbol), key=str)
        self.layers = sorted({e.base for e in self.entries if "^" in str(e.base.label)}, key=str)

    def all(self, *kinds):
        return sorted(self.expr.atoms(*kinds), key=str)


def mutants(expr):
    """Every usual mistake in a formula as it was typed, as `Mistake`s; the rarest come last.

    >>> a, b = sp.symbols("a b")
    >>> print(*(f"{m.name}: {m.formula}" for m in mutants(a*b)[:2]), sep="; ")
    the sign is wrong: -a*b; a factor 2 is too many: 2*(a*b)
    """
    return [m for slips in (OF_ALL, USUAL, RARE) for m in _made(expr, slips)]


def _made(expr, slips, letters=()):
    """The slips of a table, made in all of a formula, in each part, and in all like parts."""
    with evaluate(False):
        expr = lettered(expr)
        formula = _Formula(expr, letters)
        found = [m for slip in slips if not slip.on for m in slip.made(expr, formula)]
        places = [(path, m) for path, part in _parts(expr, ()) for slip in slips
                  if isinstance(part, slip.on) for m in slip.made(part, formula)]
        repeated = list(_repeated(expr, places))
        for path, mistake in places:
            mistake.formula = _replaced(expr, {path: mistake.formula})
    yield from (*found, *(mistake for _, mistake in places), *repeated)


def _parts(expr, path):
    """Every part of an expression with the path to it, but for what a derivative is taken of."""
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
    return with_args(expr, [_replaced(arg, within[p]) if p in within else arg
                                       for p, arg in enumerate(expr.args)])


def _repeated(expr, places):
    """The same slip made in every like part at once, as with x_ik and x_jk both turned round."""
    for kind in (Kind.TRANSPOSE, Kind.ARGUMENT, Kind.VALUE, Kind.EXPONENT):
        found = {}
        for path, mistake in places:
            if mistake.kind is kind:
                found.setdefault(path, mistake)
        apart = {path: mistake for path, mistake in found.items()
                 if not any(path != p == path[:len(p)] for p in found)}
        if len(apart) > 1:
            wrong = _replaced(expr, {path: mistake.formula for path, mistake in apart.items()})
            yield Mistake(kind, partial(_in_many_places, list(apart.values())), wrong)


def _in_many_places(slips):
    told = list(dict.fromkeys(map(str, slips)))
    if len(told) == 1:
        return f"in {len(slips)} places {told[0]}"
    where = "" if len(told) == len(slips) else f" in {len(slips)} places"
    return f"the same slip {len(told)} times{where}: " + "; ".join(told)


# in all of a formula


def _renamed(expr, mine, other):
    """One name for another; a derivative is a name of its own."""
    kept = {p: p for p in expr.atoms(Partial)}
    entries = {e: other[e.indices] for e in expr.atoms(sp.Indexed) if e.base == mine}
    return expr.xreplace({mine: other, **entries, **kept})


def _exchanged(expr, formula):
    """Two numbers exchanged wherever they occur as indices, unless the array is too small."""
    numbers = sorted({i for e in formula.entries for i in e.indices if i.is_Integer})
    for one, two in combinations(numbers, 2):
        swap, new = {one: two, two: one}, {}
        for e in formula.entries:
            pairs = zip(e.indices, e.base.shape or e.indices)
            new[e] = e.base[tuple(i if size.is_Integer and swap.get(i, i) > size else swap.get(i, i)
                                  for i, size in pairs)]
        yield expr.xreplace(new), one, two


def _squared(expr, formula):
    by = {e for p in expr.atoms(Partial) for e in p.variable.atoms(sp.Indexed)}
    entries = (e for e in formula.entries if e.base in formula.layers and e not in by)
    return ((expr.xreplace({entry: entry**2}), entry) for entry in entries)


def _other_layer(expr, formula):
    for mine, other in permutations(formula.layers, 2):
        if _stem(mine) == _stem(other) and _are_alike(mine, other):
            yield _renamed(expr, mine, other), other.label, mine.label


AT_THE_ACTIVATION = "{} is taken at the activation instead of the pre-activation"
STANDS_FOR = "{} stands where {} is meant"

OF_ALL = [
    Slip(Kind.SIGN, "the sign is wrong", lambda e, _: [(-e,)]),
    Slip(Kind.FACTOR, "a factor 2 is {}",
         lambda e, _: [(2*e, "too many"), (e/2, "missing, or a ½ too many")]),
    Slip(Kind.MEAN, "a factor {} is too many: a sum stands where a mean is meant",
         lambda e, formula: [(size*e, size) for size in formula.sizes]),
    Slip(Kind.MEAN, "a factor 1/{} is too many",
         lambda e, formula: [(e/size, size) for size in formula.sizes]),
    Slip(Kind.SUM, "only the diagonal is left, but every output depends on every input",
         lambda e, formula: [(delta*e,) for delta in formula.all(sp.KroneckerDelta)
                             if all(i.is_Symbol for i in delta.args[:2])])]


# in one part of it


def spliced(parts, place, *new):
    """The parts with others in the place of one of them."""
    return *parts[:place], *new, *parts[place + 1:]


def _slopes_in(product):
    """(f, g, other factors) for the factors of a slope: a (1 - a), or e^-z / (1 + e^-z)^2."""
    for f, g in permutations(product.args, 2):
        ones = ({1, -f}, {-1, f}) if g.is_Add else ({1, f},)
        if (g.is_Add or g.is_Pow and g.exp == -2) and {*(g.base if g.is_Pow else g).args} in ones:
            yield f, g, [h for h in product.args if h is not f and h is not g]


def _value_in_slope(product, formula):
    slopes = [(f, rest) for f, g, rest in _slopes_in(product) if g.is_Add]
    for leaf in filter(_is_quantity, formula.all(sp.Indexed, sp.Symbol)) if slopes else ():
        for f, rest in slopes:
            if not f.has(leaf):
                yield sp.Mul(*rest, leaf, 1 - leaf), leaf, f


def _without_one(part, formula):
    for position, arg in enumerate(part.args):
        if arg != 1 or part.is_Add:
            yield part.func(*spliced(part.args, position)), arg


def _other_term(change):
    """A slip in one term of a sum."""
    def make(total, formula):
        for position, term in enumerate(total.args):
            for new, *told in change(term):
                yield total.func(*spliced(total.args, position, new)), term, *told
    return make


def _summed(term):
    for index, size in _free_ranges(term):
        letter = sp.Dummy(index.name, integer=True)
        yield lettered(sp.Sum(term.xreplace({index: letter}), (letter, 1, size))), index


def _free_ranges(term):
    """(index, last value) for the free indices of a term, read off the arrays they stand on."""
    return sorted(((index, sizes[-1]) for index, sizes in ranges_in(term).items()), key=str)


def _exponents(power, formula):
    for step in (1, -1) if power.exp.is_Integer and power.exp > 1 else ():
        wrong = sp.Integer(int(power.exp) + step)
        yield power.base**wrong, power.exp, wrong


def _of_slope(make):
    """A slip in a slope g'(z): `make` is told g', z and g(z)."""
    return lambda e, _: [make(e, e.args[0], type(e).below(e.args[0]))] if e.order else []


def _swapped(entry, formula):
    if len(entry.indices) == 2 and entry.indices[0] != entry.indices[1]:
        yield entry.base[entry.indices[::-1]], entry


def _other_index(entry, formula):
    """Another letter or number: all of a small array, the first two of one of unknown size."""
    for position, index in enumerate(entry.indices):
        size = entry.base.shape[position] if entry.base.shape else sp.S.One
        numbers = map(sp.Integer, range(1, min(int(size) if size.is_Integer else 2, 4) + 1))
        for other in [*formula.indices, *numbers]:
            if other != index:
                number = index.is_Symbol and other.is_Integer
                wrong = entry.base[spliced(entry.indices, position, other)]
                yield wrong, wrong, entry, f": a number where {plain(index)} runs" if number else ""


def _other_letter(leaf, formula):
    """Another of the quantities of the formula, at the same indices."""
    others = {base_of(e): e for e in _quantities(formula.expr)} if _is_quantity(leaf) else {}
    for other in others.values():
        if base_of(other) != base_of(leaf) and _are_alike(base_of(other), base_of(leaf)):
            wrong = base_of(other)[leaf.indices] if isinstance(leaf, sp.Indexed) else other
            yield wrong, wrong, leaf


def _one_term(total, formula):
    bound, _, high = total.limits[0]
    for index in [*(i for i, size in _free_ranges(total) if size == high), sp.S.One, sp.Integer(2)]:
        why = ": an output treated elementwise" if index.is_Symbol else ""
        yield total.function.xreplace({bound: index}), bound, index, why


def _ranges(total, formula):
    """One term more or less at either end, the sum from 1, or as far as an array goes."""
    for place, (index, low, high) in enumerate(total.limits):
        is_late = low.is_Integer and low > 1
        firsts = low + 1, *((low - 1, sp.S.One) if is_late else ())
        arrays = set(ranges_in(total.function).get(index, ())) - {high}
        ends = [("begins with", low, first, high) for first in firsts]
        ends += [("ends at", high, low, high - 1)]
        ends += [("runs to", high, low, size) for size in sorted(arrays, key=str)]
        for how, was, *new in ends:
            first, last = map(chain_rule.number, new)
            limits = spliced(total.limits, place, (index, first, last))
            now = first if how == "begins with" else last
            yield sp.Sum(total.function, *limits), index, how, *map(number_last, (now, was))


def _separate(total, formula):
    indices, bound = formula.indices, total.limits[0][0]
    exponential = isinstance(total.function, sp.exp)
    return [(1 + total.function.xreplace({bound: i}),) for i in indices if exponential]


USUAL = [
    Slip(Kind.SLOPE, "the slope {} is left out",
         lambda e, _: [(sp.S.One, e)] if isinstance(e, sp.Function) else []),
    Slip(Kind.ARGUMENT, AT_THE_ACTIVATION,
         lambda e, formula: [(e.xreplace({a: a.func(a)}), a) for a in formula.all(*SATURATING)]),
    Slip(Kind.NAME, STANDS_FOR, lambda e, formula: [
        (e.xreplace({a: a.args[0]}), a.args[0], a) for a in formula.all(*SATURATING)]),
    Slip(Kind.INDEX,
         "the indices {} and {} are exchanged throughout, as if to and from were swapped",
         _exchanged),
    Slip(Kind.POWER, "{} is squared: an upper index counts layers, it is no power", _squared),
    Slip(Kind.INDEX, "the wrong layer: {} stands where {} is meant", _other_layer),
    Slip(Kind.SLOPE, "the slope {} is left out",
         lambda e, _: [(sp.Mul(*rest), f*g) for f, g, rest in _slopes_in(e)],
         sp.Mul, "the slope {} is one factor too many"),
    Slip(Kind.FACTOR, "the factor {} is missing", _without_one,
         sp.Mul, "the factor {} is one too many"),
    Slip(Kind.TERM, "the term {} is missing", _without_one, sp.Add, "the term {} is one too many"),
    Slip(Kind.SIGN, "the sign of the term {} is wrong", _other_term(lambda t: [(-t,)]),
         sp.Add, "the sign of the term {} is wrong"),
    Slip(Kind.EXPONENT, "the exponent {} became {}", _exponents,
         sp.Pow, "the exponent {1} became {0}"),
    Slip(Kind.ARGUMENT, "{} is taken at {} instead of {}",
         _of_slope(lambda e, z, value: (type(e)(value), e, value, z)), Activation),
    Slip(Kind.VALUE, "{} stands where its slope {} is meant",
         _of_slope(lambda e, z, value: (value, value, e)), Activation),
    Slip(Kind.ARGUMENT, AT_THE_ACTIVATION, lambda e, _: [(e.func(e), e)], SATURATING),
    Slip(Kind.TRANSPOSE, "the indices of {} are swapped: a transpose", _swapped,
         sp.Indexed, "the indices of {} are swapped: a transpose"),
    Slip(Kind.INDEX, "an index is wrong: {} for {}{}", _other_index,
         sp.Indexed, "an index is wrong: {1} for {0}"),
    Slip(Kind.SUM, "the sum is lost", lambda total, _: [(total.function,)], sp.Sum),
    Slip(Kind.SUM, "only the term {} = {} of the sum is left{}", _one_term, sp.Sum),
    Slip(Kind.RANGE, "the sum over {} {} {} instead of {}", _ranges,
         sp.Sum, "the sum over {0} {1} {3} instead of {2}"),
    Slip(Kind.SUM, "separate sigmoids stand where softmax is meant: "
                   "they do not share a denominator", _separate, sp.Sum)]
RARE = [
    Slip(Kind.FACTOR, "a factor 2 is {}, twice over",
         lambda e, _: [(4*e, "too many"), (e/4, "missing")]),
    Slip(Kind.SUM, "it is summed over all {0}, where only its own {0} is meant",
         lambda e, _: _summed(e)),
    Slip(Kind.MEAN, "1/{} stands where 1/{} is meant", lambda e, formula: [
        (e*one/other, other, one) for one, other in permutations(formula.sizes, 2)]),
    Slip(Kind.NAME, STANDS_FOR + " in the slope", _value_in_slope, sp.Mul),
    Slip(Kind.FACTOR, "the term {} is {}", _other_term(lambda t: [] if t.is_number else [
        (2*t, "twice too large"), (t/2, "half of what it should be")]), sp.Add),
    Slip(Kind.SUM, "the term {0} is summed over all {1}, where only its own {1} is meant",
         _other_term(_summed), sp.Add)]


OTHER_LETTERS = [
    Slip(Kind.NAME, STANDS_FOR, _other_letter, (sp.Symbol, sp.Indexed))]


# The tree of mistakes of a question --------------------------------------------------------------


def tree(question, table, letters=()):
    """Every usual mistake for a question such as Partial(J, w[k]); the likeliest first.

    Faults of the chain rule are made on the way down the definitions in `table`, the rest in the
    right formula. Two names may lead to one formula: the first is the one to tell.
    """
    key = "tree", question, *letters
    made = table.once(key, lambda: [_tree(question, table, letters)])
    made[0], again = tee(made[0])  # what has been made for one claim serves the next
    try:
        yield from again
    except KeyboardInterrupt:  # and what has been broken off begins anew
        table.memo.pop(key, None)
        raise


def _tree(question, table, letters):
    right = right_formula(question, table)
    ways = (_made(right, OF_ALL), _per_sample(right), _on_the_way(question, table),
            _made(right, USUAL, letters), _made(right, RARE, letters),
            _forgotten(right, table), _slope_too_many(right, table), _other_names(right, table),
            _made(right, OTHER_LETTERS), _other_variables(question, table))
    if chain_rule.is_long(right):  # hundreds of formulas as long would take for ever
        ways = ways[:2]
    for mistake in chain.from_iterable(map(_as_far_as_it_goes, ways)):
        empty = isinstance(mistake.formula, sp.Sum) and mistake.formula.function == 0
        left_out = mistake.kind in (Kind.FACTOR, Kind.TERM)
        if not (empty or left_out and _divides_by_zero(mistake.formula)):
            yield mistake


def _divides_by_zero(expr):
    """As 1/(1 - 1) does, from which a factor is missing: it has no value to be compared."""
    return any(power.exp.is_negative and not power.base.free_symbols
               and power.base.doit() == 0 for power in expr.atoms(sp.Pow))


def _as_far_as_it_goes(way):
    """What is found until there is no formula: a name is a help and never an error."""
    with suppress(*NO_FORMULA):
        yield from way


def _on_the_way(question, table):
    asked, way = chain_rule.asked(question, table), Chain(table)
    way.line(asked)
    for fault in sorted(way.faults, key=lambda fault: list(Kind).index(fault[1])):
        with suppress(*NO_FORMULA):
            yield Mistake(fault[1], way.faults[fault], way.with_fault(fault).line(asked))


def _per_sample(right):
    """The loss of one sample in the place of the mean over all of them."""
    for total in sorted(right.atoms(sp.Sum), key=sp.default_sort_key):
        index, _, high = total.limits[-1]
        if len(total.limits) == 1 and sp.Mul.make_args(right).count(1/high):
            yield Mistake(Kind.SHARE, (
                "the loss of one sample is differentiated instead of the cost, "
                f"the mean over {plain(index)}"), (right*high).xreplace({total: total.function}))


def _forgotten(right, table):
    """The bias left out of all sums: a formula in which it is 0."""
    biases = {b for d in table.values() for b in _uses_of(d) if _stem(b) == "b" and b not in table}
    whole = resolve(right, table) if biases else right
    for leaf in sorted(biases, key=str):
        zero = {e: sp.S.Zero for e in whole.atoms(sp.Indexed, sp.Symbol) if base_of(e) == leaf}
        if whole.xreplace(zero) != whole:
            yield Mistake(Kind.TERM, f"the bias {plain(label_of(leaf))} is forgotten",
                          whole.xreplace(zero))


def _slope_too_many(right, table):
    """The slope of a function once more, as squared error has it and the cross-entropy has not."""
    for value in sorted(right.atoms(sp.Indexed, sp.Symbol, sp.Function), key=sp.default_sort_key):
        body = chain_rule.value_of(value, table)
        if isinstance(body, (Activation, *SATURATING)):
            slope = chain_rule.slopes_of(body)[0].xreplace({body: value})
            sums = [s for s in right.atoms(sp.Sum)
                    if s.has(value) and {i for i, *_ in s.limits} & value.free_symbols]
            inner = min(sums, key=sp.count_ops, default=right)
            times = sp.Sum(inner.function*slope, *inner.limits) if sums else right*slope
            name = f"the slope {plain(slope)} is one factor too many"
            yield Mistake(Kind.SLOPE, name, right.xreplace({inner: times}))


def _other_names(right, table):
    """One name for another of the same shape: z for a, y for y_hat, a layer for its next."""
    bases = _bases(right).union(*map(_uses_of, table.values()))
    for mine, other in permutations(sorted(bases, key=str), 2):
        if _are_alike(mine, other) and _akin(mine, other, table):
            wrong = _renamed(right, mine, other)
            if wrong != right:
                words = _worded(STANDS_FOR, (label_of(other), label_of(mine)))
                yield Mistake(Kind.NAME, words, wrong)


def _akin(mine, other, table):
    """Is one made of the other, or do they differ by a layer or a hat?"""
    pairs = ((mine, other), (other, mine))
    return (_stem(mine).partition("_")[0] == _stem(other).partition("_")[0]
            or any(part in _uses_of(table[name]) for name, part in pairs if name in table))


def _other_variables(question, table):
    """The right derivative by another variable of the same function, which may have a name."""
    if not isinstance(question, Partial):
        return
    v, way = question.variable, Chain(table)
    bodies = (d for d in table.values() if not isinstance(d, Depends))
    leaves = _bases(question.expr).union(*map(_uses_of, bodies)) - {base_of(v)}
    for leaf in sorted(leaves, key=str):
        indices = indices_of(v) if shape_of(leaf) else ()
        if len(shape_of(leaf)) != len(indices):
            continue
        other = leaf[indices] if indices else leaf
        if other != question.expr and way.reaches(question.expr, other):
            name = f"this is the derivative by {plain(other)} instead of {plain(v)}"
            yield Mistake(Kind.VARIABLE, name, way.line(Partial(question.expr, other)))


def _stem(base):
    return str(label_of(base)).partition("^")[0]


def _are_alike(one, other):
    return len(shape_of(one)) == len(shape_of(other))


def _uses_of(definition):
    return _bases(definition.name) | {used for used in definition.uses() if not used.is_integer}


def _bases(expr):
    return {name for name in names_in(expr) if not name.is_integer}
