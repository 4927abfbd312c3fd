"""The hot path: datagrams in, demultiplexed, authenticated, into their rooms, and what the rooms answer out.

    kernel ──recvmmsg──▶ slots ─┬─ first byte 0..3    STUN  ─▶ Responder ─▶ validates an address of a link
                                ├─ 20..63   DTLS  ─┐  only from addresses that a link has validated,
                                └─ 128..191 SRTP  ─┴▶ everything else is dropped without a trace (SEC-1)
                                                      SRTP: unprotect in place ─▶ sfu.Room ─▶ Outbox ─▶ sendmmsg

`PacketPath` is all that the service knows of it, so that a native twin can take its place. What a stranger sends costs
one dictionary look-up and no memory. After the first packet of a quiet moment the pump waits `coalesce_s` for more:
a wake-up costs as much as three packets (media-facts §1).
"""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from media_routing.runtime.arena import Arena
from media_routing.runtime.datagrams import Address, Datagrams
from media_routing.runtime.ice_lite import Credentials, Responder, looks_like_stun
from media_routing.runtime.link import MOST_SSRCS, Link
from media_routing.runtime.outbox import Outbox
from media_routing.runtime.srtp import OK, lib, new_length

logger = logging.getLogger(__name__)

RECEIVE_SLOTS = 64
SLOT_BYTES = 2048
HEADROOM_BYTES = 64
# After this many batches other work gets its turn, whatever still waits in the socket.
BATCHES_PER_TURN = 8
# With at least this many packets in a turn, the next is awaited by time instead of by readiness.
BUSY_PACKETS = 4
RTP_HEADER_BYTES = 12
# A turn that fails again and again must not take the core to itself.
FAULT_PAUSE_S = 0.1

read_ssrc = struct.Struct("!I").unpack_from


@dataclass(slots=True)
class Counters:
    """What came that belongs to no leg, or to nobody."""

    datagrams: int = 0
    unknown: int = 0
    checks: int = 0
    claims_refused: int = 0
    faults: int = 0


class PacketPath(Protocol):
    """What the service needs of whatever moves packets."""

    counters: Counters
    outbox: Outbox

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def add_link(self, link: Link) -> None:
        """Checks with the link's credentials are answered from now on."""

    def add_credentials(self, link: Link, credentials: Credentials) -> None:
        """An ICE restart: these too."""

    def remove_link(self, link: Link) -> None:
        """The link's addresses and credentials are nobody's again."""

    def send_plain(self, link: Link, data: bytes) -> None:
        """One datagram as it is (DTLS) to the link's selected address."""


