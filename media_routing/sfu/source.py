"""What a participant sends on one m-line: a microphone, a camera or a screen, in one or more encodings."""

from __future__ import annotations

from collections.abc import Callable

from media_routing.sfu.clock import SenderClock
from media_routing.sfu.config import RoomConfig
from media_routing.sfu.encoding import Encoding
from media_routing.sfu.layers import Layer
from media_routing.sfu.plan import PublishLine

SourceKey = tuple[str, str]
"""(participant, source name): what stays the same when the participant comes back on another leg."""

# What the lowest layer is taken to cost before it was measured: what a browser gives 180p.
_UNMEASURED_BPS = 150_000
# A layer this far behind the others was switched off by its sender. Longer: its viewers see a still picture for as
# long; shorter: a camera in the dark at 5 frames/s loses layers.
_STALLED_S = 0.5


class Source:
    def __init__(
        self,
        participant: str,
        line: PublishLine,
        config: RoomConfig,
        clock: SenderClock,
        hurry: Callable[[float], None],
        now: float,
    ) -> None:
        self.key: SourceKey = (participant, line.source)
        self.line = line
        self.is_video = line.kind == "video"
        self.hurry = hurry
        """Tells the room that something of this source is due at a time."""
        self.began_at = now
        """When it last came alive, e.g. a screen was shared."""
        self.has_started = False
        self.is_live = False
        """Whether packets came lately; judged by `measure`."""
        self.is_background = False
        """A microphone outside the last speakers: its silence need not be forwarded."""
        self._loud_at = now
        self._config = config
        kept = config.video_packets_kept if self.is_video else config.audio_packets_kept
        max_bps = config.max_video_bps if self.is_video else config.max_audio_bps
        self.encodings = tuple(
            Encoding(self, index, kept, max_bps, clock)
            for index in range(max(1, len(line.rids) if self.is_video else 1))
        )
        self.layers: tuple[Layer, ...] = tuple(Layer(self.height(index), 0) for index in range(len(self.encodings)))
        """Heights and present costs, as the allocator takes them; lowest first."""

    def height(self, index: int) -> int:
        """The nominal height of an encoding: frames are not decoded, and may be encrypted."""
        if len(self.encodings) > 1:
            heights = self._config.layer_heights
            return heights[min(index, len(heights) - 1)]
        return dict(self._config.single_heights).get(self.line.source, 0)

    def measure(self, now: float) -> bool:
        """Brings `layers` and `is_live` up to date; whether there are other layers to be had than before."""
        newest = max(encoding.last_packet_at for encoding in self.encodings)
        self.is_live = now - newest < self._config.source_silent_after_s
        layers = []
        for encoding in self.encodings:
            encoding.measure(now)
            stalled = newest - encoding.last_packet_at > _STALLED_S
            layers.append(Layer(self.height(encoding.index), 0 if stalled else encoding.meter.usable_bps(now)))
        # A picture that just began is shown at once; the meter wants half a second to know what it costs.
        if now - newest < _STALLED_S and not any(layer.bps for layer in layers):
            begun = min(e.index for e in self.encodings if newest - e.last_packet_at <= _STALLED_S)
            layers[begun] = Layer(self.height(begun), _UNMEASURED_BPS)
        before, self.layers = self.layers, tuple(layers)
        return [layer.bps > 0 for layer in before] != [layer.bps > 0 for layer in layers]

    def on_level(self, dbov: int, now: float) -> None:
        """The level of an audio packet that is about to be forwarded: holds back lasting silence in the background."""
        encoding = self.encodings[0]
        if dbov < 127:
            self._loud_at = now
            encoding.is_paused = False
        elif self.is_background and not encoding.is_paused and now - self._loud_at > self._config.audio_silent_after_s:
            encoding.pause(now)

    def bring_forward(self) -> None:
        """Nothing is held back any more."""
        self.is_background = False
        self.encodings[0].is_paused = False
