"""Derive, and be answered: is it what the question comes to, and if not, which mistake is it?"""

import inspect
from contextlib import suppress
from functools import cached_property, lru_cache, partial

import numpy as np
import sympy as sp

from derivations.chain_rule import lines_by_hand, right_formula
from derivations.code_witness import spellings
from derivations.definitions import Depends
from derivations.errors import FalseLine, Undecided
from derivations.mistakes import Kind, diagnose
from derivations.places import limits_in, ranges_in, stands
from derivations.printing import lettered, plain
from derivations.reading import Unreadable, read, unknown
from derivations.sampling import points
from derivations.symbols import (
    Activation,
    Partial,
    as_written,
    base_of,
    formula,
    names_in,
    shape_of,
)
from derivations.values import NoValue, filled
from derivations.verify import Known, prove
from exercises.progress import OPEN, RIGHT, WRONG, Reply, Unclear, book

EVIDENCE = 5  # points at which an answer must agree that can be neither proved nor refuted
BEGIN = ("begin with the outermost function, "
         "and leave what is inside as a derivative still to be taken")


def check(answer, question, given=(), number=""):
    """Say whether `answer` equals `question`, in any equal form; if not, name the mistake and show
    a counterexample.

    Parameters
    ----------
    answer
        A formula of the symbols of the exercise; or the same as text, plain or LaTeX, its names as
        they are shown or as Python has them where `check` is called; or a NumPy function whose
        parameters are named like the symbols. `...` stands for "not answered yet".
    question : sympy expression
        What is asked for, such as ``Partial(J, w[k])``.
    given : iterable of Definition, Depends and Entries
        All that lead from its left to its right.
    number : str
        The number of the exercise.

    Prints one short text and returns nothing. Asked again with the same answer, it adds a hint.
    """
    record, is_code = book.of("derive", number or plain(question)), inspect.isfunction(answer)
    caller = inspect.currentframe().f_back
    variables = caller.f_globals | caller.f_locals
    key = ([getattr(answer.__code__, part) for part in ("co_code", "co_consts", "co_names")]
           if is_code else answer)
    book.tell(record, repr(key), _reply(answer, question, tuple(given), variables, is_code))


def _reply(answer, question, given, variables, is_code):
    try:
        asked = _question(question, given)
    except (ValueError, TypeError, Undecided) as error:
        return Reply(OPEN, f"This exercise has a fault of its own: {error}")
    if answer is ... or answer is None:
        return Reply(OPEN, f"No answer yet. Put a formula for {asked.name} in place of the dots, "
                           "and run the cell again.", lambda: [BEGIN, *asked.lines()])
    try:
        return (asked.reply_to_code(answer) if is_code
                else asked.reply_to(asked.formula(answer, variables)))
    except Unclear as error:
        return Reply(WRONG, f"This cannot be compared with {asked.name}: {error}")


