"""A MediaService in a process of its own, told what to do by JSON lines: `python -m tests.soak.media_process`.

The participants of the churn run live in another process, so that what is measured here is the service alone.
"""

import asyncio
import ctypes
import gc
import json
import os
import sys
from typing import Any

from media_routing.runtime.service import MediaRefused, MediaService, MediaSettings
from tests.media_routing.runtime.hostile import resident_bytes


class _MallocInfo(ctypes.Structure):
    """`struct mallinfo2` of glibc 2.33."""

    _fields_ = [
        (name, ctypes.c_size_t) for name in "arena ordblks smblks hblks hblkhd usmblks fsmblks used free keep".split()
    ]


libc = ctypes.CDLL(None)
libc.mallinfo2.restype = _MallocInfo


def usage(service: MediaService) -> dict[str, int]:
    gc.collect()
    # Pages that the C library keeps for later, half empty, are nothing that a service holds.
    libc.malloc_trim(0)
    malloc = libc.mallinfo2()
    return {
        "resident_bytes": resident_bytes(),
        "allocated_bytes": malloc.used + malloc.hblkhd,
        "python_blocks": sys.getallocatedblocks(),
        "files": len(os.listdir("/proc/self/fd")),
        "tasks": len(asyncio.all_tasks()),
        "objects": len(gc.get_objects()),
        "rooms": len(service.rooms),
    }


async def obey(service: MediaService, command: dict[str, Any]) -> dict[str, Any]:
    if command["do"] == "join":
        try:
            answer = await service.join(
                command["room"],
                command["participant"],
                command["connection"],
                sdp=command["sdp"],
                sources=command["sources"],
                room_size=command["room_size"],
                listener=lambda _message: None,
            )
        except MediaRefused as refused:
            return {"refused": refused.code}
        return {"sdp": answer.sdp, "slots": answer.slots}
    if command["do"] == "leave":
        service.leave(command["room"], command["participant"])
        return {}
    return dict(usage(service))


async def main() -> None:
    service = MediaService(MediaSettings(bind_address="127.0.0.1", max_load=10.0))
    await service.start()
    reader = asyncio.StreamReader(limit=1 << 20)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        print(json.dumps(await obey(service, json.loads(line))), flush=True)
    await service.close()


if __name__ == "__main__":
    asyncio.run(main())
