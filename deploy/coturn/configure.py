#!/usr/bin/env python3
"""Print turnserver.conf for one machine: `configure.py --sfu 10.0.5.20 [--sfu 2001:db8::20] > /etc/turnserver.conf`.

The shipped list denies every private address. The media server may have one: each --sfu adds the exception for exactly
that address (coturn lets an allowed address win over a denied range). Everything else stays denied, other forms of the
same address (v4-mapped, NAT64) included. Give the addresses of SFU_ADVERTISED_ADDRESSES, or those the machine has.
"""

import argparse
import ipaddress
import sys
from pathlib import Path

SHIPPED = Path(__file__).with_name("turnserver.conf")
# The metadata services that the shipped list names; a media server is never there.
_NEVER = {"169.254.169.254", "168.63.129.16", "192.0.0.192", "100.100.100.200"}


def read_address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """Return one unicast address a media server may have; raise ValueError for everything else, ranges and names included."""
    address = ipaddress.ip_address(text)
    wrapped = isinstance(address, ipaddress.IPv6Address) and (
        address.ipv4_mapped or address.sixtofour or address.teredo or address in ipaddress.ip_network("64:ff9b::/96")
    )
    if wrapped or address.is_loopback or address.is_unspecified or address.is_multicast or address.is_link_local:
        raise ValueError(f"{text} is no address of a media server")
    if text in _NEVER or (address.version == 4 and address in ipaddress.ip_network("240.0.0.0/4")):
        raise ValueError(f"{text} is no address of a media server")
    return address


def make_config(shipped: str, sfu: list[str]) -> str:
    """Return the shipped configuration with the exceptions. Raises ValueError."""
    lines = [
        "",
        "# --- The media server (SEC-8): the only exceptions ------------------------------------------------------",
    ]
    lines += [f"allowed-peer-ip={address}" for address in dict.fromkeys(map(read_address, sfu))]
    return shipped.rstrip("\n") + "\n" + "\n".join(lines) + "\n" if sfu else shipped


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sfu", action="append", default=[], metavar="ADDRESS", help="repeat for IPv4 and IPv6")
    try:
        sys.stdout.write(make_config(SHIPPED.read_text(), parser.parse_args().sfu))
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
