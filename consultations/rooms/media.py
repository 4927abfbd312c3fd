"""The media service of this process: one for each event loop, opened when the server starts or when first needed.

    serve (rtc, all) ── media_service() at start, close_media() at the end
    VisitConsumer ───── media_service() on the first sfu_offer, then switchboard.py

Processes that only serve pages never open one.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from django.conf import settings

from media_routing import api


@dataclass
class _Slot:
    service: api.MediaService | None = None
    opening: asyncio.Lock = field(default_factory=asyncio.Lock)


_slots: WeakKeyDictionary[asyncio.AbstractEventLoop, _Slot] = WeakKeyDictionary()


def media_settings() -> api.MediaSettings:
    return api.MediaSettings(
        bind_address=settings.SFU_BIND_ADDRESS,
        udp_port=settings.SFU_UDP_PORT,
        advertised=tuple(settings.SFU_ADVERTISED_ADDRESSES),
        max_load=settings.SFU_MAX_LOAD,
        recording_reserve_bytes=settings.RECORDING_RESERVE_BYTES,
    )


async def media_service() -> api.MediaService:
    """Return the running service, started if need be. Raises OSError when its port is taken."""
    slot = _slot()
    async with slot.opening:
        if slot.service is None:
            service = api.MediaService(media_settings())
            await service.start()
            slot.service = service
    return slot.service


def running_media() -> api.MediaService | None:
    """Return the service if it was started; never starts one."""
    return _slot().service


async def close_media() -> None:
    """End every leg of this process and free the port."""
    slot = _slot()
    service, slot.service = slot.service, None
    if service is not None:
        await service.close()


def server_refusal(code: str, seats: int) -> api.ServerRefusal:
    """Return what the service says to taking in this visit with so many people; '' also when it carries it already."""
    service = running_media()
    if service is None or code in service.rooms:
        return ""
    try:
        service.can_carry(seats)
    except api.MediaRefused as refused:
        return "sfu_draining" if refused.code == "sfu_draining" else "sfu_full"
    return ""


def server_load_percent() -> int:
    """Return the share of what the service may carry that is used, 100 for all of it."""
    service = running_media()
    return 0 if service is None else round(100 * service.load / service.settings.max_load)


def _slot() -> _Slot:
    return _slots.setdefault(asyncio.get_running_loop(), _Slot())
