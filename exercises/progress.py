"""What has been answered in this session, the replies to it, and how far one is.

Nothing is kept beyond the session, unless `progress` is told a file.
"""

import inspect
import json
import linecache
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

OPEN, WRONG, RIGHT = "not answered yet", "not yet", "solved"
FOLDED = "That was the last hint. The answer is folded below the cell."


class Unclear(Exception):
    """What the reader gave cannot be compared with what is right; the message says why."""


def chosen(said, words, called):
    """The one of the words that is said, whatever its capitals. Raises Unclear."""
    known = {folded(word): word for word in words}
    if folded(said) not in known:
        near = get_close_matches(folded(said), known, 1)
        meant = f"; did you mean {known[near[0]]!r}?" if near else ""
        raise Unclear(f"{said!r} is none of {called}{meant}")
    return known[folded(said)]


def folded(word):
    return str(word).strip().lower()


@dataclass
class Reply:
    """What an exercise says to an answer; `hints` is a function that gives those that follow."""

    state: str
    text: str
    hints: Callable | None = None
    half: bool = False      # is half of the way gone?


@dataclass
class Record:
    """What is known of an exercise in this session."""

    number: str
    kind: str
    state: str = OPEN
    half: bool = False
    answer: object = None
    asked: int = 0
    cell: str = ""
    first: object = None


def running_cell():
    """The text of the cell that is run; "" where there are no cells.

    It is that of the code that runs: a kernel need not keep what was typed.
    """
    frame, main = inspect.currentframe(), vars(sys.modules["__main__"])
    while frame and not (frame.f_locals is frame.f_globals is main):
        frame = frame.f_back
    name = frame.f_code.co_filename if frame else ""
    return "" if os.path.exists(name) else "".join(linecache.getlines(name))


class Book(dict):
    """The exercises of this session by number, in the order in which they were run."""

    def of(self, kind, number):
        return self.setdefault((kind, number), Record(number, kind))

    def tell(self, record, answer, reply):
        """Print the reply, and one more hint each time the same answer is asked about again.

        A cell may hold several blanks: while one of them is being answered, those that are
        untouched use up no hint of theirs.
        """
        cell = running_cell()
        waits, edited = reply.state == OPEN and self.waits(record, cell), cell != record.cell
        record.asked = 0 if answer != record.answer else record.asked + (not waits and not edited)
        record.answer, record.cell = answer, cell
        record.half = record.half or reply.half
        if record.state != RIGHT:
            record.state = reply.state
        told = _stage(reply.hints, record.asked)
        print("\n".join([reply.text, *(told[:-1] if waits else told)]))

    def waits(self, record, cell):
        """Is another blank of the same cell to be answered before this one?"""
        todo = [r for r in self.values() if cell and r.cell == cell and r.state != RIGHT]
        return any(r.state == WRONG for r in todo) or todo[:1] not in ([], [record])


def _stage(hints, asked):
    """The hints so far, and how to come to the next."""
    if hints is None:
        return []
    if not asked:
        return ["Run the cell again for a hint."]
    every = hints()
    return [*(f"  hint {p} of {len(every)}: {hint}" for p, hint in enumerate(every[:asked], 1)),
            "Run the cell again for the next hint." if asked < len(every) else FOLDED]


book = Book()


def progress(keep=None):
    """Print which exercises of this session are solved.

    With `keep`, the name of a file, also those of another day or notebook: what was solved is read
    from it and written to it. Without it nothing is read or written, and nothing ever leaves this
    machine. A file that holds anything else is left as it is: ValueError.
    """
    kept = [] if keep is None else _read(Path(keep))
    right = [key for key, record in book.items() if record.state == RIGHT]
    done = dict.fromkeys([*kept, *right])
    if keep is not None:
        beside = Path(f"{keep}.part")  # a crash while writing leaves the old file whole
        beside.write_text(json.dumps(list(done)), encoding="utf-8")
        beside.replace(keep)
    every = dict.fromkeys([*kept, *book])
    for kind, number in every:
        state = RIGHT if (kind, number) in done else book[kind, number].state
        print(f"{number:<5} {kind:<14} {state}")
    print(f"{len(done)} of {len(every)} solved." if every else "No exercise has been run yet.")


def solved(number):
    """Has the exercise of this number, such as "1.3", been solved in this session? For a grader."""
    return credit(number) == 1


def credit(number):
    """What an exercise is worth so far, for a grader: 1 solved, 0.5 half of the way (a right line,
    not the last), or 0."""
    found = [record for (_, name), record in book.items() if name == number]
    return max((1 if record.state == RIGHT else record.half / 2 for record in found), default=0)


def _read(file):
    found = None
    with suppress(ValueError):
        found = json.loads(file.read_text(encoding="utf-8")) if file.exists() else []
    if not isinstance(found, list) or any(not isinstance(e, list) or [*map(type, e)] != [str, str]
                                          for e in found):
        raise ValueError(f"{file} does not hold what progress has written: choose another name, "
                         "this file is left as it is")
    return [tuple(entry) for entry in found]
