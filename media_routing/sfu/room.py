"""A room of the SFU: legs come and go, packets go in, packets leave through `Outgoing`, events are fetched.

publisher leg                                                      subscriber legs
receive_rtp -> Publisher -> Encoding --(fan-out)--> Slot -> Rewriter -> Pacer -> Outgoing
               by ssrc,     cache, loss,            one per             bursts
               mid + rid    key frames, bitrate     output stream
receive_rtcp -> sender reports -> clocks            NACK -> Repair (RTX) out of the encoding's cache
                                                    feedback -> estimator -> allocator -> which encoding a slot gets
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from random import Random

from media_routing.rtp.rtcp import RtcpError
from media_routing.sfu.config import RoomConfig
from media_routing.sfu.events import Event, SlotsMapped, Speakers, Want
from media_routing.sfu.leg import Leg
from media_routing.sfu.outgoing import Outgoing
from media_routing.sfu.plan import LegPlan
from media_routing.sfu.source import Source
from media_routing.sfu.speaker import SpeakerDetector

DEFAULT_CONFIG = RoomConfig()
# Events nobody fetches are forgotten, oldest first.
_MAX_EVENTS = 1000


@dataclass(frozen=True, slots=True)
class RoomStats:
    """Totals of the legs that are here now."""

    legs: int
    packets_in: int
    packets_out: int
    bytes_in: int
    bytes_out: int
    dropped: int
    """Packets that belonged to nobody, were malformed, double or over their sender's limit."""


