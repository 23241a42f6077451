"""Checks of input that the helpers share: each takes a name and a value, returns the value ready for use, or says what is wrong.

A wrong shape or value raises ValueError, a wrong type TypeError. The message names the argument, what came and what was
expected. Nothing here changes what it is given.
"""

import math
import operator

import numpy as np


def array(name, value, complex_too=False):
    """`value` as a non-empty array of finite numbers; integers become float64, other precisions stay as they are."""
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(f"{name} is a masked array, expected plain numbers: choose what its masked entries are")
    try:
        numbers = np.asarray(value)
    except ValueError:
        raise ValueError(f"{name} has rows of different lengths, expected a rectangular array") from None
    if numbers.dtype.kind not in ("iufc" if complex_too else "iuf"):
        raise TypeError(f"{name} holds {_kind_of(numbers)}, expected real numbers")
    if numbers.size == 0:
        raise ValueError(f"{name} is empty: it has shape {numbers.shape}")
    numbers = numbers if numbers.dtype.kind in "fc" else numbers.astype(np.float64)
    return finite(name, numbers)


def finite(name, numbers):
    """`numbers`, if none of them is NaN or infinite; else an error with the first place."""
    wrong = ~np.isfinite(numbers)
    if wrong.any():
        place = [int(k) for k in np.argwhere(wrong)[0]]
        where = f"{name}{place}" if place else name
        more = f", and {wrong.sum() - 1} more" if wrong.sum() > 1 else ""
        raise ValueError(f"{where} is {numbers[tuple(place)]}{more}, expected finite numbers")
    return numbers


def matrix(name, value):
    """`value` as a (n_samples, n_features) array."""
    numbers = array(name, value)
    if numbers.ndim != 2:
        hint = f"; for one feature write {name}[:, None]" if numbers.ndim == 1 else ""
        raise ValueError(f"{name} has shape {numbers.shape}, expected (n_samples, n_features){hint}")
    return numbers


def vector(name, value, complex_too=False):
    """`value` as a one-dimensional array of any length."""
    numbers = array(name, value, complex_too)
    if numbers.ndim != 1:
        raise ValueError(f"{name} has shape {numbers.shape}, expected one dimension, as ({numbers.size},)")
    return numbers


def targets(name, value, X):
    """`value` as one number per row of `X`; a column (n, 1) is refused, it would broadcast to (n, n)."""
    return _fitting(array(name, value), name, X.shape[:1], f"(n_samples,) = {X.shape[:1]} to match X of shape {X.shape}")


def weights(name, value, X, complex_too=True):
    """`value` as one number per column of `X`; complex numbers pass, for the complex step."""
    expected = f"(n_features,) = {X.shape[1:]} to match X of shape {X.shape}"
    return _fitting(array(name, value, complex_too), name, X.shape[1:], expected)


def same_shape(name, value, like, like_name, complex_too=True):
    """`value` with exactly the shape of `like`."""
    expected = f"{like.shape}, the shape of {like_name}"
    return _fitting(array(name, value, complex_too), name, like.shape, expected)


def scalar(name, value, complex_too=False):
    """`value` as a single finite number, of shape ()."""
    number = array(name, value, complex_too)
    if number.shape != ():
        raise ValueError(f"{name} has shape {number.shape}, expected a single number")
    return number[()]


def positive(name, value):
    """`value` as a single number above zero."""
    number = scalar(name, value)
    if not number > 0:
        raise ValueError(f"{name} is {number}, expected a number above 0")
    return number


def fraction(name, value):
    """`value` as a single number from 0 to below 1."""
    number = scalar(name, value)
    if not 0 <= number < 1:
        raise ValueError(f"{name} is {number}, expected a number from 0 to below 1")
    return float(number)


def precision(name, value):
    """`value` as the dtype float64 or float32."""
    try:
        dtype = np.dtype(value)
    except TypeError:
        dtype = None
    if value is None or dtype is None or dtype not in (np.dtype(np.float64), np.dtype(np.float32)):  # None counts as float64
        raise TypeError(f"{name} is {value!r}, expected np.float64 or np.float32")
    return dtype


def count(name, value, least=1, most=None):
    """`value` as a whole number from `least` to `most`."""
    expected = f"a whole number from {least} to {most}" if most is not None else f"a whole number, {least} or more"
    if isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} is {value}, expected {expected}")
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} is {value!r}, expected {expected}") from None
    if not least <= number <= (math.inf if most is None else most):
        raise ValueError(f"{name} is {number}, expected {expected}")
    return number


def generator(name, value):
    """`value` as a NumPy random generator, or None."""
    if value is not None and not isinstance(value, np.random.Generator):
        raise TypeError(f"{name} is {value!r}, expected None or a generator, as np.random.default_rng(0) makes it")
    return value


def function(name, value):
    """`value`, if it can be called."""
    if not callable(value):
        raise TypeError(f"{name} is of type {type(value).__name__}, expected a function")
    return value


def choice(name, value, known):
    """The entry of the dictionary `known` under the name `value`."""
    if not isinstance(value, str) or value not in known:
        raise ValueError(f"{name} is {value!r}, expected one of {', '.join(known)}")
    return known[value]


def layers(name, value, first=1, complex_too=True):
    """`value` as a dictionary of arrays, one for each layer number from `first` on."""
    if not isinstance(value, dict):
        kind = type(value).__name__
        raise TypeError(f"{name} is of type {kind}, expected a dictionary keyed by layer number, as {{{first}: ...}}")
    if not value or set(value) != set(range(first, first + len(value))):
        raise ValueError(f"{name} has the keys {list(value)}, expected the layer numbers {first}, {first + 1}, ...")
    return {l: array(f"{name}[{l}]", value[l], complex_too) for l in sorted(value)}


def same_layers(name, value, like_name, like):
    """`value` as a dictionary with the layers and the shapes of `like`."""
    numbers = layers(name, value)
    if numbers.keys() != like.keys():
        raise ValueError(f"{name} has the layers {list(numbers)}, {like_name} has the layers {list(like)}")
    return {l: same_shape(f"{name}[{l}]", numbers[l], like[l], f"{like_name}[{l}]") for l in like}


def _fitting(numbers, name, shape, expected):
    if numbers.shape != shape:
        raise ValueError(f"{name} has shape {numbers.shape}, expected {expected}{_reshaping(numbers, name, shape)}")
    return numbers


def _reshaping(numbers, name, shape):
    if numbers.ndim > 1 and numbers.T.shape == shape:
        return "; its transpose would fit"
    if numbers.ndim > 1 and len(shape) == 1 and numbers.shape in [(*shape, 1), (1, *shape)]:
        return "; its ravel() would fit"
    return ""


def _kind_of(numbers):
    words = {"b": "True and False", "c": "complex numbers", "U": "text", "S": "bytes", "M": "dates", "m": "durations"}
    return words.get(numbers.dtype.kind, f"values of type {numbers.dtype}")
