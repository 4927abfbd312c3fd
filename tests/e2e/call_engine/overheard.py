"""What somebody on the way hears: media packets out of what was captured in front of a TURN server (RFC 8656 §12)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import replace

from media_routing.sframe import FrameKey, SFrameError, open_frame
from tests.e2e.call_engine.tap import Tap, TappedFrame, shows_card, sounds_tone

CHANNEL_DATA = range(0x40, 0x50)
RTP = 2
"""Of the version bits of a packet's first byte (RFC 7983)."""
KINDS = {111: "audio", 96: "video"}
"""Chromium's payload types of Opus and VP8."""


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
            tap.packets.append((data[8:12].hex(), kind, float(len(seen)), data))
    return tap.frames()


def opened(frames: Iterable[TappedFrame], keys: list[FrameKey]) -> list[TappedFrame]:
    """Those that one of these keys opens, in clear."""
    by_id = {key.id: key for key in keys}
    clear = []
    for frame in frames:
        with contextlib.suppress(SFrameError):
            clear.append(replace(frame, data=open_frame(by_id.get, frame.kind, frame.data).frame))
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
