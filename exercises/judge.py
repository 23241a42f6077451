"""The judge of a reader's formula: is it what the question comes to, in which line does it stand, or which mistake is it?"""

import inspect
from dataclasses import dataclass
from difflib import get_close_matches
from fractions import Fraction
from numbers import Rational

import numpy as np
import sympy as sp

from derivations.chain_rule import DEEPEST, Chain, lettered, right_formula
from derivations.definitions import Definition, Depends, Entries, resolve
from derivations.code_witness import spellings
from derivations.derivation import Derivation
from derivations.errors import Undecided, WrongIndex
from derivations.mistakes import kind_of, mutants, reversed_name, tree
from derivations.normal_form import index_ranges, is_zero
from derivations.printing import plain, show_number
from derivations.evaluation import Evaluation, NoValue, Point, is_rational, same_value, sizes_in
from derivations.sampling import ranges_in
from derivations.symbols import Partial, as_written, base_of, names_in

POINTS, TRIES = 3, 40

HINTS = {
    "sign": "which way does the result move when the variable grows a little? Follow one minus sign from line to line",
    "factor": "follow the constants: which 2 comes down from an exponent, and which ½ does it meet?",
    "mean": "count the samples: is the function you differentiate a sum or a mean? Its derivative is the same",
    "share": "the function to differentiate has a sum over all samples; a derivative of a sum is the sum of the derivatives",
    "sum": "the variable acts along several ways at once; the derivative adds up all of them",
    "slope": "going back through a function costs one factor, its slope at that place",
    "argument": "at which place is the slope taken: before the function is applied, or after?",
    "value": "a function and its slope are two things; write the slope of it here",
    "integral": "a derivative lowers the exponent by one and brings it down as a factor",
    "exponent": "differentiating a power lowers its exponent by one",
    "power": "the index in brackets above a letter counts layers; nothing is multiplied there",
    "inner": "chain rule: outer derivative times inner derivative. What is inside, and what is its derivative?",
    "transpose": "the first index says to where, the second from where; over which one runs the sum?",
    "index": "write the sum out for two terms: which indices stand still while the sum runs?",
    "variable": "look again which variable the question differentiates by",
    "name": "compare letter by letter: which quantity enters here, the one before or the one after the function?",
    "term": "differentiate term by term, and count the terms",
    "zero": "does the function not depend on the variable at all? Follow it through the definitions",
    "other": "set all sizes to 1 and compare with the derivative of that simple case",
    "shape": "a gradient has the shape of what it is the gradient of",
    "open": "begin with the outermost function, and leave what is inside as a derivative still to be taken",
}


class NoFormula(Exception):
    """What the reader gave is nothing that can be compared; the message says what was expected."""


@dataclass
class Finding:
    right: bool
    text: str
    kind: str = "other"
    finished: bool = True


def shown(expr):
    """An expression as plain text, with no sum that begins with a minus if another term can go first."""
    with as_written():
        return plain(_in_order_of_sign(lettered(expr)))


def _in_order_of_sign(e):
    if not e.args or isinstance(e, (sp.Indexed, sp.IndexedBase, sp.MatrixExpr)):
        return e
    args = [_in_order_of_sign(a) for a in e.args]
    if e.is_Add:
        args.sort(key=lambda a: plain(a).startswith("-"))
    return e.func(*args)


