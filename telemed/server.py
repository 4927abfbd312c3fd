"""Starts Daphne with our limits (SEC-10) on one address, and ends it in order."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import uvloop
from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone

from telemed.processes import LIFELINE_FD, READY_FD, SHARED_FD, inherited_fd

if TYPE_CHECKING:
    from consultations.rooms.nodes.keeper import NodeKeeper

logger = logging.getLogger(__name__)


EXIT_WITHIN_S = 3.0


def refuse_wrong_settings() -> None:
    """Raise ImproperlyConfigured, naming them, if a system check finds an error: missing triggers, python -O, bad keys."""
    serious = [message for message in checks.run_checks(databases=["default"]) if message.is_serious()]
    if serious:
        raise ImproperlyConfigured("\n".join(str(message) for message in serious))


def refuse_to_start() -> None:
    """Raise for what must not serve anybody: keys that open nothing, demo users outside the demo, wrong settings."""
    from consultations.demo.people import refuse_demo_users
    from telemed.vault import check_keys

    check_keys()
    refuse_demo_users()
    refuse_wrong_settings()


def run(
    host: str, port: int, *, ready: Callable[[int], None] | None = None, drains: bool = False, metrics_port: int = 0
) -> int:
    """Serve until SIGINT or SIGTERM and return the exit code.

    `ready(port)` is called once everything listens; port 0 picks a free one. `drains`: SIGTERM waits for running calls.
    In a process that a supervisor started, the listening socket may be inherited (telemed.processes).
    """
    # The policy must be set before Twisted's reactor exists.
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    from daphne.endpoints import build_endpoint_description_strings
    from daphne.server import Server, twisted_loop
    from twisted.internet import reactor

    refuse_to_start()
    process = _Process(twisted_loop, reactor, drains=drains)
    shared = inherited_fd(SHARED_FD)
    addresses = [] if shared is not None else [(host, port)]
    if metrics_port:
        addresses.append(("127.0.0.1", metrics_port))
    # Twisted's backlog of 50 resets connections when a clinic's pages all come back at once.
    endpoints = [
        f"{endpoint}:backlog=1024" for address in addresses for endpoint in build_endpoint_description_strings(*address)
    ]

    def listening() -> None:
        if shared is not None:
            listener = socket.socket(fileno=os.dup(shared))
            reactor.adoptStreamPort(listener.fileno(), listener.family, server.http_factory)
            listener.close()  # the reactor keeps a duplicate
        found = server.listening_addresses[0][1] if server.listening_addresses else port
        process.begin(lambda: ready(found) if ready else None)

    server = Server(
        process.application,
        endpoints=endpoints or ["inherited"],
        signal_handlers=False,
        websocket_max_message_size=settings.SIGNALING_MAX_MESSAGE_BYTES,
        websocket_max_frame_size=settings.SIGNALING_MAX_MESSAGE_BYTES,
        websocket_handshake_timeout=5,
        ready_callable=listening,
        server_name="",
        # Daphne would believe the first entry, which the client wrote: see telemed.accounts.addresses (SEC-17).
        proxy_forwarded_address_header=None,
        verbosity=1,
    )
    server.endpoints = endpoints  # it refuses to be made without any
    server.run()
    code = process.exit_code if not server.abort_start else 1
    # A database thread that waits for the loop, which turns no more, would keep the interpreter from ending for ever.
    giving_up = threading.Timer(EXIT_WITHIN_S, os._exit, (code,))
    giving_up.daemon = True
    giving_up.start()
    return code


class _Process:
    """Media, heartbeat, signals and the way out, around the application."""

    def __init__(self, loop: asyncio.AbstractEventLoop, reactor: Any, *, drains: bool) -> None:
        from telemed.asgi import application
        from telemed.monitoring import Monitoring

        self._loop, self._reactor, self._drains = loop, reactor, drains
        self._media: Any = None
        self._keeper: NodeKeeper | None = None
        self.application = Monitoring(
            application,
            role=settings.PROCESS_ROLE,
            number=settings.PROCESS_NUMBER,
            token=settings.METRICS_TOKEN,
            samples=self._samples,
        )
        self.exit_code = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_ending = False

    def _samples(self) -> Any:
        return self._media.metrics() if self._media else ()

    def begin(self, ready: Callable[[], None]) -> None:
        """Called when the sockets listen, before the loop runs."""
        self._loop.add_signal_handler(signal.SIGTERM, self._on_term)
        self._loop.add_signal_handler(signal.SIGINT, self._on_int)
        if (lifeline := inherited_fd(LIFELINE_FD)) is not None:
            self._loop.add_reader(lifeline, self._on_orphaned, lifeline)
        self._spawn(self._start(ready))

    async def _start(self, ready: Callable[[], None]) -> None:
        try:
            if settings.PROCESS_ROLE != "web":
                await self._open_media()
        except OSError as error:
            logger.critical("the media port cannot be opened: %s", error.strerror)
            self.exit_code = 1
            self._reactor.stop()
            return
        self._spawn(self.application.watch_loop())
        ready()
        if (fd := inherited_fd(READY_FD)) is not None:
            os.write(fd, b"1")
            os.close(fd)

    async def _open_media(self) -> None:
        from consultations.rooms.media import media_service
        from consultations.rooms.nodes.keeper import NodeKeeper

        self._media = await media_service()
        self._keeper = NodeKeeper(self._media, load=lambda: self._media.load)
        await self._keeper.start()
        self._spawn(self._recover_recordings())

    async def _recover_recordings(self) -> None:
        """What the last process left: cut off, and said so (REL-2). A process that has no siblings need not wait for signs of life."""
        from channels.db import database_sync_to_async

        from consultations.recordings.actions.ending import LOST_AFTER, recover_lost

        after = timedelta(0) if settings.PROCESS_ROLE == "all" else LOST_AFTER
        await database_sync_to_async(recover_lost)(timezone.now(), after=after)

    def _on_term(self) -> None:
        if self._is_ending:
            self._reactor.stop()
        else:
            self._spawn(self._end(drain=self._drains))

    def _on_int(self) -> None:
        if self._is_ending:
            self._reactor.stop()
        else:
            self._spawn(self._end(drain=False))

    def _on_orphaned(self, lifeline: int) -> None:
        """The supervisor is gone: nobody will start this process again, so it ends as on SIGTERM."""
        self._loop.remove_reader(lifeline)
        self._on_term()

    async def _end(self, *, drain: bool) -> None:
        from consultations.rooms.media import close_media
        from consultations.rooms.recorder.desk import recorder_desk

        self._is_ending = True
        self.application.is_draining = True
        try:
            if self._keeper:
                if drain:
                    await self._keeper.drain(settings.DRAIN_LIMIT_S)
                await self._keeper.stop()
                await close_media()
                await recorder_desk().finish()
        finally:
            self._reactor.stop()

    def _spawn(self, work: Any) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
