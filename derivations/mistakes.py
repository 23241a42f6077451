"""The mistakes that people really make in derivations, made on purpose, each with its kind and its name.

`diagnose` makes every usual mistake from what is right and finds the one that gives what is wrong; the
engine's refusals, the exercises and "bring your own" all ask it. `mutants` are the mistakes that can be
made in one formula as it is typed; `tree` adds those made on the way down a chain of definitions.
"""

from fractions import Fraction
from functools import cached_property
from itertools import chain, combinations, islice, permutations
from numbers import Rational
from typing import NamedTuple

import sympy as sp
from sympy import evaluate

from derivations.chain_rule import SATURATING, Chain, Kind, lettered, right_formula, tidied, value_of
from derivations.definitions import Depends, resolve, table_of
from derivations.errors import Undecided, WrongIndex
from derivations.normal_form import index_ranges
from derivations.printing import plain, show_number, to_mpf
from derivations.sampling import points, same_value
from derivations.symbols import Activation, Partial, base_of, names_in
from derivations.values import NoValue


class Mistake(NamedTuple):
    """A mistake: its kind, what it is called, and the formula that it leads to.

    `undone` is what one calls the reverse, made in the right formula ("" where that has a name of its own); a `rare`
    mistake is named only where no other one is it.
    """

    kind: Kind
    name: str
    formula: sp.Expr = None
    undone: str = ""
    rare: bool = False

    def __str__(self):
        return self.name

    @property
    def hint(self):
        """What helps against mistakes of this kind, as one sentence."""
        return self.kind.value


# Which mistake is it? -------------------------------------------------------------------------------

ENOUGH = 6        # points at which a mistake must give what is claimed before it is named
CANDIDATES = 600  # mistakes that are tried


