"""SymPy printed as a textbook prints it: in LaTeX for the page, in plain text for a terminal.

Nothing is reordered and nothing is simplified. 1/n stands before its sum, x_ij has no braces and
commas, a derivative of a name is one fraction, g'(z) is g'(z); the factors 1 that `as_written`
leaves behind are dropped.
"""

import re
import unicodedata
from fractions import Fraction
from itertools import count, groupby

import mpmath
import sympy as sp
from sympy.matrices.expressions.matexpr import MatrixElement
from sympy.printing.latex import LatexPrinter, translate
from sympy.printing.pretty.pretty_symbology import greek_unicode
from sympy.printing.printer import Printer

from derivations.symbols import Activation, Partial, label_of

ADD, MUL, POW, ATOM = 1, 2, 3, 4  # how tightly an expression holds together
NAME, PRODUCT = (sp.Symbol, sp.Indexed, sp.MatrixSymbol), (sp.Mul, sp.MatMul)

# in LaTeX, and in plain text; #1 is the first part of the expression, and so on
FORMS = {
    # what is shown by its form alone, and then what has rules of its own
    sp.KroneckerDelta: (r"\mathbf{1}_{#1=#2}", "1[#1=#2]"),  # δ means dL/dz here
    sp.Abs: (r"\left|#1\right|", "|#1|"),
    sp.Identity: ("I", "I"),
    sp.ZeroMatrix: ("0", "0"),
    sp.Eq: ("#1 = #2", "#1 = #2"),
    sp.Ne: (r"#1 \ne #2", "#1 ≠ #2"),
    sp.Ge: (r"#1 \ge #2", "#1 ≥ #2"),
    sp.Le: (r"#1 \le #2", "#1 ≤ #2"),
    sp.Gt: ("#1 > #2", "#1 > #2"),
    sp.Lt: ("#1 < #2", "#1 < #2"),
    "Sum": (r"\sum_{#1=#2}^{#3} #4", "Σ_{#1=#2..#3} #4"),
    "Product": (r"\prod_{#1=#2}^{#3} #4", "Π_{#1=#2..#3} #4"),
    "gradient": (r"\nabla_{\!#2} #1", "∇_#2 #1"),
    "partial": (r"\partial", "∂"),
    "by": (r"\partial #1", "∂#1"),
    "and by": (r" \, ", ""),
    "by several": ("#1", "(#1)"),
    "derivative": (r"\frac{#1 #2}{#3}", "#1#2/#3"),
    "derivative of": (r"\frac{#1}{#3} #2", "#1/#3 #2"),
    "function": (r"\operatorname{#1}", "#1"),
    "command": (r"\#1", "#1"),
    "root": (r"\sqrt{#1}", "√(#1)"),
    "transposed": (r"#1^{\top}", "#1ᵀ"),
    "entrywise": (r" \odot ", " ⊙ "),
    "entrywise power": (r"\odot #1", "⊙#1"),
    "cases": (r"\begin{cases} #1 \end{cases}", "{#1}"),
    "case": ("#1 & #2", "#1 if #2"),
    "last case": (r"#1 & \text{otherwise}", "#1 otherwise"),
    "next case": (r" \\ ", ", "),
    "And": (r" \text{ and } ", " and "),
    "Or": (r" \text{ or } ", " or "),
}
NAMES = {"Max": "max", "Min": "min", "Trace": "tr", "Determinant": "det", "DiagMatrix": "diag"}
COMMANDS = {"log", "exp", "tanh", "sin", "cos", "max", "min"}  # of LaTeX
GREEK = {**greek_unicode, "varepsilon": "ε", "vartheta": "ϑ", "varphi": "φ"}
MARKS = {"hat": "\u0302", "bar": "\u0304", "tilde": "\u0303"}


def _flat(e):
    """The arguments of a sum or product as they were typed, nested ones laid flat."""
    kinds = (e.func, sp.Mul) if e.func == sp.MatMul else (e.func,)
    return [part for a in e.args for part in (_flat(a) if a.func in kinds else [a])]


def _is_below(e):
    """Is it a power such as n**-1, which stands below a line?"""
    return e.is_Pow and e.exp.is_Number and e.exp < 0


