"""Which line of a program is wrong, and which mistake it is: told from what mends it.

A program is compiled once, with all the ways of `rewritings` in it, each behind a switch: to try
one is to run it. What two of them compute alike is checked once. A way after which the check passes
shows the line, the mistake, and how the line would read: nothing about the fault is stored
anywhere. Where no one way is enough, two are tried.
"""

import __future__

import ast
import copy
import inspect
import textwrap
import types
import warnings
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from gradcheck.differences import remembering
from gradcheck.rewritings import MISTAKES, ways_to_write

LIMIT = 400  # ways to write a line, for one mistake
FIRST_STEPS = 4  # ways that mend a part, after which another one is looked for
TURNS = 20_000  # of a `while` that a rewriting has perhaps made endless
OTHER_WAY = {ast.Add: ast.Sub, ast.Sub: ast.Add}


class FaultError(ValueError):
    """The program cannot be searched; the message says why."""


class Remedy(NamedTuple):
    """One line rewritten."""

    line: int  # 1 is the `def`
    mistake: str  # a word of MISTAKES
    was: str
    now: str

    def __str__(self):
        meaning = MISTAKES[self.mistake]
        return f"line {self.line}: {meaning}\n    was  {self.was}\n    now  {self.now}"


@dataclass
class Fault:
    """What was found: true if a change of one line makes the program pass its check."""

    name: str
    lines: list  # the program's source, line by line
    remedies: list  # each of them alone mends the program
    several: list = field(default_factory=list)  # all of them together do, where no one is enough
    partly: tuple = ()  # where none do: (a remedy, the blocks that are right after it)

    line = property(lambda self: self.remedies[0].line if self else None)
    mistake = property(lambda self: self.remedies[0].mistake if self else None)
    was = property(lambda self: self.remedies[0].was if self else None)
    now = property(lambda self: self.remedies[0].now if self else None)

    def __bool__(self):
        return bool(self.remedies)

    def __str__(self):
        if self:
            return "\n".join(f"{self.name}, {remedy}" for remedy in self.remedies)
        if self.several:
            return f"{self.name}: more than one line is wrong\n" + "\n".join(map(str, self.several))
        said = (
            f"{self.name}: no change of one line makes it pass; more than one line is wrong, "
            "or the mistake is no usual one"
        )
        if self.partly:
            remedy, right = self.partly
            said += f"\nThis one makes {', '.join(right)} right, and not all:\n{remedy}"
        return said

    __repr__ = __str__


def find_fault(program, check):
    """Which line of a program is wrong, which mistake it is, and how the line would read.

    Parameters
    ----------
    program : a function with readable source, written with `def`
    check : check(program) -> true if it is right, such as a report of `gradient_check`

    Returns
    -------
    Fault
        True if one line is to blame: `.line`, `.mistake`, `.was`, `.now`, and all `.remedies`.
        Else `.several` holds two changes that mend it together, where such were found; where not,
        and the check reports by blocks, `.partly` holds what mends most of them.

    Raises
    ------
    FaultError
        Where the source cannot be read, or the program passes as it is.
    """
    if not callable(program) or not callable(check):
        raise FaultError("expected a program and a check that can be called with it")
    with remembering(), warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return _Search(program, check).fault()


# --------------------------------------------------------------------------------------- the search


class _Score(NamedTuple):
    passes: bool
    right: tuple = ()  # the names of the blocks that agree


