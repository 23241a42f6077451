"""Every small change that could be made to a formula, whether or not anybody would make it.

These are on purpose not the mutants of `derivations.mistakes`, from which the engine takes its
hints: the checker must not be tried with its own list alone.
"""

import sympy as sp
from sympy import evaluate

from derivations.symbols import Activation, Gradient, Partial, sigmoid


def mutations(expr, names):
    """(kind of change, changed formula), each form once; `names` are the symbols and arrays that
    may stand in for others."""
    with evaluate(False):
        made = [*whole(expr, names)]
        for path, part, bound in parts(expr, (), ()):
            made += [(kind, _written(expr, path, new)) for kind, new in local(part, bound, names)]
    seen = {sp.srepr(expr), "None"}
    return [(kind, new) for kind,
            new in made if not (sp.srepr(new) in seen or seen.add(sp.srepr(new)))]


def whole(expr, names):
    yield "sign", -expr
    yield "times 2", 2*expr
    yield "times ½", expr/2
    for size in names.sizes:
        yield "times n", size*expr
        yield "divided by n", expr/size


def parts(expr, path, bound):
    """Every part of a formula, the path to it, and the letters that run around it. Limits of sums
    are not gone into."""
    yield path, expr, bound
    if isinstance(expr, (sp.Indexed, sp.MatrixSymbol, Gradient)):
        return
    if isinstance(expr, (sp.Sum, sp.Product)):
        yield from parts(expr.function, (*path, 0), (*bound, *(index for index, *_ in expr.limits)))
        return
    for position, arg in enumerate(expr.args[:1] if isinstance(expr, Partial) else expr.args):
        yield from parts(arg, (*path, position), bound)


def local(part, bound, names):
    for kind, rule in RULES:
        if isinstance(part, kind):
            yield from rule(part, bound, names)


def sums(part, bound, names):
    for position, term in enumerate(part.args):
        args = list(part.args)
        yield "sign of a term", part.func(*args[:position], -term, *args[position + 1:])
        yield "term dropped", _joined(part, args[:position] + args[position + 1:])


def products(part, bound, names):
    factors = [position for position, factor in enumerate(part.args) if factor != 1]
    for position in factors if len(factors) > 1 else []:
        yield "factor dropped", _joined(part, [a for p, a in enumerate(part.args) if p != position])
    matrices = [p for p in factors if isinstance(part.args[p], sp.MatrixExpr)]
    if isinstance(part, sp.MatMul) and len(matrices) == 2:
        first, second = (part.args[p] for p in matrices)
        others = [a for p, a in enumerate(part.args) if p not in matrices]
        if first.shape == second.shape:
            yield "entrywise for the matrix product", sp.MatMul(
                *others, sp.HadamardProduct(first, second))
        if second.shape[1] == first.shape[0]:
            yield "order of a matrix product", sp.MatMul(*others, second, first)


def powers(part, bound, names):
    if part.exp.is_Integer:
        for step in (1, -1):
            exponent = int(part.exp) + step
            simple = {0: sp.S.One, 1: part.base}
            yield "exponent ± 1", simple.get(exponent) or sp.Pow(part.base, exponent)


def numbers(part, bound, names):
    if part not in (1, -1):
        yield "number one off", part + 1 if part != -2 else sp.Integer(-3)


def letters(part, bound, names):
    """A name squared or left out, or another name in its place."""
    if part in bound or part in names.sizes or part in names.indices:
        return
    yield "exponent ± 1", part**2
    yield "exponent ± 1", sp.S.One
    for other in names.symbols if part.is_Symbol else ():
        if other != part:
            yield "variable for its neighbour", other


def entries(part, bound, names):
    yield from letters(part, bound, names)
    for array in names.arrays:
        if array != part.base and array.shape == part.base.shape:
            yield "variable for its neighbour", array[part.indices]
    if len(part.indices) == 2 and part.indices[0] != part.indices[1]:
        yield "indices swapped, W for Wᵀ", part.base[part.indices[::-1]]
    for position, index in enumerate(part.indices):
        for other in _other_indices(index, (*names.indices, *bound)):
            changed = list(part.indices)
            changed[position] = other
            yield "index", part.base[tuple(changed)]


