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

from media_routing.rtp.rtcp import ReceiverReport, Remb, ReportBlock, make_feedback
from media_routing.runtime import datagrams, srtp
from media_routing.runtime.arena import Arena

PACKETS_PER_S = 400  # of 1100 bytes: 3.5 Mbit/s, a 720p layer at 30 frames/s
PACKET_BYTES, PACKETS_PER_FRAME = 1100, 13
# libwebrtc cuts a frame into packets that differ by a byte at most, and paces them at 2.5 times the rate in bursts 5 ms
# apart: about five of these packets each.
LONG_PER_FRAME, PACKETS_PER_BURST, BURST_S = 7, 5, 0.005
KEY_FRAME_S = 1.0
# libwebrtc sends transport feedback for 5 % of the rate, each 50 to 250 ms: above 220 kbit/s that is each 50 ms.
FEEDBACK_S, REPORT_S, DRAIN_S, SEND_S = 0.05, 1.0, 0.016, 0.002
# Longer than any RTCP of those that send media in packets of their own cut.
MEDIA_BYTES = 200
PROFILE = srtp.PROFILES[0]
FIRST_SSRC = 1000  # of what the relay sends
_write_head = struct.Struct("!BBHIIHHBHBBHBBBHBBB").pack_into

# Where a publisher writes the time of sending: behind the VP8 descriptor and the first bytes of a frame.
STAMP_AT = 40
_SECTION = (
    "m=video 9 UDP/TLS/RTP/SAVPF 96 97\nc=IN IP4 0.0.0.0\na=mid:0\na=rtcp-mux\na={direction}\na=rtpmap:96 VP8/90000\n"
    "a=rtcp-fb:96 nack\na=rtcp-fb:96 nack pli\na=rtcp-fb:96 transport-cc\na=rtpmap:97 rtx/90000\na=fmtp:97 apt=96\n"
    "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\n"
    "a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\n"
    "a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time\n"
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
        answered = select.poll()
        answered.register(self.sock, select.POLLIN)
        for _ in range(100):
            self.sock.sendto(self.request, target.address)
            if answered.poll(100):
                break
        target.ask(do="open", room=room, name=name, keys=self.keys)


class Publisher(Peer):
    def __init__(self, server: tuple[str, int]) -> None:
        super().__init__()
        self.ssrc = secrets.randbits(30) | 1
        self.sent = 0
        self.began = 0.0
        self.aim(server)
        self._arena = Arena(16, 2048)
        self._sender = datagrams.CHOSEN.make_sender(self.sock, self._arena)
        self.queue: list[int] = []
        self._length = srtp.new_length()
        self._payload = secrets.token_bytes(PACKET_BYTES)

    def aim(self, server: tuple[str, int]) -> None:
        self.name, self._name_memory = datagrams.CHOSEN.make_name(datagrams.CHOSEN.pack(socket.AF_INET, *server))

    def send_due(self, now: float, packets_per_s: float) -> None:
        self.began = self.began or now
        due = self._due(now - self.began, packets_per_s) - self.sent
        if due <= 0:
            return
        arena, queue = self._arena, self.queue
        for slot in range(min(due, arena.slots)):
            size = self._write(arena.offsets[slot], now, packets_per_s)
            self._length[0] = size
            srtp.lib.srtp_protect(self.sessions.protect_rtp, arena.pointers[slot], self._length)
            queue += (self._sender.origin + arena.offsets[slot], self._length[0])
            self.sent += 1
        self._sender.send((self,))

    def _due(self, elapsed_s: float, packets_per_s: float) -> int:
        """Frame after frame, each in bursts."""
        frame_s = PACKETS_PER_FRAME / packets_per_s
        frames = int(elapsed_s / frame_s)
        burst_s = min(BURST_S, frame_s / 3)
        bursts = int((elapsed_s - frames * frame_s) / burst_s) + 1
        return frames * PACKETS_PER_FRAME + min(PACKETS_PER_FRAME, bursts * PACKETS_PER_BURST)

    def _write(self, at: int, now: float, packets_per_s: float) -> int:
        """One packet of a VP8 frame as Chromium writes it, its size."""
        view = self._arena.view
        frame, place = divmod(self.sent, PACKETS_PER_FRAME)
        key = frame % max(1, int(KEY_FRAME_S * packets_per_s / PACKETS_PER_FRAME)) == 0
        marker = 0x80 if place == PACKETS_PER_FRAME - 1 else 0
        size = PACKET_BYTES - (place >= LONG_PER_FRAME)
        view[at : at + size] = self._payload[:size]
        _write_head(
            view, at, 0x90, marker | 96, self.sent + 1 & 0xFFFF, frame * 3000 & 0xFFFFFFFF, self.ssrc,
            0xBEDE, 2, 0x31, self.sent & 0xFFFF, 0x22, 0, int(now * 0x40000) & 0xFFFF, 0,
            # The descriptor: start of the first partition, wide picture id, TL0PICIDX and KEYIDX (RFC 7741 §4.2). Then
            # the frame's first byte, of which key frames have the lowest bit clear.
            0x90 if place == 0 else 0x80, 0xF0, 0x8000 | frame & 0x7FFF, frame & 0xFF, 0, 0 if key else 1,
        )  # fmt: skip
        struct.pack_into("!d", view, at + STAMP_AT, now)
        return size


class Receiver(Peer):
    """Reads what comes, and when `feeds`, tells the sender about it as libwebrtc does."""

    inbox = Arena(64, 2048)

    def __init__(self) -> None:
        super().__init__()
        self.receiver = datagrams.CHOSEN.make_receiver(self.sock, self.inbox)
        self.received = 0
        self.delays: list[float] | None = None
        self._length = srtp.new_length()
        self.feeds = True
        self.arrivals: list[tuple[int, int]] = []
        self.drained_at = time.monotonic()
        self.expected: int | None = None
        self.count = self.media_ssrc = self.highest = 0
        self.feedback_at = self.report_at = time.monotonic() + secrets.randbelow(100) / 1000
        self.reports_to: tuple[str, int] | None = None

    def drain(self, now: float) -> None:
        """Takes what came since the last look; it is taken to have come evenly."""
        view, offsets = self.inbox.view, self.inbox.offsets
        numbers: list[int] = []
        while True:
            batch = list(self.receiver.receive())
            if not self.feeds:
                self.received += sum(size > MEDIA_BYTES for _, size, _, _ in batch)
            else:
                for slot, size, _, _ in batch:
                    offset = offsets[slot]
                    if size > 40 and view[offset] & 0xD0 == 0x90 and view[offset + 16] == 0x31:
                        numbers.append(view[offset + 17] << 8 | view[offset + 18])
                        if self.delays is not None:
                            self._measure(offset, slot, size)
                        if view[offset + 1] & 0x7F == 96:
                            last = offset
            if len(batch) < 64:
                break
        if numbers:
            self.received += len(numbers)
            self.media_ssrc = int.from_bytes(view[last + 8 : last + 12], "big")
            self.highest = view[last + 2] << 8 | view[last + 3]
            self._note(numbers, now)
        self.drained_at = now

    def _note(self, numbers: list[int], now: float) -> None:
        """Arrivals as (unwrapped number, µs), ascending for the most part."""
        near = self.expected or 0x10000
        begin_us, step_us = self.drained_at * 1e6, (now - self.drained_at) * 1e6 / len(numbers)
        for place, number in enumerate(numbers, 1):
            near += ((number - near + 0x8000) & 0xFFFF) - 0x8000
            self.arrivals.append((near, int(begin_us + step_us * place)))

    def _measure(self, offset: int, slot: int, size: int) -> None:
        """Reads the time of sending: the header is as long as the publisher's."""
        self._length[0] = size
        if not srtp.lib.srtp_unprotect(self.sessions.unprotect_rtp, self.inbox.pointers[slot], self._length):
            [sent_at] = struct.unpack_from("!d", self.inbox.view, offset + STAMP_AT)
            self.delays.append(time.monotonic() - sent_at)

    def feed(self, address: tuple, now: float) -> None:
        packets = []
        if now >= self.feedback_at and self.arrivals:
            self.feedback_at = max(self.feedback_at + FEEDBACK_S, now)
            expected = self.expected if self.expected is not None else -1
            fresh = sorted(item for item in self.arrivals if item[0] >= expected)
            self.arrivals = []
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
            self._send_rtcp(packet, address)

    def report(self, now: float) -> None:
        """What Chromium tells a sender without transport-wide feedback, as aiortc negotiates: reports and REMB."""
        if now >= self.report_at:
            assert self.reports_to is not None
            self.report_at = now + REPORT_S
            block = ReportBlock(self.media_ssrc, 0.0, 0, self.highest, 10, 0, 0)
            report, estimate = ReceiverReport(1, (block,)), Remb(1, 4_000_000, (self.media_ssrc,))
            self._send_rtcp(report.build() + estimate.build(), self.reports_to)

    def _send_rtcp(self, packet: bytes, address: tuple) -> None:
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
    active: int = 0
    """So many of the rooms have a publisher that sends."""

    def grow(self, rooms: int) -> None:
        for number in range(len(self.publishers), rooms):
            publisher, receivers = Publisher(self.target.address), [Receiver() for _ in range(self.fan_out)]
            for receiver in receivers:
                receiver.feeds = self.target.kind == "ours"
            if self.target.kind == "ours":
                publisher.enter(self.target, f"room {number}", "publisher", "sendonly", publisher.ssrc)
                for index, receiver in enumerate(receivers):
                    receiver.enter(self.target, f"room {number}", f"receiver {index}", "recvonly")
                    receiver.feedback_at = time.monotonic() + secrets.randbelow(50) / 1000
            else:
                routes = [[one.address, one.keys] for one in receivers]
                source = [publisher.address, publisher.keys, publisher.ssrc]
                told = self.target.ask(do="route", publisher=source, receivers=routes)
                publisher.aim(("127.0.0.1", told["port"]))
                for index, (receiver, port) in enumerate(zip(receivers, told["ports"], strict=False)):
                    receiver.reports_to, receiver.media_ssrc = ("127.0.0.1", port), FIRST_SSRC + index
            self.publishers.append(publisher)
            self.receivers += receivers
            self.active += 1

    def sent(self) -> int:
        return sum(publisher.sent for publisher in self.publishers)

    def received(self) -> int:
        return sum(receiver.received for receiver in self.receivers)

    def run(
        self,
        seconds: float,
        packets_per_s: float = PACKETS_PER_S,
        *,
        drain_s: float = DRAIN_S,
        send_s: float = SEND_S,
    ) -> None:
        """Sends for so long, publishers out of step; what was not sent in time is left out rather than sent in a burst."""
        begin = now = time.monotonic()
        turn, turns = 0, max(1, round(drain_s / send_s))
        frame_s = PACKETS_PER_FRAME / packets_per_s
        publishers, receivers = self.publishers[: self.active], self.receivers[: self.active * self.fan_out]
        for publisher in publishers:
            publisher.began = now - publisher.sent / packets_per_s + frame_s * secrets.randbelow(1000) / 1000
        while now < begin + seconds:
            for publisher in publishers:
                if (now - publisher.began) * packets_per_s - publisher.sent > packets_per_s * 0.05:
                    publisher.began = now - publisher.sent / packets_per_s
                publisher.send_due(now, packets_per_s)
            for receiver in receivers[turn::turns]:
                receiver.drain(now)
                if receiver.feeds:
                    receiver.feed(self.target.address, now)
                elif receiver.reports_to:
                    receiver.report(now)
            turn = (turn + 1) % turns
            time.sleep(max(0.0, send_s - (time.monotonic() - now)))
            now = time.monotonic()

    def close(self) -> None:
        for peer in [*self.publishers, *self.receivers]:
            peer.sock.close()
