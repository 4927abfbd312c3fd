"""What happens in the visit itself: opening, letting people in and out, finishing. Each checks its right anew (SEC-4)."""

from django.db import transaction
from django.utils import timezone

from consultations.appointments import actions as appointment_actions
from consultations.appointments.models import Appointment
from consultations.clinics.access import Role, has_role
from consultations.rooms import lifecycle
from consultations.rooms.access import find_device_of
from consultations.rooms.actions.guests import Invited, invite_participant
from consultations.rooms.actions.people import (
    lock_room,
    missing_consent,
    move_room,
    move_seat,
    record,
    room_changed,
    seat_in,
)
from consultations.rooms.actions.routing import (
    choose_route,
    keeps_patient_out,
    must_encrypt,
    record_refused_route,
    weigh_route,
)
from consultations.rooms.encryption import can_encrypt
from consultations.rooms.models import Participant, Room, SeatDevice
from consultations.rooms.protocol import OUTCOMES
from consultations.rooms.recorder.port import recordings
from consultations.rooms.refusals import Refused
from media_routing.api import ServerRefusal
from telemed.accounts.models import User


@transaction.atomic
def enter_visit(participant: Participant, *, acting_user: User, server_refusal: ServerRefusal = "") -> None:
    """The practitioner sits down; the room opens with the first. Repeats change nothing; an ended visit stays ended."""
    room, seat = lock_staff_seat(participant, acting_user)
    if room.state == lifecycle.ENDED:
        return
    now = timezone.now()
    opened = move_room(room, "open")
    entered = move_seat(seat, "enter")
    if not opened and not entered:
        return
    if opened:
        room.opened_at = now
        room.save(update_fields=["state", "opened_at"])
    if entered:
        seat.arrived_at = seat.arrived_at or now
        seat.admitted_at, seat.left_at, seat.end_reason = now, None, ""
        seat.save(update_fields=["state", "arrived_at", "admitted_at", "left_at", "end_reason"])
    choose_route(room, trigger="opened" if opened else "staff_entered", server_refusal=server_refusal)
    room_changed(room)
    record("room.opened" if opened else "room.entered", seat, acting_user=acting_user)


def admit_participant(
    participant: Participant,
    *,
    target: str,
    identity: str,
    acting_user: User,
    accept_unencrypted: bool = False,
    server_refusal: ServerRefusal = "",
) -> None:
    """Let a waiting person in. The identity outcome is recorded first and decides (CLIN-2).

    Raises Refused; when media could not flow with one more person, its code is the reason (docs/ROUTING.md). That refusal
    is part of the visit's story and is committed. Somebody whose identity is not confirmed: `refuse_identity`.
    """
    in_the_way = _admit(participant, target, identity, acting_user, accept_unencrypted, server_refusal)
    if in_the_way:
        raise Refused(in_the_way)


@transaction.atomic
def _admit(
    participant: Participant,
    target: str,
    identity: str,
    acting_user: User,
    accept_unencrypted: bool,
    server_refusal: ServerRefusal,
) -> str:
    room, own = lock_staff_seat(participant, acting_user)
    require_inside(own)
    seat = seat_in(room, target)
    if seat.state == lifecycle.ADMITTED:
        return ""
    if seat.state != lifecycle.WAITING:
        raise Refused("not_waiting")
    if seat.details_confirmed_at is None:
        raise Refused("details_missing")
    if missing_consent(seat):
        raise Refused("consent_missing")
    if identity not in {Participant.Identity.CONFIRMED, Participant.Identity.KNOWN}:
        raise Refused("identity_missing")
    inside = Participant.objects.filter(room=room, state=Participant.State.ADMITTED).count()
    if inside >= room.seats:
        raise Refused("room_full")
    unencrypted = not can_encrypt(seat.device_check)
    if unencrypted and must_encrypt(room):
        raise Refused("encryption_required")
    if unencrypted and not accept_unencrypted:
        raise Refused("encryption_not_accepted")
    if keeps_patient_out(room, seat):
        raise Refused("patient_first")
    decision = weigh_route(room, newcomer=seat, server_refusal=server_refusal)
    if decision.refusal:
        reason = decision.reasons[0].code
        record_refused_route(room, decision)
        record("room.admitted", seat, acting_user=acting_user, outcome="refused", reason=reason)
        return reason
    now = timezone.now()
    went_live = move_room(room, "go_live")
    if went_live:
        room.live_at = now
        room.save(update_fields=["state", "live_at"])
    move_seat(seat, "admit")
    seat.identity_outcome, seat.admitted_at = identity, now
    seat.save(update_fields=["identity_outcome", "state", "admitted_at"])
    choose_route(room, trigger="admitted", server_refusal=server_refusal)
    room_changed(room)
    if room.appointment.status != Appointment.Status.IN_VISIT:
        appointment_actions.change_status(room.appointment, Appointment.Status.IN_VISIT, acting_user=acting_user)
    accepted = {"accept_unencrypted": True} if unencrypted else {}
    record("room.admitted", seat, acting_user=acting_user, identity=identity, **accepted)
    return ""


@transaction.atomic
def refuse_identity(participant: Participant, *, target: str, acting_user: User) -> None:
    """Record that this person is not who they should be. They stay in the waiting room until removed."""
    room, own = lock_staff_seat(participant, acting_user)
    require_inside(own)
    seat = seat_in(room, target)
    if seat.state != lifecycle.WAITING:
        raise Refused("not_waiting")
    seat.identity_outcome = Participant.Identity.NOT_CONFIRMED
    seat.save(update_fields=["identity_outcome"])
    room_changed(room)
    record("room.admitted", seat, acting_user=acting_user, outcome="refused", identity="not_confirmed")


