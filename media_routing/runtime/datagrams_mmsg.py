"""recvmmsg, sendmmsg and UDP segmentation offload through cffi's ABI mode: no compiler, Linux on 64 bits.

The kernel's structures are filled as arrays of 64-bit words (`struct mmsghdr` is eight of them), which is several
times faster than setting fields; whether the words lie where this module thinks is checked against cffi's own layout
when it is imported, and anything unexpected makes the portable module take over.

One call sends everything: each message is a run of packets of equal size to one peer (the last may be shorter), which
the kernel or the network card cuts apart (UDP_SEGMENT, Linux 4.18).
"""

from __future__ import annotations

import errno
import ipaddress
import logging
import socket
import struct
import sys
import time
from array import array
from collections.abc import Iterable, Sequence
from typing import Any

from cffi import FFI

from media_routing.runtime.arena import Arena

logger = logging.getLogger(__name__)

NAME = "mmsg"
BATCH = 64
NAME_BYTES = 28  # struct sockaddr_in6; sockaddr_in is 16, the rest stays zero
SOL_UDP, UDP_SEGMENT = 17, 103
RUN_PACKETS = 60  # the kernel's limit is 64 segments (128 since 6.2)
RUN_BYTES = 64_000  # and one IP datagram
# socket(7): each datagram comes with the time at which the kernel had it. (The 64-bit form, as on x86-64 and arm64.)
SO_TIMESTAMPNS = 35
STAMP_WORDS = 4  # struct cmsghdr, struct timespec
# What waited longer has waited in a stopped machine, or somebody has set the clock.
OLDEST_S = 1.0
# What a route that cannot cut runs apart answers.
NO_SEGMENTATION = {errno.EIO, errno.EINVAL, errno.EMSGSIZE, errno.EOPNOTSUPP}

ffi = FFI()
ffi.cdef(
    """
    struct iovec { void *iov_base; size_t iov_len; };
    struct msghdr { void *msg_name; unsigned int msg_namelen; struct iovec *msg_iov; size_t msg_iovlen;
                    void *msg_control; size_t msg_controllen; int msg_flags; };
    struct mmsghdr { struct msghdr msg_hdr; unsigned int msg_len; };
    int recvmmsg(int, struct mmsghdr *, unsigned int, int, void *);
    int sendmmsg(int, struct mmsghdr *, unsigned int, int);
    """
)


def _libc() -> Any:
    """The C library, or None when it lacks the calls or lays structures out in another way."""
    if sys.platform != "linux" or sys.byteorder != "little":
        return None
    layout = [ffi.offsetof("struct msghdr", name) for name, _ in ffi.typeof("struct msghdr").fields]
    if layout != [0, 8, 16, 24, 32, 40, 48] or ffi.sizeof("struct mmsghdr") != 64:
        return None
    try:
        libc = ffi.dlopen(None)
        return libc if libc.recvmmsg and libc.sendmmsg else None
    except (OSError, AttributeError):
        return None


libc = _libc()
AVAILABLE = libc is not None


class _Words:
    """An array of 64-bit words that C reads and writes."""

    def __init__(self, count: int) -> None:
        self.words = array("Q", bytes(8 * count))
        self.address, _ = self.words.buffer_info()
        self.view = memoryview(self.words)


