"""The words in which a derivation is written: arrays of symbols, partial derivatives, activations, definitions.

SymPy's own `Derivative(J, w)` is 0 at once when J is only a name, and its chain rule leaves `Subs(...)` behind. The
words here keep names as names until `resolve` replaces them by what they stand for; the differentiation itself is
always SymPy's.
"""

from functools import lru_cache

import sympy as sp
from sympy import evaluate


def as_written():
    """Within `with as_written():` SymPy keeps an expression in the order and the form in which it is typed."""
    return evaluate(False)


def indexed(name, *shape):
    """An array of real symbols: `indexed("x", n, d)[i, j]` is x_ij, with 1 <= i <= n and 1 <= j <= d."""
    if not shape:
        raise ValueError(f"indexed({name!r}) needs a shape, as in indexed({name!r}, n) or indexed({name!r}, n, d)")
    return sp.IndexedBase(name, shape=tuple(map(sp.sympify, shape)), real=True)


def base_of(name):
    """The part of a name that a definition is filed under: w for w[k], J for J."""
    return name.base if isinstance(name, sp.Indexed) else name


class Partial(sp.Expr):
    """The partial derivative of `expr` with respect to `variable`, kept as it is written until it is resolved.

    `variable` is a symbol, an entry such as `w[k]`, or a plain undefined function value. Raises TypeError otherwise.
    """

    def __new__(cls, expr, variable):
        expr, variable = sp.sympify(expr), sp.sympify(variable)
        if not isinstance(variable, (sp.Symbol, sp.Indexed)):
            raise TypeError(f"Partial needs a symbol or an entry such as w[k] to differentiate by, got {variable}")
        return sp.Expr.__new__(cls, expr, variable)

    expr = property(lambda self: self.args[0])
    variable = property(lambda self: self.args[1])
    is_commutative = True
    is_real = True

    def _eval_derivative(self, variable):
        return Partial(self, variable)


class Gradient(sp.MatrixExpr):
    """The column of all partial derivatives of `expr` with respect to the entries of the vector `vector`."""

    def __new__(cls, expr, vector):
        return sp.MatrixExpr.__new__(cls, sp.sympify(expr), sp.sympify(vector))

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


@lru_cache(maxsize=None)
def activation(name, order=0):
    """A function g of which nothing is known but that it has derivatives: g(z), and its slope g.prime(z) for g'(z)."""
    return _ActivationClass(name + "_prime" * order, (Activation,), {"stem": name, "order": order})


class Definition:
    """A name and what it stands for: `Definition(y_hat[i], Sum(w[j]*x[i, j], (j, 1, d)) + b)`.

    The indices of an indexed name are free: the definition holds for every value of them.
    """

    def __init__(self, name, body, number=""):
        name = sp.sympify(name)
        if not isinstance(name, (sp.Symbol, sp.Indexed)):
            raise TypeError(f"a definition needs a symbol or an entry such as y_hat[i] on its left, got {name}")
        indices = name.indices if isinstance(name, sp.Indexed) else ()
        if any(not i.is_Symbol for i in indices) or len(set(indices)) < len(indices):
            raise TypeError(f"the indices on the left of a definition must be different letters, got {name}")
        self.name, self.body = name, sp.sympify(body)
        self.indices, self.number = indices, str(number)
        if base_of(name) in self.body.atoms(sp.Symbol, sp.IndexedBase):
            raise ValueError(f"{name} is defined in terms of itself")

    def at(self, indices):
        """The body, with the given indices in place of the free ones."""
        return self.body.xreplace(dict(zip(self.indices, indices)))

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


class Depends(Definition):
    """`Depends(L, z[k], (k, 1, m))`: L is some unknown smooth function of z_1 ... z_m, and of nothing else.

    The chain rule needs no more than dL = sum_k (dL/dz_k) dz_k, so for first derivatives L is replaced by the linear
    function of z with the coefficients dL/dz_k.
    """

    def __init__(self, name, on, *limits):
        self.name, self.on, self.indices = sp.sympify(name), sp.sympify(on), ()
        self.body = sp.Function("some function")(self.on)
        with evaluate(True):
            self.linear = _Held(self.name, self.on) * self.on
            self.linear = sp.Sum(self.linear, *limits) if limits else self.linear


def table_of(definitions):
    """Definitions filed by the base of their name; two definitions of one name are refused."""
    table = {}
    for definition in definitions:
        base = base_of(definition.name)
        if base in table:
            raise ValueError(f"{base} is defined twice")
        table[base] = definition
    return table


def resolve(expr, table=None):
    """Replace every name by what it stands for, and every `Partial` by SymPy's derivative of what it stands for.

    A derivative with respect to a name (dL/dz_j) opens the names on the way down to z and stops there.
    """
    with evaluate(True):
        return _resolve(sp.sympify(expr), table or {})


def _resolve(expr, table):
    if isinstance(expr, Partial):
        return _differentiate(expr, table)
    if isinstance(expr, (sp.Symbol, sp.Indexed)):
        definition = table.get(base_of(expr))
        if definition is None or isinstance(definition, Depends):
            return expr
        return _resolve(definition.at(getattr(expr, "indices", ())), table)
    if isinstance(expr, sp.Sum):
        return _fresh_sum(expr, table)
    if not expr.args or isinstance(expr, (sp.IndexedBase, _Held)):
        return expr
    return expr.func(*(_resolve(a, table) for a in expr.args))


def _fresh_sum(expr, table):
    """Rename the bound indices first: otherwise an index of a definition could be caught by a sum around it."""
    rename = {limit[0]: sp.Dummy(limit[0].name, integer=True) for limit in expr.limits}
    limits = [(rename[i], low.xreplace(rename), high.xreplace(rename)) for i, low, high in expr.limits]
    return sp.Sum(_resolve(expr.function.xreplace(rename), table), *limits)


def _differentiate(partial, table):
    inner, variable = partial.expr, partial.variable
    stop = base_of(variable)
    unknown = table.get(base_of(inner)) if isinstance(inner, (sp.Symbol, sp.Indexed)) else None
    if isinstance(unknown, Depends) and base_of(unknown.on) == stop:
        return partial
    if unknown is None and isinstance(inner, (sp.Symbol, sp.Indexed)) and base_of(inner) != stop:
        raise ValueError(f"what {inner} depends on is not known: give its Definition to the derivation")
    inner = unknown.linear if isinstance(unknown, Depends) else inner
    above = {base: definition for base, definition in table.items() if base != stop}
    derivative = _resolve(inner, above).diff(variable)
    return _resolve(derivative.replace(_Held, Partial), table)


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
    inner = sp.Dummy("m", integer=True)
    product = _entry(first, row, inner, entries) * _entry_of_product(rest, inner, column, entries)
    size = first.shape[1]
    summed = product.xreplace({inner: sp.S.One}) if size == 1 else sp.Sum(product, (inner, 1, size))
    return sp.Mul(*scalars, summed)
