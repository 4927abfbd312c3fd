"""The life of a recording as a table. Pure: the caller brings the verdict and the time.

requested ──begin──▶ running ──hold──▶ held ──begin──▶ running
    │                   │               │
    └───────stop────────┴──────stop─────┘
            │
    never began ─▶ stopped (nothing was written; final)
    began       ─▶ finalising ──complete──▶ complete
                        └───────fail──────▶ failed      (what was sealed is still there)
requested, running, held, finalising ──lose──▶ truncated          (the process died: found at the next start)
"""

from typing import Final

from consultations.rooms.capture import OK, REFUSED, Verdict

REQUESTED: Final = "requested"
RUNNING: Final = "running"
HELD: Final = "held"
STOPPED: Final = "stopped"
FINALISING: Final = "finalising"
COMPLETE: Final = "complete"
TRUNCATED: Final = "truncated"
FAILED: Final = "failed"

# Somebody may be asked, or is recorded, now.
ACTIVE: Final = frozenset({REQUESTED, RUNNING, HELD})
# There is something to watch.
WATCHABLE: Final = frozenset({COMPLETE, TRUNCATED, FAILED})

STEPS: Final[dict[str, dict[str, str]]] = {
    "begin": {REQUESTED: RUNNING, HELD: RUNNING, RUNNING: RUNNING},
    "hold": {RUNNING: HELD, HELD: HELD, REQUESTED: REQUESTED},
    "stop": {
        REQUESTED: STOPPED,
        RUNNING: FINALISING,
        HELD: FINALISING,
        STOPPED: STOPPED,
        FINALISING: FINALISING,
        COMPLETE: COMPLETE,
        TRUNCATED: TRUNCATED,
        FAILED: FAILED,
    },
    "complete": {FINALISING: COMPLETE, COMPLETE: COMPLETE, TRUNCATED: TRUNCATED},
    "fail": {
        REQUESTED: FAILED,
        RUNNING: FAILED,
        HELD: FAILED,
        FINALISING: FAILED,
        FAILED: FAILED,
        TRUNCATED: TRUNCATED,
    },
    "lose": {REQUESTED: STOPPED, RUNNING: TRUNCATED, HELD: TRUNCATED, FINALISING: TRUNCATED, TRUNCATED: TRUNCATED},
}


class IllegalStep(Exception):
    """The table has no such step: an expected answer to a late or repeated click."""


def next_state(state: str, event: str) -> str:
    """Return the state after `event`; raise IllegalStep. An unknown event is a bug (KeyError)."""
    row = STEPS[event]
    if state not in row:
        raise IllegalStep(f"{event} in {state}")
    return row[state]


def event_for(state: str, verdict: Verdict, *, live: bool) -> str:
    """Return what the people who are inside now make of the recording: begin, hold, stop, or '' for no change.

    `live`: the visit goes on. A no stops; a missing answer, or nobody to talk to, pauses.
    """
    if state not in ACTIVE:
        return ""
    if not live or verdict.word == REFUSED:
        return "stop"
    event = "begin" if verdict.word == OK else "hold"
    return event if next_state(state, event) != state else ""
