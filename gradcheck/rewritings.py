"""The usual mistakes of programs, undone: other ways to write an expression, as text.

`REWRITINGS`, at the end, is the table of them: for each mistake, which expressions may hold it and
how they read without it. `texts_of` interprets it.
"""

import ast
import itertools
import re
from collections import Counter
from functools import lru_cache

import numpy as np

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
LEFT_OUT = "missing"  # tried where none of these explains the fault
MEANINGS = MISTAKES | {LEFT_OUT: "a factor is left out"}
OLD = "__old__"  # in a text, what the expression is now
LIMIT = 400  # ways to write a line, for one mistake
MOST_FACTORS = 40  # that may have been left out of a line
SLOPES = ("{0}*(1 - {0})", "(1 - {0}**2)", "({0} > 0)")
WITH = (
    "{X} * {x}", "{X} * (1 - {x})", "{X} / {x}", "{X} / {x}.size", "{X} @ {x}", "{X} @ {x}.T",
    "{x} @ {X}", "{x}.T @ {X}", "{X}[:, None] * {x}", "{X} * {x}[:, None]",
)  # fmt: skip
RATES = re.compile(r"\b(eta|lr|alpha|rate|learning_rate|step_size)\b")
A_SLOPE = re.compile("prime|slope|deriv")
COUNTS = re.compile(r"\blen\(|\.shape|\.size\b|\b(n|N|m|n_samples)\b")
OPAQUE = (ast.JoinedStr, ast.NamedExpr, ast.Yield, ast.YieldFrom, ast.Await, ast.Starred)
ATOMS = (ast.Name, ast.Subscript)
VALUES = (*ATOMS, ast.BinOp, ast.Call, ast.Attribute)
NO_VALUES = (ast.Dict, ast.Tuple, ast.List, ast.DictComp, ast.ListComp)
EXPRESSIONS = (*VALUES, *NO_VALUES, ast.UnaryOp, ast.Constant, ast.Compare)
STATEMENTS = (ast.stmt, ast.excepthandler, ast.match_case)


@lru_cache(8192)
def plain(node):
    return ast.unparse(node)


def t(node):
    """The text of a node, to stand in another."""
    return f"({plain(node)})"


@lru_cache(8192)
def tidy(text):
    """The text of an expression without needless brackets."""
    return re.sub(r"\.T\.T\b", "", plain(ast.parse(text, mode="eval").body))


def own_expressions(statement):
    """Those of a statement, outermost first, without those of statements inside it."""
    todo = [statement]
    for node in todo:
        todo += [n for n in ast.iter_child_nodes(node) if not isinstance(n, STATEMENTS)]
    return todo[1:]


def ways_to_write(function, scope, given):
    """(statement, node, {text: mistakes}) for each expression of a function.

    The arguments that it was given, {name: value}, may be among the factors that are left out.
    """
    words, tried = Words(function, scope, given), Counter()
    inside = (s for s in ast.walk(function) if isinstance(s, ast.stmt))
    for statement in (s for s in inside if not isinstance(s, ast.FunctionDef)):
        words.look_at(statement)
        for node in filter(words.can_change, own_expressions(statement)):
            texts, told = {}, words.mistakes_in(node)
            for mistake, rows in ((m, rows) for m, rows in REWRITINGS.items() if m in told):
                left = LIMIT * (4 if mistake == LEFT_OUT else 1) - tried[node.lineno, mistake]
                found = itertools.chain(*(texts_of(row, node, words) for row in rows))
                found = dict.fromkeys(itertools.islice(found, left))
                tried[node.lineno, mistake] += len(found)
                for text in found:
                    if mistake != LEFT_OUT or text not in texts:
                        texts.setdefault(text, []).append(mistake)
            texts.pop(plain(node), None)
            if texts:
                yield statement, node, texts


