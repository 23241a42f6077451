"""Where a line has a meaning: what must not be zero, what must be positive, and which functions
must be differentiable."""

from functools import lru_cache

import sympy as sp
from sympy import evaluate
from sympy.core.relational import Relational

from derivations.definitions import Assume, Depends, resolve
from derivations.errors import Undecided
from derivations.normal_form import NormalForm
from derivations.places import indices_of, least_sizes, limits_in, ranges_in
from derivations.printing import lettered, plain
from derivations.recursion import first_levels
from derivations.rewriting import in_exponentials
from derivations.sampling import opened
from derivations.symbols import (
    Partial,
    base_of,
    holds,
    letters_of,
    names_in,
    parts_in,
    shape_of,
)

POSITIVE = {"> 0": (sp.Gt, sp.Lt), "≥ 0": (sp.Ge, sp.Le)}
KINKED = sp.Abs, sp.Max, sp.Min, sp.sign, sp.Heaviside, sp.Piecewise


def differentiable(lines, table):
    """The unknown functions whose chain rule is taken for granted, for the derivatives in these
    lines are theirs."""
    if not any(line.has(Partial) for line in lines):
        return []
    used = {base for part in opened(lines, table) for base in names_in(part)}
    return sorted(plain(base_of(d.name) if d.name.is_Symbol else d.name)
                  for base, d in table.items() if isinstance(d, Depends) and base in used)


def conditions(lines, table, made_of=()):
    """What the lines ask for and what is not known to hold: "x ≠ 0", "p_k > 0"; in the order in
    which it occurs. Of what they are made of counts how large an array must be: "d ≥ 2"."""
    asked = _asked_by(lines, table, made_of)
    words = [_in_words(kind, expr) for expr, kind in asked.items()]
    first_at = first_levels(lines, table)
    words += [f"{plain(letter)} ≥ {least}" for letter, least in first_at.items() if least > 1]
    return list(dict.fromkeys(words))


def hypotheses(lines, table, made_of):
    """What the lines ask of names in logarithms and roots, to be assumed: p > 0, p < 1.

    Of an array it is asked of all entries, or they speak of no other entry.
    """
    relations = {}
    for expr, kind in _asked_by(lines, table).items():
        found = _about_a_name(kind, expr, table) if kind in POSITIVE else None
        if (found and _is_whole(found[0], lines, (*lines, *made_of))
                and found[0] in relations.setdefault(base_of(found[0]), [found[0]])):
            relations[base_of(found[0])].append(found[1])
    upper = lambda relation: isinstance(relation, (sp.Lt, sp.Le))
    return [Assume(*sorted(found, key=upper)) for _, *found in relations.values()]


def _is_whole(name, lines, parts):
    """Is it no array, or does it stand for all entries that the parts speak of?"""
    runs = {(i, *ends) for i, *ends in limits_in(*parts) if i in indices_of(name)}
    if not runs:
        found = (parts_in(part, sp.Indexed) for part in parts)
        return all(e.base != base_of(name) or e == name for e in frozenset().union(*found))
    whole = zip(indices_of(name), shape_of(base_of(name)))
    is_loose = any(i in letters_of(line) for line in lines for i in indices_of(name))
    return not is_loose and runs == {(i, sp.S.One, size) for i, size in whole}


def _about_a_name(kind, expr, table):
    """(p, p < 1) for what is positive, as 1 - p; of names that nothing given speaks of."""
    for name in sorted(expr.atoms(sp.Indexed) or expr.free_symbols, key=str):
        slope = expr.coeff(name)
        is_free = base_of(name) not in table and all(i.is_Symbol for i in indices_of(name))
        if is_free and not name.is_integer and slope.is_number and slope != 0:
            with evaluate(True):
                end = sp.expand(name - expr / slope)
            if base_of(name) not in names_in(end):
                return name, POSITIVE[kind][bool(slope < 0)](name, end)
    return None


def _asked_by(lines, table, made_of=()):
    """{expression: the strongest of what is asked of it and is not known to hold}"""
    found, levels = {}, getattr(table, "levels", {})
    parts = [part for line in lines for part in sp.preorder_traversal(line)]
    entries = {e for part in made_of for e in parts_in(part, sp.Indexed)
               if least_sizes(e, levels=levels)}
    parts += sorted(entries, key=str)
    first = _first_values(lines)
    asked = [pair for part in parts for pair in _asked(part, first, levels)]
    if any(holds(part, *KINKED) for part in (*lines, *made_of)):
        asked += [pair for part in parts for pair in _jumps(part, table, first)]
    for kind, expr in (_simplest(*pair) for pair in asked):
        if not all(_is_shown(kind, expr, case) for case in (table, *table.at_ends)):
            found.setdefault(expr, set()).add(kind)
    return {expr: _strongest(kinds) for expr, kinds in found.items()}


def _strongest(kinds):
    if {"≥ 0", "≠ 0"} <= kinds:
        return "> 0"
    return max(kinds, key=lambda kind: (kind == "> 0", int(kind.split()[1])))


NEEDED = {  # what a function needs of its argument, which need not stand in the line
    **dict.fromkeys((sp.coth, sp.csch), [("≠ 0", lambda z: z)]),
    **dict.fromkeys((sp.tan, sp.sec), [("≠ 0", sp.cos)]),
    **dict.fromkeys((sp.cot, sp.csc), [("≠ 0", sp.sin)]),
    **dict.fromkeys((sp.log, sp.gamma, sp.loggamma, sp.polygamma), [("> 0", lambda z: z)]),
    **dict.fromkeys((sp.asin, sp.acos), [("≥ 0", lambda z: 1 - z**2)]),
    sp.atanh: [("> 0", lambda z: 1 - z**2)],
    sp.acosh: [("≥ 0", lambda z: z - 1)],
    sp.acoth: [("> 0", lambda z: z**2 - 1)],
}


