"""What names stand for: definitions, unknown functions, hypotheses; how lines are opened to
them."""

from copy import copy
from functools import lru_cache
from itertools import combinations, product

import sympy as sp
from sympy import evaluate
from sympy.core.function import AppliedUndef
from sympy.core.relational import Relational

from derivations.bounds import KNOWN, Between, between, free_twin
from derivations.errors import Undecided
from derivations.places import indices_of, limits_in, limits_of, ranges_in, stands
from derivations.printing import lettered, plain, tex
from derivations.recursion import BELOW_FIRST, floors, height, levels, reached
from derivations.slopes import Held, Unknown, slope_of
from derivations.symbols import (
    Partial,
    activation,
    base_of,
    bound_letter,
    formula,
    holds,
    letter,
    names_in,
    parts_in,
    rank_of,
    rebuilt,
    shape_of,
)


class Definition:
    """A name and what it stands for: `Definition(y_hat[i], Sum(w[j]*x[i, j], (j, 1, d)) + b)`.

    The indices of an indexed name are free: the definition holds for every value of them.
    """

    def __init__(self, name, body, number="", made_to_fit=False):
        name, body = formula(name), formula(body)
        if not isinstance(name, (sp.Symbol, sp.Indexed)):
            raise TypeError("a definition needs a symbol or an entry such as y_hat[i] on its left, "
                            f"got {name}")
        self.name, self.body, self.number = name, body, str(number)
        self.indices = indices_of(name)
        letters = [i for i in self.indices if not i.is_Integer]
        if any(not i.is_Symbol for i in letters) or len(set(letters)) < len(letters):
            raise TypeError("the indices on the left of a definition must be different letters or "
                            f"numbers, got {name}")
        if isinstance(body, sp.MatrixExpr):
            raise TypeError(f"{name} is one number; define it by numbers and entries, "
                            f"not by {body}")
        with evaluate(True):
            earlier = all(any((i.doit() - j).is_negative for i, j in zip(own.indices, self.indices))
                          for own in body.atoms(sp.Indexed) if own.base == base_of(name))
        if base_of(name) in self.uses() and not (self.indices and earlier):
            raise ValueError(f"{name} is defined in terms of itself")
        if not made_to_fit:
            self.must_be_as_declared()

    def cases(self):
        """The definitions that it consists of, those at numbers first."""
        return [self]

    def rules(self):
        """(name, body), for each case."""
        return [(part.name, part.body) for part in self.cases()]

    def case(self, indices):
        """The definition for these indices, or None if they have none."""
        return self if all(i.is_Symbol or i == j for i, j in zip(self.indices, indices)) else None

    def must_be_as_declared(self):
        """Raises ValueError for a body that is not known to be what the name is declared to be."""
        for known in KNOWN:
            if getattr(self.name, f"is_{known}") and not getattr(self.body, f"is_{known}"):
                raise ValueError(f"{self.name} is declared {known}, "
                                 f"but {plain(self.body)} is not known to be {known}")

    def loose(self):
        """{index letter of an array in the body that nothing binds: size of that array}"""
        return {i: sizes[-1] for i, sizes in ranges_in(self.body).items() if i not in self.indices}

    def uses(self):
        """The names in the body, as they are filed."""
        return names_in(self.body)

    def at(self, indices, around=None):
        """The body at these indices, which no sum in the body can catch; see `fresh`."""
        return put(fresh(self.body, around), dict(zip(self.indices, indices)))

    def with_parts(self, change):
        """The same definition with `change` of its name, and of all that it is made of."""
        other = copy(self)
        for part in {"name", "body", "on", "pattern"} & vars(self).keys():
            setattr(other, part, change(getattr(self, part)))
        return other

    def _repr_markdown_(self):
        tag = rf"\tag{{{self.number}}}" if self.number else ""
        return f"$${tex(self.name)} = {tex(self.body)}{tag}$$"

    def __repr__(self):
        return f"({self.number}) " * bool(self.number) + f"{plain(self.name)} = {plain(self.body)}"


