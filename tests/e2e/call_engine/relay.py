"""A signaling server without Django: two seats, both admitted, and a relay that can be told to be bad (REL-5)."""

from __future__ import annotations

import asyncio
import http.server
import json
import random
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosedError

from media_routing.api import Facts, decide, join_descriptor

ROOT = Path(__file__).parents[3]


class Pages(http.server.SimpleHTTPRequestHandler):
    """`/page/` is this folder, everything else is `static/`."""

    extensions_map = {**http.server.SimpleHTTPRequestHandler.extensions_map, ".js": "text/javascript"}

    worker_delay_s = 0.0

    def do_GET(self) -> None:
        if "/workers/" in self.path:
            time.sleep(self.worker_delay_s)
        super().do_GET()

    def translate_path(self, path: str) -> str:
        path = urlsplit(path).path
        if path.startswith("/page/"):
            return str(Path(__file__).parent / (path.removeprefix("/page/") or "index.html"))
        return str(ROOT / "static" / path.lstrip("/"))

    def log_message(self, *args: object) -> None:
        pass


@dataclass
class Badness:
    """Shares of the signals and acks that are lost, doubled, or held back behind the next ones."""

    lost: float = 0.0
    doubled: float = 0.0
    swapped: float = 0.0


@dataclass
class Relay:
    seed: int = 1
    badness: Badness = field(default_factory=Badness)
    relay_only: bool = False
    ice_servers: list[dict] = field(default_factory=list)
    ttl_s: int = 300
    worker_delay_s: float = 0.0
    rev: int = 0
    seats: dict[str, tuple[ServerConnection, str]] = field(default_factory=dict)
    pages: dict[str, str] = field(default_factory=dict)
    relayed: list[dict] = field(default_factory=list)
    said: list[dict] = field(default_factory=list)
    reports: list[dict] = field(default_factory=list)
    qualities: list[dict] = field(default_factory=list)
    ice_requests: int = 0
    holding: bool = False
    held: list[tuple[str, dict]] = field(default_factory=list)

    async def __aenter__(self) -> Relay:
        self.random = random.Random(self.seed)
        self.http = http.server.ThreadingHTTPServer(
            ("127.0.0.1", 0), type("DelayedPages", (Pages,), {"worker_delay_s": self.worker_delay_s})
        )
        threading.Thread(target=self.http.serve_forever, daemon=True).start()
        self.ws = await serve(self.seat, "127.0.0.1", 0)
        self.ws_port = self.ws.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *exc: object) -> None:
        self.http.shutdown()
        self.http.server_close()
        self.ws.close()
        await self.ws.wait_closed()

    def url(self, me: str, **query: str) -> str:
        extra = "".join(f"&{key}={value}" for key, value in query.items())
        return f"http://localhost:{self.http.server_port}/page/?me={me}&ws=ws://localhost:{self.ws_port}/{extra}"

    def snapshot(self, me: str) -> dict:
        decision = decide(Facts(participants=2, relay_only_by_patient=self.relay_only))
        others = [seat for seat in ("doctor", "patient") if seat != me]
        return {
            "room": {"code": "test", "state": "live"},
            "me": {"id": me, "role": me, "name": me, "state": "admitted"},
            "join": join_descriptor(decision, me, others, lambda reason: reason.code),
            "participants": [
                {
                    "id": seat,
                    "role": seat,
                    "name": seat,
                    "state": "admitted",
                    "present": seat in self.seats,
                    "page": self.pages.get(seat),
                }
                for seat in ("doctor", "patient")
            ],
        }

    async def tell_all(self) -> None:
        self.rev += 1
        for me, (socket, _) in list(self.seats.items()):
            await self.send(socket, {"type": "state", "rev": self.rev, "state": self.snapshot(me)})

    async def send(self, socket: ServerConnection, message: dict) -> None:
        if socket.state.name == "OPEN":
            await socket.send(json.dumps(message))

    async def seat(self, socket: ServerConnection) -> None:
        me = parse_qs(urlsplit(socket.request.path).query)["me"][0]
        hello = json.loads(await socket.recv())
        assert (hello["type"], hello["v"]) == ("hello", 1)
        if me in self.seats:
            await self.seats[me][0].close(4409)
        self.seats[me] = (socket, hello["page"])
        self.pages[me] = hello["page"]
        await self.send(
            socket, {"type": "welcome", "you": me, "rev": self.rev, "state": self.snapshot(me), "server_time_ms": 0}
        )
        await self.tell_all()
        try:
            async for text in socket:
                await self.handle(me, socket, json.loads(text))
        except ConnectionClosedError:
            pass
        finally:
            if self.seats.get(me, (None,))[0] is socket:
                del self.seats[me]
                await self.tell_all()

    async def handle(self, me: str, socket: ServerConnection, message: dict) -> None:
        match message["type"]:
            case "signal" | "ack":
                to = message.pop("to")
                await self.relay(to, {**message, "from": me})
            case "say":
                assert message["body"]["kind"] == "keys", "between two only keys go over the server"
                await self.relay(
                    message["to"], {"type": "said", "from": me, "body": message["body"]}, transcript=self.said
                )
            case "ice_servers":
                self.ice_requests += 1
                reply = {
                    "type": "reply",
                    "id": message["id"],
                    "ok": True,
                    "ice_servers": self.ice_servers,
                    "ttl_s": self.ttl_s,
                }
                await self.send(socket, reply)
            case "quality":
                self.qualities.append({"from": me, **message})
            case "path":
                self.reports.append({"from": me, **message["report"]})
            case "ping":
                await self.send(socket, {"type": "pong", "rev": self.rev})
            case other:
                raise AssertionError(f"the client sent {other}")

    async def release(self) -> None:
        """Delivers what was held back, in order, and holds nothing more."""
        self.holding = False
        for to, message in self.held:
            await self.deliver(to, message)
        self.held.clear()

    async def relay(self, to: str, message: dict, transcript: list[dict] | None = None) -> None:
        (self.relayed if transcript is None else transcript).append(message)
        if self.holding:
            self.held.append((to, message))
            return
        if self.random.random() < self.badness.lost:
            return
        times = 2 if self.random.random() < self.badness.doubled else 1
        late_s = 0.15 if self.random.random() < self.badness.swapped else 0.0
        for _ in range(times):
            if late_s:
                asyncio.get_running_loop().call_later(late_s, lambda: asyncio.ensure_future(self.deliver(to, message)))
            else:
                await self.deliver(to, message)

    async def deliver(self, to: str, message: dict) -> None:
        if to in self.seats:
            await self.send(self.seats[to][0], message)
