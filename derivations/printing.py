"""SymPy printed as a textbook prints it: in LaTeX for the page, and in plain Unicode for a terminal, a diff, a screen reader.

Nothing is reordered and nothing is simplified. 1/n stands before its sum, x_ij has no braces and commas, a derivative of a
name is one fraction, g'(z) is g'(z); the factors 1 that `as_written` leaves behind are dropped.
"""

import re
import unicodedata
from fractions import Fraction

import mpmath
import sympy as sp
from sympy.matrices.expressions import DiagMatrix
from sympy.matrices.expressions.applyfunc import ElementwiseApplyFunction
from sympy.printing.latex import LatexPrinter, translate

from derivations.symbols import Activation, Gradient, Partial

ADD, MUL, POW, ATOM = 1, 2, 3, 4  # how tightly an expression holds together


def _flat(e, kind):
    """The arguments of a sum or product as they were typed, nested ones laid flat."""
    kinds = (kind, sp.Mul) if kind == sp.MatMul else (kind,)
    return [part for a in e.args for part in (_flat(a, kind) if a.func in kinds else [a])]


def _is_mul(e):
    return isinstance(e, (sp.Mul, sp.MatMul))


def _is_add(e):
    return isinstance(e, (sp.Add, sp.MatAdd))


def parts_of(product):
    """(sign, above, below) of a product: numbers such as 1/2 and powers such as n**-1 go below the line."""
    sign, above, below = 1, [], []
    for factor in _flat(product, product.func) if _is_mul(product) else [product]:
        if isinstance(factor, sp.Rational):
            sign = -sign if factor < 0 else sign
            above += [] if abs(factor.p) == 1 else [sp.Integer(abs(factor.p))]
            below += [] if factor.q == 1 else [sp.Integer(factor.q)]
        elif factor.is_Pow and not factor.is_Rational and _negative(_exponent(factor)):
            below += _below(factor)
        else:
            above.append(factor)
    return sign, above, below


def _negative(exponent):
    return exponent.is_Number and exponent < 0


def _exponent(power):
    """SymPy leaves exponents such as 1·1 behind in matrix products."""
    with sp.evaluate(True):
        return (
            sp.Mul(*power.exp.args)
            if power.exp.is_Mul and not power.exp.free_symbols
            else power.exp
        )


def _below(power):
    base, k = power.base, -_exponent(power)
    if k == 1 and _is_mul(base):
        sign, above, below = parts_of(base)
        if sign == 1 and not below:
            return above
    return [base if k == 1 else sp.Pow(base, k, evaluate=False)]


WORDS = {sp.Trace: "tr", sp.Determinant: "det", DiagMatrix: "diag"}
NAMES = {"Max": "max", "Min": "min"}


