"""The words in which a derivation is written: arrays of symbols, partial derivatives, activations.

SymPy's own `Derivative(J, w)` is 0 at once when J is only a name, and its chain rule leaves
`Subs(...)` behind. The words here keep names as names until `resolve` replaces them by what they
stand for, and only then differentiates. Every symbol stands for a real number.
"""

import math
from contextlib import contextmanager
from functools import cache, lru_cache

import mpmath
import sympy as sp
from sympy.core.relational import Relational
from sympy.matrices.expressions.matexpr import MatrixElement, MatrixExpr
from sympy.utilities.lambdify import MPMATH_TRANSLATIONS


def formula(value):
    """A SymPy expression or a number, as SymPy knows it; a typed decimal is the fraction it means.

    Raises TypeError for text and for all else that is no formula, tables included.

    >>> formula(0.5)
    1/2
    """
    try:
        expr = sp.sympify(value, strict=True)
    except sp.SympifyError:
        expr = None
    if isinstance(expr, sp.MatrixBase):
        expr = expr.as_immutable()
    if not isinstance(expr, (sp.Expr, MatrixExpr)):
        raise TypeError(f"a formula of SymPy symbols is needed, got {value!r}")
    typed = {f: q for f in parts_in(expr, sp.Float) if (q := _typed(f)) is not None}
    return expr.xreplace(typed) if typed else expr  # a float with all its digits stays one


def _typed(number):
    value = float(number)
    if not math.isfinite(value) or sp.Float(value) != number:
        return None
    q = sp.Rational(repr(value))
    return q if q.q <= 10**6 else None


@contextmanager
def as_written():
    """Within `with as_written():` SymPy keeps an expression in the form in which it is typed.

    SymPy's operators for matrices call `doit` even so; here it only puts numbers first.
    """
    kept = {kind: kind.doit for kind in _MADE_BY_OPERATORS}
    with sp.evaluate(False):
        try:
            for kind in kept:
                kind.doit = _as_typed
            yield
        finally:
            for kind, doit in kept.items():
                kind.doit = doit


_MADE_BY_OPERATORS = sp.MatAdd, sp.MatMul, sp.MatPow, sp.Transpose


def _as_typed(made, **hints):
    is_product = isinstance(made, sp.MatMul)
    return made.func(*sorted(made.args, key=lambda a: a.is_Matrix)) if is_product else made


class Array(sp.IndexedBase):
    """An array whose entries are made once: SymPy would work out what is known of each one anew."""

    @property
    def T(self):
        raise AttributeError(f"{self} stands for its entries, one at a time, and has no T: write "
                             "a sum of entries, as in Sum(W[k, j]*delta[k], (k, 1, n)), or a "
                             "function of NumPy arrays, as in lambda W, delta: W.T @ delta")

    def __matmul__(self, other):
        raise TypeError(f"{self} stands for its entries, one at a time, and knows no @: write a "
                        "sum of entries, as in Sum(W[j, k]*x[k], (k, 1, d)), or a function of "
                        "NumPy arrays, as in lambda W, x: W @ x")

    __rmatmul__, __array_ufunc__ = __matmul__, None  # NumPy's arrays leave @ to it

    def __getitem__(self, indices, **options):
        indices = indices if sp.utilities.iterables.is_sequence(indices) else (indices,)
        if len(indices) != len(self.shape):
            raise IndexError(f"{self} has {len(self.shape)} indices, got {len(indices)}")
        return Entry(self, *indices)


class Entry(sp.Indexed):
    """An entry of an `Array`; see there."""

    def __new__(cls, base, *indices, **options):
        return _made_once(cls, base, *map(sp.sympify, indices))

    @property
    def free_symbols(self):
        return set(_free_symbols(self))  # SymPy changes the set it is given


@lru_cache(maxsize=100_000)
def _made_once(cls, base, *indices):
    entry = sp.Expr.__new__(cls, base, *indices)
    sp.IndexedBase._set_assumptions(entry, base.assumptions0)  # noqa: SLF001
    return entry


@lru_cache(maxsize=100_000)
def _free_symbols(entry):
    return sp.Indexed.free_symbols.fget(entry)


def indexed(name, *shape, **assumptions):
    """An array of real symbols, its indices counted from 1.

    `indexed("x", n, d)[i, j]` is x_ij, with 1 <= i <= n and 1 <= j <= d; what else is known of
    every entry is said as in `indexed("p", n, positive=True)`.

    >>> indexed("x", 3)[1]
    x[1]
    """
    if not shape:
        raise ValueError(f"indexed({name!r}) needs a shape, as in indexed({name!r}, n) "
                         f"or indexed({name!r}, n, d)")
    shape = tuple(map(formula, shape))
    if any(size.is_integer is False for size in shape):
        raise ValueError(f"the sizes of indexed({name!r}) must be whole numbers, got {shape}")
    return Array(name, shape=shape, **{"real": True, **assumptions})


