"""A Linux network namespace: made, entered, swept away.

Names carry the pid of the process that made them, so several runs never meet and the next run removes what a
killed one left behind.
"""

import contextlib
import ctypes
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

CLONE_NEWNET = 0x40000000
NAME = re.compile(r"^lab(\d+)-")
_libc = ctypes.CDLL(None, use_errno=True)


class Namespace:
    """One namespace with its loopback up and its IPv6 off (unless asked for)."""

    def __init__(self, name: str, *, ipv6: bool = False) -> None:
        self.name = name
        ip("netns", "add", name)
        self.run("ip", "link", "set", "lo", "up")
        if not ipv6:
            self.sysctl("net/ipv6/conf/all/disable_ipv6", "1")

    def run(self, *command: str, stdin: str | None = None) -> str:
        """stdout of a command inside; raises CalledProcessError with its stderr as a note."""
        return call(["ip", "netns", "exec", self.name, *command], stdin)

    def popen(self, command: Sequence[str], **options: object) -> subprocess.Popen:
        """A process inside, in a session of its own; it dies with `close` at the latest."""
        return subprocess.Popen(  # type: ignore[call-overload]
            ["ip", "netns", "exec", self.name, *command], start_new_session=True, **options
        )

    def sysctl(self, key: str, value: str) -> None:
        with self.entered():
            Path("/proc/sys", key).write_text(value)

    def nft(self, ruleset: str) -> None:
        self.run("nft", "-f", "-", stdin=ruleset)

    @contextlib.contextmanager
    def entered(self) -> Iterator[None]:
        """Sockets that this thread makes meanwhile live inside, also after it left."""
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        there = os.open(f"/run/netns/{self.name}", os.O_RDONLY)
        try:
            _setns(there)
            yield
        finally:
            _setns(home)
            os.close(home)
            os.close(there)

    def socket(self, kind: socket.SocketKind, family: socket.AddressFamily = socket.AF_INET) -> socket.socket:
        with self.entered():
            return socket.socket(family, kind)

    def close(self) -> None:
        remove(self.name)


def ip(*arguments: str) -> str:
    return call(["ip", *arguments])


def call(command: list[str], stdin: str | None = None) -> str:
    try:
        return subprocess.run(command, input=stdin, check=True, capture_output=True, text=True).stdout
    except subprocess.CalledProcessError as error:
        error.add_note(f"{error.stderr.strip()}\n{stdin or ''}")
        raise


def connect(a: Namespace, a_device: str, b: Namespace, b_device: str) -> None:
    """A cable (veth) between two namespaces, both ends up. Packets travel one by one, as on any wire: a sender's
    segmentation offload would otherwise carry ten of them as one, to be lost or limited as one."""
    ip("link", "add", a_device, "netns", a.name, "type", "veth", "peer", "name", b_device, "netns", b.name)
    for namespace, device in ((a, a_device), (b, b_device)):
        namespace.run("ip", "link", "set", device, "up", "gso_max_segs", "1")


def remove(name: str) -> None:
    """Ends every process inside and deletes the namespace; quiet when it is gone."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        if not (pids := _pids(name)):
            break
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, sign)
        deadline = time.monotonic() + 2
        while _pids(name) and time.monotonic() < deadline:
            time.sleep(0.02)
    subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)


def sweep() -> list[str]:
    """Removes the namespaces of processes that are gone; returns their names."""
    swept = []
    for line in ip("netns", "list").splitlines():
        name = line.split()[0]
        if (match := NAME.match(name)) and not Path("/proc", match[1]).exists():
            remove(name)
            swept.append(name)
    return swept


def _pids(name: str) -> list[int]:
    listed = subprocess.run(["ip", "netns", "pids", name], check=False, capture_output=True, text=True).stdout
    return [pid for pid in map(int, listed.split()) if pid != os.getpid()]


def _setns(descriptor: int) -> None:
    if _libc.setns(descriptor, CLONE_NEWNET) != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
