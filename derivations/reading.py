r"""Formulas as people type them, in plain text or LaTeX, read into SymPy; nothing is ever
evaluated.

    (w*x - y)**2/2                         as in Python
    (w x - y)²/2                           with blanks for products, ² and Greek letters
    Sum((w*x[i] - y[i])**2, (i, 1, n))/n   entries and sums as in the notebooks
    \frac{1}{n}\sum_i (w x_i - y_i)^2      LaTeX
    X.T @ (X @ w - y)/n, ||X w - y||^2     matrices: those that are known, or else capital letters

A text is cut into tokens, the tokens become a tree, the tree becomes a formula of the names that
are known. Where none are given they are made: real symbols, whole numbers for what stands as an
index or ends a sum. Short decimals are exact.

Before a bracket, one letter with at most a short index is a factor, as in x(x + 1) or y_i(1 - a);
every longer name is a function, and refused if none of that name is known, unless the same name
also stands without a bracket, in any of the texts: w_1(x + 1) is a product beside w_1.
"""

import re
import unicodedata
from bisect import bisect_left
from collections import Counter
from contextlib import contextmanager
from difflib import get_close_matches
from functools import partial, reduce
from itertools import count, groupby, takewhile

import sympy as sp
from sympy import evaluate

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
OF_A_MATRIX = {"tr": sp.Trace, "trace": sp.Trace, "transpose": sp.Transpose}
# before a bracket they are functions, unless known as values
LONG_NAMES = {name for name in {*FUNCTIONS, *OF_A_MATRIX} if len(name) > 1 and name != "sigma"}
# functions that nobody takes of a number alone: sin 2w is sin(2w), but log 2w may be log(2) w
OF_A_PRODUCT = {"sin", "cos", "tanh", "sinh", "cosh"}
UNKNOWN = ("f", "g", "h", "phi", "psi")
# where a sum has no end, and no array says how far it runs
SIZES = dict(i="n", j="d", k="m", l="p")
DRESSES = "mathbf mathbb boldsymbol bm mathrm mathsf operatorname text hat bar tilde vec".split()
NO_NAMES = {"oo", "inf", "Inf", "infinity", "Infinity", "nan", "NaN", "True", "False", "None"}
NO_FUNCTIONS = set("tan sec csc cosec cot tg ctg asin acos arcsin arccos sech csch coth asinh "
                   "acosh atanh sinc gelu silu softmax argmax argmin det diag lim".split())
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
    alone = set().union(*map(_alone, texts))
    parsers = [_Parser(text, known, functions, alone, spelled) for text in texts]
    trees = [parser.tree() for parser in parsers]
    if not known:
        _must_be_products(trees, parsers)
        trees = _with_entries(trees)
    if not known and not shapes:
        _must_not_mix(trees)
    if not known and (shapes or _is_of_matrices(trees)):
        if glued := _glued(trees, shapes or {}):
            trees = [_Parser(text, known, functions, alone, spelled, glued).tree()
                     for text in texts]
        known, trees = _matrices(trees, texts, shapes or {})
    names = _Names(trees, known, functions, any("\\" in text for text in texts), spelled)
    with as_written():
        return [names.formula(tree, text) for tree, text in zip(trees, texts)]


def _must_be_products(trees, parsers):
    """L(w) is a product only where L stands elsewhere too: it may be a function."""
    told = Counter(node[1] for tree in trees for node in _all(tree) if node[0] in ("name", "entry"))
    beside = Counter(name for parser in parsers for name in parser.before_a_name.values())
    for name in beside:
        if told[name] <= beside[name]:
            raise Unreadable(f"{name}(…) may be a function or a product: write {name}*(…) for the "
                             f"product; functions without a rule are {', '.join(UNKNOWN)}")


def _kinds(trees):
    nodes = [node for tree in trees for node in _all(tree)]
    return {node[1] if node[0] == "call" else node[0] for node in nodes}


def _must_not_mix(trees):
    kinds = _kinds(trees)
    if kinds & {"transposed", "matmul"} and kinds & {"entry", "sum"}:
        raise Unreadable(
            "a transpose or @ stands with whole matrices, and there are entries or sums as well: "
            "write all with matrices, as in ||X w - y||^2, or all with entries, as in "
            "Sum((Sum(w[k]*x[i, k], (k, 1, d)) - y[i])**2, (i, 1, n))")


def _is_of_matrices(trees):
    kinds = _kinds(trees)
    return kinds & {"transposed", "matmul", "norm", *OF_A_MATRIX} and not kinds & {"entry", "sum"}


def _glued(trees, said):
    """Names such as Xw and AB that are products of matrices, as their letters stand elsewhere."""
    names = set().union(*map(_letters, trees))
    return {name for name in names - said.keys() - {trees[-1][1]} if 1 < len(name) < 4
            and not name.islower() and set(name) <= names}


