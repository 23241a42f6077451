"""Exercises that answer back, of three kinds: derive a formula, predict before you run, find the bug.

Nothing raises at a reader, and no right answer is stored: a formula is compared with what SymPy makes of the question, a
wrong one with a tree of mistakes derived from that; a prediction is compared with what the cell computes; and the cause
named for a bug is undone in the line named, to see whether the program then passes its check. An exercise that is run again
with the same answer gives the next hint. What was solved is kept in this session alone, unless `progress` is told a file.
"""

import inspect
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

import numpy as np
import sympy as sp

from derivations.errors import Undecided
from derivations.printing import plain
from exercises.judge import NoFormula, question_of
from gradcheck import repair as cures

OPEN, WRONG, RIGHT = "not answered yet", "not yet", "solved"
FOLDED = "That was the last hint. The answer is folded below the cell."


@dataclass
class Reply:
    """What an exercise says to an answer: its state, the text, and the hints that follow one by one."""

    state: str
    text: str
    hints: Callable = list  # without arguments; gives the list, asked only when it is needed


@dataclass
class Record:
    """What is known of an exercise in this session."""

    number: str
    kind: str
    state: str = OPEN
    answer: object = None
    asked: int = 0
    first: object = None


class Book(dict):
    """The exercises of this session by number, in the order in which they were run."""

    def of(self, kind, number):
        return self.setdefault((kind, number), Record(number, kind))

    def tell(self, record, answer, reply):
        """Print the reply, and one more hint each time the same answer is asked about again."""
        again = answer == record.answer
        record.asked = record.asked + 1 if again else 0
        record.answer = answer
        if record.state != RIGHT:
            record.state = reply.state
        print("\n".join([reply.text, *self.stage(reply, record.asked)]))

    @staticmethod
    def stage(reply, asked):
        if reply.hints is list:
            return []
        if not asked:
            return ["Run the cell again for a hint."]
        hints = reply.hints()
        shown = [f"  hint {p} of {len(hints)}: {hint}" for p, hint in enumerate(hints[:asked], 1)]
        return [*shown, "Run the cell again for the next hint." if asked < len(hints) else FOLDED]


book = Book()


# Derive ------------------------------------------------------------------------------------------------------------------


def check(answer, question, given=(), number=""):
    """Say whether `answer` equals `question`, in any equal form; if not, name the mistake and show a counterexample.

    answer    a formula of the symbols of the exercise, or a NumPy function whose parameters are named like them;
              `...` stands for "not answered yet"
    question  what is asked for, such as Partial(J, w[k])
    given     the definitions it needs: all that lead from its left to its right

    Prints one short text and returns nothing. Asked again with the same answer, it adds a hint.
    """
    record = book.of("derive", number or plain(question))
    book.tell(record, repr(answer) if not inspect.isfunction(answer) else _source(answer), _reply(answer, question, given))


def _reply(answer, question, given):
    try:
        asked = question_of(question, tuple(given))
    except (ValueError, TypeError, Undecided) as error:
        return Reply(OPEN, f"This exercise has a fault of its own: {error}")
    if answer is ... or answer is None:
        return Reply(OPEN, f"No answer yet. Put a formula for {asked.name} in place of the dots, and run the cell again.",
                     lambda: asked.hints("open"))
    try:
        return _judged(asked, answer)
    except NoFormula as error:
        return Reply(WRONG, f"This cannot be compared with {asked.name}: {error}")


def _judged(asked, answer):
    if inspect.isfunction(answer):
        finding = asked.judge_code(answer)
    else:
        finding = asked.judge(asked.formula(answer))
    if finding.right:
        return Reply(RIGHT if finding.finished else WRONG, finding.text)
    return Reply(WRONG, finding.text, lambda: asked.hints(finding.kind))


def _source(function):
    try:
        return inspect.getsource(function)
    except (OSError, TypeError):
        return repr(function.__code__.co_code)


# Predict, then run -------------------------------------------------------------------------------------------------------