class Textbook:
    """What LaTeX and plain text share: the order of terms and factors, and where brackets are needed."""

    def __call__(self, e):
        return self.show(sp.sympify(e, strict=True))

    def show(self, e):
        if _is_add(e):
            return self.add(e)
        if _is_mul(e) or (e.is_Rational and (e < 0 or e.q != 1)):
            return self.product(e)
        if isinstance(e, sp.exp):
            return self.power(self.name("e"), self.show(e.exp))
        if isinstance(e, (sp.Pow, sp.MatPow)):
            return self.pow(e)
        for kind, method in self.methods():
            if isinstance(e, kind):
                return method(e)
        return self.fallback(e)

    def methods(self):
        return [
            ((sp.Sum, sp.Product), self.sum),
            (sp.KroneckerDelta, self.indicator),
            (sp.Indexed, self.entry),
            (Partial, self.partial),
            (Gradient, self.gradient),
            (sp.Piecewise, self.cases),
            (sp.Abs, lambda e: self.bars(self.show(e.args[0]))),
            (sp.core.relational.Relational, self.relation),
            (sp.And, lambda e: self.said("and").join(map(self.show, e.args))),
            (sp.Or, lambda e: self.said("or").join(map(self.show, e.args))),
            (sp.Heaviside, lambda e: "H" + self.brackets(self.show(e.args[0]))),
            (sp.Identity, lambda e: "I"),
            (sp.ZeroMatrix, lambda e: "0"),
            (tuple(WORDS), self.word),
            (sp.HadamardPower, self.entrywise_power),
            (ElementwiseApplyFunction, lambda e: self.applied(e)),
            (sp.Transpose, self.transpose),
            ((sp.Function, sp.Max, sp.Min), self.function),
            (sp.HadamardProduct, self.entrywise),
            (sp.Symbol, lambda e: self.name(e.name)),
            (sp.MatrixSymbol, lambda e: self.name(e.name)),
            (sp.NumberSymbol, lambda e: self.name(str(e).lower())),
        ]

    def add(self, e):
        text, terms = "", _flat(e, e.func)
        for term in terms:
            shown = self.show(term)
            negative = shown.startswith("-")
            text += (
                (" - " if negative else " + ") + shown.removeprefix("-").lstrip() if text else shown
            )
        return text

    def product(self, e):
        sign, above, below = parts_of(e)
        minus = "-" if sign < 0 else ""
        above = [f for f in above if f != 1]
        if not below:
            return minus + (self.factors(above) or "1")
        if above and self.coefficient_first(above, below):
            plain_symbols = any(f.is_Symbol for f in below)  # η/n before a sum, but ½ x (…)²
            numbers = [f for f in above if f.is_Integer or (plain_symbols and f.is_Symbol)]
            rest = [f for f in above if f not in numbers]
            return minus + self.join(
                self.fraction(self.factors(numbers) or "1", self.factors(below)), self.factors(rest)
            )
        derivatives = [
            f for f in above if isinstance(f, Partial)
        ]  # a fraction within a fraction is hard to read
        above = [f for f in above if f not in derivatives]
        fraction = self.fraction(
            self.factors(above, alone=True) or "1", self.factors(below, alone=True)
        )
        return minus + self.join(fraction, self.factors(derivatives))

    def coefficient_first(self, above, below):
        """1/n before a sum, a bracket or a matrix; but one fraction for e^-z/(1 + e^-z)^2."""
        simple = all(f.is_Symbol or f.is_Integer for f in below)
        tall = any(
            isinstance(f, (sp.Sum, sp.MatrixExpr, Partial))
            or _is_add(f)
            or (isinstance(f, sp.Pow) and (_is_add(f.base) or isinstance(f.base, sp.Sum)))
            for f in above
        )
        return simple and tall

    def factors(self, factors, alone=False):
        """A product without a fraction. A sum goes last, so that nothing seems to stand under it."""
        sums = [f for f in factors if isinstance(f, sp.Sum)]
        ordered = [f for f in factors if not isinstance(f, sp.Sum)] + sums
        texts = []
        for f in ordered:
            last = f is ordered[-1]
            if (
                isinstance(f, Partial) and not last and not _is_name(f.expr)
            ):  # or the next factor would seem to be in it
                texts.append(self.brackets(self.show(f)))
            else:
                open_end = (
                    last and isinstance(f, (sp.Sum, sp.Product)) or alone and len(ordered) == 1
                )
                texts.append(self.show(f) if open_end else self.bracketed(f, MUL))
        return self.join(*texts, numbers=[f.is_Number for f in ordered])

    def bracketed(self, e, level):
        shown = self.show(e)
        return (
            self.brackets(shown)
            if self.level(e) <= level and not (level == MUL and self.level(e) == MUL)
            else shown
        )

    def level(self, e):
        if _is_add(e):
            return ADD
        if isinstance(e, (sp.Sum, sp.Product, sp.HadamardProduct)) or (e.is_Number and e < 0):
            return ADD
        if _is_mul(e) or (e.is_Rational and e.q != 1):
            return MUL if parts_of(e)[0] > 0 else ADD
        if isinstance(e, (sp.Pow, sp.MatPow, sp.exp)):
            return POW
        if isinstance(e, Partial) and not _is_name(e.expr):
            return MUL
        return ATOM

    def pow(self, e):
        base, k = e.base, _exponent(e)
        if _negative(k) and not base.is_Matrix:
            return self.product(e)
        if k == 1:
            return self.show(base)
        if k == sp.Rational(1, 2):
            return self.root(self.show(base))
        exponent = self.show(k)
        shown = self.show(base)
        return self.power(
            self.brackets(shown) if self.level(base) < ATOM or isinstance(base, Partial) else shown,
            exponent,
        )

    def sum(self, e):
        (index, low, high), *outer = e.limits
        summand = self.without_ones(e.function)
        body = self.show(summand)
        if self.level(summand) == ADD and not isinstance(summand, sp.Sum):
            body = self.brackets(body)
        for i, a, b in [(index, low, high), *outer]:
            sign = "sum" if isinstance(e, sp.Sum) else "prod"
            body = self.sum_sign(self.show(i), self.show(a), self.show(b), body, sign)
        return body

    def entrywise(self, e):
        return self.dot.join(
            self.show(a) if self.level(a) >= POW else self.brackets(self.show(a)) for a in e.args
        )

    def cases(self, e):
        return self.braced(
            [
                (self.show(value), "" if condition == sp.true else self.show(condition))
                for value, condition in e.args
            ]
        )

    def relation(self, e):
        signs = {sp.Eq: "=", sp.Ne: "≠", sp.Gt: ">", sp.Lt: "<", sp.Ge: "≥", sp.Le: "≤"}
        return f"{self.show(e.lhs)} {self.sign(signs[type(e)])} {self.show(e.rhs)}"

    def word(self, e):
        return self.function_name(WORDS[type(e)]) + self.brackets(self.show(e.args[0]))

    def entrywise_power(self, e):
        return self.power(
            self.bracketed(e.base, POW), (self.dot + self.show(e.exp)).replace(" ⊙ ", "⊙").strip()
        )

    def applied(self, e):
        """A function of each entry, by its name, or with a dot where the entry stands."""
        body = e.function.expr if isinstance(e.function, sp.Lambda) else None
        if body is not None and body.args != tuple(e.function.variables):
            return self.brackets(
                self.show(body.xreplace({e.function.variables[0]: sp.Symbol("·")}))
            ) + self.brackets(self.show(e.expr))
        return self.function(
            (body.func if body is not None else e.function)(sp.Symbol(self.show(e.expr)))
        )

    def indicator(self, e):
        """1 where the two indices are equal, else 0; not the usual delta, which means dL/dz here."""
        return self.indicator_sign("=".join(map(self.show, e.args)))

    def without_ones(self, e):
        if e.is_Mul:
            rest = [f for f in _flat(e, sp.Mul) if f != 1]
            return rest[0] if len(rest) == 1 else e
        return e

    def entry(self, e):
        joint = "" if all(len(self.show(i)) == 1 or i.is_Symbol for i in e.indices) else ","
        return self.subscript(
            self.name(str(e.base.label)),
            joint.join(self.show(i).replace(" ", "") for i in e.indices),
        )

    def partial(self, e):
        variables, inner = [e.variable], e.expr
        while isinstance(inner, Partial):
            variables, inner = [*variables, inner.variable], inner.expr
        return self.derivative(inner, [self.show(v) for v in variables])

    def function(self, e):
        if isinstance(e, Activation):
            name = self.name(e.stem) + "'" * e.order
        else:
            shown = getattr(e.func, "shown", None)
            name = (
                shown[self.spelling]
                if shown
                else self.function_name(NAMES.get(e.func.__name__, e.func.__name__))
            )
        return name + self.brackets(", ".join(map(self.show, e.args)))