class Cases(Definition):
    """Definitions of one array: by recursion and at numbers, as h_t by h_{t-1}, and h_0."""

    def __init__(self, parts, level=None):
        self.parts = sorted(parts, key=lambda part: not any(i.is_Integer for i in part.indices))
        self.level, last = level, self.parts[-1]
        self.name, self.body, self.number = last.name, last.body, last.number
        self.indices = last.indices

    def cases(self):
        return self.parts

    def uses(self):
        return frozenset().union(*(part.uses() for part in self.parts))

    def case(self, indices):
        found = next((part for part in self.parts if part.case(indices)), None)
        if self.level is None or found is not self.parts[-1]:
            return found
        level = sp.sympify(indices[self.level.place])
        return None if level.is_Integer and level <= 0 else found

    def at(self, indices, around=None):
        return (self.case(indices) or self.parts[-1]).at(indices, around)

    def with_parts(self, change):
        return Cases([part.with_parts(change) for part in self.parts], self.level)


class Entries:
    """`Entries(X, x)`: X has the entries x_ij; a column vector may have one index, as in w_j."""

    def __init__(self, matrix, entries):
        if not isinstance(matrix, sp.MatrixSymbol) or not isinstance(entries, sp.IndexedBase):
            raise TypeError("Entries needs a matrix symbol and an array made by indexed, "
                            f"got {matrix!r} and {entries!r}")
        shape = tuple(entries.shape)
        if matrix.shape not in (shape, (*shape, 1)):
            raise ValueError(f"{matrix} has shape {matrix.shape}, "
                             f"its entries {entries} have shape {shape}")
        self.matrix, self.entries = matrix, entries


class Independent:
    """`Independent(a, b)`: neither is made of the other, nor are both of a third; so ∂b/∂a is 0.

    Without it a derivative by something that does not occur is refused, since a definition may
    have been forgotten. Names are symbols, entries or arrays.
    """

    def __init__(self, *names):
        self.bases = [name if isinstance(name, sp.IndexedBase) else base_of(formula(name))
                      for name in names]
        kinds = sp.Symbol, sp.IndexedBase
        if len(set(self.bases)) < 2 or not all(isinstance(base, kinds) for base in self.bases):
            raise TypeError("Independent needs two or more different names, "
                            f"got {', '.join(map(str, names))}")

    def check(self, table):
        """Raises ValueError if, by their definitions, two of the names have something in common."""
        for other, name in combinations(self.bases, 2):
            if common := made_of(other, table) & made_of(name, table):
                raise ValueError(f"{other} and {name} are not independent: by what they are "
                                 f"said to stand for, both have to do with {min(common, key=str)}")

    def __repr__(self):
        *names, last = map(plain, self.bases)
        return f"{', '.join(names)} and {last} are independent"

    def _repr_markdown_(self):
        return f"$${', '.join(map(tex, self.bases))} \text{{ are independent}}$$"


def made_of(base, table):
    """A name and all the numbers that it is made of; sizes and indices are none of them."""
    below = {base, *(reached(base, table) if base in table else ())}
    found = below.union(*(table[used].uses() for used in below if used in table))
    return {name for name in found if not name.is_integer}


class Depends(Definition):
    """`Depends(L, z[k], (k, 1, m))`: L is some unknown smooth function of z_1 ... z_m alone.

    The chain rule needs no more than dL = sum_k (dL/dz_k) dz_k, so for a first derivative the
    linear function of z with the coefficients dL/dz_k stands in for L. One loss per sample is
    `Depends(L[i], z[i, k], (k, 1, m))`.
    """

    def __init__(self, name, on, *limits):
        self.on = on = formula(on)
        any_function = sp.Function("some function", real=True)
        super().__init__(name, any_function(on, sp.S.One), made_to_fit=True)
        limits = limits_of(sp.Sum(on, *limits)) if limits else ()
        counted = {i: bound_letter(i.name, low) for i, low, _ in limits}
        idle = counted.keys() - set(indices_of(on))
        if idle:
            raise ValueError(f"the limits count {min(idle, key=str)}, which is no index of {on}")
        self.fixed = [i for i in indices_of(on)
                      if i.is_Symbol and i not in counted and i not in self.indices]
        if self.fixed and not limits:
            self.must_be_limited({})
        self.pattern, self.counted = on.xreplace(counted), set(counted.values())
        self.limits = [(counted[i], *ends) for i, *ends in limits]

    def loose(self):
        return {}

    def must_be_limited(self, levels):
        """Raises ValueError for a loose index, unless it is the level of a recursion."""
        level = levels.get(base_of(self.on))
        for index in self.fixed:
            if level is None or index not in self.on.indices[level.place].free_symbols:
                raise ValueError(f"on how many {self.on} does {self.name} depend? "
                                 f"Give the limits, as in ({index}, 1, m)")

    def at(self, indices, around=None):
        """The linear stand-in, with the given indices in place of the free ones."""
        counted = {i: bound_letter(i.name, low, _above(around, place))
                   for place, (i, low, _) in enumerate(self.limits, 1)}
        swap = {**dict(zip(self.indices, indices)), **counted}
        name, on = self.name.xreplace(swap), self.pattern.xreplace(swap)
        term, limits = Held(name, on) * on, [(counted[i], *ends) for i, *ends in self.limits]
        return Unknown(name, sp.Sum(term, *limits) if limits else term)

    def covers(self, name, variable):
        """Is `variable` an argument of this very function, so that the derivative stays a name?"""
        on = self.pattern.xreplace(dict(zip(self.indices, indices_of(name))))
        pairs = set(zip(indices_of(on), indices_of(variable)))
        counted = [i for i, _ in pairs if i in self.counted]
        return (base_of(on) == base_of(variable) and len(counted) == len(set(counted))
                and all(i == j or i in self.counted for i, j in pairs))


