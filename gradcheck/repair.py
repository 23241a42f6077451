"""Which line of a program is wrong, and which mistake it is: told from what mends it.

A program is compiled once, with a call around each expression: there any of the ways of
`rewritings` can be taken instead. In a first run all are, one beside the other: those that fail
where they stand, or come to the same, need no run of their own. A way after which the check passes
shows the line, the mistake, and how the line would read: nothing about the fault is stored
anywhere. Where no one way is enough, two are tried.
"""

import __future__

import ast
import copy
import inspect
import itertools
import re
import textwrap
import types
import warnings
from collections import Counter, defaultdict
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import NamedTuple

import numpy as np

from gradcheck.differences import remembering
from gradcheck.rewritings import LEFT_OUT, MEANINGS, OLD, plain, root, t, tidy, ways_to_write

MOST_PAIRS, MOST_CHECKS = 1_500, 300  # of two ways at once
LESS_USUAL = 20  # characters
MOST_WAYS, MOST_ENTRIES = 1_200, 32  # that are paired, and compared
MOST_PARTS = 10_000  # of a result: a rewriting may put a list into itself
JOINED = b"\\\n"  # a line and the next
PLACE = "<rewritten>"
BINDS = ast.NamedExpr, ast.Yield, ast.YieldFrom, ast.Await
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


