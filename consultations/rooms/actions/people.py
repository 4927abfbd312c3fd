"""What all actions of the visit share: the lock, the clock of the tables, and the audit entry."""

from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import F

from consultations.consent.access import REQUIRED_PURPOSES, is_granted
from consultations.rooms import lifecycle
from consultations.rooms.access import find_seat_in
from consultations.rooms.models import Participant, Room
from consultations.rooms.nudges import nudge_room
from consultations.rooms.refusals import Refused
from telemed import audit
from telemed.accounts.models import User


def lock_room(room_pk: int) -> Room:
    """Return the room, locked until the transaction ends. Always the first lock (see actions/booking.py)."""
    return (
        Room.objects.select_for_update(of=("self",))
        .select_related(
            "appointment__clinic", "appointment__patient", "appointment__visit_type", "appointment__practitioner__user"
        )
        .get(pk=room_pk)
    )


def room_changed(room: Room, *, arrived: bool = False) -> None:
    """Raise the room's revision and, once committed, nudge everybody concerned. `arrived`: somebody began to wait."""
    Room.objects.filter(pk=room.pk).update(revision=F("revision") + 1)
    transaction.on_commit(partial(nudge_room, room.pk, room.appointment.clinic.public_id, arrived=arrived))


def seat_in(room: Room, public_id: str) -> Participant:
    """Return a seat of this room, or raise Refused("unknown_person"): ids of other rooms do not exist here."""
    seat = find_seat_in(room, public_id)
    if seat is None:
        raise Refused("unknown_person")
    seat.room = room
    return seat


def move_seat(seat: Participant, event: str) -> bool:
    """Set the seat's next state (the caller saves). Return whether it changed; raise Refused for an illegal step."""
    try:
        after = lifecycle.next_seat_state(seat.state, event)
    except lifecycle.IllegalTransition:
        raise Refused("illegal_step") from None
    changed = after != seat.state
    seat.state = after
    return changed


def move_room(room: Room, event: str) -> bool:
    """Set the room's next state (the caller saves). Return whether it changed; raise Refused for an illegal step."""
    try:
        after = lifecycle.next_room_state(room.state, event)
    except lifecycle.IllegalTransition:
        raise Refused("visit_ended" if room.state == lifecycle.ENDED else "visit_not_open") from None
    changed = after != room.state
    room.state = after
    return changed


def missing_consent(seat: Participant) -> str:
    """Return the first purpose this person still has to agree to before the visit, '' when there is none.

    Nobody but the patient is treated, so nobody else agrees to a treatment.
    """
    if seat.role != Participant.Role.PATIENT:
        return ""
    appointment = seat.room.appointment
    for purpose in REQUIRED_PURPOSES:
        if not is_granted(appointment, seat.public_id, purpose):
            return purpose
    return ""


def record(
    event: str, seat: Participant, *, acting_user: User | None = None, outcome: Any = "ok", **details: object
) -> None:
    """Write the audit entry of an action about `seat`: by `acting_user`, or by the person in the seat themselves."""
    appointment = seat.room.appointment
    audit.record(
        event,
        actor=acting_user,
        actor_seat="" if acting_user else seat.public_id,
        clinic=appointment.clinic.public_id,
        subject=appointment.patient.public_id,
        object=f"participant:{seat.public_id}",
        outcome=outcome,
        details={"room": seat.room.code, **details},
    )
