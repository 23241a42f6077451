"""Which line of a program is wrong, and which mistake it is: told from what mends it.

Each usual mistake is a way to rewrite an expression, in Python's own syntax tree. A rewriting of
one line that makes the program pass its check shows the line, the mistake, and how the line would
read: nothing about the fault is stored anywhere. Where no one line is enough, a rewriting after
which more blocks agree is kept, and a second one is looked for.
"""

import __future__

import ast
import copy
import inspect
import itertools
import re
import textwrap
import warnings
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from gradcheck.differences import remembering

MISTAKES = {
    "sum": "a sum stands where a mean is meant, so the result is n times too large",
    "mean": "the result is divided by n once too often",
    "sign": "a sign is wrong",
    "mask": "a mask asks for >= 0 where > 0 is meant",
    "updated": "values are used that the update has already changed",
    "bias": "the bias is forgotten",
    "transpose": "a matrix is transposed where it should not be, or the other way round",
    "slope": "the slope of the activation is left out",
    "argument": "the slope is taken at the wrong variable",
    "factor": "there is a factor too many, or a wrong one",
    "index": "an index is wrong, or one variable stands for another",
}
LIMIT = 400  # rewritings tried for one line and mistake
FIRST_STEPS = 3  # rewritings after which a second one is looked for


class FaultError(ValueError):
    """The program cannot be searched; the message says why."""


class Remedy(NamedTuple):
    """One line rewritten."""

    line: int  # 1 is the `def`
    mistake: str  # a word of MISTAKES
    was: str
    now: str

    def __str__(self):
        return (
            f"line {self.line}: {MISTAKES[self.mistake]}\n    was  {self.was}\n    now  {self.now}"
        )


