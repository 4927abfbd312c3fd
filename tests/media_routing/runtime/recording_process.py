"""A visit of two that records itself until it is killed: `python -m tests.media_routing.runtime.recording_process DIR`.

Prints one line of JSON, {"began": time.monotonic() of the recording's zero}, once frames are coming. The key is 32 zero bytes.
"""

import asyncio
import json
import sys
import time
from pathlib import Path

import tests.environment  # noqa: F401
from media_routing.runtime.recorder_keys import RecorderKeys
from tests.media_routing.runtime.peers import running_service, until
from tests.media_routing.runtime.showing_peer import ShowingPeer

KEY = bytes(32)
ROOM = "room0000000000000000ab"


async def main(directory: Path) -> None:
    async with running_service(recording_reserve_bytes=0) as service:
        zero = time.monotonic()
        people = [
            await ShowingPeer(service, ROOM, name, zero, seed=n).enter() for n, name in enumerate(("anna", "paul"))
        ]
        keys = RecorderKeys(ROOM, "page-of-recorder")
        for person in people:
            person.give_key(keys)
        recording = service.start_recording(ROOM, directory, KEY, lambda event: None, keys)
        await until(lambda: recording.counts.opened > 100, what="frames")
        print(json.dumps({"began": recording.began}), flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
