"""Virtual time: what is due next happens next, and takes no time."""

import heapq
from collections.abc import Callable
from itertools import count
from typing import Any

Action = Callable[..., Any]


class Clock:
    def __init__(self, start_s: float = 1000.0) -> None:
        self.now = start_s
        self._queue: list[tuple[float, int, Action, tuple[Any, ...]]] = []
        self._order = count()

    def at(self, when: float, action: Action, *args: Any) -> None:
        heapq.heappush(self._queue, (max(when, self.now), next(self._order), action, args))

    def after(self, seconds: float, action: Action, *args: Any) -> None:
        self.at(self.now + seconds, action, *args)

    def every(self, seconds: float, action: Action, *, first_s: float = 0.0) -> None:
        """Repeats until `action` returns False."""

        def step() -> None:
            if action() is not False:
                self.after(seconds, step)

        self.after(first_s, step)

    def run_for(self, seconds: float) -> None:
        end = self.now + seconds
        while self._queue and self._queue[0][0] <= end:
            self.now, _, action, args = heapq.heappop(self._queue)
            action(*args)
        self.now = end