def _parts_of(product):
    """(sign, above, below) of a product: numbers and powers such as n**-1 go below the line."""
    sign, above, below = 1, [], []
    for factor in _flat(product) if isinstance(product, PRODUCT) else [product]:
        if isinstance(factor, sp.Rational):
            sign = -sign if factor < 0 else sign
            above.append(sp.Integer(abs(factor.p)))
            below.append(sp.Integer(factor.q))
        elif _is_below(factor):
            below += _below(factor)
        else:
            above.append(factor)
    return sign, [f for f in above if f != 1], [f for f in below if f != 1]


def _below(power):
    base, k = power.base, -power.exp
    if k == 1 and isinstance(base, PRODUCT):
        sign, above, below = _parts_of(base)
        if sign == 1 and not below:
            return above
    return [base if k == 1 else sp.Pow(base, k, evaluate=False)]


def number_last(index):
    """SymPy has -1 + t for t - 1, which nobody writes."""
    if index.is_Add and index.args[0].is_Integer and index.args[0] < 0:
        return sp.Add(*index.args[1:], index.args[0], evaluate=False)
    return index


class Textbook(Printer):
    """What both forms share: the order of terms and factors, and where brackets are needed."""

    form, alone = 0, POW  # which column of `FORMS`; what has no brackets behind ∂/∂x

    def __call__(self, e):
        return self.show(sp.sympify(e, strict=True))

    def show(self, e):
        if isinstance(e, Activation):
            return self._print_Function(e)
        if type(e) in FORMS:
            return self.put(type(e), *map(self.show, e.args))
        return self._print(e)

    def put(self, form, *texts):
        return re.sub("#([1-4])", lambda part: texts[int(part[1]) - 1], FORMS[form][self.form])

    def level(self, e):
        if isinstance(e, sp.Trace) and e.arg.shape == (1, 1):
            return self.level(e.arg)
        if isinstance(e, (sp.Add, sp.MatAdd, sp.Sum, sp.Product, sp.HadamardProduct)):
            return ADD
        if isinstance(e, PRODUCT) or e.is_Rational and (e < 0 or e.q != 1):
            return MUL if _parts_of(e)[0] > 0 else ADD
        if isinstance(e, (sp.Pow, sp.MatPow, sp.exp, sp.Transpose, sp.HadamardPower)):
            return POW
        if isinstance(e, Partial) and not isinstance(e.expr, NAME):
            return ADD  # the next factor would seem to be in it
        return ADD if e.is_Number and e < 0 else ATOM

    def bracketed(self, e, level):
        """In brackets if it holds together less tightly than that."""
        return self.brackets(self.show(e)) if self.level(e) < level else self.show(e)

    # sums, products, powers

    def _print_Add(self, e):
        first, *rest = map(self.show, _flat(e))
        signed = (("-", t[1:].lstrip()) if t.startswith("-") else ("+", t) for t in rest)
        return first + "".join(f" {sign} {text}" for sign, text in signed)

    def _print_Mul(self, e):
        sign, above, below = _parts_of(e)
        minus = "-" if sign < 0 else ""
        if not below:
            return minus + (self.factors(above) or "1")
        if above and self.coefficient_first(above, below):
            letters = any(f.is_Symbol for f in below)  # η/n before a sum, but ½ x (…)²
            beside = [f for f in above if not (f.is_Integer or letters and f.is_Symbol)]
        else:  # a fraction within a fraction is hard to read
            beside = [f for f in above if isinstance(f, Partial)]
        within = [f for f in above if f not in beside]
        fraction = self.fraction(self.factors(within, True) or "1", self.factors(below, True))
        return minus + self.join([fraction, self.factors(beside)])

    def coefficient_first(self, above, below):
        """1/n before a sum, a bracket or a matrix; but one fraction for e^-z/(1 + e^-z)^2."""
        tall = any(isinstance(f, (sp.Sum, sp.Add, sp.MatrixExpr, Partial))
                   or f.is_Pow and isinstance(f.base, (sp.Sum, sp.Add)) for f in above)
        return tall and all(f.is_Symbol or f.is_Integer for f in below)

    def factors(self, factors, alone=False):
        """A product without a fraction; a sum goes last, or the rest would seem to stand in it."""
        *before, last = sorted(factors, key=lambda f: isinstance(f, sp.Sum)) or [sp.S.One]
        if not factors:
            return ""
        texts = [self.bracketed(f, MUL) for f in before]
        is_open = isinstance(last, (sp.Sum, sp.Product, Partial)) or alone and not before
        texts.append(self.show(last) if is_open else self.bracketed(last, MUL))
        return self.join(texts, [f.is_Number for f in (*before, last)])

    def _print_Rational(self, e):
        return str(e) if e.q == 1 else self._print_Mul(e)

    def _print_Pow(self, e):
        base, k = e.base, e.exp
        if _is_below(e):
            return self._print_Mul(e)
        if k == 1:
            return self.show(base)
        if k == sp.Rational(1, 2):
            return self.put("root", self.show(base))
        wide = isinstance(base, Partial)
        shown = self.brackets(self.show(base)) if wide else self.bracketed(base, ATOM)
        return self.power(shown, self.show(k))

    def _print_exp(self, e):
        return self.power("e", self.show(e.exp))

    def _print_Sum(self, e):
        """The body in brackets unless it is a product; a factor 1 does not make it one."""
        e = counted_from_one(e)
        factors = [f for f in _flat(e.function) if f != 1] if e.function.is_Mul else []
        summand = factors[0] if len(factors) == 1 else e.function
        is_open = isinstance(summand, (sp.Sum, Partial))
        body = self.show(summand) if is_open else self.bracketed(summand, MUL)
        for limit in e.limits:
            ends = (self.show(number_last(end)) for end in limit)
            body = self.put(type(e).__name__, *ends, body)
        return body

    # names, functions, cases

    def _print_Symbol(self, e):
        return self.name(e.name)

    def _print_NumberSymbol(self, e):
        return self.name(str(e).lower())

    def _print_Indexed(self, e):
        return self.indexed(self.name(str(e.base.label)), e.indices)

    def _print_MatrixElement(self, e):
        """SymPy counts its rows and columns from 0."""
        with sp.evaluate(True):
            return self.indexed(self.bracketed(e.parent, ATOM), (e.i + 1, e.j + 1))

    def indexed(self, shown, indices):
        texts = [self.show(number_last(i)).replace(" ", "") for i in indices]
        close = all(len(text) == 1 or i.is_Symbol for text, i in zip(texts, indices))
        return self.subscript(shown, ("" if close else ",").join(texts))

    def _print_Function(self, e):
        return self.called(e, ", ".join(map(self.show, e.args)))

    def called(self, e, arguments):
        """The function of `e` with these arguments."""
        function, name = type(e), type(e).__name__
        if isinstance(e, Activation):
            shown = self.name(e.stem) + "'" * e.order
        elif getattr(function, "shown", None):
            shown = function.shown[self.form]
        else:
            name = NAMES.get(name, name)
            shown = self.put("command" if name in COMMANDS else "function", name)
        return shown + self.brackets(arguments)

    def _print_Trace(self, e):
        """Of a matrix with one entry it is that number itself."""
        if e.arg.shape == (1, 1):
            return self.show(e.arg)
        return self.called(e, self.show(e.arg))

    def _print_Heaviside(self, e):
        return "H" + self.brackets(self.show(e.args[0]))

    def _print_Piecewise(self, e):
        cases = [self.put("last case", self.show(value)) if condition == sp.true
                 else self.put("case", self.show(value), self.show(condition))
                 for value, condition in e.args]
        return self.put("cases", self.put("next case").join(cases))

    def _print_And(self, e):
        return self.put(type(e).__name__).join(map(self.show, e.args))

    # derivatives

    def _print_Partial(self, e):
        variables, inner = [e.variable], e.expr
        while isinstance(inner, Partial):
            variables, inner = [*variables, inner.variable], inner.expr
        runs = [(self.show(v), len([*run])) for v, run in groupby(variables)]  # u u is u²
        by = [self.put("by", v if n == 1 else self.power(v, str(n))) for v, n in runs]
        below = by[0] if len(by) == 1 else self.put("by several", self.put("and by").join(by))
        d, several = self.put("partial"), len(variables) > 1
        upper = self.power(d, str(len(variables))) if several else d
        if isinstance(inner, NAME):
            return self.put("derivative", upper, self.show(inner), below)
        return self.put("derivative of", upper, self.bracketed(inner, self.alone), below)

    # matrices

    def _print_Gradient(self, e):
        return self.put("gradient", self.bracketed(e.expr, MUL), self.show(e.vector))

    def _print_Transpose(self, e):
        shown = self.show(e.arg) if isinstance(e.arg, NAME) else self.brackets(self.show(e.arg))
        if isinstance(e.arg, NAME) and shown.endswith("}") and "^{" in shown:
            return rf"{shown[:-1]}\top}}"  # a name with a layer has an exponent already
        return self.put("transposed", shown)

    def _print_HadamardProduct(self, e):
        return self.put("entrywise").join(self.bracketed(a, POW) for a in e.args)

    def _print_HadamardPower(self, e):
        exponent = self.put("entrywise power", self.show(e.exp))
        return self.power(self.bracketed(e.base, ATOM), exponent)

    def _print_ElementwiseApplyFunction(self, e):
        """A function of each entry, by its name, or with a dot where the entry stands."""
        (entry,), body = e.function.variables, e.function.expr
        if body.args == (entry,):
            return self.called(body, self.show(e.expr))
        dotted = self.show(body.xreplace({entry: sp.Symbol("·")}))
        return self.brackets(dotted) + self.brackets(self.show(e.expr))

    _print_MatAdd, _print_MatMul, _print_MatPow = _print_Add, _print_Mul, _print_Pow
    _print_MatrixSymbol, _print_Product, _print_Or = _print_Symbol, _print_Sum, _print_And
    _print_Max = _print_Min = _print_Determinant = _print_Function
    _print_DiagMatrix = _print_Function


