"""The measured process of the engine rows: `python -m tests.bench.engine_target ours|floor|stock|relay`.

Commands come as JSON lines on stdin and are answered on stdout, so that the load generator never shares this process.
`floor` is the least that Python can do (recvmmsg, unprotect, one pack_into and protect per receiver, sendmmsg with
segmentation), without RTCP, history, layers or limits. `stock` is aiortc's transports, parse and serialize alone; `relay`
is aiortc as it is shipped, with receivers, senders and reports.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import selectors
import socket
import struct
import sys
import threading
import time
from fractions import Fraction

from media_routing.runtime import datagrams, srtp
from media_routing.runtime.arena import Arena
from media_routing.runtime.outbox import SLOT_BYTES, SLOTS
from media_routing.runtime.pump import BATCHES_PER_TURN

COALESCE_S = 0.001
FIRST_SSRC = 1000
# What the packets of the load carry, as Chromium's do once it knows that its stream is known.
EXTENSIONS = (
    (3, "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"),
    (2, "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"),
)


def cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def resident_bytes() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


def render_pages() -> None:
    """What a thread that renders pages does to the interpreter: Python, without end."""
    while True:
        "".join(f"<li>{number}: {number * number}</li>" for number in range(500)).replace("<", "&lt;")


class Plain:
    """What `floor` and `stock` have in common: who forwards to whom, with which keys."""

    def __init__(self) -> None:
        self.sock = datagrams.open_socket("127.0.0.1", 0, 8 << 20)
        self.received = self.sent = 0

    def usage(self) -> dict[str, float]:
        return {"cpu_s": cpu_s(), "received": self.received, "sent": self.sent, "wall_s": time.monotonic()}

    async def handle(self, command: dict) -> dict:
        if command["do"] == "route":
            self.ports: list[int] = []
            """Where receivers send their RTCP, if it is read."""
            port = await self.route(command["publisher"], command["receivers"])
            return {"port": port, "ports": self.ports}
        return self.usage()

    @property
    def port(self) -> int:
        return self.sock.getsockname()[1]


def keys_of(text: str) -> srtp.Keys:
    return srtp.Keys.from_exporter(srtp.PROFILES[0], bytes.fromhex(text))


class _Destination:
    def __init__(self, address: list, keys: str) -> None:
        packed = datagrams.CHOSEN.pack(socket.AF_INET, *address)
        self.name, self._memory = datagrams.CHOSEN.make_name(packed)
        self.queue: list[int] = []
        self.sessions = srtp.Sessions(keys_of(keys))
        self.protect = self.sessions.protect_rtp
        self.sequence = 100


class Floor(Plain):
    def __init__(self) -> None:
        super().__init__()
        self.routes: dict = {}
        threading.Thread(target=self.run, daemon=True).start()

    async def route(self, publisher: list, receivers: list) -> int:
        address, keys, _ = publisher
        sessions = srtp.Sessions(keys_of(keys))
        destinations = [_Destination(*one) for one in receivers]
        routes = {
            **self.routes,
            datagrams.CHOSEN.pack(socket.AF_INET, *address): (sessions, sessions.unprotect_rtp, destinations),
        }
        self.routes = routes
        return self.port

    def run(self) -> None:
        inbox, outbox = Arena(64, 2048, 64), Arena(SLOTS, SLOT_BYTES)
        receiver = datagrams.CHOSEN.make_receiver(self.sock, inbox)
        sender = datagrams.CHOSEN.make_sender(self.sock, outbox)
        length, pack = srtp.new_length(), struct.Struct("!BBHII").pack_into
        unpack, protect, unprotect = struct.Struct("!BBHII").unpack_from, srtp.lib.srtp_protect, srtp.lib.srtp_unprotect
        selector = selectors.DefaultSelector()
        selector.register(self.sock, selectors.EVENT_READ)
        view, out, origin = inbox.view, outbox.view, sender.origin
        while True:
            selector.select()
            time.sleep(COALESCE_S)
            slot_out, waiting, routes = 0, [], self.routes
            for _ in range(BATCHES_PER_TURN):
                came = 0
                for slot, size, address, _ in receiver.receive():
                    came += 1
                    offset = inbox.offsets[slot]
                    _, session, destinations = routes[address]
                    length[0] = size
                    if unprotect(session, inbox.pointers[slot], length):
                        continue
                    size = length[0]
                    first, second, _, timestamp, ssrc = unpack(view, offset)
                    packet = view[offset : offset + size]
                    for destination in destinations:
                        if slot_out == SLOTS:
                            sender.send(waiting)
                            slot_out, waiting = 0, []
                        at = outbox.offsets[slot_out]
                        out[at : at + size] = packet
                        destination.sequence = sequence = destination.sequence + 1 & 0xFFFF
                        pack(out, at, first, second, sequence, timestamp, ssrc)
                        length[0] = size
                        protect(destination.protect, outbox.pointers[slot_out], length)
                        if not destination.queue:
                            waiting.append(destination)
                        destination.queue += (at + origin, length[0])
                        slot_out += 1
                    self.sent += len(destinations)
                self.received += came
                if came < 64:
                    break
            if waiting:
                sender.send(waiting)


class Stock(Plain):
    """aiortc 1.16 as it is shipped: a socket per peer, its ICE and DTLS transports, its packets and sessions.

    Only the handshakes are left out. Per subscriber a packet costs what RTCRtpSender does with one that its encoder
    made, but for two readings of the clock: a new RtpPacket, its extensions, a place in the history, `_send_rtp`.
    """

    def __init__(self) -> None:
        super().__init__()
        from aiortc import RTCCertificate, RTCIceGatherer, RTCRtpHeaderExtensionParameters, RTCRtpParameters
        from aiortc.rtp import HeaderExtensionsMap

        self.certificate = RTCCertificate.generateCertificate()
        self.gather = RTCIceGatherer
        self.extensions = RTCRtpParameters(
            headerExtensions=[RTCRtpHeaderExtensionParameters(id=id_, uri=uri) for id_, uri in EXTENSIONS]
        )
        self.map = HeaderExtensionsMap()
        self.map.configure(self.extensions)
        self.kept: list = []

    async def start(self) -> None:
        # One packet of 65,536 has a sequence number that makes it STUN to aioice, and its parser raises.
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)

    async def peer(self, address: list, keys: str, _ssrc: int = 0):
        """(transport, port): connected, as after ICE and DTLS."""
        from aioice import Candidate
        from aioice.ice import CandidatePair, StunProtocol
        from aiortc.rtcdtlstransport import RTCDtlsTransport, State
        from aiortc.rtcicetransport import RTCIceTransport
        from pylibsrtp import Policy, Session

        ice = RTCIceTransport(self.gather(iceServers=[]))
        connection = ice._connection
        loop = asyncio.get_running_loop()
        endpoint, protocol = await loop.create_datagram_endpoint(
            lambda: StunProtocol(connection), local_addr=("127.0.0.1", 0)
        )
        port = endpoint.get_extra_info("sockname")[1]
        protocol.local_candidate = Candidate("1", 1, "udp", 1, "127.0.0.1", port, "host")
        remote = Candidate("1", 1, "udp", 1, address[0], address[1], "host")
        remote._network_host = address[0]
        connection._nominated[1] = CandidatePair(protocol, remote)
        peer, made = RTCDtlsTransport(ice, [self.certificate]), keys_of(keys)
        peer._state, peer.encrypted, peer._RTCDtlsTransport__handshake_done = State.CONNECTED, True, True
        profile = Policy.SRTP_PROFILE_AEAD_AES_128_GCM
        peer._rx_srtp = Session(Policy(key=made.receive, ssrc_type=Policy.SSRC_ANY_INBOUND, srtp_profile=profile))
        peer._tx_srtp = Session(Policy(key=made.send, ssrc_type=Policy.SSRC_ANY_OUTBOUND, srtp_profile=profile))
        peer._rtp_header_extensions_map.configure(self.extensions)
        return peer, port

    async def route(self, publisher: list, receivers: list) -> int:
        from aiortc.rtcrtpsender import RTP_HISTORY_SIZE
        from aiortc.rtp import RtpPacket

        peers = [(await self.peer(*one))[0] for one in receivers]
        (source, port), stock = await self.peer(*publisher), self
        subscribers = [[peer, 100 + number, {}] for number, peer in enumerate(peers)]

        class Forward:
            def _handle_disconnect(self):
                pass

            async def _handle_rtp_packet(self, packet, arrival_time_ms):
                stock.received += 1
                for subscriber in subscribers:
                    peer, sequence, history = subscriber
                    subscriber[1] = sequence + 1 & 0xFFFF
                    copy = RtpPacket(
                        payload_type=packet.payload_type,
                        marker=packet.marker,
                        sequence_number=sequence,
                        timestamp=packet.timestamp,
                        ssrc=packet.ssrc,
                        payload=packet.payload,
                    )
                    copy.extensions.abs_send_time = packet.extensions.abs_send_time
                    copy.extensions.transport_sequence_number = sequence
                    history[sequence % RTP_HISTORY_SIZE] = copy
                    await peer._send_rtp(copy.serialize(stock.map))
                    stock.sent += 1

        source._rtp_router.register_receiver(Forward(), ssrcs=[], payload_types=[96])
        self.kept.append((peers, source, asyncio.ensure_future(source._RTCDtlsTransport__run())))
        return port


class Relay(Stock):
    """aiortc 1.16 used as its own documentation forwards: RTCRtpReceiver, MediaRelay, RTCRtpSender. Everything of theirs
    runs (jitter buffer, NACK, bitrate estimation, statistics, reports, packetisation); codecs alone are left out: a
    decoder that hands the encoded frame on as it is, which the sender then packs without encoding."""

    def __init__(self) -> None:
        from aiortc import rtcrtpreceiver
        from aiortc.contrib.media import MediaRelay
        from av.packet import Packet

        super().__init__()
        self.relay = MediaRelay()
        self.transports: list = []
        self.sources: list = []

        class Undecoded:
            def decode(self, frame):
                packet = Packet(frame.data)
                packet.pts, packet.time_base = frame.timestamp, Fraction(1, 90_000)
                return [packet]

        rtcrtpreceiver.get_decoder = lambda codec: Undecoded()

    def usage(self) -> dict[str, float]:
        self.received = sum(one._RTCDtlsTransport__rx_packets for one in self.sources)
        self.sent = sum(one._RTCDtlsTransport__tx_packets for one in self.transports)
        return super().usage()

    async def route(self, publisher: list, receivers: list) -> int:
        import aiortc
        from aiortc.rtcrtpparameters import RTCRtpDecodingParameters
        from aiortc.rtcrtpreceiver import RemoteStreamTrack

        codecs = [
            aiortc.RTCRtpCodecParameters(mimeType="video/VP8", clockRate=90_000, payloadType=96),
            aiortc.RTCRtpCodecParameters(
                mimeType="video/rtx", clockRate=90_000, payloadType=97, parameters={"apt": 96}
            ),
        ]
        about = {"codecs": codecs, "headerExtensions": self.extensions.headerExtensions}
        source, port = await self.peer(*publisher)
        receiver = aiortc.RTCRtpReceiver("video", source)
        receiver._track = RemoteStreamTrack(kind="video")
        receiver._set_rtcp_ssrc(1)
        encodings = [RTCRtpDecodingParameters(ssrc=publisher[2], payloadType=96)]
        await receiver.receive(aiortc.rtcrtpparameters.RTCRtpReceiveParameters(encodings=encodings, **about))
        self.sources.append(source)
        for number, one in enumerate(receivers):
            transport, its_port = await self.peer(*one)
            sender = aiortc.RTCRtpSender(self.relay.subscribe(receiver.track), transport)
            sender._ssrc = FIRST_SSRC + number
            rtcp = aiortc.rtcrtpparameters.RTCRtcpParameters(cname="x", ssrc=sender._ssrc)
            await sender.send(aiortc.rtcrtpparameters.RTCRtpSendParameters(rtcp=rtcp, **about))
            self.transports.append(transport)
            self.kept += [sender, asyncio.ensure_future(transport._RTCDtlsTransport__run())]
            self.ports.append(its_port)
        self.kept += [receiver, asyncio.ensure_future(source._RTCDtlsTransport__run())]
        return port


class Ours:
    def __init__(self) -> None:
        from media_routing.runtime.service import MediaService, MediaSettings
        from media_routing.sfu.bwe import BandwidthEstimator

        class Pinned(BandwidthEstimator):
            """Does all its work and then says that everything fits: a busy machine must measure the same path."""

            __slots__ = ()
            target_bps = property(lambda self: 12_000_000)

        self.pinned = Pinned
        self.service = MediaService(MediaSettings(bind_address="127.0.0.1", max_load=1000))

    async def start(self) -> None:
        await self.service.start()

    @property
    def port(self) -> int:
        return self.service.port

    async def handle(self, command: dict) -> dict:
        service = self.service
        if command["do"] == "join":
            answer = await service.join(
                command["room"],
                command["name"],
                "c",
                sdp=command["sdp"],
                sources=command["sources"],
                room_size=command.get("room_size", 32),
                listener=lambda message: None,
            )
            return {"sdp": answer.sdp}
        if command["do"] == "open":  # after the check, in place of a handshake
            running = service._rooms[command["room"]]
            link = running.seats[command["name"]].coming
            link.open(keys_of(command["keys"]))
            link.heard = time.monotonic()
            running.connect(link, link.negotiation.leg_plan, link.heard)
            link.leg.subscriber.estimator.__class__ = self.pinned
            service._nudge()
            return {}
        if command["do"] == "busy":
            for _ in range(command["threads"]):
                threading.Thread(target=render_pages, daemon=True).start()
            return {}
        pump = service._pump
        rooms = [running.room for running in service._rooms.values()]
        stats = [room.stats(time.monotonic()) for room in rooms]
        return {
            "cpu_s": cpu_s(),
            "wall_s": time.monotonic(),
            "received": sum(one.packets_in for one in stats),
            "sent": sum(one.packets_out for one in stats),
            "datagrams_in": pump.counters.datagrams,
            "datagrams_out": pump.outbox.sender.sent,
            "resident_bytes": resident_bytes(),
            "legs": sum(one.legs for one in stats),
            "targets": [leg.subscriber.estimator.target_bps for room in rooms for leg in room.legs.values()][:8],
        }


async def main(kind: str) -> None:
    target = {"ours": Ours, "floor": Floor, "stock": Stock, "relay": Relay}[kind]()
    if kind != "floor":
        await target.start()
    await obey(target)


async def obey(target: Plain | Ours) -> None:
    """Does what stdin says until it ends."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=1 << 20)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    print(json.dumps({"port": target.port}), flush=True)
    while line := await reader.readline():
        print(json.dumps(await target.handle(json.loads(line))), flush=True)


if __name__ == "__main__":
    try:
        asyncio.run(main(sys.argv[1]))
    finally:
        sys.stdout.flush()
        os._exit(0)  # aiortc's decoder threads would keep the process
