"""What names stand for: definitions, unknown functions, entries of matrices, and how a line is opened down to them."""

from copy import copy
from functools import lru_cache

import sympy as sp
from sympy import evaluate
from sympy.core.function import AppliedUndef
from sympy.matrices.expressions import DiagMatrix, DiagonalMatrix, DiagonalOf, OneMatrix
from sympy.matrices.expressions.applyfunc import ElementwiseApplyFunction

from derivations.errors import Undecided, WrongIndex
from derivations.printing import plain, tex
from derivations.recursion import BELOW_FIRST, carried, floors, height, levels, reached
from derivations.symbols import (
    Array,
    Gradient,
    Letter,
    Partial,
    activation,
    base_of,
    formula,
    names_in,
)


class Definition:
    """A name and what it stands for: `Definition(y_hat[i], Sum(w[j]*x[i, j], (j, 1, d)) + b)`.

    The indices of an indexed name are free: the definition holds for every value of them.
    """

    def __init__(self, name, body, number=""):
        name, body = formula(name), formula(body)
        if not isinstance(name, (sp.Symbol, sp.Indexed)):
            raise TypeError(
                f"a definition needs a symbol or an entry such as y_hat[i] on its left, got {name}"
            )
        indices = name.indices if isinstance(name, sp.Indexed) else ()
        letters = [i for i in indices if not i.is_Integer]
        if any(not i.is_Symbol for i in letters) or len(set(letters)) < len(letters):
            raise TypeError(
                f"the indices on the left of a definition must be different letters or numbers, got {name}"
            )
        self.name, self.body = name, body
        self.indices, self.number = indices, str(number)
        if isinstance(body, sp.MatrixExpr):
            raise TypeError(
                f"{name} is one number; define it by numbers and entries, not by {body}"
            )
        own = [entry for entry in body.atoms(sp.Indexed) if entry.base == base_of(name)]
        with evaluate(True):
            earlier = all(
                any((i.doit() - j).is_negative for i, j in zip(entry.indices, indices))
                for entry in own
            )
        if base_of(name) in self.uses() and not (indices and earlier):
            raise ValueError(f"{name} is defined in terms of itself")
        self.check()

    def rules(self):
        """(name, body), for each case."""
        return [(self.name, self.body)]

    def case(self, indices):
        """The definition for these indices, or None if they have none."""
        return self if all(i.is_Symbol or i == j for i, j in zip(self.indices, indices)) else None

    def check(self):
        """Raises ValueError for a body that is not known to be what the name is declared to be."""
        for known in KNOWN:
            if getattr(self.name, known) and not getattr(self.body, known):
                said = known.removeprefix("is_")
                raise ValueError(
                    f"{self.name} is declared {said}, "
                    f"but {plain(self.body)} is not known to be {said}"
                )

    def loose(self):
        """{index letter of an array in the body that nothing binds: size of that array}"""
        return {i: size for i, size in loose_indices(self.body).items() if i not in self.indices}

    def uses(self):
        """The names in the body, as they are filed."""
        return names_in(self.body)

    def at(self, indices):
        """The body, with the given indices in place of the free ones. No sum in the body can catch them."""
        return put(_fresh(self.body), dict(zip(self.indices, indices)))

    def with_parts(self, change):
        """The same definition with `change` of its name, and of all that it is made of."""
        other = copy(self)
        for part in ("name", "body", "on", "pattern"):
            if hasattr(self, part):
                setattr(other, part, change(getattr(self, part)))
        return other

    def _repr_markdown_(self):
        tag = rf"\tag{{{self.number}}}" if self.number else ""
        return f"$${tex(self.name)} = {tex(self.body)}{tag}$$"

    def __repr__(self):
        return f"({self.number}) " * bool(self.number) + f"{plain(self.name)} = {plain(self.body)}"


