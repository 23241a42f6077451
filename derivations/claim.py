"""Bring your own: a function, a claimed derivative, and the verdict of four witnesses on it.

The witnesses are those of notebook 00: the claim as a line that must be proved, SymPy's own derivative, a numerical derivative
in high precision, and NumPy code made from the two formulas.
"""

from dataclasses import dataclass

import numpy as np
import sympy as sp
from sympy import evaluate

from derivations.definitions import Depends, Entries, resolve, table_of
from derivations.derivation import Derivation
from derivations.errors import FalseLine, Undecided
from derivations.evaluation import NoValue, Point
from derivations.normal_form import is_zero
from derivations.printing import plain, tex, to_mpf
from derivations.symbols import Activation, Partial, base_of, formula, names_in, sigmoid
from gradcheck import derivative

POINTS, TRIES = 3, 30          # sample points, and how many are tried for them
YES, NO, OPEN = "agrees", "differs", "cannot say"


@dataclass
class Witness:
    """What one of the four says of a claim."""

    name: str
    verdict: str      # "agrees", "differs" or "cannot say"
    words: str        # how it knows


@dataclass
class Testimony:
    """The verdict on a claimed derivative; true if and only if it is right, that is proved and contradicted by none."""

    question: sp.Expr     # the Partial
    claimed: sp.Expr
    witnesses: list       # of Witness: proof, SymPy, numbers, NumPy code
    hint: str = ""        # the name of the mistake
    example: str = ""     # a point where the two differ, with both values

    def __bool__(self):
        return all(w.verdict == YES or w.verdict == OPEN and w is not self.witnesses[0] for w in self.witnesses)

    @property
    def verdict(self):
        """One word, or two: right, wrong, not decided."""
        return "right" if self else "wrong" if any(w.verdict == NO for w in self.witnesses) else "not decided"

    def __repr__(self):
        rows = [f"  {w.name:22s}{w.verdict:12s}{w.words}" for w in self.witnesses]
        more = [f"  {name:22s}{text}" for name, text in (("mistake", self.hint), ("for example", self.example)) if text]
        return "\n".join([f"{plain(self.question)} = {plain(self.claimed)}: {self.verdict}", *rows, *more])

    def _repr_markdown_(self):
        rows = [f"| {w.name} | {'✓' if w.verdict == YES else '✗' if w.verdict == NO else '?'} {w.verdict} | {w.words} |"
                for w in self.witnesses]
        more = [self.hint and f"The mistake: **{self.hint}**", self.example and f"For example: {self.example}"]
        sign = "=" if self else r"\overset{?}{=}"
        title = rf"$\displaystyle {tex(self.question)} {sign} {tex(self.claimed)}$ &nbsp; **{self.verdict}**"
        table = ["| witness | says | because |", "|:---|:---|:---|", *rows]
        return "\n\n".join([title, "\n".join(table), *filter(None, more)])


def bring_your_own(function, claimed, variable, given=()):
    """Is `claimed` the derivative of `function` by `variable`? Four witnesses say so, or what is wrong: a `Testimony`.

    function   a formula of SymPy symbols; sums, entries such as x[i, k], sigmoid and an undefined g are welcome
    claimed    your derivative, in any form
    variable   a symbol, or an entry such as w[k]
    given      Definition, Depends and Entries, as for a Derivation, if names stand for other formulas

    A wrong claim is an answer, not an error. Raises TypeError for text, matrices and for a variable that is none, ValueError
    where the function does not contain the variable or the claim still holds a derivative to be taken.
    """
    function, claimed, given = _scalar("the function", function), _scalar("the claim", claimed), tuple(given)
    table = table_of(g for g in given if not isinstance(g, Entries))
    _check(function, claimed, variable, given)
    question = Partial(function, variable)
    proof, hint, example = _proof(question, claimed, given)
    pair = _resolved(function, claimed, variable, table)
    witnesses = [proof, _sympy(question, claimed, table), _numbers(*pair), _numpy(*pair)]
    return Testimony(question, claimed, witnesses, hint, example)


