"""Many datagrams per system call where the machine can; the one place that chooses how.

`Receiver` fills an arena and says what came; `Sender` takes the queues of destinations. An address is whatever the
chosen pair uses as a key (hashable), opaque to everybody else.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from media_routing.runtime import datagrams_mmsg, datagrams_portable
from media_routing.runtime.arena import Arena

logger = logging.getLogger(__name__)

Address = Any


class Destination(Protocol):
    """One peer's queue for the next flush: place, size, place, size ... of protected packets in the arena, a place
    being an offset plus the sender's `origin`. `name` is what `make_name` gave."""

    name: Any
    queue: list[int]


class Receiver(Protocol):
    def receive(self) -> Iterable[tuple[int, int, Address, float]]:
        """(slot, size, address, monotonic time of its arrival) of the datagrams that were waiting, at most one batch; empty
        when none were."""


class Sender(Protocol):
    origin: int
    sent: int
    dropped: int

    def send(self, destinations: Sequence[Destination]) -> None:
        """Hands every queued packet to the kernel, in order per destination, and empties the queues. Never blocks."""


class Datagrams(Protocol):
    """A module that can do both."""

    NAME: str

    def make_receiver(self, sock: socket.socket, arena: Arena) -> Receiver: ...

    def make_sender(self, sock: socket.socket, arena: Arena) -> Sender: ...

    def make_name(self, address: Address) -> tuple[Any, object]:
        """What `Destination.name` is for this address, and what must be kept alive as long as it is used."""

    def pack(self, family: int, ip: str, port: int) -> Address: ...

    def unpack(self, address: Address) -> tuple[str, int]:
        """(ip, port); an IPv4 address that came through an IPv6 socket reads as IPv4."""


CHOSEN: Datagrams = datagrams_mmsg if datagrams_mmsg.AVAILABLE else datagrams_portable


def open_socket(bind_address: str, port: int, buffer_bytes: int) -> socket.socket:
    """A bound, non-blocking UDP socket; "" binds IPv6 and IPv4 at once where there is IPv6. Raises OSError."""
    if bind_address:
        family = socket.AF_INET6 if ":" in bind_address else socket.AF_INET
        return _bind(family, bind_address, port, buffer_bytes)
    if socket.has_dualstack_ipv6():
        return _bind(socket.AF_INET6, "::", port, buffer_bytes)
    return _bind(socket.AF_INET, "0.0.0.0", port, buffer_bytes)  # noqa: S104  all addresses is what "" means


def _bind(family: int, address: str, port: int, buffer_bytes: int) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_DGRAM)
    try:
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if address == "::" else 1)
        for option, force in ((socket.SO_RCVBUF, 33), (socket.SO_SNDBUF, 32)):
            sock.setsockopt(socket.SOL_SOCKET, option, buffer_bytes)
            try:  # SO_*BUFFORCE: past net.core.*mem_max, for who may
                sock.setsockopt(socket.SOL_SOCKET, force, buffer_bytes)
            except OSError:
                logger.debug("socket buffers stay within the kernel's limit")
        sock.setblocking(False)
        sock.bind((address, port))
    except BaseException:
        sock.close()
        raise
    return sock