def _first_values(lines):
    """{index: its first value and what comes on top of it}, where that is a number."""
    first = dict.fromkeys(ranges_in(*lines), sp.S.One)
    for index, low, _ in limits_in(*lines):
        if low.is_Integer:
            first[index] = min(low, first.get(index, low))
    return {i: low + _on_top(i) for i, low in first.items()}


@lru_cache(maxsize=1_000)
def _on_top(index):
    return sp.Dummy(index.name, integer=True, nonnegative=True)


def _asked(part, first, levels=()):
    """(kind, expression) for what one part of a formula needs of another: "≠ 0", "> 0" or "≥ 0"."""
    if isinstance(part, sp.Indexed):
        sizes = least_sizes(part, levels=levels).items()
        yield from ((f"≥ {least}", size) for size, least in sizes if least > 1)
    if isinstance(part, (sp.sign, sp.Heaviside)) and not part.args[0].is_integer:
        yield "≠ 0", part.args[0]
    if isinstance(part, sp.Piecewise):
        met = {relation for case in part.args for relation in case.cond.atoms(Relational)}
        gaps = (r.lhs - r.rhs for r in sorted(met, key=sp.default_sort_key))
        yield from (("≠ 0", gap) for gap in gaps if not gap.is_integer)
    if isinstance(part, sp.Pow) and not isinstance(part, sp.exp):
        if part.exp.is_integer:
            if not part.exp.xreplace(first).is_nonnegative:
                yield from (("≠ 0", _whole(factor)) for factor in sp.Mul.make_args(part.base))
        else:
            yield "≥ 0" if part.exp.is_Rational and part.exp > 0 else "> 0", part.base
    for kind, needed in NEEDED.get(type(part), ()):
        yield kind, needed(part.args[-1])


def _jumps(part, table, first):
    """What must not be zero for a slope to be there: the sides of a kink, which the slope need not
    show, as that of max(x, 2) - x is 0 or -1."""
    if not isinstance(part, Partial):
        return
    try:
        slope = resolve(part, table.above(part.variable))
    except (Undecided, ValueError):
        return
    smooth = slope.replace(lambda e: e.is_Mul, _without_sides)
    yield from (pair for e in sp.preorder_traversal(smooth)
                if isinstance(e, (sp.sign, sp.Heaviside, sp.Piecewise))
                for pair in _asked(e, first))


def _without_sides(product):
    """The factors without sign(u) and step(u) where another one is 0 for u = 0: u sign(u) is |u|,
    which has no jump."""
    is_side = lambda factor: isinstance(factor, (sp.sign, sp.Heaviside))
    return sp.Mul(*(f for f in product.args if not is_side(f) or not any(
        _vanishes_with(other, f.args[0]) for other in product.args)))


def _vanishes_with(factor, u):
    if factor.is_Pow and factor.exp.is_positive:
        factor = factor.base
    if isinstance(factor, (sp.Max, sp.Min)) and 0 in factor.args and len(factor.args) == 2:
        factor = sp.Add(*factor.args)  # the other one
    return (factor.args[0] if isinstance(factor, sp.Abs) else factor) in (u, -u)


def _simplest(kind, expr):
    """x ≠ 0 for x² > 0 and |x| > 0, and x > 0 for 2 x > 0."""
    number, rest = expr.as_coeff_Mul()
    if number.is_Rational and number and kind in ("> 0", "≥ 0") and not rest.is_Add:
        with evaluate(True):
            expr = sp.sign(number) * rest
    is_even = isinstance(expr, sp.Abs) or expr.is_Pow and expr.exp.is_even and expr.base.is_real
    return ("≠ 0", _whole(expr)) if kind == "> 0" and is_even else (kind, expr)


def _whole(factor):
    """x for x², 1/x, √x and |x|, which are not zero where x is not."""
    is_power = isinstance(factor, sp.Pow) and factor.exp.is_Rational
    return _whole(factor.args[0]) if is_power or isinstance(factor, sp.Abs) else factor


def _is_shown(kind, expr, table):
    try:
        with evaluate(True):
            expr = resolve(expr, table)
            if kind == "≠ 0" and (expr.is_nonzero or expr.is_Pow and expr.exp.is_Integer
                                  and expr.base.is_nonzero):
                return True
            if kind[0] == "≥":
                return bool((expr - int(kind.split()[1])).is_nonnegative)
            return (bool(expr.is_positive) or _is_positive(expr) or kind == "≠ 0"
                    and _is_positive(-expr))
    except (Undecided, ValueError, TypeError):
        return False


def _is_positive(expr):
    form = NormalForm({i: (sp.S.One, sizes[0]) for i, sizes in ranges_in(expr).items()})
    return form.is_positive(form.poly(in_exponentials(expr)))


def _in_words(kind, expr):
    """"ŷ_i ≠ 1" for 1 - ŷ_i ≠ 0."""
    with evaluate(True):
        expr = lettered(expr)
        number, rest = sp.Add(*sp.Add.make_args(expr)).as_coeff_Add()
        if kind == "≠ 0" and number != 0 and not isinstance(rest, sp.Add):
            sign = -1 if rest.could_extract_minus_sign() else 1
            return f"{plain(sign*rest)} ≠ {plain(-sign*number)}"
    return f"{plain(expr)} {kind}"
