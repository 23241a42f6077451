"""What no reader should meet in a text: the words of a program for a formula."""

import re

import sympy as sp

RAW = {
    "a letter of SymPy's own": r"(?:^|[ ({,+-])_\w|_\{[a-zξ]_\{?\d+\}?=|[{,+-][ijklrc]_\{?\d",
    "a word of SymPy's": r"\*\*|\b(?:Sum|Mul|Add|Pow|Symbol|Dummy|KroneckerDelta|Piecewise|Partial"
                         r"|Derivative|Transpose|MatrixElement|MatMul)\(",
    "a sum from 0": r"=0\.\.|_\{[a-z]=0\}",
    "a difference left as it is": r"\d - 1 - 1|\+ -|- -",
    "Python": r"\bNone\b|<[a-z]+ |object at 0x",
}


def unreadable(text):
    """Which of these a text holds, with what stands there."""
    return [f"{what}: {found[0]!r} in {text!r}" for what, pattern in RAW.items()
            if (found := re.search(pattern, text))]


def idle_deltas(expr):
    """Sums of which a Kronecker delta picks one term, left as they are."""
    return [total for total in expr.atoms(sp.Sum) for factor in sp.Mul.make_args(total.function)
            if isinstance(factor, sp.KroneckerDelta)
            and {index for index, *_ in total.limits} & set(factor.args)]