class Receiver:
    def __init__(self, sock: socket.socket, arena: Arena) -> None:
        self._sock = sock
        self._fd = sock.fileno()
        self._batch = min(BATCH, arena.slots)
        self._arena = arena
        self._names = bytearray(NAME_BYTES * self._batch)
        self._names_at = int(ffi.cast("uintptr_t", ffi.from_buffer(self._names)))
        vectors, self._heads = _Words(2 * self._batch), _Words(8 * self._batch)
        self._vectors, self._stamps = vectors, _Words(STAMP_WORDS * self._batch)
        for slot in range(self._batch):
            vectors.words[2 * slot] = arena.address + arena.offsets[slot]
            vectors.words[2 * slot + 1] = arena.room
            self._heads.words[8 * slot : 8 * slot + 8] = array(
                "Q",
                [
                    self._names_at + NAME_BYTES * slot,
                    NAME_BYTES,
                    vectors.address + 16 * slot,
                    1,
                    self._stamps.address + 8 * STAMP_WORDS * slot,
                    8 * STAMP_WORDS,
                    0,
                    0,
                ],
            )
        self._room = array("Q", [8 * STAMP_WORDS] * self._batch)
        self._pointer = ffi.cast("struct mmsghdr *", self._heads.address)
        self._lengths = self._heads.view.cast("B").cast("I")
        self._names_view = memoryview(self._names)
        self._null = ffi.NULL
        try:
            sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        except OSError:
            logger.info("the kernel tells no arrival times: packets count as come when they are read")

    def receive(self) -> Iterable[tuple[int, int, bytes, float]]:
        count = libc.recvmmsg(self._fd, self._pointer, self._batch, socket.MSG_DONTWAIT, self._null)
        if count <= 0:
            return ()
        # A datagram longer than a slot is cut: its tag no longer fits and SRTP, DTLS or STUN refuses it.
        names = bytes(self._names_view[: NAME_BYTES * count])
        return zip(
            range(count),
            self._lengths[14 : 16 * count : 16].tolist(),
            [names[at : at + NAME_BYTES] for at in range(0, NAME_BYTES * count, NAME_BYTES)],
            self._arrivals(count),
            strict=True,
        )

    def _arrivals(self, count: int) -> list[float]:
        """Monotonic times. A turn of the engine reads what came during the one before: taken for the time of arrival, the
        time of reading would tell a sender of delays that its line has not."""
        now = time.monotonic()
        heads, stamps = self._heads.words, self._stamps.words
        told = heads[5 : 8 * count : 8]
        heads[5 : 8 * count : 8] = self._room[:count]  # the kernel writes how much it used
        if told != self._room[:count] or stamps[1] != socket.SOL_SOCKET | SO_TIMESTAMPNS << 32:
            return [now] * count
        shift = now - time.time()
        oldest = now - OLDEST_S
        seconds, nanoseconds = (
            stamps[2 : STAMP_WORDS * count : STAMP_WORDS],
            stamps[3 : STAMP_WORDS * count : STAMP_WORDS],
        )
        return [min(now, max(oldest, s + n * 1e-9 + shift)) for s, n in zip(seconds, nanoseconds, strict=True)]


