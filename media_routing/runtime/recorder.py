"""A recording while it runs: frames from a `Capture` to the files of a `TrackFiles`, without ever holding the engine up.

    engine's turn:  Capture ─▶ list of frames          every 250 ms           every second
    writer thread:                 └──────────▶ WebM, sealed, into the file ─▶ fsync, free space

    running ⇄ held ─▶ stopped        (`hold` when a consent is withdrawn or missing, `go_on` when all are there again)

A process that is killed loses what was not sealed: at most 250 ms of frames and the cluster that WebM had begun (500 ms).
"""

from __future__ import annotations

import asyncio
import errno
import logging
import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from media_routing.runtime.capture import Capture, CaptureCounts, CapturedFrame, Keys
from media_routing.runtime.seats import RunningRoom
from media_routing.runtime.tracks import TrackFiles, TrackReport

logger = logging.getLogger(__name__)

BATCH_S: Final = 0.25
SYNC_S: Final = 1.0
# What may wait for a disk that does not answer: ten seconds of eight people.
MOST_PENDING_BYTES: Final = 32 << 20


class RecorderRefused(Exception):
    """It does not record; `code` is stable. Codes: `disk_full`, `no_room` (nobody is connected to the media server),
    `storage` (the directory cannot be made, or is there already), `stopped` (it was, and does not begin again)."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a recording left behind. `began_ms`: Unix time in milliseconds of the tracks' zero; `holds`: (from, to) in
    milliseconds since then, while nothing was recorded on purpose."""

    began_ms: int
    length_ms: int
    holds: tuple[tuple[int, int], ...]
    tracks: tuple[TrackReport, ...]


@dataclass(frozen=True, slots=True)
class RecorderEvent:
    """`reason`: `asked`, `room_ended` (it is held until `go_on`), `disk_full`, `storage` (an error of the disk),
    `too_slow` (the disk does not keep up), `fault` (an error of ours), `service_closed`. `manifest` comes with
    "stopped"."""

    state: Literal["running", "held", "stopped"]
    reason: str
    manifest: Manifest | None = None


Listener = Callable[[RecorderEvent], None]


def free_bytes(directory: Path) -> int:
    return shutil.disk_usage(directory).free


