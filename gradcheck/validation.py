"""What is checked at the door: shapes, types and ranges, in messages that say what was expected and what came."""

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


def function(name, value):
    """`value`, if it can be called."""
    if not callable(value):
        raise TypeError(f"{name} is of type {type(value).__name__}, expected a function")
    return value


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
