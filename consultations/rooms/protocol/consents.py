"""What people say about being captured: each for themselves, and the practitioner's one button."""

from dataclasses import dataclass
from typing import Final

from consultations.rooms.protocol.fields import Fields

PURPOSES: Final = frozenset({"recording", "combined", "transcript", "ai_note", "stills"})
DECISIONS: Final = frozenset({"granted", "refused", "withdrawn"})
CAPACITIES: Final = frozenset({"self", "guardian", "carer"})
RECORDING_ACTIONS: Final = frozenset({"request", "stop"})
_MAX_VERSION: Final = 10_000


@dataclass(frozen=True, slots=True)
class Consent:
    """`version`: of the text that was on the screen, needed for a yes. `capacity`: in which this person decides (CLIN-5)."""

    id: str
    purpose: str
    decision: str
    version: int = 0
    capacity: str = "self"

    @property
    def ends_capture(self) -> bool:
        return self.decision != "granted"


@dataclass(frozen=True, slots=True)
class Recording:
    id: str
    action: str


def read_consent(fields: Fields) -> Consent:
    decision = fields.choice("decision", DECISIONS)
    said = decision == "granted"
    return Consent(
        id=fields.request_id(),
        purpose=fields.choice("purpose", PURPOSES),
        decision=decision,
        version=fields.number("version", 1, _MAX_VERSION) if said else 0,
        capacity="self" if fields.is_missing("capacity") else fields.choice("capacity", CAPACITIES),
    )


def read_recording(fields: Fields) -> Recording:
    return Recording(fields.request_id(), fields.choice("action", RECORDING_ACTIONS))