class Cases(Definition):
    """Definitions of one array: by recursion and at numbers, as h_t by h_{t-1}, and h_0."""

    def __init__(self, parts, level=None, before_first=False):
        self.parts = sorted(
            parts, key=lambda part: not any(i.is_Integer for i in part.indices)
        )  # numbers first
        self.level, self.before_first, general = level, before_first, self.parts[-1]
        self.name, self.body, self.indices, self.number = (
            general.name,
            general.body,
            general.indices,
            general.number,
        )

    def rules(self):
        return [(part.name, part.body) for part in self.parts]

    def uses(self):
        return frozenset().union(*(part.uses() for part in self.parts))

    def case(self, indices):
        found = next((part for part in self.parts if part.case(indices)), None)
        below = (
            self.level is not None
            and found is self.parts[-1]
            and _at_most_zero(indices[self.level])
        )
        return None if below else found

    def at(self, indices):
        return (self.case(indices) or self.parts[-1]).at(indices)

    def with_parts(self, change):
        return Cases(
            [part.with_parts(change) for part in self.parts], self.level, self.before_first
        )


def _at_most_zero(index):
    return index <= 0 if not isinstance(index, sp.Basic) else bool(index.is_Integer and index <= 0)


KNOWN = (
    "is_positive",
    "is_negative",
    "is_nonnegative",
    "is_nonpositive",
    "is_nonzero",
    "is_integer",
)


def put(expr, swap):
    """The expression with other letters in the place of some. A size in the shape of an array is no such place."""
    if expr in swap:
        return swap[expr]
    if isinstance(expr, sp.Indexed):
        return expr.func(expr.base, *(put(i, swap) for i in expr.indices))
    return expr.func(*(put(a, swap) for a in expr.args)) if expr.args else expr


def loose_indices(expr, bound=frozenset()):
    """{index letter that no sum binds: size of the array it stands on}"""
    if isinstance(expr, sp.Indexed):
        pairs = zip(expr.indices, expr.base.shape or ())
        return {i: size for i, size in pairs if i.is_Symbol and i not in bound and i != size}
    if isinstance(expr, (sp.Sum, sp.Product)):
        bound = bound | {limit[0] for limit in expr.limits}
    return {i: size for a in expr.args for i, size in loose_indices(a, bound).items()}


def must_reach(expr, table):
    """Raises ValueError for a sum over i of a name L that stands for something with a loose i: it has to be L[i]."""
    for total in expr.atoms(sp.Sum, sp.Product):
        for name in sorted(names_in(total.function) & table.keys(), key=str):
            for letter, size in _loose(name, table).items():
                for index, _, high in map(_both_ends, total.limits):
                    if letter == index or size == high and index not in total.function.free_symbols:
                        own = ", ".join(map(str, (*table[name].indices, letter)))
                        raise ValueError(
                            f"{name} has no index {letter}: write {name}[{own}], also in its definition"
                        )


def _loose(base, table):
    """The loose indices of a definition, those of the names in it included."""
    return {
        i: size
        for used in (*sorted(reached(base, table), key=str), base)
        for i, size in table[used].loose().items()
    }


class Entries:
    """`Entries(X, x)`: the matrix symbol X has the entries x_ij; a column vector may have one index, as in w_j."""

    def __init__(self, matrix, entries):
        if not isinstance(matrix, sp.MatrixSymbol) or not isinstance(entries, sp.IndexedBase):
            raise TypeError(
                f"Entries needs a matrix symbol and an array made by indexed, got {matrix!r} and {entries!r}"
            )
        shape = tuple(entries.shape)
        if shape != matrix.shape and (*shape, 1) != matrix.shape:
            raise ValueError(
                f"{matrix} has shape {matrix.shape}, its entries {entries} have shape {shape}"
            )
        self.matrix, self.entries = matrix, entries


class _Held(sp.Expr):
    """A coefficient dL/dz_k, constant while SymPy differentiates the linear stand-in of L."""

    is_commutative = True
    is_real = True

    def _eval_derivative(self, variable):
        return sp.S.Zero


class _Unknown(sp.Expr):
    """The unknown function L inside what SymPy differentiates: its derivative is that of its linear stand-in."""

    is_commutative = True
    is_real = True
    name = property(lambda self: self.args[0])
    linear = property(lambda self: self.args[1])

    def _eval_derivative(self, variable):
        return self.linear.diff(variable)