def _other_indices(index, known):
    if index.is_Integer:
        return [index + 1, index - 1] if index > 1 else [index + 1]
    return [other for other in dict.fromkeys(known) if other != index]


def partials(part, bound, names):
    """The derivative by another variable, or of another function."""
    for _, variable in entries(part.variable, bound, names) if isinstance(
        part.variable, sp.Indexed) else letters(
            part.variable, bound, names):
        if isinstance(variable, (sp.Symbol, sp.Indexed)):
            yield "derivative by a neighbour", Partial(part.expr, variable)
    yield "derivative not taken", part.expr


def functions(part, bound, names):
    z = part.args[0]
    own = type(part)
    if isinstance(part, Activation):
        value = own.below(z) if part.order else part
        yield "derivative at the wrong argument" if part.order else "function taken twice", own(
            value)
        yield "slope for value or value for slope", value if part.order else own.prime(z)
    elif not isinstance(part, (sp.KroneckerDelta, sp.Max, sp.Min)):
        yield "function taken twice", own(part)
        yield "function left out", z
    if isinstance(part, (Activation, sigmoid, sp.exp)):
        yield "sign of an argument", own(-z)


def deltas(part, bound, names):
    yield "Kronecker delta left out", sp.S.One


def totals(part, bound, names):
    (index, low, high), *rest = part.limits
    yield "sum left out", part.function
    yield "sum begins one late", part.func(part.function, (index, low + 1, high), *rest)
    yield "sum ends one early", part.func(part.function, (index, low, high - 1), *rest)
    for size in names.sizes:
        if size != high:
            yield "sum to another end", part.func(part.function, (index, low, size), *rest)


def matrices(part, bound, names):
    if not isinstance(part, sp.Transpose):
        yield "W for Wᵀ", sp.Transpose(part)
    for other in names.matrices:
        if other != part and other.shape == part.shape:
            yield "variable for its neighbour", other


def transposes(part, bound, names):
    yield "W for Wᵀ", part.arg


RULES = [
    (sp.Add, sums), (sp.MatAdd, sums), (sp.Mul, products), (sp.MatMul, products),
    (sp.HadamardProduct, products),
    (sp.Pow, powers), (sp.Rational, numbers), (sp.Symbol, letters), (sp.Indexed, entries),
    (Partial, partials),
    (sp.Function, functions), (sp.KroneckerDelta, deltas), (sp.Sum, totals),
    (sp.MatrixSymbol, matrices),
    (sp.Transpose, transposes),
]


def _joined(part, args):
    return args[0] if len(args) == 1 else part.func(*args)


def _written(expr, path, new):
    """The changed formula; None if SymPy itself refuses to write it, as the sum of a matrix and a
    number."""
    try:
        return replaced(expr, path, new)
    except (TypeError, ValueError, IndexError, sp.ShapeError):
        return None


def replaced(expr, path, new):
    if not path:
        return new
    args = list(expr.args)
    args[path[0]] = replaced(args[path[0]], path[1:], new)
    return expr.func(*args)


class Names:
    """What occurs in a derivation: sizes, indices, other symbols, arrays, matrices; each in
    alphabetical order."""

    def __init__(self, *exprs):
        found = set().union(*(expr.atoms(sp.Symbol, sp.Indexed, sp.MatrixSymbol) for expr in exprs))
        arrays = {e.base for e in found if isinstance(e, sp.Indexed)}
        sizes = {s for array in arrays for size in array.shape or () for s in size.free_symbols}
        sizes |= {s for m in found if isinstance(m, sp.MatrixSymbol) for size in m.shape
                  for s in size.free_symbols}
        bound = {index for expr in exprs for total in expr.atoms(sp.Sum, sp.Product) for index,
                 *_ in total.limits}
        indices = {i for e in found if isinstance(e, sp.Indexed) for i in e.indices if i.is_Symbol}
        labels = {array.label for array in arrays}
        symbols = {s for s in found if s.is_Symbol} - sizes - bound - indices - labels
        self.sizes, self.indices = _sorted(sizes), _sorted(indices - bound)
        self.symbols, self.arrays = _sorted(symbols), _sorted(arrays)
        self.matrices = _sorted(m for m in found if isinstance(m, sp.MatrixSymbol))


def _sorted(things):
    return sorted(things, key=str)