class _Search:
    """What a program computes when it is written in other ways, and what its check says to it."""

    def __init__(self, program, check):
        self.check, self.call, self.truth, self.asked = check, None, None, 0
        self.scores = {None: _Score(False)}
        self.source = _Source(program)

        def noting(*args, **named):
            self.call = self.call or _rebuilt((args, named), copy.deepcopy)
            return program(*args, **named)

        with self.source.protecting_data():
            self.here, blocks = self._ask(noting)
        if self.here.passes:
            raise FaultError("the program passes its check as it is, there is no fault in it")
        self.outcome = self.call and self._outcome(program)
        if self.outcome:
            self.truth = _Truth.of(blocks, self.outcome)
            self.here = self.scores[self.outcome] = self._told(self.outcome) or self.here

    def fault(self):
        self.written = _Written(self.source, self.call)
        tried, several, partly = self._try_all(), [], ()
        remedies = self._remedies(tried)
        if self.call and not remedies:
            tried |= self._try_all(left_out=True)
            remedies = self._remedies(tried)
            several = [] if remedies else self._two(tried)
        right = max((score.right for _, score in tried.values()), key=len, default=())
        if len(right) > len(self.here.right):
            same = (way for way, (_, score) in tried.items() if score.right == right)
            shortest = min(same, key=lambda way: len(self.written.rewritten(way)))
            partly = self.written.remedies(shortest)[0], right
        return Fault(self.source.name, self.source.lines, remedies, several, partly)

    def _remedies(self, tried):
        """The shortest remedy for each line and mistake."""
        healing = (way for way, (_, score) in tried.items() if score.passes)
        remedies = [remedy for way in healing for remedy in self.written.remedies(way)]
        found = {r[:2]: r for r in sorted(remedies[::-1], key=lambda r: -len(r.now))}
        at_slopes = [line for line, mistake in found if mistake == "argument"]
        order = list(MEANINGS)
        return sorted((r for r in found.values()  # "argument" says more than "index"
                       if r.mistake != "index" or r.line not in at_slopes),
                      key=lambda r: (r.line, order.index(r.mistake)))

    def _two(self, tried):
        """Two ways that together make the program pass."""
        most = self.asked + MOST_CHECKS
        for pair in self._pairs(tried):
            if self._try(*pair)[1].passes:
                return sorted(r for way in pair for r in self.written.remedies(way, *pair))
            if self.asked > most:
                break
        return []

    def _pairs(self, tried):
        """Pairs of ways that may heal together: the surest first."""
        distinct = {}
        for way, (outcome, _) in sorted(tried.items(), key=lambda item: _growth(item[0])):
            alike = outcome or self.outcome is None and way
            distinct.setdefault((way.node.lineno, alike), way)
        ways = list(distinct.values())[:MOST_WAYS]
        column = lambda of: np.array([of(way) for way in ways])[:, None]
        right = column(lambda way: len(tried[way][1].right))
        change = np.abs(column(_growth)) + LESS_USUAL * column(lambda w: LEFT_OUT in w.mistakes)
        wrong, unknown = self._foreseen([tried[way][0] for way in ways])
        order = 1e6 * unknown - 1e3 * np.maximum(right, right.T) + change + change.T
        a, b = np.nonzero(np.triu(wrong == 0, 1))
        order = order[a, b]
        first = np.argpartition(order, min(MOST_PAIRS, len(a)) - 1)[:MOST_PAIRS] if len(a) else a
        for k in first[np.lexsort((first, order[first]))]:
            if pair := _together(ways[a[k]], ways[b[k]]):
                yield pair

    def _foreseen(self, outcomes):
        """For two at a time: entries that are surely wrong, and those of which nothing is known.

        What one of them alone changes, or none, is known already.
        """
        effects = np.array([self._effect(outcome) for outcome in outcomes])
        changed, off = effects.reshape(-1, 2, MOST_ENTRIES).swapaxes(0, 1)
        kept, alone = 1 - changed, (changed * off) @ (1 - changed).T
        here = self._effect(self.outcome)[1]
        return alone + alone.T + (kept * here) @ kept.T, changed @ changed.T

    def _effect(self, outcome):
        """(changed?, wrong?) for some entries; all of them where nothing can be compared."""
        both = self.outcome and outcome
        if not both or outcome[0] != self.outcome[0] or not outcome[1]:
            return np.ones((2, MOST_ENTRIES), np.float32)
        was, now = _numbers(self.outcome), _numbers(outcome)
        some = np.linspace(0, len(was) - 1, MOST_ENTRIES).astype(int)
        known = self.truth and self.truth.structure == outcome[0]
        off = self.truth.wrong(now) if known else np.zeros(len(was))
        changed = np.abs(now - was) > 1e-6 * np.abs(was)
        return np.array([changed[some], off[some]], np.float32)

    def _try_all(self, left_out=False):
        """{way: (outcome, score)}"""
        ways = [way for way in self.written.ways if left_out == (way.mistakes == (LEFT_OUT,))]
        known = ways and self.outcome
        keys = self.written.compared(ways, self.outcome, self._outcome) if known else {}
        tried, told = {}, {None: (None, _Score(False)), self.outcome: (self.outcome, self.here)}
        for way in ways:
            key = keys.get(way, way)
            if key not in told or told[key][1].passes:
                told[key] = self._try(way)
            tried[way] = told[key]
        return tried

    def _try(self, *ways):
        """(outcome, score); what the true slopes refuse is not asked about."""
        program = self.written.as_in(*ways)
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
        right = (name for name, b in blocks.items() if b.verdict in ("agrees", "simultaneous"))
        return _Score(passes, tuple(right)), blocks

    def _outcome(self, program):
        """What a program computes, to six digits; None if it fails."""
        args, named = _rebuilt(self.call, copy.deepcopy)
        try:
            value = program(*args, **named)
        except Exception:
            return None
        return _fingerprint((args, named, self.source.changed) if value is None else value)


def _new(way):
    """How an expression reads that is written in another way."""
    return tidy(way.text.replace(OLD, t(way.node)))


def _together(a, b):
    """Two ways at once; as one where the text of one holds what the other changes."""
    outer, inner = sorted((a, b), key=lambda way: (way.place[0], -way.place[1]))
    if None in (a.switch, b.switch) or inner.place[0] >= outer.place[1]:
        return (a, b)
    if OLD in outer.text:
        return (a, b) if a.switch != b.switch else None
    if t(inner.node) in outer.text:
        text = outer.text.replace(t(inner.node), f"({_new(inner)})")
        return (outer._replace(text=text, mistakes=outer.mistakes[:1] + inner.mistakes[:1]),)
    return None


