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
import pickle
import re
import textwrap
import types
import warnings
from collections import Counter, defaultdict
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from gradcheck.differences import remembering
from gradcheck.rewritings import LEFT_OUT, MEANINGS, OLD, plain, root, t, tidy, ways_to_write

FIRST_STEPS = 4  # ways that mend a part, after which another one in the same line is looked for
MOST_PAIRS, MOST_CHECKS = 1_500, 300  # of two ways at once
LESS_USUAL = 20  # characters
MOST_WAYS, MOST_ENTRIES = 2_000, 32  # that are paired, and compared
MOST_PARTS = 10_000  # of a result: a rewriting may put a list into itself
JOINED = b"\\\n"  # a line and the next
PLACE = "<rewritten>"
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
        self.outcome = self.call and self._outcome(program)
        if self.outcome:
            self.truth = _Truth.of(blocks, self.outcome)
            self.here = self.scores[self.outcome] = self._told(self.outcome) or self.here

    def fault(self):
        written, several, partly = _Written(self.source), [], ()
        tried = self._try_all(written)
        remedies = self._remedies(written, tried)
        if self.call and not remedies:  # perhaps a factor is left out
            written = _Written(self.source, given=self.source.arguments(*self.call()))
            tried = self._try_all(written, {way[:2]: said for way, said in tried.items()})
            remedies = self._remedies(written, tried)
            several = [] if remedies else self._two(written, tried)
        right = max((score.right for _, score in tried.values()), key=len, default=())
        if len(right) > len(self.here.right):
            same = (way for way, (_, score) in tried.items() if score.right == right)
            shortest = min(same, key=lambda way: len(written.rewritten(way)))
            partly = written.remedies(shortest)[0], right
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
        most = self.asked + MOST_CHECKS
        for pair in self._pairs(tried):
            if self._try(written.as_in(*pair))[1].passes:
                return sorted(written.remedies(way)[0] for way in pair)
            if self.asked > most:
                break
        return self._two_in_a_line(written, tried)

    def _pairs(self, tried):
        """Pairs of ways, in different lines, that may heal together: the surest first."""
        distinct = {}
        for way, (outcome, _) in sorted(tried.items(), key=lambda item: _growth(item[0])):
            if way.switch is not None:
                alike = outcome or self.outcome is None and way
                distinct.setdefault((way.line, alike), way)
        ways = list(distinct.values())[:MOST_WAYS]
        column = lambda of: np.array([of(way) for way in ways])[:, None]
        line, left_out = column(lambda way: way.line), column(lambda way: LEFT_OUT in way.mistakes)
        change = np.abs(column(_growth)) + LESS_USUAL * left_out
        right = column(lambda way: len(tried[way][1].right))
        wrong, unknown = self._foreseen([tried[way][0] for way in ways])
        order = 1e6 * unknown - 1e3 * np.maximum(right, right.T) + change + change.T
        a, b = np.nonzero(np.triu((wrong == 0) & (line != line.T)))
        order = order[a, b]
        first = np.argpartition(order, min(MOST_PAIRS, len(a)) - 1)[:MOST_PAIRS] if len(a) else a
        for k in first[np.lexsort((first, order[first]))]:
            yield ways[a[k]], ways[b[k]]

    def _foreseen(self, outcomes):
        """For two at a time: entries that are surely wrong, and those of which nothing is known.

        What one of them alone changes, or none, is known already.
        """
        changed, off = np.array([self._effect(outcome) for outcome in outcomes]).swapaxes(0, 1)
        kept, alone = 1 - changed, (changed * off) @ (1 - changed).T
        here = self._effect(self.outcome)[1]
        return alone + alone.T + (kept * here) @ kept.T, changed @ changed.T

    def _effect(self, outcome):
        """(changed?, wrong?) for some entries; all of them where nothing can be compared."""
        if self.outcome is None or outcome is None or outcome[0] != self.outcome[0]:
            return np.ones((2, MOST_ENTRIES), np.float32)
        was, now = _numbers(self.outcome), _numbers(outcome)
        some = np.linspace(0, len(was) - 1, MOST_ENTRIES).astype(int)
        off = self.truth.wrong(now) if self.truth else np.zeros(len(was))
        changed = np.abs(now - was) > 1e-6 * np.abs(was)
        return np.array([changed[some], off[some]], np.float32)

    def _two_in_a_line(self, written, tried):
        """A way that mends a part, and one more in the line that it writes."""
        better = defaultdict(list)
        for way, (_, score) in tried.items():
            more = set(score.right) > set(self.here.right) or score.close > self.here.close
            if way.switch is not None and more:
                better[score].append(way)
        best = sorted(better, key=lambda score: (-len(score.right), -score.close))
        for way in (min(better[score], key=_growth) for score in best[:FIRST_STEPS]):
            first = written.remedies(way)[0]
            after = _Written(self.source, written.rewritten(way), line=way.line)
            if seconds := self._remedies(after, self._try_all(after)):
                return [first, min(seconds, key=lambda r: len(r.now) - len(r.was))]
        return []

    def _try_all(self, written, known=None):
        """{way: (outcome, score)}; what was known of an expression and a text stays known."""
        known, keys = known or {}, self.outcome and written.compared(self._outcome, self.outcome)
        tried, told = {}, {None: (None, _Score(False)), self.outcome: (self.outcome, self.here)}
        for way in written.ways:
            key = keys.get(way, way) if keys else way
            if key not in told or told[key][1].passes:
                told[key] = known.get(way[:2]) or self._try(written.as_in(way))
            tried[way] = told[key]
        return tried

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
    blocks: dict  # name -> which of them are its own

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
        return cls(outcome[0], np.array(places, int), numerical,
                   {name: block == k for k, name in enumerate(blocks)})

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
        numbers, blocks = _numbers(outcome), np.array(list(self.blocks.values()), int)
        off, known = self.wrong(numbers)[self.places], ~np.isnan(self.slopes)
        if not off.any():
            return None
        claimed, slopes = np.where(known, (numbers[self.places], self.slopes), 0)
        sizes, many = blocks @ slopes**2, blocks @ known
        factors = blocks @ (claimed * slopes) / np.where(sizes, sizes, 1)
        odd = np.abs(claimed - factors @ blocks) > 1e-6 * np.abs(claimed)
        alike = (many > 1) & (factors != 0) & (blocks @ odd == 0)
        right = tuple(name for name, wrong in zip(self.blocks, blocks @ off) if not wrong)
        return _Score(False, right, int(np.where(alike, many, blocks @ (known & ~off)).sum()))


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
        self.scope |= {name: _read_only(data[name]) for name in kept}

    def arguments(self, args, named):
        """The arguments of a call, {name: value}."""
        return dict(inspect.signature(self.program).bind_partial(*args, **named).arguments)

    def compiled(self, text, names, around=()):
        """The function that a text defines, with its old default values.

        around: what stands before and after some expressions, the outermost first.
        """
        span, pieces, added, tree = _spans(text), [], defaultdict(bytes), _tree(text)
        old = [d for d in tree.args.defaults + tree.args.kw_defaults if d]
        loops = [n.test for n in ast.walk(tree) if isinstance(n, ast.While)]
        pieces += [(span(default), "None and (", ")") for default in old]
        pieces += [(span(test), "next(__turns__[0]) and (", ")") for test in loops]
        for (start, end), before, after in [*pieces, *around]:
            added[start] += before.encode()
            added[end] = after.encode() + added[end]
        ends = [0, *sorted(added), len(text)]
        parts = (added.get(a, b"") + text[a:b] for a, b in itertools.pairwise(ends))
        scope, flag = self.scope | names, __future__.annotations.compiler_flag
        exec(compile(b"".join(parts), PLACE, "exec", flag), scope)
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

    place: tuple  # the span of the expression, or the statement
    text: str
    mistakes: tuple
    statement: ast.stmt
    node: ast.AST  # the expression; the parent of a statement that is moved
    switch: int | None  # None of a statement that is moved
    goal: int | None = None  # its new position in its block

    @property
    def line(self):
        return (self.statement if self.switch is None else self.node).lineno

    @property
    def new(self):
        """How the expression reads."""
        return tidy(self.text.replace(OLD, t(self.node)))


