"""Bring your own: a function, a claimed derivative, and what the checks of a derivation say of it.

The claim is a line that must be proved, and numbers must confirm it; NumPy code can be held against
it as well. A wrong claim gets the name of its mistake, a point where it fails, and the right
derivative.
"""

from dataclasses import dataclass, field

import sympy as sp
from sympy import evaluate
from sympy.core.function import AppliedUndef

from derivations.chain_rule import right_formula
from derivations.definitions import Definition, Depends, Entries
from derivations.derivation import Derivation
from derivations.errors import FalseLine, Undecided, WitnessDisagrees, told_apart
from derivations.mistakes import Kind, Mistake
from derivations.printing import plain, show_number, tex
from derivations.reading import read
from derivations.sampling import POINTS, points
from derivations.shapes import entries_of
from derivations.symbols import Activation, Gradient, Partial, base_of, formula, names_in
from derivations.values import NoValue
from derivations.verify import Known

YES, NO, OPEN = "agrees", "differs", "cannot say"
MARKS = {YES: "✓", NO: "✗", OPEN: "?"}


@dataclass
class Witness:
    """What one check says of a claim: "agrees", "differs" or "cannot say", and how it knows."""

    name: str
    verdict: str
    words: str


@dataclass
class Testimony:
    """The verdict on a claimed derivative; true if it is proved and no check contradicts.

    Attributes
    ----------
    question, claimed, right : sympy.Expr
        The derivative that is asked for, the claim, and what the derivative is (None where that
        cannot be said).
    witnesses : list of Witness
        The proof, the numbers, and the NumPy code if there is some.
    mistake : Mistake or None
        The usual mistake that leads to the claim.
    example : str
        A point where the claim is false, with both values.
    """

    question: sp.Expr
    claimed: sp.Expr
    right: sp.Expr | None = None
    witnesses: list = field(default_factory=list)
    mistake: Mistake | None = None
    example: str = ""

    def __bool__(self):
        proof, *others = (witness.verdict for witness in self.witnesses)
        return proof == YES and NO not in others

    @property
    def verdict(self):
        """One word, or two: right, wrong, not decided."""
        refuted = any(witness.verdict == NO for witness in self.witnesses)
        return "right" if self else "wrong" if refuted else "not decided"

    @property
    def hint(self):
        """The mistake in words; "" for what is not wrong."""
        return str(self.mistake or "none of the usual ones") if self.verdict == "wrong" else ""

    def rows(self, show):
        """(name, text) below the witnesses; `show` writes a formula."""
        wrong = self.verdict == "wrong" and self.right is not None
        place = {0: "", 1: "in entry r: ", 2: "in entry (r, c): "}[
            len([size for size in _shape(self.question) if size != 1])]
        rows = {"the mistake": self.hint, "for example": self.example,
                "right would be": place + show(self.right) if wrong else ""}
        return [(name, text) for name, text in rows.items() if text]

    def __repr__(self):
        rows = [f"  {w.name:16s}{w.verdict:12s}{w.words}" for w in self.witnesses]
        rows += [f"  {name:16s}{text}" for name, text in self.rows(plain)]
        return "\n".join([f"{plain(self.question)} = {plain(self.claimed)}: {self.verdict}", *rows])

    def _repr_markdown_(self):
        sign = "=" if self else r"\overset{?}{=}"
        sides = tex(self.question), rf"{{}} {sign} {tex(self.claimed)}"
        title = " ".join(rf"$\displaystyle {side}$" for side in sides)  # a phone breaks between
        title += f" &nbsp; **{self.verdict}**"
        rows = [f"| {w.name} | {MARKS[w.verdict]} {w.verdict} | {w.words} |"
                for w in self.witnesses]
        table = "\n".join(["| check | says | because |", "|:---|:---|:---|", *rows])
        more = [f"{name[0].upper()}{name[1:]}: {text}"
                for name, text in self.rows(lambda e: f"${tex(e)}$")]
        return "\n\n".join([title, table, *more])


