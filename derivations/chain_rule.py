"""The chain rule by hand, link by link: the lines that a hint shows, and the faults on the way.

A name such as y_hat_i stays a name when it has been differentiated, as on paper:
d(y_hat_i - y_i)^2/dw_k comes to 2 (y_hat_i - y_i) times dy_hat_i/dw_k, and only then the definition
of y_hat_i is opened. What is right is judged elsewhere, by SymPy's own derivative.
"""

from copy import copy
from enum import Enum
from functools import lru_cache, partial
from itertools import islice
from math import prod

import sympy as sp
from sympy import evaluate
from sympy.core.function import Application

from derivations.definitions import Depends, indices_of, resolve
from derivations.errors import Undecided
from derivations.printing import lettered, plain, with_args
from derivations.recursion import height
from derivations.symbols import Activation, Partial, base_of, names_in, sigmoid

DEEPEST = 40
LONGEST = 300  # parts of a formula; in a longer one nothing is looked at part by part
MOST_TERMS = 100  # what has more when multiplied out is not factored: it may take for ever
EXPONENTIAL = ("the exponent of {whole} is brought down, but there the variable is in the "
               "exponent: a^u has the slope a^u log(a)")
AT_ONCE = "all factors of {whole} are differentiated at once"
SATURATING = (sigmoid, sp.tanh)  # their slopes are written in their values


class Kind(Enum):
    """The kinds of mistakes that people make; the value is the hint that helps against it."""

    SIGN = ("which way does the result move when the variable grows a little? "
            "Follow one minus sign from line to line")
    FACTOR = ("follow the factors from line to line: which one comes down from an exponent, "
              "which two cancel, which one is left?")
    MEAN = ("count the samples: is the function you differentiate a sum or a mean? "
            "Its derivative is the same")
    SHARE = ("the function to differentiate has a sum over all samples; "
             "a derivative of a sum is the sum of the derivatives")
    SLOPE = "going back through a function costs one factor, its slope at that place"
    ARGUMENT = "at which place is the slope taken: before the function is applied, or after?"
    NAME = ("compare letter by letter: which quantity enters here, "
            "the one before or the one after the function?")
    VALUE = "a function and its slope are two things; write the slope of it here"
    INTEGRAL = "a derivative lowers the exponent by one and brings it down as a factor"
    EXPONENT = "differentiating a power lowers its exponent by one"
    POWER = "the index in brackets above a letter counts layers; nothing is multiplied there"
    PRODUCT = ("in the derivative of a product each factor is differentiated once, "
               "and the others stay as they are")
    INNER = ("chain rule: outer derivative times inner derivative. "
             "What is inside, and what is its derivative?")
    SUM = ("the variable acts along several ways at once; "
           "the derivative adds up all of them, and no others")
    RANGE = "write the first and the last term of the sum: over what does its index count?"
    TRANSPOSE = "the first index says to where, the second from where; over which one runs the sum?"
    INDEX = "write the sum out for two terms: which indices stand still while the sum runs?"
    VARIABLE = "look again which variable the question differentiates by"
    TERM = "differentiate term by term, and count the terms"
    CONDITION = "which property of the data does your formula use? Where was it given?"
    ZERO = "does the function not depend on the variable at all? Follow it through the definitions"
    SHAPE = "a gradient has the shape of what it is the gradient of"
    OTHER = "set all sizes to 1 and compare with the derivative of that simple case"


