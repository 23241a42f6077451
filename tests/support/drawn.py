"""How many examples hypothesis draws: the same few in every quick run, fifty times as many and new
ones with HYPOTHESIS_PROFILE=long.
"""

import os

from hypothesis import settings

settings.register_profile("quick", max_examples=20, derandomize=True, deadline=None, database=None)
settings.register_profile("long", max_examples=1_000, deadline=None, database=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))
TIMES = settings().max_examples//20  # 1 in the quick run
