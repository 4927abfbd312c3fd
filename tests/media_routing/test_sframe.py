"""RFC 9605's own vectors, and the frames that the browsers' twin seals (tests/js/lib/sframe.test.js)."""

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from media_routing import sframe

VECTORS = Path(__file__).resolve().parent.parent / "vectors"
INTEGERS = st.integers(0, sframe.MAX_INTEGER)


def _read(name: str) -> Any:
    return json.loads((VECTORS / f"{name}.json").read_text())


def test_headers_are_those_of_the_rfc() -> None:
    for vector in _read("rfc9605")["header"]:
        encoded = bytes.fromhex(vector["encoded"])
        assert sframe.encode_header(vector["kid"], vector["ctr"]) == encoded
        assert sframe.decode_header(encoded) == (vector["kid"], vector["ctr"], len(encoded))


def test_key_nonce_and_ciphertext_are_those_of_the_rfc() -> None:
    vector = {
        name: bytes.fromhex(value) for name, value in _read("rfc9605")["sframe"].items() if isinstance(value, str)
    }
    kid, ctr = (_read("rfc9605")["sframe"][name] for name in ("kid", "ctr"))
    key = sframe.derive_key(vector["base_key"], kid, AESGCM)
    assert (key.salt, key.nonce(ctr)) == (vector["sframe_salt"], vector["nonce"])
    assert sframe.seal(key, ctr, vector["metadata"], vector["pt"]) == vector["ct"]


def test_frames_are_those_of_the_browsers() -> None:
    twin = _read("frames")
    key = sframe.derive_key(bytes.fromhex(twin["base_key"]), twin["key_id"], AESGCM)
    for vector in twin["frames"]:
        frame, sealed = bytes.fromhex(vector["frame"]), bytes.fromhex(vector["sealed"])
        assert sframe.seal_frame(key, vector["counter"], vector["kind"], frame) == sealed
        assert sframe.open_frame(lambda _: key, vector["kind"], sealed) == sframe.Opened(
            frame, key.id, vector["counter"]
        )


@given(INTEGERS, INTEGERS, st.sampled_from(["audio", "video"]), st.binary(min_size=10, max_size=64))
def test_what_was_sealed_opens_and_a_flipped_bit_does_not(
    key_id: int, counter: int, kind: sframe.FrameKind, frame: bytes
) -> None:
    key = sframe.derive_key(b"k" * 16, key_id, AESGCM)
    sealed = sframe.seal_frame(key, counter, kind, frame)
    assert sframe.open_frame(lambda _: key, kind, sealed).frame == frame
    last = bytearray(sealed)
    last[-1] ^= 1
    with pytest.raises(sframe.SFrameError):
        sframe.open_frame(lambda _: key, kind, bytes(last))


@given(st.sampled_from(["audio", "video"]), st.binary(max_size=64))
def test_bytes_of_a_stranger_raise_one_exception(kind: sframe.FrameKind, frame: bytes) -> None:
    key = sframe.derive_key(b"k" * 16, 7, AESGCM)
    with pytest.raises(sframe.SFrameError):
        sframe.open_frame(lambda _: key, kind, frame)