class Chain:
    """Differentiates through the definitions of `table`, as deep as `depth` links.

    `faults` are the mistakes that can be made on the way, each with a function that words it;
    `with_fault` is the same chain that makes one of them.
    """

    def __init__(self, table, depth=DEEPEST):
        self.table, self.depth = table, depth
        self.whole, self.made, self.faults, self.links, self.met = True, None, {}, {}, {}

    def with_fault(self, fault):
        other = copy(self)
        other.made, other.links = fault, {}
        return other

    def line(self, expr):
        """The expression with every `Partial` in it differentiated."""
        with evaluate(False):
            return self.opened(expr)

    def opened(self, e):
        if isinstance(e, Partial):
            return self.slope(self.opened(e.expr), e.variable, None, 0)
        if not e.args or isinstance(e, (sp.Indexed, sp.IndexedBase)) or not e.has(Partial):
            return e
        return e.func(*map(self.opened, e.args))

    def reaches(self, e, v):
        """Can `e` change with `v`, by way of the definitions?"""
        if (e, v) not in self.met:
            seen, todo = set(), set(names_in(e))
            while todo:
                base = todo.pop()
                seen.add(base)
                if base in self.table:
                    _must_be_of_entries(self.table[base])
                    todo |= self.table[base].uses() - seen
            self.met[e, v] = base_of(v) in seen
        return self.met[e, v]

    def slips(self, where, kind, words, *told):
        """Is this mistake, in the definition of the name `where`, the one to be made?"""
        fault = str(base_of(where)) if where is not None else "", kind, words
        self.faults.setdefault(fault, partial(self.worded, words, *told))
        return fault == self.made

    def slope(self, e, v, where, depth):
        """de/dv; `where` is the name in whose definition `e` stands, `depth` the links so far."""
        by = partial(self.slope, v=v, where=where, depth=depth)
        if e == v or not self.reaches(e, v):
            return sp.Integer(int(e == v))
        if isinstance(e, (sp.Heaviside, sp.sign)):  # flat but for the step itself
            return sp.S.Zero
        if isinstance(e, (sp.Symbol, sp.Indexed)):
            if base_of(e) == base_of(v) and not self.is_above(e, v):
                return _same_entry(e, v)
            if self.stays(e, v, where):
                return Partial(_counted(e), v)
            return self.link(e, v, depth)
        if e.is_Add:
            return _sum(*map(by, e.args))
        if e.is_Mul:
            return self.product(e, by, where)
        if isinstance(e, sp.Sum):
            e = _apart_from(v, e)
            return _picked_sum(by(e.function), e.limits)
        if isinstance(e, sp.Piecewise):
            return _piecewise([by(case) for case, _ in e.args], e)
        power = e.is_Pow and not isinstance(e, sp.exp) and not self.reaches(e.exp, v)
        if power or isinstance(e, sp.Function) and len(e.args) == 1:
            return self.function(e, by(e.args[0]), v, where)
        if isinstance(e, (Application, sp.Pow)):  # the total derivative; Max is an Application
            is_exponential = e.is_Pow and not self.reaches(e.base, v)
            if is_exponential and self.slips(where, Kind.EXPONENT, EXPONENTIAL, e):
                return _product(e.exp, _power(e.base, e.exp, -1), by(e.exp))
            return _sum(*map(_product, slopes_of(e), map(by, e.args)))
        raise Undecided(f"no rule by hand for {e}")

    def height(self, name):
        return height(name, self.table.levels)

    def is_above(self, name, other):
        """Is it a later entry of the same recursion, as h_t is above h_{t-1}?"""
        mine, its = self.height(name), self.height(other)
        return mine is not None and its is not None and mine[0] == its[0] and mine[1] > its[1]

    def stays(self, name, v, where):
        """Is it one level further down in a recursion, as h_{t-1} in h_t, where that has no end?

        Down to the level of the variable it has one, and so it has at a level with a number.
        """
        here, above = self.height(name), self.height(where) if where is not None else None
        if here is None or self.is_above(name, v):
            return False
        (group, letter), (level, _) = here
        if letter == 0:
            return level < 1
        if above is None:
            return level < 0  # h_{t-1} may be what there is before the first
        return above[0] == (group, letter) and above[1][0] > level

    def link(self, name, v, depth):
        """The derivative of a name: by way of its definition, if that may still be opened."""
        definition = self.table[base_of(name)]
        if isinstance(definition, Depends) and definition.covers(name, v):
            return Partial(name, v)
        if depth >= self.depth:
            self.whole = False
            return Partial(name, v)
        if (name, v, depth) not in self.links:
            self.links[name, v, depth] = self.followed(name, v, depth + 1, definition)
        return self.links[name, v, depth]

    def followed(self, name, v, depth, definition):
        body = definition.at(indices_of(name))
        if not isinstance(definition, Depends):
            body = with_sigmoids(body)
            slope = self.slope(body, v, name, depth)
            if not body.args or isinstance(body, sp.Indexed):
                return slope
            # what has a name is written by it: sigma(z_i) (1 - sigma(z_i)) as y_hat_i (1 - y_hat_i)
            return slope.xreplace({body: name})
        # dL/dv = sum_k dL/dz_k dz_k/dv
        linear, limits = body.linear, ()
        if isinstance(linear, sp.Sum):
            linear, limits = linear.function, linear.limits
        z = next(a for a in sp.preorder_traversal(linear) if isinstance(a, (sp.Symbol, sp.Indexed))
                 and a != name and base_of(a) == base_of(definition.on))
        return _picked_sum(_product(Partial(name, z), self.slope(z, v, name, depth)), limits)

    def product(self, e, by, where):
        """Each factor differentiated once; by mistake all of them at the same time."""
        slopes = list(map(by, e.args))
        if sum(s != 0 for s in slopes) > 1 and self.slips(where, Kind.PRODUCT, AT_ONCE, e):
            below = [f.is_Pow and f.exp.is_Number and f.exp < 0 for f in e.args]
            return _product(*(f if s == 0 else _power(by(f.base), f.exp, 0) if is_below else s
                              for f, s, is_below in zip(e.args, slopes, below)))
        return _sum(*(_product(*e.args[:p], slope, *e.args[p + 1:])
                      for p, slope in enumerate(slopes)))

    def function(self, e, d, v, where):
        """Outer derivative times inner derivative, of a power or of a function of one argument."""
        factors = (e.exp, _power(e.base, e.exp, -1)) if e.is_Pow else slopes_of(e)
        for kind, words, *wrong in _faults(e, d, factors):
            if self.slips(where, kind, words, e, d, v, where):
                return _product(*wrong)
        return _product(*factors, d)

    def worded(self, words, e, d=sp.S.One, v=None, where=None):
        u = e.args[0]
        named = where is not None and type(value_of(where, self.table)) is type(e)
        with evaluate(True):
            factor = lettered(_tidy(d))
            return words.format(
                whole=plain(lettered(e)), inside=plain(lettered(u)),
                inner=plain(Partial(lettered(u), v)) if v is not None else "",
                innermost=plain(lettered(u.args[0])) if u.args else "",
                slope=(plain(e.fdiff(1)) if isinstance(e, Activation)
                       else f"the slope of {plain(lettered(e))}"),
                another="tanh" if isinstance(e, sigmoid) else "σ",
                factor="" if factor.has(sp.Sum) else f": the factor {plain(factor)} is missing",
                value=plain(lettered(where if named else e)))


