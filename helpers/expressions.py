"""The words in which a derivation is written: arrays of symbols, partial derivatives, activations, definitions.

SymPy's own `Derivative(J, w)` is 0 at once when J is only a name, and its chain rule leaves `Subs(...)` behind. The
words here keep names as names until `resolve` replaces them by what they stand for; the differentiation itself is
always SymPy's.
"""

from functools import cache

import sympy as sp
from sympy import evaluate


class Undecided(Exception):
    """An expression holds something that the engine does not cover, such as a float: no proof and no refutation."""


class WrongIndex(ValueError):
    """An index runs further, or less far, than the array it stands on; or two matrices do not fit."""


def formula(value):
    """A SymPy expression or a number, as SymPy knows it. Raises TypeError for text and for all else, tables included."""
    try:
        expr = sp.sympify(value, strict=True)
    except sp.SympifyError:
        expr = None
    if not isinstance(expr, (sp.Expr, sp.MatrixExpr)):
        raise TypeError(f"a formula of SymPy symbols is needed, got {value!r}")
    return expr


def as_written():
    """Within `with as_written():` SymPy keeps an expression in the order and the form in which it is typed."""
    return evaluate(False)


def indexed(name, *shape):
    """An array of real symbols: `indexed("x", n, d)[i, j]` is x_ij, with 1 <= i <= n and 1 <= j <= d."""
    if not shape:
        raise ValueError(f"indexed({name!r}) needs a shape, as in indexed({name!r}, n) or indexed({name!r}, n, d)")
    shape = tuple(map(formula, shape))
    if any(size.is_integer is False for size in shape):
        raise ValueError(f"the sizes of indexed({name!r}) must be whole numbers, got {shape}")
    return sp.IndexedBase(name, shape=shape, real=True)


def base_of(name):
    """The part of a name that a definition is filed under: w for w[k], J for J."""
    return name.base if isinstance(name, sp.Indexed) else name


def names_in(expr):
    """Every symbol and every array that occurs in an expression, sizes and indices included."""
    if isinstance(expr, sp.Symbol):
        return {expr}
    if isinstance(expr, sp.Indexed):
        return {expr.base}.union(*map(names_in, (*expr.indices, *(expr.base.shape or ()))))
    return set().union(*map(names_in, expr.args))


class Partial(sp.Expr):
    """The partial derivative of `expr` with respect to `variable`, kept as it is written until it is resolved.

    `variable` is a symbol or an entry such as `w[k]`. Raises TypeError otherwise, and for a matrix.
    """

    def __new__(cls, expr, variable):
        expr, variable = formula(expr), formula(variable)
        if not isinstance(variable, (sp.Symbol, sp.Indexed)):
            raise TypeError(f"Partial needs a symbol or an entry such as w[k] to differentiate by, got {variable}")
        if isinstance(expr, sp.MatrixExpr):
            raise TypeError(f"Partial needs a number to differentiate, got {expr}")
        return sp.Expr.__new__(cls, expr, variable)

    expr = property(lambda self: self.args[0])
    variable = property(lambda self: self.args[1])
    is_commutative = True
    is_real = True


class Gradient(sp.MatrixExpr):
    """The column of all partial derivatives of `expr` with respect to the entries of the vector `vector`."""

    def __new__(cls, expr, vector):
        expr, vector = formula(expr), formula(vector)
        if isinstance(expr, sp.MatrixExpr) or not isinstance(vector, sp.MatrixExpr):
            raise TypeError(f"Gradient needs a number and a matrix symbol to differentiate by, got {expr} and {vector}")
        return sp.MatrixExpr.__new__(cls, expr, vector)

    expr = property(lambda self: self.args[0])
    vector = property(lambda self: self.args[1])
    shape = property(lambda self: self.args[1].shape)


class sigmoid(sp.Function):
    """The logistic function, known to SymPy by its one rule: its derivative is sigmoid(z) (1 - sigmoid(z))."""

    nargs = 1
    is_real = True
    is_positive = True

    def fdiff(self, argindex=1):
        return self * (1 - self)

    def _eval_rewrite_as_exp(self, z, **hints):
        return 1 / (1 + sp.exp(-z))