class Pump:
    """`PacketPath` in Python on one socket and the running event loop."""

    def __init__(
        self,
        sock: socket.socket,
        io: Datagrams,
        *,
        coalesce_s: float,
        turn: Callable[[float], float],
        fault: Callable[[Link], None],
    ) -> None:
        """`turn(now)` does what is due and returns when it wants to be called next; `fault(link)` ends a link whose
        packet made the core raise."""
        self.counters = Counters()
        self.outbox = Outbox()
        self.outbox.attach(io.make_sender, sock)
        self._sock = sock
        self._io = io
        self._arena = Arena(RECEIVE_SLOTS, SLOT_BYTES, HEADROOM_BYTES)
        self._receiver = io.make_receiver(sock, self._arena)
        self._responder: Responder[Link] = Responder()
        self._flows: dict[Address, Link] = {}
        self._length = new_length()
        self._coalesce_s = coalesce_s
        self._turn = turn
        self._fault = fault
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._reading = False
        self._stopped = False

    # -- the loop ------------------------------------------------------------------------------------------------

    def start(self) -> None:
        self._await_packets(time.monotonic())

    def stop(self) -> None:
        self._stopped = True
        self.outbox.flush()
        if self._reading:
            self._loop.remove_reader(self._sock.fileno())
        if self._timer is not None:
            self._timer.cancel()

    def nudge(self) -> None:
        """Something is due sooner than was said: a leg came, a wish changed."""
        if not self._stopped and self._reading:
            self._schedule(0.0)

    def _await_packets(self, due: float) -> None:
        if not self._reading:
            self._loop.add_reader(self._sock.fileno(), self._readable)
            self._reading = True
        self._schedule(max(0.0, due - time.monotonic()))

    def _schedule(self, delay_s: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(delay_s, self._work)

    def _readable(self) -> None:
        self._loop.remove_reader(self._sock.fileno())
        self._reading = False
        self._schedule(self._coalesce_s)

    def _work(self) -> None:
        """One turn: everything that waits in the socket, then what is due, then everything out."""
        if self._stopped:
            return
        packets, due = 0, 0.0
        try:
            now = time.monotonic()
            for _ in range(BATCHES_PER_TURN):
                came = self._receive_batch(now)
                packets += came
                if came < RECEIVE_SLOTS:
                    break
            due = self._turn(now)
            self.outbox.flush()
        except Exception:  # the outermost loop: whatever one turn did, the next one comes
            self.counters.faults += 1
            self.outbox.discard()
            due = time.monotonic() + FAULT_PAUSE_S
            logger.exception("a turn of the engine failed")
        if packets >= BUSY_PACKETS:
            self._schedule(0.0 if packets >= BATCHES_PER_TURN * RECEIVE_SLOTS else self._coalesce_s)
        else:
            self._await_packets(due)

    # -- packets -------------------------------------------------------------------------------------------------

    def _receive_batch(self, now: float) -> int:
        view, offsets, flows = self._arena.view, self._arena.offsets, self._flows.get
        runs: dict[Link, list[tuple[int, int, float]]] = {}
        count = 0
        for slot, size, address, came in self._receiver.receive():
            count += 1
            link = flows(address)
            if link is None or size < RTP_HEADER_BYTES or not 127 < view[offsets[slot]] < 192:
                if size:
                    self._receive_other(link, address, offsets[slot], size, now)
            elif link in runs:
                runs[link].append((slot, size, came))
            else:
                runs[link] = [(slot, size, came)]
        reports: list[tuple[Link, int, int]] = []
        for link, run in runs.items():
            self._receive_run(link, run, reports, now)
        # One kind of work after the other: what the processor has at hand for a report is still there for the next.
        for link, slot, size in reports:
            self._receive_rtcp(link, offsets[slot], size, self._arena.pointers[slot], now)
        self.counters.datagrams += count
        return count

    def _receive_run(
        self, link: Link, run: list[tuple[int, int, float]], reports: list[tuple[Link, int, int]], now: float
    ) -> None:
        """What one peer sent, (slot, size, arrival) each: media that is authentic and within its limits goes to the room together,
        RTCP is put into `reports`."""
        view, offsets, pointers = self._arena.view, self._arena.offsets, self._arena.pointers
        length, unprotect = self._length, lib.srtp_unprotect
        session, ssrcs = link.unprotect_rtp, link.ssrcs
        packets_left, bytes_left = link.packets_left, link.bytes_left
        media: list[tuple[int, int, float]] = []
        received_bytes = 0
        for slot, size, came in run:
            packets_left -= 1
            bytes_left -= size
            if packets_left < 0 or bytes_left < 0:
                link.limited_packets += 1
                continue
            offset = offsets[slot]
            if 191 < view[offset + 1] < 224:  # RFC 5761 §4
                reports.append((link, slot, size))
                continue
            if session is None:
                continue
            ssrc = read_ssrc(view, offset + 8)[0]
            new = ssrc not in ssrcs
            if new and len(ssrcs) >= MOST_SSRCS:
                link.limited_packets += 1
                continue
            length[0] = size
            if unprotect(session, pointers[slot], length):
                link.unauthentic_packets += 1
                continue
            if new:
                ssrcs.add(ssrc)
            received_bytes += size
            media.append((offset, length[0], came))
        link.packets_left, link.bytes_left = packets_left, bytes_left
        if not media:
            return
        link.heard = now
        link.received_packets += len(media)
        link.received_bytes += received_bytes
        if link.room is not None and link.leg is not None:
            try:
                link.room.receive_rtp(link.leg, view, media, now)
            except Exception:  # noqa: BLE001  the outermost loop: what one peer sent ends that peer's leg and nothing else
                self._blame(link)

    def _receive_rtcp(self, link: Link, offset: int, size: int, pointer: Any, now: float) -> None:
        if link.unprotect_rtcp is None or link.room is None or link.leg is None:
            return
        length = self._length
        length[0] = size
        if lib.srtp_unprotect_rtcp(link.unprotect_rtcp, pointer, length) != OK:
            link.unauthentic_packets += 1
            return
        link.heard = now
        link.received_packets += 1
        link.received_bytes += size
        try:
            link.room.receive_rtcp(link.leg, bytes(self._arena.view[offset : offset + length[0]]), now)
        except Exception:  # noqa: BLE001  as above
            self._blame(link)

    def _blame(self, link: Link) -> None:
        self.counters.faults += 1
        logger.exception("a packet made the engine fail; its sender's leg ends")  # noqa: LOG004  called while handling
        self._fault(link)

    def _receive_other(self, link: Link | None, address: Address, offset: int, size: int, now: float) -> None:
        first = self._arena.view[offset]
        if first < 4:
            data = bytes(self._arena.view[offset : offset + size])
            if looks_like_stun(data):
                self._receive_stun(data, address, now)
                return
        if link is not None and 19 < first < 64 and link.handshake is not None and size > RTP_HEADER_BYTES:
            link.packets_left -= 1
            if link.packets_left >= 0:
                link.handshake.receive(bytes(self._arena.view[offset : offset + size]))
            return
        self.counters.unknown += 1

    # -- connectivity checks -------------------------------------------------------------------------------------

    def _receive_stun(self, data: bytes, address: Address, now: float) -> None:
        check = self._responder.check(data, lambda: self._io.unpack(address))
        if check is None:
            self.counters.unknown += 1
            return
        link = check.owner
        link.checks_left -= 1
        if link.checks_left < 0:
            link.limited_packets += 1
            return
        self.counters.checks += 1
        owner = self._flows.get(address)
        if owner is not None and owner is not link and owner.owns(address, now):
            # A participant who forges another's address must not take that one's call over.
            self.counters.claims_refused += 1
            return
        if owner is not None and owner is not link:
            owner.addresses.pop(address, None)
        self._flows[address] = link
        if (gone := link.validate(address, nominated=check.nominates, io=self._io, now=now)) is not None:
            self._flows.pop(gone, None)
        if check.nominates and check.credentials is link.credentials[0]:
            for old in link.credentials[1:]:
                self._responder.remove(old)
            del link.credentials[1:]
        self._send(check.response, address)

    def _send(self, data: bytes, address: Address) -> None:
        ip, port = self._io.unpack(address)
        mapped = self._sock.family == socket.AF_INET6 and ":" not in ip
        try:
            self._sock.sendto(data, (f"::ffff:{ip}" if mapped else ip, port))
        except OSError:
            logger.debug("an answer to a check was not sent")

    # -- links ---------------------------------------------------------------------------------------------------

    def add_link(self, link: Link) -> None:
        for credentials in link.credentials:
            self._responder.add(credentials, link)

    def add_credentials(self, link: Link, credentials: Credentials) -> None:
        link.credentials.insert(0, credentials)
        for old in link.credentials[2:]:
            self._responder.remove(old)
        del link.credentials[2:]
        self._responder.add(credentials, link)

    def remove_link(self, link: Link) -> None:
        for credentials in link.credentials:
            self._responder.remove(credentials)
        for address in link.addresses:
            if self._flows.get(address) is link:
                del self._flows[address]
        link.addresses.clear()
        link.queue.clear()

    def send_plain(self, link: Link, data: bytes) -> None:
        if link.selected is not None:
            self._send(data, link.selected)

    @property
    def sizes(self) -> tuple[int, int]:
        """How many addresses and fragments are known: a test that strangers grow neither."""
        return len(self._flows), len(self._responder)

    @property
    def refused_checks(self) -> int:
        return self._responder.refused