@transaction.atomic
def invite_into_visit(
    participant: Participant, *, role: str, name: str, language: str, contact: str, acting_user: User
) -> Invited:
    """`invite_participant` by the practitioner who is in the room."""
    room, own = lock_staff_seat(participant, acting_user)
    require_inside(own)
    return invite_participant(room, role=role, name=name, language=language, contact=contact, acting_user=acting_user)


@transaction.atomic
def admit_device(participant: Participant, *, target: str, device: str, acting_user: User) -> None:
    """Move a seat to the device that asks for it; the one that held it is out at once."""
    room, own = lock_staff_seat(participant, acting_user)
    require_inside(own)
    seat = seat_in(room, target)
    asking = find_device_of(seat, device)
    if asking is None or asking.state == SeatDevice.State.REVOKED:
        raise Refused("unknown_device")
    if asking.state == SeatDevice.State.ACTIVE:
        return
    # The old one first: at most one device of a seat is active, and the database says so.
    SeatDevice.objects.filter(participant=seat, state=SeatDevice.State.ACTIVE).update(state=SeatDevice.State.REVOKED)
    asking.state, asking.last_used_at = SeatDevice.State.ACTIVE, timezone.now()
    asking.save(update_fields=["state", "last_used_at"])
    room_changed(room)
    record("seat.device_admitted", seat, acting_user=acting_user)


@transaction.atomic
def remove_participant(participant: Participant, *, target: str, reason: str, acting_user: User) -> None:
    """Send somebody out for good: their devices and links are worth nothing any more."""
    room, own = lock_staff_seat(participant, acting_user)
    require_inside(own)
    seat = seat_in(room, target)
    if seat.pk == own.pk:
        raise Refused("not_allowed")
    if not move_seat(seat, "remove"):
        return
    now = timezone.now()
    seat.left_at, seat.end_reason = now, reason
    seat.save(update_fields=["state", "left_at", "end_reason"])
    seat.links.filter(revoked_at__isnull=True).update(revoked_at=now)
    seat.devices.exclude(state=SeatDevice.State.REVOKED).update(state=SeatDevice.State.REVOKED)
    choose_route(room, trigger="removed")
    room_changed(room)
    record("room.removed", seat, acting_user=acting_user, reason=reason)


@transaction.atomic
def leave_visit(participant: Participant, *, acting_user: User | None = None) -> None:
    """Go, and keep the seat (docs/PROTOCOL.md "Coming back"). The visit goes on. `acting_user` for staff."""
    room = lock_room(participant.room_id)
    seat = seat_in(room, participant.public_id)
    if room.state == lifecycle.ENDED:
        return
    was_waiting = seat.state == lifecycle.WAITING
    if not move_seat(seat, "leave"):
        return
    seat.left_at, seat.end_reason = timezone.now(), "left"
    seat.save(update_fields=["state", "left_at", "end_reason"])
    choose_route(room, trigger="left")
    room_changed(room)
    patient_gone = was_waiting and seat.role == Participant.Role.PATIENT
    if patient_gone and room.appointment.status == Appointment.Status.ARRIVED:
        appointment_actions.change_status(room.appointment, Appointment.Status.BOOKED, acting_seat=seat.public_id)
    record("room.left", seat, acting_user=acting_user)


@transaction.atomic
def finish_visit(participant: Participant, *, outcome: str, acting_user: User) -> None:
    """End the visit with what happens next (CLIN-11). Finishing a finished visit changes nothing."""
    room, own = lock_staff_seat(participant, acting_user)
    if outcome not in OUTCOMES:
        raise Refused("outcome_missing")
    if room.state == lifecycle.ENDED:
        return
    require_inside(own)
    was_live = room.live_at is not None
    move_room(room, "end")
    now = timezone.now()
    room.outcome, room.ended_at = outcome, now
    room.save(update_fields=["state", "outcome", "ended_at"])
    still_there = Participant.objects.filter(room=room, left_at__isnull=True).exclude(state=Participant.State.INVITED)
    still_there.update(left_at=now, end_reason="finished")
    recordings().settle(room)
    room_changed(room)
    # Who was let in came, whatever the outcome is called.
    missed = outcome == Room.Outcome.NOT_REACHED and not was_live
    appointment_actions.change_status(
        room.appointment,
        Appointment.Status.NO_SHOW if missed else Appointment.Status.COMPLETED,
        acting_user=acting_user,
    )
    record("room.finished", own, acting_user=acting_user, result=outcome)


def lock_staff_seat(participant: Participant, acting_user: User) -> tuple[Room, Participant]:
    """Return the locked room and the acting seat, read now: a right that was taken away a moment ago is gone."""
    room = lock_room(participant.room_id)
    seat = seat_in(room, participant.public_id)
    allowed = (
        seat.user_id == acting_user.pk
        and seat.state != lifecycle.REMOVED
        and User.objects.filter(pk=acting_user.pk, is_active=True).exists()
        and has_role(acting_user, room.appointment.clinic, Role.PRACTITIONER)
    )
    if not allowed:
        raise Refused("not_allowed", status=403)
    return room, seat


def require_inside(seat: Participant) -> None:
    """Only a practitioner who is in the room decides about others; a colleague who was called in does not."""
    if seat.role != Participant.Role.PRACTITIONER or seat.state != lifecycle.ADMITTED:
        raise Refused("not_allowed", status=403)
