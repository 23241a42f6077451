"""Derivations whose every line is proved: typeset as a textbook prints them, checked as no textbook is.

    with Derivation(Partial(J, w[k]), given=[cost, prediction], number="1.2") as dJ_dw:
        dJ_dw.step(Sum(2 * (y_hat[i] - y[i]) * Partial(y_hat[i], w[k]), (i, 1, n)) / (2 * n), "chain rule")
        dJ_dw.step(Sum((y_hat[i] - y[i]) * x[i, k], (i, 1, n)) / n, "the 2 meets the ½")
    dJ_dw

At the end of the `with` block each line is evaluated at sample points, derivatives as difference quotients, and proved equal
to the one before. A false line raises `FalseLine` with a counterexample and the name of the likely mistake; a line that is
neither proved nor refuted raises `Undecided`. Here derivations are built and shown; `verify` proves.
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
from derivations.printing import plain, tex
from derivations.symbols import as_written, formula
from derivations.verify import Known, prove_lines

REASON_WIDTH = 34    # characters of a reason before it wraps
CITED = re.compile(r"\((\d+)\.(\d+[a-z]?)\)")


@dataclass
class Ledger:
    """What has been shown and proved in this session; each notebook ends with its line."""

    derivations: list = field(default_factory=list)
    code: list = field(default_factory=list)

    def record(self, derivation):
        """Count a derivation once, however often its cell is run: a later one replaces one of the same number."""
        same = [d for d in self.derivations if d.number and d.number == derivation.number]
        self.derivations = [d for d in self.derivations if d not in same] + [derivation]

    def numbers(self):
        """The numbers of what has been proved, and of the definitions that it was given."""
        return {part.number for d in self.derivations for part in (d, *d.given) if getattr(part, "number", "")}

    def record_code(self, name, derivation):
        self.code = [c for c in self.code if c != (name, derivation.number)] + [(name, derivation.number)]

    def __repr__(self):
        total = lambda count: sum(map(count, self.derivations))  # noqa: E731
        return (f"Ledger: {len(self.derivations)} derivations, {total(lambda d: len(d.lines))} lines shown, "
                f"{total(lambda d: d.proved)} lines proved, {total(lambda d: d.proof.derivative)} derivatives, "
                f"{total(lambda d: d.witnessed)} of them witnessed numerically, {len(self.code)} witnessed by NumPy code")


ledger = Ledger()


@contextmanager
def refused():
    """Print why the checker refuses what stands in the block; raise AssertionError if it is not refused."""
    try:
        yield
    except (FalseLine, WitnessDisagrees, Undecided) as refusal:
        print(refusal)
    else:
        raise AssertionError("this was meant to be refused, and was not")


class Summary:
    """Definitions and what derivations have come to, one under the other: left side = last line, and the number."""

    def __init__(self, *results):
        for result in results:
            if isinstance(result, Derivation):
                result.require_proof()
            elif not isinstance(result, Definition):
                raise TypeError(f"Summary takes Definition and Derivation, got {result!r}")
        self.rows = [(r.left, r.last, r.proof.scope(), r.number) if isinstance(r, Derivation)
                     else (r.name, r.body, "definition", r.number) for r in results]

    def _repr_markdown_(self):
        rows = [rf"{tex(left)} &= {tex(right)} && {_verdict_tex(verdict)} && \quad ({number})"
                for left, right, verdict, number in self.rows]
        return "$$\n\\begin{aligned}\n" + " \\\\[5pt]\n".join(rows) + "\n\\end{aligned}\n$$"

    def __repr__(self):
        return "\n".join(f"({number}) {plain(left)} = {plain(right)}    {verdict}" for left, right, verdict, number in self.rows)


def _typeset_names(words):
    r"""Words for \text, where an underscore stands in a formula alone: L_i is $L_{i}$, a sum has its sign."""
    words = re.sub(r"([ΣΠ])_\{(\w+)=([^.}]+)\.\.([^}]+)\}", lambda f: (
        rf"${SIGNS[f[1]]}_{{{f[2]}={f[3]}}}^{{{f[4]}}}$"), words)
    return re.sub(r"\b(\w+?)_(\w+)", r"$\1_{\2}$", words)


SIGNS = {"Σ": r"\sum", "Π": r"\prod"}


@dataclass
class Line:
    shown: sp.Basic
    reason: str
    resolved: sp.Expr = None


class Derivation:
    """A chain of equal lines, beginning with `left`.

    `given` lists the `Definition`, `Depends` and `Entries` that say what the names stand for; `number` is printed at the
    right.
    """

    def __init__(self, left, given=(), number=""):
        self.left, self.number = formula(left), str(number)
        self.given = tuple(given)
        self.known = Known(self.given)
        self.lines, self.proof, self.coded = [], None, []
        self._mode = None

    table = property(lambda self: self.known.table)
    entries = property(lambda self: self.known.entries)

    def scalar(self, expr):
        return self.known.scalar(expr)

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
        """Add the line "= expr" with the reason why it equals the line before. `$...$` in a reason is mathematics."""
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
        shapes = f"has shape {expr.shape}, the left side has shape {self.left.shape}"
        if expr.shape != self.left.shape[::-1]:
            raise ValueError(f"{where} {shapes}")
        mistake = Mistake(Kind.TRANSPOSE, f"it is transposed: shape {expr.shape} for {self.left.shape}")
        before = self.lines[-1].shown if self.lines else self.left
        raise FalseLine(len(self.lines) + 1, before, expr, mistake=mistake, title=self.title(), reason=f"it {shapes}")

    def title(self):
        return f"({self.number})" if self.number else "the derivation"

    @property
    def last(self):
        """The last line, as it was written."""
        return self.lines[-1].shown

    @property
    def final(self):
        """What the last line stands for."""
        return self.lines[-1].resolved

    # proof

    def prove(self, keep=True):
        """Prove every line and set the verdict; `keep` enters it in the ledger. Raises FalseLine or Undecided."""
        if not self.lines:
            raise ValueError(f"{self.title()} has no line; add one with step(expression, reason)")
        self.must_cite_what_is_known()
        self.proof = prove_lines([self.left, *(line.shown for line in self.lines)], self.known, self.title())
        for line, end in zip(self.lines, self.proof.resolved[1:]):
            line.resolved = end
        if keep:
            ledger.record(self)

    def must_cite_what_is_known(self):
        """An equation of this notebook that a reason cites must be proved by now, or be a definition that was given."""
        notebook, known = self.number.partition(".")[0], ledger.numbers()
        known |= {g.number for g in self.given if getattr(g, "number", "")}
        for position, line in enumerate(self.lines, 1):
            for found in CITED.finditer(line.reason):
                number = found[0].strip("()")
                if found[1] == notebook and number not in known:
                    raise ValueError(f"line {position} of {self.title()} cites ({number}), which is not proved yet; "
                                     f"known are {', '.join(f'({n})' for n in sorted(known, key=_in_order)) or 'none'}")

    @property
    def proved(self):
        """How many lines are proved."""
        return len(self.lines) if self.proof else 0

    @property
    def witnessed(self):
        """Is it a derivative that numbers confirm?"""
        return bool(self.proof and self.proof.derivative and self.proof.points)

    # witnesses

    def values(self, **arrays):
        """The last line, executed: an array over its free indices, for the given NumPy arrays and numbers.

        Names are those of the symbols; `X` may stand for x. Raises ValueError for a missing name or a shape that does
        not fit the others, IndexError where an index leaves an array.
        """
        self.require_proof()
        return Executable(self).values(arrays)

    def code(self, function, name=None):
        """Hold a NumPy function against the last line: it must return what the line says, for arrays drawn here.

        Its parameters are named like the symbols (X for x), or like names in between, such as y_hat; dL_dz is the derivative
        of an unknown L, g and g_prime are an unknown activation and its slope. The three sets of arrays have different
        sizes, and numbers of both signs. Raises WitnessDisagrees with the first entry that differs.
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
        return " · ".join([f"✓ {self.proof.scope()}", self.proof.by_numbers(), *["✓ code"][:len(self.coded)]])

    def _repr_markdown_(self):
        self.require_proof()
        tag = rf"\tag{{{self.number}}}" if self.number else ""
        body = " \\\\[3pt]\n".join(f"&= {tex(line.shown)} && {reason_tex(line.reason)}" for line in self.lines)
        return f"$$\n\\begin{{aligned}}\n{tex(self.left)} {body}\n\\end{{aligned}}{tag}\n$$\n\n<small>{self.verdict}</small>"

    def __repr__(self):
        if self.proof is None:
            return f"<Derivation {self.number}: not proved yet>"
        shown = [f"{self.title()} {plain(self.left)}"] if self.number else [plain(self.left)]
        shown += [f"    = {plain(line.shown)}    [{line.reason.replace('$', '')}]" for line in self.lines]
        return "\n".join([*shown, f"    {self.verdict}"])

    def show(self, at):
        """The derivation with the same line in numbers below each line.

        `at` gives arrays and numbers by name, as for `values`; with a value for a free index, as in {"k": 1}, the line for
        that one entry is written out.
        """
        self.require_proof()
        return Numbered(self, at, reason_tex)

    def require_proof(self):
        if self.proof is None:
            raise Undecided(f"{self.title()} is not proved yet: leave its `with` block first")


