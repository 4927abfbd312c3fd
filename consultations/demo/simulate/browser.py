"""What a page does over HTTP: cookies, the CSRF token, JSON. Blocking; callers use a thread."""

import http.cookiejar
import json
import re
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

DETAILS = {
    "location": "Simulated Street 1, 10115 Berlin",
    "callback_number": "+49 30 1234567",
    "emergency_name": "Jo Example",
    "emergency_phone": "+49 30 7654321",
}
CHECK = {
    "camera": "ok",
    "microphone": "ok",
    "speaker": "heard",
    "network": "good",
    "rtt_ms": 20,
    "turn": {"udp": None, "tcp": None, "tls": None},
    "relay_only": False,
    "frame_encryption": False,  # it sends packets as they come from a file
}


class Failed(RuntimeError):
    """The site did not do what a page needs; the text says which step."""


class Browser:
    """One person's cookies on one site."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url.rstrip("/")
        self.cookies = http.cookiejar.CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.cookies))
        self._csrf = ""

    def open(self, path: str, data: bytes | None = None, content_type: str = "") -> str:
        request = urllib.request.Request(self.base_url + path, data=data)  # noqa: S310  the demo's own address
        if data is not None:
            request.add_header("Content-Type", content_type)
            request.add_header("X-CSRFToken", self._csrf)
            request.add_header("Origin", self.base_url)
        try:
            with self._opener.open(request, timeout=30) as answer:
                text = answer.read().decode()
        except urllib.error.HTTPError as error:
            raise Failed(
                f"{path.split('?')[0]} answered {error.code}: {error.read()[:200].decode(errors='replace')}"
            ) from None
        found = re.search(r'name="csrf(?:-token|middlewaretoken)" (?:content|value)="([^"]+)"', text)
        self._csrf = found[1] if found else self._csrf
        return text

    def post(self, path: str, data: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self.open(path, json.dumps(data).encode(), "application/json"))
        return answer

    def cookie_header(self) -> str:
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in self.cookies)

    def sign_in(self, url: str) -> None:
        """The demo's one click."""
        parts = urllib.parse.urlsplit(url)
        self.open(parts.path)
        form = urllib.parse.urlencode({"csrfmiddlewaretoken": self._csrf, "secret": parts.fragment})
        self.open(parts.path, form.encode(), "application/x-www-form-urlencoded")

    def walk_to_waiting(self, url: str) -> str:
        """From the join link through every step; return the visit's code."""
        self.open("/join/")
        found = self.post("/join/redeem/", {"token": url.partition("#")[2], "device_label": "Simulation"})
        code = str(found["code"])
        state = json.loads(self.open(f"/v/{code}/state/"))
        state = self.post(f"/v/{code}/details/", {"name": state["person"]["name"], **DETAILS})
        state = self.post(f"/v/{code}/device-check/", CHECK)
        while state["step"] == "consent":
            consent = state["consent"]
            answer = {"purpose": consent["purpose"], "version": consent["version"], "capacity": "self"}
            state = self.post(f"/v/{code}/consent/", {**answer, "decision": "granted"})
        self.post(f"/v/{code}/wait/", {})
        return code

    def ws_url(self, code: str, entrance: str) -> str:
        answer = json.loads(self.open(f"/{'v' if entrance == 'seat' else 'visit'}/{code}/socket/"))
        return urllib.parse.urljoin(self.base_url.replace("http", "ws", 1) + "/", answer["ws_url"])
