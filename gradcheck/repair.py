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
import itertools
import pickle
import textwrap
import types
import warnings
from collections import Counter, defaultdict
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from gradcheck.differences import remembering
from gradcheck.rewritings import MEANINGS, plain, tidy, ways_to_write

FIRST_STEPS = 4  # ways that mend a part, after which another one is looked for
MOST_PAIRS, MOST_CHECKS = 5_000, 300  # of two ways at once
MOST_PARTS = 10_000  # of a result: a rewriting may put a list into itself
TURNS = 20_000  # of a `while` that a rewriting has perhaps made endless


class FaultError(ValueError):
    """The program cannot be searched; the message says why."""


class Remedy(NamedTuple):
    """One line rewritten."""

    line: int  # 1 is the `def`
    mistake: str  # a word of MISTAKES, or "missing"
    was: str
    now: str

    def __str__(self):
        meaning = MEANINGS[self.mistake]
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
    close: int = 0  # entries that are right, or of a block that is wrong by one factor


class _Search:
    """What a program computes when it is written in other ways, and what its check says to it."""

    def __init__(self, program, check):
        self.check, self.call, self.truth, self.asked = check, None, None, 0
        self.scores = {None: _Score(False)}
        self.source = _Source(program)

        def noting(*args, **named):
            self.call = self.call or _kept((args, named))
            return program(*args, **named)

        with self.source.protecting_data():
            self.here, blocks = self._ask(noting)
        if self.here.passes:
            raise FaultError("the program passes its check as it is, there is no fault in it")
        if self.call and (outcome := self._outcome(program)):
            self.truth = _Truth.of(blocks, outcome)
            self.here = self.scores[outcome] = self._told(outcome) or self.here

    def fault(self):
        written, several, partly = _Written(self.source), [], ()
        tried = self._try_all(written)
        remedies = self._remedies(written, tried)
        if self.call and not remedies:
            with_factors = _Written(self.source, given=self.source.arguments(*self.call()))
            remedies = self._remedies(with_factors, self._try_all(with_factors))
            several = [] if remedies else self._two(written, tried)
        right = max((score.right for _, score in tried.values()), key=len, default=())
        if len(right) > len(self.here.right):
            same = (way for way, (_, score) in tried.items() if score.right == right)
            partly = written.remedies(min(same, key=_growth))[0], right
        return Fault(self.source.name, self.source.lines, remedies, several, partly)

    def _remedies(self, written, tried):
        """The shortest remedy for each line and mistake."""
        found = {}
        healing = (way for way, (_, score) in tried.items() if score.passes)
        for remedy in (remedy for way in healing for remedy in written.remedies(way)):
            known = found.setdefault(remedy[:2], remedy)
            found[remedy[:2]] = min(known, remedy, key=lambda r: len(r.now))
        order = list(MEANINGS)
        found = sorted(found.values(), key=lambda r: (r.line, order.index(r.mistake)))
        at_slopes = [r.line for r in found if r.mistake == "argument"]  # says more than "index"
        return [r for r in found if r.mistake != "index" or r.line not in at_slopes]

    def _two(self, written, tried):
        """Two ways that together make the program pass."""
        better, ranks, distinct = {}, Counter(), {}
        for way, (outcome, score) in tried.items():
            ranks[way.line, way.mistakes] += 1  # the first of a kind is the most usual
            if set(score.right) > set(self.here.right) or score.close > self.here.close:
                better.setdefault(score, []).append(way)
            if way.switch is not None:
                distinct.setdefault((way.line, outcome), (ranks[way.line, way.mistakes], way))
        best = sorted(better, key=lambda score: (-len(score.right), -score.close))
        firsts = [min(better[score], key=_growth) for score in best[:FIRST_STEPS]]
        ways = [way for _, way in sorted(distinct.values(), key=lambda pair: pair[0])]
        switched = [way for way in firsts if way.switch is not None]
        return (
            self._pair(written, ((a, b) for b in ways for a in switched))
            or self._one_after_the_other(written, firsts)
            or self._pair(written, ((a, b) for k, b in enumerate(ways) for a in ways[:k]))
        )

    def _pair(self, written, pairs):
        """Of some pairs of ways, in different lines, the plainest of the first that heal."""
        most, last, healing = self.asked + MOST_CHECKS, MOST_PAIRS, []
        for count, (a, b) in enumerate((a, b) for a, b in pairs if a.line != b.line):
            if self._try(written.as_in(a, b))[1].passes:
                healing.append((_growth(a) + _growth(b), count, (a, b)))
                last = min(last, count + (20 if self.truth is None else count + 100))
            if count > last or self.asked > most:
                break
        return sorted(written.remedies(way)[0] for *_, pair in sorted(healing)[:1] for way in pair)

    def _one_after_the_other(self, written, firsts):
        """A way, and one of the program that it writes, perhaps in the same line."""
        arguments = self.source.arguments(*self.call())
        tries = [(way, None) for way in firsts] + [(way, arguments) for way in firsts[:1]]
        for way, given in tries:  # after the best, a factor that is left out is looked for too
            first = written.remedies(way)[0]
            after = _Written(self.source, written.rewritten(way), given)
            if seconds := self._remedies(after, self._try_all(after)):
                second = min(seconds, key=lambda r: (len(r.now) - len(r.was), r.line == first.line))
                same = second.line == first.line
                return [first, second] if same else sorted([first, second])
        return []

    def _try_all(self, written):
        return {way: self._try(written.as_in(way)) for way in written.ways}

    def _try(self, program):
        """(outcome, score); what the true slopes refuse is not asked about."""
        outcome = self._outcome(program) if self.call else object()
        if outcome not in self.scores:
            score = self._told(outcome)
            if not score:
                score, blocks = self._ask(program)
                self.truth = self.truth or self.call and _Truth.of(blocks, outcome)
            self.scores[outcome] = score
        return outcome, self.scores[outcome]

    def _told(self, outcome):
        return self.truth and self.truth.score(outcome)

    def _ask(self, program):
        """What the check says, and its blocks."""
        self.asked += 1
        try:
            report = self.check(program)
            passes = bool(report)
        except Exception:  # a wrong program may well raise
            return _Score(False), {}
        blocks = getattr(report, "blocks", {})
        right = {name: b for name, b in blocks.items() if b.verdict in ("agrees", "simultaneous")}
        return _Score(passes, tuple(right), sum(b.entries for b in right.values())), blocks

    def _outcome(self, program):
        """What a program computes, to six digits; None if it fails."""
        args, named = self.call()
        try:
            value = program(*args, **named)
        except Exception:
            return None
        return _fingerprint((args, named, self.source.changed) if value is None else value)


