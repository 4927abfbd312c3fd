"""The receiving half of an endpoint: repair, order, decodability and freezes, without a decoder.

What a real receiver would conclude from sequence numbers and picture ids is checked against what the payload really is:
a frame that would be decoded on a wrong reference is an error of the switch, whatever the network did.
"""

from collections import deque
from dataclasses import dataclass, field

from media_routing.rtp.sequence import ahead, extend
from tests.media_routing.simulator.wire import Received, Truth, VideoPayload, read_video

# nack_requester.cc
_NACK_TRIES = 10
_NACK_MAX = 1000
# video_receive_stream2.cc: how long without a decodable frame before a key frame is asked for.
_WAIT_KEY_S, _WAIT_FRAME_S = 0.2, 3.0
# frame_helpers.cc: with a frame that is more than 10 s late the clock begins anew.
_RESTART_S = 10.0
# A packet this much older than the newest is of no use.
_KEPT = 2000


@dataclass
class Freezes:
    """freezeCount and totalFreezesDuration as webrtc-stats defines them: a gap of max(3 × mean, mean + 150 ms)."""

    count: int = 0
    total_s: float = 0.0
    last_at: float | None = None
    gaps: deque[float] = field(default_factory=lambda: deque(maxlen=30))

    def render(self, now: float) -> None:
        if self.last_at is not None:
            gap = now - self.last_at
            mean = sum(self.gaps) / len(self.gaps) if self.gaps else gap
            if gap >= max(3 * mean, mean + 0.15):
                self.count += 1
                self.total_s += gap
            self.gaps.append(gap)
        self.last_at = now


@dataclass(slots=True)
class _Stored:
    timestamp: int
    marker: bool
    video: VideoPayload | None  # None: nothing but padding


@dataclass(slots=True)
class _Missing:
    due: float
    tries: int = 0