class Words:
    """The names and entries that occur in a program, as text, and where its nodes stand."""

    def __init__(self, function, scope, given):
        nodes, once = list(ast.walk(function)), lambda texts: list(dict.fromkeys(texts))
        all_of = lambda kind: [n for n in nodes if isinstance(n, kind)]
        within = lambda tops: {id(n) for top in tops for n in ast.walk(top)}
        names, entries = all_of(ast.Name), once(map(plain, all_of(ast.Subscript)))
        calls, grown = all_of(ast.Call), all_of(ast.AugAssign)
        self.indices = within(n.slice for n in all_of(ast.Subscript))
        quotients = [n for n in all_of(ast.BinOp) if is_(n, ast.Mult, ast.Div)]
        self.multiplied = {id(part) for n in quotients for part in (n.left, n.right)}
        below = [n.right for n in quotients if is_(n, ast.Div)]
        self.below = within(below + [n.value for n in grown if isinstance(n.op, ast.Div)])
        self.grown = {id(n.value): n.op for n in grown}
        ranges = [a for n in calls if plain(n.func) == "range" for a in n.args]
        self.counters = within(ranges + [k for n in calls for k in n.keywords])  # 1 in axis=1
        self.fixed = within(all_of(OPAQUE)) | {id(n.func) for n in calls}
        self.fixed |= {id(n.value) for n in all_of(ast.Expr)}

        outer = [n.id for n in names if isinstance(scope.get(n.id), np.ndarray)]
        given_names = [n.arg for n in ast.walk(function.args) if isinstance(n, ast.arg)]
        self.names = once(given_names + [n.id for n in names if not is_read(n)] + outer)
        self.entries = [text for text in entries if root(text) in self.names]
        self.layers = once(re.findall(r"\[([^\[\]:,]+)\]", plain(function)))
        self.sizes = [name for name in self.names if COUNTS.fullmatch(name)]
        self.sizes += [f"len({name})" for name in once(given_names + outer)]
        self.rates = [name for name in self.names if RATES.fullmatch(name)][:1]
        biases = [text for text in self.names + self.entries if re.match(r"b|\w+\['b", text)]
        biases += [f"{b}[{layer}]" for b in biases if b in self.names for layer in self.layers]
        biases += [re.sub(r"\['[Ww]", "['b", text) for text in self.entries]  # where W is, b is
        self.biases = once(biases)
        counted = {n.id for n in names if id(n) in self.indices}
        self.whole = [name for name in self.names if name in counted or COUNTS.fullmatch(name)]
        self.at_hand = list(values_in({**given, **scope}))
        # What is computed with a learning rate holds values of afterwards.
        changes = [(n.targets[0], n) for n in all_of(ast.Assign)] + [(n.target, n) for n in grown]
        self.moved = {root(plain(target)) for target, n in changes if RATES.search(plain(n))}

    def look_at(self, statement):
        """Take the words of a statement first."""
        own = own_expressions(statement)
        texts = [plain(n) for n in own if isinstance(n, ATOMS) and root(plain(n)) in self.names]
        known = dict.fromkeys(texts + self.entries + self.names)
        self.arrays = [text for text in known if text not in self.whole]
        beside = []  # a[l] for a line that says what delta[l] is
        target = getattr(statement, "targets", [statement])[0]
        if isinstance(target, ast.Subscript):
            names = dict.fromkeys(map(root, self.entries))
            beside = [f"{name}[{plain(target.slice)}]" for name in names]
        self.steps = [x for x in dict.fromkeys(self.arrays + self.biases) if x not in self.rates]
        self.factors = list(dict.fromkeys(self.arrays + self.at_hand))[:MOST_FACTORS]
        slopes = SLOPES[: 2 if any(isinstance(n, ast.Compare) for n in own) else 3]
        units, named = dict.fromkeys(beside + self.arrays), filter(A_SLOPE.search, self.names)
        self.slopes = [slope.format(a) for a in units for slope in slopes]
        self.slopes += [f"{f}({a})" for f in named for a in self.arrays]

    def can_change(self, node):
        parts = ast.iter_child_nodes(node)
        return (
            isinstance(node, EXPRESSIONS) and is_read(node) and id(node) not in self.fixed
            and not any(isinstance(n, (ast.Slice, OPAQUE)) for n in parts)
            and getattr(node, "attr", "T") == "T"
        )  # fmt: skip

    def mistakes_in(self, node):
        if id(node) in self.indices:
            return {"index"}
        if isinstance(node, NO_VALUES):
            return {"updated"}
        return REWRITINGS.keys() - ({"factor"} if id(node) in self.below else set())


def is_read(node):
    return isinstance(getattr(node, "ctx", ast.Load()), ast.Load)


def counts(node):
    """Does it name a number of samples?"""
    return bool(COUNTS.search(plain(node)))


def root(text):
    return re.split(r"[\[.]", text)[0]


def is_(node, *operations):
    return isinstance(node, ast.BinOp) and isinstance(node.op, operations)


