"""What the patient's page is told: the visit as the link shows it, and how far this person has come."""

import time
from typing import Any

from django.conf import settings
from django.templatetags.static import static
from django.urls import reverse

from consultations.consent.access import REQUIRED_PURPOSES, current_text, is_granted, latest_decision, records_of
from consultations.consent.models import CAPTURE_PURPOSES, ConsentRecord, ConsentText, Purpose
from consultations.rooms import lifecycle, steps
from consultations.rooms.actions.links import OPENS_BEFORE
from consultations.rooms.asking import describe_text
from consultations.rooms.facts import details_of
from consultations.rooms.models import JoinLink, Participant, Room, SeatDevice
from consultations.rooms.nodes.pins import visit_socket_url
from consultations.rooms.seat_forms import fields_asked
from consultations.rooms.snapshot import iso

WORKER = "js/workers/frame_worker.js"


def describe_link(link: JoinLink, status: str) -> dict[str, Any]:
    """Return what a link shows before it is redeemed: whoever holds it may be the wrong person, so initials only."""
    seat = link.participant
    return {
        **_visit(seat, status),
        "opens_at": iso(link.valid_from),
        "language": seat.language,
        "role": seat.role,
        "person_name": " ".join(f"{word[0]}." for word in seat.name.split()[:3]),
        "kind": link.kind,
    }


def describe_seat(device: SeatDevice) -> dict[str, Any]:
    """Return the page's whole state. A device that only asks for the seat learns nothing of what was typed on the first."""
    seat = device.participant
    room = seat.room
    seated = device.state == SeatDevice.State.ACTIVE
    over = room.state == Room.State.ENDED
    consent_text, answered = _consent(seat)
    return {
        "step": _step(seat, answered) if seated else steps.WAITING,
        "device_state": device.state,
        "person": {"name": seat.name if seated else "", "language": seat.language, "role": seat.role},
        "asks": list(fields_asked(seat.role)),
        "details": _details(seat) if seated else None,
        "visit": _visit(seat, _status(room)),
        "consent": consent_text if seated else None,
        "consents": _captures(seat) if seated else [],
        "keep_stills": _keep_stills(seat) if seated else None,
        "ws_url": visit_socket_url(room, "seat"),
        "worker_url": static(WORKER),
        "relay_only": {"clinic": room.appointment.clinic.relay_only, "person": seat.relay_only},
        # What was decided is between the patient and the practice.
        "outcome": room.outcome or None if seated and over and seat.role == Participant.Role.PATIENT else None,
        "may_return_until": iso(lifecycle.may_return_until(seat.state, seat.admitted_at, seat.left_at)),
        "server_time_ms": int(time.time() * 1000),
    }


def text_to_answer(seat: Participant, purpose: str, version: int) -> ConsentText | None:
    """Return the text this person is shown for `purpose` now, if it is still that version."""
    if purpose not in REQUIRED_PURPOSES or seat.role != Participant.Role.PATIENT:
        return None
    text = current_text(purpose, _languages(seat))
    return text if text is not None and text.version == version else None


def _visit(seat: Participant, status: str) -> dict[str, Any]:
    appointment = seat.room.appointment
    clinic, practitioner = appointment.clinic, appointment.practitioner
    logo = reverse("clinic_logo", args=[clinic.public_id]) if clinic.logo_png else ""
    return {
        "clinic": {
            "name": clinic.name,
            "phone": clinic.phone,
            "logo_url": logo,
            "accent": clinic.accent,
            "languages": clinic.languages,
        },
        "practitioner": (
            {"name": practitioner.display_name, "registration": practitioner.registration} if practitioner else None
        ),
        "visit_type": appointment.visit_type.name,
        "starts_at": iso(appointment.starts_at),
        "ends_at": iso(appointment.ends_at),
        "zone": appointment.zone,
        "opens_at": iso(appointment.starts_at - OPENS_BEFORE),
        "status": status,
        "server_time_ms": int(time.time() * 1000),
    }


def _status(room: Room) -> str:
    if room.appointment.status == "cancelled":
        return "cancelled"
    return "ended" if room.state == Room.State.ENDED else "open"


def _step(seat: Participant, consent_given: bool) -> str:
    return steps.step_of(
        seat.state,
        seat.room.state,
        details=seat.details_confirmed_at is not None,
        device_check=bool(seat.device_check),
        consent=consent_given,
    )


def _keep_stills(seat: Participant) -> dict[str, Any] | None:
    """Return what the patient is told about keeping a picture that is asked for in the visit; None where nothing is kept."""
    if seat.role != Participant.Role.PATIENT or not seat.room.appointment.clinic.allows_capture:
        return None
    text = current_text(Purpose.STILLS, _languages(seat))
    return describe_text(text) if text is not None else None


def _details(seat: Participant) -> dict[str, Any] | None:
    if seat.details_confirmed_at is None:
        return None
    details = details_of(seat) or {}
    asked = [name for name in fields_asked(seat.role) if name != "name"]
    return {"name": seat.name, **{name: details[name] for name in asked}}


def _consent(seat: Participant) -> tuple[dict[str, Any] | None, bool]:
    """Return the text for the page and whether nothing is left to ask.

    The first purpose without a yes; when all are given the last one, so that it can be read and withdrawn afterwards.
    """
    if seat.role != Participant.Role.PATIENT:
        return None, True
    appointment = seat.room.appointment
    open_purposes = [name for name in REQUIRED_PURPOSES if not is_granted(appointment, seat.public_id, name)]
    purpose = (open_purposes or list(REQUIRED_PURPOSES))[0]
    text = current_text(purpose, _languages(seat))
    if text is None:
        return None, False
    latest = latest_decision(appointment, seat.public_id, purpose)
    shown = {
        "purpose": text.purpose,
        "language": text.language,
        "version": text.version,
        "title": text.title,
        "summary": text.summary,
        "body": text.body,
        "if_refused": text.if_refused,
        "capacity_options": [
            {"value": str(value), "label": str(label)} for value, label in ConsentRecord.Capacity.choices
        ],
        "decision": None if latest is None else ("withdrawn" if latest.withdrawn_at else latest.decision),
    }
    return shown, not open_purposes


def _captures(seat: Participant) -> list[dict[str, Any]]:
    """Return what this person said about being captured, newest answer each, with the words they answered to."""
    return [
        {
            "purpose": record.purpose,
            "title": record.text.title,
            "language": record.text.language,
            "summary": record.text.summary,
            "decision": "withdrawn" if record.withdrawn_at else record.decision,
            "at": iso(record.withdrawn_at or record.decided_at),
        }
        for record in records_of(seat.room.appointment, seat.public_id)
        if record.purpose in CAPTURE_PURPOSES
    ]


def _languages(seat: Participant) -> list[str]:
    """The person's language first; the clinic's own before the product's."""
    wanted = [seat.language, seat.room.appointment.clinic.default_language, settings.LANGUAGE_CODE]
    return list(dict.fromkeys(wanted))
