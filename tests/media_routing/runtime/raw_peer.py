"""A participant without a browser: a plain socket that signs checks and protects packets itself.

Its leg is opened with keys that the test knows instead of a DTLS handshake, so that what arrives and leaves can be made
and read byte by byte, and in numbers that no aiortc client reaches.
"""

from __future__ import annotations

import secrets
import socket
import struct
import time

from aioice import stun

from media_routing.runtime import srtp
from media_routing.runtime.arena import Arena
from media_routing.runtime.link import Link

MICROPHONE_PT, CAMERA_PT, RTX_PT = 111, 96, 97

HEAD = """v=0
o=- 1 1 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE {bundle}
a=ice-ufrag:{ufrag}
a=ice-pwd:{pwd}
a=fingerprint:sha-256 {fingerprint}
a=setup:actpass
"""
AUDIO = """m=audio 9 UDP/TLS/RTP/SAVPF 111
c=IN IP4 0.0.0.0
a=mid:{mid}
a=rtcp-mux
a={direction}
a=rtpmap:111 opus/48000/2
a=rtcp-fb:111 transport-cc
a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid
a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level
a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01
"""
VIDEO = """m=video 9 UDP/TLS/RTP/SAVPF 96 97
c=IN IP4 0.0.0.0
a=mid:{mid}
a=rtcp-mux
a=rtcp-rsize
a={direction}
a=rtpmap:96 VP8/90000
a=rtcp-fb:96 nack
a=rtcp-fb:96 nack pli
a=rtcp-fb:96 transport-cc
a=rtpmap:97 rtx/90000
a=fmtp:97 apt=96
a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid
a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01
"""


def make_offer(room_size: int, audio_ssrc: int, video_ssrc: int, fingerprint: str = ":".join(["AB"] * 32)) -> str:
    count = 2 + room_size - 1 + room_size
    text = HEAD.format(
        bundle=" ".join(map(str, range(count))),
        ufrag=secrets.token_hex(4),
        pwd=secrets.token_hex(12),
        fingerprint=fingerprint,
    )
    text += AUDIO.format(mid=0, direction="sendonly") + f"a=ssrc:{audio_ssrc} cname:x\n"
    text += VIDEO.format(mid=1, direction="sendonly") + f"a=ssrc:{video_ssrc} cname:x\n"
    for mid in range(2, count):
        text += (AUDIO if mid < 2 + room_size - 1 else VIDEO).format(mid=mid, direction="recvonly")
    return text.replace("\n", "\r\n")


class RawPeer:
    """Use `join`, then `check`, then `open`."""

    def __init__(self, service, room, name, room_size=3):
        self.service, self.room, self.name, self.room_size = service, room, name, room_size
        self.connection = secrets.token_hex(8)
        self.audio_ssrc, self.video_ssrc = secrets.randbits(31) | 1, secrets.randbits(31) | 1
        self.sock = new_socket()
        self.told = []
        self._arena = Arena(1, 4096, 64)
        self._length = srtp.new_length()
        self.sequences = {}

    async def join(self, offer=None):
        self.offer = offer or make_offer(self.room_size, self.audio_ssrc, self.video_ssrc)
        self.answer = await self.service.join(
            self.room,
            self.name,
            self.connection,
            sdp=self.offer,
            sources={"0": "microphone", "1": "camera"},
            room_size=self.room_size,
            listener=self.told.append,
        )
        return self

    @property
    def link(self) -> Link | None:
        running = self.service._rooms.get(self.room)
        seat = running.seats.get(self.name) if running else None
        return next((link for link in seat.links() if link.connection == self.connection), None) if seat else None

    def line(self, name):
        return next(line.partition(":")[2] for line in self.answer.sdp.splitlines() if line.startswith(f"a={name}:"))

    def make_check(self, *, nominate=True):
        request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
        request.attributes["USERNAME"] = f"{self.line('ice-ufrag')}:x"
        request.attributes["PRIORITY"] = 1
        request.attributes["ICE-CONTROLLING"] = 1
        if nominate:
            request.attributes["USE-CANDIDATE"] = None
        request.add_message_integrity(self.line("ice-pwd").encode())
        return bytes(request)

    @property
    def server(self):
        return ("127.0.0.1", self.service.port)

    def check(self, sock=None, *, nominate=True):
        (sock or self.sock).sendto(self.make_check(nominate=nominate), self.server)

    def open(self, profile=srtp.PROFILES[0], keys=None):
        """As if the handshake had just ended."""
        material = keys or secrets.token_bytes(2 * (profile.key_bytes + profile.salt_bytes))
        link = self.link
        running = self.service._rooms[self.room]
        link.open(srtp.Keys.from_exporter(profile, material))
        link.heard = time.monotonic()
        before = running.connect(link, link.negotiation.leg_plan, link.heard)
        if before is not None:
            self.service._end(running, before, "replaced")
        self.sessions = srtp.Sessions(srtp.Keys.from_exporter(profile, material, server=False))
        return self

    def _run(self, function, session, data):
        offset = self._arena.offsets[0]
        self._arena.view[offset : offset + len(data)] = data
        self._length[0] = len(data)
        if function(session, self._arena.pointers[0], self._length) != srtp.OK:
            return None
        return bytes(self._arena.view[offset : offset + self._length[0]])

    def make_rtp(self, ssrc, payload_type, payload, *, timestamp=0, marker=False):
        sequence = self.sequences[ssrc] = self.sequences.get(ssrc, 99) + 1 & 0xFFFF
        second = payload_type | (0x80 if marker else 0)
        return self.protect(struct.pack("!BBHII", 0x80, second, sequence, timestamp, ssrc) + payload)

    def protect(self, packet):
        return self._run(srtp.lib.srtp_protect, self.sessions.protect_rtp, packet)

    def protect_rtcp(self, packet):
        return self._run(srtp.lib.srtp_protect_rtcp, self.sessions.protect_rtcp, packet)

    def send_audio(self, payload=b"opus" * 20):
        self.send(
            self.make_rtp(
                self.audio_ssrc, MICROPHONE_PT, payload, timestamp=self.sequences.get(self.audio_ssrc, 0) * 960
            )
        )

    def send(self, data):
        self.sock.sendto(data, self.server)

    def receive(self, sock=None):
        """(RTP packets, other datagrams) that wait in the socket, in the clear."""
        packets, others = [], []
        while True:
            try:
                data = (sock or self.sock).recv(2048)
            except BlockingIOError:
                return packets, others
            is_rtp = 127 < data[0] < 192 and not 191 < data[1] < 224
            clear = self._run(srtp.lib.srtp_unprotect, self.sessions.unprotect_rtp, data) if is_rtp else None
            (others if clear is None else packets).append(data if clear is None else clear)

    def close(self):
        self.sock.close()


def new_socket():
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setblocking(False)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    sock.bind(("127.0.0.1", 0))
    return sock
