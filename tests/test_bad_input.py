"""Bad input to helpers.numeric and helpers.linear gets an error that says what came and what was expected."""
# ruff: noqa: E501  -- one line a case reads best


import numpy as np
import pytest

from helpers import linear as net
from helpers import numeric

X, Y, W = np.ones((5, 3)), np.ones(5), np.ones(3)
NAN_X = np.where(np.arange(15).reshape(5, 3) == 7, np.nan, 1.0)

NETWORK = [
    # shapes, in full
    (lambda: net.predict(Y, W, 0), ValueError, r"X has shape (5,), expected (n_samples, n_features); for one feature write X[:, None]"),
    (lambda: net.predict(X, np.ones(4), 0), ValueError, "w has shape (4,), expected (n_features,) = (3,) to match X of shape (5, 3)"),
    (lambda: net.predict(X, np.ones((3, 1)), 0), ValueError,
     "w has shape (3, 1), expected (n_features,) = (3,) to match X of shape (5, 3); its ravel() would fit"),
    (lambda: net.predict(X, W, [0.0]), ValueError, "b has shape (1,), expected a single number"),
    (lambda: net.cost(X, Y[:, None], W, 0), ValueError,
     "y has shape (5, 1), expected (n_samples,) = (5,) to match X of shape (5, 3); its ravel() would fit"),
    (lambda: net.gradient(X, Y[:4], W, 0), ValueError, "y has shape (4,), expected (n_samples,) = (5,) to match X of shape (5, 3)"),
    (lambda: net.train(X, 1.0, W, 0, 0.1, 1), ValueError, "y has shape (), expected (n_samples,) = (5,)"),
    (lambda: net.least_squares(X, Y[:, None]), ValueError, "y has shape (5, 1)"),
    (lambda: net.squared_error(Y, Y[:, None]), ValueError, "y has shape (5, 1), expected (5,), the shape of y_hat"),
    (lambda: net.squared_error(X, X), ValueError, "y_hat has shape (5, 3), expected one dimension"),
    (lambda: net.update(W, 0, np.ones(2), 0, 0.1), ValueError, "dJ_dw has shape (2,), expected (3,), the shape of w"),
    (lambda: net.update(W, 0, W, W, 0.1), ValueError, "dJ_db has shape (3,), expected a single number"),
    (lambda: net.step_limit(Y), ValueError, "X has shape (5,)"),
    (lambda: net.standardise(X[:, :2], net.Standardised(X, W, W)), ValueError, "like.mean has shape (3,), expected (n_features,) = (2,)"),
    # values
    (lambda: net.predict(NAN_X, W, 0), ValueError, "X[2, 1] is nan, expected finite numbers"),
    (lambda: net.predict(X, [1, np.inf, np.nan], 0), ValueError, "w[1] is inf, and 1 more, expected finite numbers"),
    (lambda: net.predict(X, W, np.nan), ValueError, "b is nan, expected finite numbers"),
    (lambda: net.cost(X[:0], Y[:0], W, 0), ValueError, "X is empty: it has shape (0, 3)"),
    (lambda: net.cost(X, [], W, 0), ValueError, "y is empty: it has shape (0,)"),
    (lambda: net.update(W, 0, W, 0, 0), ValueError, "eta is 0.0, expected a number above 0"),
    (lambda: net.train(X, Y, W, 0, -0.1, 1), ValueError, "eta is -0.1, expected a number above 0"),
    (lambda: net.train(X, Y, W, 0, np.inf, 1), ValueError, "eta is inf, expected finite numbers"),
    (lambda: net.train(X, Y, W, 0, 0.1, -1), ValueError, "epochs is -1, expected a whole number, 0 or more"),
    (lambda: net.train(X, Y, W, 0, 0.1, 1, 0), ValueError, "batch_size is 0, expected a whole number from 1 to 5"),
    (lambda: net.train(X, Y, W, 0, 0.1, 1, 6), ValueError, "batch_size is 6, expected a whole number from 1 to 5"),
    (lambda: net.batches(0, 1), ValueError, "n_samples is 0, expected a whole number, 1 or more"),
    (lambda: net.batches(5, 9), ValueError, "batch_size is 9, expected a whole number from 1 to 5"),
    (lambda: net.standardise([[1, 2], [3, 2]]), ValueError, "column 1 of X is constant (2 in every row), so it has no scale"),
    (lambda: net.standardise([[1e308], [-1e308]]), ValueError, "the standard deviation of X[0] is inf, expected finite numbers"),
    (lambda: net.predict([[1, 2], [3]], W, 0), ValueError, "X has rows of different lengths, expected a rectangular array"),
    # types
    (lambda: net.predict(X.astype(str), W, 0), TypeError, "X holds text, expected real numbers"),
    (lambda: net.predict(X > 0, W, 0), TypeError, "X holds True and False, expected real numbers"),
    (lambda: net.predict(X + 0j, W, 0), TypeError, "X holds complex numbers, expected real numbers"),
    (lambda: net.predict(X, None, 0), TypeError, "w holds values of type object, expected real numbers"),
    (lambda: net.predict(np.ma.masked_equal(X, 1), W, 0), TypeError, "X is a masked array"),
    (lambda: net.train(X, Y, W + 0j, 0, 0.1, 1), TypeError, "w holds complex numbers, expected real numbers"),
    (lambda: net.cost(X, ["a"] * 5, W, 0), TypeError, "y holds text, expected real numbers"),
    (lambda: net.update(W, 0, W, 0, "0.1"), TypeError, "eta holds text, expected real numbers"),
    (lambda: net.train(X, Y, W, 0, 0.1, 2.5), TypeError, "epochs is 2.5, expected a whole number, 0 or more"),
    (lambda: net.train(X, Y, W, 0, 0.1, True), TypeError, "epochs is True, expected a whole number, 0 or more"),
    (lambda: net.batches(5, 2.0), TypeError, "batch_size is 2.0, expected a whole number from 1 to 5"),
    (lambda: net.batches(5, 2, 0), TypeError, "rng is 0, expected None or a generator, as np.random.default_rng(0) makes it"),
    (lambda: net.train(X, Y, W, 0, 0.1, 1, rng=np.random), TypeError, "expected None or a generator"),
    (lambda: net.standardise(X, X), TypeError, "like is of type ndarray, expected the result of an earlier standardise(X)"),
]

