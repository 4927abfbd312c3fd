"""Refuses a WebSocket handshake whose Origin is not one of ours: cross-site WebSocket hijacking (SEC-10).

Whole origins are compared as text: scheme, host and port. A browser sends its origin lower-cased and without a default
port, so anything that would need parsing to match is not a browser of ours, and no parser means no parser error.
"""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any
from urllib.parse import urlsplit

from channels.security.websocket import WebsocketDenier
from django.conf import settings

AsgiApp = Callable[..., Awaitable[Any]]
_DEFAULT_PORTS = {"http": 80, "https": 443}


def serialise_origin(url: str) -> str:
    """Return `url`'s origin the way a browser writes it (RFC 6454 §6.2): lower case, no default port.

    Raises ValueError when a setting is no origin: better no start than an open door.
    """
    parts = urlsplit(url.strip().lower())
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname or parts.username is not None:
        raise ValueError("not an http(s) origin")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    port = parts.port
    return f"{parts.scheme}://{host}" + ("" if port in (None, _DEFAULT_PORTS[parts.scheme]) else f":{port}")


def origin_is_allowed(headers: Iterable[tuple[bytes, bytes]], allowed: frozenset[bytes]) -> bool:
    """Return whether there is exactly one Origin header and it is, byte for byte, one of `allowed`."""
    origins = [value for name, value in headers if name.lower() == b"origin"]
    return len(origins) == 1 and origins[0] in allowed


class OriginMiddleware:
    """Answers the handshake with 403 before anything else of the application sees it."""

    def __init__(self, application: AsgiApp, allowed_origins: Iterable[str] | None = None) -> None:
        self.application = application
        configured = settings.WS_ALLOWED_ORIGINS if allowed_origins is None else allowed_origins
        self.allowed = frozenset(serialise_origin(origin).encode() for origin in configured)

    async def __call__(self, scope: dict[str, Any], receive: AsgiApp, send: AsgiApp) -> Any:
        if origin_is_allowed(scope.get("headers", []), self.allowed):
            return await self.application(scope, receive, send)
        # Closing before accepting is how ASGI says 403.
        return await WebsocketDenier()(scope, receive, send)
