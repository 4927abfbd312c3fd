"""The product's TURN client, from inside a site of the lab."""

import socket
import ssl
from pathlib import Path

from media_routing.runtime.turn_client import TurnClient
from tests.netsim.namespace import Namespace


def over_udp(namespace: Namespace, server: tuple[str, int], username: str, password: str) -> TurnClient:
    return TurnClient(_connected(namespace, server, socket.SOCK_DGRAM, 2), username, password)


def over_tcp(namespace: Namespace, server: tuple[str, int], username: str, password: str) -> TurnClient:
    return TurnClient(_connected(namespace, server, socket.SOCK_STREAM, 5), username, password)


def over_tls(
    namespace: Namespace, server: tuple[str, int], username: str, password: str, certificate: Path
) -> TurnClient:
    """As from a network that lets out port 443 only. `certificate` is the relay's own."""
    context = ssl.create_default_context(cafile=str(certificate))
    plain = _connected(namespace, server, socket.SOCK_STREAM, 5)
    return TurnClient(context.wrap_socket(plain, server_hostname=server[0]), username, password)


def _connected(
    namespace: Namespace, server: tuple[str, int], kind: socket.SocketKind, timeout_s: float
) -> socket.socket:
    made = namespace.socket(kind)
    made.settimeout(timeout_s)
    made.connect(server)
    return made