def _scalar(name, value):
    try:
        expr = formula(value)
    except TypeError:
        raise TypeError(f"{name} is {value!r}, expected a formula of SymPy symbols; text is not evaluated") from None
    if isinstance(expr, sp.MatrixExpr):
        raise TypeError(f"{name} is a matrix of shape {expr.shape}, expected one number: write its entries, as in w[k]")
    return expr.replace(lambda e: isinstance(e, HYPERBOLIC), lambda e: e.rewrite(sp.exp))


HYPERBOLIC = (sp.sinh, sp.cosh, sp.coth, sp.sech, sp.csch)  # in exponentials they are known to all witnesses


def _check(function, claimed, variable, given):
    if not isinstance(variable, (sp.Symbol, sp.Indexed)):
        raise TypeError(f"the variable is {variable!r}, expected a symbol or an entry such as w[k]")
    if claimed.has(sp.Derivative, Partial) and not any(isinstance(g, Depends) for g in given):
        raise ValueError(f"the claim {plain(claimed)} still holds a derivative that is to be taken: take it")
    known = names_in(function).union(*(names_in(d.name) | d.uses() for d in given if not isinstance(d, Entries)))
    if base_of(variable) not in known:
        namesake = [s for s in known if str(s) == str(base_of(variable))]
        why = ("it has another symbol of that name, made a second time or with other assumptions" if namesake
               else f"it contains {', '.join(sorted(map(str, known))) or 'no symbol'}")
        raise ValueError(f"the function {plain(function)} does not contain {plain(variable)}: {why}")


def _proof(question, claimed, given):
    derivation = Derivation(question, given)
    derivation.step(claimed, "the claim")
    try:
        with evaluate(True):
            derivation.prove(keep=False)
    except FalseLine as refusal:
        hint = refusal.hint("none of the usual ones")
        if refusal.values is None:
            return Witness("the claim, as a line", NO, refusal.reason), hint, ""
        example = f"{refusal.point.describe()}; {refusal.compared('true:', 'yours:')}"
        return Witness("the claim, as a line", NO, "refuted at a point, see below"), hint, example
    except Undecided as refusal:
        return Witness("the claim, as a line", OPEN, str(refusal).split(": ", 1)[-1]), "", ""
    scope = derivation.proof.scope()
    return Witness("the claim, as a line", YES, scope if scope != "proved" else "proved for all values of the symbols"), "", ""


def _sympy(question, claimed, table):
    """SymPy's derivative with everything opened, minus the claim. What does not reduce to zero is settled by values."""
    try:
        own, claim = resolve(question, table), resolve(claimed, table)
        if own.has(Partial):
            return Witness("SymPy", OPEN, "the function is not known to the end")
        if is_zero(own - claim):
            return Witness("SymPy", YES, "its own derivative minus the claim is 0")
    except Undecided as undecided:
        return Witness("SymPy", OPEN, str(undecided))
    except ValueError as error:  # an index that does not fit
        return Witness("SymPy", NO, str(error))
    if any(not _near(first, second, 1e-20) for _, first, second in _points(own, claim, lambda point: point.value(own))):
        return Witness("SymPy", NO, f"its own derivative is ${tex(own)}$")
    return Witness("SymPy", OPEN, "the difference to its own derivative does not reduce to 0, nor is it seen to differ")


def _resolved(function, claimed, variable, table):
    above = {base: d for base, d in table.items() if base != base_of(variable)}
    try:
        return resolve(function, above), resolve(claimed, table), variable
    except (Undecided, ValueError):
        return None, None, variable


def _points(function, claimed, value, *more):
    """(point, value(point), the claim there) for the first sample points at which both are real numbers."""
    if function is None or function.has(Partial) or claimed.has(Partial):
        return
    found = 0
    for seed in range(TRIES):
        try:
            point = Point([function, claimed, *more], seed)
            pair = to_mpf(value(point)), to_mpf(point.value(claimed))
        except (NoValue, ValueError):
            continue
        yield point, *pair
        found += 1
        if found == POINTS:
            return