def _faults(e, d, right):
    """(kind, words, *factors) of what goes wrong at a function: `right` times d would be right."""
    u, slope = e.args[0], right[0]
    if not all(f.is_Number or isinstance(f, sp.KroneckerDelta) for f in sp.Mul.make_args(d)):
        yield Kind.INNER, "the inner derivative {inner} is left out{factor}", *right
    if e.is_Pow:
        yield Kind.EXPONENT, "the exponent of {whole} is not lowered", e.exp, e, d
        whole = (sp.log(u),) if e.exp == -1 else (_power(u, e.exp, 1), number(1/(e.exp + 1)))
        yield Kind.INTEGRAL, "{whole} is integrated instead of differentiated", *whole, d
        return
    if not isinstance(e, sp.log):
        yield Kind.SLOPE, "{slope} is left out", d
    if u.args and not isinstance(u, sp.Indexed):
        yield Kind.INNER, "{inside} stands where its derivative {inner} is meant", slope, u
    if isinstance(u, sp.Function) and isinstance(e, Activation):
        yield (Kind.ARGUMENT, "{slope} is taken at {innermost} instead of {inside}",
               slope.xreplace({u: u.args[0]}), d)
        yield (Kind.INNER, "{slope} is taken at {inner} instead of {inside}, and that is no factor",
               slope.xreplace({u: d}))
    yield Kind.VALUE, "{value} stands where its slope is meant", e, d
    if isinstance(e, (Activation, *SATURATING)):
        yield (Kind.ARGUMENT, "{slope} is taken at {value} instead of {inside}",
               slope.xreplace({u: e}), d)
    if isinstance(e, SATURATING):
        other = 1 - e**2 if isinstance(e, sigmoid) else e*(1 - e)
        yield Kind.SLOPE, "the slope of {whole} is written as that of {another}", other, d
        yield (Kind.NAME, "{inside} stands where {value} is meant: the slope is written "
                          "in terms of the value, not of its argument", slope.xreplace({e: u}), d)


def _must_be_of_entries(definition):
    for matrix in definition.body.atoms(sp.MatrixSymbol):  # that may be made of anything
        raise Undecided(f"{plain(definition.name)} is made of the matrix {matrix}, of which no "
                        f"entries are known: give Entries({matrix}, ...)")


# The formulas of a line --------------------------------------------------------------------------


