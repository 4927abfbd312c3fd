"""One participant: signaling over a WebSocket, as static/js/call does it, and a peer connection behind it."""

import asyncio
import contextlib
import itertools
import json
import secrets
from collections import Counter
from typing import Any

import websockets

from consultations.demo.simulate.browser import Browser, Failed
from consultations.demo.simulate.media import MediaPeer
from consultations.demo.simulate.profiles import Profile

PING_EVERY_S = 5.0
WAIT_S = 30.0
# The visit is over, or this person is out: docs/PROTOCOL.md "Close codes".
FINAL = {4400, 4401, 4403, 4404, 4409, 4410, 4413}


class Person:
    """`state` is the room as this person sees it; `phase` is what the table shows."""

    def __init__(self, name: str, browser: Browser, code: str, entrance: str, profile: Profile, seed: int) -> None:
        self.name, self.browser, self.code, self.entrance = name, browser, code, entrance
        self.profile, self._seed = profile, seed
        self.page = secrets.token_hex(8)
        self.phase = "arriving"
        self.state: dict[str, Any] = {}
        self.media: MediaPeer | None = None
        self.measured: dict[str, float] = {}
        self.reconnects = 0
        self.decoded: Counter[tuple[str, str]] = Counter()
        self._ids = itertools.count(1)
        self._replies: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._changed = asyncio.Condition()
        self._socket: websockets.ClientConnection | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._leaving = False
        self._was_moved = False

    @property
    def id(self) -> str:
        return str(self.state["me"]["id"])

    async def start(self) -> None:
        self.url = await asyncio.to_thread(self.browser.ws_url, self.code, self.entrance)
        self._tasks = [asyncio.create_task(self._live()), asyncio.create_task(self._keep_pinging())]
        await self.until(lambda: bool(self.state), "was not welcomed")

    async def until(self, holds: Any, otherwise: str, within_s: float = WAIT_S) -> None:
        """Wait until `holds()`, looked at whenever the server said something. Raises Failed."""
        try:
            async with asyncio.timeout(within_s), self._changed:
                await self._changed.wait_for(holds)
        except TimeoutError:
            raise Failed(f"{self.name} {otherwise} within {within_s:.0f} s") from None

    async def ask(self, kind: str, **fields: Any) -> dict[str, Any]:
        """Return the reply; raise Failed with the code of a refusal."""
        request_id = f"{self.page}-{next(self._ids)}"
        reply: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._replies[request_id] = reply
        await self._send({"type": kind, "id": request_id, **fields})
        answer = await asyncio.wait_for(reply, WAIT_S)
        if not answer["ok"]:
            raise Failed(f"{kind} of {self.name}: {answer['error']['code']}")
        return answer

    async def join_media(self) -> None:
        """Connect to the media server and look at everybody."""
        await self.until(
            lambda: (self.state.get("join") or {}).get("engine") == "sfu", "was not sent to the media server"
        )
        self.phase = "joining"
        if self.media:
            await self.media.close()
        self.media = MediaPeer(self.profile, self.state["join"]["room_size"], self._seed, self.decoded)
        answer = await self.ask("sfu_offer", **await self.media.offer())
        await self.media.accept(answer["sdp"])
        await self.look()
        self.phase = "in visit"

    async def look(self) -> None:
        """Say that everybody's picture is shown small."""
        wants = [
            {"participant": peer["id"], "source": "camera", "height": self.profile.height, "pinned": False}
            for peer in self.state["join"]["peers"]
        ]
        await self._send({"type": "sfu_view", "wants": wants})

    async def measure(self) -> None:
        if self.media:
            self.measured = await self.media.measure()

    async def close(self) -> None:
        self._leaving = True
        if self.media:
            await self.media.close()
        for task in self._tasks:
            task.cancel()
        if self._socket:
            await self._socket.close()

    async def _send(self, message: dict[str, Any]) -> None:
        if self._socket:
            with contextlib.suppress(websockets.ConnectionClosed):
                await self._socket.send(json.dumps(message))

    async def _live(self) -> None:
        """One socket after the other until a final close code."""
        while not self._leaving:
            with contextlib.suppress(OSError, websockets.WebSocketException, TimeoutError):
                await self._one_socket()
            if self._socket and self._socket.close_code in FINAL:
                self.phase = f"closed {self._socket.close_code}"
                return
            self.reconnects += 1
            await asyncio.sleep(0.3)

    async def _one_socket(self) -> None:
        headers = {"Cookie": self.browser.cookie_header()}
        origin: Any = self.browser.base_url
        async with websockets.connect(
            self.url, additional_headers=headers, origin=origin, compression=None, max_size=2**22
        ) as socket:
            self._socket = socket
            await self._send({"type": "hello", "v": 1, "page": self.page, "rev": 0})
            async for text in socket:
                self._hear(json.loads(text))
                async with self._changed:
                    self._changed.notify_all()

    def _hear(self, message: dict[str, Any]) -> None:
        match message["type"]:
            case "welcome" | "state":
                self.state = message["state"]
                if message["type"] == "welcome" and self._was_moved:
                    self._was_moved = False
                    self._tasks.append(asyncio.create_task(self.join_media()))
            case "reply":
                reply = self._replies.pop(message["id"], None)
                if reply and not reply.done():
                    reply.set_result(message)
            case "moved":
                self.url = message["ws_url"]
                self._was_moved = self.media is not None  # its media server is another one now
            case "notice":
                self.phase = f"{message['code']} {message['in_ms'] // 1000}s"
            case "sfu_slots" if self.media and message["connection"] == self.media.connection:
                self.media.map_slots(message["slots"])
            case "sfu_closed":
                self.phase = f"media closed: {message['reason']}"

    async def _keep_pinging(self) -> None:
        while True:
            await asyncio.sleep(PING_EVERY_S)
            await self._send({"type": "ping", "rev": 0})