class _Place(Point):
    """A sample point that knows the definitions: the value of a name is that of what it stands for."""

    def __init__(self, exprs, seed, chain):
        bodies = [d.on if isinstance(d, Depends) else d.body for d in chain.table.values()]
        names = [d.name for d in chain.table.values()]
        self.seed, self.seen, self.override, self.chain = seed, {}, {}, chain
        self.ranges, self.exact = index_ranges(*exprs), is_rational(*exprs, *bodies)
        sizes = {s for e in [*exprs, *bodies, *names] for s in sizes_in(e)} - self.ranges.keys()
        ordered = sorted(sizes, key=str, reverse=True)
        self.size = {s: 3 + (position + seed) % max(3, len(ordered)) for position, s in enumerate(ordered)}

    def draw(self, name, indices):
        definition = self.chain.table.get(name) if isinstance(name, sp.Basic) else None
        if definition is None or isinstance(definition, Depends):
            return super().draw(name, indices)
        body = definition.body.xreplace(dict(zip(definition.indices, map(sp.Integer, indices))))
        return Evaluation(self.lookup, self.exact)(self.chain.line(body) if body.has(Partial) else body)

    def number(self, q):
        q = Fraction(q)
        return super().number(q if self.exact or q.denominator == 1 else q / 4)  # where exp occurs, no saturated sigmoid

    def array(self, base):
        """The values of a whole array, or of one symbol, as NumPy has them."""
        shape = [int(self.size.get(s, s)) for s in getattr(base, "shape", None) or ()]
        if not shape:
            return float(self.value(base))
        entries = [float(self.value(base[tuple(i + 1 for i in place)])) for place in np.ndindex(*shape)]
        return np.array(entries).reshape(shape)

    def over(self, expr, free):
        """The values of an expression for all values of its free indices, as an array in the order of these."""
        lengths = [int(self.size.get(self.ranges[i], self.ranges[i])) for i in free]
        values = [float(self.value(expr.xreplace({i: sp.Integer(p + 1) for i, p in zip(free, place)})))
                  for place in np.ndindex(*lengths)]
        return np.array(values).reshape(lengths)


_questions = {}


def question_of(question, given):
    """The Question; the same one for the same words, so that nothing is derived twice."""
    words = [(type(g), *((g.matrix, g.entries) if isinstance(g, Entries) else (g.name, getattr(g, "on", g.body)))) for g in given
             if isinstance(g, (Definition, Entries))]
    key = (question, tuple(words), len(given))
    if key not in _questions:
        _questions[key] = Question(question, given)
    return _questions[key]


def _value_at(point, expr):
    try:
        return point.value(expr)
    except (NoValue, Undecided, TypeError, AttributeError, IndexError, ValueError):
        return None


class Node:
    """A mistake with its values at the sample points of a question."""

    def __init__(self, question, mistake):
        self.kind, self.name, self.formula = mistake
        self.loose = question.loose(self.formula)
        self.told_apart, self._at = question.apart(self.formula), {}
        values = [self.at(question.point(seed)) for seed in question.seeds()]
        wrong = not question.agree(zip(values, map(question.right_at, question.seeds())))
        self.key = (len(self.loose), *map(show_number, values)) if wrong and None not in values and any(values) else None

    def at(self, point):
        if point.seed not in self._at:
            self._at[point.seed] = _value_at(point, self.told_apart)
        return self._at[point.seed]


