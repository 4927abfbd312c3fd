#!/usr/bin/env python3
"""Start coturn only if its version and its configuration are right: `check.py /etc/turnserver.conf --start`.

coturn itself skips lines that it cannot read and starts: with "denied-peer-ip=10.0.0.0/8" it would relay into the clinic.
Debian's 4.6.1 is refused, too; docs/OPERATIONS.md says what it misses. Who has read that may `--accept 4.6.1`.
"""

import argparse
import ipaddress
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from configure import SHIPPED, read_address

FLOOR = (4, 17, 1)
# Special-purpose registries (RFC 6890 and its successors) and the host agent of one cloud. All must lie in the list.
MUST_DENY = """
0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 168.63.129.16/32 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24
192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4
::1-::ffff:ffff ::ffff:0:0/96 ::ffff:0:0:0/96 64:ff9b::/96 64:ff9b:1::/48 100::/64 2001::/23 2001:db8::/32 2002::/16
3fff::/20 4000::/2 8000::/1
""".split()
FORBIDDEN = {
    "no-auth": "everybody could relay",
    "allow-loopback-peers": "peers could be this machine itself",
    "user": "an account that never expires",
    "cli-password": "a console",
    "web-admin": "a console",
}
# What is set on the machine, beside the shipped lines.
OF_THE_MACHINE = """
realm static-auth-secret listening-ip relay-ip external-ip cert pkey dh-file tls-listening-port min-port max-port userdb
pidfile proc-user proc-group verbose allowed-peer-ip relay-threads prometheus syslog keep-address-family
""".split()
REQUIRED = (
    "use-auth-secret static-auth-secret realm no-multicast-peers no-tcp-relay no-dtls no-tlsv1 no-tlsv1_1 no-cli "
    "no-software-attribute no-dynamic-ip-list no-dynamic-realms user-quota total-quota"
).split()
Range = tuple[int, int, int]


def options_of(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        bare = line.strip()
        if bare and not bare.startswith("#"):
            name, _, value = bare.partition("=")
            yield name.strip(), value.strip()


def range_of(text: str) -> Range:
    """Return (version, first, last) of "address" or "first-last"; raise ValueError for whatever coturn would not obey."""
    first, _, last = text.partition("-")
    low = ipaddress.ip_address(first)
    high = ipaddress.ip_address(last) if last else low
    if low.version != high.version or int(low) > int(high):
        raise ValueError(f"{text} is no range")
    if low.version == 6 and int(low) == 0 and last:
        raise ValueError(f"{text}: coturn reads a range from :: as every IPv4 address, too; begin at ::1")
    return low.version, int(low), int(high)


def problems_of(text: str) -> list[str]:
    """Return what is wrong with a configuration, a sentence each."""
    options = list(options_of(text))
    names = {name for name, _ in options}
    known = {name for name, _ in options_of(SHIPPED.read_text())} | set(OF_THE_MACHINE) | set(FORBIDDEN)
    unknown = sorted(names - known)
    problems = [f"{name}: not an option that this check knows; coturn skips what it does not know" for name in unknown]
    problems += [f"{name}: {why}" for name, why in FORBIDDEN.items() if name in names]
    problems += [f"{name} is missing" for name in REQUIRED if name not in names]
    denied = []
    for name, value in options:
        try:
            if name == "denied-peer-ip":
                denied.append(range_of(value))
            elif name == "allowed-peer-ip":
                read_address(value)
        except ValueError as error:
            problems.append(f"{name}={value}: {error}")
    return problems + [f"{wanted} is not denied" for wanted in MUST_DENY if not is_denied(wanted, denied)]


def is_denied(wanted: str, denied: Iterable[Range]) -> bool:
    """Return whether the ranges of the list together cover a network or a range."""
    if "/" in wanted:
        network = ipaddress.ip_network(wanted)
        wanted = f"{network[0]}-{network[-1]}"
    family, at, end = range_of(wanted)
    for version, low, high in sorted(denied):
        if version == family and low <= at <= high:
            at = high + 1
    return at > end


def version_problem(printed: str, accepted: str = "") -> str:
    """Return what is wrong with the version that `turnserver --version` printed, '' when it will do."""
    found = re.search(r"(\d+)\.(\d+)\.(\d+)", printed)
    if not found:
        return "turnserver does not say which version it is"
    if tuple(map(int, found.groups())) >= FLOOR or found.group() == accepted:
        return ""
    return f"coturn {found.group()} is older than {'.'.join(map(str, FLOOR))}; see docs/OPERATIONS.md, TURN"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", type=Path)
    parser.add_argument("--turnserver", default="turnserver", help="the program (default: the one in PATH)")
    parser.add_argument("--accept", default="", metavar="VERSION", help="exactly this older version")
    parser.add_argument("--start", action="store_true", help="become coturn when all is well")
    chosen = parser.parse_args()
    said = subprocess.run([chosen.turnserver, "--version"], capture_output=True, text=True, timeout=20, check=False)
    problems = problems_of(chosen.config.read_text())
    if older := version_problem(said.stdout, chosen.accept):
        problems.append(older)
    for problem in problems:
        sys.stderr.write(f"{chosen.config}: {problem}\n")
    if problems:
        return 1
    if chosen.start:
        os.execvp(chosen.turnserver, [chosen.turnserver, "-c", str(chosen.config)])  # noqa: S606  systemd watches this process
    return 0


if __name__ == "__main__":
    sys.exit(main())