def _kept(thing):
    """A function that makes it again, as it is now."""
    try:
        stored = pickle.dumps(thing)
        pickle.loads(stored)
    except Exception:  # not everything can be pickled, and deepcopy takes longer
        stored = copy.deepcopy(thing)
        return lambda: copy.deepcopy(stored)
    return lambda: pickle.loads(stored)


def _growth(way):
    """How much longer a line gets."""
    if way.switch is None:
        return len(way.text)
    was, now = ("".join(text.split()) for text in (plain(way.node), tidy(way.text)))
    return len(now) - len(was)


# ---------------------------------------------------------------------------------------- outcomes


def _fingerprint(value):
    """(structure, numbers to six digits) of a result; None if one is not finite."""
    structure, numbers, todo = [], [np.empty(0)], [value]
    for part in todo:
        if len(structure) > MOST_PARTS:
            return None
        if isinstance(part, dict):
            structure.append(tuple(part))
            todo += part.values()
        elif isinstance(part, (tuple, list)):
            structure.append(len(part))
            todo += part
        else:
            try:
                array = np.asarray(part, dtype=np.float64)
            except (TypeError, ValueError):
                structure.append(repr(part))
            else:
                structure.append(array.shape)
                numbers.append(array.ravel())
    flat = np.concatenate(numbers) + 0.0  # no -0
    if not np.isfinite(flat).all():
        return None
    return tuple(structure), ((flat.view(np.int64) + 2**29) >> 30).tobytes()


class _Truth(NamedTuple):
    """The slopes that a check has measured, and where in an outcome they are claimed."""

    structure: tuple
    parts: dict  # block -> (places in the outcome, slopes)
    room: float

    @classmethod
    def of(cls, blocks, outcome):
        """None unless each claim that was judged stands in the outcome."""
        slopes = [getattr(block, "vectors", None) for block in blocks.values()]
        if not slopes or not all(slopes):
            return None
        claimed, numerical = map(np.concatenate, zip(*slopes))
        numbers, places = _numbers(outcome), []
        for claim in claimed:  # the first that is free, of several that are alike
            alike = np.flatnonzero(np.abs(numbers - claim) <= 1e-6 * abs(claim))
            if not len(alike):
                return None
            places.append(alike[0])
            numbers[alike[0]] = np.nan
        ends = np.cumsum([len(one) for one, _ in slopes])[:-1]
        parts = dict(zip(blocks, zip(np.split(places, ends), np.split(numerical, ends))))
        return cls(outcome[0], parts, 1e-9 * np.nanmax(np.abs(numerical), initial=0))

    def score(self, outcome):
        """What the check would say; None where it must be asked."""
        if outcome[0] != self.structure:
            return _Score(False)
        numbers, right, close = _numbers(outcome), [], 0
        for name, (places, slopes) in self.parts.items():
            known = np.isfinite(slopes)
            claimed, true = numbers[places][known], slopes[known]
            near = np.abs(claimed - true) <= self.room + 1e-3 * np.abs(true)
            factor = claimed @ true / (true @ true) if len(true) > 1 and true.any() else 0
            alike = factor and (np.abs(claimed - factor * true) <= 1e-6 * np.abs(claimed)).all()
            right += [name] * bool(near.all())
            close += len(near) if alike else int(near.sum())
        return None if len(right) == len(self.parts) else _Score(False, tuple(right), close)