@dataclass
class Fault:
    """What was found: true if a change of one line makes the program pass its check."""

    name: str
    lines: list  # the program's source, line by line
    remedies: list  # each of them alone mends the program
    several: list = field(default_factory=list)  # all of them together do, where no one is enough

    def __bool__(self):
        return bool(self.remedies)

    @property
    def line(self):
        return self.remedies[0].line if self else None

    @property
    def mistake(self):
        return self.remedies[0].mistake if self else None

    @property
    def was(self):
        return self.remedies[0].was if self else None

    @property
    def now(self):
        return self.remedies[0].now if self else None

    def __str__(self):
        if self:
            return "\n".join(f"{self.name}, {remedy}" for remedy in self.remedies)
        if self.several:
            return f"{self.name}: more than one line is wrong\n" + "\n".join(map(str, self.several))
        return (
            f"{self.name}: no change of one line makes it pass; more than one line is wrong, "
            "or the mistake is no usual one"
        )

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
        Where two lines are wrong and the check reports by blocks, `.several` holds a change for
        each.

    Raises
    ------
    FaultError
        Where the source cannot be read, or the program passes as it is.
    """
    if not callable(program) or not callable(check):
        raise FaultError("expected a program and a check that can be called with it")
    with remembering():
        search = _Search(program, check)
        remedies, better = search.one_line()
        several = [] if remedies else search.two_lines(better)
    return Fault(program.__name__, search.lines, remedies, several)


class _Search:
    """A program, its check, and what is known of its rewritings."""

    def __init__(self, program, check):
        try:
            source = textwrap.dedent(inspect.getsource(program))
            self.tree = ast.parse(source)
        except (OSError, TypeError, SyntaxError):
            raise FaultError(
                "the source of the program cannot be read: write it with `def` in a cell or a file"
            ) from None
        if not isinstance(self.tree.body[0], ast.FunctionDef):
            raise FaultError("the program is no function written with `def`")
        self.name, self.check, self.lines = program.__name__, check, source.rstrip().splitlines()
        self.tree.body[0].decorator_list = []
        self.scope, self.calls, self.scores = {**program.__globals__, **_closure(program)}, [], {}
        self.here = self.score(self._noting(program))
        if self.here.passes:
            raise FaultError("the program passes its check as it is, there is no fault in it")
        self.seen = {_key(_run(program, call)) for call in self.calls}

    def _noting(self, program):
        """The program, noting what it is called with, so that a rewriting can be run by itself."""

        def noting(*args, **named):
            if not self.calls:
                self.calls.append(_fresh((args, named)))
            return program(*args, **named)

        return noting

    def score(self, program):
        """Does it pass, and which blocks agree?"""
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            try:
                report = self.check(program)
            except Exception:  # a wrong program may well raise
                return _Score(False, frozenset())
        blocks = getattr(report, "blocks", {})
        return _Score(
            bool(report),
            frozenset(
                name
                for name, block in blocks.items()
                if block.verdict in ("agrees", "simultaneous")
            ),
        )

    def one_line(self):
        """The remedies, and the rewritings after which more blocks agree: (remedy, tree) each."""
        remedies, better = [], {}
        for remedy, tree in self.rewritten():
            score = self.judged(tree, remedy[::3])
            known = any(r[:2] == remedy[:2] for r in remedies)
            if score.passes and not known:
                remedies.append(remedy)
            elif score.agree > self.here.agree and score.agree not in better:
                better[score.agree] = remedy, copy.deepcopy(tree)
        return remedies, sorted(better.items(), key=lambda item: -len(item[0]))

    def two_lines(self, better):
        """Two changes that together make the program pass."""
        for agree, (first, tree) in better[:FIRST_STEPS]:
            rest = copy.copy(self)
            rest.tree, rest.here = tree, _Score(False, agree)
            rest.scores = {key: score for key, score in self.scores.items() if len(key) != 2}
            for remedy, other in rest.rewritten():
                if remedy.line != first.line and rest.judged(other, remedy[::3]).passes:
                    return sorted([first, remedy])
        return []

    def rewritten(self):
        for line in range(2, len(self.lines) + 1):
            for mistake in MISTAKES:
                tried = set()
                for now in itertools.islice(rewritings(self.tree, line, mistake), LIMIT):
                    if now not in tried or mistake == "updated":
                        tried.add(now)
                        yield Remedy(line, mistake, self.lines[line - 1].strip(), now), self.tree

    def judged(self, tree, text):
        """The score of a rewriting; the same numbers are not checked twice."""
        if text in self.scores:
            return self.scores[text]
        self.scores[text] = self._tried(tree)
        return self.scores[text]

    def _tried(self, tree):
        scope = dict(self.scope)
        try:
            exec(compile(tree, "<rewritten>", "exec", __future__.annotations.compiler_flag), scope)
        except Exception:  # a rewriting may be nonsense
            return _Score(False, frozenset())
        program = scope[self.name]
        key = _key(_run(program, self.calls[0])) if self.calls else None
        if key in self.seen or key == "failed":
            return _Score(False, frozenset())
        if key is None or key not in self.scores:
            self.scores[key] = self.score(program)
        return self.scores[key]


class _Score(NamedTuple):
    passes: bool
    agree: frozenset


def _closure(program):
    names, cells = program.__code__.co_freevars, program.__closure__ or ()
    return {name: cell.cell_contents for name, cell in zip(names, cells)}


def _run(program, call):
    args, named = _fresh(call)  # a rewriting may change what it is given
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            return program(*args, **named)
        except Exception:
            return "failed"


def _fresh(value):
    """A copy, quicker than deepcopy for what programs like these are given."""
    if type(value) is dict:
        return {key: _fresh(part) for key, part in value.items()}
    if type(value) in (list, tuple):
        return type(value)(map(_fresh, value))
    return value.copy() if isinstance(value, np.ndarray) else copy.deepcopy(value)


def _key(value):
    """What a program returned, to six digits, so that rounding makes no difference."""
    if isinstance(value, dict):
        return tuple((name, _key(part)) for name, part in value.items())
    if isinstance(value, (tuple, list)):
        return tuple(map(_key, value))
    try:
        numbers = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        return "failed" if value is None or isinstance(value, str) else repr(value)
    if not np.isfinite(numbers).all():
        return "failed"
    with np.errstate(all="ignore"):
        mantissa, exponent = np.frexp(numbers)
    return numbers.shape, np.round(mantissa, 6).tobytes(), exponent.tobytes()


# -------------------------------------------------------------------------------------- rewritings


def rewritings(tree, place, word):
    """Rewrite the tree, in turn, in every way that undoes a mistake in a line; yields its text.

    While the caller looks at it the tree is the rewritten one; afterwards it is as it was.
    """
    statement = _statement(tree, place)
    if statement is None:
        return
    words = _Words(tree, statement)
    for parent, name, position, node in _expressions(statement, place):
        for new in REWRITINGS[word](node, words):
            _put(parent, name, position, _located(new, node))
            try:
                yield _head(statement)
            finally:
                _put(parent, name, position, node)
    if word == "updated":
        yield from _moved(tree, statement)


def _statement(tree, place):
    """The innermost simple statement that covers the line."""
    found = [
        s
        for s in ast.walk(tree)
        if isinstance(s, ast.stmt)
        and not isinstance(s, ast.FunctionDef)
        and s.lineno
        <= place
        <= (s.body[0].lineno - 1 if getattr(s, "body", None) else s.end_lineno)
    ]
    return max(found, key=lambda s: s.lineno, default=None)


def _expressions(statement, place):
    """(parent, field, position, node) of the statement and of its expressions in the line."""
    found = [(statement, None, None, statement)] if isinstance(statement, ast.AugAssign) else []
    todo = [statement]
    while todo:
        parent = todo.pop(0)
        for name, value in ast.iter_fields(parent):
            for position, node in enumerate(value) if isinstance(value, list) else [(None, value)]:
                if isinstance(node, ast.AST) and name != "body":
                    todo.append(node)
                    read = isinstance(getattr(node, "ctx", ast.Load()), ast.Load)
                    if (
                        isinstance(node, ast.expr)
                        and read
                        and node.lineno <= place <= node.end_lineno
                    ):
                        found.append((parent, name, position, node))
    return found


def _put(parent, name, position, node):
    if name is None:  # a statement takes the place of itself
        parent.op, parent.value = node.op, node.value
    elif position is None:
        setattr(parent, name, node)
    else:
        getattr(parent, name)[position] = node


def _located(new, old):
    return ast.fix_missing_locations(ast.copy_location(copy.copy(new) if new is old else new, old))


def _head(statement):
    """The text of a statement, of a loop only its first line."""
    return ast.unparse(statement).splitlines()[0]


def _moved(tree, statement):
    """The same statements in another order: this one moved up or down within its block."""
    for parent in ast.walk(tree):
        block = getattr(parent, "body", None)
        if (
            isinstance(block, list)
            and any(s is statement for s in block)
            and not isinstance(statement, ast.Return)
        ):
            rest = [s for s in block if s is not statement]
            for goal in range(len(rest) + (0 if isinstance(block[-1], ast.Return) else 1)):
                parent.body = [*rest[:goal], statement, *rest[goal:]]
                try:
                    yield ast.unparse(statement) + f"    (as statement {goal + 1} of its block)"
                finally:
                    parent.body = block


class _Words:
    """The names and entries that occur in a program, as source text."""

    def __init__(self, tree, statement):
        function = next(node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))
        self.parameters = [a.arg for a in function.args.args]
        self.assigned = [
            node.id
            for node in ast.walk(function)
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
        ]
        self.names = list(dict.fromkeys([*self.parameters, *self.assigned]))
        called = {id(node.func) for node in ast.walk(function) if isinstance(node, ast.Call)}
        entries = [
            ast.unparse(node) for node in ast.walk(function) if isinstance(node, ast.Subscript)
        ]
        own = [
            ast.unparse(node)
            for node in ast.walk(statement)
            if isinstance(node, (ast.Subscript, ast.Name)) and id(node) not in called
        ]
        self.arrays = list(
            dict.fromkeys(
                text
                for text in [*own, *entries, *self.names]
                if text.partition("[")[0] in self.names
            )
        )
        indexed = dict.fromkeys(text.partition("[")[0] for text in entries)
        target = getattr(statement, "targets", [statement])[0]
        self.beside = [
            f"{name}[{_text(target.slice)}]"
            for name in indexed
            if isinstance(target, ast.Subscript) and name in self.names
        ]
        self.sizes = [n for n in self.names if n in ("n", "N", "m", "n_samples")] + [
            f"len({p})" for p in self.parameters
        ]
        self.biases = [text for text in self.names if text.startswith("b")]
        self.masked = any(isinstance(n, ast.Compare) for n in ast.walk(statement))
        self.moved = _updated_names(function)
        self.below = {
            id(inner)
            for node in ast.walk(function)
            if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div)
            for inner in ast.walk(node.right)
        }
        self.layers = list(dict.fromkeys(re.findall(r"\[([^\[\]:,]+)\]", ast.unparse(function))))


def _updated_names(function):
    """The names that hold values of after the update: what is computed with eta, and copies."""
    moved = set()
    for node in ast.walk(function):
        if isinstance(node, (ast.Assign, ast.AugAssign)):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            names = [n.id for n in ast.walk(target) if isinstance(n, ast.Name)][:1]
            moved |= set(names) if re.search(r"\beta\b", ast.unparse(node)) else set()
    return moved


@lru_cache(4096)
def _text(node):
    return ast.unparse(node)


@lru_cache(4096)
def _parsed(text):
    return ast.parse(text, mode="eval").body


def _code(text, *nodes):
    """An expression from source text; {0}, {1} … stand for nodes."""
    return _parsed(text.format(*(f"({_text(node)})" for node in nodes)))


def _is(node, *operations):
    return isinstance(node, ast.BinOp) and isinstance(node.op, operations)


def _value(node):
    return isinstance(node, (ast.BinOp, ast.Call, ast.Name, ast.Subscript, ast.Attribute)) and not (
        isinstance(node, ast.Attribute) and not node.attr == "T"
    )


def _renamed_call(node, old, new):
    if (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == old
    ):
        yield ast.Call(ast.Attribute(node.func.value, new, ast.Load()), node.args, node.keywords)


def _sum(node, words):
    yield from _renamed_call(node, "sum", "mean")
    if _is(node, ast.Mult):
        for size, rest in ((node.left, node.right), (node.right, node.left)):
            if _text(size) in words.sizes:
                yield rest
    if _value(node) and id(node) not in words.below:
        yield from (_code("{0}/" + size, node) for size in words.sizes)


def _mean(node, words):
    yield from _renamed_call(node, "mean", "sum")
    if _is(node, ast.Div):
        yield node.left
    if _is(node, ast.Pow) and _text(node.left) in words.sizes:
        yield node.left


def _sign(node, words):
    if _is(node, ast.Sub):
        yield from (
            _code("{1} - {0}", node.left, node.right),
            _code("{0} + {1}", node.left, node.right),
        )
    if _is(node, ast.Add):
        yield _code("{0} - {1}", node.left, node.right)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield node.operand
    if isinstance(node, ast.AugAssign) and isinstance(node.op, (ast.Add, ast.Sub)):
        yield ast.AugAssign(
            node.target, ast.Add() if isinstance(node.op, ast.Sub) else ast.Sub(), node.value
        )
    if isinstance(node, (ast.BinOp, ast.Name, ast.Subscript)) or (
        isinstance(node, ast.Call) and _text(node.func) != "len"
    ):
        yield _code("-{0}", node)


def _mask(node, words):
    other = {ast.GtE: ast.Gt, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.Lt: ast.LtE}
    if isinstance(node, ast.Compare) and type(node.ops[0]) in other:
        yield ast.Compare(node.left, [other[type(node.ops[0])]()], node.comparators)


def _updated(node, words):
    """An old name for a new one, everywhere in the expression; `rewritings` moves the rest."""
    used = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)} & words.moved
    for new, old in itertools.product(sorted(used), words.names):
        if new != old:
            yield _with_name(node, new, old)


def _with_name(node, new, old):
    class Rename(ast.NodeTransformer):
        def visit_Name(self, name):
            return (
                ast.Name(old, name.ctx)
                if name.id == new and isinstance(name.ctx, ast.Load)
                else name
            )

    return Rename().visit(copy.deepcopy(node))


def _bias(node, words):
    biases = words.biases + [f"{b}[{layer}]" for b in words.biases for layer in words.layers]
    if _is(node, ast.MatMult, ast.Mult, ast.Add) or isinstance(node, ast.Call):
        yield from (_code("{0} + " + b, node) for b in biases)
    if isinstance(node, (ast.Name, ast.Subscript)) and "eta" in words.names:
        yield from (_code("{0} - eta*" + d, node) for d in words.arrays if d != "eta")


def _transpose(node, words):
    if isinstance(node, ast.Attribute) and node.attr == "T":
        yield node.value
    if isinstance(node, (ast.Name, ast.Subscript, ast.Call)) or _is(node, ast.Sub, ast.Add):
        yield _code("{0}.T", node)
    if _is(node, ast.MatMult):
        left, right = _both_ways(node.left), _both_ways(node.right)
        for one, two in itertools.product(left, right):
            yield from (_code("{0} @ {1}", one, two), _code("{1} @ {0}", one, two))


def _both_ways(node):
    turned = (
        node.value
        if isinstance(node, ast.Attribute) and node.attr == "T"
        else ast.Attribute(node, "T", ast.Load())
    )
    return node, turned


SLOPES = ("{0}*(1 - {0})", "(1 - {0}**2)", "({0} > 0)")


def _slope(node, words):
    slopes = [
        slope.format(a)
        for a in dict.fromkeys(words.beside + words.arrays)
        for slope in SLOPES
        if not (words.masked and ">" in slope)
    ]
    slopes += [
        f"{f}({a})" for f in words.names if "prime" in f or "slope" in f for a in words.arrays
    ]
    if _value(node):
        yield from (_code("{0} * " + slope, node) for slope in slopes)
    if _is(node, ast.Mult) and any(
        f"1 - {a}" in _text(node) for a in words.arrays
    ):  # half of a(1 - a)
        yield from (_code("{0} * " + a, node) for a in words.arrays if f"1 - {a}" in _text(node))


def _argument(node, words):
    """Another variable in a slope: a (1 - a), 1 - a**2, a > 0 or a function of the slope."""
    of_slope = isinstance(node, ast.Call) and re.search("prime|slope|deriv", _text(node.func))
    if not (_is(node, ast.Mult, ast.Sub) or isinstance(node, ast.Compare) or of_slope):
        return
    parts = [n for n in ast.walk(node) if isinstance(n, (ast.Name, ast.Subscript, ast.Call))]
    texts = list(dict.fromkeys(_text(n) for n in parts))
    for old, new in itertools.product(texts, words.arrays):
        if old != new:
            yield _with_text(node, old, new)


def _with_text(node, old, new):
    class Replace(ast.NodeTransformer):
        def visit(self, current):
            if isinstance(current, ast.expr) and _text(current) == old:
                return _code(new)
            return super().visit(current)

    return Replace().visit(copy.deepcopy(node))


def _factor(node, words):
    if id(node) in words.below:
        return
    if _is(node, ast.Mult, ast.Div):
        factors = _factors(node)
        for gone in (1, 2):
            for kept in itertools.combinations(range(len(factors)), len(factors) - gone):
                if kept and not any(
                    _text(factors[p][1]) in words.sizes
                    for p in range(len(factors))
                    if p not in kept
                ):
                    yield _product([factors[p] for p in kept])
    if (
        isinstance(node, ast.Constant)
        and isinstance(node.value, (int, float))
        and not isinstance(node.value, bool)
    ):
        yield from (
            ast.Constant(value)
            for value in (node.value + 1, node.value - 1, 2 * node.value, node.value / 2)
        )
    if isinstance(node, (ast.BinOp, ast.Call, ast.Name, ast.Subscript)):
        yield from (_code("2*{0}", node), _code("{0}/2", node))


def _factors(node):
    """[(is it multiplied?, factor), ...] of a product, flat."""
    if _is(node, ast.Mult):
        return _factors(node.left) + _factors(node.right)
    if _is(node, ast.Div):
        return _factors(node.left) + [(not times, factor) for times, factor in _factors(node.right)]
    return [(True, node)]


def _product(factors):
    text = "1" if not factors[0][0] else ""
    for times, factor in factors:
        text += (("*" if times else "/") if text else "") + f"({_text(factor)})"
    return _parsed(text)


def _index(node, words):
    if id(node) in words.below:
        return
    if isinstance(node, ast.Subscript):
        index = _text(node.slice)
        shifted = [
            f"{index} + 1",
            f"{index} - 1",
            *re.findall(r"^(.*\S)\s*[+-]\s*1$", index),
            *words.layers,
        ]
        yield from (_code("{0}[" + new + "]", node.value) for new in shifted if new != index)
    if (
        isinstance(node, (ast.Name, ast.Subscript))
        and _text(node).partition("[")[0] not in words.moved
    ):
        yield from (_code(new) for new in words.arrays if new != _text(node))
    if isinstance(node, ast.Constant) and isinstance(node.value, int):
        yield from (ast.Constant(value) for value in (node.value - 1, node.value + 1))


REWRITINGS = {
    "sum": _sum,
    "mean": _mean,
    "sign": _sign,
    "mask": _mask,
    "updated": _updated,
    "bias": _bias,
    "transpose": _transpose,
    "slope": _slope,
    "argument": _argument,
    "factor": _factor,
    "index": _index,
}
