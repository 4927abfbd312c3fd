"""The narrowest link of the way, as arrivals show it: how long packets wait there, and what it carries while they do."""

from __future__ import annotations

from collections import deque
from itertools import pairwise

from media_routing.sfu.bwe.arrivals import Arrivals

# Clocks drift apart by some ms a minute, and routes change: the least delay of one to two such spans is what counts.
_SPAN_S = 15.0
# A wait below this is jitter, and not looked at more closely.
_WAITED_S = 0.01
# So much of the last so long must have been spent sending one packet after the other before it says a rate.
_BUSY_S, _WINDOW_S = 0.1, 0.5


class Bottleneck:
    def __init__(self) -> None:
        self._least_s = self._before_s = float("inf")
        self._since: float | None = None
        self._last_s = float("-inf")
        self._busy: deque[tuple[float, float, int]] = deque()

    def queue_s(self, arrivals: Arrivals, now: float) -> float:
        """Seconds that the luckiest of these packets waited, above the least delay seen lately; 0 without any.

        A receiver that had no time to read for a while reads all at once: of what it reads then the last has hardly waited.
        A queue lets nobody pass.
        """
        if not arrivals.sent_at_s:
            return 0.0
        delay_s = min(map(float.__sub__, arrivals.arrived_at_s, arrivals.sent_at_s))
        if self._since is None or now - self._since > _SPAN_S:
            self._since, self._before_s, self._least_s = now, self._least_s, delay_s
        self._least_s = min(self._least_s, delay_s)
        return delay_s - self._base_s()

    def watch(self, arrivals: Arrivals) -> None:
        """Notes for how long the link was busy with these packets. Looks at each only where one has waited."""
        if not arrivals.sent_at_s:
            return
        sent_at_s, arrived_at_s = arrivals.sent_at_s, arrivals.arrived_at_s
        base_s, before_s = self._base_s(), self._last_s
        self._last_s = max(before_s, arrived_at_s[-1])
        if max(map(float.__sub__, arrived_at_s, sent_at_s)) - base_s < _WAITED_S:
            return
        busy_s, carried_bytes = 0.0, 0
        for sent_s, (earlier_s, at_s), size in zip(
            sent_at_s, pairwise((before_s, *arrived_at_s)), arrivals.sizes_bytes, strict=True
        ):
            # It was there already when the one before left: between the two the link carried this one and nothing else.
            if sent_s + base_s <= earlier_s <= at_s:
                busy_s += at_s - earlier_s
                carried_bytes += size
        self._busy.append((self._last_s, busy_s, carried_bytes))

    def rate_bps(self) -> float:
        """What it carried lately while it was never idle: all it can, however little was sent. 0 when that is not known."""
        busy = self._busy
        while busy and self._last_s - busy[0][0] > _WINDOW_S:
            busy.popleft()
        busy_s = sum(seconds for _, seconds, _ in busy)
        return sum(size for _, _, size in busy) * 8 / busy_s if busy_s >= _BUSY_S else 0.0

    def _base_s(self) -> float:
        return min(self._least_s, self._before_s)
