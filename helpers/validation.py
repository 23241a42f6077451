"""Checks of input: what a function takes stands once, at its door, and is refused in one wording.

    @checked(X="n_samples n_features", w="n_features", eta=positive)
    def step(X, w, eta): ...

A rule is a shape or a function. A shape has a word, or a number, for each dimension; "" is a single
number, "..." any shape, the same for all; "complex" before it lets complex numbers pass. A function
gets the name, the value and `sizes`: what each word has turned out to be in this call, and where.
It returns the value ready for use, or raises ValueError (a wrong shape or number) or TypeError; the
message names the argument, what came and what was expected. Nothing is changed by a check.
"""

import functools
import inspect
import math
from numbers import Integral

import numpy as np

KINDS = {"b": "True and False", "c": "complex numbers", "U": "text", "S": "bytes", "M": "dates",
         "m": "durations"}


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
        parameters = inspect.signature(function).parameters
        optional = {name for name in rules if parameters[name].default is None}
        needed = {name for name, p in parameters.items()
                  if p.default is p.empty and p.kind != p.VAR_KEYWORD}

        @functools.wraps(function)
        def enter(*args, **kwargs):
            given, sizes = {**dict(zip(parameters, args)), **kwargs}, {}
            if len(given) < len(args) + len(kwargs) or not needed <= given.keys():
                return function(*args, **kwargs)  # refuses what is one too many, twice or missing
            for name, rule in rules.items():
                if name in given and (given[name] is not None or name not in optional):
                    given[name] = rule(name, given[name], sizes)
            return function(**given)

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
        odd = next((v for v in numbers.flat if not isinstance(v, (int, float))), None)
        other = "None" if odd is None else f"values of type {type(odd).__name__}"
        kind = KINDS.get(numbers.dtype.kind, other)
        raise TypeError(f"{name} holds {kind}, expected real numbers")
    if numbers.size == 0:
        raise ValueError(f"{name} is empty: it has shape {numbers.shape}")
    return finite(name, numbers if numbers.dtype.kind in "fc" else numbers.astype(np.float64))


def finite(name, numbers):
    """`numbers`, if none of them is NaN or infinite; else an error with the first place."""
    refuse(~np.isfinite(numbers), name, numbers, "finite numbers")
    return numbers


def refuse(wrong, name, numbers, expected):
    """Raise ValueError with the first of the wrong numbers, if there is one."""
    if wrong.any():
        place = [int(k) for k in np.argwhere(wrong)[0]]
        more = f", and {wrong.sum() - 1} more" if wrong.sum() > 1 else ""
        found = f"{name}{place or ''} is {numbers[tuple(place)]}{more}"
        raise ValueError(f"{found}, expected {expected}")


def shaped(words):
    """The rule for numbers in the shape that `words` says."""
    complex_too, shape = _read(words)
    return lambda name, value, sizes: fitting(name, array(name, value, complex_too), shape, sizes)


def _read(words):
    return words.startswith("complex"), words.removeprefix("complex").strip()


def fitting(name, numbers, words, sizes):
    """`numbers`, if each dimension is what its word was before; a new word is put into `sizes`."""
    axes, here = words.split(), (name, numbers.shape)
    shape = numbers.shape if words != "..." else [numbers.shape]  # one word for the whole
    if len(axes) == len(shape) and all([
            sizes.setdefault(axis, (int(axis) if axis.isdigit() else size, here))[0] == size
            for axis, size in zip(axes, shape)]):
        return numbers
    known = {axis: sizes[axis] for axis in axes if axis in sizes and sizes[axis][1] != here}
    expected = _in_words(axes, known) + _hint(name, numbers, axes, known)
    raise ValueError(f"{name} has shape {numbers.shape}, expected {expected}")


