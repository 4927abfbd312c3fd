"""Where a patient stands on the way from the link to the visit. Pure."""

from typing import Final

from consultations.rooms.lifecycle import ADMITTED, ENDED, LEFT, REMOVED

DETAILS: Final = "details"
DEVICE_CHECK: Final = "device_check"
CONSENT: Final = "consent"
WAITING: Final = "waiting"
VISIT: Final = "visit"
AFTER: Final = "after"


def step_of(seat_state: str, room_state: str, *, details: bool, device_check: bool, consent: bool) -> str:
    """Return the first step that is not done. The booleans say which were done in this visit (CLIN-1)."""
    if room_state == ENDED or seat_state in (LEFT, REMOVED):
        return AFTER
    if seat_state == ADMITTED:
        return VISIT
    if not details:
        return DETAILS
    if not device_check:
        return DEVICE_CHECK
    return WAITING if consent else CONSENT
