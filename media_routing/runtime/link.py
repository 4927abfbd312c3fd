"""One peer connection as the port sees it: its addresses, its keys, its limits, when it was last heard."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any

from media_routing.runtime.datagrams import Address, Datagrams
from media_routing.runtime.dtls import Handshake
from media_routing.runtime.ice_lite import Credentials
from media_routing.runtime.srtp import Keys, Sessions
from media_routing.runtime.terms import Listener

if TYPE_CHECKING:
    from media_routing.runtime.negotiation import Negotiation
    from media_routing.sfu.leg import Leg
    from media_routing.sfu.room import Room

# Addresses that one peer may have validated at once: its networks times IPv4, IPv6 and relays.
MOST_ADDRESSES = 8
# Streams one peer may send: three layers, a screen, a microphone and their repair, twice over for encoder restarts.
MOST_SSRCS = 32
# A selected address that was not heard for this long loses to any other that is validated meanwhile.
STALE_ADDRESS_S = 3.0
# An address keeps belonging to its peer for this long after its last authenticated check (browsers: every 2.5 to 5 s).
OWNED_S = 15.0

# SEC-13, per leg. A publisher of three layers and a screen at their highest rates sends about 800 packets and
# 6 Mbit/s; feedback for eight people another 100. Twice that, and one second of it at once.
PACKETS_PER_S = 2_000
BYTES_PER_S = 2_000_000
CHECKS_PER_S = 50


class State(enum.Enum):
    NEW = "new"
    CONNECTED = "connected"
    CLOSED = "closed"


NEXT = {State.NEW: {State.CONNECTED, State.CLOSED}, State.CONNECTED: {State.CLOSED}, State.CLOSED: set()}


class Link:
    """Made by the service for each join; a `Destination` of datagrams. Hot fields are plain attributes on purpose."""

    def __init__(
        self,
        participant: str,
        connection: str,
        listener: Listener,
        credentials: Credentials,
        remote_ufrag: str,
        now: float,
    ) -> None:
        self.participant = participant
        self.connection = connection
        self.listener = listener
        self.credentials = [credentials]
        """Ours, newest first; an ICE restart adds one and the first nomination with it drops the older."""
        self.remote_ufrag = remote_ufrag
        self.state = State.NEW
        self.began = now
        self.handshake: Handshake | None = None
        self.negotiation: Negotiation | None = None
        self.leg: Leg | None = None
        self.room: Room | None = None
        # Where to: `name` and `queue` make it a Destination.
        self.addresses: dict[Address, float] = {}
        self.selected: Address | None = None
        self.name: Any = None
        self._name_memory: object = None
        self.queue: list[int] = []
        # Keys: None until DTLS is through, so nothing is protected or believed before (SEC-2).
        self._sessions: Sessions | None = None
        self.unprotect_rtp: Any = None
        self.unprotect_rtcp: Any = None
        self.protect_rtp: Any = None
        self.protect_rtcp: Any = None
        self.tag_bytes = 0
        # What it may still do before the next refill, and what it did.
        self.packets_left: float = PACKETS_PER_S
        self.bytes_left: float = BYTES_PER_S
        self.checks_left: float = CHECKS_PER_S
        self.ssrcs: set[int] = set()
        self.heard = now
        self.lost = False
        self.received_packets = self.received_bytes = 0
        self.sent_packets = self.sent_bytes = 0
        self.limited_packets = self.unauthentic_packets = 0

    def move(self, state: State) -> None:
        if state not in NEXT[self.state]:
            raise ValueError(f"{self.state.value} -> {state.value}")
        self.state = state

    def open(self, keys: Keys) -> None:
        """The peer is who its offer said: media may flow."""
        self.move(State.CONNECTED)
        sessions = Sessions(keys)
        self.tag_bytes = keys.profile.tag_bytes
        self._sessions = sessions
        self.unprotect_rtp, self.unprotect_rtcp = sessions.unprotect_rtp, sessions.unprotect_rtcp
        self.protect_rtp, self.protect_rtcp = sessions.protect_rtp, sessions.protect_rtcp

    def shut(self) -> None:
        """Nothing is sent or believed any more; the keys are forgotten."""
        self.move(State.CLOSED)
        self.unprotect_rtp = self.unprotect_rtcp = self.protect_rtp = self.protect_rtcp = None
        self._sessions = None
        self.room = self.leg = None

    def validate(self, address: Address, *, nominated: bool, io: Datagrams, now: float) -> Address | None:
        """An authenticated check came from `address`. Returns an address that had to give way to it, if any."""
        before = self.addresses.get(self.selected, 0.0)
        self.addresses[address] = now
        self.heard = now
        stale = self.selected is None or now - before > STALE_ADDRESS_S
        if address != self.selected and (nominated or stale):
            self.selected = address
            self.name, self._name_memory = io.make_name(address)
        if len(self.addresses) <= MOST_ADDRESSES:
            return None
        oldest = min((a for a in self.addresses if a != self.selected), key=self.addresses.__getitem__)
        del self.addresses[oldest]
        return oldest

    def owns(self, address: Address, now: float) -> bool:
        """Whether `address` is still this peer's: nobody else may claim it meanwhile."""
        return self.state is not State.CLOSED and now - self.addresses.get(address, -OWNED_S) < OWNED_S

    def refill(self, seconds: float) -> None:
        """`seconds` have passed: allowances grow, to one second's worth at most."""
        self.packets_left = min(PACKETS_PER_S, max(self.packets_left, 0) + PACKETS_PER_S * seconds)
        self.bytes_left = min(BYTES_PER_S, max(self.bytes_left, 0) + BYTES_PER_S * seconds)
        self.checks_left = min(CHECKS_PER_S, max(self.checks_left, 0) + CHECKS_PER_S * seconds)