class _Written:
    """A program with a switch at each of its expressions, and the ways to write them.

    Its text is in bytes, as the columns of a tree are counted in them.
    """

    def __init__(self, source, text=None, given=None, line=None):
        self.source, self.text = source, text or "\n".join(source.lines).encode()
        self.definition, self.span = _tree(self.text), _spans(self.text)
        self.ways, self.at, self.turns, around = [], [], [None], []
        for statement, node, texts in ways_to_write(self.definition, source.scope, given, line):
            k, place = len(self.at), self.span(node)
            around.append((place, f"__at__[{k}](lambda: (", "))"))
            self.ways += [Way(place, text, tuple(mistakes), statement, node, k)
                          for text, mistakes in texts.items()]
            self.at.append(_as_it_is)
        self.ways += _moves(self.definition)
        self.function = self._compiled(self.text, around)

    def _compiled(self, text, around=()):
        return self.source.compiled(text, {"__at__": self.at, "__turns__": self.turns}, around)

    def as_in(self, *ways):
        """The program, written in one way or in several; good until the next call."""
        self.at[:], self.turns[0] = [_as_it_is] * len(self.at), itertools.repeat(True, TURNS)
        if ways and ways[0].switch is None:
            return self._compiled(self.rewritten(ways[0]))
        for way in ways:
            self.at[way.switch] = lambda old, way=way: self._value(way, old, _caller())
        return self.function

    def _value(self, way, old, frame):
        """What an expression is worth in another way, at its place in the running program."""
        code, names = _code(way.text)
        seen = {OLD: old()} if OLD in names else {}
        while frame and not seen.keys() >= names:
            if frame.f_code.co_filename == PLACE:  # the function, or a comprehension in it
                seen = frame.f_locals | seen
            frame = frame.f_back if frame.f_code is not self.function.__code__ else None
        scope = self.source.scope
        return eval(code, {name: seen[name] if name in seen else scope[name]
                           for name in names if name in seen or name in scope})

    def compared(self, outcome_of, outcome):
        """{way: None if it fails where it stands, the outcome if it changes nothing, or a key}.

        Two ways with one key come to the same. An expression that is met more than once may be
        changed by what it has changed before, so that only the first failure counts.
        """
        times, keys, program = Counter(), {}, self.as_in()

        def look(switch, old, frame):
            now = old()
            times[switch] += 1
            same = _fingerprint(now)
            for way in by_switch[switch] if times[switch] == 1 else ():
                try:
                    value = _fingerprint(self._value(way, lambda: now, frame)) or way
                except Exception:
                    keys[way] = None
                else:
                    keys[way] = outcome if value == same else (switch, value)
            return now

        by_switch = defaultdict(list)
        for way in self.ways:
            by_switch[way.switch].append(way)
        self.at[:] = [lambda old, k=k: look(k, old, _caller()) for k in range(len(self.at))]
        outcome_of(program)
        return {way: keys.get(way, outcome) for way in self.ways if way.switch is not None
                and (times[way.switch] < 2 or keys[way] is None)}

    def rewritten(self, way):
        """The text of the program that a way writes; its lines keep their numbers."""
        if way.switch is None:
            return self._moved(way)
        (start, end), new = way.place, way.new
        before, after, old = self.text[:start], self.text[end:], self.text[start:end]
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

    def _moved(self, way):
        lines, block = self.text.splitlines(True), way.node.body
        lines[-1] += b"\n"
        ends = [block[0].lineno - 1, *(s.end_lineno for s in block)]
        parts = [lines[a:b] for a, b in itertools.pairwise(ends)]
        parts.insert(way.goal, parts.pop(block.index(way.statement)))
        return b"".join([*lines[: ends[0]], *itertools.chain(*parts), *lines[ends[-1] :]])

    def remedies(self, way):
        """A remedy for each line and mistake of a way."""
        statement, body = way.statement, getattr(way.statement, "body", None)
        first, last = statement.lineno - 1, statement.end_lineno
        if body:  # of a loop only its head
            last = max(body[0].lineno - 1, statement.lineno)
        text = lambda program: _on_one_line(program.splitlines(True)[first:last])
        was, rows = text(self.text), [first]
        if way.switch is None:
            now = f"{was}    {way.text}"
        else:
            now = text(self.rewritten(way))
            rows = range(way.node.lineno - 1, min(way.node.end_lineno, last))
        return [Remedy(row + 1, word, was, now) for row in rows for word in way.mistakes]