class Index(Definition):
    """`Index(c, 1, K)`: the letter c, or each c[i], is one of 1 ... K, as the class of a sample."""

    def __init__(self, name, low, high):
        name, low, high = map(formula, (name, low, high))
        if not (isinstance(name, (sp.Symbol, sp.Indexed)) and name.is_integer):
            raise TypeError("an index is a letter for whole numbers, as in "
                            f"symbols('c', integer=True), got {name}")
        with evaluate(True):
            if (low.doit() - high.doit()).is_positive:
                raise ValueError(f"{plain(name)} would run from {plain(low)} to {plain(high)}, "
                                 "and have no value at all")
        super().__init__(name, letter(name, low, high), made_to_fit=True)
        self.ends = low, high

    def __repr__(self):
        return f"{plain(self.name)} from {plain(self.ends[0])} to {plain(self.ends[1])}"

    def _repr_markdown_(self):
        return f"$${tex(self.name)} = {tex(self.ends[0])}, \\dots, {tex(self.ends[1])}$$"


class Assume(Definition):
    """A hypothesis under which lines are proved: all values that fulfil it are looked at, no other.

    Parameters
    ----------
    *relations
        Two formulas that are equal, as in `Assume(Sum(y[k], (k, 1, K)), 1)`, or relations about one
        name, as in `Assume(x > 0)`, `Assume(Ne(w, 0))` and `Assume(p > 0, p < 1)`.

    Examples
    --------
    >>> x = sp.Symbol("x", real=True)
    >>> Assume(x > 0)
    x > 0
    >>> resolve(sp.log(x), table_of([Assume(x > 0)])).args[0].is_positive
    True
    """

    def __init__(self, *relations):
        if len(relations) == 2 and not any(isinstance(r, Relational) for r in relations):
            relations = [sp.Eq(*map(formula, relations), evaluate=False)]
        if sp.false in relations:  # as p < 0, where p is declared positive
            raise ValueError(f"nothing fulfils {', '.join(map(str, relations))}: "
                             "a name is declared to be something else")
        # what a name is declared to be holds anyway, as n >= 1
        relations = [r for r in relations if r is not sp.true] or relations
        if not relations or not all(isinstance(r, Relational) for r in relations):
            raise TypeError("Assume takes two formulas that are equal, or relations such as x > 0, "
                            f"got {relations}")
        self.relations = relations
        with evaluate(True):
            equal = len(relations) == 1 and isinstance(relations[0], sp.Eq)
            self.found = Between(*_solved(*relations[0].args)) if equal else between(relations)
            super().__init__(self.found.name, self.found.body, made_to_fit=True)

    def other(self, name, body):
        """That it is this name that stands for this."""
        other = copy(self)
        other.name, other.body, other.indices = name, body, indices_of(name)
        other.found = Between(name, body)
        return other

    def __repr__(self):
        return ", ".join(map(plain, self.relations))

    def _repr_markdown_(self):
        return f"$$\\text{{assume }} {', '.join(map(tex, self.relations))}$$"


