"""Starts Daphne with our limits (SEC-10) on one address."""

import asyncio
from collections.abc import Callable

import uvloop
from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured


def refuse_wrong_settings() -> None:
    """Raise ImproperlyConfigured, naming them, if a system check finds an error: missing triggers, python -O, bad keys."""
    serious = [message for message in checks.run_checks(databases=["default"]) if message.is_serious()]
    if serious:
        raise ImproperlyConfigured("\n".join(str(message) for message in serious))


def run(host: str, port: int, *, ready: Callable[[int], None] | None = None) -> None:
    """Serve until SIGINT or SIGTERM. `ready(port)` is called once the socket listens; port 0 picks a free one."""
    # The policy must be set before Twisted's reactor exists.
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    from daphne.endpoints import build_endpoint_description_strings
    from daphne.server import Server

    from consultations.demo.people import refuse_demo_users
    from telemed.asgi import application
    from telemed.vault import check_keys

    check_keys()
    refuse_demo_users()
    refuse_wrong_settings()

    def listening() -> None:
        if ready:
            ready(server.listening_addresses[0][1] if server.listening_addresses else port)

    server = Server(
        application,
        # Twisted's backlog of 50 resets connections when a clinic's pages all come back at once.
        endpoints=[f"{endpoint}:backlog=1024" for endpoint in build_endpoint_description_strings(host=host, port=port)],
        websocket_max_message_size=settings.SIGNALING_MAX_MESSAGE_BYTES,
        websocket_max_frame_size=settings.SIGNALING_MAX_MESSAGE_BYTES,
        websocket_handshake_timeout=5,
        ready_callable=listening,
        server_name="",
        # Daphne would believe the first entry, which the client wrote: see telemed.accounts.addresses (SEC-17).
        proxy_forwarded_address_header=None,
        verbosity=1,
    )
    server.run()