def _with(tree, put):
    """The tree with put(node) for each node of which that is one."""
    if isinstance(tree, tuple) and (found := put(tree)):
        return found
    kind = type(tree) if isinstance(tree, (tuple, list)) else None
    return kind(_with(part, put) for part in tree) if kind else tree


def _with_entries(trees):
    """w_1 is an entry where there is a w_j, and else a name; w_0 is a name unless j begins at 0."""
    nodes = [node for tree in trees for node in _all(tree)]
    entries = [node for node in nodes if node[0] == "entry"]
    ranks = {name: len(indices) for _, name, indices in entries}
    stem = str(trees[-1][1]).rpartition("_")[0]
    if _is_of_matrices(trees[:1]) and trees[-1] not in _all(trees[0]) and (
            stem in _letters(trees[0])):  # ||w||^2 by w_1
        ranks.setdefault(stem, 1)
    begins = {letter for kind, *parts in nodes if kind == "sum" for letter, low, _ in parts[1]
              if low == NOUGHT}
    from_nought = {name for _, name, indices in entries if begins & _letters(indices)}

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
    nodes = [node for tree in trees for node in _all(tree)]
    below = [node[2] for node in nodes if node[0] in ("over", "power")
             and not _is_of_matrices(node[2:])]
    numbers = {name for name in GREEK.values() if name.islower()}.union(*map(_letters, below))
    names = set().union(*map(_letters, trees)) - ({"pi", "e"} - said.keys())
    shapes, (first, *others) = Shapes(said, numbers & names), trees
    try:
        shapes.fit(shapes.shape(first), ONE)
        shapes.settle()
    except (Misfit, AttributeError) as error:
        why = error if isinstance(error, Misfit) else "that is not told by products alone"
        raise Unreadable(f"what are the shapes in {texts[0]!r}, which must be one number? "
                         f'Here {why}: say them, as in shapes={{"X": ("n", "d"), "w": ("d",), '
                         '"b": ()}') from None
    for tree, text in zip(others, texts[1:]):
        try:
            found = shapes.shape(tree)
            if not all(map(shapes.is_known, found)):  # as of I alone
                shapes.fit(found, shapes.shape(trees[-1]))
        except (Misfit, AttributeError) as error:
            why = f"{error}, where" if isinstance(error, Misfit) else "with"
            raise Unreadable(f"in {text!r} the shapes do not fit: {why} {shapes}") from None
    shapes.settle()  # what only they hold
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

TOKEN = re.compile(r"""\s*(?: (?P<number>\d+(?:\.(?!\.)\d*)?(?:[eE][-+]?\d+)?|\.\d+)
                            | (?P<name>[A-Za-z]+(?:\w*[^\W_])?)
                            | (?P<command>\\[A-Za-z]+|\\.) | (?P<sign>\*\*|\.\.|\|\||.) )""", re.X)
IGNORED = {"&", "$", *(rf"\{name}" for name in [
    *"left right big Big Bigl Bigr bigl bigr quad qquad displaystyle limits".split(),
    *",;:! []()"])}
SPELLINGS = {spelling: token for token, spellings in {
    "*": r"\cdot \times · × ∙ ⋅ •", "-": "− – —", "^": "**", "/": "÷ ⁄", r"\sum": "Σ ∑",
    r"\partial": "∂", r"\sqrt": "√", "'": "′ ’ ‘", r"\log": r"\ln", r"\phi": r"\varphi",
    r"\epsilon": r"\varepsilon", r"\frac": r"\dfrac \tfrac", "{": r"\lbrace", "}": r"\rbrace",
    "l": r"\ell", "⊙": r"∘ \odot \circ",
    "||": r"\| ‖ ∥ \lVert \rVert \Vert", "|": r"\lvert \rvert \vert", r"\top": r"\intercal ⊤"
}.items() for spelling in spellings.split()}
MARKS = {"\u0302": "_hat", "\u0304": "_bar", "\u0303": "_tilde"}


def _greek(letter):
    *_, size, _, name = unicodedata.name(letter).replace("LAMDA", "LAMBDA").replace(
        "FINAL ", "").split()
    return name.capitalize() if size == "CAPITAL" else name.lower()


GREEK = {letter: _greek(letter) for letter in map(chr, range(0x391, 0x3CA))
         if letter not in "Σ\u03a2"}


def _spelled(text):
    """The text in plain letters: ² as ^{2}, ᵢ as _{i}, ŷ as y_hat, σ as sigma, 𝐱 as x."""
    scripts = {"<super>": "^", "<sub>": "_"}
    runs = groupby(text.replace("…", ".."),
                   lambda c: scripts.get(unicodedata.decomposition(c).split(" ")[0]))
    text = "".join(f"{script}{{{''.join(run)}}}" if script else "".join(run)
                   for script, run in runs)
    text = re.sub(r"(\w)([\u0302\u0304\u0303])", lambda m: m[1] + MARKS[m[2]],
                  unicodedata.normalize("NFKD", text))
    text = re.sub(r"\b(np|numpy|sp|sympy|math|torch|jnp)\.(?=[a-z])", "", text)
    slash = "\\" if "\\" in text else ""
    return re.sub("[" + "".join(GREEK) + "]", lambda m: (
        f" {slash}{GREEK[m[0]]}" + " " * (text[m.end():m.end() + 1] != "_" and not slash)), text)


