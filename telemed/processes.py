"""`manage.py serve --web N --rtc M --jobs`, `manage.py demo`: one supervisor and what it keeps running.

    supervisor ─┬─ web 0..N-1   pages; all accept from one listening socket, which the supervisor opened and keeps
                ├─ rtc 0..M-1   WebSockets and media; rtc k listens on TCP rtc_port+k and UDP SFU_UDP_PORT+k
                ├─ all          instead of both: the one process that does everything
                └─ worker, beat the jobs (telemed/celery.py), where they are asked for

Three pipes of inherited numbers tie a child to it: the listening socket, `ready` (a byte once it listens) and `lifeline`,
whose end means that the supervisor is gone, however it died. A dead child is started again, later each time.
SIGTERM drains: rtc processes first, and the pages stay until the last call is over. SIGINT, or a second SIGTERM, ends.
"""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

logger = logging.getLogger(__name__)

READY_WITHIN_S = 60.0
STOP_WITHIN_S = 10.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 30.0
# A child that ran this long did not die of the start.
STEADY_AFTER_S = 60.0

SHARED_FD, READY_FD, LIFELINE_FD = "TELEMED_SHARED_FD", "TELEMED_READY_FD", "TELEMED_LIFELINE_FD"


class DidNotStart(RuntimeError):
    """A process ended before it was ready for the first time; it has said why on standard error."""


@dataclass(frozen=True)
class Plan:
    """One child. `environment` is added to the supervisor's own."""

    role: Literal["web", "rtc", "all", "worker", "beat"]
    number: int
    command: Sequence[str]
    environment: Mapping[str, str]
    shares_socket: bool = False

    def __str__(self) -> str:
        return f"{self.role} {self.number}" if self.role in {"web", "rtc"} else self.role

    @property
    def is_job(self) -> bool:
        """Nobody waits for it: pages and visits go on without."""
        return self.role in {"worker", "beat"}


@dataclass
class _Child:
    plan: Plan
    process: asyncio.subprocess.Process | None = None
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    failed: bool = False
    task: asyncio.Task[None] | None = None


def plan_children(
    *, web: int, rtc: int, host: str, rtc_port: int, udp_port: int, metrics_port: int, manage: Path
) -> list[Plan]:
    """Return the children, rtc first: pages name the addresses of those that are there."""
    command = [sys.executable, str(manage), "serve", "--host", host]

    def metrics(at: int) -> list[str]:
        return ["--metrics-port", str(metrics_port + at)] if metrics_port else []

    plans = []
    for number in range(rtc):
        environment = {
            "TELEMED_PROCESS_ROLE": "rtc",
            "TELEMED_PROCESS_NUMBER": str(number),
            "TELEMED_PROCESS_PORT": str(rtc_port + number),
            "SFU_UDP_PORT": str(udp_port + number if udp_port else 0),
        }
        words = [*command, "--port", str(rtc_port + number), *metrics(web + number)]
        plans.append(Plan("rtc", number, words, environment))
    for number in range(web):
        environment = {"TELEMED_PROCESS_ROLE": "web", "TELEMED_PROCESS_NUMBER": str(number)}
        plans.append(Plan("web", number, [*command, *metrics(number)], environment, shares_socket=True))
    return plans


def plan_all_in_one(*, host: str, metrics_port: int, manage: Path) -> Plan:
    """Return the one process that does everything, on the supervisor's socket."""
    metrics = ["--metrics-port", str(metrics_port)] if metrics_port else []
    command = [sys.executable, str(manage), "serve", "--host", host, *metrics]
    return Plan("all", 0, command, {}, shares_socket=True)


def plan_jobs(directory: Path) -> list[Plan]:
    """Return the worker and the beat, which are two processes: a worker that is killed would leave its own beat behind."""
    command = [sys.executable, "-m", "celery", "--workdir", str(directory), "-A", "telemed.celery"]
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    return [
        # Two at a time: a long film keeps no message waiting.
        Plan("worker", 0, [*command, "worker", "--loglevel", "WARNING", "--concurrency", "2", *quiet], {}),
        Plan("beat", 0, [*command, "beat", "--loglevel", "WARNING", "--pidfile", ""], {}),
    ]


def open_listener(host: str, port: int) -> socket.socket:
    """Return a listening socket for several processes. Raises OSError."""
    family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    listener = socket.socket(family, kind)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(address)
    listener.listen(1024)
    listener.setblocking(False)
    return listener


