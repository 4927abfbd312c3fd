"""A visit of many without Django: signaling over a WebSocket, media over a real MediaService in the same process."""

from __future__ import annotations

import asyncio
import contextlib
import http.server
import json
import re
import threading
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from media_routing.api import Facts, MediaRefused, MediaSettings, Want, decide, join_descriptor
from media_routing.runtime.recorder import Recording
from media_routing.runtime.recorder_keys import RecorderKeys
from media_routing.runtime.service import MediaService
from tests.e2e.call_engine.relay import Pages
from tests.e2e.call_engine.udp_way import UdpWay

ROOM = "visit"
RECORDER = "recorder"


@dataclass
class GroupServer:
    """`p2p` sends two people to each other instead, `warm` asks for the other path beside it; `refuse` answers offers with that code. `host` is where pages and
    signaling are served; without `routers` nothing stands between a browser and the media port (a lab has its own)."""

    room_size: int = 3
    p2p: bool = False
    warm: bool = False
    page: str = "group.html"
    refuse: str = ""
    address: str = "127.0.0.1"
    host: str = "127.0.0.1"
    routers: bool = True
    relay_only: bool = False
    frame_encryption: str = "required"
    ice_servers: list[dict] = field(default_factory=list)
    rev: int = 0
    seats: dict[str, ServerConnection] = field(default_factory=dict)
    pages: dict[str, str] = field(default_factory=dict)
    admitted: list[str] = field(default_factory=list)
    views: dict[str, list[dict]] = field(default_factory=dict)
    reports: list[dict] = field(default_factory=list)
    qualities: list[dict] = field(default_factory=list)
    offers: list[tuple[str, str, str]] = field(default_factory=list)
    said: list[dict] = field(default_factory=list)
    ways: dict[str, UdpWay] = field(default_factory=dict)
    mapped: dict[str, dict] = field(default_factory=dict)
    recorder: RecorderKeys | None = None
    media: MediaService | None = None
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def __aenter__(self) -> GroupServer:
        self.http = http.server.ThreadingHTTPServer((self.host, 0), Pages)
        threading.Thread(target=self.http.serve_forever, daemon=True).start()
        self.ws_port = 0
        await self.start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.stop()
        self.http.shutdown()
        self.http.server_close()

    async def start(self) -> None:
        """Signaling and media come up as one process does; also again after `stop`, with nothing remembered."""
        self.media = MediaService(MediaSettings(bind_address=self.address, max_load=4.0))
        await self.media.start()
        self.ws: Server = await serve(self.seat, self.host, self.ws_port)
        self.ws_port = self.ws.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Both go, without a word to anybody."""
        assert self.media
        self.ws.close()
        for socket in list(self.seats.values()):
            socket.transport.abort()
        await self.ws.wait_closed()
        self.seats.clear()
        for way in self.ways.values():
            way.close()
        self.ways.clear()
        self.mapped.clear()
        media, self.media = self.media, None
        await media.close()

    def url(self, me: str, **query: str) -> str:
        extra = "".join(f"&{key}={value}" for key, value in query.items())
        host = "localhost" if self.host == "127.0.0.1" else self.host
        return f"http://{host}:{self.http.server_port}/page/{self.page}?me={me}&ws=ws://{host}:{self.ws_port}/{extra}"

    def snapshot(self, me: str) -> dict:
        others = [seat for seat in self.admitted if seat != me]

        def descriptor(p2p: bool) -> dict:
            decision = decide(Facts(participants=2 if p2p else 3, sfu_available=not p2p))
            made = join_descriptor(decision, me, others, lambda reason: reason.code, room_size=self.room_size)
            assert made
            return dict(made)

        join = descriptor(self.p2p)
        if self.relay_only:  # so that only the relay can be the way, whatever this machine's network is like
            join["ice_transport_policy"] = "relay"
        join["warm"] = descriptor(not self.p2p) if self.warm else None
        people = [
            {"id": seat, "role": "", "name": seat, "state": "admitted", "present": seat in self.seats}
            | {"page": self.pages.get(seat)}
            for seat in self.admitted
        ]
        said = {"consents": {"recording": "granted"}} if self.recorder else {}
        recorder = {"id": RECORDER, "page": self.recorder.page, "server": True} if self.recorder else None
        return {
            "room": {
                "code": "test",
                "state": "live",
                "frame_encryption": self.frame_encryption,
                "recorder": recorder,
            },
            "me": {"id": me, "role": "", "name": me, "state": "admitted", **said},
            "join": join,
            "participants": [person | said for person in people],
        }

    async def ask_for(self, *, p2p: bool, warm: bool) -> None:
        """Everybody's next snapshot: this path, and perhaps the other one beside it."""
        self.p2p, self.warm = p2p, warm
        await self.tell_all()

    async def record(self, directory: Path, key: bytes) -> Recording:
        """Everybody said yes: the recorder is there, pages give it their keys, and it begins."""
        assert self.media
        self.recorder = RecorderKeys("test", "page-of-the-recorder")
        await self.tell_all()
        return self.media.start_recording(ROOM, directory, key, lambda event: None, self.recorder)

    async def tell_all(self) -> None:
        self.rev += 1
        for me, socket in list(self.seats.items()):
            await self.send(socket, {"type": "state", "rev": self.rev, "state": self.snapshot(me)})

    async def send(self, socket: ServerConnection, message: dict) -> None:
        with contextlib.suppress(ConnectionClosed):
            await socket.send(json.dumps(message))

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def remove(self, me: str) -> None:
        """Somebody goes for good."""
        self.admitted.remove(me)
        self.pages.pop(me, None)
        assert self.media
        self.media.leave(ROOM, me)
        if socket := self.seats.pop(me, None):
            await socket.close(4403)
        await self.tell_all()

    async def seat(self, socket: ServerConnection) -> None:
        assert socket.request
        me = parse_qs(urlsplit(socket.request.path).query)["me"][0]
        try:
            hello = json.loads(await socket.recv())
        except ConnectionClosed:
            return
        self.seats[me], self.pages[me] = socket, hello["page"]
        if me not in self.admitted:
            self.admitted.append(me)
        welcome = {"type": "welcome", "you": me, "rev": self.rev, "state": self.snapshot(me), "server_time_ms": 0}
        await self.send(socket, welcome)
        if me in self.mapped:
            await self.send(socket, self.mapped[me])
        await self.tell_all()
        try:
            async for text in socket:
                await self.handle(me, socket, json.loads(text))
        except ConnectionClosed:
            pass
        finally:
            if self.seats.get(me) is socket:
                del self.seats[me]
                await self.tell_all()

    async def handle(self, me: str, socket: ServerConnection, message: dict) -> None:
        match message["type"]:
            case "signal" | "ack":
                if to := self.seats.get(message.pop("to")):
                    await self.send(to, {**message, "from": me})
            case "ice_servers":
                await self.reply(socket, message, ice_servers=self.ice_servers, ttl_s=300)
            case "sfu_offer":
                await self.answer(me, socket, message)
            case "sfu_view":
                self.views[me] = message["wants"]
                assert self.media
                self.media.set_wants(ROOM, me, [Want(**want) for want in message["wants"]])
            case "say" if message["to"] == RECORDER:
                await self.tell_recorder(me, socket, message["body"]["keys"]["items"])
            case "say":
                self.said.append({"from": me, **message})
                heard = [message["to"]] if message["to"] else [seat for seat in self.seats if seat != me]
                for to in heard:
                    if to in self.seats:
                        await self.send(self.seats[to], {"type": "said", "from": me, "body": message["body"]})
            case "quality":
                self.qualities.append({"from": me, **message})
            case "path":
                self.reports.append({"from": me, **message["report"]})
            case "ping":
                await self.send(socket, {"type": "pong", "rev": self.rev})
            case other:
                raise AssertionError(f"the client sent {other}")

    async def tell_recorder(self, me: str, socket: ServerConnection, items: list[dict]) -> None:
        assert self.recorder
        pages = {"from_page": self.recorder.page, "to_page": self.pages[me]}
        answers = [{**answer, **pages} for item in items for answer in self.recorder.receive(me, self.pages[me], item)]
        body = {"kind": "keys", "keys": {"items": answers}}
        await self.send(socket, {"type": "said", "from": RECORDER, "body": body})

    async def answer(self, me: str, socket: ServerConnection, message: dict) -> None:
        self.offers.append((me, message["connection"], message["sdp"]))
        if self.refuse or not self.media:
            error = {"code": self.refuse or "closed", "message": "Not now."}
            await self.send(socket, {"type": "reply", "id": message["id"], "ok": False, "error": error})
            return

        def listen(told: dict) -> None:
            if told["type"] == "sfu_slots":
                self.mapped[me] = told
            if me in self.seats:
                self.spawn(self.send(self.seats[me], told))

        try:
            answer = await self.media.join(
                ROOM,
                me,
                message["connection"],
                sdp=message["sdp"],
                sources=message["sources"],
                room_size=self.room_size,
                listener=listen,
            )
        except MediaRefused as refused:
            error = {"code": refused.code, "message": refused.code}
            await self.send(socket, {"type": "reply", "id": message["id"], "ok": False, "error": error})
            return
        if not self.routers:
            await self.reply(socket, message, sdp=answer.sdp, slots=answer.slots)
            return
        # Everybody reaches the server through a router of their own.
        if me not in self.ways:
            self.ways[me] = UdpWay((self.address, self.media.port))
            await self.ways[me].open()
        sdp = re.sub(rf"(a=candidate:.*) {self.media.port} typ", rf"\1 {self.ways[me].port} typ", answer.sdp)
        await self.reply(socket, message, sdp=sdp, slots=answer.slots)

    async def reply(self, socket: ServerConnection, message: dict, **fields: object) -> None:
        await self.send(socket, {"type": "reply", "id": message["id"], "ok": True, **fields})