def _numbers(outcome):
    return (np.frombuffer(outcome[1], np.int64) << 30).view(np.float64)


# ------------------------------------------------------------------------------------ the program


class _Source:
    """A function, what it can see, and the lines of its source from the `def` on."""

    def __init__(self, program):
        try:
            text = textwrap.dedent(inspect.getsource(program))
            definition = ast.parse(text).body[0]
        except (OSError, TypeError, SyntaxError):
            raise FaultError(
                "the source of the program cannot be read: write it with `def` in a cell or a file"
            ) from None
        if not isinstance(definition, ast.FunctionDef):
            raise FaultError("the program is no function written with `def`")
        self.name, self.program = definition.name, inspect.unwrap(program)
        self.lines = text.rstrip().splitlines()[definition.lineno - 1 :]  # no decorators
        cells = zip(self.program.__code__.co_freevars, self.program.__closure__ or ())
        self.scope = {**self.program.__globals__, **{name: c.cell_contents for name, c in cells}}

    @contextmanager
    def protecting_data(self):
        """Afterwards no rewriting can change what the program itself has left as it was."""
        code, kinds = self.program.__code__, (np.ndarray, dict, list, tuple)
        seen = {name: self.scope.get(name) for name in (*code.co_names, *code.co_freevars)}
        data = {name: value for name, value in seen.items() if isinstance(value, kinds)}
        before = {name: _fingerprint(value) for name, value in data.items()}
        yield
        kept = {name for name in data if _fingerprint(data[name]) == before[name]}
        self.changed = [value for name, value in data.items() if name not in kept]
        self.scope |= {name: _read_only(data[name]) for name in kept}

    def arguments(self, args, named):
        """The arguments of a call, {name: value}."""
        bound = inspect.signature(self.program).bind_partial(*args, **named)
        return dict(bound.arguments)

    def compiled(self, tree, names):
        """The function that a tree defines, with its old default values."""
        for given in (tree.args.defaults, tree.args.kw_defaults):
            given[:] = [old and ast.copy_location(ast.Constant(None), old) for old in given]
        scope, flag = self.scope | names, __future__.annotations.compiler_flag
        exec(compile(ast.Module([tree], []), "<rewritten>", "exec", flag), scope)
        function, owner = scope[self.name], getattr(self.program, "__self__", None)
        function.__defaults__ = self.program.__defaults__
        function.__kwdefaults__ = self.program.__kwdefaults__
        return function if owner is None else types.MethodType(function, owner)


def _read_only(value):
    """Arrays that cannot be changed, in a structure that may be."""
    if isinstance(value, np.ndarray):
        value = value.view()
        value.flags.writeable = False
    elif isinstance(value, dict):
        return dict(zip(value, map(_read_only, value.values())))
    elif type(value) in (list, tuple):
        return type(value)(map(_read_only, value))
    return value


class Way(NamedTuple):
    """One expression written in another way, or a statement at another place of its block."""

    statement: ast.stmt
    node: ast.AST  # the expression; the parent of a statement that is moved
    text: str
    mistakes: tuple
    switch: int | None  # None of a statement that is moved
    number: int  # the position of the switch, or of the statement in its block

    @property
    def line(self):
        return (self.statement if self.switch is None else self.node).lineno