@lru_cache(maxsize=5_000)
def slopes_of(e):
    """The slope of a function by each of its arguments, at these."""
    with evaluate(True):
        places = [sp.Dummy(real=a.is_real, positive=a.is_positive) for a in e.args]
        return tuple(e.func(*places).diff(place).xreplace(dict(zip(places, e.args)))
                     for place in places)


def value_of(name, table):
    """What a name is defined as, with sigmoids by their name; itself if that is nothing."""
    definition = table.get(base_of(name))
    if definition is None or isinstance(definition, Depends):
        return name
    return with_sigmoids(definition.at(indices_of(name)))


def with_sigmoids(e):
    """The logistic function under its name, where it is written as 1/(1 + exp(-z))."""
    found = {p: sigmoid(with_sigmoids(z)) for p in e.atoms(sp.Pow) if (z := _logit(p)) is not None}
    return _product(e.xreplace(found)) if found else e


def _logit(e):
    """The z of 1/(1 + exp(-z)); None of anything else."""
    if not (e.is_Pow and e.exp == -1 and e.base.is_Add and len(e.base.args) == 2):
        return None
    one, other = sorted(e.base.args, key=lambda term: term != 1)
    with evaluate(True):
        return -other.args[0] if one == 1 and isinstance(other, sp.exp) else None


def number(e):
    """An exponent or the end of a sum, worked out."""
    if e.is_Integer:
        return e
    with evaluate(True):
        return e.doit() if e.is_number else e + 0


def _counted(entry):
    """The entry with its indices worked out: h_{t-2} for h_{t-1-1}."""
    with evaluate(True):
        return entry.base[tuple(i.doit() for i in entry.indices)]


def _power(base, exponent, step):
    exponent = number(exponent + step)
    return base if exponent == 1 else sp.Pow(base, exponent)


def _piecewise(cases, e):
    with evaluate(True):
        return sp.Piecewise(*((case, condition) for case, (_, condition) in zip(cases, e.args)))


def _apart_from(v, total):
    """The sum with other letters where the variable has them: d/dp_k of a sum over k."""
    swap = {index: sp.Dummy(index.name, integer=True) for index, *_ in total.limits
            if index in v.free_symbols}
    return with_args(total, [part.xreplace(swap) for part in total.args]) if swap else total


def _same_entry(e, v):
    pairs = [*zip(indices_of(e), indices_of(v))]
    if all(i == j for i, j in pairs):
        return sp.S.One
    with evaluate(True):  # each change of mode empties SymPy's caches
        return sp.Mul(*(sp.KroneckerDelta(i, j) for i, j in pairs))


def _sum(*terms):
    terms = [t for t in terms if t != 0]
    for delta in sorted(terms[0].atoms(sp.KroneckerDelta), key=str) if len(terms) > 1 else ():
        factors = [list(sp.Mul.make_args(t)) for t in terms]
        # so that a sum around it can pick its one term
        if all(delta in parts for parts in factors):
            return _product(delta, _sum(*(_product(*(f for f in parts if f != delta))
                                          for parts in factors)))
    return sp.Add(*terms)


def _product(*factors):
    flat = [f for factor in factors for f in (factor.args if factor.is_Mul else (factor,))
            if f != 1]
    if any(f == 0 for f in flat):
        return sp.S.Zero
    return sp.Mul(*sorted(flat, key=lambda f: not f.is_Number))


def _picked_sum(function, limits):
    """Sums over a function; a Kronecker delta picks its one term at once, as on paper."""
    if function == 0:
        return function
    if function.is_Add and function.has(sp.KroneckerDelta):
        return _sum(*(_picked_sum(term, limits) for term in function.args))
    factors = sp.Mul.make_args(function)
    for position, (index, low, _) in enumerate(limits):
        for delta in (f for f in factors if isinstance(f, sp.KroneckerDelta) and index in f.args):
            other = delta.args[0] if delta.args[1] == index else delta.args[1]
            if other.is_Integer and not (low <= other) == sp.true:
                continue
            rest = _product(*(f for f in factors if f != delta))
            return _picked_sum(rest.xreplace({index: other}),
                               limits[:position] + limits[position + 1:])
    return sp.Sum(function, *limits) if limits else function


def named(e, table):
    """Derivatives that a definition names, as delta_k for dL/dz_k, written by that name."""
    for definition in table.values():
        if not isinstance(definition, Depends) and isinstance(definition.body, Partial):
            e = e.xreplace({p: name for p in e.atoms(Partial)
                            if (name := _instance(definition, p))})
    return e


