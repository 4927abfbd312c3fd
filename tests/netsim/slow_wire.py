"""A long cable: two TUN devices in two namespaces and a process between them that delays, loses and counts packets.

netem would do it, where the kernel has it. Being a process it also says which RTP packet was lost, which no counter of
the kernel can.

    python -m tests.netsim.slow_wire NAMESPACE:DEVICE NAMESPACE:DEVICE LOG

Commands on stdin, one JSON object a line: {"delay_ms": 50, "up_loss": 0.1, "down_loss": 0.1}; up is from the first end to
the second. With "only": "198.51.100.6" they are about packets to and from that address. With its stdin closed it writes LOG (one line per RTP packet that it saw: direction, seconds on the monotonic
clock, ssrc, sequence number, padding bit, bytes, passed) and ends.
"""

from __future__ import annotations

import fcntl
import json
import os
import random
import selectors
import socket
import struct
import subprocess
import sys
import time
from collections import deque
from pathlib import Path
from typing import Any, NamedTuple

from tests.netsim.namespace import Namespace

_TUNSETIFF, _IFF_TUN, _IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
_PACKET_BYTES = 65536
_UDP = 17
UP, DOWN = 0, 1


class Seen(NamedTuple):
    """One RTP packet on the wire. `direction`: UP or DOWN; `at_s` is `time.monotonic()`."""

    direction: int
    at_s: float
    ssrc: int
    sequence: int
    padding: int
    size_bytes: int
    passed: int


class SlowWire:
    """The test's end: starts the process, tells it what to do, reads what it saw. The devices need addresses then."""

    def __init__(self, first: tuple[Namespace, str], second: tuple[Namespace, str], log: Path) -> None:
        self._log = log
        ends = [f"{namespace.name}:{device}" for namespace, device in (first, second)]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.netsim.slow_wire", *ends, str(log)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout
        if self._process.stdout.readline().strip() != "ready":
            raise RuntimeError("the wire did not come up")
        for namespace, device in (first, second):
            namespace.run("ip", "link", "set", device, "up")

    def set(self, **values: float | str) -> None:
        assert self._process.stdin
        self._process.stdin.write(json.dumps(values) + "\n")
        self._process.stdin.flush()

    def close(self) -> list[Seen]:
        """Cuts the wire; what passed and what did not. Again: the same."""
        if self._process.stdin and not self._process.stdin.closed:
            self._process.stdin.close()
            self._process.wait(10)
        if not self._log.exists():  # the lab is gone already
            return []
        return [Seen(*json.loads(line)) for line in self._log.read_text().splitlines()]


class _Wire:
    def __init__(self, devices: list[int]) -> None:
        self.devices = devices  # by direction: where its packets come from
        self.delay_s = 0.0
        self.loss = [0.0, 0.0]
        self.seen: list[Seen] = []
        self._only = b""
        # Each queue keeps its order: what is delayed, and what is not.
        self._waiting: tuple[deque[tuple[float, int, bytes]], ...] = (deque(), deque())
        self._random = random.Random(1)

    def set(self, values: dict[str, Any]) -> None:
        if "only" in values:
            self._only = socket.inet_aton(values["only"]) if values["only"] else b""
        self.delay_s = values.get("delay_ms", self.delay_s * 1000) / 1000
        self.loss = [values.get("up_loss", self.loss[UP]), values.get("down_loss", self.loss[DOWN])]

    def take(self, direction: int, now: float) -> None:
        for _ in range(64):
            try:
                packet = os.read(self.devices[direction], _PACKET_BYTES)
            except BlockingIOError:
                return
            meant = not self._only or self._only in (packet[12:16], packet[16:20])
            passed = not meant or self._random.random() >= self.loss[direction]
            self._note(direction, packet, passed, now)
            if passed:
                self._waiting[meant].append((now + self.delay_s * meant, direction, packet))

    def deliver(self, now: float) -> float | None:
        """Seconds until the next packet is due; None for none."""
        for waiting in self._waiting:
            while waiting and waiting[0][0] <= now:
                _, direction, packet = waiting.popleft()
                os.write(self.devices[1 - direction], packet)
        due = [waiting[0][0] for waiting in self._waiting if waiting]
        return max(0.0, min(due) - now) if due else None

    def _note(self, direction: int, packet: bytes, passed: bool, now: float) -> None:
        if packet[0] >> 4 != 4 or packet[9] != _UDP:
            return
        data = packet[(packet[0] & 15) * 4 + 8 :]
        if len(data) < 12 or data[0] >> 6 != 2 or 192 <= data[1] <= 223:
            return
        sequence, _, ssrc = struct.unpack_from("!HII", data, 2)
        self.seen.append(Seen(direction, now, ssrc, sequence, data[0] >> 5 & 1, len(data), int(passed)))


def _open(end: str) -> int:
    """A TUN device inside a namespace; the descriptor stays good outside of it."""
    name, device = end.split(":")
    there = Namespace.__new__(Namespace)
    there.name = name
    with there.entered():
        opened = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(opened, _TUNSETIFF, struct.pack("16sH22x", device.encode(), _IFF_TUN | _IFF_NO_PI))
    return opened


def main(first: str, second: str, log: str) -> None:
    wire = _Wire([_open(first), _open(second)])
    print("ready", flush=True)
    with selectors.DefaultSelector() as selector:
        for direction, device in enumerate(wire.devices):
            selector.register(device, selectors.EVENT_READ, direction)
        selector.register(sys.stdin, selectors.EVENT_READ, None)
        wait_s: float | None = None
        running = True
        while running:
            for key, _ in selector.select(wait_s):
                if key.data is not None:
                    wire.take(key.data, time.monotonic())
                elif line := sys.stdin.readline():
                    wire.set(json.loads(line))
                else:
                    running = False
            wait_s = wire.deliver(time.monotonic())
    Path(log).write_text("".join(json.dumps(seen) + "\n" for seen in wire.seen))


if __name__ == "__main__":
    main(*sys.argv[1:])