def swapped(node, old, new):
    """The text of a node with one name or entry for another."""
    return re.sub(rf"(?<![\w.'\"]){re.escape(old)}(?!\w)", lambda _: new, plain(node))


def values_in(scope, most=MOST_FACTORS):
    """The texts that stand for arrays and numbers of a scope, those in structures too."""
    todo = [(name, value) for name, value in scope.items() if not name.startswith("_")]
    for text, value in itertools.islice(todo, 50 * most):
        if isinstance(value, dict):
            todo += [(f"{text}[{key!r}]", inner) for key, inner in list(value.items())[:most]]
        elif isinstance(value, (list, tuple)):
            todo += [(f"{text}[{k}]", inner) for k, inner in enumerate(value[:most])]
        elif isinstance(value, (np.ndarray, np.number, float, int)) and type(value) is not bool:
            yield text


# ------------------------------------------------------------------------------- a row of the table


def texts_of(row, node, words):
    """What a row puts in the place of an expression."""
    if callable(row):
        yield from row(node, words)
        return
    where, *templates = row
    parts = {"X": node} if callable(where) else bindings(FORMS[where], node)
    if parts is None or callable(where) and not where(node, words):
        return
    letters = {letter: OLD if part is node else t(part) for letter, part in parts.items()}
    fields = list(dict.fromkeys(re.findall(r"{([a-z]+)}", "".join(templates))))
    for chosen in itertools.product(*(getattr(words, field) for field in fields)):
        filled = letters | dict(zip(fields, chosen))
        yield from (template.format_map(filled) for template in templates)


def bindings(form, node):
    """{letter: the expression it stands for} if an expression is of a form, else None."""
    if isinstance(form, ast.Name):
        return None if form.id == "N" and not counts(node) else {form.id: node}
    if type(form) is not type(node):
        return None
    inside, own = (list(ast.iter_child_nodes(n)) for n in (form, node))
    found = [bindings(*pair) for pair in zip(inside, own)] if len(inside) == len(own) else [None]
    return None if None in found else {k: part for parts in found for k, part in parts.items()}


def is_one_of(*kinds):
    """Of these kinds, or a sum, product, ... of these?"""
    return lambda node, words: isinstance(node, kinds) or is_(node, *kinds)


def is_above(node, words):
    """A value, but none of a divisor."""
    return isinstance(node, VALUES) and id(node) not in words.below


def is_signed(node, words):
    return isinstance(node, (ast.BinOp, ast.Call, *ATOMS)) and not counts(node)


def is_divisor_in_place(node, words):
    return isinstance(words.grown.get(id(node)), ast.Div) and counts(node)


def is_factor_in_place(node, words):
    return isinstance(words.grown.get(id(node)), ast.Mult | ast.Div) and not counts(node)


def renamed_call(old, new):
    def texts(node, words):
        if isinstance(node, ast.Call) and (name := plain(node.func)).endswith(f".{old}"):
            yield name.removesuffix(old) + new + plain(node).removeprefix(name)

    return texts


def updated(node, words):
    """An old name for a new one, everywhere in the expression; p for p | {new values}."""
    used = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)} & words.moved
    if is_(node, ast.BitOr) and used:
        yield t(node.left)
    yield from (swapped(node, new, old) for new in sorted(used) for old in words.names)


def half_of_a_slope(node, words):
    if is_(node, ast.Mult):  # a(1 - a)
        yield from (f"{OLD} * {a}" for a in words.arrays if f"1 - {a}" in plain(node))


def argument(node, words):
    """Another variable in a slope: 1 - a of a (1 - a), 1 - a**2, a > 0, a function of the slope."""
    slopes = [n for n in ast.walk(node) if is_slope(n)]
    if is_(node, ast.Mult) or is_slope(node):
        parts = [n for slope in slopes for n in ast.walk(slope)]
        atoms = [n for n in parts if isinstance(n, (*ATOMS, ast.Call))]
        for old, new in itertools.product(dict.fromkeys(map(plain, atoms)), words.arrays):
            yield swapped(node, old, new)


def is_slope(node):
    if isinstance(node, ast.Call):
        return bool(A_SLOPE.search(plain(node.func)))
    one = is_(node, ast.Sub) and isinstance(node.left, ast.Constant) and node.left.value == 1
    return one or isinstance(node, ast.Compare)


