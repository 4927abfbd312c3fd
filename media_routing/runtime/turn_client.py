"""A TURN client (RFC 8656) that asks what a browser never would; blocking, for checks of a relay and not for media."""

import hashlib
import hmac
import ipaddress
import os
import socket
import struct

MAGIC = 0x2112A442
BINDING, ALLOCATE, REFRESH, CREATE_PERMISSION, CHANNEL_BIND, CONNECT = 0x001, 0x003, 0x004, 0x008, 0x009, 0x00A
SEND_INDICATION = 0x016
USERNAME, MESSAGE_INTEGRITY, ERROR_CODE, REALM, NONCE = 0x0006, 0x0008, 0x0009, 0x0014, 0x0015
CHANNEL_NUMBER, LIFETIME, XOR_PEER, DATA, REQUESTED_FAMILY = 0x000C, 0x000D, 0x0012, 0x0013, 0x0017
REQUESTED_TRANSPORT, ADDITIONAL_FAMILY, SOFTWARE = 0x0019, 0x8000, 0x8022
# RFC 6062: a relay that connects to peers over TCP.
UDP, TCP = b"\x11\0\0\0", b"\x06\0\0\0"
IPV6 = b"\x02\0\0\0"
Attributes = list[tuple[int, bytes]]


class TurnClient:
    """One 5-tuple, so one allocation. Every request returns 0 for success or the STUN error code (RFC 8489 §14.8).

    `connection` is a connected socket with a timeout, of datagrams or a stream. Raises TimeoutError and ConnectionError.
    """

    def __init__(self, connection: socket.socket, username: str = "", password: str = "") -> None:
        self.username, self.password = username, password
        self.realm = self.nonce = b""
        self.software = ""
        self._socket = connection
        self._is_stream = connection.type == socket.SOCK_STREAM
        self._buffer = b""

    def receive(self) -> bytes:
        """Return one STUN message. In a stream its length is its only frame (RFC 8656 §3.1)."""
        if not self._is_stream:
            return self._socket.recv(2048)
        while len(self._buffer) < 20 or len(self._buffer) < 20 + struct.unpack_from("!H", self._buffer, 2)[0]:
            more = self._socket.recv(4096)
            if not more:
                raise ConnectionError("the relay closed")
            self._buffer += more
        size = 20 + struct.unpack_from("!H", self._buffer, 2)[0]
        first, self._buffer = self._buffer[:size], self._buffer[size:]
        return first

    def binding(self) -> int:
        """Ask for one's own address, as anybody may: is there a STUN server, and does it tell its version?"""
        return self._request(BINDING, [])

    def allocate(self, *, ipv6: bool = False, both: bool = False, transport: bytes = UDP) -> int:
        wanted = [(REQUESTED_TRANSPORT, transport)]
        if ipv6:
            wanted.append((REQUESTED_FAMILY, IPV6))
        if both:
            wanted.append((ADDITIONAL_FAMILY, IPV6))
        code = self._request(ALLOCATE, wanted)
        # The first answer to anybody is 401 with the realm and the nonce to sign with.
        return self._request(ALLOCATE, wanted) if code == 401 and self.nonce else code

    def permit(self, address: str) -> int:
        return self._request(CREATE_PERMISSION, [(XOR_PEER, b"")], peer=(address, 0))

    def bind(self, address: str, port: int = 9, channel: int = 0x4000) -> int:
        return self._request(
            CHANNEL_BIND, [(CHANNEL_NUMBER, struct.pack("!HH", channel, 0)), (XOR_PEER, b"")], peer=(address, port)
        )

    def connect(self, address: str, port: int = 9) -> int:
        """Ask the relay for a TCP connection to a peer (RFC 6062 §4.3)."""
        return self._request(CONNECT, [(XOR_PEER, b"")], peer=(address, port))

    def send(self, address: str, port: int, data: bytes) -> None:
        """A Send indication: never answered (RFC 8656 §11.2)."""
        transaction = os.urandom(12)
        peer = xor_address(address, port, transaction)
        self._socket.send(message(SEND_INDICATION, transaction, [(XOR_PEER, peer), (DATA, data)], None))

    def release(self) -> int:
        return self._request(REFRESH, [(LIFETIME, struct.pack("!I", 0))])

    def close(self) -> None:
        self._socket.close()

    def _request(self, method: int, attributes: Attributes, peer: tuple[str, int] | None = None) -> int:
        transaction = os.urandom(12)
        if peer:
            attributes = [(k, xor_address(*peer, transaction) if k == XOR_PEER else v) for k, v in attributes]
        key = None
        if self.nonce:
            # RFC 8489 §9.2.2 fixes the algorithm.
            secret = b":".join([self.username.encode(), self.realm, self.password.encode()])
            key = hashlib.md5(secret, usedforsecurity=False).digest()
            attributes = [
                *attributes,
                (USERNAME, self.username.encode()),
                (REALM, self.realm),
                (NONCE, self.nonce),
            ]
        self._socket.send(message(method, transaction, attributes, key))
        while True:
            answer = self.receive()
            if len(answer) >= 20 and answer[8:20] == transaction:
                break
        found = dict(parse_attributes(answer))
        self.realm, self.nonce = found.get(REALM, self.realm), found.get(NONCE, self.nonce)
        self.software = found[SOFTWARE].decode(errors="replace") if SOFTWARE in found else self.software
        return found[ERROR_CODE][2] * 100 + found[ERROR_CODE][3] if ERROR_CODE in found else 0


def message(kind: int, transaction: bytes, attributes: Attributes, key: bytes | None) -> bytes:
    body = b"".join(struct.pack("!HH", k, len(v)) + v + b"\0" * (-len(v) % 4) for k, v in attributes)
    if key is not None:
        # RFC 8489 §14.5: the length already counts the 24 bytes of the integrity attribute.
        head = struct.pack("!HHI", kind, len(body) + 24, MAGIC) + transaction
        body += struct.pack("!HH", MESSAGE_INTEGRITY, 20) + hmac.new(key, head + body, hashlib.sha1).digest()
    return struct.pack("!HHI", kind, len(body), MAGIC) + transaction + body


def parse_attributes(answer: bytes) -> Attributes:
    found, at = [], 20
    while at + 4 <= len(answer):
        kind, length = struct.unpack_from("!HH", answer, at)
        found.append((kind, answer[at + 4 : at + 4 + length]))
        at += 4 + length + -length % 4
    return found


def xor_address(address: str, port: int, transaction: bytes) -> bytes:
    parsed = ipaddress.ip_address(address)
    mask = struct.pack("!I", MAGIC) + transaction
    packed = bytes(a ^ b for a, b in zip(parsed.packed, mask, strict=False))
    return struct.pack("!BBH", 0, 1 if parsed.version == 4 else 2, port ^ (MAGIC >> 16)) + packed
