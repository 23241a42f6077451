"""Bad input gets an error that says what came and what was expected, and changes nothing: for every
public function.

First the words of single errors, then a table of all public functions with the kind of each of
their arguments. A new public function makes a test fail until it has its row.
"""

import copy
import dataclasses
import importlib
import inspect
import re
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import sympy as sp
from tally import report

from derivations import claim, definitions, derivation, errors, normal_form, sampling, symbols
from gradcheck import check, differences, update
from helpers import data, fast_step, network, training
from helpers import linear as net

# the package exports a function of this name
exercises = importlib.import_module("exercises.check")
X, Y, W = np.ones((5, 3)), np.ones(5), np.ones(3)
NAN_X = np.where(np.arange(15).reshape(5, 3) == 7, np.nan, 1.0)

NETWORK = [
    # shapes, in full
    (lambda: net.predict(Y, W, 0), ValueError,
     "X has shape (5,), expected (n_samples, n_features)"),
    (lambda: net.predict(X, np.ones(4), 0), ValueError,
     "w has shape (4,), expected (n_features,) = (3,) to match X of shape (5, 3)"),
    (lambda: net.predict(X, np.ones((3, 1)), 0), ValueError,
     "w has shape (3, 1), expected (n_features,) = (3,) to match X of shape (5, 3); its ravel() "
     "would fit"),
    (lambda: net.predict(X, W, [0.0]), ValueError, "b has shape (1,), expected a single number"),
    (lambda: net.cost(X, Y[:, None], W, 0), ValueError,
     "y has shape (5, 1), expected (n_samples,) = (5,) to match X of shape (5, 3); its ravel() "
     "would fit"),
    (lambda: net.gradient(X, Y[:4], W, 0), ValueError,
     "y has shape (4,), expected (n_samples,) = (5,) to match X of shape (5, 3)"),
    (lambda: net.train(X, 1.0, W, 0, 0.1, 1), ValueError,
     "y has shape (), expected (n_samples,) = (5,)"),
    (lambda: net.least_squares(X, Y[:, None]), ValueError, "y has shape (5, 1)"),
    (lambda: network.binary_cross_entropy(Y, Y[:, None]), ValueError,
     "y has shape (5, 1), expected (d_1,) = (5,) to match z of shape (5,); its ravel() would fit"),
    (lambda: net.step_limit(Y), ValueError, "X has shape (5,)"),
    (lambda: data.standardise(X[:, :2], data.Standardised(X, W, W)), ValueError,
     "like.mean has shape (3,), expected (n_features,) = (2,)"),
    # values
    (lambda: net.predict(NAN_X, W, 0), ValueError, "X[2, 1] is nan, expected finite numbers"),
    (lambda: net.predict(X, [1, np.inf, np.nan], 0), ValueError,
     "w[1] is inf, and 1 more, expected finite numbers"),
    (lambda: net.predict(X, W, np.nan), ValueError, "b is nan, expected finite numbers"),
    (lambda: net.cost(X[:0], Y[:0], W, 0), ValueError, "X is empty: it has shape (0, 3)"),
    (lambda: net.cost(X, [], W, 0), ValueError, "y is empty: it has shape (0,)"),
    (lambda: net.train(X, Y, W, 0, 0, 1), ValueError, "eta is 0.0, expected a number above 0"),
    (lambda: net.train(X, Y, W, 0, -0.1, 1), ValueError, "eta is -0.1, expected a number above 0"),
    (lambda: net.train(X, Y, W, 0, np.inf, 1), ValueError, "eta is inf, expected finite numbers"),
    (lambda: net.train(X, Y, W, 0, 0.1, -1), ValueError,
     "epochs is -1, expected a whole number, 0 or more"),
    (lambda: net.train(X, Y, W, 0, 0.1, 1, 0), ValueError,
     "batch_size is 0, expected a whole number from 1 to 5"),
    (lambda: net.train(X, Y, W, 0, 0.1, 1, 6), ValueError,
     "batch_size is 6, expected a whole number from 1 to 5"),
    (lambda: net.batches(0, 1), ValueError, "n_samples is 0, expected a whole number, 1 or more"),
    (lambda: net.batches(5, 9), ValueError, "batch_size is 9, expected a whole number from 1 to 5"),
    (lambda: data.standardise([[1, 2], [3, 2]]), ValueError,
     "column 1 of X is constant, so it has no scale"),
    (lambda: net.predict([[1, 2], [3]], W, 0), ValueError,
     "X has rows of different lengths, expected one length"),
    # types
    (lambda: net.predict(X.astype(str), W, 0), TypeError,
     "X holds values of type str_, expected real numbers"),
    (lambda: net.predict(X > 0, W, 0), TypeError,
     "X holds values of type bool, expected real numbers"),
    (lambda: net.predict(X + 0j, W, 0), TypeError,
     "X holds values of type complex128, expected real numbers"),
    (lambda: net.predict(X, None, 0), TypeError,
     "w holds values of type NoneType, expected real numbers"),
    (lambda: net.predict(X, [[object()]], 0), TypeError,
     "w holds values of type object, expected real numbers"),
    (lambda: net.predict(np.ma.masked_equal(X, 1), W, 0), TypeError, "X is a masked array"),
    (lambda: net.train(X, Y, W + 0j, 0, 0.1, 1), TypeError,
     "w holds values of type complex128, expected real numbers"),
    (lambda: net.cost(X, ["a"] * 5, W, 0), TypeError,
     "y holds values of type str_, expected real numbers"),
    (lambda: net.train(X, Y, W, 0, "0.1", 1), TypeError,
     "eta holds values of type str_, expected real numbers"),
    (lambda: net.train(X, Y, W, 0, 0.1, 2.5), TypeError,
     "epochs is 2.5, expected a whole number, 0 or more"),
    (lambda: net.train(X, Y, W, 0, 0.1, True), TypeError,
     "epochs is True, expected a whole number, 0 or more"),
    (lambda: net.batches(5, 2.0), TypeError,
     "batch_size is 2.0, expected a whole number from 1 to 5"),
    (lambda: net.batches(5, 2, 0), TypeError,
     "rng is 0, expected a generator, as np.random.default_rng(0) makes it"),
    (lambda: net.train(X, Y, W, 0, 0.1, 1, rng=np.random), TypeError,
     "expected a generator"),
    (lambda: data.standardise(X, X), TypeError,
     "like is of type ndarray, expected the result of an earlier standardise(X)"),
]

