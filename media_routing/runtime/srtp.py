"""SRTP on packets where they lie, through pylibsrtp's own binding (RFC 3711, RFC 7714).

The names of pylibsrtp that are not public (`_binding`, `Session._srtp`) are used here only; a test holds them.

Sessions are made without `allow_repeat_tx`: under GCM, protecting two different packets with the same (SSRC, index)
repeats a nonce and gives the authentication key away. What was sent is never rewritten; repair goes over RTX with its
own SSRC and numbers. RTP and RTCP have sessions of their own, because a session is not safe for two threads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pylibsrtp import Policy, Session
from pylibsrtp._binding import ffi, lib

__all__ = ["OK", "PROFILES", "TRAILER_BYTES", "Keys", "Profile", "Sessions", "lib", "new_length"]

OK: int = lib.srtp_err_status_ok
# SRTCP index, tag, and what libsrtp may write beyond (SRTP_MAX_TRAILER_LEN without MKI).
TRAILER_BYTES = 64
# How far behind the newest a packet may come and still be accepted: RTX and reordering at 2.5 Mbit/s, about 3 s.
WINDOW_PACKETS = 1024


@dataclass(frozen=True, slots=True)
class Profile:
    """A protection profile as DTLS names it (RFC 5764 §4.1.2, RFC 7714 §14.2)."""

    name: bytes
    number: int
    key_bytes: int
    salt_bytes: int
    tag_bytes: int
    """What a protected RTP packet is longer."""


# Best first, and the server's order wins: 128-bit GCM costs half of what SHA-1 does.
PROFILES = (
    Profile(b"SRTP_AEAD_AES_128_GCM", Policy.SRTP_PROFILE_AEAD_AES_128_GCM, 16, 12, 16),
    Profile(b"SRTP_AES128_CM_SHA1_80", Policy.SRTP_PROFILE_AES128_CM_SHA1_80, 16, 14, 10),
)


@dataclass(frozen=True, slots=True, repr=False)
class Keys:
    """Master key and salt, concatenated, of each direction."""

    profile: Profile
    receive: bytes
    send: bytes

    @classmethod
    def from_exporter(cls, profile: Profile, material: bytes, *, server: bool = True) -> Keys:
        """Cut from the DTLS exporter: client key, server key, client salt, server salt (RFC 5764 §4.2)."""
        k, s = profile.key_bytes, profile.salt_bytes
        client = material[:k] + material[2 * k : 2 * k + s]
        own = material[k : 2 * k] + material[2 * k + s : 2 * (k + s)]
        return cls(profile, client, own) if server else cls(profile, own, client)


class Sessions:
    """The four sessions of one peer. The handles point into them: keep this object as long as a handle is used."""

    def __init__(self, keys: Keys) -> None:
        self._kept = [
            _new_session(key, direction, keys.profile.number)
            for key, direction in (
                (keys.receive, Policy.SSRC_ANY_INBOUND),
                (keys.receive, Policy.SSRC_ANY_INBOUND),
                (keys.send, Policy.SSRC_ANY_OUTBOUND),
                (keys.send, Policy.SSRC_ANY_OUTBOUND),
            )
        ]
        handles: list[Any] = [session._srtp[0] for session in self._kept]
        self.unprotect_rtp, self.unprotect_rtcp, self.protect_rtp, self.protect_rtcp = handles


def _new_session(key: bytes, direction: int, profile: int) -> Any:
    policy = Policy(key=key, ssrc_type=direction, srtp_profile=profile)
    policy.allow_repeat_tx = False
    policy.window_size = WINDOW_PACKETS
    return Session(policy)


def new_length() -> Any:
    """An int in C's memory: libsrtp reads a packet's length from it and writes the new one."""
    return ffi.new("int *")
