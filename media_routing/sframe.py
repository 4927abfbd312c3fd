"""SFrame (RFC 9605) with AES_128_GCM_SHA256_128: the twin of static/js/lib/{sframe,frame_crypto}.js.

Pure: the cipher is an argument, so that this module needs nothing but the standard library.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, Protocol

FrameKind = Literal["audio", "video"]

CIPHER_SUITE: Final = 4  # RFC 9605 §8.1
KEY_BYTES: Final = 16
SALT_BYTES: Final = 12
TAG_BYTES: Final = 16
MAX_INTEGER: Final = 2**53 - 1  # the browsers' side counts in JavaScript numbers

# RFC 6386 §9.1: the frame tag; a key frame adds start code and dimensions. RFC 6716 §3.1: the TOC byte.
CLEAR_KEY_FRAME: Final = 10
CLEAR_DELTA_FRAME: Final = 3
CLEAR_AUDIO: Final = 1


class SFrameError(ValueError):
    """Not a frame that this key sealed. The only exception of this module for bytes from outside."""


class Aead(Protocol):
    """AES-GCM as `cryptography` has it; `decrypt` raises any exception for a wrong tag."""

    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes: ...

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes: ...


@dataclass(frozen=True, slots=True)
class FrameKey:
    id: int
    aead: Aead
    salt: bytes

    def nonce(self, counter: int) -> bytes:
        """RFC 9605 §4.4.3."""
        return (int.from_bytes(self.salt) ^ counter).to_bytes(SALT_BYTES)


@dataclass(frozen=True, slots=True)
class Opened:
    frame: bytes
    key_id: int
    counter: int


def encode_header(key_id: int, counter: int) -> bytes:
    """RFC 9605 §4.3."""
    if not (0 <= key_id <= MAX_INTEGER and 0 <= counter <= MAX_INTEGER):
        raise ValueError("key id and counter are integers below 2^53")
    key_bytes = b"" if key_id < 8 else _minimal(key_id)
    counter_bytes = b"" if counter < 8 else _minimal(counter)
    k = 0x80 | (len(key_bytes) - 1) << 4 if key_bytes else key_id << 4
    c = 0x08 | (len(counter_bytes) - 1) if counter_bytes else counter
    return bytes((k | c,)) + key_bytes + counter_bytes


def decode_header(data: bytes) -> tuple[int, int, int]:
    """Return (key id, counter, size of the header in bytes)."""
    if not data:
        raise SFrameError("no header")
    config = data[0]
    key_size = (config >> 4 & 7) + 1 if config & 0x80 else 0
    counter_size = (config & 7) + 1 if config & 0x08 else 0
    size = 1 + key_size + counter_size
    if len(data) < size:
        raise SFrameError("the header is cut short")
    key_id = int.from_bytes(data[1 : 1 + key_size]) if key_size else config >> 4 & 7
    counter = int.from_bytes(data[1 + key_size : size]) if counter_size else config & 7
    if key_id > MAX_INTEGER or counter > MAX_INTEGER:
        raise SFrameError("more than 2^53")
    return key_id, counter, size


def derive_key(base_key: bytes, key_id: int, cipher: Callable[[bytes], Aead]) -> FrameKey:
    """RFC 9605 §4.4.2. `cipher` makes an AEAD of 16 bytes, for example cryptography's AESGCM."""
    if len(base_key) < KEY_BYTES:
        raise ValueError("a base key has at least 16 bytes")
    secret = hmac.digest(b"", base_key, "sha256")  # HKDF-Extract without salt (RFC 5869 §2.2)
    suffix = struct.pack("!QH", key_id, CIPHER_SUITE)
    key = _expand(secret, b"SFrame 1.0 Secret key " + suffix, KEY_BYTES)
    return FrameKey(key_id, cipher(key), _expand(secret, b"SFrame 1.0 Secret salt " + suffix, SALT_BYTES))


def seal(key: FrameKey, counter: int, metadata: bytes, plaintext: bytes) -> bytes:
    """Return header, ciphertext and tag. A counter is used once per key, ever: a repeated nonce gives the key away."""
    header = encode_header(key.id, counter)
    return header + key.aead.encrypt(key.nonce(counter), plaintext, header + metadata)


def clear_bytes(kind: FrameKind, frame: bytes) -> int:
    """How many bytes at the start of an encoded frame stay readable for packetizers and forwarders.

    SFrameError when the frame is shorter: no encoder makes one, and its reader could not tell where it ends.
    """
    size = CLEAR_AUDIO if kind == "audio" else CLEAR_DELTA_FRAME if frame[:1] and frame[0] & 1 else CLEAR_KEY_FRAME
    if len(frame) < size:
        raise SFrameError("the frame is cut short")
    return size


def seal_frame(key: FrameKey, counter: int, kind: FrameKind, frame: bytes) -> bytes:
    """[clear bytes][header][ciphertext][tag]; the clear bytes are authenticated."""
    clear = frame[: clear_bytes(kind, frame)]
    return clear + seal(key, counter, clear, frame[len(clear) :])


def open_frame(find_key: Callable[[int], FrameKey | None], kind: FrameKind, frame: bytes) -> Opened:
    """Undo `seal_frame`; SFrameError for a key we do not have and for whatever was not sealed with it."""
    clear = frame[: clear_bytes(kind, frame)]
    sealed = frame[len(clear) :]
    key_id, counter, size = decode_header(sealed)
    key = find_key(key_id)
    if key is None:
        raise SFrameError("no such key")
    if len(sealed) < size + TAG_BYTES:
        raise SFrameError("the frame is cut short")
    try:
        plaintext = key.aead.decrypt(key.nonce(counter), sealed[size:], sealed[:size] + clear)
    except Exception as error:  # each library has its own for a wrong tag
        raise SFrameError("not sealed with this key") from error
    return Opened(clear + plaintext, key_id, counter)


def _minimal(value: int) -> bytes:
    return value.to_bytes((value.bit_length() + 7) // 8)


def _expand(secret: bytes, info: bytes, size: int) -> bytes:
    """HKDF-Expand for at most one block (RFC 5869 §2.3)."""
    if size > hashlib.sha256().digest_size:
        raise ValueError("more than one block")
    return hmac.digest(secret, info + b"\x01", "sha256")[:size]
