"""How much of what is drawn or listed a quick run tries: the same few every time."""

import os

import pytest
from hypothesis import settings

# Fifty times as many, and new ones, with HYPOTHESIS_PROFILE=long.
settings.register_profile("quick", max_examples=20, derandomize=True, deadline=None, database=None)
settings.register_profile("long", max_examples=1_000, deadline=None, database=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))
TIMES = settings().max_examples//20  # 1 in the quick run


def one_in(step, cases, again=None):
    """The parameters of a test: the first of so many cases and so on; of those left out, one in
    `again` with -m again, the rest with -m long."""
    return [row(case, None if place % step == 0 else
                "long" if again is None or place % again else "again")
            for place, case in enumerate(cases)]


def first_of_each(kind, cases):
    """The parameters of a test: the first case of each kind; the others with -m again."""
    seen = set()
    return [row(case, "again" if kind(case) in seen else seen.add(kind(case))) for case in cases]


def row(case, mark):
    return pytest.param(*(case if isinstance(case, tuple) else [case]),
                        marks=[getattr(pytest.mark, mark)] if mark else [])
