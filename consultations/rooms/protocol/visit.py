"""What a page asks of the visit: to be there, to let people in and out, to end it."""

import re
from dataclasses import dataclass
from typing import Final

from consultations.rooms.protocol.fields import MAX_SEQ, PAGE_PATTERN, Fields, ProtocolError

VERSION: Final = 1

IDENTITIES: Final = frozenset({"confirmed", "known", "not_confirmed"})
OUTCOMES: Final = frozenset(
    {"done", "follow_up", "referral", "prescription", "crisis_plan", "not_reached", "technical"}
)
REMOVE_REASONS: Final = frozenset({"wrong_person", "not_invited", "behaviour", "other"})
GUEST_ROLES: Final = frozenset({"relative", "interpreter", "chaperone", "colleague"})
MAX_NAME_CHARS: Final = 150
MAX_CONTACT_CHARS: Final = 254
_LANGUAGE = re.compile(r"([a-z]{2,3})?")


@dataclass(frozen=True, slots=True)
class Hello:
    page: str
    rev: int


@dataclass(frozen=True, slots=True)
class Ping:
    rev: int


@dataclass(frozen=True, slots=True)
class IceServers:
    id: str


@dataclass(frozen=True, slots=True)
class Leave:
    id: str


@dataclass(frozen=True, slots=True)
class Admit:
    """`accept_unencrypted`: the practitioner lets somebody in whose browser cannot encrypt frames (PRIV-2)."""

    id: str
    participant: str
    identity: str
    accept_unencrypted: bool = False


@dataclass(frozen=True, slots=True)
class AdmitDevice:
    id: str
    participant: str
    device: str


@dataclass(frozen=True, slots=True)
class Remove:
    id: str
    participant: str
    reason: str


@dataclass(frozen=True, slots=True)
class Finish:
    id: str
    outcome: str


@dataclass(frozen=True, slots=True)
class Invite:
    """`language` '' is the one that the role usually reads; `contact` an e-mail address, a phone number, or ''."""

    id: str
    role: str
    name: str
    language: str
    contact: str


def read_hello(fields: Fields) -> Hello:
    try:
        fields.number("v", VERSION, VERSION)
    except ProtocolError:
        raise ProtocolError("bad_message", fatal=True) from None
    return Hello(page=fields.text("page", PAGE_PATTERN), rev=fields.number("rev", 0, MAX_SEQ))


def read_invite(fields: Fields) -> Invite:
    name = fields.text("name", limit=MAX_NAME_CHARS).strip()
    if not name:
        raise ProtocolError("bad_field")
    return Invite(
        id=fields.request_id(),
        role=fields.choice("role", GUEST_ROLES),
        name=name,
        language=fields.text("language", _LANGUAGE),
        contact=(fields.optional_text("contact", limit=MAX_CONTACT_CHARS) or "").strip(),
    )
