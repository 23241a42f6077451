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
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from gradcheck.differences import remembering
from gradcheck.rewritings import MISTAKES, ways_to_write

LIMIT = 400  # ways to write a line, for one mistake
FIRST_STEPS = 4  # ways that mend a part, after which another one is looked for
MOST_PAIRS, MOST_CHECKS = 20_000, 1_000  # of two ways at once
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
            lines = sorted({remedy.line for remedy in self.several})
            which = "more than one line is" if len(lines) > 1 else f"line {lines[0]} is twice"
            return f"{self.name}: {which} wrong\n" + "\n".join(map(str, self.several))
        said = (
            f"{self.name}: no change of one line makes it pass; more than one line is wrong, "
            "or the mistake is no usual one"
        )
        if self.partly:
            remedy, right = self.partly
            said += f"\nThis change makes {', '.join(right)} right, the rest not:\n{remedy}"
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
        and the check reports by blocks, `.partly` holds the change that mends most of them.

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


# ------------------------------------------------------------------------------------- the search


class _Score(NamedTuple):
    """What a check says to a program."""

    passes: bool
    right: tuple = ()  # the names of the blocks that agree
    alike: int = 0  # blocks that do, or are wrong by one factor


class _Search:
    """What a program computes when it is written in other ways, and what its check says to it."""

    def __init__(self, program, check):
        self.check, self.call, self.scores = check, None, {None: _Score(False)}
        self.source, self.truth = _Source(program), None

        def noting(*args, **named):
            self.call = self.call or copy.deepcopy((args, named))
            return program(*args, **named)

        self.here, blocks = self._asked(noting)
        if self.here.passes:
            raise FaultError("the program passes its check as it is, there is no fault in it")
        if self.call:
            outcome = self._outcome(program)
            self.scores[outcome] = self.here
            self.truth = _truth(blocks, outcome)

    def fault(self):
        written = self._written(self.source.tree())
        scores = self._judged(written)
        remedies = self._remedies(written, scores)
        several = [] if remedies else self._one_after_the_other(written, scores)
        several = several or ([] if remedies else self._at_once(written, scores))
        best, partly = max(scores, key=lambda way: len(scores[way].right), default=None), ()
        if best and len(scores[best].right) > len(self.here.right):
            partly = written.remedies(best)[0], scores[best].right
        return Fault(self.source.name, self.source.lines, remedies, several, partly)

    def _written(self, tree):
        values = {}
        if self.call:
            self._outcome(self.source.noting_its_names(tree, values))
        return _Written(self.source, tree, values)

    def _judged(self, written, glance=False):
        """{way: its score}; at a glance only those are asked about that may be all right."""
        return {way: self._score(written.as_in(way), glance) for way in written.ways}

    def _remedies(self, written, scores):
        found = {}
        for way in (way for way, score in scores.items() if score.passes):
            for remedy in written.remedies(way):
                shortest = found.setdefault(remedy[:2], remedy)
                found[remedy[:2]] = min(shortest, remedy, key=lambda r: len(r.now))
        for line in {line for line, word in found if word == "argument"}:
            found.pop((line, "index"), None)  # a slope at the wrong variable says more
        order = list(MISTAKES)
        return sorted(found.values(), key=lambda r: (r.line, order.index(r.mistake)))

    def _one_after_the_other(self, written, scores):
        """A way that mends some blocks, or all but a factor, and another one after it."""
        better = {}
        for way, score in scores.items():
            if set(score.right) > set(self.here.right) or score.alike > self.here.alike:
                better.setdefault(score, way)
        for score in sorted(better, key=lambda s: (-len(s.right), -s.alike))[:FIRST_STEPS]:
            first = written.remedies(better[score])[0]
            after = self._written(written.rewritten(better[score]))
            seconds = self._remedies(after, self._judged(after, glance=True))
            if seconds:
                second = min(seconds, key=lambda r: (_growth(r), r.line == first.line))
                if second.line == first.line:
                    return [first, second._replace(was=first.now)]
                return sorted([first, second])
        return []

    def _at_once(self, written, scores):
        """Two ways of different lines that together make the program pass, the usual ones first."""
        if not self.call:
            return []
        kinds, distinct = {}, {}
        for way in written.ways:
            kind = kinds.setdefault((way.line, way.mistakes), [])
            kind.append(way)
            if way.switch is not None:
                outcome = self._outcome(written.as_in(way))
                distinct.setdefault((way.line, outcome), (len(kind), way))
        distinct = [way for _, way in sorted(distinct.values(), key=lambda pair: pair[0])]
        pairs = ((a, b) for k, b in enumerate(distinct) for a in distinct[:k] if a.line != b.line)
        most, last, healing = len(self.scores) + MOST_CHECKS, MOST_PAIRS, []
        for count, pair in enumerate(pairs):
            if self._score(written.as_in(*pair), glance=True).passes:
                healing.append(sorted(written.remedies(way)[0] for way in pair))
                last = min(last, 2 * count + 100)  # there may be a plainer pair close by
            if count > last or len(self.scores) > most:
                break
        return min(healing, key=lambda pair: sum(map(_growth, pair)), default=[])

    def _score(self, program, glance=False):
        outcome = self._outcome(program) if self.call else object()
        if outcome not in self.scores:
            if glance and self.truth is not None and not _near(outcome, self.truth):
                return _Score(False)
            self.scores[outcome], _ = self._asked(program)
        return self.scores[outcome]

    def _asked(self, program):
        """What the check says, and its blocks."""
        try:
            report = self.check(program)
            passes = bool(report)
        except Exception:  # a wrong program may well raise
            return _Score(False), {}
        blocks = getattr(report, "blocks", {})
        right = [name for name, b in blocks.items() if b.verdict in ("agrees", "simultaneous")]
        alike = [name for name, b in blocks.items() if name in right or _alike(b)]
        return _Score(passes, tuple(right), len(alike)), blocks

    def _outcome(self, program):
        """What a program computes, to six digits; None if it fails."""
        args, named = copy.deepcopy(self.call)
        try:
            value = program(*args, **named)
        except Exception:
            return None
        return _fingerprint((args, named) if value is None else value)


