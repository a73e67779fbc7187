"""The rounds of tests that kill and of tests that try at random."""

import os

FACTOR = int(os.environ.get("TEST_ROUNDS", "1"))
"""How many times as many rounds as in ``pytest --all``; ``.ci/long`` asks for more."""