class _ActivationClass(type(sp.Function)):
    """Lets a function class answer to `.prime`: g.prime is g', g.prime.prime is g''."""

    @property
    def prime(cls):
        return activation(cls.stem, cls.order + 1)

    @property
    def below(cls):
        """What this is the slope of: g for g'."""
        return activation(cls.stem, cls.order - 1)


class Activation(sp.Function, metaclass=_ActivationClass):
    """An undefined smooth function of one variable: see `activation`."""

    nargs = 1
    is_real = True
    stem, order = "g", 0

    def fdiff(self, argindex=1):
        return type(self).prime(self.args[0])


def activation(name, order=0):
    """A function g of which nothing is known but that it has derivatives: g(z), and its slope g.prime(z) for g'(z)."""
    if not isinstance(name, str) or not isinstance(order, int) or order < 0:
        raise TypeError(f"an activation needs a name and a number of primes, 0 or more, got {name!r} and {order!r}")
    return _activation(name, order)


@cache
def _activation(name, order):
    return _ActivationClass(name + "_prime" * order, (Activation,), {"stem": name, "order": order})


class Definition:
    """A name and what it stands for: `Definition(y_hat[i], Sum(w[j]*x[i, j], (j, 1, d)) + b)`.

    The indices of an indexed name are free: the definition holds for every value of them.
    """

    def __init__(self, name, body, number=""):
        name, body = formula(name), formula(body)
        if not isinstance(name, (sp.Symbol, sp.Indexed)):
            raise TypeError(f"a definition needs a symbol or an entry such as y_hat[i] on its left, got {name}")
        indices = name.indices if isinstance(name, sp.Indexed) else ()
        if any(not i.is_Symbol for i in indices) or len(set(indices)) < len(indices):
            raise TypeError(f"the indices on the left of a definition must be different letters, got {name}")
        self.name, self.body = name, body
        self.indices, self.number = indices, str(number)
        if isinstance(body, sp.MatrixExpr):
            raise TypeError(f"{name} is one number; define it by numbers and entries, not by {body}")
        if base_of(name) in self.uses():
            raise ValueError(f"{name} is defined in terms of itself")

    def uses(self):
        """The names in the body, as they are filed."""
        return names_in(self.body)

    def at(self, indices):
        """The body, with the given indices in place of the free ones. No sum in the body can catch them."""
        return _fresh(self.body).xreplace(dict(zip(self.indices, indices)))

    def _repr_markdown_(self):
        from helpers.textbook import tex
        tag = rf"\tag{{{self.number}}}" if self.number else ""
        return f"$${tex(self.name)} = {tex(self.body)}{tag}$$"

    def __repr__(self):
        from helpers.textbook import plain
        return f"({self.number}) " * bool(self.number) + f"{plain(self.name)} = {plain(self.body)}"


class Entries:
    """`Entries(X, x)`: the matrix symbol X has the entries x_ij; a column vector may have one index, as in w_j."""

    def __init__(self, matrix, entries):
        if not isinstance(matrix, sp.MatrixSymbol) or not isinstance(entries, sp.IndexedBase):
            raise TypeError(f"Entries needs a matrix symbol and an array made by indexed, got {matrix!r} and {entries!r}")
        shape = tuple(entries.shape)
        if shape != matrix.shape and (*shape, 1) != matrix.shape:
            raise ValueError(f"{matrix} has shape {matrix.shape}, its entries {entries} have shape {shape}")
        self.matrix, self.entries = matrix, entries


class _Held(sp.Expr):
    """A coefficient dL/dz_k, constant while SymPy differentiates the linear stand-in of L."""

    is_commutative = True
    is_real = True

    def _eval_derivative(self, variable):
        return sp.S.Zero


class _Unknown(sp.Expr):
    """The unknown function L inside what SymPy differentiates: its derivative is that of its linear stand-in."""

    is_commutative = True
    is_real = True
    name = property(lambda self: self.args[0])
    linear = property(lambda self: self.args[1])

    def _eval_derivative(self, variable):
        return self.linear.diff(variable)