class Depends(Definition):
    """`Depends(L, z[k], (k, 1, m))`: L is some unknown smooth function of z_1 ... z_m, and of nothing else.

    The chain rule needs no more than dL = sum_k (dL/dz_k) dz_k, so for a first derivative the linear function of z with
    the coefficients dL/dz_k stands in for L. One loss per sample is `Depends(L[i], z[i, k], (k, 1, m))`.
    """

    def __init__(self, name, on, *limits):
        self.on = on = formula(on)
        super().__init__(name, sp.Function("some function", real=True)(on, sp.S.One))
        counted = {i: sp.Dummy(i.name, integer=True) for i, low, high in map(_both_ends, limits)}
        loose = [
            i
            for i in getattr(on, "indices", ())
            if i.is_Symbol and i not in counted and i not in self.indices
        ]
        self.fixed = loose
        idle = counted.keys() - set(getattr(on, "indices", ()))
        if idle:
            letter = min(idle, key=str)
            raise ValueError(f"the limits count {letter}, which is no index of {on}")
        if loose and not limits:
            raise ValueError(
                f"on how many {on} does {name} depend? Give the limits, as in ({loose[0]}, 1, m)"
            )
        self.pattern, self.counted = on.xreplace(counted), set(counted.values())
        self.limits = [(counted[i], *ends) for i, *ends in limits]

    def check(self):
        """What it depends on is checked by its limits."""

    def loose(self):
        return {}

    def must_be_limited(self, places):
        """Raises ValueError for a loose index that is not the level of a recursion, as l in z^(l)_k."""
        place = places.get(base_of(self.on), (None,))[0]
        for index in self.fixed:
            if place is None or index not in self.on.indices[place].free_symbols:
                raise ValueError(
                    f"on how many {self.on} does {self.name} depend? Give the limits, as in ({index}, 1, m)"
                )

    def uses(self):
        return names_in(self.on)

    def at(self, indices):
        """The linear stand-in, with the given indices in place of the free ones."""
        swap = dict(zip(self.indices, indices))
        name, on = self.name.xreplace(swap), self.pattern.xreplace(swap)
        return _Unknown(
            name,
            sp.Sum(_Held(name, on) * on, *self.limits) if self.limits else _Held(name, on) * on,
        )

    def covers(self, name, variable):
        """Is `variable` one of the arguments of this very function, so that its derivative by it has a name only?"""
        on = self.pattern.xreplace(dict(zip(self.indices, getattr(name, "indices", ()))))
        pairs = zip(getattr(on, "indices", ()), getattr(variable, "indices", ()))
        return base_of(on) == base_of(variable) and all(
            i == j or i in self.counted for i, j in pairs
        )


class Index(Definition):
    """`Index(c, 1, K)`: the free letter c is one of the whole numbers 1 ... K, as the class of a sample is."""

    def __init__(self, letter, low, high):
        letter, low, high = map(formula, (letter, low, high))
        if not (letter.is_Symbol and letter.is_integer):
            raise TypeError(
                f"an index is a letter for whole numbers, as in symbols('c', integer=True), got {letter}"
            )
        super().__init__(letter, Letter(letter.name, low, high))
        self.ends = low, high

    def check(self):
        """A letter is what it is; how far it goes is said by its ends."""

    def __repr__(self):
        return f"{plain(self.name)} from {plain(self.ends[0])} to {plain(self.ends[1])}"

    def _repr_markdown_(self):
        return f"$${tex(self.name)} = {tex(self.ends[0])}, \\dots, {tex(self.ends[1])}$$"


class Assume(Definition):
    """A hypothesis under which lines are proved: every choice of values that fulfils it, and no other, is looked at.

    Parameters
    ----------
    *relations
        Two formulas that are equal, as in `Assume(Sum(y[k], (k, 1, K)), 1)`, or relations about one name, as in
        `Assume(x > 0)`, `Assume(Ne(w, 0))` and `Assume(p > 0, p < 1)`.

    Examples
    --------
    >>> x = sp.Symbol("x", real=True)
    >>> Assume(x > 0)
    x > 0
    >>> resolve(sp.log(x), table_of([Assume(x > 0)])).args[0].is_positive
    True
    """

    def __init__(self, *relations):
        if len(relations) == 2 and not any(
            isinstance(r, sp.core.relational.Relational) for r in relations
        ):
            relations = [sp.Eq(*map(formula, relations), evaluate=False)]
        if not relations or not all(
            isinstance(r, sp.core.relational.Relational) for r in relations
        ):
            raise TypeError(
                f"Assume takes two formulas that are equal, or relations such as x > 0, got {relations}"
            )
        self.relations = relations
        with evaluate(True):
            equal = len(relations) == 1 and isinstance(relations[0], sp.Eq)
            super().__init__(*(_solved(*relations[0].args) if equal else _between(relations)))

    def check(self):
        """What it stands for was made to fit."""

    def __repr__(self):
        return ", ".join(
            f"{plain(r.lhs)} {RELATIONS[type(r)][0]} {plain(r.rhs)}" for r in self.relations
        )

    def _repr_markdown_(self):
        shown = (f"{tex(r.lhs)} {RELATIONS[type(r)][1]} {tex(r.rhs)}" for r in self.relations)
        return f"$$\\text{{assume }} {', '.join(shown)}$$"


