"""How much of what is drawn or listed a quick run tries: the same few every time."""

import os

import pytest
from hypothesis import settings

# Fifty times as many, and new ones, with HYPOTHESIS_PROFILE=long.
settings.register_profile("quick", max_examples=20, derandomize=True, deadline=None, database=None)
settings.register_profile("long", max_examples=1_000, deadline=None, database=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))
TIMES = settings().max_examples//20  # 1 in the quick run


def one_in(step, cases):
    """The parameters of a test: the first of so many cases and so on; the others with -m long."""
    return [pytest.param(*(case if isinstance(case, tuple) else [case]),
                         marks=[pytest.mark.long] if place % step else [])
            for place, case in enumerate(cases)]
