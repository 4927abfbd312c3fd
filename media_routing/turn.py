"""Short-lived TURN credentials (draft-uberti-behave-turn-rest-00 §2.2) and the server lists browsers take.

The TURN server recomputes the HMAC from the shared secret; nothing is stored on either side. coturn counts its
`user-quota` by the part after the colon, so the quota is one participant's, whatever the number of renewals.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

# A stolen credential is worth this long (SEC-9). Longer: fewer renewals, dearer theft.
MAX_TTL_S = 300

_HOST = re.compile(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*)"
)
_PARTICIPANT = re.compile(r"[A-Za-z0-9_-]{1,64}")

IceServer = dict[str, object]


@dataclass(frozen=True, slots=True)
class TurnServer:
    """One clinic's relay. A port of 0 or None switches that transport off; the secret never shows in a repr."""

    host: str
    secret: str = field(repr=False)
    udp_port: int | None = 3478
    tcp_port: int | None = 3478
    tls_port: int | None = 443

    def __post_init__(self) -> None:
        if not _HOST.fullmatch(self.host):
            raise ValueError("a TURN host is a bare name or address")
        for port in (self.udp_port, self.tcp_port, self.tls_port):
            if port and not 0 < port < 65536:
                raise ValueError("a TURN port lies between 1 and 65535")

    @property
    def urls(self) -> list[str]:
        """TURN URIs (RFC 7065) in the order of preference: UDP, TCP, TLS."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        urls = []
        if self.udp_port:
            urls.append(f"turn:{host}:{self.udp_port}?transport=udp")
        if self.tcp_port:
            urls.append(f"turn:{host}:{self.tcp_port}?transport=tcp")
        if self.tls_port:
            urls.append(f"turns:{host}:{self.tls_port}?transport=tcp")
        return urls


def credential(secret: str, participant_id: str, *, now_s: float, ttl_s: int) -> tuple[str, str]:
    """(username, password) valid from now for `ttl_s` seconds; `now_s` is wall-clock seconds since 1970.

    Raises ValueError for an empty secret, a TTL outside 1..300 s or a participant id that could forge an expiry.
    """
    if not secret:
        raise ValueError("a TURN server needs a secret")
    if not 0 < ttl_s <= MAX_TTL_S:
        raise ValueError(f"TURN credentials live between 1 and {MAX_TTL_S} s")
    if not _PARTICIPANT.fullmatch(participant_id):
        raise ValueError("a participant id is 1 to 64 url-safe characters")
    username = f"{int(now_s) + ttl_s}:{participant_id}"
    digest = hmac.new(secret.encode(), username.encode(), hashlib.sha1).digest()
    return username, base64.b64encode(digest).decode()


def ice_servers(
    turn_servers: Iterable[TurnServer], participant_id: str, *, now_s: float, ttl_s: int = MAX_TTL_S
) -> list[IceServer]:
    """RTCIceServer dictionaries for one participant; empty when the clinic has no relay. Never a third party's server."""
    servers: list[IceServer] = []
    for server in turn_servers:
        if not server.urls:
            continue
        username, password = credential(server.secret, participant_id, now_s=now_s, ttl_s=ttl_s)
        servers.append({"urls": server.urls, "username": username, "credential": password})
    return servers


def turn_probe_servers(turn_servers: Iterable[TurnServer]) -> list[IceServer]:
    """One RTCIceServer per transport with credentials that can never work.

    A browser that reaches the relay reports `icecandidateerror` 401 for that URL: reachable, and nothing was given away.
    """
    return [
        {"urls": [url], "username": "0:probe", "credential": "reachability-only"}
        for server in turn_servers
        for url in server.urls
    ]