RELATIONS = {
    sp.Eq: ("=", "="),
    sp.Ne: ("≠", r"\ne"),
    sp.Gt: (">", ">"),
    sp.Lt: ("<", "<"),
    sp.Ge: ("≥", r"\ge"),
    sp.Le: ("≤", r"\le"),
}


def _free_twin(name, **known):
    """A new symbol, or an entry of a new array, in the place of a name whose values are bound by a hypothesis."""
    stem = sp.Dummy(
        base_of(name).label.name if isinstance(name, sp.Indexed) else name.name, real=True, **known
    )
    return (
        Array(stem, shape=name.base.shape)[name.indices] if isinstance(name, sp.Indexed) else stem
    )


def _between(relations):
    """x and what it stands for if it lies between bounds: low + u, high - u, or low + (high - low) u/(1 + u) with u > 0."""
    names = [
        side for r in relations for side in r.args if isinstance(side, (sp.Symbol, sp.Indexed))
    ]
    name = next((x for x in names if all(x in r.args for r in relations)), None)
    if name is None:
        raise ValueError(
            f"a hypothesis is about one name, as in x > 0, got {', '.join(map(str, relations))}"
        )
    other = lambda r: r.args[1] if r.args[0] == name else r.args[0]  # noqa: E731
    low = [other(r) for r in relations if not isinstance(r, sp.Ne) and r.gts == name]
    high = [other(r) for r in relations if not isinstance(r, sp.Ne) and r.lts == name]
    strict = not any(isinstance(r, (sp.Ge, sp.Le)) for r in relations)
    if not low and not high:
        return name, other(relations[0]) + _free_twin(name, nonzero=True)
    free = _free_twin(name, **({"positive": True} if strict else {"nonnegative": True}))
    if low and high:
        return name, low[0] + (high[0] - low[0]) * free / (1 + free)
    return name, low[0] + free if low else high[0] - free


def _solved(left, right):
    """A name in an equation, and what it stands for so that the equation holds whatever else is chosen."""
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
    raise ValueError(
        f"no name in {plain(left)} = {plain(right)} can be solved for: state it as name = formula"
    )


def _shares(total, right):
    """y_k = u_k + c_k (r - sum c u)/sum c², where a sum of c_k y_k is to be r; r u_k/sum c u where y is positive."""
    bound = {limit[0] for limit in total.limits}
    entries = [
        e
        for e in total.function.atoms(sp.Indexed)
        if bound <= {i for i in e.indices if i.is_Symbol}
    ]
    for name in sorted(entries, key=str):
        weight = total.function.coeff(name)
        if sp.expand(total.function - weight * name) == 0 and base_of(name) not in names_in(
            weight
        ) | names_in(right):
            free = _free_twin(name, **({"positive": True} if name.is_positive else {}))
            whole = sp.Sum(weight * free, *total.limits)
            if name.is_positive:
                return name, right * free / whole
            return name, free + weight * (right - whole) / sp.Sum(weight**2, *total.limits)
    return None


