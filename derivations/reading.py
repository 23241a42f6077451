r"""Formulas as people type them, in plain text or LaTeX, read into SymPy; nothing is ever
evaluated.

    (w*x - y)**2/2                         as in Python
    (w x - y)²/2                           with blanks for products, ² and Greek letters
    Sum((w*x[i] - y[i])**2, (i, 1, n))/n   entries and sums as in the notebooks
    \frac{1}{n}\sum_i (w x_i - y_i)^2      LaTeX
    X.T @ (X @ w - y)/n, ||X w - y||^2     matrices: those that are known, or else capital letters

A text is spelled in plain letters and cut into tokens, which are the same for plain text and LaTeX;
the tokens become a tree, the tree becomes a formula of the names that are known. Where none are
given they are made: real symbols, whole numbers for what stands as an index or ends a sum. Short
decimals are exact.

Before a bracket, one letter with at most a short index is a factor, as in x(x + 1) or y_i(1 - a);
every longer name is a function, and refused if none of that name is known, unless the same name
also stands without a bracket, in any of the texts: w_1(x + 1) is a product beside w_1.
"""

import re
import unicodedata
from collections import Counter
from difflib import get_close_matches
from functools import reduce
from itertools import count

import sympy as sp
from sympy import evaluate
from sympy.printing.pretty.pretty_symbology import greek_unicode

from derivations.printing import MARKS
from derivations.shapes import ONE, Misfit, Shapes
from derivations.symbols import (
    Activation,
    Partial,
    activation,
    as_written,
    indexed,
    label_of,
    sigmoid,
    softplus,
)

LONGEST, LARGEST = 2_000, 100  # characters of a text; number that may stand as an exponent

FUNCTIONS = {
    **{name: getattr(sp, name) for name in ("exp log sqrt tanh sinh cosh sin cos atan erf sign "
                                            "Abs Max Min Heaviside KroneckerDelta").split()},
    "ln": sp.log, "arctan": sp.atan, "abs": sp.Abs, "max": sp.Max, "min": sp.Min,
    "maximum": sp.Max, "minimum": sp.Min, "power": lambda a, b: a**b, "square": lambda z: z**2,
    "log1p": lambda z: sp.log(1 + z), "expm1": lambda z: sp.exp(z) - 1, "exp2": lambda z: 2**z,
    "log2": lambda z: sp.log(z)/sp.log(2), "log10": lambda z: sp.log(z)/sp.log(10),
    "sigmoid": sigmoid, "sigma": sigmoid, "logistic": sigmoid, "softplus": softplus,
    **dict.fromkeys(("relu", "ReLU"), lambda z: sp.Max(z, 0)),
    **dict.fromkeys(("heaviside", "step", "H"), sp.Heaviside)}
OF_A_MATRIX = {**dict.fromkeys(("tr", "Tr", "trace"), sp.Trace), "transpose": sp.Transpose}
# before a bracket they are functions, unless known as values
LONG_NAMES = {name for name in {*FUNCTIONS, *OF_A_MATRIX} if len(name) > 1 and name != "sigma"}
# functions that nobody takes of a number alone: sin 2w is sin(2w), but log 2w may be log(2) w
OF_A_PRODUCT = {"sin", "cos", "tanh", "sinh", "cosh"}
UNKNOWN = ("f", "g", "h", "phi", "psi")
# where a sum has no end, and no array says how far it runs
SIZES = dict(i="n", j="d", k="m", l="p")
NO_NAMES = {"oo", "inf", "Inf", "infinity", "Infinity", "nan", "NaN", "True", "False", "None"}
INSTEAD = {
    "tan": "sin(x)/cos(x)", "sec": "1/cos(x)", "csc": "1/sin(x)", "cot": "cos(x)/sin(x)",
    "sech": "1/cosh(x)", "csch": "1/sinh(x)", "coth": "cosh(x)/sinh(x)", "lg": "log10(x)",
    "gelu": "x (1 + erf(x/sqrt(2)))/2", "silu": "x sigmoid(x)", "swish": "x sigmoid(x)",
    "softmax": "exp(z_k)/sum_j exp(z_j)"}
NO_FUNCTIONS = {*INSTEAD, *("cosec tg ctg asin acos arcsin arccos asinh acosh atanh sinc argmax "
                            "argmin det diag lim".split())}
PYTHON = {"for", "in", "if", "else", "and", "or", "not", "import", "def", "return"}


class Unreadable(ValueError):
    """A text that is no formula, or holds a name nobody knows; says where, and what to write."""


def read(*texts, known=(), functions=(), shapes=None, spelled=None):
    """The formulas that the texts stand for, one for each; they share their names.

    Parameters
    ----------
    *texts : str
        Plain text or LaTeX. Of an equation the right side is taken.
    known : iterable of Symbol, IndexedBase and MatrixSymbol
        The names that may occur; every other one is refused. Without it names are made as they are
        met.
    functions : iterable of Activation classes
        Functions that may occur beside the usual ones.
    spelled : dict, optional
        Names by another spelling of theirs, as in {"delta1": delta^(1)}; they must be known.
    shapes : dict, optional
        What is a matrix or a vector where no name is known, as in {"X": ("n", "d"), "w": ("d",)}.
        Without it they are told by the signs of matrices, as in Xᵀ, @, ||…|| and tr(…): then a
        capital letter is a matrix, a small one a column or a number, a Greek one a number. The
        first text, the function, must be one number.

    Raises
    ------
    Unreadable
        With the place in the text, or the name that may have been meant.

    Examples
    --------
    >>> read("0.5 (w x - y)²", r"\\frac{1}{2}(wx - y)^{2}")
    [(w*x - y)**2/2, (w*x - y)**2/2]
    """
    names = _Names(known, functions, spelled)
    trees = _trees(texts, names)
    if not known:
        _must_be_products(trees)
        trees = _with_entries(trees)
        _must_not_mix(trees, shapes)
        of_matrices = bool(shapes) or _is_of_matrices(trees)
        if found := _products(trees, texts, shapes or {}, of_matrices):
            names.glued = found
            trees = _with_entries(_trees(texts, names))
        if of_matrices:
            known, trees = _matrices(trees, texts, shapes or {})
            names = _Names(known, functions)
    names.learn(trees)
    with as_written():
        return [names.formula(tree, text) for tree, text in zip(trees, texts)]


