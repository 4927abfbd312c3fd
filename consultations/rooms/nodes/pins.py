"""Where a visit's sockets and media are served: reads, and the address that a page gets."""

from collections.abc import Collection
from datetime import timedelta
from typing import Literal

from django.conf import settings
from django.db.models import Count, Q, QuerySet
from django.db.models.functions import Now

from consultations.rooms.models import MediaNode, Room

HEARTBEAT_S = 2.0
# Three beats may be missed: a busy database must not move visits, a dead process must not keep them long.
DEAD_AFTER_S = 8.0
# Loads closer than this are equal: they are two seconds old, and a visit weighs more.
LOAD_STEP = 0.05

Entrance = Literal["staff", "seat"]


class NoNode(Exception):
    """No rtc process is alive. It is told to come back later."""


def is_alive() -> Q:
    """The condition of a live node, by the database's clock: machines differ."""
    return Q(heartbeat_at__gte=Now() - timedelta(seconds=DEAD_AFTER_S))


def nodes_by_load() -> QuerySet[MediaNode]:
    """Return live nodes with how many visits they have (`visits`): those that take new ones first. One query."""
    going_on = ~Q(rooms__state=Room.State.ENDED) & Q(rooms__pinned_at__gte=Now() - timedelta(hours=12))
    return MediaNode.objects.filter(is_alive()).annotate(visits=Count("rooms", filter=going_on)).order_by("number")


def choose_node(nodes: Collection[MediaNode]) -> MediaNode | None:
    """Return the node for one more visit. A draining one is better than none: calls between two browsers need no media there."""
    return min(
        nodes,
        key=lambda node: (node.draining, int(node.load / LOAD_STEP), getattr(node, "visits", 0), node.number),
        default=None,
    )


def visit_path(code: str, entrance: Entrance) -> str:
    return f"/ws/visit/{code}/?as={entrance}"


def visit_socket_url(room: Room, entrance: Entrance) -> str:
    """Return the address of the visit's socket for a page: absolute, or a path when this process serves it itself."""
    from consultations.rooms.actions.nodes import pin_room

    if settings.PROCESS_ROLE == "all":
        return visit_path(room.code, entrance)
    node = pin_room(room.pk)
    # Without any node the page's own server answers: come back later.
    return (node.url if node else "") + visit_path(room.code, entrance)


def own_url() -> str:
    """Return where browsers reach this rtc process."""
    return settings.RTC_URL.format(index=settings.PROCESS_NUMBER, port=settings.PROCESS_PORT)


def moved_to(room_pk: int) -> str | None:
    """Return the address of the node that serves the visit when it is not this process; raise NoNode. One to four queries."""
    from consultations.rooms.actions.nodes import pin_room

    if settings.PROCESS_ROLE == "all":
        return None
    node = pin_room(room_pk)
    if node is None:
        raise NoNode
    return None if settings.PROCESS_ROLE == "rtc" and node.url == own_url() else node.url


def moved_rooms(room_pks: Collection[int]) -> dict[int, str]:
    """Return those of this process's visits that were pinned elsewhere, with the address. One query, none in one process."""
    if settings.PROCESS_ROLE == "all" or not room_pks:
        return {}
    elsewhere = Room.objects.filter(pk__in=room_pks, media_node__isnull=False).exclude(media_node__url=own_url())
    return dict(elsewhere.values_list("pk", "media_node__url"))


def known_origins() -> list[str]:
    """Return the origins of every node that ever was, for the pages' Content-Security-Policy. One query, none in one process."""
    if settings.PROCESS_ROLE == "all":
        return []
    urls = MediaNode.objects.order_by("url").values_list("url", flat=True)
    return list(dict.fromkeys("/".join(url.split("/", 3)[:3]) for url in urls))
