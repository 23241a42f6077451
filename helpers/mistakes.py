"""The mistakes that people really make in derivations, made on purpose from a right formula, each with its name.

A false formula is compared with every such mutant of the right one; the mutant it equals is the hint. The same mutants
serve to prove that the checker refuses wrong input.
"""

import sympy as sp
from sympy import evaluate

from helpers.expressions import Activation, Partial, sigmoid
from helpers.textbook import plain


def mutants(expr):
    """(name of the mistake, the formula with that mistake) for a formula in the form in which it was typed."""
    with evaluate(False):
        found = list(_whole(expr))
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


def _local(part, indices):
    if part.is_Mul:
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


def _single_terms(total):
    """One term of a sum for all of it: the index of the sum set to a free index that runs as far."""
    (bound, _, high), *_ = total.limits
    ends = {index: size for entry in total.function.atoms(sp.Indexed) for index, size in zip(entry.indices, entry.base.shape or ())}
    for index in sorted((i for i, size in ends.items() if i.is_Symbol and i != bound and size == high), key=str):
        name = f"only the term {plain(bound)} = {plain(index)} of the sum is left: an output treated elementwise"
        yield name, total.function.xreplace({bound: index})


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
        for other in indices:
            if other != index:
                new = [other if p == position else i for p, i in enumerate(part.indices)]
                wrong = part.base[tuple(new)]
                yield f"an index is wrong: {plain(wrong)} for {plain(part)}", wrong


def _without_one(part, name):
    for position, arg in enumerate(part.args):
        rest = [a for p, a in enumerate(part.args) if p != position]
        if arg != 1 and rest:
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
    if name.startswith("the exponent"):
        *_, right, _, wrong = name.split()
        return f"the exponent {wrong} became {right}"
    return ""
