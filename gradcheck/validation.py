"""What is checked at the door: types, shapes and ranges, in messages that say what was expected."""

import math
import numbers
import operator
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

import numpy as np

KINDS = {"b": "True and False", "c": "complex numbers", "U": "text", "S": "bytes",
         "M": "dates", "m": "durations"}  # fmt: skip


def array(name, value):
    """`value` as a non-empty array of finite real numbers; floats keep their precision."""
    if isinstance(value, np.ma.MaskedArray):
        words = "expected plain numbers: choose what its masked entries are"
        raise TypeError(f"{name} is a masked array, {words}")
    try:
        found = np.asarray(plain(value))
    except ValueError:
        words = "has rows of different lengths, expected a rectangular array"
        raise ValueError(f"{name} {words}") from None
    if found.dtype == object and found.size and all(map(_is_number, found.flat)):
        found = found.astype(np.float64)
    if found.dtype.kind not in "iuf":
        odd = next((v for v in found.flat if not _is_number(v)), None)
        other = "None" if odd is None else f"values of type {type(odd).__name__}"
        kind = KINDS.get(found.dtype.kind, other)
        raise TypeError(f"{name} holds {kind}, expected real numbers")
    if found.size == 0:
        raise ValueError(f"{name} is empty: it has shape {found.shape}")
    return finite(name, found if found.dtype.kind == "f" else found.astype(np.float64))


def plain(value):
    """A tensor of another library without its record of operations."""
    return value.detach() if hasattr(value, "detach") else value


def _is_number(value):
    """Fractions, decimals and the like; True and False are none."""
    is_one = isinstance(value, numbers.Number) or hasattr(value, "__float__")
    return is_one and not isinstance(value, (bool, complex, str))


def finite(name, found):
    """`found`, if none of it is NaN or infinite; else an error with the first place."""
    wrong = np.argwhere(~np.isfinite(found)).tolist()
    if wrong:
        place, more = wrong[0], f", and {len(wrong) - 1} more" if wrong[1:] else ""
        value = found[tuple(place)]
        raise ValueError(f"{name}{place or ''} is {value}{more}, expected finite numbers")
    return found


def same_shape(name, value, like, like_name):
    """`value` with exactly the shape of `like`."""
    found = array(name, value)
    if found.shape != like.shape:
        hint = ""
        if found.ndim > 1 and found.T.shape == like.shape:
            hint = "; its transpose would fit"
        elif like.ndim == 1 and found.shape in ((*like.shape, 1), (1, *like.shape)):
            hint = "; its ravel() would fit"
        expected = f"expected {like.shape}, the shape of {like_name}"
        raise ValueError(f"{name} has shape {found.shape}, {expected}{hint}")
    return found


def scalar(name, value):
    number = array(name, value)
    if number.shape != ():
        raise ValueError(f"{name} has shape {number.shape}, expected a single number")
    return number[()]


def positive(name, value):
    number = scalar(name, value)
    if not number > 0:
        raise ValueError(f"{name} is {number}, expected a number above 0")
    return number


def count(name, value, least=1):
    """`value` as a whole number, `least` or more; None where it is left out."""
    if value is None:
        return None
    expected = f"a whole number, {least} or more"
    if isinstance(value, (bool, np.bool_)) or not hasattr(value, "__index__"):
        raise TypeError(f"{name} is {value!r}, expected {expected}")
    if operator.index(value) < least:
        raise ValueError(f"{name} is {value}, expected {expected}")
    return operator.index(value)


def function(name, value):
    if not callable(value):
        raise TypeError(f"{name} is of type {type(value).__name__}, expected a function")
    return value


def mapping(name, value):
    if not isinstance(value, Mapping):
        got = type(value).__name__
        raise TypeError(f"{name} is of type {got}, expected a mapping of names to arrays")
    return value


def decimal(name, text):
    """A number printed to some digits, as a Decimal that keeps them."""
    try:
        number = Decimal(str(text).strip().replace("\u2212", "-"))
    except InvalidOperation:
        raise TypeError(f"{name} holds the text {str(text)[:20]!r}, expected numbers") from None
    if not math.isfinite(float(number)):
        raise ValueError(f"{name} is {number}, expected finite numbers")
    return number


def half_a_unit(number):
    """Of the last digit to which a Decimal is printed."""
    return float(Decimal((0, (5,), min(number.as_tuple().exponent, 300) - 1)))
