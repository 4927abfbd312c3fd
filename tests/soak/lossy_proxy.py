"""A WebSocket proxy in front of the real server that loses, doubles and swaps signals and acks on their way in (REL-5).

It also brings the seat's cookie and our origin along, so that a client needs neither: path `/<seat number>`.
"""

import asyncio
import contextlib
import json
import random
from dataclasses import dataclass, field

from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

HELD_BACK_S = 0.12


@dataclass
class LossyProxy:
    base_url: str
    seats: list[dict[str, str]]
    lost: float = 0.2
    doubled: float = 0.2
    swapped: float = 0.2
    chance: random.Random = field(default_factory=lambda: random.Random(5))
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("passed", "lost", "doubled", "swapped"), 0))
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def __aenter__(self) -> "LossyProxy":
        self.server = await serve(self._seat, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self.server.close()
        await self.server.wait_closed()

    async def _seat(self, client: ServerConnection) -> None:
        seat = self.seats[int(client.request.path.strip("/"))]
        upstream = await connect(
            self.base_url.replace("http", "ws", 1) + f"/ws/visit/{seat['code']}/?as=seat",
            origin=self.base_url,  # type: ignore[arg-type]
            additional_headers={"Cookie": seat["cookie"]},
            compression=None,
        )
        back = asyncio.create_task(self._bring_back(upstream, client))
        with contextlib.suppress(ConnectionClosed):
            async for text in client:
                await self._pass(upstream, str(text))
        await upstream.close()
        await back

    async def _bring_back(self, upstream: object, client: ServerConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            async for text in upstream:  # type: ignore[attr-defined]
                await client.send(text)
        await client.close(upstream.close_code or 1000)  # type: ignore[attr-defined]

    async def _pass(self, upstream: object, text: str) -> None:
        if json.loads(text)["type"] not in {"signal", "ack"}:
            await upstream.send(text)  # type: ignore[attr-defined]
            return
        if self.chance.random() < self.lost:
            self.counts["lost"] += 1
            return
        self.counts["passed"] += 1
        times = 1
        if self.chance.random() < self.doubled:
            self.counts["doubled"] += 1
            times = 2
        if self.chance.random() < self.swapped:
            self.counts["swapped"] += 1
            task = asyncio.create_task(self._later(upstream, text, times))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        else:
            for _ in range(times):
                await upstream.send(text)  # type: ignore[attr-defined]

    async def _later(self, upstream: object, text: str, times: int) -> None:
        await asyncio.sleep(HELD_BACK_S)
        with contextlib.suppress(ConnectionClosed):
            for _ in range(times):
                await upstream.send(text)  # type: ignore[attr-defined]