class Question:
    """What is asked for, what it comes to, the lines that lead there, and the mistakes that lead elsewhere."""

    def __init__(self, question, given=()):
        self.question, self.given, self.name = question, tuple(given), plain(question)
        proof = Derivation(question, self.given)
        self.proof, self.table, self.entries = proof, proof.table, proof.entries
        self.asked = proof.scalar(proof.left)
        self.right = right_formula(self.asked, self.table)
        self.chain = Chain(self.table)
        self._start = None
        self._lines, self._tree, self._keys, self._nodes = None, [], set(), tree(self.asked, self.table)
        self._points, self._right_at = {}, {}

    # lines and hints

    def lines(self):
        """The lines from the question to its answer: one more link of the chain in each, then the last one put in order."""
        if self._lines is None:
            self._lines = self._made_lines()
        return self._lines

    def _made_lines(self):
        chain = Chain(self.table)
        lines = [chain.line(self.asked)] if self.asked.has(Partial) else []
        for depth in range(chain.deepest - 1, 0, -1):
            lines.insert(0, Chain(self.table, depth=depth).line(self.asked))
        lines = [lettered(line) for line in lines if line.has(Partial) or line is lines[-1]] + [self.right]
        texts = [shown(line) for line in lines]
        return [line for p, line in enumerate(lines) if texts[p] not in texts[p + 1:]]

    def hints(self, kind):
        said = [HINTS.get(kind, HINTS["other"])]
        lines = [f"the derivation, line {p}: {self.scalar_name()} = {shown(line)}" for p, line in enumerate(self.lines()[:-1], 1)]
        return said + lines

    def scalar_name(self):
        return plain(self.asked)

    # what the reader gave

    def formula(self, answer):
        """The answer as SymPy knows it, floats such as 0.5 made exact. Raises NoFormula with what was expected."""
        if isinstance(answer, Derivation):
            answer = answer.last
        if isinstance(answer, sp.Equality):
            answer = answer.rhs
        expected = f"expected a formula such as {plain(self._like())}" if self._like() else "expected a formula"
        if isinstance(answer, str):
            raise NoFormula(f"got a text; {expected}, without quotes")
        if isinstance(answer, (bool, list, tuple, set, dict, np.ndarray)):
            raise NoFormula(f"got a {type(answer).__name__}; {expected}")
        try:
            expr = sp.sympify(answer, strict=True)
        except (sp.SympifyError, TypeError, ValueError):
            expr = None
        if not isinstance(expr, (sp.Expr, sp.MatrixExpr)):
            raise NoFormula(f"got {type(answer).__name__} {answer!r}; {expected}")
        self.same_kind(expr)
        expr = expr.xreplace({f: self.exact(f) for f in expr.atoms(sp.Float)}) if isinstance(expr, sp.Expr) else expr
        self.known(expr)
        return expr

    def _like(self):
        names = sorted(self.right.atoms(sp.Indexed, sp.Symbol), key=sp.default_sort_key)
        return next((2*e for e in names if not e.is_integer), None)

    def same_kind(self, expr):
        if isinstance(expr, sp.MatrixExpr) != isinstance(self.question, sp.MatrixExpr):
            wanted = f"a matrix of shape {self.question.shape}" if isinstance(self.question, sp.MatrixExpr) else "one number"
            got = f"a matrix of shape {expr.shape}" if isinstance(expr, sp.MatrixExpr) else "one number"
            raise NoFormula(f"it asks for {wanted}, your formula is {got}")
        if isinstance(expr, sp.MatrixExpr) and expr.shape != self.question.shape:
            turned = ", transposed" if expr.shape == self.question.shape[::-1] else ""
            raise NoFormula(f"your formula has shape {expr.shape}, expected {self.question.shape}{turned}")

    @staticmethod
    def exact(number):
        text = repr(float(number))
        if len(text) > 8:
            raise NoFormula(f"{text} is a rounded number; write an exact one, such as Rational(1, 3) or x/3")
        return sp.Rational(text)

    def known(self, expr):
        """Raises NoFormula for a name that the exercise does not know, with the one that may be meant."""
        mine, theirs = self.names(), names_in(expr)
        by_text = {str(name): name for name in mine}
        bound = {limit[0] for s in expr.atoms(sp.Sum, sp.Product) for limit in s.limits}
        counted = {i for e in expr.atoms(sp.Indexed) for i in e.indices}
        for name in sorted(theirs - mine - bound, key=str):
            if name.is_Symbol and name.is_integer and name in counted or isinstance(name, sp.MatrixExpr):
                continue
            same = by_text.get(str(name))
            if same is not None and tuple(getattr(same, "shape", None) or ()) != tuple(getattr(name, "shape", None) or ()):
                raise NoFormula(f"your {name} has shape {getattr(name, 'shape', None) or ()}, "
                                f"that of the exercise {getattr(same, 'shape', None) or ()}")
            if same is not None:
                raise NoFormula(f"your {name} is another symbol of the same name; use the {name} that the notebook made")
            near = get_close_matches(str(name), [t for t in by_text], 1)
            raise NoFormula(f"it does not know the name {plain(sp.Symbol(str(name)))}"
                            + (f"; did you mean {near[0]}?" if near else f"; it knows {', '.join(sorted(by_text))}"))

    def names(self):
        bodies = [d.on if isinstance(d, Depends) else d.body for d in self.table.values()]
        parts = [self.asked, self.right, *bodies, *(d.name for d in self.table.values())]
        matrices = set().union(*(m.atoms(sp.MatrixSymbol) for m in self.entries)) if self.entries else set()
        sizes = {s for part in parts for s in sizes_in(part)}
        return set().union(*map(names_in, parts)) | matrices | set(self.entries.values()) | sizes

    # the judgement

    def judge(self, answer):
        """Refuted at a point, or proved for all values; where neither goes, ten points decide, and it is said so."""
        scalar = self.scalar(answer)
        try:
            values = self.values(self.opened(scalar), POINTS)
            if any(not same_value(right, yours) for _, right, yours in values):
                return self.refused(answer, scalar, values)
            if self.proved(scalar):
                return self.accepted(answer, scalar)
            return self.by_numbers(answer, scalar, "it could not be shown to be right or wrong")
        except Undecided as undecided:
            return self.by_numbers(answer, scalar, str(undecided))
        except WrongIndex:
            return self.refused(answer, scalar, values)
        except (ValueError, TypeError, AttributeError, IndexError) as error:
            raise NoFormula(str(error)) from None

    def scalar(self, answer):
        try:
            return self.proof.scalar(answer)
        except (ValueError, TypeError) as error:  # shapes that do not fit
            raise NoFormula(str(error)) from None

    def proved(self, scalar):
        """Is it SymPy's own derivative of what the question asks for, for all values and all sizes?"""
        now = resolve(scalar, self.table)
        return is_zero(self.start() - now, index_ranges(self.asked, scalar, self.start(), now))

    def start(self):
        if self._start is None:
            self._start = resolve(self.asked, self.table)
        return self._start

    def accepted(self, answer, scalar, how=""):
        lines = self.lines()
        left = {(str(base_of(p.expr)), str(base_of(p.variable))) for p in self.still_to_take(scalar)}
        place = self.place_of(left) if left else len(lines)
        head = f"Right{how}: {self.name} = {shown(answer)}"
        if left:
            todo = ", ".join(sorted({plain(p) for p in self.still_to_take(scalar)}))
            where = f"you stand in line {place} of {len(lines)}" if place else "you are not at the end yet"
            return Finding(True, f"Right so far: {where}. Still to be taken: {todo}.", finished=False)
        indent = " " * len(self.scalar_name())
        steps = [f"  {indent if p else self.scalar_name()} = {shown(line)}" for p, line in enumerate(lines)]
        steps[-1] += "     <- you stand here"
        told = f"You stand in the last of {len(lines)} lines; nothing is left to differentiate:" if len(lines) > 1 else ""
        return Finding(True, "\n".join([head, told, *steps] if told else [head]))

    def still_to_take(self, expr):
        """The derivatives in a formula that the definitions would let the reader take."""
        done = set(self.right.atoms(Partial))
        return [p for p in sorted(expr.atoms(Partial), key=sp.default_sort_key)
                if p not in done and not self.unknown(p)]

    def unknown(self, partial):
        definition = self.table.get(base_of(partial.expr)) if isinstance(partial.expr, (sp.Symbol, sp.Indexed)) else None
        return isinstance(definition, Depends) and definition.covers(partial.expr, partial.variable)

    def place_of(self, left):
        for depth in range(1, DEEPEST):
            chain = Chain(self.table, depth=depth)
            chain.line(self.asked)
            if chain.left == left:
                return depth
            if not chain.left:
                return 0
        return 0

    def by_numbers(self, answer, scalar, why):
        values = self.values(self.opened(scalar), 10)
        if any(not same_value(right, yours) for _, right, yours in values):
            return self.refused(answer, scalar, values)
        if len(values) < 5:
            raise NoFormula(why)
        return self.accepted(answer, scalar, f", as far as {len(values)} sample points can tell")

    def refused(self, answer, scalar, values):
        scalar = self.opened(scalar)
        if scalar == 0:
            return Finding(False, f"Not yet: {self.name} is not 0 everywhere.", "zero")
        point, right, yours = next((v for v in values if not same_value(v[1], v[2])), (None, 0, 0))
        if point is None:
            raise NoFormula("an index is wrong: it runs further, or less far, than the array it stands on")
        kind, name = self.mistake(scalar, values)
        ratio = f", ratio {show_number(yours / right)}" if right else ""
        return Finding(False, "\n".join([f"Not yet: {name}." if name else "Not yet: its value is another one.",
                                         f"  yours   {shown(answer)}", f"  at      {self.described(point)}",
                                         f"  values  yours {show_number(yours)}, right {show_number(right)}{ratio}"]), kind)

    def described(self, point):
        clean = _Place([self.asked, self.right], point.seed, self.chain)
        clean.value(self.right)
        leaves = {key: value for key, value in clean.seen.items() if not isinstance(key[0], sp.Basic) or key[0] not in self.table}
        clean.seen = leaves or clean.seen
        return clean.describe()

    def opened(self, expr):
        try:
            return resolve(expr, self.table) if self.still_to_take(expr) else expr
        except (ValueError, Undecided) as error:
            raise NoFormula(str(error)) from None

    def point(self, seed):
        if seed not in self._points:
            self._points[seed] = _Place([self.asked, self.right], seed, self.chain)
        return self._points[seed]

    def values(self, expr, wanted):
        """(point, right value, value of the expression) at the first points where both have one."""
        found = []
        for seed in range(TRIES):
            point = self.point(seed)
            try:
                found.append((point, self.right_at(seed), point.value(self.apart(expr))))
            except NoValue:
                continue
            if len(found) == wanted:
                break
        return found

    def seeds(self):
        """Two points at which the right formula has a value."""
        return [point.seed for point, *_ in self.values(self.right, 2)]

    def right_at(self, seed):
        if seed not in self._right_at:
            self._right_at[seed] = self.point(seed).value(self.right)
        return self._right_at[seed]

    def mistake(self, answer, values):
        """(kind, name) of the mistake that the answer is, or ("other", a constant ratio in words or nothing)."""
        loose = self.loose(answer)
        for node in self.tree():
            if len(node.loose) == len(loose) and self.agree((node.at(point), yours) for point, _, yours in values):
                return node.kind, node.name
        for name, back in mutants(answer) if not loose else ():
            if reversed_name(name) and self.agree((_value_at(point, back), right) for point, right, _ in values):
                return kind_of(reversed_name(name)), reversed_name(name)
        if loose:
            return "sum", f"the index {plain(loose[0])} is left over, no sum runs over it"
        ratios = {show_number(yours / right) for _, right, yours in values if right}
        if len(ratios) == 1 and len(values) > 1:
            return "factor", f"it is {ratios.pop()} times the right one, everywhere"
        share = self.share(values)
        return ("mean", f"it is {share} times the right one, everywhere") if share else ("other", "")

    @staticmethod
    def share(values):
        """A number and a size, such as 1/(2 n), by which an answer is wrong everywhere; "" if there is none."""
        ratios = [(point.size, Fraction(yours) / Fraction(right)) for point, right, yours in values
                  if right and isinstance(right, Rational) and isinstance(yours, Rational)]
        for size in sorted(ratios[0][0], key=str) if len(ratios) > 1 else ():
            for power in (-1, 1):
                found = {ratio / Fraction(sizes[size])**power for sizes, ratio in ratios}
                if len(found) == 1 and len({sizes[size] for sizes, _ in ratios}) > 1:
                    return plain(sp.Rational(found.pop()) * size**power)
        return ""

    def tree(self):
        """The nodes of the tree of mistakes, no two of one value, none that is right; made as far as they are needed."""
        yield from self._tree
        for mistake in self._nodes:
            node = Node(self, mistake)
            if node.key is not None and node.key not in self._keys:
                self._keys.add(node.key)
                self._tree.append(node)
                yield node

    def loose(self, expr):
        """The indices that the answer leaves free and the question does not."""
        counted = {i for e in expr.atoms(sp.Indexed) for i in e.indices if i.is_Symbol}
        known = self.asked.free_symbols | self.right.free_symbols
        return sorted(counted & expr.free_symbols - known, key=str)

    def apart(self, expr):
        """The expression with its loose indices under letters of their own, so that Sum's i and somebody's m are the same."""
        return expr.xreplace({i: sp.Symbol(f"_loose_{p}", integer=True) for p, i in enumerate(self.loose(expr))})

    @staticmethod
    def agree(pairs):
        return all(one is not None and same_value(one, two) for one, two in pairs)

    # NumPy

    def judge_code(self, function):
        """A function of arrays, named like the symbols, against the right formula and every mistake at once."""
        free = self.free()
        points = [_Place([self.asked, self.right], seed, self.chain) for seed in range(2)]
        runs = [(point, self.right_array(point, free), self.run(function, point)) for point in points]
        for _, right, got in runs:
            if got.shape != right.shape:
                turned = ": it is transposed" if got.shape == right.shape[::-1] else ""
                wanted = f"{right.shape}{turned}" if right.shape else "one number"
                return Finding(False, f"Not yet: your function returns shape {got.shape}, expected {wanted}.",
                               "transpose" if turned else "shape")
        if all(_close(got, right) for _, right, got in runs):
            lines = self.lines()
            like = f"like the last of {len(lines)} lines" if len(lines) > 1 else "like the formula"
            return Finding(True, f"Right: your function computes {self.name}, on two sets of arrays, {like}:\n"
                                 f"  {self.scalar_name()} = {shown(lines[-1])}")
        point, right, got = runs[0]
        kind, name = self.mistake_of_code(runs, free)
        place = np.unravel_index(np.argmax(np.abs(got - right)), got.shape) if got.shape else ()
        entry = f"in entry {', '.join(str(p + 1) for p in place)}: " if got.shape else ""
        ratio = f", ratio {got[place] / right[place]:.6g}" if right[place] else ""
        return Finding(False, (f"Not yet: {name}." if name else "Not yet: its value is another one.")
                       + f"\n  values  {entry}yours {got[place]:.6g}, right {right[place]:.6g}{ratio}", kind)

    def free(self):
        ranges = index_ranges(self.asked, self.right)
        return [i for i in ranges_in(self.asked, self.right) if i in ranges]

    def right_array(self, point, free):
        return point.over(self.right, free)

    def mistake_of_code(self, runs, free):
        for node in self.tree():
            if node.loose:
                continue
            try:
                if all(_close(got, point.over(node.formula, free)) for point, _, got in runs):
                    return node.kind, node.name
            except (NoValue, TypeError, ValueError, IndexError):
                continue
        return "other", ""

    def run(self, function, point):
        arrays = {name: point.array(self.base_named(name)) for name in inspect.signature(function).parameters}
        try:
            got = np.asarray(function(**arrays), dtype=float)
        except Exception as error:  # whatever a reader's code may raise
            shapes = ", ".join(f"{name} {np.shape(value)}" for name, value in arrays.items())
            why = f"{type(error).__name__}: {error}"
            raise NoFormula(f"your function stops with {why} (given arrays of shapes {shapes})") from None
        if not np.all(np.isfinite(got)):
            raise NoFormula("your function returns values that are not finite")
        return got

    def base_named(self, parameter):
        known = {spelling: base for base in sorted(self.names(), key=str) if not str(base) == parameter
                 for spelling in spellings(str(base))} | {str(base): base for base in self.names()}
        if parameter not in known:
            raise NoFormula(f"your function has a parameter {parameter}; the exercise knows "
                            f"{', '.join(sorted(str(name) for name in self.names()))}")
        return known[parameter]


def _close(got, right):
    return got.shape == right.shape and np.allclose(got, right, rtol=1e-9, atol=1e-12)
