"""One running room: its forwarding core, who is connected or about to be, and who is told what."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random

from media_routing.runtime import telling
from media_routing.runtime.link import Link
from media_routing.runtime.terms import Listener
from media_routing.sfu.events import Event, LegQuality, SlotsMapped, Want
from media_routing.sfu.leg import Leg
from media_routing.sfu.outgoing import Outgoing
from media_routing.sfu.room import Room

# While someone is lost the others hear again how long it has been.
LOST_AGAIN_S = 1.0


@dataclass
class Seat:
    """One participant. `link` is connected, `coming` waits for its handshake: after both were one, the old one ends."""

    link: Link | None = None
    coming: Link | None = None
    wants: Sequence[Want] | None = None
    keep_layer: bool = False
    told_lost_at: float = 0.0
    quality: LegQuality | None = None

    def links(self) -> Iterator[Link]:
        yield from (link for link in (self.link, self.coming) if link is not None)


@dataclass
class RunningRoom:
    """`call_later` puts a listener's call after the engine's turn, so that nothing it does can harm the others."""

    key: str
    size: int
    room: Room
    call_later: Callable[[Listener, dict[str, object]], None]
    seats: dict[str, Seat] = field(default_factory=dict)

    @classmethod
    def open(
        cls, key: str, size: int, out: Outgoing, random: Random, call_later: Callable[[Listener, telling.Message], None]
    ) -> RunningRoom:
        return cls(key, size, Room(out, random), call_later)

    def links(self) -> list[Link]:
        return [link for seat in self.seats.values() for link in seat.links()]

    def connect(self, link: Link, leg_plan: object, now: float) -> Link | None:
        """The link's handshake is through: it takes the seat. Returns the link that it replaces."""
        seat = self.seats[link.participant]
        before, seat.link, seat.coming = seat.link, link, None
        link.room = self.room
        link.leg = self.room.add_leg(link.participant, leg_plan, link, now)  # type: ignore[arg-type]
        self.room.keep_layer(link.participant, seat.keep_layer)
        if seat.wants is not None:
            self.room.set_wants(link.leg, seat.wants, now)
        self.tell_others(link.participant, telling.presence(link.participant, 0, lost=False))
        for key, other in self.seats.items():
            if key != link.participant and other.link is not None:
                silence_s = now - other.link.heard
                self.call_later(link.listener, telling.presence(key, silence_s, lost=other.link.lost))
        return before

    def disconnect(self, link: Link, now: float) -> None:
        """The link is gone; the seat goes with its last link."""
        seat = self.seats.get(link.participant)
        if link.leg is not None:
            self.room.remove_leg(link.leg, now)
        if seat is None:
            return
        if seat.link is link:
            seat.link = None
        if seat.coming is link:
            seat.coming = None
        if seat.link is None and seat.coming is None:
            del self.seats[link.participant]

    def tell_others(self, participant: str, message: telling.Message) -> None:
        for key, seat in self.seats.items():
            if key != participant and seat.link is not None:
                self.call_later(seat.link.listener, message)

    def watch(self, now: float, lost_after_s: float) -> None:
        """Tells the others who fell silent, for how long, and who came back (CLIN-3)."""
        for key, seat in self.seats.items():
            if (link := seat.link) is None:
                continue
            silence_s = now - link.heard
            lost = silence_s >= lost_after_s
            if lost != link.lost or (lost and now - seat.told_lost_at >= LOST_AGAIN_S):
                link.lost, seat.told_lost_at = lost, now
                self.tell_others(key, telling.presence(key, silence_s, lost=lost))

    def tell_events(self) -> None:
        for event in self.room.take_events():
            self._tell(event)

    def _tell(self, event: Event) -> None:
        if isinstance(event, SlotsMapped):
            if (seat := self._seat_of(event.leg)) is not None and seat.link is not None:
                self.call_later(seat.link.listener, telling.slots(seat.link.connection, event))
        elif isinstance(event, LegQuality):
            if (seat := self._seat_of(event.leg)) is not None and seat.link is not None:
                seat.quality = event
                known = {key: one.quality for key, one in self.seats.items() if one.quality is not None}
                self.call_later(seat.link.listener, telling.quality(event, known))
        else:
            for seat in self.seats.values():
                if seat.link is not None:
                    self.call_later(seat.link.listener, telling.speakers(event))

    def _seat_of(self, leg: Leg) -> Seat | None:
        seat = self.seats.get(leg.key)
        return seat if seat is not None and seat.link is not None and seat.link.leg is leg else None
