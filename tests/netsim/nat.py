"""nft rules that make a router what home and hospital routers are. Devices: `lan` inside, `wan` outside.

Linux masquerading keeps the source port and takes any destination: a port-restricted cone (RFC 4787: endpoint-
independent mapping while the port is free, address and port dependent filtering). `random,fully-random` draws a port
per destination: a symmetric NAT, through which no hole can be punched. A full cone adds that a port from which something
has left takes packets from anybody (endpoint-independent filtering).

New packets from outside are dropped on INPUT: otherwise the first probe of the far side makes a connection-tracking
entry of its own, the mapping that the near side wanted is taken, and cone to cone never goes direct.
"""

from typing import Literal

NatKind = Literal["cone", "fullcone", "symmetric"]
Firewall = Literal["open", "no_udp", "only_443"]

MASQUERADE: dict[str, str] = {
    "cone": "masquerade",
    "fullcone": "masquerade",
    "symmetric": "masquerade random,fully-random",
}

FIREWALL: dict[str, str] = {
    "open": "accept",
    "no_udp": "meta l4proto udp drop; accept",
    "only_443": "tcp dport 443 accept; drop",
}


def router_rules(nat: NatKind, firewall: Firewall, host: str) -> str:
    """`host`: the one inside, who gets what a full cone lets in."""
    outgoing = "\n".join(f'        iifname "lan" {rule.strip()}' for rule in FIREWALL[firewall].split(";"))
    return f"""
table ip nat {{
    chain postrouting {{
        type nat hook postrouting priority srcnat
        oifname "wan" {MASQUERADE[nat]}
    }}
}}
{_open_ports(host) if nat == "fullcone" else ""}
table ip filter {{
    chain input {{
        type filter hook input priority filter
        iifname "wan" ct state != established,related drop
    }}
    chain forward {{
        type filter hook forward priority filter; policy drop
        ct state established,related accept
        iifname "wan" ct status dnat accept
{outgoing}
    }}
}}
"""


def _open_ports(host: str) -> str:
    return f"""
table ip cone {{
    set open {{
        type inet_service; flags dynamic, timeout; timeout 5m; size 4096
    }}
    chain notes {{
        type filter hook forward priority filter - 1
        iifname "lan" meta l4proto udp update @open {{ udp sport }}
    }}
    chain lets_in {{
        type nat hook prerouting priority dstnat
        iifname "wan" meta l4proto udp udp dport @open dnat to {host}
    }}
}}
"""


def loss_rules(up_percent: float, down_percent: float, only: str | None) -> str:
    """Random loss per direction; `only` is an outside prefix ("203.0.113.10/32"), None is all.

    100 percent is a cut cable: the routers stay up, nobody is told.
    """
    to, of = (f"ip daddr {only} ", f"ip saddr {only} ") if only else ("", "")
    return f"""
table ip loss
delete table ip loss
table ip loss {{
    chain forward {{
        type filter hook forward priority -300
        iifname "lan" {to}{_drop(up_percent)}
        iifname "wan" {of}{_drop(down_percent)}
    }}
}}
"""


def _drop(percent: float) -> str:
    if percent <= 0:
        return "accept"
    if percent >= 100:
        return "drop"
    return f"numgen random mod 1000 < {round(percent * 10)} drop"
