import base64
import os

import pytest

from telemed.vault.keyring import DecryptionError, KeyRing, KeyRingError, key_id_of, parse_field_keys

OLD, NEW = bytes(range(0, 256, 8)), bytes(reversed(range(3, 256, 8)))


def _ring(*keys: tuple[str, bytes]) -> KeyRing:
    return KeyRing(keys or [("k1", OLD)])


def _item(key_id: str = "k1", key: bytes | None = None) -> str:
    return f"{key_id}:{base64.b64encode(os.urandom(32) if key is None else key).decode()}"


def test_it_round_trips_any_text() -> None:
    for text in ("a", "Zoë Åström 🩺", "x" * 100_000, "k1:looks like ciphertext", "\x00"):
        assert _ring().decrypt(_ring().encrypt(text, "a.B.c"), "a.B.c") == text


def test_the_same_text_never_looks_the_same_twice() -> None:
    assert len({_ring().encrypt("same", "a.B.c") for _ in range(100)}) == 100


def test_the_stored_form_is_key_id_and_base64() -> None:
    key_id, encoded = _ring().encrypt("text", "a.B.c").split(":")
    assert key_id == "k1"
    assert len(base64.b64decode(encoded, validate=True)) == 12 + 4 + 16


def test_a_value_of_another_field_does_not_decrypt() -> None:
    with pytest.raises(DecryptionError, match="belongs to another field"):
        _ring().decrypt(_ring().encrypt("text", "patients.Patient.email"), "patients.Patient.phone")


def test_every_flipped_bit_is_noticed() -> None:
    key_id, encoded = _ring().encrypt("text", "a.B.c").split(":")
    raw = base64.b64decode(encoded)
    for position in range(len(raw) * 8):
        changed = bytearray(raw)
        changed[position // 8] ^= 1 << position % 8
        with pytest.raises(DecryptionError):
            _ring().decrypt(f"{key_id}:{base64.b64encode(changed).decode()}", "a.B.c")


@pytest.mark.parametrize("stored", ["plain text", "k1:", "k1:!!!", "k1:AAAA", "k9:AAAA", ":", "Paul: my friend"])
def test_junk_raises_without_being_shown(stored: str) -> None:
    with pytest.raises(DecryptionError) as caught:
        _ring().decrypt(stored, "a.B.c")
    assert "Paul" not in str(caught.value)


def test_relabelling_the_key_id_is_noticed() -> None:
    ring = _ring(("k1", OLD), ("k2", OLD))  # the same key under two names
    with pytest.raises(DecryptionError):
        ring.decrypt("k2:" + ring.encrypt("text", "a.B.c").split(":")[1], "a.B.c")


def test_the_first_key_encrypts_and_all_decrypt() -> None:
    stored = _ring(("old", OLD)).encrypt("text", "a.B.c")
    both = _ring(("new", NEW), ("old", OLD))
    assert both.decrypt(stored, "a.B.c") == "text"
    assert key_id_of(both.encrypt("text", "a.B.c")) == "new"
    with pytest.raises(DecryptionError, match="names no key"):
        _ring(("new", NEW)).decrypt(stored, "a.B.c")


@pytest.mark.parametrize(
    "items",
    [
        [],
        "k1:AAAA",
        ["no colon"],
        [":" + base64.b64encode(OLD).decode()],
        ["UPPER:" + base64.b64encode(OLD).decode()],
        ["k1:not base64 !"],
        [_item("twice"), _item("twice")],
    ],
)
def test_malformed_keys_are_refused(items: list[str]) -> None:
    with pytest.raises(KeyRingError) as caught:
        parse_field_keys(items)
    assert caught.value.code == "malformed"


@pytest.mark.parametrize(
    "key",
    [
        b"",
        os.urandom(16),
        os.urandom(33),
        bytes(32),
        b"changeme" * 4,
        b"this-is-my-very-secret-key-12345",
        bytes(range(32)),
        bytes(range(0, 256, 8)),
        os.urandom(8) * 4,
    ],
)
def test_short_and_guessable_keys_are_refused_without_being_shown(key: bytes) -> None:
    item = _item("k1", key)
    with pytest.raises(KeyRingError) as caught:
        parse_field_keys([item])
    assert caught.value.code == "weak"
    assert item.split(":")[1] not in str(caught.value) or not key


def test_random_keys_pass_in_every_base64_dress() -> None:
    for _ in range(300):
        parse_field_keys([_item()])
    key = b"\xfb\xff" + os.urandom(30)
    for encoded in (base64.b64encode(key), base64.urlsafe_b64encode(key), base64.urlsafe_b64encode(key).rstrip(b"=")):
        parse_field_keys([f"k1:{encoded.decode()}"])
