"""The mistakes that people really make in derivations, made on purpose from a right formula, each with its name.

A false formula is compared with every such mutant of the right one; the mutant it equals is the hint. The same mutants
serve to prove that the checker refuses wrong input.
"""

import re
from typing import NamedTuple

import sympy as sp
from sympy import evaluate

from derivations.chain_rule import Chain, lettered, right_formula, tidied
from derivations.definitions import Depends, resolve
from derivations.printing import plain
from derivations.symbols import Activation, Partial, base_of, sigmoid


def mutants(expr):
    """(name of the mistake, the formula with that mistake) for a formula in the form in which it was typed."""
    with evaluate(False):
        expr = lettered(expr)
        found = list(_whole(expr))
        found += _throughout(expr)
        indices = sorted(_indices(expr), key=str)
        for path, part in _parts(expr, ()):
            found += [(name, _replaced(expr, path, wrong)) for name, wrong in _local(part, indices)]
    return found


def without_deltas(expr):
    """Sums over a Kronecker delta written as the one term they pick, so that a hint can name its factors."""
    return expr.replace(lambda e: isinstance(e, sp.Sum) and len(e.limits) == 1, _picked)


def _picked(total):
    index = total.limits[0][0]
    factors = sp.Mul.make_args(total.function)
    for delta in (f for f in factors if isinstance(f, sp.KroneckerDelta) and index in f.args):
        other = delta.args[0] if delta.args[1] == index else delta.args[1]
        return sp.Mul(*(f for f in factors if f != delta)).xreplace({index: other})
    return total


def _whole(expr):
    yield "the sign is wrong", -expr
    yield "a factor 2 is too many", 2 * expr
    yield "a factor 2 is missing, or a ½ too many", expr / 2
    for size in sorted(_sizes(expr), key=str):
        yield f"a factor {size} is too many: a sum stands where a mean is meant", size * expr
        yield f"a factor 1/{size} is too many", expr / size
    for part in sorted(expr.atoms(sigmoid), key=str):
        yield f"{plain(part)} is taken at the activation instead of the pre-activation", expr.xreplace({part: sigmoid(part)})
        yield f"{plain(part.args[0])} stands where {plain(part)} is meant", expr.xreplace({part: part.args[0]})
    for delta in sorted(expr.atoms(sp.KroneckerDelta), key=str):
        yield "only the diagonal is left, but every output depends on every input", delta * expr


def _throughout(expr):
    """Two indices exchanged wherever they occur, as "to" and "from" are; an upper index read as a power."""
    used = sorted({i for e in expr.atoms(sp.Indexed) for i in e.indices if i.is_Integer}, key=str)
    for p, one in enumerate(used):
        for two in used[p + 1:]:
            swap = {one: two, two: one}
            entries = {e: e.base[tuple(swap.get(i, i) if _fits(e, position, swap.get(i, i)) else i
                                       for position, i in enumerate(e.indices))] for e in expr.atoms(sp.Indexed)}
            yield f"the indices {one} and {two} are exchanged throughout, as if to and from were swapped", expr.xreplace(entries)
    by = {e for p in expr.atoms(Partial) for e in p.variable.atoms(sp.Indexed)}
    for entry in sorted((e for e in expr.atoms(sp.Indexed) - by if "^" in str(e.base.label)), key=sp.default_sort_key):
        yield f"{plain(entry)} is squared: an upper index counts layers, it is no power", expr.xreplace({entry: entry**2})
    bases = sorted({e.base for e in expr.atoms(sp.Indexed) if "^" in str(e.base.label)}, key=str)
    for mine, other in ((a, b) for a in bases for b in bases if a != b and _stem(a) == _stem(b) and len(a.shape) == len(b.shape)):
        yield f"the wrong layer: {plain(other.label)} stands where {plain(mine.label)} is meant", _renamed(expr, mine, other)


def _fits(entry, position, index):
    size = entry.base.shape[position] if entry.base.shape else index
    return not (size.is_Integer and index.is_Integer) or index <= size