class _Outcome(NamedTuple):
    structure: tuple
    numbers: bytes

    def sorted(self):
        return np.sort((np.frombuffer(self.numbers, np.int64) << 30).view(np.float64))


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
    flat = np.concatenate(numbers or [[]]) + 0.0  # no -0
    if not np.isfinite(flat).all():
        return None
    return _Outcome(tuple(structure), ((flat.view(np.int64) + 2**29) >> 30).tobytes())


def _vectors(block):
    """Claimed and numerical derivatives of a block, where its report has them."""
    pair = [np.asarray(getattr(block, name, 0.0)) for name in ("claimed", "numerical")]
    return pair if pair[0].ndim == 1 else None


def _alike(block):
    """Is a block wrong by one factor?"""
    if (pair := _vectors(block)) is None or len(pair[0]) < 2 or not pair[1].any():
        return False
    claimed, true = pair
    factor = claimed @ true / (true @ true)
    return factor != 0 and np.allclose(claimed, factor * true, rtol=1e-6, atol=0)


def _truth(blocks, outcome):
    """The true gradient, sorted, if what the program returned is what was claimed."""
    pairs = [_vectors(block) for block in blocks.values()]
    if not pairs or None in pairs or outcome is None:
        return None
    claimed, true = (np.sort(np.concatenate(part)) for part in zip(*pairs))
    returned = outcome.sorted()
    same = claimed.shape == returned.shape and np.allclose(claimed, returned, rtol=1e-5, atol=0)
    return true if same and np.isfinite(true).all() else None