class Question:
    """What is asked for, and what it comes to: `reply_to` a formula, or `reply_to_code`."""

    def __init__(self, question, given=()):
        self.question, self.given, self.name = question, tuple(given), plain(question)
        self.known = Known(self.given)
        self.table, self.asked = self.known.table, self.known.scalar(question)
        self.right = right_formula(self.asked, self.table)

    @cached_property
    def by_hand(self):
        return lines_by_hand(self.asked, self.table)

    def lines(self):
        """The lines to the answer, as hints; the last one is the answer, and is not told."""
        return [f"the derivation, line {p}: {plain(self.asked)} = {shown(line)}"
                for p, line in enumerate(self.by_hand[:-1], 1)]

    def not_yet(self, mistake, *more, kind=None):
        kind = kind or (mistake.kind if mistake else Kind.OTHER)
        told = (f"{self.name} is not 0 everywhere" if kind is Kind.ZERO
                else mistake or "its value is another one")
        return Reply(WRONG, "\n".join([f"Not yet: {told}.", *more]),
                     lambda: [kind.value, *self.lines()])

    # what the reader gave

    def formula(self, answer, variables=()):
        """The answer as SymPy knows it, read if it is text, decimals such as 0.5 exact."""
        if isinstance(answer, str):
            try:
                return read(answer, known=self.names, functions=self.functions,
                            spelled=self.spelled(variables))[0]
            except Unreadable as error:
                raise Unclear(str(error)) from None
        try:
            expr = formula(answer.rhs if isinstance(answer, sp.Equality) else answer)
        except TypeError:
            kind = type(answer).__name__
            got = f"{kind} {answer!r}" if np.ndim(answer) == 0 else f"a {kind}"
            raise Unclear(f"got {got}; expected {self.sample()}") from None
        for number in expr.atoms(sp.Float):
            raise Unclear(f"{float(number)!r} is a rounded number; "
                          "write an exact one, such as Rational(1, 3) or x/3")
        self._must_fit(expr)
        self._must_be_known(expr)
        return expr

    def spelled(self, variables):
        """The names of the question by the Python variables that hold them, as in delta1."""
        taken = {str(name) for name in self.names}
        return {variable: value for variable, value in dict(variables).items()
                if isinstance(value, sp.Basic) and variable not in taken and value in self.names
                and not variable.startswith("_")}

    def sample(self):
        """A formula of the same kind, as an example."""
        labels = {base.label for base in self.right.atoms(sp.IndexedBase)}
        names = sorted(self.right.atoms(sp.Indexed, sp.Symbol) - labels, key=sp.default_sort_key)
        return next((f"a formula such as 2*{e}" for e in names if not e.is_integer), "a formula")

    def _must_fit(self, expr):
        wanted, got = (e.shape if e.is_Matrix else () for e in (self.question, expr))
        if wanted != got:
            asked, given = (f"a matrix of shape {shape}" if shape else "one number"
                            for shape in (wanted, got))
            turned = ", transposed" if got == wanted[::-1] else ""
            raise Unclear(f"it asks for {asked}, your formula is {given}{turned}")

    def _must_be_known(self, expr):
        """Raises Unclear for an unknown name, with the one that may be meant."""
        foreign = expr.atoms(sp.core.function.AppliedUndef) - expr.atoms(Activation)
        for function in sorted(foreign, key=str):
            raise Unclear(f"{function.func} is a Function of SymPy's own: use a function of the "
                          f'notebook, or make one with activation("{function.func}")')
        by_text = {str(name): name for name in self.names}
        letters = {index for *_, index, _ in stands(expr) if index.is_Symbol}
        letters |= {index for index, *_ in limits_in(expr)}
        for name in sorted(names_in(expr) - self.names - letters, key=str):
            if name.is_Matrix:
                continue
            if str(name) not in by_text:
                raise Unclear(unknown(plain(sp.Symbol(str(name))), by_text))
            got, expected = shape_of(name), shape_of(by_text[str(name)])
            raise Unclear(f"your {name} has shape {got}, that of the exercise {expected}"
                          if got != expected else f"your {name} is another symbol of the same "
                          f"name; use the {name} that the notebook made")

    @cached_property
    def names(self):
        defined = [names_in(d.name) | d.uses() for d in self.table.values()]
        matrices = {m for matrix in self.known.entries for m in matrix.atoms(sp.MatrixSymbol)}
        found = matrices.union(self.known.entries.values(), *defined, names_in(self.asked),
                               names_in(self.right))
        return {name for name in found if not isinstance(name, sp.Dummy)}

    @cached_property
    def functions(self):
        return {type(f) for body in (self.right, *(d.body for d in self.table.values()))
                for f in body.atoms(Activation) if f.order == 0}

    # the judgement of a formula

    def reply_to(self, answer):
        """Right, right so far, or the mistake; where nothing proves or refutes, points decide."""
        try:
            prove(self.question, answer, self.given)
            return self.accepted(answer)
        except FalseLine as refusal:
            return self.refused(answer, refusal)
        except Undecided as undecided:
            return self.by_numbers(answer, str(undecided))
        except (ValueError, TypeError, AttributeError, IndexError) as error:
            raise Unclear(str(error)) from None

    def accepted(self, answer, how=""):
        if todo := self.still_to_take(self.known.scalar(answer)):
            return self.right_so_far(todo)
        text = [f"Right{how}: {self.name} = {shown(answer)}"]
        if (count := len(self.by_hand)) > 1:
            name = plain(self.asked)
            text += [f"You stand in the last of {count} lines; nothing is left to differentiate:",
                     *(f"  {name if p == 0 else ' ' * len(name)} = {shown(line)}"
                       for p, line in enumerate(self.by_hand))]
            text[-1] += "     <- you stand here"
        return Reply(RIGHT, "\n".join(text))

    def right_so_far(self, todo):
        place = next((p for p, line in enumerate(self.by_hand, 1)
                      if _pairs(self.still_to_take(line)) == _pairs(todo)), None)
        where = (f"you stand in line {place} of {len(self.by_hand)}" if place
                 else "you are not at the end yet")
        left = ", ".join(sorted({plain(p) for p in todo}))
        return Reply(WRONG, f"Right so far: {where}. Still to be taken: {left}.",
                     lambda: [BEGIN, *self.lines()], half=True)

    def still_to_take(self, expr):
        """The derivatives in a formula that the definitions would let the reader take: not those of
        an unknown function, of which no more can be said."""
        def is_a_name(partial):
            of = self.table.get(base_of(partial.expr))
            return isinstance(of, Depends) and of.covers(partial.expr, partial.variable)

        return {p for p in expr.atoms(Partial) - self.right.atoms(Partial) if not is_a_name(p)}

    def refused(self, answer, refusal):
        text = [f"  yours   {shown(answer)}"]
        if refusal.values:
            text += [f"  at      {refusal.point.describe()}",
                     f"  values  {refusal.compared('yours {1}, right {0}', 'ratio')}"]
        return self.not_yet(refusal.mistake, *text)

    def by_numbers(self, answer, why):
        """Neither proved nor refuted: as far as points can tell, if there are enough that can."""
        scalar, found = self.known.scalar(answer), []
        for point in points([self.asked, scalar], self.table):
            with suppress(NoValue):
                found.append(point.compare(self.right, scalar)[0])
        if False in found:
            mistake = diagnose(self.asked, scalar, self.table)
            return self.not_yet(mistake, f"  yours   {shown(answer)}")
        if found.count(True) < EVIDENCE:
            raise Unclear(why)
        return self.accepted(answer, f", as far as {found.count(True)} sample points can tell")

    # the judgement of a NumPy function

    def reply_to_code(self, function):
        """A function of arrays, named like the symbols, held against the right formula."""
        runs = [(self.array(point), self.run(function, point)) for point in self.places()]
        for right, got in runs:
            if got.shape != right.shape:
                turned = got.shape == right.shape[::-1]
                return self.not_yet(f"your function returns shape {got.shape}, expected "
                                    f"{right.shape or 'one number'}{': it is transposed' * turned}",
                                    kind=Kind.TRANSPOSE if turned else Kind.SHAPE)
        for right, got in runs:
            # beside the largest entry: what is small beside that may have lost its digits
            if np.any(np.abs(got - right) > 1e-9*np.max(np.abs(right), initial=0.0)):
                mistake = diagnose(self.asked, partial(self.returned, function), self.table)
                return self.not_yet(mistake, f"  values  {_furthest(got, right)}")
        lines = len(self.by_hand)
        like = f"the last of {lines} lines" if lines > 1 else "the formula"
        return Reply(RIGHT, f"Right: your function computes {self.name}, on {len(runs)} sets of "
                            f"arrays, like {like}:\n"
                            f"  {plain(self.asked)} = {shown(self.by_hand[-1])}")

    @cached_property
    def sizes(self):
        """How far each free index runs."""
        return {index: ends[0] for index, ends in ranges_in(self.asked, self.right).items()}

    def places(self):
        """Three points at which the right formula has values, not all of them 0."""
        found = []
        for point in points([self.asked, self.right], self.table):
            with suppress(NoValue):
                found += [point] * bool(np.any(self.array(point)))
            if len(found) == 3:
                return found
        raise Unclear("there are no arrays on which it could be tried")

    def array(self, point):
        """The right values for all values of the free indices, in the order of these."""
        return _filled(point, self.sizes.values(), lambda *at: point.value(
            self.right, dict(zip(self.sizes, at))))

    def returned(self, function, point):
        """What the function returns for the free indices as they are at the point."""
        place = tuple(int(point.value(index)) - 1 for index in self.sizes)
        return float(self.run(function, point)[place])

    def run(self, function, point):
        bases = {name: self._named(name) for name in inspect.signature(function).parameters}
        arrays = {name: _filled(point, shape_of(base), lambda *at, base=base: point.value(
            base[at] if at else base)) for name, base in bases.items()}
        try:
            got = function(**arrays)
            numbers = None if got is None else np.asarray(got, dtype=float)
        except Exception as error:  # whatever a reader's code may raise
            shapes = ", ".join(f"{name} {np.shape(value)}" for name, value in arrays.items())
            raise Unclear(f"your function stops with {type(error).__name__}: {error} "
                          f"(given arrays of shapes {shapes})") from None
        if numbers is None:
            raise Unclear("your function returns nothing: end it with `return` and the result")
        if not np.all(np.isfinite(numbers)):
            raise Unclear("your function returns values that are not finite")
        return numbers

    def _named(self, parameter):
        exact = {str(base): base for base in sorted(self.names, key=str)}
        known = {form: base for name, base in exact.items() for form in spellings(name)} | exact
        if parameter not in known:
            raise Unclear(f"your function has a parameter {parameter}; "
                          f"the exercise knows {', '.join(sorted(exact))}")
        return known[parameter]