def _stem(base):
    return str(_word(base)).partition("^")[0]


def _local(part, indices):
    if part.is_Mul:
        yield from _without_slope(part)
        yield from _without_one(part, "the factor {} is missing")
    elif part.is_Add:
        yield from _without_one(part, "the term {} is missing")
        for position, term in enumerate(part.args):
            args = [-a if p == position else a for p, a in enumerate(part.args)]
            yield f"the sign of the term {plain(term)} is wrong", part.func(*args)
    elif part.is_Pow and part.exp.is_Integer and part.exp > 1:
        for step in (1, -1):
            yield f"the exponent {part.exp} became {int(part.exp) + step}", part.base ** (int(part.exp) + step)
    elif isinstance(part, Activation):
        yield from _slopes(part)
    elif isinstance(part, sigmoid):
        yield f"{plain(part)} is taken at the activation instead of the pre-activation", sigmoid(part)
    elif isinstance(part, sp.Indexed):
        yield from _wrong_indices(part, indices)
    elif isinstance(part, sp.Sum):
        yield "the sum is lost", part.function
        yield from _single_terms(part)
        if isinstance(part.function, sp.exp):
            for index in indices:
                own = part.function.xreplace({part.limits[0][0]: index})
                yield "separate sigmoids stand where softmax is meant: they do not share a denominator", 1 + own


def _without_slope(product):
    """Both factors of a slope a (1 - a), or of e^-z / (1 + e^-z)^2, gone at once."""
    factors = sp.Mul.make_args(product)
    with evaluate(True):
        partners = [(f, {1 - f, f - 1, (1 + f)**-2}) for f in factors]
        pairs = [(f, g) for f, partner in partners for g in factors if g + 0 in partner]
    for one, two in pairs:
        rest = [f for f in factors if f is not one and f is not two]
        yield f"the slope {plain(one * two)} is left out", sp.Mul(*rest) if rest else sp.S.One


def _single_terms(total):
    """One term of a sum for all of it: the index of the sum set to a free index that runs as far."""
    (bound, _, high), *_ = total.limits
    entries = total.function.atoms(sp.Indexed)
    ends = {index: size for entry in entries for index, size in zip(entry.indices, entry.base.shape or ())}
    free = sorted((i for i, size in ends.items() if i.is_Symbol and i != bound and size == high), key=str)
    for index in [*free, sp.S.One, sp.Integer(2)]:
        why = ": an output treated elementwise" if index.is_Symbol else ""
        yield f"only the term {plain(bound)} = {plain(index)} of the sum is left{why}", total.function.xreplace({bound: index})


def _slopes(part):
    inner = part.args[0]
    if part.order:
        name = plain(part)
        value = type(part).below(inner)
        yield f"{name} is taken at {plain(value)} instead of {plain(inner)}", type(part)(value)
        yield f"{plain(value)} stands where its slope {name} is meant", value


def _wrong_indices(part, indices):
    if len(part.indices) == 2 and part.indices[0] != part.indices[1]:
        swapped = part.base[part.indices[1], part.indices[0]]
        yield f"the indices of {plain(part)} are swapped: a transpose", swapped
    for position, index in enumerate(part.indices):
        for other in [*indices, *_other_numbers(part, position)]:
            if other != index:
                new = [other if p == position else i for p, i in enumerate(part.indices)]
                wrong = part.base[tuple(new)]
                yield f"an index is wrong: {plain(wrong)} for {plain(part)}", wrong


def _other_numbers(part, position):
    """The other numbers that an index can be: all of a small array, the first two of one of unknown size."""
    size = part.base.shape[position] if part.base.shape else sp.S.One
    last = int(size) if size.is_Integer else 2
    return [sp.Integer(number) for number in range(1, min(last, 4) + 1)] if part.indices[position].is_Integer else []


def _without_one(part, name):
    for position, arg in enumerate(part.args):
        rest = [a for p, a in enumerate(part.args) if p != position]
        if (arg != 1 or part.is_Add) and rest:
            yield name.format(plain(arg)), rest[0] if len(rest) == 1 else part.func(*rest)


