"""Costs, parameters and claims of many types: a verdict, or one clear sentence; and all is as it
was afterwards."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from gradcheck import gradient_check, numerical_gradient, update_check

W = np.array([1.0, 2.0])


class Tensor:
    """As another library's: it keeps a record of operations, and gives its numbers only without."""

    def __init__(self, numbers):
        self.numbers = numbers

    def detach(self):
        return np.asarray(self.numbers)


@pytest.mark.parametrize("cost, gradient, point", [
    (lambda w: np.array([(w**2).sum()]), lambda w: 2 * w, W),
    (lambda w: np.array([[(w**2).sum()]]), lambda w: 2 * w, W),
    (lambda w: [(w**2).sum()], lambda w: 2 * w, W),
    (lambda w: Tensor((w**2).sum()), lambda w: Tensor(2 * w), W),
    (lambda x: Fraction(float(x))**2, lambda x: 2 * x, 1.5),
    (lambda x: Decimal(float(x))**2, lambda x: 2 * x, 1.5),
    (lambda x: x * x, Fraction(2, 3), Fraction(1, 3)),
    (lambda w: (w**2).sum(), lambda w: 2 * w, np.array([1, 2])),
    (lambda w: (w**2).sum(), lambda w: 2 * w, np.float32([1, 2])),
    (lambda w: (w**2).sum(), np.float16([2, 4]), W),
    (lambda w: np.float32(np.sin(w).sum()), np.cos, W),
    (lambda p: (p[0]**2).sum() + (p[1]**2).sum(), lambda p: [2 * p[0], 2 * p[1]],
     [W, np.ones((2, 3))]),
    (lambda p: sum((A**2).sum() + (b**2).sum() for A, b in p),
     lambda p: [(2 * A, 2 * b) for A, b in p], [(np.ones((2, 2)), W)])])
def test_a_right_gradient_of_any_type_is_confirmed(cost, gradient, point):
    assert gradient_check(cost, gradient, point)


@pytest.mark.parametrize("error", [AssertionError, KeyError, IndexError, RuntimeError, ValueError,
                                   ZeroDivisionError])
def test_a_cost_may_raise_anything_outside_its_domain(error):
    def cost(x):
        if x < 0:
            raise error("outside")
        return x**1.5
    assert gradient_check(cost, lambda x: 1.5 * np.sqrt(x), 1e-5)
    assert not gradient_check(cost, lambda x: 1.6 * np.sqrt(x), 1e-5)
    with pytest.raises(ValueError, match="outside"):
        gradient_check(cost, lambda x: x, -1.0)


@pytest.mark.parametrize("check", [
    lambda cost, p: gradient_check(cost, lambda q: {"w": 2 * q["w"]}, p),
    lambda cost, p: numerical_gradient(cost, p),
    lambda cost, p: update_check(lambda q, eta: {"w": q["w"] - eta * 2 * q["w"]}, cost, p, 0.1),
    lambda cost, p: gradient_check(cost, {"w": np.zeros(2)}, p, exact=False, sample=1)])
def test_a_model_holds_the_parameters_that_were_given_afterwards(check):
    kept = {}

    def cost(p):
        kept["w"] = p["w"]
        return (p["w"]**2).sum()
    check(cost, {"w": W})
    assert kept["w"].dtype == np.float64 and np.array_equal(kept["w"], W) and W.tolist() == [1, 2]
