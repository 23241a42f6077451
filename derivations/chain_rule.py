"""The chain rule by hand, link by link: the lines of a derivation made by machine, rightly or with one fault on purpose.

A name such as y_hat_i stays a name when it has been differentiated, as on paper: d(y_hat_i - y_i)^2/dw_k comes to
2 (y_hat_i - y_i) times dy_hat_i/dw_k, and only then the definition of y_hat_i is opened. What is right is judged elsewhere,
by SymPy's own derivative; here are the lines that a hint shows, and the faults that people make on the way.
"""

from enum import Enum
from itertools import count

import sympy as sp
from sympy import evaluate

from derivations.definitions import Depends, resolve
from derivations.errors import Undecided
from derivations.printing import plain
from derivations.symbols import Activation, Partial, base_of, names_in, sigmoid

DEEPEST = 40


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
    INNER = ("chain rule: outer derivative times inner derivative. "
             "What is inside, and what is its derivative?")
    SUM = ("the variable acts along several ways at once; "
           "the derivative adds up all of them, and no others")
    RANGE = "write the first and the last term of the sum: over what does its index count?"
    TRANSPOSE = ("the first index says to where, the second from where; "
                 "over which one runs the sum?")
    INDEX = ("write the sum out for two terms: "
             "which indices stand still while the sum runs?")
    VARIABLE = "look again which variable the question differentiates by"
    TERM = "differentiate term by term, and count the terms"
    CONDITION = "which property of the data does your formula use? Where was it given?"
    ZERO = ("does the function not depend on the variable at all? "
            "Follow it through the definitions")
    SHAPE = "a gradient has the shape of what it is the gradient of"
    OTHER = "set all sizes to 1 and compare with the derivative of that simple case"