def _is_name(e):
    return isinstance(e, (sp.Symbol, sp.Indexed, sp.MatrixSymbol))


class Latex(Textbook):
    """LaTeX for MathJax."""

    spelling = 0  # of the two that the name of a function has
    dot = r" \odot "

    _printer = LatexPrinter()

    def name(self, name):
        stem, _, layer = name.partition("^")
        stem, _, sub = stem.partition("_")
        if sub in ("hat", "bar", "tilde"):
            shown = rf"\{sub}{{{translate(stem)}}}"
        else:
            shown = translate(stem) + (f"_{{{translate(sub)}}}" if sub else "")
        return shown + (f"^{{{layer}}}" if layer else "")

    def function_name(self, name):
        return (
            rf"\{name}"
            if name in ("log", "exp", "tanh", "sin", "cos", "max", "min")
            else rf"\operatorname{{{name}}}"
        )

    def fallback(self, e):
        return self._printer.doprint(e)

    def join(self, *texts, numbers=()):
        result = ""
        for position, text in enumerate(t for t in texts if t):
            number = position > 0 and len(numbers) > position and numbers[position]
            gap = r" \cdot " if number else r" \, " if result and not _hugs(result, text) else " "
            result = result + gap + text if result else text
        return result

    def brackets(self, text):
        tall = re.search(r"\\frac|\\(left|bigl)\(", text)
        with_limits = re.search(r"\\(sum|prod)", text)
        return (
            rf"\Bigl({text}\Bigr)"
            if with_limits
            else rf"\left({text}\right)"
            if tall
            else f"({text})"
        )

    def fraction(self, above, below):
        return rf"\frac{{{above}}}{{{below}}}"

    def power(self, base, exponent):
        return (
            f"{base}^{{{exponent}}}"
            if "^" not in base or base.endswith((")", r"\right)"))
            else f"{{{base}}}^{{{exponent}}}"
        )

    def root(self, text):
        return rf"\sqrt{{{text}}}"

    def said(self, word):
        return rf" \text{{ {word} }} "

    def bars(self, text):
        return rf"\left|{text}\right|"

    def sign(self, sign):
        return {"≠": r"\ne", "≥": r"\ge", "≤": r"\le"}.get(sign, sign)

    def braced(self, cases):
        other = r"\text{otherwise}"
        rows = r" \\ ".join(f"{value} & {condition or other}" for value, condition in cases)
        return rf"\begin{{cases}} {rows} \end{{cases}}"

    def sum_sign(self, index, low, high, body, sign="sum"):
        return rf"\{sign}_{{{index}={low}}}^{{{high}}} {body}"

    def indicator_sign(self, condition):
        return rf"\mathbf{{1}}_{{{condition}}}"

    def subscript(self, base, index):
        stem, caret, layer = base.partition("^")
        return f"{stem}_{{{index}}}" + caret + layer if not caret else f"{stem}^{layer}_{{{index}}}"

    def transpose(self, e):
        shown = self.bracketed(e.arg, MUL) if _is_name(e.arg) else self.brackets(self.show(e.arg))
        if (
            _is_name(e.arg) and shown.endswith("}") and "^{" in shown
        ):  # a name with a layer has an exponent already
            return rf"{shown[:-1]}\top}}"
        return rf"{shown}^{{\top}}"

    def derivative(self, inner, variables):
        order = f"^{{{len(variables)}}}" if len(variables) > 1 else ""
        below = r" \, ".join(rf"\partial {v}" for v in variables)
        if len(variables) == 2 and variables[0] == variables[1]:
            below = rf"\partial {variables[0]}^{{2}}"
        if _is_name(inner):
            return rf"\frac{{\partial{order} {self.show(inner)}}}{{{below}}}"
        shown = self.show(inner)
        shown = (
            shown
            if self.level(inner) >= POW and not isinstance(inner, sp.Sum)
            else self.brackets(shown)
        )
        return rf"\frac{{\partial{order}}}{{{below}}} {shown}"

    def gradient(self, e):
        return rf"\nabla_{{\!{self.show(e.vector)}}} {self.show(e.expr)}"


