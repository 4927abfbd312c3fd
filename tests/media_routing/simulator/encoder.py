"""Simulcast as Chromium's VP8 encoder does it, by size and time only."""

from dataclasses import dataclass
from random import Random

# What a key frame borrowed is paid back over so many frames.
_PAY_BACK = 20
# simulcast_rate_allocator.cc: a layer that is off needs a fifth more than its minimum to come on.
_ENABLE_MARGIN = 1.2


@dataclass(frozen=True)
class Camera:
    """`key_factor`: how many times as large as another frame a key frame is. Few frames a second make large ones, and the key
    frame of a busy picture comes as much as a second's worth at once."""

    fps: float = 30
    key_factor: float = 6.0


STILL = Camera()


@dataclass(frozen=True)
class LayerRates:
    height: int
    min_bps: int
    max_bps: int


# Minima are libwebrtc's (simulcast.cc). The maxima are ours to ask for: with two voices, 180p must fit into 250 kbit/s
# and one picture of 360p into 600.
LAYERS = (LayerRates(180, 30_000, 120_000), LayerRates(360, 150_000, 350_000), LayerRates(720, 600_000, 1_500_000))


def divide(target_bps: float, layers: tuple[LayerRates, ...], active: list[bool]) -> list[float]:
    """The rate of each layer, 0 for off: lowest first, each needs its minimum, the highest takes what is left."""
    rates = [0.0] * len(layers)
    left = target_bps
    for index, layer in enumerate(layers):
        needed = layer.min_bps * (1.0 if active[index] else _ENABLE_MARGIN)
        if index and left < needed:
            break
        rates[index] = max(min(left, layer.max_bps), layer.min_bps)
        left -= rates[index]
    return rates


class LayerEncoder:
    """One layer. `frame`, `picture_id`, TL0PICIDX rise with each frame, KEYIDX with each key frame."""

    def __init__(self, random: Random, camera: Camera) -> None:
        self._random = random
        self._camera = camera
        self._debt_bytes = 0.0
        self._key_wanted = True
        self.frame = 0
        self.picture_id = random.randrange(0x8000)
        self.tl0 = random.randrange(0x100)
        self.key_index = random.randrange(0x20)
        self.key_frames = 0

    def want_key(self) -> None:
        self._key_wanted = True

    def encode(self, bps: float) -> tuple[int, bool]:
        """(bytes, is a key frame) of the next frame."""
        mean = bps / self._camera.fps / 8
        size = mean * self._random.uniform(0.75, 1.25)
        is_key = self._key_wanted
        if is_key:
            self._key_wanted = False
            self._debt_bytes += mean * (self._camera.key_factor - 1)
            size = mean * self._camera.key_factor
            self.key_index = (self.key_index + 1) & 0x1F
            self.key_frames += 1
        else:
            paid = min(self._debt_bytes, mean * (self._camera.key_factor - 1) / _PAY_BACK, size * 0.8)
            self._debt_bytes -= paid
            size -= paid
        self.frame += 1
        self.picture_id = (self.picture_id + 1) & 0x7FFF
        self.tl0 = (self.tl0 + 1) & 0xFF
        return max(60, int(size)), is_key
