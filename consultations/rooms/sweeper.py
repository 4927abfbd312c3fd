"""One look for all: every few seconds a process asks the database in bulk which of its sockets may stay and are up to date.

Nudges are the fast way and may be lost (SEC-4 allows five seconds). Were every socket to look for itself, 500 waiting
patients would keep the one database thread busy with 150 visits a second.

    Sweeper ── questions of 100 sockets ──▶ database thread (a socket class's `answer_all`) ──▶ socket.hear(answer)
"""

import asyncio
import contextvars
import itertools
import logging
from collections.abc import Sequence
from typing import Any, Protocol
from weakref import WeakKeyDictionary

from channels.db import database_sync_to_async

logger = logging.getLogger(__name__)

# The pause between two sweeps. With a sweep's own time it must stay clear of the five seconds of SEC-4.
SWEEP_S = 2.0
# Sockets per visit of the database thread: others want it too.
BATCH = 100
# Who cannot be examined cannot stay: after this many failures in a row (a database that is gone) they come back later.
MAX_FAILURES = 5


class Swept(Protocol):
    """A socket as the sweeper sees it. An answer of None means that nothing changed, and is not delivered."""

    is_closed: bool

    def question(self) -> Any: ...

    @staticmethod
    def answer_all(questions: Sequence[Any]) -> list[Any]: ...

    def hear(self, answer: Any) -> None: ...

    def give_up(self) -> None: ...


class Sweeper:
    """One per event loop; runs while there are sockets."""

    def __init__(self) -> None:
        self._sockets: dict[Swept, None] = {}
        self._task: asyncio.Task[None] | None = None

    def add(self, socket: Swept) -> None:
        self._sockets[socket] = None
        if self._task is None or self._task.done():
            # A context of its own: it outlives the socket that happened to be first.
            loop = asyncio.get_running_loop()
            self._task = loop.create_task(self._keep_sweeping(), context=contextvars.Context())

    def remove(self, socket: Swept) -> None:
        self._sockets.pop(socket, None)

    def sockets(self) -> list[Swept]:
        """Return the sockets of this process that are open."""
        return [socket for socket in self._sockets if not socket.is_closed]

    async def _keep_sweeping(self) -> None:
        failures = 0
        while self._sockets:
            await asyncio.sleep(SWEEP_S)
            try:
                await self.sweep()
                failures = 0
            except Exception as error:  # noqa: BLE001  the outermost loop; the text may hold personal data
                failures += 1
                logger.error("sweep failed: %s", type(error).__name__)
            if failures >= MAX_FAILURES:
                failures = 0
                for socket in list(self._sockets):
                    socket.give_up()

    async def sweep(self) -> None:
        """Ask once for every socket that is open now."""
        staying = sorted(self.sockets(), key=lambda socket: type(socket).__name__)
        for _, group in itertools.groupby(staying, key=type):
            sockets = list(group)
            for at in range(0, len(sockets), BATCH):
                batch = sockets[at : at + BATCH]
                questions = [socket.question() for socket in batch]
                answers = await database_sync_to_async(batch[0].answer_all)(questions)
                for socket, answer in zip(batch, answers, strict=True):
                    if answer is not None:
                        socket.hear(answer)


_sweepers: WeakKeyDictionary[asyncio.AbstractEventLoop, Sweeper] = WeakKeyDictionary()


def sweeper() -> Sweeper:
    """Return the sweeper of the running loop."""
    return _sweepers.setdefault(asyncio.get_running_loop(), Sweeper())