def bring_your_own(function, claimed, variable, given=(), code=None, shapes=None):
    r"""Is `claimed` the derivative of `function` by `variable`? A `Testimony` tells.

    Parameters
    ----------
    function, claimed : sympy expression or str
        The function and your derivative of it, in any form: of SymPy symbols, or as text, plain or
        LaTeX. Sums, entries such as x[i, k], sigmoid and an undefined g are welcome.
    variable : symbol, entry such as w[k], or str
        What is differentiated by.
    given : iterable of Definition, Depends and Entries
        What the names stand for, as for a Derivation.
    code : function, optional
        A NumPy function of the same names that should compute the derivative.
    shapes : dict, optional
        In a text about matrices: {"X": ("n", "d"), "w": ("d",), "b": ()}. Without it a capital
        letter is a matrix there, a small one a column or a number, a Greek one a number, and the
        sizes follow from the products: ``bring_your_own("||X w - y||^2", "2 X^T (X w - y)", "w")``.

    Raises
    ------
    TypeError, ValueError
        For what is no formula, or a claim that still holds a derivative to be taken. A wrong claim
        is an answer, no error.

    Examples
    --------
    >>> bring_your_own("(w*x - y)**2/2", "(y - w*x)*x", "w").hint
    'the sign is wrong'
    """
    given = tuple(given)
    Known(given)  # refuses what is no definition
    _must_be_shapes(shapes or {})
    function, claimed, variable = _formulas(function, claimed, variable, given, shapes)
    _check(function, claimed, variable, given)
    matrices = function.atoms(sp.MatrixSymbol) | claimed.atoms(sp.MatrixSymbol)
    unsaid = matrices - {g.matrix for g in given if isinstance(g, Entries)}
    given += tuple(Entries(matrix, entries_of(matrix)) for matrix in sorted(unsaid, key=str))
    slope = Gradient if isinstance(variable, sp.MatrixSymbol) else Partial
    derivation = Derivation(slope(function, variable), given)
    said = Testimony(derivation.left, claimed, _right(derivation))
    if _shape(claimed) != _shape(variable):
        return _of_another_shape(said, _shape(claimed), _shape(variable))
    derivation.step(claimed, "the claim")
    with evaluate(True):
        _prove(derivation, said)
    if code is not None:
        said.witnesses.append(Witness("NumPy code", *_code(derivation, code, said)))
    return said


def _formulas(function, claimed, variable, given, shapes):
    """All three as SymPy has them. Text is read with the names of the others, or makes its own."""
    parts, given = [function, claimed, variable], [d for d in given if isinstance(d, Definition)]
    texts = [part for part in parts if isinstance(part, str)]
    typed = [part for part in (*parts, *(d.body for d in given)) if isinstance(part, sp.Expr)]
    known = _names(given).union(*map(names_in, (p for p in parts if isinstance(p, sp.Expr))))
    functions = {type(f) for body in typed for f in body.atoms(Activation) if not f.order}
    found = iter(read(*texts, known=known, functions=functions, shapes=shapes) if texts else ())
    function, claimed, variable = (next(found) if isinstance(p, str) else p for p in parts)
    if isinstance(function, sp.MatrixExpr) and function.shape == (1, 1):
        function = sp.Trace(function)
    by_matrix = isinstance(variable, sp.MatrixSymbol)
    return (_formula("the function", function), _formula("the claim", claimed, by_matrix),
            variable)


def _must_be_shapes(shapes):
    fits = isinstance(shapes, dict) and all(
        isinstance(name, str) and isinstance(sizes, (tuple, list)) and len(sizes) <= 2
        and all(isinstance(size, str) and size.isidentifier() or type(size) is int and size > 0
                for size in sizes) for name, sizes in shapes.items())
    if not fits:
        raise TypeError('shapes must be sizes by name, as in {"X": ("n", "d"), "w": ("d",), '
                        f'"b": ()}}, got {shapes!r}')


def _names(given):
    return set().union(*(names_in(d.name) | d.uses() for d in given if isinstance(d, Definition)))