class _Written:
    """A program with a switch at each of its expressions, and the ways to write them.

    Its lines are bytes, as the columns of a tree are counted in them, each with its number.
    """

    def __init__(self, source, lines=None, given=None):
        self.source, self.ways, switches = source, [], []
        self.lines = lines or [(k, line.encode()) for k, line in enumerate(source.lines, 1)]
        self.definition = _tree(self.lines)
        found = ways_to_write(self.definition, source.scope, given)
        for k, (statement, node, texts) in enumerate(found):
            others = ", ".join(f"lambda: {text}" for text in texts)
            switch = f"(({others},)[__at__[{k}] - 1]() if __at__[{k}] else ("
            switches.append((node, switch, "))"))
            for number, (text, mistakes) in enumerate(texts.items(), 1):
                self.ways.append(Way(statement, node, text, tuple(mistakes), k, number))
        self.ways += _moves(self.definition) if given is None else ()
        self.at, self.turns = [0] * len(switches), TURNS
        self.function = self._compiled(self.lines, self.definition, switches)

    def _compiled(self, lines, definition, around=()):
        """The function, with text around some expressions, the outermost first."""
        loops = [n.test for n in ast.walk(definition) if isinstance(n, ast.While)]
        pieces, rows = defaultdict(str), [line for _, line in lines]
        for node, before, after in [*((n, "__turn__() and (", ")") for n in loops), *around]:
            start, end = _span(node)
            pieces[start] += before
            pieces[end] = after + pieces[end]
        for (row, column), piece in sorted(pieces.items(), reverse=True):
            rows[row] = rows[row][:column] + piece.encode() + rows[row][column:]
        names = {"__at__": self.at, "__turn__": self._turn}
        return self.source.compiled(_tree(enumerate(rows)), names)

    def _turn(self):
        self.turns -= 1
        if self.turns < 0:
            raise RecursionError("endless")
        return True

    def as_in(self, *ways):
        """The program, written in one way or in several; good until the next call."""
        self.at[:], self.turns = [0] * len(self.at), TURNS
        if ways[0].switch is None:
            lines = self.rewritten(ways[0])
            return self._compiled(lines, _tree(lines))
        for way in ways:
            self.at[way.switch] = way.number
        return self.function

    def rewritten(self, way):
        """The lines of the program that a way writes."""
        if way.switch is None:
            return self._moved(way)
        (row, column), (last, end), new = *_span(way.node), tidy(way.text)
        before = self.lines[row][1][:column]
        match way.statement, ast.parse(new, mode="eval").body:
            case ast.AugAssign(target, ast.Add() | ast.Sub() as op, value), ast.UnaryOp(
                ast.USub(), opposite
            ) if value is way.node:  # w -= -g
                (row, column), new = _span(target)[1], plain(opposite)
                operator = b" -= " if isinstance(op, ast.Add) else b" += "
                before = self.lines[row][1][:column] + operator
        number, line = self.lines[row]
        new = new.replace("'", '"') if b'"' in line and b"'" not in line else new
        after, new = self.lines[last][1][end:], new.encode()

        def joined(before, new, after):
            return [*self.lines[:row], (number, before + new + after), *self.lines[last + 1 :]]

        sure = joined(before, b"(" + new + b")", after)  # brackets, unless they are not needed
        meant, bare = ast.dump(_tree(sure)), [joined(before, new, after)]
        if before.endswith(b"(") and after.startswith(b")"):
            bare.insert(0, joined(before[:-1], new, after[1:]))
        return next((lines for lines in bare if _means(lines, meant)), sure)

    def _moved(self, way):
        block = way.node.body
        ends = [block[0].lineno - 1, *(s.end_lineno for s in block)]
        parts = [self.lines[a:b] for a, b in zip(ends, ends[1:])]
        parts.insert(way.number, parts.pop(block.index(way.statement)))
        return [*self.lines[: ends[0]], *itertools.chain(*parts), *self.lines[ends[-1] :]]

    def remedies(self, way):
        """A remedy for each line and mistake of a way."""
        statement, body = way.statement, getattr(way.statement, "body", None)
        first, last = statement.lineno - 1, statement.end_lineno
        if body:  # of a loop only its head
            last = max(body[0].lineno - 1, statement.lineno)
        was = _text(self.lines[first:last])
        if way.switch is None:
            now, rows = f"{was}    {way.text}", [first]
        else:
            new = self.rewritten(way)
            now = _text(new[first : last + len(new) - len(self.lines)])
            rows = range(way.node.lineno - 1, min(way.node.end_lineno, last))
        places = itertools.product((self.lines[row][0] for row in rows), way.mistakes)
        return [Remedy(line, word, was, now) for line, word in places]


def _moves(definition):
    """Each statement at each other place of its block."""
    for parent in ast.walk(definition):
        block = getattr(parent, "body", None)
        block = block if isinstance(block, list) else []
        if any(a.end_lineno == b.lineno for a, b in itertools.pairwise(block)):
            continue  # more than one in a line
        places = range(len(block) - any(isinstance(s, ast.Return) for s in block[-1:]))
        for place, goal in itertools.permutations(places, 2):
            text = f"(as statement {goal + 1} of its block)"
            yield Way(block[place], parent, text, ("updated",), None, goal)


def _tree(lines):
    return ast.parse(b"\n".join(line for _, line in lines)).body[0]


def _means(lines, meant):
    try:
        return ast.dump(_tree(lines)) == meant
    except SyntaxError:
        return False


def _span(node):
    """Where an expression begins and ends, (row, column) in the lines."""
    return (node.lineno - 1, node.col_offset), (node.end_lineno - 1, node.end_col_offset)


def _text(lines):
    return " ".join(line.decode().strip() for _, line in lines)
