"""RTP packets as an endpoint writes and reads them."""

import struct
from dataclasses import dataclass

from media_routing.rtp import extensions, packet, vp8

# What is really in a payload, for the receiver to check its conclusions against: publisher, layer, frame, index, count.
# The byte in front is the first byte of a VP8 frame.
_TRUTH = struct.Struct("!BHBIHH")
# X; I, L, T and K; 15 bits of picture id, TL0PICIDX, TID 0 and KEYIDX.
_DESCRIPTOR = struct.Struct("!BBHBB")


@dataclass(frozen=True, slots=True)
class Truth:
    publisher: int
    layer: int
    frame: int
    index: int
    count: int


@dataclass(slots=True)
class VideoPayload:
    is_first: bool
    is_key: bool
    picture_id: int
    tl0: int
    truth: Truth


@dataclass(slots=True)
class Received:
    payload_type: int
    marker: bool
    sequence: int
    timestamp: int
    ssrc: int
    extensions: dict[int, bytes]
    payload: bytes


def build(
    payload_type: int,
    marker: bool,
    sequence: int,
    timestamp: int,
    ssrc: int,
    elements: list[tuple[int, bytes]],
    payload: bytes,
    padding: int = 0,
) -> bytes:
    body = b"".join(bytes(((number << 4) | (len(value) - 1),)) + value for number, value in elements)
    body += bytes(-len(body) % 4)
    first = packet.VERSION | packet.EXTENSION | (packet.PADDING if padding else 0)
    second = payload_type | (packet.MARKER if marker else 0)
    head = packet.HEADER.pack(first, second, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc)
    tail = bytes(padding - 1) + bytes((padding,)) if padding else b""
    return head + packet.EXTENSION_HEADER.pack(packet.ONE_BYTE, len(body) // 4) + body + payload + tail


def read(data: bytes) -> Received:
    view = memoryview(data)
    second, sequence, timestamp, ssrc, profile, at, payload_at, end = packet.parse(view, 0, len(data))
    found = {
        number: bytes(view[start : start + size])
        for number, start, size in extensions.elements(view, profile, at, payload_at)
    }
    return Received(second & 0x7F, bool(second & 0x80), sequence, timestamp, ssrc, found, data[payload_at:end])


def video_payload(truth: Truth, *, is_key: bool, picture_id: int, tl0: int, key_index: int, size: int) -> bytes:
    first = 0x80 | (0x10 if truth.index == 0 else 0)
    descriptor = _DESCRIPTOR.pack(first, 0xF0, 0x8000 | picture_id & 0x7FFF, tl0 & 0xFF, key_index & 0x1F)
    head = descriptor + _TRUTH.pack(
        0x10 if is_key else 0x11, truth.publisher, truth.layer, truth.frame, truth.index, truth.count
    )
    return head + bytes(max(0, size - len(head)))


def read_video(payload: bytes) -> VideoPayload:
    descriptor = vp8.parse(payload, 0)
    assert descriptor is not None
    kind, *truth = _TRUTH.unpack_from(payload, descriptor.size)
    return VideoPayload(bool(payload[0] & 0x10), not kind & 1, descriptor.picture_id, descriptor.tl0, Truth(*truth))