def _moves(definition):
    """A statement to before one that changes what it reads, or that one to behind it."""
    names = lambda tree: [n for n in ast.walk(tree) if isinstance(n, ast.Name)]
    stored = Counter(n.arg for n in ast.walk(definition.args) if isinstance(n, ast.arg))
    stored.update(n.id for n in names(definition) if isinstance(n.ctx, ast.Store))
    for parent in ast.walk(definition):
        block = getattr(parent, "body", None)
        block = block if isinstance(block, list) else []
        if any(a.end_lineno == b.lineno for a, b in itertools.pairwise(block)):
            continue  # more than one in a line
        for (a, early), (b, late) in itertools.combinations(enumerate(block), 2):
            changed = set(_parts_changed(early)) | {
                n.id for n in names(early) if isinstance(n.ctx, ast.Store) and stored[n.id] > 1}
            reads = {n.id for n in names(late) if isinstance(n.ctx, ast.Load)}
            if changed & reads and not isinstance(late, ast.Return):
                for statement, goal in (late, a), (early, b):
                    text = f"(as statement {goal + 1} of its block)"
                    yield Way((statement.lineno, statement.end_lineno), text, ("updated",),
                              statement, parent, None, goal)


def _parts_changed(statement):
    """The names of structures of which a statement changes a part."""
    for node in ast.walk(statement):
        match node:
            case ast.Subscript(ctx=ast.Store()) | ast.Attribute(ctx=ast.Store()):
                yield root(plain(node))
            case ast.Expr(ast.Call(ast.Attribute(value))):
                yield root(plain(value))


def _as_it_is(value):
    return value()


def _caller():
    """The frame of the program that asks for the value of an expression."""
    return inspect.currentframe().f_back.f_back


@lru_cache(None)
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


def _on_one_line(lines):
    whole = b"".join(lines).replace(JOINED, b"").decode()
    return " ".join(map(str.strip, whole.splitlines()))