def _hugs(left, right):
    """A number or a coefficient needs no thin space before a letter or a bracket."""
    coefficient = left.isdigit() or left.startswith(r"\frac") and right.startswith(r"\sum")
    return coefficient or right.startswith(("(", r"\left(", r"\Bigl("))


class Plain(Textbook):
    """One line of Unicode text."""

    spelling = 1
    dot = " ⊙ "

    GREEK = dict(
        zip(
            "alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda lamda mu nu xi pi rho "
            "sigma tau upsilon phi varphi chi psi omega "
            "Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega".split(),
            "αβγδεεζηθϑικλλμνξπρστυφφχψωΓΔΘΛΞΠΣΥΦΨΩ",
        )
    )
    MARKS = {"hat": "\u0302", "bar": "\u0304", "tilde": "\u0303"}

    def name(self, name):
        stem, _, layer = name.partition("^")
        stem, _, sub = stem.partition("_")
        shown = self.GREEK.get(stem, stem)
        if sub in self.MARKS:
            shown = unicodedata.normalize("NFC", shown + self.MARKS[sub])
        elif sub:
            shown += "_" + self.GREEK.get(sub, sub)
        return shown + (f"^{layer}" if layer else "")

    def function_name(self, name):
        return name

    def fallback(self, e):
        return str(e)

    def join(self, *texts, numbers=()):
        return " ".join(t for t in texts if t)

    def brackets(self, text):
        return f"({text})"

    def fraction(self, above, below):
        alone = _one_word(below) and not below.startswith("-")
        return f"{above if _one_word(above) else f'({above})'}/{below if alone else f'({below})'}"

    def power(self, base, exponent):
        small = {"2": "²", "3": "³", "-1": "⁻¹"}
        return base + small.get(
            exponent, f"^{exponent}" if _one_word(exponent) else f"^({exponent})"
        )

    def root(self, text):
        return f"√({text})"

    def said(self, word):
        return f" {word} "

    def bars(self, text):
        return f"|{text}|"

    def sign(self, sign):
        return sign

    def braced(self, cases):
        return (
            "{"
            + ", ".join(
                f"{value} if {condition}" if condition else f"{value} otherwise"
                for value, condition in cases
            )
            + "}"
        )

    def sum_sign(self, index, low, high, body, sign="sum"):
        return f"{'Σ' if sign == 'sum' else 'Π'}_{{{index}={low}..{high}}} {body}"

    def indicator_sign(self, condition):
        return f"1[{condition}]"

    def subscript(self, base, index):
        return f"{base}_{index}" if re.fullmatch(r"[\w,]+", index) else f"{base}_{{{index}}}"

    def transpose(self, e):
        return (self.show(e.arg) if _is_name(e.arg) else self.brackets(self.show(e.arg))) + "ᵀ"

    def derivative(self, inner, variables):
        order = (
            ""
            if len(variables) == 1
            else {2: "²", 3: "³"}.get(len(variables), f"^{len(variables)}")
        )
        below = "".join(f"∂{v}" for v in variables)
        below = below if len(variables) == 1 else f"({below})"
        return (
            f"∂{order}{self.show(inner)}/{below}"
            if _is_name(inner)
            else f"∂{order}/{below} ({self.show(inner)})"
        )

    def gradient(self, e):
        return f"∇_{self.show(e.vector)} {self.show(e.expr)}"