class Supervisor:
    """Runs the plans until told to stop."""

    def __init__(
        self, plans: Sequence[Plan], listener: socket.socket | None, *, drains: bool, output: int | None = None
    ) -> None:
        """`output`: where the children's standard output goes; None: to that of this process."""
        self._drains, self._output = drains, output
        self._children = [_Child(plan) for plan in plans]
        self._listener = listener
        self._lifeline, self._lifeline_end = os.pipe()
        self._stopping = asyncio.Event()
        self._hurry = asyncio.Event()

    async def run(self, ready: Callable[[], None]) -> None:
        """Start all, call `ready`, keep them running; return when they have ended. Raises DidNotStart."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self.stop)
        loop.add_signal_handler(signal.SIGINT, self.hurry)
        try:
            for role in ("rtc", "web", "all"):
                await self._start_all(role)
            if not self._stopping.is_set():
                ready()
                self._start_jobs()
            await self._stopping.wait()
            if not self._hurry.is_set():
                await self._stop_in_order()
        finally:
            self.hurry()
            await self._end(self._children)
            os.close(self._lifeline)
            os.close(self._lifeline_end)

    def stop(self) -> None:
        """Drain and end; said twice: end."""
        if self._stopping.is_set() or not self._drains:
            self._hurry.set()
        self._stopping.set()

    def hurry(self) -> None:
        self._stopping.set()
        self._hurry.set()

    async def _start_all(self, role: str) -> None:
        starting = [child for child in self._children if child.plan.role == role]
        for child in starting:
            child.task = asyncio.create_task(self._keep_running(child))
        for child in starting:
            await _first([child.ready.wait(), self._stopping.wait()], within_s=READY_WITHIN_S)
            if not self._stopping.is_set() and (child.failed or not child.ready.is_set()):
                raise DidNotStart(str(child.plan))

    def _start_jobs(self) -> None:
        for child in self._children:
            if child.plan.is_job:
                child.task = asyncio.create_task(self._keep_running(child))

    async def _keep_running(self, child: _Child) -> None:
        pause_s = FIRST_PAUSE_S
        while not self._stopping.is_set():
            started_s = time.monotonic()
            code = await self._run_once(child)
            if self._stopping.is_set():
                return
            if not child.ready.is_set() and not child.plan.is_job:
                child.failed = True
                child.ready.set()
                return
            if time.monotonic() - started_s > STEADY_AFTER_S:
                pause_s = FIRST_PAUSE_S
            logger.error("%s ended with %s and is started again in %.1f s", child.plan, code, pause_s)
            await _first([self._stopping.wait()], within_s=pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    async def _run_once(self, child: _Child) -> int:
        ready, ready_end = os.pipe()
        inherited = {READY_FD: ready_end, LIFELINE_FD: self._lifeline}
        if child.plan.shares_socket and self._listener is not None:
            inherited[SHARED_FD] = self._listener.fileno()
        numbers = {name: str(number) for name, number in inherited.items()}
        try:
            child.process = await asyncio.create_subprocess_exec(
                *child.plan.command,
                env={**os.environ, **child.plan.environment, **numbers},
                pass_fds=list(inherited.values()),
                stdout=self._output,
                # Signals of a terminal reach the supervisor alone, which passes them on in order.
                start_new_session=True,
            )
        finally:
            os.close(ready_end)
        loop = asyncio.get_running_loop()

        def heard() -> None:
            loop.remove_reader(ready)
            if os.read(ready, 1):
                child.ready.set()

        loop.add_reader(ready, heard)
        try:
            return await child.process.wait()
        finally:
            loop.remove_reader(ready)
            os.close(ready)

    async def _stop_in_order(self) -> None:
        for roles in ({"rtc"}, {"web", "all"}, {"worker", "beat"}):
            children = [child for child in self._children if child.plan.role in roles]
            _signal(children, signal.SIGTERM)
            ended = asyncio.gather(*(child.task for child in children if child.task))
            await _first([asyncio.shield(ended), self._hurry.wait()])

    async def _end(self, children: Sequence[_Child]) -> None:
        _signal(children, signal.SIGINT)
        tasks = [child.task for child in children if child.task]
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=STOP_WITHIN_S)
            if late:
                _signal(children, signal.SIGKILL)
                await asyncio.wait(late)


def _signal(children: Sequence[_Child], number: signal.Signals) -> None:
    for child in children:
        if child.process is not None and child.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                child.process.send_signal(number)


async def _first(waiting: Sequence[object], *, within_s: float | None = None) -> None:
    """Wait until one of them is done or the time is over; the others are cancelled."""
    tasks = [asyncio.ensure_future(one) for one in waiting]  # type: ignore[call-overload]
    await asyncio.wait(tasks, timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()


def end_when_orphaned() -> None:
    """For a child without an event loop of its own: end as on SIGTERM when the supervisor is gone, however it died."""
    lifeline = inherited_fd(LIFELINE_FD)
    if lifeline is None:
        return

    def watch() -> None:
        os.read(lifeline, 1)  # nobody writes: it returns when the other end is closed
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(STOP_WITHIN_S)  # it may have come before anybody listened to signals
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, name="lifeline", daemon=True).start()


def inherited_fd(name: str) -> int | None:
    """Return the number of what the supervisor passed to this process, None outside it."""
    value = os.environ.get(name, "")
    return int(value) if value else None
