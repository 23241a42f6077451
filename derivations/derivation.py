"""Derivations whose every line is proved: typeset as a textbook prints them.

    with Derivation(Partial(J, w[k]), given=[cost, prediction], number="1.2") as dJ_dw:
        dJ_dw.step(Sum(2 * (y_hat[i] - y[i]) * Partial(y_hat[i], w[k]), (i, 1, n)) / (2 * n),
                   "chain rule")
        dJ_dw.step(Sum((y_hat[i] - y[i]) * x[i, k], (i, 1, n)) / n, "the 2 meets the ½")
    dJ_dw

At the end of the `with` block each line is evaluated at sample points, derivatives as difference
quotients, and proved equal to the one before. A false line raises `FalseLine` with a
counterexample and the name of the likely mistake; a line that is neither proved nor refuted raises
`Undecided`. Here derivations are built and shown; `verify` proves.
"""

import re
from contextlib import contextmanager
from dataclasses import dataclass, field

import sympy as sp

from derivations.code_witness import CodeWitness, Executable
from derivations.definitions import Definition
from derivations.errors import FalseLine, Undecided, WitnessDisagrees
from derivations.mistakes import Kind, Mistake
from derivations.numbered import Numbered
from derivations.printing import aligned, plain, tex
from derivations.reasons import reason_plain, reason_tex, verdict_tex
from derivations.symbols import as_written, formula
from derivations.verify import Known, prove_lines

CITED = re.compile(r"\((\d+)\.(\d+[a-z]?)\)")


@dataclass
class Ledger:
    """What has been shown and proved in this session; each notebook ends with its line."""

    derivations: list = field(default_factory=list)
    code: list = field(default_factory=list)

    def record(self, derivation):
        """Count a derivation once, however often its cell is run: of one number the last."""
        kept = [d for d in self.derivations if not d.number or d.number != derivation.number]
        self.derivations = [d for d in kept if d is not derivation] + [derivation]

    def record_code(self, name, derivation):
        entry = name, derivation.number
        self.code = [c for c in self.code if c != entry] + [entry]

    def numbers(self):
        """The numbers of what has been proved, and of the definitions that it was given."""
        parts = [part for d in self.derivations for part in (d, *d.given)]
        return {part.number for part in parts if getattr(part, "number", "")}

    def __repr__(self):
        derivations = self.derivations
        return (f"Ledger: {len(derivations)} derivations, "
                f"{sum(len(d.lines) for d in derivations)} lines shown, "
                f"{sum(d.proved for d in derivations)} lines proved, "
                f"{sum(d.proof.derivative for d in derivations)} derivatives, "
                f"{sum(d.witnessed for d in derivations)} of them witnessed numerically, "
                f"{len(self.code)} witnessed by NumPy code")


ledger = Ledger()


@contextmanager
def refused():
    """Print why the checker refuses what stands in the block; AssertionError if it does not."""
    try:
        yield
    except (FalseLine, WitnessDisagrees, Undecided) as refusal:
        print(refusal)
    else:
        raise AssertionError("this was meant to be refused, and was not")


class Summary:
    """Definitions and what derivations have come to, one under the other, with their numbers."""

    def __init__(self, *results):
        self.rows = []
        for result in results:
            if isinstance(result, Derivation):
                scope = result.require_proof().scope()
                self.rows.append((result.left, result.last, scope, result.number))
            elif isinstance(result, Definition):
                self.rows.append((result.name, result.body, "definition", result.number))
            else:
                raise TypeError(f"Summary takes Definition and Derivation, got {result!r}")

    def _repr_markdown_(self):
        rows = [rf"{tex(left)} &= {tex(right)} && {verdict_tex(verdict)} && \quad ({number})"
                for left, right, verdict, number in self.rows]
        return aligned(rows, space="5pt")

    def __repr__(self):
        return "\n".join(f"({number}) {plain(left)} = {plain(right)}    {verdict}"
                         for left, right, verdict, number in self.rows)


@dataclass
class Line:
    shown: sp.Basic
    reason: str


