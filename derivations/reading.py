r"""Formulas as people type them, in plain text or LaTeX, read into SymPy; nothing of the text is ever evaluated.

    (w*x - y)**2/2                         as in Python
    (w x - y)²/2                           with blanks for products, ² and Greek letters
    Sum((w*x[i] - y[i])**2, (i, 1, n))/n   entries and sums as in the notebooks
    \frac{1}{n}\sum_i (w x_i - y_i)^2      LaTeX

A text is cut into tokens, the tokens become a tree, the tree becomes a formula of the names that are known. Where none
are given they are made: real symbols, whole numbers for what stands as an index or ends a sum. Short decimals are exact.
"""

import re
import unicodedata
from difflib import get_close_matches

import sympy as sp
from sympy import evaluate

from derivations.symbols import Activation, Partial, activation, as_written, indexed, sigmoid

LONGEST, LARGEST = 2_000, 100  # characters of a text; number that may stand as an exponent

GREEK = dict(zip("αβγδεζηθικλμνξοπρςστυφχψω", (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma sigma tau "
    "upsilon phi chi psi omega").split()))
MARKS = {"\u0302": "_hat", "\u0304": "_bar", "\u0303": "_tilde"}
RAISED = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-"))

FUNCTIONS = {"exp": sp.exp, "log": sp.log, "ln": sp.log, "sqrt": sp.sqrt, "tanh": sp.tanh, "sinh": sp.sinh, "cosh": sp.cosh,
             "sin": sp.sin, "cos": sp.cos, "atan": sp.atan, "arctan": sp.atan, "erf": sp.erf, "abs": sp.Abs, "sign": sp.sign,
             "max": sp.Max, "min": sp.Min, "Abs": sp.Abs, "Max": sp.Max, "Min": sp.Min, "Heaviside": sp.Heaviside,
             "sigmoid": sigmoid, "sigma": sigmoid, "KroneckerDelta": sp.KroneckerDelta}
UNKNOWN = ("f", "g", "h", "phi", "psi")  # followed by a bracket they are functions, unless they are known as values
SIZES = dict(i="n", j="d", k="m", l="p")  # where a sum has no end, and no array says how far it runs


class Unreadable(ValueError):
    """A text that is no formula, or that holds a name nobody knows. The message says where, and what was expected."""


def read(*texts, known=(), functions=()):
    """The formulas that the texts stand for, one for each; they share their names.

    Parameters
    ----------
    *texts : str
        Plain text or LaTeX. Of an equation the right side is taken.
    known : iterable of Symbol and IndexedBase
        The names that may occur; every other one is refused. Without it names are made as they are met.
    functions : iterable of Activation classes
        Functions that may occur beside the usual ones.

    Raises
    ------
    Unreadable
        With the place in the text, or the name that may have been meant.

    Examples
    --------
    >>> read("0.5 (w x - y)²", r"\\frac{1}{2}(wx - y)^{2}")
    [(w*x - y)**2/2, (w*x - y)**2/2]
    """
    trees = [_Parser(text, known, functions).tree() for text in texts]
    names = _Names(trees, known, functions)
    with as_written():
        return [names.build(tree) for tree in trees]


def unknown(name, known):
    """What is said of a name that is not among the known ones, with the one that may be meant."""
    if len(name) > 1 and all(letter in known for letter in name):
        return f"the name {name} is not known; did you mean {'*'.join(name)}?"
    lower = {spelling.lower(): spelling for spelling in known}
    near = get_close_matches(name.lower(), lower, 1)
    meant = f"did you mean {lower[near[0]]}?" if near else f"it knows {', '.join(sorted(known))}"
    return f"the name {name} is not known; {meant}"


# Text to tokens -----------------------------------------------------------------------------------------

TOKEN = re.compile(r"""\s*(?: (?P<number>\d+(?:\.(?!\.)\d*)?(?:[eE][-+]?\d+)?|\.\d+)
                            | (?P<name>[A-Za-z]+(?:\w*[^\W_])?)
                            | (?P<command>\\[A-Za-z]+|\\.) | (?P<sign>\*\*|\.\.|.) )""", re.VERBOSE)
IGNORED = {r"\left", r"\right", r"\Bigl", r"\Bigr", r"\bigl", r"\bigr", r"\big", r"\Big", r"\,", r"\;", r"\!", r"\ ",
           r"\quad", r"\displaystyle", r"\limits", "&", "$", r"\:"}