class Letter(sp.Dummy):
    """An index of which it is known from where to where it runs, in `ends`."""

    __slots__ = ("ends",)

    def __new__(cls, name, low, high):
        letter = super().__new__(cls, name, **_counting_from(low))
        letter.ends = (low, high)
        return letter


class Letters(Array):
    """An array of indices that all run from here to there, as the class of each sample does."""


def bound_letter(name, low, rank=None):
    """An index of a sum that begins at `low`, if that is known: a new one, or that of a rank."""
    return sp.Dummy(name, **_counting_from(low)) if rank is None else _ranked(name, low, rank)


@lru_cache(maxsize=20_000)
def _ranked(name, low, rank):
    return sp.Dummy(name, dummy_index=rank, **_counting_from(low))


@lru_cache(maxsize=100_000)
def rank_of(expr):
    """The highest rank of a letter in it. SymPy numbers its own from a million on."""
    ranks = (s.dummy_index for s in names_in(expr) if isinstance(s, sp.Dummy))
    return max((rank for rank in ranks if rank < FIRST_OF_SYMPY), default=0)


FIRST_OF_SYMPY = 10**6


def _counting_from(low):
    positive = low is not None and formula(low).is_positive or None  # False says "never"
    return {"integer": True, "positive": positive}


def letter(name, low, high):
    """An index, or the entry of an array of indices, in the place of a name: its ends are known."""
    if isinstance(name, sp.Symbol):
        return Letter(name.name, low, high)
    known = _counting_from(low)
    letters = Letters(sp.Dummy(name.base.label.name, **known), shape=name.base.shape, **known)
    letters.ends = low, high
    return letters[name.indices]


def base_of(name):
    """The part of a name that a definition is filed under: w for w[k], J for J."""
    return name.base if isinstance(name, sp.Indexed) else name


def label_of(base):
    """The symbol that an array is called by; any other name is its own."""
    return getattr(base, "label", base)


def shape_of(base):
    """The sizes of an array or a matrix; () of a number."""
    return tuple(getattr(base, "shape", None) or ())


@lru_cache(maxsize=100_000)
def names_in(expr):
    """Every symbol and every array that occurs in an expression, sizes and indices included."""
    if isinstance(expr, sp.Symbol):
        return frozenset([expr])
    if isinstance(expr, sp.Indexed):
        parts = *expr.indices, *(expr.base.shape or ())
        return frozenset([expr.base]).union(*map(names_in, parts))
    return frozenset().union(*map(names_in, expr.args))


@lru_cache(maxsize=100_000)
def kinds_in(expr):
    """The classes of all that an expression is made of."""
    return frozenset([type(expr)]).union(*map(kinds_in, expr.args))


def holds(expr, *kinds):
    """Is something of these classes in it? SymPy's `has` would look through all of it each time."""
    return any(issubclass(kind, kinds) for kind in kinds_in(expr))


@lru_cache(maxsize=20_000)
def parts_in(expr, *kinds):
    """All parts of these classes, which SymPy's `atoms` would gather anew each time."""
    return frozenset(expr.atoms(*kinds)) if holds(expr, *kinds) else frozenset()


@lru_cache(maxsize=100_000)
def letters_of(expr):
    """The symbols and entries in an expression that no sum in it binds, sizes of arrays included.

    SymPy would gather them anew each time, and what arrays are called with them.
    """
    if isinstance(expr, sp.Symbol):
        return frozenset([expr])
    if isinstance(expr, sp.Indexed):
        parts = *expr.indices, *shape_of(expr.base)
        return frozenset([expr]).union(*map(letters_of, parts))
    if isinstance(expr, (sp.Sum, sp.Product)):
        found = letters_of(expr.function)
        for index, *ends in expr.limits:
            found = found.difference([index]).union(*map(letters_of, ends))
        return found
    return frozenset().union(*map(letters_of, expr.args))


def rebuilt(expr, *parts):
    """The same kind of expression of other parts. SymPy would look all through the terms of a sum
    for a Piecewise, which is brought to its front."""
    function, *limits = parts
    if not isinstance(expr, (sp.Sum, sp.Product)) or holds(function, *_LOOKED_FOR):
        return expr.func(*parts)
    if isinstance(function, expr.func):
        function, limits = function.function, (*function.limits, *limits)
    made = sp.Basic.__new__(expr.func, function, *limits)
    made.is_commutative = function.is_commutative
    return made


_LOOKED_FOR = sp.Piecewise, Relational, type(sp.nan)


class Partial(sp.Expr):
    """The partial derivative of `expr` with respect to `variable`, kept as it is written.

    `variable` is a symbol or an entry such as `w[k]`. Raises TypeError otherwise, and for a matrix;
    ValueError for an index or a size, which are whole numbers.
    """

    def __new__(cls, expr, variable):
        expr, variable = formula(expr), formula(variable)
        if not isinstance(variable, (sp.Symbol, sp.Indexed)):
            raise TypeError("Partial needs a symbol or an entry such as w[k] to differentiate by, "
                            f"got {variable}")
        if variable.is_integer:
            raise ValueError(f"{variable} is a whole number: there is no derivative by it")
        if isinstance(expr, MatrixExpr):
            raise TypeError(f"Partial needs a number to differentiate, got {expr}")
        return sp.Expr.__new__(cls, expr, variable)

    expr = property(lambda self: self.args[0])
    variable = property(lambda self: self.args[1])
    is_commutative = True
    is_real = True


