"""The words in which a derivation is written: arrays of symbols, partial derivatives, activations, definitions.

SymPy's own `Derivative(J, w)` is 0 at once when J is only a name, and its chain rule leaves `Subs(...)` behind. The
words here keep names as names until `resolve` replaces them by what they stand for; the differentiation itself is
always SymPy's.
"""

from functools import cache

import sympy as sp
from sympy import evaluate


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