SPELLINGS = {r"\cdot": "*", r"\times": "*", "·": "*", "×": "*", "−": "-", "**": "^", r"\ln": r"\log", "Σ": r"\sum", "∑": r"\sum",
             "∂": r"\partial", "√": r"\sqrt", "ϕ": "phi", r"\varphi": r"\phi", r"\varepsilon": r"\epsilon", r"\dfrac": r"\frac",
             r"\tfrac": r"\frac", r"\lbrace": "{", "⊙": "*", r"\ell": "l", "…": ".."}


def _tokens(text):
    """The tokens of a text. Letters with a mark, such as ŷ, become names such as y_hat."""
    latex = "\\" in text
    text = re.sub("([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)", lambda m: "^{" + "".join(map(RAISED.get, m[1])) + "}", text)
    text = unicodedata.normalize("NFD", text)
    text = re.sub(r"(\w)([\u0302\u0304\u0303])", lambda m: m[1] + MARKS[m[2]], text)
    text = re.sub("[α-ω]", lambda m: f" {GREEK.get(m[0], m[0])}" + " "*(not text[m.end():m.end() + 1] == "_"), text)
    text, place = text.rstrip(), 0
    while match := TOKEN.match(text, place):
        token, place = SPELLINGS.get(match[match.lastgroup], match[match.lastgroup]), match.end()
        if token in IGNORED:
            continue
        if match.lastgroup == "name" and latex and not re.fullmatch(r"[A-Za-z]+_(hat|bar|tilde)", token):
            place = match.start("name") + 1  # in LaTeX each letter is a name of its own
            token = token[0]
        yield token


# Tokens to a tree ---------------------------------------------------------------------------------------


