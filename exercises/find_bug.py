"""Find the bug: one line of a program is wrong; which one, and what is the matter with it?"""

from exercises.progress import OPEN, RIGHT, WRONG, Reply, book
from gradcheck import repair


def find_bug(program, line, cause, passes, number=""):
    """Say whether `line` and `cause` name the fault of `program`: does it pass its check when that cause is undone there?

    Parameters
    ----------
    program : function
        With one planted fault.
    line : int or str
        The number of the wrong line, 1 being the `def`, or its text; `...` stands for "not answered yet".
    cause : str
        One of the words of `gradcheck.repair.CAUSES`.
    passes : callable
        passes(program) is true if it is right, as a report of `gradient_check` is.
    number : str
        The number of the exercise.

    Prints a short text and returns nothing.
    """
    record = book.of("find the bug", number or program.__name__)
    book.tell(record, f"{line!r} {cause!r}", _reply(program, line, cause, passes))


def _reply(program, line, cause, passes):
    if any(answer is ... or answer is None for answer in (line, cause)):
        return Reply(OPEN, "No answer yet. One line is wrong. Find it with the check, then put its number (1 is the `def`) and "
                           "the cause in place of the dots. The causes:\n" + repair.listed(), lambda: [_report(program, passes)])
    try:
        patient = repair.patient_of(program, passes)
        place, word = patient.line(line), repair.cause(cause)
    except repair.NoCure as error:
        return Reply(WRONG, f"This cannot be tried: {error}")
    if patient.healed(place, word):
        said = repair.CAUSES[word]
        return Reply(RIGHT, f"Right. {said[0].upper()}{said[1:]}; with that undone in line {place}, the check passes:\n"
                            f"    was  {patient.text(place)}\n    now  {patient.now(place, word)}")
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
    return "\n".join(["the check says", *(f"    {line}" for line in str(told).splitlines())])


def _where(patient):
    lines = sorted({place for place, _ in patient.cures()})
    if not lines:
        return []
    first, last = max(2, lines[0] - 1), min(len(patient.lines), lines[-1] + 1)
    return [f"the fault is in one of the lines {first} to {last}", f"it is line {lines[0]}: {patient.text(lines[0])}"]