def _parts(expr, path):
    """Every part of an expression with the path to it. What a derivative is taken of is left alone."""
    if isinstance(expr, sp.Tuple) or not isinstance(expr, sp.Expr):
        return
    yield path, expr
    if not isinstance(expr, (sp.Indexed, Partial)):
        for position, arg in enumerate(expr.args):
            yield from _parts(arg, (*path, position))


def _replaced(expr, path, new):
    if not path:
        return new
    args = list(expr.args)
    args[path[0]] = _replaced(args[path[0]], path[1:], new)
    return expr.func(*args)


def _indices(expr):
    return {i for entry in expr.atoms(sp.Indexed) for i in entry.indices if i.is_Symbol}


def _sizes(expr):
    limits = [high for s in expr.atoms(sp.Sum) for _, _, high in s.limits]
    shapes = [size for e in expr.atoms(sp.Indexed) for size in e.base.shape or ()]
    return {s for s in limits + shapes if s.is_Symbol}


def reversed_name(name):
    """What a mistake is called when undoing it gives the right line; "" if that has no name of its own."""
    if name.endswith("is missing"):
        return name.removesuffix("is missing") + "is one too many"
    if name.startswith("the slope") and name.endswith("is left out"):
        return name.removesuffix("is left out") + "is one factor too many"
    if name.startswith("the exponent"):
        *_, right, _, wrong = name.split()
        return f"the exponent {wrong} became {right}"
    return ""


# The tree of mistakes of a question --------------------------------------------------------------------------------------


class Mistake(NamedTuple):
    """One node of the tree: the kind it is of, what it is called, and the formula one then gets."""

    kind: str
    name: str
    formula: sp.Expr


KINDS = (
    ("sign", "sign"), ("share", "loss of one sample"), ("transpose", "transpose"), ("slope", "is left out"),
    ("argument", "is taken at"), ("argument", "in terms of the value"), ("value", "its slope"), ("index", "wrong layer"),
    ("power", "is squared"), ("integral", "integrated"), ("exponent", "exponent"), ("mean", "too many: a sum"),
    ("factor", "a factor 2"), ("index", "index"), ("index", "indices"), ("variable", "the derivative by"),
    ("sum", "the sum is lost"), ("sum", "of the sum"), ("name", "stands where"), ("term", "is forgotten"), ("factor", "factor"),
    ("term", "term"), ("sum", "diagonal"), ("sum", "denominator"))


def kind_of(name):
    """To which kind of mistake a name belongs; "other" if to none."""
    if name.startswith("the inner derivative"):
        return "inner"
    if re.search(r"factor 1/[a-zA-Z] is", name):
        return "mean"
    return next((kind for kind, words in KINDS if words in name), "other")


def tree(question, table):
    """Every usual mistake for a question such as Partial(J, w[k]), derived from its right answer; the likeliest first.

    Chain-rule faults are made on the way down the definitions in `table`, the rest in the right formula. Two names may
    lead to one formula: the first is the one to tell.
    """
    right = right_formula(question, table)
    for name, wrong in _nodes(question, right, table):
        if isinstance(wrong, sp.Sum) and wrong.function == 0:
            continue
        yield Mistake(kind_of(name), name, wrong)


def _nodes(question, right, table):
    with evaluate(False):
        whole = [(name, wrong) for name, wrong in _whole(right) if not right.has(sigmoid) or "sigmoid" not in name]
    yield from whole
    yield from _per_sample(right)
    yield from _on_the_way(question, table)
    yield from mutants(right)
    yield from _forgotten(right, table)
    yield from _other_names(right, table)
    yield from _other_variables(question, table)


def _on_the_way(question, table):
    if isinstance(question, (sp.Symbol, sp.Indexed)):
        question = table[base_of(question)].at(getattr(question, "indices", ())) if base_of(question) in table else question
    chain = Chain(table)
    chain.line(question)
    order = ("no slope", "argument", "name", "value", "integrated", "exponent", "inner")
    for key in sorted(chain.sites, key=lambda key: next(p for p, word in enumerate(order) if key[1].startswith(word))):
        yield chain.sites[key](), tidied(Chain(table, fault=key).line(question), table, short=False)