class _Parser:
    """Reads one text into nested tuples: ("add", a, b), ("name", "w"), ("entry", "x", [i, k]), ("sum", ...)."""

    def __init__(self, text, known, functions):
        if not isinstance(text, str) or not text.strip() or len(text) > LONGEST:
            raise Unreadable(f"a formula as text is needed, of at most {LONGEST} characters; got {str(text)[:40]!r}")
        self.text, self.latex = text, "\\" in text
        self.tokens, self.place = [*_tokens(text), ""], 0
        self.known = {str(getattr(name, "label", name)) for name in known}
        self.functions = {f.stem for f in functions} | set(FUNCTIONS) | set(UNKNOWN) - self.known

    def tree(self):
        try:
            tree = self.sum()
            if self.take("="):
                tree = self.sum()
        except RecursionError:
            raise Unreadable("the formula is nested too deeply") from None
        return tree if self.next == "" else self.stop("an operator or the end of the formula")

    # the tokens

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
        where = f"before {''.join(self.tokens[self.place:self.place + 3])!r}" if self.next else "at the end"
        raise Unreadable(f"cannot read {self.text!r}: expected {expected} {where}")

    # the grammar, from what binds least to what binds most

    def sum(self):
        tree = self.product(self.take("-", "+"))
        while sign := self.take("+", "-"):
            right = self.product()
            tree = ("add", tree, right if sign == "+" else ("minus", right))
        return tree

    def product(self, sign=None):
        tree = self.factor()
        while True:
            if self.take("*"):
                tree = ("times", tree, self.factor())
            elif self.take("/"):
                tree = ("over", tree, self.factor())
            elif self.begins_a_factor():  # a blank, or nothing, as in 2x
                tree = ("times", tree, self.factor())
            else:
                return ("minus", tree) if sign == "-" else tree

    def begins_a_factor(self):
        return self.next not in ("", ")", "]", "}", ",", "+", "-", "=", "|", "..", "^", "_", "'", "!", ";", ":", r"\}", r"\)")

    def factor(self):
        if sign := self.take("-", "+"):
            return ("minus", self.factor()) if sign == "-" else self.factor()
        base = self.atom()
        if self.take("^"):
            return ("power", base, self.exponent())
        return base

    def exponent(self):
        if self.latex and self.next != "{":
            return self.short()
        return self.group("{", "}") if self.next == "{" else self.factor()

    def short(self):
        """What follows ^ or _ without braces in LaTeX: one sign."""
        token = self.next
        if self.latex and token.isdigit() and len(token) > 1:
            self.tokens[self.place] = token[1:]
            return ("number", token[0])
        return self.atom(bare=True)

    def group(self, left, right):
        self.need(left)
        tree = self.sum()
        self.need(right)
        return tree

    def atom(self, bare=False):
        token = self.next
        if token in ("(", "[", "{"):
            return self.group(token, {"(": ")", "[": "]", "{": "}"}[token])
        if self.take(r"\{"):
            tree = self.sum()
            self.need(r"\}")
            return tree
        if self.take("|"):
            tree = self.sum()
            self.need("|")
            return ("call", "abs", [tree])
        if re.fullmatch(r"[\d.]*\d[\d.]*([eE][-+]?\d+)?", token):
            return self.number()
        if token.startswith("\\"):
            return self.command()
        if re.match("[A-Za-z]", token):
            self.place += 1
            return ("name", token) if bare else self.named(token)
        return self.stop("a number, a name or a bracket")

    def number(self):
        token = self.take(self.next)
        if token == "1" and self.take("["):  # 1[k=c]
            return self.indicator("]")
        return ("number", token)

    def indicator(self, right):
        one = self.sum()
        self.need("=")
        other = self.sum()
        self.need(right)
        return ("call", "KroneckerDelta", [one, other])

    def command(self):
        name = self.take(self.next)[1:]
        if name == "frac":
            if self.tokens[self.place + 1:self.place + 2] == [r"\partial"]:
                return self.derivative("{", "}")
            above = self.group("{", "}") if self.next == "{" else self.short()
            return ("over", above, self.group("{", "}") if self.next == "{" else self.short())
        if name == "sqrt":
            return ("call", "sqrt", [self.group("{", "}") if self.next == "{" else self.atom()])
        if name == "sum":
            return self.sum_sign()
        if name == "partial":
            self.place -= 1
            return self.derivative("", "/")
        if name in ("mathbf", "mathbb", "boldsymbol", "mathrm", "operatorname", "text", "hat", "bar", "tilde"):
            return self.dressed(name)
        return self.named(name)

    def dressed(self, how):
        braces = self.take("{")
        parts = []
        while not parts or braces and self.next != "}":
            parts.append(self.take(self.next) or self.stop("a name"))
        if braces:
            self.need("}")
        name = "".join(parts).lstrip("\\")
        if name == "1" and self.take("_"):
            self.need("{")
            return self.indicator("}")
        return self.named(f"{name}_{how}" if how in ("hat", "bar", "tilde") else name)

    def derivative(self, left, right):
        """∂L/∂z_k, or the same as a LaTeX fraction."""
        if left:
            self.need(left)
        self.need(r"\partial")
        function = self.atom()
        self.need(right)
        if left:
            self.need("{")
        self.need(r"\partial")
        variable = self.atom()
        if left:
            self.need("}")
        return ("partial", function, variable)

    def sum_sign(self):
        """Σ_{i=1..n}, \\sum_{i=1}^n, or \\sum_i, which runs as far as its arrays do."""
        if not self.take("_"):
            self.stop("an index, as in \\sum_{i=1}^n or Σ_{i=1..n}")
        limits, low, high = [], ("number", "1"), None
        if self.take("{"):
            limits = [self.letter()]
            while self.take(","):
                limits.append(self.letter())
            if self.take("="):
                low = self.sum()
            if self.take(".."):
                high = self.sum()
            self.need("}")
        else:
            limits = list(self.letter())
        if self.take("^"):
            high = self.group("{", "}") if self.next == "{" else self.short()
        return ("sum", self.product(), [(letter, low, high) for letter in limits])

    def letter(self):
        return self.take(self.next) if self.next.isalpha() else self.stop("a letter")

    def named(self, name):
        """A name with what belongs to it: primes, a layer, indices, or the brackets of a function."""
        if name == "Sum" and self.take("("):
            return self.python_sum()
        if name == "Partial" and self.take("("):
            function = self.sum()
            self.need(",")
            tree = ("partial", function, self.sum())
            self.need(")")
            return tree
        stem, index = self.split(name)
        if self.next == "^" and (layer := self.layer()):
            stem += layer
        indices = [("name" if letter.isalpha() else "number", letter) for letter in index]
        if self.take("_"):
            indices += self.subscript()
        if self.next == "^" and not index and (layer := self.layer()):
            stem += layer
        if indices and all(kind == "number" for kind, _ in indices):
            joined = f"{stem}_{''.join(number for _, number in indices)}"
            if joined in self.known or stem not in self.known and not self.latex:
                return ("name", joined)
        if self.next == "[":
            indices += self.arguments("[", "]")
        if indices:
            return ("entry", stem, indices)
        primes = 0
        while self.take("'"):
            primes += 1
        if (primes or stem in self.functions and stem not in self.known) and self.next in ("(", "{"):
            return ("call", stem + "'"*primes, self.arguments(self.next, {"(": ")", "{": "}"}[self.next]))
        if stem in FUNCTIONS and stem not in (*self.known, "sigma") and self.begins_a_factor():  # \log p
            return ("call", stem, [self.factor()])
        return ("name", stem)

    def split(self, name):
        """x_ik is the entry (i, k) of x; y_hat and a known name such as c_3 are names."""
        stem, _, index = name.partition("_")
        if not index or self.next == "[" or index in ("hat", "bar", "tilde") or name in {*self.known, *self.functions}:
            return name, ""
        if name.count("_") == 2 and index.split("_")[0] in ("hat", "bar", "tilde"):
            return f"{stem}_{index.split('_')[0]}", index.split("_")[1]
        if index.isdigit() and stem not in self.known:
            return name, ""
        return (stem, index) if index.isalnum() and len(index) <= 3 else (name, "")

    def layer(self):
        """^(2) or ^{(2)} above a name counts layers, where such a name is known or it is LaTeX."""
        match = re.match(r"\^(\{\((\w)\)\}|\((\w)\))", "".join(self.tokens[self.place:self.place + 6]))
        if not match:
            return ""
        layer = f"^({match[2] or match[3]})"
        if not any(name.endswith(layer) for name in self.known) and not (match[2] and not self.known):
            return ""
        self.place += 6 if match[2] else 4
        return layer

    def subscript(self):
        if self.take("{"):
            indices = []
            while not self.take("}"):
                indices.append(self.atom(bare=True) if self.next != "," else self.take(",") and self.atom(bare=True))
            return [one for index in indices for one in _letter_by_letter(index)]
        return _letter_by_letter(self.short())

    def arguments(self, left, right):
        self.need(left)
        found = [self.sum()]
        while self.take(","):
            found.append(self.sum())
        self.need(right)
        return found

    def python_sum(self):
        body, limits = self.sum(), []
        while self.take(","):
            limit = self.arguments("(", ")")
            if len(limit) != 3 or limit[0][0] != "name":
                self.stop("limits such as (i, 1, n)")
            limits.append((limit[0][1], *limit[1:]))
        self.need(")")
        return ("sum", body, limits)


