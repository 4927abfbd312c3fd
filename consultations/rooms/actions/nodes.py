"""Writes about rtc processes and pins. No person acts here, so nothing is audited: where a visit is served is no one's deed."""

from collections.abc import Collection
from datetime import timedelta

from django.db import transaction
from django.db.models.functions import Now

from consultations.rooms.models import MediaNode, Room
from consultations.rooms.nodes.pins import choose_node, is_alive, nodes_by_load

# Addresses of machines that are gone leave the pages' Content-Security-Policy after this.
FORGET_AFTER = timedelta(days=7)


@transaction.atomic
def register_node(*, url: str, number: int, instance: str) -> MediaNode:
    """Take over the address: visits pinned to a process that died and came back stay where they are."""
    MediaNode.objects.filter(heartbeat_at__lt=Now() - FORGET_AFTER).delete()
    fields = {"number": number, "instance": instance, "draining": False, "load": 0.0}
    node, _ = MediaNode.objects.update_or_create(
        url=url, defaults={**fields, "started_at": Now(), "heartbeat_at": Now()}
    )
    return node


def beat(instance: str, *, load: float, draining: bool) -> bool:
    """Say that the process lives. Return False when another one has taken its address."""
    own = MediaNode.objects.filter(instance=instance)
    return bool(own.update(heartbeat_at=Now(), load=load, draining=draining))


def sign_off(instance: str) -> None:
    """The process ends: its visits may be pinned anew at once."""
    MediaNode.objects.filter(instance=instance).update(heartbeat_at=Now() - timedelta(days=1))


def pin_room(room_pk: int) -> MediaNode | None:
    """Return the live node of the visit, chosen now if it has none or a dead one; None when no node is alive."""
    pinned = MediaNode.objects.filter(is_alive(), rooms=room_pk).first()
    if pinned is not None:
        return pinned
    before = Room.objects.filter(pk=room_pk).values_list("media_node", flat=True).first()
    chosen = choose_node(list(nodes_by_load()))
    if chosen is None:
        return None
    # Two pages may ask at once: the first to write wins, the other reads what it wrote.
    if Room.objects.filter(pk=room_pk, media_node=before).update(media_node=chosen, pinned_at=Now()):
        return chosen
    return MediaNode.objects.filter(rooms=room_pk).first()


def pin_elsewhere(instance: str, *, except_codes: Collection[str]) -> list[int]:
    """Pin the visits of a draining node to others and return them; none when there is no other that takes new ones."""
    moved = []
    rooms = Room.objects.filter(media_node__instance=instance).exclude(state=Room.State.ENDED)
    for pk in rooms.exclude(code__in=except_codes).values_list("pk", flat=True):
        others = [node for node in nodes_by_load() if node.instance != instance and not node.draining]
        chosen = choose_node(others)
        if chosen is None:
            break
        still_ours = Room.objects.filter(pk=pk, media_node__instance=instance)
        if Room.objects.filter(pk__in=still_ours.values("pk")).update(media_node=chosen, pinned_at=Now()):
            moved.append(pk)
    return moved