def _solved(left, right):
    """A name in an equation, and what it stands for so that it holds whatever else is chosen."""
    for side, rest in ((left, right), (right, left)):
        if isinstance(side, (sp.Symbol, sp.Indexed)) and base_of(side) not in names_in(rest):
            return side, rest
        if isinstance(side, sp.Sum) and (found := _shares(side, rest)):
            return found
    gap = left - right
    for name in sorted((s for s in gap.free_symbols if s.is_Symbol and not s.is_integer), key=str):
        slope = gap.diff(name)
        if slope.is_number and slope != 0:
            return name, sp.expand(name - gap / slope)
    raise ValueError(f"no name in {plain(left)} = {plain(right)} can be solved for: "
                     "state it as name = formula")


def _shares(total, right):
    """y_k where the sum of c_k y_k is to be r: u_k + c_k (r - sum c u)/sum c², or r u_k/sum c u
    where y is positive."""
    bound = {limit[0] for limit in total.limits}
    for name in sorted(total.function.atoms(sp.Indexed), key=str):
        weight = total.function.coeff(name)
        if (bound <= set(name.indices) and sp.expand(total.function - weight * name) == 0
                and base_of(name) not in names_in(weight) | names_in(right)):
            free = free_twin(name, **{"positive": True} if name.is_positive else {})
            whole = sp.Sum(weight * free, *total.limits)
            if name.is_positive:
                return name, right * free / whole
            return name, free + weight * (right - whole) / sp.Sum(weight**2, *total.limits)
    return None


# letters


def put(expr, swap):
    """The expression with other letters. A size in the shape of an array is no such place."""
    if expr in swap:
        return swap[expr]
    if not swap.keys() & names_in(expr):
        return expr
    if isinstance(expr, sp.Indexed):
        return expr.func(expr.base, *(put(i, swap) for i in expr.indices))
    parts = (put(a, swap) for a in expr.args)
    if isinstance(expr, Relational):  # SymPy compares the sides, and stumbles over 0 + 0
        parts = map(worked_out, parts)
    return rebuilt(expr, *parts) if expr.args else expr


def worked_out(expr):
    """The expression as SymPy makes it of its parts, which may stand as they are written."""
    with evaluate(True):  # also for a hint that is told within a block of as_written
        return _worked_out(expr)


@lru_cache(maxsize=20_000)
def _worked_out(expr):
    if not expr.args or isinstance(expr, (sp.Indexed, sp.IndexedBase, Held)):
        return expr
    return rebuilt(expr, *map(_worked_out, expr.args))


def fresh(expr, around=None):
    """New bound letters, lest an index of a definition is caught by a sum of the same letter.

    Those whose rank is above that of all letters `around` the expression serve as well, and what
    stands in two lines is then the same in both.
    """
    return expr if _binds_nothing(expr) else _fresh(expr, around)


def _fresh(expr, around):
    if isinstance(expr, sp.Indexed):
        return expr.func(expr.base, *(i.doit() for i in expr.indices))
    if not isinstance(expr, (sp.Sum, sp.Product)):
        args = [fresh(a, around) for a in expr.args]
        if isinstance(expr, AppliedUndef) and len(args) == 1:  # SymPy's own Function("g")
            return activation(expr.func.__name__)(*args)
        return expr.func(*args)
    function, limits = expr.function, []
    inside = _above(around, len(expr.limits))
    for place, (index, low, high) in enumerate(limits_of(expr)):
        # the innermost first; its ends may depend on those outside
        swap = {index: bound_letter(index.name, low, _above(inside, -place))}
        function = put(function, swap)
        limits = [(i, put(a, swap), put(b, swap)) for i, a, b in limits]
        limits.append((swap[index], low, high))
    return rebuilt(expr, fresh(function, inside), *(sp.Tuple(*limit) for limit in limits))


def _above(rank, steps):
    return None if rank is None else rank + steps


@lru_cache(maxsize=20_000)
def _binds_nothing(expr):
    """Is there neither a letter to be made new nor an index or a function to be made ours?"""
    if isinstance(expr, (sp.Indexed, sp.IndexedBase)) or not expr.args:
        return not any(i.args for i in indices_of(expr))
    return (not isinstance(expr, (sp.Sum, sp.Product, AppliedUndef))
            and all(map(_binds_nothing, expr.args)))


def must_reach(expr, table):
    """Raises ValueError for a sum over i of a name that stands for something with a loose i."""
    for total in parts_in(expr, sp.Sum, sp.Product) if table else ():
        for name in sorted(names_in(total.function) & table.keys(), key=str):
            below = (*sorted(reached(name, table), key=str), name)
            loose = {i: size for used in below for i, size in table[used].loose().items()}
            for free, size in loose.items():
                if any(index == free
                       or high == size and index not in total.function.free_symbols
                       for index, _, high in limits_of(total)):
                    own = ", ".join(map(str, (*table[name].indices, free)))
                    raise ValueError(f"{name} has no index {free}: write {name}[{own}], "
                                     "also in its definition")


