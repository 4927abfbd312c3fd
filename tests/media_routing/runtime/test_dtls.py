"""The names of aiortc and pylibsrtp that are not public, and what stands on them: keys, fingerprints, forged datagrams."""

import asyncio
import inspect

import pylibsrtp
import pytest
from aiortc import RTCCertificate, RTCDtlsFingerprint, RTCDtlsParameters, rtcdtlstransport
from aiortc.rtcdtlstransport import RTCDtlsTransport
from pylibsrtp import _binding

from media_routing.runtime import dtls, srtp
from media_routing.runtime.dtls import Certificate, Handshake

ADVICE = "aiortc or pylibsrtp changed what runtime/dtls.py and runtime/srtp.py stand on: read them before raising the version"


def test_the_private_names_are_where_they_were():
    assert [profile.openssl_profile for profile in dtls._OFFERED] == [profile.name for profile in srtp.PROFILES], ADVICE
    assert [p.name for p in rtcdtlstransport.State] == ["NEW", "CONNECTING", "CONNECTED", "CLOSED", "FAILED"], ADVICE
    transport = RTCDtlsTransport.__new__(RTCDtlsTransport)
    for name, parameters in {
        "_setup_srtp": [],
        "_validate_peer_identity": ["remoteParameters"],
        "_set_role": ["role"],
        "_set_state": ["state"],
        "_recv_next": [],
        "_write_ssl": [],
        "start": ["remoteParameters"],
        "stop": [],
    }.items():
        assert list(inspect.signature(getattr(transport, name)).parameters) == parameters, ADVICE
    source = inspect.getsource(RTCDtlsTransport)
    for text in (
        "self.transport._recv()",
        "await self.transport._send(data)",
        "self._validate_peer_identity(remoteParameters)",
        "self._setup_srtp()",
        "srtp_profiles=self._srtp_profiles",
        "self._ssl.get_peer_certificate",
        'self._role == "server"',
        "first_byte > 127 and first_byte < 192 and self._rx_srtp",
    ):
        assert text in source, f"{ADVICE}: {text}"
    # The peer must be validated before there are keys, and there are keys before it counts as connected (SEC-2).
    start = inspect.getsource(RTCDtlsTransport.start)
    order = [
        start.index(text)
        for text in ("_do_handshake()", "_validate_peer_identity(", "_setup_srtp()", "State.CONNECTED")
    ]
    assert order == sorted(order), ADVICE
    for function in ("srtp_protect", "srtp_unprotect", "srtp_protect_rtcp", "srtp_unprotect_rtcp"):
        c_type = str(_binding.ffi.typeof(getattr(_binding.lib, function)))
        assert c_type == "<ctype 'srtp_err_status_t(*)(struct srtp_ctx_t_ *, void *, int *)'>", ADVICE
    assert _binding.lib.srtp_err_status_ok == 0, ADVICE
    assert str(_binding.ffi.typeof(pylibsrtp.Session()._srtp)) == "<ctype 'struct srtp_ctx_t_ * *'>", ADVICE


class Client:
    """A stock aiortc transport as the DTLS client of a `Handshake`."""

    role = "controlling"

    def __init__(self, fingerprint_of=lambda value: value, remote=None):
        self.certificate = RTCCertificate.generateCertificate()
        self.inbox = asyncio.Queue()
        self.server_certificate = Certificate()
        self.transport = RTCDtlsTransport(self, [self.certificate])
        self.transport._set_role("client")
        own = self.certificate.getFingerprints()[0]
        remote = remote if remote is not None else [(own.algorithm, fingerprint_of(own.value))]
        self.handshake = Handshake(self.server_certificate, remote, self.inbox.put_nowait)
        self.to_server = self.handshake.receive

    async def _recv(self):
        return await self.inbox.get()

    async def _send(self, data):
        self.to_server(data)

    async def connect(self, timeout_s=5.0):
        """The server's result; the client's own is in `transport.state`."""
        ours = asyncio.ensure_future(self.handshake.run())
        algorithm, value = self.server_certificate.fingerprint
        theirs = asyncio.ensure_future(
            self.transport.start(RTCDtlsParameters([RTCDtlsFingerprint(algorithm=algorithm, value=value)]))
        )
        try:
            return await asyncio.wait_for(ours, timeout_s)
        finally:
            if not theirs.done():
                await asyncio.sleep(0.05)
            theirs.cancel()

    async def close(self):
        await self.handshake.close()
        await self.transport.stop()


