"""What one viewer may see of a room, as JSON (docs/PROTOCOL.md "State"). Pure shape: facts in, dictionary out."""

from datetime import UTC, datetime
from typing import Any

from consultations.rooms.capture import Present, Verdict, may_capture
from consultations.rooms.encryption import frame_encryption
from consultations.rooms.facts import Person, RoomFacts
from consultations.rooms.lifecycle import ADMITTED, ENDED, LIVE, may_return_until
from consultations.rooms.protocol.talk import RECORDER
from consultations.rooms.signaling import Viewer
from media_routing.api import NOTHING_SHOWN, Shown

ACTIVE = "active"


def iso(moment: datetime | None) -> str | None:
    """ISO 8601 in UTC with milliseconds and Z, as JavaScript writes it."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def build_snapshot(
    facts: RoomFacts,
    viewer_id: str,
    *,
    device_state: str = ACTIVE,
    join: dict[str, Any] | None = None,
    refusal: dict[str, str] | None = None,
    asks: list[dict[str, Any]] | None = None,
    switching: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the room as `viewer_id` may see it. `join`, `refusal`, `asks` and `switching` are kept for admitted people only
    (CLIN-2); `switching` is `move` and `advice`."""
    me = facts.person(viewer_id)
    inside = me.state == ADMITTED and device_state == ACTIVE
    room: dict[str, Any] = {
        "code": facts.code,
        "state": facts.state,
        # What was decided is between the patient and the practice.
        "outcome": facts.outcome if facts.state == ENDED and me.role in ("patient", "practitioner") else "",
        "starts_at": iso(facts.starts_at),
        "ends_at": iso(facts.ends_at),
        "live_at": iso(facts.live_at) if inside else None,
        "zone": facts.zone,
        "clinic": {
            "name": facts.clinic_name,
            "phone": facts.clinic_phone,
            "emergency_number": facts.emergency_number,
        },
        "refusal": refusal if inside else None,
        "move": (switching or {}).get("move") if inside else None,
        "advice": (switching or {}).get("advice") if inside else None,
        "frame_encryption": frame_encryption(facts.people),
        "language": _language(facts),
        "recording": _recording(facts) if inside else None,
        "recorder": _recorder(facts) if inside else None,
        "may_record": facts.may_record if inside else False,
    }
    return {
        "room": room,
        "me": {
            "id": me.id,
            "role": me.role,
            "name": me.name if device_state == ACTIVE else "",
            "state": me.state,
            "device_state": device_state,
            "may_return_until": iso(may_return_until(me.state, me.admitted_at, me.left_at)),
            "consents": me.consents if inside else {},
            "asks": (asks or []) if inside else [],
        },
        "join": join if inside and facts.state == LIVE else None,
        "participants": _participants(facts, me, inside),
    }


def build_viewer(
    facts: RoomFacts, viewer_id: str, *, page: str, device_state: str = ACTIVE, shown: Shown = NOTHING_SHOWN
) -> Viewer:
    """Return what a socket of `viewer_id` may do. Peers are the other admitted people."""
    me = facts.person(viewer_id)
    return Viewer(
        participant=me.id,
        role=me.role,
        state=me.state,
        page=page,
        device_active=device_state == ACTIVE,
        room_state=facts.state,
        peers=frozenset(person.id for person in admitted_people(facts) if person.id != me.id),
        hide_addresses=facts.hide_addresses,
        route=facts.route,
        recorder=recorder_page(facts) is not None,
        warm=shown.warm,
    )


def admitted_people(facts: RoomFacts) -> list[Person]:
    return [person for person in facts.people if person.state == ADMITTED]


def recording_verdict(facts: RoomFacts) -> Verdict:
    return may_capture("recording", [Present(person.id, person.consents) for person in admitted_people(facts)])


def _recording(facts: RoomFacts) -> dict[str, Any] | None:
    """The same for everybody: who is recorded must see it, and on whom it waits."""
    if facts.recording is None:
        return None
    return {
        "state": facts.recording.state,
        "since": iso(facts.recording.since),
        "waiting_for": list(recording_verdict(facts).undecided),
    }


def recorder_page(facts: RoomFacts) -> str | None:
    """Return the recorder's page while everybody who is inside wants to be recorded, else None."""
    recording = facts.recording
    if recording is None or recording.state != "running" or facts.route != "sfu" or not recording_verdict(facts).ok:
        return None
    return recording.page


def _recorder(facts: RoomFacts) -> dict[str, Any] | None:
    """Somebody who is there while it is recorded: pages wrap their keys for this page."""
    page = recorder_page(facts)
    return {"id": RECORDER, "page": page, "server": True} if page else None


def _language(facts: RoomFacts) -> str:
    """The visit's: the patient's. Everybody compares words of one list."""
    return next((person.language for person in facts.people if person.role == "patient"), "en")


def _participants(facts: RoomFacts, me: Person, inside: bool) -> list[dict[str, Any]]:
    others = [person for person in facts.people if person.id != me.id]
    if not inside:
        return [
            {
                "role": person.role,
                "name": person.name,
                "registration": person.registration,
                "present": bool(person.page),
            }
            for person in others
            if person.role == "practitioner"
        ]
    if me.role == "practitioner":
        return [_known(person) | _for_practitioner(person) for person in others]
    return [_known(person) for person in others if person.state == ADMITTED]


def _known(person: Person) -> dict[str, Any]:
    return {
        "id": person.id,
        "role": person.role,
        "name": person.name,
        "registration": person.registration,
        "state": person.state,
        "present": bool(person.page),
        "kind": person.kind,
        "page": person.page or None,
        "consents": person.consents,
    }


def _for_practitioner(person: Person) -> dict[str, Any]:
    details = person.details
    return {
        "language": person.language,
        "birth_date": person.birth_date.isoformat() if person.birth_date else None,
        "waiting_since": iso(person.arrived_at),
        "device_check": person.device_check,
        "identity_outcome": person.identity_outcome,
        "relay_only": person.relay_only,
        "details": {**details, "confirmed_at": iso(details["confirmed_at"])} if details else None,
        "asking_devices": [
            {"id": device.id, "label": device.label, "since": iso(device.since)} for device in person.asking_devices
        ],
    }