class Depends(Definition):
    """`Depends(L, z[k], (k, 1, m))`: L is some unknown smooth function of z_1 ... z_m, and of nothing else.

    The chain rule needs no more than dL = sum_k (dL/dz_k) dz_k, so for a first derivative the linear function of z with
    the coefficients dL/dz_k stands in for L. One loss per sample is `Depends(L[i], z[i, k], (k, 1, m))`.
    """

    def __init__(self, name, on, *limits):
        self.on = on = formula(on)
        super().__init__(name, sp.Function("some function")(on))
        counted = {i: sp.Dummy(i.name, integer=True) for i, low, high in map(_both_ends, limits)}
        loose = [i for i in getattr(on, "indices", ()) if i.is_Symbol and i not in counted and i not in self.indices]
        if loose:
            raise ValueError(f"on how many {on} does {name} depend? Give the limits, as in ({loose[0]}, 1, m)")
        self.pattern, self.counted = on.xreplace(counted), set(counted.values())
        self.limits = [(counted[i], *ends) for i, *ends in limits]

    def uses(self):
        return names_in(self.on)

    def at(self, indices):
        """The linear stand-in, with the given indices in place of the free ones."""
        swap = dict(zip(self.indices, indices))
        name, on = self.name.xreplace(swap), self.pattern.xreplace(swap)
        return _Unknown(name, sp.Sum(_Held(name, on) * on, *self.limits) if self.limits else _Held(name, on) * on)

    def covers(self, name, variable):
        """Is `variable` one of the arguments of this very function, so that its derivative by it has a name only?"""
        on = self.pattern.xreplace(dict(zip(self.indices, getattr(name, "indices", ()))))
        pairs = zip(getattr(on, "indices", ()), getattr(variable, "indices", ()))
        return base_of(on) == base_of(variable) and all(i == j or i in self.counted for i, j in pairs)


def table_of(definitions):
    """Definitions filed by the base of their name; two definitions of one name, and circles, are refused."""
    table = {}
    for definition in definitions:
        if not isinstance(definition, Definition):
            raise TypeError(f"given= takes Definition, Depends and Entries, got {definition!r}")
        base = base_of(definition.name)
        if base in table:
            raise ValueError(f"{base} is defined twice")
        table[base] = definition
    for base in table:
        _no_circle(base, table, ())
    return table


def _no_circle(base, table, above):
    if base in above:
        raise ValueError(f"{base} is defined in terms of itself, by way of {', '.join(map(str, above[1:]))}")
    for used in sorted(table[base].uses() & table.keys(), key=str):
        _no_circle(used, table, (*above, base))


def resolve(expr, table=None):
    """Replace every name by what it stands for, and every `Partial` by SymPy's derivative of what it stands for.

    A derivative with respect to a name (dL/dz_j) opens the names on the way down to z and stops there. Raises ValueError
    for a name that is differentiated but not known, Undecided for the second derivative of an unknown function.
    """
    with evaluate(True):
        return _resolve(_fresh(formula(expr)), table or {})


def _both_ends(limit):
    if len(limit) != 3:
        raise ValueError(f"both ends of an index are needed, as in ({limit[0]}, 1, n)")
    return limit


def _fresh(expr):
    """New letters for all bound indices, lest an index of a definition is caught by a sum of the same letter."""
    if isinstance(expr, (sp.Indexed, sp.IndexedBase)) or not expr.args:
        return expr
    if not isinstance(expr, (sp.Sum, sp.Product)):
        return expr.func(*map(_fresh, expr.args))
    function, limits = expr.function, []
    for index, low, high in map(_both_ends, expr.limits):  # the innermost first; its ends may depend on those outside
        swap = {index: sp.Dummy(index.name, integer=True)}
        function = function.xreplace(swap)
        limits = [(i, a.xreplace(swap), b.xreplace(swap)) for i, a, b in limits] + [(swap[index], low, high)]
    return expr.func(_fresh(function), *limits)


OPAQUE = (sp.Derivative, sp.Subs, sp.Integral, sp.Limit, sp.Lambda, sp.MatrixExpr)


def _resolve(expr, table, opened=False):
    if isinstance(expr, Partial):
        return _differentiate(expr, table)
    if isinstance(expr, (sp.Symbol, sp.Indexed)):
        definition = table.get(base_of(expr))
        if definition is None or (isinstance(definition, Depends) and not opened):
            return expr
        return _resolve(definition.at(getattr(expr, "indices", ())), table, opened)
    if isinstance(expr, _Unknown):
        return _Unknown(expr.name, _resolve(expr.linear, table, opened))
    if isinstance(expr, OPAQUE):
        raise Undecided(f"{type(expr).__name__} has no rule here: write Partial, Sum and entries such as w[k] instead")
    if not expr.args or isinstance(expr, (sp.IndexedBase, _Held)):
        return expr
    return expr.func(*(_resolve(a, table, opened) for a in expr.args))


