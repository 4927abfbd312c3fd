"""Decoded voice per person for a consumer that people gave a key to: 16 kHz, one channel, 16 bits.

    engine's turn:  Capture ─▶ list of frames            every 100 ms
    own thread:                     └──────▶ Opus, 16 kHz ─▶ event loop: consumer(Voice)

Off unless somebody calls `MediaService.start_listening`. A tap of its own, beside a recorder's: each purpose has its own
consent, and ends by itself. A slow decoder, or a consumer that fails, costs the call nothing.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from array import array
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from operator import mul
from typing import Any, Final

import av
from av.packet import Packet

from media_routing.runtime.capture import Capture, CapturedFrame, Keys
from media_routing.runtime.seats import RunningRoom

logger = logging.getLogger(__name__)

RATE_HZ: Final = 16_000
BATCH_S: Final = 0.1
# What may wait for a slow consumer: some ten seconds of eight people, then the oldest is lost.
MOST_FRAMES: Final = 4_000


@dataclass(frozen=True, slots=True)
class Voice:
    """`samples`: signed 16 bits, native order. `captured_at`: time.monotonic() of the first, in seconds."""

    participant: str
    samples: bytes
    captured_at: float


Consumer = Callable[[Voice], None]
"""Called in order of time for each person, on the event loop: whoever has work to do with it (a transcriber) queues it for a
thread or process of their own and returns. What it raises ends this listening and nothing else."""


class VoiceDecoder:
    """Opus of one person to 16 kHz."""

    def __init__(self) -> None:
        self._decoder: Any = av.CodecContext.create("opus", "r")
        self._decoder.sample_rate, self._decoder.layout = 48_000, "stereo"
        self._resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE_HZ)

    def decode(self, data: bytes) -> bytes:
        """Nothing for what is no Opus: a frame that is still sealed decodes to noise at best."""
        try:
            frames = self._decoder.decode(Packet(data))
        except av.error.FFmpegError:
            return b""
        pieces = [resampled for frame in frames for resampled in self._resampler.resample(frame)]
        return b"".join(bytes(piece.planes[0])[: piece.samples * 2] for piece in pieces)


class Listening:
    """Made by `MediaService.start_listening`. The consumer is called from the event loop's thread, decoding happens in
    another one. `on_end` hears once why it ended: `asked`, `room_ended`, `fault`, `service_closed`."""

    def __init__(
        self,
        find_room: Callable[[], RunningRoom | None],
        running: RunningRoom,
        consumer: Consumer,
        keys: Keys | None,
        on_end: Callable[[Listening, str], None],
    ) -> None:
        self._find_room = find_room
        self._consumer = consumer
        self._on_end = on_end
        self._loop = asyncio.get_running_loop()
        self._pending: list[CapturedFrame] = []
        self._decoders: dict[str, VoiceDecoder] = {}
        self._thread = ThreadPoolExecutor(1, "listening")
        self._is_over = False
        self.lost_frames = 0
        self._capture = Capture(keys, self._take, self._fail, pictures=False)
        self._capture.open(running)
        self._work = self._loop.create_task(self._run())

    def stop(self, reason: str = "asked") -> None:
        """Nothing that arrives after this call is decoded, and nothing is handed over any more."""
        self._capture.close()
        if not self._is_over:
            self._is_over = True
            self._pending.clear()
            self._loop.call_soon(self._on_end, self, reason)

    def _take(self, frame: CapturedFrame) -> None:
        if len(self._pending) >= MOST_FRAMES:
            self.lost_frames += 1
        else:
            self._pending.append(frame)

    def _fail(self) -> None:
        # After the engine's turn: the room is going through its legs.
        self._loop.call_soon(self.stop, "fault")

    async def _run(self) -> None:
        while not self._is_over:
            await asyncio.sleep(BATCH_S)
            try:
                if self._find_room() is not self._capture.running:
                    self.stop("room_ended")
                self._capture.look(time.monotonic())
                frames, self._pending = self._pending, []
                for voice in await self._loop.run_in_executor(self._thread, self._decode, frames):
                    if not self._is_over:
                        self._consumer(voice)
            except Exception:  # the outermost loop of one listener: it ends, the call goes on
                logger.exception("a listener failed and ends")
                self.stop("fault")
        self._thread.shutdown(wait=False)

    def _decode(self, frames: list[CapturedFrame]) -> list[Voice]:
        voices = []
        for frame in frames:
            decoder = self._decoders.get(frame.participant)
            if decoder is None:
                decoder = self._decoders[frame.participant] = VoiceDecoder()
            if samples := decoder.decode(frame.data):
                voices.append(Voice(frame.participant, samples, frame.captured_at))
        return voices


@dataclass(frozen=True, slots=True)
class Level:
    """`dbfs`: root mean square of one second of a voice, in dB below full scale (IEC 61606); a full sine is -3."""

    participant: str
    captured_at: float
    dbfs: float


class LevelMeter:
    """A consumer: how loud everybody is, second by second. Silence that a browser does not send takes no time here."""

    SILENCE_DBFS: Final = -96.0

    def __init__(self, report: Callable[[Level], None] = lambda level: None) -> None:
        self._report = report
        self._samples: dict[str, array[int]] = {}
        self.latest: dict[str, Level] = {}

    def __call__(self, voice: Voice) -> None:
        kept = self._samples.setdefault(voice.participant, array("h"))
        kept.frombytes(voice.samples)
        while len(kept) >= RATE_HZ:
            level = Level(voice.participant, voice.captured_at, _dbfs(kept[:RATE_HZ]))
            del kept[:RATE_HZ]
            self.latest[voice.participant] = level
            self._report(level)


def _dbfs(samples: array[int]) -> float:
    power = sum(map(mul, samples, samples)) / len(samples)
    return max(LevelMeter.SILENCE_DBFS, 10 * math.log10(power / 32768**2)) if power else LevelMeter.SILENCE_DBFS
