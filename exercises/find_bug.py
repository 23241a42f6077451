"""Find the bug: one line of a program is wrong; which one, and what is the matter with it?"""

from exercises.progress import OPEN, RIGHT, WRONG, Reply, Unclear, book, chosen
from gradcheck import MISTAKES, FaultError, find_fault

CAUSES = ", ".join(MISTAKES)
NOT_YET = ("No answer yet. One line is wrong: find it with the check, then put its number (1 is "
           "the `def`) and its cause in place of the dots. The cause is one of these words: "
           f"{CAUSES}.")


def find_bug(program, line, cause, passes, number=""):
    """Say whether `line` and `cause` name the fault: does the check pass when it is undone there?

    Parameters
    ----------
    program : function
        With one planted fault.
    line : int or str
        The number of the wrong line, 1 being the `def`, or its text; `...` for "no answer yet".
    cause : str
        One of the words of `gradcheck.MISTAKES`.
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
        return Reply(OPEN, NOT_YET, lambda: [f"the causes\n{listed()}", _report(program, passes)])
    try:
        word = chosen(cause, MISTAKES, f"the causes {CAUSES}")
        fault = find_fault(program, passes)
        place = _line(line, fault)
    except (FaultError, Unclear) as error:
        return Reply(WRONG, f"This cannot be tried: {error}")
    text, said = fault.lines[place - 1].strip(), MISTAKES[word]
    here = [remedy for remedy in fault.remedies if remedy.line == place]
    like_it = [remedy for remedy in fault.remedies if remedy.mistake == word]
    for remedy in here:
        if remedy in like_it:
            return Reply(RIGHT, f"Right. {said[0].upper()}{said[1:]}; with that undone in line "
                                f"{place}, the check passes:\n"
                                f"    was  {remedy.was}\n    now  {remedy.now}")
    told = (f'Line {place} is the right line, but undoing "{word}" in it does not heal the program.'
            if here else
            f"The cause is right, but it sits in another line than line {place}: {text}"
            if like_it else f'Undoing "{word}" in line {place} ({text}) does not make the check '
                            "pass.")
    return Reply(WRONG, f"Not yet. {told}",
                 lambda: [_report(program, passes), *_where(fault)], bool(here or like_it))


def listed():
    """The causes, one a line, each with what it means."""
    return "\n".join(f'  "{word}"{" " * (11 - len(word))}{meaning}'
                     for word, meaning in MISTAKES.items())


def _line(given, fault):
    """The number of a line from its number or its text."""
    text = "".join(str(given).split())
    hits = [p for p, line in enumerate(fault.lines, 1) if str(p) == text
            or text and not text.isdecimal() and text in "".join(line.split())]
    if len(hits) != 1:
        raise Unclear(f"{fault.name} has the lines 1 to {len(fault.lines)}; {given!r} is the "
                      f"number or the text of {len(hits) or 'none'} of them")
    return hits[0]


def _report(program, passes):
    try:
        told = passes(program)
    except Exception as error:  # a planted fault may well raise
        told = f"{type(error).__name__}: {error}"
    return "\n".join(["the check says", *(f"    {line}" for line in str(told).splitlines())])


def _where(fault):
    lines = sorted({remedy.line for remedy in fault.remedies})
    if not lines:
        return []
    first, last = max(2, lines[0] - 1), min(len(fault.lines), lines[-1] + 1)
    return [f"the fault is in one of the lines {first} to {last}",
            f"it is line {lines[0]}: {fault.lines[lines[0] - 1].strip()}"]
