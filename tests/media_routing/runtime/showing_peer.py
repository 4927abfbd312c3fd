"""A raw peer with a camera that flashes and a microphone that beeps at the same instants, by an exactly known clock."""

from __future__ import annotations

import array
import asyncio
import math
import secrets
import time
from fractions import Fraction
from random import Random

import av
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from media_routing import sframe
from media_routing.rtp import rtcp
from media_routing.runtime import srtp
from media_routing.runtime.recorder_keys import DeviceKeys, PeerKeys
from tests.media_routing.runtime.peers import until
from tests.media_routing.runtime.raw_peer import CAMERA_PT, MICROPHONE_PT, RawPeer

AUDIO_S, VIDEO_S = 0.02, 0.04
WIDTH, HEIGHT = 160, 96
MARK_S = 0.12
"""How long a flash and a beep last."""
PAYLOAD_BYTES = 1000


def instants(count):
    """Seconds after zero at which everybody flashes and beeps: on the grid of pictures, at uneven distances."""
    return [0.4 + n + 0.08 * (n * 7 % 5) for n in range(count)]


_INSTANTS = instants(3600)


def is_marked(at_s):
    near = _INSTANTS[max(0, int(at_s) - 1) : int(at_s) + 2]
    return any(begin - 1e-6 <= at_s < begin + MARK_S - 1e-6 for begin in near)


class Camera:
    """VP8 in real time, key frames on request."""

    def __init__(self):
        self._encoder = av.CodecContext.create("libvpx", "w")
        self._encoder.width, self._encoder.height, self._encoder.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        self._encoder.time_base, self._encoder.bit_rate, self._encoder.gop_size = Fraction(1, 25), 300_000, 10_000
        self._encoder.options = {"deadline": "realtime", "cpu-used": "16", "lag-in-frames": "0", "error-resilient": "1"}
        self._encoder.thread_count = 1
        self._count = 0

    def shoot(self, is_bright, want_key):
        frame = av.VideoFrame(WIDTH, HEIGHT, "yuv420p")
        for number, plane in enumerate(frame.planes):
            plane.update(bytes(((235 if is_bright else 16) if number == 0 else 128,)) * plane.buffer_size)
        frame.pts = self._count
        frame.pict_type = av.video.frame.PictureType.I if want_key else av.video.frame.PictureType.NONE
        self._count += 1
        [packet] = self._encoder.encode(frame)
        return bytes(packet)