def _per_sample(right):
    """The loss of one sample in the place of the mean over all of them."""
    for total in sorted(right.atoms(sp.Sum), key=sp.default_sort_key):
        (index, _, high), *_ = total.limits
        if len(total.limits) == 1 and sp.Mul.make_args(right).count(1/high):
            name = f"the loss of one sample is differentiated instead of the cost, the mean over {plain(index)}"
            yield name, (right*high).xreplace({total: total.function})


def _forgotten(right, table):
    """The bias left out of all sums: a formula in which it is 0."""
    for leaf in sorted((b for d in table.values() for b in _uses_of(d) if _stem(b) == "b" and b not in table), key=str):
        opened = resolve(right, table)
        entries = {e: sp.S.Zero for e in opened.atoms(sp.Indexed) if e.base == leaf} if _shape(leaf) else {leaf: sp.S.Zero}
        if entries and opened.xreplace(entries) != opened:
            yield f"the bias {plain(_word(leaf))} is forgotten", opened.xreplace(entries)


def _other_names(right, table):
    """One name for another of the same shape: z for a, y for y_hat, the layer before for the layer behind."""
    bases = {base for d in table.values() for part in (d.name, *_uses_of(d)) for base in [base_of(part)]} | _bases(right)
    hold = {p: sp.Dummy(real=True) for p in right.atoms(Partial)}  # the name of a derivative is one name
    back, right = {dummy: p for p, dummy in hold.items()}, right.xreplace(hold)
    for mine in sorted(_bases(right) - back.keys(), key=str):
        for other in sorted(bases - {mine}, key=str):
            if len(_shape(mine) or ()) == len(_shape(other) or ()) and _akin(mine, other, table):
                wrong = _renamed(right, mine, other).xreplace(back)
                yield f"{plain(_word(other))} stands where {plain(_word(mine))} is meant", wrong


def _akin(mine, other, table):
    """Two names that are taken for each other: one is made of the other, or they differ by a layer or a hat."""
    made = [other in _uses_of(table[one]) for one, other in ((mine, other), (other, mine)) if one in table]
    return any(made) or _stem(mine).partition("_")[0] == _stem(other).partition("_")[0]


def _uses_of(definition):
    return sorted(_bases(definition.name) | {u for u in definition.uses() if not u.is_integer}, key=str)


def _bases(expr):
    arrays = {e.base for e in expr.atoms(sp.Indexed)}
    labels = {base.label for base in arrays}
    return arrays | {s for s in expr.free_symbols if s.is_Symbol and not s.is_integer and s not in labels}


def _shape(base):
    return tuple(base.shape or ()) if isinstance(base, sp.IndexedBase) else None


def _word(base):
    return base.label if isinstance(base, sp.IndexedBase) else base


def _renamed(expr, mine, other):
    if isinstance(mine, sp.Symbol):
        return expr.xreplace({mine: other})
    return expr.xreplace({e: other[e.indices] for e in expr.atoms(sp.Indexed) if e.base == mine})


def _other_variables(question, table):
    """The right derivative by another variable of the same function."""
    if not isinstance(question, Partial) or not question.expr.is_Symbol and not isinstance(question.expr, sp.Indexed):
        return
    v = question.variable
    leaves = set().union(*(_uses_of(d) for d in table.values() if not isinstance(d, Depends))) - {base_of(v)}
    for leaf in sorted(leaves, key=str):
        indices = getattr(v, "indices", ()) if _shape(leaf) is not None else ()
        if len(_shape(leaf) or ()) == len(indices) and Chain(table).reaches(question.expr, leaf):
            other = leaf[indices] if indices else leaf
            if other != question.expr:
                wrong = tidied(Chain(table).line(Partial(question.expr, other)), table, short=False)
                yield f"this is the derivative by {plain(other)} instead of {plain(v)}", wrong
