"""The recorder: CPU per person (forwarding to it, opening, muxing, sealing, fsync) and what it writes.

Three people send sealed frames of a 720p picture and of a voice at the rates that browsers choose; the engine's process is
measured without and with a recording of them. Nobody receives anything else, so the difference is the recorder's alone.
"""

from __future__ import annotations

import json
import os
import secrets
import struct
import time

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from media_routing import sframe
from media_routing.runtime import srtp
from media_routing.runtime.arena import Arena
from media_routing.runtime.recorder_keys import DeviceKeys, PeerKeys
from tests.bench import engine_load
from tests.bench.engine_load import Peer, Target
from tests.bench.rows import Row, median

PEOPLE = 3
VIDEO_BPS, FRAMES_PER_S, KEY_FRAME_TIMES = 1_700_000, 30, 4
AUDIO_BYTES, AUDIO_PER_S = 80, 50
PAYLOAD_BYTES = 1_100
WARM_S, MEASURE_S, ROUNDS = 1.5, 4.0, 4

_MEDIA = (
    "m={kind} 9 UDP/TLS/RTP/SAVPF {type}\nc=IN IP4 0.0.0.0\na=mid:{mid}\na=rtcp-mux\na=sendonly\na=rtpmap:{type} {codec}\n"
    "a=ssrc:{ssrc} cname:x\n"
)


class Person(Peer):
    def __init__(self, name: str, target: Target) -> None:
        super().__init__()
        self.name = name
        self.ssrcs = {"audio": secrets.randbits(30) | 1, "video": secrets.randbits(30) | 1}
        self.sequences = {"audio": 100, "video": 100}
        self.frames = {"audio": 0, "video": 0}
        self._arena, self._length = Arena(1, 2048), srtp.new_length()
        self._server = target.address
        self._counter = 0
        self._noise = os.urandom(200_000)
        device = DeviceKeys("room", name, f"page-of-{name}")
        recorder = PeerKeys.read(target.ask(do="card")["card"], "room", "recorder")
        secret, key_id = secrets.token_bytes(16), secrets.randbits(40)
        self._key = sframe.derive_key(secret, key_id, AESGCM)
        card = {"kind": "card", "card": device.card}
        key = {"kind": "key", "key_id": key_id, "box": device.wrap(recorder, "recorder", key_id, secret)}
        target.ask(do="key", name=name, page=device.page, bodies=[card, key])
        self._enter(target)

    def _enter(self, target: Target) -> None:
        head = engine_load._HEAD.replace("BUNDLE 0", "BUNDLE 0 1")
        lines = _MEDIA.format(kind="audio", mid=0, type=111, codec="opus/48000/2", ssrc=self.ssrcs["audio"])
        lines += _MEDIA.format(kind="video", mid=1, type=96, codec="VP8/90000", ssrc=self.ssrcs["video"])
        sources = {"0": "microphone", "1": "camera"}
        self.come_in(target, "room", self.name, (head + lines).replace("\n", "\r\n"), sources)

    def send_due(self, since_s: float) -> None:
        while self.frames["audio"] < since_s * AUDIO_PER_S:
            self._send("audio", 111, self._noise[:AUDIO_BYTES], self.frames["audio"] * 960)
        while self.frames["video"] < since_s * FRAMES_PER_S:
            number = self.frames["video"]
            is_key = number % FRAMES_PER_S == 0
            size = VIDEO_BPS // 8 // FRAMES_PER_S * (KEY_FRAME_TIMES if is_key else 1)
            head = b"\x10\x02\x00\x9d\x01\x2a" + struct.pack("<HH", 1280, 720) if is_key else b"\x31\x02\x00"
            self._send("video", 96, head + self._noise[: size - len(head)], number * 3000)

    def _send(self, kind: str, payload_type: int, frame: bytes, timestamp: int) -> None:
        self.frames[kind] += 1
        self._counter += 1
        sealed = sframe.seal_frame(self._key, self._counter, kind, frame)  # type: ignore[arg-type]
        if kind == "audio":
            self._send_packet(kind, payload_type | 0x80, timestamp, sealed)
            return
        for at in range(0, len(sealed), PAYLOAD_BYTES):
            marker = 0x80 if at + PAYLOAD_BYTES >= len(sealed) else 0
            descriptor = b"\x10" if at == 0 else b"\x00"
            self._send_packet(kind, payload_type | marker, timestamp, descriptor + sealed[at : at + PAYLOAD_BYTES])

    def _send_packet(self, kind: str, second: int, timestamp: int, payload: bytes) -> None:
        self.sequences[kind] = sequence = self.sequences[kind] + 1 & 0xFFFF
        packet = struct.pack("!BBHII", 0x80, second, sequence, timestamp & 0xFFFFFFFF, self.ssrcs[kind]) + payload
        view = self._arena.view
        view[: len(packet)] = packet
        self._length[0] = len(packet)
        srtp.lib.srtp_protect(self.sessions.protect_rtp, self._arena.pointers[0], self._length)
        self.sock.sendto(view[: self._length[0]], self._server)


def measure() -> list[Row]:
    target = Target("recorded", module="tests.bench.recorder_target")
    people = []
    try:
        people = [Person(f"person-{number}", target) for number in range(PEOPLE)]
        began = time.monotonic()
        _run(people, began, WARM_S)
        target.ask(do="record", room="room")
        shares: dict[str, list[float]] = {"hold": [], "go_on": []}
        for _ in range(ROUNDS):  # turn about, because a busy machine is not the same for half a minute
            for what, measured in shares.items():
                target.ask(do=what)
                _run(people, began, WARM_S)
                measured.append(_cpu_share(target, people, began))
        stopped = target.ask(do="stop")
    finally:
        for person in people:
            person.sock.close()
        target.close()
    recorded_s = (stopped["length_ms"] - stopped["held_ms"]) / 1000
    expected = (AUDIO_PER_S + FRAMES_PER_S) * PEOPLE * recorded_s
    if stopped["frames"] < expected * 0.9 or stopped["gaps"] > 0:
        raise RuntimeError(f"recorded {stopped['frames']} of {expected:.0f} frames, {stopped['gaps']} gaps")
    written_per_s = stopped["written_bytes"] / recorded_s / PEOPLE
    without, recorded = median(shares["hold"]), median(shares["go_on"])
    context = f"{PEOPLE} people, 720p at {VIDEO_BPS / 1e6} Mbit/s, a key frame a second, and a voice each, sealed"
    return [
        Row("recorder_cpu_per_person", (recorded - without) / PEOPLE * 100, "% of a core", f"{context}; the aim is 3"),
        Row(
            "recorder_engine_cpu", recorded * 100, "% of a core", f"{context}; the whole process, {without:.1%} without"
        ),
        Row("recorder_bytes_per_person", written_per_s, "bytes/s", context),
    ]


def _run(people: list[Person], began: float, seconds: float) -> None:
    end = time.monotonic() + seconds
    while (now := time.monotonic()) < end:
        for person in people:
            person.send_due(now - began)
        time.sleep(0.005)


def _cpu_share(target: Target, people: list[Person], began: float) -> float:
    before = target.ask(do="usage")
    _run(people, began, MEASURE_S)
    after = target.ask(do="usage")
    return (after["cpu_s"] - before["cpu_s"]) / (after["wall_s"] - before["wall_s"])


if __name__ == "__main__":
    print(json.dumps([row.__dict__ for row in measure()], indent=1))
