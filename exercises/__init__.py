"""Exercises that answer back: a formula of your own, a guess before you run, a bug to find, and how far you are."""

from exercises.check import check, find_bug, predict, progress, solved

__all__ = ["check", "find_bug", "predict", "progress", "solved"]
