"""manage.py serve: pages, signaling and media behind the operator's TLS proxy, in one process or in several roles."""

import argparse
import asyncio
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from telemed.processes import READY_FD, inherited_fd

NEEDS_REDIS = (
    "More than one process needs Redis: without it a message would not reach people in another process. "
    "Set REDIS_URL, or start one process (leave --web and --rtc out)."
)


class Command(BaseCommand):
    help = "Serve the clinic's pages and visits. Put a TLS proxy in front and set PUBLIC_BASE_URL to its address."
    requires_system_checks: list[str] = []  # the server runs them itself, those of the database included

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine only)")
        parser.add_argument("--port", type=int, default=8000)
        add_roles(parser)
        parser.add_argument("--jobs", action="store_true", help="also keep the worker and the beat running")

    def handle(self, *args: Any, **options: Any) -> None:
        def ready(port: int) -> None:
            if inherited_fd(READY_FD) is None:  # of several processes their supervisor says it, once
                self.stdout.write(f"Listening on {options['host']}:{port}")

        code = serve(options, ready, drains=True, jobs=options["jobs"])
        if code:
            sys.exit(code)


def add_roles(parser: argparse.ArgumentParser) -> None:
    """The options of the roles, for `serve` and `demo`."""
    parser.add_argument("--web", type=int, default=0, help="processes for pages, which share the port")
    parser.add_argument("--rtc", type=int, default=0, help="processes for sockets and media, one port each")
    parser.add_argument("--rtc-port", type=int, default=0, help="port of the first rtc process (default: --port + 1)")
    parser.add_argument("--metrics-port", type=int, default=0, help="process i also answers /metrics at 127.0.0.1:P+i")


def serve(options: dict[str, Any], ready: Any, *, drains: bool, jobs: bool) -> int:
    """Serve as the options say until told to stop, and return the exit code. `ready(port)` is called once all listen.

    `jobs`: the worker and the beat run beside it, and whatever dies is started again.
    """
    from telemed import server

    web, rtc = options["web"], options["rtc"]
    if web < 0 or rtc < 0:
        raise CommandError("--web and --rtc take numbers of processes")
    if not web and not rtc and not jobs:
        return server.run(
            options["host"], options["port"], ready=ready, drains=drains, metrics_port=options["metrics_port"]
        )
    if web + rtc > 1 and not settings.REDIS_URL:
        raise CommandError(NEEDS_REDIS)
    return asyncio.run(_supervise(options, ready, drains=drains, jobs=jobs))


async def _supervise(options: dict[str, Any], ready: Any, *, drains: bool, jobs: bool) -> int:
    from asgiref.sync import sync_to_async

    from telemed import processes, server

    await sync_to_async(server.refuse_to_start)()
    host, port, web, rtc = options["host"], options["port"], options["web"], options["rtc"]
    is_one = not web and not rtc
    try:
        listener = processes.open_listener(host, port) if web or is_one else None
    except OSError as error:
        raise CommandError(f"cannot listen on {host}:{port}: {error.strerror}") from None
    port = listener.getsockname()[1] if listener else port
    manage = settings.BASE_DIR / "manage.py"
    plans = processes.plan_children(
        web=web,
        rtc=rtc,
        host=host,
        rtc_port=options["rtc_port"] or port + 1,
        udp_port=settings.SFU_UDP_PORT,
        metrics_port=options["metrics_port"],
        manage=manage,
    )
    if is_one:
        plans.append(processes.plan_all_in_one(host=host, metrics_port=options["metrics_port"], manage=manage))
    if jobs:
        plans += processes.plan_jobs(settings.BASE_DIR)
    # Where this process prints: the demo's --json keeps its standard output for one line.
    output = sys.stdout.fileno()
    try:
        await processes.Supervisor(plans, listener, drains=drains, output=output).run(lambda: ready(port))
    except processes.DidNotStart as error:
        raise CommandError(f"{error} did not start; it says why above") from None
    return 0