def _differentiate(partial, table):
    inner, variable = partial.expr, partial.variable
    definition = table.get(base_of(inner)) if isinstance(inner, (sp.Symbol, sp.Indexed)) else None
    if isinstance(definition, Depends) and definition.covers(inner, variable):
        return partial
    function = _opened(inner, variable, table)
    _must_depend(inner, function, variable, table)
    derivative = function.diff(variable)
    return _resolve(derivative.replace(_Unknown, lambda name, linear: name).replace(_Held, Partial), table)


def _must_depend(expr, function, variable, table):
    """A derivative that is 0 only because a definition was forgotten proves nothing."""
    while isinstance(expr, Partial):
        expr, function = expr.expr, None
    function = _opened(expr, variable, table) if function is None else function
    if base_of(variable) not in names_in(function):
        from helpers.textbook import plain
        raise ValueError(f"nothing in {plain(expr)} is known to depend on {plain(variable)}: "
                         "give its Definition to the derivation")


def _opened(expr, variable, table):
    """The expression as a function of `variable`: all names opened but that of the variable itself."""
    above = {base: definition for base, definition in table.items() if base != base_of(variable)}
    function = _resolve(expr, above)
    if function.has(Partial):
        from helpers.textbook import plain
        unknown = min(map(plain, function.atoms(Partial)))
        raise Undecided(f"{unknown} would have to be differentiated, but it is the derivative of an unknown function")
    return _resolve(function, above, opened=True)


def entry(matrix, row, column, entries):
    """Entry (row, column) of a matrix expression as a scalar with indexed sums, for any sizes.

    `entries` maps each matrix symbol to its array of entries. Raises TypeError for an operation without a rule.
    """
    with evaluate(True):
        return _entry(matrix, row, column, entries)


def _entry(m, row, column, entries):
    if isinstance(m, sp.MatrixSymbol):
        if m not in entries:
            raise ValueError(f"the entries of {m} are not known: give Entries({m}, ...) to the derivation")
        return entries[m][row] if len(entries[m].shape) == 1 else entries[m][row, column]
    if isinstance(m, Gradient):
        return Partial(m.expr, _entry(m.vector, row, column, entries))
    if isinstance(m, sp.Transpose):
        return _entry(m.arg, column, row, entries)
    if isinstance(m, (sp.MatAdd, sp.HadamardProduct)) and len({a.shape for a in m.args}) > 1:
        raise WrongIndex(f"the shapes {' and '.join(str(a.shape) for a in m.args)} are not the same")
    if isinstance(m, sp.MatAdd):
        return sp.Add(*(_entry(a, row, column, entries) for a in m.args))
    if isinstance(m, (sp.HadamardProduct, sp.OneMatrix)):
        return sp.Mul(*(_entry(a, row, column, entries) for a in m.args if isinstance(a, sp.MatrixExpr)))
    if isinstance(m, (sp.MatMul, sp.Mul)):
        return _entry_of_product(list(m.args), row, column, entries)
    raise TypeError(f"no rule for the entries of {type(m).__name__}")


def _entry_of_product(factors, row, column, entries):
    scalars = [f for f in factors if not isinstance(f, sp.MatrixExpr)]
    first, *rest = [f for f in factors if isinstance(f, sp.MatrixExpr)]
    if not rest:
        return sp.Mul(*scalars, _entry(first, row, column, entries))
    if first.shape[1] != rest[0].shape[0]:
        raise WrongIndex(f"a matrix of shape {first.shape} cannot multiply one of shape {rest[0].shape}")
    inner = sp.Dummy("m", integer=True)
    product = _entry(first, row, inner, entries) * _entry_of_product(rest, inner, column, entries)
    size = first.shape[1]
    summed = product.xreplace({inner: sp.S.One}) if size == 1 else sp.Sum(product, (inner, 1, size))
    return sp.Mul(*scalars, summed)
