"""What each simulcast layer of a publisher costs now, and whether one may switch to it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

# Frames differ in size: the peak of a shorter window is a tenth above what a layer costs, of a longer one comes later.
_WINDOW_S = 2.0
# A key frame is paid for by the frames after it, and is no reason to take the layer for half as dear again: it counts as spread
# over so long. A sender of nothing else is found out just the same.
_KEY_WINDOW_S = 10.0
_SAMPLE_S = 0.1
# A layer without packets this long was switched off by its sender. Whoever watches it stands still until that is noticed;
# a stream alone is a screen perhaps, of which a still picture is sent once a second.
_SILENT_S, _ALONE_SILENT_S = 0.5, 1.5
# Before the first use half a second shows its cost; a layer that went away must prove itself longer (mediasoup: 2 s),
# as senders near their limit switch layers on and off.
_FIRST_S, _AGAIN_S = 0.5, 2.0
# A still picture costs little until it moves: remember what it did cost for some seconds.
_DECAY_PER_S = 0.9
# A receiver may stretch a picture so far before the next layer is worth its bits.
_STRETCH = 1.25


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer as the allocator sees it. `bps` 0: not to be had now."""

    height: int
    bps: int


class LayerMeter:
    """Measures one layer from its byte counter; the forwarding path only counts."""

    def __init__(self, *, is_alone: bool = False) -> None:
        self._silent_s = _ALONE_SILENT_S if is_alone else _SILENT_S
        self._samples: deque[tuple[float, int]] = deque()
        self._keys: deque[tuple[float, int]] = deque()
        self._last_total = self._last_key = 0
        self._last_packet_at = float("-inf")
        self._active_since: float | None = None
        self._was_off = False
        self._bps = 0.0
        self._key_bps = 0.0

    def measure(self, total_bytes: int, now: float, key_bytes: int = 0) -> None:
        """Takes the bytes received so far, and how many of them belong to key frames. Call it some times a second; more
        often than 10 Hz is ignored."""
        samples = self._samples
        if samples and now - samples[-1][0] < _SAMPLE_S:
            return
        if total_bytes > self._last_total:
            self._last_total = total_bytes
            self._last_packet_at = now
            if self._active_since is None:
                self._active_since = now
                samples.clear()
                self._bps = 0.0
        elif self._active_since is not None and now - self._last_packet_at > self._silent_s:
            self._active_since = None
            self._was_off = True
        self._measure_keys(key_bytes, now)
        elapsed = now - samples[-1][0] if samples else 0.0
        samples.append((now, total_bytes - key_bytes))
        while len(samples) > 2 and now - samples[0][0] > _WINDOW_S + 1e-6:
            samples.popleft()
        span = now - samples[0][0]
        if span >= 3 * _SAMPLE_S:
            self._bps = max((samples[-1][1] - samples[0][1]) * 8 / span, self._bps * _DECAY_PER_S**elapsed)

    def _measure_keys(self, key_bytes: int, now: float) -> None:
        keys = self._keys
        if key_bytes > self._last_key:
            keys.append((now, key_bytes - self._last_key))
            self._last_key = key_bytes
        while keys and now - keys[0][0] > _KEY_WINDOW_S:
            keys.popleft()
        self._key_bps = sum(size for _, size in keys) * 8 / _KEY_WINDOW_S

    @property
    def active(self) -> bool:
        return self._active_since is not None

    def usable_bps(self, now: float) -> int:
        """Bits per second that choosing this layer costs; 0 while one may not choose it."""
        if self._active_since is None or now - self._active_since < (_AGAIN_S if self._was_off else _FIRST_S):
            return 0
        return int(self._bps + self._key_bps)


def layer_for_height(layers: tuple[Layer, ...], height: int) -> int:
    """The index of the lowest usable layer that fills `height` device pixels, else the highest usable; -1 for none."""
    best = -1
    for index, layer in enumerate(layers):
        if layer.bps > 0:
            best = index
            if layer.height * _STRETCH >= height:
                break
    return best