def _tokens(text, latex, known, glued=()):
    text, place, token = _spelled(text).rstrip(), 0, ""
    while match := TOKEN.match(text, place):
        before, kind, token = token, match.lastgroup, match[match.lastgroup]
        place = match.end()
        if re.match("[sS]um_", text[match.start(kind):]):  # sum_i, without a backslash
            token, place = r"\sum", match.start(kind) + 3
        elif kind == "name" and latex and not re.fullmatch(r"[A-Za-z]+_(hat|bar|tilde)", token):
            # in LaTeX each other letter is a name of its own
            word = token if token in FUNCTIONS else re.match("[A-Za-z]+", token)[0]
            token = word if word in FUNCTIONS or word in ("sum", "Sum") else token[0]
            place = match.start(kind) + len(token)
        elif token in glued:
            token, place = token[0], match.start(kind) + 1
        elif before == "^" and re.fullmatch("T([A-Za-z](_.*)?|[A-Z][a-z])", token):  # w^Tx
            if token not in known:
                token, place = "T", match.start(kind) + 1
        token = SPELLINGS.get(token, token)
        if token not in IGNORED:
            yield token


def _alone(text):
    """The names that stand without a bracket behind them, which therefore are no functions."""
    names = re.findall(r"(?<![\w\\{])[A-Za-z](?:\w|\{\w+\})*+(?!\s*['′’]*\s*\()",
                       _spelled(text) if isinstance(text, str) else "")
    return {re.sub("[{}]", "", name) for name in names}


# Tokens to a tree --------------------------------------------------------------------------------

NOUGHT = ("number", "0")
ENDS = {"(": ")", "[": "]", "{": "}", "|": "|", "||": "||", r"\{": r"\}"}
PRODUCTS = {"/": "over", "*": "times", "@": "matmul", "⊙": "entrywise"}


# d/dw, dC/da, \frac{d}{dw}: in plain text, in LaTeX
DERIVATIVE = [re.compile(pattern) for pattern in (
    r"(?<!\S)d([A-Za-z](_\w+)?)? / d[A-Za-z](_\w+)?(?!\S)",
    r"(?<!\S)d( \\?\w+)? / d \\?[A-Za-z]+|\\frac { d( [^{}]*)? } { d \\?[A-Za-z]")]


