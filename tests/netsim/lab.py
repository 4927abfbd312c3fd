"""Two (or more) sites behind routers of their own, and a public network with a relay and a web server.

    site a  10.1.0.2 ── lan│router│wan 198.51.100.2 ──┐
                                                      ├── public: relay 203.0.113.10, web 203.0.113.20
    site b  10.2.0.2 ── lan│router│wan 198.51.100.6 ──┘            └── default route to a sink that says nothing

All addresses are documentation prefixes inside namespaces: nothing here can reach a real network.

    with Lab(a=SiteSpec("cone"), b=SiteSpec("symmetric")) as lab:
        executable = lab.site("a").browser_executable("/usr/bin/chromium")
"""

import contextlib
import itertools
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from tests.netsim.namespace import Namespace, connect, sweep
from tests.netsim.nat import Firewall, NatKind, loss_rules, router_rules
from tests.netsim.relay import Relay, configured, write_certificate
from tests.netsim.slow_wire import SlowWire

RELAY_HOST = "203.0.113.10"
RELAY_HOST6 = "2001:db8:f::10"
WEB_HOST = "203.0.113.20"
SINK_GATEWAY = "192.0.2.1"
# What the relay may reach here although the deployed configuration forbids it: WAN sides and its own address.
LAB_PREFIXES = [
    "198.51.100.0-198.51.100.255",
    "203.0.113.128-203.0.113.255",
    f"{RELAY_HOST}-{RELAY_HOST}",
    f"{RELAY_HOST6}-{RELAY_HOST6}",
]
MOST_MOVES = 32
# One packet, or 10 ms: a line has no bucket, and one of 16 kB would give 250 kbit/s half a second for nothing.
_BURST_BYTES = 1600
_numbers = itertools.count()


@dataclass(frozen=True)
class SiteSpec:
    """`far`: the cable to the router is a `SlowWire`, to be delayed and to tell which RTP packet it lost."""

    nat: NatKind = "cone"
    firewall: Firewall = "open"
    far: bool = False


