"""What we write to a patient about a visit: which event, to which address, with which facts."""

from typing import Any

from django.utils import timezone

from consultations.appointments.models import Appointment
from consultations.outbox.actions import queue_message
from consultations.outbox.models import Message
from consultations.rooms.actions.links import link_url
from telemed.accounts.models import User

# Events that put an entry into, change it in, or take it out of the patient's calendar.
_CALENDAR_EVENTS = {"visit_invitation", "visit_rescheduled", "visit_cancelled"}


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
        payload=_facts(appointment, event, token),
        subject=appointment.public_id,
        acting_user=acting_user,
    )


def _facts(appointment: Appointment, event: str, token: str) -> dict[str, Any]:
    """Neither the patient's name nor the visit type: a mailbox may be shared, and a type's name can be a diagnosis."""
    zone = appointment.patient.time_zone or appointment.clinic.time_zone
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
