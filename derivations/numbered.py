"""A derivation with the same lines in numbers below the symbolic ones: made by
`Derivation.show`."""

import re
from collections.abc import Mapping

import numpy as np
import sympy as sp
from sympy import evaluate

from derivations.code_witness import Executable
from derivations.printing import aligned, as_fraction, plain, show_number, tex, to_mpf
from derivations.reasons import reason_plain, reason_tex
from derivations.symbols import Partial
from derivations.values import whole_value

TERMS = 6            # a sum of more terms is shown as one number


class Numbered:
    """The lines of a derivation, each with its numbers put in and its value, for given arrays,
    numbers and indices."""

    def __init__(self, derivation, at):
        self.derivation = derivation
        lines = [derivation.left, *(line.shown for line in derivation.lines)]
        named = by_name(at)
        self.rows = [Row(Executable(derivation, line), dict(named)) for line in lines]

    def _repr_markdown_(self):
        d, (first, *rest) = self.derivation, self.rows
        body = [rf"{tex(d.left)} &= {first.value_text(_tex_number)} &&"]
        for line, row in zip(d.lines, rest):
            numbers, value = row.text(tex, _tex_number), row.value_text(_tex_number)
            body += [rf"&= {tex(line.shown)} && {reason_tex(line.reason)}",
                     rf"&= {numbers} && " + reason_tex(f"$= {value}$")*(numbers != value)]
        return f"{aligned(body, d.number)}\n\n<small>{d.verdict}</small>"

    def __repr__(self):
        d, (first, *rest) = self.derivation, self.rows
        shown = [f"{d.title()} " * bool(d.number)
                 + f"{plain(d.left)} = {first.value_text(_plain_number)}"]
        for line, row in zip(d.lines, rest):
            numbers, value = row.text(plain, _plain_number), row.value_text(_plain_number)
            shown += [f"    = {plain(line.shown)}    [{reason_plain(line.reason)}]",
                      f"      = {numbers}" + f" = {value}"*(numbers != value)]
        return "\n".join([*shown, f"    {d.verdict}"])


def by_name(at):
    """{name: value}, where a symbol, an array or a matrix may stand for its name.

    >>> by_name({"w": 1, sp.Symbol("k"): 2})
    {'w': 1, 'k': 2}
    """
    form = 'values by name, as in {"w": [1, 2], "k": 1}'
    if not isinstance(at, Mapping):
        raise TypeError(f"at= takes {form}, got {at!r}")
    for key in at:
        if isinstance(key, sp.Indexed):
            raise TypeError(f"{plain(key)} is one entry of {key.base.label}, and a value is given "
                            f"for it alone: at= takes whole arrays, {form}")
        if not isinstance(key, (str, sp.Symbol, sp.IndexedBase, sp.MatrixSymbol)):
            raise TypeError(f"at= takes {form}, got the name {key!r}")
    return {str(getattr(key, "label", key)): value for key, value in at.items()}


class Row:
    """One line at given values: its value, and the line with the numbers in the place of
    letters."""

    def __init__(self, line, at):
        free = line.free
        self.letters = {index: int(at.pop(index.name)) for index in list(free) if index.name in at}
        self.line, self.numbers = line, []
        self.value = line.values(at, letters=self.letters)
        self.point = line.point(at)
        with evaluate(False):
            self.inserted = None if np.ndim(self.value) else self.put_in(line.last, self.letters)

    def put_in(self, e, bound):
        """The expression with a placeholder for each number; sums of few terms are written out."""
        if isinstance(e, (sp.Symbol, sp.Indexed, Partial)):
            return sp.Integer(bound[e]) if e in bound else self.placeholder(e, bound)
        if isinstance(e, sp.Sum):
            (index, low, high), inner = e.limits[-1], e.limits[:-1]
            ends = range(whole_value(low, self.point, bound),
                         whole_value(high, self.point, bound) + 1)
            body = sp.Sum(e.function, *inner) if inner else e.function
            if not 0 < len(ends) <= TERMS:
                return self.placeholder(e, bound)
            terms = [self.put_in(body, {**bound, index: v}) for v in ends]
            return sp.Add(*terms) if len(terms) > 1 else terms[0]
        return e.func(*(self.put_in(a, bound) for a in e.args)) if e.args else e

    def placeholder(self, e, bound):
        self.numbers.append(self.point.value(e, bound))
        return sp.Symbol(f"Q{len(self.numbers)}Q", real=True)

    def value_text(self, number):
        return number(self.value)

    def text(self, show, number):
        """The line in numbers: "2 · (3 - 1)"."""
        if self.inserted is None or not self.numbers:
            return self.value_text(number)
        times = r" \\cdot " if show is tex else " · "
        text = re.sub(r"(Q\d+Q|\d)(?:\s|\\,)*(?=Q\d+Q|\(|\\left\()", rf"\1{times}",
                      show(self.inserted))
        text = re.sub(r"(\)|\\right\))(?:\s|\\,)*(?=Q\d+Q)", rf"\1{times}", text)
        exact = not any("." in number(v) for v in self.numbers)  # 0.4 and ½ in one line: 0.4, 0.5
        texts = [number(v, exact) for v in self.numbers]
        texts = [f"({t})" if t.startswith("-") else t for t in texts]
        return re.sub(r"Q(\d+)Q", lambda found: texts[int(found[1]) - 1], text)


def _plain_number(value, exact=True):
    if isinstance(value, np.ndarray):
        return f"[{', '.join(map(_plain_number, value))}]"
    short = as_fraction(value)
    return show_number(short if exact or short == int(short) else to_mpf(short), 4)


def _tex_number(value, exact=True):
    if not isinstance(value, np.ndarray):
        return re.sub(r"^(-?)(\d+)/(\d+)$", r"\1\\tfrac{\2}{\3}", _plain_number(value, exact))
    rows = value.reshape(len(value), -1)
    body = r" \\ ".join(" & ".join(map(_tex_number, row)) for row in rows)
    return rf"\begin{{pmatrix}} {body} \end{{pmatrix}}"
