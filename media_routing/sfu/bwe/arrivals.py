"""Joins a receiver's transport feedback with what was sent: who arrived when, and how many did not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from media_routing.sfu.bwe.sent_history import HISTORY_MASK, SentHistory

_REFERENCE_WRAP = 1 << 24
# How far back a lost packet may still turn out to be a late one; 1000 packets are two seconds of a busy leg.
_LOST_REMEMBERED = 1000


class Feedback(Protocol):
    """What is read of rtp.rtcp.TransportFeedback."""

    @property
    def reference_time_64ms(self) -> int: ...
    @property
    def arrivals(self) -> Sequence[tuple[int, int | None]]: ...


class Arrival(NamedTuple):
    """One packet that arrived. `sequence` does not wrap; `arrived_at_s` is on the receiver's clock."""

    sequence: int
    sent_at_s: float
    arrived_at_s: float
    size_bytes: int


class Report(NamedTuple):
    """What one feedback packet says that was not known before. Arrivals are in the order of sending."""

    arrivals: list[Arrival]
    received: int
    lost: int


class ArrivalJoiner:
    """Remembers what was reported already, and the receiver's clock across its wrap every 12 days."""

    def __init__(self) -> None:
        self._highest = -1
        self._lost: set[int] = set()
        self._reference: int | None = None

    def join(self, feedback: Feedback, history: SentHistory) -> Report:
        """A packet first told lost and later arrived (reordered) takes one from `lost`, which may be negative then.

        Packets of feedback that was itself lost are neither received nor lost.
        """
        base_s = self._unwrap(feedback.reference_time_64ms) * 0.064
        arrivals: list[Arrival] = []
        received = lost = 0
        for sequence, time_us in feedback.arrivals:
            extended = history.extend(sequence)
            if extended is None:
                continue
            is_new = extended > self._highest
            if is_new:
                self._highest = extended
            if time_us is None:
                if is_new:
                    lost += 1
                    self._lost.add(extended)
                continue
            index = extended & HISTORY_MASK
            size = history.sizes[index]
            if size == 0:
                continue
            history.sizes[index] = 0
            received += 1
            if extended in self._lost:
                lost -= 1
                self._lost.discard(extended)
            arrivals.append(Arrival(extended, history.sent_at[index], base_s + time_us / 1e6, size))
        if len(self._lost) > _LOST_REMEMBERED:
            self._lost = {number for number in self._lost if number > self._highest - _LOST_REMEMBERED}
        return Report(arrivals, received, lost)

    def _unwrap(self, reference: int) -> int:
        if self._reference is None:
            self._reference = reference
            return reference
        step = (reference - self._reference) % _REFERENCE_WRAP
        if step >= _REFERENCE_WRAP // 2:
            step -= _REFERENCE_WRAP
        self._reference += step
        return self._reference
