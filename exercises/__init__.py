"""Exercises that answer back: `check` a derived formula, `predict` before you run, `find_bug`, the
wrong line of a program, `progress`; for a grader `solved` and `credit`.

Nothing raises at a reader, and no right answer is stored: a formula is held against what the
definitions come to, a prediction against what the cell computes, the cause of a bug against what
the program does without it.
"""

from exercises.check import check
from exercises.find_bug import find_bug
from exercises.guess import predict
from exercises.progress import credit, progress, solved

__all__ = ["check", "credit", "find_bug", "predict", "progress", "solved"]
