"""The real server inside the network lab: on the public side, reached through each site's own router.

    browser ── localhost:P in the site ══ router ══ 203.0.113.20:443 ── localhost:P in the public namespace ── server

The demo lives on `http://localhost` alone (a secure context, its own cookies and origins). So every site gets that
address too: a forwarder in the site's namespace carries its bytes to the public side over port 443, which every
firewall of the lab lets out. The bytes cross the site's router: a cut line cuts them.
"""

import asyncio
import contextlib
import threading
from collections.abc import Iterator

from tests.e2e.server import AppServer
from tests.netsim.lab import WEB_HOST, Lab, Site
from tests.netsim.namespace import Namespace

WEB_PORT = 443
CHUNK_BYTES = 65536
# Chromium checks the certificate of a TURN server too, and the lab's is self-signed.
LAB_FLAGS = ("--ignore-certificate-errors",)

ADD_TURN_SERVER = """
from consultations.clinics.models import Clinic, TurnServer
relay = dict(host={host!r}, region="lab", udp_port={udp}, tcp_port={tcp}, tls_port={tls}, secret={secret!r})
TurnServer.objects.create(clinic=Clinic.objects.get(), **relay)
"""


class Forwarder:
    """Carries TCP between two addresses from a thread that lives in one namespace."""

    def __init__(self, namespace: Namespace, listen: tuple[str, int], target: tuple[str, int]) -> None:
        self._namespace, self._listen, self._target = namespace, listen, target
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._live, name=f"forward-{namespace.name}", daemon=True)

    def start(self) -> None:
        self._thread.start()
        self._ready.wait(5)
        if self._error:
            raise self._error

    def close(self) -> None:
        if self._loop.is_running():
            self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    def _live(self) -> None:
        try:
            with self._namespace.entered():
                server = self._loop.run_until_complete(asyncio.start_server(self._carry, *self._listen))
                self._ready.set()
                self._loop.run_forever()
                server.close()
                for task in asyncio.all_tasks(self._loop):
                    task.cancel()
                self._loop.run_until_complete(asyncio.sleep(0))
        except BaseException as error:  # handed to the thread that starts us
            self._error = error
        finally:
            self._ready.set()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.wait_for(asyncio.open_connection(*self._target), 10)
        except (OSError, TimeoutError):
            writer.close()
            return
        await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer), return_exceptions=True)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(CHUNK_BYTES):
            writer.write(data)
            await writer.drain()
    finally:
        writer.close()


@contextlib.contextmanager
def server_in(lab: Lab, *sites: Site, offers_relay: bool = True, **environment: str) -> Iterator[AppServer]:
    """The demo in the lab's public namespace, with the lab's relay as its TURN server, open to these sites."""
    with AppServer(namespace=lab.public, **environment) as server, contextlib.ExitStack() as stack:
        if offers_relay:
            relay = lab.relay
            server.run(
                ADD_TURN_SERVER.format(
                    host=relay.host, udp=relay.udp_port, tcp=relay.tcp_port, tls=relay.tls_port, secret=relay.secret
                )
            )
        ways = [Forwarder(lab.public, (WEB_HOST, WEB_PORT), ("127.0.0.1", server.port))]
        ways += [Forwarder(site.host, ("127.0.0.1", server.port), (WEB_HOST, WEB_PORT)) for site in sites]
        for way in ways:
            way.start()
            stack.callback(way.close)
        yield server
