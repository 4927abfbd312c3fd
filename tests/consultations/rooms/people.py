"""Scripted people: they do over HTTP and WebSocket what the pages do, without a browser."""

import asyncio
import itertools
import json
import re
import secrets
from typing import Any
from urllib.parse import urlsplit

import requests
import websockets

DETAILS = {
    "name": "Paul Peters",
    "location": "Example Lane 4, 10115 Berlin",
    "callback_number": "+49 30 1234567",
    "emergency_name": "Jonas Example",
    "emergency_phone": "+49 30 7654321",
}
CHECK = {
    "camera": "ok",
    "microphone": "ok",
    "speaker": "heard",
    "network": "good",
    "rtt_ms": 21,
    "turn": {"udp": None, "tcp": None, "tls": None},
    "relay_only": False,
    "frame_encryption": True,
    "device": "phone",
}


class Browser:
    """Cookies, the CSRF token of the last page, and the site's address."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self.http = requests.Session()
        self.csrf = ""

    def open(self, path: str) -> requests.Response:
        response = self.http.get(self.base_url + path)
        found = re.search(r'name="csrf(?:-token|middlewaretoken)" (?:content|value)="([^"]+)"', response.text)
        self.csrf = found[1] if found else self.csrf
        return response

    def post(self, path: str, data: object) -> requests.Response:
        return self.http.post(
            self.base_url + path, json=data, headers={"X-CSRFToken": self.csrf, "Origin": self.base_url}
        )

    def cookie_header(self) -> str:
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in self.http.cookies)

    def socket(self, path: str, **options: Any) -> "Socket":
        return Socket(self, path, **options)


class Socket:
    """One page's signaling socket: `async with browser.socket(path) as socket`."""

    def __init__(self, browser: Browser, path: str, *, page: str = "", origin: str | None = "own") -> None:
        self.browser = browser
        self.url = browser.base_url.replace("http", "ws", 1) + path
        self.page = page or f"page-{secrets.token_hex(8)}"
        self.origin = browser.base_url if origin == "own" else origin
        self.seen: list[dict[str, Any]] = []
        self.state: dict[str, Any] = {}
        self.rev = 0
        self._ids = itertools.count(1)

    async def __aenter__(self) -> "Socket":
        headers = {"Cookie": self.browser.cookie_header()}
        self.connection = await websockets.connect(
            self.url, additional_headers=headers, origin=self.origin, compression=None, max_size=2**22
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.connection.close()

    async def send(self, message: dict[str, Any]) -> None:
        await self.connection.send(json.dumps(message))

    async def hello(self) -> dict[str, Any]:
        await self.send({"type": "hello", "v": 1, "page": self.page, "rev": self.rev})
        return await self.until("welcome")

    async def receive(self, within_s: float = 5) -> dict[str, Any]:
        message = json.loads(await asyncio.wait_for(self.connection.recv(), within_s))
        self.seen.append(message)
        if "state" in message and "rev" in message:
            self.state, self.rev = message["state"], message["rev"]
        return message

    async def until(self, kind: str, within_s: float = 6, **fields: Any) -> dict[str, Any]:
        """The next message of that type (and those fields); what comes before is kept in `seen`."""
        async with asyncio.timeout(within_s):
            while True:
                message = await self.receive(within_s)
                if message["type"] == kind and all(message.get(name) == value for name, value in fields.items()):
                    return message

    async def until_state(self, holds: Any, within_s: float = 8) -> dict[str, Any]:
        """The first state of which `holds(state)` is true, the present one included."""
        async with asyncio.timeout(within_s):
            while not (self.state and holds(self.state)):
                await self.receive(within_s)
        return self.state

    async def ask(self, kind: str, **fields: Any) -> dict[str, Any]:
        request_id = f"{self.page}-{next(self._ids)}"[:36]
        await self.send({"type": kind, "id": request_id, **fields})
        return await self.until("reply", id=request_id)

    async def signal(self, peer: dict[str, Any], seq: int, body: dict[str, Any]) -> None:
        stream = f"{self.page}.{peer['page']}"
        await self.send({"type": "signal", "to": peer["id"], "stream": stream, "seq": seq, "body": body})

    async def closed(self, within_s: float = 6) -> int:
        """The close code; messages before it are kept in `seen`."""
        async with asyncio.timeout(within_s):
            while True:
                try:
                    await self.receive(within_s)
                except websockets.ConnectionClosed as closed:
                    return closed.rcvd.code if closed.rcvd else 1006


class Doctor(Browser):
    """Signs in with the demo's one click."""

    def sign_in(self, practitioner_url: str) -> None:
        parts = urlsplit(practitioner_url)
        self.open(parts.path)
        data = {"csrfmiddlewaretoken": self.csrf, "secret": parts.fragment}
        answer = self.http.post(self.base_url + parts.path, data=data, headers={"Origin": self.base_url})
        assert answer.status_code == 200, answer.status_code

    def visit_socket(self, code: str, **options: Any) -> Socket:
        return self.socket(f"/ws/visit/{code}/?as=staff", **options)


class Patient(Browser):
    """Walks from the link to the waiting room."""

    code = ""

    def redeem(self, patient_url: str) -> dict[str, Any]:
        self.open("/join/")
        token = patient_url.partition("#")[2]
        answer = self.post("/join/redeem/", {"token": token, "device_label": "Phone"})
        assert answer.status_code == 200, answer.text
        self.code = answer.json()["code"]
        return answer.json()

    def state(self) -> dict[str, Any]:
        return self.http.get(f"{self.base_url}/v/{self.code}/state/").json()

    def step(self, name: str, data: object) -> dict[str, Any]:
        answer = self.post(f"/v/{self.code}/{name}/", data)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def agree(self) -> dict[str, Any]:
        consent = self.state()["consent"]
        answer = {"purpose": consent["purpose"], "version": consent["version"]}
        return self.step("consent", {**answer, "decision": "granted", "capacity": "self"})

    def walk_to_waiting(self, **check: object) -> dict[str, Any]:
        self.step("details", DETAILS)
        self.step("device-check", {**CHECK, **check})
        self.agree()
        return self.step("wait", {})

    def visit_socket(self, **options: Any) -> Socket:
        return self.socket(f"/ws/visit/{self.code}/?as=seat", **options)
