"""What we write to a patient or a guest about a visit: which event, to which address, with which facts."""

from typing import Any

from django.utils import timezone

from consultations.appointments.models import Appointment
from consultations.outbox.actions import queue_message
from consultations.outbox.models import Message
from consultations.rooms.actions.links import link_url
from consultations.rooms.models import Participant
from telemed.accounts.models import User

# Events that put an entry into, change it in, or take it out of the patient's calendar.
_CALENDAR_EVENTS = {"visit_invitation", "visit_guest", "visit_rescheduled", "visit_cancelled"}


def write_to_patient(
    appointment: Appointment, event: str, *, token: str = "", acting_user: User | None
) -> Message | None:
    """Queue the message, by e-mail or else by text; return None for a patient who has neither."""
    patient = appointment.patient
    if not (patient.email or patient.phone):
        return None
    return queue_message(
        clinic=appointment.clinic,
        event=event,
        channel=Message.Channel.EMAIL if patient.email else Message.Channel.SMS,
        language=patient.language,
        recipient=patient.email or patient.phone,
        payload=_facts(appointment, event, token, zone=patient.time_zone or appointment.clinic.time_zone),
        subject=appointment.public_id,
        acting_user=acting_user,
    )


def write_to_guest(seat: Participant, event: str, *, token: str = "", acting_user: User | None) -> Message | None:
    """Queue the message to somebody who was invited besides the patient; None without a contact."""
    if not seat.contact:
        return None
    appointment = seat.room.appointment
    facts = _facts(appointment, event, token, zone=appointment.clinic.time_zone)
    return queue_message(
        clinic=appointment.clinic,
        event=event,
        channel=Message.Channel.EMAIL if "@" in seat.contact else Message.Channel.SMS,
        language=seat.language,
        recipient=seat.contact,
        payload={**facts, "role": seat.role},
        subject=appointment.public_id,
        acting_user=acting_user,
    )


def _facts(appointment: Appointment, event: str, token: str, *, zone: str) -> dict[str, Any]:
    """Neither the patient's name nor the visit type: a mailbox may be shared, and a type's name can be a diagnosis."""
    facts: dict[str, Any] = {
        "clinic_name": appointment.clinic.name,
        "clinic_phone": appointment.clinic.phone,
        "practitioner_name": appointment.practitioner.display_name if appointment.practitioner else "",
        "starts_at": appointment.starts_at.isoformat(),
        "ends_at": appointment.ends_at.isoformat(),
        "zone": zone,
        "other_zone": appointment.clinic.time_zone if appointment.clinic.time_zone != zone else "",
    }
    if token:
        facts["link"] = link_url(token)
    if event in _CALENDAR_EVENTS:
        facts["uid"] = appointment.public_id
        # RFC 5546 wants it to grow with every change; seconds since the booking do.
        facts["sequence"] = int((timezone.now() - appointment.created_at).total_seconds())
    return facts