# tables


class Table(dict):
    """{base of a name: its definition}, which remembers what it has opened."""

    def __init__(self, of=(), levels=None, floors=None, by=None, independent=()):
        super().__init__(of)
        self.levels, self.floors = levels or {}, floors or {}  # of recursions
        self.by = by  # what is differentiated by
        self.independent = independent  # lists of names
        self.memo, self.others = {}, {}
        self.at_ends = []  # tables for what a name between two bounds may be besides

    def like(self, definitions, floors=None, by=None):
        """A table of other definitions, or with other floors."""
        return Table(definitions, self.levels, floors or self.floors, by, self.independent)

    def above(self, variable):
        """The definitions of what is made of a variable, which itself stays closed.

        So does what is only assumed: x > a says at which x a slope is taken, not that x moves with
        a.
        """
        base, key = base_of(variable), variable if self.levels else base_of(variable)
        if key not in self.others:
            found = height(variable, self.levels)
            kept = {other: d for other, d in self.defined().items() if found or other != base}
            lowest = {**self.floors, found[0]: found[1]} if found else None
            self.others[key] = self.like(kept, lowest, variable)
        return self.others[key]

    def defined(self):
        """{base: definition} without hypotheses."""
        return self.once("defined", lambda: {base: d for base, d in self.items()
                                             if not isinstance(d, Assume)})

    def stops_at(self, name):
        """Is this entry of a recursion at the lowest level, where it stays a name?"""
        found = height(name, self.levels)
        if found is None or name == self.by:
            return found is not None
        floor = self.floors.get(found[0], BELOW_FIRST if found[0][1] == 0 else None)
        if floor is None and self.by is not None and base_of(self.by) in found[0][0]:
            raise Undecided(f"it is not known whether {plain(name)} comes before {plain(self.by)}")
        return floor is None or found[1] <= floor

    def depends(self, name, variable):
        """Does an entry of a recursion depend on something outside, as h_{t-1} on a weight?"""
        base = base_of(variable)
        below = reached(base_of(name), self)
        return (base not in self.levels[base_of(name)].group
                and any(base in self[used].uses() for used in below if used in self))

    def once(self, key, make):
        if key not in self.memo:
            self.memo[key] = make()
        return self.memo[key]


def table_of(definitions):
    """Definitions filed by the base of their name.

    Two definitions of one name, circles, and names that are not independent are refused.
    """
    return _table_of(tuple(definitions))


@lru_cache(maxsize=64)
def _table_of(definitions):
    found, independent = {}, [d for d in definitions if isinstance(d, Independent)]
    for definition in (d for d in definitions if d not in independent):
        if not isinstance(definition, Definition):
            raise TypeError("given= takes Definition, Depends, Entries, Assume, Index and "
                            f"Independent, got {definition!r}")
        same = found.setdefault(base_of(definition.name), [])
        if any(_may_meet(definition.indices, other.indices) for other in same):
            raise ValueError(f"{base_of(definition.name)} is defined twice")
        same.append(definition)
    table = Table({base: d[0] if len(d) == 1 else Cases(d) for base, d in found.items()},
                  independent=[names.bases for names in independent])
    for names in independent:
        names.check(table)
    for hypothesis in [d for d in table.values() if isinstance(d, Assume) and d.found.ordered]:
        _order(hypothesis, table)
    for index in [index for d in table.values() for index in _classes(d)]:
        table.setdefault(base_of(index.name), index)
    with evaluate(True):
        table.levels = levels(table)
    table.update({base: Cases(table[base].cases(), level) for base, level in table.levels.items()})
    for definition in table.values():
        if isinstance(definition, Depends):
            definition.must_be_limited(table.levels)
        must_reach(definition.body, table)
    table.at_ends = _at_ends(table)
    return table


def _order(hypothesis, table):
    """a < b where a < x < b: b stands for a + v with v > 0, unless that is known otherwise."""
    name, body = hypothesis.found.ordered
    if base_of(name) not in table:
        table[base_of(name)] = hypothesis.other(name, body)
    elif not resolve(hypothesis.found.gap, Table(table)).is_positive:
        raise ValueError(f"{hypothesis} needs {plain(hypothesis.found.gap)} > 0, "
                         f"which does not follow from what else is said of {plain(name)}")