def diagnose(right, wrong, given=()):
    """The usual mistake that makes `wrong` of `right`, as a `Mistake`; None if there is none, or they are equal.

    Parameters
    ----------
    right : sympy.Expr
        What is true, a number: a line as it is typed, or a question such as ``Partial(J, w[k])``.
    wrong : sympy.Expr or callable
        What is claimed in its place; a callable takes a sample point and returns the value claimed there.
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


def _ratio(first, second):
    exact = isinstance(first, Fraction) and isinstance(second, Fraction)
    return first / second if exact else to_mpf(first) / to_mpf(second)


class _Diagnosis:
    """What is right and what is claimed at sample points, and the mistakes that are held against them."""

    def __init__(self, right, wrong, table):
        self.question, self.table = right, table
        self.right, self.wrong = opened(right, table), wrong if callable(wrong) else opened(wrong, table)
        self.view = _without_shapes if not callable(wrong) and self.leaves_its_array() else lambda expr: expr
        if not callable(wrong):
            self.claimed = self.seen(self.wrong)

    @cached_property
    def places(self):
        """The points at which both sides have values that can be told apart, or are the same."""
        table = {}
        for definition in self.table.values():
            seen = definition.with_parts(lambda part: self.view(opened(part, self.table)))
            table[base_of(seen.name)] = seen
        found = points([self.view(self.right)], table)
        return list(islice((point for point in found if self.told(point) is not None), ENOUGH))

    def leaves_its_array(self):
        """Does an index of the claim run where its array has no entry? Then only arrays without end have values for it."""
        try:
            index_ranges(self.right, self.wrong)
        except WrongIndex:
            return True
        return False

    def told(self, point):
        try:
            return self.compare(point, self.right)
        except MAKES_NO_FORMULA:
            return None

    def compare(self, point, formula):
        """Has the formula the value of the claim? A function of arrays computes with 16 digits."""
        if not callable(self.wrong):
            return point.same(self.seen(formula), self.claimed)
        value, yours = point.value(formula), self.wrong(point)
        return None if value == yours == 0 else same_value(value, yours, 1e-9)

    def agrees(self, point, formula):
        """As `compare`; but where the claim is 0 and what is right is not, a formula that is 0 too has told something."""
        same = self.compare(point, formula)
        if same is None and not callable(self.wrong) and self.told(point) is False:
            return point.value(self.seen(formula)) == point.value(self.claimed) == 0 or None
        return same

    def mistake(self):
        """The first that fits: made in the right formula, undone in the claim, or told by the values alone."""
        if False not in map(self.told, self.places):
            return None
        told = (self.made(),) if callable(self.wrong) else (self.made(), self.undone(), self.by_form())
        return next(chain(*told, self.by_ratio()), None)

    def made(self):
        """The usual mistakes in what is right that give the claim."""
        in_a_line = () if isinstance(self.question, (Partial, sp.Symbol, sp.Indexed)) else mutants(self.question)
        letters = () if callable(self.wrong) else self.loose(self.wrong)
        for mistake in islice(chain(in_a_line, tree(self.question, self.table, letters)), CANDIDATES):
            wrong = opened(mistake.formula, self.table)
            if self.looks_alike(wrong) and self.fits(lambda point, wrong=wrong: self.agrees(point, wrong)):
                yield mistake

    def looks_alike(self, formula):
        """Are as many indices left over as in the claim?"""
        return len(self.loose(formula)) == (0 if callable(self.wrong) else len(self.loose(self.wrong)))

    def undone(self):
        """The mistakes in the claim that have a name of their own when they are taken back."""
        back = () if self.loose(self.wrong) else islice(mutants(self.wrong), CANDIDATES)
        for mistake in chain(_wrong_ranges(self.wrong), back):
            if mistake.undone and self.equals_right(mistake.formula):
                yield Mistake(mistake.kind, mistake.undone, self.wrong)

    def equals_right(self, formula):
        return not self.loose(formula) and self.fits(lambda point: point.same(self.view(self.right), self.seen(formula)))

    def fits(self, same):
        """Is it the same wherever a point can tell, and at enough points?"""
        told = []
        for point in self.places:
            try:
                told.append(same(point))
            except MAKES_NO_FORMULA:
                return False
            if told[-1] is False:
                return False
        return told.count(True) >= min(len(self.places), ENOUGH // 2)

    # indices that no sum binds, under letters of their own: Sum's i and somebody's m are the same

    def loose(self, expr):
        known = self.right.free_symbols
        return sorted((i for i in _indices(expr) & expr.free_symbols - known), key=str)

    def seen(self, expr):
        return self.view(expr.xreplace({i: sp.Symbol(f"_loose_{p}", integer=True) for p, i in enumerate(self.loose(expr))}))

    def by_form(self):
        yield from self.undefined()
        yield from self.normalised()
        for index in self.loose(self.wrong):
            yield Mistake(Kind.SUM, f"the index {plain(index)} is left over, no sum runs over it", self.wrong)
        if self.leaves_its_array():
            yield Mistake(Kind.INDEX, "an index is wrong or two are swapped, as in a forgotten transpose", self.wrong)

    def by_ratio(self):
        values = [(point, *self.values(point)) for point in self.places]
        if any((right == 0) != (yours == 0) for _, right, yours in values):
            return  # no factor makes a zero of what is none
        ratios = [(point, _ratio(yours, right)) for point, right, yours in values if right and yours]
        if len(ratios) > 1 and all(self.near(ratio, ratios[0][1]) for _, ratio in ratios):
            yield Mistake(Kind.FACTOR, f"it is {show_number(ratios[0][1])} times the right one, everywhere")
        yield from self.shares(ratios)

    def values(self, point):
        """What is right and what is claimed at a point, exact where they are."""
        yours = self.wrong(point) if callable(self.wrong) else point.value(self.claimed)
        return tuple(Fraction(v) if isinstance(v, int) else v for v in (point.value(self.view(self.right)), yours))

    def near(self, one, other):
        return same_value(one, other, 1e-9) if callable(self.wrong) else same_value(one, other)

    def shares(self, ratios):
        """A number and a size, such as 1/(2 n), by which the claim is wrong everywhere."""
        exact = [(point.size, Fraction(ratio)) for point, ratio in ratios if isinstance(ratio, Rational)]
        for size in sorted(exact[0][0], key=str) if len(exact) > 1 else ():
            for power in (-1, 1):
                found = {ratio / Fraction(sizes[size])**power for sizes, ratio in exact}
                if len(found) == 1 and len({sizes[size] for sizes, _ in exact}) > 1:
                    factor = plain(sp.Rational(found.pop()) * size**power)
                    yield Mistake(Kind.MEAN, f"it is {factor} times the right one, everywhere")

    def undefined(self):
        """A name that nothing defines, where a value is meant: y (1 - y) for the slope of sigmoid(z)."""
        known = names_in(self.question).union(*(names_in(d.name) | d.uses() for d in self.table.values()))
        names = {s for s in names_in(self.wrong) - known if s.is_Symbol and not s.is_integer}
        values = right_formula(self.question, self.table).atoms(sp.Function)
        for name in sorted(names, key=str):
            for value in sorted(values, key=sp.default_sort_key):
                if self.equals_right(self.wrong.xreplace({name: value})):
                    yield Mistake(Kind.NAME, f"{plain(name)} stands for {plain(value)}, but nothing says so: "
                                             f"give Definition({name}, ...), or write {plain(value)}", self.wrong)

    def normalised(self):
        """Right only where the entries of an array sum to 1, as labels and probabilities do."""
        right, wrong = (resolve(expr, self.table) for expr in (self.right, self.wrong))
        held = {e.base for p in right.atoms(Partial) | wrong.atoms(Partial) for e in p.atoms(sp.Indexed)}
        arrays = {e.base: e for e in sorted(right.atoms(sp.Indexed), key=sp.default_sort_key)
                  if e.base.shape and e.base not in held}
        for base, entry in arrays.items():
            swap = {e: e / _total_over(e) for e in (right.atoms(sp.Indexed) | wrong.atoms(sp.Indexed)) if e.base == base}
            one, two = right.xreplace(swap), wrong.xreplace(swap)
            if self.fits(lambda point, one=one, two=two: point.same(self.view(one), self.view(two))):
                total = plain(lettered(_total_over(entry)))
                yield Mistake(Kind.CONDITION, f"it is right only where {total} = 1, and nothing says that it is; "
                                              f"without it the factor {total} is missing", self.wrong)



MAKES_NO_FORMULA = (NoValue, Undecided, ValueError, TypeError, AttributeError, IndexError, KeyError)


def opened(expr, table):
    """The expression with its derivatives taken; the names in it stay."""
    if not expr.has(Partial):
        return expr
    try:
        with evaluate(True):
            return lettered(Chain(table).line(expr))
    except Undecided:
        return resolve(expr, table)


def _without_shapes(expr):
    """The same with arrays that have an entry for every index."""
    return expr.xreplace({base: sp.IndexedBase(base.label, real=True) for base in expr.atoms(sp.IndexedBase)})


def _total_over(entry):
    """The sum of an array over its last index, at the others as they are."""
    index = sp.Dummy("k", integer=True)
    return sp.Sum(entry.base[(*entry.indices[:-1], index)], (index, 1, entry.base.shape[-1]))


# In one formula, as it is typed ---------------------------------------------------------------------


def mutants(expr, letters=()):
    """Every usual mistake in a formula, as `Mistake`s; the formula is taken in the form in which it was typed.

    Where an index runs, `letters` are tried first in its place: those that somebody wrote.

    >>> a, b = sp.symbols("a b")
    >>> print(*(f"{m.name}: {m.formula}" for m in mutants(a*b)[:2]), sep="; ")
    the sign is wrong: -a*b; a factor 2 is too many: 2*a*b
    """
    with evaluate(False):
        expr = lettered(expr)
        found = [*_whole(expr), *_throughout(expr)]
        own = sorted(_indices(expr), key=str)
        indices = [*letters, *own] if any(index.is_Symbol for index in own) else own
        leaves = sorted((e for e in expr.atoms(sp.Indexed, sp.Symbol) if e.is_real and not e.is_integer),
                        key=sp.default_sort_key)
        places = [(path, mistake) for path, part in _parts(expr, ()) for mistake in _local(part, indices, leaves)]
        found += [mistake._replace(formula=_replaced(expr, {path: mistake.formula})) for path, mistake in places]
        found += [*_repeated(expr, places), *_rarer(expr)]
    return sorted(found, key=lambda mistake: mistake.rare)


def _whole(expr):
    yield Mistake(Kind.SIGN, "the sign is wrong", -expr)
    yield Mistake(Kind.FACTOR, "a factor 2 is too many", 2 * expr)
    yield Mistake(Kind.FACTOR, "a factor 2 is missing, or a ½ too many", expr / 2)
    sizes = sorted(_sizes(expr), key=str)
    for size in sizes:
        name = f"a factor {size} is too many: a sum stands where a mean is meant"
        yield Mistake(Kind.MEAN, name, size * expr)
        yield Mistake(Kind.MEAN, f"a factor 1/{size} is too many", expr / size)
    for part in sorted(expr.atoms(*SATURATING), key=str):
        yield Mistake(Kind.ARGUMENT, _at_the_activation(part), expr.xreplace({part: part.func(part)}))
        yield Mistake(Kind.NAME, _stands_for(part.args[0], part), expr.xreplace({part: part.args[0]}))
    for delta in sorted(expr.atoms(sp.KroneckerDelta), key=str):
        name = "only the diagonal is left, but every output depends on every input"
        yield Mistake(Kind.SUM, name, delta * expr)


def _rarer(expr):
    """Mistakes that are named only where none of the usual ones is it."""
    for name, wrong in (("a factor 2 is too many, twice over", 4 * expr), ("a factor 2 is missing, twice over", expr / 4)):
        yield Mistake(Kind.FACTOR, name, wrong, rare=True)
    for one, other in permutations(sorted(_sizes(expr), key=str), 2):
        yield Mistake(Kind.MEAN, f"1/{other} stands where 1/{one} is meant", expr * one / other, rare=True)


def _at_the_activation(part):
    return f"{plain(part)} is taken at the activation instead of the pre-activation"


def _stands_for(wrong, right):
    return f"{plain(wrong)} stands where {plain(right)} is meant"


def _throughout(expr):
    """Two indices exchanged wherever they occur; an upper index read as a power; another layer."""
    entries = expr.atoms(sp.Indexed)
    used = sorted({i for e in entries for i in e.indices if i.is_Integer}, key=str)
    for one, two in combinations(used, 2):
        name = f"the indices {one} and {two} are exchanged throughout, as if to and from were swapped"
        yield Mistake(Kind.INDEX, name, expr.xreplace({e: _exchanged(e, {one: two, two: one}) for e in entries}))
    by = {e for p in expr.atoms(Partial) for e in p.variable.atoms(sp.Indexed)}
    for entry in sorted((e for e in entries - by if "^" in str(e.base.label)), key=sp.default_sort_key):
        name = f"{plain(entry)} is squared: an upper index counts layers, it is no power"
        yield Mistake(Kind.POWER, name, expr.xreplace({entry: entry**2}))
    layers = sorted({e.base for e in entries if "^" in str(e.base.label)}, key=str)
    for mine, other in ((a, b) for a in layers for b in layers if a != b and _stem(a) == _stem(b)):
        if len(mine.shape) == len(other.shape):
            name = f"the wrong layer: {_stands_for(other.label, mine.label)}"
            yield Mistake(Kind.INDEX, name, _renamed(expr, mine, other))


def _exchanged(entry, swap):
    fits = lambda size, index: not (size.is_Integer and index.is_Integer) or index <= size
    new = [swap.get(i, i) for i in entry.indices]
    sizes = entry.base.shape or new
    return entry.base[tuple(i if fits(size, i) else old for size, i, old in zip(sizes, new, entry.indices))]


def _local(part, indices, leaves):
    """Mistakes in one part of a formula; their formula is what then stands in the place of the part."""
    if part.is_Mul:
        yield from _wrong_slope(part, leaves)
        yield from _without_one(part, Kind.FACTOR, "the factor {} is {}")
    elif part.is_Add:
        yield from _without_one(part, Kind.TERM, "the term {} is {}")
        for position in range(len(part.args)):
            yield from _wrong_terms(part, position)
    elif part.is_Pow and part.exp.is_Integer and part.exp > 1:
        right = int(part.exp)
        for wrong in (right + 1, right - 1):
            yield Mistake(Kind.EXPONENT, f"the exponent {right} became {wrong}", part.base**wrong,
                          f"the exponent {wrong} became {right}")
    elif isinstance(part, Activation) and part.order:
        yield from _slopes(part)
    elif isinstance(part, SATURATING):
        yield Mistake(Kind.ARGUMENT, _at_the_activation(part), part.func(part))
    elif isinstance(part, sp.Indexed):
        yield from _wrong_indices(part, indices)
    elif isinstance(part, sp.Sum):
        yield from _wrong_sums(part, indices)


def _wrong_slope(product, leaves):
    """Both factors of a slope a (1 - a), or of e^-z / (1 + e^-z)^2, gone at once; or y (1 - y) in their place."""
    factors = sp.Mul.make_args(product)
    with evaluate(True):
        partners = [(f, {1 - f, f - 1, (1 + f)**-2}) for f in factors]
        pairs = [(f, g) for f, partner in partners for g in factors if g + 0 in partner]
    for pair in pairs:
        rest = [f for f in factors if not any(f is one for one in pair)]
        slope = plain(pair[0] * pair[1])
        yield Mistake(Kind.SLOPE, f"the slope {slope} is left out", _product(rest),
                      f"the slope {slope} is one factor too many")
        with evaluate(True):
            value = next((f for f, g in (pair, pair[::-1]) if g in (1 - f, f - 1) and not f.is_Add), None)
        for leaf in leaves if value is not None else ():
            if leaf != value and not value.has(leaf):
                name = f"{_stands_for(leaf, value)} in the slope"
                yield Mistake(Kind.NAME, name, _product([*rest, leaf, 1 - leaf]), rare=True)


def _product(factors):
    return sp.S.One if not factors else factors[0] if len(factors) == 1 else sp.Mul(*factors)


def _without_one(part, kind, name):
    for position, arg in enumerate(part.args):
        rest = [a for p, a in enumerate(part.args) if p != position]
        if (arg != 1 or part.is_Add) and rest:
            without = rest[0] if len(rest) == 1 else part.func(*rest)
            shown = plain(arg)
            yield Mistake(kind, name.format(shown, "missing"), without, name.format(shown, "one too many"))


def _wrong_terms(total, position):
    """One term of a sum with another sign, twice or half as large, or summed over its free index."""
    term = total.args[position]
    wrong = lambda new: total.func(*(new if p == position else a for p, a in enumerate(total.args)))
    shown = plain(term)
    yield Mistake(Kind.SIGN, f"the sign of the term {shown} is wrong", wrong(-term))
    if not term.is_number:
        yield Mistake(Kind.FACTOR, f"the term {shown} is twice too large", wrong(2*term), rare=True)
        yield Mistake(Kind.FACTOR, f"the term {shown} is half of what it should be", wrong(term/2), rare=True)
    for index, size in _free_ranges(term):
        letter = sp.Dummy(index.name, integer=True)
        name = f"the term {shown} is summed over all {plain(index)}, where only its own {plain(index)} is meant"
        yield Mistake(Kind.SUM, name, wrong(lettered(sp.Sum(term.xreplace({index: letter}), (letter, 1, size)))), rare=True)


def _free_ranges(term):
    """(index, last value) for the free indices of a term, read off the arrays they stand on."""
    free = term.free_symbols
    uses = {i: size for e in term.atoms(sp.Indexed) for i, size in zip(e.indices, e.base.shape or ())}
    return sorted(((i, size) for i, size in uses.items() if i.is_Symbol and i in free), key=str)


def _slopes(part):
    inner, name = part.args[0], plain(part)
    value = type(part).below(inner)
    yield Mistake(Kind.ARGUMENT, f"{name} is taken at {plain(value)} instead of {plain(inner)}", type(part)(value))
    yield Mistake(Kind.VALUE, f"{plain(value)} stands where its slope {name} is meant", value)


def _wrong_indices(part, indices):
    if len(part.indices) == 2 and part.indices[0] != part.indices[1]:
        swapped = part.base[part.indices[1], part.indices[0]]
        yield Mistake(Kind.TRANSPOSE, f"the indices of {plain(part)} are swapped: a transpose", swapped)
    for position, index in enumerate(part.indices):
        for other in [*indices, *_other_numbers(part, position)]:
            if other != index:
                wrong = part.base[tuple(other if p == position else i for p, i in enumerate(part.indices))]
                why = f": a number where {plain(index)} runs" if index.is_Symbol and other.is_Integer else ""
                yield Mistake(Kind.INDEX, f"an index is wrong: {plain(wrong)} for {plain(part)}{why}", wrong)


def _other_numbers(part, position):
    """The other numbers that an index can be: all of a small array, the first two of one of unknown size."""
    size = part.base.shape[position] if part.base.shape else sp.S.One
    last = int(size) if size.is_Integer else 2
    return [sp.Integer(number) for number in range(1, min(last, 4) + 1)]


def _wrong_sums(total, indices):
    yield Mistake(Kind.SUM, "the sum is lost", total.function)
    (bound, low, high), *_ = total.limits
    for index in [*(i for i, size in _free_ranges(total) if size == high), sp.S.One, sp.Integer(2)]:
        why = ": an output treated elementwise" if index.is_Symbol else ""
        name = f"only the term {plain(bound)} = {plain(index)} of the sum is left{why}"
        yield Mistake(Kind.SUM, name, total.function.xreplace({bound: index}))
    later, sooner = _shifted(low, 1), _shifted(high, -1)
    for new, name in [((later, high), f"begins with {plain(later)} instead of {plain(low)}"),
                      ((low, sooner), f"ends at {plain(sooner)} instead of {plain(high)}")]:
        limits = (sp.Tuple(bound, *new), *total.limits[1:])
        yield Mistake(Kind.RANGE, f"the sum over {plain(bound)} {name}", sp.Sum(total.function, *limits))
    if isinstance(total.function, sp.exp):
        for index in indices:
            name = "separate sigmoids stand where softmax is meant: they do not share a denominator"
            yield Mistake(Kind.SUM, name, 1 + total.function.xreplace({bound: index}))


def _shifted(end, by):
    with evaluate(True):
        return end + by


def _wrong_ranges(wrong):
    """Sums whose index leaves the array it stands on, or stops before its end, with the range put right."""
    for total in sorted(wrong.atoms(sp.Sum), key=sp.default_sort_key):
        for position, (index, low, high) in enumerate(total.limits):
            for size in sorted(_ends(total.function, index) - {high}, key=str):
                limits = [sp.Tuple(index, low, size) if p == position else limit for p, limit in enumerate(total.limits)]
                name = f"the sum over {plain(index)} runs to {plain(high)} instead of {plain(size)}"
                yield Mistake(Kind.RANGE, name, wrong.xreplace({total: sp.Sum(total.function, *limits)}), name)


def _ends(expr, letter):
    """The sizes of the arrays on which a letter stands as an index."""
    return {size for e in expr.atoms(sp.Indexed) for i, size in zip(e.indices, e.base.shape or ()) if i == letter}


def _repeated(expr, places):
    """The same slip made in every like part at once, as with x_ik and x_jk both turned round."""
    alike = {}
    for path, mistake in places:
        if mistake.kind in (Kind.TRANSPOSE, Kind.ARGUMENT, Kind.VALUE, Kind.EXPONENT):
            alike.setdefault(mistake.kind, {}).setdefault(path, mistake)
    for kind, found in alike.items():
        apart = [path for path in found if not any(path != p and path[:len(p)] == p for p in found)]
        if len(apart) > 1:
            name = f"the same slip {len(apart)} times: " + "; ".join(dict.fromkeys(found[p].name for p in apart))
            yield Mistake(kind, name, _replaced(expr, {path: found[path].formula for path in apart}))


def _parts(expr, path):
    """Every part of an expression with the path to it. What a derivative is taken of is left alone."""
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
    return expr.func(*(_replaced(a, within[p]) if p in within else a for p, a in enumerate(expr.args)))


def _indices(expr):
    return {i for entry in expr.atoms(sp.Indexed) for i in entry.indices if i.is_Symbol}


def _sizes(expr):
    limits = [high for s in expr.atoms(sp.Sum) for _, _, high in s.limits]
    shapes = [size for e in expr.atoms(sp.Indexed) for size in e.base.shape or ()]
    return {s for s in limits + shapes if s.is_Symbol}


# The tree of mistakes of a question -----------------------------------------------------------------


def tree(question, table, letters=()):
    """Every usual mistake for a question such as Partial(J, w[k]), from its right answer; the likeliest first.

    Faults of the chain rule are made on the way down the definitions in `table`, the rest in the right formula. Two
    names may lead to one formula: the first is the one to tell.
    """
    right = right_formula(question, table)
    with evaluate(False):  # where a function goes wrong is told on the way, with its name
        whole = [m for m in _whole(right) if m.kind not in (Kind.ARGUMENT, Kind.NAME)]
    lines = (whole, _per_sample(right), _on_the_way(question, table), mutants(right, letters), _forgotten(right, table),
             _slope_too_many(right, table), _other_names(right, table), _other_variables(question, table))
    empty = lambda formula: isinstance(formula, sp.Sum) and formula.function == 0
    return (mistake for mistake in chain.from_iterable(lines) if not empty(mistake.formula))


ORDER = (Kind.SLOPE, Kind.ARGUMENT, Kind.NAME, Kind.VALUE, Kind.INTEGRAL, Kind.EXPONENT, Kind.INNER)


def _on_the_way(question, table):
    if isinstance(question, (sp.Symbol, sp.Indexed)) and base_of(question) in table:
        question = table[base_of(question)].at(getattr(question, "indices", ()))
    right = Chain(table)
    try:
        right.line(question)
    except Undecided:  # no rule by hand
        return
    for key in sorted(right.sites, key=lambda key: ORDER.index(key[1])):
        wrong = tidied(Chain(table, fault=key).line(question), table, short=False)
        yield Mistake(key[1], right.sites[key](), wrong)


def _per_sample(right):
    """The loss of one sample in the place of the mean over all of them."""
    for total in sorted(right.atoms(sp.Sum), key=sp.default_sort_key):
        (index, _, high), *_ = total.limits
        if len(total.limits) == 1 and sp.Mul.make_args(right).count(1/high):
            name = ("the loss of one sample is differentiated instead of the cost, "
                    f"the mean over {plain(index)}")
            yield Mistake(Kind.SHARE, name, (right*high).xreplace({total: total.function}))


def _forgotten(right, table):
    """The bias left out of all sums: a formula in which it is 0."""
    biases = {b for d in table.values() for b in _uses_of(d) if _stem(b) == "b" and b not in table}
    for leaf in sorted(biases, key=str):
        opened = resolve(right, table)
        zero = {e: sp.S.Zero for e in opened.atoms(sp.Indexed) if e.base == leaf} if _shape(leaf) else {leaf: sp.S.Zero}
        if zero and opened.xreplace(zero) != opened:
            yield Mistake(Kind.TERM, f"the bias {plain(_word(leaf))} is forgotten", opened.xreplace(zero))


def _slope_too_many(right, table):
    """The slope of a function once more, as with squared error where the cross-entropy has cancelled it."""
    for value in sorted(right.atoms(sp.Indexed, sp.Symbol, sp.Function), key=sp.default_sort_key):
        body = value_of(value, table)
        if isinstance(body, (Activation, *SATURATING)):
            with evaluate(True):
                slope = body.fdiff().xreplace({body: value})
            name = f"the slope {plain(slope)} is one factor too many"
            yield Mistake(Kind.SLOPE, name, _times_within(right, value, slope))


def _times_within(expr, part, factor):
    """The expression times a factor, put into the sum that binds what stands in it."""
    sums = [s for s in expr.atoms(sp.Sum) if s.has(part) and {i for i, *_ in s.limits} & part.free_symbols]
    inner = min(sums, key=sp.count_ops, default=None)
    return expr*factor if inner is None else expr.xreplace({inner: sp.Sum(inner.function*factor, *inner.limits)})


def _other_names(right, table):
    """One name for another of the same shape: z for a, y for y_hat, the layer before for the layer behind."""
    bases = {base_of(part) for d in table.values() for part in (d.name, *_uses_of(d))} | _bases(right)
    hold = {p: sp.Dummy(real=True) for p in right.atoms(Partial)}  # the name of a derivative is one name
    back, right = {dummy: p for p, dummy in hold.items()}, right.xreplace(hold)
    for mine in sorted(_bases(right) - back.keys(), key=str):
        for other in sorted(bases - {mine}, key=str):
            if len(_shape(mine) or ()) == len(_shape(other) or ()) and _akin(mine, other, table):
                wrong = _renamed(right, mine, other).xreplace(back)
                yield Mistake(Kind.NAME, _stands_for(_word(other), _word(mine)), wrong)


def _akin(mine, other, table):
    """Two names that are taken for each other: one is made of the other, or they differ by a layer or a hat."""
    made = [other in _uses_of(table[one]) for one, other in ((mine, other), (other, mine)) if one in table]
    return any(made) or _stem(mine).partition("_")[0] == _stem(other).partition("_")[0]


def _other_variables(question, table):
    """The right derivative by another variable of the same function."""
    if not isinstance(question, Partial) or not isinstance(question.expr, (sp.Symbol, sp.Indexed)):
        return
    v = question.variable
    leaves = set().union(*(_uses_of(d) for d in table.values() if not isinstance(d, Depends))) - {base_of(v)}
    for leaf in sorted(leaves, key=str):
        indices = getattr(v, "indices", ()) if _shape(leaf) is not None else ()
        if len(_shape(leaf) or ()) != len(indices):
            continue
        other = leaf[indices] if indices else leaf
        if other != question.expr and Chain(table).reaches(question.expr, leaf):
            wrong = right_formula(Partial(question.expr, other), table)
            yield Mistake(Kind.VARIABLE, f"this is the derivative by {plain(other)} instead of {plain(v)}", wrong)


def _stem(base):
    return str(_word(base)).partition("^")[0]


def _word(base):
    return base.label if isinstance(base, sp.IndexedBase) else base


def _shape(base):
    return tuple(base.shape or ()) if isinstance(base, sp.IndexedBase) else None


def _uses_of(definition):
    return sorted(_bases(definition.name) | {u for u in definition.uses() if not u.is_integer}, key=str)


def _bases(expr):
    arrays = {e.base for e in expr.atoms(sp.Indexed)}
    labels = {base.label for base in arrays}
    return arrays | {s for s in expr.free_symbols if s.is_Symbol and not s.is_integer and s not in labels}


def _renamed(expr, mine, other):
    if isinstance(mine, sp.Symbol):
        return expr.xreplace({mine: other})
    return expr.xreplace({e: other[e.indices] for e in expr.atoms(sp.Indexed) if e.base == mine})