def fewer_factors(node, words):
    if is_(node, ast.Mult, ast.Div):
        factors = factors_of(node)
        for out in (c for n in (1, 2) for c in itertools.combinations(factors, n)):
            kept = ["/*"[times] + t(f) for times, f in factors if (times, f) not in out]
            if kept and not any(counts(factor) for _, factor in out):
                text = "".join(kept)
                yield text[1:] if text[0] == "*" else f"1{text}"


def factors_of(node):
    """[(is it multiplied?, factor), ...] of a product, flat."""
    if not is_(node, ast.Mult, ast.Div):
        return [(True, node)]
    right = [(times == is_(node, ast.Mult), factor) for times, factor in factors_of(node.right)]
    return factors_of(node.left) + right


def other_numbers(to_count):
    """The next numbers of one that counts; of another also the double and the half."""

    def texts(node, words):
        number = isinstance(node, ast.Constant) and type(node.value) in (int, float)
        if number and to_count == (id(node) in words.counters | words.indices):
            yield from map(str, (node.value + 1, node.value - 1))
            if not to_count:
                yield from map(str, (2 * node.value, node.value / 2))

    return texts


def factor_left_out(node, words):
    """A factor at either side, times or matrix product, shapes permitting; its 1 - x."""
    first = 4 if id(node) in words.multiplied else 0  # the product around it is asked about these
    if is_above(node, words):
        yield from (form.format(X=OLD, x=x) for x in words.factors for form in WITH[first:])


def other_entry(node, words):
    if id(node) in words.below:
        return
    if isinstance(node, ast.Subscript) and not isinstance(node.slice, ast.Slice):
        index = plain(node.slice)
        shorter = re.findall(r"^(.*\S)\s*[+-]\s*1$", index)
        for new in dict.fromkeys([f"{index} + 1", f"{index} - 1", *shorter, *words.layers]):
            yield f"{t(node.value)}[{new}]"
    if isinstance(node, ATOMS) and root(plain(node)) not in words.moved:
        yield from words.whole if plain(node) in words.whole else words.arrays


# -------------------------------------------------------------------------------- rows by mistake

# A row says where it applies, as a form or a test, and what may stand there instead; or it is a
# function that yields this. A capital letter is any expression, N a number of samples, X the whole;
# {arrays} stands for each of `Words.arrays` in turn, and so on.
REWRITINGS = {
    "sum": [
        renamed_call("sum", "mean"),
        ("N * A", "{A}"), ("A * N", "{A}"),
        (is_above, "{X}/{sizes}"),
    ],
    "mean": [
        renamed_call("mean", "sum"),
        ("A / N", "{A}"), ("N ** A", "{N}"),
        (is_divisor_in_place, "1"),
    ],
    "sign": [
        ("A - B", "{B} - {A}", "{A} + {B}"), ("A + B", "{A} - {B}"), ("-A", "{A}"),
        (is_signed, "-{X}"),
    ],
    "mask": [
        ("A >= B", "{A} > {B}"), ("A <= B", "{A} < {B}"),
        ("A > B", "{A} >= {B}"), ("A < B", "{A} <= {B}"),
    ],
    "updated": [updated],
    "bias": [
        (is_one_of(ast.MatMult, ast.Mult, ast.Add, ast.Call), "{X} + {biases}"),
        (is_one_of(*ATOMS), "{X} - {rates}*{steps}"),
    ],
    "transpose": [
        (is_one_of(*ATOMS, ast.Attribute, ast.Call, ast.Sub, ast.Add), "{X}.T"),
        ("A @ B", "{A}.T @ {B}", "{A} @ {B}.T", "{A}.T @ {B}.T",
         "{B} @ {A}", "{B} @ {A}.T", "{B}.T @ {A}", "{B}.T @ {A}.T"),
    ],
    "slope": [
        (is_one_of(*VALUES), "{X} * {slopes}"),
        half_of_a_slope,
    ],
    "argument": [argument],
    "factor": [
        fewer_factors,
        (is_factor_in_place, "1"),
        ("(A - B)**C", "{A} - {B}**{C}"), ("A - B", "{A} - {B}**2"),
        other_numbers(to_count=False),
        (is_one_of(ast.BinOp, ast.Call, *ATOMS), "2*{X}", "{X}/2"),
    ],
    "index": [other_numbers(to_count=True), other_entry],
    LEFT_OUT: [factor_left_out],
}  # fmt: skip
ROWS = [row for rows in REWRITINGS.values() for row in rows if isinstance(row, tuple)]
FORMS = {row[0]: ast.parse(row[0], mode="eval").body for row in ROWS if isinstance(row[0], str)}
