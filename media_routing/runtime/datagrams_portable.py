"""One system call per datagram: works everywhere, costs about three times as much as the batches."""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Sequence
from typing import Any

from media_routing.runtime.arena import Arena

NAME = "portable"
BATCH = 64


class Receiver:
    def __init__(self, sock: socket.socket, arena: Arena) -> None:
        self._sock = sock
        self._windows = [arena.view[offset : offset + arena.room] for offset in arena.offsets[:BATCH]]

    def receive(self) -> list[tuple[int, int, Any, float]]:
        came: list[tuple[int, int, Any, float]] = []
        now = time.monotonic()
        for slot, window in enumerate(self._windows):
            try:
                size, address = self._sock.recvfrom_into(window)
            except OSError:
                break
            came.append((slot, size, address, now))
        return came


class Sender:
    def __init__(self, sock: socket.socket, arena: Arena) -> None:
        self._sock = sock
        self._view = arena.view
        self.origin = 0
        self.sent = 0
        self.dropped = 0

    def send(self, destinations: Sequence[Any]) -> None:
        view = self._view
        for destination in destinations:
            queue, name = destination.queue, destination.name
            for at in range(0, len(queue), 2):
                offset = queue[at]
                try:
                    self._sock.sendto(view[offset : offset + queue[at + 1]], name)
                except OSError:
                    self.dropped += 1
                else:
                    self.sent += 1
            queue.clear()


def make_receiver(sock: socket.socket, arena: Arena) -> Receiver:
    return Receiver(sock, arena)


def make_sender(sock: socket.socket, arena: Arena) -> Sender:
    return Sender(sock, arena)


def make_name(address: Any) -> tuple[Any, object]:
    return address, None


def pack(family: int, ip: str, port: int) -> Any:
    if family == socket.AF_INET:
        return (ip, port)
    return (ip if ":" in ip else f"::ffff:{ip}", port, 0, 0)


def unpack(address: Any) -> tuple[str, int]:
    parsed = ipaddress.ip_address(address[0].partition("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped), address[1]
    return str(parsed), address[1]
