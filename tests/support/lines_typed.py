"""Claims as text, plain or LaTeX, of which the truth is known beforehand: function and slope are
drawn as trees, which are printed in some spelling, differentiated by hand and computed in floats.

Nothing of the engine is used.
"""

import math
from random import Random
from typing import NamedTuple

NUMBER, NAME, ENTRY, ADD, SUB, MUL, DIV, POW, FUN, SUM = range(10)
SLOPES = {  # of a function at t, as trees of the function itself and of t
    "sin": lambda f, t: (FUN, "cos", t),
    "cos": lambda f, t: times(-1, (FUN, "sin", t)),
    "exp": lambda f, t: f,
    "tanh": lambda f, t: (SUB, (NUMBER, 1), (POW, f, 2)),
    "sigma": lambda f, t: (MUL, f, (SUB, (NUMBER, 1), f)),
    "log": lambda f, t: (DIV, (NUMBER, 1), t),
    "sqrt": lambda f, t: (DIV, (NUMBER, 1), times(2, f)),
    "abs": lambda f, t: (FUN, "sign", t),
    "atan": lambda f, t: (DIV, (NUMBER, 1), (ADD, (NUMBER, 1), (POW, t, 2))),
}
VALUES = {
    "sin": math.sin, "cos": math.cos, "exp": math.exp, "tanh": math.tanh, "atan": math.atan,
    "sigma": lambda t: 1 / (1 + math.exp(-t)), "log": math.log, "sqrt": math.sqrt, "abs": abs,
    "sign": lambda t: math.copysign(1, t),
}  # fmt: skip
BINDS = {ADD: 1, SUB: 1, MUL: 2, DIV: 2, POW: 3, SUM: 1.5}
NAMES, LETTERS = ("w", "b", "x", "c"), ("x", "y")


class Claim(NamedTuple):
    function: str
    claimed: str
    variable: str
    true: bool


def times(number, tree):
    return (MUL, (NUMBER, number), tree)


# ---------------------------------------------------------------- trees


def drawn(rng, depth, in_sum):
    if depth == 0:
        return rng.choice(
            [
                (NAME, "w"),
                (NAME, "w"),
                (NAME, "b"),
                (NUMBER, rng.randint(2, 5)),
                (ENTRY, rng.choice("xy")) if in_sum else (NAME, rng.choice("xc")),
            ]
        )
    part = lambda: drawn(rng, depth - 1 - (rng.random() < 0.3 and depth > 1), in_sum)
    kind = rng.choice([ADD, SUB, SUB, MUL, MUL, MUL, DIV, POW, POW, FUN, FUN])
    if kind == POW:
        return (POW, part(), rng.choice([2, 2, 3, -1]))
    if kind == FUN:
        return (FUN, rng.choice(list(SLOPES)), part())
    return (kind, part(), part())


def slope(t, by="w"):
    """The derivative, with the zeros and ones that a hand would leave out left out."""
    kind, *parts = t
    if kind in (NUMBER, ENTRY):
        return (NUMBER, 0)
    if kind == NAME:
        return (NUMBER, int(parts[0] == by))
    if kind == SUM:
        inner = slope(parts[0], by)
        return inner if inner == (NUMBER, 0) else (SUM, inner)
    if kind == POW:
        base, k = parts
        return product(times(k, (POW, base, k - 1)) if k != 2 else times(2, base), slope(base, by))
    if kind == FUN:
        return product(SLOPES[parts[0]](t, parts[1]), slope(parts[1], by))
    a, b = parts
    da, db = slope(a, by), slope(b, by)
    if kind in (ADD, SUB):
        return together(kind, da, db)
    if kind == MUL:
        return together(ADD, product(da, b), product(a, db))
    return together(SUB, quotient(da, b), quotient(product(a, db), (POW, b, 2)))


def product(a, b):
    if (NUMBER, 0) in (a, b):
        return (NUMBER, 0)
    return a if b == (NUMBER, 1) else b if a == (NUMBER, 1) else (MUL, a, b)


def quotient(a, b):
    return a if a == (NUMBER, 0) else (DIV, a, b)


def together(kind, a, b):
    if b == (NUMBER, 0):
        return a
    if a == (NUMBER, 0):
        return b if kind == ADD else times(-1, b)
    return (kind, a, b)


def value(t, at, i=0):
    kind, *parts = t
    if kind == NUMBER:
        return parts[0]
    if kind == NAME:
        return at[parts[0]]
    if kind == ENTRY:
        return at[parts[0]][i]
    if kind == SUM:
        return sum(value(parts[0], at, place) for place in range(len(at["y"])))
    if kind == POW:
        return value(parts[0], at, i) ** parts[1]
    if kind == FUN:
        return VALUES[parts[0]](value(parts[1], at, i))
    a, b = (value(part, at, i) for part in parts)
    return a + b if kind == ADD else a - b if kind == SUB else a * b if kind == MUL else a / b


# ---------------------------------------------------------------- spellings


