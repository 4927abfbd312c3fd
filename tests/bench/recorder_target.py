"""The measured process of the recorder rows: the engine, which records a room when it is told to."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from pathlib import Path

from media_routing.runtime.recorder_keys import RecorderKeys
from tests.bench.engine_target import Ours, obey


class Recorded(Ours):
    """`ours` and: {do: "card"} · {do: "key", name, page, bodies} · {do: "record", room} · {do: "hold"} · {do: "go_on"} · {do: "stop"}."""

    def __init__(self) -> None:
        super().__init__()
        self.keys = RecorderKeys("room", "page-of-recorder")
        self.directory = Path(tempfile.mkdtemp(prefix="telemed-bench-"))

    async def handle(self, command: dict) -> dict:
        match command["do"]:
            case "card":
                return self.keys.card
            case "key":
                for body in command["bodies"]:
                    self.keys.receive(command["name"], command["page"], body)
                return {}
            case "record":
                path = self.directory / "recording"
                self.recording = self.service.start_recording(
                    command["room"], path, bytes(32), lambda event: None, self.keys
                )
                return {}
            case "hold":
                self.recording.hold()
                return {}
            case "go_on":
                self.recording.go_on()
                return {}
            case "stop":
                manifest = await self.recording.stop()
                shutil.rmtree(self.directory)
                return {
                    "length_ms": manifest.length_ms,
                    "written_bytes": sum(track.size_bytes for track in manifest.tracks),
                    "frames": sum(track.frames for track in manifest.tracks),
                    "held_ms": sum(end - begin for begin, end in manifest.holds),
                    "gaps": sum(len(track.gaps) for track in manifest.tracks)
                    - len(manifest.tracks) * len(manifest.holds),
                }
        return await super().handle(command)


async def main() -> None:
    target = Recorded()
    await target.start()
    await obey(target)


if __name__ == "__main__":
    asyncio.run(main())