def _letter_by_letter(index):
    kind, text = index[:2]
    return [(kind, letter) for letter in text] if kind in ("name", "number") and len(text) <= 3 else [index]


# A tree to a formula ------------------------------------------------------------------------------------


class _Names:
    """What the names of some trees stand for: those that are known, or else symbols made for them."""

    def __init__(self, trees, known, functions):
        self.strict = bool(known)
        self.values = {str(getattr(name, "label", name)): name for name in known}
        self.functions = {f.stem: f for f in functions}
        self.ends, self.whole, self.arrays = {}, set(), {}
        if not self.strict:
            for tree in trees:
                self.survey(tree, {})
        self.loose = {}
        alone = {part[1] for tree in trees for part in _all(tree) if part[0] in ("name", "entry")}
        for name in sorted(alone - self.values.keys()):
            if not self.strict and len(name) > 1 and set(name) <= alone:
                raise Unreadable(f"{name} would be one name: write {'*'.join(name)} for a product")

    # names that are made

    def survey(self, tree, ends):
        """Note how far indices run, which names are whole numbers, and on which letters arrays stand."""
        kind, *parts = tree
        if kind == "sum":
            body, limits = parts
            for letter, low, high in limits:
                self.whole.add(letter)
                self.whole |= {part[1] for part in _all(low) + _all(high or low) if part[0] == "name"}
                if high is not None:
                    self.ends[letter] = high
            return self.survey(body, ends)
        if kind == "entry":
            name, indices = parts
            self.whole |= {part[1] for index in indices for part in _all(index) if part[0] == "name"}
            self.arrays.setdefault(name, []).append(indices)
        for part in parts[-1] if kind in ("call",) else parts:
            if isinstance(part, tuple):
                self.survey(part, ends)

    def end_of(self, letter):
        return self.ends.get(letter) or ("name", SIZES.get(letter, letter.upper()))

    def symbol(self, name):
        if name not in self.values:
            if self.strict:
                raise Unreadable(unknown(name, self.values))
            whole = name in self.whole or name in {SIZES.get(letter) for letter in self.whole}
            self.values[name] = sp.Symbol(name, integer=True, positive=True) if whole else sp.Symbol(name, real=True)
        return self.values[name]

    def array(self, name, rank):
        if name not in self.values and not self.strict:
            shapes = [indices for indices in self.arrays[name] if len(indices) == rank]
            letters = [next((index[1] for index in place if index[0] == "name" and index[1] in self.ends),
                            next((index[1] for index in place if index[0] == "name"), "i")) for place in zip(*shapes)]
            self.values[name] = indexed(name, *(self.build(self.end_of(letter)) for letter in letters))
        base = self.values.get(name)
        if base is None:
            raise Unreadable(unknown(name, self.values))
        if not isinstance(base, sp.IndexedBase) or base.shape and len(base.shape) != rank:
            has = f"{len(base.shape)} indices" if isinstance(base, sp.IndexedBase) else "no index"
            raise Unreadable(f"{name} has {has}, and stands with {rank}")
        return base

    # formulas

    def build(self, tree):
        kind, *parts = tree
        if kind in OPERATIONS:
            return OPERATIONS[kind](*map(self.build, parts))
        return getattr(self, kind)(*parts)

    def number(self, text):
        mantissa, _, exponent = text.lower().partition("e")
        if len(mantissa) > 20 or abs(int(exponent or 0)) > 30:
            raise Unreadable(f"the number {text[:20]} is out of all proportion")
        return sp.Rational(text)

    def name(self, name):
        if name == "pi" and name not in self.values:
            return sp.pi
        if name == "e" and name not in self.values:
            return sp.E
        value = self.loose[name] if name in self.loose else self.symbol(name)
        if isinstance(value, sp.IndexedBase):
            letters = ", ".join("ijkl"[:len(value.shape or "i")])
            raise Unreadable(f"{name} is an array: write one of its entries, as in {name}[{letters}]")
        return value

    def entry(self, name, indices):
        if name == "delta" and len(indices) == 2 and name not in self.values:
            return sp.KroneckerDelta(*map(self.index, indices))
        return self.array(name, len(indices))[tuple(map(self.index, indices))]

    def index(self, tree):
        if tree[0] == "name" and tree[1] not in self.values and tree[1] not in self.loose and self.strict:
            return self.values.setdefault(tree[1], sp.Symbol(tree[1], integer=True, positive=True))
        return self.build(tree)

    def over(self, one, other):
        below = self.build(other)
        if below == 0:
            raise Unreadable("it divides by zero")
        return self.build(one) / below

    def power(self, base, exponent):
        base = self.build(base)
        with evaluate(True):  # lest 9^9^9 is worked out later
            exponent = self.build(exponent)
        if exponent.is_Number and abs(exponent) > LARGEST:
            raise Unreadable(f"the exponent {exponent} is too large: at most {LARGEST}")
        if base == 0 and exponent.is_negative:
            raise Unreadable("it divides by zero")
        return sp.exp(exponent) if base is sp.E else base**exponent

    def sum(self, body, limits):
        kept = dict(self.loose)
        letters = {letter: self.values.get(letter) if letter in self.values else sp.Symbol(letter, integer=True, positive=True)
                   for letter, *_ in limits}
        self.loose.update(letters)
        function = self.build(body)
        ends = [(letters[letter], self.build(low), self.build(high) if high else self.last(function, letter, letters[letter]))
                for letter, low, high in limits]
        self.loose = kept
        return sp.Sum(function, *ends)

    def last(self, function, letter, symbol):
        """How far a sum without an end runs: as far as the arrays do on which its index stands."""
        for entry in sorted(function.atoms(sp.Indexed), key=str):
            for index, size in zip(entry.indices, entry.base.shape or ()):
                if index == symbol:
                    return size
        if self.strict:
            raise Unreadable(f"how far does the sum over {letter} run? Write its end, as in \\sum_{{{letter}=1}}^n")
        return self.build(self.end_of(letter))

    def call(self, name, arguments):
        if name == "KroneckerDelta":
            return sp.KroneckerDelta(*map(self.index, arguments))
        stem, values = name.rstrip("'"), [self.build(a) for a in arguments]
        function = self.functions.get(stem) or FUNCTIONS.get(stem)
        if function is None and self.strict:
            raise Unreadable(unknown(stem, self.functions))
        function = function or activation(stem)
        for _ in range(len(name) - len(stem)):
            if not (isinstance(function, type) and issubclass(function, Activation)):
                raise Unreadable(f"write the slope of {stem} out: {name} is known only of functions without a rule")
            function = function.prime
        try:
            return function(*values)
        except TypeError:
            raise Unreadable(f"{stem} does not take {len(values)} values") from None


OPERATIONS = {"add": lambda a, b: a + b, "minus": lambda a: -a, "times": lambda a, b: a * b, "partial": Partial}


def _all(tree):
    """Every node of a tree."""
    found, todo = [], [tree]
    while todo:
        node = todo.pop()
        if isinstance(node, tuple):
            found.append(node)
            todo += node[1:]
        elif isinstance(node, list):
            todo += node
    return found
