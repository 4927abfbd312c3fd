"""What the routing rules may look at: plain facts of one visit, no names and no ids."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

PrivacyClass = Literal["standard", "maximum"]
Profile = Literal["kbv", "hipaa", "gdpr"]

# Why the media server takes no further visit now (REL-11); "" when it does.
ServerRefusal = Literal["", "sfu_full", "sfu_draining"]
# Where a recording is, or would be, made.
Recording = Literal["", "client", "server"]
# What the practitioner and the patient said in this visit to going through the media server.
ServerConsent = Literal["unasked", "yes", "no"]
# What was measured or reported of the paths (switching.py); "" when nothing asks for a change.
Evidence = Literal["", "server_better", "direct_failed", "direct_good", "server_failed"]

PRIVACY_CLASSES: tuple[PrivacyClass, ...] = ("standard", "maximum")
PROFILES: tuple[Profile, ...] = ("kbv", "hipaa", "gdpr")
SERVER_REFUSALS: tuple[ServerRefusal, ...] = ("", "sfu_full", "sfu_draining")
RECORDINGS: tuple[Recording, ...] = ("", "client", "server")
SERVER_CONSENTS: tuple[ServerConsent, ...] = ("unasked", "yes", "no")
EVIDENCE: tuple[Evidence, ...] = ("", "server_better", "direct_failed", "direct_good", "server_failed")

# Share of what the server may carry beyond which nobody is moved to it only to be seen better: the rest of it is for
# visits that cannot do without. Lower: fewer rescued pictures, more room for groups.
BUSY_PERCENT = 80


@dataclass(frozen=True, slots=True)
class Facts:
    """One visit at one moment.

    `participants` counts the people who would exchange media: for an admission ask with the
    newcomer already counted. `seats` counts the people who may still come. `on_server`: the visit's media go through
    the server at this moment; `server_refusal` is about visits that do not. `browsers_encrypt`: every browser there
    encrypts frames with keys the server never has (RFC 9605).
    """

    participants: int
    seats: int = 2
    visit_is_group: bool = False
    privacy_class: PrivacyClass = "standard"
    profile: Profile = "gdpr"
    recording: Recording = ""
    ai_active: bool = False
    relay_only_by_clinic: bool = False
    relay_only_by_patient: bool = False
    turn_available: bool = True
    sfu_available: bool = False
    server_refusal: ServerRefusal = ""
    server_load_percent: int = 0
    on_server: bool = False
    browsers_encrypt: bool = False
    server_consent: ServerConsent = "unasked"
    evidence: Evidence = ""

    def __post_init__(self) -> None:
        if self.participants < 0 or self.seats < 0 or self.server_load_percent < 0:
            raise ValueError("people and load are counted from zero")
        for value, known, name in (
            (self.privacy_class, PRIVACY_CLASSES, "privacy class"),
            (self.profile, PROFILES, "regulatory profile"),
            (self.server_refusal, SERVER_REFUSALS, "refusal of the media server"),
            (self.recording, RECORDINGS, "place of a recording"),
            (self.server_consent, SERVER_CONSENTS, "answer"),
            (self.evidence, EVIDENCE, "evidence"),
        ):
            if value not in known:
                raise ValueError(f"unknown {name}")

    @property
    def relay_only(self) -> bool:
        return self.relay_only_by_clinic or self.relay_only_by_patient

    @property
    def sfu_is_blind(self) -> bool:
        """True when the server passes on what it cannot read: a recorder and an AI have keys, and stand beside it."""
        return self.browsers_encrypt and not self.recording and not self.ai_active

    @property
    def server_may_not_listen(self) -> bool:
        """True where no server may ever hold the clear media (KBV Annex 31b §2; PRIV-1)."""
        return self.profile == "kbv" or self.privacy_class == "maximum"

    @property
    def needs_server(self) -> bool:
        """True when two browsers alone cannot carry this visit."""
        return self.participants > 2 or bool(self.recording) or self.ai_active

    @property
    def server_is_full(self) -> bool:
        """True when the server would have to take this visit in and does not. A visit that is on it stays."""
        return bool(self.server_refusal) and not self.on_server

    @property
    def server_must_be_blind(self) -> bool:
        return self.server_may_not_listen and not self.sfu_is_blind

    @property
    def server_lacks_yes(self) -> bool:
        """True where nothing goes through the server before both people said yes to it in this visit, whatever for."""
        return self.privacy_class == "maximum" and self.server_consent != "yes"

    @property
    def move_asks(self) -> bool:
        """True where a move for quality asks first (PRIV-8), and where it would let the server read what it could not before."""
        return self.server_may_not_listen or not self.sfu_is_blind

    @property
    def move_lacks_yes(self) -> bool:
        return self.move_asks and self.server_consent != "yes"

    @property
    def server_is_possible(self) -> bool:
        blocked = self.server_is_full or self.server_must_be_blind or self.server_lacks_yes
        return self.sfu_available and not blocked

    @property
    def server_is_busy(self) -> bool:
        return self.server_load_percent >= BUSY_PERCENT and not self.on_server

    @property
    def asks_for_server(self) -> bool:
        """True when the direct path is so bad that the server is wanted, and the server would take the visit."""
        wanted = self.evidence == "direct_failed" or (self.evidence == "server_better" and not self.server_is_busy)
        return wanted and self.server_is_possible

    @property
    def moves_to_server(self) -> bool:
        return self.asks_for_server and not self.move_lacks_yes

    @property
    def stays_on_server(self) -> bool:
        back = self.evidence in ("direct_good", "server_failed")
        return self.on_server and not back and self.server_is_possible

    @property
    def begins_on_server(self) -> bool:
        return self.visit_is_group and self.evidence != "server_failed" and self.server_is_possible

    @property
    def by_server(self) -> bool:
        """True when the media go through the server if nothing refuses it."""
        return self.needs_server or self.moves_to_server or self.stays_on_server or self.begins_on_server
