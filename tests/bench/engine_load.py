"""Publishers and receivers for the engine rows: real SRTP over real sockets, feedback as a browser sends it."""

from __future__ import annotations

import json
import secrets
import select
import socket
import struct
import subprocess
import sys
import time
from dataclasses import dataclass, field

from aioice import stun

from media_routing.rtp.rtcp import ReceiverReport, ReportBlock, make_feedback
from media_routing.runtime import datagrams, srtp
from media_routing.runtime.arena import Arena

PACKETS_PER_S = 400  # of 1100 bytes: 3.5 Mbit/s, a 720p layer
PACKET_BYTES, PACKETS_PER_FRAME = 1100, 13
KEY_FRAME_S = 1.0
FEEDBACK_S, REPORT_S, DRAIN_S, SEND_S = 0.1, 1.0, 0.005, 0.002
PROFILE = srtp.PROFILES[0]

# Where a publisher writes the time of sending: behind the VP8 descriptor and the first bytes of a frame.
STAMP_AT = 40
_SECTION = (
    "m=video 9 UDP/TLS/RTP/SAVPF 96 97\nc=IN IP4 0.0.0.0\na=mid:0\na=rtcp-mux\na={direction}\na=rtpmap:96 VP8/90000\n"
    "a=rtcp-fb:96 nack\na=rtcp-fb:96 nack pli\na=rtcp-fb:96 transport-cc\na=rtpmap:97 rtx/90000\na=fmtp:97 apt=96\n"
    "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\n"
    "a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\n"
)
_HEAD = (
    "v=0\no=- 1 1 IN IP4 127.0.0.1\ns=-\nt=0 0\na=group:BUNDLE 0\na=ice-ufrag:abcd\na=ice-pwd:" + "p" * 24 + "\n"
    "a=fingerprint:sha-256 " + ":".join(["AB"] * 32) + "\na=setup:actpass\n"
)