def spelled(t, rng, latex):
    kind, *parts = t
    inner = lambda part, least: bracketed(part, least, rng, latex)
    if kind == NUMBER:
        return str(parts[0])
    if kind == NAME:
        return parts[0]
    if kind == ENTRY:
        return rng.choice([f"{parts[0]}_i", f"{parts[0]}_{{i}}"]) if latex else f"{parts[0]}_i"
    if kind == SUM:
        body = inner(parts[0], 2)
        if latex:
            return rng.choice([r"\sum_{i=1}^n ", r"\sum_{i=1}^{n}", r"\sum_i "]) + body
        return rng.choice([f"Sum({spelled(parts[0], rng, latex)}, (i, 1, n))", f"sum_i {body}"])
    if kind in (ADD, SUB):
        sign = " + " if kind == ADD else " - "
        return inner(parts[0], 1) + sign + inner(parts[1], 2)
    if kind == MUL:
        sign = rng.choice([" ", r" \cdot ", " "] if latex else [" ", "*", " * "])
        return inner(parts[0], 2) + sign + inner(parts[1], 2.5)
    if kind == DIV:
        if latex and rng.random() < 0.7:
            return rf"\frac{{{spelled(parts[0], rng, latex)}}}{{{spelled(parts[1], rng, latex)}}}"
        return inner(parts[0], 2) + "/" + inner(parts[1], 2.5)
    if kind == POW:
        power = f"^{{{parts[1]}}}" if latex else rng.choice(["^", "**"]) + f"{parts[1]}"
        power = power.replace("-1", "(-1)") if not latex else power
        return inner(parts[0], 3.5) + power
    name, argument = parts[0], spelled(parts[1], rng, latex)
    if name == "exp" and rng.random() < 0.5:
        return f"e^{{{argument}}}" if latex else f"e^({argument})"
    if name == "sqrt" and latex:
        return rf"\sqrt{{{argument}}}"
    if name == "abs":
        return rng.choice([f"|{argument}|"] if latex else [f"abs({argument})"])
    if name == "sigma":
        return rf"\sigma({argument})" if latex else rng.choice(["sigmoid", "σ"]) + f"({argument})"
    known = {"atan": r"\arctan", "sign": r"\operatorname{sign}"}
    left, right = rng.choice(["()", (r"\left(", r"\right)")]) if latex else "()"
    return (known.get(name, "\\" + name) if latex else name) + left + argument + right


def bracketed(t, least, rng, latex):
    """In brackets, if it binds less than what stands beside it; a leading minus always is."""
    text, binds = spelled(t, rng, latex), BINDS.get(t[0], 4)
    first = t
    while first[0] in (ADD, SUB, MUL, DIV):
        first = first[1]
    negative = first[0] == NUMBER and first[1] < 0 and least > 1
    return f"({text})" if binds < least or negative else text


# ---------------------------------------------------------------- claims


def wrong(t, rng):
    """The tree with one slip."""
    kind, *parts = t
    places = [p for p, part in enumerate(parts) if isinstance(part, tuple)]
    if not places or rng.random() < 0.3:
        return rng.choice([times(2, t), times(-1, t), (ADD, t, (NUMBER, 1)), (POW, t, 2)])
    if kind in (ADD, SUB, MUL, DIV) and rng.random() < 0.4:
        other = rng.choice([k for k in (ADD, SUB, MUL, DIV) if k != kind])
        return (other, *parts)
    p = rng.choice(places)
    parts[p] = wrong(parts[p], rng)
    return (kind, *parts)


def typed(seed):
    """The first claim of this seed of which numbers tell whether it is true."""
    rng = Random(seed)
    while True:
        in_sum = rng.random() < 0.4
        function = drawn(rng, rng.choice([2, 3, 3]), in_sum)
        if in_sum:
            function = (SUM, function)
            if rng.random() < 0.4:
                function = (DIV, function, (NAME, "n"))
        claim = slope(function)
        if rng.random() < 0.5:
            claim = wrong(claim, rng)
        true = agrees(function, claim, rng)
        if true is not None and "'w'" in str(function):
            latex = rng.random() < 0.5
            return Claim(spelled(function, rng, latex), spelled(claim, rng, latex), "w", true)


def agrees(function, claim, rng):
    """Is the claim the slope, as far as difference quotients tell? None if they do not."""
    seen = 0
    for _ in range(60):
        size, draw = rng.choice([2, 3, 4]), lambda: rng.uniform(-2, 2)
        at = {"w": draw(), "b": draw(), "c": draw(), "n": size, "y": [draw() for _ in range(size)]}
        at["x"] = [draw() for _ in range(size)] if "(2, 'x')" in str((function, claim)) else draw()
        try:
            quotients = [
                (
                    value(function, {**at, "w": at["w"] + h})
                    - value(function, {**at, "w": at["w"] - h})
                )
                / (2 * h)
                for h in (1e-4, 5e-5)
            ]
            said = value(claim, at)
        except (ValueError, ZeroDivisionError, OverflowError, TypeError):
            continue
        large = 1 + abs(said) + abs(quotients[0])
        if abs(quotients[0] - quotients[1]) > 1e-6 * large or large > 1e6:
            continue
        seen += 1
        if abs(quotients[1] - said) > 1e-4 * large:
            return False
    return True if seen > 5 else None
