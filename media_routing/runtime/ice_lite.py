"""The ICE-lite side of connectivity checks (RFC 8445 §2.5, §7.3): answer what is authenticated, ignore the rest.

A check is routed by the first half of its USERNAME, which is our own fragment, and believed only after its
MESSAGE-INTEGRITY was verified with our password. A stranger gets no answer at all: nothing to reflect, nothing stored.
"""

from __future__ import annotations

import secrets
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from aioice import stun

T = TypeVar("T")

HEADER_BYTES = 20
MOST_BYTES = 600  # a browser's check has about 110; nothing longer is one
COOKIE = stun.COOKIE.to_bytes(4, "big")
BINDING_REQUEST = b"\0\1"
BINDING_RESPONSE = b"\1\1"
USERNAME = 0x0006


@dataclass(frozen=True, slots=True)
class Credentials:
    """What one side put into its SDP (RFC 8839 §5.4)."""

    ufrag: str
    password: str


def new_credentials() -> Credentials:
    """48 and 192 bits: the fragment is found by lookup and hides nothing, the password must not be guessed."""
    return Credentials(secrets.token_hex(6), secrets.token_urlsafe(24).replace("-", "+").replace("_", "/"))


@dataclass(frozen=True, slots=True)
class Check(Generic[T]):
    """An authenticated check: whose, whether it nominates, and what to answer."""

    owner: T
    credentials: Credentials
    nominates: bool
    response: bytes


def looks_like_stun(data: bytes) -> bool:
    """RFC 8489 §6.3: long enough, the cookie in place, the length right."""
    return (
        HEADER_BYTES <= len(data) <= MOST_BYTES
        and data[4:8] == COOKIE
        and int.from_bytes(data[2:4], "big") == len(data) - HEADER_BYTES
    )


def read_own_fragment(data: bytes) -> str:
    """The part of USERNAME before the colon, "" when there is none. Only walks attributes: cheap for strangers."""
    at, end = HEADER_BYTES, len(data)
    while at + 4 <= end:
        kind, size = struct.unpack_from("!HH", data, at)
        if kind == USERNAME:
            return data[at + 4 : at + 4 + size].partition(b":")[0].decode("ascii", "replace")
        at += 4 + size + (-size & 3)
    return ""


class Responder(Generic[T]):
    """Who owns which fragment, and the answers to checks. Grows with `add` only, never by what is received."""

    def __init__(self) -> None:
        self._owners: dict[str, tuple[T, Credentials]] = {}
        self.refused = 0
        """Checks with one of our fragments and a wrong or missing integrity."""

    def add(self, credentials: Credentials, owner: T) -> None:
        self._owners[credentials.ufrag] = (owner, credentials)

    def remove(self, credentials: Credentials) -> None:
        self._owners.pop(credentials.ufrag, None)

    def __len__(self) -> int:
        return len(self._owners)

    def check(self, data: bytes, address: Callable[[], tuple[str, int]]) -> Check[T] | None:
        """The check in a datagram that looks like STUN, or None for everything that is not an authenticated one."""
        if data[:2] != BINDING_REQUEST:
            return None
        found = self._owners.get(read_own_fragment(data))
        if found is None:
            return None
        owner, credentials = found
        key = credentials.password.encode()
        try:
            request = stun.parse_message(data)
            authentic = request.check_message_integrity(key)
        except (ValueError, KeyError, IndexError, struct.error):
            authentic = False
        if not authentic:
            self.refused += 1
            return None
        response = stun.Message(stun.Method.BINDING, stun.Class.RESPONSE, request.transaction_id)
        if "ICE-CONTROLLED" in request.attributes:
            # A lite side is never controlling: the peer has to change (RFC 8445 §7.3.1.1).
            response.message_class = stun.Class.ERROR
            response.attributes["ERROR-CODE"] = (487, "Role Conflict")
        else:
            response.attributes["XOR-MAPPED-ADDRESS"] = address()
        response.add_message_integrity(key)
        return Check(owner, credentials, "USE-CANDIDATE" in request.attributes, bytes(response))