class _Search:
    """What a program computes when it is written in other ways, and what its check says to it."""

    def __init__(self, program, check):
        self.check, self.calls, self.scores = check, [], {None: _Score(False)}
        self.source = _Source(program)

        def noting(*args, **named):
            self.calls = self.calls or [_fresh((args, named))]
            return program(*args, **named)

        self.here = self._asked(noting)
        if self.here.passes:
            raise FaultError("the program passes its check as it is, there is no fault in it")
        if self.calls:
            self.scores[self._outcome(program)] = self.here

    def fault(self):
        source = self.source
        written = _Written(source, source.tree(), self._values())
        scores = self._judge(written)
        remedies = self._remedies(written, scores)
        several = [] if remedies else self._two(written, scores)
        best = max(scores, key=lambda way: len(scores[way].right), default=None)
        partly = ()
        if not (remedies or several) and best and len(scores[best].right) > len(self.here.right):
            partly = next(written.remedies(best)), scores[best].right
        return Fault(source.name, source.lines, remedies, several, partly)

    def _judge(self, written):
        """{way: its score}."""
        scores = {}
        for way in written.ways:
            with written.switched_to(way) as program:
                scores[way] = self._score(program)
        return scores

    def _remedies(self, written, scores):
        found = {}
        for way in (way for way, score in scores.items() if score.passes):
            for remedy in written.remedies(way):
                found.setdefault(remedy[:2], remedy)
        for line in {line for line, word in found if word == "argument"}:
            found.pop((line, "index"), None)  # a slope at the wrong variable says more
        order = list(MISTAKES)
        return sorted(found.values(), key=lambda r: (r.line, order.index(r.mistake)))

    def _two(self, written, scores):
        """Two changes that together make the program pass."""
        better = {}
        for way, score in scores.items():
            if set(score.right) > set(self.here.right):
                better.setdefault(score.right, way)
        for right in sorted(better, key=len, reverse=True)[:FIRST_STEPS]:
            first = better[right]
            other = _Written(self.source, written.rewritten(first), self._values())
            seconds = self._remedies(other, self._judge(other))
            if seconds:
                return sorted([next(written.remedies(first)), seconds[0]])
        return []

    def _score(self, program):
        outcome = self._outcome(program) if self.calls else object()
        if outcome not in self.scores:
            self.scores[outcome] = self._asked(program)
        return self.scores[outcome]

    def _asked(self, program):
        """Does it pass, and which blocks agree?"""
        try:
            report = self.check(program)
            passes = bool(report)
        except Exception:  # a wrong program may well raise
            return _Score(False)
        blocks = getattr(report, "blocks", {}).items()
        right = [name for name, b in blocks if b.verdict in ("agrees", "simultaneous")]
        return _Score(passes, tuple(right))

    def _outcome(self, program):
        """What a program computes, to six digits; None if it fails."""
        args, named = _fresh(self.calls[0])
        try:
            value = program(*args, **named)
        except Exception:
            return None
        return _fingerprint((args, named) if value is None else value)

    def _values(self):
        """What the names of the program stand for when it returns."""
        found = dict(self.source.scope)

        def note(names, value):
            found.update(names)
            return value

        def noting(old, new):
            if isinstance(old, ast.Return) and old.value:
                new.value = ast.Call(_parsed("__note__"), [_parsed("locals()"), new.value], [])
            return new

        program = self.source.compiled(rebuilt(self.source.tree(), noting), __note__=note)
        if self.calls:
            self._outcome(program)
        return found


def _fresh(value):
    """A copy, quicker than deepcopy for what programs like these are given."""
    if type(value) is dict:
        return {key: _fresh(part) for key, part in value.items()}
    if type(value) in (list, tuple):
        return type(value)(map(_fresh, value))
    return value.copy() if isinstance(value, np.ndarray) else copy.deepcopy(value)


def _fingerprint(value):
    """The numbers of a result to six digits, and their structure; None if one is not finite."""
    structure, numbers = [], []

    def gather(part):
        if isinstance(part, dict):
            structure.append(tuple(part))
            part = tuple(part.values())
        if isinstance(part, (tuple, list)):
            structure.append(len(part))
            for inner in part:
                gather(inner)
            return
        try:
            array = np.asarray(part, dtype=np.float64)
        except (TypeError, ValueError):
            structure.append(repr(part))
        else:
            structure.append(array.shape)
            numbers.append(array.ravel())

    gather(value)
    flat = np.concatenate([*numbers, [0.0]]) + 0.0
    if not np.isfinite(flat).all():
        return None
    return tuple(structure), ((flat.view(np.int64) + 2**29) >> 30).tobytes()


# ------------------------------------------------------------------------------------ the program


class _Source:
    """The source of a program: a tree as often as one is wanted, and functions from such trees."""

    def __init__(self, program):
        try:
            self.text = textwrap.dedent(inspect.getsource(program))
            definition = self.tree()
        except (OSError, TypeError, SyntaxError):
            raise FaultError(
                "the source of the program cannot be read: write it with `def` in a cell or a file"
            ) from None
        if not isinstance(definition, ast.FunctionDef):
            raise FaultError("the program is no function written with `def`")
        self.name, self.lines = definition.name, self.text.rstrip().splitlines()
        self.program = inspect.unwrap(program)
        cells = zip(self.program.__code__.co_freevars, self.program.__closure__ or ())
        self.scope = {**self.program.__globals__, **{name: c.cell_contents for name, c in cells}}

    def tree(self):
        definition = ast.parse(self.text).body[0]
        if isinstance(definition, ast.FunctionDef):
            definition.decorator_list, definition.returns = [], None
            for given in (definition.args.defaults, definition.args.kw_defaults):
                given[:] = [default and ast.Constant(None) for default in given]
        return definition

    def compiled(self, definition, **more):
        scope, module = {**self.scope, **more}, ast.Module([definition], [])
        module = ast.fix_missing_locations(module)
        flag = __future__.annotations.compiler_flag
        exec(compile(module, "<rewritten>", "exec", flag), scope)
        function, owner = scope[self.name], getattr(self.program, "__self__", None)
        function.__defaults__ = self.program.__defaults__
        function.__kwdefaults__ = self.program.__kwdefaults__
        return function if owner is None else types.MethodType(function, owner)