P = {"w": W, "b": 0.5}
G = {"w": 2 * W, "b": 1.0}


def J(p):
    return (p["w"]**2).sum() + p["b"]**2


def checked(cost=J, gradient=G, parameters=P, **options):
    return lambda: check.gradient_check(cost, gradient, parameters, **options)


def changes_its_input(p):
    p["w"] *= 2
    return p["w"].sum()


NUMERIC = [
    (lambda: differences.central_difference(abs, 1.0, 0), ValueError,
     "h is 0.0, expected a number above 0"),
    (lambda: differences.forward_difference(abs, 1.0, -1e-3), ValueError,
     "h is -0.001, expected a number above 0"),
    (lambda: differences.complex_step(np.exp, 1.0, np.nan), ValueError, "h is nan"),
    (lambda: differences.derivative(np.exp, np.nan), ValueError,
     "x is nan, expected finite numbers"),
    (lambda: differences.derivative(np.exp, [1.0, 2.0]), ValueError,
     "x has shape (2,), expected a single number"),
    (lambda: differences.derivative(3, 1.0), TypeError, "f is of type int, expected a function"),
    (lambda: differences.derivative(lambda x: [x, x], 1.0), ValueError,
     "f returned an array of shape (2,), expected a single number"),
    (lambda: differences.derivative(lambda x: None, 1.0), TypeError,
     "f returned None, expected a single number"),
    (lambda: differences.derivative(lambda x: x * 1j, 1.0), TypeError,
     "f returned a complex number, expected a real one"),
    (lambda: differences.derivative(lambda x: np.inf, 1.0), ValueError,
     "f at these parameters is inf"),
    (lambda: differences.numerical_gradient(J, {}), ValueError,
     "parameters is empty, expected at least one array"),
    (checked(parameters={}), ValueError, "parameters is empty, expected at least one array"),
    (checked(parameters={"w": {}, "b": 0.5}), ValueError,
     "w is empty, expected at least one array"),
    (checked(parameters={"w": W[:0], "b": 0.5}), ValueError, "w is empty: it has shape (0,)"),
    (checked(parameters={"w": [1, np.nan, 2], "b": 0.5}), ValueError,
     "w[1] is nan, expected finite numbers"),
    (checked(parameters={"w": W + 1j, "b": 0.5}), TypeError,
     "w holds complex numbers, expected real numbers"),
    (checked(parameters={"w": "weights", "b": 0.5}), TypeError,
     "w holds text, expected real numbers"),
    (checked(gradient={"w": W}), ValueError, "the gradient has nothing for 'b'; expected 'w', 'b'"),
    (checked(gradient={"w": W, "b": 1, "c": 1}), ValueError,
     "the gradient has the unknown 'c'; expected 'w', 'b'"),
    (checked(gradient={"w": W, "bias": 1}), ValueError,
     "the gradient has nothing for 'b' and has the unknown 'bias'; expected 'w', 'b'"),
    (checked(gradient=(W, 1)), TypeError,
     "the gradient is of type tuple, expected a mapping with 'w', 'b'"),
    (checked(gradient=W), TypeError,
     "the gradient is of type ndarray, expected a mapping with 'w', 'b'"),
    (checked(gradient=lambda p: None), TypeError,
     "the gradient is of type NoneType, expected a mapping"),
    (checked(gradient={"w": np.ones((3, 1)), "b": 1}), ValueError,
     "the gradient of w has shape (3, 1), expected (3,), the shape of w"),
    (checked(gradient={"w": W, "b": [1.0]}), ValueError,
     "the gradient of b has shape (1,), expected (), the shape of b"),
    (checked(gradient={"w": W * np.nan, "b": 1}), ValueError,
     "the gradient of w[0] is nan, and 2 more, expected finite numbers"),
    (checked(lambda p: (p**2).sum(), np.ones((3, 2)), np.ones((2, 3))), ValueError,
     "has shape (3, 2), expected (2, 3), the shape of the parameter; its transpose would fit"),
    (checked(lambda p: (p["W"][1]**2).sum(), {"W": {2: W}}, {"W": {1: W}}), ValueError,
     "the gradient['W'] has nothing for 1 and has the unknown 2; expected 1"),
    (checked(cost="J"), TypeError, "cost is of type str, expected a function"),
    (checked(cost=lambda p: p["w"]), ValueError,
     "cost returned an array of shape (3,), expected a single number"),
    (checked(cost=lambda p: np.nan), ValueError, "cost at these parameters is nan"),
    (checked(cost=lambda p: np.random.default_rng().normal()), ValueError,
     "for the same parameters: fix its random choices"),
    (checked(cost=changes_its_input), ValueError,
     "cost changed w: it must leave the parameters it is given as they are"),
    (checked(gradient=changes_its_input), ValueError,
     "gradient changed w: it must leave the parameters it is given as they are"),
    (checked(n_samples=0), ValueError, "n_samples is 0, expected a whole number, 1 or more"),
    (checked(n_samples=2.0), TypeError, "n_samples is 2.0, expected a whole number, 1 or more"),
    (checked(sample=-1), ValueError, "sample is -1, expected a whole number, 0 or more"),
]


