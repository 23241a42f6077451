"""Predict, then run: the truth is computed and shown only to a reader who has committed to a
prediction."""

import math
from contextlib import suppress

import numpy as np
import sympy as sp

from derivations.printing import plain
from exercises.progress import OPEN, RIGHT, WRONG, Reply, Unclear, book, chosen, folded

EXPECTED = "what you expect"
UNEXPECTED = "What did you not expect? Find the reason before you unfold the answer."


def predict(prediction, truth, number="", choices=(), slips=None, within=1e-6):
    """Show the truth only to a reader who has committed to a prediction, and compare the two.

    Parameters
    ----------
    prediction
        A number, a word, or several in a tuple or a set; `...` stands for "no prediction yet".
    truth : callable
        Without arguments; computes what really happens. Called only after the commitment.
    number : str
        The number of the exercise.
    choices : tuple of str
        What may be said, if it is a choice.
    slips : dict
        {wrong prediction: what may have led to it}.
    within : float
        The relative distance at which two numbers still agree.

    The first prediction is kept: it is the one that counts. Prints a short text, returns nothing.
    """
    record = book.of("predict", number or "a prediction")
    book.tell(record, repr(prediction), _reply(record, prediction, truth, choices, slips, within))


def _reply(record, said, truth, choices, slips, within):
    named = ", ".join(map(repr, choices))
    if said is ... or said is None:
        return Reply(OPEN, f"No prediction yet. Put {f'one of {named}' if choices else EXPECTED} "
                           "in place of the dots; then run the cell again to see what happens.")
    try:
        said = chosen(said, choices, named) if choices else said
        actual = truth()
        right = _agree(said, actual, within)
    except Unclear as error:
        return Reply(WRONG, f"This is no prediction that can be compared: {error}")
    shown = _shown(said)
    record.first = shown if record.first is None else record.first
    kept = f" (Your first prediction was {record.first}.)" if record.first != shown else ""
    if right:
        return Reply(RIGHT, f"You said {shown}, and so it is. Right.{kept}")
    why = next((why for slip, why in (slips or {}).items() if _is_slip(said, slip, within)),
               UNEXPECTED)
    why = why[:1].upper() + why[1:] + "." * (not why.endswith((".", "?", "!")))
    return Reply(WRONG, f"You said {shown}; it is {_shown(actual)}. Not as predicted. {why}{kept}")


def _agree(said, actual, within):
    """Is it what is said? The truth tells of what kind: names, values, a word, or a number."""
    said, actual = _listed(said), _listed(actual)
    if isinstance(actual, set):
        return _names(said) == _names(actual)
    if isinstance(actual, (tuple, list)):
        if not isinstance(said, (tuple, list)) or len(said) != len(actual):
            dots = ", ".join("…" for _ in actual)
            raise Unclear(f"{len(actual)} values are asked for, as in ({dots}), got {said!r}")
        # all of them, so that each is looked at
        return all([_agree(s, a, within) for s, a in zip(said, actual)])
    if isinstance(actual, (bool, np.bool_, str)):
        if isinstance(actual, str) != isinstance(said, str):
            wanted = "a word in quotes" if isinstance(actual, str) else "True or False"
            raise Unclear(f"{wanted} is asked for, got {said!r}")
        return folded(said) == folded(actual)
    with suppress(TypeError, ValueError, OverflowError):
        if not isinstance(said, bool) and math.isfinite(number := float(said)):
            return math.isclose(number, actual, rel_tol=within)
    raise Unclear(f"a number is asked for, got {said!r}")


def _listed(value):
    """An array as the list of its numbers; one without a dimension is a number."""
    return value.tolist() if isinstance(value, np.ndarray) else value


def _names(said):
    said = said.split(",") if isinstance(said, str) else said
    if not isinstance(said, (set, list, tuple)):
        raise Unclear(f'several names are asked for, as in {{"W[1]", "b[1]"}}, got {said!r}')
    return {str(word).replace(" ", "") for word in said} - {""}


def _is_slip(said, slip, within):
    with suppress(Unclear):
        return _agree(said, slip, within)


def _shown(value):
    value = _listed(value)
    if isinstance(value, set):
        return ", ".join(sorted(map(str, value))) or "none"
    if isinstance(value, (tuple, list)):
        return "(" + ", ".join(map(_shown, value)) + ")"
    if isinstance(value, sp.Basic):
        return plain(value)
    number = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
    return f"{float(value):.6g}" if number else str(value)
