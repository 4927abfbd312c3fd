"""The life of an appointment as a table. Pure: no clock, no database.

booked ──> arrived ──> in_visit ──> completed
   │ └───────┼──────────^ │ ^           ^
   │         │            └─┘ (arrived again after everybody left)
   └─────────┴──> no_show, cancelled, completed (settled without a video visit)
"""

from typing import Final

BOOKED: Final = "booked"
ARRIVED: Final = "arrived"
IN_VISIT: Final = "in_visit"
COMPLETED: Final = "completed"
NO_SHOW: Final = "no_show"
CANCELLED: Final = "cancelled"

TRANSITIONS: Final[dict[str, frozenset[str]]] = {
    BOOKED: frozenset({ARRIVED, IN_VISIT, COMPLETED, NO_SHOW, CANCELLED}),
    # Back to booked: the patient closed the waiting room before anybody saw them.
    ARRIVED: frozenset({BOOKED, IN_VISIT, COMPLETED, NO_SHOW, CANCELLED}),
    IN_VISIT: frozenset({ARRIVED, COMPLETED}),
    COMPLETED: frozenset(),
    NO_SHOW: frozenset(),
    CANCELLED: frozenset(),
}
# These keep the practitioner's time; the database refuses two of them that overlap (rules.py).
BLOCKING: Final = (BOOKED, ARRIVED, IN_VISIT)
# May still move to another time, or to another practitioner.
MOVABLE: Final = (BOOKED, ARRIVED)


class IllegalTransition(Exception):
    """The table has no such step. Carries both states for the sentence that the person reads."""

    def __init__(self, old: str, new: str) -> None:
        super().__init__(f"{old} -> {new}")
        self.old, self.new = old, new


def check_transition(old: str, new: str) -> None:
    """Raise IllegalTransition unless `old` may become `new`; an unknown state raises KeyError (a bug)."""
    if new not in TRANSITIONS:
        raise KeyError(new)
    if new not in TRANSITIONS[old]:
        raise IllegalTransition(old, new)


def is_final(status: str) -> bool:
    """Return whether nothing can follow."""
    return not TRANSITIONS[status]
