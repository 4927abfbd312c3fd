"""Every write to consents. Answers are added, never changed; a withdrawal is a time on the answer."""

import hashlib

from django.db import transaction
from django.utils import timezone

from consultations.appointments.models import Appointment
from consultations.consent.models import CAPTURE_PURPOSES, ConsentRecord, ConsentText
from telemed import audit


def shown_hash(text: ConsentText) -> str:
    """Return the SHA-256 of exactly what was on the screen."""
    shown = "\x1f".join(
        [text.purpose, text.language, str(text.version), text.title, text.summary, text.body, text.if_refused]
    )
    return hashlib.sha256(shown.encode()).hexdigest()


@transaction.atomic
def record_decision(
    appointment: Appointment, *, text: ConsentText, decision: str, capacity: str, acting_seat: str
) -> ConsentRecord:
    """Keep a person's answer to one text. `acting_seat` is the participant's public id. Raises ValueError for unknown words
    and for a text that nobody qualified has reviewed (CLIN-9): the pages offer neither. PermissionError: the clinic's
    profile allows no capture, so nobody is asked about it (PRIV-1).
    """
    if text.purpose in CAPTURE_PURPOSES and not appointment.clinic.allows_capture:
        raise PermissionError("this profile allows no capture")
    if decision not in ConsentRecord.Decision.values or capacity not in ConsentRecord.Capacity.values:
        raise ValueError("no such decision or capacity")
    if text.reviewed_at is None:
        raise ValueError("this text has not been reviewed")
    record = ConsentRecord.objects.create(
        appointment=appointment,
        person=acting_seat,
        purpose=text.purpose,
        text=text,
        decision=decision,
        capacity=capacity,
        decided_at=timezone.now(),
        shown_sha256=shown_hash(text),
    )
    audit.record(
        f"consent.{decision}",
        actor_seat=acting_seat,
        clinic=appointment.clinic.public_id,
        subject=appointment.patient.public_id,
        object=f"appointment:{appointment.public_id}",
        details={"purpose": text.purpose, "language": text.language, "version": text.version, "capacity": capacity},
    )
    return record


@transaction.atomic
def withdraw(record: ConsentRecord, *, acting_seat: str) -> ConsentRecord:
    """Take a yes back from now on. Withdrawing twice changes nothing."""
    record = ConsentRecord.objects.select_for_update(of=("self",)).select_related("appointment").get(pk=record.pk)
    if record.withdrawn_at is not None:
        return record
    record.withdrawn_at = timezone.now()
    record.save(update_fields=["withdrawn_at"])
    audit.record(
        "consent.withdrawn",
        actor_seat=acting_seat,
        clinic=record.appointment.clinic.public_id,
        subject=record.appointment.patient.public_id,
        object=f"appointment:{record.appointment.public_id}",
        details={"purpose": record.purpose},
    )
    return record
