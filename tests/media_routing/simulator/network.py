"""One direction of a link: a bottleneck with a finite queue, then a way with delay, jitter, loss and reordering."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from tests.media_routing.simulator.clock import Clock

# IPv4, UDP and the authentication tag of SRTP.
OVERHEAD_BYTES = 28 + 16


@dataclass
class LinkModel:
    """May be changed while packets travel; those on their way are not touched."""

    delay_s: float = 0.02
    jitter_s: float = 0.0
    """Up to so much extra per packet, in order unless it is reordered."""
    loss: float = 0.0
    burst_packets: float = 1.0
    """Mean length of a run of losses; 1 loses each packet on its own (Gilbert model above that)."""
    rate_bps: float | None = None
    queue_s: float = 0.3
    """What the bottleneck holds, as time at its rate; more is dropped at the tail."""
    bucket_bytes: int = 0
    """What may pass at once after a pause, as mobile and cable networks shape."""
    reorder: float = 0.0
    """Share of packets that are held up by `reorder_s` and overtaken."""
    reorder_s: float = 0.03
    stall_s: float = 0.0
    """How long at most nothing is read, once in each `stall_every_s`; then all at once. As a receiver without a free core."""
    stall_every_s: float = 1.0


class Link:
    def __init__(self, clock: Clock, random: Random, model: LinkModel, deliver: Callable[[bytes], None]) -> None:
        self.clock = clock
        self.model = model
        self.is_up = True
        self.sent = self.lost = self.overflowed = 0
        self.sent_bytes = 0
        self._random = random
        self._deliver = deliver
        self._free_at = 0.0
        self._last_arrival = 0.0
        self._in_burst = False

    def send(self, data: bytes) -> None:
        model, now = self.model, self.clock.now
        size = len(data) + OVERHEAD_BYTES
        self.sent += 1
        self.sent_bytes += size
        leaves = now
        if model.rate_bps:
            begins = max(now - model.bucket_bytes * 8 / model.rate_bps, self._free_at)
            if begins - now > model.queue_s:
                self.overflowed += 1
                return
            self._free_at = begins + size * 8 / model.rate_bps
            leaves = max(now, self._free_at)
        if not self.is_up or self._is_lost():
            self.lost += 1
            return
        arrival = leaves + model.delay_s
        if model.jitter_s:
            arrival += self._random.random() * model.jitter_s
        if model.reorder and self._random.random() < model.reorder:
            self.clock.at(arrival + model.reorder_s, self._arrive, data)
            return
        if model.stall_s:
            arrival += self._stalled_s(arrival)
        arrival = self._last_arrival = max(arrival, self._last_arrival)
        self.clock.at(arrival, self._arrive, data)

    def _stalled_s(self, arrival: float) -> float:
        """How long what arrives then waits to be read."""
        period, into_s = divmod(arrival, self.model.stall_every_s)
        return max(0.0, Random(int(period)).random() * self.model.stall_s - into_s)

    def _arrive(self, data: bytes) -> None:
        if self.is_up:
            self._deliver(data)

    def _is_lost(self) -> bool:
        model = self.model
        if not model.loss:
            return False
        if model.burst_packets <= 1:
            return self._random.random() < model.loss
        leave = 1 / model.burst_packets
        enter = leave * model.loss / (1 - model.loss)
        self._in_burst = self._random.random() >= leave if self._in_burst else self._random.random() < enter
        return self._in_burst
