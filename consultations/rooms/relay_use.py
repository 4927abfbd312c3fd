"""What relays carried of a visit: counted from the path reports that are kept anyway, so it costs no row of its own.

Each end of a path counts for itself: a relay is paid for by the end that uses it. Between two reports of a person the path is
taken to be what the first of them said; leaving or the end of the visit closes the last one. A pause between leaving and
coming back therefore counts, and what a page could not report any more (200 reports a visit) goes on as it was.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Any

from django.db.models import QuerySet

from consultations.rooms.models import Participant, Room, RouteDecision


@dataclass(frozen=True, slots=True)
class RelayUse:
    """Seconds that media paths stood, summed over everybody, and how many of them went through a relay, by its region."""

    connected_s: float = 0.0
    relayed_s: Mapping[str, float] = field(default_factory=dict)

    @property
    def share(self) -> float:
        """0 to 1; 0 when nobody was connected."""
        return sum(self.relayed_s.values()) / self.connected_s if self.connected_s else 0.0

    def __add__(self, other: "RelayUse") -> "RelayUse":
        regions = self.relayed_s.keys() | other.relayed_s.keys()
        relayed_s = {name: self.relayed_s.get(name, 0.0) + other.relayed_s.get(name, 0.0) for name in sorted(regions)}
        return RelayUse(self.connected_s + other.connected_s, relayed_s)


@dataclass(frozen=True, slots=True)
class Standing:
    """One report of one person: since `at` the path is (not) connected, and goes (not) through their relay."""

    at: datetime
    connected: bool
    relayed: bool
    region: str = ""


def count_use(standings: Iterable[Standing], until: datetime) -> RelayUse:
    """Return what one person's reports say, up to `until`. Order does not matter."""
    connected_s, relayed_s = 0.0, dict[str, float]()
    ordered = sorted((one for one in standings if one.at <= until), key=lambda one: one.at)
    for now, after in pairwise([*ordered, Standing(until, False, False)]):
        lasted_s = (after.at - now.at).total_seconds()
        if now.connected:
            connected_s += lasted_s
            if now.relayed:
                relayed_s[now.region] = relayed_s.get(now.region, 0.0) + lasted_s
    return RelayUse(connected_s, relayed_s)


def relay_use_of(room: Room, *, now: datetime) -> RelayUse:
    """Return what relays carried of one visit so far. Two queries."""
    return _use_of({room.pk: room.ended_at or now})


def relay_use_in(rooms: QuerySet[Room], *, now: datetime) -> RelayUse:
    """Return what relays carried of all these visits. Three queries; nothing after the purge."""
    return _use_of({pk: ended_at or now for pk, ended_at in rooms.values_list("pk", "ended_at")})


def _use_of(ends: Mapping[int, datetime]) -> RelayUse:
    left = dict(Participant.objects.filter(room__in=ends).values_list("public_id", "left_at"))
    reports = RouteDecision.objects.filter(room__in=ends, trigger__startswith="path.")
    people: dict[tuple[int, str], list[Standing]] = {}
    for room_pk, at, trigger, reasons in reports.values_list("room_id", "at", "trigger", "reasons"):
        told: dict[str, Any] = reasons[0]
        standing = Standing(at, trigger == "path.connected", told["local"] == "relay", told.get("region", ""))
        people.setdefault((room_pk, told["participant"]), []).append(standing)
    total = RelayUse()
    for (room_pk, person), standings in people.items():
        gone_at, end = left.get(person), ends[room_pk]
        last = max(one.at for one in standings)
        # Who came back has reported since they left.
        until = gone_at if gone_at and last <= gone_at < end else end
        total += count_use(standings, until)
    return total