def _instance(definition, derivative):
    """The name of a derivative if it is that of the definition, at some indices."""
    pattern, values = definition.body, {}
    for mine, other in zip(pattern.args[:2], derivative.args[:2]):
        if base_of(mine) != base_of(other):
            return None
        values |= zip(indices_of(mine), indices_of(other))
    return definition.name.xreplace({i: values.get(i, i) for i in definition.indices})


# Lines and answers -------------------------------------------------------------------------------


def asked(question, table):
    """The question itself, or what the name that it asks for is defined as."""
    if isinstance(question, (sp.Symbol, sp.Indexed)) and base_of(question) in table:
        return table[base_of(question)].at(indices_of(question))
    return question


def right_formula(question, table):
    """What the question comes to, in the letters of the definitions, as short as in books."""
    return tidied(differentiated(asked(question, table), table), table)


def differentiated(expr, table):
    """With every `Partial` in it differentiated: by hand, or as SymPy does where no rule fits."""
    try:
        return Chain(table).line(expr)
    except Undecided:
        return resolve(expr, table)


def lines_by_hand(question, table):
    """The lines from a question to its answer, one more link of the chain in each; to a second
    derivative by way of the first."""
    right, found = right_formula(question, table), []
    twice = [p for p in question.atoms(Partial) if isinstance(p.expr, Partial)]
    if twice:
        first = {p: Partial(right_formula(p.expr, table), p.variable) for p in twice}
        return [lettered(question.xreplace(first)), right]
    try:
        for depth in range(1, DEEPEST) if question.has(Partial) else ():
            chain = Chain(table, depth)
            found.append(chain.line(question))
            if chain.whole:
                break
    except Undecided:
        return [right]
    kept = [lettered(line) for line in found if line.has(Partial) or line is found[-1]] + [right]
    texts = [plain(line) for line in kept]
    return [line for p, line in enumerate(kept) if texts[p] not in texts[p + 1:]]


def tidied(expr, table):
    """Constants before their sums, fractions cancelled, derivatives by their names."""
    with evaluate(True):
        expr = lettered(expr)
        return lettered(named(expr if is_long(expr) else _tidy(expr), table))


def is_long(expr):
    """Has it so many parts that to look at each of them takes for ever?"""
    return sum(1 for _ in islice(sp.preorder_traversal(expr), LONGEST + 1)) > LONGEST


def _tidy(e):
    if isinstance(e, (sp.Indexed, sp.IndexedBase, Partial)) or not e.args:
        return e
    if not isinstance(e, sp.Sum):
        return _short(e.func(*map(_tidy, e.args)))
    bound, out, inside = {limit[0] for limit in e.limits}, [], []
    for factor in sp.Mul.make_args(_tidy(e.function)):
        (inside if factor.free_symbols & bound else out).append(factor)
    whole = _picked_sum(sp.Mul(*inside), e.limits)
    return sp.Mul(*out, whole if not isinstance(whole, sp.Sum) or inside else sp.Sum(1, *e.limits))


def _short(e):
    if not (e.is_Mul or e.is_Add) or e.has(sp.Sum, sp.KroneckerDelta, sp.exp, sp.Product):
        return e
    if _terms(e) > MOST_TERMS:
        return e
    factored = sp.factor(sp.cancel(e))
    is_minus = factored.is_Mul and factored.args[0] == -1
    if is_minus and (total := next((f for f in factored.args if f.is_Add), None)):
        # y_hat - y, and not -(y - y_hat)
        factored = sp.Mul(*(-f if f == total else f for f in factored.args if f != -1))
    return factored if sp.count_ops(factored) < sp.count_ops(e) else e


def _terms(e):
    """How many terms a formula has, roughly, when it is multiplied out."""
    if e.is_Pow and e.exp.is_Integer:
        return _terms(e.base)**min(abs(int(e.exp)), MOST_TERMS)
    if not e.args or isinstance(e, sp.Indexed):
        return 1
    if e.is_Mul:
        return prod(map(_terms, e.args))
    below = {f for term in e.args if isinstance(term, sp.Expr) for f in sp.Mul.make_args(term)
             if f.is_Pow and f.exp.is_Integer and f.exp < 0}
    return sum(map(_terms, e.args)) * prod(map(_terms, below))
