"""Every write to appointments. What belongs to the visit itself (room, people, links) is `rooms.actions.booking`."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone

from consultations.appointments import lifecycle
from consultations.appointments.errors import AlreadyClaimed, NotMovable, SlotTaken
from consultations.appointments.models import Appointment, CareThread, StatusChange, VisitType
from consultations.appointments.rules import NO_OVERLAP
from consultations.clinics.models import Clinic
from consultations.patients.models import Patient
from consultations.practitioners.models import Practitioner
from telemed import audit
from telemed.accounts.models import User


@transaction.atomic
def create_appointment(
    *,
    clinic: Clinic,
    patient: Patient,
    practitioner: Practitioner | None,
    visit_type: VisitType,
    starts_at: datetime,
    zone: str,
    acting_user: User | None,
    ends_at: datetime | None = None,
    buffer_minutes: int | None = None,
    care_thread: CareThread | None = None,
) -> Appointment:
    """Book a visit; length and buffer come from the visit type unless given. Raises SlotTaken.

    Everything must belong to `clinic`: passing a foreign row is a bug in the caller (ValueError).
    """
    _require_one_clinic(clinic, patient, visit_type, care_thread)
    stand_in_line(practitioner)
    starts_at = starts_at.replace(microsecond=0)
    ends_at = ends_at or starts_at + timedelta(minutes=visit_type.duration_minutes)
    buffer = visit_type.buffer_minutes if buffer_minutes is None else buffer_minutes
    with _slot_taken_on_overlap():
        appointment = Appointment.objects.create(
            clinic=clinic,
            care_thread=care_thread or CareThread.objects.create(clinic=clinic, patient=patient),
            patient=patient,
            practitioner=practitioner,
            visit_type=visit_type,
            starts_at=starts_at,
            ends_at=ends_at,
            blocks_until=ends_at + timedelta(minutes=buffer),
            zone=zone,
            created_by=acting_user,
        )
    _note_status(appointment, "", timezone.now(), acting_user)
    _record("appointment.booked", appointment, acting_user, starts_at=starts_at.isoformat())
    return appointment


@transaction.atomic
def reschedule(appointment: Appointment, *, starts_at: datetime, zone: str, acting_user: User | None) -> Appointment:
    """Move the visit, keeping its length and buffer. Raises SlotTaken, or NotMovable once it has begun."""
    stand_in_line(appointment.practitioner)
    appointment = _locked(appointment)
    if appointment.status not in lifecycle.MOVABLE:
        raise NotMovable
    shift = starts_at.replace(microsecond=0) - appointment.starts_at
    previous = appointment.starts_at
    appointment.starts_at += shift
    appointment.ends_at += shift
    appointment.blocks_until += shift
    appointment.zone = zone
    with _slot_taken_on_overlap():
        appointment.save(update_fields=["starts_at", "ends_at", "blocks_until", "zone"])
    _record(
        "appointment.rescheduled",
        appointment,
        acting_user,
        starts_at=appointment.starts_at.isoformat(),
        previously=previous.isoformat(),
    )
    return appointment


@transaction.atomic
def claim(appointment: Appointment, *, practitioner: Practitioner, acting_user: User) -> Appointment:
    """Take a team's visit. Of several who try, one wins; the others get AlreadyClaimed. Raises SlotTaken, NotMovable."""
    stand_in_line(practitioner)
    with _slot_taken_on_overlap():
        # The condition stands in the UPDATE itself: two claims cannot both see an empty seat.
        won = Appointment.objects.filter(
            pk=appointment.pk, practitioner__isnull=True, status__in=lifecycle.MOVABLE
        ).update(practitioner=practitioner)
    appointment = _locked(appointment)
    if not won:
        raise AlreadyClaimed if appointment.practitioner_id else NotMovable
    _record("appointment.claimed", appointment, acting_user)
    return appointment


@transaction.atomic
def change_status(
    appointment: Appointment, new: str, *, acting_user: User | None = None, acting_seat: str = ""
) -> Appointment:
    """Move along `lifecycle.TRANSITIONS` and keep the step. The same state again changes nothing.

    `acting_seat` is the participant's public id when a patient caused it. Raises IllegalTransition.
    """
    appointment = _locked(appointment)
    if appointment.status == new:
        return appointment
    lifecycle.check_transition(appointment.status, new)
    old, appointment.status = appointment.status, new
    appointment.save(update_fields=["status"])
    _note_status(appointment, old, timezone.now(), acting_user)
    _record(f"appointment.{new}", appointment, acting_user, acting_seat=acting_seat, previously=old)
    return appointment


@transaction.atomic
def cancel(appointment: Appointment, *, acting_user: User | None) -> Appointment:
    """Call the visit off. Raises IllegalTransition once it has begun or is over, also when it is cancelled already."""
    lifecycle.check_transition(_locked(appointment).status, lifecycle.CANCELLED)
    return change_status(appointment, lifecycle.CANCELLED, acting_user=acting_user)


def _locked(appointment: Appointment) -> Appointment:
    """Return the row as it is now, locked until the transaction ends (SQLite: the whole file already is)."""
    return (
        Appointment.objects.select_for_update(of=("self",))
        .select_related("clinic", "patient", "practitioner__user", "visit_type", "care_thread")
        .get(pk=appointment.pk)
    )


def stand_in_line(practitioner: Practitioner | None) -> None:
    """Let one booking per practitioner through at a time.

    The constraint alone is safe but not calm: many concurrent inserts into one exclusion constraint wait for
    each other in a circle, and PostgreSQL ends such circles with a deadlock error after a second.
    """
    if practitioner is not None:
        Practitioner.objects.select_for_update().only("pk").get(pk=practitioner.pk)


@contextmanager
def _slot_taken_on_overlap() -> Iterator[None]:
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        if NO_OVERLAP in str(error):
            raise SlotTaken from None
        raise


def _require_one_clinic(
    clinic: Clinic, patient: Patient, visit_type: VisitType, care_thread: CareThread | None
) -> None:
    if patient.clinic_id != clinic.pk or visit_type.clinic_id != clinic.pk:
        raise ValueError("patient and visit type belong to another clinic")
    if care_thread is not None and care_thread.patient_id != patient.pk:
        raise ValueError("the care thread belongs to another patient")


def _note_status(appointment: Appointment, old: str, at: datetime, by: User | None) -> None:
    StatusChange.objects.create(appointment=appointment, old=old, new=appointment.status, at=at, by=by)


def _record(
    event: str, appointment: Appointment, acting_user: User | None, *, acting_seat: str = "", **details: str
) -> None:
    audit.record(
        event,
        actor=acting_user,
        actor_seat=acting_seat,
        clinic=appointment.clinic.public_id,
        subject=appointment.patient.public_id,
        object=f"appointment:{appointment.public_id}",
        details=details,
    )