class Chain:
    """Differentiates through the definitions of `table`, and notes every place where people go wrong.

    `fault` is None or one of the keys of `sites` after a right run: (base of the definition,
    kind of the mistake made there, what it is made in).
    """

    def __init__(self, table, fault=None, depth=DEEPEST):
        self.table, self.fault, self.depth = table, fault, depth
        self.sites, self.deepest, self.left = {}, 0, set()

    def line(self, expr):
        """The expression with every `Partial` in it differentiated, down to the depth of this chain."""
        with evaluate(False):
            return self.opened(expr)

    def opened(self, e):
        if isinstance(e, Partial):
            inner = self.opened(e.expr) if e.expr.has(Partial) else e.expr
            return self.slope(inner, e.variable, None, 0)
        if not e.args or isinstance(e, (sp.Indexed, sp.IndexedBase)) or not e.has(Partial):
            return e
        return e.func(*map(self.opened, e.args))

    def reaches(self, e, v):
        """Can `e` change with `v`, by way of the definitions?"""
        seen, todo, goal = set(), list(names_in(e)), base_of(v)
        while todo:
            base = todo.pop()
            if base == goal:
                return True
            if base not in seen and base in self.table:
                todo += self.table[base].uses()
            seen.add(base)
        return False

    def slope(self, e, v, where, depth):
        """de/dv; `where` is the name in whose definition `e` stands, `depth` the number of links taken so far."""
        if e == v:
            return sp.S.One
        if not self.reaches(e, v):
            return sp.S.Zero
        if isinstance(e, (sp.Symbol, sp.Indexed)):
            return _same_entry(e, v) if base_of(e) == base_of(v) else self.link(e, v, depth)
        if e.is_Add:
            return _sum(self.slope(a, v, where, depth) for a in e.args)
        if e.is_Mul:
            terms = [(p, self.slope(a, v, where, depth)) for p, a in enumerate(e.args)]
            return _sum(_product(*e.args[:p], d, *e.args[p + 1:]) for p, d in terms)
        if isinstance(e, sp.Sum):
            return _picked_sum(self.slope(e.function, v, where, depth), e.limits)
        if e.is_Pow and not isinstance(e, sp.exp) and not self.reaches(e.exp, v):
            return self.power(e, v, where, depth)
        if isinstance(e, sp.Piecewise):
            with evaluate(True):
                return sp.Piecewise(*((self.slope(part, v, where, depth), condition) for part, condition in e.args))
        if isinstance(e, sp.Function) and len(e.args) == 1:
            return self.function(e, v, where, depth)
        if isinstance(e, (sp.Function, sp.Pow)):
            return self.every_argument(e, v, where, depth)
        raise Undecided(f"no rule by hand for {e}")

    def every_argument(self, e, v, where, depth):
        """The total derivative: the slope by each argument, times that argument's own."""
        places = [sp.Dummy(real=a.is_real, positive=a.is_positive) for a in e.args]
        with evaluate(True):
            slopes = [e.func(*places).diff(place).xreplace(dict(zip(places, e.args))) for place in places]
        return _sum(_product(slope, self.slope(a, v, where, depth)) for slope, a in zip(slopes, e.args))

    def link(self, name, v, depth):
        definition = self.table[base_of(name)]
        if isinstance(definition, Depends) and definition.covers(name, v):
            return Partial(name, v)
        if depth >= self.depth:
            self.left.add((str(base_of(name)), str(base_of(v))))
            return Partial(name, v)
        self.deepest = max(self.deepest, depth + 1)
        body = definition.at(getattr(name, "indices", ()))
        if isinstance(definition, Depends):
            return self.through(name, body.linear, v, depth + 1)
        body = with_sigmoids(body)
        return folded(self.slope(body, v, name, depth + 1), body, name)

    def through(self, name, linear, v, depth):
        """The sum over all arguments of an unknown function: dL/dv = sum_k dL/dz_k dz_k/dv."""
        term, limits = (linear.function, linear.limits) if isinstance(linear, sp.Sum) else (linear, ())
        on = next(a for a in sp.preorder_traversal(term) if isinstance(a, (sp.Symbol, sp.Indexed)) and a != name
                  and base_of(a) == base_of(self.table[base_of(name)].on))
        total = _product(Partial(name, on), self.slope(on, v, name, depth))
        return _picked_sum(total, limits) if limits else total

    # where people go wrong

    def at(self, where, kind, part, told):
        """Is the fault of this run to be made here? A right run only notes the place, and its name."""
        key = (str(base_of(where)) if where is not None else "", kind, part)
        if self.fault is None:
            self.sites.setdefault(key, told)
        return key == self.fault

    def inner(self, u, v, where, depth, part):
        d = self.slope(u, v, where, depth)
        if all(f.is_Number or isinstance(f, sp.KroneckerDelta) for f in sp.Mul.make_args(d)):
            return d
        return sp.S.One if self.at(where, Kind.INNER, part, lambda: _inner_told(u, v, d)) else d

    def power(self, e, v, where, depth):
        u, p = e.base, e.exp
        d = self.inner(u, v, where, depth, "power")
        told = lambda: f"{_shown(e)} is integrated instead of differentiated"
        if self.at(where, Kind.INTEGRAL, "power", told) and p != -1:
            return _product(sp.Pow(u, p + 1), _value(1/(p + 1)), d)
        told = lambda: f"the exponent of {_shown(e)} is not lowered"
        if self.at(where, Kind.EXPONENT, "power", told):
            return _product(p, e, d)
        lower = _value(p - 1)
        return _product(p, u if lower == 1 else sp.Pow(u, lower), d)

    def function(self, e, v, where, depth):
        (u,), f = e.args, type(e)
        d = self.inner(u, v, where, depth, f.__name__)
        with evaluate(True):
            right = e.fdiff(1)
        slope = lambda: _shown(right) if isinstance(e, Activation) else f"the slope of {_shown(e)}"
        out = lambda: _shown(self.as_name(e, where))
        at = lambda kind, told: self.at(where, kind, f.__name__, told)
        if f is not sp.log and at(Kind.SLOPE, lambda: f"{slope()} is left out"):
            return d
        if at(Kind.VALUE, lambda: f"{out()} stands where its slope is meant"):
            return _product(e, d)
        if isinstance(e, (Activation, *SATURATING)):
            if at(Kind.ARGUMENT, lambda: f"{slope()} is taken at {out()} instead of {_shown(u)}"):
                return _product(right.xreplace({u: e}), d)
        if isinstance(e, SATURATING):
            told = lambda: (f"{_shown(u)} stands where {out()} is meant: the slope is written "
                            "in terms of the value, not of its argument")
            if at(Kind.NAME, told):
                return _product(right.xreplace({e: u}), d)
        return _product(right, d)

    def as_name(self, e, where):
        return where if where is not None and type(value_of(where, self.table)) is type(e) else e


def value_of(name, table):
    """The body of the definition of a name, with sigmoids by their name; what has none stands for itself."""
    definition = table.get(base_of(name))
    if definition is None or isinstance(definition, Depends):
        return name
    return with_sigmoids(definition.at(getattr(name, "indices", ())))