SAMPLES = round(AUDIO_S * 48_000)
_TONE = array.array("h", (int(12_000 * math.sin(2 * math.pi * 1000 * (n // 2) / 48_000)) for n in range(2 * SAMPLES)))
_SOUNDS = {True: _TONE.tobytes(), False: bytes(4 * SAMPLES)}


class Microphone:
    """Opus, 20 ms a frame."""

    def __init__(self):
        self._encoder = av.CodecContext.create("libopus", "w")
        self._encoder.sample_rate, self._encoder.layout, self._encoder.format = 48_000, "stereo", "s16"
        self._count = 0

    def hear(self, at_s):
        frame = av.AudioFrame(format="s16", layout="stereo", samples=SAMPLES)
        frame.sample_rate, frame.pts = 48_000, self._count
        frame.planes[0].update(_SOUNDS[is_marked(at_s)])
        self._count += SAMPLES
        [packet] = self._encoder.encode(frame)
        return bytes(packet)


class ShowingPeer(RawPeer):
    """`zero`: time.monotonic() at which everybody's marks begin to count; `delay_s` and `jitter_s` of its network."""

    def __init__(self, service, room, name, zero, *, delay_s=0.0, jitter_s=0.005, seed=1, room_size=3, reports=True):
        super().__init__(service, room, name, room_size)
        self.zero, self.delay_s, self.jitter_s, self.reports = zero, delay_s, jitter_s, reports
        self.random = Random(seed)
        self._ntp_s = self.random.uniform(1e6, 2e9)
        self._bases = {"audio": self.random.getrandbits(32), "video": self.random.getrandbits(32)}
        self._sent_at = 0.0
        self._task = None
        self.key_frame_wanted = True
        self.requests = 0
        self.lose_video = 0
        """So many of the next video packets are lost on the way."""
        self.device = DeviceKeys(room, name, f"page-of-{name}")
        self.sending = None
        self._counter = 0

    async def enter(self):
        await self.join()
        self.check()
        await until(lambda: self.link.selected is not None, what="the check")
        self.open()
        self._task = asyncio.ensure_future(self._show())
        return self

    # Keys.

    def new_key(self, key_id=None):
        """Seals from now on; returns (key id, secret)."""
        key_id, secret = key_id or secrets.randbits(40), secrets.token_bytes(16)
        self.sending = sframe.derive_key(secret, key_id, AESGCM)
        self._counter = 0
        self.key_frame_wanted = True
        return key_id, secret

    def give_key(self, keys):
        """A new key, wrapped for a recorder: what a page does once everybody has granted."""
        recorder = PeerKeys.read(keys.card["card"], self.room, "recorder")
        key_id, secret = self.new_key()
        keys.receive(self.name, self.device.page, {"kind": "card", "card": self.device.card})
        box = self.device.wrap(recorder, "recorder", key_id, secret)
        return keys.receive(self.name, self.device.page, {"kind": "key", "key_id": key_id, "box": box})

    def _seal(self, kind, frame):
        if self.sending is None:
            return frame
        self._counter += 1
        return sframe.seal_frame(self.sending, self._counter, kind, frame)

    # Media.

    async def _show(self):
        camera, microphone = Camera(), Microphone()
        step = math.ceil((time.monotonic() - self.zero) / VIDEO_S) * 2
        reported_at = 0.0
        while True:
            at_s = step * AUDIO_S
            await asyncio.sleep(max(0.0, self.zero + at_s - time.monotonic()))
            self._listen()
            self._send_audio(at_s, microphone.hear(at_s))
            if step % 2 == 0:
                want_key, self.key_frame_wanted = self.key_frame_wanted, False
                self._send_video(at_s, camera.shoot(is_marked(at_s), want_key))
            if self.reports and time.monotonic() - reported_at >= 1.0:
                reported_at = time.monotonic()
                self._report()
            step += 1

    def _timestamp(self, kind, at_s):
        rate = 48_000 if kind == "audio" else 90_000
        return self._bases[kind] + round(at_s * rate) & 0xFFFFFFFF

    def _send_audio(self, at_s, frame):
        packet = (self.audio_ssrc, MICROPHONE_PT, self._seal("audio", frame))
        self._send_later(self.make_rtp(*packet, timestamp=self._timestamp("audio", at_s)))

    def _send_video(self, at_s, frame):
        sealed = self._seal("video", frame)
        pieces = [sealed[at : at + PAYLOAD_BYTES] for at in range(0, len(sealed), PAYLOAD_BYTES)]
        for number, piece in enumerate(pieces):
            packet = self.make_rtp(
                self.video_ssrc,
                CAMERA_PT,
                bytes((0x10 if number == 0 else 0,)) + piece,
                timestamp=self._timestamp("video", at_s),
                marker=number == len(pieces) - 1,
            )
            if self.lose_video:
                self.lose_video -= 1
            else:
                self._send_later(packet)

    def _report(self):
        now = time.monotonic()
        ntp_time = int((now + self._ntp_s) * 2**32)
        for kind, ssrc in (("audio", self.audio_ssrc), ("video", self.video_ssrc)):
            report = rtcp.SenderReport(ssrc, ntp_time, self._timestamp(kind, now - self.zero), 0, 0, ())
            self._send_later(self.protect_rtcp(report.build()))

    def _send_later(self, data):
        """In order, as on most networks."""
        due = time.monotonic() + self.delay_s + self.random.uniform(0, self.jitter_s)
        self._sent_at = max(due, self._sent_at)
        asyncio.get_running_loop().call_at(self._sent_at, self._send_now, data)

    def _send_now(self, data):
        if self.sock.fileno() >= 0:
            self.send(data)

    def _listen(self):
        """Reads key frame requests; what others send is not looked at."""
        while True:
            try:
                data = self.sock.recv(2048)
            except BlockingIOError:
                return
            if not 191 < data[1] < 224:
                continue
            clear = self._run(srtp.lib.srtp_unprotect_rtcp, self.sessions.unprotect_rtcp, data)
            for packet in rtcp.parse(clear) if clear else ():
                if isinstance(packet, rtcp.PictureLoss) and packet.media_ssrc == self.video_ssrc:
                    self.requests += 1
                    self.key_frame_wanted = True

    def close(self):
        if self._task is not None:
            self._task.cancel()
        super().close()
