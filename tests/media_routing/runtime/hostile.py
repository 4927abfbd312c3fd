"""Twelve classes of datagrams that somebody who is not on the path can send, and a socket to send them from."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import random
import socket

from aioice import stun

ALERT = bytes.fromhex("15fefd000000000000000000020228")
CLOSE_NOTIFY = bytes.fromhex("15fefd000000000000000000020100")


def client_hello() -> bytes:
    """A whole ClientHello of a stranger, from OpenSSL."""
    from OpenSSL import SSL

    context = SSL.Context(SSL.DTLS_METHOD)
    context.set_tlsext_use_srtp(b"SRTP_AEAD_AES_128_GCM")
    connection = SSL.Connection(context)
    connection.set_connect_state()
    with contextlib.suppress(SSL.WantReadError):
        connection.do_handshake()
    return connection.bio_read(2000)


def check(ufrag: str, password: str | None) -> bytes:
    request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    request.attributes["USERNAME"] = f"{ufrag}:x"
    request.attributes["USE-CANDIDATE"] = None
    if password:
        request.add_message_integrity(password.encode())
    return bytes(request)


def payloads(ufrag: str, captured: list[bytes], seed: int) -> dict[str, list[bytes]]:
    """`ufrag` is the victim's (say the attacker read it); `captured` are datagrams that the victim really sent."""
    chance = random.Random(seed)
    junk = [chance.randbytes(chance.randint(2, 1400)) for _ in range(20)]
    return {
        "empty": [b""],
        "one byte": [bytes([first]) for first in (0, 1, 20, 22, 63, 64, 128, 191, 255)],
        "plaintext alert": [ALERT, CLOSE_NOTIFY],
        "foreign ClientHello": [client_hello()],
        "junk": junk,
        "junk that looks like DTLS": [bytes([chance.randint(20, 63)]) + one for one in junk],
        "junk that looks like SRTP": [bytes([chance.randint(128, 191)]) + one for one in junk],
        "truncated STUN": [check(ufrag, "p" * 22)[:size] for size in (4, 19, 20, 40)],
        "STUN without integrity": [check(ufrag, None), check("stranger", None)],
        "STUN with a wrong password": [check(ufrag, "q" * 32)],
        "replayed": captured[-30:],
        "changed": [bytes([*one[:-1], one[-1] ^ 1]) for one in captured[-30:] if one],
    }


class Attacker:
    """Sends from a new address each time it is made."""

    def __init__(self, target: tuple[str, int]) -> None:
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", 0))
        self.target = target
        self.sent = 0

    def send(self, datagrams: list[bytes]) -> None:
        for one in datagrams:
            self.sock.sendto(one, self.target)
            self.sent += 1

    def close(self) -> None:
        self.sock.close()


def resident_bytes() -> int:
    """What the process holds, without what its allocator merely keeps from work that is done."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
