"""People besides patient and practitioner: asked in by name and role, let in by the practitioner like everybody (CLIN-4)."""

from dataclasses import dataclass, field

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction

from consultations.appointments.forms import clean_contact
from consultations.outbox.models import Message
from consultations.rooms import lifecycle
from consultations.rooms.actions.invitations import write_to_guest
from consultations.rooms.actions.links import link_url, mint_link
from consultations.rooms.actions.people import lock_room, record, room_changed
from consultations.rooms.actions.routing import weigh_route
from consultations.rooms.models import Participant, Room
from consultations.rooms.protocol import GUEST_ROLES
from consultations.rooms.refusals import Refused
from telemed.accounts.models import User

# What a room on the media server holds (docs/SFU.md); a group's visit type may allow fewer.
MAX_PEOPLE = 8


@dataclass(frozen=True)
class Invited:
    """`token` is the raw link token, known only now; never log or store it. `message` None: there was no contact."""

    seat: Participant
    message: Message | None
    token: str = field(repr=False)

    @property
    def url(self) -> str:
        return link_url(self.token)


@transaction.atomic
def invite_participant(
    room: Room, *, role: str, name: str, language: str = "", contact: str = "", acting_user: User
) -> Invited:
    """Add a seat for one more person and make their link, which opens on one device. The caller has checked the right.

    A visit for two grows, up to eight, if media may flow among so many; a group's size is its visit type's. Raises Refused:
    `visit_ended`, `visit_full`, `check_contact`, or the reason why media could not flow (docs/ROUTING.md).
    """
    assert role in GUEST_ROLES, role
    room = lock_room(room.pk)
    if room.state == lifecycle.ENDED:
        raise Refused("visit_ended")
    contact = _usable(contact)
    people = Participant.objects.filter(room=room).exclude(state=Participant.State.REMOVED)
    in_all = people.count() + 1
    visit_type = room.appointment.visit_type
    if in_all > (visit_type.max_participants if visit_type.is_group else MAX_PEOPLE):
        raise Refused("visit_full")
    inside = people.filter(state=Participant.State.ADMITTED).count()
    decision = weigh_route(room, joining=in_all - inside, if_agreed=True)
    if decision.refusal:
        raise Refused(decision.reasons[0].code)
    if in_all > room.seats:
        room.seats = in_all
        room.save(update_fields=["seats"])
    seat = Participant.objects.create(
        room=room, role=role, name=name, language=_language(room, role, language), contact=contact
    )
    token = mint_link(seat, acting_user=acting_user)
    message = write_to_guest(seat, "visit_guest", token=token, acting_user=acting_user)
    room_changed(room)
    record("room.invited", seat, acting_user=acting_user, role=role, seats=room.seats, written=message is not None)
    return Invited(seat, message, token)


def _usable(contact: str) -> str:
    if not contact:
        return ""
    try:
        return clean_contact(contact)
    except ValidationError:
        raise Refused("check_contact") from None


def _language(room: Room, role: str, wanted: str) -> str:
    """A relative reads what the patient reads; who comes for their work reads what the clinic does."""
    if wanted in dict(settings.LANGUAGES):
        return wanted
    appointment = room.appointment
    return appointment.patient.language if role == Participant.Role.RELATIVE else appointment.clinic.default_language