class Gradient(MatrixExpr):
    """The matrix of all partial derivatives of `expr` with respect to the entries of `vector`."""

    def __new__(cls, expr, vector):
        expr, vector = formula(expr), formula(vector)
        if isinstance(expr, MatrixExpr) or not isinstance(vector, MatrixExpr):
            raise TypeError("Gradient needs a number and a matrix symbol to differentiate by, "
                            f"got {expr} and {vector}")
        return MatrixExpr.__new__(cls, expr, vector)

    expr = property(lambda self: self.args[0])
    vector = property(lambda self: self.args[1])
    shape = property(lambda self: self.args[1].shape)

    def _entry(self, i, j, **hints):
        return MatrixElement(self, i, j)


# Functions. One class is all that a new one takes: `fdiff`, its slope; `_eval_rewrite_as_exp`, how
# it
# is made of exponentials; `value`, its value at an mpmath number; `shown`, its name in LaTeX and
# text.


class RealFunction(sp.Function):
    """A smooth real function of one real variable, by its hooks."""

    nargs = 1
    shown = None  # (LaTeX, plain text); without it the name of the class

    def _eval_is_extended_real(self):
        return self.args[0].is_extended_real

    def _eval_is_finite(self):
        return self.args[0].is_finite


class sigmoid(RealFunction):
    """The logistic function; its derivative is sigmoid(z) (1 - sigmoid(z)).

    >>> z = sp.Symbol("z", real=True)
    >>> sigmoid(z).diff(z)
    (1 - sigmoid(z))*sigmoid(z)
    """

    shown = r"\sigma", "σ"

    def fdiff(self, argindex=1):
        return self * (1 - self)

    def _eval_rewrite_as_exp(self, z, **hints):
        return 1 / (1 + sp.exp(-z))

    def _eval_is_extended_positive(self):
        return self.args[0].is_extended_real

    @staticmethod
    def value(z):
        return 1 / (1 + mpmath.exp(-z))


class softplus(RealFunction):
    """log(1 + e^z), the smooth relative of max(0, z); its derivative is the sigmoid."""

    def fdiff(self, argindex=1):
        return sigmoid(self.args[0])

    def _eval_rewrite_as_exp(self, z, **hints):
        return sp.log(1 + sp.exp(z))

    def _eval_is_extended_positive(self):
        return self.args[0].is_extended_real

    @staticmethod
    def value(z):
        return mpmath.log(1 + mpmath.exp(z))


def function_value(e, values):
    """The value of a smooth function such as erf(x), for mpmath numbers as its arguments.

    Only the function counts: one of ours with the hook `value`, or any that SymPy or mpmath know.
    Raises ValueError where it has none.

    >>> function_value(softplus(sp.Symbol("x", real=True)), [mpmath.mpf(0)])
    mpf('0.69314718055994529')
    """
    function = e.func
    if hasattr(function, "value"):
        return function.value(*values)
    name = MPMATH_TRANSLATIONS.get(function.__name__, function.__name__)
    if (function.__module__ or "").startswith("sympy.") and hasattr(mpmath, name):
        return getattr(mpmath, name)(*values)
    digits = mpmath.mp.dps
    number = function(*(sp.Float(v, digits) for v in values)).evalf(digits)
    if not number.is_comparable:
        raise ValueError(f"no value is known for {function.__name__}")
    return mpmath.mpf(number)


class _ActivationClass(type(sp.Function)):
    """Lets a function class answer to `.prime`: g.prime is g', g.prime.prime is g''."""

    @property
    def prime(cls):
        return activation(cls.stem, cls.order + 1)

    @property
    def below(cls):
        """What this is the slope of: g for g'."""
        return activation(cls.stem, cls.order - 1)


class Activation(RealFunction, metaclass=_ActivationClass):
    """An undefined smooth function of one variable: see `activation`."""

    stem, order = "g", 0

    def fdiff(self, argindex=1):
        return type(self).prime(self.args[0])


def activation(name, order=0):
    """A function of which nothing is known but its derivatives: g.prime(z) is its slope at z.

    >>> g, z = activation("g"), sp.Symbol("z", real=True)
    >>> g(z).diff(z) == g.prime(z)
    True
    """
    if not isinstance(name, str) or not isinstance(order, int) or order < 0:
        raise TypeError("an activation needs a name and a number of primes, 0 or more, "
                        f"got {name!r} and {order!r}")
    return _activation(name, order)


@cache
def _activation(name, order):
    return _ActivationClass(name + "_prime" * order, (Activation,), {"stem": name, "order": order})
