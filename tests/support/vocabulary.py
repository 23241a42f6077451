"""The symbols and the linear regression that the tests of the engine speak of."""

from sympy import MatrixSymbol, Sum, symbols

from derivations.definitions import Definition, Entries, resolve, table_of
from derivations.derivation import Derivation
from derivations.normal_form import index_ranges, is_zero
from derivations.symbols import Partial, activation, as_written, indexed

n, d, m, K = symbols("n d m K", integer=True, positive=True)
i, j, k, l = symbols("i j k l", integer=True)
a, b, J, L, eta, lam = symbols("a b J L eta lambda", real=True)
x, y, y_hat, w = indexed("x", n, d), indexed("y", n), indexed("y_hat", n), indexed("w", d)
u, q = indexed("u", n), indexed("q", n, n)
g = activation("g")

with as_written():
    prediction = Definition(y_hat[i], Sum(w[j]*x[i, j], (j, 1, d)) + b)
    cost = Definition(J, Sum((y_hat[i] - y[i])**2, (i, 1, n))/(2*n))
    gradient = Sum((y_hat[i] - y[i])*x[i, k], (i, 1, n))/n
given = [prediction, cost]

X, W, Y, Y_hat = (MatrixSymbol("X", n, d), MatrixSymbol("w", d, 1), MatrixSymbol("y", n, 1),
                  MatrixSymbol("y_hat", n, 1))
entries = [Entries(X, x), Entries(W, w), Entries(Y, y), Entries(Y_hat, y_hat)]


def same(left, right, definitions=()):
    """Does the normal form show the two equal?"""
    table = table_of(definitions)
    first, second = resolve(left, table), resolve(right, table)
    return is_zero(first - second, index_ranges(left, right, first, second))


def derive(left, *lines, given=given, **options):
    """A derivation with the lines given as functions, so that they are made as written."""
    with Derivation(left, given, **options) as derivation:
        for number, line in enumerate(lines, 1):
            derivation.step(line() if callable(line) else line, f"reason {number}")
    return derivation


def linear_regression(number="1.2", given=given):
    """∂J/∂w_k in three lines."""
    with Derivation(Partial(J, w[k]), given, number) as dJ_dw:
        dJ_dw.step(Sum(2*(y_hat[i] - y[i])*Partial(y_hat[i] - y[i], w[k]), (i, 1, n))/(2*n),
                   "power rule, then chain rule")
        dJ_dw.step(Sum((y_hat[i] - y[i])*Partial(y_hat[i], w[k]), (i, 1, n))/n,
                   r"the 2 meets the $\frac12$")
        dJ_dw.step(Sum((y_hat[i] - y[i])*x[i, k], (i, 1, n))/n,
                   "only the term $j=k$ of the sum contains $w_k$")
    return dJ_dw