def _split(name):
    """(stem, subscript, layer) of a name such as y_hat^(2)."""
    stem, _, layer = name.partition("^")
    stem, _, sub = stem.partition("_")
    return stem, sub, layer


class Latex(Textbook):
    """LaTeX for MathJax."""

    emptyPrinter = staticmethod(LatexPrinter().doprint)

    def name(self, name):
        stem, sub, layer = _split(name)
        shown = translate(stem)
        shown = rf"\{sub}{{{shown}}}" if sub in MARKS else shown
        shown += f"_{{{translate(sub)}}}" if sub and sub not in MARKS else ""
        return shown + (f"^{{{layer}}}" if layer else "")

    def join(self, texts, numbers=()):
        result, *rest = [t for t in texts if t]
        for position, text in enumerate(rest, 1):
            number = len(numbers) > position and numbers[position]
            gap = r" \cdot " if number else " " if _hugs(result, text) else r" \, "
            result += gap + text
        return result

    def brackets(self, text):
        if re.search(r"\\(sum|prod)", text):
            return rf"\Bigl({text}\Bigr)"
        tall = re.search(r"\\frac|\\(left|bigl)\(", text)
        return rf"\left({text}\right)" if tall else f"({text})"

    def fraction(self, above, below):
        return rf"\frac{{{above}}}{{{below}}}"

    def power(self, base, exponent):
        is_closed = "^" not in base or base.endswith(")")
        return f"{base if is_closed else f'{{{base}}}'}^{{{exponent}}}"

    def subscript(self, base, index):
        """A name that has a subscript already is one letter to its index."""
        return f"{f'{{{base}}}' if '_' in base else base}_{{{index}}}"


