"""Spreads bursts over time: a key frame at once would overrun the queue of a slow link.

A token bucket with a bounded queue behind it. Audio never asks: it is small, and late audio is lost audio.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")

# libwebrtc: 2.5 by default, 1.1 in later trials, of a rate that includes audio, which the leg takes off before. Higher: the
# key frame of a layer just switched on queues in a slow link, which looks like congestion. Lower: it waits here.
_FACTOR = 1.2
_BURST_S = 0.01
_BURST_MIN_BYTES = 1_500
# What waits longer is worthless to a call; the receiver's NACK or a key frame repairs the hole.
_QUEUE_S = 0.4
_QUEUE_MIN_BYTES = 60_000


class Pacer(Generic[T]):
    """Items are whatever the leg needs to send a packet later; numbers that must rise on the wire are given then."""

    def __init__(self, target_bps: float, now: float) -> None:
        self._queue: deque[tuple[T, int, float]] = deque()
        self.queued_bytes = 0
        """What waits."""
        self._taken_at = now
        self.dropped = 0
        self._bps = 0.0
        self.set_target(target_bps)
        self._tokens = self._burst_bytes

    def set_target(self, bps: float, most_bps: float = float("inf")) -> None:
        """Paces somewhat above `bps`, but not above `most_bps`."""
        paced_bps = max(bps, min(bps * _FACTOR, most_bps))
        if paced_bps == self._bps:
            return
        self._bps = paced_bps
        self._bytes_per_s = paced_bps / 8
        self._burst_bytes = max(self._bytes_per_s * _BURST_S, _BURST_MIN_BYTES)
        self._queue_bytes = max(self._bytes_per_s * _QUEUE_S, _QUEUE_MIN_BYTES)

    def take(self, sizes: Sequence[int], now: float) -> int:
        """How many of the packets of these sizes may leave at once, the first ones; `push` the others."""
        if self._queue:
            return 0
        if now != self._taken_at:
            self._refill(now)
        tokens = self._tokens
        total = sum(sizes)
        if tokens > total:
            self._tokens = tokens - total
            return len(sizes)
        # The bucket may go into debt by one packet: else a packet larger than what is left waits for a full refill.
        count = 0
        for size in sizes:
            if tokens <= 0:
                break
            tokens -= size
            count += 1
        self._tokens = tokens
        return count

    def spend(self, size: int, now: float) -> None:
        """Notes what was sent without asking, e.g. a repair, which is late already: what is new waits for it."""
        if now != self._taken_at:
            self._refill(now)
        self._tokens -= size

    def _refill(self, now: float) -> None:
        tokens = self._tokens + (now - self._taken_at) * self._bytes_per_s
        self._taken_at = now
        self._tokens = tokens if tokens < self._burst_bytes else self._burst_bytes

    def push(self, item: T, size: int, now: float, *, urgent: bool = False) -> bool:
        """Queues, in front when `urgent` (a repair is already late). False: dropped, the queue is full."""
        if self.queued_bytes + size > self._queue_bytes:
            self.dropped += 1
            return False
        self.queued_bytes += size
        if urgent:
            self._queue.appendleft((item, size, now))
        else:
            self._queue.append((item, size, now))
        return True

    def release(self, now: float) -> Iterator[T]:
        """Yields what may leave now, in order; each is out of the queue when yielded."""
        if not self._queue:
            return
        self._refill(now)
        while self._queue and self._tokens > 0:
            item, size, _ = self._queue.popleft()
            self.queued_bytes -= size
            self._tokens -= size
            yield item

    def take_back(self, belongs: Callable[[T], bool]) -> list[T]:
        """Takes out of the queue what shall not be sent any more, in order."""
        taken = [item for item, _, _ in self._queue if belongs(item)]
        if taken:
            self._queue = deque(entry for entry in self._queue if not belongs(entry[0]))
            self.queued_bytes = sum(size for _, size, _ in self._queue)
        return taken

    def waiting(self) -> list[tuple[T, float]]:
        """What waits and since when, in the order in which it leaves."""
        return [(item, at) for item, _, at in self._queue]

    def clear(self) -> None:
        """Forgets what waits, e.g. when its source is switched away."""
        self._queue.clear()
        self.queued_bytes = 0

    def deadline(self) -> float:
        """When `release` has something to give; infinity with an empty queue."""
        if not self._queue:
            return float("inf")
        return self._taken_at + max(0.0, (1 - self._tokens) / self._bytes_per_s)