def _trees(texts, names):
    parsers = [_Parser(text, names) for text in texts]
    for parser in parsers:
        names.alone |= parser.stand_alone()
    return [parser.tree() for parser in parsers]


# What the trees say of their names ---------------------------------------------------------------

NOUGHT = ("number", "0")


def _all(*trees):
    """Every node of some trees."""
    found, todo = [], [*reversed(trees)]
    while todo:
        node = todo.pop()
        if isinstance(node, tuple):
            found.append(node)
        todo += node if isinstance(node, list) else node[1:] if isinstance(node, tuple) else ()
    return found


def _letters(*trees):
    return {node[1] for node in _all(*trees) if node[0] == "name"}


def _with(tree, put):
    """The tree with put(node) for each node of which that is one."""
    if isinstance(tree, tuple) and (found := put(tree)):
        return found
    kind = type(tree) if isinstance(tree, (tuple, list)) else None
    return kind(_with(part, put) for part in tree) if kind else tree


def _must_be_products(trees):
    """L(w) is a product only where L stands elsewhere too: it may be a function."""
    nodes = _all(*trees)
    told = Counter(node[1] for node in nodes if node[0] in ("name", "entry"))
    beside = Counter(node[3] for node in nodes if node[0] == "times" and any(node[3:]))
    for name in beside:
        if told[name] <= beside[name]:
            raise Unreadable(f"{name}(…) may be a function or a product: write {name}*(…) for the "
                             f"product; functions without a rule are {', '.join(UNKNOWN)}")


def _kinds(trees):
    return {node[1] if node[0] == "call" else node[0] for node in _all(*trees)}


def _must_not_mix(trees, shapes):
    kinds = _kinds(trees)
    if not shapes and kinds & {"transposed", "matmul"} and kinds & {"entry", "sum"}:
        raise Unreadable(
            "a transpose or @ stands with whole matrices, and there are entries or sums as well: "
            "write all with matrices, as in ||X w - y||^2, or all with entries, as in "
            "Sum((Sum(w[k]*x[i, k], (k, 1, d)) - y[i])**2, (i, 1, n))")


def _is_of_matrices(trees):
    kinds = _kinds(trees)
    return bool(kinds & {"transposed", "matmul", "norm", *OF_A_MATRIX}
                and not kinds & {"entry", "sum"})


def _products(trees, texts, said, of_matrices):
    """Names such as Xw and wx that are products, as their letters stand elsewhere: in LaTeX, and
    in plain text of matrices or beside LaTeX; else they are refused, as they may be one name."""
    letters = {node[1] for node in _all(*trees) if node[0] in ("name", "entry")}
    found = {name for name in letters if len(name) > 1 and {*name} <= letters | {"e"}
             and {*name} != {"e"}}
    if of_matrices:
        return {name for name in found - said.keys() - {str(trees[-1][1])}
                if {*name} <= letters and len(name) < 4 and not name.islower()}
    for name in () if any("\\" in text for text in texts) else sorted(found):
        raise Unreadable(f"{name} would be one name: write {'*'.join(name)} for a product")
    return found


def _with_entries(trees):
    """w_1 is an entry where there is a w_j, and else a name; w_0 is a name unless j begins at 0."""
    nodes = _all(*trees)
    ranks = {node[1]: len(node[2]) for node in nodes if node[0] == "entry"}
    stem = str(trees[-1][1]).rpartition("_")[0]
    if _is_of_matrices(trees[:1]) and trees[-1] not in _all(trees[0]) and (
            stem in _letters(trees[0])):  # ||w||^2 by w_1
        ranks.setdefault(stem, 1)
    begins = {letter for kind, *parts in nodes if kind == "sum" for letter, low, _ in parts[1]
              if low == NOUGHT}
    from_nought = {node[1] for node in nodes if node[0] == "entry" and begins & _letters(node)}

    def entry(node):
        name, _, digits = str(node[1]).rpartition("_") if node[0] == "name" else ("", "", "")
        if name not in ranks or not digits.isdigit() or (
                "0" in (digits, digits[0]) and name not in from_nought):
            return None
        parts = [digits] if ranks[name] == 1 else [*digits]
        return len(parts) == ranks[name] and ("entry", name, [("number", part) for part in parts])

    return [_with(tree, entry) for tree in trees]


def _matrices(trees, texts, said):
    """Symbols for all names in the trees, matrices where they are used as such, and the trees with
    the sizes of the identities in them."""
    keys = (("identity", str(key)) for key in count())
    if "I" not in said and trees[-1] != ("name", "I"):
        trees = [_with(tree, lambda node: node == ("name", "I") and next(keys)) for tree in trees]
    below = [node[2] for node in _all(*trees) if node[0] in ("over", "power")
             and not _is_of_matrices(node[2:])]
    numbers = {name for name in GREEK.values() if name.islower()} | _letters(*below)
    shapes = Shapes(said, numbers & _letters(*trees) - ({"pi", "e"} - said.keys()))
    for tree, text in zip(trees, texts):
        try:
            found = shapes.shape(tree)
            if tree is trees[0]:
                shapes.fit(found, ONE)
            elif not all(map(shapes.is_known, found)):  # as of I alone
                shapes.fit(found, shapes.shape(trees[-1]))
            if tree is trees[0] or tree is trees[-1]:
                shapes.settle()
        except (Misfit, AttributeError) as error:
            why = error if isinstance(error, Misfit) else "that is not told by products alone"
            raise Unreadable(
                f"what are the shapes in {text!r}, which must be one number? Here {why}: say "
                'them, as in shapes={"X": ("n", "d"), "w": ("d",), "b": ()}' if tree is trees[0]
                else f"in {text!r} the shapes do not fit: {why}, where {shapes}") from None
    return list(shapes.made()), [
        _with(tree, lambda node: node[0] == "identity" and ("identity", shapes.size(node)))
        for tree in trees]


def unknown(name, known):
    """What is said of a name that is not among the known ones, with the one that may be meant."""
    if len(name) > 1 and all(letter in known for letter in name):
        return f"the name {name} is not known; did you mean {'*'.join(name)}?"
    lower = {spelling.lower(): spelling for spelling in known}
    near = get_close_matches(name.lower(), lower, 1)
    meant = (f"; did you mean {lower[near[0]]}?" if near
             else f"; it knows {', '.join(sorted(known))}" if known else "")
    return f"the name {name} is not known{meant}"


# Text to tokens ----------------------------------------------------------------------------------

