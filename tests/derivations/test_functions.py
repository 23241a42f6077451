"""Every function of the engine is one class with hooks, and its hooks say the same thing."""

import inspect

import mpmath
import pytest
import sympy as sp

from derivations import symbols

POINTS = [mpmath.mpf(q) for q in ("-2.25", "-0.75", "0.5", "1.75")]
z = sp.Symbol("z", real=True)
CLASSES = [thing for thing in vars(symbols).values()
           if inspect.isclass(thing) and "fdiff" in vars(thing)
           and hasattr(thing, "value")]


def test_softplus_and_sigmoid_are_among_them():
    assert {"sigmoid", "softplus"} <= {function.__name__ for function in CLASSES}


@pytest.mark.parametrize("function", CLASSES, ids=lambda function: function.__name__)
@pytest.mark.parametrize("point", POINTS, ids=str)
def test_slope_and_exponential_form_are_those_of_the_value(function, point):
    with mpmath.workdps(40):
        slope = mpmath.diff(lambda q: symbols.function_value(function(z), [q]), point)
        assert mpmath.almosteq(number(function(z).fdiff(), point), slope, rel_eps=1e-15)
        written = function(z).rewrite(sp.exp)
        value = symbols.function_value(function(z), [point])
        assert written != function(z)
        assert mpmath.almosteq(number(written, point), value, rel_eps=1e-30)


def number(expr, point):
    """The value of an expression of z, its functions of the engine by their own hook."""
    known = {call: sp.Dummy() for call in expr.atoms(sp.Function) if type(call) in CLASSES}
    values = [symbols.function_value(call, [number(call.args[0], point)]) for call in known]
    return sp.lambdify([z, *known.values()], expr.xreplace(known), "mpmath")(point, *values)