def _at_ends(table):
    """The tables for the ends of intervals, which no free number reaches."""
    cases = [[(base, d), *((base, d.other(d.name, end)) for end in d.found.ends)]
             for base, d in table.items() if isinstance(d, Assume) and not d.name.is_integer]
    return [table.like({**table, **dict(case)}) for case in list(product(*cases))[1:]]


def _may_meet(one, other):
    """Do two definitions speak of the same entries, not one of them of numbers the other leaves?"""
    return all(i.is_Integer == j.is_Integer and (i == j or not i.is_Integer)
               for i, j in zip(one, other))


def _classes(definition):
    """What is a value of an index, as c in y_k = [k = c] or c_i in y_ik = [k = c_i] for one-hot
    labels: it is one of 1 ... K."""
    sizes = dict(zip(definition.indices, shape_of(base_of(definition.name))))
    taken = {index for index, *_ in limits_in(definition.body)} | sizes.keys() | {*sizes.values()}
    for delta in parts_in(definition.body, sp.KroneckerDelta):
        for index, name in (delta.args, delta.args[::-1]):
            if index in sizes and isinstance(name, (sp.Symbol, sp.Indexed)) and name not in taken:
                yield Index(name, 1, sizes[index])


def reaching(table, exprs):
    """The table for lines that speak of these expressions: recursions are opened down to the lowest
    level among them."""
    return table.like(table, floors(exprs, table.levels)) if table.levels else table


# opening


OPAQUE = sp.Derivative, sp.Subs, sp.Integral, sp.Limit, sp.Lambda, sp.MatrixExpr


def resolve(expr, table=None):
    """Replace every name by what it stands for, every `Partial` by the derivative of that.

    A derivative with respect to a name (dL/dz_j) opens the names on the way down to z and stops
    there. Raises ValueError for a name that is differentiated but not known, Undecided for the
    second derivative of an unknown function.
    """
    with evaluate(True):
        expr, table = formula(expr), table if isinstance(table, Table) else Table(table or {})
        must_reach(expr, table)
        around = rank_of(expr)
        return table.once(expr, lambda: _resolve(fresh(expr, around), table, around))


def _resolve(expr, table, around, opened=False):
    """`around`: the highest rank of a letter that is bound around it; `opened`: also unknown
    functions, by their stand-ins, since they are to be differentiated."""
    if not names_in(expr) & table.keys() and not holds(expr, Partial, *OPAQUE):
        return _worked_out(expr)
    if isinstance(expr, Partial):
        return table.once((expr, around), lambda: _differentiate(expr, table, around))
    if isinstance(expr, (sp.Symbol, sp.Indexed)):
        return _name_opened(_indices_opened(expr, table, around), table, around, opened)
    if isinstance(expr, Unknown):
        return Unknown(expr.name, _resolve(expr.linear, table, around, opened))
    if isinstance(expr, (sp.Sum, sp.Product)):
        around = max(around, *(rank_of(index) for index, *_ in expr.limits))
    if isinstance(expr, sp.Sum) and _starts_at_a_number(expr, table):
        *inner, (index, low, high) = expr.limits
        terms = sp.Sum(expr.function, *inner) if inner else expr.function
        expr = terms.xreplace({index: low}) + sp.Sum(terms, (index, low + 1, high))
        return _resolve(expr, table, around, opened)
    if isinstance(expr, OPAQUE):
        raise Undecided(f"{type(expr).__name__} has no rule here: "
                        "write Partial, Sum and entries such as w[k] instead")
    if not expr.args or isinstance(expr, (sp.IndexedBase, Held)):
        return expr
    return rebuilt(expr, *(_resolve(a, table, around, opened) for a in expr.args))


def _starts_at_a_number(total, table):
    """Is some array in the sum defined at the first value of the index alone, as x_i0 = 1 is?"""
    numbered = table.once("numbered", lambda: {
        (base, place, i) for base, definition in table.items() for part in definition.cases()
        for place, i in enumerate(part.indices) if i.is_Integer})
    index, low, high = total.limits[-1]
    return bool(numbered and low.is_Integer and (high - low).is_nonnegative and any(
        i == index and (entry.base, place, low) in numbered
        for entry, place, i, _ in stands(total.function)))


