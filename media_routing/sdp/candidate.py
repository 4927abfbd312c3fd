"""ICE candidates (RFC 8839 §5.1): a strict reader, and the host candidates that we offer as an ICE-lite server."""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from media_routing.sdp.errors import SdpError

MAX_CHARS: Final = 1024
_TYPES: Final = frozenset({"host", "srflx", "prflx", "relay"})
_HEAD: Final = re.compile(
    r"candidate:(?P<foundation>[A-Za-z0-9+/]{1,32}) (?P<component>[1-9][0-9]{0,2}) (?P<transport>[A-Za-z]{1,8})"
    r" (?P<priority>[0-9]{1,10}) (?P<address>[0-9A-Fa-f:.]{2,45}|[A-Za-z0-9.-]{1,253}) (?P<port>[0-9]{1,5})"
    r" typ (?P<type>[a-z]{1,8})(?P<rest>(?: [!-~]+ [!-~]+)*)"
)
_HOST_TYPE_PREFERENCE: Final = 126  # RFC 8445 §5.1.2.1


@dataclass(frozen=True, slots=True)
class Candidate:
    """`address` is an IP address, or the name that a browser gave instead of it (mDNS)."""

    foundation: str
    component: int
    transport: str
    priority: int
    address: str
    port: int
    type: str
    related_address: str = ""
    related_port: int = 0
    tcp_type: str = ""

    def build(self) -> str:
        """The value of an `a=` line."""
        text = (
            f"candidate:{self.foundation} {self.component} {self.transport} {self.priority}"
            f" {self.address} {self.port} typ {self.type}"
        )
        if self.related_address:
            text += f" raddr {self.related_address} rport {self.related_port}"
        return text + (f" tcptype {self.tcp_type}" if self.tcp_type else "")


def parse_candidate(text: str) -> Candidate:
    """From `candidate:...`, with or without `a=`. Extensions that we do not know are dropped. Raises SdpError("bad_candidate")."""
    if len(text) > MAX_CHARS:
        raise SdpError("bad_candidate")
    found = _HEAD.fullmatch(text.removeprefix("a="))
    if not found:
        raise SdpError("bad_candidate")
    transport, kind = found["transport"].lower(), found["type"]
    if kind not in _TYPES or transport not in ("udp", "tcp"):
        raise SdpError("bad_candidate")
    words = found["rest"].split()
    extra = dict(zip(words[::2], words[1::2], strict=True))
    related = extra.get("raddr", "")
    if len(extra) * 2 != len(words) or (related and not _is_address(related)):
        raise SdpError("bad_candidate")
    if ("raddr" in extra) != ("rport" in extra) or (transport == "tcp") != ("tcptype" in extra):
        raise SdpError("bad_candidate")
    if not _is_address(found["address"]) and not _is_name(found["address"]):
        raise SdpError("bad_candidate")
    return Candidate(
        foundation=found["foundation"],
        component=_number(found["component"], 1, 256),
        transport=transport,
        priority=_number(found["priority"], 0, 2**32 - 1),
        address=found["address"],
        port=_number(found["port"], 0, 65535),
        type=kind,
        related_address=related,
        related_port=_number(extra.get("rport", "0"), 0, 65535),
        tcp_type=_tcp_type(extra.get("tcptype", "")),
    )


def host_candidates(addresses: Sequence[str], port: int) -> tuple[Candidate, ...]:
    """One UDP candidate per address, the first one preferred (RFC 8445 §5.1.2.1). Raises ValueError for no address."""
    return tuple(
        Candidate(
            foundation=str(index + 1),
            component=1,
            transport="udp",
            priority=_HOST_TYPE_PREFERENCE << 24 | (0xFFFF - index) << 8 | 255,
            address=str(ipaddress.ip_address(address)),
            port=port,
            type="host",
        )
        for index, address in enumerate(addresses)
    )


def _is_address(text: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    # A scope belongs to the machine that wrote it.
    return "%" not in str(address)


def _is_name(text: str) -> bool:
    """RFC 1123 §2.1, and not something that only looks like an address."""
    labels = text.split(".")
    return all(re.fullmatch(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?", label) for label in labels) and not (
        labels[-1].isdigit()
    )


def _tcp_type(text: str) -> str:
    if text not in ("", "active", "passive", "so"):
        raise SdpError("bad_candidate")
    return text


def _number(text: str, low: int, high: int) -> int:
    if not re.fullmatch(r"[0-9]{1,10}", text) or not low <= int(text) <= high:
        raise SdpError("bad_candidate")
    return int(text)
