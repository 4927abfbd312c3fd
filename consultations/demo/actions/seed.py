"""A small practice with a day that looks alive. Safe to run on every start: it adds what is missing and moves the
open visits to now."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from consultations.appointments import actions as appointment_actions
from consultations.appointments.errors import SlotTaken
from consultations.appointments.lifecycle import CANCELLED, COMPLETED, IN_VISIT, MOVABLE, NO_SHOW
from consultations.appointments.models import Appointment, VisitType
from consultations.clinics.models import Clinic, Membership
from consultations.demo.people import DOMAIN, ROLES
from consultations.patients.access import find_same_person
from consultations.patients.actions import create_patient
from consultations.patients.models import Patient
from consultations.practitioners.actions import register_practitioner
from consultations.practitioners.models import Practitioner
from consultations.rooms.actions.booking import book_visit
from consultations.rooms.actions.links import mint_link, revoke_links
from consultations.rooms.models import Participant, Room, SeatDevice
from telemed.accounts.models import User

CLINIC_NAME = "Harbour Clinic"
# The visit that can start at once. Some minutes ahead, so that "Start now" finds a free slot before it.
FIRST_IN = timedelta(minutes=12)
STEP = timedelta(minutes=5)
# `SeatDevice.last_used_at` of a running call is never older than this.
IN_USE = timedelta(minutes=3)


@dataclass(frozen=True)
class Planned:
    """One row of the day: who, how far from now, which visit type, and how it stands."""

    name: str
    offset: timedelta
    visit_type: str
    status: str = ""
    team: bool = False


FIRST = Planned("Paul Peters", FIRST_IN, "Consultation")
# Latest first: each moves into time that the one before it has left.
LATER = (
    Planned("Omar Haddad", timedelta(minutes=190), "Consultation", team=True),
    Planned("Lena Vogt", timedelta(minutes=120), "Long talk"),
    Planned("Nora Niles", timedelta(minutes=65), "Consultation"),
    FIRST,
)
EARLIER = (
    Planned("Ruth Adler", timedelta(minutes=-150), "Consultation", status=COMPLETED),
    Planned("Jonas Brandt", timedelta(minutes=-110), "Consultation", status=COMPLETED),
    Planned("Mia Keller", timedelta(minutes=-70), "Consultation", status=NO_SHOW),
    Planned("Tom Friedrich", timedelta(minutes=155), "Consultation", status=CANCELLED),
)


def seed() -> str:
    """Make the practice and its day, and return a fresh join token for the first patient."""
    if not settings.DEMO:
        raise RuntimeError("the demo's people may exist in the demo only (SEC-16)")
    with transaction.atomic():
        clinic, practitioner = _people()
        types = visit_types(clinic)
        now = timezone.now().replace(second=0, microsecond=0)
        for planned in EARLIER:
            _settle_once(planned, clinic, practitioner, types, now)
        for planned in LATER:
            appointment = bring_to_now(planned, clinic, practitioner, types, now)
        seat = Participant.objects.select_related("room__appointment__clinic").get(
            room__appointment=appointment, role=Participant.Role.PATIENT
        )
        return mint_link(seat, acting_user=None)


def _people() -> tuple[Clinic, Practitioner]:
    clinic, _ = Clinic.objects.get_or_create(
        name=CLINIC_NAME, defaults={"phone": "+49 30 5550 0100", "time_zone": settings.DEMO_TIME_ZONE}
    )
    doctor = _user(ROLES["practitioner"], "Anna Becker")
    admin = _user(ROLES["admin"], "Adam Richter", is_staff=True)
    for user, role in ((doctor, Membership.Role.PRACTITIONER), (admin, Membership.Role.CLINIC_ADMIN)):
        Membership.objects.get_or_create(user=user, clinic=clinic, role=role)
    practitioner = Practitioner.objects.filter(user=doctor).first() or register_practitioner(
        doctor,
        title="Dr.",
        registration_number="B-104 233",
        registration_body="Ärztekammer Berlin",
        specialties=["General practice"],
        acting_user=None,
    )
    return clinic, practitioner


def _user(email: str, name: str, **fields: bool) -> User:
    """No password works for them: `None` is stored as unusable."""
    return User.objects.filter(email=email).first() or User.objects.create_user(
        email, None, name=name, time_zone=settings.DEMO_TIME_ZONE, **fields
    )


def visit_types(clinic: Clinic) -> dict[str, VisitType]:
    wanted = {"Consultation": (20, 5, 2), "Long talk": (50, 10, 2), "Family meeting": (40, 10, 4)}
    for name, (minutes, buffer, people) in wanted.items():
        VisitType.objects.get_or_create(
            clinic=clinic,
            name=name,
            defaults={
                "duration_minutes": minutes,
                "buffer_minutes": buffer,
                "max_participants": people,
                "is_group": people > 2,
            },
        )
    return {visit_type.name: visit_type for visit_type in VisitType.objects.filter(clinic=clinic)}


def _patient(clinic: Clinic, name: str) -> Patient:
    email = f"{name.lower().replace(' ', '.')}@{DOMAIN}"
    return find_same_person(clinic, name=name, email=email) or create_patient(
        clinic, name=name, email=email, birth_date=date(1955, 4, 12), acting_user=None
    )


def bring_to_now(
    planned: Planned, clinic: Clinic, practitioner: Practitioner, types: dict[str, VisitType], now: datetime
) -> Appointment:
    """Move the patient's untouched visit to its place after `now`, or book one. Visits that began are closed first,
    but for one with people in it: a restart of the server must not end their call.
    """
    patient = _patient(clinic, planned.name)
    untouched = None
    for appointment in Appointment.objects.filter(patient=patient, status__in=(*MOVABLE, IN_VISIT)):
        fresh = not Participant.objects.filter(room__appointment=appointment).exclude(state="invited").exists()
        if fresh and appointment.status in MOVABLE and untouched is None:
            untouched = appointment
        elif _somebody_is_in(appointment):
            _make_room_after(appointment, now)
        else:
            _close(appointment)
    starts_at = _next_step(now + planned.offset)
    while True:
        try:
            if untouched is not None:
                return _move(untouched, starts_at, clinic)
            return book_visit(
                clinic=clinic,
                patient=patient,
                practitioner=None if planned.team else practitioner,
                visit_type=types[planned.visit_type],
                starts_at=starts_at,
                zone=clinic.time_zone,
                acting_user=None,
            )
        except SlotTaken:  # by a visit that somebody booked while trying the demo
            starts_at += STEP


def _move(appointment: Appointment, starts_at: datetime, clinic: Clinic) -> Appointment:
    """Like rescheduling, without writing to anybody."""
    appointment = appointment_actions.reschedule(
        appointment, starts_at=starts_at, zone=clinic.time_zone, acting_user=None
    )
    revoke_links(list(Participant.objects.filter(room__appointment=appointment, user__isnull=True)))
    return appointment


def _settle_once(
    planned: Planned, clinic: Clinic, practitioner: Practitioner, types: dict[str, VisitType], now: datetime
) -> None:
    """Put a visit that is over into the day, unless this patient already has one in it."""
    patient = _patient(clinic, planned.name)
    if Appointment.objects.filter(patient=patient, starts_at__gte=now - timedelta(hours=14)).exists():
        return
    try:
        appointment = appointment_actions.create_appointment(
            clinic=clinic,
            patient=patient,
            practitioner=practitioner,
            visit_type=types[planned.visit_type],
            starts_at=_next_step(now + planned.offset),
            zone=clinic.time_zone,
            acting_user=None,
        )
    except SlotTaken:
        return
    room = Room.objects.create(appointment=appointment, seats=2, state=Room.State.ENDED, ended_at=appointment.ends_at)
    if planned.status == COMPLETED:
        Room.objects.filter(pk=room.pk).update(outcome=Room.Outcome.DONE, live_at=appointment.starts_at)
    appointment_actions.change_status(appointment, planned.status)


def _somebody_is_in(appointment: Appointment) -> bool:
    return SeatDevice.objects.filter(
        participant__room__appointment=appointment,
        participant__room__state=Room.State.LIVE,
        state=SeatDevice.State.ACTIVE,
        last_used_at__gte=timezone.now() - IN_USE,
    ).exists()


def _make_room_after(appointment: Appointment, now: datetime) -> None:
    """Let the calendar say that a running visit ends now, so that the next one is near enough for its link to be open."""
    length = appointment.ends_at - appointment.starts_at
    Appointment.objects.filter(pk=appointment.pk).update(starts_at=now - length, ends_at=now, blocks_until=now)


def _close(appointment: Appointment) -> None:
    """End a visit that an earlier run of the demo left open."""
    Room.objects.filter(appointment=appointment).update(
        state=Room.State.ENDED, ended_at=timezone.now(), outcome=Room.Outcome.TECHNICAL
    )
    Participant.objects.filter(room__appointment=appointment).update(state=Participant.State.LEFT)
    appointment_actions.change_status(appointment, COMPLETED)


def _next_step(instant: datetime) -> datetime:
    """Return the first full five minutes at or after `instant`."""
    return instant + timedelta(minutes=-instant.minute % 5, seconds=-instant.second, microseconds=-instant.microsecond)