SATURATING = (sigmoid, sp.tanh)  # their slopes are written in their values


def with_sigmoids(e):
    """The logistic function under its name, where it is written as 1/(1 + exp(-z))."""
    if not e.args or not e.has(sp.exp):
        return e
    args = [with_sigmoids(a) for a in e.args]
    if e.is_Mul:
        return _product(*args)
    if e.is_Pow and not isinstance(e, sp.exp) and e.exp == -1 and e.base.is_Add and len(e.base.args) == 2 and 1 in e.base.args:
        other = next(a for a in e.base.args if a != 1)
        if isinstance(other, sp.exp):
            with evaluate(True):
                return sigmoid(-other.args[0])
    return e.func(*args) if any(a is not b for a, b in zip(args, e.args)) else e


def _shown(e):
    with evaluate(True):
        return plain(lettered(e))


def _inner_told(u, v, d):
    with evaluate(True):
        named, factor = Partial(lettered(u), v), lettered(_tidy(d))
    told = f"the inner derivative {plain(named)} is left out"
    return told if factor.has(sp.Sum) else f"{told}: the factor {plain(factor)} is missing"


def _value(number):
    with evaluate(True):
        return sp.sympify(number).doit() if number.is_number else number + 0


def _same_entry(e, v):
    deltas = [sp.KroneckerDelta(i, j) for i, j in zip(getattr(e, "indices", ()), getattr(v, "indices", ())) if i != j]
    with evaluate(True):
        return sp.Mul(*(sp.KroneckerDelta(*delta.args) for delta in deltas))


def _sum(terms):
    terms = [t for t in terms if t != 0]
    for delta in sorted(terms[0].atoms(sp.KroneckerDelta), key=sp.default_sort_key) if len(terms) > 1 else ():
        factors = [list(sp.Mul.make_args(t)) for t in terms]
        if all(delta in parts for parts in factors):  # so that a sum around it can pick its one term
            return _product(delta, _sum(_product(*(f for f in parts if f != delta)) for parts in factors))
    return sp.S.Zero if not terms else terms[0] if len(terms) == 1 else sp.Add(*terms)


def _product(*factors):
    flat = [f for factor in factors for f in (factor.args if factor.is_Mul else (factor,)) if f != 1]
    if any(f == 0 for f in flat):
        return sp.S.Zero
    flat.sort(key=lambda f: not f.is_Number)
    return sp.S.One if not flat else flat[0] if len(flat) == 1 else sp.Mul(*flat)


def _picked_sum(function, limits):
    """Sums over what is to be summed; a Kronecker delta picks its one term at once, as everyone does on paper."""
    if function == 0:
        return function
    if function.is_Add and function.has(sp.KroneckerDelta):
        return _sum(_picked_sum(term, limits) for term in function.args)
    for position, (index, low, _) in enumerate(limits):
        for delta in (f for f in sp.Mul.make_args(function) if isinstance(f, sp.KroneckerDelta) and index in f.args):
            other = delta.args[0] if delta.args[1] == index else delta.args[1]
            if other.is_Integer and not (low <= other) == sp.true:
                continue
            rest = _product(*(f for f in sp.Mul.make_args(function) if f != delta))
            return _picked_sum(rest.xreplace({index: other}), limits[:position] + limits[position + 1:])
    return sp.Sum(function, *limits) if limits else function


def folded(e, body, name):
    """A value that has a name is written by it: sigma(z_i) (1 - sigma(z_i)) as y_hat_i (1 - y_hat_i)."""
    return e.xreplace({body: name}) if body.args and not isinstance(body, sp.Indexed) else e


def named(e, table):
    """Derivatives that a definition has given a name, as delta_k for dL/dz_k, written by that name."""
    for definition in table.values():
        body = None if isinstance(definition, Depends) else definition.body
        if isinstance(body, Partial):
            swap = {p: _instance(definition, p) for p in e.atoms(Partial)}
            e = e.xreplace({p: name for p, name in swap.items() if name is not None})
    return e


def _instance(definition, partial):
    pattern, values = definition.body, {}
    for mine, other in ((pattern.expr, partial.expr), (pattern.variable, partial.variable)):
        if base_of(mine) != base_of(other):
            return None
        values.update(zip(getattr(mine, "indices", ()), getattr(other, "indices", ())))
    return definition.name.xreplace({i: values.get(i, i) for i in definition.indices})