def _growth(way):
    """How many characters longer a line gets."""
    bare = lambda text: len(re.sub(r"[\s()]", "", text))
    was = plain(way.node) if way.switch is not None else ""
    return bare(way.text.replace(OLD, was)) - bare(was)


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

    structure: tuple  # of the outcome
    places: np.ndarray
    slopes: np.ndarray  # NaN where one is not sure
    names: tuple
    blocks: np.ndarray  # of each name, which of them are its own

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
        block = np.repeat(np.arange(len(blocks)), [len(one) for one, _ in slopes])
        whose = (block == np.arange(len(blocks))[:, None]).astype(int)
        return cls(outcome[0], np.array(places, int), numerical, tuple(blocks), whose)

    def wrong(self, numbers):
        """Which numbers of an outcome are no slopes; what is not known is not wrong."""
        wrong, sizes = np.zeros(len(numbers), bool), np.nan_to_num(np.abs(self.slopes))
        room = 1e-9 * sizes.max(initial=0) + 1e-3 * sizes
        wrong[self.places] = np.abs(numbers[self.places] - self.slopes) > room
        return wrong

    def score(self, outcome):
        """What the check would say; None where it must be asked."""
        if outcome[0] != self.structure:
            return _Score(False)
        off = self.wrong(_numbers(outcome))[self.places]
        if not off.any():
            return None
        right = (name for name, wrong in zip(self.names, self.blocks @ off) if not wrong)
        return _Score(False, tuple(right))


def _numbers(outcome):
    return (np.frombuffer(outcome[1], np.int64) << 30).view(np.float64)


# ------------------------------------------------------------------------------------ the program


class _Source:
    """A function, what it can see, and its source from the `def` on."""

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
        self.scope |= {name: _rebuilt(data[name], _read_only) for name in kept}


def _rebuilt(value, leaf):
    """A structure like it, made of what `leaf` makes of its arrays and other values."""
    if type(value) is dict:
        return {key: _rebuilt(inner, leaf) for key, inner in value.items()}
    if type(value) in (list, tuple):
        return type(value)(_rebuilt(inner, leaf) for inner in value)
    return leaf(value)


def _read_only(value):
    if isinstance(value, np.ndarray):
        value = value.view()
        value.flags.writeable = False
    return value


class Way(NamedTuple):
    """One expression written in another way, or a statement at another place of its block."""

    place: tuple  # the span of the expression; three lines: where to, from where, up to where
    text: str
    mistakes: tuple
    statement: ast.stmt
    node: ast.AST  # the expression; the statement itself where it is moved
    switch: int | None = None  # of an expression