class Table(dict):
    """{base of a name: its definition}, which remembers what it has opened."""

    def __init__(self, of=(), places=None, floors=None, by=None):
        super().__init__(of)
        self.places, self.floors, self.by = (
            places or {},
            floors or {},
            by,
        )  # of recursions; `by` what is differentiated by
        self.memo, self.others = {}, {}

    def above(self, variable):
        """The definitions of what is made of a variable, which itself stays closed."""
        base, key = base_of(variable), variable if self.places else base_of(variable)
        if key not in self.others:
            found = height(variable, self.places)
            kept = self if found else {other: d for other, d in self.items() if other != base}
            lowest = {**self.floors, found[0]: found[1]} if found else self.floors
            self.others[key] = Table(kept, self.places, lowest, variable)
        return self.others[key]

    def stops_at(self, name):
        """Is this entry of a recursion at the lowest level, where it stays a name?"""
        found = height(name, self.places)
        if found is None or name == self.by:
            return found is not None
        floor = self.floors.get(found[0], BELOW_FIRST if found[0][1] == 0 else None)
        if floor is None and self.by is not None and base_of(self.by) in found[0][0]:
            raise Undecided(f"it is not known whether {plain(name)} comes before {plain(self.by)}")
        return floor is None or found[1] <= floor

    def depends(self, name, variable):
        """Does an entry of a recursion depend on something that is no part of it, as h_{t-1} does on a weight?"""
        base = base_of(variable)
        return base not in self.places[base_of(name)][2] and any(
            base in definition.uses()
            for definition in map(self.get, reached(base_of(name), self))
            if definition
        )

    def once(self, key, make):
        if key not in self.memo:
            self.memo[key] = make()
        return self.memo[key]


def table_of(definitions):
    """Definitions filed by the base of their name; two definitions of one name, and circles, are refused."""
    return _table_of(tuple(definitions))


@lru_cache(maxsize=64)
def _table_of(definitions):
    found = {}
    for definition in definitions:
        if not isinstance(definition, Definition):
            raise TypeError(
                f"given= takes Definition, Depends, Entries, Assume and Index, got {definition!r}"
            )
        same = found.setdefault(base_of(definition.name), [])
        if any(
            not any(i.is_Integer and i != j for i, j in zip(d.indices, definition.indices))
            and all(i.is_Integer == j.is_Integer for i, j in zip(d.indices, definition.indices))
            for d in same
        ):
            raise ValueError(f"{base_of(definition.name)} is defined twice")
        same.append(definition)
    table = Table(
        {base: same[0] if len(same) == 1 else Cases(same) for base, same in found.items()}
    )
    for index in [
        index
        for definition in table.values()
        for index in _classes(definition)
        if index.name not in table
    ]:
        table[index.name] = index
    with evaluate(True):
        table.places = levels(table)
    for definition in table.values():
        if isinstance(definition, Depends):
            definition.must_be_limited(table.places)
    before_first = {base: carried(base, table, table.places) for base in table.places}
    for base, (place, _, _) in table.places.items():
        table[base] = Cases(
            table[base].parts if isinstance(table[base], Cases) else [table[base]],
            place,
            before_first[base],
        )
    for definition in table.values():
        must_reach(definition.body, table)
    return table


def reaching(table, exprs):
    """The table for lines that speak of these expressions: recursions are opened down to the lowest level among them."""
    return Table(table, table.places, floors(exprs, table.places)) if table.places else table


def _classes(definition):
    """The letters that are a value of an index, as c in y_k = [k = c] for one-hot labels: c is one of 1 ... K."""
    sizes = dict(zip(definition.indices, getattr(base_of(definition.name), "shape", None) or ()))
    bound = {
        limit[0] for total in definition.body.atoms(sp.Sum) for limit in total.limits
    } | sizes.keys()
    for delta in definition.body.atoms(sp.KroneckerDelta):
        for index, letter in (delta.args, delta.args[::-1]):
            if index in sizes and letter.is_Symbol and letter not in bound | set(sizes.values()):
                yield Index(letter, 1, sizes[index])


def resolve(expr, table=None):
    """Replace every name by what it stands for, and every `Partial` by SymPy's derivative of what it stands for.

    A derivative with respect to a name (dL/dz_j) opens the names on the way down to z and stops there. Raises ValueError
    for a name that is differentiated but not known, Undecided for the second derivative of an unknown function.
    """
    with evaluate(True):
        expr, table = formula(expr), table if isinstance(table, Table) else Table(table or {})
        must_reach(expr, table)
        return table.once(expr, lambda: _resolve(_fresh(expr), table))


def _both_ends(limit):
    if len(limit) != 3:
        raise ValueError(f"both ends of an index are needed, as in ({limit[0]}, 1, n)")
    return limit


