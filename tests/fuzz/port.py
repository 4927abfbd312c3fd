"""The port: connectivity checks, and everything that a datagram can be, through a real socket into a real room.

An input is a list of datagrams; what stands behind keys is protected after it was bent, so that it gets through.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import hashlib
import hmac
import socket
import struct
from collections.abc import Sequence
from random import Random

from aioice import stun
from pylibsrtp import Error as SrtpError
from pylibsrtp import Policy, Session

from media_routing.runtime import datagrams_portable
from media_routing.runtime.ice_lite import Credentials, Responder, looks_like_stun, read_own_fragment
from media_routing.runtime.link import MOST_ADDRESSES, MOST_SSRCS, Link
from media_routing.runtime.pump import Pump
from media_routing.runtime.srtp import PROFILES, Keys
from media_routing.sfu.room import Room
from tests.fuzz.engine import Target
from tests.fuzz.mutation import mutate_bytes
from tests.fuzz.records import Record, mutate_records, pack, unpack
from tests.fuzz.traffic import make_control, make_media, make_plan

OURS = Credentials("abcdef012345", "p" * 32)
WITNESS = Credentials("fedcba543210", "w" * 32)
KEYS = Keys(PROFILES[0], bytes(range(28)), bytes(range(28, 56)))
PLANS = {seed: make_plan(seed) for seed in (1, 2)}
HEARD = make_media(PLANS[2])[0]
# Kinds of records.
STRANGER, PEER, SIGNED, SRTP, SRTCP = range(5)


def make_check(credentials: Credentials, **attributes: object) -> bytes:
    """Without integrity: `sign` adds it."""
    request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST, transaction_id=b"telemed-fuzz")
    request.attributes["USERNAME"] = f"{credentials.ufrag}:them"
    request.attributes["PRIORITY"] = 1
    request.attributes.update(attributes)
    return bytes(request)


def sign(data: bytes, credentials: Credentials) -> bytes:
    """Whatever was bent, with the length and the integrity that its sender would give it (RFC 8489 §14.5)."""
    body = data[20:]
    head = data[:2] + struct.pack("!H", (len(body) + 24) & 0xFFFF) + data[4:20]
    return head + body + b"\0\x08\0\x14" + hmac.new(credentials.password.encode(), head + body, hashlib.sha1).digest()


def stun_seeds() -> Sequence[bytes]:
    return [
        make_check(OURS, **{"ICE-CONTROLLING": 5}),
        make_check(OURS, **{"ICE-CONTROLLING": 5, "USE-CANDIDATE": None, "SOFTWARE": "x"}),
        make_check(OURS, **{"ICE-CONTROLLED": 5}),
        make_check(OURS, **{"XOR-MAPPED-ADDRESS": ("192.0.2.1", 5), "ERROR-CODE": (487, "Role Conflict")}),
    ]


def run_stun(data: bytes) -> None:
    """As it is, and signed: an answer is signed as well, and nothing is remembered."""
    responder: Responder[str] = Responder()
    responder.add(OURS, "owner")
    for message in (data, sign(data, OURS)):
        if not looks_like_stun(message):
            continue
        read_own_fragment(message)
        found = responder.check(message, lambda: ("2001:db8::1", 65535))
        if found is not None:
            assert message.startswith(b"\0\1")
            assert stun.parse_message(found.response).check_message_integrity(OURS.password.encode())
    assert len(responder) == 1


def _loopback() -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", 0))
    sock.setblocking(False)
    return sock


def _session() -> Session:
    policy = Policy(key=KEYS.receive, ssrc_type=Policy.SSRC_ANY_OUTBOUND, srtp_profile=KEYS.profile.number)
    policy.allow_repeat_tx = True  # who attacks does not spare their own keys
    return Session(policy)


class Port:
    """A pump on a loopback socket with two participants: the one who sends nonsense, and a witness."""

    def __init__(self) -> None:
        self._sockets = [_loopback() for _ in range(4)]
        server, self._peer, self._stranger, self._other = self._sockets
        self._address = server.getsockname()
        self.faults: list[Link] = []
        self._pump = Pump(server, datagrams_portable, coalesce_s=0.0, turn=lambda now: now, fault=self.faults.append)
        self._room = Room(self._pump.outbox, Random(1))
        self._now = 100.0
        self._links = [self._seat("a", OURS, seed=1), self._seat("b", WITNESS, seed=2)]
        self._rtp, self._rtcp, self._witness = _session(), _session(), _session()
        for sock, credentials in ((self._peer, OURS), (self._other, WITNESS)):
            sock.sendto(sign(make_check(credentials, **{"USE-CANDIDATE": None}), credentials), self._address)
        self._turn()
        assert self._pump.sizes == (2, 2)

    def _seat(self, name: str, credentials: Credentials, *, seed: int) -> Link:
        link = Link(name, "connection", lambda _: None, credentials, "them", 0.0)
        link.open(KEYS)
        link.room = self._room
        link.leg = self._room.add_leg(name, PLANS[seed], link, self._now)
        self._pump.add_link(link)
        return link

    def _turn(self) -> None:
        self._now += 0.02
        while self._pump._receive_batch(self._now):
            pass
        self._room.tick(self._now)
        self._pump.outbox.flush()
        for sock in self._sockets[1:]:
            with contextlib.suppress(BlockingIOError):
                while True:
                    sock.recv(2048)

    def play(self, record: Record) -> None:
        data = record.data[:1400]
        sock = self._stranger if record.kind == STRANGER else self._peer
        if record.kind == SIGNED:
            data = sign(data, OURS)
        elif record.kind in (SRTP, SRTCP):
            # libsrtp protects nothing that is too short for a header: nobody could send that.
            with contextlib.suppress(SrtpError, ValueError):
                data = self._rtp.protect(data) if record.kind == SRTP else self._rtcp.protect_rtcp(data)
        sock.sendto(data, self._address)
        self._turn()

    def check(self) -> None:
        """Nobody's packet was a fault of ours, nothing grew beyond its limit, and the witness is still heard."""
        nonsense, witness = self._links
        assert self.faults == []
        assert self._pump.counters.faults == 0
        flows, fragments = self._pump.sizes
        assert flows <= MOST_ADDRESSES + 1
        assert fragments == 2
        assert len(nonsense.ssrcs) <= MOST_SSRCS
        before = witness.received_packets
        self._other.sendto(self._witness.protect(HEARD), self._address)
        self._turn()
        assert witness.received_packets == before + 1

    def close(self) -> None:
        self._pump.stop()
        for sock in self._sockets:
            sock.close()