def _slopes(function, claimed, variable):
    return _points(function, claimed, lambda point: point.slope(function, variable), variable)


def _numbers(function, claimed, variable):
    seen = [(slope, value) for _, slope, value in _slopes(function, claimed, variable)]
    return _judged("numbers", seen, 1e-12, "a step of 1e-10, at 40 digits")


def _numpy(function, claimed, variable):
    seen = []
    for point, _, _ in _slopes(function, claimed, variable):
        arrays, key = _arrays(point, function, claimed), point.key(variable)
        code = [_code(expr, arrays) for expr in (function, claimed)]
        start = float(point.lookup(*key))
        slope = derivative(lambda v, f=code[0], p=arrays, at=key: f(_moved(p, *at, v)), start)
        seen.append((slope.value, float(code[1](arrays))))
    return _judged("NumPy code", seen, 1e-7, "central differences of your function")


def _near(a, b, tolerance):
    return abs(a - b) <= tolerance * max(abs(a), abs(b), 1e-3)


def _judged(name, seen, tolerance, how):
    if not seen:
        return Witness(name, OPEN, "there is no point at which both have a value")
    for slope, value in seen:
        if not _near(slope, value, tolerance):
            return Witness(name, NO, f"slope {float(slope):.6g}, claim {float(value):.6g}; {how}")
    slope, value = map(float, seen[0])
    more = f", and so at {len(seen) - 1} more points" if len(seen) > 1 else ""
    return Witness(name, YES, f"slope {slope:.6g}, claim {value:.6g}{more}; {how}")


def _arrays(point, *exprs):
    """The values of a point for NumPy. Arrays get an entry 0 that nobody uses, so that indices count from 1 as on the page."""
    needed = {e.base for expr in exprs for e in expr.atoms(sp.Indexed)}
    loose = {s for expr in exprs for s in expr.free_symbols if s.is_Symbol} - {b.label for b in needed}
    arrays = {s: _plain_number(point.lookup(s, ())) for s in loose}
    for base in needed:
        shape = [int(sp.sympify(size).xreplace({s: sp.Integer(int(v)) for s, v in arrays.items() if s.is_integer}))
                 for size in base.shape]
        arrays[base] = np.full([size + 1 for size in shape], np.nan)
        for place in np.ndindex(*shape):
            at = tuple(p + 1 for p in place)
            arrays[base][at] = float(point.lookup(base, at))
    return arrays


def _plain_number(value):
    return int(value) if value == int(value) else float(value)


def _moved(arrays, base, at, value):
    moved = {name: np.array(v) if np.ndim(v) else v for name, v in arrays.items()}
    if at:
        moved[base][at] = value
    else:
        moved[base] = value
    return moved


def _code(expr, arrays):
    """The formula as NumPy code of a dictionary of values."""
    names = sorted(arrays, key=str)
    plain_functions = _known_functions(expr)
    run = sp.lambdify([sp.Symbol(f"_{p}") if n.is_Symbol else n for p, n in enumerate(names)],
                      plain_functions.xreplace({n: sp.Symbol(f"_{p}", integer=n.is_integer) for p, n in enumerate(names)
                                                if n.is_Symbol}), "numpy")
    return lambda values: run(*(values[n] for n in names))


Z = sp.Dummy("z")


def _known_functions(expr):
    """sigmoid written out; for an undefined g some smooth function, tanh z + z²/4, and its slopes for g', g''."""
    expr = expr.replace(sigmoid, lambda z: 1/(1 + sp.exp(-z)))
    while expr.has(Activation):
        expr = expr.replace(lambda e: isinstance(e, Activation) and not e.args[0].has(Activation),
                            lambda e: (sp.tanh(Z) + Z**2/4).diff(*[Z] * e.order).xreplace({Z: e.args[0]}) if e.order
                            else (sp.tanh(Z) + Z**2/4).xreplace({Z: e.args[0]}))
    return expr