def _near(outcome, truth):
    found = outcome.sorted()
    return found.shape == truth.shape and np.allclose(
        found, truth, rtol=1e-3, atol=1e-9 * np.abs(truth).max()
    )


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
        return ast.parse(self.text).body[0]

    def compiled(self, definition, put, names):
        """The function that a tree defines after `put`, with its old default values."""
        tree = rebuilt(definition, put)
        tree.decorator_list, tree.returns = [], None
        for given in (tree.args.defaults, tree.args.kw_defaults):
            given[:] = [default and _parsed("None") for default in given]
        scope, flag = self.scope | names, __future__.annotations.compiler_flag
        exec(compile(ast.Module([tree], []), "<rewritten>", "exec", flag), scope)
        function, owner = scope[self.name], getattr(self.program, "__self__", None)
        function.__defaults__ = self.program.__defaults__
        function.__kwdefaults__ = self.program.__kwdefaults__
        return function if owner is None else types.MethodType(function, owner)

    def noting_its_names(self, definition, values):
        """The program, putting into `values` what its names stand for when it returns."""

        def note(names, value):
            values.update(names)
            return value

        def noting(old, new):
            if isinstance(old, ast.Return) and old.value:
                noted = _parsed("__note__(locals(), ...)")
                noted.args[1], new.value = new.value, noted
            return new

        values.update(self.scope)
        return self.compiled(definition, noting, {"__note__": note})


class Way(NamedTuple):
    """One expression written in another way, or a statement at another place of its block."""

    statement: ast.stmt
    node: ast.AST  # the expression, or the parent of the block
    text: str
    mistakes: tuple
    switch: int | None  # None of a statement that is moved
    number: int  # the position of the switch, or of the statement in its block

    @property
    def line(self):
        return (self.statement if self.switch is None else self.node).lineno

    def put(self, old, new):
        """For `rebuilt`: the tree that this way writes."""
        if old is self.node and self.switch is not None:
            new = _parsed(self.text)
            for node in ast.walk(new):
                ast.copy_location(node, old)
        elif old is self.node:
            new.body.insert(self.number, new.body.pop(old.body.index(self.statement)))
        elif old is self.statement and isinstance(old, ast.AugAssign):
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
        self.at, self.turns = [0] * len(others), TURNS

        def switched(old, new):
            if id(old) not in others:
                return new
            k, ways = others[id(old)]
            choice = _parsed(f"({ways},)[__at__[{k}] - 1]() if __at__[{k}] else ...")
            choice.orelse = new
            return choice

        self.function = self._compiled(switched)

    def _compiled(self, put):
        def guarded(old, new):
            if isinstance(old, ast.While):
                turns = _parsed("__turn__() and ...")
                turns.values[1], new.test = new.test, turns
            return put(old, new)

        names = {"__at__": self.at, "__turn__": self._turn}
        return self.source.compiled(self.definition, guarded, names)

    def _turn(self):
        self.turns -= 1
        if self.turns < 0:
            raise RecursionError("endless")
        return True

    def as_in(self, *ways):
        """The program, written in one way or in several; good until the next call."""
        self.at[:], self.turns = [0] * len(self.at), TURNS
        if ways[0].switch is None:
            return self._compiled(ways[0].put)
        for way in ways:
            self.at[way.switch] = way.number
        return self.function

    def rewritten(self, way):
        return rebuilt(self.definition, way.put)

    def remedies(self, way):
        """A remedy for each line and mistake of a way."""
        statement, body = way.statement, getattr(way.statement, "body", None)
        last = body[0].lineno - 1 if body else statement.end_lineno
        lines = self.source.lines[statement.lineno - 1 : last]
        was = " ".join(line.strip() for line in lines)
        if way.switch is None:
            now, places = f"{_head(statement)}    {way.text}", [statement.lineno]
        else:
            now = _head(rebuilt(statement, way.put))
            places = range(way.node.lineno, min(way.node.end_lineno, last) + 1)
        return [Remedy(line, word, was, now) for line in places for word in way.mistakes]


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


def _growth(remedy):
    """How much longer a line gets, blanks and comments aside."""
    was, now = ("".join(text.partition("#")[0].split()) for text in remedy[2:])
    return len(now) - len(was)


def _parsed(text):
    return ast.parse(text, mode="eval").body


def _head(statement):
    """The text of a statement, of a loop only its first line."""
    return ast.unparse(statement).splitlines()[0]
