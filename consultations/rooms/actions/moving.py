"""What changes the path of a visit while it runs: people's words, and what the machine found (media_routing/policy/switching.py)."""

from django.db import transaction
from django.utils import timezone

from consultations.rooms import lifecycle
from consultations.rooms.actions.people import lock_room, record, room_changed, seat_in
from consultations.rooms.actions.routing import choose_route
from consultations.rooms.models import Participant, Room, RouteDecision
from consultations.rooms.refusals import Refused
from media_routing import api
from telemed.accounts.models import User


@transaction.atomic
def report_trouble(participant: Participant, *, kind: str, acting_user: User | None = None) -> None:
    """Keep that this person says they do not hear, or do not see. Raises Refused."""
    room, seat = _lock_inside(participant)
    _tell(room, "trouble", api.Reason(kind, {"participant": seat.public_id}))
    record("room.trouble", seat, acting_user=acting_user, kind=kind)


@transaction.atomic
def answer_move(participant: Participant, *, answer: str, acting_user: User | None = None) -> None:
    """Keep this person's answer to going through the media server. A no is kept for the visit. Raises Refused.

    The caller knows that they are asked.
    """
    room, seat = _lock_inside(participant)
    if seat.server_answer == answer:
        return
    if seat.server_answer == Participant.ServerAnswer.NO:
        raise Refused("nothing_asked")
    seat.server_answer = answer
    seat.save(update_fields=["server_answer"])
    _tell(room, "answered", api.Reason(f"said_{answer}", {"participant": seat.public_id}))
    record("room.move_answered", seat, acting_user=acting_user, answer=answer)
    if room.route == "none":  # it waited for this
        choose_route(room, trigger="answered")


@transaction.atomic
def keep_step(room_pk: int, *, trigger: str, reason: api.Reason) -> None:
    """Add to the visit's story what the machine tries, asks or found out. Not audited: nobody did anything."""
    room = lock_room(room_pk)
    if room.state == lifecycle.LIVE:
        _tell(room, trigger, reason)


@transaction.atomic
def move_route(
    room_pk: int,
    *,
    to: str,
    trigger: str,
    evidence: api.Evidence,
    server_refusal: api.ServerRefusal = "",
    server_load_percent: int = 0,
) -> bool:
    """Decide anew with what was measured. Return whether the visit is on the path `to` now."""
    room = lock_room(room_pk)
    if room.state != lifecycle.LIVE:
        return False
    if room.route != to:
        choose_route(
            room,
            trigger=trigger,
            evidence=evidence,
            server_refusal=server_refusal,
            server_load_percent=server_load_percent,
        )
        room_changed(room)
    return room.route == to


def _lock_inside(participant: Participant) -> tuple[Room, Participant]:
    room = lock_room(participant.room_id)
    seat = seat_in(room, participant.public_id)
    if room.state != lifecycle.LIVE or seat.state != lifecycle.ADMITTED:
        raise Refused("not_admitted")
    return room, seat


def _tell(room: Room, trigger: str, reason: api.Reason) -> None:
    RouteDecision.objects.create(
        room=room, at=timezone.now(), trigger=trigger, route=room.route, reasons=[reason.as_dict()]
    )
    room_changed(room)
