"""What people say and show, frame by frame, for whoever they gave a key to: a recorder, a listener.

    Tap ─ packets ─▶ FrameAssembler ─ frames ─▶ open_frame ─▶ FrameTimes ─▶ deliver(CapturedFrame)
                     one per slot               no key: dropped

`close` is what withdrawal of consent calls: no packet that arrives after it is looked at, and what was half put together
is forgotten.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from media_routing import sframe
from media_routing.rtp.frames import Frame, FrameAssembler
from media_routing.runtime.frame_times import FrameTimes
from media_routing.runtime.seats import RunningRoom
from media_routing.runtime.tap import Tap
from media_routing.sfu.encoding import OPUS_CLOCK_HZ, VIDEO_CLOCK_HZ
from media_routing.sfu.slot import Slot
from media_routing.sfu.source import SourceKey

# Asking again sooner only makes pictures larger.
KEY_FRAME_GAP_S: Final = 0.5


class Keys(Protocol):
    """`recorder_keys.RecorderKeys`, as far as frames need it."""

    def find_key(self, key_id: int) -> sframe.FrameKey | None: ...

    def owner(self, key_id: int) -> str | None: ...


@dataclass(frozen=True, slots=True)
class CapturedFrame:
    """One encoded frame in clear. `captured_at`: seconds of time.monotonic()."""

    participant: str
    source: str
    kind: sframe.FrameKind
    data: bytes
    captured_at: float
    is_key: bool


@dataclass(slots=True)
class CaptureCounts:
    opened: int = 0
    """Delivered, whether they were sealed or the visit is not encrypted."""
    unopened: int = 0
    """Dropped for want of a key, or sealed with another participant's."""
    early: int = 0
    """Dropped because they were captured before the tap was opened."""


class _Feed:
    """One source in one slot."""

    def __init__(self, source: SourceKey, kind: sframe.FrameKind) -> None:
        self.source = source
        self.kind = kind
        self.assembler = FrameAssembler(kind)
        self.times = FrameTimes(VIDEO_CLOCK_HZ if kind == "video" else OPUS_CLOCK_HZ)
        self.is_broken = kind == "video"
        """What came before was not delivered: nothing can be shown before a key frame."""
        self.asked_at = float("-inf")


class Capture:
    """`keys`: None in a visit that is not encrypted. `deliver` runs within the engine's turn and must be quick; when it
    raises, the tap is shut and `fault` is called. Neither may call `close` before that turn is over."""

    def __init__(
        self,
        keys: Keys | None,
        deliver: Callable[[CapturedFrame], None],
        fault: Callable[[], None],
        *,
        pictures: bool = True,
    ) -> None:
        self._keys = keys
        self._deliver = deliver
        self._fault = fault
        self._pictures = pictures
        self._tap: Tap | None = None
        self._feeds: dict[int, tuple[Slot, _Feed]] = {}
        self._opened_at = 0.0
        self.counts = CaptureCounts()

    @property
    def running(self) -> RunningRoom | None:
        """The room that it listens to, None while closed."""
        return self._tap.running if self._tap is not None and self._tap.is_open else None

    def open(self, running: RunningRoom) -> None:
        """Takes what is captured from now on; key frames are asked for."""
        self.close()
        self._opened_at = time.monotonic()
        self._tap = Tap(running, self._take, self._fault, pictures=self._pictures)

    def close(self) -> None:
        """At once."""
        if self._tap is not None:
            self._tap.close()
            self._tap = None
        self._feeds.clear()

    def look(self, now: float) -> None:
        """Gives up on packets that do not come, and asks for key frames; a few times a second. Raises what `deliver`
        raises."""
        for slot, feed in list(self._feeds.values()):
            for frame in feed.assembler.flush(now):
                self._take_frame(slot, feed, frame, now)
            if feed.kind == "video" and feed.assembler.needs_key_frame:
                self._ask(slot, feed, now)

    def _take(
        self, source: SourceKey, slot: Slot, sequence: int, timestamp: int, marker: bool, payload: bytes, now: float
    ) -> None:
        known = self._feeds.get(slot.ssrc)
        if known is not None and known[1].source == source:
            feed = known[1]
        else:
            feed = _Feed(source, "video" if slot.is_video else "audio")
            self._feeds[slot.ssrc] = slot, feed
        for frame in feed.assembler.add(sequence, timestamp, marker, payload, now):
            self._take_frame(slot, feed, frame, now)

    def _take_frame(self, slot: Slot, feed: _Feed, frame: Frame, now: float) -> None:
        data = self._open_frame(feed, frame)
        if data is None:
            self.counts.unopened += 1
            feed.is_broken = feed.kind == "video"
            return
        feed.times.learn(slot.timestamp_at(now), now)
        captured_at = feed.times.captured_at(frame.timestamp, frame.arrived)
        if captured_at < self._opened_at:
            self.counts.early += 1
            feed.is_broken = feed.kind == "video"
            return
        if feed.is_broken and not frame.is_key:
            self._ask(slot, feed, now)
            return
        feed.is_broken = False
        self.counts.opened += 1
        participant, source = feed.source
        self._deliver(CapturedFrame(participant, source, feed.kind, data, captured_at, frame.is_key))

    def _open_frame(self, feed: _Feed, frame: Frame) -> bytes | None:
        if self._keys is None:
            return frame.data
        try:
            opened = sframe.open_frame(self._keys.find_key, feed.kind, frame.data)
        except sframe.SFrameError:
            return None
        return opened.frame if self._keys.owner(opened.key_id) == feed.source[0] else None

    def _ask(self, slot: Slot, feed: _Feed, now: float) -> None:
        if self._tap is not None and now - feed.asked_at >= KEY_FRAME_GAP_S:
            feed.asked_at = now
            self._tap.ask_for_key_frame(slot)
