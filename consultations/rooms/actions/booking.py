"""A visit from its booking to its cancellation: the appointment together with room, people, links and messages.

Locks are always taken in one order, or two of these would wait for each other: room, practitioner, appointment,
messages, and last of all the audit log's head, which every `audit.record` holds until the commit.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from consultations.appointments import actions as appointment_actions
from consultations.appointments.errors import InThePast, NotMovable
from consultations.appointments.models import Appointment, CareThread, VisitType
from consultations.appointments.slots import free_end
from consultations.clinics.models import Clinic
from consultations.outbox.actions import withdraw_messages
from consultations.outbox.models import Message
from consultations.patients.access import find_same_person
from consultations.patients.actions import create_patient
from consultations.patients.models import Patient
from consultations.practitioners.models import Practitioner
from consultations.rooms.actions.invitations import write_to_guest, write_to_patient
from consultations.rooms.actions.links import mint_link, revoke_links
from consultations.rooms.actions.people import lock_room, room_changed
from consultations.rooms.models import Participant, Room
from telemed.accounts.models import User

# A form that was filled in slowly may ask for a minute that has just passed.
_LATENESS = timedelta(minutes=10)


@dataclass(frozen=True)
class Booked:
    """A visit whose patient may come. `token` is the raw link token, known only now; never log or store it."""

    appointment: Appointment
    seat: Participant
    message: Message | None
    token: str = field(repr=False)


def book_visit(
    *,
    clinic: Clinic,
    patient: Patient,
    practitioner: Practitioner | None,
    visit_type: VisitType,
    starts_at: datetime,
    zone: str,
    acting_user: User | None,
    care_thread: CareThread | None = None,
) -> Appointment:
    """Book a visit and invite the patient. Raises SlotTaken, InThePast. `practitioner` None: a team's visit."""
    if starts_at < timezone.now() - _LATENESS:
        raise InThePast
    with transaction.atomic():
        appointment = appointment_actions.create_appointment(
            clinic=clinic,
            patient=patient,
            practitioner=practitioner,
            visit_type=visit_type,
            starts_at=starts_at,
            zone=zone,
            acting_user=acting_user,
            care_thread=care_thread,
        )
        return _invite(appointment, "visit_invitation", acting_user).appointment


@transaction.atomic
def book_new_patient(
    *,
    clinic: Clinic,
    name: str,
    email: str,
    phone: str,
    language: str,
    practitioner: Practitioner | None,
    visit_type: VisitType,
    starts_at: datetime,
    zone: str,
    acting_user: User,
) -> Appointment:
    """`book_visit` for somebody who may be new here: both or neither. Raises SlotTaken, InThePast."""
    appointment_actions.stand_in_line(practitioner)
    return book_visit(
        clinic=clinic,
        patient=_same_or_new(clinic, name, email, phone, language, acting_user),
        practitioner=practitioner,
        visit_type=visit_type,
        starts_at=starts_at,
        zone=zone,
        acting_user=acting_user,
    )


@transaction.atomic
def start_now(
    *,
    clinic: Clinic,
    practitioner: Practitioner,
    visit_type: VisitType,
    name: str,
    phone: str = "",
    email: str = "",
    language: str = "",
    acting_user: User,
) -> Booked:
    """Send somebody a link that works at once, without a calendar. Raises SlotTaken when less than 5 minutes are free.

    Ends, without a buffer, when the practitioner's next visit begins.
    """
    appointment_actions.stand_in_line(practitioner)
    starts_at = timezone.now().replace(microsecond=0)
    ends_at = free_end(practitioner, starts_at, timedelta(minutes=visit_type.duration_minutes))
    appointment = appointment_actions.create_appointment(
        clinic=clinic,
        patient=_same_or_new(clinic, name, email, phone, language, acting_user),
        practitioner=practitioner,
        visit_type=visit_type,
        starts_at=starts_at,
        ends_at=ends_at,
        buffer_minutes=0,
        zone=clinic.time_zone,
        acting_user=acting_user,
    )
    return _invite(appointment, "visit_now", acting_user)