class Sender:
    def __init__(self, sock: socket.socket, arena: Arena) -> None:
        self._sock = sock
        self._fd = sock.fileno()
        self._family = sock.family
        self._name_bytes = 16 if sock.family == socket.AF_INET else NAME_BYTES
        self.origin = arena.address
        self._view = arena.view
        self._vectors = _Words(2 * arena.slots)
        # What never changes is written once: the length of a name, and in a control message everything but the size.
        self._heads = _Words(8 * arena.slots)
        self._heads.words[1::8] = array("Q", [self._name_bytes] * arena.slots)
        self._controls = _Words(3 * arena.slots)
        self._controls.words[0::3] = array("Q", [18] * arena.slots)
        self._controls.words[1::3] = array("Q", [SOL_UDP | UDP_SEGMENT << 32] * arena.slots)
        self._pointers = [
            ffi.cast("struct mmsghdr *", self._heads.address + 64 * message) for message in range(arena.slots)
        ]
        self.segmentation = True
        self.sent = 0
        self.dropped = 0

    def send(self, destinations: Sequence[Any]) -> None:
        vectors: list[int] = []
        names: list[int] = []
        ends: list[int] = []
        sizes: list[int] = []
        longest = RUN_PACKETS if self.segmentation else 1
        for destination in destinations:
            queue, name = destination.queue, destination.name
            if not queue:  # its link has ended meanwhile
                continue
            vectors += queue
            at, end, ends_before = 0, len(queue), len(vectors) - len(queue)
            size = queue[1]
            # One run, as a burst mostly is: counted at once. A place, an address, is never as small as a size.
            if end <= 2 * longest and size * end <= 2 * RUN_BYTES and 2 * queue.count(size) == end:
                names.append(name)
                sizes.append(size)
                ends.append(len(vectors))
                queue.clear()
                continue
            while at < end:
                size = queue[at + 1]
                at += 2
                if at < end:
                    most = min(end, at - 2 + 2 * min(longest, RUN_BYTES // size))
                    while at < most:
                        this = queue[at + 1]
                        if this != size:
                            if this < size:
                                at += 2
                            break
                        at += 2
                names.append(name)
                sizes.append(size)
                ends.append(ends_before + at)
            queue.clear()
        total = len(names)
        if not total:
            return
        self._fill(vectors, names, ends, sizes)
        done = libc.sendmmsg(self._fd, self._pointers[0], total, socket.MSG_DONTWAIT)
        self.sent += len(vectors) >> 1
        if done < total:
            self._send_rest(max(done, 0), total)

    def _fill(self, vectors: list[int], names: list[int], ends: list[int], sizes: list[int]) -> None:
        """Writes the kernel's structures, column by column: message n to `names[n]` has the vectors from `ends[n - 1]`
        to `ends[n]`, of `sizes[n]` bytes each."""
        total = len(names)
        self._vectors.view[: len(vectors)] = array("Q", vectors)
        begins = [0, *ends[:-1]]
        heads, vector_at = self._heads.words, self._vectors.address
        heads[0 : 8 * total : 8] = array("Q", names)
        heads[2 : 8 * total : 8] = array("Q", [vector_at + 8 * begin for begin in begins])
        heads[3 : 8 * total : 8] = array("Q", [(end - begin) >> 1 for begin, end in zip(begins, ends, strict=True)])
        if 2 * total == len(vectors):  # nothing but single packets
            heads[4 : 8 * total : 8] = heads[5 : 8 * total : 8] = array("Q", bytes(8 * total))
            return
        controls, runs = range(self._controls.address, self._controls.address + 24 * total, 24), zip(begins, ends)  # noqa: B905
        lengths = [24 if end - begin > 2 else 0 for begin, end in runs]
        heads[4 : 8 * total : 8] = array(
            "Q", [at if length else 0 for at, length in zip(controls, lengths, strict=True)]
        )
        heads[5 : 8 * total : 8] = array("Q", lengths)
        self._controls.words[2 : 3 * total : 3] = array("Q", sizes)

    def _send_rest(self, done: int, total: int) -> None:
        """Goes on after a message that the kernel refused; without space in the socket's buffer the rest is lost."""
        while done < total:
            count = libc.sendmmsg(self._fd, self._pointers[done], total - done, socket.MSG_DONTWAIT)
            if count > 0:
                done += count
                continue
            error = ffi.errno
            if error == errno.EINTR:
                continue
            if error in (errno.EAGAIN, errno.ENOBUFS):
                self._count_lost(sum(self._heads.words[8 * message + 3] for message in range(done, total)))
                return
            self._send_singly(done, error)
            done += 1

    def _send_singly(self, message: int, error: int) -> None:
        """Each packet of a refused run on its own: not every route or card can cut runs."""
        name, _, vectors, packets, _, control, _, _ = self._heads.words[8 * message : 8 * message + 8]
        if not control or error not in NO_SEGMENTATION:
            self._count_lost(packets)
            return
        if self.segmentation and error in (errno.EIO, errno.EOPNOTSUPP):
            self.segmentation = False
            logger.info("no UDP segmentation on this route: sending packets one by one")
        address = unpack(bytes(ffi.buffer(ffi.cast("char *", name), self._name_bytes)))
        target = socket_address(self._family, *address)
        first = (vectors - self._vectors.address) >> 3
        for at in range(first, first + 2 * packets, 2):
            offset = self._vectors.words[at] - self.origin
            try:
                self._sock.sendto(self._view[offset : offset + self._vectors.words[at + 1]], target)
            except OSError:
                self._count_lost(1)

    def _count_lost(self, packets: int) -> None:
        self.sent -= packets
        self.dropped += packets


def make_receiver(sock: socket.socket, arena: Arena) -> Receiver:
    return Receiver(sock, arena)


def make_sender(sock: socket.socket, arena: Arena) -> Sender:
    return Sender(sock, arena)


def make_name(address: bytes) -> tuple[int, object]:
    memory = ffi.new("char[]", address)
    return int(ffi.cast("uintptr_t", memory)), memory


def socket_address(family: int, ip: str, port: int) -> tuple[str, int] | tuple[str, int, int, int]:
    if family == socket.AF_INET:
        return (ip, port)
    return (ip if ":" in ip else f"::ffff:{ip}", port, 0, 0)


def pack(family: int, ip: str, port: int) -> bytes:
    if family == socket.AF_INET:
        packed = struct.pack("=H", socket.AF_INET) + struct.pack("!H", port) + socket.inet_aton(ip)
        return packed.ljust(NAME_BYTES, b"\0")
    full = ip if ":" in ip else f"::ffff:{ip}"
    address = socket.inet_pton(socket.AF_INET6, full)
    return struct.pack("=H", socket.AF_INET6) + struct.pack("!HI", port, 0) + address + bytes(4)


def unpack(address: bytes) -> tuple[str, int]:
    family, port = struct.unpack_from("=H", address)[0], struct.unpack_from("!H", address, 2)[0]
    if family == socket.AF_INET:
        return str(ipaddress.IPv4Address(address[4:8])), port
    parsed = ipaddress.IPv6Address(address[8:24])
    return str(parsed.ipv4_mapped or parsed), port
