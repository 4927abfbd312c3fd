"""Source descriptions and goodbyes (RFC 3550 §6.5, §6.6)."""

import struct
from dataclasses import dataclass
from typing import Final

from media_routing.rtp.rtcp.common import BYE, SDES, RtcpError, build_packet

CNAME: Final = 1
_SSRC: Final = struct.Struct("!I")


@dataclass(frozen=True, slots=True)
class SourceChunk:
    """Items are (type, value); what a peer wrote there is bytes of a stranger and of no use to us but the CNAME."""

    ssrc: int
    items: tuple[tuple[int, bytes], ...] = ()

    def build(self) -> bytes:
        data = bytearray(_SSRC.pack(self.ssrc))
        for kind, value in self.items:
            if not 1 <= kind <= 255 or len(value) > 255:
                raise RtcpError("no such source description item")
            data += bytes((kind, len(value))) + value
        # At least one null octet ends the list, then nulls up to the next word.
        return bytes(data) + bytes(4 - len(data) % 4)


@dataclass(frozen=True, slots=True)
class SourceDescription:
    chunks: tuple[SourceChunk, ...] = ()

    @classmethod
    def of(cls, ssrc: int, cname: str) -> "SourceDescription":
        return cls((SourceChunk(ssrc, ((CNAME, cname.encode()),)),))

    def build(self) -> bytes:
        return build_packet(SDES, len(self.chunks), b"".join(chunk.build() for chunk in self.chunks))


@dataclass(frozen=True, slots=True)
class Goodbye:
    ssrcs: tuple[int, ...] = ()
    reason: bytes = b""

    def build(self) -> bytes:
        body = b"".join(_SSRC.pack(ssrc) for ssrc in self.ssrcs)
        if self.reason:
            if len(self.reason) > 255:
                raise RtcpError("reason is too long")
            text = bytes((len(self.reason),)) + self.reason
            body += text + bytes(-len(text) % 4)
        return build_packet(BYE, len(self.ssrcs), body)


def parse_source_description(count: int, body: memoryview) -> SourceDescription:
    chunks = []
    at = 0
    for _ in range(count):
        chunk, at = _parse_chunk(body, at)
        chunks.append(chunk)
    return SourceDescription(tuple(chunks))


def _parse_chunk(body: memoryview, at: int) -> tuple[SourceChunk, int]:
    if at + 4 > len(body):
        raise RtcpError("source description has fewer chunks than it says")
    (ssrc,) = _SSRC.unpack_from(body, at)
    at += 4
    items: list[tuple[int, bytes]] = []
    while True:
        if at >= len(body):
            raise RtcpError("source description does not end")
        kind = body[at]
        if kind == 0:
            return SourceChunk(ssrc, tuple(items)), (at + 4) & ~3
        if at + 2 > len(body) or at + 2 + body[at + 1] > len(body):
            raise RtcpError("source description item is too short")
        end = at + 2 + body[at + 1]
        items.append((kind, bytes(body[at + 2 : end])))
        at = end


def parse_goodbye(count: int, body: memoryview) -> Goodbye:
    size = count * 4
    if len(body) < size:
        raise RtcpError("goodbye has fewer sources than it says")
    reason = b""
    if len(body) > size:
        end = size + 1 + body[size]
        if end > len(body):
            raise RtcpError("goodbye's reason is too short")
        reason = bytes(body[size + 1 : end])
    return Goodbye(tuple(ssrc for (ssrc,) in _SSRC.iter_unpack(body[:size])), reason)