class Room:
    """One visit's forwarding. `now` is monotonic seconds from any origin, the same for all calls."""

    def __init__(self, out: Outgoing, random: Random, config: RoomConfig = DEFAULT_CONFIG) -> None:
        self.out = out
        self.config = config
        self.legs: dict[str, Leg] = {}
        self._random = random
        self._speakers: SpeakerDetector[str] = SpeakerDetector()
        self._kept: set[str] = set()
        self._events: list[Event] = []
        self._pulsed_at = float("-inf")
        self._urgent_at = float("inf")

    # Who is here.

    def add_leg(self, key: str, plan: LegPlan, link: object, now: float, out: Outgoing | None = None) -> Leg:
        """A participant's new leg. A leg of the same key is replaced: its sources keep their slots with the others.
        `out` takes the packets of a leg that is no participant, e.g. a recorder: it has no place among the speakers."""
        before = self.legs.pop(key, None)
        self._drop(before, now)
        leg = Leg(
            key,
            plan,
            link,
            out or self.out,
            self._random,
            self.config,
            on_start=self._on_start,
            on_level=self._speakers.on_level,
            hurry=self._hurry,
            now=now,
        )
        self.legs[key] = leg
        if out is None:
            self._speakers.add(key, now)
        if before is not None:
            leg.publisher.follow(before.publisher)
            self._map_all(now)
        self._map(leg, now, tell=True)
        self._hurry(now)
        return leg

    def remove_leg(self, leg: Leg, now: float) -> None:
        """The leg is gone; nothing happens when it was replaced or removed before."""
        if self.legs.get(leg.key) is not leg:
            return
        del self.legs[leg.key]
        self._speakers.remove(leg.key)
        self._drop(leg, now)
        self._tell_speakers()
        self._map_all(now)

    def _drop(self, leg: Leg | None, now: float) -> None:
        if leg is None:
            return
        leg.subscriber.close(now)
        for source in leg.publisher.sources:
            for encoding in source.encodings:
                for slot in [*encoding.forwarding, *encoding.waiting]:
                    slot.aim(None, now)
                encoding.cache.clear()
        self._hurry(now)

    # What comes in.

    def receive_rtp(self, leg: Leg, arena: memoryview, places: Iterable[tuple[int, int, float]], now: float) -> None:
        """Plaintext RTP packets that are taken together, in order, as (offset, size, time of arrival); the 32 bytes before
        each are overwritten. Raises for no bytes whatever."""
        leg.malformed += leg.publisher.receive(arena, places, now)

    def receive_rtcp(self, leg: Leg, data: bytes, now: float) -> None:
        """One plaintext compound RTCP packet. Raises for no bytes whatever."""
        try:
            leg.receive_rtcp(data, now)
        except RtcpError:
            leg.malformed += 1

    def set_wants(self, leg: Leg, wants: Sequence[Want], now: float) -> None:
        """What this receiver shows; a source that is not named is not sent, unless it appears later (then smallest)."""
        leg.subscriber.set_wants(wants, now)
        self._map(leg, now)
        self._allocate(leg, now)

    def keep_layer(self, key: str, on: bool) -> None:
        """Whether this participant's camera keeps its layer when the others' drop (an interpreter, CLIN-8)."""
        (self._kept.add if on else self._kept.discard)(key)
        self._note_change()

    # What time brings.

    def tick(self, now: float) -> None:
        """Do what is due. Call it at `deadline()`, or sooner."""
        elapsed = now - self._pulsed_at
        early_s = 0.0
        if elapsed >= self.config.pulse_s:
            self._pulsed_at = now
            self._pulse(min(elapsed, 1.0), now)
            # Feedback falls into step with the pulse, so that a room is not gone through twice in the same time.
            early_s = self.config.pulse_s / 2
        urgent_at = float("inf")
        for leg in self.legs.values():
            due = leg.send_due(now, early_s)
            if due < urgent_at:
                urgent_at = due
        self._urgent_at = urgent_at

    def deadline(self) -> float:
        """When `tick` is due next; it may move closer with every packet received. Infinity in an empty room."""
        if not self.legs:
            return float("inf")
        pulse_at = self._pulsed_at + self.config.pulse_s
        return self._urgent_at if self._urgent_at < pulse_at else pulse_at

    def _pulse(self, elapsed_s: float, now: float) -> None:
        live = {source.key for source in self._sources() if source.is_live}
        changed = [leg.pulse(elapsed_s, now) for leg in self.legs.values()]
        if any(changed):
            self._note_change()
        if self._speakers.tick(now):
            self._tell_speakers()
            self._push_back_silence()
            self._map_all(now)
        elif live != {source.key for source in self._sources() if source.is_live}:
            self._map_all(now)
        places, kept = self._places(), frozenset(self._kept)
        for leg in self.legs.values():
            leg.subscriber.allocate(places, kept, now)
            leg.subscriber.begin_anew(now)
            quality = leg.take_quality(now)
            if quality is not None:
                self._tell(quality)

    def _hurry(self, at: float) -> None:
        self._urgent_at = min(self._urgent_at, at)

    # Who is seen and heard.

    def _sources(self) -> Iterator[Source]:
        for leg in self.legs.values():
            yield from leg.publisher.sources

    def _on_start(self, source: Source, now: float) -> None:
        source.measure(now)
        self._map_all(now)
        for leg in self.legs.values():
            self._allocate(leg, now)

    def _map_all(self, now: float) -> None:
        for leg in self.legs.values():
            self._map(leg, now)

    def _map(self, leg: Leg, now: float, *, tell: bool = False) -> None:
        """A screen has a slot while it is shared; microphones and cameras from their first packet on."""
        to_be_had = [
            source
            for source in self._sources()
            if source.key[0] != leg.key and (source.is_live if source.key[1] == "screen" else source.has_started)
        ]
        if leg.subscriber.map(to_be_had, self._places(), now) or tell:
            self._tell(SlotsMapped(leg, leg.subscriber.mapped()))

    def _places(self) -> dict[str, int]:
        return {key: place for place, key in enumerate(self._speakers.order)}

    def _note_change(self) -> None:
        for leg in self.legs.values():
            leg.subscriber.allocator.note_change()

    def _allocate(self, leg: Leg, now: float) -> None:
        leg.subscriber.allocate(self._places(), frozenset(self._kept), now)

    def _push_back_silence(self) -> None:
        """Last-N: the microphones of those who have not had the word for longest may be held back while muted."""
        front = self._speakers.order[: self.config.audio_last_n]
        for source in self._sources():
            if not source.is_video:
                if source.key[0] in front:
                    source.bring_forward()
                else:
                    source.is_background = True

    # What is told.

    def _tell_speakers(self) -> None:
        self._tell(Speakers(self._speakers.order, self._speakers.speaking))

    def _tell(self, event: Event) -> None:
        if len(self._events) >= _MAX_EVENTS:
            del self._events[0]
        self._events.append(event)

    def take_events(self) -> list[Event]:
        """Events since the last call, oldest first."""
        events, self._events = self._events, []
        return events

    def stats(self, now: float) -> RoomStats:
        publishers = [leg.publisher for leg in self.legs.values()]
        subscribers = [leg.subscriber for leg in self.legs.values()]
        return RoomStats(
            legs=len(self.legs),
            packets_in=sum(publisher.packets for publisher in publishers),
            packets_out=sum(subscriber.packets() for subscriber in subscribers),
            bytes_in=sum(publisher.bytes for publisher in publishers),
            bytes_out=sum(subscriber.octets() for subscriber in subscribers),
            dropped=sum(leg.malformed + leg.publisher.total_dropped() for leg in self.legs.values()),
        )