GREEK = {letter: name for name, letter in greek_unicode.items()} | {"ς": "sigma"}
del GREEK["Σ"]  # a sum
SUPER, SUB = ("".join(c for c in map(chr, range(0xAA, 0x2D00))
                      if unicodedata.decomposition(c).startswith(kind))
              for kind in ("<super>", "<sub>"))
DRESS = (r"\\(?:math(?:bf|bb|rm|sf|it|cal)|boldsymbol|bm|operatorname|text|vec)"
         r"(?![A-Za-z])\s*")
HALF = r"\{\s*((?:\\partial|∂)(?:[^{}]|\{[^{}]*\})*)\}"  # of a derivative
IN_LATEX = [  # x_ik is x_{i}k
    (r"_(?!hat|bar|tilde)([A-Za-z0-9])", r"_{\1}"), (r"\^([A-Za-z0-9])", r"^{\1}"),
    (r"\\wide(?=hat|tilde)", r"\\"), (r"\\overline", r"\\bar"),
    (rf"\\[dt]?frac\s*{HALF}\s*{HALF}", r"\1/\2 "),
    (rf"{DRESS}(?:\{{1\}}|1)\s*_\s*\{{(?:\\\{{)?((?:[^{{}}\\]|\\[a-z])*)(?:\\\}})?\}}",
     r"⟪[\1]"),
    (rf"{DRESS}(?:\{{\s*(\w+)\s*\}}|(\w))", r"«\1\2»"),
    (rf"{DRESS}(?:\{{([^{{}}]*)\}}|(?=\\))", r"\1 "),
    (r'\\(hat|bar|tilde)(?![A-Za-z])\s*(?:\{\s*[«\\]?(\w+)»?\s*\}|«(\w+)»|\\([A-Za-z]+)|(\w))',
     r"«\2\3\4\5_\1»")]
LETTERS = [  # a name between « and » is whole, whatever stands beside it: ŷ is «y_hat»
    ("…", ".."), (f"[{SUPER}]+", lambda run: f"^{{{_letters_of(run)}}}"),
    (f"[{SUB}]+", lambda run: f"_{{{_letters_of(run)}}}"),
    (r"[^\x00-\x7f]", lambda letter: _letters_of(letter)),
    (f"[{''.join(GREEK)}]", lambda letter: f"«{GREEK[letter[0]]}»")]
SPELLED = [
    *((rf"(\w){mark}", rf"«\1_{name}»") for name, mark in MARKS.items()),
    (r"\b(?:np|numpy|sp|sympy|math|torch|jnp)\.(?=[a-z])", ""),
    (r"(?<![\w«])([A-Za-z]+_(?:hat|bar|tilde))(?![A-Za-z])", r"«\1»"),
    (r"\.\s*(?:T(?!\w)|transpose\s*\(\s*\))", "†"), (r"\^T(?=(?:[A-Za-z]|[A-Z][a-z])\b)", "^T "),
    (r"(?<![A-Za-z_\\«])[sS]um(?=_)", r"\\sum"),
    (r"(?<![\w\\])«?I»?\s*(?=[(\[][^()]*[<>])|(?<![\w.\\])«?1»?(?=\[)", "⟪"),  # I(z > 0), 1[k = c]
    (r"(\^(?:\d|\{[^{}]*\}))(_(?:\{[^{}]*\}|\w+))", r"\2\1"),  # x^2_i
    (r"\^\s*(\{\s*)?(?:⊙|∘|\\odot|\\circ)\s*([1-9])(?!\d)(?(1)\s*\})", r"^⊙\2")]
WORD, WORDS = r"(?<![\\A-Za-z«_])(?<!_\{)[A-Za-z][A-Za-z0-9]*", {*FUNCTIONS, "sum", "Sum"}
TOKEN = re.compile(r"""\s*(?: (?P<number>\d+(?:\.(?!\.)\d*)?(?:[eE][-+]?\d+)?|\.\d+)
                            | «(?P<whole>\w+)» | (?P<name>[A-Za-z][A-Za-z0-9]*)
                            | (?P<command>\\[A-Za-z]+|\\.)
                            | (?P<sign>\*\*|\^⊙\d|\.\.|\|\||.) )""", re.X)
SCRIPT = re.compile(r"(?:⟨(\w)⟩)?(?:\s*_\s*\{\s*([^\W_]+)\s*\}|_(\w*[^\W_]))?(?:⟨(\w)⟩)?")
SPELLINGS = {spelling: token for token, spellings in {
    "*": r"\cdot \times · × ∙ ⋅ •", "-": "− – —", "^": "**", "/": "÷ ⁄", r"\sum": "Σ ∑",
    r"\partial": "∂", r"\sqrt": "√", "'": "′ ’ ‘", r"\log": r"\ln", r"\phi": r"\varphi",
    r"\epsilon": r"\varepsilon", r"\frac": r"\dfrac \tfrac", "{": r"\lbrace", "}": r"\rbrace",
    "l": r"\ell", "⊙": r"∘ \odot \circ", ">": r"≥ \ge \geq \gt", "<": r"≤ \le \leq \lt",
    "||": r"\| ‖ ∥ \lVert \rVert \Vert", "|": r"\lvert \rvert \vert", r"\top": r"\intercal ⊤",
    "": r"& $ \left \right \big \Big \Bigl \Bigr \bigl \bigr \quad \qquad "
        r"\displaystyle \textstyle \limits \nolimits "
        r"\, \; \: \! \[ \] \( \)"}.items() for spelling in spellings.split()} | {r"\ ": ""}


def _letters_of(run):
    return unicodedata.normalize("NFKD", run[0])


def _spelled(text, names):
    """The text in plain letters, ² as ^{2}, xᵢ as x_{i}, 𝐱 as x, and the part of the text that each
    letter comes from."""
    spans = [(place, place + 1) for place in range(len(text))]
    latex = "\\" in text
    rows = [*LETTERS, *IN_LATEX*latex, *SPELLED, *names.layers(),
            (WORD, lambda word: _apart(word[0], latex, names.glued))]
    for pattern, put in rows:
        new, places, last = "", [], 0
        for found in re.finditer(pattern, text):
            put_in = put(found) if callable(put) else found.expand(put)
            span = spans[found.start()][0], spans[found.end() - 1][1]
            new += text[last:found.start()] + put_in
            places += [*spans[last:found.start()], *[span]*len(put_in)]
            last = found.end()
        text, spans = new + text[last:], places + spans[last:]
    return text.rstrip(), spans