def _hugs(left, right):
    """A number or a coefficient needs no thin space before a letter or a bracket."""
    coefficient = left.isdigit() or left.startswith(r"\frac") and right.startswith(r"\sum")
    return coefficient or right.startswith(("(", r"\left(", r"\Bigl("))


class Plain(Textbook):
    """One line of Unicode text."""

    form, alone = 1, ATOM + 1

    def name(self, name):
        stem, sub, layer = _split(name)
        shown = GREEK.get(stem, stem) + MARKS.get(sub, f"_{GREEK.get(sub, sub)}" if sub else "")
        return unicodedata.normalize("NFC", shown) + (f"^{layer}" if layer else "")

    def join(self, texts, numbers=()):
        return " ".join(t for t in texts if t)

    def brackets(self, text):
        return f"({text})"

    def fraction(self, above, below):
        alone = _is_one_word(below) and not below.startswith("-")
        above = above if _is_one_word(above) else f"({above})"
        return f"{above}/{below if alone else f'({below})'}"

    def power(self, base, exponent):
        small = {"2": "²", "3": "³", "-1": "⁻¹"}
        return base + (small.get(exponent) or
                       f"^{exponent if _is_one_word(exponent) else f'({exponent})'}")

    def subscript(self, base, index):
        return f"{base}_{index}" if re.fullmatch(r"[\w,]+", index) else f"{base}_{{{index}}}"


def _is_one_word(text):
    closed = text.startswith("(") and text.endswith(")") and text.count("(") == 1
    return closed or not re.search(r"[ /]", text)


tex, plain = Latex(), Plain()