class VideoReceiver:
    """One receive slot."""

    def __init__(self, ssrc: int, rtx_ssrc: int) -> None:
        self.ssrc, self.rtx_ssrc = ssrc, rtx_ssrc
        self.errors: list[str] = []
        self.freezes = Freezes()
        self.received = self.received_bytes = self.duplicates = 0
        self.frames = self.key_frames = 0
        self.went_missing = self.recovered = self.late = 0
        self.shown: Truth | None = None
        self.plis_wanted = 0
        self.highest = -1
        self.base = 0
        self._packets: dict[int, _Stored] = {}
        self._missing: dict[int, _Missing] = {}
        self._next = -1  # the number after the last decoded frame
        self._last: VideoPayload | None = None
        self._last_timestamp = 0
        self._needs_key = True
        self._asked_at = float("-inf")
        self._decoded_at = float("-inf")
        self._packet_at = float("-inf")

    def receive(self, packet: Received, now: float, *, is_repair: bool = False) -> None:
        number = extend(packet.sequence, self.highest if self.highest >= 0 else 0x10000 | packet.sequence)
        if self.highest < 0:
            self.base = self.highest = number
        if not is_repair:
            self.received += 1
            self.received_bytes += len(packet.payload)
        self._packet_at = now
        if number > self.highest + 1:
            self.went_missing += number - self.highest - 1
            for lost in range(self.highest + 1, number):
                self._missing[lost] = _Missing(now)
            if len(self._missing) > _NACK_MAX:
                self._missing.clear()
                self._needs_key = True
        elif number <= self.highest and self.received > 1:
            found = self._missing.pop(number, None)
            if found is None:
                self.duplicates += not is_repair
                return
            self.recovered += is_repair
            self.late += not is_repair
        self.highest = max(self.highest, number)
        if self._next >= 0 and number < self._next:
            return
        video = read_video(packet.payload) if packet.payload else None
        self._packets[number] = _Stored(packet.timestamp, packet.marker, video)
        self._decode_ready(now)

    def nacks_due(self, rtt_s: float, now: float) -> list[int]:
        """16-bit numbers to ask for; gives up after ten tries, then only a key frame helps."""
        due = []
        for number, missing in list(self._missing.items()):
            if missing.due > now:
                continue
            if missing.tries >= _NACK_TRIES:
                del self._missing[number]
                self._needs_key = True
                continue
            missing.tries += 1
            missing.due = now + max(rtt_s, 0.02)
            due.append(number & 0xFFFF)
        return due

    def wants_key_frame(self, now: float) -> bool:
        if now - self._packet_at > 1.0:
            return False  # nothing is sent to this slot
        wait_s = _WAIT_KEY_S if self._needs_key else _WAIT_FRAME_S
        if now - self._decoded_at < wait_s or now - self._asked_at < wait_s:
            return False
        self._asked_at = now
        self.plis_wanted += 1
        return True

    def _decode_ready(self, now: float) -> None:
        while True:
            end = self._complete_from(self._next) if self._next >= 0 and not self._needs_key else None
            start = self._next
            if end is None:
                key = self._complete_key()
                if key is None:
                    break
                start, end = key
            self._decode(start, end, now)
        for number in [n for n in self._packets if n < self.highest - _KEPT]:
            del self._packets[number]

    def _complete_from(self, start: int) -> int | None:
        """The number behind the frame that begins at `start` (padding in front of it passes); None if incomplete."""
        number = start
        timestamp: int | None = None
        while (stored := self._packets.get(number)) is not None:
            if stored.video is None:
                if timestamp is None:
                    number += 1
                    continue
                return None
            if timestamp is None:
                if not stored.video.is_first:
                    self._error("a frame does not begin with its first packet")
                    return None
                timestamp = stored.timestamp
            elif stored.timestamp != timestamp:
                # Whoever is switched away from may end within a frame: what follows is a key frame then.
                if not (stored.video.is_key and stored.video.is_first):
                    self._error("a frame ends without a marker")
                return None
            number += 1
            if stored.marker:
                return number
        return None

    def _complete_key(self) -> tuple[int, int] | None:
        for number in sorted(self._packets):
            video = self._packets[number].video
            if video is not None and video.is_key and video.is_first and number > self._next:
                end = self._complete_from(number)
                if end is not None:
                    return number, end
        return None

    def _decode(self, start: int, end: int, now: float) -> None:
        frame = [s for n in range(start, end) if (s := self._packets[n]).video is not None]
        head, video = frame[0], frame[0].video
        assert video is not None
        self._check(video, head.timestamp, len(frame), now, is_next=start == self._next)
        if video.is_key:
            self.key_frames += 1
            self._needs_key = False
        for number in [n for n in self._packets if n < end]:
            del self._packets[number]
        for number in [n for n in self._missing if n < end]:
            del self._missing[number]
        self._next, self._last, self._last_timestamp = end, video, head.timestamp
        self.frames += 1
        self.shown = video.truth
        self._decoded_at = now
        self.freezes.render(now)

    def _check(self, video: VideoPayload, timestamp: int, packets: int, now: float, *, is_next: bool) -> None:
        last = self._last
        if packets != video.truth.count:
            self._error(f"frame of {video.truth.count} packets is decoded with {packets}")
        if last is None:
            if not video.is_key:
                self._error("the first frame is no key frame")
            return
        step = ahead(timestamp, self._last_timestamp, 32)
        late_s = now - self._decoded_at - step / 90_000
        if step <= 0 and not (video.is_key and late_s > _RESTART_S):
            self._error("a timestamp does not rise")
        elif step > 120 * 90_000:
            self._error("a timestamp jumps by minutes")
        if is_next and ahead(video.picture_id, last.picture_id, 15) != 1:
            self._error("a picture id does not follow, though no number is missing")
        if is_next and ahead(video.tl0, last.tl0, 8) != 1:
            self._error("TL0PICIDX does not follow, though no number is missing")
        if not video.is_key:
            was, is_now = last.truth, video.truth
            if (was.publisher, was.layer, was.frame + 1) != (is_now.publisher, is_now.layer, is_now.frame):
                self._error(f"a delta frame {is_now} is decoded on {was}")

    def _error(self, text: str) -> None:
        if len(self.errors) < 20:
            self.errors.append(text)


class AudioReceiver:
    """One audio slot: how much came, and the longest silence while something should come."""

    def __init__(self, ssrc: int) -> None:
        self.ssrc = ssrc
        self.highest = -1
        self.base = 0
        self.received = 0
        self.duplicates = 0
        self.longest_gap_s = 0.0
        self._last_at: float | None = None
        self._seen: set[int] = set()

    def receive(self, packet: Received, now: float) -> None:
        number = extend(packet.sequence, self.highest if self.highest >= 0 else 0x10000 | packet.sequence)
        if self.highest < 0:
            self.base = number
        if number in self._seen:
            self.duplicates += 1
            return
        self._seen.add(number)
        self.highest = max(self.highest, number)
        self.received += 1
        if self._last_at is not None:
            self.longest_gap_s = max(self.longest_gap_s, now - self._last_at)
        self._last_at = now

    @property
    def lost(self) -> int:
        return self.highest - self.base + 1 - self.received if self.highest >= 0 else 0
