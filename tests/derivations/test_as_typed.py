"""What is typed, what is shown, what is proved and what is computed are one formula.

Trees of matrices and numbers are drawn at random; each is typed within `as_written`, printed as
plain text and read back by the little reader below, and brought to its entries by the engine. All
three must have the value that NumPy gives.
"""

import re
from fractions import Fraction

import numpy as np
import pytest
import sympy as sp
from drawn import TIMES
from hypothesis import given, settings
from hypothesis import strategies as st
from vocabulary import a, b, i, n

from derivations.definitions import Entries, resolve
from derivations.derivation import Derivation
from derivations.matrices import entry
from derivations.normal_form import is_zero
from derivations.printing import plain
from derivations.symbols import as_written, indexed

SIZE = 2
MATRICES = {sp.MatrixSymbol(name, n, n): indexed(name.lower(), n, n) for name in "ABC"}
RNG = np.random.default_rng(0)
NUMBERS = {m.name: RNG.integers(-3, 4, (SIZE, SIZE)).astype(object) for m in MATRICES}
SCALARS = {"a": Fraction(3), "b": Fraction(-5, 2)}
half = Fraction(1, 2)

leaf = st.sampled_from([(m, NUMBERS[m.name]) for m in MATRICES])
scalar = st.sampled_from(
    [
        (2, 2),
        (-1, -1),
        (a, SCALARS["a"]),
        (b, SCALARS["b"]),
        (1 - 1 / n, half),
        (sp.Sum(i, (i, 1, n)), 3),
        (sp.Rational(1, 2), half),
    ]
)


def grown(inner):
    """Every way in which matrices are combined: (formula when typed, value)."""
    pairs = st.tuples(inner, inner)
    return st.one_of(
        pairs.map(lambda p: (p[0][0] + p[1][0], p[0][1] + p[1][1])),
        pairs.map(lambda p: (p[0][0] - p[1][0], p[0][1] - p[1][1])),
        pairs.map(lambda p: (p[0][0] * p[1][0], p[0][1].dot(p[1][1]))),
        pairs.map(lambda p: (p[0][0] @ p[1][0], p[0][1].dot(p[1][1]))),
        pairs.map(lambda p: (sp.HadamardProduct(p[0][0], p[1][0]), p[0][1] * p[1][1])),
        st.tuples(scalar, inner).map(lambda p: (p[0][0] * p[1][0], p[0][1] * p[1][1])),
        st.tuples(inner, scalar).map(lambda p: (p[0][0] * p[1][0], p[0][1] * p[1][1])),
        inner.map(lambda p: (p[0] / 2, p[1] * half)),
        inner.map(lambda p: (p[0] / n, p[1] * half)),
        inner.map(lambda p: (-p[0], -p[1])),
        inner.map(lambda p: (p[0].T, p[1].T)),
    )


@st.composite
def typed(draw, leaves=leaf, grown=grown):
    with as_written():
        return draw(st.recursive(leaves, grown, max_leaves=5))


def computed(expr):
    """The entries as the engine has them."""
    result = np.empty((SIZE, SIZE), dtype=object)
    for place in np.ndindex(SIZE, SIZE):
        e = resolve(entry(expr, *(sp.Integer(p + 1) for p in place), MATRICES)).subs(n, SIZE).doit()
        result[place] = number(e)
    return result


def number(e):
    value = e.replace(
        lambda t: isinstance(t, sp.Indexed),
        lambda t: sp.Integer(
            int(NUMBERS[str(t.base.label).upper()][tuple(int(i) - 1 for i in t.indices)])
        ),
    ).subs({a: 3, b: -sp.Rational(5, 2)})
    return Fraction(int(value.p), int(value.q))


TOKEN = re.compile(r"Σ_\{i=1\.\.n\} i|[A-Z]|[ab]|n|\d+|[-+/()ᵀ⊙²]")


