"""The life of one process that carries media: it registers, beats, and drains when told to (REL-6).

Draining: no new visits; visits without media here are pinned to another rtc process at once, and their pages told so;
calls with media here go on until they end or the limit comes. Pages are warned 5 min and 1 min before. At the limit the
calls move too, if there is another process; else they are cut.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from typing import Any, Protocol

from channels.db import database_sync_to_async
from django.conf import settings
from django.db import DatabaseError

from consultations.rooms.actions import nodes
from consultations.rooms.nodes.pins import HEARTBEAT_S, own_url
from consultations.rooms.sockets import GuardedSocket
from consultations.rooms.sweeper import sweeper
from telemed.lib.ids import public_id

logger = logging.getLogger(__name__)

WARN_BEFORE_S = (300.0, 60.0)
LOOK_EVERY_S = 0.5
# Pages that were told to move have opened their new socket by then.
MOVE_WITHIN_S = 5.0


class Media(Protocol):
    """What the keeper needs of media_routing.api.MediaService."""

    @property
    def rooms(self) -> frozenset[str]: ...
    def drain(self) -> None: ...


class NodeKeeper:
    """One per process with role rtc or all; only rtc processes have a row."""

    def __init__(self, media: Media, *, load: Callable[[], float] = lambda: 0.0) -> None:
        self._media, self._load = media, load
        self._has_row = settings.PROCESS_ROLE == "rtc"
        self._instance = public_id()
        self._beating: asyncio.Task[None] | None = None
        self.is_draining = False

    async def start(self) -> None:
        """Register; pages may be led here from now on."""
        if self._has_row:
            await database_sync_to_async(nodes.register_node)(
                url=own_url(), number=settings.PROCESS_NUMBER, instance=self._instance
            )
            self._beating = asyncio.create_task(self._keep_beating())

    async def drain(self, limit_s: float) -> None:
        """Return when no call is left here, at the latest after `limit_s`."""
        ends_s = time.monotonic() + limit_s
        self.is_draining = True
        self._media.drain()
        if self._has_row:
            await self._try(nodes.beat, self._instance, load=self._load(), draining=True)
        await self._move(except_codes=self._media.rooms)
        warnings = [before_s for before_s in WARN_BEFORE_S if before_s < limit_s]
        while self._media.rooms and (left_s := ends_s - time.monotonic()) > 0:
            if warnings and left_s <= warnings[0]:
                await self._warn(warnings.pop(0))
            await asyncio.sleep(min(LOOK_EVERY_S, left_s))
        if self._media.rooms and await self._move(except_codes=()):
            await asyncio.sleep(MOVE_WITHIN_S)

    async def stop(self) -> None:
        """Beat no more."""
        if self._beating is not None:
            self._beating.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._beating
            self._beating = None
            await self._try(nodes.sign_off, self._instance)

    async def _keep_beating(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_S)
            known = await self._try(nodes.beat, self._instance, load=self._load(), draining=self.is_draining)
            if known is False:  # somebody deleted it, or it was restored from a backup; the port is ours
                await self._try(
                    nodes.register_node, url=own_url(), number=settings.PROCESS_NUMBER, instance=self._instance
                )

    async def _move(self, *, except_codes: Any) -> bool:
        """Pin this process's visits elsewhere and tell their pages. Return whether any moved."""
        if not self._has_row:
            return False
        moved = await self._try(nodes.pin_elsewhere, self._instance, except_codes=list(except_codes))
        if moved:
            await sweeper().sweep()  # it sees the new pins and says `moved`
        return bool(moved)

    async def _warn(self, before_s: float) -> None:
        for one in sweeper().sockets():
            if isinstance(one, GuardedSocket) and one.room_code in self._media.rooms:
                await one.send_quietly({"type": "notice", "code": "restart", "in_ms": int(before_s * 1000)})

    async def _try(self, write: Callable[..., Any], *args: Any, **fields: Any) -> Any:
        """A database that is away must not end the calls of this process (REL-7)."""
        try:
            return await database_sync_to_async(write)(*args, **fields)
        except DatabaseError as error:
            logger.error("%s failed: %s", write.__name__, type(error).__name__)
            return None
