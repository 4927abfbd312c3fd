"""Joins a receiver's transport feedback with what was sent: who arrived when, and how many did not.

Columns instead of an object per packet: feedback comes for every packet that was forwarded, twenty times a second from
each receiver, and costs as much as forwarding when it is read packet by packet.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from media_routing.sfu.bwe.sent_history import HISTORY_MASK, SentHistory

_REFERENCE_WRAP = 1 << 24
# How far back a lost packet may still turn out to be a late one; 1000 packets are two seconds of a busy leg.
_LOST_REMEMBERED = 1000
_NO_SIZES = array("H", bytes(2 * (HISTORY_MASK + 1)))


class Feedback(Protocol):
    """What is read of rtp.rtcp.TransportFeedback."""

    @property
    def base_sequence(self) -> int: ...
    @property
    def reference_time_64ms(self) -> int: ...
    @property
    def times_us(self) -> Sequence[int | None]: ...


class Arrivals(NamedTuple):
    """Packets that arrived, in the order of sending, as columns of one length. `sequences` do not wrap;
    `arrived_at_s` is on the receiver's clock."""

    sequences: Sequence[int]
    sent_at_s: Sequence[float]
    arrived_at_s: Sequence[float]
    sizes_bytes: Sequence[int]

    def select(self, indices: Sequence[int]) -> Arrivals:
        """These rows only."""
        return Arrivals(
            [self.sequences[index] for index in indices],
            [self.sent_at_s[index] for index in indices],
            [self.arrived_at_s[index] for index in indices],
            [self.sizes_bytes[index] for index in indices],
        )


class Report(NamedTuple):
    """What one feedback packet says that was not known before."""

    arrivals: Arrivals
    received: int
    lost: int


class ArrivalJoiner:
    """Remembers what was reported already, and the receiver's clock across its wrap every 12 days."""

    def __init__(self) -> None:
        self.highest = -1
        """The last packet that was told of, arrived or lost."""
        self._lost: set[int] = set()
        self._reference: int | None = None

    def join(self, feedback: Feedback, history: SentHistory) -> Report:
        """A packet first told lost and later arrived (reordered) takes one from `lost`, which may be negative then.

        Packets of feedback that was itself lost are neither received nor lost.
        """
        base_s = self._unwrap(feedback.reference_time_64ms) * 0.064
        times_us = feedback.times_us
        count = len(times_us)
        first = history.extend(feedback.base_sequence)
        if first is None or first <= self.highest or first + count > history.next_sequence or None in times_us:
            return self._join_singly(feedback, base_s, history)
        index = first & HISTORY_MASK
        end = index + count
        if end > HISTORY_MASK + 1:
            return self._join_singly(feedback, base_s, history)
        # All of them arrived and none was told of before: four copies.
        self.highest = first + count - 1
        sizes = history.sizes[index:end]
        history.sizes[index:end] = _NO_SIZES[:count]
        arrived_at_s = [base_s + time_us * 1e-6 for time_us in times_us]  # type: ignore[operator]
        arrivals = Arrivals(range(first, first + count), history.sent_at[index:end], arrived_at_s, sizes)
        return Report(arrivals, count, 0)

    def _join_singly(self, feedback: Feedback, base_s: float, history: SentHistory) -> Report:
        sequences: list[int] = []
        sent_at_s: list[float] = []
        arrived_at_s: list[float] = []
        sizes: list[int] = []
        lost = 0
        for number, time_us in enumerate(feedback.times_us, feedback.base_sequence):
            extended = history.extend(number)
            if extended is None:
                continue
            is_new = extended > self.highest
            if is_new:
                self.highest = extended
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
            if extended in self._lost:
                lost -= 1
                self._lost.discard(extended)
            sequences.append(extended)
            sent_at_s.append(history.sent_at[index])
            arrived_at_s.append(base_s + time_us * 1e-6)
            sizes.append(size)
        if len(self._lost) > _LOST_REMEMBERED:
            self._lost = {number for number in self._lost if number > self.highest - _LOST_REMEMBERED}
        return Report(Arrivals(sequences, sent_at_s, arrived_at_s, sizes), len(sizes), lost)

    def _unwrap(self, reference: int) -> int:
        if self._reference is None:
            self._reference = reference
            return reference
        step = (reference - self._reference) % _REFERENCE_WRAP
        if step >= _REFERENCE_WRAP // 2:
            step -= _REFERENCE_WRAP
        self._reference += step
        return self._reference
