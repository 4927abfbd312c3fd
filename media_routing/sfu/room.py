"""A room of the SFU: legs come and go, packets go in, packets leave through `Outgoing`, events are fetched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from media_routing.sfu.config import RoomConfig
from media_routing.sfu.events import Event, Want
from media_routing.sfu.leg import Leg
from media_routing.sfu.outgoing import Outgoing
from media_routing.sfu.plan import LegPlan


@dataclass(frozen=True, slots=True)
class RoomStats:
    """Totals since the room began."""

    legs: int
    packets_in: int
    packets_out: int
    bytes_in: int
    bytes_out: int
    dropped: int


class Room:
    """One visit's forwarding. `now` is monotonic seconds from any origin, the same for all calls."""

    def __init__(self, out: Outgoing, random: Random, config: RoomConfig = RoomConfig()) -> None:  # noqa: B008 frozen
        self.out = out
        self.config = config
        self.legs: dict[str, Leg] = {}

    def add_leg(self, key: str, plan: LegPlan, link: object, now: float) -> Leg:
        """A participant's new leg. A leg of the same key is replaced: its sources keep their slots with the others."""
        raise NotImplementedError

    def remove_leg(self, leg: Leg, now: float) -> None:
        """The leg is gone; nothing happens when it was replaced or removed before."""
        raise NotImplementedError

    def receive_rtp(self, leg: Leg, arena: memoryview, offset: int, size: int, now: float) -> None:
        """One plaintext RTP packet; the 32 bytes before `offset` are overwritten. Raises for no bytes whatever."""
        raise NotImplementedError

    def receive_rtcp(self, leg: Leg, data: bytes, now: float) -> None:
        """One plaintext compound RTCP packet. Raises for no bytes whatever."""
        raise NotImplementedError

    def set_wants(self, leg: Leg, wants: Sequence[Want], now: float) -> None:
        """What this receiver shows; a source that is not named is not sent, unless it appears later (then smallest)."""
        raise NotImplementedError

    def keep_layer(self, key: str, on: bool) -> None:
        """Whether this participant's camera keeps its layer when the others' drop (an interpreter, CLIN-8)."""
        raise NotImplementedError

    def tick(self, now: float) -> None:
        """Do what is due. Call it at `deadline()`, or sooner."""
        raise NotImplementedError

    def deadline(self) -> float:
        """When `tick` is due next; it may move closer with every packet received."""
        raise NotImplementedError

    def take_events(self) -> list[Event]:
        """Events since the last call, oldest first."""
        raise NotImplementedError

    def stats(self, now: float) -> RoomStats:
        raise NotImplementedError