class Read:
    """Plain text, read as a reader does: products and fractions bind tighter than sums, and go from
    left to right."""

    def __init__(self, text):
        self.tokens = TOKEN.findall(text)
        assert "".join(self.tokens) == text.replace(" ", "").replace("Σ_{i=1..n}i", "Σ_{i=1..n} i")

    def next(self):
        return self.tokens[0] if self.tokens else ""

    def sum(self):
        total = -self.product() if self.next() == "-" and self.tokens.pop(0) else self.product()
        while self.next() in ("+", "-"):
            sign = 1 if self.tokens.pop(0) == "+" else -1
            total = total + sign * self.product()
        return total

    def product(self):
        total = self.atom()
        while self.next() not in ("", "+", "-", ")"):
            mark = self.tokens.pop(0) if self.next() in "/⊙" else ""
            other = self.atom()
            plain_product = (
                isinstance(total, np.ndarray) and isinstance(other, np.ndarray) and mark != "⊙"
            )
            total = (
                total / Fraction(other)
                if mark == "/"
                else total.dot(other)
                if plain_product
                else total * other
            )
        return total

    def atom(self):
        token = self.tokens.pop(0)
        if token == "(":
            value = self.sum()
            assert self.tokens.pop(0) == ")"
        else:
            value = NUMBERS.get(
                token, SCALARS.get(token, SIZE if token == "n" else 3 if "Σ" in token else None)
            )
            value = Fraction(token) if value is None else value
        while self.next() in ("ᵀ", "²"):
            value = value.T if self.tokens.pop(0) == "ᵀ" else value * value
        return value


@settings(max_examples=12*TIMES)
@given(typed())
def test_matrices_are_read_shown_and_computed_as_they_are_typed(formula):
    expr, value = formula
    assert (computed(expr) == value).all()
    assert (Read(plain(expr)).sum() == value).all()


numbers = st.sampled_from(
    [(a, SCALARS["a"]), (b, SCALARS["b"]), (sp.Integer(2), 2), (sp.Sum(i, (i, 1, n)), 3), (n, SIZE)]
)


def grown_numbers(inner):
    pairs = st.tuples(inner, inner)
    return st.one_of(
        pairs.map(lambda p: (p[0][0] + p[1][0], p[0][1] + p[1][1])),
        pairs.map(lambda p: (p[0][0] - p[1][0], p[0][1] - p[1][1])),
        pairs.map(lambda p: (p[0][0] * p[1][0], p[0][1] * p[1][1])),
        inner.map(lambda p: (p[0] / 2, p[1] * half)),
        pairs.filter(lambda p: p[1][1]).map(
            lambda p: (p[0][0] / p[1][0], p[0][1] / Fraction(p[1][1]))
        ),
        inner.map(lambda p: (-p[0], -p[1])),
        inner.map(lambda p: (p[0] ** 2, p[1] ** 2)),
    )


@settings(max_examples=12*TIMES)
@given(typed(numbers, grown_numbers))
def test_numbers_are_read_shown_and_computed_as_they_are_typed(formula):
    expr, value = formula
    assert number(resolve(expr).subs(n, SIZE).doit()) == value
    assert Read(plain(expr)).sum() == value
    assert is_zero(resolve(expr) - resolve(expr))


A, B, C = MATRICES
LINES = [  # two forms of one matrix
    (lambda: A + A, lambda: 2 * A),
    (lambda: 2 * (A - B) * C, lambda: 2 * A * C - 2 * B * C),
    (lambda: -(A - B) * C, lambda: B * C - A * C),
    (lambda: A - (-B), lambda: B + A),
    (lambda: A - (B - C), lambda: A + C - B),
    (lambda: A + C * C, lambda: C * C + A),
    (lambda: A / 2 + A, lambda: 3 * A / 2),
    (lambda: (1 - 1 / n) * A, lambda: A - A / n),
    (lambda: A - A, lambda: 0 * B),
]


@pytest.mark.every(2)
@pytest.mark.parametrize("number", range(len(LINES)))
def test_two_forms_of_a_matrix_are_proved_and_another_one_is_refuted(number):
    given = [Entries(matrix, array) for matrix, array in MATRICES.items()]
    left, right = LINES[number]
    for claim, true in ((right, True), (lambda: right() + A, False)):
        with as_written():
            derivation, line = Derivation(left(), given), claim()
        derivation.step(line, "another form")
        if true:
            derivation.prove(keep=False)
        else:
            with pytest.raises(Exception, match="false"):
                derivation.prove(keep=False)