class Recording:
    """Made by `MediaService.start_recording`; used from the event loop's thread. No method but `go_on` raises."""

    def __init__(
        self,
        find_room: Callable[[], RunningRoom | None],
        directory: Path,
        key: bytes,
        on_event: Listener,
        keys: Keys | None,
        *,
        reserve_bytes: int,
        free: Callable[[Path], int] = free_bytes,
        on_end: Callable[[Recording], None] = lambda recording: None,
    ) -> None:
        """Begins at once. Raises RecorderRefused."""
        self._find_room = find_room
        self._on_event = on_event
        self._on_end = on_end
        self._loop = asyncio.get_running_loop()
        self._pending: list[CapturedFrame] = []
        self._pending_bytes = 0
        self._state: Literal["running", "held", "stopped"] = "held"
        self._holds: list[tuple[int, int]] = []
        self._held_at_ms = 0
        self._has_begun = False
        self._ending: asyncio.Task[Manifest] | None = None
        self._wake = asyncio.Event()
        self._capture = Capture(keys, self._take, self._fail)
        if find_room() is None:
            raise RecorderRefused("no_room")
        _make(directory, reserve_bytes, free)
        self.began = time.monotonic()
        """time.monotonic() of the tracks' zero."""
        self._began_ms = round(time.time() * 1000)
        self._files = TrackFiles(directory, key, self.began, reserve_bytes, free)
        self._thread = ThreadPoolExecutor(1, "recorder")
        self._work = self._loop.create_task(self._run())
        self.go_on()

    @property
    def state(self) -> Literal["running", "held", "stopped"]:
        return self._state

    @property
    def counts(self) -> CaptureCounts:
        return self._capture.counts

    def hold(self, reason: str = "asked") -> None:
        """Nothing that arrives after this call is written."""
        self._capture.close()
        if self._state == "running":
            self._state = "held"
            self._held_at_ms = self._now_ms()
            self._tell(RecorderEvent("held", reason))

    def go_on(self) -> None:
        """Goes on after `hold`, from the key frames that are asked for now. Raises RecorderRefused."""
        if self._state == "stopped":
            raise RecorderRefused("stopped")
        running = self._find_room()
        if running is None:
            raise RecorderRefused("no_room")
        if self._state == "held":
            self._capture.open(running)
            self._state = "running"
            if self._has_begun:
                self._holds.append((self._held_at_ms, self._now_ms()))
            self._has_begun = True
            self._tell(RecorderEvent("running", "asked"))

    async def stop(self, reason: str = "asked") -> Manifest:
        """Closes the tap at once, then the files. Later calls return the same."""
        return await asyncio.shield(self._begin_end(reason))

    # -- in the engine's turn: whatever is to end, ends after it, because the room is going through its legs -------------

    def _take(self, frame: CapturedFrame) -> None:
        if self._pending_bytes > MOST_PENDING_BYTES:
            self._loop.call_soon(self._begin_end, "too_slow")
            return
        self._pending.append(frame)
        self._pending_bytes += len(frame.data)

    def _fail(self) -> None:
        self._loop.call_soon(self._begin_end, "fault")

    # -- its own task --------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        synced_at = 0.0
        while self._ending is None:
            try:
                await asyncio.wait_for(self._wake.wait(), BATCH_S)
            except TimeoutError:
                now = time.monotonic()
                sync = now - synced_at >= SYNC_S - BATCH_S / 2
                synced_at = now if sync else synced_at
                try:
                    self._watch_room(now)
                    await self._write(sync=sync)
                except Exception as error:  # noqa: BLE001  the outermost loop of a recording: it ends, the call goes on
                    self._begin_end(_reason(error))

    def _watch_room(self, now: float) -> None:
        running = self._capture.running
        if running is not None and self._find_room() is not running:
            self.hold("room_ended")
        self._capture.look(now)

    async def _write(self, *, sync: bool) -> None:
        frames, self._pending = self._pending, []
        self._pending_bytes = 0
        if frames or sync:
            await self._loop.run_in_executor(self._thread, lambda: self._files.write(frames, sync=sync))

    def _begin_end(self, reason: str) -> asyncio.Task[Manifest]:
        self._capture.close()
        if self._ending is None:
            if self._state == "held":
                self._holds.append((self._held_at_ms, self._now_ms()))
            self._state = "stopped"
            self._wake.set()
            self._ending = self._loop.create_task(self._end(reason))
        return self._ending

    async def _end(self, reason: str) -> Manifest:
        length_ms = self._now_ms()
        await self._work
        try:
            if reason in ("asked", "service_closed", "disk_full"):
                await self._write(sync=False)
        except Exception as error:  # noqa: BLE001  as above; what is in the files stays
            reason = _reason(error)
        reports: tuple[TrackReport, ...] = ()
        try:
            reports = tuple(await self._loop.run_in_executor(self._thread, self._files.finish))
        except Exception as error:  # noqa: BLE001  as above
            reason = _reason(error)
        self._thread.shutdown(wait=False)
        manifest = Manifest(self._began_ms, length_ms, tuple(self._holds), reports)
        self._tell(RecorderEvent("stopped", reason, manifest))
        self._on_end(self)
        return manifest

    def _now_ms(self) -> int:
        return round((time.monotonic() - self.began) * 1000)

    def _tell(self, event: RecorderEvent) -> None:
        # After the engine's turn, so that nothing a listener does can harm the call.
        self._loop.call_soon(self._on_event, event)


def _make(directory: Path, reserve_bytes: int, free: Callable[[Path], int]) -> None:
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        if free(directory.parent) < reserve_bytes:
            raise RecorderRefused("disk_full")
        directory.mkdir(mode=0o700)
    except OSError:
        raise RecorderRefused("storage") from None


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        logger.warning("a recording ends: its disk failed (errno %s)", error.errno)
        return "disk_full" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "storage"
    logger.error("a recording failed and ends", exc_info=error)
    return "fault"
