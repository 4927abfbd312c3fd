"""What is hashed: the canonical JSON of one entry, and the rules for what may stand in it. Pure.

Canonical means RFC 8785 (JCS). Keys and strings are limited to printable ASCII and numbers to whole ones of 53 bits,
where sorted keys without blanks are exactly what JCS prescribes. Changing anything here needs a new FORMAT:
checkpoints that were signed over older leaves stay true for ever.
"""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime

FORMAT = 1

_EVENT = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+\Z")
_OPAQUE_ID = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")
_OBJECT = re.compile(r"([a-z][a-z0-9_]*):([A-Za-z0-9_.-]{1,64})\Z")
_KEY = re.compile(r"[a-z][a-z0-9_]{0,63}\Z")
# Codes, ids, versions, ISO times. No blank and no @: a name, an address or a sentence does not pass by accident.
_CODE = re.compile(r"[A-Za-z0-9_.:/+=-]{0,128}\Z")
_MAX_INT = 2**53 - 1
OUTCOMES = frozenset({"ok", "refused"})

Scalar = str | int | bool | None
Details = Mapping[str, Scalar | list[Scalar]]


def require_event(event: str) -> str:
    """Return an event name such as "room.admitted"; raise ValueError for another shape."""
    if len(event) > 64 or not _EVENT.match(event):
        raise ValueError(f"not an event name (noun.verb): {event!r}")
    return event


def require_opaque_id(value: str, role: str) -> str:
    """Return an id ('' allowed); raise ValueError, without showing the value, when it does not look like one."""
    if value and not _OPAQUE_ID.match(value):
        raise ValueError(f"{role} must be an opaque id")
    return value


def split_object(value: str) -> tuple[str, str]:
    """Return (kind, id) of "room:<id>", ("", "") for ''; raise ValueError, without showing it, otherwise."""
    if value == "":
        return "", ""
    match = _OBJECT.match(value)
    if match is None:
        raise ValueError("object must be '<kind>:<opaque id>'")
    return match[1], match[2]


def require_key(key: object) -> str:
    """Return a key of details; raise ValueError unless it is a snake_case name."""
    if not isinstance(key, str) or not _KEY.match(key):
        raise ValueError(f"not a key for audit details: {key!r}")
    return key


def plain_scalar(key: str, value: object) -> Scalar:
    """Return `value` as plain JSON; raise TypeError or ValueError (never showing it) when it may not be logged."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        if abs(value) > _MAX_INT:
            raise ValueError(f"details[{key!r}]: a whole number of at most 53 bits is needed")
        return int(value)
    if isinstance(value, str):
        if not _CODE.match(value):
            raise ValueError(f"details[{key!r}]: text must be a code; wrap personal values in Private")
        return str.__str__(value)  # an enum member becomes its value
    raise TypeError(f"details[{key!r}]: {type(value).__name__} cannot be logged")


def canonical_json(value: object) -> str:
    """Return the RFC 8785 form of plain data that passed the rules above."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def format_instant(instant: datetime) -> str:
    """Return an aware datetime as UTC with microseconds: 2026-11-22T17:03:46.000000Z."""
    if instant.tzinfo is None:
        raise ValueError("an aware datetime is needed")
    return instant.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def leaf_bytes(
    *,
    seq: int,
    recorded_at: datetime,
    event: str,
    actor: str,
    clinic: str,
    subject: str,
    object: str,
    outcome: str,
    details: str,
) -> bytes:
    """Return the bytes whose leaf hash stands in the entry. `details` is its canonical JSON text.

    Raises ValueError when `details` is not canonical, so that no two texts share one leaf.
    """
    parsed = json.loads(details)
    if not isinstance(parsed, dict) or canonical_json(parsed) != details:
        raise ValueError("details are not canonical JSON")
    return canonical_json(
        {
            "actor": actor,
            "clinic": clinic,
            "details": parsed,
            "event": event,
            "object": object,
            "outcome": outcome,
            "recorded_at": format_instant(recorded_at),
            "seq": seq,
            "subject": subject,
            "v": FORMAT,
        }
    ).encode()
