"""What somebody on the way hears: media packets out of what was captured in front of a TURN server (RFC 8656 §12)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import replace

from media_routing.rtp import packet
from media_routing.sframe import FrameKey, SFrameError, open_frame
from tests.e2e.call_engine.tap import Tap, TappedFrame, shows_card, sounds_tone

CHANNEL_DATA = range(0x40, 0x50)
RTP = 2
"""Of the version bits of a packet's first byte (RFC 7983)."""
KINDS = {111: "audio", 96: "video", 118: "video"}
"""Chromium's payload types of Opus, VP8, and RED (RFC 2198), in which VP8 travels between two browsers."""
RED = 118


def relayed_frames(datagrams: Iterable[bytes]) -> list[TappedFrame]:
    """Frames as they would be if nothing but RTP were around them. Each passes twice: to the relay, and from it."""
    tap, seen = Tap(), set()
    for datagram in datagrams:
        if len(datagram) < 4 + 12 or datagram[0] not in CHANNEL_DATA:
            continue
        data = datagram[4 : 4 + int.from_bytes(datagram[2:4], "big")]
        kind = KINDS.get(data[1] & 0x7F)
        if data[0] >> 6 == RTP and kind and data not in seen:
            seen.add(data)
            tap.packets.append((data[8:12].hex(), kind, float(len(seen)), _without_red(data)))
    return tap.frames()


def _without_red(data: bytes) -> bytes:
    if data[1] & 0x7F != RED:
        return data
    payload, end = packet.parse(memoryview(data), 0, len(data))[-2:]
    return data[:payload] + data[payload + 1 : end]


def opened(frames: Iterable[TappedFrame], keys: list[FrameKey]) -> list[TappedFrame]:
    """Those that one of these keys opens, in clear."""
    clear = []
    for frame in frames:
        for key in keys:
            with contextlib.suppress(SFrameError):
                data = open_frame(
                    lambda key_id, key=key: key if key.id == key_id else None, frame.kind, frame.data
                ).frame
                clear.append(replace(frame, data=data))
                break
    return clear


def recognises(frames: list[TappedFrame]) -> tuple[int, float]:
    """(pictures of the card, largest share of the tone), whoever sends them."""
    cards, tones = [0], [0.0]
    for ssrc in {frame.ssrc for frame in frames}:
        of_one = [frame for frame in frames if frame.ssrc == ssrc]
        if of_one[0].kind == "video":
            cards.append(shows_card(of_one))
        else:
            tones.append(sounds_tone(of_one))
    return max(cards), max(tones)