def _fresh(expr):
    """New letters for all bound indices, lest an index of a definition is caught by a sum of the same letter."""
    if isinstance(expr, sp.Indexed) and any(i.args for i in expr.indices):
        return expr.func(expr.base, *(i.doit() for i in expr.indices))
    if isinstance(expr, (sp.Indexed, sp.IndexedBase)) or not expr.args:
        return expr
    if not isinstance(expr, (sp.Sum, sp.Product)):
        args = list(map(_fresh, expr.args))
        known = isinstance(expr, AppliedUndef) and len(args) == 1  # SymPy's own Function("g")
        return (activation(expr.func.__name__) if known else expr.func)(*args)
    function, limits = expr.function, []
    for index, low, high in map(
        _both_ends, expr.limits
    ):  # the innermost first; its ends may depend on those outside
        swap = {index: sp.Dummy(index.name, integer=True)}
        function = put(function, swap)
        limits = [(i, put(a, swap), put(b, swap)) for i, a, b in limits] + [
            (swap[index], low, high)
        ]
    return expr.func(_fresh(function), *limits)


OPAQUE = (sp.Derivative, sp.Subs, sp.Integral, sp.Limit, sp.Lambda, sp.MatrixExpr)


def _resolve(expr, table, opened=False):
    if isinstance(expr, Partial):
        return table.once((expr, "slope"), lambda: _differentiate(expr, table))
    if isinstance(expr, (sp.Symbol, sp.Indexed)):
        expr = _indices_opened(expr, table)
        definition = table.get(base_of(expr))
        if definition is None or (isinstance(definition, Depends) and not opened):
            return expr
        indices = getattr(expr, "indices", ())
        case = definition.case(indices)
        if base_of(expr) in table.places:
            numbered = case is not None and any(i.is_Integer for i in case.indices)
            if expr == table.by or not numbered and table.stops_at(expr):
                case = None
        if case is None:
            held = (
                opened
                and table.by is not None
                and base_of(expr) in table.places
                and table.depends(expr, table.by)
            )
            return _Unknown(expr, _Held(expr, table.by) * table.by) if held else expr
        return table.once((expr, opened), lambda: _resolve(case.at(indices), table, opened))
    if isinstance(expr, _Unknown):
        return _Unknown(expr.name, _resolve(expr.linear, table, opened))
    if isinstance(expr, OPAQUE):
        raise Undecided(
            f"{type(expr).__name__} has no rule here: write Partial, Sum and entries such as w[k] instead"
        )
    if not expr.args or isinstance(expr, (sp.IndexedBase, _Held)):
        return expr
    return expr.func(*(_resolve(a, table, opened) for a in expr.args))


def _indices_opened(name, table):
    if isinstance(name, sp.Indexed) and any(i.free_symbols & table.keys() for i in name.indices):
        return name.func(name.base, *(_resolve(i, table) for i in name.indices))
    return name


class _Absolute(sp.Function):
    """|u| while SymPy differentiates it: a sum under it is real, which SymPy does not know."""

    def fdiff(self, argindex=1):
        return sp.sign(self.args[0])


class _Product(sp.Product):
    """A product over an index while SymPy differentiates it: P' is P times the sum of the f'/f."""

    def _eval_derivative(self, variable):
        return self * sp.Sum(self.function.diff(variable) / self.function, *self.limits)


def _slope(function, variable):
    """SymPy's derivative. At a kink there is none, and elsewhere a step and a sign have the slope 0."""
    kinds = [(kind, mine) for kind, mine in WHILE_DIFFERENTIATED.items() if function.has(kind)]
    for kind, mine in kinds:
        function = function.replace(kind, mine)
    slope = function.diff(variable)
    for kind, mine in kinds:
        slope = slope.replace(mine, kind)
    slope = (
        slope.replace(sp.DiracDelta, lambda *args: sp.S.Zero) if slope.has(sp.DiracDelta) else slope
    )
    if slope.has(sp.Derivative, sp.Subs):
        complex_ones = sorted(
            str(s) for s in function.free_symbols if s.is_Symbol and not s.is_extended_real
        )
        if complex_ones:
            raise Undecided(
                f"{complex_ones[0]} is not known to be real: write symbols({complex_ones[0]!r}, real=True)"
            )
    return slope


class _Sign(sp.Function):
    """sign(u) away from its kink."""

    def fdiff(self, argindex=1):
        return sp.S.Zero


class _Heaviside(sp.Function):
    """A step away from its kink."""

    def fdiff(self, argindex=1):
        return sp.S.Zero


