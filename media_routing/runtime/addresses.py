"""Which addresses participants are told."""

from __future__ import annotations

import ipaddress
import socket

from media_routing.runtime.terms import MediaSettings

# Where a packet to the world would leave from; nothing is sent, connecting a UDP socket only asks the routing table.
# Documentation addresses (RFC 5737, RFC 3849): routed by default routes, owned by nobody.
_ELSEWHERE = ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1"))


def advertised_addresses(settings: MediaSettings) -> tuple[str, ...]:
    """`settings.advertised`, or what the machine would send from; loopback when it has nothing else.

    Raises ValueError for an advertised name, or a wildcard.
    """
    for address in settings.advertised:
        if ipaddress.ip_address(address).is_unspecified:
            raise ValueError(f"{address} is not an address that participants can reach")
    if settings.advertised:
        return settings.advertised
    bound = settings.bind_address
    if bound and not ipaddress.ip_address(bound).is_unspecified:
        return (bound,)
    families = {socket.AF_INET, socket.AF_INET6} if bound != "0.0.0.0" else {socket.AF_INET}  # noqa: S104
    sources = [_source_of(family, target) for family, target in _ELSEWHERE if family in families]
    found = tuple(source for source in sources if source)
    return found or ("127.0.0.1",)


def _source_of(family: int, target: str) -> str | None:
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.connect((target, 9))
            address = str(sock.getsockname()[0])
    except OSError:
        return None
    parsed = ipaddress.ip_address(address.partition("%")[0])
    return None if parsed.is_loopback or parsed.is_link_local else str(parsed)