@pytest.mark.parametrize("call, error, message", NETWORK + NUMERIC,
                         ids=lambda v: v if isinstance(v, str) else "")
def test_the_error_says_what_came_and_what_was_expected(call, error, message):
    with pytest.raises(error) as raised:
        call()
    assert message in str(raised.value)
    assert (W == 1).all() and (X == 1).all() and (Y == 1).all()      # and changes nothing


def test_arguments_that_are_missing_too_many_given_twice_or_unknown_are_pythons_own_error():
    for call, message in (
        (lambda: net.train(y=Y, w=W, b=0, eta=0.1, epochs=1, batch_size=2), "missing.*'X'"),
        (lambda: net.predict(X, W), "missing.*'b'"),
        (lambda: net.predict(X, W, 0, 1), "too many positional arguments"),
        (lambda: net.predict(X, W, 0, w=W), "multiple values for argument 'w'"),
        (lambda: net.predict(X, W, 0, bias=0), "unexpected keyword argument 'bias'"),
    ):
        with pytest.raises(TypeError, match=message):
            call()


@pytest.mark.parametrize("value", [True, np.True_, "1", None, [1, "a"], 1j,
                                   np.datetime64("2020-01-01"), {1}, lambda: 1])
def test_what_is_no_number_is_a_type_error_everywhere(value):
    for call in (lambda: net.step_limit(value), lambda: data.standardise(value),
                 lambda: net.cost([[1.0]], [value], [1.0], 0),
                 lambda: differences.derivative(np.exp, value),
                 lambda: net.train(X, Y, W, value, 0.1, 1)):
        with pytest.raises(TypeError):
            call()


# ---------------------------------------------------------------- every public function, and every
#
# For each public name of helpers: a call that is right, and of what kind each argument is. A kind
# is a list of values that
# must be refused. A new public function without a row makes a test fail.

CODE = "__import__('sys').__dict__.__setitem__('code_was_run', True)"
NO_NUMBER = [CODE, None, {1: 2}, [1, [2, 3]], np.datetime64("2020-01-01")]


class Kind(NamedTuple):
    """Values that an argument must refuse; `shapes` are refused with a message that shows both
    shapes in full."""

    values: list = []
    shapes: list = []