WHILE_DIFFERENTIATED = {
    sp.Abs: _Absolute,
    sp.sign: _Sign,
    sp.Heaviside: _Heaviside,
    sp.Product: _Product,
}


def _differentiate(partial, table):
    inner, variable = partial.expr, _indices_opened(partial.variable, table)
    partial = Partial(inner, variable)
    definition = table.get(base_of(inner)) if isinstance(inner, (sp.Symbol, sp.Indexed)) else None
    if isinstance(definition, Depends) and definition.covers(inner, variable):
        return partial
    if (
        isinstance(inner, sp.Indexed)
        and inner.base in table.places
        and table.stops_at(inner)
        and table.depends(inner, variable)
    ):
        return partial
    _must_not_be_mixed(partial, table)
    function = _opened(inner, variable, table)
    _must_depend(inner, function, variable, table)
    derivative = _slope(function, variable)
    if derivative.has(_Unknown, _Held):
        derivative = derivative.replace(_Unknown, lambda name, linear: name).replace(_Held, Partial)
    return _resolve(derivative, table)


def _must_not_be_mixed(partial, table):
    """d/dz of dJ/dw, where z stands for something with w: it depends on whether z is opened before or after."""
    outer = base_of(partial.variable)
    for inner in partial.expr.atoms(Partial) if outer in table else ():
        if base_of(inner.variable) != outer and _made_of(outer, base_of(inner.variable), table):
            raise Undecided(
                f"{plain(partial)} has two meanings, since {plain(partial.variable)} itself depends on "
                f"{plain(inner.variable)}: write out {plain(inner)} first"
            )


def _made_of(base, goal, table):
    return any(goal in table[used].uses() for used in (base, *reached(base, table)))


def _must_depend(expr, function, variable, table):
    """A derivative that is 0 only because a definition was forgotten proves nothing."""
    while isinstance(expr, Partial):
        expr, function = expr.expr, None
    function = _opened(expr, variable, table) if function is None else function
    if base_of(variable) not in names_in(function):
        raise ValueError(
            f"nothing in {plain(expr)} is known to depend on {plain(variable)}: "
            "give its Definition to the derivation"
        )


def _opened(expr, variable, table):
    """The expression as a function of `variable`: all names opened but that of the variable itself."""
    above = table.above(variable)
    function = _resolve(expr, above)
    if function.has(Partial):
        unknown = min(map(plain, function.atoms(Partial)))
        raise Undecided(
            f"{unknown} would have to be differentiated, but it is the derivative of an unknown function"
        )
    return _resolve(function, above, opened=True)


def entry(matrix, row, column, entries):
    """Entry (row, column) of a matrix expression as a scalar with indexed sums, for any sizes.

    `entries` maps each matrix symbol to its array of entries. Raises TypeError for an operation without a rule.
    """
    with evaluate(True):
        if not isinstance(matrix, sp.MatrixExpr):
            return number_of(matrix, entries)
        return _entry(matrix, row, column, entries)


def _entry(m, row, column, entries):
    for kind, rule in ENTRY_RULES:
        if isinstance(m, kind):
            return rule(m, row, column, entries)
    raise Undecided(
        f"there is no rule for the entries of {type(m).__name__}: "
        "define the numbers in it by sums over entries"
    )


def _known_entry(m, row, column, entries):
    if m not in entries:
        raise ValueError(
            f"the entries of {m} are not known: give Entries({m}, ...) to the derivation"
        )
    return entries[m][row] if len(entries[m].shape) == 1 else entries[m][row, column]


def _given_entry(m, row, column, entries):
    """An explicit matrix, by cases of its row and its column."""
    cells = [(p, q) for p in range(m.rows) for q in range(m.cols)]
    return sp.Add(
        *(
            _delta(row, p + 1) * _delta(column, q + 1) * number_of(m[p, q], entries)
            for p, q in cells
        )
    )


def _delta(i, j):
    return sp.KroneckerDelta(i, j)


def _entrywise(m, row, column, entries):
    if len({a.shape for a in m.args}) > 1:
        raise WrongIndex(
            f"the shapes {' and '.join(str(a.shape) for a in m.args)} are not the same"
        )
    return (sp.Add if isinstance(m, sp.MatAdd) else sp.Mul)(
        *(_entry(a, row, column, entries) for a in m.args)
    )


