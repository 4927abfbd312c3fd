"""Repetition and hours (`make soak`). Each test writes docs/evidence/<name>.json with the counts that it really ran.

SOAK_SCALE shrinks every count: 1 is what requirements.md asks for, 0.05 is a try-out of minutes.
"""

import os


def scaled(full: int) -> int:
    """How many of `full` this run does; at least one."""
    return max(1, round(full * float(os.environ.get("SOAK_SCALE", "1"))))