_question = lru_cache(maxsize=64)(Question)  # what the first try has found out serves the next


def _filled(point, sizes, value_at):
    """An array as NumPy has it, of these sizes at a point; without sizes, a number."""
    return filled([int(point.size.get(size, size)) for size in sizes], value_at).astype(float)[()]


def shown(expr):
    """An expression as plain text; no sum begins with a minus if another term can go first."""
    with as_written():
        return plain(_in_order_of_sign(lettered(expr)))


def _in_order_of_sign(e):
    if not e.args or isinstance(e, (sp.Indexed, sp.IndexedBase, sp.MatrixExpr)):
        return e
    args = [_in_order_of_sign(a) for a in e.args]
    return e.func(*sorted(args, key=lambda a: plain(a).startswith("-")) if e.is_Add else args)


def _pairs(partials):
    """What is differentiated by what, whatever the indices."""
    return {(base_of(p.expr), base_of(p.variable)) for p in partials}


def _furthest(got, right):
    """Both numbers, in words, in the entry where they are furthest apart."""
    place = np.unravel_index(np.argmax(np.abs(got - right)), got.shape)
    entry = f"in entry {', '.join(str(p + 1) for p in place)}: " if place else ""
    ratio = f", ratio {got[place] / right[place]:.6g}" if right[place] else ""
    return f"{entry}yours {got[place]:.6g}, right {right[place]:.6g}{ratio}"