class _Written:
    """A program with a switch at each of its expressions, and the ways to write them.

    Its text is in bytes, as the columns of a tree are counted in them.
    """

    def __init__(self, source, call):
        self.source, self.text = source, "\n".join([*source.lines, ""]).encode()
        definition, self.span = _tree(self.text), _spans(self.text)
        code = source.program.__code__  # its own names are not those of the notebook around it
        own = {*code.co_varnames, *code.co_cellvars}
        self.outer = {name: value for name, value in source.scope.items() if name not in own}
        self.ways, self.around, self.at, self.turns, self.functions = [], [], [], [None], {}
        args, named = call or ((), {})
        given = inspect.signature(source.program).bind_partial(*args, **named).arguments
        for statement, node, texts in ways_to_write(definition, source.scope, given):
            k, place = len(self.at), self.span(node)
            held = any(isinstance(n, BINDS) for n in ast.walk(node))  # not to be put off
            opening = f"__at__[{k}]({'__held__(' if held else 'lambda: ('}"
            self.around.append((node.lineno, place, opening, "))"))
            self.ways += [Way(place, text, tuple(mistakes), statement, node, k)
                          for text, mistakes in texts.items()]
            self.at.append(_as_it_is)
        self.ways += _moves(definition)

    def _compiled(self, text, around=()):
        """The function that a text defines, with its old default values.

        around: what stands before and after some expressions, the outermost first.
        """
        program, added = self.source.program, defaultdict(bytes)
        tree, span = _tree(text), _spans(text)
        old = [d for d in tree.args.defaults + tree.args.kw_defaults if d]
        loops = [n.test for n in ast.walk(tree) if isinstance(n, ast.While)]
        pieces = [(span(default), "None and (", ")") for default in old]
        pieces += [(span(test), "next(__turns__[0]) and (", ")") for test in loops]
        for (start, end), before, after in [*pieces, *around]:
            added[start] += before.encode()
            added[end] = after.encode() + added[end]
        ends = [0, *sorted(added), len(text)]
        parts = (added.get(a, b"") + text[a:b] for a, b in itertools.pairwise(ends))
        scope = self.source.scope | {"__at__": self.at, "__turns__": self.turns}
        scope["__held__"] = lambda value: lambda: value
        flag = __future__.annotations.compiler_flag
        exec(compile(b"".join(parts), PLACE, "exec", flag), scope)
        function, owner = scope[self.source.name], getattr(program, "__self__", None)
        function.__defaults__ = program.__defaults__
        function.__kwdefaults__ = program.__kwdefaults__
        return function if owner is None else types.MethodType(function, owner)

    def as_in(self, *ways):
        """The program, written in one way or in several; good until the next call."""
        self.at[:], self.turns[0] = [_as_it_is] * len(self.at), itertools.repeat(True, TURNS)
        if None in (way.switch for way in ways):
            return self._compiled(self.rewritten(*ways))
        for way in ways:
            self.at[way.switch] = partial(self._value, way)
        lines = frozenset(way.node.lineno for way in ways)
        if lines not in self.functions:  # it is quicker with switches where they are turned alone
            around = [piece for line, *piece in self.around if line in lines]
            self.functions[lines] = self._compiled(self.text, around)
        return self.functions[lines]

    def _value(self, way, old):
        """What an expression is worth in another way, at its place in the running program."""
        (code, names), frame = _code(way.text), inspect.currentframe()
        seen = {OLD: old()} if OLD in names else {}
        while frame and not seen.keys() >= names:
            where = frame.f_code.co_filename, frame.f_code.co_name
            if where[0] == PLACE:  # the function, or a comprehension in it
                seen = {**frame.f_locals, **seen}
            frame = frame.f_back if where != (PLACE, self.source.name) else None
        known = self.outer | seen
        return eval(code, {name: known[name] for name in names if name in known})

    def compared(self, ways, outcome, outcome_of):
        """{way: None if it fails where it stands, the outcome if it changes nothing, or a key}.

        Two ways with one key come to the same. An expression that is met more than once may be
        changed by what it has changed before, so that only the first failure counts.
        """
        times, keys, by_switch = Counter(), {}, defaultdict(list)

        def look(switch, old):
            now = old()
            times[switch] += 1
            for way in by_switch[switch] if times[switch] == 1 else ():
                try:
                    value = _fingerprint(self._value(way, lambda: now)) or way
                except Exception:
                    keys[way] = None
                else:
                    keys[way] = outcome if value == _fingerprint(now) else (switch, value)
            return now

        ways = [way for way in ways if way.switch is not None]
        program = self.as_in(*ways)
        for way in ways:
            by_switch[way.switch].append(way)
            self.at[way.switch] = partial(look, way.switch)
        outcome_of(program)
        return {way: keys.get(way, outcome) for way in ways
                if times[way.switch] < 2 or keys[way] is None}

    def rewritten(self, *ways):
        """The text of the program that some ways write; its lines keep their numbers."""
        text = self.text
        for way in sorted(ways, key=lambda w: (w.switch is None, -w.place[0], w.place[1])):
            if way.switch is not None:  # from behind, and inside out
                text = self._with(way, text)
            else:
                (goal, first, last), lines = way.place, text.splitlines(True)
                lines[goal:last] = lines[first:last] + lines[goal:first]
                text = b"".join(lines)
        return text

    def _with(self, way, text):
        """A text with a way in it; what was changed before lies behind its place or within it."""
        (start, end), behind = way.place, self.text[way.place[1] :]
        end = len(text) - len(behind) if text.endswith(behind) else end
        before, after, old = text[:start], text[end:], text[start:end]
        new = tidy(way.text.replace(OLD, f"({old.decode()})"))
        match way.statement, ast.parse(new, mode="eval").body:
            case ast.AugAssign(target, ast.Add() | ast.Sub() as op, value), ast.UnaryOp(
                ast.USub(), opposite
            ) if value is way.node:  # w -= -g
                operator = b" -= " if isinstance(op, ast.Add) else b" += "
                before, new = self.text[: self.span(target)[1]] + operator, plain(opposite)
        line = before.rpartition(b"\n")[2] + old + after.partition(b"\n")[0]
        new = new.replace("'", '"') if b'"' in line and b"'" not in line else new
        new = new.encode() + JOINED * old.count(b"\n")
        sure = before + b"(" + new + b")" + after  # brackets, unless they are not needed
        bare = [before + new + after]
        if before.endswith(b"(") and after.startswith(b")"):
            bare.insert(0, before[:-1] + new + after[1:])
        meant = ast.dump(_tree(sure))
        return next((text for text in bare if _means(text, meant)), sure)

    def remedies(self, way, *others):
        """A remedy for each line and mistake of a way; with others, one for the first of them."""
        statement, body = way.statement, getattr(way.statement, "body", None)
        first, last = statement.lineno - 1, statement.end_lineno
        if body:  # of a loop only its head
            last = max(body[0].lineno - 1, statement.lineno)
        was, rows = _on_one_line(self.text, first, last), [first]
        now = f"{was}    {way.text}"
        if way.switch is not None:
            beside = [w for w in others if w.switch is not None and first < w.node.lineno <= last]
            now = _on_one_line(self.rewritten(*beside or [way]), first, last)
            rows = range(way.node.lineno - 1, min(way.node.end_lineno, last))
        told = [Remedy(row + 1, word, was, now) for row in rows for word in way.mistakes]
        return told[: 3 - len(others)] if others else told