def _in_order(number):
    return [(part.rjust(9), part) for part in number.split(".")]


def reason_tex(reason):
    """A reason as LaTeX: text, with `$...$` as mathematics, wrapped so that a line stays on a narrow page."""
    lines = [_reason_line(line) for line in wrapped(reason)]
    return r"\quad\small \begin{array}{l}" + r" \\ ".join(lines) + r"\end{array}"


def _verdict_tex(verdict):
    r"""A verdict beside an equation: in one line of \text, or wrapped as a reason is."""
    verdict = _typeset_names(verdict)
    return reason_tex(verdict) if len(wrapped(verdict)) > 1 else rf"\quad\small \text{{{verdict}}}"


def wrapped(reason):
    """Wrap at blanks outside of mathematics; a formula counts as its letters, without commands."""
    words = re.findall(r"(?:\$[^$]*\$|[^\s$])+", reason)
    lines, width = [[]], 0
    for word in words:
        length = len(re.sub(r"\\[a-zA-Z]+|[${}_^]", "", word)) + 1
        if width and width + length > REASON_WIDTH:
            lines.append([])
            width = 0
        lines[-1].append(word)
        width += length
    return [" ".join(words) for words in lines]


def _reason_line(text):
    parts = re.split(r"(\$[^$]*\$)", text)
    return " ".join(p.strip("$") if p.startswith("$") else rf"\text{{{p}}}" for p in parts if p)
