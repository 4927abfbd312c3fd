"""How long packets wait on the way: their delay above the least that was seen lately."""

from __future__ import annotations

from media_routing.sfu.bwe.arrivals import Arrivals

# Clocks drift apart by some ms a minute, and routes change: the least of one to two such spans is what counts.
_SPAN_S = 15.0


class QueueDelay:
    def __init__(self) -> None:
        self._least_s = self._before_s = float("inf")
        self._since: float | None = None

    def measure(self, arrivals: Arrivals, now: float) -> float:
        """Seconds that the luckiest of these packets waited; 0 without any."""
        if not arrivals.sent_at_s:
            return 0.0
        delay_s = min(map(float.__sub__, arrivals.arrived_at_s, arrivals.sent_at_s))
        if self._since is None or now - self._since > _SPAN_S:
            self._since, self._before_s, self._least_s = now, self._least_s, delay_s
        self._least_s = min(self._least_s, delay_s)
        return delay_s - min(self._least_s, self._before_s)