def predict(prediction, truth, number="", choices=(), slips=None, within=1e-6, show=None):
    """Show the truth only to a reader who has committed to a prediction, and compare the two.

    prediction  a number, a word, or several in a tuple or a set; `...` stands for "no prediction yet"
    truth       a function without arguments that computes what really happens; called only after the commitment
    choices     what may be said, if it is a choice
    slips       {wrong prediction: what may have led to it}
    within      relative distance at which two numbers still agree
    show        a function without arguments that shows more of the truth, such as a figure

    The first prediction is kept: it is the one that counts. Prints a short text and returns nothing.
    """
    record = book.of("predict", number or "a prediction")
    if prediction is ... or prediction is None:
        what = "one of " + ", ".join(map(repr, choices)) if choices else "what you expect"
        return book.tell(record, "...", Reply(OPEN, f"No prediction yet. Put {what} in place of the dots; "
                                                    "then run the cell again to see what happens."))
    try:
        said = _among(prediction, choices) if choices else prediction
        actual = truth()
        agree = _agree(said, actual, within)
    except NoFormula as error:
        return book.tell(record, repr(prediction), Reply(WRONG, f"This is no prediction that can be compared: {error}"))
    if record.first is None:
        record.first = _shown(said)
    if show is not None:
        show()
    kept = f" (Your first prediction was {record.first}.)" if record.first != _shown(said) else ""
    if agree:
        return book.tell(record, repr(said), Reply(RIGHT, f"You said {_shown(said)}, and so it is. Right.{kept}"))
    why = next((f" {why}" for slip, why in (slips or {}).items() if _same_slip(said, slip, within)),
               " What did you not expect? Find the reason before you unfold the answer.")
    book.tell(record, repr(said), Reply(WRONG, f"You said {_shown(said)}; it is {_shown(actual)}. Not as predicted.{why}{kept}"))


def _among(said, choices):
    words = {str(c).strip().lower(): c for c in choices}
    key = str(said).strip().lower()
    if key not in words:
        near = get_close_matches(key, words, 1)
        meant = f"; did you mean {words[near[0]]!r}?" if near else ""
        raise NoFormula(f"{said!r} is none of {', '.join(map(repr, choices))}{meant}")
    return words[key]


def _agree(said, actual, within):
    said, actual = _without_arrays(said), _without_arrays(actual)
    if isinstance(actual, (set, frozenset)):
        return _words(said) == _words(actual)
    if isinstance(actual, (tuple, list)):
        if not isinstance(said, (tuple, list)) or len(said) != len(actual):
            raise NoFormula(f"{len(actual)} values are asked for, as in ({', '.join('…' for _ in actual)}), got {said!r}")
        return all([_agree(s, a, within) for s, a in zip(said, actual)])
    if isinstance(actual, (bool, np.bool_, str)):
        return _same_word(said, actual)
    number = _number(said)
    return bool(abs(number - float(actual)) <= within * max(abs(number), abs(float(actual))) or number == actual)


def _without_arrays(value):
    """An array as the list of its numbers; one without a dimension is a number."""
    return value.tolist() if isinstance(value, np.ndarray) else value


def _same_word(said, actual):
    if isinstance(actual, str) != isinstance(said, str):
        raise NoFormula(f"{'a word in quotes' if isinstance(actual, str) else 'True or False'} is asked for, got {said!r}")
    return str(said).strip().lower() == str(actual).strip().lower()


def _words(said):
    if isinstance(said, str):
        said = said.split(",")
    if not isinstance(said, (set, frozenset, list, tuple)):
        raise NoFormula(f"several names are asked for, as in {{\"W[1]\", \"b[1]\"}}, got {said!r}")
    return {str(word).replace(" ", "") for word in said} - {""}


def _number(said):
    try:
        if isinstance(said, (str, bool)):
            raise TypeError
        return float(said)
    except (TypeError, ValueError, OverflowError):
        raise NoFormula(f"a number is asked for, got {said!r}") from None


def _same_slip(said, slip, within):
    try:
        return _agree(said, slip, within)
    except NoFormula:
        return False


def _shown(value):
    value = _without_arrays(value)
    if isinstance(value, (set, frozenset)):
        return ", ".join(sorted(map(str, value))) or "none"
    if isinstance(value, (tuple, list)):
        return "(" + ", ".join(map(_shown, value)) + ")"
    if isinstance(value, (bool, np.bool_, str)):
        return str(value)
    if isinstance(value, sp.Basic):
        return plain(value)
    return f"{float(value):.6g}" if isinstance(value, (int, float, np.number)) else str(value)


# Find the bug ------------------------------------------------------------------------------------------------------------