def array_kind(*shapes, complex_too=False, scalar=False):
    """Arrays: of wrong shapes, with NaN, infinite, empty, text, truth values, complex numbers,
    dates, ragged, a dictionary."""
    return Kind([np.nan, -np.inf, CODE, None, {1: 2}, [1, [2, 3]], np.array(["a"]), [np.nan], [],
                 True, np.datetime64("2020-01-01"),
                 np.ma.masked_equal([1.0, 2.0], 1), *([] if complex_too else [1j]),
                 *([[1.0]] if scalar else [])], list(shapes))


MATRIX = array_kind(np.ones((5, 4)), np.ones(3))
COLUMN = array_kind(np.ones((5, 1)), np.ones(4))
VECTOR = array_kind(np.ones((3, 1)), np.ones(4), complex_too=True)
NUMBER = array_kind(scalar=True, complex_too=True)
RATE = Kind([0, -0.1, np.nan, np.inf, "0.1", CODE, None, [0.1], 1j, True])
SHARE = Kind([1, -0.1, np.nan, np.inf, "0.5", CODE, None, [0.5], 1j, True])
COUNT = Kind([-1, 2.5, np.nan, np.inf, "3", CODE, None, [3], True])
COUNT_OR_NONE = Kind([v for v in COUNT.values if v is not None])
RNG = Kind([0, CODE, np.random, [1]])
CHOICE = Kind(["relu6", "", CODE, None, 3, ["relu"], np.tanh])
FUNCTION = Kind([3, CODE, None, [1.0]])
FORMULA = Kind([CODE, "w*x", None, [1], {1: 2}, object()])
LAYERS = Kind([CODE, None, [np.ones((3, 2))], {}, {0: np.ones((3, 2)), 1: np.ones((1, 3))},
               {"1": np.ones((3, 2))},
               {1: np.full((3, 2), np.nan), 2: np.ones((1, 3))},
               {1: np.full((3, 2), np.inf), 2: np.ones((1, 3))},
               {1: np.ones((3, 2)).astype(str), 2: np.ones((1, 3))},
               {1: np.ones((0, 2)), 2: np.ones((1, 3))}, {1: CODE, 2: CODE},
               {1: [[1, 2], [3]], 2: np.ones((1, 3))}])
ANYTHING = Kind()  # there is no wrong value, or it is the caller's own
TEXT = Kind([3, None, [1], b"x"])
WORDS = Kind([3, None, "", "   ", ["alt"]])


def label_kind(*wrong, shapes=()):
    """Labels out of range, beside all that no array may be."""
    return Kind([*array_kind().values, *wrong], list(shapes))


ONE_HOT = np.array([[1.0, 0], [0, 1], [1, 0], [0, 1], [1, 0]])
BINARY = np.array([1.0, 0, 1, 0, 1])
NOT_ONE_HOT = [ONE_HOT * 2, -ONE_HOT, ONE_HOT + 1, ONE_HOT * 0, ONE_HOT / 2]
Z = np.arange(10.0).reshape(5, 2) / 4
WEIGHTS = {1: np.ones((3, 2)), 2: np.eye(2, 3)}
BIASES = {1: np.ones(3), 2: np.ones(2)}
DELTAS = ({1: np.ones((2, 3)), 2: np.ones((1, 3))}, {1: np.ones((3, 2)), 2: np.ones((1, 4))})
PRE, ACTIVE = network.forward(Z, WEIGHTS, BIASES)


def layer_kind(*changes, base=WEIGHTS):
    """A wrong shape in one of the layers, beside what no dictionary of layers may be."""
    return Kind(LAYERS.values, [{**base, l: value} for l, value in changes])


W_KIND = layer_kind((1, np.ones((3, 4))), (2, np.ones((2, 4))), (1, np.ones(3)))
B_KIND = layer_kind((1, np.ones((3, 1))), (2, np.ones(3)), base=BIASES)
A_KIND = Kind(LAYERS.values, [{**ACTIVE, 1: np.ones((5, 4))}, {**ACTIVE, 2: np.ones((4, 2))}])
HIDDEN = {"hidden": ("sigmoid", CHOICE), "output": ("softmax", CHOICE)}

x_, w_, t_ = sp.symbols("x w t", real=True)
n_, i_ = sp.Symbol("n", integer=True, positive=True), sp.Symbol("i", integer=True)
u_ = symbols.indexed("u", n_)
M_ = sp.MatrixSymbol("M", n_, 1)
PROVED = derivation.Derivation(symbols.Partial(w_**2, w_))
PROVED.step(2*w_, "power rule")
PROVED.prove(keep=False)
PENGUINS = data.load_penguins()
GIVEN = Kind([3, [CODE], [w_], CODE, [None]])