def _apart(word, latex, glued):
    """The names in a word of letters and digits: in LaTeX all but functions have one letter."""
    known = (part for part in (word, re.match("[A-Za-z]+", word)[0]) if part in WORDS)
    function = next(known, "") if latex else word
    if not function or word in glued:
        return " ".join(word)
    return f"{function} {word[len(function):]}" if function != word else word


class _Token(str):
    """A number, a name or a sign, and where in the text it stands."""

    span = None


def _tokens(text, names):
    """The tokens, the same for plain text and LaTeX: indices and layers stand in a name."""
    (spelled, spans), place = _spelled(text, names), 0
    while match := TOKEN.match(spelled, place):
        kind, start, place = match.lastgroup, match.start(match.lastgroup), match.end()
        token = SPELLINGS.get(match[kind], match[kind])
        if kind in ("name", "whole") or token[1:] in names.commands and token[:1] == "\\":
            layer, script, typed, other = (
                found := SCRIPT.match(spelled, place)).groups(default="")
            layer, script, place = layer or other, script or typed, found.end()
            token = token.lstrip("\\") + f"^({layer})"*bool(layer) + f"_{script}"*bool(script)
        if token:
            token = _Token(token)
            token.span = spans[start][0], spans[place - 1][1]
            yield token


# Tokens to a tree --------------------------------------------------------------------------------

ENDS = {"(": ")", "[": "]", "{": "}", "|": "|", "||": "||", r"\{": r"\}"}
PRODUCTS = {"/": "over", "*": "times", "@": "matmul", "⊙": "entrywise"}
LOGARITHMS = {"log", "ln"}
# d/dw, dC/da, \frac{d}{dw}: in plain text, in LaTeX
DERIVATIVE = [re.compile(pattern) for pattern in (
    r"(?<!\S)d([A-Za-z](_\w+)?)? / d[A-Za-z](_\w+)?(?!\S)",
    r"(?<!\S)d( \w+)? / d \w+|\\frac { d( ([^{}]|{[^{}]*})*)? } { d \w")]


