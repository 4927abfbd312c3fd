"""Tells open sockets that something changed. A nudge carries no data: each socket asks for what it may see.

Channel layers deliver at most once, so a nudge is only the fast way; every process also looks for all its
sockets every few seconds (sweeper.py). One group per seat: nothing is ever broadcast and filtered by the receiver.
"""

from collections.abc import Iterable
from typing import Any

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer

from consultations.rooms.models import Participant, SeatDevice


def seat_group(participant_id: str) -> str:
    """The sockets of the device that holds the seat; signals go here."""
    return f"seat.{participant_id}"


def asking_group(participant_id: str) -> str:
    """The sockets of devices that ask for the seat; they are nudged and never get a signal."""
    return f"asking.{participant_id}"


def clinic_group(clinic_id: str) -> str:
    return f"clinic.{clinic_id}"


def user_group(user_id: str) -> str:
    return f"user.{user_id}"


def nudge_room(room_pk: int, clinic_id: str, *, arrived: bool = False) -> None:
    """Nudge the sockets of a room and the clinic's Today pages. Two small queries."""
    seats = list(Participant.objects.filter(room_id=room_pk).values_list("public_id", flat=True))
    asking = SeatDevice.objects.filter(participant__room_id=room_pk).exclude(state=SeatDevice.State.ACTIVE)
    groups = [seat_group(seat) for seat in seats]
    groups += [asking_group(seat) for seat in set(asking.values_list("participant__public_id", flat=True))]
    send_to_groups(groups, {"type": "room.changed"})
    send_to_groups([clinic_group(clinic_id)], {"type": "day.changed", "event": "arrived" if arrived else "changed"})


def nudge_seats(participant_ids: Iterable[str]) -> None:
    """Nudge some seats only: who is present changed, nothing in the database did."""
    send_to_groups([seat_group(seat) for seat in participant_ids], {"type": "room.changed"})


def close_sockets_of(user: Any, session_keys: frozenset[str] | None) -> None:
    """Make the sockets of a user check their session now (all of them, or those of some sessions)."""
    keys = None if session_keys is None else sorted(session_keys)
    send_to_groups([user_group(user.public_id)], {"type": "session.ended", "keys": keys})


def send_to_groups(groups: Iterable[str], event: dict[str, Any]) -> None:
    """Send `event` to each group; does nothing without a channel layer (management commands of a bare install)."""
    layer = get_channel_layer()
    names = list(groups)
    if layer is None or not names:
        return

    async def send() -> None:
        for name in names:
            await layer.group_send(name, event)

    async_to_sync(send)()
