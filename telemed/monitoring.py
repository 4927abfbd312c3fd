"""What an operator's machine may ask a process: /metrics (Prometheus text), /healthz and /readyz.

Answered before Django, so that a full database thread cannot hide a sick process. /metrics is for this machine, or for
who knows METRICS_TOKEN; for everybody else it does not exist. No names and no ids: the engine hashes its keys.
"""

import asyncio
import hmac
import ipaddress
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Any, Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[Any]]

LAG_EVERY_S = 0.25
_LAG_BUCKETS_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0)
_FORWARDED = frozenset({b"x-forwarded-for", b"forwarded", b"x-real-ip"})
_TEXT = b"text/plain; version=0.0.4; charset=utf-8"


class Sample(Protocol):
    """One number of the media engine; `kind` is "counter" or "gauge"."""

    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def help(self) -> str: ...
    @property
    def value(self) -> float: ...
    @property
    def labels(self) -> dict[str, str]: ...


class Monitoring:
    """Wraps the ASGI application of one process."""

    def __init__(
        self,
        application: AsgiApp,
        *,
        role: str,
        number: int,
        token: str = "",
        samples: Callable[[], Iterable[Sample]] = lambda: (),
    ) -> None:
        self.application, self._role, self._token, self._samples = application, role, token, samples
        self.is_draining = False
        self.registry = CollectorRegistry()
        ProcessCollector(namespace="telemed", registry=self.registry)
        self.registry.register(self)
        info = Gauge("telemed_process", "1, with what this process is.", ["role", "number"], registry=self.registry)
        info.labels(role, str(number)).set(1)
        draining = Gauge("telemed_draining", "1 while no new visits are taken.", registry=self.registry)
        draining.set_function(lambda: float(self.is_draining))
        self._requests = Counter("telemed_http_requests", "Answered by class.", ["status"], registry=self.registry)
        self._open = Gauge("telemed_websockets", "Open sockets.", ["kind"], registry=self.registry)
        self._closed = Counter("telemed_websocket_closes", "Closed by us.", ["code"], registry=self.registry)
        messages = Counter("telemed_websocket_messages", "Frames.", ["direction"], registry=self.registry)
        self._in, self._out = messages.labels("in"), messages.labels("out")
        self._lag = Histogram(
            "telemed_event_loop_lag_seconds",
            "How late a timer of the event loop came.",
            buckets=_LAG_BUCKETS_S,
            registry=self.registry,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> Any:
        if scope["type"] == "websocket":
            return await self._websocket(scope, receive, send)
        if scope["type"] != "http":
            return await self.application(scope, receive, send)
        match scope["path"]:
            case "/metrics" if self._may_read(scope):
                return await _answer(send, 200, generate_latest(self.registry), _TEXT)
            case "/metrics":
                return await _answer(send, 404, b"not found\n")
            case "/healthz":
                return await _answer(send, 200, b"ok\n")
            case "/readyz" if self.is_draining:
                return await _answer(send, 503, b"draining\n")
            case "/readyz":
                return await _answer(send, 200, b"ready\n")
        if self._role == "rtc":  # pages are rendered elsewhere: their threads would delay media
            return await _answer(send, 404, b"not found\n")
        return await self._http(scope, receive, send)

    async def watch_loop(self) -> None:
        """Measure the event loop's lag for ever."""
        while True:
            before_s = time.monotonic()
            await asyncio.sleep(LAG_EVERY_S)
            self._lag.observe(max(0.0, time.monotonic() - before_s - LAG_EVERY_S))

    def describe(self) -> list[Metric]:
        return []  # registering must not ask the engine, which may not run yet

    def collect(self) -> Iterator[Metric]:
        """The engine's samples, as prometheus_client wants them."""
        families: dict[str, Metric] = {}
        for sample in self._samples():
            family = families.get(sample.name)
            if family is None:
                make = CounterMetricFamily if sample.kind == "counter" else GaugeMetricFamily
                family = families[sample.name] = make(sample.name, sample.help, labels=list(sample.labels))
            family.add_sample(
                family.name + "_total" if sample.kind == "counter" else family.name, sample.labels, sample.value
            )
        yield from families.values()

    def _may_read(self, scope: Scope) -> bool:
        headers = {name.lower(): value for name, value in scope["headers"]}
        if self._token:
            scheme, _, given = headers.get(b"authorization", b"").partition(b" ")
            if scheme.lower() == b"bearer" and hmac.compare_digest(given.strip(), self._token.encode()):
                return True
        try:
            local = ipaddress.ip_address((scope.get("client") or ("",))[0]).is_loopback
        except ValueError:
            return False
        return local and not _FORWARDED & headers.keys()  # a proxy on this machine speaks for others

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> Any:
        async def counted(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                self._requests.labels(f"{message['status'] // 100}xx").inc()
            await send(message)

        return await self.application(scope, receive, counted)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> Any:
        kind = scope["path"].split("/")[2:3]
        is_open = self._open.labels(kind[0] if kind and kind[0] in {"visit", "today"} else "other")

        async def counted_in() -> dict[str, Any]:
            message = await receive()
            if message["type"] == "websocket.receive":
                self._in.inc()
            return message

        async def counted_out(message: dict[str, Any]) -> None:
            if message["type"] == "websocket.send":
                self._out.inc()
            elif message["type"] == "websocket.close":
                self._closed.labels(str(message.get("code", 1000))).inc()
            await send(message)

        with is_open.track_inprogress():
            return await self.application(scope, counted_in, counted_out)


async def _answer(send: Send, status: int, body: bytes, content_type: bytes = b"text/plain; charset=utf-8") -> None:
    headers = [(b"content-type", content_type), (b"cache-control", b"no-store"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