class _Parser:
    """Reads one text into nested tuples: ("add", a, b), ("name", "w"), ("entry", "x", [i, k])."""

    def __init__(self, text, names):
        if not isinstance(text, str) or not text.strip() or len(text) > LONGEST:
            raise Unreadable("a formula as text is needed, "
                             f"of at most {LONGEST} characters; got {str(text)[:40]!r}")
        self.text, self.latex, self.place, self.inside = text, "\\" in text, 0, ""
        self.names, self.known, self.functions = names, names.known, names.functions
        self.tokens = [*_tokens(text, names), ""]
        found = DERIVATIVE[self.latex].search(" ".join(self.tokens))
        if found and not self.known:
            raise Unreadable(f"{found[0].replace(' ', '')} would be a derivative that is to be "
                             "taken: write the function itself, or a derivative with ∂")

    def stand_alone(self):
        """The names without a bracket behind them, which therefore are no functions."""
        after = (next(token for token in self.tokens[place:] if token != "'")
                 for place in range(1, len(self.tokens)))
        return {name for name, token in zip(self.tokens, after)
                if name[0].isalpha() and token not in ("(", "{")}

    def tree(self):
        try:
            tree = self.sum()
            if self.take("="):
                tree = self.sum()
        except RecursionError:
            raise Unreadable("the formula is nested too deeply") from None
        return tree if self.next == "" else self.stop("an operator or the end of the formula")

    @property
    def next(self):
        return self.tokens[self.place]

    def take(self, *expected):
        """The next token if it is one of these, else None."""
        if self.next and self.next in expected:
            self.place += 1
            return self.tokens[self.place - 1]

    def need(self, expected):
        return self.take(expected) or self.stop(repr(expected))

    def stop(self, expected):
        """Says what was expected, and before which three tokens, as they are typed."""
        spans = [token.span for token in self.tokens[self.place:-1][:3]]
        where = f"before {self.text[spans[0][0]:spans[-1][1]]!r}" if spans else "at the end"
        raise Unreadable(f"cannot read {self.text!r}: expected {expected} {where}")

    def cut(self):
        """Makes two tokens of the next one: its first sign, and the rest."""
        parts = _Token(self.next[0]), _Token(self.next[1:])
        for part in parts:
            part.span = self.next.span
        self.tokens[self.place:self.place + 1] = parts

    # the grammar, from what binds least to what binds most

    def sum(self):
        tree = self.product(self.take("-", "+"))
        while sign := self.take("+", "-"):
            right = self.product()
            tree = ("add", tree, right if sign == "+" else ("minus", right))
        return tree

    def product(self, sign=None):
        tree = last = self.factor()
        while True:
            if how := self.take(*PRODUCTS):
                last = self.factor()
                if how == "/" and last[0] == "transposed" and self.begins_a_factor():
                    raise Unreadable("write brackets round the product that stands below the "
                                     f"line, as in (x^T A x)/(x^T x), in {self.text!r}")
                tree = (PRODUCTS[how], tree, last)
            elif self.begins_a_factor():  # a blank, or nothing, as in 2x
                if last[0] == "number" and self.next[0] in "0123456789.":
                    raise Unreadable(f"two numbers stand side by side in {self.text!r}: write one "
                                     "number without a blank, or * between them")
                called = self.next == "(" and last == ("name", self.tokens[self.place - 1])
                name, last = called and last[1], self.factor()
                tree = ("times", tree, last, last[0] in ("name", "entry") and name)
            else:
                return ("minus", tree) if sign == "-" else tree

    def begins_a_factor(self):
        if self.next in ("|", "||"):
            return self.inside not in ("|", self.next)
        return self.next not in ("", *")]},+-=.^_'!;:@<>", "..", r"\}")

    def factor(self):
        if sign := self.take("-", "+"):
            return ("minus", self.factor()) if sign == "-" else self.factor()
        tree = self.atom()
        while True:
            if self.take("'", "†"):
                tree = ("transposed", tree)
            elif self.next.startswith("^⊙"):
                tree = reduce(lambda one, other: ("entrywise", one, other),
                              [tree]*int(self.take(self.next)[2:]))
            elif self.take("^"):
                is_open = tree == ("name", "e") and not self.latex and self.next not in ("{", "(")
                exponent = self.exponent()
                size = exponent[1] if exponent[0] == "minus" else exponent
                if is_open and size[0] == "number" and self.begins_a_name():
                    raise Unreadable(f"it is not clear in {self.text!r} where the exponent of e "
                                     "ends: write brackets, e^(…)")
                if size in [("name", "T"), ("name", "top")] and size[1] not in self.known:
                    tree = ("transposed", tree)  # of the inverse, in A^{-T}
                    exponent = ("minus", ("number", "1")) if exponent != size else None
                tree = ("power", tree, exponent) if exponent else tree
            else:
                return tree

    def exponent(self):
        return self.short() if self.next == "{" or self.latex else self.factor()

    def short(self):
        """What belongs to ^, _ or \\frac: a group in braces, or else one sign in LaTeX."""
        if self.next == "{":
            return self.group()
        if self.latex and self.next.isdigit() and len(self.next) > 1:
            self.cut()
        return self.atom(bare=True)

    def within(self, inner):
        """What `inner` reads in the bracket that begins here."""
        outside, self.inside = self.inside, self.take(*ENDS) or self.need("{")
        end, found, self.inside = ENDS[self.inside], inner(), outside
        if end == "|" and self.next == "||":  # |a||b|
            self.cut()
        self.need(end)
        return found

    def group(self):
        return self.within(self.compared)

    def arguments(self, one=None):
        return self.within(lambda: self.listed(one or self.sum))

    def listed(self, one):
        found = [one()]
        while self.take(","):
            found.append(one())
        return found

    def compared(self):
        """A sum, or z > 0 as the step H(z), or k = c in square brackets."""
        one = self.sum()
        if self.inside == "[" and self.take("="):
            return ("call", "KroneckerDelta", [one, self.sum()])
        if not (sign := self.take(">", "<")):
            return one
        self.take("=")
        both = (one, self.sum()) if sign == ">" else (self.sum(), one)
        above = both[0] if both[1] == NOUGHT else ("add", both[0], ("minus", both[1]))
        return ("call", "Heaviside", [("minus", both[1]) if both[0] == NOUGHT else above])

    def atom(self, bare=False):
        token = self.next
        if self.take("⟪"):  # an indicator
            return self.group()
        if token == "||":
            return self.norm()
        if token in ENDS:
            return ("call", "abs", [self.group()]) if token == "|" else self.group()
        if token[:1].isdigit() or token[:1] == "." and token[1:].isdigit():
            self.place += 1
            return ("number", token)
        if token.startswith("\\") and token != r"\}":
            return self.command()
        if token in NO_NAMES - self.known:
            raise Unreadable(f"{token} is no quantity that a formula may hold: {self.text!r}")
        if token in PYTHON - self.known:
            self.stop("a formula such as Sum(x[i]**2, (i, 1, n)), no Python")
        if not re.match("[A-Za-z]", token):
            self.stop("a number, a name or a bracket")
        self.place += 1
        return ("name", token) if bare else self.named(token)

    def norm(self):
        place, tokens, self.tokens = self.place, self.tokens, [*self.tokens]
        try:
            tree = self.group()
        except Unreadable as error:  # ||x| - 1|
            self.place, self.tokens, self.inside = place, tokens, ""
            self.cut()
            try:
                return ("call", "abs", [self.group()])
            except Unreadable:
                raise error from None
        which = self.short() if self.take("_") else ("name", "F")
        if which not in [("number", "2"), ("name", "F")]:
            self.stop("the norm with squares, as in ||w||^2 or ||X||_F^2,")
        return ("norm", tree, which[1])

    def where(self):
        """where(z > 0, a, b), by the step of z."""
        place = self.place
        step, *values = self.arguments(self.compared)
        if step[:2] != ("call", "Heaviside") or len(values) != 2:
            self.place = place
            self.stop("a comparison such as z > 0, and two values,")
        parts = [("times", factor, value) for factor, value in zip(
            (step, ("add", ("number", "1"), ("minus", step))), values) if value != NOUGHT]
        return ("add", *parts) if len(parts) == 2 else (*parts, NOUGHT)[0]

    # what begins with a sign of LaTeX, or with its like in plain text

    def command(self):
        name = self.take(self.next)[1:]
        if name == "frac":
            return ("over", self.short(), self.short())
        if name == "sqrt":
            degree = self.next == "[" and self.arguments()[0]
            below = self.short() if self.next == "{" else self.atom()
            return (("power", below, ("over", ("number", "1"), degree)) if degree
                    else ("call", "sqrt", [below]))
        if name == "sum":
            return self.sum_sign()
        if name == "partial":
            above, _, _ = self.atom(), self.need("/"), self.need(r"\partial")
            return ("partial", above, self.atom())
        self.place -= 1
        return self.stop(f"a formula; \\{name} is not read here")

    def sum_sign(self):
        r"""Σ_{i=1..n}, \sum_{i=1}^n, or sum_i, which runs as far as its arrays do."""
        if not self.take("_"):
            self.stop("an index, as in \\sum_{i=1}^n or Σ_{i=1..n},")
        low, high = ("number", "1"), None
        if begin := self.take("{", "("):
            letters = self.listed(self.letter)
            low = self.sum() if self.take("=") else low
            high = self.sum() if self.take("..") else high
            self.need(ENDS[begin])
        else:
            letters = list(self.letter())
        if self.take("^"):
            high = self.short()
        return ("sum", self.product(), [(letter, low, high) for letter in letters])

    def letter(self):
        return self.take(self.next) if self.next.isalpha() else self.stop("a letter")

    def python_sum(self):
        self.need("(")
        body, limits = self.sum(), []
        while self.take(","):
            limit = self.arguments() if self.next == "(" else []
            if len(limit) != 3 or limit[0][0] != "name":
                self.stop("limits such as (i, 1, n)")
            limits.append((limit[0][1], *limit[1:]))
        if self.next in PYTHON or not limits:
            self.stop("an index and how far it runs, as in Sum(x[i]**2, (i, 1, n)),")
        self.need(")")
        return ("sum", body, limits)

    # names

    def named(self, name):
        """A name with what belongs to it: indices, primes, the brackets of a function."""
        if name in {"Sum", "sum"} - self.known:
            return self.python_sum()
        if self.next == "(" and name in {"mean", "average"} - self.names.alone:
            self.stop("a mean written as a sum, as in Sum(x[i]**2, (i, 1, n))/n,")
        if self.next == "(" and name in {"where"} - self.names.alone:
            return self.where()
        if self.next == "(" and name == "Partial":
            parts = self.arguments()
            return (("partial", *parts) if len(parts) == 2
                    else self.stop("Partial(function, variable)"))
        stem, index = self.split(name)
        indices = [("name" if letter.isalpha() else "number", letter) for letter in index]
        if self.take("_"):
            further = self.arguments() if self.next == "{" else [self.short()]
            indices += [one for tree in further for one in _factors(tree)]
        if indices and stem in LOGARITHMS & self.functions:
            return self.called(stem, self.base(indices))
        while self.next == "[":
            indices += self.arguments()
        if not indices:
            return self.called(stem) or ("name", stem)
        if stem in self.functions:
            self.stop(f"{stem} without an index")
        self.must_be_a_factor(name if len(index) > 2 else stem)
        return ("entry", stem, indices)

    def split(self, name):
        """x_ik is the entry (i, k) of x; w_1, y_hat and a known name such as c_3 are names."""
        parts = re.fullmatch(r"([^\W_]+(?:_(?:hat|bar|tilde))?+(?:\^\(\w\))?)_(.+)", name)
        if not parts or self.next == "[" or name in self.known | self.functions:
            return name, ""
        stem, index = parts.groups()
        taken = self.known | (LONG_NAMES if self.latex else LOGARITHMS)
        numbered = index.isdigit() and stem.isalnum() and stem not in taken
        is_short = index.isalnum() and (len(index) <= 3 or index.isdigit())
        return (stem, index) if is_short and not numbered else (name, "")

    def called(self, stem, base=None):
        """A function with what it is taken of, as in tanh(z), tanh^2(z), g'(z) and log_2 z; None
        for what is no function."""
        place, is_long = self.place, stem in LONG_NAMES - self.known
        exponent = self.take("^") and self.exponent() if stem in self.functions else None
        if exponent == ("minus", ("number", "1")):
            self.stop(f"the name of the inverse function for {stem}^-1")
        if exponent and self.next != "(" and not (is_long and self.begins_a_factor()):
            self.place, exponent = place, None
        primes = next(p for p, token in enumerate(self.tokens[self.place:]) if token != "'")
        opens = self.tokens[self.place + primes] in ("(", "{", r"\{")
        if primes and stem in self.names.alone - self.functions - {*GREEK.values()}:
            return None  # X' (X w - y)
        if opens and (primes and stem not in self.known or stem in self.functions):
            self.place += primes
            tree = ("call", stem + "'"*primes, self.arguments())
        elif not is_long:
            return self.must_be_a_factor(stem)
        elif self.next.isdigit() and self.tokens[self.place + 1] == "(":
            self.stop(f"a bracket, as in {stem}({self.next})*(z), or a base, as in log_2(z),")
        else:
            tree = ("call", stem, [self.argument(stem)])
        tree = ("over", tree, ("call", "log", [base])) if base else tree
        return ("power", tree, exponent) if exponent else tree

    def argument(self, function):
        """What a function without brackets is taken of, where there are no two ways to read it:
        log p, sin 2w, but not log w x."""
        if self.next in PRODUCTS or not self.begins_a_factor():
            raise Unreadable(f"{function} is a function: write what it is taken of in brackets, "
                             f"{function}(…), in {self.text!r}")
        whole = self.factor()
        is_constant = whole[0] == "number" or whole == ("name", "pi")
        while function in OF_A_PRODUCT and is_constant and self.begins_a_name():
            whole = ("times", whole, self.factor())
        if self.next in PRODUCTS or self.begins_a_factor() and not self.begins_a_function():
            raise Unreadable(f"it is not clear in {self.text!r} where that ends of which "
                             f"{function} is taken: write brackets, {function}(…)")
        return whole

    def begins_a_function(self):
        return (self.next in LONG_NAMES - self.known
                or self.next in self.functions and self.tokens[self.place + 1] == "(")

    def begins_a_name(self):
        return self.next[:1].isalpha() and not self.begins_a_function()

    def must_be_a_factor(self, name):
        """Refuses a name before a bracket that is neither a function nor surely a factor, and tan,
        which is no name; and sin2w or expw, which would be one."""
        number = r"(_\d+)?" if self.latex else ""
        letter = re.sub(rf"(_(hat|bar|tilde))?(\^\(\w\))?{number}$", "", name)
        before = (self.next in ("(", "{") and len(letter) > 1
                  and not {name, letter} & self.names.alone)
        if before or name in NO_FUNCTIONS - self.known:
            raise Unreadable(f"{name} is no function that is known here: {self.offered()}"
                             + (f"; write {INSTEAD[letter]} for it" if letter in INSTEAD else
                                "; for a product write *"*before))
        glued = name not in self.functions | self.known and re.fullmatch(
            r"(sin|cos|tanh|exp|log|ln|sqrt)(\d+\w*|[A-Za-z]\w*)", name)
        if glued and (glued[2][0].isdigit() or glued[2] in self.names.alone):
            raise Unreadable(f"{name} would be one name: write {glued[1]}({glued[2]})")

    def offered(self):
        """The functions with a name, each under one, in small letters if it has such a name."""
        usual = {**FUNCTIONS, **OF_A_MATRIX}
        names = sorted(reversed([*usual, *self.functions - usual.keys()]), key=str.islower)
        found = {usual.get(name, name): name for name in names
                 if len(name) > 1 and name in self.functions - {*GREEK.values()}}
        return ", ".join(sorted(found.values()))

    def base(self, indices):
        r"""That of log_2(z) or \log_{10} z."""
        if all(tree[0] == "number" for tree in indices):
            indices = [("number", "".join(digit for _, digit in indices))]
        if len(indices) > 1 or indices[0] in (NOUGHT, ("number", "1")):
            self.stop(r"a base such as 2 or 10, as in log_2(z) or \log_{10} z,")
        return indices[0]