@transaction.atomic
def reschedule_visit(
    appointment: Appointment, *, starts_at: datetime, zone: str, acting_user: User | None
) -> Appointment:
    """Move the visit; old links die, a new one is sent. Raises SlotTaken, NotMovable, InThePast."""
    if starts_at < timezone.now() - _LATENESS:
        raise InThePast
    room = _locked_room(appointment)
    appointment = appointment_actions.reschedule(appointment, starts_at=starts_at, zone=zone, acting_user=acting_user)
    room_changed(room)
    seats = _invited_seats(room)
    revoke_links(seats)
    for seat in seats:
        seat.room.appointment = appointment
        token = mint_link(seat, acting_user=acting_user)
        if seat.role == Participant.Role.PATIENT:
            write_to_patient(appointment, "visit_rescheduled", token=token, acting_user=acting_user)
        else:
            write_to_guest(seat, "visit_rescheduled", token=token, acting_user=acting_user)
    return appointment


@transaction.atomic
def cancel_visit(appointment: Appointment, *, acting_user: User | None) -> Appointment:
    """Call the visit off: links die, nothing unsent leaves any more, the patient is told. Raises IllegalTransition."""
    room = _locked_room(appointment)
    withdraw_messages(appointment.clinic, appointment.public_id)
    revoke_links(_invited_seats(room))
    room.state, room.ended_at = Room.State.ENDED, timezone.now()
    room.save(update_fields=["state", "ended_at"])
    room_changed(room)
    appointment = appointment_actions.cancel(appointment, acting_user=acting_user)
    write_to_patient(appointment, "visit_cancelled", acting_user=acting_user)
    for seat in _invited_seats(room):
        if seat.is_guest:
            write_to_guest(seat, "visit_cancelled", acting_user=acting_user)
    return appointment


@transaction.atomic
def claim_visit(appointment: Appointment, *, practitioner: Practitioner, acting_user: User) -> Appointment:
    """Take a team's visit and sit down in its room. Raises AlreadyClaimed, SlotTaken, NotMovable."""
    room = _locked_room(appointment)
    appointment = appointment_actions.claim(appointment, practitioner=practitioner, acting_user=acting_user)
    _seat_practitioner(room, practitioner)
    room_changed(room)
    return appointment


@transaction.atomic
def send_new_link(participant: Participant, *, acting_user: User | None) -> Booked:
    """Make another link for this seat and send it. Links already out stay valid. Raises NotMovable once it is over."""
    appointment = participant.room.appointment
    if participant.room.state == Room.State.ENDED:
        raise NotMovable
    token = mint_link(participant, acting_user=acting_user)
    message = None
    if participant.role == Participant.Role.PATIENT:
        message = write_to_patient(appointment, "visit_link", token=token, acting_user=acting_user)
    return Booked(appointment=appointment, seat=participant, message=message, token=token)


def _invite(appointment: Appointment, event: str, acting_user: User | None) -> Booked:
    """Furnish the room, seat both people, send the link."""
    room = Room.objects.create(appointment=appointment, seats=appointment.visit_type.max_participants)
    seat = Participant.objects.create(
        room=room,
        role=Participant.Role.PATIENT,
        name=appointment.patient.name,
        language=appointment.patient.language,
        patient=appointment.patient,
    )
    if appointment.practitioner is not None:
        _seat_practitioner(room, appointment.practitioner)
    room_changed(room)
    token = mint_link(seat, acting_user=acting_user)
    message = write_to_patient(appointment, event, token=token, acting_user=acting_user)
    return Booked(appointment=appointment, seat=seat, message=message, token=token)


def _seat_practitioner(room: Room, practitioner: Practitioner) -> Participant:
    return Participant.objects.create(
        room=room,
        role=Participant.Role.PRACTITIONER,
        name=practitioner.display_name,
        language=practitioner.user.language,
        user=practitioner.user,
    )


def _locked_room(appointment: Appointment) -> Room:
    return lock_room(Room.objects.only("pk").get(appointment=appointment).pk)


def _invited_seats(room: Room) -> list[Participant]:
    """Everybody who came, or may come, by a link."""
    invited = Participant.objects.filter(room=room, user__isnull=True).exclude(state=Participant.State.REMOVED)
    return list(invited.select_related("room__appointment__clinic", "room__appointment__practitioner__user"))


def _same_or_new(clinic: Clinic, name: str, email: str, phone: str, language: str, acting_user: User | None) -> Patient:
    known = find_same_person(clinic, name=name, email=email, phone=phone)
    if known is not None:
        return known
    return create_patient(clinic, name=name, email=email, phone=phone, language=language, acting_user=acting_user)