def demux_seeds() -> Sequence[bytes]:
    media, control = make_media(PLANS[1]), make_control(PLANS[1])
    dtls = bytes.fromhex("16fefd0000000000000000000401000000")
    other = [
        b"",
        b"\0",
        b"\x14" * 20,
        dtls,
        bytes.fromhex("15fefd000000000000000000020230"),
        b"\x40" * 40,
        b"\xff" * 40,
    ]
    return [
        pack(Record(SRTP, 0, packet) for packet in media[:12]),
        pack(Record(SRTCP, 0, packet) for packet in control),
        pack(Record(SIGNED, 0, data) for data in stun_seeds()),
        pack(Record(kind, 0, data) for data in [*other, *stun_seeds(), media[0]] for kind in (STRANGER, PEER)),
        pack([Record(SRTP, 0, media[1]), Record(SRTCP, 0, control[1]), Record(SRTP, 0, media[4])]),
    ]


@functools.cache
def _loop() -> asyncio.AbstractEventLoop:
    return asyncio.new_event_loop()


def run_demux(data: bytes) -> None:
    async def play() -> None:
        port = Port()
        try:
            for record in unpack(data):
                port.play(record)
            port.check()
        finally:
            port.close()

    _loop().run_until_complete(play())


TARGETS = [
    Target(
        "stun",
        run_stun,
        (),
        stun_seeds,
        mutate_bytes,
        watched=("media_routing/runtime", ".venv/lib/python3.11/site-packages/aioice"),
    ),
    Target("demux", run_demux, (), demux_seeds, mutate_records, runs=120, traced=0.2),
]
