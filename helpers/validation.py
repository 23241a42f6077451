"""Checks of input: each takes a name and a value, and returns it ready for use or says why not.

A wrong shape or value raises ValueError, a wrong type TypeError. The message names the argument,
what came and what was expected. Nothing here changes what it is given.
"""

import functools
import inspect
import math
import operator

import numpy as np

KINDS = {"b": "True and False", "c": "complex numbers", "U": "text", "S": "bytes", "M": "dates",
         "m": "durations"}


def checked(**rules):
    """Check the named arguments of a function at its door, in this order: `@checked(X=matrix)`.

    A rule gets the name, the value and the dictionary of all arguments, those before it already
    checked, and returns the value that the function gets. `f.__wrapped__` is the function without
    its door.

    >>> @checked(eta=positive)
    ... def halve(eta):
    ...     return eta / 2
    >>> halve(-1)
    Traceback (most recent call last):
    ValueError: eta is -1.0, expected a number above 0
    """
    def decorate(function):
        signature = inspect.signature(function)

        @functools.wraps(function)
        def enter(*args, **kwargs):
            given = signature.bind(*args, **kwargs)
            for name, rule in rules.items():
                given.arguments[name] = rule(name, given.arguments[name], given.arguments)
            return function(*given.args, **given.kwargs)

        return enter

    return decorate


# ---------------------------------------------------------------- arrays


def array(name, value, complex_too=False):
    """`value` as a non-empty array of finite numbers; integers become float64."""
    if isinstance(value, np.ma.MaskedArray):
        expected = "plain numbers: choose what its masked entries are"
        raise TypeError(f"{name} is a masked array, expected {expected}")
    try:
        numbers = np.asarray(value)
    except ValueError:
        expected = "a rectangular array"
        raise ValueError(f"{name} has rows of different lengths, expected {expected}") from None
    if numbers.dtype.kind not in ("iufc" if complex_too else "iuf"):
        kind = KINDS.get(numbers.dtype.kind, f"values of type {numbers.dtype}")
        raise TypeError(f"{name} holds {kind}, expected real numbers")
    if numbers.size == 0:
        raise ValueError(f"{name} is empty: it has shape {numbers.shape}")
    return finite(name, numbers if numbers.dtype.kind in "fc" else numbers.astype(np.float64))


def finite(name, numbers):
    """`numbers`, if none of them is NaN or infinite; else an error with the first place."""
    wrong = ~np.isfinite(numbers)
    if wrong.any():
        place = [int(k) for k in np.argwhere(wrong)[0]]
        where = f"{name}{place}" if place else name
        more = f", and {wrong.sum() - 1} more" if wrong.sum() > 1 else ""
        raise ValueError(f"{where} is {numbers[tuple(place)]}{more}, expected finite numbers")
    return numbers


def fitting(numbers, name, shape, expected):
    """`numbers`, if they have this shape; `expected` says it in words."""
    if numbers.shape == shape:
        return numbers
    hint = ""
    if numbers.ndim > 1 and numbers.T.shape == shape:
        hint = "; its transpose would fit"
    elif numbers.ndim > 1 and len(shape) == 1 and numbers.shape in [(*shape, 1), (1, *shape)]:
        hint = "; its ravel() would fit"
    raise ValueError(f"{name} has shape {numbers.shape}, expected {expected}{hint}")


def matrix(name, value, given=None):
    """`value` as a (n_samples, n_features) array."""
    numbers = array(name, value)
    if numbers.ndim != 2:
        hint = f"; for one feature write {name}[:, None]" if numbers.ndim == 1 else ""
        expected = f"(n_samples, n_features){hint}"
        raise ValueError(f"{name} has shape {numbers.shape}, expected {expected}")
    return numbers


def vector(name, value, given=None, complex_too=False):
    """`value` as a one-dimensional array of any length."""
    numbers = array(name, value, complex_too)
    if numbers.ndim != 1:
        expected = f"one dimension, as ({numbers.size},)"
        raise ValueError(f"{name} has shape {numbers.shape}, expected {expected}")
    return numbers


def targets(name, value, given):
    """`value` as one number per row of X; a column (n, 1) would broadcast to (n, n)."""
    expected = f"(n_samples,) = {given['X'].shape[:1]} to match X of shape {given['X'].shape}"
    return fitting(array(name, value), name, given["X"].shape[:1], expected)


