"""`sfu.outgoing.Outgoing` for sockets: packets are protected where they lie and leave in one batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from media_routing.runtime.arena import Arena
from media_routing.runtime.datagrams import Sender
from media_routing.runtime.srtp import OK, TRAILER_BYTES, lib, new_length

if TYPE_CHECKING:
    from media_routing.runtime.link import Link

# What a busy turn brings. Fewer: packets to one peer leave in several runs, and each run costs as much as two packets
# more. More: the first ones have left the cache when the kernel reads them.
SLOTS = 512
SLOT_BYTES = 1536 + 128


class Outbox:
    """One per socket. `flush` after every batch of received packets and every tick."""

    def __init__(self) -> None:
        self._arena = Arena(SLOTS, SLOT_BYTES)
        self.arena = self._arena.view
        self._offsets = self._arena.offsets
        self._places: list[tuple[Any, int]] = []
        """(pointer, what the sender calls it) of each slot."""
        self._next = 0
        self._waiting: list[Link] = []
        self._length = new_length()
        self._protect: Any = lib.srtp_protect
        self._protect_rtcp: Any = lib.srtp_protect_rtcp
        self.sender: Sender | None = None
        self.refused = 0
        """Packets that libsrtp would not protect: a sequence number used twice or far behind (never sent)."""

    def attach(self, make_sender: Any, sock: Any) -> None:
        self.sender = make_sender(sock, self._arena)
        origin = self.sender.origin
        self._places = [(at, origin + offset) for at, offset in zip(self._arena.pointers, self._offsets, strict=True)]

    def reserve(self, count: int) -> Sequence[int]:
        if self._next == SLOTS:
            self.flush()
        return self._offsets[self._next : self._next + count]

    def send_rtp(self, link: Any, offsets: Sequence[int], sizes: Sequence[int]) -> None:
        session = link.protect_rtp
        if session is None:
            return
        length, protect, tag_bytes = self._length, self._protect, link.tag_bytes
        first, self._next = self._next, self._next + len(sizes)
        queue = link.queue
        was_empty = not queue
        add = queue.append
        for (pointer, place), size in zip(self._places[first : self._next], sizes, strict=True):
            length[0] = size
            if protect(session, pointer, length):
                self.refused += 1
                continue
            add(place)
            add(size + tag_bytes)
        if was_empty and queue:
            self._waiting.append(link)

    def send_rtcp(self, link: Any, packet: bytes) -> None:
        session = link.protect_rtcp
        size = len(packet)
        if session is None or size + TRAILER_BYTES > SLOT_BYTES:
            return
        [offset] = self.reserve(1)
        self.arena[offset : offset + size] = packet
        length = self._length
        length[0] = size
        pointer, place = self._places[self._next]
        if self._protect_rtcp(session, pointer, length) != OK:
            self.refused += 1
            return
        if not link.queue:
            self._waiting.append(link)
        link.queue += (place, length[0])
        self._next += 1

    def flush(self) -> None:
        if self._waiting:
            for link in self._waiting:
                link.sent_packets += len(link.queue) >> 1
                link.sent_bytes += sum(link.queue[1::2])
            if self.sender is not None:
                self.sender.send(self._waiting)
            self._waiting.clear()
        self._next = 0

    def discard(self) -> None:
        """Forgets what waits."""
        for link in self._waiting:
            link.queue.clear()
        self._waiting.clear()
        self._next = 0
