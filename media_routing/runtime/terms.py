"""What the service and its callers agree on: settings, the answer to a join, refusals, samples of counters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

# What a participant's page is told about its call, ready for JSON.
Listener = Callable[[dict[str, object]], None]


class MediaRefused(Exception):
    """The engine will not do it; `code` is stable and is what a page is told.

    Codes: `sfu_full` (more than this process can carry), `sfu_draining` (it takes no new rooms), `bad_sdp` (an offer
    that cannot be answered), `closed` (the service does not run).
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class MediaSettings:
    """Where the port is and how much this process may carry.

    `bind_address`: "" means every address, IPv6 and IPv4 on one socket where the machine has both. `advertised`:
    addresses (no names) that participants are told, most wanted first; empty means the bound one, or for "" the
    machine's own ones without loopback. `max_load` is a share of one core, `max_bps` what all rooms
    together may send, 0 for no limit (REL-11).
    """

    bind_address: str = ""
    udp_port: int = 0
    advertised: tuple[str, ...] = ()
    max_load: float = 0.7
    max_bps: int = 0
    lost_after_s: float = 2.5
    consent_s: float = 30.0
    connect_timeout_s: float = 30.0
    socket_buffer_bytes: int = 8 * 1024 * 1024
    coalesce_s: float = 0.001
    recording_reserve_bytes: int = 1 << 30
    """What must stay free on the disk of recordings: none begins with less, and running ones end."""


@dataclass(frozen=True)
class JoinAnswer:
    """The SDP answer, and which of its lines the server fills with other people: [{"mid": "3", "kind": "audio"}]."""

    sdp: str
    slots: list[dict[str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Sample:
    """One number for Prometheus. `kind` is "counter" or "gauge"; labels hold hashed keys only, never names."""

    name: str
    kind: str
    help: str
    value: float
    labels: dict[str, str] = field(default_factory=dict)
