"""The media service of one process: joins, rooms, presence, admission, drain. All calls from the event loop's thread."""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from pathlib import Path
from random import SystemRandom

from media_routing.runtime import capture, datagrams, load, metrics, negotiation, recorder, telling
from media_routing.runtime.addresses import advertised_addresses
from media_routing.runtime.dtls import Certificate, Handshake, Result
from media_routing.runtime.ice_lite import new_credentials
from media_routing.runtime.link import Link, State
from media_routing.runtime.listening import Consumer, Level, LevelMeter, Listening
from media_routing.runtime.pump import Pump
from media_routing.runtime.recorder import RecorderRefused, Recording
from media_routing.runtime.seats import RunningRoom, Seat
from media_routing.runtime.terms import JoinAnswer, Listener, MediaRefused, MediaSettings, Sample
from media_routing.sfu.events import Want

__all__ = ["JoinAnswer", "Listener", "MediaRefused", "MediaService", "MediaSettings", "Sample", "Want"]

logger = logging.getLogger(__name__)

# Presence, limits, time-outs and load are looked at this often; what rooms have to say is fetched as often.
HOUSEKEEPING_S = 0.1
EVENTS_S = 0.02


class MediaService:
    """One UDP port and the rooms behind it."""

    def __init__(self, settings: MediaSettings) -> None:
        self.settings = settings
        self.draining = False
        self._rooms: dict[str, RunningRoom] = {}
        self._random = SystemRandom()
        self._tasks: set[asyncio.Task[None]] = set()
        self._recordings: set[Recording] = set()
        self._listenings: set[Listening] = set()
        self._meters: dict[LevelMeter, str] = {}
        self._sock: socket.socket | None = None
        self._pump: Pump | None = None
        self._housekeeping_at = self._events_at = self._housekept_at = 0.0
        self.closed_legs: dict[str, int] = {}
        """How often a leg ended, by reason."""

    async def start(self) -> None:
        """Opens the port. Raises OSError when it is taken, ValueError for advertised addresses that are none."""
        self._advertised = advertised_addresses(self.settings)
        self._certificate = Certificate()
        self._loop = asyncio.get_running_loop()
        settings = self.settings
        self._sock = datagrams.open_socket(settings.bind_address, settings.udp_port, settings.socket_buffer_bytes)
        self._pump = Pump(
            self._sock, datagrams.CHOSEN, coalesce_s=settings.coalesce_s, turn=self._take_turn, fault=self._end_faulty
        )
        self._housekept_at = time.monotonic()
        self._meter = load.LoadMeter(self._housekept_at, time.thread_time())
        self._pump.start()

    async def close(self) -> None:
        """Ends every recording and every leg (listeners hear `sfu_closed`) and frees the port."""
        await asyncio.gather(*(recording.stop("service_closed") for recording in self._recordings))
        for listening in self._listenings:
            listening.stop("service_closed")
        for room in list(self._rooms.values()):
            self._end_room(room, "service_closed")
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._pump is not None:
            self._pump.stop()
            self._pump = None
        if self._sock is not None:
            self._sock.close()
            self._sock = None

    @property
    def port(self) -> int:
        """The UDP port in use, after `start`."""
        assert self._sock is not None
        return int(self._sock.getsockname()[1])

    @property
    def rooms(self) -> frozenset[str]:
        """The rooms that have a leg or expect one."""
        return frozenset(self._rooms)

    @property
    def recordings(self) -> int:
        """How many are running or held."""
        return len(self._recordings)

    @property
    def load(self) -> float:
        """The engine thread's share of a core, over the last seconds."""
        return self._meter.load

    def drain(self) -> None:
        """No new rooms from now on; running ones go on and may be joined (REL-6)."""
        self.draining = True

    def can_carry(self, room_size: int, growing: str = "") -> None:
        """Returns when one more room of this size fits, or the room `growing` would fit with this size; raises
        MediaRefused `sfu_full` or `sfu_draining` (REL-11)."""
        if self._pump is None:
            raise MediaRefused("closed")
        if self.draining and not growing:
            raise MediaRefused("sfu_draining")
        sizes = [room.size for key, room in self._rooms.items() if key != growing]
        if self._meter.after_one_more(sizes, room_size) > self.settings.max_load:
            raise MediaRefused("sfu_full")
        planned_bps = sum(map(load.planned_bps, [*sizes, room_size]))
        if self.settings.max_bps and planned_bps > self.settings.max_bps:
            raise MediaRefused("sfu_full")

    async def join(
        self,
        room: str,
        participant: str,
        connection: str,
        *,
        sdp: str,
        sources: Mapping[str, str],
        room_size: int,
        keep_layer: bool = False,
        listener: Listener,
    ) -> JoinAnswer:
        """Answers an offer. `sources` maps a sending line's mid to "microphone", "camera" or "screen".

        The same `connection` with a new ICE ufrag is an ICE restart on the same DTLS; another `connection` of the same
        participant replaces the old leg when it connects. Raises MediaRefused.
        """
        if self._pump is None:
            raise MediaRefused("closed")
        running = self._rooms.get(room)
        seat = running.seats.get(participant) if running else None
        for link in seat.links() if seat else ():
            if link.connection == connection and link.negotiation is not None:
                assert seat is not None
                link.listener, seat.keep_layer = listener, keep_layer
                return self._negotiate_again(link, sdp, sources)
        if running is None:
            self.can_carry(room_size)
        elif room_size > running.size:  # more people were invited
            self.can_carry(room_size, growing=room)
            running.size = room_size
        elif seat is None and len(running.seats) >= running.size:
            raise MediaRefused("sfu_full")
        now = time.monotonic()
        credentials = new_credentials()
        negotiated = negotiation.begin(sdp, sources, self._random)
        link = Link(participant, connection, listener, credentials, negotiated.offer.ufrag, now)
        link.negotiation = negotiated
        link.handshake = Handshake(
            self._certificate,
            [(f.algorithm, f.value) for f in negotiated.offer.fingerprints],
            lambda data: self._pump.send_plain(link, data) if self._pump is not None else None,
        )
        answer = negotiated.answer(credentials, self._certificate.fingerprint, self._advertised, self.port)
        if running is None:
            running = RunningRoom.open(room, room_size, self._pump.outbox, self._random, self._tell)
            self._rooms[room] = running
        seat = running.seats.setdefault(participant, Seat())
        seat.keep_layer = keep_layer
        if seat.coming is not None:
            superseded, seat.coming = seat.coming, link
            self._end(running, superseded, "replaced")
        seat.coming = link
        self._pump.add_link(link)
        self._spawn(self._connect(running, link))
        return answer

    def leave(self, room: str, participant: str, connection: str | None = None) -> None:
        """Ends a participant's leg; with `connection` only if it is that one. Unknown ones are fine."""
        running = self._rooms.get(room)
        seat = running.seats.get(participant) if running else None
        if running is not None and seat is not None:
            for link in list(seat.links()):
                if connection in (None, link.connection):
                    self._end(running, link, "left")

    def close_room(self, room: str) -> None:
        """Ends every leg of a room."""
        if (running := self._rooms.get(room)) is not None:
            self._end_room(running, "room_closed")

    def set_wants(self, room: str, participant: str, wants: Sequence[Want]) -> None:
        """What a participant's page shows; kept across reconnects."""
        running = self._rooms.get(room)
        seat = running.seats.get(participant) if running else None
        if running is None or seat is None:
            return
        seat.wants = wants
        if seat.link is not None and seat.link.leg is not None:
            running.room.set_wants(seat.link.leg, wants, time.monotonic())
            self._nudge()

    def start_recording(
        self, room: str, directory: Path, key: bytes, on_event: recorder.Listener, keys: capture.Keys | None = None
    ) -> Recording:
        """Records a running room into `directory`, which is made, under `key` (32 bytes). `keys` open people's frames;
        None in a visit that is not encrypted. Raises RecorderRefused."""
        if self._pump is None:
            raise RecorderRefused("no_room")
        recording = Recording(
            lambda: self._rooms.get(room),
            directory,
            key,
            on_event,
            keys,
            reserve_bytes=self.settings.recording_reserve_bytes,
            on_end=self._recordings.discard,
        )
        self._recordings.add(recording)
        self._nudge()
        return recording

    def start_listening(
        self, room: str, consumer: Consumer, on_end: Callable[[str], None], keys: capture.Keys | None = None
    ) -> Listening:
        """Hands everybody's decoded voice to `consumer`; `on_end` hears why it ended. Raises RecorderRefused."""
        if self._pump is None or (running := self._rooms.get(room)) is None:
            raise RecorderRefused("no_room")

        def end(listening: Listening, reason: str) -> None:
            self._listenings.discard(listening)
            on_end(reason)

        listening = Listening(lambda: self._rooms.get(room), running, consumer, keys, end)
        self._listenings.add(listening)
        self._nudge()
        return listening

    def start_level_meter(
        self, room: str, on_end: Callable[[str], None], keys: capture.Keys | None = None
    ) -> Listening:
        """Listens to everybody and keeps only how loud they were in the last second, for `metrics`. Raises RecorderRefused."""
        meter = LevelMeter()

        def end(reason: str) -> None:
            self._meters.pop(meter, None)
            on_end(reason)

        listening = self.start_listening(room, meter, end, keys)
        self._meters[meter] = room
        return listening

    @property
    def voice_levels(self) -> Iterator[tuple[str, Level]]:
        """(room, level) of everybody who is listened to now."""
        return ((room, level) for meter, room in self._meters.items() for level in meter.latest.values())

    def metrics(self) -> list[Sample]:
        """Counters of the process, per room and per leg."""
        if self._pump is None:
            return []
        return metrics.collect(self, self._rooms, self._pump)

    # -- a leg's life --------------------------------------------------------------------------------------------

    def _negotiate_again(self, link: Link, sdp: str, sources: Mapping[str, str]) -> JoinAnswer:
        assert link.negotiation is not None
        assert self._pump is not None
        offer = negotiation.read_again(link.negotiation, sdp, sources)
        if offer.ufrag != link.remote_ufrag:
            link.remote_ufrag = offer.ufrag
            self._pump.add_credentials(link, new_credentials())
        link.negotiation = link.negotiation.with_offer(offer)
        fingerprint = self._certificate.fingerprint
        return link.negotiation.answer(link.credentials[0], fingerprint, self._advertised, self.port)

    async def _connect(self, running: RunningRoom, link: Link) -> None:
        assert link.handshake is not None
        assert link.negotiation is not None
        try:
            result = await link.handshake.run()
        except Exception:  # OpenSSL's and aiortc's surprises are the peer's doing and end its leg only
            logger.exception("a handshake failed in an unexpected way")
            result = Result(None, "handshake")
        if link.state is not State.NEW:
            return
        if result.keys is None:
            self._end(running, link, f"dtls_{result.failure}")
            return
        now = time.monotonic()
        link.heard = now
        link.open(result.keys)
        before = running.connect(link, link.negotiation.leg_plan, now)
        if before is not None:
            self._end(running, before, "replaced")
        running.tell_events()
        self._nudge()

    def _end_faulty(self, link: Link) -> None:
        for running in list(self._rooms.values()):
            if link in running.links():
                self._end(running, link, "fault")

    def _end(self, running: RunningRoom, link: Link, reason: str) -> None:
        """Once per link, whatever ends it first."""
        if link.state is State.CLOSED:
            return
        running.disconnect(link, time.monotonic())
        link.shut()
        if self._pump is not None:
            self._pump.remove_link(link)
        if link.handshake is not None:
            self._spawn(link.handshake.close())
        self.closed_legs[reason] = self.closed_legs.get(reason, 0) + 1
        if reason != "left":
            self._tell(link.listener, telling.closed(link.connection, reason))
        if not running.seats:
            self._rooms.pop(running.key, None)
        else:
            running.tell_events()
        self._nudge()

    def _end_room(self, running: RunningRoom, reason: str) -> None:
        for link in running.links():
            self._end(running, link, reason)
        self._rooms.pop(running.key, None)

    # -- turns ---------------------------------------------------------------------------------------------------

    def _take_turn(self, now: float) -> float:
        due = now + HOUSEKEEPING_S
        tell = now >= self._events_at
        for running in list(self._rooms.values()):
            room = running.room
            deadline = room.deadline()
            if deadline <= now:
                try:
                    room.tick(now)
                except Exception:
                    logger.exception("a room failed and ends")
                    self._end_room(running, "fault")
                    continue
                deadline = room.deadline()
            due = min(due, deadline)
            if tell:
                running.tell_events()
        if tell:
            self._events_at = now + EVENTS_S
        if now >= self._housekeeping_at:
            self._housekeeping_at = now + HOUSEKEEPING_S
            self._keep_house(now)
        return due

    def _keep_house(self, now: float) -> None:
        passed, self._housekept_at = now - self._housekept_at, now
        self._meter.sample(now, time.thread_time())
        for running in list(self._rooms.values()):
            running.watch(now, self.settings.lost_after_s)
            for link in running.links():
                link.refill(passed)
                if link.state is State.NEW and now - link.began > self.settings.connect_timeout_s:
                    self._end(running, link, "connect_timeout")
                elif link.state is State.CONNECTED and now - link.heard > self.settings.consent_s:
                    self._end(running, link, "silence")  # RFC 7675: consent is over
                elif link.handshake is not None and link.handshake.ended:
                    self._end(running, link, "hung_up")

    def _nudge(self) -> None:
        if self._pump is not None:
            self._pump.nudge()

    def _tell(self, listener: Listener, message: telling.Message) -> None:
        self._loop.call_soon(listener, message)

    def _spawn(self, work: Coroutine[object, object, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