def weights(name, value, given, complex_too=True):
    """`value` as one number per column of X; complex numbers pass, for the complex step."""
    expected = f"(n_features,) = {given['X'].shape[1:]} to match X of shape {given['X'].shape}"
    return fitting(array(name, value, complex_too), name, given["X"].shape[1:], expected)


def same_shape(name, value, like, like_name, complex_too=True):
    """`value` with exactly the shape of `like`."""
    expected = f"{like.shape}, the shape of {like_name}"
    return fitting(array(name, value, complex_too), name, like.shape, expected)


def like(other):
    """The rule for real numbers in the shape of `other`, an argument before them."""
    return lambda name, value, given: same_shape(name, value, given[other], other, False)


# ---------------------------------------------------------------- single values


def number(name, value, given=None, complex_too=True):
    """`value` as a single finite number, of shape (), real or complex."""
    single = array(name, value, complex_too)
    if single.shape != ():
        raise ValueError(f"{name} has shape {single.shape}, expected a single number")
    return single[()]


def real(name, value, given=None):
    """`value` as a single finite real number."""
    return number(name, value, complex_too=False)


def positive(name, value, given=None):
    """`value` as a single number above zero."""
    if not (single := real(name, value)) > 0:
        raise ValueError(f"{name} is {single}, expected a number above 0")
    return single


def fraction(name, value):
    """`value` as a single number from 0 to below 1."""
    if not 0 <= (single := real(name, value)) < 1:
        raise ValueError(f"{name} is {single}, expected a number from 0 to below 1")
    return float(single)


def precision(name, value):
    """`value` as the dtype float64 or float32."""
    try:
        dtype = None if value is None else np.dtype(value)  # NumPy reads None as float64
    except TypeError:
        dtype = None
    if dtype not in (np.dtype(np.float64), np.dtype(np.float32)) or dtype is None:
        raise TypeError(f"{name} is {value!r}, expected np.float64 or np.float32")
    return dtype


def count(name, value, least=1, most=None):
    """`value` as a whole number from `least` to `most`."""
    expected = f"{least} or more" if most is None else f"from {least} to {most}"
    expected = f"a whole number{',' if most is None else ''} {expected}"
    if isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} is {value}, expected {expected}")
    try:
        whole = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} is {value!r}, expected {expected}") from None
    if not least <= whole <= (math.inf if most is None else most):
        raise ValueError(f"{name} is {whole}, expected {expected}")
    return whole


def generator(name, value, needed=False):
    """`value` as a NumPy random generator, or None unless it is needed."""
    if isinstance(value, np.random.Generator) or (value is None and not needed):
        return value
    expected = "a generator" if value is None else "None or a generator"
    expected += ", as np.random.default_rng(0) makes it"
    raise TypeError(f"{name} is {value!r}, expected {expected}")


def choice(name, value, known):
    """The entry of the dictionary `known` under the name `value`."""
    if not isinstance(value, str) or value not in known:
        raise ValueError(f"{name} is {value!r}, expected one of {', '.join(known)}")
    return known[value]


# ---------------------------------------------------------------- layers


def layers(name, value, first=1, complex_too=True):
    """`value` as a dictionary of arrays, one for each layer number from `first` on."""
    if not isinstance(value, dict):
        expected = f"a dictionary keyed by layer number, as {{{first}: ...}}"
        raise TypeError(f"{name} is of type {type(value).__name__}, expected {expected}")
    if not value or set(value) != set(range(first, first + len(value))):
        expected = f"the layer numbers {first}, {first + 1}, ..."
        raise ValueError(f"{name} has the keys {list(value)}, expected {expected}")
    return {l: array(f"{name}[{l}]", value[l], complex_too) for l in sorted(value)}


def same_layers(name, value, like_name, like):
    """`value` as a dictionary with the layers and the shapes of `like`."""
    numbers, theirs = layers(name, value), list(like)
    if list(numbers) != theirs:
        have = f"{name} has the layers {list(numbers)}"
        raise ValueError(f"{have}, {like_name} has the layers {theirs}")
    return {l: same_shape(f"{name}[{l}]", numbers[l], like[l], f"{like_name}[{l}]") for l in like}
