"""DTLS through aiortc's transport, always as the server (RFC 8842, RFC 5764).

**Every private name of aiortc that this project uses is in this file**, and `tests/media_routing/runtime/test_dtls.py`
fails loudly when one of them moves. aiortc gives the handshake, its timers and the check of fingerprints (RFC 8122);
SRTP never enters it: its keys are cut here and used by `srtp.Sessions`.

Datagrams reach a `Handshake` only from addresses that an authenticated connectivity check validated. What an attacker
who forges such an address could still do is bounded here: the queue is short, plaintext alerts are dropped (nobody who
knows a key sends one to a server that has seen no fault), and a handshake that broke begins anew while the peer tries.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from aiortc import RTCCertificate, RTCDtlsFingerprint, RTCDtlsParameters, RTCIceTransport
from aiortc.rtcdtlstransport import SRTP_PROFILES as AIORTC_PROFILES
from aiortc.rtcdtlstransport import RTCDtlsTransport, SRTPProtectionProfile, State

from media_routing.runtime.srtp import PROFILES, Keys

logger = logging.getLogger(__name__)

QUEUE_DATAGRAMS = 16
ATTEMPTS = 32
HASHES = ("sha-256", "sha-384", "sha-512")
ALERT, PLAINTEXT_EPOCH = 21, b"\0\0"

_BY_NAME = {profile.name: profile for profile in PROFILES}
_OFFERED: list[SRTPProtectionProfile] = sorted(
    (profile for profile in AIORTC_PROFILES if profile.openssl_profile in _BY_NAME),
    key=lambda profile: list(_BY_NAME).index(profile.openssl_profile),
)


class Certificate:
    """The service's certificate: one for all peers of a process, made when it starts."""

    def __init__(self) -> None:
        self.inner = RTCCertificate.generateCertificate()

    @property
    def fingerprint(self) -> tuple[str, str]:
        """("sha-256", "AB:CD:...") as it stands in an answer."""
        found = next(f for f in self.inner.getFingerprints() if f.algorithm == "sha-256")
        return found.algorithm, found.value


@dataclass(frozen=True, slots=True)
class Result:
    """How a handshake ended: with keys, or `failure` is "fingerprint", "handshake" or "closed"."""

    keys: Keys | None
    failure: str = ""


class _Pipe:
    """What aiortc takes for its ICE transport: a short queue in, a function out."""

    role = "controlled"

    def __init__(self, send: Callable[[bytes], None]) -> None:
        self._out = send
        self._queue: deque[bytes] = deque(maxlen=QUEUE_DATAGRAMS)
        self._wake: asyncio.Future[None] | None = None
        self._closed = False

    def put(self, data: bytes) -> bool:
        """False when the queue is full: the datagram is lost, and DTLS repeats it."""
        if len(self._queue) == QUEUE_DATAGRAMS or self._closed:
            return False
        self._queue.append(data)
        self._notify()
        return True

    def close(self) -> None:
        self._closed = True
        self._queue.clear()
        self._notify()

    def _notify(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    async def _recv(self) -> bytes:
        while not self._queue:
            if self._closed:
                raise ConnectionError
            self._wake = asyncio.get_running_loop().create_future()
            await self._wake
        return self._queue.popleft()

    async def _send(self, data: bytes) -> None:
        self._out(data)


class _Transport(RTCDtlsTransport):
    """aiortc's transport that keeps the SRTP keys instead of making sessions, and remembers why it failed."""

    keys: Keys | None = None
    mismatch = False

    def _setup_srtp(self) -> None:
        assert self._ssl is not None
        profile = _BY_NAME.get(self._ssl.get_selected_srtp_profile())
        if profile is None:
            self._set_state(State.FAILED)
            return
        size = 2 * (profile.key_bytes + profile.salt_bytes)
        self.keys = Keys.from_exporter(profile, self._ssl.export_keying_material(b"EXTRACTOR-dtls_srtp", size))

    def _validate_peer_identity(self, remoteParameters: RTCDtlsParameters) -> None:  # noqa: N803  aiortc's name
        super()._validate_peer_identity(remoteParameters)
        self.mismatch = self._state == State.FAILED


class Handshake:
    """One peer's DTLS, from the first ClientHello to close_notify."""

    def __init__(self, certificate: Certificate, fingerprints: list[tuple[str, str]], send: Callable[[bytes], None]):
        """`fingerprints`: (hash, value) of the peer's offer; at least one must be of HASHES and all of those match."""
        self._certificate = certificate
        self._remote = RTCDtlsParameters([RTCDtlsFingerprint(algorithm=a, value=v) for a, v in fingerprints])
        self._send = send
        self._pipe = _Pipe(send)
        self._transport: _Transport | None = None
        self._closed = False
        self.dropped = 0

    def receive(self, data: bytes) -> None:
        """A datagram whose first byte says DTLS (RFC 7983: 20..63), from a validated address."""
        forged = data[0] == ALERT and data[3:5] == PLAINTEXT_EPOCH
        if forged or not self._pipe.put(data):
            self.dropped += 1

    async def run(self) -> Result:
        """Waits for the peer's handshake; the transport then goes on answering the peer's repeats by itself."""
        for _ in range(ATTEMPTS):
            if self._closed:
                break
            self._pipe = _Pipe(self._send)
            transport = _Transport(cast(RTCIceTransport, self._pipe), [self._certificate.inner])
            self._transport = transport
            transport._srtp_profiles = _OFFERED
            transport._set_role("server")
            await transport.start(self._remote)
            if transport.keys is not None and transport.state == "connected":
                return Result(transport.keys)
            if transport.mismatch:
                return Result(None, "fingerprint")
        return Result(None, "closed" if self._closed else "handshake")

    @property
    def ended(self) -> bool:
        """Whether the peer closed it (close_notify), after it was connected."""
        return self._transport is not None and self._transport.state == "closed"

    async def close(self) -> None:
        """Says close_notify and ends the transport's task."""
        self._closed = True
        if self._transport is not None:
            await self._transport.stop()
        self._pipe.close()