def aligned(rows, number="", space="3pt"):
    """Equations one under the other, for the page."""
    body, tag = f" \\\\[{space}]\n".join(rows), rf"\tag{{{number}}}" if number else ""
    return f"$$\n\\begin{{aligned}}\n{body}\n\\end{{aligned}}{tag}\n$$"


def counted_from_one(total):
    """A sum over entries that SymPy counts from 0, as in (X w)[0, 0], counted from 1 as here."""
    counts = total.has(MatrixElement) and not total.has(sp.Indexed)
    if not counts or any(low != 0 for _, low, _ in total.limits):
        return total
    with sp.evaluate(True):
        body, limits = total.function, []
        taken = {symbol.name for symbol in total.free_symbols}
        letters = (letter for letter in "ijklmpqrst" if letter not in taken)
        for index, _, high in total.limits:
            other = sp.Dummy(next(letters, index.name), integer=True)
            body = body.xreplace({index: other - 1})
            limits = [limit.xreplace({index: other - 1}) for limit in limits]
            limits.append(sp.Tuple(other, 1, high + 1))
        return total.func(body, *limits)


def lettered(e, taken=None):
    """Bound indices under letters that differ from each other and from every free one."""
    if taken is None:
        taken = {s.name for s in e.free_symbols} | {str(a.label) for a in e.atoms(sp.IndexedBase)}
    if isinstance(e, (sp.Indexed, sp.IndexedBase)) or not e.has(sp.Sum, sp.Product):
        return e
    if not isinstance(e, (sp.Sum, sp.Product)):
        return e.func(*(lettered(a, taken) for a in e.args))
    swap, used = {}, set(taken)
    for index, *_ in reversed(e.limits):
        letter = next(name for name in _letters(index.name) if name not in used)
        used.add(letter)
        renamed = letter != index.name or isinstance(index, sp.Dummy)
        swap[index] = sp.Symbol(letter, integer=True) if renamed else index
    function, *limits = (part.xreplace(swap) for part in e.args)
    return with_args(e, [lettered(function, used), *limits])


def with_args(e, args):
    """The same kind of expression with other parts, a sum or a product over an index bare.

    Unevaluated, `Sum` would put a factor 1 before its terms, and a bare exp would no longer be one.
    """
    if not isinstance(e, (sp.Sum, sp.Product)):
        return e.func(*args)
    other = sp.Basic.__new__(e.func, *args)
    other.is_commutative = True
    return other


def _letters(first):
    first = first.partition("_")[0]  # SymPy calls the index of its own sums i_1
    yield first
    yield from (letter for letter in "ijklmqrst" if letter != first)
    yield from (f"{first}{number}" for number in count(1))


def to_mpf(v):
    """A fraction or a number as mpmath has it, with the digits it works with at present."""
    return mpmath.mpf(v.numerator) / v.denominator if type(v) is Fraction else mpmath.mpf(v)


def show_number(v, digits=7):
    """A value as a reader wants it: a fraction if it is short, else seven digits."""
    short = isinstance(v, (int, Fraction)) and max(abs(v.numerator), v.denominator) < 10**12
    if short and len(str(v)) <= 12:
        return str(v)
    with mpmath.workdps(40):
        return mpmath.nstr(to_mpf(v), digits).removesuffix(".0")


def as_fraction(v):
    """The short fraction that a value is to thirty digits, or the value if there is none."""
    if isinstance(v, (int, Fraction)):
        return Fraction(v)
    with mpmath.workdps(40):
        near = Fraction(int(mpmath.nint(v * 10**35)), 10**35).limit_denominator(10**6)
        return near if abs(to_mpf(near) - v) <= abs(v) * mpmath.mpf("1e-30") else v


def alike(*exprs):
    """Two things in the expressions that look like one, as the symbol w_1 and the entry w[1], or
    two symbols of one name."""
    seen, labels = {}, {array.label for e in exprs for array in e.atoms(sp.IndexedBase)}
    for part in dict.fromkeys(part for e in exprs for part in sp.preorder_traversal(e)):
        is_array = isinstance(part, sp.IndexedBase)
        is_shown = is_array or isinstance(part, (sp.Symbol, sp.Indexed)) and part not in labels
        if not is_shown or part.has(sp.Dummy):
            continue
        other = seen.setdefault((is_array, plain(label_of(part))), part)
        if other != part and other.doit() != part.doit():  # h_{t-1} may be typed in two ways
            return other, part
    return None
