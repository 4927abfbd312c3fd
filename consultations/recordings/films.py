"""The life of a combined file as a table. Pure: the caller brings what people said.

asking ──agree──▶ queued ──start──▶ running ──finish──▶ done
   │                 │   ◀──lose────┘    └────fail────▶ failed       (lose: its worker died; again, at most three times)
   └──────refuse─────┴──────refuse───────────────────▶ refused
   └──────cancel─────┴──────cancel───────────────────▶ cancelled
"""

from typing import Final

from consultations.recordings.lifecycle import IllegalStep
from consultations.rooms.capture import OK, Verdict
from consultations.rooms.capture import REFUSED as NO

ASKING: Final = "asking"
QUEUED: Final = "queued"
RUNNING: Final = "running"
DONE: Final = "done"
FAILED: Final = "failed"
CANCELLED: Final = "cancelled"
REFUSED: Final = "refused"

ACTIVE: Final = frozenset({ASKING, QUEUED, RUNNING})
MOST_ATTEMPTS: Final = 3

STEPS: Final[dict[str, dict[str, str]]] = {
    "agree": {ASKING: QUEUED},
    "start": {QUEUED: RUNNING},
    "finish": {RUNNING: DONE},
    "fail": {QUEUED: FAILED, RUNNING: FAILED},
    "lose": {RUNNING: QUEUED},
    "cancel": {ASKING: CANCELLED, QUEUED: CANCELLED, RUNNING: CANCELLED},
    "refuse": {ASKING: REFUSED, QUEUED: REFUSED, RUNNING: REFUSED},
}


def next_state(state: str, event: str) -> str:
    """Return the state after `event`; raise IllegalStep. An unknown event is a bug (KeyError)."""
    row = STEPS[event]
    if state not in row:
        raise IllegalStep(f"{event} in {state}")
    return row[state]


def event_for(state: str, verdict: Verdict) -> str:
    """Return what the people who are in it make of it: agree, refuse, or '' for no change."""
    if state not in ACTIVE:
        return ""
    if verdict.word == NO:
        return "refuse"
    return "agree" if verdict.word == OK and state == ASKING else ""
