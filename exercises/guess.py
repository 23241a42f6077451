"""Predict, then run: the truth is computed and shown only to a reader who has committed to a
prediction."""

import math

import numpy as np
import sympy as sp

from derivations.printing import plain
from exercises.progress import OPEN, RIGHT, WRONG, Reply, Unclear, book, chosen, folded

UNEXPECTED = "What did you not expect? Find the reason before you unfold the answer."


def predict(prediction, truth, number="", choices=(), slips=None, within=1e-6, show=None):
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
    show : callable
        Without arguments; shows more of the truth, such as a figure.

    The first prediction is kept: it is the one that counts. Prints a short text and returns
    nothing.
    """
    record = book.of("predict", number or "a prediction")
    if prediction is ... or prediction is None:
        what = "one of " + ", ".join(map(repr, choices)) if choices else "what you expect"
        return book.tell(record, "...",
                         Reply(OPEN, f"No prediction yet. Put {what} in place of the dots; "
                                     "then run the cell again to see what happens."))
    try:
        said = chosen(prediction, choices, ", ".join(map(repr, choices))) if choices else prediction
        actual = truth()
        right = _agree(said, actual, within)
    except Unclear as error:
        return book.tell(record, repr(prediction),
                         Reply(WRONG, f"This is no prediction that can be compared: {error}"))
    record.first = _shown(said) if record.first is None else record.first
    if show is not None:
        show()
    kept = f" (Your first prediction was {record.first}.)" if record.first != _shown(said) else ""
    slip = next((slip for slip in slips or () if _is_slip(said, slip, within)), None)
    why = UNEXPECTED if slip is None else _sentence(slips[slip])
    text = (f"You said {_shown(said)}, and so it is. Right.{kept}" if right else
            f"You said {_shown(said)}; it is {_shown(actual)}. Not as predicted. {why}{kept}")
    book.tell(record, repr(said), Reply(RIGHT if right else WRONG, text))


def _sentence(text):
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "?", "!")) else ".")


def _agree(said, actual, within):
    """Is it what is said? The truth tells of what kind: names, values, a word, or a number."""
    said, actual = _listed(said), _listed(actual)
    if isinstance(actual, (set, frozenset)):
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
    one, other = _number(said), float(actual)
    return abs(one - other) <= within * max(abs(one), abs(other))


def _listed(value):
    """An array as the list of its numbers; one without a dimension is a number."""
    return value.tolist() if isinstance(value, np.ndarray) else value


def _names(said):
    said = said.split(",") if isinstance(said, str) else said
    if not isinstance(said, (set, frozenset, list, tuple)):
        raise Unclear(f'several names are asked for, as in {{"W[1]", "b[1]"}}, got {said!r}')
    return {str(word).replace(" ", "") for word in said} - {""}


def _number(said):
    """A finite number: at infinity no distance says anything."""
    try:
        number = math.nan if isinstance(said, bool) else float(said)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise Unclear(f"a number is asked for, got {said!r}")
    return number


def _is_slip(said, slip, within):
    try:
        return _agree(said, slip, within)
    except Unclear:
        return False


def _shown(value):
    value = _listed(value)
    if isinstance(value, (set, frozenset)):
        return ", ".join(sorted(map(str, value))) or "none"
    if isinstance(value, (tuple, list)):
        return "(" + ", ".join(map(_shown, value)) + ")"
    if isinstance(value, sp.Basic):
        return plain(value)
    number = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
    return f"{float(value):.6g}" if number else str(value)