def _factors(tree):
    """The indices i and k of x_{i k}."""
    return [*_factors(tree[1]), *_factors(tree[2])] if tree[0] == "times" else [tree]


# A tree to a formula -----------------------------------------------------------------------------


class _Names:
    """What names stand for: those that are known, or else symbols made as trees are read."""

    def __init__(self, known, functions, spelled=None):
        self.values, self.matrices = {}, {}
        pairs = [*((str(label_of(name)), name) for name in known), *(spelled or {}).items()]
        for spelling, name in pairs:
            (self.matrices if name.is_Matrix else self.values)[spelling] = name
        self.strict, self.running = bool(known), None
        self.known = {*self.values, *self.matrices}
        self.made_of = {f.stem: f for f in functions}
        self.functions = {*self.made_of, *FUNCTIONS, *OF_A_MATRIX, *UNKNOWN} - self.known
        self.alone, self.glued = {*self.known, *GREEK.values(), "top"}, set()
        self.commands = {*self.alone, "Sigma", *self.functions - {"sqrt"}}
        self.ends, self.whole, self.arrays = {}, set(), {}

    def layers(self):
        """How ^(2), ^{(2)} or ^{[2]} above a name is told, which counts layers, where such a name
        is known or none is and there are braces; not above e."""
        known = "".join(name[-2] for name in self.known if re.search(r"\^\(\w\)$", name))
        letter = f"[{known}]" if known else r"\w"
        above = rf"\{{[(\[]({letter})[)\]]\}}|\[({letter})\]" + rf"|\(({letter})\)"*bool(known)
        row = rf"(?<=[\w}}»])(?<!\be)\^(?:{above})", lambda found: f"⟨{found[found.lastindex]}⟩"
        return [row] if known or not self.strict else []

    def learn(self, trees):
        """How far indices run, and on which letters arrays stand."""
        for kind, *parts in _all(*trees):
            if kind == "sum":
                for letter, low, high in parts[1]:
                    self.whole |= {letter} | _letters(low, high or low)
                    self.ends |= {letter: high} if high else {}
            elif kind == "entry":
                self.whole |= _letters(*parts[1])
                self.arrays.setdefault(parts[0], []).append(parts[1])
        for name, rank in {(name, len(one)) for name, used in self.arrays.items() for one in used}:
            self.whole |= _letters(*self.sizes(name, rank))

    def sizes(self, name, rank):
        """How far the indices of an array run, as trees."""
        places = zip(*(indices for indices in self.arrays[name] if len(indices) == rank))
        letters = ([index[1] for index in place if index[0] == "name"] for place in places)
        firsts = (next((one for one in found if one in self.ends), (*found, "i")[0])
                  for found in letters)
        return map(self.end_of, firsts)

    # names that are made

    def end_of(self, letter):
        return self.ends.get(letter) or ("name", SIZES.get(letter, letter.upper()))

    def value(self, name, make):
        if name not in self.values:
            if self.strict:
                raise Unreadable(unknown(name, self.known))
            self.values[name] = make()
        return self.values[name]

    def symbol(self, name):
        if name in self.arrays:
            return self.array(name, len(self.arrays[name][0]))
        whole = name in self.whole or name in {SIZES.get(letter) for letter in self.whole}
        return _letter(name) if whole else sp.Symbol(name, real=True)

    def array(self, name, rank):
        made = lambda: indexed(name, *map(self.build, self.sizes(name, rank)))
        if name in self.matrices and name not in self.values:
            raise Unreadable(f"{name} is a whole matrix here: write it without indices")
        base = self.value(name, made)
        if not isinstance(base, sp.IndexedBase) or base.shape and len(base.shape) != rank:
            has = f"{len(base.shape)} indices" if isinstance(base, sp.IndexedBase) else "no index"
            raise Unreadable(f"{name} has {has}, and stands with {rank}")
        return base

    # formulas: one method for each kind of node

    def formula(self, tree, text):
        try:
            return self.build(tree)
        except Unreadable:
            raise
        # SymPy does not write this
        except (TypeError, ValueError, AttributeError, RuntimeError) as error:
            raise Unreadable(f"cannot make a formula of {text!r}: {error}") from None

    def build(self, tree):
        kind, *parts = tree
        found = (BUILT[kind](*map(self.build, parts[:2])) if kind in BUILT
                 else getattr(self, kind)(*parts))
        is_name = kind == "name" or not found.is_Matrix
        return found if is_name or found.shape != (1, 1) else sp.Trace(found)

    def number(self, text):
        mantissa, _, exponent = text.lower().partition("e")
        if len(mantissa) > 20 or abs(int(exponent or 0)) > 30:
            raise Unreadable(f"the number {text[:20]} is out of all proportion")
        return sp.Rational(text)

    def name(self, name):
        if name in ("pi", "e") and name not in self.values:
            return sp.pi if name == "pi" else sp.E
        if name in self.matrices:
            return self.matrices[name]
        value = self.value(name, lambda: self.symbol(name))
        if not isinstance(value, sp.IndexedBase):
            return value
        if self.running is not None and len(value.shape) == 1:  # within ||...||
            return value[self.running]
        letters = ", ".join("ijkl"[:len(value.shape or "i")])
        raise Unreadable(f"{name} is an array: write one of its entries, as in {name}[{letters}]")

    def entry(self, name, indices):
        if name == "delta" and len(indices) == 2 and name not in self.values:
            return sp.KroneckerDelta(*map(self.index, indices))
        return self.array(name, len(indices))[tuple(map(self.index, indices))]

    def index(self, tree):
        for name in _letters(tree) if self.strict else ():
            if tree[0] == "name" or len(name) == 1:  # as i and i + 1
                self.values.setdefault(name, _letter(name))
        return self.build(tree)

    def norm(self, tree, which):
        return sp.sqrt(self.squared(tree, which))

    def identity(self, size):
        size = sp.sympify(size) if size == 1 else _letter(size)
        return sp.S.One if size == 1 else sp.Identity(size)

    def squared(self, tree, which):
        """||v||²: of a matrix the trace of vᵀ v, of an array a sum over entries, of a number v²."""
        kept = self.running
        self.running = letter = _letter(next(c for c in "ijklmpqrst" if c not in self.values))
        found, self.running = self.build(tree), kept
        for product in found.atoms(sp.Mul):
            if sum(factor.has(letter) for factor in product.args) > 1:
                raise Unreadable(f"{product} within ||…|| is no product of arrays: write a sum of "
                                 "entries")
        if found.is_Matrix:
            if which == "2" and 1 not in found.shape:
                raise Unreadable(f"||{found}||_2 of a matrix is its largest singular value, which "
                                 "is not read here: write ||…||_F for the root of the sum of the "
                                 "squares")
            return sp.Trace(sp.MatMul(sp.Transpose(found), found))
        sizes = {entry.base.shape[0] for entry in found.atoms(sp.Indexed)
                 if letter in entry.indices}
        if len(sizes) > 1:
            several = " and ".join(sorted(map(str, sizes)))
            raise Unreadable(f"||…|| holds arrays of {several} entries")
        if not sizes and not self.strict:
            raise Unreadable(f"||…|| is of arrays, and {found} is a number here: write the sum of "
                             "the squares, as in Sum(w[i]**2, (i, 1, n))")
        return sp.Sum(found**2, (letter, 1, sizes.pop())) if sizes else found**2

    def power(self, base, exponent):
        if base[0] == "norm" and exponent == ("number", "2"):
            return self.squared(*base[1:])
        base = self.build(base)
        with evaluate(True):  # lest 9^9^9 is worked out later
            exponent = self.build(exponent)
        if exponent.is_Matrix:
            raise Unreadable(f"nothing is raised to {_told(exponent)}")
        if base.is_Matrix and base.shape[0] != base.shape[1]:
            raise Unreadable(f"{_told(base)} is not square and has no powers: write ||…||^2 for "
                             "the sum of the squares, or ^⊙2 for the square of each entry")
        if exponent.is_Number and abs(exponent) > LARGEST:
            raise Unreadable(f"the exponent {exponent} is too large: at most {LARGEST}")
        if base == 0 and exponent.is_negative:
            raise Unreadable("it divides by zero")
        return sp.exp(exponent) if base is sp.E else base**exponent

    def sum(self, body, limits):
        outside = {letter: self.values.get(letter) for letter, *_ in limits}
        letters = {letter: outside[letter] or _letter(letter, low != NOUGHT)
                   for letter, low, _ in limits}
        self.values |= letters
        function = self.build(body)
        if function.is_Matrix:
            raise Unreadable(f"a sum adds numbers, not matrices such as {function}: write entries")
        ends = [(letters[letter], self.build(low),
                 self.build(high) if high else self.last(function, letter, letters[letter]))
                for letter, low, high in limits]
        values = {**self.values, **outside}.items()
        self.values = {name: value for name, value in values if value is not None}
        return sp.Sum(function, *ends)

    def last(self, function, letter, symbol):
        """How far a sum without an end runs: as far as the arrays do on which its index stands."""
        for entry in sorted(function.atoms(sp.Indexed), key=str):
            for index, size in zip(entry.indices, entry.base.shape or ()):
                if index == symbol:
                    return size
        if self.strict:
            raise Unreadable(f"how far does the sum over {letter} run? "
                             f"Write its end, as in \\sum_{{{letter}=1}}^n")
        return self.build(self.end_of(letter))

    def call(self, name, arguments):
        if name == "KroneckerDelta":
            return sp.KroneckerDelta(*map(self.index, arguments))
        stem, values = name.rstrip("'"), [self.build(a) for a in arguments]
        function = self.made_of.get(stem) or FUNCTIONS.get(stem) or OF_A_MATRIX.get(stem)
        if function is None and stem in self.matrices:
            raise Unreadable(f"{name}(…) is no function, as {stem} is a matrix: write {stem}*(…), "
                             f"or {stem}^T*(…) for the transpose")
        if function is None and self.strict:
            raise Unreadable(unknown(stem, self.made_of))
        function = function or activation(stem)
        for _ in range(len(name) - len(stem)):
            function = _slope(function, stem)
        if stem in OF_A_MATRIX and values == [0]:  # as the zero matrix is shown
            return values[0]
        if stem in OF_A_MATRIX and not values[0].is_Matrix:
            raise Unreadable(f"{stem} is taken of a matrix, and {values[0]} is a number")
        if any(value.is_Matrix for value in values) and stem not in OF_A_MATRIX:
            if len(values) == 1:
                return values[0].applyfunc(function)
            raise Unreadable(f"{stem} takes numbers, not matrices: write entries")
        try:
            return function(*values)
        except TypeError:
            raise Unreadable(f"{stem} does not take {len(values)} values") from None


