"""A TURN client that asks what a browser never would (RFC 8656), blocking, over UDP."""

import hashlib
import hmac
import ipaddress
import os
import socket
import ssl
import struct
from dataclasses import dataclass, field
from pathlib import Path

from tests.netsim.namespace import Namespace

MAGIC = 0x2112A442
ALLOCATE, REFRESH, CREATE_PERMISSION, CHANNEL_BIND = 0x003, 0x004, 0x008, 0x009
SEND_INDICATION = 0x016
USERNAME, MESSAGE_INTEGRITY, ERROR_CODE, REALM, NONCE = 0x0006, 0x0008, 0x0009, 0x0014, 0x0015
CHANNEL_NUMBER, LIFETIME, XOR_PEER, DATA, REQUESTED_FAMILY, REQUESTED_TRANSPORT = (
    *(0x000C, 0x000D, 0x0012, 0x0013, 0x0017),
    0x0019,
)
Attributes = list[tuple[int, bytes]]


@dataclass
class TurnClient:
    """One 5-tuple, so one allocation. Every call returns 0 for success or the STUN error code (RFC 8489 §14.8)."""

    namespace: Namespace
    server: tuple[str, int]
    username: str
    password: str
    realm: bytes = b""
    nonce: bytes = b""
    _socket: socket.socket = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._socket = self.namespace.socket(socket.SOCK_DGRAM)
        self._socket.settimeout(2)
        self._socket.connect(self.server)

    def receive(self) -> bytes:
        """One STUN message. Raises TimeoutError."""
        return self._socket.recv(2048)

    def allocate(self, *, ipv6: bool = False) -> int:
        wanted = [(REQUESTED_TRANSPORT, b"\x11\0\0\0")]
        if ipv6:
            wanted.append((REQUESTED_FAMILY, b"\x02\0\0\0"))
        code = self._request(ALLOCATE, wanted)
        # The first answer to anybody is 401 with the realm and the nonce to sign with.
        return self._request(ALLOCATE, wanted) if code == 401 and self.nonce else code

    def permit(self, address: str) -> int:
        return self._request(CREATE_PERMISSION, [(XOR_PEER, b"")], peer=(address, 0))

    def bind(self, address: str, port: int = 9, channel: int = 0x4000) -> int:
        return self._request(
            CHANNEL_BIND, [(CHANNEL_NUMBER, struct.pack("!HH", channel, 0)), (XOR_PEER, b"")], peer=(address, port)
        )

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
            key = hashlib.md5(b":".join([self.username.encode(), self.realm, self.password.encode()])).digest()
            attributes = [
                *attributes,
                (USERNAME, self.username.encode()),
                (REALM, self.realm),
                (NONCE, self.nonce),
            ]
        self._socket.send(message(method, transaction, attributes, key))
        while True:
            answer = self.receive()
            if answer[8:20] == transaction:
                break
        found = dict(parse_attributes(answer))
        self.realm, self.nonce = found.get(REALM, self.realm), found.get(NONCE, self.nonce)
        return found[ERROR_CODE][2] * 100 + found[ERROR_CODE][3] if ERROR_CODE in found else 0


class TlsTurnClient(TurnClient):
    """The same over TLS, as from a network that lets out port 443 only. `certificate` is the relay's own."""

    def __init__(self, namespace: Namespace, server: tuple[str, int], username: str, password: str, certificate: Path):
        self._certificate = certificate
        super().__init__(namespace, server, username, password)

    def __post_init__(self) -> None:
        plain = self.namespace.socket(socket.SOCK_STREAM)
        plain.settimeout(5)
        plain.connect(self.server)
        context = ssl.create_default_context(cafile=str(self._certificate))
        self._socket = context.wrap_socket(plain, server_hostname=self.server[0])
        self._buffer = b""

    def receive(self) -> bytes:
        """One STUN message: over streams its length is its only frame (RFC 8656 §3.1)."""
        while len(self._buffer) < 20 or len(self._buffer) < 20 + struct.unpack_from("!H", self._buffer, 2)[0]:
            more = self._socket.recv(4096)
            if not more:
                raise ConnectionError("the relay closed")
            self._buffer += more
        size = 20 + struct.unpack_from("!H", self._buffer, 2)[0]
        message, self._buffer = self._buffer[:size], self._buffer[size:]
        return message


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