def _one_word(text):
    return not re.search(r"[ /]", text) or (
        text.startswith("(") and text.endswith(")") and text.count("(") == 1
    )


tex = Latex()
plain = Plain()


def to_mpf(v):
    """A fraction or a number as mpmath has it, with the digits it works with at present."""
    return mpmath.mpf(v.numerator) / v.denominator if isinstance(v, Fraction) else mpmath.mpf(v)


def show_number(v, digits=7):
    """A value as a reader wants it: a fraction if it is short, else seven digits."""
    if isinstance(v, (int, Fraction)) and len(str(v)) <= 12:
        return str(v)
    with mpmath.workdps(40):
        return mpmath.nstr(to_mpf(v), digits).removesuffix(".0")


def as_fraction(v):
    """The short fraction that a value is to thirty digits, or the value as it is if there is none."""
    if isinstance(v, (int, Fraction)):
        return Fraction(v)
    with mpmath.workdps(40):
        near = Fraction(int(mpmath.nint(v * 10**35)), 10**35).limit_denominator(10**6)
        return near if abs(to_mpf(near) - v) <= abs(v) * mpmath.mpf("1e-30") else v


def alike(*exprs):
    """Two names in the expressions that are two things and look like one, as the symbol w_1 and the entry w[1], or None."""
    seen = {}
    parts = (
        part
        for e in exprs
        for part in sp.preorder_traversal(e)
        if isinstance(part, (sp.Symbol, sp.Indexed))
    )
    labels = {e.base.label for expr in exprs for e in expr.atoms(sp.Indexed)}
    for part in parts:
        if (
            part not in labels
            and not part.has(sp.Dummy)
            and seen.setdefault(plain(part), part) != part
        ):
            return seen[plain(part)], part
    return None