def _in_words(axes, known):
    if not axes:
        return "a single number"
    if axes == ["..."]:
        return f"{known['...'][0]}, the shape of {known['...'][1][0]}"
    named, numbers = (f"({', '.join(map(str, part))}{',' * (len(part) == 1)})" for part in (
        axes, [known.get(axis, [axis])[0] for axis in axes]))
    places = " and ".join(dict.fromkeys(f"{name} of shape {shape}"
                                        for _, (name, shape) in known.values()))
    return f"{named} = {numbers} to match {places}" if known else named


def _hint(name, numbers, axes, known):
    wanted = known["..."][0] if axes == ["..."] else [
        int(axis) if axis.isdigit() else known.get(axis, [None])[0] for axis in axes]

    def fits(shape):
        return len(shape) == len(wanted) and all(w in (None, n) for w, n in zip(wanted, shape))

    ways = {"its transpose": numbers.T} if numbers.ndim > 1 else {}
    if 1 in numbers.shape:
        ways["its ravel()"] = numbers.ravel()
    if numbers.ndim == 1 and "n_samples" in axes:
        ways[f"{name}[:, None] (one feature)"] = numbers[:, None]
        ways[f"{name}[None, :] (one sample)"] = numbers[None, :]
    would = " or ".join(way for way, other in ways.items() if fits(other.shape))
    return f"; {would} would fit" if would else ""


def layers(words, first=1):
    """The rule for a dictionary of arrays, one for each layer from `first` to K.

    `words` makes the shape of a layer's array from its number. K is the same in all arguments of a
    call; n_K is then the number of outputs.
    """
    is_dictionary = rule(lambda v: isinstance(v, dict),
                         f"a dictionary keyed by layer number, as {{{first}: ...}}", TypeError)

    def check(name, value, sizes):
        is_dictionary(name, value)
        if not value or set(value) != set(range(first, first + len(value))):
            expected = f"the layer numbers {first}, {first + 1}, ..."
            raise ValueError(f"{name} has the keys {list(value)}, expected {expected}")
        K, place = sizes.setdefault("K", (max(value), name))
        if max(value) != K:
            found = f"{name} has the layers {sorted(value)}"
            raise ValueError(f"{found}, expected {first} to {K} to match {place}")
        numbers = {}
        for l in sorted(value):
            here, (complex_too, shape) = f"{name}[{l}]", _read(words(l))
            numbers[l] = fitting(here, array(here, value[l], complex_too), shape, sizes)
        sizes["n_K"] = sizes[f"n_{K}"]
        return numbers

    return check


# ---------------------------------------------------------------- single values


def rule(holds, expected, error=ValueError, read=lambda name, value: value):
    """The rule for a value, made ready by `read`, of which `holds` is true."""
    def check(name, value, sizes=None):
        value = read(name, value)
        if not holds(value):
            short = len(shown := repr(value)) < 40
            shown = shown if short else f"of type {type(value).__name__}"
            raise error(f"{name} is {shown}, expected {expected}")
        return value

    return check


def number(name, value, sizes=None):
    """`value` as a single finite real number."""
    return fitting(name, array(name, value), "", {}).item()


positive = rule(lambda v: v > 0, "a number above 0", read=number)
fraction = rule(lambda v: 0 <= v < 1, "a number from 0 to below 1", read=number)
precision = rule(lambda v: v is not None and v in (np.float64, np.float32),  # None is float64
                 "np.float64 or np.float32", TypeError)
generator = rule(lambda v: isinstance(v, np.random.Generator),
                 "a generator, as np.random.default_rng(0) makes it", TypeError)


def choice(known):
    """The rule for a name in the dictionary `known`."""
    return rule(lambda v: isinstance(v, str) and v in known, f"one of {', '.join(known)}")


def count(name, value, sizes=None, least=1, most=None):
    """`value` as a whole number from `least` to `most`, a number or a word of `sizes`."""
    most = sizes[most][0] if isinstance(most, str) else most
    expected = f"a whole number{f' from {least} to {most}' if most else f', {least} or more'}"
    if not isinstance(value, Integral) or isinstance(value, bool):
        raise TypeError(f"{name} is {value!r}, expected {expected}")
    return rule(lambda v: least <= v <= (most or math.inf), expected)(name, int(value))
