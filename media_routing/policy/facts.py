"""What the routing rules may look at: plain facts of one visit, no names and no ids."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

PrivacyClass = Literal["standard", "maximum"]
Profile = Literal["kbv", "hipaa", "gdpr"]

# Why the media server takes no further visit now (REL-11); "" when it does.
ServerRefusal = Literal["", "sfu_full", "sfu_draining"]

PRIVACY_CLASSES: tuple[PrivacyClass, ...] = ("standard", "maximum")
PROFILES: tuple[Profile, ...] = ("kbv", "hipaa", "gdpr")
SERVER_REFUSALS: tuple[ServerRefusal, ...] = ("", "sfu_full", "sfu_draining")


@dataclass(frozen=True, slots=True)
class Facts:
    """One visit at one moment.

    `participants` counts the people who would exchange media: for an admission ask with the
    newcomer already counted. `seats` counts the people who may still come. `on_server`: the visit's media go through
    the server at this moment; `server_refusal` is about visits that do not.
    """

    participants: int
    seats: int = 2
    visit_is_group: bool = False
    privacy_class: PrivacyClass = "standard"
    profile: Profile = "gdpr"
    recording: bool = False
    ai_active: bool = False
    relay_only_by_clinic: bool = False
    relay_only_by_patient: bool = False
    turn_available: bool = True
    sfu_available: bool = False
    server_refusal: ServerRefusal = ""
    on_server: bool = False
    sfu_is_blind: bool = False  # frames are encrypted with keys the server never has (RFC 9605)

    def __post_init__(self) -> None:
        if self.participants < 0 or self.seats < 0:
            raise ValueError("people are counted from zero")
        if self.privacy_class not in PRIVACY_CLASSES:
            raise ValueError("unknown privacy class")
        if self.profile not in PROFILES:
            raise ValueError("unknown regulatory profile")
        if self.server_refusal not in SERVER_REFUSALS:
            raise ValueError("unknown refusal of the media server")

    @property
    def relay_only(self) -> bool:
        return self.relay_only_by_clinic or self.relay_only_by_patient

    @property
    def server_may_not_listen(self) -> bool:
        """True where no server may ever hold the clear media (KBV Annex 31b §2; PRIV-1)."""
        return self.profile == "kbv" or self.privacy_class == "maximum"

    @property
    def needs_server(self) -> bool:
        """True when two browsers alone cannot carry this visit."""
        return self.participants > 2 or self.recording or self.ai_active

    @property
    def server_is_full(self) -> bool:
        """True when the server would have to take this visit in and does not. A visit that is on it stays."""
        return bool(self.server_refusal) and not self.on_server

    @property
    def server_must_be_blind(self) -> bool:
        return self.server_may_not_listen and not self.sfu_is_blind

    @property
    def by_server(self) -> bool:
        """True when the media go through the server if nothing is in the way: needed, begun there, or meant for more than two."""
        possible = self.sfu_available and not self.server_is_full and not self.server_must_be_blind
        return self.needs_server or ((self.visit_is_group or self.on_server) and possible)