ARGUMENTS = {
    "linear.predict": (net.predict,
                       X_W_B := {"X": (X, MATRIX), "w": (W, VECTOR), "b": (0.5, NUMBER)}),
    "linear.cost": (net.cost, {**X_W_B, "y": (Y, COLUMN)}),
    "linear.gradient": (net.gradient, {**X_W_B, "y": (Y, COLUMN)}),
    "data.batches": (data.batches,
                     {"n_samples": (5, COUNT), "batch_size": (2, COUNT), "rng": (None, RNG)}),
    "linear.train": (net.train,
                     {**X_W_B, "y": (Y, COLUMN), "eta": (0.1, RATE), "epochs": (2, COUNT),
                      "batch_size": (2, COUNT_OR_NONE), "rng": (None, RNG)}),
    "data.standardise": (data.standardise,
                         {"X": (X * [1, 2, 3] + np.arange(5)[:, None], array_kind(np.ones(3))),
                          "like": (None, Kind([3, CODE, X]))}),
    "linear.least_squares": (net.least_squares,
                             {"X": (X, array_kind(np.ones(3))), "y": (Y, COLUMN)}),
    "linear.step_limit": (net.step_limit,
                          {"X": (X, array_kind(np.ones(3))), "bias": (True, ANYTHING)}),

    "network.sigmoid": (network.sigmoid, {"z": (Z, Z_KIND := array_kind(complex_too=True))}),
    "network.softplus": (network.softplus, {"z": (Z, Z_KIND := array_kind(complex_too=True))}),
    "network.softmax": (network.softmax,
                        {"z": (Z, array_kind(np.ones(3), complex_too=True))}),
    "network.binary_cross_entropy": (network.binary_cross_entropy, {
        "z": (Y, COLUMN_C := array_kind(np.ones((5, 1)), np.ones(4), complex_too=True)),
        "y": (BINARY, label_kind(2 * BINARY, -BINARY, BINARY + 0.5, shapes=COLUMN.shapes))}),
    "network.cross_entropy": (network.cross_entropy, {
        "z": (Z, array_kind(np.ones((5, 3)), np.ones(5), complex_too=True)),
        "y": (ONE_HOT, label_kind(*NOT_ONE_HOT, shapes=[ONE_HOT[:4], BINARY]))}),
    "network.initialise": (network.initialise,
                           {"sizes": ((2, 3, 1),
                                      Kind([(2,), (), (2, 0), (2, -1), (2, 2.5), (2, "3"), 3, None,
                                            CODE, (2, np.nan)])),
                            "rng": (np.random.default_rng(0), Kind([*RNG.values, None])),
                            "variance": ("he", CHOICE)}),
    "network.forward": (network.forward,
                        {"X": (Z, array_kind(np.ones((5, 3)), np.ones(2))), "W": (WEIGHTS, W_KIND),
                         "b": (BIASES, B_KIND), **HIDDEN}),
    "network.cost": (network.cost,
                     {"y": (ONE_HOT, label_kind(*NOT_ONE_HOT, shapes=[ONE_HOT[:4], BINARY])),
                      "z": (Z, array_kind(np.ones((5, 3)), complex_too=True)),
                      "output": ("softmax", CHOICE)}),
    "network.backward": (network.backward,
                         {"y": (ONE_HOT, label_kind(*NOT_ONE_HOT, shapes=[ONE_HOT[:4], BINARY])),
                          "W": (WEIGHTS, W_KIND), "a": (ACTIVE, A_KIND), **HIDDEN}),
    "network.update": (network.update,
                       {"W": (WEIGHTS, W_KIND), "b": (BIASES, B_KIND), "dJ_dW": (WEIGHTS, W_KIND),
                        "dJ_db": (BIASES, B_KIND), "eta": (0.1, RATE)}),

    "differences.forward_difference": (differences.forward_difference, F_X_H := {
        "f": (np.exp, FUNCTION), "x": (1.0, array_kind()), "h": (1e-3, RATE)}),
    "differences.central_difference": (differences.central_difference, F_X_H),
    "differences.complex_step": (differences.complex_step, F_X_H),
    "differences.derivative": (differences.derivative,
                               {"f": (np.exp, FUNCTION), "x": (1.0, array_kind(scalar=True))}),
    "differences.numerical_gradient": (differences.numerical_gradient, {
        "cost": (J, FUNCTION), "parameters": (P, P_KIND := Kind([
            {}, [], CODE, {"w": [], "b": 1}, {"w": [np.nan], "b": 1}, None,
            {"w": [np.inf], "b": 1}, {"w": CODE, "b": 1}, {"w": 1j, "b": 1}])),
        "exact": (True, ANYTHING)}),
    "check.gradient_check": (check.gradient_check, {
        "cost": (J, FUNCTION),
        "gradient": (G, Kind([{}, CODE, None, 3, {"w": 2 * W}, {"w": [np.nan] * 3, "b": 1.0},
                              {"w": CODE, "b": 1.0}],
                             [{"w": np.ones((3, 2)), "b": 1.0}, {"w": np.ones(4), "b": 1.0}])),
        "parameters": (P, P_KIND), "n_samples": (5, COUNT_OR_NONE),
        "sample": (2, Kind([v for v in COUNT_OR_NONE.values if v != 0 or v is False])),
        "exact": (True, ANYTHING)}),
    "update.update_check": (update.update_check, {
        "w_new": (lambda w, eta: {"w": w["w"] - eta*2*w["w"], "b": w["b"] - eta*2*w["b"]},
                  Kind([*FUNCTION.values, lambda w, eta: None, lambda w, eta: {"w": W},
                        lambda w, eta: {"w": W * np.nan, "b": 1},
                        lambda w, eta: CODE], [lambda w, eta: {"w": np.ones((3, 2)), "b": 1.0}])),
        "cost": (J, FUNCTION), "w": (P, P_KIND), "eta": (0.1, RATE),
        "n_samples": (5, COUNT_OR_NONE), "state": (None, ANYTHING)}),

    "fast_step.Stepper": (fast_step.Stepper,
                          {"W": (WEIGHTS, layer_kind((1, np.ones(3)), (2, np.ones((2, 4))))),
                           "b": (BIASES, B_KIND),
                           **HIDDEN, "eta": (0.1, RATE), "momentum": (0.5, SHARE),
                           "dtype": (np.float64,
                                     Kind(["complex", CODE, None, int, np.float16, 3]))}),

    "training.train": (training.train, {
        "X": (Z, array_kind(np.ones((5, 3)), np.ones(2))),
        "y": (ONE_HOT, label_kind(*NOT_ONE_HOT, shapes=[ONE_HOT[:4], BINARY])),
        "W": (WEIGHTS, layer_kind((1, np.ones(3)), (2, np.ones((2, 4))))), "b": (BIASES, B_KIND),
        **HIDDEN, "eta": (0.1, RATE),
        "n_epochs": (2, COUNT), "batch_size": (2, COUNT_OR_NONE), "rng": (None, RNG),
        "momentum": (0.0, SHARE),
        "validation": (None, Kind([3, CODE, (Z,), (Z, ONE_HOT[:4]), (Z[:, :1], ONE_HOT),
                                   (Z, 2 * ONE_HOT)])),
        "patience": (None, Kind([0, -1, 1.5, CODE, 2]))}),

    "symbols.formula": (symbols.formula, {"value": (w_*x_, FORMULA)}),
    "symbols.indexed": (symbols.indexed,
                        {"name": ("x", ANYTHING), "size": (n_, Kind([CODE, "n", None, 1.5]))}),
    "symbols.Partial": (symbols.Partial, {"expr": (w_*x_, Kind([*FORMULA.values, M_])),
                                                  "variable": (w_, Kind([
                                                      *FORMULA.values, w_*x_, 3, M_]))}),
    "symbols.Gradient": (symbols.Gradient, {"expr": (w_, Kind([*FORMULA.values, M_])),
                                                    "vector": (M_, Kind([*FORMULA.values, w_]))}),
    "definitions.Definition": (definitions.Definition,
                               {"name": (t_, Kind([*FORMULA.values, 2*w_, w_])),
                                "body": (w_*x_, Kind([*FORMULA.values, t_ + 1, M_])),
                                "number": ("1.1", ANYTHING), "made_to_fit": (False, ANYTHING)}),
    "definitions.Depends": (definitions.Depends, {
        "name": (t_, Kind([*FORMULA.values, 2*w_])), "on": (u_[i_], Kind([*FORMULA.values])),
        "limit": ((i_, 1, n_), Kind([(i_,), (i_, n_), CODE, 3, (w_, 1, n_)]))}),
    "definitions.Entries": (definitions.Entries,
                            {"matrix": (M_, Kind([CODE, None, w_], [sp.MatrixSymbol("M", 2, 3)])),
                             "entries": (u_, Kind([CODE, None, w_]))}),
    "symbols.activation": (symbols.activation,
                           {"name": ("g", TEXT), "order": (1, Kind([-1, 1.5, "1", None]))}),
    "definitions.table_of": (definitions.table_of,
                             {"definitions": ([definitions.Definition(t_, w_)], GIVEN)}),
    "definitions.resolve": (definitions.resolve,
                            {"expr": (w_*x_, FORMULA), "table": ({}, ANYTHING)}),
    "normal_form.is_zero": (normal_form.is_zero,
                            {"expr": (w_ - w_, FORMULA), "ranges": ({}, ANYTHING),
                             "least": ({}, ANYTHING)}),
    "derivation.Derivation": (derivation.Derivation,
                              {"left": (symbols.Partial(w_**2, w_), FORMULA), "given": ([], GIVEN),
                               "number": ("1.1", ANYTHING)}),
    "derivation.Derivation.step": (derivation.Derivation(w_**2).step, {
        "expr": (w_*w_, Kind([*FORMULA.values, M_])), "reason": ("a square", WORDS)}),
    "derivation.Derivation.values": (PROVED.values,
                                     {"w": (3.0, Kind([CODE, None, [1.0], np.nan, {1: 2}]))}),
    "derivation.Derivation.code": (PROVED.code, {"function": (double := lambda w: 2*w, Kind(
        [3, CODE, None, lambda q: q, lambda w: 3*w, lambda w: np.nan, lambda w: CODE])),
        "name": ("f", ANYTHING)}),
    "derivation.Summary": (derivation.Summary,
                           {"result": (PROVED, Kind([derivation.Derivation(w_), CODE, None, w_]))}),
    "exercises.check": (None, {}),  # it never raises: see below
    "claim.bring_your_own": (claim.bring_your_own, {
        "function": (w_**2, Kind([*FORMULA.values, M_, x_])),
        "claimed": (2*w_, Kind([*FORMULA.values, M_])),
        "variable": (w_, Kind([*FORMULA.values, M_, 2*w_])), "given": ((), GIVEN),
        "code": (None, ANYTHING), "shapes": (None, Kind([3, CODE, {1: 2}, {"X": "n"}]))}),

    "data.Table.matrix": (PENGUINS.matrix,
                             {"name": ("year", Kind(["species", CODE, "", None, 3]))}),

    # they display: tests/helpers/test_figures.py
    "figures.show": (None, {}), "figures.explore": (None, {}),
}