def right_formula(question, table):
    """What the question comes to, in the letters of the definitions and as short as a textbook has it."""
    if isinstance(question, (sp.Symbol, sp.Indexed)) and base_of(question) in table:
        question = table[base_of(question)].at(getattr(question, "indices", ()))
    try:
        return tidied(Chain(table).line(question), table)
    except Undecided:
        return tidied(resolve(question, table), table)


def lines_by_hand(question, table):
    """The lines from a question to its answer: in each, one more link of the chain; in the last one all in order."""
    right, chain = right_formula(question, table), Chain(table)
    try:
        found = [chain.line(question)] if question.has(Partial) else []
    except Undecided:
        return [right]
    for depth in range(chain.deepest - 1, 0, -1):
        found.insert(0, Chain(table, depth=depth).line(question))
    kept = [lettered(line) for line in found if line.has(Partial) or line is found[-1]]
    kept.append(right)
    texts = [plain(line) for line in kept]
    return [line for position, line in enumerate(kept) if texts[position] not in texts[position + 1:]]


def depth_of(question, table, left):
    """In which line by hand just these derivatives, {(of what, by what)}, are still to be taken; 0 if in none."""
    for depth in range(1, DEEPEST):
        chain = Chain(table, depth=depth)
        chain.line(question)
        if chain.left in (left, set()):
            return depth if chain.left else 0
    return 0


def tidied(expr, table, short=True):
    with evaluate(True):
        return lettered(named(_tidy(expr, short), table))


def _tidy(e, short=True):
    """Constants before their sums; fractions cancelled and factors collected if `short`. No names are opened."""
    with evaluate(True):
        if isinstance(e, (sp.Indexed, sp.IndexedBase, Partial)) or not e.args:
            return e
        if not isinstance(e, sp.Sum):
            whole = e.func(*(_tidy(a, short) for a in e.args))
            return _short(whole) if short else whole
        body, limits = _tidy(e.function, short), e.limits
        bound = {limit[0] for limit in limits}
        out, inside = [], []
        for factor in sp.Mul.make_args(body):
            (inside if factor.free_symbols & bound else out).append(factor)
        whole = _picked_sum(sp.Mul(*inside), tuple(sp.Tuple(*limit) for limit in limits))
        return sp.Mul(*out, whole if not isinstance(whole, sp.Sum) or inside else sp.Sum(1, *limits))


def _short(e):
    if not (e.is_Mul or e.is_Add) or e.has(sp.Sum, sp.KroneckerDelta, sp.exp, sp.Product):
        return e
    factored = sp.factor(sp.cancel(e))
    sums = [f for f in factored.args if f.is_Add] if factored.is_Mul and factored.args[0] == -1 else []
    if sums:  # not -(y - y_hat)
        factored = sp.Mul(*(-f if f == sums[0] else f for f in factored.args if f != -1))
    return factored if sp.count_ops(factored) < sp.count_ops(e) else e


def lettered(expr):
    """Bound indices under letters that differ from each other and from every free one, so that what is printed can be read."""
    taken = {s.name for s in expr.free_symbols}
    taken |= {str(e.label) for e in expr.atoms(sp.IndexedBase)}
    return _lettered(expr, taken)


def _lettered(e, taken):
    if isinstance(e, (sp.Indexed, sp.IndexedBase)) or not e.has(sp.Sum, sp.Product):
        return e
    if not isinstance(e, (sp.Sum, sp.Product)):
        return e.func(*(_lettered(a, taken) for a in e.args))
    swap, used = {}, set(taken)
    for index, *_ in reversed(e.limits):
        letter = next(name for name in _letters(index.name) if name not in used)
        used.add(letter)
        swap[index] = sp.Symbol(letter, integer=True) if letter != index.name or isinstance(index, sp.Dummy) else index
    limits = [sp.Tuple(*(part.xreplace(swap) for part in limit)) for limit in e.limits]
    # Not e.func(...): unevaluated, it would put a factor 1 before the terms, and a bare exp would no longer be one.
    renamed = sp.Basic.__new__(e.func, _lettered(e.function.xreplace(swap), used), *limits)
    renamed.is_commutative = True
    return renamed


def _letters(first):
    yield first
    yield from (letter for letter in "ijklmqrst" if letter != first)
    yield from (f"{first}{number}" for number in count(1))