def _power_entry(m, row, column, entries):
    if not (m.exp.is_Integer and 0 <= m.exp <= LARGEST_POWER):
        return _entry_of_inverse(m, row, column, entries)
    if m.exp == 0:
        return _delta(row, column)
    return _entry_of_product([m.base] * int(m.exp), row, column, entries)


def _entry_of_inverse(m, row, column, entries):
    raise Undecided(
        f"{plain(m)} has no entries that can be written as sums: "
        "state what it is multiplied with, as in A B = I, or its entries as symbols of their own"
    )


def _diagonal(m, row, column, entries):
    vector = m.args[0]
    at = (row, sp.S.One) if vector.shape[1] == 1 else (sp.S.One, row)
    return _delta(row, column) * _entry(vector, *at, entries)


def _diagonal_of(m, row, column, entries):
    return _entry(m.arg, row, row, entries)


LARGEST_POWER = 12
ENTRY_RULES = [
    (sp.MatrixSymbol, _known_entry),
    (sp.MatrixBase, _given_entry),
    (
        Gradient,
        lambda m, r, c, entries: Partial(
            number_of(m.expr, entries), _entry(m.vector, r, c, entries)
        ),
    ),
    (sp.Transpose, lambda m, r, c, entries: _entry(m.arg, c, r, entries)),
    ((sp.MatAdd, sp.HadamardProduct), _entrywise),
    ((sp.MatMul, sp.Mul), lambda m, r, c, entries: _entry_of_product(list(m.args), r, c, entries)),
    (sp.Inverse, _entry_of_inverse),
    (sp.MatPow, _power_entry),
    (sp.HadamardPower, lambda m, r, c, entries: _entry(m.base, r, c, entries) ** m.exp),
    (sp.Identity, lambda m, r, c, entries: _delta(r, c)),
    (sp.ZeroMatrix, lambda m, r, c, entries: sp.S.Zero),
    (OneMatrix, lambda m, r, c, entries: sp.S.One),
    (
        ElementwiseApplyFunction,
        lambda m, r, c, entries: _fresh(m.function(_entry(m.expr, r, c, entries))),
    ),
    (
        (DiagMatrix, DiagonalMatrix),
        lambda m, r, c, entries: (
            _diagonal(m, r, c, entries)
            if isinstance(m, DiagMatrix)
            else _delta(r, c) * _entry(m.arg, r, c, entries)
        ),
    ),
    (DiagonalOf, _diagonal_of),
]


def number_of(expr, entries):
    """A number with matrices in it, as a trace or the one entry of uᵀ A u, by the entries of the matrices."""
    if isinstance(expr, sp.Trace):
        index, size = sp.Dummy("m", integer=True), expr.arg.shape[0]
        return _summed(_entry(expr.arg, index, index, entries), index, size)
    if isinstance(expr, sp.matrices.expressions.matexpr.MatrixElement):
        # SymPy counts from 0
        return _entry(expr.parent, expr.i + 1, expr.j + 1, entries)
    if (
        not expr.args
        or isinstance(expr, (sp.Indexed, sp.IndexedBase))
        or not expr.has(sp.MatrixExpr)
    ):
        return expr
    if isinstance(expr, sp.MatrixExpr):
        raise Undecided(
            f"there is no rule for {type(expr).__name__} in a number: write Sum and entries instead"
        )
    return expr.func(*(number_of(a, entries) for a in expr.args))


def _entry_of_product(factors, row, column, entries):
    scalars = [f for f in factors if not isinstance(f, sp.MatrixExpr)]
    first, *rest = [f for f in factors if isinstance(f, sp.MatrixExpr)]
    scalars = [number_of(f, entries) for f in scalars]
    if not rest:
        return sp.Mul(*scalars, _entry(first, row, column, entries))
    if first.shape[1] != rest[0].shape[0]:
        raise WrongIndex(
            f"a matrix of shape {first.shape} cannot multiply one of shape {rest[0].shape}"
        )
    inner = sp.Dummy("m", integer=True)
    product = _entry(first, row, inner, entries) * _entry_of_product(rest, inner, column, entries)
    return sp.Mul(*scalars, _summed(product, inner, first.shape[1]))


def _summed(term, index, size):
    return term.xreplace({index: sp.S.One}) if size == 1 else sp.Sum(term, (index, 1, size))
