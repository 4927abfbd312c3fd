"""Tells participants, after the visit, that a question or an answer about a recording waits on their page."""

from collections.abc import Iterable

from consultations.rooms.actions.invitations import write_to_guest, write_to_patient
from consultations.rooms.actions.links import mint_link
from consultations.rooms.models import JoinLink, Participant, Room
from telemed.accounts.models import User


def ask_people(room: Room, people: Iterable[str], *, acting_user: User | None) -> None:
    """Write to those of `people` who have no account here; staff find the question on the recording's page."""
    for seat in Participant.objects.filter(room=room, public_id__in=list(people), user__isnull=True).order_by("pk"):
        seat.room = room
        tell(seat, "visit_question", acting_user=acting_user)


def tell(seat: Participant, event: str, *, acting_user: User | None) -> None:
    """Write to one person, with a link to their page after the visit. Nothing without an address of theirs."""
    patient = seat.room.appointment.patient
    if seat.role == Participant.Role.PATIENT:
        if patient.email or patient.phone:
            token = mint_link(seat, JoinLink.Kind.AFTER, acting_user=acting_user)
            write_to_patient(seat.room.appointment, event, token=token, acting_user=acting_user)
    elif seat.contact:
        token = mint_link(seat, JoinLink.Kind.AFTER, acting_user=acting_user)
        write_to_guest(seat, event, token=token, acting_user=acting_user)
