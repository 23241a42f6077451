"""Checks of input: what a function takes stands once, at its door, and is refused in one wording.

A rule is a shape or a function. A shape has a word for each dimension, none for a single number;
"..." is as many as the first of them has; "complex " before it lets complex numbers pass. A
function gets the name, the value and `sizes`: what each word has turned out to be in this call, and
where. It returns the value ready for use, or raises ValueError (a wrong shape or number) or
TypeError; the message names the argument, what came and what was expected. Nothing is changed.
"""

import functools
import inspect
import math
from numbers import Integral

import numpy as np


def checked(**rules):
    """Check the named arguments of a function in this order; None passes where it is the default.

    `f.__wrapped__` is the function without its door.

    >>> @checked(X="n_samples n_features", w="n_features")
    ... def predict(X, w):
    ...     return X @ w
    >>> predict([[1.0, 2.0]], [3.0])
    Traceback (most recent call last):
    ValueError: w has shape (1,), expected (n_features,) = (2,) to match X of shape (1, 2)
    """
    rules = {name: shaped(rule) if isinstance(rule, str) else rule for name, rule in rules.items()}

    def decorate(function):
        signature = inspect.signature(function)
        optional = {name for name in rules if signature.parameters[name].default is None}
        in_order = [name for name, p in signature.parameters.items() if p.kind < p.KEYWORD_ONLY]

        @functools.wraps(function)
        def enter(*args, **kwargs):
            given, sizes = dict(zip(in_order, args)) | kwargs, {}
            if len(given) < len(args) + len(kwargs):
                signature.bind(*args, **kwargs)  # raises: too many, or one of them twice
            for name, rule in rules.items():
                if name in given and (given[name] is not None or name not in optional):
                    given[name] = rule(name, given[name], sizes)
            return function(**given)

        return enter

    return decorate


def shaped(words):
    """The rule for finite numbers in the shape that `words` says."""
    complex_too, shape = words.startswith("complex "), words.removeprefix("complex ")
    return lambda name, value, sizes: fitting(name, array(name, value, complex_too), shape, sizes)


def array(name, value, complex_too=False):
    """`value` as a non-empty array of finite numbers; integers become float64."""
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(f"{name} is a masked array, expected plain numbers")
    try:
        numbers = np.asarray(value)
    except ValueError:
        raise ValueError(f"{name} has rows of different lengths, expected one length") from None
    if numbers.size == 0:
        raise ValueError(f"{name} is empty: it has shape {numbers.shape}")
    if numbers.dtype.kind not in ("iufc" if complex_too else "iuf"):
        odd = next((v for v in numbers.flat if not isinstance(v, (int, float))), numbers.flat[0])
        raise TypeError(f"{name} holds values of type {type(odd).__name__}, expected real numbers")
    refuse(~np.isfinite(numbers), name, numbers, "finite numbers")
    return numbers if numbers.dtype.kind in "fc" else numbers.astype(np.float64)


def refuse(wrong, name, numbers, expected):
    """Raise ValueError with the first of the wrong numbers, if there is one."""
    if wrong.any():
        place = [int(k) for k in np.argwhere(wrong)[0]]
        more = f", and {wrong.sum() - 1} more" if wrong.sum() > 1 else ""
        found = f"{name}{place or ''} is {numbers[tuple(place)]}{more}"
        raise ValueError(f"{found}, expected {expected}")


def fitting(name, numbers, words, sizes):
    """`numbers`, if each dimension is what its word was before; a new word is put into `sizes`."""
    axes, here = words.split(), (name, numbers.shape)
    if words == "...":
        axes = sizes.setdefault("...", [f"d_{k}" for k in range(1, numbers.ndim + 1)])
    if len(axes) == numbers.ndim and all([sizes.setdefault(axis, (size, here))[0] == size
                                          for axis, size in zip(axes, numbers.shape)]):
        return numbers
    known = {axis: sizes[axis] for axis in axes if sizes.get(axis, (0, here))[1] is not here}
    wanted = [known.get(axis, (axis,))[0] for axis in axes]
    named, in_numbers = (str(tuple(part)).replace("'", "") for part in (axes, wanted))
    expected = named if axes else "a single number"
    if known:
        places = " and ".join(dict.fromkeys(f"{name} of shape {shape}"
                                            for _, (name, shape) in known.values()))
        expected += f" = {in_numbers} to match {places}"
    ways = {"its transpose": numbers.T.shape, "its ravel()": (numbers.size,)}
    hints = [f"; {way} would fit" for way, shape in ways.items() if len(shape) == len(wanted)
             and all(isinstance(w, str) or w == n for n, w in zip(shape, wanted))]
    raise ValueError(f"{name} has shape {numbers.shape}, expected {expected}{''.join(hints)}")


def layers(words, first=1):
    """The rule for a dictionary of arrays, one for each layer from `first` to K.

    `words` makes the shape of a layer's array from its number. K is the same in all arguments of a
    call; n_K is then the number of outputs.
    """
    is_dictionary = rule(lambda v: isinstance(v, dict),
                         f"a dictionary by layer number, as {{{first}: ...}}", TypeError)

    def check(name, value, sizes):
        is_dictionary(name, value)
        K, place = sizes.setdefault("K", (max(first + len(value) - 1, 1), name))
        if value.keys() != set(range(first, K + 1)):
            expected = f"{first} to {K}{f' to match {place}' if place != name else ''}"
            raise ValueError(f"{name} has the layers {list(value)}, expected {expected}")
        numbers = {l: shaped(words(l))(f"{name}[{l}]", value[l], sizes) for l in sorted(value)}
        sizes["n_K"] = sizes[f"n_{K}"]
        return numbers

    return check


def rule(holds, expected, error=ValueError, read=lambda name, value: value):
    """The rule for a value, made ready by `read`, of which `holds` is true."""
    def check(name, value, sizes=None):
        value = read(name, value)
        if not holds(value):
            shown = repr(value) if len(repr(value)) < 40 else f"of type {type(value).__name__}"
            raise error(f"{name} is {shown}, expected {expected}")
        return value

    return check


def number(name, value, sizes=None):
    """`value` as a single finite real number."""
    return shaped("")(name, value, {}).item()


def count(name, value, sizes=None, least=1, most=math.inf):
    """`value` as a whole number from `least` to `most`."""
    span = f", {least} or more" if most == math.inf else f" from {least} to {most}"
    whole, inside = (rule(holds, f"a whole number{span}", error) for holds, error in (
        (lambda v: isinstance(v, Integral) and not isinstance(v, bool), TypeError),
        (lambda v: least <= v <= most, ValueError)))
    return inside(name, int(whole(name, value)))


def choice(known):
    """The rule for a name in the dictionary `known`."""
    return rule(lambda v: isinstance(v, str) and v in known, f"one of {', '.join(known)}")


positive = rule(lambda v: v > 0, "a number above 0", read=number)
generator = rule(lambda v: isinstance(v, np.random.Generator),
                 "a generator, as np.random.default_rng(0) makes it", TypeError)
