"""The true address of a client (SEC-17)."""

import ipaddress

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str:
    """Return the client's IP address, '' when there is none (a Unix socket without a proxy).

    Only the entry that our outermost trusted proxy wrote counts: everything to the left of it came from the client
    and may be forged. With fewer entries than proxies the header did not pass through them and is ignored.
    """
    trusted_proxies = settings.TRUSTED_PROXY_COUNT
    if trusted_proxies > 0:
        hops = [hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",") if hop.strip()]
        if len(hops) >= trusted_proxies and (address := _parsed(hops[-trusted_proxies])):
            return address
    return _parsed(request.META.get("REMOTE_ADDR") or "")


def address_group(address: str) -> str:
    """Return what one client can hold for itself: an IPv4 address, or the /64 network of an IPv6 address."""
    if ":" not in address:
        return address
    return str(ipaddress.IPv6Network(f"{address}/64", strict=False).network_address)


def _parsed(text: str) -> str:
    """Return the normal form of an address; IPv4 written as IPv6 becomes IPv4. '' when it is no address."""
    host = text[1:].partition("]")[0] if text.startswith("[") else text
    if host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return ""
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)