P = {"w": W, "b": 0.5}
G = {"w": 2 * W, "b": 1.0}


def J(p):
    return (p["w"]**2).sum() + p["b"]**2


def check(cost=J, gradient=G, parameters=P, **options):
    return lambda: numeric.gradient_check(cost, gradient, parameters, **options)


def changes_its_input(p):
    p["w"] *= 2
    return p["w"].sum()


NUMERIC = [
    (lambda: numeric.central_difference(abs, 1.0, 0), ValueError, "h is 0.0, expected a number above 0"),
    (lambda: numeric.forward_difference(abs, 1.0, -1e-3), ValueError, "h is -0.001, expected a number above 0"),
    (lambda: numeric.complex_step(np.exp, 1.0, np.nan), ValueError, "h is nan"),
    (lambda: numeric.derivative(np.exp, np.nan), ValueError, "x is nan, expected finite numbers"),
    (lambda: numeric.derivative(np.exp, [1.0, 2.0]), ValueError, "x has shape (2,), expected a single number"),
    (lambda: numeric.derivative(3, 1.0), TypeError, "f is of type int, expected a function"),
    (lambda: numeric.derivative(lambda x: [x, x], 1.0), ValueError, "f returned an array of shape (2,), expected a single number"),
    (lambda: numeric.derivative(lambda x: None, 1.0), TypeError, "f returned None, expected a single number"),
    (lambda: numeric.derivative(lambda x: x * 1j, 1.0), TypeError, "f returned a complex number, expected a real one"),
    (lambda: numeric.derivative(lambda x: np.inf, 1.0), ValueError, "f at these parameters is inf"),
    (lambda: numeric.mp_derivative(abs, "one"), ValueError, "x is 'one', expected a number"),
    (lambda: numeric.mp_derivative(abs, [1]), TypeError, "x is [1], a list; expected a real mpmath number"),
    (lambda: numeric.mp_derivative(abs, float("inf")), ValueError, "x is +inf, expected a finite number"),
    (lambda: numeric.mp_derivative(abs, 1, 0), ValueError, "digits is 0, expected a whole number, 1 or more"),
    (lambda: numeric.numerical_gradient(J, {}), ValueError, "parameters is empty, expected at least one array"),
    (check(parameters={}), ValueError, "parameters is empty, expected at least one array"),
    (check(parameters={"w": {}, "b": 0.5}), ValueError, "w is empty, expected at least one array"),
    (check(parameters={"w": W[:0], "b": 0.5}), ValueError, "w is empty: it has shape (0,)"),
    (check(parameters={"w": [1, np.nan, 2], "b": 0.5}), ValueError, "w[1] is nan, expected finite numbers"),
    (check(parameters={"w": W + 1j, "b": 0.5}), TypeError, "w holds complex numbers, expected real numbers"),
    (check(parameters={"w": "weights", "b": 0.5}), TypeError, "w holds text, expected real numbers"),
    (check(gradient={"w": W}), ValueError, "the gradient has nothing for 'b'; expected 'w', 'b'"),
    (check(gradient={"w": W, "b": 1, "c": 1}), ValueError, "the gradient has the unknown 'c'; expected 'w', 'b'"),
    (check(gradient={"w": W, "bias": 1}), ValueError, "the gradient has nothing for 'b' and has the unknown 'bias'; expected 'w', 'b'"),
    (check(gradient=(W, 1)), TypeError, "the gradient is of type tuple, expected a mapping with 'w', 'b'"),
    (check(gradient=W), TypeError, "the gradient is of type ndarray, expected a mapping with 'w', 'b'"),
    (check(gradient=lambda p: None), TypeError, "the gradient is of type NoneType, expected a mapping"),
    (check(gradient={"w": np.ones((3, 1)), "b": 1}), ValueError, "the gradient of w has shape (3, 1), expected (3,), the shape of w"),
    (check(gradient={"w": W, "b": [1.0]}), ValueError, "the gradient of b has shape (1,), expected (), the shape of b"),
    (check(gradient={"w": W * np.nan, "b": 1}), ValueError, "the gradient of w[0] is nan, and 2 more, expected finite numbers"),
    (check(lambda p: (p**2).sum(), np.ones((3, 2)), np.ones((2, 3))), ValueError,
     "has shape (3, 2), expected (2, 3), the shape of the parameter; its transpose would fit"),
    (check(lambda p: (p["W"][1]**2).sum(), {"W": {2: W}}, {"W": {1: W}}), ValueError,
     "the gradient['W'] has nothing for 1 and has the unknown 2; expected 1"),
    (check(cost="J"), TypeError, "cost is of type str, expected a function"),
    (check(cost=lambda p: p["w"]), ValueError, "cost returned an array of shape (3,), expected a single number"),
    (check(cost=lambda p: np.nan), ValueError, "cost at these parameters is nan"),
    (check(cost=lambda p: np.random.default_rng().normal()), ValueError, "for the same parameters: fix its random choices"),
    (check(cost=changes_its_input), ValueError, "cost changed w: it must leave the parameters it is given as they are"),
    (check(gradient=changes_its_input), ValueError, "gradient changed w: it must leave the parameters it is given as they are"),
    (check(n_samples=0), ValueError, "n_samples is 0, expected a whole number, 1 or more"),
    (check(n_samples=2.0), TypeError, "n_samples is 2.0, expected a whole number, 1 or more"),
    (check(sample=0), ValueError, "sample is 0, expected a whole number, 1 or more"),
]


@pytest.mark.parametrize("call, error, message", NETWORK + NUMERIC, ids=lambda v: v if isinstance(v, str) else "")
def test_the_error_says_what_came_and_what_was_expected(call, error, message):
    with pytest.raises(error) as raised:
        call()
    assert message in str(raised.value)


def test_nothing_is_changed_by_a_refused_call():
    w = W.copy()
    for call, error, _ in NETWORK + NUMERIC:
        with pytest.raises(error):
            call()
    assert (W == w).all() and (X == 1).all() and (Y == 1).all()


@pytest.mark.parametrize("value", [True, np.True_, "1", None, [1, "a"], 1j, np.datetime64("2020-01-01"), {1}, lambda: 1])
def test_what_is_no_number_is_a_type_error_everywhere(value):
    for call in (lambda: net.step_limit(value), lambda: net.standardise(value), lambda: net.squared_error([1.0], value),
                 lambda: numeric.derivative(np.exp, value), lambda: net.update(W, value, W, 0, 0.1)):
        with pytest.raises(TypeError):
            call()