def _name_opened(name, table, around, opened):
    base = base_of(name)
    definition = table.get(base)
    if definition is None or isinstance(definition, Depends) and not opened:
        return name
    case = definition.case(indices_of(name))
    if base in table.levels:
        numbered = case is not None and any(i.is_Integer for i in case.indices)
        if name == table.by or not numbered and table.stops_at(name):
            case = None
    if case is not None:
        body = _body_at(case, indices_of(name), around)
        return table.once((name, around, opened), lambda: _resolve(body, table, around, opened))
    if base not in table.levels:
        return _by_numbers(name, definition, table, around, opened)
    by = table.by
    held = opened and by is not None and table.depends(name, by)
    return Unknown(name, Held(name, by) * by) if held else name


@lru_cache(maxsize=5_000)
def _body_at(definition, indices, around):
    return definition.at(indices, around)


def _by_numbers(name, definition, table, around, opened):
    """x_ik as [k = 0] x_i0 + (1 - [k = 0]) x_ik, where x_i0 alone stands for something."""
    total, rest = sp.S.Zero, sp.S.One
    for part in definition.cases():
        at = tuple(i if i.is_Integer else j for i, j in zip(part.indices, name.indices))
        met = [(i, j) for i, j in zip(at, name.indices) if i != j]
        if all(j.is_Symbol and not j.is_Dummy for _, j in met):
            there = sp.Mul(*(sp.KroneckerDelta(i, j) for i, j in met))
            total += there * _resolve(part.at(at, around), table, around, opened)
            rest -= there
    return total + rest * name


def _indices_opened(name, table, around):
    if any(names_in(i) & table.keys() for i in indices_of(name)):
        return name.func(name.base, *(_resolve(i, table, around) for i in name.indices))
    return name


def _differentiate(partial, table, around):
    inner, variable = partial.expr, _indices_opened(partial.variable, table, around)
    partial = Partial(inner, variable)
    definition = table.get(base_of(inner))
    if isinstance(definition, Depends) and definition.covers(inner, variable):
        return partial
    if base_of(inner) in table.levels and table.stops_at(inner) and table.depends(inner, variable):
        return partial
    _must_not_be_mixed(partial, table)
    function = _as_function(inner, variable, table, around)
    _must_depend(inner, function, variable, table, around)
    return _opened_further(slope_of(function, variable), table, around)


def _must_not_be_mixed(partial, table):
    """d/dz of dJ/dw, where z stands for something with w: is z opened before or after?"""
    outer, known = base_of(partial.variable), table.defined()
    for inner in partial.expr.atoms(Partial) if outer in known else ():
        goal = base_of(inner.variable)
        if outer != goal and any(goal in known[u].uses() for u in (outer, *reached(outer, known))):
            raise Undecided(f"{plain(partial)} has two meanings, since {plain(partial.variable)} "
                            f"itself depends on {plain(inner.variable)}: "
                            f"write out {plain(inner)} first")


def _must_depend(expr, function, variable, table, around):
    """A derivative that is 0 only because a definition was forgotten proves nothing."""
    if isinstance(expr, Partial):
        while isinstance(expr, Partial):
            expr = expr.expr
        function = _as_function(expr, variable, table, around)
    by, names = base_of(variable), {n for n in names_in(function) if not n.is_integer
                                    and not isinstance(table.get(n), Depends)}
    known = by in names | names_in(expr)  # also where it cancels, as in w + x - w
    if not known and not all(any(by in free and n in free for free in table.independent)
                             for n in names):
        raise ValueError(f"nothing in {plain(lettered(expr))} is known to depend on "
                         f"{plain(variable)}: "
                         "give its Definition to the derivation, or say that they are Independent")


def _as_function(expr, variable, table, around):
    """The expression as a function of `variable`: all names opened but that of the variable."""
    above = table.above(variable)
    function = _resolve(expr, above, around)
    if holds(function, Partial):
        unknown = min(map(plain, function.atoms(Partial)))
        raise Undecided(f"{unknown} would have to be differentiated, "
                        "but it is the derivative of an unknown function")
    return _opened_further(function, above, around, opened=True)


def _opened_further(expr, table, around, opened=False):
    """What is already worked out by SymPy, and need not be again where no name stands in it."""
    is_done = not names_in(expr) & table.keys() and not holds(expr, Partial, *OPAQUE)
    return expr if is_done else _resolve(expr, table, around, opened)