async def test_both_sides_get_the_same_keys():
    client = Client()
    result = await client.connect()
    assert result.failure == ""
    assert result.keys.profile.name == b"SRTP_AEAD_AES_128_GCM"
    ours = srtp.Sessions(result.keys)
    arena_packet = bytes.fromhex("80600001000003e800000007") + b"hello"
    sealed = client.transport._tx_srtp.protect(arena_packet)
    from tests.media_routing.runtime.test_srtp import run

    assert run(srtp.lib.srtp_unprotect, ours.unprotect_rtp, sealed) == (srtp.OK, arena_packet)
    await client.close()


def flip(value):
    return ("1" if value[0] == "0" else "0") + value[1:]


@pytest.mark.parametrize(
    "change",
    [
        {"fingerprint_of": flip},
        {"remote": [("sha-1", "00:11")]},
        {"remote": [("sha-512", "AB:CD")]},
    ],
    ids=["one digit", "unknown hash only", "another hash"],
)
async def test_another_certificate_gets_no_keys(change):
    client = Client(**change)
    result = await client.connect()
    assert (result.keys, result.failure) == (None, "fingerprint")
    await client.close()


ALERT = bytes.fromhex("15fefd000000000000000000020228")
HOSTILE = [
    ALERT,
    bytes.fromhex("15feff00000000000000000002022800"),
    b"\x16" + b"\0" * 40,
    b"\x17\xfe\xfd" + b"\xff" * 60,
    b"\x14\xfe\xfd" + bytes(11),
    bytes(range(20, 60)),
]


async def test_forged_datagrams_do_not_prevent_a_handshake():
    """Before and between all of the peer's flights, as from its own address: only who forges addresses could do it."""
    client = Client()

    def to_server(data):
        for junk in [*HOSTILE, data, *HOSTILE]:
            client.handshake.receive(junk)

    client.to_server = to_server
    for junk in HOSTILE:
        client.handshake.receive(junk)
    result = await client.connect()
    assert result.failure == ""
    assert client.transport.state == "connected"
    await client.close()


async def test_a_stock_transport_dies_of_the_same_alert():
    """The control: what the test above survives is deadly without our filter."""
    pipe = dtls._Pipe(lambda data: None)
    transport = RTCDtlsTransport(pipe, [Certificate().inner])
    transport._set_role("server")
    pipe.put(ALERT)
    await asyncio.wait_for(transport.start(RTCDtlsParameters([RTCDtlsFingerprint("sha-256", "00")])), 5)
    assert transport.state == "failed"


async def test_the_queue_is_short():
    handshake = Handshake(Certificate(), [("sha-256", "00")], lambda data: None)
    for _ in range(1000):
        handshake.receive(b"\x16" + b"x" * 1400)
    assert len(handshake._pipe._queue) == dtls.QUEUE_DATAGRAMS
    assert handshake.dropped == 1000 - dtls.QUEUE_DATAGRAMS


async def test_close_notify_is_noticed():
    client = Client()
    assert (await client.connect()).keys is not None
    assert not client.handshake.ended
    await client.transport.stop()
    async with asyncio.timeout(2):
        while not client.handshake.ended:
            await asyncio.sleep(0.01)
    await client.close()


async def test_closing_ends_a_handshake_that_waits():
    handshake = Handshake(Certificate(), [("sha-256", "00")], lambda data: None)
    task = asyncio.ensure_future(handshake.run())
    await asyncio.sleep(0.01)
    await handshake.close()
    assert (await asyncio.wait_for(task, 1)).failure == "closed"