class Target:
    """The measured process and its pipe."""

    def __init__(self, kind: str, *arguments: str, module: str = "tests.bench.engine_target") -> None:
        self.kind = kind
        self.process = subprocess.Popen(
            [sys.executable, "-m", module, kind, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.address = ("127.0.0.1", json.loads(self.process.stdout.readline())["port"])

    def ask(self, **command: object) -> dict:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(20)


class Peer:
    def __init__(self) -> None:
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.setblocking(False)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.sock.bind(("127.0.0.1", 0))
        self.keys = secrets.token_hex(2 * (PROFILE.key_bytes + PROFILE.salt_bytes))
        self.sessions = srtp.Sessions(srtp.Keys.from_exporter(PROFILE, bytes.fromhex(self.keys), server=False))
        self.address = self.sock.getsockname()

    def enter(self, target: Target, room: str, name: str, direction: str, ssrc: int = 0) -> None:
        """Joins with one camera or none, checks, and opens: what a browser does before its first packet."""
        section = _SECTION.format(direction=direction) + (f"a=ssrc:{ssrc} cname:x\n" if ssrc else "")
        offer = (_HEAD + section).replace("\n", "\r\n")
        self.come_in(target, room, name, offer, {"0": "camera"} if ssrc else {})

    def come_in(self, target: Target, room: str, name: str, offer: str, sources: dict[str, str]) -> None:
        answer = target.ask(do="join", room=room, name=name, sdp=offer, sources=sources)["sdp"]
        lines = dict(line[2:].split(":", 1) for line in answer.splitlines() if line.startswith("a=") and ":" in line)
        request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
        request.attributes.update({"USERNAME": f"{lines['ice-ufrag']}:abcd", "PRIORITY": 1, "USE-CANDIDATE": None})
        request.add_message_integrity(lines["ice-pwd"].encode())
        self.request = bytes(request)
        for _ in range(100):
            self.sock.sendto(self.request, target.address)
            if select.select([self.sock], [], [], 0.1)[0]:
                break
        target.ask(do="open", room=room, name=name, keys=self.keys)


class Publisher(Peer):
    def __init__(self, server: tuple[str, int]) -> None:
        super().__init__()
        self.ssrc = secrets.randbits(30) | 1
        self.sent = 0
        self.began = 0.0
        self.server = server
        self._arena = Arena(1, 2048)
        self._length = srtp.new_length()
        self._payload = secrets.token_bytes(PACKET_BYTES)

    def send_due(self, now: float, packets_per_s: float) -> None:
        self.began = self.began or now
        view, pointer = self._arena.view, self._arena.pointers[0]
        while self.sent < (now - self.began) * packets_per_s:
            place = self.sent % PACKETS_PER_FRAME
            frame = self.sent // PACKETS_PER_FRAME
            key = frame % max(1, int(KEY_FRAME_S * packets_per_s / PACKETS_PER_FRAME)) == 0
            marker = 0x80 if place == PACKETS_PER_FRAME - 1 else 0
            struct.pack_into(
                "!BBHIIHHBHB", view, 0, 0x90, marker | 96, self.sent + 1 & 0xFFFF, frame * 3000 & 0xFFFFFFFF, self.ssrc,
                0xBEDE, 1, 0x31, self.sent & 0xFFFF, 0,
            )  # fmt: skip
            view[20:PACKET_BYTES] = self._payload[20:]
            struct.pack_into("!d", view, STAMP_AT, now)
            view[20] = 0x10 if place == 0 else 0  # VP8 descriptor: start of the first partition
            view[21] = 0 if key else 1  # its first byte: P bit, key frames have it clear
            self._length[0] = PACKET_BYTES
            srtp.lib.srtp_protect(self.sessions.protect_rtp, pointer, self._length)
            try:
                self.sock.sendto(view[: self._length[0]], self.server)
            except BlockingIOError:
                return
            self.sent += 1


class Receiver(Peer):
    """Reads what comes, and when `feeds`, tells the sender about it as libwebrtc does."""

    inbox = Arena(64, 2048)

    def __init__(self) -> None:
        super().__init__()
        self.receiver = datagrams.CHOSEN.make_receiver(self.sock, self.inbox)
        self.received = 0
        self.delays: list[float] | None = None
        self._length = srtp.new_length()
        self.arrivals: dict[int, int] = {}
        self.expected: int | None = None
        self.count = self.media_ssrc = self.highest = 0
        self.feedback_at = self.report_at = time.monotonic() + secrets.randbelow(100) / 1000

    def drain(self, now: float) -> None:
        view, offsets = self.inbox.view, self.inbox.offsets
        at_us = round(now * 1e6)
        while True:
            came = 0
            for slot, size, _ in self.receiver.receive():
                came += 1
                offset = offsets[slot]
                if size > 40 and view[offset] & 0xD0 == 0x90 and view[offset + 16] == 0x31:
                    self.received += 1
                    if self.delays is not None:
                        self._measure(offset, slot, size)
                    near = self.expected or 0x10000
                    number = view[offset + 17] << 8 | view[offset + 18]
                    number = near + ((number - near + 0x8000) & 0xFFFF) - 0x8000
                    self.arrivals[number] = at_us
                    if view[offset + 1] & 0x7F != 96:
                        continue
                    self.media_ssrc = int.from_bytes(view[offset + 8 : offset + 12], "big")
                    self.highest = view[offset + 2] << 8 | view[offset + 3]
            if came < 64:
                return

    def _measure(self, offset: int, slot: int, size: int) -> None:
        """Reads the time of sending: two bytes of extension words and five more than at the publisher."""
        self._length[0] = size
        if not srtp.lib.srtp_unprotect(self.sessions.unprotect_rtp, self.inbox.pointers[slot], self._length):
            [sent_at] = struct.unpack_from("!d", self.inbox.view, offset + STAMP_AT + 4)
            self.delays.append(time.monotonic() - sent_at)

    def feed(self, address: tuple, now: float) -> None:
        packets = []
        if now >= self.feedback_at and self.arrivals:
            self.feedback_at = now + FEEDBACK_S
            fresh = sorted(item for item in self.arrivals.items() if self.expected is None or item[0] >= self.expected)
            self.arrivals.clear()
            if fresh:
                for one in make_feedback(1, self.media_ssrc, self.count, fresh, first=self.expected):
                    self.count = self.count + 1 & 0xFF
                    packets.append(one.build())
                self.expected = fresh[-1][0] + 1
        if now >= self.report_at:
            self.report_at = now + REPORT_S
            self.sock.sendto(self.request, address)
            block = ReportBlock(self.media_ssrc, 0.0, 0, self.highest, 10, 0, 0)
            packets.append(ReceiverReport(1, (block,)).build())
        for packet in packets:
            offset, length = self.inbox.offsets[0], srtp.new_length()
            self.inbox.view[offset : offset + len(packet)] = packet
            length[0] = len(packet)
            srtp.lib.srtp_protect_rtcp(self.sessions.protect_rtcp, self.inbox.pointers[0], length)
            self.sock.sendto(self.inbox.view[offset : offset + length[0]], address)


@dataclass
class Load:
    """`rooms` rooms of one publisher and `fan_out` receivers each."""

    target: Target
    fan_out: int
    publishers: list[Publisher] = field(default_factory=list)
    receivers: list[Receiver] = field(default_factory=list)

    def grow(self, rooms: int) -> None:
        for number in range(len(self.publishers), rooms):
            publisher, receivers = Publisher(self.target.address), [Receiver() for _ in range(self.fan_out)]
            if self.target.kind == "ours":
                publisher.enter(self.target, f"room {number}", "publisher", "sendonly", publisher.ssrc)
                for index, receiver in enumerate(receivers):
                    receiver.enter(self.target, f"room {number}", f"receiver {index}", "recvonly")
                    receiver.feedback_at = time.monotonic() + secrets.randbelow(100) / 1000
            else:
                routes = [[one.address, one.keys] for one in receivers]
                told = self.target.ask(do="route", publisher=[publisher.address, publisher.keys], receivers=routes)
                publisher.server = ("127.0.0.1", told["port"])
            self.publishers.append(publisher)
            self.receivers += receivers

    def run(
        self,
        seconds: float,
        packets_per_s: float = PACKETS_PER_S,
        *,
        drain_s: float = DRAIN_S,
        send_s: float = SEND_S,
    ) -> None:
        """Sends evenly for so long; what was not sent in time is left out rather than sent in a burst."""
        begin = now = time.monotonic()
        drain_at = now
        for publisher in self.publishers:
            publisher.began = now - publisher.sent / packets_per_s
        while now < begin + seconds:
            for publisher in self.publishers:
                if (now - publisher.began) * packets_per_s - publisher.sent > packets_per_s * 0.05:
                    publisher.began = now - publisher.sent / packets_per_s
                publisher.send_due(now, packets_per_s)
            if now >= drain_at:
                drain_at = now + drain_s
                for receiver in self.receivers:
                    receiver.drain(now)
                    if self.target.kind == "ours":
                        receiver.feed(self.target.address, now)
            time.sleep(max(0.0, send_s - (time.monotonic() - now)))
            now = time.monotonic()

    def close(self) -> None:
        for peer in [*self.publishers, *self.receivers]:
            peer.sock.close()
