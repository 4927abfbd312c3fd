"""One participant's peer connection to the media server: aiortc, a moving test picture, a tone."""

import asyncio
import contextlib
import fractions
import math
import re
import secrets
import time
from collections import Counter
from collections.abc import Iterable
from typing import Any

import av
from aiortc import (
    MediaStreamTrack,
    RTCBundlePolicy,
    RTCConfiguration,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamError

from consultations.demo.simulate.link import BadLink
from consultations.demo.simulate.profiles import Profile

_AUDIO_HZ, _AUDIO_FRAME = 48_000, 960


class Tone(MediaStreamTrack):
    """A beep of half a second every second, so that people take turns in being loud."""

    kind = "audio"

    def __init__(self, pitch_hz: float, offset_s: float) -> None:
        super().__init__()
        self._started_s, self._at = time.monotonic(), 0
        self._pitch_hz, self._offset_s = pitch_hz, offset_s
        wave = [int(8000 * math.sin(2 * math.pi * pitch_hz * n / _AUDIO_HZ)) for n in range(_AUDIO_FRAME)]
        self._loud = b"".join(sample.to_bytes(2, "little", signed=True) for sample in wave)

    async def recv(self) -> av.AudioFrame:
        self._at += _AUDIO_FRAME
        await asyncio.sleep(max(0.0, self._started_s + self._at / _AUDIO_HZ - time.monotonic()))
        frame = av.AudioFrame(format="s16", layout="mono", samples=_AUDIO_FRAME)
        loud = (self._at / _AUDIO_HZ + self._offset_s) % 1 < 0.5
        frame.planes[0].update(self._loud if loud else bytes(2 * _AUDIO_FRAME))
        frame.pts, frame.sample_rate = self._at, _AUDIO_HZ
        frame.time_base = fractions.Fraction(1, _AUDIO_HZ)
        return frame


class Picture(MediaStreamTrack):
    """Grey with a bright bar that walks."""

    kind = "video"

    def __init__(self, profile: Profile) -> None:
        super().__init__()
        self._profile, self._count, self._started_s = profile, 0, time.monotonic()

    async def recv(self) -> av.VideoFrame:
        self._count += 1
        due_s = self._started_s + self._count / self._profile.frames_per_s
        await asyncio.sleep(max(0.0, due_s - time.monotonic()))
        frame = av.VideoFrame(self._profile.width, self._profile.height, "yuv420p")
        for number, plane in enumerate(frame.planes):
            row = bytearray([100 if number == 0 else 128]) * plane.line_size
            if number == 0:
                at = self._count * 4 % self._profile.width
                row[at : at + 16] = bytes([230]) * len(row[at : at + 16])
            plane.update(bytes(row) * plane.height)
        frame.pts = int(self._count * 90_000 / self._profile.frames_per_s)
        frame.time_base = fractions.Fraction(1, 90_000)
        return frame


class MediaPeer:
    """`decoded[(participant, "audio"|"video")]` counts frames of each of the others."""

    def __init__(self, profile: Profile, room_size: int, seed: int, decoded: Counter[tuple[str, str]]) -> None:
        self._profile, self._seed = profile, seed
        self.connection = secrets.token_hex(8)
        self.decoded = decoded
        self._who: dict[str, str] = {}
        self._links: list[BadLink] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._before: tuple[float, float, float] = (time.monotonic(), 0, 0)
        self.pc = RTCPeerConnection(RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))
        self.pc.addTransceiver(Tone(300 + 60 * seed, seed / 8), direction="sendonly")
        self.pc.addTransceiver(Picture(profile), direction="sendonly")
        for kind in ["audio"] * (room_size - 1) + ["video"] * room_size:
            self.pc.addTransceiver(kind, direction="recvonly")

    async def offer(self) -> dict[str, Any]:
        """Return the fields of `sfu_offer`."""
        await self.pc.setLocalDescription(await self.pc.createOffer())
        mids = [transceiver.mid for transceiver in self.pc.getTransceivers()]
        sources = {mids[0]: "microphone", mids[1]: "camera"}
        return {"connection": self.connection, "sdp": self.pc.localDescription.sdp, "sources": sources}

    async def accept(self, sdp: str) -> None:
        if not self._profile.is_clean:
            sdp = await self._through_bad_links(sdp)
        await self.pc.setRemoteDescription(RTCSessionDescription(sdp=sdp, type="answer"))
        self._let_repairs_in(sdp)
        for transceiver in self.pc.getTransceivers()[2:]:
            self._tasks.append(asyncio.create_task(self._decode(str(transceiver.mid), transceiver.receiver.track)))

    def map_slots(self, slots: Iterable[dict[str, str]]) -> None:
        """Take over who is on which line (`sfu_slots`)."""
        for slot in slots:
            self._who[slot["mid"]] = slot["participant"] or ""

    async def measure(self) -> dict[str, float]:
        """kbit/s since the last call, loss of what came in (0 to 1), rtt_ms (-1: not known)."""
        up = down = received = lost = 0.0
        rtt_s = -1.0
        for row in (await self.pc.getStats()).values():
            if row.type == "transport":
                up, down = row.bytesSent, row.bytesReceived
            elif row.type == "inbound-rtp":
                received, lost = received + row.packetsReceived, lost + max(0, row.packetsLost)
            elif row.type == "remote-inbound-rtp" and row.roundTripTime is not None:
                rtt_s = max(rtt_s, row.roundTripTime)
        now = time.monotonic()
        then, up_before, down_before = self._before
        self._before = (now, up, down)
        per_ms = 8 / max(1.0, (now - then) * 1000)
        return {
            "up_kbps": (up - up_before) * per_ms,
            "down_kbps": (down - down_before) * per_ms,
            "loss": lost / max(1.0, received + lost),
            "rtt_ms": rtt_s * 1000 if rtt_s >= 0 else -1,
        }

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await self.pc.close()
        for link in self._links:
            link.close()

    async def _decode(self, mid: str, track: MediaStreamTrack) -> None:
        with contextlib.suppress(MediaStreamError):
            while True:
                await track.recv()
                if who := self._who.get(mid):
                    self.decoded[who, track.kind] += 1

    def _let_repairs_in(self, sdp: str) -> None:
        """aiortc reads which SSRC repairs a stream (RFC 5576 §4.2), but with several streams of one payload type hands
        packets of that SSRC to nobody: a picture would wait for ever for what was lost. Its router has no public name."""
        receivers = {transceiver.mid: transceiver.receiver for transceiver in self.pc.getTransceivers()}
        for section in sdp.split("\r\nm=")[1:]:
            repair = re.search(r"\r\na=ssrc-group:FID \d+ (\d+)", section)
            mid = re.search(r"\r\na=mid:(\S+)", section)
            if repair and mid:
                receiver = receivers[mid[1]]
                receiver.transport._rtp_router.ssrc_table[int(repair[1])] = receiver

    async def _through_bad_links(self, sdp: str) -> str:
        """Return the answer with each of the server's addresses replaced by a bad link to it."""
        lines, links = [], dict[tuple[str, int], tuple[str, int]]()
        for line in sdp.split("\r\n"):
            words = line.split(" ")
            if line.startswith("a=candidate:") and len(words) > 5:
                server = (words[4], int(words[5]))
                if server not in links:
                    link = BadLink(server, self._profile, self._seed)
                    links[server] = await link.open()
                    self._links.append(link)
                words[4], words[5] = links[server][0], str(links[server][1])
                line = " ".join(words)
            lines.append(line)
        return "\r\n".join(lines)