class Site:
    """One person's network: a host behind a router, to be cut, slowed and moved while a call runs."""

    def __init__(self, name: str, number: int, spec: SiteSpec, lab: "Lab") -> None:
        self.name = name
        self._lab = lab
        self.host = lab.namespace(f"{name}")
        self.router = lab.namespace(f"{name}-router")
        self.address = f"10.{number}.0.2"
        self.wan_address = f"198.51.100.{4 * number - 2}"
        self._gateway = f"198.51.100.{4 * number - 3}"
        self.wire: SlowWire | None = None
        if spec.far:
            self.wire = lab.wire((self.host, "eth0"), (self.router, "lan"), f"{name}-wire.log")
        else:
            connect(self.host, "eth0", self.router, "lan")
        connect(self.router, "wan", lab.public, f"to-{name}")
        self.host.run("ip", "address", "add", f"{self.address}/24", "dev", "eth0")
        self.router.run("ip", "address", "add", f"10.{number}.0.1/24", "dev", "lan")
        self.router.run("ip", "address", "add", f"{self.wan_address}/30", "dev", "wan")
        lab.public.run("ip", "address", "add", f"{self._gateway}/30", "dev", f"to-{name}")
        self.host.run("ip", "route", "add", "default", "via", f"10.{number}.0.1", "dev", "eth0")
        self.router.run("ip", "route", "add", "default", "via", self._gateway)
        self.router.sysctl("net/ipv4/ip_forward", "1")
        self.router.nft(router_rules(spec.nat, spec.firewall, self.address))

    def browser_executable(self, program: str = "/usr/bin/chromium") -> str:
        """Path of a wrapper that starts the program inside this site (for Playwright's executable_path)."""
        wrapper = self._lab.directory / f"{self.name}-{Path(program).name}"
        wrapper.write_text(f'#!/bin/sh\nexec ip netns exec {self.host.name} {program} "$@"\n')
        wrapper.chmod(0o755)
        return str(wrapper)

    def cut(self) -> None:
        """The cable is out: packets vanish both ways, nobody is told."""
        self.lose(100, 100)

    def restore(self) -> None:
        """Ends cut, loss and rate."""
        self.router.nft("table ip loss\ndelete table ip loss\n")
        for device in ("lan", "wan"):
            subprocess.run(
                ["ip", "netns", "exec", self.router.name, "tc", "qdisc", "del", "dev", device, "root"],
                check=False,
                capture_output=True,
            )

    def lose(self, up_percent: float, down_percent: float, *, only: str | None = None) -> None:
        """Random loss; `only` limits it to one outside prefix, so that one path is bad and another clean."""
        self.router.nft(loss_rules(up_percent, down_percent, only))

    def limit(self, up_bps: int, down_bps: int, *, queue_ms: int = 200) -> None:
        """Rate per direction with a queue of that depth, as a slow line has."""
        for device, rate_bps in (("wan", up_bps), ("lan", down_bps)):
            self.router.run(
                *("tc", "qdisc", "replace", "dev", device, "root", "tbf"),
                *("rate", f"{rate_bps}bit", "burst", str(max(_BURST_BYTES, rate_bps // 800))),
                *("latency", f"{queue_ms}ms"),
            )

    def move(self) -> None:
        """A WAN address that nobody had in this lab: every mapping of the old one is forgotten, what is sent there vanishes."""
        moved, gateway = self._lab.fresh_addresses()
        device = f"to-{self.name}"
        self._lab.public.run("ip", "address", "add", f"{gateway}/30", "dev", device)
        self.router.run("ip", "address", "del", f"{self.wan_address}/30", "dev", "wan")
        self.router.run("ip", "address", "add", f"{moved}/30", "dev", "wan")
        self.router.run("ip", "route", "replace", "default", "via", gateway)
        self._lab.public.run("ip", "address", "del", f"{self._gateway}/30", "dev", device)
        self.wan_address, self._gateway = moved, gateway


class Lab:
    """The whole network; a context manager. Keyword arguments name the sites. `media_server`: an address that the relay
    is configured to reach, as deploy/coturn/configure.py does."""

    def __init__(self, *, relay: bool = True, media_server: str = "", **sites: SiteSpec) -> None:
        self._media_server = media_server
        self._specs = sites or {"a": SiteSpec(), "b": SiteSpec()}
        self._with_relay = relay
        self._stack = contextlib.ExitStack()
        self._moves = itertools.count()
        self._tag = f"lab{os.getpid()}-{next(_numbers)}{secrets.token_hex(2)}"

    def __enter__(self) -> "Lab":
        sweep()
        with contextlib.ExitStack() as stack:
            self._stack = stack
            self._build(stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def _build(self, stack: contextlib.ExitStack) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix=f"{self._tag}-"))
        stack.callback(shutil.rmtree, self.directory, ignore_errors=True)
        self.public = self.namespace("public", ipv6=True)
        self.public.sysctl("net/ipv4/ip_forward", "1")
        for host in (RELAY_HOST, WEB_HOST):
            self.public.run("ip", "address", "add", f"{host}/32", "dev", "lo")
        self.public.run("ip", "address", "add", f"{RELAY_HOST6}/128", "dev", "lo", "nodad")
        self._add_sink()
        self._sites = {
            name: Site(name, number, spec, self) for number, (name, spec) in enumerate(self._specs.items(), start=1)
        }
        self.web_host = WEB_HOST
        self.web_certificate, self.web_key = write_certificate(self.directory, [WEB_HOST])
        if self._with_relay:
            deployed = configured(self._media_server) if self._media_server else ""
            self.relay = Relay(self.public, RELAY_HOST, RELAY_HOST6, LAB_PREFIXES, self.directory, deployed)
            stack.callback(self.relay.close)

    def _add_sink(self) -> None:
        """Packets to addresses that do not exist must vanish: an unreachable error kills coturn's relay sockets."""
        sink = self.namespace("sink")
        connect(self.public, "to-sink", sink, "eth0")
        self.public.run("ip", "address", "add", f"{SINK_GATEWAY}/30", "dev", "to-sink")
        sink.run("ip", "address", "add", "192.0.2.2/30", "dev", "eth0")
        sink.nft("table ip filter {\n chain input { type filter hook input priority 0; policy drop; }\n}\n")
        self.public.run("ip", "route", "add", "default", "via", "192.0.2.2")

    def namespace(self, suffix: str, *, ipv6: bool = False) -> Namespace:
        made = Namespace(f"{self._tag}-{suffix}", ipv6=ipv6)
        self._stack.callback(made.close)
        return made

    def wire(self, first: tuple[Namespace, str], second: tuple[Namespace, str], log: str) -> SlowWire:
        made = SlowWire(first, second, self.directory / log)
        self._stack.callback(made.close)
        return made

    def site(self, name: str) -> Site:
        return self._sites[name]

    def fresh_addresses(self) -> tuple[str, str]:
        """(address, gateway) for a site that moves. Two would not do: back at the first, old candidates work again."""
        number = next(self._moves)
        assert number < MOST_MOVES, "the prefix for moves is used up"
        return f"203.0.113.{130 + 4 * number}", f"203.0.113.{129 + 4 * number}"

    def public_socket(self) -> socket.socket:
        return self.public.socket(socket.SOCK_DGRAM)