class _Parser:
    """Reads one text into nested tuples: ("add", a, b), ("name", "w"), ("entry", "x", [i, k])."""

    def __init__(self, text, known, functions, alone=(), spelled=None, glued=()):
        if not isinstance(text, str) or not text.strip() or len(text) > LONGEST:
            raise Unreadable("a formula as text is needed, "
                             f"of at most {LONGEST} characters; got {str(text)[:40]!r}")
        self.text, self.latex, self.place, self.inside = text, "\\" in text, 0, ""
        self.known = {str(label_of(name)) for name in known} | {*(spelled or ())}
        self.cut = partial(_tokens, latex=self.latex, known=self.known, glued=glued)
        self.tokens, self.before_a_name = [*self.cut(text), ""], {}
        self.alone = {*alone, *self.known, *GREEK.values(), "top"}
        self.functions = ({f.stem for f in functions}
                          | {*FUNCTIONS, *OF_A_MATRIX, *UNKNOWN}) - self.known
        tokens = re.sub(r"\\(mathrm|text) { d }", "d", " ".join(self.tokens))
        if not self.known and (found := DERIVATIVE[self.latex].search(tokens)):
            raise Unreadable(f"{found[0].replace(' ', '')} would be a derivative that is to be "
                             "taken: write the function itself, or a derivative with ∂")

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
        where = f"before {self.typed()!r}" if self.next else "at the end"
        raise Unreadable(f"cannot read {self.text!r}: expected {expected} {where}")

    def typed(self):
        """The next three tokens as they are typed: what is left is the end of the text that has
        as many tokens."""
        def tokens(part):
            return [*self.cut(part)]

        left, text = self.tokens[self.place:-1], self.text
        start = bisect_left(range(len(text)), -len(left), key=lambda p: -len(tokens(text[p:])))
        blank = range(start + 1, min(start + 40, len(text)))  # over what stands for nothing
        start += sum(1 for _ in takewhile(lambda p: tokens(text[p:]) == left, blank))
        rest = text[start:]
        ends = (end for end in range(1, min(len(rest), 80) + 1) if tokens(rest[:end]) == left[:3])
        end = next(ends, None) if tokens(rest) == left else None
        while end and end < len(rest) and tokens(rest[:end + 1]) == left[:3]:
            end += 1
        return rest[:end].strip() if end else "".join(left[:3])

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
                last = self.beside(last)
                tree = ("times", tree, last)
            else:
                return ("minus", tree) if sign == "-" else tree

    def beside(self, left):
        """The next factor after a blank, or after nothing."""
        if left[0] == "number" and self.next[0] in "0123456789.":
            raise Unreadable(f"two numbers stand side by side in {self.text!r}: write one number "
                             "without a blank, or * between them")
        place, name = self.place, self.next == "(" and left == ("name", self.last) and self.last
        right = self.factor()
        if name and right[0] in ("name", "entry"):
            self.before_a_name[place] = name
        return right

    @property
    def last(self):
        return self.tokens[self.place - 1].lstrip("\\")

    def begins_a_factor(self):
        if self.next in ("|", "||"):
            return self.inside not in ("|", self.next)
        return self.next not in ("", *")]},+-=.^_'!;:@<>", "..", r"\}")

    def factor(self):
        if sign := self.take("-", "+"):
            return ("minus", self.factor()) if sign == "-" else self.factor()
        tree = self.atom()
        while True:
            if self.take("'") or self.dot_transpose():
                tree = ("transposed", tree)
            elif times := self.entrywise_power():
                tree = reduce(lambda one, other: ("entrywise", one, other), [tree]*times)
            elif self.take("^"):
                is_open = tree == ("name", "e") and not self.latex and self.next not in ("{", "(")
                exponent = self.exponent()
                size = exponent[1] if exponent[0] == "minus" else exponent
                if is_open and size[0] == "number" and self.begins_a_name():
                    raise Unreadable(f"it is not clear in {self.text!r} where the exponent of e "
                                     "ends: write brackets, e^(…)")
                turned = (exponent in [("name", "T"), ("name", "top")]
                          and exponent[1] not in self.known)
                if exponent == ("minus", ("name", "T")) and "T" not in self.known:  # A^{-T}
                    exponent, turned = ("minus", ("number", "1")), False
                    tree = ("transposed", tree)
                tree = ("transposed", tree) if turned else ("power", tree, exponent)
            else:
                return tree

    def entrywise_power(self):
        """The number in ^⊙2 or ^{\\odot 2}, else None."""
        end = self.tokens[self.place:self.place + 5]
        match = re.match(r"\^({)?⊙([1-9])(?![0-9])(?(1)})", "".join(end))
        self.place += len(match[0]) if match else 0
        return match and int(match[2])

    def dot_transpose(self):
        """.T or .transpose()"""
        how = self.tokens[self.place + 1] if self.next == "." else ""
        if how not in ("T", "transpose"):
            return False
        self.place += 2
        return how == "T" or bool(self.need("(") and self.need(")"))

    def exponent(self):
        if self.next == "{" or self.latex:
            return self.short()
        return self.factor()

    def short(self):
        """What belongs to ^, _ or \\frac: a group in braces, or else one sign in LaTeX."""
        if self.next == "{":
            return self.group()
        if self.latex and self.next.isdigit() and len(self.next) > 1:
            digit, self.tokens[self.place] = self.next[0], self.next[1:]
            return ("number", digit)
        return self.atom(bare=True)

    @contextmanager
    def brackets(self):
        """Within the bracket that begins here, to its end."""
        outside, self.inside = self.inside, self.take(self.next)
        end = ENDS[self.inside]
        yield
        self.inside = outside
        if end == "|" and self.next == "||":  # |a||b|
            self.tokens[self.place] = "|"
        else:
            self.need(end)

    def group(self):
        with self.brackets():
            return self.compared(self.sum())

    def arguments(self):
        with self.brackets():
            return self.listed(self.sum)

    def listed(self, one):
        found = [one()]
        while self.take(","):
            found.append(one())
        return found

    def atom(self, bare=False):
        token = self.next
        if token == "||":
            return self.norm()
        if token in ENDS:
            return ("call", "abs", [self.group()]) if token == "|" else self.group()
        if token[:1].isdigit() or token[:1] == "." and token[1:].isdigit():
            self.place += 1
            return self.indicator("]") if token == "1" and self.take("[") else ("number", token)
        if token.startswith("\\") and token != r"\}":
            return self.command()
        if token in NO_NAMES - self.known:
            raise Unreadable(f"{token} is no quantity that a formula may hold: {self.text!r}")
        if token in PYTHON - self.known:
            self.stop("a formula such as Sum(x[i]**2, (i, 1, n)), no Python")
        if re.match("[A-Za-z]", token):
            self.place += 1
            return ("name", token) if bare else self.named(token)
        return self.stop("a number, a name or a bracket")

    def norm(self):
        place, tokens = self.place, [*self.tokens]
        try:
            tree = self.group()
        except Unreadable as error:  # ||x| - 1|
            self.place, self.tokens = place, [*tokens[:place], "|", "|", *tokens[place + 1:]]
            self.inside = ""
            try:
                return ("call", "abs", [self.group()])
            except Unreadable:
                raise error from None
        which = self.short() if self.take("_") else ("name", "F")
        if which not in [("number", "2"), ("name", "F")]:
            self.stop("the norm with squares, as in ||w||^2 or ||X||_F^2,")
        return ("norm", tree, which[1])

    def indicator(self, right):
        """1[k=c] or 1[z > 0], after the bracket."""
        tree = self.compared(self.sum())
        if self.take("="):
            tree = ("call", "KroneckerDelta", [tree, self.sum()])
        self.need(right)
        return tree

    def compared(self, one):
        """z > 0 as the step H(z); the formula itself where nothing is compared."""
        if not (sign := self.take(">", "<")):
            return one
        self.take("=")
        both = (one, self.sum()) if sign == ">" else (self.sum(), one)
        above = both[0] if both[1] == NOUGHT else ("add", both[0], ("minus", both[1]))
        return ("call", "Heaviside", [("minus", both[1]) if both[0] == NOUGHT else above])

    def where(self):
        """where(z > 0, a, b), by the step of z."""
        with self.brackets():
            step = self.compared(self.sum())
            if step[:2] != ("call", "Heaviside"):
                self.stop("a comparison such as z > 0")
            self.need(",")
            yes, _, no = self.sum(), self.need(","), self.sum()
        parts = [("times", factor, value) for factor, value in (
            (step, yes), (("add", ("number", "1"), ("minus", step)), no)) if value != NOUGHT]
        return ("add", *parts) if len(parts) == 2 else (*parts, NOUGHT)[0]

    def command(self):
        name = self.take(self.next)[1:]
        if name == "frac":
            if self.tokens[self.place + 1:self.place + 2] == [r"\partial"]:
                return ("partial", self.differential("{", "}"), self.differential("{", "}"))
            return ("over", self.short(), self.short())
        if name == "sqrt":
            return self.root()
        if name == "sum":
            return self.sum_sign()
        if name == "partial":
            self.place -= 1
            return ("partial", self.differential("", "/"), self.differential())
        if name in DRESSES:
            return self.dressed(name)
        if name not in {*GREEK.values(), "top", *self.functions, *self.known}:
            self.place -= 1
            self.stop(f"a formula; \\{name} is not read here")
        return self.named(name)

    def root(self):
        r"""What stands behind \sqrt or √: \sqrt{w}, \sqrt[3]{w}, √2."""
        degree = self.take("[") and self.sum()
        degree and self.need("]")
        below = self.short() if self.next == "{" else self.atom()
        return (("power", below, ("over", ("number", "1"), degree)) if degree
                else ("call", "sqrt", [below]))

    def dressed(self, how):
        r"""What stands in bold, or under a hat: \mathbf{X}, \hat y, \mathbf{1}_{k=c}."""
        braces, parts = self.take("{"), []
        while not parts or braces and self.next != "}":
            parts.append(self.take(self.next) or self.stop("a name"))
        if braces:
            self.need("}")
        name = "".join(parts).lstrip("\\")
        if name == "1" and self.take("_"):
            self.need("{")
            return self.indicator("}")
        return self.named(f"{name}_{how}" if how in ("hat", "bar", "tilde") else name)

    def differential(self, before="", after=""):
        """One half of ∂L/∂z_k, or of the same as a LaTeX fraction."""
        if before:
            self.need(before)
        self.need(r"\partial")
        what = self.atom()
        if after:
            self.need(after)
        return what

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

    def named(self, name):
        """A name with what belongs to it: primes, a layer, indices, brackets of a function."""
        if name in ("Sum", "sum") and self.next == "(":
            return self.python_sum()
        if name in {"mean", "average"} - self.alone and self.next == "(":
            self.stop("a mean written as a sum, as in Sum(x[i]**2, (i, 1, n))/n,")
        if name in {"where"} - self.alone and self.next == "(":
            return self.where()
        if name == "Partial" and self.next == "(":
            parts = self.arguments()
            return (("partial", *parts) if len(parts) == 2
                    else self.stop("Partial(function, variable)"))
        stem, index = self.split(name)
        stem += self.layer()
        indices = [("name" if letter.isalpha() else "number", letter) for letter in index]
        if self.take("_"):
            indices += self.subscript()
        stem += "" if index else self.layer()
        if indices and stem in ("log", "ln") and stem in self.functions:
            return self.logarithm(indices)
        if indices and all(kind == "number" for kind, _ in indices):
            joined = f"{stem}_{''.join(number for _, number in indices)}"
            made = stem not in self.known and (not self.latex or stem.isalpha() and not self.known)
            if joined in self.known or made and self.next != "[":
                self.must_be_a_factor(stem if self.latex else joined)
                return ("name", joined)
        indices += self.arguments() if self.next == "[" else []
        if indices and stem in self.functions:
            self.stop(f"{stem} without an index")
        if indices:
            self.must_be_a_factor(name if len(index) > 2 else stem)
            return ("entry", stem, indices)
        return self.called(stem) or ("name", stem)

    def called(self, stem):
        """A function with its argument; None for what is no function."""
        if stem in self.functions and (squared := self.power_of(stem)):
            return squared
        primes = next(p for p, token in enumerate(self.tokens[self.place:]) if token != "'")
        bracket = self.tokens[self.place + primes] in ("(", "{")
        if primes and stem in self.alone - self.functions - {*GREEK.values()}:
            return None  # X' (X w - y)
        if bracket and (primes and stem not in self.known or stem in self.functions):
            self.place += primes
            return ("call", stem + "'"*primes, self.arguments())
        self.must_be_a_factor(stem)
        if stem in LONG_NAMES - self.known and self.next.isdigit() and (
                self.tokens[self.place + 1] == "("):
            self.stop(f"a bracket, as in {stem}({self.next})*(z), or a base, as in log_2(z),")
        self.must_hold_no_function(stem)
        if stem in LONG_NAMES - self.known:
            return ("call", stem, [self.argument(stem)])

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
        name = self.next.lstrip("\\")
        return (name in LONG_NAMES - self.known
                or name in self.functions and self.tokens[self.place + 1] == "(")

    def begins_a_name(self):
        name = self.next.lstrip("\\")
        return (name.isidentifier() and name not in {"frac", "sum"} and self.begins_a_factor()
                and not self.begins_a_function())

    def must_hold_no_function(self, name):
        """Refuses sin2w or expw, which would be one name, and tan, which is no name."""
        if self.known & {name}:
            return
        if name in NO_FUNCTIONS:
            raise Unreadable(f"{name} is no function that is known here: {self.offered()}")
        glued = name not in self.functions and re.fullmatch(
            r"(sin|cos|tanh|exp|log|ln|sqrt)(\d+\w*|[A-Za-z]\w*)", name)
        if glued and (glued[2][0].isdigit() or glued[2] in self.alone):
            raise Unreadable(f"{name} would be one name: write {glued[1]}({glued[2]})")

    def must_be_a_factor(self, name):
        """Refuses a name before a bracket that is neither a function nor surely a factor."""
        letter = re.sub(r"_(hat|bar|tilde)$|\^\(\w\)$", "", name)
        if self.next not in ("(", "{") or len(letter) == 1 or {name, letter} & self.alone:
            return
        raise Unreadable(f"{name} is no function that is known here: {self.offered()}; "
                         "for a product write *")

    def offered(self):
        """The functions with a name, each under one, in small letters if it has such a name."""
        names = sorted(reversed([*FUNCTIONS, *self.functions - FUNCTIONS.keys()]), key=str.islower)
        found = {FUNCTIONS.get(name, name): name for name in names
                 if len(name) > 1 and name in self.functions - {*GREEK.values()}}
        return ", ".join(sorted(found.values()))

    def logarithm(self, base):
        r"""log_2(z), \log_{10} z: the natural one over that of the base."""
        if any(kind == "number" for kind, _ in base):
            base = [("number", "".join(digit for _, digit in base))]
        if len(base) > 1 or base[0][1] in ("0", "1"):
            self.stop(r"a base such as 2 or 10, as in log_2(z) or \log_{10} z,")
        exponent = self.take("^") and self.exponent()
        value = self.arguments() if self.next == "(" else [self.argument("log")]
        tree = ("over", ("call", "log", value), ("call", "log", base))
        return ("power", tree, exponent) if exponent else tree

    def power_of(self, stem):
        """tanh^2(z), which is tanh(z)^2; None for all else."""
        place = self.place
        exponent = self.take("^") and self.exponent()
        if exponent == ("minus", ("number", "1")):
            self.stop(f"the name of the inverse function for {stem}^-1")
        if exponent and self.next == "(":
            return ("power", ("call", stem, self.arguments()), exponent)
        if exponent and stem in LONG_NAMES and self.begins_a_factor():
            return ("power", ("call", stem, [self.argument(stem)]), exponent)
        self.place = place

    def split(self, name):
        """x_ik is the entry (i, k) of x; y_hat and a known name such as c_3 are names."""
        stem, _, index = name.partition("_")
        mark, _, after = index.partition("_")
        if not index or self.next == "[" or name in self.known | self.functions:
            return name, ""
        if mark in ("hat", "bar", "tilde"):
            return f"{stem}_{mark}", after
        numbered = index.isdigit() and stem not in {"log", "ln", *self.known}
        if numbered or not index.isalnum() or len(index) > 3:
            return name, ""
        return stem, index

    def layer(self):
        """^(2) or ^{(2)} above a name counts layers, where such a name is known or it is LaTeX."""
        match = re.match(r"\^(\{\((\w)\)\}|\((\w)\))",
                         "".join(self.tokens[self.place:self.place + 6]))
        layer = match and f"^({match[2] or match[3]})"
        if not match or not (any(name.endswith(layer) for name in self.known) or match[2]
                             and not self.known):
            return ""
        self.place += 6 if match[2] else 4
        return layer

    def subscript(self):
        indices = []
        if self.take("{"):
            while not self.take("}"):
                indices += [] if self.take(",") else [self.atom(bare=True)]
        else:
            indices = [self.short()]
        return [one for tree in indices for one in _letter_by_letter(*tree)]

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