def _moves(definition):
    """Each statement at the place of one before it that assigns to what it reads."""
    blocks = (getattr(parent, "body", None) for parent in ast.walk(definition))
    for block in (block for block in blocks if isinstance(block, list)):
        if any(a.end_lineno == b.lineno for a, b in itertools.pairwise(block)):
            continue  # more than one in a line
        for (k, early), (_, late) in itertools.combinations(enumerate(block), 2):
            stored = (n for n in ast.walk(early) if isinstance(getattr(n, "ctx", None), ast.Store))
            read = {n.id for n in ast.walk(late) if isinstance(n, ast.Name)}
            if {root(plain(n)) for n in stored} & read and not isinstance(late, ast.Return):
                place = early.lineno - 1, late.lineno - 1, late.end_lineno
                yield Way(place, f"(as statement {k + 1} of its block)", ("updated",), late, late)


def _as_it_is(old):
    return old()


@lru_cache(20_000)
def _code(text):
    tree = ast.parse(text, mode="eval")
    names = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}
    return compile(tree, PLACE, "eval"), names


def _tree(text):
    return ast.parse(text).body[0]


def _means(text, meant):
    try:
        return ast.dump(_tree(text)) == meant
    except SyntaxError:
        return False


def _spans(text):
    """A function that says where a node begins and ends in a text."""
    starts = [0, *itertools.accumulate(map(len, text.splitlines(True)))]
    return lambda node: (starts[node.lineno - 1] + node.col_offset,
                         starts[node.end_lineno - 1] + node.end_col_offset)


def _on_one_line(text, first, last):
    lines = b"".join(text.splitlines(True)[first:last]).replace(JOINED, b"\n").decode()
    return " ".join(filter(None, map(str.strip, lines.splitlines())))