def _formula(name, value, may_be_matrix=False):
    if isinstance(value, sp.MatrixBase | sp.MatrixExpr) and not may_be_matrix:
        raise TypeError(f"{name} is a matrix of shape {value.shape}, expected one number: "
                        "write its entries, as in w[k]")
    try:
        expr = formula(value)
    except TypeError:
        raise TypeError(f"{name} is {value!r}, expected a formula of SymPy symbols, "
                        "or the same as text") from None
    for unknown in sorted(expr.atoms(AppliedUndef) - expr.atoms(Activation), key=str):
        raise TypeError(f"{name} holds {unknown}, a Function of SymPy's own: "
                        f"make it with activation(\"{unknown.func}\")")
    return expr


def _check(function, claimed, variable, given):
    if not isinstance(variable, sp.Symbol | sp.Indexed | sp.MatrixSymbol):
        raise TypeError(f"the variable is {variable!r}, expected a symbol, an entry such as w[k] "
                        "or a matrix")
    if claimed.has(sp.Derivative, Partial) and not any(isinstance(g, Depends) for g in given):
        raise ValueError(f"the claim {plain(claimed)} still holds a derivative that is to be "
                         "taken: take it")
    known = names_in(function) | _names(given) | function.atoms(sp.MatrixSymbol)
    if base_of(variable) not in known:
        names = sorted(map(str, known))
        why = ("it has another symbol of that name, made a second time or with other assumptions"
               if str(base_of(variable)) in names
               else f"it contains {', '.join(names) or 'no symbol'}")
        raise ValueError(f"the function {plain(function)} does not contain {plain(variable)}: "
                         f"{why}")


def _shape(expr):
    return expr.shape if isinstance(expr, sp.MatrixExpr) else ()


def _of_another_shape(said, got, expected):
    """A gradient has the shape of what it is the gradient of; numbers are not needed for that."""
    told = [" × ".join(map(str, shape)) or "one number" for shape in (got, expected)]
    said.mistake = (Mistake(Kind.TRANSPOSE, "it is transposed") if got == expected[::-1]
                    else Mistake(Kind.SHAPE, "its shape is not that of the variable"))
    said.witnesses = [
        Witness("proof", NO, f"its shape is {told[0]}, that of the gradient is {told[1]}"),
        Witness("numbers", OPEN, "shapes that differ have no values to compare")]
    return said


def _right(derivation):
    try:
        with evaluate(True):
            return right_formula(derivation.known.scalar(derivation.left), derivation.table)
    except (Undecided, ValueError, TypeError, NotImplementedError):
        return None


def _prove(derivation, said):
    """Ask for the proof and for the numbers, and note what they say."""
    numbers = None
    try:
        derivation.prove(keep=False)
        proof = YES, f"it is {derivation.proof.scope()}"
    except FalseLine as refusal:
        said.mistake = refusal.mistake
        if refusal.values is None:
            proof, numbers = (NO, refusal.reason), (OPEN, "an index leaves its array")
        else:
            proof = NO, "it is refuted at a point"
            numbers = _refuted(said, refusal.point, refusal.values)
    except Undecided as refusal:
        proof = OPEN, str(refusal)
    said.witnesses = [Witness("proof", *proof),
                      Witness("numbers", *(numbers or _numbers(derivation, said)))]


def _refuted(said, point, values):
    slope, value = told_apart(*values)
    said.example = f"{point.describe()}: it is {slope}, and {value} is claimed"
    return NO, f"slope {slope}, claim {value}"


def _numbers(derivation, said):
    """The claim beside difference quotients of the function, at the first points that can tell."""
    why, seen = "both sides vanish at every point", []
    for point in points([said.question, said.claimed], derivation.table, derivation.entries):
        try:
            same, *values = point.compare(said.question, said.claimed)
        except NoValue as no_value:
            why = str(no_value)
            continue
        if same is False:  # where no proof was tried, as of an inverse
            return _refuted(said, point, values)
        seen += [] if same is None else [values]
    if not seen:
        return OPEN, why
    slope, value = map(show_number, seen[0])
    more = min(len(seen), POINTS) - 1
    return YES, f"slope {slope}, claim {value}" + f", and so at {more} more points"*bool(more)


def _code(derivation, code, said):
    if not said:
        return OPEN, "it is held against a claim that is right"
    try:
        return YES, str(derivation.code(code))
    except WitnessDisagrees as refusal:
        return NO, str(refusal)