# A tree to a formula -----------------------------------------------------------------------------


class _Names:
    """What the names of some trees stand for: those that are known, or else symbols made."""

    def __init__(self, trees, known, functions, latex=False, spelled=None):
        self.latex, self.strict, self.running, self.loose = latex, bool(known), None, {}
        self.matrices = {str(name): name for name in known if name.is_Matrix}
        self.values = {str(label_of(name)): name for name in known
                       if not name.is_Matrix}
        for spelling, name in (spelled or {}).items():
            (self.matrices if name.is_Matrix else self.values)[spelling] = name
        self.functions = {f.stem: f for f in functions}
        self.ends, self.whole, self.arrays = {}, set(), {}
        nodes = [node for tree in trees for node in _all(tree)]
        alone = {node[1] for node in nodes if node[0] in ("name", "entry")}
        self.products = {name for name in alone - self.values.keys() if not self.strict
                         and len(name) > 1 and set(name) <= alone | {"e"} and {*name} != {"e"}}
        for name in sorted(self.products) if not latex else ():
            raise Unreadable(f"{name} would be one name: write {'*'.join(name)} for a product")
        for kind, *parts in nodes:  # how far indices run, and on which letters arrays stand
            if kind == "sum":
                for letter, low, high in parts[1]:
                    self.whole |= {letter} | _letters(low) | _letters(high or low)
                    self.ends |= {letter: high} if high else {}
            elif kind == "entry":
                self.whole |= set().union(*map(_letters, parts[1]))
                self.arrays.setdefault(parts[0], []).append(parts[1])

    # names that are made

    def end_of(self, letter):
        return self.ends.get(letter) or ("name", SIZES.get(letter, letter.upper()))

    def known(self, name, make):
        if name not in self.values:
            if self.strict:
                raise Unreadable(unknown(name, self.values | self.matrices))
            self.values[name] = make()
        return self.values[name]

    def symbol(self, name):
        if name in self.arrays:
            return self.array(name, len(self.arrays[name][0]))
        whole = name in self.whole or name in {SIZES.get(letter) for letter in self.whole}
        return _letter(name) if whole else sp.Symbol(name, real=True)

    def array(self, name, rank):
        def made():
            places = zip(*(indices for indices in self.arrays[name] if len(indices) == rank))
            letters = ([index[1] for index in place if index[0] == "name"] for place in places)
            firsts = (next((one for one in found if one in self.ends), (*found, "i")[0])
                      for found in letters)
            return indexed(name, *(self.build(self.end_of(letter)) for letter in firsts))

        if name in self.matrices and name not in self.values:
            raise Unreadable(f"{name} is a whole matrix here: write it without indices")
        base = self.known(name, made)
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
        except (TypeError, ValueError, AttributeError, RecursionError) as error:
            raise Unreadable(f"cannot make a formula of {text!r}: {error}") from None

    def build(self, tree):
        kind, *parts = tree
        found = getattr(self, kind)(*parts)
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
        if name in self.products:  # as in LaTeX, where another of the texts is LaTeX
            return sp.Mul(*map(self.name, name))
        value = self.loose.get(name) or self.known(name, lambda: self.symbol(name))
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
        if tree[0] == "name" and self.strict and tree[1] not in self.loose:
            return self.values.setdefault(tree[1], _letter(tree[1]))
        return self.build(tree)

    def add(self, one, other):
        one, other = self.build(one), self.build(other)
        if _shape(one) != _shape(other):
            raise Unreadable(f"{_told(one)} and {_told(other)} cannot be added")
        return one + other

    def minus(self, tree):
        return -self.build(tree)

    def times(self, one, other):
        return self.product(self.build(one), self.build(other))

    def product(self, one, other):
        if one.is_Matrix and other.is_Matrix and one.shape[1] != other.shape[0]:
            raise Unreadable(f"{_told(one)} times {_told(other)} does not fit")
        if self.running is not None and one.has(self.running) and other.has(self.running):
            raise Unreadable(f"{one} {other} within ||…|| is no product of arrays: "
                             "write a sum of entries")
        return one * other

    def matmul(self, one, other):
        return self.product(self.matrix(one, "@"), self.matrix(other, "@"))

    def entrywise(self, one, other):
        one, other = self.build(one), self.build(other)
        if not (one.is_Matrix and other.is_Matrix):
            return self.product(one, other)
        if one.shape != other.shape:
            raise Unreadable(f"{_told(one)} ⊙ {_told(other)} does not fit")
        return sp.HadamardProduct(one, other)

    def transposed(self, tree):
        return sp.Transpose(self.matrix(tree, "' or ᵀ"))

    def matrix(self, tree, sign):
        found = self.build(tree)
        if not found.is_Matrix:
            raise Unreadable(f"{sign} stands with a matrix, and {found} is a number here: write "
                             "entries, as in Sum(X[i, k]*y[i], (i, 1, n)), or make it a "
                             "MatrixSymbol")
        return found

    def norm(self, tree, which):
        return sp.sqrt(self.squared(tree, which))

    def identity(self, size):
        size = sp.sympify(size) if size == 1 else _letter(size)
        return sp.S.One if size == 1 else sp.Identity(size)

    def squared(self, tree, which):
        """||v||²: of a matrix the trace of vᵀ v, of an array a sum over entries, of a number v²."""
        taken, kept = {*self.loose, *self.values}, self.running
        self.running = letter = _letter(next(c for c in "ijklmpqrst" if c not in taken))
        found, self.running = self.build(tree), kept
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

    def partial(self, function, variable):
        return Partial(self.build(function), self.build(variable))

    def over(self, one, other):
        below = self.build(other)
        if below == 0 or below.is_Matrix:
            raise Unreadable("it divides by zero" if below == 0
                             else f"nothing is divided by {_told(below)}")
        return self.build(one) / below

    def power(self, base, exponent):
        if base[0] == "norm" and exponent == ("number", "2"):
            return self.squared(*base[1:])
        base = self.build(base)
        with evaluate(True):  # lest 9^9^9 is worked out later
            exponent = self.build(exponent)
        if exponent.is_Number and abs(exponent) > LARGEST:
            raise Unreadable(f"the exponent {exponent} is too large: at most {LARGEST}")
        if base == 0 and exponent.is_negative:
            raise Unreadable("it divides by zero")
        return sp.exp(exponent) if base is sp.E else base**exponent

    def sum(self, body, limits):
        letters = {letter: self.values.get(letter) or _letter(letter, low != NOUGHT)
                   for letter, low, _ in limits}
        with self.bound(letters):
            function = self.build(body)
            if function.is_Matrix:
                raise Unreadable(f"a sum adds numbers, not matrices such as {function}: "
                                 "write entries")
            ends = [(letters[letter], self.build(low),
                     self.build(high) if high else self.last(function, letter, letters[letter]))
                    for letter, low, high in limits]
        return sp.Sum(function, *ends)

    @contextmanager
    def bound(self, letters):
        self.loose, kept = {**self.loose, **letters}, self.loose
        yield
        self.loose = kept

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
        function = self.functions.get(stem) or FUNCTIONS.get(stem) or OF_A_MATRIX.get(stem)
        if function is None and stem in self.matrices:
            raise Unreadable(f"{name}(…) is no function, as {stem} is a matrix: write {stem}*(…), "
                             f"or {stem}^T*(…) for the transpose")
        if function is None and self.strict:
            raise Unreadable(unknown(stem, self.functions))
        function = function or activation(stem)
        for _ in range(len(name) - len(stem)):
            function = _slope(function, stem)
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


