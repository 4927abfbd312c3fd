"""When somebody may have a copy of what was recorded of them. Pure: the rows are the caller's, so is the time."""

from datetime import datetime, timedelta
from typing import Final

ASKED: Final = "asked"
GRANTED: Final = "granted"
REFUSED: Final = "refused"

# How long a copy can be fetched; longer: more time for somebody who is ill, and for whoever finds their phone.
GOOD_FOR: Final = timedelta(days=14)


def good_until(decided_at: datetime, keep_until: datetime | None, *, on_hold: bool) -> datetime:
    """Return how long a copy that is given now can be fetched: never longer than the recording is kept."""
    until = decided_at + GOOD_FOR
    return until if keep_until is None or on_hold else min(until, keep_until)


def standing(state: str, until: datetime | None, now: datetime) -> str:
    """Return asked, ready, over or refused: what a request is worth now."""
    if state == GRANTED:
        return "ready" if until is not None and now < until else "over"
    return state