WITHOUT = {  # public names that need no row, and why
    "as_written": "takes nothing", "refused": "takes nothing",
    "sigmoid": "a SymPy function", "plain": "prints whatever comes", "tex": "prints whatever comes",
    "Assume": "tests/derivations/test_definitions.py",
    "Index": "tests/derivations/test_definitions.py",
    "Independent": "tests/derivations/test_completeness.py",
    "credit": "it only looks up",
    "Induction": "tests/derivations/test_induction.py",
    "prove": "what Derivation calls with lines it has checked",
    "find_fault": "tests/gradcheck/test_repair.py",
    "stated": "tests/gradcheck/test_mistakes_named.py", "predict": "it never raises at a reader",
    "find_bug": "it never raises at a reader", "progress": "it never raises at a reader",
    "solved": "it only looks up", "relu": "forward",
    "refuse_targets": "cost", "Room": "made by Stepper",
    "picture": "show", "letters": "show", "wrap_title": "show", "image_tag": "explore",
    "slider_label": "explore",
    **dict.fromkeys(["single", "pair", "grid", "label_line", "path", "graph"],
                    "hands on to Matplotlib, which says what does not fit"),
    **dict.fromkeys(["load_penguins", "load_digits", "load_errata"], "takes nothing"),
    "half_squared_error": "cost",
}
BY_HAND = {"validation"}  # has tests of its own