class Way(NamedTuple):
    """One expression written in another way, or a statement at another place of its block."""

    statement: ast.stmt
    node: ast.AST  # the expression, or the parent of the block
    text: str
    mistakes: tuple
    switch: int | None  # None of a statement that is moved
    number: int  # the position of the switch, or of the statement in its block

    def put(self, old, new):
        """For `rebuilt`: the tree that this way writes."""
        if old is self.node and self.switch is not None:
            tree = _parsed(self.text)
            for node in ast.walk(tree):
                ast.copy_location(node, old)
            return tree
        if old is self.node:
            new.body.insert(self.number, new.body.pop(old.body.index(self.statement)))
        if old is self.statement and isinstance(old, ast.AugAssign):
            turned = isinstance(new.value, ast.UnaryOp) and isinstance(new.value.op, ast.USub)
            if turned and type(new.op) in OTHER_WAY:  # w -= -g
                new.op, new.value = OTHER_WAY[type(new.op)](), new.value.operand
        return new


class _Written:
    """A program with a switch at each of its expressions, and the ways to write them."""

    def __init__(self, source, definition, values):
        self.source, self.definition, self.ways, others = source, definition, [], {}
        for k, (statement, node, texts) in enumerate(ways_to_write(definition, values, LIMIT)):
            others[id(node)] = k, ", ".join(f"lambda: {text}" for text in texts)
            for number, (text, mistakes) in enumerate(texts.items(), 1):
                self.ways.append(Way(statement, node, text, tuple(mistakes), k, number))
        self.ways += _moves(definition)
        self.positions, self.turns = [0] * len(others), TURNS

        def switched(old, new):
            if id(old) not in others:
                return new
            k, ways = others[id(old)]
            chosen = _parsed(f"({ways},)[__at__[{k}] - 1]()")
            return ast.copy_location(ast.IfExp(_parsed(f"__at__[{k}]"), chosen, new), old)

        self.function = self._compiled(switched)

    def _compiled(self, put):
        def guarded(old, new):
            if isinstance(old, ast.While):
                new.test = ast.BoolOp(ast.And(), [_parsed("__turn__()"), new.test])
            return put(old, new)

        tree = rebuilt(self.definition, guarded)
        return self.source.compiled(tree, __at__=self.positions, __turn__=self._turn)

    def _turn(self):
        self.turns -= 1
        if self.turns < 0:
            raise RecursionError("endless")
        return True

    @contextmanager
    def switched_to(self, way):
        """The program, written in one of its ways."""
        self.turns = TURNS
        if way.switch is None:
            yield self._compiled(way.put)
        else:
            self.positions[way.switch] = way.number
            yield self.function
            self.positions[way.switch] = 0

    def rewritten(self, way):
        return rebuilt(self.definition, way.put)

    def remedies(self, way):
        """A remedy for each line and mistake of a way."""
        statement, body = way.statement, getattr(way.statement, "body", None)
        last = body[0].lineno - 1 if body else statement.end_lineno
        node = statement if way.switch is None else way.node
        lines = self.source.lines[statement.lineno - 1 : last]
        was = " ".join(line.strip() for line in lines)
        if way.switch is None:
            now = f"{_head(statement)}    {way.text}"
        else:
            now = _head(rebuilt(statement, way.put))
        for line in range(node.lineno, min(node.end_lineno, last) + 1):
            yield from (Remedy(line, mistake, was, now) for mistake in way.mistakes)


def _moves(definition):
    """Each statement at each other place of its block."""
    for parent in ast.walk(definition):
        block = getattr(parent, "body", None)
        block = block if isinstance(block, list) else []
        places = len(block) - isinstance(block[-1], ast.Return) if block else 0
        for place, statement in enumerate(block[:places]):
            for goal in range(places):
                if goal != place:
                    text = f"(as statement {goal + 1} of its block)"
                    yield Way(statement, parent, text, ("updated",), None, goal)


def rebuilt(part, put):
    """A copy of a tree, after put(old, new) had its say on each node, the innermost first."""
    if isinstance(part, list):
        return [rebuilt(inner, put) for inner in part]
    if not isinstance(part, ast.AST):
        return part
    new = type(part)(**{name: rebuilt(inner, put) for name, inner in ast.iter_fields(part)})
    return put(part, ast.copy_location(new, part))


def _parsed(text):
    return ast.parse(text, mode="eval").body


def _head(statement):
    """The text of a statement, of a loop only its first line."""
    return ast.unparse(statement).splitlines()[0]