def _letter_by_letter(kind, *rest):
    """The indices i and k of x_{ik}; a longer name, or a formula, is one index."""
    is_run = kind in ("name", "number") and len(rest[0]) <= 3
    return ([("number" if letter.isdigit() else kind, letter) for letter in rest[0]] if is_run
            else [(kind, *rest)])


def _slope(function, name):
    """The function that g' stands for, σ' too: by a rule, or of its own."""
    if isinstance(function, type) and issubclass(function, Activation):
        return function.prime
    z = sp.Dummy(real=True)
    try:
        with evaluate(True):
            slope = sp.DiracDelta(z) if function in (sp.Max, sp.Min) else function(z).diff(z)
    except (TypeError, AttributeError):
        slope = sp.DiracDelta(z)
    if slope.has(sp.DiracDelta, sp.Derivative):
        raise Unreadable(f"write the slope of {name} out: {name}' is not known here")
    return lambda value: slope.xreplace({z: value})


def _letter(name, from_one=True):
    return sp.Symbol(name, integer=True, **{"positive" if from_one else "nonnegative": True})


def _shape(value):
    return value.shape if value.is_Matrix else None


def _told(value):
    return (f"{value} ({' × '.join(map(str, value.shape))})" if value.is_Matrix
            else f"the number {value}")


def _all(tree):
    """Every node of a tree."""
    found, todo = [], [tree]
    while todo:
        node = todo.pop()
        if isinstance(node, tuple):
            found.append(node)
        todo += node if isinstance(node, list) else node[1:] if isinstance(node, tuple) else ()
    return found


def _letters(tree):
    return {node[1] for node in _all(tree) if node[0] == "name"}