def is_asked_for(thing):
    """Is this called by a reader with something that could be wrong: no error, no result, no
    table's row?"""
    return callable(thing) and not (inspect.isclass(thing) and (
        issubclass(thing, (Exception, tuple)) or dataclasses.is_dataclass(thing)))


def public_names():
    """Every name that a reader can import: what a package exports, and the functions in the modules
    of helpers."""
    for package in map(importlib.import_module, ["derivations", "exercises", "gradcheck"]):
        yield from (name for name in package.__all__ if is_asked_for(getattr(package, name)))
    for path in sorted(Path(net.__file__).parent.glob("[a-z]*.py")):
        module = importlib.import_module(f"helpers.{path.stem}")
        yield from (name for name, thing in vars(module).items()
                    if path.stem not in BY_HAND and is_asked_for(thing)
                    and getattr(thing, "__module__", None) == module.__name__
                    and not name.startswith("_"))


def test_every_public_function_has_a_row():
    known = {name.split(".")[1] for name in ARGUMENTS} | WITHOUT.keys()
    assert [name for name in public_names() if name not in known] == []


def test_no_reason_is_left_over():
    assert WITHOUT.keys() - set(public_names()) == set()


ROWS = [name for name, (function, _) in ARGUMENTS.items() if function]


@pytest.mark.parametrize("name", ROWS)
def test_a_row_names_every_argument(name):
    function, arguments = ARGUMENTS[name]
    parameters = [p for p in inspect.signature(function).parameters.values()
                  if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    assert {p.name for p in parameters} <= arguments.keys()


def called(name, changed=None, value=None):
    """Call the function with right arguments, one of them changed; whatever it is given is copied
    first, and compared after."""
    function, arguments = ARGUMENTS[name]
    given = {key: good for key, (good, _) in arguments.items()}
    given = {key: _copied(good) for key, good in given.items()}
    if changed:
        given[changed] = _copied(value)
    before = {key: _copied(v) for key, v in given.items()}
    positional = [p for p in inspect.signature(function).parameters.values()
                  if p.kind == p.VAR_POSITIONAL]
    try:
        if positional:
            named = [p for p in inspect.signature(function).parameters if p in given]
            return function(*(given[key] for key in named),
                            *(given[key] for key in given if key not in named))
        return function(**given)
    finally:
        if not all(_same(given[key], before[key]) for key in given):
            pytest.fail(f"{name} changed what it was given")


def _copied(value):
    return copy.deepcopy(value) if isinstance(value, (np.ndarray, dict, list)) else value


def _same(a, b):
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(_same(a[k], b[k]) for k in a)
    if isinstance(a, np.ndarray):
        return a.shape == b.shape and repr(a) == repr(b)
    return repr(a) == repr(b) if isinstance(a, (list, float)) else a is b or bool(a == b)


@pytest.mark.parametrize("name", ROWS)
def test_the_right_arguments_are_accepted(name):
    called(name)


BAD = [(name, key, value) for name in ROWS for key,
       (_, kind) in ARGUMENTS[name][1].items() for value in kind.values]
MISFITS = [(name, key, value) for name in ROWS for key,
           (_, kind) in ARGUMENTS[name][1].items() for value in kind.shapes]
REFUSALS = (ValueError, TypeError, OSError, errors.WitnessDisagrees, definitions.Undecided,
            sampling.NoValue)


@pytest.mark.parametrize("name", ROWS)
def test_every_kind_of_bad_argument_is_refused_and_changes_nothing(name):
    complaints = [f"{key} = {value!r:.60}: {said}" for _, key,
                  value in BAD if _ == name for said in [complaint(name, key, value)] if said]
    assert complaints == []


def complaint(name, key, value):
    """What is wrong with the way in which this value is refused; "" if nothing is."""
    try:
        called(name, key, value)
    except REFUSALS as refusal:
        said = "" if len(str(refusal)) > 8 else f"the message {refusal} says nothing"
    except Exception as error:
        said = f"{type(error).__name__} instead of a refusal: {error}"
    else:
        said = "accepted"
    if sys.__dict__.pop("code_was_run", False):
        said = "the text was run"
    return said


@pytest.mark.parametrize("name, key, value", MISFITS,
                         ids=[f"{name}-{key}-{p}" for p, (name, key, _) in enumerate(MISFITS)])
def test_the_message_on_a_misfit_shows_both_shapes_in_full(name, key, value):
    with pytest.raises(ValueError) as raised:
        called(name, key, value)
    assert len(re.findall(r"\([^()]*\)", str(raised.value))) >= 2, str(raised.value)


def test_the_totals_are_told():
    report(
        f"Bad input: {len(list(public_names()))} public names, {len(ROWS)} with a table of "
        f"arguments; {len(NETWORK + NUMERIC)} messages "
           f"word for word, {len(BAD)} bad values and {len(MISFITS)} misfits of shape")
    assert len(BAD) > 1000 and len(MISFITS) > 50


@pytest.mark.parametrize("answer", [CODE, None, [1], {1: 2}, 1.5, np.ones(2), sp.nan, sp.oo, M_,
                                    object(), lambda: 1])
def test_an_exercise_says_what_is_wrong_with_any_answer_and_never_raises(answer, capsys):
    exercises.check(answer, symbols.Partial(w_**2, w_))
    said = capsys.readouterr().out
    assert said.strip() and not said.startswith("Right") and not hasattr(sys, "code_was_run")


def test_a_refused_step_leaves_a_derivation_as_it_was():
    chain = derivation.Derivation(w_**2)
    chain.step(w_*w_, "a square")
    for expr, reason in ((CODE, "text"), (M_, "a matrix"), (w_**2, ""), (None, "nothing")):
        with pytest.raises((TypeError, ValueError)):
            chain.step(expr, reason)
    assert [line.shown for line in chain.lines] == [w_*w_]


