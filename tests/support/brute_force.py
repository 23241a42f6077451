"""Formulas read by brute force: sums are loops, derivatives are dual numbers, names are looked up where they stand.

The tests hold the prover to this second reading. It shares nothing with the helpers but the classes that formulas are made
of: no normal form, no fresh letters, no SymPy calculus. Numbers are exact fractions, or have 60 digits where exp
occurs; roots and logarithms of negative numbers are complex.
"""

from fractions import Fraction
from math import factorial
from random import Random

import mpmath
import sympy as sp

from derivations.symbols import Activation, Partial, sigmoid

DIGITS = 60
ORDERS = 5  # derivatives of a function that a dual number may ask for


class NoNumber(Exception):
    """A division by zero, or the logarithm of zero."""


class Dual:
    """A number with infinitesimal parts: {set of infinitesimals: coefficient}; the square of an infinitesimal is 0."""

    def __init__(self, parts):
        self.parts = {key: c for key, c in parts.items() if c != 0 or not key}

    real = property(lambda self: self.parts.get(frozenset(), 0))

    def __add__(self, other):
        return Dual({key: self.parts.get(key, 0) + other.parts.get(key, 0) for key in self.parts | other.parts})

    def __mul__(self, other):
        total = {}
        for one, c in self.parts.items():
            for two, e in other.parts.items():
                if not one & two:
                    total[one | two] = total.get(one | two, 0) + c*e
        return Dual(total)

    def through(self, slopes):
        """f of it by Taylor's series, from the values [f, f', f'', ...] at its real part."""
        small = Dual({key: c for key, c in self.parts.items() if key})
        power, total = Dual({frozenset(): 1}), Dual({})
        for order, slope in enumerate(slopes):
            total, power = total + Dual({frozenset(): slope/Fraction(factorial(order)) if isinstance(slope, Fraction)
                                         else slope/factorial(order)})*power, power*small
        return total


def constant(value):
    return Dual({frozenset(): value})


class Reading:
    """The value of formulas for one choice of sizes, entries and definitions."""

    def __init__(self, sizes, seed=0, table=(), precise=False):
        self.sizes, self.seed, self.precise = sizes, seed, precise
        self.table = {getattr(d.name, "base", d.name): d for d in table}
        self.shifted = []  # (name, indices, infinitesimal) for every derivative that is being taken

    def number(self, q):
        q = Fraction(q)
        return mpmath.mpf(q.numerator)/q.denominator if self.precise else q

    def __call__(self, expr, letters):
        with mpmath.workdps(DIGITS):
            value = self.read(expr, letters).real
            return self.number(value) if isinstance(value, (int, Fraction)) else value

    def read(self, e, at):
        if e.is_Rational:
            return constant(self.number(Fraction(int(e.p), int(e.q))))
        if e.is_Symbol and e in at:
            return constant(self.number(at[e]))
        if e.is_Symbol and e in self.sizes:
            return constant(self.number(self.sizes[e]))
        if e.is_Symbol or isinstance(e, sp.Indexed):
            return self.look_up(e, at)
        if isinstance(e, sp.Sum):
            return self.loop(e.function, e.limits, at)
        if isinstance(e, Partial):
            return self.slope(e, at)
        return self.operation(e, [self.read(arg, at) for arg in e.args])

    def whole(self, e, at):
        value = self.read(e, at).real
        assert value == int(value)
        return int(value)

    def loop(self, body, limits, at):
        if not limits:
            return self.read(body, at)
        index, low, high = limits[-1]
        total = constant(self.number(0))
        for step in range(self.whole(low, at), self.whole(high, at) + 1):
            total = total + self.loop(body, limits[:-1], {**at, index: step})
        return total

    def look_up(self, e, at):
        base = getattr(e, "base", e)
        indices = tuple(self.whole(i, at) for i in getattr(e, "indices", ()))
        definition = self.table.get(base)
        if definition is None:
            draw = Random(f"{self.seed} {base} {indices}")
            value = constant(self.number(Fraction(draw.choice([-7, -5, -3, -2, 2, 3, 5, 7]), draw.choice([1, 2, 3]))))
        else:
            value = self.read(definition.body, dict(zip(definition.indices, indices)))
        for name, place, infinitesimal in self.shifted:
            if (name, place) == (base, indices):
                value = value + Dual({frozenset([infinitesimal]): self.number(1)})
        return value

    def slope(self, e, at):
        variable, infinitesimal = e.variable, len(self.shifted)
        indices = tuple(self.whole(i, at) for i in getattr(variable, "indices", ()))
        self.shifted.append((getattr(variable, "base", variable), indices, infinitesimal))
        value = self.read(e.expr, at)
        self.shifted.pop()
        return Dual({key - {infinitesimal}: c for key, c in value.parts.items() if infinitesimal in key})

    def operation(self, e, values):
        if e.is_Add:
            return sum(values[1:], values[0])
        if e.is_Mul:
            total = values[0]
            for value in values[1:]:
                total = total*value
            return total
        if isinstance(e, sp.KroneckerDelta):
            return constant(self.number(int(values[0].real == values[1].real)))
        if isinstance(e, sp.exp):
            return values[0].through([mpmath.exp(values[0].real)]*ORDERS)
        if e.is_Pow:
            return self.power(*values)
        if isinstance(e, sigmoid):
            one, minus = constant(self.number(1)), constant(self.number(-1))
            return self.power(one + (minus*values[0]).through([mpmath.exp(-values[0].real)]*ORDERS), minus)
        if isinstance(e, sp.log):
            return values[0].through(self.slopes_of_log(values[0].real))
        if isinstance(e, Activation):
            return values[0].through(self.slopes_of(e.stem, values[0].real)[e.order:])
        raise NotImplementedError(e.func)

    def power(self, base, exponent):
        x, p = base.real, exponent.real
        if exponent.parts.keys() - {frozenset()}:  # it varies: base**exponent is exp(exponent log base)
            inside = exponent*base.through(self.slopes_of_log(x))
            return inside.through([mpmath.exp(inside.real)]*ORDERS)
        if p.imag == 0 and p == int(p.real) and p.real >= 0:
            result = constant(self.number(1))
            for _ in range(int(p.real)):
                result = result*base
            return result
        if x == 0:
            raise NoNumber(f"0**{p}")
        exact, falling, slopes = int(p.real) if p.imag == 0 and p == int(p.real) else p, self.number(1), []
        for order in range(ORDERS):
            slopes.append(falling*x**(exact - order))
            falling = falling*(exact - order)
        return base.through(slopes)

    def slopes_of_log(self, x):
        if x == 0:
            raise NoNumber("log 0")
        return [mpmath.log(x)] + [(-1)**(order - 1)*factorial(order - 1)/x**order for order in range(1, ORDERS)]

    def slopes_of(self, stem, x):
        """An undefined activation is some polynomial of degree 6 here; each has its own."""
        draw = Random(stem)
        coefficients = [self.number(draw.choice([-3, -2, -1, 1, 2, 3])) for _ in range(7)]
        slopes = []
        while len(slopes) < ORDERS + 3:
            slopes.append(sum((c*x**power for power, c in enumerate(coefficients)), self.number(0)))
            coefficients = [power*c for power, c in enumerate(coefficients)][1:]
        return slopes