class Derivation:
    """A chain of equal lines, beginning with `left`.

    `given` lists the `Definition`, `Depends` and `Entries` that say what the names stand for;
    `number` is printed at the right.
    """

    def __init__(self, left, given=(), number=""):
        self.left, self.number, self.given = formula(left), str(number), tuple(given)
        self.known = Known(self.given)
        self.table, self.entries = self.known.table, self.known.entries
        self.lines, self.proof, self.coded = [], None, []

    def __enter__(self):
        self.lines, self.proof, self.coded = [], None, []
        self._mode = as_written()
        self._mode.__enter__()
        return self

    def __exit__(self, kind, error, trace):
        self._mode.__exit__(kind, error, trace)
        if kind is None:
            self.prove()

    def step(self, expr, reason):
        """Add the line "= expr", and why it equals the line before; `$...$` is mathematics."""
        expr, where = formula(expr), f"line {len(self.lines) + 1} of {self.title()}"
        if not isinstance(reason, str) or not reason.strip():
            raise ValueError(f"{where} needs a reason, a short text; got {reason!r}")
        if isinstance(self.left, sp.MatrixExpr) != isinstance(expr, sp.MatrixExpr):
            raise ValueError(f"{where}: a matrix cannot equal a number")
        if isinstance(expr, sp.MatrixExpr) and expr.shape != self.left.shape:
            self.refuse_shape(expr, where)
        self.lines.append(Line(expr, reason.strip()))
        self.proof, self.coded = None, []

    def refuse_shape(self, expr, where):
        """A transposed line is a false one; for any other shape an error in the input."""
        wanted, shape = self.left.shape, expr.shape
        shapes = f"has shape {shape}, the left side has shape {wanted}"
        if shape != wanted[::-1]:
            raise ValueError(f"{where} {shapes}")
        mistake = Mistake(Kind.TRANSPOSE, f"it is transposed: shape {shape} for {wanted}")
        raise FalseLine(len(self.lines) + 1, self.last, expr, mistake=mistake, title=self.title(),
                        reason=f"it {shapes}")

    def title(self):
        return f"({self.number})" if self.number else "the derivation"

    @property
    def last(self):
        """The last line, as it was written."""
        return self.lines[-1].shown if self.lines else self.left

    # proof

    def prove(self, keep=True):
        """Prove every line and set the verdict; `keep` enters it in the ledger.

        Raises FalseLine or Undecided.
        """
        if not self.lines:
            raise ValueError(f"{self.title()} has no line; add one with step(expression, reason)")
        self.must_cite_what_is_known()
        lines = [self.left, *(line.shown for line in self.lines)]
        self.proof = prove_lines(lines, self.known, self.title())
        if keep:
            ledger.record(self)

    def must_cite_what_is_known(self):
        """An equation of this notebook in a reason must be proved by now, or a given definition."""
        notebook, known = self.number.partition(".")[0], ledger.numbers()
        known |= {g.number for g in self.given if getattr(g, "number", "")}
        for position, line in enumerate(self.lines, 1):
            cited = (found[0].strip("()") for found in CITED.finditer(line.reason)
                     if found[1] == notebook)
            for number in cited:
                if number not in known:
                    in_order = sorted(known, key=lambda n: [p.rjust(9) for p in n.split(".")])
                    listed = ", ".join(f"({n})" for n in in_order) or "none"
                    raise ValueError(f"line {position} of {self.title()} cites ({number}), "
                                     f"which is not proved yet; known are {listed}")

    @property
    def proved(self):
        """How many lines are proved."""
        return len(self.lines) if self.proof else 0

    @property
    def witnessed(self):
        """Is it a derivative that numbers confirm?"""
        return bool(self.proof and self.proof.derivative and self.proof.points)

    def require_proof(self):
        if self.proof is None:
            raise Undecided(f"{self.title()} is not proved yet: leave its `with` block first")
        return self.proof

    # witnesses

    def values(self, **arrays):
        """The last line, executed on NumPy arrays and numbers: an array over its free indices.

        Names are those of the symbols; `X` may stand for x. Raises ValueError for a missing name
        or a shape that does not fit the others, IndexError where an index leaves an array.
        """
        self.require_proof()
        return Executable(self).values(arrays)

    def code(self, function, name=None):
        """Hold a NumPy function against the last line: it must return what the line says.

        Its parameters are named like the symbols (X for x), or like names in between, such as
        y_hat; dL_dz is the derivative of an unknown L, g and g_prime are an unknown activation and
        its slope. The three sets of arrays have different sizes, and numbers of both signs. Raises
        WitnessDisagrees with the first entry that differs.
        """
        self.require_proof()
        witness = CodeWitness(self, function, name)
        self.coded.append(witness)
        ledger.record_code(witness.name, self)
        return witness

    # appearance

    @property
    def verdict(self):
        """What was checked, in words; None before the proof."""
        if self.proof is None:
            return None
        checks = [f"✓ {self.proof.scope()}", self.proof.by_numbers()]
        return " · ".join(checks + ["✓ code"] * bool(self.coded))

    def _repr_markdown_(self):
        self.require_proof()
        rows = [f"&= {tex(line.shown)} && {reason_tex(line.reason)}" for line in self.lines]
        rows[0] = f"{tex(self.left)} {rows[0]}"
        return f"{aligned(rows, self.number)}\n\n<small>{self.verdict}</small>"

    def __repr__(self):
        if self.proof is None:
            return f"<Derivation {self.number}: not proved yet>"
        rows = [f"    = {plain(line.shown)}    [{reason_plain(line.reason)}]"
                for line in self.lines]
        title = f"{self.title()} " * bool(self.number)
        return "\n".join([f"{title}{plain(self.left)}", *rows, f"    {self.verdict}"])

    def show(self, at):
        """The derivation with the same line in numbers below each line.

        `at` gives arrays and numbers by name, as for `values`; with a value for a free index, as
        in {"k": 1}, the line for that one entry is written out.
        """
        self.require_proof()
        return Numbered(self, at)
