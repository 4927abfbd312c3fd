"""The measured process of the engine rows: `python -m tests.bench.engine_target ours|floor|stock`.

Commands come as JSON lines on stdin and are answered on stdout, so that the load generator never shares this process.
`floor` is the least that Python can do (recvmmsg, unprotect, one pack_into and protect per receiver, sendmmsg with
segmentation), without RTCP, history, layers or limits; `stock` is aiortc's own transport with its parse and serialize.
"""

from __future__ import annotations

import asyncio
import json
import resource
import selectors
import socket
import struct
import sys
import threading
import time
from types import SimpleNamespace

from media_routing.runtime import datagrams, srtp
from media_routing.runtime.arena import Arena

COALESCE_S = 0.001


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
            return {"port": await self.route(command["publisher"], command["receivers"])}
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
        address, keys = publisher
        sessions = srtp.Sessions(keys_of(keys))
        destinations = [_Destination(*one) for one in receivers]
        routes = {
            **self.routes,
            datagrams.CHOSEN.pack(socket.AF_INET, *address): (sessions, sessions.unprotect_rtp, destinations),
        }
        self.routes = routes
        return self.port

    def run(self) -> None:
        inbox, outbox = Arena(64, 2048, 64), Arena(256, 1664)
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
            while True:
                slot_out, waiting, came = 0, [], 0
                routes = self.routes
                for slot, size, address in receiver.receive():
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
                        if slot_out == 256:
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
                        self.sent += 1
                if waiting:
                    sender.send(waiting)
                self.received += came
                if came < 64:
                    break


class Stock(Plain):
    """aiortc 1.16 as it is shipped: aioice's protocol on a socket per peer, its transport, RtpPacket, its sessions."""

    def __init__(self) -> None:
        super().__init__()
        from aiortc import RTCCertificate

        self.certificate = RTCCertificate.generateCertificate()
        self.kept: list = []

    async def start(self) -> None:
        pass

    async def peer(self, address: list, keys: str):
        """(transport, port): connected, as after ICE and DTLS."""
        from aioice.ice import StunProtocol
        from aiortc.rtcdtlstransport import RTCDtlsTransport, State
        from pylibsrtp import Policy, Session

        queue: asyncio.Queue = asyncio.Queue()
        target = tuple(address)

        class Connection:  # what aioice's Connection does with data once a pair is nominated
            def data_received(self, data, component):
                queue.put_nowait((data, component))

        class Ice:
            role = "controlled"

            async def _recv(self):
                return (await queue.get())[0]

            async def _send(self, data):
                await protocol.send_data(data, target)

        loop = asyncio.get_running_loop()
        endpoint, protocol = await loop.create_datagram_endpoint(
            lambda: StunProtocol(Connection()), local_addr=("127.0.0.1", 0)
        )
        protocol.local_candidate = SimpleNamespace(component=1)
        peer, made = RTCDtlsTransport(Ice(), [self.certificate]), keys_of(keys)
        peer._state, peer.encrypted, peer._RTCDtlsTransport__handshake_done = State.CONNECTED, True, True
        profile = Policy.SRTP_PROFILE_AEAD_AES_128_GCM
        peer._rx_srtp = Session(Policy(key=made.receive, ssrc_type=Policy.SSRC_ANY_INBOUND, srtp_profile=profile))
        peer._tx_srtp = Session(Policy(key=made.send, ssrc_type=Policy.SSRC_ANY_OUTBOUND, srtp_profile=profile))
        return peer, endpoint.get_extra_info("sockname")[1]

    async def route(self, publisher: list, receivers: list) -> int:
        peers = [(await self.peer(*one))[0] for one in receivers]
        (source, port), stock = await self.peer(*publisher), self
        sequences = dict.fromkeys(range(len(peers)), 100)

        class Forward:
            def _handle_disconnect(self):
                pass

            async def _handle_rtp_packet(self, packet, arrival_time_ms):
                stock.received += 1
                for number, peer in enumerate(peers):
                    packet.sequence_number = sequences[number] = sequences[number] + 1 & 0xFFFF
                    await peer._send_rtp(packet.serialize(source._rtp_header_extensions_map))
                    stock.sent += 1

        source._rtp_router.register_receiver(Forward(), ssrcs=[], payload_types=[96])
        self.kept.append((peers, source, asyncio.ensure_future(source._RTCDtlsTransport__run())))
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
    target = {"ours": Ours, "floor": Floor, "stock": Stock}[kind]()
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
    asyncio.run(main(sys.argv[1]))
