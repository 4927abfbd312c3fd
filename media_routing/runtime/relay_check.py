"""Asks a running relay what an attacker would ask it (SEC-8), and what a visit needs of it. Blocking: for an operator's command."""

import contextlib
import ipaddress
import re
import socket
import ssl
from collections.abc import Callable, Iterable, Iterator

from media_routing.runtime.turn_client import TCP, TurnClient

# CVE-2026-27624 (mapped addresses pass the list), the half-open DTLS limit of 4.16, the stateless nonce of 4.17.
COTURN_FLOOR = (4, 17, 1)
TIMEOUT_S = 3
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Peers that no relay of a call may reach: the edges and the well-known hosts of every special range (RFC 6890), and IPv4
# addresses wrapped in IPv6 in each way there is.
FORBIDDEN4 = """
0.0.0.0 0.0.0.1 0.255.255.255 10.0.0.1 10.2.0.2 10.255.255.255 100.64.0.1 100.100.100.200 100.127.255.255 127.0.0.1
127.0.0.53 127.255.255.254 168.63.129.16 169.254.0.1 169.254.169.254 169.254.170.2 172.16.0.1 172.17.0.1
172.31.255.255 192.0.0.1 192.0.0.192 192.0.2.1 192.88.99.1 192.168.0.1 192.168.1.1 192.168.255.255 198.18.0.1
198.19.255.255 203.0.113.20 224.0.0.1 224.0.0.251 239.255.255.250 240.0.0.1 255.255.255.255
""".split()
FORBIDDEN6 = """
:: ::1 ::127.0.0.1 ::10.0.0.1 ::169.254.169.254 ::ffff:0.0.0.0 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254
::ffff:0:127.0.0.1 64:ff9b::7f00:1 64:ff9b::a00:1 64:ff9b:1::1 100::1 2001::1 2001:db8::1 2002:7f00:1::1
2002:a00:1::1 2002:a9fe:a9fe::1 3fff::1 5f00::1 fc00::1 fd00:ec2::254 fdff::1 fe80::1 fec0::1 ff02::1 ff05::2
""".split()


def relay_problems(
    host: str, ports: tuple[int, int, int], credentials: tuple[str, str], *, must_reach: Iterable[str] = ()
) -> list[str]:
    """Return what is wrong with the relay at `host`, a sentence each. `ports`: for UDP, TCP and TLS, 0 for none.

    `must_reach` are addresses that it has to relay to although the list forbids their range: the media server's.
    """
    exempt = {ipaddress.ip_address(address) for address in must_reach}
    problems = []
    answers = True
    for word, port, connect in zip(("UDP", "TCP", "TLS"), ports, (_udp, _tcp, _tls), strict=True):
        if port:
            found = list(_reachable(host, port, connect))
            problems += [f"over {word}: {problem}" for problem in found]
            answers = answers and not any("no answer" in problem for problem in found)
    if answers and ports[0]:
        problems += _peers(host, ports[0], credentials, exempt)
    if answers and ports[1]:
        problems += _relays_tcp(host, ports[1], credentials)
    return problems


def _reachable(host: str, port: int, connect: Callable[[str, int], socket.socket]) -> Iterator[str]:
    try:
        with contextlib.closing(TurnClient(connect(host, port))) as client:
            client.binding()
    except (OSError, ssl.SSLError) as error:
        yield f"no answer on port {port} ({type(error).__name__}: {error})"
        return
    if not client.software:
        return
    yield f"it tells everybody that it is {client.software}; set no-software-attribute"
    found = re.search(r"Coturn-(\d+)\.(\d+)\.(\d+)", client.software)
    if found and tuple(map(int, found.groups())) < COTURN_FLOOR:
        yield f"older than coturn {'.'.join(map(str, COTURN_FLOOR))}"


def _peers(host: str, port: int, credentials: tuple[str, str], exempt: set[Address]) -> Iterator[str]:
    for ipv6, table in ((False, FORBIDDEN4), (True, FORBIDDEN6)):
        with contextlib.closing(TurnClient(_udp(host, port), *credentials)) as client:
            code = client.allocate(ipv6=ipv6)
            if code:
                # Without IPv6 on the relay there is nothing of it to reach (RFC 8656 §7.2: 440).
                if not ipv6 or code != 440:
                    yield f"it refuses our credentials ({code}): is the secret the one of its configuration?"
                continue
            for address in table:
                if ipaddress.ip_address(address) not in exempt and client.permit(address) == 0:
                    yield f"it relays to {address}"
            for needed in exempt:
                if needed.version == (6 if ipv6 else 4) and client.permit(str(needed)):
                    yield f"it does not relay to the media server at {needed} (deploy/coturn/configure.py --sfu)"
            client.release()


def _relays_tcp(host: str, port: int, credentials: tuple[str, str]) -> Iterator[str]:
    """RFC 6062 asks for it over TCP only."""
    with contextlib.closing(TurnClient(_tcp(host, port), *credentials)) as client:
        if client.allocate(transport=TCP) == 0:
            yield "it relays TCP; set no-tcp-relay"


def _udp(host: str, port: int) -> socket.socket:
    family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
    made = socket.socket(family, kind)
    made.settimeout(TIMEOUT_S)
    made.connect(address)
    return made


def _tcp(host: str, port: int) -> socket.socket:
    return socket.create_connection((host, port), TIMEOUT_S)


def _tls(host: str, port: int) -> socket.socket:
    return ssl.create_default_context().wrap_socket(_tcp(host, port), server_hostname=host)
