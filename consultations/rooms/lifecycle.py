"""The lives of a room and of a seat as tables. Pure: no clock, no database; the caller brings the times.

Room                                          Seat
    scheduled ──open──▶ open ──go_live──▶ live      invited ──redeem──▶ preparing ──wait──▶ waiting ──admit──▶ admitted
        │                │                 │            └──────────────enter (staff)──────────────────────────────▶┤
        └──────end───────┴───────end───────┴▶ ended         left ◀──leave── (preparing, waiting, admitted) ◀───────┘
                                                            left ──come_back──▶ admitted      (soon, same device)
                                                            left ──wait──▶ waiting            (later: admitted again)
                                                            any  ──remove──▶ removed
A lost connection is no event here: it changes who is present, never a state.
"""

from datetime import datetime, timedelta
from typing import Final

# Room states and events
SCHEDULED: Final = "scheduled"
OPEN: Final = "open"
LIVE: Final = "live"
ENDED: Final = "ended"

# Seat states
INVITED: Final = "invited"
PREPARING: Final = "preparing"
WAITING: Final = "waiting"
ADMITTED: Final = "admitted"
LEFT: Final = "left"
REMOVED: Final = "removed"

ROOM: Final[dict[str, dict[str, str]]] = {
    "open": {SCHEDULED: OPEN, OPEN: OPEN, LIVE: LIVE},
    "go_live": {OPEN: LIVE, LIVE: LIVE},
    "end": {SCHEDULED: ENDED, OPEN: ENDED, LIVE: ENDED, ENDED: ENDED},
}

SEAT: Final[dict[str, dict[str, str]]] = {
    # Opening the link again, or on a second device, never moves a seat back.
    "redeem": {
        INVITED: PREPARING,
        PREPARING: PREPARING,
        WAITING: WAITING,
        ADMITTED: ADMITTED,
        LEFT: LEFT,
    },
    "wait": {PREPARING: WAITING, WAITING: WAITING, LEFT: WAITING},
    "admit": {WAITING: ADMITTED, ADMITTED: ADMITTED},
    "enter": {INVITED: ADMITTED, ADMITTED: ADMITTED, LEFT: ADMITTED},
    "come_back": {LEFT: ADMITTED, ADMITTED: ADMITTED},
    "leave": {PREPARING: LEFT, WAITING: LEFT, ADMITTED: LEFT, LEFT: LEFT},
    "remove": {
        INVITED: REMOVED,
        PREPARING: REMOVED,
        WAITING: REMOVED,
        ADMITTED: REMOVED,
        LEFT: REMOVED,
        REMOVED: REMOVED,
    },
}

# How long somebody who left is let straight back in (REL-4). Longer: fewer second admissions, more trust in a device
# that may have been handed on.
RETURN_WINDOW: Final = timedelta(minutes=5)


class IllegalTransition(Exception):
    """The table has no such step: an expected answer to a late or repeated click."""

    def __init__(self, state: str, event: str) -> None:
        super().__init__(f"{event} in {state}")
        self.state, self.event = state, event


def next_room_state(state: str, event: str) -> str:
    """Return the room's state after `event`; raise IllegalTransition. An unknown event is a bug (KeyError)."""
    return _next(ROOM[event], state, event)


def next_seat_state(state: str, event: str) -> str:
    """Return the seat's state after `event`; raise IllegalTransition. An unknown event is a bug (KeyError)."""
    return _next(SEAT[event], state, event)


def _next(row: dict[str, str], state: str, event: str) -> str:
    try:
        return row[state]
    except KeyError:
        raise IllegalTransition(state, event) from None


def may_return_until(state: str, admitted_at: datetime | None, left_at: datetime | None) -> datetime | None:
    """Return until when somebody who left is let straight back in; None when they never were inside, or did not leave."""
    if state != LEFT or admitted_at is None or left_at is None:
        return None
    return left_at + RETURN_WINDOW