def find_bug(program, line, cause, passes, number=""):
    """Say whether `line` and `cause` name the fault of `program`: is it healed when that cause is undone in that line?

    program  a function with one planted fault
    line     the number of the wrong line, 1 being the `def`, or its text; `...` stands for "not answered yet"
    cause    one of the words of `cures.CAUSES`
    passes   passes(program) -> truthy if it is right, such as a report of `gradient_check`

    Prints a short text and returns nothing.
    """
    record = book.of("find the bug", number or program.__name__)
    book.tell(record, f"{line!r} {cause!r}", _found(program, line, cause, passes))


def _found(program, line, cause, passes):
    if line is ... or cause is ... or line is None or cause is None:
        return Reply(OPEN, "No answer yet. One line is wrong. Find it with the check, then put its number (1 is the `def`) and "
                           "the cause in place of the dots. The causes:\n" + cures.listed(), lambda: [_report(program, passes)])
    try:
        patient = cures.patient_of(program, passes)
        place, word = patient.line(line), cures.cause(cause)
    except cures.NoCure as error:
        return Reply(WRONG, f"This cannot be tried: {error}")
    if patient.healed(place, word):
        return Reply(RIGHT, f"Right. {cures.CAUSES[word][0].upper()}{cures.CAUSES[word][1:]}; with that undone in line "
                            f"{place}, the check passes:\n    was  {patient.text(place)}\n    now  {patient.now(place, word)}")
    return Reply(WRONG, _near_miss(patient, place, word), lambda: [_report(program, passes), *_where(patient)])


def _near_miss(patient, place, word):
    found = patient.cures()
    if any(at == place for at, _ in found):
        return f"Not yet. Line {place} is the right line, but undoing \"{word}\" in it does not heal the program."
    if any(name == word for _, name in found):
        return f"Not yet. The cause is right, but it sits in another line than line {place}: {patient.text(place)}"
    return f"Not yet. Undoing \"{word}\" in line {place} ({patient.text(place)}) does not make the check pass."


def _report(program, passes):
    try:
        told = passes(program)
    except Exception as error:  # a planted fault may well raise
        told = f"{type(error).__name__}: {error}"
    lines = str(told).splitlines()
    return "the check says\n" + "\n".join("    " + line for line in lines)


def _where(patient):
    lines = sorted({place for place, _ in patient.cures()})
    if not lines:
        return []
    first, last = max(2, lines[0] - 1), min(len(patient.lines), lines[-1] + 1)
    return [f"the fault is in one of the lines {first} to {last}", f"it is line {lines[0]}: {patient.text(lines[0])}"]


# Progress ----------------------------------------------------------------------------------------------------------------


def progress(keep=None):
    """Print which exercises of this session are solved.

    keep   the name of a file, if you want to go on another day or in another notebook: what was solved is read from it and
           written to it. Without it nothing is read or written, and nothing ever leaves this machine. A file that
           holds anything else is left as it is: ValueError.
    """
    done = {tuple(entry) for entry in _read(keep)} | {key for key, record in book.items() if record.state == RIGHT}
    if keep is not None:
        Path(keep).write_text(json.dumps(sorted(map(list, done))), encoding="utf-8")
    for key in sorted(done - book.keys(), key=_by_number):
        print(f"{key[1]:<5} {key[0]:<14} {RIGHT}")
    for key, record in book.items():
        print(f"{record.number:<5} {record.kind:<14} {RIGHT if key in done else record.state}")
    total = len(book.keys() | done)
    print(f"{len(done)} of {total} solved." if total else "No exercise has been run yet.")


def solved(number):
    """Has the exercise of this number, such as "1.3", been solved in this session? For a grader."""
    return any(record.state == RIGHT for (_, name), record in book.items() if name == number)


def _read(keep):
    if keep is None or not Path(keep).exists():
        return []
    try:
        found = json.loads(Path(keep).read_text(encoding="utf-8"))
    except ValueError:
        found = None
    if not isinstance(found, list) or any(not isinstance(e, list) or [*map(type, e)] != [str, str] for e in found):
        raise ValueError(f"{keep} does not hold what progress has written: choose another name, this file is left as it is")
    return found


def _by_number(key):
    """1.2 before 1.10; a word counts as 0."""
    return [int(part or 0) for part in re.split(r"\D+", key[1])], key