def _sum(one, other):
    if _shape(one) != _shape(other):
        raise Unreadable(f"{_told(one)} and {_told(other)} cannot be added")
    return one + other


def _product(one, other):
    if one.is_Matrix and other.is_Matrix and one.shape[1] != other.shape[0]:
        raise Unreadable(f"{_told(one)} times {_told(other)} does not fit")
    return one * other


def _entrywise(one, other):
    if not (one.is_Matrix and other.is_Matrix):
        return _product(one, other)
    if one.shape != other.shape:
        raise Unreadable(f"{_told(one)} ⊙ {_told(other)} does not fit")
    return sp.HadamardProduct(one, other)


def _quotient(one, below):
    if below == 0 or below.is_Matrix:
        raise Unreadable("it divides by zero" if below == 0
                         else f"nothing is divided by {_told(below)}")
    return one / below


def _matrix(found, sign):
    if not found.is_Matrix:
        raise Unreadable(f"{sign} stands with a matrix, and {found} is a number here: write "
                         "entries, as in Sum(X[i, k]*y[i], (i, 1, n)), or make it a MatrixSymbol")
    return found


BUILT = {"add": _sum, "times": _product, "over": _quotient, "entrywise": _entrywise,
         "minus": lambda one: -one, "partial": Partial,
         "matmul": lambda one, other: _product(_matrix(one, "@"), _matrix(other, "@")),
         "transposed": lambda one: sp.Transpose(_matrix(one, "' or ᵀ"))}


def _slope(function, name):
    """The function that g' stands for, σ' too: by a rule, or of its own."""
    if isinstance(function, type) and issubclass(function, Activation):
        return function.prime
    z = sp.Dummy(real=True)
    try:
        with evaluate(True):
            slope = function(z).diff(z)
    except (TypeError, AttributeError):  # of several values
        slope = None
    if function in (sp.Max, sp.Min) or not slope or slope.has(sp.DiracDelta, sp.Derivative):
        raise Unreadable(f"write the slope of {name} out: {name}' is not known here")
    return lambda value: slope.xreplace({z: value})


def _letter(name, from_one=True):
    return sp.Symbol(name, integer=True, **{"positive" if from_one else "nonnegative": True})


def _shape(value):
    return value.shape if value.is_Matrix else None


def _told(value):
    return (f"{value} ({' × '.join(map(str, value.shape))})" if value.is_Matrix
            else f"the number {value}")
