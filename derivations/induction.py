"""Induction: a base and a step, both proved, and the step's hypothesis held to its own conclusion
one place further on.

Two forms. Over layers, `Induction(base=output_delta, step=recursion)`: the step derives ∂L/∂z^(l)
and takes L to be some function of z^(l+1) alone, whose derivatives are known; with l + 1 for l its
conclusion is just that. Over a whole number,
`Induction(base, step, index=t, hypothesis=before)`: the step uses a definition of the value before,
and with t - 1 for t the end of the step must be the body of that definition.
"""

import re
from dataclasses import replace

import sympy as sp

from derivations.conditions import conditions
from derivations.definitions import Assume, Definition, Depends
from derivations.errors import FalseLine, Undecided
from derivations.printing import plain, tex
from derivations.symbols import Partial, as_written, base_of, label_of
from derivations.verify import prove

LAYER = re.compile(r"\(([a-zA-Z])([+-]\d+)?\)$")


class Induction:
    """A statement that is proved for all layers, or for all whole numbers from a first one on.

    Parameters
    ----------
    base, step : Derivation
        Both proved.
    index, hypothesis : Symbol and Definition, optional
        The whole number, and the definition in which the step has the statement for the one before.
    first : int
        The number at which the base stands.
    number : str
        Printed at the right.

    Raises
    ------
    ValueError
        Where the step does not end in its own hypothesis, or the base does not begin it; the
        message says both.
    Undecided
        If one of the two is not proved.
    """

    def __init__(self, base, step, index=None, hypothesis=None, first=1, number=""):
        for part in (base, step):
            part.require_proof()
        self.base, self.step, self.number = base, step, str(number)
        over_layers = index is None
        self.range = self.layers() if over_layers else self.numbers(index, hypothesis, first)

    # over layers

    def layers(self):
        """Base: ∂L/∂z of the last layer. Step: ∂L/∂z^(l) where L depends on z^(l+1) alone."""
        mine, layer = self.derivative_of(self.step)
        letter, shift = _layer_of(mine)
        if letter is None or shift:
            raise ValueError("the step must derive by a name of layer (l), as z^(l); "
                             f"it derives by {_shown(mine)}")
        assumed = self.step.table.get(base_of(layer))
        if not isinstance(assumed, Depends):
            raise ValueError(f"the step must assume that {plain(layer)} depends on the layer "
                             "behind: give Depends to it")
        behind, d = base_of(assumed.on), f"∂{plain(layer)}/∂"
        wanted = sp.Symbol(LAYER.sub(f"({letter}+1)", str(label_of(mine))))
        if str(label_of(behind)) != wanted.name:
            raise ValueError(f"the step assumes {d}{_shown(behind)} to be known; its conclusion "
                             f"with {letter} + 1 for {letter} is {d}{plain(wanted)}")
        loose = self.open_in(self.step) - {behind}
        if loose:
            least = _shown(min(loose, key=str))
            raise ValueError(f"the step leaves a derivative by {least} open")
        self.must_begin(mine, layer)
        return f"{letter} = K, …, 1"

    def must_begin(self, mine, layer):
        """The base derives the same function by the last layer, and leaves nothing open."""
        last, function = self.derivative_of(self.base)
        stems = [str(label_of(base)).partition("^")[0] for base in (mine, last)]
        if stems[0] != stems[1] or str(function) != str(layer):
            raise ValueError(f"the base derives {plain(function)} by {_shown(last)}, "
                             f"the step {plain(layer)} by {_shown(mine)}")
        if last in self.open_in(self.base):
            raise ValueError(f"the base leaves ∂{plain(layer)}/∂{_shown(last)} open")

    @staticmethod
    def open_in(derivation):
        return {base_of(p.variable) for p in derivation.proof.resolved[-1].atoms(Partial)}

    @staticmethod
    def derivative_of(derivation):
        """(the array, the function) of a derivation that derives the function by the array."""
        left = derivation.left
        is_name = isinstance(left, (sp.Symbol, sp.Indexed))
        named = derivation.table.get(base_of(left)) if is_name else None
        left = named.body if isinstance(named, Definition) else left
        if not isinstance(left, Partial):
            raise ValueError(f"{derivation.title()} begins with {plain(derivation.left)}, "
                             "expected a derivative such as ∂L/∂z_j")
        return base_of(left.variable), left.expr

    # over whole numbers

    def numbers(self, index, hypothesis, first):
        if not isinstance(hypothesis, Definition) or hypothesis not in self.step.given:
            raise ValueError("the hypothesis must be a Definition that is given to the step: "
                             "what stands for the value before")
        end, body = self.step.last, hypothesis.body
        before, start = (end.xreplace({index: at}) for at in (index - 1, sp.Integer(first)))
        self.must_equal(before, body, f"the step assumes {plain(body)}; its conclusion "
                                      f"with {index} - 1 for {index} is {plain(before)}")
        self.must_equal(start, self.base.last,
                        f"the base ends with {plain(self.base.last)}; "
                        f"the step with {index} = {first} is {plain(start)}")
        self.must_hold_onwards(index, first)
        return f"{index} = {first}, {first + 1}, …"

    def must_hold_onwards(self, index, first):
        """Raises ValueError for a step that leaves out a number: what is behind does not follow."""
        later = {index: first + 1 + sp.Dummy(integer=True, nonnegative=True)}
        lines = [self.step.left, *(line.shown for line in self.step.lines)]
        with as_written():  # or what cancels would ask for nothing
            there = [line.xreplace(later) for line in lines]
        said, met = (conditions(exprs, self.step.table) for exprs in (lines, there))
        missed = [] if set(met) <= set(said) else [word for word in said if word not in met]
        missed += [repr(g) for g in self.step.given if isinstance(g, Assume)
                   and any(index in r.free_symbols and r.xreplace(later) != sp.true
                           for r in g.relations)]
        if missed:
            raise ValueError(f"the step holds where {' and '.join(missed)}, but it is to lead from "
                             f"{index} = {first} to every later {index}")

    def must_equal(self, one, other, otherwise):
        given = [g for g in (*self.step.given, *self.base.given) if isinstance(g, Definition)]
        unique = {g.name: g for g in given}
        try:
            prove(one, other, unique.values())
        except (FalseLine, Undecided) as refusal:
            raise ValueError(otherwise) from refusal

    # appearance

    @property
    def verdict(self):
        """What is proved, in words."""
        where = dict.fromkeys(self.step.proof.where + self.base.proof.where)
        scope = replace(self.step.proof, where=list(where)).scope().removeprefix("proved")
        return f"✓ proved for {self.range}" + (f", {scope.strip(' ,')}" if scope else "")

    def steps(self):
        """Where the step itself holds: of layers, from the one before the last on."""
        return self.range.replace("K, …", "K - 1, …")

    def _reason(self):
        return f"base {self.base.title()}, step {self.step.title()}"

    def _repr_markdown_(self):
        tag = rf"\tag{{{self.number}}}" if self.number else ""
        return (f"$${tex(self.step.left)} = {tex(self.step.last)} \\quad\\small \\text{{for }} "
                f"{self.steps().replace('…', chr(92) + 'dots')}{tag}$$\n\n<small>{self.verdict} · "
                f"{self._reason()}</small>")

    def __repr__(self):
        head = f"({self.number}) " * bool(self.number)
        return (f"{head}{plain(self.step.left)} = {plain(self.step.last)}    for {self.steps()}\n"
                f"    {self.verdict} · {self._reason()}")


def _shown(base):
    return plain(label_of(base))


def _layer_of(base):
    """("l", 0) for z^(l), ("l", 1) for z^(l+1), (None, 0) for a name without a layer."""
    found = LAYER.search(str(label_of(base)))
    return (found[1], int(found[2] or 0)) if found else (None, 0)
